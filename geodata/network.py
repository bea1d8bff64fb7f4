"""The walking network: where a person can walk, as arrays that load in the blink of an eye.

    RoadLines + Elevation ─▶ build ─▶ WalkNetwork ─▶ save ─▶ files ─▶ load (memory-mapped)

Vertices are the bends and joints of the lines. Nodes are the vertices where ways part, end, or change what
may close them; an edge is everything between two nodes, so Dijkstra sees a third of the vertices.
Effort is the level distance that takes as long: effort_m / speed_mps = seconds, by day and night, in rain
and snow alike, because those change the speed and not the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Foot(StrEnum):
    """For whom an effort is counted."""

    STANDARD = "standard"
    SLOW = "slow"  # frail, with small children: stairs and slopes cost more
    STEP_FREE = "step_free"  # wheels: no steps at all


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
    efforts: what `effort_along` and the profiles are computed from is in the arrays; nothing is recomputed.
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
    version: str

    def profile(self, foot: Foot) -> Profile:
        """The effort of whole edges: the last value of each chain."""
        last = self.chain_first[1:] - 1
        return Profile(self.effort_ab_m[foot][last], self.effort_ba_m[foot][last])
