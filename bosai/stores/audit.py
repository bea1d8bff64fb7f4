"""The hash-chained record of one side. Its head is also the lock of every change HQ makes.

Whoever changes something reads the head first, then the state, decides, and hands the new entries to a script that
writes only while the head is still the same. So every decision was made on the state it changes.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.errors import StoreUnavailable
from bosai.model.audit import GENESIS, AuditEntry, sealed_entry
from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

GIVE_UP_AFTER_S = 10.0
T = TypeVar("T")

_append = Script("audit_append")
_decode = msgspec.msgpack.Decoder(AuditEntry).decode


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the newest entry; (0, GENESIS) before the first."""

    n: int
    entry_hash: str

    @property
    def stored(self) -> str:
        """As in Redis: "n:hash", or "" before the first entry."""
        return f"{self.n}:{self.entry_hash}" if self.n else ""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be recorded. `step` is a past participle, `subject` is like "alert:…" or "staff:…"."""

    actor: str
    step: str
    subject: str
    facts: Mapping[str, Any]


class HeadMoved(Exception):
    """Somebody recorded something in between: look again and decide again."""


def chained(head: Head, at: datetime, steps: Sequence[Step]) -> tuple[AuditEntry, ...]:
    """The steps as entries that follow `head`.

    Times become UTC and facts plain values, so that the hashes survive storage.
    """
    entries: list[AuditEntry] = []
    n, previous = head.n, head.entry_hash
    for one in steps:
        n += 1
        entry = sealed_entry(
            AuditEntry(
                n=n,
                at=at.astimezone(UTC),
                actor=one.actor,
                step=one.step,
                subject=one.subject,
                facts=msgspec.json.decode(msgspec.json.encode(one.facts)),
                previous=previous,
            )
        )
        entries.append(entry)
        previous = entry.entry_hash
    return tuple(entries)


async def until_head_holds(attempt: Callable[[], Awaitable[T]]) -> T:
    """`attempt` once more for each HeadMoved. Raises StoreUnavailable when that does not end (GIVE_UP_AFTER_S)."""
    try:
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            while True:
                try:
                    return await attempt()
                except HeadMoved:
                    # Jitter, so that those who collided do not collide again.
                    await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - no secret
    except TimeoutError as error:
        raise StoreUnavailable from error


class AuditStore:
    """The log of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def head(self) -> Head:
        """The newest entry's number and hash."""
        stored = await self._redis.get(self._keys.audit_head)
        if not stored:
            return Head(0, GENESIS)
        n, _, entry_hash = as_text(stored).partition(":")
        return Head(int(n), entry_hash)

    async def append(self, at: datetime, *steps: Step) -> tuple[AuditEntry, ...]:
        """Record steps that change nothing else in the same breath."""

        async def attempt() -> tuple[AuditEntry, ...]:
            head = await self.head()
            entries = chained(head, at, steps)
            answer = await _append(
                self._redis,
                keys=[self._keys.audit, self._keys.audit_head],
                args=[head.stored, head_after(entries), *packed(entries)],
            )
            if answer != b"ok":
                raise HeadMoved
            return entries

        return await until_head_holds(attempt)

    async def read(self, start: int, count: int) -> list[AuditEntry]:
        """`count` entries from position `start` (0 = the oldest; negative counts from the newest), in order.

        Raises msgspec.DecodeError when one can not be read.
        """
        return [decoded(row) for row in await self.rows(start, count)]

    async def rows(self, start: int, count: int) -> list[bytes]:
        """The same as `read`, undecoded: to prove a log one must be able to read what is broken in it."""
        if count <= 0:
            return []
        stop = start + count - 1
        rows = await self._redis.lrange(self._keys.audit, start, -1 if start < 0 <= stop else stop)
        return [as_bytes(row) for row in rows]

    async def length(self) -> int:
        """How many entries the list holds."""
        return int(await self._redis.llen(self._keys.audit))


def decoded(row: bytes) -> AuditEntry:
    """An entry as the list keeps it. Raises msgspec.DecodeError."""
    return _decode(row)


def packed(entries: Sequence[AuditEntry]) -> list[bytes]:
    """The entries as the list keeps them."""
    return [msgspec.msgpack.encode(one) for one in entries]


def head_after(entries: Sequence[AuditEntry]) -> str:
    """What the head says once `entries` are appended."""
    return Head(entries[-1].n, entries[-1].entry_hash).stored
