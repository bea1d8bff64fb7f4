"""Which list a file is, told by its headings: to choose the reader, or to say what was handed in by mistake."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Sequence
from enum import StrEnum

from geodata.errors import GeodataError, OtherList, UnknownLayout
from geodata.importers.archives import the_list
from geodata.importers.site_rows import plain_heading
from geodata.importers.tables import decode

_HEAD_BYTES = 65_536
POST_CODE_CELLS = 15


class ListKind(StrEnum):
    """A list this package can read."""

    EMERGENCY_SITES = "emergency_sites"
    SHELTERS = "shelters"
    SITES_JSON = "sites_json"
    OPEN_DATA_SITES = "open_data_sites"
    OWN_SITES = "own_sites"
    TEMPORARY_STAYS = "temporary_stays"
    CAPACITIES = "capacities"
    OWN_TOWNS = "own_towns"
    TOWN_POINTS = "town_points"
    POST_CODES = "post_codes"
    POPULATION = "population"

    @property
    def ja(self) -> str:
        """What officials call it."""
        return _JA[self]

    @property
    def command(self) -> str:
        """The kind of import it belongs to."""
        return _COMMAND.get(self, "sites")


_JA = {
    ListKind.EMERGENCY_SITES: "国土地理院の指定緊急避難場所の一覧",
    ListKind.SHELTERS: "国土地理院の指定避難所の一覧",
    ListKind.SITES_JSON: "指定緊急避難場所・指定避難所の一覧（JSON版）",
    ListKind.OPEN_DATA_SITES: "自治体標準オープンデータセットの指定緊急避難場所一覧",
    ListKind.OWN_SITES: "見本の表（施設）",
    ListKind.TEMPORARY_STAYS: "一時滞在施設の表",
    ListKind.CAPACITIES: "収容人数の表",
    ListKind.OWN_TOWNS: "町名の表",
    ListKind.TOWN_POINTS: "町名と代表点の一覧（住所データ）",
    ListKind.POST_CODES: "日本郵便の郵便番号データ",
    ListKind.POPULATION: "町別の人口の表",
}
_COMMAND = {
    ListKind.CAPACITIES: "capacities",
    ListKind.OWN_TOWNS: "places",
    ListKind.TOWN_POINTS: "places",
    ListKind.POST_CODES: "places",
    ListKind.POPULATION: "places",
}
SITE_LISTS = frozenset(ListKind) - _COMMAND.keys()
"""What `parse_sites` reads."""
_MARKS: tuple[tuple[ListKind, frozenset[str]], ...] = (
    (ListKind.EMERGENCY_SITES, frozenset({"共通ID", "施設・場所名", "洪水", "津波"})),
    (ListKind.SHELTERS, frozenset({"共通ID", "施設・場所名", "受入対象者"})),
    (ListKind.SHELTERS, frozenset({"共通ID", "施設・場所名", "指定緊急避難場所との住所同一"})),
    (ListKind.OWN_SITES, frozenset({"id", "kind", "name", "tsunami_floor"})),
    (ListKind.TEMPORARY_STAYS, frozenset({"一時滞在施設", "所在地", "緯度", "経度"})),
    (ListKind.OWN_TOWNS, frozenset({"name", "ward", "kana", "reading_status"})),
    (ListKind.TOWN_POINTS, frozenset({"pref", "city", "town", "koaza"})),
    (ListKind.POPULATION, frozenset({"ward", "town_code", "total_pop"})),
    (ListKind.CAPACITIES, frozenset({"source", "refuge_persons"})),
    (ListKind.CAPACITIES, frozenset({"source", "stay_persons"})),
    (ListKind.CAPACITIES, frozenset({"出典", "緊急避難人数"})),
    (ListKind.CAPACITIES, frozenset({"出典", "想定収容人数"})),
)


def recognise(data: bytes) -> ListKind | None:
    """The kind of list, also inside a zip; None where it is none known here. Never raises."""
    try:
        data = the_list(data)
        if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return _of_json(json.loads(decode(data)))
        head = data[: data.rfind(b"\n", 0, _HEAD_BYTES) + 1] if len(data) > _HEAD_BYTES else data
        reader = csv.reader(io.StringIO(decode(head), newline=""))
        row: list[str] = next((one for one in reader if any(one)), [])
    except (GeodataError, ValueError, RecursionError, csv.Error):
        return None
    return kind_of_headings([plain_heading(one) for one in row])


def kind_of_headings(headings: Sequence[str]) -> ListKind | None:
    """The kind of a table with these headings; 郵便番号データ has none, so its first row is looked at."""
    known = frozenset(headings)
    for kind, marks in _MARKS:
        if known >= marks:
            return kind
    if "名称" in known and any(one.startswith("災害種別_") for one in known):
        return ListKind.OPEN_DATA_SITES
    if is_post_code_row(headings):
        return ListKind.POST_CODES
    return None


def is_post_code_row(cells: Sequence[str]) -> bool:
    """Whether a row is of 郵便番号データ: 15 cells, a municipality code first and seven figures third."""
    return (
        len(cells) == POST_CODE_CELLS
        and re.fullmatch(r"\d{4,5}", cells[0]) is not None
        and re.fullmatch(r"\d{5,7}", cells[2]) is not None
    )


def refusal(
    headings: Sequence[str], asked: ListKind, expected: str, *, also: Collection[ListKind] = ()
) -> GeodataError:
    """Why a table is not the list asked for: another one that is known, or no layout known here.

    expected: the headings that would do. also: kinds that would have been taken as well.
    """
    found = kind_of_headings(headings)
    if found is not None and found is not asked and found not in also:
        return OtherList(expected=asked.ja, found=found.ja, command=f"bosai import {found.command}")
    return UnknownLayout(found="・".join(headings)[:300], expected=expected)


def _of_json(document: object) -> ListKind | None:
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("e"), list) and isinstance(document.get("s"), list):
        return ListKind.SITES_JSON
    features = document.get("features")
    first = features[0] if isinstance(features, list) and features else None
    properties = first.get("properties") if isinstance(first, dict) else None
    return (
        kind_of_headings([plain_heading(one) for one in properties]) if isinstance(properties, dict) else None
    )
