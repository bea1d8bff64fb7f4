"""Plans as plain trees and blocks of bytes, so that one can be kept, planned again and compared.

    PlanInput ─ pack ─▶ tree (words and numbers) + blocks (arrays, areas, long lists) ─ unpack ─▶ PlanInput

The code goes by the fields of the dataclasses: a new array is taken along without a line here, and what can't be
written down is refused by its name. A block is named by its content by whoever keeps it, so an array that is the same
as in the plan before is kept once. What stands for something outside the plan (walks over an imported network) is
written as a word and made again by whoever reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from shelters.people_left import StandingWays
from shelters.plan import PlanInput
from shelters.ways import StraightWays

Tree = Any
"""What msgpack can carry: None, bool, int, float, str, bytes, and lists of these that begin with a tag."""
Put = Callable[[bytes, int], str]
"""(bytes, width of one element) → the name they are kept under."""
Get = Callable[[str], bytes]
Stands = Callable[[object], str | None]
"""The word for something outside the plan; None: there is none."""

ROOMS = ("shelters.", "geodata.")
"""Dataclasses and enums of these packages are written down by their names; nothing else is ever made from a record."""
PIECE_BYTES = 1 << 18
"""Long arrays are cut, so that a few changed rows do not keep the whole of it twice."""
SHORT_BYTES = 512
"""Anything shorter stands in the tree itself."""
STRAIGHT = "straight:"
PLAIN = (type(None), bool, int, float, str)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


@dataclass(eq=False)
class CannotRecord(Exception):
    """A value has no written form: it is no dataclass, enum or array of the pure rooms."""

    path: str
    kind: str

    def __str__(self) -> str:
        return f"{self.path}: a {self.kind} has no written form (shelters.records)"


@dataclass(eq=False)
class RecordUnreadable(Exception):
    """A record does not fit this program: made by another version, or damaged."""

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Outside:
    """In place of a value that stands for something outside the plan, until `filled` makes it again."""

    word: str


def straight_ways(value: object) -> str | None:
    """The word for straight lines, which follow from the places and the sites; None for anything else."""
    value = unwrapped(value)
    return f"{STRAIGHT}{value._detour_factor!r}" if isinstance(value, StraightWays) else None


def unwrapped(value: object) -> object:
    """The walks themselves, where rows of people who stand at sites follow: made over all rows they are the same."""
    while isinstance(value, StandingWays):
        value = value.inner
    return value


def pack(value: object, put: Put, stands: Stands = straight_ways, path: str = "plan") -> Tree:
    """`value` as a tree. Raises CannotRecord."""
    packer = _Packer(put, stands)
    return packer.node(value, path)


def unpack(tree: Tree, get: Get, path: str = "plan") -> Any:
    """The value again, arrays writable, with an `Outside` for each word. Raises RecordUnreadable."""
    try:
        return _value(tree, get, path)
    except (
        AttributeError,
        ImportError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        ShapelyError,
        msgspec.DecodeError,
    ) as error:
        raise RecordUnreadable(path, f"is not of this version's form ({error})") from error


def filled(value: Any, make: Callable[[str, str], object], path: str = "plan") -> Any:
    """`value` with make(path, word) in place of every `Outside` within its dataclasses."""
    if isinstance(value, Outside):
        return make(path, value.word)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for one in fields(value):
        before = getattr(value, one.name)
        after = filled(before, make, f"{path}.{one.name}")
        if after is not before:
            changed[one.name] = after
    return replace(value, **changed) if changed else value


def problem_again(tree: Tree, get: Get, make: Callable[[str, str, PlanInput], object]) -> PlanInput:
    """A recorded problem; make(path, word, problem) gives what stood outside it. Raises RecordUnreadable."""
    bare = unpack(tree, get, "problem")
    if not isinstance(bare, PlanInput):
        raise RecordUnreadable("problem", f"is a {type(bare).__name__}")

    def made(path: str, word: str) -> object:
        if word.startswith(STRAIGHT):
            return StraightWays(bare.people.xy_m, bare.sites.xy_m, float(word.removeprefix(STRAIGHT)))
        return make(path, word, bare)

    whole = filled(bare, made, "problem")
    assert isinstance(whole, PlanInput)
    return whole


class _Packer:
    def __init__(self, put: Put, stands: Stands) -> None:
        self._put, self._stands = put, stands

    def node(self, value: object, path: str) -> Tree:
        if isinstance(value, Enum):
            return ["e", self._named(value, path), value.value]
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in PLAIN:
            return value
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        if isinstance(value, BaseGeometry):
            return ["g", self._bytes(shapely.to_wkb(value), 1)]
        if isinstance(value, datetime):
            return ["d", value.isoformat()]
        if is_dataclass(value) and type(value).__module__.startswith(ROOMS):
            return ["c", self._named(value, path), self._fields(value, path)]
        if isinstance(value, Mapping):
            pairs = [[self.node(key, path), self.node(one, f"{path}[{key}]")] for key, one in value.items()]
            return self._long(["m", pairs])
        if isinstance(value, frozenset | set):
            return ["f", sorted((self.node(one, path) for one in value), key=_encode)]
        if isinstance(value, tuple | list):
            tag = "t" if isinstance(value, tuple) else "l"
            return self._long([tag, [self.node(one, f"{path}[{n}]") for n, one in enumerate(value)]])
        word = self._stands(value)
        if word is None:
            raise CannotRecord(path, type(value).__name__)
        return ["o", word]

    def _fields(self, value: Any, path: str) -> list[list[Any]]:
        return [
            [one.name, self.node(getattr(value, one.name), f"{path}.{one.name}")] for one in fields(value)
        ]

    def _named(self, value: object, path: str) -> str:
        name = f"{type(value).__module__}.{type(value).__name__}"
        if not name.startswith(ROOMS) or _class_of(name) is not type(value):
            raise CannotRecord(path, name)
        return name

    def _array(self, rows: np.ndarray[Any, Any], path: str) -> Tree:
        if rows.dtype.hasobject:
            raise CannotRecord(path, f"{rows.dtype} array")
        raw, width = np.ascontiguousarray(rows).tobytes(), rows.dtype.itemsize
        step = PIECE_BYTES - PIECE_BYTES % width
        pieces = [self._bytes(raw[at : at + step], width) for at in range(0, len(raw), step)]
        return ["a", rows.dtype.str, list(rows.shape), pieces]

    def _bytes(self, raw: bytes, width: int) -> str | bytes:
        return raw if len(raw) < SHORT_BYTES else self._put(raw, width)

    def _long(self, tree: Tree) -> Tree:
        """Long lists (the sites with all their designations) are kept as a block of their own."""
        raw = _encode(tree)
        return tree if len(raw) < SHORT_BYTES else ["p", self._put(raw, 1)]


def _value(tree: Tree, get: Get, path: str) -> Any:
    if not isinstance(tree, Sequence) or isinstance(tree, str):
        return tree
    match tree:
        case ["a", dtype, shape, pieces]:
            raw = bytearray().join(_read(one, get) for one in pieces)
            return np.frombuffer(raw, dtype=np.dtype(dtype)).reshape(shape)
        case ["c", name, pairs]:
            return _made(name, pairs, get, path)
        case ["e", name, value]:
            return _class_of(name)(value)
        case ["g", ref]:
            return shapely.from_wkb(_read(ref, get))
        case ["d", text]:
            return datetime.fromisoformat(text)
        case ["m", pairs]:
            return {_value(key, get, path): _value(one, get, f"{path}[{key}]") for key, one in pairs}
        case ["f", members]:
            return frozenset(_value(one, get, path) for one in members)
        case ["t", members]:
            return tuple(_value(one, get, f"{path}[{n}]") for n, one in enumerate(members))
        case ["l", members]:
            return [_value(one, get, f"{path}[{n}]") for n, one in enumerate(members)]
        case ["p", ref]:
            return _value(_decode(_read(ref, get)), get, path)
        case ["o", word]:
            return Outside(word)
    raise RecordUnreadable(path, f"begins with {tree[:1]!r}, which this version does not know")


def _made(name: str, pairs: Sequence[Any], get: Get, path: str) -> Any:
    cls = _class_of(name)
    known = {one.name for one in fields(cls)}
    values = {}
    for field, tree in pairs:
        if field not in known:
            raise RecordUnreadable(f"{path}.{field}", "is not known to this version")
        values[field] = _value(tree, get, f"{path}.{field}")
    return cls(**values)


@cache
def _class_of(name: str) -> Any:
    module, _, known_as = name.rpartition(".")
    found = getattr(import_module(module), known_as) if name.startswith(ROOMS) else None
    if not isinstance(found, type) or not (is_dataclass(found) or issubclass(found, Enum)):
        raise ValueError(f"{name} is no value of a plan")
    return found


def _read(ref: str | bytes, get: Get) -> bytes:
    return ref if isinstance(ref, bytes) else get(ref)
