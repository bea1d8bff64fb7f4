"""Depths as prefectures write them: "0.3m以上 ～ 1.0m未満", "５ｍ以上", "20m～", "0.5〜3.0m".

Each prefecture has classes of its own, so the classes of a layer are those found in its file, by depth.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from geodata.hazard_layers import HazardClass

_NUMBER = r"(\d+(?:\.\d+)?)"
_UNIT = r"(m|cm|メートル)?"
_FROM = r"(以上|超|を超え|より大きい)?"
_TO = r"(未満|以下|まで)?"
# Something must stand between two numbers, or "15m" would be read as 1 to 5.
_RANGE = re.compile(rf"^{_NUMBER}(?=[^\d.]){_UNIT}{_FROM}[~,]?{_NUMBER}{_UNIT}{_TO}$")
_BELOW = re.compile(rf"^~?{_NUMBER}{_UNIT}{_TO}$")
_ABOVE = re.compile(rf"^{_NUMBER}{_UNIT}{_FROM}~?$")
_UNKNOWN = frozenset({"不明", "浸水深不明", "未設定", "~", "―"})


@dataclass(frozen=True, slots=True, order=True)
class Depth:
    """Metres from, and up to; up to None: no upper end."""

    min_m: float
    max_m: float | None


def parse_depth(text: str) -> Depth | None:
    """The depths a text means; None where it says that the depth is not known. Raises ValueError otherwise."""
    plain = _plain(text)
    if not plain or plain in _UNKNOWN:
        return None
    if found := _RANGE.match(plain):
        low, high = _metres(found[1], found[2] or found[5]), _metres(found[4], found[5])
        if low < high:
            return Depth(low, high)
    elif (found := _BELOW.match(plain)) and (found[3] or plain.startswith("~")):
        if (high := _metres(found[1], found[2])) > 0:
            return Depth(0.0, high)
    elif (found := _ABOVE.match(plain)) and (found[3] or plain.endswith("~")):
        return Depth(_metres(found[1], found[2]), None)
    raise ValueError(text)


def depth_classes(depths: Iterable[Depth | None], prefix: str) -> tuple[HazardClass, ...]:
    """The classes of a layer, shallow to deep, the unknown last. Codes: "tsunami_0.3_1", "tsunami_unknown".

    Texts that mean the same are one class, named in one way.
    """
    found = set(depths)
    known = sorted((one for one in found if one is not None), key=_order)
    classes = [
        HazardClass(
            code=f"{prefix}_{one.min_m:g}_{'' if one.max_m is None else f'{one.max_m:g}'}",
            rank=rank,
            ja=depth_ja(one),
            depth_min_m=one.min_m,
            depth_max_m=one.max_m,
        )
        for rank, one in enumerate(known, start=1)
    ]
    if None in found:
        classes.append(unknown_depth(prefix, len(known) + 1))
    return tuple(classes)


def unknown_depth(prefix: str, rank: int) -> HazardClass:
    """The class of water nobody gave a depth for: never 0."""
    return HazardClass(code=f"{prefix}_unknown", rank=rank, ja="浸水深不明", depth_unknown=True)


def depth_ja(depth: Depth) -> str:
    """ "0.3m以上1m未満", "20m以上", "0.3m未満"."""
    if depth.max_m is None:
        return f"{depth.min_m:g}m以上"
    if depth.min_m == 0:
        return f"{depth.max_m:g}m未満"
    return f"{depth.min_m:g}m以上{depth.max_m:g}m未満"


def _order(depth: Depth) -> tuple[float, float]:
    """Deeper at the upper end first of all: a class that may be deeper is the worse one."""
    top = float("inf") if depth.max_m is None else depth.max_m
    return top, depth.min_m


def _plain(text: str) -> str:
    """Half width, one kind of wave, no blanks or brackets around."""
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"[〜～∼˜‾ー–—−-](?=[\d]|$)|[〜～∼]", "~", plain)
    plain = re.sub(r"(?<=[上満mM])から", "~", plain)
    return re.sub(r"\s|深さ|浸水深|[()]", "", plain).replace("M", "m").replace("m~m", "m~")


def _metres(number: str, unit: str | None) -> float:
    return float(number) / 100 if unit == "cm" else float(number)
