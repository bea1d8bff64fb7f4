"""What lies outside, as protocols. The clock is one of them: nothing inside asks the machine."""

from datetime import UTC, datetime
from typing import Protocol

import msgspec

from bosai.model.subscription import PushTarget


class Clock(Protocol):
    """The one source of "now"."""

    def now(self) -> datetime:
        """Aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)


class PushMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message for a push service. TTL, Urgency and Topic are always explicit."""

    plaintext: bytes  # <= 3,072 bytes
    ttl_s: int
    urgency: str  # RFC 8030 §5.3
    topic: str  # <= 32 base64url characters


class PushOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the push service said. `status` 0 = it never answered (see `cause`)."""

    status: int
    cause: str = ""
    retry_after_s: float | None = None
    bytes_sent: int = 0


class PushSender(Protocol):
    """Encrypts and sends one message."""

    async def send(self, target: PushTarget, message: PushMessage) -> PushOutcome:
        """Never raises for what a network or a push service can do; the outcome says it."""
