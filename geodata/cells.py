"""An area for chosen towns, where nobody publishes the towns' borders.

Each town is known by one representative point. Its cell is the ground nearer to that point than to any
other town's (a Voronoi cell), cut at a radius. That is an approximation, and says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely import MultiPoint, MultiPolygon, Polygon

from geodata.areas import DEGREE_UNITS, JAPAN, Area, Bbox
from geodata.crs import PLANE_EPSG, geometry_to_lonlat, geometry_to_plane, to_plane
from geodata.errors import EmptyArea

DEFAULT_RADIUS_M = 1200.0


@dataclass(frozen=True, slots=True)
class ApproximateArea:
    """A geometry in degrees lon, lat that stands in for borders nobody published."""

    geometry_lonlat: Area
    approximate: bool = True


def cells_of_towns(
    towns_lonlat: ArrayLike,
    chosen_rows: Collection[int],
    *,
    radius_m: float = DEFAULT_RADIUS_M,
    bbox: Bbox = JAPAN,
    epsg: int = PLANE_EPSG,
) -> ApproximateArea:
    """The union of the cells of the chosen towns.

    towns_lonlat: (n, 2) points of every known town, chosen or not: the others are what bounds a cell.
    chosen_rows: rows of the chosen ones. Towns that share one point share one cell.
    Raises EmptyArea when nothing is chosen or nothing of it lies in the bbox, IndexError for an unknown row.
    """
    if not chosen_rows:
        raise EmptyArea
    points, town_to_point = np.unique(to_plane(towns_lonlat, epsg), axis=0, return_inverse=True)
    chosen = np.unique(town_to_point.reshape(-1)[list(chosen_rows)])
    within = shapely.union_all(shapely.buffer(shapely.points(points[chosen]), radius_m, quad_segs=16))
    if len(points) > 1:
        frame = shapely.box(*(points.min(axis=0) - 2 * radius_m), *(points.max(axis=0) + 2 * radius_m))
        diagram = shapely.voronoi_polygons(MultiPoint(points), extend_to=frame, ordered=True)
        # Cells joined before they are cut: neighbours share their corners exactly. Cutting by every disc at
        # once is the same as each by its own, for in a cell no chosen town is nearer than the cell's own.
        cells = shapely.union_all(np.array(diagram.geoms, dtype=object)[chosen])
        within = shapely.intersection(cells, within)
    limits = geometry_to_plane(shapely.box(bbox.west, bbox.south, bbox.east, bbox.north), epsg)
    lonlat = geometry_to_lonlat(shapely.intersection(within, limits), epsg)
    area = shapely.set_precision(lonlat, 1 / DEGREE_UNITS)
    if not area.is_valid:  # rounding can make two corners of one outline meet
        parts = shapely.get_parts(shapely.make_valid(area))
        area = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    if not isinstance(area, Polygon | MultiPolygon) or area.is_empty:
        raise EmptyArea
    return ApproximateArea(geometry_lonlat=area)
