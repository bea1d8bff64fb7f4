"""A simulation on streets: people walk round the blocks, whoever guides them; without imports there are no streets."""

from dataclasses import asdict, replace

import pytest
import shapely.affinity

from bosai.services.walking import Walking
from bosai.settings import load_settings
from bosai.simulation.ground import SimulationGround, open_ground
from shelters.pace import StraightLine
from shelters.simulate.run import simulate
from tests.geodata.drawn_network import grid
from tests.shelters.made_city import made_city

SIDE, STEP_M = 26, 200.0


@pytest.fixture(scope="module")
def streets() -> SimulationGround:
    settings = load_settings(None, {}, {})
    return SimulationGround(population=None, walking=Walking(grid(SIDE, SIDE, STEP_M), settings))


def test_on_a_lattice_nobody_walks_less_than_the_straight_line_and_the_same_seed_is_the_same_day(streets):
    scenario, city = made_city(1, households=60, minutes=40)
    middle = (SIDE - 1) * STEP_M / 2
    city = replace(city, home_xy_m=city.home_xy_m + middle, site_xy_m=city.site_xy_m + middle)
    moved = [
        replace(one, area_xy_m=shapely.affinity.translate(one.area_xy_m, middle, middle))
        for one in scenario.orders
    ]
    rules = replace(scenario.rules, walks=StraightLine(1.0))
    scenario = replace(scenario, orders=tuple(moved), rules=rules)
    straight = simulate(scenario, city)
    first, again = (simulate(scenario, city, ways_of=streets.ways_of(city)) for _ in range(2))
    assert asdict(first) == asdict(again)
    for on_streets, by_line in ((first.ours, straight.ours), (first.baseline, straight.baseline)):
        assert on_streets.placed > 0
        assert on_streets.walked_m.p50 > by_line.walked_m.p50


def test_without_imports_there_is_no_network_and_no_population(tmp_path):
    ground = open_ground(load_settings(None, {}, {"data.dir": str(tmp_path)}), with_network=True)
    assert ground.walking is None and ground.population is None
