"""The opening rules of the settings are the city's, and HQ's list follows them."""

from dataclasses import replace

import numpy as np

from bosai.services.opening_calls import opening_calls, rules_of_city
from bosai.services.planning import rules_of
from bosai.settings import load_settings
from geodata.hazards import HazardKind as H
from shelters.hand import NO_HAND, Hand
from shelters.model import DesignationKind
from shelters.occupancy import FRESH
from shelters.openings import Where
from shelters.sites import site_table
from tests.shelters.town import NOW_S, level, site

SETTINGS = load_settings(None, {}, {})


def test_sendai_opens_all_shelters_after_a_quake_and_those_of_the_wards_in_rain():
    rules = rules_of_city(SETTINGS)
    shelters = frozenset({DesignationKind.SHELTER})
    assert (rules[H.EARTHQUAKE].kinds, rules[H.EARTHQUAKE].where) == (shelters, Where.CITY)
    for rain in (H.FLOOD, H.LANDSLIDE, H.INLAND_FLOOD, H.STORM_SURGE):
        assert (rules[rain].kinds, rules[rain].where) == (shelters, Where.WARDS)
    assert rules[H.TSUNAMI].where is Where.AROUND and rules[H.TSUNAMI].near_m > 0
    assert H.LARGE_FIRE not in rules and H.VOLCANO not in rules


def test_hq_is_asked_to_open_and_to_check_by_the_rules_of_the_settings():
    both = tuple(
        designation
        for kind in (DesignationKind.EMERGENCY_SITE, DesignationKind.SHELTER)
        for designation in site("a", kind=kind).designations
    )
    sites = site_table(
        [replace(site("a"), ward="若林区", designations=both)],
        {},
        np.array([[-400.0, 0.0]]),
        margin_fraction=0.0,
    )
    rain = opening_calls(sites, [level(4)], NO_HAND, SETTINGS)
    assert ([one.site_id for one in rain.to_open], rain.to_check) == (["a"], ())
    quake = opening_calls(sites, [], Hand(shaken_at_s=NOW_S), SETTINGS)
    assert (quake.to_open, [one.site_id for one in quake.to_check]) == ((), ["a"])
    peace = opening_calls(sites, [], NO_HAND, SETTINGS)
    assert (peace.to_open, peace.to_check) == ((), ())


def test_the_planner_takes_its_freshness_from_the_settings():
    assert rules_of(SETTINGS).freshness == FRESH
    other = load_settings(
        None, {}, {"planner.freshness.silent_share": 0.4, "planner.freshness.fresh_min": 10}
    )
    found = rules_of(other).freshness
    assert (found.silent_share, found.fresh_s) == (0.4, 600.0)
