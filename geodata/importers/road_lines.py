"""What every road file becomes, however it was written: lines gathered one by one, arrays at the end.

roads_osm, roads_geojson ─▶ LineGatherer ─▶ RoadsParsed (RoadLines, rejected, counts)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

import numpy as np

from geodata.areas import DEGREE_UNITS, Bbox
from geodata.foot_tags import Walkable, WhyNot
from geodata.importers.tables import Rejected
from geodata.roads import RoadLines, clipped

MARGIN_DEG = 0.01
"""Roads up to about 1 km outside the city are kept: the way to a site may run there."""

LonLat = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadsParsed:
    """A road file as read. roads.passed_over counts by `WhyNot`; a rejected row is a feature from 1 or a way's id.

    cut_short: lines that lost vertices the file does not hold; remarks_ja: what the layout cannot tell, to be shown
    with the import.
    """

    roads: RoadLines
    rejected: tuple[Rejected, ...] = ()
    cut_short: int = 0
    remarks_ja: tuple[str, ...] = ()


@dataclass(slots=True)
class LineGatherer:
    """Lines as they are read; `lines` makes arrays of them."""

    passed_over: Counter[str] = field(default_factory=Counter)
    _pairs: list[Sequence[LonLat]] = field(default_factory=list)
    _verdicts: list[Walkable] = field(default_factory=list)
    _name: list[int] = field(default_factory=list)
    _names: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, lonlat: Sequence[LonLat], verdict: Walkable, name: str = "", name_en: str = "") -> None:
        """A line of two or more [lon, lat, …]; shorter ones are counted and left out."""
        if len(lonlat) < 2:
            self.passed_over[WhyNot.NO_VERTICES] += 1
            return
        self._pairs.append(lonlat)
        self._verdicts.append(verdict)
        self._name.append(self._names.setdefault((name, name_en), len(self._names)) if name else -1)

    def lines(self, source: str, bbox: Bbox, shut_lonlat: Iterable[LonLat] = ()) -> RoadLines:
        """Everything gathered, clipped to `bbox`, names in the order they came."""
        counts = [len(one) for one in self._pairs]
        total = sum(counts)
        every = list(chain.from_iterable(self._pairs))
        lonlat = np.empty((total, 2))
        lonlat[:, 0] = np.fromiter((one[0] for one in every), np.float64, total)
        lonlat[:, 1] = np.fromiter((one[1] for one in every), np.float64, total)
        shut = np.array([[one[0], one[1]] for one in shut_lonlat], dtype=np.float64).reshape(-1, 2)
        english = tuple(name_en for _, name_en in self._names)
        roads = RoadLines(
            lonlat=np.rint(lonlat * DEGREE_UNITS) / DEGREE_UNITS,
            first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            kind=np.array([one.kind for one in self._verdicts], dtype=np.int8),
            flags=np.array([one.flags for one in self._verdicts], dtype=np.uint8),
            layer=np.array([one.layer for one in self._verdicts], dtype=np.int8),
            name=np.array(self._name, dtype=np.int32),
            names=tuple(name for name, _ in self._names),
            names_en=english if any(english) else (),
            source=source,
            passed_over={},
            shut_lonlat=shut,
        )
        inside, outside = clipped(roads, bbox)
        if outside:
            self.passed_over[WhyNot.OUTSIDE] += outside
        return replace(
            inside, passed_over={str(why): count for why, count in sorted(self.passed_over.items())}
        )


def with_margin(bbox: Bbox, margin_deg: float = MARGIN_DEG) -> Bbox:
    """The rectangle grown on every side."""
    return Bbox(
        bbox.west - margin_deg, bbox.south - margin_deg, bbox.east + margin_deg, bbox.north + margin_deg
    )


def split_at(lonlat: Sequence[LonLat], shut: frozenset[tuple[int, int]]) -> list[Sequence[LonLat]]:
    """The line cut where it passes a shut place; both parts keep the place as their end."""
    cuts = [
        n
        for n, one in enumerate(lonlat[1:-1], start=1)
        if (round(one[0] * DEGREE_UNITS), round(one[1] * DEGREE_UNITS)) in shut
    ]
    if not cuts:
        return [lonlat]
    return [lonlat[low : high + 1] for low, high in pairwise([0, *cuts, len(lonlat) - 1])]
