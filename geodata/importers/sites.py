"""Lists of evacuation sites, told apart by what they hold.

    bytes ─▶ out of its zip ─▶ layout by headings ─▶ rows ─▶ SiteRecord · Rejected

Columns are found by heading, in any order. Known: the national lists as CSV, as the JSON edition (`gsi_sites`)
and as GeoJSON (`sites_geojson`), the municipal sheet of the open data sets (`open_data_sites`), the table of the
built-in sample (`own_sites`), and a table of 一時滞在施設 (`temporary_stays`).
"""

from __future__ import annotations

import json

from geodata.areas import JAPAN, Bbox
from geodata.errors import BrokenJson, RepeatedHeading
from geodata.importers import gsi_sites, open_data_sites, own_sites, temporary_stays
from geodata.importers.archives import the_list
from geodata.importers.recognise import SITE_LISTS, ListKind, refusal
from geodata.importers.site_rows import Gathered, SiteLayout, SitesParsed, plain_heading
from geodata.importers.sites_geojson import parse_feature_collection
from geodata.importers.tables import decode, named_cells, read_table

__all__ = ["SitesParsed", "parse_sites"]

_EXPECTED = (
    f"「{'・'.join(gsi_sites.COMMON)}」と災害種別8列（指定緊急避難場所）、または"
    f"「{'・'.join(gsi_sites.COMMON)}」と「{gsi_sites.RECIPIENTS}」か"
    f"「{gsi_sites.SAME_AS_EMERGENCY}」（指定避難所）、または {open_data_sites.EXPECTED}、"
    f"または {temporary_stays.EXPECTED}、"
    f"または {', '.join(own_sites.COLUMNS)}（見本の表）"
)


def parse_sites(data: bytes, *, municipality: str = "", bbox: Bbox = JAPAN) -> SitesParsed:
    """Any known layout. municipality: take only rows of it (仙台市); "" takes all.

    Raises UnreadableText, UnknownLayout, OtherList, NothingOfCity, RepeatedHeading, UnclosedQuote, BrokenJson,
    UnreadableArchive, NotOneList; bad rows are returned, not raised.
    """
    text = decode(the_list(data))
    if text.lstrip()[:1] in {"{", "["}:
        return _parse_json(text, municipality, bbox)
    headings, rows, broken = read_table(text)
    headings = [plain_heading(one) for one in headings]
    headings, layout = _layout(headings)
    gathered = Gathered(layout.covers, bbox, municipality)
    for number, cells in rows:
        gathered.take(number, lambda cells=cells: named_cells(headings, cells), layout)  # type: ignore[misc]
    return gathered.parsed(broken, [one for one in headings if one and one not in layout.known])


def _layout(headings: list[str]) -> tuple[list[str], SiteLayout]:
    """The headings as the layout calls them, and the layout."""
    canonical = [open_data_sites.canonical(one) for one in headings]
    for names, layout in (
        (headings, own_sites.own_layout(set(headings))),
        (headings, gsi_sites.gsi_layout(set(headings))),
        (headings, temporary_stays.temporary_stay_layout(set(headings))),
        (canonical, open_data_sites.open_data_layout(set(canonical))),
    ):
        if layout is not None:
            repeated = next((one for one in names if one in layout.known and names.count(one) > 1), "")
            if repeated:
                raise RepeatedHeading(heading=repeated)
            return names, layout
    # Of the lists of sites each has its own columns; what is missing is said for all of them.
    raise refusal(headings, ListKind.EMERGENCY_SITES, _EXPECTED, also=SITE_LISTS)


def _parse_json(text: str, municipality: str, bbox: Bbox) -> SitesParsed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenJson(detail=str(error)[:200]) from None
    document = document if isinstance(document, dict) else {}
    if document.get("type") == "FeatureCollection" or "features" in document:
        return parse_feature_collection(document, municipality, bbox)
    return gsi_sites.parse_json_edition(document, municipality, bbox)
