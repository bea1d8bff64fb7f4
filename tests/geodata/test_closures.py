from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.closures import (
    bridges_over,
    close_areas,
    close_edges,
    close_seaward,
    flooded_edges,
    nothing_closed,
    seaward_m,
)
from geodata.crossings import segment_crossings
from geodata.roads import RoadFlag
from geodata.snapping import Snapper
from tests.geodata.drawn_network import Line, drawn, grid

EAST = 90.0

coordinates = st.floats(-50, 150, allow_nan=False).map(lambda one: round(one, 2))
points = st.tuples(coordinates, coordinates)


@st.composite
def areas(draw):
    """A ring round a centre with a radius for each angle, now and then with a hole or a second part."""
    count = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(5, 60), min_size=count, max_size=count))
    x, y = draw(points)
    angles = np.arange(count) * 2 * np.pi / count
    ring = np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])
    area = shapely.Polygon(ring)
    if draw(st.booleans()):
        area = area.difference(shapely.Point(x, y).buffer(min(radii) / 3, quad_segs=2))
    if draw(st.booleans()):
        area = shapely.union(area, shapely.box(90, 90, 120, 130))
    return area


def entries_by_shapely(a, b, area):
    """Shares at which a walker from a to b steps in, from the pieces GEOS cuts."""
    line = shapely.LineString([a, b])
    inside = shapely.get_parts(shapely.line_merge(shapely.intersection(line, area)))
    length = line.length
    found = []
    for part in inside:
        ends = sorted(line.project(shapely.Point(one)) for one in shapely.get_coordinates(part))
        found.append(ends[0] / length)
    return sorted(one for one in found if one > 0), inside


@settings(max_examples=150, deadline=None)
@given(areas(), points, points)
def test_a_piece_steps_in_exactly_where_geos_cuts_it(area, a, b):
    if np.hypot(a[0] - b[0], a[1] - b[1]) < 1:
        return
    ends = np.array([a, b])
    inside = shapely.intersects_xy(area, ends[:, 0], ends[:, 1])
    found = segment_crossings(ends[:1], ends[1:], inside[:1], inside[1:], area)
    expected, _ = entries_by_shapely(a, b, area)
    assert sorted(found.share[found.into_ab]) == pytest.approx(expected, abs=1e-6)
    back, _ = entries_by_shapely(b, a, area)
    assert sorted(1 - found.share[found.into_ba]) == pytest.approx(back, abs=1e-6)


def test_a_way_into_an_area_is_closed_and_the_way_out_is_open():
    network = drawn([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    closed = close_areas(network, [shapely.box(150, -50, 300, 50)])
    assert closed.ab_open.tolist() == [True, False]
    assert closed.ba_open.tolist() == [True, True]
    assert closed.first_ab[1] == pytest.approx(50)
    assert not closed.is_empty
    assert nothing_closed(network).is_empty


def test_a_way_through_an_area_is_closed_both_ways_and_one_wholly_inside_is_open():
    network = drawn([(0, 0), (100, 0)], [(0, 10), (100, 10)], [(45, 40), (55, 40)])
    through = close_areas(network, [shapely.box(40, -5, 60, 50)])
    assert through.ab_open.tolist() == [False, False, True]
    assert through.ba_open.tolist() == [False, False, True]


def test_a_way_that_only_touches_the_edge_is_closed():
    network = drawn([(0, 0), (100, 0)])
    corner = shapely.Polygon([(50, 0), (60, 20), (40, 20)])
    closed = close_areas(network, [corner])
    assert not closed.ab_open[0]
    assert not closed.ba_open[0]
    assert close_areas(network, [shapely.box(20, 0, 40, 20)]).first_ab[0] == pytest.approx(20)


def test_who_stands_in_the_middle_of_a_closed_piece_walks_out_at_either_end():
    network = drawn([(0, 0), (100, 0)])
    closed = close_areas(network, [shapely.box(40, -5, 60, 5)])
    inside, before, beyond = (Snapper(network, min_way_m=0).snap([[x, 0]]) for x in (50, 30, 70))
    assert closed.leaves_to_end(inside)[0]
    assert closed.leaves_to_start(inside)[0]
    assert not closed.leaves_to_end(before)[0]
    assert closed.leaves_to_start(before)[0]
    assert closed.leaves_to_end(beyond)[0]
    assert not closed.leaves_to_start(beyond)[0]
    # A site in there is reached by nobody from outside, but by a person beside it.
    assert not closed.reached_from_start(inside)[0]
    assert not closed.reached_from_end(inside)[0]
    edge = np.zeros(1, dtype=np.int32)
    assert closed.between(edge, np.array([45.0]), np.array([55.0]))[0]
    assert not closed.between(edge, np.array([30.0]), np.array([50.0]))[0]
    assert closed.between(edge, np.array([50.0]), np.array([70.0]))[0]


def test_out_of_one_area_into_another_is_closed():
    network = drawn([(0, 0), (100, 0)])
    left, right = shapely.box(-10, -5, 50, 5), shapely.box(50, -5, 110, 5)
    assert not close_areas(network, [left, right]).ab_open[0]
    assert close_areas(network, [shapely.union(left, right)]).ab_open[0]


def test_whoever_stands_on_a_closed_edge_walks_off_it():
    network = drawn([(0, 0), (100, 0), (200, 0)], [(200, 0), (300, 0)])
    closed = close_edges(network, [0])
    assert closed.ab_open.tolist() == [False, True]
    on_it, at_its_end = (Snapper(network, min_way_m=0).snap([[x, 0]]) for x in (150, 0))
    assert closed.leaves_to_end(on_it)[0]
    assert closed.leaves_to_start(on_it)[0]
    assert not closed.leaves_to_end(at_its_end)[0]
    assert not closed.reached_from_start(on_it)[0]
    assert closed.touched.tolist() == [True, True, True, False, False]


@settings(max_examples=60, deadline=None)
@given(areas(), areas())
def test_closing_more_opens_nothing(one, other):
    network = grid(5, 5, 30)
    alone, both = close_areas(network, [one]), close_areas(network, [one, other])
    assert not (both.ab_open & ~alone.ab_open).any()
    assert not (both.ba_open & ~alone.ba_open).any()
    assert (both.first_ab <= alone.first_ab).all()
    assert (both.last_ba <= alone.last_ba).all()
    swapped = close_areas(network, [other]) | alone
    assert (swapped.first_ab == both.first_ab).all()
    assert (swapped.touched == both.touched).all()


def test_underpasses_close_in_the_flood_and_near_it_or_all_over_the_city():
    under = RoadFlag.UNDERPASS
    network = drawn(
        Line([(0, 0), (10, 0)], flags=under),
        Line([(100, 0), (110, 0)], flags=under | RoadFlag.TUNNEL),
        Line([(5, 0.0), (5, 10)], flags=RoadFlag.BRIDGE),
        Line([(500, 0), (510, 0)], flags=RoadFlag.FORD),
    )
    flood = [shapely.box(-10, -10, 20, 20)]
    assert network.flags[flooded_edges(network, flood)].tolist() == [under]
    assert len(flooded_edges(network, flood, within_m=90)) == 2
    assert len(flooded_edges(network, flood, within_m=None)) == 3
    assert flooded_edges(network, [], within_m=10).tolist() == []


def test_bridges_over_the_river_close_and_others_stay():
    network = drawn(
        Line([(0, -20), (0, 20)], flags=RoadFlag.BRIDGE),
        Line([(200, -20), (200, 20)], flags=RoadFlag.BRIDGE),
        Line([(40, -20), (40, 20)]),
    )
    river = shapely.LineString([(-50, 0), (100, 0)])
    assert bridges_over(network, [river]).tolist() == [0]
    assert bridges_over(network, [shapely.box(-50, 60, 300, 90)]).tolist() == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 50.0]))
def test_no_walk_leads_further_to_the_sea_than_the_spacing(seed, offset_m):
    network = grid(12, 6, 37)
    shore = shapely.box(-100, -100, 1000, 1000)
    closed = close_seaward(network, shore, seaward_bearing_deg=EAST, spacing_m=100, offset_m=offset_m)
    depth = seaward_m(network.xy_m, EAST)
    rng = np.random.default_rng(seed)
    node = int(rng.integers(len(network.node_vertex)))
    landmost = depth[network.node_vertex[node]]
    for _ in range(200):
        out = [
            *((e, network.edge_to[e]) for e in np.flatnonzero((network.edge_from == node) & closed.ab_open))
        ]
        out += [(e, network.edge_from[e]) for e in np.flatnonzero((network.edge_to == node) & closed.ba_open)]
        node = int(out[rng.integers(len(out))][1])
        here = depth[network.node_vertex[node]]
        landmost = min(landmost, here)
        assert here < landmost + 100
    assert closed.ba_open.all()  # east is along ab here, so every way back inland is open


def test_outside_the_tsunami_area_nothing_closes_towards_the_sea():
    network = grid(12, 3, 37)
    shore = shapely.box(1000, -100, 2000, 1000)
    assert close_seaward(network, shore, seaward_bearing_deg=EAST).is_empty
