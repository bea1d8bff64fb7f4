"""Both checks through a real delivery worker to the bed's push service: who hears, who is spared, who is dead."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.checks import TEST_FRESH, check_draft
from bosai.services.monthly_check import BUCKETS, MonthlyCheck, RunState, checks_report
from bosai.services.receipts import ReceiptService
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.subscriptions import PushPart
from tests.bed.answers import GONE
from tests.workers.street import HMAC_KEY, Street, drain, open_street, store_of
from workers.delivery_open import PressedLetters, read_texts

THE_DAY = datetime(2026, 12, 11, 11, 0, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.fixture(scope="session")
def shipped() -> Settings:
    read_texts()
    return load_settings(None, {}, {})


async def in_quiet_times(street: Street) -> None:
    """No order in force, and the eleventh of the month."""
    await street.hq.lift(street.order.alert.alert_id)
    street.clock.at = THE_DAY


async def decline(street: Street, number: int) -> None:
    """This one does not want the monthly check."""
    one, subscription_id = street.subscribers[number], street.ids[number]
    store = store_of(street.redis)
    held = await store.held(subscription_id)
    assert held is not None
    old = store.open_push(subscription_id, held.push_sealed)
    part = PushPart(target=old.target, lang=old.lang, wants_checks=False)
    meta = msgspec.structs.replace(held.meta, seen_at=street.clock.now())
    assert await store.put(street.redis, subscription_id, expected=held.meta_raw, meta=meta, push=part)
    assert old.endpoint == one.endpoint


async def test_the_monthly_check_reaches_who_wants_it_silently_and_finds_the_dead(redis, shipped):
    async with open_street(redis, 4) as street:
        await in_quiet_times(street)
        await decline(street, 1)
        street.push.answer_next(1, GONE, to=street.subscribers[2])
        check = MonthlyCheck(redis, Realm.LIVE, street.clock, shipped, street.instructions)
        worker = street.worker(letters=PressedLetters(Realm.LIVE))
        for _ in range(BUCKETS):
            await check.tick()
            await drain(worker)
            street.clock.move(seconds=30)
            if (await checks_report(redis, Realm.LIVE))[0].state is RunState.DONE:
                break
        assert [len(one.inbox) for one in street.subscribers] == [1, 0, 0, 1]
        (sent,) = street.got(0)
        assert sent["notification"]["silent"] is True
        assert sent["notification"]["title"].startswith("【受信確認】")
        assert sent["bosai"]["kind"] == MessageKind.MONTHLY_CHECK
        (message,) = street.subscribers[0].inbox
        assert message.urgency != "high"
        assert 0 < (message.ttl_s or 0) <= 10 * 3600  # never into the night

        receipts = ReceiptService(redis, Realm.LIVE, street.clock, HMAC_KEY)
        assert await receipts.record(sent["bosai"]["r"], Stage.DISPLAYED)
        (run,) = await checks_report(redis, Realm.LIVE)
        assert run.found is not None
        assert (run.found.asked, run.found.accepted, run.found.displayed) == (3, 2, 1)
        assert (run.found.retired, run.found.opted_out, run.found.under_way) == (1, 1, 0)
        dead = street.ids[2]
        assert not await redis.hexists(Keys(Realm.LIVE).push(bucket_of(dead)), dead)


async def test_a_self_test_is_brought_also_to_who_declined_the_monthly_check(redis, shipped):
    async with open_street(redis, 1) as street:
        await in_quiet_times(street)
        await decline(street, 0)
        await ask(street)
        await drain(street.worker(letters=PressedLetters(Realm.LIVE)))
        (sent,) = street.got()
        assert sent["bosai"]["kind"] == MessageKind.SELF_TEST
        assert sent["notification"]["silent"] is False
        assert await reached(street) is Stage.ACCEPTED


async def test_a_self_test_is_sent_while_an_order_is_in_force_and_replaces_no_order(redis, shipped):
    async with open_street(redis, 1) as street:
        worker = street.worker(letters=PressedLetters(Realm.LIVE))
        await street.emit(town="")
        await ask(street)
        await drain(worker)
        order, test = sorted(street.got(), key=lambda one: one["bosai"]["incident"] == "check")
        assert order["notification"]["tag"] != test["notification"]["tag"]
        topics = {one.topic for one in street.subscribers[0].inbox}
        assert len(topics) == 2
        assert (await street.stage(street.ids[0])) is Stage.ACCEPTED


async def test_a_self_test_nobody_sent_in_its_ten_minutes_is_not_sent_any_more(redis, shipped):
    async with open_street(redis, 1) as street:
        await ask(street)
        street.clock.at += TEST_FRESH * 1.1
        await drain(street.worker(letters=PressedLetters(Realm.LIVE)))
        assert street.got() == []
        assert await reached(street) is Stage.EXPIRED


async def ask(street: Street) -> None:
    at = street.clock.now()
    one = check_draft(street.ids[0], MessageKind.SELF_TEST, at=at, fresh=TEST_FRESH, meaning="self-1")
    await street.instructions.emit_checks([one], at)


async def reached(street: Street) -> Stage:
    found = await street.instructions.check_of(street.ids[0])
    assert found is not None
    return found[1].stage
