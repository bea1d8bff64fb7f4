"""What a plan changes for whom: who hears, who does not, and who hears later."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geodata.hazards import HazardKind
from shelters import changes
from shelters.changes import AT_MOST_EVERY_S, GONE, Before, Change, Changes, Says
from shelters.hand import Hand, Pin
from shelters.model import Action, Opening, SiteForm, SiteStatus
from shelters.plan import Plan
from shelters.planning import plan
from shelters.sites import HAZARD_COLUMN
from shelters.triage import ACTION_ROW
from shelters.ways import StraightWays
from tests.shelters.test_what_must_always_hold import a_problem, told_by
from tests.shelters.town import NOW_S, level, people, planned, site, tsunami

LONG_AGO = NOW_S - 2 * AT_MOST_EVERY_S


def told_as(made: Plan, **other: object) -> Before:
    """Everybody in the plan was told exactly this, long ago; `other`: one value for all, or an array."""
    count = len(made)
    base: dict[str, object] = {
        "standing": True,
        "lost": False,
        "ended": False,
        "newest": True,
        "redirected": False,
        "declined": False,
        "words": made.danger.astype(np.int64),
        "severity": 30,
        "floor": 0,
        "action": made.action.copy(),
        "site": made.site.copy(),
        "walk_s": 600.0,
        "said_s": LONG_AGO,
    }
    kinds = {"floor": np.int64, "severity": np.int64, "words": np.int64, "site": np.int64, "action": np.int8}
    bools = {"standing", "lost", "ended", "newest", "redirected", "declined"}
    return Before(
        **{
            name: np.broadcast_to(
                np.asarray(value, dtype=np.bool_ if name in bools else kinds.get(name, np.float64)), (count,)
            ).copy()
            for name, value in {**base, **other}.items()
        }
    )


def says_as(made: Plan, severity: int = 30) -> Says:
    count = len(made)
    return Says(
        words=made.danger.astype(np.int64),
        severity=np.full(count, severity, dtype=np.int64),
        floor=np.zeros(count, dtype=np.int64),
    )


def difference(made: Plan, says: int = 30, **before: object) -> Changes:
    """`says`: how bad the order of the plan is; what was told is 30 unless `before` gives another severity."""
    return changes.compare(made, told_as(made, **before), says_as(made, says))


SITES = {
    (-300.0, 0.0): site("a", seats=10),
    (-600.0, 0.0): site("b", seats=10),
    (-999.0, 0.0): site("c", seats=10),
}
A, B = 0, 1


def one(**extra) -> Plan:
    """A household whose nearest site is a."""
    return planned(people([(100, 0)]), SITES, [extra.pop("danger", level(4))], **extra)


def status(name: str, opening: Opening | None = None, present: int | None = None) -> dict[str, SiteStatus]:
    return {name: SiteStatus(site_id=name, opening=opening, present_persons=present)}


def heard(found: Changes) -> tuple[Change, bool]:
    return Change(int(found.kind[0])), bool(found.tell[0])


def test_the_town_of_these_tests_names_the_nearest_site():
    assert one().site.tolist() == [A]


@settings(max_examples=40, deadline=None)
@given(a_problem(), st.booleans())
def test_the_delta_of_a_plan_with_itself_is_empty(given_problem, newest):
    made = plan(given_problem)
    found = difference(made, newest=newest)
    assert not found.tell.any() and (found.kind == Change.SAME).all()
    assert (found.restamp == (not newest)).all() and found.held_until_s == np.inf


@settings(max_examples=60, deadline=None)
@given(a_problem(), st.data())
def test_every_change_of_meaning_is_told_or_held_back_for_a_reason_and_nothing_else_is(given_problem, data):
    made = plan(given_problem)
    count = len(made)
    flags = st.lists(st.booleans(), min_size=count, max_size=count)
    rows = st.lists(st.integers(-2, len(given_problem.sites) - 1), min_size=count, max_size=count)
    other = {
        "site": np.where(data.draw(flags), made.site, data.draw(rows)) if count else made.site,
        "declined": data.draw(flags),
        "ended": data.draw(flags),
        "severity": np.where(data.draw(flags), 30, 20) if count else 30,
        "said_s": np.where(data.draw(flags), NOW_S - 60.0, LONG_AGO) if count else 0.0,
    }
    before = told_as(made, **other)
    found = changes.compare(made, before, says_as(made))
    same = (before.site == made.site) & (before.severity == 30)
    assert not found.tell[found.kind == Change.SAME].any()
    assert ((found.kind == Change.SAME) == (before.site == made.site))[before.severity == 30].all()
    worse_danger = before.severity < 30
    assert found.tell[worse_danger & ~same & (found.kind != Change.SAME)].all(), (
        "a greater danger is never held back"
    )
    assert not found.tell[before.declined & ~worse_danger & ~before.ended].any()
    assert not (found.tell & found.restamp).any()
    if np.isfinite(found.held_until_s):
        assert NOW_S < found.held_until_s <= NOW_S + AT_MOST_EVERY_S


@settings(max_examples=40, deadline=None)
@given(a_problem(), st.integers(1, 600))
def test_what_is_held_back_for_the_last_messages_sake_is_told_when_the_ten_minutes_are_over(
    given_problem, age_s
):
    made = plan(given_problem)
    swapped = {"site": np.where(made.site >= 0, -1, made.site), "said_s": NOW_S - float(age_s)}
    now = difference(made, **swapped)
    if not np.isfinite(now.held_until_s):
        return
    later = replace(made, problem=replace(made.problem, now_s=now.held_until_s))
    assert difference(later, **swapped).tell.sum() > now.tell.sum()


def test_whoever_was_told_nothing_or_never_reached_hears_now():
    assert heard(difference(one(), standing=False, said_s=NOW_S)) == (Change.NEWLY, True)
    assert heard(difference(one(), lost=True, said_s=NOW_S)) == (Change.NEWLY, True)


def test_people_without_a_phone_hear_nothing():
    nobody = planned(people([(100, 0)]), SITES, [level(4)], owner=[-1])
    assert not difference(nobody, standing=False).tell.any()


@pytest.mark.parametrize("opening", [Opening.CLOSED, Opening.UNUSABLE])
def test_a_destination_that_failed_is_told_at_once(opening):
    made = one(statuses=status("a", opening))
    assert made.site.tolist() == [B]
    assert heard(difference(made, site=A, said_s=NOW_S - 1)) == (Change.WORSE, True)
    assert heard(difference(made, site=A, redirected=True, said_s=NOW_S - 1)) == (Change.WORSE, True)


def test_a_site_no_list_knows_any_more_has_failed():
    assert heard(difference(one(), site=GONE, said_s=NOW_S - 1)) == (Change.WORSE, True)


def test_a_destination_inside_the_area_now_is_told_even_while_redirects_are_paused():
    made = planned(people([(100, 0)]), {(500.0, 0.0): site("0"), **SITES}, [level(4)])
    paused = replace(made, problem=replace(made.problem, hand=Hand(redirects_paused="混乱を避ける")))
    assert heard(difference(paused, site=0)) == (Change.WORSE, True)
    assert heard(difference(paused, site=2)) == (Change.BETTER, False)


def test_while_redirects_are_paused_a_full_site_sends_nobody_elsewhere_and_a_closed_one_does():
    pause = Hand(redirects_paused="混乱を避ける")
    closed = one(statuses=status("a", Opening.CLOSED))
    assert difference(replace(closed, problem=replace(closed.problem, hand=pause)), site=A).tell.all()
    made = one(statuses=status("a", present=10), counted_at_s={"a": NOW_S})
    paused = replace(made, problem=replace(made.problem, hand=pause))
    assert not difference(paused, site=A).tell.any()
    assert difference(paused, site=A, ended=True).tell.all()
    assert difference(paused, 40, site=A).tell.all()


def test_a_merely_nearer_site_is_no_news():
    assert heard(difference(one(), site=B, walk_s=3600.0)) == (Change.BETTER, False)


class ClosedTo(StraightWays):
    """No way leads to one site any more."""

    def __init__(self, made, site_row, far_m=np.inf):
        super().__init__(made.problem.people.xy_m, made.problem.sites.xy_m, 1.0)
        self._site, self._far_m = site_row, far_m

    def efforts(self, starts, sites):
        return np.where(sites == self._site, self._far_m, super().efforts(starts, sites))


@pytest.mark.parametrize("far_m", [np.inf, 4000.0])
def test_when_the_way_to_the_told_site_is_closed_another_is_told_at_once_though_it_is_nearer(far_m):
    first = one()
    made = plan(replace(first.problem, ways=ClosedTo(first, B, far_m)))
    told = {"site": B, "action": made.action, "walk_s": 700.0, "said_s": NOW_S - 1}
    assert made.site.tolist() == [A] and difference(made, **told).tell.all()
    assert not difference(first, **told).tell.any()
    assert not difference(made, **told, redirected=True).tell.any()  # may walk from a site that failed


def test_a_full_site_is_told_once_at_once_and_only_of_the_told_site():
    made = one(statuses=status("a", present=10), counted_at_s={"a": NOW_S})
    assert made.site.tolist() == [B]
    assert heard(difference(made, site=A, said_s=NOW_S - 1)) == (Change.BETTER, True)
    assert heard(difference(made, site=B)) == (Change.SAME, False)


def test_who_lost_the_seat_to_others_hears_after_ten_minutes_and_only_once():
    made = one(statuses=status("a", Opening.OPEN), counted_at_s={})
    farther = replace(made, site=np.array([B]), walk_m=np.array([4000.0]))
    found = difference(farther, site=A, said_s=NOW_S - 60)
    assert not found.tell.any() and found.held_until_s == NOW_S + 540
    assert difference(farther, site=A).tell.all()
    assert not difference(farther, site=A, redirected=True).tell.any()


def test_where_life_is_at_stake_fullness_redirects_nobody():
    sites = {xy: replace(one_site, site_id=one_site.site_id) for xy, one_site in SITES.items()}
    made = planned(people([(100, 0)]), sites, [tsunami(arrives_in_s=7200)])
    moved = replace(made, site=np.array([B]), walk_m=np.array([9000.0]))
    told = {"site": A, "action": made.action}
    assert not difference(moved, **told).tell.any()


def told_arrived(made: Plan, at_s: float) -> Plan:
    told = replace(
        made.problem.told,
        site=np.array([A]),
        action=np.array([ACTION_ROW[Action.GO]], dtype=np.int8),
        decided_s=np.array([LONG_AGO]),
        arrived_s=np.array([at_s]),
    )
    return replace(made, problem=replace(made.problem, told=told))


def test_who_is_there_hears_of_another_site_only_when_his_fails():
    full = told_arrived(one(statuses=status("a", present=10), counted_at_s={"a": NOW_S}), NOW_S - 60)
    assert not difference(replace(full, site=np.array([B])), site=A).tell.any()
    failed = told_arrived(one(statuses=status("a", Opening.UNUSABLE)), NOW_S - 60)
    assert heard(difference(replace(failed, site=np.array([B])), site=A)) == (Change.WORSE, True)


@pytest.mark.parametrize("arrived_s", [NOW_S - 60, np.nan])
def test_who_is_there_hears_when_the_area_grows_over_the_site_and_its_upper_floor_is_the_refuge(arrived_s):
    upstairs = {(-300.0, 0.0): site("a", floors={HazardKind.FLOOD: 3}, seats=10)}
    grown = level(4, area=box(-3000, -3000, 3000, 3000))
    first = planned(people([(100, 0)]), upstairs, [level(4)])
    there = told_arrived(first, arrived_s).problem
    flooded = np.array([HAZARD_COLUMN[HazardKind.FLOOD]], dtype=np.int8)
    made = plan(replace(there, told=replace(there.told, hazard=flooded), dangers=(grown,)))
    assert made.action.tolist() == [ACTION_ROW[Action.REFUGE]]
    told = {"site": first.site, "action": first.action, "newest": False}
    assert heard(difference(made, **told, floor=-1, said_s=NOW_S - 60)) == (Change.WORSE, True)


def test_hq_sends_people_on_from_a_site_it_excludes_and_to_a_town_it_pins():
    made = one()
    excluded = replace(made.problem, hand=Hand(excluded={"a": "橋が危ない"}))
    moved = replace(made, problem=excluded, site=np.array([B]))
    assert heard(difference(moved, site=A, walk_s=3600.0)) == (Change.BETTER, True)
    # At once: HQ leaves a site out because the way there is flooded.
    assert heard(difference(moved, site=A, walk_s=3600.0, said_s=NOW_S - 60)) == (Change.BETTER, True)
    pinned = planned(people([(100, 0)]), SITES, [level(4)])
    pinned = replace(
        pinned,
        site=np.array([B]),
        problem=replace(pinned.problem, hand=Hand(pins={"荒浜": Pin(site_id="b", reason="分けるため")})),
        reasons=np.array([changes.reason_bits(changes.ReasonCode.PINNED)]),
    )
    assert heard(difference(pinned, site=A, walk_s=3600.0)) == (Change.BETTER, True)


def test_danger_at_another_place_of_theirs_is_told_though_the_site_only_drifted_to_a_nearer_one():
    made = one()
    says = replace(says_as(made), more_places=np.array([True]))
    found = changes.compare(made, told_as(made, site=B, walk_s=3600.0, said_s=NOW_S - 1), says)
    assert heard(found) == (Change.WORSE, True)


def test_a_greater_danger_is_told_at_once_to_everybody():
    for other in ({}, {"declined": True}, {"said_s": NOW_S - 1}):
        told = {"words": -1, "severity": 20, **other}
        assert heard(difference(one(), 30, **told)) == (Change.WORSE, True)


def test_a_lesser_danger_waits_for_its_turn_unless_the_order_ended():
    told = {"words": -1, "severity": 40, "said_s": NOW_S - 1}
    assert heard(difference(one(), 30, **told)) == (Change.BETTER, False)
    assert heard(difference(one(), 30, **{**told, "said_s": LONG_AGO})) == (Change.BETTER, True)
    assert heard(difference(one(), 30, **{**told, "ended": True})) == (Change.BETTER, True)


def test_who_answered_staying_or_elsewhere_hears_no_redirect():
    made = one(statuses=status("a", Opening.UNUSABLE))
    assert not difference(made, site=A, declined=True).tell.any()
    assert difference(made, site=A, declined=True, ended=True).tell.all()


def test_an_answer_to_one_order_is_none_to_another_that_is_as_bad():
    assert heard(difference(one(), declined=True, words=-1)) == (Change.BETTER, True)
    assert not difference(one(), declined=True, words=-1, severity=40).tell.any(), "a lesser one"


def test_a_more_urgent_action_is_told_at_once_and_a_calmer_one_in_its_turn():
    made = one()
    prepare, up = ACTION_ROW[Action.PREPARE], ACTION_ROW[Action.UP]
    assert heard(difference(made, action=prepare, said_s=NOW_S - 1)) == (Change.WORSE, True)
    assert heard(difference(made, action=up, site=-1, said_s=NOW_S - 1)) == (Change.BETTER, False)
    assert heard(difference(made, action=up, site=-1)) == (Change.BETTER, True)


TOWER = site("tower", form=SiteForm.TSUNAMI_TOWER)


@pytest.mark.parametrize("hand", [Hand(), Hand(redirects_paused="混乱を避ける")])
def test_when_the_wave_comes_sooner_than_the_way_told_of_takes_the_nearer_refuge_is_told_at_once(hand):
    sites = {(-300.0, 0.0): site("outside"), (700.0, 0.0): TOWER}
    first = planned(people([(600, 0)]), sites, [tsunami(arrives_in_s=7200)])
    assert first.action.tolist() == [ACTION_ROW[Action.GO]]
    sooner = tsunami(arrives_in_s=1200, key="t:2")
    made = plan(replace(first.problem, told=told_by(first), now_s=NOW_S + 60, dangers=(sooner,)))
    assert made.action.tolist() == [ACTION_ROW[Action.REFUGE]]
    made = replace(made, problem=replace(made.problem, hand=hand))
    told = {"site": first.site, "action": first.action, "newest": False, "said_s": NOW_S}
    assert heard(difference(made, **told)) == (Change.WORSE, True)


def test_who_prepared_and_is_to_leave_now_hears_it_wherever_he_is_sent():
    made, prepare = one(), ACTION_ROW[Action.PREPARE]
    assert heard(difference(made, action=prepare, site=B, walk_s=3600.0)) == (Change.WORSE, True)


def test_a_site_for_somebody_who_had_none_is_news():
    assert heard(difference(one(), site=-1)) == (Change.BETTER, True)


def test_while_redirects_are_paused_who_had_no_site_still_hears_of_one():
    made = one()
    paused = replace(made, problem=replace(made.problem, hand=Hand(redirects_paused="混乱を避ける")))
    assert heard(difference(paused, site=-1)) == (Change.BETTER, True)
    assert not difference(paused, site=-1, action=ACTION_ROW[Action.INLAND]).tell.any()


def test_who_was_named_no_site_hears_of_one_however_long_ago_that_was():
    made = told_arrived(one(), float("nan"))
    assert heard(difference(made, site=-1)) == (Change.BETTER, True)


def test_what_is_held_back_does_not_move_to_a_version_that_says_something_else():
    found = difference(one(), 30, words=-1, severity=40, said_s=NOW_S - 1, newest=False)
    assert not found.restamp.any()
