from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.closures import close_areas
from geodata.crs import to_lonlat, to_plane
from geodata.roads import RoadFlag, RoadKind
from geodata.route_steps import Compass, Side, StepKind, Turn, compass_of, kind_of, turn_of
from geodata.routes import RouteFinder, route
from geodata.snapping import Snapper
from geodata.ways_out import ways_out
from tests.geodata.drawn_network import Line, drawn, grid
from tests.geodata.test_ways_out import random_area, random_network, random_places, steps_in


def told(found):
    return [(one.turn, one.kind, round(one.metres)) for one in found.steps]


def test_a_walk_is_told_by_its_turns_where_there_is_a_choice():
    network = drawn(
        Line([(0, 0), (0, 200)], name="一番町通"),
        Line([(0, 200), (0, 400)]),
        Line([(0, 200), (300, 200)], name="広瀬通", kind=RoadKind.MAIN_ROAD),
        Line([(300, 200), (300, 300), (400, 300)], kind=RoadKind.PEDESTRIAN),
        [(300, 200), (500, 200)],
    )
    found = route(network, (2, 0), (400, 340))
    assert told(found) == [
        (Turn.START, StepKind.ROAD, 200),
        (Turn.RIGHT, StepKind.MAIN_ROAD, 300),
        (Turn.LEFT, StepKind.FOOTWAY, 200),  # its bend is none: nothing parts there
        (Turn.ARRIVE, StepKind.OFF_NETWORK, 0),
    ]
    assert [one.name for one in found.steps] == ["一番町通", "広瀬通", "", ""]
    assert found.steps[0].compass is Compass.NORTH
    assert found.steps[0].gap_m == pytest.approx(2)
    assert found.steps[-1].side is Side.LEFT
    assert found.steps[-1].gap_m == pytest.approx(40)
    assert found.metres == pytest.approx(742)
    assert found.effort_m == pytest.approx(700 + 42 * 1.5)
    assert found.seconds(0.5) == pytest.approx(found.effort_m * 2)
    assert not found.about
    assert to_plane(found.lonlat) == pytest.approx(
        np.array([(2, 0), (0, 0), (0, 200), (300, 200), (300, 300), (400, 300), (400, 340)]), abs=1e-3
    )


def test_a_road_that_goes_on_is_one_step_past_every_corner():
    lines = [Line([(x, 0), (x + 100, 0)], name="青葉通") for x in range(0, 500, 100)]
    sides = [Line([(x, 0), (x, 80)]) for x in range(100, 500, 100)]
    found = route(drawn(*lines, *sides), (0, 0), (500, 0))
    assert told(found) == [(Turn.START, StepKind.ROAD, 500), (Turn.ARRIVE, StepKind.ROAD, 0)]
    assert found.steps[-1].side is None


def test_stairs_bridges_and_underpasses_are_always_told():
    network = drawn(
        Line([(0, 0), (100, 0)]),
        Line([(100, 0), (108, 0)], kind=RoadKind.STEPS),
        Line([(108, 0), (200, 0)], flags=RoadFlag.BRIDGE),
        Line([(200, 0), (300, 0)], flags=RoadFlag.UNDERPASS | RoadFlag.TUNNEL),
        Line([(300, 0), (400, 0)]),
    )
    assert [(one.kind, round(one.metres)) for one in route(network, (0, 0), (400, 0)).steps] == [
        (StepKind.ROAD, 100),
        (StepKind.STAIRS, 8),
        (StepKind.BRIDGE, 92),
        (StepKind.UNDERPASS, 100),
        (StepKind.ROAD, 100),
        (StepKind.ROAD, 0),
    ]


def test_two_turns_across_a_wide_street_are_one():
    network = drawn(
        [(0, 0), (0, 200)],
        [(0, 200), (8, 200)],
        [(8, 200), (8, 400)],
        [(0, 200), (-200, 200)],
        [(8, 200), (200, 200)],
    )
    assert told(route(network, (0, 0), (8, 400))) in (
        [
            (Turn.START, StepKind.ROAD, 200),
            (Turn.STRAIGHT, StepKind.ROAD, 208),
            (Turn.ARRIVE, StepKind.ROAD, 0),
        ],
        [(Turn.START, StepKind.ROAD, 408), (Turn.ARRIVE, StepKind.ROAD, 0)],
    )


def test_far_off_the_network_the_figure_is_an_estimate():
    found = route(grid(3, 3), (0, -150), (200, 200))
    assert found.about
    assert found.metres == pytest.approx(550)
    assert found.effort_m == pytest.approx(400 + 225)


def test_a_place_on_the_same_spot_is_arrived_at_at_once():
    found = route(grid(3, 3), (0, 0), (0, 0))
    assert [one.turn for one in found.steps] == [Turn.ARRIVE]
    assert (found.metres, found.effort_m) == (0, 0)


def test_there_is_no_route_into_a_live_area_and_one_out_of_it():
    network = drawn([(0, 0), (500, 0), (1000, 0)])
    closed = close_areas(network, [shapely.box(-10, -10, 400, 10)])
    assert route(network, (900, 0), (300, 0), closures=closed) is None
    assert route(network, (300, 0), (900, 0), closures=closed).metres == pytest.approx(600)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_route_never_crosses_the_mask_and_is_as_long_as_the_many_to_many_figure(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    live = [random_area(rng), random_area(rng)]
    closed = close_areas(network, live)
    people, sites = random_places(network, rng, 6), random_places(network, rng, 3)
    efforts = ways_out(network, sites, closures=closed, bound_m=19_000).efforts(people)
    finder = RouteFinder(network, closures=closed)
    for row in range(6):
        for site in range(3):
            at, to = people.take(np.array([row])), sites.take(np.array([site]))
            found = finder.route(at.foot_xy_m[0], to.foot_xy_m[0], at, to)
            assert (found is not None) == np.isfinite(efforts[row, site])
            if found is None:
                continue
            assert found.effort_m == pytest.approx(efforts[row, site], rel=1e-4, abs=0.05)
            assert sum(one.metres for one in found.steps) + at.gap_m[0] + to.gap_m[0] == pytest.approx(
                found.metres
            )
            assert (found.steps[-1].turn, found.steps[0].turn) in (
                (Turn.ARRIVE, Turn.START),
                (Turn.ARRIVE, Turn.ARRIVE),
            )
            line = to_plane(found.lonlat)
            for a, b in pairwise(line):
                for area in live:
                    # Rounding through degrees moves the line by less than a millimetre.
                    shrunk = area.buffer(-0.01)
                    assert not (steps_in(a, b, shrunk) and not shrunk.buffer(0.005).covers(shapely.Point(a)))


def test_the_words_for_turns_directions_and_kinds():
    assert [turn_of(one) for one in (0, 19, -30, 30, 90, -90, 130, -130, 170, -180)] == [
        Turn.STRAIGHT,
        Turn.STRAIGHT,
        Turn.SLIGHT_LEFT,
        Turn.SLIGHT_RIGHT,
        Turn.RIGHT,
        Turn.LEFT,
        Turn.SHARP_RIGHT,
        Turn.SHARP_LEFT,
        Turn.U_TURN,
        Turn.U_TURN,
    ]
    assert [compass_of(one) for one in (0, 44, 90, 225, 350)] == [
        Compass.NORTH,
        Compass.NORTHEAST,
        Compass.EAST,
        Compass.SOUTHWEST,
        Compass.NORTH,
    ]
    assert kind_of(RoadKind.ROAD, 0) is StepKind.ROAD
    assert kind_of(RoadKind.STEPS, RoadFlag.BRIDGE) is StepKind.STAIRS
    assert kind_of(RoadKind.MAIN_ROAD, RoadFlag.TUNNEL | RoadFlag.UNDERPASS) is StepKind.UNDERPASS
    assert kind_of(RoadKind.PEDESTRIAN, RoadFlag.INDOOR) is StepKind.INDOOR
    assert kind_of(-1, 0) is StepKind.UNKNOWN


def test_a_way_round_a_loop_is_found_from_within_it():
    network = drawn([(0, 0), (100, 0)], [(100, 0), (150, 50), (200, 0), (150, -50), (100, 0)])
    snap = Snapper(network, min_way_m=0)
    start, goal = snap.snap([[175, 25]]), snap.snap([[0, 0]])
    found = RouteFinder(network).route((175, 25), (0, 0), start, goal)
    assert found.metres == pytest.approx(100 + 50 * 2**0.5 * 1.5)
    assert to_lonlat([[0, 0]])[0] == pytest.approx(found.lonlat[-1])
