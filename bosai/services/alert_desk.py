"""Decisions about orders, written whole: look at the state, decide, write only if nothing was recorded in between."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bosai.errors import NotFound, WrongState
from bosai.model.alert import Act, AlertRecord, AlertState
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services import alert_moves as moves
from bosai.stores.alerts import AlertStore, Change, Release
from bosai.stores.audit import AuditStore, Head, Step, until_head_holds
from bosai.stores.events import EventKind, announce

T = TypeVar("T")
_log = logging.getLogger(__name__)
_STEPS = {Act.LIFT: "lifted", Act.RECALL: "recalled"}


class AlertDesk:
    """Where decisions of one side are written. Permissions and forms are checked before they come here."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock) -> None:
        self.realm = realm
        self.store = AlertStore(redis, realm)
        self.clock = clock
        self._redis = redis
        self._audit = AuditStore(redis, realm)

    async def decide(self, attempt: Callable[[Head], Awaitable[T]]) -> T:
        """`attempt` reads what it needs and writes with the head it is given; it runs again when the head moved."""

        async def once() -> T:
            return await attempt(await self._audit.head())

        return await until_head_holds(once)

    async def write(
        self, head: Head, step: Step, record: AlertRecord, *, seen: AlertState | None, now: datetime
    ) -> AlertRecord:
        """One version with one entry of the log. `seen` None: it is new."""
        await self.store.commit(head, now, [step], [Change(seen=seen, record=record)])
        return record

    async def base(self, alert_id: str, history: Sequence[AlertRecord], wanted: AlertState) -> AlertRecord:
        """The version in force that a new one would replace or end. Raises WrongState."""
        try:
            base = await self.store.head(alert_id)
        except NotFound:  # versions exist, none was ever released
            raise WrongState(f"alert:{alert_id}", history[-1].state.value, wanted.value) from None
        moves.need_in_force(base, wanted)
        return base

    async def release(
        self,
        head: Head,
        officer: str,
        record: AlertRecord,
        *,
        before: Sequence[Step] = (),
        others: Sequence[Change] = (),
        is_new: bool = False,
    ) -> AlertRecord:
        """Put a version out: record, predecessor, incident and log in one script; then the nudge to the planner."""
        now = self.clock.now()
        alert = record.alert
        rest = [one for one in await self.store.in_force() if one.alert.alert_id != alert.alert_id]
        incident = await self.store.incident() or moves.new_incident(now)
        changes = list(others)
        if alert.act is not Act.ISSUE:
            base = await self.store.head(alert.alert_id)
            moves.need_in_force(base, AlertState.ISSUED)
            if base.alert.key not in alert.references:
                raise WrongState(f"alert:{alert.key}", record.state.value, AlertState.ISSUED.value)
            incident = base.incident or incident
            changes.append(Change(seen=base.state, record=moves.ended(base, alert.act, officer, now)))
        out = moves.released(record, officer, incident, now)
        changes.append(Change(seen=None if is_new else record.state, record=out))
        release = Release(
            incident=incident,
            closes_incident=not alert.directs_people and not rest,
            head=out,
            in_force=out if alert.directs_people else None,
        )
        step = Step(officer, _STEPS.get(alert.act, "released"), f"alert:{alert.key}", _release_facts(out))
        await self.store.commit(head, now, [*before, step], changes, release)
        await self._nudge(out, now)
        return out

    async def _nudge(self, record: AlertRecord, now: datetime) -> None:
        """The order is out already: a failure here is logged and the planner, which polls too, finds it."""
        try:
            await announce(self._redis, self.realm, EventKind.ALERT_RELEASED, record.alert.key, now)
        except RedisError:
            _log.exception("released %s, but the event could not be written", record.alert.key)


def contents(record: AlertRecord) -> Mapping[str, object]:
    """What the log keeps of a draft."""
    alert = record.alert
    return {
        "act": alert.act.value,
        "hazard": alert.hazard.value,
        "kind": alert.kind.value,
        "tsunami_class": alert.tsunami_class.value if alert.tsunami_class else None,
        "area": list(alert.area.names),
        "reason": alert.reason,
        "decision_hash": record.decision_hash,
        "proposal": alert.proposal_id,
    }


def _release_facts(record: AlertRecord) -> Mapping[str, object]:
    return {
        "act": record.alert.act.value,
        "incident": record.incident,
        "references": list(record.alert.references),
        "decision_hash": record.decision_hash,
        "previewed_people": record.previewed_people,
        "reason": record.alert.reason,
    }
