"""What 気象庁 has in force, as a pure fold over readings that may come late, twice or in any order.

    (state, reading) ─ fold ─▶ (state, changes)

Each reading of a scope states the whole scope, so the newest wins as a whole; a 訂正 is a newer one, a 取消 withdraws
the readings of its type and event. The state keeps, for each scope, the newest reading and the times of those since
the oldest spell began (bosai.feeds.timeline). Because only "newest" and "between" matter, any order of arrival ends in
the same state. Two scopes may speak of one area: the gravest holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from bosai.feeds.changes import Change, ChangeKind, IgnoredReason, Standing
from bosai.feeds.differences import Key, differences, forecast_changes, gravest
from bosai.feeds.happened import Happened, recalled_happenings, with_happened
from bosai.feeds.jma.envelope import TelegramSource
from bosai.feeds.readings import Forecast, Reading
from bosai.feeds.realms import RealmName, is_accepted
from bosai.feeds.recalls import Recalls, cuts, family_of, is_withdrawn, with_recall
from bosai.feeds.timeline import Grades, Order, Timeline, begins, pruned, spell_entries, with_entry

WeatherFamily = Literal["r06", "legacy"]

COLLECTION = "VPWS50"  # repeats what VPWW55–61 say: withdrawing it leaves what those said
TAKEN_OVER_BY_LEGACY = (
    "VPWW55",
    "VPWW56",
    "VPWW57",
    "VPWW58",
    "VPWW59",
    "VPWW60",
    "VPWW61",
    COLLECTION,
    "VPBS50",
)
"""Types that say what the legacy ones say too: where the setting declares the legacy ones, these are left."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """One scope: its newest reading, and when grades began.

    `beneath` is the newest reading below a collection, which holds when the collection is withdrawn.
    """

    newest: Reading
    beneath: Reading | None = None
    timeline: Timeline = ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force on one side. Serialisable; start with `State(realm=…)`.

    `family` is the one of the two families of weather telegrams that is acted on (domain §2.2).
    """

    realm: RealmName
    family: WeatherFamily = "r06"
    scopes: dict[str, Scope] = {}
    recalls: dict[str, tuple[TelegramSource, ...]] = {}
    happened: dict[str, tuple[Happened, ...]] = {}


def fold(state: State, reading: Reading) -> tuple[State, tuple[Change, ...] | IgnoredReason]:
    """The state after a reading and what it changed, or why it changed nothing.

    A reading that came late changes nothing but may show that a grade began earlier: `since` moves back.
    """
    source = reading.source
    if not is_accepted(source.status, state.realm):
        return state, IgnoredReason.STATUS
    if not _is_of_family(reading, state.family):
        return state, IgnoredReason.OTHER_FAMILY
    if reading.is_cancellation:
        return _recall(state, source)
    name = scope_of(reading)
    if not name and not reading.happenings:
        return state, ()
    changes: list[Change] = []
    ignored: IgnoredReason | None = None
    after = state
    if name:
        # What happened is remembered apart, and areas without a scope are for showing: others say when they end.
        areas = reading.areas if reading.scope else ()
        after, found = _replace(after, name, msgspec.structs.replace(reading, areas=areas, happenings=()))
        if isinstance(found, IgnoredReason):
            ignored = found
        else:
            changes += found
    if reading.happenings:
        seen = with_happened(after.happened, reading)
        if isinstance(seen, IgnoredReason):
            ignored = ignored or seen
        elif not is_withdrawn(source, after.recalls):
            changes += [
                Change(kind=ChangeKind.HAPPENED, source=source, happening=one) for one in reading.happenings
            ]
        else:
            ignored = IgnoredReason.LATE
        if not isinstance(seen, IgnoredReason):
            after = msgspec.structs.replace(after, happened=seen)
    if ignored is not None and not changes:
        return after, ignored
    return after, tuple(changes)


def fold_all(state: State, readings: Iterable[Reading]) -> tuple[State, tuple[Change, ...]]:
    """`fold` for each in turn, changes in order."""
    changes: list[Change] = []
    for reading in readings:
        state, found = fold(state, reading)
        if not isinstance(found, IgnoredReason):
            changes += found
    return state, tuple(changes)


def in_force(state: State) -> tuple[Standing, ...]:
    """Everything in force, by system, code and danger."""
    return tuple(one for _, one in sorted(standings(state).items()))


def forecasts(state: State) -> tuple[Forecast, ...]:
    """What 気象庁 expects (時系列情報), of the newest telegrams."""
    holding = (holds(scope, state.recalls) for _, scope in sorted(state.scopes.items()))
    return tuple(one for reading in holding if reading is not None for one in reading.forecasts)


def standings(state: State) -> dict[Key, Standing]:
    """What is in force by area and danger: the gravest over all scopes, of two alike the older."""
    found: dict[Key, Standing] = {}
    for name, scope in sorted(state.scopes.items()):
        for standing in _standings_of(name, scope, state.recalls):
            other = found.get(standing.key)
            if other is None or _weight(standing) > _weight(other):
                found[standing.key] = standing
    return found


def rests_on(state: State) -> frozenset[str]:
    """Keys of the telegrams from which what is in force, and since when, can be told again."""
    keys: set[str] = set()
    for name, scope in state.scopes.items():
        readings = [one for one in (scope.newest, scope.beneath) if one is not None]
        keys |= {one.source.key for one in readings}
        keys |= {one.key for one in spell_entries(scope.timeline, _cuts(name, state.recalls))}
        first = min(scope.timeline[0].source.order, *(one.source.order for one in readings))
        for family in _families(name):
            keys |= {one.key for one in state.recalls.get(family, ()) if one.order > first}
    return frozenset(keys)


def scope_of(reading: Reading) -> str:
    """What a newer reading replaces; a telegram that only forecasts replaces the one of its type before.

    Of its office where it bears no event id: those of an event speak for the nation, whichever office stands in.
    """
    source = reading.source
    if reading.scope or not reading.forecasts:
        return reading.scope
    return f"{source.type_code}" if source.event_ids else f"{source.type_code}/{source.editorial_office}"


def holds(scope: Scope, recalls: Recalls) -> Reading | None:
    """The reading of a scope that holds now; None when it was withdrawn."""
    if not is_withdrawn(scope.newest.source, recalls):
        return scope.newest
    beneath = scope.beneath
    return None if beneath is None or is_withdrawn(beneath.source, recalls) else beneath


def _replace(state: State, name: str, reading: Reading) -> tuple[State, tuple[Change, ...] | IgnoredReason]:
    source, scope = reading.source, state.scopes.get(name)
    if scope is not None and any(entry.source.key == source.key for entry in scope.timeline):
        return state, IgnoredReason.DUPLICATE
    grades = _grades(reading)
    if scope is None:
        renewed = Scope(newest=reading, timeline=with_entry((), source, grades))
    else:
        newest, beneath = _layers((scope.newest, scope.beneath, reading))
        renewed = Scope(newest=newest, beneath=beneath, timeline=with_entry(scope.timeline, source, grades))
    after = msgspec.structs.replace(
        state, scopes=state.scopes | {name: _pruned(name, renewed, state.recalls)}
    )
    old = None if scope is None else holds(scope, state.recalls)
    new = holds(renewed, state.recalls)
    if scope is not None and (renewed.newest is scope.newest and new is old):
        return after, IgnoredReason.LATE
    changes = [*differences(source, old, new, standings(state), standings(after))]
    changes += forecast_changes(source, old, new)
    if new is None and old is None and not changes:
        return after, IgnoredReason.LATE  # its 取消 was here first
    return after, tuple(changes)


def _recall(state: State, source: TelegramSource) -> tuple[State, tuple[Change, ...] | IgnoredReason]:
    family = family_of(source)
    if any(one.key == source.key for one in state.recalls.get(family, ())):
        return state, IgnoredReason.DUPLICATE
    recalls = with_recall(state.recalls, source)
    scopes = {name: _pruned(name, scope, recalls) for name, scope in state.scopes.items()}
    after = msgspec.structs.replace(state, recalls=recalls, scopes=scopes)
    stood, stands = standings(state), standings(after)
    changes: list[Change] = []
    overtaken = False
    for _, scope in sorted(state.scopes.items()):
        old, new = holds(scope, state.recalls), holds(scope, recalls)
        overtaken = overtaken or (
            family_of(scope.newest.source) == family and scope.newest.source.order > source.order
        )
        if old is not new:
            changes += differences(source, old, new, stood, stands)
            changes += forecast_changes(source, old, new)
    changes += [
        Change(kind=ChangeKind.RECALLED, source=source, happening=one)
        for one in recalled_happenings(
            state.happened.get(family, ()),
            lambda one: is_withdrawn(one, recalls) and not is_withdrawn(one, state.recalls),
        )
    ]
    if not changes:
        return after, IgnoredReason.LATE if overtaken else IgnoredReason.NOTHING_TO_RECALL
    return after, tuple(changes)


def _layers(readings: Iterable[Reading | None]) -> tuple[Reading, Reading | None]:
    """The newest reading, and below a collection the newest of the telegrams it collects."""
    by_age = sorted((one for one in readings if one is not None), key=lambda one: one.source.order)
    newest = by_age[-1]
    if newest.source.type_code != COLLECTION:
        return newest, None
    return newest, next((one for one in reversed(by_age) if one.source.type_code != COLLECTION), None)


def _standings_of(name: str, scope: Scope, recalls: Recalls) -> Iterable[Standing]:
    reading = holds(scope, recalls)
    if reading is None:
        return
    # What comes to hold again because a collection was withdrawn counts from its own telegram.
    began = begins(scope.timeline, _cuts(name, recalls)) if reading is scope.newest else {}
    for key, (area, kind) in gravest(reading).items():
        if kind.grade.is_in_force:
            since = began.get("/".join(key), reading.source)
            yield Standing(
                system=area.system,
                code=area.code,
                name=area.name,
                layer=area.layer,
                kind=kind,
                since=since.report_at,
                source=reading.source,
            )


def _grades(reading: Reading) -> Grades:
    return {
        "/".join(key): int(kind.grade)
        for key, (_, kind) in gravest(reading).items()
        if kind.grade.is_in_force
    }


def _pruned(name: str, scope: Scope, recalls: Recalls) -> Scope:
    return msgspec.structs.replace(scope, timeline=pruned(scope.timeline, _cuts(name, recalls)))


def _cuts(name: str, recalls: Recalls) -> list[Order]:
    return cuts(_families(name), recalls)


def _families(name: str) -> tuple[str, ...]:
    """Types whose 取消 ends a spell. By the scope and not by its newest telegram, so that what was dropped from the
    timeline never comes to matter again."""
    family = name.partition("/")[0]
    return (family, COLLECTION) if family.startswith("VPWW") else (family,)


def _is_of_family(reading: Reading, family: WeatherFamily) -> bool:
    if reading.is_legacy:
        return family == "legacy"
    return family == "r06" or reading.source.type_code not in TAKEN_OVER_BY_LEGACY


def _weight(standing: Standing) -> tuple[int, float]:
    return (int(standing.kind.grade), -standing.since.timestamp())
