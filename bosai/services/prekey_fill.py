"""Making one-time pairs while nothing happens, so that there are some when everything happens at once.

tick ─▶ an order in force? nothing ─▶ quiet hours: everybody's pairs up to the full number
                                      by day: one pair for those who have none, a few people a tick
fill ─▶ the same, now, for everybody (the command)

Made in pieces on a thread; between two pieces it looks again whether it may go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from redis.asyncio import Redis

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.push.encryption import make_pair
from bosai.push.prekeys import seal_pair
from bosai.push.sealing import Sealer
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.keys import BUCKETS
from bosai.stores.prekeys import Lacking, NewPairs, PrekeyStatus, PrekeyStore
from bosai.stores.subscriptions import SubscriptionStore

log = logging.getLogger(__name__)

TICK_S = 60
PIECE_SUBSCRIBERS = 100
"""A few hundred pairs: some 30 ms on the thread."""
COMPLETE_FOR = timedelta(minutes=10)
"""So long after everybody had all pairs in quiet hours, nobody looks through all of them again."""
ORDER_IN_FORCE = "order_in_force"


class FillReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one filling did. `paused`: why it did not go on, "" = it was not stopped.

    broken: subscribers whose push part can not be used; they are reached, if at all, as before.
    complete: it saw everybody, and nobody it could make pairs for lacks one.
    """

    realm: Realm
    made: int = 0
    broken: int = 0
    paused: str = ""
    complete: bool = False


class PrekeyFill:
    """Fills the pairs of one side. Two at once do no harm: the store never takes more than the full number."""

    def __init__(
        self, redis: Redis, realm: Realm, clock: Clock, settings: Settings, push_sealer: Sealer
    ) -> None:
        self.realm = realm
        self._clock = clock
        self._push = settings.push
        self._zone = ZoneInfo(settings.city.timezone)
        self._sealer = push_sealer
        self._store = PrekeyStore(redis, realm)
        self._subscriptions = SubscriptionStore(redis, realm, push_sealer=push_sealer)
        # A drill makes way for real orders too: they share the machine.
        self._alerts = [AlertStore(redis, one) for one in {Realm.LIVE, realm}]
        self._complete_at: datetime | None = None

    async def status(self) -> PrekeyStatus:
        """How the pairs stand."""
        return await self._store.status()

    async def fill(self, limit: int | None = None) -> FillReport:
        """Bring everybody up to the full number whatever the hour, making about `limit` pairs at most."""
        return await self._fill(range(BUCKETS), self._push.prekeys_each, limit, lambda: True)

    async def tick(self) -> None:
        """Do what this hour allows. Called every TICK_S seconds by one scheduler at a time."""
        if not self.is_quiet(self._clock.now()):
            buckets = await self._store.buckets_with_none()
            report = await self._fill(buckets, 1, self._push.prekeys_trickle, lambda: True)
        elif self._was_complete(self._clock.now()):
            return
        else:
            each = self._push.prekeys_each
            report = await self._fill(range(BUCKETS), each, None, lambda: self.is_quiet(self._clock.now()))
            self._complete_at = self._clock.now() if report.complete else None
        if report.paused and report.made:
            log.info("%s: one-time pairs wait, %s after %s", self.realm, report.paused, report.made)
        if report.broken:
            log.warning("%s: the push part of %s subscribers can not be used", self.realm, report.broken)

    def is_quiet(self, now: datetime) -> bool:
        """Whether it is the hour for all pairs, by the city's clocks."""
        hour = now.astimezone(self._zone).hour
        start, end = self._push.prekeys_from_hour, self._push.prekeys_until_hour
        return start <= hour < end if start < end else start <= hour or hour < end

    def _was_complete(self, now: datetime) -> bool:
        # A clock that was set back makes the moment lie ahead: look again.
        return self._complete_at is not None and timedelta(0) <= now - self._complete_at < COMPLETE_FOR

    async def _fill(
        self, buckets: Iterable[int], each: int, limit: int | None, may_go_on: Callable[[], bool]
    ) -> FillReport:
        made = broken = 0
        for bucket in buckets:
            after = ""
            while True:
                if await self._in_force():
                    return self._report(made, broken, paused=ORDER_IN_FORCE)
                if not may_go_on() or (limit is not None and made >= limit):
                    return self._report(made, broken)
                wanted = PIECE_SUBSCRIBERS if limit is None else min(PIECE_SUBSCRIBERS, limit - made)
                rows = await self._store.missing(bucket, each, after=after, limit=wanted)
                if not rows:
                    break
                pairs = await asyncio.to_thread(self._make, rows)
                made += await self._store.add(bucket, pairs, each)
                broken += len(rows) - len(pairs)
                after = rows[-1].subscription_id
        return self._report(made, broken, complete=True)

    def _report(self, made: int, broken: int, *, paused: str = "", complete: bool = False) -> FillReport:
        return FillReport(realm=self.realm, made=made, broken=broken, paused=paused, complete=complete)

    async def _in_force(self) -> bool:
        """True while an order directs people; a notice of several days must not leave the city without pairs."""
        found = [one for alerts in self._alerts for one in await alerts.in_force()]
        return any(one.alert.guides_people for one in found)

    def _make(self, rows: list[Lacking]) -> list[NewPairs]:
        """Blocking. Whoever's push part can not be used is left out."""
        made = []
        for one in rows:
            with contextlib.suppress(SealBroken, ValueError):  # counted and told by the caller
                made.append(self._pairs_for(one))
        return made

    def _pairs_for(self, one: Lacking) -> NewPairs:
        part = self._subscriptions.open_push(one.subscription_id, one.push_sealed)
        key = part.fingerprint
        pairs = b"".join(
            seal_pair(self._sealer, self.realm, one.subscription_id, key, make_pair(part.p256dh, part.auth))
            for _ in range(one.missing)
        )
        return NewPairs(subscription_id=one.subscription_id, push_sealed=one.push_sealed, pairs=pairs)
