"""How far everybody of a plan has to walk, asked by row: no people × sites matrix is ever made.

A start is the row of a place (0 … n - 1), or n + the row of a site: whoever has arrived somewhere walks on from there,
taken for slow; n + m + the row of a site for who needs ways without steps.
Figures are level metres: metres / speed = seconds, hills and stairs inside. What people are told is the real length.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.inland import Exits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOWHERE = -1
_STARTS_AT_ONCE = 1 << 16
_MORE = 4  # asked beyond the k, so that ties are told by row and not by the tree


class Nearest(NamedTuple):
    """(r, k) sites of each start, the nearest first (ties: the smaller row), `NOWHERE`-padded; (r, k) level metres."""

    site: Ints
    level_m: Floats  # inf where padded


class Ways(Protocol):
    """Walks of one plan: n places, m sites, the dangers in force."""

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """The k nearest of the (m,) allowed sites for each of the (r,) starts; sites without a way are left out."""

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """(r,) or (r, j) level metres from (r,) starts to `sites` of that shape; inf without a way or for NOWHERE."""

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """(r,) real metres to (r,) sites; level_m: what `efforts` gave. inf where that is inf."""

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """(r,) True where the figure is an estimate, so that the advice says "about"."""

    def inland(self, starts: Ints) -> Exits | None:
        """The way out of the tsunami areas in force, in level metres; None where these walks know no ways inland, and
        the straight line inland stands in."""


class StraightWays:
    """Straight line × detour factor (1.5: domain reference §6): where no roads were imported."""

    def __init__(self, places_xy_m: Floats, sites_xy_m: Floats, detour_factor: float = 1.5) -> None:
        self._sites = np.asarray(sites_xy_m, dtype=np.float64).reshape(-1, 2)
        places = np.asarray(places_xy_m, dtype=np.float64).reshape(-1, 2)
        self._starts = np.concatenate([places, self._sites, self._sites])
        self._detour_factor = detour_factor

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """See `Ways`."""
        columns = np.flatnonzero(allowed)
        site = np.full((len(starts), k), NOWHERE, dtype=np.int64)
        level_m = np.full((len(starts), k), np.inf)
        width = min(k, len(columns))
        if not width or not len(starts):
            return Nearest(site, level_m)
        tree, asked = cKDTree(self._sites[columns]), min(k + _MORE, len(columns))
        for begin in range(0, len(starts), _STARTS_AT_ONCE):
            part = slice(begin, begin + _STARTS_AT_ONCE)
            start = self._starts[starts[part]]
            _, near = tree.query(start, k=np.arange(1, asked + 1))
            near = np.sort(columns[near], axis=1)
            figure = self._figures(start[:, None], self._sites[near])
            # Sorted by row before: of equally far sites the smaller row comes first.
            order = np.argsort(figure, axis=1, kind="stable")[:, :width]
            site[part, :width] = np.take_along_axis(near, order, axis=1)
            level_m[part, :width] = np.take_along_axis(figure, order, axis=1)
        return Nearest(site, level_m)

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """See `Ways`."""
        if not len(self._sites):
            return np.full(np.shape(sites), np.inf)
        start = self._starts[starts] if sites.ndim == 1 else self._starts[starts][:, None]
        return np.where(sites >= 0, self._figures(start, self._sites[np.maximum(sites, 0)]), np.inf)

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """See `Ways`: a straight line knows no hills."""
        return level_m

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """See `Ways`: always an estimate."""
        return np.ones(len(starts), dtype=np.bool_)

    def inland(self, starts: Ints) -> Exits | None:
        """See `Ways`."""
        return None

    def _figures(self, starts_xy_m: Floats, sites_xy_m: Floats) -> Floats:
        gap = starts_xy_m - sites_xy_m
        figure: Floats = np.hypot(gap[..., 0], gap[..., 1]) * self._detour_factor
        return figure
