"""The state told again from kept telegrams: after a restart, an upgrade, or on command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from bosai.errors import NotFound
from bosai.feeds.changes import Outcome
from bosai.feeds.in_force import State, fold, forecasts, in_force, rests_on
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
    """Compare the stored state with the telegrams it rests on; replace it by all that are kept where it differs."""
    while True:
        async with redis.pipeline(transaction=True) as pipe:
            await pipe.watch(keys.feed_state)
            fields = fields_of(await pipe.hgetall(keys.feed_state))
            stored = await asyncio.to_thread(loaded, fields, figures.realm, figures.family)
            names = await store.keys() if full else await store.needed()
            state, read, newly, lost = await _folded_again(store, figures, names)
            state = _with_what_was_read(stored.state, state, lost)
            same = not stored.damaged and _same(stored.state, state)
            report = Rebuilt(
                telegrams=read,
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
            return Found(report, tuple(newly))


async def _folded_again(
    store: TelegramStore, figures: Figures, names: Sequence[str]
) -> tuple[State, int, list[tuple[bytes, StoredTelegram]], set[str]]:
    state, read = State(realm=figures.realm, family=figures.family), 0
    newly: list[tuple[bytes, StoredTelegram]] = []
    lost: set[str] = set()
    for start in range(0, len(names), BATCH):
        batch = [
            (one, data)
            for name in names[start : start + BATCH]
            if (one := await store.find(name)) is not None and (data := await _raw(store, name)) is not None
        ]
        acted = [pair for pair in batch if pair[0].has_acted and not pair[0].is_cap]
        newly += [(data, one) for one, data in batch if _is_newly_readable(one)]
        state, unreadable = await asyncio.to_thread(_fold_batch, state, acted, figures)
        lost |= unreadable
        read += len(acted)
    return state, read, newly, lost


def _fold_batch(
    state: State, batch: Sequence[tuple[StoredTelegram, bytes]], figures: Figures
) -> tuple[State, set[str]]:
    lost = set()
    for stored, data in batch:
        readings = readings_again(stored, data, figures)
        if readings is None:
            lost.add(stored.row.key)
        for reading in readings or ():
            state, _ = fold(state, reading)
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
