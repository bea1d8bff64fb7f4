"""The counts beside the deliveries are what counting the deliveries would give."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bosai.model.instruction import Answer, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import ReceiptService, receipt_token
from bosai.stores.delivery_counts import Counted, DeliveryCounts
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import bucket_of
from bosai.stores.outbox import Outbox, Result
from tests.bosai.services.hq import HandClock
from tests.workers.street import HMAC_KEY, INCIDENT, NOW, TOLD_SEALER, draft, fake_id, make_known

IDS = [fake_id(n) for n in range(4)]
WHO = st.integers(0, len(IDS) - 1)
STEP = st.one_of(
    st.tuples(st.just("told"), WHO, st.sampled_from(["a:1", "a:2", "b:1"])),
    st.tuples(st.just("sent"), WHO, st.sampled_from(list(Stage)[:2] + list(Stage)[6:9])),
    st.tuples(st.just("said"), WHO, st.sampled_from([Stage.DISPLAYED, Stage.OPENED, *Answer])),
    st.tuples(st.just("ended"), WHO, st.sampled_from([MessageKind.LIFTED, MessageKind.RECALLED])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=14))
async def test_counts_follow_every_move(redis, steps):
    await redis.flushall()
    await make_known(redis, *IDS)
    store, outbox = (
        InstructionStore(redis, Realm.LIVE, TOLD_SEALER),
        Outbox(redis, Realm.LIVE, "w", TOLD_SEALER),
    )
    receipts = ReceiptService(redis, Realm.LIVE, HandClock(), HMAC_KEY)
    for number, (kind, who, what) in enumerate(steps):
        one, travel = IDS[who], await store.latest(IDS[who])
        if kind == "told":
            await store.emit(1, [draft(one, alert_key=what, meaning=f"m{number}")], NOW)
        elif kind == "ended":
            ending = draft(one, alert_key="a:9", meaning=f"m{number}", message=what, action=None)
            await store.emit(1, [ending], NOW)
        elif travel is not None and kind == "sent":
            result = Result(f"{INCIDENT}/{one}", travel[1].seq, what, 1, bytes_sent=7, cause="timeout")
            await outbox.record({bucket_of(one): [result]}, NOW)
        elif travel is not None:
            await receipts.record(receipt_token(HMAC_KEY, Realm.LIVE, one, INCIDENT, travel[1].seq), what)
    counted = await DeliveryCounts(redis, Realm.LIVE).read(INCIDENT)
    told = await store.latest_of_incident(INCIDENT)
    assert counted.by_stage() == {**dict.fromkeys(Stage, 0), **Counter(one.stage for _, one in told.values())}
    assert counted.persons == len(told)
    causes = Counter((one.stage, one.cause) for _, one in told.values() if _ended(one.stage) and one.cause)
    assert counted.causes() == dict(causes)


def _ended(stage: Stage) -> bool:
    return stage in {Stage.RETIRED, Stage.EXPIRED, Stage.FAILED, Stage.REPLACED}


async def test_another_incident_is_counted_apart_and_bytes_with_their_version(redis):
    await make_known(redis, *IDS)
    store, outbox = (
        InstructionStore(redis, Realm.LIVE, TOLD_SEALER),
        Outbox(redis, Realm.LIVE, "w", TOLD_SEALER),
    )
    await store.emit(1, [draft(IDS[0]), draft(IDS[1], alert_key="b:2"), draft(IDS[2], incident="i-9")], NOW)
    for one, key in ((IDS[0], INCIDENT), (IDS[1], INCIDENT), (IDS[2], "i-9")):
        result = Result(f"{key}/{one}", 1, Stage.ACCEPTED, 1, bytes_sent=900, heard=2)
        await outbox.record({bucket_of(one): [result]}, NOW)
    counts = DeliveryCounts(redis, Realm.LIVE)
    assert (await counts.read(INCIDENT)).sent == {"a:1": 900, "b:2": 900}
    assert (await counts.by_stage(INCIDENT, "b:2"))[Stage.ACCEPTED] == 1
    assert await counts.bytes("i-9") == 900
    assert await counts.read("i-0") == Counted()
    assert (await DeliveryCounts(redis, Realm.DRILL).read(INCIDENT)).persons == 0


def test_versions_are_ordered_by_number_and_not_by_letters():
    counted = Counted(stages={("a:10", Stage.QUEUED, ""): 1, ("a:9", Stage.QUEUED, ""): 2})
    assert counted.alert_keys == ("a:9", "a:10")
