"""Things that are due by the clock. A schedule never ends an order: it reminds, renews as it stands, and watches.

APScheduler only ticks; each tick calls one service, which is idempotent by state, so that two tickers do no harm.
The watch over releases (orders that the planner has not planned in time) runs beside it, see `fallback.py`: without
the lease, in every process, because an order waits for nobody, not even for the lease of a process that was killed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bosai.services.alerts import AlertService
from bosai.stores.lease import Lease
from workers.fallback import ReleaseWatch
from workers.faults import log_fault
from workers.leased import while_held

log = logging.getLogger(__name__)
REVIEW_TICK_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A service's tick. It is idempotent by state; one that fails is logged and comes again."""

    name: str
    every_s: float
    tick: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Tick once."""
        try:
            await self.tick()
        except Exception as error:
            log_fault(log, f"{self.name}: this tick failed", error)


class Schedules:
    """The ticks of both sides, and the watch over releases of both."""

    def __init__(
        self,
        alerts: Sequence[AlertService],
        watches: Sequence[ReleaseWatch],
        lease: Lease | None = None,
        jobs: Sequence[Job] = (),
    ) -> None:
        self._alerts = alerts
        self._watches = watches
        self._lease = lease
        self._jobs = jobs

    async def run(self) -> None:
        """Watch and, while the lease is held, tick until cancelled; an unexpected failure of a watch ends the process,
        which is then restarted."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run())
            ticking = while_held(self._lease, "schedules", self._tick) if self._lease else self._tick()
            group.create_task(ticking)

    async def _tick(self) -> None:
        scheduler = AsyncIOScheduler(timezone=UTC)
        jobs = (Job(name="reviews", every_s=REVIEW_TICK_S, tick=self.renew_reviews), *self._jobs)
        for job in jobs:
            scheduler.add_job(
                job.run,
                # Without the zone it asks the disk for the local one.
                IntervalTrigger(seconds=job.every_s, timezone=UTC),
                id=job.name,
                max_instances=1,
                coalesce=True,
            )
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def renew_reviews(self) -> None:
        """Orders whose review passed unanswered stand as they are, and the record says so."""
        for alerts in self._alerts:
            try:
                renewed = await alerts.renew_reviews()
            except Exception:
                # The tick comes again, and the other side has its own orders to think of.
                log.exception("reviews can not be renewed now")
                continue
            for record in renewed:
                log.warning("review of %s passed unanswered: the order stands, renewed", record.alert.key)
