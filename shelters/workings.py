"""What a plan worked out and the next one may use again: pure stages, each with everything it was worked out from.

A stage is used again only when all of that is the same, so a plan made with it is the plan made without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
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

    def carried(
        self,
        name: str,
        made_from: tuple[object, ...],
        by_row: tuple[NDArray[Any], ...],
        make: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """(r,) figures that depend, row by row, on `by_row`; `make` gives those of some rows.

        Rows that are as they were keep their figure. by_row: (r,) arrays.
        """
        held: Any = self._before.get(name)
        count = len(by_row[0])
        rows = np.arange(count)
        if held is not None and same(held[0][0], made_from) and len(held[1]) == count:
            unlike = np.zeros(count, dtype=np.bool_)
            for now, then in zip(by_row, held[0][1], strict=True):
                if now is not then:
                    unlike |= _bits(now) != _bits(then)
            rows = np.flatnonzero(unlike)
        if len(rows) == count:
            found = make(rows)
        elif len(rows):
            found = held[1].copy()
            found[rows] = make(rows)
        else:
            found = held[1]
        self._stages[name] = ((made_from, by_row), found)
        return found

    def found(self, name: str) -> Any:
        """What this plan found under that name."""
        return self._stages[name][1]

    def earlier(self, name: str) -> tuple[tuple[object, ...], Any] | None:
        """What the plan before found under that name, after what it was made from; None where there is none."""
        return self._before.get(name)

    def everything(self) -> tuple[object, ...]:
        """All stages with what they were made from: what keeping them weighs."""
        return tuple(self._stages.values())

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


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers that are equal where the values are the same, nan too."""
    return np.ascontiguousarray(values).view(np.int64) if values.dtype == np.float64 else values


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
