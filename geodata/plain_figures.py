"""The figures of who stands plainly by an edge (`Crowd`) to chosen sites: all that a row of a crowd tells is enough.

    row ─▶ efforts to both ends of its edge ─▶ over either slot into the core ─▶ efforts from there ─▶ figure

Exactly the rules of `NetworkWalks.walk` for pairs to which the straight line has no share: those within the bound, near
it, and beyond it. Pairs of others are left to `PairWalks`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geodata.crowd import Crowd
from geodata.pair_walks import PairWalks
from geodata.plain_edges import PlainEdges
from geodata.walks import BLEND_FROM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class PlainFigures:
    """For the walks of one foot under one set of closures. A crowd must be ready for the rows that are asked."""

    def __init__(self, pairs: PairWalks, edges: PlainEdges) -> None:
        self._pairs, self._edges = pairs, edges

    def figures(self, crowd: Crowd, rows: Ints, site: Ints, figure: Floats) -> tuple[Bools, Bools]:
        """Writes figures of (r, j) chosen pairs; where they are right, and where anything is or may be an estimate."""
        there = np.maximum(site, 0)
        known = crowd.plain[rows, None] & self.by_way_now[there] & (site >= 0)
        gaps = self._gaps_m(crowd, rows, there)
        walked = self._walked(crowd, rows, there, gaps)
        beeline = self._straight_m(crowd, rows, there)
        late = known & (walked > gaps + BLEND_FROM * self._pairs.walks.bound_m)
        np.maximum(walked, beeline, out=walked)
        row, column = np.nonzero(late)
        if len(row):
            some, back = np.unique(row, return_inverse=True)
            some_rows, to = rows[some], there[row, column]
            far = self._far_m(gaps[row, column], beeline[row, column])
            walked[row, column] = self._blended(
                walked[row, column],
                gaps[row, column],
                far,
                lambda pair: self._joined(crowd, some_rows, back[pair], to[pair]),
            )
        np.copyto(figure, walked, where=known)
        return known, late | ~known

    def _walked(self, crowd: Crowd, rows: Ints, there: Ints, gaps: Floats) -> Floats:
        """(r, j) along the network over the ends of the edge, gaps inside; inf beyond the bound."""
        edge = np.maximum(crowd.standing.edge[rows], 0)
        to_end, to_start = crowd.to_end_m[rows], crowd.to_start_m[rows]
        least = np.full(there.shape, np.inf)
        layers = self._pairs.sites.layers
        layer = crowd.layer[rows] if len(layers) > 1 else None
        for number, one in enumerate(layers):
            mine = slice(None) if layer is None else np.flatnonzero(layer == number)
            core, costs, on = one.ways.core, one.ways.costs, edge[mine]
            best = np.full(there[mine].shape, np.inf)
            for slot in (0, 1):
                end = core.slot_end[slot, on]
                first = np.where(core.slot_to_end[slot, on], to_end[mine], to_start[mine])
                cost = np.where(end >= 0, first + costs.slot[slot, on], np.inf)
                effort = one.ways.node_effort_m[np.maximum(end, 0)[:, None], there[mine]]
                np.minimum(best, cost[:, None] + effort, out=best)
            least[mine] = best
        least += self._pairs.walks.detour_factor * self._pairs.sites.at.gap_m[there]
        least[least > gaps + self._pairs.walks.bound_m] = np.inf
        return least

    def _gaps_m(self, crowd: Crowd, rows: Ints, there: Ints) -> Floats:
        """(r, j) what both gaps count for."""
        gaps = crowd.standing.gap_m[rows, None] + self._pairs.sites.at.gap_m[there]
        return np.asarray(self._pairs.walks.detour_factor * gaps)

    def _far_m(self, gaps: Floats, beeline: Floats) -> Floats:
        """What stands in beyond the bound."""
        walks = self._pairs.walks
        return np.asarray(np.maximum(gaps + walks.bound_m, beeline * walks.detour_factor))

    def _blended(self, walked: Floats, gaps: Floats, far: Floats, joined: Callable[[Ints], Bools]) -> Floats:
        """(p,) figures of pairs near the bound, and beyond it where there is a way at all. See `NetworkWalks`."""
        beyond = np.flatnonzero(np.isinf(walked))
        with np.errstate(invalid="ignore"):
            share = ((walked - gaps) / self._pairs.walks.bound_m - BLEND_FROM) / (1 - BLEND_FROM)
            blended: Floats = walked + np.minimum(share, 1) * np.maximum(far - walked, 0)
        blended[beyond] = np.where(joined(beyond), far[beyond], np.inf)
        return blended

    def leads_to_any(self, crowd: Crowd, rows: Ints, columns: Ints) -> Bools:
        """(r,) from where, of plain rows, any way leads to one of some sites at least."""
        result = np.zeros(len(rows), dtype=np.bool_)
        leaves = np.isfinite(crowd.to_start_m[rows]), np.isfinite(crowd.to_end_m[rows])
        edge, layers = crowd.standing.edge[rows].astype(np.int64), self._pairs.sites.layers
        for number, one in enumerate(layers):
            mine = slice(None) if len(layers) == 1 else np.flatnonzero(crowd.layer[rows] == number)
            result[mine] = one.reach.leads_from(edge[mine], (leaves[0][mine], leaves[1][mine]), columns)
        return result

    def _joined(self, crowd: Crowd, rows: Ints, at: Ints, site: Ints) -> Bools:
        """(p,) whether any way leads from row `at` of some rows, all plain, to a site."""
        result = np.zeros(len(at), dtype=np.bool_)
        who = rows[at]
        edge = crowd.standing.edge[who].astype(np.int64)
        leaves = np.isfinite(crowd.to_start_m[who]), np.isfinite(crowd.to_end_m[who])
        layers = self._pairs.sites.layers
        for number, one in enumerate(layers):
            mine = slice(None) if len(layers) == 1 else np.flatnonzero(crowd.layer[who] == number)
            found = one.reach.joined_edges(edge[mine], (leaves[0][mine], leaves[1][mine]), site[mine, None])
            result[mine] = found[:, 0]
        return result

    @cached_property
    def by_way_now(self) -> Bools:
        """(m,) sites that are a matter of ways and entered from where they are on quiet days."""
        return np.asarray(self._edges.by_way & ~self._pairs.site_moved)

    def beyond(self, crowd: Crowd, rows: Ints, near: Ints) -> tuple[Floats, Bools]:
        """(r, j) figures of plain rows to sites that all lie beyond the bound, and which are exact.

        What is not exact is no more than the figure.
        """
        beeline = self._straight_m(crowd, rows, near)
        by_way, exact = self._edges.by_way[near], self.by_way_now[near]
        least = np.where(by_way, self._far_m(self._gaps_m(crowd, rows, near), beeline), beeline)
        row, column = np.nonzero(exact)
        apart = ~self._joined(crowd, rows, row, near[row, column])
        least[row[apart], column[apart]] = np.inf
        return least, exact

    def _straight_m(self, crowd: Crowd, rows: Ints, there: Ints) -> Floats:
        """(r, j) straight metres."""
        xy_m, sites = crowd.xy_m[rows], self._pairs.sites.xy_m
        x, y = xy_m[:, 0, None] - sites[there, 0], xy_m[:, 1, None] - sites[there, 1]
        return np.asarray(np.sqrt(x * x + y * y))
