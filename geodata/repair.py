"""Mending the rings of published areas, with a report of what it did to them.

shapes on a plane ─▶ already sound · mended (area before, after, what) · refused (with the reason)

What a person draws is never mended: `geodata.areas.parse_area` refuses it and says where.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LinearRing, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

MAX_CHANGE = 0.10
"""A mend that would change the area by more than this share is another area, and refused."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One mended area: its row in the file (from 1), square metres before and after, and what was wrong.

    file: the name of the file, where several make one map.
    area_before_m2: by the shoelace of the rings as given (outlines less holes), without their crossings undone.
    """

    row: int
    area_before_m2: float
    area_after_m2: float
    what: str
    file: str = ""

    @property
    def ja(self) -> str:
        """For the report of an import."""
        return (
            f"{self.file + 'の' if self.file else ''}{self.row}件目：{self.what}を直しました"
            f"（面積 {self.area_before_m2:,.0f}㎡ → {self.area_after_m2:,.0f}㎡）。"
        )


@dataclass(frozen=True, slots=True)
class Mended:
    """shapes: (k,) object, valid Polygon or MultiPolygon on the plane, None where `refused` says why."""

    shapes: NDArray[np.object_]
    repaired: tuple[Repair, ...]
    refused: tuple[tuple[int, str], ...]  # row, reason in Japanese with the mend


def mend(shapes_xy_m: NDArray[np.object_], rows: NDArray[np.int64]) -> Mended:
    """Sound areas out of (k,) shapes on a plane, metres; rows: their numbers in the file."""
    found = np.asarray(shapes_xy_m, dtype=np.object_).copy()
    repaired: list[Repair] = []
    refused: list[tuple[int, str]] = []
    sound = (
        shapely.is_valid(found) & np.isin(shapely.get_type_id(found), _POLYGONAL) & ~shapely.is_empty(found)
    )
    for at in np.flatnonzero(~sound):
        row = int(rows[at])
        try:
            found[at], repair = _mend_one(found[at], row)
            repaired.append(repair)
        except _NotMended as refusal:
            found[at] = None
            refused.append((row, refusal.reason))
    return Mended(found, tuple(repaired), tuple(refused))


def drawn_area_m2(shape_xy_m: object) -> float:
    """Square metres by the shoelace of every ring as given: outlines less holes, crossings not undone."""
    parts = [one for one in _parts(shape_xy_m) if isinstance(one, Polygon)]
    return math.fsum(
        abs(_shoelace(one.exterior)) - sum(abs(_shoelace(hole)) for hole in one.interiors) for one in parts
    )


_POLYGONAL = (3, 6)
_WRONG = (
    ("Self-intersection", "線の交差"),
    ("Ring Self-intersection", "一点で接する線"),
    ("Nested shells", "重なった面"),
    ("Nested holes", "重なった穴"),
    ("Holes are nested", "重なった穴"),
    ("Hole lies outside shell", "面の外にある穴"),
    ("Interior is disconnected", "穴で切れた面"),
    ("Duplicate Rings", "同じ線の繰り返し"),
    ("Too few points", "点の足りない線"),
    ("Invalid Coordinate", "数でない座標"),
)


class _NotMended(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _mend_one(shape: object, row: int) -> tuple[Polygon | MultiPolygon, Repair]:
    if not isinstance(shape, Polygon | MultiPolygon):
        kind = getattr(shape, "geom_type", None)
        if kind is None:
            raise _NotMended("図形がありません。")
        raise _NotMended(f"面ではありません（{kind}）。面（Polygon）で用意してください。")
    if shape.is_empty:
        raise _NotMended("図形が空です。")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise _NotMended("座標に数でないものがあります。元のデータを直してください。")
    before = drawn_area_m2(shape)
    after = _polygons_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    if after is None or after.area == 0:
        raise _NotMended("囲んでいる面積がありません。元のデータを直してください。")
    change = abs(after.area - before) / max(before, after.area)
    if change > MAX_CHANGE:
        raise _NotMended(
            f"{_what(shape)}を直すと面積が{before:,.0f}㎡から{after.area:,.0f}㎡に変わります（{change:.0%}）。"
            "元のデータの線を直してください。"
        )
    return after, Repair(row, before, after.area, _what(shape))


def _polygons_of(shape: object) -> Polygon | MultiPolygon | None:
    """The polygonal parts as one valid area; None where there are none."""
    polygons = [one for one in _parts(shape) if isinstance(one, Polygon) and one.area > 0]
    if not polygons:
        return None
    whole: BaseGeometry = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    if not whole.is_valid:
        whole = shapely.union_all(polygons)
    return whole if isinstance(whole, Polygon | MultiPolygon) else None


def _parts(shape: object) -> list[object]:
    """Every single part, however deeply collections nest."""
    parts = [shape]
    while any(hasattr(one, "geoms") for one in parts):
        parts = [part for one in parts for part in (one.geoms if hasattr(one, "geoms") else [one])]
    return parts


def _what(shape: Polygon | MultiPolygon) -> str:
    reason = re.sub(r"\[.*", "", shapely.is_valid_reason(shape)).strip()
    return next((ja for en, ja in _WRONG if en.lower() == reason.lower()), f"正しくない線（{reason}）")


def _shoelace(ring: LinearRing) -> float:
    xy = shapely.get_coordinates(ring)
    xy = xy - xy[0]  # far from the origin of the plane the products would lose their last metres
    return float(np.sum(xy[:-1, 0] * xy[1:, 1] - xy[1:, 0] * xy[:-1, 1]) / 2)
