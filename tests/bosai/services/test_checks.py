"""A resident's self-test: it travels as an order does, is nobody's advice, and says where it stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from bosai.errors import NotFound, TooManyTries, WrongSecret
from bosai.model.instruction import CHECK_INCIDENT, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.model.subscription import PushTarget
from bosai.push.hosts import HostPolicy
from bosai.services.checks import TEST_EVERY_S, TEST_FRESH, SelfTestService, check_draft
from bosai.services.receipts import ReceiptService
from bosai.services.subscriptions import Registered, SubscriptionService
from bosai.stores.instructions import InstructionStore, member_of
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Pointer, Result
from tests.bosai.services.hq import HandClock
from tests.bosai.web.running import keys
from tests.workers.street import HMAC_KEY, HOME, PLACES_SEALER, PUSH_SEALER, TOLD_SEALER, draft

HOST = "updates.push.services.mozilla.com"


class Side:
    """One side with one subscriber, whose clock stands until it is moved."""

    def __init__(self, redis: Redis, realm: Realm = Realm.LIVE) -> None:
        self.redis, self.realm, self.clock, self.keys = redis, realm, HandClock(), Keys(realm)
        self.instructions = InstructionStore(redis, realm, TOLD_SEALER)
        self.receipts = ReceiptService(redis, realm, self.clock, HMAC_KEY)
        self.subscriptions = SubscriptionService(
            redis,
            realm,
            self.clock,
            push_sealer=PUSH_SEALER,
            places_sealer=PLACES_SEALER,
            hmac_key=HMAC_KEY,
            hosts=HostPolicy((HOST,), ()),
            bbox_lonlat=(140.45, 38.05, 141.15, 38.50),
        )
        self.tests = SelfTestService(redis, realm, self.clock, self.subscriptions, self.instructions)

    async def subscriber(self, token: str = "one") -> Registered:
        known = PushTarget(endpoint=f"https://{HOST}/wpush/v2/{token}", **keys())
        return await self.subscriptions.register(known, "ja", (HOME,))

    async def take_up(self, known: Registered) -> None:
        """Claim what waits, as a delivery worker does."""
        member = member_of(CHECK_INCIDENT, known.subscription_id)
        pointer = Pointer(groups=((bucket_of(known.subscription_id), ((member, 0),)),))
        outbox = Outbox(self.redis, self.realm, "w", TOLD_SEALER)
        assert (
            len(await outbox.claim(pointer, self.clock.now(), self.clock.now() + timedelta(seconds=30))) == 1
        )

    async def settle(self, known: Registered, seq: int, stage: Stage, cause: str = "") -> None:
        """Write down what became of a try."""
        member = member_of(CHECK_INCIDENT, known.subscription_id)
        result = Result(member=member, seq=seq, stage=stage, attempts=1, cause=cause)
        outbox = Outbox(self.redis, self.realm, "w", TOLD_SEALER)
        await outbox.record({bucket_of(known.subscription_id): [result]}, self.clock.now())

    async def forget_the_turn(self, known: Registered) -> None:
        await self.redis.delete(self.keys.self_tested(known.subscription_id))


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


@pytest.mark.parametrize("realm", list(Realm))
async def test_a_self_test_waits_in_the_outbox_behind_every_order_and_is_nobody_s_advice(redis, realm):
    side = Side(redis, realm)
    known = await side.subscriber()
    test = await side.tests.start(known.subscription_id, known.secret)
    stored, delivery = await side.instructions.check_of(known.subscription_id)
    assert (test.seq, test.asked_at) == (stored.seq, side.clock.now())
    assert (stored.message, stored.action, stored.danger_class) == (MessageKind.SELF_TEST, None, 2)
    assert stored.stale_at == side.clock.now() + TEST_FRESH
    assert delivery.stage is Stage.QUEUED
    assert [await redis.xlen(side.keys.outbox(n)) for n in range(3)] == [0, 0, 1]
    assert await side.instructions.latest(known.subscription_id) is None


async def test_an_order_stays_the_newest_advice_whatever_is_tested_after_it(side):
    known = await side.subscriber()
    await side.instructions.emit(1, [draft(known.subscription_id)], side.clock.now())
    side.clock.move(minutes=5)
    await side.tests.start(known.subscription_id, known.secret)
    latest, _ = await side.instructions.latest(known.subscription_id)
    assert latest.message is MessageKind.ORDER


async def test_the_status_follows_the_message_from_the_queue_to_the_device(side):
    known = await side.subscriber()
    who = (known.subscription_id, known.secret)
    test = await side.tests.start(*who)
    assert (await side.tests.status(*who)).stage is Stage.QUEUED
    await side.take_up(known)
    side.clock.move(milliseconds=300)
    await side.settle(known, test.seq, Stage.ACCEPTED)
    status = await side.tests.status(*who)
    assert (status.stage, status.seq, status.took_ms) == (Stage.ACCEPTED, test.seq, 300)
    side.clock.move(milliseconds=900)
    stored, _ = await side.instructions.check_of(known.subscription_id)
    assert await side.receipts.record(side.receipts.token_for(stored), Stage.DISPLAYED)
    status = await side.tests.status(*who)
    assert (status.stage, status.took_ms) == (Stage.DISPLAYED, 1200)


async def test_what_the_push_service_refused_is_told_with_its_cause(side):
    known = await side.subscriber()
    test = await side.tests.start(known.subscription_id, known.secret)
    await side.take_up(known)
    await side.settle(known, test.seq, Stage.FAILED, "413 too large")
    status = await side.tests.status(known.subscription_id, known.secret)
    assert (status.stage, status.cause) == (Stage.FAILED, "413 too large")


async def test_a_second_test_within_twenty_seconds_is_refused_with_the_time_to_wait(side):
    known, other = await side.subscriber(), await side.subscriber("two")
    await side.tests.start(known.subscription_id, known.secret)
    with pytest.raises(TooManyTries) as caught:
        await side.tests.start(known.subscription_id, known.secret)
    assert 1 <= caught.value.retry_after_s <= TEST_EVERY_S
    await side.tests.start(other.subscription_id, other.secret)


async def test_of_many_taps_at_once_one_sends(side):
    known = await side.subscriber()
    taps = [side.tests.start(known.subscription_id, known.secret) for _ in range(10)]
    answers = await asyncio.gather(*taps, return_exceptions=True)
    assert sum(not isinstance(one, TooManyTries) for one in answers) == 1
    assert await side.redis.xlen(side.keys.outbox(2)) == 1


async def test_every_test_has_a_seq_of_its_own(side):
    known = await side.subscriber()
    first = await side.tests.start(known.subscription_id, known.secret)
    await side.forget_the_turn(known)
    second = await side.tests.start(known.subscription_id, known.secret)
    assert second.seq == first.seq + 1


async def test_a_monthly_check_in_between_is_not_taken_for_a_lost_registration(side):
    known = await side.subscriber()
    test = await side.tests.start(known.subscription_id, known.secret)
    at = side.clock.now()
    monthly = check_draft(
        known.subscription_id, MessageKind.MONTHLY_CHECK, at=at, fresh=TEST_FRESH, meaning="monthly-2026-11"
    )
    await side.instructions.emit_checks([monthly], at)
    assert (await side.tests.status(known.subscription_id, known.secret)).seq > test.seq


async def test_only_the_owner_tests_and_reads(side):
    known = await side.subscriber()
    with pytest.raises(NotFound):
        await side.tests.status(known.subscription_id, known.secret)  # nothing was asked for
    for ask in (side.tests.start, side.tests.status):
        with pytest.raises(WrongSecret):
            await ask(known.subscription_id, "another")
        with pytest.raises(NotFound):
            await ask("0" * 32, known.secret)
    assert await side.instructions.check_of(known.subscription_id) is None


@pytest.mark.parametrize(
    ("part", "age_s", "says"),
    [
        ("delivery", 5, "running"),
        ("delivery:host-1", 59, "running"),
        ("delivery:host-1", 61, "stopped"),
        ("deliveries", 5, "stopped"),
        ("planner", 5, "stopped"),
    ],
)
async def test_the_status_says_whether_anybody_sends(side, part, age_s, says):
    known = await side.subscriber()
    await side.tests.start(known.subscription_id, known.secret)
    note = {"at": side.clock.now() - timedelta(seconds=age_s), "ok": True, "detail": ""}
    await side.redis.hset(side.keys.health, part, msgspec.json.encode(note))
    await side.redis.hset(side.keys.health, "delivery:broken", b"no json")
    assert (await side.tests.status(known.subscription_id, known.secret)).delivery == says
