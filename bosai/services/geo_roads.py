"""Roads and heights of files, and the walking network that is made of what is stored of both."""

from __future__ import annotations

import msgspec

from bosai.services.geo_facts import ELEVATION, NETWORK, ROADS
from bosai.services.geo_work import Note, stands, stored
from bosai.settings_schema import MappedRoads, Settings
from bosai.stores.geo_files import GeoImport
from geodata import network_files
from geodata.areas import Bbox
from geodata.elevation import Elevation
from geodata.errors import UnreadableRoads
from geodata.foot_tags import WhyNot
from geodata.importers.elevation import parse_elevation
from geodata.importers.packed import opened
from geodata.importers.road_lines import RoadsParsed
from geodata.importers.roads_geojson import mapping_from_words, parse_road_lines
from geodata.network import BuildReport, build

EXPECTED = ".osm.pbf、.osm、または GeoJSON の線"


def parse_roads(data: bytes, mapped: MappedRoads | None, bbox: Bbox) -> RoadsParsed:
    """A road file, told by its content: GeoJSON begins with a brace, OpenStreetMap's own formats do not."""
    try:
        content = opened(data, (".geojson", ".json", ".pbf", ".osm"))
    except ValueError as error:
        raise UnreadableRoads(expected=EXPECTED, detail=str(error)) from None
    if mapped is not None or content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        mapping = mapping_from_words(**msgspec.structs.asdict(mapped)) if mapped is not None else None
        return parse_road_lines(content, mapping, bbox=bbox)
    from geodata.importers.roads_osm import parse_osm  # noqa: PLC0415 (loads libosmium, for such files only)

    return parse_osm(content, bbox=bbox)


def parse_heights(data: bytes, epsg: int | None, bbox: Bbox) -> Elevation:
    """A grid of heights that touches the city."""
    return parse_elevation(data, epsg=epsg, bbox=bbox)


def road_remarks(parsed: RoadsParsed) -> tuple[str, ...]:
    """What a reader of the file must know."""
    passed = [
        f"{WhyNot(why).ja} {count:,}" for why, count in sorted(parsed.roads.passed_over.items()) if count
    ]
    cut = (
        [f"{parsed.cut_short:,}本の線は、ファイルにない点を除いて取り込みました。"]
        if parsed.cut_short
        else []
    )
    left_out = [f"歩行者の道ではない線：{'、'.join(passed)}。"] if passed else []
    return (*parsed.remarks_ja, *cut, *left_out)


def rebuild(work: GeoImport, settings: Settings, at: str) -> tuple[str, ...]:
    """Build the network of the stored lines and heights, unless it stands already; what to say of it."""
    roads = stored(work, ROADS, network_files.load_roads)
    if roads is None:
        return ("道路が取り込まれていないため、歩行経路はまだ作れません。",)
    heights = stored(work, ELEVATION, network_files.load_elevation)
    made_of: dict[str, Note] = {
        "roads": work.facts[ROADS].folder,
        "elevation": work.facts[ELEVATION].folder if heights is not None else "",
        "epsg": settings.city.plane_epsg,
        "link_islands_m": settings.walking.link_islands_m,
        "drop_islands_m": settings.walking.drop_islands_m,
    }
    if stands(work, NETWORK, made_of):
        return ()
    network, report = build(
        roads,
        heights,
        epsg=settings.city.plane_epsg,
        link_islands_m=settings.walking.link_islands_m,
        drop_islands_m=settings.walking.drop_islands_m,
    )
    work.put(NETWORK, network_files.save(network), at, made_of)
    return _remarks(report, with_heights=heights is not None)


def _remarks(report: BuildReport, *, with_heights: bool) -> tuple[str, ...]:
    made = (
        f"歩行経路を作りました：交差点など{report.nodes:,}、区間{report.edges:,}、"
        f"延長{report.way_m / 1000:,.1f}km。"
    )
    islands = (
        f"離れた道：{report.islands_linked}か所をつなぎ、{report.islands_dropped}か所"
        f"（{report.dropped_m / 1000:,.1f}km）を除きました。"
    )
    if not with_heights:
        return made, islands, "標高が取り込まれていないため、坂は考えに入っていません。"
    if report.without_height:
        missing = f"標高が分からない点が{report.without_height:,}あり、そこは平らとみなします。"
        return made, islands, missing
    return made, islands
