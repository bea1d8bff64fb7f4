"""How long danger stands without an order, as HQ was asked about it: one note a need, written with the log."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.feeds.decision_lag import Answer
from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

_commit = Script("field_commit")


class LagNote(msgspec.Struct, frozen=True, kw_only=True):
    """What HQ was asked about one need, and what it said. It goes when the need does."""

    since: datetime  # 気象庁's announcement of this grade
    grade: int
    nagged_at: datetime | None = None
    escalated_at: datetime | None = None
    answer: Answer | None = None


_decode = msgspec.msgpack.Decoder(LagNote).decode


class LagStore:
    """The notes of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self._redis = redis
        self._keys = Keys(realm)

    async def notes(self) -> dict[str, LagNote]:
        """By `Need.key`."""
        rows = await self._redis.hgetall(self._keys.decision_lag)
        return {as_text(name): _decode(as_bytes(row)) for name, row in rows.items()}

    async def commit(
        self, seen: Head, at: datetime, steps: Sequence[Step], key: str, note: LagNote | None
    ) -> None:
        """Write one note (None: remove it) with its entries of the log. Raises HeadMoved: nothing is written then."""
        log = chained(seen, at, steps)
        row = msgspec.msgpack.encode(note) if note else b""
        answer = await _commit(
            self._redis,
            keys=[self._keys.audit, self._keys.audit_head, self._keys.decision_lag],
            args=[seen.stored, head_after(log), key, row, *packed(log)],
        )
        if as_text(answer) != "ok":
            raise HeadMoved
