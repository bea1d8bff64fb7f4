"""All sites of Sendai and the sample tsunami areas: what somebody at 荒浜 is told."""

from datetime import UTC, datetime, timedelta

import pytest
from shapely import Point

from bosai.model.alert import Act, AlertArea, AlertRecord, AlertState, LiveAlert, OrderKind, TsunamiClass
from bosai.model.geometry import from_e7, to_e7
from bosai.model.subscription import PaceClass, Place
from bosai.services.people import rows_of
from bosai.services.planning import Situation, destination_of, problem_of
from bosai.services.site_facts import catalogue_of
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from geodata.importers.areas import TSUNAMI_AREAS, parse_named_areas
from geodata.importers.sites import parse_sites
from shelters.model import Action, Opening, SiteForm, SiteStatus
from shelters.planning import plan

pytestmark = pytest.mark.real_data

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # noon in Sendai
ARAHAMA = (140.9701, 38.2221)
FORMS_WITH_HEIGHT = {SiteForm.TSUNAMI_TOWER, SiteForm.EVACUATION_HILL, SiteForm.EVACUATION_STAIRS}


@pytest.fixture(scope="module")
def settings():
    return load_settings(None, {}, {})


@pytest.fixture(scope="module")
def sites(shared_data, settings):
    records = []
    for name in ("sendai_emergency_sites_gsi_layout.csv", "sendai_designated_shelters_gsi_layout.csv"):
        records += parse_sites((shared_data / "shelters" / name).read_bytes()).records
    catalogue = catalogue_of(records, {}, settings.capacity_defaults, settings.city.plane_epsg)
    return [catalogue[one] for one in sorted(catalogue)]


@pytest.fixture(scope="module")
def area2():
    from importlib import resources

    data = resources.files("bosai").joinpath("sample", "tsunami_areas.geojson").read_bytes()
    records = parse_named_areas(data, TSUNAMI_AREAS).records
    return next(one for one in records if one.kind == "area2").geometry_lonlat


def order(area, **changes):
    alert = LiveAlert(
        alert_id="t",
        version=1,
        act=Act.ISSUE,
        hazard=changes.pop("hazard", HazardKind.TSUNAMI),
        kind=changes.pop("kind", OrderKind.TSUNAMI_EVACUATION),
        tsunami_class=changes.pop("tsunami_class", TsunamiClass.MAJOR_WARNING),
        area=AlertArea(names=("津波避難エリア1・2",), polygons_e7_lonlat=to_e7(area)),
        texts={},
        reason="試験",
        review_after_min=60,
        drafter="abe",
        drafted_at=NOW,
        **changes,
    )
    return AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="", incident="i")


def told(sites, settings, record, statuses=None, **place):
    situation = Situation(
        now=NOW,
        sites=sites,
        statuses=statuses or {},
        in_force=[record],
        incident="i",
        told={},
        told_of={},
    )
    lon, lat = place.pop("at", ARAHAMA)
    rows = rows_of([("a", (Place(place_id="home", lon=lon, lat=lat, **place),))], settings.city.plane_epsg)
    made = plan(problem_of(situation, rows, settings))
    (decision,) = made.decisions()
    return decision, destination_of(made, decision, settings)


def assert_safe(sites, record, decision, to):
    """A tsunami-fit site outside the area or on a named floor or built for its height, or inland out of it."""
    area = from_e7(record.alert.area.polygons_e7_lonlat)
    if decision.action is Action.INLAND:
        assert not area.covers(Point(to.lon, to.lat)) and to.lon < ARAHAMA[0]
        return
    site = next(one for one in sites if one.site_id == to.site_id)
    assert site.fit_for(HazardKind.TSUNAMI) and site.open_to_public
    if area.intersects(Point(site.lon, site.lat)):
        assert site.form in FORMS_WITH_HEIGHT or to.floor_label


def test_with_an_hour_left_who_walks_freely_gets_a_site_outside_or_the_way_inland(sites, settings, area2):
    record = order(area2, expected_arrival_at=NOW + timedelta(minutes=65))
    decision, to = told(sites, settings, record, pace=PaceClass.STANDARD)
    assert decision.action in (Action.GO, Action.INLAND)
    assert_safe(sites, record, decision, to)


@pytest.mark.parametrize("pace", list(PaceClass))
@pytest.mark.parametrize("minutes", [None, 5, 20, 40, 90])
def test_whatever_the_time_and_pace_the_answer_is_safe(sites, settings, area2, minutes, pace):
    arrival = None if minutes is None else NOW + timedelta(minutes=minutes)
    record = order(area2, expected_arrival_at=arrival)
    decision, to = told(sites, settings, record, pace=pace)
    assert to is not None
    assert_safe(sites, record, decision, to)


def test_without_time_it_is_a_refuge_within_a_kilometre(sites, settings, area2):
    decision, to = told(sites, settings, order(area2))
    assert decision.action is Action.REFUGE and to.walk_m < 1500
    assert to.floor_label or to.name.startswith(("避難の丘", "笹屋敷", "荒浜"))


def test_when_the_named_building_can_not_be_used_another_is_named(sites, settings, area2):
    record = order(area2)
    _, first = told(sites, settings, record)
    broken = {first.site_id: SiteStatus(site_id=first.site_id, opening=Opening.UNUSABLE)}
    decision, second = told(sites, settings, record, broken)
    assert second is not None and second.site_id != first.site_id
    assert_safe(sites, record, decision, second)


def test_for_a_flood_at_arahama_a_flood_site_outside_the_area_is_named(sites, settings, area2):
    record = order(area2, hazard=HazardKind.FLOOD, kind=OrderKind.EVACUATE, tsunami_class=None)
    decision, to = told(sites, settings, record)
    site = next(one for one in sites if one.site_id == to.site_id)
    assert decision.action in (Action.GO, Action.REFUGE) and site.fit_for(HazardKind.FLOOD)
    assert to.floor_label or not area2.intersects(Point(site.lon, site.lat))
