"""Roads and paths as arrays, however they were read: what an importer of roads hands to the walking network.

.osm.pbf, GeoJSON lines ─▶ importers ─▶ RoadLines ─▶ network.build ─▶ WalkNetwork
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from geodata.areas import DEGREE_UNITS, Bbox


class RoadKind(IntEnum):
    """What a walker sees. The order is from the widest road to the narrowest way."""

    MAIN_ROAD = 0  # trunk, primary, secondary
    ROAD = 1  # tertiary, unclassified, residential
    SERVICE = 2  # service, living street, track
    PEDESTRIAN = 3  # pedestrian street, footway, cycleway, path
    STEPS = 4
    UNKNOWN = 5  # the source does not say


class RoadFlag(IntFlag):
    """What may close a way, or make it hard to walk."""

    BRIDGE = 1
    TUNNEL = 2  # also covered passages
    UNDERPASS = 4  # below other roads or rails: floods first
    FORD = 8
    INDOOR = 16  # open only while the building is


@dataclass(frozen=True, slots=True)
class RoadLines:
    """n lines a person may walk along. Lines meet where they share a vertex (the same 1e-7° position).

    lonlat: (k, 2) float64 degrees, all vertices one line after the other; first: (n + 1,) int64 offsets into
    them; kind: (n,) int8 `RoadKind`; flags: (n,) uint8 `RoadFlag`; layer: (n,) int8, 0 = on the ground, lines
    of different layers that cross without a shared vertex do not meet; name: (n,) int32 row in `names`, -1
    where nobody named it; names: as written in the source; passed_over: reason → lines not for walkers;
    names_en: the same rows in English, "" where the source has none (or nothing at all: no name has one).
    shut_lonlat: (s, 2) places nobody gets through (a locked gate): lines end there and never meet.
    Vertices inside two lines of different layers that lie at one position do not meet either: a bridge over a
    road. Where a line ends, it meets all that is there.
    """

    lonlat: NDArray[np.float64]
    first: NDArray[np.int64]
    kind: NDArray[np.int8]
    flags: NDArray[np.uint8]
    layer: NDArray[np.int8]
    name: NDArray[np.int32]
    names: tuple[str, ...]
    source: str
    passed_over: dict[str, int]
    names_en: tuple[str, ...] = ()
    shut_lonlat: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    def __len__(self) -> int:
        return len(self.kind)


def clipped(roads: RoadLines, bbox: Bbox) -> tuple[RoadLines, int]:
    """The lines with only their vertices in `bbox`, and how many leave nothing there.

    A line that leaves and comes back becomes several; a single vertex is no line. Names nobody bears any more go.
    """
    west_south, east_north = (bbox.west, bbox.south), (bbox.east, bbox.north)
    inside: NDArray[np.bool_] = np.all(
        (roads.lonlat >= west_south) & (roads.lonlat <= east_north), axis=1, keepdims=True
    ).ravel()
    if inside.all():
        return roads, 0
    line = np.repeat(np.arange(len(roads)), np.diff(roads.first))
    begins, goes_on = inside.copy(), inside.copy()
    begins[1:] &= ~(inside[:-1] & (line[1:] == line[:-1]))
    goes_on[:-1] &= inside[1:] & (line[1:] == line[:-1])
    goes_on[-1:] = False
    kept = inside & ~(begins & ~goes_on)
    rows = line[begins & kept]
    outside = len(roads) - len(np.unique(rows))
    borne, name = np.unique(roads.name[rows], return_inverse=True)
    nameless = int(np.count_nonzero(borne < 0))
    borne = borne[nameless:]
    lines = replace(
        roads,
        lonlat=roads.lonlat[kept],
        first=np.concatenate([np.flatnonzero(begins[kept]), [int(kept.sum())]]).astype(np.int64),
        kind=roads.kind[rows],
        flags=roads.flags[rows],
        layer=roads.layer[rows],
        name=(name - nameless).astype(np.int32),
        names=tuple(roads.names[row] for row in borne),
        names_en=tuple(roads.names_en[row] for row in borne) if roads.names_en else (),
    )
    return lines, outside


def split_at_shut(roads: RoadLines) -> RoadLines:
    """The lines cut where they pass a shut place; both parts keep the place as their end."""
    inner = np.ones(len(roads.lonlat), dtype=np.bool_)
    inner[roads.first[:-1]] = inner[roads.first[1:] - 1] = False
    cuts = np.flatnonzero(inner & np.isin(_place_keys(roads.lonlat), _place_keys(roads.shut_lonlat)))
    if not len(cuts):
        return roads
    rows = np.repeat(np.arange(len(roads)), 1 + _cuts_of_each(cuts, roads.first))
    places = np.repeat(np.arange(len(roads.lonlat)), 1 + np.bincount(cuts, minlength=len(roads.lonlat)))
    # The second of a doubled place starts a part.
    doubled = np.flatnonzero(places[1:] == places[:-1]) + 1
    starts = np.searchsorted(places, roads.first[:-1])
    return replace(
        roads,
        lonlat=roads.lonlat[places],
        first=np.concatenate([np.sort(np.concatenate([starts, doubled])), [len(places)]]).astype(np.int64),
        kind=roads.kind[rows],
        flags=roads.flags[rows],
        layer=roads.layer[rows],
        name=roads.name[rows],
    )


def _place_keys(lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
    units = np.rint(lonlat * DEGREE_UNITS).astype(np.int64)
    keys: NDArray[np.int64] = units[:, 0] * (1 << 32) + units[:, 1]
    return keys


def _cuts_of_each(cuts: NDArray[np.intp], first: NDArray[np.int64]) -> NDArray[np.intp]:
    return np.bincount(np.searchsorted(first, cuts, side="right") - 1, minlength=len(first) - 1)
