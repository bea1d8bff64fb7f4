"""Delivery processes as `python -m workers delivery` runs them, but held back until told to begin.

python -m benchmarks.processes SETTINGS_FILE      "ready" on stdout ─▶ a line on stdin ─▶ delivers until ended
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bosai.leash import on_leash

ROOT = Path(__file__).resolve().parent.parent
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0


class RunFailed(Exception):
    """A run did not come to its end; the message says how far it came."""


class Sending:
    """One delivery process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """False once it has ended."""
        return self._process.returncode is None

    def begin(self) -> None:
        """Let it deliver."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"begin\n")


@asynccontextmanager
async def open_sending(settings_file: Path, count: int = 1) -> AsyncIterator[list[Sending]]:
    """So many, each ready, while the block runs. Raises RunFailed when one does not start."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(_one(settings_file)) for _ in range(count)]


@asynccontextmanager
async def _one(settings_file: Path) -> AsyncIterator[Sending]:
    process = await asyncio.create_subprocess_exec(
        *on_leash([sys.executable, "-m", "benchmarks.sending", str(settings_file)], signal.SIGKILL),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_START_WITHIN_S):
            if await process.stdout.readline() != b"ready\n":
                raise RunFailed("a delivery process does not start, see its words above")
        yield Sending(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # one that was never told to begin reads its end
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
