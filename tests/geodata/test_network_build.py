"""The walking network: what is joined, what is kept apart, and what an edge holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.network import Foot, WalkNetwork, build, digest
from geodata.roads import RoadFlag, RoadKind
from tests.geodata.drawn_roads import Way, at, road_lines


def connected(network: WalkNetwork, one: int, other: int) -> bool:
    """Whether two vertices hang together, by their chains."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(network.xy_m)))
    for edge in range(len(network.edge_from)):
        nx.add_path(graph, network.chain[network.chain_first[edge] : network.chain_first[edge + 1]].tolist())
    return bool(nx.has_path(graph, one, other))


def made(*ways, **options) -> WalkNetwork:
    return build(road_lines(*ways), link_islands_m=0, drop_islands_m=0, **options)[0]


def test_bends_are_contracted_and_a_crossing_is_one_node():
    network = made([(0, 0), (10, 1), (20, 0), (30, 1), (40, 0)], [(20, -20), (20, 0), (20, 20)])
    assert len(network.xy_m) == 7
    assert len(network.node_vertex) == 5
    assert sorted(np.diff(network.chain_first).tolist()) == [2, 2, 3, 3]
    assert (network.chain[network.chain_first[:-1]] == network.node_vertex[network.edge_from]).all()
    assert (network.chain[network.chain_first[1:] - 1] == network.node_vertex[network.edge_to]).all()


def test_a_bridge_over_a_road_with_a_vertex_at_the_same_place_does_not_meet_it():
    over = Way([(0, -30), (0, 0), (0, 30)], flags=RoadFlag.BRIDGE, layer=1)
    network = made([(-30, 0), (0, 0), (30, 0)], over)
    above, below = at(network, (0, 0))
    assert not connected(network, above, below)
    (south,) = at(network, (0, -30))
    (north,) = at(network, (0, 30))
    assert connected(network, south, north)


def test_where_a_bridge_begins_and_where_stairs_end_on_it_layers_do_not_part_the_ways():
    deck = Way([(0, 0), (0, 20), (0, 40)], flags=RoadFlag.BRIDGE, layer=1)
    stairs = Way([(15, 20), (0, 20)], kind=RoadKind.STEPS)
    network = made([(0, -30), (0, 0)], deck, stairs)
    (start,), (foot,), (middle,) = (at(network, point) for point in [(0, -30), (15, 20), (0, 20)])
    assert connected(network, start, foot)
    assert middle in network.node_vertex


def test_ways_that_cross_on_the_paper_without_a_shared_vertex_do_not_meet():
    network = made([(-10, 0), (10, 0)], [(0, -10), (0, 10)])
    assert len(network.edge_from) == 2
    assert set(network.island) == {0, 1}


def test_a_chain_ends_where_the_flags_or_the_stairs_begin_and_goes_on_where_only_the_kind_changes():
    parts = [
        Way([(0, 0), (10, 0)]),
        Way([(10, 0), (20, 0)], kind=RoadKind.SERVICE),
        Way([(20, 0), (30, 0)], kind=RoadKind.STEPS),
        Way([(30, 0), (40, 0)], flags=RoadFlag.UNDERPASS | RoadFlag.TUNNEL, layer=-1),
    ]
    network = made(*parts)
    assert sorted(np.diff(network.chain_first).tolist()) == [2, 2, 3]
    stepped = network.kind == RoadKind.STEPS
    assert stepped.sum() == 1
    assert np.isinf(network.profile(Foot.STEP_FREE).ab_m).tolist() == stepped.tolist()
    assert network.flags.max() == RoadFlag.UNDERPASS | RoadFlag.TUNNEL
    starts = network.segment_kind >= 0
    assert sorted(network.segment_kind[starts].tolist()) == sorted(int(one.kind) for one in parts)


def test_the_kind_of_an_edge_is_that_of_most_of_its_metres():
    network = made(
        Way([(0, 0), (10, 0), (20, 0)], kind=RoadKind.SERVICE),
        Way([(20, 0), (50, 0)], kind=RoadKind.PEDESTRIAN),
    )
    assert network.kind.tolist() == [RoadKind.PEDESTRIAN]


def test_rings_and_two_ways_round_a_block_are_kept():
    ring = [(0, 0), (30, 0), (30, 30), (0, 30), (0, 0)]
    network = made(ring)
    assert (len(network.node_vertex), len(network.edge_from)) == (1, 1)
    assert network.edge_from[0] == network.edge_to[0]
    assert network.length_m[0] == pytest.approx(120, rel=1e-3)
    network = made(
        [(-20, 0), (0, 0)], [(0, 0), (30, 20), (60, 0)], [(0, 0), (30, -20), (60, 0)], [(60, 0), (90, 0)]
    )
    pairs = [tuple(sorted(pair)) for pair in zip(network.edge_from, network.edge_to, strict=True)]
    assert len(pairs) == 4
    assert len(set(pairs)) == 3


def test_what_is_drawn_twice_or_has_no_length_counts_once_and_is_told():
    roads = road_lines(
        [(0, 0), (10, 0), (10, 0), (20, 0)],
        Way([(20, 0), (10, 0)], name="定禅寺通"),
        Way([(10, 0), (20, 0)], kind=RoadKind.STEPS),
    )
    network, report = build(roads)
    assert (report.zero_length, report.drawn_twice) == (1, 1)
    # Stairs beside a road are another way, not the same one; of the same way the one with a name stays.
    assert report.segments == 3
    assert network.names[network.segment_name.max()] == "定禅寺通"


def test_lines_end_at_a_locked_gate_and_islands_behind_it_are_not_linked():
    roads = road_lines([(0, 0), (50, 0)], [(50, 0), (100, 0), (500, 0)], shut=[(50, 0)])
    network, report = build(roads, drop_islands_m=10)
    assert len(at(network, (50, 0))) == 2
    assert (report.islands_linked, report.islands_left) == (0, 1)
    (west,), (east,) = at(network, (0, 0)), at(network, (500, 0))
    assert not connected(network, west, east)


def test_the_same_lines_in_another_order_give_the_same_ways():
    ways = [[(0, 0), (10, 5), (20, 0)], [(20, 0), (40, 0)], [(20, 0), (20, 30)]]
    one, other = made(*ways), made(*(list(reversed(way)) for way in reversed(ways)))
    assert sorted(one.length_m.tolist()) == pytest.approx(sorted(other.length_m.tolist()))
    assert (one.xy_m == other.xy_m).all()


def test_building_twice_gives_the_same_arrays_and_a_change_gives_another_version():
    ways = [[(0, 0), (10, 5), (20, 0)], [(20, 0), (40, 0)]]
    one, other = made(*ways), made(*ways)
    assert one.version == other.version == digest(one)
    for (name, array), (_, again) in zip(one.arrays(), other.arrays(), strict=True):
        assert np.array_equal(array, again, equal_nan=array.dtype.kind == "f"), name
    assert made([(0, 0), (10, 6), (20, 0)], [(20, 0), (40, 0)]).version != one.version
    assert digest(replace(one, names=("青葉通",))) != one.version


def test_no_lines_make_an_empty_network():
    network, report = build(road_lines())
    assert (len(network.node_vertex), len(network.edge_from), report.segments) == (0, 0, 0)
    assert network.chain_first.tolist() == [0]


points = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: (p[0] * 20.0, p[1] * 20.0))
way = st.builds(
    Way,
    st.lists(points, min_size=2, max_size=6),
    kind=st.sampled_from([RoadKind.ROAD, RoadKind.STEPS, RoadKind.SERVICE]),
    flags=st.sampled_from([0, RoadFlag.BRIDGE, RoadFlag.FORD]),
    layer=st.sampled_from([0, 0, 1]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(way, min_size=1, max_size=7))
def test_every_line_stays_whole_and_metres_and_ways_are_those_of_its_segments(ways):
    roads = road_lines(*ways)
    network = build(roads, link_islands_m=0, drop_islands_m=0)[0]
    # Each line: its vertices one after the other are joined in the network.
    graph = nx.Graph()
    pieces = defaultdict(float)
    for edge in range(len(network.edge_from)):
        first, last = network.chain_first[edge], network.chain_first[edge + 1]
        chain = network.chain[first:last].tolist()
        nx.add_path(graph, chain)
        steps = np.diff(network.along_m[first:last].astype(float))
        for pair, metres in zip(pairwise(chain), steps, strict=True):
            pieces[tuple(sorted(pair))] += metres
        assert network.along_m[last - 1] == network.length_m[edge]
        assert network.island[network.edge_from[edge]] == network.island[network.edge_to[edge]]
    for one in ways:
        for here, there in pairwise(one.points):
            if here != there:
                joined = [
                    (a, b) for a in at(network, here) for b in at(network, there) if graph.has_edge(a, b)
                ]
                assert joined
    # Nothing but the segments is in the network: its metres are theirs.
    for (a, b), metres in pieces.items():
        straight = float(np.hypot(*(network.xy_m[a] - network.xy_m[b])))
        assert metres / straight == pytest.approx(round(metres / straight), abs=0.01)
    # Islands are numbered by their metres of way.
    size = np.bincount(network.island[network.edge_from], network.length_m)
    assert (np.diff(size) <= 1e-3).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(way, min_size=1, max_size=7))
def test_efforts_rise_along_every_chain_and_are_never_less_than_the_metres(ways):
    network = build(road_lines(*ways), link_islands_m=0, drop_islands_m=0)[0]
    inner = np.ones(max(len(network.chain) - 1, 0), dtype=bool)
    inner[network.chain_first[1:-1] - 1] = False
    for foot in Foot:
        for effort in (network.effort_ab_m[foot], network.effort_ba_m[foot]):
            assert (effort[network.chain_first[:-1]] == 0).all()
            finite = inner & np.isfinite(effort[1:])
            assert (effort[1:] > effort[:-1])[finite].all()
            assert (effort >= network.along_m * (1 - 1e-5)).all()
            # What is closed stays closed to the end of the chain.
            assert not (inner & np.isinf(effort[:-1]) & np.isfinite(effort[1:])).any()
