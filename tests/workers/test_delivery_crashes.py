"""A worker may die anywhere: nobody is lost, and at most the chunk in flight is repeated, under the same tag."""

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
from tests.bed.answers import UNAVAILABLE, slow
from tests.bed.clocks import RealClock
from tests.bosai.services.test_subscriptions import HOME, service, target
from tests.conftest import DRIVER
from tests.workers.street import INCIDENT, drain, open_street
from tests.workers.test_delivery import running
from workers.delivery import DeliveryTuning
from workers.transport import TransportTuning

ROOT = Path(__file__).resolve().parents[2]


class Died(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


def dying(worker, name):
    """Let the worker die when it is about to do this to the outbox."""

    async def die(*_, **__):
        raise Died

    setattr(worker.outbox, name, die)
    return worker


async def run_to_death(worker):
    with pytest.raises(Died):
        await worker.step()


async def test_dying_before_the_claim_loses_nobody_and_repeats_nothing(redis):
    async with open_street(redis, 2) as street:
        await street.emit()
        await run_to_death(dying(street.worker(), "claim"))
        street.clock.move(seconds=31)
        await street.worker("w2").sweep()
        assert [len(one.inbox) for one in street.subscribers] == [1, 1]


async def test_dying_between_sending_and_recording_repeats_the_chunk_under_the_same_tag(redis):
    async with open_street(redis, 2) as street:
        await street.emit()
        await run_to_death(dying(street.worker(), "record"))
        assert [await street.stage(one) for one in street.ids] == [Stage.QUEUED] * 2
        second = street.worker("w2")
        await second.sweep()
        assert len(street.push.attempts) == len({one.token for one in street.push.attempts})  # claimed still
        street.clock.move(seconds=31)
        await second.sweep()
        assert [await street.stage(one) for one in street.ids] == [Stage.ACCEPTED] * 2
        assert all(len(one.inbox) <= 2 for one in street.subscribers)
        assert len({one.topic for one in street.push.attempts}) == 1


async def test_dying_between_recording_and_acknowledging_repeats_nothing(redis):
    async with open_street(redis, 2) as street:
        await street.emit()
        await run_to_death(dying(street.worker(), "acknowledge"))
        second = street.worker("w2")
        for pointer in await second.outbox.reclaim(0):
            await second.deliver(pointer)
        street.clock.move(seconds=60)
        await second.sweep()
        assert [len(one.inbox) for one in street.subscribers] == [1, 1]
        assert await second.outbox.reclaim(0) == []


async def test_a_worker_that_is_stopped_writes_down_what_it_has_sent(redis):
    async with open_street(redis, 2) as street:
        street.push.answer_always(slow(3.0), to=street.subscribers[1])
        await street.emit([street.ids[0]])
        await street.emit([street.ids[1]])
        task = asyncio.create_task(street.worker(tuning=DeliveryTuning(block_ms=20)).run())
        await street.push.wait_for(lambda one: one.token == street.subscribers[0].channel.token)
        async with asyncio.timeout(5):
            while await street.stage(street.ids[0]) is not Stage.ACCEPTED:
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stages = [await street.stage(one) for one in street.ids]
        assert stages == [Stage.ACCEPTED, Stage.QUEUED]
        street.push.answer_normally(to=street.subscribers[1])
        street.clock.move(seconds=31)
        await street.worker("w2").sweep()
        assert await street.stage(street.ids[1]) is Stage.ACCEPTED


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


async def test_an_acknowledged_subscriber_survives_the_kill_of_redis(tmp_path):
    async with embedded_redis(tmp_path) as server, Redis.from_url(server.url, driver_info=DRIVER) as client:
        made = await service(client).register(target(), "ja", (HOME,))
        restarts = server.restarts
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while server.restarts == restarts or not await answers(client):
                await asyncio.sleep(0.02)
        assert (await service(client).read(made.subscription_id, made.secret)).push == target()


async def answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisConnectionError, OSError):
        return False


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


async def test_a_clock_that_is_set_back_puts_nobody_off(redis):
    async with open_street(redis, 2) as street:
        street.push.answer_next(2, UNAVAILABLE)
        await street.emit()
        worker = street.worker()
        await worker.mind_the_clock()
        await drain(worker)
        street.clock.move(hours=-6)
        await worker.sweep()
        assert {one.status for one in street.push.attempts} == {
            503
        }  # due six hours from now, as the clock has it
        await worker.mind_the_clock()
        street.clock.move(seconds=31)
        await worker.sweep()
        assert [await street.stage(one) for one in street.ids] == [Stage.ACCEPTED] * 2


async def test_a_clock_that_jumps_ahead_repeats_nothing_that_was_taken(redis):
    async with open_street(redis, 2) as street:
        await street.emit()
        worker = street.worker()
        await worker.mind_the_clock()
        await drain(worker)
        street.clock.move(minutes=50)
        await worker.mind_the_clock()
        await worker.sweep()
        assert [len(one.inbox) for one in street.subscribers] == [1, 1]
