"""Hazard maps from files: 国土数値情報 A31a, A31b, A33, A40, A49, or any map a mapping of the settings explains.

file ─▶ members ─▶ sources (one format each) ─▶ tables ─▶ rows by map ─▶ mended, on the 1e-7° grid ─▶ HazardLayer
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from geodata.areas import JAPAN, Bbox
from geodata.crs import PLANE_EPSG
from geodata.errors import OldFloodFile, SeveralLayers, UnknownHazardFile
from geodata.hazard_layers import HazardLayer
from geodata.importers.hazard_mapping import HazardMapping, dataset_from
from geodata.importers.hazard_rows import Gathered, file_name, gather
from geodata.importers.ksj_hazards import HazardDataset, dataset_of, dataset_of_folder, is_old_flood
from geodata.importers.map_members import MapFormat, MapMembers, MapSource
from geodata.importers.tables import Rejected
from geodata.importers.vector_files import VectorTable, read_vector
from geodata.layer_files import identities
from geodata.repair import Repair


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardFileParsed:
    """One map as read. rejected.row and repaired.row count the features of their file from 1.

    Where several files make one map, each of these says which file it means.
    passed_over: areas wholly outside the city; remarks: Japanese sentences for whoever imports.
    half: "10" or "20" where the names say that it is one of the two zips of A31a only, else "".
    """

    layer: HazardLayer
    rejected: tuple[Rejected, ...]
    repaired: tuple[Repair, ...]
    passed_over: int
    remarks: tuple[str, ...]
    half: str = ""


def parse_hazard_file(
    data: bytes | Mapping[str, bytes],
    *,
    name: str = "",
    bbox: Bbox = JAPAN,
    layer: str | None = None,
    epsg: int | None = None,
    mapping: HazardMapping | None = None,
    version: str | None = None,
    plane_epsg: int = PLANE_EPSG,
) -> tuple[HazardFileParsed, ...]:
    """Every map in a file, by key; a zip of A31a has up to four.

    data: a zip, one GeoJSON or GML file, or the loose members of a shapefile by name. layer: take only the map
    of this key. epsg: the coordinate system, where the file does not say it. mapping: how to read a map that is
    not of 国土数値情報. Areas that cross the edge of the bbox are kept whole.
    Raises UnreadableZip, TooLarge, NotVector, MissingPart, UnknownCrs, UnsupportedCrs, AxesSwapped,
    PositionsOffEarth, BrokenXml, UnreadableText, UnknownHazardFile, OldFloodFile, SeveralLayers.
    """
    members = MapMembers(data, name=name)
    own = dataset_from(mapping) if mapping else None
    found: dict[str, tuple[HazardDataset, Gathered]] = {}
    sources = members.sources() if own else _of_layer(members.sources(), layer)
    chosen, left_out = _one_format_each(sources)
    if own is not None and len(chosen) > 1:
        raise SeveralLayers(found="、".join(one.name for one in chosen))
    for source in chosen:
        table = read_vector(members, source, epsg=epsg, bbox=bbox)
        dataset = own or _dataset(table)
        if dataset is None or (layer not in (None, dataset.key) and own is None):
            continue
        gather(found.setdefault(dataset.key, (dataset, Gathered()))[1], dataset, table, bbox, plane_epsg)
    if not found:
        raise UnknownHazardFile(
            found="、".join(one.name for one in chosen[:5]) or name,
            detail_ja=f"「{layer}」の図はこのファイルにありません。" if layer else "",
        )
    return tuple(
        _finished(dataset, gathered, left_out=left_out, mapping=mapping, version=version, name=name)
        for dataset, gathered in found.values()
    )


def _of_layer(sources: list[MapSource], layer: str | None) -> list[MapSource]:
    """The sources worth reading: those whose folder names another map than the one asked for are not."""
    if layer is None:
        return sources
    by_folder = [dataset_of_folder(one.path) for one in sources]
    return [one for one, map_ in zip(sources, by_folder, strict=True) if map_ is None or map_.key == layer]


def _one_format_each(sources: list[MapSource]) -> tuple[list[MapSource], list[MapSource]]:
    """国土数値情報 puts one map into a zip in several formats: of each map, the files of one format only."""
    groups: dict[str, list[MapSource]] = {}
    for one in sources:
        by_folder = dataset_of_folder(one.path)
        groups.setdefault(by_folder.key if by_folder else "", []).append(one)
    chosen, left_out = [], []
    for group in groups.values():
        best = min(one.format for one in group)
        chosen += [one for one in group if one.format is best]
        left_out += [one for one in group if one.format is not best]
    return chosen, left_out


def _dataset(table: VectorTable) -> HazardDataset | None:
    """The map a table holds; None for an empty file or one without areas. Raises UnknownHazardFile, OldFloodFile."""
    columns = frozenset(table.columns)
    found = dataset_of(columns, table.kinds, table.path)
    listed = "、".join([*sorted(table.kinds), *sorted(columns)][:8])
    if found is None:
        if is_old_flood(columns, table.kinds):
            raise OldFloodFile(found=listed)
        if not len(table):
            return None
        raise UnknownHazardFile(found=listed)
    by_folder = dataset_of_folder(table.path)
    if by_folder is not None and by_folder.key != found.key:
        detail = f"フォルダは「{by_folder.name_ja}」、属性は「{found.name_ja}」で、食い違っています。"
        raise UnknownHazardFile(found=f"{table.path}：{listed}", detail_ja=detail)
    return found


def _finished(
    dataset: HazardDataset,
    gathered: Gathered,
    *,
    left_out: list[MapSource],
    mapping: HazardMapping | None,
    version: str | None,
    name: str,
) -> HazardFileParsed:
    keys = [one.key for one in gathered.readings]
    by_key = dataset.classes(keys)
    classes = tuple(sorted(set(by_key.values()), key=lambda one: (one.rank, one.code)))
    row_of = {key: classes.index(one) for key, one in by_key.items()}
    label = np.empty(len(keys), dtype=np.object_)
    label[:] = [one.label for one in gathered.readings]
    areas = np.empty(len(keys), dtype=np.object_)
    areas[:] = gathered.shapes
    # Where a refused area lies nobody knows: with one of them missing, outside of the others is not "outside".
    lost = bool(gathered.rejected)
    layer = HazardLayer(
        key=dataset.key,
        hazard=dataset.hazard,
        name_ja=dataset.name_ja,
        classes=classes,
        areas_lonlat=areas,
        class_row=np.array([row_of[key] for key in keys], dtype=np.int16),
        label=label,
        coverage_lonlat=None if mapping is None or lost else mapping.coverage_lonlat,
        source=mapping.source if mapping else dataset.source,
        version=version or (mapping.version if mapping else _edition(dataset, [name, *gathered.paths])),
        valid_from=mapping.valid_from if mapping else None,
        valid_until=mapping.valid_until if mapping else None,
        sample=mapping.sample if mapping else False,
    )
    layer, twice = _each_once(layer)
    remarks = list(gathered.remarks)
    if twice:
        remarks.append(f"同じ区域が{twice}件重なっていたため、一つにまとめました。")
    if not len(layer) and not lost:
        remarks.append("市域にかかる区域がありません。別の都道府県のファイルではないか確認してください。")
    if lost and mapping is not None and mapping.coverage_lonlat is not None:
        remarks.append("受け付けない行があるため、区域の外は「区域外」ではなく「不明」として扱います。")
    formats = sorted({one.format for one in left_out if _same_map(one, dataset)})
    if formats:
        remarks.append(f"同じ図の別形式（{'、'.join(_FORMAT_JA[one] for one in formats)}）は読んでいません。")
    half = _half_of_a31a(gathered.paths, name) if mapping is None else ""
    if half:
        have, lack = HALVES[half], HALVES["20" if half == "10" else "10"]
        remarks.append(
            f"{have}の分だけです。{lack}の分のzipと一緒に（一つのzipに入れて）取り込まないと、そちらが抜けます。"
        )
    rejected = sorted(gathered.rejected, key=lambda one: (one.row_id, one.row))
    repaired = gathered.repaired
    if len(gathered.paths) > 1:
        rejected = [replace(one, reason=f"{one.reason}（{file_name(one.row_id)}）") for one in rejected]
    else:
        repaired = [replace(one, file="") for one in repaired]
    return HazardFileParsed(
        layer=layer,
        rejected=tuple(rejected),
        repaired=tuple(repaired),
        passed_over=gathered.passed_over,
        remarks=tuple(remarks),
        half=half,
    )


_FORMAT_JA = {
    MapFormat.GEOJSON: "GeoJSON",
    MapFormat.SHAPEFILE: "シェープファイル",
    MapFormat.GML: "GML",
}


def _same_map(source: MapSource, dataset: HazardDataset) -> bool:
    by_folder = dataset_of_folder(source.path)
    return by_folder is None or by_folder.key == dataset.key


def _half_of_a31a(paths: list[str], name: str) -> str:
    """A31a comes as two zips, of the great rivers (10) and of the others (20), that make one map together."""
    halves = {
        found[1]
        for one in [name, *paths]
        for found in [re.search(r"A31a-(?:\d\d-)?\d\d_\d\d_(?:\d+_)?(10|20)(?=[._/]|$)", one)]
        if found
    }
    return halves.pop() if len(halves) == 1 else ""


HALVES = {"10": "洪水予報河川・水位周知河川（10）", "20": "その他の河川（20）"}
"""The two zips of A31a by the number in their names."""


def _edition(dataset: HazardDataset, names: list[str]) -> str:
    """ "`A31a-22` from the names of the files; the series alone where they were renamed."""
    series = dataset.series[:-1] + "[ab]" if dataset.series == "A31a" else dataset.series
    for one in names:
        found = re.search(rf"({series})-(?:\d\d-)?(\d\d)(?=[_-])", one)
        if found:
            return f"{found[1]}-{found[2]}"
    return f"{dataset.series}（年度不明）"


def _each_once(layer: HazardLayer) -> tuple[HazardLayer, int]:
    """The layer without areas that stand in it twice, in the order of the file, and how many those were."""
    _, first = np.unique(np.array(identities(layer), dtype=np.object_), return_index=True)
    if len(first) == len(layer):
        return layer, 0
    kept = np.sort(first)
    return layer.only(kept), len(layer) - len(kept)
