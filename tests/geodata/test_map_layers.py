"""What a map draws of a danger covers what was published, is small, and is the same byte for byte each time."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.crs import to_plane
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind
from geodata.map_layers import (
    LEVELS,
    SHOWN_FROM,
    area_feature,
    danger_shape,
    geojson_bytes,
    hazard_features,
    level_of,
    road_features,
)
from geodata.pixels import decimals_for, pixel_deg, to_degrees, to_pixels
from geodata.roads import RoadKind, RoadLines

FIRST_ZOOM = LEVELS[0]
# Widths in metres of the real file's classes, as its README explains them; None: no way for feet.
WIDTHS = {
    18: None,
    16: RoadKind.MAIN_ROAD,
    12: RoadKind.MAIN_ROAD,
    10: RoadKind.MAIN_ROAD,
    8: RoadKind.ROAD,
    6: RoadKind.UNKNOWN,
    4: RoadKind.SERVICE,
    2.5: RoadKind.PEDESTRIAN,
    2: RoadKind.PEDESTRIAN,
}


def layer_of(*areas: shapely.Geometry, rows: list[int] | None = None, key: str = "flood_max") -> HazardLayer:
    rows = rows or [0] * len(areas)
    return HazardLayer(
        key=key,
        hazard=HazardKind.FLOOD,
        name_ja="洪水浸水想定区域（想定最大規模）",
        classes=tuple(HazardClass(code=f"flood_{n}", rank=n, ja=f"階級{n}") for n in (3, 1, 2)),
        areas_lonlat=np.array(areas, dtype=object),
        class_row=np.array(rows, dtype=np.int16),
        label=np.array([""] * len(areas), dtype=object),
        coverage_lonlat=None,
        source="試験",
        version="1",
    )


def roads_of(*lines: tuple[RoadKind, list[tuple[float, float]]]) -> RoadLines:
    count = len(lines)
    return RoadLines(
        lonlat=np.array([position for _, line in lines for position in line], dtype=np.float64),
        first=np.cumsum([0, *(len(line) for _, line in lines)]),
        kind=np.array([kind for kind, _ in lines], dtype=np.int8),
        flags=np.zeros(count, np.uint8),
        layer=np.zeros(count, np.int8),
        name=np.full(count, -1, np.int32),
        names=(),
        source="試験",
        passed_over={},
    )


def jagged(
    rng: np.random.Generator, lon: float, lat: float, radius: float, vertices: int
) -> shapely.Geometry:
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    wander = np.cumsum(rng.normal(size=vertices)) / np.sqrt(vertices)
    far = radius * (1 + 0.3 * np.sin(5 * turn) + 0.05 * wander + 0.01 * rng.normal(size=vertices))
    ring = np.column_stack([lon + far * np.cos(turn), lat + 0.8 * far * np.sin(turn)])
    return shapely.make_valid(shapely.Polygon(ring), method="structure")


@st.composite
def danger_areas(draw: st.DrawFn) -> list[shapely.Geometry]:
    """One to four blobs of a few metres to some kilometres, jagged, some with a hole."""
    areas = []
    for _ in range(draw(st.integers(1, 4))):
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        radius = draw(st.sampled_from([2e-5, 3e-4, 4e-3, 3e-2]))
        lon, lat = 140.9 + draw(st.floats(-0.05, 0.05)), 38.25 + draw(st.floats(-0.05, 0.05))
        area = jagged(rng, lon, lat, radius, draw(st.integers(3, 60)))
        if draw(st.booleans()):
            area = area.difference(jagged(rng, lon, lat, radius * draw(st.floats(0.05, 0.6)), 12))
        if not area.is_empty and area.geom_type in ("Polygon", "MultiPolygon"):
            areas.append(area)
    return areas or [shapely.box(140.9, 38.2, 140.901, 38.201)]


@settings(deadline=None, max_examples=40)
@given(danger_areas(), st.sampled_from(LEVELS))
def test_a_drawn_danger_covers_the_published_one_and_ends_half_a_pixel_beyond_it(areas, zoom):
    drawn = danger_shape(np.array(areas, dtype=object), zoom)
    assert drawn is not None and drawn.is_valid and drawn.geom_type == "MultiPolygon"
    truth_px, drawn_px = to_pixels(np.array([shapely.union_all(areas), drawn], dtype=object), zoom)
    # A millionth of a pixel for floats that name a place of the whole world.
    assert drawn_px.buffer(1e-6).covers(truth_px)
    parts = shapely.get_parts(truth_px)
    width = np.ptp(shapely.bounds(parts)[:, [0, 2]], axis=1).max(initial=0)
    height = np.ptp(shapely.bounds(parts)[:, [1, 3]], axis=1).max(initial=0)
    if max(width, height) >= 1 and len(parts) == len(areas) == 1:  # a small one beside it is a whole pixel
        filled = shapely.Polygon(parts[0].exterior, [h for h in parts[0].interiors if is_seen(h)])
        assert filled.buffer(0.5).covers(drawn_px)
    # A pixel's diagonal, the hair round it at both ends, and what a circle of straight pieces lacks.
    assert truth_px.buffer(np.sqrt(2) * 1.06 + 0.1).union(truth_px.convex_hull).covers(drawn_px)


def is_seen(hole: shapely.Geometry) -> bool:
    """A hole that growing leaves wider than a pixel for certain; others may be filled."""
    west, south, east, north = hole.bounds
    return max(east - west, north - south) >= 3


def test_a_danger_of_a_few_metres_is_drawn_as_a_pixel_and_never_dropped():
    house = shapely.box(140.9, 38.2, 140.9001, 38.2001)
    drawn = danger_shape(np.array([house], dtype=object), FIRST_ZOOM)
    (wide_px,) = to_pixels(np.array([drawn], dtype=object), FIRST_ZOOM)
    assert drawn.covers(house)
    assert 0.9 <= wide_px.area <= 4.1


def test_a_thousand_dangers_in_one_pixel_cost_one_pixel():
    rng = np.random.default_rng(4)
    corners = rng.uniform(0, pixel_deg(FIRST_ZOOM) / 4, (1000, 2)) + np.array([140.9, 38.2])
    houses = shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + 1e-5, corners[:, 1] + 1e-5)
    drawn = danger_shape(houses, FIRST_ZOOM)
    assert shapely.get_num_coordinates(drawn) <= 9


def test_a_hole_below_a_pixel_is_filled_and_a_larger_one_stays():
    def ring(half):
        return shapely.box(140.9 - half, 38.2 - half, 140.9 + half, 38.2 + half)

    pixel = pixel_deg(FIRST_ZOOM)
    for half, holes in ((pixel / 4, 0), (pixel * 3, 1)):
        drawn = danger_shape(np.array([ring(pixel * 10).difference(ring(half))], dtype=object), FIRST_ZOOM)
        assert [len(one.interiors) for one in drawn.geoms] == [holes]


def test_worse_classes_come_later_and_are_drawn_over_milder_ones_without_a_gap():
    west, east = shapely.box(140.90, 38.2, 140.95, 38.25), shapely.box(140.95, 38.2, 141.0, 38.25)
    found = hazard_features(layer_of(west, east, rows=[0, 1]), FIRST_ZOOM)
    assert [one.properties["class"] for one in found] == ["flood_1", "flood_3"]
    assert found[0].geometry.intersects(found[1].geometry)
    assert shapely.union_all([one.geometry for one in found]).covers(shapely.union_all([west, east]))


def test_a_layer_without_areas_is_an_empty_collection_and_a_sample_says_so():
    assert geojson_bytes(hazard_features(layer_of(), 10)) == b'{"type":"FeatureCollection","features":[]}'
    sample = replace(layer_of(shapely.box(140.9, 38.2, 140.95, 38.25)), sample=True)
    assert (
        json.loads(geojson_bytes(hazard_features(sample, 10)))["features"][0]["properties"]["sample"] is True
    )
    assert area_feature("ward", [], 10, {}) is None


def test_the_same_layer_in_another_order_gives_the_same_bytes():
    rng = np.random.default_rng(9)
    areas = [jagged(rng, 140.8 + n / 20, 38.25, 0.01, 300) for n in range(6)]
    forth = layer_of(*areas, rows=[0, 1, 2, 0, 1, 2])
    back = layer_of(*areas[::-1], rows=[2, 1, 0, 2, 1, 0])
    for zoom in LEVELS:
        assert geojson_bytes(hazard_features(forth, zoom)) == geojson_bytes(hazard_features(back, zoom))


def test_a_city_of_hazards_stays_below_a_megabyte_at_the_first_zoom():
    rng = np.random.default_rng(1)
    large = [jagged(rng, 140.85 + n / 20, 38.25 + n / 100, 0.05, 20_000) for n in range(5)]
    corners = rng.uniform((140.6, 38.2), (140.9, 38.4), (1500, 2))
    slopes = shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + 4e-4, corners[:, 1] + 3e-4)
    whole = [
        *hazard_features(layer_of(*large, rows=[0, 1, 2, 0, 1]), FIRST_ZOOM),
        *hazard_features(layer_of(*slopes, key="landslide"), FIRST_ZOOM),
    ]
    assert 50_000 < len(geojson_bytes(whole)) < 700_000


def test_the_first_zoom_shows_main_roads_and_the_last_one_every_path():
    kinds = list(RoadKind)
    roads = roads_of(*((kind, [(140.9, 38.2 + kind / 100), (140.95, 38.2 + kind / 100)]) for kind in kinds))
    assert [one.properties["kind"] for one in road_features(roads, FIRST_ZOOM)] == ["main_road"]
    assert len(road_features(roads, LEVELS[-1])) == len(kinds) == len(SHOWN_FROM)


def test_both_sides_of_a_divided_road_are_one_line_from_afar():
    there = [(140.9 + n / 1000, 38.2) for n in range(40)]
    back = [(lon, lat + 1e-5) for lon, lat in there[::-1]]
    (feature,) = road_features(roads_of((RoadKind.MAIN_ROAD, there), (RoadKind.MAIN_ROAD, back)), FIRST_ZOOM)
    (line,) = feature.geometry.geoms
    assert len(line.coords) == 2


def test_lines_that_meet_still_meet_and_none_moves_farther_than_a_pixel():
    rng = np.random.default_rng(3)
    crossing = (140.93, 38.24)
    lines = []
    for turn in np.linspace(0, 5, 5):
        reach = np.linspace(0, 0.02, 80)
        wobble = np.r_[0, rng.normal(size=79).cumsum() * 2e-5]
        east, north = crossing[0] + reach * np.cos(turn) + wobble, crossing[1] + reach * np.sin(turn)
        lines.append(list(zip(east, north, strict=True)))
    truth = shapely.MultiLineString([np.array(line, dtype=float) for line in lines])
    for zoom in LEVELS:
        (feature,) = road_features(roads_of(*((RoadKind.MAIN_ROAD, line) for line in lines)), zoom)
        shown, meant = to_pixels(np.array([feature.geometry, truth], dtype=object), zoom)
        assert shapely.hausdorff_distance(shown, meant, densify=0.01) <= 1
        assert len(shapely.get_parts(shapely.line_merge(shapely.union_all([shown])))) == 5


@pytest.mark.real_data
def test_the_real_roads_of_sendai_are_small_at_every_zoom(shared_data):
    packed = (shared_data / "osm" / "sendai_central_roads_osm_20260204.geojson.gz").read_bytes()
    features = json.loads(gzip.decompress(packed))["features"]
    lines = [
        (kind, one["geometry"]["coordinates"])
        for one in features
        if (kind := WIDTHS[one["properties"]["width_m"]]) is not None
    ]
    assert len(lines) > 39_000
    roads = roads_of(*lines)
    sizes = {zoom: len(geojson_bytes(road_features(roads, zoom))) for zoom in (10, 12)}
    assert 2_000 < sizes[10] < 100_000
    assert sizes[12] < 1_000_000


@given(st.floats(140.4, 141.2), st.floats(38.0, 38.6), st.integers(8, 16))
def test_pixels_lead_back_to_the_same_degrees(lon, lat, zoom):
    there = to_pixels(np.array([shapely.Point(lon, lat)], dtype=object), zoom)
    (back,) = to_degrees(there, zoom)
    assert np.hypot(*(to_plane([[back.x, back.y]]) - to_plane([[lon, lat]]))[0]) < 1e-3


@pytest.mark.parametrize("zoom", LEVELS)
def test_rounding_costs_no_more_of_a_pixel_than_was_asked(zoom):
    decimals = decimals_for(zoom, 0.1)
    lon, lat = 140.9 + 0.5 * 10.0**-decimals, 38.2 + 0.5 * 10.0**-decimals
    exact, rounded = to_pixels(
        shapely.points([[lon, lat], [round(lon, decimals), round(lat, decimals)]]), zoom
    )
    assert exact.distance(rounded) <= 0.1


def test_a_map_takes_the_next_finer_level():
    assert [level_of(zoom) for zoom in (3, 10, 10.4, 12, 13.9, 16, 19)] == [10, 10, 12, 12, 14, 16, 16]


@settings(deadline=None, max_examples=30)
@given(danger_areas(), st.sampled_from(LEVELS))
def test_what_is_written_is_the_geometry_that_was_made(areas, zoom):
    features = hazard_features(layer_of(*areas, rows=[n % 3 for n in range(len(areas))]), zoom)
    written = json.loads(geojson_bytes(features, {"zoom": zoom}))
    assert (written["type"], written["zoom"], len(written["features"])) == (
        "FeatureCollection",
        zoom,
        len(features),
    )
    for one, feature in zip(written["features"], features, strict=True):
        assert one["properties"] == dict(feature.properties)
        assert shapely.equals_exact(shapely.from_geojson(json.dumps(one["geometry"])), feature.geometry, 1e-9)


def test_a_danger_smaller_than_a_pixel_is_covered_also_at_the_edge_of_the_pixel():
    zoom = 10
    for away in (0.0005, 0.001, 0.9985, 0.9995):
        corner = np.array([467344.5, 60436.0 + away])
        spot = shapely.box(*(corner - 1e-4), *(corner + 1e-4))
        inside = to_degrees(np.array([spot], dtype=object), zoom)
        drawn = to_pixels(np.array([danger_shape(inside, zoom)], dtype=object), zoom)[0]
        assert drawn.covers(spot)
