"""Plans as kept: one sealed record each, and sealed blocks of bytes that several of them share.

    record (who, when, tree) ─┐ facts in the clear: incident, names of its blocks
    array, area, long list ───┴▶ block, named by a keyed hash of its content ─ zlib ─ sealed, once

The names are keyed: a plain hash of somebody's place could be guessed from a map. Blocks come first, then the record
with its counts of use in one script; a record that is forgotten takes along what no other one uses.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script

RECORD_KIND, BLOCK_KIND = "plan", "plan-block"
NAME_BYTES = 16
PUT_AT_ONCE_BYTES = 4_000_000
"""One round trip's worth: Redis serves others in between."""
READ_AT_ONCE = 64
_LEVEL = 1

_keep = Script("plan_keep")
_forget = Script("plan_forget")
_sweep = Script("plan_sweep")


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a record is in the clear: enough to find and to forget it."""

    plan_id: str
    incident: str
    at: datetime
    told: int  # instructions that were written from it
    blocks: tuple[str, ...] = ()


_decode = msgspec.msgpack.Decoder(PlanFacts).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One record of the list, without what it holds."""

    name: str
    facts: PlanFacts


class BlockCodec:
    """Names, packs and seals blocks and records of one side. Everything here computes; nothing waits."""

    def __init__(self, sealer: Sealer, realm: Realm) -> None:
        self._name_key = sealer.derived(f"{BLOCK_KIND} {realm.value}")
        self._blocks = sealer.of_kind(BLOCK_KIND, realm)
        self._records = sealer.of_kind(RECORD_KIND, realm)

    def name(self, raw: bytes) -> str:
        """What a block of this content is kept under."""
        return hmac.digest(self._name_key, raw, hashlib.sha256)[:NAME_BYTES].hex()

    def seal_block(self, name: str, raw: bytes, width: int) -> bytes:
        """raw: elements of `width` bytes. First bytes stand together with first bytes: so they pack well."""
        width = width if 1 < width < 256 and len(raw) % width == 0 else 1
        rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, width)
        packed = zlib.compress(np.ascontiguousarray(rows.T).tobytes(), _LEVEL)
        return self._blocks.seal(name.encode(), bytes([width]) + packed)

    def open_block(self, name: str, sealed: bytes) -> bytes:
        """The content again. Raises SealBroken."""
        plain = self._blocks.open(name.encode(), sealed)
        raw = np.frombuffer(zlib.decompress(plain[1:]), dtype=np.uint8).reshape(plain[0], -1)
        return np.ascontiguousarray(raw.T).tobytes()

    def seal_record(self, name: str, raw: bytes) -> bytes:
        """A record, packed and sealed under its name."""
        return self._records.seal(name.encode(), zlib.compress(raw, _LEVEL))

    def open_record(self, name: str, sealed: bytes) -> bytes:
        """The record again. Raises SealBroken."""
        return zlib.decompress(self._records.open(name.encode(), sealed))


class PlanRecordStore:
    """The plan records of one side, sealed bytes in and out."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        keys = Keys(realm)
        self._redis = redis
        self._blocks, self._uses, self._loose = keys.plan_blocks, keys.plan_block_uses, keys.plan_blocks_loose
        self._records, self._facts = keys.plan_records, keys.plan_record_facts
        self._index, self._bytes = keys.plan_record_index, keys.plan_record_bytes

    async def known(self) -> set[str]:
        """The names of all blocks that records have."""
        return {as_text(one) for one in await self._redis.hkeys(self._uses)}

    async def put(self, blocks: Mapping[str, bytes], at: datetime) -> None:
        """Sealed blocks, for a record that comes soon."""
        for some in _batches(blocks):
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zadd(self._loose, dict.fromkeys(some, unix_ms(at)))
                for name, sealed in some.items():
                    pipe.hset(self._blocks, name, sealed)
                await pipe.execute()

    async def keep(self, name: str, facts: PlanFacts, sealed: bytes) -> list[str]:
        """The record, once its blocks are there; else the names of those that are not, and nothing is kept."""
        args: list[str | bytes | int] = [
            name,
            unix_ms(facts.at),
            msgspec.msgpack.encode(facts),
            sealed,
            *facts.blocks,
        ]
        return [as_text(one) for one in await _keep(self._redis, keys=self._keys(), args=args)]

    async def forget(self, name: str) -> int:
        """Take a record away; the bytes that became free."""
        facts = await self.facts(name)
        blocks = facts.blocks if facts else ()
        return int(await _forget(self._redis, keys=self._keys(), args=[name, *blocks]))

    async def sweep(self, before: datetime) -> int:
        """Take blocks away whose record never came."""
        return int(
            await _sweep(self._redis, keys=[self._blocks, self._uses, self._loose], args=[unix_ms(before)])
        )

    async def names(self, until: datetime | None = None) -> list[str]:
        """Every record, the oldest first; until: only those of plans made before."""
        most = "+inf" if until is None else f"({unix_ms(until)}"
        return [as_text(one) for one in await self._redis.zrangebyscore(self._index, "-inf", most)]

    async def facts(self, name: str) -> PlanFacts | None:
        """What is in the clear of one record."""
        (found,) = await self.many_facts([name])
        return found

    async def many_facts(self, names: Sequence[str]) -> list[PlanFacts | None]:
        """The same for several; None for those that are gone."""
        found: list[PlanFacts | None] = []
        for start in range(0, len(names), READ_AT_ONCE):
            rows = await self._redis.hmget(self._facts, list(names[start : start + READ_AT_ONCE]))
            found += [None if row is None else _decode(as_bytes(row)) for row in rows]
        return found

    async def listed(self, count: int) -> list[Listed]:
        """The newest records, the newest first."""
        names = [as_text(one) for one in await self._redis.zrevrange(self._index, 0, count - 1)]
        facts = await self.many_facts(names)
        return [
            Listed(name=name, facts=one) for name, one in zip(names, facts, strict=True) if one is not None
        ]

    async def record(self, name: str) -> bytes | None:
        """One sealed record."""
        found = await self._redis.hget(self._records, name)
        return None if found is None else as_bytes(found)

    async def blocks(self, names: Iterable[str]) -> dict[str, bytes]:
        """Sealed blocks by name; what is missing is left out."""
        wanted, found = sorted(set(names)), {}
        for start in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[start : start + READ_AT_ONCE]
            rows = await self._redis.hmget(self._blocks, some)
            found.update(
                {name: as_bytes(row) for name, row in zip(some, rows, strict=True) if row is not None}
            )
        return found

    async def total_bytes(self) -> int:
        """What all records and their blocks take, sealed."""
        return int(await self._redis.get(self._bytes) or 0)

    def _keys(self) -> list[str]:
        return [
            self._blocks,
            self._uses,
            self._loose,
            self._records,
            self._facts,
            self._index,
            self._bytes,
        ]


def _batches(blocks: Mapping[str, bytes]) -> Iterable[dict[str, bytes]]:
    batch: dict[str, bytes] = {}
    size = 0
    for name, sealed in blocks.items():
        batch[name] = sealed
        size += len(sealed)
        if size >= PUT_AT_ONCE_BYTES:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch
