"""The quarter cells of JIS X 0410 (about 250 m) that a shape touches, as boxes."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

_MESH_COLUMNS_PER_DEGREE, _MESH_ROWS_PER_DEGREE = 320, 480  # 11.25″ of longitude, 7.5″ of latitude


def mesh_boxes(union_lonlat: BaseGeometry) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """The quarter cells a shape touches, as boxes of degrees, south to north and west to east, and their centres."""
    if union_lonlat.is_empty:
        return np.zeros(0, dtype=np.object_), np.zeros((0, 2))
    west, south, east, north = union_lonlat.bounds
    columns = np.arange(
        np.floor(west * _MESH_COLUMNS_PER_DEGREE), np.floor(east * _MESH_COLUMNS_PER_DEGREE) + 1
    )
    rows = np.arange(np.floor(south * _MESH_ROWS_PER_DEGREE), np.floor(north * _MESH_ROWS_PER_DEGREE) + 1)
    row, column = (one.ravel() for one in np.meshgrid(rows, columns, indexing="ij"))
    boxes = shapely.box(
        column / _MESH_COLUMNS_PER_DEGREE,
        row / _MESH_ROWS_PER_DEGREE,
        (column + 1) / _MESH_COLUMNS_PER_DEGREE,
        (row + 1) / _MESH_ROWS_PER_DEGREE,
    )
    shapely.prepare(union_lonlat)
    touched = np.flatnonzero(shapely.intersects(union_lonlat, boxes))
    centres = np.column_stack(
        [(column + 0.5) / _MESH_COLUMNS_PER_DEGREE, (row + 0.5) / _MESH_ROWS_PER_DEGREE]
    )
    return np.asarray(boxes, dtype=np.object_)[touched], centres[touched]
