"""Only those whose answer changed hear of it: real stores, a stepped planner, people who answer."""

import msgspec
import pytest

from bosai.model.alert import OrderKind
from bosai.model.instruction import REMINDERS, Answer, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.hand import HandService
from bosai.services.receipts import ReceiptService, receipt_token
from bosai.settings import load_settings
from bosai.stores.hand import HandKind
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.lease import Lease
from bosai.stores.outbox import Outbox, Result, by_bucket
from bosai.stores.site_failures import SiteFailures
from geodata.hazards import HazardKind
from shelters.model import Action, Opening, ReasonCode
from tests.workers.plain import SLOW, SMALLER, Plain, flood, place
from tests.workers.street import HMAC_KEY, TOLD_SEALER
from workers.planner import LEASE_NAME

NEAR_B1 = place(lon=140.9795, lat=38.2150)
HOUR_S = 3600


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def answer(plain: Plain, subscription_id: str, said: Answer) -> None:
    told = await plain.told(subscription_id)
    token = receipt_token(HMAC_KEY, plain.realm, subscription_id, told.incident, told.seq)
    receipts = ReceiptService(plain.redis, plain.realm, plain.clock, HMAC_KEY)
    assert await receipts.record(token, said)


async def reminders_of(plain: Plain, subscription_id: str):
    """The newest reminder somebody got: (its own number, stage), None = none yet."""
    told = await plain.told(subscription_id)
    member = f"{REMINDERS}{told.incident}/{subscription_id}"
    line = await plain.redis.hget(Keys(plain.realm).deliveries(bucket_of(subscription_id)), member)
    return None if line is None else (int(line.split()[0]), Stage(line.split()[1].decode()))


async def planned_anew(worker) -> None:
    """A plan now, whether or not anything is new."""
    worker._seen = None
    assert await worker.step()


async def remind(worker) -> None:
    """A plan on what stands, then, as nothing is new, a look at who is to be reminded."""
    await planned_anew(worker)
    assert not await worker.step()


async def test_a_hall_that_fills_sends_exactly_the_displaced_elsewhere_and_once(plain):
    goes, far = await plain.settle(1), await plain.settle(2, place(lon=140.90))
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.close("B1", present_persons=60)
    await worker.step()
    told = await plain.told(goes)
    assert (told.message, told.destination.site_id, told.seq) == (MessageKind.REDIRECT, "A1", 2)
    assert told.full_site == "荒井会館"
    assert await plain.told(far) is None
    for persons in (61, 39, 20, 60):
        plain.clock.move(minutes=1)
        await plain.close("B1", present_persons=persons)
        await worker.step()
    assert (await plain.told(goes)).seq == 2


async def test_a_better_answer_waits_until_the_last_message_is_ten_minutes_old(plain):
    one = await plain.settle(1, place(**SLOW))
    record = await plain.hq.issue(flood(kind=OrderKind.EVACUATE))
    worker = await plain.leader()
    await worker.step()
    assert (await plain.told(one)).seq == 1
    plain.clock.move(minutes=2)
    lower = await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.ELDERLY_ETC))
    await worker.step()
    assert (await plain.told(one)).seq == 1, (
        "a lesser danger is no reason for a second message in ten minutes"
    )
    assert await plain.hq.store.planned(lower.alert.key)
    plain.clock.move(minutes=7, seconds=59)
    assert not await worker.step()
    plain.clock.move(seconds=2)
    assert await worker.step()
    told = await plain.told(one)
    assert (told.seq, told.alert_key) == (2, lower.alert.key)


async def test_a_greater_danger_does_not_wait(plain):
    one = await plain.settle(1, place(**SLOW))
    record = await plain.hq.issue(flood(kind=OrderKind.ELDERLY_ETC))
    worker = await plain.leader()
    await worker.step()
    plain.clock.move(seconds=30)
    await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.EMERGENCY_SAFETY))
    await worker.step()
    told = await plain.told(one)
    assert (told.seq, told.action) == (2, Action.UP)


async def test_who_hears_nothing_of_a_new_version_stands_on_it_and_counts_there(plain):
    ids = [await plain.settle(n) for n in range(1, 6)]
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    newer = await plain.hq.update(record.alert.alert_id, flood(reason="続報"))
    await worker.step()
    for one in ids:
        told = await plain.told(one)
        assert (told.seq, told.alert_key) == (1, newer.alert.key)
        assert (await plain.travel(one)).stage is Stage.ACCEPTED
    assert await plain.instructions.tally(told.incident) == {**dict.fromkeys(Stage, 0), Stage.ACCEPTED: 5}


async def test_who_answered_staying_hears_only_of_a_greater_danger_or_the_end(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await answer(plain, one, Answer.STAYING)
    await plain.close("B1", opening=Opening.UNUSABLE)
    plain.clock.move(minutes=20)
    await planned_anew(worker)
    assert (await plain.told(one)).seq == 1
    await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.EMERGENCY_SAFETY))
    await worker.step()
    assert (await plain.told(one)).seq == 2
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    assert (await plain.told(one)).message is MessageKind.LIFTED


async def test_who_has_arrived_hears_of_another_site_only_when_his_fails(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=40)
    await answer(plain, one, Answer.ARRIVED)
    await plain.close("B1", present_persons=90)
    await planned_anew(worker)
    assert (await plain.told(one)).seq == 1
    await plain.close("B1", opening=Opening.UNUSABLE)
    await planned_anew(worker)
    told = await plain.told(one)
    assert (told.seq, told.message, told.destination.site_id) == (2, MessageKind.REDIRECT, "A1")


async def test_an_answer_is_known_to_the_next_plan_though_nothing_else_is_read_again(plain):
    going, staying = await plain.settle(1), await plain.settle(2)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    keys = Keys(Realm.LIVE)
    assert await plain.redis.hget(keys.on_the_way, "B1") == b"4"
    await answer(plain, staying, Answer.STAYING)
    await planned_anew(worker)
    assert await plain.redis.hget(keys.on_the_way, "B1") == b"2"
    assert (await plain.told(going)).seq == 1


async def test_what_was_lost_on_the_way_is_told_again(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    outbox = Outbox(plain.redis, Realm.LIVE, "plain", TOLD_SEALER)
    told = await plain.told(one)
    lost = Result(f"{told.incident}/{one}", 1, Stage.EXPIRED, 1, cause="stale")
    await outbox.record(by_bucket([(bucket_of(one), lost)]), plain.clock.now())
    await planned_anew(worker)
    assert (await plain.told(one)).seq == 2
    await planned_anew(worker)
    assert (await plain.told(one)).seq == 2


async def test_killed_between_telling_and_marking_the_successor_sends_nothing_twice(plain, monkeypatch):
    ids = [await plain.settle(n) for n in range(1, 8)]
    record = await plain.hq.issue(flood())
    killed = plain.planner(Lease(plain.redis, Realm.LIVE, LEASE_NAME, ttl_ms=30))
    assert await killed.lease.take()

    async def power_cut(*_args):
        raise ConnectionError("killed")

    monkeypatch.setattr(killed, "_mark", power_cut)
    with pytest.raises(ConnectionError):
        await killed.step()
    assert not await plain.hq.store.planned(record.alert.key)
    successor = plain.planner()
    while not await successor.lease.take():
        pass
    await successor.step()
    assert await plain.hq.store.planned(record.alert.key)
    assert [(await plain.told(one)).seq for one in ids] == [1] * 7


async def test_somebody_who_unsubscribed_is_forgotten_by_the_planner_too(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    held = await plain.subscriptions.held(one)
    assert await plain.subscriptions.drop(plain.redis, one, expected=held.meta_raw)
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    assert await plain.told(one) is None


async def test_a_lifted_danger_under_another_is_a_lesser_order_and_never_an_end(plain):
    one = await plain.settle(1)
    first = await plain.hq.issue(flood(kind=OrderKind.EMERGENCY_SAFETY))
    await plain.hq.issue(flood(hazard=HazardKind.INLAND_FLOOD))
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await plain.hq.lift(first.alert.alert_id)
    await worker.step()
    told = await plain.told(one)
    assert (told.message, told.action, told.seq) == (MessageKind.ORDER, Action.GO, 2)


# ---- quiet reminders ------------------------------------------------------------------------------------------


async def test_an_hour_later_a_quiet_reminder_goes_out_and_not_two_in_an_hour(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=59)
    await remind(worker)
    assert await reminders_of(plain, one) is None
    plain.clock.move(minutes=22)
    await remind(worker)
    assert await reminders_of(plain, one) == (1, Stage.QUEUED)
    await plain.deliver()
    for minutes in (1, 20, 38):
        plain.clock.move(minutes=minutes)
        await remind(worker)
        assert (await reminders_of(plain, one))[0] == 1
    plain.clock.move(minutes=3)
    await remind(worker)
    assert (await reminders_of(plain, one))[0] == 2


async def test_a_reminder_changes_neither_what_stands_nor_what_is_counted(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    before, travel = await plain.told(one), await plain.travel(one)
    tally = await plain.instructions.tally(before.incident)
    plain.clock.move(minutes=90)
    await remind(worker)
    assert await reminders_of(plain, one) == (1, Stage.QUEUED)
    assert (await plain.told(one), await plain.travel(one)) == (before, travel)
    assert await plain.instructions.tally(before.incident) == tally
    assert await plain.instructions.not_reached(before.incident) == []
    stored = await plain.subscriptions.held(one)
    assert await plain.subscriptions.drop(plain.redis, one, expected=stored.meta_raw)
    assert await plain.redis.hlen(Keys(Realm.LIVE).deliveries(bucket_of(one))) == 0


async def test_two_planners_and_a_clock_that_jumps_send_one_reminder_an_hour(plain):
    ids = [await plain.settle(n) for n in range(1, 5)]
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=90)
    await remind(worker)
    plain.clock.move(minutes=-30)
    await remind(worker)
    plain.clock.move(minutes=31)
    other = plain.planner()
    other.lease.token = worker.lease.token
    await remind(other)
    assert [(await reminders_of(plain, one))[0] for one in ids] == [1] * 4


async def test_staying_is_no_refusal_for_who_was_asked_to_stay(plain):
    stays = await plain.settle(1)
    record = await plain.hq.issue(flood(kind=OrderKind.EMERGENCY_SAFETY))
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    assert (await plain.told(stays)).action is Action.UP
    await answer(plain, stays, Answer.STAYING)
    plain.clock.move(minutes=30)
    await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.EVACUATE))
    await worker.step()
    assert (await plain.told(stays)).action is Action.GO, "it has become possible to leave"


async def test_who_declined_or_was_just_told_something_gets_no_reminder_and_who_arrived_does(plain):
    declined, arrived, unreached = [await plain.settle(n) for n in (1, 2, 3)]
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await answer(plain, declined, Answer.ELSEWHERE)
    await answer(plain, arrived, Answer.ARRIVED)
    late = await plain.settle(4)
    await planned_anew(worker)
    plain.clock.move(minutes=100)
    await remind(worker)
    assert await reminders_of(plain, declined) is None
    assert await reminders_of(plain, arrived) == (1, Stage.QUEUED)
    assert await reminders_of(plain, unreached) == (1, Stage.QUEUED)
    assert await reminders_of(plain, late) is None, "its own message has reached nobody yet"


async def test_a_reminder_that_was_overtaken_is_not_sent(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=90)
    await remind(worker)
    await plain.close("B1", opening=Opening.UNUSABLE)
    await worker.step()
    await plain.deliver()
    assert (await plain.told(one)).seq == 2
    assert await reminders_of(plain, one) == (1, Stage.REPLACED)


async def test_reminders_can_be_switched_off_and_are_not_for_every_kind(plain, redis):
    early = await plain.settle(1, place(**SLOW))
    await plain.hq.issue(flood(kind=OrderKind.ELDERLY_ETC))
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=90)
    await remind(worker)
    assert await reminders_of(plain, early) is None
    push = msgspec.structs.replace(
        plain.settings.push, reminder_kinds=(OrderKind.ELDERLY_ETC,), reminders=False
    )
    plain.settings = msgspec.structs.replace(plain.settings, push=push)
    off = plain.planner()
    off.lease.token = worker.lease.token
    await remind(off)
    assert await reminders_of(plain, early) is None
    push = msgspec.structs.replace(push, reminders=True)
    plain.settings = msgspec.structs.replace(plain.settings, push=push)
    on = plain.planner()
    on.lease.token = worker.lease.token
    await remind(on)
    assert await reminders_of(plain, early) == (1, Stage.QUEUED)


# ---- a site that fails ----------------------------------------------------------------------------------------


async def test_a_failed_site_redirects_everybody_of_it_and_tells_hq_where_to_and_who_is_short(plain):
    inside, on_the_way = await plain.settle(1), await plain.settle(2)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=30)
    await answer(plain, inside, Answer.ARRIVED)
    await plain.close("B1", present_persons=12)
    await planned_anew(worker)
    await plain.close("B1", opening=Opening.UNUSABLE)
    await worker.step()
    for one in (inside, on_the_way):
        told = await plain.told(one)
        assert (told.destination.site_id, told.seq) == ("A1", 2)
        assert ReasonCode.SITE_FAILED in told.reasons
        assert not told.full_site, "nobody is to stay in a site that failed"
    (failure,) = await SiteFailures(plain.redis, Realm.LIVE).all()
    assert (failure.site_id, failure.inside) == ("B1", 12)
    assert sum(one.persons for one in failure.moves) + failure.without_site >= 12
    await planned_anew(worker)
    assert [(await plain.told(one)).seq for one in (inside, on_the_way)] == [2, 2]
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    assert await SiteFailures(plain.redis, Realm.LIVE).all() == []


async def test_while_hq_pauses_redirects_a_full_hall_sends_nobody_elsewhere(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    hands = HandService(plain.redis, Realm.LIVE, plain.clock)
    await hands.pause(plain.hq.abe, "混乱を避ける")
    await plain.close("B1", present_persons=60)
    plain.clock.move(minutes=1)
    assert await worker.step()
    assert (await plain.told(one)).seq == 1
    await hands.lift(plain.hq.abe, HandKind.PAUSE, "", "落ち着いた")
    assert await worker.step()
    assert (await plain.told(one)).destination.site_id == "A1"


# ---- several places ------------------------------------------------------------------------------------------


async def test_several_places_are_one_message_of_the_worst_that_says_another_is_inside_too(plain):
    one = await plain.settle(1, place(place_id="home"), place(lon=140.987, place_id="mother", relative=True))
    two = await plain.settle(2, place(place_id="home"), place(lon=140.90, place_id="work"))
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    told = await plain.told(one)
    assert (told.place_id, told.seq, len(told.also)) == ("home", 1, 1)
    assert (await plain.told(two)).also == ()
    await planned_anew(worker)
    assert (await plain.told(one)).seq == 1


async def test_danger_that_reaches_another_place_of_somebody_is_told_though_the_first_stays_as_it_was(plain):
    near = {"lat": 38.2122}
    one = await plain.settle(
        1, place(lon=140.988, **near), place(lon=140.982, place_id="mother", relative=True, **near)
    )
    record = await plain.hq.issue(flood(area=SMALLER))
    worker = await plain.leader()
    await worker.step()
    assert (await plain.told(one)).also == ()
    await plain.deliver()
    plain.clock.move(minutes=1)
    await plain.hq.update(record.alert.alert_id, flood())
    await worker.step()
    told = await plain.told(one)
    assert (told.seq, told.place_id, len(told.also)) == (2, "home", 1)
    await plain.hq.update(record.alert.alert_id, flood(area=SMALLER))
    await worker.step()
    assert (await plain.told(one)).seq == 2, (
        "that a place is out of it again is no news while the worst is not"
    )
