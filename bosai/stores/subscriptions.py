"""Subscribers in 256 buckets: the push part and the places, sealed apart, and what proves who owns them.

web      both sealers     put ─▶ push, meta ‖ places, version + 1      drop
planner  places sealer    bucket_versions ─▶ load_bucket
delivery push sealer      (claims deliver the sealed part) ─▶ open_push      retire

A push part that changes or goes takes its one-time pairs along (prekeys.py).
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

import msgspec
from redis.asyncio import Redis

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.model.subscription import Place
from bosai.push.part import PushPart, pack, unpack
from bosai.push.sealing import KindSealer, Sealer
from bosai.stores.compact import META_BYTES, Meta, pack_meta, pack_places, unpack_meta, unpack_places
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

__all__ = ["HeldSubscriber", "Meta", "NewSubscriber", "PushPart", "SubscriptionStore"]

log = logging.getLogger(__name__)

PUSH_KIND = "push"
PLACES_KIND = "places"
PUT_AT_ONCE = 2000
_put = Script("subscription_put")
_drop = Script("subscription_drop")
_retire = Script("subscription_retire")
_Items = list[str | bytes]  # field, value, field, value …


class HeldSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """One subscriber as stored. `meta_raw` is what a change must still find there."""

    meta: Meta
    meta_raw: bytes
    push_sealed: bytes
    places_sealed: bytes


class NewSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """One subscriber to be written without looking whether there was one."""

    subscription_id: str
    meta: Meta
    push: PushPart
    places: tuple[Place, ...]


class SubscriptionStore:
    """The subscribers of one side. A part whose sealer was not given can be moved but not read (RuntimeError)."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        *,
        push_sealer: Sealer | None = None,
        places_sealer: Sealer | None = None,
    ) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)
        self._push_seal = push_sealer.of_kind(PUSH_KIND, realm) if push_sealer else None
        self._places_seal = places_sealer.of_kind(PLACES_KIND, realm) if places_sealer else None

    # ---- one subscriber: the web side --------------------------------------------------------------

    async def held(self, subscription_id: str) -> HeldSubscriber | None:
        """The stored parts of one subscriber, or None."""
        number = bucket_of(subscription_id)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(self._keys.push(number), subscription_id)
            pipe.hget(self._keys.places(number), subscription_id)
            push, places = await pipe.execute()
        if push is None or places is None:
            return None
        return HeldSubscriber(
            meta=unpack_meta(places),
            meta_raw=places[:META_BYTES],
            push_sealed=push,
            places_sealed=places[META_BYTES:],
        )

    async def put(
        self,
        redis: Redis,
        subscription_id: str,
        *,
        expected: bytes,
        meta: Meta,
        push: PushPart | None = None,
        places: tuple[Place, ...] | None = None,
    ) -> bool:
        """Write through `redis` (see `durable`). `expected`: the meta bytes read before, b"" = there were none.

        False when somebody changed or removed the subscriber meanwhile: nothing was written, read again.
        """
        k, number = self._keys, bucket_of(subscription_id)
        written = await _put(
            redis,
            keys=[k.push(number), k.places(number), k.version(number), k.prekeys(number)],
            args=[
                subscription_id,
                expected,
                self.seal_push(subscription_id, push) if push else b"",
                self._seal_places(subscription_id, places) if places is not None else b"",
                pack_meta(meta),
            ],
        )
        return int(written) == 1

    async def drop(self, redis: Redis, subscription_id: str, *, expected: bytes) -> bool:
        """Forget one subscriber and everything ever told. False when it was changed meanwhile."""
        k, number = self._keys, bucket_of(subscription_id)
        keys = [k.push(number), k.places(number), k.version(number), k.told(number)]
        keys += [k.instructions(number), k.deliveries(number), k.due(number), k.counts(number)]
        keys += [k.prekeys(number), k.told_version(number)]
        return int(await _drop(redis, keys=keys, args=[subscription_id, expected])) == 1

    async def alias(self, endpoint_id: str) -> str | None:
        """The subscriber that moved to the endpoint with this keyed hash, if one did."""
        found = await self._redis.hget(self._keys.aliases(bucket_of(endpoint_id)), endpoint_id)
        return None if found is None else as_text(found)

    async def put_alias(self, redis: Redis, endpoint_id: str, subscription_id: str) -> None:
        """Note that a subscriber moved to the endpoint with this keyed hash."""
        await redis.hset(self._keys.aliases(bucket_of(endpoint_id)), endpoint_id, subscription_id)

    async def drop_alias(self, redis: Redis, endpoint_id: str) -> None:
        """Forget the note."""
        await redis.hdel(self._keys.aliases(bucket_of(endpoint_id)), endpoint_id)

    async def put_end(self, redis: Redis, subscription_id: str, until: datetime) -> None:
        """Note when the first "today only" place ends, before it is written: a note too many does no harm."""
        ends = self._keys.ends(bucket_of(subscription_id))
        await redis.zadd(ends, {subscription_id: until.timestamp()})

    async def drop_end(self, subscription_id: str) -> None:
        """Forget the note."""
        await self._redis.zrem(self._keys.ends(bucket_of(subscription_id)), subscription_id)

    async def ended_by(self, at: datetime) -> list[str]:
        """Subscribers with a note of a place that ended by `at`."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.zrangebyscore(self._keys.ends(number), "-inf", at.timestamp())
            return [as_text(one) for some in await pipe.execute() for one in some]

    # ---- the many ----------------------------------------------------------------------------------

    async def put_many(self, rows: Iterable[NewSubscriber]) -> int:
        """Write many at once, over whatever stood there: for seeding, not for requests. Returns how many.

        `rows` may be a generator; it is read in pieces. Nothing is awaited from replicas.
        """
        k, written = self._keys, 0
        for piece in _pieces(rows):
            sealed = await asyncio.to_thread(self._sealed, piece)
            async with self._redis.pipeline(transaction=False) as pipe:
                for number, (push, places, ids) in sealed.items():
                    pipe.hset(k.push(number), items=push)
                    pipe.hset(k.places(number), items=places)
                    pipe.hdel(k.prekeys(number), *ids)
                    pipe.incr(k.version(number))
                await pipe.execute()
            written += len(piece)
        return written

    async def count(self) -> int:
        """How many subscribers there are."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.hlen(self._keys.push(number))
            return sum(map(int, await pipe.execute()))

    async def bucket_versions(self) -> list[int]:
        """(256,) a number per bucket that rises with every change of its places."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.get(self._keys.version(number))
            return [int(one or 0) for one in await pipe.execute()]

    async def load_bucket(self, number: int) -> list[tuple[str, tuple[Place, ...]]]:
        """Every subscriber of the bucket with its places, by id. A record that does not open is logged and left out."""
        stored = await self._redis.hgetall(self._keys.places(number))
        found = []
        for raw_id, held in sorted(stored.items()):
            subscription_id = as_text(raw_id)
            try:
                places = self.open_places(subscription_id, as_bytes(held)[META_BYTES:])
                found.append((subscription_id, places))
            except SealBroken:
                log.exception("places of %s can not be read", subscription_id)
        return found

    async def retire(self, sent_with: Mapping[str, bytes]) -> set[str]:
        """Remove subscribers a push service no longer knows: id → the sealed push part the message went with.

        Returns the ids that are gone; one that renewed its push part meanwhile stays.
        """
        by_bucket: dict[int, list[str | bytes]] = {}
        for subscription_id, sealed in sent_with.items():
            by_bucket.setdefault(bucket_of(subscription_id), []).extend((subscription_id, sealed))
        k, gone = self._keys, set()
        for number, pairs in by_bucket.items():
            keys = [k.push(number), k.places(number), k.version(number), k.prekeys(number)]
            gone |= {as_text(one) for one in await _retire(self._redis, keys=keys, args=pairs)}
        return gone

    # ---- seals -------------------------------------------------------------------------------------

    def seal_push(self, subscription_id: str, part: PushPart) -> bytes:
        """The push part as stored."""
        return _need(self._push_seal).seal(subscription_id.encode(), pack(part))

    def open_push(self, subscription_id: str, sealed: bytes) -> PushPart:
        """The push part, in about 3 µs. Raises SealBroken."""
        try:
            return unpack(_need(self._push_seal).open(subscription_id.encode(), sealed))
        except ValueError as error:
            raise SealBroken(PUSH_KIND) from error

    def open_places(self, subscription_id: str, sealed: bytes) -> tuple[Place, ...]:
        """The places. Raises SealBroken."""
        try:
            return unpack_places(_need(self._places_seal).open(subscription_id.encode(), sealed))
        except ValueError as error:
            raise SealBroken(PLACES_KIND) from error

    def _seal_places(self, subscription_id: str, places: tuple[Place, ...]) -> bytes:
        return _need(self._places_seal).seal(subscription_id.encode(), pack_places(places))

    def _sealed(self, some: list[NewSubscriber]) -> dict[int, tuple[_Items, _Items, list[str]]]:
        by_bucket: dict[int, tuple[_Items, _Items, list[str]]] = {}
        for one in some:
            name = one.subscription_id
            push, places, ids = by_bucket.setdefault(bucket_of(name), ([], [], []))
            push += (name, self.seal_push(name, one.push))
            places += (name, pack_meta(one.meta) + self._seal_places(name, one.places))
            ids.append(name)
        return by_bucket


def _pieces(rows: Iterable[NewSubscriber]) -> Iterator[list[NewSubscriber]]:
    left = iter(rows)
    while piece := list(islice(left, PUT_AT_ONCE)):
        yield piece


def _need(sealer: KindSealer | None) -> KindSealer:
    if sealer is None:
        raise RuntimeError("this process was not given the key of that part")
    return sealer
