"""The rows of one file of a hazard map: read, mended, on the 1e-7° grid, beside what could not be taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geodata.areas import DEGREE_UNITS, Bbox
from geodata.crs import geometry_to_lonlat, geometry_to_plane
from geodata.importers.ksj_hazards import HazardDataset, Reading
from geodata.importers.tables import Rejected, RowRefused
from geodata.importers.vector_files import VectorTable
from geodata.repair import Repair, mend

_POLYGONAL = (3, 6)
_COLLECTION = 7


@dataclass(slots=True)
class Gathered:
    """What the files of one map have given so far."""

    shapes: list[BaseGeometry] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repaired: list[Repair] = field(default_factory=list)
    passed_over: int = 0
    remarks: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def gather(
    gathered: Gathered, dataset: HazardDataset, table: VectorTable, bbox: Bbox, plane_epsg: int
) -> None:
    """The areas of one table that concern the city, mended, with what they say."""
    gathered.paths.append(table.path)
    _remark_on(gathered, table)
    types = shapely.get_type_id(table.shapes_lonlat)
    missing = types < 0
    areas = np.isin(types, _POLYGONAL)
    mixed = types == _COLLECTION
    others = ~areas & ~missing & ~mixed
    if others.any():
        gathered.remarks.append(
            f"{file_name(table.path)}：面ではない図形（点・線）{int(others.sum())}件は取り込みません。"
        )
    near = areas & _meets(table.shapes_lonlat, bbox)
    gathered.passed_over += int((areas & ~near).sum())
    for row in np.flatnonzero(missing):
        gathered.rejected.append(Rejected(int(row) + 1, "geometry", "図形がありません。", table.path))
    for row in np.flatnonzero(mixed):
        why = "点・線・面の混ざった図形（GeometryCollection）です。面だけに分けてください。"
        gathered.rejected.append(Rejected(int(row) + 1, "geometry", why, table.path))
    rows, readings = _read_rows(gathered, dataset, table, np.flatnonzero(near))
    for reading, shape in zip(readings, _sound(gathered, table, rows, bbox, plane_epsg), strict=True):
        if shape is not None:
            gathered.shapes.append(shape)
            gathered.readings.append(reading)


def _remark_on(gathered: Gathered, table: VectorTable) -> None:
    said = [table.conversion.ja] if table.conversion.ja else []
    if table.overruled:
        said.append(f"ファイルの座標系「{table.overruled}」ではなく、指定された座標系として読みました。")
    gathered.remarks += [one for one in said if one not in gathered.remarks]


def _meets(shapes: NDArray[np.object_], bbox: Bbox) -> NDArray[np.bool_]:
    """Whether the frame of each shape meets the city's; a shape with a coordinate that is no number does."""
    west, south, east, north = shapely.bounds(shapes).T
    apart = (west > bbox.east) | (east < bbox.west) | (south > bbox.north) | (north < bbox.south)
    return np.asarray(~apart)


def _read_rows(
    gathered: Gathered, dataset: HazardDataset, table: VectorTable, near: NDArray[np.intp]
) -> tuple[NDArray[np.int64], list[Reading]]:
    rows: list[int] = []
    readings: list[Reading] = []
    names = list(table.columns)
    for at in near:
        row = {name: table.columns[name][at] for name in names}
        try:
            readings.append(dataset.read(row, table.path))
            rows.append(int(at))
        except RowRefused as refused:
            gathered.rejected.append(Rejected(int(at) + 1, refused.field, refused.reason, table.path))
    return np.array(rows, dtype=np.int64), readings


def _sound(
    gathered: Gathered, table: VectorTable, rows: NDArray[np.int64], bbox: Bbox, plane_epsg: int
) -> list[BaseGeometry | None]:
    """The shapes of the rows, valid, on the grid of 1e-7°; None for those refused or beside the city."""
    shapes = table.shapes_lonlat[rows]
    city = shapely.box(bbox.west, bbox.south, bbox.east, bbox.north)
    broken = np.flatnonzero(~shapely.is_valid(shapes) | shapely.is_empty(shapes))
    if len(broken):
        shapes = shapes.copy()
        mended = mend(_on_plane(shapes[broken], plane_epsg), rows[broken] + 1)
        gathered.repaired += [replace(one, file=file_name(table.path)) for one in mended.repaired]
        gathered.rejected += [Rejected(row, "geometry", why, table.path) for row, why in mended.refused]
        shapes[broken] = [
            None if one is None else geometry_to_lonlat(one, plane_epsg) for one in mended.shapes
        ]
    there = np.array([one is not None for one in shapes], dtype=np.bool_)
    beside = there & ~shapely.intersects(shapes, city)
    gathered.passed_over += int(beside.sum())
    kept: list[BaseGeometry | None] = [None] * len(shapes)
    for at in np.flatnonzero(there & ~beside):
        kept[at] = on_grid(shapes[at])
        if kept[at] is None:
            why = "1cmの精度では面積がありません。元のデータを確認してください。"
            gathered.rejected.append(Rejected(int(rows[at]) + 1, "geometry", why, table.path))
    return kept


def _on_plane(shapes: NDArray[np.object_], plane_epsg: int) -> NDArray[np.object_]:
    """Shapes on the plane; one with a coordinate that is no number stays as it is, and is refused after."""
    moved = np.empty(len(shapes), dtype=np.object_)
    for at, one in enumerate(shapes):
        finite = np.isfinite(shapely.get_coordinates(one)).all()
        moved[at] = geometry_to_plane(one, plane_epsg) if finite else one
    return moved


def on_grid(shape_lonlat: BaseGeometry) -> BaseGeometry | None:
    """A valid polygon with its vertices on the 1e-7° grid, valid again; None where nothing is left of it."""
    rounded = shapely.transform(shape_lonlat, lambda pairs: np.round(pairs * DEGREE_UNITS) / DEGREE_UNITS)
    if not rounded.is_valid:
        rounded = shapely.set_precision(shape_lonlat, 1 / DEGREE_UNITS)
    return rounded if rounded.area > 0 and shapely.get_type_id(rounded) in _POLYGONAL else None


def file_name(path: str) -> str:
    """The name without folders."""
    return path.rsplit("/", 1)[-1]
