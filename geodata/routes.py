"""One walk as a line on the map and as steps: from a person to a site, or out of a tsunami area.

    network + closures ─▶ RouteFinder ─▶ WalkRoute: line, metres, effort, steps

The same rules as `ways_out` on the same efforts, so the figure beside a site and the line to it agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geodata.closures import Closures, nothing_closed
from geodata.crs import to_lonlat
from geodata.edge_efforts import along, open_costs, places
from geodata.network import Foot, WalkNetwork
from geodata.route_finding import Pieces, steps_of
from geodata.route_steps import Step
from geodata.snapping import Snapped, Snapper
from geodata.ways_out import GAP_FACTOR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUTE_BOUND_M = 20_000.0
ABOUT_GAP_M = 100.0
"""Where more than this of a walk is off the network, its figure is an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkRoute:
    """A walk. lonlat: (p, 2) degrees from the person's point to the place itself, off the network at both ends.

    metres: real, the ends straight; effort_m: level metres that take as long, the ends with their detour.
    """

    lonlat: Floats
    metres: float
    effort_m: float
    about: bool
    steps: tuple[Step, ...]

    def seconds(self, speed_mps: float) -> float:
        """How long it takes at a level speed."""
        return self.effort_m / speed_mps


class RouteFinder:
    """Single ways for one foot under one set of closures; the graph is made once."""

    def __init__(
        self,
        network: WalkNetwork,
        *,
        foot: Foot = Foot.STANDARD,
        closures: Closures | None = None,
        gap_factor: float = GAP_FACTOR,
    ) -> None:
        self._network, self._foot, self._gap_factor = network, foot, gap_factor
        self._closures = closures if closures is not None else nothing_closed(network)
        ab, ba = open_costs(network, foot, self._closures)
        count = len(ab)
        tail = np.concatenate([network.edge_from, network.edge_to]).astype(np.int64)
        head = np.concatenate([network.edge_to, network.edge_from]).astype(np.int64)
        cost = np.concatenate([ab, ba])
        usable = np.flatnonzero(np.isfinite(cost) & (tail != head))
        order = usable[np.lexsort((cost[usable], head[usable], tail[usable]))]
        # Of several edges between two nodes the cheapest: the first of each group.
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
        self._dart = order[first]
        self._tail, self._head, self._cost = tail[self._dart], head[self._dart], cost[self._dart]
        self._count = count

    def route(
        self,
        from_xy_m: ArrayLike,
        to_xy_m: ArrayLike,
        start: Snapped,
        goal: Snapped,
        *,
        arrive_ab: bool | None = None,
    ) -> WalkRoute | None:
        """The quickest way between two points, each snapped (one row); None where there is none.

        arrive_ab: the goal counts only when reached along its edge (True) or against it (False); None = either.
        """
        if start.edge[0] < 0 or goal.edge[0] < 0:
            return None
        walk = self._walk(start, goal, arrive_ab)
        if walk is None:
            return None
        pieces = self._pieces(walk)
        from_xy, to_xy = (np.asarray(one, dtype=np.float64).reshape(2) for one in (from_xy_m, to_xy_m))
        gaps = float(start.gap_m[0] + goal.gap_m[0])
        line = np.concatenate([[from_xy], pieces.xy_m, [to_xy]])
        kept = np.concatenate([[True], np.hypot(*np.diff(line, axis=0).T) > 1e-6])
        return WalkRoute(
            lonlat=to_lonlat(line[kept], self._network.epsg),
            metres=float(pieces.metres.sum()) + gaps,
            effort_m=float(pieces.effort_m.sum()) + gaps * self._gap_factor,
            about=gaps > ABOUT_GAP_M,
            steps=steps_of(self._network, pieces, from_xy, to_xy),
        )

    def _walk(
        self, start: Snapped, goal: Snapped, arrive_ab: bool | None
    ) -> list[tuple[int, float, float]] | None:
        """The walk as (edge, from metres, to metres) in order."""
        network = self._network
        here = places(network, self._foot, self._closures, start)
        there = places(network, self._foot, self._closures, goal)
        a, b = int(start.edge[0]), int(goal.edge[0])
        at, to = float(start.along_m[0]), float(goal.along_m[0])
        off = {
            0: (float(here.to_start[0]), (a, at, 0.0)),
            1: (float(here.to_end[0]), (a, at, self._length(a))),
        }
        on = {
            0: (float(there.from_start[0]), (b, 0.0, to)),
            1: (float(there.from_end[0]), (b, self._length(b), to)),
        }
        if arrive_ab is not None:
            del on[1 if arrive_ab else 0]
        leave = {side: (int(self._ends(a)[side]), *off[side]) for side in off}
        enter = {side: (int(self._ends(b)[side]), *on[side]) for side in on}
        found = self._search(leave, enter)
        direct = self._direct(start, goal, arrive_ab)
        if found is None or direct <= found[0]:
            return [(a, at, to)] if np.isfinite(direct) else None
        return found[1]

    def _length(self, edge: int) -> float:
        return float(self._network.length_m[edge])

    def _ends(self, edge: int) -> tuple[int, int]:
        return int(self._network.edge_from[edge]), int(self._network.edge_to[edge])

    def _direct(self, start: Snapped, goal: Snapped, arrive_ab: bool | None) -> float:
        at, to = float(start.along_m[0]), float(goal.along_m[0])
        if start.edge[0] != goal.edge[0] or (arrive_ab is not None and arrive_ab != (to >= at)):
            return float("inf")
        if not self._closures.between(start.edge, start.along_m, goal.along_m)[0]:
            return float("inf")
        (ab, ba), (goal_ab, goal_ba) = (along(self._network, self._foot, one) for one in (start, goal))
        effort = float((goal_ab - ab)[0] if to >= at else (ba - goal_ba)[0])
        return effort if np.isfinite(effort) else float("inf")

    def _search(
        self,
        leave: dict[int, tuple[int, float, tuple[int, float, float]]],
        enter: dict[int, tuple[int, float, tuple[int, float, float]]],
    ) -> tuple[float, list[tuple[int, float, float]]] | None:
        """The cheapest walk over nodes: effort and pieces of edges."""
        nodes = len(self._network.node_vertex)
        first = [(node, cost) for node, cost, _ in leave.values() if np.isfinite(cost)]
        if not first:
            return None
        tail = np.concatenate([self._tail, np.full(len(first), nodes)])
        head = np.concatenate([self._head, [node for node, _ in first]]).astype(np.int64)
        cost = np.concatenate([self._cost, [cost for _, cost in first]])
        if len(first) == 2 and first[0][0] == first[1][0]:  # a loop: both ends are one node
            tail, head, cost = tail[:-1], head[:-1], np.append(cost[:-2], min(cost[-2:]))
        graph = csr_matrix((cost, (tail, head)), shape=(nodes + 1, nodes + 1))
        effort, before = dijkstra(graph, indices=nodes, return_predecessors=True, limit=ROUTE_BOUND_M)
        options = [(float(effort[node]) + last, node, piece) for node, last, piece in enter.values()]
        total, node, last_piece = min(options, key=lambda one: one[0])
        if not np.isfinite(total):
            return None
        path = [node]
        while before[path[-1]] != nodes:
            path.append(int(before[path[-1]]))
        path.reverse()
        exits = [(cost, piece) for end, cost, piece in leave.values() if end == path[0]]
        first_piece = min(exits, key=lambda one: one[0])[1]
        hops = [self._hop(a, b) for a, b in pairwise(path)]
        return total, [first_piece, *hops, last_piece]

    def _hop(self, tail: int, head: int) -> tuple[int, float, float]:
        row = np.searchsorted(self._tail, tail)
        while self._head[row] != head:
            row += 1
        dart = int(self._dart[row])
        edge = dart % self._count
        length = self._length(edge)
        return (edge, 0.0, length) if dart < self._count else (edge, length, 0.0)

    def _pieces(self, walk: list[tuple[int, float, float]]) -> Pieces:
        parts = [_cut(self._network, self._foot, *one) for one in walk]
        parts = [one for one in parts if len(one.metres)] or parts[:1]
        return Pieces(
            xy_m=np.concatenate([parts[0].xy_m[:1], *(one.xy_m[1:] for one in parts)]),
            metres=np.concatenate([one.metres for one in parts]),
            effort_m=np.concatenate([one.effort_m for one in parts]),
            place=np.concatenate([one.place for one in parts]),
            edge=np.concatenate([one.edge for one in parts]),
            node=np.concatenate([parts[0].node[:1], *(one.node[1:] for one in parts)]),
        )


def _cut(network: WalkNetwork, foot: Foot, edge: int, from_m: float, to_m: float) -> Pieces:
    """The pieces of one edge between two places of it, in walking order."""
    first, last = int(network.chain_first[edge]), int(network.chain_first[edge + 1])
    back = to_m < from_m
    low, high = min(from_m, to_m), max(from_m, to_m)
    at = network.along_m[first:last].astype(np.float64)
    inner = np.flatnonzero((at > low) & (at < high))
    stops = np.concatenate([[low], at[inner], [high]]) if high > low else np.array([low])
    xy = network.xy_m[network.chain[first:last]]
    points = np.column_stack([np.interp(stops, at, xy[:, 0]), np.interp(stops, at, xy[:, 1])])
    efforts = (network.effort_ba_m if back else network.effort_ab_m)[foot][first:last].astype(np.float64)
    effort = np.diff(np.interp(stops, at, efforts))
    place = first + np.clip(np.searchsorted(at, stops[:-1], side="right") - 1, 0, len(at) - 2)
    node = np.full(len(stops), -1, dtype=np.int64)
    node[stops <= 0] = network.edge_from[edge]
    node[stops >= at[-1]] = network.edge_to[edge]
    turned = slice(None, None, -1) if back else slice(None)
    return Pieces(
        xy_m=points[turned],
        metres=np.diff(stops)[turned],
        effort_m=effort[turned],
        place=place[turned],
        edge=np.full(len(place), edge, dtype=np.int64),
        node=node[turned],
    )


def route(
    network: WalkNetwork,
    from_xy_m: ArrayLike,
    to_xy_m: ArrayLike,
    *,
    foot: Foot = Foot.STANDARD,
    closures: Closures | None = None,
    snapper: Snapper | None = None,
) -> WalkRoute | None:
    """The quickest way between two points on the network's plane; None where there is none.

    For many questions keep a `RouteFinder` and a `Snapper`; `walks.NetworkWalks.route` minds the areas when it
    puts people on the network.
    """
    on = snapper if snapper is not None else Snapper(network)
    start, goal = on.snap(from_xy_m), on.snap(to_xy_m)
    return RouteFinder(network, foot=foot, closures=closures).route(from_xy_m, to_xy_m, start, goal)
