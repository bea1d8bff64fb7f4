"""The ground of towns that are known by one point each: nearer to it than to any other, within a radius.

Nobody publishes the borders, so every figure that comes from a cell is an estimate ("about").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import GEOSException, MultiPoint, MultiPolygon, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from geodata.cells import DEFAULT_RADIUS_M
from geodata.crs import PLANE_EPSG, geometry_to_plane, to_plane

_LEAST_SHARE = 0.1


class TownCells:
    """Cells made once, asked many times. towns_lonlat: (n, 2) degrees; towns that share a point share its cell.

    city_lonlat: the ground the towns are of, where it is known: a cell ends at its border, for nobody of the town
    lives beyond. A cell that lies all but outside of it (borders are thinned) stays as it is.
    cells_xy_m: (m,) object polygons on the plane; cell_of: (n,) row of each town's cell; area_m2: (m,).
    """

    def __init__(
        self,
        towns_lonlat: ArrayLike,
        *,
        radius_m: float = DEFAULT_RADIUS_M,
        epsg: int = PLANE_EPSG,
        city_lonlat: Polygon | MultiPolygon | None = None,
    ) -> None:
        points, row = np.unique(to_plane(towns_lonlat, epsg), axis=0, return_inverse=True)
        self.cell_of: NDArray[np.intp] = row.reshape(-1)
        self.cells_xy_m = _cells(points, radius_m)
        if city_lonlat is not None:
            self.cells_xy_m = _within(self.cells_xy_m, geometry_to_plane(city_lonlat, epsg))
        self.area_m2: NDArray[np.float64] = shapely.area(self.cells_xy_m)
        self._tree = STRtree(self.cells_xy_m)

    def __len__(self) -> int:
        return len(self.cell_of)

    def shares(self, areas_xy_m: Sequence[BaseGeometry]) -> NDArray[np.float64]:
        """(k, n) how much of each town's cell each area covers, 0–1; nan where it does not even touch it.

        A cell touched at a point only has share 0, and is not nan: it is touched.
        """
        by_cell = np.full((len(areas_xy_m), len(self.cells_xy_m)), np.nan)
        for row, area in enumerate(areas_xy_m):
            shapely.prepare(area)
            cells = self._tree.query(area, predicate="intersects")
            whole = shapely.contains_properly(area, self.cells_xy_m[cells])
            by_cell[row, cells] = 1.0
            partly = cells[~whole]
            covered = covered_m2(area, self.cells_xy_m[partly])
            by_cell[row, partly] = np.minimum(covered / self.area_m2[partly], 1.0)
        return np.asarray(by_cell[:, self.cell_of])

    def rows_at(self, points_xy_m: NDArray[np.float64]) -> NDArray[np.intp]:
        """(p,) row in the cells of the cell each point lies in, -1 in none."""
        rows = np.full(len(points_xy_m), -1, dtype=np.intp)
        at, cells = self._tree.query(shapely.points(points_xy_m), predicate="intersects")
        rows[at] = cells
        return rows


def covered_m2(area: BaseGeometry, cells: NDArray[np.object_]) -> NDArray[np.float64]:
    """(m,) the area that a shape and each of the cells have in common, in the square of their unit.

    A shape of very many vertices is cut to the frame of each cell first, which costs one look at each vertex.
    """
    common = np.zeros(len(cells))
    for row, (cell, (west, south, east, north)) in enumerate(zip(cells, shapely.bounds(cells), strict=True)):
        piece = shapely.clip_by_rect(area, west, south, east, north)
        try:
            common[row] = shapely.intersection(piece, cell).area
        except GEOSException:  # a cut through a vertex can leave a piece that is not valid
            common[row] = shapely.intersection(area, cell).area
    return common


def _within(cells: NDArray[np.object_], city_xy_m: BaseGeometry) -> NDArray[np.object_]:
    shapely.prepare(city_xy_m)
    cut = cells.copy()
    crossing = np.flatnonzero(~shapely.contains_properly(city_xy_m, cells))
    pieces = shapely.intersection(city_xy_m, cells[crossing])
    enough = shapely.area(pieces) >= _LEAST_SHARE * shapely.area(cells[crossing])
    cut[crossing[enough]] = pieces[enough]
    return cut


def _cells(points_xy_m: NDArray[np.float64], radius_m: float) -> NDArray[np.object_]:
    discs = shapely.buffer(shapely.points(points_xy_m), radius_m, quad_segs=16)
    if len(points_xy_m) < 2:
        return np.asarray(discs, dtype=np.object_).reshape(-1)
    low, high = points_xy_m.min(axis=0) - 2 * radius_m, points_xy_m.max(axis=0) + 2 * radius_m
    diagram = shapely.voronoi_polygons(
        MultiPoint(points_xy_m), extend_to=shapely.box(*low, *high), ordered=True
    )
    return np.asarray(
        shapely.intersection(np.array(diagram.geoms, dtype=np.object_), discs), dtype=np.object_
    )
