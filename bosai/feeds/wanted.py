"""Which telegrams are fetched at all, decided from a feed's entry before any download (domain §2.2, §3.2).

entries of a feed ─▶ type ─▶ office, or a name in the entry's text ─▶ newest of its like? ─▶ fetched

Missing a warning costs more than a download: an entry that does not say where it belongs is fetched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from bosai.feeds.atom import FeedEntry

_NAMES_A_RIVER = re.compile(r"[一-龥ぁ-んァ-ヶ]川|水系|湖|放水路")


class Family(StrEnum):
    """Weather warnings come in two layouts at once until about 2028; only one of them is ever acted on."""

    R06 = "r06"  # of 2026-05-28: VPWW55–61, VPWP50, VPBS50
    LEGACY = "legacy"  # 経過措置電文: VPWW54, VXWW50, VPOA50


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    types: type codes, or how they begin. offices: the six digits that end a file name; none: any office. names: what
    the entry's title, author or text may say instead (指定河川洪水予報 carries no office one could rely on).
    newest_only: of several with the same type and office only the newest says anything. after_gap_only: megabytes,
    asked for only where telegrams may have been missed.
    """

    types: tuple[str, ...]
    offices: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    family: Family | None = None
    newest_only: bool = False
    after_gap_only: bool = False

    def covers(self, entry: FeedEntry, *, in_gap: bool = False) -> bool:
        """True when the entry is of this row. `in_gap`: it was found while a gap was filled."""
        if entry.type_code is None or not entry.type_code.startswith(self.types):
            return False
        if self.after_gap_only and not in_gap:
            return False
        if not self.offices and not self.names:
            return True
        if entry.office in self.offices:
            return True
        if not self.names:
            return entry.office is None
        said = _plain(f"{entry.title} {entry.content}")
        if any(_plain(name) in f"{said} {_plain(entry.author)}" for name in self.names):
            return True
        # It names rivers, and none of ours: somebody else's. 河川 is no name; the title of all of them holds it.
        return not _NAMES_A_RIVER.search(said.replace("河川", ""))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def wanted(
    entries: Sequence[FeedEntry], wants: Iterable[Want], *, in_gap: bool = False
) -> tuple[FeedEntry, ...]:
    """The entries to fetch, in the order given."""
    rows = tuple(wants)
    newest: dict[tuple[str | None, str | None], FeedEntry] = {}
    for entry in entries:
        key = (entry.type_code, entry.office)
        if key not in newest or (newest[key].updated_at, newest[key].id) < (entry.updated_at, entry.id):
            newest[key] = entry
    found = []
    for entry in entries:
        row = next((one for one in rows if one.covers(entry, in_gap=in_gap)), None)
        if row is None:
            continue
        if row.newest_only and newest[(entry.type_code, entry.office)] is not entry:
            continue
        found.append(entry)
    return tuple(found)


def of_family(wants: Iterable[Want], family: Family) -> tuple[Want, ...]:
    """The rows that are asked for when `family` is the one acted on: its own, and those of neither."""
    return tuple(one for one in wants if one.family is None or one.family is family)
