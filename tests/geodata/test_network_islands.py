"""Ways cut off from the rest: tied where metres are missing, dropped where they are scraps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.network import build
from geodata.roads import RoadFlag, RoadKind
from tests.geodata.drawn_roads import Way, at, road_lines

MAIN = [(0, 0), (500, 0)]


def test_a_footway_that_ends_beside_a_road_is_linked_to_the_nearest_place_of_it():
    network, report = build(road_lines(MAIN, [(200, 8), (200, 100)]))
    assert (report.islands_linked, report.islands_left, report.islands_dropped) == (1, 0, 0)
    (foot,) = at(network, (200, 0))
    assert foot in network.node_vertex
    link = network.kind == RoadKind.UNKNOWN
    assert network.length_m.sum() == pytest.approx(500 + 92 + 8, rel=1e-3)
    # One chain runs from the road along the link to the end of the footway.
    assert not link.any()
    assert (network.segment_kind == RoadKind.UNKNOWN).sum() == 1


def test_an_island_farther_away_is_dropped_when_it_is_a_scrap_and_kept_when_it_is_not():
    roads = road_lines(MAIN, [(200, 20), (200, 100)], [(300, 50), (300, 400)])
    network, report = build(roads)
    assert (report.islands_linked, report.islands_dropped, report.islands_left) == (0, 1, 1)
    assert report.dropped_m == pytest.approx(80, rel=1e-3)
    assert not at(network, (200, 100))
    assert set(network.island[network.edge_from]) == {0, 1}
    assert build(roads, link_islands_m=25)[1].islands_linked == 1


def test_islands_hang_on_one_another_until_the_mainland():
    roads = road_lines(MAIN, [(200, 10), (200, 200)], [(210, 205), (210, 260)], [(220, 265), (220, 290)])
    report = build(roads)[1]
    assert (report.islands_linked, report.islands_left) == (3, 0)


def test_two_links_on_one_piece_of_road_cut_it_twice():
    network, report = build(road_lines(MAIN, [(200, 8), (200, 60)], [(300, -8), (300, -60)]))
    assert report.islands_linked == 2
    lengths = sorted(network.length_m.tolist())
    assert lengths == pytest.approx([60, 60, 100, 200, 200], rel=1e-2)


def test_nothing_is_linked_to_a_bridge_or_a_tunnel():
    deck = Way([(0, 0), (500, 0)], flags=RoadFlag.BRIDGE, layer=1)
    tube = Way([(0, 500), (500, 500)], flags=RoadFlag.TUNNEL, layer=-1)
    below = Way([(200, 5), (200, 495)])
    report = build(road_lines([(0, 0), (-600, 0)], deck, tube, below))[1]
    assert (report.islands_linked, report.islands_left) == (0, 2)


def test_the_largest_island_stays_however_small():
    network, report = build(road_lines([(0, 0), (5, 0)]))
    assert (len(network.edge_from), report.islands_dropped) == (1, 0)


spots = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda p: (float(p[0]), float(p[1])))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(spots, min_size=2, max_size=4, unique=True), min_size=1, max_size=8), st.floats(1, 60)
)
def test_linking_never_parts_what_hung_together_and_adds_at_most_its_reach(ways, reach_m):
    roads = road_lines(*ways)
    plain, before = build(roads, link_islands_m=0, drop_islands_m=0)
    linked, after = build(roads, link_islands_m=reach_m, drop_islands_m=0)
    assert after.islands_left == before.islands_left - after.islands_linked
    added_m = after.way_m - before.way_m
    assert -0.01 <= added_m <= after.islands_linked * reach_m * 1.001 + 0.01
    # Every vertex is still there.
    here = {tuple(np.round(one, 2)) for one in linked.xy_m}
    assert all(tuple(np.round(one, 2)) in here for one in plain.xy_m)
