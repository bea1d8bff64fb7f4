"""A recall or an update in the middle of a fan-out: what waits stops, and only those who heard are corrected."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from bosai.model.instruction import MessageKind, Stage
from bosai.stores.delivery_counts import DeliveryCounts
from tests.bed.answers import slow
from tests.bed.clocks import RealClock
from tests.workers.street import INCIDENT, open_street
from tests.workers.test_delivery import running
from workers.delivery import DeliveryTuning
from workers.transport import TransportTuning

PEOPLE = 900
# Twenty at a time, a twentieth of a second each: the whole takes more than two seconds.
FEW = TransportTuning(in_flight=30, in_flight_per_origin=20, connections_per_origin=20)
QUICK = DeliveryTuning(sweep_every_s=0.1, reclaim_every_s=0.5, block_ms=20, recheck_after_s=0.2)


async def all_settled(street) -> None:
    async with asyncio.timeout(40):
        while (await street.instructions.tally(INCIDENT))[Stage.QUEUED]:
            await asyncio.sleep(0.05)


def kinds(one) -> list[str]:
    return [message.json()["kind"] for message in one.inbox]


async def test_a_recall_stops_what_waits_and_corrects_exactly_those_who_heard(redis):
    async with open_street(redis, PEOPLE, transport_tuning=FEW) as street:
        street.push.answer_always(slow(0.05))
        clock = RealClock()
        street.clock.at = clock.now()
        stale_at = clock.now() + timedelta(hours=1)
        async with running(street.worker(tuning=QUICK, clock=clock)):
            await street.emit(decided_at=clock.now(), stale_at=stale_at)
            await street.push.wait_until(lambda: len(street.push.messages) > 100, timeout_s=20)
            street.clock.at = clock.now()
            recall = await street.hq.recall(street.order)
            recalled_s = time.time()
            # The planner answers a little later, while the fan-out is still stopping.
            await asyncio.sleep(0.3)
            report = await street.emit(
                message=MessageKind.RECALLED,
                action=None,
                meaning="recalled",
                alert_key=recall.alert.key,
                decided_at=clock.now(),
                stale_at=stale_at,
            )
            await all_settled(street)
        orders = [one for one in street.push.attempts if one.json()["kind"] == "order"]
        assert max(one.received_s for one in orders) < recalled_s + 2.0
        assert len(orders) < PEOPLE - 100
        # Who heard the order hears the correction, last; nobody else hears anything.
        assert {tuple(kinds(one)) for one in street.subscribers} == {(), ("order", "recalled")}
        heard = sum(bool(one.inbox) for one in street.subscribers)
        counts = await DeliveryCounts(redis, street.realm).read(INCIDENT)
        stood = {stage: n for stage, n in counts.by_stage().items() if n}
        assert stood == {Stage.ACCEPTED: heard, Stage.REPLACED: PEOPLE - heard}
        assert counts.by_stage(recall.alert.key)[Stage.ACCEPTED] == heard
        assert report.written + report.spared == PEOPLE
        assert report.written >= heard
        assert await street.instructions.not_reached(INCIDENT) == []


async def test_an_update_in_the_middle_goes_on_in_the_words_of_the_new_version(redis):
    async with open_street(redis, PEOPLE, transport_tuning=FEW) as street:
        street.push.answer_always(slow(0.05))
        clock = RealClock()
        street.clock.at = clock.now()
        stale_at = clock.now() + timedelta(hours=1)
        async with running(street.worker(tuning=QUICK, clock=clock)):
            await street.emit(decided_at=clock.now(), stale_at=stale_at)
            await street.push.wait_until(lambda: len(street.push.messages) > 100, timeout_s=20)
            street.clock.at = clock.now()
            newer = await street.hq.update(street.order.alert.alert_id)
            updated_s = time.time()
            # The new plan changes the half of the people, and leaves the others as they were.
            moved = street.ids[: PEOPLE // 2]
            await street.emit(
                moved, meaning="go-b", alert_key=newer.alert.key, decided_at=clock.now(), stale_at=stale_at
            )
            await street.emit(
                street.ids[PEOPLE // 2 :],
                alert_key=newer.alert.key,
                decided_at=clock.now(),
                stale_at=stale_at,
            )
            await street.hq.store.mark_planned(newer.alert.key, "p2", clock.now())
            await all_settled(street)
        late = [one for one in street.push.attempts if one.received_s > updated_s + 2.0]
        assert {one.json()["alert"] for one in late} == {newer.alert.key}
        assert {len(one.inbox) for one in street.subscribers[: PEOPLE // 2]} <= {1, 2}
        assert {one.inbox[-1].json()["seq"] for one in street.subscribers[: PEOPLE // 2]} == {2}
        assert {len(one.inbox) for one in street.subscribers[PEOPLE // 2 :]} == {1}
