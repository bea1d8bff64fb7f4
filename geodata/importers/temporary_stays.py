"""一時滞在施設: where people who can not get home may stay for some days. A small table of this project's own layout.

Headings `一時滞在施設, 所在地, 緯度, 経度` and, where known, 番号, 受入人数, 備考. No national list has them: cities
and companies agree on them one by one. Without 番号 the name and the address together name a place.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from geodata.areas import Bbox
from geodata.importers.site_rows import Row, SiteLayout, text_of, ward_of
from geodata.importers.tables import RowRefused, read_lonlat, required
from geodata.sites import SiteKind, SiteRecord, site_form_of

NAME, ADDRESS, LAT, LON = COLUMNS = ("一時滞在施設", "所在地", "緯度", "経度")
NUMBER, PERSONS, REMARKS = _OPTIONAL = ("番号", "受入人数", "備考")
EXPECTED = "「" + "・".join(COLUMNS) + "」（一時滞在施設）"
MOST_PERSONS = 100_000


def temporary_stay_layout(headings: set[str]) -> SiteLayout | None:
    """The layout, if these are its headings."""
    if not headings.issuperset(COLUMNS):
        return None
    return SiteLayout(
        covers=frozenset({SiteKind.TEMPORARY_STAY}),
        read=_read,
        row_id=_id,
        in_municipality=_is_of,
        id_field=NUMBER,
        known=frozenset({*COLUMNS, *_OPTIONAL}),
    )


def _read(row: Row, bbox: Bbox) -> SiteRecord:
    name, address = required(row, NAME), required(row, ADDRESS)
    lon, lat = read_lonlat(row, LON, LAT, bbox)
    return SiteRecord(
        site_id=_id(row),
        kind=SiteKind.TEMPORARY_STAY,
        name=name,
        name_as_published=name,
        address=address,
        ward=ward_of(address),
        lon=lon,
        lat=lat,
        site_form=site_form_of(name, frozenset()),
        remarks=text_of(row, REMARKS),
        capacity_persons=_persons(row),
    )


def _is_of(row: Row, municipality: str) -> bool:
    """An address that names no municipality is taken for one of the city's own."""
    address = text_of(row, ADDRESS)
    return municipality in address or not re.search(r"[市町村]", address)


def _id(row: Row) -> str:
    """Its own number, or one made of name and address; marked, so that it is never taken for a 共通ID."""
    number = text_of(row, NUMBER)
    if number:
        return f"T-{number}"
    named = f"{text_of(row, NAME)}\n{text_of(row, ADDRESS)}"
    return f"T-{hashlib.sha256(named.encode()).hexdigest()[:12]}" if text_of(row, NAME) else ""


def _persons(row: Row) -> int | None:
    published = text_of(row, PERSONS)
    if not published:
        return None
    figures = re.sub(r"[人名]$|,", "", unicodedata.normalize("NFKC", published))
    if not re.fullmatch(r"[0-9]{1,6}", figures) or int(figures) > MOST_PERSONS:
        raise RowRefused(
            PERSONS, f"「{published}」は使えません。0〜{MOST_PERSONS}の人数か空欄にしてください。"
        )
    return int(figures)
