"""The national lists of 国土地理院: 指定緊急避難場所 (`…_2`, eight flags) and 指定避難所 (`…_1`).

National, or of one municipality (then without the municipality column); as CSV, or in the JSON edition
`{e: […], s: […]}`, whose entries are brought under the headings of the CSV.
"""

from __future__ import annotations

from collections.abc import Mapping

from geodata.areas import Bbox
from geodata.errors import BrokenJson
from geodata.hazards import HAZARD_HEADINGS, HazardKind
from geodata.importers.site_rows import Gathered, Row, SiteLayout, SitesParsed, text_of, ward_of
from geodata.importers.tables import RowRefused, flag, read_lonlat, required
from geodata.remarks import merge_limits, read_floors, read_name
from geodata.sites import LISTED_KINDS, SiteKind, SiteRecord, site_form_of

MUNICIPALITY = "都道府県名及び市町村名"
SAME_AS_SHELTER = "指定避難所との住所同一"
SAME_AS_EMERGENCY = "指定緊急避難場所との住所同一"
RECIPIENTS = "受入対象者"
COMMON = ("共通ID", "施設・場所名", "住所", "緯度", "経度")
CONDITIONS = "その他市町村長が必要と認める事項"
_KNOWN = frozenset(
    {
        *(*COMMON, *HAZARD_HEADINGS.values()),
        *("NO", MUNICIPALITY, SAME_AS_SHELTER, SAME_AS_EMERGENCY, RECIPIENTS, CONDITIONS, "備考"),
    }
)
# The bit of each flag in the JSON edition; not the order of the columns.
_JSON_BITS = {
    1: HazardKind.FLOOD,
    2: HazardKind.LANDSLIDE,
    4: HazardKind.STORM_SURGE,
    8: HazardKind.EARTHQUAKE,
    16: HazardKind.TSUNAMI,
    32: HazardKind.LARGE_FIRE,
    64: HazardKind.INLAND_FLOOD,
    128: HazardKind.VOLCANO,
}


def gsi_layout(headings: set[str]) -> SiteLayout | None:
    """The layout, if these are the headings of a national list."""
    if not headings.issuperset(COMMON):
        return None
    if headings.issuperset(HAZARD_HEADINGS.values()):
        return _EMERGENCY
    return _SHELTER if headings & {RECIPIENTS, SAME_AS_EMERGENCY} else None


def parse_json_edition(document: Mapping[str, object], municipality: str, bbox: Bbox) -> SitesParsed:
    """The JSON edition; a row is the place of the entry in its list, from 1. Raises BrokenJson."""
    emergency, shelter = document.get("e"), document.get("s")
    if not isinstance(emergency, list) or not isinstance(shelter, list):
        raise BrokenJson(detail="{e: [指定緊急避難場所…], s: [指定避難所…], p: {…}} ではありません")
    prefecture = document.get("p")
    prefix = str(prefecture.get("name", "")) if isinstance(prefecture, dict) else ""
    gathered = Gathered(LISTED_KINDS, bbox, municipality)
    for entries, layout in ((emergency, _EMERGENCY), (shelter, _SHELTER)):
        for number, entry in enumerate(entries, start=1):
            gathered.take(number, lambda entry=entry: _json_row(entry, prefix), layout)  # type: ignore[misc]
    return gathered.parsed()


def _read_emergency(row: Row, bbox: Bbox) -> SiteRecord:
    hazards = frozenset(one for one, heading in HAZARD_HEADINGS.items() if flag(row, heading))
    return _record(row, bbox, SiteKind.EMERGENCY, hazards, same_address=flag(row, SAME_AS_SHELTER))


def _read_shelter(row: Row, bbox: Bbox) -> SiteRecord:
    return _record(row, bbox, SiteKind.SHELTER, frozenset(), same_address=flag(row, SAME_AS_EMERGENCY))


def _record(
    row: Row, bbox: Bbox, kind: SiteKind, hazards: frozenset[HazardKind], *, same_address: bool
) -> SiteRecord:
    site_id = required(row, "共通ID")
    published = required(row, "施設・場所名")
    lon, lat = read_lonlat(row, "経度", "緯度", bbox)
    name = read_name(published, hazards)
    floors = read_floors(text_of(row, "備考"), hazards)
    address = text_of(row, "住所")
    restricted_to = text_of(row, RECIPIENTS)
    return SiteRecord(
        site_id=site_id,
        kind=kind,
        name=name.name,
        name_as_published=published,
        address=address,
        ward=ward_of(address),
        lon=lon,
        lat=lat,
        hazards=hazards,
        floor_limits=merge_limits(name.floor_limits, floors.floor_limits),
        refuge_part=floors.refuge_part,
        not_opened_first_in_rain=name.not_opened_first_in_rain,
        restricted_to=restricted_to,
        conditions=text_of(row, CONDITIONS),
        same_address_as_other_kind=same_address,
        site_form=site_form_of(name.name, hazards, restricted_to),
        remarks=floors.rest,
    )


def _in_municipality(row: Row, municipality: str) -> bool:
    return municipality in str(row.get(MUNICIPALITY, municipality))


def _row_id(row: Row) -> str:
    return str(row.get("共通ID") or "").strip()


_EMERGENCY = SiteLayout(
    covers=frozenset({SiteKind.EMERGENCY}),
    read=_read_emergency,
    row_id=_row_id,
    in_municipality=_in_municipality,
    id_field="共通ID",
    known=_KNOWN,
)
_SHELTER = SiteLayout(
    covers=frozenset({SiteKind.SHELTER}),
    read=_read_shelter,
    row_id=_row_id,
    in_municipality=_in_municipality,
    id_field="共通ID",
    known=_KNOWN,
)


def _json_row(entry: object, prefecture: str) -> Row:
    """An entry of the JSON edition under the headings of the CSV."""
    if not isinstance(entry, dict):
        raise RowRefused("行全体", "項目の組（オブジェクト）ではありません。")
    mask = entry.get("h", 0)
    if isinstance(mask, bool) or not isinstance(mask, int) or not 0 <= mask < 256:
        raise RowRefused("h", f"災害種別「{mask}」は0〜255の整数ではありません。")
    flags = {HAZARD_HEADINGS[one]: "1" if mask & bit else "" for bit, one in _JSON_BITS.items()}
    return {
        **flags,
        "共通ID": entry.get("id"),
        MUNICIPALITY: prefecture + str(entry.get("m", "")),
        "施設・場所名": entry.get("n"),
        "住所": f"{prefecture}{entry.get('m', '')}{entry.get('a', '')}",
        "経度": entry.get("lo"),
        "緯度": entry.get("la"),
        "備考": entry.get("o"),
        RECIPIENTS: entry.get("r"),
        CONDITIONS: entry.get("c"),
        SAME_AS_SHELTER: entry.get("s"),
        SAME_AS_EMERGENCY: entry.get("s"),
    }
