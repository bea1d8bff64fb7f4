"""Capacities a city measured or published: CSV of id or name, refuge_persons, stay_persons, source."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from geodata.errors import UnknownLayout
from geodata.importers.tables import Rejected, RowRefused, decode, named_cells, read_table

MAX_PERSONS = 200_000

_ALIASES = {
    "共通ID": "id",
    "ID": "id",
    "施設・場所名": "name",
    "名称": "name",
    "緊急避難人数": "refuge_persons",
    "想定収容人数": "stay_persons",
    "出典": "source",
}
_SOURCES = {"published": "published", "公表": "published", "measured": "measured", "実測": "measured"}
_EXPECTED = "id（共通ID）か name（施設・場所名）、refuge_persons・stay_persons の少なくとも一方、source"


class CapacitySource(StrEnum):
    """Where a figure comes from; assumed figures come from settings, never from a file."""

    PUBLISHED = "published"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRecord:
    """Seats of one site, by 共通ID or, where that is "", by name; None where the file gives no figure."""

    site_id: str = ""
    name: str = ""
    refuge_persons: int | None = None
    stay_persons: int | None = None
    source: CapacitySource
    row: int


@dataclass(frozen=True, slots=True)
class CapacitiesParsed:
    """A file as read."""

    records: tuple[CapacityRecord, ...]
    rejected: tuple[Rejected, ...]


def parse_capacities(data: bytes) -> CapacitiesParsed:
    """Raises UnreadableText, UnknownLayout, UnclosedQuote; bad rows are returned, not raised."""
    headings, rows, broken = read_table(decode(data))
    names = [re.sub(r"\s", "", unicodedata.normalize("NFKC", one)) for one in headings]
    names = [_ALIASES.get(one, one) for one in names]
    if not (
        {"id", "name"} & set(names) and {"refuge_persons", "stay_persons"} & set(names) and "source" in names
    ):
        raise UnknownLayout(found="・".join(headings)[:300], expected=_EXPECTED)
    records: list[CapacityRecord] = []
    rejected = list(broken)
    seen: dict[tuple[str, str], int] = {}
    for number, cells in rows:
        row: dict[str, str] = {}
        try:
            row = named_cells(names, cells)
            record = _record(row, number)
            key = (record.site_id, "" if record.site_id else record.name)
            if key in seen:
                raise RowRefused("id", f"{seen[key]}行目と同じ施設です。どちらかを削除してください。")
            seen[key] = number
            records.append(record)
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason, row.get("id", "")))
    return CapacitiesParsed(tuple(records), tuple(sorted(rejected, key=lambda one: one.row)))


def _record(row: dict[str, str], number: int) -> CapacityRecord:
    site_id, name = row.get("id", ""), row.get("name", "")
    if not site_id and not name:
        raise RowRefused("id", "idもnameも空欄です。どちらかを記入してください。")
    source = _SOURCES.get(row["source"])
    if source is None:
        reason = f"「{row['source']}」は使えません。published（公表）か measured（実測）にしてください。"
        raise RowRefused("source", reason)
    refuge_persons, stay_persons = _persons(row, "refuge_persons"), _persons(row, "stay_persons")
    if refuge_persons is None and stay_persons is None:
        raise RowRefused(
            "refuge_persons・stay_persons", "どちらも空欄です。少なくとも一方を記入してください。"
        )
    return CapacityRecord(
        site_id=site_id,
        name=name,
        refuge_persons=refuge_persons,
        stay_persons=stay_persons,
        source=CapacitySource(source),
        row=number,
    )


def _persons(row: dict[str, str], field: str) -> int | None:
    text = unicodedata.normalize("NFKC", row.get(field, "")).replace(",", "").removesuffix("人")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MAX_PERSONS:
        reason = f"「{row[field]}」は0〜{MAX_PERSONS}の整数ではありません。人数を記入してください。"
        raise RowRefused(field, reason)
    return int(text)
