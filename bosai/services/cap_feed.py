"""Orders and notices of one side as signed CAP messages: made once, by whoever comes first, then only read.

    released version ─▶ due? ─▶ message ─▶ signed (in a thread) ─▶ kept, unless another process was first
                          ▲ asked by the schedules worker every few seconds, and by whoever reads the feed

A release waits for none of this. One order that can not be said leaves the others alone and is reported.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.channels.cap import CapFrame, cap_message
from bosai.channels.cap_atom import CapEntry, atom_feed, entry_of
from bosai.channels.cap_due import CapDue, due, followed
from bosai.channels.cap_signing import CapSigner
from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.errors import NotFound
from bosai.model.alert import AlertRecord
from bosai.model.cap import CapReference
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.settings_cap import CapOut
from bosai.stores.alerts import AlertStore
from bosai.stores.cap import CapStore
from bosai.stores.keys import Keys

TICK_S = 5.0
READ_AGAIN_S = 1.0
"""So often at most the readers of one process look whether something is due."""
TRIES = 5
NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""What a feed that never had an entry says of its age: the same in every process."""
PART = "cap"
PLACEHOLDER = "発信者が見本のままです（settings の [cap] sender）"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapListing:
    """What the feed lists, newest first, and when that last changed."""

    entries: tuple[CapEntry, ...]
    updated: datetime


class CapFeed:
    """One side's CAP messages. Safe in any number of processes at once."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        alerts: AlertStore,
        *,
        signer: CapSigner,
        frame: CapFrame,
        settings: CapOut,
        base_url: str,
    ) -> None:
        self.realm = realm
        self.signer = signer
        self._redis = redis
        self._clock = clock
        self._alerts = alerts
        self._store = CapStore(redis, realm)
        self._frame = frame
        self._settings = settings
        self._base_url = base_url
        self._note = PLACEHOLDER if settings.sender_is_placeholder else ""
        self._looking = asyncio.Lock()
        self._look_again_s = float("-inf")

    async def tick(self) -> None:
        """What the schedules worker does: send what is due, forget what is old, and say how it went."""
        health = Keys(self.realm).health
        if not self._settings.enabled:
            await self._redis.hdel(health, PART)  # else the board would take the silence for a fault
            return
        failed = await self.bring_up_to_date()
        await self._store.forget_before(self._clock.now() - timedelta(days=self._settings.kept_days))
        detail = f"CAP にできない発令・お知らせがあります: {'、'.join(failed)}" if failed else self._note
        note = {"at": self._clock.now().isoformat(), "ok": not failed, "detail": detail}
        await self._redis.hset(health, PART, msgspec.json.encode(note))

    async def bring_up_to_date(self) -> list[str]:
        """Make every message that is due; the orders about which none could be made, by id."""
        orders = {one.alert.alert_id for one in await self._alerts.in_force()}
        orders |= {one.alert_id for one in await self._store.all_series() if not one.closed}
        failed = []
        for alert_id in sorted(orders):
            try:
                await self._say(alert_id)
            except Exception:
                log.exception("no CAP message can be made about %s", alert_id)
                failed.append(alert_id)
        return failed

    async def listing(self) -> CapListing:
        """What stands and what ended lately. Whoever reads first makes what is due. Raises NotFound when CAP is off."""
        self._need_enabled()
        await self._look()
        now = self._clock.now()
        shown_for = timedelta(hours=self._settings.ended_listed_h)
        series = await self._store.all_series()
        listed = [one for one in series if not one.closed or now - one.newest.sent < shown_for]
        # Leaving the list is a change too, at a moment every process reckons alike.
        changes = [one.newest.sent for one in series]
        changes += [one.newest.sent + shown_for for one in series if one not in listed]
        found = await self._store.entries([one.newest.identifier for one in listed])
        return CapListing(
            entries=tuple(sorted(found, key=lambda one: (one.sent, one.identifier), reverse=True)),
            updated=max(changes, default=NEVER),
        )

    def atom(self, listing: CapListing) -> bytes:
        """The feed's document. Blocks for some milliseconds."""
        return atom_feed(
            listing.entries,
            updated=listing.updated,
            base_url=self._base_url,
            author=self._frame.sender_name,
            realm=self.realm,
        )

    async def named(self, name: str) -> str:
        """The identifier of a message: `name` itself, or of an order's id the newest message about it."""
        self._need_enabled()
        await self._look()
        found = (await self._store.series(name)).series
        return name if found is None else found.newest.identifier

    async def document(self, identifier: str) -> tuple[bytes, datetime]:
        """A signed message and when it was sent. Raises NotFound."""
        self._need_enabled()
        xml, entry = await self._store.document(identifier)
        return xml, entry.sent

    def _need_enabled(self) -> None:
        if not self._settings.enabled:
            raise NotFound("cap", "disabled")

    async def _look(self) -> None:
        """Make what is due, unless this process has just looked. Readers get what there is when that fails."""
        async with self._looking:
            loop_s = asyncio.get_running_loop().time
            if loop_s() < self._look_again_s:
                return
            failed = await self.bring_up_to_date()
            # What can not be made may cost seconds each time: that is left to the tick.
            self._look_again_s = loop_s() + (TICK_S if failed else READ_AGAIN_S)

    async def _say(self, alert_id: str) -> None:
        for _ in range(TRIES):
            seen = await self._store.series(alert_id)
            try:
                record = await self._alerts.head(alert_id)
            except NotFound:
                return
            wanted = due(
                seen.series,
                record,
                self._clock.now(),
                horizon=timedelta(minutes=self._settings.expires_min),
                renew_after=timedelta(minutes=self._settings.renew_min),
            )
            if wanted is None:
                return
            entry, xml = await asyncio.to_thread(self._made, record, wanted)
            after = followed(seen.series, record, wanted, entry.identifier, self._frame.sender)
            if await self._store.put(seen, after, entry, xml):
                log.info("CAP %s", entry.identifier)
                return
        log.warning("CAP of %s: others were first %d times, the next tick looks again", alert_id, TRIES)

    def _made(self, record: AlertRecord, wanted: CapDue) -> tuple[CapEntry, bytes]:
        message = cap_message(
            record,
            self._frame,
            number=wanted.number,
            sent=wanted.sent,
            expires=wanted.expires,
            references=[
                CapReference(sender=one.sender, identifier=one.identifier, sent=one.sent)
                for one in wanted.follows
            ],
        )
        signed = self.signer.sign(cap_xml(message))
        return entry_of(message, record.alert.alert_id), cap_bytes(signed)
