"""Walks over the imported network, for plans and for one person: what is closed by the orders in force, and for whom.

    network ─▶ Walking (kept while the network stands) ─▶ .around(dangers) ─▶ NetworkWalks, one a foot
       people ─▶ .places_of(people), once ─▶ Places ─────▶ .ways(…) ─▶ PlanWays: the planner's Ways, by row

Closed are: the areas of all orders (to be left, never entered), and in water's dangers the underpasses and fords in
and near them and the bridges over them; inland flood closes the underpasses of the whole city. In a tsunami nothing
leads towards the sea while a landward way exists (geodata.inland_ways). Everything here is blocking.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from bosai.settings_schema import Settings
from geodata.closures import bridges_over, flooded_edges
from geodata.crowd import Crowd
from geodata.foot import Foot
from geodata.ground_cells import GroundCells
from geodata.hazards import HazardKind
from geodata.inland import Exits
from geodata.inland_ways import SeaRule
from geodata.network import WalkNetwork
from geodata.pair_walks import PairWalks
from geodata.routes import WalkRoute
from geodata.row_walks import RowWalks
from geodata.standing import Stander, Standing
from geodata.walks import Closing, NetworkWalks
from shelters.dangers import Danger
from shelters.model import Facet, Pace, People
from shelters.ways import NOWHERE, Nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_Made = TypeVar("_Made")

FEET = (Foot.STANDARD, Foot.SLOW, Foot.STEP_FREE)
"""From the one who passes most to the one who passes least."""
AT_SITES = (Foot.SLOW, Foot.STEP_FREE)
"""The feet of who stands at a site, in the order of their starts."""
KEPT_DANGERS = 3
"""Sets of orders whose ways are remembered: those in force on both sides, and the draft that is looked at.

One takes 150 MB over a city's centre and 300 sites, and 600 MB under a tsunami: more of them would take the machine's.
"""
KEPT_PLANS = 2
"""A plan's walks remember how everybody stands: those of either side."""
OWN_PLACES = 20
"""A question about so few places is somebody's own, who waits for the answer: nothing is made ready for crowds."""
NEAR_WATER_M = 30.0
"""Underpasses and fords so near to water are taken to be under it."""
_STEP_FREE = int(Facet.STEP_FREE)
_WATER = (HazardKind.FLOOD, HazardKind.STORM_SURGE, HazardKind.TSUNAMI)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where (n,) households stand on the network, each by its own foot. foot: (n,) rows of FEET; 29 bytes a place."""

    standing: Standing
    foot: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.foot)

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """Several one after the other."""
        foot = np.concatenate([one.foot for one in parts]) if parts else np.empty(0, dtype=np.int8)
        return cls(Standing.joined([one.standing for one in parts]), foot)

    def take(self, rows: Ints | slice) -> Places:
        """Those of some rows."""
        return Places(self.standing.take(rows), self.foot[rows])


class _KnownPlan(NamedTuple):
    """What the walks of a plan hang on, and they."""

    people: People
    places: Places | None
    key: str
    sites: bytes
    ways: PlanWays


class Walking:
    """Walks over one network. Threads share it; what one of them searches, the others wait for and then have.

    Nobody waits for the search of other orders: a drill's does not hold up those of a real order.
    """

    def __init__(self, network: WalkNetwork, settings: Settings) -> None:
        self.network = network
        self._settings = settings
        self._lock = threading.Lock()
        self._like = feet_alike(network)
        self.feet = tuple(dict.fromkeys(self._like.values()))
        self._open: dict[Foot, NetworkWalks] = {}
        for foot in self.feet:
            self._open[foot] = NetworkWalks(
                network,
                foot=foot,
                detour_factor=settings.planner.detour_factor,
                bound_m=settings.walking.bound_m,
                ends=self._open[FEET[0]].ends if self._open else None,
            )
        self._open_locks = {foot: threading.Lock() for foot in self.feet}
        self._cells = GroundCells(network)
        self._standers = {
            foot: Stander(network, foot, self._cells, gap_factor=settings.planner.detour_factor)
            for foot in self.feet
        }
        self._rows: OrderedDict[tuple[str, Foot, bytes], RowWalks] = OrderedDict()
        self._plans: list[_KnownPlan] = []
        self._prepared_xy_m = np.zeros((0, 2))
        self._around: OrderedDict[tuple[str, Foot], _Held] = OrderedDict()
        self._closings: OrderedDict[str, _Once[Closing]] = OrderedDict()

    def like(self, foot: Foot) -> Foot:
        """The first of FEET to whom every way of the network is exactly as hard: one is searched for both."""
        return self._like[foot]

    def around(self, dangers: Sequence[Danger], foot: Foot) -> NetworkWalks:
        """The walks of one foot while these orders are in force."""
        return self._held(dangers, foot).walks if dangers else self._open[self.like(foot)]

    def places_of(self, people: People) -> Places:
        """Where the people of a plan stand on the network: worked out once, for as long as it and they stay."""
        foot = feet_of(people)
        standing = Standing.empty(len(foot))
        for number in np.unique(foot):
            rows = np.flatnonzero(foot == number)
            standing.put(rows, self.stand(people.xy_m[rows], FEET[int(number)]))
        return Places(standing, foot)

    def stand(self, points_xy_m: Floats, foot: Foot) -> Standing:
        """Where points are on the network of one foot with nothing closed."""
        foot = self.like(foot)
        with self._open_locks[foot]:
            return self._standers[foot].stand(points_xy_m, self._open[foot].ends.usual(points_xy_m))

    def ways(
        self, people: People, dangers: Sequence[Danger], to_xy_m: Floats, places: Places | None = None
    ) -> PlanWays:
        """The walks of one plan to (m, 2) sites. places: those of the people, None = they are looked for now.

        The same object for the same people, places, sites and areas: what it has worked out serves the next plan.
        """
        told, key = np.ascontiguousarray(to_xy_m).tobytes(), digest_of(dangers) if dangers else ""
        with self._lock:
            for known in self._plans:
                if (known.people is people and known.places is places) and (known.key, known.sites) == (
                    key,
                    told,
                ):
                    return known.ways
        made = _KnownPlan(people, places, key, told, PlanWays(self, people, dangers, to_xy_m, places))
        if len(people) > OWN_PLACES:
            with self._lock:
                self._plans = [made, *self._plans][:KEPT_PLANS]
        return made.ways

    def rows(self, to_xy_m: Floats, dangers: Sequence[Danger], foot: Foot) -> RowWalks:
        """The walks of one foot, by row, while these orders are in force."""
        foot = self.like(foot)
        key = digest_of(dangers) if dangers else "", foot, np.ascontiguousarray(to_xy_m).tobytes()
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        made = RowWalks(PairWalks(self._ready(to_xy_m, dangers, foot), to_xy_m), self._cells)
        with self._lock:
            made = self._rows.setdefault(key, made)
            while len(self._rows) > (KEPT_DANGERS + 1) * len(self.feet):
                self._rows.popitem(last=False)
        return made

    def prepare(self, to_xy_m: Floats) -> None:
        """Search the open ways to these sites for every foot, so that they are ready when an order comes."""
        if len(to_xy_m) and not np.array_equal(self._prepared_xy_m, to_xy_m):
            for foot in self.feet:
                self.rows(to_xy_m, (), foot).edges.get_ready()
            self._prepared_xy_m = to_xy_m

    def route_inland(self, from_xy_m: Floats, dangers: Sequence[Danger], foot: Foot) -> WalkRoute | None:
        """The way out of the areas of the tsunamis in force; None outside them, without one, or without a network."""
        if not any(one.is_tsunami for one in dangers):
            return None
        held = self._held(dangers, foot)
        with held.lock:
            return held.walks.route_inland(from_xy_m)

    def route(
        self, from_xy_m: Floats, to_xy_m: Floats, dangers: Sequence[Danger], foot: Foot
    ) -> WalkRoute | None:
        """The way between two points past the orders in force; None where the network has none."""
        return self.around(dangers, foot).route(from_xy_m, to_xy_m)

    def _ready(self, to_xy_m: Floats, dangers: Sequence[Danger], foot: Foot) -> NetworkWalks:
        """The walks with the ways to these sites searched. foot: one of `feet`."""
        walks = self._open[foot]
        with self._open_locks[foot]:
            walks.prepare(to_xy_m)
        if dangers:
            held = self._held(dangers, foot)
            with held.lock:
                walks = held.walks
                walks.prepare(to_xy_m)
        return walks

    def _held(self, dangers: Sequence[Danger], foot: Foot) -> _Held:
        foot = self.like(foot)
        key = digest_of(dangers), foot
        with self._lock:
            held = self._around.pop(key, None) or _Held(lambda: self._closed(dangers, foot))
            self._around[key] = held
            while len(self._around) > KEPT_DANGERS * len(self.feet):
                self._around.popitem(last=False)
        return held

    def _closed(self, dangers: Sequence[Danger], foot: Foot) -> NetworkWalks:
        return self._open[foot].past(self._closing(dangers))

    def _closing(self, dangers: Sequence[Danger]) -> Closing:
        """What the orders close, worked out once for all feet."""
        key = digest_of(dangers)
        with self._lock:
            held = self._closings.pop(key, None) or _Once(lambda: self._closing_of(dangers))
            self._closings[key] = held
            while len(self._closings) > KEPT_DANGERS:
                self._closings.popitem(last=False)
        return held.value

    def _closing_of(self, dangers: Sequence[Danger]) -> Closing:
        waves = tuple(one.area_xy_m for one in dangers if one.is_tsunami)
        bearing = self._settings.city.seaward_bearing_deg
        return Closing.of(
            self.network,
            [one.area_xy_m for one in dangers],
            closed_edges=closed_edges(self.network, dangers),
            sea=SeaRule(areas_xy_m=waves, seaward_bearing_deg=bearing) if waves else None,
            alone=threading.RLock(),
        )


class _Once(Generic[_Made]):
    """Something made when it is first asked for; who asks meanwhile waits for it."""

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._making = threading.Lock()
        self._make = make
        self._value: _Made | None = None

    @property
    def value(self) -> _Made:
        """It."""
        with self._making:
            if self._value is None:
                self._value = self._make()
            return self._value


class _Held(_Once[NetworkWalks]):
    """The walks around one set of orders. lock: held by who searches."""

    def __init__(self, make: Callable[[], NetworkWalks]) -> None:
        super().__init__(make)
        self.lock = threading.Lock()

    @property
    def walks(self) -> NetworkWalks:
        """The walks."""
        return self.value


def closed_edges(network: WalkNetwork, dangers: Sequence[Danger]) -> NDArray[np.int64]:
    """Rows of edges that water closes as a whole: underpasses, fords and bridges."""
    water = [one.area_xy_m for one in dangers if one.hazard in _WATER]
    rows = [flooded_edges(network, water, within_m=NEAR_WATER_M), bridges_over(network, water)]
    if any(one.hazard is HazardKind.INLAND_FLOOD for one in dangers):
        rows.append(flooded_edges(network, [], within_m=None))
    return np.unique(np.concatenate(rows)).astype(np.int64)


def digest_of(dangers: Sequence[Danger]) -> str:
    """The same for the same areas and hazards, whatever version of an order they belong to."""
    told = hashlib.sha256()
    for hazard, area in sorted((one.hazard.value, shapely.to_wkb(one.area_xy_m)) for one in dangers):
        told.update(hazard.encode() + b"\0" + hashlib.sha256(area).digest())
    return told.hexdigest()


class PlanWays:
    """The planner's `Ways` over the network: n places, m sites, each household by its own foot.

    Whoever stands at a site (start n + site) is taken for slow, at n + m + site for needing ways without steps.
    """

    def __init__(
        self,
        walking: Walking,
        people: People,
        dangers: Sequence[Danger],
        sites_xy_m: Floats,
        places: Places | None,
    ) -> None:
        if places is not None and len(places) != len(people):
            raise ValueError(f"places: {len(places)} for {len(people)} people; they must be of the same rows")
        self._walking, self._dangers = walking, tuple(dangers)
        self._sites_xy_m = np.asarray(sites_xy_m, dtype=np.float64).reshape(-1, 2)
        self._places = places if places is not None else walking.places_of(people)
        self._own_question = len(people) <= OWN_PLACES
        self._crowd = Crowd(people.xy_m, self._places.standing, own_question=self._own_question)
        self._rows: dict[Foot, RowWalks] = {}
        self._like = np.array([FEET.index(walking.like(foot)) for foot in FEET], dtype=np.int8)

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """See `Ways`."""
        site = np.full((len(starts), k), NOWHERE, dtype=np.int64)
        level_m = np.full((len(starts), k), np.inf)
        for mine, walks, crowd, rows in self._by_foot(starts):
            site[mine], level_m[mine] = walks.nearest(crowd, rows, allowed, k)
        return Nearest(site, level_m)

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """See `Ways`."""
        return self._figures(starts, sites)[0]

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """See `Ways`."""
        return self._figures(starts, sites)[1]

    def _figures(self, starts: Ints, sites: Ints) -> tuple[Floats, Bools]:
        figure, about = np.full(sites.shape, np.inf), np.ones(sites.shape, dtype=np.bool_)
        for mine, walks, crowd, rows in self._by_foot(starts):
            some = sites[mine]
            found, estimate = walks.figures(crowd, rows, some.reshape(len(rows), -1))
            figure[mine], about[mine] = found.reshape(some.shape), estimate.reshape(some.shape)
        return figure, about

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """See `Ways`."""
        length = level_m.copy()
        asked = np.flatnonzero((sites >= 0) & np.isfinite(level_m))
        for mine, walks, crowd, rows in self._by_foot(starts[asked]):
            some = asked[mine]
            length[some] = walks.lengths(crowd, rows, sites[some], level_m[some])
        return length

    def inland(self, starts: Ints) -> Exits | None:
        """See `Ways`."""
        if not any(one.is_tsunami for one in self._dangers):
            return None
        exits, metres = np.full((len(starts), 2), np.nan), np.full(len(starts), np.inf)
        for mine, walks, crowd, rows in self._by_foot(starts):
            found = walks.inland(crowd, rows)
            exits[mine], metres[mine] = found.exit_xy_m, found.distance_m
        return Exits(exits, metres)

    def _by_foot(self, starts: Ints) -> Iterator[tuple[Ints | slice, RowWalks, Crowd, Ints]]:
        """(places in `starts`, walks of their foot, crowd, rows of it) for every foot among them."""
        count = len(self._places)
        if not len(starts):
            return
        if starts.max() < count:
            yield from self._parts(starts, self._crowd, self._places.foot)
            return
        for at_site in (False, True):
            mine = np.flatnonzero((starts >= count) == at_site)
            crowd, foot = self._at_sites if at_site else (self._crowd, self._places.foot)
            for some, walks, _, rows in self._parts(starts[mine] - at_site * count, crowd, foot):
                yield mine[some], walks, crowd, rows

    def _parts(
        self, rows: Ints, crowd: Crowd, foot: NDArray[np.int8]
    ) -> Iterator[tuple[Ints | slice, RowWalks, Crowd, Ints]]:
        feet = self._like[foot[rows]]
        numbers = np.flatnonzero(np.bincount(feet, minlength=len(FEET)))
        for number in numbers.tolist():
            mine = slice(None) if len(numbers) == 1 else np.flatnonzero(feet == number)
            yield mine, self._walks_of(FEET[number]), crowd, rows[mine]

    def _walks_of(self, foot: Foot) -> RowWalks:
        if foot not in self._rows:
            self._rows[foot] = self._walking.rows(self._sites_xy_m, self._dangers, foot)
        return self._rows[foot]

    @cached_property
    def _at_sites(self) -> tuple[Crowd, NDArray[np.int8]]:
        """Who stands at a site: first all sites of those taken for slow, then all of those who need no steps."""
        sites = self._sites_xy_m
        parts = [self._walking.stand(sites, foot) for foot in AT_SITES]
        foot = np.repeat([FEET.index(one) for one in AT_SITES], len(sites)).astype(np.int8)
        xy_m = np.concatenate([sites] * len(AT_SITES))
        return Crowd(xy_m, Standing.joined(parts), own_question=self._own_question), foot


def feet_alike(network: WalkNetwork) -> dict[Foot, Foot]:
    """Each foot → the first of FEET with the same efforts everywhere: where no stairs and heights are known, one."""

    def same(one: Foot, other: Foot) -> bool:
        return all(
            np.array_equal(efforts[one], efforts[other])
            for efforts in (network.effort_ab_m, network.effort_ba_m)
        )

    return {foot: next(one for one in FEET if same(one, foot)) for foot in FEET}


def feet_of(people: People) -> NDArray[np.int8]:
    """(n,) rows of FEET: step-free where that is needed; who did not say how fast is taken for slow."""
    standard = people.pace == Pace.STANDARD
    feet = np.where(standard, FEET.index(Foot.STANDARD), FEET.index(Foot.SLOW))
    return np.where(people.needs & _STEP_FREE, FEET.index(Foot.STEP_FREE), feet).astype(np.int8)
