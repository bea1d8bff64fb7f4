"""The loop that listens to JMA: one poller for the whole city, at a fixed second, telling HQ when it hears nothing."""

import asyncio
import logging
import random
from datetime import datetime, timedelta

import aiohttp
import msgspec
from redis.asyncio import Redis

from bosai.feeds.polling import back_off_s, is_silent, needs_gap_fill, next_poll_at
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.feeds import FeedService
from bosai.settings_schema import Feeds
from bosai.stores.keys import Keys
from workers.cancelling import stop_if_cancelled
from workers.feed_client import FeedClient, FeedWant, FetchFailure

log = logging.getLogger(__name__)

GAP_MAX_AGE = timedelta(hours=48)  # after a stop: a tsunami warning may stand for more than a day


class FeedLoop:
    """Polls the configured feeds and hands every new telegram to the service."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        *,
        clock: Clock,
        service: FeedService,
        client: FeedClient,
        settings: Feeds,
        rng: random.Random,
    ) -> None:
        self._redis = redis
        self._keys = Keys(realm)
        self._clock = clock
        self._service = service
        self._client = client
        self._settings = settings
        self._rng = rng
        self._last_ok_at: datetime | None = None
        self._failures = 0
        self._logged = ""
        self._asked_to_wait_s = 0.0

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            stop_if_cancelled()
            await self.poll_once()
            await asyncio.sleep(self._pause_s())

    async def poll_once(self) -> None:
        """Ask every feed once (after a gap the long feed too) and take what is new."""
        now = self._clock.now()
        max_age = timedelta(minutes=self._settings.telegram_max_age_min)
        asked = [(url, max_age) for url in self._settings.urls]
        if needs_gap_fill(self._last_ok_at, now):
            asked = [(url, GAP_MAX_AGE) for url in self._settings.gap_urls] + asked
        self._asked_to_wait_s = 0.0
        silent: list[str] = []
        missing: list[str] = []
        for url, age in asked:
            failed, lost = await self._poll(url, age)
            silent += failed
            missing += lost
        if not silent:
            self._last_ok_at = now
        # A telegram that is listed and can not be fetched is asked for as soon as a feed that is silent.
        self._failures = self._failures + 1 if silent or missing else 0
        await self._tell_health([*silent, *missing])

    async def _poll(self, url: str, max_age: timedelta) -> tuple[list[str], list[str]]:
        """What went wrong, as sentences for HQ: with the feed, and with telegrams that it lists."""
        result = await self._client.poll(url)
        lost = []
        for entry in result.entries:
            fetched = await self._client.fetch(entry)
            if isinstance(fetched, FetchFailure):
                log.warning("telegram not fetched: %s %s", fetched.url, fetched.detail)
                lost.append(f"{fetched.url}: {fetched.detail}")
                self._heed(fetched)
                continue
            taken = await self._service.take(fetched.data, fetched.name, max_age=max_age)
            log.info("telegram %s: %s %s", taken.name, taken.outcome, taken.detail)
        if result.failure is None:
            return [], lost
        self._heed(result.failure)
        return [f"{url}: {result.failure.detail}"], lost

    def _heed(self, failure: FetchFailure) -> None:
        """JMA blocks whoever does not wait as told."""
        self._asked_to_wait_s = max(self._asked_to_wait_s, failure.retry_after_s or 0.0)

    def _pause_s(self) -> float:
        now = self._clock.now()
        if self._failures:
            return back_off_s(
                self._failures,
                self._rng,
                cap_s=float(self._settings.interval_s),
                retry_after_s=self._asked_to_wait_s,
            )
        interval = timedelta(seconds=self._settings.interval_s)
        return (next_poll_at(now, second=self._settings.poll_second, interval=interval) - now).total_seconds()

    async def _tell_health(self, problems: list[str]) -> None:
        now = self._clock.now()
        after = timedelta(minutes=self._settings.stale_after_min)
        silent = is_silent(self._last_ok_at, now, after=after)
        note = {
            "at": now.isoformat(),
            "ok": not silent and not problems,
            "last_ok_at": self._last_ok_at.isoformat() if self._last_ok_at else None,
            "detail": "; ".join(problems),
        }
        # The board tells it every time; the log tells only what is new.
        heard = "" if not problems else f"{'silent' if silent else 'failing'}: {note['detail']}"
        if heard != self._logged:
            if heard:
                log.error("no good answer from the feeds: %s", heard)
            else:
                log.info("the feeds answer again")
            self._logged = heard
        await self._redis.hset(self._keys.health, "feeds", msgspec.json.encode(note))


def open_session(settings: Feeds) -> aiohttp.ClientSession:
    """The one session of the feed worker."""
    timeout = aiohttp.ClientTimeout(total=settings.total_timeout_s, connect=settings.connect_timeout_s)
    return aiohttp.ClientSession(
        timeout=timeout, trust_env=True
    )  # a city network's proxy is in the environment


def make_client(session: aiohttp.ClientSession, settings: Feeds) -> FeedClient:
    """The client for the configured types and offices."""
    offices = frozenset(settings.offices) or None
    return FeedClient(
        session,
        user_agent=settings.user_agent,
        wants=[FeedWant(type_prefix=one, offices=offices) for one in settings.types],
        allowed_hosts=settings.data_hosts,
        timeout_s=settings.total_timeout_s,
        max_telegram_bytes=settings.max_bytes,
    )
