"""Hazard maps of files: by the rules of 国土数値情報, or by a table of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from shapely import box

from bosai.errors import InvalidInput
from bosai.settings_schema import MappedHazard
from geodata.areas import Bbox
from geodata.hazard_layers import HazardClass
from geodata.importers.hazard_files import HALVES, HazardFileParsed, parse_hazard_file
from geodata.importers.hazard_mapping import HazardMapping
from geodata.importers.ksj_hazards import KSJ_HAZARDS


def parse_hazards(
    data: bytes | Mapping[str, bytes],
    *,
    name: str,
    layer: str,
    epsg: int | None,
    mapped: Mapping[str, MappedHazard],
    bbox: Bbox,
    plane_epsg: int,
) -> tuple[HazardFileParsed, ...]:
    """The maps of a file. `layer`: take this one only, or read by this table of the settings; "" takes all.

    Raises InvalidInput for a `layer` that is neither.
    """
    chosen = mapped.get(layer)
    known = [one.key for one in KSJ_HAZARDS]
    if layer and chosen is None and layer not in known:
        listed = "、".join([*known, *mapped])
        raise InvalidInput(
            "layer", "other", f"--layer {layer} という図はありません（使えるもの：{listed}）。"
        )
    return parse_hazard_file(
        data,
        name=name,
        bbox=bbox,
        layer=layer or None,
        epsg=epsg,
        mapping=None if chosen is None else mapping_of(layer, chosen, bbox),
        plane_epsg=plane_epsg,
    )


def mapping_of(key: str, table: MappedHazard, bbox: Bbox) -> HazardMapping:
    """A table of the settings as geodata reads it."""
    return HazardMapping(
        key=key,
        hazard=table.hazard,
        name_ja=table.name_ja,
        class_property=table.class_property,
        classes={
            one.value: HazardClass(
                code=one.code,
                rank=one.rank,
                ja=one.ja,
                depth_min_m=one.depth_min_m,
                depth_max_m=one.depth_max_m,
            )
            for one in table.classes
        },
        label_property=table.label_property,
        source=table.source.removeprefix("出典：").strip(),  # pages write it before every source
        version=table.version,
        sample=table.sample,
        coverage_lonlat=box(bbox.west, bbox.south, bbox.east, bbox.north) if table.covers_city else None,
        valid_until=table.valid_until,
    )


def refuse_unknown_layer(layer: str, parsed: tuple[HazardFileParsed, ...]) -> None:
    """Raises InvalidInput when nothing of the file is the layer asked for."""
    if not parsed:
        raise InvalidInput("layer", "other", f"--layer {layer} の図はこのファイルにありません。")


def refuse_nothing(parsed: tuple[HazardFileParsed, ...], *, many_may_go: bool) -> None:
    """Raises InvalidInput for a file without a single area in the city: most likely it is another prefecture's."""
    if many_may_go or any(len(one.layer) or one.rejected for one in parsed):
        return
    outside = sum(one.passed_over for one in parsed)
    raise InvalidInput(
        "file",
        "other",
        f"市域にかかる区域が一つもありません（市域の外の区域は{outside:,}件）。ほかの都道府県のファイルか、座標系の指定が"
        "違うかもしれません。何も変えていません。"
        "市内に区域がないことを確かめてあれば、--many-may-go を付けてください。",
    )


def refuse_erasing(known: int, one: HazardFileParsed, *, many_may_go: bool) -> None:
    """Raises InvalidInput when nothing would be left of a stored map, however small it was."""
    if many_may_go or len(one.layer) or not known:
        return
    first = (
        f"受け付けない行があります（{one.rejected[0].row}番目 {one.rejected[0].reason}）。"
        if one.rejected
        else ""
    )
    raise InvalidInput(
        "file",
        "other",
        f"登録済みの「{one.layer.name_ja}」{known:,}件に対して、このファイルには使える区域が市域に一つもありません。"
        f"{first}何も変えていません。本当になくすときは --many-may-go を付けてください。",
    )


def refuse_other_half(
    known: Mapping[str, object] | None, one: HazardFileParsed, *, many_may_go: bool
) -> None:
    """Raises InvalidInput when one zip of A31a would take the place of the other, or of both.

    known: the notes of the stored map, None where there is none.
    """
    if many_may_go or not one.half or known is None or known.get("half") == one.half:
        return
    raise InvalidInput(
        "file",
        "other",
        f"このファイルは{HALVES[one.half]}の分だけです。取り込むと、登録済みの「{one.layer.name_ja}」にある"
        "ほかの河川の区域が消えます。何も変えていません。二つのzipを一つのzipに入れて取り込んでください。"
        "入れ替えてよいときは --many-may-go を付けてください。",
    )


def refuse_again(taken: set[str], parsed: tuple[HazardFileParsed, ...]) -> None:
    """Notes the maps of a file in `taken`. Raises InvalidInput when one was there: the second would erase the first."""
    for one in parsed:
        if one.layer.key in taken:
            raise InvalidInput(
                "file",
                "other",
                f"「{one.layer.name_ja}」のファイルが二つあります。後のファイルを取り込むと、先のファイルの区域が消えます。"
                "このファイルは取り込んでいません。一つのzipにまとめて取り込んでください。",
            )
    taken.update(one.layer.key for one in parsed)
