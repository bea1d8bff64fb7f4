"""How many deliveries stand where, kept by the scripts that move them: nothing is scanned to show a board.

256 small hashes "incident alert_key stage cause" → n ─▶ one round trip ─▶ sums
"""

from collections import Counter
from collections.abc import Iterator

from redis.asyncio import Redis

from bosai.model.instruction import Stage
from bosai.model.realm import Realm
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_text

_BYTES = "bytes"


class DeliveryCounts:
    """The counts of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def by_stage(self, incident: str, alert_key: str | None = None) -> dict[Stage, int]:
        """Every stage with how many newest instructions stand there, of one version where it is named."""
        counts = dict.fromkeys(Stage, 0)
        for (stage, _), n in (await self.causes(incident, alert_key)).items():
            counts[stage] += n
        return counts

    async def causes(self, incident: str, alert_key: str | None = None) -> dict[tuple[Stage, str], int]:
        """(stage, cause) → how many; the cause is "" but for failed, expired, retired and replaced."""
        found: Counter[tuple[Stage, str]] = Counter()
        for key, stage, cause, n in await self._rows(incident):
            if stage != _BYTES and alert_key in (None, key):
                found[Stage(stage), "" if cause == "-" else cause] += n
        return dict(found)

    async def bytes_sent(self, incident: str, alert_key: str | None = None) -> int:
        """Bytes handed to push services so far, repeated tries included."""
        rows = await self._rows(incident)
        return sum(n for key, stage, _, n in rows if stage == _BYTES and alert_key in (None, key))

    async def alert_keys(self, incident: str) -> list[str]:
        """The versions that instructions of this incident stand on."""
        return sorted({key for key, _, _, _ in await self._rows(incident)})

    async def _rows(self, incident: str) -> list[tuple[str, str, str, int]]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.hgetall(self._keys.counts(number))
            return list(_of(incident, await pipe.execute()))


def _of(incident: str, buckets: list[dict[bytes, bytes]]) -> Iterator[tuple[str, str, str, int]]:
    for bucket in buckets:
        for field, n in bucket.items():
            where, key, stage, cause = as_text(field).split(" ", 3)
            if where == incident:
                yield key, stage, cause, int(n)
