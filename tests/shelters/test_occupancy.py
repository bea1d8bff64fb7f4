"""Reports by event time, impossible counts, and the heads a report stands for."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shelters.model import Capacity, Crowding, FigureSource, Opening, SiteStatus
from shelters.occupancy import (
    SAID_FOR,
    SiteReport,
    current_status,
    is_impossible,
    persons_known,
    seats_with_margin,
    still_said,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SEATS = Capacity(refuge_persons=100, stay_persons=40, source=FigureSource.ASSUMED)


def report(minute: int, heard: int | None = None, **said):
    return SiteReport(
        site_id="s",
        event_at=T0 + timedelta(minutes=minute),
        received_at=T0 + timedelta(minutes=minute if heard is None else heard),
        reporter="desk:s",
        **said,
    )


def test_the_newest_event_counts_and_a_late_older_report_does_not():
    now = current_status(
        "s", [report(10, present_persons=50), report(5, 20, present_persons=9, opening=Opening.CLOSED)]
    )
    assert (now.present_persons, now.opening) == (50, Opening.CLOSED)


def test_door_and_heads_are_judged_apart():
    now = current_status("s", [report(1, opening=Opening.OPEN), report(2, present_persons=7)])
    assert (now.opening, now.opening_at, now.present_persons) == (Opening.OPEN, T0 + timedelta(minutes=1), 7)


def test_held_and_undone_reports_never_win():
    said = [
        report(1, present_persons=7),
        report(2, present_persons=900, held=True),
        report(3, present_persons=1, undone=True),
    ]
    assert current_status("s", said).present_persons == 7
    assert current_status("s", []) == SiteStatus(site_id="s")


def test_a_newer_coarse_level_replaces_an_older_count():
    now = current_status("s", [report(1, present_persons=7), report(2, crowding=Crowding.FULL)])
    assert (now.present_persons, now.crowding) == (None, Crowding.FULL)


def test_negative_and_more_than_twice_the_seats_are_impossible():
    assert [is_impossible(n, SEATS) for n in (-1, 0, 200, 201)] == [True, False, False, True]


def test_a_silent_site_is_unknown_and_full_means_that_nobody_more_fits():
    assert persons_known(SiteStatus(site_id="s"), 100, 0.1) is None
    assert persons_known(SiteStatus(site_id="s", crowding=Crowding.FULL), 100, 0.1) == 110
    assert (
        persons_known(SiteStatus(site_id="s", crowding=Crowding.FULL, present_persons=130), 100, 0.1) == 130
    )
    assert persons_known(SiteStatus(site_id="s", crowding=Crowding.ROOM), 100, 0.1) == 70


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_margin_never_adds_more_than_declared(seats, margin):
    assert seats <= seats_with_margin(seats, margin) <= seats * (1 + margin) + 1e-6


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99)), max_size=8), st.randoms()
)
def test_the_order_in_which_reports_arrive_does_not_matter(rows, random):
    reports = [
        report(at, heard, present_persons=n)
        for at, heard, n in {(a, h): (a, h, n) for a, h, n in rows}.values()
    ]
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert current_status("s", reports) == current_status("s", shuffled)


def test_what_was_said_at_an_earlier_event_is_forgotten_but_a_damaged_building_stays_so():
    shut = current_status("s", [report(0, opening=Opening.CLOSED), report(5, crowding=Crowding.FULL)])
    damaged = current_status("s", [report(0, opening=Opening.UNUSABLE)])
    assert still_said(shut, T0 + SAID_FOR) == shut
    later = T0 + SAID_FOR + timedelta(minutes=1)
    assert still_said(shut, later).opening is None
    assert still_said(shut, later).crowding is Crowding.FULL
    assert still_said(shut, later + timedelta(hours=1)).crowding is None
    assert still_said(damaged, T0 + timedelta(days=400)) == damaged
