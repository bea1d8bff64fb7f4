"""Named areas from a GeoJSON FeatureCollection: tsunami areas, JMA forecast areas, a city's own.

Which property holds what is told by an `AreaMapping`; two usual ones are given here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry import shape

from geodata.areas import JAPAN, Area, Bbox, parse_area, to_geojson
from geodata.crs import geometry_to_lonlat, geometry_to_plane
from geodata.errors import BrokenJson, GeodataError, SelfCrossing
from geodata.importers.tables import Rejected, RowRefused
from geodata.repair import Repair, mend


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaMapping:
    """The property names of one kind of file; "" where it has none. kinds: the allowed values of `kind`."""

    name: str = "name"
    code: tuple[str, ...] = ()
    kind: str = ""
    kinds: frozenset[str] = frozenset()


TSUNAMI_AREAS = AreaMapping(kind="kind", kinds=frozenset({"area1", "area2", "seaward"}))
JMA_AREAS = AreaMapping(code=("regioncode", "code"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedArea:
    """An area with a name; geometry in degrees lon, lat. sample: 見本・実際の区域ではありません."""

    name: str
    code: str = ""
    kind: str = ""
    sample: bool = False
    repaired: bool = False
    geometry_lonlat: Area
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AreasParsed:
    """A file as read. A rejected row is the number of the feature, from 1; so is that of a mended one."""

    records: tuple[NamedArea, ...]
    rejected: tuple[Rejected, ...]
    passed_over: int = 0
    repaired: tuple[Repair, ...] = ()


def parse_named_areas(
    data: bytes,
    mapping: AreaMapping,
    *,
    bbox: Bbox = JAPAN,
    codes: Collection[str] | None = None,
    repair: bool = False,
) -> AreasParsed:
    """The areas of a FeatureCollection.

    codes: take only these; others are counted in `passed_over`. repair: a crossing outline (published
    borders thinned too far) is mended and marked `repaired` instead of refused. Raises BrokenJson,
    and UnreadableText never: JSON is UTF-8.
    """
    records: list[NamedArea] = []
    rejected: list[Rejected] = []
    repaired: list[Repair] = []
    passed_over = 0
    seen: dict[tuple[str, str, str], int] = {}
    for number, feature in enumerate(_features(data), start=1):
        try:
            if codes is not None and _code(feature, mapping) not in codes:
                passed_over += 1
                continue
            area, mended = _named_area(feature, mapping, bbox, repair_as=number if repair else None)
            key = (area.code, area.kind, area.name)
            if key in seen:
                raise RowRefused(mapping.name, f"{seen[key]}番目の区域と同じ名前です。片方を改めてください。")
            seen[key] = number
            records.append(area)
            repaired += mended
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason))
        except GeodataError as error:
            rejected.append(Rejected(number, "geometry", error.ja.removeprefix("geometry：")))
    return AreasParsed(tuple(records), tuple(rejected), passed_over, tuple(repaired))


def _features(data: bytes) -> list[object]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenJson(detail=str(error)[:200]) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise BrokenJson(detail="GeoJSON FeatureCollection ではありません（features がありません）")
    return features


def _properties(feature: object) -> Mapping[str, object]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _code(feature: object, mapping: AreaMapping) -> str:
    found = [_properties(feature).get(one) for one in mapping.code]
    return next((str(one) for one in found if one not in (None, "")), "")


def _named_area(
    feature: object, mapping: AreaMapping, bbox: Bbox, *, repair_as: int | None
) -> tuple[NamedArea, tuple[Repair, ...]]:
    """The area, and what was mended of it; a crossing outline is refused without a number to report it under."""
    properties = _properties(feature)
    name = properties.get(mapping.name)
    if not isinstance(name, str) or not name.strip():
        raise RowRefused(mapping.name, "区域の名前がありません。記入してください。")
    code = _code(feature, mapping)
    if mapping.code and not code:
        raise RowRefused("・".join(mapping.code), "区域のコードがありません。記入してください。")
    kind = str(properties.get(mapping.kind, "")) if mapping.kind else ""
    if mapping.kinds and kind not in mapping.kinds:
        reason = f"「{kind}」は使えません。使える値：{'、'.join(sorted(mapping.kinds))}。"
        raise RowRefused(mapping.kind, reason)
    repaired: tuple[Repair, ...] = ()
    try:
        geometry = parse_area(feature, bbox=bbox)
    except SelfCrossing:
        if repair_as is None:
            raise
        geometry, repaired = _mended(feature, bbox, repair_as)
    named = NamedArea(
        name=name.strip(),
        code=code,
        kind=kind,
        sample=properties.get("sample") is True,
        repaired=bool(repaired),
        geometry_lonlat=geometry,
        properties=dict(properties),
    )
    return named, repaired


def _mended(feature: object, bbox: Bbox, number: int) -> tuple[Area, tuple[Repair, ...]]:
    """The ground a crossing outline encloses, and how much the mend changed it."""
    assert isinstance(feature, dict)  # parse_area has read its rings already
    drawn = np.empty(1, dtype=np.object_)
    drawn[0] = geometry_to_plane(shape(feature["geometry"]))
    mended = mend(drawn, np.array([number]))
    if mended.refused:
        raise RowRefused("geometry", mended.refused[0][1])
    return parse_area(to_geojson(geometry_to_lonlat(mended.shapes[0])), bbox=bbox), mended.repaired
