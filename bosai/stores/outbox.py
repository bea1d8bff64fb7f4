"""Delivery's side of the store: pointers from the streams, due deliveries, claims, results.

outbox streams (class 0 first) ─┐
                                ├─▶ claim.lua ─▶ send ─▶ record.lua ─▶ acknowledge the pointer
due schedules (256 buckets)  ───┘
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bosai.model.instruction import Instruction, Stage
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.deliveries import delivery_of, one_line, unix_s
from bosai.stores.instructions import DANGER_CLASSES, ToldSeal
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script

GROUP = "delivery"
ANY_SEQ = 0
_IDLE_CONSUMER_MS = 3_600_000

_claim = Script("claim")
_record = Script("record")
_entries = msgspec.msgpack.Decoder(list[tuple[str, int]]).decode


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one bucket to be looked at: (member, seq), seq 0 = the newest.

    `stream` and `entry_id` name the stream entry to acknowledge; empty for what the due schedule gave.
    """

    bucket: int
    entries: tuple[tuple[str, int], ...]
    stream: str = ""
    entry_id: str = ""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery in our hands for a while."""

    member: str
    instruction: Instruction
    attempts: int
    cause: str  # why the last try failed
    push_sealed: bytes  # b"" = the subscriber is gone


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. A result that is QUEUED names the next try."""

    member: str
    seq: int
    stage: Stage
    attempts: int
    bytes_sent: int = 0
    cause: str = ""
    due_at: datetime | None = None


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
        return [
            Pointer(bucket=number, entries=tuple((as_text(member), ANY_SEQ) for member in members))
            for number, members in enumerate(rows)
            if members
        ]

    async def claim(self, pointer: Pointer, now: datetime, until: datetime) -> list[Claimed]:
        """Take what is still to be sent of a pointer; nobody else gets it before `until`."""
        k, number = self._keys, pointer.bucket
        answer = await _claim(
            self._redis,
            keys=[k.deliveries(number), k.instructions(number), k.due(number), k.push(number)],
            args=[
                unix_ms(now),
                unix_ms(until),
                unix_s(until),
                *(word for member, seq in pointer.entries for word in (member, seq)),
            ],
        )
        rows = [answer[at : at + 5] for at in range(0, len(answer), 5)]
        return [
            Claimed(
                member=as_text(member),
                instruction=instruction,
                attempts=int(attempts),
                cause=as_text(cause),
                push_sealed=sealed,
            )
            for member, attempts, cause, stored, sealed in rows
            if (instruction := self._told.open(as_text(member), as_bytes(stored))) is not None
        ]

    async def is_newest(self, bucket: int, one: Claimed) -> bool:
        """True while no newer seq stands where this one was claimed."""
        line = await self._redis.hget(self._keys.deliveries(bucket), one.member)
        return line is not None and delivery_of(as_bytes(line)).seq == one.instruction.seq

    async def record(self, bucket: int, results: Sequence[Result], now: datetime) -> int:
        """Write results of one bucket in one go; returns how many still mattered (no newer seq had come)."""
        if not results:
            return 0
        rows: list[str | int] = []
        for one in results:
            due = unix_s(one.due_at) if one.due_at else ""
            rows += [
                one.member,
                one.seq,
                one.stage.value,
                one.attempts,
                one.bytes_sent,
                due,
                one_line(one.cause),
            ]
        k = self._keys
        answer = await _record(
            self._redis, keys=[k.deliveries(bucket), k.due(bucket)], args=[unix_ms(now), *rows]
        )
        return sum(map(int, answer))


def _pointer(stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> Pointer:
    return Pointer(
        bucket=int(fields[b"bucket"]),
        entries=tuple(_entries(fields[b"entries"])),
        stream=stream,
        entry_id=as_text(entry_id),
    )
