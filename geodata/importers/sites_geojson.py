"""指定緊急避難場所 and 指定避難所 as GeoJSON: features under the headings of the CSV, points as geometry.

国土地理院 publishes them beside the CSV with the same Japanese keys and "1" or "" as flags. The older map tiles
(`disaster1` … `disaster8`) carry no 共通ID, so nobody could tell on the next import which place is which: they
are refused with what to take instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from geodata.areas import Bbox
from geodata.errors import BrokenJson, OtherList
from geodata.importers.gsi_sites import gsi_layout
from geodata.importers.recognise import SITE_LISTS, ListKind, refusal
from geodata.importers.site_rows import Gathered, Row, SitesParsed, plain_heading
from geodata.importers.tables import RowRefused

_SAME_POINT_DEG = 1e-4  # about 10 m: the two were rounded apart, not moved
_EXPECTED = "国土地理院のCSVと同じ見出しを持つ Point の FeatureCollection"


def parse_feature_collection(document: Mapping[str, object], municipality: str, bbox: Bbox) -> SitesParsed:
    """A rejected row is the number of the feature, from 1. Raises BrokenJson, UnknownLayout, OtherList."""
    features = document.get("features")
    if not isinstance(features, list):
        raise BrokenJson(detail="GeoJSON FeatureCollection ではありません（features がありません）")
    if not features:
        raise BrokenJson(detail="features が空です。避難場所が1件もありません")
    headings = list(dict.fromkeys(key for one in features for key in _properties(one)))
    known = {*headings, "緯度", "経度"}
    layout = gsi_layout(known)
    if layout is None:
        if {"disaster1", "name"} <= known and "共通ID" not in known:
            raise OtherList(
                expected="共通IDのある一覧",
                found="共通IDのない地図用タイル",
                command="全国データ（CSVか同じ見出しのGeoJSON）",
            )
        raise refusal(headings, ListKind.EMERGENCY_SITES, _EXPECTED, also=SITE_LISTS)
    gathered = Gathered(layout.covers, bbox, municipality)
    for number, feature in enumerate(features, start=1):
        gathered.take(number, lambda feature=feature: _row(feature, headings), layout)  # type: ignore[misc]
    return gathered.parsed(ignored_columns=[one for one in headings if one not in layout.known])


def _properties(feature: object) -> dict[str, object]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        return {}
    return {plain_heading(key): value for key, value in properties.items()}


def _row(feature: object, headings: list[str]) -> Row:
    """A feature as a row of the CSV; a key left out is an empty cell."""
    properties = _properties(feature)
    if not properties:
        raise RowRefused("properties", "属性（properties）がありません。")
    return {**dict.fromkeys(headings, ""), **properties, **_point(feature, properties)}


def _point(feature: object, properties: Row) -> Row:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    position = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if (
        not isinstance(geometry, dict)
        or geometry.get("type") != "Point"
        or not isinstance(position, list)
        or not 2 <= len(position) <= 3
    ):
        raise RowRefused("geometry", "点（Point、[経度, 緯度]）がありません。位置を記入してください。")
    for heading, value in (("経度", position[0]), ("緯度", position[1])):
        said = properties.get(heading)
        if said not in (None, "") and not _same(said, value):
            reason = f"属性の{heading}（{said}）と点の座標（{value}）が違います。どちらかを直してください。"
            raise RowRefused(heading, reason)
    return {"経度": position[0], "緯度": position[1]}


def _same(said: object, value: object) -> bool:
    try:
        return abs(float(str(said)) - float(str(value))) <= _SAME_POINT_DEG
    except ValueError:
        return False
