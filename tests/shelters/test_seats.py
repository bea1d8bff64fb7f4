"""Seats (design, rule 5.6), people on their way, and who keeps a destination."""

import numpy as np

from geodata.hazards import HazardKind
from shelters.heads import in_the_count
from shelters.ledger import Told, nobody_told, on_their_way
from shelters.model import Action, Crowding, Opening, Pace, ReasonCode, SiteForm, SiteStatus
from shelters.sites import HAZARD_COLUMN
from shelters.triage import ACTION_ROW
from tests.shelters.town import NOW_S, level, people, planned, problem, site, site_ids, tsunami

NEAR, FAR = (-100.0, 0.0), (-1000.0, 0.0)


def told(
    sites,
    actions=None,
    *,
    decided_s=NOW_S,
    walk_s=600.0,
    arrived_s=None,
    declined=None,
    hazard=HazardKind.FLOOD,
):
    count = len(sites)
    return Told(
        site=np.array(sites, dtype=np.int64),
        action=np.array([ACTION_ROW[one] for one in actions or [Action.GO] * count], dtype=np.int8),
        decided_s=np.full(count, decided_s),
        walk_s=np.full(count, walk_s),
        arrived_s=np.array(arrived_s or [np.nan] * count),
        declined=np.array(declined or [False] * count),
        hazard=np.full(count, HAZARD_COLUMN[hazard], dtype=np.int8),
    )


def test_a_timely_move_never_passes_the_seats_and_the_rest_go_next_door():
    sites = {NEAR: site("a", seats=5), FAR: site("b", seats=100)}
    made = planned(people([(100, 0)] * 3, persons=[3, 3, 2]), sites, [level(4)])
    assert site_ids(made) == ["a", "b", "a"]
    assert ReasonCode.PASSED_NEARER_FULL in list(made.decisions())[1].reasons


def test_when_seats_run_out_the_advice_says_so():
    made = planned(people([(100, 0)] * 2, persons=[4, 4]), {NEAR: site("a", seats=5)}, [level(4)])
    (_, second) = made.decisions()
    assert second.site == -1 and ReasonCode.NO_SEATS_LEFT in second.reasons


def test_slow_households_are_seated_first():
    sites = {NEAR: site("a", seats=4), FAR: site("b", seats=100)}
    made = planned(people([(100, 0)] * 2, persons=[4, 2], pace=[Pace.STANDARD, Pace.SLOW]), sites, [level(4)])
    assert site_ids(made) == ["b", "a"]


def test_a_relatives_place_takes_no_seat():
    made = planned(
        people([(100, 0)] * 2, persons=[5, 5], holds=[False, True]), {NEAR: site("a", seats=9)}, [level(4)]
    )
    assert site_ids(made)[1] == "a"
    two = planned(people([(100, 0)] * 2, persons=[5, 5]), {NEAR: site("a", seats=9)}, [level(4)])
    assert site_ids(two) == ["a", ""]


def test_reported_heads_take_seats_and_silence_does_not_mean_empty():
    sites = {NEAR: site("a", seats=10), FAR: site("b", seats=100)}
    full = {"a": SiteStatus(site_id="a", present_persons=8)}
    assert site_ids(planned(people([(100, 0)], persons=[3]), sites, [level(4)], statuses=full)) == ["b"]
    word = {"a": SiteStatus(site_id="a", crowding=Crowding.FULL)}
    assert site_ids(planned(people([(100, 0)], persons=[1]), sites, [level(4)], statuses=word)) == ["b"]
    # Nobody reported, but nine were told to go there and are on their way: three more do not fit.
    way = told([0, 0], [Action.GO] * 2)
    way.site[1] = -1
    both = people([(100, 0), (100, 0)], persons=[9, 3])
    assert site_ids(planned(both, sites, [level(4)], told=way)) == ["a", "b"]


def test_arrivals_inside_the_head_count_are_not_counted_twice():
    sites = {NEAR: site("a", seats=10)}
    inside = {"a": SiteStatus(site_id="a", present_persons=6)}
    arrived = told([0, -1], arrived_s=[NOW_S - 300, np.nan], decided_s=NOW_S - 1200)
    made = planned(
        people([(100, 0), (100, 0)], persons=[6, 4]),
        sites,
        [level(4)],
        statuses=inside,
        told=arrived,
        counted_at_s={"a": NOW_S - 60},
    )
    assert site_ids(made) == ["a", "a"]
    before = planned(
        people([(100, 0), (100, 0)], persons=[6, 4]),
        sites,
        [level(4)],
        statuses=inside,
        told=arrived,
        counted_at_s={"a": NOW_S - 600},
    )
    assert site_ids(before).count("a") == 1


def test_the_ledger_counts_who_is_on_the_way_and_nothing_decays():
    way = told([0, 0, 0, 1], decided_s=NOW_S, walk_s=600.0, declined=[False, True, False, False])
    persons = np.array([2, 3, 4, 5], dtype=np.int32)

    def still_going(counted_at_s, present):
        inside = in_the_count(
            way,
            persons.astype(np.int64),
            np.ones(4, dtype=np.bool_),
            counted_at_s=np.array(counted_at_s),
            present=np.array(present),
            late_start_s=300.0,
        )
        return on_their_way(way, persons, inside, 2).tolist()

    assert still_going([np.nan, np.nan], [-1, -1]) == [6, 5]
    assert still_going([NOW_S + 899, np.nan], [6, -1]) == [6, 5]
    assert still_going([NOW_S + 900, np.nan], [6, -1]) == [0, 5]
    # The count of then has heads for the first party only: the other is still on its way.
    assert still_going([NOW_S + 900, np.nan], [5, -1]) == [4, 5]


def test_a_destination_is_kept_unless_the_new_one_is_clearly_nearer():
    sites = {(-400.0, 0.0): site("a"), (-340.0, 0.0): site("b"), (-100.0, 0.0): site("c")}
    closed = {"c": SiteStatus(site_id="c", opening=Opening.CLOSED)}
    way = told([0])
    assert site_ids(planned(people([(0, 0)]), sites, [level(4)], told=way, statuses=closed)) == ["a"]
    assert site_ids(planned(people([(0, 0)]), sites, [level(4)], told=way)) == ["c"]


def test_a_closed_destination_redirects_once_and_then_stands():
    sites = {NEAR: site("a"), FAR: site("b")}
    closed = {"a": SiteStatus(site_id="a", opening=Opening.CLOSED)}
    first = planned(people([(100, 0)]), sites, [level(4)], told=told([0]), statuses=closed)
    assert site_ids(first) == ["b"]
    again = planned(people([(100, 0)]), sites, [level(4)], told=told([1]), statuses=closed)
    assert site_ids(again) == ["b"]


def test_a_site_reported_full_redirects_only_who_is_still_on_the_way():
    sites = {NEAR: site("a", seats=10), FAR: site("b", seats=100)}
    full = {"a": SiteStatus(site_id="a", crowding=Crowding.FULL)}
    way = told([0, 0], decided_s=NOW_S, arrived_s=[NOW_S + 100, np.nan])
    made = planned(
        people([(100, 0)] * 2, persons=[5, 5]),
        sites,
        [level(4)],
        statuses=full,
        told=way,
        counted_at_s={"a": NOW_S + 200},
    )
    assert site_ids(made) == ["a", "b"]


def test_nobody_takes_the_seat_of_somebody_who_is_on_the_way_to_it():
    # The slow household was given the last seat, the other passed on to b. Planned again, it lives nearer to a.
    sites = {(-100.0, 0.0): site("a", seats=1), (-300.0, 0.0): site("b", seats=9)}
    who = people([(900, 0), (0, 0)], pace=[Pace.SLOW, Pace.STANDARD])
    assert site_ids(planned(who, sites, [level(4)])) == ["a", "b"]
    assert site_ids(planned(who, sites, [level(4)], told=told([0, 1]))) == ["a", "b"]


def test_a_seat_that_comes_free_is_given_once():
    sites = {(-100.0, 0.0): site("a", seats=1), (-300.0, 0.0): site("b", seats=2)}
    made = planned(people([(0, 0), (0, 0)]), sites, [level(4)], told=told([1, 1]))
    assert sorted(site_ids(made)) == ["a", "b"]


def test_who_is_nearly_there_is_redirected_by_a_closed_door_only():
    sites = {NEAR: site("a", seats=10), FAR: site("b", seats=100)}
    way, who = told([0], decided_s=NOW_S, walk_s=600.0), people([(100, 0)], persons=[5])
    full = {"a": SiteStatus(site_id="a", crowding=Crowding.FULL)}
    closed = {"a": SiteStatus(site_id="a", opening=Opening.CLOSED)}

    def at(after_s, statuses):
        return planned(who, sites, [level(4)], statuses=statuses, told=way, now_s=NOW_S + after_s)

    # Five minutes to the door, ten on foot at 1 m/s: 151 m before arrival, then 149.
    assert site_ids(at(749, full)) == ["b"]
    assert site_ids(at(751, full)) == ["a"]
    assert [one.crowded for one in at(751, full).decisions()] == [True]
    assert site_ids(at(751, closed)) == ["b"]


def test_a_nearer_site_that_opens_does_not_call_back_who_is_nearly_there():
    sites = {(-400.0, 0.0): site("a"), (-100.0, 0.0): site("c")}
    way = told([0], walk_s=500.0)
    assert site_ids(planned(people([(0, 0)]), sites, [level(4)], told=way, now_s=NOW_S + 600)) == ["c"]
    assert site_ids(planned(people([(0, 0)]), sites, [level(4)], told=way, now_s=NOW_S + 700)) == ["a"]


def test_fullness_never_redirects_while_life_is_at_stake():
    tower = {
        (2400.0, 0.0): site("t", form=SiteForm.TSUNAMI_TOWER),
        (2390.0, 0.0): site("u", form=SiteForm.TSUNAMI_TOWER),
    }
    full = {"t": SiteStatus(site_id="t", crowding=Crowding.FULL)}
    way = told([0], [Action.REFUGE], hazard=HazardKind.TSUNAMI)
    made = planned(people([(2500, 0)]), tower, [tsunami()], told=way, statuses=full)
    (one,) = made.decisions()
    assert site_ids(made) == ["t"] and one.crowded


def test_time_that_passes_while_walking_as_told_changes_nothing():
    sites = {(-300.0, 0.0): site("west"), (1400.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER)}
    start = planned(people([(1500, 0)]), sites, [tsunami(arrives_in_s=3600)])
    assert site_ids(start) == ["west"]
    later = planned(
        people([(1500, 0)]),
        sites,
        [tsunami(arrives_in_s=3600)],
        told=told([1], hazard=HazardKind.TSUNAMI),
        now_s=NOW_S + 1800,
    )
    assert site_ids(later) == ["west"]
    fresh = planned(people([(1500, 0)]), sites, [tsunami(arrives_in_s=3600)], now_s=NOW_S + 1800)
    assert site_ids(fresh) == ["tower"]


def test_who_was_sent_inland_is_not_called_back_to_a_site_as_time_passes():
    sites = {(1400.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER)}
    way = told([-1], [Action.INLAND], hazard=HazardKind.TSUNAMI)
    made = planned(people([(1500, 0)]), sites, [tsunami(arrives_in_s=3600)], told=way, now_s=NOW_S + 1500)
    assert [one.action for one in made.decisions()] == [Action.INLAND]


def test_the_ledger_of_nobody_is_empty():
    empty = nobody_told(0)
    assert not len(problem(people([]), {}, [level(4, HazardKind.FLOOD)], told=empty).told.site)
    assert len(planned(people([]), {}, [level(4)])) == 0


def test_what_was_told_for_a_flood_does_not_bind_when_a_tsunami_comes():
    sites = {(-300.0, 0.0): site("a"), (-100.0, 0.0): site("b")}
    way = told([0])
    way.decided_s[:] = NOW_S - 3600
    made = planned(people([(500, 0)]), sites, [level(4), tsunami(arrives_in_s=3600)], told=way)
    assert site_ids(made) == ["b"]


def test_the_plan_counts_who_is_on_the_way_to_each_site():
    sites = {NEAR: site("a", seats=10)}
    made = planned(
        people([(100, 0), (100, 0)], persons=[3, 4]),
        sites,
        [level(4)],
        told=told([0, 0], declined=[False, True]),
    )
    assert made.on_their_way() == {"a": 3}
