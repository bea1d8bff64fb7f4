"""What the published maps say of the water at many places: what 屋内安全確保 is decided by. Unknown is never "dry".

hazard layers ─▶ WaterMaps ─▶ of(hazard, places) ─▶ Water: depth · duration · zones one must leave

Depth and duration are the upper ends of their classes. Of several maps the worst counts, and where one of them knows
nothing of a place, nothing is known. 計画規模 is left out: the map of 想定最大規模 is the one that decides.
Zones one must leave are 家屋倒壊等氾濫想定区域, and 土砂災害（特別）警戒区域 whatever the order is for: it is the
same rain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import reduce

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area_grid import AreaGrid
from geodata.catalogue import OUTSIDE, UNKNOWN
from geodata.crs import to_plane
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind
from shelters.dangers import Water

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PLANNED_SCALE = "flood_plan"


class WaterMaps:
    """Depths, durations and zones of every hazard, laid out once and asked for many places.

    epsg: the plane of the places. widen_m: areas grow by the rounding of places. samples: take maps that are samples
    (見本) for knowledge; only a drill may. rivers_with_zones: rivers, as the depth map names them, of which the city
    knows that their 家屋倒壊等氾濫想定区域 are published along the whole stretch: outside these zones then is outside.
    Without that word, a map without published coverage leaves it unknown.
    """

    def __init__(
        self,
        layers: Iterable[HazardLayer],
        epsg: int,
        *,
        widen_m: float = 8.0,
        samples: bool = False,
        rivers_with_zones: Collection[str] = (),
    ) -> None:
        self._layers = tuple(one for one in layers if samples or not one.sample)
        self._epsg, self._widen_m = epsg, widen_m
        self._rivers = frozenset(rivers_with_zones) - {""}
        self._maps: dict[str, _Map] = {}

    def of(self, hazard: HazardKind, xy_m: Floats) -> Water | None:
        """The water at (n, 2) places under this hazard; None where no map tells depths of it."""
        mine = [one for one in self._layers if one.hazard is hazard and one.key != PLANNED_SCALE]
        depths = [one for one in mine if _tells_depth(one)]
        if not depths:
            return None
        durations = [one for one in mine if _tells_duration(one)]
        zones = [one for one in mine if not _tells_depth(one) and not _tells_duration(one)]
        slopes = [one for one in self._layers if one.hazard is HazardKind.LANDSLIDE]

        depth_m = self._worst(depths, xy_m, _depth_m)
        dry = depth_m == 0.0
        duration_h = self._worst(durations, xy_m, _duration_h) if durations else np.full(len(xy_m), np.nan)
        return Water(
            depth_m=depth_m,
            duration_h=np.where(dry, 0.0, duration_h),
            # Banks are torn away where no water comes to stand, too: dry ground by a river is not outside of that.
            collapse_zone=self._must_leave(
                depths, zones, slopes, xy_m, dry & (hazard is not HazardKind.FLOOD)
            ),
        )

    def _worst(
        self, layers: Sequence[HazardLayer], xy_m: Floats, of: Callable[[HazardClass], float]
    ) -> Floats:
        """(n,) the largest value any of the maps gives; nan where one of them knows nothing."""
        values = []
        for layer in layers:
            by_class = np.array(
                [*map(of, layer.classes), np.nan, 0.0]
            )  # UNKNOWN and OUTSIDE count from the end
            values.append(by_class[self._map(layer).classes(xy_m)])
        worst: Floats = reduce(np.maximum, values)  # maximum keeps nan
        return worst

    def _must_leave(
        self,
        depths: Sequence[HazardLayer],
        zones: Sequence[HazardLayer],
        slopes: Sequence[HazardLayer],
        xy_m: Floats,
        dry: Bools,
    ) -> NDArray[np.int8]:
        """(n,) 1 inside such a zone, 0 outside of all, -1 where nobody knows."""
        outside = np.full(len(xy_m), bool(zones))
        inside = np.zeros(len(xy_m), dtype=np.bool_)
        for layer in zones:
            found = self._map(layer).classes(xy_m)
            inside |= found >= 0
            outside &= found == OUTSIDE
        if self._rivers and zones:
            outside |= self._all_rivers_known(depths, xy_m)
        for layer in slopes:
            inside |= self._map(layer).classes(xy_m) >= 0
        zone = np.where(outside | dry, 0, -1)
        zone[inside] = 1
        return zone.astype(np.int8)

    def _all_rivers_known(self, depths: Sequence[HazardLayer], xy_m: Floats) -> Bools:
        """(n,) True where the water of some river comes, and of each that comes the zones are known."""
        some, every = np.zeros(len(xy_m), np.bool_), np.ones(len(xy_m), np.bool_)
        for layer in depths:
            known, other = self._map(layer).rivers(xy_m, self._rivers)
            some |= known
            every &= ~other
        return some & every

    def _map(self, layer: HazardLayer) -> _Map:
        if layer.key not in self._maps:
            self._maps[layer.key] = _Map(layer, self._epsg, self._widen_m)
        return self._maps[layer.key]


class _Map:
    """One layer on the plane, its areas widened."""

    def __init__(self, layer: HazardLayer, epsg: int, widen_m: float) -> None:
        self._layer = layer
        self._areas = shapely.buffer(_on_plane(layer.areas_lonlat, epsg), widen_m, quad_segs=2)
        self._grid = AreaGrid(list(self._areas), layer.class_row)
        self._rivers: tuple[frozenset[str], AreaGrid] | None = None
        coverage = np.empty(1, dtype=np.object_)
        coverage[0] = layer.coverage_lonlat
        self._coverage = None if layer.coverage_lonlat is None else AreaGrid(list(_on_plane(coverage, epsg)))

    def classes(self, xy_m: Floats) -> Ints:
        """(n,) row of the worst class a place is in, else OUTSIDE or UNKNOWN."""
        rows = np.full(len(xy_m), UNKNOWN, dtype=np.int64)
        if self._coverage is not None:
            rows[self._coverage.covers(xy_m)[:, 0]] = OUTSIDE
        inside = self._grid.covers(xy_m)
        # Mild to bad, so that the worst is what stays.
        for row in sorted(range(inside.shape[1]), key=lambda one: self._layer.classes[one].rank):
            rows[inside[:, row]] = row
        return rows

    def rivers(self, xy_m: Floats, known: frozenset[str]) -> tuple[Bools, Bools]:
        """(n,) in an area of one of these rivers; (n,) in an area of any other, or of a river without a name."""
        if self._rivers is None or self._rivers[0] != known:
            other = np.array([str(one) not in known for one in self._layer.label], dtype=np.int64)
            self._rivers = known, AreaGrid(list(self._areas), other)
        found = self._rivers[1].covers(xy_m)
        columns = [found[:, one] if one < found.shape[1] else np.zeros(len(xy_m), np.bool_) for one in (0, 1)]
        return columns[0], columns[1]


def _on_plane(areas_lonlat: NDArray[np.object_], epsg: int) -> NDArray[np.object_]:
    return np.asarray(
        shapely.transform(areas_lonlat, lambda pairs: to_plane(pairs, epsg)), dtype=np.object_
    ).reshape(-1)


def _tells_depth(layer: HazardLayer) -> bool:
    return any(
        one.depth_unknown or one.depth_min_m is not None or one.depth_max_m is not None
        for one in layer.classes
    )


def _tells_duration(layer: HazardLayer) -> bool:
    return any(one.duration_min_h is not None or one.duration_max_h is not None for one in layer.classes)


def _depth_m(one: HazardClass) -> float:
    """Up to how deep. 「3m未満」 ends just below 3 m: the class above begins there."""
    if one.depth_unknown or (one.depth_min_m is None and one.depth_max_m is None):
        return float("nan")
    if one.depth_max_m is None:
        return float("inf")
    return one.depth_max_m if "以下" in one.ja else float(np.nextafter(one.depth_max_m, 0.0))


def _duration_h(one: HazardClass) -> float:
    if one.duration_min_h is None and one.duration_max_h is None:
        return float("nan")
    return float("inf") if one.duration_max_h is None else one.duration_max_h
