"""What a subscriber reads in the moment between the end of an order and the message of it."""

from __future__ import annotations

import pytest

from bosai.model.instruction import MessageKind
from bosai.services.current import current_advice
from bosai.settings import load_settings
from bosai.stores.alerts import AlertStore
from geodata.hazards import HazardKind
from tests.workers.plain import SMALLER, Plain, flood


@pytest.fixture
def settings():
    return load_settings()  # reads a file: not on the event loop


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def _reads(plain: Plain, subscription_id: str):
    return await current_advice(plain.instructions, AlertStore(plain.redis, plain.realm), subscription_id)


@pytest.mark.parametrize(("end", "message"), [("lift", MessageKind.LIFTED), ("recall", MessageKind.RECALLED)])
async def test_an_order_that_ended_never_says_go_although_nobody_was_told_yet(plain: Plain, end, message):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    await (await plain.leader()).step()
    instruction, _, stands_on = await _reads(plain, one)
    assert (instruction.message, stands_on.alert.key) == (MessageKind.ORDER, record.alert.key)

    await (plain.hq.lift(record.alert.alert_id) if end == "lift" else plain.hq.recall(record))
    assert (await plain.told(one)).message is MessageKind.ORDER  # the planner has not moved
    instruction, _, stands_on = await _reads(plain, one)
    assert (instruction.message, instruction.action, instruction.destination) == (message, None, None)
    assert stands_on.alert.key == f"{record.alert.alert_id}:2"


async def test_with_another_order_in_force_the_planner_decides_what_holds(plain: Plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    await (await plain.leader()).step()
    await plain.hq.issue(flood(hazard=HazardKind.INLAND_FLOOD))
    await plain.hq.lift(record.alert.alert_id)
    instruction, _, _ = await _reads(plain, one)
    assert instruction.message is MessageKind.ORDER


@pytest.mark.parametrize(("end", "message"), [("lift", MessageKind.LIFTED), ("recall", MessageKind.RECALLED)])
async def test_whom_nothing_was_sent_to_reads_that_the_order_ended_while_another_stands_elsewhere(
    plain: Plain, end, message
):
    one, leader = await plain.settle(1), await plain.leader()
    record = await plain.hq.issue(flood())
    await leader.step()
    await plain.hq.issue(flood(hazard=HazardKind.INLAND_FLOOD, area=SMALLER))  # not where this person lives
    await leader.step()
    await (plain.hq.lift(record.alert.alert_id) if end == "lift" else plain.hq.recall(record))
    await leader.step()
    assert (await plain.travel(one)).heard == 0
    instruction, _, _ = await _reads(plain, one)
    assert (instruction.message, instruction.action, instruction.destination) == (message, None, None)


async def test_whoever_was_told_nothing_reads_nothing(plain: Plain):
    assert await _reads(plain, await plain.settle(1)) is None
