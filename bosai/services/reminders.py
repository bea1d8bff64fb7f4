"""The quiet reminder while an order lasts: at most one an hour to a person, silent, of what stands already.

    the last plan: who stands unchanged ─▶ an hour since anything was said? ─▶ some at once ─▶ `remind`, where emit.lua
                                           decides again: two planners or a clock that jumped send no second one

Who was asked to leave and stays, or goes elsewhere, gets none: they said what they do, the reminder would name what
they declined, and a greater danger or the end is told to them in any case. Who arrived gets it: going home too early is
what it is for. They are spread over some minutes, so that a city is not reminded in the same second.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bosai.errors import NotFound
from bosai.model.alert import AlertRecord, OrderKind
from bosai.model.instruction import REMINDERS, MessageKind
from bosai.services.people import PeopleRows
from bosai.services.plan_sources import PlanSources
from bosai.services.planning import Situation, destination_of
from bosai.services.who_hears import Hearing, declined
from bosai.stores.instructions import EmitReport, InstructionDraft
from shelters.changes import Change
from shelters.plan import Plan

EVERY_S = 3600.0
AGAIN_S = 600.0
"""After the store said "not yet": somebody else reminded, or the person answered since."""
FRESH = timedelta(minutes=45)
"""A reminder that could not be delivered by then is of no use: the next is near."""
AT_ONCE = 2_000
LAST_CLASS = 2
LOOK_EVERY_S = 5.0
_GOLDEN = 0.6180339887498949  # multiples of it fill 0 … 1 evenly, in whatever order they come


class Reminders:
    """The reminders of one side, for one holder of the planner's lease."""

    def __init__(self, sources: PlanSources) -> None:
        self._sources = sources
        self._known: tuple[Situation, PeopleRows, Plan, Hearing] | None = None
        self._next_s = np.empty(0)  # (t,) by row of the book: when the store is asked again at the earliest
        self._since: dict[str, datetime] = {}  # order → since when it has been in force
        self._looked_s = -math.inf

    def know(self, situation: Situation, rows: PeopleRows, made: Plan, hearing: Hearing) -> None:
        """The newest plan: what it left as it was is what can be reminded of."""
        if self._known is None or self._known[0].incident != situation.incident:
            self._next_s = np.empty(0)
        more = len(hearing.book.columns) - len(self._next_s)
        self._next_s = np.append(self._next_s, np.full(max(0, more), -math.inf))
        self._known = situation, rows, made, hearing

    def forget(self) -> None:
        """Nothing is in force."""
        self._known = None

    async def send(self, fence: int) -> EmitReport:
        """Remind those whose turn has come, `AT_ONCE` at most."""
        sources, push = self._sources, self._sources.settings.push
        now = sources.clock.now()
        now_s = now.timestamp()
        # A clock that was set back must not silence them for long.
        if self._known is None or not push.reminders or 0 <= now_s - self._looked_s < LOOK_EVERY_S:
            return EmitReport()
        self._looked_s = now_s
        situation, rows, made, hearing = self._known
        records = {
            one.alert.key: one for one in situation.in_force if _reminded_as(one) in push.reminder_kinds
        }
        due = due_rows(
            made, hearing, now_s, spread_s=push.reminder_spread_min * 60.0, keys=frozenset(records)
        )
        due = due[self._next_s[hearing.at[due]] <= now_s][:AT_ONCE]
        if not len(due):
            return EmitReport()
        drafts = []
        for n in due.tolist():
            record = records[made.problem.dangers[int(made.danger[n])].key]
            seq = int(hearing.book.columns["seq"][hearing.at[n]])
            since = await self._since_of(record)
            drafts.append(self._draft(situation, rows, made, n, record, seq, since, now))
        self._next_s[hearing.at[due]] = now_s + AGAIN_S
        at = {one.subscription_id: int(row) for one, row in zip(drafts, hearing.at[due], strict=True)}

        def written(_: int, pairs: Sequence[tuple[InstructionDraft, int]], __: int | None) -> None:
            self._next_s[[at[one.subscription_id] for one, _ in pairs]] = now_s + EVERY_S

        return await sources.instructions.remind(fence, drafts, now, written)

    def _draft(  # noqa: PLR0917 - one person's row, and what stands there
        self,
        situation: Situation,
        rows: PeopleRows,
        made: Plan,
        n: int,
        record: AlertRecord,
        seq: int,
        since: datetime,
        now: datetime,
    ) -> InstructionDraft:
        decision = made.decision(n)
        return InstructionDraft(
            subscription_id=rows.subscription_ids[decision.owner],
            incident=f"{REMINDERS}{situation.incident}",
            place_id=rows.place_ids[decision.row],
            message=MessageKind.STILL_IN_FORCE,
            action=decision.action,
            alert_key=record.alert.key,
            danger_class=LAST_CLASS,
            destination=destination_of(made, decision, self._sources.settings),
            plan_id="reminder",
            decided_at=now,
            stale_at=now + FRESH,
            meaning=f"{seq}.{int(now.timestamp() // EVERY_S)}",
            town=rows.towns[decision.row],
            repeats_seq=seq,
            since=since,
        )

    async def _since_of(self, record: AlertRecord) -> datetime:
        """When the order was first released; when this version was, where the first can not be read any more."""
        order = record.alert.alert_id
        found = self._since.get(order)
        if found is None:
            try:
                first = await self._sources.alerts.get(f"{order}:1")
            except NotFound:
                first = record
            found = first.released_at or record.released_at or record.alert.drafted_at
            self._since[order] = found
        return found


def _reminded_as(record: AlertRecord) -> OrderKind:
    """An お知らせ of a tsunami class lasts as a tsunami order does, and people go back too early as well."""
    return OrderKind.TSUNAMI_EVACUATION if record.alert.is_tsunami_call else record.alert.kind


def due_rows(
    made: Plan, hearing: Hearing, now_s: float, *, spread_s: float, keys: frozenset[str]
) -> NDArray[np.int64]:
    """Rows of the plan whose people stand unchanged under one of these orders and heard nothing for an hour.

    The first reminder of each comes up to `spread_s` later, by the row of the book; the next then keep that distance.
    """
    book, at = hearing.book, hearing.at
    asked = np.isin(made.danger, [k for k, one in enumerate(made.problem.dangers) if one.key in keys])
    quiet = (hearing.changes.kind == Change.SAME) & ~hearing.changes.tell & (at >= 0) & asked
    rows = np.flatnonzero(quiet)
    found = book.columns[at[rows]]
    last_s = np.maximum(found["at_s"], found["decided_s"])
    # That it reached the person only the store knows for certain: acceptances are not read again one by one.
    ready = ~declined(found)
    ready &= now_s - last_s >= EVERY_S + spread_s * (at[rows] * _GOLDEN % 1.0)
    due: NDArray[np.int64] = rows[ready]
    return due
