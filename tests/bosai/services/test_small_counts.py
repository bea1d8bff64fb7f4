"""No count below five is shown, and none can be worked out from what stands beside it."""

from __future__ import annotations

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
    assert without_small([0, 0], total_shown=False) == [0, 0]
    assert without_small([3, 9], total_shown=False) == [None, 9]


@given(COUNTS, st.booleans())
def test_no_count_below_five_is_shown(counts, total_shown):
    shown = without_small(counts, total_shown=total_shown)
    assert all(one is None or one == 0 or one >= SMALL for one in shown)
    assert all(one is None or one == count for one, count in zip(shown, counts, strict=True))


@given(COUNTS)
def test_every_withheld_count_could_be_another_one_with_the_same_total(counts):
    if total_without_small(sum(counts)) is None:
        return
    shown = without_small(counts)
    withheld = [row for row, one in enumerate(shown) if one is None]
    # Each is at least 1, so one person more here and one fewer there shows the very same table.
    assert len(withheld) != 1
    assert all(counts[row] >= 1 for row in withheld)


@given(COUNTS)
def test_where_the_total_is_withheld_it_is_not_the_sum_of_what_is_shown(counts):
    shown = without_small(counts, total_shown=False)
    assert None in shown or sum(counts) == 0
