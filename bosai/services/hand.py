"""HQ's hand on the plan: exclude a site, name a town's destination, pause redirects, record strong shaking.

officer + reason ─▶ allowed? ▸ known? ▸ already so? ─no─▶ record + log in one script ─▶ nudge to the planner

What is set holds until an officer lifts it. It never ends by a clock or with an order, because a bridge stays broken
when a warning ends; when nothing is in force any more the board asks whether it still holds.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bosai.errors import InvalidInput, NotAllowed, NotFound
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.stores.audit import AuditStore, Step, until_head_holds
from bosai.stores.events import EventKind, announce
from bosai.stores.hand import HandEntry, HandKind, HandStore
from bosai.stores.sites import SiteStore
from shelters.hand import Hand
from shelters.model import Site

REASON_CHARS = 200
SHAKEN_AT_MOST = timedelta(days=7)
CLOCK_SKEW = timedelta(minutes=2)

_log = logging.getLogger(__name__)
_STEPS = {
    HandKind.EXCLUDE: ("excluded_site", "readmitted_site"),
    HandKind.PIN: ("pinned_town", "unpinned_town"),
    HandKind.PAUSE: ("paused_redirects", "resumed_redirects"),
    HandKind.SHAKEN: ("recorded_shaking", "withdrew_shaking"),
}
_NEEDED = {HandKind.EXCLUDE: Permission.EXCLUDE_SITE}  # everything else: STEER


class HandService:
    """The hand of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._store = HandStore(redis, realm)
        self._sites = SiteStore(redis, realm)
        self._audit = AuditStore(redis, realm)

    async def entries(self) -> tuple[HandEntry, ...]:
        """Everything that is set, the oldest first."""
        return await self._store.entries()

    async def hand(self) -> Hand:
        """As the plan takes it."""
        return await self._store.hand()

    async def exclude(self, officer: Session, site_id: str, reason: str) -> HandEntry:
        """Nobody new is sent to the site. Raises NotAllowed, NotFound, InvalidInput."""
        self._need(officer, HandKind.EXCLUDE)
        await self._known_site(site_id)
        return await self._set(officer, HandKind.EXCLUDE, site_id, reason)

    async def pin(
        self, officer: Session, town: str, site_id: str, reason: str, towns: Sequence[str]
    ) -> HandEntry:
        """Everybody of the town is sent to the site while it may be named. `towns`: those there are.

        Raises NotAllowed, NotFound, InvalidInput.
        """
        self._need(officer, HandKind.PIN)
        if town not in towns:
            raise InvalidInput("town", "unknown_value" if town else "missing", town[:40])
        site = await self._known_site(site_id)
        if not site.open_to_public:
            raise InvalidInput("site", "not_public", site.name)
        return await self._set(officer, HandKind.PIN, town, reason, site_id=site_id)

    async def pause(self, officer: Session, reason: str) -> HandEntry:
        """Nobody is sent elsewhere, unless the destination can not be used. Raises NotAllowed, InvalidInput."""
        self._need(officer, HandKind.PAUSE)
        return await self._set(officer, HandKind.PAUSE, "", reason)

    async def shaken(self, officer: Session, since: datetime, reason: str) -> HandEntry:
        """Strong shaking at `since`: halls wait for the building check. Raises NotAllowed, InvalidInput."""
        self._need(officer, HandKind.SHAKEN)
        now = self._clock.now()
        if since.tzinfo is None:
            raise InvalidInput("since", "no_time_zone")
        if not now - SHAKEN_AT_MOST <= since <= now + CLOCK_SKEW:
            raise InvalidInput("since", "out_of_range", f"過去{SHAKEN_AT_MOST.days}日から今まで")
        return await self._set(officer, HandKind.SHAKEN, "", reason, since=min(since, now))

    async def lift(self, officer: Session, kind: HandKind, subject: str, reason: str) -> HandEntry | None:
        """Take one thing back; what was set, or None when it was not (then nothing is recorded).

        Raises NotAllowed, InvalidInput.
        """
        self._need(officer, kind)
        said = _reason(reason)

        async def attempt() -> HandEntry | None:
            head = await self._audit.head()
            held = await self._store.entry(kind, subject)
            if held is None:
                return None
            facts = {"reason": said, "since": held.set_at.isoformat(), "by": held.set_by}
            step = Step(officer.name, _STEPS[kind][1], _subject(held), facts)
            await self._store.commit(head, self._clock.now(), [step], held.field, None)
            return held

        lifted = await until_head_holds(attempt)
        if lifted is not None:
            await self._nudge(lifted)
        return lifted

    # ---- inside ------------------------------------------------------------------------------------

    async def _set(
        self,
        officer: Session,
        kind: HandKind,
        subject: str,
        reason: str,
        *,
        site_id: str = "",
        since: datetime | None = None,
    ) -> HandEntry:
        """Asked for again as it stands, nothing is written: a button pressed twice is one decision."""
        wanted = HandEntry(
            kind=kind,
            subject=subject,
            site_id=site_id,
            reason=_reason(reason),
            set_by=officer.name,
            set_at=self._clock.now(),
            since=since,
        )

        async def attempt() -> tuple[HandEntry, bool]:
            head = await self._audit.head()
            held = await self._store.entry(kind, subject)
            if held is not None and _same(held, wanted):
                return held, False
            facts = {"reason": wanted.reason}
            if site_id:
                facts["site"] = site_id
            if since is not None:
                facts["shaken_at"] = since.isoformat()
            step = Step(officer.name, _STEPS[kind][0], _subject(wanted), facts)
            await self._store.commit(head, wanted.set_at, [step], wanted.field, wanted)
            return wanted, True

        entry, is_new = await until_head_holds(attempt)
        if is_new:
            await self._nudge(entry)
        return entry

    async def _nudge(self, entry: HandEntry) -> None:
        """It is set already: a failure here is logged, and the planner, which polls too, finds it."""
        try:
            await announce(self._redis, self.realm, EventKind.HAND_CHANGED, entry.field, self._clock.now())
        except RedisError:
            _log.exception("%s was set, but the event could not be written", entry.field)

    async def _known_site(self, site_id: str) -> Site:
        if not site_id:
            raise InvalidInput("site", "missing")
        site = await self._sites.site(site_id)
        if site is None:
            raise NotFound("site", site_id[:60])
        return site

    def _need(self, officer: Session, kind: HandKind) -> None:
        needed = _NEEDED.get(kind, Permission.STEER)
        if officer.realm is not self.realm or not officer.may(needed):
            raise NotAllowed(needed.value)


def _same(held: HandEntry, wanted: HandEntry) -> bool:
    return msgspec.structs.replace(held, set_by="", set_at=wanted.set_at) == msgspec.structs.replace(
        wanted, set_by=""
    )


def _subject(entry: HandEntry) -> str:
    match entry.kind:
        case HandKind.EXCLUDE:
            return f"site:{entry.subject}"
        case HandKind.PIN:
            return f"town:{entry.subject}"
        case _:
            return "plan:"


def _reason(text: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise InvalidInput("reason", "missing")
    if len(said) > REASON_CHARS:
        raise InvalidInput("reason", "too_long", str(REASON_CHARS))
    if not said.isprintable():
        raise InvalidInput("reason", "not_printable")
    return said
