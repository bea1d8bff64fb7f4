"""The whole service as a newcomer runs it: `bosai run` in a process of its own, on a data folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import pyotp

from tests.bed.push_service import PushService

ROOT = Path(__file__).resolve().parents[2]
DIE_WITH_PARENT = ROOT / "tests" / "bed" / "die_with_parent.py"
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Officer:
    """One of the first accounts, as printed once."""

    name: str
    password: str
    totp_secret: str


class RunningService:
    """`async with RunningService(folder, push) as service:` starts it; leaving stops it, gently.

    clock_at: the service's clock starts there (a replay on the original clock); None = now.
    env: further BOSAI_… variables.
    """

    def __init__(
        self,
        folder: Path,
        push: PushService,
        *,
        clock_at: datetime | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.data_dir = folder / "data"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.offset = (clock_at - datetime.now(UTC)) if clock_at else timedelta()
        self.officers: dict[str, Officer] = {}
        self.desk_links: list[dict[str, str]] = []
        self.output: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.env = os.environ | {
            "BOSAI_DATA__DIR": str(self.data_dir),
            "BOSAI_WEB__PORT": str(self.port),
            "BOSAI_PUSH__TEST_HOSTS": json.dumps([push.endpoint_host]),
            "BOSAI_CLOCK__OFFSET_S": str(self.offset.total_seconds()),
            "BOSAI_FEEDS__ENABLED": "false",
        }
        self.env |= env or {}

    async def __aenter__(self) -> Self:
        first = await self.cli("setup", "--json")
        self.officers = {
            one["name"]: Officer(one["name"], one["password"], one["totp_secret"])
            for one in first["accounts"]
        }
        self.desk_links = first["desk_links"]
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if kind is not None:
            sys.stderr.write("\n".join(["--- the service said:", *self.output[-80:], ""]))

    def now(self) -> datetime:
        """The service's clock."""
        return datetime.now(UTC) + self.offset

    def totp(self, officer: str) -> str:
        """The code the officer's app shows now. Codes can be used once: sign in again after 30 s."""
        return pyotp.TOTP(self.officers[officer].totp_secret).at(self.now())

    async def start(self) -> None:
        """Start, and wait until the pages answer and every part has said that it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(DIE_WITH_PARENT),
            str(os.getpid()),
            str(int(signal.SIGTERM)),
            sys.executable,
            "-m",
            "bosai",
            "run",
            cwd=ROOT,
            env=self.env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        async with asyncio.timeout(START_S):
            while not await self.answers("/readyz"):
                if self._process.returncode is not None:
                    raise RuntimeError("\n".join(["bosai run ended:", *self.output[-60:]]))
                await asyncio.sleep(0.05)

    async def answers(self, path: str) -> bool:
        """Whether GET `path` gives 200."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            await self._process.wait()
        await self._end_reader()

    async def kill(self) -> None:
        """`kill -9` of the service and its Redis."""
        assert self._process is not None
        redis_pid = int((self.data_dir / "redis" / "redis.pid").read_text("ascii"))
        self._process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(redis_pid, signal.SIGKILL)
        await self._process.wait()
        await self._end_reader()

    async def cli(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> Any:
        """A `bosai` command on the same data folder; its JSON answer."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bosai",
            *arguments,
            cwd=ROOT,
            env=self.env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode in ok, f"{arguments}: exit {process.returncode}\n{err.decode()}"
        return json.loads(out) if out.strip() else None

    def pids_of(self, part: str) -> list[int]:
        """Process ids of a part ("planner", "web" …) among the children of `bosai run`."""
        assert self._process is not None
        wanted = {"web": ["bosai", "web"]}.get(part, ["workers", part])
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self._process.pid and words[2:4] == wanted:
                    found.append(int(entry.name))
        return found

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.output.append(line.decode("utf-8", "replace").rstrip())

    async def _end_reader(self) -> None:
        if self._reader is not None:
            await self._reader
            self._reader = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
