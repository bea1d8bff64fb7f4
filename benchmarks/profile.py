"""Where the time of a message goes: one run with prekeys, looked at from outside, and its steps taken alone."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.micro import MAKE_A_PAIR, micro
from benchmarks.report import grid
from benchmarks.rig import Rig
from benchmarks.runs import delivery_run
from benchmarks.usage import CommandTimes, Times, main_and_busiest, thread_times
from bosai.stores.scripts import Script

_SCRIPTS = ("claim", "record", "emit")
_COMMANDS = 3


class _Look(NamedTuple):
    """The three processes at one moment. delivery, redis, nginx: by thread."""

    at_s: float
    pid: int
    delivery: Mapping[int, Times]
    redis: Mapping[int, Times]
    nginx: Mapping[int, Times]


async def profile(rig: Rig, messages: int) -> str:
    """The table. Raises RunFailed."""
    commands = CommandTimes(rig.redis, {Script(name).sha: name for name in _SCRIPTS})
    redis_pid = int((await rig.redis.info("server"))["process_id"])
    nginx_pid = rig.sink.worker_pid
    looks: list[_Look] = []

    async def look(pid: int) -> None:
        if not looks:
            await commands.start()
        now_s = time.perf_counter()
        looks.append(_Look(now_s, pid, thread_times(pid), thread_times(redis_pid), thread_times(nginx_pid)))
        if len(looks) == 2:
            await commands.stop()

    rate = await delivery_run(rig, messages, prekeys=True, look=look)
    before, after = looks
    wall_s = after.at_s - before.at_s
    main, sending = main_and_busiest(after.pid, before.delivery, after.delivery)
    redis, _ = main_and_busiest(redis_pid, before.redis, after.redis)
    nginx, _ = main_and_busiest(nginx_pid, before.nginx, after.nginx)
    bytes_each = await rig.bytes_per_message(messages)
    await rig.fill(min(messages, 1000))
    steps = await micro(rig)

    def us(seconds: float) -> str:
        return f"{seconds / messages * 1e6:.1f}"

    def line(name: str, used: Times) -> tuple[str, str, str, str]:
        return name, us(used.cpu_s), us(used.queued_s), us(max(0.0, wall_s - used.cpu_s - used.queued_s))

    threads = [
        ("µs per message", "working", "queueing for a processor", "with nothing to do"),
        line("delivery process, main thread (Python)", main),
        line("delivery process, sending thread (curl, HTTP/2, TLS)", sending),
        line("Redis", redis),
        *(
            (f"  of it {name}", us(seconds), "", "")
            for name, seconds in sorted(commands.seconds.items(), key=lambda one: -one[1])[:_COMMANDS]
        ),
        line("push service (nginx)", nginx),
    ]
    known = sum(took for name, took in steps.items() if name != MAKE_A_PAIR)
    alone = [
        ("steps of the main thread, each taken alone and warm", "µs"),
        *((name, f"{took:.1f}") for name, took in steps.items()),
        (
            "the rest of it: event loop, Redis client, first use of words, bookkeeping",
            f"{main.cpu_s / messages * 1e6 - known:.1f}",
        ),
    ]
    return (
        f"{messages:,} messages of {bytes_each:,.0f} bytes, {rate:,.0f} a second: {1e6 / rate:.1f} µs each. By the "
        f"kernel's counts (scripts by Redis's own):\n\n{grid(threads)}\n\n{grid(alone)}"
    )
