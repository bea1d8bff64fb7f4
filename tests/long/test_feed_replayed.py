"""Every real telegram, taken at random with doubles by several at once who are stopped now and then: one state."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest

from bosai.feeds.errors import FeedError
from bosai.feeds.jma.envelope import parse_telegram
from bosai.model.realm import Realm
from bosai.services.feeds import FeedService
from bosai.services.proposals import ProposalService
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from bosai.stores.feed_state import WAITING
from bosai.stores.keys import Keys
from tests.bosai.feeds.telegrams import jma_folder
from tests.bosai.services.hq import HandClock

pytestmark = [pytest.mark.timeout(600), pytest.mark.real_data]

Telegram = tuple[bytes, str]


class Stopped(BaseException):
    """What ends a process in the middle."""


def telegrams() -> tuple[list[Telegram], HandClock]:
    """All files, as telegrams of 通常 in the order of their issue, and a clock at the newest of them."""
    found = []
    for path in sorted(Path(jma_folder()).glob("*/*.xml")):
        data = path.read_bytes()
        for status in ("訓練", "試験"):
            data = data.replace(f"<Status>{status}".encode(), "<Status>通常".encode())
        try:
            found.append((parse_telegram(data, name=path.name).source, data, path.name))
        except FeedError:
            continue
    found.sort(key=lambda one: one[0].order)
    return [(data, name) for _, data, name in found], HandClock(found[-1][0].report_at)


class Taker:
    """One process that takes telegrams, and is stopped before every so manyth step of its work."""

    def __init__(self, redis, clock: HandClock, seed: int, stops: float = 0.0) -> None:
        self.rng, self.stops = random.Random(seed), stops
        self.proposals = ProposalService(redis, Realm.LIVE, clock)
        self.feeds = FeedService(redis, Realm.LIVE, clock, self.proposals, rules=rules_of(load_settings()))
        for part, name in (
            (self.feeds.telegrams, "receive"),
            (self.feeds.telegrams, "size_of"),
            (self.feeds.telegrams, "trim"),
            (self.proposals, "put"),
        ):
            setattr(part, name, self._stopping(getattr(part, name)))

    def _stopping(self, step):
        async def maybe(*args, **kwargs):
            if self.rng.random() < self.stops:
                raise Stopped
            return await step(*args, **kwargs)

        return maybe

    async def take(self, telegram: Telegram) -> bool:
        """False when it was stopped on the way."""
        try:
            # Files of fifteen years: none is too old for this clock.
            await self.feeds.take(*telegram, max_age=timedelta(days=20_000))
        except Stopped:
            return False
        return True


async def state_of(redis) -> dict[bytes, bytes]:
    return dict(sorted((await redis.hgetall(Keys(Realm.LIVE).feed_state)).items()))


@pytest.mark.parametrize("seed", range(3))
async def test_a_day_replayed_in_random_order_with_doubles_and_kills_ends_in_the_same_state(redis, seed):
    day, clock = await asyncio.to_thread(telegrams)
    assert len(day) > 60
    orderly = await asyncio.to_thread(Taker, redis, clock, 0)
    for one in day:
        assert await orderly.take(one)
    expected, in_force = await state_of(redis), await orderly.feeds.in_force()
    assert len(in_force) > 100
    await redis.flushdb()

    rng = random.Random(seed)
    queue = [*day, *rng.choices(day, k=30)]
    rng.shuffle(queue)
    takers = [await asyncio.to_thread(Taker, redis, clock, seed * 10 + n, 0.03) for n in range(3)]
    stopped = 0

    async def work(taker: Taker) -> None:
        nonlocal stopped
        while queue:
            one = queue.pop()
            if not await taker.take(one):
                stopped += 1
                kept = {left.data for left in await taker.feeds.telegrams.pending()}
                if one[0] not in kept:  # stopped before it was kept: the feed lists it again
                    queue.append(one)

    await asyncio.gather(*(work(taker) for taker in takers))
    assert stopped
    last = await asyncio.to_thread(Taker, redis, clock, 0)
    await last.feeds.rebuild()
    assert await last.feeds.in_force() == in_force
    assert await state_of(redis) == expected
    assert await last.feeds.telegrams.pending() == []
    assert not [
        one for one in await redis.hkeys(Keys(Realm.LIVE).feed_state) if one.startswith(WAITING.encode())
    ]
    found = await last.feeds.rebuild(full=True)
    assert found.same
    assert await last.feeds.in_force() == in_force
