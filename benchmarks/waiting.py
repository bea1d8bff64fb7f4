"""Waiting for another process, which tells by its answers alone."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 300.0


async def until(
    condition: Callable[[], Awaitable[bool]], *, pause_s: float = 0.01, within_s: float = PATIENCE_S
) -> None:
    """Ask until it holds. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - nothing here could set an event
            await asyncio.sleep(pause_s)
