"""What the ground says to one side: what lies at a point, and how to walk to a site past the orders in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bosai.errors import InvalidInput, NotFound
from bosai.services.geo_facts import GeoFacts, GeoProblem
from bosai.services.geo_holder import GeoHolder
from bosai.services.planning import danger_of
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.sites import SiteStore
from geodata.areas import Bbox
from geodata.crs import to_plane
from geodata.foot import Foot
from geodata.hazard_layers import HazardLayer

if TYPE_CHECKING:  # they load SciPy, which a process without an imported network never needs
    from bosai.services.walking import Walking
    from geodata.routes import WalkRoute


class GeoService:
    """The facts of the ground as one side asks them. Both sides share the facts, never the orders."""

    def __init__(self, holder: GeoHolder, sites: SiteStore, alerts: AlertStore, settings: Settings) -> None:
        self._holder = holder
        self._sites = sites
        self._alerts = alerts
        self._settings = settings

    @property
    def facts(self) -> GeoFacts:
        """The newest that was read; never waits."""
        return self._holder.facts

    @property
    def holder(self) -> GeoHolder:
        """What both sides and the planner of this process share."""
        return self._holder

    @property
    def walking(self) -> Walking | None:
        """Walks over the network; None where no roads were imported."""
        return self._holder.walking

    @property
    def problems(self) -> tuple[GeoProblem, ...]:
        """What of it can not be used on this machine."""
        return self._holder.problems

    async def at(self, lon: float, lat: float) -> Sequence[tuple[HazardLayer, int]]:
        """Every hazard map with the row of its worst class here, or catalogue.OUTSIDE or UNKNOWN.

        Raises InvalidInput outside the city.
        """
        self._refuse_outside(lon, lat)
        return await asyncio.to_thread(self._at, lon, lat)

    async def route(
        self, from_lonlat: tuple[float, float], site_id: str | None, *, foot: Foot = Foot.SLOW
    ) -> WalkRoute | None:
        """The way to a site past the orders in force, without a site out of the tsunami areas; None where the network
        knows none.

        Raises InvalidInput outside the city, NotFound for a site nobody knows.
        """
        self._refuse_outside(*from_lonlat)
        site = await self._sites.site(site_id) if site_id is not None else None
        if site is None and site_id is not None:
            raise NotFound("site", site_id)
        walking = self.walking
        if walking is None:
            return None
        epsg = self._settings.city.plane_epsg
        in_force = await self._alerts.in_force()

        def search() -> WalkRoute | None:
            found = (danger_of(one.alert, epsg) for one in in_force)
            dangers = [one for one in found if one is not None]
            start = to_plane(np.array([from_lonlat]), epsg)
            if site is None:
                return walking.route_inland(start, dangers, foot)
            goal = to_plane(np.array([(site.lon, site.lat)]), epsg)
            return walking.route(start, goal, dangers, foot)

        return await asyncio.to_thread(search)

    def _at(self, lon: float, lat: float) -> Sequence[tuple[HazardLayer, int]]:
        found = self._holder.catalogue().at(np.array([[lon, lat]]))
        rows = found.class_row[0].tolist()
        return list(zip(found.layers, rows, strict=True))

    def _refuse_outside(self, lon: float, lat: float) -> None:
        if not Bbox(*self._settings.city.bbox_lonlat).holds(lon, lat):
            raise InvalidInput("lon", "outside_city")
