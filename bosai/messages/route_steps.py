"""A way on foot as sentences, one a step: which way to turn, what to walk on, how far.

Step codes (geodata.routes) ─▶ StepText(text, name): the name of a road is Japanese in every language and is marked so
by whoever shows it. Nothing here knows where the way leads from.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from bosai.messages.catalogue import text


class Turn(StrEnum):
    """What to do where a step begins."""

    START = "start"
    STRAIGHT = "straight"
    SLIGHT_LEFT = "slight_left"
    SLIGHT_RIGHT = "slight_right"
    LEFT = "left"
    RIGHT = "right"
    SHARP_LEFT = "sharp_left"
    SHARP_RIGHT = "sharp_right"
    U_TURN = "u_turn"


class Ground(StrEnum):
    """What a step is walked on."""

    ROAD = "road"
    MAIN_ROAD = "main_road"
    SERVICE = "service"
    FOOTWAY = "footway"
    STAIRS = "stairs"
    BRIDGE = "bridge"
    TUNNEL = "tunnel"
    UNDERPASS = "underpass"
    FORD = "ford"
    INDOOR = "indoor"
    OFF_NETWORK = "off_network"


class Arrival(StrEnum):
    """Where the destination lies at the end; OUT: there is none, the way leads out of the area."""

    PLAIN = "arrive"
    LEFT = "arrive_left"
    RIGHT = "arrive_right"
    AHEAD = "arrive_ahead"
    OUT = "arrive_out"


OPEN_GROUND = frozenset({Ground.ROAD, Ground.MAIN_ROAD, Ground.SERVICE, Ground.FOOTWAY})
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


def step_text(
    turn: Turn, ground: Ground, metres: float, *, lang: str, compass: str = "", name: str = ""
) -> StepText:
    """ "Turn right: 広瀬通, 350 m". compass: one of measures.COMPASS, needed to start."""
    facts = {"way": way_text(ground, name, lang), "distance": walked_text(metres)}
    if turn is Turn.START:
        facts["direction"] = text(f"resident.{compass}", lang)
    return StepText(text(f"maps.route.{turn}", lang, **facts), name)


def way_text(ground: Ground, name: str, lang: str) -> str:
    """What is walked on: its name where it has one, with what it is where that matters."""
    kind = text(f"maps.route.way.{ground}", lang)
    if not name:
        return kind
    if ground in OPEN_GROUND:
        return name
    return f"{name}（{kind}）" if lang.startswith(("ja", "zh")) else f"{name} ({kind})"


def arrival_text(arrival: Arrival, place: str, *, lang: str, gap_m: float = 0.0) -> StepText:
    """The last sentence. gap_m: how far from the road the destination is; below 15 m nobody needs to hear it."""
    if arrival is Arrival.OUT:
        return StepText(text("maps.route.arrive_out", lang), "")
    said = text(f"maps.route.{arrival}", lang, place=place)
    if gap_m >= GAP_TOLD_M:
        joint = "、" if lang.startswith("ja") else "，" if lang.startswith("zh") else ", "
        said += joint + text("maps.route.gap_end", lang, distance=walked_text(gap_m))
    return StepText(said, place)


def approach_text(gap_m: float, *, lang: str) -> StepText | None:
    """The first sentence where the way begins off the road; None where the road is at the door."""
    if gap_m < GAP_TOLD_M:
        return None
    return StepText(text("maps.route.gap_start", lang, distance=walked_text(gap_m)), "")


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


GAP_TOLD_M = 15.0


def joined(steps: Sequence[StepText]) -> str:
    """The steps as one text, one a line."""
    return "\n".join(one.text for one in steps)
