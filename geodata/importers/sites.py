"""Lists of evacuation sites, told apart by what they hold.

    bytes ─▶ layout by headings ─▶ rows ─▶ SiteRecord · Rejected

Columns are found by heading, in any order. Known: the national lists (`gsi_sites`) and the table of the
built-in sample (`own_sites`).
"""

from __future__ import annotations

import json

from geodata.areas import JAPAN, Bbox
from geodata.errors import BrokenJson, UnknownLayout
from geodata.importers import gsi_sites, own_sites
from geodata.importers.site_rows import Gathered, SiteLayout, SitesParsed, plain_heading
from geodata.importers.tables import decode, named_cells, read_table

__all__ = ["SitesParsed", "parse_sites"]

_EXPECTED = (
    f"「{'・'.join(gsi_sites.COMMON)}」と災害種別8列（指定緊急避難場所）、または"
    f"「{'・'.join(gsi_sites.COMMON)}」と「{gsi_sites.RECIPIENTS}」か"
    f"「{gsi_sites.SAME_AS_EMERGENCY}」（指定避難所）、または {', '.join(own_sites.COLUMNS)}（見本の表）"
)


def parse_sites(data: bytes, *, municipality: str = "", bbox: Bbox = JAPAN) -> SitesParsed:
    """Any known layout. municipality: take only rows of it (仙台市); "" takes all.

    Raises UnreadableText, UnknownLayout, UnclosedQuote, BrokenJson; bad rows are returned, not raised.
    """
    text = decode(data)
    if text.lstrip()[:1] in {"{", "["}:
        return _parse_json(text, municipality, bbox)
    headings, rows, broken = read_table(text)
    headings = [plain_heading(one) for one in headings]
    layout = _layout(headings)
    gathered = Gathered(layout.covers, bbox, municipality)
    for number, cells in rows:
        gathered.take(number, lambda cells=cells: named_cells(headings, cells), layout)  # type: ignore[misc]
    return gathered.parsed(broken)


def _layout(headings: list[str]) -> SiteLayout:
    known = set(headings)
    layout = own_sites.own_layout(known) or gsi_sites.gsi_layout(known)
    if layout is None:
        raise UnknownLayout(found="・".join(headings)[:300], expected=_EXPECTED)
    return layout


def _parse_json(text: str, municipality: str, bbox: Bbox) -> SitesParsed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenJson(detail=str(error)[:200]) from None
    return gsi_sites.parse_json_edition(document if isinstance(document, dict) else {}, municipality, bbox)
