"""The quiet reminder through a real delivery worker to the bed's push service: it never stands in the order's way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bosai.model.instruction import REMINDERS, Answer, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import ReceiptService
from bosai.stores.keys import Keys, bucket_of
from tests.workers.street import HMAC_KEY, INCIDENT, NOW, Street, draft, drain, open_street
from workers.delivery_open import PressedLetters, read_texts


@pytest.fixture(scope="session", autouse=True)
def texts_are_read() -> None:
    read_texts()


async def order_then_reminder(street: Street, worker) -> None:
    """Everybody has the order, and an hour and a half later its reminder."""
    await street.emit()
    await drain(worker)
    street.clock.move(minutes=90)
    now = street.clock.now()
    reminders = [
        draft(
            one,
            incident=f"{REMINDERS}{INCIDENT}",
            message=MessageKind.STILL_IN_FORCE,
            alert_key=street.order.alert.key,
            danger_class=2,
            decided_at=now,
            stale_at=now + timedelta(minutes=45),
            meaning="1.500000",
            repeats_seq=1,
            since=NOW,
        )
        for one in street.ids
    ]
    report = await street.instructions.remind(1, reminders, now)
    assert report.written == len(street.ids)
    assert (await street.instructions.remind(1, reminders, now)).written == 0
    await drain(worker)


@pytest.mark.parametrize("realm", Realm)
async def test_a_reminder_is_silent_under_the_orders_tag_with_a_topic_of_its_own(redis, realm):
    async with open_street(redis, 1, realm=realm) as street:
        await order_then_reminder(street, street.worker(letters=PressedLetters(realm)))
        order, reminder = street.subscribers[0].inbox
        assert reminder.topic != order.topic, "it must never replace an order that waits at the push service"
        assert (reminder.urgency, order.urgency) == ("low", "high")
        assert 0 < (reminder.ttl_s or 0) <= 45 * 60
        first, second = street.got()
        assert second["notification"]["tag"] == first["notification"]["tag"]
        assert second["notification"]["silent"] and not second["notification"]["renotify"]
        assert (second["bosai"]["seq"], second["bosai"]["incident"]) == (1, INCIDENT)
        assert second["bosai"]["r"] == first["bosai"]["r"]


async def test_an_answer_to_a_reminder_counts_for_the_order_it_repeats(redis):
    async with open_street(redis, 1) as street:
        await order_then_reminder(street, street.worker(letters=PressedLetters(Realm.LIVE)))
        receipts = ReceiptService(redis, Realm.LIVE, street.clock, HMAC_KEY)
        assert await receipts.record(street.got()[1]["bosai"]["r"], Answer.ARRIVED)
        delivery = await street.delivery(street.ids[0])
        assert (delivery.seq, delivery.stage) == (1, Stage.ARRIVED)


async def test_a_reminder_of_an_order_lifted_meanwhile_is_not_sent(redis):
    async with open_street(redis, 1) as street:
        worker = street.worker(letters=PressedLetters(Realm.LIVE))
        await street.emit()
        await drain(worker)
        await street.hq.lift(street.order.alert.alert_id)
        street.clock.move(minutes=90)
        one, now = street.ids[0], street.clock.now()
        late = draft(
            one,
            incident=f"{REMINDERS}{INCIDENT}",
            message=MessageKind.STILL_IN_FORCE,
            alert_key=street.order.alert.key,
            stale_at=now + timedelta(minutes=45),
            meaning="1.500000",
            repeats_seq=1,
        )
        assert (await street.instructions.remind(1, [late], now)).written == 1
        await drain(worker)
        assert len(street.subscribers[0].inbox) == 1
        line = await redis.hget(Keys(Realm.LIVE).deliveries(bucket_of(one)), f"{REMINDERS}{INCIDENT}/{one}")
        assert line.split()[1] == b"replaced"


async def test_a_draft_that_is_no_reminder_is_refused_as_one(redis):
    async with open_street(redis, 1) as street:
        with pytest.raises(ValueError, match="no reminder"):
            await street.instructions.remind(1, [draft(street.ids[0])], NOW)
