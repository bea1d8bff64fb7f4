from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from geodata.areas import (
    Bbox,
    PointIndex,
    canonical_units,
    parse_area,
    points_in_areas,
    points_in_each,
    to_geojson,
    widen_m,
)
from geodata.cells import cells_of_towns
from geodata.crs import geometry_to_plane, to_plane
from geodata.errors import (
    BadPosition,
    EmptyArea,
    GeodataError,
    LatLonSwapped,
    OutsideCity,
    SelfCrossing,
    TooFewPoints,
    TooManyVertices,
    UnsupportedGeometry,
)

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
SQUARE = [[140.9, 38.2], [140.95, 38.2], [140.95, 38.25], [140.9, 38.25], [140.9, 38.2]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}


def test_a_drawn_square_is_taken_as_it_is():
    assert parse_area(polygon(SQUARE), bbox=SENDAI).equals(shapely.box(140.9, 38.2, 140.95, 38.25))


def test_a_ring_left_open_is_closed_and_a_feature_is_opened():
    feature = {"type": "Feature", "properties": {}, "geometry": polygon(SQUARE[:-1])}
    assert parse_area(feature, bbox=SENDAI).equals(shapely.box(140.9, 38.2, 140.95, 38.25))


def test_polygons_of_one_area_that_overlap_become_one():
    shifted = [[lon + 0.02, lat] for lon, lat in SQUARE]
    area = parse_area({"type": "MultiPolygon", "coordinates": [[SQUARE], [shifted]]}, bbox=SENDAI)
    assert isinstance(area, Polygon)
    assert area.bounds == (140.9, 38.2, 140.97, 38.25)


@pytest.mark.parametrize(
    ("geojson", "error"),
    [
        (None, UnsupportedGeometry),
        ({"type": "Point", "coordinates": [140.9, 38.2]}, UnsupportedGeometry),
        ({"type": "Polygon", "coordinates": []}, EmptyArea),
        ({"type": "Polygon"}, EmptyArea),
        ({"type": "Polygon", "coordinates": [[]]}, TooFewPoints),
        ({"type": "MultiPolygon", "coordinates": [[]]}, EmptyArea),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), TooFewPoints),
        (polygon([[140.9, 38.2], [140.91, 38.21], [140.92, 38.22]]), EmptyArea),
        (polygon([[140.9, "38.2"], *SQUARE[1:]]), BadPosition),
        (polygon([[140.9, math.nan], *SQUARE[1:]]), BadPosition),
        (polygon([[140.9, math.inf], *SQUARE[1:]]), BadPosition),
        (polygon([[140.9, 10**400], *SQUARE[1:]]), BadPosition),
        (polygon([[True, 38.2], *SQUARE[1:]]), BadPosition),
        (polygon([[140.9], *SQUARE[1:]]), BadPosition),
        (polygon([[lat, lon] for lon, lat in SQUARE]), LatLonSwapped),
        (polygon([[lon - 5, lat] for lon, lat in SQUARE]), OutsideCity),
        (polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]), SelfCrossing),
    ],
)
def test_an_unsound_area_is_refused_with_the_fact_in_both_languages(geojson, error):
    with pytest.raises(error) as refused:
        parse_area(geojson, bbox=SENDAI)
    assert "{" not in str(refused.value)
    assert "。" in refused.value.ja


def test_a_crossing_is_said_where_it_is():
    with pytest.raises(SelfCrossing) as refused:
        parse_area(polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]), bbox=SENDAI)
    assert (refused.value.lon, refused.value.lat) == pytest.approx((140.925, 38.225))


def test_more_vertices_than_allowed_are_refused_before_any_geometry_is_built():
    with pytest.raises(TooManyVertices, match="5 vertices, the limit is 4"):
        parse_area(polygon(SQUARE), bbox=SENDAI, max_vertices=4)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "coordinates"]), inner)
    ),
    max_leaves=20,
)


@given(st.sampled_from(["Polygon", "MultiPolygon", "Feature"]), json_values)
def test_whatever_is_sent_as_coordinates_is_an_area_or_a_named_error(kind, value):
    try:
        area = parse_area({"type": kind, "coordinates": value, "geometry": value}, bbox=SENDAI)
    except GeodataError:
        return
    assert area.is_valid


positions = st.tuples(st.integers(0, 400), st.integers(0, 400))


@given(st.lists(positions, min_size=3, max_size=9, unique=True), st.integers(0, 8), st.booleans())
def test_the_canonical_form_does_not_depend_on_how_the_outline_was_drawn(corners, start, backwards):
    hull = shapely.MultiPoint(corners).convex_hull
    if not isinstance(hull, Polygon):
        return
    ring = [[140.9 + x / 1e4, 38.2 + y / 1e4] for x, y in list(hull.exterior.coords)[:-1]]
    start %= len(ring)
    again = ring[start:] + ring[:start]
    if backwards:
        again.reverse()
    area = parse_area(polygon(ring), bbox=SENDAI)
    assert canonical_units(area) == canonical_units(parse_area(polygon(again), bbox=SENDAI))
    assert canonical_units(
        parse_area(json.loads(json.dumps(to_geojson(area))), bbox=SENDAI)
    ) == canonical_units(area)


def test_a_hole_stays_a_hole_in_the_canonical_form():
    hole = [[140.91, 38.21], [140.92, 38.21], [140.92, 38.22], [140.91, 38.22], [140.91, 38.21]]
    area = parse_area(polygon(SQUARE, hole), bbox=SENDAI)
    ((outline, inner),) = canonical_units(area)
    assert outline[0] == (1_409_000_000, 382_000_000)
    assert len(inner) == 4
    assert parse_area(to_geojson(area), bbox=SENDAI).equals(area)


def test_the_edge_of_an_area_counts_as_inside_for_every_way_of_asking():
    area = shapely.box(0, 0, 10, 10)
    far = shapely.box(100, 100, 110, 110)
    points = np.array([[0.0, 5.0], [10.0, 10.0], [5.0, 5.0], [10.001, 5.0], [105.0, 105.0]])
    each = [[True, False], [True, False], [True, False], [False, False], [False, True]]
    assert points_in_each(points, [area, far]).tolist() == each
    assert points_in_areas(points, [area, far]).tolist() == [True, True, True, False, True]
    assert PointIndex(points).touched_by_each([area, far]).tolist() == each
    assert PointIndex(points).touched_by([area, far]).tolist() == [True, True, True, False, True]


def test_no_area_touches_nobody_and_no_point_is_touched():
    assert points_in_areas(np.zeros((3, 2)), []).tolist() == [False] * 3
    assert points_in_areas(np.zeros((0, 2)), [shapely.box(0, 0, 1, 1)]).tolist() == []
    assert PointIndex(np.zeros((3, 2))).touched_by([]).tolist() == [False] * 3
    assert PointIndex(np.zeros((0, 2))).touched_by([shapely.box(0, 0, 1, 1)]).tolist() == []


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_both_ways_of_asking_agree_with_asking_point_by_point(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 40, (60, 2)).astype(float)
    areas = [
        shapely.box(*(np.sort(rng.integers(0, 40, (2, 2)), axis=0).ravel() + np.array([0, 0, 1, 1])))
        for _ in range(3)
    ]
    one_by_one = [[bool(shapely.Point(point).intersects(area)) for area in areas] for point in points]
    assert points_in_each(points, areas).tolist() == one_by_one
    assert PointIndex(points).touched_by_each(areas).tolist() == one_by_one


def test_widening_takes_in_a_point_eight_metres_outside():
    area = shapely.box(0, 0, 100, 100)
    assert points_in_areas(np.array([[107.9, 50.0]]), [widen_m(area, 8)]).tolist() == [True]


TOWNS = [[140.97, 38.222], [140.96, 38.222], [140.97, 38.24], [140.88, 38.26], [140.88, 38.26]]


def test_the_cell_of_a_town_holds_its_point_and_not_that_of_another():
    area = cells_of_towns(TOWNS, [0], bbox=SENDAI)
    on_plane = geometry_to_plane(area.geometry_lonlat)
    assert points_in_areas(to_plane(TOWNS), [on_plane]).tolist() == [True, False, False, False, False]
    assert area.approximate


def test_cells_of_several_towns_are_the_union_and_stay_within_the_radius():
    area = geometry_to_plane(cells_of_towns(TOWNS, [0, 1, 3], radius_m=500, bbox=SENDAI).geometry_lonlat)
    assert points_in_areas(to_plane(TOWNS), [area]).tolist() == [True, True, False, True, True]
    centres = shapely.MultiPoint(to_plane(TOWNS)[[0, 1, 3]])
    assert shapely.hausdorff_distance(area, centres) <= 501
    assert isinstance(area, MultiPolygon)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12), st.data())
def test_every_chosen_town_lies_in_the_area_and_no_other_one(grid, data):
    towns = [[140.85 + x / 1e4, 38.2 + y / 1e4] for x, y in grid]
    chosen = data.draw(st.sets(st.integers(0, len(towns) - 1), min_size=1))
    area = cells_of_towns(towns, chosen, bbox=SENDAI).geometry_lonlat
    assert area.is_valid
    inside = points_in_areas(np.array(towns), [area])
    same_point = {grid[row] for row in chosen}
    assert inside.tolist() == [one in same_point for one in grid]


def test_no_town_chosen_is_refused():
    with pytest.raises(EmptyArea):
        cells_of_towns(TOWNS, [], bbox=SENDAI)


@pytest.mark.parametrize("count", [1, 3000])
def test_one_area_may_be_asked_by_several_threads_at_once(count):
    """GEOS takes the whole process down when two threads ask one prepared area; so this runs in one of its own."""
    program = f"""
import threading
import numpy as np, shapely
from geodata.area_grid import AreaGrid
from geodata.areas import points_in_each
from geodata.near_areas import points_within
rng = np.random.default_rng(0)
turn = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
points = rng.uniform(-4000, 4000, ({count}, 2))
for _ in range(20):
    reach = 3000 * (1 + 0.05 * rng.random(5000))
    area = shapely.Polygon(np.column_stack([reach * np.cos(turn), reach * np.sin(turn)]))
    grid, together, found = AreaGrid([area]), threading.Barrier(4), []
    def ask():
        together.wait()
        found.append([
            int(points_in_each(points, [area]).sum()),
            int(points_within(points, [area], 8.0).sum()),
            int(grid.covers(points).sum()),
        ])
    threads = [threading.Thread(target=ask) for _ in range(4)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert len(found) == 4 and all(one == found[0] for one in found)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
