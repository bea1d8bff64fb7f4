"""The city's table: which danger, in which area, at which grade or value, suggests which evacuation information.

A `Rule` is one row. `steps` says what is suggested at which grade; a grade without a step suggests nothing (level 2
is shown and nothing more). A rule for what was observed once (shaking, 線状降水帯) has `happened` instead of steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bosai.feeds.changes import Standing
from bosai.feeds.readings import Danger, Grade, System
from bosai.model.alert import OrderKind
from geodata.hazards import HazardKind

SHAKING_SCALE: tuple[str, ...] = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
"""震度 as JMA writes it, weakest first."""
NOT_RECEIVED = "未入電"
"""No value has come from a place where at least 震度5弱 is assumed (VXSE53)."""


def shaking_rank(value: str) -> int:
    """Place of a 震度 on the scale; 未入電 (震度５弱以上未入電) counts as 5弱, anything unknown as below all."""
    if NOT_RECEIVED in value:
        return SHAKING_SCALE.index("5-")
    return SHAKING_SCALE.index(value) if value in SHAKING_SCALE else -1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is suggested at one grade. `kind` None: HQ shall look, there is nothing to draft. `texts`: a prepared text.

    `zones`: keys of the ZoneCatalogue, with "{code}" for the area's code; None: the rule's.
    """

    kind: OrderKind | None = None
    texts: str = ""
    zones: tuple[str, ...] | None = None
    note: str = ""


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """What a standing danger asks for by the table: the name of the rule, and what would answer it."""

    name: str
    hazard: HazardKind
    kind: OrderKind
    zones: tuple[str, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `merge`: areas of one telegram that suggest the same become one proposal with all their zones.

    `layer` "" is any. `at_least` (震度) or `values` (JMA's words, told by containment) select happenings; `note_from`
    (震度) is where `strong_note` is added. `doubted_by`: codes of 固定付加文 under which HQ is told to think twice
    (津波の心配はありません). `yields_to`: names of rows whose calls make this row's superfluous while they stand.
    """

    name: str
    system: System
    danger: Danger
    hazard: HazardKind
    areas: tuple[str, ...]
    layer: str = ""
    merge: bool = True
    zones: tuple[str, ...] = ()
    note: str = ""
    steps: Mapping[Grade, Step] = {}
    happened: Step | None = None
    at_least: str = ""
    values: tuple[str, ...] = ()
    note_from: str = ""
    strong_note: str = ""
    doubted_by: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    forecasts: bool = False

    def step(self, grade: Grade) -> Step | None:
        """What is suggested at this grade; None for nothing, and for a grade that could not be read."""
        return self.steps.get(grade)

    def zones_at(self, grade: Grade, code: str) -> tuple[str, ...]:
        """The zones for one area at this grade; () where the grade suggests nothing or HQ has to choose."""
        step = self.step(grade)
        return () if step is None else self.zones_of(step, code)

    def zones_of(self, step: Step, code: str) -> tuple[str, ...]:
        """The zones of a step for one area."""
        templates = self.zones if step.zones is None else step.zones
        return tuple(dict.fromkeys(one.replace("{code}", code) for one in templates))

    def concerns(self, system: System, code: str, layer: str) -> bool:
        """Whether an area of a telegram is one of this row."""
        return system is self.system and code in self.areas and self.layer in {"", layer}

    def met_by(self, value: str) -> bool:
        """Whether what was observed is enough for this row."""
        if self.at_least:
            return shaking_rank(value) >= shaking_rank(self.at_least)
        return any(one in value for one in self.values)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table."""

    rules: tuple[Rule, ...] = ()

    def needing(self, standing: Standing) -> tuple[Needed, ...]:
        """What the table asks of the city while this stands: nothing where only HQ's eyes are asked for."""
        kind = standing.kind
        found = []
        for rule in self.rules:
            if rule.danger is not kind.danger or not rule.concerns(
                standing.system, standing.code, standing.layer
            ):
                continue
            step = rule.step(kind.grade)
            if step is not None and step.kind is not None:
                zones = rule.zones_of(step, standing.code)
                found.append(Needed(name=rule.name, hazard=rule.hazard, kind=step.kind, zones=zones))
        return tuple(found)

    @property
    def texts(self) -> frozenset[str]:
        """Every prepared text that the table names."""
        steps = [step for rule in self.rules for step in (*rule.steps.values(), rule.happened) if step]
        return frozenset(one.texts for one in steps if one.texts)
