"""One source of telegrams, polled on its own: its failures and its slow answers are nobody else's.

    poll (after a gap the long feed too) ─▶ groups by type and office ─▶ fetch ─▶ take ─▶ done
         at a fixed second │ back-off, Retry-After │ slower where the day's volume is large

Within a group telegrams are taken in order; groups go side by side, a few at once. One that can not be fetched or taken
comes again with the next polls, and holds up none behind it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import msgspec

from bosai.feeds.atom import FeedEntry
from bosai.feeds.listing import Listing
from bosai.feeds.polling import back_off_s, needs_gap_fill, next_poll_at, slowdown
from bosai.feeds.source_health import MOST_LOST, MOST_PROBLEMS, LostEntry, SourceHealth
from bosai.ports import Clock
from bosai.services.feeds import Taken
from bosai.settings_feeds import Feeds
from workers.cancelling import stop_if_cancelled
from workers.faults import log_fault
from workers.feed_client import FailureCause, FeedClient, FetchFailure

log = logging.getLogger("workers.feeds")

LEAST_TURN_S = 10.0
UNFINISHED_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to ask, what to read out of the answers, and who takes what was fetched.

    read: the wanted entries in the bytes of (address, is a gap being filled); raises FeedRefused. long_url: the feed of
    several days, "" where there is none. take: (bytes, name, oldest age that is still of now).
    """

    url: str
    long_url: str
    second: int
    interval_s: int
    read: Callable[[str, bool], Callable[[bytes], Listing]]
    take: Callable[[bytes, str, timedelta], Awaitable[Taken]]


class SourceLoop:
    """Polls one source. `health` is what stands of it; `taken` collects ids until the owner has noted them."""

    def __init__(
        self,
        source: Source,
        health: SourceHealth,
        *,
        client: FeedClient,
        clock: Clock,
        settings: Feeds,
        rng: random.Random,
        volume: Callable[[], tuple[int, int]],
        day_of: Callable[[datetime], str],
    ) -> None:
        """volume: (bytes today of all sources that share the limit, how many they are)."""
        self.health = health
        self.taken: list[tuple[str, datetime]] = []
        self._source = source
        self._client = client
        self._clock = clock
        self._settings = settings
        self._rng = rng
        self._volume = volume
        self._day_of = day_of
        self._last_ok_at = health.complete_at  # what came after it may have been missed by who polled before
        self._gap_open = False
        self._of_gap: set[str] = set()
        self._asked_to_wait_s = 0.0
        self._unfinished = False

    async def turn(self) -> None:
        """Ask the feed (after a gap the long one first) and take what is new."""
        self._unfinished = False
        feed_ok, troubles = await self._ask()
        troubles += await self._take_waiting()
        self._tell(self._clock.now(), feed_ok=feed_ok, troubles=troubles)

    def pause_s(self) -> float:
        """Seconds until the next poll."""
        now = self._clock.now()
        interval_s = self._source.interval_s * self.health.slowed
        if self.health.failures:
            return back_off_s(
                self.health.failures, self._rng, cap_s=interval_s, retry_after_s=self._asked_to_wait_s
            )
        if self._unfinished:
            return UNFINISHED_PAUSE_S
        interval = timedelta(seconds=round(interval_s))
        return (next_poll_at(now, second=self._source.second, interval=interval) - now).total_seconds()

    def failed(self, error: Exception) -> None:
        """An unexpected failure of a whole turn: the next one comes after a back-off."""
        failure = FetchFailure(
            cause=FailureCause.NOT_TAKEN, url=self._source.url, detail=type(error).__name__
        )
        self._tell(self._clock.now(), feed_ok=False, troubles=[failure])

    async def _ask(self) -> tuple[bool, list[FetchFailure]]:
        now = self._clock.now()
        if needs_gap_fill(self._last_ok_at, now):
            self._gap_open = True
        in_gap = self._gap_open
        troubles = []
        if in_gap and self._source.long_url:
            failure = await self._poll(self._source.long_url, in_gap)
            troubles += [failure] if failure else []
            self._gap_open = failure is not None
        failure = await self._poll(self._source.url, in_gap)
        if failure is not None:
            return False, [*troubles, failure]
        self._last_ok_at = now
        self._gap_open = self._gap_open and bool(self._source.long_url)
        self.health = msgspec.structs.replace(
            self.health, last_ok_at=now, behind_s=round(self._client.behind_s)
        )
        return True, troubles

    async def _take_waiting(self) -> list[FetchFailure]:
        """Fetch and take what is listed, for at most about an interval; the rest is left to the next turn."""
        ends_at = asyncio.get_running_loop().time() + max(LEAST_TURN_S, float(self._source.interval_s))
        slots = asyncio.Semaphore(self._settings.downloads_at_once)
        troubles: list[FetchFailure] = []

        async def one_group(entries: list[FeedEntry]) -> None:
            async with slots:
                for entry in entries:
                    stop_if_cancelled()
                    if asyncio.get_running_loop().time() > ends_at:
                        self._unfinished = True
                        return
                    failure = await self._take(entry)
                    troubles.extend([failure] if failure else [])

        by_kind = sorted(self._client.waiting, key=_kind)
        groups = [list(entries) for _, entries in groupby(by_kind, key=_kind)]
        groups.sort(key=lambda entries: (entries[0].updated_at, entries[0].id))
        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(one_group(group))
        return troubles

    async def _poll(self, url: str, in_gap: bool) -> FetchFailure | None:
        before = {entry.id for entry in self._client.waiting}
        result = await self._client.poll(url, self._source.read(url, in_gap))
        if result.ok and not result.not_modified and url == self._source.url:
            if result.problems != self.health.problems:
                for problem in result.problems:
                    log.warning("%s: an entry is left out: %s", url, problem)
            self.health = msgspec.structs.replace(self.health, problems=result.problems[:MOST_PROBLEMS])
        if in_gap:
            self._of_gap |= {entry.id for entry in result.entries} - before
        return result.failure

    async def _take(self, entry: FeedEntry) -> FetchFailure | None:
        fetched = await self._client.fetch(entry)
        if isinstance(fetched, FetchFailure):
            log.warning("telegram not fetched: %s %s", fetched.url, fetched.detail)
            return self._given_up(entry, fetched)
        try:
            taken = await self._source.take(fetched.data, fetched.name, self._max_age(entry))
        except Exception as error:  # one telegram that trips us must not stop those behind it
            log_fault(log, f"telegram not taken: {entry.href}", error)
            failure = FetchFailure(cause=FailureCause.NOT_TAKEN, url=entry.href, detail=type(error).__name__)
            return self._given_up(entry, self._client.put_off(entry, failure))
        log.info("telegram %s: %s %s", taken.name, taken.outcome, taken.detail)
        self._client.done(entry)
        self._of_gap.discard(entry.id)
        now = self._clock.now()
        self.taken.append((entry.id, now))
        self.health = msgspec.structs.replace(self.health, last_new_at=now)
        return None

    def _given_up(self, entry: FeedEntry, failure: FetchFailure) -> FetchFailure:
        if failure.is_final:
            now = self._clock.now()
            lost = LostEntry(
                url=entry.href, title=entry.title or entry.href, detail=failure.sentence_ja, at=now
            )
            self.health = msgspec.structs.replace(self.health, lost=(*self.health.lost, lost)[-MOST_LOST:])
            if (
                failure.cause is not FailureCause.HOST_REFUSED
            ):  # the settings may allow it after the next start
                self.taken.append((entry.id, now))
            self._of_gap.discard(entry.id)
        return failure

    def _max_age(self, entry: FeedEntry) -> timedelta:
        """What is of now: counted from when the entry was listed, not from when it could at last be fetched."""
        of_now = timedelta(minutes=self._settings.telegram_max_age_min)
        if entry.id in self._of_gap:
            of_now = timedelta(hours=self._settings.gap_max_age_h)
        return of_now + self._client.waited(entry)

    def _tell(self, now: datetime, *, feed_ok: bool, troubles: list[FetchFailure]) -> None:
        """What a turn brought, for HQ and for the next pause. What was given up is told by its own list."""
        # 気象庁 blocks whoever does not wait as told.
        self._asked_to_wait_s = max([0.0, *(one.retry_after_s or 0.0 for one in troubles)])
        left = [one for one in troubles if not one.is_final]
        failures = self.health.failures + 1 if left else 0
        done = feed_ok and not left and not self._client.waiting and not self._gap_open
        self.health = msgspec.structs.replace(
            self.health,
            failures=failures,
            cause=f"{left[0].url}：{left[0].sentence_ja}" if left else "",
            complete_at=now if done else self.health.complete_at,
        )
        self._count(now)

    def _count(self, now: datetime) -> None:
        """The day's volume, and how much slower to ask because of it."""
        day = self._day_of(now)
        before = self.health.bytes_today if self.health.day == day else 0
        own, self._client.received_bytes = before + self._client.received_bytes, 0
        self.health = msgspec.structs.replace(
            self.health, at=now, day=day, bytes_today=own, waiting=len(self._client.waiting)
        )
        total, sources = self._volume()
        slowed = slowdown(
            own_bytes=own,
            all_bytes=total,
            limit_bytes=self._settings.daily_limit_mb * 1_000_000,
            warn_share=self._settings.daily_warn_share,
            sources=sources,
        )
        if slowed != self.health.slowed:
            log.warning("%s: %.0f MB today, asked %.1f times slower", self.health.name, own / 1e6, slowed)
        self.health = msgspec.structs.replace(self.health, slowed=slowed)


def _kind(entry: FeedEntry) -> tuple[str, str]:
    return (entry.type_code or "", entry.office or "")
