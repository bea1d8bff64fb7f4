"""The built-in sample city: its tables parse without a rejected row and fit each other."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geodata.areas import points_in_each
from geodata.cells import cells_of_towns
from geodata.crs import geometry_to_plane, to_plane
from geodata.facilities import distinct_names, join_facilities
from geodata.hazards import HazardKind
from geodata.importers.areas import JMA_AREAS, TSUNAMI_AREAS, parse_named_areas
from geodata.importers.sites import parse_sites
from geodata.importers.towns import parse_towns
from geodata.inland import exit_points
from geodata.places import ReadingStatus
from geodata.sites import FloorGroup, SiteForm, SiteKind

ARAHAMA = [140.9701, 38.2221]
SEAWARD_BEARING_DEG = 115.0


@pytest.fixture(scope="module")
def tsunami(sample_dir, sendai):
    parsed = parse_named_areas(
        (sample_dir / "tsunami_areas.geojson").read_bytes(), TSUNAMI_AREAS, bbox=sendai
    )
    assert parsed.rejected == ()
    return {one.kind: one for one in parsed.records}


@pytest.fixture(scope="module")
def facilities(sample_dir, sendai):
    parsed = parse_sites((sample_dir / "sites.csv").read_bytes(), bbox=sendai)
    assert parsed.rejected == ()
    return join_facilities(parsed.records)


def test_the_sample_has_every_form_of_site_a_tour_needs(facilities):
    assert 40 <= len(facilities) <= 70
    assert {one.site_form for one in facilities} >= {
        SiteForm.ELEMENTARY_SCHOOL,
        SiteForm.JUNIOR_HIGH,
        SiteForm.CIVIC_CENTRE,
        SiteForm.TSUNAMI_TOWER,
        SiteForm.TSUNAMI_BUILDING,
        SiteForm.EVACUATION_HILL,
        SiteForm.EVACUATION_STAIRS,
        SiteForm.OPEN_GROUND,
        SiteForm.WELFARE,
    }
    both = [
        one
        for one in facilities
        if {d.kind for d in one.designations} >= {SiteKind.EMERGENCY, SiteKind.SHELTER}
    ]
    assert len(both) > 25
    records = [record for one in facilities for record in one.designations]
    assert {record.floor_limits.get(FloorGroup.TSUNAMI) for record in records} == {None, 2, 3, "roof"}
    assert any(record.not_opened_first_in_rain for record in records)
    assert len(set(distinct_names(facilities).values())) == len(facilities)


def test_every_sample_site_lies_within_a_few_kilometres_of_a_sample_town(facilities, places):
    for one in facilities:
        assert places.nearest_with_distance(*one.lonlat)[1] < 3000, one.name


def test_the_town_table_has_the_coast_and_says_how_far_each_reading_is_checked(sample_dir, sendai):
    parsed = parse_towns((sample_dir / "towns.csv").read_bytes(), bbox=sendai)
    assert parsed.rejected == ()
    names = {town.name for town in parsed.towns}
    assert names >= {
        "荒浜",
        "井土",
        "藤塚",
        "三本塚",
        "二木",
        "種次",
        "荒井",
        "六郷",
        "蒲生",
        "岡田",
        "中野",
        "高砂",
        "福室",
        "閖上",
    }
    assert [town.name for town in parsed.towns if town.outside_city] == ["閖上"]
    assert {town.reading_status for town in parsed.towns} == set(ReadingStatus)
    assert all(town.reading_source and town.point_source for town in parsed.towns)


def test_every_area_of_the_sample_says_it_is_one(sample_dir, sendai, tsunami):
    jma = parse_named_areas((sample_dir / "jma_areas.geojson").read_bytes(), JMA_AREAS, bbox=sendai)
    assert jma.rejected == ()
    assert {one.code for one in jma.records} == {"0410001", "0410002"}
    for one in (*tsunami.values(), *jma.records):
        assert one.sample
        assert one.properties["note"] == "見本・実際の区域ではありません"


def test_every_sample_town_of_the_city_lies_in_exactly_one_of_the_two_forecast_areas(
    sample_dir, sendai, places
):
    jma = parse_named_areas((sample_dir / "jma_areas.geojson").read_bytes(), JMA_AREAS, bbox=sendai).records
    towns = [town for town in places.towns if not town.outside_city]
    inside = points_in_each(
        np.array([[one.lon, one.lat] for one in towns]), [one.geometry_lonlat for one in jma]
    )
    wrong = [town.name for town, row in zip(towns, inside, strict=True) if row.sum() != 1]
    assert wrong == []
    west = {town.name for town, row in zip(towns, inside, strict=True) if row[1]}
    assert {"作並", "秋保町湯元", "愛子中央"} <= west
    assert {town.ward for town, row in zip(towns, inside, strict=True) if row[1]} == {"青葉区", "太白区"}


def test_arahama_lies_in_both_tsunami_areas_and_not_seaward_of_the_levee(tsunami):
    areas = [tsunami[kind].geometry_lonlat for kind in ("area1", "area2", "seaward")]
    assert points_in_each(np.array([ARAHAMA]), areas).tolist() == [[True, True, False]]
    assert shapely.covers(areas[1], areas[0])
    assert shapely.intersection(areas[1], areas[2]).area == 0


def test_the_stairs_of_the_expressway_lie_outside_and_inland_of_the_tsunami_areas(tsunami, facilities):
    stairs = [one for one in facilities if one.site_form is SiteForm.EVACUATION_STAIRS]
    towers = [one for one in facilities if one.site_form is SiteForm.TSUNAMI_TOWER]
    area = [tsunami["area2"].geometry_lonlat]
    assert len(stairs) == 5
    assert not points_in_each(np.array([one.lonlat for one in stairs]), area).any()
    assert points_in_each(np.array([one.lonlat for one in towers]), area).all()


def test_a_tsunami_site_inside_the_areas_is_high_or_names_its_floor(tsunami, facilities):
    area = tsunami["area2"].geometry_lonlat
    for one in facilities:
        record = one.designations[0]
        if HazardKind.TSUNAMI in record.hazards and points_in_each(np.array([one.lonlat]), [area]).any():
            assert (
                one.site_form.always_open or record.floor_limit(HazardKind.TSUNAMI) or "ビル" in one.name
            ), one.name


@pytest.mark.parametrize("kinds", [("area1",), ("area1", "area2"), ("area1", "area2", "seaward")])
def test_from_arahama_the_way_inland_leads_west_and_out_of_the_area(tsunami, kinds):
    areas = [geometry_to_plane(tsunami[kind].geometry_lonlat) for kind in kinds]
    home = to_plane([ARAHAMA])
    exits = exit_points(home, areas, seaward_bearing_deg=SEAWARD_BEARING_DEG)
    assert 300 < exits.distance_m[0] < 2500
    assert exits.exit_xy_m[0, 0] < home[0, 0] - 300
    assert not points_in_each(exits.exit_xy_m, areas).any()


def test_the_cells_of_arahama_and_gamo_hold_those_towns_and_not_the_next(places, sendai):
    rows = {town.name: row for row, town in enumerate(places.towns)}
    lonlat = [[town.lon, town.lat] for town in places.towns]
    area = cells_of_towns(lonlat, [rows["荒浜"], rows["蒲生"]], bbox=sendai).geometry_lonlat
    inside = points_in_each(np.array(lonlat), [area])[:, 0]
    assert {places.towns[row].name for row in np.flatnonzero(inside)} == {"荒浜", "蒲生"}
