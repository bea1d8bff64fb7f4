"""What every road file becomes, however it was written: lines gathered one by one, arrays at the end.

roads_osm, roads_geojson ─▶ LineGatherer ─▶ RoadsParsed (RoadLines, rejected, counts)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geodata.areas import DEGREE_UNITS, Bbox
from geodata.errors import UnreadableRoads
from geodata.foot_tags import Walkable, WhyNot
from geodata.importers.tables import Rejected
from geodata.roads import RoadLines, clipped, split_at_shut

MARGIN_DEG = 0.01
"""Roads up to about 1 km outside the city are kept: the way to a site may run there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadsParsed:
    """A road file as read. roads.passed_over counts by `WhyNot`; the row of a rejected feature counts from 1.

    cut_short: lines that lost vertices the file does not hold; remarks_ja: what the layout cannot tell, to be shown
    with the import.
    """

    roads: RoadLines
    rejected: tuple[Rejected, ...] = ()
    cut_short: int = 0
    remarks_ja: tuple[str, ...] = ()


@dataclass(slots=True)
class LineGatherer:
    """What lines are, as they are read; their positions come at the end, all at once."""

    passed_over: Counter[str] = field(default_factory=Counter)
    _counts: list[int] = field(default_factory=list)
    _verdicts: list[Walkable] = field(default_factory=list)
    _name: list[int] = field(default_factory=list)
    _names: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, vertices: int, verdict: Walkable, name: str = "", name_en: str = "") -> bool:
        """Take a line of so many vertices; False, and counted, when that is no line (fewer than two)."""
        if vertices < 2:
            self.passed_over[WhyNot.NO_VERTICES] += 1
            return False
        self._counts.append(vertices)
        self._verdicts.append(verdict)
        self._name.append(self._names.setdefault((name, name_en), len(self._names)) if name else -1)
        return True

    def lines(
        self,
        lonlat: NDArray[np.float64],
        source: str,
        bbox: Bbox,
        shut_lonlat: NDArray[np.float64] | None = None,
    ) -> RoadLines:
        """Everything gathered, clipped to `bbox`; lonlat: (k, 2) the vertices of the lines taken, in their order."""
        english = tuple(name_en for _, name_en in self._names)
        roads = RoadLines(
            lonlat=np.rint(lonlat * DEGREE_UNITS) / DEGREE_UNITS,
            first=np.concatenate([[0], np.cumsum(self._counts)]).astype(np.int64),
            kind=np.array([one.kind for one in self._verdicts], dtype=np.int8),
            flags=np.array([one.flags for one in self._verdicts], dtype=np.uint8),
            layer=np.array([one.layer for one in self._verdicts], dtype=np.int8),
            name=np.array(self._name, dtype=np.int32),
            names=tuple(name for name, _ in self._names),
            names_en=english if any(english) else (),
            source=source,
            passed_over={},
            shut_lonlat=np.empty((0, 2)) if shut_lonlat is None else shut_lonlat,
        )
        inside, outside = clipped(roads, bbox)
        if outside:
            self.passed_over[WhyNot.OUTSIDE] += outside
        counts = {str(why): count for why, count in sorted(self.passed_over.items())}
        return replace(split_at_shut(inside), passed_over=counts)


def refuse_elsewhere(roads: RoadLines, expected: str, bbox: Bbox) -> None:
    """Raises UnreadableRoads for a file of roads of which none lies in the city: another city's, most likely."""
    outside = roads.passed_over.get(WhyNot.OUTSIDE, 0)
    if outside and not len(roads):
        raise UnreadableRoads(expected=expected, detail=f"{outside}本の道がすべて対象市域（{bbox}）の外です")


def with_margin(bbox: Bbox, margin_deg: float = MARGIN_DEG) -> Bbox:
    """The rectangle grown on every side."""
    return Bbox(
        bbox.west - margin_deg, bbox.south - margin_deg, bbox.east + margin_deg, bbox.north + margin_deg
    )
