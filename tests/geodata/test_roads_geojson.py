"""Roads from GeoJSON lines of several layouts."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import GeodataError, LatLonSwapped, UnknownLayout, UnreadableRoads
from geodata.foot_tags import WhyNot
from geodata.importers.roads_geojson import (
    MANY_REJECTED,
    WIDTH_CLASSES,
    mapping_from_words,
    parse_road_lines,
)
from geodata.roads import RoadFlag, RoadKind, clipped
from tests.geodata.drawn_roads import road_lines

CITY = Bbox(140.80, 38.20, 141.00, 38.35)
LINE = [[140.85, 38.25], [140.86, 38.25], [140.86, 38.26]]
MIXED = "residential|unclassified|steps|track|*_link|corridor|construction|other"


def feature(coordinates: object = LINE, kind: str = "LineString", **properties: object) -> dict[str, object]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_the_layout_of_width_classes_is_told_by_its_property_and_says_what_it_cannot_tell():
    data = collection(
        feature(highway_class="trunk", width_m=16.0),
        feature(highway_class=MIXED),
        feature(highway_class="motorway"),
        feature(highway_class="path"),
    )
    parsed = parse_road_lines(data, bbox=CITY)
    assert parsed.roads.kind.tolist() == [RoadKind.MAIN_ROAD, RoadKind.UNKNOWN, RoadKind.PEDESTRIAN]
    assert parsed.roads.passed_over == {WhyNot.MOTORWAY: 1}
    assert any("階段" in one for one in parsed.remarks_ja)
    assert parsed.remarks_ja == WIDTH_CLASSES.remarks_ja


def test_the_tags_of_openstreetmap_as_properties_are_judged_like_ways():
    data = collection(
        {
            "type": "Feature",
            "properties": {"shop": "books"},
            "geometry": {"type": "Point", "coordinates": [0, 0]},
        },
        feature(highway="footway", bridge="yes", layer="1", name="大橋", **{"name:en": "Ohashi Bridge"}),
        feature(highway="service", access="private"),
        feature(highway="steps", layer=None),
    )
    roads = parse_road_lines(data, bbox=CITY).roads
    assert roads.kind.tolist() == [RoadKind.PEDESTRIAN, RoadKind.STEPS]
    assert (roads.flags.tolist(), roads.layer.tolist()) == ([RoadFlag.BRIDGE, 0], [1, 0])
    assert (roads.names, roads.names_en, roads.name.tolist()) == (("大橋",), ("Ohashi Bridge",), [0, -1])
    assert roads.passed_over == {WhyNot.NO_ACCESS: 1, WhyNot.NOT_A_WAY: 1}


def test_a_citys_own_layout_is_read_by_the_mapping_of_the_settings():
    mapping = mapping_from_words(
        kind="種別",
        kinds={"市道": "road", "階段": "steps", "専用道": "not_for_walkers"},
        flags={"橋": "bridge", "地下": "underpass"},
        name="路線名",
        layer="階層",
    )
    data = collection(
        feature(種別="市道", 橋=True, 路線名=" 広瀬通 ", 階層=1),
        feature(種別="階段", 地下="1", 橋="no"),
        feature(種別="専用道"),
        feature(種別="県道"),
        feature(種別="市道", 階層="上"),
    )
    parsed = parse_road_lines(data, mapping, bbox=CITY)
    assert parsed.roads.kind.tolist() == [RoadKind.ROAD, RoadKind.STEPS]
    assert parsed.roads.flags.tolist() == [RoadFlag.BRIDGE, RoadFlag.UNDERPASS]
    assert (parsed.roads.names, parsed.roads.layer.tolist()) == (("広瀬通",), [1, 0])
    assert [(one.row, one.field) for one in parsed.rejected] == [(4, "種別"), (5, "階層")]
    assert "県道" in parsed.rejected[0].reason
    with pytest.raises(UnknownLayout, match="highroad"):
        mapping_from_words(kind="種別", kinds={"市道": "highroad"})


def test_multilines_heights_and_gzip_are_read():
    data = collection(feature([[[*one, 12.5] for one in LINE], LINE[:2]], "MultiLineString", highway="path"))
    roads = parse_road_lines(gzip.compress(data), bbox=CITY).roads
    assert roads.first.tolist() == [0, 3, 5]
    assert roads.lonlat[:3].tolist() == LINE


@pytest.mark.parametrize(
    ("bad", "field", "says"),
    [
        (feature([140.85, 38.25], "Point", highway="path"), "geometry", "Point"),
        ({"type": "Feature", "properties": {"highway": "path"}, "geometry": None}, "geometry", "null"),
        (feature([[140.85], [140.86]], highway="path"), "coordinates", "経度"),
        (feature([["140.85", "38.25"]], highway="path"), "coordinates", "読めません"),
        (feature(LINE[0], highway="path"), "coordinates", "読めません"),
        (feature([[500.0, 38.25], [140.86, 38.25]], highway="path"), "coordinates", "度"),
        (feature([one[::-1] for one in LINE], highway="path"), "coordinates", "逆"),
        (feature(highway="path") | {"properties": "none"}, "feature", "読めません"),
        (17, "feature", "読めません"),
    ],
)
def test_a_bad_feature_is_named_and_the_good_ones_are_taken(bad, field, says):
    parsed = parse_road_lines(collection(feature(highway="path"), bad, feature(highway="path")), bbox=CITY)
    assert len(parsed.roads) == 2
    (rejected,) = parsed.rejected
    assert (rejected.row, rejected.field) == (2, field)
    assert says in rejected.reason


def test_a_line_of_one_position_is_counted():
    parsed = parse_road_lines(
        collection(feature(highway="path"), feature(LINE[:1], highway="path")), bbox=CITY
    )
    assert parsed.roads.passed_over == {WhyNot.NO_VERTICES: 1}


def test_a_file_with_latitude_first_is_refused_and_not_swapped():
    with pytest.raises(LatLonSwapped) as caught:
        parse_road_lines(collection(feature([one[::-1] for one in LINE], highway="path")), bbox=CITY)
    assert (caught.value.lon, caught.value.lat) == (38.25, 140.85)


def test_no_more_rejected_features_are_listed_than_a_person_reads():
    bad = [feature([140.85, 38.25], "Point", highway="path")] * (MANY_REJECTED + 5)
    parsed = parse_road_lines(collection(feature(highway="path"), *bad), bbox=CITY)
    assert len(parsed.rejected) == MANY_REJECTED + 1
    assert "5件" in parsed.rejected[-1].reason


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnreadableRoads),
        (b"[]", UnreadableRoads),
        (b'{"type": "FeatureCollection"}', UnreadableRoads),
        (b"\xff\xfe\x00", UnreadableRoads),
        (gzip.compress(collection(feature(highway="path")))[:-12], UnreadableRoads),
        (collection(), UnknownLayout),
        (collection(feature(width=3)), UnknownLayout),
        (collection(feature([[135.5, 34.7], [135.6, 34.7]], highway="path")), UnreadableRoads),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_with_what_was_expected(data, error):
    with pytest.raises(error) as caught:
        parse_road_lines(data, bbox=CITY)
    assert caught.value.ja


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "geometry", "properties", "coordinates", "highway"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.lists(_json, max_size=3))
def test_no_feature_breaks_the_import(features):
    try:
        parsed = parse_road_lines(collection(feature(highway="path"), *features), bbox=CITY)
    except GeodataError as error:
        assert error.ja
    else:
        assert len(parsed.roads) >= 1


def test_lines_are_clipped_to_runs_of_vertices_inside():
    outside = Bbox(140.0, 38.0, 141.0, 38.2601)
    there_and_back = [(0, 0), (0, 5), (0, 40), (0, 50), (5, 5), (5, 0)]
    roads, gone = clipped(
        road_lines(there_and_back, [(0, 40), (5, 50)], [(0, 0), (0, 60)], [(9, 0), (9, 1)]), outside
    )
    assert gone == 2
    assert roads.first.tolist() == [0, 2, 4, 6]
    assert len(roads.kind) == 3


_spots = st.tuples(st.integers(-20, 20), st.integers(-20, 20))


@given(st.lists(st.lists(_spots, min_size=1, max_size=7), max_size=5))
def test_clipping_keeps_every_piece_between_two_vertices_inside_and_no_other(lines):
    roads = road_lines(*lines)
    box = Bbox(140.8699, 38.2599, 140.8701, 38.2601)
    kept, _ = clipped(roads, box)

    def pieces(one, *, only_inside: bool) -> list[tuple[float, ...]]:
        found = []
        for low, high in zip(one.first[:-1], one.first[1:], strict=True):
            for n in range(low, high - 1):
                pair = one.lonlat[n : n + 2]
                if not only_inside or all(box.holds(*place) for place in pair):
                    found.append(tuple(np.round(pair.ravel(), 7)))
        return found

    assert pieces(kept, only_inside=False) == pieces(roads, only_inside=True)
    assert all(box.holds(*place) for place in kept.lonlat)
