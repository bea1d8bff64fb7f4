"""One worked example for each answer to a level, reckoned by hand, and what may never be answered.

One storey is taken for 2.5 m and half a metre is kept: the third floor lies 2 x 2.5 = 5.0 m up, so it is above water
of up to 4.5 m, and no floor above water of 3 m (早期立退き避難区域).
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.hazards import HazardKind as H
from shelters.dangers import Water
from shelters.model import Action, Facet, Pace, People, StructureRow
from shelters.triage import ACTIONS, by_level, leaves_for_power, may_stay
from tests.shelters.town import level, planned, site

ROW = np.arange(1)


def household(*, floor=3, structure=StructureRow.SOLID, pace=Pace.STANDARD, needs=0):
    return People(
        xy_m=np.array([[100.0, 0.0]]),
        persons=np.array([2], dtype=np.int32),
        pace=np.array([pace], dtype=np.int8),
        floor=np.array([floor], dtype=np.int16),
        structure=np.array([structure], dtype=np.int8),
        holds_seat=np.array([True]),
        needs=np.array([needs], dtype=np.uint8),
    )


def water(depth=1.0, hours=12.0, zone=0):
    return Water(
        depth_m=np.array([depth]), duration_h=np.array([hours]), collapse_zone=np.array([zone], dtype=np.int8)
    )


KNOWN = water()


def answer(number, hazard=H.FLOOD, *, at=KNOWN, blur=None, **who):
    danger, people = level(number, hazard, water=at), household(**who)
    blur_m = None if blur is None else np.array([blur])
    return ACTIONS[by_level(danger, people, ROW, blur_m)[0]]


POWER = int(Facet.POWER)


def test_level_3_prepare_who_can_leave_fast_and_go_who_cannot():
    assert answer(3, at=None) is Action.PREPARE
    assert answer(3, at=None, pace=Pace.UNKNOWN) is Action.PREPARE
    assert answer(3, at=None, pace=Pace.SLOW) is Action.GO


def test_level_4_go():
    assert answer(4, at=None) is Action.GO


def test_level_5_up_even_where_staying_was_the_answer_before():
    assert answer(4) is Action.STAY
    assert answer(5) is Action.UP and answer(5, pace=Pace.SLOW, needs=POWER) is Action.UP


def test_stay_two_floors_above_a_metre_of_water_that_goes_in_half_a_day():
    # 1.0 + 0.5 m <= 5.0 m up; 12 h <= 72 h; outside the zones; a solid house.
    assert answer(4) is Action.STAY and answer(3) is Action.STAY and answer(3, pace=Pace.SLOW) is Action.STAY


@pytest.mark.parametrize("hazard", [H.FLOOD, H.STORM_SURGE, H.INLAND_FLOOD])
def test_stay_is_an_answer_to_water_alone(hazard):
    assert answer(4, hazard) is Action.STAY


@pytest.mark.parametrize("hazard", [H.LANDSLIDE, H.LARGE_FIRE, H.EARTHQUAKE, H.VOLCANO])
def test_upstairs_in_a_solid_house_is_no_stay_when_the_slope_comes_down_or_it_burns(hazard):
    assert answer(4, hazard) is Action.GO


def test_the_floor_decides_by_half_a_metre():
    # The second floor lies 2.5 m up: above 2.0 m of water and not above 2.01 m.
    assert answer(4, floor=2, at=water(depth=2.0)) is Action.STAY
    assert answer(4, floor=2, at=water(depth=2.01)) is Action.GO
    # Just under 3 m still lies under the third floor (5.0 m); from 3 m on everybody leaves, however high.
    assert answer(4, floor=3, at=water(depth=2.99)) is Action.STAY
    assert answer(4, floor=20, at=water(depth=3.0)) is Action.GO
    # The ground floor never, were it dry.
    assert answer(4, floor=1, at=water(depth=0.0)) is Action.GO


def test_three_days_of_water_are_the_most_one_sits_out():
    assert answer(4, at=water(hours=72.0)) is Action.STAY and answer(4, at=water(hours=72.1)) is Action.GO


@pytest.mark.parametrize(
    "unknown",
    [
        {"at": None},
        {"at": water(depth=np.nan)},
        {"at": water(hours=np.nan)},
        {"at": water(zone=-1)},
        {"at": water(zone=1)},
        {"floor": 0},
        {"structure": StructureRow.UNKNOWN},
        {"structure": StructureRow.WOODEN},
        {"blur": 125.0},
    ],
)
def test_each_thing_unknown_or_bad_alone_means_leave(unknown):
    assert answer(
        4, blur=unknown.get("blur"), **{key: one for key, one in unknown.items() if key != "blur"}
    ) is (Action.GO)


def test_who_depends_on_power_leaves_at_level_3_and_never_stays():
    assert answer(3, at=None, needs=POWER) is Action.GO  # the others of this pace prepare
    assert answer(3, needs=POWER) is Action.GO  # the others on this floor stay
    assert answer(4, needs=POWER) is Action.GO


def test_who_needs_time_leaves_at_level_3_whatever_the_pace_that_was_given():
    """高齢者等避難 is for whoever needs time: a wheelchair or a ventilator takes it, a pet does not."""
    assert answer(3, H.LANDSLIDE, needs=POWER) is Action.GO
    assert answer(3, H.LANDSLIDE, needs=int(Facet.STEP_FREE)) is Action.GO
    assert answer(3, at=None, needs=int(Facet.STEP_FREE | Facet.PETS)) is Action.GO
    assert answer(3, at=None, needs=int(Facet.PETS)) is Action.PREPARE
    assert answer(3, needs=int(Facet.STEP_FREE)) is Action.STAY  # above the water, as the slow ones there


def test_power_is_the_reason_only_where_nothing_else_is():
    def reason(number, *, at=KNOWN, blur=None, **who):
        people = household(needs=POWER, **who)
        blur_m = None if blur is None else np.array([blur])
        return bool(leaves_for_power(level(number, water=at), people, ROW, blur_m)[0])

    assert reason(3) and reason(3, at=None) and reason(4)
    assert not reason(3, at=None, pace=Pace.SLOW)  # slow households go anyway
    assert not reason(4, at=None) and not reason(4, blur=125.0) and not reason(5)


NUMBERS = st.one_of(st.just(np.nan), st.floats(0, 30))


@given(
    st.sampled_from([3, 4, 5, None]),
    st.sampled_from(list(H)),
    st.tuples(NUMBERS, st.one_of(st.just(np.nan), st.floats(0, 700)), st.sampled_from([-1, 0, 1])),
    st.tuples(st.integers(0, 30), st.sampled_from(list(StructureRow)), st.sampled_from(list(Pace))),
    st.tuples(st.integers(0, 7), st.sampled_from([0.0, 177.0])),
)
def test_staying_is_answered_only_when_everything_is_known_and_fine(number, hazard, told, who, more):
    (depth, hours, zone), (floor, structure, pace), (needs, blur) = told, who, more
    found = answer(
        number,
        hazard,
        at=water(depth, hours, zone),
        blur=blur,
        floor=floor,
        structure=structure,
        pace=pace,
        needs=needs,
    )
    if found is Action.STAY:
        assert hazard in {H.FLOOD, H.STORM_SURGE, H.INLAND_FLOOD} and number in {3, 4}
        assert depth < 3.0 and hours <= 72.0 and zone == 0
        assert floor >= 2 and structure is StructureRow.SOLID and not needs & POWER and blur == 0
    if number == 5 and hazard is not H.TSUNAMI:
        assert found is Action.UP
    people = household(floor=floor, structure=structure, pace=pace, needs=needs)
    stays = may_stay(level(number, hazard, water=water(depth, hours, zone)), people, ROW, np.array([blur]))
    assert bool(stays[0]) == (found is Action.STAY)


@pytest.mark.parametrize(
    ("water_level", "slope_level", "pace", "expected"),
    [
        (4, 4, Pace.STANDARD, Action.GO),
        (4, 3, Pace.STANDARD, Action.GO),
        (3, 3, Pace.SLOW, Action.GO),
        (3, 3, Pace.STANDARD, Action.PREPARE),
    ],
)
def test_a_floor_above_the_water_is_no_answer_to_an_order_for_the_slope_behind_the_house(
    water_level, slope_level, pace, expected
):
    who = household(pace=pace)
    over = level(water_level, H.FLOOD, water=KNOWN)
    alone = planned(who, {(-500, 0): site("a")}, [over])
    assert [one.action for one in alone.decisions()] == [Action.STAY]
    both = planned(who, {(-500, 0): site("a")}, [over, level(slope_level, H.LANDSLIDE)])
    assert [one.action for one in both.decisions()] == [expected]


def test_a_second_order_that_allows_staying_too_changes_nothing():
    both = [level(4, H.FLOOD, water=KNOWN), level(4, H.INLAND_FLOOD, water=KNOWN)]
    made = planned(household(), {(-500, 0): site("a")}, both)
    assert [one.action for one in made.decisions()] == [Action.STAY]
