"""The time 気象庁 gives until level 4: who would not be there by then leaves now, and time never makes anybody stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelters.dangers import Water
from shelters.model import Action, Pace, ReasonCode, StructureRow
from tests.shelters.town import NOW_S, level, people, planned, site

WEST = {(-500.0, 0.0): site("west")}  # 600 m from the places below
PACES = [Pace.STANDARD, Pace.UNKNOWN, Pace.SLOW]


def actions(left_s: float | None, number: int = 3, **who: object) -> list[Action]:
    at = None if left_s is None else NOW_S + left_s
    made = planned(
        people([(100, 0)] * 3, pace=PACES, **who),  # type: ignore[arg-type]
        WEST,
        [level(number, expected_arrival_s=at)],
    )
    return [one.action for one in made.decisions()]


# 600 m: 600 s or 800 s on foot, 300 s until the door closes, 600 s in hand.
@pytest.mark.parametrize(
    ("left_s", "told"),
    [
        (None, [Action.PREPARE, Action.PREPARE, Action.GO]),
        (7200.0, [Action.PREPARE, Action.PREPARE, Action.GO]),
        (1701.0, [Action.PREPARE, Action.PREPARE, Action.GO]),
        (1600.0, [Action.PREPARE, Action.GO, Action.GO]),
        (1400.0, [Action.GO, Action.GO, Action.GO]),
        (300.0, [Action.GO, Action.GO, Action.GO]),
    ],
)
def test_who_would_not_be_there_by_then_leaves_now_the_slow_first(
    left_s: float | None, told: list[Action]
) -> None:
    assert actions(left_s) == told


def test_a_time_that_has_passed_says_nothing_by_itself() -> None:
    assert actions(-60.0) == actions(None)


def test_the_reason_is_that_time_is_needed() -> None:
    made = planned(
        people([(100, 0)], pace=Pace.STANDARD), WEST, [level(3, expected_arrival_s=NOW_S + 1400.0)]
    )
    (one,) = made.decisions()
    assert ReasonCode.NEEDS_TIME in one.reasons
    assert ReasonCode.PREPARE_NOW not in one.reasons


def test_who_has_no_site_to_walk_to_keeps_the_answer_of_the_level() -> None:
    made = planned(people([(100, 0)], pace=Pace.STANDARD), {}, [level(3, expected_arrival_s=NOW_S + 1400.0)])
    assert [one.action for one in made.decisions()] == [Action.PREPARE]


@given(
    left_s=st.floats(min_value=-3600, max_value=20_000),
    number=st.sampled_from([3, 4, 5]),
    depth=st.sampled_from([0.5, 2.0, 4.0, float("nan")]),
    floor=st.integers(0, 5),
)
def test_time_only_ever_turns_preparing_into_going(
    left_s: float, number: int, depth: float, floor: int
) -> None:
    water = Water(
        depth_m=np.full(3, depth), duration_h=np.full(3, 12.0), collapse_zone=np.zeros(3, dtype=np.int8)
    )

    def told(at: float | None) -> list[Action]:
        crowd = people([(100, 0)] * 3, pace=PACES, floor=floor, structure=StructureRow.SOLID)
        danger = level(number, water=water, expected_arrival_s=at)
        return [one.action for one in planned(crowd, WEST, [danger]).decisions()]

    for before, after in zip(told(None), told(NOW_S + left_s), strict=True):
        assert after is before or (before, after) == (Action.PREPARE, Action.GO)
