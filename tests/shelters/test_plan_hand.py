"""HQ's hand on the plan: obeyed, said so, and never obeyed into danger."""

from dataclasses import replace

import numpy as np
import pytest

from shelters.hand import Hand, Pin
from shelters.model import Action, Crowding, Opening, ReasonCode, SiteForm, SiteStatus
from shelters.plan import Plan
from shelters.planning import plan
from tests.shelters.test_seats import told
from tests.shelters.town import NOW_S, level, people, problem, site, site_ids, tsunami

NEAR, MID, FAR = (-100.0, 0.0), (-400.0, 0.0), (-900.0, 0.0)
THREE = {NEAR: site("a"), MID: site("b"), FAR: site("c")}


def with_hand(hand: Hand, *, sites=None, dangers=None, towns=("east",), count=1, **extra) -> Plan:
    given_problem = problem(people([(100, 0)] * count), sites or THREE, dangers or [level(4)], **extra)
    return plan(replace(given_problem, hand=hand, town=np.zeros(count, dtype=np.int32), towns=towns))


def reasons(made: Plan) -> set[ReasonCode]:
    (one,) = made.decisions()
    return set(one.reasons)


def test_nobody_new_is_sent_to_a_site_that_is_excluded():
    made = with_hand(Hand(excluded={"a": "smoke"}))
    assert site_ids(made) == ["b"]
    assert ReasonCode.PASSED_NEARER_EXCLUDED in reasons(made)


def test_who_was_told_a_site_that_is_now_excluded_is_sent_on_unless_redirects_are_paused():
    assert site_ids(with_hand(Hand(excluded={"a": "smoke"}), told=told([0]))) == ["b"]
    made = with_hand(Hand(excluded={"a": "smoke"}, redirects_paused="counting"), told=told([0]))
    assert site_ids(made) == ["a"] and ReasonCode.REDIRECTS_PAUSED in reasons(made)


def test_who_is_sent_on_hears_that_hq_left_the_site_out_whatever_else_lies_nearer():
    sites = {(50.0, 0.0): site("stairs", hazards=frozenset()), **THREE}
    hand = Hand(excluded={"a": "the road is under water"})
    made = with_hand(hand, sites=sites, told=told([0], walk_s=60.0))
    assert site_ids(made) == ["b"]
    assert {ReasonCode.PASSED_NEARER_UNFIT, ReasonCode.PASSED_NEARER_EXCLUDED} <= reasons(made)
    # Nor is anything said of a nearer one where the new site is the nearer.
    made = with_hand(Hand(excluded={"c": "smoke"}), sites=sites, told=told([2], walk_s=1e6))
    assert ReasonCode.PASSED_NEARER_EXCLUDED not in reasons(made)


def test_who_is_nearly_at_an_excluded_site_is_not_turned_back():
    made = with_hand(Hand(excluded={"a": "smoke"}), told=told([0]), now_s=NOW_S + 800)
    assert site_ids(made) == ["a"]


def test_a_town_goes_where_it_is_pinned_and_hears_why():
    made = with_hand(Hand(pins={"east": Pin(site_id="c", reason="buses wait there")}))
    assert site_ids(made) == ["c"] and ReasonCode.PINNED in reasons(made)
    assert ReasonCode.PASSED_NEARER_FULL not in reasons(made)
    assert made.pins_not_kept == ()
    assert site_ids(with_hand(Hand(pins={"west": Pin(site_id="c", reason="x")}))) == ["a"]


def test_who_was_told_another_site_is_sent_to_the_pinned_one_unless_redirects_are_paused():
    hand = Hand(pins={"east": Pin(site_id="c", reason="buses wait there")})
    assert site_ids(with_hand(hand, told=told([0]))) == ["c"]
    assert site_ids(with_hand(replace(hand, redirects_paused="counting"), told=told([0]))) == ["a"]


def test_a_pin_is_not_obeyed_beyond_the_seats():
    sites = {NEAR: site("a"), FAR: site("c", seats=2)}
    made = with_hand(Hand(pins={"east": Pin(site_id="c", reason="x")}), sites=sites, count=3)
    assert sorted(site_ids(made)) == ["a", "c", "c"]


@pytest.mark.parametrize("opening", [Opening.CLOSED, Opening.UNUSABLE])
def test_a_pin_on_a_site_one_cannot_enter_is_passed_over_and_hq_is_told(opening):
    shut = {"c": SiteStatus(site_id="c", opening=opening)}
    made = with_hand(Hand(pins={"east": Pin(site_id="c", reason="x")}), statuses=shut)
    assert site_ids(made) == ["a"] and made.pins_not_kept == ("east",)
    assert ReasonCode.PINNED not in reasons(made)


def test_a_pin_on_a_site_nobody_knows_is_told():
    made = with_hand(Hand(pins={"east": Pin(site_id="nowhere", reason="x")}))
    assert site_ids(made) == ["a"] and made.pins_not_kept == ("east",)


def test_a_pin_is_obeyed_under_a_tsunami_only_where_one_gets_there_in_time():
    sites = {(-300.0, 0.0): site("near"), (-2500.0, 0.0): site("far")}
    hand = Hand(pins={"east": Pin(site_id="far", reason="x")})
    in_time = with_hand(hand, sites=sites, dangers=[tsunami(arrives_in_s=7200)])
    assert site_ids(in_time) == ["far"] and in_time.pins_not_kept == ()
    late = with_hand(hand, sites=sites, dangers=[tsunami(arrives_in_s=2400)])
    assert site_ids(late) != ["far"] and late.pins_not_kept == ("east",)


def test_a_pin_never_leads_into_the_area_or_towards_the_sea():
    sites = {(1400.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER), (3100.0, 0.0): site("pier")}
    for pinned in ("tower", "pier"):
        hand = Hand(pins={"east": Pin(site_id=pinned, reason="x")})
        given_problem = problem(people([(1000, 0)]), sites, [tsunami(arrives_in_s=36_000)])
        made = plan(replace(given_problem, hand=hand, town=np.zeros(1, dtype=np.int32), towns=("east",)))
        assert [one.action for one in made.decisions()] == [Action.INLAND]
        assert made.pins_not_kept == ("east",)


def test_with_redirects_paused_a_full_site_keeps_its_people_and_an_unusable_one_does_not():
    hand = Hand(redirects_paused="counting")
    full = {"a": SiteStatus(site_id="a", crowding=Crowding.FULL)}
    made = with_hand(hand, told=told([0]), statuses=full)
    assert site_ids(made) == ["a"] and made.crowded.tolist() == [True] and made.beyond.tolist() == [0]
    gone = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE)}
    made = with_hand(hand, told=told([0]), statuses=gone)
    assert site_ids(made) == ["b"] and ReasonCode.SITE_FAILED in reasons(made)


def test_after_strong_shaking_open_ground_comes_before_an_unchecked_hall():
    sites = {NEAR: site("hall"), FAR: site("hill", form=SiteForm.EVACUATION_HILL)}
    shaken = Hand(shaken_at_s=NOW_S - 600)
    made = with_hand(shaken, sites=sites)
    assert site_ids(made) == ["hill"]
    assert {ReasonCode.OUTDOOR_FIRST, ReasonCode.PASSED_NEARER_UNCHECKED} <= reasons(made)


def test_the_empty_hand_asks_nothing():
    plain = with_hand(Hand())
    assert site_ids(plain) == ["a"] and plain.pins_not_kept == ()
    assert not {ReasonCode.PINNED, ReasonCode.REDIRECTS_PAUSED} & reasons(plain)
