"""Areas as CAP can say them: closed rings without holes, of bounded length, never smaller than what was approved.

    few points, no hole ─▶ the rings as they are
    otherwise           ─▶ thinned, widened by more, cut through its holes ─▶ rings; too many: thinned further

CAP polygons have no holes. Filling a hole would tell the people in it to go; so a polygon is cut along a meridian
through each of its holes, and the pieces stand side by side. What has too many points is thinned and widened by more:
nobody inside the area approved is ever outside the one sent. A hole narrower than the widening is filled.
"""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely import MultiPolygon, Polygon, box

from bosai.model.alert import MultiPolygonE7, Ring
from bosai.model.cap import E7
from bosai.model.geometry import from_e7

FIRST_STEP_DEG = 1e-6
"""About 0.1 m: more than what rounding to 1e-7 degrees can take away."""
COARSER = 4
STEPS = 9
"""The last step is some 7 km: an area that still has too many points becomes its rectangle."""


def cap_rings(polygons: MultiPolygonE7, *, max_points: int) -> tuple[Ring, ...]:
    """Closed rings (lon, lat; 1e-7 degrees) that together cover the area, `max_points` points at most in all.

    max_points: at least 5, for the rectangle.
    """
    is_short = _points(polygons) <= max_points
    if is_short and all(len(one) == 1 for one in polygons):
        return tuple(one[0] for one in polygons)
    area: shapely.Geometry = from_e7(polygons)
    west, south, east, north = shapely.bounds(area).tolist()
    if is_short and (rings := _rings(shapely.buffer(area, FIRST_STEP_DEG, join_style="mitre"), max_points)):
        return rings
    for step in (FIRST_STEP_DEG * COARSER**n for n in range(STEPS)):
        # Each thinning moves the edge by `step` at most, all until here by less than 4/3 of it; who stood that near the
        # edge is covered again by twice as much, and a little is left for the last thinning and for rounding.
        area = shapely.simplify(area, step)
        wide = shapely.simplify(shapely.buffer(area, 3 * step, join_style="mitre"), step / 5)
        if rings := _rings(wide, max_points):
            return rings
    return (_ring(box(west, south, east, north)),)


def _rings(area: shapely.Geometry, max_points: int) -> tuple[Ring, ...]:
    """The pieces without holes as rings; () where they have too many points."""
    if shapely.get_num_coordinates(area) > 2 * max_points:
        return ()
    rings = [ring for piece in _without_holes(area) if (ring := _ring(piece))]
    return tuple(rings) if sum(map(len, rings)) <= max_points else ()


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
