"""How many people of each group go to which site, at the least cost altogether: min-cost flow.

    groups ─(walk, weighted)─▶ sites ─(free seats)─▶ everybody
       └──────(overflow: dear, without limit)──────────▲

The costs are integers and the answer is exact; where several answers cost the same, which one is found depends on the
order of the arcs alone, and that is by group and by choice: the same problem has the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from shelters.errors import LengthsDiffer, NoQuotas

Ints = NDArray[np.int64]

NO_SITE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuotaProblem:
    """(g,) groups with up to k choices among (m,) sites. Raises LengthsDiffer.

    choice: (g, k) rows of sites, padded with `NO_SITE`; cost: (g, k) whole units as the caller weighs them, at least 0,
    padding ignored. overflow: (g,) what having no seat costs. seats: (m,) free ones, at least 0.
    """

    persons: Ints
    choice: Ints
    cost: Ints
    overflow: Ints
    seats: Ints

    def __post_init__(self) -> None:
        for name, rows in (("choice", self.choice), ("cost", self.cost), ("overflow", self.overflow)):
            if len(rows) != len(self.persons):
                raise LengthsDiffer(name, len(self.persons), len(rows))
        if self.choice.shape != self.cost.shape:
            raise LengthsDiffer("cost", self.choice.size, self.cost.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quotas:
    """(f,) `persons` of a `group` for a `site` (`NO_SITE`: no seat), by group, the cheapest choice first.

    total: what they cost altogether; none cost less.
    """

    group: Ints
    site: Ints
    persons: Ints
    total: int


def quotas(problem: QuotaProblem) -> Quotas:
    """The cheapest quotas. Everybody is in one, if only in the overflow. Raises NoQuotas for costs beyond 2^53."""
    groups, most = problem.choice.shape
    at, rank = np.nonzero(problem.choice >= 0)
    sites, sink = groups + np.arange(len(problem.seats)), groups + len(problem.seats)
    flow = SimpleMinCostFlow()
    arcs = [
        flow.add_arcs_with_capacity_and_unit_cost(tails, heads, room, cost)
        for tails, heads, room, cost in (
            (at, groups + problem.choice[at, rank], problem.persons[at], problem.cost[at, rank]),
            (np.arange(groups), np.full(groups, sink), problem.persons, problem.overflow),
            (sites, np.full(len(sites), sink), problem.seats, np.zeros(len(sites), dtype=np.int64)),
        )
    ]
    flow.set_nodes_supplies(np.arange(groups), problem.persons)
    flow.set_nodes_supplies(np.array([sink]), np.array([-int(problem.persons.sum())]))
    status = flow.solve()
    if status != flow.OPTIMAL:
        raise NoQuotas(str(status))
    group = np.concatenate([at, np.arange(groups)])
    site = np.concatenate([problem.choice[at, rank], np.full(groups, NO_SITE)])
    order = np.lexsort((np.concatenate([rank, np.full(groups, most)]), group))
    persons = flow.flows(np.concatenate(arcs[:2])).astype(np.int64)
    order = order[persons[order] > 0]
    return Quotas(
        group=group[order], site=site[order], persons=persons[order], total=int(flow.optimal_cost())
    )
