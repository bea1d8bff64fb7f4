"""Who lives inside an area, by the city's table of residents: by town, and where about within the town. Blocking.

population ┐                       ┌▶ towns: residents, households, the share of each town inside
towns      ├▶ ResidentGround ─ of ─┤
wards      ┘                       └▶ pieces: points inside, of about 250 m each, by their share of the town's people

Towns are known by points, so whatever is inside of a part of a town is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from bosai.services.geo_areas import ward_of
from bosai.services.geo_facts import GeoFacts
from geodata.areas import Area
from geodata.crs import to_plane
from geodata.importers.population import join_population
from geodata.mesh_boxes import mesh_boxes
from geodata.touched import GroundIndex, NamedGround, TouchedTown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WARD = "ward"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaResidents:
    """Residents inside an area. persons, households: None where the table does not say.

    pieces: (p, 2) plane points inside, the position of each one's town in `towns`, and its size (only to be compared).
    """

    towns: tuple[TouchedTown, ...]
    persons: int | None
    households: int | None
    piece_xy_m: Floats
    piece_town: Ints
    piece_size: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTown:
    """A town as a table names it."""

    ward: str
    name: str


class ResidentGround:
    """One version of the facts, made ready once. Without a table of residents it still names the towns of points."""

    def __init__(self, facts: GeoFacts, epsg: int) -> None:
        self._epsg = epsg
        self._index: GroundIndex | None = None
        wards = [one for one in facts.wards if ward_of(one)]
        if facts.population is not None and len(facts.population):
            table = facts.population.in_wards(join_population(facts.population, facts.places.towns).wards)
            city = shapely.union_all([one.geometry_lonlat for one in wards]) if wards else None
            self._index = GroundIndex(
                table,
                [
                    NamedGround(kind=WARD, code=one.code, name=ward_of(one), shape_lonlat=one.geometry_lonlat)
                    for one in wards
                ],
                epsg=epsg,
                city_lonlat=city if isinstance(city, Polygon | MultiPolygon) else None,
            )
            self.towns = tuple(
                NamedTown(ward=str(ward), name=str(name))
                for ward, name in zip(table.ward, table.name, strict=True)
            )
            lonlat = table.lonlat
        else:
            self.towns = tuple(NamedTown(ward=one.ward, name=one.name) for one in facts.places.towns)
            lonlat = np.array([[one.lon, one.lat] for one in facts.places.towns]).reshape(-1, 2)
        self._points = np.asarray(shapely.points(to_plane(lonlat, epsg)), dtype=np.object_)
        self._tree = shapely.STRtree(self._points)

    @property
    def knows_residents(self) -> bool:
        """False where no table of residents was imported."""
        return self._index is not None

    def town_rows(self, xy_m: Floats) -> Ints:
        """(p,) row in `towns` of the town nearest to each of the (p, 2) points; -1 where no town is known."""
        if not len(self._points) or not len(xy_m):
            return np.full(len(xy_m), -1, dtype=np.int64)
        return np.asarray(self._tree.nearest(shapely.points(xy_m)), dtype=np.int64)

    def inside(self, area_lonlat: Area) -> AreaResidents | None:
        """The residents of an area; None where no table of residents was imported."""
        if self._index is None:
            return None
        touched = self._index.touched_by([area_lonlat], mesh=False)
        xy_m, size = self._pieces(area_lonlat)
        position = {town.row: n for n, town in enumerate(touched.towns)}
        piece_town = np.array([position.get(int(row), -1) for row in self.town_rows(xy_m)], dtype=np.int64)
        known = piece_town >= 0
        lonely = [
            town for n, town in enumerate(touched.towns) if town.persons and not (piece_town == n).any()
        ]
        at = self._stand_ins(xy_m, lonely)
        return AreaResidents(
            towns=touched.towns,
            persons=touched.persons,
            households=touched.households,
            piece_xy_m=np.concatenate([xy_m[known], xy_m[at]]),
            piece_town=np.concatenate(
                [piece_town[known], np.array([position[one.row] for one in lonely], dtype=np.int64)]
            ),
            piece_size=np.concatenate([size[known], np.ones(len(at))]),
        )

    def _stand_ins(self, xy_m: Floats, towns: list[TouchedTown]) -> Ints:
        """For towns whose part inside is smaller than a piece: the piece nearest to each."""
        if not towns or not len(xy_m):
            towns.clear()
            return np.zeros(0, dtype=np.int64)
        pieces = shapely.STRtree(np.asarray(shapely.points(xy_m), dtype=np.object_))
        return np.asarray(pieces.nearest(self._points[[one.row for one in towns]]), dtype=np.int64)

    def _pieces(self, area_lonlat: Area) -> tuple[Floats, Floats]:
        """(p, 2) a plane point in every piece of the area that a quarter mesh cell cuts, and the (p,) size of it."""
        boxes, points = mesh_boxes(area_lonlat)
        shapely.prepare(area_lonlat)
        pieces = boxes.copy()
        partly = np.flatnonzero(~shapely.contains_properly(area_lonlat, boxes))
        for row in partly:
            west, south, east, north = boxes[row].bounds
            pieces[row] = shapely.clip_by_rect(area_lonlat, west, south, east, north)
        points[partly] = _points_on(pieces[partly], points[partly])
        size = shapely.area(pieces)
        kept = size > 0
        # A degree of longitude is shorter than one of latitude by the same factor everywhere in a city.
        return to_plane(points[kept], self._epsg), np.asarray(size[kept], dtype=np.float64)


def _points_on(pieces: NDArray[np.object_], centres: Floats) -> Floats:
    """A point on each piece; the centre of the cell where nothing of it is left."""
    found = centres.copy()
    there = np.flatnonzero(~shapely.is_empty(pieces))
    found[there] = shapely.get_coordinates(
        shapely.point_on_surface(shapely.make_valid(np.asarray(pieces[there], dtype=np.object_)))
    )
    return found
