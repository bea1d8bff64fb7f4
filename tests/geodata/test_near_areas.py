"""Points in areas or a short way from their edge: the grid's answer is the answer of asking each pair."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata import near_areas
from geodata.near_areas import points_within


def ragged(centre, radius, corners, seed):
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    far = radius * rng.uniform(0.7, 1.3, corners)
    ring = np.column_stack([centre[0] + far * np.cos(angle), centre[1] + far * np.sin(angle)])
    return shapely.make_valid(shapely.Polygon(ring)).buffer(0)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([3, 4, 40, 900]),
    st.sampled_from([0.0, 0.5, 8.0, 185.0]),
    st.sampled_from([60.0, 900.0]),
)
def test_a_point_is_within_exactly_when_its_distance_is_at_most_that(seed, corners, by_m, radius):
    rng = np.random.default_rng(seed)
    areas = [ragged((0, 0), radius, corners, seed), ragged((700, 300), radius, corners, seed + 1)]
    points = rng.uniform(-1500, 2200, (near_areas.FEW_POINTS + 500, 2))
    apart = np.column_stack([shapely.distance(one, shapely.points(points)) for one in areas])
    assert (points_within(points, areas, by_m) == (apart <= by_m)).all()
    assert (points_within(points[:50], areas, by_m) == (apart[:50] <= by_m)).all()


@pytest.mark.parametrize("count", [3, near_areas.FEW_POINTS + 3])
def test_the_edge_and_what_lies_exactly_that_far_count_as_within(count):
    area = shapely.box(0, 0, 1000, 1000)
    points = np.resize(np.array([[0.0, 500.0], [-8.0, 500.0], [-8.01, 500.0]]), (count, 2))
    assert points_within(points, [area], 8.0)[:3, 0].tolist() == [True, True, False]
    assert points_within(points, [area], 0.0)[:3, 0].tolist() == [True, False, False]


def test_no_areas_hold_nobody():
    assert points_within(np.zeros((5, 2)), [], 8.0).shape == (5, 0)
    assert points_within(np.zeros((near_areas.FEW_POINTS + 1, 2)), [], 8.0).shape[1] == 0
