"""What the push service of the bed answers when a test tells it to: one answer, n times or for good."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One scripted answer. 201 is handled as the service would; anything else is answered as told.

    `delay_s` passes before the answer is decided; `reset` sends a TCP RST instead of any answer.
    """

    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay_s: float = 0.0
    reset: bool = False


NOT_FOUND = Answer(status=404, body='{"code":404,"errno":102,"error":"Not Found"}')
GONE = Answer(status=410, body='{"code":410,"errno":106,"error":"Gone"}')
TOO_LARGE = Answer(status=413, body='{"code":413,"errno":104,"error":"Payload Too Large"}')
SERVER_ERROR = Answer(status=500)
UNAVAILABLE = Answer(status=503)
RESET = Answer(reset=True)


def too_many(retry_after: int | datetime | None = None) -> Answer:
    """429, with Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3), or without any."""
    if retry_after is None:
        return Answer(status=429)
    if isinstance(retry_after, datetime):
        return Answer(
            status=429, headers={"Retry-After": format_datetime(retry_after.astimezone(UTC), usegmt=True)}
        )
    return Answer(status=429, headers={"Retry-After": str(retry_after)})


def slow(delay_s: float, then: Answer | None = None) -> Answer:
    """`then` (201 unless told) after `delay_s` seconds."""
    after = then or Answer()
    return Answer(
        status=after.status, headers=after.headers, body=after.body, delay_s=delay_s, reset=after.reset
    )


@dataclass(slots=True)
class Script:
    """The answers for one address, or for all: the queue first, then the standing answer if there is one."""

    queue: deque[Answer] = field(default_factory=deque)
    standing: Answer | None = None

    def take(self) -> Answer | None:
        """The answer for the next request, or None when the script has nothing to say."""
        return self.queue.popleft() if self.queue else self.standing
