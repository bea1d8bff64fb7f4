"""Areas as CAP can say them: closed rings without holes, of bounded length, never smaller than what was approved.

    few points, no hole ─▶ the rings as they are
    otherwise           ─▶ widened a little, thinned by less, cut through its holes ─▶ rings

CAP polygons have no holes. Filling a hole would tell the people in it to go; so a polygon is cut along a meridian
through each of its holes, and the pieces stand side by side. What has too many points is widened before it is thinned:
nobody inside the area approved is ever outside the one sent. A hole narrower than the widening is filled.
"""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely import MultiPolygon, Polygon, box

from bosai.model.alert import MultiPolygonE7, Ring
from bosai.model.cap import E7
from bosai.model.geometry import from_e7

FIRST_MARGIN_DEG = 1e-6
"""About 0.1 m: more than what rounding to 1e-7 degrees can take away."""
TRIES = 17
"""The last margin is 2^16 times the first, some 7 km: an area that still has too many points becomes its rectangle."""


def cap_rings(polygons: MultiPolygonE7, *, max_points: int) -> tuple[Ring, ...]:
    """Closed rings (lon, lat; 1e-7 degrees) that together cover the area, `max_points` points at most in all.

    max_points: at least 5, for the rectangle.
    """
    if all(len(one) == 1 for one in polygons) and _points(polygons) <= max_points:
        return tuple(one[0] for one in polygons)
    area = from_e7(polygons)
    for turn in range(TRIES):
        margin = FIRST_MARGIN_DEG * 2**turn
        wide: shapely.Geometry = area.buffer(margin, join_style="mitre")
        if turn or _points(polygons) > max_points:
            wide = shapely.simplify(wide, margin / 2)
        rings = [ring for piece in _without_holes(wide) if (ring := _ring(piece))]
        if sum(map(len, rings)) <= max_points:
            return tuple(rings)
    west, south, east, north = area.bounds
    return (_ring(box(west, south, east, north)),)


def _points(polygons: MultiPolygonE7) -> int:
    return sum(len(ring) for polygon in polygons for ring in polygon)


def _without_holes(area: shapely.Geometry) -> Iterator[Polygon]:
    waiting = list(_polygons(area))
    while waiting:
        one = waiting.pop()
        middle = _through_a_hole(one)
        if middle is None:
            yield Polygon(one.exterior)
            continue
        west, south, east, north = one.bounds
        for half in (
            box(west - 1, south - 1, middle, north + 1),
            box(middle, south - 1, east + 1, north + 1),
        ):
            waiting += _polygons(one.intersection(half))


def _through_a_hole(polygon: Polygon) -> float | None:
    """A meridian on the grid, strictly inside one of the holes; None where there is none left worth a cut."""
    for hole in polygon.interiors:
        west, _, east, _ = hole.bounds
        middle: float = round((west + east) / 2 * E7) / E7
        if west < middle < east:
            return middle
    return None


def _polygons(area: shapely.Geometry) -> list[Polygon]:
    return [one for one in shapely.get_parts(area) if isinstance(one, Polygon) and not one.is_empty]


def _ring(polygon: Polygon | MultiPolygon) -> Ring:
    """The outer ring on the grid; () where rounding leaves nothing of it."""
    points: list[tuple[int, int]] = []
    for lon, lat in shapely.get_coordinates(shapely.get_exterior_ring(polygon)).tolist():
        point = (round(lon * E7), round(lat * E7))
        if not points or points[-1] != point:
            points.append(point)
    return tuple(points) if len(points) >= 4 else ()
