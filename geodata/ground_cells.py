"""Squares of 32 m over a network's ground: bounds on distances that are looked up instead of worked out.

A point knows its square once; then "farther than x from every border" is one look-up, and right, if not tight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geodata.network import WalkNetwork

Floats = NDArray[np.float64]

CELL_M = 32.0
OUTSIDE = -1
_DIAGONAL_M = CELL_M * float(np.sqrt(2.0))
_MARGIN_M = 256.0
_COARSE = 8  # squares a side of a block that is asked for its nearest site once


class GroundCells:
    """The squares over a network and its edge. s squares in all, row after row."""

    def __init__(self, network: WalkNetwork) -> None:
        xy = network.xy_m if len(network.xy_m) else np.zeros((1, 2))
        self._origin = xy.min(axis=0) - _MARGIN_M
        size = np.ceil((xy.max(axis=0) + _MARGIN_M - self._origin) / (CELL_M * _COARSE)).astype(np.int64)
        self._blocks = size
        self._wide, self._high = (int(one) * _COARSE for one in size)

    @property
    def count(self) -> int:
        """How many there are."""
        return self._wide * self._high

    def of(self, points_xy_m: Floats) -> NDArray[np.int32]:
        """(n,) the square of each point, OUTSIDE where there is none."""
        cell = np.floor((points_xy_m - self._origin) / CELL_M)
        on = (cell >= 0).all(axis=1) & (cell[:, 0] < self._wide) & (cell[:, 1] < self._high)
        cell = np.where(on[:, None], cell, 0)
        flat = cell[:, 1] * self._wide + cell[:, 0]
        return np.where(on, flat, OUTSIDE).astype(np.int32)

    def border_m(self, areas_xy_m: Sequence[BaseGeometry]) -> NDArray[np.float32]:
        """(s,) no point of a square is nearer than this to the outline of any area."""
        rings = shapely.segmentize(shapely.boundary(np.array(list(areas_xy_m), dtype=object)), CELL_M / 2)
        cell = self._near(shapely.get_coordinates(rings))
        away = np.ones((self._high + 2, self._wide + 2), dtype=np.bool_)
        away[cell[:, 1], cell[:, 0]] = False
        if away.all():
            return np.full(self.count, np.inf, dtype=np.float32)
        # Squares beside the ground stand for all that lies beyond: what is there is no nearer.
        squares_m = CELL_M * distance_transform_edt(away)[1:-1, 1:-1]
        # From square to square, less what both may be off their middle and the pace of the samples.
        bound: NDArray[np.float32] = (squares_m - _DIAGONAL_M - CELL_M / 4).astype(np.float32)
        return np.maximum(bound, 0).reshape(-1)

    def nearest_m(self, sites_xy_m: Floats) -> NDArray[np.float32]:
        """(s,) no point of a square is nearer than this to any of the (m, 2) sites; inf without sites."""
        if not len(sites_xy_m):
            return np.full(self.count, np.inf, dtype=np.float32)
        block_m = CELL_M * _COARSE
        column, row = np.meshgrid(*(np.arange(int(one)) for one in self._blocks))
        centres = self._origin + (np.stack([column, row], axis=-1) + 0.5) * block_m
        away, _ = cKDTree(sites_xy_m).query(centres)
        bound = np.maximum(0, away - block_m * np.sqrt(0.5)).astype(np.float32)
        return np.repeat(np.repeat(bound, _COARSE, axis=0), _COARSE, axis=1).reshape(-1)

    def _near(self, points_xy_m: Floats) -> NDArray[np.int64]:
        """(n, 2) column and row with a frame of one square round all, into which what lies beyond is put."""
        cell = np.floor((points_xy_m - self._origin) / CELL_M).astype(np.int64) + 1
        return np.asarray(np.clip(cell, 0, [self._wide + 1, self._high + 1]))
