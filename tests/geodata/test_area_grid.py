"""The grid answers as shapely does, for every point and every area."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon

from geodata.area_grid import AreaGrid
from geodata.areas import points_in_each
from geodata.errors import UnsupportedGeometry

ORIGIN = np.array([4_321.123, -193_456.789])


def wavy(seed, vertices, radius=100.0, roughness=0.3, at=(0.0, 0.0)):
    """A closed coast line around a point; the rougher, the longer its edges."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    reach = radius * (1 + roughness * rng.uniform(-1, 1, vertices))
    return Polygon(np.column_stack([at[0] + reach * np.cos(angle), at[1] + reach * np.sin(angle)]))


def corners_and_edges(areas):
    """Points where rounding is most tempted: vertices, the middle of edges, a hair beside them."""
    found = [np.zeros((0, 2))]
    for area in areas:
        pairs = shapely.get_coordinates(area)
        if len(pairs):
            middle = (pairs[1:] + pairs[:-1]) / 2
            found += [pairs, middle, np.nextafter(pairs, np.inf), np.nextafter(middle, -np.inf)]
    return np.concatenate(found)


def assert_same(areas, points):
    expected = points_in_each(points, areas)
    assert np.array_equal(AreaGrid(areas).covers(points), expected)
    together = AreaGrid(areas, np.zeros(len(areas), dtype=int)).covers(points)
    assert np.array_equal(together[:, 0], expected.any(axis=1))


whole = st.integers(0, 12)
small_boxes = st.lists(st.tuples(whole, whole, st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=6)


@st.composite
def polygons(draw):
    """Boxes joined and cut on whole metres (holes, parts, long straight edges), or a coast line."""
    if draw(st.booleans()):
        return wavy(draw(st.integers(0, 99)), draw(st.integers(3, 60)), roughness=draw(st.floats(0, 0.9)))
    solid = shapely.union_all([shapely.box(x, y, x + w, y + h) for x, y, w, h in draw(small_boxes)])
    holes = shapely.union_all([shapely.box(x, y, x + w, y + h) for x, y, w, h in draw(small_boxes)])
    return shapely.difference(solid, holes) if draw(st.booleans()) else solid


@settings(max_examples=120, deadline=None)
@given(
    areas=st.lists(polygons(), min_size=1, max_size=4),
    scale=st.sampled_from([1e-6, 0.01, 1.0, 37.7, 5_000.0]),
    moved=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_answer_is_that_of_shapely_inside_outside_on_vertices_and_on_edges(areas, scale, moved, seed):
    shift = ORIGIN if moved else np.zeros(2)
    areas = [shapely.transform(one, lambda pairs: pairs * scale + shift) for one in areas]
    areas = [one if one.is_valid else shapely.make_valid(one, method="structure") for one in areas]
    areas = [one for one in areas if isinstance(one, Polygon | MultiPolygon)]
    west, south, east, north = shapely.total_bounds(areas) if areas else (0, 0, 1, 1)
    if not np.isfinite(west):
        west, south, east, north = 0, 0, 1, 1
    rng = np.random.default_rng(seed)
    around = rng.uniform([west - 1, south - 1], [east + 1, north + 1], (60, 2))
    within = rng.uniform([west, south], [east, north], (60, 2))
    on_grid = np.array([[x, y] for x in range(14) for y in range(14)]) * scale + shift
    assert_same(areas, np.concatenate([around, within, on_grid, corners_and_edges(areas)]))


def test_a_tiny_area_of_many_vertices_beside_a_huge_one_is_exact():
    areas = [
        shapely.box(-20_000, -20_000, 20_000, 20_000),
        wavy(1, 5_000, radius=30),
        wavy(2, 3_000, 9_000.0),
    ]
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.uniform(-25_000, 25_000, (4_000, 2)), rng.uniform(-40, 40, (4_000, 2))])
    assert_same(areas, points)


def test_areas_of_one_group_may_overlap_lie_in_each_other_and_far_apart():
    areas = [wavy(n, 200, radius=500, at=(n * 300.0, 0.0)) for n in range(6)]
    areas += [shapely.box(300, -50, 400, 50), wavy(9, 50, radius=5, at=(90_000.0, 90_000.0))]
    points = np.random.default_rng(4).uniform(-800, 2_500, (5_000, 2))
    group = [0, 1, 0, 1, 0, 1, 0, 1]
    each = points_in_each(points, areas)
    expected = np.column_stack([each[:, ::2].any(axis=1), each[:, 1::2].any(axis=1)])
    assert np.array_equal(AreaGrid(areas, group).covers(points), expected)


def test_many_points_in_several_blocks_are_exact():
    areas = [
        wavy(5, 2_000, radius=5_000.0, roughness=0.05),
        wavy(6, 2_000, radius=3_000.0, at=(2_000.0, 0.0)),
    ]
    points = np.random.default_rng(7).uniform(-6_000, 6_000, (150_000, 2)) + ORIGIN
    areas = [shapely.transform(one, lambda pairs: pairs + ORIGIN) for one in areas]
    assert_same(areas, points)


def test_nothing_is_inside_of_nothing_and_no_position_is_nowhere():
    box = shapely.box(0, 0, 1, 1)
    assert AreaGrid([]).covers([[0, 0]]).shape == (1, 0)
    assert AreaGrid([box]).covers(np.zeros((0, 2))).shape == (0, 1)
    assert AreaGrid([Polygon(), box]).covers([[0.5, 0.5]]).tolist() == [[False, True]]
    assert AreaGrid([Polygon()]).covers([[0.5, 0.5]]).tolist() == [[False]]
    nowhere = [[np.nan, 0.5], [np.inf, 0.5], [0.5, -np.inf]]
    assert not AreaGrid([box]).covers(nowhere).any()


@pytest.mark.parametrize("other", [Point(0, 0), LineString([(0, 0), (1, 1)]), None])
def test_what_is_no_polygon_is_refused(other):
    with pytest.raises(UnsupportedGeometry):
        AreaGrid([other])
