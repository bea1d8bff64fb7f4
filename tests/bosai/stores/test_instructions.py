from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Pointer, Result
from tests.workers.street import INCIDENT, NOW, TOLD_SEALER, draft, fake_id, make_known

ONE = fake_id(1)


@pytest.fixture(scope="session")
def server_url(redis_server):
    """The server without the flush between tests: each example flushes for itself."""
    return redis_server.url


async def take(redis: Redis, number: int, member: str, at=NOW):
    """Claim as a worker does."""
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    pointer = Pointer(bucket=number, entries=((member, 0),))
    return outbox, await outbox.claim(pointer, at, at + timedelta(seconds=30))


async def record(redis: Redis, subscription_id: str, stage: Stage, seq: int = 1, **more) -> int:
    outbox = Outbox(redis, Realm.LIVE, "test", TOLD_SEALER)
    result = Result(member=f"{INCIDENT}/{subscription_id}", seq=seq, stage=stage, attempts=1, **more)
    return await outbox.record(bucket_of(subscription_id), [result], NOW)


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
    assert not await outbox.is_newest(number, claimed[0])
    assert (await take(redis, number, member))[1] == []
    assert await record(redis, ONE, Stage.ACCEPTED, seq=1) == 0
    assert [one.entries for one in await outbox.due(NOW, 10)] == [((member, 0),)]
    _, newer = await take(redis, number, member)
    assert [one.instruction.seq for one in newer] == [2]


async def test_live_and_drill_instructions_never_meet(redis):
    await make_known(redis, ONE)
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [draft(ONE)], NOW)
    drill = InstructionStore(redis, Realm.DRILL, TOLD_SEALER)
    assert await drill.latest(ONE) is None
    assert await drill.latest_of_incident(INCIDENT) == {}
    assert (await drill.emit(1, [draft(ONE)], NOW)).refused == 1
