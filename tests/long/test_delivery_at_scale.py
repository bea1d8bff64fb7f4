"""Ten thousand people, and everything a push service can answer: nobody is lost, nobody hears twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bosai.model.instruction import Stage
from bosai.model.subscription import PushTarget
from bosai.push.hosts import HostPolicy
from bosai.stores.delivery_counts import DeliveryCounts
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
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.workers.street import INCIDENT, open_street, settle_in
from tests.workers.test_delivery import running
from workers.chunks import hand_back
from workers.delivery import DeliveryTuning
from workers.delivery_rules import Backoff
from workers.transport import TransportTuning, open_transport

# Patient: on a busy machine too, only those who are scripted to be answered late are given up.
QUICK = DeliveryTuning(
    sweep_every_s=0.1,
    reclaim_every_s=0.5,
    block_ms=20,
    chunk_deadline_s=25.0,
    claim_s=60.0,
    backoff=Backoff(base_s=0.2, max_s=1.0),
)
TIME_OUT_S = 8.0
FIGURES = TransportTuning(
    in_flight=150,
    in_flight_per_origin=100,
    connections_per_origin=100,  # those who hang hold a connection each, and must not hold them all
    connect_timeout_s=TIME_OUT_S,
    total_timeout_s=TIME_OUT_S,
)
ONCE: list[tuple[str, Answer, int]] = [
    ("429", too_many(1), 300),
    ("429 without a time", too_many(), 200),
    ("500", SERVER_ERROR, 300),
    ("503", UNAVAILABLE, 300),
    ("413", TOO_LARGE, 200),
    ("reset", RESET, 100),
    ("time-out", slow(TIME_OUT_S + 1.0), 60),
]
FOR_GOOD: list[tuple[str, Answer, int]] = [("404", NOT_FOUND, 250), ("410", GONE, 250)]
SLOW_ORIGIN = 200


def scripted(push: PushService, people: list[Subscriber]) -> dict[str, list[Subscriber]]:
    """Who of them meets which answer."""
    left: Iterator[Subscriber] = iter(people)
    met: dict[str, list[Subscriber]] = {}
    for name, answer, many in ONCE:
        met[name] = [next(left) for _ in range(many)]
        for one in met[name]:
            push.answer_next(1, answer, to=one)
    for name, answer, many in FOR_GOOD:
        met[name] = [next(left) for _ in range(many)]
        for one in met[name]:
            push.answer_always(answer, to=one)
    return met


@pytest.mark.timeout(240)
async def test_ten_thousand_people_hear_once_whatever_their_push_services_answer(redis):
    async with open_street(redis) as street, PushService() as other:
        many = 10_000 - SLOW_ORIGIN
        people = [street.push.make_subscriber() for _ in range(many)]
        far = [other.make_subscriber() for _ in range(SLOW_ORIGIN)]
        other.answer_always(slow(0.4))
        everybody = [*people, *far]
        random.Random(5).shuffle(everybody)
        met = scripted(street.push, [one for one in everybody if one not in set(far)])
        targets = [PushTarget(endpoint=one.endpoint, p256dh=one.p256dh, auth=one.auth) for one in everybody]
        await redis.flushall()
        street.order = await street.hq.issue()
        ids = await settle_in(redis, targets)
        hosts = HostPolicy([], test_hosts=[street.push.endpoint_host, other.endpoint_host])
        moving = RealClock()
        street.clock.at = moving.now()
        async with (
            open_transport(hosts, hand_back, tuning=FIGURES) as first,
            open_transport(hosts, hand_back, tuning=FIGURES) as second,
        ):
            workers = [
                street.worker(f"w{n}", tuning=QUICK, clock=moving, rng=random.Random(n), transport=transport)
                for n, transport in enumerate([first, second])
            ]
            async with running(*workers):
                await street.emit(ids, decided_at=moving.now(), stale_at=moving.now() + timedelta(hours=1))
                async with asyncio.timeout(200):
                    while (await street.instructions.tally(INCIDENT))[Stage.QUEUED]:
                        await asyncio.sleep(0.2)
        gone = len(met["404"]) + len(met["410"])
        tally = await street.instructions.tally(INCIDENT)
        assert {stage: n for stage, n in tally.items() if n} == {
            Stage.ACCEPTED: 10_000 - gone,
            Stage.RETIRED: gone,
        }
        assert await DeliveryCounts(redis, street.realm).causes(INCIDENT) == {
            (Stage.RETIRED, "http_404"): len(met["404"]),
            (Stage.RETIRED, "http_410"): len(met["410"]),
        }
        assert {one.channel.token for one in everybody if not one.inbox} == {
            one.channel.token for name in ("404", "410") for one in met[name]
        }
        # A push service that answers too late has taken the message all the same: that one may come again.
        twice = Counter(one.channel.token for one in everybody if len(one.inbox) > 1)
        assert set(twice) <= {one.channel.token for one in met["time-out"]}
        assert len({one.topic for one in (*street.push.messages, *other.messages)}) == 1
        shorter = {one.channel.token for one in everybody if one.inbox and one.inbox[-1].json()["short"]}
        assert shorter == {one.channel.token for one in met["413"]}
        refused = {name for name, one in zip(ids, everybody, strict=True) if not one.inbox}
        assert {one for one, _, _ in await street.instructions.not_reached(INCIDENT)} == refused
