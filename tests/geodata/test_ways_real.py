"""Ways over the real roads of central Sendai, read from the shared folder; nothing of it is in this repository."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely
from pyproj import Geod

from geodata.areas import Bbox
from geodata.closures import close_areas
from geodata.crowd import Crowd
from geodata.crs import to_plane
from geodata.ground_cells import GroundCells
from geodata.importers.roads_geojson import parse_road_lines
from geodata.importers.sites import parse_sites
from geodata.inland_ways import SeaRule
from geodata.network import build
from geodata.pair_walks import PairWalks
from geodata.route_steps import Turn
from geodata.row_walks import RowWalks
from geodata.snapping import Snapper, segments_of
from geodata.standing import Stander
from geodata.walks import NetworkWalks
from geodata.ways_out import ways_out

pytestmark = pytest.mark.real_data

CITY = Bbox(140.45, 38.05, 141.15, 38.50)
ROADS = "osm/sendai_central_roads_osm_20260204.geojson.gz"
SITES = "shelters/sendai_emergency_sites_gsi_layout.csv"


@pytest.fixture(scope="module")
def roads_bytes(shared_data):
    return (shared_data / ROADS).read_bytes()


@pytest.fixture(scope="module")
def network(roads_bytes):
    return build(parse_road_lines(roads_bytes, bbox=CITY).roads)[0]


@pytest.fixture(scope="module")
def sites_xy(shared_data):
    records = parse_sites((shared_data / SITES).read_bytes(), bbox=CITY).records
    return to_plane([(one.lon, one.lat) for one in records])


@pytest.fixture(scope="module")
def walks(network):
    return NetworkWalks(network)


def beside_ways(network, count, seed, spread_m=30):
    rng = np.random.default_rng(seed)
    return network.xy_m[rng.integers(0, len(network.xy_m), count)] + rng.normal(0, spread_m, (count, 2))


def test_efforts_over_the_city_agree_with_networkx_on_every_vertex(network):
    places = segments_of(network)
    a, b = network.chain[places], network.chain[places + 1]
    length = (network.along_m[places + 1] - network.along_m[places]).astype(np.float64)
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(a.tolist(), b.tolist(), length.tolist(), strict=True))
    rng = np.random.default_rng(1)
    vertices = rng.choice(network.node_vertex, 3, replace=False)
    asked = rng.choice(len(network.xy_m), 1_900, replace=False)
    snapper = Snapper(network)
    ways = ways_out(network, snapper.snap(network.xy_m[vertices]), bound_m=3_000)
    efforts = ways.efforts(snapper.snap(network.xy_m[asked]))
    for site, vertex in enumerate(vertices):
        expected = np.full(len(network.xy_m), np.inf)
        found = nx.single_source_dijkstra_path_length(graph, int(vertex), cutoff=3_000)
        expected[list(found)] = list(found.values())
        expected = expected[asked]
        level = network.profile(ways.foot).ab_m == network.length_m  # without heights nothing is uphill
        assert level.mean() > 0.99
        agree = np.isclose(efforts[:, site], expected, rtol=1e-4, atol=0.5)
        assert agree.mean() > 0.998
        # The rest hangs on how a duplicate vertex was snapped or lies within a step of the bound.
        assert (np.isfinite(efforts[:, site]) == np.isfinite(expected)).mean() > 0.998


def test_metres_of_routes_agree_with_the_geodesic_within_half_a_percent(network, walks):
    geod = Geod(ellps="GRS80")
    people, goals = beside_ways(network, 25, 2), beside_ways(network, 25, 3)
    found = [one for a, b in zip(people, goals, strict=True) if (one := walks.route(a, b))]
    assert len(found) > 20
    for one in found:
        assert one.metres == pytest.approx(geod.line_length(*one.lonlat.T), rel=0.005)
        assert (one.steps[0].turn, one.steps[-1].turn) == (Turn.START, Turn.ARRIVE)
        assert one.effort_m >= one.metres * 0.999


def test_around_a_live_area_no_route_enters_it_and_who_is_inside_gets_out(network, walks):
    area = shapely.Point(network.xy_m.mean(axis=0)).buffer(700)
    around = walks.under([area])
    people, sites = beside_ways(network, 60, 4), beside_ways(network, 12, 5)
    people[:20] = shapely.get_coordinates(area.centroid) + np.random.default_rng(6).uniform(
        -450, 450, (20, 2)
    )
    efforts, quiet = around.metres(people, sites), walks.metres(people, sites)
    assert (efforts >= quiet * (1 - 1e-5)).all()
    inside = shapely.intersects_xy(area, *people.T)
    outside_sites = ~shapely.intersects_xy(area, *sites.T)
    assert np.isfinite(efforts[np.ix_(inside, outside_sites)]).all()
    assert np.isinf(efforts[np.ix_(~inside, ~outside_sites)]).all()
    core = area.buffer(-0.1)
    for person in people[~inside][:12]:
        one = around.route(person, sites[outside_sites][0])
        if one is not None:
            assert not shapely.intersects(core, shapely.LineString(to_plane(one.lonlat)))


def test_growing_an_area_updates_to_what_a_fresh_search_finds(network):
    sites = Snapper(network).snap(beside_ways(network, 60, 7))
    middle = shapely.Point(network.xy_m.mean(axis=0))
    small, large = (close_areas(network, [middle.buffer(radius)]) for radius in (600, 800))
    updated = ways_out(network, sites).update(small).update(large)
    fresh = ways_out(network, sites, closures=large)
    assert np.allclose(updated.node_effort_m, fresh.node_effort_m, rtol=1e-5)


def test_every_resident_of_the_centre_has_a_walk_to_every_site_on_a_quiet_day(network, walks, sites_xy):
    people = beside_ways(network, 300, 8, spread_m=120)
    found = walks.walk(people, sites_xy)
    assert len(sites_xy) == 313
    assert np.isfinite(found.effort_m).all()
    straight = np.hypot(*(people[:, None] - sites_xy[None]).transpose(2, 0, 1))
    assert (found.effort_m >= straight * (1 - 1e-9)).all()
    near = found.effort_m.min(axis=1)
    assert np.median(near) < 1_000
    assert not found.about[np.arange(300), found.effort_m.argmin(axis=1)].all()


@pytest.mark.parametrize("wave", [False, True])
def test_the_nearest_by_row_are_those_of_the_matrix_over_the_city(walks, sites_xy, wave):
    network = walks.network
    middle = network.xy_m.mean(axis=0)
    areas = [shapely.Point(*(middle + away)).buffer(900) for away in ((0, 0), (2_500, -800))]
    sea = SeaRule(areas_xy_m=tuple(areas[1:]), seaward_bearing_deg=110.0) if wave else None
    past = walks.under(areas, sea=sea)
    off = np.random.default_rng(4).uniform(-9_000, 9_000, (40, 2)) + middle
    people = np.concatenate([beside_ways(network, 240, seed=9, spread_m=80), off])
    allowed = ~np.any([shapely.intersects_xy(one, *sites_xy.T) for one in areas], axis=0)
    cells = GroundCells(network)
    stander = Stander(network, walks.foot, cells, gap_factor=walks.detour_factor)
    crowd = Crowd(people, stander.stand(people, walks.ends.usual(people)))
    rows = RowWalks(PairWalks(past, sites_xy), cells)
    matrix = np.where(allowed, past.metres(people, sites_xy), np.inf)
    everybody = np.arange(len(people))
    for k in (1, 3):
        site, level_m = rows.nearest(crowd, everybody, allowed, k)
        np.testing.assert_allclose(level_m, np.sort(matrix, axis=1)[:, :k], rtol=1e-5, atol=0.02)
        named = np.take_along_axis(matrix, np.maximum(site, 0), axis=1)
        np.testing.assert_allclose(np.where(site >= 0, named, np.inf), level_m, rtol=1e-5, atol=0.02)
    figures, _ = rows.figures(crowd, everybody, site)
    np.testing.assert_allclose(figures, level_m, rtol=1e-5, atol=0.02)
    told = np.isfinite(level_m[:, 0])
    length = rows.lengths(crowd, everybody[told], site[told, 0], level_m[told, 0])
    known = past.lengths(people[told], sites_xy, site[told, 0], level_m[told, 0])
    np.testing.assert_allclose(length, known, rtol=1e-4, atol=0.1)
