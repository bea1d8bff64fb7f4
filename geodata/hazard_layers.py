"""What a published hazard map says: classes in their order, areas in arrays, and how far it knows anything.

file ─▶ importers.ksj… / areas by mapping ─▶ HazardLayer ─▶ catalogue: points ─▶ classes · areas ─▶ towns, people
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geodata.hazards import HazardKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardClass:
    """One class of a layer; `rank` rises with danger. Depths in metres, None where the class has none.

    depth_max_m None with a depth_min_m: open-ended ("20 m and more"); durations in hours in the same way.
    depth_unknown: water is expected and nobody says how deep. Its rank is above all others, because it may be
    any of them: unknown is never taken for shallow.
    """

    code: str  # stable, ours: "flood_3", "landslide_special", "tsunami_3_5"
    rank: int
    ja: str  # as published
    depth_min_m: float | None = None
    depth_max_m: float | None = None
    depth_unknown: bool = False
    duration_min_h: float | None = None
    duration_max_h: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardLayer:
    """k areas of one hazard map. Where no area lies, the layer says "outside" only within its coverage.

    areas_lonlat: (k,) object Polygon or MultiPolygon, degrees, valid; class_row: (k,) int16 row in `classes`;
    label: (k,) object str, a river or a place of the source, "" where it has none.
    coverage_lonlat: the ground the map was made for; None = not published, so outside every area is "unknown".
    """

    # flood_max, flood_plan, flood_duration, flood_house, landslide, tsunami, storm_surge, or the settings' own
    key: str
    hazard: HazardKind
    name_ja: str  # 洪水浸水想定区域（想定最大規模）
    classes: tuple[HazardClass, ...]
    areas_lonlat: NDArray[np.object_]
    class_row: NDArray[np.int16]
    label: NDArray[np.object_]
    coverage_lonlat: Polygon | MultiPolygon | None
    source: str
    version: str  # of the source, as published: "A31a-22", a date
    valid_from: date | None = None
    valid_until: date | None = None
    sample: bool = False  # 見本・実際の区域ではありません

    def __len__(self) -> int:
        return len(self.areas_lonlat)

    def only(self, rows: NDArray[np.intp]) -> HazardLayer:
        """The same layer with the areas of these rows alone, in their order."""
        return replace(
            self,
            areas_lonlat=self.areas_lonlat[rows],
            class_row=self.class_row[rows],
            label=self.label[rows],
        )
