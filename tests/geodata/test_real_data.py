"""The real lists of Sendai, read from the shared folder; nothing of it is in this repository."""

from __future__ import annotations

from collections import Counter

import pytest

from geodata.areas import Bbox
from geodata.facilities import diff_sites, distinct_names, join_facilities
from geodata.hazards import HazardKind
from geodata.importers.areas import JMA_AREAS, parse_named_areas
from geodata.importers.sites import parse_sites
from geodata.sites import FloorGroup, SiteForm, SiteKind

pytestmark = pytest.mark.real_data


@pytest.fixture
def emergency_csv(shared_data):
    return (shared_data / "shelters" / "sendai_emergency_sites_gsi_layout.csv").read_bytes()


@pytest.fixture
def shelter_csv(shared_data):
    return (shared_data / "shelters" / "sendai_designated_shelters_gsi_layout.csv").read_bytes()


@pytest.fixture
def miyagi_json(shared_data):
    return (shared_data / "shelters" / "gsi_hinanbasho_20260727_04_miyagi.json").read_bytes()


def test_all_313_and_221_records_of_sendai_are_read_and_reading_again_changes_nothing(
    emergency_csv, shelter_csv, sendai
):
    emergency, shelters = parse_sites(emergency_csv, bbox=sendai), parse_sites(shelter_csv, bbox=sendai)
    assert (len(emergency.records), emergency.rejected, emergency.kinds) == (313, (), {SiteKind.EMERGENCY})
    assert (len(shelters.records), shelters.rejected, shelters.kinds) == (221, (), {SiteKind.SHELTER})
    known = emergency.by_id | shelters.by_id
    assert diff_sites(known, parse_sites(emergency_csv, bbox=sendai).by_id, kinds=emergency.kinds).is_empty
    assert diff_sites(known, parse_sites(shelter_csv, bbox=sendai).by_id, kinds=shelters.kinds).is_empty


def test_the_json_edition_says_the_same_as_the_two_tables(emergency_csv, shelter_csv, miyagi_json, sendai):
    tables = parse_sites(emergency_csv, bbox=sendai).by_id | parse_sites(shelter_csv, bbox=sendai).by_id
    from_json = parse_sites(miyagi_json, municipality="仙台市", bbox=sendai)
    assert from_json.rejected == ()
    assert from_json.other_municipalities == 2432 + 1692 - 534
    assert diff_sites(tables, from_json.by_id).is_empty


def test_the_table_in_cp932_and_without_the_municipality_column_says_the_same(emergency_csv, sendai):
    text = emergency_csv.decode("utf-8-sig")
    assert parse_sites(text.encode("cp932"), bbox=sendai) == parse_sites(emergency_csv, bbox=sendai)
    without = "\n".join(
        ",".join(cell for n, cell in enumerate(line.split(",")) if n != 2) for line in text.splitlines()
    )
    assert (
        parse_sites(without.encode(), bbox=sendai).records == parse_sites(emergency_csv, bbox=sendai).records
    )


def test_a_broken_file_gives_its_good_rows_and_names_its_bad_ones(emergency_csv, sendai):
    lines = emergency_csv.decode("utf-8-sig").splitlines()
    lines[10] = lines[10].replace("38.", "3八.", 1)
    lines[20] = lines[20].replace(lines[20].split(",")[1], " ")
    lines[30] += ",余り"
    lines.append(lines[40])
    broken = parse_sites("\n".join(lines).encode(), bbox=sendai)
    assert len(broken.records) == 310
    assert [one.row for one in broken.rejected] == [11, 21, 31, 315]
    # A row nobody can read must not close a site that is known to exist.
    assert not broken.covers_all
    assert broken.changes_from(parse_sites(emergency_csv, bbox=sendai).by_id).is_empty


def test_every_remark_is_understood_or_kept(emergency_csv, shelter_csv, sendai):
    records = parse_sites(emergency_csv, bbox=sendai).records + parse_sites(shelter_csv, bbox=sendai).records
    assert {one.remarks for one in records if one.remarks} == {
        "広瀬川八本松緑地：太白区八本松1 広瀬川飯田緑地：太白区東郡山1",
        "太白区八本松2-1-64外",
    }
    limits = Counter(
        (one.floor_limits.get(FloorGroup.HEAVY_RAIN), one.floor_limits.get(FloorGroup.TSUNAMI))
        for one in records
    )
    assert limits == {
        (None, None): 441,
        (2, None): 43,
        (3, None): 1,
        (None, 2): 33,
        (None, 3): 4,
        (None, "roof"): 1,
        (2, 2): 9,
        (2, 3): 2,
    }
    names = [one.name_as_published for one in records]
    closed = [one for one in records if one.not_opened_first_in_rain]
    assert len(closed) == sum("開設しません" in name for name in names) > 0
    assert not any("開設しません" in one.name for one in records)


def test_flags_forms_and_wards_are_as_counted_by_hand(emergency_csv, shelter_csv, sendai):
    emergency = parse_sites(emergency_csv, bbox=sendai).records
    flags = Counter(flag for one in emergency for flag in one.hazards)
    assert flags == {
        HazardKind.FLOOD: 189,
        HazardKind.LANDSLIDE: 189,
        HazardKind.EARTHQUAKE: 257,
        HazardKind.TSUNAMI: 81,
        HazardKind.LARGE_FIRE: 8,
        HazardKind.INLAND_FLOOD: 189,
    }
    assert sum(one.ward == "" for one in emergency) == 5  # the stairs of the 仙台東部道路
    forms = Counter(one.site_form for one in emergency)
    assert (
        forms[SiteForm.EVACUATION_STAIRS],
        forms[SiteForm.EVACUATION_HILL],
        forms[SiteForm.TSUNAMI_TOWER],
    ) == (5, 6, 7)
    assert sum(one.restricted_to != "" for one in parse_sites(shelter_csv, bbox=sendai).records) == 26


def test_the_534_records_are_338_facilities_and_196_have_both_designations(miyagi_json, sendai):
    facilities = join_facilities(parse_sites(miyagi_json, municipality="仙台市", bbox=sendai).records)
    assert Counter(len(one.designations) for one in facilities) == {2: 196, 1: 142}
    alone = [one for one in facilities if len(one.designations) == 1]
    # A shelter that is no 緊急避難場所 too is one with restricted intake; nothing was left unjoined by a bad point.
    assert all(
        one.designations[0].restricted_to for one in alone if one.designations[0].kind is SiteKind.SHELTER
    )
    assert len(set(distinct_names(facilities).values())) == 338


def test_the_rest_of_miyagi_is_read_too(miyagi_json):
    parsed = parse_sites(miyagi_json)
    assert (len(parsed.records), parsed.rejected) == (2432 + 1692, ())


def test_the_forecast_areas_of_sendai_are_taken_by_code(shared_data, sendai):
    weather = (
        shared_data / "jma" / "areas" / "AreaInformationCity_weather_20230517_miyagi.geojson"
    ).read_bytes()
    parsed = parse_named_areas(weather, JMA_AREAS, bbox=sendai, codes={"0410001", "0410002"}, repair=True)
    assert parsed.rejected == ()
    assert {one.code: one.name for one in parsed.records} == {
        "0410001": "仙台市東部",
        "0410002": "仙台市西部",
    }
    assert parsed.passed_over == 37
    quake = (shared_data / "jma" / "areas" / "AreaInformationCity_quake_20240229_miyagi.geojson").read_bytes()
    wards = {f"0410{n}00" for n in range(1, 6)}
    parsed = parse_named_areas(
        quake, JMA_AREAS, bbox=Bbox(140.4, 38.0, 141.2, 38.6), codes=wards, repair=True
    )
    assert (parsed.rejected, {one.code for one in parsed.records}) == ((), wards)
