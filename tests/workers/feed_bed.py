"""The feed loop between a JMA of our own, on a clock moved by hand, and a desk that only notes what it is handed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from bosai.feeds.changes import Outcome
from bosai.feeds.source_health import SourceHealth
from bosai.model.realm import Realm
from bosai.services.feeds import Taken
from bosai.settings import load_settings
from bosai.settings_feeds import Feeds
from bosai.stores.feed_sources import FeedSources
from bosai.stores.keys import Keys
from tests.bed.clocks import FakeClock
from tests.bed.jma_server import JmaServer
from tests.bed.telegrams import Recorded, read_telegram
from tests.bosai.feeds.telegrams import JST, item, report
from workers.feeds import FeedLoop, open_session

REPORTED = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
START = REPORTED - timedelta(minutes=2)
WEATHER_TITLES = {
    "VPWW55": "気象警報・注意報（Ｒ０６）（大雨）",
    "VPWP50": "気象警報・注意報時系列情報（Ｒ０６）",
}


def telegram(
    type_code: str = "VTSE41", *, minute: float = 0, office: str = "010000", **given: Any
) -> Recorded:
    """One telegram of a type, `minute` minutes after the first; weather belongs to the feed `extra`."""
    title = WEATHER_TITLES.get(type_code, "津波警報・注意報・予報a")
    data = report(item(kind="52"), report_at=REPORTED + timedelta(minutes=minute), title=title, **given)
    return read_telegram(data, type_code=type_code, office=office)


@dataclass
class Desk:
    """Takes telegrams like the service, and keeps what it was handed; `trips` raise so many times."""

    handed: list[str] = field(default_factory=list)
    ages: dict[str, timedelta] = field(default_factory=dict)
    cap: list[tuple[str, str, bytes]] = field(default_factory=list)
    trips: dict[str, int] = field(default_factory=dict)
    before: Callable[[str], Any] | None = None

    async def take(self, data: bytes, name: str, *, max_age: timedelta) -> Taken:
        if self.trips.get(name, 0) > 0:
            self.trips[name] -= 1
            raise RuntimeError("scripted")
        if self.before is not None:
            await self.before(name)
        self.handed.append(name)
        self.ages[name] = max_age
        return Taken(name=name, outcome=Outcome.KEPT)

    async def take_cap(self, data: bytes, name: str, *, feed: str) -> Taken:
        self.cap.append((feed, name, data))
        return Taken(name=name, outcome=Outcome.KEPT)

    def kinds(self) -> list[str]:
        """The types that were handed over, in order."""
        return [name.split("_")[2] for name in self.handed]


@dataclass
class Listening:
    """One or more loops for the live side."""

    redis: Any
    jma: JmaServer
    clock: FakeClock
    session: aiohttp.ClientSession
    facts: Feeds
    desk: Desk = field(default_factory=Desk)

    def loop(self, desk: Desk | None = None, **given: Any) -> FeedLoop:
        return FeedLoop(
            self.redis,
            Realm.LIVE,
            clock=self.clock,
            service=desk or self.desk,  # type: ignore[arg-type]
            session=self.session,
            settings=self.facts,
            rng=random.Random(1),
            **given,
        )

    def to(self, minute: float) -> None:
        """Move the clock to so many minutes after the first report."""
        self.clock.set(max(self.clock.now(), REPORTED + timedelta(minutes=minute)))

    def asked(self, ending: str) -> list[Any]:
        return [one for one in self.jma.asked if one.path.endswith(ending)]

    async def health(self, name: str) -> SourceHealth:
        found = await FeedSources(self.redis, Realm.LIVE).all()
        return next(one for one in found if one.name == name)

    async def board(self) -> dict[str, Any]:
        return msgspec.json.decode(await self.redis.hget(Keys(Realm.LIVE).health, "feeds"))


@asynccontextmanager
async def listening(
    redis: Any, *feeds: str, start: datetime = START, **changes: Any
) -> AsyncIterator[Listening]:
    """Everything in place; `changes` are settings."""
    clock = FakeClock(start)
    shipped = (await asyncio.to_thread(load_settings)).feeds
    async with JmaServer(clock) as jma:
        urls = tuple(jma.feed_url(one) for one in feeds)
        facts = msgspec.structs.replace(shipped, urls=urls, data_hosts=(), **changes)
        async with open_session(facts) as session:
            yield Listening(redis, jma, clock, session, facts)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
