"""Delivery beside other people's push libraries, in one run: `python -m benchmarks.delivery [--quick] [--json FILE]`.

Ours is the real thing: `workers/delivery.py` in a process of its own, an order in force, every instruction and key
unsealed, a personal text for everybody, every step written to a Redis that puts each write on disk. Its clock runs
from the word to begin to the last delivery written down as accepted.

The peers only send: ready texts, one signed token, no store, nothing sealed, warm connections, the number of messages
under way that suits them best here. The comparison is in their favour.

Both send to one nginx (HTTPS, HTTP/2, one process) on this machine; `--profile` says where the time of ours goes.
"""

import argparse
import asyncio
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from benchmarks.memory import ORIGIN, Memory, memory_run
from benchmarks.peers.prepare import TEXT_BYTES, jobs_of
from benchmarks.peers.process import Peer, PeerUnavailable, open_peer, pywebpush_command, web_push_command
from benchmarks.people import ENDPOINT_TOKEN_CHARS, LANGS, SITES
from benchmarks.processes import RunFailed
from benchmarks.profile import profile
from benchmarks.report import Row, interleaved, row, spread, table, write_json
from benchmarks.rig import Rig, open_rig
from benchmarks.runs import Release, delivery_run, release_run
from benchmarks.sink import SinkUnavailable, open_sink
from bosai.redis_program import RedisServerError

T = TypeVar("T")
RELEASE_PEOPLE = 300_000
OURS, BARE, TWO = "with prekeys", "without prekeys", "two processes"
PYWEBPUSH, WEB_PUSH = "pywebpush async", "npm web-push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is sent. Rates of the peers hardly depend on it; ours rises, for a new process starts cold."""

    messages: int
    peer_messages: int
    trial_messages: int  # of each number under way, to warm a peer up and find its best
    repeats: int
    release: int
    memory: int
    within_s: float = math.inf  # rounds are left out, and said to be, where the machine is too slow for all


FULL = Size(
    messages=60_000,
    peer_messages=20_000,
    trial_messages=3_000,
    repeats=5,
    release=RELEASE_PEOPLE,
    memory=20_000,
)
QUICK = Size(
    messages=5_000,
    peer_messages=1_500,
    trial_messages=200,
    repeats=2,
    release=5_000,
    memory=20_000,
    within_s=45.0,
)
_AFTER_THE_ROUNDS_S = 8.0  # what a quick run keeps for the release


async def measure(size: Size, say: Callable[[str], None]) -> list[Row]:
    """Every row. Raises SinkUnavailable, PeerUnavailable, RunFailed."""
    until_s = time.monotonic() + size.within_s - _AFTER_THE_ROUNDS_S
    async with AsyncExitStack() as opened:
        sink = await opened.enter_async_context(open_sink())
        rig = await opened.enter_async_context(open_rig(sink))
        memory = await memory_run(rig, size.memory)
        say(f"seeding {max(size.messages, size.release):,} subscribers")
        await rig.seed(max(size.messages, size.release))
        rates = await _rates(rig, size, opened, say, until_s=until_s)
        say(f"a release of {size.release:,}")
        release = await release_run(rig, size.release)
    for name, found in rates.items():
        say(f"{name}: {spread(found)} messages/s")
    best = {name: median(found) for name, found in rates.items()}
    return [
        *rate_rows(best, size),
        *release_rows(release, size.release),
        *memory_rows(memory, size.memory),
    ]


async def _rates(
    rig: Rig, size: Size, opened: AsyncExitStack, say: Callable[[str], None], *, until_s: float
) -> dict[str, list[float]]:
    jobs = await jobs_of(rig, size.peer_messages)
    peers: dict[str, Peer] = {}
    for name, command in ((PYWEBPUSH, pywebpush_command), (WEB_PUSH, web_push_command)):
        peer = await opened.enter_async_context(open_peer(name, command(), jobs))
        await peer.warm_up(size.trial_messages)
        await peer.find_its_best(size.trial_messages)
        say(f"{name} is best with {peer.in_flight} messages under way")
        peers[name] = peer

    def ours(*, prekeys: bool = True, processes: int = 1) -> Callable[[], Awaitable[float]]:
        return lambda: delivery_run(rig, size.messages, prekeys=prekeys, processes=processes)

    def theirs(name: str) -> Callable[[], Awaitable[float]]:
        return lambda: peers[name].send(size.peer_messages)

    return await interleaved(
        size.repeats,
        {
            OURS: ours(),
            PYWEBPUSH: theirs(PYWEBPUSH),
            BARE: ours(prekeys=False),
            WEB_PUSH: theirs(WEB_PUSH),
            TWO: ours(processes=2),
        },
        until_s=until_s,
    )


def rate_rows(rates: dict[str, float], size: Size) -> list[Row]:
    """Messages per second. A run too small to get warm prints the budget and judges nothing."""
    unit, judged = "messages/s", size.messages >= FULL.messages
    many = f"({size.messages:,} messages)"
    whole = f"delivery, one process, prekeys, personal text, unsealing, bookkeeping {many}"
    return [
        row(
            whole,
            rates[OURS],
            unit,
            peer=rates[PYWEBPUSH],
            peer_name=PYWEBPUSH,
            at_least=20_000,
            ratio_at_least=6,
            judged=judged,
        ),
        row(whole, rates[OURS], unit, peer=rates[WEB_PUSH], peer_name=WEB_PUSH),
        row(
            f"delivery, one process, every pair made on the spot {many}",
            rates[BARE],
            unit,
            peer=rates[PYWEBPUSH],
            peer_name=PYWEBPUSH,
        ),
        row(
            f"delivery, two processes on one outbox, prekeys {many}",
            rates[TWO],
            unit,
            peer=rates[OURS],
            peer_name="one process",
            ratio_at_least=1,
            judged=judged,
        ),
    ]


def release_rows(release: Release, people: int) -> list[Row]:
    """Seconds from the first instruction handed over; planning is done before (at preview) and not in it."""
    return [
        row(
            f"release to {people:,}, plan ready: until the first is accepted", release.first_s, "s", at_most=1
        ),
        row(
            f"release to {people:,}, plan ready: until all are accepted",
            release.all_s,
            "s",
            at_most=20,
            judged=people >= RELEASE_PEOPLE,
        ),
    ]


def memory_rows(memory: Memory, subscribers: int) -> list[Row]:
    """Bytes in Redis. With a handful in each of the 256 buckets the buckets themselves would weigh most."""
    judged = subscribers >= FULL.memory
    each = f"{subscribers:,} of them, endpoints of {len(ORIGIN) + 10 + ENDPOINT_TOKEN_CHARS} characters"
    return [
        row(
            f"memory in Redis of a subscription ({each})",
            memory.subscription_bytes,
            "B",
            at_most=650,
            judged=judged,
        ),
        row(
            f"memory in Redis of a prekey ({memory.prekeys_each} a subscription, as shipped)",
            memory.prekey_bytes,
            "B",
            at_most=150,
            judged=judged,
        ),
    ]


async def _profile(size: Size) -> str:
    async with open_sink() as sink, open_rig(sink) as rig:
        await rig.seed(size.messages)
        return await profile(rig, size.messages)


async def _ended_in_order(work: Coroutine[Any, Any, T]) -> T:
    """The work's result; SIGTERM ends it as Ctrl-C does, so that no server and no folder is left behind."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    return await work


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.delivery", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--quick", action="store_true", help="within 45 s, at a smaller size that the rows state"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--profile", action="store_true", help="say where the time of a message goes instead")
    parser.add_argument("--messages", type=int, metavar="N", help="this many messages instead")
    parser.add_argument(
        "--release", type=int, metavar="N", help=f"people of the release ({RELEASE_PEOPLE:,})"
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="this many rounds instead")
    return parser.parse_args(argv)


def size_of(asked: argparse.Namespace) -> Size:
    """The size the command line asks for. Raises ValueError naming the flag."""
    size = QUICK if asked.quick else FULL
    for flag in ("messages", "release", "repeats"):
        if getattr(asked, flag) is not None and getattr(asked, flag) < 1:
            raise ValueError(f"--{flag}: expected at least 1")
    if asked.messages is not None:
        size = replace(
            size,
            messages=asked.messages,
            peer_messages=min(size.peer_messages, asked.messages),
            trial_messages=min(size.trial_messages, asked.messages),
            release=asked.messages,
            memory=min(size.memory, max(asked.messages, 1000)),
        )
    return replace(size, repeats=asked.repeats or size.repeats, release=asked.release or size.release)


def main(argv: list[str]) -> int:
    """Entry point: 0 when it ran, whatever the figures say; 1 when it could not, 2 for a senseless size."""
    asked = parse(argv)

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    try:
        size = size_of(asked)
    except ValueError as error:
        say(str(error))
        return 2
    try:
        say(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}; {size}")
        say(
            f"ours is the whole of delivery, to {SITES} sites in {len(LANGS)} languages; "
            f"the peers send {TEXT_BYTES}-byte texts and nothing else"
        )
        if asked.profile:
            print(asyncio.run(_ended_in_order(_profile(size))))
            return 0
        rows = asyncio.run(_ended_in_order(measure(size, say)))
    except (asyncio.CancelledError, KeyboardInterrupt):
        say("ended before its time: no figures")
        return 1
    except (SinkUnavailable, PeerUnavailable, RunFailed, RedisServerError) as error:
        say(str(error))
        return 1
    print(table(rows))
    if asked.json:
        write_json(rows, asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
