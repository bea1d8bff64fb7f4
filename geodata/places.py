"""Finding a town by what a person types: kanji, kana, romaji or a postcode, however it is spelled.

text ─▶ keys (place_keys) ─▶ exact, then prefix, then within, then nearly (key_index) ─▶ towns, in one fixed order
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.crs import PLANE_EPSG, to_plane
from geodata.kana import kana_key, romaji_key
from geodata.key_index import KeyIndex
from geodata.place_keys import (
    is_japanese,
    kana_queries,
    kanji_key,
    kanji_queries,
    loose_key,
    postcode_key,
    romaji_queries,
)

__all__ = ["PlaceIndex", "ReadingStatus", "Town", "kanji_key"]

# Lower is better. A key the text begins with comes between _WITHIN and _NEARLY, the longest first; a loose hit
# (a letter that people leave out) right after the strict one.
_EXACT, _PREFIX, _WITHIN, _NEARLY = 0, 2, 4, 1000
_LOOSE = 1


class ReadingStatus(StrEnum):
    """How far a reading can be trusted."""

    CHECKED = "checked"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A town by its representative point, degrees. `reading_source` says where kana and romaji come from.

    postcodes: seven figures each, sorted; () where none is known.
    """

    code: str | None = None
    name: str
    ward: str
    kana: str
    romaji: str
    lon: float
    lat: float
    reading_source: str
    reading_status: ReadingStatus
    point_source: str = ""
    outside_city: bool = False
    postcodes: tuple[str, ...] = ()


class PlaceIndex:
    """Towns indexed once, searched by text or by the nearest point."""

    def __init__(self, towns: Sequence[Town], epsg: int = PLANE_EPSG) -> None:
        self.towns = tuple(towns)
        self._epsg = epsg
        rows = list(enumerate(self.towns))
        strict = [(kanji_key(town.name), row) for row, town in rows]
        self._kanji = KeyIndex(strict)
        self._loose = KeyIndex((loose_key(key), row) for key, row in strict)
        self._kana = KeyIndex(((kana_key(town.kana), row) for row, town in rows), typos=True)
        self._romaji = KeyIndex(((romaji_key(town.romaji), row) for row, town in rows), typos=True)
        self._postcodes = KeyIndex((code, row) for row, town in rows for code in town.postcodes)
        self._wards = {one.ward for one in self.towns if one.ward}
        order = sorted(rows, key=lambda one: _order(one[1]))
        self._place = {row: place for place, (row, _) in enumerate(order)}
        self._xy_m = to_plane([[town.lon, town.lat] for town in self.towns], epsg)
        self._tree = shapely.STRtree(np.asarray(shapely.points(self._xy_m), dtype=np.object_))

    def __len__(self) -> int:
        return len(self.towns)

    def search(self, text: str, limit: int = 10) -> list[Town]:
        """Towns meant by the text: exact, then prefixes, then parts, then the town an address starts with,
        then (kana and romaji of five letters and more) names that differ by one letter.

        The same text always gives the same order (rank, the ward that was named, shorter name, ward, name;
        一丁目 before 二丁目 before 三丁目).
        Blank text finds nothing.
        """
        ranks = self._ranked(text)
        plain = unicodedata.normalize("NFKC", text)
        named = {ward for ward in self._wards if ward in plain}
        best = heapq.nsmallest(
            max(limit, 0),
            ranks,
            key=lambda row: (ranks[row], bool(named) and self.towns[row].ward not in named, self._place[row]),
        )
        return [self.towns[row] for row in best]

    def nearest(self, lon: float, lat: float) -> Town:
        """The town whose point is nearest. Raises LookupError without towns, BadPosition for no position."""
        return self.nearest_with_distance(lon, lat)[0]

    def nearest_with_distance(self, lon: float, lat: float) -> tuple[Town, float]:
        """The nearest town and the straight line to its point, metres."""
        if not self.towns:
            raise LookupError("no towns are loaded")
        gaps = np.hypot(*(self._xy_m - to_plane([[lon, lat]], self._epsg)).T)
        row = int(gaps.argmin())
        return self.towns[row], float(gaps[row])

    def nearest_rows(self, points_xy_m: NDArray[np.float64]) -> NDArray[np.intp]:
        """(n,) row in `towns` of the town nearest to each of the (n, 2) points. Raises LookupError without towns."""
        if not self.towns:
            raise LookupError("no towns are loaded")
        return np.asarray(self._tree.nearest(shapely.points(points_xy_m)), dtype=np.intp)

    def _ranked(self, text: str) -> dict[int, int]:
        """Row → its best rank."""
        postcode = postcode_key(text)
        if postcode:
            return dict.fromkeys(self._postcodes.prefixed(postcode), _PREFIX)
        ranks: dict[int, int] = {}
        if is_japanese(text):
            for key in kanji_queries(text):
                _ask(self._kanji, key, ranks)
                _ask(self._loose, loose_key(key), ranks, _LOOSE)
            self._read(self._kana, kana_queries(text), ranks)
        else:
            self._read(self._romaji, romaji_queries(text), ranks)
        return ranks

    def _read(self, index: KeyIndex, keys: Iterable[str], ranks: dict[int, int]) -> None:
        """The ranks by reading. A letter in kanji is a different word, a letter in kana a slip."""
        for key in keys:
            _ask(index, key, ranks)
            if not re.search(r"[一-鿿]", key):
                _better(ranks, index.nearly(key), _NEARLY)


def _order(town: Town) -> tuple[int, bool, str, str, str]:
    counted = re.sub(r"\d+", lambda figures: figures[0].zfill(3), kanji_key(town.name))
    return len(town.name), town.outside_city, town.ward, counted, town.name


def _ask(index: KeyIndex, key: str, ranks: dict[int, int], add: int = 0) -> None:
    if not key:
        return
    _better(ranks, index.exact(key), _EXACT + add)
    _better(ranks, index.prefixed(key), _PREFIX + add)
    if len(key) >= 2:
        _better(ranks, index.holding(key), _WITHIN + add)
    for length, row in index.beginning(key):
        _better(ranks, (row,), _NEARLY - 1 - 2 * length + add)


def _better(ranks: dict[int, int], rows: Iterable[int], rank: int) -> None:
    for row in rows:
        if ranks.get(row, rank) >= rank:
            ranks[row] = rank
