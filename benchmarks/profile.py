"""Where the time of a message goes: one run with prekeys, looked at from outside, and its steps taken alone."""

from collections.abc import Mapping

from benchmarks.micro import micro
from benchmarks.report import grid
from benchmarks.rig import Rig
from benchmarks.runs import delivery_run
from benchmarks.usage import CommandTimes, redis_cpu_s, share, thread_cpu_s
from bosai.stores.scripts import Script

_SCRIPTS = ("claim", "record", "emit")


async def profile(rig: Rig, messages: int) -> str:
    """The table."""
    names = {Script(name).sha: name for name in _SCRIPTS}
    threads: dict[str, Mapping[int, float]] = {}
    redis_s: list[float] = []
    nginx_s: list[float] = []
    pids: list[int] = []
    commands = CommandTimes(rig.redis, names)

    async def look(pid: int) -> None:
        pids.append(pid)
        threads["before" if not threads else "after"] = thread_cpu_s(pid)
        redis_s.append(await redis_cpu_s(rig.redis))
        nginx_s.append(sum(thread_cpu_s(rig.sink.worker_pid).values()))

    async with commands:
        rate = await delivery_run(rig, messages, prekeys=True, look=look)
    used = share(pids[0], threads["before"], threads["after"])
    bytes_each = await rig.bytes_per_message(messages)
    await rig.fill(min(messages, 1000))
    steps = await micro(rig)

    def us(seconds: float) -> str:
        return f"{seconds / messages * 1e6:.1f}"

    rows = [
        ("where", "µs per message"),
        ("from the word to everything written down (wall)", f"{1e6 / rate:.1f}"),
        ("delivery process, main thread (Python)", us(used.main_s)),
        ("delivery process, sending thread (curl, HTTP/2, TLS)", us(used.busiest_other_s)),
        ("delivery process, other threads", us(used.others_s)),
        ("Redis process", us(redis_s[1] - redis_s[0])),
        *(
            (f"  of it {name}", us(seconds))
            for name, seconds in sorted(commands.seconds.items(), key=lambda one: -one[1])[:6]
        ),
        ("push service process (nginx)", us(nginx_s[1] - nginx_s[0])),
        ("", ""),
        ("steps of the main thread, each alone", ""),
        *((f"  {name}", f"{took:.1f}") for name, took in steps.items()),
    ]
    return (
        f"{messages:,} messages, {rate:,.0f} a second, {bytes_each:,.0f} bytes each. Processor time by the kernel's "
        f"and Redis's own counts:\n{grid(rows)}"
    )
