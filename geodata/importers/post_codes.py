"""Readings and postcodes of towns from 日本郵便's 郵便番号データ: utf_ken_all.csv, or KEN_ALL.CSV before it.

Fifteen columns without a heading: municipality code, old code, postcode, prefecture, city and town in kana, the
same in kanji, and six flags. The newer file is UTF-8 with full-width kana and one row per record; the older one
is cp932 with half-width kana, and a town too long for a row goes on in the next, its bracket still open.

What stands in a town cell beside its name:
    以下に掲載がない場合 ・ …の次に番地がくる場合 ・ …一円    the rest of the municipality, no town
    （１～３丁目） （その他）                          the part of the town a postcode is for
    （次のビルを除く） 中央アエル（１階）                 towers have postcodes of their own, one per floor
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from geodata.errors import NothingOfCity, UnknownLayout
from geodata.importers.archives import the_list
from geodata.importers.recognise import ListKind, is_post_code_row, refusal
from geodata.importers.tables import Rejected, RowRefused, decode, read_table
from geodata.kana import to_hiragana
from geodata.town_merge import TownReading

_EXPECTED = "見出しのない15列（日本郵便の utf_ken_all.csv か KEN_ALL.CSV）"
_REST = re.compile(r"以下に掲載がない場合|の次に.*番地.*くる場合|^.*[市区町村]一円$")
_BRACKET = re.compile(r"\((.*)\)?$")
_FLOOR = re.compile(r"\d+階|地階|階層不明")
_LARGE_KANA = re.compile(r"[キシチニヒミリギジビピ][ヤユヨ][ウク]")


@dataclass(frozen=True, slots=True)
class PostCodesParsed:
    """A file as read; readings of one name stand together when they say the same."""

    readings: tuple[TownReading, ...]
    rejected: tuple[Rejected, ...]
    other_municipalities: int = 0


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells that matter, in one width. kana: of the town, katakana."""

    number: int
    prefecture: str
    city: str
    town: str
    kana: str
    postcode: str


def parse_post_codes(data: bytes, *, city: str, prefecture: str = "") -> PostCodesParsed:
    """The towns of one city (仙台市) with their readings and postcodes, by ward.

    prefecture: tells cities of one name apart; "" takes any. Raises UnreadableText, UnknownLayout, OtherList,
    NothingOfCity, UnclosedQuote, UnreadableArchive, NotOneList; bad rows are returned, not raised.
    """
    first, rows, rejected = read_table(decode(the_list(data)))
    if not is_post_code_row(first):
        raise refusal(first, ListKind.POST_CODES, _EXPECTED)
    taken: list[_Cells] = []
    passed_over = 0
    for number, cells in ((1, first), *rows):
        try:
            read = _cells(number, cells)
            if read.city.startswith(city) and prefecture in ("", read.prefecture):
                taken.append(read)
            else:
                passed_over += 1
        except RowRefused as refused:
            rejected.append(Rejected(number, refused.field, refused.reason))
    if passed_over and not taken and not rejected:
        raise NothingOfCity(city=city, count=passed_over)
    _refuse_large_kana(taken)
    whole = list(_joined(taken))
    names = {(one.city, _name(one.town)) for one in whole if not _is_floor(one.town)}
    readings: dict[TownReading, set[str]] = {}
    for one in whole:
        if _REST.search(one.town):
            continue
        if not _name(one.town):
            reason = f"「{one.town}」に町名がありません。日本郵便の元のファイルを使ってください。"
            rejected.append(Rejected(one.number, "町域名", reason))
            continue
        reading = _of_tower(one, names, city) if _is_floor(one.town) else _reading(one, city)
        readings.setdefault(reading, set()).add(one.postcode)
    return PostCodesParsed(
        tuple(replace(one, postcodes=tuple(sorted(codes))) for one, codes in readings.items()),
        tuple(sorted(rejected, key=lambda one: one.row)),
        passed_over,
    )


def _cells(number: int, cells: list[str]) -> _Cells:
    if len(cells) != 15:
        raise RowRefused("列数", f"列が{len(cells)}個あります（15個のはず）。区切りを直してください。")
    plain = [unicodedata.normalize("NFKC", one).strip() for one in cells]
    postcode = plain[2].zfill(7)  # 0600000 loses its zero in a spreadsheet
    if not re.fullmatch(r"\d{7}", postcode):
        raise RowRefused(
            "郵便番号", f"「{cells[2]}」は7桁の数字ではありません。ハイフンなしで記入してください。"
        )
    if not plain[7] or not plain[8]:
        raise RowRefused("市区町村名・町域名", "空欄です。日本郵便の元のファイルを使ってください。")
    return _Cells(number, plain[6], plain[7], plain[8], plain[5], postcode)


def _joined(rows: list[_Cells]) -> Iterator[_Cells]:
    """Rows whose bracket is still open, with the rows that go on from them."""
    open_row: _Cells | None = None
    for row in rows:
        whole = row
        if open_row is not None:
            if (open_row.city, open_row.postcode) == (row.city, row.postcode):
                # The kana is repeated, not continued, where it fits in one row.
                kana = open_row.kana if open_row.kana == row.kana else open_row.kana + row.kana
                whole = replace(open_row, town=open_row.town + row.town, kana=kana)
            else:
                yield open_row
        open_row = whole if whole.town.count("(") > whole.town.count(")") else None
        if open_row is None:
            yield whole
    if open_row is not None:
        yield open_row


def _reading(row: _Cells, city: str) -> TownReading:
    chome, rest = _parts(row.town)
    return TownReading(
        ward=row.city.removeprefix(city),
        name=_name(row.town),
        kana=_hiragana(_name(row.kana)),
        chome=chome,
        rest=rest,
    )


def _of_tower(row: _Cells, names: set[tuple[str, str]], city: str) -> TownReading:
    """The floor of a tower (中央アエル（１階）) as a postcode of the town its name starts with."""
    tower = _name(row.town)
    town = max(
        (name for ward, name in names if ward == row.city and tower.startswith(name)), key=len, default=""
    )
    if town:
        return TownReading(ward=row.city.removeprefix(city), name=town, kana="", tower=True)
    return TownReading(
        ward=row.city.removeprefix(city), name=tower, kana=_hiragana(_name(row.kana)), tower=True
    )


def _name(town: str) -> str:
    return town.partition("(")[0].strip()


def _is_floor(town: str) -> bool:
    bracket = _BRACKET.search(town)
    return bracket is not None and _FLOOR.search(bracket[1]) is not None


def _parts(town: str) -> tuple[frozenset[int], bool]:
    """The 丁目 a bracket names (none: all of the town), and whether it is for what other rows do not name."""
    bracket = _BRACKET.search(town)
    if bracket is None:
        return frozenset(), False
    text = re.sub(r"「.*?」|〔.*?〕|<.*?>", "", bracket[1].rstrip(")"))
    if text.startswith("その他"):
        return frozenset(), True
    numbers: set[int] = set()
    for run in re.findall(r"[\d、,・~〜～\-]+(?=丁目)", text):
        for first, last in re.findall(r"(\d+)(?:[~〜～\-](\d+))?", run):
            numbers.update(range(int(first), min(int(last or first), 99) + 1))
    return frozenset(numbers), False


def _hiragana(kana: str) -> str:
    """A reading in hiragana; "" where it holds figures or letters, for those are not read out in the file."""
    hiragana = to_hiragana(kana)
    return hiragana if re.fullmatch(r"[ぁ-ゖー・]+", hiragana) else ""


def _refuse_large_kana(rows: list[_Cells]) -> None:
    """An old edition wrote チヨウ for チョウ: its readings are no readings.

    Raises UnknownLayout when many rows look like that and none has a small kana.
    """
    large = sum(_LARGE_KANA.search(one.kana) is not None for one in rows)
    if large >= 5 and not any(re.search("[ャュョッ]", one.kana) for one in rows):
        raise UnknownLayout(found="チヨウ・ツのように促音・拗音を大きく書く版", expected=_EXPECTED)
