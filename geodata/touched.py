"""What areas touch: towns, wards, areas of JMA and mesh cells, with the people and households there.

areas ─▶ their union ─▶ share of every town's cell ─▶ people, each counted once however the areas overlap

Towns are known by points and the areas of JMA are thinned to some hundred vertices, so all of it is "about".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geodata.area_grid import AreaGrid
from geodata.cells import DEFAULT_RADIUS_M
from geodata.crs import PLANE_EPSG, geometry_to_plane, to_plane
from geodata.mesh import MeshOrder, mesh_code
from geodata.mesh_boxes import mesh_boxes
from geodata.town_cells import TownCells, covered_m2


class Towns(Protocol):
    """Parallel arrays of n towns, as `importers.population.TownPopulation` has them.

    code, ward, name: text; persons: heads; households: nan where unknown; lonlat: (n, 2) degrees.
    """

    @property
    def code(self) -> NDArray[np.object_]:
        """The code of each town."""
        ...

    @property
    def ward(self) -> NDArray[np.object_]:
        """The ward each town lies in."""
        ...

    @property
    def name(self) -> NDArray[np.object_]:
        """The name of each town."""
        ...

    @property
    def persons(self) -> NDArray[np.int64]:
        """Heads."""
        ...

    @property
    def households(self) -> NDArray[np.float64]:
        """Households, nan where unknown."""
        ...

    @property
    def lonlat(self) -> NDArray[np.float64]:
        """(n, 2) degrees."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedGround:
    """An area with a name and a border: kind is the system its code belongs to ("ward", "jma_weather")."""

    kind: str
    code: str
    name: str
    shape_lonlat: Polygon | MultiPolygon


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedTown:
    """A town, the share of its cell inside (0 where it is only touched), and the people of that share."""

    row: int
    code: str
    ward: str
    name: str
    share: float
    persons: int
    households: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedGround:
    """A ward or an area of JMA: share of its ground; people inside, None where no table of people is loaded."""

    kind: str
    code: str
    name: str
    share: float
    persons: int | None
    households: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedMesh:
    """A quarter cell of JIS X 0410 (about 250 m), the share of it inside, and people by the density of its town."""

    code: str
    share: float
    persons: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """All k areas together; share_by_area: (k, n) for each area alone, nan where it does not touch the town.

    persons, households: of the union, None where unknown. All figures are estimates.
    """

    towns: tuple[TouchedTown, ...]
    grounds: tuple[TouchedGround, ...]
    mesh: tuple[TouchedMesh, ...]
    persons: int | None
    households: int | None
    share_by_area: NDArray[np.float64]

    @property
    def persons_about(self) -> int | None:
        """People rounded as an estimate is said, by `about`."""
        return None if self.persons is None else about(self.persons)


def about(count: float) -> int:
    """A number as an estimate is said: to tens, from 1,000 to hundreds, from 10,000 to thousands.

    At least 10 for anybody at all: nobody is rounded away.
    """
    if count <= 0:
        return 0
    step = 10 if count < 1_000 else 100 if count < 10_000 else 1_000
    return max(int(np.floor(count / step + 0.5)) * step, 10)


class GroundIndex:
    """Towns and named areas made ready once. towns None: no table of people is loaded.

    city_lonlat: the ground of the towns, None where its border is not known.
    """

    def __init__(
        self,
        towns: Towns | None,
        grounds: Sequence[NamedGround] = (),
        *,
        radius_m: float = DEFAULT_RADIUS_M,
        epsg: int = PLANE_EPSG,
        city_lonlat: Polygon | MultiPolygon | None = None,
    ) -> None:
        self._towns = towns if towns is not None and len(towns.code) else None
        self._epsg = epsg
        self._cells = None
        if self._towns is not None:
            self._cells = TownCells(self._towns.lonlat, radius_m=radius_m, epsg=epsg, city_lonlat=city_lonlat)
        self._grounds = tuple(grounds)
        self._shapes = np.empty(len(self._grounds), dtype=np.object_)
        self._shapes[:] = [geometry_to_plane(one.shape_lonlat, epsg) for one in self._grounds]
        self._town_in = self._towns_in_grounds()

    def touched_by(self, areas_lonlat: Sequence[Polygon | MultiPolygon], *, mesh: bool = True) -> Touched:
        """What the (k,) areas touch; people under several areas count once. mesh False leaves the cells out."""
        areas = [geometry_to_plane(one, self._epsg) for one in areas_lonlat]
        union = shapely.union_all(areas) if areas else Polygon()
        count = len(self._cells) if self._cells is not None else 0
        share = np.full((len(areas) + 1, count), np.nan)
        if self._cells is not None:
            share = self._cells.shares([*areas, union])
        persons, households = self._people(share[-1])
        return Touched(
            towns=self._touched_towns(share[-1], persons, households),
            grounds=self._touched_grounds(union, persons, households),
            mesh=self._touched_mesh(areas_lonlat) if mesh else (),
            persons=_sum(persons),
            households=_sum(households),
            share_by_area=share[:-1],
        )

    def _people(
        self, share: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
        """(n,) people and households of the covered share of each town; None where there is no table."""
        if self._towns is None:
            return None, None
        inside = np.nan_to_num(share)
        persons = np.asarray(self._towns.persons, dtype=np.float64) * inside
        known = np.asarray(self._towns.households, dtype=np.float64)
        # A town nothing of which is covered adds nothing, also where its households are not known.
        return persons, np.where(inside > 0, known * inside, 0.0)

    def _touched_towns(
        self,
        share: NDArray[np.float64],
        persons: NDArray[np.float64] | None,
        households: NDArray[np.float64] | None,
    ) -> tuple[TouchedTown, ...]:
        if self._towns is None or persons is None or households is None:
            return ()
        return tuple(
            TouchedTown(
                row=int(row),
                code=str(self._towns.code[row]),
                ward=str(self._towns.ward[row]),
                name=str(self._towns.name[row]),
                share=float(share[row]),
                persons=round(float(persons[row])),
                households=_whole(float(households[row])),
            )
            for row in np.flatnonzero(~np.isnan(share))
        )

    def _towns_in_grounds(self) -> NDArray[np.bool_]:
        """(n, g) which towns are of which named area: by the ward the table names, else by their point."""
        if self._towns is None or not len(self._shapes):
            return np.zeros((0, len(self._shapes)), dtype=np.bool_)
        member = AreaGrid(list(self._shapes)).covers(to_plane(self._towns.lonlat, self._epsg))
        for column, ground in enumerate(self._grounds):
            named = self._towns.ward == ground.name
            if named.any():
                member[:, column] = named
        return member

    def _touched_grounds(
        self,
        union: BaseGeometry,
        persons: NDArray[np.float64] | None,
        households: NDArray[np.float64] | None,
    ) -> tuple[TouchedGround, ...]:
        if not len(self._shapes):
            return ()
        shapely.prepare(union)
        rows = np.flatnonzero(shapely.intersects(union, self._shapes))
        covered = covered_m2(union, self._shapes[rows])
        found = []
        for row, area_m2 in zip(rows, covered, strict=True):
            there = self._town_in[:, row] if persons is not None else None
            found.append(
                TouchedGround(
                    kind=self._grounds[row].kind,
                    code=self._grounds[row].code,
                    name=self._grounds[row].name,
                    share=min(float(area_m2 / self._shapes[row].area), 1.0),
                    persons=_sum(None if persons is None else persons[there]),
                    households=_sum(None if households is None else households[there]),
                )
            )
        return tuple(found)

    def _touched_mesh(self, areas_lonlat: Sequence[Polygon | MultiPolygon]) -> tuple[TouchedMesh, ...]:
        union = shapely.union_all(list(areas_lonlat)) if len(areas_lonlat) else Polygon()
        boxes, centres = mesh_boxes(union)
        if not len(boxes):
            return ()
        share = np.ones(len(boxes))
        partly = ~shapely.contains_properly(union, boxes)
        share[partly] = np.minimum(covered_m2(union, boxes[partly]) / shapely.area(boxes[partly]), 1.0)
        people = self._people_per_mesh(centres, boxes)
        return tuple(
            TouchedMesh(
                code=mesh_code(float(lon), float(lat), MeshOrder.QUARTER),
                share=float(one),
                persons=None if people is None else round(float(people[row] * one)),
            )
            for row, ((lon, lat), one) in enumerate(zip(centres, share, strict=True))
        )

    def _people_per_mesh(
        self, centres: NDArray[np.float64], boxes: NDArray[np.object_]
    ) -> NDArray[np.float64] | None:
        """(b,) people of whole mesh cells, as densely as in the cell of the town at their centre."""
        if self._cells is None or self._towns is None:
            return None
        heads = np.bincount(
            self._cells.cell_of, weights=self._towns.persons, minlength=len(self._cells.area_m2)
        )
        density = np.append(heads / self._cells.area_m2, 0.0)  # -1, in no town: nobody
        on_plane = shapely.transform(boxes, lambda pairs: to_plane(pairs, self._epsg))
        rows = self._cells.rows_at(to_plane(centres, self._epsg))
        return np.asarray(density[rows] * shapely.area(on_plane))


def _sum(values: NDArray[np.float64] | None) -> int | None:
    """The whole sum; None where there is no table or any part of it is unknown."""
    return None if values is None else _whole(float(values.sum()))


def _whole(value: float) -> int | None:
    return None if np.isnan(value) else round(value)
