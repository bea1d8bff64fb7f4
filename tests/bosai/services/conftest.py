"""A client whose driver has looked up its own version beforehand: redis-py reads files for it at each connection."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from redis.driver_info import DriverInfo

from tests.redis_server import PrivateRedis

DRIVER = DriverInfo()


@pytest.fixture(name="redis")
async def redis_client(private_redis: PrivateRedis) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(private_redis.url, driver_info=DRIVER) as client:
        yield client
