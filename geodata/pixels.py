"""Degrees as pixels of a map: Web Mercator at a zoom, and how many decimals of a degree a pixel needs.

lonlat ─▶ to_pixels ─▶ (measure, thin out, grow in pixels) ─▶ to_degrees ─▶ lonlat
A pixel is a CSS pixel of MapLibre: the world is 512 × 2^zoom of them wide (the tiles of 256 pixels that Leaflet and
地理院タイル number are one zoom higher for the same scale).
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

WORLD_PX = 512
MAX_LAT = 85.05

Objects = NDArray[np.object_]


def pixel_deg(zoom: int) -> float:
    """How many degrees of longitude one pixel is wide (latitude: at most that many)."""
    return 360.0 / (WORLD_PX * 2.0**zoom)


def decimals_for(zoom: int, share: float) -> int:
    """Decimals of a degree so that rounding to them moves a position by at most `share` of a pixel."""
    # Rounding moves each axis by half a unit; a degree of latitude is 1 / cos(lat) as many pixels.
    widest = math.sqrt(1 + 1 / math.cos(math.radians(46.0)) ** 2) / 2  # Japan ends at 46° N
    return max(0, math.ceil(-math.log10(share * pixel_deg(zoom) / widest)))


def to_pixels(geometries: Objects, zoom: int) -> Objects:
    """The same geometries (degrees) in pixels: x to the east, y to the north, of the whole world at `zoom`."""
    moved: Objects = shapely.transform(geometries, lambda pairs: _forward(pairs, WORLD_PX * 2.0**zoom))
    return moved


def to_degrees(geometries: Objects, zoom: int) -> Objects:
    """Back from pixels to degrees lon, lat."""
    moved: Objects = shapely.transform(geometries, lambda pairs: _backward(pairs, WORLD_PX * 2.0**zoom))
    return moved


def _forward(lonlat: NDArray[np.float64], world: float) -> NDArray[np.float64]:
    lat = np.radians(np.clip(lonlat[:, 1], -MAX_LAT, MAX_LAT))
    return np.column_stack(
        [(lonlat[:, 0] + 180) / 360 * world, np.arcsinh(np.tan(lat)) / (2 * math.pi) * world]
    )


def _backward(pixels: NDArray[np.float64], world: float) -> NDArray[np.float64]:
    lat = np.degrees(np.arctan(np.sinh(pixels[:, 1] / world * (2 * math.pi))))
    return np.column_stack([pixels[:, 0] / world * 360 - 180, lat])
