"""What HQ sees before an order leaves: residents beside subscribers, heads against seats, what opening would bring."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.hazards import HazardKind as H
from shelters.errors import LengthsDiffer
from shelters.hand import Hand
from shelters.model import Opening, SiteStatus
from shelters.opening_gains import Demand, compare_openings, opening_gains
from shelters.planning import plan
from shelters.preview import (
    NOBODY,
    Residents,
    is_walking,
    loads,
    nearest_guidance,
    shared_out,
    split,
    ways_of,
    with_residents,
)
from shelters.quotas import NO_SITE
from shelters.ways import StraightWays
from shelters.ways_joined import JoinedWays
from tests.shelters.town import NOW_S, RULES, level, people, problem, site, tsunami

INLAND_A, INLAND_B, INLAND_C = (-500.0, 0.0), (-900.0, 0.0), (-600.0, 0.0)


def town(who, *, closed=(), seats=(100, 100, 100), **extra):
    sites = {
        INLAND_A: site("A", seats=seats[0]),
        INLAND_B: site("B", seats=seats[1]),
        INLAND_C: site("C", seats=seats[2]),
    }
    statuses = {one: SiteStatus(site_id=one, opening=Opening.CLOSED) for one in closed}
    return problem(who, sites, [level(4)], statuses=statuses, **extra)


def residents(*parties):
    """(x, y, persons)"""
    return Residents(
        xy_m=np.array([one[:2] for one in parties], dtype=np.float64).reshape(-1, 2),
        persons=np.array([one[2] for one in parties], dtype=np.int64),
    )


# ---- residents counted in ----------------------------------------------------------------------------


def test_residents_take_seats_beside_subscribers_and_are_nobodys():
    given_problem = with_residents(
        town(people([(100, 0)], persons=[4])), residents((120, 0, 30), (140, 0, 20))
    )
    made = plan(given_problem)
    found = loads(made, stay=True)
    assert given_problem.owner.tolist() == [0, NOBODY, NOBODY]
    assert [one.owner for one in made.decisions()] == [0]
    assert found.subscribers.tolist() == [4, 0, 0]
    assert found.residents.sum() == 50
    assert is_walking(made).sum() == 3


def test_seats_that_do_not_do_for_everybody_show_as_people_beyond_them():
    made = plan(with_residents(town(people([(100, 0)], persons=[4])), residents(*[(120, 0, 40)] * 5)))
    nearest = nearest_guidance(made, stay=True)
    assert nearest.subscribers.tolist() == [4, 0, 0] and nearest.residents.tolist() == [200, 0, 0]
    assert nearest.beyond.tolist() == [104, 0, 0]
    assert loads(made, stay=True).beyond.sum() < 104


def test_heads_that_were_there_before_anybody_was_sent_are_not_this_orders_excess():
    full = {"A": SiteStatus(site_id="A", present_persons=130)}
    sites = {INLAND_A: site("A", seats=100)}
    made = plan(problem(people([(100, 0)], persons=[4]), sites, [tsunami()], statuses=full))
    found = nearest_guidance(made, stay=False)
    assert found.present.tolist() == [130]
    assert found.beyond.tolist() == [int(found.subscribers[0])]


def test_what_is_known_of_subscribers_stays_theirs_and_nothing_is_known_of_residents():
    before = replace(
        town(people([(100, 0), (200, 0)])),
        visitor=np.array([True, False]),
        welfare=np.array([1, -1]),
        town=np.array([3, 4], dtype=np.int32),
        blur_m=np.array([0.0, 180.0]),
    )
    after = with_residents(before, residents((300, 0, 7)))
    assert after.visitor is not None and after.visitor.tolist() == [True, False, False]
    assert after.welfare is not None and after.welfare.tolist() == [1, -1, -1]
    assert after.town is not None and after.town.tolist() == [3, 4, -1]
    assert after.blur_m is not None and after.blur_m.tolist() == [0.0, 180.0, 0.0]
    assert after.people.floor[2] == 0 and after.told.site[2] == -1


def test_residents_of_other_length_than_their_places_are_refused():
    with pytest.raises(LengthsDiffer):
        with_residents(
            town(people([(0, 0)])), Residents(xy_m=np.zeros((2, 2)), persons=np.ones(1, dtype=np.int64))
        )


@given(st.lists(st.integers(0, 400), max_size=20), st.integers(1, 60))
def test_parties_are_small_and_together_everybody(persons, at_most):
    row, parts = split(np.array(persons, dtype=np.int64), at_most)
    assert (parts >= 1).all() and (parts <= at_most).all()
    assert np.bincount(row, weights=parts, minlength=len(persons)).tolist() == persons


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_what_is_shared_out_adds_up_and_follows_the_weights(total, weights):
    parts = shared_out(total, np.array(weights))
    assert parts.sum() == total and (parts >= 0).all()
    if sum(weights) > 0:
        exact = total * np.array(weights) / sum(weights)
        assert (np.abs(parts - exact) < 1 + 1e-6 * total).all()


def test_with_nothing_to_go_by_the_first_takes_all():
    assert shared_out(5, np.zeros(3)).tolist() == [2, 2, 1]
    assert shared_out(5, np.zeros(0)).tolist() == []


# ---- joined walks ------------------------------------------------------------------------------------

POINTS = st.lists(st.tuples(st.integers(-2000, 2000), st.integers(-2000, 2000)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(POINTS, POINTS, POINTS.filter(len), st.data())
def test_joined_walks_are_those_of_one_list(first, second, sites, data):
    one, two, there = (np.array(xy, dtype=np.float64).reshape(-1, 2) for xy in (first, second, sites))
    whole = StraightWays(np.concatenate([one, two]), there, 1.5)
    joined = JoinedWays(
        StraightWays(one, there, 1.5),
        StraightWays(two, there, 1.5),
        places=(len(one), len(two)),
        sites=len(there),
    )
    count = len(one) + len(two) + len(there)
    starts = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=10)), dtype=np.int64)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(there), max_size=len(there))))
    ours, theirs = joined.nearest(starts, allowed, 2), whole.nearest(starts, allowed, 2)
    assert ours.site.tolist() == theirs.site.tolist() and ours.level_m.tolist() == theirs.level_m.tolist()
    asked = ours.site
    assert joined.efforts(starts, asked).tolist() == whole.efforts(starts, asked).tolist()
    level_m = whole.efforts(starts, asked[:, 0])
    assert joined.efforts(starts, asked[:, 0]).tolist() == level_m.tolist()
    assert joined.lengths(starts, asked[:, 0], level_m).tolist() == level_m.tolist()
    assert joined.about(starts, asked[:, 0]).all()


# ---- which closed site would help --------------------------------------------------------------------


def test_opening_a_site_seats_those_who_have_none_by_hand():
    # 150 persons, 100 seats at A; C (60 seats) and B (100) are closed: B would seat all 50 of the others, C too,
    # and C lies nearer.
    who = people([(100, 0)] * 15, persons=[10] * 15)
    found = opening_gains(plan(town(who, closed=("B", "C"), seats=(100, 100, 60))), stay=True)
    assert (found.persons, found.seated) == (150, 100)
    assert [(one.site, one.more) for one in found.gains] == [(2, 50), (1, 50)]
    assert found.gains[0].mean_walk_s < found.gains[1].mean_walk_s
    assert found.gains[0].seats == 60 and found.mean_walk_s == pytest.approx(600)


def test_a_nearer_closed_site_saves_walking_where_seats_suffice():
    found = opening_gains(plan(town(people([(0, 0)], persons=[10]), closed=("A",))), stay=True)
    (gain,) = found.gains
    assert (gain.site, gain.more, gain.saved_s) == (0, 0, 10 * 100)


def test_a_farther_closed_site_and_one_that_is_broken_bring_nothing():
    found = opening_gains(plan(town(people([(0, 0)], persons=[10]), closed=("B",))), stay=True)
    assert found.gains == ()
    sites = {INLAND_A: site("A"), INLAND_B: site("B")}
    broken = {"A": SiteStatus(site_id="A", opening=Opening.UNUSABLE)}
    made = plan(problem(people([(0, 0)]), sites, [level(4)], statuses=broken))
    assert opening_gains(made, stay=True).gains == ()


def test_a_closed_site_unfit_or_in_danger_is_never_asked_for():
    sites = {
        INLAND_A: site("A", hazards=frozenset({H.TSUNAMI})),
        (50.0, 0.0): site("I"),
        INLAND_B: site("Z", seats=0),
    }
    shut = {one: SiteStatus(site_id=one, opening=Opening.CLOSED) for one in ("A", "I", "Z")}
    found = opening_gains(plan(problem(people([(0, 0)]), sites, [level(4)], statuses=shut)), stay=True)
    assert (found.persons, found.seated, found.gains) == (1, 0, ())


def test_a_closed_site_beyond_the_longest_walk_is_not_asked_for():
    far = replace(
        town(people([(0, 0)], persons=[10]), closed=("A", "B", "C")), rules=replace(RULES, max_walk_s=550.0)
    )
    found = opening_gains(plan(far), stay=True)
    assert [one.site for one in found.gains] == [0]  # 500 s away; the others are 600 and 900


def test_what_is_not_opened_first_in_rain_is_asked_for_too():
    sites = {INLAND_A: site("A", not_first_in_rain=True), INLAND_B: site("B")}
    found = opening_gains(plan(problem(people([(0, 0)]), sites, [level(4)])), stay=True)
    assert [(one.site, one.more) for one in found.gains] == [(0, 0)]


def test_a_hall_that_waits_for_its_building_check_is_asked_for_after_strong_shaking():
    given_problem = replace(town(people([(0, 0)], persons=[10])), hand=Hand(shaken_at_s=NOW_S - 600))
    found = opening_gains(plan(given_problem), stay=True)
    assert found.seated == 0
    assert [(one.site, one.more) for one in found.gains] == [(0, 10), (2, 10), (1, 10)]


def test_nobody_in_danger_needs_nothing():
    found = opening_gains(plan(town(people([(9000, 0)]), closed=("A",))), stay=True)
    assert (found.persons, found.seated, found.mean_walk_s, found.gains) == (0, 0, 0.0, ())


@st.composite
def demands(draw):
    groups, sites = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    choice = [draw(st.permutations(range(sites)))[:3] for _ in range(groups)]
    width = max(len(one) for one in choice)
    rows = [[*one, *[NO_SITE] * (width - len(one))] for one in choice]
    number = st.integers(0, 5000)
    return (
        Demand(
            persons=np.array(draw(st.lists(st.integers(1, 50), min_size=groups, max_size=groups))),
            choice=np.array(rows),
            walk_s=np.array([[draw(number) for _ in range(width)] for _ in range(groups)]),
        ),
        np.array(draw(st.lists(st.integers(0, 60), min_size=sites, max_size=sites))),
    )


@settings(max_examples=100, deadline=None)
@given(demands(), st.data())
def test_opening_a_site_never_lowers_who_is_seated_and_saves_only_what_was_walked(given_demand, data):
    demand, seats = given_demand
    closed = data.draw(st.sets(st.integers(0, len(seats) - 1), min_size=1))
    now = np.where(np.isin(np.arange(len(seats)), list(closed)), 0, seats)
    found = compare_openings(demand, now, seats, sorted(closed))
    assert found.seated <= min(found.persons, int(now.sum()))
    for one in found.gains:
        assert one.more >= 0 and one.site in closed
        assert found.seated + one.more <= min(found.persons, int(now.sum() + seats[one.site]))
        assert one.saved_s <= found.mean_walk_s * found.seated + 1
    assert list(found.gains) == sorted(
        found.gains, key=lambda one: (-one.more, -one.saved_s, one.mean_walk_s, one.site)
    )


def test_people_who_stand_at_a_straight_line_walk_as_the_rules_say():
    given_problem = town(people([(0, 0)]))
    found = ways_of(given_problem).efforts(np.array([0]), np.array([0]))
    assert found.tolist() == [500.0]
    assert given_problem.now_s == NOW_S and given_problem.rules is RULES
