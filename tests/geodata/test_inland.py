from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata import inland
from geodata.areas import points_in_areas
from geodata.inland import exit_points

EAST = 90.0


def test_the_way_out_of_a_coastal_strip_is_straight_west():
    strip = shapely.box(0, -5000, 1000, 5000)
    exits = exit_points([[300.0, 0.0]], [strip], seaward_bearing_deg=EAST, margin_m=20)
    assert exits.exit_xy_m[0] == pytest.approx([-20, 0], abs=1e-6)
    assert exits.distance_m[0] == pytest.approx(320)


def test_the_sea_side_is_never_an_exit_however_near():
    strip = shapely.box(0, -5000, 1000, 5000)
    exits = exit_points([[990.0, 0.0]], [strip], seaward_bearing_deg=EAST, margin_m=20)
    assert exits.distance_m[0] == pytest.approx(1010)


def test_where_the_area_is_cut_across_the_coast_there_is_no_exit():
    strip = shapely.box(0, 0, 1000, 5000)
    exits = exit_points([[900.0, 4990.0]], [strip], seaward_bearing_deg=EAST, margin_m=20)
    # Ten metres from the cut, and yet back to the inland side, round its corner at most.
    assert exits.exit_xy_m[0, 0] < 0
    assert exits.distance_m[0] > 900


def test_who_is_outside_already_is_at_his_exit():
    strip = shapely.box(0, 0, 1000, 5000)
    exits = exit_points([[-500.0, 100.0]], [strip], seaward_bearing_deg=EAST)
    assert exits.exit_xy_m.tolist() == [[-500.0, 100.0]]
    assert exits.distance_m.tolist() == [0.0]


def test_a_dry_island_inside_the_area_is_no_exit():
    ring = shapely.box(0, -5000, 1000, 5000).difference(shapely.box(400, -50, 500, 50))
    exits = exit_points([[450.0, 0.0]], [ring], seaward_bearing_deg=EAST, margin_m=20)
    assert exits.distance_m[0] == pytest.approx(470)


def test_a_gap_between_two_areas_narrower_than_the_margins_is_no_exit():
    areas = [shapely.box(0, -500, 100, 500), shapely.box(-130, -500, -30, 500)]
    exits = exit_points([[50.0, 0.0]], areas, seaward_bearing_deg=EAST, margin_m=20)
    assert exits.exit_xy_m[0, 0] == pytest.approx(-150)


def test_with_no_side_facing_inland_there_is_no_way_out():
    # A wedge with its point inland: both its long sides run along the bearing to the sea.
    wedge = shapely.Polygon([(0, 0), (5000, -100), (5000, 100)])
    exits = exit_points([[4000.0, 0.0]], [wedge], seaward_bearing_deg=EAST, margin_m=0, facing_within_deg=45)
    assert np.isnan(exits.exit_xy_m).all()
    assert exits.distance_m.tolist() == [np.inf]


def test_no_areas_and_no_points_are_answered():
    assert exit_points([[1.0, 2.0]], [], seaward_bearing_deg=EAST).distance_m.tolist() == [0.0]
    assert exit_points([], [shapely.box(0, 0, 1, 1)], seaward_bearing_deg=EAST).distance_m.shape == (0,)


def random_area(rng):
    """A wobbly blob of a few hundred metres, sometimes of two parts."""
    blobs = []
    for _ in range(rng.integers(1, 3)):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 14))
        reach = rng.uniform(80, 400, 14)
        centre = rng.uniform(-200, 200, 2)
        blobs.append(
            shapely.Polygon(centre + np.column_stack([np.cos(turns), np.sin(turns)]) * reach[:, None])
        )
    return [shapely.make_valid(blob) for blob in blobs]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 360), st.sampled_from([1, 2, 7, 128]))
def test_an_exit_is_outside_not_seaward_and_as_near_as_a_brute_force_search_finds(seed, bearing, bands):
    rng = np.random.default_rng(seed)
    areas = random_area(rng)
    points = rng.uniform(-500, 500, (40, 2))
    with mock.patch.object(inland, "_BANDS", bands):
        exits = exit_points(points, areas, seaward_bearing_deg=bearing, margin_m=15)
    seaward = np.array([np.sin(np.radians(bearing)), np.cos(np.radians(bearing))])
    found = np.isfinite(exits.distance_m)

    assert np.isnan(exits.exit_xy_m[~found]).all()
    away = exits.exit_xy_m[found] - points[found]
    assert np.hypot(*away.T) == pytest.approx(exits.distance_m[found], abs=1e-6)
    assert (away @ seaward <= 1e-6).all()
    # At least the margin outside, but for the chords of the rounded corners.
    outside = shapely.distance(shapely.union_all(areas), shapely.points(exits.exit_xy_m[found]))
    assert (outside >= 15 * 0.98).all()

    stood_outside = ~points_in_areas(points, [shapely.buffer(shapely.union_all(areas), 15.1)])
    assert (exits.distance_m[stood_outside] <= 1e-6).sum() >= stood_outside.sum() - in_filled_hole(
        areas, points[stood_outside]
    )

    best = brute_force(points, areas, seaward, bearing)
    inside = exits.distance_m > 0
    assert np.isinf(best[inside & ~found]).all()
    assert (exits.distance_m[inside & found] <= best[inside & found] + 1e-6).all()
    assert (exits.distance_m[inside & found] >= best[inside & found] - 1.5).all()


def in_filled_hole(areas, points):
    grown = shapely.buffer(shapely.union_all(areas), 15)
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(grown)])
    return int(points_in_areas(points, [filled]).sum())


def brute_force(points, areas, seaward, bearing):
    """Walk every outline in steps of a metre; keep the steps whose own piece of outline faces inland."""
    grown = shapely.buffer(shapely.union_all(areas), 15)
    outline = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(grown)])
    best = np.full(len(points), np.inf)
    for part in shapely.get_parts(outline):
        ring = np.array(part.exterior.coords)
        if part.exterior.is_ccw:
            ring = ring[::-1]
        for (x0, y0), (x1, y1) in pairwise(ring):
            length = np.hypot(x1 - x0, y1 - y0)
            if length == 0:
                continue
            normal = np.array([-(y1 - y0), x1 - x0]) / length  # clockwise: outward is to the left
            if normal @ -seaward < np.cos(np.radians(60)):
                continue
            shares = np.linspace(0, 1, max(2, int(length) + 2))
            steps = np.column_stack([x0 + shares * (x1 - x0), y0 + shares * (y1 - y0)])
            away = steps[None] - points[:, None]
            gap = np.where(away @ seaward <= 1e-9, np.hypot(away[..., 0], away[..., 1]), np.inf)
            best = np.minimum(best, gap.min(axis=1))
    return best
