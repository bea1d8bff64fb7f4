"""[proposals]: the table from what is announced to what HQ is asked to consider, typed once at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from bosai.feeds.proposal_rules import SHAKING_SCALE, Rule, Rules, Step
from bosai.feeds.readings import LEVELLED, Danger, Grade, System
from bosai.model.alert import LEVELLED_HAZARDS, OrderKind
from bosai.settings_base import Section, Text
from geodata.hazards import HazardKind

if TYPE_CHECKING:
    from bosai.settings_schema import Settings

_LEGAL = {
    HazardKind.TSUNAMI: {OrderKind.TSUNAMI_EVACUATION, OrderKind.NOTICE},
    **{
        one: {OrderKind.ELDERLY_ETC, OrderKind.EVACUATE, OrderKind.EMERGENCY_SAFETY, OrderKind.NOTICE}
        for one in LEVELLED_HAZARDS
    },
}
_OTHERS = {OrderKind.EVACUATE, OrderKind.NOTICE}
NEVER_AN_EVACUATION = frozenset({Danger.LATER_QUAKE})


class StepFigures(Section, frozen=True, kw_only=True):
    """What one grade suggests. Without `kind` HQ is asked to look."""

    kind: OrderKind | None = None
    texts: str = ""
    zones: tuple[Text, ...] | None = None
    note: str = ""


class RuleFigures(Section, frozen=True, kw_only=True):
    """One row of the table; see settings.toml."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    system: System
    danger: Danger
    hazard: HazardKind
    areas: tuple[Text, ...]
    layer: str = ""
    merge: bool = True
    zones: tuple[Text, ...] = ()
    zones_by_tsunami_class: bool = False
    note: str = ""
    advisory: StepFigures | None = None
    warning: StepFigures | None = None
    urgent: StepFigures | None = None
    emergency: StepFigures | None = None
    happened: StepFigures | None = None
    at_least: str = ""
    values: tuple[Text, ...] = ()
    note_from: str = ""
    strong_note: str = ""
    doubted_by: tuple[Text, ...] = ()
    yields_to: tuple[Text, ...] = ()
    forecasts: bool = False

    def __post_init__(self) -> None:
        steps = {
            name: step
            for name in ("advisory", "warning", "urgent", "emergency", "happened")
            if (step := getattr(self, name)) is not None
        }
        if not steps:
            raise ValueError(f"the rule {self.name} suggests nothing: give it warning, urgent, … or happened")
        legal = _LEGAL.get(self.hazard, _OTHERS)
        for name, step in steps.items():
            if step.kind is not None and step.kind not in legal:
                raise ValueError(
                    f"the rule {self.name} suggests {step.kind} for {self.hazard}, which does not go together"
                )
            if step.kind is not None and self.danger in NEVER_AN_EVACUATION:
                raise ValueError(
                    f"the rule {self.name} suggests {step.kind} for {self.danger}, which is never a call to leave"
                )
            if name == "advisory" and self.danger in LEVELLED and step.kind is not None:
                raise ValueError(
                    f"the rule {self.name} suggests {step.kind} at level 2: only people issue 3 to 5"
                )
        for field in ("at_least", "note_from"):
            value = getattr(self, field)
            if value and value not in SHAKING_SCALE:
                raise ValueError(f"{field} must be one of {', '.join(SHAKING_SCALE)}, not {value!r}")
        if self.happened is not None and not (self.at_least or self.values):
            raise ValueError(f"the rule {self.name} needs at_least (震度) or values to know what happened")
        if self.happened is None and (self.at_least or self.values):
            raise ValueError(f"the rule {self.name} says what must happen, but not what is suggested then")
        if not self.areas and not self.zones_by_tsunami_class:
            raise ValueError(f"the rule {self.name} names no areas")


class Proposals(Section, frozen=True):
    """The table. A file of the city's own replaces it as a whole."""

    rules: tuple[RuleFigures, ...]

    def __post_init__(self) -> None:
        names = [one.name for one in self.rules]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"rules must have a name of their own, {', '.join(twice)} is there twice")
        for one in self.rules:
            unknown = sorted(set(one.yields_to) - set(names))
            if unknown:
                raise ValueError(f"yields_to of the rule {one.name} names no rule, {', '.join(unknown)}")


def rules_of(settings: Settings) -> Rules:
    """The table as proposals are made from it; tsunami zones and coast come from [tsunami] and [feeds]."""
    return Rules(rules=tuple(_rule(one, settings) for one in settings.proposals.rules))


def _rule(one: RuleFigures, settings: Settings) -> Rule:
    by_class = {
        Grade.ADVISORY: settings.tsunami.zones_advisory,
        Grade.WARNING: settings.tsunami.zones_warning,
        Grade.EMERGENCY: settings.tsunami.zones_major_warning,
    }
    figures = {
        Grade.ADVISORY: one.advisory,
        Grade.WARNING: one.warning,
        Grade.URGENT: one.urgent,
        Grade.EMERGENCY: one.emergency,
    }
    steps = {}
    for grade, given in figures.items():
        if given is None:
            continue
        zones = given.zones
        if one.zones_by_tsunami_class and zones is None:
            zones = tuple(f"tsunami:{zone}" for zone in by_class.get(grade, ()))
        steps[grade] = _step(given, zones)
    return Rule(
        name=one.name,
        system=one.system,
        danger=one.danger,
        hazard=one.hazard,
        areas=one.areas or (settings.feeds.jma_tsunami_area,),
        layer=one.layer,
        merge=one.merge,
        zones=one.zones,
        note=one.note,
        steps=steps,
        happened=None if one.happened is None else _step(one.happened, one.happened.zones),
        at_least=one.at_least,
        values=one.values,
        note_from=one.note_from,
        strong_note=one.strong_note,
        doubted_by=one.doubted_by,
        yields_to=one.yields_to,
        forecasts=one.forecasts,
    )


def _step(given: StepFigures, zones: tuple[str, ...] | None) -> Step:
    return Step(kind=given.kind, texts=given.texts, zones=zones, note=given.note)
