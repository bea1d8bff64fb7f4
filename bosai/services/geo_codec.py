"""Facts of the ground as bytes, for the data folder: the same facts always make the same bytes, and none runs code.

towns ⇄ msgpack     areas ⇄ GeoJSON     roads, elevation ⇄ npz without pickle
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geodata.areas import JAPAN, to_geojson
from geodata.importers.areas import AreaMapping, NamedArea, parse_named_areas
from geodata.importers.population import TownPopulation
from geodata.places import Town
from geodata.town_merge import TownReading

_STORED_AREAS = AreaMapping(code=("code",))
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_readings = msgspec.msgpack.Decoder(tuple[TownReading, ...])
_towns = msgspec.msgpack.Decoder(tuple[Town, ...])


def towns_bytes(towns: Iterable[Town]) -> bytes:
    """Towns in their order."""
    return _encode(tuple(towns))


def read_towns(data: bytes) -> tuple[Town, ...]:
    """What `towns_bytes` wrote. Raises ValueError."""
    return _towns.decode(data)


def readings_bytes(readings: Iterable[TownReading]) -> bytes:
    """Readings in their order; their 丁目 sorted, for a set has no order."""
    rows = [{**_fields(one), "chome": sorted(one.chome)} for one in readings]
    return _encode(rows)


def read_readings(data: bytes) -> tuple[TownReading, ...]:
    """What `readings_bytes` wrote. Raises ValueError."""
    return _readings.decode(data)


def population_bytes(population: TownPopulation) -> bytes:
    """The table by columns: numbers as little-endian bytes, texts as lists."""
    return _encode({name: _column(value) for name, value in _fields(population).items()})


def read_population(data: bytes) -> TownPopulation:
    """What `population_bytes` wrote. Raises ValueError."""
    columns = msgspec.msgpack.decode(data, type=dict[str, _Column])
    try:
        return TownPopulation(**{name: _array(one) for name, one in columns.items()})
    except TypeError as error:
        raise ValueError(f"not a stored table of people: {error}") from error


class _Column(msgspec.Struct, frozen=True):
    """One column: texts, or numbers of a type and shape."""

    texts: list[str] = []
    dtype: str = ""
    shape: list[int] = []
    numbers: bytes = b""


def _column(values: NDArray[Any]) -> _Column:
    if values.dtype == object:
        return _Column(texts=[str(one) for one in values])
    plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return _Column(dtype=plain.dtype.str, shape=list(plain.shape), numbers=plain.tobytes())


def _array(column: _Column) -> NDArray[Any]:
    if not column.dtype:
        texts = np.empty(len(column.texts), dtype=object)
        texts[:] = column.texts
        return texts
    return np.frombuffer(column.numbers, dtype=np.dtype(column.dtype)).reshape(column.shape)


def _fields(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


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
