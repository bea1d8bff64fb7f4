"""The benchmark of plans runs at any size, and its figures are what they are said to be."""

import numpy as np
import pytest

from benchmarks import plan as benchmark
from benchmarks.geo_city import City, made_roads
from benchmarks.plan_city import PlanSize, plan_problem, told_by, with_heads
from geodata.network import build
from shelters.planning import plan


@pytest.fixture(scope="module")
def city() -> City:
    network, _ = build(made_roads(60))
    return City(network, (), "a made city")


SMALL = PlanSize(2_000, sites=40, vertices=300, radius_m=1_000.0)


def test_the_made_city_has_people_inside_and_seats_for_all_who_leave(city):
    problem = plan_problem(city.network, SMALL)
    made = plan(problem)
    assert 0 < len(made) < 2_000
    dry = problem.sites.stay_seats[np.unique(made.site[made.site >= 0])]
    assert dry.sum() >= made.problem.people.persons[made.row[made.site >= 0]].sum()


def test_who_has_heard_the_plan_keeps_it_and_one_count_concerns_few(city):
    made = plan(plan_problem(city.network, SMALL))
    heard = told_by(made)
    again = plan(heard, made)
    assert (again.site == made.site).all()
    busiest = int(made.expected.argmax())
    counted = plan(with_heads(heard, busiest, int(made.expected[busiest])), again)
    assert ((counted.site != made.site) <= (made.site == busiest)).all()


def test_the_weight_counts_each_array_once(city):
    made = plan(plan_problem(city.network, SMALL))
    weight = benchmark.weight(made.problem, made)
    assert made.problem.people.xy_m.nbytes < weight < 2_000 * 2_000
    shared = benchmark.weight(made.problem, made)
    assert shared == weight


def test_rows_are_made_for_a_small_city_and_not_judged(city):
    size = benchmark.Size(places=2_000, repeats=1)
    problem = plan_problem(city.network, SMALL)
    said: list[str] = []
    rows = benchmark.plan_rows("straight lines", problem, size, said.append, 1.0)
    assert [one.met for one in rows] == [None] * 4 and all(one.ours > 0 for one in rows)
    assert rows[0].ratio is not None and said


@pytest.mark.parametrize("flag", ["--places", "--repeats"])
def test_a_senseless_size_is_named(flag, capsys):
    assert benchmark.main([flag, "0"]) == 2
    assert flag in capsys.readouterr().err


def test_quality_is_measured_beside_the_optimum(city):
    found = benchmark.quality(city, SMALL)
    assert 1.0 - 1e-6 <= found.ratio <= 1.05
    assert found.ours_beyond == 0
