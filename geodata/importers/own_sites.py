"""The table of the built-in sample city, whose columns are already what a record holds.

`id, kind, name, address, ward, lon, lat, hazards, tsunami_floor, rain_floor` and, where known, refuge_part,
not_opened_first_in_rain, restricted_to, conditions, same_address, site_form, remarks.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from geodata.areas import Bbox
from geodata.hazards import HazardKind
from geodata.importers.site_rows import Row, SiteLayout, text_of
from geodata.importers.tables import RowRefused, flag, read_lonlat, required
from geodata.sites import LISTED_KINDS, FloorGroup, FloorLimit, SiteForm, SiteKind, SiteRecord, site_form_of

COLUMNS = ("id", "kind", "name", "address", "ward", "lon", "lat", "hazards", "tsunami_floor", "rain_floor")
_OPTIONAL = (
    *("refuge_part", "not_opened_first_in_rain", "restricted_to", "conditions", "same_address", "site_form"),
    "remarks",
)

_Choice = TypeVar("_Choice", bound=StrEnum)


def own_layout(headings: set[str]) -> SiteLayout | None:
    """The layout, if these are its headings."""
    if not headings.issuperset(COLUMNS):
        return None
    return SiteLayout(
        covers=LISTED_KINDS,
        read=_read,
        row_id=lambda row: text_of(row, "id"),
        in_municipality=lambda row, municipality: True,
        id_field="id",
        known=frozenset({*COLUMNS, *_OPTIONAL}),
    )


def _read(row: Row, bbox: Bbox) -> SiteRecord:
    site_id, name = required(row, "id"), required(row, "name")
    lon, lat = read_lonlat(row, "lon", "lat", bbox)
    limits: dict[FloorGroup, FloorLimit] = {}
    for group, column in ((FloorGroup.TSUNAMI, "tsunami_floor"), (FloorGroup.HEAVY_RAIN, "rain_floor")):
        limit = _floor(row, column)
        if limit is not None:
            limits[group] = limit
    hazards = frozenset(_member(HazardKind, "hazards", one) for one in text_of(row, "hazards").split())
    form = text_of(row, "site_form")
    restricted_to = text_of(row, "restricted_to")
    return SiteRecord(
        site_id=site_id,
        kind=_member(SiteKind, "kind", text_of(row, "kind")),
        name=name,
        name_as_published=name,
        address=text_of(row, "address"),
        ward=text_of(row, "ward"),
        lon=lon,
        lat=lat,
        hazards=hazards,
        floor_limits=limits,
        refuge_part=text_of(row, "refuge_part"),
        not_opened_first_in_rain=flag(row, "not_opened_first_in_rain"),
        restricted_to=restricted_to,
        conditions=text_of(row, "conditions"),
        same_address_as_other_kind=flag(row, "same_address"),
        site_form=_member(SiteForm, "site_form", form)
        if form
        else site_form_of(name, hazards, restricted_to),
        remarks=text_of(row, "remarks"),
    )


def _floor(row: Row, column: str) -> FloorLimit | None:
    text = text_of(row, column)
    if text in {"", "roof"}:
        return "roof" if text else None
    if not re.fullmatch(r"[1-9]\d?", text):
        raise RowRefused(column, f"「{text}」は使えません。階数（例：2）か roof か空欄にしてください。")
    return int(text)


def _member(of: type[_Choice], column: str, text: str) -> _Choice:
    try:
        return of(text)
    except ValueError:
        choices = "、".join(of)
        raise RowRefused(column, f"「{text}」は使えません。使える値：{choices}。") from None
