"""Features of a GeoJSON file, however large: attributes decoded, geometries handed to GEOS as they stand.

GDAL is not asked: it tells formats by content, and some of them, written as JSON, name files and addresses to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape

from geodata.errors import NotVector


class _Feature(msgspec.Struct):
    properties: dict[str, object] | None = None
    geometry: msgspec.Raw = msgspec.Raw(b"null")


class _Collection(msgspec.Struct, kw_only=True):
    type: str
    features: list[_Feature]
    crs: object = None


@dataclass(frozen=True, slots=True)
class GeojsonRead:
    """n features. columns: name → (n,) object; shapes: (n,) object, None where missing; crs: "" where not said."""

    columns: dict[str, NDArray[np.object_]]
    shapes: NDArray[np.object_]
    crs: str


def read_geojson(data: bytes, name: str) -> GeojsonRead:
    """The features of a FeatureCollection. Raises NotVector."""
    try:
        read = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Collection)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotVector(name=name, detail=str(error)[:160]) from None
    if read.type != "FeatureCollection":
        raise NotVector(name=name, detail=f"type: {read.type[:40]}")
    rows = [one.properties or {} for one in read.features]
    names = dict.fromkeys(key for row in rows for key in row)
    columns = {key: _column([row.get(key) for row in rows]) for key in names}
    return GeojsonRead(columns, _shapes([one.geometry for one in read.features]), _crs_name(read.crs))


def _shapes(geometries: list[msgspec.Raw]) -> NDArray[np.object_]:
    texts = _column([None if bytes(one) == b"null" else bytes(one).decode() for one in geometries])
    if not len(texts):
        return texts
    with np.errstate(all="ignore"):  # a number too large becomes infinity, which is refused with its row
        shapes = np.asarray(shapely.from_geojson(texts, on_invalid="ignore"), dtype=np.object_)
    for row, text in enumerate(texts):
        if shapes[row] is None and text is not None:
            shapes[row] = _leniently(text)
    return shapes


def _leniently(text: str) -> shapely.Geometry | None:
    """A geometry GEOS would not take, with its rings closed; None where it is none at all."""
    try:
        return shape(json.loads(text))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return None


def _crs_name(crs: object) -> str:
    """The name in the `crs` member; without one GeoJSON is WGS 84 (RFC 7946)."""
    if crs is None:
        return "EPSG:4326"
    properties = crs.get("properties") if isinstance(crs, dict) else None
    found = properties.get("name") if isinstance(properties, dict) else None
    return found if isinstance(found, str) else ""


def _column(values: list[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=np.object_)
    column[:] = values
    return column
