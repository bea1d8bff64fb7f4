"""Work under a lease: one at a time, taken over when the holder dies, stopped when the lease is lost."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio

from bosai.model.realm import Realm
from bosai.stores.lease import Lease
from workers import leased


class Work:
    """Counts how many of it run at once."""

    running = 0
    most = 0

    def __init__(self) -> None:
        self.started = 0

    async def run(self) -> None:
        self.started += 1
        Work.running += 1
        Work.most = max(Work.most, Work.running)
        try:
            await asyncio.Event().wait()
        finally:
            Work.running -= 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW_S", 0.05)
    Work.running = Work.most = 0


async def _until(condition: object) -> None:
    async with asyncio.timeout(10):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_two_holders_never_work_at_once_and_the_second_takes_over(redis: redis.asyncio.Redis) -> None:
    first, second = Work(), Work()
    one = asyncio.create_task(leased.while_held(Lease(redis, Realm.LIVE, "w", ttl_ms=500), "one", first.run))
    await _until(lambda: first.started)
    two = asyncio.create_task(leased.while_held(Lease(redis, Realm.LIVE, "w", ttl_ms=500), "two", second.run))
    await asyncio.sleep(0.3)
    assert second.started == 0
    one.cancel()
    await _until(lambda: second.started)
    two.cancel()
    await asyncio.gather(one, two, return_exceptions=True)
    assert (Work.most, Work.running) == (1, 0)


async def test_work_stops_when_somebody_else_has_the_lease(redis: redis.asyncio.Redis) -> None:
    work = Work()
    lease = Lease(redis, Realm.LIVE, "w", ttl_ms=400)
    task = asyncio.create_task(leased.while_held(lease, "one", work.run))
    await _until(lambda: work.started)
    await lease.drop()
    thief = Lease(redis, Realm.LIVE, "w", ttl_ms=60_000)
    await _until_taken(thief)
    await _until(lambda: Work.running == 0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _until_taken(lease: Lease) -> None:
    async with asyncio.timeout(10):
        while not await lease.take():
            await lease.drop()
            await asyncio.sleep(0)


async def test_what_the_work_raises_travels_on(redis: redis.asyncio.Redis) -> None:
    async def broken() -> None:
        raise RuntimeError("no use")

    with pytest.raises(RuntimeError, match="no use"):
        await leased.while_held(Lease(redis, Realm.LIVE, "w"), "one", broken)
