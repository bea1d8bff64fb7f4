"""One-time pairs of all subscribers, made in quiet hours. Taking one is part of the claim (lua/claim.lua).

prekey_fill ─▶ missing ─▶ (pairs are made and sealed) ─▶ add ─▶ hash ─▶ claimed with the message, one by one
"""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.push.prekeys import PAIR_BYTES
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Arg, Script

_add = Script("prekeys_add")
_missing = Script("prekeys_missing")
_count = Script("prekeys_count")
_COUNTED_AT_ONCE = 4  # buckets; some 10 ms of Redis with 300,000 subscribers


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber with too few pairs. `push_sealed`: the push part they are to be made for."""

    subscription_id: str
    push_sealed: bytes
    missing: int


class NewPairs(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs for one subscriber, one behind the other, made for the push part that was read."""

    subscription_id: str
    push_sealed: bytes
    pairs: bytes


class PrekeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the pairs of one side stand. Whoever has none gets one made while the message is sent."""

    subscribers: int
    pairs: int
    without: int


class PrekeyStore:
    """The pairs of one side. Holds no key: it moves what is sealed."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def add(self, bucket: int, rows: Sequence[NewPairs], target_each: int) -> int:
        """Add pairs, up to `target_each` a subscriber; returns how many.

        Left out: what would pass the target, and pairs of a push part that changed or went since it was read.
        """
        if not rows:
            return 0
        args: list[Arg] = [PAIR_BYTES, target_each]
        for one in rows:
            args += (one.subscription_id, one.push_sealed, one.pairs)
        return int(await _add(self._redis, keys=self._hashes(bucket), args=args))

    async def missing(self, bucket: int, each: int, *, after: str = "", limit: int = 200) -> list[Lacking]:
        """Who has fewer than `each` pairs, at most `limit` of them, by id; ids up to `after` are left out."""
        args: list[Arg] = [PAIR_BYTES, each, after, limit]
        found = await _missing(self._redis, keys=self._hashes(bucket), args=args)
        return [
            Lacking(
                subscription_id=as_text(found[at]),
                push_sealed=as_bytes(found[at + 1]),
                missing=int(found[at + 2]),
            )
            for at in range(0, len(found), 3)
        ]

    async def buckets_with_none(self) -> list[int]:
        """Buckets in which somebody has no pair at all."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                for key in self._hashes(number):
                    pipe.hlen(key)
            rows = await pipe.execute()
        return [number for number in range(BUCKETS) if rows[2 * number] > rows[2 * number + 1]]

    async def status(self) -> PrekeyStatus:
        """The totals of this side."""
        calls = [(self._hashes(number), [PAIR_BYTES]) for number in range(BUCKETS)]
        rows: list[list[int]] = []
        for start in range(0, BUCKETS, _COUNTED_AT_ONCE):  # Redis serves others in between
            rows += await _count.many(self._redis, calls[start : start + _COUNTED_AT_ONCE])
        subscribers, pairs, without = (sum(int(row[at]) for row in rows) for at in range(3))
        return PrekeyStatus(subscribers=subscribers, pairs=pairs, without=without)

    def _hashes(self, bucket: int) -> list[str]:
        return [self._keys.push(bucket), self._keys.prekeys(bucket)]
