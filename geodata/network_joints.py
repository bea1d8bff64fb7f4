"""Where lines meet: positions become vertices, lines become segments between them.

RoadLines ─▶ places at 1e-7° ─▶ vertices (bridge over road: two at one place) ─▶ segments, each once
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geodata.areas import DEGREE_UNITS
from geodata.roads import RoadKind, RoadLines

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

EQUATOR_M = 6_378_137.0
FLATTENING = 1 / 298.257222101  # GRS80, the ellipsoid of JGD2011


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """s straight pieces between two of v vertices; every pair of (a, b), flags and steps at most once.

    lonlat: (v, 2) degrees. a, b: (s,) vertex rows. length_m: (s,) metres on the ellipsoid. kind, flags, name: (s,)
    as in RoadLines. shut: (v,) True where a gate nobody opens ends a way.
    """

    lonlat: Floats
    shut: NDArray[np.bool_]
    a: Rows
    b: Rows
    length_m: Floats
    kind: NDArray[np.int8]
    flags: NDArray[np.uint8]
    name: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.a)

    @property
    def steps(self) -> NDArray[np.bool_]:
        """(s,) True on stairs."""
        steps: NDArray[np.bool_] = self.kind == RoadKind.STEPS
        return steps

    def take(self, rows: NDArray[np.bool_] | Rows) -> Segments:
        """Some of the segments; the vertices stay."""
        return replace(
            self,
            a=self.a[rows],
            b=self.b[rows],
            length_m=self.length_m[rows],
            kind=self.kind[rows],
            flags=self.flags[rows],
            name=self.name[rows],
        )

    def without_idle_vertices(self) -> Segments:
        """The same segments with the vertices nobody uses left out, the others in the same order."""
        used = np.zeros(len(self.lonlat), dtype=np.bool_)
        used[self.a] = used[self.b] = True
        row = np.cumsum(used) - 1
        return replace(self, lonlat=self.lonlat[used], shut=self.shut[used], a=row[self.a], b=row[self.b])


def join_lines(roads: RoadLines) -> tuple[Segments, int, int]:
    """The segments, and how many pieces of lines had no length or were drawn twice."""
    lonlat, shut, vertex = _vertices(roads)
    line_of = np.repeat(np.arange(len(roads)), np.diff(roads.first))
    start = np.flatnonzero(line_of[1:] == line_of[:-1])
    line = line_of[start]
    low, high = np.minimum(vertex[start], vertex[start + 1]), np.maximum(vertex[start], vertex[start + 1])
    moving = low != high
    pieces = Segments(
        lonlat=lonlat,
        shut=shut,
        a=low[moving],
        b=high[moving],
        length_m=np.zeros(int(moving.sum())),
        kind=roads.kind[line[moving]],
        flags=roads.flags[line[moving]],
        name=roads.name[line[moving]],
    )
    once = pieces.take(_first_of_each(pieces))
    once = replace(once, length_m=metres_between(lonlat[once.a], lonlat[once.b]))
    return once, int((~moving).sum()), len(pieces) - len(once)


def metres_between(from_lonlat: Floats, to_lonlat: Floats) -> Floats:
    """(n,) metres on the ellipsoid between (n, 2) places a few kilometres apart at most (1e-6 of the length)."""
    lon, lat = np.radians(to_lonlat - from_lonlat).T
    middle = np.radians((from_lonlat[:, 1] + to_lonlat[:, 1]) / 2)
    squared = FLATTENING * (2 - FLATTENING)
    bend = 1 - squared * np.sin(middle) ** 2
    north = EQUATOR_M * (1 - squared) / bend**1.5
    east = EQUATOR_M / np.sqrt(bend) * np.cos(middle)
    return np.asarray(np.hypot(lon * east, lat * north))


def _vertices(roads: RoadLines) -> tuple[Floats, NDArray[np.bool_], Rows]:
    """(v, 2) degrees of the vertices, (v,) whether shut, and (k,) the vertex of each position of the lines.

    Vertices are numbered along a Z-order curve: what is near lies near in memory too.
    """
    units = np.rint(roads.lonlat * DEGREE_UNITS).astype(np.int64)
    _, first_seen, place = np.unique(_along_curve(units), return_index=True, return_inverse=True)
    place_units = units[first_seen]
    shut = np.isin(
        _along_curve(place_units),
        _along_curve(np.rint(roads.shut_lonlat * DEGREE_UNITS).astype(np.int64)),
    )
    layer = np.repeat(roads.layer.astype(np.int64), np.diff(roads.first))
    layer -= layer.min(initial=0)
    # What keeps positions at one place apart: nothing, their layer, or at a shut gate each from every other.
    apart = np.where(_stacked(place, layer, roads, len(place_units))[place], layer, 0)
    apart = np.where(shut[place], np.arange(len(place)), apart)
    levels = int(apart.max(initial=0)) + 1
    found, vertex = np.unique(place * levels + apart, return_inverse=True)
    return place_units[found // levels] / DEGREE_UNITS, shut[found // levels], vertex


def _along_curve(units: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(n,) where (n, 2) places in 1e-7° lie on the Z-order curve round the globe."""
    east, north = units[:, 0] + 180 * DEGREE_UNITS, units[:, 1] + 90 * DEGREE_UNITS
    woven: NDArray[np.uint64] = _spread(east) | (_spread(north) << np.uint64(1))
    return woven


def _stacked(place: Rows, layer: NDArray[np.int64], roads: RoadLines, places: int) -> NDArray[np.bool_]:
    """(places,) True where lines of different layers pass each other and none of them ends."""
    ends = np.zeros(len(place), dtype=np.bool_)
    filled = roads.first[1:] > roads.first[:-1]
    ends[roads.first[:-1][filled]] = True
    ends[roads.first[1:][filled] - 1] = True
    ended = np.zeros(places, dtype=np.bool_)
    ended[place[ends]] = True
    lowest, highest = np.full(places, 127), np.full(places, -128)
    np.minimum.at(lowest, place, layer)
    np.maximum.at(highest, place, layer)
    stacked: NDArray[np.bool_] = (lowest < highest) & ~ended
    return stacked


def _spread(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Each of the 32 low bits moved to twice its place, for weaving two numbers into one."""
    bits = values.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def _first_of_each(pieces: Segments) -> Rows:
    """One row for each pair, flags and stairs-or-not: a named one before a nameless, the widest road first."""
    order = np.lexsort(
        (pieces.name, pieces.kind, pieces.name < 0, pieces.steps, pieces.flags, pieces.b, pieces.a)
    )
    keys = (pieces.a[order], pieces.b[order], pieces.flags[order], pieces.steps[order])
    new = np.ones(len(order), dtype=np.bool_)
    if len(order):
        new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return order[new]
