"""No count below five is shown, and none can be worked out from what stands beside it."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.services.small_counts import SMALL, total_without_small, without_small

COUNTS = st.lists(st.integers(0, 12), max_size=12)


def test_small_ones_are_withheld_and_nought_is_not():
    assert without_small([0, 4, 5, 1, 300]) == [0, None, 5, None, 300]


def test_a_single_small_one_takes_the_smallest_other_with_it():
    assert without_small([0, 4, 90, 30]) == [0, None, 90, None]


def test_what_adds_up_to_a_withheld_total_does_not_all_stand_there():
    assert without_small([7, 9], total_shown=False) == [None, 9]
    assert without_small([0, 0], total_shown=False) == [None, 0]
    assert without_small([3, 9], total_shown=False) == [None, 9]


@given(COUNTS, st.booleans())
def test_no_count_below_five_is_shown(counts, total_shown):
    shown = without_small(counts, total_shown=total_shown)
    assert all(one is None or one == 0 or one >= SMALL for one in shown)
    assert all(one is None or one == count for one, count in zip(shown, counts, strict=True))


def test_equal_small_ones_that_their_sum_would_tell_take_others_with_them():
    assert without_small([1, 1, 20, 30]) == [None, None, None, 30]
    assert without_small([4, 4, 20, 30]) == [None, None, None, 30]
    assert without_small([1] * 6 + [0] * 3) == [None] * 7 + [0] * 2
    assert without_small([4, 5, 5, 9]) == [None, None, None, 9]


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_whoever_knows_the_rule_and_the_total_can_work_out_no_small_count(rows):
    tables = defaultdict(list)
    for counts in itertools.product(range(SMALL + 3), repeat=rows):
        if total_without_small(sum(counts)) is not None:
            tables[tuple(without_small(counts)), sum(counts)].append(counts)
    for (shown, _), alike in tables.items():
        for row, one in enumerate(shown):
            possible = {counts[row] for counts in alike}
            assert one is not None or len(possible) > 1 or possible.pop() >= SMALL


@given(COUNTS)
def test_where_the_total_is_withheld_it_is_not_the_sum_of_what_is_shown(counts):
    shown = without_small(counts, total_shown=False)
    assert None in shown or not counts
