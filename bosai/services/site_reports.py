"""Taking a report on a site: what may be said, what waits for confirmation, and what is current afterwards.

report ─▶ sound? ─▶ possible? ──yes──▶ history + status in one script ─▶ event to the planner
                        └─ no: kept in the history as held; the same number said again counts as confirmed
"""

from dataclasses import replace
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bosai.errors import InvalidInput, StoreUnavailable
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.stores.events import EventKind, announce
from bosai.stores.sites import History, SiteStore
from shelters.model import Crowding, Facet, Opening, Site, SiteStatus
from shelters.occupancy import SiteReport, current_status, is_impossible

CONFIRM_WITHIN = timedelta(minutes=10)
CLOCK_SKEW = timedelta(minutes=2)
OLDEST = timedelta(hours=24)
TRIES = 20


class SiteReporting:
    """Reports of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._store = SiteStore(redis, realm)

    async def report(
        self,
        site: Site,
        reporter: str,
        *,
        opening: Opening | None = None,
        present_persons: int | None = None,
        crowding: Crowding | None = None,
        checked: bool | None = None,
        outages: Facet | None = None,
        event_at: datetime | None = None,
    ) -> SiteStatus:
        """Record a report; the status after it. What is None was not spoken of.

        checked: the building check after shaking, False takes it back. outages: all facets lost now, none = all back.

        Raises InvalidInput: nothing was said; the time is in the future or older than a day; the count is
        negative, or more than twice the seats and said for the first time (`needs_confirmation`).
        """
        now = self._clock.now()
        report = SiteReport(
            site_id=site.site_id,
            event_at=_sound_time(event_at or now, now),
            received_at=now,
            reporter=reporter,
            opening=opening,
            present_persons=present_persons,
            crowding=crowding,
            checked=checked,
            outages=outages,
        )
        if all(one is None for one in (opening, present_persons, crowding, checked, outages)):
            raise InvalidInput("opening", "missing", "opening, present_persons, crowding, checked, outages")
        for _ in range(TRIES):
            history = await self._store.history(site.site_id)
            held = _must_wait(report, site, history)
            filed = replace(report, held=held)
            status = current_status(site.site_id, [*(one for _, one in history.reports), filed])
            if await self._store.append(history, filed, status) is None:
                continue
            if held:
                problem = "negative" if (present_persons or 0) < 0 else "needs_confirmation"
                raise InvalidInput("present_persons", problem, str(present_persons))
            await announce(self._redis, self.realm, EventKind.SITE_STATUS, site.site_id, now)
            return status
        raise StoreUnavailable

    async def undo(self, site: Site, reporter: str) -> SiteStatus:
        """Take back the newest report of this reporter. Raises InvalidInput when there is none."""
        for _ in range(TRIES):
            history = await self._store.history(site.site_id)
            own = [
                entry
                for entry, one in history.reports
                if one.reporter == reporter and not (one.undone or one.held)
            ]
            if not own:
                raise InvalidInput("undo", "missing")
            left = [one for entry, one in history.reports if entry != own[-1]]
            status = current_status(site.site_id, left)
            if await self._store.undo(history, own[-1], status) is not None:
                await announce(
                    self._redis, self.realm, EventKind.SITE_STATUS, site.site_id, self._clock.now()
                )
                return status
        raise StoreUnavailable


def _sound_time(event_at: datetime, now: datetime) -> datetime:
    if event_at.tzinfo is None:
        raise InvalidInput("event_at", "unreadable", "time zone")
    if event_at > now + CLOCK_SKEW or event_at < now - OLDEST:
        raise InvalidInput("event_at", "out_of_range", event_at.isoformat())
    return min(event_at, now)


def _must_wait(report: SiteReport, site: Site, history: History) -> bool:
    """True for an impossible count, unless the same reporter says the same number again within ten minutes."""
    count = report.present_persons
    if count is None or not is_impossible(count, site.capacity):
        return False
    own = [one for _, one in history.reports if one.reporter == report.reporter]
    said_before = bool(
        own
        and own[-1].held
        and own[-1].present_persons == count
        and report.received_at - own[-1].received_at <= CONFIRM_WITHIN
    )
    return count < 0 or not said_before
