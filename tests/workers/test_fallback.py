"""Release never waits for the planner: after two seconds the order goes out without it."""

import asyncio

import pytest

from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.instruction import MessageKind
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from shelters.model import Action, ReasonCode
from tests.workers.plain import SLOW, Plain, flood, place
from tests.workers.test_planner import tsunami
from workers import fallback, planner


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def test_nothing_goes_out_before_the_time_and_everybody_inside_hears_after_it(plain):
    inside, outside = await plain.settle(1), await plain.settle(2, place(lon=140.90))
    record = await plain.hq.issue(flood())
    watch = plain.watch()
    plain.clock.move(seconds=1.9)
    assert (await watch.step()).written == 0 and await plain.told(inside) is None
    plain.clock.move(seconds=0.2)
    assert (await watch.step()).written == 1
    told = await plain.told(inside)
    assert (told.message, told.action, told.destination) == (MessageKind.PROVISIONAL, Action.GO, None)
    assert told.reasons == (ReasonCode.PROVISIONAL.value,) and told.alert_key == record.alert.key
    assert await plain.told(outside) is None


async def test_a_city_that_the_planner_is_telling_is_left_to_it_until_it_falls_silent(plain, monkeypatch):
    people = [await plain.settle(number) for number in range(3)]
    record = await plain.hq.issue(flood())
    monkeypatch.setattr(planner, "FIRST_PIECE", 1)
    monkeypatch.setattr(planner, "PIECE", 1)
    worker, emit, calls = await plain.leader(), plain.instructions.emit, []

    async def dies_at_the_second(*given):
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionError("the planner is gone")
        return await emit(*given)

    plain.clock.move(seconds=3)  # the plan itself took long
    monkeypatch.setattr(plain.instructions, "emit", dies_at_the_second)
    with pytest.raises(ConnectionError):
        await worker.step()
    watch = plain.watch()
    plain.clock.move(seconds=1)
    assert (await watch.step()).written == 0
    plain.clock.move(seconds=1)
    assert (await watch.step()).written == 2
    told = [(await plain.told(one)).message for one in people]
    assert sorted(told) == [MessageKind.ORDER, MessageKind.PROVISIONAL, MessageKind.PROVISIONAL]
    monkeypatch.setattr(plain.instructions, "emit", emit)
    await worker.step()
    assert await plain.hq.store.planned(record.alert.key)
    assert await plain.hq.store.told_some_at(record.alert.key) is None


async def test_the_first_are_told_before_the_last_are_worked_out_and_a_failure_on_the_way_loses_nobody(
    plain, monkeypatch
):
    monkeypatch.setattr(fallback, "DRAFTS_AT_ONCE", 1)
    people = [await plain.settle(number) for number in range(3)]
    await plain.hq.issue(flood())
    plain.clock.move(seconds=3)
    watch, emit, sent = plain.watch(), plain.instructions.emit, []

    async def failing_once(fence, drafts, at):
        sent.append(len(drafts))
        if len(sent) == 2:
            raise ConnectionError("Redis went away")
        return await emit(fence, drafts, at)

    monkeypatch.setattr(plain.instructions, "emit", failing_once)
    with pytest.raises(ConnectionError):
        await watch.step()
    assert [await plain.told(one) is not None for one in people].count(True) == 1
    assert (await watch.step()).written == 2
    assert sent == [1] * 5
    assert [(await plain.told(one)).seq for one in people] == [1] * 3


async def test_the_plan_brings_the_seat_as_one_update(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    plain.clock.move(seconds=4)
    await plain.watch().step()
    worker = await plain.leader()
    await worker.step()
    told = await plain.told(one)
    assert (told.message, told.destination.site_id, told.seq) == (MessageKind.ORDER, "B1", 2)
    plain.clock.move(seconds=10)
    await plain.watch().step()
    await worker.plan_once()
    assert (await plain.told(one)).seq == 2


async def test_a_planned_order_is_left_alone(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    plain.clock.move(seconds=60)
    assert (await plain.watch().step()).written == 0
    assert (await plain.told(one)).message is MessageKind.ORDER


async def test_planner_and_watch_at_the_same_moment_end_with_the_seat_and_never_without(plain):
    ids = [await plain.settle(n) for n in range(20)]
    await plain.hq.issue(flood())
    plain.clock.move(seconds=4)
    worker, watch = await plain.leader(), plain.watch()
    await asyncio.gather(worker.step(), watch.step())
    await watch.step()
    for one in ids:
        told = await plain.told(one)
        assert told.message is MessageKind.ORDER and told.destination is not None and told.seq <= 2


async def test_an_update_without_a_plan_does_not_take_a_known_seat_away(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    await (await plain.leader()).step()
    new = await plain.settle(2)
    await plain.hq.update(record.alert.alert_id, flood(reason="続報"))
    plain.clock.move(seconds=4)
    await plain.watch().step()
    assert (await plain.told(one)).message is MessageKind.ORDER
    assert (await plain.told(new)).message is MessageKind.PROVISIONAL
    await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.EMERGENCY_SAFETY))
    plain.clock.move(seconds=4)
    await plain.watch().step()
    told = await plain.told(one)
    assert (told.message, told.action) == (MessageKind.PROVISIONAL, Action.UP)


@pytest.mark.parametrize(
    ("form", "extra", "action"),
    [
        (flood(kind=OrderKind.ELDERLY_ETC), {}, Action.PREPARE),
        (flood(kind=OrderKind.ELDERLY_ETC), SLOW, Action.GO),
        (flood(kind=OrderKind.EMERGENCY_SAFETY), {}, Action.UP),
        (tsunami(), {}, Action.REFUGE),
        (
            flood(
                hazard=HazardKind.TSUNAMI,
                kind=OrderKind.TSUNAMI_EVACUATION,
                tsunami_class=TsunamiClass.ADVISORY,
            ),
            {},
            Action.INLAND,
        ),
    ],
)
async def test_the_cautious_word_fits_the_danger(plain, form, extra, action):
    one = await plain.settle(1, place(**extra))
    await plain.hq.issue(form)
    plain.clock.move(seconds=4)
    await plain.watch().step()
    assert (await plain.told(one)).action is action


async def test_a_lift_and_a_recall_go_out_without_the_planner_too(plain):
    told, unaware = await plain.settle(1), await plain.settle(2, place(lon=140.90))
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    lifted = await plain.hq.lift(record.alert.alert_id)
    plain.clock.move(seconds=4)
    await plain.watch().step()
    got = await plain.told(told)
    assert (got.message, got.alert_key) == (MessageKind.LIFTED, lifted.alert.key)
    assert await plain.told(unaware) is None
    await worker.step()
    assert (await plain.told(told)).seq == 2
    again = await plain.hq.issue(flood())
    await worker.step()
    await plain.deliver()
    recalled = await plain.hq.recall(again)
    plain.clock.move(seconds=4)
    await plain.watch().step()
    got = await plain.told(told)
    assert (got.message, got.alert_key) == (MessageKind.RECALLED, recalled.alert.key)


async def test_whoever_another_order_still_covers_hears_no_lift_from_the_watch(plain):
    one = await plain.settle(1)
    first = await plain.hq.issue(flood())
    await plain.hq.issue(flood(hazard=HazardKind.INLAND_FLOOD, kind=OrderKind.ELDERLY_ETC))
    await (await plain.leader()).step()
    await plain.hq.lift(first.alert.alert_id)
    plain.clock.move(seconds=4)
    await plain.watch().step()
    assert (await plain.told(one)).message is MessageKind.ORDER


async def test_the_running_watch_keeps_looking_after_a_failure(plain, monkeypatch, caplog):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    plain.clock.move(seconds=4)
    watch = plain.watch()
    real, fails = watch.step, iter([True])

    async def sometimes():
        if next(fails, False):
            raise ConnectionError("gone")
        return await real()

    monkeypatch.setattr(watch, "step", sometimes)
    task = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(10):
            while await plain.told(one) is None:
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "failed and looks again" in caplog.text


async def test_the_watch_says_that_it_lives_and_looks_again_after_a_failure(plain, monkeypatch):
    watch, failures = plain.watch(), []

    async def broken():
        failures.append(1)
        raise ConnectionError("Redis is away")

    monkeypatch.setattr(watch, "step", broken)
    running = asyncio.ensure_future(watch.run())
    try:
        async with asyncio.timeout(15):
            while len(failures) < 2:
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (await plain.health("schedules"))["ok"]
