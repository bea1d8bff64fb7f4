"""What HQ is shown of an order before it leaves, worked out step by step from a small made coast."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from redis.asyncio import Redis

from bosai.model.alert import Alert, OrderKind
from bosai.model.subscription import PaceClass, Place
from bosai.services.geo_facts import GeoFacts, load_facts
from bosai.services.people import PeopleRows, rows_of
from bosai.services.planning import Situation
from bosai.services.preview_plan import (
    counts_of,
    inside_of,
    moving_residents,
    planned_previews,
    preview_of,
)
from bosai.services.resident_ground import ResidentGround
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.geo_files import GeoFiles
from geodata.hazards import HazardKind
from geodata.importers.population import TownPopulation
from geodata.sites import SiteForm
from shelters.model import (
    Capacity,
    Crowding,
    Designation,
    DesignationKind,
    FigureSource,
    Opening,
    Site,
    SiteStatus,
)
from tests.bosai.services.hq import START, Hq, flood

EPSG = 6678
AREA = shapely.box(140.98, 38.21, 140.99, 38.22)  # the square of `hq.square`: about 880 m × 1,110 m


@pytest.fixture
def settings() -> Settings:
    return load_settings(None, {"BOSAI_PLANNER__SEATS_MARGIN_FRACTION": "0.1"}, {})


@pytest.fixture
def facts(settings: Settings, tmp_path: Any) -> GeoFacts:
    return load_facts(settings, GeoFiles(tmp_path))


def population(*rows: tuple[str, int, float, float]) -> TownPopulation:
    """(name, persons, lon, lat), all in 若林区; nobody says how many households."""
    persons = np.array([one[1] for one in rows], dtype=np.int64)
    return TownPopulation(
        code=np.array([f"0410300000{n:02}" for n in range(len(rows))], dtype=np.object_),
        ward=np.array(["若林区"] * len(rows), dtype=np.object_),
        name=np.array([one[0] for one in rows], dtype=np.object_),
        persons=persons,
        young=persons * 0,
        working=persons,
        old=persons * 0,
        households=np.full(len(rows), np.nan),
        lonlat=np.array([one[2:] for one in rows], dtype=np.float64),
    )


@pytest.fixture
def ground(facts: GeoFacts) -> ResidentGround:
    # The first town lies inside; the second's point is as far from the eastern edge as the first's, outside of it.
    towns = population(
        ("荒浜", 1400, 140.985, 38.215), ("海側", 100, 140.995, 38.215), ("遠い", 900, 140.90, 38.215)
    )
    return ResidentGround(replace(facts, population=towns), EPSG)


def place(lon: float = 140.984, lat: float = 38.215, **extra: Any) -> Place:
    return Place(**{"place_id": "home", "lon": lon, "lat": lat, "persons": 2, "lang": "ja", **extra})


def people(*households: tuple[Place, ...]) -> PeopleRows:
    return rows_of([(f"s{n}", places) for n, places in enumerate(households)], EPSG)


def site(site_id: str, lon: float, seats: int, lat: float = 38.215) -> Site:
    return Site(
        site_id=site_id,
        name=f"{site_id}小学校",
        address="",
        ward="若林区",
        lon=lon,
        lat=lat,
        form=SiteForm.ELEMENTARY_SCHOOL,
        designations=(
            Designation(
                designation_id=site_id,
                kind=DesignationKind.EMERGENCY_SITE,
                hazards=frozenset({HazardKind.FLOOD}),
            ),
        ),
        capacity=Capacity(refuge_persons=seats, stay_persons=seats, source=FigureSource.MEASURED),
    )


def situation(*sites: Site, **statuses: SiteStatus) -> Situation:
    return Situation(
        now=START,
        sites=sorted(sites, key=lambda one: one.site_id),
        statuses=statuses,
        in_force=(),
        incident="",
        told={},
        told_of={},
    )


NEAR, FAR = site("A", 140.976, 40), site("B", 140.970, 500)


@pytest.fixture
async def alert(redis: Redis) -> Alert:
    hq = Hq(redis)
    return (await hq.alerts.draft(hq.abe, flood())).alert


# ---- who is inside -----------------------------------------------------------------------------------


def test_residents_and_subscribers_of_each_town_stand_apart(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    rows = people((place(),), (place(persons=3, pace=PaceClass.SLOW, lang="ne"),), (place(lon=140.90),))
    seen = counts_of(inside_of(alert, rows, settings, ground), rows, START)
    assert (seen.people, seen.households, seen.planned, seen.complete) == (5, 2, False, False)
    assert seen.by_pace == {"slow": 3, "unknown": 2} and seen.by_lang == {"ja": 2, "ne": 3}
    arahama = seen.towns[0]
    assert (arahama.ward, arahama.name, arahama.subscribers) == ("若林区", "荒浜", 5)
    assert arahama.is_part and arahama.residents is not None and 0 < arahama.residents < 1400
    assert arahama.households is None and seen.resident_households is None
    assert seen.residents == pytest.approx(sum(one.residents or 0 for one in seen.towns), abs=2)
    assert "遠い" not in {one.name for one in seen.towns}


def test_a_household_counts_once_wherever_its_places_are(alert: Alert, settings: Settings) -> None:
    two = (
        place(),
        place(lon=140.986, place_id="work", persons=4),
        place(lon=140.90, place_id="far", persons=9),
    )
    rows = people(two, (place(relative=True, place_id="mother"),))
    inside = inside_of(alert, rows, settings)
    assert inside.persons.tolist() == [4, 2] and inside.own.tolist() == [True, False]


def test_where_no_table_of_residents_is_the_preview_says_so(
    alert: Alert, settings: Settings, facts: GeoFacts
) -> None:
    rows = people((place(),))
    seen = preview_of(alert, situation(NEAR), rows, settings, ResidentGround(facts, EPSG))
    assert (seen.residents, seen.knows_residents, seen.counted_in) == (None, False, None)
    assert seen.towns[0].residents is None and seen.towns[0].subscribers == 2
    assert seen.alone is not None and seen.complete


def test_subscribers_are_not_counted_again_among_the_residents(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    def moving(*households: tuple[Place, ...]) -> int:
        found = moving_residents(inside_of(alert, people(*households), settings, ground), settings)
        assert found is not None
        return int(found.persons.sum())

    nobody = moving()
    assert nobody > 0
    # 20 subscribed persons are 20 residents fewer, of whom 30 % were to move.
    assert nobody - moving(*[(place(),)] * 10) == 6
    # A relative elsewhere, and more subscribers than residents, take nobody's place.
    assert moving((place(relative=True),)) == nobody
    assert 0 <= moving(*[(place(persons=20),)] * 200) < nobody


def test_moving_residents_stand_inside_the_area_in_small_parties(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    from geodata.crs import to_lonlat

    found = moving_residents(inside_of(alert, people(), settings, ground), settings)
    assert found is not None
    assert shapely.intersects_xy(shapely.buffer(AREA, 1e-6), *to_lonlat(found.xy_m, EPSG).T).all()
    assert (found.persons >= 1).all() and (found.persons <= settings.preview.party_persons).all()
    assert len(np.unique(found.xy_m, axis=0)) > 5


# ---- where they would go -----------------------------------------------------------------------------


def test_each_step_says_more_than_the_one_before(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    rows = people((place(),))
    inside = inside_of(alert, rows, settings, ground)
    alone, both, last = planned_previews(alert, situation(NEAR, FAR), rows, settings, inside)
    assert (alone.planned, alone.alone is None, alone.counted_in, alone.complete) == (
        True,
        False,
        None,
        False,
    )
    assert both.counted_in is not None and both.openings is None
    assert last.openings is not None and last.complete


def test_residents_counted_in_take_seats_and_show_what_the_nearest_site_would_see(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    rows = people((place(),))
    seen = preview_of(alert, situation(NEAR, FAR), rows, settings, ground)
    assert seen.alone is not None and seen.counted_in is not None and seen.moving_residents
    assert (seen.alone.to_site, seen.alone.short, seen.alone.nearest_beyond) == (2, 0, 0)
    assert seen.counted_in.to_site == 2 + seen.moving_residents
    # 40 seats are near, a tenth more by the margin: who goes there without looking finds them taken.
    assert seen.counted_in.nearest_beyond == 2 + seen.moving_residents - 44 > 0
    assert seen.counted_in.short == 0
    near, far = seen.by_site
    assert (near.site_id, near.persons, near.seats, near.source) == ("A", 2, 40, "measured")
    assert (near.counted_in or 0) + (far.counted_in or 0) == seen.counted_in.to_site
    assert (near.counted_in or 0) <= 44


def test_the_curve_begins_with_who_is_there_and_ends_with_those_who_follow(
    alert: Alert, settings: Settings
) -> None:
    told = SiteStatus(site_id="A", present_persons=7, present_at=START - timedelta(minutes=5))
    seen = preview_of(alert, situation(NEAR, A=told), people(*[(place(),)] * 10), settings)
    (near,) = seen.by_site
    assert (near.persons, near.present) == (20, 7)
    assert near.curve[0] == 7 and near.curve[-1] == 7 + 14  # 70 % of 20
    assert list(near.curve) == sorted(near.curve) and len(near.curve) == 19
    assert near.full_after_min is None


def test_nobody_who_only_prepares_is_on_a_curve(redis_alert_level3: Alert, settings: Settings) -> None:
    seen = preview_of(
        redis_alert_level3, situation(NEAR), people((place(pace=PaceClass.STANDARD),)), settings
    )
    assert seen.by_action == {"prepare": 2}
    assert set(seen.by_site[0].curve) == {0}


@pytest.fixture
async def redis_alert_level3(redis: Redis) -> Alert:
    hq = Hq(redis)
    return (await hq.alerts.draft(hq.abe, flood(kind=OrderKind.ELDERLY_ETC))).alert


def test_whoever_can_reach_no_site_is_counted_by_town(
    alert: Alert, settings: Settings, ground: ResidentGround
) -> None:
    only = {"A": SiteStatus(site_id="A", opening=Opening.UNUSABLE)}
    seen = preview_of(alert, situation(NEAR, **only), people((place(persons=3),)), settings, ground)
    assert seen.alone is not None and (seen.alone.no_way, seen.no_site) == (3, 3)
    assert seen.towns[0].no_way == 3
    assert seen.counted_in is not None and seen.moving_residents
    assert seen.counted_in.no_way == 3 + seen.moving_residents
    assert sum(one.residents_no_way or 0 for one in seen.towns) == seen.moving_residents


def test_a_closed_site_with_seats_for_those_who_have_none_is_named(alert: Alert, settings: Settings) -> None:
    shut = {"B": SiteStatus(site_id="B", opening=Opening.CLOSED)}
    full = {"A": SiteStatus(site_id="A", crowding=Crowding.FULL, present_at=START)}
    rows = people(*[(place(),)] * 5)
    seen = preview_of(alert, situation(NEAR, FAR, **shut, **full), rows, settings)
    assert seen.openings is not None and seen.alone is not None
    assert (seen.openings.persons, seen.openings.seated, seen.alone.short) == (10, 0, 10)
    (closed,) = seen.openings.sites
    assert (closed.site_id, closed.ward, closed.seats, closed.more) == ("B", "若林区", 500, 10)


def test_an_information_sends_nobody_and_is_only_counted(settings: Settings, redis_notice: Alert) -> None:
    seen = preview_of(redis_notice, situation(NEAR), people((place(),)), settings)
    assert (seen.people, seen.alone, seen.by_site, seen.complete) == (2, None, (), True)


@pytest.fixture
async def redis_notice(redis: Redis) -> Alert:
    hq = Hq(redis)
    return (await hq.alerts.draft(hq.abe, flood(kind=OrderKind.NOTICE))).alert


def test_residents_are_left_out_where_the_settings_say_so(alert: Alert, ground: ResidentGround) -> None:
    settings = load_settings(None, {"BOSAI_PREVIEW__COUNT_RESIDENTS": "false"}, {})
    seen = preview_of(alert, situation(NEAR), people((place(),)), settings, ground)
    assert seen.counted_in is None and seen.residents is not None and seen.complete
