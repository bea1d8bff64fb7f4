"""Walking inland: the nearest place just outside a tsunami area that is not towards the sea.

    area ─▶ grown by a margin ─▶ outline only (no islands) ─▶ stretches that face inland ─▶ nearest

The straight line is an estimate; roads decide later. What is never offered: an exit on the sea side of
the person, an exit through a stretch of the outline that faces the sea or runs across the coast (where
the area is merely cut off, as at a city border), or an island inside the area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

DEFAULT_MARGIN_M = 20.0
DEFAULT_FACING_DEG = 60.0
_PAIRS_AT_ONCE = 2_000_000
_BANDS = 128
_GROWN_KEPT = 6


@dataclass(frozen=True, slots=True)
class Exits:
    """For n people: exit_xy_m (n, 2) and distance_m (n,); nan and inf where there is no way out inland."""

    exit_xy_m: Floats
    distance_m: Floats


def exit_points(
    points_xy_m: ArrayLike,
    areas_xy_m: Sequence[BaseGeometry],
    *,
    seaward_bearing_deg: float,
    margin_m: float = DEFAULT_MARGIN_M,
    facing_within_deg: float = DEFAULT_FACING_DEG,
) -> Exits:
    """The nearest inland exit of each person from the union of the areas, straight line in metres.

    points_xy_m: (n, 2). seaward_bearing_deg: where the sea is, clockwise from the plane's north.
    margin_m: how far outside the areas an exit lies at least; gaps narrower than twice that are no exit.
    facing_within_deg: a stretch counts when its outward side looks inland within this angle.
    Who stands outside the grown areas already is at his exit, distance 0.
    """
    points = np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)
    exits = points.copy()
    distance_m = np.zeros(len(points))
    outline = grown_area(areas_xy_m, margin_m)
    if outline.is_empty:
        return Exits(exits, distance_m)
    shapely.prepare(outline)
    inside = np.flatnonzero(shapely.contains_xy(outline, points[:, 0], points[:, 1]))
    seaward = np.array([np.sin(np.radians(seaward_bearing_deg)), np.cos(np.radians(seaward_bearing_deg))])
    stretches = _inland_stretches(outline, seaward, facing_within_deg)
    exits[inside], distance_m[inside] = _nearest(points[inside], stretches, seaward)
    return Exits(exits, distance_m)


def grown_area(areas_xy_m: Sequence[BaseGeometry], margin_m: float) -> BaseGeometry:
    """The union grown by a margin, its holes filled: an island in the water is no way out.

    A ragged outline takes seconds to grow, and is asked for by every foot: the last few are remembered. Each caller
    is given a shape of his own, since threads must not share a prepared one.
    """
    grown: BaseGeometry = shapely.from_wkb(_grown(tuple(shapely.to_wkb(one) for one in areas_xy_m), margin_m))
    return grown


@lru_cache(maxsize=_GROWN_KEPT)
def _grown(areas_wkb: tuple[bytes, ...], margin_m: float) -> bytes:
    areas = [shapely.from_wkb(one) for one in areas_wkb]
    parts = shapely.get_parts(shapely.buffer(shapely.union_all(areas), margin_m))
    wkb: bytes = shapely.to_wkb(shapely.union_all(shapely.polygons(shapely.get_exterior_ring(parts))))
    return wkb


def _inland_stretches(outline: BaseGeometry, seaward: Floats, facing_within_deg: float) -> Floats:
    """(m, 2, 2) segments of the outline whose outward normal looks away from the sea."""
    rings = [
        np.asarray(ring.coords)
        for ring in shapely.get_exterior_ring(shapely.orient_polygons(shapely.get_parts(outline)))
    ]
    segments = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])
    along = segments[:, 1] - segments[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])
    segments, along, length = segments[length > 0], along[length > 0], length[length > 0]
    # The outline runs counter-clockwise, so outward is to the right of each segment.
    outward = np.column_stack([along[:, 1], -along[:, 0]]) / length[:, None]
    facing: Floats = segments[outward @ -seaward >= np.cos(np.radians(facing_within_deg))]
    return facing


def _nearest(points: Floats, stretches: Floats, seaward: Floats) -> tuple[Floats, Floats]:
    exits = np.full_like(points, np.nan)
    distance_m = np.full(len(points), np.inf)
    if not len(stretches) or not len(points):
        return exits, distance_m
    # The unrestricted nearest stretch is the answer whenever it is not towards the sea.
    found = _nearest_anywhere(points, stretches)
    allowed = (found - points) @ seaward <= 0
    exits[allowed] = found[allowed]
    rest = np.flatnonzero(~allowed)
    rest = rest[np.argsort(points[rest] @ seaward, kind="stable")]
    for rows in np.array_split(rest, min(_BANDS, len(rest)) or 1):
        exits[rows] = _nearest_in_band(points[rows], stretches, seaward)
    reached = np.isfinite(exits[:, 0])
    distance_m[reached] = np.hypot(*(exits[reached] - points[reached]).T)
    return exits, distance_m


def _nearest_anywhere(points: Floats, segments: Floats) -> Floats:
    tree = shapely.STRtree(np.atleast_1d(np.asarray(shapely.linestrings(segments), dtype=object)))
    return _foot(points, segments[tree.nearest(shapely.points(points))])


def _nearest_in_band(points: Floats, stretches: Floats, seaward: Floats) -> Floats:
    """For people about equally far from the sea.

    What lies inland of all of them is asked through a tree; only the stretches beside them need every pair.
    """
    result = np.full_like(points, np.nan)
    if not len(points):
        return result
    depth = points @ seaward
    ends = stretches @ seaward
    inland_end, sea_end = ends.min(axis=1), ends.max(axis=1)
    inland = inland_end < depth.min()
    if inland.any():
        result = _nearest_anywhere(points, _cut_at(stretches[inland], ends[inland], float(depth.min())))
    beside = stretches[(sea_end > depth.min()) & (inland_end <= depth.max())]
    step = max(1, _PAIRS_AT_ONCE // max(1, len(beside)))
    for start in range(0, len(points) if len(beside) else 0, step):
        part = slice(start, start + step)
        other = _nearest_not_seaward(points[part], beside, seaward)
        nearer = _gap(other, points[part]) < _gap(result[part], points[part])
        result[part][nearer] = other[nearer]
    return result


def _cut_at(segments: Floats, ends: Floats, depth: float) -> Floats:
    """The part of each segment that is not seaward of a depth; every segment has one."""
    cut = segments.copy()
    for one, other in ((0, 1), (1, 0)):
        beyond = ends[:, one] > depth
        share = (depth - ends[beyond, other]) / (ends[beyond, one] - ends[beyond, other])
        inner = segments[beyond, other]
        cut[beyond, one] = inner + share[:, None] * (segments[beyond, one] - inner)
    return cut


def _gap(found: Floats, points: Floats) -> Floats:
    """Distances; inf where nothing was found."""
    away = found - points
    return np.nan_to_num(np.hypot(away[:, 0], away[:, 1]), nan=np.inf)


def _foot(points: Floats, segments: Floats) -> Floats:
    """The point of each segment nearest to the point of the same row; both broadcast."""
    start, along = segments[..., 0, :], segments[..., 1, :] - segments[..., 0, :]
    share = ((points - start) * along).sum(-1) / (along * along).sum(-1)
    foot: Floats = start + np.clip(share, 0, 1)[..., None] * along
    return foot


def _nearest_not_seaward(points: Floats, segments: Floats, seaward: Floats) -> Floats:
    """Every pair, each segment cut to the part that is not on the sea side of the person."""
    start = (segments[None, :, 0] - points[:, None]) @ seaward
    end = (segments[None, :, 1] - points[:, None]) @ seaward
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = np.where(start == end, 0.0, start / (start - end))
    low = np.where(start > 0, cut, 0.0)
    high = np.where(end > 0, cut, 1.0)
    along = segments[:, 1] - segments[:, 0]
    share = ((points[:, None] - segments[None, :, 0]) * along).sum(-1) / (along * along).sum(-1)
    foot = segments[None, :, 0] + np.clip(share, low, np.maximum(low, high))[..., None] * along
    gap = np.hypot(foot[..., 0] - points[:, None, 0], foot[..., 1] - points[:, None, 1])
    gap[(start > 0) & (end > 0)] = np.inf
    best = gap.argmin(axis=1)
    rows = np.arange(len(points))
    result: Floats = foot[rows, best]
    result[~np.isfinite(gap[rows, best])] = np.nan
    return result
