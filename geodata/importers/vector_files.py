"""Shapes with attributes out of shapefiles, GeoJSON and the GML of 国土数値情報, in degrees of JGD2011.

MapSource ─▶ columns and shapes as written ─▶ its coordinate system ─▶ JGD2011, or refused when swapped
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyproj import CRS

from geodata.areas import JAPAN, Bbox
from geodata.datums import Conversion, crs_of, to_jgd2011
from geodata.errors import AxesSwapped, NotVector, PositionsOffEarth, UnknownCrs, UnreadableText
from geodata.importers.geojson_features import read_geojson
from geodata.importers.ksj_gml import read_ksj_gml
from geodata.importers.map_members import MapFormat, MapMembers, MapSource

Column = NDArray[np.object_]
_SHP_MAGIC = (9994).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class VectorTable:
    """n features. columns: name → (n,) object, None where blank; shapes_lonlat: (n,) object, None where missing.

    kinds: names of GML elements, empty for other formats; path: the file in the zip; overruled: the coordinate
    system the file names, where another was said.
    """

    path: str
    columns: Mapping[str, Column]
    shapes_lonlat: NDArray[np.object_]
    conversion: Conversion
    kinds: frozenset[str] = frozenset()
    overruled: str = ""

    def __len__(self) -> int:
        return len(self.shapes_lonlat)


def read_vector(
    members: MapMembers, source: MapSource, *, epsg: int | None = None, bbox: Bbox = JAPAN
) -> VectorTable:
    """One source as degrees lon, lat of JGD2011.

    epsg: how the file is written; said by a person, it goes before what the file says, and that is told.
    bbox: the city, by which swapped positions are recognised. Raises NotVector, UnreadableText, BrokenXml,
    UnknownCrs, UnsupportedCrs, AxesSwapped, PositionsOffEarth.
    """
    kinds: frozenset[str] = frozenset()
    if source.format is MapFormat.GML:
        columns, shapes, crs, kinds = _from_gml(members.read(next(iter(source.parts.values()))), source.name)
    elif source.format is MapFormat.SHAPEFILE:
        columns, shapes, crs = _from_shapefile(
            {end: members.read(one) for end, one in source.parts.items()}, source
        )
    else:
        columns, shapes, crs = _from_geojson(members.read(next(iter(source.parts.values()))), source.name)
    said = crs_of(source.name, epsg=epsg) if epsg is not None else crs
    if said is None:
        raise UnknownCrs(name=source.name)
    lonlat, conversion = _in_degrees(shapes, said, source.name, bbox)
    overruled = crs.name if crs is not None and not said.equals(crs, ignore_axis_order=True) else ""
    return VectorTable(source.path, columns, lonlat, conversion, kinds, overruled)


def _from_gml(
    data: bytes, name: str
) -> tuple[dict[str, Column], NDArray[np.object_], CRS | None, frozenset[str]]:
    read = read_ksj_gml(data, name)
    names = dict.fromkeys(key for one in read.features for key in one.attributes)
    columns = {key: _column([one.attributes.get(key) for one in read.features]) for key in names}
    shapes = _column([one.shape_lonlat for one in read.features])
    return (
        columns,
        shapes,
        crs_of(name, text=read.srs_name or None),
        frozenset(one.kind for one in read.features),
    )


def _from_geojson(data: bytes, name: str) -> tuple[dict[str, Column], NDArray[np.object_], CRS | None]:
    read = read_geojson(data, name)
    columns = {key: _column([_plain(one) for one in column]) for key, column in read.columns.items()}
    return columns, read.shapes, crs_of(name, text=read.crs or None)


def _from_shapefile(
    parts: Mapping[str, bytes], source: MapSource
) -> tuple[dict[str, Column], NDArray[np.object_], CRS | None]:
    if not parts[".shp"].startswith(_SHP_MAGIC):  # GDAL would look what else it may be
        raise NotVector(name=source.name)
    # One clean name inside, whatever the zip called it; the encoding is found out here and not left to guessing.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for ending in (".shp", ".shx", ".dbf"):
            archive.writestr(f"map{ending}", parts[ending])
    encoding = _encoding(parts[".dbf"], parts.get(".cpg", b""))
    columns, shapes = _read_with_gdal(packed.getvalue(), source.name, encoding)
    prj = parts.get(".prj", b"").decode("utf-8", "replace").strip()
    return columns, shapes, crs_of(source.name, text=prj or None)


def _read_with_gdal(data: bytes, name: str, encoding: str) -> tuple[dict[str, Column], NDArray[np.object_]]:
    try:
        meta, _, wkb, values = pyogrio.raw.read(data, encoding=encoding)
    except (
        DataSourceError,
        DataLayerError,
        FeatureError,
        FieldError,
        GeometryError,
        ValueError,
        IndexError,
    ) as error:
        raise NotVector(name=name, detail=_reason(error)) from None
    shapes = shapely.from_wkb(wkb, on_invalid="ignore") if wkb is not None else np.full(len(values[0]), None)
    columns = {
        str(field): _column([_plain(one) for one in column])
        for field, column in zip(meta["fields"], values, strict=True)
    }
    return columns, np.asarray(shapes, dtype=np.object_)


def _reason(error: Exception) -> str:
    """What GDAL says, without the made-up path of the bytes."""
    return "" if "vsimem" in str(error) else str(error)[:160]


def _plain(value: object) -> object:
    """Numbers as Python's; not-a-number, blank text and NULL as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return value.strip().strip("\0") or None
    return value


def _encoding(dbf: bytes, cpg: bytes) -> str:
    """The encoding of a .dbf: what the .cpg says, else UTF-8 where all of it is, else cp932.

    Raises UnreadableText when its texts are in neither.
    """
    said = cpg.decode("ascii", "ignore").strip().lower().replace("_", "-")
    if said in ("utf-8", "utf8", "65001"):
        return "utf-8"
    if said in ("932", "cp932", "shift-jis", "sjis", "ms932", "windows-31j", "ansi 932"):
        return "cp932"
    cells = _dbf_cells(dbf)
    for encoding in ("utf-8", "cp932"):
        if all(_decodes(one, encoding) for one in cells):
            return encoding
    raise UnreadableText(byte=1)


def _decodes(cell: bytes, encoding: str) -> bool:
    """Whether a cell is text of an encoding; a character cut off by the width of the column is forgiven."""
    try:
        cell.decode(encoding)
    except UnicodeDecodeError as error:
        return error.end >= len(cell) and error.reason in (
            "unexpected end of data",
            "incomplete multibyte sequence",
        )
    return True


def _dbf_cells(dbf: bytes, limit: int = 20_000) -> set[bytes]:
    """The different texts of a dBASE table, up to `limit` records, and its headings."""
    if len(dbf) < 33:
        return set()
    count, header, length = struct.unpack("<IHH", dbf[4:12])
    widths: list[tuple[bytes, int]] = []
    cells: set[bytes] = set()
    for at in range(32, min(header, len(dbf)) - 32, 32):
        if dbf[at] == 0x0D:
            break
        cells.add(dbf[at : at + 11].split(b"\0")[0])
        widths.append((dbf[at + 11 : at + 12], dbf[at + 16]))
    for row in range(min(count, limit)):
        start = header + row * length + 1
        for kind, width in widths:
            if kind == b"C":
                cells.add(dbf[start : start + width].rstrip(b" \0"))
            start += width
    return cells


def _in_degrees(
    shapes: NDArray[np.object_], crs: CRS, name: str, bbox: Bbox
) -> tuple[NDArray[np.object_], Conversion]:
    pairs = shapely.get_coordinates(shapes)
    if crs.is_geographic:
        _refuse_no_degrees(pairs, name)
    lonlat, conversion = to_jgd2011(pairs, crs, name)
    if len(pairs) and not crs.is_geographic and not _any_near(lonlat, bbox):
        swapped, _ = to_jgd2011(pairs[:, ::-1], crs, name)
        if _any_near(swapped, bbox):
            raise AxesSwapped(name=name, x=float(pairs[0, 0]), y=float(pairs[0, 1]))
    # Rounding to the grid of 1e-7° comes later; here nothing is lost. Heights are dropped.
    moved = shapely.set_coordinates(shapely.force_2d(shapes), lonlat)
    return np.asarray(moved, dtype=np.object_), conversion


def _refuse_no_degrees(pairs: NDArray[np.float64], name: str) -> None:
    """Latitudes beyond 90, or a whole file that is in Japan only the other way round."""
    finite = pairs[np.isfinite(pairs).all(axis=1)]
    off = (np.abs(finite[:, 1]) > 90) | (np.abs(finite[:, 0]) > 180)
    if not off.any():
        return
    x, y = (float(one) for one in finite[int(np.argmax(off))])
    if JAPAN.holds(y, x):
        raise AxesSwapped(name=name, x=x, y=y)
    raise PositionsOffEarth(name=name, x=x, y=y)


def _any_near(lonlat: NDArray[np.float64], bbox: Bbox) -> bool:
    x, y = lonlat[:, 0], lonlat[:, 1]
    return bool(((x >= bbox.west) & (x <= bbox.east) & (y >= bbox.south) & (y <= bbox.north)).any())


def _column(values: list[object]) -> Column:
    column = np.empty(len(values), dtype=np.object_)
    column[:] = values
    return column
