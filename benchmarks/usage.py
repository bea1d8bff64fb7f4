"""Where processor time went, as the kernel and Redis count it: nothing is asked of the measured process itself.

Threads: Linux only (`/proc/<pid>/task/*/schedstat`, nanoseconds on a processor); elsewhere there are no figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis


def thread_cpu_s(pid: int) -> dict[int, float]:
    """Thread id → seconds of processor time so far. The thread with the process's own id is the main one."""
    found = {}
    for one in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            found[int(one.parent.name)] = int(one.read_text("ascii").split()[0]) / 1e9
        except (OSError, ValueError, IndexError):
            continue  # it ended in between
    return found


_ALL = 1_000_000
_NOTED_FROM_US = 30  # a chunk's script takes longer; noting each command inside it would slow it down


@dataclass(frozen=True, slots=True)
class ThreadShare:
    """What one process used between two looks, in seconds."""

    main_s: float
    busiest_other_s: float  # of a delivery process: the thread that sends
    others_s: float


def share(pid: int, before: Mapping[int, float], after: Mapping[int, float]) -> ThreadShare:
    """Between two looks at `thread_cpu_s(pid)`."""
    used = {thread: seconds - before.get(thread, 0.0) for thread, seconds in after.items()}
    main_s = used.pop(pid, 0.0)
    others = sorted(used.values(), reverse=True)
    return ThreadShare(main_s, others[0] if others else 0.0, sum(others[1:]))


async def redis_cpu_s(redis: Redis) -> float:
    """Seconds of processor time the server's main thread and its helpers have used (not its forks)."""
    info = await redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


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
