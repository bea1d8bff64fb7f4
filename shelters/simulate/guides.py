"""Who tells people where to go: the service's own planner, or "the nearest open site" for everybody.

Both see the same `View` and answer with messages; both speak only to those whose answer changed.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shelters.changes import Changes, compare
from shelters.ledger import Told, nobody_told
from shelters.model import Action, People
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.simulate.memory import Memory
from shelters.simulate.scenario import Scenario
from shelters.simulate.streets import Streets
from shelters.simulate.view import Message, View
from shelters.sites import HAZARD_COLUMN
from shelters.triage import ACTION_ROW
from shelters.ways import Ways

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NAMES_A_SITE = (ACTION_ROW[Action.GO], ACTION_ROW[Action.REFUGE])
_INLAND, _PREPARE = ACTION_ROW[Action.INLAND], ACTION_ROW[Action.PREPARE]
_NOTHING = -9
_COLUMNS = ("site", "action", "decided_s", "walk_s", "arrived_s", "declined", "hazard")


class Guide(Protocol):
    """Speaks to the households of a city."""

    def advise(self, view: View) -> list[Message]:
        """What is new to whom, in row order."""

    @property
    def beyond_seats(self) -> int:
        """Persons whom the newest advice names no site for want of seats."""


@dataclass(slots=True, eq=False)
class NearestGuide:
    """Everybody in danger with a phone is told the nearest fit site that is not closed: once, and again only when it
    closes or fails. What head counts say does not matter to it."""

    scenario: Scenario
    streets: Streets
    subscribed: Bools
    _told: Ints = field(init=False)

    def __post_init__(self) -> None:
        self._told = np.full(len(self.subscribed), _NOTHING, dtype=np.int64)

    @property
    def beyond_seats(self) -> int:
        """Nobody: it knows of no seats."""
        return 0

    def advise(self, view: View) -> list[Message]:
        """See `Guide`."""
        messages = []
        for row in np.flatnonzero(self.subscribed & view.leaves):
            fit = view.known.of(int(row))
            told = int(self._told[row])
            if told >= 0 and fit[told]:
                continue
            figure = np.where(fit, self.streets.from_start(int(row)), np.inf)
            best = int(figure.argmin())
            site = best if np.isfinite(figure[best]) else -1
            if site != told:
                self._told[row] = site
                messages.append(
                    Message(
                        row=int(row),
                        site=site,
                        spare=-1,
                        exit_xy_m=None,
                        is_redirect=told >= 0,
                        ends=False,
                        waits=False,
                    )
                )
        return messages


@dataclass(slots=True, eq=False)
class PlanGuide:
    """The service: a plan at each moment, a message to those for whom it says something new.

    places: (n,) all households as they registered; `others`: residents without a phone with us, where the towns'
    tables put them, or None.
    """

    scenario: Scenario
    streets: Streets
    places: People
    subscribed: Bools
    others: People | None
    _rows: Ints = field(init=False)
    _told: Told = field(init=False)
    _memory: Memory = field(init=False)
    _people: People = field(init=False)
    _owner: NDArray[np.int32] = field(init=False)
    _before: Plan | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._rows = np.flatnonzero(self.subscribed)
        others = 0 if self.others is None else len(self.others)
        self._told = nobody_told(len(self._rows) + others)
        self._memory = Memory(len(self._rows) + others)
        self._people = joined(chosen(self.places, self._rows), self.others)
        self._owner = np.concatenate(
            [np.arange(len(self._rows)), np.full(others, -1, dtype=np.int64)]
        ).astype(np.int32)

    @property
    def beyond_seats(self) -> int:
        """Persons named no site for want of seats in the newest plan."""
        if self._before is None:
            return 0
        made = self._before
        lost = (made.site < 0) & np.isin(made.action, _NAMES_A_SITE)
        return int(made.problem.people.persons[made.row[lost]].sum())

    def advise(self, view: View) -> list[Message]:
        """See `Guide`."""
        self._read(view)
        made = self._before = plan(self._problem(view), self._before)
        news = compare(made, self._memory.before(made, self._told), self._memory.says(made))
        messages = [self._say(made, int(n)) for n in np.flatnonzero(news.tell)]
        self._remember(made, news)
        return [*messages, *self._endings(made)]

    def _remember(self, made: Plan, news: Changes) -> None:
        """What was told now stands; of residents without a phone, where the plan sees them."""
        others = (made.problem.owner[made.row] < 0) & (self._told.site[made.row] != made.site)
        at = np.flatnonzero(news.tell | others)
        rows = made.row[at]
        told = {name: getattr(self._told, name).copy() for name in _COLUMNS}
        told["site"][rows], told["action"][rows] = made.site[at], made.action[at]
        told["decided_s"][rows] = made.problem.now_s
        told["walk_s"][rows] = np.nan_to_num(self._walk_s(made)[at])
        told["arrived_s"][rows], told["declined"][rows] = np.nan, False
        hazards = [HAZARD_COLUMN[one.hazard] for one in made.problem.dangers]
        told["hazard"][rows] = np.array([*hazards, -1], dtype=np.int8)[made.danger[at]]
        self._told = Told(**told)
        self._memory.keep(made, at)

    def _walk_s(self, made: Plan) -> NDArray[np.float64]:
        speed = self.scenario.rules.pacing.speed_mps(self._people.pace[made.row], night=self.scenario.night)
        walk_s: NDArray[np.float64] = made.walk_m / speed
        return walk_s

    def _endings(self, made: Plan) -> list[Message]:
        """Who was told something and is inside nothing any more hears that it has ended, once."""
        gone = self._memory.standing.copy()
        gone[made.row] = False
        gone[len(self._rows) :] = False
        rows = np.flatnonzero(gone)
        self._memory.standing[rows] = False
        told = {name: getattr(self._told, name).copy() for name in _COLUMNS}
        told["site"][rows], told["action"][rows] = -1, -1
        self._told = Told(**told)
        return [
            Message(
                row=int(self._rows[row]),
                site=-1,
                spare=-1,
                exit_xy_m=None,
                is_redirect=False,
                ends=True,
                waits=False,
            )
            for row in rows
        ]

    def _problem(self, view: View) -> PlanInput:
        scenario = self.scenario
        return PlanInput(
            now_s=scenario.start_s + view.now_s,
            night=scenario.night,
            people=self._people,
            owner=self._owner,
            relative=np.zeros(len(self._owner), dtype=np.bool_),
            sites=view.table,
            dangers=view.dangers,
            told=self._told,
            counted_at_s=view.counted_at_s,
            rules=scenario.rules,
            event_began_s=scenario.start_s,
            ways=self._ways(view),
        )

    def _ways(self, view: View) -> Ways | None:
        if self.streets.is_straight:
            return None
        return self.streets.ways_for(self._people, view.dangers)

    def _read(self, view: View) -> None:
        """Answers since the last message: who has arrived, who stays or goes elsewhere.

        Copied, because a plan keeps its own.
        """
        mine, count = len(self._rows), len(self._told.site)
        arrived, declined = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
        arrived[:mine] = self.scenario.start_s + view.answers.arrived_s[self._rows]
        declined[:mine] = view.answers.declined[self._rows]
        self._told = replace(self._told, arrived_s=arrived, declined=declined)

    def _say(self, made: Plan, n: int) -> Message:
        row, site = int(made.row[n]), int(made.site[n])
        inland = made.action[n] == _INLAND
        return Message(
            row=int(self._rows[row]),
            site=site,
            spare=int(made.alternate[n]),
            exit_xy_m=made.exit_xy_m[n].copy() if inland else None,
            is_redirect=bool(self._told.site[row] >= 0) and site >= 0,
            ends=False,
            waits=bool(made.action[n] == _PREPARE),
        )


def chosen(people: People, rows: Ints) -> People:
    """Only these rows."""
    return People(**{name: getattr(people, name)[rows] for name in People.__dataclass_fields__})


def joined(some: People, more: People | None) -> People:
    """One after the other."""
    if more is None:
        return some
    return People(
        **{
            name: np.concatenate([getattr(some, name), getattr(more, name)])
            for name in People.__dataclass_fields__
        }
    )
