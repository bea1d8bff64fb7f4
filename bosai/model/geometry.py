"""Areas between the integers that are approved and the geometries that are computed with."""

import shapely
from shapely import MultiPolygon, Polygon

from bosai.model.alert import MultiPolygonE7
from geodata.areas import DEGREE_UNITS, Area, canonical_units


def to_e7(area_lonlat: Area) -> MultiPolygonE7:
    """The area as closed rings of integers, 1e-7 degrees, in the one canonical order."""
    return tuple(
        tuple((*ring, ring[0]) for ring in map(tuple, polygon)) for polygon in canonical_units(area_lonlat)
    )


def from_e7(polygons: MultiPolygonE7) -> MultiPolygon:
    """The area as a geometry, degrees lon, lat."""
    return MultiPolygon(
        [
            Polygon(
                [(lon / DEGREE_UNITS, lat / DEGREE_UNITS) for lon, lat in polygon[0]],
                [[(lon / DEGREE_UNITS, lat / DEGREE_UNITS) for lon, lat in hole] for hole in polygon[1:]],
            )
            for polygon in polygons
        ]
    )


def union_e7(areas: list[MultiPolygonE7]) -> MultiPolygonE7:
    """Several areas as one; overlaps count once."""
    # On the grid already here: a crossing or a sliver rounded afterwards could make a ring cross itself.
    joined = shapely.union_all([from_e7(one) for one in areas], grid_size=1 / DEGREE_UNITS)
    parts = [one for one in shapely.get_parts(joined) if isinstance(one, Polygon) and one.area > 0]
    return to_e7(MultiPolygon(parts))
