"""Walking inland over the network: the quickest way out of a tsunami area that does not lead towards the sea.

    areas ─▶ grown by a margin ─▶ outline ─▶ where ways cross it and it faces inland: exits
    exits ─▶ one bounded Dijkstra from all of them, backwards, on what is open ─▶ effort and exit for everybody

The same rules as `geodata.inland`, which draws the straight line and takes over where the network ends: no exit
through a stretch of the outline that faces the sea or runs across the coast, no island in the water as an exit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from geodata.closures import Closures, close_seaward, seaward_m
from geodata.core_graph import CoreCosts, CoreGraph
from geodata.crossings import crossing_pairs, outline_segments, share_of_meeting
from geodata.edge_efforts import along, open_costs, places
from geodata.inland import DEFAULT_FACING_DEG, DEFAULT_MARGIN_M, grown_area
from geodata.network import Foot, WalkNetwork
from geodata.snapping import Snapped, edge_of_places, segments_of
from geodata.ways_out import BOUND_M, GAP_FACTOR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkExits:
    """x places where a way leaves the grown area inland; along_ab: (x,) out walking along the edge, else back."""

    at: Snapped
    along_ab: Bools

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class WayInland:
    """For n people: effort_m (n,) level metres to the exit, inf without one; exit: (n,) row of exits, -1."""

    effort_m: Floats
    exit: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InlandWays:
    """The quickest way inland from everywhere, made by `inland_ways`.

    node_effort_m, node_exit: (c,) least effort from each core node to any exit, and which; inf and -1 without one.
    """

    network: WalkNetwork
    foot: Foot
    exits: NetworkExits
    closures: Closures
    bound_m: float
    gap_factor: float
    core: CoreGraph
    costs: CoreCosts
    node_effort_m: Floats
    node_exit: Ints

    def ways(self, at: Snapped) -> WayInland:
        """The way out of n people who are inside; the gap to the network counts with its detour."""
        here = places(self.network, self.foot, self.closures, at)
        on = np.maximum(at.edge, 0)
        end = self.core.slot_end[:, on]
        first = np.where(self.core.slot_to_end[:, on], here.to_end, here.to_start)
        cost = np.where(end >= 0, first + self.costs.slot[:, on], np.inf)
        cost = cost + self.node_effort_m[np.maximum(end, 0)]
        slot = np.argmin(cost, axis=0)
        row = np.arange(len(at))
        effort = cost[slot, row]
        chosen = self.node_exit[np.maximum(end, 0)][slot, row]
        self._straight_on(at, effort, chosen)
        none = ~(effort <= self.bound_m)
        return WayInland(
            effort_m=np.where(none, np.inf, effort + self.gap_factor * at.gap_m),
            exit=np.where(none, -1, chosen),
        )

    def _straight_on(self, at: Snapped, effort: Floats, chosen: Ints) -> None:
        """Exits on the very edge a person stands on."""
        order = np.argsort(self.exits.at.edge, kind="stable")
        edges = self.exits.at.edge[order]
        first = np.searchsorted(edges, at.edge, side="left")
        count = np.where(at.edge >= 0, np.searchsorted(edges, at.edge, side="right") - first, 0)
        row = np.repeat(np.arange(len(at)), count)
        if not len(row):
            return
        exit_row = order[np.arange(len(row)) + (first - (np.cumsum(count) - count))[row]]
        person, there = at.take(row), self.exits.at.take(exit_row)
        ab, ba = along(self.network, self.foot, person)
        exit_ab, exit_ba = along(self.network, self.foot, there)
        forward = self.exits.along_ab[exit_row]
        ahead = np.where(forward, there.along_m >= person.along_m, there.along_m <= person.along_m)
        ahead &= self.closures.between(person.edge, person.along_m, there.along_m)
        with np.errstate(invalid="ignore"):
            direct = np.where(forward, exit_ab - ab, ba - exit_ba)
        direct = np.where(ahead & np.isfinite(direct), np.maximum(direct, 0), np.inf)
        best = np.lexsort((exit_row, direct, row))
        best = best[np.unique(row[best], return_index=True)[1]]
        better = best[direct[best] < effort[row[best]]]
        effort[row[better]], chosen[row[better]] = direct[better], exit_row[better]


def find_exits(
    network: WalkNetwork,
    areas_xy_m: Sequence[BaseGeometry],
    *,
    seaward_bearing_deg: float,
    margin_m: float = DEFAULT_MARGIN_M,
    facing_within_deg: float = DEFAULT_FACING_DEG,
) -> NetworkExits:
    """Where ways leave the union of the areas grown by `margin_m`, through stretches that face inland."""
    outline = outline_segments(grown_area(areas_xy_m, margin_m))
    seg = segments_of(network)
    start, end = network.xy_m[network.chain[seg]], network.xy_m[network.chain[seg + 1]]
    if len(outline):
        low, high = outline.reshape(-1, 2).min(axis=0), outline.reshape(-1, 2).max(axis=0)
        near = ((np.maximum(start, end) >= low) & (np.minimum(start, end) <= high)).all(axis=1)
        seg, start, end = seg[near], start[near], end[near]
    piece, wall = crossing_pairs(start, end, outline)
    walk = end[piece] - start[piece]
    share, alongside = share_of_meeting(start[piece], walk, outline[wall])
    side = outline[wall, 1] - outline[wall, 0]
    # Outlines run counter-clockwise, so outward is to the right of each of their segments.
    outward = np.column_stack([side[:, 1], -side[:, 0]]) / np.hypot(side[:, 0], side[:, 1])[:, None]
    angle = np.radians(seaward_bearing_deg)
    seaward = np.array([np.sin(angle), np.cos(angle)])
    kept = ~alongside & (outward @ -seaward >= np.cos(np.radians(facing_within_deg)))
    piece, share, walk, outward = piece[kept], share[kept], walk[kept], outward[kept]
    return NetworkExits(at=_snapped(network, seg[piece], share), along_ab=(walk * outward).sum(axis=1) > 0)


def inland_ways(
    network: WalkNetwork,
    exits: NetworkExits,
    *,
    foot: Foot = Foot.STANDARD,
    closures: Closures,
    bound_m: float = BOUND_M,
    gap_factor: float = GAP_FACTOR,
    core: CoreGraph | None = None,
) -> InlandWays:
    """The quickest way to any exit. `closures` should hold the area itself, so that nobody leaves and comes back.

    core: that of other ways to the same exits, whatever is closed for them; None = one is made.
    """
    edge = exits.at.edge
    if core is None:
        core = CoreGraph(network, np.concatenate([network.edge_from[edge], network.edge_to[edge]]))
    costs = core.costs(*open_costs(network, foot, closures))
    there = places(network, foot, closures, exits.at)
    reach = np.where(exits.along_ab, there.from_start, there.from_end)
    end = core.row[np.where(exits.along_ab, network.edge_from[edge], network.edge_to[edge])]
    effort, chosen = _from_all(core, costs, end, reach, bound_m)
    return InlandWays(
        network=network,
        foot=foot,
        exits=exits,
        closures=closures,
        bound_m=bound_m,
        gap_factor=gap_factor,
        core=core,
        costs=costs,
        node_effort_m=effort,
        node_exit=chosen,
    )


def _from_all(
    core: CoreGraph, costs: CoreCosts, end: Ints, reach: Floats, bound_m: float
) -> tuple[Floats, Ints]:
    """(c,) least effort to any exit, and which; -1 where none is reached."""
    nodes, count = len(core.node), len(end)
    if not count:
        return np.full(nodes, np.inf), np.full(nodes, -1, dtype=np.int64)
    is_open, reached = np.isfinite(costs.arc), np.isfinite(reach)
    rows = np.concatenate([core.head[is_open], nodes + np.flatnonzero(reached)])
    columns = np.concatenate([core.tail[is_open], end[reached]])
    data = np.concatenate([costs.arc[is_open], reach[reached]])
    graph = csr_matrix((data, (rows, columns)), shape=(nodes + count, nodes + count))
    effort, _, source = dijkstra(
        graph,
        indices=np.arange(nodes, nodes + count),
        min_only=True,
        return_predecessors=True,
        limit=bound_m,
    )
    found = np.isfinite(effort[:nodes])
    return effort[:nodes], np.where(found, source[:nodes] - nodes, -1)


def _snapped(network: WalkNetwork, place: Ints, share: Floats) -> Snapped:
    start = network.xy_m[network.chain[place]]
    from_m = network.along_m[place].astype(np.float64)
    return Snapped(
        edge=edge_of_places(network)[place],
        place=place,
        share=share,
        along_m=from_m + share * (network.along_m[place + 1] - from_m),
        gap_m=np.zeros(len(place)),
        foot_xy_m=start + share[:, None] * (network.xy_m[network.chain[place + 1]] - start),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeaRule:
    """Nothing leads towards the sea: two sets of lines, half a spacing apart, so that each start has room to turn.

    A walk under the rule of its start is never `spacing_m` further to the sea than it has been, and may always go
    half of that: a few metres round a corner are no walk to the sea. bearing: clockwise from the plane's north.
    """

    areas_xy_m: tuple[BaseGeometry, ...]
    seaward_bearing_deg: float
    spacing_m: float = 100.0
    margin_m: float = DEFAULT_MARGIN_M

    def closures(self, network: WalkNetwork) -> tuple[Closures, Closures]:
        """What either set of lines closes."""
        area = grown_area(self.areas_xy_m, self.margin_m)
        even, odd = (
            close_seaward(
                network,
                area,
                seaward_bearing_deg=self.seaward_bearing_deg,
                spacing_m=self.spacing_m,
                offset_m=offset_m,
            )
            for offset_m in (0.0, self.spacing_m / 2)
        )
        return even, odd

    def set_of(self, points_xy_m: Floats) -> NDArray[np.int8]:
        """(n,) 0 or 1: the set whose next line towards the sea is farther from the point."""
        depth = np.mod(seaward_m(points_xy_m, self.seaward_bearing_deg), self.spacing_m)
        # From the even lines `depth` metres have been used up; beyond half of the spacing the odd ones leave more.
        return (depth > self.spacing_m / 2).astype(np.int8)
