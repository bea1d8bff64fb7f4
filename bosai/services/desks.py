"""The shelter desk: a secret link and a PIN open exactly one site, for reporting and nothing else.

link (HQ) ─▶ /s/<capability> + PIN, shown once ─▶ open (PIN) ─▶ session token for the cookie ─▶ report · undo
                                                   └ 5 wrong PINs: locked for 15 minutes, or until linked anew

Stored are the SHA-256 of the capability and a keyed hash of the PIN. A new link ends the old one and its sessions.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, NotSignedIn, TooManyTries, WrongSecret
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.audit import AuditService
from bosai.services.site_reports import SiteReporting
from bosai.stores.alerts import AlertStore
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script
from bosai.stores.site_failures import SiteFailure, SiteFailures
from bosai.stores.sites import SiteStore
from shelters.model import Crowding, Facet, Opening, Site, SiteStatus
from shelters.occupancy import still_said
from shelters.suitability import opening_of

PIN_DIGITS = 6
MAX_TRIES = 5
LOCKED_S = 15 * 60
SESSION = timedelta(hours=24)

_link = Script("desk_link")


class DeskLink(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a link."""

    site_id: str
    pin_hash: bytes
    linked_by: str
    linked_at: datetime


class DeskAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A new link, shown once: `path` is under the side's prefix."""

    site_id: str
    capability: str
    pin: str
    path: str


class DeskSession(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that gave the right PIN. `token` is the cookie's value."""

    realm: Realm
    site_id: str
    capability_hash: str
    until: datetime
    token: str

    @property
    def reporter(self) -> str:
        """How its reports are signed."""
        return f"desk:{self.site_id}"


class DeskView(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk's page shows. `people_on_their_way`: by the last plan, at `on_their_way_at`; None = no plan yet."""

    site: Site
    status: SiteStatus
    opening: Opening
    people_on_their_way: int | None
    on_their_way_at: datetime | None
    failure: SiteFailure | None = (
        None  # where the people of an unusable site are sent; None until a plan knows
    )


_decode = msgspec.msgpack.Decoder(DeskLink).decode


class DeskService:
    """Desks of one side."""

    def __init__(
        self, redis: Redis, realm: Realm, clock: Clock, hmac_key: bytes, *, session: timedelta = SESSION
    ) -> None:
        self.realm = realm
        self._session_for = session
        self._redis = redis
        self._clock = clock
        self._hmac_key = hmac_key
        self._keys = Keys(realm)
        self._sites = SiteStore(redis, realm)
        self._alerts = AlertStore(redis, realm)
        self._reporting = SiteReporting(redis, realm, clock)
        self._audit = AuditService(redis, realm, clock)
        self._failures = SiteFailures(redis, realm)

    # ---- links -------------------------------------------------------------------------------------

    async def link(self, actor: str, site_id: str) -> DeskAccess:
        """A new link and PIN for a site; the old link stops working. Raises NotFound."""
        await self._site(site_id)
        capability = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        name = _hash(capability)
        stored = DeskLink(
            site_id=site_id,
            pin_hash=self._pin_hash(name, pin),
            linked_by=actor,
            linked_at=self._clock.now(),
        )
        await self._write_link(site_id, name, msgspec.msgpack.encode(stored))
        await self._audit.note(actor, "linked", f"site:{site_id}", {})
        return DeskAccess(site_id=site_id, capability=capability, pin=pin, path=f"/s/{capability}")

    async def revoke(self, actor: str, site_id: str) -> None:
        """End a site's link and every session opened with it."""
        await self._write_link(site_id, "", b"")
        await self._audit.note(actor, "unlinked", f"site:{site_id}", {})

    async def linked_sites(self) -> set[str]:
        """Ids of the sites that have a link."""
        return {as_text(one) for one in await self._redis.hkeys(self._keys.desk_by_site)}

    # ---- opening -----------------------------------------------------------------------------------

    async def site_of(self, capability: str) -> Site:
        """The site a link belongs to, for the page that asks for the PIN. Raises WrongSecret."""
        return await self._site((await self._stored(_hash(capability))).site_id)

    async def open(self, capability: str, pin: str | None, client: str = "") -> DeskSession:
        """Open the desk with the PIN. Raises WrongSecret, or TooManyTries after five wrong ones.

        The lock is on the link, whoever tries; `client` is for the record of a lock-out.
        """
        name = _hash(capability)
        stored = await self._stored(name)
        failures = self._keys.desk_failures + name
        async with self._redis.pipeline(transaction=True) as pipe:
            # Counted before the PIN is looked at, so that guesses sent at the same time count too.
            pipe.incr(failures)
            pipe.ttl(failures)
            tries, ttl_s = await pipe.execute()
        if int(ttl_s) < 0 or int(tries) == MAX_TRIES:
            await self._redis.expire(failures, LOCKED_S)
        if int(tries) > MAX_TRIES:
            if int(tries) == MAX_TRIES + 1:
                await self._audit.note(
                    f"desk:{stored.site_id}", "locked", f"site:{stored.site_id}", {"client": client}
                )
            raise TooManyTries(int(ttl_s) if int(ttl_s) > 0 else LOCKED_S)
        if not hmac.compare_digest(stored.pin_hash, self._pin_hash(name, (pin or "").strip())):
            raise WrongSecret
        await self._redis.delete(failures)
        return self._session(stored.site_id, name, self._clock.now() + self._session_for)

    async def resume(self, capability: str, token: str) -> DeskSession:
        """The session behind a cookie. Raises NotSignedIn: forged, expired, of another link or side, or revoked."""
        name = _hash(capability)
        until_text, _, _mac = token.partition(".")
        try:
            stored = await self._stored(name)
            until = datetime.fromtimestamp(int(until_text), tz=self._clock.now().tzinfo)
        except (WrongSecret, ValueError, OverflowError, OSError):
            raise NotSignedIn from None
        session = self._session(stored.site_id, name, until)
        if not hmac.compare_digest(session.token.encode(), token.encode()) or until <= self._clock.now():
            raise NotSignedIn
        return session

    # ---- reporting ---------------------------------------------------------------------------------

    async def view(self, desk: DeskSession) -> DeskView:
        """The site, what is known of it, and how many are on their way."""
        await self._still_linked(desk)
        site = await self._site(desk.site_id)
        began = await self._alerts.began() or self._clock.now()
        status = still_said(await self._sites.status(desk.site_id), began)
        persons, at = await self._redis.hmget(self._keys.on_the_way, [desk.site_id, "at"])
        return DeskView(
            site=site,
            status=status,
            opening=opening_of(site, status),
            people_on_their_way=int(persons or 0) if at else None,
            on_their_way_at=datetime.fromisoformat(as_text(at)) if at else None,
            failure=await self._failures.of_site(desk.site_id)
            if status.opening is Opening.UNUSABLE
            else None,
        )

    async def report(
        self,
        desk: DeskSession,
        *,
        opening: Opening | None = None,
        present_persons: int | None = None,
        crowding: Crowding | None = None,
        checked: bool | None = None,
        outages: Facet | None = None,
        event_at: datetime | None = None,
    ) -> SiteStatus:
        """Report on the desk's own site; the planner hears at once. Raises NotSignedIn, InvalidInput.

        Current is the latest by event time: a late report of something older stays in the history only.
        """
        await self._still_linked(desk)
        return await self._reporting.report(
            await self._site(desk.site_id),
            desk.reporter,
            opening=opening,
            present_persons=present_persons,
            crowding=crowding,
            checked=checked,
            outages=outages,
            event_at=event_at,
        )

    async def undo(self, desk: DeskSession) -> SiteStatus:
        """Take back the desk's newest report. Raises NotSignedIn, InvalidInput."""
        await self._still_linked(desk)
        return await self._reporting.undo(await self._site(desk.site_id), desk.reporter)

    # ---- inside ------------------------------------------------------------------------------------

    async def _site(self, site_id: str) -> Site:
        site = await self._sites.site(site_id)
        if site is None:
            raise NotFound("site", site_id)
        return site

    async def _stored(self, name: str) -> DeskLink:
        row = await self._redis.hget(self._keys.desk, name)
        if row is None:
            raise WrongSecret
        return _decode(as_bytes(row))

    async def _still_linked(self, desk: DeskSession) -> None:
        if desk.realm is not self.realm or desk.until <= self._clock.now():
            raise NotSignedIn
        current = await self._redis.hget(self._keys.desk_by_site, desk.site_id)
        if current is None or as_text(current) != desk.capability_hash:
            raise NotSignedIn

    async def _write_link(self, site_id: str, name: str, stored: bytes) -> None:
        await _link(
            self._redis, keys=[self._keys.desk, self._keys.desk_by_site], args=[site_id, name, stored]
        )

    def _pin_hash(self, name: str, pin: str) -> bytes:
        return self._mac("desk pin", name, pin)

    def _session(self, site_id: str, name: str, until: datetime) -> DeskSession:
        until_s = int(until.timestamp())
        mac = base64.urlsafe_b64encode(self._mac("desk session", site_id, name, str(until_s))).decode()
        return DeskSession(
            realm=self.realm,
            site_id=site_id,
            capability_hash=name,
            until=datetime.fromtimestamp(until_s, tz=until.tzinfo),
            token=f"{until_s}.{mac.rstrip('=')}",
        )

    def _mac(self, *parts: str) -> bytes:
        message = b"".join(
            len(one).to_bytes(4, "big") + one for one in map(str.encode, (self.realm.value, *parts))
        )
        return hmac.digest(self._hmac_key, message, "sha256")


def _hash(capability: str) -> str:
    return hashlib.sha256(capability.encode()).hexdigest()
