"""What an explanation says agrees with the plan, and no nearer site goes without a reason."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
from hypothesis import given, settings
from shapely import box

from geodata.hazards import HazardKind
from shelters.explain import NEAREST, explain
from shelters.explanation import Explanation, SiteSeen, Why
from shelters.hand import Hand
from shelters.ledger import Told, nobody_told
from shelters.model import Action, Facet, Opening, Pace, SiteStatus
from shelters.plan import PlanInput
from shelters.planning import plan
from shelters.refusals import Refusal
from shelters.sites import HAZARD_COLUMN
from shelters.triage import ACTION_ROW
from tests.shelters.test_what_must_always_hold import a_problem
from tests.shelters.town import NOW_S, level, people, problem, site, tsunami

HOME = (1000.0, 0.0)


def told_first(given_problem: PlanInput) -> Explanation:
    return explain(plan(given_problem), 0)


def seen(found: Explanation, site_id: str) -> SiteSeen:
    return next(one for one in found.nearest if one.site_id == site_id)


@settings(max_examples=60, deadline=None)
@given(a_problem())
def test_the_explained_site_is_the_plans_and_every_nearer_one_has_a_reason(given_problem):
    made = plan(given_problem)
    for n in range(len(made)):
        found, said = explain(made, n), made.decision(n)
        named = [one.site_id for one in made.problem.sites.sites]
        assert found.action is said.action and found.reasons == said.reasons and found.row == said.row
        assert (found.chosen is None) == (said.site < 0)
        if found.chosen is not None:
            assert found.chosen.site_id == named[said.site] and found.chosen.why is Why.CHOSEN
            assert (found.chosen.walk_m, found.chosen.walk_s) == (said.walk_m, said.walk_s)
            assert found.chosen.verdict in ("fit", "upstairs")
        assert len(found.nearest) >= min(NEAREST, len(named))
        walks = [one.walk_s for one in found.nearest if one.walk_s >= 0]
        assert walks == sorted(walks)
        assert found.chosen is None or found.chosen in found.nearest
        chosen_s = found.chosen.walk_s if found.chosen is not None else -1
        for one in found.nearest:
            assert one.is_alternate == (said.alternate >= 0 and one.site_id == named[said.alternate])
            assert one.nearer or not 0 <= one.walk_s < chosen_s
            if one.nearer:
                assert one.why not in (Why.CHOSEN, Why.FARTHER, Why.AT_HOME), one
        if found.baseline is not None:
            assert found.baseline.verdict in ("fit", "upstairs")


@settings(max_examples=60, deadline=None)
@given(a_problem())
def test_nobody_leaving_in_time_passes_a_site_with_room_for_no_reason(given_problem):
    """Nothing but the seats of others, or an earlier message, keeps a household from a nearer site it may go to."""
    made = plan(replace(given_problem, told=nobody_told(len(given_problem.people))))
    for n in range(len(made)):
        found = explain(made, n)
        if found.action is not Action.GO:
            continue
        for one in found.nearest:
            if one.nearer and one.why is Why.OTHERS:
                assert one.seats.newly > 0


def test_where_seats_are_short_every_nearer_site_is_full_and_the_seats_given_prove_it():
    rng = np.random.default_rng(11)
    who = people([(float(x), float(y)) for x, y in rng.uniform(200, 2500, (240, 2))], persons=[2] * 240)
    sites = {(-100.0, 300.0 * n): site(f"s{n}", seats=30) for n in range(10)}
    sites |= {(-4000.0, 0.0): site("z-large", seats=1000)}
    made = plan(problem(who, sites, [level(4)]))
    passed = 0
    for n in range(len(made)):
        for one in explain(made, n).nearest:
            if one.nearer:
                assert one.why in (Why.FULL, Why.OTHERS), one
                assert one.seats.newly >= 28 and one.seats.newly + one.seats.room == one.seats.seats
                passed += 1
    assert passed > 1000
    assert made.decision(0).site >= 0


def test_an_explanation_is_plain_values_that_any_program_can_read():
    found = told_first(
        problem(people([HOME]), {(-100.0, 0.0): site("a"), (-900.0, 0.0): site("b")}, [level(4)])
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Explanation) == found


def test_a_closed_a_private_and_a_full_site_are_each_named_with_their_cause():
    who = people([HOME, HOME, HOME], persons=[2, 2, 2])
    sites = {
        (900.0, 0.0): site("a-closed"),
        (800.0, 0.0): site("b-private", restricted="高齢者"),
        (-100.0, 0.0): site("c-full", seats=1),
        (-900.0, 0.0): site("d-chosen"),
        (-5000.0, 0.0): site("e-far"),
    }
    statuses = {"a-closed": SiteStatus(site_id="a-closed", opening=Opening.CLOSED)}
    found = told_first(problem(who, sites, [level(4, area=box(0, -500, 3000, 500))], statuses=statuses))
    assert found.chosen is not None and found.chosen.site_id == "d-chosen"
    assert seen(found, "b-private").why is Why.NOT_PUBLIC
    assert seen(found, "a-closed").why in (Why.CLOSED, Why.IN_AREA)
    full = seen(found, "c-full")
    assert full.why is Why.FULL and full.nearer and full.seats.room < 2
    assert seen(found, "e-far").why is Why.FARTHER and not seen(found, "e-far").nearer
    assert found.baseline is not None and found.baseline.site_id == "c-full"


def test_what_the_city_does_not_open_first_in_rain_is_not_called_closed_and_what_is_unfit_says_for_what():
    sites = {
        (-100.0, 0.0): site("a-later", not_first_in_rain=True),
        (-200.0, 0.0): site("b-unfit", hazards=frozenset({HazardKind.EARTHQUAKE})),
        (-300.0, 0.0): site("c-chosen"),
    }
    found = told_first(problem(people([HOME]), sites, [level(4)]))
    assert found.chosen is not None and found.chosen.site_id == "c-chosen"
    assert seen(found, "a-later").why is Why.NOT_IN_RAIN
    assert (seen(found, "b-unfit").why, seen(found, "b-unfit").lacks) == (Why.UNFIT, ("flood",))
    assert found.chosen.lacks == ()


def test_hqs_exclusion_is_told_with_hqs_own_words():
    given_problem = problem(people([HOME]), {(-100.0, 0.0): site("a"), (-900.0, 0.0): site("b")}, [level(4)])
    found = told_first(replace(given_problem, hand=Hand(excluded={"a": "校庭が陥没"})))
    assert found.chosen is not None and found.chosen.site_id == "b"
    assert (seen(found, "a").why, seen(found, "a").detail) == (Why.EXCLUDED, "校庭が陥没")


def test_under_a_wave_what_lies_seaward_and_what_is_inside_is_said_so():
    sites = {
        (1200.0, 0.0): site("tower", floors={HazardKind.TSUNAMI: 3}),
        (3200.0, 0.0): site("pier"),
        (-200.0, 0.0): site("school"),
    }
    found = told_first(problem(people([HOME]), sites, [tsunami(arrives_in_s=7200)]))
    assert found.action is Action.GO and found.chosen is not None and found.chosen.site_id == "school"
    assert found.left_s == 7200
    assert seen(found, "tower").why in (Why.SEAWARD, Why.OUT_FIRST) and seen(found, "tower").nearer
    assert seen(found, "pier").why is Why.SEAWARD


def test_who_walks_inland_or_stays_upstairs_is_told_that_no_site_is_the_answer():
    sites = {(-2900.0, 0.0): site("school")}
    inland = told_first(problem(people([HOME]), sites, [tsunami(arrives_in_s=7200)]))
    assert inland.action is Action.INLAND and inland.chosen is None and inland.inland_m >= 1000
    assert seen(inland, "school").why is Why.FAR
    late = told_first(problem(people([HOME]), sites, [level(5)]))
    assert late.action is Action.UP and seen(late, "school").why is Why.AT_HOME


def test_a_floor_above_rising_water_counts_twice_and_the_explanation_says_so():
    sites = {
        (1400.0, 0.0): site("upstairs", floors={HazardKind.FLOOD: 2}),
        (-200.0, 0.0): site("outside"),
    }
    area = box(200, -500, 3000, 500)
    found = told_first(problem(people([(800.0, 0.0)]), sites, [level(4, area=area)]))
    assert found.chosen is not None and found.chosen.site_id == "outside"
    assert seen(found, "upstairs").why is Why.UPSTAIRS and seen(found, "upstairs").is_alternate


def test_a_household_on_its_way_keeps_its_site_though_another_is_a_little_nearer():
    told = Told(
        site=np.array([1]),
        action=np.array([ACTION_ROW[Action.GO]], dtype=np.int8),
        decided_s=np.array([NOW_S - 60]),
        walk_s=np.array([1100.0]),
        arrived_s=np.array([np.nan]),
        declined=np.array([False]),
        hazard=np.array([HAZARD_COLUMN[HazardKind.FLOOD]], dtype=np.int8),
    )
    sites = {(-100.0, 0.0): site("a"), (-150.0, 0.0): site("b")}
    given_problem = problem(people([HOME], pace=Pace.SLOW), sites, [level(4)], told=told)
    found = told_first(given_problem)
    assert found.chosen is not None and found.chosen.site_id == "b" and found.told_before == "b"
    assert found.told_before_name == found.chosen.name
    assert seen(found, "a").why is Why.KEPT


def test_what_is_needed_of_a_site_is_said_of_each():
    who = people([HOME])
    who = replace(who, needs=np.array([int(Facet.STEP_FREE)], dtype=np.uint8))
    lacks = replace(site("a"), step_free=False)
    has = replace(site("b"), step_free=True)
    found = told_first(problem(who, {(-100.0, 0.0): lacks, (-200.0, 0.0): has}, [level(4)]))
    assert (seen(found, "a").facilities, seen(found, "b").facilities) == ("missing", "has")
    assert found.chosen is not None and found.chosen.site_id == "b"
    assert seen(found, "a").why is Why.FACILITY


def test_every_refusal_of_the_rules_has_its_place_among_the_reasons():
    assert {one.value for one in Refusal} <= {one.value for one in Why}


def test_a_site_beyond_the_longest_walk_is_said_to_be_too_far_though_it_has_seats():
    sites = {(-100.0, 0.0): site("a-full", seats=0), (-900.0, 0.0): site("b-far")}
    given_problem = problem(people([(100.0, 0.0)]), sites, [level(4)])
    found = told_first(replace(given_problem, rules=replace(given_problem.rules, max_walk_s=600.0)))
    assert found.action is Action.GO and found.chosen is None
    assert (seen(found, "a-full").why, seen(found, "b-far").why) == (Why.FULL, Why.TOO_FAR)
    assert seen(found, "b-far").seats.room > 0
