"""An お知らせ reaches who is inside and whom no order covers, once; one of a tsunami class guides as an order does."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, is_draft, texts
from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from shelters.model import Action
from tests.bosai.services.hq import square
from tests.workers.plain import AREA, SMALLER, Plain, flood, place

SHIPPED = load_settings()
assert all(texts(lang) and is_draft(lang) is not None for lang in LANGS), "read before any event loop runs"
NOTICE = {"hazard": HazardKind.EARTHQUAKE, "kind": OrderKind.NOTICE}
SAID = {"ja": "強い揺れがありました。", "en": "There was strong shaking."}
FAR = place(lon=140.90)


@pytest.fixture
async def plain(redis):
    return await Plain(redis, SHIPPED).build()


def notice(**changes):
    return flood(**{**NOTICE, "texts_free": SAID, **changes})


def call(**changes):
    given = {"hazard": HazardKind.TSUNAMI, "kind": OrderKind.NOTICE, "tsunami_class": TsunamiClass.WARNING}
    return flood(**{**given, **changes})


async def test_who_is_inside_reads_the_notices_own_words_once_and_nobody_else_hears(plain):
    inside, outside = await plain.settle(1), await plain.settle(2, FAR)
    record = await plain.hq.issue(notice())
    worker = await plain.leader()
    await worker.step()
    told = await plain.told(inside)
    assert (told.message, told.action, told.alert_key) == (MessageKind.ORDER, None, record.alert.key)
    words = render_advice(told, record, Realm.LIVE, "en", now=plain.clock.now())
    assert words.do == "There was strong shaking."
    assert await plain.told(outside) is None
    plain.clock.move(minutes=2)
    await worker.plan_once()
    assert (await plain.told(inside)).seq == told.seq


async def test_other_words_are_told_again_and_the_same_words_are_not(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(notice())
    worker = await plain.leader()
    await worker.step()
    plain.clock.move(minutes=5)
    same = notice(reason="見直した")
    await plain.hq.update(record.alert.alert_id, same)
    await worker.step()
    assert (await plain.told(one)).seq == 1
    plain.clock.move(minutes=5)
    await plain.hq.update(record.alert.alert_id, notice(texts_free={"ja": "余震に注意してください。"}))
    await worker.step()
    assert (await plain.told(one)).seq == 2


async def test_an_order_speaks_for_those_it_covers_and_takes_the_place_of_the_notice(plain):
    west, east = await plain.settle(1), await plain.settle(2, place(lon=140.988, lat=38.212))
    await plain.hq.issue(notice())
    worker = await plain.leader()
    await worker.step()
    order = await plain.hq.issue(flood(area=SMALLER))
    await worker.step()
    assert (await plain.told(east)).alert_key == order.alert.key
    assert (await plain.told(east)).action is not None
    assert ((await plain.told(west)).seq, (await plain.told(west)).action) == (1, None)


async def test_a_notice_released_under_an_order_does_not_cover_the_order_up(plain):
    one = await plain.settle(1)
    order = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.hq.issue(notice())
    await worker.step()
    assert (await plain.told(one)).alert_key == order.alert.key and (await plain.told(one)).seq == 1


async def test_of_an_order_they_hear_how_it_ended_before_anything_else(plain):
    one = await plain.settle(1)
    order = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await plain.hq.issue(notice())
    await plain.hq.lift(order.alert.alert_id)
    await worker.step()
    assert (await plain.told(one)).message is MessageKind.LIFTED


async def test_its_end_is_told_to_those_who_read_it(plain):
    inside, outside = await plain.settle(1), await plain.settle(2, FAR)
    record = await plain.hq.issue(notice())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    ended = await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    told = await plain.told(inside)
    assert told.message is MessageKind.LIFTED
    words = render_advice(told, ended, Realm.LIVE, "ja", now=plain.clock.now())
    assert words.title == "【終了】お知らせ" and "解除" not in words.body
    assert await plain.told(outside) is None


async def test_the_newest_of_two_notices_is_read(plain):
    one = await plain.settle(1)
    await plain.hq.issue(notice())
    plain.clock.move(minutes=1)
    newer = await plain.hq.issue(notice(texts_free={"ja": "給水所を開きました。"}))
    await (await plain.leader()).step()
    assert (await plain.told(one)).alert_key == newer.alert.key


async def test_a_place_of_a_relative_counts_and_ones_own_comes_first(plain):
    relatives = place(place_id="mother", relative=True)
    one = await plain.settle(1, FAR, relatives)
    both = await plain.settle(2, msgspec.structs.replace(relatives, lon=140.985), place())
    await plain.hq.issue(notice())
    await (await plain.leader()).step()
    assert (await plain.told(one)).place_id == "mother"
    assert (await plain.told(both)).place_id == "home"


async def test_without_a_planner_it_is_told_all_the_same_and_the_planner_repeats_nothing(plain):
    one = await plain.settle(1)
    await plain.hq.issue(notice())
    watch = plain.watch()
    plain.clock.move(seconds=3)
    await watch.step()
    assert (await plain.told(one)).action is None
    await (await plain.leader()).step()
    plain.clock.move(seconds=6)
    await watch.step()
    assert (await plain.told(one)).seq == 1


# ---- of a tsunami class ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("left_min", [None, 60])
async def test_a_notice_of_a_tsunami_class_gives_everybody_the_same_as_the_order_would(redis, left_min):
    found = []
    for kind in (OrderKind.NOTICE, OrderKind.TSUNAMI_EVACUATION):
        await redis.flushall()
        plain = await Plain(redis, SHIPPED).build()
        near, far = await plain.settle(1), await plain.settle(2, place(lon=140.9875))
        arrival = plain.clock.now() + timedelta(minutes=left_min) if left_min else None
        await plain.hq.issue(call(kind=kind, expected_arrival_at=arrival))
        await (await plain.leader()).step()
        found.append([await plain.told(one) for one in (near, far)])
    given = [[(one.action, one.destination, one.reasons) for one in told] for told in found]
    assert given[0] == given[1]
    assert {one.action for one in found[0]} <= {Action.INLAND, Action.REFUGE, Action.GO}


async def test_without_a_planner_it_goes_out_as_an_order_does(plain):
    one = await plain.settle(1)
    await plain.hq.issue(call())
    plain.clock.move(seconds=3)
    await plain.watch().step()
    told = await plain.told(one)
    assert (told.message, told.action) == (MessageKind.PROVISIONAL, Action.REFUGE)


async def test_an_order_of_the_mayor_after_our_notice_is_told_though_the_way_is_the_same(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(call())
    worker = await plain.leader()
    await worker.step()
    order = await plain.hq.update(record.alert.alert_id, call(kind=OrderKind.TSUNAMI_EVACUATION))
    await worker.step()
    told = await plain.told(one)
    assert told.seq == 2 and told.alert_key == order.alert.key and told.message is MessageKind.ORDER


async def test_an_ordinary_notice_beside_it_waits_for_those_whom_it_guides(plain):
    one, other = await plain.settle(1), await plain.settle(2, place(lon=140.9700))
    wide = msgspec.structs.replace(AREA, polygons_e7_lonlat=square(west=140.96, side=0.04))
    guided = await plain.hq.issue(call())
    plain.clock.move(minutes=1)
    read = await plain.hq.issue(notice(area=wide))
    await (await plain.leader()).step()
    assert (await plain.told(one)).alert_key == guided.alert.key
    assert (await plain.told(other)).alert_key == read.alert.key
