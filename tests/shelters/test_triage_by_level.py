"""Levels 3, 4 and 5, hazards without a level, staying, and several dangers at once."""

import numpy as np
import pytest

from geodata.hazards import HazardKind
from shelters.dangers import Water
from shelters.model import Action, Opening, Pace, ReasonCode, SiteForm, SiteStatus, StructureRow
from tests.shelters.town import AREA, level, people, planned, site, site_ids, tsunami

WEST = {(-500.0, 0.0): site("west")}


def test_at_level_3_slow_households_go_and_the_others_prepare_with_the_site_named():
    made = planned(people([(100, 0)] * 3, pace=[Pace.STANDARD, Pace.SLOW, Pace.UNKNOWN]), WEST, [level(3)])
    standard, slow, unknown = made.decisions()
    assert [one.action for one in (standard, slow, unknown)] == [Action.PREPARE, Action.GO, Action.PREPARE]
    assert site_ids(made) == ["west"] * 3
    assert ReasonCode.NEEDS_TIME not in standard.reasons
    assert ReasonCode.NEEDS_TIME in slow.reasons and ReasonCode.NEEDS_TIME not in unknown.reasons
    assert ReasonCode.PREPARE_NOW in unknown.reasons  # which tells those who need time to leave now
    assert standard.danger_class == 2


def test_at_level_4_everybody_goes():
    made = planned(people([(100, 0)] * 2, pace=[Pace.STANDARD, Pace.UNKNOWN]), WEST, [level(4)])
    assert [(one.action, one.danger_class) for one in made.decisions()] == [(Action.GO, 1)] * 2


def test_at_level_5_nobody_is_told_to_set_out():
    made = planned(people([(100, 0)]), WEST, [level(5)])
    (one,) = made.decisions()
    assert (one.action, one.site, one.alternate, one.walk_m) == (Action.UP, -1, -1, 0)
    assert one.reasons == (ReasonCode.LEVEL5_STAY_INSIDE,) and one.danger_class == 0


@pytest.mark.parametrize("hazard", [HazardKind.LARGE_FIRE, HazardKind.VOLCANO, HazardKind.EARTHQUAKE])
def test_hazards_without_a_level_say_go(hazard):
    made = planned(people([(100, 0)]), WEST, [level(None, hazard)])
    assert [(one.action, one.danger_class) for one in made.decisions()] == [(Action.GO, 1)]


def water(depth=1.0, hours=12.0, collapse=0, count=1):
    return Water(
        depth_m=np.full(count, depth),
        duration_h=np.full(count, hours),
        collapse_zone=np.full(count, collapse, dtype=np.int8),
    )


def stays(danger, **who):
    made = planned(
        people([(100, 0)], **({"floor": 3, "structure": StructureRow.SOLID} | who)), WEST, [danger]
    )
    return [one.action for one in made.decisions()] == [Action.STAY]


def test_staying_is_answered_when_every_condition_is_known_and_fine():
    assert stays(level(4, water=water()))
    assert stays(level(3, water=water()), pace=Pace.SLOW)


@pytest.mark.parametrize(
    "unknown",
    [
        {"water": None},
        {"water": water(depth=np.nan)},
        {"water": water(hours=np.nan)},
        {"water": water(collapse=-1)},
        {"water": water(collapse=1)},
        {"water": water(depth=3.0)},
        {"water": water(hours=73.0)},
    ],
)
def test_unknown_or_bad_water_never_means_stay(unknown):
    assert not stays(level(4, **unknown))


@pytest.mark.parametrize("who", [{"floor": 0}, {"floor": 1}, {"structure": StructureRow.UNKNOWN}])
def test_unknown_floor_or_structure_never_means_stay(who):
    assert not stays(level(4, water=water()), **who)


def test_staying_is_never_the_answer_to_a_landslide_or_to_level_5():
    assert not stays(level(4, HazardKind.LANDSLIDE, water=water()))
    assert not stays(level(5, water=water()))


def test_the_site_must_be_fit_for_every_danger_at_the_place_and_tsunami_speaks_first():
    flood_only = site("a-flood", hazards=frozenset({HazardKind.FLOOD}))
    both = site("both", hazards=frozenset({HazardKind.FLOOD, HazardKind.TSUNAMI}))
    made = planned(
        people([(1000, 0)]),
        {(-100.0, 0.0): flood_only, (-500.0, 0.0): both},
        [level(4), tsunami(arrives_in_s=3600)],
    )
    (one,) = made.decisions()
    assert site_ids(made) == ["both"]
    assert made.problem.dangers[one.danger].hazard is HazardKind.TSUNAMI
    assert ReasonCode.PASSED_NEARER_UNFIT in one.reasons


def test_the_highest_level_speaks_when_several_levels_cover_a_place():
    made = planned(
        people([(100, 0)]),
        WEST,
        [level(3), level(5, HazardKind.LANDSLIDE), level(4, HazardKind.INLAND_FLOOD)],
    )
    assert [one.action for one in made.decisions()] == [Action.UP]


def test_inland_flood_falls_back_to_the_flood_flag_only_where_no_site_has_its_own():
    flood = site("flood", hazards=frozenset({HazardKind.FLOOD}))
    own = site("own", hazards=frozenset({HazardKind.INLAND_FLOOD}))
    order = [level(4, HazardKind.INLAND_FLOOD)]
    assert site_ids(planned(people([(100, 0)]), {(-10.0, 0.0): flood}, order)) == ["flood"]
    assert site_ids(planned(people([(100, 0)]), {(-10.0, 0.0): flood, (-900.0, 0.0): own}, order)) == ["own"]


def test_no_fit_site_is_said_and_nothing_else_is_named():
    quake_only = site("hall", hazards=frozenset({HazardKind.EARTHQUAKE}))
    (one,) = planned(people([(100, 0)]), {(-10.0, 0.0): quake_only}, [level(4)]).decisions()
    assert (one.action, one.site) == (Action.GO, -1) and ReasonCode.NO_SITE in one.reasons


def test_a_site_not_opened_first_in_rain_counts_as_closed_until_staff_open_it():
    sites = {(-10.0, 0.0): site("late", not_first_in_rain=True), (-500.0, 0.0): site("west")}
    shut = planned(people([(100, 0)]), sites, [level(4)])
    assert site_ids(shut) == ["west"]
    assert ReasonCode.PASSED_NEARER_CLOSED in next(shut.decisions()).reasons
    opened = {"late": SiteStatus(site_id="late", opening=Opening.OPEN)}
    assert site_ids(planned(people([(100, 0)]), sites, [level(4)], statuses=opened)) == ["late"]
    assert site_ids(planned(people([(100, 0)]), sites, [level(None, HazardKind.LARGE_FIRE)])) == ["late"]


def test_closed_restricted_and_welfare_sites_are_never_named():
    sites = {
        (-10.0, 0.0): site("closed"),
        (-20.0, 0.0): site("members", restricted="在校生"),
        (-500.0, 0.0): site("west"),
    }
    statuses = {"closed": SiteStatus(site_id="closed", opening=Opening.UNUSABLE)}
    assert site_ids(planned(people([(100, 0)]), sites, [level(4)], statuses=statuses)) == ["west"]


def test_an_unreported_hall_is_expected_and_said_to_be_unconfirmed():
    (one,) = planned(people([(100, 0)]), WEST, [level(4)]).decisions()
    assert one.unconfirmed and ReasonCode.OPENING_UNCONFIRMED in one.reasons
    opened = {"west": SiteStatus(site_id="west", opening=Opening.OPEN)}
    (one,) = planned(people([(100, 0)]), WEST, [level(4)], statuses=opened).decisions()
    assert not one.unconfirmed and ReasonCode.OPENING_UNCONFIRMED not in one.reasons
    hill = {(-500.0, 0.0): site("hill", form=SiteForm.EVACUATION_HILL)}
    (one,) = planned(people([(100, 0)]), hill, [level(None, HazardKind.LARGE_FIRE)]).decisions()
    assert not one.unconfirmed


def test_an_upper_floor_inside_the_area_counts_as_twice_as_far_and_is_a_refuge():
    inside = site("in", floors={HazardKind.FLOOD: 2})
    near = {(500.0, 0.0): inside, (-450.0, 0.0): site("west")}
    assert site_ids(planned(people([(100, 0)]), near, [level(4)])) == ["west"]
    far = {(500.0, 0.0): inside, (-2000.0, 0.0): site("west")}
    (one,) = planned(people([(100, 0)]), far, [level(4)]).decisions()
    assert (one.action, one.floor_label, one.walk_m) == (Action.REFUGE, "2階以上", 400)


def test_a_landslide_area_holds_no_refuge_whatever_its_floors_are():
    sites = {(150.0, 0.0): site("in", floors={HazardKind.LANDSLIDE: 2})}
    (one,) = planned(people([(100, 0)]), sites, [level(4, HazardKind.LANDSLIDE)]).decisions()
    assert one.site == -1


def test_a_site_inside_another_live_area_is_not_named():
    elsewhere = level(
        4,
        HazardKind.LANDSLIDE,
        area=AREA.buffer(0).__class__([(-600, -50), (-400, -50), (-400, 50), (-600, 50)]),
    )
    made = planned(people([(100, 0)]), WEST | {(-1500.0, 0.0): site("z-far")}, [level(4), elsewhere])
    assert site_ids(made) == ["z-far"]


def test_a_subscriber_hears_of_the_worst_place_and_of_equals_of_ones_own_first():
    made = planned(
        people([(5000, 0), (100, 0), (200, 0)], holds=[True, False, True]),
        WEST,
        [level(4)],
        owner=[0, 0, 0],
        relative=[False, True, False],
    )
    assert [one.row for one in made.decisions()] == [2]


def test_the_alternate_is_another_site():
    made = planned(people([(100, 0)]), WEST | {(-700.0, 0.0): site("b-far")}, [level(4)])
    (one,) = made.decisions()
    assert one.alternate >= 0 and one.alternate != one.site and one.alternate_walk_m == 800
