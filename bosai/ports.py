"""What lies outside, as protocols. The clock is one of them: nothing inside asks the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec


class Clock(Protocol):
    """The one source of "now"."""

    def now(self) -> datetime:
        """Aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)


class PushOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the push service said. `status` 0 = it never answered (see `cause`)."""

    status: int
    cause: str = ""
    retry_after_s: float | None = None
    bytes_sent: int = 0
    left: bool = True  # False: not a byte of it reached the push service, so nobody can have got it


class Permit:
    """Whether the messages made under it may still go out; one for many. Withdrawn by a cause, never given back."""

    __slots__ = ("__weakref__", "withdrawn")

    def __init__(self) -> None:
        self.withdrawn = ""  # the cause: "order_recalled", …


@dataclass(slots=True, eq=False)
class Parcel:
    """One encrypted message on its way to a push service. `owner` is the sender's own; it comes back untouched.

    headers: "Name: value" each; the same tuple for as many parcels as possible (it is compared by identity).
    """

    endpoint: str
    origin: str
    headers: tuple[str, ...]
    body: bytes
    permit: Permit
    owner: Any


class OriginState(msgspec.Struct, frozen=True, kw_only=True):
    """One push service as a sending process sees it, for HQ."""

    origin: str
    state: str  # "open" (messages flow), "resting" (left alone after failures), "trying" (one message tries)
    in_flight: int
    waiting: int
    accepted: int  # since the process started
    failed: int  # timeouts, resets, 5xx since the process started
    rest_s: float = 0.0  # how long it is left alone yet
    cause: str = ""  # of the last failure


class PushTransport(Protocol):
    """Takes parcels to push services, many at once, none delayed by another's push service."""

    def post(self, parcels: Sequence[Parcel]) -> None:
        """Hand over; never blocks, never raises for what a network can do. Each parcel's outcome comes back once."""

    def room(self) -> int:
        """How many parcels may be handed over now without holding anything up."""

    def rest_s(self, origin: str) -> float:
        """Seconds this push service is to be left alone yet; 0 = send."""

    def origins(self) -> list[OriginState]:
        """Every push service met since the start."""
