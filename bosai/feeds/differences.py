"""How what is in force in one scope differs before and after a telegram, one change for each danger of each area."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bosai.feeds.changes import Change, ChangeKind, Standing
from bosai.feeds.jma.envelope import InfoType, TelegramSource
from bosai.feeds.readings import Area, Danger, FirstHeight, Grade, Kind, MaxHeight, Reading, System

Key = tuple[System, str, Danger]
Standings = Mapping[Key, Standing]


def gravest(reading: Reading | None) -> dict[Key, tuple[Area, Kind]]:
    """The gravest kind of each danger in each area, lifted ones too; of two alike the first named."""
    found: dict[Key, tuple[Area, Kind]] = {}
    for area in reading.areas if reading is not None else ():
        for kind in area.kinds:
            key = (area.system, area.code, kind.danger)
            if key not in found or kind.grade > found[key][1].grade:
                found[key] = (area, kind)
    return found


def is_lifting(kind: Kind) -> bool:
    """True for a stated 解除: also 津波予報 (72) where 津波注意報 (62) was."""
    if kind.grade.is_in_force:
        return False
    return kind.lifted or (kind.last_grade is not None and kind.last_grade.is_in_force)


def differences(
    source: TelegramSource, old: Reading | None, new: Reading | None, stood: Standings, stands: Standings
) -> Iterator[Change]:
    """The changes that `source` made in a scope whose reading was `old` and is `new` (None: nothing, or withdrawn).

    `stood` and `stands` are what was and is in force over all scopes: two may speak of one area (rivers that both
    name their prefecture), and the 解除 of one does not lift what the other has in force.
    """
    was, now = gravest(old), gravest(new)
    recalled = new is None or source.info_type is InfoType.CORRECTED
    areas = {(area.system, area.code): area for area in (new.areas if new is not None else ())}
    for key in dict.fromkeys((*was, *now)):
        area, kind = now.get(key, (areas.get(key[:2]), None))
        told = key in was and is_lifting(was[key][1])
        change = _change(source, stood.get(key), stands.get(key), area, kind, recalled=recalled, told=told)
        if change is not None:
            yield change


def changed_details(before: Kind, after: Kind) -> tuple[str, ...]:
    """What differs between two kinds of one grade."""
    pairs = (
        ("arrival", (before.first_height or FirstHeight()) != (after.first_height or FirstHeight())),
        ("height", (before.max_height or MaxHeight()) != (after.max_height or MaxHeight())),
        ("expected", before.expected != after.expected),
        ("conditions", before.conditions != after.conditions),
        ("code", before.code != after.code),
    )
    return tuple(name for name, differs in pairs if differs)


def _change(
    source: TelegramSource,
    before: Standing | None,
    after: Standing | None,
    area: Area | None,
    kind: Kind | None,
    *,
    recalled: bool,
    told: bool,
) -> Change | None:
    if after is not None:
        return _standing_change(source, before, after, area)
    lifted = kind is not None and is_lifting(kind)
    if before is not None and not lifted and recalled:
        return Change(kind=ChangeKind.RECALLED, source=source, before=before, area=area)
    # A stated 解除 is told even when we never saw what it lifts: the service may have started meanwhile.
    if before is not None or (lifted and not told):
        stated = lifted or (area is not None and not area.kinds)
        return Change(kind=ChangeKind.LIFTED, source=source, before=before, area=area, stated=stated)
    return None


def _standing_change(
    source: TelegramSource, before: Standing | None, after: Standing, area: Area | None
) -> Change | None:
    was = Grade.NONE if before is None else before.kind.grade
    now = after.kind.grade
    details: tuple[str, ...] = ()
    if before is not None and was == now:
        details = changed_details(before.kind, after.kind)
        if not details:
            return None
    if now is Grade.UNKNOWN:
        kind = ChangeKind.UNCLEAR
    elif was == now:
        kind = ChangeKind.DETAIL
    elif (
        was is Grade.UNKNOWN or now > was
    ):  # whatever could not be told before: a graver one must not be missed
        kind = ChangeKind.RAISED
    else:
        kind = ChangeKind.LOWERED
    return Change(kind=kind, source=source, before=before, after=after, area=area, details=details)


def forecast_changes(source: TelegramSource, old: Reading | None, new: Reading | None) -> Iterator[Change]:
    """EXPECTED for each forecast that is new or another; `expected` is () where nothing is expected any more."""
    had = {(one.system, one.code, one.danger): one for one in (old.forecasts if old is not None else ())}
    has = {(one.system, one.code, one.danger): one for one in (new.forecasts if new is not None else ())}
    for key, one in has.items():
        if one.expected != (had[key].expected if key in had else ()):
            yield Change(kind=ChangeKind.EXPECTED, source=source, forecast=one)
    for key, one in had.items():
        if key not in has and one.expected:
            gone = msgspec.structs.replace(one, expected=())
            yield Change(kind=ChangeKind.EXPECTED, source=source, forecast=gone)
