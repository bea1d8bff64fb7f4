"""The clocks of the bed move only when told, and wake each sleeper in its time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bed.clocks import FakeClock

START = datetime(2011, 3, 11, 5, 46, tzinfo=UTC)


async def test_a_sleeper_wakes_when_the_clock_is_moved_past_its_time_and_not_before() -> None:
    clock = FakeClock(START)
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    clock.advance(59)
    await asyncio.sleep(0)
    assert (sleeper.done(), clock.sleepers) == (False, 1)
    clock.advance(timedelta(seconds=1))
    await sleeper
    assert (clock.now(), clock.sleepers) == (START + timedelta(minutes=1), 0)


async def test_running_to_a_moment_lets_every_tick_happen_at_its_own_time() -> None:
    clock, ticks = FakeClock(START), []

    async def tick_every_minute() -> None:
        while True:
            await clock.sleep(60)
            ticks.append(clock.now())

    ticker = asyncio.create_task(tick_every_minute())
    await clock.run_to(START + timedelta(minutes=3, seconds=30))
    ticker.cancel()
    assert ticks == [START + timedelta(minutes=n) for n in (1, 2, 3)]
    assert clock.now() == START + timedelta(minutes=3, seconds=30)


def test_a_clock_neither_runs_back_nor_takes_a_moment_without_a_zone() -> None:
    clock = FakeClock(START)
    with pytest.raises(ValueError, match="does not run back"):
        clock.set(START - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no time zone"):
        FakeClock(datetime(2011, 3, 11))  # noqa: DTZ001 - what is tested


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_sleepers_wake_in_the_order_of_their_times(delays_s: list[int]) -> None:
    async def play() -> list[int]:
        clock, woken = FakeClock(START), []

        async def sleep(delay_s: int) -> None:
            await clock.sleep(delay_s)
            woken.append(delay_s)

        async with asyncio.TaskGroup() as group:
            for delay_s in delays_s:
                group.create_task(sleep(delay_s))
            await clock.run_to(START + timedelta(seconds=1000))
        return woken

    assert asyncio.run(play()) == sorted(delays_s)
