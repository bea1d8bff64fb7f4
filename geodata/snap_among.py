"""The nearest place among some of a network's segments, asked of the tree of all of them.

Which segments may be named changes with every area that is drawn, and often but a few sites have to be entered from
elsewhere because of one: a tree of its own would take longer to make than they take to ask.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geodata.snapping import Snapped, Snapper

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NEAR_M = 100.0  # farther away there are too many to look through
_FEW = 100  # more of them are worth a tree of their own


class SnapperAmong:
    """The segments of `snapper` that are `usable`, by the position where they start: (c,)."""

    def __init__(self, snapper: Snapper, usable: Bools) -> None:
        self._all, self._usable = snapper, usable

    def snap(self, points_xy_m: Floats) -> Snapped:
        """As `Snapper.snap`."""
        if len(points_xy_m) > _FEW or "_own" in self.__dict__:
            return self._own.snap(points_xy_m)
        segment = self._all.nearest_within(points_xy_m, _NEAR_M, self._usable)
        rest = np.flatnonzero(segment < 0)
        if len(rest) == len(points_xy_m):
            return self._own.snap(points_xy_m)
        found = self._all.at_segments(points_xy_m, np.maximum(segment, 0))
        return found.replaced(rest, self._own.snap(points_xy_m[rest])) if len(rest) else found

    @cached_property
    def _own(self) -> Snapper:
        return self._all.only(self._usable)
