"""The planner on real stores: who is told what, once; who takes over; what HQ sees beforehand."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.stores.keys import Keys
from bosai.stores.lease import Lease
from geodata.hazards import HazardKind
from shelters.model import Action, Opening
from tests.workers.plain import SLOW, SMALLER, Plain, flood, place
from workers import planner
from workers.planner import LEASE_NAME, Fenced


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


def tsunami(**changes):
    return flood(
        hazard=HazardKind.TSUNAMI,
        kind=OrderKind.TSUNAMI_EVACUATION,
        tsunami_class=TsunamiClass.MAJOR_WARNING,
        **changes,
    )


async def test_everybody_inside_is_told_and_nobody_else(plain):
    inside, outside = await plain.settle(1), await plain.settle(2, place(lon=140.90))
    record = await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told = await plain.told(inside)
    assert (told.message, told.action, told.destination.site_id) == (MessageKind.ORDER, Action.GO, "B1")
    assert (told.alert_key, told.danger_class, told.seq) == (record.alert.key, 1, 1)
    assert told.destination.unconfirmed and told.destination.about and told.alternate.site_id == "A1"
    assert await plain.told(outside) is None
    assert await plain.hq.store.planned(record.alert.key)


async def test_a_closed_site_redirects_exactly_those_concerned_exactly_once(plain):
    near, other = await plain.settle(1), await plain.settle(2, place(lon=140.9855, lat=38.2195))
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.close("B1", opening=Opening.CLOSED)
    await worker.step()
    for one in (near, other):
        told = await plain.told(one)
        assert (told.message, told.destination.site_id, told.seq) == (MessageKind.REDIRECT, "A1", 2)
    await plain.close("B1", present_persons=0)
    assert await worker.step()
    assert (await plain.told(near)).seq == 2


@pytest.mark.parametrize(("said", "goes_to"), [(Opening.CLOSED, "B1"), (Opening.UNUSABLE, "A1")])
async def test_a_site_closed_after_the_last_event_is_not_closed_in_the_next(plain, said, goes_to):
    one = await plain.settle(1)
    await plain.close("B1", opening=said)
    plain.clock.move(days=30)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told = await plain.told(one)
    assert told.destination.site_id == goes_to and told.destination.unconfirmed
    shown = (await plain.sites.statuses())["B1"].opening
    assert (shown is None) == (said is Opening.CLOSED)


async def test_a_site_closed_during_an_event_stays_closed_however_long_the_event_lasts(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    plain.clock.move(days=1)
    await plain.close("B1", opening=Opening.CLOSED)
    plain.clock.move(days=8)
    await (await plain.leader()).step()
    assert (await plain.told(one)).destination.site_id == "A1"
    assert (await plain.sites.statuses())["B1"].opening is Opening.CLOSED


async def test_a_head_count_far_from_full_changes_nobodys_message(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.close("B1", present_persons=3)
    assert await worker.step()
    assert (await plain.told(one)).seq == 1


async def test_without_news_nothing_is_planned_again(plain):
    await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    assert await worker.step()
    assert not await worker.step()


async def test_an_update_with_the_same_meaning_is_not_sent_and_a_higher_level_is(plain):
    one = await plain.settle(1, place(**SLOW))
    record = await plain.hq.issue(flood(kind=OrderKind.ELDERLY_ETC))
    worker = await plain.leader()
    await worker.step()
    await plain.hq.update(record.alert.alert_id, flood(kind=OrderKind.ELDERLY_ETC, reason="続報"))
    await worker.step()
    told = await plain.told(one)
    assert (told.seq, told.alert_key) == (1, f"{record.alert.alert_id}:2")
    await plain.hq.update(record.alert.alert_id, flood())
    await worker.step()
    told = await plain.told(one)
    assert (told.seq, told.message, told.destination.site_id) == (2, MessageKind.ORDER, "B1")


async def test_a_lift_reaches_exactly_those_who_were_told_and_only_once(plain):
    inside, outside = await plain.settle(1), await plain.settle(2, place(lon=140.90))
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    late = await plain.settle(3)
    lifted = await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    told = await plain.told(inside)
    assert (told.message, told.action, told.alert_key) == (MessageKind.LIFTED, None, lifted.alert.key)
    assert await plain.told(outside) is None and await plain.told(late) is None
    assert await plain.hq.store.planned(lifted.alert.key)
    await worker.plan_once()
    assert (await plain.told(inside)).seq == 2


async def test_a_recall_says_that_it_was_a_mistake(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    recalled = await plain.hq.recall(record)
    await worker.step()
    told = await plain.told(one)
    assert (told.message, told.alert_key) == (MessageKind.RECALLED, recalled.alert.key)


async def test_whom_a_recalled_order_never_reached_hears_nothing_of_it(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.hq.recall(record)
    await worker.step()
    assert (await plain.told(one)).message is MessageKind.RECALLED
    travel = await plain.travel(one)
    assert (travel.stage, travel.cause) == (Stage.REPLACED, "order_recalled")


async def test_a_lift_while_another_order_covers_somebody_brings_the_other_order(plain):
    one = await plain.settle(1)
    first = await plain.hq.issue(flood())
    second = await plain.hq.issue(flood(hazard=HazardKind.INLAND_FLOOD, kind=OrderKind.ELDERLY_ETC))
    worker = await plain.leader()
    await worker.step()
    assert (await plain.told(one)).alert_key == first.alert.key
    await plain.hq.lift(first.alert.alert_id)
    await worker.step()
    told = await plain.told(one)
    assert (told.message, told.action, told.alert_key) == (
        MessageKind.ORDER,
        Action.PREPARE,
        second.alert.key,
    )


async def test_whoever_a_smaller_area_leaves_out_hears_that_it_no_longer_concerns_him(plain):
    west, east = await plain.settle(1), await plain.settle(2, place(lon=140.9885, lat=38.2122))
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await plain.hq.update(record.alert.alert_id, flood(area=SMALLER))
    await worker.step()
    assert (await plain.told(west)).message is MessageKind.OUT_OF_AREA
    assert (await plain.told(east)).seq == 1
    await worker.plan_once()
    assert (await plain.told(west)).seq == 2


async def test_a_notice_sends_nobody_anywhere_and_is_not_waited_for(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood(kind=OrderKind.NOTICE))
    await (await plain.leader()).step()
    told = await plain.told(one)
    assert (told.action, told.destination, told.reasons) == (None, None, ())
    assert await plain.hq.store.planned(record.alert.key)


async def test_somebody_who_subscribes_during_an_order_is_told_at_the_next_step(plain):
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    late = await plain.settle(7)
    assert await worker.step()
    assert (await plain.told(late)).action is Action.GO


async def test_a_tsunami_with_time_names_a_way_out_and_without_time_the_tower(plain):
    one = await plain.settle(1, place(lon=140.9875))
    record = await plain.hq.issue(tsunami())
    worker = await plain.leader()
    await worker.step()
    told = await plain.told(one)
    assert (told.action, told.destination.site_id, told.danger_class) == (Action.REFUGE, "C1", 0)
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    later = plain.clock.at + timedelta(hours=3)
    await plain.hq.issue(tsunami(expected_arrival_at=later))
    await worker.step()
    told = await plain.told(one)
    assert told.action is Action.INLAND and told.destination.site_id is None
    assert told.destination.lon < 140.9801 and told.destination.walk_m > 500


async def test_a_place_known_only_by_its_cell_counts_as_inside_when_it_may_be(plain):
    cell = await plain.settle(1, place(lon=140.9788, is_cell=True))
    exact = await plain.settle(2, place(lon=140.9788))
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert await plain.told(cell) is not None and await plain.told(exact) is None


async def test_the_worst_place_speaks_and_a_relatives_place_holds_no_seat(plain):
    one = await plain.settle(
        1, place(lon=140.90, place_id="home"), place(place_id="mother", relative=True, persons=1)
    )
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert (await plain.told(one)).place_id == "mother"


async def test_the_preview_counts_people_sites_and_actions_and_tells_nobody(plain):
    one = await plain.settle(1)
    await plain.settle(2, place(persons=3, **SLOW))
    await plain.settle(3, place(lon=140.90, persons=9))
    worker = await plain.leader()
    draft = await plain.hq.alerts.draft(plain.hq.abe, flood())
    seen = await worker.preview(draft.alert)
    assert (seen.available, seen.people, seen.households, seen.no_site) == (True, 5, 2, 0)
    (site,) = seen.by_site
    assert (site.site_id, site.persons, site.seats, site.source) == ("B1", 5, 40, "assumed")
    assert seen.by_action == {"go": 5}
    assert await plain.told(one) is None
    notice = await plain.hq.alerts.draft(plain.hq.abe, flood(kind=OrderKind.NOTICE))
    assert (await worker.preview(notice.alert)).people == 5


async def test_the_running_planner_answers_previews_and_plans_releases_by_itself(plain):
    one = await plain.settle(1)
    plain.hq.broker.wait_s = 10.0
    task = asyncio.create_task(plain.planner().run())
    try:
        draft = await plain.hq.alerts.draft(plain.hq.abe, flood())
        assert (await plain.hq.alerts.preview(plain.hq.abe, draft.alert.key)).people == 2
        record = await plain.hq.alerts.submit(plain.hq.abe, draft.alert.key, draft.decision_hash)
        await plain.hq.approve(record)
        async with asyncio.timeout(15):
            while await plain.told(one) is None:
                await asyncio.sleep(0.02)
        health = msgspec.json.decode(await plain.redis.hget(Keys(Realm.LIVE).health, "planner"))
        assert health["ok"] and health["people"] == 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await Lease(plain.redis, Realm.LIVE, LEASE_NAME).take()


async def test_a_planner_that_slept_through_its_lease_can_not_write(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    sleeper = plain.planner(Lease(plain.redis, Realm.LIVE, LEASE_NAME, ttl_ms=30))
    assert await sleeper.lease.take()
    successor = plain.planner()
    async with asyncio.timeout(10):
        while not await successor.lease.take():
            await asyncio.sleep(0.01)
    await successor.step()
    await plain.close("B1", opening=Opening.CLOSED)
    with pytest.raises(Fenced):
        await sleeper.step()
    assert (await plain.told(one)).seq == 1


async def test_a_successor_takes_over_within_ten_seconds_of_a_killed_planner(plain):
    one = await plain.settle(1)
    killed = plain.planner()
    assert await killed.lease.take()  # and never heard of again
    await plain.hq.issue(flood())
    task = asyncio.create_task(plain.planner().run())
    try:
        async with asyncio.timeout(10):
            while await plain.told(one) is None:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_plan_that_fails_is_shown_and_tried_again(plain, monkeypatch, caplog):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = plain.planner()
    monkeypatch.setattr("workers.planner.RETRY_S", 0.05)
    real, fails = worker.plan_once, iter([True, False])

    async def sometimes():
        if next(fails, False):
            raise ValueError("a broken record")
        return await real()

    monkeypatch.setattr(worker, "plan_once", sometimes)
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(15):
            while await plain.told(one) is None:
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "a plan failed" in caplog.text


async def test_people_on_their_way_are_written_for_the_desks(plain):
    await plain.settle(1)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert await plain.redis.hget(Keys(Realm.LIVE).on_the_way, "B1") == b"2"


async def test_the_drill_side_plans_for_itself_alone(plain, redis, settings):
    drill = await Plain(redis, settings, Realm.DRILL).build()
    live_one = await plain.settle(1)
    drill_one = await drill.settle(1)
    await drill.hq.issue(flood())
    await (await drill.leader()).step()
    await (await plain.leader()).step()
    assert (await drill.told(drill_one)).action is Action.GO
    assert await plain.told(live_one) is None


async def test_a_planner_with_nothing_to_plan_still_says_that_it_lives(plain, monkeypatch):
    monkeypatch.setattr(planner, "SAY_S", 0.0)
    worker = await plain.leader()
    await worker.step()
    before = await plain.health("planner")
    plain.clock.move(seconds=20)
    assert not await worker.step()
    after = await plain.health("planner")
    assert after == before | {"at": plain.clock.now().isoformat()}
