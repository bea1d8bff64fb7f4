"""The nearest sites asked by row are those of the whole matrix, whatever is closed and wherever people stand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata import row_walks
from geodata.crowd import Crowd
from geodata.ground_cells import CELL_M, OUTSIDE, GroundCells
from geodata.inland_ways import SeaRule
from geodata.near_rounds import NONE
from geodata.network import Foot
from geodata.pair_walks import PairWalks
from geodata.row_walks import RowWalks
from geodata.standing import Stander, Standing
from geodata.walks import NetworkWalks
from tests.geodata.drawn_network import drawn, grid

seeds = st.integers(0, 2**32 - 1)
PEOPLE, SITES = 120, 14


def standing_of(walks: NetworkWalks, points: np.ndarray) -> tuple[Standing, GroundCells]:
    cells = GroundCells(walks.network)
    stander = Stander(walks.network, walks.foot, cells, gap_factor=walks.detour_factor)
    return stander.stand(points, walks.ends.usual(points)), cells


def made_walks(rng: np.random.Generator, areas: int, *, wave: bool, bound_m: float) -> NetworkWalks:
    part = rng.integers(0, 3)
    network = grid(8, 8) if part else drawn([(0, 0), (700, 0)], [(0, 0), (0, 700)], [(900, 900), (2300, 900)])
    walks = NetworkWalks(network, foot=Foot.SLOW, bound_m=bound_m)
    live = [shapely.Point(*rng.uniform(0, 800, 2)).buffer(float(rng.uniform(20, 250))) for _ in range(areas)]
    if not live:
        return walks
    sea = SeaRule(areas_xy_m=tuple(live[:1]), seaward_bearing_deg=90.0) if wave else None
    return walks.under(live, closed_edges=rng.integers(0, len(network.edge_from), 2), sea=sea)


@settings(max_examples=100, deadline=None)
@given(
    seeds,
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([400.0, 3000.0]),
    st.tuples(st.integers(1, 7), st.booleans()),
)
def test_the_nearest_by_row_are_those_of_the_matrix(seed, areas, wave, bound_m, asked):
    k, tables = asked
    rng = np.random.default_rng(seed)
    walks = made_walks(rng, areas, wave=wave, bound_m=bound_m)
    people = np.concatenate(
        [rng.uniform(-600, 1400, (PEOPLE // 2, 2)), rng.uniform(0, 700, (PEOPLE // 2, 2))]
    )
    sites = np.concatenate([rng.uniform(-100, 800, (SITES - 4, 2)), rng.uniform(-900, 1800, (4, 2))])
    standing, cells = standing_of(walks, people)
    allowed = rng.random(SITES) < 0.7
    rows = RowWalks(PairWalks(walks, sites), cells)
    crowd = Crowd(people, standing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_walks, "_GROUPS", 0 if tables else PEOPLE)
        found_site, found = rows.nearest(crowd, np.arange(PEOPLE), allowed, k)
    walk = walks.walk(people, sites)
    matrix = np.where(allowed, walk.effort_m, np.inf)
    expected = np.sort(matrix, axis=1)[:, :k]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-2)
    assert ((found_site == NONE) == np.isinf(expected)).all()
    named = np.take_along_axis(matrix, np.maximum(found_site, 0), axis=1)
    np.testing.assert_allclose(np.where(found_site >= 0, named, np.inf), found, rtol=1e-5, atol=1e-2)
    ordered = np.sort(found_site, axis=1)
    assert ((ordered[:, 1:] != ordered[:, :-1]) | (ordered[:, 1:] == NONE)).all()
    # The very same figure whichever way it is asked, so that a plan made again from a part is the same plan.
    assert (rows.figures(crowd, np.arange(PEOPLE), found_site)[0] == found).all()
    few = rng.integers(0, PEOPLE, 3)
    assert (rows.figures(Crowd(people, standing), few, found_site[few])[0] == found[few]).all()


def test_of_two_sites_at_one_place_the_smaller_row_is_named():
    walks = NetworkWalks(grid(5, 5))
    people = np.random.default_rng(3).uniform(0, 400, (50, 2))
    standing, cells = standing_of(walks, people)
    sites = np.array([(900.0, 10.0), (210.0, 10.0), (210.0, 10.0)])
    rows = RowWalks(PairWalks(walks, sites), cells)
    site, figure = rows.nearest(Crowd(people, standing), np.arange(50), np.ones(3, dtype=np.bool_), 1)
    assert (site == 1).all()
    site, _ = rows.nearest(Crowd(people, standing), np.arange(50), np.array([True, False, True]), 2)
    assert (site == [2, 0]).all()
    assert np.isfinite(figure).all()


@pytest.mark.parametrize("allowed", [[False, False], [True, False]])
def test_sites_that_are_not_allowed_are_never_named(allowed):
    walks = NetworkWalks(grid(3, 3))
    people = np.array([(10.0, 10.0), (5000.0, 5000.0)])
    standing, cells = standing_of(walks, people)
    rows = RowWalks(PairWalks(walks, np.array([(200.0, 200.0), (0.0, 0.0)])), cells)
    site, figure = rows.nearest(Crowd(people, standing), np.arange(2), np.array(allowed), 2)
    assert site[:, 0].tolist() == ([0, 0] if allowed[0] else [NONE, NONE])
    assert (site[:, 1] == NONE).all()
    assert np.isinf(figure[:, 1]).all()


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_what_a_square_says_is_never_more_than_the_distance(seed):
    rng = np.random.default_rng(seed)
    cells = GroundCells(grid(6, 6))
    points = rng.uniform(-900, 1500, (200, 2))
    cell = cells.of(points)
    known = cell != OUTSIDE
    assert known.any()
    areas = [shapely.box(*rng.uniform(-200, 200, 2), *rng.uniform(300, 700, 2)) for _ in range(2)]
    away = np.min([shapely.distance(shapely.points(points), one.boundary) for one in areas], axis=0)
    bound = cells.border_m(areas)
    assert (bound[cell[known]] <= away[known] + 1e-3).all()
    assert (bound[cell[known]] >= away[known] - 4 * CELL_M)[away[known] < 200].all()
    sites = rng.uniform(-2000, 2500, (5, 2))
    to_site = np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1)).min(axis=1)
    assert (cells.nearest_m(sites)[cell[known]] <= to_site[known] + 1e-3).all()
    assert np.isinf(cells.nearest_m(sites[:0])).all()


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 3), st.booleans())
def test_figures_of_chosen_sites_are_those_of_the_matrix(seed, areas, wave):
    rng = np.random.default_rng(seed)
    walks = made_walks(rng, areas, wave=wave, bound_m=1500.0)
    people = rng.uniform(-300, 1000, (PEOPLE, 2))
    sites = rng.uniform(-300, 1000, (SITES, 2))
    standing, cells = standing_of(walks, people)
    rows, matrix = RowWalks(PairWalks(walks, sites), cells), walks.walk(people, sites)
    asked = rng.integers(-1, SITES, (PEOPLE, 4))
    crowd = Crowd(people, standing)
    figure, about = rows.figures(crowd, np.arange(PEOPLE), asked)
    expected = np.take_along_axis(matrix.effort_m, np.maximum(asked, 0), axis=1)
    np.testing.assert_allclose(figure, np.where(asked >= 0, expected, np.inf), rtol=1e-5, atol=1e-2)
    estimate = np.take_along_axis(matrix.about, np.maximum(asked, 0), axis=1)
    assert (about == np.where(asked >= 0, estimate, True)).all()
    level_m, to = matrix.effort_m[np.arange(PEOPLE), asked[:, 0]], asked[:, 0]
    there = to >= 0
    length = rows.lengths(crowd, np.flatnonzero(there), to[there], level_m[there])
    known = walks.lengths(people[there], sites, to[there], level_m[there])
    np.testing.assert_allclose(length, known, rtol=1e-4, atol=1e-2)
