"""Every change of coordinates: longitude/latitude (JGD2011, EPSG:6668) ↔ plane rectangular metres.

The plane of Miyagi is zone X, EPSG:6678. WGS84 and JGD2011 agree to well under a metre, so no datum
shift is applied. Arrays are always (n, 2) in the order lon, lat or x (east), y (north).
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from geodata.errors import BadPosition

PLANE_EPSG = 6678
GEOGRAPHIC_EPSG = 6668

_Geometry = TypeVar("_Geometry", bound=BaseGeometry)


@cache
def _transformer(source_epsg: int, target_epsg: int) -> Transformer:
    return Transformer.from_crs(source_epsg, target_epsg, always_xy=True)


def _apply(pairs: ArrayLike, source_epsg: int, target_epsg: int) -> NDArray[np.float64]:
    array = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    east, north = _transformer(source_epsg, target_epsg).transform(array[:, 0], array[:, 1])
    result = np.column_stack([east, north]).astype(np.float64, copy=False)
    bad = ~np.isfinite(result).all(axis=1)
    if bad.any():
        raise BadPosition(where=f"positions[{int(np.argmax(bad))}]")
    return result


def to_plane(lonlat: ArrayLike, epsg: int = PLANE_EPSG) -> NDArray[np.float64]:
    """(n, 2) degrees lon, lat → (n, 2) metres x (east), y (north). Raises BadPosition."""
    return _apply(lonlat, GEOGRAPHIC_EPSG, epsg)


def to_lonlat(xy_m: ArrayLike, epsg: int = PLANE_EPSG) -> NDArray[np.float64]:
    """(n, 2) metres x, y → (n, 2) degrees lon, lat. Raises BadPosition."""
    return _apply(xy_m, epsg, GEOGRAPHIC_EPSG)


def geometry_to_plane(geometry_lonlat: _Geometry, epsg: int = PLANE_EPSG) -> _Geometry:
    """The same geometry (any kind) with its vertices on the plane, metres."""
    moved: _Geometry = shapely.transform(geometry_lonlat, lambda pairs: to_plane(pairs, epsg))
    return moved


def geometry_to_lonlat(geometry_xy_m: _Geometry, epsg: int = PLANE_EPSG) -> _Geometry:
    """The same geometry (any kind) with its vertices in degrees lon, lat."""
    moved: _Geometry = shapely.transform(geometry_xy_m, lambda pairs: to_lonlat(pairs, epsg))
    return moved
