"""Which sites come into question for whom, and what they cost: never a table of people × sites.

rows ─▶ target (who may be named what) ─▶ nearest of each row ─▶ groups ─▶ the few choices of each group

A cost is level metres, twice as many to a floor above rising water, more where a facility is missing. What HQ pinned,
or a ward's code names, costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.tsunami import is_seaward
from shelters.ways import NOWHERE, Ways
from shelters.workings import same

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHOICES = 20
_FEW_DOORS = 8
_SPARE_LOOKS = 6
"""More sites asked for at first where some of them may lie towards the sea."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """(t, m) what may be named to each kind of row: metres to it count `factor` times, and `extra_m` more."""

    allowed: Bools
    factor: Floats
    extra_m: Floats
    landward: Bools  # (t,) only what does not lie towards the sea


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
        return (
            self.ways,
            self.start,
            self.target,
            self.limit_m,
            self.prefer,
            self.seaward_bearing_deg,
            targets.landward,
            targets.factor,
            targets.extra_m,
            targets.allowed,
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
        if not mask.any() or not len(rows):
            return np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
        asked = k + _SPARE_LOOKS if landward else k
        site, level_m = self.ways.nearest(self.start[rows], mask, asked)
        if not landward:
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


def nearest_each(
    reach: Reach, rows: Ints, kind: Ints, masks: Bools, k: int, *, landward: bool = False
) -> tuple[Ints, Floats]:
    """`Reach.nearest` for rows with masks of their own: kind: (q,) row of `masks` (c, m).

    Asked once for each different mask, however many kinds share it: the walks over a network are prepared by mask.
    """
    site, level_m = np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
    number, different = _different(masks)
    for one, mask in enumerate(different):
        mine = np.flatnonzero(number[kind] == one) if len(different) > 1 else np.arange(len(rows))
        if len(mine):
            site[mine], level_m[mine] = reach.nearest(rows[mine], mask, k, landward=landward)
    return site, level_m


def _different(masks: Bools) -> tuple[Ints, Bools]:
    """(c,) which of the different masks each is, and the different ones in the order they first come."""
    if not len(masks):
        return np.zeros(0, dtype=np.int64), masks
    known: dict[bytes, int] = {}
    number = [known.setdefault(one.tobytes(), len(known)) for one in masks]
    return np.array(number, dtype=np.int64), np.array([np.frombuffer(one, dtype=np.bool_) for one in known])


def cheapest(reach: Reach, rows: Ints, k: int, *, among: Bools | None = None) -> tuple[Ints, Floats]:
    """(q, k) the sites that cost each row least, the cheapest first (ties: the smaller row), and what they cost.

    among: (m,) only these sites, and what is preferred.
    """
    site, cost = np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
    targets, target = reach.targets, reach.target[rows]
    kinds = np.unique(target[target >= 0])
    if not len(kinds):
        return site, cost
    masks = targets.allowed[kinds] if among is None else targets.allowed[kinds] & among
    number, different = _different(masks)
    plain = ((targets.factor[kinds] == 1.0) & (targets.extra_m[kinds] == 0.0) | ~masks).all(axis=1)
    batch = np.full(len(targets.allowed) + 1, -1, dtype=np.int64)
    batch[kinds] = (number * 2 + plain) * 2 + targets.landward[kinds]
    batch_of = batch[target]
    for one in np.unique(batch_of[batch_of >= 0]).tolist():
        mine = np.flatnonzero(batch_of == one)
        site[mine], cost[mine] = _of_one_mask(
            reach, rows[mine], different[one // 4], k, plain=bool(one // 2 % 2), landward=bool(one % 2)
        )
    return site, cost


def _of_one_mask(
    reach: Reach, rows: Ints, mask: Bools, k: int, *, plain: bool, landward: bool
) -> tuple[Ints, Floats]:
    site, cost = np.full((len(rows), k), NOWHERE, dtype=np.int64), np.full((len(rows), k), np.inf)
    picky = (reach.prefer[rows] >= 0) | (not plain)
    as_far = np.flatnonzero(~picky)
    near, level_m = reach.nearest(rows[as_far], mask, k, landward=landward)
    site[as_far], cost[as_far] = near, np.where(level_m > reach.limit_m[rows[as_far], None], np.inf, level_m)
    ask = np.flatnonzero(picky)
    asked = max(k, CHOICES)
    near, level_m = reach.nearest(rows[ask], mask, asked, landward=landward)
    _put(reach, rows, ask, near, site, cost)
    # What was not looked at is at least as far as the last that was, and costs no less than its walk.
    last_m = level_m[:, -1]
    seen = ~np.isfinite(last_m) | (cost[ask, -1] <= last_m) | (last_m > reach.limit_m[rows[ask]])
    every = np.flatnonzero(mask)
    ask = ask[~seen] if asked < len(every) else ask[:0]
    for part in np.array_split(ask, max(1, len(ask) * len(every) >> 20)):
        _put(reach, rows, part, np.tile(every, (len(part), 1)), site, cost)
    return np.where(np.isfinite(cost), site, NOWHERE), cost


def _put(reach: Reach, rows: Ints, at: Ints, near: Ints, site: Ints, cost: Floats) -> None:  # noqa: PLR0917
    """Into `site` and `cost` (q, k) at rows `at` the cheapest of `near`, and of what each prefers."""
    if not len(at):
        return
    preferred = reach.prefer[rows[at]]
    near = np.concatenate(
        [near, np.where((near == preferred[:, None]).any(axis=1), NOWHERE, preferred)[:, None]], axis=1
    )
    price = reach.cost(rows[at], near)
    order = np.lexsort((near, price))[:, : cost.shape[1]]
    width = order.shape[1]
    cost[at, :width] = np.take_along_axis(price, order, axis=1)
    site[at, :width] = np.take_along_axis(near, order, axis=1)


def nearest_after(
    reach: Reach, rows: Ints, earlier: tuple[tuple[object, ...], tuple[Ints, Floats]] | None
) -> tuple[Ints, Floats] | None:
    """The cheapest site of all `rows` out of what was found before a few doors opened or closed; None: look anew.

    earlier: what that was made from (`Reach.made_from`) and the (r,) sites and costs.
    """
    if earlier is None or not same(earlier[0][:-1], reach.made_from[:-1]):
        return None
    was, allowed = earlier[0][-1], reach.targets.allowed
    if not isinstance(was, np.ndarray) or was.shape != allowed.shape:
        return None
    changed = np.flatnonzero((was != allowed).any(axis=0))
    if len(changed) > _FEW_DOORS:
        return None
    site, cost = earlier[1][0].copy(), earlier[1][1].copy()
    target = reach.target[rows]
    lost = rows[(site[rows] >= 0) & ~allowed[target, np.maximum(site[rows], 0)]]
    found, figure = cheapest(reach, lost, 1)
    site[lost], cost[lost] = found[:, 0], figure[:, 0]
    for door in changed.tolist():
        opened = rows[allowed[target, door] & ~was[target, door]]
        figures = reach.cost(opened, np.full(len(opened), door))
        nearer = (figures < cost[opened]) | (
            (figures == cost[opened]) & np.isfinite(figures) & (door < site[opened])
        )
        site[opened[nearer]], cost[opened[nearer]] = door, figures[nearer]
    return site, cost


def choices_after(
    reach: Reach, rows: Ints, k: int, earlier: tuple[tuple[object, ...], tuple[Ints, Floats]] | None
) -> tuple[Ints, Floats] | None:
    """`cheapest` of `rows` out of what was found of some of them before a few doors opened or closed; None: look anew.

    earlier: (rows, *`Reach.made_from`) of then, and the (q, k) sites and costs. A row's list stays while nothing in it
    closed and nothing that opened comes before its end.
    """
    if earlier is None:
        return None
    (then, ways, start, target, limit_m, prefer, *fixed, was), (site, cost) = earlier
    now = (reach.ways, reach.start, *reach.made_from[5:-1])
    allowed = reach.targets.allowed
    if not (isinstance(then, np.ndarray) and isinstance(was, np.ndarray)) or was.shape != allowed.shape:
        return None
    changed = np.flatnonzero((was != allowed).any(axis=0))
    if (
        not len(then)
        or site.shape[1:] != (k,)
        or len(changed) > _FEW_DOORS
        or not same((ways, start, *fixed), now)
    ):
        return None
    place = np.full(len(reach.start), -1, dtype=np.int64)
    place[then] = np.arange(len(then))
    old = place[rows]
    stays = old >= 0
    for one, other in ((target, reach.target), (limit_m, reach.limit_m), (prefer, reach.prefer)):
        assert isinstance(one, np.ndarray)
        stays &= one[rows] == other[rows]
    found, figure = site[old], cost[old]
    kind = reach.target[rows]
    for door in changed.tolist():
        stays &= ~(was[kind, door] & (found == door).any(axis=1))
        opened = np.flatnonzero(allowed[kind, door] & ~was[kind, door])
        price = reach.cost(rows[opened], np.full(len(opened), door))
        stays[opened] &= np.isinf(price) | (price > figure[opened, -1])
    again = np.flatnonzero(~stays)
    found[again], figure[again] = cheapest(reach, rows[again], k)
    return found, figure
