"""Claimed deliveries into parcels, and what came of the parcels into results. Speaks to no network and no store.

open the push part ─▶ order stands? fresh? push service up? ─▶ letter ─▶ encrypt (prekey) ─▶ Parcel
PushOutcome ─▶ accepted · later · retired · failed ─▶ Result        413 ─▶ the shorter letter, once
"""

import logging
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bosai.errors import SealBroken, WrongRealm
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Instruction, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.ports import Clock, Parcel, Permit, PushOutcome
from bosai.push.encryption import SALT_BYTES, OneTimePair, encrypt, make_pair
from bosai.push.part import PushPart
from bosai.push.payload_limits import fits
from bosai.push.prekeys import open_pair
from bosai.push.sealing import Sealer
from bosai.push.topics import topic_of
from bosai.push.vapid import VapidSigner
from bosai.services.receipts import TokenMaker
from bosai.stores.outbox import Claimed, Result
from bosai.stores.subscriptions import SubscriptionStore
from workers.chunks import Chunk, Load
from workers.delivery_rules import (
    BAD_KEYS,
    ENDINGS,
    HOLD_FOR,
    TOO_LARGE,
    Backoff,
    Drop,
    Go,
    Hold,
    heard,
    is_untried,
    settle,
    standing,
    urgency_of,
)
from workers.orders import CHANGED, Missing, OrderBook

log = logging.getLogger(__name__)

_SAME_KEPT = 256
_SHORTER = "http_413"
_ORIGINS_KEPT = 1_000
_SAID_EVERY = timedelta(minutes=1)
REFUSED_PEOPLE = 3
"""So many different people refused in a row are a fault of ours."""


class Letters(Protocol):
    """The words of messages (`bosai.messages.letters.Letters`)."""

    def letter(
        self,
        instruction: Instruction,
        record: AlertRecord | None,
        lang: str,
        *,
        now: datetime,
        receipt_token: str,
        tag: str,
        short: bool = False,
    ) -> bytes:
        """The plaintext in one language; record None for a check."""


class RestOf(Protocol):
    """What the courier asks a transport."""

    def rest_s(self, origin: str) -> float:
        """Seconds this push service is to be left alone yet; 0 = send."""


@dataclass(slots=True)
class _Moment:
    """What is the same for everything prepared at once."""

    now: datetime
    machine_s: float
    salts: Iterator[bytes]
    records: dict[tuple[str, MessageKind], AlertRecord] = field(default_factory=dict)
    headers: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)


class Courier:
    """Carries deliveries of one side. `clock` is the service's; VAPID tokens live by the machine's, `machine`."""

    def __init__(
        self,
        realm: Realm,
        clock: Clock,
        *,
        machine: Clock,
        subscriptions: SubscriptionStore,
        orders: OrderBook,
        letters: Letters,
        vapid: VapidSigner,
        push_sealer: Sealer,
        hmac_key: bytes,
        rng: random.Random,
        backoff: Backoff,
    ) -> None:
        if subscriptions.realm is not realm:
            raise WrongRealm(realm.value, subscriptions.realm.value)
        self.realm = realm
        self.alarm: tuple[datetime, str] | None = None  # the last fault of ours, for the health record
        self._clock = clock
        self._machine = machine
        self._subscriptions = subscriptions
        self._orders = orders
        self._letters = letters
        self._vapid = vapid
        self._push_sealer = push_sealer
        self._tokens = TokenMaker(hmac_key, realm)
        self._hmac_key = hmac_key
        self._rng = rng
        self._backoff = backoff
        self._topics: dict[str, str] = {}
        self._said: dict[str, datetime] = {}  # cause → when it was logged last
        self._refused: dict[
            str, set[str]
        ] = {}  # origin → whom it refused for a fault of ours, since it took one
        self._same: dict[tuple[str, ...], tuple[str, ...]] = {}  # headers by content

    # ---- out ---------------------------------------------------------------------------------------

    def prepare(self, chunk: Chunk, some: Sequence[Claimed], rests: RestOf) -> list[Parcel]:
        """Parcels for those who are to be sent to now; the others are settled in the chunk.

        Their orders must have been learnt. Never raises for what records or texts can be.
        """
        moment, parcels = self._moment(len(some)), []
        for one in some:
            made = self._parcel(chunk, one, rests, moment)
            if isinstance(made, Parcel):
                chunk.posted.add(one.member)
                parcels.append(made)
            else:
                chunk.settle(one, made)
        return parcels

    def _moment(self, many: int) -> _Moment:
        salts = os.urandom(SALT_BYTES * many)
        return _Moment(
            self._clock.now(),
            self._machine.now().timestamp(),
            (salts[at : at + SALT_BYTES] for at in range(0, len(salts), SALT_BYTES)),
        )

    def _parcel(self, chunk: Chunk, one: Claimed, rests: RestOf, moment: _Moment) -> Parcel | Result:
        instruction = one.instruction
        if not one.push_sealed:
            return _result(one, Stage.RETIRED, "no_subscription")
        try:
            part = self._subscriptions.open_push(instruction.subscription_id, one.push_sealed)
        except (SealBroken, ValueError):
            self._raise_alarm("seal_broken")
            return _result(one, Stage.FAILED, "seal_broken")
        now = moment.now
        if now >= instruction.stale_at:
            return _result(one, Stage.EXPIRED, one.cause or "stale")
        known = (instruction.alert_key, instruction.message)
        record = moment.records.get(known)
        if record is None:  # the first of this order in this chunk, or a check
            found = self._record_of(one, part, now)
            if isinstance(found, Result):
                return found
            if found is not None:
                moment.records[known] = found
            record = found
        rest_s = rests.rest_s(part.origin)
        if rest_s > 0:  # asked before anything dear is done; spread, as many wait for the same service
            wait = timedelta(seconds=rest_s * self._rng.uniform(1.0, 2.0))
            return self.again(one, now + wait, "push_service_down", tries=one.attempts)
        return self._packed(Load(chunk, one, part, record, short=one.cause == _SHORTER), moment)

    def _record_of(self, one: Claimed, part: PushPart, now: datetime) -> AlertRecord | Result | None:
        """The version to word the message by (None for a check), or why it is not sent now."""
        instruction = one.instruction
        if instruction.message.is_check:
            if instruction.message is not MessageKind.MONTHLY_CHECK:
                return None
            if self._orders.any_directs:  # it says that nothing is asked of anybody
                return _result(one, Stage.REPLACED, "order_in_force")
            return None if part.wants_checks else _result(one, Stage.REPLACED, "opted_out")
        order = self._orders.of(instruction.alert_key)
        if isinstance(order, Missing):
            self._raise_alarm(order.cause)
            if order.cause == "wrong_realm":
                return _result(one, Stage.FAILED, order.cause)
            wait = timedelta(seconds=self._backoff.wait_s(one.attempts + 1, self._rng))
            return self.again(one, now + wait, order.cause, tries=one.attempts + 1)
        match standing(instruction, order.record, order.newest, order.newest_planned, now):
            case Go(record):
                return record
            case Hold():
                return self.again(one, now + HOLD_FOR, "new_version", tries=one.attempts)
            case Drop(cause):
                return _result(one, Stage.REPLACED, cause)

    def _packed(self, load: Load, moment: _Moment) -> Parcel | Result:
        """The parcel, or why there is none."""
        one, part = load.claimed, load.part
        instruction = one.instruction
        topic = self._topic(instruction.incident)
        headers = self._headers_of(load, topic, moment)
        if headers is None:
            return _result(one, Stage.EXPIRED, one.cause or "stale")
        plaintext = self._letter(load, topic, moment.now)
        if plaintext is None:
            return _result(one, Stage.FAILED, "not_rendered")
        if not fits(plaintext):
            self._raise_alarm("too_large")
            return _result(one, Stage.FAILED, "too_large")
        try:
            body = encrypt(plaintext, self._pair(load), next(moment.salts))
        except ValueError:
            return _result(one, Stage.FAILED, BAD_KEYS)
        return Parcel(part.endpoint, part.origin, headers, body, self._permit(load), load)

    def _letter(self, load: Load, topic: str, now: datetime) -> bytes | None:
        """The text as it stands now, the shorter one where the whole does not fit; None, and an alarm, when it can
        not be made."""
        instruction = load.claimed.instruction
        spoken, text = instruction, b""
        if instruction.message is MessageKind.STILL_IN_FORCE:  # under the tag and token of what it repeats
            spoken = instruction.repeated()
            topic = self._topic(spoken.incident)
        token = self._tokens.token(spoken.subscription_id, spoken.incident, spoken.seq)
        try:
            for short in (False, True)[load.short :]:
                text = self._letters.letter(
                    instruction,
                    load.record,
                    load.part.lang,
                    now=now,
                    receipt_token=token,
                    tag=topic,
                    short=short,
                )
                load.short = short
                if fits(text):
                    break
        except Exception:  # one text that can not be made must not stop everybody else's
            log.exception("no text for %s in %s", instruction.alert_key, load.part.lang)
            self._raise_alarm("not_rendered")
            return None
        return text

    def _pair(self, load: Load) -> OneTimePair:
        """The pair taken with the claim, for the first text only; else a new one. Raises ValueError: bad keys."""
        one, part = load.claimed, load.part
        if one.pair_sealed and not load.is_pair_spent:
            load.is_pair_spent = True
            try:
                return open_pair(
                    self._push_sealer,
                    self.realm,
                    one.instruction.subscription_id,
                    part.fingerprint,
                    one.pair_sealed,
                )
            except SealBroken:
                log.debug("a prekey did not open: made on the spot")
        return make_pair(part.p256dh, part.auth)

    def _permit(self, load: Load) -> Permit:
        """Whoever was told of an order hears of its end, whatever comes later: endings have a permit of their own."""
        chunk, instruction = load.chunk, load.claimed.instruction
        stands_alone = load.record is None or instruction.message in ENDINGS
        key = "" if stands_alone else instruction.alert_key
        permit = chunk.permits.get(key)
        if permit is None:
            permit = chunk.permits[key] = Permit() if stands_alone else self._orders.permit(key)
        return permit

    def _topic(self, incident: str) -> str:
        """Reminders have one of their own: at the push service a reminder must never replace what is not yet delivered
        of the order itself."""
        topic = self._topics.get(incident)
        if topic is None:
            if len(self._topics) > 100:
                self._topics.clear()
            topic = self._topics[incident] = topic_of(self._hmac_key, self.realm, incident)
        return topic

    def _headers_of(self, load: Load, topic: str, moment: _Moment) -> tuple[str, ...] | None:
        """The same tuple for everybody who gets the same: the transport then sets it once. None: it is stale."""
        instruction, origin = load.claimed.instruction, load.part.origin
        key = (origin, topic, instruction.stale_at, instruction.message, id(load.record))
        headers = moment.headers.get(key)
        if headers is None:
            ttl_s = int((instruction.stale_at - moment.now).total_seconds())
            if ttl_s < 1:
                return None
            headers = (
                f"Authorization: {self._vapid.authorization(origin, moment.machine_s)}",
                "Content-Encoding: aes128gcm",
                "Content-Type: application/octet-stream",
                f"TTL: {ttl_s}",
                f"Urgency: {_urgency(load)}",
                f"Topic: {topic}",
            )
            headers = moment.headers[key] = self._same.setdefault(headers, headers)
            if len(self._same) > _SAME_KEPT:
                self._same.clear()
        return headers

    # ---- back --------------------------------------------------------------------------------------

    def judge(self, chunk: Chunk) -> list[Parcel]:
        """Settle what came back; returns the parcels of those who are tried again at once, with the shorter text."""
        again = []
        for load, outcome in chunk.take_outcomes():
            one = load.claimed
            if outcome.status == 201:  # the usual way, kept short
                if self._refused:
                    self._refused.pop(load.part.origin, None)
                sent = outcome.bytes_sent + load.bytes_before
                chunk.settle(
                    one, _result(one, Stage.ACCEPTED, "", tries=one.attempts + 1, sent=sent, heard=2)
                )
            elif outcome.status == TOO_LARGE and not load.short:
                load.short, load.bytes_before = True, load.bytes_before + outcome.bytes_sent
                made = self._packed(load, self._moment(1))
                if isinstance(made, Parcel):
                    chunk.posted.add(one.member)
                    again.append(made)
                else:
                    chunk.settle(one, made)
            else:
                chunk.settle(one, self._judged(load, outcome))
        return again

    def _judged(self, load: Load, outcome: PushOutcome) -> Result:
        one, now = load.claimed, self._clock.now()
        sent = outcome.bytes_sent + load.bytes_before
        if is_untried(outcome):
            wait_s = (outcome.retry_after_s or 1.0) * self._rng.uniform(1.0, 2.0)
            wait = timedelta(0) if outcome.cause == CHANGED else timedelta(seconds=wait_s)
            # Whoever was about to get the shorter text gets it the next time too.
            cause = _SHORTER if load.bytes_before else outcome.cause
            return self.again(one, now + wait, cause, tries=one.attempts, sent=sent)
        tries = one.attempts + 1
        settled = settle(outcome, tries, self._backoff, self._rng)
        if settled.our_fault and (outcome.status == TOO_LARGE or self._is_ours(load)):
            self._raise_alarm(f"{settled.cause} from {load.part.origin}")
        if settled.stage is Stage.RETIRED:
            load.chunk.gone[one.instruction.subscription_id] = one.push_sealed
        if settled.wait_s is not None:
            due_at = now + timedelta(seconds=settled.wait_s)
            return self.again(one, due_at, settled.cause, tries=tries, sent=sent, heard=heard(outcome))
        return _result(one, settled.stage, settled.cause, tries=tries, sent=sent, heard=heard(outcome))

    def _is_ours(self, load: Load) -> bool:
        """A push service that refuses several people in a row, and takes nothing, refuses us; one person may have
        registered keys that never were ours."""
        origin = load.part.origin
        if len(self._refused) > _ORIGINS_KEPT:
            self._refused.clear()
        people = self._refused.setdefault(origin, set())
        if len(people) < REFUSED_PEOPLE:
            people.add(load.claimed.instruction.subscription_id)
        return len(people) >= REFUSED_PEOPLE

    def again(
        self, one: Claimed, due_at: datetime, cause: str, *, tries: int, sent: int = 0, heard: int = 0
    ) -> Result:
        """Back to the due schedule; never later than the advice is fresh, so that it expires in time."""
        if tries == one.attempts and one.cause == _SHORTER:
            cause = _SHORTER  # held back on our side before it was sent: the next try still knows what fits
        due_at = min(due_at, max(one.instruction.stale_at, self._clock.now()))
        return Result(
            one.member, one.instruction.seq, Stage.QUEUED, tries, sent, due_at.timestamp(), cause, heard
        )

    def _raise_alarm(self, cause: str) -> None:
        now = self._clock.now()
        self.alarm = (now, cause)
        said_at = self._said.get(cause)
        if said_at is None or abs(now - said_at) > _SAID_EVERY:
            if len(self._said) > _ORIGINS_KEPT:
                self._said.clear()
            self._said[cause] = now
            log.error("delivery of the %s side: %s", self.realm.value, cause)


def _urgency(load: Load) -> str:
    if load.claimed.instruction.message is MessageKind.STILL_IN_FORCE:
        return "low"
    if load.record is not None:
        return urgency_of(load.record)
    return "high" if load.claimed.instruction.message is MessageKind.SELF_TEST else "low"


def _result(
    one: Claimed, stage: Stage, cause: str, *, tries: int | None = None, sent: int = 0, heard: int = 0
) -> Result:
    tried = one.attempts if tries is None else tries
    return Result(one.member, one.instruction.seq, stage, tried, sent, 0.0, cause, heard)
