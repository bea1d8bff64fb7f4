"""CAP messages of one side as they went out: signed once, then only read. Any process may write; one of them wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.channels.cap_atom import CapEntry
from bosai.channels.cap_due import CapSeries
from bosai.errors import NotFound
from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script

_commit = Script("cap_commit")
_series = msgspec.msgpack.Decoder(CapSeries).decode
_entry = msgspec.msgpack.Decoder(CapEntry).decode
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSeries:
    """A series as it was read; `stored` is what the next write is compared with."""

    stored: bytes
    series: CapSeries | None


class CapStore:
    """The messages of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def all_series(self) -> list[CapSeries]:
        """What went out, order by order."""
        rows = await self._redis.hvals(self._keys.cap_series)
        return sorted((_series(as_bytes(row)) for row in rows), key=lambda one: one.alert_id)

    async def series(self, alert_id: str) -> SeenSeries:
        """What went out about one order."""
        row = await self._redis.hget(self._keys.cap_series, alert_id)
        if row is None:
            return SeenSeries(stored=b"", series=None)
        return SeenSeries(stored=as_bytes(row), series=_series(as_bytes(row)))

    async def put(self, seen: SeenSeries, after: CapSeries, entry: CapEntry, xml: bytes) -> bool:
        """Keep a message; False, and nothing is written, when another one about the order came first."""
        k = self._keys
        answer = await _commit(
            self._redis,
            keys=[k.cap_series, k.cap_entries, k.cap_xml, k.cap_index],
            args=[
                after.alert_id,
                seen.stored,
                _encode(after),
                entry.identifier,
                _encode(entry),
                xml,
                unix_ms(entry.sent),
            ],
        )
        return as_text(answer) == "ok"

    async def entries(self, identifiers: Sequence[str]) -> list[CapEntry]:
        """These entries, in the order asked; the ones that were forgotten are left out."""
        if not identifiers:
            return []
        rows = await self._redis.hmget(self._keys.cap_entries, list(identifiers))
        return [_entry(as_bytes(row)) for row in rows if row is not None]

    async def document(self, identifier: str) -> tuple[bytes, CapEntry]:
        """The signed document, byte for byte as it was written, and its entry. Raises NotFound."""
        xml = await self._redis.hget(self._keys.cap_xml, identifier)
        entry = await self._redis.hget(self._keys.cap_entries, identifier)
        if xml is None or entry is None:
            raise NotFound("cap", identifier)
        return as_bytes(xml), _entry(as_bytes(entry))

    async def forget_before(self, at: datetime) -> int:
        """Drop messages sent before `at`, except the newest of each order still open; how many."""
        held = {one.newest.identifier for one in await self.all_series() if not one.closed}
        old = await self._redis.zrangebyscore(self._keys.cap_index, "-inf", f"({unix_ms(at)}")
        gone = [name for one in old if (name := as_text(one)) not in held]
        if not gone:
            return 0
        ended = [one.alert_id for one in await self.all_series() if one.closed and one.newest.sent < at]
        k = self._keys
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(k.cap_entries, *gone)
            pipe.hdel(k.cap_xml, *gone)
            pipe.zrem(k.cap_index, *gone)
            if ended:
                pipe.hdel(k.cap_series, *ended)
            await pipe.execute()
        return len(gone)
