"""The nearest place among some of a network's segments, asked of the tree of all of them.

A tree of its own takes longer to make than a few thousand points take to ask: which segments may be named changes
with every area that is drawn, and few points have to step onto the network elsewhere because of one.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geodata.snapping import Snapped, Snapper

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FIRST_M, _LAST_M, _WIDER = 100.0, 1_600.0, 4.0
_POINTS_AT_ONCE = 1 << 12


class SnapperAmong:
    """The segments of `snapper` that are `usable`, by the position where they start: (c,)."""

    def __init__(self, snapper: Snapper, usable: Bools) -> None:
        self._all, self._usable = snapper, usable

    def snap(self, points_xy_m: Floats) -> Snapped:
        """As `Snapper.snap`."""
        segment = np.full(len(points_xy_m), -1, dtype=np.int64)
        todo, reach_m = np.arange(len(points_xy_m)), _FIRST_M
        while len(todo) and reach_m <= _LAST_M:
            for begin in range(0, len(todo), _POINTS_AT_ONCE):
                part = todo[begin : begin + _POINTS_AT_ONCE]
                segment[part] = self._all.nearest_within(points_xy_m[part], reach_m, self._usable)
            todo, reach_m = todo[segment[todo] < 0], reach_m * _WIDER
        if len(todo) == len(points_xy_m):
            return self._own.snap(points_xy_m)
        found = self._all.at_segments(points_xy_m, np.maximum(segment, 0))
        return found.replaced(todo, self._own.snap(points_xy_m[todo])) if len(todo) else found

    @cached_property
    def _own(self) -> Snapper:
        return self._all.only(self._usable)
