from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import NothingOfCity, OtherList, UnknownLayout
from geodata.importers.post_codes import parse_post_codes
from geodata.importers.town_points import MEAN_SOURCE, POINT_SOURCE, parse_town_points
from geodata.importers.towns import parse_towns
from geodata.kana import kana_key, romaji_key
from geodata.place_keys import kanji_key
from geodata.places import PlaceIndex, ReadingStatus, Town
from geodata.town_merge import JAPAN_POST, TownReading, merge_towns

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
HEADINGS = ["pref", "city", "town", "koaza", "lat", "lng"]


def row(city, town, koaza="", *, lat="38.25", lng="140.9", pref="宮城県"):
    return dict(zip(HEADINGS, [pref, city, town, koaza, lat, lng], strict=True))


def table(*rows, headings=HEADINGS):
    out = io.StringIO()
    writer = csv.DictWriter(out, headings)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def parse(*rows, **how):
    return parse_town_points(table(*rows), city="仙台市", bbox=SENDAI, **how)


def test_the_towns_of_one_city_are_taken_with_their_ward_and_no_reading():
    parsed = parse(row("仙台市若林区", "荒井三丁目"), row("名取市", "閖上"), row("仙台市泉区", "字実沢"))
    assert parsed.towns == (
        Town(
            name="荒井三丁目",
            ward="若林区",
            kana="",
            romaji="",
            lon=140.9,
            lat=38.25,
            reading_source="",
            reading_status=ReadingStatus.DRAFT,
            point_source=POINT_SOURCE,
        ),
        *parse(row("仙台市泉区", "実沢")).towns,
    )
    assert parsed.other_municipalities == 1


def test_a_city_of_one_name_in_two_prefectures_is_told_apart():
    rows = [row("府中市", "東町", pref="東京都"), row("府中市", "西町", pref="広島県")]
    parsed = parse_town_points(table(*rows), city="府中市", prefecture="広島県")
    assert [one.name for one in parsed.towns] == ["西町"]


def test_small_areas_are_kept_only_when_asked_and_otherwise_make_the_point_of_their_town():
    rows = [
        row("仙台市太白区", "秋保町境野", lat="38.24", lng="140.70"),
        row("仙台市太白区", "秋保町境野", "七森"),
        row("仙台市若林区", "南小泉", "八軒小路", lat="38.24", lng="140.89"),
        row("仙台市若林区", "南小泉", "字伊藤屋敷", lat="38.26", lng="140.91"),
    ]
    plain = parse(*rows).towns
    assert [(one.name, one.point_source) for one in plain] == [
        ("秋保町境野", POINT_SOURCE),
        ("南小泉", MEAN_SOURCE),
    ]
    assert (plain[1].lon, plain[1].lat) == pytest.approx((140.90, 38.25))
    assert [one.name for one in parse(*rows, koaza=True).towns] == [
        *("秋保町境野", "秋保町境野字七森", "南小泉字八軒小路", "南小泉字伊藤屋敷", "南小泉")
    ]


def test_bad_rows_are_named_with_the_mend():
    parsed = parse(
        row("仙台市泉区", "朝日一丁目", lat="", lng=""),
        row("仙台市泉区", ""),
        row("仙台市泉区", "桂", lat="140.9", lng="38.25"),
        row("仙台市泉区", "館"),
        row("仙台市泉区", "館"),
    )
    assert [one.name for one in parsed.towns] == ["館"]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (2, "lat"),
        (3, "town"),
        (4, "lat・lng"),
        (6, "town"),
    ]
    assert all(one.reason.endswith("。") for one in parsed.rejected)


def test_a_table_of_another_city_alone_is_refused():
    with pytest.raises(NothingOfCity) as refused:
        parse(row("名取市", "閖上"), row("亘理郡亘理町", "字上浜街道"))
    assert "2行のなかに仙台市の行がありません" in refused.value.ja


def test_another_table_is_refused_by_name():
    with pytest.raises(OtherList, match="町別の人口の表"):
        parse_town_points(b"ward,town_code,town_name,total_pop\r\n", city="仙台市")
    with pytest.raises(UnknownLayout, match="koaza"):
        parse_town_points(b"a,b\r\n", city="仙台市")


@given(st.permutations(HEADINGS))
def test_the_order_of_the_columns_changes_nothing(headings):
    rows = [row("仙台市若林区", "荒井"), row("仙台市若林区", "南小泉", "八軒小路")]
    assert parse_town_points(table(*rows, headings=headings), city="仙台市") == parse_town_points(
        table(*rows), city="仙台市"
    )


def point(name, ward="若林区", **more):
    town = {"kana": "", "romaji": "", "lon": 140.9, "lat": 38.25, "reading_source": ""}
    return Town(**{"name": name, "ward": ward, "reading_status": ReadingStatus.DRAFT} | town | more)


def own(name, kana, status=ReadingStatus.DRAFT, **more):
    return point(name, kana=kana, reading_source="市の表", reading_status=status, **more)


def reading(name, kana, *postcodes, ward="若林区", **more):
    return TownReading(ward=ward, name=name, kana=kana, postcodes=postcodes, **more)


def test_the_citys_own_row_wins_then_the_post_then_nothing():
    points = [point("荒井"), point("荒浜"), point("井土"), point("種次")]
    readings = [
        reading("荒井", "にいい", "9840032"),
        reading("荒浜", "あらはま", "9840033"),
        reading("井土", ""),
    ]
    mine = [own("荒井", "あらい", ReadingStatus.CHECKED, lon=140.95), own("六郷", "ろくごう")]
    merged = merge_towns(points, readings, mine)
    found = {one.name: one for one in merged.towns}
    assert list(found) == ["荒井", "荒浜", "井土", "種次", "六郷"]
    assert (found["荒井"].kana, found["荒井"].lon, found["荒井"].postcodes) == (
        "あらい",
        140.95,
        ("9840032",),
    )
    assert (found["荒浜"].reading_source, found["荒浜"].romaji) == (JAPAN_POST, "Arahama")
    assert found["荒浜"].reading_status is ReadingStatus.CHECKED
    assert (found["種次"].kana, found["種次"].reading_status) == ("", ReadingStatus.DRAFT)
    assert merged.report.unread == ("若林区井土", "若林区種次")
    assert merged.report.differing == ("若林区荒井",)
    assert merged.report.unplaced == ()


def test_a_chome_put_together_here_is_a_draft_whoever_read_the_name():
    points = [point("荒井三丁目"), point("卸町二丁目"), point("六丁目")]
    merged = merge_towns(
        points, [reading("荒井", "あらい")], [own("卸町", "おろしまち", ReadingStatus.CHECKED)]
    )
    assert [(one.kana, one.reading_status) for one in merged.towns] == [
        ("あらいさんちょうめ", ReadingStatus.DRAFT),
        ("おろしまちにちょうめ", ReadingStatus.DRAFT),
        ("", ReadingStatus.DRAFT),
    ]
    assert all("規則" in one.reading_source for one in merged.towns[:2])
    assert merged.report.split == ("若林区卸町",)


def test_a_draft_the_post_reads_alike_stays_a_draft_and_is_offered_for_checking():
    merged = merge_towns([], [reading("荒浜", "あらはま")], [own("荒浜", "あらはま")])
    assert merged.towns[0].reading_status is ReadingStatus.DRAFT
    assert merged.report.agreeing == ("若林区荒浜",)


def test_postcodes_go_to_the_chome_they_are_for():
    points = [point(f"荒井{one}丁目") for one in ("一", "三", "五")]
    readings = [
        reading("荒井", "あらい", "9840001", chome=frozenset({1, 2, 3})),
        reading("荒井", "あらい", "9840002", rest=True),
        reading("荒井", "", "9849999", tower=True),
        reading("荒井", "あらい", "9800000", ward="青葉区"),
    ]
    merged = merge_towns(points, readings, [])
    assert [one.postcodes for one in merged.towns] == [
        ("9840001", "9849999"),
        ("9840001", "9849999"),
        ("9840002", "9849999"),
    ]
    assert merged.report.unplaced == ("青葉区荒井",)


def test_two_readings_of_one_name_are_no_reading():
    merged = merge_towns([point("小路")], [reading("小路", "こうじ"), reading("小路", "しょうじ")], [])
    assert merged.towns[0].kana == ""


def test_the_citys_table_alone_comes_out_as_it_went_in(sample_dir):
    towns = parse_towns((sample_dir / "towns.csv").read_bytes()).towns
    assert merge_towns([], [], towns).towns == towns


_readings = st.builds(
    reading,
    st.sampled_from(["荒井", "荒浜", "井土"]),
    st.sampled_from(["", "あらい", "あらはま", "いど"]),
    st.sampled_from(["9840001", "9840002"]),
    chome=st.frozensets(st.integers(1, 4), max_size=2),
    rest=st.booleans(),
    tower=st.booleans(),
)
_towns = st.sampled_from(["荒井", "荒井一丁目", "荒井二丁目", "荒浜", "井土"])


@given(
    st.lists(_towns, unique=True),
    st.lists(_readings, max_size=5),
    st.dictionaries(_towns, st.sampled_from(list(ReadingStatus))),
)
def test_no_point_is_lost_none_comes_twice_and_only_a_source_makes_a_reading_checked(names, readings, mine):
    theirs = [own(name, "よみ", status) for name, status in mine.items()]
    merged = merge_towns([point(name) for name in names], readings, theirs)
    found = [one.name for one in merged.towns]
    assert found[: len(names)] == names
    assert len(set(found)) == len(found)
    assert (
        set(found) | {one.removeprefix("若林区") for one in merged.report.split} == set(names) | mine.keys()
    )
    for one in merged.towns:
        if one.name in mine:
            assert one.reading_status is mine[one.name]
        elif one.reading_status is ReadingStatus.CHECKED:
            assert one.kana in {said.kana for said in readings if said.name == one.name}


@pytest.mark.real_data
def test_every_real_town_is_found_first_by_its_name_and_where_it_has_a_reading_by_that(
    shared_data, sample_dir, sendai
):
    data = (shared_data / "places" / "towns_miyagi_geolonia_202401.csv").read_bytes()
    parsed = parse_town_points(data, city="仙台市", bbox=sendai, koaza=True)
    assert (len(parsed.towns), len(parsed.rejected), parsed.other_municipalities) == (2191, 5, 11_604)
    assert {(one.field, one.reason) for one in parsed.rejected} == {
        ("lat", "空欄です。十進度で記入してください。")
    }
    mine = parse_towns((sample_dir / "towns.csv").read_bytes(), bbox=sendai).towns
    towns = merge_towns(parsed.towns, [], mine).towns
    index = PlaceIndex(towns)
    for town in towns:
        assert kanji_key(index.search(town.name, limit=1)[0].name) == kanji_key(town.name)
        if town.kana:
            (first,) = index.search(town.kana, limit=1)
            assert kana_key(first.kana) == kana_key(town.kana), town
            (first,) = index.search(town.romaji, limit=1)
            assert romaji_key(first.romaji) == romaji_key(town.romaji), town
    assert sum(bool(one.kana) for one in towns) > 500


@pytest.mark.real_data
def test_the_real_table_has_989_towns_and_one_known_by_its_parts_only(shared_data, sendai):
    data = (shared_data / "places" / "towns_miyagi_geolonia_202401.csv").read_bytes()
    towns = parse_town_points(data, city="仙台市", bbox=sendai).towns
    assert len(towns) == 989 - 5 + 1
    assert [one.name for one in towns if one.point_source == MEAN_SOURCE] == ["南小泉"]
    posts = parse_post_codes(
        '04101,"980  ","9800811","ﾐﾔｷﾞｹﾝ","ｾﾝﾀﾞｲｼｱｵﾊﾞｸ","ｲﾁﾊﾞﾝﾁｮｳ","宮城県","仙台市青葉区","一番町",0,0,1,0,0,0'.encode(
            "cp932"
        ),
        city="仙台市",
    )
    found = PlaceIndex(merge_towns(towns, posts.readings, []).towns).search("980-0811")
    assert {one.name for one in found} == {f"一番町{one}丁目" for one in "一二三四"}
