"""The watch over the ground's facts: it outlives a Redis that is away, and ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.model.realm import Realm
from bosai.services import geo_holder
from bosai.services.audit import AuditService
from bosai.services.geo_holder import GeoHolder
from bosai.services.geo_imports import GeoImports
from bosai.settings import load_settings
from tests.bosai.services.test_geo_imports import TOWNS, FixedClock, heights, roads


@pytest.fixture
def settings(tmp_path):
    return load_settings(None, {}, {"data.dir": str(tmp_path)})


@pytest.fixture
async def holder(redis: Redis, settings, monkeypatch) -> GeoHolder:
    monkeypatch.setattr(geo_holder, "LOOK_EVERY_S", 0.01)
    return await GeoHolder.opened(settings, redis, FixedClock())


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def ended(watch: asyncio.Future[None]) -> None:
    """Cancelled, or at its own end where the cancellation was swallowed; never later than the next look."""
    watch.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(watch, return_exceptions=True)


async def test_an_import_of_another_process_is_read_without_a_restart(redis, settings, holder):
    watch = asyncio.ensure_future(holder.watch())
    imports = GeoImports(redis, FixedClock(), settings, AuditService(redis, Realm.LIVE, FixedClock()))
    await imports.import_roads(roads(), "test")
    await until(lambda: holder.facts.network is not None and holder.walking is not None)
    kept = holder.walking
    await imports.import_places(TOWNS.encode(), "test")
    await until(lambda: "places" in holder.facts.stored)
    assert holder.walking is kept, "the roads are the same, and so is what was searched on them"
    await imports.import_elevation(heights(), "test", epsg=6668)
    await until(lambda: holder.walking is not kept)
    await ended(watch)


async def test_while_redis_is_away_what_was_known_stays_and_the_watch_goes_on(holder, monkeypatch):
    asked = []

    async def away(*_args):
        asked.append(1)
        raise RedisConnectionError("away")

    monkeypatch.setattr(holder._redis, "get", away)
    watch = asyncio.ensure_future(holder.watch())
    await until(lambda: len(asked) >= 3)
    assert holder.facts.version == ""
    assert not watch.done()
    await ended(watch)


async def test_the_watch_ends_also_when_its_cancellation_is_swallowed_on_the_way(holder, monkeypatch):
    waiting = asyncio.Event()

    async def swallowing() -> bool:
        waiting.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return False
        return False

    monkeypatch.setattr(holder, "refresh", swallowing)
    watch = asyncio.ensure_future(holder.watch())
    await waiting.wait()
    watch.cancel()
    async with asyncio.timeout(10):
        await watch


async def test_a_folder_that_can_not_be_read_again_leaves_what_was_known(settings, holder, caplog):
    def broken(*_args):
        raise RuntimeError("unexpected")

    geo = settings.data_dir / "geo"
    await asyncio.to_thread(geo.mkdir)
    await asyncio.to_thread((geo / "manifest.json").write_text, "{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo_holder, "load_facts", broken)
        watch = asyncio.ensure_future(holder.watch())
        await until(lambda: "what was known stays" in caplog.text)
        assert not watch.done()
        await ended(watch)
    assert holder.facts.version == ""
