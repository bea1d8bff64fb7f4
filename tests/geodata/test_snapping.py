from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.snap_among import SnapperAmong
from geodata.snapping import Snapper, edge_of_places, segments_of
from tests.geodata.drawn_network import Line, drawn, grid


def test_a_point_steps_onto_the_nearest_place_of_the_nearest_way():
    network = drawn([(0, 0), (100, 0), (100, 100)], [(0, 50), (60, 50)])
    snapped = Snapper(network, min_way_m=0).snap([[30, 10], [130, 120], [20, 45]])
    assert snapped.edge.tolist() == [0, 0, 1]
    assert snapped.foot_xy_m.tolist() == [[30, 0], [100, 100], [20, 50]]
    assert snapped.along_m == pytest.approx([30, 200, 20])
    assert snapped.share == pytest.approx([0.3, 1.0, 1 / 3])
    assert snapped.gap_m == pytest.approx([10, np.hypot(30, 20), 5])
    assert snapped.place.tolist() == [0, 1, 3]


def test_nobody_is_put_on_a_scrap_of_way_while_there_is_a_network():
    network = drawn([(0, 0), (2000, 0)], [(0, 50), (60, 50)])
    assert Snapper(network).snap([[20, 45]]).edge.tolist() == [0]
    assert Snapper(drawn([(0, 50), (60, 50)])).snap([[20, 45]]).edge.tolist() == [0]


def test_segments_that_may_not_be_used_are_passed_over():
    network = drawn([(0, 0), (100, 0)], [(0, 50), (100, 50)])
    usable = edge_of_places(network) == 1
    assert Snapper(network, usable=usable, min_way_m=0).snap([[20, 5]]).gap_m == pytest.approx([45])
    nowhere = Snapper(network, usable=usable & False, min_way_m=0).snap([[20, 5]])
    assert nowhere.edge.tolist() == [-1]
    assert np.isinf(nowhere.gap_m[0])


def test_a_step_free_walker_is_put_beside_the_stairs():
    network = drawn(Line([(0, 0), (100, 0)]), [(0, 9), (100, 9)])
    assert len(Snapper(network, min_way_m=0).snap(np.zeros((0, 2)))) == 0
    assert segments_of(network).tolist() == [0, 2]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(5, 400))
def test_many_points_get_the_same_answer_as_every_pair_measured(seed, step_m):
    rng = np.random.default_rng(seed)
    network = grid(int(rng.integers(2, 7)), int(rng.integers(2, 7)), step_m)
    points = rng.uniform(-300, 6 * step_m + 300, (2500, 2))
    found = Snapper(network, min_way_m=0).snap(points)
    places = segments_of(network)
    lines = shapely.linestrings(
        np.stack([network.xy_m[network.chain[places]], network.xy_m[network.chain[places + 1]]], axis=1)
    )
    some = rng.integers(0, len(points), 200)
    every = shapely.distance(shapely.points(points[some])[:, None], lines[None, :])
    assert found.gap_m[some] == pytest.approx(every.min(axis=1), abs=1e-6)
    assert np.hypot(*(found.foot_xy_m - points).T) == pytest.approx(found.gap_m)
    few = Snapper(network, min_way_m=0).snap(points[some])
    assert few.gap_m == pytest.approx(found.gap_m[some])


def test_rows_are_taken_and_exchanged():
    network = grid(3, 3)
    snapped = Snapper(network, min_way_m=0).snap([[10, 5], [120, 4], [150, 3]])
    other = snapped.replaced(np.array([1]), snapped.take(np.array([2])))
    assert other.foot_xy_m.tolist() == [[10, 0], [150, 0], [150, 0]]
    assert snapped.foot_xy_m[1].tolist() == [120, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_among_some_segments_the_tree_of_all_names_the_same_place(seed):
    rng = np.random.default_rng(seed)
    network = grid(5, 5)
    usable = rng.random(len(network.chain)) < rng.choice([0.02, 0.3, 0.9])
    points = rng.uniform(-2_500, 2_900, (60, 2))
    found = SnapperAmong(Snapper(network), usable).snap(points)
    known = Snapper(network, usable=usable).snap(points)
    np.testing.assert_allclose(found.gap_m, known.gap_m)
    assert (found.edge == known.edge).all()
    np.testing.assert_allclose(found.along_m, known.along_m, atol=1e-6)
