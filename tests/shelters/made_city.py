"""A small made city for simulations: every household inside one area, schools in clearings all over it."""

import numpy as np
import shapely
from shapely import Point, box

from geodata.hazards import HazardKind
from shelters.model import Opening
from shelters.pace import StraightLine
from shelters.plan import PlanRules
from shelters.simulate.city import City, city_of, made_sites, made_towns, settle, with_seats
from shelters.simulate.scenario import OrderVersion, ReportRules, Scenario, SiteEvent, WalkerRules

WIDTH_M = 4000.0
START_S = 1_800_000_000.0


def made_city(
    seed: int,
    *,
    households: int = 900,
    sites: int = 16,
    seats_per_mover: float = 1.3,
    error: float = 0.2,
    minutes: int = 150,
    walkers: WalkerRules | None = None,
    reports: ReportRules | None = None,
    level: int = 4,
    events: tuple[SiteEvent, ...] = (),
    more_orders: tuple[OrderVersion, ...] = (),
) -> tuple[Scenario, City]:
    """Everybody is ordered to leave at once. `comply_fraction` is 0.7 unless told otherwise."""
    rng = np.random.default_rng([seed, 1])
    centre = np.zeros(2)
    towns = made_towns(rng, 14, WIDTH_M, centre, 0.2)
    homes = settle(rng, towns, households)
    schools, xy_m = made_sites(rng, sites, WIDTH_M, centre)
    schools = with_seats(schools, round(seats_per_mover * int(homes.persons.sum())))
    city = city_of(rng, homes, towns, schools, xy_m, error=error)
    order = OrderVersion(
        at_s=0.0, order_id="slope", hazard=HazardKind.LANDSLIDE, area_xy_m=area_round(xy_m), level=level
    )
    scenario = Scenario(
        name="made",
        seed=seed,
        start_s=START_S,
        night=False,
        length_s=minutes * 60.0,
        walkers=walkers or WalkerRules(subscribed_fraction=1.0),
        reports=reports or ReportRules(),
        orders=(order, *more_orders),
        events=events,
        rules=PlanRules(walks=StraightLine(1.5), seats_margin_fraction=0.1, assumed_margin_fraction=-0.1),
    )
    return scenario, city


def area_round(sites_xy_m: np.ndarray) -> shapely.Geometry:
    """The whole city but for the clearings in which the schools stand."""
    reach = WIDTH_M / 2 + 900
    clearings = shapely.union_all([Point(*one).buffer(60) for one in sites_xy_m])
    return box(-reach, -reach, reach, reach).difference(clearings)


def fails(site_id: str, at_min: float) -> SiteEvent:
    return SiteEvent(at_s=at_min * 60.0, site_id=site_id, opening=Opening.UNUSABLE)


def opens(site_id: str, at_min: float) -> SiteEvent:
    return SiteEvent(at_s=at_min * 60.0, site_id=site_id, opening=Opening.OPEN)
