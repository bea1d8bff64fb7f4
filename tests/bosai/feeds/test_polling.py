"""When to ask and what is too old, as functions of a clock that is passed in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.freshness import check_of_now
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.polling import (
    GAP_FILL_AFTER,
    POLL_INTERVAL,
    SLOWEST,
    back_off_s,
    is_silent,
    long_feed_url,
    needs_gap_fill,
    next_poll_at,
    retry_after_s,
    slowdown,
    source_name,
)
from tests.bosai.feeds.telegrams import JST, item, report

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=JST)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now_s", "next_s"), [(0.0, 20), (19.999, 20), (20.0, 80), (20.001, 80), (59.0, 80), (79.0, 80)]
)
def test_the_feed_is_asked_at_twenty_seconds_past_the_minute(now_s: float, next_s: int):
    assert next_poll_at(NOON + timedelta(seconds=now_s)) == NOON + timedelta(seconds=next_s)


@given(
    now=st.integers(0, 20 * 365 * 86_400_000_000).map(
        lambda us: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    ),
    second=st.integers(0, 59),
    interval_s=st.sampled_from([10, 60, 120, 3600]),
)
def test_the_next_poll_is_always_ahead_and_within_one_interval(now: datetime, second: int, interval_s: int):
    interval = timedelta(seconds=interval_s)
    at = next_poll_at(now, second=second, interval=interval)
    assert now < at <= now + interval
    assert (at.timestamp() - second) % interval_s == 0
    assert next_poll_at(at, second=second, interval=interval) == at + interval


def test_the_time_zone_of_the_clock_is_kept():
    assert next_poll_at(NOON).utcoffset() == timedelta(hours=9)


@given(failures=st.integers(1, 500), seed=st.integers())
def test_back_off_grows_with_jitter_up_to_its_cap(failures: int, seed: int):
    ceiling = min(60.0, 2.0 * 2 ** (failures - 1))
    wait_s = back_off_s(failures, random.Random(seed))
    assert ceiling / 2 <= wait_s <= ceiling
    assert wait_s == back_off_s(failures, random.Random(seed))


def test_back_off_of_no_failure_is_none_and_retry_after_is_a_floor():
    assert back_off_s(0, random.Random(1)) == 0.0
    assert back_off_s(1, random.Random(1), retry_after_s=300) == 300
    assert len({back_off_s(6, random.Random(seed)) for seed in range(20)}) == 20


def test_a_gap_of_more_than_ten_minutes_is_filled_and_five_silent_ones_alarm():
    assert needs_gap_fill(None, NOON)
    assert not needs_gap_fill(NOON - 10 * MINUTE, NOON)
    assert needs_gap_fill(NOON - 10 * MINUTE - timedelta(seconds=1), NOON)
    assert not is_silent(NOON - 5 * MINUTE, NOON)
    assert is_silent(NOON - 5 * MINUTE - timedelta(seconds=1), NOON)


def test_the_long_feed_lies_beside_the_short_one():
    assert long_feed_url("https://a.test/feed/eqvol.xml") == "https://a.test/feed/eqvol_l.xml"
    with pytest.raises(ValueError, match="must end in"):
        long_feed_url("https://a.test/feed/")


@pytest.mark.parametrize(
    ("now", "fresh"),
    [
        (NOON, True),
        (NOON + 30 * MINUTE, True),
        (NOON + 30 * MINUTE + timedelta(seconds=1), False),
        (NOON - 10 * MINUTE, True),
        (NOON - 10 * MINUTE - timedelta(seconds=1), False),
    ],
)
def test_live_takes_only_telegrams_of_now(now: datetime, fresh: bool):
    source = parse_telegram(report(item(), report_at=NOON)).source
    refused = check_of_now(source, now)
    assert (refused is None) is fresh
    if refused is not None:
        assert refused.age == now - NOON
        assert "発表時刻 2026-04-01T12:00:00+09:00" in str(refused)


def test_the_telegrams_of_2011_are_refused_today_and_taken_on_their_own_clock():
    source = parse_telegram(report(item(), report_at=datetime(2011, 3, 11, 14, 49, tzinfo=JST))).source
    today = datetime(2026, 11, 23, 12, 0, tzinfo=JST)
    assert check_of_now(source, today) is not None
    assert check_of_now(source, source.report_at + MINUTE) is None
    assert check_of_now(source, today, max_age=timedelta(days=10_000)) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999999999", 3600.0),
        ("Wed, 01 Apr 2026 03:01:30 GMT", 90.0),
        ("Wed, 01 Apr 2026 02:00:00 GMT", 0.0),
        ("Thu, 02 Apr 2026 03:00:00 GMT", 3600.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("１２０", None),
    ],
)
def test_what_a_server_asks_to_wait_is_read_as_seconds_or_as_a_date_and_is_never_more_than_an_hour(
    text: str, seconds: float | None
):
    assert retry_after_s(text, NOON) == seconds


def test_a_feed_is_called_by_its_file_name():
    assert source_name("https://a.test/developer/xml/feed/eqvol.xml") == "eqvol"


GB = 1_000_000_000


def slowed(own: float, total: float, sources: int = 4) -> float:
    return slowdown(
        own_bytes=int(own * GB),
        all_bytes=int(total * GB),
        limit_bytes=10 * GB,
        warn_share=0.5,
        sources=sources,
    )


def test_below_the_warning_mark_nobody_is_slowed():
    assert slowed(4.9, 4.9) == 1.0


def test_above_it_who_takes_much_is_slowed_and_who_takes_little_is_not():
    assert slowed(4.9, 5.1) >= 2.0
    assert slowed(0.1, 8.9) == 1.0
    assert slowed(4.9, 8.0) > slowed(4.9, 6.0)


def test_the_slowest_turn_still_comes_before_a_high_frequency_feed_forgets():
    assert SLOWEST * POLL_INTERVAL < GAP_FILL_AFTER


def test_near_the_limit_all_are_slowed_and_beyond_it_nobody_is_stopped():
    assert 2.0 <= slowed(0.1, 9.1) < SLOWEST
    assert slowed(0.1, 10.0) == slowed(9.0, 30.0) == SLOWEST


@given(own=st.floats(0, 20), other=st.floats(0, 20), more=st.floats(0, 5), sources=st.integers(1, 8))
def test_more_volume_never_makes_a_source_quicker(own: float, other: float, more: float, sources: int):
    before, after = slowed(own, own + other, sources), slowed(own, own + other + more, sources)
    assert 1.0 <= before <= after <= SLOWEST
