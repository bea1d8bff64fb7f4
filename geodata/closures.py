"""Which pieces of the network may be walked, and which way, while areas are live.

    areas, flood, sea, edges by hand ─▶ where a walker would step in ─▶ Closures ─▶ ways out, routes

One rule for everything that closes: **a closed stretch may be left and never entered.** Whoever is inside an area
walks out of it, whoever stands on a closed bridge walks off it; nobody sets foot in from outside. Several closures
are each kept: out of A into B is closed though one was inside A. The edge of an area counts as inside, so a way that
only touches it is closed too.

A closure is kept as the places of each edge where a walker would step in ("entries"), so a person or a site in the
middle of an edge gets an exact answer without looking at the area again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geodata.crossings import Crossings, segment_crossings
from geodata.network import WalkNetwork
from geodata.roads import RoadFlag
from geodata.snapping import Snapped, edge_of_places, segments_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RIVER_BRIDGE_M = 50.0
"""A bridge that comes so near to a flooded area is taken to cross its water."""

SEAWARD_SPACING_M = 100.0
"""Lines along the coast lie so far apart; none may be crossed towards the sea."""

_STEP_IN_M = 0.01  # standing exactly on the end of a closed edge is still outside it


@dataclass(frozen=True, slots=True, eq=False)
class Closures:
    """Where walkers would step into something closed, per edge, in real metres from the edge's start.

    Walking ab: first_ab and last_ab (e,) are the least and the greatest such place, inf and -inf where there is
    none. Walking ba the walker meets first_ba before last_ba, so first_ba ≥ last_ba; -inf and inf where there is none.
    into_ab, into_ba: (2, x) all of them, edge and metres, in order of the edge.
    touched: (c,) True for segments (by the position where they start) of which any part is closed.
    """

    first_ab: Floats
    last_ab: Floats
    first_ba: Floats
    last_ba: Floats
    into_ab: Floats
    into_ba: Floats
    touched: Bools

    @property
    def ab_open(self) -> Bools:
        """(e,) edges that may be walked from end to end along their direction."""
        return np.isinf(self.first_ab)

    @property
    def ba_open(self) -> Bools:
        """(e,) edges that may be walked from end to end against their direction."""
        return np.isinf(self.first_ba)

    @property
    def is_empty(self) -> bool:
        """Nothing is closed."""
        return bool(self.ab_open.all() and self.ba_open.all())

    def __or__(self, other: Closures) -> Closures:
        """Both: nothing that is closed in one of them is open."""
        return Closures(
            first_ab=np.minimum(self.first_ab, other.first_ab),
            last_ab=np.maximum(self.last_ab, other.last_ab),
            first_ba=np.maximum(self.first_ba, other.first_ba),
            last_ba=np.minimum(self.last_ba, other.last_ba),
            into_ab=_in_order(self.into_ab, other.into_ab),
            into_ba=_in_order(self.into_ba, other.into_ba),
            touched=self.touched | other.touched,
        )

    def leaves_to_end(self, at: Snapped) -> Bools:
        """(n,) a person at the place may walk along the edge to its end."""
        return at.along_m >= self.last_ab[at.edge]

    def leaves_to_start(self, at: Snapped) -> Bools:
        """(n,) a person at the place may walk back to the start of the edge."""
        return at.along_m <= self.last_ba[at.edge]

    def reached_from_start(self, at: Snapped) -> Bools:
        """(n,) the place may be reached from the start of its edge."""
        return at.along_m < self.first_ab[at.edge]

    def reached_from_end(self, at: Snapped) -> Bools:
        """(n,) the place may be reached from the end of its edge."""
        return at.along_m > self.first_ba[at.edge]

    def between(self, edge: NDArray[np.int32], from_m: Floats, to_m: Floats) -> Bools:
        """(n,) from one place of an edge straight to another one of it."""
        ab = _met(self.into_ab, edge, from_m, to_m)
        # Walking back the place one steps in at lies before the one walked from, and not before the end.
        ba = _met(self.into_ba * [[1], [-1]], edge, -from_m, -to_m)
        return ~np.where(to_m >= from_m, ab, ba)


def _in_order(one: Floats, other: Floats) -> Floats:
    both = np.concatenate([one, other], axis=1)
    return both[:, np.argsort(both[0], kind="stable")]


def _met(into: Floats, edge: NDArray[np.int32], from_m: Floats, to_m: Floats) -> Bools:
    """(n,) whether a walk meets an entry of its edge after `from_m` and not after `to_m`."""
    first = np.searchsorted(into[0], edge, side="left")
    count = np.searchsorted(into[0], edge, side="right") - first
    owner = np.repeat(np.arange(len(edge)), count)
    entry = np.arange(len(owner)) + (first - (np.cumsum(count) - count))[owner]
    hit = (into[1, entry] > from_m[owner]) & (into[1, entry] <= to_m[owner])
    return np.bincount(owner[hit], minlength=len(edge)) > 0


def nothing_closed(network: WalkNetwork) -> Closures:
    """Everything open."""
    nowhere = np.zeros((2, 0))
    return _from_entries(network, nowhere, nowhere, np.zeros(len(network.chain), dtype=np.bool_))


def close_areas(network: WalkNetwork, areas_xy_m: Sequence[BaseGeometry]) -> Closures:
    """Live areas (polygons on the network's plane): each may be left and not entered."""
    closed = nothing_closed(network)
    for area in areas_xy_m:
        if not area.is_empty:
            closed = closed | _close_area(network, area)
    return closed


def close_edges(network: WalkNetwork, edges: NDArray[np.int64] | Sequence[int]) -> Closures:
    """Whole edges, by row: closed from both ends; whoever is on one walks off it."""
    rows = np.unique(np.asarray(edges, dtype=np.int64))
    length = network.length_m[rows].astype(np.float64)
    step: Floats = np.minimum(_STEP_IN_M, length / 2)
    # Two entries at each end: one that a site at the very end has before it, one that a person there has.
    edge = np.repeat(rows, 2).astype(np.float64)
    into_ab: Floats = np.stack([edge, np.column_stack([np.zeros(len(rows)), step]).reshape(-1)])
    into_ba: Floats = np.stack([edge, np.column_stack([length, length - step]).reshape(-1)])
    return _from_entries(network, into_ab, into_ba, np.isin(edge_of_places(network), rows))


def close_seaward(
    network: WalkNetwork,
    area_xy_m: BaseGeometry,
    *,
    seaward_bearing_deg: float,
    spacing_m: float = SEAWARD_SPACING_M,
    offset_m: float = 0.0,
) -> Closures:
    """Inside a tsunami area: lines across the way to the sea, `spacing_m` apart, which nobody crosses seaward.

    Each line is the border of what lies seaward of it, and that may be left and not entered. So no walk is ever
    `spacing_m` further towards the sea than it has been before; who starts t short of the next line may go t round
    a corner. `offset_m` moves all lines, so that every start finds a set whose next line is far enough.
    """
    depth = seaward_m(network.xy_m, seaward_bearing_deg)
    inside = _inside(network, area_xy_m)
    places = segments_of(network)
    a, b = network.chain[places], network.chain[places + 1]
    both = inside[a] & inside[b]
    places, a, b = places[both], a[both], b[both]
    line_a, line_b = (np.floor((depth[one] - offset_m) / spacing_m) for one in (a, b))
    crossing = line_a != line_b
    places, a, b = places[crossing], a[crossing], b[crossing]
    outward = depth[b] > depth[a]
    low, high = np.minimum(depth[a], depth[b]), np.maximum(depth[a], depth[b])
    # The least and the greatest line strictly above the lower end; standing on a line is inside what it borders.
    least = (np.floor((low - offset_m) / spacing_m) + 1) * spacing_m + offset_m
    greatest = np.floor((high - offset_m) / spacing_m) * spacing_m + offset_m
    share = [np.clip((line - depth[a]) / (depth[b] - depth[a]), 0, 1) for line in (least, greatest)]
    return _closed_at(
        network,
        np.concatenate([places, places]),
        np.concatenate(share),
        ab=np.concatenate([outward, outward]),
        ba=np.concatenate([~outward, ~outward]),
        touched=places[:0],
    )


def seaward_m(points_xy_m: Floats, seaward_bearing_deg: float) -> Floats:
    """(n,) how far each point lies towards the sea, metres along the bearing (clockwise from north)."""
    angle = np.radians(seaward_bearing_deg)
    depth: Floats = points_xy_m @ np.array([np.sin(angle), np.cos(angle)])
    return depth


def flooded_edges(
    network: WalkNetwork,
    areas_xy_m: Sequence[BaseGeometry],
    *,
    flags: RoadFlag = RoadFlag.UNDERPASS | RoadFlag.FORD,
    within_m: float | None = 0.0,
) -> Ints:
    """Rows of edges with any of the flags that touch an area or come within `within_m` of one; None = all of the city.

    Flood: underpasses and fords of the area and a margin. Inland flood: those of the whole city.
    """
    rows = np.flatnonzero(network.flags & int(flags))
    if within_m is None or not len(rows):
        return rows if within_m is None else rows[:0]
    return _near(network, rows, areas_xy_m, within_m)


def bridges_over(
    network: WalkNetwork, water_xy_m: Sequence[BaseGeometry], *, within_m: float = RIVER_BRIDGE_M
) -> Ints:
    """Rows of bridges that cross a water: river lines, or the flooded area itself when no line is known."""
    rows = np.flatnonzero(network.flags & int(RoadFlag.BRIDGE))
    return _near(network, rows, water_xy_m, within_m)


def _near(network: WalkNetwork, rows: Ints, shapes: Sequence[BaseGeometry], within_m: float) -> Ints:
    if not len(rows) or not len(shapes):
        return rows[:0]
    counts = np.diff(network.chain_first)[rows]
    places = np.repeat(network.chain_first[rows] - (np.cumsum(counts) - counts), counts) + np.arange(
        counts.sum()
    )
    lines = shapely.linestrings(
        network.xy_m[network.chain[places]], indices=np.repeat(np.arange(len(rows)), counts)
    )
    tree = STRtree(np.atleast_1d(np.asarray(lines, dtype=object)))
    _, found = tree.query(np.array(list(shapes), dtype=object), predicate="dwithin", distance=within_m)
    near: Ints = rows[np.unique(found)]
    return near


def _inside(network: WalkNetwork, area: BaseGeometry) -> Bools:
    """(v,) vertices in the area or on its edge; only those within its bounds are looked at."""
    west, south, east, north = area.bounds
    x, y = network.xy_m[:, 0], network.xy_m[:, 1]
    near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
    inside = np.zeros(len(x), dtype=np.bool_)
    shapely.prepare(area)
    inside[near] = shapely.intersects_xy(area, x[near], y[near])
    return inside


def _close_area(network: WalkNetwork, area: BaseGeometry) -> Closures:
    inside = _inside(network, area)
    places = segments_of(network)
    a, b = network.chain[places], network.chain[places + 1]
    start, end = network.xy_m[a], network.xy_m[b]
    west, south, east, north = area.bounds
    low, high = np.minimum(start, end), np.maximum(start, end)
    near = ((high >= (west, south)) & (low <= (east, north))).all(axis=1)
    places, a, b, start, end = places[near], a[near], b[near], start[near], end[near]
    found = segment_crossings(start, end, inside[a], inside[b], area)
    return _closed_at(
        network,
        places[found.segment],
        found.share,
        ab=found.into_ab,
        ba=found.into_ba,
        touched=places[_touched(found, inside[a] | inside[b])],
    )


def _touched(found: Crossings, inside: Bools) -> Ints:
    touched = inside.copy()
    touched[found.segment] = True
    return np.flatnonzero(touched)


def _closed_at(
    network: WalkNetwork, places: Ints, share: Floats, *, ab: Bools, ba: Bools, touched: Ints
) -> Closures:
    """Entries at a share of the segments that start at these places."""
    edge = edge_of_places(network)[places]
    from_m = network.along_m[places].astype(np.float64)
    at_m = from_m + share * (network.along_m[places + 1] - from_m)
    into = np.stack([edge.astype(np.float64), at_m])
    is_touched = np.zeros(len(network.chain), dtype=np.bool_)
    is_touched[touched] = True
    return _from_entries(network, into[:, ab], into[:, ba], is_touched)


def _from_entries(network: WalkNetwork, into_ab: Floats, into_ba: Floats, touched: Bools) -> Closures:
    """into_ab, into_ba: (2, x) edge and metres."""
    count = len(network.edge_from)
    first_ab, last_ab = np.full(count, np.inf), np.full(count, -np.inf)
    first_ba, last_ba = np.full(count, -np.inf), np.full(count, np.inf)
    edge_ab, edge_ba = into_ab[0].astype(np.int64), into_ba[0].astype(np.int64)
    np.minimum.at(first_ab, edge_ab, into_ab[1])
    np.maximum.at(last_ab, edge_ab, into_ab[1])
    np.maximum.at(first_ba, edge_ba, into_ba[1])
    np.minimum.at(last_ba, edge_ba, into_ba[1])
    nowhere = np.zeros((2, 0))
    return Closures(
        first_ab=first_ab,
        last_ab=last_ab,
        first_ba=first_ba,
        last_ba=last_ba,
        into_ab=_in_order(into_ab, nowhere),
        into_ba=_in_order(into_ba, nowhere),
        touched=touched,
    )
