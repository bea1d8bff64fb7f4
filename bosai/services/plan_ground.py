"""What of a moment is the same for everybody: sites and areas on the plane, and the water people would stand in.

orders in force ─▶ Danger (made once a version, its water once for the same people) ─┐
sites · statuses ─▶ SiteTable (made again only when something of them changed) ──────┴▶ Ground

A plan is quick where what it stands on is the very same object as before: so nothing is made anew that did not change.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Alert, AlertRecord, TsunamiClass
from bosai.model.geometry import from_e7
from bosai.services.people import PeopleRows
from bosai.settings_schema import Settings
from geodata.crs import geometry_to_plane, to_plane
from geodata.hazards import HazardKind
from shelters.dangers import Danger, Water
from shelters.model import People, Site, SiteStatus
from shelters.sites import SiteTable, site_table
from shelters.ways import Ways

if TYPE_CHECKING:  # loads SciPy, which a process without an imported network never needs
    from bosai.services.walking import Walking

T = TypeVar("T")
_Wanted = tuple[object, object, object, tuple[Danger, ...]]

KEPT_WAYS = 2
"""Walks that are kept: those of the plan, and those of the preview of a draft beside it."""
KEPT = 64
"""Orders whose areas are kept on the plane: those in force, and the drafts that are looked at."""


class KnowsWater(Protocol):
    """The imported maps of depths, asked for places."""

    def of(self, hazard: HazardKind, xy_m: NDArray[np.float64]) -> Water | None:
        """The water at (n, 2) places under this hazard; None where no map speaks of it, which is "unknown"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What of a situation is the same for everybody: sites and areas on the plane. `dangers`: orders that direct."""

    table: SiteTable
    dangers: tuple[tuple[AlertRecord, Danger], ...]


def danger_of(alert: Alert, epsg: int) -> Danger | None:
    """The order as the planner sees it; None for lifts, recalls and an ordinary お知らせ, which direct nobody."""
    if not alert.guides_people:
        return None
    return area_of(alert, epsg)


def area_of(alert: Alert, epsg: int) -> Danger:
    """The order's area and class on the plane, whatever the version does."""
    return Danger(
        key=alert.key,
        hazard=alert.hazard,
        area_xy_m=geometry_to_plane(from_e7(alert.area.polygons_e7_lonlat), epsg),
        level=int(alert.level) if alert.level else None,
        advisory=alert.tsunami_class is TsunamiClass.ADVISORY,
        expected_arrival_s=alert.expected_arrival_at.timestamp() if alert.expected_arrival_at else None,
    )


def table_of(sites: Sequence[Site], statuses: Mapping[str, SiteStatus], settings: Settings) -> SiteTable:
    """Sites (ascending ids) with what is known of them."""
    lonlat = np.array([[one.lon, one.lat] for one in sites], dtype=np.float64).reshape(-1, 2)
    return site_table(
        sites,
        statuses,
        to_plane(lonlat, settings.city.plane_epsg),
        margin_fraction=settings.planner.seats_margin_fraction,
    )


class GroundCache:
    """Grounds of one side, each part made again only when it changed. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._dangers: dict[str, tuple[Alert, Danger | None]] = {}
        self._table: tuple[Sequence[Site], Mapping[str, SiteStatus], SiteTable] | None = None
        self._ways: list[tuple[_Wanted, NDArray[np.float64], Ways]] = []
        self._wet: dict[str, tuple[Danger, People, KnowsWater, Danger]] = {}
        self._crowds: list[People | None] = [None, None]

    def of(
        self,
        sites: Sequence[Site],
        statuses: Mapping[str, SiteStatus],
        in_force: Sequence[AlertRecord],
    ) -> Ground:
        """The ground of these sites and orders."""
        with self._lock:
            found = ((one, self._danger(one.alert)) for one in in_force)
            return Ground(
                table=self._table_of(sites, statuses),
                dangers=tuple((record, danger) for record, danger in found if danger is not None),
            )

    def wet(self, danger: Danger, people: People, maps: KnowsWater) -> Danger:
        """The danger with the water these people would stand in; asked of the maps once for the same people."""
        with self._lock:
            self._forget_all_but(people)
            held = self._wet.get(danger.key)
            if held is not None and held[0] is danger and held[1] is people and held[2] is maps:
                return held[3]
            made = wet(danger, people, maps)
            _keep(self._wet, danger.key, (danger, people, maps, made))
            return made

    def _forget_all_but(self, people: People) -> None:
        """A city's places weigh much: those asked for last and those before them are held on to, no others."""
        if self._crowds[-1] is people:
            return
        self._crowds = [self._crowds[-1], people]
        for key, held in list(self._wet.items()):
            if not any(held[1] is one for one in self._crowds):
                del self._wet[key]

    def ways(
        self,
        walking: "Walking",
        rows: PeopleRows,
        dangers: tuple[Danger, ...],
        sites_xy_m: NDArray[np.float64],
    ) -> Ways:
        """The walks of these people past these dangers: the same object as long as all of it is the same."""
        with self._lock:
            wanted = (walking, rows.people, rows.places, dangers)
            for held, held_xy_m, made in self._ways:
                if _same(held, wanted) and np.array_equal(held_xy_m, sites_xy_m):
                    return made
            made = walking.ways(rows.people, dangers, sites_xy_m, rows.places)
            self._ways = [(wanted, sites_xy_m, made), *self._ways[: KEPT_WAYS - 1]]
            return made

    def _danger(self, alert: Alert) -> Danger | None:
        held = self._dangers.get(alert.key)
        # A draft keeps its key while it is rewritten.
        if held is not None and held[0] == alert:
            return held[1]
        made = danger_of(alert, self._settings.city.plane_epsg)
        _keep(self._dangers, alert.key, (alert, made))
        return made

    def _table_of(self, sites: Sequence[Site], statuses: Mapping[str, SiteStatus]) -> SiteTable:
        held = self._table
        if held is None or held[0] is not sites or held[1] != statuses:
            held = sites, dict(statuses), table_of(sites, statuses, self._settings)
            self._table = held
        return held[2]


def _same(held: "_Wanted", wanted: "_Wanted") -> bool:
    return (
        all(one is other for one, other in zip(held[:3], wanted[:3], strict=True))
        and len(held[3]) == len(wanted[3])
        and all(one is other for one, other in zip(held[3], wanted[3], strict=True))
    )


def wet(danger: Danger, people: People, maps: KnowsWater) -> Danger:
    """The danger with what the maps say of the water at these places; as it is where they say nothing of its kind."""
    water = maps.of(danger.hazard, people.xy_m)
    return danger if water is None else replace(danger, water=water)


def _keep(held: dict[str, T], key: str, value: T) -> None:
    held.pop(key, None)
    held[key] = value
    while len(held) > KEPT:
        del held[next(iter(held))]
