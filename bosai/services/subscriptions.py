"""Subscribing, changing one's mind, and leaving. No account: whoever holds the secret owns the subscription.

register ─▶ check ▸ round the places ▸ seal both parts ▸ write ▸ on disk (and replicas) ─▶ id + secret
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, StoreUnavailable, WrongSecret
from bosai.model.realm import Realm
from bosai.model.subscription import Place, PushTarget, Subscription
from bosai.ports import Clock
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.push.target import check_keys
from bosai.services.place_extras import NO_EXTRAS, Extras, PlaceExtras
from bosai.services.place_rules import Bbox, check_lang
from bosai.services.welfare import WelfareCodes
from bosai.stores.durable import durable
from bosai.stores.events import EventKind, announce
from bosai.stores.keys import bucket_of
from bosai.stores.subscriptions import HeldSubscriber, Meta, PushPart, SubscriptionStore

ID_HEX = 32
_SECRET_BYTES = 32
_TRIES = 8
_SEEN_EVERY = timedelta(days=1)
ENDED_KEPT = timedelta(hours=12)
"""A visitor's registration stays so long after its end: a lift released meanwhile must still reach it."""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps. The secret is told once and stored only as its SHA-256."""

    subscription_id: str
    secret: str


class SubscriptionService:
    """The subscribers of one side, for the web."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        *,
        push_sealer: Sealer,
        places_sealer: Sealer,
        hmac_key: bytes,
        hosts: HostPolicy,
        bbox_lonlat: Bbox,
        timezone: str = "Asia/Tokyo",
        welfare: WelfareCodes | None = None,
        wait_replicas: int = 0,
        wait_timeout_s: float = 1.0,
    ) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._store = SubscriptionStore(redis, realm, push_sealer=push_sealer, places_sealer=places_sealer)
        self._hmac_key = hmac_key
        self._hosts = hosts
        codes = welfare or WelfareCodes(redis, realm, clock, hmac_key)
        self._extras = PlaceExtras(clock, codes, timezone=timezone, bbox_lonlat=bbox_lonlat)
        self._wait = (wait_replicas, wait_timeout_s)

    async def register(
        self,
        target: PushTarget,
        lang: str,
        places: tuple[Place, ...],
        *,
        wants_checks: bool = True,
        extras: Extras = NO_EXTRAS,
    ) -> Registered:
        """A new subscriber, or a known endpoint anew: the later registration replaces, its secret alone counts.

        The endpoint is a capability of the browser that holds it, so no old secret is asked for. Returns once the
        subscriber is on disk. Raises InvalidInput, PushHostRefused, TooManyTries (codes), StoreUnavailable.
        """
        self._hosts.check(target.endpoint)
        push = PushPart(target=check_keys(target), lang=check_lang(lang), wants_checks=wants_checks)
        settled = _read_in(self._extras.settled(places, extras), push.lang)
        secret = secrets.token_urlsafe(_SECRET_BYTES)

        async def write() -> str | None:
            subscription_id, held = await self._owner_of(target.endpoint)
            now = self._clock.now()
            opened = await self._extras.opened(
                settled, subscription_id, lambda: self._places_of(subscription_id, held), extras
            )
            meta = Meta(
                secret_hash=_hash(secret), created_at=held.meta.created_at if held else now, seen_at=now
            )
            async with self._durable() as redis:
                await self._note_end(redis, subscription_id, opened)
                written = await self._store.put(
                    redis,
                    subscription_id,
                    expected=held.meta_raw if held else b"",
                    meta=meta,
                    push=push,
                    places=opened,
                )
            return subscription_id if written else None

        subscription_id = await _until_written(write)
        await self._announce(subscription_id)
        return Registered(subscription_id=subscription_id, secret=secret)

    async def authenticate(self, subscription_id: str, secret: str) -> None:
        """Nothing when the secret opens the subscription. Raises NotFound, WrongSecret."""
        await self._open(subscription_id, secret)

    async def read(self, subscription_id: str, secret: str) -> Subscription:
        """Everything held about this subscriber. Raises NotFound, WrongSecret, SealBroken."""
        held = await self._open(subscription_id, secret)
        push = self._store.open_push(subscription_id, held.push_sealed)
        places = self._store.open_places(subscription_id, held.places_sealed)
        now = self._clock.now()
        if now - held.meta.seen_at >= _SEEN_EVERY:  # keeps the subscription from counting as idle
            meta = msgspec.structs.replace(held.meta, seen_at=now)
            await self._store.put(self._redis, subscription_id, expected=held.meta_raw, meta=meta)
        return Subscription(
            subscription_id=subscription_id,
            lang=push.lang,
            push=push.target,
            places=_read_in(places, ""),  # said once, above
            created_at=held.meta.created_at,
        )

    async def replace(
        self,
        subscription_id: str,
        secret: str,
        *,
        lang: str | None = None,
        places: tuple[Place, ...] | None = None,
        target: PushTarget | None = None,
        wants_checks: bool | None = None,
        extras: Extras = NO_EXTRAS,
    ) -> None:
        """Change what is given, keep the rest; id and secret stay. Raises as `register` and `authenticate`.

        extras: of the places given; without places they mean nothing.
        """
        if target is not None:
            self._hosts.check(target.endpoint)
            target = check_keys(target)
        if lang is not None:
            check_lang(lang)
        settled = None if places is None else self._extras.settled(places, extras)

        async def write() -> str | None:
            held = await self._open(subscription_id, secret)
            old = self._store.open_push(subscription_id, held.push_sealed)
            push = PushPart(
                target=target or old.target,
                lang=lang or old.lang,
                wants_checks=old.wants_checks if wants_checks is None else wants_checks,
            )
            meta = msgspec.structs.replace(held.meta, seen_at=self._clock.now())
            told_in = settled
            if settled is not None:
                told_in = await self._extras.opened(
                    settled, subscription_id, lambda: self._places_of(subscription_id, held), extras
                )
            if told_in is None and push.lang != old.lang:
                told_in = self._store.open_places(subscription_id, held.places_sealed)
            async with self._durable() as redis:
                if settled is not None:
                    await self._note_end(redis, subscription_id, told_in or ())
                if target is not None and target.endpoint != old.endpoint:
                    # Before the move: a browser that registers the new endpoint later finds itself again.
                    await self._store.put_alias(redis, self._endpoint_id(target.endpoint), subscription_id)
                written = await self._store.put(
                    redis,
                    subscription_id,
                    expected=held.meta_raw,
                    meta=meta,
                    push=push if push != old else None,
                    places=None if told_in is None else _read_in(told_in, push.lang),
                )
            return subscription_id if written else None

        await _until_written(write)
        await self._announce(subscription_id)

    async def delete(self, subscription_id: str, secret: str) -> None:
        """Forget the subscriber and everything it was told. Raises NotFound, WrongSecret, StoreUnavailable."""

        async def write() -> str | None:
            held = await self._open(subscription_id, secret)
            async with self._durable() as redis:
                dropped = await self._store.drop(redis, subscription_id, expected=held.meta_raw)
                if dropped:
                    endpoint = self._store.open_push(subscription_id, held.push_sealed).endpoint
                    await self._store.drop_alias(redis, self._endpoint_id(endpoint))
                    await self._store.drop_end(subscription_id)
            return subscription_id if dropped else None

        await _until_written(write)
        await self._announce(subscription_id)

    async def drop_ended(self) -> int:
        """Forget the "today only" places that ended a while ago, and who has no other; how many subscribers that was.

        Asked for while no order is in force: a day that ended in the middle of one goes on to its end.
        """
        now, done = self._clock.now(), 0
        for subscription_id in await self._store.ended_by(now - ENDED_KEPT):
            done += await self._drop_ended_of(subscription_id, now)
        return done

    async def count(self) -> int:
        """How many subscribers this side has."""
        return await self._store.count()

    # ---- the end of a day --------------------------------------------------------------------------

    async def _drop_ended_of(self, subscription_id: str, now: datetime) -> bool:
        for _ in range(_TRIES):
            held = await self._store.held(subscription_id)
            places = self._places_of(subscription_id, held)
            left = tuple(one for one in places if one.until is None or one.until > now)
            if held is None or left == places:
                await self._store.drop_end(subscription_id)
                return False
            async with self._durable() as redis:
                if left:
                    written = await self._store.put(
                        redis, subscription_id, expected=held.meta_raw, meta=held.meta, places=left
                    )
                else:
                    written = await self._store.drop(redis, subscription_id, expected=held.meta_raw)
                    endpoint = self._store.open_push(subscription_id, held.push_sealed).endpoint
                    if written:
                        await self._store.drop_alias(redis, self._endpoint_id(endpoint))
            if written:
                await self._store.drop_end(subscription_id)
                await self._announce(subscription_id)
                return True
        raise StoreUnavailable

    async def _note_end(self, redis: Redis, subscription_id: str, places: tuple[Place, ...]) -> None:
        ends = [one.until for one in places if one.until is not None]
        if ends:
            await self._store.put_end(redis, subscription_id, min(ends))

    # ---- within ------------------------------------------------------------------------------------

    def _places_of(self, subscription_id: str, held: HeldSubscriber | None) -> tuple[Place, ...]:
        return self._store.open_places(subscription_id, held.places_sealed) if held else ()

    async def _open(self, subscription_id: str, secret: str) -> HeldSubscriber:
        held = await self._store.held(subscription_id) if _is_id(subscription_id) else None
        if held is None:
            raise NotFound("subscription", subscription_id[:ID_HEX])
        if not hmac.compare_digest(held.meta.secret_hash, _hash(secret)):
            raise WrongSecret
        return held

    async def _owner_of(self, endpoint: str) -> tuple[str, HeldSubscriber | None]:
        """Who holds this endpoint: the one that moved to it, else the id made from it."""
        endpoint_id = self._endpoint_id(endpoint)
        moved = await self._store.alias(endpoint_id)
        held = await self._store.held(moved) if moved else None
        if moved and held and self._store.open_push(moved, held.push_sealed).endpoint == endpoint:
            return moved, held
        return endpoint_id, await self._store.held(endpoint_id)

    def _endpoint_id(self, endpoint: str) -> str:
        message = b"bosai subscription v1\0" + self.realm.value.encode() + b"\0" + endpoint.encode()
        return hmac.digest(self._hmac_key, message, hashlib.sha256).hex()[:ID_HEX]

    def _durable(self) -> AbstractAsyncContextManager[Redis]:
        return durable(self._redis, *self._wait)

    async def _announce(self, subscription_id: str) -> None:
        # A crash before this costs only the planner's polling interval: it reads the bucket versions too.
        await announce(
            self._redis,
            self.realm,
            EventKind.SUBSCRIPTION_CHANGED,
            str(bucket_of(subscription_id)),
            self._clock.now(),
        )


async def _until_written(write: Callable[[], Awaitable[str | None]]) -> str:
    """Read and write again while others change the same subscriber in between."""
    for _ in range(_TRIES):
        if (subscription_id := await write()) is not None:
            return subscription_id
    raise StoreUnavailable


def _read_in(places: tuple[Place, ...], lang: str) -> tuple[Place, ...]:
    """The places with the language beside them: the planner counts by it, and can not open the push part."""
    return tuple(msgspec.structs.replace(one, lang=lang) for one in places)


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _is_id(text: str) -> bool:
    return len(text) == ID_HEX and all(char in "0123456789abcdef" for char in text)
