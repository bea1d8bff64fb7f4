"""What one telegram did to the areas of one row of the table: before, after, and whether HQ would act on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bosai.feeds.changes import Change, ChangeKind, Standing
from bosai.feeds.proposal_rules import Rule
from bosai.feeds.readings import Danger, Expected, Grade, Kind

TELLING = frozenset({"arrival", "height", "expected"})
"""What is new at the same grade and changes what HQ would write."""
LEVEL_4 = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One area of a row: what stood before the telegram and what stands after it."""

    code: str
    name: str
    before: Grade
    after: Grade
    after_kind: Kind | None
    standing: Standing | None
    change: Change | None
    forecast: tuple[Expected, ...] = ()

    @property
    def is_unclear(self) -> bool:
        """True where the telegram could not be read for this area."""
        return self.change is not None and self.change.kind is ChangeKind.UNCLEAR

    @property
    def is_new(self) -> bool:
        """True where the telegram says something that HQ would act on."""
        if self.forecast:
            return True
        if self.change is None:
            return False
        if self.change.kind is ChangeKind.DETAIL:
            return bool(TELLING & set(self.change.details))
        return self.change.kind in {ChangeKind.RAISED, ChangeKind.LOWERED}


def spots_of(rule: Rule, changes: Sequence[Change], standing: Sequence[Standing]) -> list[Spot]:
    """One spot for each area of the row, in its order."""
    touched: dict[str, Change] = {}
    awaited: dict[str, tuple[Expected, ...]] = {}
    for one in changes:
        code = named_by(rule, one)
        if code is None:
            continue
        if one.forecast is not None:
            awaited[code] = tuple(e for e in one.forecast.expected if (e.level or 0) >= LEVEL_4)
        elif code not in touched or one.grade_after > touched[code].grade_after:
            touched[code] = one
    stands = {
        one.code: one
        for one in sorted(standing, key=lambda s: s.kind.grade)
        if one.kind.danger is rule.danger and rule.concerns(one.system, one.code, one.layer)
    }
    return [_spot(code, touched.get(code), stands.get(code), awaited.get(code, ())) for code in rule.areas]


def _spot(code: str, change: Change | None, standing: Standing | None, awaited: tuple[Expected, ...]) -> Spot:
    now = change.after if change is not None else standing
    before = (change.before if change is not None else standing) or None
    grade = Grade.NONE if before is None else before.kind.grade
    # What JMA says it lifts counts though we never heard of it. What it says was there before what is in force now does
    # not: for us it is new, and whatever answers new danger has not been done.
    if change is not None and before is None and change.kind is ChangeKind.LIFTED:
        stated = _stated(change)
        grade = (stated.last_grade if stated is not None else None) or Grade.NONE
    named = now or before
    after = Grade.NONE if now is None else now.kind.grade
    name = named.name if named is not None else (change.area.name if change and change.area else "")
    return Spot(
        code=code,
        name=name,
        before=grade,
        after=after,
        after_kind=None if now is None else now.kind,
        standing=now,
        change=change,
        # From level 4 on what was expected is there.
        forecast=awaited if after < Grade.URGENT else (),
    )


def named_by(rule: Rule, change: Change) -> str | None:
    """The code of the row's area that a change is about; None where it is about none."""
    if change.kind is ChangeKind.HAPPENED or change.happening is not None:
        return None
    if (awaited := change.forecast) is not None:
        is_ours = (
            awaited.danger is rule.danger and awaited.system is rule.system and awaited.code in rule.areas
        )
        return awaited.code if is_ours and change.kind is ChangeKind.EXPECTED else None
    stands = change.after or change.before
    if stands is not None:
        is_ours = stands.kind.danger is rule.danger and rule.concerns(
            stands.system, stands.code, stands.layer
        )
        return stands.code if is_ours else None
    area = change.area
    if area is None or not rule.concerns(area.system, area.code, area.layer):
        return None
    # Neither before nor after: a lift of what was never seen, or a code that could not be read.
    stated = [one for one in area.kinds if one.danger is rule.danger]
    return area.code if stated else None


def _stated(change: Change) -> Kind | None:
    """The kind as the telegram has it: for a lift it stands there with its own code."""
    if change.area is None:
        return None if change.after is None else change.after.kind
    danger = next((one.kind.danger for one in (change.after, change.before) if one is not None), None)
    kinds = [one for one in change.area.kinds if danger in {None, one.danger}]
    return max(kinds, key=lambda one: one.last_grade or Grade.NONE, default=None)


def is_ended(rule: Rule, spot: Spot) -> bool:
    """True where what the row asked for is asked for no more."""
    change = spot.change
    if change is None or change.kind not in {ChangeKind.LIFTED, ChangeKind.LOWERED, ChangeKind.RECALLED}:
        return False
    if rule.step(spot.before) is not None or spot.before is Grade.UNKNOWN:
        return True
    # A tsunami's 解除 is told even when nothing was heard of what it lifts: the service may have started meanwhile.
    unseen = change.kind is ChangeKind.LIFTED and change.stated and change.before is None
    return unseen and rule.danger is Danger.TSUNAMI and spot.before is Grade.NONE


def kind_read(spot: Spot) -> Kind | None:
    """The kind as the telegram gives it, in force or not."""
    return spot.after_kind or (_stated(spot.change) if spot.change is not None else None)
