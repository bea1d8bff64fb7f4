"""What planner and watch write can be said: every kind of their instructions renders, in every language."""

from datetime import timedelta

import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, is_draft, texts
from bosai.model.alert import OrderKind
from bosai.model.instruction import MessageKind
from bosai.settings import load_settings
from shelters.model import Action, Opening
from tests.workers.plain import Plain, flood, place
from tests.workers.test_planner import tsunami


@pytest.fixture
def settings():
    for lang in LANGS:  # read off the event loop, as the service does at its start
        texts(lang)
        is_draft(lang)
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def said(plain, subscription_id):
    """The newest instruction in all languages; the instruction and its Japanese."""
    told = await plain.told(subscription_id)
    record = await plain.hq.store.get(told.alert_key)
    words = {lang: render_advice(told, record, plain.realm, lang, now=plain.clock.now()) for lang in LANGS}
    assert all(one.title and one.body for one in words.values())
    return told, words["ja"]


async def test_from_the_provisional_word_to_the_lift_everything_can_be_said(plain):
    one = await plain.settle(1)
    record = await plain.hq.issue(flood())
    plain.clock.move(seconds=4)
    await plain.watch().step()
    told, ja = await said(plain, one)
    assert told.message is MessageKind.PROVISIONAL and "続報" in ja.body
    worker = await plain.leader()
    await worker.step()
    _, ja = await said(plain, one)
    assert "荒井会館" in ja.body and "未確認" in ja.body and "七郷小学校" in ja.body
    await plain.close("B1", opening=Opening.CLOSED)
    await worker.step()
    told, ja = await said(plain, one)
    assert told.message is MessageKind.REDIRECT and "七郷小学校" in ja.body and "荒井会館" not in ja.body
    await plain.deliver()
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    told, ja = await said(plain, one)
    assert told.message is MessageKind.LIFTED and "解除" in ja.body


async def test_the_tsunami_words_name_the_tower_or_the_way_inland(plain):
    near, west = await plain.settle(1, place(lon=140.9875)), await plain.settle(2, place(lon=140.9805))
    await plain.hq.issue(tsunami(expected_arrival_at=plain.clock.at + timedelta(minutes=5)))
    await (await plain.leader()).step()
    told, ja = await said(plain, near)
    assert told.action is Action.REFUGE and "荒浜津波避難タワー" in ja.body and "警戒レベル" not in ja.body
    told, ja = await said(plain, west)
    assert told.action is Action.INLAND and "内陸" in ja.body


async def test_when_seats_run_out_the_words_say_so_and_what_to_do(plain):
    one = await plain.settle(1, place(persons=20))
    for site in ("A1", "B1"):
        await plain.close(site, opening=Opening.CLOSED)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told, ja = await said(plain, one)
    assert told.destination is None and "案内できる避難場所がありません" in ja.body


async def test_level_5_never_says_to_set_out(plain):
    one = await plain.settle(1)
    await plain.hq.issue(flood(kind=OrderKind.EMERGENCY_SAFETY))
    await (await plain.leader()).step()
    told, ja = await said(plain, one)
    assert told.action is Action.UP and "荒井会館" not in ja.body and "七郷小学校" not in ja.body
