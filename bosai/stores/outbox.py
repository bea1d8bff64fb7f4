"""Delivery's side of the store: pointers from the streams, due deliveries, claims, results.

outbox streams (class 0 first) ─┐              one round trip each
                                ├─▶ claim.lua ─▶ send ─▶ record.lua ─▶ acknowledge the pointer
due schedules (256 buckets)  ───┘   (with one prekey each)
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bosai.model.instruction import Instruction, Stage
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.deliveries import one_line, unix_s
from bosai.stores.instructions import DANGER_CLASSES, ENTRIES_PER_POINTER, ToldSeal
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_text, unix_ms
from bosai.stores.scripts import Arg, Script

GROUP = "delivery"
ANY_SEQ = 0
BROKEN = "seal_broken"
_IDLE_CONSUMER_MS = 3_600_000

_claim = Script("claim")
_record = Script("record")
_due_forward = Script("due_forward")
_encode = msgspec.msgpack.Encoder().encode
_groups = msgspec.msgpack.Decoder(list[tuple[int, list[tuple[str, int]]]]).decode

Entries = tuple[tuple[str, int], ...]
"""(member, seq) each; seq 0 = the newest, whichever it is."""


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries to be looked at, by bucket.

    `stream` and `entry_id` name the stream entry to acknowledge; empty for what the due schedule gave.
    """

    groups: tuple[tuple[int, Entries], ...]
    stream: str = ""
    entry_id: str = ""

    def __len__(self) -> int:
        return sum(len(entries) for _, entries in self.groups)


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery in our hands for a while."""

    bucket: int
    member: str
    instruction: Instruction
    attempts: int
    cause: str  # why the last try failed
    push_sealed: bytes  # b"" = the subscriber is gone
    pair_sealed: bytes  # a one-time pair that nobody else will ever get; b"" = none was left


class Result(msgspec.Struct, frozen=True, array_like=True):
    """How a try went, in the order record.lua reads it. One that is QUEUED names the next try.

    heard: what the try adds: 0 nothing can have arrived, 1 it may have, 2 the push service took it.
    """

    member: str
    seq: int
    stage: Stage
    attempts: int
    bytes_sent: int = 0
    due_s: float = 0.0  # seconds since 1970, 0 = none
    cause: str = ""
    heard: int = 0


class Outbox:
    """Queued deliveries of one side, for one consumer."""

    def __init__(self, redis: Redis, realm: Realm, consumer: str, told_sealer: Sealer) -> None:
        self.realm = realm
        self._told = ToldSeal(told_sealer, realm)
        self.consumer = consumer
        self._redis = redis
        self._keys = Keys(realm)
        self._streams = [self._keys.outbox(number) for number in range(DANGER_CLASSES)]

    async def open(self) -> None:
        """Make the consumer groups where they are missing."""
        for stream in self._streams:
            try:
                await self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def next_pointer(self, block_ms: int) -> Pointer | None:
        """The next pointer, most endangered class first; None when none comes within `block_ms`."""
        for stream in self._streams:
            if found := await self._read(stream, None):
                return found
        return await self._read(self._streams[0], block_ms)

    async def _read(self, stream: str, block_ms: int | None) -> Pointer | None:
        try:
            return await self._read_group(stream, block_ms)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        await self.open()  # the first start, or the store was emptied or restored under us
        return await self._read_group(stream, block_ms)

    async def _read_group(self, stream: str, block_ms: int | None) -> Pointer | None:
        answer: Any = await self._redis.xreadgroup(
            GROUP, self.consumer, {stream: ">"}, count=1, block=block_ms
        )
        rows = answer[0][1] if answer else []
        return _pointer(stream, *rows[0]) if rows else None

    async def reclaim(self, idle_ms: int) -> list[Pointer]:
        """Pointers whose consumer has not acknowledged them for `idle_ms`: they are ours now."""
        found: list[Pointer] = []
        for stream in self._streams:
            _next, rows, *_ = await self._redis.xautoclaim(
                stream, GROUP, self.consumer, min_idle_time=idle_ms, count=16
            )
            found += [_pointer(stream, entry_id, fields) for entry_id, fields in rows if fields]
        return found

    async def forget_dead_consumers(self) -> None:
        """Drop consumers without pending entries that have been silent for an hour."""
        for stream in self._streams:
            for one in await self._redis.xinfo_consumers(stream, GROUP):
                name = as_text(one["name"])
                if (
                    name != self.consumer
                    and int(one["pending"]) == 0
                    and int(one["idle"]) > _IDLE_CONSUMER_MS
                ):
                    await self._redis.xgroup_delconsumer(stream, GROUP, name)

    async def acknowledge(self, pointer: Pointer) -> None:
        """The effect is written: the stream entry is done with. Nothing for a due pointer."""
        if not pointer.stream:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xack(pointer.stream, GROUP, pointer.entry_id)
            pipe.xdel(pointer.stream, pointer.entry_id)
            await pipe.execute()

    async def due(self, now: datetime, per_bucket: int) -> list[Pointer]:
        """What is due by `now`, at most `per_bucket` of each bucket, oldest first."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.zrangebyscore(self._keys.due(number), "-inf", unix_s(now), start=0, num=per_bucket)
            rows = await pipe.execute()
        found, groups, size = [], [], 0
        for number, members in enumerate(rows):
            if not members:
                continue
            groups.append((number, tuple((as_text(member), ANY_SEQ) for member in members)))
            size += len(members)
            if size >= ENTRIES_PER_POINTER:
                found.append(Pointer(groups=tuple(groups)))
                groups, size = [], 0
        return [*found, Pointer(groups=tuple(groups))] if groups else found

    async def bring_forward(self, now: datetime, back: timedelta) -> int:
        """The clock was set back: what it had put off comes earlier by as much; how many deliveries that was.

        Several workers may each do it: then somebody is tried too early, and nobody too late.
        """
        args: list[Arg] = [unix_s(now), f"{back.total_seconds():.3f}"]
        calls = [([self._keys.due(number)], args) for number in range(BUCKETS)]
        return sum(map(int, await _due_forward.many(self._redis, calls)))

    async def claim(self, pointer: Pointer, now: datetime, until: datetime) -> list[Claimed]:
        """Take what is still to be sent of a pointer, in one round trip; nobody else gets it before `until`.

        What does not open is parked with its cause: the person stands on the list of those not reached.
        """
        k = self._keys
        calls: list[tuple[list[str], list[Arg]]] = []
        for number, entries in pointer.groups:
            keys = [
                k.deliveries(number),
                k.instructions(number),
                k.due(number),
                k.push(number),
                k.prekeys(number),
                k.counts(number),
            ]
            calls.append((keys, [unix_ms(now), unix_ms(until), _encode(entries)]))
        answers = await _claim.many(self._redis, calls)
        taken, broken = [], []
        for (number, _), answer in zip(pointer.groups, answers, strict=True):
            for raw_member, attempts, cause, stored, push_sealed, pair_sealed in _by_six(answer):
                instruction, member = self._told.open(raw_member, stored), as_text(raw_member)
                if instruction is None:
                    seq = int(stored.partition(b" ")[0])
                    broken.append((number, Result(member, seq, Stage.FAILED, 0, cause=BROKEN)))
                    continue
                taken.append(
                    Claimed(
                        bucket=number,
                        member=member,
                        instruction=instruction,
                        attempts=int(attempts),
                        cause=as_text(cause),
                        push_sealed=push_sealed,
                        pair_sealed=pair_sealed,
                    )
                )
        if broken:
            await self.record(by_bucket(broken), now)
        return taken

    async def record(self, results: Mapping[int, Sequence[Result]], now: datetime) -> int:
        """Write results, by bucket, in one round trip; how many still mattered (no newer seq had come)."""
        k = self._keys
        calls: list[tuple[list[str], list[Arg]]] = [
            (
                [
                    k.deliveries(number),
                    k.due(number),
                    k.counts(number),
                    k.instructions(number),
                    k.told_version(number),
                ],
                [unix_ms(now), _encode([_storable(one) for one in some])],
            )
            for number, some in results.items()
            if some
        ]
        return sum(int(one) for one in await _record.many(self._redis, calls)) if calls else 0


def _storable(one: Result) -> Result:
    return one if not one.cause else msgspec.structs.replace(one, cause=one_line(one.cause))


def _by_six(answer: Sequence[Any]) -> Iterable[tuple[Any, Any, Any, Any, Any, Any]]:
    rows = iter(answer)
    return zip(rows, rows, rows, rows, rows, rows, strict=True)


def _pointer(stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> Pointer:
    groups = tuple((number, tuple(entries)) for number, entries in _groups(fields[b"groups"]))
    return Pointer(groups=groups, stream=stream, entry_id=as_text(entry_id))


def by_bucket(results: Iterable[tuple[int, Result]]) -> dict[int, list[Result]]:
    """Results with their buckets, as `record` takes them."""
    ordered = sorted(results, key=lambda one: one[0])
    return {
        number: [one for _, one in some]
        for number, some in itertools.groupby(ordered, key=lambda one: one[0])
    }
