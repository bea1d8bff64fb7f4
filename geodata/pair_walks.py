"""Walks of chosen pairs, by row: the figures of `NetworkWalks.walk` without a matrix of everybody and every site.

    walks + sites + where everybody stands ─▶ PairWalks ─▶ .asked(rows): ends, costs, layer ─▶ .figures(row, site)

Everything that hangs on the person alone is worked out once a row, what hangs on the pair once a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.edge_efforts import places
from geodata.inland import Exits
from geodata.reach import Reach
from geodata.snapping import Snapped
from geodata.standing import Standing
from geodata.walks import BLEND_FROM, NetworkWalks, SearchedSites, straight_weight

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
StepOn = Callable[[Snapped], Snapped]
"""Where people stand on quiet days → where they step on now; the same object where nobody has to step elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What is known of (r,) people who are asked about.

    usual, at: where they stand on the network on quiet days, and now; moved: who has to step on elsewhere now.
    layer: which set of closures holds. cost: (2, r) efforts over either slot to the core, end: (2, r) its core rows.
    """

    xy_m: Floats
    usual: Snapped
    at: Snapped
    moved: Bools
    layer: NDArray[np.int8]
    cost: Floats
    end: Ints
    weight: Floats  # how much the straight line counts for them, 0…1

    def __len__(self) -> int:
        return len(self.xy_m)

    def take(self, rows: Ints) -> Asked:
        """Some of them."""
        return Asked(
            xy_m=self.xy_m[rows],
            usual=self.usual.take(rows),
            at=self.at.take(rows),
            moved=self.moved[rows],
            layer=self.layer[rows],
            cost=self.cost[:, rows],
            end=self.end[:, rows],
            weight=self.weight[rows],
        )


class Unbarred(NamedTuple):
    """(p,) figures of pairs; what they are if the straight line enters an area; where it has a share; estimates."""

    figure: Floats
    if_barred: Floats
    estimated: Bools
    about: Bools


class PairWalks:
    """The walks of one foot from people known by row to one list of sites, under what is closed."""

    def __init__(self, walks: NetworkWalks, to_xy_m: Floats) -> None:
        self.walks = walks
        self.sites: SearchedSites = walks.searched(to_xy_m)
        self.site_weight = straight_weight(self.sites.usual.gap_m)
        self.site_moved = (self.sites.at.edge != self.sites.usual.edge) | (
            self.sites.at.along_m != self.sites.usual.along_m
        )
        self._quiet = self if walks.quiet is walks else PairWalks(walks.quiet, to_xy_m)

    @property
    def quiet_reach(self) -> Reach:
        """Who can get to the sites at all on quiet days."""
        return self._quiet.sites.layers[0].reach

    def asked(self, xy_m: Floats, standing: Standing, step_on: StepOn | None = None) -> Asked:
        """What is known of (r,) people, given where they stand on quiet days.

        step_on: gives where they step onto the network now; None = that is asked anew of every one.
        """
        usual = standing.at(self.walks.network, xy_m)
        at = step_on(usual) if step_on is not None else self.walks.ends.people(xy_m, usual)
        layer = np.zeros(len(xy_m), dtype=np.int8)
        if self.walks.sea is not None:
            layer = self.walks.sea.row_of(xy_m, at)
        return self._asked(xy_m, usual, at, layer)

    def _asked(self, xy_m: Floats, usual: Snapped, at: Snapped, layer: NDArray[np.int8]) -> Asked:
        cost, end = np.full((2, len(xy_m)), np.inf), np.zeros((2, len(xy_m)), dtype=np.int64)
        for number, mine in self._by_layer(layer):
            ways = self.sites.layers[number].ways
            part = at if mine is None else at.take(mine)
            found = ways.slots(part, places(ways.network, ways.foot, ways.closures, part))
            if mine is None:
                cost, end = found
            else:
                cost[:, mine], end[:, mine] = found
        moved = np.zeros(len(xy_m), dtype=np.bool_)
        if at is not usual:
            moved = (at.edge != usual.edge) | (at.along_m != usual.along_m)
        return Asked(
            xy_m=xy_m,
            usual=usual,
            at=at,
            moved=moved,
            layer=layer,
            cost=cost,
            end=end,
            weight=straight_weight(usual.gap_m),
        )

    def _by_layer(self, layer: NDArray[np.int8]) -> list[tuple[int, Ints | None]]:
        """(number, rows) of the layers in use; None: all rows."""
        if len(self.sites.layers) == 1:
            return [(0, None)]
        return [(int(one), np.flatnonzero(layer == one)) for one in np.unique(layer)]

    def to_ends(self, asked: Asked) -> tuple[Floats, Floats]:
        """(r,) efforts now to the `to` and to the `from` end of each one's edge, inf where that is closed."""
        to_end, to_start = np.full(len(asked), np.inf), np.full(len(asked), np.inf)
        for number, mine in self._by_layer(asked.layer):
            ways, some = self.sites.layers[number].ways, slice(None) if mine is None else mine
            here = places(ways.network, ways.foot, ways.closures, asked.at.take(some))
            to_end[some], to_start[some] = here.to_end, here.to_start
        return to_end, to_start

    def leads_to_any(self, asked: Asked, sites: Bools) -> Bools:
        """(r,) from where open ways of any length lead to one of the (m,) chosen sites at least."""
        leads = np.zeros(len(asked), dtype=np.bool_)
        for number, mine in self._by_layer(asked.layer):
            some = slice(None) if mine is None else mine
            leads[some] = self.sites.layers[number].reach.leads_to_any(asked.at.take(some), sites)
        return leads

    def figures(self, asked: Asked, row: Ints, site: Ints) -> tuple[Floats, Bools]:
        """(p,) level metres of pairs (row of `asked`, site), inf = no way, and where they are estimates."""
        found = self.figures_unbarred(asked, row, site)
        unsure = np.flatnonzero(found.estimated & (found.if_barred > found.figure))
        if len(unsure) and self.walks.barriers:
            barred = unsure[self.barred(asked, row[unsure], site[unsure])]
            found.figure[barred] = found.if_barred[barred]
        return found.figure, found.about

    def figures_unbarred(self, asked: Asked, row: Ints, site: Ints) -> Unbarred:
        """The same, before it is asked whether straight lines enter areas."""
        walks, sites = self.walks, self.sites
        gap = asked.xy_m[row] - sites.xy_m[site]
        beeline = np.sqrt(gap[:, 0] * gap[:, 0] + gap[:, 1] * gap[:, 1])
        straight = beeline * walks.detour_factor
        gaps = walks.detour_factor * (asked.at.gap_m[row] + sites.at.gap_m[site])
        far = np.maximum(gaps + walks.bound_m, straight)
        walked = self.raw(asked, row, site)
        beyond = np.isinf(walked)
        late = (walked > gaps + BLEND_FROM * walks.bound_m) & ~beyond
        share = ((walked[late] - gaps[late]) / walks.bound_m - BLEND_FROM) / (1 - BLEND_FROM)
        walked[late] += np.minimum(share, 1) * np.maximum(far[late] - walked[late], 0)
        np.maximum(walked, beeline, out=walked)
        weight = np.maximum(asked.weight[row], self.site_weight[site])
        if beyond.any():
            self._beyond(asked, row, site, np.flatnonzero(beyond), far=far, walked=walked, weight=weight)
        estimated = weight > 0
        figure = np.where(weight < 1, walked, straight)
        blend = estimated & (weight < 1)
        figure[blend] = (1 - weight[blend]) * walked[blend] + weight[blend] * straight[blend]
        if_barred = np.where(weight < 1, np.maximum(walked, figure), np.inf)
        self._never_shorter(asked, row, site, figure, if_barred)
        return Unbarred(figure, if_barred, estimated, estimated | beyond | late)

    def raw(self, asked: Asked, row: Ints, site: Ints) -> Floats:
        """(p,) along the network alone, gaps with their detour included; inf beyond the bound or without a way."""
        walked = np.empty(len(row))
        for number, mine in self._by_layer(asked.layer[row] if len(self.sites.layers) > 1 else asked.layer):
            ways = self.sites.layers[number].ways
            one, there = (row, site) if mine is None else (row[mine], site[mine])
            effort = np.minimum(
                asked.cost[0, one] + ways.node_effort_m[asked.end[0, one], there],
                asked.cost[1, one] + ways.node_effort_m[asked.end[1, one], there],
            )
            effort[effort > ways.bound_m] = np.inf
            shared = np.flatnonzero(
                (asked.at.edge[one] == self.sites.at.edge[there]) & (asked.at.edge[one] >= 0)
            )
            if len(shared):
                direct, _ = ways.direct_pairs(asked.at.take(one[shared]), there[shared])
                effort[shared] = np.minimum(effort[shared], direct)
            walked[slice(None) if mine is None else mine] = effort
        walked += self.walks.detour_factor * (asked.at.gap_m[row] + self.sites.at.gap_m[site])
        return walked

    def lengths(self, asked: Asked, site: Ints, level_m: Floats) -> Floats:
        """(r,) real metres from each to one site; level_m: what `figures` said. inf stays inf."""
        metres = level_m.copy()
        for number, mine in self._by_layer(asked.layer):
            at, to = (asked.at, site) if mine is None else (asked.at.take(mine), site[mine])
            found = self.sites.layers[number].ways.metres(at, np.arange(len(at)), to)
            metres[slice(None) if mine is None else mine] = found
        away = asked.xy_m - self.sites.xy_m[site]
        return np.clip(metres, np.minimum(np.hypot(away[:, 0], away[:, 1]), level_m), level_m)

    def inland(self, asked: Asked) -> Exits:
        """See `NetworkWalks.inland`."""
        return self.walks.inland_from(asked.xy_m, asked.at, asked.usual, asked.layer)

    # -- rules --------------------------------------------------------------------------------------------

    def _beyond(
        self,
        asked: Asked,
        row: Ints,
        site: Ints,
        pair: Ints,
        *,
        far: Floats,
        walked: Floats,
        weight: Floats,
    ) -> None:
        """What the bounded search did not find: far, where there is a way at all."""
        row, site = row[pair], site[pair]
        joined = np.zeros(len(pair), dtype=np.bool_)
        layer = asked.layer[row] if len(self.sites.layers) > 1 else asked.layer
        for number, mine in self._by_layer(layer):
            some = slice(None) if mine is None else mine
            joined[some] = self.sites.layers[number].reach.joined_pairs(asked.at, row[some], site[some])
        walked[pair[joined]] = far[pair[joined]]
        apart = np.flatnonzero(~joined)
        if len(apart):
            # Where even with nothing closed no way joins the two, the network has nothing to say.
            never = ~self.quiet_reach.joined_pairs(asked.usual, row[apart], site[apart])
            weight[pair[apart[never]]] = 1.0

    def _never_shorter(self, asked: Asked, row: Ints, site: Ints, figure: Floats, if_barred: Floats) -> None:
        """Who has to step onto the network elsewhere is not nearer for it."""
        pair = np.flatnonzero(asked.moved[row] | self.site_moved[site])
        if not len(pair) or self._quiet is self:
            return
        some, there = np.unique(row[pair], return_inverse=True)
        usual = asked.usual.take(some)
        before = self._quiet._asked(asked.xy_m[some], usual, usual, np.zeros(len(some), dtype=np.int8))
        quiet, _ = self._quiet.figures(before, there, site[pair])
        figure[pair] = np.maximum(figure[pair], quiet)
        if_barred[pair] = np.maximum(if_barred[pair], quiet)

    def barred(self, asked: Asked, row: Ints, site: Ints) -> Bools:
        """(p,) pairs whose straight line would enter an area from outside."""
        some, back = np.unique(row, return_inverse=True)
        return self.enters(asked.xy_m[some], back, site)

    def enters(self, xy_m: Floats, row: Ints, site: Ints) -> Bools:
        """(p,) pairs of (row of the (r, 2) points, site) whose straight line enters an area from outside."""
        barred = np.zeros(len(row), dtype=np.bool_)
        for barrier in self.walks.barriers if len(row) else ():
            with self.walks.alone:
                outside = ~np.atleast_1d(shapely.intersects_xy(barrier.area, xy_m[:, 0], xy_m[:, 1]))
                still = np.flatnonzero(outside[row] & ~barred)
                barred[still] = barrier.met_by(xy_m[row[still]], self.sites.xy_m[site[still]])
        return barred
