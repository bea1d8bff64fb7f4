"""From a scenario file to what is simulated: towns and sites from where they are, areas on the plane, seats in scale.

Towns: --towns or the file named ▸ the imported population ▸ the sample's towns, each alike.
Sites: --sites or the file named ▸ the sample's catalogue; seats assumed by the settings where none are published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bosai.services.site_facts import catalogue_of
from bosai.settings_schema import Settings
from bosai.simulation.files import OrderPart, ScenarioFile, ScenarioInvalid
from geodata.areas import Bbox
from geodata.crs import geometry_to_plane, to_plane
from geodata.errors import OtherList, UnknownLayout
from geodata.importers.areas import AreaMapping, parse_named_areas
from geodata.importers.population import TownPopulation, parse_population
from geodata.importers.sites import parse_sites
from geodata.importers.towns import parse_towns
from shelters import suitability
from shelters.dangers import Danger
from shelters.model import Opening, Site
from shelters.plan import PlanRules
from shelters.simulate.city import City, Homes, Towns, city_of, made_sites, made_towns, settle, with_seats
from shelters.simulate.scenario import OrderVersion, ReportRules, Scenario, SiteEvent, WalkerRules
from shelters.sites import site_table
from shelters.suitability import Verdict

SAMPLE_TSUNAMI = "sample:tsunami"
SAMPLE_MARK = "見本・実際の区域ではありません"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line gives beside the scenario."""

    scenario_path: Path
    towns_path: Path | None = None
    sites_path: Path | None = None
    population: TownPopulation | None = None  # as imported
    night: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A scenario ready to run, and what its page must say of where things come from."""

    scenario: Scenario
    city: City
    sources: tuple[str, ...]
    sample_share: float | None  # simulated residents / residents, where somebody has counted them


def stage(found: ScenarioFile, given: Given, settings: Settings, rules: PlanRules, seed: int) -> Staged:
    """Blocking: reads the files named. Raises ScenarioInvalid, GeodataError, FileNotFoundError."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    epsg = settings.city.plane_epsg
    sources: list[str] = []
    orders = tuple(_order(one, given, settings, sources) for one in found.orders)
    part = found.city
    share: float | None = None
    if part.residents == "made":
        centre = to_plane(np.array([part.made_centre_lonlat]), epsg)[0]
        towns = made_towns(rng, part.made_towns, part.made_width_m, centre, found.people.slow)
        sites, site_xy_m = made_sites(rng, part.made_sites, part.made_width_m, centre)
        sources.append("町・住民・施設はすべて作りものです")
    else:
        towns, residents = _towns(found, given, settings, sources)
        sites, site_xy_m = _sites(found, given, settings, sources)
    homes = settle(rng, replace(towns, spread_m=part.town_spread_m), part.households)
    if part.residents == "towns" and residents is not None:
        share = float(homes.persons.sum()) / residents
    sites = _in_scale(found, sites, site_xy_m, homes, orders, share)
    city = city_of(rng, homes, towns, sites, site_xy_m, error=part.capacity_error)
    scenario = _scenario(found, orders, rules, seed, city, night=given.night)
    return Staged(scenario=scenario, city=city, sources=tuple(dict.fromkeys(sources)), sample_share=share)


# ---- where people live, and where they can go ----------------------------------------------------------


def _towns(
    found: ScenarioFile, given: Given, settings: Settings, sources: list[str]
) -> tuple[Towns, int | None]:
    """The towns in the window, and how many people live there; None where nobody has counted."""
    path = given.towns_path or (_beside(found.city.towns_file, given) if found.city.towns_file else None)
    bbox = Bbox(*settings.city.bbox_lonlat)
    population = given.population
    if path is not None:
        data = path.read_bytes()
        try:
            population = parse_population(data, bbox=bbox).population
        except (UnknownLayout, OtherList):
            return _uncounted(parse_towns(data, bbox=bbox).towns, found, settings, sources)
    if population is None:
        sample = resources.files("bosai.sample").joinpath("towns.csv").read_bytes()
        return _uncounted(parse_towns(sample, bbox=bbox).towns, found, settings, sources)
    sources.append(settings.sources.population)
    keep = _inside(population.lonlat, found) & (population.persons > 0)
    _refuse_empty(keep, "city.window_lonlat", "町", "town")
    old = population.old[keep] / np.maximum(1, population.persons[keep])
    slow = np.clip(found.people.slow * old / max(1e-9, float(old.mean())), 0.0, 0.9)
    towns = Towns(
        name=tuple(str(one) for one in population.name[keep]),
        xy_m=to_plane(population.lonlat[keep], settings.city.plane_epsg),
        weight=population.persons[keep].astype(np.float64),
        slow_fraction=slow,
    )
    return towns, int(population.persons[keep].sum())


def _uncounted(
    rows: Sequence[object], found: ScenarioFile, settings: Settings, sources: list[str]
) -> tuple[Towns, None]:
    lonlat = np.array([[one.lon, one.lat] for one in rows], dtype=np.float64).reshape(-1, 2)  # type: ignore[attr-defined]
    keep = _inside(lonlat, found)
    _refuse_empty(keep, "city.window_lonlat", "町", "town")
    sources += [settings.sources.places, "人口の表がないため、どの町にも同じだけ住んでいるとみなしています"]
    return (
        Towns(
            name=tuple(one.name for one, is_in in zip(rows, keep, strict=True) if is_in),  # type: ignore[attr-defined]
            xy_m=to_plane(lonlat[keep], settings.city.plane_epsg),
            weight=np.ones(int(keep.sum())),
            slow_fraction=np.full(int(keep.sum()), found.people.slow),
        ),
        None,
    )


def _sites(
    found: ScenarioFile, given: Given, settings: Settings, sources: list[str]
) -> tuple[tuple[Site, ...], Floats]:
    path = given.sites_path or (_beside(found.city.sites_file, given) if found.city.sites_file else None)
    if path is not None:
        parsed = parse_sites(path.read_bytes(), municipality=settings.city.name)
    else:
        parsed = parse_sites(resources.files("bosai.sample").joinpath("sites.csv").read_bytes())
    epsg = settings.city.plane_epsg
    catalogue = catalogue_of(parsed.records, {}, settings.capacity_defaults, epsg)
    lonlat = np.array([[one.lon, one.lat] for one in catalogue.values()], dtype=np.float64).reshape(-1, 2)
    keep = _inside(lonlat, found)
    _refuse_empty(keep, "city.window_lonlat", "施設", "site")
    sources += [settings.sources.sites, "収容人数は想定（仮）です"]
    sites = tuple(one for one, is_in in zip(catalogue.values(), keep, strict=True) if is_in)
    return sites, to_plane(lonlat[keep], epsg)


def _in_scale(  # noqa: PLR0917 - one step of `stage`
    found: ScenarioFile,
    sites: tuple[Site, ...],
    site_xy_m: Floats,
    homes: Homes,
    orders: Sequence[OrderVersion],
    share: float | None,
) -> tuple[Site, ...]:
    """Seats for the simulated people: as many for each mover as asked for, or the share of the true figures."""
    ratio = found.city.seats_per_mover
    if ratio == 0:
        total = sum(one.capacity.refuge_persons for one in sites)
        return with_seats(sites, round(total * (1.0 if share is None else share)))
    areas = [one for one in orders if one.area_xy_m is not None]
    whole = shapely.union_all([one.area_xy_m for one in areas])
    movers = int(homes.persons[shapely.intersects_xy(whole, homes.xy_m[:, 0], homes.xy_m[:, 1])].sum())
    usable = _usable(sites, site_xy_m, areas)
    has = sum(one.capacity.refuge_persons for one, fits in zip(sites, usable, strict=True) if fits)
    if not movers:
        raise ScenarioInvalid(
            "orders", "区域の中に住民がいません。区域か window_lonlat を直してください。",
            "nobody lives in the areas; change an area or city.window_lonlat.",
        )  # fmt: skip
    if not has:
        raise ScenarioInvalid(
            "city", "行き先にできる施設がありません。sites_file か window_lonlat を直してください。",
            "no site can be named; change city.sites_file or city.window_lonlat.",
        )  # fmt: skip
    total = sum(one.capacity.refuge_persons for one in sites)
    return with_seats(sites, round(total * ratio * movers / has))


def _usable(sites: Sequence[Site], site_xy_m: Floats, orders: Sequence[OrderVersion]) -> NDArray[np.bool_]:
    """Which may be named under all orders of the scenario at once; ids ascend in the table, not in `sites`."""
    rank = sorted(range(len(sites)), key=lambda n: sites[n].site_id)
    table = site_table([sites[n] for n in rank], {}, site_xy_m[rank], margin_fraction=0.0)
    dangers = [
        Danger(key=f"{n}", hazard=one.hazard, area_xy_m=one.area_xy_m, level=one.level)
        for n, one in enumerate(orders)
        if one.area_xy_m is not None
    ]
    inside = suitability.sites_inside(table, dangers)
    verdict = suitability.judge(table, dangers, inside, list(range(len(dangers))))
    usable = np.zeros(len(sites), dtype=np.bool_)
    usable[rank] = verdict <= Verdict.UPSTAIRS
    return usable


# ---- orders and events ---------------------------------------------------------------------------------


def _order(one: OrderPart, given: Given, settings: Settings, sources: list[str]) -> OrderVersion:
    return OrderVersion(
        at_s=one.at_min * 60.0,
        order_id=one.id,
        hazard=one.hazard,
        area_xy_m=None if one.lifted else _area(one, given, settings, sources),
        level=one.level,
        advisory=one.advisory,
        arrival_s=None if one.arrival_min is None else one.arrival_min * 60.0,
    )


def _area(one: OrderPart, given: Given, settings: Settings, sources: list[str]) -> BaseGeometry:
    epsg = settings.city.plane_epsg
    if one.circle is not None:
        sources.append(f"区域は作りものです（{SAMPLE_MARK}）")
        centre = to_plane(np.array([one.circle.lonlat]), epsg)[0]
        return shapely.Point(*centre).buffer(one.circle.radius_m, quad_segs=32)
    if one.corners_lonlat:
        sources.append(f"区域は作りものです（{SAMPLE_MARK}）")
        drawn = shapely.Polygon(to_plane(np.array(one.corners_lonlat), epsg))
        if not drawn.is_valid:
            raise ScenarioInvalid(
                f"orders ({one.id}) corners_lonlat", "線が交わらない順に点を並べてください。",
                "the outline crosses itself; order the corners round the area.",
            )  # fmt: skip
        return drawn
    if one.area_file == SAMPLE_TSUNAMI:
        data = resources.files("bosai.sample").joinpath("tsunami_areas.geojson").read_bytes()
        sources.append(f"津波の区域は見本です（{SAMPLE_MARK}）")
    else:
        data = _beside(one.area_file, given).read_bytes()
        sources.append(f"区域：{Path(one.area_file).name}")
    named = parse_named_areas(data, AreaMapping(kind="kind")).records
    wanted = [area for area in named if not one.area_names or {area.name, area.kind} & set(one.area_names)]
    if not wanted:
        raise ScenarioInvalid(
            f"orders ({one.id}) area_names",
            f"その名の区域がありません（あるのは {'、'.join(area.name for area in named)}）。",
            "no area of that name or kind is in the file.",
        )
    return shapely.union_all([geometry_to_plane(area.geometry_lonlat, epsg) for area in wanted])


def _scenario(
    found: ScenarioFile,
    orders: tuple[OrderVersion, ...],
    rules: PlanRules,
    seed: int,
    city: City,
    *,
    night: bool,
) -> Scenario:
    people, reports, service = found.people, found.reports, found.service
    if service.seats_margin_fraction is not None:
        rules = replace(rules, seats_margin_fraction=service.seats_margin_fraction)
    events = [
        SiteEvent(at_s=one.opens_min * 60.0, site_id=_named(one.site, city, "doors"), opening=Opening.OPEN)
        for one in found.doors
    ] + [
        SiteEvent(
            at_s=one.at_min * 60.0, site_id=_named(one.site, city, "failures"), opening=Opening.UNUSABLE
        )
        for one in found.failures
    ]
    own = people.own_way
    return Scenario(
        name=found.name,
        seed=seed,
        start_s=found.begins.timestamp(),
        night=night,
        length_s=found.minutes * 60.0,
        step_s=found.step_s,
        squeeze=found.squeeze,
        walkers=WalkerRules(
            subscribed_fraction=people.subscribed,
            comply_fraction=people.comply,
            own_way=(own.nearest, own.elsewhere, own.stay),
            slow_fraction=people.slow,
            unknown_pace_fraction=people.unknown_pace,
            start_median_s=people.start_median_min * 60.0,
            start_spread=people.start_spread,
            notices_fraction=people.notices,
            answers_fraction=people.answers,
        ),
        reports=ReportRules(
            every_s=reports.every_min * 60.0,
            delay_s=reports.delay_min * 60.0,
            error_fraction=reports.error,
            silent_fraction=reports.silent,
            full_after_s=reports.full_after_min * 60.0,
        ),
        orders=orders,
        events=tuple(sorted(events, key=lambda one: (one.at_s, one.site_id))),
        rules=rules,
        count_others=service.count_residents,
        tracks=80,
    )


def _named(name: str, city: City, key: str) -> str:
    for one in city.sites:
        if name in (one.site_id, one.name):
            return one.site_id
    raise ScenarioInvalid(
        f"{key} site = {name!r}",
        "その ID・名前の施設がありません。施設の一覧どおりに書いてください。",
        "no site has this id or name; write it as in the list of sites.",
    )


def _inside(lonlat: Floats, found: ScenarioFile) -> NDArray[np.bool_]:
    if found.city.window_lonlat is None:
        return np.ones(len(lonlat), dtype=np.bool_)
    west, south, east, north = found.city.window_lonlat
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _refuse_empty(keep: NDArray[np.bool_], key: str, ja: str, en: str) -> None:
    if not keep.any():
        raise ScenarioInvalid(key, f"この範囲に{ja}がありません。", f"no {en} lies in it.")


def _beside(name: str, given: Given) -> Path:
    return (given.scenario_path.parent / name).resolve()
