"""From the bytes of one telegram to a proposal on HQ's desk: keep, read, compare, propose. Never issues anything.

bytes ─▶ kept ─▶ of this side? ─▶ of now? ─▶ read ─▶ folded into what is in force ─▶ changes ─▶ proposals
                     └─ what can not be read stays on HQ's list until somebody has looked; the rest goes on

The state, the row of the list and the proposals that follow are written in one transaction, the proposals as "waiting";
then they go to HQ's desk one by one. Killed in between, the next telegram or a restart finds everything.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from bosai.errors import NotAllowed, WrongRealm
from bosai.feeds.changes import IgnoredReason, Outcome, Standing, TelegramRow
from bosai.feeds.freshness import MAX_AGE
from bosai.feeds.in_force import State, WeatherFamily, forecasts, in_force
from bosai.feeds.proposal_rules import Rules
from bosai.feeds.readings import Forecast
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.feed_rebuild import Rebuilt, rebuilt
from bosai.services.feed_take import (
    PAST_TELEGRAM,
    REPLAY,
    CapJudges,
    Figures,
    Judged,
    concluded,
    id_of,
    judged,
)
from bosai.services.feed_waiting import OnProposal, WaitingProposals
from bosai.services.proposals import ProposalService
from bosai.stores.audit import AuditStore, Step, until_head_holds
from bosai.stores.feed_state import fields_of, loaded
from bosai.stores.keys import Keys
from bosai.stores.telegrams import Received, StoredTelegram, TelegramStore

__all__ = ["PAST_TELEGRAM", "FeedService", "OnProposal", "Rebuilt", "Taken"]

log = logging.getLogger(__name__)

JMA = "jma"
LEFT_OVER_AFTER = timedelta(seconds=60)  # nobody works on one telegram for so long
HEALTH_PART = "telegram"
_AGAIN = IgnoredReason.DUPLICATE
LONGEST_STANDING = timedelta(hours=48)  # 2025-07-30: a warning stood for 32 hours


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one telegram. `proposals`: those that are new on HQ's desk."""

    name: str
    outcome: Outcome
    key: str = ""
    title: str = ""
    detail: str = ""
    ignored: IgnoredReason | None = None
    proposals: tuple[str, ...] = ()


class FeedService:
    """Takes telegrams for one side. Safe to run twice at once: the state is changed by compare-and-set."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        proposals: ProposalService,
        *,
        rules: Rules,
        family: WeatherFamily = "r06",
        prefectures: frozenset[str] = frozenset(),
        on_proposal: OnProposal | None = None,
        cap: CapJudges | None = None,
    ) -> None:
        self._redis = redis
        self._realm = realm
        self._keys = Keys(realm)
        self._clock = clock
        self._proposals = proposals
        self._figures = Figures(realm=realm.value, rules=rules, family=family, prefectures=prefectures)
        self._cap = cap
        self._desk = WaitingProposals(redis, realm, proposals, on_proposal)
        self._audit = AuditStore(redis, realm)
        self.telegrams = TelegramStore(redis, realm)

    async def take(
        self,
        data: bytes,
        name: str,
        *,
        now: datetime | None = None,
        max_age: timedelta = MAX_AGE,
        as_drill: bool = False,
        feed: str = JMA,
    ) -> Taken:
        """Take one telegram as it came. `now`: the clock to judge its age by (None: ours).

        `as_drill` marks a recording of a real event as 訓練; it can then act on the drill side only.
        """
        return await self._take(
            Received(
                id=id_of(data, as_drill=as_drill),
                name=name,
                feed=feed,
                data=data,
                received_at=self._clock.now(),
                judged_at=now,
                max_age_s=max_age.total_seconds(),
                as_drill=as_drill,
            )
        )

    async def take_cap(self, data: bytes, name: str, *, feed: str, now: datetime | None = None) -> Taken:
        """Take one CAP message of the named feed. It proposes; what JMA has in force it never touches."""
        return await self._take(
            Received(
                id=id_of(data + feed.encode(), as_drill=False),
                name=name,
                feed=feed,
                data=data,
                received_at=self._clock.now(),
                judged_at=now,
                max_age_s=MAX_AGE.total_seconds(),
                is_cap=True,
            )
        )

    async def state(self) -> State:
        """All that is known of what 気象庁 has in force, as far as this side has heard."""
        fields = fields_of(await self._redis.hgetall(self._keys.feed_state))
        return (await asyncio.to_thread(loaded, fields, self._realm.value, self._figures.family)).state

    async def in_force(self) -> tuple[Standing, ...]:
        """What 気象庁 has in force, by system, code and danger."""
        return in_force(await self.state())

    async def forecasts(self) -> tuple[Forecast, ...]:
        """What 気象庁 expects when, of the newest telegrams."""
        return forecasts(await self.state())

    async def rebuild(self, *, full: bool = False) -> Rebuilt:
        """Finish what was left over, and tell the state again from the telegrams it rests on.

        Where that differs from what is stored, or with `full`, every kept telegram is read and the state replaced.
        """
        for left in await self.telegrams.pending():
            await self._again(left)
        found = await rebuilt(self._redis, self._keys, self.telegrams, self._figures, full=full)
        for data, stored in found.newly_readable:
            await self._take(_as_received(stored, data, self._clock.now()))
        await self._desk.put_waiting()
        await self._tell_health()
        return found.report

    async def acknowledge(self, officer: Session, key: str) -> bool:
        """Somebody has looked at a telegram that could not be read; False when it was not on the list (any more).

        Raises WrongRealm, NotAllowed, NotFound.
        """
        if officer.realm is not self._realm:
            raise WrongRealm(self._realm.value, officer.realm.value)
        if not officer.may(Permission.DRAFT):
            raise NotAllowed(Permission.DRAFT.value)
        row = await self.telegrams.row(key)
        step = Step(
            officer.name, "telegram_seen", f"telegram:{key}", {"name": row.name, "detail": row.detail}
        )

        async def attempt() -> bool:
            head = await self._audit.head()
            return await self.telegrams.acknowledge(head, self._clock.now(), step, key)

        seen = await until_head_holds(attempt)
        await self._tell_health()
        return seen

    async def _take(self, received: Received) -> Taken:
        for left in await self.telegrams.pending(self._clock.now() - LEFT_OVER_AFTER):
            await self._again(left)
        return await self._finish(await self.telegrams.receive(received))

    async def _again(self, left: Received) -> None:
        """What was received and never concluded: whoever had it was stopped, perhaps by the telegram itself."""
        again = msgspec.structs.replace(left, tries=left.tries + 1)
        try:
            await self._finish(await self.telegrams.receive(again))
        except Exception:  # it is tried again, a few times; what is newer does not wait for it
            log.exception("telegram %s was left over and can not be taken now either", left.name)

    async def _finish(self, received: Received) -> Taken:
        known = await self.telegrams.find(id_of(received.data))
        if known is not None and known.given_up:  # the feed lists it again; it would end us again
            await self.telegrams.drop(received.id)
            old = known.row
            return Taken(name=old.name, outcome=old.outcome, key=old.key, detail=old.detail, ignored=_AGAIN)
        cap = await self._cap.judge() if received.is_cap and self._cap is not None else None
        one = await asyncio.to_thread(judged, received, self._figures, self._clock.now(), cap)
        row = await self._write(received, one)
        made = await self._desk.put_waiting()
        if row is None and received.feed != REPLAY:
            played = await self.telegrams.find(one.key)
            if played is not None and played.row.feed == REPLAY:
                await self._desk.heard(played.row.proposals)
        if row is not None:
            await self.telegrams.trim()
            await self._tell_health()
        return _taken(received, one, row, made)

    async def _write(self, received: Received, one: Judged) -> TelegramRow | None:
        """Change state and list by compare-and-set; poller and replay may meet. None: it was known already."""
        store, state_key = self.telegrams, self._keys.feed_state
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                await pipe.watch(state_key, store.received_key(received.id))
                if not await pipe.exists(store.received_key(received.id)):
                    return None
                known = await store.find(one.key)
                if known is not None and _is_settled(known, one):
                    await pipe.reset()  # type: ignore[no-untyped-call]
                    await store.drop(received.id)
                    return None
                fields = fields_of(await pipe.hgetall(state_key))
                size_before = await store.size_of(pipe, one.key)
                found = await asyncio.to_thread(concluded, received, one, fields, self._figures)
                pipe.multi()  # type: ignore[no-untyped-call]
                if found.written:
                    pipe.hset(state_key, mapping=found.written)
                if found.removed:
                    pipe.hdel(state_key, *found.removed)
                if found.needed is not None:
                    store.need(pipe, found.needed)
                store.conclude(pipe, received.id, found.packed, size_before)
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                return found.row

    async def _tell_health(self) -> None:
        """The board's line. It stays red until somebody has looked: only people clear it."""
        unread = await self.telegrams.unread()
        if not unread and not await self._redis.hexists(self._keys.health, HEALTH_PART):
            return
        what = "、".join(f"{one.name}（{one.detail or '・'.join(one.problems)}）" for one in unread[:3])
        more = f" ほか{len(unread) - 3}件" if len(unread) > 3 else ""
        detail = (
            f"確認の要る電文 {len(unread)}件（電文の画面で確認してください）: {what}{more}" if unread else ""
        )
        note = {"at": self._clock.now().isoformat(), "ok": not unread, "detail": detail}
        await self._redis.hset(self._keys.health, HEALTH_PART, msgspec.json.encode(note))


def _is_settled(known: StoredTelegram, one: Judged) -> bool:
    """Nothing new can come of it: it has acted, or is what it was found to be before."""
    return known.has_acted or known.row.outcome is one.outcome


def _taken(received: Received, one: Judged, row: TelegramRow | None, made: list[str]) -> Taken:
    ignored: IgnoredReason | None = _AGAIN
    outcome, detail = one.outcome, one.detail
    if row is not None:
        outcome, ignored, detail = row.outcome, row.ignored, row.detail
    return Taken(
        name=received.name,
        outcome=Outcome.PROPOSED if made else outcome,
        key=one.key,
        title="" if one.source is None else one.source.title,
        detail=detail,
        ignored=ignored,
        proposals=tuple(made),
    )


def _as_received(stored: StoredTelegram, data: bytes, now: datetime) -> Received:
    """A telegram that an older version of the service kept without reading it."""
    return Received(
        id=id_of(data, as_drill=stored.as_drill),
        name=stored.row.name,
        feed=stored.row.feed,
        data=data,
        received_at=now,
        number=stored.number,
        max_age_s=LONGEST_STANDING.total_seconds(),
        as_drill=stored.as_drill,
    )
