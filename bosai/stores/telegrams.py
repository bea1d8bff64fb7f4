"""Telegrams as they came, with what became of each: the raw bytes first, everything else after.

receive ─▶ pending ─ (read, folded, judged) ─ conclude ─▶ row + XML, in the order of arrival ─ trim ─▶ the oldest leave

What is in force rests on some of them (`in_force.rests_on`): those never leave. Nor do those a person has to look at.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from bosai.errors import NotFound
from bosai.feeds.changes import TelegramRow
from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script

MAX_ROWS = 20_000  # a city asks for some hundred telegrams a day: weeks of them
MAX_BYTES = 128 * 1024 * 1024  # XML packs to about a tenth
MAX_UNREAD = 200  # of those a person has to look at; only a broken source has more
TRIM_BATCH = 500

_trim = Script("telegram_trim")
_seen = Script("telegram_seen")


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One telegram as it came. `judged_at`: the clock to judge its age by, where it is not ours (a replay).

    `tries`: how often its reading was begun again; one that ends the process each time must not do so for ever.
    """

    id: str
    name: str
    feed: str
    data: bytes
    received_at: datetime
    number: int = 0
    judged_at: datetime | None = None
    max_age_s: float
    as_drill: bool = False
    is_cap: bool = False
    tries: int = 0


class StoredTelegram(msgspec.Struct, frozen=True, kw_only=True):
    """A row with what is needed to read the bytes again.

    `has_acted`: it was of this side and of now, and was read. `given_up`: reading it ended the process each time.
    """

    row: TelegramRow
    number: int
    as_drill: bool = False
    is_cap: bool = False
    has_acted: bool = False
    given_up: bool = False


_decode = msgspec.msgpack.Decoder(StoredTelegram).decode
_decode_received = msgspec.msgpack.Decoder(Received).decode


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A concluded telegram ready to be written (packing takes milliseconds: not on the loop)."""

    key: str
    number: int
    row: bytes
    raw: bytes
    needs_eyes: bool


def pack(stored: StoredTelegram, data: bytes, *, needs_eyes: bool) -> Packed:
    """Row and XML as they are kept."""
    return Packed(
        key=stored.row.key,
        number=stored.number,
        row=zlib.compress(msgspec.msgpack.encode(stored)),
        raw=zlib.compress(data),
        needs_eyes=needs_eyes,
    )


class TelegramStore:
    """The telegrams of one side."""

    def __init__(
        self, redis: Redis, realm: Realm, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._redis = redis
        self._keys = Keys(realm)
        self._max_rows = max_rows
        self._max_bytes = max_bytes

    # ---- reading ----

    async def page(self, before: str | None = None, count: int = 50) -> list[tuple[str, TelegramRow]]:
        """`count` rows, newest arrival first, each with the cursor that a further page starts `before`.

        A cursor nobody gave out reads as the start. A row of another version of the service is left out.
        """
        top = f"({before}" if before is not None and before.isascii() and before.isdigit() else "+inf"
        found = await self._redis.zrevrangebyscore(
            self._keys.telegram.order, top, "-inf", start=0, num=count, withscores=True
        )
        keys = [as_text(one[0]) for one in found]
        stored = await self._stored(keys)
        return [
            (str(int(float(one[1]))), stored[key].row)
            for key, one in zip(keys, found, strict=True)
            if key in stored
        ]

    async def row(self, key: str) -> TelegramRow:
        """Raises NotFound."""
        stored = await self.find(key)
        if stored is None:
            raise NotFound("telegram", key)
        return stored.row

    async def raw(self, key: str) -> bytes:
        """The bytes as they came. Raises NotFound."""
        packed_raw = await self._redis.hget(self._keys.telegram.raw, key)
        if packed_raw is None:
            raise NotFound("telegram", key)
        return await asyncio.to_thread(zlib.decompress, as_bytes(packed_raw))

    async def find(self, key: str) -> StoredTelegram | None:
        """One telegram; None when it never came or has left."""
        return (await self._stored([key])).get(key)

    async def unread(self) -> list[TelegramRow]:
        """Those a person has to look at and nobody has acknowledged, newest first."""
        keys = [as_text(one) for one in await self._redis.zrevrange(self._keys.telegram.unread, 0, -1)]
        stored = await self._stored(keys)
        return [stored[key].row for key in keys if key in stored]

    async def needed(self) -> list[str]:
        """Keys of those that what is in force rests on."""
        return sorted(as_text(one) for one in await self._redis.smembers(self._keys.telegram.needed))

    async def keys(self) -> list[str]:
        """Every key, oldest arrival first."""
        return [as_text(one) for one in await self._redis.zrange(self._keys.telegram.order, 0, -1)]

    # ---- receiving ----

    async def receive(self, received: Received) -> Received:
        """Keep the bytes before anything is made of them. The number of arrival comes from here."""
        number = received.number or int(await self._redis.incr(self._keys.telegram.number))
        kept = msgspec.structs.replace(received, number=number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self.received_key(kept.id), msgspec.msgpack.encode(kept))
            pipe.zadd(self._keys.telegram.pending, {kept.id: unix_ms(kept.received_at)})
            await pipe.execute()
        return kept

    async def pending(self, until: datetime | None = None) -> list[Received]:
        """What was received (not after `until`) and not concluded, oldest first.

        One of another version of the service is dropped.
        """
        latest = "+inf" if until is None else unix_ms(until)
        found = []
        for name in map(
            as_text, await self._redis.zrangebyscore(self._keys.telegram.pending, "-inf", latest)
        ):
            stored = await self._redis.get(self.received_key(name))
            if stored is None:  # concluded just now
                continue
            try:
                found.append(_decode_received(as_bytes(stored)))
            except msgspec.DecodeError:
                await self.drop(name)
        return sorted(found, key=lambda one: one.number)

    async def drop(self, received_id: str) -> None:
        """It was known already: nothing of it is kept twice."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self.received_key(received_id))
            pipe.zrem(self._keys.telegram.pending, received_id)
            await pipe.execute()

    def received_key(self, received_id: str) -> str:
        """The key to WATCH: it goes when the telegram is concluded."""
        return f"{self._keys.telegram.received}{received_id}"

    async def size_of(self, pipe: Pipeline, key: str) -> int:
        """Bytes that a telegram takes already; `pipe` is between WATCH and MULTI."""
        sizes = [await pipe.hstrlen(one, key) for one in (self._keys.telegram.rows, self._keys.telegram.raw)]
        return sum(int(one) for one in sizes)

    def conclude(self, pipe: Pipeline, received_id: str | None, packed_one: Packed, size_before: int) -> None:
        """Queue into a MULTI: the row and the XML, no longer pending. It belongs to the change of the state."""
        size = len(packed_one.row) + len(packed_one.raw)
        pipe.hset(self._keys.telegram.rows, packed_one.key, packed_one.row)
        pipe.hset(self._keys.telegram.raw, packed_one.key, packed_one.raw)
        pipe.zadd(self._keys.telegram.order, {packed_one.key: packed_one.number})
        pipe.incrby(self._keys.telegram.bytes, size - size_before)
        if packed_one.needs_eyes:
            pipe.zadd(self._keys.telegram.unread, {packed_one.key: packed_one.number})
            pipe.zremrangebyrank(self._keys.telegram.unread, 0, -MAX_UNREAD - 1)
        else:  # left aside before, it was taken after all
            pipe.zrem(self._keys.telegram.unread, packed_one.key)
        if received_id is not None:
            pipe.delete(self.received_key(received_id))
            pipe.zrem(self._keys.telegram.pending, received_id)

    def need(self, pipe: Pipeline, keys: Iterable[str]) -> None:
        """Queue into a MULTI: these telegrams, and no others, are what the state rests on."""
        pipe.delete(self._keys.telegram.needed)
        if needed := sorted(keys):
            pipe.sadd(self._keys.telegram.needed, *needed)

    async def trim(self) -> int:
        """Let the oldest go until number and bytes are within bounds; how many went."""
        gone = await _trim(
            self._redis,
            keys=[
                self._keys.telegram.order,
                self._keys.telegram.rows,
                self._keys.telegram.raw,
                self._keys.telegram.bytes,
                self._keys.telegram.needed,
                self._keys.telegram.unread,
            ],
            args=[self._max_rows, self._max_bytes, TRIM_BATCH],
        )
        return int(gone)

    async def acknowledge(self, seen: Head, at: datetime, step: Step, key: str) -> bool:
        """Off the list, with its entry of the log; False when it was not on it. Raises HeadMoved."""
        log = chained(seen, at, [step])
        answer = as_text(
            await _seen(
                self._redis,
                keys=[self._keys.audit, self._keys.audit_head, self._keys.telegram.unread],
                args=[seen.stored, head_after(log), key, *packed(log)],
            )
        )
        if answer == "head":
            raise HeadMoved
        return answer == "ok"

    async def _stored(self, keys: Sequence[str]) -> dict[str, StoredTelegram]:
        if not keys:
            return {}
        rows = await self._redis.hmget(self._keys.telegram.rows, list(keys))
        return await asyncio.to_thread(_unpacked, dict(zip(keys, rows, strict=True)))


def _unpacked(rows: Mapping[str, bytes | str | None]) -> dict[str, StoredTelegram]:
    found = {}
    for key, row in rows.items():
        if row is None:
            continue
        try:
            found[key] = _decode(zlib.decompress(as_bytes(row)))
        except (msgspec.DecodeError, zlib.error):
            continue
    return found
