"""Under load "displayed" waits on the device, and an answer never does."""

from __future__ import annotations

import asyncio

import pytest

from bosai.model.instruction import Answer, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import receipt_token
from bosai.stores.instructions import InstructionStore
from bosai.web.rate_limit import BUCKETS
from bosai.web.shedding import AGAIN_S, CALM_AFTER_S, GATE, LAG_S, LoadGate
from bosai.wiring import told_sealer
from tests.bosai.web.running import running
from tests.workers.street import INCIDENT, NOW, draft

RECEIPTS = "/api/v1/receipts"


class Standing:
    """A clock in seconds that is moved by hand."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_a_process_is_loaded_by_too_many_batches_at_once_and_by_nothing_that_is_over():
    gate = LoadGate(Standing(), under_way=2)
    with gate.one_more():
        assert not gate.is_loaded
        with pytest.raises(ZeroDivisionError), gate.one_more():
            assert gate.is_loaded
            raise ZeroDivisionError
        assert not gate.is_loaded


def test_a_late_heartbeat_means_load_for_a_while():
    clock = Standing()
    gate = LoadGate(clock)
    gate.woken(clock.s - LAG_S / 2)
    assert not gate.is_loaded
    gate.woken(clock.s - LAG_S)
    assert gate.is_loaded
    clock.s += CALM_AFTER_S - 0.01
    assert gate.is_loaded
    clock.s += 0.02
    assert not gate.is_loaded


async def test_the_heart_beats_by_itself_and_feels_a_blocked_loop():
    clock = Standing()
    gate = LoadGate(clock)
    beating = asyncio.create_task(gate.beat())
    try:
        await asyncio.sleep(0)  # the first beat is on its way, due a tenth of a second from 100
        clock.s += 5.0  # the loop was elsewhere
        async with asyncio.timeout(10):
            while not gate.is_loaded:
                await asyncio.sleep(0.01)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


async def told(site, name: str) -> tuple[str, str]:
    """(subscription id, receipt token) of somebody with an instruction."""
    subscription_id, _ = await site.subscribe(token=name)
    secrets = site.opened.secrets.realm("live")
    store = InstructionStore(site.opened.redis, Realm.LIVE, told_sealer(secrets))
    assert (await store.emit(1, [draft(subscription_id)], NOW)).written == 1
    return subscription_id, receipt_token(secrets.hmac_key, Realm.LIVE, subscription_id, INCIDENT, 1)


async def travelled(site, subscription_id: str):
    found = await site.side().instructions.latest(subscription_id)
    return found[1].stage, found[1].answer


def load(site) -> None:
    gate = site.app[GATE]
    gate.woken(asyncio.get_running_loop().time() - LAG_S - 1)
    assert gate.is_loaded


async def test_what_only_was_shown_comes_again_later(site):
    subscription_id, token = await told(site, "one")
    load(site)
    answer = await site.ask("POST", RECEIPTS, json=[{"r": token, "stage": "displayed"}])
    assert answer.status == 503 and answer.headers["Retry-After"] == str(AGAIN_S)
    assert answer.json()["code"] == "overloaded" and str(AGAIN_S) in answer.json()["mend"]
    assert await travelled(site, subscription_id) == (Stage.QUEUED, None)


async def test_an_answer_is_taken_whatever_the_load(site):
    one, token = await told(site, "one")
    load(site)
    batch = [{"r": token, "stage": "opened"}, {"r": token, "answer": "going"}]
    assert (await site.ask("POST", RECEIPTS, json=batch)).status == 204
    assert await travelled(site, one) == (Stage.ANSWERED, Answer.GOING)


async def test_an_answer_is_taken_even_when_the_rest_of_its_batch_has_to_wait(site):
    one, token = await told(site, "one")
    two, other = await told(site, "two")
    load(site)
    batch = [{"r": other, "stage": "displayed"}, {"r": token, "answer": "arrived"}]
    assert (
        await site.ask("POST", RECEIPTS, json=batch)
    ).status == 503  # the device keeps both, and sends both again
    assert await travelled(site, one) == (Stage.ARRIVED, Answer.ARRIVED)
    assert await travelled(site, two) == (Stage.QUEUED, None)


async def test_answers_of_a_whole_carrier_come_through_one_address_and_made_up_ones_do_not(site):
    one, token = await told(site, "one")
    buckets, headers = site.app[BUCKETS], {"X-Forwarded-For": "203.0.113.5"}
    buckets._now_s = lambda: 0.0  # the bucket does not fill again while we look
    while not buckets.wait_s(f"203.0.113.5 {RECEIPTS}"):
        pass
    shown, said = {"r": token, "stage": "displayed"}, {"r": token, "answer": "going"}
    made_up = {"r": token[:-1] + "é", "answer": "going"}
    assert (await site.ask("POST", RECEIPTS, json=[shown], headers=headers)).status == 429
    assert (await site.ask("POST", RECEIPTS, json=[made_up], headers=headers)).status == 429
    assert (await site.ask("POST", RECEIPTS, json=[said], headers=headers)).status == 204
    assert await travelled(site, one) == (Stage.ANSWERED, Answer.GOING)
