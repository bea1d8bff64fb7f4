"""Lists of evacuation sites: the national CSV of 国土地理院, its JSON edition, and our own small table.

    bytes ─▶ layout by headings ─▶ rows ─▶ SiteRecord · Rejected

Columns are found by heading, in any order. Known layouts: 指定緊急避難場所 (`…_2.csv`, eight flags) and
指定避難所 (`…_1.csv`), national or of one municipality (no municipality column); JSON `{e: […], s: […]}`;
and the table of the built-in sample (`id, kind, name, …`), whose columns are already what a record holds.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from geodata.areas import JAPAN, Bbox
from geodata.errors import BrokenJson, UnknownLayout
from geodata.facilities import SiteChanges, diff_sites
from geodata.hazards import HAZARD_HEADINGS, HazardKind
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
from geodata.remarks import merge_limits, read_floors, read_name
from geodata.sites import FloorGroup, FloorLimit, SiteForm, SiteKind, SiteRecord, site_form_of

MUNICIPALITY = "都道府県名及び市町村名"
SAME_AS_SHELTER = "指定避難所との住所同一"
SAME_AS_EMERGENCY = "指定緊急避難場所との住所同一"
_COMMON = ("共通ID", "施設・場所名", "住所", "緯度", "経度")
_OWN = ("id", "kind", "name", "address", "ward", "lon", "lat", "hazards", "tsunami_floor", "rain_floor")
_EXPECTED = (
    f"「{'・'.join(_COMMON)}」と災害種別8列（指定緊急避難場所）、または「{'・'.join(_COMMON)}」と"
    f"「受入対象者」か「{SAME_AS_EMERGENCY}」（指定避難所）、または {', '.join(_OWN)}（見本の表）"
)
# The bit of each flag in the JSON edition; not the order of the columns.
_JSON_BITS = {
    1: HazardKind.FLOOD,
    2: HazardKind.LANDSLIDE,
    4: HazardKind.STORM_SURGE,
    8: HazardKind.EARTHQUAKE,
    16: HazardKind.TSUNAMI,
    32: HazardKind.LARGE_FIRE,
    64: HazardKind.INLAND_FLOOD,
    128: HazardKind.VOLCANO,
}

_Row = Mapping[str, object]
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SitesParsed:
    """A list as read. `kinds` is what the list covers; `other_municipalities` counts rows passed over."""

    records: tuple[SiteRecord, ...]
    rejected: tuple[Rejected, ...]
    kinds: frozenset[SiteKind]
    other_municipalities: int = 0

    @property
    def by_id(self) -> dict[str, SiteRecord]:
        """The records by 共通ID."""
        return {one.site_id: one for one in self.records}

    @property
    def rejected_ids(self) -> frozenset[str]:
        """Ids whose row was refused: in the list, though not taken."""
        return frozenset(one.row_id for one in self.rejected if one.row_id)

    @property
    def covers_all(self) -> bool:
        """False when the id of a refused row could not be read: nobody can tell then which site is missing."""
        return all(one.row_id for one in self.rejected)

    def changes_from(self, known: Mapping[str, SiteRecord]) -> SiteChanges:
        """What this list adds, changes and drops. A refused row never makes its site gone."""
        return diff_sites(
            known, self.by_id, kinds=self.kinds if self.covers_all else (), keep=self.rejected_ids
        )


def parse_sites(data: bytes, *, municipality: str = "", bbox: Bbox = JAPAN) -> SitesParsed:
    """Any known layout. municipality: take only rows of it (仙台市); "" takes all.

    Raises UnreadableText, UnknownLayout, UnclosedQuote, BrokenJson; bad rows are returned, not raised.
    """
    text = decode(data)
    if text.lstrip()[:1] in {"{", "["}:
        return _parse_json(text, municipality, bbox)
    headings, rows, broken = read_table(text)
    headings = [_plain(one) for one in headings]
    kinds, read = _layout(headings)
    taken = _Taken(kinds, bbox)
    for number, cells in rows:
        taken.take(number, lambda cells=cells: named_cells(headings, cells), read, municipality)  # type: ignore[misc]
    return taken.parsed(broken)


class _Taken:
    """Records gathered row by row; an id counts once."""

    def __init__(self, kinds: Iterable[SiteKind], bbox: Bbox) -> None:
        self.kinds = frozenset(kinds)
        self.bbox = bbox
        self.records: list[SiteRecord] = []
        self.rejected: list[Rejected] = []
        self.first_row: dict[str, int] = {}
        self.passed_over = 0

    def take(
        self,
        number: int,
        cells: Callable[[], _Row],
        read: Callable[[_Row, Bbox], SiteRecord],
        municipality: str,
    ) -> None:
        row: _Row = {}
        try:
            row = cells()
            if municipality not in str(row.get(MUNICIPALITY, municipality)):
                self.passed_over += 1
                return
            record = read(row, self.bbox)
            if record.site_id in self.first_row:
                reason = f"{self.first_row[record.site_id]}行目と同じIDです。どちらかを削除してください。"
                raise RowRefused("共通ID", reason)
            self.first_row[record.site_id] = number
            self.records.append(record)
        except RowRefused as refused:
            row_id = str(row.get("共通ID") or row.get("id") or "").strip()
            self.rejected.append(Rejected(number, refused.field, refused.reason, row_id))

    def parsed(self, broken: Iterable[Rejected] = ()) -> SitesParsed:
        rejected = sorted([*self.rejected, *broken], key=lambda one: one.row)
        return SitesParsed(tuple(self.records), tuple(rejected), self.kinds, self.passed_over)


def _layout(headings: list[str]) -> tuple[frozenset[SiteKind], Callable[[_Row, Bbox], SiteRecord]]:
    known = set(headings)
    if known.issuperset(_OWN):
        return frozenset(SiteKind), _read_own
    if known.issuperset(_COMMON):
        if known.issuperset(HAZARD_HEADINGS.values()):
            return frozenset({SiteKind.EMERGENCY}), _read_emergency
        if known & {"受入対象者", SAME_AS_EMERGENCY}:
            return frozenset({SiteKind.SHELTER}), _read_shelter
    raise UnknownLayout(found="・".join(headings)[:300], expected=_EXPECTED)


def _read_emergency(row: _Row, bbox: Bbox) -> SiteRecord:
    hazards = frozenset(one for one, heading in HAZARD_HEADINGS.items() if flag(row, heading))
    return _record(row, bbox, SiteKind.EMERGENCY, hazards, same_address=flag(row, SAME_AS_SHELTER))


def _read_shelter(row: _Row, bbox: Bbox) -> SiteRecord:
    return _record(row, bbox, SiteKind.SHELTER, frozenset(), same_address=flag(row, SAME_AS_EMERGENCY))


def _record(
    row: _Row, bbox: Bbox, kind: SiteKind, hazards: frozenset[HazardKind], *, same_address: bool
) -> SiteRecord:
    site_id = required(row, "共通ID")
    published = required(row, "施設・場所名")
    lon, lat = read_lonlat(row, "経度", "緯度", bbox)
    name = read_name(published, hazards)
    floors = read_floors(_text(row, "備考"), hazards)
    address = _text(row, "住所")
    restricted_to = _text(row, "受入対象者")
    return SiteRecord(
        site_id=site_id,
        kind=kind,
        name=name.name,
        name_as_published=published,
        address=address,
        ward=ward_of(address),
        lon=lon,
        lat=lat,
        hazards=hazards,
        floor_limits=merge_limits(name.floor_limits, floors.floor_limits),
        refuge_part=floors.refuge_part,
        not_opened_first_in_rain=name.not_opened_first_in_rain,
        restricted_to=restricted_to,
        conditions=_text(row, "その他市町村長が必要と認める事項"),
        same_address_as_other_kind=same_address,
        site_form=site_form_of(name.name, hazards, restricted_to),
        remarks=floors.rest,
    )


def ward_of(address: str) -> str:
    """The ward in an address of a designated city (宮城県仙台市若林区… → 若林区), else ""."""
    found = re.search(r"市(\S{1,4}?区)", address)
    return found[1] if found else ""


def _read_own(row: _Row, bbox: Bbox) -> SiteRecord:
    site_id, name = required(row, "id"), required(row, "name")
    lon, lat = read_lonlat(row, "lon", "lat", bbox)
    limits: dict[FloorGroup, FloorLimit] = {}
    for group, column in ((FloorGroup.TSUNAMI, "tsunami_floor"), (FloorGroup.HEAVY_RAIN, "rain_floor")):
        limit = _own_floor(row, column)
        if limit is not None:
            limits[group] = limit
    hazards = frozenset(_member(HazardKind, "hazards", one) for one in _text(row, "hazards").split())
    form = _text(row, "site_form")
    restricted_to = _text(row, "restricted_to")
    return SiteRecord(
        site_id=site_id,
        kind=_member(SiteKind, "kind", _text(row, "kind")),
        name=name,
        name_as_published=name,
        address=_text(row, "address"),
        ward=_text(row, "ward"),
        lon=lon,
        lat=lat,
        hazards=hazards,
        floor_limits=limits,
        refuge_part=_text(row, "refuge_part"),
        not_opened_first_in_rain=flag(row, "not_opened_first_in_rain"),
        restricted_to=restricted_to,
        conditions=_text(row, "conditions"),
        same_address_as_other_kind=flag(row, "same_address"),
        site_form=_member(SiteForm, "site_form", form)
        if form
        else site_form_of(name, hazards, restricted_to),
        remarks=_text(row, "remarks"),
    )


def _own_floor(row: _Row, column: str) -> FloorLimit | None:
    text = _text(row, column)
    if text in {"", "roof"}:
        return "roof" if text else None
    if not re.fullmatch(r"[1-9]\d?", text):
        raise RowRefused(column, f"「{text}」は使えません。階数（例：2）か roof か空欄にしてください。")
    return int(text)


def _member(of: type[_Choice], column: str, text: str) -> _Choice:
    try:
        return of(text)
    except ValueError:
        choices = "、".join(of)
        raise RowRefused(column, f"「{text}」は使えません。使える値：{choices}。") from None


def _parse_json(text: str, municipality: str, bbox: Bbox) -> SitesParsed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenJson(detail=str(error)[:200]) from None
    document = document if isinstance(document, dict) else {}
    emergency, shelter = document.get("e"), document.get("s")
    if not isinstance(emergency, list) or not isinstance(shelter, list):
        raise BrokenJson(detail="{e: [指定緊急避難場所…], s: [指定避難所…], p: {…}} ではありません")
    prefecture = document.get("p")
    prefix = str(prefecture.get("name", "")) if isinstance(prefecture, dict) else ""
    taken = _Taken(SiteKind, bbox)
    for entries, read in ((emergency, _read_emergency), (shelter, _read_shelter)):
        for number, entry in enumerate(entries, start=1):
            taken.take(number, lambda entry=entry: _json_row(entry, prefix), read, municipality)  # type: ignore[misc]
    return taken.parsed()


def _json_row(entry: object, prefecture: str) -> _Row:
    """An entry of the JSON edition under the headings of the CSV; its row number is its place in the list."""
    if not isinstance(entry, dict):
        raise RowRefused("行全体", "項目の組（オブジェクト）ではありません。")
    mask = entry.get("h", 0)
    if isinstance(mask, bool) or not isinstance(mask, int) or not 0 <= mask < 256:
        raise RowRefused("h", f"災害種別「{mask}」は0〜255の整数ではありません。")
    flags = {HAZARD_HEADINGS[one]: "1" if mask & bit else "" for bit, one in _JSON_BITS.items()}
    return {
        **flags,
        "共通ID": entry.get("id"),
        MUNICIPALITY: prefecture + str(entry.get("m", "")),
        "施設・場所名": entry.get("n"),
        "住所": f"{prefecture}{entry.get('m', '')}{entry.get('a', '')}",
        "経度": entry.get("lo"),
        "緯度": entry.get("la"),
        "備考": entry.get("o"),
        "受入対象者": entry.get("r"),
        "その他市町村長が必要と認める事項": entry.get("c"),
        SAME_AS_SHELTER: entry.get("s"),
        SAME_AS_EMERGENCY: entry.get("s"),
    }


def _text(row: _Row, column: str) -> str:
    value = row.get(column)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _plain(heading: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", heading))
