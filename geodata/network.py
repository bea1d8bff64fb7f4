"""The walking network: where a person can walk, as arrays that load in the blink of an eye.

    RoadLines + Elevation ─▶ build ─▶ WalkNetwork ─▶ save ─▶ files ─▶ load (memory-mapped)

Vertices are the bends and joints of the lines. Nodes are the vertices where ways part, end, or change what
may close them; an edge is everything between two nodes, so Dijkstra sees a third of the vertices.
Effort is the level distance that takes as long: effort_m / speed_mps = seconds, by day and night, in rain
and snow alike, because those change the speed and not the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from geodata.crs import PLANE_EPSG, to_plane
from geodata.elevation import Elevation
from geodata.foot import Foot, effort_m
from geodata.network_chains import Chains, thread_chains
from geodata.network_heights import place_slopes, way_heights
from geodata.network_islands import drop_scraps, islands_by_size, link_islands
from geodata.network_joints import Segments, join_lines
from geodata.roads import RoadKind, RoadLines

__all__ = ["BuildReport", "Foot", "Profile", "WalkNetwork", "build", "digest"]

Floats = NDArray[np.float64]
_Number = TypeVar("_Number", bound=np.generic)

LINK_ISLANDS_M = 15.0
DROP_ISLANDS_M = 300.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The effort of every edge in both directions for one `Foot`: (e,) float32 level metres; inf = no way."""

    ab_m: NDArray[np.float32]
    ba_m: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkNetwork:
    """v vertices, n nodes, e edges (undirected; `ab` is from → to, `ba` back), c vertices of chains.

    xy_m: (v, 2) on the plane `epsg`; elevation_m: (v,) float32, nan unknown.
    node_vertex: (n,) int32; edge_from, edge_to: (e,) int32 nodes; chain_first: (e + 1,) int64 offsets into
    chain: (c,) int32 vertices of each edge from `from` to `to`, both ends included.
    length_m: (e,) float32 real metres; kind: (e,) int8 RoadKind (the one of most of its metres);
    flags: (e,) uint8 RoadFlag, the same all along an edge; segment_name: (c,) int32 row in `names` of the
    segment that starts at this place of the chain (the last of an edge: -1), -1 where unnamed;
    segment_kind: (c,) int8 RoadKind in the same way. island: (n,) int32 connected component, 0 the largest.
    along_m: (c,) float32 real metres from the start of the edge.
    Edges may be loops (from = to) and several may join the same two nodes: a matrix of nodes needs their minimum.
    effort_ab_m[foot], effort_ba_m[foot]: (c,) float32 effort from the start of the edge to here walking ab,
    and from here back to the start walking ba; inf beyond a place this foot cannot pass.
    """

    epsg: int
    xy_m: Floats
    elevation_m: NDArray[np.float32]
    node_vertex: NDArray[np.int32]
    edge_from: NDArray[np.int32]
    edge_to: NDArray[np.int32]
    chain_first: NDArray[np.int64]
    chain: NDArray[np.int32]
    along_m: NDArray[np.float32]
    effort_ab_m: dict[Foot, NDArray[np.float32]]
    effort_ba_m: dict[Foot, NDArray[np.float32]]
    length_m: NDArray[np.float32]
    kind: NDArray[np.int8]
    flags: NDArray[np.uint8]
    segment_name: NDArray[np.int32]
    segment_kind: NDArray[np.int8]
    island: NDArray[np.int32]
    names: tuple[str, ...]
    source: str
    version: str  # a digest of everything above: the same roads and heights give the same one
    names_en: tuple[str, ...] = ()  # the same rows in English, "" where the source has none; () = none at all

    def profile(self, foot: Foot) -> Profile:
        """The effort of whole edges: the last value of each chain."""
        last = self.chain_first[1:] - 1
        return Profile(self.effort_ab_m[foot][last], self.effort_ba_m[foot][last])

    def arrays(self) -> Iterator[tuple[str, NDArray[np.generic]]]:
        """Every array by name, always in the same order; efforts as effort_ab_m.slow and the like."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                yield one.name, value
            elif isinstance(value, dict):
                for foot in Foot:
                    yield f"{one.name}.{foot}", value[foot]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What became of the lines, for the person who imported them."""

    lines: int
    segments: int
    nodes: int
    edges: int
    way_m: float
    zero_length: int  # pieces of lines from a place to itself
    drawn_twice: int
    islands_linked: int
    islands_dropped: int
    dropped_m: float
    islands_left: int  # besides the largest
    without_height: int  # vertices


def build(
    roads: RoadLines,
    elevation: Elevation | None = None,
    *,
    epsg: int = PLANE_EPSG,
    link_islands_m: float = LINK_ISLANDS_M,
    drop_islands_m: float = DROP_ISLANDS_M,
) -> tuple[WalkNetwork, BuildReport]:
    """The walking network of the lines; without elevation every way counts as level.

    Lines are joined at shared positions, islands within `link_islands_m` of a bigger one are linked, those left
    with less than `drop_islands_m` of way are dropped. The same input gives the same arrays and version.
    """
    joined, zero_length, drawn_twice = join_lines(roads)
    linked, islands_linked = link_islands(joined, epsg, link_islands_m)
    segments, islands_dropped, dropped_m = drop_scraps(linked, drop_islands_m)
    ground_m = np.full(len(segments.lonlat), np.nan, dtype=np.float32)
    if elevation is not None and len(segments.lonlat):
        ground_m = elevation.at(segments.lonlat)
    heights_m = way_heights(segments, ground_m)
    network = _network(roads, segments, heights_m, epsg)
    report = BuildReport(
        lines=len(roads),
        segments=len(segments),
        nodes=len(network.node_vertex),
        edges=len(network.edge_from),
        way_m=float(segments.length_m.sum()),
        zero_length=zero_length,
        drawn_twice=drawn_twice,
        islands_linked=islands_linked,
        islands_dropped=islands_dropped,
        dropped_m=dropped_m,
        islands_left=max(int(network.island.max(initial=0)), 0),
        without_height=int(np.isnan(heights_m).sum()),
    )
    return network, report


def digest(network: WalkNetwork) -> str:
    """32 hex digits over every array, the names and the plane; what `version` of a sound network is."""
    told = blake2b(digest_size=16)
    for name, array in network.arrays():
        told.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        told.update(np.ascontiguousarray(array).data)
    words = (network.epsg, network.source, network.names, network.names_en)
    told.update(repr(words).encode())
    return told.hexdigest()


def _network(roads: RoadLines, segments: Segments, heights_m: NDArray[np.float32], epsg: int) -> WalkNetwork:
    chains = thread_chains(segments)
    starts = chains.segment >= 0
    rows = chains.segment[starts]
    length_m = _at_places(starts, segments.length_m[rows], 0.0)
    along_m = _running(length_m, chains)
    segment_kind = _at_places(starts, segments.kind[rows], -1)
    steps = segment_kind == RoadKind.STEPS
    slope = place_slopes(chains, along_m, heights_m, steps)
    island, _ = islands_by_size(segments)
    xy_m = to_plane(segments.lonlat, epsg) if len(segments.lonlat) else np.empty((0, 2))
    network = WalkNetwork(
        epsg=epsg,
        xy_m=xy_m,
        elevation_m=heights_m,
        node_vertex=chains.node_vertex.astype(np.int32),
        edge_from=chains.edge_from.astype(np.int32),
        edge_to=chains.edge_to.astype(np.int32),
        chain_first=chains.first.astype(np.int64),
        chain=chains.vertex.astype(np.int32),
        along_m=along_m.astype(np.float32),
        effort_ab_m={foot: _running_effort(length_m, slope, steps, foot, chains) for foot in Foot},
        effort_ba_m={foot: _running_effort(length_m, -slope, steps, foot, chains) for foot in Foot},
        length_m=along_m[chains.first[1:] - 1].astype(np.float32),
        kind=_most_of(segment_kind, length_m, chains),
        flags=segments.flags[chains.segment[chains.first[:-1]]],
        segment_name=_at_places(starts, segments.name[rows], -1),
        segment_kind=segment_kind,
        island=island[chains.node_vertex].astype(np.int32),
        names=roads.names,
        names_en=roads.names_en,
        source=roads.source,
        version="",
    )
    return replace(network, version=digest(network))


def _at_places(starts: NDArray[np.bool_], values: NDArray[_Number], last: float) -> NDArray[_Number]:
    """(c,) the value of the segment that starts at each place, `last` where an edge ends."""
    placed = np.full(len(starts), last, dtype=values.dtype)
    placed[starts] = values
    return placed


def _running(values: Floats, chains: Chains) -> Floats:
    """(c,) the sum from the start of each edge to each place, of values that belong to the segments after them."""
    before = np.cumsum(values) - values
    return np.asarray(before - before[chains.first[:-1]][chains.edge])


def _running_effort(
    length_m: Floats, slope: Floats, steps: NDArray[np.bool_], foot: Foot, chains: Chains
) -> NDArray[np.float32]:
    effort = effort_m(length_m, slope, steps, foot)
    closed = np.isinf(effort)
    total = _running(np.where(closed, 0.0, effort), chains)
    total[_running(closed.astype(np.float64), chains) > 0] = np.inf
    return total.astype(np.float32)


def _most_of(segment_kind: NDArray[np.int8], length_m: Floats, chains: Chains) -> NDArray[np.int8]:
    """(e,) the kind of most metres of each edge; the widest road of those that are level."""
    starts = segment_kind >= 0
    cell = chains.edge[starts] * len(RoadKind) + segment_kind[starts]
    metres = np.bincount(cell, length_m[starts], len(chains.edge_from) * len(RoadKind))
    return np.asarray(metres.reshape(-1, len(RoadKind)).argmax(axis=1), dtype=np.int8)
