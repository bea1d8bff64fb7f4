"""Walks asked by point and as a whole table, put behind the questions by row that a plan asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.inland import Exits
from shelters.pace import KnowsInland, WalkDistances
from shelters.ways import NOWHERE, Nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class MatrixWays:
    """`Ways` over `WalkDistances` for few people: the table of (r,) rows × (m,) sites is asked once."""

    def __init__(self, walks: WalkDistances, places_xy_m: Floats, sites_xy_m: Floats, rows: Ints) -> None:
        self._walks, self._sites = walks, sites_xy_m.reshape(-1, 2)
        self._places = len(places_xy_m)
        self._xy_m = np.concatenate([places_xy_m, self._sites, self._sites])
        asked = walks.metres(places_xy_m[rows], self._sites).reshape(len(rows), len(self._sites))
        self._line = np.full(len(self._xy_m), -1, dtype=np.int64)
        self._line[rows] = np.arange(len(rows))
        between = np.zeros((0, len(self._sites)))
        if len(self._sites):
            between = walks.metres(self._sites, self._sites)
            self._line[self._places :] = len(rows) + np.tile(np.arange(len(self._sites)), 2)
        self._level_m = np.concatenate([asked, between])

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """See `Ways`."""
        site, level_m = np.full((len(starts), k), NOWHERE, dtype=np.int64), np.full((len(starts), k), np.inf)
        columns = np.flatnonzero(allowed)
        figure = self._level_m[self._line[starts]][:, columns]
        order = np.argsort(figure, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(figure, order, axis=1)
        level_m[:, : order.shape[1]] = found
        site[:, : order.shape[1]] = np.where(np.isfinite(found), columns[order], NOWHERE)
        return Nearest(site, level_m)

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """See `Ways`."""
        if not len(self._sites):
            return np.full(np.shape(sites), np.inf)
        line = self._line[starts] if sites.ndim == 1 else self._line[starts][:, None]
        return np.where(sites >= 0, self._level_m[line, np.maximum(sites, 0)], np.inf)

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """See `Ways`."""
        return self._walks.lengths(self._xy_m[starts], self._sites, sites, level_m)

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """See `Ways`."""
        return np.full(len(starts), self._walks.about)

    def inland(self, starts: Ints) -> Exits | None:
        """See `Ways`."""
        return self._walks.inland(self._xy_m[starts]) if isinstance(self._walks, KnowsInland) else None
