"""The real roads and heights of central Sendai, and the real OpenStreetMap file of another country."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pyproj import Geod

from geodata import network_files
from geodata.areas import Bbox
from geodata.crs import to_lonlat
from geodata.elevation import Elevation
from geodata.foot_tags import WhyNot
from geodata.importers.elevation import parse_elevation
from geodata.importers.road_lines import RoadsParsed
from geodata.importers.roads_geojson import parse_road_lines
from geodata.importers.roads_osm import parse_osm
from geodata.network import BuildReport, Foot, WalkNetwork, build
from geodata.network_joints import metres_between
from geodata.roads import RoadFlag, RoadKind

pytestmark = pytest.mark.real_data
SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)


@pytest.fixture(scope="module")
def parsed(shared_data) -> RoadsParsed:
    data = (shared_data / "osm" / "sendai_central_roads_osm_20260204.geojson.gz").read_bytes()
    return parse_road_lines(data, bbox=SENDAI)


@pytest.fixture(scope="module")
def heights(shared_data) -> Elevation:
    data = (shared_data / "terrain" / "sendai_central_dem_gsi_32m_epsg3857.asc.gz").read_bytes()
    return parse_elevation(data, epsg=3857, bbox=SENDAI)


@pytest.fixture(scope="module")
def built(parsed, heights) -> tuple[WalkNetwork, BuildReport]:
    return build(parsed.roads, heights)


def test_all_39847_lines_are_read_and_87_motorways_are_not_for_walkers(parsed):
    assert parsed.rejected == ()
    assert (len(parsed.roads), parsed.roads.passed_over) == (39_760, {WhyNot.MOTORWAY: 87})
    assert np.bincount(parsed.roads.kind, minlength=6).tolist() == [810, 2216, 9669, 14_762, 0, 12_303]


def test_the_grid_has_the_size_and_the_heights_its_description_says(heights):
    assert heights.grid_m.shape == (609, 737)
    assert (round(float(np.nanmin(heights.grid_m)), 1), round(float(np.nanmax(heights.grid_m)), 1)) == (
        -0.6,
        320.9,
    )
    # 仙台城跡 stands on its hill, 仙台駅 on the terrace, 長町 on the plain.
    castle, station, plain = heights.at([(140.8560, 38.2525), (140.8824, 38.2601), (140.8860, 38.2270)])
    assert 110 < castle < 150
    assert 30 < station < 50
    assert 5 < plain < 25


def test_nearly_all_of_it_hangs_together_and_scraps_are_dropped_with_a_count(built):
    network, report = built
    assert report.segments > 148_000
    assert 40_000 < report.nodes < 60_000
    assert (report.islands_linked, report.islands_dropped, report.islands_left) == (20, 5, 2)
    assert report.dropped_m < 1_000
    assert (network.island == 0).mean() > 0.995
    assert report.without_height == 0


def test_metres_along_chains_agree_with_the_geodesic_within_half_a_percent(built):
    network, _ = built
    geod = Geod(ellps="GRS80")
    lonlat = to_lonlat(network.xy_m[network.chain])
    starts = np.flatnonzero(network.segment_kind >= 0)
    (lon, lat), (lon2, lat2) = lonlat[starts].T, lonlat[starts + 1].T
    metres = geod.inv(lon, lat, lon2, lat2)[2]
    edge = np.repeat(np.arange(len(network.length_m)), np.diff(network.chain_first))[starts]
    geodesic = np.bincount(edge, metres)
    off = np.abs(network.length_m / np.maximum(geodesic, 1e-9) - 1)
    assert off[geodesic > 1].max() < 0.001
    assert network.length_m.astype(float).sum() == pytest.approx(geodesic.sum(), rel=1e-6)


@pytest.mark.parametrize("lon", [SENDAI.west, 140.8333, SENDAI.east])
@pytest.mark.parametrize("lat", [SENDAI.south, SENDAI.north])
def test_metres_agree_with_the_geodesic_at_every_edge_of_the_city(lon, lat):
    here = np.array([[lon, lat]] * 3)
    there = np.add(here, [[0.002, 0], [0, 0.002], [-0.002, 0.001]])
    exact = Geod(ellps="GRS80").inv(*here.T, *there.T)[2]
    assert metres_between(here, there) == pytest.approx(exact, rel=1e-5)


def test_every_piece_of_every_line_of_the_mainland_is_in_the_network(parsed, built):
    roads, (network, _) = parsed.roads, built
    units = np.rint(roads.lonlat * 1e7).astype(np.int64)
    keys = units[:, 0] * (1 << 32) + units[:, 1]
    known_units = np.rint(to_lonlat(network.xy_m) * 1e7).astype(np.int64)
    known = known_units[:, 0] * (1 << 32) + known_units[:, 1]
    order = np.argsort(known)
    row = order[np.searchsorted(known, keys, sorter=order).clip(max=len(known) - 1)]
    there = known[row] == keys
    inner = np.ones(len(keys) - 1, dtype=bool)
    inner[roads.first[1:-1] - 1] = False
    piece = np.flatnonzero(inner & (keys[:-1] != keys[1:]))
    held = there[piece] & there[piece + 1]
    assert (~held).sum() < 100  # of the islands that were dropped

    def pairs(one, other):
        return np.minimum(one, other).astype(np.int64) * len(known) + np.maximum(one, other)

    starts = np.flatnonzero(network.segment_kind >= 0)
    drawn = pairs(network.chain[starts], network.chain[starts + 1])
    asked = pairs(row[piece], row[piece + 1])[held]
    assert (~np.isin(asked, drawn)).sum() <= 20  # cut where a link arrives in their middle


def test_efforts_follow_the_hills_and_a_slower_foot_is_never_better_off(built):
    network, _ = built
    profiles = [network.profile(foot) for foot in (Foot.STANDARD, Foot.SLOW, Foot.STEP_FREE)]
    for one, slower in pairwise(profiles):
        assert (slower.ab_m >= one.ab_m * (1 - 1e-5)).all()
    standard = profiles[0]
    assert (standard.ab_m >= network.length_m * (1 - 1e-5)).all()
    # Hilly ground costs something, but the city is no mountain.
    share = float(standard.ab_m.sum() / network.length_m.sum())
    assert 1.01 < share < 1.3
    uphill = (
        network.elevation_m[network.chain[network.chain_first[1:] - 1]]
        - network.elevation_m[network.chain[network.chain_first[:-1]]]
    )
    steep = uphill > 5
    assert (standard.ab_m[steep] > standard.ba_m[steep]).mean() > 0.95


def test_building_again_gives_the_same_network_and_files_give_it_back(parsed, heights, built, tmp_path):
    network, _ = built
    assert build(parsed.roads, heights)[0].version == network.version
    for name, content in network_files.save(network).items():
        (tmp_path / name).write_bytes(content)
    loaded = network_files.load(tmp_path, verify=True)
    assert loaded.version == network.version


def test_a_real_pbf_gives_its_ways_names_and_reasons(shared_data):
    data = (shared_data / "osm" / "helsinki_small_test.osm.pbf").read_bytes()
    parsed = parse_osm(data, bbox=Bbox(24.0, 60.0, 28.0, 62.0))
    roads = parsed.roads
    assert len(roads) == 318
    assert roads.passed_over == {
        WhyNot.MOTORWAY: 15,
        WhyNot.NO_ACCESS: 1,
        WhyNot.NO_VERTICES: 8,
        WhyNot.NOT_BUILT: 1,
    }
    assert parsed.cut_short == 48
    assert "Ristikalliontie" in roads.names
    assert np.bincount(roads.kind, minlength=6).tolist() == [13, 145, 38, 122, 0, 0]
    below = roads.layer < 0
    assert (roads.flags[below] & RoadFlag.UNDERPASS).all()
    assert (roads.kind[below] == RoadKind.PEDESTRIAN).all()
    network, report = build(roads, epsg=3067)
    assert (report.islands_left, len(network.edge_from)) == (0, report.edges)
