"""Whether straight walks meet an area: most of many are told by two plain shapes, one around it and one within it.

    walks ─▶ beside its box: no ─▶ beside the plain shape around: no ─▶ through the one within: yes ─▶ ask the area

An outline of thousands of vertices takes twenty times as long to ask as one of thirty, and a plan asks it about every
person and site that lie off the network. The answer is that of the area itself.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geodata.walk_ends import meets_box

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FEW_WALKS = 500
_FEW_VERTICES = 50
_PLAIN_SHARE = 1 / 150  # of the longer side: how far the plain shapes may be from the outline


class Barrier:
    """One area, asked about many straight walks. The edge of the area is met too."""

    def __init__(self, area_xy_m: BaseGeometry) -> None:
        self.area = area_xy_m
        self._asked = 0
        shapely.prepare(area_xy_m)

    def met_by(self, start_xy_m: Floats, end_xy_m: Floats) -> Bools:
        """(n,) True where the straight line from start to end has a point in common with the area."""
        met = np.zeros(len(start_xy_m), dtype=np.bool_)
        rows = np.flatnonzero(meets_box(start_xy_m, end_xy_m, self.area.bounds))
        if not len(rows):
            return met
        ends = np.stack([start_xy_m[rows], end_xy_m[rows]], axis=1)
        lines: NDArray[np.object_] = np.atleast_1d(np.asarray(shapely.linestrings(ends), dtype=object))
        self._asked += len(rows)
        if self._asked > _FEW_WALKS and shapely.get_num_coordinates(self.area) > _FEW_VERTICES:
            around, within = self._plain
            near = shapely.intersects(around, lines)
            rows, lines = rows[near], lines[near]
            through = shapely.intersects(within, lines)
            met[rows[through]] = True
            rows, lines = rows[~through], lines[~through]
        met[rows] = shapely.intersects(self.area, lines)
        return met

    @cached_property
    def _plain(self) -> tuple[BaseGeometry, BaseGeometry]:
        """A shape that covers the area, and one the area covers; the area and nothing where none could be made."""
        west, south, east, north = self.area.bounds
        step = max(east - west, north - south) * _PLAIN_SHARE
        # First plain, then grown: growing an outline of 20,000 ragged vertices takes seconds.
        plain = shapely.simplify(self.area, step)
        around: BaseGeometry = shapely.buffer(plain, 1.01 * step, quad_segs=2)
        within: BaseGeometry = shapely.buffer(plain, -1.01 * step, quad_segs=2)
        if not shapely.covers(around, self.area):
            around = self.area
        if not (shapely.is_valid(within) and shapely.covers(self.area, within)):
            within = shapely.from_wkt("POLYGON EMPTY")
        shapely.prepare([around, within])
        return around, within
