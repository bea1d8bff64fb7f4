"""The planner is asked who is inside; silence is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bosai.model.alert import Alert
from bosai.model.realm import Realm
from bosai.services.previews import Preview, PreviewBroker, SiteExpectation
from bosai.stores.keys import Keys
from tests.bosai.services.hq import START, Hq, planner

ANSWER = Preview(
    available=True,
    people=12,
    households=5,
    by_site=(SiteExpectation(site_id="s1", name="七郷小学校", persons=12, seats=300, source="assumed"),),
    no_site=1,
    by_action={"go": 11, "refuge": 1},
    at=START,
)


@pytest.fixture
async def alert(redis: Redis) -> Alert:
    return (await Hq(redis).pending()).alert


@pytest.fixture
def broker(redis: Redis) -> PreviewBroker:
    return PreviewBroker(redis, Realm.LIVE, Hq(redis).clock, wait_s=10.0)


async def asked(broker: PreviewBroker, alert: Alert) -> asyncio.Task[Preview]:
    """A question that is surely on the stream."""
    task = asyncio.create_task(broker.request(alert))
    async with asyncio.timeout(10):
        while not await broker._redis.xlen(Keys(Realm.LIVE).preview_requests):
            await asyncio.sleep(0.005)
    return task


async def test_the_answer_reaches_the_one_who_asked(broker: PreviewBroker, alert: Alert) -> None:
    question = await asked(broker, alert)
    seen: list[Alert] = []

    def answer(about: Alert) -> Preview:
        seen.append(about)
        return ANSWER

    assert await broker.serve(answer, block_ms=1000)
    assert await question == ANSWER
    assert seen == [alert]


async def test_a_coroutine_may_answer_too(broker: PreviewBroker, alert: Alert) -> None:
    question = await asked(broker, alert)

    async def answer(_: Alert) -> Preview:
        return ANSWER

    assert await broker.serve(answer, block_ms=1000)
    assert await question == ANSWER


async def test_nobody_answers_and_the_asker_knows(broker: PreviewBroker, alert: Alert) -> None:
    preview = await broker.request(alert, wait_s=0.05)
    assert (preview.available, preview.people) == (False, 0)


async def test_a_question_nobody_waits_for_any_more_is_not_worked_on(redis: Redis, alert: Alert) -> None:
    hq = Hq(redis)
    await hq.broker.request(alert, wait_s=0.05)
    hq.clock.move(seconds=1)
    answered: list[Alert] = []

    def answer(about: Alert) -> Preview:
        answered.append(about)
        return ANSWER

    assert await hq.broker.serve(answer, block_ms=1000)
    assert answered == []
    assert not await hq.broker.serve(answer, block_ms=10)


async def test_a_failing_answer_is_heard_at_once_and_travels_on(broker: PreviewBroker, alert: Alert) -> None:
    question = await asked(broker, alert)

    def answer(_: Alert) -> Preview:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broker.serve(answer, block_ms=1000)
    assert not (await question).available


async def test_each_question_gets_its_own_answer(redis: Redis) -> None:
    hq = Hq(redis)
    hq.broker.wait_s = 10.0
    alerts = [(await hq.pending()).alert for _ in range(5)]
    counts = {alert.alert_id: n for n, alert in enumerate(alerts)}
    async with planner(hq, lambda alert: counts[alert.alert_id]):
        found = await asyncio.gather(*(hq.broker.request(alert) for alert in alerts))
    assert [one.people for one in found] == [0, 1, 2, 3, 4]


async def test_what_is_not_a_question_is_passed_over(
    broker: PreviewBroker, redis: Redis, alert: Alert
) -> None:
    await redis.xadd(Keys(Realm.LIVE).preview_requests, {"request": b"\xc1"})
    await redis.xadd(Keys(Realm.LIVE).preview_requests, {"other": b"1"})
    question = asyncio.create_task(broker.request(alert))
    async with asyncio.timeout(10):
        while not question.done():
            await broker.serve(lambda _: ANSWER, block_ms=100)
    assert await question == ANSWER


async def test_questions_and_answers_do_not_pile_up(
    broker: PreviewBroker, redis: Redis, alert: Alert
) -> None:
    question = await asked(broker, alert)
    await broker.serve(lambda _: ANSWER, block_ms=1000)
    await question
    assert await redis.xlen(Keys(Realm.LIVE).preview_requests) == 0
    assert [key async for key in redis.scan_iter(match="*preview:*")] == []


# ---- answers in steps --------------------------------------------------------------------------------

FIRST = Preview(available=True, people=12, households=5, at=START, complete=False, planned=False, more=True)


async def steps(_: Alert) -> AsyncIterator[Preview]:
    yield FIRST
    yield ANSWER


async def test_the_last_of_several_steps_is_what_the_asker_gets(broker: PreviewBroker, alert: Alert) -> None:
    question = await asked(broker, alert)
    assert await broker.serve(steps, block_ms=1000)
    assert await question == ANSWER


async def test_who_asks_for_the_counts_alone_gets_the_first_step_and_nothing_is_planned(
    broker: PreviewBroker, alert: Alert
) -> None:
    begun: list[str] = []

    async def answer(_: Alert) -> AsyncIterator[Preview]:
        yield FIRST
        begun.append("a plan")
        yield ANSWER

    question = asyncio.create_task(broker.request(alert, counts_only=True))
    async with asyncio.timeout(10):
        while not await broker.serve(answer, block_ms=100):
            pass
    assert await question == FIRST and begun == []


async def test_a_planner_too_slow_for_the_rest_has_said_who_is_inside(redis: Redis, alert: Alert) -> None:
    broker = PreviewBroker(redis, Realm.LIVE, Hq(redis).clock, wait_s=0.5)
    waited = asyncio.Event()

    async def answer(_: Alert) -> AsyncIterator[Preview]:
        yield FIRST
        await waited.wait()
        yield ANSWER

    question = await asked(broker, alert)
    serving = asyncio.create_task(broker.serve(answer, block_ms=1000))
    found = await question
    waited.set()
    await serving
    assert (found.people, found.complete, found.planned) == (12, False, False)


async def test_what_was_said_before_a_failure_is_kept_and_nobody_waits_for_more(
    broker: PreviewBroker, alert: Alert
) -> None:
    async def answer(_: Alert) -> AsyncIterator[Preview]:
        yield FIRST
        raise ZeroDivisionError

    question = await asked(broker, alert)
    with pytest.raises(ZeroDivisionError):
        await broker.serve(answer, block_ms=1000)
    async with asyncio.timeout(5):  # the asker would wait ten seconds for a step that never comes
        found = await question
    assert (found.available, found.people, found.complete, found.more) == (True, 12, False, False)
