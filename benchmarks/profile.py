"""Where the time of a message goes: one run with prekeys, looked at from outside, and its steps taken alone."""

from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.micro import MAKE_A_PAIR, micro
from benchmarks.report import grid
from benchmarks.rig import Rig
from benchmarks.runs import delivery_run
from benchmarks.usage import CommandTimes, redis_cpu_s, share, thread_cpu_s
from bosai.stores.scripts import Script

_SCRIPTS = ("claim", "record", "emit")


class _Look(NamedTuple):
    """Processor seconds so far."""

    pid: int
    threads: Mapping[int, float]
    redis_s: float
    nginx_s: float


async def profile(rig: Rig, messages: int) -> str:
    """The table."""
    commands = CommandTimes(rig.redis, {Script(name).sha: name for name in _SCRIPTS})
    looks: list[_Look] = []

    async def look(pid: int) -> None:
        if looks:
            await commands.stop()
        nginx_s = sum(thread_cpu_s(rig.sink.worker_pid).values())
        looks.append(_Look(pid, thread_cpu_s(pid), await redis_cpu_s(rig.redis), nginx_s))
        if len(looks) == 1:
            await commands.start()

    rate = await delivery_run(rig, messages, prekeys=True, look=look)
    before, after = looks
    used = share(after.pid, before.threads, after.threads)
    bytes_each = await rig.bytes_per_message(messages)
    await rig.fill(min(messages, 1000))
    steps = await micro(rig)

    def us(seconds: float) -> str:
        return f"{seconds / messages * 1e6:.1f}"

    known = sum(took for name, took in steps.items() if name != MAKE_A_PAIR)
    rows = [
        ("where", "µs per message"),
        ("from the word to everything written down (wall)", f"{1e6 / rate:.1f}"),
        ("delivery process, main thread (Python)", us(used.main_s)),
        ("delivery process, sending thread (curl, HTTP/2, TLS)", us(used.busiest_other_s)),
        ("delivery process, other threads", us(used.others_s)),
        ("Redis process", us(after.redis_s - before.redis_s)),
        *(
            (f"  of it {name}", us(seconds))
            for name, seconds in sorted(commands.seconds.items(), key=lambda one: -one[1])[:6]
        ),
        ("push service process (nginx)", us(after.nginx_s - before.nginx_s)),
        ("", ""),
        ("steps of the main thread, each taken alone and warm", ""),
        *((f"  {name}", f"{took:.1f}") for name, took in steps.items()),
        (
            "  the rest of it: event loop, Redis client, first use of words, bookkeeping",
            f"{used.main_s / messages * 1e6 - known:.1f}",
        ),
    ]
    return (
        f"{messages:,} messages, {rate:,.0f} a second, {bytes_each:,.0f} bytes each. Processor time by the kernel's "
        f"and Redis's own counts:\n{grid(rows)}"
    )
