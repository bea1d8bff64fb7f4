"""Heights and slopes of ways: the ground's, smoothed, except where a way leaves the ground.

A height model knows the ground, so a bridge would fall into its river and a tunnel climb its hill: there the height
runs straight from one end to the other. Models are mosaics whose tiles may differ by metres at their seams, so a
slope is that of 30 m of way around a segment, and never more than 40 %, on stairs 100 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from geodata.network_chains import Chains
from geodata.network_joints import Floats, Segments
from geodata.roads import RoadFlag

SLOPE_WINDOW_M = 30.0
STEEPEST = 0.40
STEEPEST_STAIRS = 1.0
OFF_THE_GROUND = RoadFlag.BRIDGE | RoadFlag.TUNNEL


def way_heights(segments: Segments, ground_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(v,) metres: the ground's where a way lies on it, straight between the ends of bridges and tunnels.

    Straight means: each vertex at the mean of its neighbours, the nearer the weightier, which is a straight line on
    one chain and has an answer where decks branch too. What never touches the ground keeps the ground's height.
    """
    aloft = (segments.flags & OFF_THE_GROUND) != 0
    if not aloft.any():
        return ground_m
    v = len(segments.lonlat)
    fixed = np.zeros(v, dtype=np.bool_)
    fixed[segments.a[~aloft]] = fixed[segments.b[~aloft]] = True
    a, b = segments.a[aloft], segments.b[aloft]
    # A dead end of a bridge (the edge of the data) stands on the ground as well as anything else known.
    degree = np.bincount(segments.a, minlength=v) + np.bincount(segments.b, minlength=v)
    fixed |= degree == 1
    known = fixed & np.isfinite(ground_m)
    free = np.zeros(v, dtype=np.bool_)
    free[a] = free[b] = True
    free &= ~known
    free &= _reaches(known, a, b, v)
    if not free.any():
        return ground_m
    row = np.cumsum(free) - 1
    weight = 1.0 / np.maximum(segments.length_m[aloft], 0.01)
    total = np.bincount(a, weight, v) + np.bincount(b, weight, v)
    pull = np.bincount(a, weight * np.where(known[b], ground_m[b], 0.0), v)
    pull += np.bincount(b, weight * np.where(known[a], ground_m[a], 0.0), v)
    both = free[a] & free[b]
    size = int(free.sum())
    ends = (np.concatenate([row[a[both]], row[b[both]]]), np.concatenate([row[b[both]], row[a[both]]]))
    between = coo_array((np.tile(-weight[both], 2), ends), shape=(size, size))
    diagonal = coo_array((total[free], (np.arange(size), np.arange(size))), shape=(size, size))
    heights = ground_m.copy()
    heights[free] = np.atleast_1d(spsolve((between + diagonal).tocsc(), pull[free]))
    return heights


def place_slopes(
    chains: Chains, along_m: Floats, heights_m: NDArray[np.float32], steps: NDArray[np.bool_]
) -> Floats:
    """(c,) the slope of the segment that starts at each place, rising in the direction of the chain.

    steps: (c,) True where that segment is stairs. A slope is taken over SLOPE_WINDOW_M around the middle of the
    segment, or the whole segment where it is longer, or the whole edge where that is shorter. nan where a height
    is not known; 0 at the last place of an edge.
    """
    places = len(chains.vertex)
    slope = np.zeros(places)
    if not places:
        return slope
    edge = chains.edge
    # One long ruler: every edge behind the one before it, so that one interpolation answers for all.
    ends = along_m[chains.first[1:] - 1]
    offset = np.concatenate([[0.0], np.cumsum(ends + 1.0)[:-1]])
    ruler = offset[edge] + along_m
    start = np.flatnonzero(chains.segment >= 0)
    middle = (ruler[start] + ruler[start + 1]) / 2
    half = np.maximum(SLOPE_WINDOW_M, ruler[start + 1] - ruler[start]) / 2
    low = np.maximum(middle - half, offset[edge[start]])
    high = np.minimum(middle + half, offset[edge[start]] + ends[edge[start]])
    height = heights_m[chains.vertex].astype(np.float64)
    rise = np.interp(high, ruler, height) - np.interp(low, ruler, height)
    steepest = np.where(steps[start], STEEPEST_STAIRS, STEEPEST)
    slope[start] = np.clip(rise / np.maximum(high - low, 0.01), -steepest, steepest)
    return slope


def _reaches(known: NDArray[np.bool_], a: NDArray[np.intp], b: NDArray[np.intp], v: int) -> NDArray[np.bool_]:
    """(v,) True where a known height can be reached along bridges and tunnels."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(v, v))
    count, label = connected_components(graph, directed=False)
    reached = np.zeros(count, dtype=np.bool_)
    reached[label[known]] = True
    answer: NDArray[np.bool_] = reached[label]
    return answer
