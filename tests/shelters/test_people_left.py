"""People without a phone in a site that failed: how many they are, and how they come into the problem."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geodata.hazards import HazardKind as H
from shelters.dangers import Water, main_danger, who_is_inside
from shelters.failure import report_of
from shelters.ledger import nobody_told
from shelters.model import Action, Crowding, Opening, SiteStatus
from shelters.people_left import (
    NOBODY,
    PeopleLeft,
    StandingWays,
    failed_sites,
    heads_without_phone,
    with_people_left,
)
from shelters.planning import plan
from shelters.sites import HAZARD_COLUMN
from shelters.triage import ACTION_ROW
from shelters.ways import StraightWays
from tests.shelters.town import NOW_S, level, people, problem, site, tsunami

SITES = {(-500.0, 0.0): site("a"), (-900.0, 0.0): site("b")}
MINUTE = 60.0


def told(*rows):
    """(site, arrived minutes ago or None); told an hour ago, ten minutes to walk."""
    return replace(
        nobody_told(len(rows)),
        site=np.array([one[0] for one in rows], dtype=np.int64),
        action=np.full(len(rows), ACTION_ROW[Action.GO], dtype=np.int8),
        decided_s=np.full(len(rows), NOW_S - 60 * MINUTE),
        walk_s=np.full(len(rows), 10 * MINUTE),
        arrived_s=np.array([np.nan if one[1] is None else NOW_S - one[1] * MINUTE for one in rows]),
        hazard=np.full(len(rows), HAZARD_COLUMN[H.FLOOD], dtype=np.int8),
    )


FLOOD = (level(4),)


def failed(heads=None, rows=(), dangers=FLOOD, opening=Opening.UNUSABLE, **extra):
    """Site a has failed with so many heads; of the rows each has (site, arrived)."""
    count = max(1, len(rows))
    statuses = {"a": SiteStatus(site_id="a", opening=opening, present_persons=heads)}
    return problem(
        people([(100.0 + n, 0.0) for n in range(count)], persons=extra.pop("persons", [2] * count)),
        SITES,
        list(dangers),
        statuses=statuses,
        told=told(*rows) if rows else None,
        counted_at_s={} if heads is None else {"a": NOW_S},
        **extra,
    )


def test_only_unusable_sites_that_concern_somebody_have_failed():
    assert failed_sites(failed(heads=3)) == [0]
    assert failed_sites(failed(rows=[(0, None)])) == [0]
    assert failed_sites(failed(heads=0)) == [] and failed_sites(failed()) == []
    assert failed_sites(failed(heads=3, opening=Opening.CLOSED)) == []


def test_of_the_heads_those_of_subscribers_who_are_there_are_taken_off():
    # 9 heads; a party of 2 answered "arrived" before the count, a party of 2 should be there by the clock: 5 are left.
    assert heads_without_phone(failed(9, [(0, 5), (0, None)])).tolist() == [5, -1]
    # A party told to go to the other site is not there.
    assert heads_without_phone(failed(9, [(0, 5), (1, None)])).tolist() == [7, -1]
    assert heads_without_phone(failed(3, [(0, 5), (0, 4)])).tolist() == [0, -1]
    assert heads_without_phone(failed(rows=[(0, 5)])).tolist() == [-1, -1]


def test_a_coarse_level_stands_for_its_upper_end():
    given_problem = failed(heads=1)
    full = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, crowding=Crowding.FULL)}
    table = problem(people([(100, 0)]), SITES, [level(4)], statuses=full).sites
    assert heads_without_phone(replace(given_problem, sites=table)).tolist() == [100, -1]


def test_each_becomes_a_row_of_nobodys_standing_at_the_site_and_in_danger():
    before = failed(5, [(0, 5)])
    after = with_people_left(before)
    added = slice(1, None)
    assert len(after.people) == 1 + 3 and after.owner.tolist() == [0, NOBODY, NOBODY, NOBODY]
    assert after.people.persons[added].tolist() == [1, 1, 1]
    assert after.told.site[added].tolist() == [0, 0, 0]
    assert not np.isnan(after.told.arrived_s[added]).any()
    inside = who_is_inside(after.people, after.dangers, 8.0)
    assert inside[added].all() and main_danger(inside, after.dangers)[added].tolist() == [0] * 3
    assert len(before.people) == 1  # what was given is left as it was


def test_where_nobody_is_left_or_nothing_is_in_force_the_problem_stays_as_it_is():
    for given_problem in (failed(0), failed(rows=[(0, 5)]), failed(9, dangers=())):
        assert with_people_left(given_problem) is given_problem


def test_what_speaks_to_them_is_the_worst_danger_where_they_came_from():
    after = with_people_left(failed(2, dangers=(level(3, H.LANDSLIDE), tsunami())))
    assert after.told.hazard[1:].tolist() == [HAZARD_COLUMN[H.TSUNAMI]] * 2


def test_all_that_is_joined_to_people_grows_with_them_and_knows_nothing_of_them():
    water = Water(
        depth_m=np.array([1.0]), duration_h=np.array([2.0]), collapse_zone=np.zeros(1, dtype=np.int8)
    )
    given_problem = replace(
        failed(2, dangers=(level(4, water=water), level(3, H.LANDSLIDE))),
        blur_m=np.array([5.0]),
        visitor=np.array([True]),
        welfare=np.array([1]),
        town=np.array([0], dtype=np.int32),
    )
    after = with_people_left(given_problem)
    assert after.blur_m.tolist() == [5.0, 0.0, 0.0] and after.visitor.tolist() == [True, False, False]
    assert after.welfare.tolist() == [1, -1, -1] and after.town.tolist() == [0, -1, -1]
    wet, dry = after.dangers
    assert np.isnan(wet.water.depth_m[1:]).all() and wet.water.collapse_zone.tolist() == [0, -1, -1]
    assert dry is given_problem.dangers[1]


def test_the_same_people_give_the_same_objects_so_that_a_plan_can_use_its_work_again():
    left, given_problem = PeopleLeft(), failed(4)
    first, again = left.added_to(given_problem), left.added_to(replace(given_problem, now_s=NOW_S + 1))
    assert first.people is again.people and first.dangers is again.dangers
    status = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, present_persons=2)}
    fewer = problem(people([(100, 0)]), SITES, [level(4)], statuses=status, counted_at_s={"a": NOW_S})
    assert len(left.added_to(fewer).people) == 3


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_walks_from_the_site_are_those_of_who_stands_there(count, more, data):
    places = np.array([[float(n * 70), 30.0] for n in range(count)])
    sites = np.array([[0.0, 500.0], [900.0, 0.0], [-300.0, 0.0]])
    standing = np.array(data.draw(st.lists(st.integers(0, 2), min_size=more, max_size=more)))
    ways = StandingWays(StraightWays(places, sites), places=count, standing=standing)
    # A Ways over all the rows says the same of places and of sites, wherever the added rows are thought to be.
    over_all = StraightWays(np.concatenate([places, sites[standing]]), sites)
    starts = np.arange(count + more + 2 * len(sites))
    allowed = np.array([True, True, False])
    assert (
        ways.nearest(starts, allowed, 2).site.tolist() == over_all.nearest(starts, allowed, 2).site.tolist()
    )
    to = np.full(len(starts), 1)
    level_m = ways.efforts(starts, to)
    assert level_m.tolist() == over_all.efforts(starts, to).tolist()
    assert ways.lengths(starts, to, level_m).tolist() == level_m.tolist() and ways.about(starts, to).all()
    assert ways.inland(starts) is None


def test_the_plan_finds_them_a_place_from_where_they_stand():
    # Site a fails with a subscriber's party of 2 and 3 people without a phone inside. b, 100 m on, has 3 seats;
    # c, 1,500 m on, has room.
    sites = {
        (-500.0, 0.0): site("a"),
        (-600.0, 0.0): site("b", seats=3),
        (-2000.0, 0.0): site("c"),
    }
    statuses = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, present_persons=5)}
    given_problem = problem(
        people([(100.0, 0.0)], persons=[2]),
        sites,
        [level(4)],
        statuses=statuses,
        told=told((0, 5)),
        counted_at_s={"a": NOW_S},
    )
    made = plan(with_people_left(given_problem))
    walks = {"b": 100.0, "c": 1500.0}  # from site a, not from where they live
    named = [made.problem.sites.sites[one].site_id for one in made.site]
    assert made.walk_m.tolist() == [walks[one] for one in named]
    assert [one.owner for one in made.decisions()] == [0]  # staff tell the others
    found = report_of(made, 0)
    assert {one.site_id: one.persons for one in found.moves} == {"b": 3, "c": 2}
    assert (found.inside_with_phone, sum(one.without_phone for one in found.moves)) == (2, 3)
    assert found.without_seat == 0


def test_when_no_seat_is_left_anywhere_the_report_says_how_many_stand_in_the_rain():
    sites = {(-500.0, 0.0): site("a"), (-600.0, 0.0): site("b", seats=2)}
    statuses = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, present_persons=5)}
    given_problem = problem(
        people([(100.0, 0.0)]), sites, [level(4)], statuses=statuses, counted_at_s={"a": NOW_S}
    )
    found = report_of(plan(with_people_left(given_problem)), 0)
    # The subscriber of the place, who was told nothing yet, may take a seat as well: 6 people, 2 seats.
    assert sum(one.persons for one in found.moves) == 5
    assert 3 <= found.without_seat <= 4


def test_under_a_tsunami_they_go_to_the_next_site_outside_however_far_it_is():
    # Site a stands outside the area, so there is no way inland to walk; twice nothing would forbid every site.
    sites = {(-500.0, 0.0): site("a"), (-3000.0, 0.0): site("b")}
    statuses = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, present_persons=4)}
    given_problem = problem(
        people([(2000.0, 0.0)]), sites, [tsunami()], statuses=statuses, counted_at_s={"a": NOW_S}
    )
    (move,) = report_of(plan(with_people_left(given_problem)), 0).moves
    assert (move.site_id, move.without_phone, move.without_seat) == ("b", 4, 0)
