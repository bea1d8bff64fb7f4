"""Real kills in the middle of a fan-out: of delivery processes at random moments, and of Redis."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.embedded import embedded_redis
from bosai.model.instruction import Stage
from tests.bed.answers import slow
from tests.bed.clocks import RealClock
from tests.conftest import DRIVER
from tests.workers.street import INCIDENT, open_street
from tests.workers.test_delivery import running
from workers.delivery import DeliveryTuning
from workers.transport import TransportTuning

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(90)
async def test_workers_killed_at_random_moments_lose_nobody(redis, private_redis):
    rng, kills, people = random.Random(11), 4, 150
    async with open_street(redis, people) as street:
        street.push.answer_always(slow(0.02))
        clock = RealClock()
        street.clock.at = clock.now()
        await street.emit(decided_at=clock.now(), stale_at=clock.now() + timedelta(hours=1))
        for number in range(kills):
            process = await start_worker(street, private_redis.url, f"victim{number}")
            enough = len(street.push.attempts) + rng.randrange(1, 30)
            await street.push.wait_until(partial(street.has_heard, enough), timeout_s=20)
            process.kill()
            await process.wait()
        last = await start_worker(street, private_redis.url, "survivor")
        try:
            async with asyncio.timeout(40):
                while (await street.instructions.tally(INCIDENT))[Stage.ACCEPTED] < people:
                    assert last.returncode is None, "the worker ended by itself"
                    await asyncio.sleep(0.1)
        finally:
            last.kill()
            await last.wait()
        heard = [len(one.inbox) for one in street.subscribers]
        assert min(heard) >= 1
        # At most what was under way is repeated: twenty messages in flight, and what had just come back of them.
        assert sum(heard) - people <= kills * 2 * 20
        assert len({one.topic for one in street.push.messages}) == 1


async def start_worker(street, url, consumer) -> asyncio.subprocess.Process:
    told = {"url": url, "host": street.push.endpoint_host, "pem": street.pem, "consumer": consumer}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.workers.worker_process", json.dumps(told), cwd=ROOT
    )


@pytest.mark.timeout(120)
async def test_redis_killed_in_the_middle_of_a_fan_out_loses_nobody(tmp_path):
    people = 400
    few = TransportTuning(in_flight=30, in_flight_per_origin=20, connections_per_origin=20)
    quick = DeliveryTuning(
        chunk_deadline_s=0.6,
        outcome_s=1.0,
        claim_s=2.0,
        flush_s=0.02,
        sweep_every_s=0.1,
        reclaim_every_s=0.3,
        block_ms=20,
        record_patience_s=4.0,
    )
    async with embedded_redis(tmp_path) as server, Redis.from_url(server.url, driver_info=DRIVER) as client:
        async with open_street(client, people, transport_tuning=few) as street:
            street.push.answer_always(slow(0.03))
            clock = RealClock()
            street.clock.at = clock.now()
            worker = street.worker(tuning=quick, clock=clock)
            async with running(worker):
                await street.emit(decided_at=clock.now(), stale_at=clock.now() + timedelta(hours=1))
                await street.push.wait_until(lambda: len(street.push.messages) > 60, timeout_s=20)
                os.kill(server.pid, signal.SIGKILL)
                async with asyncio.timeout(60):
                    while await accepted(street) < people:
                        await asyncio.sleep(0.1)
        heard = [len(one.inbox) for one in street.subscribers]
        assert min(heard) == 1
        # What was under way when Redis went is repeated at most, under the same tag.
        assert sum(heard) - people <= 256
        assert len({one.topic for one in street.push.messages}) == 1
        assert server.restarts >= 1


async def accepted(street) -> int:
    try:
        return (await street.instructions.tally(INCIDENT))[Stage.ACCEPTED]
    except (RedisConnectionError, OSError):
        return 0
