"""Whether this process has more to do than it can: then what can wait is asked to come again later.

heartbeat: sleep a tenth of a second ─▶ woken late ─▶ everything else is late too ─▶ loaded, for a few seconds
batches under way: too many at once ─▶ loaded
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from aiohttp import web

BEAT_S = 0.1
LAG_S = 0.25
"""An event loop this late answers answers late as well."""
CALM_AFTER_S = 3.0
UNDER_WAY = 100
"""Batches of receipts at once; each is one round trip, so this many wait only when the store is slow."""
AGAIN_S = 60
"""When a device is asked to come again; it does so with its next message or visit, whenever that is."""


class LoadGate:
    """The load of one process. `now_s`: a clock that only rises, in seconds."""

    def __init__(
        self, now_s: Callable[[], float], *, under_way: int = UNDER_WAY, lag_s: float = LAG_S
    ) -> None:
        if under_way < 1 or lag_s <= 0:
            raise ValueError("under_way and lag_s must be positive")
        self._now_s = now_s
        self._most = under_way
        self._lag_s = lag_s
        self._under_way = 0
        self._late_until_s = float("-inf")

    @property
    def is_loaded(self) -> bool:
        """True while what can wait should."""
        return self._under_way >= self._most or self._now_s() < self._late_until_s

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a batch as under way inside the block."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def woken(self, due_s: float) -> None:
        """The heartbeat that was due at `due_s` runs now."""
        now = self._now_s()
        if now - due_s >= self._lag_s:
            self._late_until_s = now + CALM_AFTER_S

    async def beat(self) -> None:
        """Measure, until cancelled."""
        while True:
            due_s = self._now_s() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self.woken(due_s)


GATE: web.AppKey[LoadGate] = web.AppKey("GATE", LoadGate)


async def watched(app: web.Application) -> AsyncIterator[None]:
    """The gate of this process, its heart beating while the application runs (a cleanup context)."""
    gate = LoadGate(asyncio.get_running_loop().time)
    app[GATE] = gate
    beating = asyncio.create_task(gate.beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
