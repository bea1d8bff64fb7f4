"""Heights and slopes of ways, from a made hill and from made bridges."""

from __future__ import annotations

import numpy as np
import pytest

from geodata.crs import to_plane
from geodata.elevation import Elevation
from geodata.network import Foot, build
from geodata.roads import RoadFlag, RoadKind
from tests.geodata.drawn_roads import CORNER_LONLAT, Way, at, road_lines

CORNER = to_plane([CORNER_LONLAT])[0]


def ground(height) -> Elevation:
    """height(east, north) in metres, on cells of 5 m, 1 km around the corner."""
    offsets = np.arange(-1000.0, 1001.0, 5.0)
    east, north = np.meshgrid(offsets, offsets[::-1])
    return Elevation(
        grid_m=height(east, north).astype(np.float32),
        west=CORNER[0] - 1000,
        north=CORNER[1] + 1000,
        cell_x=5.0,
        cell_y=5.0,
        epsg=6678,
    )


def test_a_slope_costs_more_up_than_down_and_the_level_costs_its_metres():
    ways = [[(0, 0), (100, 0), (200, 0)], [(0, 0), (0, 200)], [(0, 0), (0, -200)]]
    network, report = build(road_lines(*ways), ground(lambda e, n: e * 0.1))
    first, last = network.chain[network.chain_first[:-1]], network.chain[network.chain_first[1:] - 1]
    climb_m = network.elevation_m[last] - network.elevation_m[first]
    profile = network.profile(Foot.STANDARD)
    (ramp,) = np.flatnonzero(np.abs(climb_m) > 1)
    up, down = profile.ab_m[ramp], profile.ba_m[ramp]
    if climb_m[ramp] < 0:
        up, down = down, up
    assert (up, down) == pytest.approx((200 * np.exp(0.35), 200), rel=1e-3)
    level = np.abs(climb_m) < 1
    assert network.profile(Foot.SLOW).ab_m[level] == pytest.approx(200, rel=1e-3)
    assert report.without_height == 0


def test_a_bridge_runs_straight_from_end_to_end_and_not_through_its_valley():
    valley = ground(lambda e, n: np.where(np.abs(e) < 40, 10.0, 30.0))
    deck = Way([(-60, 0), (-30, 0), (0, 0), (30, 0), (60, 0)], flags=RoadFlag.BRIDGE, layer=1)
    network, _ = build(road_lines([(-200, 0), (-60, 0)], deck, [(60, 0), (200, 0)]), valley)
    for place in deck.points:
        assert network.elevation_m[at(network, place)] == pytest.approx(30.0, abs=0.01)
    on_deck = int(np.flatnonzero(network.flags)[0])
    assert network.profile(Foot.SLOW).ab_m[on_deck] == pytest.approx(120, rel=1e-3)


def test_a_tunnel_climbs_evenly_from_its_lower_end_and_its_branch_too():
    hill = ground(lambda e, n: np.where(np.abs(e) < 90, 80.0, 0.0) + np.where(e >= 90, 20.0, 0.0))
    tube = Way([(-100, 0), (-50, 0), (0, 0), (100, 0)], flags=RoadFlag.TUNNEL, layer=-1)
    branch = Way([(0, 0), (0, 50), (0, 100)], flags=RoadFlag.TUNNEL, layer=-1)
    ways = [[(-300, 0), (-100, 0)], tube, branch, [(100, 0), (300, 0)], [(0, 100), (200, 100)]]
    network, _ = build(road_lines(*ways), hill)
    heights = [float(network.elevation_m[at(network, place)[0]]) for place in tube.points]
    assert heights[0] == pytest.approx(0, abs=0.01)
    assert heights[-1] == pytest.approx(20, abs=0.01)
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2, abs=0.01)
    # The fork is pulled by its three mouths, equally far away: 0, 20 and 80 m.
    assert heights[2] == pytest.approx(100 / 3, abs=0.5)


def test_a_bridge_that_touches_no_ground_keeps_the_heights_below_it():
    deck = Way([(0, 0), (50, 0), (0, 50), (0, 0)], flags=RoadFlag.BRIDGE, layer=1)
    network, _ = build(road_lines(deck), ground(lambda e, n: 5 + e * 0))
    assert network.elevation_m.tolist() == [5.0] * 3


def test_a_step_between_two_tiles_of_the_model_costs_little_and_never_more_than_forty_percent():
    seam = ground(lambda e, n: np.where(e < 52.5, 0.0, 4.6))
    way = [(east, 0) for east in range(0, 101, 5)]
    network, _ = build(road_lines(way), seam)
    effort = network.effort_ab_m[Foot.STANDARD][-1]
    assert 100 < effort < 100 * 1.35
    cliff = ground(lambda e, n: np.where(e < 52.5, 0.0, 300.0))
    network, _ = build(road_lines(way), cliff)
    steepest = np.diff(network.effort_ab_m[Foot.STANDARD]) / np.diff(network.along_m)
    assert steepest.max() == pytest.approx(np.exp(3.5 * 0.4), rel=1e-3)


def test_steep_stairs_take_as_long_as_the_climb_and_down_twice_their_length():
    stairs = Way([(0, 0), (30, 0), (60, 0)], kind=RoadKind.STEPS)
    network, _ = build(road_lines(stairs), ground(lambda e, n: e * 0.6))
    profile = network.profile(Foot.STANDARD)
    up, down = max(profile.ab_m[0], profile.ba_m[0]), min(profile.ab_m[0], profile.ba_m[0])
    assert (up, down) == pytest.approx((60 * 0.6 / 0.21, 120), rel=1e-3)


def test_ways_without_a_known_height_count_as_level_and_are_counted():
    model = ground(lambda e, n: np.where(e > 0, np.nan, 0.0))
    network, report = build(road_lines([(100, 0), (200, 0), (300, 50)]), model)
    assert report.without_height == 3
    assert network.profile(Foot.STEP_FREE).ab_m[0] == pytest.approx(network.length_m[0])
    _, report = build(road_lines([(100, 0), (200, 0)]))
    assert report.without_height == 2


def test_wheels_go_round_a_ramp_of_ten_percent_and_take_no_stairs():
    ways = [Way([(0, 0), (100, 0)]), Way([(0, 0), (0, 100)], kind=RoadKind.STEPS)]
    network, _ = build(road_lines(*ways), ground(lambda e, n: e * 0.1))
    profile = network.profile(Foot.STEP_FREE)
    stairs = network.kind == RoadKind.STEPS
    assert np.isinf(profile.ab_m[stairs]).all()
    assert (profile.ab_m[~stairs] > 290).all()
    assert (profile.ba_m[~stairs] > 290).all()
