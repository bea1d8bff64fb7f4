"""One estimate of walking for the planner: over the network where there is one, the straight line where there is none.

    network ─▶ NetworkWalks ─▶ .under(areas, closed edges, sea rule) ─▶ .metres(people, sites) · .inland(people)

| gap to the network (the larger of both ends) | figure                                                       |
|----------------------------------------------|--------------------------------------------------------------|
| up to 100 m                                  | network, the gap × detour factor                             |
| 100 to 400 m                                 | from the one to the other in proportion                      |
| from 400 m                                   | straight line × detour factor                                |

Beyond the search's bound the straight line × detour factor stands in, never below the bound, from 0.9 of the bound
on in proportion: no figure jumps where the network or the search ends. No figure is below the straight line.
Nothing leads into a live area: the network closes it, people and sites outside are put on ways outside it, and a
straight line that would enter one from outside is no way. Figures are level metres: metres / speed = seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geodata.closures import SEAWARD_SPACING_M, Closures, close_areas, close_edges, nothing_closed, seaward_m
from geodata.inland import Exits, exit_points
from geodata.inland_ways import SeaRule
from geodata.network import Foot, WalkNetwork
from geodata.reach import Reach
from geodata.routes import RouteFinder, WalkRoute
from geodata.sea_walks import WITHOUT, SeaGround, SeaWalks
from geodata.snapping import Snapped
from geodata.straight_walks import Barrier
from geodata.walk_ends import WalkEnds
from geodata.ways_out import BOUND_M, WaysOut, ways_out

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAR_M, FAR_M = 100.0, 400.0
DETOUR_FACTOR = 1.5
KEPT_LISTS = 2
"""Two sides share a network, and a drill may have other sites than the real list."""
BLEND_FROM = 0.9  # of the bound
_BLOCK_CELLS = 1 << 17


@dataclass(frozen=True, slots=True)
class Walk:
    """(n, m) level metres from people to sites, inf = no way; about: (n, m) True where it is an estimate."""

    effort_m: Floats
    about: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What was searched under one set of closures."""

    ways: WaysOut
    reach: Reach


@dataclass(frozen=True, slots=True, eq=False)
class SearchedSites:
    """What was searched for one list of sites."""

    xy_m: Floats
    at: Snapped
    usual: Snapped
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """What is closed to everybody, whatever foot he has. Made with `Closing.of`.

    The areas are copies of one's own: a prepared shape must not be asked by two threads at once. `alone` is held
    while one of them is; give a lock where threads share the walks.
    """

    areas: tuple[BaseGeometry, ...]
    barriers: tuple[Barrier, ...]
    closed: Closures
    sea: SeaGround | None
    alone: AbstractContextManager[object]

    @classmethod
    def of(
        cls,
        network: WalkNetwork,
        areas_xy_m: Sequence[BaseGeometry],
        *,
        closed_edges: NDArray[np.int64] | Sequence[int] = (),
        sea: SeaRule | None = None,
        alone: AbstractContextManager[object] | None = None,
    ) -> Closing:
        """Live areas, edges closed as a whole, and the rule of a dangerous sea."""
        areas = _copies(areas_xy_m)
        closed = close_areas(network, areas) | close_edges(network, closed_edges)
        own_sea = replace(sea, areas_xy_m=_copies(sea.areas_xy_m)) if sea is not None else None
        return cls(
            areas=areas,
            barriers=tuple(Barrier(area) for area in areas),
            closed=closed,
            sea=SeaGround(network, closed, own_sea) if own_sea is not None else None,
            alone=alone if alone is not None else nullcontext(),
        )


class NetworkWalks:
    """Walks over a network for one foot, first with nothing closed; `under` gives the walks around what is live.

    It has the shape of the planner's `WalkDistances`. What was searched is kept for the KEPT_LISTS lists of sites last
    asked for, so ask for all people at once or in turn, but for the same sites. Threads may ask at the same time; let
    one of them `prepare` first, or each makes the search. ends: of another foot, shared where it passes the same.
    """

    def __init__(
        self,
        network: WalkNetwork,
        *,
        foot: Foot = Foot.STANDARD,
        detour_factor: float = DETOUR_FACTOR,
        bound_m: float = BOUND_M,
        ends: WalkEnds | None = None,
    ) -> None:
        self.network, self.foot = network, foot
        self.detour_factor, self.bound_m = detour_factor, bound_m
        self.areas: tuple[BaseGeometry, ...] = ()
        self.barriers: tuple[Barrier, ...] = ()
        self.alone: AbstractContextManager[object] = nullcontext()
        self.quiet: NetworkWalks = self
        self._closed = nothing_closed(network)
        self.ends = WalkEnds(network, foot)
        if ends is not None and ends.same_for(self.ends):
            self.ends = ends
        self.sea: SeaWalks | None = None
        self._kept: tuple[SearchedSites, ...] = ()
        self._finders: dict[int, RouteFinder] = {}

    def under(
        self,
        areas_xy_m: Sequence[BaseGeometry],
        *,
        closed_edges: NDArray[np.int64] | Sequence[int] = (),
        sea: SeaRule | None = None,
    ) -> NetworkWalks:
        """The same walks while areas are live, edges closed and the sea is dangerous.

        Searches under nothing closed are shared: only sites whose ways are cut are searched again.
        """
        return self.past(Closing.of(self.network, areas_xy_m, closed_edges=closed_edges, sea=sea))

    def past(self, closing: Closing) -> NetworkWalks:
        """The same for what is worked out already: every foot walks past the same."""
        walks = NetworkWalks(
            self.network, foot=self.foot, detour_factor=self.detour_factor, bound_m=self.bound_m
        )
        walks.areas, walks.barriers, walks.quiet = closing.areas, closing.barriers, self.quiet
        walks._closed = closing.closed
        walks.alone = closing.alone
        walks.ends = self.ends.around(walks.areas, walks._closed, closing.alone)
        if closing.sea is not None:
            walks.sea = SeaWalks(
                closing.sea,
                foot=self.foot,
                bound_m=self.bound_m,
                gap_factor=self.detour_factor,
                alone=closing.alone,
            )
        return walks

    @property
    def about(self) -> bool:
        """True: some figures may be estimates. `walk` says of each whether it is."""
        return True

    def prepare(self, to_xy_m: ArrayLike) -> None:
        """Search for the ways to these sites, unless that is done."""
        self.searched(to_xy_m)

    def metres(self, from_xy_m: ArrayLike, to_xy_m: ArrayLike) -> Floats:
        """(n, m) level metres from (n, 2) people to (m, 2) sites; inf where there is no way."""
        return self.walk(from_xy_m, to_xy_m).effort_m

    def walk(self, from_xy_m: ArrayLike, to_xy_m: ArrayLike) -> Walk:
        """The same with what is an estimate."""
        people, sites = _points(from_xy_m), self.searched(to_xy_m)
        usual = self.ends.usual(people)
        at = self.ends.people(people, usual)
        effort = np.empty((len(people), len(sites.xy_m)))
        about = np.empty(effort.shape, dtype=np.bool_)
        step = max(1, _BLOCK_CELLS // max(1, len(sites.xy_m)))
        for begin in range(0, len(people), step):
            part = slice(begin, begin + step)
            effort[part], about[part] = self._block(people[part], at.take(part), usual.take(part), sites)
        return Walk(effort, about)

    def lengths(self, from_xy_m: ArrayLike, to_xy_m: ArrayLike, to: Ints, effort_m: Floats) -> Floats:
        """(n,) real metres along the quickest way from each person to site `to` of (m, 2).

        effort_m: (n,) what `walk` said of those pairs: no length is above it, and none below the straight line. Where
        the search knows no way it stays as it is.
        """
        people, sites = _points(from_xy_m), self.searched(to_xy_m)
        at = self.ends.people(people, self.ends.usual(people))
        layer = self.sea.row_of(people, at) if self.sea else np.zeros(len(people), dtype=np.int64)
        metres = effort_m.copy()
        for number, one in enumerate(sites.layers):
            mine = np.flatnonzero(layer == number)
            if len(mine):
                metres[mine] = one.ways.metres(at.take(mine), np.arange(len(mine)), to[mine])
        return np.clip(metres, np.minimum(np.hypot(*(people - sites.xy_m[to]).T), effort_m), effort_m)

    def inland(self, points_xy_m: ArrayLike) -> Exits:
        """The way out of the tsunami areas of the sea rule, exit and level metres; 0 for who is outside already.

        Off the network, and where it knows no way out, the straight line inland takes over: a person under a tsunami
        is better told a direction than nothing. Raises ValueError without a sea rule.
        """
        people = _points(points_xy_m)
        usual = self.ends.usual(people)
        at = self.ends.people(people, usual)
        return self.inland_from(people, at, usual, self._sea_asked().row_of(people, at))

    def inland_from(self, people: Floats, at: Snapped, usual: Snapped, row: NDArray[np.int8]) -> Exits:
        """The same for people known on the network; row: (n,) which closures of the sea rule hold for each."""
        sea = self._sea_asked()
        straight = exit_points(
            people,
            sea.rule.areas_xy_m,
            seaward_bearing_deg=sea.rule.seaward_bearing_deg,
            margin_m=sea.rule.margin_m,
        )
        effort, exits = sea.ways_inland(at, row)
        weight = np.where(np.isfinite(effort), straight_weight(usual.gap_m), 1.0)
        weight = np.where(np.isfinite(straight.distance_m) | ~np.isfinite(effort), weight, 0.0)
        with np.errstate(invalid="ignore"):
            part = np.where(weight < 1, (1 - weight) * effort, 0.0)
            rest = np.where(weight > 0, weight * straight.distance_m * self.detour_factor, 0.0)
        out = straight.distance_m == 0
        floor = np.where(np.isfinite(straight.distance_m), straight.distance_m, 0.0)
        return Exits(
            exit_xy_m=np.where(((weight < 0.5) & ~out)[:, None], exits, straight.exit_xy_m),
            distance_m=np.where(out, 0.0, np.maximum(part + rest, floor)),
        )

    def route(self, from_xy_m: ArrayLike, to_xy_m: ArrayLike) -> WalkRoute | None:
        """The one way between two points under the same rules; None where the network has none.

        So far off the network that the straight line is the figure, or with a first stretch off it that leads towards
        the sea under a tsunami, there is none: a line drawn across fields and rivers is no way.
        """
        person, site = _points(from_xy_m), _points(to_xy_m)
        at = self.ends.people(person, self.ends.usual(person))
        goal = self.ends.sites(site, self.ends.usual(site))
        if max(at.gap_m[0], goal.gap_m[0]) >= FAR_M or self._seaward_first(person, at):
            return None
        row = int(self.sea.row_of(person, at)[0]) if self.sea else WITHOUT
        return self._finder(row).route(person[0], site[0], at, goal)

    def route_inland(self, from_xy_m: ArrayLike) -> WalkRoute | None:
        """The way out of the tsunami areas; None where the network has none, and for who is outside them.

        As little a line across fields as `route` is. Raises ValueError without a sea rule.
        """
        sea, person = self._sea_asked(), _points(from_xy_m)
        at = self.ends.people(person, self.ends.usual(person))
        with self.alone:
            inside = any(shapely.intersects_xy(area, *person[0]) for area in sea.rule.areas_xy_m)
        if not inside or at.gap_m[0] >= FAR_M or self._seaward_first(person, at):
            return None
        ways = sea.inland[int(sea.row_of(person, at)[0])]
        row = int(ways.ways(at).exit[0])
        if row < 0:
            return None
        goal = ways.exits.at.take(np.array([row]))
        finder = RouteFinder(
            self.network, foot=self.foot, closures=ways.closures, gap_factor=self.detour_factor
        )
        return finder.route(person[0], goal.foot_xy_m[0], at, goal, arrive_ab=bool(ways.exits.along_ab[row]))

    def _seaward_first(self, person: Floats, at: Snapped) -> bool:
        """Whether somebody under a tsunami would first walk towards the sea to reach a way."""
        if self.sea is None:
            return False
        rule = self.sea.rule
        person_m, foot_m = seaward_m(np.concatenate([person, at.foot_xy_m]), rule.seaward_bearing_deg)
        with self.alone:
            under = any(shapely.intersects_xy(area, *person[0]) for area in rule.areas_xy_m)
        return under and bool(foot_m - person_m > SEAWARD_SPACING_M)

    # -- what is searched -----------------------------------------------------------------------------------

    def _sea_asked(self) -> SeaWalks:
        if self.sea is None:
            raise ValueError("sea: name the tsunami areas with under(…, sea=SeaRule(…)) before asking inland")
        return self.sea

    def _finder(self, row: int) -> RouteFinder:
        if row not in self._finders:
            self._finders[row] = RouteFinder(
                self.network,
                foot=self.foot,
                closures=self.sea.closures[row] if self.sea else self._closed,
                gap_factor=self.detour_factor,
            )
        return self._finders[row]

    def searched(self, to_xy_m: ArrayLike) -> SearchedSites:
        """What is searched for these sites."""
        xy_m = _points(to_xy_m)
        for known in self._kept:
            if np.array_equal(known.xy_m, xy_m):
                return known
        usual = self.ends.usual(xy_m)
        at = self.ends.sites(xy_m, usual)
        # A site that is entered from elsewhere now has ways of its own; else those of quiet days are changed.
        fresh = self is self.quiet or at is not usual
        ways = self._fresh_ways(at) if fresh else self.quiet.searched(xy_m).layers[0].ways
        sets = self.sea.closures if self.sea else (self._closed,)
        found = [ways.update(one) for one in sets]
        made = SearchedSites(xy_m, at, usual, tuple(Layer(one, Reach(one)) for one in found))
        self._kept = (made, *self._kept)[:KEPT_LISTS]
        return made

    def _fresh_ways(self, at: Snapped) -> WaysOut:
        return ways_out(
            self.network,
            at,
            foot=self.foot,
            closures=self._closed,
            bound_m=self.bound_m,
            gap_factor=self.detour_factor,
        )

    # -- figures --------------------------------------------------------------------------------------------

    def _block(
        self, people: Floats, at: Snapped, usual: Snapped, sites: SearchedSites
    ) -> tuple[Floats, Bools]:
        if self.sea is None:
            effort, about = self._figures(people, at, usual, sites, sites.layers[0])
        else:
            effort = np.empty((len(people), len(sites.xy_m)))
            about = np.empty(effort.shape, dtype=np.bool_)
            row = self.sea.row_of(people, at)
            for number, layer in enumerate(sites.layers):
                mine = np.flatnonzero(row == number)
                effort[mine], about[mine] = self._figures(
                    people[mine], at.take(mine), usual.take(mine), sites, layer
                )
        self._never_shorter(people, at, usual, sites, effort)
        return effort, about

    def _figures(
        self, people: Floats, at: Snapped, usual: Snapped, sites: SearchedSites, layer: Layer
    ) -> tuple[Floats, Bools]:
        beeline = _straight_m(people, sites.xy_m)
        straight = beeline * self.detour_factor
        gaps = self.detour_factor * (at.gap_m[:, None] + sites.at.gap_m[None, :])
        far = np.maximum(gaps + self.bound_m, straight)
        walked = layer.ways.efforts(at).astype(np.float64)
        beyond = np.isinf(walked)
        late = (walked > gaps + BLEND_FROM * self.bound_m) & ~beyond
        share = ((walked[late] - gaps[late]) / self.bound_m - BLEND_FROM) / (1 - BLEND_FROM)
        walked[late] += np.minimum(share, 1) * np.maximum(far[late] - walked[late], 0)
        np.maximum(walked, beeline, out=walked)
        weight = np.maximum(straight_weight(usual.gap_m)[:, None], straight_weight(sites.usual.gap_m))
        if beyond.any():
            joined = layer.reach.joined(at)
            np.copyto(walked, far, where=beyond & joined)
            if not joined.all():
                # Where even with nothing closed no way joins the two, the network has nothing to say.
                quiet = self.quiet.searched(sites.xy_m).layers[0].reach
                weight[beyond & ~joined & ~quiet.joined(usual)] = 1.0
        estimated = weight > 0
        blend = estimated & (weight < 1)
        figure = np.where(weight < 1, walked, straight)
        figure[blend] = (1 - weight[blend]) * walked[blend] + weight[blend] * straight[blend]
        barred = self._barred(people, sites.xy_m, estimated)
        figure[barred] = np.where(weight < 1, np.maximum(walked, figure), np.inf)[barred]
        return figure, estimated | beyond | late

    def _never_shorter(
        self, people: Floats, at: Snapped, usual: Snapped, sites: SearchedSites, effort: Floats
    ) -> None:
        """Who has to step onto the network elsewhere is not nearer for it."""
        moved = (at.edge != usual.edge) | (at.along_m != usual.along_m)
        rows = np.arange(len(people)) if sites.at is not sites.usual else np.flatnonzero(moved)
        if len(rows):
            quiet, there = self.quiet.searched(sites.xy_m), usual.take(rows)
            before, _ = self.quiet._figures(people[rows], there, there, quiet, quiet.layers[0])
            effort[rows] = np.maximum(effort[rows], before)

    def _barred(self, people: Floats, sites_xy_m: Floats, asked: Bools) -> Bools:
        """(n, m) where the straight line would enter an area from outside; only the pairs asked about."""
        barred = np.zeros(asked.shape, dtype=np.bool_)
        for barrier in self.barriers:
            with self.alone:
                outside = ~shapely.intersects_xy(barrier.area, people[:, 0], people[:, 1])
                row, site = np.nonzero(asked & outside[:, None] & ~barred)
                barred[row, site] = barrier.met_by(people[row], sites_xy_m[site])
        return barred


def _copies(areas_xy_m: Sequence[BaseGeometry]) -> tuple[BaseGeometry, ...]:
    return tuple(shapely.from_wkb(shapely.to_wkb(area)) for area in areas_xy_m)


def _points(points_xy_m: ArrayLike) -> Floats:
    return np.asarray(points_xy_m, dtype=np.float64).reshape(-1, 2)


def _straight_m(from_xy_m: Floats, to_xy_m: Floats) -> Floats:
    """(n, m) straight metres; squares and a root take a third of the time of hypot."""
    x = from_xy_m[:, None, 0] - to_xy_m[None, :, 0]
    y = from_xy_m[:, None, 1] - to_xy_m[None, :, 1]
    x *= x
    y *= y
    x += y
    return np.sqrt(x, out=x)


def straight_weight(gap_m: Floats) -> Floats:
    """(n,) how much the straight line counts, 0 near the network and 1 far from it."""
    weight: Floats = np.clip((gap_m - NEAR_M) / (FAR_M - NEAR_M), 0.0, 1.0)
    return weight
