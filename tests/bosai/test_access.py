"""Which Redis a command talks to: a shared one, the one of a service that runs, or one of its own."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio

from bosai.access import own_redis_url, redis_url
from bosai.embedded import DataDirInUse
from bosai.settings import load_settings


async def settings_for(data_dir, url: str = ""):
    return await asyncio.to_thread(load_settings, overrides={"data.dir": str(data_dir), "redis.url": url})


async def answers(url: str) -> bool:
    async with redis.asyncio.Redis.from_url(url) as client:
        return bool(await client.ping())


async def test_a_shared_redis_is_used_as_it_is_and_no_folder_is_made(tmp_path, private_redis):
    settings = await settings_for(tmp_path / "data", private_redis.url)
    for way in (redis_url, own_redis_url):
        async with way(settings) as url:
            assert url == private_redis.url
    assert not (tmp_path / "data").exists()


async def test_a_command_beside_a_running_service_speaks_to_its_redis_and_leaves_it_running(tmp_path):
    settings = await settings_for(tmp_path / "data")
    async with own_redis_url(settings) as running:
        async with redis.asyncio.Redis.from_url(running) as client:
            await client.set("told", "one")
        async with redis_url(settings) as beside, redis.asyncio.Redis.from_url(beside) as client:
            assert await client.get("told") == b"one"
        assert await answers(running)


async def test_a_second_service_on_the_same_folder_is_refused(tmp_path):
    settings = await settings_for(tmp_path / "data")
    async with own_redis_url(settings):
        with pytest.raises(DataDirInUse):
            async with own_redis_url(settings):
                pass


async def test_what_one_command_wrote_the_next_one_finds(tmp_path):
    settings = await settings_for(tmp_path / "data")
    async with redis_url(settings) as url, redis.asyncio.Redis.from_url(url) as client:
        await client.set("kept", "yes")
    async with redis_url(settings) as url, redis.asyncio.Redis.from_url(url) as client:
        assert await client.get("kept") == b"yes"
