"""Roads from OpenStreetMap: .osm.pbf, .osm and .osm.bz2 or .osm.gz, read from memory.

    bytes ─▶ osmium (nodes remembered, ways with `highway` only) ─▶ foot_tags ─▶ RoadsParsed

Squares that are multipolygon relations have no line to walk along and are not read. Ways that lost nodes at the edge
of an extract keep the runs they still have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geodata.areas import JAPAN, Bbox
from geodata.errors import UnreadableRoads
from geodata.foot_tags import WhyNot, judge_way, shuts_the_way
from geodata.importers.packed import opened
from geodata.importers.road_lines import LineGatherer, RoadsParsed, refuse_elsewhere, with_margin

if TYPE_CHECKING:
    import osmium

EXPECTED = "OpenStreetMap（.osm.pbf、.osm、.osm.bz2）"
_PBF_MARK = b"OSMHeader"


@dataclass(slots=True)
class _Reading:
    """What is gathered while a file streams by."""

    gatherer: LineGatherer = field(default_factory=LineGatherer)
    wkb_hex: list[str] = field(default_factory=list)
    shut: list[tuple[float, float]] = field(default_factory=list)
    cut_short: int = 0
    ways: int = 0


def parse_osm(data: bytes, *, source: str = "", bbox: Bbox = JAPAN) -> RoadsParsed:
    """The ways a person may walk along, clipped to `bbox` and a margin; names as in `name` and `name:en`.

    Raises UnreadableRoads: no OpenStreetMap data, damaged, a history or change file, or without any road
    of the city.
    """
    reading = _read(data)
    if not reading.ways:
        raise _unreadable("the file holds no way with a highway tag")
    lonlat = shapely.get_coordinates(shapely.from_wkb(reading.wkb_hex))
    shut = np.array(reading.shut, dtype=np.float64).reshape(-1, 2)
    roads = reading.gatherer.lines(lonlat, source, with_margin(bbox), shut)
    refuse_elsewhere(roads, EXPECTED, bbox)
    return RoadsParsed(roads=roads, cut_short=reading.cut_short)


def _read(data: bytes) -> _Reading:
    # Imported here: only an import command reads OpenStreetMap, and the library takes a while to load.
    import osmium  # noqa: PLC0415

    factory = osmium.geom.WKBFactory()

    def whole_line(way: osmium.osm.Way) -> str | None:
        try:
            return factory.create_linestring(way, osmium.geom.ALL)
        except osmium.InvalidLocationError:
            return None

    reading = _Reading()
    try:
        content = opened(data, (".pbf", ".osm"))
        kind = "pbf" if _PBF_MARK in content[:64] else "osm"
        if kind == "osm" and (not content.lstrip()[:1] == b"<" or b"<osmChange" in content[:2000]):
            raise _unreadable(f"it begins with {content[:16]!r}")
        objects = osmium.FileProcessor(osmium.io.FileBuffer(content, kind)).with_locations()
        if objects.header.has_multiple_object_versions:
            raise _unreadable("a history file; export the present state")
        for one in objects.with_filter(osmium.filter.KeyFilter("highway", "barrier")):
            if isinstance(one, osmium.osm.Way):
                _take_way(one, whole_line, reading)
            elif isinstance(one, osmium.osm.Node) and one.visible and shuts_the_way(dict(one.tags)):
                reading.shut.append((one.lon, one.lat))
    except (ValueError, RuntimeError) as error:
        raise _unreadable(str(error)[:200]) from None
    return reading


def _take_way(
    way: osmium.osm.Way, whole_line: Callable[[osmium.osm.Way], str | None], reading: _Reading
) -> None:
    tags = dict(way.tags)
    if "highway" not in tags:
        return
    reading.ways += 1
    if not way.visible:
        reading.gatherer.passed_over[WhyNot.DELETED] += 1
        return
    verdict = judge_way(tags)
    if isinstance(verdict, WhyNot):
        reading.gatherer.passed_over[verdict] += 1
        return
    name, name_en = tags.get("name", ""), tags.get("name:en", "")
    nodes = len(way.nodes)
    line = whole_line(way) if nodes > 1 else ""
    if line is not None:
        if reading.gatherer.add(nodes, verdict, name, name_en):
            reading.wkb_hex.append(line)
        return
    reading.cut_short += 1
    for run in _runs(way):
        if reading.gatherer.add(len(run), verdict, name, name_en):
            reading.wkb_hex.append(shapely.to_wkb(shapely.linestrings(run), hex=True))


def _runs(way: osmium.osm.Way) -> Iterator[list[tuple[float, float]]]:
    """The stretches of a way whose nodes the file holds; one empty run when it holds none."""
    run: list[tuple[float, float]] = []
    given = False
    for node in way.nodes:
        if node.location.valid():
            run.append((node.lon, node.lat))
        elif run:
            yield run
            run, given = [], True
    if run or not given:
        yield run


def _unreadable(detail: str) -> UnreadableRoads:
    return UnreadableRoads(expected=EXPECTED, detail=detail)
