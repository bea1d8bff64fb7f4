"""What every published map says of many places at once, and what it does not know.

layers ─▶ HazardCatalogue ─▶ points → per layer the worst class · outside, where the map was made for · unknown
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geodata.area_grid import AreaGrid
from geodata.crs import to_plane
from geodata.hazard_layers import HazardClass, HazardLayer

OUTSIDE = -1
"""In no area, and on ground the map was made for."""
UNKNOWN = -2
"""In no area, and nobody says that the map looked there. Never "safe"."""


class Answer(StrEnum):
    """What a map says of one place."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"

    @property
    def ja(self) -> str:
        """For a page."""
        return {"inside": "区域内", "outside": "区域外", "unknown": "不明（対象範囲の公表なし）"}[self.value]


@dataclass(frozen=True, slots=True)
class Found:
    """class_row: (n, L) int16, per layer the row of the worst class a point lies in, else OUTSIDE or UNKNOWN."""

    layers: tuple[HazardLayer, ...]
    class_row: NDArray[np.int16]

    def worst_depth_m(self) -> NDArray[np.float64]:
        """(n, L) metres up to which the water may stand: the upper end of the class, inf where it is open.

        0 outside of all areas on ground the map was made for. nan wherever nobody knows: outside its coverage,
        in a class without depths, or of unknown depth.
        """
        depths = np.full(self.class_row.shape, np.nan)
        for column, layer in enumerate(self.layers):
            of_class = np.array([*map(_depth_m, layer.classes), np.nan, 0.0])  # -2 and -1 count from the end
            depths[:, column] = of_class[self.class_row[:, column]]
        return depths

    def ranks(self) -> NDArray[np.int16]:
        """(n, L) the rank of the class; 0 outside, -1 unknown."""
        ranks = np.zeros(self.class_row.shape, dtype=np.int16)
        for column, layer in enumerate(self.layers):
            of_class = np.array([*(one.rank for one in layer.classes), -1, 0], dtype=np.int16)
            ranks[:, column] = of_class[self.class_row[:, column]]
        return ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHazard:
    """What a page shows of one map at one place. labels: rivers, names of the areas of that class.

    stale: the day is not within the validity of the map; it is shown all the same, and said.
    """

    key: str
    name_ja: str
    answer: Answer
    class_: HazardClass | None
    labels: tuple[str, ...]
    source: str
    version: str
    stale: bool
    sample: bool

    @property
    def ja(self) -> str:
        """The class as published, or that it is outside or unknown."""
        return self.answer.ja if self.class_ is None else self.class_.ja


class HazardCatalogue:
    """Layers cut into grids once, asked for many points in one call.

    epsg None: points are degrees lon, lat; a plane: points are metres x, y on it. A point on an edge is inside.
    """

    def __init__(self, layers: Sequence[HazardLayer], *, epsg: int | None = None) -> None:
        self.layers = tuple(layers)
        self._epsg = epsg
        self._classes = [_grid(layer, epsg) for layer in self.layers]
        self._coverage = [_coverage_grid(layer, epsg) for layer in self.layers]

    def __len__(self) -> int:
        return len(self.layers)

    def at(self, points: ArrayLike) -> Found:
        """(n, 2) points → the worst class of every layer."""
        pairs = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        rows = np.full((len(pairs), len(self.layers)), UNKNOWN, dtype=np.int16)
        for column, layer in enumerate(self.layers):
            self._fill(rows[:, column], pairs, layer, column)
        return Found(self.layers, rows)

    def place(self, lon: float, lat: float, *, on: date) -> list[PlaceHazard]:
        """What every map says of one place, in the order of the layers. on: the day, for the validity."""
        point = np.array([[lon, lat]]) if self._epsg is None else to_plane([[lon, lat]], self._epsg)
        rows = self.at(point).class_row[0]
        return [
            _place_hazard(layer, int(row), lon, lat, on) for layer, row in zip(self.layers, rows, strict=True)
        ]

    def stale(self, on: date) -> tuple[bool, ...]:
        """Per layer, whether its validity has passed or has not begun."""
        return tuple(is_stale(one, on) for one in self.layers)

    def _fill(
        self, rows: NDArray[np.int16], pairs: NDArray[np.float64], layer: HazardLayer, column: int
    ) -> None:
        coverage = self._coverage[column]
        if coverage is not None:
            rows[coverage.covers(pairs)[:, 0]] = OUTSIDE
        inside = self._classes[column].covers(pairs)
        # Mild to bad, so that the worst is what stays.
        for row in sorted(range(inside.shape[1]), key=lambda one: layer.classes[one].rank):
            rows[inside[:, row]] = row


def is_stale(layer: HazardLayer, on: date) -> bool:
    """Whether a day lies outside the validity of a layer; both its days are within."""
    before = layer.valid_from is not None and on < layer.valid_from
    after = layer.valid_until is not None and on > layer.valid_until
    return before or after


def _grid(layer: HazardLayer, epsg: int | None) -> AreaGrid:
    return AreaGrid(list(_in_coordinates(layer.areas_lonlat, epsg)), layer.class_row)


def _coverage_grid(layer: HazardLayer, epsg: int | None) -> AreaGrid | None:
    if layer.coverage_lonlat is None:
        return None
    one = np.empty(1, dtype=np.object_)
    one[0] = layer.coverage_lonlat
    return AreaGrid(list(_in_coordinates(one, epsg)))


def _in_coordinates(areas_lonlat: NDArray[np.object_], epsg: int | None) -> NDArray[np.object_]:
    if epsg is None or not len(areas_lonlat):
        return areas_lonlat
    return np.asarray(shapely.transform(areas_lonlat, lambda pairs: to_plane(pairs, epsg)), dtype=np.object_)


def _depth_m(one: HazardClass) -> float:
    if one.depth_unknown or one.depth_min_m is None:
        return float("nan") if one.depth_max_m is None or one.depth_unknown else one.depth_max_m
    return float("inf") if one.depth_max_m is None else one.depth_max_m


def _place_hazard(layer: HazardLayer, row: int, lon: float, lat: float, on: date) -> PlaceHazard:
    answer = {OUTSIDE: Answer.OUTSIDE, UNKNOWN: Answer.UNKNOWN}.get(row, Answer.INSIDE)
    labels: tuple[str, ...] = ()
    if answer is Answer.INSIDE:
        same = np.flatnonzero(layer.class_row == row)
        held = shapely.intersects_xy(layer.areas_lonlat[same], lon, lat)
        labels = tuple(dict.fromkeys(str(one) for one in layer.label[same[held]] if one))
    return PlaceHazard(
        key=layer.key,
        name_ja=layer.name_ja,
        answer=answer,
        class_=layer.classes[row] if answer is Answer.INSIDE else None,
        labels=labels,
        source=layer.source,
        version=layer.version,
        stale=is_stale(layer, on),
        sample=layer.sample,
    )
