"""One worked example for each answer to a tsunami, reckoned by hand.

Pace 1.0 m/s, 5 minutes to the door, 10 minutes kept before the wave: with 40 minutes left one gets
(2,400 - 300 - 600) s x 1.0 m/s = 1,500 m; with 15 minutes left, nothing.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelters.model import Action
from shelters.pace import Pacing
from shelters.triage import ACTIONS
from shelters.tsunami import TsunamiView, for_tsunami, is_seaward, reachable_m

PACING = Pacing()
INF = np.inf


def answer(
    *, go=INF, refuge=INF, landward=None, inland=INF, left=2400.0, advisory=False, night=False, pace=1.0
):
    def one(figure):
        return np.array([figure], dtype=np.float64)

    view = TsunamiView(
        go_m=one(go),
        refuge_m=one(refuge),
        landward_refuge_m=one(refuge if landward is None else landward),
        inland_m=one(inland),
        speed_mps=one(pace),
        left_s=one(left),
    )
    found = for_tsunami(view, PACING, advisory=advisory, night=night)
    return (
        ACTIONS[found.action[0]],
        float(found.limit_m[0]),
        bool(found.seaward_too[0]),
        bool(found.in_time[0]),
    )


def test_forty_minutes_are_fifteen_hundred_metres_by_day_and_nine_hundred_and_sixty_by_night():
    left, speed = np.array([2400.0]), np.array([1.0])
    assert reachable_m(left, speed, PACING, night=False)[0] == 1500.0
    # At night 10 minutes to the door; the pace is the caller's: (2,400 - 600 - 600) x 0.8 = 960 m.
    assert reachable_m(left, speed * 0.8, PACING, night=True)[0] == pytest.approx(960.0)
    assert reachable_m(np.array([900.0]), speed, PACING, night=False)[0] == -1.0


def test_go_when_the_site_is_in_time_and_not_more_than_twice_the_way_inland():
    # 1,400 m <= 1,500 m in time, and <= 2 x 700 m.
    assert answer(go=1400, refuge=100, inland=700) == (Action.GO, 1400.0, False, True)


def test_inland_when_the_site_is_more_than_twice_as_far():
    # 1,401 m > 2 x 700 m, and 700 m are in time.
    assert answer(go=1401, refuge=100, inland=700)[0] is Action.INLAND


def test_inland_when_the_site_is_too_far_for_the_time_left_and_the_way_out_is_not():
    # 1,501 m > 1,500 m in time; 1,000 m inland are.
    assert answer(go=1501, refuge=100, inland=1000) == (Action.INLAND, INF, False, True)


def test_refuge_when_nothing_outside_is_in_time():
    # Inland 1,600 m > 1,500 m; the tower at 300 m is the shortest walk.
    assert answer(go=1700, refuge=300, inland=1600) == (Action.REFUGE, INF, False, False)


def test_inland_though_late_when_the_way_out_is_shorter_than_any_refuge():
    # 15 minutes left: nothing is in time, so the shortest walk counts: 200 m inland before 300 m to the tower.
    assert answer(go=900, refuge=300, inland=200, left=900) == (Action.INLAND, INF, False, False)


def test_go_though_late_when_the_site_is_nearer_than_refuge_and_the_way_out():
    assert answer(go=150, refuge=300, inland=200, left=900) == (Action.GO, INF, False, False)


def test_a_refuge_towards_the_sea_only_for_who_has_nothing_else():
    # A tower at 100 m, but towards the sea; inland exists, so it is not looked at.
    assert answer(refuge=100, landward=INF, inland=1600, left=900)[0] is Action.INLAND
    # A tower away from the sea exists at 400 m: that one.
    assert answer(refuge=100, landward=400, inland=INF, left=900) == (Action.REFUGE, INF, False, False)
    # Neither: the one towards the sea is named.
    assert answer(refuge=100, landward=INF, inland=INF, left=900) == (Action.REFUGE, INF, True, False)


def test_up_where_there_is_nothing_at_all():
    assert answer()[0] is Action.UP


def test_an_advisory_is_answered_inland_whatever_the_time():
    assert answer(go=50, inland=400, left=0, advisory=True) == (Action.INLAND, INF, False, True)


def test_who_stands_outside_already_in_a_site_that_failed_is_sent_to_the_next_one_however_far():
    # Inland is 0 m: twice that would forbid every site, and the wave does not come here.
    assert answer(go=4000, inland=0, left=0) == (Action.GO, INF, False, True)
    assert answer(inland=0, left=0) == (Action.INLAND, INF, False, True)


def test_towards_the_sea_is_more_than_a_hundred_metres_that_way():
    # The sea lies in the east (90°): 99 m east is beside, 101 m is seaward, any way west is not.
    here = np.array([[0.0, 0.0]] * 3)
    there = np.array([[99.0, 900.0], [101.0, 0.0], [-5000.0, 0.0]])
    assert is_seaward(here, there, 90.0).tolist() == [False, True, False]
    several = is_seaward(here[:2], np.array([there, there]), 90.0)
    assert several.tolist() == [[False, True, False]] * 2


METRES = st.one_of(st.just(INF), st.floats(1, 5000))


@given(st.tuples(METRES, METRES, METRES, METRES), st.floats(0, 9000), st.booleans())
def test_the_answer_names_only_what_exists(walks, left, advisory):
    go, refuge, landward, inland = walks
    action, limit, seaward_too, in_time = answer(
        go=go, refuge=min(refuge, landward), landward=landward, inland=inland, left=left, advisory=advisory
    )
    if action is Action.GO:
        assert np.isfinite(go) and go <= limit
    if action is Action.INLAND:
        assert np.isfinite(inland)
    if action is Action.REFUGE:
        assert np.isfinite(min(refuge, landward) if seaward_too else landward)
    if action is Action.UP:
        assert not np.isfinite(min(go, inland, refuge if seaward_too else landward))
    if in_time:
        reach = reachable_m(np.array([left]), np.array([1.0]), PACING, night=False)[0]
        assert advisory or (go if action is Action.GO else inland) <= reach


@given(METRES, METRES, METRES, st.floats(0, 9000), st.floats(0, 9000))
def test_more_time_never_turns_a_way_out_into_a_refuge(go, refuge, inland, first, second):
    less, more = sorted((first, second))
    if answer(go=go, refuge=refuge, inland=inland, left=less)[3]:
        assert answer(go=go, refuge=refuge, inland=inland, left=more)[3]
