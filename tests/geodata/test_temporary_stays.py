"""A table of 一時滞在施設: read by its headings, each place once, and never at the cost of the national lists."""

from __future__ import annotations

import csv
import io

import pytest

from geodata.areas import Bbox
from geodata.errors import UnknownLayout
from geodata.importers.recognise import ListKind, recognise
from geodata.importers.sites import parse_sites
from geodata.sites import SiteForm, SiteKind

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
HEADINGS = ["番号", "一時滞在施設", "所在地", "緯度", "経度", "受入人数", "備考"]
HOTEL = ["7", "駅前ホテル", "仙台市青葉区中央1-1", "38.2601", "140.8824", "３００人", "ロビー"]


def table(*rows, headings=HEADINGS):
    out = io.StringIO()
    csv.writer(out).writerows([headings, *rows])
    return out.getvalue().encode()


def read(*rows, headings=HEADINGS, municipality="仙台市"):
    return parse_sites(table(*rows, headings=headings), municipality=municipality, bbox=SENDAI)


def test_a_row_is_a_place_for_people_who_can_not_get_home():
    (record,) = read(HOTEL).records
    assert (record.site_id, record.kind, record.name) == ("T-7", SiteKind.TEMPORARY_STAY, "駅前ホテル")
    assert (record.ward, record.capacity_persons, record.remarks) == ("青葉区", 300, "ロビー")
    assert record.site_form is SiteForm.OTHER and record.hazards == frozenset()
    assert recognise(table(HOTEL)) is ListKind.TEMPORARY_STAYS


def test_without_a_number_name_and_address_name_the_place_and_the_same_row_is_the_same_place():
    short = ["一時滞在施設", "所在地", "緯度", "経度"]
    row, other = HOTEL[1:5], ["駅前ホテル", "青葉区中央2-2", *HOTEL[3:5]]
    first, again = read(row, headings=short), read(row, other, headings=short)
    assert first.records[0].site_id.startswith("T-") and first.records[0] == again.records[0]
    assert len({one.site_id for one in again.records}) == 2 and first.records[0].capacity_persons is None


def test_the_table_speaks_only_of_its_own_kind_and_the_national_lists_never_of_it():
    known = read(HOTEL).by_id
    headings = "id,kind,name,address,ward,lon,lat,hazards,tsunami_floor,rain_floor"
    school = f"{headings}\nE1,emergency,学校,,,140.9,38.2,flood,,\n"
    listed = parse_sites(school.encode(), bbox=SENDAI)
    assert listed.changes_from(known).gone == ()
    both = known | listed.by_id
    changes = read(["8", "別のホテル", *HOTEL[2:]]).changes_from(both)
    assert [one.site_id for one in changes.gone] == ["T-7"] and len(changes.added) == 1


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        (1, "", "一時滞在施設"),
        (3, "140.8824", "緯度・経度"),
        (5, "たくさん", "受入人数"),
        (5, "100001", "受入人数"),
    ],
)
def test_a_row_that_can_not_be_right_is_refused_by_the_field(column, value, field):
    row = [*HOTEL]
    row[column] = value
    parsed = read(row, ["9", *HOTEL[1:]])
    assert [one.field for one in parsed.rejected] == [field] and len(parsed.records) == 1


def test_rows_of_another_city_are_passed_over():
    parsed = read(HOTEL, ["8", "塩竈ホテル", "塩竈市本町1", *HOTEL[3:]])
    assert (len(parsed.records), parsed.other_municipalities) == (1, 1)


def test_an_unknown_table_is_told_which_headings_would_do():
    with pytest.raises(UnknownLayout) as refused:
        read(HOTEL[1:3], headings=["施設", "場所"])
    assert "一時滞在施設・所在地・緯度・経度" in refused.value.expected
