"""Road lines drawn in a few lines, in plane metres around a corner of Sendai, without any file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geodata.crs import to_lonlat, to_plane
from geodata.network import WalkNetwork
from geodata.roads import RoadKind, RoadLines

CORNER_LONLAT = (140.87, 38.26)
Point = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """One line through points given in metres east and north of the corner."""

    points: Sequence[Point]
    kind: RoadKind = RoadKind.ROAD
    flags: int = 0
    layer: int = 0
    name: str = ""


def road_lines(*ways: Way | Sequence[Point], shut: Sequence[Point] = ()) -> RoadLines:
    """The lines as an importer would give them."""
    drawn = [one if isinstance(one, Way) else Way(one) for one in ways]
    names = tuple(dict.fromkeys(one.name for one in drawn if one.name))
    return RoadLines(
        lonlat=lonlat([point for one in drawn for point in one.points]),
        first=np.concatenate([[0], np.cumsum([len(one.points) for one in drawn])]).astype(np.int64),
        kind=np.array([one.kind for one in drawn], dtype=np.int8),
        flags=np.array([one.flags for one in drawn], dtype=np.uint8),
        layer=np.array([one.layer for one in drawn], dtype=np.int8),
        name=np.array([names.index(one.name) if one.name else -1 for one in drawn], dtype=np.int32),
        names=names,
        source="drawn",
        passed_over={},
        shut_lonlat=lonlat(shut),
    )


def lonlat(points: Sequence[Point]) -> np.ndarray:
    """Degrees, rounded as importers round them."""
    metres = np.array(points, dtype=np.float64).reshape(-1, 2)
    return np.round(to_lonlat(metres + to_plane([CORNER_LONLAT])), 7) if len(metres) else np.empty((0, 2))


def at(network: WalkNetwork, point: Point) -> list[int]:
    """The vertices at a drawn point (a bridge over a road has two)."""
    gap = np.hypot(*(network.xy_m - (np.array(point) + to_plane([CORNER_LONLAT]))).T)
    return [int(row) for row in np.flatnonzero(gap < 0.05)]
