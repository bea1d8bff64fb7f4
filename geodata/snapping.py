"""The nearest place on the walking network: where a person steps onto it, and where a site is reached.

    network ─▶ Snapper ─▶ points ─▶ Snapped: edge, segment, share, gap

Many points are answered from a grid: each cell keeps the segments that can be nearest to any point in it. A few
points, and those far from every way, are asked of a tree. Both answers are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree

from geodata.network import WalkNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MIN_WAY_M = 1_000.0
"""A component with fewer metres of way than this leads nowhere; nobody is put on it while there is another."""

_CELL_M = 32.0
_HALF_DIAGONAL_M = _CELL_M * np.sqrt(0.5)
_RADIUS_M = 56.0  # ways farther than this from a point are asked of the tree
_FEW = 2_000  # below this the tree alone is quicker than making the grid
_PAIRS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Snapped:
    """n places on the network. edge: (n,) int32, -1 where there is none (then gap_m is inf, the rest without sense).

    place: (n,) int64 position in `chain` where its segment starts; share: (n,) 0…1 along that segment;
    along_m: (n,) real metres from the start of the edge; gap_m: (n,) straight metres between the point and
    foot_xy_m: (n, 2), the place itself.
    """

    edge: NDArray[np.int32]
    place: Ints
    share: Floats
    along_m: Floats
    gap_m: Floats
    foot_xy_m: Floats

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Snapped:
        """The places of some rows."""
        return Snapped(
            self.edge[rows],
            self.place[rows],
            self.share[rows],
            self.along_m[rows],
            self.gap_m[rows],
            self.foot_xy_m[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[Snapped]) -> Snapped:
        """Several, one after the other."""
        names = [one.name for one in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    def replaced(self, rows: NDArray[np.int64], by: Snapped) -> Snapped:
        """The same places with some rows exchanged."""
        return Snapped(
            edge=_put(self.edge, rows, by.edge),
            place=_put(self.place, rows, by.place),
            share=_put(self.share, rows, by.share),
            along_m=_put(self.along_m, rows, by.along_m),
            gap_m=_put(self.gap_m, rows, by.gap_m),
            foot_xy_m=_put(self.foot_xy_m, rows, by.foot_xy_m),
        )


def _put(column: NDArray[Any], rows: Ints, values: NDArray[Any]) -> NDArray[Any]:
    changed = column.copy()
    changed[rows] = values
    return changed


def segments_of(network: WalkNetwork) -> Ints:
    """(s,) positions in `chain` at which a segment starts, edge after edge."""
    starts = np.ones(len(network.chain), dtype=np.bool_)
    starts[network.chain_first[1:] - 1] = False
    return np.flatnonzero(starts)


def edge_of_places(network: WalkNetwork) -> NDArray[np.int32]:
    """(c,) the edge of each position of `chain`."""
    counts = np.diff(network.chain_first)
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def edges_that_matter(network: WalkNetwork, min_way_m: float = MIN_WAY_M) -> Bools:
    """(e,) True for edges of components with at least `min_way_m` metres of way; of all where none has."""
    island = network.island[network.edge_from]
    way_m = np.bincount(island, weights=network.length_m, minlength=1)
    matter: Bools = way_m[island] >= min_way_m
    return matter if matter.any() else np.ones(len(island), dtype=np.bool_)


class Snapper:
    """The segments of a network, asked many times for the one nearest to a point.

    usable: (c,) which segments (by the position where they start) may be named; None = all that matter.
    """

    def __init__(
        self, network: WalkNetwork, *, usable: Bools | None = None, min_way_m: float = MIN_WAY_M
    ) -> None:
        self._network, self._min_way_m = network, min_way_m
        self._edge = edge_of_places(network)
        places = segments_of(network)
        places = places[edges_that_matter(network, min_way_m)[self._edge[places]]]
        if usable is not None:
            places = places[usable[places]]
        self._places = places
        self._start = network.xy_m[network.chain[places]]
        self._along = network.xy_m[network.chain[places + 1]] - self._start

    def snap(self, points_xy_m: ArrayLike) -> Snapped:
        """(n, 2) points → their nearest places, exact; the first segment where several are equally near."""
        points = np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)
        if not len(self._places) or not len(points):
            return _nowhere(points)
        segment = self._nearest_by_tree(points) if len(points) < _FEW else self._nearest_by_grid(points)
        return self.at_segments(points, segment)

    def only(self, usable: Bools) -> Snapper:
        """The same for fewer segments."""
        return Snapper(self._network, usable=self._usable_too(usable), min_way_m=self._min_way_m)

    def nearest_within(self, points: Floats, reach_m: float, usable: Bools) -> Ints:
        """(n,) row of the nearest usable segment, of equally near ones the first; -1 where none is within reach."""
        least = np.full(len(points), -1, dtype=np.int64)
        if not len(self._places) or not len(points):
            return least
        asked = np.atleast_1d(np.asarray(shapely.points(points), dtype=object))
        row, segment = self._tree.query(asked, predicate="dwithin", distance=reach_m)
        may = usable[self._places[segment]]
        row, segment = row[may], segment[may]
        squared = _squared_gap(points[row], self._start[segment], self._along[segment])
        order = np.lexsort((segment, squared, row))
        first = np.unique(row[order], return_index=True)
        least[first[0]] = segment[order][first[1]]
        return least

    def _usable_too(self, usable: Bools) -> Bools:
        mine = np.zeros(len(usable), dtype=np.bool_)
        mine[self._places] = True
        return mine & usable

    @cached_property
    def _tree(self) -> STRtree:
        ends = np.stack([self._start, self._start + self._along], axis=1)
        return STRtree(np.atleast_1d(np.asarray(shapely.linestrings(ends), dtype=object)))

    @cached_property
    def _grid(self) -> _Grid:
        return _Grid(self._start, self._along)

    def _nearest_by_tree(self, points: Floats) -> Ints:
        asked = np.atleast_1d(np.asarray(shapely.points(points), dtype=object))
        rows, found = self._tree.query_nearest(asked)
        # Of equally near segments the first, so that the answer does not hang on the shape of the tree.
        least = np.full(len(points), len(self._places), dtype=np.int64)
        np.minimum.at(least, rows, found)
        return least

    def _nearest_by_grid(self, points: Floats) -> Ints:
        found = self._grid.nearest(points)
        rest = np.flatnonzero(found < 0)
        if len(rest):
            found[rest] = self._nearest_by_tree(points[rest])
        return found

    def at_segments(self, points: Floats, segment: Ints) -> Snapped:
        """(n,) points on one of its segments each, by row; there must be one at least."""
        start, along = self._start[segment], self._along[segment]
        share = _share(points, start, along)
        foot = start + share[:, None] * along
        place = self._places[segment]
        along_m = self._network.along_m
        from_m = along_m[place].astype(np.float64)
        return Snapped(
            edge=self._edge[place],
            place=place,
            share=share,
            along_m=from_m + share * (along_m[place + 1].astype(np.float64) - from_m),
            gap_m=np.hypot(points[:, 0] - foot[:, 0], points[:, 1] - foot[:, 1]),
            foot_xy_m=foot,
        )


def _nowhere(points: Floats) -> Snapped:
    count = len(points)
    return Snapped(
        edge=np.full(count, -1, dtype=np.int32),
        place=np.zeros(count, dtype=np.int64),
        share=np.zeros(count),
        along_m=np.zeros(count),
        gap_m=np.full(count, np.inf),
        foot_xy_m=points.copy(),
    )


class _Grid:
    """Square cells; a cell's list holds every segment that can be nearest to a point in it, up to the radius."""

    def __init__(self, start: Floats, along: Floats) -> None:
        self._start, self._along = start, along
        reach = _RADIUS_M + _HALF_DIAGONAL_M
        low = np.minimum(start, start + along) - reach
        high = np.maximum(start, start + along) + reach
        self._origin = low.min(axis=0)
        first = ((low - self._origin) // _CELL_M).astype(np.int64)
        last = ((high - self._origin) // _CELL_M).astype(np.int64)
        self._shape = last.max(axis=0) + 1
        cell, segment, away = self._pairs(first, last - first + 1, reach)
        order = np.argsort(cell, kind="stable")
        cell, segment, away = cell[order], segment[order], away[order]
        self._first = np.searchsorted(cell, np.arange(self._shape.prod() + 1))
        # By the triangle inequality nothing farther from the centre than this can be nearest to any point.
        nearest = np.full(len(self._first) - 1, np.inf)
        np.minimum.at(nearest, cell, away)
        kept = away <= nearest[cell] + 2 * _HALF_DIAGONAL_M
        self._segment = segment[kept]
        self._first = np.concatenate([[0], np.cumsum(kept)])[self._first]

    def _pairs(self, first: Ints, size: Ints, reach: float) -> tuple[Ints, Ints, Floats]:
        """(cell, segment, metres from the cell's centre to the segment) within reach, in blocks of segments."""
        parts = []
        count = size.prod(axis=1)
        blocks = np.searchsorted(np.cumsum(count), np.arange(0, count.sum() + _PAIRS_AT_ONCE, _PAIRS_AT_ONCE))
        for begin, end in pairwise(blocks):
            segment = np.repeat(np.arange(begin, end), count[begin:end])
            number = np.arange(len(segment)) - np.repeat(
                np.cumsum(count[begin:end]) - count[begin:end], count[begin:end]
            )
            row, column = np.divmod(number, size[segment, 0])
            cell = first[segment] + np.column_stack([column, row])
            centre = self._origin + (cell + 0.5) * _CELL_M
            away = np.sqrt(_squared_gap(centre, self._start[segment], self._along[segment]))
            near = away <= reach
            parts.append(
                (cell[near, 1] * self._shape[0] + cell[near, 0], segment[near].astype(np.int64), away[near])
            )
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]

    def nearest(self, points: Floats) -> Ints:
        """(n,) the nearest segment, -1 where none is known within the radius."""
        cell = ((points - self._origin) // _CELL_M).astype(np.int64)
        inside = ((cell >= 0) & (cell < self._shape)).all(axis=1)
        flat = np.where(inside, cell[:, 1] * self._shape[0] + cell[:, 0], 0)
        count = np.where(inside, self._first[flat + 1] - self._first[flat], 0)
        found = np.full(len(points), -1, dtype=np.int64)
        order = np.argsort(flat, kind="stable")
        order = order[count[order] > 0]
        ends = np.cumsum(count[order])
        begin = 0
        while begin < len(order):
            done = ends[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, side="right")))
            rows = order[begin:end]
            found[rows] = self._nearest_of_lists(points[rows], self._first[flat[rows]], count[rows])
            begin = end
        return found

    def _nearest_of_lists(self, points: Floats, first: Ints, count: Ints) -> Ints:
        starts = np.cumsum(count) - count
        owner = np.repeat(np.arange(len(count)), count)
        segment = self._segment[np.arange(len(owner)) + (first - starts)[owner]]
        squared = _squared_gap(points[owner], self._start[segment], self._along[segment])
        least = np.minimum.reduceat(squared, starts)
        hits = np.flatnonzero(squared == least[owner])
        best = np.full(len(count), -1, dtype=np.int64)
        # Written from the last to the first, so that the first of several stays.
        best[owner[hits[::-1]]] = segment[hits[::-1]]
        best[least > _RADIUS_M**2] = -1
        return best


def _share(points: Floats, start: Floats, along: Floats) -> Floats:
    x, y = along[:, 0], along[:, 1]
    squared = x * x + y * y
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ((points[:, 0] - start[:, 0]) * x + (points[:, 1] - start[:, 1]) * y) / squared
    return np.where(squared > 0, np.clip(share, 0.0, 1.0), 0.0)


def _squared_gap(points: Floats, start: Floats, along: Floats) -> Floats:
    share = _share(points, start, along)
    x = start[:, 0] + share * along[:, 0] - points[:, 0]
    y = start[:, 1] + share * along[:, 1] - points[:, 1]
    gap: Floats = x * x + y * y
    return gap
