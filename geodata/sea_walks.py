"""Walks under a tsunami: nothing leads towards the sea while a landward way exists.

    closures + SeaRule ─▶ SeaGround: two sets of lines nobody crosses seaward + none ─▶ which holds for whom
                       ─▶ quickest ways inland under each

Everybody walks under the set that leaves the most room to turn. Who has no way inland under it walks without.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geodata.closures import Closures, close_areas
from geodata.inland_ways import InlandWays, NetworkExits, SeaRule, find_exits, inland_ways
from geodata.network import Foot, WalkNetwork
from geodata.snapping import Snapped

Floats = NDArray[np.float64]

WITHOUT = 2
"""The row of the closures without lines towards the sea, in `SeaWalks.closures`."""


class SeaGround:
    """What the sea rule closes, and where ways leave its areas: the same for every foot. Made when asked."""

    def __init__(self, network: WalkNetwork, closed: Closures, rule: SeaRule) -> None:
        self.network, self.rule, self._closed = network, rule, closed

    @cached_property
    def closures(self) -> tuple[Closures, Closures, Closures]:
        """Under the even lines, under the odd ones, and without."""
        even, odd = self.rule.closures(self.network)
        return self._closed | even, self._closed | odd, self._closed

    @cached_property
    def inland_closures(self) -> tuple[Closures, ...]:
        """The same with the tsunami areas themselves closed, so that nobody leaves and comes back."""
        own = close_areas(self.network, self.rule.areas_xy_m)
        return tuple(one | own for one in self.closures)

    @cached_property
    def exits(self) -> NetworkExits:
        """Where ways leave the areas inland."""
        return find_exits(
            self.network,
            self.rule.areas_xy_m,
            seaward_bearing_deg=self.rule.seaward_bearing_deg,
            margin_m=self.rule.margin_m,
        )

    @cached_property
    def area(self) -> BaseGeometry:
        """All tsunami areas as one, prepared."""
        area = shapely.union_all(list(self.rule.areas_xy_m))
        shapely.prepare(area)
        return area


class SeaWalks:
    """The sea rule for one foot. Searched when first asked."""

    def __init__(
        self,
        ground: SeaGround,
        *,
        foot: Foot,
        bound_m: float,
        gap_factor: float,
        alone: AbstractContextManager[object],
    ) -> None:
        self._alone = alone
        self.rule, self.ground, self._foot = ground.rule, ground, foot
        self._bound_m, self._gap_factor = bound_m, gap_factor

    @property
    def closures(self) -> tuple[Closures, Closures, Closures]:
        """Under the even lines, under the odd ones, and without."""
        return self.ground.closures

    @cached_property
    def inland(self) -> tuple[InlandWays, ...]:
        """The ways inland under each of `closures`."""
        found: list[InlandWays] = []
        for one in self.ground.inland_closures:
            found.append(
                inland_ways(
                    self.ground.network,
                    self.ground.exits,
                    foot=self._foot,
                    closures=one,
                    bound_m=self._bound_m,
                    gap_factor=self._gap_factor,
                    core=found[0].core if found else None,
                )
            )
        return tuple(found)

    def row_of(self, people_xy_m: Floats, at: Snapped) -> NDArray[np.int8]:
        """(n,) which of `closures` holds for each person."""
        row = self.rule.set_of(people_xy_m)
        with self._alone:
            under = shapely.intersects_xy(self.ground.area, people_xy_m[:, 0], people_xy_m[:, 1])
        for number in range(WITHOUT):
            mine = np.flatnonzero(under & (row == number))
            landward = self.inland[number].ways(at.take(mine)).exit >= 0
            row[mine[~landward]] = WITHOUT
        return row

    def ways_inland(self, at: Snapped, row: NDArray[np.int8]) -> tuple[Floats, Floats]:
        """(n,) level metres and (n, 2) exits of people inside; inf and nan where the network knows no way.

        row: (n,) what `row_of` said of them.
        """
        effort, exits = np.full(len(at), np.inf), np.full((len(at), 2), np.nan)
        for number, ways in enumerate(self.inland):
            mine = np.flatnonzero(row == number)
            found = ways.ways(at.take(mine))
            reached = found.exit >= 0
            effort[mine] = found.effort_m
            exits[mine[reached]] = ways.exits.at.foot_xy_m[found.exit[reached]]
        return effort, exits
