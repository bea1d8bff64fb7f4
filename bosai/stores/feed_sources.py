"""What the poller of the feeds remembers across restarts: entries already taken, and how each source does."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.feeds.source_health import SourceHealth
from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

MOST_SEEN = 20_000
"""Far more than the long feeds hold of what is fetched (a week); the oldest leave first."""

_note = Script("feed_note")
_decode = msgspec.msgpack.Decoder(SourceHealth).decode


class FeedSources:
    """The sources of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self._redis = redis
        self._keys = Keys(realm)

    async def seen(self) -> list[str]:
        """Ids of entries that were taken, oldest first."""
        return [as_text(one) for one in await self._redis.zrange(self._keys.feed_seen, 0, -1)]

    async def all(self) -> list[SourceHealth]:
        """Every source as its poller last saw it, by name. A row of another version of the service is left out."""
        rows = await self._redis.hvals(self._keys.feed_sources)
        found = []
        for row in rows:
            try:
                found.append(_decode(as_bytes(row)))
            except msgspec.DecodeError:
                continue
        return sorted(found, key=lambda one: (one.kind is not one.kind.JMA, one.name))

    async def note(
        self,
        healths: Sequence[SourceHealth],
        taken: Iterable[tuple[str, datetime]] = (),
        *,
        token: int | None,
    ) -> bool:
        """Write how sources do, and which entries were taken when. `token`: of the lease (None: nobody asks for one).

        False: refused, as a holder with a higher token polls now; nothing was written.
        """
        args: list[str | bytes | int] = []
        pairs = [(int(at.timestamp() * 1000), entry_id) for entry_id, at in taken]
        for pair in pairs:
            args += pair
        for one in healths:
            args += [one.name, msgspec.msgpack.encode(one)]
        answer = await _note(
            self._redis,
            keys=[self._keys.feed_fence, self._keys.feed_seen, self._keys.feed_sources],
            args=["" if token is None else token, MOST_SEEN, len(pairs), *args],
        )
        return int(answer) == 1

    async def forget(self, names: Iterable[str]) -> None:
        """Sources that are no longer configured."""
        if gone := list(names):
            await self._redis.hdel(self._keys.feed_sources, *gone)
