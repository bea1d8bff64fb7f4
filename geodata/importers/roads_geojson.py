"""Roads from GeoJSON lines: OpenStreetMap tags as properties, or any layout told by a `RoadMapping`.

bytes (plain, gzip, zip) ─▶ features ─▶ LineString, MultiLineString by the mapping ─▶ RoadsParsed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from geodata.areas import JAPAN, Bbox
from geodata.errors import LatLonSwapped, UnknownLayout, UnreadableRoads
from geodata.foot_tags import Walkable, WhyNot, judge_way
from geodata.importers.packed import opened
from geodata.importers.road_lines import LineGatherer, RoadsParsed, refuse_elsewhere, with_margin
from geodata.importers.tables import Rejected, RowRefused
from geodata.roads import RoadFlag, RoadKind

NOT_FOR_WALKERS = "not_for_walkers"
EXPECTED = "GeoJSON FeatureCollection（LineString・MultiLineString、経度・緯度の順）"
TOLD_BY_FIRST = 1000
"""The layout shows in the first features; an export may begin with things that are no roads."""
MANY_REJECTED = 1000
"""More rejected features than this are counted and no longer listed: nobody reads them, and the cause is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadMapping:
    """What the properties of one kind of file mean.

    kind: the property that says the kind; kinds: its values → a RoadKind, or None for no way for walkers; another
    value rejects the feature. name, name_en, layer: property names, "" where the file has none. flags: property →
    flag, set where the value is true, 1, "1", "yes" or "true". remarks_ja: what the layout cannot tell.
    """

    kind: str
    kinds: Mapping[str, RoadKind | None]
    name: str = ""
    name_en: str = ""
    layer: str = ""
    flags: Mapping[str, RoadFlag] = field(default_factory=dict)
    remarks_ja: tuple[str, ...] = ()


WIDTH_CLASSES = RoadMapping(
    kind="highway_class",
    kinds=MappingProxyType(
        {
            "motorway": None,
            **dict.fromkeys(("trunk", "primary", "secondary"), RoadKind.MAIN_ROAD),
            "tertiary": RoadKind.ROAD,
            "residential|unclassified|steps|track|*_link|corridor|construction|other": RoadKind.UNKNOWN,
            "service|living_street|pedestrian": RoadKind.SERVICE,
            "footway|cycleway": RoadKind.PEDESTRIAN,
            "path": RoadKind.PEDESTRIAN,
        }
    ),
    remarks_ja=(
        "この形式には階段・橋・トンネル・地下道・名称・通行制限がありません。階段のない経路や、橋・地下道の通行止めは"
        "この道路データでは計算できません。",
        "自動車専用の国道や工事中の道が含まれているかもしれません。",
    ),
)
"""OpenStreetMap lines reduced to classes of width: one mixed class holds residential roads, steps and more."""


OSM_TAGS = RoadMapping(kind="highway", kinds={}, name="name", name_en="name:en", layer="layer")
"""Properties are the tags of OpenStreetMap; `foot_tags` judges them instead of a table."""


def mapping_from_words(
    *,
    kind: str,
    kinds: Mapping[str, str],
    flags: Mapping[str, str] = MappingProxyType({}),
    name: str = "",
    name_en: str = "",
    layer: str = "",
) -> RoadMapping:
    """A mapping as settings spell it: kinds "main_road" … "unknown" or "not_for_walkers", flags "bridge" ….

    Raises UnknownLayout naming the word that is not known.
    """
    known = {one.name.lower(): one for one in RoadKind} | {NOT_FOR_WALKERS: None}
    known_flags = {str(one.name).lower(): one for one in RoadFlag}
    for word, words in [(one, known) for one in kinds.values()] + [
        (one, known_flags) for one in flags.values()
    ]:
        if word not in words:
            raise UnknownLayout(found=word, expected=", ".join(words))
    return RoadMapping(
        kind=kind,
        kinds={value: known[word] for value, word in kinds.items()},
        flags={column: known_flags[word] for column, word in flags.items()},
        name=name,
        name_en=name_en,
        layer=layer,
    )


class _Geometry(msgspec.Struct):
    """A geometry of a feature; `coordinates` is read once the type is known."""

    type: str
    coordinates: msgspec.Raw = msgspec.Raw(b"[]")


class _Feature(msgspec.Struct):
    """A feature; other members are passed over."""

    geometry: _Geometry | None = None
    properties: dict[str, object] | None = None


class _Collection(msgspec.Struct):
    """The features still as text, so that one bad feature does not spoil the file."""

    features: list[msgspec.Raw]


_Read = TypeVar("_Read")
_COLLECTION = msgspec.json.Decoder(_Collection)
_FEATURE = msgspec.json.Decoder(_Feature)
_LINE = msgspec.json.Decoder(list[list[float]])
_LINES = msgspec.json.Decoder(list[list[list[float]]])


def parse_road_lines(
    data: bytes, mapping: RoadMapping | None = None, *, source: str = "", bbox: Bbox = JAPAN
) -> RoadsParsed:
    """The lines of a FeatureCollection, clipped to `bbox` and a margin.

    mapping None: OpenStreetMap tags when the first features have `highway`, else `WIDTH_CLASSES` when they have
    `highway_class`. Raises UnreadableRoads (no such file, no road of the city), UnknownLayout (no such properties)
    and LatLonSwapped (latitude first); bad features are returned, not raised.
    """
    try:
        raw_features = _COLLECTION.decode(opened(data, (".geojson", ".json"))).features
    except (ValueError, RecursionError) as error:
        raise UnreadableRoads(expected=EXPECTED, detail=str(error)[:200]) from None
    if mapping is None:
        mapping = _told_by(raw_features[:TOLD_BY_FIRST])
    wide = with_margin(bbox)
    gatherer = LineGatherer()
    taken: list[list[list[float]]] = []
    rejected: list[Rejected] = []
    swapped: _Swapped | None = None
    for number, raw in enumerate(raw_features, start=1):
        try:
            feature = _read(_FEATURE, raw, "feature")
            taken.extend(_take(feature, mapping, gatherer, wide))
        except RowRefused as refused:
            swapped = swapped or (refused if isinstance(refused, _Swapped) else None)
            rejected.append(Rejected(number, refused.field, refused.reason))
    roads = gatherer.lines(_positions(taken), source, wide)
    if swapped and not len(roads):
        raise LatLonSwapped(lon=swapped.lon, lat=swapped.lat)
    refuse_elsewhere(roads, EXPECTED, bbox)
    if len(rejected) > MANY_REJECTED:
        more = f"ほかに{len(rejected) - MANY_REJECTED}件あります。"
        rejected = [*rejected[:MANY_REJECTED], Rejected(len(raw_features), "全体", more)]
    return RoadsParsed(roads=roads, rejected=tuple(rejected), remarks_ja=mapping.remarks_ja)


def _told_by(raw_features: Sequence[msgspec.Raw]) -> RoadMapping:
    seen: dict[str, None] = {}
    for raw in raw_features:
        with suppress(RowRefused):
            seen |= dict.fromkeys(_read(_FEATURE, raw, "feature").properties or {})
    for mapping in (OSM_TAGS, WIDTH_CLASSES):
        if mapping.kind in seen:
            return mapping
    found = "・".join(seen)[:300]
    raise UnknownLayout(found=found, expected="highway（OSMのタグ）、highway_class、または設定の対応表")


def _take(
    feature: _Feature, mapping: RoadMapping, gatherer: LineGatherer, bbox: Bbox
) -> Iterator[list[list[float]]]:
    """The lines of a feature that were taken."""
    properties = feature.properties or {}
    verdict = _verdict(properties, mapping)
    if isinstance(verdict, WhyNot):
        gatherer.passed_over[verdict] += 1
        return
    name, name_en = _text(properties, mapping.name), _text(properties, mapping.name_en)
    lines = _lines(feature.geometry)
    for line in lines:
        _refuse_bad_positions(line, bbox)
    yield from (line for line in lines if gatherer.add(len(line), verdict, name, name_en))


def _verdict(properties: Mapping[str, object], mapping: RoadMapping) -> Walkable | WhyNot:
    if mapping is OSM_TAGS:
        if not properties.get(mapping.kind):
            return WhyNot.NOT_A_WAY
        return judge_way({name: str(value) for name, value in properties.items() if value is not None})
    value = _text(properties, mapping.kind)
    if value not in mapping.kinds:
        known = "、".join(mapping.kinds)[:200]
        raise RowRefused(mapping.kind, f"「{value}」は対応表にありません。使える値：{known}。")
    kind = mapping.kinds[value]
    if kind is None:
        return WhyNot.MOTORWAY if value == "motorway" else WhyNot.NO_ACCESS
    flags = RoadFlag(0)
    for column, flag in mapping.flags.items():
        if _text(properties, column).lower() in {"1", "yes", "true"}:
            flags |= flag
    return Walkable(kind, flags, _layer(properties, mapping.layer))


def _layer(properties: Mapping[str, object], column: str) -> int:
    text = _text(properties, column)
    try:
        layer = int(text or "0")
    except ValueError:
        layer = 99
    if abs(layer) > 50:
        raise RowRefused(column, f"「{text}」は使えません。階層は整数（地上は0）で記入してください。")
    return layer


def _lines(geometry: _Geometry | None) -> Sequence[list[list[float]]]:
    kind = geometry.type if geometry else "null"
    if geometry and kind == "LineString":
        return [_read(_LINE, geometry.coordinates, "coordinates")]
    if geometry and kind == "MultiLineString":
        return _read(_LINES, geometry.coordinates, "coordinates")
    raise RowRefused(
        "geometry", f"線ではありません（{kind}）。LineString か MultiLineString にしてください。"
    )


def _refuse_bad_positions(line: Iterable[list[float]], bbox: Bbox) -> None:
    west, south, east, north = bbox.west, bbox.south, bbox.east, bbox.north
    for position in line:
        if len(position) < 2:
            raise RowRefused("coordinates", "座標は［経度, 緯度］の2つの数値で指定してください。")
        lon, lat = position[0], position[1]
        if west <= lon <= east and south <= lat <= north:
            continue
        if bbox.holds(lat, lon):
            raise _Swapped(lon, lat)
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise RowRefused("coordinates", f"［{lon}, {lat}］は経度・緯度（度）ではありません。")


def _positions(lines: list[list[list[float]]]) -> NDArray[np.float64]:
    """(k, 2) the longitudes and latitudes of all lines; heights are left behind."""
    every = list(chain.from_iterable(lines))
    lonlat = np.empty((len(every), 2))
    for column in (0, 1):
        lonlat[:, column] = np.fromiter((one[column] for one in every), np.float64, len(every))
    return lonlat


class _Swapped(RowRefused):
    """A position that would lie in the city the other way round."""

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(
            "coordinates", f"［{lon}, {lat}］は緯度と経度が逆です。［経度, 緯度］にしてください。"
        )
        self.lon, self.lat = lon, lat


def _text(properties: Mapping[str, object], column: str) -> str:
    value = properties.get(column) if column else None
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value).strip()


def _read(decoder: msgspec.json.Decoder[_Read], raw: msgspec.Raw, field_name: str) -> _Read:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowRefused(field_name, f"GeoJSON の線として読めません（{str(error)[:120]}）。") from None
