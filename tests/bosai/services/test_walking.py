"""Walks along imported roads: everybody by their own foot, past what the orders in force close."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from bosai.services.walking import FEET, KEPT_DANGERS, PlanWays, Walking, closed_edges, digest_of, feet_of
from bosai.settings import load_settings
from geodata.areas import Bbox
from geodata.closures import nothing_closed
from geodata.crs import to_plane
from geodata.foot import Foot
from geodata.hazards import HazardKind
from geodata.importers.roads_geojson import parse_road_lines
from geodata.network import WalkNetwork, build
from geodata.roads import RoadFlag
from geodata.row_walks import RowWalks
from geodata.snapping import Snapped
from geodata.walks import NetworkWalks
from geodata.ways_out import WaysOut
from shelters.dangers import Danger
from shelters.model import Facet, Pace, People
from shelters.ways import StraightWays

WEST, SOUTH = 140.90, 38.20
STEP = 0.002
SETTINGS = load_settings(None, {}, {})
CITY = Bbox(*SETTINGS.city.bbox_lonlat)


def lonlat(x: float, y: float) -> list[float]:
    return [WEST + STEP * x, SOUTH + STEP * y]


def xy(x: float, y: float) -> np.ndarray:
    return to_plane([lonlat(x, y)])[0]


def way(*places: tuple[float, float], **tags: str) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [lonlat(*one) for one in places]}
    return {"type": "Feature", "geometry": line, "properties": {"highway": "residential", **tags}}


def network_of(*ways: dict[str, Any]) -> WalkNetwork:
    data = json.dumps({"type": "FeatureCollection", "features": ways}).encode()
    return build(parse_road_lines(data, bbox=CITY).roads)[0]


@pytest.fixture(scope="module")
def grid() -> WalkNetwork:
    """Streets 175 m × 222 m apart."""
    rows = [way(*[(x, y) for x in range(6)]) for y in range(6)]
    columns = [way(*[(x, y) for y in range(6)]) for x in range(6)]
    return network_of(*rows, *columns)


@pytest.fixture(scope="module")
def stairs() -> Walking:
    """Stairs from (0, 0) to (1, 0), and the long way round."""
    round_it = way((0, 0), (0, 3), (1, 3), (1, 0), (2, 0))
    return Walking(network_of(round_it, way((0, 0), (1, 0), highway="steps")), SETTINGS)


@pytest.fixture
def walking(grid) -> Walking:
    return Walking(grid, SETTINGS)


def people(*rows: tuple[float, float, Pace, int]) -> People:
    count = len(rows)
    return People(
        xy_m=np.array([xy(x, y) for x, y, _, _ in rows], dtype=np.float64).reshape(-1, 2),
        persons=np.ones(count, dtype=np.int32),
        pace=np.array([int(pace) for *_, pace, _ in rows], dtype=np.int8),
        floor=np.zeros(count, dtype=np.int16),
        structure=np.zeros(count, dtype=np.int8),
        holds_seat=np.ones(count, dtype=np.bool_),
        needs=np.array([needs for *_, needs in rows], dtype=np.uint8),
    )


def danger(
    x: float, y: float, radius_m: float, hazard: HazardKind = HazardKind.LARGE_FIRE, key: str = "a:1"
) -> Danger:
    return Danger(key=key, hazard=hazard, area_xy_m=shapely.Point(*xy(x, y)).buffer(radius_m))


SITES = np.array([xy(0, 0), xy(5, 5)])


def figures(ways: PlanWays, count: int, sites: int = 2) -> np.ndarray:
    """(count, sites) level metres."""
    return ways.efforts(np.arange(count), np.tile(np.arange(sites), (count, 1)))


def test_a_walk_along_the_streets_is_longer_than_the_straight_line_and_no_estimate(walking):
    ways = walking.ways(people((0, 5, Pace.STANDARD, 0)), [], SITES)
    assert figures(ways, 1)[0, 0] == pytest.approx(5 * 222, rel=0.01)
    assert not ways.about(np.array([0]), np.array([0]))[0]


def test_far_from_every_road_the_straight_line_stands_in_and_says_so(walking):
    who = people((30, 30, Pace.STANDARD, 0))
    ways = walking.ways(who, [], SITES)
    straight = StraightWays(who.xy_m, SITES, SETTINGS.planner.detour_factor)
    np.testing.assert_allclose(figures(ways, 1), straight.efforts(np.array([0]), np.array([[0, 1]])))
    assert ways.about(np.array([0]), np.array([0]))[0]


def test_nobody_in_a_wheelchair_is_sent_over_stairs(stairs):
    who = people((0, 0, Pace.STANDARD, 0), (0, 0, Pace.STANDARD, 1))
    on_foot, on_wheels = figures(stairs.ways(who, [], xy(2, 0)[None, :]), 2, 1)[:, 0]
    assert on_foot < 175 * 4
    assert on_wheels > 222 * 5


def test_people_are_told_the_real_length_of_stairs_and_the_time_they_take(stairs):
    ways = stairs.ways(people((0, 0, Pace.STANDARD, 0), (0, 0.1, Pace.SLOW, 0)), [], xy(2, 0)[None, :])
    both = np.arange(2)
    level = ways.efforts(both, np.zeros(2, dtype=np.int64))
    length = ways.lengths(both, np.array([0, -1]), level)
    assert length[0] == pytest.approx(2 * 175, rel=0.02)
    assert level[0] == pytest.approx(3 * 175, rel=0.02)
    assert length[1] == level[1]  # no site, no length of its own


def test_two_households_at_one_point_walk_each_by_their_own_foot(stairs):
    both = people((0, 0, Pace.STANDARD, 1), (0, 0, Pace.STANDARD, 0))
    on_wheels, on_foot = figures(stairs.ways(both, [], xy(2, 0)[None, :]), 2, 1)[:, 0]
    assert on_foot < 222 * 5 < on_wheels


def test_who_said_nothing_is_taken_for_slow():
    assert [
        FEET[one]
        for one in feet_of(people((0, 0, Pace.UNKNOWN, 0), (0, 0, Pace.STANDARD, 0), (0, 0, Pace.SLOW, 1)))
    ] == [
        Foot.SLOW,
        Foot.STANDARD,
        Foot.STEP_FREE,
    ]


def test_an_order_never_shortens_a_way_and_nobody_enters_its_area(walking, grid):
    who = people(*[(x, y, Pace.STANDARD, 0) for x in range(6) for y in range(6)])
    sites = np.array([xy(0, 0), xy(5, 2)])
    open_m = figures(walking.ways(who, [], sites), 36)
    fire = danger(2.5, 2.5, 250)
    closed_m = figures(walking.ways(who, [fire], sites), 36)
    assert (closed_m >= open_m - 1e-6).all()
    assert (closed_m > open_m + 1).any()
    route = walking.route(xy(0, 5), xy(5, 0), [fire], Foot.STANDARD)
    assert route is not None
    line = shapely.LineString(to_plane(route.lonlat))
    assert line.disjoint(shapely.buffer(fire.area_xy_m, -0.5))


def test_a_person_inside_an_area_walks_out_of_it(walking):
    fire = danger(2, 2, 100)
    route = walking.route(xy(2, 2), SITES[1], [fire], Foot.STANDARD)
    assert route is not None
    assert np.isfinite(figures(walking.ways(people((2, 2, Pace.STANDARD, 0)), [fire], SITES), 1)).all()


def test_what_was_searched_for_an_area_serves_every_version_of_its_order(walking):
    first, second = danger(2, 2, 100, key="a:1"), danger(2, 2, 100, key="a:2")
    assert digest_of([first]) == digest_of([second]) != digest_of([danger(2, 2, 101)])
    assert walking.around([first], Foot.SLOW) is walking.around([second], Foot.SLOW)


@pytest.fixture
def searched(monkeypatch) -> list[Foot]:
    """The feet for whom ways are searched afresh, one after the other."""
    feet, fresh = [], NetworkWalks._fresh_ways

    def counted(walks: NetworkWalks, at: Snapped) -> WaysOut:
        feet.append(walks.foot)
        return fresh(walks, at)

    monkeypatch.setattr(NetworkWalks, "_fresh_ways", counted)
    return feet


def hilly(network: WalkNetwork) -> WalkNetwork:
    """The same streets, harder for those who walk slowly, and hardest on wheels."""
    factor = {foot: np.float32(1 + 0.25 * n) for n, foot in enumerate(FEET)}
    return replace(
        network,
        effort_ab_m={foot: network.effort_ab_m[foot] * factor[foot] for foot in FEET},
        effort_ba_m={foot: network.effort_ba_m[foot] * factor[foot] for foot in FEET},
    )


def test_in_quiet_the_ways_of_every_foot_are_searched_before_anybody_needs_them(grid, searched):
    walking = Walking(hilly(grid), SETTINGS)
    walking.prepare(SITES)
    assert searched == list(FEET)
    walking.prepare(SITES)
    figures(walking.ways(people((1, 1, Pace.SLOW, 0), (1, 1, Pace.STANDARD, 1)), [], SITES), 2)
    assert searched == list(FEET), "once for the same sites"


def test_those_to_whom_every_way_is_as_hard_share_one_search(grid, stairs, searched):
    Walking(grid, SETTINGS).prepare(SITES)
    assert searched == [Foot.STANDARD]
    Walking(stairs.network, SETTINGS).prepare(SITES)
    assert searched[1:] == [Foot.STANDARD, Foot.STEP_FREE], "level stairs are as hard for all who walk"


def test_who_walks_harder_has_figures_of_his_own(grid):
    walking = Walking(hilly(grid), SETTINGS)
    who = people((3, 3, Pace.STANDARD, 0), (3, 3, Pace.SLOW, 0), (3, 3, Pace.STANDARD, int(Facet.STEP_FREE)))
    figure = figures(walking.ways(who, [], SITES), 3)[:, 1]
    alone = [walking.around([], foot).metres(xy(3, 3)[None], SITES)[0, 1] for foot in FEET]
    assert figure.tolist() == pytest.approx(alone, abs=0.01)
    assert figure[0] < figure[1] < figure[2]


@pytest.fixture(scope="module")
def by_the_river() -> WalkNetwork:
    """A bridge, a far bridge, an underpass near the water and one at the other end of the town."""
    return network_of(
        way((0, 0), (0, 1)),
        way((0, 1), (1, 1), bridge="yes", layer="1"),
        way((1, 1), (1, 0)),
        way((0, 0), (1, 0), tunnel="yes", layer="-1"),
        way((1, 0), (20, 0)),
        way((20, 0), (21, 0), bridge="yes", layer="1"),
        way((21, 0), (22, 0), tunnel="yes", layer="-1"),
    )


def test_a_flood_closes_the_bridges_and_underpasses_at_its_water_and_no_others(by_the_river):
    rows = closed_edges(by_the_river, [danger(0.5, 0.5, 300, HazardKind.FLOOD)])
    assert len(rows) == 2
    closed = int(np.bitwise_or.reduce(by_the_river.flags[rows]))
    assert closed & RoadFlag.BRIDGE
    assert closed & RoadFlag.UNDERPASS
    assert len(closed_edges(by_the_river, [danger(0.5, 0.5, 300, HazardKind.LARGE_FIRE)])) == 0


def test_inland_flood_closes_every_underpass_of_the_city(by_the_river):
    rows = closed_edges(by_the_river, [danger(100, 100, 10, HazardKind.INLAND_FLOOD)])
    assert len(rows) == 2
    assert all(one & RoadFlag.UNDERPASS for one in by_the_river.flags[rows])


def test_without_orders_nothing_is_closed(grid):
    assert closed_edges(grid, []).tolist() == []
    assert nothing_closed(grid).is_empty


def test_the_search_for_one_set_of_orders_does_not_hold_up_another(walking, monkeypatch):
    drill, live = danger(1, 1, 100), danger(4, 4, 100)
    visitor = people((2, 2, Pace.SLOW, 0))

    def ways_of(dangers: list[Danger]) -> np.ndarray:
        return figures(walking.ways(visitor, dangers, SITES), 1)

    ways_of([])
    searching, may_end = threading.Event(), threading.Event()
    prepare = NetworkWalks.prepare

    def slow_for_the_drill(walks: NetworkWalks, to_xy_m: np.ndarray) -> None:
        if walks.areas and walks.areas[0].equals(drill.area_xy_m):
            searching.set()
            assert may_end.wait(30)
        prepare(walks, to_xy_m)

    monkeypatch.setattr(NetworkWalks, "prepare", slow_for_the_drill)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(ways_of, [drill])
        try:
            assert searching.wait(30)
            other = threads.submit(ways_of, [live])
            assert np.isfinite(other.result(timeout=20)).all()
            assert not one.done()
        finally:
            may_end.set()
        assert np.isfinite(one.result(timeout=20)).all()


def test_a_visitor_waits_for_no_tables_made_for_crowds(walking, monkeypatch):
    monkeypatch.setattr(RowWalks, "_made", None)
    visitor = walking.ways(people((4, 1, Pace.UNKNOWN, 0)), [danger(2, 2, 100)], SITES)
    assert np.isfinite(visitor.nearest(np.array([0]), np.array([True, True]), 2).level_m).all()


def test_the_walks_of_a_plan_are_the_same_object_while_nothing_they_hang_on_changed(walking):
    who = people(*[(1, 1, Pace.SLOW, 0)] * 30)
    places, fire = walking.places_of(who), danger(2, 2, 100, key="a:1")
    first = walking.ways(who, [fire], SITES, places)
    assert walking.ways(who, [danger(2, 2, 100, key="a:2")], SITES.copy(), places) is first
    assert walking.ways(who, [], SITES, places) is not first
    assert walking.ways(who, [fire], SITES[:1], places) is not first
    assert walking.ways(replace(who, needs=who.needs + np.uint8(1)), [fire], SITES, places) is not first


def test_two_sides_with_other_sites_have_their_own_figures_and_search_once_each(walking, monkeypatch):
    fire, visitor = danger(2, 2, 100), people((4, 1, Pace.SLOW, 0))
    lists = [SITES, SITES[::-1].copy()]
    expected = [figures(walking.ways(visitor, [fire], one), 1) for one in lists]
    assert expected[0].tolist() == expected[1][:, ::-1].tolist()
    monkeypatch.setattr(NetworkWalks, "_fresh_ways", None)
    with ThreadPoolExecutor(2) as threads:
        asked = [
            threads.submit(lambda n: figures(walking.ways(visitor, [fire], lists[n % 2]), 1), n)
            for n in range(40)
        ]
        for n, one in enumerate(asked):
            assert one.result(timeout=30).tolist() == expected[n % 2].tolist()


def test_only_a_few_sets_of_orders_are_remembered(walking):
    drafts = [danger(2, 2, 100 + n) for n in range(KEPT_DANGERS + 1)]
    held = [walking.around([one], foot) for one in drafts for foot in walking.feet]
    assert walking.around([drafts[-1]], walking.feet[-1]) is held[-1]
    assert walking.around([drafts[0]], FEET[0]) is not held[0]
    assert KEPT_DANGERS <= 3
