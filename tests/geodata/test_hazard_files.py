"""Hazard maps of 国土数値情報 in each of their formats, and what is refused of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import (
    AxesSwapped,
    BadMapping,
    BrokenXml,
    MissingPart,
    NotVector,
    OldFloodFile,
    PositionsOffEarth,
    SeveralLayers,
    TooLarge,
    UnknownCrs,
    UnknownHazardFile,
    UnreadableZip,
    UnsupportedCrs,
)
from geodata.hazard_layers import HazardClass
from geodata.hazards import HazardKind
from geodata.importers.depth_text import Depth, depth_classes, depth_ja, parse_depth
from geodata.importers.hazard_files import parse_hazard_file
from geodata.importers.hazard_mapping import HazardMapping
from geodata.importers.map_members import MapMembers
from geodata.layer_files import diff_layers
from tests.geodata.made_maps import (
    ACROSS,
    BESIDE,
    SQUARE,
    TOKYO,
    WITH_HOLE,
    geojson,
    ksj_gml,
    shapefile,
    zipped,
)

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
FLOOD = {
    "A31a_201": "8202020001",
    "A31a_202": "名取川",
    "A31a_203": "04",
    "A31a_204": "宮城県",
    "A31a_205": 3,
}


def read(data, **said):
    (parsed,) = parse_hazard_file(data, bbox=SENDAI, **said)
    return parsed


def flood_rows(*ranks):
    return [FLOOD | {"A31a_205": rank} for rank in ranks]


def columns(rows):
    return {key: [row[key] for row in rows] for key in rows[0]}


def codes(parsed):
    return [parsed.layer.classes[row].code for row in parsed.layer.class_row]


# ---- one map in every format -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["geojson", "zip", "loose", "cp932", "gml"])
def test_a_flood_map_says_the_same_in_every_format(form):
    rows, shapes = flood_rows(1, 6), [SQUARE, WITH_HOLE]
    stem = "A31a-20-22_04_8202020001"
    if form == "geojson":
        data, said = geojson(shapes, rows), {"name": f"{stem}.geojson"}
    elif form == "gml":
        gml_rows = [
            {"waterDepth": row["A31a_205"], "riverNumber": row["A31a_201"], "riverName": row["A31a_202"]}
            for row in rows
        ]
        data, said = ksj_gml("MaximumScale", shapes, gml_rows, underscore=True), {"name": f"{stem}.xml"}
    else:
        members = shapefile(
            shapes, columns(rows), stem=stem, encoding="cp932" if form == "cp932" else "UTF-8"
        )
        if form == "cp932":
            members = {name: one for name, one in members.items() if not name.endswith(".cpg")}
        data, said = (members, {}) if form == "loose" else (zipped(members), {})
    parsed = read(data, **said)
    layer = parsed.layer
    assert (layer.key, layer.hazard, layer.version) == ("flood_max", HazardKind.FLOOD, "A31a-22")
    assert codes(parsed) == ["flood_1", "flood_6"]
    assert list(layer.label) == ["名取川", "名取川"]
    assert [one.equals(shape) for one, shape in zip(layer.areas_lonlat, shapes, strict=True)] == [True, True]
    assert (parsed.rejected, parsed.repaired, parsed.passed_over, parsed.remarks) == ((), (), 0, ())
    assert layer.coverage_lonlat is None


def test_the_depth_ranks_of_a31a_are_those_of_its_code_list():
    parsed = read(geojson([SQUARE] * 6, flood_rows(1, 2, 3, 4, 5, 6)))
    assert [(one.rank, one.depth_min_m, one.depth_max_m) for one in parsed.layer.classes] == [
        (1, 0.0, 0.5),
        (2, 0.5, 3.0),
        (3, 3.0, 5.0),
        (4, 5.0, 10.0),
        (5, 10.0, 20.0),
        (6, 20.0, None),
    ]
    assert parsed.layer.classes[2].ja == "3m以上5m未満"


def test_a_blank_depth_is_unknown_and_never_shallow_and_a_strange_one_is_refused():
    parsed = read(geojson([SQUARE, BESIDE, WITH_HOLE], flood_rows(None, 7, 2)))
    assert codes(parsed) == ["flood_unknown", "flood_2"]
    unknown = parsed.layer.classes[-1]
    assert (unknown.depth_unknown, unknown.depth_min_m, unknown.depth_max_m) == (True, None, None)
    assert unknown.rank > max(one.rank for one in parsed.layer.classes[:-1])
    (rejected,) = parsed.rejected
    assert (rejected.row, rejected.field) == (2, "A31a_205")
    assert "「7」" in rejected.reason


def test_a_zip_of_a31a_gives_each_of_its_maps_from_its_folder_in_one_format_only():
    deep = {"A31a_205": 5, "A31a_202": "広瀬川"}
    members = {
        "10_計画規模/A31a-10-22_04_1.geojson": geojson([SQUARE], [{"A31a_105": 2, "A31a_102": "広瀬川"}]),
        "20_想定最大規模/A31a-20-22_04_1.geojson": geojson([SQUARE], [deep]),
        "20_想定最大規模/A31a-20-22_04_2.geojson": geojson([BESIDE], [deep | {"A31a_202": "七北田川"}]),
        "20_想定最大規模/A31a-20-22_04_1.xml": ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 5}]),
        "30_浸水継続時間/A31a-30-22_04_1.geojson": geojson([SQUARE], [{"A31a_305": 4}]),
        "41_家屋倒壊等氾濫想定区域_氾濫流/A31a-41-22_04_1.geojson": geojson([SQUARE], [{"A31a_405": 1}]),
        "42_家屋倒壊等氾濫想定区域_河岸侵食/A31a-42-22_04_1.geojson": geojson([BESIDE], [{"A31a_405": None}]),
        "KS-META-A31a-22_04_10.xml": b"<meta/>",
        "readme.json": b'{"hello": 1}',
    }
    maps = {one.layer.key: one for one in parse_hazard_file(zipped(members, names_in="cp932"), bbox=SENDAI)}
    assert set(maps) == {"flood_plan", "flood_max", "flood_duration", "flood_house"}
    assert codes(maps["flood_plan"]) == ["flood_2"]
    assert list(maps["flood_max"].layer.label) == ["広瀬川", "七北田川"]
    assert maps["flood_max"].remarks == ("同じ図の別形式（GML）は読んでいません。",)
    duration = maps["flood_duration"].layer
    worst = duration.classes[duration.class_row[0]]
    assert (worst.duration_min_h, worst.duration_max_h, worst.depth_min_m) == (72.0, 168.0, None)
    assert codes(maps["flood_house"]) == ["flood_house_stream", "flood_house_erosion"]
    only = parse_hazard_file(zipped(members), bbox=SENDAI, layer="flood_house")
    assert [one.layer.key for one in only] == ["flood_house"]
    with pytest.raises(UnknownHazardFile, match="expected"):
        parse_hazard_file(zipped({"41_x/a.geojson": geojson([SQUARE], [{"A31a_405": 1}])}), layer="tsunami")


def test_the_two_zips_of_a31a_make_one_map_and_one_alone_is_told_to_be_half():
    great = {"20_想定最大規模/A31a-20-22_04_8202020001_10.geojson": geojson([SQUARE], flood_rows(1))}
    small = {
        "20_想定最大規模/A31a-20-22_04_0400000001_20.geojson": geojson([BESIDE, WITH_HOLE], flood_rows(2, 9))
    }
    names = ("A31a-22_04_10_GML.zip", "A31a-22_04_20_GML.zip")
    files = dict(zip(names, (zipped(great), zipped(small)), strict=True))
    for data in (files, zipped(files)):
        both = read(data)
        assert codes(both) == ["flood_1", "flood_2"]
        assert both.remarks == ()
        (rejected,) = both.rejected
        assert "A31a-20-22_04_0400000001_20.geojson" in rejected.reason
    half = read(files[names[0]], name=names[0])
    assert "その他の河川（20）の分のzip" in half.remarks[0]
    assert "洪水予報河川・水位周知河川（10）の分のzip" in read(files[names[1]]).remarks[0]


def test_a_folder_and_attributes_that_disagree_are_refused():
    members = {"30_浸水継続時間/a.geojson": geojson([SQUARE], flood_rows(1))}
    with pytest.raises(UnknownHazardFile) as refused:
        parse_hazard_file(zipped(members), bbox=SENDAI)
    assert "食い違って" in refused.value.ja


def test_zip_names_with_backslashes_are_folders():
    members = {"20_想定最大規模\\A31a-20-22_04_1.geojson": geojson([SQUARE], flood_rows(1))}
    assert read(zipped(members)).layer.version == "A31a-22"


def test_gml_of_unknown_elements_is_told_by_its_name_or_refused():
    erosion = ksj_gml("SomethingNew", [SQUARE], [{"riverName": "名取川"}])
    assert codes(read(erosion, name="A31a-42-22_04_1.xml")) == ["flood_house_erosion"]
    plan = ksj_gml("SomethingNew", [SQUARE], [{"waterDepth": 4}])
    assert read(plan, name="A31a-10-22_04_1.xml").layer.key == "flood_plan"
    deep = ksj_gml("SomethingNew", [SQUARE], [{"classificationOfWaterDepth": "5m以上"}])
    assert read(deep, name="A49-20_04.xml").layer.key == "storm_surge"
    for data, name in ((deep, "x.xml"), (plan, "x.xml"), (erosion, "A31a-30-22_04_1.xml")):
        with pytest.raises(UnknownHazardFile):
            parse_hazard_file(data, name=name)


def test_the_flood_maps_of_before_2022_are_refused_in_every_format():
    for data, name in (
        (geojson([SQUARE], [{"A31_001": 12, "A31_002": "国"}]), "A31-12_04.geojson"),
        (geojson([SQUARE], [{"A31_205": "3"}]), "A31-20_04.geojson"),
        (ksj_gml("ExpectedFloodArea", [SQUARE], [{"waterDepth": 12}]), "A31-12_04.xml"),
    ):
        with pytest.raises(OldFloodFile) as refused:
            parse_hazard_file(data, name=name)
        assert "A31a" in refused.value.ja


# ---- landslide ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["geojson", "gml"])
def test_a33_is_read_by_its_own_code_list_steep_slope_first(form):
    pairs = [(1, 1), (2, 2), (3, 3), (1, 4)]
    boxes = [shapely.box(140.8 + n / 100, 38.2, 140.805 + n / 100, 38.205) for n in range(4)]
    if form == "geojson":
        rows = [
            {"A33_001": str(what), "A33_002": str(zone), "A33_005": f"沢{what}", "A33_008": "0"}
            for what, zone in pairs
        ]
        data = geojson(boxes, rows)
    else:
        rows = [{"cop": what, "coz": zone, "prc": "04", "znm": f"沢{what}"} for what, zone in pairs]
        data = ksj_gml("SedimentRelatedDisasterWarningAreasPolygon", boxes, rows, encoding="Shift_JIS")
    parsed = read(data, name="A33-20_04.xml" if form == "gml" else "A33-20_04Polygon.geojson")
    assert list(parsed.layer.label) == [
        "急傾斜地の崩壊 沢1",
        "土石流 沢2",
        "地滑り 沢3",
        "急傾斜地の崩壊 沢1",
    ]
    assert codes(parsed) == [
        "landslide_warning",
        "landslide_special",
        "landslide_warning_planned",
        "landslide_special_planned",
    ]
    ranks = {one.code: one.rank for one in parsed.layer.classes}
    assert ranks["landslide_special"] > ranks["landslide_warning"]
    assert (parsed.layer.key, parsed.layer.version) == ("landslide", "A33-20")


def test_lines_and_points_beside_the_areas_of_a33_are_counted_and_left_out():
    area = {"A33_001": [1], "A33_002": [1]}
    line = shapely.LineString([(140.9, 38.2), (140.91, 38.21)])
    members = shapefile([SQUARE], area, stem="A33-20_04Polygon")
    members |= shapefile([line], area, stem="A33-20_04Line", kind="LineString")
    parsed = read(zipped(members))
    assert len(parsed.layer) == 1
    assert parsed.remarks == ("A33-20_04Line.shp：面ではない図形（点・線）1件は取り込みません。",)


def test_codes_beyond_the_list_of_a33_are_refused_by_row():
    rows = [{"A33_001": 4, "A33_002": 1}, {"A33_001": 1, "A33_002": 0}, {"A33_001": None, "A33_002": 2}]
    rows.append({"A33_001": 1, "A33_002": None})
    parsed = read(geojson([SQUARE] * 4, rows))
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (1, "A33_001"),
        (2, "A33_002"),
        (4, "A33_002"),
    ]
    assert list(parsed.layer.label) == ["現象の種類は不明"]


# ---- tsunami, storm surge ----------------------------------------------------------------------


def test_a40_makes_its_classes_from_the_texts_in_order_of_depth():
    texts = ["5m以上", "0.3m以上 ～ 1.0m未満", "～0.3m未満", "０．３ｍ以上～１．０ｍ未満", None, "ひざ下"]
    rows = [{"A40_001": "宮城県", "A40_002": 4, "A40_003": text} for text in texts]
    boxes = [shapely.box(140.8 + n / 100, 38.2, 140.805 + n / 100, 38.205) for n in range(6)]
    parsed = read(geojson(boxes, rows), name="A40-24_04.geojson")
    assert [one.ja for one in parsed.layer.classes] == ["0.3m未満", "0.3m以上1m未満", "5m以上", "浸水深不明"]
    assert codes(parsed) == [
        "tsunami_5_",
        "tsunami_0.3_1",
        "tsunami_0_0.3",
        "tsunami_0.3_1",
        "tsunami_unknown",
    ]
    (rejected,) = parsed.rejected
    assert (rejected.row, rejected.field) == (6, "A40_003")
    assert "ひざ下" in rejected.reason
    assert parsed.layer.version == "A40-24"


def test_a40_and_a49_are_read_from_gml_with_their_own_slips():
    row = {"prefectureName": "宮城県", "prefectureCode": "04", "cassificationOfWaterDepth": "1m以上 2m未満"}
    tsunami = read(
        ksj_gml("TsunamiInundationAssumption", [WITH_HOLE], [row], oriented=True, mixed_case=True),
        name="A40.xml",
    )
    assert (tsunami.layer.key, codes(tsunami)) == ("tsunami", ["tsunami_1_2"])
    assert tsunami.layer.areas_lonlat[0].equals(WITH_HOLE)
    row = {"classificationOfWaterDepth": "3m 以上 5m 未満"}
    kind = "AreasExpectedToBeFloodedByStormSurges"
    surge = read(ksj_gml(kind, [SQUARE], [row], mixed_case=True), name="A49-20_04.xml")
    assert (surge.layer.key, surge.layer.hazard, codes(surge)) == (
        "storm_surge",
        HazardKind.STORM_SURGE,
        ["storm_surge_3_5"],
    )


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("0.3m以上 ～ 1.0m未満", Depth(0.3, 1.0)),
        ("0.01m以上〜0.3m未満", Depth(0.01, 0.3)),
        ("１ｍ以上－２ｍ未満", Depth(1.0, 2.0)),
        ("0.5～3.0m", Depth(0.5, 3.0)),
        ("30cm以上50cm未満", Depth(0.3, 0.5)),
        ("20m～", Depth(20.0, None)),
        ("5m以上", Depth(5.0, None)),
        ("0.3m未満", Depth(0.0, 0.3)),
        ("～0.3m", Depth(0.0, 0.3)),
        ("15m未満", Depth(0.0, 15.0)),
        ("浸水深不明", None),
        ("－", None),
    ],
)
def test_depths_are_read_however_a_prefecture_writes_them(text, depth):
    assert parse_depth(text) == depth


@pytest.mark.parametrize(
    "text", ["15m", "1.0", "ひざ下", "3m以上1m未満", "0m未満", "1m以上2m未満3m", "m", "nan"]
)
def test_what_is_no_depth_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_depth(text)


@given(
    low_cm=st.integers(0, 2_000),
    step_cm=st.integers(1, 2_000),
    wave=st.sampled_from(["", " ～ ", "〜", "~", "-"]),
    open_ended=st.booleans(),
    wide=st.booleans(),
)
def test_a_written_depth_reads_back_as_itself(low_cm, step_cm, wave, open_ended, wide):
    low, high = low_cm / 100, (low_cm + step_cm) / 100
    depth = Depth(low, None if open_ended else high)
    text = f"{low}m以上" if open_ended else f"{low}m以上{wave}{high}m未満"
    if wide:
        text = text.translate(
            {ord(a): ord(b) for a, b in zip("0123456789.m", "０１２３４５６７８９．ｍ", strict=True)}
        )
    assert parse_depth(text) == depth
    assert parse_depth(depth_ja(depth)) == depth


@given(st.lists(st.one_of(st.none(), st.builds(Depth, st.floats(0, 9), st.floats(10, 20) | st.none()))))
def test_a_class_that_may_be_deeper_never_ranks_below_and_the_unknown_is_last(depths):
    classes = depth_classes(depths, "tsunami")
    tops = [
        one.depth_max_m if one.depth_max_m is not None else np.inf for one in classes if not one.depth_unknown
    ]
    assert tops == sorted(tops)
    assert [one.rank for one in classes] == list(range(1, len(classes) + 1))
    assert not any(one.depth_unknown for one in classes[:-1])


# ---- where it lies -----------------------------------------------------------------------------


def test_areas_beside_the_city_are_passed_over_and_those_across_its_edge_kept_whole():
    parsed = read(geojson([SQUARE, ACROSS, TOKYO], flood_rows(1, 2, 3)))
    assert parsed.passed_over == 1
    assert parsed.layer.areas_lonlat[1].equals(ACROSS)
    elsewhere = read(geojson([TOKYO], flood_rows(1)))
    assert (len(elsewhere.layer), elsewhere.passed_over) == (0, 1)
    assert "別の都道府県" in elsewhere.remarks[0]


@pytest.mark.parametrize("epsg", [6678, 4612, 2452, 4326, 4301, 30170])
def test_planes_and_old_datums_come_to_the_same_ground_and_say_so(epsg):
    from pyproj import Transformer

    into = Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3 "
        "+step +proj=cart +ellps=GRS80 +step +proj=helmert +x=146.414 +y=-507.337 +z=-680.507 "
        "+step +inv +proj=cart +ellps=bessel +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    base = {4301: 4301, 30170: 4301, 4612: 4612, 2452: 4612}.get(epsg, 6668)

    def written(pairs):
        x, y = pairs[:, 0], pairs[:, 1]
        if base == 4301:
            x, y = into.transform(x, y)
        if epsg not in (4301, 4612, 4326):
            x, y = Transformer.from_crs(base, epsg, always_xy=True).transform(x, y)
        return np.column_stack([x, y])

    members = shapefile([shapely.transform(SQUARE, written)], columns(flood_rows(1)), epsg=epsg)
    parsed = read(zipped(members))
    apart_deg = shapely.hausdorff_distance(parsed.layer.areas_lonlat[0], SQUARE)
    assert apart_deg * 111_000 < 0.02
    said = "".join(parsed.remarks)
    if base == 4301:
        assert "日本測地系" in said or "補正ファイル" in said
        assert "ずれは最大で約" in said
    elif base == 4612:
        assert "2011年の地殻変動" in said or "補正ファイル" in said
    else:
        assert "ずれ" not in said


def test_a_file_without_a_coordinate_system_is_asked_for_it_and_takes_what_is_said():
    members = zipped(shapefile([SQUARE], columns(flood_rows(1)), epsg=None))
    with pytest.raises(UnknownCrs) as refused:
        parse_hazard_file(members, bbox=SENDAI)
    assert "--epsg" in refused.value.ja
    assert len(read(members, epsg=6668).layer) == 1
    plain = ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}], srs="")
    with pytest.raises(UnknownCrs):
        parse_hazard_file(plain, name="A31a-20-22_04_1.xml")
    assert len(read(plain, name="A31a-20-22_04_1.xml", epsg=6668).layer) == 1


def test_a_coordinate_system_said_by_a_person_goes_first_and_is_told():
    on_plane = geojson([shapely.box(1_000, -190_000, 1_100, -189_900)], flood_rows(1), epsg=None)
    with pytest.raises(PositionsOffEarth, match="epsg"):
        parse_hazard_file(on_plane, name="x.geojson", bbox=SENDAI)
    parsed = read(on_plane, epsg=6678)
    assert len(parsed.layer) == 1
    assert any("指定された座標系" in one for one in parsed.remarks)


def test_an_unknown_or_foreign_coordinate_system_is_refused():
    with pytest.raises(UnsupportedCrs):
        parse_hazard_file(geojson([SQUARE], flood_rows(1)), epsg=999_999)
    with pytest.raises(UnsupportedCrs):
        parse_hazard_file(geojson([SQUARE], flood_rows(1)), epsg=4267)


def test_swapped_positions_are_refused_and_never_turned():
    turned = shapely.transform(SQUARE, lambda pairs: pairs[:, ::-1])
    with pytest.raises(AxesSwapped) as refused:
        parse_hazard_file(geojson([turned], flood_rows(1)), bbox=SENDAI)
    assert "自動では入れ替えません" in refused.value.ja
    with pytest.raises(AxesSwapped):
        parse_hazard_file(zipped(shapefile([turned], columns(flood_rows(1)))), bbox=SENDAI)
    with pytest.raises(AxesSwapped):
        data = ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}], lonlat=True)
        parse_hazard_file(data, name="A31a-20-22_04_1.xml", bbox=SENDAI)
    north_first = shapely.box(-190_000, 1_000, -189_900, 1_100)
    with pytest.raises(AxesSwapped):
        parse_hazard_file(geojson([north_first], flood_rows(1), epsg=6678), bbox=SENDAI)


# ---- mending, twice, again ---------------------------------------------------------------------


def test_broken_rings_are_mended_with_a_report_and_hopeless_ones_refused():
    spike = shapely.Polygon(
        [(140.9, 38.2), (140.91, 38.2), (140.91, 38.2101), (140.9099, 38.21), (140.91, 38.21), (140.9, 38.21)]
    )
    bowtie = shapely.Polygon([(140.9, 38.2), (140.91, 38.21), (140.91, 38.2), (140.9, 38.21)])
    flat = shapely.Polygon([(140.9, 38.2), (140.91, 38.2), (140.95, 38.2)])
    parsed = read(geojson([spike, bowtie, flat, None], flood_rows(1, 2, 3, 4)))
    (repair,) = parsed.repaired
    assert repair.row == 1
    assert parsed.layer.areas_lonlat[0].is_valid
    assert "㎡" in repair.ja
    assert sorted((one.row, one.field) for one in parsed.rejected) == [(n, "geometry") for n in (2, 3, 4)]


def test_an_area_that_stands_twice_is_kept_once_and_reading_again_changes_nothing():
    data = geojson([SQUARE, SQUARE, SQUARE, BESIDE], flood_rows(1, 1, 2, 1))
    parsed = read(data)
    assert len(parsed.layer) == 3
    assert "1件重なって" in parsed.remarks[0]
    assert diff_layers(parsed.layer, read(data).layer).is_empty
    turned = geojson([BESIDE, SQUARE.reverse(), SQUARE], flood_rows(1, 2, 1))
    assert diff_layers(parsed.layer, read(turned).layer).is_empty


# ---- what can not be read ----------------------------------------------------------------------


def test_zips_that_are_broken_locked_huge_or_of_zips_are_refused_with_a_sentence():
    good = zipped({"a.geojson": geojson([SQUARE], flood_rows(1))})
    with pytest.raises(UnreadableZip):
        parse_hazard_file(good[:-40])
    locked = bytearray(good)
    locked[good.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableZip, match="encrypted"):
        parse_hazard_file(bytes(locked))
    with pytest.raises(NotVector) as refused:
        parse_hazard_file(zipped({"a.zip": zipped({"b.zip": good})}))
    assert "さらにzip" in refused.value.ja
    with pytest.raises(NotVector):
        parse_hazard_file(zipped({"readme.txt": b"x"}))
    bomb = MapMembers(zipped({"a.geojson": b"0" * 3_000_000}), limit_bytes=1_000_000)
    with pytest.raises(TooLarge):
        bomb.read("a.geojson")


def test_a_shapefile_without_its_parts_names_the_missing_one():
    members = shapefile([SQUARE], columns(flood_rows(1)))
    del members["map.dbf"]
    with pytest.raises(MissingPart, match=r"\.dbf"):
        parse_hazard_file(zipped(members))
    with pytest.raises(MissingPart, match=r"\.shp"):
        parse_hazard_file({"map.dbf": b"", "map.shx": b""})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.geojson", b"{bad"),
        ("a.geojson", b"[1]"),
        ("a.csv", b"a,b\n1,2\n"),
        ("", b"\x00\x01"),
        ("", b""),
        ("a.shp", b"not a shapefile"),
    ],
)
def test_what_is_no_map_is_refused(name, data):
    with pytest.raises((NotVector, MissingPart)):
        parse_hazard_file(data, name=name)


def test_a_map_of_something_else_is_refused_with_what_was_expected():
    with pytest.raises(UnknownHazardFile) as refused:
        parse_hazard_file(geojson([SQUARE], [{"P20_002": "小学校"}]))
    assert "P20_002" in refused.value.ja
    assert "A40_003" in refused.value.ja


def test_an_outline_too_long_for_safe_xml_is_sent_to_another_format():
    data = ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}])
    data = data.replace(b"<gml:posList>", b"<gml:posList>" + b"38.2 140.9 " * 1_000_000, 1)
    with pytest.raises(BrokenXml, match="GeoJSON"):
        parse_hazard_file(data, name="A31a-20-22_04_1.xml")


def test_a_json_that_asks_gdal_to_read_another_file_is_refused(tmp_path):
    secret = tmp_path / "secret.geojson"
    secret.write_bytes(geojson([SQUARE], flood_rows(1)))
    pipeline = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"}
    with pytest.raises(NotVector):
        parse_hazard_file(json.dumps(pipeline).encode(), name="a.geojson")
    with pytest.raises(NotVector):
        parse_hazard_file(json.dumps(pipeline | {"features": []}).encode(), name="a.geojson")
    layer = f'<OGRVRTLayer name="x"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    vrt = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    members = shapefile([SQUARE], columns(flood_rows(1))) | {"map.shp": vrt.encode()}
    with pytest.raises(NotVector):
        parse_hazard_file(members)


def test_geojson_rings_left_open_are_closed_and_what_is_no_geometry_is_refused_by_row():
    both = shapely.GeometryCollection([SQUARE, shapely.Point(140.9, 38.2)])
    document = json.loads(geojson([SQUARE] * 5 + [both, SQUARE], flood_rows(1, 2, 3, 4, 5, 6, 1)))
    document["features"][1]["geometry"]["coordinates"][0].pop()
    document["features"][2]["geometry"] = {"type": "Polygon"}
    document["features"][3]["geometry"] = {"type": "Circle", "coordinates": [140.9, 38.2]}
    document["features"][4]["geometry"]["coordinates"] = [[[140.9, "x"]]]
    document["features"][6]["geometry"]["coordinates"][0][2] = [140.9, 4242.4242]
    parsed = read(json.dumps(document).replace("4242.4242", "1e999").encode())
    assert codes(parsed) == ["flood_1", "flood_2"]
    assert parsed.layer.areas_lonlat[1].equals(SQUARE)
    assert [(one.row, one.field) for one in parsed.rejected] == [(n, "geometry") for n in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize("crs", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::6668"])
def test_the_usual_names_of_degrees_in_geojson_are_understood(crs):
    document = json.loads(geojson([SQUARE], flood_rows(1), epsg=None))
    named = document | {"crs": {"type": "name", "properties": {"name": crs}}}
    assert len(read(json.dumps(named).encode()).layer) == 1
    linked = document | {"crs": {"type": "link", "properties": {"href": "http://example.test"}}}
    with pytest.raises(UnknownCrs):
        parse_hazard_file(json.dumps(linked).encode(), name="a.geojson")


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b"<a",
        ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}]).replace(b"#cv1", b"#cv9"),
        ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}]).replace(b"38.2 ", b"x "),
        ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}]).replace(b"38.2 140.91", b"38.2", 1),
        ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": 1}], oriented=True).replace(
            b'baseCurve xlink:href="#cv1"', b'baseCurve xlink:href="#_cv1"'
        ),
    ],
)
def test_gml_that_is_unsafe_or_points_nowhere_is_refused(data):
    with pytest.raises(BrokenXml):
        parse_hazard_file(data, name="A31a-20-22_04_1.xml")


def test_an_entity_is_never_read_from_the_disk(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("140.9")
    start = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]>'.encode()
    body = ksj_gml("MaximumScale", [SQUARE], [{"waterDepth": "&b;"}]).split(b"?>", 1)[1]
    with pytest.raises(BrokenXml):
        parse_hazard_file(start + body, name="A31a-20-22_04_1.xml")


# ---- a city's own map --------------------------------------------------------------------------


def own(**changes):
    values = {
        "key": "inland",
        "hazard": HazardKind.INLAND_FLOOD,
        "name_ja": "内水浸水想定区域",
        "class_property": "区分",
        "classes": {
            "浅い": HazardClass(code="inland_1", rank=1, ja="0.5m未満", depth_min_m=0, depth_max_m=0.5),
            "深い": HazardClass(code="inland_2", rank=2, ja="0.5m以上", depth_min_m=0.5),
        },
        "label_property": "地区",
        "source": "見本市",
        "version": "2026-04",
        "sample": True,
        "coverage_lonlat": shapely.box(140.8, 38.1, 141.0, 38.3),
    }
    return HazardMapping(**(values | changes))


def test_any_geojson_is_read_by_a_mapping():
    rows = [{"区分": "深い", "地区": "卸町"}, {"区分": "中くらい"}, {"区分": None}]
    parsed = read(geojson([SQUARE, BESIDE, WITH_HOLE], rows, epsg=None), mapping=own())
    assert (parsed.layer.key, codes(parsed), list(parsed.layer.label)) == ("inland", ["inland_2"], ["卸町"])
    assert (parsed.layer.sample, parsed.layer.source, parsed.layer.version) == (True, "見本市", "2026-04")
    assert [(one.row, one.field) for one in parsed.rejected] == [(2, "区分"), (3, "区分")]
    assert "「中くらい」" in parsed.rejected[0].reason
    unknown = HazardClass(code="inland_unknown", rank=3, ja="不明", depth_unknown=True)
    assert codes(read(geojson([SQUARE], [{"区分": None}]), mapping=own(blank=unknown))) == ["inland_unknown"]


@pytest.mark.parametrize(
    ("row", "data_set"),
    [
        ({"A31a_205": 3}, "洪水浸水想定区域データ"),
        ({"A33_001": 1, "A33_002": 1}, "土砂災害警戒区域データ"),
        ({"A40_003": "5m以上"}, "津波浸水想定データ"),
        ({"A49_003": "5m以上"}, "高潮浸水想定区域データ"),
    ],
)
def test_the_source_is_named_as_the_publisher_asks(row, data_set):
    layer = read(geojson([SQUARE], [row])).layer
    assert layer.source == f"国土数値情報（{data_set}）（国土交通省）を加工して作成"


def test_with_a_row_refused_nobody_knows_what_lies_outside_of_the_others():
    whole = shapely.box(140.5, 38.1, 141.1, 38.4)
    sound = read(geojson([SQUARE], [{"区分": "深い"}]), mapping=own(coverage_lonlat=whole))
    assert sound.layer.coverage_lonlat is not None
    parsed = read(
        geojson([SQUARE, BESIDE], [{"区分": "深い"}, {"区分": "中くらい"}]),
        mapping=own(coverage_lonlat=whole),
    )
    assert [one.row for one in parsed.rejected] == [2]
    assert parsed.layer.coverage_lonlat is None
    assert any("不明" in one for one in parsed.remarks)


def test_a_whole_file_may_be_one_class():
    one = own(class_property="", classes={"": HazardClass(code="inland", rank=1, ja="区域内")})
    assert codes(read(geojson([SQUARE, BESIDE], [{}, {}]), mapping=one)) == ["inland", "inland"]


def test_two_files_under_one_mapping_are_asked_about():
    members = {name: geojson([SQUARE], [{"区分": "深い"}]) for name in ("a.geojson", "b.geojson")}
    with pytest.raises(SeveralLayers):
        parse_hazard_file(zipped(members), mapping=own())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name_ja": " "}, "name_ja"),
        ({"classes": {}}, "classes"),
        ({"class_property": ""}, "class_property"),
        (
            {
                "classes": {
                    "a": HazardClass(code="x", rank=1, ja="a"),
                    "b": HazardClass(code="x", rank=2, ja="b"),
                }
            },
            "classes.code",
        ),
        (
            {
                "classes": {
                    "a": HazardClass(code="x", rank=1, ja="a"),
                    "b": HazardClass(code="y", rank=1, ja="b"),
                }
            },
            "classes.rank",
        ),
    ],
)
def test_a_mapping_that_can_not_be_used_names_its_field(changes, field):
    with pytest.raises(BadMapping) as refused:
        own(**changes)
    assert refused.value.field == field


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_in_another_way_than_a_sentence(data):
    from geodata.errors import GeodataError

    for name in ("a.geojson", "a.xml", ""):
        try:
            parse_hazard_file(data, name=name)
        except GeodataError as refused:
            assert refused.ja


# ---- real files --------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_shapefiles_in_a_zip_are_told_apart_and_one_of_them_is_read_by_a_mapping(shared_data):
    data = (shared_data / "osm" / "sendai_central_bbbike_20260204_layers_shp.zip").read_bytes()
    natural = {
        "key": "woods",
        "class_property": "type",
        "classes": {"forest": HazardClass(code="forest", rank=1, ja="森")},
        "label_property": "name",
        "coverage_lonlat": None,
    }
    with pytest.raises(SeveralLayers) as refused:
        parse_hazard_file(data, mapping=own(**natural))
    assert "natural.shp" in refused.value.ja
    members = MapMembers(data)
    parts = {
        one.rsplit("/", 1)[-1]: members.read(one)
        for one in members.names
        if one.rsplit("/", 1)[-1].startswith("natural.")
    }
    parsed = read(parts, mapping=own(**natural))
    assert len(parsed.layer) > 100
    assert shapely.is_valid(parsed.layer.areas_lonlat).all()
    west, south, east, north = shapely.total_bounds(parsed.layer.areas_lonlat)
    assert 140.7 < west < east < 141.1
    assert 38.1 < south < north < 38.5
    assert {one.field for one in parsed.rejected} <= {"type", "geometry"}
    assert diff_layers(parsed.layer, read(parts, mapping=own(**natural)).layer).is_empty


@pytest.mark.real_data
def test_real_jma_areas_are_read_by_a_mapping_as_geojson(shared_data):
    path = shared_data / "jma" / "areas" / "AreaInformationCity_quake_20240229_miyagi.geojson"
    whole = own(
        class_property="", classes={"": HazardClass(code="a", rank=1, ja="区")}, label_property="name"
    )
    parsed = read(path.read_bytes(), mapping=whole)
    sendai = [one for one in parsed.layer.label if "仙台" in one]
    assert len(sendai) == 5
    assert len(parsed.layer) + len(parsed.rejected) + parsed.passed_over == 39
    assert all("㎡" in one.ja for one in parsed.repaired)
