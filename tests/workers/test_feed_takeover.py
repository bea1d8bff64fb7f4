"""One poller at a time: a successor goes on where the other stopped, missing nothing and handing over nothing twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.stores.feed_sources import FeedSources
from bosai.stores.lease import Lease
from tests.workers.feed_bed import Desk, listening, telegram, until
from workers import __main__ as workers_main
from workers import leased
from workers.leased import while_held

SETTINGS = load_settings()
"""Read before any event loop runs."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW_S", 0.05)


async def _stopped(*tasks: asyncio.Future) -> None:
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_of_two_pollers_one_asks_and_the_other_takes_over_without_missing_or_doubling(redis):
    async with listening(redis, "eqvol") as here:
        desks = Desk(), Desk()
        leases = [Lease(redis, Realm.LIVE, "feeds", ttl_ms=500) for _ in desks]
        loops = [
            here.loop(desk, token=lambda held=held: held.token)
            for desk, held in zip(desks, leases, strict=True)
        ]
        (first,) = here.jma.publish(telegram())
        here.to(1)
        one, two = (
            asyncio.ensure_future(while_held(held, "feeds", loop.run))
            for held, loop in zip(leases, loops, strict=True)
        )
        await until(lambda: any(loop.sources and loop.sources[0].health.last_ok_at for loop in loops))
        await until(lambda: desks[0].handed or desks[1].handed)
        at = 0 if desks[0].handed else 1
        assert desks[1 - at].handed == []
        assert len(here.asked("/eqvol.xml")) == 1, "the other one waits"
        await until(lambda: not loops[at].sources[0].taken)
        (second,) = here.jma.publish(telegram(minute=2))
        here.to(3)
        await _stopped((one, two)[at])
        await until(lambda: desks[1 - at].handed)
        assert (desks[at].handed, desks[1 - at].handed) == ([first], [second])
        await _stopped(one, two)


async def test_who_dies_between_fetching_and_noting_is_followed_by_one_who_asks_again(redis):
    async with listening(redis, "eqvol") as here:
        (name,) = here.jma.publish(telegram())
        here.to(1)
        stuck = asyncio.Event()
        dying = Desk()

        async def hang(_: str) -> None:
            stuck.set()
            await asyncio.Event().wait()

        dying.before = hang
        running = asyncio.ensure_future(here.loop(dying).run())
        async with asyncio.timeout(10):
            await stuck.wait()
        await _stopped(running)
        await here.loop().poll_once()
        assert here.desk.handed == [name], "what was under way is not lost"


async def test_a_poller_that_slept_through_its_lease_writes_nothing_and_stops(redis):
    async with listening(redis, "eqvol") as here:
        old, new = here.loop(token=lambda: 1), here.loop(Desk(), token=lambda: 2)
        await old.poll_once()
        await new.poll_once()
        stood = await FeedSources(redis, Realm.LIVE).all()
        here.jma.publish(telegram())
        here.to(1)
        async with asyncio.timeout(10):
            await old.run()  # ends by itself
        assert await FeedSources(redis, Realm.LIVE).all() == stood
        assert await FeedSources(redis, Realm.LIVE).seen() == []


async def test_the_worker_that_lost_its_lease_is_refused_also_when_it_knows(redis, monkeypatch):
    made = {}

    class Loop:
        def __init__(self, *_given, token, **_more) -> None:
            made["token"] = token

        async def run(self) -> None:
            made["held"] = made["token"]()
            made["done"].set()
            await asyncio.Event().wait()

    made["done"] = asyncio.Event()
    monkeypatch.setattr(workers_main, "FeedLoop", Loop)
    side = SimpleNamespace(feeds=SimpleNamespace(rebuild=_nothing))
    wired = SimpleNamespace(
        redis=redis, clock=None, settings=SETTINGS, realms={Realm.LIVE: side, Realm.DRILL: side}
    )
    running = asyncio.ensure_future(workers_main.feeds(wired))
    async with asyncio.timeout(10):
        await made["done"].wait()
    await _stopped(running)  # it gives the lease back
    store = FeedSources(redis, Realm.LIVE)
    assert await store.note([], [("old", datetime(2026, 11, 24, tzinfo=UTC))], token=made["held"])
    assert not await store.note([], [("new", datetime(2026, 11, 24, tzinfo=UTC))], token=made["token"]())
    assert await store.seen() == ["old"]


async def _nothing() -> None:
    """There is nothing left over."""


async def test_what_was_taken_is_remembered_bounded_and_oldest_first(redis, monkeypatch):
    from bosai.stores import feed_sources

    monkeypatch.setattr(feed_sources, "MOST_SEEN", 3)
    async with listening(redis, "eqvol") as here:
        store = FeedSources(redis, Realm.LIVE)
        for minute in range(5):
            here.clock.advance(60)
            assert await store.note([], [(f"id-{minute}", here.clock.now())], token=None)
        assert await store.seen() == ["id-2", "id-3", "id-4"]


async def test_a_failing_store_is_told_in_the_log_and_the_loop_goes_on(redis, monkeypatch, caplog):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        (name,) = here.jma.publish(telegram())
        here.to(1)

        async def broken(*_: object, **__: object) -> bool:
            raise ConnectionError("scripted")

        with monkeypatch.context() as patched:
            patched.setattr(FeedSources, "note", broken)
            await loop.poll_once()
        assert here.desk.handed == [name]
        assert "this turn failed" in caplog.text
        assert loop.sources[0].health.failures == 1
        here.to(2)
        await loop.poll_once()
        assert here.desk.handed == [name]
        assert len(await FeedSources(redis, Realm.LIVE).seen()) == 1
