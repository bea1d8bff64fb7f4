"""Whom an end was spared, because nothing of the order had reached him yet, is told again when the order comes back."""

import pytest

from bosai.model.instruction import MessageKind
from bosai.settings import load_settings
from tests.workers.plain import AREA, SMALLER, Plain, flood


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def test_who_left_the_area_before_the_message_went_out_and_is_inside_again_is_told_again(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.hq.update(record.alert.alert_id, flood(area=SMALLER))
    await worker.step()
    assert (await plain.told(one)).message is MessageKind.OUT_OF_AREA
    await plain.hq.update(record.alert.alert_id, flood(area=AREA))
    await worker.step()
    told = await plain.told(one)
    assert (told.message, told.alert_key) == (MessageKind.ORDER, f"{record.alert.alert_id}:3")


async def test_a_spared_end_is_written_once(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.hq.update(record.alert.alert_id, flood(area=SMALLER))
    await worker.step()
    seq = (await plain.told(one)).seq
    for _ in range(3):
        await worker.plan_once()
    assert (await plain.told(one)).seq == seq
