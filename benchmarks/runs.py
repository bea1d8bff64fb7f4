"""Runs of our own delivery: how many messages a second, and how long a release takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.processes import RunFailed
from benchmarks.rig import Rig
from benchmarks.waiting import until
from bosai.stores.instructions import DANGER_CLASSES

Look = Callable[[int], Awaitable[None]]
"""Given the delivery process's id just before it begins and just after the last message was written down."""


async def delivery_run(
    rig: Rig, messages: int, *, prekeys: bool, processes: int = 1, look: Look | None = None
) -> float:
    """Messages per second, from the word to begin until all are written down as accepted.

    The instructions lie in the outbox beforehand; every process is new, so its words, connections and tokens are cold.
    Raises RunFailed when the push service saw another number of messages.
    """
    await rig.wipe()
    if prekeys:
        await rig.fill(messages)
    async with rig.sending(processes) as sending:
        await rig.emit(rig.drafts(messages))
        await rig.settle()
        before = await rig.sink.requests()
        if look is not None:
            await look(sending[0].pid)
        started_s = time.perf_counter()
        for one in sending:
            one.begin()
        ended_s = await rig.until_accepted(messages, requests_before=before, sending=sending)
        if look is not None:
            await look(sending[0].pid)
    seen = await rig.sink.requests() - before
    if seen != messages:
        raise RunFailed(f"{messages} messages were written down as accepted, the push service saw {seen}")
    return messages / (ended_s - started_s)


@dataclass(frozen=True, slots=True)
class Release:
    """Seconds from handing the first instruction to the outbox. Planning comes before and is not in it."""

    first_s: float
    all_s: float


async def release_run(rig: Rig, messages: int) -> Release:
    """One delivery process stands ready while the instructions are being written. Raises RunFailed."""
    await rig.wipe()
    await rig.fill(messages)
    told = rig.drafts(messages)
    async with rig.sending() as sending:
        sending[0].begin()
        await _until_waiting(rig)
        await rig.settle()
        before = await rig.sink.requests()
        started_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(rig.until_accepted(1, requests_before=before, sending=sending))
            group.create_task(rig.emit(told))
        ended_s = await rig.until_accepted(messages, requests_before=before, sending=sending)
    return Release(first.result() - started_s, ended_s - started_s)


async def _until_waiting(rig: Rig) -> None:
    """Until the delivery process has made its consumer groups, which it does before it reads."""

    async def is_open() -> bool:
        return int(await rig.redis.exists(rig.keys.outbox(DANGER_CLASSES - 1))) == 1

    await until(is_open)
