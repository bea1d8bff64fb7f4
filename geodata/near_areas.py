"""Which of many points lie in areas or within a short way of their edge, without growing the areas.

points ─▶ inside (AreaGrid) · cells near the edge ─▶ the few points in them ─▶ exact distance

Growing a ragged outline of 20,000 vertices takes a second; asking the points beside it takes milliseconds, and is exact
where a grown outline cuts its round corners.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geodata.area_grid import AreaGrid
from geodata.areas import inside_one, own_copy

FEW_POINTS = 4_000
"""So few are asked one by one: laying the grid would take longer."""
_MOST_CELLS = 1 << 22

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def points_within(points_xy_m: ArrayLike, areas_xy_m: Sequence[BaseGeometry], by_m: float) -> Bools:
    """(n, 2) points, k areas (Polygon, MultiPolygon) → (n, k) True in the area or at most `by_m` metres from it."""
    points = np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)
    if len(points) <= FEW_POINTS:
        within = np.zeros((len(points), len(areas_xy_m)), dtype=np.bool_)
        for column, area in enumerate(areas_xy_m):
            within[:, column] = _at_most(points, area, by_m)
        return within
    within = AreaGrid(areas_xy_m).covers(points) if areas_xy_m else np.zeros((len(points), 0), dtype=np.bool_)
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    for column, area in enumerate(areas_xy_m):
        if by_m > 0 and not area.is_empty:
            rows = _beside(x, y, area, by_m)
            rows = rows[~within[rows, column]]
            within[rows, column] = _at_most(points[rows], area, by_m)
    return within


def _at_most(points: Floats, area: BaseGeometry, by_m: float) -> Bools:
    """The area may be asked by other threads at the same time: see `areas.inside_one`."""
    if by_m <= 0:
        return inside_one(area, points[:, 0], points[:, 1])
    if len(points) > 1:
        area = own_copy(area)
        shapely.prepare(area)
    return np.asarray(shapely.dwithin(area, shapely.points(points), by_m))


def _beside(x: Floats, y: Floats, area: BaseGeometry, by_m: float) -> NDArray[np.int64]:
    """Rows of the points at most one cell away from a cell that the edge passes: all within `by_m` are among them."""
    west, south, east, north = area.bounds
    cell_m = max(2 * by_m, ((east - west) * (north - south) / _MOST_CELLS) ** 0.5)
    # No two vertices farther apart than half a cell: whoever is within by_m of the edge is within a cell of a vertex.
    corners = shapely.get_coordinates(shapely.segmentize(shapely.boundary(area), cell_m / 2))
    wide, high = int((east - west) / cell_m) + 3, int((north - south) / cell_m) + 3
    near = np.zeros((wide, high), dtype=np.bool_)
    column = ((corners[:, 0] - west) / cell_m).astype(np.int64) + 1
    row = ((corners[:, 1] - south) / cell_m).astype(np.int64) + 1
    near[column, row] = True
    grown = near.copy()
    grown[1:] |= near[:-1]
    grown[:-1] |= near[1:]
    near = grown.copy()
    grown[:, 1:] |= near[:, :-1]
    grown[:, :-1] |= near[:, 1:]
    framed = (x >= west - cell_m) & (x < east + cell_m) & (y >= south - cell_m) & (y < north + cell_m)
    rows = np.flatnonzero(framed)
    at_x = np.clip(np.floor((x[rows] - west) / cell_m).astype(np.int64) + 1, 0, wide - 1)
    at_y = np.clip(np.floor((y[rows] - south) / cell_m).astype(np.int64) + 1, 0, high - 1)
    beside: NDArray[np.int64] = rows[grown[at_x, at_y]]
    return beside
