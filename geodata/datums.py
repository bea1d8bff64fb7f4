"""From whatever a Japanese map file is written in to degrees of JGD2011, saying by which way and how exactly.

PROJ answers "Tokyo to JGD2011" without its grid files by not moving anything at all, 400 m beside the truth.
So each old datum has its way here: the grid where it is installed, else the published parameters, with the error.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from geodata.crs import GEOGRAPHIC_EPSG
from geodata.errors import UnsupportedCrs

_JGD2000, _TOKYO, _WGS84 = 4612, 4301, 4326
# As the standard of Japanese map files (JPGIS) and 基盤地図情報 write them: latitude, longitude.
_SPELT = (
    (r"^(fguuid:)?jgd2011\s*(/|\.)\s*\(?b", GEOGRAPHIC_EPSG),
    (r"^(fguuid:)?jgd2000\s*(/|\.)\s*\(?b", _JGD2000),
    (r"^(fguuid:)?td\s*(/|\.)\s*\(?b", _TOKYO),
)
_DATUM_NAMES = {
    GEOGRAPHIC_EPSG: ("Japanese Geodetic Datum 2011",),
    _JGD2000: ("Japanese Geodetic Datum 2000",),
    _TOKYO: ("Tokyo",),
    _WGS84: ("World Geodetic System 1984", "World Geodetic System 1984 ensemble"),
}
QUAKE_2011_M = 5.3
"""How far the ground of 牡鹿半島 moved on 2011-03-11, the most anywhere (国土地理院): the error without its grid."""
TOKYO_3_PARAMETERS_M = 9.0
"""Accuracy EPSG gives for the three published parameters of Tokyo to JGD2000."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How positions came to JGD2011: the steps, and how far off a position may be, metres."""

    source: str
    steps: tuple[str, ...]
    error_m: float

    @property
    def ja(self) -> str:
        """One sentence for the report; empty where nothing was moved."""
        if not self.steps:
            return ""
        way = " → ".join(self.steps)
        error = f"、ずれは最大で約{self.error_m:.1f}m" if self.error_m else ""
        return f"座標を {self.source} からJGD2011の経緯度に変換しました（{way}{error}）。"


def crs_of(name: str, *, epsg: int | None = None, text: str | None = None) -> CRS | None:
    """The coordinate system of a code, of a .prj or of an srsName; None where neither says any.

    Raises UnsupportedCrs where it is said and not understood.
    """
    try:
        if epsg is not None:
            return CRS.from_epsg(epsg).to_2d()
        if not text:
            return None
        spelt = next((code for pattern, code in _SPELT if re.search(pattern, text, re.IGNORECASE)), None)
        return (CRS.from_epsg(spelt) if spelt else CRS.from_user_input(text)).to_2d()
    except CRSError:
        raise UnsupportedCrs(name=name, found=str(epsg or text)[:80]) from None


def to_jgd2011(pairs: NDArray[np.float64], crs: CRS, name: str) -> tuple[NDArray[np.float64], Conversion]:
    """(n, 2) x, y as the file has them (east first) → (n, 2) degrees lon, lat of JGD2011.

    Raises UnsupportedCrs for any datum but JGD2011, JGD2000, Tokyo and WGS 84.
    """
    datum = _datum(crs)
    if datum is None:
        raise UnsupportedCrs(name=name, found=crs.name)
    steps, error_m = [], 0.0
    moved = pairs
    if not crs.is_geographic:
        moved = _move(pairs, Transformer.from_crs(crs, CRS.from_epsg(datum), always_xy=True))
        steps.append("平面座標を経緯度に")
    for step in _way(datum):
        moved = _move(moved, step.transformer)
        steps.append(step.name)
        error_m += step.error_m
    return moved, Conversion(crs.name, tuple(steps), error_m)


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    transformer: Transformer
    error_m: float


def _datum(crs: CRS) -> int | None:
    base = crs.geodetic_crs
    if base is None:
        return None
    if base.to_epsg() in _DATUM_NAMES:
        return base.to_epsg()
    name = base.datum.name if base.datum else ""
    return next((epsg for epsg, names in _DATUM_NAMES.items() if name in names), None)


@cache
def _way(datum: int) -> tuple[_Step, ...]:
    """The steps from a datum to JGD2011: one with grids where they are installed, else the next best."""
    if datum in (GEOGRAPHIC_EPSG, _WGS84):  # the same to well under a metre
        return ()
    direct = _by_grid(datum, GEOGRAPHIC_EPSG)
    if direct is not None:
        return (direct,)
    if datum == _JGD2000:
        unmoved = Transformer.from_crs(GEOGRAPHIC_EPSG, GEOGRAPHIC_EPSG, always_xy=True)
        return (_Step("2011年の地殻変動の補正ファイルがないため移動なし", unmoved, QUAKE_2011_M),)
    first = _by_grid(_TOKYO, _JGD2000) or _by_parameters(_TOKYO, _JGD2000)
    return (first, *_way(_JGD2000))


def _by_grid(source: int, target: int) -> _Step | None:
    for one in _operations(source, target):
        if "gridshift" in one.definition:
            return _Step(f"補正ファイルによる{one.description}", one, max(one.accuracy, 0.2))
    return None


def _by_parameters(source: int, target: int) -> _Step:
    for one in _operations(source, target):
        if "helmert" in one.definition:
            accuracy = one.accuracy if one.accuracy > 0 else TOKYO_3_PARAMETERS_M
            return _Step("日本測地系からJGD2000へ3つのパラメータで平行移動", one, accuracy)
    raise UnsupportedCrs(name="PROJ", found=f"EPSG:{source}")


def _operations(source: int, target: int) -> list[Transformer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that grids are missing is what is asked here
        return list(TransformerGroup(source, target, always_xy=True, allow_ballpark=False).transformers)


def _move(pairs: NDArray[np.float64], transformer: Transformer) -> NDArray[np.float64]:
    east, north = transformer.transform(pairs[:, 0], pairs[:, 1])
    return np.column_stack([east, north]).astype(np.float64, copy=False)
