"""The planner: whoever holds the lease plans, tells who must be told, and answers HQ's previews.

    events (nudge) ─┐
    poll each second┴▶ something new? ─▶ one moment (sources) ─▶ plan ─▶ who hears ─▶ emit, fenced ─▶ mark planned
                                                          the rest stands on ◀─┤  └─▶ people on their way, health
                                                          the newest version   └─▶ quiet reminders, an hour later
    lease: renewed every 1.5 s; lost ─▶ stop writing; a successor starts with a whole plan within 10 s

A step that fails is logged, shown in the health record and tried again; an order waits for nobody: see `fallback.py`.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from redis.asyncio import Redis

from bosai.model.alert import Alert, AlertRecord
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services.endings import ending_drafts, is_ended
from bosai.services.notices_told import Reading, notice_drafts, read_by
from bosai.services.people import PeopleRows
from bosai.services.plan_records import PlanRecorder
from bosai.services.plan_replay import recorder_of
from bosai.services.plan_sources import PlanSources
from bosai.services.planning import Situation, drafts_of, hearing_of, plan_id_of, problem_of
from bosai.services.preview_answers import PreviewAnswers
from bosai.services.previews import Preview, PreviewBroker
from bosai.services.reminders import Reminders
from bosai.services.site_failing import failures_of
from bosai.services.told import book_of
from bosai.services.who_hears import Hearing, most_endangered_first
from bosai.stores.instructions import EmitReport, InstructionDraft
from bosai.stores.keys import Keys
from bosai.stores.lease import Lease
from bosai.stores.replies import as_text
from bosai.stores.site_failures import SiteFailures
from bosai.stores.subscriptions import SubscriptionStore
from shelters.failure import FailureBook
from shelters.people_left import PeopleLeft
from shelters.plan import Plan
from shelters.planning import plan
from workers.cancelling import stop_if_cancelled
from workers.faults import log_fault
from workers.leased import while_held

if TYPE_CHECKING:
    from bosai.wiring import Wired

log = logging.getLogger(__name__)

LEASE_NAME = "planner"
POLL_S = 1.0
EVENT_BLOCK_MS = 200
REPLAN_S = 60.0
SAY_S = 15.0
"""The board takes a part that said nothing for a minute for dead."""
ANSWERS_S = 5.0
"""Answers ("going", "arrived") change who is on the way, not who is in danger: they are gathered this long."""
LOOK_BACK = timedelta(hours=24)
RETRY_S = 1.0
RESTAMPED_AT_ONCE = 8_192
FIRST_PIECE, PIECE = 256, 8_192
"""People whose words are written at once: the first soon, the rest in bulk."""
PREVIEW_BLOCK_MS = 1_000
HEALTH_PART = "planner"


class Fenced(Exception):
    """A write met a higher token: somebody else plans now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one plan came to."""

    made: Plan
    plan_id: str
    hearing: Hearing
    told: list[int]  # rows of the plan whose people hear, most endangered first
    reading: Reading | None  # who is inside a notice that guides nobody, and covered by no order


class PlannerWorker:
    """Plans one side until cancelled."""

    def __init__(
        self,
        redis: Redis,
        sources: PlanSources,
        previews: PreviewBroker,
        lease: Lease,
        *,
        records: PlanRecorder | None = None,
    ) -> None:
        self.realm = sources.realm
        self.lease = lease
        self._redis = redis
        self._sources = sources
        self._previews = previews
        self._answers = PreviewAnswers(sources)
        self._keys = Keys(sources.realm)
        self._last_event = "$"
        self._seen: tuple[Any, ...] | None = None
        self._planned_at = 0.0
        self._planned_event = ""
        self._facts: dict[str, Any] = {}
        self._said_at = 0.0
        self._held_until_s = math.inf  # when the first of those whom ten minutes hold back may be told
        self._made: Plan | None = None  # what the next plan may use again
        self._left, self._failures = PeopleLeft(), FailureBook()
        self._reminders = Reminders(sources)
        self._records = records

    # ---- loops -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hold the lease when it is free, and plan while it is held."""
        await while_held(self.lease, f"{self.realm.value} planner", self._work)

    async def _work(self) -> None:
        """Plan and answer; ends when a write was fenced."""
        self._seen = (
            None  # a new holder starts with a whole plan, and knows nothing of what others did meanwhile
        )
        self._sources.forget_told()
        self._made, self._left, self._failures = None, PeopleLeft(), FailureBook()
        self._reminders = Reminders(self._sources)
        beside = [asyncio.ensure_future(self._answering())]
        if self._records is not None:
            beside.append(asyncio.ensure_future(self._records.run()))
        try:
            await self._planning()
        finally:
            if self._records is not None:
                await self._records.finish()
            for one in beside:
                one.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _planning(self) -> None:
        while True:
            stop_if_cancelled()
            try:
                await self.wait_for_news()
                await self.step()
            except Fenced:
                self.lease.token = None
                return
            except Exception as error:
                log_fault(log, f"{self.realm}: a plan failed and is tried again", error)
                self._seen = None
                await self._try_health(ok=False, detail=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(RETRY_S)

    async def _answering(self) -> None:
        while True:
            stop_if_cancelled()
            try:
                await self._previews.serve(self._answers.steps, PREVIEW_BLOCK_MS)
            except Exception as error:
                log_fault(log, f"{self.realm}: a preview failed", error)
                await asyncio.sleep(RETRY_S)

    # ---- steps -------------------------------------------------------------------------------------

    async def wait_for_news(self) -> None:
        """Until an event comes, or the poll is due."""
        until = time.monotonic() + POLL_S
        if self._last_event == "$":
            self._last_event = await self._newest_event()
        while time.monotonic() < until and self._seen is not None:
            stop_if_cancelled()
            found: Any = await self._redis.xread({self._keys.events: self._last_event}, block=EVENT_BLOCK_MS)
            entries = _entries(found)
            if entries:
                self._last_event = as_text(entries[-1][0])
                return

    async def step(self) -> bool:
        """Plan when something changed since the last plan, or the last is a minute old; True when it did."""
        seen, event = await self._signature(), await self._newest_event()
        age_s = time.monotonic() - self._planned_at
        answered = event != self._planned_event and age_s > ANSWERS_S
        released = self._sources.clock.now().timestamp() >= self._held_until_s
        if seen == self._seen and not answered and not released and age_s < REPLAN_S:
            await self._remind()
            if time.monotonic() - self._said_at > SAY_S:
                await self._health(**self._facts)  # nothing to plan is not silence
            return False
        await self.plan_once()
        self._seen, self._planned_event, self._planned_at = seen, event, time.monotonic()
        return True

    async def _signature(self) -> tuple[Any, ...]:
        """What a plan depends on, cheap to compare. Read before the plan, so that nothing slips between."""
        alerts, sites = self._sources.alerts, self._sources.sites
        statuses: Any = await self._redis.hgetall(self._keys.site_status)
        return (
            await self._sources.refresh_people(),
            tuple(one.alert.key for one in await alerts.in_force()),
            tuple(one.alert.key for one in await self._unanswered_endings()),
            await sites.version(),
            tuple(sorted(statuses.items())),
            await self._sources.hand.raw(),
        )

    async def _newest_event(self) -> str:
        found: Any = await self._redis.xrevrange(self._keys.events, count=1)
        return as_text(found[0][0]) if found else "0-0"

    async def plan_once(self) -> EmitReport:
        """One whole plan of the open incident and of those that have just ended. Raises Fenced."""
        began = time.monotonic()
        endings = await self._unanswered_endings()
        open_incident = await self._sources.alerts.incident() or ""
        incidents = {open_incident} | {one.incident for one in endings if one.incident}
        total, plan_id = EmitReport(), ""
        self._held_until_s = math.inf
        for incident in sorted(incidents):
            report, plan_id = await self._plan_incident(incident, plan_id)
            total = _sum(total, report)
        for record in endings:
            await self._mark(record, plan_id)
        took_ms = round((time.monotonic() - began) * 1000)
        people = len((await self._sources.people()).subscription_ids)
        await self._health(took_ms=took_ms, people=people, plan_id=plan_id, written=total.written)
        if total.written:
            log.info("%s: plan %s told %d in %d ms", self.realm, plan_id, total.written, took_ms)
        return total

    async def _plan_incident(self, incident: str, plan_id: str) -> tuple[EmitReport, str]:
        sources = self._sources
        situation = await sources.situation(incident)
        in_this = [one for one in situation.in_force if one.incident in (incident, None)]
        told = book_of(situation.told)
        heads = await sources.heads(told)
        if not in_this:  # all of it has ended
            nobody = np.empty(0, dtype=np.int64)
            endings = ending_drafts(situation, nobody, heads, sources.settings, plan_id=plan_id or "ended")
            if not situation.in_force:
                self._made, self._failures = None, FailureBook()
                self._reminders.forget()
                await self._show_on_the_way({})
                await SiteFailures(self._redis, self.realm).write([])
            report = EmitReport()
            while drafts := await asyncio.to_thread(_next, endings):
                report = _sum(report, await self._emit(incident, drafts))
            if not situation.in_force:
                await sources.prepare_walks(situation)
            return report, plan_id or "ended"
        rows = await sources.people()
        found = await asyncio.to_thread(self._compute, situation, rows)
        report = await self._tell(situation, rows, found, heads)
        if self._records is not None:
            self._records.keep(
                found.made,
                plan_id=found.plan_id,
                incident=incident,
                at=situation.now,
                told=report.written,
            )
        for record in in_this:
            await self._mark(record, found.plan_id)
        moved = await self._restamp(incident, found)
        self._made, self._held_until_s = found.made, found.hearing.changes.held_until_s
        self._reminders.know(situation, rows, found.made, found.hearing)
        await self._show_on_the_way(found.made.on_their_way())
        failed = self._failures.read(found.made)
        failures = failures_of(failed, found.made.problem.sites, situation.now, self.realm)
        await SiteFailures(self._redis, self.realm).write(failures)
        return msgspec.structs.replace(report, unchanged=report.unchanged + moved), found.plan_id

    def _compute(self, situation: Situation, rows: PeopleRows) -> "_Found":
        """The plan, and who hears of it, most endangered first."""
        problem = self._left.added_to(problem_of(situation, rows, self._sources.settings))
        made = plan(problem, self._made)
        hearing = hearing_of(made, rows, situation, self._sources.settings)
        told = most_endangered_first(made, np.flatnonzero(hearing.changes.tell))
        covered = np.zeros(len(rows.subscription_ids), dtype=np.bool_)
        owners = made.problem.owner[made.row]
        covered[owners[owners >= 0]] = True
        reading = read_by(situation, rows, self._sources.settings, covered)
        return _Found(
            made=made, plan_id=plan_id_of(made, situation), hearing=hearing, told=told, reading=reading
        )

    async def _tell(
        self, situation: Situation, rows: PeopleRows, found: "_Found", heads: Mapping[str, AlertRecord]
    ) -> EmitReport:
        """Words for exactly those who hear: the first are on their way while the last are still being written."""
        settings, total, at = self._sources.settings, EmitReport(), 0

        def drafts_for(some: Sequence[int]) -> list[InstructionDraft]:
            hearing, plan_id = found.hearing, found.plan_id
            made = drafts_of(
                found.made,
                rows,
                situation,
                settings,
                plan_id=plan_id,
                only=some,
                also=hearing.also,
                full=hearing.full,
            )
            return [one for one in made if one.incident == situation.incident]

        inside = found.hearing.at
        notices: Iterator[InstructionDraft] = iter(())
        if found.reading is not None:  # the least endangered come last
            inside = np.append(inside, found.reading.stay_told(situation, rows))
            notices = notice_drafts(found.reading, situation, rows, settings, plan_id=found.plan_id)
        endings = ending_drafts(situation, inside, heads, settings, plan_id=found.plan_id)
        rest = chain(endings, notices)
        while True:  # the ends of orders go with the rest from the first on
            many = FIRST_PIECE if at == 0 else PIECE
            drafts = await asyncio.to_thread(drafts_for, found.told[at : at + many])
            drafts += (others := await asyncio.to_thread(_next, rest))
            at += many
            if drafts:
                total = _sum(total, await self._emit(situation.incident, drafts))
            if at >= len(found.told) and not others:
                return total
            # The watch over releases leaves the rest of a city to us while we are at it.
            await self._sources.alerts.note_telling(
                [one.alert.key for one in situation.in_force], self._sources.clock.now()
            )

    async def preview(self, alert: Alert) -> Preview:
        """What releasing this version would mean, by plans that are thrown away."""
        return await self._answers.whole(alert)

    # ---- writes ------------------------------------------------------------------------------------

    async def _emit(self, incident: str, drafts: Sequence[InstructionDraft]) -> EmitReport:
        if self.lease.token is None:
            raise Fenced
        sources = self._sources
        written = sources.keeper(incident).note_written
        report = await sources.instructions.emit(self.lease.token, drafts, sources.clock.now(), written)
        if report.fenced:
            raise Fenced
        return report

    async def _restamp(self, incident: str, found: "_Found") -> int:
        """Who hears nothing of a later version of the order stands on it all the same; how many moved.

        Nobody waits for it: when news comes in between, the rest moves after the next plan.
        """
        hearing, keys = found.hearing, [one.key for one in found.made.problem.dangers]
        chosen = np.flatnonzero(hearing.changes.restamp)
        at = hearing.at[chosen]
        seqs, dangers = hearing.book.columns["seq"][at].tolist(), found.made.danger[chosen].tolist()
        event, moved = await self._newest_event(), 0
        hear = self._sources.keeper(incident).note_moved
        for start in range(0, len(chosen), RESTAMPED_AT_ONCE):
            some = range(start, min(start + RESTAMPED_AT_ONCE, len(chosen)))
            moves = [(hearing.book.name(int(at[n])), seqs[n], keys[dangers[n]]) for n in some]
            if self.lease.token is None:
                raise Fenced
            report = await self._sources.instructions.restamp(
                self.lease.token, incident, moves, self._sources.clock.now(), hear
            )
            if report.fenced:
                raise Fenced
            moved += report.unchanged
            if await self._newest_event() != event:
                break
        return moved

    async def _remind(self) -> None:
        """Quiet reminders to those whose turn has come."""
        if self.lease.token is None:
            return
        report = await self._reminders.send(self.lease.token)
        if report.fenced:
            raise Fenced

    async def _mark(self, record: AlertRecord, plan_id: str) -> None:
        if not await self._sources.alerts.planned(record.alert.key):
            await self._sources.alerts.mark_planned(record.alert.key, plan_id, self._sources.clock.now())

    async def _unanswered_endings(self) -> list[AlertRecord]:
        """Lifts and recalls of the last day that not everybody has been told of yet."""
        alerts = self._sources.alerts
        ended = [
            one for one in await alerts.released_since(self._sources.clock.now() - LOOK_BACK) if is_ended(one)
        ]
        return [one for one in ended if not await alerts.planned(one.alert.key)]

    async def _show_on_the_way(self, persons_by_site: Mapping[str, int]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self._keys.on_the_way)
            for site_id, persons in persons_by_site.items():
                pipe.hset(self._keys.on_the_way, site_id, persons)
            pipe.hset(self._keys.on_the_way, "at", self._sources.clock.now().isoformat())
            await pipe.execute()

    async def _health(self, **facts: Any) -> None:
        self._facts, self._said_at = facts, time.monotonic()
        await self._sources.tell_health(HEALTH_PART, ok=True, **facts)

    async def _try_health(self, *, ok: bool, detail: str) -> None:
        try:
            await self._sources.tell_health(HEALTH_PART, ok=ok, detail=detail)
        except Exception as error:
            log_fault(log, f"{self.realm}: the health record can not be written", error)


def _next(drafts: Iterator[InstructionDraft]) -> list[InstructionDraft]:
    """A piece of them; worked out in a thread, for a whole city hears of an end at once."""
    return list(islice(drafts, PIECE))


def _sum(one: EmitReport, other: EmitReport) -> EmitReport:
    return EmitReport(
        written=one.written + other.written,
        unchanged=one.unchanged + other.unchanged,
        refused=one.refused + other.refused,
        spared=one.spared + other.spared,
    )


def open_planner(wired: "Wired", realm: Realm) -> PlannerWorker:
    """The planner of one side: it can open the places, never the *push* part."""
    return PlannerWorker(
        wired.redis,
        open_sources(wired, realm),
        PreviewBroker(wired.redis, realm, wired.clock),
        Lease(wired.redis, realm, LEASE_NAME),
        records=recorder_of(wired, realm),
    )


def open_sources(wired: "Wired", realm: Realm) -> PlanSources:
    """What plans of one side are made of, with the key of the places and of what was told."""
    key = wired.secrets.realm(realm.value).places_seal_key
    return PlanSources(
        wired.redis,
        realm,
        wired.clock,
        wired.settings,
        subscriptions=SubscriptionStore(wired.redis, realm, places_sealer=Sealer(key.key, key.key_id)),
        instructions=wired.realms[realm].instructions,
        places=wired.realms[realm].places,
        geo=wired.realms[realm].geo.holder,
    )


def _entries(found: Any) -> list[tuple[Any, Any]]:
    """The entries of the one stream read: RESP2 answers a list of (name, entries), RESP3 a dict."""
    if not found:
        return []
    many = list(found.values()) if isinstance(found, dict) else [entries for _, entries in found]
    first = many[0]
    return first[0] if first and isinstance(first[0], list) else first
