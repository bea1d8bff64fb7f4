"""A peer in a process of its own: started once, warm, then asked to send so many messages; the clock is ours."""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.peers.jobs import Jobs, Request, answer_line, read_answer
from bosai.leash import on_leash

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
IN_FLIGHT = (50, 100, 200, 400)
_LONGEST_S = 600.0


class PeerUnavailable(Exception):
    """The peer is not installed or failed; the message names the mend."""


class Peer:
    """A running peer."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.in_flight = 100  # until it has shown its best
        self._process = process

    async def send(self, messages: int, in_flight: int | None = None) -> float:
        """Messages per second of one request, from the asking to the answer. Raises PeerUnavailable when any failed."""
        line = answer_line(Request(messages=messages, in_flight=in_flight or self.in_flight))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        started_s = time.perf_counter()
        self._process.stdin.write(f"{line}\n".encode())
        try:
            async with asyncio.timeout(_LONGEST_S):
                answer = await self._process.stdout.readline()
        except TimeoutError:
            raise PeerUnavailable(
                f"{self.name} took over {_LONGEST_S:.0f} s for {messages} messages"
            ) from None
        took_s = time.perf_counter() - started_s
        if not answer:
            raise PeerUnavailable(
                f"{self.name} ended (exit code {await self._process.wait()}), see its words above"
            )
        found = read_answer(answer)
        if found.sent != messages:
            raise PeerUnavailable(f"{self.name} sent {found.sent} of {messages}: {'; '.join(found.causes)}")
        return messages / took_s

    async def warm_up(self, messages: int) -> None:
        """Open its connections and let its runtime compile what it wants to, outside every clock."""
        for in_flight in sorted(IN_FLIGHT):
            await self.send(messages, in_flight)

    async def find_its_best(self, messages: int) -> None:
        """Keep the number under way with which it is fastest here."""
        rates = {one: await self.send(messages, one) for one in IN_FLIGHT}
        self.in_flight = max(rates, key=lambda one: rates[one])


def pywebpush_command() -> list[str]:
    """pywebpush's asyncio side."""
    return [sys.executable, "-m", "benchmarks.peers.pywebpush_async"]


def web_push_command() -> list[str]:
    """npm web-push. Raises PeerUnavailable where it is not installed."""
    node = shutil.which("node")
    if node is None or not (HERE.parent / "node_modules" / "web-push").is_dir():
        raise PeerUnavailable(
            "npm's web-push is not installed: run 'make bench-packages' (or 'npm ci' in benchmarks/)"
        )
    return [node, str(HERE / "web_push.mjs")]


@asynccontextmanager
async def open_peer(name: str, command: Sequence[str], jobs: Jobs) -> AsyncIterator[Peer]:
    """Run it while the block runs."""
    with tempfile.TemporaryDirectory(prefix="bosai-peer-") as folder:
        path = Path(folder) / "jobs.json"
        await asyncio.to_thread(path.write_bytes, msgspec.json.encode(jobs))
        process = await asyncio.create_subprocess_exec(
            *on_leash([*command, str(path)], signal.SIGKILL),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            yield Peer(name, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
