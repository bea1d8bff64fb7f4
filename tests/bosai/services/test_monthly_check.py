"""The monthly check: on its day by day, over an hour, everybody once, never during an order, and what it finds."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.model.instruction import CHECK_INCIDENT, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.monthly_check import (
    BUCKETS,
    OPTED_OUT,
    MonthlyCheck,
    MonthlyRun,
    RunState,
    checks_report,
    meaning_of,
)
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.instructions import InstructionStore, member_of
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result
from tests.bosai.services.hq import HandClock, Hq
from tests.conftest import DRIVER
from tests.workers.street import TOLD_SEALER, fake_id, make_known

TOKYO = ZoneInfo("Asia/Tokyo")
THE_DAY = datetime(2026, 11, 11, 11, 0, tzinfo=TOKYO)
PEOPLE = [fake_id(n) for n in range(40)]
TICK = timedelta(seconds=30)


@pytest.fixture(scope="session")
def shipped() -> Settings:
    return load_settings(None, {}, {})


class Month:
    """One side whose clock is moved by hand, ticked as the scheduler ticks it."""

    def __init__(self, redis: Redis, shipped: Settings, at: datetime = THE_DAY) -> None:
        self.redis, self.clock, self.keys = redis, HandClock(at), Keys(Realm.LIVE)
        self.instructions = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
        self.settings = shipped
        self.check = self.scheduler()

    def scheduler(self) -> MonthlyCheck:
        """A scheduler, as started again after a crash."""
        return MonthlyCheck(self.redis, Realm.LIVE, self.clock, self.settings, self.instructions)

    async def tick(self, times: int = 1) -> None:
        for _ in range(times):
            await self.check.tick()
            self.clock.at += TICK

    async def until_done(self) -> int:
        """How many ticks it took."""
        name = self.clock.at.astimezone(TOKYO).strftime("%Y-%m")
        for ticks in range(BUCKETS + 1):
            if b'"state":"done"' in (await self.redis.hget(self.keys.checked, name) or b""):
                return ticks
            await self.tick()
        raise AssertionError("it never ended")

    async def run(self) -> MonthlyRun:
        found = await checks_report(self.redis, Realm.LIVE)
        return found[0] if found else MonthlyRun(month="", state=RunState.WAITING)

    async def asked(self) -> list[str]:
        """Who has a monthly check, sorted."""
        found = [await self.instructions.check_of(one) for one in PEOPLE]
        return sorted(one.subscription_id for one, _ in filter(None, found))

    async def settle(self, subscription_id: str, stage: Stage, cause: str = "") -> None:
        member = member_of(CHECK_INCIDENT, subscription_id)
        result = Result(member=member, seq=1, stage=stage, attempts=1, cause=cause)
        outbox = Outbox(self.redis, Realm.LIVE, "w", TOLD_SEALER)
        await outbox.record({bucket_of(subscription_id): [result]}, self.clock.now())


@pytest.fixture
async def month(redis: Redis, shipped: Settings) -> Month:
    await make_known(redis, *PEOPLE)
    return Month(redis, shipped)


async def test_on_its_day_everybody_is_asked_once_over_the_hour_and_nobody_at_once(month):
    await month.tick()
    assert 0 <= len(await month.asked()) < len(PEOPLE) / 4
    ticks = 1 + await month.until_done()
    assert timedelta(minutes=40) <= ticks * TICK <= timedelta(minutes=60)
    assert await month.asked() == sorted(PEOPLE)
    assert (await month.run()).written == len(PEOPLE)
    one, delivery = await month.instructions.check_of(PEOPLE[0])
    assert (one.message, one.action, one.meaning) == (
        MessageKind.MONTHLY_CHECK,
        None,
        meaning_of("2026-11"),
    )
    assert (delivery.stage, one.danger_class) == (Stage.QUEUED, 2)
    await month.tick(5)
    assert (await month.instructions.check_of(PEOPLE[0]))[0].seq == 1


@pytest.mark.parametrize("hour", [9, 16])
async def test_what_has_not_arrived_by_the_evening_never_arrives(month, shipped, hour):
    checks = msgspec.structs.replace(shipped.checks, monthly_hour=hour, spread_min=180)
    month.settings = msgspec.structs.replace(shipped, checks=checks)
    month.clock.at = THE_DAY.replace(hour=hour)
    month.check = month.scheduler()
    await month.until_done()
    for one in PEOPLE:
        sent, _ = await month.instructions.check_of(one)
        until = sent.stale_at.astimezone(TOKYO)
        assert until == THE_DAY.replace(hour=21)
        assert until - sent.decided_at >= timedelta(hours=1)


@pytest.mark.parametrize(
    "at",
    [
        THE_DAY - timedelta(seconds=1),
        THE_DAY - timedelta(days=1),
        THE_DAY + timedelta(hours=4),
        THE_DAY + timedelta(days=7),
        datetime(2026, 11, 11, 23, 0, tzinfo=TOKYO),
        datetime(2026, 11, 12, 3, 0, tzinfo=TOKYO),
    ],
)
async def test_before_the_day_at_night_and_after_the_week_nobody_hears_of_it(month, at):
    month.clock.at = at
    await month.tick()
    assert await month.asked() == []
    assert await checks_report(month.redis, Realm.LIVE) == []


async def test_it_can_be_switched_off(month, shipped):
    checks = msgspec.structs.replace(shipped.checks, monthly=False)
    month.settings = msgspec.structs.replace(shipped, checks=checks)
    month.check = month.scheduler()
    await month.tick(3)
    assert await month.asked() == []


async def test_while_an_order_is_in_force_it_waits_and_goes_on_where_it_was(month):
    await month.tick(30)
    before = await month.run()
    assert before.state is RunState.RUNNING
    hq = Hq(month.redis)
    record = await hq.issue()
    await month.tick(10)
    waiting = await month.run()
    assert (waiting.state, waiting.next_bucket) == (RunState.WAITING, before.next_bucket)
    await hq.lift(record.alert.alert_id)
    await month.until_done()
    assert await month.asked() == sorted(PEOPLE)


async def test_an_order_of_the_drill_side_holds_nobody_up(month):
    await Hq(month.redis, Realm.DRILL).issue()
    await month.until_done()
    assert await month.asked() == sorted(PEOPLE)


async def test_what_an_order_kept_from_its_day_comes_a_day_later_at_the_same_hour(month):
    hq = Hq(month.redis)
    record = await hq.issue()
    await month.tick(2)
    month.clock.at = THE_DAY + timedelta(hours=9)
    await hq.lift(record.alert.alert_id)
    await month.tick(2)
    assert await month.asked() == []  # in the evening nobody is asked
    month.clock.at = THE_DAY + timedelta(days=1)
    await month.until_done()
    assert await month.asked() == sorted(PEOPLE)


async def test_after_a_week_of_orders_the_month_is_given_up_and_said_aloud(month, caplog):
    await Hq(month.redis).issue()
    with caplog.at_level(logging.ERROR):
        for day in range(9):
            month.clock.at = THE_DAY + timedelta(days=day)
            await month.tick()
    assert (await month.run()).state is RunState.GIVEN_UP
    assert await month.asked() == []
    assert len([one for one in caplog.messages if "2026-11 was given up" in one]) == 1
    assert b'"ok":false' in await month.redis.hget(month.keys.health, "monthly_check")
    month.clock.at = THE_DAY + timedelta(days=25)  # a new month begins anew
    await month.tick()
    assert b'"ok":true' in await month.redis.hget(month.keys.health, "monthly_check")


async def test_two_schedulers_at_once_ask_everybody_once(month):
    other = month.scheduler()
    for _ in range(BUCKETS):
        await asyncio.gather(month.check.tick(), other.tick())
        month.clock.at += TICK
        if (await month.run()).state is RunState.DONE:
            break
    seqs = [(await month.instructions.check_of(one))[0].seq for one in PEOPLE]
    assert seqs == [1] * len(PEOPLE)


async def test_what_it_found_is_counted_by_stage_and_kept_when_the_next_month_comes(month):
    await month.until_done()
    stages = [
        *[(Stage.ACCEPTED, "")] * 3,
        *[(Stage.RETIRED, "410")] * 2,
        (Stage.FAILED, "413"),
        (Stage.EXPIRED, "timeout"),
        (Stage.REPLACED, OPTED_OUT),
    ]
    for one, (stage, cause) in zip(PEOPLE, stages, strict=False):
        await month.settle(one, stage, cause)
    found = (await month.run()).found
    assert (found.asked, found.accepted, found.displayed) == (len(PEOPLE) - 1, 3, 0)
    assert (found.retired, found.not_reached, found.opted_out) == (2, 2, 1)
    assert found.under_way == len(PEOPLE) - len(stages)

    month.clock.at += timedelta(hours=26)
    await month.tick()
    assert await month.asked() == []  # what it found is kept, its rows are not
    assert (await month.run()).found == found
    month.clock.at = THE_DAY.replace(month=12)
    await month.until_done()
    december, november = await checks_report(month.redis, Realm.LIVE)
    assert (december.month, november.month) == ("2026-12", "2026-11")
    assert november.found == found
    assert december.found.accepted == 0


@pytest.mark.parametrize("given_up", [False, True])
async def test_what_an_unfinished_check_found_is_kept_before_the_next_month_takes_its_place(month, given_up):
    await month.tick(30)
    asked = await month.asked()
    assert 0 < len(asked) < len(PEOPLE)
    await month.settle(asked[0], Stage.RETIRED, "410")
    if given_up:
        month.clock.at = THE_DAY + timedelta(days=8)
        await month.tick()
    month.clock.at = THE_DAY.replace(month=12, day=1, hour=0)
    await month.tick()
    month.clock.at = THE_DAY.replace(month=12)
    await month.until_done()
    _, november = await checks_report(month.redis, Realm.LIVE)
    assert november.state is (RunState.GIVEN_UP if given_up else RunState.RUNNING)
    assert (november.found.asked, november.found.retired) == (len(asked), 1)


class Killed(BaseException):
    """The scheduler's process ends at a write."""


class Dying:
    """A Redis whose client is killed at its n-th call."""

    def __init__(self, redis: Redis, calls: int) -> None:
        self._redis, self._left = redis, calls

    def __getattr__(self, name: str):
        found = getattr(self._redis, name)
        if name not in ("hset", "hkeys", "hget", "hvals"):
            return found

        async def call(*args, **given):
            self._left -= 1
            if self._left < 0:
                raise Killed
            return await found(*args, **given)

        return call


@pytest.fixture(scope="session")
def server_url(redis_server):
    """The server without the flush between tests: each example flushes for itself."""
    return redis_server.url


@settings(deadline=None, max_examples=12)
@given(calls=st.lists(st.integers(0, 400), min_size=1, max_size=4))
def test_killed_anywhere_it_goes_on_and_everybody_is_asked_exactly_once(server_url, shipped, calls):
    async def play() -> None:
        async with Redis.from_url(server_url, driver_info=DRIVER) as redis:
            await redis.flushdb()
            await make_known(redis, *PEOPLE)
            month = Month(redis, shipped)
            for deaths in calls:
                dying = Dying(redis, deaths)
                month.check = MonthlyCheck(dying, Realm.LIVE, month.clock, shipped, month.instructions)
                try:
                    await month.tick(20)
                except Killed:
                    month.clock.at += TICK
            month.check = month.scheduler()
            await month.until_done()
            assert await month.asked() == sorted(PEOPLE)
            seqs = [(await month.instructions.check_of(one))[0].seq for one in PEOPLE]
            assert seqs == [1] * len(PEOPLE)

    asyncio.run(play())
