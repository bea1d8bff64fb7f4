from __future__ import annotations

import base64
import hashlib
import hmac
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.client import Pipeline

from bosai.errors import InvalidInput, WrongSecret
from bosai.model.instruction import Answer, Delivery, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import ReceiptService, TokenMaker, parse_receipt_token, receipt_token
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result
from tests.bosai.services.hq import HandClock
from tests.workers.street import HMAC_KEY, INCIDENT, NOW, TOLD_SEALER, draft, fake_id, make_known

ONE = fake_id(1)
TOKEN = receipt_token(HMAC_KEY, Realm.LIVE, ONE, INCIDENT, 1)


async def told(redis, **changes) -> ReceiptService:
    await make_known(redis, ONE)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE, **changes)], NOW)
    return ReceiptService(redis, Realm.LIVE, HandClock(), HMAC_KEY)


async def now_at(redis) -> Delivery:
    found = await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).latest(ONE)
    assert found is not None
    return found[1]


async def accepted(redis) -> None:
    result = Result(member=f"{INCIDENT}/{ONE}", seq=1, stage=Stage.ACCEPTED, attempts=1)
    await Outbox(redis, Realm.LIVE, "w", TOLD_SEALER).record({bucket_of(ONE): [result]}, NOW)


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations(["accepted", Stage.DISPLAYED, Stage.OPENED, Answer.GOING])),
)
async def test_in_whatever_order_reports_come_the_stage_only_rises(redis, order):
    receipts = await told(redis)
    reached = [Stage.QUEUED]
    for step in order:
        if step == "accepted":
            await accepted(redis)
        else:
            await receipts.record(TOKEN, step)
        reached.append((await now_at(redis)).stage)
    ranks = [list(Stage).index(one) for one in reached]
    assert ranks == sorted(ranks)
    assert (reached[-1], (await now_at(redis)).answer) == (Stage.ANSWERED, Answer.GOING)


async def test_an_answer_may_change_and_arriving_is_the_end(redis):
    receipts = await told(redis)
    assert await receipts.record(TOKEN, Answer.STAYING)
    assert await receipts.record(TOKEN, Answer.GOING)
    assert not await receipts.record(TOKEN, Answer.GOING)
    assert await receipts.record(TOKEN, Answer.ARRIVED)
    assert not await receipts.record(TOKEN, Answer.ELSEWHERE)
    delivery = await now_at(redis)
    assert (delivery.stage, delivery.answer) == (Stage.ARRIVED, Answer.ARRIVED)


async def test_an_answer_nudges_the_planner_and_a_display_does_not(redis):
    receipts = await told(redis)
    await receipts.record(TOKEN, Stage.DISPLAYED)
    assert await redis.xlen(Keys(Realm.LIVE).events) == 0
    await receipts.record(TOKEN, Answer.GOING)
    ((_, event),) = await redis.xrange(Keys(Realm.LIVE).events)
    assert (event[b"kind"], event[b"subject"]) == (b"answer", ONE.encode())


async def test_a_receipt_for_a_replaced_instruction_says_nothing_about_the_new_one(redis):
    receipts = await told(redis)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE, meaning="other")], NOW)
    assert not await receipts.record(TOKEN, Stage.OPENED)
    assert (await now_at(redis)).stage is Stage.QUEUED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        ":::",
        TOKEN[:-1],
        TOKEN.replace(":1:", ":2:"),
        receipt_token(HMAC_KEY, Realm.DRILL, ONE, INCIDENT, 1),
        receipt_token(b"\x09" * 32, Realm.LIVE, ONE, INCIDENT, 1),
        TOKEN.replace(":1:", ":٣:"),
        TOKEN + "é",
        "a" * 10_000,
    ],
)
async def test_a_token_that_is_not_ours_or_of_the_other_side_records_nothing(redis, token):
    receipts = await told(redis)
    with pytest.raises(WrongSecret):
        await receipts.record(token, Stage.OPENED)
    assert (await now_at(redis)).stage is Stage.QUEUED


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.DISPLAYED, Stage.OPENED}))
async def test_a_device_can_not_report_what_only_we_can_know(redis, stage):
    receipts = await told(redis)
    with pytest.raises(InvalidInput):
        await receipts.record(TOKEN, stage)
    assert (await now_at(redis)).stage is Stage.QUEUED


async def test_one_bad_token_does_not_spoil_a_batch(redis):
    receipts = await told(redis)
    report = await receipts.record_many(
        [
            ("nonsense", Stage.DISPLAYED),
            (TOKEN, Stage.DISPLAYED),
            (TOKEN, Stage.DISPLAYED),
            (TOKEN, Answer.GOING),
        ]
    )
    assert (report.recorded, report.ignored, report.refused) == (1, 2, 1)  # the answer goes first


async def test_a_batch_costs_one_round_trip_and_one_nudge_however_many_answer(redis, monkeypatch):
    ids = [fake_id(n) for n in range(20)]
    await make_known(redis, *ids)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(one) for one in ids], NOW)
    receipts = ReceiptService(redis, Realm.LIVE, HandClock(), HMAC_KEY)
    batch = [(receipt_token(HMAC_KEY, Realm.LIVE, one, INCIDENT, 1), Answer.GOING) for one in ids]
    trips: list[int] = []
    execute = Pipeline.execute

    async def counted(pipe, raise_on_error=True):
        trips.append(len(pipe.command_stack))
        return await execute(pipe, raise_on_error)

    monkeypatch.setattr(Pipeline, "execute", counted)
    assert (await receipts.record_many(batch[:10])).recorded == 10
    assert (await receipts.record_many(batch)).recorded == 10
    assert trips == [10, 20]
    await redis.script_flush()  # a server that was restarted knows no script
    assert (await receipts.record_many(batch)).ignored == 20
    assert await redis.xlen(Keys(Realm.LIVE).events) == 2


async def test_under_load_answers_are_taken_and_the_rest_is_left_on_the_device(redis):
    other = fake_id(2)
    await make_known(redis, other)
    receipts = await told(redis)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(other)], NOW)
    seen = (receipt_token(HMAC_KEY, Realm.LIVE, other, INCIDENT, 1), Stage.DISPLAYED)
    batch = [(TOKEN, Stage.OPENED), seen, (TOKEN, Answer.STAYING), ("nonsense", Stage.OPENED)]
    report = await receipts.record_many(batch, answers_only=True)
    assert (report.recorded, report.ignored, report.refused, report.later) == (1, 1, 1, 1)
    assert ((await now_at(redis)).stage, (await now_at(redis)).answer) == (Stage.ANSWERED, Answer.STAYING)
    assert (await receipts.record_many([seen], answers_only=True)).later == 1
    assert (await receipts.record_many(batch)).recorded == 1  # only what was left out is new


async def test_a_receipt_of_somebody_who_left_is_of_no_use_and_no_accident(redis):
    receipts = ReceiptService(redis, Realm.LIVE, HandClock(), HMAC_KEY)
    assert not await receipts.record(TOKEN, Stage.DISPLAYED)
    assert await redis.keys("*") == []


@given(
    st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    st.text("abc-0:é", min_size=1, max_size=20),
    st.integers(1, 10**9),
)
def test_a_token_names_its_instruction_and_no_other(subscription_id, incident, seq):
    token = receipt_token(HMAC_KEY, Realm.LIVE, subscription_id, incident, seq)
    if not incident.isascii():
        with pytest.raises(WrongSecret):
            parse_receipt_token(HMAC_KEY, Realm.LIVE, token)
        return
    named = parse_receipt_token(HMAC_KEY, Realm.LIVE, token)
    assert (named.subscription_id, named.incident, named.seq) == (subscription_id, incident, seq)


@given(
    st.binary(min_size=1, max_size=100),
    st.sampled_from(Realm),
    st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    st.lists(st.tuples(st.text("abc-0:é", min_size=1, max_size=20), st.integers(0, 10**9)), min_size=1),
)
def test_the_token_is_the_standard_mac_of_what_it_names_however_many_were_made_before(
    key, realm, subscription_id, named
):
    maker = TokenMaker(key, realm)
    for incident, seq in named:
        message = b"bosai receipt v1"
        for part in (realm.value, subscription_id, incident, str(seq)):
            message += len(part.encode()).to_bytes(4, "big") + part.encode()
        mac = base64.urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)[:16]).rstrip(b"=")
        expected = f"{subscription_id}:{seq}:{incident}:{mac.decode()}"
        assert maker.token(subscription_id, incident, seq) == expected
