"""How far it is for a walker who may be anywhere: at home, at a site, or between two places."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shelters.dangers import Danger
from shelters.model import People
from shelters.ways import StraightWays, Ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WaysOf = Callable[[People, tuple[Danger, ...]], Ways]
"""The walks of these people while these orders are in force; starts: n places, then m sites."""

ON_THE_WAY = -1
"""The start of a leg that begins at neither a home nor a site."""


class Streets:
    """Walks of n homes and m sites. Starts count as in `Ways`: row of a home, n + row of a site."""

    def __init__(
        self, people: People, sites_xy_m: Floats, detour_factor: float, ways_of: WaysOf | None
    ) -> None:
        self._people, self._sites_xy_m, self._detour = people, sites_xy_m, detour_factor
        self._homes = len(people)
        self.is_straight = ways_of is None
        self._ways_of: WaysOf = ways_of or self._straight
        self.level_m = np.zeros((0, len(sites_xy_m)))
        self.around(())

    def around(self, dangers: tuple[Danger, ...]) -> None:
        """From now on the walks are those past these orders."""
        if self.is_straight and len(self.level_m):
            return
        ways = self._ways_of(self._people, dangers)
        sites = len(self._sites_xy_m)
        starts = np.arange(self._homes + sites)
        every = np.broadcast_to(np.arange(sites), (len(starts), sites))
        self.level_m = ways.efforts(starts, every)

    def ways_for(self, people: People, dangers: tuple[Danger, ...]) -> Ways:
        """The walks of other places past the same orders: what a planner is given."""
        return self._ways_of(people, dangers)

    def _straight(self, people: People, dangers: tuple[Danger, ...]) -> Ways:
        return StraightWays(people.xy_m, self._sites_xy_m, self._detour)

    def from_start(self, start: int) -> Floats:
        """(m,) level metres from a home or a site."""
        figure: Floats = self.level_m[start]
        return figure

    def from_between(self, start: int, site: int, walked_m: float, left_m: float, xy_m: Floats) -> Floats:
        """(m,) level metres to every site for who is between `start` and `site`: turning back, or going on.

        Where the walks are straight lines, or an end of the leg is neither a home nor a site: straight as well.
        """
        straight = self.from_point(xy_m)
        if self.is_straight or site < 0:
            return straight
        on = left_m + self.level_m[self._homes + site]
        back = straight if start == ON_THE_WAY else walked_m + self.level_m[start]
        figure: Floats = np.fmin(on, back)
        return figure

    def from_point(self, xy_m: Floats) -> Floats:
        """(m,) straight lines with their detour."""
        gap = self._sites_xy_m - xy_m
        figure: Floats = np.hypot(gap[:, 0], gap[:, 1]) * self._detour
        return figure

    def to_point_m(self, from_xy_m: Floats, to_xy_m: Floats) -> float:
        """One straight line with its detour."""
        return float(np.hypot(*(from_xy_m - to_xy_m))) * self._detour

    def start_at(self, site: int) -> int:
        """The start of who stands at a site."""
        return self._homes + site
