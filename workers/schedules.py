"""Things that are due by the clock. A schedule never ends an order: it reminds, renews as it stands, and watches.

APScheduler only ticks; each tick calls one service, which is idempotent by state, so that two tickers do no harm.
The watch over releases (orders that the planner has not planned in time) runs beside it, see `fallback.py`.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bosai.services.alerts import AlertService
from workers.fallback import ReleaseWatch

log = logging.getLogger(__name__)
REVIEW_TICK_S = 30


class Schedules:
    """The ticks of both sides, and the watch over releases of both."""

    def __init__(self, alerts: Sequence[AlertService], watches: Sequence[ReleaseWatch]) -> None:
        self._alerts = alerts
        self._watches = watches

    async def run(self) -> None:
        """Tick until cancelled; an unexpected failure of a watch ends the process, which is then restarted."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            self.renew_reviews,
            IntervalTrigger(seconds=REVIEW_TICK_S, timezone=UTC),  # else it asks the disk for the local zone
            id="reviews",
            max_instances=1,
            coalesce=True,
        )
        scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                for watch in self._watches:
                    group.create_task(watch.run())
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
