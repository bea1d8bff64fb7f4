"""What feeds suggest to HQ on one side, and what HQ made of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, WrongRealm
from bosai.feeds.proposals import Proposal
from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes
from bosai.stores.scripts import Script
from bosai.stores.telegrams import TelegramStore

_commit = Script("proposal_commit")


class ProposalState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    ADOPTED = "adopted"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"

    @property
    def is_terminal(self) -> bool:
        """True where HQ has nothing left to do."""
        return self is not ProposalState.OPEN


class ProposalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal with what happened to it."""

    proposal: Proposal
    state: ProposalState
    received_at: datetime
    by: str = ""  # who adopted or dismissed it; the id of the newer proposal when superseded
    at: datetime | None = None
    reason: str = ""
    alert_key: str | None = None


_decode = msgspec.msgpack.Decoder(ProposalRecord).decode


def _readable(row: bytes) -> ProposalRecord | None:
    """None for a row of an earlier version, whose proposals knew tsunamis only: it must not hide the others."""
    try:
        return _decode(row)
    except msgspec.ValidationError:
        return None


class ProposalStore:
    """Proposals of one side. Refuses the other side's (WrongRealm)."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)
        self._telegrams = TelegramStore(redis, realm)

    async def get(self, proposal_id: str) -> ProposalRecord:
        """Raises NotFound."""
        row = await self._redis.hget(self._keys.proposals, proposal_id)
        if row is None:
            raise NotFound("proposal", proposal_id)
        found = _readable(as_bytes(row))
        if found is None:
            raise NotFound("proposal", proposal_id)
        return self._own(found)

    async def all(self) -> list[ProposalRecord]:
        """Every proposal, newest report first. Those of an earlier version of the service are not among them."""
        rows = await self._redis.hvals(self._keys.proposals)
        found = [self._own(one) for row in rows if (one := _readable(as_bytes(row))) is not None]
        return sorted(found, key=lambda one: (one.proposal.report_at, one.proposal.id), reverse=True)

    async def raw_telegram(self, telegram_key: str) -> bytes | None:
        """The bytes a proposal was read from; None when they are not kept."""
        try:
            return await self._telegrams.raw(telegram_key)
        except NotFound:
            return None

    async def commit(
        self,
        seen: Head,
        at: datetime,
        steps: Sequence[Step],
        records: Sequence[ProposalRecord],
        gone: Iterable[str] = (),
    ) -> None:
        """Write the records with their audit entries; `gone`: ids that leave. Raises HeadMoved when anything was
        recorded since `seen`."""
        entries = chained(seen, at, steps)
        rows: list[str | bytes] = []
        for one in records:
            rows += [one.proposal.id, msgspec.msgpack.encode(self._own(one))]
        for proposal_id in gone:
            rows += [proposal_id, b""]
        answer = await _commit(
            self._redis,
            keys=[self._keys.audit, self._keys.audit_head, self._keys.proposals],
            args=[seen.stored, head_after(entries), len(entries), *packed(entries), *rows],
        )
        if answer != b"ok":
            raise HeadMoved

    def _own(self, record: ProposalRecord) -> ProposalRecord:
        if record.proposal.realm != self.realm.value:
            raise WrongRealm(self.realm.value, record.proposal.realm)
        return record
