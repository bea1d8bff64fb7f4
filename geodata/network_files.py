"""The walking network, its lines and its heights as files: one .npy for each array and a meta.json.

    WalkNetwork ─▶ save ─▶ {"xy_m.npy": bytes, …, "meta.json": bytes} ─▶ a folder ─▶ load ─▶ WalkNetwork

Loading maps the arrays into memory and reads none of them, so it takes milliseconds whatever the size of the city.
This is the one module of geodata that opens files: a memory map has no other way in. Saving gives bytes and leaves
the writing, and the care that goes with it, to the caller. The folder must not change while it is mapped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from geodata.elevation import Elevation
from geodata.errors import DamagedGeoFiles
from geodata.foot import Foot
from geodata.network import WalkNetwork, digest
from geodata.roads import RoadLines

FORMAT = 1
META = "meta.json"

Arrays = dict[str, NDArray[np.generic]]
_Fact = TypeVar("_Fact")

# Name → what its rows are, and its columns (1: no second dimension, 0: as many as there are).
_NETWORK_SHAPES: Mapping[str, tuple[str, int]] = {
    "xy_m": ("v", 2),
    "elevation_m": ("v", 1),
    "node_vertex": ("n", 1),
    "edge_from": ("e", 1),
    "edge_to": ("e", 1),
    "chain_first": ("e + 1", 1),
    "chain": ("c", 1),
    "along_m": ("c", 1),
    **{f"effort_{way}_m.{foot}": ("c", 1) for way in ("ab", "ba") for foot in Foot},
    "length_m": ("e", 1),
    "kind": ("e", 1),
    "flags": ("e", 1),
    "segment_name": ("c", 1),
    "segment_kind": ("c", 1),
    "island": ("n", 1),
}
_ROADS_SHAPES: Mapping[str, tuple[str, int]] = {
    "lonlat": ("k", 2),
    "first": ("n + 1", 1),
    "kind": ("n", 1),
    "flags": ("n", 1),
    "layer": ("n", 1),
    "name": ("n", 1),
    "shut_lonlat": ("s", 2),
}


class _Held(msgspec.Struct, frozen=True):
    """One array as it was written."""

    dtype: str
    shape: list[int]


class _Meta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What meta.json holds. version: the digest of what was saved."""

    what: str
    format: int
    version: str
    arrays: dict[str, _Held]
    facts: dict[str, msgspec.Raw]


def save(network: WalkNetwork) -> dict[str, bytes]:
    """File name → bytes; put them all into one folder of their own."""
    facts = {
        "epsg": network.epsg,
        "names": network.names,
        "names_en": network.names_en,
        "source": network.source,
    }
    return _files("network", network.version, network.arrays(), facts)


def load(folder: Path, *, verify: bool = False) -> WalkNetwork:
    """The network of a folder, memory-mapped and read-only; sizes are always checked, every byte with `verify`.

    Raises DamagedGeoFiles: a file is missing, cut off, of another format, or not what was saved.
    """
    meta, arrays = _opened(folder, "network", _NETWORK_SHAPES)
    efforts = {way: {foot: arrays.pop(f"effort_{way}_m.{foot}") for foot in Foot} for way in ("ab", "ba")}
    network = WalkNetwork(
        **arrays,  # type: ignore[arg-type]  # names and sizes are checked, element types are in the digest
        effort_ab_m=efforts["ab"],  # type: ignore[arg-type]
        effort_ba_m=efforts["ba"],  # type: ignore[arg-type]
        epsg=_fact(folder, meta, "epsg", int),
        names=_fact(folder, meta, "names", tuple[str, ...]),
        names_en=_fact(folder, meta, "names_en", tuple[str, ...]),
        source=_fact(folder, meta, "source", str),
        version=meta.version,
    )
    if verify and digest(network) != meta.version:
        raise _changed(folder)
    return network


def save_roads(roads: RoadLines) -> dict[str, bytes]:
    """The lines the network is built from, to build it again when heights come later."""
    arrays = [(name, getattr(roads, name)) for name in _ROADS_SHAPES]
    facts = {
        "names": roads.names,
        "names_en": roads.names_en,
        "source": roads.source,
        "passed_over": roads.passed_over,
    }
    return _files("roads", _digest(arrays, facts), arrays, facts)


def load_roads(folder: Path, *, verify: bool = True) -> RoadLines:
    """The lines of a folder. Raises DamagedGeoFiles."""
    meta, arrays = _opened(folder, "roads", _ROADS_SHAPES)
    facts = {
        "names": _fact(folder, meta, "names", tuple[str, ...]),
        "names_en": _fact(folder, meta, "names_en", tuple[str, ...]),
        "source": _fact(folder, meta, "source", str),
        "passed_over": _fact(folder, meta, "passed_over", dict[str, int]),
    }
    if verify and _digest(arrays.items(), facts) != meta.version:
        raise _changed(folder)
    return RoadLines(**arrays, **facts)  # type: ignore[arg-type]


def save_elevation(elevation: Elevation) -> dict[str, bytes]:
    """The heights, to build the network again when other roads come."""
    facts = {
        "west": float(elevation.west),
        "north": float(elevation.north),
        "cell_x": float(elevation.cell_x),
        "cell_y": float(elevation.cell_y),
        "epsg": elevation.epsg,
        "source": elevation.source,
    }
    arrays = [("grid_m", elevation.grid_m)]
    return _files("elevation", _digest(arrays, facts), arrays, facts)


def load_elevation(folder: Path, *, verify: bool = True) -> Elevation:
    """The heights of a folder. Raises DamagedGeoFiles."""
    meta, arrays = _opened(folder, "elevation", {"grid_m": ("rows", 0)})
    numbers = {name: _fact(folder, meta, name, float) for name in ("west", "north", "cell_x", "cell_y")}
    epsg, source = _fact(folder, meta, "epsg", int), _fact(folder, meta, "source", str)
    if verify and _digest(arrays.items(), {**numbers, "epsg": epsg, "source": source}) != meta.version:
        raise _changed(folder)
    return Elevation(grid_m=arrays["grid_m"], epsg=epsg, source=source, **numbers)  # type: ignore[arg-type]


def version_of(folder: Path) -> str:
    """The digest a folder says it holds, without opening its arrays. Raises DamagedGeoFiles."""
    return _meta(folder).version


def _files(
    what: str, version: str, arrays: Iterable[tuple[str, NDArray[np.generic]]], facts: Mapping[str, object]
) -> dict[str, bytes]:
    files, held = {}, {}
    for name, array in arrays:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        files[f"{name}.npy"] = buffer.getvalue()
        held[name] = _Held(array.dtype.str, list(array.shape))
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in facts.items()}
    meta = _Meta(what=what, format=FORMAT, version=version, arrays=held, facts=raw)
    return files | {META: msgspec.json.format(msgspec.json.encode(meta), indent=1)}


def _opened(folder: Path, what: str, shapes: Mapping[str, tuple[str, int]]) -> tuple[_Meta, Arrays]:
    meta = _meta(folder)
    if meta.what != what:
        raise DamagedGeoFiles(where=str(folder / META), detail=f"{meta.what}", expected=what)
    if meta.format != FORMAT:
        raise DamagedGeoFiles(
            where=str(folder / META), detail=f"format {meta.format}", expected=f"format {FORMAT}"
        )
    if set(meta.arrays) != set(shapes):
        wrong = ", ".join(sorted(set(meta.arrays) ^ set(shapes)))
        raise DamagedGeoFiles(where=str(folder / META), detail=wrong, expected=", ".join(shapes))
    sizes: dict[str, int] = {}
    arrays: Arrays = {}
    for name, (size, width) in shapes.items():
        path = folder / f"{name}.npy"
        array = _mapped(path, meta.arrays[name])
        if width and array.shape[1:] != ((width,) if width > 1 else ()):
            raise DamagedGeoFiles(where=str(path), detail=str(array.shape), expected=f"({size}, {width})")
        letter, _, more = size.partition(" + ")
        rows = len(array) - int(more or 0)
        if sizes.setdefault(letter, rows) != rows:
            raise DamagedGeoFiles(where=str(path), detail=f"{rows} {letter}", expected=str(sizes[letter]))
        arrays[name] = array
    return meta, arrays


def _mapped(path: Path, held: _Held) -> NDArray[np.generic]:
    try:
        # An empty array cannot be mapped; a plain view of the map costs less per call than numpy's own class for it.
        array = np.asarray(np.load(path, mmap_mode="r" if 0 not in held.shape else None, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DamagedGeoFiles(where=str(path), detail=_short(error), expected="npy") from None
    if [array.dtype.str, list(array.shape)] != [held.dtype, held.shape]:
        found = f"{array.dtype.str} {list(array.shape)}"
        raise DamagedGeoFiles(where=str(path), detail=found, expected=f"{held.dtype} {held.shape}")
    return array


def _meta(folder: Path) -> _Meta:
    path = folder / META
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Meta)
    except (OSError, msgspec.DecodeError) as error:
        raise DamagedGeoFiles(where=str(path), detail=_short(error), expected="meta.json") from None


def _fact(folder: Path, meta: _Meta, name: str, kind: type[_Fact]) -> _Fact:
    try:
        return msgspec.json.decode(meta.facts[name], type=kind)
    except (KeyError, msgspec.DecodeError) as error:
        where = f"{folder / META}: facts.{name}"
        raise DamagedGeoFiles(where=where, detail=_short(error), expected=str(kind)) from None


def _digest(arrays: Iterable[tuple[str, NDArray[np.generic]]], facts: Mapping[str, object]) -> str:
    told = blake2b(digest_size=16)
    for name, array in arrays:
        told.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        told.update(np.ascontiguousarray(array).data)
    told.update(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode())
    return told.hexdigest()


def _changed(folder: Path) -> DamagedGeoFiles:
    return DamagedGeoFiles(where=str(folder), detail="checksum", expected="the bytes that were saved")


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
