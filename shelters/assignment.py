"""Who gets which seats. v0: one household after another, whole; later min-cost flow with the same shape.

People already on their way come first, nearest first, then slow households, then large ones. While leaving in
time, seats plus margin are never exceeded; while life is in imminent danger fullness only makes a site look
farther (`CROWDED_FACTOR`), nobody is turned away and whoever was told keeps the destination (design, rule 5.6).
Whoever has nearly arrived keeps it in any case: the excess is shown, not sent on (design, rule 5.8).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROWDED_FACTOR = 1.3
KEEP_UNLESS_BETTER = 0.8
"""A told destination is kept unless the new one is more than 20 % nearer."""

_FIRST_CHOICES = 24

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeatProblem:
    """(r,) households × (m,) sites. `cost_m` is walking metres weighted as the caller sees fit, inf = not allowed."""

    cost_m: Floats  # (r, m)
    persons: Ints  # (r,)
    takes_seats: NDArray[np.bool_]  # False: relatives' places, and those who answered that they go elsewhere
    slow: NDArray[np.bool_]
    told: Ints  # (r,) site told before, -1 = none
    counted: NDArray[np.bool_]  # already inside the reported head count of the told site
    life_at_stake: NDArray[np.bool_]  # fullness only re-ranks
    arriving: NDArray[np.bool_]  # there, or nearly: only a site that is out of use sends them elsewhere


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeatSolution:
    """(r,) site and second choice (-1 = none), whether the site is beyond its seats, whether seats ran out."""

    site: Ints
    alternate: Ints
    crowded: NDArray[np.bool_]
    no_seats: NDArray[np.bool_]
    passed_full: NDArray[np.bool_]  # a nearer site was passed for want of seats


def assign(problem: SeatProblem, free: Ints) -> SeatSolution:
    """Seats for everybody, in the order of the module head. `free` (m,) is used up in place (may be negative)."""
    solution = nobody_seated(len(problem.persons))
    if problem.cost_m.shape[1] == 0:
        return solution
    order = _order(problem)
    held = _hold_seats(problem, order, free)
    for row in order:
        _place(problem, solution, free, int(row), held=bool(held[row]))
    return solution


def nobody_seated(count: int) -> SeatSolution:
    """The solution before anybody is seated."""
    return SeatSolution(
        site=np.full(count, -1, dtype=np.int64),
        alternate=np.full(count, -1, dtype=np.int64),
        crowded=np.zeros(count, dtype=np.bool_),
        no_seats=np.zeros(count, dtype=np.bool_),
        passed_full=np.zeros(count, dtype=np.bool_),
    )


def write_into(whole: SeatSolution, part: SeatSolution, at: Ints) -> None:
    """Copy a part's rows to their places `at` in the whole."""
    whole.site[at], whole.alternate[at] = part.site, part.alternate
    whole.crowded[at], whole.no_seats[at], whole.passed_full[at] = (
        part.crowded,
        part.no_seats,
        part.passed_full,
    )


def _order(problem: SeatProblem) -> Ints:
    rows = np.arange(len(problem.persons))
    on_the_way = problem.told >= 0
    walk = np.where(on_the_way, problem.cost_m[rows, np.maximum(problem.told, 0)], 0.0)
    return np.lexsort(
        (rows, -problem.persons, ~problem.slow, walk, ~problem.counted, ~on_the_way, ~problem.takes_seats)
    )


def _hold_seats(problem: SeatProblem, order: Ints, free: Ints) -> NDArray[np.bool_]:
    """(r,) whose seats at the told site are kept before anybody is placed; they leave `free`.

    Without this, planning again could give a seat to somebody nearer and send on whoever walks towards it.
    """
    rows = np.arange(len(problem.told))
    stands = (problem.told >= 0) & np.isfinite(problem.cost_m[rows, np.maximum(problem.told, 0)])
    asks = stands & problem.takes_seats & ~problem.counted
    held = np.zeros(len(rows), dtype=np.bool_)
    for row in order[asks[order]]:
        site, persons = problem.told[row], problem.persons[row]
        held[row] = free[site] >= persons or problem.life_at_stake[row] or problem.arriving[row]
        if held[row]:
            free[site] -= persons
    return held


def _place(problem: SeatProblem, solution: SeatSolution, free: Ints, row: int, *, held: bool) -> None:
    cost, soft = problem.cost_m[row], bool(problem.life_at_stake[row])
    choices = _ranked(cost)
    if not len(choices):
        return
    told = int(problem.told[row])
    arriving = bool(problem.arriving[row] and told >= 0 and np.isfinite(cost[told]))
    party = np.full(len(cost), problem.persons[row])
    if held:
        free[told] += party[told]
    has_room = free >= party
    if told >= 0 and problem.counted[row]:
        party[told], has_room[told] = 0, True  # these heads are in the report, and inside
    if soft:
        weighted = np.where(has_room, cost, cost * CROWDED_FACTOR)
        if told >= 0:
            weighted[told] = cost[told]  # fullness never redirects who is on the way
        ranked = _ranked(weighted)
    else:
        ranked = choices[has_room[choices]]
        if not len(ranked):
            ranked = _ranked(np.where(has_room, cost, np.inf))
    if not len(ranked) and arriving:
        ranked = np.array([told])
    if not len(ranked):
        solution.no_seats[row] = True
        return
    best = int(ranked[0])
    keeps = told >= 0 and np.isfinite(cost[told]) and (soft or has_room[told])
    chosen = told if arriving or (keeps and cost[best] > KEEP_UNLESS_BETTER * cost[told]) else best
    solution.site[row] = chosen
    solution.alternate[row] = next((int(one) for one in ranked if one != chosen), -1)
    solution.crowded[row] = not has_room[chosen]
    solution.passed_full[row] = bool((~has_room & (cost < cost[chosen])).any())
    if problem.takes_seats[row]:
        free[chosen] -= party[chosen]


def _ranked(cost: Floats) -> Ints:
    """The nearest allowed sites, ties by row (= by site id)."""
    if len(cost) > _FIRST_CHOICES:
        edge = np.partition(cost, _FIRST_CHOICES - 1)[_FIRST_CHOICES - 1]
        near = np.flatnonzero(cost <= edge)
    else:
        near = np.arange(len(cost))
    near = near[np.isfinite(cost[near])]
    return near[np.argsort(cost[near], kind="stable")]
