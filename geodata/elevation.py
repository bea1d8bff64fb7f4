"""The height of the ground, asked at many places at once.

ESRI ASCII grid ─▶ importers.elevation ─▶ Elevation.at(lonlat) ─▶ metres above sea level, nan where unknown
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.crs import to_plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Elevation:
    """A grid of heights. grid_m: (rows, columns) float32 metres, the northern row first, nan unknown.

    west, north: the centre of the first cell, in the units of `epsg` (metres, or degrees for a geographic
    one); cell_x, cell_y: the size of a cell in the same units.
    """

    grid_m: NDArray[np.float32]
    west: float
    north: float
    cell_x: float
    cell_y: float
    epsg: int
    source: str = ""

    def at(self, lonlat: ArrayLike) -> NDArray[np.float32]:
        """(n, 2) degrees → (n,) metres between the four cells around; nan outside the grid.

        Beside a cell nobody measured, the nearest measured one of the four; nan when there is none. A place
        in the outer half of an edge cell belongs to that cell.
        """
        column, row, inside = self._cells(lonlat)
        rows, columns = self.grid_m.shape
        left = np.clip(np.floor(column).astype(np.intp), 0, max(columns - 2, 0))
        top = np.clip(np.floor(row).astype(np.intp), 0, max(rows - 2, 0))
        right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        across, down = np.clip(column - left, 0.0, 1.0), np.clip(row - top, 0.0, 1.0)
        corners = np.stack(
            [
                self.grid_m[top, left],
                self.grid_m[top, right],
                self.grid_m[bottom, left],
                self.grid_m[bottom, right],
            ]
        ).astype(np.float64)
        weights = np.stack(
            [(1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down]
        )
        height = (corners * weights).sum(axis=0)
        holed = np.isnan(corners).any(axis=0)
        if holed.any():
            # The heaviest corner is the nearest one.
            known = np.where(np.isnan(corners[:, holed]), -1.0, weights[:, holed])
            nearest = known.argmax(axis=0)
            height[holed] = np.take_along_axis(corners[:, holed], nearest[None, :], axis=0)[0]
        return np.where(inside, height, np.nan).astype(np.float32)

    def _cells(self, lonlat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Column and row as fractions from the first cell's centre, and whether the place lies on the grid."""
        xy = to_plane(lonlat, self.epsg)
        column = (xy[:, 0] - self.west) / self.cell_x
        row = (self.north - xy[:, 1]) / self.cell_y
        rows, columns = self.grid_m.shape
        inside = (column >= -0.5) & (column <= columns - 0.5) & (row >= -0.5) & (row <= rows - 0.5)
        return column, row, inside
