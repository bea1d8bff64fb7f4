"""What slopes, stairs, night and snow do to a walker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.foot import Foot, effort_m, slope_factor, speed_factor

slopes = st.floats(-0.4, 0.4)


def test_level_ground_costs_its_length_for_everybody():
    for foot in Foot:
        assert effort_m([120.0], [0.0], [False], foot) == [120.0]


def test_a_frail_walker_does_43_metres_a_minute_up_ten_percent():
    # 60 m/min on the level.
    assert 60.0 / slope_factor(0.10, Foot.SLOW) == pytest.approx(43.0, rel=0.02)
    assert 60.0 / slope_factor(0.10, Foot.SLOW) <= 43.0


def test_the_standard_walker_follows_toblers_function_uphill():
    # 6·exp(−3.5·|s + 0.05|) km/h: 5.037 level, 3.548 up 10 %.
    assert slope_factor(0.10, Foot.STANDARD) == pytest.approx(5.037 / 3.549, rel=1e-3)


@given(slopes, slopes)
def test_no_slope_is_faster_than_the_level_and_steeper_up_is_never_easier(one, other):
    low, high = sorted((abs(one), abs(other)))
    for foot in Foot:
        assert slope_factor(one, foot) >= 1.0
        assert slope_factor(high, foot) >= slope_factor(low, foot)


@given(slopes)
def test_up_is_never_easier_than_down(slope):
    for foot in Foot:
        assert slope_factor(abs(slope), foot) >= slope_factor(-abs(slope), foot)


@given(slopes)
def test_a_slower_foot_is_never_better_off(slope):
    standard, slow, wheels = (effort_m([10.0], [slope], [False], foot)[0] for foot in Foot)
    assert standard <= slow <= wheels


def test_stairs_cost_twice_their_length_and_wheels_cannot_take_them():
    assert effort_m([10.0], [0.0], [True], Foot.SLOW) == [20.0]
    assert effort_m([10.0], [-0.4], [True], Foot.STANDARD) == [20.0]
    assert effort_m([10.0], [0.0], [True], Foot.STEP_FREE) == [np.inf]


def test_a_long_climb_of_stairs_takes_a_second_for_each_21_centimetres():
    # 100 m at 40 %: 40 m up in 190.5 s, which are 190.5 level metres at 1 m/s, less than twice the length;
    # at twice that steepness the climb decides.
    assert effort_m([100.0], [0.4], [True], Foot.STANDARD) == [200.0]
    assert effort_m([100.0], [0.8], [True], Foot.STANDARD) == pytest.approx([80.0 / 0.21])


def test_wheels_go_round_what_is_steeper_than_eight_percent():
    below, above = slope_factor([0.079, 0.081], Foot.STEP_FREE)
    assert above > 2.9 * below
    assert slope_factor(-0.1, Foot.STEP_FREE) > 2.9


def test_an_unknown_slope_counts_as_level():
    assert effort_m([10.0], [np.nan], [False], Foot.SLOW) == [10.0]


def test_night_and_snow_slow_a_walker_down_together():
    assert speed_factor() == 1.0
    assert speed_factor(night=True) == 0.8
    assert speed_factor(snow=True) == 0.5
    assert speed_factor(night=True, snow=True) == pytest.approx(0.4)
