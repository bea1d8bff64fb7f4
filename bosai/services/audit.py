"""The record of decisions: reading it, proving it, adding what happens outside orders."""

from collections.abc import Mapping
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.model.audit import GENESIS, AuditEntry, hash_of
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.stores.audit import AuditStore, Head, Step, decoded

PAGE = 500


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain holds. `first_bad` is the number (from 1) of the first entry that does not."""

    ok: bool
    entries: int
    first_bad: int | None = None
    problem: str = ""  # "hash", "previous", "number", "head", "unreadable"


class AuditService:
    """The log of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock) -> None:
        self.realm = realm
        self._store = AuditStore(redis, realm)
        self._clock = clock

    async def read(self, start: int = 0, count: int = 200) -> list[AuditEntry]:
        """`count` entries in order from position `start`; a negative start counts from the newest."""
        return await self._store.read(start, count)

    async def note(self, actor: str, step: str, subject: str, facts: Mapping[str, Any]) -> AuditEntry:
        """Record something that happened outside orders, e.g. ("hq1", "linked", "site:s12", {…})."""
        entries = await self._store.append(self._clock.now(), Step(actor, step, subject, facts))
        return entries[0]

    async def verify(self) -> VerifyReport:
        """Walk the whole chain. A removed tail shows because the head names another entry."""
        # The head first: entries appended while we read come after it and are walked too.
        head = await self._store.head()
        n, previous, head_met = 0, GENESIS, head.n == 0
        while True:
            page = await self._store.rows(n, PAGE)
            for row in page:
                entry = _read(row)
                problem = "unreadable" if entry is None else _problem(entry, n + 1, previous)
                if entry is None or problem:
                    return VerifyReport(ok=False, entries=n, first_bad=n + 1, problem=problem)
                n, previous = entry.n, entry.entry_hash
                head_met = head_met or Head(n, previous) == head
            if len(page) < PAGE:
                break
        if not head_met or (await self._store.head()).n < n:
            return VerifyReport(ok=False, entries=n, first_bad=n + 1, problem="head")
        return VerifyReport(ok=True, entries=n)


def _read(row: bytes) -> AuditEntry | None:
    try:
        return decoded(row)
    except msgspec.DecodeError:
        return None


def _problem(entry: AuditEntry, n: int, previous: str) -> str:
    if entry.n != n:
        return "number"
    if entry.previous != previous:
        return "previous"
    return "" if hash_of(entry) == entry.entry_hash else "hash"
