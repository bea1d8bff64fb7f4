"""What delivery knows of orders: never too old, and whoever finds a change stops what is under way."""

from __future__ import annotations

import pytest

from bosai.model.alert import OrderKind
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from tests.bosai.services.hq import Hq, flood
from workers.orders import CHANGED, Missing, Order, OrderBook


class Watch:
    def __init__(self):
        self.at_s = 10.0

    def __call__(self):
        return self.at_s


@pytest.fixture
async def hq(redis):
    return Hq(redis, Realm.LIVE)


def book_of(hq, watch=None, recheck_after_s=0.5):
    return OrderBook(hq.realm, hq.store, recheck_after_s=recheck_after_s, monotonic_s=watch or Watch())


@pytest.mark.parametrize("finder", ["watch", "learn"])
@pytest.mark.parametrize("change", ["recall", "lift", "update"])
async def test_whoever_finds_a_change_withdraws_what_is_under_way(hq, finder, change):
    order, watch = await hq.issue(), Watch()
    book = book_of(hq, watch)
    await book.learn({order.alert.key})
    permit = book.permit(order.alert.key)
    assert await book.watch() == 0
    assert permit.withdrawn == ""
    await (hq.recall(order) if change == "recall" else getattr(hq, change)(order.alert.alert_id))
    watch.at_s += 1
    await (book.watch() if finder == "watch" else book.learn({order.alert.key}))
    assert permit.withdrawn == CHANGED
    assert book.permit(order.alert.key).withdrawn == ""


async def test_an_order_is_read_again_only_when_it_is_old(hq):
    order, watch = await hq.issue(), Watch()
    book = book_of(hq, watch)
    await book.learn({order.alert.key})
    first = book.of(order.alert.key)
    await book.learn({order.alert.key})
    assert book.of(order.alert.key) is first
    watch.at_s += 0.6
    await book.learn({order.alert.key})
    assert isinstance(book.of(order.alert.key), Order)
    assert book.of(order.alert.key) is not first


async def test_an_order_that_is_not_there_is_missing_and_looked_for_again(hq):
    book = book_of(hq)
    await book.learn({"a:1"})
    assert book.of("a:1") == Missing("alert_missing")


async def test_a_permit_that_nobody_holds_is_forgotten(hq):
    order = await hq.issue()
    book = book_of(hq)
    await book.learn({order.alert.key})
    book.permit(order.alert.key)
    await hq.recall(order)
    assert await book.watch() == 0


async def test_a_notice_directs_nobody_and_everything_else_does(hq):
    book = book_of(hq, recheck_after_s=0.0)
    assert book.any_directs
    await book.learn_whether_any_directs()
    assert not book.any_directs
    await hq.issue(flood(hazard=HazardKind.EARTHQUAKE, kind=OrderKind.NOTICE))
    await book.learn_whether_any_directs()
    assert not book.any_directs
    await hq.issue()
    await book.learn_whether_any_directs()
    assert book.any_directs


async def test_what_was_just_asked_for_is_never_forgotten_however_many_there_are(hq):
    book = book_of(hq)
    await book.learn({f"a:{n}" for n in range(200)})
    many = {f"b:{n}" for n in range(300)}
    await book.learn(many)
    assert {book.of(key) for key in many} == {Missing("alert_missing")}
