"""How good a plan is: its walking beside the least there is, and its seats beside guidance to the nearest open site."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.assignment import NEEDY_WEIGHT
from shelters.model import Pace
from shelters.plan import Plan
from shelters.quotas import QuotaProblem, quotas

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quality:
    """Weighted walking seconds of all persons; how many have no seat; and how many stand beyond the seats."""

    ours_s: float
    optimum_s: float
    ours_unseated: int
    optimum_unseated: int
    baseline_beyond: int
    ours_beyond: int

    @property
    def ratio(self) -> float:
        """Ours / optimum."""
        return self.ours_s / self.optimum_s


def seconds_per_metre(made: Plan) -> Floats:
    """(r,) weighted seconds a person of each row takes for a level metre."""
    problem = made.problem
    people = problem.people
    speed = problem.rules.pacing.speed_mps(people.pace[made.row], night=problem.night)
    needy = (people.pace[made.row] == Pace.SLOW) | (people.needs[made.row] != 0)
    weighted: Floats = np.where(needy, NEEDY_WEIGHT, 1.0) / speed
    return weighted


def quality_of(made: Plan, seats: Ints, named: NDArray[np.bool_], extra_m: Floats) -> Quality:
    """seats: (m,) free before the plan; named: (m,) sites that may be named to everybody; extra_m: (r, m).

    The optimum is the min-cost flow of single persons from every row to every site. Few thousand rows at most.
    """
    persons = made.problem.people.persons[made.row].astype(np.int64)
    site = np.flatnonzero(named)
    every = np.tile(site, (len(made), 1))
    walk_m = made.ways.efforts(made.start, every) + extra_m[:, site]
    cost = walk_m * seconds_per_metre(made)[:, None]
    flow = QuotaProblem(
        persons=persons,
        choice=every,
        cost=np.rint(cost * 10).astype(np.int64),
        overflow=np.full(len(made), 1 << 32),
        seats=np.maximum(seats, 0),
    )
    best = quotas(flow)
    without = int(best.persons[best.site < 0].sum())
    seated = np.flatnonzero(made.site >= 0)
    own = (
        made.ways.efforts(made.start[seated], made.site[seated]) + extra_m[seated, made.site[seated]]
    ) * seconds_per_metre(made)[seated]
    nearest = made.baseline_site >= 0
    at_nearest = np.bincount(
        made.baseline_site[nearest], weights=persons[nearest], minlength=len(seats)
    ).astype(np.int64)
    return Quality(
        ours_s=float((own * persons[seated]).sum()),
        optimum_s=(best.total - without * (1 << 32)) / 10,
        ours_unseated=int(persons[made.site < 0].sum()),
        optimum_unseated=without,
        baseline_beyond=int(np.maximum(at_nearest - seats, 0).sum()),
        ours_beyond=int(np.maximum(made.expected - seats, 0).sum()),
    )
