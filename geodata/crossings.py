"""Where straight pieces of way step into an area: exact places, however finely the area is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_ON_EDGE_M = 1e-6
_SAME_SHARE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """x places where a piece meets the area: row of the piece, share of its length.

    into_ab: walking from its start to its end one steps in here; into_ba: walking back. inside_ab and inside_ba
    would be the same for a place where one steps out: out along ab is in along ba.
    """

    segment: Ints
    share: Floats
    into_ab: Bools
    into_ba: Bools


def segment_crossings(
    start_xy_m: Floats, end_xy_m: Floats, start_inside: Bools, end_inside: Bools, area_xy_m: BaseGeometry
) -> Crossings:
    """(n, 2) starts and ends of straight pieces, and whether those lie inside → where the pieces step in or out.

    The edge of the area is inside. What is said about the ends is kept, so that pieces that meet there agree.
    """
    segment, share = _meetings(start_xy_m, end_xy_m, area_xy_m)
    parted = np.flatnonzero(start_inside != end_inside)
    met = np.unique(np.concatenate([segment, parted]))
    row = np.concatenate([segment, met, met])
    cut = np.concatenate([share, np.zeros(len(met)), np.ones(len(met))])
    order = np.lexsort((cut, row))
    row, cut = row[order], cut[order]
    begins = np.concatenate([[True], row[1:] != row[:-1]]) if len(row) else np.zeros(0, dtype=np.bool_)
    different = begins | (np.diff(cut, prepend=-1.0) > _SAME_SHARE)
    # A meeting at the very end falls together with the end itself, whose place is exactly 1.
    row, cut, begins = row[different], cut[different], begins[different]
    ends = np.concatenate([begins[1:], [True]]) if len(row) else begins
    cut[ends] = 1.0
    here = np.ones(len(row), dtype=np.bool_)
    here[begins], here[ends] = start_inside[row[begins]], end_inside[row[ends]]
    after = _stretches_inside(start_xy_m, end_xy_m, row, cut, ends=ends, area=area_xy_m)
    before = np.concatenate([[False], after[:-1]]) if len(row) else after
    into_ab = ~ends & ~here & after | ~begins & ~before & here
    into_ba = ~begins & ~here & before | ~ends & ~after & here
    kept = into_ab | into_ba
    return Crossings(row[kept], cut[kept], into_ab[kept], into_ba[kept])


def outline_segments(area_xy_m: BaseGeometry) -> Floats:
    """(q, 2, 2) every straight piece of every ring; outlines run counter-clockwise, holes clockwise."""
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(area_xy_m)))
    if not len(rings):
        return np.zeros((0, 2, 2))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    pieces: Floats = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    return pieces


def crossing_pairs(start_xy_m: Floats, end_xy_m: Floats, outline: Floats) -> tuple[Ints, Ints]:
    """Rows of the pieces and of the outline's segments that meet."""
    if not len(start_xy_m) or not len(outline):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    pieces = np.stack([start_xy_m, end_xy_m], axis=1)
    tree = STRtree(np.atleast_1d(np.asarray(shapely.linestrings(pieces), dtype=object)))
    asked = np.atleast_1d(np.asarray(shapely.linestrings(outline), dtype=object))
    wall, piece = tree.query(asked, predicate="intersects")
    return piece.astype(np.int64), wall.astype(np.int64)


def share_of_meeting(start: Floats, along: Floats, wall: Floats) -> tuple[Floats, Bools]:
    """(n,) share of each piece at which its wall of the same row stands, and whether they run alongside."""
    side = wall[:, 1] - wall[:, 0]
    gap = wall[:, 0] - start
    turn = along[:, 0] * side[:, 1] - along[:, 1] * side[:, 0]
    alongside = np.abs(turn) <= 1e-12 * np.hypot(*along.T) * np.hypot(*side.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (gap[:, 0] * side[:, 1] - gap[:, 1] * side[:, 0]) / turn
    return np.clip(np.where(alongside, 0.0, share), 0.0, 1.0), alongside


def _meetings(start: Floats, end: Floats, area: BaseGeometry) -> tuple[Ints, Floats]:
    """Pieces and the shares at which they meet the outline; a wall alongside counts with both its ends."""
    outline = outline_segments(area)
    piece, wall = crossing_pairs(start, end, outline)
    along = end[piece] - start[piece]
    share, alongside = share_of_meeting(start[piece], along, outline[wall])
    lying = np.flatnonzero(alongside)
    squared = np.maximum((along[lying] ** 2).sum(axis=1), 1e-300)
    projected = [
        np.clip(((outline[wall[lying], n] - start[piece[lying]]) * along[lying]).sum(axis=1) / squared, 0, 1)
        for n in (0, 1)
    ]
    share[lying] = projected[0]
    return np.concatenate([piece, piece[lying]]), np.concatenate([share, projected[1]])


def _stretches_inside(
    start: Floats, end: Floats, row: Ints, cut: Floats, *, ends: Bools, area: BaseGeometry
) -> Bools:
    """(x,) whether the stretch that begins at each cut lies inside; False after the last cut of a piece."""
    inside = np.zeros(len(row), dtype=np.bool_)
    begin = np.flatnonzero(~ends)
    middle = (cut[begin] + cut[begin + 1]) / 2
    xy = start[row[begin]] + middle[:, None] * (end[row[begin]] - start[row[begin]])
    shapely.prepare(area)
    # A way that runs on the edge is inside, whichever way the last digit was rounded.
    inside[begin] = shapely.dwithin(area, shapely.points(xy), _ON_EDGE_M)
    return inside
