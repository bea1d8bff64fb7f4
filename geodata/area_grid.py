"""Which of many points lie in which areas: areas cut into grid cells once, points answered by their cell.

areas ─▶ edges ─▶ cells they pass ─▶ per cell: outside · covered · border (its few edges, one known point)
points ─▶ cell ─▶ answer at once, or cross the edges between the point and the known point of its cell

The answer is exact and the same as `geodata.areas.points_in_each`: a sign that floating point can not be sure
of is asked of GEOS. An edge counts as inside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geodata.areas import inside_one, own_copy
from geodata.errors import UnsupportedGeometry

MAX_CELLS = 1 << 20
_CELLS_PER_EDGE = 16
_MIN_CELLS = 1 << 12
_TABLE_BYTES = 1 << 24
_BLOCK = 1 << 16  # points at a time: their temporaries stay in the cache
_PAIRS = 1 << 20  # (point, edge) pairs at a time
_MANY_EDGES = 128  # in one cell: from here on GEOS is quicker
_REF_U, _REF_V = 0.4142135, 0.5773502  # of a cell: no drawn edge runs through such a point by design
_ERROR = 3.3306690738754716e-16  # × (|left| + |right|): beyond it the sign of a 2×2 determinant is certain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[Floats, Floats]  # x, y
_BORDER, _COVERED = np.uint8(2), np.uint8(1)


class AreaGrid:
    """Areas cut up once, asked many times.

    areas_xy_m: (k,) valid Polygon or MultiPolygon, metres on one plane; empty ones hold nothing.
    group: (k,) column of the answer each area belongs to; None = a column of its own. Areas of one group
    may overlap. Keep the columns few (tens): the table has cells × columns bytes.
    Raises UnsupportedGeometry for anything but polygons.
    """

    def __init__(self, areas_xy_m: Sequence[BaseGeometry], group: ArrayLike | None = None) -> None:
        self._areas = np.empty(len(areas_xy_m), dtype=np.object_)
        self._areas[:] = list(areas_xy_m)
        for area in self._areas:
            if not isinstance(area, Polygon | MultiPolygon):
                raise UnsupportedGeometry(found=getattr(area, "geom_type", type(area).__name__))
        columns = np.arange(len(self._areas)) if group is None else np.asarray(group)
        self._group: Ints = columns.astype(np.int64).reshape(len(self._areas))
        self.columns = int(self._group.max(initial=-1)) + 1
        edges, owner = _edges(self._areas)
        self._lay_out(edges)
        self._cut(edges, owner)

    def __len__(self) -> int:
        return len(self._areas)

    def covers(self, points_xy_m: ArrayLike) -> NDArray[np.bool_]:
        """(n, 2) metres → (n, columns) True where a point lies in, or on the edge of, an area of the column."""
        points = np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)
        inside = np.zeros((len(points), self.columns), dtype=np.bool_)
        if self._empty:
            return inside
        x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
        for first in range(0, len(points), _BLOCK):
            block = slice(first, first + _BLOCK)
            self._fill(x[block], y[block], inside[block])
        return inside

    # ---- laying out ------------------------------------------------------------------------------

    def _lay_out(self, edges: Floats) -> None:
        """The frame, the size of a cell and how far rounding may carry a point, in cells."""
        self._empty = not len(edges)
        if self._empty:
            return
        xs, ys = edges[:, [0, 2]], edges[:, [1, 3]]
        self._west, self._east = float(xs.min()), float(xs.max())
        self._south, self._north = float(ys.min()), float(ys.max())
        wide, high = self._east - self._west, self._north - self._south
        rounding = float(np.spacing(np.abs(edges).max()))
        cells = min(max(_CELLS_PER_EDGE * len(edges), _MIN_CELLS), MAX_CELLS)
        cells = max(min(cells, _TABLE_BYTES // max(self.columns, 1)), 1)
        total = float(np.hypot(edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]).sum())
        # Long edges that fill the frame would pass very many small cells.
        step = max(
            (wide * high / cells) ** 0.5, max(wide, high) / cells, total / (8 * len(edges) + _MIN_CELLS)
        )
        self._step = max(step, 1e4 * rounding, 1e-300)
        self._nx = int(wide / self._step) + 1
        self._ny = int(high / self._step) + 1
        self._margin = max(1e-6, 8 * rounding / self._step)

    def _cut(self, edges: Floats, owner: Ints) -> None:
        """The cells each edge passes, and what is known of every cell."""
        if self._empty:
            return
        edge, cell = self._cells_passed(edges)
        member = owner[edge]
        order = np.lexsort((member, cell))
        edge, cell, member = edge[order], cell[order], member[order]
        new = np.ones(len(cell), dtype=np.bool_)
        new[1:] = (cell[1:] != cell[:-1]) | (member[1:] != member[:-1])
        starts = np.flatnonzero(new)
        self._slot_member: Ints = member[starts]
        slot_cell = cell[starts]
        self._slot_edges: Ints = np.append(starts, len(cell))
        self._cell_slots: Ints = np.searchsorted(slot_cell, np.arange(self._nx * self._ny + 1))
        self._from: Pair = edges[edge, 0], edges[edge, 1]
        self._to: Pair = edges[edge, 2], edges[edge, 3]
        ref_x, ref_y = self._refs(slot_cell)
        self._table = np.zeros((self._nx * self._ny, self.columns), dtype=np.uint8)
        self._slot_inside = self._know(slot_cell, ref_x, ref_y)
        count = np.diff(self._slot_edges)
        side, sure = _side(self._from, self._to, (np.repeat(ref_x, count), np.repeat(ref_y, count)))
        self._ref_left = side
        all_sure = np.logical_and.reduceat(sure, starts)
        self._slot_heavy = (count > _MANY_EDGES) | ~all_sure
        self._table[slot_cell, self._group[self._slot_member]] |= _BORDER
        self._any = np.bitwise_or.reduce(self._table, axis=1)

    def _cells_passed(self, edges: Floats) -> tuple[Ints, Ints]:
        """(edge, cell) for every cell an edge passes, or comes within the margin of."""
        ua, ub = ((edges[:, column] - self._west) / self._step for column in (0, 2))
        va, vb = ((edges[:, column] - self._south) / self._step for column in (1, 3))
        low = _whole(np.minimum(va, vb) - self._margin, self._ny)
        high = _whole(np.maximum(va, vb) + self._margin, self._ny)
        edge, row = _expand(low, high)
        ua, ub, va, vb = ua[edge], ub[edge], va[edge], vb[edge]
        rise = vb - va
        flat = np.abs(rise) < self._margin
        rise[flat] = 1.0
        t = [np.clip((row + side - va) / rise, 0, 1) for side in (-self._margin, 1 + self._margin)]
        t[0][flat], t[1][flat] = 0.0, 1.0
        u = [ua + one * (ub - ua) for one in t]
        left = _whole(np.minimum(*u) - self._margin, self._nx)
        right = _whole(np.maximum(*u) + self._margin, self._nx)
        strip, column = _expand(left, right)
        return edge[strip], row[strip] * self._nx + column

    def _refs(self, cells: Ints) -> tuple[Floats, Floats]:
        row, column = np.divmod(cells, self._nx)
        return self._west + (column + _REF_U) * self._step, self._south + (row + _REF_V) * self._step

    def _know(self, slot_cell: Ints, ref_x: Floats, ref_y: Floats) -> NDArray[np.bool_]:
        """Whether the known point of each slot is inside; cells wholly covered are entered in the table."""
        inside = np.zeros(len(slot_cell), dtype=np.bool_)
        order = np.argsort(self._slot_member, kind="stable")
        members, firsts = np.unique(self._slot_member[order], return_index=True)
        for member, slots in zip(members, np.split(order, firsts[1:]), strict=True):
            area = own_copy(self._areas[member])
            inside[slots] = shapely.intersects_xy(area, ref_x[slots], ref_y[slots])
            self._enter_covered(area, int(self._group[member]), slot_cell[slots])
        return inside

    def _enter_covered(self, area: BaseGeometry, column: int, border: Ints) -> None:
        """Cells that no edge passes are inside or outside as one piece with their neighbours."""
        rows, columns = np.divmod(border, self._nx)
        r0, c0 = rows.min(), columns.min()
        free = np.ones((rows.max() - r0 + 1, columns.max() - c0 + 1), dtype=np.bool_)
        free[rows - r0, columns - c0] = False
        labels, pieces = ndimage.label(free)
        if not pieces:
            return
        found, at = np.unique(labels.ravel(), return_index=True)
        found, at = found[found > 0], at[found > 0]
        row, col = np.divmod(at, free.shape[1])
        x, y = self._refs((row + r0) * self._nx + col + c0)
        covered = np.zeros(pieces + 1, dtype=np.bool_)
        covered[found] = shapely.intersects_xy(area, x, y)
        row, col = np.nonzero(covered[labels])
        self._table[(row + r0) * self._nx + col + c0, column] |= _COVERED

    # ---- asking ----------------------------------------------------------------------------------

    def _fill(self, x: Floats, y: Floats, inside: NDArray[np.bool_]) -> None:
        within = (x >= self._west) & (x <= self._east) & (y >= self._south) & (y <= self._north)
        rows = np.flatnonzero(within)
        if not len(rows):
            return
        if len(rows) < len(x):
            x, y = x[rows], y[rows]
        cell = ((y - self._south) / self._step).astype(np.int32) * np.int32(self._nx)
        cell += ((x - self._west) / self._step).astype(np.int32)
        known = self._any[cell]
        some = np.flatnonzero(known)
        inside[rows[some]] = (self._table[cell[some]] & _COVERED).view(np.bool_)
        border = np.flatnonzero(known & _BORDER)
        if len(border):
            self._ask_borders(x[border], y[border], cell[border].astype(np.int64), rows[border], inside)

    def _ask_borders(self, x: Floats, y: Floats, cell: Ints, rows: Ints, inside: NDArray[np.bool_]) -> None:
        point, slot = _expand(self._cell_slots[cell], self._cell_slots[cell + 1] - 1)
        column = self._group[self._slot_member[slot]]
        open_ = ~inside[rows[point], column]  # nothing to ask where another area of the group covers the cell
        point, slot, column = point[open_], slot[open_], column[open_]
        light = ~self._slot_heavy[slot]
        answer = np.zeros(len(point), dtype=np.bool_)
        ask = ~light
        at = np.flatnonzero(light)
        count = self._slot_edges[slot[at] + 1] - self._slot_edges[slot[at]]
        cuts = np.searchsorted(np.cumsum(count), np.arange(_PAIRS, int(count.sum()), _PAIRS))
        for part in np.split(at, cuts):
            if len(part):
                answer[part], sure = self._crossed(
                    x[point[part]], y[point[part]], cell[point[part]], slot[part]
                )
                ask[part] = ~sure
        asked = np.flatnonzero(ask)
        member = self._slot_member[slot[asked]]
        for one in np.unique(member):
            these = asked[member == one]
            at_x, at_y = x[point[these]], y[point[these]]
            answer[these] = inside_one(self._areas[one], at_x, at_y)
        inside[rows[point[answer]], column[answer]] = True

    def _crossed(
        self, x: Floats, y: Floats, cell: Ints, slot: Ints
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(m,) inside, and whether that is sure: the way from the point to the known point of its cell flips
        inside and outside with every edge it crosses."""
        first = self._slot_edges[slot]
        pair, entry = _expand(first, self._slot_edges[slot + 1] - 1)
        a = self._from[0][entry], self._from[1][entry]
        b = self._to[0][entry], self._to[1][entry]
        ref_x, ref_y = self._refs(cell)
        point, ref = (x[pair], y[pair]), (ref_x[pair], ref_y[pair])
        point_left, sure = _side(a, b, point)
        a_left, sure_a = _side(point, ref, a)
        b_left, sure_b = _side(point, ref, b)
        crosses = (point_left != self._ref_left[entry]) & (a_left != b_left)
        sure &= sure_a & sure_b
        starts = np.cumsum(np.append(0, self._slot_edges[slot + 1] - first))[:-1]
        odd = np.logical_xor.reduceat(crosses, starts)
        return odd ^ self._slot_inside[slot], np.logical_and.reduceat(sure, starts)


def _edges(areas: NDArray[np.object_]) -> tuple[Floats, Ints]:
    """(e, 4) ax, ay, bx, by of every edge of every ring, and (e,) the row of its area."""
    parts, owner = shapely.get_parts(areas, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    pairs, ring = shapely.get_coordinates(rings, return_index=True)
    if not len(pairs):
        return np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    joined = ring[1:] == ring[:-1]
    joined &= (pairs[1:] != pairs[:-1]).any(axis=1)
    edges = np.column_stack([pairs[:-1][joined], pairs[1:][joined]])
    return edges, owner[part[ring[:-1][joined]]].astype(np.int64)


def _side(a: Pair, b: Pair, p: Pair) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether p lies left of a → b, and whether that sign is beyond the doubt of rounding."""
    first = (a[0] - p[0]) * (b[1] - p[1])
    second = (a[1] - p[1]) * (b[0] - p[0])
    gap = first - second
    np.abs(first, out=first)
    first += np.abs(second, out=second)
    first *= _ERROR
    left = gap > 0
    sure = np.abs(gap, out=gap) > first
    return left, sure


def _whole(values: Floats, count: int) -> Ints:
    return np.clip(np.floor(values), 0, count - 1).astype(np.int64)


def _expand(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """(row, value) for every whole value from low to high of each row, both included."""
    count = high - low + 1
    row = np.repeat(np.arange(len(low)), count)
    starts = np.cumsum(count) - count
    return row, np.arange(len(row)) - np.repeat(starts - low, count)
