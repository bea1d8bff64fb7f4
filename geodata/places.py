"""Finding a town by what a person types: kanji, kana or romaji, however it is spelled.

text ─▶ keys (kanji, kana, romaji) ─▶ exact, then prefix, then within ─▶ towns, always in the same order
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.crs import PLANE_EPSG, to_plane
from geodata.kana import romaji_key, to_hiragana


class ReadingStatus(StrEnum):
    """How far a reading can be trusted."""

    CHECKED = "checked"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A town by its representative point, degrees. `reading_source` says where kana and romaji come from."""

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


_OLD_FORMS = str.maketrans(
    "澤濱邊邉嶋國櫻髙﨑廣瀨龜榮澁驛學靏廳壹貳臺瀧齋栁桺逹藏鄕",
    "沢浜辺辺島国桜高崎広瀬亀栄渋駅学鶴庁一二台滝斎柳柳達蔵郷",
)
# Written so often by people who do not live there that they must be found all the same.
_MISSPELT = {"閑上": "閖上", "淘上": "閖上", "ゆり上": "閖上", "荒井浜": "荒浜", "鶴ケ屋": "鶴ケ谷"}
_DIGITS = {one: n for n, one in enumerate("〇一二三四五六七八九")}
_PREFIXES = re.compile(r"^(宮城県)?(仙台市|名取市)?([^\d\s]{1,3}区(?=.))?")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def kanji_key(text: str) -> str:
    """Old forms, ヶ/ケ/が, widths, blanks, 丁目 numerals and city or ward prefixes brought to one form."""
    text = unicodedata.normalize("NFKC", text).translate(_OLD_FORMS)
    text = re.sub(r"[\s・,、。]", "", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff])[ヶケがガヵ](?=[\u4e00-\u9fff])", "ケ", text)
    for wrong, right in _MISSPELT.items():
        text = text.replace(wrong, right)
    text = _PREFIXES.sub("", text)
    text = re.sub(r"([〇一二三四五六七八九十]+)(?=丁|番丁|人町)", lambda hit: str(_number(hit[1])), text)
    return re.sub(r"(?<=\D)(\d+)(?:[-ー−‐の].*)?$", r"\1丁目", text)


class PlaceIndex:
    """Towns indexed once, searched by text or by the nearest point."""

    def __init__(self, towns: Sequence[Town], epsg: int = PLANE_EPSG) -> None:
        self.towns = tuple(towns)
        self._epsg = epsg
        self._keys = [_town_keys(town) for town in self.towns]
        self._xy_m = to_plane([[town.lon, town.lat] for town in self.towns], epsg)
        self._tree = shapely.STRtree(np.asarray(shapely.points(self._xy_m), dtype=np.object_))

    def __len__(self) -> int:
        return len(self.towns)

    def search(self, text: str, limit: int = 10) -> list[Town]:
        """Towns meant by the text: exact, then prefixes, then parts, then the town an address starts with.

        The same text always gives the same order (rank, shorter name, ward, name). Blank text finds nothing.
        """
        queries = _query_keys(text)
        hits = []
        for town, keys in zip(self.towns, self._keys, strict=True):
            ranks = [_rank(query, key) for kind, query in queries for key in keys[kind]]
            best = min((rank for rank in ranks if rank is not None), default=None)
            if best is not None:
                hits.append((best, len(town.name), town.outside_city, town.ward, town.name, town))
        hits.sort(key=lambda hit: hit[:5])
        return [hit[5] for hit in hits[: max(limit, 0)]]

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


def _town_keys(town: Town) -> dict[str, tuple[str, ...]]:
    kanji = kanji_key(town.name)
    return {
        "kanji": tuple({kanji, kanji.replace("ケ", "")}),
        "kana": (_kana_key(town.kana),),
        "romaji": (romaji_key(town.romaji),),
    }


def _query_keys(text: str) -> list[tuple[str, str]]:
    if _JAPANESE.search(unicodedata.normalize("NFKC", text)):
        pairs = [("kanji", kanji_key(text)), ("kana", _kana_key(text))]
    else:
        pairs = [("romaji", romaji_key(text))]
    return [(kind, key) for kind, key in pairs if key]


def _kana_key(text: str) -> str:
    return re.sub(r"[^\u3041-\u309fー一-鿿a-z0-9]", "", to_hiragana(text).lower())


def _rank(query: str, key: str) -> tuple[int, int] | None:
    """Lower is better; None is no hit. The second figure prefers the longest town an address starts with."""
    if not key:
        return None
    if query == key:
        return 0, 0
    if key.startswith(query):
        return 1, 0
    if len(query) >= 2 and query in key:
        return 2, 0
    if len(key) >= 2 and query.startswith(key):
        return 3, -len(key)
    return None


def _number(kanji: str) -> int:
    tens, ten, ones = kanji.rpartition("十")
    if not ten:
        return int("".join(str(_DIGITS[one]) for one in kanji))
    return (_number(tens) if tens else 1) * 10 + (_number(ones) if ones else 0)
