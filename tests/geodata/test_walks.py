from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.closures import bridges_over
from geodata.crs import to_plane
from geodata.inland import exit_points
from geodata.inland_ways import SeaRule
from geodata.network import Foot
from geodata.roads import RoadFlag, RoadKind
from geodata.walk_ends import meets_box
from geodata.walks import NetworkWalks
from tests.geodata.drawn_network import Line, drawn, grid

seeds = st.integers(0, 2**32 - 1)
EAST = 90.0


@pytest.fixture(scope="module")
def town():
    return NetworkWalks(grid(11, 11))


def test_on_the_network_the_walk_is_along_the_streets(town):
    found = town.walk([[0, 0], [510, 0]], [[1000, 1000], [300, 20]])
    assert found.effort_m == pytest.approx(np.array([[2000, 320], [1490, 230]]))
    assert not found.about.any()


def test_where_the_network_ends_the_straight_line_takes_over_without_a_jump(town):
    people = np.column_stack([np.arange(1000, 1600, 5.0), np.full(120, 500.0)])
    found = town.walk(people, [[0, 500]])
    assert np.abs(np.diff(found.effort_m[:, 0])).max() < 16
    near = people[:, 0] <= 1100
    assert found.effort_m[near, 0] == pytest.approx(1000 + 1.5 * (people[near, 0] - 1000))
    far = people[:, 0] >= 1400
    assert found.effort_m[far, 0] == pytest.approx(1.5 * people[far, 0])
    assert found.about[:, 0].tolist() == (people[:, 0] > 1100).tolist()


def test_a_site_off_the_network_is_estimated_in_the_same_way(town):
    sites = np.column_stack([np.arange(1000, 1600, 5.0), np.full(120, 500.0)])
    figures = town.metres([[0, 500]], sites)[0]
    assert np.abs(np.diff(figures)).max() < 16
    assert figures[-1] == pytest.approx(1.5 * 1595)


def test_beyond_the_bound_figures_go_on_rising_and_are_estimates():
    walks = NetworkWalks(drawn([(0, 0), (4000, 0)], [(4000, 0), (4000, 50)]), bound_m=3000)
    people = np.column_stack([np.arange(0, 4000, 10.0), np.zeros(400)])
    found = walks.walk(people, [[0, 0]])
    assert (np.diff(found.effort_m[:, 0]) > 0).all()
    assert np.abs(np.diff(found.effort_m[:, 0])).max() < 150
    assert (found.effort_m[people[:, 0] > 3000] >= 3000).all()
    assert found.about[:, 0].tolist() == (people[:, 0] > 2700).tolist()


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 2))
def test_no_figure_is_below_the_straight_line_and_areas_never_shorten_one(seed, count):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(grid(6, 6), bound_m=800)
    people, sites = rng.uniform(-600, 1100, (60, 2)), rng.uniform(-300, 800, (6, 2))
    before = walks.metres(people, sites)
    straight = np.hypot(*(people[:, None] - sites[None]).transpose(2, 0, 1))
    assert (before >= straight * (1 - 1e-9)).all()
    assert np.isfinite(before).all()
    areas = [shapely.Point(*rng.uniform(0, 500, 2)).buffer(float(rng.uniform(20, 150))) for _ in range(count)]
    after = walks.under(areas).metres(people, sites)
    assert (after >= before * (1 - 1e-5)).all()


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_away_from_changes_of_way_a_small_move_changes_little(seed):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(drawn([(-2000, 0), (2000, 0)]))
    sites = rng.uniform((-1800, -900), (1800, 900), (5, 2))
    people = rng.uniform((-2600, -900), (2600, 900), (200, 2))
    there = people + rng.uniform(-1, 1, people.shape)
    moved = np.hypot(*(there - people).T)[:, None]
    # Between network and straight line the figures differ by at most what both are; the blend adds that / 300 m.
    change = np.abs(walks.metres(people, sites) - walks.metres(there, sites))
    assert (change <= moved * (1.5 * 2 + 20) + 1e-3).all()


def test_nobody_outside_is_led_into_a_live_area_and_who_is_inside_gets_out(town):
    area = shapely.box(350, 350, 650, 650)
    walks = town.under([area])
    inside, outside, beside = (500, 500), (200, 500), (500, 345)
    found = walks.metres([inside, outside, beside], [[500, 500], [800, 500]])
    assert found[0] == pytest.approx([0, 300])
    assert np.isinf(found[1:, 0]).all()
    assert found[1, 1] == pytest.approx(600 + 2 * 200)  # round it
    assert np.isfinite(found[2, 1])


def test_a_site_just_outside_whose_road_is_inside_is_entered_from_a_road_outside(town):
    area = shapely.box(-100, 395, 2000, 495)
    walks = town.under([area])
    assert np.isfinite(walks.metres([[500, 900]], [[550, 497]])[0, 0])
    assert np.isinf(walks.metres([[500, 900]], [[550, 480]])[0, 0])
    assert np.isfinite(walks.metres([[520, 400]], [[550, 480]])[0, 0])


def test_a_straight_line_into_an_area_is_no_way_either(town):
    walks = town.under([shapely.box(2900, -500, 3100, 3000)])
    found = walks.metres([[2500, 500], [3000, 500]], [[3500, 500], [2000, 500]])
    assert np.isinf(found[0, 0])
    assert np.isfinite(found[0, 1])
    assert np.isfinite(found[1]).all()


def test_what_the_bridges_parted_stays_parted():
    bridge = Line([(0, 0), (400, 0)], flags=RoadFlag.BRIDGE)
    network = drawn([(-2000, 0), (0, 0)], bridge, [(400, 0), (2400, 0)])
    walks = NetworkWalks(network)
    river = shapely.LineString([(200, -3000), (200, 3000)])
    closed = walks.under([], closed_edges=bridges_over(network, [river]))
    assert walks.metres([[-50, 0]], [[450, 0]])[0, 0] == pytest.approx(500)
    assert np.isinf(closed.metres([[-50, 0]], [[450, 0]])[0, 0])
    assert np.isfinite(closed.metres([[200, 0]], [[450, 0]])[0, 0])


def test_wheels_are_not_put_on_stairs():
    network = drawn(
        Line([(0, 0), (1000, 0)], kind=RoadKind.STEPS), [(0, 0), (0, 500), (1000, 500), (1000, 0)]
    )
    walks = NetworkWalks(network, foot=Foot.STEP_FREE)
    assert walks.metres([[100, -5]], [[1000, 0]])[0, 0] > 2000
    assert NetworkWalks(network).metres([[100, -5]], [[1000, 0]])[0, 0] == pytest.approx(907.5)


def test_uphill_a_walk_takes_longer_and_is_no_longer():
    hill = NetworkWalks(drawn(Line([(0, 0), (1000, 0)], up=1.6), [(1000, 0), (1000, 500)]))
    people, sites = (
        np.array([[0.0, 20.0], [1000.0, 400.0], [0.0, 900.0]]),
        np.array([[1000.0, 500.0], [0.0, 0.0]]),
    )
    to = np.array([0, 1, 0])
    effort = hill.metres(people, sites)[np.arange(3), to]
    assert effort[:2] == pytest.approx([30 + 1600 + 500, 1400])
    length = hill.lengths(people, sites, to, effort)
    assert length[:2] == pytest.approx([20 + 1000 + 500, 1400])
    assert length[0] == pytest.approx(hill.route(people[0], sites[0]).metres)
    assert length[2] == effort[2]  # so far from any road it is an estimate


SHORE = shapely.box(500, -5000, 3000, 5000)


@pytest.fixture
def shore(town):
    return town.under([SHORE], sea=SeaRule(areas_xy_m=(SHORE,), seaward_bearing_deg=EAST))


def test_nobody_is_led_towards_the_sea_while_a_landward_way_exists(town, shore):
    tower, hill = (900, 500), (200, 500)
    found = shore.metres([[700, 500]], [tower, hill])[0]
    assert np.isinf(found[0])
    assert found[1] == pytest.approx(500)
    assert town.under([SHORE]).metres([[700, 500]], [tower])[0, 0] == pytest.approx(200)


def test_who_has_no_way_inland_may_go_where_there_is_one():
    network = drawn([(700, 0), (1900, 0)])  # all of it in the area, no way out
    walks = NetworkWalks(network).under([SHORE], sea=SeaRule(areas_xy_m=(SHORE,), seaward_bearing_deg=EAST))
    assert walks.metres([[800, 0]], [[1300, 0]])[0, 0] == pytest.approx(500)


def test_the_way_inland_is_walked_on_the_network_and_drawn_straight_off_it(shore):
    people = np.array([[700.0, 500.0], [2500.0, 0.0], [300.0, 500.0]])
    found = shore.inland(people)
    straight = exit_points(people, [SHORE], seaward_bearing_deg=EAST)
    assert found.distance_m == pytest.approx([220, 2020 * 1.5, 0])
    assert found.exit_xy_m == pytest.approx(straight.exit_xy_m)
    with pytest.raises(ValueError, match="sea"):
        NetworkWalks(grid(3, 3)).inland(people)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_way_inland_is_finite_where_the_straight_one_is_and_never_shorter(seed):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(grid(8, 8)).under([SHORE], sea=SeaRule(areas_xy_m=(SHORE,), seaward_bearing_deg=100))
    people = rng.uniform((400, -300), (1500, 1000), (50, 2))
    found = walks.inland(people)
    straight = exit_points(people, [SHORE], seaward_bearing_deg=100)
    assert (found.distance_m >= straight.distance_m - 1e-6).all()
    assert np.isfinite(found.distance_m).all()
    assert np.isfinite(found.exit_xy_m).all()


def test_routes_follow_the_same_rules_as_the_figures(shore, town):
    assert shore.route((700, 500), (900, 500)) is None
    there = shore.route((700, 500), (200, 520))
    assert there.metres == pytest.approx(520)
    assert there.effort_m == pytest.approx(shore.metres([[700, 500]], [[200, 520]])[0, 0])
    out = shore.route_inland((700, 500))
    assert out.metres == pytest.approx(220)
    assert town.under([shapely.box(350, 350, 650, 650)]).route((200, 500), (500, 500)) is None
    assert shore.route_inland((300, 500)) is None  # outside already
    assert shore.route_inland((1600, 500)) is None  # 600 m from any road
    with pytest.raises(ValueError, match="sea"):
        town.route_inland((700, 500))


def test_where_only_a_straight_line_is_known_no_way_is_drawn(town):
    assert town.route((1390, 500), (0, 500)).about
    assert town.route((1410, 500), (0, 500)) is None
    assert town.route((0, 500), (1410, 500)) is None


def test_no_way_begins_with_a_stretch_off_the_roads_towards_the_sea():
    road = drawn([(900, -2000), (900, 2000)], [(900, 2000), (0, 2000)])
    walks = NetworkWalks(road).under([SHORE], sea=SeaRule(areas_xy_m=(SHORE,), seaward_bearing_deg=EAST))
    assert walks.route((850, 0), (0, 2000)) is not None
    assert walks.route((700, 0), (0, 2000)) is None
    assert walks.route((1100, 0), (0, 2000)) is not None, "landward it may be"


def test_figures_for_many_people_are_those_for_each(town):
    people = np.random.default_rng(3).uniform(-200, 1200, (3000, 2))
    sites = np.random.default_rng(4).uniform(0, 1000, (200, 2))
    together = town.metres(people, sites)
    some = [0, 17, 2621, 2622, 2999]
    assert together[some] == pytest.approx(town.metres(people[some], sites))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_length_lies_between_the_straight_line_and_the_effort(seed):
    rng = np.random.default_rng(seed)
    walks = NetworkWalks(grid(6, 6)).under(
        [shapely.Point(*rng.uniform(0, 500, 2)).buffer(rng.uniform(20, 150))],
        sea=SeaRule(areas_xy_m=(shapely.box(300, -900, 2000, 1500),), seaward_bearing_deg=EAST),
    )
    people, sites = rng.uniform(-200, 700, (30, 2)), rng.uniform(-200, 700, (4, 2))
    to = rng.integers(0, 4, 30)
    effort = walks.metres(people, sites)[np.arange(30), to]
    length = walks.lengths(people, sites, to, effort)
    known = np.isfinite(effort)
    beeline = np.hypot(*(people - sites[to]).T)
    assert (length[known] <= effort[known]).all()
    assert (length[known] >= np.minimum(beeline, effort)[known]).all()
    assert np.isinf(length[~known]).all()


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_pieces_that_meet_a_rectangle_are_found_without_geos(seed):
    rng = np.random.default_rng(seed)
    start, end = rng.uniform(-100, 100, (2, 50, 2))
    box = shapely.box(*rng.uniform(-60, 0, 2), *rng.uniform(1, 60, 2))
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    assert meets_box(start, end, box.bounds).tolist() == shapely.intersects(box, lines).tolist()


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_no_site_in_a_live_area_has_a_figure_for_anybody_outside_it(seed):
    rng = np.random.default_rng(seed)
    areas = [
        shapely.Point(*rng.uniform(-300, 900, 2)).buffer(float(rng.uniform(30, 300)), quad_segs=4)
        for _ in range(2)
    ]
    walks = NetworkWalks(grid(7, 7), bound_m=900).under(areas)
    people, sites = rng.uniform(-800, 1400, (60, 2)), rng.uniform(-800, 1400, (12, 2))
    figures = walks.metres(people, sites)
    for area in areas:
        outside = ~shapely.intersects_xy(area, *people.T)
        within = shapely.intersects_xy(area, *sites.T)
        assert np.isinf(figures[np.ix_(outside, within)]).all()
    for row, site in zip(rng.integers(0, 60, 6), rng.integers(0, 12, 6), strict=True):
        found = walks.route(people[row], sites[site])
        if found is not None:
            line = to_plane(found.lonlat)
            for area in areas:
                if not shapely.intersects_xy(area, *people[row]):
                    assert not shapely.intersects(area.buffer(-0.1), shapely.LineString(line))
