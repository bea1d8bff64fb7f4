"""What HQ asks of the plan, as stored: one record each, written together with its entry in the log.

field of the hash: kind "/" subject, e.g. "exclude/E0410000012", "pin/若林区荒浜", "pause/", "shaken/"
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script
from shelters.hand import Hand, Pin

_commit = Script("field_commit")


class HandKind(StrEnum):
    """What can be asked of the plan."""

    EXCLUDE = "exclude"  # nobody new is sent to a site
    PIN = "pin"  # everybody of a town is sent to one site
    PAUSE = "pause"  # nobody is sent elsewhere for now
    SHAKEN = "shaken"  # strong shaking: halls wait for the building check


class HandEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing asked. `subject`: the site id, the town, or "" for what concerns the whole city."""

    kind: HandKind
    subject: str = ""
    site_id: str = ""  # of a pin: where the town is sent
    reason: str
    set_by: str
    set_at: datetime
    since: datetime | None = None  # of the shaking: when it was

    @property
    def field(self) -> str:
        """Its name in the hash."""
        return field_of(self.kind, self.subject)


_decode = msgspec.msgpack.Decoder(HandEntry).decode


def field_of(kind: HandKind, subject: str) -> str:
    """The name of a record in the hash."""
    return f"{kind.value}/{subject}"


class HandStore:
    """The hand of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """Everything set, as stored, in order of its names: cheap to compare."""
        rows = await self._redis.hgetall(self._keys.hand)
        return tuple(sorted((as_bytes(name), as_bytes(row)) for name, row in rows.items()))

    async def entries(self) -> tuple[HandEntry, ...]:
        """Everything set, the oldest first."""
        found = [_decode(row) for _, row in await self.raw()]
        return tuple(sorted(found, key=lambda one: (one.set_at, one.field)))

    async def entry(self, kind: HandKind, subject: str) -> HandEntry | None:
        """One thing, if it is set."""
        row = await self._redis.hget(self._keys.hand, field_of(kind, subject))
        return None if row is None else _decode(as_bytes(row))

    async def hand(self) -> Hand:
        """As the plan takes it."""
        return hand_of(await self.entries())

    async def commit(
        self, seen: Head, at: datetime, steps: Sequence[Step], field: str, entry: HandEntry | None
    ) -> None:
        """Write one record (None: lift it) with its entries of the log. Raises HeadMoved; then nothing is written."""
        log = chained(seen, at, steps)
        answer = await _commit(
            self._redis,
            keys=[self._keys.audit, self._keys.audit_head, self._keys.hand],
            args=[
                seen.stored,
                head_after(log),
                field,
                msgspec.msgpack.encode(entry) if entry else b"",
                *packed(log),
            ],
        )
        if as_text(answer) != "ok":
            raise HeadMoved


def hand_of(entries: Iterable[HandEntry]) -> Hand:
    """What was set, as the plan takes it."""
    by_kind: dict[HandKind, list[HandEntry]] = {kind: [] for kind in HandKind}
    for one in entries:
        by_kind[one.kind].append(one)
    paused, shaken = by_kind[HandKind.PAUSE], by_kind[HandKind.SHAKEN]
    since = shaken[0].since if shaken else None
    return Hand(
        excluded={one.subject: one.reason for one in by_kind[HandKind.EXCLUDE]},
        pins={one.subject: Pin(site_id=one.site_id, reason=one.reason) for one in by_kind[HandKind.PIN]},
        redirects_paused=paused[0].reason if paused else "",
        shaken_at_s=since.timestamp() if since else None,
    )
