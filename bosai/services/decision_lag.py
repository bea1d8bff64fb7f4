"""The timer of late decisions of one side: it looks every half minute, asks HQ, and records that it asked.

    what 気象庁 has in force ▸ rules ▸ needs ─ orders in force ─▶ lags ─ notes ─▶ what is to be recorded now
                                                                  │
                                             the board and a banner on every page show them while they last

Each stage of each need is recorded once, together with its note, so that a restart neither repeats nor forgets it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from redis.asyncio import Redis
from shapely import make_valid

from bosai.errors import InvalidInput, NotAllowed, NotFound, WrongRealm
from bosai.feeds.changes import Standing
from bosai.feeds.decision_lag import Answer, Lag, Limits, Need, Stage, lags
from bosai.feeds.proposal_rules import Rules
from bosai.feeds.proposals import TSUNAMI_CLASS_BY_GRADE
from bosai.model.alert import Alert, AlertRecord
from bosai.model.geometry import from_e7
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.order_rules import checked_reason
from bosai.services.zones import ZoneCatalogue
from bosai.settings_lag import DecisionLag as DecisionLagSettings
from bosai.stores.audit import AuditStore, Head, Step, until_head_holds
from bosai.stores.lag import LagNote, LagStore
from geodata.hazards import HazardKind

TICK_S = 30.0
LEAST_SHARE = 0.02
"""Of the smaller of order and zone that must lie in both: neighbours share a border, and hairs beside it."""
SYSTEM = "system"
"""The actor of what happens without a person."""

_log = logging.getLogger(__name__)


class NeedsOf(Protocol):
    """The city's table: which orders it proposes for what stands."""

    def __call__(self, standing: Standing) -> Sequence[Need]:
        """Needs of one standing, () where the table proposes nothing."""


def needs_by(rules: Rules) -> NeedsOf:
    """The city's table as the timer asks it."""

    def needs(standing: Standing) -> Sequence[Need]:
        tsunami_class = TSUNAMI_CLASS_BY_GRADE.get(standing.kind.grade)
        return [
            Need(
                rule=one.name,
                hazard=one.hazard,
                kind=one.kind,
                tsunami_class=tsunami_class if one.hazard is HazardKind.TSUNAMI else None,
                zone_keys=one.zones,
                standing=standing,
            )
            for one in rules.needing(standing)
        ]

    return needs


class DecisionLag:
    """The timer of one side. Safe in several processes: what was recorded is not recorded again."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        standings: Callable[[], Awaitable[Sequence[Standing]]],
        orders: Callable[[], Awaitable[Sequence[AlertRecord]]],
        *,
        needs_of: NeedsOf,
        zones: Callable[[], ZoneCatalogue],
        settings: DecisionLagSettings,
    ) -> None:
        self.realm = realm
        self._clock = clock
        self._standings = standings
        self._orders = orders
        self._needs_of = needs_of
        self._zones = zones
        self._touched: tuple[ZoneCatalogue, dict[tuple[str, tuple[str, ...]], bool]] | None = None
        self._store = LagStore(redis, realm)
        self._audit = AuditStore(redis, realm)
        self.limits = Limits(
            nag=timedelta(minutes=settings.nag_min),
            escalate=timedelta(minutes=settings.escalate_min),
            tsunami_nag=timedelta(minutes=settings.tsunami_nag_min),
            tsunami_escalate=timedelta(minutes=settings.tsunami_escalate_min),
            answer_holds=timedelta(minutes=settings.answer_holds_min),
        )

    async def now(self) -> tuple[Lag, ...]:
        """Every pressing need without an order, whatever its stage, the longest waiting first."""
        return await self._lags(await self._store.notes())

    async def waiting(self) -> tuple[Lag, ...]:
        """Those that HQ is asked about."""
        return tuple(one for one in await self.now() if one.stage in (Stage.NAG, Stage.ESCALATE))

    async def tick(self) -> None:
        """Record what HQ is asked now, and what no longer stands."""

        async def attempt() -> None:
            head = await self._audit.head()
            notes = await self._store.notes()
            found = {one.need.key: one for one in await self._lags(notes)}
            now = self._clock.now()
            for key, lag in found.items():
                step = _due(lag, notes.get(key), now)
                if step is not None:
                    await self._store.commit(head, now, [step[0]], key, step[1])
                    head = await self._audit.head()
            for key in notes.keys() - found.keys():
                ended = Step(SYSTEM, "decision_lag_ended", f"lag:{key}", _waited(notes[key], now))
                await self._store.commit(head, now, [ended], key, None)
                head = await self._audit.head()

        await until_head_holds(attempt)

    async def answer(self, officer: Session, key: str, reason: str) -> None:
        """HQ does not issue for now, and says why. Raises NotAllowed, NotFound, InvalidInput."""
        if officer.realm is not self.realm:
            raise WrongRealm(self.realm.value, officer.realm.value)
        if not officer.may(Permission.DRAFT):
            raise NotAllowed(Permission.DRAFT.value)
        text = checked_reason(reason)

        async def attempt() -> None:
            head: Head = await self._audit.head()
            notes = await self._store.notes()
            lag = next((one for one in await self._lags(notes) if one.need.key == key), None)
            if lag is None:
                raise NotFound("lag", key)
            now = self._clock.now()
            said = Answer(by=officer.name, at=now, reason=text, grade=lag.need.grade)
            note = msgspec.structs.replace(_note(lag, notes.get(key)), answer=said)
            facts = {**_facts(lag), "reason": text}
            step = Step(officer.name, "decision_lag_answered", f"lag:{key}", facts)
            await self._store.commit(head, now, [step], key, note)

        await until_head_holds(attempt)

    async def _lags(self, notes: dict[str, LagNote]) -> tuple[Lag, ...]:
        needs = [need for one in await self._standings() for need in self._needs_of(one)]
        if not needs:
            return ()
        orders = [one.alert for one in await self._orders()]
        zones = self._zones()
        # A version never changes its area, and every page asks: areas of the whole city have 100,000 corners.
        if self._touched is None or self._touched[0] is not zones:
            self._touched = zones, {}
        touched = self._touched[1]

        def answer_of(key: str) -> Answer | None:
            note = notes.get(key)
            return note.answer if note else None

        def touching(order: Alert, keys: tuple[str, ...]) -> bool:
            asked = order.key, keys
            if asked not in touched:
                touched[asked] = touches(order, keys, zones)
            return touched[asked]

        now = self._clock.now()
        return await asyncio.to_thread(lags, needs, orders, answer_of, touching, limits=self.limits, now=now)


def touches(order: Alert, zone_keys: tuple[str, ...], zones: ZoneCatalogue) -> bool:
    """True when an order's area reaches into one of the zones. Where a zone is not known, or the rule leaves the
    choice to HQ, any order about the danger does: the timer must not nag about what it can not compare."""
    if not zone_keys or set(zone_keys) & set(order.area.zone_keys):
        return True
    area = make_valid(from_e7(order.area.polygons_e7_lonlat))
    for key in zone_keys:
        try:
            zone = zones.area([key])
        except InvalidInput:
            _log.warning("the rules name a zone that is not there: %s", key)
            return True
        ground = make_valid(from_e7(zone.polygons_e7_lonlat))  # rounding may cross a line
        if area.intersection(ground).area >= LEAST_SHARE * min(area.area, ground.area):
            return True
    return False


def _due(lag: Lag, note: LagNote | None, now: datetime) -> tuple[Step, LagNote] | None:
    """The entry of the log that is owed for this lag, with its note; None when nothing is new."""
    known = _note(lag, note)
    if lag.stage is Stage.ESCALATE and known.escalated_at is None:
        changed = msgspec.structs.replace(known, nagged_at=known.nagged_at or now, escalated_at=now)
        return Step(SYSTEM, "decision_lag_escalated", f"lag:{lag.need.key}", _facts(lag)), changed
    if lag.stage is Stage.NAG and known.nagged_at is None:
        changed = msgspec.structs.replace(known, nagged_at=now)
        return Step(SYSTEM, "decision_lag_nagged", f"lag:{lag.need.key}", _facts(lag)), changed
    return None


def _note(lag: Lag, note: LagNote | None) -> LagNote:
    """The note as it stands; a graver danger, or a new spell, is asked about from the beginning."""
    if note is None or note.grade != lag.need.grade or note.since != lag.since:
        return LagNote(since=lag.since, grade=lag.need.grade, answer=note.answer if note else None)
    if note.answer is not None and lag.stage is not Stage.ANSWERED:
        return msgspec.structs.replace(note, nagged_at=None, escalated_at=None, answer=None)
    return note


def _facts(lag: Lag) -> dict[str, object]:
    need = lag.need
    return {
        "rule": need.rule,
        "hazard": need.hazard.value,
        "kind": need.kind.value,
        "area": need.standing.name,
        "announced": need.standing.kind.name,
        "telegram": need.standing.source.key,
        "since": lag.since,
        "waited_s": int(lag.waited.total_seconds()),
    }


def _waited(note: LagNote, now: datetime) -> dict[str, object]:
    return {"since": note.since, "waited_s": int((now - note.since).total_seconds())}
