"""Design §6.2: out of the area, inland, or up, by the time that is left."""

from dataclasses import replace

import numpy as np
import pytest

from geodata.hazards import HazardKind
from shelters.model import Action, Pace, ReasonCode, SiteForm
from shelters.planning import plan
from tests.shelters.town import RULES, people, planned, problem, site, site_ids, tsunami

TOWER = {(2500.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER, hazards=frozenset({HazardKind.TSUNAMI}))}
HOUR = 3600.0


def test_a_fit_site_outside_is_named_when_there_is_time_for_it():
    made = planned(people([(1000, 0)]), {(-500.0, 0.0): site("west")} | TOWER, [tsunami(arrives_in_s=HOUR)])
    (one,) = made.decisions()
    assert (one.action, site_ids(made), one.walk_m, one.floor_label) == (Action.GO, ["west"], 1500, "")
    assert ReasonCode.OUTSIDE_AREA in one.reasons


def test_inland_comes_before_a_site_more_than_twice_as_far():
    made = planned(people([(400, 0)]), {(-500.0, 0.0): site("west")}, [tsunami(arrives_in_s=HOUR)])
    (one,) = made.decisions()
    assert one.action is Action.INLAND and one.site == -1
    assert one.exit_xy_m is not None and one.exit_xy_m[0] <= 0
    assert one.walk_m == pytest.approx(420, abs=2)


def test_without_time_the_nearest_refuge_is_named_even_though_the_way_out_exists():
    made = planned(people([(2400, 0)]), {(-500.0, 0.0): site("west")} | TOWER, [tsunami(arrives_in_s=1200)])
    (one,) = made.decisions()
    assert (one.action, site_ids(made)) == (Action.REFUGE, ["tower"])
    assert ReasonCode.HIGHER_NOW in one.reasons


def test_an_unknown_arrival_counts_as_now():
    made = planned(people([(2400, 0)]), {(-500.0, 0.0): site("west")} | TOWER, [tsunami(arrives_in_s=None)])
    (one,) = made.decisions()
    assert one.action is Action.REFUGE and ReasonCode.TIME_UNKNOWN in one.reasons


def test_a_passed_arrival_counts_as_now_without_saying_that_it_is_unknown():
    made = planned(people([(2400, 0)]), TOWER, [tsunami(arrives_in_s=-60)])
    (one,) = made.decisions()
    assert one.action is Action.REFUGE and ReasonCode.TIME_UNKNOWN not in one.reasons


def test_near_the_edge_inland_is_shorter_than_any_refuge_even_without_time():
    made = planned(people([(100, 0)]), TOWER, [tsunami(arrives_in_s=None)])
    assert [one.action for one in made.decisions()] == [Action.INLAND]


def test_a_refuge_towards_the_sea_is_not_named_while_there_is_a_way_inland():
    made = planned(people([(2300, 0)]), TOWER, [tsunami(arrives_in_s=None)])
    assert [one.action for one in made.decisions()] == [Action.INLAND]


def test_stairs_at_the_foot_of_the_embankment_outside_the_area_are_a_place_to_go():
    stairs = site("stairs", form=SiteForm.EVACUATION_STAIRS, hazards=frozenset({HazardKind.TSUNAMI}))
    made = planned(people([(300, 0)]), {(-20.0, 0.0): stairs}, [tsunami(arrives_in_s=HOUR)])
    assert [one.action for one in made.decisions()] == [Action.GO]
    inside = planned(people([(300, 0)]), {(250.0, 0.0): stairs}, [tsunami(arrives_in_s=None)])
    assert [one.action for one in inside.decisions()] == [Action.REFUGE]


def test_a_school_inside_is_a_refuge_only_with_a_published_upper_floor():
    near, far = (2350.0, 0.0), (2000.0, 0.0)
    school = site("school", floors={HazardKind.TSUNAMI: 3})
    low = site("a-low", floors={})
    made = planned(people([(2400, 0)]), {near: low, far: school}, [tsunami(arrives_in_s=None)])
    (one,) = made.decisions()
    assert (one.action, site_ids(made), one.floor_label) == (Action.REFUGE, ["school"], "3階以上")
    assert ReasonCode.PASSED_NEARER_IN_AREA in one.reasons


def test_a_published_floor_is_named_outside_the_area_too():
    made = planned(
        people([(1000, 0)]),
        {(-100.0, 0.0): site("west", floors={HazardKind.TSUNAMI: 2})},
        [tsunami(arrives_in_s=HOUR)],
    )
    (one,) = made.decisions()
    assert (one.action, one.floor_label) == (Action.GO, "2階以上")


def test_a_slow_household_gets_its_own_answer():
    west = {(-100.0, 0.0): site("west")}
    made = planned(
        people([(1800, 0), (1800, 0)], pace=[Pace.STANDARD, Pace.SLOW]),
        west | {(1500.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER)},
        [tsunami(arrives_in_s=HOUR)],
    )
    assert [one.action for one in made.decisions()] == [Action.GO, Action.REFUGE]


def test_at_night_the_same_walk_may_be_too_long():
    sites = {(-100.0, 0.0): site("west"), (2000.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER)}
    day = planned(people([(2200, 0)]), sites, [tsunami(arrives_in_s=HOUR)])
    night = planned(people([(2200, 0)]), sites, [tsunami(arrives_in_s=HOUR)], night=True)
    assert [one.action for made in (day, night) for one in made.decisions()] == [Action.GO, Action.REFUGE]


def test_an_advisory_moves_only_the_seaward_strip_and_inland():
    made = planned(people([(2800, 0), (1000, 0)]), TOWER, [tsunami(advisory=True)])
    (one,) = made.decisions()
    assert (one.row, one.action, one.danger_class) == (0, Action.INLAND, 1)
    assert one.exit_xy_m is not None and one.exit_xy_m[0] <= 2700


def test_the_way_inland_leads_away_from_the_sea_wherever_the_sea_is():
    other_coast = replace(RULES, seaward_bearing_deg=270.0)
    (one,) = planned(people([(2000, 0)]), {}, [tsunami()], rules=other_coast).decisions()
    assert one.action is Action.INLAND and one.exit_xy_m is not None and one.exit_xy_m[0] > 3000


def test_a_full_tower_is_still_named_and_said_to_be_crowded():
    small = {(2400.0, 0.0): site("tower", form=SiteForm.TSUNAMI_TOWER, seats=3)}
    made = planned(people([(2500, 0)] * 3, persons=[2, 2, 2]), small, [tsunami(arrives_in_s=None)])
    assert site_ids(made) == ["tower"] * 3
    assert sorted(one.crowded for one in made.decisions()) == [False, True, True]


def test_a_full_tower_only_looks_farther():
    sites = {
        (2400.0, 0.0): site("a", form=SiteForm.TSUNAMI_TOWER, seats=1),
        (2380.0, 0.0): site("b", form=SiteForm.TSUNAMI_TOWER, seats=9),
        (1500.0, 0.0): site("c", form=SiteForm.TSUNAMI_TOWER, seats=9),
    }
    made = planned(people([(2500, 0)] * 2, persons=[1, 1]), sites, [tsunami(arrives_in_s=None)])
    assert site_ids(made) == ["a", "b"]


@pytest.mark.parametrize(("arrives_in_s", "there_is_time"), [(2 * HOUR, True), (900.0, False), (None, False)])
def test_time_to_walk_out_is_spoken_of_only_where_there_is_some(arrives_in_s, there_is_time):
    made = planned(people([(1500, 0)]), {(-5500.0, 0.0): site("a")}, [tsunami(arrives_in_s=arrives_in_s)])
    (one,) = made.decisions()
    assert one.action is Action.INLAND
    assert (ReasonCode.INLAND_FIRST in one.reasons) is there_is_time


def test_an_advisory_says_nothing_of_time_on_the_shore():
    made = planned(people([(2800, 0)]), {(-5500.0, 0.0): site("a")}, [tsunami(advisory=True)])
    (one,) = made.decisions()
    assert (one.action, one.reasons) == (Action.INLAND, ())


@pytest.mark.parametrize("arrives_in_s", [HOUR, None])
def test_a_roughly_known_place_beside_the_area_has_not_left_it_already(arrives_in_s):
    far = {(-9000.0, 0.0): site("far")}
    beside = problem(people([(-100, 0)]), far, [tsunami(arrives_in_s=arrives_in_s)])
    (one,) = plan(replace(beside, blur_m=np.array([177.0]))).decisions()
    assert (one.action, one.site, one.walk_m) == (Action.INLAND, -1, 177)
