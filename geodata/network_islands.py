"""Ways cut off from the rest: linked where a few metres are missing, left out where they are mere scraps.

A footway beside a road often ends a step before it in the map. Such an island is linked by one straight piece
to the nearest place of a bigger one; never to a bridge or a tunnel, which lie above or below what is near, and
never past a shut gate: what lies behind one is an island on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geodata.crs import to_lonlat, to_plane
from geodata.network_joints import Floats, Rows, Segments, metres_between
from geodata.roads import RoadFlag, RoadKind

AT_AN_END_M = 0.5  # a foot point this near to a vertex is that vertex
OFF_THE_GROUND = RoadFlag.BRIDGE | RoadFlag.TUNNEL | RoadFlag.UNDERPASS


@dataclass(frozen=True, slots=True)
class _Links:
    """l links, from a vertex of an island to the share (0 = a, 1 = b) of a segment of a bigger one."""

    vertex: Rows
    segment: Rows
    share: Floats


def islands_by_size(segments: Segments) -> tuple[Rows, Floats]:
    """(v,) the component of each vertex, 0 the one with most metres of way, and the metres of each."""
    v = len(segments.lonlat)
    graph = coo_array((np.ones(len(segments), dtype=np.int8), (segments.a, segments.b)), shape=(v, v))
    count, label = connected_components(graph, directed=False)
    metres = np.bincount(label[segments.a], weights=segments.length_m, minlength=count)
    lowest = np.full(count, v)
    np.minimum.at(lowest, label, np.arange(v))
    order = np.lexsort((lowest, -metres))
    rank = np.empty(count, dtype=np.intp)
    rank[order] = np.arange(count)
    return rank[label], np.asarray(metres[order], dtype=np.float64)


def link_islands(segments: Segments, epsg: int, reach_m: float) -> tuple[Segments, int]:
    """The segments with each island tied to a bigger one within `reach_m` metres, and how many were tied."""
    island, metres = islands_by_size(segments)
    if len(metres) < 2 or reach_m <= 0:
        return segments, 0
    xy_m = to_plane(segments.lonlat, epsg)
    links = _nearest_links(segments, xy_m, island, reach_m)
    if not len(links.vertex):
        return segments, 0
    return _tied(segments, xy_m, links, epsg), len(links.vertex)


def drop_scraps(segments: Segments, least_m: float) -> tuple[Segments, int, float]:
    """The segments of islands with at least `least_m` metres of way, the islands left out, and their metres.

    The largest always stays.
    """
    island, metres = islands_by_size(segments)
    kept = metres >= least_m
    kept[:1] = True
    left = segments.take(kept[island[segments.a]])
    return left.without_idle_vertices(), int((~kept).sum()), float(metres[~kept].sum())


def _nearest_links(segments: Segments, xy_m: Floats, island: Rows, reach_m: float) -> _Links:
    grounded = (segments.flags & OFF_THE_GROUND) == 0
    on_ground = np.zeros(len(xy_m), dtype=np.bool_)
    on_ground[segments.a[grounded]] = on_ground[segments.b[grounded]] = True
    fenced = np.zeros(int(island.max(initial=0)) + 1, dtype=np.bool_)
    fenced[island[segments.shut]] = True
    vertices = np.flatnonzero((island > 0) & on_ground & ~fenced[island])
    targets = np.flatnonzero(grounded)
    lines = shapely.linestrings(np.stack([xy_m[segments.a[targets]], xy_m[segments.b[targets]]], axis=1))
    tree = shapely.STRtree(np.asarray(lines, dtype=np.object_))
    places = np.asarray(shapely.points(xy_m[vertices]), dtype=np.object_)
    hits = tree.query(places, predicate="dwithin", distance=reach_m)
    vertex, segment = vertices[hits[0]], targets[hits[1]]
    bigger = island[segments.a[segment]] < island[vertex]
    vertex, segment = vertex[bigger], segment[bigger]
    start, along = xy_m[segments.a[segment]], xy_m[segments.b[segment]] - xy_m[segments.a[segment]]
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((xy_m[vertex] - start) * along).sum(axis=1) / squared, 0.0, 1.0)
    gap_m = np.hypot(*(xy_m[vertex] - start - along * share[:, None]).T)
    order = np.lexsort((segment, vertex, gap_m, island[vertex]))
    _, first = np.unique(island[vertex][order], return_index=True)
    best = order[first]
    return _Links(vertex[best], segment[best], share[best])


def _tied(segments: Segments, xy_m: Floats, links: _Links, epsg: int) -> Segments:
    """Segments cut where a link arrives in their middle, and the links themselves."""
    a, b = segments.a[links.segment], segments.b[links.segment]
    plane_m = np.hypot(*(xy_m[b] - xy_m[a]).T)
    inside = (links.share * plane_m > AT_AN_END_M) & ((1 - links.share) * plane_m > AT_AN_END_M)
    foot = np.where(links.share < 0.5, a, b)
    foot[inside] = len(xy_m) + np.arange(int(inside.sum()))
    feet_xy_m = xy_m[a] + (xy_m[b] - xy_m[a]) * links.share[:, None]
    lonlat = np.concatenate([segments.lonlat, to_lonlat(feet_xy_m[inside], epsg)])

    cut, uncut = _cut(segments, links.segment[inside], links.share[inside], foot[inside])
    link_count = len(links.vertex)
    joined = replace(
        segments,
        lonlat=lonlat,
        shut=np.concatenate([segments.shut, np.zeros(int(inside.sum()), dtype=np.bool_)]),
        a=np.concatenate([uncut.a, cut.a, links.vertex]),
        b=np.concatenate([uncut.b, cut.b, foot]),
        length_m=np.zeros(len(uncut) + len(cut) + link_count),
        kind=np.concatenate([uncut.kind, cut.kind, np.full(link_count, RoadKind.UNKNOWN, np.int8)]),
        flags=np.concatenate([uncut.flags, cut.flags, np.zeros(link_count, np.uint8)]),
        name=np.concatenate([uncut.name, cut.name, np.full(link_count, -1, np.int32)]),
    )
    joined = joined.take(joined.a != joined.b)
    return replace(joined, length_m=metres_between(lonlat[joined.a], lonlat[joined.b]))


def _cut(segments: Segments, segment: Rows, share: Floats, foot: Rows) -> tuple[Segments, Segments]:
    """The pieces of the segments that are cut, and the segments that are not."""
    touched = np.unique(segment)
    rows = np.concatenate([touched, segment, touched])
    shares = np.concatenate([np.full(len(touched), -1.0), share, np.full(len(touched), 2.0)])
    vertex = np.concatenate([segments.a[touched], foot, segments.b[touched]])
    order = np.lexsort((vertex, shares, rows))
    rows, vertex = rows[order], vertex[order]
    start = np.flatnonzero(rows[1:] == rows[:-1])
    pieces = replace(segments.take(rows[start]), a=vertex[start], b=vertex[start + 1])
    whole: NDArray[np.bool_] = np.ones(len(segments), dtype=np.bool_)
    whole[touched] = False
    return pieces, segments.take(whole)
