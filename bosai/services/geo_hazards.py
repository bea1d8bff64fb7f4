"""Hazard maps of files: by the rules of 国土数値情報, or by a table of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from shapely import box

from bosai.errors import InvalidInput
from bosai.services.import_reports import RepairedRow
from bosai.settings_schema import MappedHazard
from geodata.areas import Bbox
from geodata.hazard_layers import HazardClass
from geodata.importers.hazard_files import HazardFileParsed, parse_hazard_file
from geodata.importers.hazard_mapping import HazardMapping


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
    """The maps of a file. `layer`: take this one only, or read by this table of the settings; "" takes all."""
    chosen = mapped.get(layer)
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
        source=table.source,
        version=table.version,
        sample=table.sample,
        coverage_lonlat=box(bbox.west, bbox.south, bbox.east, bbox.north) if table.covers_city else None,
        valid_until=table.valid_until,
    )


def repaired_rows(parsed: HazardFileParsed) -> tuple[RepairedRow, ...]:
    """The outlines that were mended, as they are answered."""
    return tuple(
        RepairedRow(
            row=one.row,
            what=one.what,
            area_before_m2=round(float(one.area_before_m2), 1),
            area_after_m2=round(float(one.area_after_m2), 1),
        )
        for one in parsed.repaired
    )


def refuse_unknown_layer(layer: str, parsed: tuple[HazardFileParsed, ...]) -> None:
    """Raises InvalidInput when nothing of the file is the layer asked for."""
    if not parsed:
        raise InvalidInput("layer", "other", f"--layer {layer} の図はこのファイルにありません。")
