from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import OtherList, RepeatedHeading, UnknownLayout
from geodata.importers.population import join_population, parse_population
from geodata.importers.recognise import ListKind, recognise
from geodata.importers.town_points import parse_town_points
from geodata.places import ReadingStatus, Town

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
HEADINGS = [
    "",
    "ward",
    "town_code",
    "town_name",
    "total_pop",
    "pop_young",
    "pop_working",
    "pop_old",
    "lat",
    "lon",
]
GOOD = {
    "ward": "wakabayashi",
    "town_code": "41030001001",
    "town_name": "荒井一丁目",
    "total_pop": "100",
    "pop_young": "20",
    "pop_working": "50",
    "pop_old": "30",
    "lat": "38.24",
    "lon": "140.94",
}


def table(*rows, headings=HEADINGS):
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def parse(*rows, **how):
    return parse_population(table(*rows, **how), bbox=SENDAI)


def town(name, ward):
    return Town(
        name=name,
        ward=ward,
        kana="",
        romaji="",
        lon=140.9,
        lat=38.2,
        reading_source="",
        reading_status=ReadingStatus.DRAFT,
    )


def test_a_table_becomes_arrays_and_households_are_unknown_where_it_has_none():
    parsed = parse(GOOD, {**GOOD, "town_code": "041030001002", "total_pop": "1,100", "pop_old": "1,030人"})
    people = parsed.population
    assert (parsed.rejected, len(people)) == ((), 2)
    assert list(people.code) == ["041030001001", "041030001002"]
    assert people.persons.tolist() == [100, 1100]
    assert (people.young + people.working + people.old).tolist() == [100, 1100]
    assert np.isnan(people.households).all()
    assert people.lonlat.tolist() == [[140.94, 38.24]] * 2
    assert recognise(table(GOOD)) is ListKind.POPULATION


def test_japanese_headings_and_households_are_read():
    names = [
        "区名",
        "町コード",
        "町名",
        "人口",
        "年少人口",
        "生産年齢人口",
        "老年人口",
        "緯度",
        "経度",
        "世帯数",
    ]
    row = dict(zip(names, [*GOOD.values(), "４８世帯"], strict=True))
    people = parse(row, {**row, "町コード": "041030001002", "世帯数": ""}, headings=names).population
    assert people.households[0] == 48
    assert np.isnan(people.households[1])


def test_bad_rows_are_named_with_the_mend():
    parsed = parse(
        {**GOOD, "total_pop": "101"},
        {**GOOD, "pop_old": "-30"},
        {**GOOD, "pop_young": ""},
        {**GOOD, "town_code": "4103"},
        {**GOOD, "town_name": " "},
        {**GOOD, "ward": ""},
        {**GOOD, "lat": "140.94", "lon": "38.24"},
        {**GOOD, "total_pop": "9999999"},
        GOOD,
        GOOD,
    )
    assert len(parsed.population) == 1
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (2, "total_pop"),
        (3, "pop_old"),
        (4, "pop_young"),
        (5, "town_code"),
        (6, "town_name"),
        (7, "ward"),
        (8, "lat・lon"),
        (9, "total_pop"),
        (11, "town_code"),
    ]
    assert all(one.reason.endswith("。") for one in parsed.rejected)


def test_a_code_that_has_its_zero_or_never_had_one_is_left_alone():
    codes = ["04103000100", "13101000100", "131010001000"]
    parsed = parse(*({**GOOD, "town_code": one} for one in codes))
    assert list(parsed.population.code) == codes


def test_another_table_and_a_doubled_column_are_refused():
    with pytest.raises(OtherList, match="町名の表"):
        parse_population(b"name,ward,kana,reading_status\r\n")
    with pytest.raises(UnknownLayout, match="total_pop"):
        parse_population(b"ward,town\r\n")
    with pytest.raises(RepeatedHeading, match="ward"):
        parse(GOOD, headings=[*HEADINGS, "区"])


@given(st.permutations(HEADINGS))
def test_the_order_of_the_columns_changes_nothing(headings):
    people = parse(GOOD, headings=headings).population
    assert (people.code[0], people.ward[0], people.name[0]) == ("041030001001", "wakabayashi", "荒井一丁目")
    assert (people.persons[0], people.old[0], people.lonlat[0].tolist()) == (100, 30, [140.94, 38.24])


def test_rows_find_their_town_and_the_ward_is_told_by_the_names_of_its_towns():
    names = ["荒井１丁目", "鶴が谷", "五橋三丁目", "どこにもない町"]
    rows = [{**GOOD, "town_code": f"04103000{n:04}", "town_name": one} for n, one in enumerate(names)]
    rows.append({**rows[2], "town_code": "041010000001", "ward": "aoba"})
    rows.append({**rows[2], "town_code": "041010000002", "ward": "青葉区", "town_name": "中央"})
    towns = [
        *(town("荒井一丁目", "若林区"), town("鶴ケ谷", "若林区"), town("五橋三丁目", "若林区")),
        *(town("五橋三丁目", "青葉区"), town("中央", "青葉区")),
    ]
    people = parse(*rows).population
    join = join_population(people, towns)
    # aoba shares one name with two wards, so nobody can tell which it is.
    assert join.wards == {"wakabayashi": "若林区", "青葉区": "青葉区"}
    assert join.rows.tolist() == [0, 1, 2, -1, -1, 4]
    assert list(people.in_wards(join.wards).ward[[0, 4, 5]]) == ["若林区", "aoba", "青葉区"]
    assert people.in_wards(join.wards).persons is people.persons


def test_two_words_never_mean_one_ward_and_nothing_joins_to_no_towns():
    rows = [{**GOOD, "ward": one, "town_code": f"04103000100{n}"} for n, one in enumerate(["a", "b"])]
    people = parse(*rows).population
    assert join_population(people, [town("荒井一丁目", "若林区")]).rows.tolist() == [-1, -1]
    assert join_population(people, []).rows.tolist() == [-1, -1]
    assert len(join_population(parse().population, [town("荒井", "若林区")]).rows) == 0


@pytest.mark.real_data
def test_all_949_towns_of_the_real_table_find_their_town_and_nobody_is_lost(shared_data, sendai):
    people = parse_population(
        (shared_data / "population" / "sendai_town_population_20200401.csv").read_bytes(), bbox=sendai
    )
    assert (len(people.population), people.rejected) == (949, ())
    assert int(people.population.persons.sum()) == 1_054_307
    towns = parse_town_points(
        (shared_data / "places" / "towns_miyagi_geolonia_202401.csv").read_bytes(), city="仙台市", bbox=sendai
    ).towns
    join = join_population(people.population, towns)
    assert dict(join.wards) == {
        "aoba": "青葉区",
        "miyagino": "宮城野区",
        "wakabayashi": "若林区",
        "taihaku": "太白区",
        "izumi": "泉区",
    }
    assert (join.rows >= 0).all()
    assert len(set(join.rows.tolist())) == 949
