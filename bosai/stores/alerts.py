"""Orders of one side: every version, what is in force, what was released, what the planner has taken up.

Services decide the moves; `AlertStore.commit` writes one decision whole. After a release the planner is nudged by an
event; a crash between the two costs only the time until it polls (`in_force`, `released_since`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, WrongRealm
from bosai.model.alert import Act, AlertRecord, AlertState
from bosai.model.realm import Realm
from bosai.stores.audit import Head, HeadMoved, Step, chained, head_after, packed
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script

_commit = Script("alert_commit")
_decode = msgspec.msgpack.Decoder(AlertRecord).decode
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version to be written. `seen` is the state it was in when the decision was made; None = it is new."""

    seen: AlertState | None
    record: AlertRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release does beside the records: the new head and what is in force (None = nothing of this order)."""

    incident: str
    closes_incident: bool
    head: AlertRecord
    in_force: AlertRecord | None


class AlertStore:
    """The versions of one side's orders. Refuses records of the other side (WrongRealm)."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def get(self, key: str) -> AlertRecord:
        """The version named "alert_id:version". Raises NotFound."""
        stored = await self._redis.hget(self._keys.alerts, key)
        if stored is None:
            raise NotFound("alert", key)
        return self._own(_decode(as_bytes(stored)))

    async def in_force(self) -> list[AlertRecord]:
        """The newest released versions of orders that are neither lifted nor recalled, oldest release first.

        One read: an update that is released meanwhile never makes an order seem to be gone.
        """
        rows = await self._redis.hvals(self._keys.in_force)
        return sorted((self._own(_decode(as_bytes(row))) for row in rows), key=_by_release)

    async def head(self, alert_id: str) -> AlertRecord:
        """The newest released version of an order, a lift or recall included. Raises NotFound."""
        version = await self._redis.hget(self._keys.alert_heads, alert_id)
        if version is None:
            raise NotFound("alert", alert_id)
        return await self.get(f"{alert_id}:{as_text(version)}")

    async def states(self) -> dict[str, AlertState]:
        """Where every version stands, by key."""
        rows = await self._redis.hgetall(self._keys.alert_states)
        return {as_text(key): AlertState(as_text(state)) for key, state in rows.items()}

    async def many(self, keys: Sequence[str]) -> list[AlertRecord]:
        """These versions, in the order asked; the ones that do not exist are left out."""
        if not keys:
            return []
        rows = await self._redis.hmget(self._keys.alerts, list(keys))
        return [self._own(_decode(as_bytes(row))) for row in rows if row is not None]

    async def history(self, alert_id: str) -> list[AlertRecord]:
        """All versions of an order, lowest version first. Raises NotFound when there is none."""
        keys = [key for key in await self.states() if key.rpartition(":")[0] == alert_id]
        if not keys:
            raise NotFound("alert", alert_id)
        return sorted(await self.many(keys), key=lambda one: one.alert.version)

    async def working(self) -> list[AlertRecord]:
        """Drafts and versions waiting for approval, oldest first."""
        open_states = (AlertState.DRAFT, AlertState.PENDING_APPROVAL)
        keys = [key for key, state in (await self.states()).items() if state in open_states]
        found = [one for one in await self.many(keys) if one.state in open_states]
        return sorted(found, key=lambda one: (one.alert.drafted_at, one.alert.key))

    async def incident(self) -> str | None:
        """The open incident; None while nothing is in force."""
        stored = await self._redis.get(self._keys.incident)
        return as_text(stored) if stored else None

    async def began(self) -> datetime | None:
        """When the first order of the open incident that directs people was released; None while there is none.

        An お知らせ that guides nobody is passed over: neither seats nor a visitor's day are reckoned from it.
        """
        incident = await self.incident()
        rows: Any = await self._redis.zrange(self._keys.releases, 0, -1, withscores=True) if incident else ()
        for one, at_ms in rows:
            where, _, key = as_text(one).partition("/")
            if where == incident and any(found.alert.guides_people for found in await self.many([key])):
                return datetime.fromtimestamp(float(at_ms) / 1000, UTC)
        return None

    async def released_since(self, at: datetime) -> list[AlertRecord]:
        """Every version released at `at` or later (lifts and recalls too), oldest first."""
        members = await self._redis.zrangebyscore(self._keys.releases, unix_ms(at), "+inf")
        return await self.many([as_text(one).partition("/")[2] for one in members])

    async def recent_ended(self, incident: str | None = None) -> list[AlertRecord]:
        """The lifts and recalls released in `incident` (None: the open one, else the last one), oldest first."""
        members = [as_text(one) for one in await self._redis.zrange(self._keys.releases, 0, -1)]
        if incident is None:
            incident = await self.incident() or (members[-1].partition("/")[0] if members else "")
        keys = [key for where, _, key in (one.partition("/") for one in members) if where == incident]
        return [one for one in await self.many(keys) if one.alert.act in (Act.LIFT, Act.RECALL)]

    async def mark_planned(self, alert_key: str, plan_id: str, at: datetime) -> None:
        """The planner has emitted instructions for this version (a lift or recall: has told everybody)."""
        await self._redis.hset(self._keys.planned, alert_key, f"{plan_id}:{at.astimezone(UTC).isoformat()}")
        await self._redis.hdel(self._keys.telling, alert_key)

    async def note_telling(self, alert_keys: Sequence[str], at: datetime) -> None:
        """The planner has told some of these versions, most endangered first, and is about to tell the next."""
        if alert_keys:
            await self._redis.hset(
                self._keys.telling, items=[part for key in alert_keys for part in (key, at.timestamp())]
            )

    async def told_some_at(self, alert_key: str) -> datetime | None:
        """When the planner last told some of this version while the others wait for their turn; None: never."""
        found = await self._redis.hget(self._keys.telling, alert_key)
        return None if found is None else datetime.fromtimestamp(float(found), UTC)

    async def planned(self, alert_key: str) -> bool:
        """True once `mark_planned` was called for the version."""
        return bool(await self._redis.hexists(self._keys.planned, alert_key))

    async def commit(
        self,
        seen: Head,
        at: datetime,
        steps: Sequence[Step],
        changes: Sequence[Change],
        release: Release | None = None,
    ) -> None:
        """Write one decision whole: versions of ONE order, its audit entries, and what a release brings with it.

        `seen` is the audit head read before the state the decision rests on. Raises HeadMoved when anything was
        recorded since, or a version is not in the state seen; then nothing is written.
        """
        alert_id = changes[0].record.alert.alert_id
        rows: list[str | bytes] = []
        for one in changes:
            record = self._own(one.record)
            assert record.alert.alert_id == alert_id, "one commit moves one order"
            rows += [
                record.alert.key,
                one.seen.value if one.seen else "",
                record.state.value,
                _encode(record),
            ]
        entries = chained(seen, at, steps)
        k = self._keys
        answer = await _commit(
            self._redis,
            keys=[
                k.audit,
                k.audit_head,
                k.alerts,
                k.alert_states,
                k.alert_heads,
                k.in_force,
                k.releases,
                k.incident,
            ],
            args=[
                seen.stored,
                head_after(entries),
                alert_id,
                *_release_args(release, changes, at),
                len(entries),
                *packed(entries),
                *rows,
            ],
        )
        if answer != b"ok":
            raise HeadMoved(as_text(answer))

    def _own(self, record: AlertRecord) -> AlertRecord:
        if record.alert.realm_of is not self.realm:
            raise WrongRealm(self.realm.value, record.alert.realm_of.value)
        return record


def _release_args(
    release: Release | None, changes: Sequence[Change], at: datetime
) -> list[str | bytes | int]:
    """ARGV 4-8 of alert_commit.lua."""
    if release is None:
        # A version in force that is only touched (its review time) keeps its copy in step.
        touched = [one.record for one in changes if one.record.state is AlertState.ISSUED]
        return ["", _encode(touched[-1]) if touched else "-", "-", "", 0]
    head = release.head.alert
    return [
        str(head.version),
        _encode(release.in_force) if release.in_force else "",
        "" if release.closes_incident else release.incident,
        f"{release.incident}/{head.key}",
        unix_ms(at),
    ]


def _by_release(record: AlertRecord) -> tuple[datetime, str]:
    return record.released_at or record.alert.drafted_at, record.alert.key
