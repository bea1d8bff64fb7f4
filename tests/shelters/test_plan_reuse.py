"""What a plan takes over from the one before: a plan made with it is the plan made without it, to the last bit."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelters.hand import Hand, Pin
from shelters.model import Opening
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.sites import OPENINGS
from shelters.workings import Workings, same
from tests.shelters.random_city import city
from tests.shelters.test_what_must_always_hold import a_problem, told_by
from tests.shelters.town import NOW_S


def assert_the_same(one: Plan, other: Plan) -> None:
    for each in fields(Plan):
        if each.name not in ("problem", "workings"):
            assert same(getattr(one, each.name), getattr(other, each.name)), each.name


def counted(given_problem: PlanInput, site: int, heads: int) -> PlanInput:
    present = given_problem.sites.present_stay.copy()
    present[site] = heads
    at_s = given_problem.counted_at_s.copy()
    at_s[site] = given_problem.now_s
    sites = replace(given_problem.sites, present_stay=present, present_refuge=present)
    return replace(given_problem, sites=sites, counted_at_s=at_s)


def with_door(given_problem: PlanInput, site: int, opening: Opening) -> PlanInput:
    doors = given_problem.sites.opening.copy()
    doors[site] = OPENINGS.index(opening)
    return replace(given_problem, sites=replace(given_problem.sites, opening=doors))


@st.composite
def a_change(draw, given_problem: PlanInput) -> PlanInput:
    """One thing that may happen between two plans."""
    sites = len(given_problem.sites)
    what = draw(
        st.sampled_from(["count", "door", "time", "hand", "fewer dangers", "told", "rules", "nothing"])
    )
    site = draw(st.integers(0, sites - 1)) if sites else -1
    if what == "count" and sites:
        return counted(given_problem, site, draw(st.integers(0, 15)))
    if what == "door" and sites:
        return with_door(given_problem, site, draw(st.sampled_from(list(Opening))))
    if what == "time":
        return replace(given_problem, now_s=given_problem.now_s + draw(st.integers(1, 4000)))
    if what == "hand" and sites:
        name = given_problem.sites.sites[site].site_id
        town = np.zeros(len(given_problem.people), dtype=np.int32)
        hand = Hand(
            excluded={name: "full of smoke"} if draw(st.booleans()) else {},
            pins={"east": Pin(site_id=name, reason="buses")} if draw(st.booleans()) else {},
            redirects_paused="checking" if draw(st.booleans()) else "",
            shaken_at_s=NOW_S if draw(st.booleans()) else None,
        )
        return replace(given_problem, hand=hand, town=town, towns=("east",))
    if what == "fewer dangers":
        return replace(given_problem, dangers=given_problem.dangers[:-1])
    if what == "rules":
        longest = draw(st.sampled_from([400.0, 1_500.0]))
        return replace(given_problem, rules=replace(given_problem.rules, max_walk_s=longest))
    if what == "told":
        return replace(given_problem, told=told_by(plan(given_problem)))
    return replace(given_problem)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_plan_made_after_another_is_the_plan_made_alone(data):
    given_problem = data.draw(a_problem())
    made = plan(given_problem)
    for _ in range(3):
        given_problem = data.draw(a_change(given_problem))
        made = plan(given_problem, made)
        assert_the_same(made, plan(given_problem))


@pytest.mark.parametrize(("seed", "sites"), [(1, 20), (2, 60)])
def test_a_town_in_groups_planned_again_after_each_change_is_the_town_planned_alone(seed, sites):
    given_problem = city(9_000, sites, seed, seats=1.1)
    made = plan(given_problem)
    busiest = int(made.expected.argmax())
    heard = replace(given_problem, told=told_by(made))
    for changed in (
        heard,
        counted(heard, busiest, int(made.expected[busiest] * 0.6)),
        with_door(heard, busiest, Opening.CLOSED),
        with_door(with_door(heard, busiest, Opening.OPEN), (busiest + 7) % sites, Opening.UNUSABLE),
        with_door(heard, busiest, Opening.OPEN),
        replace(heard, now_s=heard.now_s + 600),
    ):
        made = plan(changed, made)
        assert_the_same(made, plan(changed))


def test_after_one_change_only_those_concerned_are_sent_elsewhere():
    given_problem = city(3_000, 20, 3, seats=1.2)
    first = plan(given_problem)
    heard = replace(given_problem, told=told_by(first))
    shut = int(first.expected.argmax())
    again = plan(with_door(heard, shut, Opening.UNUSABLE), first)
    moved = again.site != first.site
    assert (moved == (first.site == shut)).all() and moved.any()
    assert (again.site[moved] >= 0).all()


def test_where_nobody_set_out_before_the_next_plan_looks_anew():
    given_problem = city(40, 4, 5)
    order = given_problem.dangers[0]
    upstairs = plan(replace(given_problem, dangers=(replace(order, level=5),)))
    assert (upstairs.site < 0).all()
    assert_the_same(plan(given_problem, upstairs), plan(given_problem))


def test_nothing_is_held_of_the_plan_before_the_last():
    first = plan(city(50, 3, 1))
    second = plan(first.problem, first)
    assert second.workings.earlier("who") is None
    assert second.workings.found("who") is first.workings.found("who")


def test_a_stage_is_made_again_when_anything_it_was_made_from_differs():
    before = Workings()
    assert before.stage("sum", (np.array([1.0, np.nan]), (1, "a")), lambda: "old") == "old"
    after = Workings(before)
    assert after.stage("sum", (np.array([1.0, np.nan]), (1, "a")), lambda: "new") == "old"
    assert Workings(before).stage("sum", (np.array([1.0, 2.0]), (1, "a")), lambda: "new") == "new"
    assert Workings(before).stage("sum", (np.array([1.0, np.nan]), (2, "a")), lambda: "new") == "new"
    assert Workings(after).stage("sum", (), lambda: "other") == "other"
