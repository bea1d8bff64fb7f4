"""Which sites come into question for whom, and what they cost: never a table of people × sites.

rows ─▶ target (who may be named what) ─▶ nearest of each row ─▶ groups ─▶ the few choices of each group

A cost is level metres, twice as many to a floor above rising water, more where a facility is missing. What HQ pinned,
or a ward's code names, costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.tsunami import is_seaward
from shelters.ways import NOWHERE, Ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHOICES = 20
_SPARE_LOOKS = 6
"""More sites asked for at first where some of them may lie towards the sea."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """(t, m) what may be named to each kind of row: metres to it count `factor` times, and `extra_m` more."""

    allowed: Bools
    factor: Floats
    extra_m: Floats
    landward: Bools  # (t,) only what does not lie towards the sea

    def levels(self, target: int) -> Iterator[tuple[Bools, float, float]]:
        """Masks of sites with one factor and one extra each."""
        allowed, factor, extra = self.allowed[target], self.factor[target], self.extra_m[target]
        for one, more in sorted(set(zip(factor[allowed].tolist(), extra[allowed].tolist(), strict=True))):
            yield allowed & (factor == one) & (extra == more), one, more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """(r,) rows of the message and how each gets anywhere. target -1: nowhere to go."""

    ways: Ways
    start: Ints
    xy_m: Floats  # (r, 2) where each starts
    sites_xy_m: Floats
    seaward_bearing_deg: float
    targets: Targets
    target: Ints
    limit_m: Floats  # what lies farther is not in time
    prefer: Ints  # the site that comes before all others, -1 = none

    @property
    def made_from(self) -> tuple[object, ...]:
        """Everything a cost depends on."""
        targets = self.targets
        tables = (targets.allowed, targets.factor, targets.extra_m, targets.landward)
        return (
            self.ways,
            self.start,
            self.target,
            self.limit_m,
            self.prefer,
            self.seaward_bearing_deg,
            *tables,
        )

    def cost(self, rows: Ints, sites: Ints) -> Floats:
        """(q,) rows and (q,) or (q, j) sites → cost in metres, inf where the site is not for the row."""
        if not len(self.sites_xy_m):
            return np.full(sites.shape, np.inf)
        one = rows if sites.ndim == 1 else rows[:, None]
        to, kind = np.maximum(sites, 0), np.maximum(self.target[one], 0)
        level_m = self.ways.efforts(self.start[rows], sites)
        fine = (sites >= 0) & (self.target[one] >= 0) & np.isfinite(level_m)
        fine &= self.targets.allowed[kind, to]
        preferred = fine & (sites == self.prefer[one])
        fine &= level_m <= self.limit_m[one]
        only_landward = self.targets.landward[kind]
        if only_landward.any():
            fine &= ~only_landward | ~is_seaward(
                self.xy_m[rows], self.sites_xy_m[to], self.seaward_bearing_deg
            )
        with np.errstate(invalid="ignore"):
            figure = level_m * self.targets.factor[kind, to] + self.targets.extra_m[kind, to]
        return np.where(preferred, 0.0, np.where(fine, figure, np.inf))

    def nearest(self, rows: Ints, mask: Bools, k: int, *, landward: bool = False) -> tuple[Ints, Floats]:
        """(q, k) the nearest sites of a mask and level metres to them; ties by row, `NOWHERE` and inf padded."""
        if not mask.any():
            return np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
        asked = k + _SPARE_LOOKS if landward else k
        site, level_m = self.ways.nearest(self.start[rows], mask, asked)
        if not landward or not len(rows):
            return site, level_m
        cut_off = np.isfinite(level_m[:, -1]) & (asked < int(mask.sum()))
        sea = is_seaward(self.xy_m[rows], self.sites_xy_m[np.maximum(site, 0)], self.seaward_bearing_deg)
        level_m = np.where(sea, np.inf, level_m)
        order = np.argsort(level_m, axis=1, kind="stable")[:, :k]
        level_m = np.take_along_axis(level_m, order, axis=1)
        site = np.where(np.isfinite(level_m), np.take_along_axis(site, order, axis=1), NOWHERE)
        again = np.flatnonzero(cut_off & ~np.isfinite(level_m[:, -1]))
        if len(again):
            site[again], level_m[again] = self._nearest_of_all(rows[again], mask, k)
        return site, level_m

    def _nearest_of_all(self, rows: Ints, mask: Bools, k: int) -> tuple[Ints, Floats]:
        """The same where the first few were all towards the sea: every site is looked at, some rows at a time."""
        count = int(mask.sum())
        sites, figures = np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
        step = max(1, (1 << 20) // count)
        for begin in range(0, len(rows), step):
            part = slice(begin, begin + step)
            site, level_m = self.ways.nearest(self.start[rows[part]], mask, count)
            sea = is_seaward(
                self.xy_m[rows[part]], self.sites_xy_m[np.maximum(site, 0)], self.seaward_bearing_deg
            )
            level_m = np.where(sea, np.inf, level_m)
            order = np.argsort(level_m, axis=1, kind="stable")[:, :k]
            width = order.shape[1]
            figures[part, :width] = np.take_along_axis(level_m, order, axis=1)
            sites[part, :width] = np.take_along_axis(site, order, axis=1)
        return np.where(np.isfinite(figures), sites, NOWHERE), figures


def cheapest(reach: Reach, rows: Ints, k: int, *, among: Bools | None = None) -> tuple[Ints, Floats]:
    """(q, k) the sites that cost each row least, the cheapest first (ties: the smaller row), and what they cost.

    among: (m,) only these sites.
    """
    site, cost = np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
    target = reach.target[rows]
    for kind in np.unique(target[target >= 0]):
        mine = np.flatnonzero(target == kind)
        site[mine], cost[mine] = _of_one_kind(reach, rows[mine], int(kind), k, among)
    return site, cost


def _of_one_kind(reach: Reach, rows: Ints, kind: int, k: int, among: Bools | None) -> tuple[Ints, Floats]:
    found: list[tuple[Ints, Floats]] = []
    for mask, factor, extra in reach.targets.levels(kind):
        open_ = mask if among is None else mask & among
        near, level_m = reach.nearest(rows, open_, k, landward=bool(reach.targets.landward[kind]))
        late = level_m > reach.limit_m[rows][:, None]
        found.append((np.where(late, NOWHERE, near), np.where(late, np.inf, level_m * factor + extra)))
    preferred = reach.prefer[rows]
    if (preferred >= 0).any():
        price = reach.cost(rows, preferred)
        if among is not None:
            price = np.where(among[np.maximum(preferred, 0)], price, np.inf)
        for near, figure in found:
            figure[near == preferred[:, None]] = np.inf
        found.append((preferred[:, None], price[:, None]))
    if not found:
        return np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
    if len(found) == 1:
        return found[0]
    sites, costs = (np.concatenate(one, axis=1) for one in zip(*found, strict=True))
    order = np.lexsort((sites, costs))[:, :k]
    costs = np.take_along_axis(costs, order, axis=1)
    return np.where(np.isfinite(costs), np.take_along_axis(sites, order, axis=1), NOWHERE), costs
