"""A worker may die anywhere: nobody is lost, and at most the chunk in flight is repeated, under the same tag."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.embedded import embedded_redis
from bosai.model.instruction import Stage
from tests.bed.answers import UNAVAILABLE, slow
from tests.bosai.services.test_subscriptions import HOME, service, target
from tests.conftest import DRIVER
from tests.workers.street import drain, open_street
from workers.delivery import DeliveryTuning

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
