"""Which closed site would help most if it were opened: the same people seated again, with one site more each time.

rows of a plan that need a site ─▶ cells of people with their nearest sites ─▶ min-cost flow ─▶ seated, walking
                                                                   └─ + one closed site ─▶ seated more, walking less

Seats come first here (as many people seated as can be), walking second. Cells make it quick, so the figures are
estimates; they rank sites, they promise nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelters import suitability
from shelters.model import Opening, Pace
from shelters.occupancy import ages_s, free_seats
from shelters.plan import Plan
from shelters.preview import takes_seat
from shelters.quotas import NO_SITE, QuotaProblem, Quotas, quotas
from shelters.sites import OPENINGS, SiteTable
from shelters.suitability import Verdict
from shelters.ways import Ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST = 10
CELL_M = 250.0
MOST_GROUPS = 600
CHOICES = 20
LONGEST_S = 8 * 3600
_ROUNDS = 6
_WAITING = (Verdict.CLOSED, Verdict.UNCHECKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What opening one site (row of the table) would change for everybody who needs a site.

    more: persons seated who are not otherwise. mean_walk_s: of all seated then. saved_s: walking of all of them
    together that is saved, where nobody more is seated; 0 otherwise.
    """

    site: int
    seats: int
    more: int
    mean_walk_s: float
    saved_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningGains:
    """As it is: persons who need a site, those seated, their mean walk; and the sites that would help, best first."""

    persons: int
    seated: int
    mean_walk_s: float
    gains: tuple[Gain, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demand:
    """(g,) groups of people with their choices among m sites: (g, k), NO_SITE-padded, and the walks to them."""

    persons: Ints
    choice: Ints
    walk_s: Ints


def opening_gains(made: Plan, *, stay: bool, most: int = MOST) -> OpeningGains:
    """The sites that are closed, not opened first in rain or wait for a building check: what each alone would bring.

    Never an unusable site, nor one that would be in danger or unfit. Sites that would bring nothing are left out.
    """
    table = made.problem.sites
    seats = _free(made, stay=stay)
    demand, candidates = _demand(made, seats, most=most)
    return compare_openings(
        demand, np.where(np.isin(np.arange(len(table)), candidates), 0, seats), seats, candidates
    )


def compare_openings(
    demand: Demand, now: Ints, opened: Ints, candidates: Sequence[int] | Ints
) -> OpeningGains:
    """Seats (m,) `now`, and each candidate's `opened` seats alone beside them. Best first."""
    base = _seated(demand, now)
    gains = []
    for site in candidates:
        seats = now.copy()
        seats[site] = opened[site]
        found = _seated(demand, seats)
        more = found.persons - base.persons
        saved = max(0, base.walk_s - found.walk_s) if more == 0 else 0
        if more or saved:
            gains.append(
                Gain(
                    site=int(site),
                    seats=int(opened[site]),
                    more=more,
                    mean_walk_s=found.mean_s,
                    saved_s=saved,
                )
            )
    gains.sort(key=lambda one: (-one.more, -one.saved_s, one.mean_walk_s, one.site))
    return OpeningGains(
        persons=int(demand.persons.sum()), seated=base.persons, mean_walk_s=base.mean_s, gains=tuple(gains)
    )


@dataclass(frozen=True, slots=True)
class _Seated:
    persons: int
    walk_s: int

    @property
    def mean_s(self) -> float:
        return self.walk_s / self.persons if self.persons else 0.0


def _seated(demand: Demand, seats: Ints) -> _Seated:
    """As many as can be seated; of those ways to seat them, the least walking altogether."""
    if not len(demand.persons) or not demand.choice.size:
        return _Seated(0, 0)
    found, dear = _flow(demand, seats)
    unseated = int(found.persons[found.site == NO_SITE].sum())
    return _Seated(int(demand.persons.sum()) - unseated, found.total - unseated * dear)


def _flow(demand: Demand, seats: Ints) -> tuple[Quotas, int]:
    """Quotas, and what one person without a seat was reckoned at."""
    groups = len(demand.persons)
    # Dearer than any chain of people who move up for one person more.
    dear = 2 * (LONGEST_S + 1) * (min(groups, len(seats)) + 1)
    found = quotas(
        QuotaProblem(
            persons=demand.persons,
            choice=demand.choice,
            cost=demand.walk_s,
            overflow=np.full(groups, dear, dtype=np.int64),
            seats=seats,
        )
    )
    return found, dear


def _free(made: Plan, *, stay: bool) -> Ints:
    """(m,) seats for people who are new there, as the plan reckons them."""
    problem, table, rules = made.problem, made.problem.sites, made.problem.rules
    seats, present = (
        (table.stay_seats, table.present_stay) if stay else (table.refuge_seats, table.present_refuge)
    )
    margin = np.where(table.seats_assumed, rules.assumed_margin_fraction, rules.seats_margin_fraction)
    age_s = ages_s(problem.now_s, problem.counted_at_s, problem.event_began_s)
    return free_seats(seats, present, age_s, margin, rules.freshness)


def _demand(made: Plan, seats: Ints, *, most: int) -> tuple[Demand, Ints]:
    """Everybody who needs a site in groups, with the sites open to them and up to `most` closed ones that may help."""
    groups = _groups(made, np.flatnonzero(takes_seat(made) & (made.start < len(made.problem.people))))
    doors = _doors(made, groups)
    start = made.start[groups.lead]
    nearest, level_m = _nearest(made.ways, start, doors.open[doors.of], CHOICES)
    # However long the walk, somebody's nearest site stays his.
    nearest_s = level_m.min(axis=1, initial=np.inf) / groups.speed_mps
    kept = np.where(np.isfinite(nearest_s), np.maximum(groups.longest_s, nearest_s), groups.longest_s)
    groups = replace(groups, longest_s=np.minimum(kept, LONGEST_S))
    now = np.where(doors.open.any(axis=0), seats, 0)
    for _ in range(_ROUNDS):
        # Whose few choices are full chooses again among the sites that have seats left, as a plan does.
        found, _dear = _flow(_as_demand(groups, nearest, level_m), now)
        lost = np.unique(found.group[found.site == NO_SITE])
        placed = found.site != NO_SITE
        taken = np.bincount(found.site[placed], weights=found.persons[placed], minlength=len(now))
        room = doors.open[doors.of[lost]] & (now - taken > 0)[None, :]
        if not room.any():
            break
        more, more_m = np.full((len(start), CHOICES), NO_SITE), np.full((len(start), CHOICES), np.inf)
        more[lost], more_m[lost] = _nearest(made.ways, start[lost], room, CHOICES)
        if not (more_m / groups.speed_mps[:, None] <= groups.longest_s[:, None]).any():
            break
        nearest, level_m = np.concatenate([nearest, more], axis=1), np.concatenate([level_m, more_m], axis=1)
    closed = np.flatnonzero(doors.may_open.any(axis=0) & ~doors.open.any(axis=0) & (seats > 0))
    asked = np.where(doors.may_open[doors.of][:, closed], closed[None, :], NO_SITE)
    there_m = made.ways.efforts(start, asked) if len(closed) else np.empty((len(start), 0))
    best = _most_promising(groups, level_m, there_m, seats[closed], most)
    choice = np.concatenate([nearest, asked[:, best]], axis=1)
    return _as_demand(groups, choice, np.concatenate([level_m, there_m[:, best]], axis=1)), closed[best]


def _as_demand(groups: _Groups, choice: Ints, level_m: Floats) -> Demand:
    walk_s = level_m / groups.speed_mps[:, None]
    too_far = ~(walk_s <= groups.longest_s[:, None]) | (choice < 0)
    return Demand(
        persons=groups.persons,
        choice=np.where(too_far, NO_SITE, choice),
        walk_s=np.where(too_far, 0, np.rint(np.where(too_far, 0, walk_s))).astype(np.int64),
    )


def _nearest(ways: Ways, start: Ints, allowed: Bools, k: int) -> tuple[Ints, Floats]:
    """(g, k) nearest sites of the (g, m) allowed to each, and level metres; padded as `Ways` pads."""
    width = min(k, allowed.shape[1])
    site, level_m = np.full((len(start), k), NO_SITE, dtype=np.int64), np.full((len(start), k), np.inf)
    masks, which = np.unique(allowed, axis=0, return_inverse=True)
    for number in range(len(masks)):
        mine = np.flatnonzero(which.reshape(-1) == number)
        found = ways.nearest(start[mine], masks[number], width)
        site[mine, :width], level_m[mine, :width] = found.site, found.level_m
    return site, level_m


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Doors:
    """(s, m) sites that may be named to people under each set of dangers, and could be if they were opened.

    of: (g,) the set of each group.
    """

    open: Bools
    may_open: Bools
    of: Ints


def _doors(made: Plan, groups: _Groups) -> _Doors:
    problem, table = made.problem, made.problem.sites
    inside = suitability.sites_inside(table, problem.dangers)
    sets, which = np.unique(made.inside[groups.lead], axis=0, return_inverse=True)
    now, then = (
        np.array(
            [
                suitability.judge(
                    one, problem.dangers, inside, np.flatnonzero(live).tolist(), hand=problem.hand
                )
                for live in sets
            ],
            dtype=np.int8,
        ).reshape(len(sets), len(table))
        for one in (table, _opened(table))
    )
    return _Doors(
        open=now <= Verdict.UPSTAIRS,
        may_open=np.isin(now, _WAITING) & (then <= Verdict.UPSTAIRS),
        of=which.reshape(-1),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Groups:
    lead: Ints  # (g,) the row of the plan that speaks for the group
    persons: Ints
    speed_mps: Floats
    longest_s: Floats  # nobody is sent farther


def _groups(made: Plan, rows: Ints) -> _Groups:
    """Rows of one cell, pace class and set of dangers together; cells grow until there are few enough groups."""
    problem = made.problem
    people, at = problem.people, made.row[rows]
    slow = people.pace[at] == Pace.SLOW
    sets = np.unique(made.inside[rows], axis=0, return_inverse=True)[1].reshape(-1) if len(rows) else slow
    cell_m, xy_m = CELL_M, people.xy_m[at]
    while True:
        key = np.column_stack([np.floor(xy_m / cell_m).astype(np.int64), slow, sets])
        _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
        if len(first) <= MOST_GROUPS:
            break
        cell_m *= 2
    persons = np.bincount(group.reshape(-1), weights=people.persons[at], minlength=len(first))
    lead = rows[first]
    life = np.array([problem.dangers[k].life_at_stake for k in made.danger[lead]], dtype=np.bool_)
    return _Groups(
        lead=lead,
        persons=persons.astype(np.int64),
        longest_s=np.where(life, LONGEST_S, min(LONGEST_S, problem.rules.max_walk_s)),
        speed_mps=problem.rules.pacing.speed_mps(people.pace[made.row[lead]], night=problem.night),
    )


def _most_promising(groups: _Groups, open_m: Floats, there_m: Floats, seats: Ints, most: int) -> Ints:
    """Up to `most` columns of `there_m` by the walking they would save if everybody had a seat, seats minded."""
    speed = groups.speed_mps[:, None]
    nearest_s = np.minimum((open_m / speed).min(axis=1, initial=np.inf), groups.longest_s)
    there_s = there_m / speed
    near = there_s <= groups.longest_s[:, None]
    saved_s = np.where(near, np.maximum(nearest_s[:, None] - np.where(near, there_s, 0.0), 0.0) + 1.0, 0.0)
    heads = np.where(near, groups.persons[:, None], 0).sum(axis=0)
    worth = (saved_s * groups.persons[:, None]).sum(axis=0) * np.minimum(1.0, seats / np.maximum(heads, 1))
    order = np.argsort(-worth, kind="stable")
    return np.sort(order[heads[order] > 0][:most])


def _opened(table: SiteTable) -> SiteTable:
    """The sites as if every closed one were open and checked; what is unusable stays so."""
    closed = (table.opening == OPENINGS.index(Opening.CLOSED)) | table.not_first_in_rain
    closed &= table.opening != OPENINGS.index(Opening.UNUSABLE)
    return replace(
        table,
        opening=np.where(closed, OPENINGS.index(Opening.OPEN), table.opening).astype(np.int8),
        checked_at_s=np.full(len(table), np.inf),
    )
