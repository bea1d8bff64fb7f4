from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.closures import close_areas, seaward_m
from geodata.inland import exit_points
from geodata.inland_ways import SeaRule, find_exits, inland_ways
from geodata.snapping import Snapper
from geodata.ways_out import ways_out
from tests.geodata.drawn_network import drawn, grid

EAST = 90.0
STRIP = shapely.box(500, -5000, 2000, 5000)


def ways_of(network, area=STRIP, *, margin_m=20.0):
    exits = find_exits(network, [area], seaward_bearing_deg=EAST, margin_m=margin_m)
    return inland_ways(network, exits, closures=close_areas(network, [area]))


def test_the_way_out_follows_the_streets_to_where_the_area_ends_inland():
    network = drawn([(0, 0), (1000, 0)], [(1000, 0), (1000, 300)], [(1000, 0), (2500, 0)])
    ways = ways_of(network)
    assert ways.exits.at.foot_xy_m.tolist() == [[pytest.approx(480), 0]]
    found = ways.ways(Snapper(network).snap([[1010, 300], [700, 0], [1900, 0]]))
    assert found.effort_m == pytest.approx([300 + 520 + 15, 220, 1420])
    assert found.exit.tolist() == [0, 0, 0]


def test_no_way_out_on_the_sea_side_and_none_across_the_cut_of_the_area():
    network = drawn([(1900, 0), (2500, 0)], [(1900, 0), (1900, 6000)])
    ways = ways_of(network)
    assert len(ways.exits) == 0
    found = ways.ways(Snapper(network).snap([[1950, 0]]))
    assert np.isinf(found.effort_m[0])
    assert found.exit.tolist() == [-1]


def test_an_island_in_the_water_is_no_way_out():
    holed = STRIP.difference(shapely.box(900, -100, 1100, 100))
    network = drawn([(800, 0), (1500, 0)], [(0, 1000), (1500, 1000), (1500, 0)])
    exits = find_exits(network, [holed], seaward_bearing_deg=EAST)
    assert exits.at.foot_xy_m[:, 1].tolist() == [1000]


def test_nobody_leaves_the_area_and_comes_back_on_the_way():
    bay = shapely.union(STRIP, shapely.box(0, -100, 500, 100)).difference(shapely.box(200, -50, 300, 50))
    network = drawn([(150, 0), (400, 0)], [(150, 0), (150, 500)])
    ways = ways_of(network, bay, margin_m=0)
    assert np.isinf(ways.ways(Snapper(network, min_way_m=0).snap([[400, 0]])).effort_m[0])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_walk_inland_is_never_shorter_than_the_straight_line(seed):
    rng = np.random.default_rng(seed)
    network = grid(12, 6, 90)
    area = shapely.box(float(rng.uniform(50, 500)), -5000, 5000, 5000)
    people = rng.uniform((0, 0), (1000, 450), (40, 2))
    people = people[shapely.intersects_xy(area, people[:, 0], people[:, 1])]
    walked = ways_of(network, area).ways(Snapper(network).snap(people)).effort_m
    straight = exit_points(people, [area], seaward_bearing_deg=EAST).distance_m
    assert (walked >= straight - 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_under_the_sea_rule_everybody_has_half_the_spacing_to_turn_and_never_all_of_it(seed):
    rng = np.random.default_rng(seed)
    rule = SeaRule(areas_xy_m=(STRIP,), seaward_bearing_deg=EAST)
    x = float(rng.uniform(700, 900))
    jog = float(rng.uniform(1, 160))
    # The only way inland starts `jog` metres towards the sea.
    network = drawn([(x, 0), (x + jog, 0), (x + jog, 50), (0, 50)])
    person = Snapper(network).snap([[x, 0]])
    closed = rule.closures(network)[int(rule.set_of(person.foot_xy_m)[0])]
    site = Snapper(network).snap([[0, 50]])
    effort = ways_out(network, site, closures=closed).efforts(person)[0, 0]
    if jog < 50:
        assert np.isfinite(effort)
    if jog >= 100:
        assert np.isinf(effort)


def test_the_lines_of_the_sea_rule_lie_across_the_way_to_the_sea():
    rule = SeaRule(areas_xy_m=(STRIP,), seaward_bearing_deg=110.0)
    points = np.random.default_rng(1).uniform(-2000, 2000, (500, 2))
    depth = seaward_m(points, 110.0)
    offset = np.where(rule.set_of(points) == 1, 50.0, 0.0)
    room = 100 - np.mod(depth - offset, 100)
    assert (room >= 50 - 1e-9).all()
