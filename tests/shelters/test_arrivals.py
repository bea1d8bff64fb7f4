"""How many people are at each site over the next hours: nobody is lost, nobody is counted twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelters.arrivals import Arrivals, Leaving, arrivals
from shelters.errors import LengthsDiffer

LEAVING = Leaving(first_s=120.0, half_s=720.0)


def curve(parties, *, sites=2, leaving=LEAVING, **extra):
    """parties: (site, walk_s, persons, told_ago_s)."""
    columns = np.array(parties, dtype=np.float64).reshape(-1, 4)
    return arrivals(
        columns[:, 0].astype(np.int64),
        columns[:, 1],
        columns[:, 2],
        columns[:, 3],
        sites=sites,
        leaving=leaving,
        **extra,
    )


def test_nobody_leaves_before_the_first_minute_and_half_have_left_at_the_half():
    assert LEAVING.share_gone(np.array([0.0, 119.0, 120.0])).tolist() == [0.0, 0.0, 0.0]
    assert LEAVING.share_gone(np.array([720.0]))[0] == pytest.approx(0.5)
    assert LEAVING.share_gone(np.array([1320.0]))[0] == pytest.approx(1 - 2**-4)


def test_a_hundred_people_eight_minutes_away_by_hand():
    # Half of them have left after 12 minutes, so half are there after 20: the third figure of the curve.
    found = curve([(0, 480, 100, 0)])
    assert found.there[0, :2].tolist() == [0.0, 0.0]
    assert found.there[0, 2] == pytest.approx(50.0)
    assert found.there[0, 3] == pytest.approx(100 * (1 - 2 ** -((1200 / 600) ** 2)))
    assert found.there[1].tolist() == [0.0] * 19
    assert found.there[0, -1] + found.later[0] == pytest.approx(100.0)


def test_whoever_was_told_before_is_there_that_much_sooner():
    now, before = curve([(0, 480, 100, 0)]), curve([(0, 480, 100, 1200)])
    assert before.there[0, :-2].tolist() == pytest.approx(now.there[0, 2:].tolist())


def test_a_site_fills_between_the_steps_where_its_seats_run_out():
    rising = Arrivals(
        there=np.array([[0.0, 20.0, 60.0], [0.0, 0.0, 10.0], [5.0, 9.0, 9.0]]), later=np.zeros(3)
    )
    found = rising.fills_after_s(np.array([40.0, 10.0, 4.0]))
    assert found[0] == pytest.approx(900.0)
    assert np.isnan(found[1])  # all seats taken is not more than all
    assert found[2] == 0.0


def test_a_site_without_a_free_seat_is_beyond_them_with_the_first_person():
    found = curve([(0, 0, 100, 0)]).fills_after_s(np.array([-5.0, 0.0]))
    assert found[0] == 0.0
    assert np.isnan(found[1])


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(LengthsDiffer):
        arrivals(np.array([0]), np.zeros(2), np.zeros(1), np.zeros(1), sites=1, leaving=LEAVING)
    with pytest.raises(LengthsDiffer):
        curve([]).fills_after_s(np.zeros(3))
    with pytest.raises(ValueError, match="half_s"):
        Leaving(first_s=600, half_s=600)


PARTIES = st.lists(
    st.tuples(
        st.integers(-1, 2),
        st.floats(0, 20_000) | st.just(np.inf),
        st.floats(0, 500),
        st.floats(0, 10_000),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(PARTIES, st.floats(0, 1000), st.floats(1, 5000))
def test_what_is_there_never_falls_and_with_the_rest_makes_up_everybody_sent(parties, first_s, spread_s):
    found = curve(parties, sites=3, leaving=Leaving(first_s=first_s, half_s=first_s + spread_s))
    sent = [sum(p for s, walk, p, _ in parties if s == n and walk < np.inf) for n in range(3)]
    assert (np.diff(found.there, axis=1) >= 0).all()
    assert (found.there >= 0).all() and (found.later >= 0).all()
    assert (found.there[:, -1] + found.later).tolist() == pytest.approx(sent)


@settings(max_examples=60, deadline=None)
@given(PARTIES, st.integers(1, 200))
def test_more_seats_never_fill_sooner(parties, seats):
    found = curve(parties, sites=3)
    few, many = (found.fills_after_s(np.full(3, float(one))) for one in (seats, seats + 50))
    assert ((many >= few) | np.isnan(many)).all()
