"""Grid square codes of JIS X 0410, and the 250 m cell used to blur a home on request.

A first-order mesh is 40′ × 1°, a second-order one 5′ × 7′30″, a third-order one 30″ × 45″ (about 1 km);
halves of halves of that are 7.5″ × 11.25″ (about 250 m).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import BadPosition

_ROWS_PER_DEGREE = 480  # 7.5″ of latitude
_COLUMNS_PER_DEGREE = 320  # 11.25″ of longitude
_WEST_DEG = 100
_EDGE = 1e-6  # of a cell, 0.2 mm: a point written as lying on an edge belongs to the cell north-east of it


class MeshOrder(IntEnum):
    """The length of the code, in digits."""

    FIRST = 4
    SECOND = 6
    THIRD = 8
    HALF = 9
    QUARTER = 10


def _cells(lonlat: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row = np.floor(lonlat[:, 1] * _ROWS_PER_DEGREE + _EDGE).astype(np.int64)
    column = np.floor((lonlat[:, 0] - _WEST_DEG) * _COLUMNS_PER_DEGREE + _EDGE).astype(np.int64)
    return row, column


def mesh_code(lon: float, lat: float, order: MeshOrder = MeshOrder.THIRD) -> str:
    """The code of the cell a point lies in; a point on an edge belongs to the cell north-east of it.

    Raises BadPosition outside 0–66.66° N, 100–180° E, where the standard defines no code.
    """
    if not (0 <= lat < 66.66 and _WEST_DEG <= lon < 180):
        raise BadPosition(where="lon, lat")
    rows, columns = _cells(np.array([[lon, lat]]))
    row, column = int(rows[0]), int(columns[0])
    code = f"{row // 320:02d}{column // 320:02d}"
    code += f"{row % 320 // 40}{column % 320 // 40}"
    code += f"{row % 40 // 4}{column % 40 // 4}"
    code += str(1 + column % 4 // 2 + 2 * (row % 4 // 2))
    code += str(1 + column % 2 + 2 * (row % 2))
    return code[: int(order)]


def quarter_cell_centres(lonlat: ArrayLike) -> NDArray[np.float64]:
    """(n, 2) lon, lat → (n, 2) lon, lat of the centre of the 250 m cell each point lies in."""
    pairs = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(pairs).all():
        raise BadPosition(where="lonlat")
    row, column = _cells(pairs)
    return np.column_stack([_WEST_DEG + (column + 0.5) / _COLUMNS_PER_DEGREE, (row + 0.5) / _ROWS_PER_DEGREE])
