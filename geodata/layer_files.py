"""Hazard layers as bytes, always the same for the same layer, and what changed from one edition to the next.

bytes = magic · length of the header · header (JSON) · outlines (WKB, one after the other) · checksum
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.errors import ShapelyError

from geodata.areas import DEGREE_UNITS
from geodata.errors import BrokenLayer
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind

_MAGIC = b"BOSAIHZ1"  # the last character is the version of the layout
_CHECK_BYTES = 32
_POLYGONAL = (3, 6)
_ABOUT = (
    "hazard",
    "name_ja",
    "classes",
    "source",
    "version",
    "valid_from",
    "valid_until",
    "sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChanges:
    """Areas new, with another class or label, and gone; about: facts of the layer itself that differ."""

    added: int = 0
    changed: int = 0
    gone: int = 0
    about: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where importing changes nothing."""
        return not (self.added or self.changed or self.gone or self.about)


class _Header(msgspec.Struct, kw_only=True):
    key: str
    hazard: HazardKind
    name_ja: str
    classes: tuple[HazardClass, ...]
    class_row: list[int]
    label: list[str]
    sizes: list[int]  # bytes of each outline; the last one is the coverage, 0 = not published
    source: str
    version: str
    valid_from: date | None
    valid_until: date | None
    sample: bool


def layer_to_bytes(layer: HazardLayer) -> bytes:
    """The same bytes for the same layer, on every machine."""
    outlines = [*_wkb(layer.areas_lonlat), *_wkb(_coverage(layer))]
    header = msgspec.json.encode(
        _Header(
            key=layer.key,
            hazard=layer.hazard,
            name_ja=layer.name_ja,
            classes=layer.classes,
            class_row=[int(one) for one in layer.class_row],
            label=[str(one) for one in layer.label],
            sizes=[*map(len, outlines), *([] if layer.coverage_lonlat is not None else [0])],
            source=layer.source,
            version=layer.version,
            valid_from=layer.valid_from,
            valid_until=layer.valid_until,
            sample=layer.sample,
        )
    )
    body = b"".join([_MAGIC, struct.pack("<Q", len(header)), header, *outlines])
    return body + hashlib.sha256(body).digest()


def layer_from_bytes(data: bytes) -> HazardLayer:
    """The layer that was written. Raises BrokenLayer; nothing in the bytes is ever run."""
    start = len(_MAGIC) + 8
    if len(data) < start + _CHECK_BYTES or not data.startswith(_MAGIC):
        raise BrokenLayer(detail="not a hazard layer of this version")
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    if hashlib.sha256(body).digest() != check:
        raise BrokenLayer(detail="the checksum does not fit")
    (length,) = struct.unpack("<Q", data[len(_MAGIC) : start])
    try:
        header = msgspec.json.decode(body[start : start + length], type=_Header)
        outlines = _cut(body[start + length :], header.sizes)
        shapes = _shapes(outlines)
    except (msgspec.MsgspecError, ShapelyError, ValueError, TypeError) as error:
        raise BrokenLayer(detail=str(error)[:120]) from None
    return _layer(header, shapes)


def diff_layers(old: HazardLayer | None, new: HazardLayer) -> LayerChanges:
    """What an import changes. An area is known by its outline on the 1e-7° grid; order does not matter."""
    if old is None:
        return LayerChanges(added=len(new))
    before, after = Counter(_identity_pairs(old)), Counter(_identity_pairs(new))
    left = Counter(outline for (outline, _), count in (before - after).items() for _ in range(count))
    come = Counter(outline for (outline, _), count in (after - before).items() for _ in range(count))
    changed = (left & come).total()
    about = [name for name in _ABOUT if getattr(old, name) != getattr(new, name)]
    if outline_ids(_coverage(old)) != outline_ids(_coverage(new)):
        about.append("coverage_lonlat")
    return LayerChanges(
        added=come.total() - changed, changed=changed, gone=left.total() - changed, about=tuple(about)
    )


def identities(layer: HazardLayer) -> list[bytes]:
    """(k,) what each area is, whatever file and order it came in: its outline, class and label."""
    return [outline + b"|" + rest for outline, rest in _identity_pairs(layer)]


def outline_ids(areas_lonlat: NDArray[np.object_]) -> list[bytes]:
    """(k,) hash of each outline on the 1e-7° grid, the same wherever its rings start and whichever way they run."""
    if not len(areas_lonlat):
        return []
    rounded = shapely.transform(
        areas_lonlat, lambda pairs: np.round(pairs * DEGREE_UNITS) / DEGREE_UNITS + 0.0
    )
    return [hashlib.sha256(one).digest() for one in _wkb(shapely.normalize(rounded))]


def _identity_pairs(layer: HazardLayer) -> list[tuple[bytes, bytes]]:
    codes = [layer.classes[row].code for row in layer.class_row]
    rest = [f"{code}|{label}".encode() for code, label in zip(codes, layer.label, strict=True)]
    return list(zip(outline_ids(layer.areas_lonlat), rest, strict=True))


def _coverage(layer: HazardLayer) -> NDArray[np.object_]:
    """(1,) the coverage, or (0,) where it is not published."""
    if layer.coverage_lonlat is None:
        return np.zeros(0, dtype=np.object_)
    one = np.empty(1, dtype=np.object_)
    one[0] = layer.coverage_lonlat
    return one


def _wkb(shapes: NDArray[np.object_]) -> list[bytes]:
    if not len(shapes):
        return []
    return list(shapely.to_wkb(shapes, output_dimension=2, byte_order=1, include_srid=False))


def _cut(body: bytes, sizes: list[int]) -> list[bytes]:
    ends = np.cumsum([0, *sizes])
    if min(sizes, default=0) < 0 or int(ends[-1]) != len(body):
        raise ValueError("the outlines have another length than the header says")
    return [body[ends[at] : ends[at + 1]] for at in range(len(sizes))]


def _shapes(outlines: list[bytes]) -> list[Polygon | MultiPolygon | None]:
    shapes: list[Polygon | MultiPolygon | None] = []
    for one in outlines:
        shape = shapely.from_wkb(one) if one else None
        if shape is not None and not isinstance(shape, Polygon | MultiPolygon):
            raise ValueError(f"an outline is a {shape.geom_type}")
        shapes.append(shape)
    return shapes


def _layer(header: _Header, shapes: list[Polygon | MultiPolygon | None]) -> HazardLayer:
    count = len(shapes) - 1
    rows = np.array(header.class_row, dtype=np.int16)
    wrong = len(rows) != count or len(header.label) != count or None in shapes[:-1]
    if wrong or count < 0 or not ((rows >= 0) & (rows < len(header.classes))).all():
        raise BrokenLayer(detail="areas, classes and labels do not fit together")
    areas, label = np.empty(count, dtype=np.object_), np.empty(count, dtype=np.object_)
    areas[:], label[:] = shapes[:-1], header.label
    return HazardLayer(
        key=header.key,
        hazard=header.hazard,
        name_ja=header.name_ja,
        classes=header.classes,
        areas_lonlat=areas,
        class_row=rows,
        label=label,
        coverage_lonlat=shapes[-1],
        source=header.source,
        version=header.version,
        valid_from=header.valid_from,
        valid_until=header.valid_until,
        sample=header.sample,
    )
