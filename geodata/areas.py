"""Areas that people draw or import: parsed strictly, hashed as integers, asked which points they hold.

An area comes in as GeoJSON (lon, lat), is refused with a place and a mend when it is not sound, and is
rounded to 1e-7° (about 1 cm) at the door, so that what is shown, computed and hashed is one geometry.
The edge of a danger area counts as inside everywhere in this module.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from geodata.errors import (
    BadPosition,
    EmptyArea,
    LatLonSwapped,
    OutsideCity,
    SelfCrossing,
    TooFewPoints,
    TooManyVertices,
    UnsupportedGeometry,
)

DEGREE_UNITS = 10_000_000
MAX_VERTICES = 200_000
_FEW_POINTS = 16

Area = Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class Bbox:
    """A rectangle in degrees; its edge counts as inside."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a position lies in the rectangle."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north

    def __str__(self) -> str:
        return f"{self.west}–{self.east}°E, {self.south}–{self.north}°N"


JAPAN = Bbox(122.0, 20.0, 154.0, 46.0)


def parse_area(geojson: object, *, bbox: Bbox = JAPAN, max_vertices: int = MAX_VERTICES) -> Area:
    """A GeoJSON Polygon, MultiPolygon or a Feature of one → a valid geometry, degrees lon, lat, 1e-7°.

    Rings left open are closed; polygons of one area that overlap become one. Raises UnsupportedGeometry,
    BadPosition, TooFewPoints, TooManyVertices, LatLonSwapped, OutsideCity, SelfCrossing, EmptyArea.
    """
    polygons = [
        [_ring(ring, f"coordinates[{p}][{r}]") for r, ring in enumerate(_rings(rings, f"coordinates[{p}]"))]
        for p, rings in enumerate(_polygon_list(geojson, max_vertices))
    ]
    _refuse_outside([position for rings in polygons for ring in rings for position in ring], bbox)
    parts = [_sound_polygon(rings) for rings in polygons]
    joined = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    area = _rounded(joined)
    if not isinstance(area, Polygon | MultiPolygon) or area.is_empty or area.area == 0:
        raise EmptyArea
    return area


def to_geojson(area_lonlat: Area) -> dict[str, object]:
    """The GeoJSON geometry of an area, lists all the way down, 7 decimals."""
    polygons = [
        [[[x / DEGREE_UNITS, y / DEGREE_UNITS] for x, y in [*ring, ring[0]]] for ring in rings]
        for rings in canonical_units(area_lonlat)
    ]
    if isinstance(area_lonlat, Polygon):
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def canonical_units(area_lonlat: Area) -> list[list[list[tuple[int, int]]]]:
    """The area as integers of 1e-7°, in one order whatever way it was drawn, for hashing.

    Polygons → rings (outline first, then holes) → (lon, lat); rings are not closed, outlines run
    counter-clockwise and holes clockwise from their smallest vertex; polygons and holes are sorted.
    """
    parts = list(area_lonlat.geoms) if isinstance(area_lonlat, MultiPolygon) else [area_lonlat]
    polygons = []
    for part in parts:
        holes = sorted(_canonical_ring(list(ring.coords), clockwise=True) for ring in part.interiors)
        polygons.append([_canonical_ring(list(part.exterior.coords), clockwise=False), *holes])
    return sorted(polygons)


def widen_m(area_xy_m: BaseGeometry, by_m: float) -> BaseGeometry:
    """The area grown by `by_m` metres on every side (8 m covers the rounding of stored places)."""
    return shapely.buffer(area_xy_m, by_m)


def points_in_areas(
    points_xy_m: NDArray[np.float64], areas_xy_m: Sequence[BaseGeometry]
) -> NDArray[np.bool_]:
    """(n, 2) points, k areas → (n,) True where a point lies in, or on the edge of, any area."""
    return np.asarray(points_in_each(points_xy_m, areas_xy_m).any(axis=1))


def points_in_each(points_xy_m: NDArray[np.float64], areas_xy_m: Sequence[BaseGeometry]) -> NDArray[np.bool_]:
    """(n, 2) points, k areas → (n, k) True where a point lies in, or on the edge of, that area."""
    points = np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)
    inside = np.zeros((len(points), len(areas_xy_m)), dtype=np.bool_)
    for column, area in enumerate(areas_xy_m):
        inside[:, column] = inside_one(area, points[:, 0], points[:, 1])
    return inside


def inside_one(
    area_xy_m: BaseGeometry, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) True where a point lies in, or on the edge of, one area, which other threads may be asking too.

    `intersects_xy` prepares what it is given in place, and GEOS dies when two threads ask one prepared area: so many
    points ask a copy of their own, and few points an area that nobody prepares.
    """
    if len(x_m) <= _FEW_POINTS:
        return np.asarray(shapely.intersects(area_xy_m, shapely.points(x_m, y_m)))
    return np.asarray(shapely.intersects_xy(own_copy(area_xy_m), x_m, y_m))


def own_copy(area: BaseGeometry) -> BaseGeometry:
    """The same area as an object nobody else holds: what may be prepared. 0.3 ms for 20,000 vertices."""
    copy: BaseGeometry = shapely.transform(area, lambda pairs: pairs)
    return copy


class PointIndex:
    """Points indexed once, asked many times. points_xy_m: (n, 2), metres on one plane."""

    def __init__(self, points_xy_m: NDArray[np.float64]) -> None:
        self._tree = STRtree(np.atleast_1d(np.asarray(shapely.points(points_xy_m), dtype=object)))

    def __len__(self) -> int:
        return len(self._tree)

    def touched_by(self, areas_xy_m: Sequence[BaseGeometry]) -> NDArray[np.bool_]:
        """(n,) True where a point lies in, or on the edge of, any of the k areas."""
        return np.asarray(self.touched_by_each(areas_xy_m).any(axis=1))

    def touched_by_each(self, areas_xy_m: Sequence[BaseGeometry]) -> NDArray[np.bool_]:
        """(n, k) True where a point lies in, or on the edge of, that area."""
        touched = np.zeros((len(self._tree), len(areas_xy_m)), dtype=np.bool_)
        # GEOS prepares the query side, so the few large polygons go there.
        columns, rows = self._tree.query(np.array(list(areas_xy_m), dtype=object), predicate="intersects")
        touched[rows, columns] = True
        return touched


def _polygon_list(geojson: object, max_vertices: int) -> list[object]:
    if isinstance(geojson, Mapping) and geojson.get("type") == "Feature":
        geojson = geojson.get("geometry")
    kind = geojson.get("type") if isinstance(geojson, Mapping) else type(geojson).__name__
    if not isinstance(geojson, Mapping) or kind not in ("Polygon", "MultiPolygon"):
        raise UnsupportedGeometry(found=str(kind))
    coordinates = geojson.get("coordinates")
    if not isinstance(coordinates, list) or not coordinates:
        raise EmptyArea
    polygons = [coordinates] if kind == "Polygon" else coordinates
    count = sum(
        len(ring) for rings in polygons if isinstance(rings, list) for ring in rings if isinstance(ring, list)
    )
    if count > max_vertices:
        raise TooManyVertices(count=count, limit=max_vertices)
    return polygons


def _rings(rings: object, where: str) -> list[object]:
    if not isinstance(rings, list):
        raise BadPosition(where=where)
    if not rings:
        raise EmptyArea
    return rings


def _ring(ring: object, where: str) -> list[tuple[float, float]]:
    if not isinstance(ring, list):
        raise BadPosition(where=where)
    positions = [_position(one, f"{where}[{n}]") for n, one in enumerate(ring)]
    different = len(set(positions))
    if different < 3:
        raise TooFewPoints(where=where, count=different)
    return positions


def _position(position: object, where: str) -> tuple[float, float]:
    if not isinstance(position, list | tuple) or not 2 <= len(position) <= 3:
        raise BadPosition(where=where)
    lon, lat = position[0], position[1]
    for value in (lon, lat):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadPosition(where=where)
        # An int too long for a float is as far from a coordinate as infinity.
        if not (abs(value) < 1e6 and math.isfinite(value)):
            raise BadPosition(where=where)
    return round(lon * DEGREE_UNITS) / DEGREE_UNITS, round(lat * DEGREE_UNITS) / DEGREE_UNITS


def _refuse_outside(positions: list[tuple[float, float]], bbox: Bbox) -> None:
    outside = [one for one in positions if not bbox.holds(*one)]
    if not outside:
        return
    lon, lat = outside[0]
    if all(bbox.holds(y, x) for x, y in positions):
        raise LatLonSwapped(lon=lon, lat=lat)
    raise OutsideCity(lon=lon, lat=lat, limits=str(bbox))


def _sound_polygon(rings: list[list[tuple[float, float]]]) -> Polygon:
    polygon = Polygon(rings[0], rings[1:])
    if polygon.is_valid:
        return polygon
    found = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(polygon))
    lon, lat = (float(found[1]), float(found[2])) if found else rings[0][0]
    if polygon.convex_hull.area == 0:
        raise EmptyArea
    raise SelfCrossing(lon=lon, lat=lat)


def _rounded(area: BaseGeometry) -> BaseGeometry:
    """Vertices on the 1e-7° grid; a union can make new ones between grid points."""
    on_grid = shapely.transform(area, lambda pairs: np.round(pairs * DEGREE_UNITS) / DEGREE_UNITS)
    return on_grid if on_grid.is_valid else shapely.set_precision(area, 1 / DEGREE_UNITS)


def _canonical_ring(coordinates: Sequence[tuple[float, ...]], *, clockwise: bool) -> list[tuple[int, int]]:
    units = [(round(one[0] * DEGREE_UNITS), round(one[1] * DEGREE_UNITS)) for one in coordinates[:-1]]
    units = [one for n, one in enumerate(units) if one != units[n - 1]]
    twice_area = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(units, [*units[1:], units[0]], strict=True)
    )
    if (twice_area < 0) != clockwise:
        units.reverse()
    start = units.index(min(units))
    return units[start:] + units[:start]
