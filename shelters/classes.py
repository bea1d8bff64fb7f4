"""Rows of the message by what may be named to them: the dangers over them, who they are and what they need.

One verdict of every site per class, of which there are few, instead of one per person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelters import suitability
from shelters.groups import first_of, numbered
from shelters.model import Facet
from shelters.plan import PlanInput
from shelters.suitability import Who
from shelters.workings import Workings

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """(r,) rows, the danger that speaks to each, where each starts and `of` which class; (c, m) verdicts."""

    rows: Ints
    main: NDArray[np.int32]
    inside: Bools  # (r, k)
    start: Ints
    of: Ints
    first: Ints  # (c,) the first row of each class
    verdict: NDArray[np.int8]  # (c, m)
    needs: Ints  # (c,)
    members: Sequence[Ints]  # the rows of each class, ascending

    def __len__(self) -> int:
        return len(self.first)


def start_rows(problem: PlanInput, rows: Ints) -> Ints:
    """(r,) where each walk begins, as `Ways` counts: whoever has arrived at a site stands there."""
    told, sites = problem.told, len(problem.sites)
    arrived = ~np.isnan(told.arrived_s[rows]) & (told.site[rows] >= 0) & ~told.declined[rows]
    step_free = (problem.people.needs[rows] & int(Facet.STEP_FREE)) != 0
    at_site = len(problem.people) + np.where(step_free, sites, 0) + told.site[rows]
    return np.where(arrived, at_site, rows)


def classes_of(  # noqa: PLR0917 - the arrays of the message rows
    problem: PlanInput,
    rows: Ints,
    main: NDArray[np.int32],
    inside: Bools,
    start: Ints,
    workings: Workings,
) -> Classes:
    """The classes of the (r,) rows and the verdicts of all sites for each."""
    people = problem.people

    def sort_out() -> tuple[Ints, Ints, tuple[Ints, ...]]:
        columns: list[NDArray[np.integer]] = [
            inside[:, column].view(np.int8) for column in range(inside.shape[1])
        ]
        columns.append(people.needs[rows])
        if problem.visitor is not None:
            columns.append(problem.visitor[rows].view(np.int8))
        if problem.welfare is not None:
            columns.append(problem.welfare[rows])
        of, count = numbered(columns)
        order = np.argsort(of, kind="stable")
        members = np.split(order, np.searchsorted(of[order], np.arange(1, count))) if count else []
        return of, first_of(of, count), tuple(members)

    of, first, members = workings.stage(
        "classes", (inside, rows, people.needs, problem.visitor, problem.welfare), sort_out
    )
    site_inside = workings.stage(
        "sites inside",
        (problem.sites.xy_m, tuple(one.area_xy_m for one in problem.dangers)),
        lambda: suitability.sites_inside(problem.sites, problem.dangers),
    )
    verdict = np.empty((len(first), len(problem.sites)), dtype=np.int8)
    judged: dict[
        tuple[tuple[int, ...], Who], NDArray[np.int8]
    ] = {}  # needs change what a site costs, no verdict
    for number, row in enumerate(first.tolist()):
        live_here = tuple(np.flatnonzero(inside[row]).tolist())
        who = _who(problem, int(rows[row]))
        if (live_here, who) not in judged:
            judged[live_here, who] = suitability.judge(
                problem.sites, problem.dangers, site_inside, live_here, who=who, hand=problem.hand
            )
        verdict[number] = judged[live_here, who]
    return Classes(
        rows=rows,
        main=main,
        inside=inside,
        start=start,
        of=of,
        first=first,
        verdict=verdict,
        needs=people.needs[rows[first]].astype(np.int64),
        members=members,
    )


def _who(problem: PlanInput, row: int) -> Who:
    who = Who()
    if problem.visitor is not None:
        who = replace(who, visitor=bool(problem.visitor[row]))
    if problem.welfare is not None:
        who = replace(who, welfare=int(problem.welfare[row]))
    return who
