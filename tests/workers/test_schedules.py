"""What is due by the clock: an order whose review nobody answered stands, renewed, and the record says so."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bosai.model.alert import AlertState
from bosai.model.realm import Realm
from bosai.stores.lease import Lease
from tests.bosai.services.hq import Hq
from workers import schedules
from workers.schedules import Job, Schedules


class Watch:
    """A watch over releases that runs until told, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.running = asyncio.Event()

    async def run(self) -> None:
        self.running.set()
        if self.failure is not None:
            raise self.failure
        await asyncio.Event().wait()


@pytest.fixture
async def hq(redis) -> Hq:
    return Hq(redis)


async def test_an_order_never_ends_by_a_clock_it_is_renewed_as_it_stands(hq):
    record = await hq.issue()
    before = record.review_at
    await Schedules([hq.alerts], []).renew_reviews()
    assert (await hq.alerts.get(record.alert.key)).review_at == before
    hq.clock.move(days=3)
    await Schedules([hq.alerts], []).renew_reviews()
    renewed = await hq.alerts.get(record.alert.key)
    assert (renewed.state, renewed.alert) == (AlertState.ISSUED, record.alert)
    assert renewed.review_at is not None
    assert renewed.review_at > hq.clock.now()
    assert [step for _, step in await hq.steps()].count("renewed") == 1
    assert [one.alert.key for one in await hq.alerts.in_force()] == [record.alert.key]


async def test_two_who_tick_at_once_renew_once(hq):
    await hq.issue()
    hq.clock.move(days=1)
    await asyncio.gather(*(Schedules([hq.alerts], []).renew_reviews() for _ in range(5)))
    assert [step for _, step in await hq.steps()].count("renewed") == 1


async def test_a_side_that_fails_does_not_keep_the_other_from_its_reviews(redis, monkeypatch, caplog):
    drill, live = Hq(redis, Realm.DRILL), Hq(redis)
    await live.issue()
    live.clock.move(days=1)

    async def broken():
        raise RuntimeError("broken")

    monkeypatch.setattr(drill.alerts, "renew_reviews", broken)
    with caplog.at_level(logging.WARNING):
        await Schedules([drill.alerts, live.alerts], []).renew_reviews()
    assert [step for _, step in await live.steps()].count("renewed") == 1
    assert "can not be renewed now" in caplog.text


async def test_ticks_and_watches_run_together_until_cancelled(hq, monkeypatch):
    monkeypatch.setattr(schedules, "REVIEW_TICK_S", 0.05)
    await hq.issue()
    hq.clock.move(days=1)
    watches = [Watch(), Watch()]
    running = asyncio.ensure_future(Schedules([hq.alerts], watches).run())
    async with asyncio.timeout(20):
        for one in watches:
            await one.running.wait()
        while "renewed" not in [step for _, step in await hq.steps()]:
            await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_watch_does_not_wait_for_the_lease_of_a_process_that_was_killed(hq, redis, monkeypatch):
    monkeypatch.setattr(schedules, "REVIEW_TICK_S", 0.02)
    await hq.issue()
    hq.clock.move(days=1)
    killed = Lease(redis, Realm.LIVE, "schedules", ttl_ms=60_000)
    assert await killed.take()
    watch = Watch()
    own = Lease(redis, Realm.LIVE, "schedules")
    running = asyncio.ensure_future(Schedules([hq.alerts], [watch], own).run())
    async with asyncio.timeout(20):
        await watch.running.wait()
    assert "renewed" not in [step for _, step in await hq.steps()]
    await killed.drop()
    async with asyncio.timeout(20):
        while "renewed" not in [step for _, step in await hq.steps()]:
            await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_watch_that_fails_ends_the_process_so_that_it_is_started_again(hq):
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(20):
            await Schedules([hq.alerts], [Watch(), Watch(RuntimeError("the watch is broken"))]).run()
    assert caught.group_contains(RuntimeError, match="the watch is broken")


async def test_a_job_that_fails_is_logged_and_comes_again(hq, caplog):
    ticked = asyncio.Event()
    ticks = []

    async def tick():
        ticks.append(1)
        if len(ticks) == 1:
            raise RuntimeError("the first tick is broken")
        ticked.set()

    job = Job(name="example", every_s=0.05, tick=tick)
    running = asyncio.ensure_future(Schedules([hq.alerts], [], None, [job]).run())
    async with asyncio.timeout(20):
        await ticked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "example: this tick failed" in caplog.text


async def test_jobs_wait_for_the_lease(hq, redis):
    held = Lease(redis, Realm.LIVE, "schedules", ttl_ms=60_000)
    assert await held.take()
    ticked = asyncio.Event()

    async def tick():
        ticked.set()

    watch = Watch()
    own = Lease(redis, Realm.LIVE, "schedules")
    job = Job(name="example", every_s=0.01, tick=tick)
    running = asyncio.ensure_future(Schedules([hq.alerts], [watch], own, [job]).run())
    async with asyncio.timeout(20):
        await watch.running.wait()
    assert not ticked.is_set()
    await held.drop()
    async with asyncio.timeout(20):
        await ticked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
