"""What every table has: bytes to text, text to rows numbered as a spreadsheet shows them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from geodata.areas import Bbox
from geodata.errors import UnclosedQuote, UnreadableText


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its number (the heading is row 1), the field, why and the mend in Japanese.

    row_id is the id of the row where it could be read, else "".
    """

    row: int
    field: str
    reason: str
    row_id: str = ""


class RowRefused(Exception):
    """Inside an importer: this row is out; becomes a Rejected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM, else cp932. Raises UnreadableText."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            return data.decode("cp932")
        except UnicodeDecodeError:
            raise UnreadableText(byte=error.start + 1) from None


def read_table(text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[Rejected]]:
    """The heading cells, the (row number, cells) of every row that is not blank, and rows that are no CSV.

    A quoted line break stays inside its row, so rows are counted as a spreadsheet counts them.
    Raises UnclosedQuote when the rest of the file would vanish into one cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, rejected = [], []
    for number, cells in _numbered(reader):
        if isinstance(cells, csv.Error):
            if "unexpected end" in str(cells):
                raise UnclosedQuote(row=number)
            rejected.append(
                Rejected(number, "行全体", f"CSVとして読めません（{cells}）。引用符を直してください。")
            )
        elif any(cell.strip() for cell in cells):
            rows.append((number, [cell.strip() for cell in cells]))
    if not rows:
        return [], [], rejected
    return rows[0][1], rows[1:], rejected


def named_cells(headings: list[str], cells: list[str]) -> dict[str, str]:
    """The cells by heading. Raises RowRefused when their number does not fit the heading row."""
    # Spreadsheets drop or add empty cells at the end of a row; anything else is a shifted row.
    while len(cells) > len(headings) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) != len(headings):
        reason = f"列が{len(cells)}個あります（見出しは{len(headings)}個）。区切りを直してください。"
        raise RowRefused("列数", reason)
    return dict(zip(headings, cells, strict=True))


def read_lonlat(row: Mapping[str, object], lon_field: str, lat_field: str, bbox: Bbox) -> tuple[float, float]:
    """Degrees lon, lat of a row. Raises RowRefused for blank, 999, no number, swapped or outside the bbox."""
    lat, lon = _degrees(row, lat_field), _degrees(row, lon_field)
    if bbox.holds(lon, lat):
        return lon, lat
    if bbox.holds(lat, lon):
        reason = f"緯度と経度が逆です（{lat_field}={lat}、{lon_field}={lon}）。入れ替えてください。"
        raise RowRefused(f"{lat_field}・{lon_field}", reason)
    reason = f"対象市域（{bbox}）の外です（{lat_field}={lat}、{lon_field}={lon}）。座標を確認してください。"
    raise RowRefused(f"{lat_field}・{lon_field}", reason)


def required(row: Mapping[str, object], field: str) -> str:
    """The text of a cell that must not be blank. Raises RowRefused."""
    text = row.get(field)
    if not isinstance(text, str) or not text.strip():
        raise RowRefused(field, "空欄です。記入してください。")
    return text.strip()


def flag(row: Mapping[str, object], field: str) -> bool:
    """A cell that is "1" or empty. Raises RowRefused."""
    value = row.get(field)
    if value in ("1", 1):
        return True
    if value in ("", 0, None):
        return False
    raise RowRefused(field, f"「{value}」は使えません。該当は「1」、非該当は空欄にしてください。")


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | csv.Error]]:
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, error


def _degrees(row: Mapping[str, object], field: str) -> float:
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise RowRefused(field, "空欄です。十進度で記入してください。")
    try:
        degrees = (
            float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
        )
    except (ValueError, OverflowError):
        degrees = math.nan
    if not math.isfinite(degrees):
        raise RowRefused(field, f"「{value}」は数値ではありません。十進度で記入してください。")
    if abs(degrees) >= 999:
        raise RowRefused(field, f"「{value}」は座標未設定の印です。正しい座標を記入してください。")
    return degrees
