"""The clock says who should be there, the head count how many can be."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelters.heads import in_the_count
from shelters.ledger import nobody_told
from shelters.model import Action
from shelters.triage import ACTION_ROW

NOW = 1_800_000_000.0
MINUTE = 60.0


def told(*rows):
    """(site, decided minutes ago, walk minutes, arrived minutes ago or None, declined) of each row."""
    blank = nobody_told(len(rows))
    return replace(
        blank,
        site=np.array([one[0] for one in rows], dtype=np.int64),
        action=np.full(len(rows), ACTION_ROW[Action.GO], dtype=np.int8),
        decided_s=np.array([NOW - one[1] * MINUTE for one in rows]),
        walk_s=np.array([one[2] * MINUTE for one in rows], dtype=np.float64),
        arrived_s=np.array([np.nan if one[3] is None else NOW - one[3] * MINUTE for one in rows]),
        declined=np.array([one[4] for one in rows], dtype=np.bool_),
    )


def inside(rows, present, persons=None, holds=None, counted_min_ago=0.0):
    count = len(rows)
    return in_the_count(
        told(*rows),
        np.array(persons or [1] * count, dtype=np.int64),
        np.array(holds or [True] * count, dtype=np.bool_),
        counted_at_s=np.array([NOW - counted_min_ago * MINUTE] * len(present)),
        present=np.array(present, dtype=np.int64),
        late_start_s=5 * MINUTE,
    ).tolist()


def test_an_empty_hall_has_nobody_in_its_count_whatever_the_clock_says():
    # Told 60 minutes ago, 10 minutes to walk: all should be there, and the count of just now says 0.
    assert inside([(0, 60, 10, None, False)] * 3, [0]) == [False] * 3


def test_the_count_has_room_for_those_who_should_have_been_there_first():
    # Due 25, 45 and 35 minutes ago; two heads are there.
    rows = [(0, 40, 10, None, False), (0, 60, 10, None, False), (0, 50, 10, None, False)]
    assert inside(rows, [2]) == [False, True, True]


def test_a_party_that_does_not_fit_the_count_whole_is_still_on_its_way():
    rows = [(0, 60, 10, None, False), (0, 50, 10, None, False)]
    assert inside(rows, [4], persons=[2, 3]) == [True, False]


def test_who_said_arrived_before_the_count_is_in_it_and_uses_its_heads_up():
    rows = [(0, 60, 10, None, False), (0, 60, 10, 30, False)]
    assert inside(rows, [1]) == [False, True]
    # Said after the count: not in it.
    assert inside([(0, 60, 10, 1, False)], [9], counted_min_ago=5) == [False]


def test_a_relatives_place_uses_no_heads_and_who_declined_is_not_there():
    rows = [(0, 60, 10, None, False), (0, 50, 10, None, False), (0, 60, 10, None, True)]
    assert inside(rows, [1], holds=[False, True, True]) == [True, True, False]


def test_each_site_has_a_count_of_its_own_and_a_silent_one_has_none():
    rows = [(1, 60, 10, None, False), (0, 60, 10, None, False), (1, 50, 10, None, False)]
    assert inside(rows, [1, 1]) == [True, True, False]
    silent = in_the_count(
        told(*rows),
        np.ones(3, dtype=np.int64),
        np.ones(3, dtype=np.bool_),
        counted_at_s=np.array([np.nan, NOW]),
        present=np.array([-1, 9]),
        late_start_s=0.0,
    )
    assert silent.tolist() == [True, False, True]


ROWS = st.lists(
    st.tuples(
        st.integers(-1, 2),
        st.integers(0, 90),
        st.integers(0, 30),
        st.one_of(st.none(), st.integers(0, 60)),
        st.booleans(),
    ),
    max_size=12,
)


@given(ROWS, st.lists(st.integers(0, 8), min_size=3, max_size=3), st.randoms())
def test_the_unanswered_in_a_count_are_due_and_never_more_than_its_heads(rows, present, random):
    persons = [random.randint(1, 4) for _ in rows]
    found = inside(rows, present, persons=persons)
    for (site, decided, walk, arrived, declined), here in zip(rows, found, strict=True):
        due_ago = decided - 5 - walk if arrived is None else arrived
        assert not here or (site >= 0 and not declined and due_ago >= 0)
    for site in range(3):
        answered = sum(
            n
            for n, row, here in zip(persons, rows, found, strict=True)
            if here and row[0] == site and row[3] is not None
        )
        walked = sum(
            n
            for n, row, here in zip(persons, rows, found, strict=True)
            if here and row[0] == site and row[3] is None
        )
        assert walked <= max(0, present[site] - answered)


@given(ROWS, st.lists(st.integers(0, 8), min_size=3, max_size=3))
def test_more_heads_never_put_somebody_back_on_the_way(rows, present):
    fewer, more = inside(rows, present), inside(rows, [one + 1 for one in present])
    assert all(later or not before for before, later in zip(fewer, more, strict=True))
