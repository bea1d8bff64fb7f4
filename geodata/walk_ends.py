"""Where people and sites step onto the network while areas are live.

A person outside an area is put on a way outside it, and gets there without crossing it; whoever is inside may step
out. A site is entered from its way: one outside an area from a way outside, one inside from a way inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geodata.closures import Closures
from geodata.network import Foot, WalkNetwork
from geodata.snap_among import SnapperAmong
from geodata.snapping import Snapped, Snapper, edge_of_places

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

KEPT = 3
"""Sets of closures whose ends are remembered: feet that pass the same segments share them."""


class WalkEnds:
    """Snapping for one foot; `around` gives the same around what is live."""

    def __init__(self, network: WalkNetwork, foot: Foot) -> None:
        self._network, self._foot = network, foot
        self._areas: tuple[BaseGeometry, ...] = ()
        self._touched: Bools | None = None
        self._open = self
        self._alone: AbstractContextManager[object] = nullcontext()
        self._kept: tuple[tuple[Closures, WalkEnds], ...] = ()

    def around(
        self,
        areas_xy_m: Sequence[BaseGeometry],
        closures: Closures,
        alone: AbstractContextManager[object] | None = None,
    ) -> WalkEnds:
        """The same while areas are live; what is searched for with nothing live is shared. alone: see `Closing`."""
        for known, ends in self._kept:
            if known is closures:
                return ends
        ends = WalkEnds(self._network, self._foot)
        ends._areas, ends._touched, ends._open = tuple(areas_xy_m), closures.touched, self._open
        ends._alone = alone if alone is not None else self._alone
        self._kept = ((closures, ends), *self._kept)[:KEPT]
        return ends

    def usual(self, points_xy_m: Floats) -> Snapped:
        """Where the points are on the network with nothing live."""
        return self._open._everywhere.snap(points_xy_m)

    def people(self, points_xy_m: Floats, usual: Snapped) -> Snapped:
        """Where people step onto the network; `usual` itself when nobody has to step elsewhere."""
        wrong = np.flatnonzero(self._entered(points_xy_m, usual.foot_xy_m))
        if not len(wrong):
            return usual
        points = points_xy_m[wrong]
        moved = self._outside.snap(points)
        return usual.replaced(wrong, _unless(self._entered(points, moved.foot_xy_m), moved))

    def sites(self, points_xy_m: Floats, usual: Snapped) -> Snapped:
        """Where sites are entered from; `usual` itself when none has to be entered from elsewhere."""
        wrong = np.flatnonzero(self._wrong_for_sites(points_xy_m, usual.foot_xy_m))
        if not len(wrong):
            return usual
        points = points_xy_m[wrong]
        inside = self._in_any(points)
        outer, inner = self._outside.snap(points), self._inside.snap(points)
        rows = np.flatnonzero(inside)
        moved = outer.replaced(rows, inner.take(rows))
        return usual.replaced(wrong, _unless(self._wrong_for_sites(points, moved.foot_xy_m), moved))

    def same_for(self, other: WalkEnds) -> bool:
        """Whether another foot can walk along the very same segments, so that one may serve both."""
        return self._network is other._network and bool((self._passable == other._passable).all())

    @cached_property
    def _everywhere(self) -> Snapper:
        return Snapper(self._network, usable=self._passable)

    @cached_property
    def _outside(self) -> SnapperAmong:
        assert self._touched is not None
        return SnapperAmong(self._open._everywhere, ~self._touched)

    @cached_property
    def _inside(self) -> SnapperAmong:
        assert self._touched is not None
        return SnapperAmong(self._open._everywhere, self._touched)

    @cached_property
    def _passable(self) -> Bools:
        """(c,) segments this foot can walk along: nobody in a wheelchair is put on stairs."""
        whole = self._network.profile(self._foot)
        passable: Bools = (np.isfinite(whole.ab_m) & np.isfinite(whole.ba_m))[edge_of_places(self._network)]
        return passable

    def _entered(self, start: Floats, end: Floats) -> Bools:
        entered = np.zeros(len(start), dtype=np.bool_)
        for area in self._areas:
            with self._alone:
                entered |= enters_area(start, end, area)
        return entered

    def _wrong_for_sites(self, points: Floats, feet: Floats) -> Bools:
        """Entered from a foot across the edge of an area, in either direction."""
        return self._entered(feet, points) | self._entered(points, feet)

    def _in_any(self, points: Floats) -> Bools:
        inside = np.zeros(len(points), dtype=np.bool_)
        for area in self._areas:
            with self._alone:
                inside |= shapely.intersects_xy(area, points[:, 0], points[:, 1])
        return inside


def enters_area(start_xy_m: Floats, end_xy_m: Floats, area_xy_m: BaseGeometry) -> Bools:
    """(n,) whether a straight walk steps into the area from outside; a walk that begins inside never does."""
    shapely.prepare(area_xy_m)
    entered = np.zeros(len(start_xy_m), dtype=np.bool_)
    rows = np.flatnonzero(meets_box(start_xy_m, end_xy_m, area_xy_m.bounds))
    rows = rows[~shapely.intersects_xy(area_xy_m, start_xy_m[rows, 0], start_xy_m[rows, 1])]
    if len(rows):
        lines = shapely.linestrings(np.stack([start_xy_m[rows], end_xy_m[rows]], axis=1))
        entered[rows] = shapely.intersects(area_xy_m, lines)
    return entered


def meets_box(start_xy_m: Floats, end_xy_m: Floats, bounds: tuple[float, float, float, float]) -> Bools:
    """(n,) straight pieces that meet a rectangle (west, south, east, north); the rest cannot meet what lies in it."""
    low, high = np.array(bounds[:2]), np.array(bounds[2:])
    near = ((np.maximum(start_xy_m, end_xy_m) >= low) & (np.minimum(start_xy_m, end_xy_m) <= high)).all(
        axis=1
    )
    # No corner on the other side of the line: the rectangle lies beside it.
    along, away = end_xy_m - start_xy_m, (low + high) / 2 - start_xy_m
    half = (high - low) / 2
    aside = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
    meets: Bools = near & (aside <= (np.abs(along[:, ::-1]) * half).sum(axis=1) * (1 + 1e-12))
    return meets


def _unless(bad: Bools, places: Snapped) -> Snapped:
    """The places, no edge where the piece to them is no good either."""
    return replace(places, edge=np.where(bad, np.int32(-1), places.edge))
