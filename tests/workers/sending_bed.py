"""A transport to the test's own servers, and what came back from it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bosai.ports import Parcel, Permit, PushOutcome
from bosai.push.hosts import HostPolicy, origin_of
from workers.transport import CurlTransport, TransportTuning, open_transport

HEADERS = ("TTL: 60", "Content-Encoding: aes128gcm", "Content-Type: application/octet-stream")
QUICK = TransportTuning(
    in_flight=60, in_flight_per_origin=40, lane_length=20_000, connect_timeout_s=0.7, total_timeout_s=1.0
)
PATIENT = TransportTuning(in_flight=300, in_flight_per_origin=200, lane_length=20_000, total_timeout_s=30.0)


class Answers:
    """Every outcome in the order it came."""

    def __init__(self) -> None:
        self.all: list[tuple[Parcel, PushOutcome]] = []
        self.calls = 0
        self._changed = asyncio.Event()

    def take_in(self, done: list[tuple[Parcel, PushOutcome]]) -> None:
        self.all += done
        self.calls += 1
        self._changed.set()

    async def wait_for(self, count: int, timeout_s: float = 30.0) -> list[PushOutcome]:
        """The outcomes, as soon as there are so many."""
        async with asyncio.timeout(timeout_s):
            while len(self.all) < count:
                self._changed.clear()
                await self._changed.wait()
        return [outcome for _, outcome in self.all]

    def to(self, origin: str) -> list[PushOutcome]:
        """The outcomes of one push service."""
        return [outcome for one, outcome in self.all if one.origin == origin]

    def times_each_came_back(self) -> set[int]:
        return set(Counter(id(one) for one, _ in self.all).values())


@asynccontextmanager
async def transport_to(
    *test_hosts: str,
    allowed: Sequence[str] = (),
    tuning: TransportTuning = QUICK,
    ca_file: str = "",
    proxy: str = "",
) -> AsyncIterator[tuple[CurlTransport, Answers]]:
    answers = Answers()
    async with open_transport(
        HostPolicy(allowed, test_hosts), answers.take_in, tuning=tuning, ca_file=ca_file, proxy=proxy
    ) as transport:
        yield transport, answers


def parcel(endpoint: str, *, permit: Permit | None = None, headers: tuple[str, ...] = HEADERS) -> Parcel:
    return Parcel(endpoint, origin_of(endpoint), headers, b"x" * 100, permit or Permit(), None)


async def send_one(transport: CurlTransport, answers: Answers, endpoint: str) -> PushOutcome:
    """The outcome of one message to one endpoint."""
    count = len(answers.all) + 1
    transport.post([parcel(endpoint)])
    return (await answers.wait_for(count))[-1]
