from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import ReceiptService, receipt_token
from bosai.stores.delivery_counts import DeliveryCounts
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Pointer, Result
from tests.bosai.services.hq import HandClock
from tests.workers.street import HMAC_KEY, INCIDENT, NOW, TOLD_SEALER, draft, fake_id, make_known

ONE = fake_id(1)


@pytest.fixture(scope="session")
def server_url(redis_server):
    """The server without the flush between tests: each example flushes for itself."""
    return redis_server.url


async def take(redis: Redis, number: int, member: str, at=NOW):
    """Claim as a worker does."""
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    pointer = Pointer(groups=((number, ((member, 0),)),))
    return outbox, await outbox.claim(pointer, at, at + timedelta(seconds=30))


async def record(redis: Redis, subscription_id: str, stage: Stage, seq: int = 1, **more) -> int:
    more.setdefault("heard", 2 if stage is Stage.ACCEPTED else 0)
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    result = Result(member=f"{INCIDENT}/{subscription_id}", seq=seq, stage=stage, attempts=1, **more)
    return await outbox.record({bucket_of(subscription_id): [result]}, NOW)


async def test_a_new_instruction_is_stored_queued_due_and_pointed_to(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    report = await store.emit(1, [draft(ONE)], NOW)
    assert (report.written, report.unchanged, report.refused, report.fenced) == (1, 0, 0, False)
    found = await store.latest(ONE)
    assert found is not None
    instruction, delivery = found
    assert (instruction.seq, instruction.meaning, delivery.stage) == (1, "go-a", Stage.QUEUED)
    assert instruction == draft(ONE).numbered(1, "a:1")
    k, number = Keys(Realm.LIVE), bucket_of(ONE)
    assert await redis.zscore(k.due(number), f"{INCIDENT}/{ONE}") == (NOW + timedelta(seconds=30)).timestamp()
    assert await redis.xlen(k.outbox(0)) == 0
    assert await redis.xlen(k.outbox(1)) == 1


async def test_the_same_meaning_is_never_written_twice(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    again = await store.emit(1, [draft(ONE, plan_id="another", decided_at=NOW + timedelta(minutes=5))], NOW)
    assert (again.written, again.unchanged) == (0, 1)
    assert await redis.xlen(Keys(Realm.LIVE).outbox(1)) == 1


async def test_the_same_meaning_under_a_new_version_is_not_sent_but_noted(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    assert (await store.emit(1, [draft(ONE, alert_key="a:2")], NOW)).unchanged == 1
    found = await store.latest(ONE)
    assert found is not None
    assert (found[0].seq, found[0].alert_key) == (1, "a:2")


async def test_each_changed_meaning_raises_the_seq(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    for number, meaning in enumerate(["x", "y", "x"], start=1):
        await store.emit(1, [draft(ONE, meaning=meaning)], NOW)
        found = await store.latest(ONE)
        assert found is not None
        assert (found[0].seq, found[0].meaning) == (number, meaning)


@pytest.mark.parametrize("lost", [Stage.EXPIRED, Stage.REPLACED, Stage.RETIRED])
async def test_one_lost_on_the_way_is_told_again(redis, lost):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await record(redis, ONE, lost)
    assert (await store.emit(1, [draft(ONE)], NOW)).written == 1


@pytest.mark.parametrize("kept", [Stage.ACCEPTED, Stage.FAILED])
async def test_one_accepted_or_parked_for_good_is_not_told_again(redis, kept):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await record(redis, ONE, kept)
    assert (await store.emit(1, [draft(ONE)], NOW)).unchanged == 1


async def test_a_lower_lease_token_is_refused_in_every_bucket_that_saw_the_higher(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(7, [draft(ONE)], NOW)
    late = await store.emit(6, [draft(ONE, meaning="other")], NOW)
    assert late.fenced
    assert late.refused == 1
    found = await store.latest(ONE)
    assert found is not None
    assert found[0].meaning == "go-a"
    assert (await store.emit(8, [draft(ONE, meaning="other")], NOW)).written == 1


@pytest.mark.parametrize(
    ("fence", "message"),
    [(None, MessageKind.LIFTED), (None, MessageKind.PROVISIONAL), (5, MessageKind.PROVISIONAL)],
)
async def test_the_watchdog_never_overwrites_what_stands_on_the_same_version(redis, fence, message):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await record(redis, ONE, Stage.ACCEPTED, heard=2)
    provisional = draft(ONE, message=message, meaning="cautious")
    assert (await store.emit(fence, [provisional], NOW)).refused == 1
    newer = msgspec.structs.replace(provisional, alert_key="a:2")
    assert (await store.emit(fence, [newer], NOW)).written == 1
    seat = draft(ONE, alert_key="a:2", meaning="go-b")
    assert (await store.emit(5, [seat], NOW)).written == 1


async def test_an_older_version_of_the_same_order_never_comes_after_a_newer(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE, alert_key="a:10")], NOW)
    assert (await store.emit(1, [draft(ONE, alert_key="a:9", meaning="other")], NOW)).refused == 1
    assert (await store.emit(1, [draft(ONE, alert_key="b:1", meaning="other")], NOW)).written == 1


async def test_nobody_who_left_is_told_anything(redis):
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    assert (await store.emit(1, [draft(fake_id(9))], NOW)).refused == 1
    assert await store.latest(fake_id(9)) is None
    assert await redis.keys("*instructions*") == []


async def test_writers_at_the_same_time_give_rising_seqs_without_a_gap(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    reports = await asyncio.gather(*(store.emit(1, [draft(ONE, meaning=f"m{n}")], NOW) for n in range(20)))
    assert sum(one.written for one in reports) == 20
    found = await store.latest(ONE)
    assert found is not None
    assert found[0].seq == 20


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(["a:1", "a:2", "b:1"])), max_size=12))
def test_seq_rises_exactly_with_each_changed_meaning(server_url, story):
    async def play() -> None:
        async with Redis.from_url(server_url) as redis:
            await redis.flushall()
            await make_known(redis, ONE)
            store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
            seq, meaning, standing = 0, None, {}
            for wanted, key in story:
                report = await store.emit(1, [draft(ONE, meaning=wanted, alert_key=key)], NOW)
                order, version = key.split(":")
                if standing.get("order") == order and int(version) < standing["version"]:
                    assert report.refused == 1
                    continue
                standing = {"order": order, "version": int(version)}
                assert report.written == (wanted != meaning)
                seq, meaning = seq + report.written, wanted
            found = await store.latest(ONE)
            assert (found[0].seq if found else 0) == seq

    asyncio.run(play())


@pytest.mark.parametrize(
    "bad",
    [
        {"incident": "a/b"},
        {"incident": ""},
        {"meaning": "two words"},
        {"alert_key": "a"},
        {"alert_key": "a b:1"},
    ],
)
async def test_a_draft_that_can_not_be_stored_is_refused_before_anything_is_written(redis, bad):
    await make_known(redis, ONE)
    with pytest.raises(ValueError, match=next(iter(bad))):
        await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE), draft(ONE, **bad)], NOW)
    assert await redis.keys("*instructions*") == []


async def test_the_newest_over_all_incidents_is_by_decision_time(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE, incident="new", decided_at=NOW + timedelta(hours=1))], NOW)
    await store.emit(1, [draft(ONE, incident="old")], NOW)
    found = await store.latest(ONE)
    assert found is not None
    assert found[0].incident == "new"
    assert set(await store.latest_of_incident("old")) == {ONE}


async def test_the_tally_tells_accepted_from_displayed_and_the_list_names_the_cause(redis):
    ids = [fake_id(n) for n in range(4)]
    await make_known(redis, *ids)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(one) for one in ids], NOW)
    await record(redis, ids[0], Stage.ACCEPTED)
    await record(redis, ids[1], Stage.EXPIRED, cause="http_503")
    await record(redis, ids[2], Stage.REPLACED, cause="order_lifted")
    tally = await store.tally(INCIDENT)
    assert {stage: n for stage, n in tally.items() if n} == {
        Stage.ACCEPTED: 1,
        Stage.EXPIRED: 1,
        Stage.REPLACED: 1,
        Stage.QUEUED: 1,
    }
    assert await store.not_reached(INCIDENT) == sorted(
        [
            (ids[1], Stage.EXPIRED, "http_503"),
            (ids[3], Stage.QUEUED, ""),
        ]
    )
    assert sum((await store.tally("another")).values()) == 0


async def test_a_claimed_delivery_is_nobody_elses_until_the_claim_runs_out(redis):
    await make_known(redis, ONE)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE)], NOW)
    member, number = f"{INCIDENT}/{ONE}", bucket_of(ONE)
    _, first = await take(redis, number, member)
    _, second = await take(redis, number, member, NOW + timedelta(seconds=29))
    _, third = await take(redis, number, member, NOW + timedelta(seconds=30))
    assert [len(one) for one in (first, second, third)] == [1, 0, 1]


async def test_a_newer_seq_waits_until_the_older_under_way_is_through(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    member, number = f"{INCIDENT}/{ONE}", bucket_of(ONE)
    outbox, claimed = await take(redis, number, member)
    await store.emit(1, [draft(ONE, meaning="newer")], NOW)
    assert [one.instruction.seq for one in claimed] == [1]
    assert (await take(redis, number, member))[1] == []
    assert await record(redis, ONE, Stage.ACCEPTED, seq=1) == 0
    assert [one.groups for one in await outbox.due(NOW, 10)] == [((number, ((member, 0),)),)]
    _, newer = await take(redis, number, member)
    assert [one.instruction.seq for one in newer] == [2]


async def test_live_and_drill_instructions_never_meet(redis):
    await make_known(redis, ONE)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE)], NOW)
    drill = InstructionStore(redis, Realm.DRILL, TOLD_SEALER)
    assert await drill.latest(ONE) is None
    assert await drill.latest_of_incident(INCIDENT) == {}
    assert (await drill.emit(1, [draft(ONE)], NOW)).refused == 1


# ---- whom the end of an order concerns --------------------------------------------------------------------


def ending(subscription_id: str, message=MessageKind.RECALLED, alert_key="a:2"):
    return draft(subscription_id, message=message, action=None, meaning="over", alert_key=alert_key)


async def stand(store, subscription_id):
    found = await store.latest(subscription_id)
    assert found is not None
    return found[0].message, found[1].stage, found[1].cause


@pytest.mark.parametrize("message", [MessageKind.RECALLED, MessageKind.LIFTED, MessageKind.OUT_OF_AREA])
async def test_whom_nothing_can_have_reached_is_stopped_and_hears_of_no_end(redis, message):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    sent = await redis.xlen(Keys(Realm.LIVE).outbox(1))
    report = await store.emit(1, [ending(ONE, message)], NOW)
    assert (report.spared, report.written) == (1, 0)
    # The page reads the end of it; nothing is sent.
    assert await stand(store, ONE) == (message, Stage.REPLACED, f"order_{message}")
    assert await redis.zcard(Keys(Realm.LIVE).due(bucket_of(ONE))) == 0
    assert await redis.xlen(Keys(Realm.LIVE).outbox(1)) == sent
    assert (await store.emit(1, [draft(ONE, alert_key="a:3")], NOW)).written == 1


async def test_who_read_the_advice_on_the_page_hears_that_it_ended(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    read = await store.latest(ONE)
    assert read is not None
    await store.note_seen(read[0])
    assert (await store.emit(1, [ending(ONE)], NOW)).written == 1


async def test_who_answered_an_earlier_text_is_corrected_though_a_newer_one_waits(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await store.emit(1, [draft(ONE, meaning="go-b")], NOW)
    receipts = ReceiptService(redis, Realm.LIVE, HandClock(NOW), HMAC_KEY)
    assert not await receipts.record(receipt_token(HMAC_KEY, Realm.LIVE, ONE, INCIDENT, 1), Stage.OPENED)
    assert (await store.emit(1, [ending(ONE)], NOW)).written == 1


async def test_somebody_never_told_of_an_order_hears_nothing_of_its_end(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    assert (await store.emit(1, [ending(ONE)], NOW)).spared == 1
    assert await store.latest(ONE) is None


@pytest.mark.parametrize(
    ("stage", "heard", "is_told"),
    [
        (Stage.ACCEPTED, 2, True),
        (Stage.QUEUED, 1, True),  # a time-out: the push service may have taken it
        (Stage.EXPIRED, 1, True),
        (Stage.QUEUED, 0, False),  # 429: it was refused
        (Stage.FAILED, 0, False),
    ],
)
async def test_the_correction_goes_to_those_who_got_or_may_have_got_the_old_text(
    redis, stage, heard, is_told
):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await record(redis, ONE, stage, heard=heard, due_s=NOW.timestamp() + 5 if stage is Stage.QUEUED else 0.0)
    report = await store.emit(1, [ending(ONE)], NOW)
    assert (report.written, report.spared) == ((1, 0) if is_told else (0, 1))


async def test_who_got_an_earlier_text_of_the_incident_is_corrected_though_the_newest_waits(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await record(redis, ONE, Stage.ACCEPTED)
    await store.emit(1, [draft(ONE, meaning="go-b")], NOW)
    assert (await store.emit(1, [ending(ONE)], NOW)).written == 1


async def test_a_message_under_way_when_the_order_ends_is_corrected_only_if_it_may_have_gone_out(redis):
    ids = [fake_id(1), fake_id(2)]
    await make_known(redis, *ids)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(one) for one in ids], NOW)
    for one in ids:
        await take(redis, bucket_of(one), f"{INCIDENT}/{one}")
    assert (await store.emit(1, [ending(one) for one in ids], NOW)).written == 2
    await record(redis, ids[0], Stage.QUEUED, heard=1, cause="timeout", due_s=NOW.timestamp())
    await record(redis, ids[1], Stage.QUEUED, heard=0, cause="order_changed", due_s=NOW.timestamp())
    assert [(await stand(store, one))[:2] for one in ids] == [
        (MessageKind.RECALLED, Stage.QUEUED),
        (MessageKind.RECALLED, Stage.REPLACED),
    ]
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    (due,) = await outbox.due(NOW, 10)
    assert [one.instruction.subscription_id for one in await outbox.claim(due, NOW, NOW)] == [ids[0]]


async def test_a_claim_whose_holder_died_counts_as_may_have_been_sent(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(ONE)], NOW)
    await take(redis, bucket_of(ONE), f"{INCIDENT}/{ONE}")
    later = NOW + timedelta(seconds=31)
    await take(redis, bucket_of(ONE), f"{INCIDENT}/{ONE}", later)
    await record(redis, ONE, Stage.QUEUED, heard=0, cause="http_429", due_s=later.timestamp())
    assert (await store.emit(1, [ending(ONE)], later)).written == 1


async def test_a_claim_from_before_the_clock_was_set_back_holds_nobody_up(redis):
    await make_known(redis, ONE)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE)], NOW)
    await take(redis, bucket_of(ONE), f"{INCIDENT}/{ONE}", NOW + timedelta(hours=1))
    _, again = await take(redis, bucket_of(ONE), f"{INCIDENT}/{ONE}")
    assert len(again) == 1


# ---- order, pointers, counts -------------------------------------------------------------------------------


async def test_a_few_people_in_many_buckets_travel_in_few_pointers(redis):
    ids = [fake_id(n) for n in range(200)]
    await make_known(redis, *ids)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(one) for one in ids], NOW)
    assert await redis.xlen(Keys(Realm.LIVE).outbox(1)) == 1
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    pointer = await outbox.next_pointer(1)
    assert pointer is not None
    taken = await outbox.claim(pointer, NOW, NOW + timedelta(seconds=30))
    assert sorted(one.instruction.subscription_id for one in taken) == sorted(ids)


async def test_within_a_class_the_least_time_left_goes_first(redis, monkeypatch):
    monkeypatch.setattr("bosai.stores.instructions.SLICE", 10)
    monkeypatch.setattr("bosai.stores.instructions.ENTRIES_PER_POINTER", 5)
    ids = [fake_id(n) for n in range(30)]
    await make_known(redis, *ids)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(one, left_s=-n) for n, one in enumerate(ids)], NOW)
    outbox, order = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER), []
    while pointer := await outbox.next_pointer(1):
        order += [member.partition("/")[2] for _, entries in pointer.groups for member, _ in entries]
    assert [set(order[at : at + 10]) for at in (0, 10, 20)] == [set(ids[20:]), set(ids[10:20]), set(ids[:10])]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["emit", "emit other", "update", "end", "claim", "accept", "retry", "fail", "shown"]),
        st.integers(0, 2),
    ),
    max_size=25,
)


@given(MOVES)
@settings(max_examples=60, deadline=None)
async def test_the_counts_are_what_a_count_of_the_lines_gives(server_url, moves):
    async with Redis.from_url(server_url) as redis:
        await redis.flushall()
        ids = [fake_id(n) for n in range(3)]
        await make_known(redis, *ids)
        store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
        receipts = ReceiptService(redis, Realm.LIVE, HandClock(NOW), HMAC_KEY)
        for what, who in moves:
            one = ids[who]
            found = await store.latest(one)
            seq = found[0].seq if found else 1
            match what:
                case "emit":
                    await store.emit(1, [draft(one)], NOW)
                case "emit other":
                    await store.emit(1, [draft(one, meaning="go-b", alert_key="a:2")], NOW)
                case "update":
                    await store.emit(1, [draft(one, alert_key="a:3")], NOW)
                case "end":
                    await store.emit(1, [ending(one, alert_key="a:4")], NOW)
                case "claim":
                    await take(redis, bucket_of(one), f"{INCIDENT}/{one}")
                case "accept":
                    await record(redis, one, Stage.ACCEPTED, seq=seq, bytes_sent=900)
                case "retry":
                    await record(
                        redis, one, Stage.QUEUED, seq=seq, bytes_sent=900, due_s=1.0, cause="timeout"
                    )
                case "fail":
                    await record(redis, one, Stage.FAILED, seq=seq, cause="bad_keys")
                case "shown":
                    token = receipt_token(HMAC_KEY, Realm.LIVE, one, INCIDENT, seq)
                    await receipts.record(token, Stage.DISPLAYED)
        stood = [found for one in ids if (found := await store.latest(one))]
        counts = DeliveryCounts(redis, Realm.LIVE)
        by_stage = {stage: n for stage, n in (await counts.by_stage(INCIDENT)).items() if n}
        assert by_stage == Counter(delivery.stage for _, delivery in stood)
        for key in {instruction.alert_key for instruction, _ in stood}:
            of_key = sum((await counts.by_stage(INCIDENT, key)).values())
            assert of_key == sum(instruction.alert_key == key for instruction, _ in stood)


async def test_checks_are_nobodys_newest_advice_and_stand_on_no_order(redis):
    await make_known(redis, ONE)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    check = draft(
        ONE, incident="check", alert_key="check:0", message=MessageKind.SELF_TEST, action=None, meaning="t1"
    )
    assert (await store.emit_checks([check], NOW)).written == 1
    assert await store.latest(ONE) is None
    found = await store.check_of(ONE)
    assert found is not None
    assert (found[0].message, found[1].stage) == (MessageKind.SELF_TEST, Stage.QUEUED)
    with pytest.raises(ValueError, match="no check"):
        await store.emit_checks([draft(ONE)], NOW)
