"""One table of towns from three: points from everywhere, readings and postcodes of 日本郵便, the city's own table.

    points (ward, name, lon, lat) ─┐
    readings (name, kana, codes)  ─┼─▶ by ward and name ─▶ towns, each reading marked with how far it is checked
    own (the city's table)        ─┘

Whose reading it is: the city's own row, else 日本郵便's, else none. A name the source really says is as checked as
its source. A 丁目 put together here (荒井 + さんちょうめ) is a draft even then: the rule has exceptions, and
六丁目 in Sendai is read ろくちょうのめ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from geodata.kana import chome_kana, to_romaji
from geodata.place_keys import kanji_key
from geodata.places import ReadingStatus, Town

JAPAN_POST = "日本郵便 郵便番号データ"
BY_RULE = "丁目の読みは規則による"

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TownReading:
    """What one or more rows of 郵便番号データ say of a town; kana in hiragana, "" where the file has none.

    chome: the 丁目 it is for (empty: not split by 丁目). rest: it is for the 丁目 no other row names (その他).
    tower: the postcodes are those of floors of a building in the town.
    """

    ward: str
    name: str
    kana: str
    chome: frozenset[int] = frozenset()
    rest: bool = False
    tower: bool = False
    postcodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """What became of the three tables; names with their ward.

    unread: towns without a reading. differing: the city reads it one way, 日本郵便 another (the city's is kept).
    agreeing: drafts of the city which 日本郵便 reads alike, ready to be marked as checked. split: rows of the
    city's table left out because the points know their 丁目 one by one. unplaced: names of 日本郵便 without a point.
    """

    unread: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    agreeing: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergedTowns:
    """The towns, in the order of the points, then of the city's own table."""

    towns: tuple[Town, ...]
    report: MergeReport


def merge_towns(points: Sequence[Town], readings: Sequence[TownReading], own: Sequence[Town]) -> MergedTowns:
    """Points with readings and postcodes; any of the three may be empty.

    A row of `own` replaces the point of its name. Where the points have the 丁目 of one of its names, that row is
    left out, for a point in the middle of 丁目 would take the ground around it from them; its reading goes on to
    the 丁目. With no readings and no points the city's table comes out as it went in.
    """
    by_name: defaultdict[_Key, list[TownReading]] = defaultdict(list)
    for reading in readings:
        by_name[reading.ward, kanji_key(reading.name)].append(reading)
    of_city = {_key(one): one for one in own}
    point_keys = {_key(one) for one in points}
    bases = {(one.ward, kanji_key(base)) for one in points if (base := _split_chome(one.name)[0]) != one.name}
    split = [one for key, one in of_city.items() if key in bases and key not in point_keys]
    left_out = {_key(one) for one in split}
    towns = [_read(of_city.get(_key(one), one), of_city, by_name) for one in points]
    towns += [
        _read(one, of_city, by_name)
        for one in own
        if _key(one) not in point_keys and _key(one) not in left_out
    ]
    placed = {_key(one) for one in towns} | bases
    report = MergeReport(
        unread=_named(one for one in towns if not one.kana),
        differing=_named(one for one in own if _said(by_name, one) not in ("", one.kana) and one.kana),
        agreeing=_named(
            one
            for one in own
            if one.reading_status is ReadingStatus.DRAFT and one.kana and _said(by_name, one) == one.kana
        ),
        split=_named(split),
        unplaced=tuple(
            dict.fromkeys(f"{one.ward}{one.name}" for key in by_name.keys() - placed for one in by_name[key])
        ),
    )
    return MergedTowns(tuple(towns), replace(report, unplaced=tuple(sorted(report.unplaced))))


def _read(town: Town, of_city: dict[_Key, Town], by_name: dict[_Key, list[TownReading]]) -> Town:
    """A town with its reading and postcodes."""
    base, number = _split_chome(town.name)
    base_key = (town.ward, kanji_key(base))
    own = of_city.get(_key(town))
    town = replace(
        town, postcodes=_postcodes(town, by_name.get(_key(town), ()), by_name.get(base_key, ()), number)
    )
    if own is not None and own.kana:
        return town
    said = _said(by_name, town)
    if said:
        return _with(town, said, JAPAN_POST, ReadingStatus.CHECKED)
    if not number:
        return town
    whole = of_city.get(base_key)
    kana, source = (whole.kana, whole.reading_source) if whole is not None else ("", "")
    if not kana:
        kana, source = _kana_of(by_name.get(base_key, ())), JAPAN_POST
    if not kana:
        return town
    return _with(town, kana + chome_kana(number), f"{source}（{BY_RULE}）", ReadingStatus.DRAFT)


def _with(town: Town, kana: str, source: str, status: ReadingStatus) -> Town:
    romaji = to_romaji(kana).capitalize()
    return replace(town, kana=kana, romaji=romaji, reading_source=source, reading_status=status)


def _postcodes(
    town: Town, exact: Sequence[TownReading], of_base: Sequence[TownReading], number: int
) -> tuple[str, ...]:
    """The postcodes of a town; of a 丁目 only those of rows that are for it."""
    codes = {code for one in exact for code in one.postcodes} | set(town.postcodes)
    if number and not exact:
        named = {one for reading in of_base for one in reading.chome}
        for one in of_base:
            if number in one.chome or (one.rest and number not in named) or (not one.chome and not one.rest):
                codes.update(one.postcodes)
    return tuple(sorted(codes))


def _said(by_name: dict[_Key, list[TownReading]], town: Town) -> str:
    return _kana_of(by_name.get(_key(town), ()))


def _kana_of(readings: Iterable[TownReading]) -> str:
    """The reading the rows of a name agree on; "" where they differ or have none."""
    said = {one.kana for one in readings if one.kana and not one.tower}
    return said.pop() if len(said) == 1 else ""


def _key(town: Town) -> _Key:
    return town.ward, kanji_key(town.name)


def _split_chome(name: str) -> tuple[str, int]:
    """荒井三丁目 → (荒井, 3); a name without a number, or whose number is its name (六丁目), → (name, 0)."""
    hit = re.search(r"\D(\d{1,2})丁目$", kanji_key(name))
    number = int(hit[1]) if hit else 0
    base = re.sub(r"[〇一二三四五六七八九十0-9０-９]+丁目$", "", name)
    return (base, number) if number and base != name else (name, 0)


def _named(towns: Iterable[Town]) -> tuple[str, ...]:
    return tuple(f"{one.ward}{one.name}" for one in towns)
