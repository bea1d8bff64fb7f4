"""Figures of chosen pairs are those of the full matrix, to the centimetre, whatever is closed."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.ground_cells import GroundCells
from geodata.inland_ways import SeaRule
from geodata.network import Foot
from geodata.pair_walks import PairWalks
from geodata.standing import Stander, Standing
from geodata.walks import NetworkWalks
from tests.geodata.drawn_network import grid

PEOPLE, SITES = 60, 7
seeds = st.integers(0, 2**32 - 1)


def stander(walks: NetworkWalks) -> Stander:
    return Stander(walks.network, walks.foot, GroundCells(walks.network), gap_factor=walks.detour_factor)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 3), st.booleans(), st.sampled_from([400.0, 800.0, 3000.0]))
def test_a_pair_has_the_figure_length_and_estimate_of_the_matrix(seed, count, wave, bound_m):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(grid(6, 6), bound_m=bound_m)
    people, sites = rng.uniform(-600, 1100, (PEOPLE, 2)), rng.uniform(-300, 800, (SITES, 2))
    areas = [shapely.Point(*rng.uniform(0, 500, 2)).buffer(float(rng.uniform(20, 250))) for _ in range(count)]
    if areas:
        sea = SeaRule(areas_xy_m=tuple(areas[:1]), seaward_bearing_deg=90.0) if wave else None
        walks = walks.under(areas, closed_edges=rng.integers(0, 40, 3), sea=sea)
    matrix = walks.walk(people, sites)
    pairs = PairWalks(walks, sites)
    asked = pairs.asked(people, stander(walks).stand(people, walks.ends.usual(people)))
    figure, about = pairs.figures(
        asked, np.repeat(np.arange(PEOPLE), SITES), np.tile(np.arange(SITES), PEOPLE)
    )
    np.testing.assert_allclose(figure.reshape(PEOPLE, SITES), matrix.effort_m, rtol=1e-5, atol=1e-3)
    assert (about.reshape(PEOPLE, SITES) == matrix.about).all()
    to = rng.integers(0, SITES, PEOPLE)
    level_m = matrix.effort_m[np.arange(PEOPLE), to]
    expected = walks.lengths(people, sites, to, level_m)
    np.testing.assert_allclose(pairs.lengths(asked, to, level_m), expected, rtol=1e-4, atol=1e-2)
    if walks.sea is not None:
        inland, known = pairs.inland(asked), walks.inland(people)
        np.testing.assert_allclose(inland.distance_m, known.distance_m, rtol=1e-5, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_a_place_kept_small_is_the_same_place(seed):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(grid(4, 4), foot=Foot.SLOW)
    points = rng.uniform(-300, 600, (40, 2))
    usual = walks.ends.usual(points)
    whole = stander(walks).stand(points, usual)
    small = Standing.joined([whole.take(slice(0, 15)), whole.take(slice(15, 40))])
    found = small.at(walks.network, points)
    assert (found.edge == usual.edge).all()
    np.testing.assert_allclose(found.along_m, usual.along_m, atol=1e-4)
    np.testing.assert_allclose(found.gap_m, usual.gap_m, atol=1e-4)
    np.testing.assert_allclose(found.foot_xy_m, usual.foot_xy_m, atol=1e-4)
