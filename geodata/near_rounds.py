"""The nearest sites of those who cannot be looked up: a few candidates, more where those prove nothing, all in the end.

round 1  first along the network from both ends of the edge, and the nearest of those that are estimates
round 2  the nearest in a straight line
round 3  all of them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from geodata.pair_walks import Asked, PairWalks
from geodata.plain_edges import PlainEdges
from geodata.site_lists import NodeLists, square_lists

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NearSites = tuple[Ints, Floats]

NONE = -1
SLACK_M = 0.005  # what is kept in float32 may be off by this much
_PAIRS_AT_ONCE = 1 << 20
_MORE_BY_WAY, _MORE_STRAIGHT = 2, 8


class NearRounds:
    """For one choice of sites. nodes: by layer, lists of the allowed sites that are a matter of ways, `few` long;
    none where so few people ask that round 1 is left out.
    """

    def __init__(
        self, pairs: PairWalks, edges: PlainEdges, allowed: Bools, nodes: Sequence[NodeLists]
    ) -> None:
        self._pairs, self._edges, self._allowed, self._nodes = pairs, edges, allowed, nodes

    def nearest(self, asked: Asked, few: int) -> NearSites:
        """(r, few) sites and figures, NONE- and inf-padded."""
        site = np.full((len(asked), few), NONE, dtype=np.int64)
        figure = np.full((len(asked), few), np.inf)
        todo = np.ones(len(asked), dtype=np.bool_)
        for rows, candidates, bound in self._rounds(asked, few, todo):
            found_site, found = best_of(self._pairs, asked, rows, candidates, few)
            proved = found[:, -1] <= bound + SLACK_M
            done = rows[proved]
            site[done], figure[done] = found_site[proved], found[proved]
            todo[done] = False
        return site, figure

    def _rounds(self, asked: Asked, few: int, todo: Bools) -> Iterator[tuple[Ints, Ints, Floats]]:
        """(rows, (r, c) candidates, (r,) no other site has a lower figure than this), until nothing is `todo`."""
        step = max(1, _PAIRS_AT_ONCE // (3 * few + _MORE_STRAIGHT))
        rows = np.flatnonzero(self.goes_by_way(asked)) if self._nodes else np.empty(0, dtype=np.int64)
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            yield part, *self._by_way_first(asked, part, few)
        goes = self.goes_by_way(asked)
        rows = np.flatnonzero(todo & ~goes)
        for begin in range(0, len(rows), step):
            yield self._straight_next(asked, rows[begin : begin + step], few)
        rows = np.flatnonzero(todo & goes)
        step = max(1, _PAIRS_AT_ONCE // max(1, len(self._allowed)))
        for begin in range(0, len(rows), step):
            yield self.least_at_least(asked, rows[begin : begin + step], few)
        rows, columns = np.flatnonzero(todo), np.flatnonzero(self._allowed)
        step = max(1, _PAIRS_AT_ONCE // max(1, len(columns)))
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            yield part, np.broadcast_to(columns, (len(part), len(columns))), np.full(len(part), np.inf)

    def _straight_next(self, asked: Asked, rows: Ints, few: int) -> tuple[Ints, Ints, Floats]:
        """The nearest in a straight line."""
        near = square_lists(asked.xy_m[rows], self._pairs.sites.xy_m, self._allowed, few + _MORE_STRAIGHT)
        # Blended with the straight line no figure is below the straight line's share of it.
        more = 1 + (self._pairs.walks.detour_factor - 1) * asked.weight[rows]
        return rows, near.site[near.square].astype(np.int64), near.beyond_m[near.square] * more

    def least_at_least(self, asked: Asked, rows: Ints, few: int) -> tuple[Ints, Ints, Floats]:
        """Those that are least by what each figure is at least, which is quickly said of all sites at once."""
        columns = np.flatnonzero(self._allowed)
        at_least = self._at_least(asked, rows, columns)
        width = min(few + _MORE_BY_WAY, len(columns))
        if width == len(columns):
            return rows, np.broadcast_to(columns, at_least.shape), np.full(len(rows), np.inf)
        order = np.argpartition(at_least, width, axis=1)
        rest = np.take_along_axis(at_least, order[:, width : width + 1], axis=1)[:, 0]
        return rows, columns[order[:, :width]], rest.astype(np.float64)

    def _at_least(self, asked: Asked, rows: Ints, columns: Ints) -> NDArray[np.float32]:
        """(r, c) no figure is lower: the way, the bound where none was found within it, never below the line."""
        walks, sites = self._pairs.walks, self._pairs.sites
        way = np.empty((len(rows), len(columns)), dtype=np.float32)
        layer = asked.layer[rows]
        for number, one in enumerate(sites.layers):
            mine = np.arange(len(rows)) if len(sites.layers) == 1 else np.flatnonzero(layer == number)
            best: NDArray[np.float32] | None = None
            for slot in (0, 1):
                # Whole rows lie together: they are copied at once, and what is allowed is picked out of them.
                there = one.ways.node_effort_m.take(asked.end[slot, rows[mine]], axis=0).take(columns, axis=1)
                there += asked.cost[slot, rows[mine], None].astype(np.float32)
                best = there if best is None else np.minimum(best, there, out=best)
            way[mine] = best
        x = (asked.xy_m[rows, 0, None] - sites.xy_m[columns, 0]).astype(np.float32)
        y = (asked.xy_m[rows, 1, None] - sites.xy_m[columns, 1]).astype(np.float32)
        x *= x
        y *= y
        x += y
        beeline = np.sqrt(x, out=x)
        factor = np.where(way > walks.bound_m, np.float32(walks.detour_factor), np.float32(1))
        np.minimum(way, np.float32(walks.bound_m), out=way)
        way += (walks.detour_factor * asked.at.gap_m[rows, None]).astype(np.float32)
        way += (walks.detour_factor * sites.at.gap_m[columns]).astype(np.float32)
        factor *= beeline
        np.maximum(way, factor, out=way)
        by_way = self._edges.by_way[columns]
        return way if by_way.all() else np.where(by_way, way, beeline)

    def goes_by_way(self, asked: Asked) -> Bools:
        """(r,) whose figures to the sites that are a matter of ways are never below those of the network."""
        usual, edge = np.maximum(asked.usual.edge, 0), np.maximum(asked.at.edge, 0)
        goes = (asked.weight == 0) & (asked.usual.edge >= 0) & self._edges.leads[usual]
        return np.asarray(goes & ~self._edges.hosts[edge])

    def _by_way_first(self, asked: Asked, rows: Ints, few: int) -> tuple[Ints, Floats]:
        straight, by_way = self._allowed & ~self._edges.by_way, self._allowed & self._edges.by_way
        near = square_lists(asked.xy_m[rows], self._pairs.sites.xy_m, straight, few + _MORE_BY_WAY)
        listed = [near.site[near.square]]
        beyond = np.full(len(rows), np.inf)
        layer = asked.layer[rows]
        for slot in (0, 1):
            end, cost = asked.end[slot, rows], asked.cost[slot, rows]
            there = np.full((len(rows), few), NONE, dtype=np.int32)
            for number, nodes in enumerate(self._nodes):
                mine = np.flatnonzero((layer == number) & np.isfinite(cost))
                there[mine] = nodes.site[end[mine]]
                beyond[mine] = np.minimum(beyond[mine], cost[mine] + nodes.beyond_m[end[mine]])
            listed.append(there)
        beyond += self._pairs.walks.detour_factor * asked.at.gap_m[rows]
        # What the bounded search did not reach lies beyond the bound, if there is a way to it at all.
        bound = np.minimum(beyond, self._pairs.walks.bound_m)
        nothing = np.flatnonzero((listed[1] < 0).all(axis=1) & (listed[2] < 0).all(axis=1))
        apart = nothing[~self._pairs.leads_to_any(asked.take(rows[nothing]), by_way)]
        bound[apart] = np.inf
        return np.concatenate(listed, axis=1).astype(np.int64), np.minimum(bound, near.beyond_m[near.square])


def best_of(pairs: PairWalks, asked: Asked, rows: Ints, candidates: Ints, few: int) -> NearSites:
    """(r, few) the least of the (r, c) candidates' figures, NONE- and inf-padded; ties: the smaller row.

    Whether a straight line enters an area is asked only of those that would be named.
    """
    candidates = np.sort(candidates, axis=1)
    fresh = candidates >= 0
    fresh[:, 1:] &= candidates[:, 1:] != candidates[:, :-1]
    row, column = np.nonzero(fresh)
    figure, if_barred = np.full(candidates.shape, np.inf), np.full(candidates.shape, np.inf)
    unsure = np.zeros(candidates.shape, dtype=np.bool_)
    found = pairs.figures_unbarred(asked, rows[row], candidates[row, column])
    figure[row, column], if_barred[row, column] = found.figure, found.if_barred
    if pairs.walks.barriers:
        unsure[row, column] = found.estimated & (found.if_barred > found.figure)
    wide, doubtful = few, np.flatnonzero(unsure.any(axis=1))
    while len(doubtful):
        order = np.argsort(figure[doubtful], axis=1, kind="stable")[:, :wide]
        at, place = np.nonzero(np.take_along_axis(unsure[doubtful], order, axis=1))
        row, column = doubtful[at], order[at, place]
        barred = pairs.barred(asked, rows[row], candidates[row, column])
        unsure[row, column] = False
        figure[row[barred], column[barred]] = if_barred[row[barred], column[barred]]
        doubtful, wide = np.unique(row[barred]), 2 * wide
    order = np.argsort(figure, axis=1, kind="stable")[:, :few]
    least = np.take_along_axis(figure, order, axis=1)
    site = np.where(np.isfinite(least), np.take_along_axis(candidates, order, axis=1), NONE)
    wider = ((0, 0), (0, few - order.shape[1]))
    return np.pad(site, wider, constant_values=NONE), np.pad(least, wider, constant_values=np.inf)
