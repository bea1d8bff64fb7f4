"""Towns from several files: which one it is, what it says, and the one table made of all of them.

own table ─┐
points    ─┼─▶ stored each by itself ─▶ town_merge ─▶ the towns that pages search and plans name
readings  ─┘                            (the sample's table stands in while the city has none of its own)
population ─▶ stored beside them
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bosai.errors import InvalidInput
from bosai.services.geo_changes import Changes, population_changes, reading_changes, town_changes
from bosai.services.geo_codec import (
    population_bytes,
    read_population,
    read_readings,
    read_towns,
    readings_bytes,
    towns_bytes,
)
from bosai.services.geo_facts import PLACES, POPULATION, sample_towns
from bosai.services.geo_work import refuse_a_part, stored_file
from bosai.services.import_reports import ImportReport, rejected_rows
from bosai.stores.geo_files import GeoImport
from geodata.areas import Bbox
from geodata.importers.population import PopulationParsed, TownPopulation, parse_population
from geodata.importers.post_codes import PostCodesParsed, parse_post_codes
from geodata.importers.recognise import ListKind, recognise
from geodata.importers.town_points import TownPointsParsed, parse_town_points
from geodata.importers.towns import TownsParsed, parse_towns
from geodata.places import Town
from geodata.town_merge import MergeReport, TownReading, merge_towns

OWN, POINTS, READINGS = "places/own", "places/points", "places/readings"
"""What was imported, each by itself; PLACES is what was made of them."""


class PlaceFile(StrEnum):
    """What a file of places can be."""

    TOWNS = "towns"  # the city's own table, in the layout of the sample
    POINTS = "points"  # Geolonia's layout
    POST_CODES = "post-codes"  # 日本郵便
    POPULATION = "population"


_OF_LIST = {
    ListKind.OWN_TOWNS: PlaceFile.TOWNS,
    ListKind.TOWN_POINTS: PlaceFile.POINTS,
    ListKind.POST_CODES: PlaceFile.POST_CODES,
    ListKind.POPULATION: PlaceFile.POPULATION,
}
_EXPECTED = (
    "町名の表（見本の表と同じ見出し）、住所データ（pref, city, town, koaza, lat, lng）、"
    "日本郵便の郵便番号データ（utf_ken_all.csv）、町別人口（ward, town_code, town_name, total_pop …）"
)

Parsed = TownsParsed | TownPointsParsed | PostCodesParsed | PopulationParsed


@dataclass(frozen=True, slots=True)
class _Put:
    """What one file changed of itself."""

    unit: str
    changes: Changes


def parse_places(data: bytes, wanted: PlaceFile | None, city: str, bbox: Bbox) -> Parsed:
    """A file of places, told by its content. Raises InvalidInput for another list, GeodataError for a broken one."""
    found = recognise(data)
    kind = wanted or (_OF_LIST.get(found) if found is not None else None)
    match kind:
        case PlaceFile.TOWNS:
            return parse_towns(data, bbox=bbox)
        case PlaceFile.POINTS:
            return parse_town_points(data, city=city, bbox=bbox)
        case PlaceFile.POST_CODES:
            return parse_post_codes(data, city=city)
        case PlaceFile.POPULATION:
            return parse_population(data, bbox=bbox)
    if found is not None:
        problem = f"これは{found.ja}です。bosai import {found.command} で取り込んでください。"
    else:
        problem = f"取り込める町名のファイルではありません。取り込めるもの：{_EXPECTED}。"
    raise InvalidInput("file", "other", problem)


def put_places(work: GeoImport, parsed: Parsed, at: str, bbox: Bbox, *, many_may_go: bool) -> ImportReport:
    """Store what a file says and, when it is of towns, make the one table again. Raises InvalidInput."""
    put = _put(work, parsed, at, many_may_go=many_may_go)
    remarks: tuple[str, ...] = ()
    if not isinstance(parsed, PopulationParsed):
        remarks = _merge(work, at, bbox)
    return ImportReport(
        unit=put.unit,
        **put.changes._asdict(),
        rejected=rejected_rows(parsed.rejected),
        passed_over=getattr(parsed, "other_municipalities", 0),
        remarks=remarks,
    )


def _put(work: GeoImport, parsed: Parsed, at: str, *, many_may_go: bool) -> _Put:
    match parsed:
        case TownsParsed():
            return _put_towns(work, OWN, parsed.towns, at, many_may_go=many_may_go)
        case TownPointsParsed():
            return _put_towns(work, POINTS, parsed.towns, at, many_may_go=many_may_go)
        case PostCodesParsed():
            before = stored_file(work, READINGS, "readings.msgpack", read_readings) or ()
            refuse_a_part(len(before), len(parsed.readings), many_may_go=many_may_go)
            changes = reading_changes(before, parsed.readings)
            if not changes.is_empty:
                work.put(READINGS, {"readings.msgpack": readings_bytes(parsed.readings)}, at)
            return _Put("件の読みと郵便番号", changes)
        case PopulationParsed():
            return _put_population(work, parsed.population, at, many_may_go=many_may_go)


def _put_towns(work: GeoImport, key: str, towns: tuple[Town, ...], at: str, *, many_may_go: bool) -> _Put:
    before = stored_file(work, key, "towns.msgpack", read_towns) or ()
    refuse_a_part(len(before), len(towns), many_may_go=many_may_go)
    changes = town_changes(before, towns)
    if not changes.is_empty:
        work.put(key, {"towns.msgpack": towns_bytes(towns)}, at)
    return _Put("町", changes)


def _put_population(work: GeoImport, found: TownPopulation, at: str, *, many_may_go: bool) -> _Put:
    before = stored_file(work, POPULATION, "population.msgpack", read_population)
    refuse_a_part(len(before.code) if before else 0, len(found.code), many_may_go=many_may_go)
    changes = population_changes(before, found)
    if not changes.is_empty:
        work.put(POPULATION, {"population.msgpack": population_bytes(found)}, at)
    return _Put("町の人口", changes)


def _merge(work: GeoImport, at: str, bbox: Bbox) -> tuple[str, ...]:
    points = stored_file(work, POINTS, "towns.msgpack", read_towns) or ()
    own = stored_file(work, OWN, "towns.msgpack", read_towns) or sample_towns(bbox)
    readings: tuple[TownReading, ...] = stored_file(work, READINGS, "readings.msgpack", read_readings) or ()
    merged = merge_towns(points, readings, own)
    if stored_file(work, PLACES, "towns.msgpack", read_towns) != merged.towns:
        work.put(PLACES, {"towns.msgpack": towns_bytes(merged.towns)}, at)
    return (f"町名の表：{len(merged.towns):,}町。", *_remarks(merged.report))


def _remarks(report: MergeReport) -> tuple[str, ...]:
    said = (
        (report.unread, "読みのない町が{count}あります（漢字でだけ探せます）：{names}"),
        (report.differing, "市の表と日本郵便で読みの違う町が{count}あります（市の読みを使います）：{names}"),
        (report.agreeing, "確認前の読みのうち{count}町は日本郵便と同じです：{names}"),
        (report.split, "市の表の{count}行は、丁目ごとの点があるため使いません：{names}"),
        (report.unplaced, "日本郵便の町名のうち{count}件は、位置が分かりません：{names}"),
    )
    return tuple(
        words.format(
            count=f"{len(names):,}", names="、".join(names[:3]) + (" ほか" if len(names) > 3 else "。")
        )
        for names, words in said
        if names
    )
