"""A way on foot as sentences, one a step: which way to turn, what to walk on, how far.

Step codes (geodata.route_steps) ─▶ StepText(text, name): the name of a road is Japanese in every language and is
marked so by whoever shows it. Nothing here knows where the way leads from.
"""

from typing import NamedTuple

from bosai.messages.catalogue import text
from geodata.route_steps import Step, StepKind, Turn

GAP_TOLD_M = 15.0
"""A place nearer to its road than this stands at the road."""

OPEN_GROUND = frozenset(
    {StepKind.ROAD, StepKind.MAIN_ROAD, StepKind.SERVICE, StepKind.FOOTWAY, StepKind.UNKNOWN}
)
"""Grounds whose name says more than their kind; stairs and bridges are named beside it."""


class StepText(NamedTuple):
    """One sentence; `name`: what of it is Japanese whatever the language ("" = nothing)."""

    text: str
    name: str

    def parts(self) -> list[tuple[str, bool]]:
        """(words, are they the Japanese name), in order, for whoever marks languages."""
        if not self.name or self.name not in self.text:
            return [(self.text, False)]
        before, _, after = self.text.partition(self.name)
        return [part for part in ((before, False), (self.name, True), (after, False)) if part[0]]


def step_texts(step: Step, place: str, *, lang: str) -> list[StepText]:
    """What is said at one step: the way to the road first, where the road is not at the door.

    place: the name of the destination, "" for a way that only leads out of an area.
    """
    if step.turn is Turn.ARRIVE:
        return [_arrival(step, place, lang)]
    facts = {
        "way": way_text(step.kind, step.name, lang, name_en=step.name_en),
        "distance": walked_text(step.metres),
    }
    if step.turn is Turn.START:
        facts["direction"] = text(f"resident.{step.compass}", lang)
    said = StepText(text(f"maps.route.{step.turn}", lang, **facts), step.name)
    if step.turn is not Turn.START or step.gap_m < GAP_TOLD_M:
        return [said]
    return [StepText(text("maps.route.gap_start", lang, distance=walked_text(step.gap_m)), ""), said]


def way_text(kind: StepKind, name: str, lang: str, *, name_en: str = "") -> str:
    """What is walked on: its name where it has one, with what it is where that matters."""
    ground = text(f"maps.route.way.{kind}", lang)
    if not name:
        return ground
    beside = [name_en] if name_en and not lang.startswith("ja") else []
    beside += [] if kind in OPEN_GROUND else [ground]
    if not beside:
        return name
    return f"{name}（{'、'.join(beside)}）" if lang.startswith("ja") else f"{name} ({', '.join(beside)})"


def _arrival(step: Step, place: str, lang: str) -> StepText:
    if not place:
        return StepText(text("maps.route.arrive_out", lang), "")
    said = text(f"maps.route.arrive_{step.side}" if step.side else "maps.route.arrive", lang, place=place)
    if step.gap_m >= GAP_TOLD_M:
        joint = "、" if lang.startswith("ja") else "，" if lang.startswith("zh") else ", "
        said += joint + text("maps.route.gap_end", lang, distance=walked_text(step.gap_m))
    return StepText(said, place)


def total_text(metres: float, minutes: int, *, lang: str) -> str:
    """The whole way in one line."""
    return text("maps.route.total", lang, distance=walked_text(metres), minutes=minutes)


def walked_text(metres: float) -> str:
    """Metres as a walker counts them: to 10 m below 200 m, to 50 m below 1 km, to 0.1 km above."""
    if metres < 195:
        return f"{max(10, round(metres / 10) * 10)}m"
    if metres < 975:
        return f"{round(metres / 50) * 50}m"
    return f"{metres / 1000:.1f}km"
