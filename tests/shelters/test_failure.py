"""Where a plan sends those of a failed site: how many of which kind, and who is short of a seat."""

from dataclasses import replace

import numpy as np

from shelters.failure import FailureBook, Move, report_of
from shelters.model import Action, Opening, SiteStatus
from shelters.people_left import with_people_left
from shelters.plan import Plan
from shelters.triage import ACTION_ROW
from tests.shelters.test_people_left import SITES, failed, told
from tests.shelters.town import NOW_S, level, people, problem

NOWHERE = (-1, Action.GO)


def answered(given_problem, *to, crowded=()):
    """A plan that sends row after row `to` (site, action)."""
    count = len(given_problem.people)
    assert len(to) == count
    none, zero = np.full(count, -1, dtype=np.int64), np.zeros(count)
    return Plan(
        problem=given_problem,
        row=np.arange(count),
        danger=np.zeros(count, dtype=np.int32),
        action=np.array([ACTION_ROW[one] for _, one in to], dtype=np.int8),
        site=np.array([one for one, _ in to], dtype=np.int64),
        alternate=none,
        walk_m=zero,
        alternate_walk_m=zero,
        length_m=zero,
        alternate_length_m=zero,
        exit_xy_m=np.full((count, 2), np.nan),
        crowded=np.isin(np.arange(count), crowded),
        reasons=np.zeros(count, dtype=np.int64),
        inside=np.ones((count, 1), dtype=np.bool_),
        counted=np.zeros(count, dtype=np.bool_),
        start=np.arange(count),
        third=none,
        baseline_site=none,
        baseline_m=zero,
        expected=np.zeros(2, dtype=np.int64),
        overflow_persons=0,
        beyond=np.empty(0, dtype=np.int64),
        pins_not_kept=(),
    )


B = (1, Action.GO)


def test_the_three_kinds_are_told_apart_and_counted_in_persons():
    # 5 heads at a: a party of 2 that said "arrived" and 3 people without a phone. A party of 3 is far yet,
    # one of 2 goes to b.
    asked = failed(5, [(0, 5), (0, None), (1, None)], persons=[2, 3, 2])
    given_problem = with_people_left(replace(asked, told=replace(asked.told, walk_s=asked.told.walk_s + 1e6)))
    found = report_of(answered(given_problem, *[B] * 6), 0)
    assert found.moves == (
        Move(site=1, site_id="b", action=Action.GO, inside_with_phone=2, without_phone=3, on_their_way=3),
    )
    assert (found.present, found.inside_with_phone, found.on_their_way) == (5, 2, 3)
    assert (found.moves[0].inside, found.moves[0].persons, found.without_seat) == (5, 8, 0)


def test_who_finds_no_seat_is_counted_beyond_it_and_where_nothing_can_be_named():
    given_problem = with_people_left(failed(3))
    plan = answered(given_problem, B, B, B, NOWHERE, crowded=(2,))
    found = report_of(plan, 0)
    assert [(one.site_id, one.persons, one.without_seat) for one in found.moves] == [("b", 2, 1), ("", 1, 1)]
    assert found.without_seat == 2


def test_walking_inland_is_an_answer_and_no_lack_of_seats():
    given_problem = with_people_left(failed(1))
    found = report_of(answered(given_problem, B, (-1, Action.INLAND)), 0)
    assert found.moves == (Move(site=-1, site_id="", action=Action.INLAND, without_phone=1),)


def test_relatives_and_those_who_go_elsewhere_are_not_of_the_site():
    asked = failed(0, [(0, None), (0, None)], relative=[True, False])
    asked = replace(asked, told=replace(asked.told, declined=np.array([False, True])))
    assert report_of(answered(asked, B, B), 0).moves == ()


def test_an_uncounted_site_says_that_nobody_counted():
    found = report_of(answered(failed(rows=[(0, 5)]), B), 0)
    assert found.present is None and found.inside_with_phone == 2


def test_the_book_keeps_those_an_earlier_plan_sent_on_and_counts_the_others_anew():
    book = FailureBook()
    first = with_people_left(failed(5, [(0, 5)]))
    (found,) = book.read(answered(first, *[B] * 4))
    assert (found.moves[0].inside_with_phone, found.moves[0].without_phone) == (2, 3)
    # The subscriber is now told to go to b; staff count 1 left, who finds no seat.
    second = with_people_left(failed(1, [(1, None)]))
    (found,) = book.read(answered(second, B, NOWHERE))
    assert [(one.site_id, one.inside_with_phone, one.without_phone) for one in found.moves] == [
        ("b", 2, 0),
        ("", 0, 1),
    ]
    # All are out: what was said to the subscribers stays while the site is out of use.
    (found,) = book.read(answered(failed(0, [(1, None)]), B))
    assert [(one.site_id, one.persons) for one in found.moves] == [("b", 2)] and found.present == 0
    status = {"a": SiteStatus(site_id="a", opening=Opening.OPEN)}
    mended = problem(
        people([(100, 0)]), SITES, [level(4)], statuses=status, told=told((1, None)), now_s=NOW_S + 60
    )
    assert book.read(answered(mended, B)) == []


def test_a_site_nobody_counted_stays_uncounted_when_all_with_a_phone_were_sent_on():
    book = FailureBook()
    (found,) = book.read(answered(failed(rows=[(0, None)]), B))
    assert found.present is None
    (found,) = book.read(answered(failed(rows=[(1, None)]), B))
    assert found.present is None and found.on_their_way == 2
