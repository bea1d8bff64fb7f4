"""The walks of two lists of places to the same sites as one: the second list's rows follow the first's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.inland import Exits
from shelters.ways import NOWHERE, Nearest, Ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class JoinedWays:
    """A `Ways` over n = places[0] + places[1] rows. Starts at a site (n + j, and what `Ways` counts beyond) are the
    first's."""

    def __init__(self, first: Ways, second: Ways, *, places: tuple[int, int], sites: int) -> None:
        self._ways = (first, second)
        self._places = places
        self._sites = sites

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """See `Ways`."""
        site = np.full((len(starts), k), NOWHERE, dtype=np.int64)
        level_m = np.full((len(starts), k), np.inf)
        for ways, rows, own in self._parts(starts):
            site[rows], level_m[rows] = ways.nearest(own, allowed, k)
        return Nearest(site, level_m)

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """See `Ways`."""
        found = np.full(np.shape(sites), np.inf)
        for ways, rows, own in self._parts(starts):
            found[rows] = ways.efforts(own, sites[rows])
        return found

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """See `Ways`."""
        found = np.full(len(starts), np.inf)
        for ways, rows, own in self._parts(starts):
            found[rows] = ways.lengths(own, sites[rows], level_m[rows])
        return found

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """See `Ways`."""
        found = np.ones(len(starts), dtype=np.bool_)
        for ways, rows, own in self._parts(starts):
            found[rows] = ways.about(own, sites[rows])
        return found

    def inland(self, starts: Ints) -> Exits | None:
        """See `Ways`; None when either of them knows no ways inland."""
        exit_xy_m, distance_m = np.full((len(starts), 2), np.nan), np.full(len(starts), np.inf)
        for ways, rows, own in self._parts(starts):
            found = ways.inland(own)
            if found is None:
                return None
            exit_xy_m[rows], distance_m[rows] = found.exit_xy_m, found.distance_m
        return Exits(exit_xy_m, distance_m)

    def _parts(self, starts: Ints) -> list[tuple[Ways, Ints, Ints]]:
        """Whose rows are whose: the walks, the positions in `starts`, and the starts as these walks number them."""
        count, more = self._places
        starts = np.asarray(starts, dtype=np.int64)
        of_second = (starts >= count) & (starts < count + more)
        own = np.where(of_second, starts - count, np.where(starts >= count, starts - more, starts))
        parts = [
            (ways, rows := np.flatnonzero(chosen), own[rows])
            for ways, chosen in zip(self._ways, (~of_second, of_second), strict=True)
        ]
        return [(ways, rows, numbers) for ways, rows, numbers in parts if len(rows)]
