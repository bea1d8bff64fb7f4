"""What every list of sites shares, whatever its columns: rows gathered into records, each id once.

A layout says what a list covers, which columns it reads, and how one row becomes a record.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from geodata.areas import Bbox
from geodata.errors import NothingOfCity
from geodata.facilities import SiteChanges, diff_sites
from geodata.importers.tables import Rejected, RowRefused
from geodata.sites import SiteKind, SiteRecord

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SitesParsed:
    """A list as read.

    kinds: what the list covers. other_municipalities: rows passed over. ignored_columns: headings nobody here
    knows, in the order of the file.
    """

    records: tuple[SiteRecord, ...]
    rejected: tuple[Rejected, ...]
    kinds: frozenset[SiteKind]
    other_municipalities: int = 0
    ignored_columns: tuple[str, ...] = ()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLayout:
    """How the rows of one kind of list are read.

    covers: the kinds of record a whole list of it holds. read: raises RowRefused. row_id: the id of a row as
    far as it can be told, else "". in_municipality: whether a row is of the municipality asked for. known: the
    headings this layout may have, read or passed over on purpose.
    """

    covers: frozenset[SiteKind]
    read: Callable[[Row, Bbox], SiteRecord]
    row_id: Callable[[Row], str]
    in_municipality: Callable[[Row, str], bool]
    id_field: str
    known: frozenset[str]


class Gathered:
    """Records gathered row by row; an id counts once."""

    def __init__(self, kinds: Iterable[SiteKind], bbox: Bbox, municipality: str) -> None:
        self.kinds = frozenset(kinds)
        self.bbox = bbox
        self.municipality = municipality
        self.records: list[SiteRecord] = []
        self.rejected: list[Rejected] = []
        self.first_row: dict[str, int] = {}
        self.passed_over = 0

    def take(self, number: int, cells: Callable[[], Row], layout: SiteLayout) -> None:
        """One row; cells() may refuse it too."""
        row: Row = {}
        try:
            row = cells()
            if not layout.in_municipality(row, self.municipality):
                self.passed_over += 1
                return
            record = layout.read(row, self.bbox)
            if record.site_id in self.first_row:
                reason = f"{self.first_row[record.site_id]}行目と同じIDです。どちらかを削除してください。"
                raise RowRefused(layout.id_field, reason)
            self.first_row[record.site_id] = number
            self.records.append(record)
        except RowRefused as refused:
            self.rejected.append(Rejected(number, refused.field, refused.reason, layout.row_id(row)))

    def parsed(self, broken: Iterable[Rejected] = (), ignored_columns: Iterable[str] = ()) -> SitesParsed:
        """What was gathered, with rows that were no CSV at all and columns that were not looked at.

        Raises NothingOfCity when every row was of another municipality.
        """
        rejected = sorted([*broken, *self.rejected], key=lambda one: one.row)
        if self.passed_over and not self.records and not rejected:
            raise NothingOfCity(city=self.municipality, count=self.passed_over)
        return SitesParsed(
            tuple(self.records), tuple(rejected), self.kinds, self.passed_over, tuple(ignored_columns)
        )


def text_of(row: Row, column: str) -> str:
    """The text of a cell on one line; "" where there is none."""
    value = row.get(column)
    return " ".join(value.split()) if isinstance(value, str) else ""


def plain_heading(heading: str) -> str:
    """A heading without blanks and in one width, as it is looked up."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", heading))


def ward_of(address: str) -> str:
    """The ward in an address of a designated city (宮城県仙台市若林区… → 若林区), else ""."""
    found = re.search(r"市(\S{1,4}?区)", address)
    return found[1] if found else ""
