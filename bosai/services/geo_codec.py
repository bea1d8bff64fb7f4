"""Facts of the ground as bytes, for the data folder: the same facts always make the same bytes, and none runs code.

towns ⇄ msgpack     areas ⇄ GeoJSON     roads, elevation ⇄ npz without pickle
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geodata.areas import JAPAN, to_geojson
from geodata.elevation import Elevation
from geodata.importers.areas import AreaMapping, NamedArea, parse_named_areas
from geodata.places import Town
from geodata.roads import RoadLines

_STORED_AREAS = AreaMapping(code=("code",))
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_towns = msgspec.msgpack.Decoder(tuple[Town, ...])


def towns_bytes(towns: Iterable[Town]) -> bytes:
    """Towns in their order."""
    return _encode(tuple(towns))


def read_towns(data: bytes) -> tuple[Town, ...]:
    """What `towns_bytes` wrote. Raises ValueError."""
    return _towns.decode(data)


def areas_bytes(areas: Iterable[NamedArea]) -> bytes:
    """A FeatureCollection with the properties that were published; geometries have 7 decimals."""
    features = [
        {
            "type": "Feature",
            "geometry": to_geojson(one.geometry_lonlat),
            "properties": {**one.properties, "name": one.name, "code": one.code, "sample": one.sample},
        }
        for one in areas
    ]
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def read_areas(data: bytes) -> tuple[NamedArea, ...]:
    """What `areas_bytes` wrote. Raises ValueError for anything else."""
    parsed = parse_named_areas(data, _STORED_AREAS, bbox=JAPAN)
    if parsed.rejected:
        first = parsed.rejected[0]
        raise ValueError(f"area {first.row}: {first.field}: {first.reason}")
    return parsed.records


def roads_bytes(roads: RoadLines) -> bytes:
    """The lines of a road file."""
    words = {
        "names": roads.names,
        "names_en": roads.names_en,
        "source": roads.source,
        "passed_over": dict(sorted(roads.passed_over.items())),
    }
    columns = ("lonlat", "first", "kind", "flags", "layer", "name")
    return _npz({one: getattr(roads, one) for one in columns}, words)


def read_roads(data: bytes) -> RoadLines:
    """What `roads_bytes` wrote. Raises ValueError."""
    arrays, words = _un_npz(data)
    return RoadLines(
        lonlat=arrays["lonlat"],
        first=arrays["first"],
        kind=arrays["kind"],
        flags=arrays["flags"],
        layer=arrays["layer"],
        name=arrays["name"],
        names=tuple(words["names"]),
        source=words["source"],
        passed_over=words["passed_over"],
        names_en=tuple(words["names_en"]),
    )


def elevation_bytes(elevation: Elevation) -> bytes:
    """A grid of heights."""
    columns = ("west", "north", "cell_x", "cell_y", "epsg", "source")
    return _npz({"grid_m": elevation.grid_m}, {one: getattr(elevation, one) for one in columns})


def read_elevation(data: bytes) -> Elevation:
    """What `elevation_bytes` wrote. Raises ValueError."""
    arrays, words = _un_npz(data)
    return Elevation(grid_m=arrays["grid_m"], **words)


def _npz(arrays: Mapping[str, NDArray[Any]], words: Mapping[str, object]) -> bytes:
    out = io.BytesIO()
    text = np.frombuffer(msgspec.json.encode(words, order="deterministic"), dtype=np.uint8)
    np.savez(out, allow_pickle=False, words=text, **arrays)
    return out.getvalue()


def _un_npz(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        words = msgspec.json.decode(arrays.pop("words").tobytes(), type=dict[str, Any])
    except (KeyError, EOFError, OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"not a stored fact: {error}") from error
    return arrays, words
