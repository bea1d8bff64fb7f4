"""Towns with a representative point, in the layout of the Geolonia 住所データ: pref, city, town, koaza, lat, lng.

The national table has one row per 町丁目 and, under some 大字, one per 小字. It has no readings: they are joined
in `geodata.town_merge`. The ward of a designated city is part of `city` (仙台市青葉区) and split off here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from geodata.areas import JAPAN, Bbox
from geodata.errors import NothingOfCity
from geodata.importers.archives import the_list
from geodata.importers.recognise import ListKind, refusal
from geodata.importers.site_rows import plain_heading
from geodata.importers.tables import (
    Rejected,
    RowRefused,
    decode,
    named_cells,
    read_lonlat,
    read_table,
    required,
)
from geodata.places import ReadingStatus, Town

COLUMNS = ("pref", "city", "town", "koaza", "lat", "lng")
POINT_SOURCE = "Geolonia 住所データ／国土交通省 位置参照情報の代表点"
MEAN_SOURCE = f"{POINT_SOURCE}（小字の平均）"


@dataclass(frozen=True, slots=True)
class TownPointsParsed:
    """A table as read; towns in the order of the file, without readings."""

    towns: tuple[Town, ...]
    rejected: tuple[Rejected, ...]
    other_municipalities: int = 0


def parse_town_points(
    data: bytes, *, city: str, prefecture: str = "", bbox: Bbox = JAPAN, koaza: bool = False
) -> TownPointsParsed:
    """The towns of one city (仙台市), its wards split off.

    prefecture: tells cities of one name apart (府中市); "" takes any. koaza: keep each 小字 as a town of its own
    (秋保町境野字七森) as well; without it a 大字 that has points only by 小字 stands at their mean. Raises
    UnreadableText, UnknownLayout, OtherList, NothingOfCity, UnclosedQuote, UnreadableArchive, NotOneList.
    """
    headings, rows, broken = read_table(decode(the_list(data)))
    headings = [plain_heading(one) for one in headings]
    if not set(headings).issuperset(COLUMNS):
        raise refusal(headings, ListKind.TOWN_POINTS, ", ".join(COLUMNS))
    towns: list[Town] = []
    parts: dict[tuple[str, str], list[Town]] = {}
    rejected = list(broken)
    seen: dict[tuple[str, str], int] = {}
    passed_over = 0
    for number, cells in rows:
        try:
            row = named_cells(headings, cells)
            if not row["city"].startswith(city) or (prefecture and row["pref"] != prefecture):
                passed_over += 1
                continue
            town = _town(row, city, bbox)
            key = (town.ward, town.name)
            if key in seen:
                raise RowRefused("town", f"{seen[key]}行目と同じ町名です。どちらかを削除してください。")
            seen[key] = number
            if row["koaza"]:
                parts.setdefault((town.ward, _base(row["town"])), []).append(town)
            if koaza or not row["koaza"]:
                towns.append(town)
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason))
    if passed_over and not towns and not parts and not rejected:
        raise NothingOfCity(city=city, count=passed_over)
    towns.extend(_means(parts, known=seen.keys()))
    return TownPointsParsed(tuple(towns), tuple(sorted(rejected, key=lambda one: one.row)), passed_over)


def _town(row: dict[str, str], city: str, bbox: Bbox) -> Town:
    name = _base(required(row, "town"))
    if row["koaza"]:
        name = f"{name}字{re.sub(r'^字', '', row['koaza'])}"
    lon, lat = read_lonlat(row, "lng", "lat", bbox)
    return Town(
        name=name,
        ward=row["city"].removeprefix(city),
        kana="",
        romaji="",
        lon=lon,
        lat=lat,
        reading_source="",
        reading_status=ReadingStatus.DRAFT,
        point_source=POINT_SOURCE,
    )


def _base(town: str) -> str:
    """A town without the word 字 or 大字 before its name; 字 within a name (十文字) is part of it."""
    return re.sub(r"^大?字(?=.)", "", town)


def _means(parts: dict[tuple[str, str], list[Town]], known: Iterable[tuple[str, str]]) -> list[Town]:
    """The 大字 that have no row of their own, at the mean of their 小字."""
    listed = set(known)
    return [
        replace(
            towns[0],
            name=name,
            lon=sum(one.lon for one in towns) / len(towns),
            lat=sum(one.lat for one in towns) / len(towns),
            point_source=MEAN_SOURCE,
        )
        for (ward, name), towns in parts.items()
        if (ward, name) not in listed
    ]
