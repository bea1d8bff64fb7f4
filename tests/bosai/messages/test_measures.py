"""Distances, minutes, times and directions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.messages.measures import COMPASS, compass_of, distance_text, minutes_of, time_text


@pytest.mark.parametrize(
    ("metres", "said"),
    [(0, "10m"), (344, "340m"), (994, "990m"), (995, "1.0km"), (1249, "1.2km"), (12_340, "12.3km")],
)
def test_distances_are_rounded_as_people_say_them(metres: int, said: str) -> None:
    assert distance_text(metres) == said


@given(st.integers(min_value=0, max_value=100_000))
def test_minutes_are_never_fewer_than_it_takes(seconds: int) -> None:
    assert minutes_of(seconds) * 60 >= seconds
    assert minutes_of(seconds) >= 1


def test_times_are_japans_and_other_days_are_named() -> None:
    now = datetime(2026, 11, 23, 5, 6, tzinfo=UTC)
    assert time_text(now, now) == "14:06"
    assert time_text(datetime(2026, 11, 22, 14, 59, tzinfo=UTC), now) == "11/22 23:59"
    assert time_text(datetime(2026, 11, 22, 15, 0, tzinfo=UTC), now) == "00:00"
    assert time_text(datetime(2011, 3, 11, 5, 49, tzinfo=UTC), now) == "2011/3/11 14:49"


@pytest.mark.parametrize(
    ("east", "north", "said"),
    list(zip((0, 1, 1, 1, 0, -1, -1, -1), (1, 1, 0, -1, -1, -1, 0, 1), COMPASS, strict=True)),
)
def test_the_eight_directions(east: int, north: int, said: str) -> None:
    from math import cos, radians

    here = (140.95, 38.22)
    assert compass_of(here, (here[0] + east * 0.01 / cos(radians(here[1])), here[1] + north * 0.01)) == said
