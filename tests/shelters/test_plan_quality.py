"""Seats are shared out as well as they can be: beside every way of doing it, and beside the flow of single persons."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plan_optimum import quality_of, seconds_per_metre
from shelters import groups
from shelters.model import Action, Opening, ReasonCode, SiteStatus
from shelters.occupancy import seats_left
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.triage import ACTION_ROW
from tests.shelters.random_city import city
from tests.shelters.test_seats import told
from tests.shelters.town import NOW_S, level, people, planned, problem, site, site_ids


def quality(made: Plan):
    sites = len(made.problem.sites)
    return quality_of(
        made, made.problem.sites.stay_seats, np.ones(sites, dtype=bool), np.zeros((len(made), sites))
    )


def cost_of(made: Plan) -> float:
    seated = made.site >= 0
    walk_m = made.ways.efforts(made.start[seated], made.site[seated])
    return float((walk_m * seconds_per_metre(made)[seated]).sum())


def cheapest_of_all(made: Plan) -> tuple[int, float]:
    """By trying everything, single persons: (how many have no seat, the least weighted seconds of the others)."""
    seats, rows = made.problem.sites.stay_seats, len(made)
    every = np.tile(np.arange(len(seats)), (rows, 1))
    seconds = made.ways.efforts(made.start, every) * seconds_per_metre(made)[:, None]
    best = (rows + 1, np.inf)
    for choice in product(range(-1, len(seats)), repeat=rows):
        taken = np.bincount([one for one in choice if one >= 0], minlength=len(seats))
        if (taken <= seats).all():
            walked = sum(seconds[n, one] for n, one in enumerate(choice) if one >= 0)
            best = min(best, (choice.count(-1), float(walked)))
    return best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 6), st.integers(1, 3), st.sampled_from([0.7, 1.0, 1.4]))
def test_no_way_of_seating_single_persons_is_better(seed, places, sites, seats):
    made = plan(city(places, sites, seed, seats=seats, parties=False))
    without, seconds = cheapest_of_all(made)
    assert int((made.site < 0).sum()) == without
    if without:  # then who walks slowest comes first, however far the others would have had to go
        weight = seconds_per_metre(made)
        assert weight[made.site < 0].max() <= weight[made.site >= 0].min(initial=np.inf) + 1e-9
    else:  # the flow counts whole seconds, so it may miss the least by half of one for each person
        assert cost_of(made) <= seconds + len(made)


@pytest.mark.parametrize(("places", "sites", "seats"), [(300, 8, 1.3), (2_000, 30, 1.05), (9_000, 30, 1.3)])
@pytest.mark.parametrize("seed", [1, 2])
def test_households_walk_at_most_a_fiftieth_more_than_persons_parted_at_will(places, sites, seats, seed):
    found = quality(plan(city(places, sites, seed, seats=seats)))
    assert found.ratio <= 1.02
    assert found.ours_unseated == found.optimum_unseated == 0
    assert found.ours_beyond == 0 < found.baseline_beyond


def test_many_rows_are_planned_in_groups_and_few_each_alone():
    many, few = plan(city(9_000, 10, 3)), plan(city(500, 10, 3))
    assert len(many.workings.found("groups")) <= groups.MOST_GROUPS < len(many)
    assert len(few.workings.found("groups")) == len(few)


def test_without_enough_seats_whole_households_go_without_and_their_number_is_told():
    made = plan(city(800, 10, 4, seats=0.6))
    persons = made.problem.people.persons[made.row]
    without = made.site < 0
    assert made.overflow_persons == int(persons[without].sum()) > 0
    left = made.problem.sites.stay_seats - made.expected
    assert (left >= 0).all() and left.max() < persons[without].min()


def test_a_party_stands_beyond_the_seats_only_where_that_is_asked_for():
    who, sites = people([(100, 0)] * 2, persons=[4, 4]), {(-100.0, 0.0): site("a", seats=5)}
    given_problem = problem(who, sites, [level(4)])
    strict = plan(given_problem)
    assert sorted(site_ids(strict)) == ["", "a"] and not len(strict.beyond)
    asked = plan(replace(given_problem, rules=replace(given_problem.rules, party_beyond=True)))
    assert site_ids(asked) == ["a", "a"] and asked.beyond.tolist() == [0]
    assert asked.overflow_persons == 3


def shuffled(given_problem: PlanInput, order: np.ndarray) -> PlanInput:
    who = given_problem.people
    moved = {name: getattr(who, name)[order] for name in who.__dataclass_fields__}
    return replace(given_problem, people=replace(who, **moved))


@pytest.mark.parametrize("places", [400, 9_000])
def test_the_order_of_the_rows_decides_nothing(places):
    given_problem = city(places, 12, 5)
    order = np.random.default_rng(1).permutation(places)
    plain, other = plan(given_problem), plan(shuffled(given_problem, order))
    site = np.full(places, -1)
    site[plain.row] = plain.site
    again = np.full(places, -1)
    again[order[other.row]] = other.site
    assert (site == again).all()
    assert (plain.expected == other.expected).all()


def test_slow_households_are_nearer_than_others_of_the_same_street():
    given_problem = city(3_000, 12, 6, seats=1.05)
    made = plan(given_problem)
    slow = given_problem.people.pace[made.row] == 2
    fast = given_problem.people.pace[made.row] == 1
    assert made.walk_m[slow].mean() < made.walk_m[fast].mean()


def test_the_nearest_site_guidance_is_told_beside_the_plan():
    sites = {(-100.0, 0.0): site("a", seats=1), (-500.0, 0.0): site("b", seats=9)}
    made = planned(people([(100, 0)] * 3), sites, [level(4)])
    assert sorted(site_ids(made)) == ["a", "b", "b"]
    assert made.baseline_site.tolist() == [0, 0, 0] and made.baseline_m.tolist() == [200.0] * 3
    assert made.expected.tolist() == [1, 2]


def test_second_and_third_choices_have_seats_left():
    sites = {(-100.0 * n, 0.0): site(f"s{n}", seats=seats) for n, seats in ((1, 2), (2, 1), (3, 5), (4, 5))}
    made = planned(people([(100, 0)] * 2, persons=[2, 1]), sites, [level(4)])
    assert site_ids(made) == ["s1", "s2"]
    names = [one.site_id for one in made.problem.sites.sites]
    assert [names[one] for one in made.alternate] == ["s3", "s3"]
    assert [names[one] for one in made.third] == ["s4", "s4"]


def test_residents_without_a_phone_take_seats_and_are_told_nothing():
    sites = {(-100.0, 0.0): site("a", seats=3), (-500.0, 0.0): site("b", seats=9)}
    made = planned(people([(100, 0)] * 3, persons=[2, 2, 2]), sites, [level(4)], owner=[-1, 0, -1])
    assert len(made) == 3 and [one.owner for one in made.decisions()] == [0]
    assert made.expected.tolist() == [2, 4]


def test_who_arrived_at_a_site_that_failed_is_sent_on_from_there():
    sites = {(-2000.0, 0.0): site("a"), (-2300.0, 0.0): site("b"), (-100.0, 0.0): site("c", seats=0)}
    failed = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE)}
    arrived = told([0], arrived_s=[NOW_S - 60])
    made = planned(people([(100, 0)]), sites, [level(4)], statuses=failed, told=arrived)
    assert site_ids(made) == ["b"] and made.walk_m.tolist() == [300.0]
    assert made.action.tolist() == [ACTION_ROW[Action.GO]]


def test_a_report_that_grows_old_sends_nobody_on_and_nobody_new_there():
    sites = {(-100.0, 0.0): site("a", seats=10), (-500.0, 0.0): site("b", seats=100)}
    who = people([(100, 0)] * 3, persons=[5, 3, 2])
    given_problem = problem(who, sites, [level(4)], told=told([0, 0, -1]), now_s=NOW_S + 600)
    long_ago = replace(given_problem, event_began_s=NOW_S - 20_000)
    assert site_ids(plan(given_problem)) == ["a", "a", "a"]
    assert site_ids(plan(long_ago)) == ["a", "a", "b"]
    assert seats_left(np.array([10]), np.array([-1]), 0.0).tolist() == [10]


def test_nobody_is_sent_farther_than_the_longest_walk_and_hears_of_the_nearest_site():
    sites = {(-400.0, 0.0): site("near", seats=1), (-2900.0, 0.0): site("far", seats=9)}
    given_problem = problem(people([(100, 0)] * 2), sites, [level(4)])
    near_only = replace(given_problem, rules=replace(given_problem.rules, max_walk_s=1_000.0))
    assert sorted(site_ids(plan(given_problem))) == ["far", "near"]
    made = plan(near_only)
    assert sorted(site_ids(made)) == ["", "near"]
    (left_out,) = [one for one in made.decisions() if one.site < 0]
    assert left_out.alternate == 1 and ReasonCode.NO_SEATS_LEFT in left_out.reasons


def test_the_longest_walk_takes_nobodys_nearest_site_away():
    sites = {(-400.0, 0.0): site("near", seats=9), (-2900.0, 0.0): site("far", seats=9)}
    given_problem = problem(people([(100, 0), (2_000, 0)]), sites, [level(4)])
    made = plan(replace(given_problem, rules=replace(given_problem.rules, max_walk_s=300.0)))
    assert site_ids(made) == ["near", "near"] and made.walk_m.tolist() == [500.0, 2_400.0]
    assert made.alternate.tolist() == [-1, -1]


def test_who_was_told_a_farther_site_keeps_it():
    sites = {(-400.0, 0.0): site("near", seats=1), (-2900.0, 0.0): site("far", seats=9)}
    given_problem = problem(people([(100, 0)] * 2), sites, [level(4)], told=told([0, 1]))
    rules = replace(given_problem.rules, max_walk_s=1_000.0)
    assert site_ids(plan(replace(given_problem, rules=rules))) == ["far", "near"]
