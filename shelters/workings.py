"""What a plan worked out and the next one may use again: pure stages, each with everything it was worked out from.

A stage is used again only when all of that is the same, so a plan made with it is the plan made without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

Found = TypeVar("Found")


class Workings:
    """Stages by name. `before`: those of the plan before."""

    def __init__(self, before: object = None) -> None:
        self._before = before._stages if isinstance(before, Workings) else {}
        self._stages: dict[str, tuple[tuple[object, ...], Any]] = {}

    def stage(self, name: str, made_from: tuple[object, ...], make: Callable[[], Found]) -> Found:
        """What `make` gives; from the plan before when that was made from the same."""
        held = self._before.get(name)
        found: Found = held[1] if held is not None and same(held[0], made_from) else make()
        self._stages[name] = (made_from, found)
        return found

    def found(self, name: str) -> Any:
        """What this plan found under that name."""
        return self._stages[name][1]

    def earlier(self, name: str) -> Any:
        """What the plan before found under that name, from whatever it was made; None where there is none."""
        held = self._before.get(name)
        return None if held is None else held[1]

    def settle(self) -> Workings:
        """Forget the plan before: what it held may go."""
        self._before = {}
        return self


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to the last bit: arrays, geometries, dataclasses, tuples and plain values."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return _same_bits(one, other)
    if isinstance(one, BaseGeometry):
        return bool(shapely.equals_exact(one, other, 0.0))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one):
        return all(same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return bool(one == other)


def _same_bits(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    return bool(
        np.array_equal(np.ascontiguousarray(one).view(np.int64), np.ascontiguousarray(other).view(np.int64))
        if one.dtype.itemsize == 8
        else np.array_equal(one, other, equal_nan=True)
    )
