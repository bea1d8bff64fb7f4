"""Roads from OpenStreetMap files made here; the real one is in test_network_real_data."""

from __future__ import annotations

import bz2
import gzip

import numpy as np
import pytest

from geodata.areas import Bbox
from geodata.errors import UnreadableRoads
from geodata.foot_tags import WhyNot
from geodata.importers.roads_osm import parse_osm
from geodata.network import build
from geodata.roads import RoadFlag, RoadKind

CITY = Bbox(140.80, 38.20, 141.00, 38.35)


def tags_xml(tags: dict[str, str]) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())


def osm(
    nodes: dict[int, tuple[float, float, dict[str, str]]], ways: list[tuple[list[int], dict[str, str]]]
) -> bytes:
    """An .osm file; nodes: id → (lon, lat, tags), ways: (node ids, tags)."""
    parts = ["<?xml version='1.0' encoding='UTF-8'?><osm version='0.6' generator='test'>"]
    for number, (lon, lat, tags) in nodes.items():
        parts.append(f"<node id='{number}' version='1' lon='{lon}' lat='{lat}'>{tags_xml(tags)}</node>")
    for number, (refs, tags) in enumerate(ways, start=1):
        inner = "".join(f"<nd ref='{ref}'/>" for ref in refs)
        parts.append(f"<way id='{number}' version='1'>{inner}{tags_xml(tags)}</way>")
    return "".join([*parts, "</osm>"]).encode()


NODES = {n: (140.85 + n / 1000, 38.25, {}) for n in range(1, 9)}


def test_ways_become_lines_with_kind_flags_layer_and_names():
    data = osm(
        NODES,
        [
            ([1, 2, 3], {"highway": "primary", "name": "定禅寺通", "name:en": "Jozenji-dori"}),
            ([3, 4], {"highway": "footway", "bridge": "yes", "layer": "1"}),
            ([4, 5], {"highway": "steps", "name": "石段"}),
            ([5, 6], {"highway": "tertiary", "name": "定禅寺通", "name:en": "Jozenji-dori"}),
            ([1, 8], {"building": "yes"}),
        ],
    )
    roads = parse_osm(data, source="© OpenStreetMap contributors", bbox=CITY).roads
    assert roads.kind.tolist() == [RoadKind.MAIN_ROAD, RoadKind.PEDESTRIAN, RoadKind.STEPS, RoadKind.ROAD]
    assert roads.flags.tolist() == [0, RoadFlag.BRIDGE, 0, 0]
    assert roads.layer.tolist() == [0, 1, 0, 0]
    assert roads.first.tolist() == [0, 3, 5, 7, 9]
    assert roads.lonlat[:2].tolist() == [[140.851, 38.25], [140.852, 38.25]]
    assert [roads.names[row] if row >= 0 else "" for row in roads.name] == [
        "定禅寺通",
        "",
        "石段",
        "定禅寺通",
    ]
    assert (roads.names, roads.names_en) == (("定禅寺通", "石段"), ("Jozenji-dori", ""))
    assert roads.source == "© OpenStreetMap contributors"


def test_what_is_not_for_walkers_is_counted_by_reason():
    data = osm(
        NODES,
        [
            ([1, 2], {"highway": "residential"}),
            ([2, 3], {"highway": "motorway"}),
            ([3, 4], {"highway": "motorway_link"}),
            ([4, 5], {"highway": "service", "access": "private"}),
            ([5], {"highway": "footway"}),
            ([5, 6], {"highway": "construction"}),
        ],
    )
    assert parse_osm(data, bbox=CITY).roads.passed_over == {
        WhyNot.MOTORWAY: 2,
        WhyNot.NO_ACCESS: 1,
        WhyNot.NO_VERTICES: 1,
        WhyNot.NOT_BUILT: 1,
    }


def test_a_locked_gate_parts_the_way_and_an_open_one_does_not():
    nodes = NODES | {
        2: (*NODES[2][:2], {"barrier": "gate"}),
        3: (*NODES[3][:2], {"barrier": "gate", "access": "private"}),
    }
    parsed = parse_osm(osm(nodes, [([1, 2, 3, 4, 5], {"highway": "service"})]), bbox=CITY)
    assert parsed.roads.first.tolist() == [0, 3, 6]
    assert parsed.roads.lonlat[2].tolist() == parsed.roads.lonlat[3].tolist() == [140.853, 38.25]
    network, _ = build(parsed.roads, drop_islands_m=0)
    assert network.island.max() == 1


def test_ways_that_lost_nodes_keep_the_runs_they_still_have():
    data = osm(
        NODES,
        [
            ([1, 2, 99, 3, 4, 5], {"highway": "residential"}),
            ([98, 97], {"highway": "residential"}),
            ([6, 99, 7], {"highway": "residential"}),
        ],
    )
    parsed = parse_osm(data, bbox=CITY)
    assert parsed.cut_short == 3
    assert np.diff(parsed.roads.first).tolist() == [2, 3]
    # Nothing is left of two of them: no vertex, and twice a single one.
    assert parsed.roads.passed_over == {WhyNot.NO_VERTICES: 3}


def test_lines_are_clipped_to_the_city_and_a_margin():
    nodes = {n: (140.70 + n * 0.05, 38.25, {}) for n in range(1, 9)}
    ways = [([1, 2, 3, 4], {"highway": "path"}), ([1, 2], {"highway": "path"}), ([7, 8], {"highway": "path"})]
    parsed = parse_osm(osm(nodes, ways), bbox=CITY)
    assert parsed.roads.lonlat[:, 0].tolist() == pytest.approx([140.80, 140.85, 140.90])
    assert parsed.roads.passed_over == {WhyNot.OUTSIDE: 2}


def test_names_of_roads_outside_are_left_behind_with_them():
    nodes = {n: (140.70 + n * 0.05, 38.25, {}) for n in range(1, 9)}
    ways = [
        ([7, 8], {"highway": "path", "name": "外の道", "name:en": "Outside"}),
        ([3, 4], {"highway": "path", "name": "定禅寺通", "name:en": "Jozenji-dori"}),
        ([4, 5], {"highway": "path"}),
    ]
    roads = parse_osm(osm(nodes, ways), bbox=CITY).roads
    assert (roads.names, roads.names_en, roads.name.tolist()) == (("定禅寺通",), ("Jozenji-dori",), [0, -1])


def test_bzip2_and_gzip_are_opened():
    data = osm(NODES, [([1, 2], {"highway": "path"})])
    for packed in (bz2.compress(data), gzip.compress(data)):
        assert len(parse_osm(packed, bbox=CITY).roads) == 1


def test_deleted_ways_are_counted_and_left_out():
    data = osm(NODES, [([1, 2], {"highway": "path"}), ([2, 3], {"highway": "path"})])
    data = data.replace(b"<way id='2' version='1'>", b"<way id='2' version='2' visible='false'>")
    parsed = parse_osm(data, bbox=CITY)
    assert (len(parsed.roads), parsed.roads.passed_over) == (1, {WhyNot.DELETED: 1})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "begins with"),
        (b"PK", "begins with"),
        (b'{"type": "FeatureCollection", "features": []}', "begins with"),
        (b"<gpx></gpx>", "gpx"),
        (b"<osm version='0.6'><node id='1'", "XML"),
        (b"<osm version='0.6'></osm>", "no way"),
        (b"<osmChange version='0.6'></osmChange>", "begins with"),
        (b"\x00\x00\x00\x0e\x0a\x09OSMHeader\x18\x12garbage garbage", "PBF"),
        (bz2.compress(b"<osm version='0.6'></osm>")[:20], ""),
    ],
)
def test_what_is_no_openstreetmap_file_is_refused_with_what_was_expected(data, says):
    with pytest.raises(UnreadableRoads) as caught:
        parse_osm(data, bbox=CITY)
    assert says.lower() in str(caught.value).lower()
    assert ".osm.pbf" in caught.value.ja


def test_another_citys_roads_are_refused():
    data = osm({1: (135.5, 34.7, {}), 2: (135.6, 34.7, {})}, [([1, 2], {"highway": "path"})])
    with pytest.raises(UnreadableRoads, match="対象市域"):
        parse_osm(data, bbox=CITY)
