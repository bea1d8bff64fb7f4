"""The state told again from kept telegrams: after a restart, an upgrade, or on command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from bosai.errors import NotFound
from bosai.feeds.changes import Outcome
from bosai.feeds.in_force import State, fold_all, forecasts, in_force, rests_on
from bosai.feeds.jma.reading import reader_of
from bosai.services.feed_take import Figures, readings_again
from bosai.stores.feed_state import changed_fields, fields_of, loaded
from bosai.stores.keys import Keys
from bosai.stores.replies import as_text
from bosai.stores.telegrams import StoredTelegram, TelegramStore

log = logging.getLogger(__name__)

BATCH = 100


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild found. `same`: what was stored was right, `dropped`: fields nobody can read any more."""

    telegrams: int
    same: bool
    replaced: bool
    in_force: int
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A report, and telegrams kept by an older version that can be read by now."""

    report: Rebuilt
    newly_readable: tuple[tuple[bytes, StoredTelegram], ...] = ()


async def rebuilt(redis: Redis, keys: Keys, store: TelegramStore, figures: Figures, *, full: bool) -> Found:
    """Compare the stored state with the telegrams it rests on; replace it by all that are kept where it differs.

    Reading all that are kept takes minutes, and telegrams go on coming: after one came, only that is read too.
    """
    told = _Told(state=State(realm=figures.realm, family=figures.family))
    while True:
        async with redis.pipeline(transaction=True) as pipe:
            await pipe.watch(keys.feed_state)
            fields = fields_of(await pipe.hgetall(keys.feed_state))
            stored = await asyncio.to_thread(loaded, fields, figures.realm, figures.family)
            await _tell_more(told, store, figures, await store.keys() if full else await store.needed())
            state = _with_what_was_read(stored.state, told.state, told.lost)
            same = not stored.damaged and _same(stored.state, state)
            report = Rebuilt(
                telegrams=told.telegrams,
                same=same,
                replaced=full,
                in_force=len(in_force(state)),
                dropped=stored.damaged,
            )
            if not full and same:
                return Found(report)
            if not full:
                log.warning(
                    "the stored state is not what its telegrams say: all that are kept are read again"
                )
                full = True
                continue
            written, _ = await asyncio.to_thread(changed_fields, State(realm=figures.realm), state)
            gone = [f for f in fields if as_text(f) not in written and as_text(f) not in stored.waiting]
            pipe.multi()  # type: ignore[no-untyped-call]
            if gone:
                pipe.hdel(keys.feed_state, *gone)
            if written:
                pipe.hset(keys.feed_state, mapping=written)
            pipe.delete(keys.telegrams)
            store.need(pipe, rests_on(state))
            try:
                await pipe.execute()
            except WatchError:  # a telegram came meanwhile, and is kept: once more with it
                continue
            return Found(report, tuple(told.newly.values()))


@dataclass(slots=True)
class _Told:
    """What was read again until now; the order does not matter. `lost`: keys of those nobody can read any more."""

    state: State
    telegrams: int = 0
    read: set[str] = field(default_factory=set)
    newly: dict[str, tuple[bytes, StoredTelegram]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


async def _tell_more(told: _Told, store: TelegramStore, figures: Figures, names: Sequence[str]) -> None:
    """Those that were not read yet; one that had not acted may have acted by now."""
    left = [name for name in names if name not in told.read]
    for start in range(0, len(left), BATCH):
        acted = []
        for name in left[start : start + BATCH]:
            one = await store.find(name)
            if one is None:
                continue
            if one.has_acted and not one.is_cap:
                told.read.add(name)
                if (data := await _raw(store, name)) is not None:
                    acted.append((one, data))
            elif (
                name not in told.newly
                and _is_newly_readable(one)
                and (data := await _raw(store, name)) is not None
            ):
                told.newly[name] = data, one
        told.state, lost = await asyncio.to_thread(_fold_batch, told.state, acted, figures)
        told.lost |= lost
        told.telegrams += len(acted)


def _fold_batch(
    state: State, batch: Sequence[tuple[StoredTelegram, bytes]], figures: Figures
) -> tuple[State, set[str]]:
    lost = set()
    for stored, data in batch:
        readings = readings_again(stored, data, figures)
        try:
            after = fold_all(state, readings or ())[0]
        except Exception:  # a fault of ours with one telegram costs no other
            log.exception("a kept telegram can no longer be folded: %s", stored.row.key)
            readings, after = None, state
        if readings is None:
            lost.add(stored.row.key)
        state = after
    return state, lost


def _with_what_was_read(stored: State, told: State, lost: set[str]) -> State:
    """A warning that was read once stands, also where this version can no longer read its telegram."""
    kept = {
        name: scope
        for name, scope in stored.scopes.items()
        if scope.newest.source.key in lost
        and (name not in told.scopes or told.scopes[name].newest.source.order < scope.newest.source.order)
    }
    return msgspec.structs.replace(told, scopes=told.scopes | kept) if kept else told


async def _raw(store: TelegramStore, name: str) -> bytes | None:
    try:
        return await store.raw(name)
    except NotFound:
        return None


def _is_newly_readable(stored: StoredTelegram) -> bool:
    """Kept by a version that had no reader for it, or could not read it: this one may."""
    if stored.is_cap or stored.given_up:
        return False
    source = stored.row.source
    has_reader = source is not None and reader_of(source.type_code) is not None
    return stored.row.outcome is Outcome.UNREADABLE or (stored.row.outcome is Outcome.KEPT and has_reader)


def _same(stored: State, told: State) -> bool:
    return in_force(stored) == in_force(told) and forecasts(stored) == forecasts(told)
