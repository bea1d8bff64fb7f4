"""What an import answers, whatever was imported."""

from collections.abc import Iterable

import msgspec

from geodata.importers.tables import Rejected
from geodata.repair import Repair


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken: its number (the heading is row 1), the field, and why with the mend."""

    row: int
    field: str
    reason: str


class RepairedRow(msgspec.Struct, frozen=True, kw_only=True):
    """An outline that was mended: its number, what was wrong, and its area before and after, m²."""

    row: int
    what: str
    area_before_m2: float
    area_after_m2: float


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, counted in `unit`, and the rows it refused.

    passed_over: rows that are sound and none of this city's business. remarks: what a reader of the file must know.
    """

    unit: str = "件"
    added: int = 0
    changed: int = 0
    gone: int = 0
    gone_names: tuple[str, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    repaired: tuple[RepairedRow, ...] = ()
    passed_over: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing is stored that was not stored before."""
        return not (self.added or self.changed or self.gone)


def rejected_rows(rejected: Iterable[Rejected]) -> tuple[RejectedRow, ...]:
    """The rows as they are answered."""
    return tuple(RejectedRow(row=one.row, field=one.field, reason=one.reason) for one in rejected)


def repaired_rows(repaired: Iterable[Repair]) -> tuple[RepairedRow, ...]:
    """The outlines that were mended, as they are answered."""
    return tuple(
        RepairedRow(
            row=one.row,
            what=one.what,
            area_before_m2=round(float(one.area_before_m2), 1),
            area_after_m2=round(float(one.area_after_m2), 1),
        )
        for one in repaired
    )
