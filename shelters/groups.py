"""People who are alike taken together: by what may be named to them, how they walk, and the cell they live in.

Numbers of groups follow what the groups are, never the order of the rows, so that shuffled people make the same plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELL_M = 125.0
MOST_GROUPS = 8_000
"""Cells grow until there are no more groups than this: what the flow does in a fifth of a second."""
_TABLE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """(r,) `of`: group of each row; (g,) `speaks`: the row nearest to the middle of the group's cell."""

    of: Ints
    speaks: Ints

    def __len__(self) -> int:
        return len(self.speaks)


def numbered(columns: Sequence[NDArray[np.integer]]) -> tuple[Ints, int]:
    """(r,) numbers of the different combinations of whole numbers, in their order, and how many there are."""
    number: Ints = np.zeros(len(columns[0]), dtype=np.int64)
    count = min(1, len(number))
    for column in columns if len(number) else ():
        low = int(column.min())
        value, width = column.astype(np.int64) - low, int(column.max()) - low + 1
        if count * width > _TABLE:
            value, width = _squeezed(value, width)
        number, count = _squeezed(number * width + value, count * width)
    return number, count


def _squeezed(values: Ints, width: int) -> tuple[Ints, int]:
    """The same order without the gaps. values: 0 … width - 1."""
    if width > _TABLE:
        found, number = np.unique(values, return_inverse=True)
        return number.reshape(-1).astype(np.int64), len(found)
    used = np.zeros(width, dtype=np.bool_)
    used[values] = True
    count = int(used.sum())
    if count == width:
        return values, width
    place = np.cumsum(used) - 1
    return place[values], count


def first_of(number: Ints, count: int) -> Ints:
    """(count,) the first row with each number."""
    first = np.full(count, len(number), dtype=np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return first


def grouped(kinds: Sequence[NDArray[np.integer]], xy_m: Floats, most: int = MOST_GROUPS) -> Groups:
    """Rows of the same kinds in the same cell. xy_m: (r, 2) where each starts.

    While there are no more rows than `most` each is a group of its own, with those who start at the same spot.
    """
    if not len(xy_m):
        return Groups(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    kind, _ = numbered(kinds)
    cell_m = 0.01 if len(xy_m) <= most else CELL_M
    while True:
        cells = np.floor(xy_m / cell_m).astype(np.int64)
        of, count = numbered([kind, cells[:, 0], cells[:, 1]])
        if count <= most or cell_m > 1e5:
            break
        cell_m *= 2**0.5 if cell_m > 1 else CELL_M * 100
    return Groups(of, _speakers(of, count, xy_m, cells, cell_m))


def _speakers(of: Ints, count: int, xy_m: Floats, cells: Ints, cell_m: float) -> Ints:
    away = ((xy_m - (cells + 0.5) * cell_m) ** 2).sum(axis=1)
    least = np.full(count, np.inf)
    np.minimum.at(least, of, away)
    rows = np.flatnonzero(away == least[of])
    rows = rows[np.lexsort((rows, xy_m[rows, 1], xy_m[rows, 0], of[rows]))]
    return rows[np.flatnonzero(np.diff(of[rows], prepend=-1))]
