"""Residents by town from a city's table: ward, town_code, town_name, total_pop, three age groups, lat, lon.

Columns are found by heading, by these or by Japanese names; 世帯数 is taken where a table has it. The ward may be
written in romaji: which ward it is shows in the names of its towns, so no table of wards is needed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geodata.areas import JAPAN, Bbox
from geodata.errors import RepeatedHeading
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
from geodata.place_keys import kanji_key
from geodata.places import Town

MAX_PERSONS = 1_000_000
_ALIASES = {
    "区": "ward",
    "区名": "ward",
    "町コード": "town_code",
    "町丁コード": "town_code",
    "町名": "town_name",
    "町丁名": "town_name",
    "総数": "total_pop",
    "人口": "total_pop",
    "年少人口": "pop_young",
    "生産年齢人口": "pop_working",
    "老年人口": "pop_old",
    "世帯数": "households",
    "緯度": "lat",
    "経度": "lon",
}
_COLUMNS = (
    "ward",
    "town_code",
    "town_name",
    "total_pop",
    "pop_young",
    "pop_working",
    "pop_old",
    "lat",
    "lon",
)
_AGES = ("pop_young", "pop_working", "pop_old")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TownPopulation:
    """Residents of n towns, row by row; `ward` as the table writes it until `in_wards` is applied.

    code, ward, name: text. persons = young (under 15) + working (15–64) + old (65 and over): heads.
    households: nan where the table has none. lonlat: (n, 2) degrees.
    """

    code: NDArray[np.object_]
    ward: NDArray[np.object_]
    name: NDArray[np.object_]
    persons: NDArray[np.int64]
    young: NDArray[np.int64]
    working: NDArray[np.int64]
    old: NDArray[np.int64]
    households: NDArray[np.float64]
    lonlat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.code)

    def in_wards(self, wards: Mapping[str, str]) -> TownPopulation:
        """The same with each ward under its name in `wards`, as `join_population` found it."""
        ward = np.array([wards.get(one, one) for one in self.ward], dtype=np.object_)
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return TownPopulation(**{**columns, "ward": ward})


@dataclass(frozen=True, slots=True)
class PopulationParsed:
    """A table as read."""

    population: TownPopulation
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class PopulationJoin:
    """Which town each row is. rows: (n,) row in the towns given, -1 where none is of that ward and name.

    wards: the table's word for a ward → its name.
    """

    rows: NDArray[np.intp]
    wards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    code: str
    ward: str
    name: str
    persons: int
    ages: tuple[int, int, int]
    households: float
    lonlat: tuple[float, float]


def parse_population(data: bytes, *, bbox: Bbox = JAPAN) -> PopulationParsed:
    """Raises UnreadableText, UnknownLayout, OtherList, RepeatedHeading, UnclosedQuote, UnreadableArchive,
    NotOneList; bad rows are returned, not raised.
    """
    headings, rows, broken = read_table(decode(the_list(data)))
    names = [_ALIASES.get(plain := plain_heading(one), plain) for one in headings]
    if not set(names).issuperset(_COLUMNS):
        raise refusal(
            names, ListKind.POPULATION, ", ".join((*_COLUMNS, "households（世帯数。なくてもよい）"))
        )
    repeated = next((one for one in _COLUMNS if names.count(one) > 1), "")
    if repeated:
        raise RepeatedHeading(heading=repeated)
    taken: list[_Row] = []
    rejected = list(broken)
    seen: dict[str, int] = {}
    for number, cells in rows:
        row: dict[str, str] = {}
        try:
            row = named_cells(names, cells)
            read = _row(row, bbox)
            if read.code in seen:
                raise RowRefused("town_code", f"{seen[read.code]}行目と同じ町です。片方を削除してください。")
            seen[read.code] = number
            taken.append(read)
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason, row.get("town_code", "")))
    return PopulationParsed(_arrays(taken), tuple(sorted(rejected, key=lambda one: one.row)))


def join_population(population: TownPopulation, towns: Sequence[Town]) -> PopulationJoin:
    """Rows of the table to towns by ward and name.

    A ward the towns do not know (aoba) is the one whose towns share most names with it, if no other shares as
    many; two words never mean one ward.
    """
    rows_of = {(one.ward, kanji_key(one.name)): row for row, one in enumerate(towns)}
    keys = [kanji_key(one) for one in population.name]
    wards = _wards(list(population.ward), keys, rows_of)
    rows = [
        rows_of.get((wards.get(ward, ward), key), -1) for ward, key in zip(population.ward, keys, strict=True)
    ]
    return PopulationJoin(np.array(rows, dtype=np.intp), wards)


def _wards(labels: list[str], keys: list[str], rows_of: Mapping[tuple[str, str], int]) -> dict[str, str]:
    known: dict[str, set[str]] = {}
    for ward, key in rows_of:
        known.setdefault(ward, set()).add(key)
    found: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        if label in known:
            found[label] = label
            continue
        names = {key for one, key in zip(labels, keys, strict=True) if one == label}
        shared = Counter({ward: len(names & theirs) for ward, theirs in known.items()}).most_common(2)
        if shared and shared[0][1] > (shared[1][1] if len(shared) > 1 else 0):
            found[label] = shared[0][0]
    twice = {ward for ward, count in Counter(found.values()).items() if count > 1}
    return {label: ward for label, ward in found.items() if ward not in twice or label == ward}


def _row(row: dict[str, str], bbox: Bbox) -> _Row:
    persons = _heads(row, "total_pop")
    young, working, old = (_heads(row, one) for one in _AGES)
    if young + working + old != persons:
        reason = f"年齢別の合計{young + working + old}人が総数{persons}人と合いません。数を直してください。"
        raise RowRefused("total_pop", reason)
    return _Row(
        code=_code(row),
        ward=required(row, "ward"),
        name=required(row, "town_name"),
        persons=persons,
        ages=(young, working, old),
        households=float(_heads(row, "households")) if row.get("households") else float("nan"),
        lonlat=read_lonlat(row, "lon", "lat", bbox),
    )


def _code(row: dict[str, str]) -> str:
    """町字 codes as text: municipality (5) and 町字ID (7); a spreadsheet drops the zero of 04101.

    Eleven figures whose third to fifth are below 100 can have no municipality there, so a zero was lost.
    """
    text = unicodedata.normalize("NFKC", required(row, "town_code")).removesuffix(".0")
    if not re.fullmatch(r"\d{11,12}", text):
        reason = f"「{row['town_code']}」は11桁か12桁の数字ではありません。町コードを確かめてください。"
        raise RowRefused("town_code", reason)
    return f"0{text}" if len(text) == 11 and int(text[2:5]) < 100 else text


def _heads(row: dict[str, str], column: str) -> int:
    text = unicodedata.normalize("NFKC", row[column]).replace(",", "")
    text = re.sub(r"\.0+$|[人世帯]+$", "", text)
    if not re.fullmatch(r"\d{1,7}", text) or int(text) > MAX_PERSONS:
        reason = f"「{row[column]}」は0〜{MAX_PERSONS}の整数ではありません。数を記入してください。"
        raise RowRefused(column, reason)
    return int(text)


def _arrays(rows: Sequence[_Row]) -> TownPopulation:
    ages = np.array([one.ages for one in rows], dtype=np.int64).reshape(-1, 3)
    return TownPopulation(
        code=np.array([one.code for one in rows], dtype=np.object_),
        ward=np.array([one.ward for one in rows], dtype=np.object_),
        name=np.array([one.name for one in rows], dtype=np.object_),
        persons=np.array([one.persons for one in rows], dtype=np.int64),
        young=ages[:, 0],
        working=ages[:, 1],
        old=ages[:, 2],
        households=np.array([one.households for one in rows], dtype=np.float64),
        lonlat=np.array([one.lonlat for one in rows], dtype=np.float64).reshape(-1, 2),
    )
