"""Run the parts of the service as child processes on one machine, and keep them running.

    commands ─▶ child, one process group each ─▶ its lines ─▶ on_output(name, line)
                     │ ended                        ▲
                     └─▶ say so, wait a little ─────┘      SIGINT, SIGTERM or cancellation: stop all, within a bound

A part that ends, for whatever reason, is started again; only the wait grows while it keeps ending. On Linux no child
outlives this process even when it is killed (see leash). Redis is not run here: it is stopped after all of these.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bosai.leash import on_leash

OnOutput = Callable[[str, str], None]
LINE_MAX_BYTES = 8_192  # a longer line is cut in pieces
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarting:
    """How long to wait before a part that ended is started again: doubled each time, until it stayed up a while."""

    first_s: float = 0.2
    max_s: float = 15.0
    healthy_after_s: float = 30.0

    def delay_s(self, ends_in_a_row: int) -> float:
        """Wait after the n-th end in a row, n from 1."""
        return min(self.max_s, self.first_s * 2.0 ** min(ends_in_a_row - 1, 30))


@dataclass(eq=False)
class ProgramMissing(Exception):
    """A part's program cannot be started at all."""

    name: str
    program: str

    def __str__(self) -> str:
        return f"The part '{self.name}' cannot start: there is no program {self.program}."


async def run_children(
    commands: Mapping[str, Sequence[str]],
    env: Mapping[str, str],
    *,
    on_output: OnOutput,
    restarting: Restarting | None = None,
    stop_within_s: float = 10.0,
) -> None:
    """Run every command until SIGINT or SIGTERM arrives, or until cancelled; then all have ended when this returns.

    commands: part name → program and arguments. env: the whole environment of the children. on_output: called on the
    event loop with (name, line without its end) for what a part writes and for what happens to it; it must not block.
    stop_within_s: time for an orderly end (SIGTERM); then, and on a second signal, SIGKILL to the part's whole group.
    Raises ProgramMissing, before anything starts, when a program does not exist.
    """
    for name, command in commands.items():
        if await asyncio.to_thread(shutil.which, command[0], path=env.get("PATH")) is None:
            raise ProgramMissing(name, command[0])
    asked_to_stop = asyncio.Event()
    hurry = asyncio.Event()
    children = [
        _Child(
            name=name,
            command=command,
            env=env,
            on_output=on_output,
            restarting=restarting or Restarting(),
            stop_within_s=stop_within_s,
            hurry=hurry,
        )
        for name, command in commands.items()
    ]

    def on_signal() -> None:
        (hurry if asked_to_stop.is_set() else asked_to_stop).set()

    with _signals(on_signal):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(child.keep_running(), name=child.name) for child in children]
                await asked_to_stop.wait()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """One part, and how it is kept running."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    on_output: OnOutput
    restarting: Restarting
    stop_within_s: float
    hurry: asyncio.Event

    async def keep_running(self) -> None:
        """Start, and start again, until cancelled; then stop."""
        ends = 0
        while True:
            started = time.monotonic()
            code = await self._run_once()
            ends = 1 if time.monotonic() - started > self.restarting.healthy_after_s else ends + 1
            delay_s = self.restarting.delay_s(ends)
            self.on_output(
                self.name, f"ended unexpectedly ({ended_by(code)}); starting again in {delay_s:g} s"
            )
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> int:
        process = await asyncio.create_subprocess_exec(
            *on_leash(self.command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self.env),
            start_new_session=True,  # the terminal's Ctrl-C reaches us alone; we pass it on in order
        )
        assert process.stdout is not None
        reading = asyncio.create_task(self._read(process.stdout))
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await self._stop(process)
            raise
        finally:
            # What it left running in its group must not hold its port or its lease.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await reading
            reading.cancel()
        return code

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        ended = asyncio.create_task(process.wait())
        hurried = asyncio.create_task(self.hurry.wait())
        try:
            await asyncio.wait(
                {ended, hurried}, timeout=self.stop_within_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not ended.done():
                self.on_output(self.name, f"did not stop within {self.stop_within_s:g} s and is killed")
        finally:
            hurried.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await ended

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in lines_of(stream):
            self.on_output(self.name, line)


async def lines_of(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines as text without their ends; a very long one comes in pieces and bad UTF-8 is replaced, never fatal."""
    rest = b""
    while piece := await stream.read(READ_BYTES):
        *whole, rest = (rest + piece).split(b"\n")
        while len(rest) > LINE_MAX_BYTES:
            whole.append(rest[:LINE_MAX_BYTES])
            rest = rest[LINE_MAX_BYTES:]
        for line in whole:
            for start in range(0, max(len(line), 1), LINE_MAX_BYTES):
                yield line[start : start + LINE_MAX_BYTES].rstrip(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


def ended_by(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


@contextlib.contextmanager
def _signals(handler: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    ours = (signal.SIGINT, signal.SIGTERM)
    for sign in ours:
        loop.add_signal_handler(sign, handler)
    try:
        yield
    finally:
        for sign in ours:
            loop.remove_signal_handler(sign)
