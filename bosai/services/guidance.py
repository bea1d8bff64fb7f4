"""Where do I go now, from this point? A pure reading for visitors and the page without script: no planner needed.

sites · statuses · orders in force (at most a second old) ─▶ plan for one household ─▶ Guidance
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bosai.errors import InvalidInput
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Instruction
from bosai.model.subscription import PaceClass, Place, Structure
from bosai.ports import Clock
from bosai.services.geo import GeoService
from bosai.services.hand import HandService
from bosai.services.opening_calls import OpeningCalls, opening_calls
from bosai.services.people import PeopleRows, rows_of
from bosai.services.plan_ground import GroundCache
from bosai.services.planning import Ground, Situation, drafts_of, ground_of, plan_id_of, problem_of
from bosai.services.sites import SiteService
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from geodata.areas import Bbox
from geodata.hazards import HazardKind
from shelters.dangers import who_is_inside
from shelters.hand import NO_HAND
from shelters.model import Opening, Site, SiteStatus
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.sites import OPENINGS
from shelters.suitability import Verdict, fit_for, is_closed, judge, sites_inside
from shelters.ways import StraightWays

FRESH_FOR = timedelta(seconds=1)
NEAREST_PER_HAZARD = 5
VISITOR = "visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestSite:
    """A site one could go to from here; `fits`: hazards for which people may be sent there now."""

    site: Site
    status: SiteStatus | None
    opening: Opening
    walk_m: int
    walk_s: int
    fits: frozenset[HazardKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What holds at a point. `decision` is an unsent instruction (seq 0); None where no order covers the point."""

    alerts: tuple[AlertRecord, ...]
    decision: Instruction | None
    nearest: tuple[NearestSite, ...]
    at: datetime


class GuidanceService:
    """Guidance for one point of one side."""

    def __init__(
        self,
        sites: SiteService,
        alert_store: AlertStore,
        clock: Clock,
        settings: Settings,
        geo: GeoService | None = None,
        *,
        hand: HandService | None = None,
    ) -> None:
        self._hand = hand
        self._grounds = GroundCache(settings)
        self._sites = sites
        self._alerts = alert_store
        self._clock = clock
        self._settings = settings
        self._geo = geo
        self._lock = asyncio.Lock()
        self._held: tuple[datetime, Situation, Ground] | None = None
        self._catalogue: tuple[int, Sequence[Site]] = (-1, ())

    async def for_point(
        self,
        lon: float,
        lat: float,
        *,
        floor: int | None = None,
        structure: Structure = Structure.UNKNOWN,
        pace: PaceClass = PaceClass.UNKNOWN,
        persons: int = 1,
    ) -> Guidance:
        """The orders in force here, what one household should do, and the nearest sites per hazard.

        Unknown floor, structure and pace are treated with care. Raises InvalidInput outside the city.
        """
        if not Bbox(*self._settings.city.bbox_lonlat).holds(lon, lat):
            raise InvalidInput("lon", "outside_city")
        situation, ground = await self._moment()
        place = Place(
            place_id="here", lon=lon, lat=lat, floor=floor, structure=structure, pace=pace, persons=persons
        )
        rows = rows_of([(VISITOR, (place,))], self._settings.city.plane_epsg)
        return await asyncio.to_thread(_guide, situation, ground, rows, self._settings)

    async def calls(self) -> OpeningCalls:
        """The sites that should be open, or checked, for the orders in force, and of which nobody has said so."""
        situation, ground = await self._moment()
        dangers = [danger for _, danger in ground.dangers]
        return await asyncio.to_thread(opening_calls, ground.table, dangers, situation.hand, self._settings)

    async def _moment(self) -> tuple[Situation, Ground]:
        """Sites, statuses and orders, read and put on the plane again once they are a second old."""
        async with self._lock:
            now = self._clock.now()
            if self._held is not None and timedelta() <= now - self._held[0] < FRESH_FOR:
                return self._held[1:]
            version = await self._sites.version()
            if version != self._catalogue[0]:
                self._catalogue = (version, await self._sites.all())
            situation = Situation(
                now=now,
                sites=self._catalogue[1],
                statuses=await self._sites.statuses(),
                in_force=await self._alerts.in_force(),
                incident="",
                told={},
                told_of={},
                walking=self._geo.walking if self._geo is not None else None,
                began=await self._alerts.began(),
                water_maps=self._geo.holder.water_maps(self._alerts.realm) if self._geo is not None else None,
                hand=await self._hand.hand() if self._hand is not None else NO_HAND,
                grounds=self._grounds,
            )
            ground = await asyncio.to_thread(ground_of, situation, self._settings)
            self._held = (now, situation, ground)
            return situation, ground


def _guide(situation: Situation, ground: Ground, rows: PeopleRows, settings: Settings) -> Guidance:
    problem = problem_of(situation, rows, settings, ground)
    made = plan(problem)
    return Guidance(
        alerts=_alerts_over(problem, ground),
        decision=_unsent(made, rows, situation, settings),
        nearest=_nearest(problem, situation.statuses),
        at=situation.now,
    )


def _alerts_over(problem: PlanInput, ground: Ground) -> tuple[AlertRecord, ...]:
    """The orders that cover the point, its edge included."""
    return tuple(
        record
        for record, danger in ground.dangers
        if who_is_inside(problem.people, [danger], problem.rules.widen_m).any()
    )


def _unsent(made: Plan, rows: PeopleRows, situation: Situation, settings: Settings) -> Instruction | None:
    drafts = drafts_of(made, rows, situation, settings, plan_id=plan_id_of(made, situation))
    draft = next(iter(drafts), None)
    return draft.numbered(0, draft.alert_key) if draft else None


def _nearest(problem: PlanInput, statuses: Mapping[str, SiteStatus]) -> tuple[NearestSite, ...]:
    """For each hazard the nearest sites that are designated for it, open to the public, not closed, not in danger.

    What the city does not open first in heavy rain is no place for a rain's danger until staff say it is open.
    """
    sites, rules = problem.sites, problem.rules
    if not len(sites):
        return ()
    inside = sites_inside(sites, problem.dangers)
    usable = judge(sites, problem.dangers, inside, [], hand=problem.hand) <= Verdict.UPSTAIRS
    ways = problem.ways or StraightWays(problem.people.xy_m, sites.xy_m, rules.inland_detour_factor)
    every = np.arange(len(sites), dtype=np.int64)
    walk_m = ways.efforts(np.zeros(len(sites), dtype=np.int64), every)
    usable &= np.isfinite(walk_m)  # no way but through an area in force
    speed = float(rules.pacing.speed_mps(problem.people.pace, night=problem.night)[0])
    order = np.argsort(walk_m, kind="stable")
    fits = {hazard: fit_for(sites, hazard) & ~is_closed(sites, [hazard]) for hazard in HazardKind}
    chosen: set[int] = set()
    for fitting_here in fits.values():
        fitting = order[(usable & fitting_here)[order]]
        chosen.update(int(row) for row in fitting[:NEAREST_PER_HAZARD])
    listed = np.array(sorted(chosen, key=lambda row: (float(walk_m[row]), row)), dtype=np.int64)
    length_m = ways.lengths(np.zeros(len(listed), dtype=np.int64), listed, walk_m[listed])
    return tuple(
        NearestSite(
            site=sites.sites[row],
            status=statuses.get(sites.sites[row].site_id),
            opening=OPENINGS[sites.opening[row]],
            walk_m=round(float(length)),
            walk_s=round(float(walk_m[row]) / speed),
            fits=frozenset(hazard for hazard in HazardKind if fits[hazard][row]),
        )
        for row, length in zip(listed.tolist(), length_m, strict=True)
    )
