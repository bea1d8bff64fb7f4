"""Where processor time went, as the kernel and Redis count it: nothing is asked of the measured process itself.

Threads: Linux only (`/proc/<pid>/task/*/schedstat`, nanoseconds on a processor); elsewhere there are no figures.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis

_ALL = 1_000_000
_NOTED_FROM_US = 30  # a chunk's script takes longer; noting each command inside it would slow it down


class Times(NamedTuple):
    """Seconds of one thread: on a processor, and ready but waiting for one (other programs had it)."""

    cpu_s: float = 0.0
    queued_s: float = 0.0

    def since(self, before: "Times") -> "Times":
        """What came on top."""
        return Times(self.cpu_s - before.cpu_s, self.queued_s - before.queued_s)


def thread_times(pid: int) -> dict[int, Times]:
    """Thread id → its times so far. The thread with the process's own id is the main one."""
    found = {}
    for one in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            cpu_ns, queued_ns, _ = map(int, one.read_text("ascii").split())
        except (OSError, ValueError):
            continue  # it ended in between
        found[int(one.parent.name)] = Times(cpu_ns / 1e9, queued_ns / 1e9)
    return found


def main_and_busiest(
    pid: int, before: Mapping[int, Times], after: Mapping[int, Times]
) -> tuple[Times, Times]:
    """Between two looks: the main thread's, and the busiest other one's (of a delivery process: the one that sends)."""
    used = {thread: times.since(before.get(thread, Times())) for thread, times in after.items()}
    main = used.pop(pid, Times())
    return main, max(used.values(), default=Times())


class CommandTimes:
    """From `start` to `stop` Redis notes every longer command: seconds by script, and by command for the rest."""

    def __init__(self, redis: Redis, scripts: Mapping[str, str]) -> None:
        self._redis = redis
        self._scripts = scripts  # sha → name
        self._kept: dict[str, str] = {}
        self.seconds: dict[str, float] = {}

    async def start(self) -> None:
        """Note from now on."""
        for name in ("slowlog-log-slower-than", "slowlog-max-len"):
            self._kept[name] = str((await self._redis.config_get(name))[name])
        await self._redis.config_set("slowlog-max-len", _ALL)
        await self._redis.slowlog_reset()
        await self._redis.config_set("slowlog-log-slower-than", _NOTED_FROM_US)

    async def stop(self) -> None:
        """Add up what was noted; Redis goes back to its settings."""
        await self._redis.config_set("slowlog-log-slower-than", self._kept["slowlog-log-slower-than"])
        for one in await self._redis.slowlog_get(_ALL):
            name = self._name(one["command"].split(b" "))
            self.seconds[name] = self.seconds.get(name, 0.0) + one["duration"] / 1e6
        await self._redis.slowlog_reset()
        await self._redis.config_set("slowlog-max-len", self._kept["slowlog-max-len"])

    def _name(self, words: list[bytes]) -> str:
        """The arguments are binary, and cut by Redis: only the command and a script's hash are read."""
        command = words[0].decode("ascii", "replace").upper()
        if command == "EVALSHA" and len(words) > 1:
            sha = words[1].decode("ascii", "replace")
            return f"{self._scripts.get(sha, sha[:8])}.lua"
        return command
