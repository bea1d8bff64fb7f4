from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import (
    BrokenJson,
    GeodataError,
    NothingOfCity,
    OtherList,
    RepeatedHeading,
    UnclosedQuote,
    UnknownLayout,
    UnreadableText,
)
from geodata.facilities import diff_sites, distinct_names, join_facilities
from geodata.hazards import HAZARD_HEADINGS, HazardKind
from geodata.importers.capacities import parse_capacities
from geodata.importers.sites import parse_sites
from geodata.sites import FloorGroup, SiteForm, SiteKind, SiteRecord

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
FLAGS = list(HAZARD_HEADINGS.values())
NATIONAL = [
    *["NO", "共通ID", "都道府県名及び市町村名", "施設・場所名", "住所"],
    *FLAGS,
    *["指定避難所との住所同一", "緯度", "経度", "備考"],
]
GOOD = {
    "NO": "1",
    "共通ID": "E0001",
    "都道府県名及び市町村名": "宮城県仙台市",
    "施設・場所名": "荒浜の学校",
    "住所": "宮城県仙台市若林区荒浜字新堀端32-1",
    "津波": "1",
    "緯度": "38.2213",
    "経度": "140.9777",
    "備考": "津波：3階以上",
}


def table(*rows, headings=NATIONAL, encoding="utf-8-sig"):
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def with_(number, **changes):
    names = {
        "id": "共通ID",
        "name": "施設・場所名",
        "lat": "緯度",
        "lon": "経度",
        "note": "備考",
        "city": NATIONAL[2],
    }
    return {
        **GOOD,
        "共通ID": f"E{number:04}",
        **{names.get(key, key): value for key, value in changes.items()},
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp932"])
def test_a_national_list_is_read_in_every_encoding_it_was_published_in(encoding):
    parsed = parse_sites(table(GOOD, encoding=encoding), bbox=SENDAI)
    (record,) = parsed.records
    assert record == SiteRecord(
        site_id="E0001",
        kind=SiteKind.EMERGENCY,
        name="荒浜の学校",
        name_as_published="荒浜の学校",
        address="宮城県仙台市若林区荒浜字新堀端32-1",
        ward="若林区",
        lon=140.9777,
        lat=38.2213,
        hazards=frozenset({HazardKind.TSUNAMI}),
        floor_limits={FloorGroup.TSUNAMI: 3},
        site_form=SiteForm.TSUNAMI_BUILDING,
    )
    assert parsed.kinds == {SiteKind.EMERGENCY}
    assert record.floor_limit(HazardKind.TSUNAMI) == 3
    assert record.floor_limit(HazardKind.EARTHQUAKE) is None


def test_columns_may_stand_in_any_order_and_the_municipality_column_may_be_missing():
    headings = [one for one in reversed(NATIONAL) if one not in {"NO", "都道府県名及び市町村名"}]
    turned = parse_sites(table(GOOD, headings=headings), municipality="仙台市", bbox=SENDAI)
    assert turned.records == parse_sites(table(GOOD), bbox=SENDAI).records


def test_rows_of_another_municipality_are_passed_over_not_rejected():
    parsed = parse_sites(table(GOOD, with_(2, city="宮城県名取市")), municipality="仙台市", bbox=SENDAI)
    assert (len(parsed.records), parsed.rejected, parsed.other_municipalities) == (1, (), 1)


def test_a_list_of_another_city_alone_is_refused_for_it_would_close_every_site():
    with pytest.raises(NothingOfCity, match="名取市"):
        parse_sites(table(GOOD), municipality="名取市", bbox=SENDAI)


def test_bad_rows_are_named_as_a_spreadsheet_numbers_them_and_good_rows_go_on():
    data = table(
        GOOD,
        with_(3, note="津波：3階以上\r\n大雨：2階以上"),  # a line break in a cell is not a new row
        with_(4, lat=""),
        with_(5, lat="999", lon="999"),
        with_(6, lat="北緯38度"),
        with_(7, lat="140.9777", lon="38.2213"),
        with_(8, lat="35.68", lon="139.76"),
        with_(9, id=" "),
        with_(10, name=""),
        with_(11, 津波="○"),
        with_(1),
        with_(13, lat="nan"),
        with_(14),
    )
    parsed = parse_sites(data, bbox=SENDAI)
    assert [one.site_id for one in parsed.records] == ["E0001", "E0003", "E0014"]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (4, "緯度"),
        (5, "緯度"),
        (6, "緯度"),
        (7, "緯度・経度"),
        (8, "緯度・経度"),
        (9, "共通ID"),
        (10, "施設・場所名"),
        (11, "津波"),
        (12, "共通ID"),
        (13, "緯度"),
    ]
    assert "逆" in parsed.rejected[3].reason
    assert "2行目" in parsed.rejected[8].reason
    assert all(one.reason.endswith("。") for one in parsed.rejected)
    assert parsed.rejected_ids == {f"E{number:04}" for number in (4, 5, 6, 7, 8, 10, 11, 1, 13)}


def test_shifted_rows_and_broken_quotes_are_rejected_and_blank_rows_counted():
    lines = table(GOOD, with_(2), with_(3)).decode("utf-8-sig").split("\r\n")
    lines[2] = lines[2].replace("荒浜の学校", '"荒浜"の学校')
    lines.insert(3, "")
    lines[4] = "x," + lines[4]
    parsed = parse_sites("\r\n".join(lines).encode(), bbox=SENDAI)
    assert [one.site_id for one in parsed.records] == ["E0001"]
    assert [(one.row, one.field) for one in parsed.rejected] == [(3, "行全体"), (5, "列数")]


def test_a_quote_that_is_never_closed_stops_the_import_and_names_its_row():
    data = table(GOOD, with_(2)).decode("utf-8-sig").replace("E0002,", '"E0002,').encode()
    with pytest.raises(UnclosedQuote) as refused:
        parse_sites(data, bbox=SENDAI)
    assert refused.value.row == 3


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"a,b\r\n1,2\r\n", "名称,緯度,経度\r\n".encode("cp932"), b"\x00\x01"]
)
def test_an_unknown_layout_is_refused_with_the_headings_expected(data):
    with pytest.raises(UnknownLayout, match="共通ID") as refused:
        parse_sites(data)
    assert "施設・場所名" in refused.value.ja


@pytest.mark.parametrize(
    ("headings", "found"),
    [
        ("pref,city,town,koaza,lat,lng", "町名と代表点の一覧"),
        ("name,ward,kana,romaji,lon,lat,reading_source,reading_status,point_source", "町名の表"),
        ("共通ID,想定収容人数,出典", "収容人数の表"),
        (",ward,town_code,town_name,total_pop", "町別の人口の表"),
        ('04101,"980  ","9800811",ﾐﾔｷﾞｹﾝ,ｾﾝﾀﾞｲｼ,ｱ,宮城県,仙台市青葉区,あ,0,0,0,0,0,0', "郵便番号データ"),
    ],
)
def test_a_list_of_another_kind_is_refused_with_its_name_and_where_it_belongs(headings, found):
    with pytest.raises(OtherList) as refused:
        parse_sites(f"{headings}\r\n".encode())
    assert found in refused.value.ja
    assert "bosai import" in str(refused.value)


def test_a_heading_that_stands_twice_is_refused_and_unknown_ones_are_named():
    with pytest.raises(RepeatedHeading, match="住所"):
        parse_sites(table(GOOD, headings=[*NATIONAL, "住所"]), bbox=SENDAI)
    parsed = parse_sites(table({**GOOD, "管理者": "市"}, headings=[*NATIONAL, "管理者"]), bbox=SENDAI)
    assert (parsed.ignored_columns, len(parsed.records)) == (("管理者",), 1)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(UnreadableText):
        parse_sites(b"\xff\xfe\x00\x81\xff")


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"e": []}', b'{"e": {}, "s": []}', b"[" * 100_000])
def test_json_of_another_shape_is_refused(data):
    with pytest.raises(BrokenJson):
        parse_sites(data)


def test_bad_entries_of_the_json_edition_are_named_by_their_place_in_the_list():
    good = {
        "id": "E1",
        "n": "井土津波避難タワー",
        "m": "仙台市",
        "a": "若林区井土",
        "la": 38.2,
        "lo": 140.96,
        "o": "",
        "h": 16,
    }
    entries = [
        {**good, "s": 0},
        {**good, "id": "E2", "h": 999},
        "x",
        {**good, "id": "E3", "la": None},
        {**good, "id": 5},
    ]
    parsed = parse_sites(json.dumps({"e": entries, "s": [], "p": {"name": "宮城県"}}).encode(), bbox=SENDAI)
    assert [one.address for one in parsed.records] == ["宮城県仙台市若林区井土"]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (2, "h"),
        (3, "行全体"),
        (4, "緯度"),
        (5, "共通ID"),
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused_by_name(data):
    with suppress(GeodataError):
        assert parse_sites(data).records == ()


def site(number, kind=SiteKind.EMERGENCY, *, name="学校", lon=140.97, lat=38.22, **more):
    record = SiteRecord(
        site_id=f"E{number:04}", kind=kind, name=name, name_as_published=name, lon=lon, lat=lat
    )
    return replace(record, **more)


def by_id(*records):
    return {one.site_id: one for one in records}


def test_a_new_list_tells_what_was_added_changed_and_gone():
    old = by_id(site(1), site(2), site(3))
    new = by_id(site(2, name="新しい名"), site(3), site(4))
    changes = diff_sites(old, new)
    assert [one.site_id for one in changes.added] == ["E0004"]
    assert [(was.name, now.name) for was, now in changes.changed] == [("学校", "新しい名")]
    assert [one.site_id for one in changes.gone] == ["E0001"]
    assert diff_sites(new, new).is_empty


def test_a_list_of_one_kind_and_a_broken_row_close_nothing():
    old = by_id(site(1), site(2, SiteKind.SHELTER), site(3))
    changes = diff_sites(old, by_id(site(1)), kinds={SiteKind.EMERGENCY}, keep={"E0003"})
    assert changes.is_empty


def test_the_two_designations_of_one_school_are_one_facility():
    records = [site(2, SiteKind.SHELTER, lat=38.2205), site(1)]
    (facility,) = join_facilities(records)
    assert [one.kind for one in facility.designations] == [SiteKind.EMERGENCY, SiteKind.SHELTER]
    assert (facility.facility_id, facility.lonlat) == ("E0001", (140.97, 38.22))


def test_two_sites_of_one_kind_and_distant_ones_are_not_joined():
    assert len(join_facilities([site(1), site(2)])) == 2
    assert len(join_facilities([site(1), site(2, SiteKind.SHELTER, lat=38.23)])) == 2


def test_distant_points_of_one_name_join_when_both_say_the_same_address():
    same = {"address": "泉区高森6-2", "same_address_as_other_kind": True}
    assert len(join_facilities([site(1, **same), site(2, SiteKind.SHELTER, lat=38.23, **same)])) == 1
    other = {**same, "address": "泉区高森7-1"}
    assert len(join_facilities([site(1, **same), site(2, SiteKind.SHELTER, lat=38.23, **other)])) == 2


def test_the_nearest_of_several_of_one_name_is_its_partner():
    records = [site(1), site(2, lat=38.2209), site(3, SiteKind.SHELTER, lat=38.2208)]
    joined = {tuple(one.site_id for one in facility.designations) for facility in join_facilities(records)}
    assert joined == {("E0001",), ("E0002", "E0003")}


@given(st.permutations([site(n, kind, lat=38.22 + step / 5e3) for n, (kind, step) in enumerate(
    (kind, step) for kind in SiteKind for step in range(4))]))  # fmt: skip
def test_joining_does_not_depend_on_the_order_and_keeps_every_record_once(records):
    facilities = join_facilities(records)
    assert facilities == join_facilities(sorted(records, key=lambda one: one.site_id))
    kept = [one.site_id for facility in facilities for one in facility.designations]
    assert sorted(kept) == sorted(one.site_id for one in records)


def test_sites_that_share_a_name_are_told_apart_by_town_and_then_by_address():
    hills = [
        site(1, name="避難の丘", address="宮城県仙台市若林区荒浜字川向52-1"),
        site(2, name="避難の丘", address="宮城県仙台市若林区荒浜新1-11"),
        site(3, name="避難の丘", address="宮城県仙台市若林区荒浜新1-12"),
        site(4, name="冒険広場", address="宮城県仙台市若林区井土字開発139-1"),
    ]
    names = distinct_names(join_facilities(hills))
    assert names["E0001"] == "避難の丘（荒浜字川向）"
    assert names["E0004"] == "冒険広場"
    assert len(set(names.values())) == 4


def test_capacities_are_read_by_id_or_name_and_bad_rows_named():
    data = (
        "共通ID,名称,緊急避難人数,想定収容人数,出典\n"
        'E1,,"1,200",300,公表\n'
        ",荒浜の学校,８００人,,measured\n"
        "E2,,,,公表\n"
        "E3,,-5,,公表\n"
        ",,5,5,公表\n"
        "E4,,5,5,想定\n"
        "E1,,5,5,公表\n"
        "E5,,9999999,5,公表\n"
        "E6,,0,,公表\n"
    )
    parsed = parse_capacities(data.encode("cp932"))
    assert [(one.site_id, one.name, one.refuge_persons, one.stay_persons) for one in parsed.records] == [
        ("E1", "", 1200, 300),
        ("", "荒浜の学校", 800, None),
        ("E6", "", 0, None),
    ]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (4, "refuge_persons・stay_persons"),
        (5, "refuge_persons"),
        (6, "id"),
        (7, "source"),
        (8, "id"),
        (9, "refuge_persons"),
    ]


def test_a_capacity_file_without_a_source_is_refused():
    with pytest.raises(UnknownLayout, match="source"):
        parse_capacities(b"id,refuge_persons\nE1,5\n")
