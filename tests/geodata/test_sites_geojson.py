from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import BrokenJson, OtherList, UnknownLayout
from geodata.importers.recognise import ListKind, recognise
from geodata.importers.sites import parse_sites
from geodata.sites import SiteKind

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
EMERGENCY = {
    "NO": 1,
    "共通ID": "E0001",
    "都道府県名及び市町村名": "宮城県仙台市",
    "施設・場所名": "荒浜の学校",
    "住所": "宮城県仙台市若林区荒浜字新堀端32-1",
    "洪水": "",
    "崖崩れ、土石流及び地滑り": "",
    "高潮": "",
    "地震": "1",
    "津波": "1",
    "大規模な火事": "",
    "内水氾濫": "",
    "火山現象": "",
    "指定避難所との住所同一": "1",
    "備考": "津波：3階以上",
}


def feature(properties, lon=140.9777, lat=38.2213, **more):
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "properties": properties, "geometry": point, **more}


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def as_csv(properties, lon=140.9777, lat=38.2213):
    out = io.StringIO()
    row = {**properties, "緯度": lat, "経度": lon}
    writer = csv.DictWriter(out, list(row))
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue().encode("utf-8-sig")


def test_a_geojson_of_the_national_keys_says_what_the_table_says():
    parsed = parse_sites(collection(feature(EMERGENCY)), bbox=SENDAI)
    assert parsed.records == parse_sites(as_csv(EMERGENCY), bbox=SENDAI).records
    assert (parsed.kinds, parsed.ignored_columns) == ({SiteKind.EMERGENCY}, ())
    assert recognise(collection(feature(EMERGENCY))) is ListKind.EMERGENCY_SITES


def test_shelters_and_files_of_one_municipality_are_read_too():
    shelter = {
        "共通ID": "E0002",
        "施設・場所名": "福祉の家",
        "住所": "若林区荒浜1",
        "受入対象者": "高齢者",
        "指定緊急避難場所との住所同一": "",
    }
    (record,) = parse_sites(collection(feature(shelter)), municipality="仙台市", bbox=SENDAI).records
    assert (record.kind, record.restricted_to) == (SiteKind.SHELTER, "高齢者")


def test_bad_features_are_named_by_their_number_and_good_ones_are_taken():
    data = collection(
        feature(EMERGENCY),
        feature({**EMERGENCY, "共通ID": "E2"}, lon=38.2213, lat=140.9777),
        feature({**EMERGENCY, "共通ID": "E3"}, geometry={"type": "LineString", "coordinates": [[1, 2]]}),
        feature({**EMERGENCY, "共通ID": "E4"}, geometry=None),
        feature({**EMERGENCY, "共通ID": "E5", "緯度": "38.3"}),
        feature(None),
        "x",
        feature({**EMERGENCY, "共通ID": "E8", "地震": "○"}),
        feature({key: EMERGENCY[key] for key in list(EMERGENCY)[2:4]} | {"共通ID": "E9", "緯度": "38.22130"}),
        feature({**EMERGENCY, "共通ID": "E10", "都道府県名及び市町村名": "宮城県名取市"}),
        feature({**EMERGENCY, "共通ID": "E11"}, lon=None),
    )
    parsed = parse_sites(data, municipality="仙台市", bbox=SENDAI)
    assert [one.site_id for one in parsed.records] == ["E0001", "E9"]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (2, "緯度・経度"),
        (3, "geometry"),
        (4, "geometry"),
        (5, "緯度"),
        (6, "properties"),
        (7, "properties"),
        (8, "地震"),
        (11, "経度"),
    ]
    assert parsed.other_municipalities == 1
    assert all(one.reason.endswith("。") for one in parsed.rejected)


def test_a_map_tile_without_ids_is_refused_with_what_to_take_instead():
    tile = feature({"name": "学校", "address": "荒浜", "remarks": "", "disaster1": 1, "disaster5": 1})
    with pytest.raises(OtherList) as refused:
        parse_sites(collection(tile))
    assert "共通IDのない地図用タイル" in refused.value.ja


@pytest.mark.parametrize("data", [b'{"type": "FeatureCollection"}', collection(), b'{"features": 5}'])
def test_a_collection_without_features_is_refused(data):
    with pytest.raises(BrokenJson):
        parse_sites(data)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(EMERGENCY)), inner),
    max_leaves=8,
)


@given(_json, _json, _json)
def test_any_feature_is_taken_or_refused_by_name(properties, position, feature_itself):
    geometry = {"type": "Point", "coordinates": position}
    odd = {"properties": properties, "geometry": geometry}
    parsed = parse_sites(collection(feature(EMERGENCY), odd, feature_itself), bbox=SENDAI)
    assert parsed.records[0].site_id == "E0001"
    assert len(parsed.records) + len(parsed.rejected) == 3


def test_geojson_of_something_else_is_refused_with_the_keys_it_has():
    with pytest.raises(UnknownLayout, match="regioncode"):
        parse_sites(collection(feature({"regioncode": "0410001", "name": "仙台市東部"})))
