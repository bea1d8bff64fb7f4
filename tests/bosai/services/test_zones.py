"""The areas an officer may choose by name or draw, and nothing chosen is never the whole city."""

from __future__ import annotations

from importlib import resources
from itertools import pairwise

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import Point

from bosai.errors import InvalidInput
from bosai.messages.wording import check_wording
from bosai.model.geometry import from_e7
from bosai.model.realm import Realm
from bosai.services.zones import ZoneCatalogue
from bosai.settings import load_settings
from geodata.areas import Bbox
from geodata.hazards import HazardKind
from geodata.importers.areas import JMA_AREAS, TSUNAMI_AREAS, parse_named_areas
from geodata.importers.towns import parse_towns
from geodata.places import PlaceIndex

SETTINGS = load_settings()
BBOX = Bbox(*SETTINGS.city.bbox_lonlat)


def sample(name: str) -> bytes:
    return resources.files("bosai").joinpath("sample", name).read_bytes()


@pytest.fixture(scope="module")
def zones() -> ZoneCatalogue:
    tsunami = parse_named_areas(sample("tsunami_areas.geojson"), TSUNAMI_AREAS, bbox=BBOX)
    jma = parse_named_areas(sample("jma_areas.geojson"), JMA_AREAS, bbox=BBOX, repair=True)
    towns = parse_towns(sample("towns.csv"), bbox=BBOX)
    places = PlaceIndex(towns.towns, epsg=SETTINGS.city.plane_epsg)
    return ZoneCatalogue(tsunami.records, jma.records, places, BBOX)


def drawn(west=140.98, south=38.21, side=0.01):
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_no_rule_of_wording_stands_against_the_name_of_a_zone(zones):
    names = [one.names for one in (*zones.tsunami().values(), *zones.jma().values())]
    named = {*(one for several in names for one in several), *zones.wards, *map(zones.label, zones.towns)}
    assert len(named) > 200
    for name in named:
        for hazard, level in ((HazardKind.TSUNAMI, None), (HazardKind.FLOOD, 5), (HazardKind.FLOOD, 4)):
            broken = check_wording(name, "ja", hazard=hazard, level=level, realm=Realm.LIVE, issuer="city")
            assert broken == [], name


def test_every_zone_that_a_warning_names_is_there_and_the_sample_says_what_it_is(zones):
    rule = SETTINGS.tsunami
    for name in {*rule.zones_advisory, *rule.zones_warning, *rule.zones_major_warning}:
        assert zones.area([f"tsunami:{name}"]).approximate
    assert zones.jma()
    assert zones.wards == tuple(dict.fromkeys(zones.wards))
    assert set(zones.wards) == {"青葉区", "宮城野区", "若林区", "太白区", "泉区"}


def test_a_graver_tsunami_warning_leaves_out_nobody_whom_a_lighter_one_meant(zones):
    rule = SETTINGS.tsunami
    grounds = [
        shapely.make_valid(from_e7(zones.area([f"tsunami:{one}" for one in names]).polygons_e7_lonlat))
        for names in (rule.zones_advisory, rule.zones_warning, rule.zones_major_warning)
    ]
    for lighter, graver in pairwise(grounds):
        assert lighter.difference(graver).area < 1e-9 < graver.area


def test_a_town_of_another_city_can_be_found_and_not_ordered_out(zones):
    assert not any("閖上" in key for key in zones.towns)
    with pytest.raises(InvalidInput) as caught:
        zones.area(["town:名取市/閖上"])
    assert (caught.value.field, caught.value.problem) == ("area", "unknown_zone")


@pytest.mark.parametrize("keys", [[], ()])
def test_choosing_nothing_is_an_error_and_never_the_whole_city(zones, keys):
    with pytest.raises(InvalidInput) as caught:
        zones.area(keys)
    assert (caught.value.field, caught.value.problem) == ("area", "empty_area")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ward:",
        "ward:仙台市",
        "tsunami:area9",
        "jma:",
        "town:若林区/月",
        "planet:earth",
        "若林区",
        "drawn",
    ],
)
def test_a_zone_nobody_knows_is_refused_by_its_name(zones, key):
    with pytest.raises(InvalidInput) as caught:
        zones.area([key])
    assert (caught.value.problem, caught.value.detail) == ("unknown_zone", key)


def test_a_town_is_an_area_round_its_point_and_says_so(zones):
    key = next(key for key, town in zones.towns.items() if town.name == "荒浜" and town.ward == "若林区")
    area = zones.area([key])
    town = zones.towns[key]
    assert from_e7(area.polygons_e7_lonlat).covers(Point(town.lon, town.lat))
    assert (area.approximate, area.zone_keys, area.names) == (True, (key,), ("若林区荒浜",))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_an_area_holds_the_point_of_every_town_chosen_and_of_no_other(zones, data):
    keys = data.draw(st.lists(st.sampled_from(sorted(zones.towns)), min_size=1, max_size=4, unique=True))
    area = from_e7(zones.area(keys).polygons_e7_lonlat)
    assert area.is_valid
    chosen = {(zones.towns[key].lon, zones.towns[key].lat) for key in keys}
    assert all(area.buffer(2e-7).covers(Point(one)) for one in chosen)
    others = {(town.lon, town.lat) for town in zones.towns.values()} - chosen
    assert not any(shapely.contains_xy(area, lon, lat) for lon, lat in others)


def test_a_ward_holds_all_its_towns(zones):
    area = from_e7(zones.area(["ward:若林区"]).polygons_e7_lonlat)
    mine = [town for town in zones.towns.values() if town.ward == "若林区"]
    assert mine
    assert all(area.buffer(2e-7).covers(Point(town.lon, town.lat)) for town in mine)


def test_several_choices_are_one_area_with_all_names_in_the_order_chosen(zones):
    area = zones.area(["tsunami:area1", "ward:若林区", "tsunami:area1"], drawn(), "荒浜の北")
    assert area.zone_keys == ("tsunami:area1", "ward:若林区", "drawn")
    assert area.names[-1] == "荒浜の北"
    assert area.approximate
    whole = from_e7(area.polygons_e7_lonlat)
    assert whole.is_valid
    for key in ("tsunami:area1", "ward:若林区"):
        assert whole.buffer(2e-7).covers(from_e7(zones.area([key]).polygons_e7_lonlat))


def test_what_was_drawn_keeps_its_shape_its_name_and_is_not_approximate(zones):
    area = zones.area([], drawn(), "  荒浜の北 ")
    assert (area.names, area.approximate, area.zone_keys) == (("荒浜の北",), False, ("drawn",))
    assert from_e7(area.polygons_e7_lonlat).bounds == pytest.approx((140.98, 38.21, 140.99, 38.22))


@pytest.mark.parametrize(
    ("shape", "name", "field"),
    [
        (drawn(), "", "area_name"),
        (drawn(), "   ", "area_name"),
        (drawn(west=139.0), "x", "area"),
        ({"type": "Point", "coordinates": [140.98, 38.2]}, "x", "area"),
        ({}, "x", "area"),
        ("POLYGON", "x", "area"),
        (
            {
                "type": "Polygon",
                "coordinates": [[[140.9, 38.2], [141.0, 38.3], [141.0, 38.2], [140.9, 38.3]]],
            },
            "x",
            "area",
        ),
    ],
    ids=["no name", "blank name", "elsewhere", "a point", "nothing", "text", "crossing itself"],
)
def test_a_drawing_that_is_no_area_of_this_city_is_refused(zones, shape, name, field):
    with pytest.raises(InvalidInput) as caught:
        zones.area([], shape, name)
    assert caught.value.field == field
    assert caught.value.problem in {"missing", "bad_geometry"}


def test_a_key_reads_as_a_person_calls_the_place(zones):
    assert zones.label("ward:若林区") == "若林区"
    assert zones.label("town:若林区/荒浜") == "若林区 荒浜"
    assert "エリア1" in zones.label("tsunami:area1")
