"""The watch over releases: what the planner has not planned in time goes out without it (design, rule 5.10).

    released, not marked planned for `fallback_after_s` ─▶ everybody inside ─▶ cautious advice 「行き先は続報」
    lifted or recalled, not marked                      ─▶ everybody who was told and is inside nothing else

A planner that is telling a city, piece by piece, is not late while the last piece is fresh.
It runs in another process than the planner and uses none of its plans: areas, levels and words only. Whoever has
been told by a plan already is left alone (the store refuses a provisional word over a real one of the same version).
When the planner is back, its plan brings the seat as one update.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Alert, AlertRecord
from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from bosai.services.endings import ending_drafts, is_ended
from bosai.services.notices_told import notice_drafts, read_by
from bosai.services.people import PeopleRows
from bosai.services.plan_sources import PlanSources
from bosai.services.planning import (
    DIRECTED,
    Situation,
    alert_id_of,
    danger_of,
    meaning,
    seconds_left,
)
from bosai.services.told import book_of
from bosai.stores.instructions import EmitReport, InstructionDraft
from shelters.dangers import Danger, main_danger, message_rows, who_is_inside
from shelters.model import NO_FACET, Action, Facet, Pace, ReasonCode
from shelters.triage import LEAVE_EARLY
from workers.cancelling import stop_if_cancelled
from workers.faults import log_fault
from workers.planner import open_sources

if TYPE_CHECKING:
    from bosai.wiring import Wired

log = logging.getLogger(__name__)

TICK_S = 0.25
WARM_S = 5.0
AGAIN_S = 5.0
DRAFTS_AT_ONCE = 5_000
LOOK_BACK = timedelta(hours=1)
PLAN_ID = "provisional"
HEALTH_PART = "schedules"


class ReleaseWatch:
    """Watches the releases of one side until cancelled."""

    def __init__(self, sources: PlanSources, *, after_s: float) -> None:
        self.realm = sources.realm
        self._sources = sources
        self._after = timedelta(seconds=after_s)
        self._told_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Look four times a second; keep the places loaded, so that an order need not wait for them."""
        warm_in = 0.0
        while True:
            stop_if_cancelled()
            try:
                if warm_in <= 0:
                    await self._sources.refresh_people()
                    await self._sources.tell_health(HEALTH_PART, ok=True)
                    warm_in = WARM_S
                await self.step()
            except Exception as error:
                log_fault(log, f"{self.realm}: the watch over releases failed and looks again", error)
            await asyncio.sleep(TICK_S)
            warm_in -= TICK_S

    async def step(self) -> EmitReport:
        """Send what is overdue; how many were told."""
        overdue = await self._overdue()
        if not overdue:
            return EmitReport()
        log.warning(
            "%s: no plan for %s: going out without", self.realm, ", ".join(one.alert.key for one in overdue)
        )
        await self._sources.refresh_people()
        rows, written = await self._sources.people(), 0
        for incident in sorted({one.incident for one in overdue if one.incident}):
            situation = await self._sources.situation(incident)
            heads = await self._sources.heads(situation.told)
            of_incident = [one for one in overdue if one.incident == incident]
            drafts = self._drafts(situation, rows, of_incident, heads)
            # The first are under way while the last are still worked out: nobody waits for the whole city.
            while some := await asyncio.to_thread(_next, drafts):
                # No lease: the store tells only those for whom nothing stands on this version yet.
                report = await self._sources.instructions.emit(None, some, self._sources.clock.now())
                written += report.written
        for one in overdue:
            self._told_at[one.alert.key] = self._sources.clock.now()
        return EmitReport(written=written)

    async def _overdue(self) -> list[AlertRecord]:
        """Released versions that wait for their plan for too long; each again every few seconds until it is there."""
        alerts, now = self._sources.alerts, self._sources.clock.now()
        ended = [one for one in await alerts.released_since(now - LOOK_BACK) if is_ended(one)]
        found = []
        for one in [*await alerts.in_force(), *ended]:
            waiting = one.released_at is not None and now - one.released_at >= self._after
            told_at = self._told_at.get(one.alert.key)
            recently = told_at is not None and now - told_at < timedelta(seconds=AGAIN_S)
            if not waiting or recently or await alerts.planned(one.alert.key):
                continue
            # A planner in the middle of telling a city is not late: who waits would hear twice.
            some_at = await alerts.told_some_at(one.alert.key)
            if some_at is None or now - some_at >= self._after:
                found.append(one)
        return found

    def _drafts(
        self,
        situation: Situation,
        rows: PeopleRows,
        overdue: list[AlertRecord],
        heads: dict[str, AlertRecord],
    ) -> Iterator[InstructionDraft]:
        settings = self._sources.settings
        dangers = [
            (one, danger)
            for one in situation.in_force
            if (danger := danger_of(one.alert, settings.city.plane_epsg)) is not None
        ]
        inside = who_is_inside(
            rows.people, [one for _, one in dangers], settings.planner.point_rounding_widen_m, rows.blur_m
        )
        late = {one.alert.key for one in overdue}
        yield from self._provisional(situation, rows, dangers, inside, late)
        covered = book_of(situation.told).rows_of(rows.subscription_ids)[rows.owner[inside.any(axis=1)]]
        guided = np.zeros(len(rows.subscription_ids), dtype=np.bool_)
        guided[rows.owner[inside.any(axis=1)]] = True
        if (reading := read_by(situation, rows, settings, guided)) is not None:
            covered = np.append(covered, reading.stay_told(situation, rows))
            yield from notice_drafts(reading, situation, rows, settings, plan_id=PLAN_ID, only=late)
        ending_ids = {one.alert.alert_id for one in overdue if is_ended(one)}
        for one in ending_drafts(situation, covered, heads, settings, plan_id=PLAN_ID):
            if alert_id_of(one.alert_key) in ending_ids and one.message is not MessageKind.OUT_OF_AREA:
                yield one

    def _provisional(
        self,
        situation: Situation,
        rows: PeopleRows,
        dangers: list[tuple[AlertRecord, Danger]],
        inside: NDArray[np.bool_],
        late: set[str],
    ) -> Iterator[InstructionDraft]:
        only = [danger for _, danger in dangers]
        main = main_danger(inside, only)
        stale_at = situation.now + timedelta(seconds=self._sources.settings.push.ttl_order_s)
        for row in message_rows(rows.owner, main, rows.relative, only):
            record, danger = dangers[main[row]]
            subscription_id = rows.subscription_ids[rows.owner[row]]
            if record.alert.key not in late or _knows(situation, subscription_id, record.alert):
                continue
            people = rows.people
            action = cautious_action(danger, Pace(int(people.pace[row])), Facet(int(people.needs[row])))
            yield InstructionDraft(
                subscription_id=subscription_id,
                incident=record.incident or situation.incident,
                place_id=rows.place_ids[row],
                message=MessageKind.PROVISIONAL,
                action=action,
                alert_key=record.alert.key,
                danger_class=danger.danger_class,
                reasons=(ReasonCode.PROVISIONAL.value,),
                plan_id=PLAN_ID,
                decided_at=situation.now,
                stale_at=stale_at,
                meaning=meaning(record.alert, "provisional", action),
                left_s=seconds_left(record.alert, situation.now),
                town=rows.towns[row],
            )


def cautious_action(danger: Danger, pace: Pace, needs: Facet = NO_FACET) -> Action:
    """What is right for everybody inside, without knowing sites: away from the sea and up; out; or up at level 5."""
    if danger.is_tsunami:
        return Action.INLAND if danger.advisory else Action.REFUGE
    if danger.level == 5:
        return Action.UP
    needs_time = pace is Pace.SLOW or bool(needs & LEAVE_EARLY)
    return Action.PREPARE if danger.level == 3 and not needs_time else Action.GO


def _next(drafts: Iterator[InstructionDraft]) -> list[InstructionDraft]:
    return list(islice(drafts, DRAFTS_AT_ONCE))


def _knows(situation: Situation, subscription_id: str, alert: Alert) -> bool:
    """True when a plan has told this person the same order already, only an earlier version of it."""
    found = book_of(situation.told).get(subscription_id)
    if found is None or found.message not in DIRECTED:
        return False
    before = situation.told_of.get(found.alert_key)
    return (
        before is not None
        and before.alert.alert_id == alert.alert_id
        and before.alert.kind is alert.kind
        and before.alert.tsunami_class is alert.tsunami_class
    )


def open_watch(wired: "Wired", realm: Realm) -> ReleaseWatch:
    """The watch of one side, with its own eyes on the places."""
    return ReleaseWatch(open_sources(wired, realm), after_s=wired.settings.planner.fallback_after_s)
