"""Values on their way to and from Redis. The client has decode_responses=False, so text arrives as bytes."""

from datetime import datetime
from typing import Any


def as_bytes(value: Any) -> bytes:
    """A stored record."""
    return value if isinstance(value, bytes) else str(value).encode()


def as_text(value: Any) -> str:
    """A stored word."""
    return value.decode() if isinstance(value, bytes) else str(value)


def unix_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return round(at.timestamp() * 1000)
