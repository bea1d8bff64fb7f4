"""Where a CAP message is about, as far as our city is concerned. Pure.

polygons, circles ─▶ what of them lies in the city's rectangle      geocodes ─▶ our zones, by the tables we know
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
import shapely
from shapely import Polygon, box

from bosai.model.cap import E7, CapArea, CapCircle, CapValue

JISX0402 = "JISX0402"
KM_PER_DEGREE = 111.2
CORNERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CapPlaces:
    """The city: its rectangle (west, south, east, north) and the codes others know it by, each with our zone keys."""

    bbox_lonlat: tuple[float, float, float, float]
    zones: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What of a message is ours. `is_unclear`: nothing says where, so nobody can say that it is elsewhere."""

    names: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    geometry: str = ""
    is_unclear: bool = False

    @property
    def is_ours(self) -> bool:
        """True when some area lies in the city, or might."""
        return bool(self.names) or self.is_unclear


def concerned(areas: Iterable[CapArea], places: CapPlaces) -> Concerned:
    """The part of the areas that concerns the city. A geocode of a table we do not know is not ours."""
    city = box(*places.bbox_lonlat)
    names: list[str] = []
    zones: list[str] = []
    shapes: list[shapely.Geometry] = []
    is_unclear, count = False, 0
    for count, area in enumerate(areas, start=1):  # noqa: B007 - how many there were
        found = [one for one in _shapes(area) if shapely.intersects(one, city)]
        known = [
            keys for one in area.geocodes if (keys := places.zones.get(_table_and_code(one))) is not None
        ]
        if found or known:
            names.append(area.desc)
            zones += [key for keys in known for key in keys]
            shapes += found
        elif not (area.polygons_e7_lonlat or area.circles or area.geocodes):
            is_unclear = True
    return Concerned(
        names=tuple(dict.fromkeys(names)),
        zones=tuple(dict.fromkeys(zones)),
        geometry=_geojson(shapes, city),
        is_unclear=not names and (is_unclear or not count),
    )


def _table_and_code(given: CapValue) -> tuple[str, str]:
    """As the tables have it. Of JIS X 0402 many give six digits, the last a check, or two: those of the prefecture."""
    code = given.value.strip()
    if given.name == JISX0402 and code.isascii() and code.isdigit():
        code = f"{code}000" if len(code) == 2 else code[:5] if len(code) == 6 else code
    return given.name, code


def _shapes(area: CapArea) -> list[shapely.Geometry]:
    rings = [
        shapely.make_valid(Polygon([(lon / E7, lat / E7) for lon, lat in ring]))
        for ring in area.polygons_e7_lonlat
    ]
    return [*rings, *(_round(one) for one in area.circles)]


def _round(circle: CapCircle) -> shapely.Geometry:
    """The circle as corners that lie outside it: never smaller. A point where no radius is given."""
    if circle.radius_km == 0:
        return shapely.Point(circle.lon, circle.lat)
    north = circle.radius_km / KM_PER_DEGREE / math.cos(math.pi / CORNERS)
    # Away from the poles; there a degree of longitude is nothing, and no city of ours is there.
    east = north / max(math.cos(math.radians(circle.lat)), 0.01)
    turns = [2 * math.pi * n / CORNERS for n in range(CORNERS)]
    return Polygon([(circle.lon + east * math.cos(t), circle.lat + north * math.sin(t)) for t in turns])


def _geojson(shapes: list[shapely.Geometry], city: Polygon) -> str:
    """The union within the city's rectangle as GeoJSON (lon, lat); "" where it has no area."""
    inside = shapely.intersection(shapely.union_all(shapes), city) if shapes else None
    parts = [one for one in shapely.get_parts(inside) if isinstance(one, Polygon)] if inside else []
    if not parts:
        return ""
    rings = [
        [
            [[round(lon, 7), round(lat, 7)] for lon, lat in shapely.get_coordinates(ring).tolist()]
            for ring in (one.exterior, *one.interiors)
        ]
        for one in parts
    ]
    return msgspec.json.encode({"type": "MultiPolygon", "coordinates": rings}).decode()
