"""A loop ends although a library has swallowed its cancellation."""

import asyncio

import pytest

from workers.cancelling import stop_if_cancelled


async def test_a_swallowed_cancellation_comes_back_at_the_next_round():
    rounds, started = [], asyncio.Event()

    async def loop():
        while True:
            stop_if_cancelled()
            rounds.append(1)
            try:
                started.set()
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass  # as wait_for does when the result is there already

    task = asyncio.create_task(loop())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert len(rounds) == 1


async def test_a_loop_nobody_cancelled_goes_on():
    stop_if_cancelled()
