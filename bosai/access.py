"""Which Redis a command talks to: the configured one, the embedded one that runs already, or one of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from bosai.embedded import DataDirInUse, embedded_redis, socket_path
from bosai.settings_schema import Settings
from bosai.wiring import Wired, open_services


@asynccontextmanager
async def redis_url(settings: Settings) -> AsyncIterator[str]:
    """The address of a Redis that answers while the block runs. Raises RedisServerError."""
    if not settings.redis.is_embedded:
        yield settings.redis.url
        return
    async with AsyncExitStack() as stack:
        try:
            url = (await stack.enter_async_context(embedded_redis(settings.data_dir))).url
        except DataDirInUse:
            # `bosai run` holds the folder: its Redis is the one to speak to.
            running = await asyncio.to_thread(_running_socket, settings.data_dir)
            if running is None:
                raise
            url = f"unix://{quote(str(running))}"
        yield url


@asynccontextmanager
async def own_redis_url(settings: Settings) -> AsyncIterator[str]:
    """As `redis_url`, but a data folder that somebody else runs on is refused (DataDirInUse): for `bosai run`."""
    if not settings.redis.is_embedded:
        yield settings.redis.url
        return
    async with embedded_redis(settings.data_dir) as server:
        yield server.url


async def opened(stack: AsyncExitStack, settings: Settings) -> Wired:
    """The services for one command, closed with the stack."""
    url = await stack.enter_async_context(redis_url(settings))
    return await stack.enter_async_context(open_services(settings, url))


def _running_socket(data_dir: Path) -> Path | None:
    folder = data_dir.resolve() / "redis"
    if not folder.is_dir():
        return None
    socket = socket_path(folder)
    return socket if socket.exists() else None
