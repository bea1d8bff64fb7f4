"""How many free seats new people are given the longer nobody speaks, and what of a report lasts."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelters.model import NO_FACET, Facet
from shelters.occupancy import (
    FRESH,
    SAID_FOR,
    SiteReport,
    ages_s,
    current_status,
    free_seats,
    seats_left,
    still_said,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NOW = 1_800_000_000.0
HOUR = 3600.0


def ints(*values):
    return np.array(values, dtype=np.int64)


def free(seats, present, age_s, margin=0.0):
    return int(free_seats(ints(seats), ints(present), np.array([age_s]), margin)[0])


def test_a_report_of_half_an_hour_counts_whole_and_one_of_three_hours_by_half():
    # 100 seats, 40 heads: 60 free. Half an hour: 60. 1 h 45 min is half way to 3 h: 75 % of 60 = 45. Later: 30.
    assert [free(100, 40, age) for age in (0, 1800, 6300, 10_800, 90_000)] == [60, 60, 45, 30, 30]


def test_a_silent_site_loses_less_because_nobody_said_that_anybody_came():
    # 100 seats: all until half an hour after the event began, 85 at 1 h 45 min, 70 from 3 hours on.
    assert [free(100, -1, age) for age in (0, 1800, 6300, 10_800, 90_000)] == [100, 100, 85, 70, 70]


def test_full_stays_full_and_beyond_full_is_never_less_than_none():
    assert [free(100, heads, age) for heads in (100, 130) for age in (0, HOUR, 9 * HOUR)] == [0] * 6
    assert seats_left(ints(100, 100, 100), ints(130, 100, -1), 0.1).tolist() == [-20, 10, 110]


def test_each_site_may_have_a_margin_of_its_own():
    margin = np.array([0.0, -0.1])
    assert seats_left(ints(100, 100), ints(95, 95), margin).tolist() == [5, -5]
    assert free_seats(ints(100, 100), ints(-1, -1), np.zeros(2), margin).tolist() == [100, 90]


def test_an_age_nobody_knows_counts_as_the_oldest():
    assert (free(100, 40, np.nan), free(100, -1, np.nan)) == (30, 70)


def test_who_holds_a_seat_is_measured_against_all_of_them():
    assert seats_left(ints(100), ints(40), 0.0).tolist() == [60]


def test_a_site_is_unheard_of_since_its_count_or_since_the_event_began():
    counted = np.array([NOW - 600, np.nan, NOW - 9 * HOUR, NOW + 5])
    assert ages_s(NOW, counted, NOW - HOUR).tolist() == [600, 3600, 3600, 0]
    assert ages_s(NOW, counted, np.nan).tolist() == [0, 0, 0, 0]


AGES = st.floats(0, 1e6)


@given(st.integers(0, 5000), st.integers(-1, 9000), st.tuples(AGES, AGES), st.floats(0, 0.5, allow_nan=False))
def test_silence_never_frees_a_seat_and_never_takes_one_that_is_not_there(seats, present, ages, margin):
    fresh, old = (free(seats, present, age, margin) for age in sorted(ages))
    left = int(seats_left(ints(seats), ints(present), margin)[0])
    assert 0 <= old <= fresh <= max(0, left)
    share = FRESH.silent_share if present < 0 else FRESH.stale_share
    assert old >= int(share * max(0, left))


@given(st.integers(0, 5000), st.tuples(st.integers(0, 9000), st.integers(0, 9000)), AGES)
def test_more_heads_never_mean_more_free_seats(seats, heads, age):
    fewer, more = sorted(heads)
    assert free(seats, more, age) <= free(seats, fewer, age)


def report(minute, **said):
    at = T0 + timedelta(minutes=minute)
    return SiteReport(site_id="s", event_at=at, received_at=at, reporter="desk:s", **said)


def test_the_newest_word_on_the_building_check_counts_and_it_can_be_taken_back():
    checked = [report(1, checked=True), report(2, present_persons=7)]
    assert current_status("s", checked).checked_at == T0 + timedelta(minutes=1)
    assert current_status("s", [*checked, report(3, checked=False)]).checked_at is None
    assert current_status("s", [report(2, checked=False), report(4, checked=True)]).checked_at == (
        T0 + timedelta(minutes=4)
    )


def test_outages_are_all_that_is_lost_now_and_can_all_be_back():
    lift = report(1, outages=Facet.STEP_FREE)
    both = report(2, outages=Facet.STEP_FREE | Facet.POWER)
    back = report(3, outages=NO_FACET)
    assert current_status("s", [lift, both]).outages == Facet.STEP_FREE | Facet.POWER
    found = current_status("s", [back, both, lift])
    assert (found.outages, found.outages_at) == (NO_FACET, T0 + timedelta(minutes=3))


@pytest.mark.parametrize("kind", [{"held": True}, {"undone": True}])
def test_what_is_held_or_taken_back_says_nothing_of_checks_and_outages(kind):
    found = current_status("s", [report(1, checked=True, outages=Facet.POWER, **kind)])
    assert (found.checked_at, found.outages, found.outages_at) == (None, NO_FACET, None)


def test_an_outage_of_an_earlier_event_is_forgotten_and_a_building_check_is_not():
    said = current_status("s", [report(0, checked=True, outages=Facet.POWER)])
    later = still_said(said, T0 + SAID_FOR + timedelta(minutes=1))
    assert (later.outages, later.checked_at) == (NO_FACET, T0)
    assert still_said(said, T0 + SAID_FOR) == said
