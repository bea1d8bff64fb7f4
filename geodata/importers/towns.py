"""The city's own table of towns: name, ward, kana, romaji, lon, lat, reading_source, reading_status, point_source.

A town without a reading is kept findable by its name; a romaji left blank is made from the kana. Columns it may
have besides: code, outside_city, and postcodes (seven figures each, blanks between).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from geodata.areas import JAPAN, Bbox
from geodata.importers.archives import the_list
from geodata.importers.recognise import ListKind, refusal
from geodata.importers.tables import (
    Rejected,
    RowRefused,
    decode,
    flag,
    named_cells,
    read_lonlat,
    read_table,
    required,
)
from geodata.kana import to_hiragana, to_romaji
from geodata.place_keys import postcode_key
from geodata.places import ReadingStatus, Town

_COLUMNS = (
    "name",
    "ward",
    "kana",
    "romaji",
    "lon",
    "lat",
    "reading_source",
    "reading_status",
    "point_source",
)


@dataclass(frozen=True, slots=True)
class TownsParsed:
    """A table as read."""

    towns: tuple[Town, ...]
    rejected: tuple[Rejected, ...]


def parse_towns(data: bytes, *, bbox: Bbox = JAPAN) -> TownsParsed:
    """Raises UnreadableText, UnknownLayout, OtherList, UnclosedQuote, UnreadableArchive, NotOneList; bad rows
    are returned, not raised.
    """
    headings, rows, broken = read_table(decode(the_list(data)))
    if not set(headings).issuperset(_COLUMNS):
        raise refusal(headings, ListKind.OWN_TOWNS, ", ".join(_COLUMNS))
    towns: list[Town] = []
    rejected = list(broken)
    seen: dict[tuple[str, str], int] = {}
    for number, cells in rows:
        try:
            town = _town(named_cells(headings, cells), bbox)
            key = (town.ward, town.name)
            if key in seen:
                raise RowRefused("name", f"{seen[key]}行目と同じ町名です。どちらかを削除してください。")
            seen[key] = number
            towns.append(town)
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason))
    return TownsParsed(tuple(towns), tuple(sorted(rejected, key=lambda one: one.row)))


def _town(row: dict[str, str], bbox: Bbox) -> Town:
    name = required(row, "name")
    kana = to_hiragana(row["kana"])
    if not re.fullmatch(r"[ぁ-ゖー・]*", kana):
        raise RowRefused("kana", f"「{row['kana']}」にかな以外の文字があります。ひらがなで記入してください。")
    try:
        status = ReadingStatus(row["reading_status"])
    except ValueError:
        reason = (
            f"「{row['reading_status']}」は使えません。checked（確認済み）か draft（確認前）にしてください。"
        )
        raise RowRefused("reading_status", reason) from None
    if kana and not row["reading_source"]:
        raise RowRefused("reading_source", "読みの出典がありません。記入してください。")
    lon, lat = read_lonlat(row, "lon", "lat", bbox)
    return Town(
        code=row.get("code") or None,
        name=name,
        ward=row["ward"],
        kana=kana,
        romaji=row["romaji"] or to_romaji(kana).capitalize(),
        lon=lon,
        lat=lat,
        reading_source=row["reading_source"],
        reading_status=status,
        point_source=row["point_source"],
        outside_city=flag(row, "outside_city"),
        postcodes=_postcodes(row),
    )


def _postcodes(row: dict[str, str]) -> tuple[str, ...]:
    codes = [postcode_key(one) for one in row.get("postcodes", "").split()]
    if any(len(one) != 7 for one in codes):
        reason = f"「{row['postcodes']}」に7桁でない郵便番号があります。空白で区切って記入してください。"
        raise RowRefused("postcodes", reason)
    return tuple(sorted(set(codes)))
