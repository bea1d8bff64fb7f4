"""What two officers approved in quiet times, whether it may go out by itself, and what became of each announcement.

fields of the hash: "ready/<class>" approved · "asked/<class>" waits for the second · "stopped" · "met/<proposal>"
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from redis.asyncio import Redis

from bosai.errors import WrongRealm
from bosai.model.alert import AlertArea, AlertText, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

_commit = Script("at_once_commit")
STOPPED = "stopped"


class Reaction(StrEnum):
    """What became of one announcement."""

    ISSUED = "issued"  # a new order, or notice, of ours went out
    RAISED = "raised"  # the one that had gone out at once was replaced by the graver one
    ALREADY = "already"  # the same class, or a graver one, stands already
    STALE = "stale"
    STOPPED = "stopped"  # HQ had stopped it
    NOT_READY = "not_ready"  # nobody approved the texts, or they are not what was approved any more
    HQ_ORDER = "hq_order"  # HQ's own order of a lower class stands: only people replace it
    HQ_TOOK_IT = "hq_took_it"  # HQ had adopted or set aside the proposal

    @property
    def went_out(self) -> bool:
        """True where people were told."""
        return self in (Reaction.ISSUED, Reaction.RAISED)

    @property
    def needs_people(self) -> bool:
        """True where somebody who trusts the automatism would be wrong."""
        return self in (Reaction.STALE, Reaction.STOPPED, Reaction.NOT_READY, Reaction.HQ_ORDER)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly what goes out, on one side, when one class is announced. `raised_texts`: in place of a lower class."""

    realm: Realm
    tsunami_class: TsunamiClass
    kind: OrderKind
    standing_rule: str
    area: AlertArea
    texts: dict[str, AlertText]
    raised_texts: dict[str, AlertText]
    review_after_min: int


class PreApproval(msgspec.Struct, frozen=True, kw_only=True):
    """A content with the two officers who stand for it; `approver` None: the second has still to look."""

    content: Content
    content_hash: str
    drafter: str
    drafted_at: datetime
    approver: str | None = None
    approved_at: datetime | None = None


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing goes out by itself until somebody resumes it."""

    by: str
    at: datetime
    reason: str


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement and what became of it. `alert_key`: the version that went out, or that stood in the way."""

    proposal_id: str
    tsunami_class: TsunamiClass
    report_at: datetime
    at: datetime
    reaction: Reaction
    alert_key: str = ""


class AtOnceState(msgspec.Struct, frozen=True, kw_only=True):
    """All of one side, read in one moment."""

    ready: Mapping[TsunamiClass, PreApproval]
    asked: Mapping[TsunamiClass, PreApproval]
    stop: Stop | None
    met: tuple[Met, ...]  # newest announcement first


Record = PreApproval | Stop | Met
_approval = msgspec.msgpack.Decoder(PreApproval).decode
_stop = msgspec.msgpack.Decoder(Stop).decode
_met = msgspec.msgpack.Decoder(Met).decode


class AtOnceStore:
    """One side's. Refuses contents of the other side (WrongRealm)."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)
        # An approved area may have 100,000 corners, and every page of the console asks: what was read stays read.
        self._read: dict[str, tuple[bytes, PreApproval]] = {}

    async def state(self) -> AtOnceState:
        """Everything there is. What did not change since the last time is the same object."""
        rows = {
            as_text(field): as_bytes(row) for field, row in (await self._redis.hgetall(self._key)).items()
        }
        stop = rows.get(STOPPED)
        met = [_met(row) for field, row in rows.items() if field.startswith("met/")]
        return AtOnceState(
            ready=self._approvals(rows, "ready"),
            asked=self._approvals(rows, "asked"),
            stop=None if stop is None else _stop(stop),
            met=tuple(sorted(met, key=lambda one: (one.report_at, one.proposal_id), reverse=True)),
        )

    async def met(self, proposal_id: str) -> Met | None:
        """What became of one announcement; None while nobody has decided."""
        row = await self._redis.hget(self._key, f"met/{proposal_id}")
        return None if row is None else _met(as_bytes(row))

    async def commit(
        self, seen: Head, at: datetime, steps: Sequence[Step], fields: Mapping[str, Record | None]
    ) -> None:
        """Write fields (None removes one) with their entries of the log. Raises HeadMoved; then nothing is written."""
        entries = chained(seen, at, steps)
        rows: list[str | bytes] = []
        for field, record in fields.items():
            if isinstance(record, PreApproval):
                self._own(record)
            rows += [field, b"" if record is None else msgspec.msgpack.encode(record)]
        answer = await _commit(
            self._redis,
            keys=[self._keys.audit, self._keys.audit_head, self._key],
            args=[seen.stored, head_after(entries), len(entries), *packed(entries), *rows],
        )
        if answer != b"ok":
            raise HeadMoved

    async def note(self, met: Met) -> None:
        """Remember what is in the log already: the release itself was written with its entries."""
        await self._redis.hset(self._key, met_field(met.proposal_id), msgspec.msgpack.encode(met))

    async def forget(self, proposal_ids: Sequence[str]) -> None:
        """Announcements too old to be met again."""
        if proposal_ids:
            await self._redis.hdel(self._key, *map(met_field, proposal_ids))

    @property
    def _key(self) -> str:
        return self._keys.at_once

    def _approvals(self, rows: Mapping[str, bytes], kind: str) -> dict[TsunamiClass, PreApproval]:
        found = {}
        for one in TsunamiClass:
            field = f"{kind}/{one.value}"
            if (row := rows.get(field)) is not None:
                found[one] = self._approval(field, row)
        return found

    def _approval(self, field: str, row: bytes) -> PreApproval:
        known = self._read.get(field)
        if known is None or known[0] != row:
            known = row, self._own(_approval(row))
            self._read[field] = known
        return known[1]

    def _own(self, approval: PreApproval) -> PreApproval:
        if approval.content.realm is not self.realm:
            raise WrongRealm(self.realm.value, approval.content.realm.value)
        return approval


def ready_field(tsunami_class: TsunamiClass) -> str:
    """Where the approved content of a class is kept."""
    return f"ready/{tsunami_class.value}"


def asked_field(tsunami_class: TsunamiClass) -> str:
    """Where a content that waits for the second officer is kept."""
    return f"asked/{tsunami_class.value}"


def met_field(proposal_id: str) -> str:
    """Where it is remembered what became of an announcement."""
    return f"met/{proposal_id}"
