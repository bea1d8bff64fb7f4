"""Long stories of 気象庁 and HQ with the process that reacts killed at any write: still once, still only upwards."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.model.realm import Realm
from tests.bosai.services.once import ReadyHq, announcement
from tests.bosai.services.test_at_once import Killed, Mortal
from tests.bosai.services.test_at_once_sequences import STEPS, Story, check
from tests.conftest import DRIVER

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="session")
def server_url(redis_server):
    """The server without the flush between tests: each example flushes for itself."""
    return redis_server.url


class MortalStory(Story):
    """A story in which each telegram is met by a process that may die, and by the tick five seconds later."""

    def __init__(self, hq: ReadyHq, kills: list[tuple[int, bool]]) -> None:
        super().__init__(hq)
        self.kills = kills

    async def play(self, step, wanted) -> None:
        if step != "telegram" or wanted is self.standing or not self.kills:
            await super().play(step, wanted)
            return
        hq, (writes, done) = self.hq, self.kills.pop()
        hq.clock.move(seconds=60)
        said = announcement(
            wanted, self.standing, at=hq.clock.now(), name=str(len(self.said)), realm=hq.realm
        )
        await hq.proposals.put(said)
        with contextlib.suppress(Killed):
            await hq.another(Mortal(hq.redis, writes, done=done)).react(said)
        hq.clock.move(seconds=5)
        await hq.another(hq.redis).tick()
        self.said.append(said)
        self.standing = wanted


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=3, max_size=16),
    kills=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=8),
    realm=st.sampled_from(list(Realm)),
)
def test_killed_anywhere_in_any_story_it_goes_out_once_and_only_rises(server_url, steps, kills, realm):
    async def play() -> None:
        async with Redis.from_url(server_url, driver_info=DRIVER) as redis:
            await redis.flushdb()
            hq = ReadyHq(redis, realm)
            await hq.approve_texts()
            story = MortalStory(hq, list(kills))
            for step, wanted in steps:
                await story.play(step, wanted)
                await check(hq)
            assert (await hq.audit.verify()).ok

    asyncio.run(play())
