"""Listening to 気象庁 and to other publishers of CAP: one poller for the whole city, telling HQ when it hears nothing.

    lease ─▶ open: entries taken before, health as it stood ─▶ one task for each source ─┬▶ note (fenced) ─▶ store
                                                                                          └▶ one line for the board

Sources are asked side by side, a second apart in the order of the settings (tsunami first). What must not be doubled or
missed when another process takes over is in the store: an entry is noted as taken after it was taken, so a successor
asks again for what was under way, and the service knows what it has.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp
import msgspec
from redis.asyncio import Redis

from bosai.feeds.cap_index import cap_listing
from bosai.feeds.listing import Listing, is_no_page, is_whole_telegram, jma_listing
from bosai.feeds.polling import long_feed_url, source_name
from bosai.feeds.source_health import SourceHealth, SourceKind, summary
from bosai.messages.measures import JST
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.feeds import FeedService, Taken
from bosai.settings_feeds import CapFeed, Feeds
from bosai.stores.feed_sources import FeedSources
from bosai.stores.keys import Keys
from workers.cancelling import stop_if_cancelled
from workers.faults import log_fault
from workers.feed_client import FeedClient, SeenEntries
from workers.feed_source import Source, SourceLoop

log = logging.getLogger(__name__)

TELL_EVERY_S = 15.0
ENTRY_MARGIN = timedelta(
    hours=1
)  # an entry's time is when it was sent, a telegram's age counts from its report
HEALTH_PART = "feeds"


class LeaseLost(Exception):
    """Somebody with a higher token polls now: what this process does is no longer wanted."""


class FeedLoop:
    """Polls the configured sources and hands every new telegram to the service."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        *,
        clock: Clock,
        service: FeedService,
        session: aiohttp.ClientSession,
        settings: Feeds,
        rng: random.Random,
        token: Callable[[], int | None] = lambda: None,
    ) -> None:
        """token: of the lease while it is held."""
        self.sources: list[SourceLoop] = []
        self._redis = redis
        self._health_key = Keys(realm).health
        self._store = FeedSources(redis, realm)
        self._clock = clock
        self._service = service
        self._session = session
        self._settings = settings
        self._rows = settings.rows
        self._rng = rng
        self._token = token
        self._logged = ""

    async def run(self) -> None:
        """Poll until cancelled, or until somebody else holds the lease."""
        await self._open()
        try:
            async with asyncio.TaskGroup() as group:
                for one in self.sources:
                    group.create_task(self._keep_polling(one))
                group.create_task(self._keep_telling())
        except* LeaseLost:
            log.warning("another process polls the feeds now")

    async def poll_once(self) -> None:
        """Ask every source once, side by side, and tell HQ."""
        if not self.sources:
            await self._open()
        async with asyncio.TaskGroup() as group:
            for one in self.sources:
                group.create_task(self._turn(one))
        await self._tell_board()

    async def _keep_polling(self, source: SourceLoop) -> None:
        while True:
            stop_if_cancelled()
            await self._turn(source)
            await asyncio.sleep(source.pause_s())

    async def _keep_telling(self) -> None:
        """The board takes a part that says nothing for a minute for dead; a feed may be asked more rarely."""
        while True:
            stop_if_cancelled()
            await asyncio.sleep(TELL_EVERY_S)
            try:
                await self._tell_board()
            except Exception as error:
                log_fault(log, "the health of the feeds can not be written", error)

    async def _turn(self, source: SourceLoop) -> None:
        try:
            await source.turn()
            noted = await self._note(source)
        except Exception as error:
            log_fault(log, f"{source.health.name}: this turn failed", error)
            source.failed(error)
            return
        if not noted:
            raise LeaseLost

    async def _note(self, source: SourceLoop) -> bool:
        taken = list(source.taken)
        noted = await self._store.note([source.health], taken, token=self._token())
        if noted:
            del source.taken[: len(taken)]
            await self._tell_board()
        return noted

    async def _tell_board(self) -> None:
        now = self._clock.now()
        found = summary(
            (one.health for one in self.sources),
            now,
            silent_after=timedelta(minutes=self._settings.stale_after_min),
            warn_share=self._settings.daily_warn_share,
            limit_bytes=self._settings.daily_limit_mb * 1_000_000,
        )
        # The board tells it every time; the log tells only what is new.
        heard = "" if found.ok else found.detail
        if bool(heard) != bool(self._logged):
            if heard:
                log.error("no good answer from the feeds: %s", heard)
            else:
                log.info("the feeds answer again")
        self._logged = heard
        note = {"at": now.isoformat(), "ok": found.ok, "detail": found.detail}
        await self._redis.hset(self._health_key, HEALTH_PART, msgspec.json.encode(note))

    async def _open(self) -> None:
        """Begin where the last poller stopped."""
        stood = {one.name: one for one in await self._store.all()}
        seen = SeenEntries(await self._store.seen())
        self.sources = [
            *(self._jma(url, second, stood, seen) for second, url in enumerate(self._settings.urls)),
            *(self._cap(feed, stood, seen) for feed in self._settings.cap),
        ]
        await self._store.forget(set(stood) - {one.health.name for one in self.sources})

    def _jma(self, url: str, number: int, stood: dict[str, SourceHealth], seen: SeenEntries) -> SourceLoop:
        settings = self._settings
        source = Source(
            url=url,
            long_url=long_feed_url(url),
            second=settings.poll_second + number,
            interval_s=settings.interval_s,
            read=self._jma_reader,
            take=self._take_jma,
        )
        health = self._health(source_name(url), url, SourceKind.JMA, stood)
        client = self._client(seen, settings.data_hosts, is_whole_telegram)
        return self._loop(source, health, client)

    def _cap(self, feed: CapFeed, stood: dict[str, SourceHealth], seen: SeenEntries) -> SourceLoop:
        async def take(data: bytes, name: str, _max_age: timedelta) -> Taken:
            return await self._service.take_cap(data, name, feed=feed.name)

        def read(address: str, _in_gap: bool) -> Callable[[bytes], Listing]:
            return functools.partial(cap_listing, url=address)

        source = Source(
            url=feed.url,
            long_url="",
            second=self._settings.poll_second,
            interval_s=feed.interval_s,
            read=read,
            take=take,
        )
        health = self._health(feed.name, feed.url, SourceKind.CAP, stood)
        return self._loop(source, health, self._client(seen, feed.hosts, is_no_page))

    def _jma_reader(self, address: str, in_gap: bool) -> Callable[[bytes], Listing]:
        oldest = self._clock.now() - timedelta(hours=self._settings.gap_max_age_h) - ENTRY_MARGIN
        return functools.partial(
            jma_listing, wants=self._rows, base_url=address, in_gap=in_gap, not_before=oldest
        )

    async def _take_jma(self, data: bytes, name: str, max_age: timedelta) -> Taken:
        return await self._service.take(data, name, max_age=max_age)

    def _health(self, name: str, url: str, kind: SourceKind, stood: dict[str, SourceHealth]) -> SourceHealth:
        now = self._clock.now()
        before = stood.get(name)
        if before is None or before.url != url or before.kind is not kind:
            return SourceHealth(name=name, url=url, kind=kind, at=now, watched_since=now)
        return msgspec.structs.replace(before, watched_since=now, failures=0, cause="", slowed=1.0)

    def _client(
        self, seen: SeenEntries, hosts: tuple[str, ...], is_whole: Callable[[bytes], bool]
    ) -> FeedClient:
        return FeedClient(
            self._session,
            self._clock,
            user_agent=self._settings.user_agent,
            seen=seen,
            allowed_hosts=hosts,
            timeout_s=self._settings.total_timeout_s,
            max_telegram_bytes=self._settings.max_bytes,
            is_whole=is_whole,
            proxy=self._settings.proxy,
        )

    def _loop(self, source: Source, health: SourceHealth, client: FeedClient) -> SourceLoop:
        return SourceLoop(
            source,
            msgspec.structs.replace(health, interval_s=source.interval_s),
            client=client,
            clock=self._clock,
            settings=self._settings,
            rng=self._rng,
            volume=functools.partial(self._volume, health.name, health.kind),
            day_of=_day_of,
        )

    def _volume(self, name: str, kind: SourceKind) -> tuple[int, int]:
        """気象庁's limit is one for all its feeds; another publisher stands alone."""
        same = [
            one.health
            for one in self.sources
            if (one.health.kind is SourceKind.JMA if kind is SourceKind.JMA else one.health.name == name)
        ]
        day = _day_of(self._clock.now())
        return sum(one.bytes_today for one in same if one.day == day), len(same)


def _day_of(at: datetime) -> str:
    return f"{at.astimezone(JST):%Y-%m-%d}"


def open_session(settings: Feeds) -> aiohttp.ClientSession:
    """The one session of the feed worker."""
    timeout = aiohttp.ClientTimeout(total=settings.total_timeout_s, connect=settings.connect_timeout_s)
    return aiohttp.ClientSession(
        timeout=timeout, trust_env=True
    )  # a city network's proxy is in the environment, unless the settings name one
