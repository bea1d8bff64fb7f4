"""What is acknowledged to a user is on disk, and on the replicas where there are any; otherwise it is an error."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bosai.errors import StoreUnavailable


@asynccontextmanager
async def durable(redis: Redis, wait_replicas: int, wait_timeout_s: float = 1.0) -> AsyncIterator[Redis]:
    """One connection for the writes inside; leaves only when `wait_replicas` replicas have them.

    Raises StoreUnavailable when Redis or a replica does not answer; the writes are then to be repeated.
    """
    try:
        if wait_replicas == 0:
            yield redis
            return
        async with redis.client() as connection:  # WAIT speaks of the writes of its own connection
            yield connection
            reached = await connection.wait(wait_replicas, round(wait_timeout_s * 1000))
        if int(reached) < wait_replicas:
            raise StoreUnavailable
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StoreUnavailable from error
