"""Clocks a test moves by hand. Time here passes only when somebody says so."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """Where the bed asks for the time."""

    def now(self) -> datetime:
        """The time now, aware."""


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time now, UTC."""
        return datetime.now(UTC)


class FakeClock:
    """A clock that stands still until `advance` or `set`. Sleepers wake, earliest first, when their time has come."""

    def __init__(self, start: datetime) -> None:
        self._now = _aware(start)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """The time now, aware, in the zone it was set in."""
        return self._now

    def timestamp(self) -> float:
        """The time now in epoch seconds, for `PushService(now_s=clock.timestamp)`."""
        return self._now.timestamp()

    @property
    def sleepers(self) -> int:
        """Tasks asleep on this clock."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def advance(self, by: timedelta | float) -> None:
        """Move on by a timedelta or by seconds; never back."""
        self.set(self._now + (by if isinstance(by, timedelta) else timedelta(seconds=by)))

    def set(self, to: datetime) -> None:
        """Move on to a moment, and wake who waited for it. Raises ValueError for a moment that is past."""
        if _aware(to) < self._now:
            raise ValueError(
                f"to: {to.isoformat()} is before {self._now.isoformat()}; a clock does not run back"
            )
        self._now = to
        while self._sleepers and self._sleepers[0][0] <= to:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until the clock shows `at`; returns at once when it is past."""
        if _aware(at) <= self._now:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at, next(self._order), future))
        await future

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds of this clock."""
        await self.sleep_until(self._now + timedelta(seconds=seconds))

    async def run_to(self, to: datetime) -> None:
        """Move on to `to`, stopping at every moment a sleeper waits for, so that each acts at its own time."""
        while True:
            await asyncio.sleep(0)
            due = next((at for at, _, future in sorted(self._sleepers) if not future.done()), None)
            if due is None or due > to:
                break
            self.set(due)
            for _ in range(8):  # let the sleeper act and lie down again, a few awaits deep
                await asyncio.sleep(0)
        self.set(to)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment
