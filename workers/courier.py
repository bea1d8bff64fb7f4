"""One claimed delivery: may it still go out, in which words, and what did the push service say?

open the push part ─▶ slot of its push service ─▶ newest? fresh? order stands? ─▶ render ─▶ send ─▶ Result
"""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from bosai.errors import NotFound, SealBroken, WrongRealm
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Instruction, Stage
from bosai.model.realm import Realm
from bosai.ports import Clock, PushMessage, PushOutcome, PushSender
from bosai.push.hosts import origin_of
from bosai.push.payload_limits import fits
from bosai.push.topics import topic_of
from bosai.services.receipts import receipt_token
from bosai.stores.outbox import Claimed, Outbox, Result
from bosai.stores.subscriptions import PushPart, SubscriptionStore
from workers.delivery_rules import HOLD_FOR, Backoff, Drop, Go, Hold, settle, standing, urgency_of
from workers.origins import Origins
from workers.push_sender import BAD_KEYS, REFUSED

log = logging.getLogger(__name__)

TOO_LARGE = 413
_HOPELESS = frozenset({REFUSED, BAD_KEYS})
_ORDERS_KEPT = 256


class Alerts(Protocol):
    """What delivery reads of the orders (`bosai.stores.alerts.AlertStore`)."""

    async def get(self, key: str) -> AlertRecord:
        """The version "alert_id:version". Raises NotFound, WrongRealm."""

    async def head(self, alert_id: str) -> AlertRecord:
        """The newest released version. Raises NotFound."""

    async def planned(self, alert_key: str) -> bool:
        """True once the planner has told everybody concerned by this version."""


class RenderPayload(Protocol):
    """The text of a message (`bosai.messages.payload.payload`)."""

    def __call__(
        self,
        instruction: Instruction,
        record: AlertRecord,
        realm: Realm,
        lang: str,
        *,
        now: datetime,
        receipt_token: str,
        tag: str | None = None,
        short: bool = False,
    ) -> bytes:
        """The plaintext in one language."""


@dataclass(slots=True)
class Chunk:
    """Deliveries of one bucket claimed together, and what came of them so far."""

    bucket: int
    claimed_s: float  # monotonic
    results: list[Result] = field(default_factory=list)
    gone: dict[str, bytes] = field(default_factory=dict)  # id → the sealed push part it was refused with


@dataclass(frozen=True, slots=True)
class _Order:
    record: AlertRecord
    newest: AlertRecord
    newest_planned: bool
    read_s: float


class Courier:
    """Carries deliveries of one side, at most `in_flight` at a time and a share of them per push service.

    `recheck_after_s`: how old the knowledge of an order or of the newest seq may be when a message goes out.
    """

    def __init__(
        self,
        realm: Realm,
        clock: Clock,
        *,
        outbox: Outbox,
        subscriptions: SubscriptionStore,
        alerts: Alerts,
        sender: PushSender,
        render: RenderPayload,
        hmac_key: bytes,
        rng: random.Random,
        backoff: Backoff,
        in_flight: int,
        in_flight_per_origin: int,
        recheck_after_s: float,
    ) -> None:
        if subscriptions.realm is not realm:
            raise WrongRealm(realm.value, subscriptions.realm.value)
        self.realm = realm
        self.alarm: tuple[datetime, str] | None = None  # the last fault of ours, for the health record
        self._outbox = outbox
        self._clock = clock
        self._subscriptions = subscriptions
        self._alerts = alerts
        self._sender = sender
        self._render = render
        self._hmac_key = hmac_key
        self._rng = rng
        self._backoff = backoff
        self._slots = asyncio.Semaphore(in_flight)
        self._origins = Origins(in_flight_per_origin, monotonic_s)
        self._recheck_after_s = recheck_after_s
        self._orders: dict[str, _Order] = {}
        self._orders_lock = asyncio.Lock()

    async def carry(self, chunk: Chunk, one: Claimed) -> Result:
        """Send it if it may still go out. Never raises for what networks, push services or records can do."""
        instruction = one.instruction
        if not one.push_sealed:
            return _result(one, Stage.RETIRED, "no_subscription")
        try:
            part = self._subscriptions.open_push(instruction.subscription_id, one.push_sealed)
        except (SealBroken, msgspec.DecodeError):
            self._raise_alarm("seal_broken")
            return _result(one, Stage.FAILED, "seal_broken")
        origin = origin_of(part.target.endpoint)
        async with self._origins.slots(origin), self._slots:
            rest_s = self._origins.rest_s(origin)
            if rest_s > 0:
                wait = timedelta(seconds=rest_s * self._rng.uniform(1.0, 1.5))
                return self.again(one, self._clock.now() + wait, "push_service_down", tries=one.attempts)
            if monotonic_s() - chunk.claimed_s > self._recheck_after_s and not await self._outbox.is_newest(
                chunk.bucket, one
            ):
                return _result(one, Stage.REPLACED, "newer_seq")
            checked = await self._checked(one)
            if isinstance(checked, Result):
                return checked
            return await self._send(chunk, one, part, checked, origin)

    async def _checked(self, one: Claimed) -> AlertRecord | Result:
        """The version to word the message by, or why it is not sent now."""
        now = self._clock.now()
        if now >= one.instruction.stale_at:
            return _result(one, Stage.EXPIRED, one.cause or "stale")
        try:
            order = await self._order(one.instruction.alert_key)
        except NotFound:
            self._raise_alarm("alert_missing")
            wait = timedelta(seconds=self._backoff.wait_s(one.attempts + 1, self._rng))
            return self.again(one, now + wait, "alert_missing", tries=one.attempts + 1)
        except WrongRealm:
            log.exception("an order of the other side: not sent")
            self._raise_alarm("wrong_realm")
            return _result(one, Stage.FAILED, "wrong_realm")
        match standing(one.instruction, order.record, order.newest, order.newest_planned, now):
            case Go(record):
                return record
            case Hold():
                return self.again(one, now + HOLD_FOR, "new_version", tries=one.attempts)
            case Drop(cause):
                return _result(one, Stage.REPLACED, cause)

    async def _send(
        self, chunk: Chunk, one: Claimed, part: PushPart, record: AlertRecord, origin: str
    ) -> Result:
        tries = one.attempts + 1
        outcome, sent = None, 0
        for short in (False, True):
            message = self._message(one.instruction, record, part.lang, short=short)
            if message is None:
                return _result(one, Stage.FAILED, "not_rendered")
            if message.ttl_s < 1:
                return _result(one, Stage.EXPIRED, one.cause or "stale")
            if not fits(message.plaintext):
                continue
            outcome = await self._sender.send(part.target, message)
            self._origins.heard(origin, alive=_is_alive(outcome))
            sent += outcome.bytes_sent
            if outcome.status != TOO_LARGE:
                break
        if outcome is None:
            self._raise_alarm("too_large")
            return _result(one, Stage.FAILED, "too_large")
        settled = settle(outcome, tries, self._backoff, self._rng, hopeless=_HOPELESS)
        if settled.our_fault:
            self._raise_alarm(f"{settled.cause} from {origin}")
        if settled.stage is Stage.RETIRED:
            chunk.gone[one.instruction.subscription_id] = one.push_sealed
        if settled.wait_s is not None:
            due_at = self._clock.now() + timedelta(seconds=settled.wait_s)
            return self.again(one, due_at, settled.cause, tries=tries, bytes_sent=sent)
        return _result(one, settled.stage, settled.cause, tries=tries, bytes_sent=sent)

    def _message(
        self, instruction: Instruction, record: AlertRecord, lang: str, *, short: bool
    ) -> PushMessage | None:
        """The message as it stands now; None (and an alarm) when its text can not be made."""
        now, topic = self._clock.now(), topic_of(self._hmac_key, self.realm, instruction.incident)
        token = receipt_token(
            self._hmac_key, self.realm, instruction.subscription_id, instruction.incident, instruction.seq
        )
        try:
            plaintext = self._render(
                instruction, record, self.realm, lang, now=now, receipt_token=token, tag=topic, short=short
            )
        except Exception:  # one text that can not be made must not stop everybody else's
            log.exception("no text for %s in %s", record.alert.key, lang)
            self._raise_alarm("not_rendered")
            return None
        return PushMessage(
            plaintext=plaintext,
            ttl_s=int((instruction.stale_at - now).total_seconds()),
            urgency=urgency_of(record),
            topic=topic,
        )

    async def _order(self, alert_key: str) -> _Order:
        """The order an instruction stands on, at most `recheck_after_s` old. Raises NotFound, WrongRealm."""
        async with self._orders_lock:  # one reads, the others of the chunk use it
            known = self._orders.get(alert_key)
            if known is not None and monotonic_s() - known.read_s < self._recheck_after_s:
                return known
            read_s = monotonic_s()
            record = await self._alerts.get(alert_key)
            newest = await self._alerts.head(record.alert.alert_id)
            for one in (record, newest):
                if one.alert.realm_of is not self.realm:
                    raise WrongRealm(self.realm.value, one.alert.realm_of.value)
            planned = newest.alert.key == alert_key or await self._alerts.planned(newest.alert.key)
            if len(self._orders) >= _ORDERS_KEPT:
                self._orders.clear()
            order = self._orders[alert_key] = _Order(record, newest, planned, read_s)
            return order

    def again(self, one: Claimed, due_at: datetime, cause: str, *, tries: int, bytes_sent: int = 0) -> Result:
        """Back to the due schedule; never later than the advice is fresh, so that it expires in time."""
        return Result(
            member=one.member,
            seq=one.instruction.seq,
            stage=Stage.QUEUED,
            attempts=tries,
            bytes_sent=bytes_sent,
            cause=cause,
            due_at=min(due_at, max(one.instruction.stale_at, self._clock.now())),
        )

    def _raise_alarm(self, cause: str) -> None:
        log.error("delivery of the %s side: %s", self.realm.value, cause)
        self.alarm = (self._clock.now(), cause)


def _result(
    one: Claimed, stage: Stage, cause: str, *, tries: int | None = None, bytes_sent: int = 0
) -> Result:
    return Result(
        member=one.member,
        seq=one.instruction.seq,
        stage=stage,
        attempts=one.attempts if tries is None else tries,
        bytes_sent=bytes_sent,
        cause=cause,
    )


def _is_alive(outcome: PushOutcome) -> bool:
    return 0 < outcome.status < 500 or outcome.cause in _HOPELESS


def monotonic_s() -> float:
    """The event loop's clock, which only rises."""
    return asyncio.get_running_loop().time()
