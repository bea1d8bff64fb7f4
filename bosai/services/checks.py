"""A test that a resident asks for: does a message reach this device, now, and where does it stop if not?

tap ─▶ start ─▶ instruction of its own incident ─▶ outbox ─▶ delivery ─▶ push service ─▶ device ─▶ receipts
                                                                    status ◀── how far it has come ──┘
It stands on no order and is nobody's newest advice; otherwise it travels exactly as an order does.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, TooManyTries
from bosai.model.instruction import CHECK_ALERT_KEY, CHECK_INCIDENT, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.subscriptions import SubscriptionService
from bosai.stores.instructions import InstructionDraft, InstructionStore
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text

TEST_FRESH = timedelta(minutes=10)
TEST_EVERY_S = 20
LAST_CLASS = 2
"""Checks wait behind every order: the least endangered of the outbox streams."""
CHECK_PLAN = "check"
DELIVERY_SILENT = timedelta(seconds=60)


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test that was just asked for. `seq` is what the device will see arrive."""

    seq: int
    asked_at: datetime


class SelfTestStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the newest self-test has come. `at`: when it came there; `took_ms`: since it was asked for.

    "accepted" is the push service's word, not the device's. `delivery` says whether anybody sends at all.
    """

    seq: int
    stage: Stage
    cause: str
    attempts: int
    asked_at: datetime
    at: datetime
    took_ms: int
    delivery: Literal["running", "stopped"]


class _Health(msgspec.Struct, frozen=True):
    at: datetime


_health = msgspec.json.Decoder(_Health).decode


def check_draft(
    subscription_id: str,
    kind: MessageKind,
    *,
    at: datetime,
    fresh: timedelta,
    meaning: str,
) -> InstructionDraft:
    """One check for one subscriber. Equal `meaning` is written once."""
    return InstructionDraft(
        subscription_id=subscription_id,
        incident=CHECK_INCIDENT,
        place_id=None,
        message=kind,
        action=None,
        alert_key=CHECK_ALERT_KEY,
        danger_class=LAST_CLASS,
        plan_id=CHECK_PLAN,
        decided_at=at,
        stale_at=at + fresh,
        meaning=meaning,
    )


class SelfTestService:
    """Self-tests of one side. Holds nothing: what it knows is in the store."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        subscriptions: SubscriptionService,
        instructions: InstructionStore,
    ) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._subscriptions = subscriptions
        self._instructions = instructions
        self._keys = Keys(realm)

    async def start(self, subscription_id: str, secret: str) -> SelfTest:
        """Send one test message. Raises NotFound, WrongSecret, and TooManyTries within 20 s of the last one."""
        await self._subscriptions.authenticate(subscription_id, secret)
        await self._take_turn(subscription_id)
        at = self._clock.now()
        draft = check_draft(
            subscription_id,
            MessageKind.SELF_TEST,
            at=at,
            fresh=TEST_FRESH,
            meaning=f"self-{secrets.token_hex(8)}",
        )
        await self._instructions.emit_checks([draft], at)
        found = await self._instructions.check_of(subscription_id)
        if found is None or found[0].meaning != draft.meaning:  # it was deleted, or asked twice, in between
            raise NotFound("self_test", subscription_id)
        return SelfTest(seq=found[0].seq, asked_at=at)

    async def status(self, subscription_id: str, secret: str) -> SelfTestStatus:
        """How far the newest check has come: another `seq` than the asked one says that one came in between.

        Raises NotFound (also when there is none), WrongSecret.
        """
        await self._subscriptions.authenticate(subscription_id, secret)
        found = await self._instructions.check_of(subscription_id)
        if found is None:
            raise NotFound("self_test", subscription_id)
        instruction, delivery = found
        took = delivery.at - instruction.decided_at
        return SelfTestStatus(
            seq=instruction.seq,
            stage=delivery.stage,
            cause=delivery.cause,
            attempts=delivery.attempts,
            asked_at=instruction.decided_at,
            at=delivery.at,
            took_ms=max(0, round(took / timedelta(milliseconds=1))),
            delivery="running" if await self._is_delivering() else "stopped",
        )

    async def _take_turn(self, subscription_id: str) -> None:
        key = self._keys.self_tested(subscription_id)
        if await self._redis.set(key, "1", nx=True, ex=TEST_EVERY_S):
            return
        raise TooManyTries(max(1, int(await self._redis.ttl(key))))

    async def _is_delivering(self) -> bool:
        rows = await self._redis.hgetall(self._keys.health)
        said = (as_bytes(row) for part, row in rows.items() if as_text(part).partition(":")[0] == "delivery")
        return is_fresh(said, self._clock.now())


def is_fresh(rows: Iterable[bytes], now: datetime) -> bool:
    """Whether any of these health records was written within the last minute."""
    for row in rows:
        try:
            at = _health(row).at
        except msgspec.DecodeError:
            continue
        if now - at <= DELIVERY_SILENT:
            return True
    return False
