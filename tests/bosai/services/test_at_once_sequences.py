"""Whatever 気象庁 and HQ do, in any order: at most one stands as it went out at once, never lowered, never HQ's."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.errors import BosaiError
from bosai.model.alert import Act, AlertRecord, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.at_once_content import RANKS
from bosai.services.at_once_release import HeardFrom
from bosai.services.at_once_rules import AT_ONCE, calls_of
from tests.bosai.services.hq import tsunami
from tests.bosai.services.once import ReadyHq
from tests.conftest import DRIVER

CLASSES = st.sampled_from([None, *TsunamiClass])
STEPS = st.one_of(
    st.tuples(st.just("telegram"), CLASSES),
    st.tuples(st.sampled_from(["tap", "own", "edit"]), st.sampled_from(list(TsunamiClass))),
    st.tuples(st.sampled_from(["again", "tick", "lift", "recall", "stop", "resume"]), st.none()),
)


@pytest.fixture(scope="session")
def server_url(redis_server):
    """The server without the flush between tests: each example flushes for itself."""
    return redis_server.url


class Story:
    """One side, and what 気象庁 has in force."""

    def __init__(self, hq: ReadyHq) -> None:
        self.hq = hq
        self.standing: TsunamiClass | None = None
        self.said: list = []

    async def play(self, step: str, wanted: TsunamiClass | None) -> None:
        hq = self.hq
        hq.clock.move(seconds=60)
        if step == "telegram" and wanted is not self.standing:
            self.said.append(await hq.hear(wanted, self.standing, name=str(len(self.said))))
            self.standing = wanted
        elif step == "again":
            await asyncio.gather(*(hq.another(hq.redis).react(one) for one in self.said))
        elif step == "tick":
            await hq.another(hq.redis).tick()
        elif step == "stop":
            await hq.at_once.stop(hq.abe, "点検")
        elif step == "resume":
            await hq.at_once.resume(hq.sato, "終わった")
        elif step == "tap":
            state = (await hq.at_once.pre_approvals.states())[wanted]
            await hq.at_once.start(hq.ito, wanted, HeardFrom.J_ALERT, state.today_hash)
        elif step == "own":
            await hq.issue(tsunami(tsunami_class=wanted))
        else:
            await self.on_the_oldest(step, wanted)

    async def on_the_oldest(self, step: str, wanted: TsunamiClass | None) -> None:
        found = calls_of(await self.hq.calls())
        if not found:
            return
        if step == "edit":
            await self.hq.update(found[0].alert.alert_id, tsunami(tsunami_class=wanted))
        elif step == "lift":
            await self.hq.lift(found[0].alert.alert_id)
        elif step == "recall":
            await self.hq.recall(found[0])


async def every_version(hq: ReadyHq) -> list[AlertRecord]:
    return await hq.store.many(sorted(await hq.store.states()))


async def check(hq: ReadyHq) -> None:
    mine = [one for one in await hq.calls() if one.alert.drafter == AT_ONCE]
    assert len(mine) <= 1
    by_key = {one.alert.key: one for one in await every_version(hq)}
    answered = [
        one.alert.proposal_id
        for one in by_key.values()
        if one.alert.drafter == AT_ONCE and one.alert.proposal_id is not None
    ]
    assert len(answered) == len(set(answered)), "one announcement, one version"
    for one in by_key.values():
        assert one.alert.realm_of is hq.realm
        if one.alert.drafter != AT_ONCE:
            continue
        assert one.alert.act in (Act.ISSUE, Act.UPDATE), "nothing is lowered, lifted or recalled by itself"
        for key in one.alert.references:
            base = by_key[key].alert
            assert base.drafter == AT_ONCE, "what HQ made is never replaced"
            assert RANKS[base.tsunami_class] < RANKS[one.alert.tsunami_class]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=1, max_size=10), realm=st.sampled_from(list(Realm)))
def test_of_every_story_at_most_one_stands_and_it_only_ever_rose(server_url, steps, realm):
    async def play() -> None:
        async with Redis.from_url(server_url, driver_info=DRIVER) as redis:
            await redis.flushdb()
            hq = ReadyHq(redis, realm)
            await hq.approve_texts()
            other = ReadyHq(redis, Realm.LIVE if realm is Realm.DRILL else Realm.DRILL)
            story = Story(hq)
            for step, wanted in steps:
                await story.play(step, wanted)
                await check(hq)
            assert await other.calls() == [] and await other.audit.read(0, 10) == []
            assert (await hq.audit.verify()).ok

    asyncio.run(play())


@settings(max_examples=25, deadline=None)
@given(delays=st.lists(st.integers(0, 3), min_size=4, max_size=4), own=st.booleans())
def test_telegram_taps_and_hqs_own_order_in_the_same_moment_leave_one_of_a_class(server_url, delays, own):
    async def play() -> None:
        async with Redis.from_url(server_url, driver_info=DRIVER) as redis:
            await redis.flushdb()
            hq = ReadyHq(redis)
            await hq.approve_texts()
            story = Story(hq)

            async def after(turns: int, step: str) -> None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                try:
                    await story.play(step, TsunamiClass.WARNING)
                except BosaiError as error:  # a person may be told that it was done already
                    assert error.code in {"wrong_state"}, error

            steps = ["telegram", "tap", "own" if own else "tap", "again"]
            async with asyncio.TaskGroup() as group:
                for turns, step in zip(delays, steps, strict=True):
                    group.create_task(after(turns, step))
            await check(hq)
            found = await hq.calls()
            assert len(found) == 1 or (own and len(found) == 2), found

    asyncio.run(play())
