from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.errors import WrongRealm
from bosai.messages.catalogue import LANGS
from bosai.model.alert import OrderKind
from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.model.subscription import PushTarget
from bosai.ports import OriginState, Parcel, PushOutcome
from bosai.push.part import PushPart
from bosai.push.topics import topic_of
from bosai.services.receipts import ReceiptService, parse_receipt_token
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import GROUP
from geodata.hazards import HazardKind
from tests.bed.answers import (
    GONE,
    NOT_FOUND,
    RESET,
    SERVER_ERROR,
    TOO_LARGE,
    UNAVAILABLE,
    Answer,
    slow,
    too_many,
)
from tests.bed.clocks import RealClock
from tests.bosai.services.hq import flood
from tests.workers.street import (
    HMAC_KEY,
    INCIDENT,
    PlainLetters,
    Street,
    drain,
    open_street,
    settle_in,
    store_of,
)
from workers.chunks import hand_back
from workers.delivery import DeliveryTuning
from workers.delivery_open import PressedLetters, read_texts
from workers.delivery_rules import Backoff
from workers.transport import TransportTuning


async def test_an_instruction_reaches_the_browser_once_with_every_header_explicit(redis):
    async with open_street(redis) as street:
        await street.emit()
        await drain(street.worker())
        await drain(street.worker("w2"))
        await street.worker().sweep()
        (message,) = street.push.attempts
        assert street.got()[0]["seq"] == 1
        assert (message.ttl_s, message.urgency) == (7200, "high")
        assert message.topic == topic_of(HMAC_KEY, Realm.LIVE, INCIDENT) == street.got()[0]["tag"]
        assert message.vapid is not None
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.attempts, delivery.cause) == (Stage.ACCEPTED, 1, "")
        assert delivery.bytes_sent == len(message.body)


async def test_what_was_done_leaves_neither_pointer_nor_due_entry(redis):
    async with open_street(redis, 3) as street:
        await street.emit()
        await drain(street.worker())
        k = Keys(Realm.LIVE)
        assert await redis.xlen(k.outbox(1)) == 0
        assert (await redis.xpending(k.outbox(1), GROUP))["pending"] == 0
        assert [await redis.zcard(k.due(bucket_of(one))) for one in street.ids] == [0, 0, 0]


async def test_the_most_endangered_go_first(redis):
    async with open_street(redis, 3) as street:
        for number, danger_class in enumerate([2, 1, 0]):
            await street.emit([street.ids[number]], danger_class=danger_class)
        await drain(street.worker())
        tokens = [one.channel.token for one in street.subscribers]
        assert [tokens.index(one.token) for one in street.push.attempts] == [2, 1, 0]


async def test_a_lost_pointer_costs_time_and_nobody(redis):
    async with open_street(redis, 2) as street:
        await street.emit()
        await redis.delete(Keys(Realm.LIVE).outbox(1))
        worker = street.worker()
        await worker.sweep()
        assert street.push.attempts == []
        street.clock.move(seconds=30)
        await worker.sweep()
        assert [await street.stage(one) for one in street.ids] == [Stage.ACCEPTED] * 2


@pytest.mark.parametrize(
    "answer",
    [SERVER_ERROR, UNAVAILABLE, RESET, too_many(), too_many(3), Answer(status=408), Answer(status=403)],
)
async def test_what_may_pass_is_tried_again_until_it_is_taken_and_then_no_more(redis, answer):
    async with open_street(redis) as street:
        street.push.answer_next(2, answer)
        await street.emit()
        worker = street.worker()
        await drain(worker)
        assert await street.stage(street.ids[0]) is Stage.QUEUED
        for _ in range(4):
            street.clock.move(seconds=70)
            await worker.sweep()
        assert len(street.push.attempts) == 3
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.attempts, len(street.got())) == (Stage.ACCEPTED, 3, 1)


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_push_service_that_names_a_time_is_left_alone_until_then(redis, as_date):
    async with open_street(redis) as street:
        told = datetime.now(UTC) + timedelta(seconds=301) if as_date else 300
        street.push.answer_next(1, too_many(told))
        await street.emit()
        worker = street.worker()
        await drain(worker)
        street.clock.move(seconds=295)
        await worker.sweep()
        assert len(street.push.attempts) == 1
        street.clock.move(seconds=60)
        await worker.sweep()
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


async def test_who_was_put_off_since_the_due_were_listed_is_left_alone_until_then(redis):
    async with open_street(redis) as street:
        street.push.answer_next(1, too_many(300))
        await street.emit()
        street.clock.move(seconds=31)
        first, second = street.worker("w1"), street.worker("w2")
        listed = await second.outbox.due(street.clock.now(), 200)
        await drain(first)
        for pointer in listed:
            await second.deliver(pointer)
        assert len(street.push.attempts) == 1
        street.clock.move(seconds=331)
        await second.sweep()
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


async def test_a_slow_push_service_counts_as_silent_and_is_tried_again(redis):
    async with open_street(redis) as street:
        street.push.answer_next(1, slow(1.3))
        await street.emit()
        worker = street.worker()
        await drain(worker)
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.cause) == (Stage.QUEUED, "timeout")
        street.clock.move(seconds=70)
        await worker.sweep()
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


@pytest.mark.parametrize("answer", [NOT_FOUND, GONE])
async def test_a_subscription_the_push_service_no_longer_knows_is_retired_with_its_home(redis, answer):
    async with open_street(redis, 2) as street:
        street.push.answer_always(answer, to=street.subscribers[0])
        await street.emit()
        await drain(street.worker())
        assert [await street.stage(one) for one in street.ids] == [Stage.RETIRED, Stage.ACCEPTED]
        store = store_of(redis)
        assert await store.held(street.ids[0]) is None
        assert await store.held(street.ids[1]) is not None
        assert await street.instructions.not_reached(INCIDENT) == [
            (street.ids[0], Stage.RETIRED, f"http_{answer.status}")
        ]


async def test_too_large_is_sent_again_shorter_at_once(redis):
    async with open_street(redis) as street:
        street.push.answer_next(1, TOO_LARGE)
        await street.emit()
        await drain(street.worker())
        assert [one["short"] for one in street.got()] == [True]
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


class Tired:
    """A push service that finds the text too large, then rests, and takes what comes after that."""

    def __init__(self, street: Street) -> None:
        self.street, self.sent, self.rest = street, [], 0.0

    def post(self, parcels: Sequence[Parcel]) -> None:
        for one in parcels:
            self.sent.append(one)
            outcome = (
                PushOutcome(status=413, cause="http_413", bytes_sent=len(one.body))
                if len(self.sent) == 1
                else PushOutcome(status=0, cause="push_service_down", retry_after_s=1.0, left=False)
            )
            hand_back([(one, outcome)])

    def room(self) -> int:
        return 100

    def rest_s(self, _origin: str) -> float:
        return self.rest

    def origins(self) -> list[OriginState]:
        return []


async def test_what_was_too_large_is_still_sent_shorter_after_its_push_service_had_a_rest(redis):
    async with open_street(redis) as street:
        tired = Tired(street)
        await street.emit()
        await drain(street.worker(transport=tired))
        assert len(tired.sent) == 2
        for rest_s in (5.0, 0.0):  # found resting before anything is made, then on its way and refused
            tired.rest = rest_s
            street.clock.move(seconds=20)
            await street.worker(transport=tired).sweep()
        assert len(tired.sent) == 3
        street.clock.move(seconds=20)
        await street.worker().sweep()
        assert [one["short"] for one in street.got()] == [True]


async def test_too_large_even_when_short_is_parked_with_the_reason_and_an_alarm(redis):
    async with open_street(redis) as street:
        street.push.answer_always(TOO_LARGE)
        await street.emit()
        worker = street.worker()
        await drain(worker)
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.cause, delivery.attempts) == (Stage.FAILED, "http_413", 1)
        assert len(street.push.attempts) == 2
        assert not (await health(redis, worker))["ok"]


async def health(redis, worker) -> dict[str, object]:
    await worker.report_health()
    state: dict[str, object] = msgspec.json.decode(await redis.hget(Keys(Realm.LIVE).health, "delivery:w1"))
    return state


async def test_a_fault_of_ours_keeps_the_subscription_and_raises_an_alarm_that_passes(redis):
    async with open_street(redis, 3) as street:
        street.push.answer_next(3, Answer(status=401))
        await street.emit()
        worker = street.worker()
        assert (await health(redis, worker))["ok"]
        await drain(worker)
        state = await health(redis, worker)
        assert not state["ok"]
        assert "http_401" in str(state["detail"])
        assert "/push/" not in str(state["detail"])  # the path of an endpoint is a capability
        assert await store_of(redis).held(street.ids[0]) is not None
        street.clock.move(minutes=11)
        assert (await health(redis, worker))["ok"]


async def test_one_person_whose_keys_are_not_ours_alarms_nobody(redis):
    async with open_street(redis, 2) as street:
        street.push.answer_always(Answer(status=403), to=street.subscribers[0])
        await street.emit()
        worker = street.worker()
        await drain(worker)
        for _ in range(4):
            street.clock.move(seconds=70)
            await worker.sweep()
        assert (await health(redis, worker))["ok"]
        assert [await street.stage(one) for one in street.ids] == [Stage.QUEUED, Stage.ACCEPTED]


async def test_who_registered_anew_while_the_old_endpoint_was_refused_is_told_there(redis):
    async with open_street(redis) as street:
        fresh = street.push.make_subscriber()
        street.push.answer_always(GONE, to=street.subscribers[0])
        await street.emit()
        worker = street.worker()
        retire = worker._subscriptions.retire

        async def just_before(gone):
            store = store_of(redis)
            held = await store.held(street.ids[0])
            target = PushTarget(endpoint=fresh.endpoint, p256dh=fresh.p256dh, auth=fresh.auth)
            part = PushPart(target=target, lang="ja")
            assert await store.put(redis, street.ids[0], expected=held.meta_raw, meta=held.meta, push=part)
            return await retire(gone)

        worker._subscriptions.retire = just_before
        await drain(worker)
        assert (await street.delivery(street.ids[0])).cause == "renewed"
        await worker.sweep()
        assert (await street.stage(street.ids[0]), len(fresh.inbox)) == (Stage.ACCEPTED, 1)


async def test_advice_that_went_stale_is_not_sent_and_the_cause_is_kept(redis):
    async with open_street(redis) as street:
        street.push.answer_always(UNAVAILABLE)
        await street.emit()
        worker = street.worker()
        await drain(worker)
        street.clock.move(hours=2)
        street.push.answer_normally()
        await worker.sweep()
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.cause) == (Stage.EXPIRED, "http_503")
        assert street.got() == []


async def test_a_wait_longer_than_the_advice_is_fresh_ends_in_expiry_and_not_in_silence(redis):
    async with open_street(redis) as street:
        street.push.answer_next(1, too_many(3600))
        await street.emit(stale_at=street.clock.now() + timedelta(minutes=10))
        worker = street.worker()
        await drain(worker)
        street.clock.move(minutes=10)
        await worker.sweep()
        assert await street.stage(street.ids[0]) is Stage.EXPIRED


async def test_a_newer_instruction_takes_the_place_of_one_still_waiting(redis):
    async with open_street(redis) as street:
        await street.emit()
        await street.emit(meaning="go-b")
        await drain(street.worker())
        assert [one["seq"] for one in street.got()] == [2]


async def test_an_order_recalled_or_lifted_before_sending_goes_to_nobody(redis):
    async with open_street(redis, 2) as street:
        other = await street.hq.issue()
        await street.emit([street.ids[0]])
        await street.emit([street.ids[1]], alert_key=other.alert.key)
        await street.hq.recall(street.order)
        await street.hq.lift(other.alert.alert_id)
        await drain(street.worker())
        assert street.push.attempts == []
        causes = [(await street.delivery(one)).cause for one in street.ids]
        assert causes == ["order_recalled", "order_lifted"]
        assert await street.instructions.not_reached(INCIDENT) == []


@pytest.mark.parametrize("message", [MessageKind.LIFTED, MessageKind.OUT_OF_AREA])
async def test_the_end_of_an_order_is_told_as_such(redis, message):
    async with open_street(redis) as street:
        await street.emit()
        await drain(street.worker())
        lift = await street.hq.lift(street.order.alert.alert_id)
        await street.emit(message=message, action=None, meaning="over", alert_key=lift.alert.key)
        await drain(street.worker())
        assert [(one["kind"], one["alert"]) for one in street.got()[1:]] == [(message, lift.alert.key)]
        assert street.push.attempts[0].urgency == "high"


async def test_a_superseded_order_waits_for_the_new_plan_and_then_goes_in_its_words(redis):
    async with open_street(redis) as street:
        await street.emit()
        newer = await street.hq.update(street.order.alert.alert_id)
        worker = street.worker()
        await drain(worker)
        assert (street.push.attempts, (await street.delivery(street.ids[0])).cause) == ([], "new_version")
        await street.hq.store.mark_planned(newer.alert.key, "p2", street.clock.now())
        street.clock.move(seconds=2)
        await worker.sweep()
        assert [one["alert"] for one in street.got()] == [newer.alert.key]


async def test_nobody_waits_for_ever_for_a_plan_that_does_not_come(redis):
    async with open_street(redis) as street:
        await street.emit()
        await street.hq.update(street.order.alert.alert_id)
        street.clock.move(seconds=11)
        await drain(street.worker())
        assert [one["alert"] for one in street.got()] == [street.order.alert.key]


@pytest.mark.parametrize(
    ("hazard", "urgency"), [(HazardKind.FLOOD, "normal"), (HazardKind.EARTHQUAKE, "high")]
)
async def test_a_notice_does_not_wake_the_device_unless_it_is_of_strong_shaking(redis, hazard, urgency):
    async with open_street(redis) as street:
        notice = await street.hq.issue(flood(hazard=hazard, kind=OrderKind.NOTICE))
        await street.emit(alert_key=notice.alert.key)
        await drain(street.worker())
        assert street.push.attempts[0].urgency == urgency


async def test_an_order_of_the_other_side_is_never_sent(redis):
    async with open_street(redis) as street, open_street(redis, realm=Realm.DRILL) as drill:
        await street.emit()
        worker = street.worker(alerts=_Mixed(drill.order))
        await drain(worker)
        assert street.push.attempts == []
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.cause) == (Stage.FAILED, "wrong_realm")
        assert not (await health(redis, worker))["ok"]


class _Mixed:
    """A store that answers with the other side's order, as only a fault of ours could."""

    def __init__(self, record) -> None:
        self.record = record

    async def get(self, _key):
        return self.record

    async def head(self, _alert_id):
        return self.record

    async def planned(self, _key):
        return True


async def test_a_worker_of_one_side_takes_no_store_of_the_other(redis):
    async with open_street(redis) as street:
        with pytest.raises(WrongRealm):
            street.worker(subscriptions=store_of(redis, Realm.DRILL))


async def test_a_drill_is_delivered_on_its_own_side_while_the_live_side_stays_silent(redis):
    async with open_street(redis) as live, open_street(redis, realm=Realm.DRILL) as drill:
        await drill.emit()
        await drain(live.worker())
        live.clock.move(minutes=5)
        await live.worker().sweep()
        await drain(drill.worker())
        assert (live.push.attempts, [one["realm"] for one in drill.got()]) == ([], ["drill"])


async def test_a_text_that_can_not_be_made_stops_nobody_else(redis):
    async with open_street(redis, 2) as street:

        class Broken(PlainLetters):
            def letter(self, instruction, *rest, **more):
                if instruction.subscription_id == street.ids[0]:
                    raise KeyError("no such sentence")
                return super().letter(instruction, *rest, **more)

        await street.emit()
        await drain(street.worker(letters=Broken()))
        assert [await street.stage(one) for one in street.ids] == [Stage.FAILED, Stage.ACCEPTED]


async def test_a_text_beyond_the_limit_is_parked_before_it_is_sent(redis):
    async with open_street(redis) as street:
        await street.emit()
        letters = PlainLetters()
        letters.letter = lambda *_, **__: b"x" * 3073
        await drain(street.worker(letters=letters))
        assert street.push.attempts == []
        assert (await street.delivery(street.ids[0])).cause == "too_large"


async def test_a_record_that_does_not_open_is_parked_and_stops_nobody_else(redis):
    async with open_street(redis, 2) as street:
        await redis.hset(Keys(Realm.LIVE).push(bucket_of(street.ids[0])), street.ids[0], b"\x01" + b"x" * 60)
        await street.emit()
        await drain(street.worker())
        assert [(await street.delivery(one)).cause for one in street.ids] == ["seal_broken", ""]


async def test_an_endpoint_that_is_no_longer_allowed_is_parked_without_a_connection(redis):
    async with open_street(redis, 1) as street:
        good = street.subscribers[0]
        moved = PushTarget(endpoint="https://192.168.0.9/push", p256dh=good.p256dh, auth=good.auth)
        await redis.flushall()
        street.order = await street.hq.issue()
        await settle_in(redis, [moved])
        await street.emit()
        await drain(street.worker())
        delivery = await street.delivery(street.ids[0])
        assert (delivery.stage, delivery.cause) == (Stage.FAILED, "host_refused")


async def test_the_token_in_the_message_opens_its_receipt(redis):
    async with open_street(redis) as street:
        await street.emit()
        await drain(street.worker())
        token = street.got()[0]["r"]
        named = parse_receipt_token(HMAC_KEY, Realm.LIVE, token)
        assert (named.subscription_id, named.incident, named.seq) == (street.ids[0], INCIDENT, 1)
        await ReceiptService(redis, Realm.LIVE, street.clock, HMAC_KEY).record(token, Stage.DISPLAYED)
        assert await street.stage(street.ids[0]) is Stage.DISPLAYED


async def test_what_a_device_has_shown_is_not_sent_again_though_the_answer_was_lost(redis):
    async with open_street(redis) as street:
        street.push.answer_next(1, RESET)
        await street.emit()
        worker = street.worker()
        await drain(worker)
        from bosai.services.receipts import receipt_token

        token = receipt_token(HMAC_KEY, Realm.LIVE, street.ids[0], INCIDENT, 1)
        await ReceiptService(redis, Realm.LIVE, street.clock, HMAC_KEY).record(token, Stage.DISPLAYED)
        street.clock.move(minutes=5)
        await worker.sweep()
        assert len(street.push.attempts) == 1


async def test_over_tls_the_push_service_is_verified(redis):
    async with open_street(redis, tls=True) as street:
        await street.emit()
        await drain(street.worker())
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


async def test_a_chunk_past_its_deadline_goes_back_to_the_schedule(redis):
    async with open_street(redis, 2) as street:
        street.push.answer_next(1, slow(0.9), to=street.subscribers[0])
        await street.emit()
        worker = street.worker(tuning=DeliveryTuning(chunk_deadline_s=0.4, outcome_s=0.2, claim_s=5.0))
        await drain(worker)
        assert [(await street.delivery(one)).cause for one in street.ids] == ["deadline", ""]
        await worker.sweep()
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED


async def test_a_dead_push_service_is_left_alone_after_a_few_tries(redis):
    few = TransportTuning(in_flight=6, in_flight_per_origin=4)
    async with open_street(redis, 60, transport_tuning=few) as street:
        street.push.answer_always(UNAVAILABLE)
        await street.emit()
        worker = street.worker()
        await drain(worker)
        assert len(street.push.attempts) < 20
        assert {await street.stage(one) for one in street.ids} == {Stage.QUEUED}


@contextlib.asynccontextmanager
async def running(*workers):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in workers]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()


async def test_five_hundred_people_hear_once_though_the_push_service_fails_and_two_workers_race(redis):
    quick = DeliveryTuning(
        sweep_every_s=0.05, reclaim_every_s=0.1, block_ms=20, backoff=Backoff(base_s=0.05, max_s=0.2)
    )
    async with open_street(redis, 520) as street:
        for number, answer in enumerate([UNAVAILABLE, SERVER_ERROR, too_many(), GONE, TOO_LARGE, RESET]):
            for one in street.subscribers[number * 10 : number * 10 + 10]:
                street.push.answer_next(1, answer, to=one)
        moving = RealClock()
        street.clock.at = moving.now()
        workers = [
            street.worker(name, tuning=quick, clock=moving, rng=random.Random(number))
            for number, name in enumerate(["w1", "w2"])
        ]
        async with running(*workers):
            await street.emit(decided_at=moving.now(), stale_at=moving.now() + timedelta(hours=1))
            async with asyncio.timeout(40):
                while (await street.instructions.tally(INCIDENT))[Stage.QUEUED]:
                    await asyncio.sleep(0.05)
        tally = await street.instructions.tally(INCIDENT)
        assert {stage: count for stage, count in tally.items() if count} == {
            Stage.ACCEPTED: 510,
            Stage.RETIRED: 10,
        }
        assert {len(one.inbox) for one in street.subscribers} == {0, 1}
        assert sum(len(one.inbox) for one in street.subscribers) == 510


async def test_the_message_of_the_service_itself_reaches_the_browser_in_every_language(redis):
    await asyncio.to_thread(read_texts)
    async with open_street(redis) as street:
        for number, lang in enumerate(LANGS):
            await settle_in_again(redis, street, lang)
            await street.emit(meaning=f"m{number}")
            await drain(street.worker(letters=PressedLetters(Realm.LIVE)))
        assert [one["web_push"] for one in street.got()] == [8030] * len(LANGS)
        assert {one["notification"]["tag"] for one in street.got()} == {street.push.attempts[0].topic}
        assert [one["bosai"]["seq"] for one in street.got()] == list(range(1, len(LANGS) + 1))
        assert all("七郷小学校" in one["notification"]["body"] for one in street.got())


async def settle_in_again(redis, street, lang) -> None:
    """The same browser, now reading another language."""
    store, (subscription_id,) = store_of(redis), street.ids
    held = await store.held(subscription_id)
    part = store.open_push(subscription_id, held.push_sealed)
    changed = PushPart(target=part.target, lang=lang)
    assert await store.put(redis, subscription_id, expected=held.meta_raw, meta=held.meta, push=changed)


async def test_a_result_is_written_down_though_redis_goes_away_for_a_moment(redis, monkeypatch):
    async with open_street(redis) as street:
        await street.emit()
        worker, away = street.worker(), iter([True, True, False])
        record = worker.outbox.record

        async def sometimes(*parts):
            if next(away, False):
                raise RedisConnectionError("gone")
            return await record(*parts)

        monkeypatch.setattr(worker.outbox, "record", sometimes)
        await drain(worker)
        assert (len(street.push.attempts), await street.stage(street.ids[0])) == (1, Stage.ACCEPTED)


async def test_a_worker_lives_on_when_redis_was_away(redis, monkeypatch):
    async with open_street(redis) as street:
        worker, away = street.worker(tuning=DeliveryTuning(block_ms=20)), iter([True] * 3)
        read = worker.outbox.next_pointer

        async def sometimes(block_ms):
            if next(away, False):
                raise RedisConnectionError("gone")
            return await read(block_ms)

        monkeypatch.setattr(worker.outbox, "next_pointer", sometimes)
        task = asyncio.create_task(worker.run())
        await street.emit()
        await street.push.wait_for(lambda one: one.accepted)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await street.stage(street.ids[0]) is Stage.ACCEPTED
