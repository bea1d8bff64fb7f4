"""How far everybody has to walk to every site, around what is closed: many to many, bounded.

    network + sites ─▶ core graph ─▶ one bounded Dijkstra a site, backwards ─▶ WaysOut ─▶ efforts(people)
    an area grows   ─▶ new costs  ─▶ only the sites whose ways it cuts or shortens ─▶ WaysOut

Backwards because a way up is not a way down, and a way out of an area is no way in: what is counted is always
the walk from the person to the site. Efforts are level metres: effort / speed = seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geodata.closures import Closures, nothing_closed
from geodata.core_graph import CoreCosts, CoreGraph
from geodata.descent import Descent
from geodata.edge_efforts import Places, along, open_costs, places
from geodata.network import Foot, WalkNetwork
from geodata.snapping import Snapped

Floats = NDArray[np.float64]
Efforts = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BOUND_M = 3_000.0
GAP_FACTOR = 1.5
"""Between a point and the network: straight metres × this (domain reference §6, detour on the straight line)."""

_SITES_AT_ONCE = 64
_BLOCK_CELLS = 1 << 19  # (person, site) pairs at a time: what is worked on stays in the processor's cache
_PAIRS_AT_ONCE = 1 << 22
_SLACK = (
    1e-5  # of the bound: efforts up to it are kept in float32, and an arc in use must never be taken for idle
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaysOut:
    """The efforts from everywhere to m sites. Make it with `ways_out`.

    reach: (2, m) efforts from the `from` and the `to` end of each site's edge to the site; node_effort_m: (c, m)
    float32 from each core node to each site, inf beyond the bound or without a way; site_gap_m: (m,) off the network.
    """

    network: WalkNetwork
    foot: Foot
    sites: Snapped
    closures: Closures
    bound_m: float
    gap_factor: float
    core: CoreGraph
    costs: CoreCosts
    reach: Floats
    node_effort_m: Efforts

    def efforts(self, at: Snapped) -> Efforts:
        """(n, m) effort from n places to every site, gaps at both ends included; inf = none within the bound."""
        here = places(self.network, self.foot, self.closures, at)
        cost, end = self.slots(at, here)
        gap = self.gap_factor * at.gap_m
        site_gap = (self.gap_factor * self.sites.gap_m).astype(np.float32)
        result = np.empty((len(at), len(self.sites)), dtype=np.float32)
        step = max(1, _BLOCK_CELLS // max(1, len(self.sites)))
        for begin in range(0, len(at), step):
            part = slice(begin, begin + step)
            one, other = (self.node_effort_m[end[slot, part]] for slot in (0, 1))
            one += cost[0, part, None].astype(np.float32)
            other += cost[1, part, None].astype(np.float32)
            np.minimum(one, other, out=one)
            one[one > self.bound_m] = np.inf
            one += gap[part, None].astype(np.float32)
            one += site_gap
            result[part] = one
        self._direct(at, result)
        return result

    def metres(self, at: Snapped, rows: Ints, sites: Ints) -> Floats:
        """(p,) real metres along the quickest way of each pair (row of `at`, site), gaps straight; inf without one."""
        chosen = at.take(rows)
        here = places(self.network, self.foot, self.closures, chosen)
        cost, end = self.slots(chosen, here)
        by_slot = cost + self.node_effort_m[end, sites]
        slot = np.argmin(by_slot, axis=0)
        pair = np.arange(len(rows))
        effort = by_slot[slot, pair]
        on = np.where(chosen.edge >= 0, chosen.edge, 0)
        to_end = self.core.slot_to_end[slot, on]
        length = np.where(to_end, self.network.length_m[on] - chosen.along_m, chosen.along_m)
        length += self.costs.slot_length_m[slot, on]
        walk = np.flatnonzero(effort <= self.bound_m)
        metres = np.full(len(rows), np.inf)
        metres[walk] = length[walk] + self._node_metres(end[slot, pair][walk], sites[walk])
        direct, is_direct = self.direct_pairs(chosen, sites)
        shorter = is_direct & (direct <= effort)
        span = np.abs(chosen.along_m - self.sites.along_m[sites])
        metres = np.where(shorter, span, metres)
        result: Floats = metres + chosen.gap_m + self.sites.gap_m[sites]
        return result

    def update(self, closures: Closures) -> WaysOut:
        """The same sites under other closures; only the sites whose ways change are searched again."""
        costs = _costs(self.network, self.core, self.foot, closures)
        reach = _reach(self.network, self.foot, closures, self.sites)
        again = np.flatnonzero(self._changed(costs) | (reach != self.reach).any(axis=0))
        effort = self.node_effort_m
        if len(again):
            effort = effort.copy()
            search = _Search(
                _ends(self.network, self.core, self.sites),
                self.core,
                costs,
                reach=reach,
                bound_m=self.bound_m,
            )
            effort[:, again] = search.efforts(again)
        return replace(self, closures=closures, costs=costs, reach=reach, node_effort_m=effort)

    # -- inside -------------------------------------------------------------------------------------------

    def slots(self, at: Snapped, here: Places) -> tuple[Floats, Ints]:
        """(2, n) what it takes to the core over either slot, and the core row there (0 where there is none)."""
        on = np.where(at.edge >= 0, at.edge, 0)
        end = self.core.slot_end[:, on]
        first = np.where(self.core.slot_to_end[:, on], here.to_end, here.to_start)
        cost = np.where(end >= 0, first + self.costs.slot[:, on], np.inf)
        return cost, np.maximum(end, 0)

    def _direct(self, at: Snapped, result: Efforts) -> None:
        """Where a person and a site are on one edge, the walk between them may be the shortest."""
        has_site = np.zeros(len(self.network.edge_from), dtype=np.bool_)
        has_site[self.sites.edge[self.sites.edge >= 0]] = True
        rows = np.flatnonzero(has_site[np.maximum(at.edge, 0)] & (at.edge >= 0))
        if not len(rows):
            return
        order = np.argsort(self.sites.edge, kind="stable")
        first = np.searchsorted(self.sites.edge[order], at.edge[rows], side="left")
        count = np.searchsorted(self.sites.edge[order], at.edge[rows], side="right") - first
        row = np.repeat(rows, count)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        site = order[np.repeat(first, count) + nth]
        effort, _ = self.direct_pairs(at.take(row), site)
        gap = self.gap_factor * (at.gap_m[row] + self.sites.gap_m[site])
        result[row, site] = np.minimum(result[row, site], effort + gap)

    def direct_pairs(self, at: Snapped, site: Ints) -> tuple[Floats, Bools]:
        """(p,) effort along the edge a place and its site share, inf where they share none or it is closed."""
        there = self.sites.take(site)
        ab, ba = along(self.network, self.foot, at)
        site_ab, site_ba = along(self.network, self.foot, there)
        shared = (at.edge == there.edge) & (at.edge >= 0)
        edge = np.where(shared, at.edge, 0).astype(np.int32)
        whole = self.network.profile(self.foot)
        shared &= np.isfinite(whole.ab_m[edge]) & np.isfinite(whole.ba_m[edge])
        shared &= self.closures.between(edge, at.along_m, there.along_m)
        with np.errstate(invalid="ignore"):
            effort = np.where(there.along_m >= at.along_m, site_ab - ab, ba - site_ba)
        shared &= effort <= self.bound_m
        return np.where(shared, np.maximum(effort, 0), np.inf), shared

    def _changed(self, costs: CoreCosts) -> Bools:
        """(m,) sites for which an arc on a quickest way got dearer, or one that got cheaper would shorten a way."""
        changed = np.zeros(len(self.sites), dtype=np.bool_)
        arcs = np.flatnonzero(costs.arc != self.costs.arc)
        step = max(1, _PAIRS_AT_ONCE // max(1, len(self.sites)))
        slack = _SLACK * self.bound_m
        for begin in range(0, len(arcs), step):
            part = arcs[begin : begin + step]
            here = self.node_effort_m[self.core.tail[part]].astype(np.float64)
            there = self.node_effort_m[self.core.head[part]].astype(np.float64)
            old, new = there + self.costs.arc[part, None], there + costs.arc[part, None]
            used = np.isfinite(here) & (old <= here + slack) & (new > old)
            better = (new < here + slack) & (new < old) & (new <= self.bound_m + slack)
            changed |= (used | better).any(axis=0)
        return changed

    def _node_metres(self, node: Ints, site: Ints) -> Floats:
        """(p,) real metres from core nodes to sites: step by step down the efforts, each pair once."""
        return self.descent().metres(node, site)

    def descent(self) -> Descent:
        """What tells real metres; worth keeping for who asks again."""
        length_m = self.network.length_m[np.maximum(self.sites.edge, 0)]
        return Descent(
            self.core,
            self.costs,
            self.node_effort_m,
            ends=_ends(self.network, self.core, self.sites),
            reach=self.reach,
            last_m=np.stack([self.sites.along_m, length_m - self.sites.along_m]),
        )


def ways_out(
    network: WalkNetwork,
    sites: Snapped,
    *,
    foot: Foot = Foot.STANDARD,
    closures: Closures | None = None,
    bound_m: float = BOUND_M,
    gap_factor: float = GAP_FACTOR,
) -> WaysOut:
    """Ways to m sites for one foot; bound_m: the most effort along the network, gaps apart."""
    closed = closures if closures is not None else nothing_closed(network)
    on = sites.edge[sites.edge >= 0]
    core = CoreGraph(network, np.concatenate([network.edge_from[on], network.edge_to[on]]))
    costs = _costs(network, core, foot, closed)
    reach = _reach(network, foot, closed, sites)
    search = _Search(_ends(network, core, sites), core, costs, reach=reach, bound_m=bound_m)
    return WaysOut(
        network=network,
        foot=foot,
        sites=sites,
        closures=closed,
        bound_m=bound_m,
        gap_factor=gap_factor,
        core=core,
        costs=costs,
        reach=reach,
        node_effort_m=search.efforts(np.arange(len(sites))),
    )


def _costs(network: WalkNetwork, core: CoreGraph, foot: Foot, closures: Closures) -> CoreCosts:
    return core.costs(*open_costs(network, foot, closures))


def _reach(network: WalkNetwork, foot: Foot, closures: Closures, sites: Snapped) -> Floats:
    there = places(network, foot, closures, sites)
    return np.stack([there.from_start, there.from_end])


def _ends(network: WalkNetwork, core: CoreGraph, sites: Snapped) -> Ints:
    """(2, m) core rows of the `from` and the `to` end of each site's edge."""
    edge = np.maximum(sites.edge, 0)
    return np.stack([core.row[network.edge_from[edge]], core.row[network.edge_to[edge]]])


class _Search:
    """Bounded searches from sites along reversed arcs; a site is a node of its own that only leads to its edge."""

    def __init__(
        self, ends: Ints, core: CoreGraph, costs: CoreCosts, *, reach: Floats, bound_m: float
    ) -> None:
        self._ends, self._core, self._costs, self._reach, self._bound_m = ends, core, costs, reach, bound_m

    def efforts(self, sites: Ints) -> Efforts:
        """(c, s) from every core node to some of the sites."""
        result = np.empty((len(self._core.node), len(sites)), dtype=np.float32)
        graph = self._graph(sites)
        first = len(self._core.node)
        for begin in range(0, len(sites), _SITES_AT_ONCE):
            part = slice(begin, min(begin + _SITES_AT_ONCE, len(sites)))
            found = dijkstra(
                graph, indices=np.arange(first + part.start, first + part.stop), limit=self._bound_m
            )
            result[:, part] = found[:, :first].T
        return result

    def _graph(self, sites: Ints) -> csr_matrix:
        nodes, core = len(self._core.node), self._core
        is_open = np.isfinite(self._costs.arc)
        ends, reach = self._ends[:, sites].T.reshape(-1), self._reach[:, sites].T.reshape(-1)
        reached = np.isfinite(reach) & (ends >= 0)
        # Arcs are in order of their head, which is the row of the reversed matrix.
        counts = np.bincount(core.head[is_open], minlength=nodes)
        counts = np.concatenate([counts, reached.reshape(-1, 2).sum(axis=1)])
        data = np.concatenate([self._costs.arc[is_open], reach[reached]])
        indices = np.concatenate([core.tail[is_open], ends[reached]]).astype(np.int32)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        size = nodes + len(sites)
        return csr_matrix((data, indices, first), shape=(size, size))
