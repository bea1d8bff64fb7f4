"""The city's opening rules expect sites and make HQ's list of calls; they open and shut nothing."""

from dataclasses import replace

import numpy as np
import pytest

from geodata.hazards import HazardKind as H
from shelters.dangers import Danger
from shelters.hand import NO_HAND, Hand
from shelters.model import Designation, DesignationKind, Opening, SiteForm, SiteStatus
from shelters.openings import OpeningRule, Where, expected_to_open, please_check, please_open
from shelters.sites import site_table
from shelters.suitability import judge, sites_inside
from tests.shelters.town import ALL, NOW_S, STRIP, level, site, tsunami

SHELTER, EMERGENCY = DesignationKind.SHELTER, DesignationKind.EMERGENCY_SITE
RULES = {
    H.EARTHQUAKE: OpeningRule(kinds=frozenset({SHELTER}), where=Where.CITY),
    H.TSUNAMI: OpeningRule(kinds=frozenset({SHELTER, EMERGENCY}), where=Where.AROUND, near_m=1000.0),
    H.FLOOD: OpeningRule(kinds=frozenset({SHELTER}), where=Where.WARDS, near_m=500.0),
}
SHAKEN = Hand(shaken_at_s=NOW_S)


def made(name, *, ward="", kinds=(EMERGENCY, SHELTER), restricted="", **more):
    """A school that is both 場所 and 所, as most are."""
    designations = tuple(
        Designation(
            designation_id=f"{name}-{one}",
            kind=one,
            hazards=ALL if one is EMERGENCY else frozenset(),
            restricted_to=restricted,
            not_first_in_rain=more.get("not_first_in_rain", False),
        )
        for one in kinds
    )
    form = more.get("form", SiteForm.ELEMENTARY_SCHOOL)
    return replace(site(name, form=form), ward=ward, designations=designations)


# The area covers x 0 to 3,000. a: 400 m west of it; b: 1,200 m west; c: far west, in the ward of a.
PLACES = {"a": (-400.0, 0.0), "b": (-1200.0, 0.0), "c": (-9000.0, 0.0)}
WARDS = {"a": "若林区", "b": "太白区", "c": "若林区"}


def table(statuses=None, **changed):
    sites = [changed.get(name) or made(name, ward=WARDS[name]) for name in PLACES]
    return site_table(
        sites,
        {name: SiteStatus(site_id=name, opening=one) for name, one in (statuses or {}).items()},
        np.array([PLACES[one.site_id] for one in sites]),
        margin_fraction=0.0,
    )


def names(sites, rows):
    return [sites.sites[row].site_id for row in rows]


def expected(sites, *dangers, hand=NO_HAND):
    return names(sites, np.flatnonzero(expected_to_open(sites, dangers, RULES, hand)))


def test_an_earthquake_opens_the_shelters_of_the_whole_city_ordered_or_recorded():
    sites = table(b=made("b", kinds=(EMERGENCY,)))
    assert expected(sites, level(None, H.EARTHQUAKE)) == ["a", "c"]
    assert expected(sites, hand=SHAKEN) == ["a", "c"] and expected(sites) == []


def test_a_tsunami_opens_what_is_in_and_around_the_area_and_an_advisory_nothing():
    assert expected(table(), tsunami()) == ["a"]
    assert expected(table(), replace(tsunami(), advisory=True)) == []
    assert STRIP.area < tsunami().area_xy_m.area  # the strip of an advisory is another area altogether


def test_a_flood_opens_the_shelters_of_the_wards_it_reaches_into():
    assert expected(table(), level(4)) == ["a", "c"]


def test_where_no_site_is_near_the_area_the_nearest_tells_the_ward():
    assert expected(table(a=made("a", ward="")), level(4)) == []  # a is near, and its ward is not known
    far = Danger(key="f:1", hazard=H.FLOOD, area_xy_m=tsunami().area_xy_m.buffer(-900), level=4)
    assert expected(table(), far) == ["a", "c"]


def test_what_is_not_opened_first_in_rain_is_not_expected_in_rain_but_after_a_quake():
    late = table(a=made("a", ward="若林区", not_first_in_rain=True))
    assert expected(late, level(4)) == ["c"]
    assert expected(late, level(4), hand=SHAKEN) == ["a", "b", "c"]


def test_sites_kept_for_some_are_not_the_publics_to_expect():
    kept = table(
        a=made("a", ward="若林区", restricted="在校生"), c=made("c", kinds=(DesignationKind.WELFARE_SHELTER,))
    )
    assert expected(kept, level(None, H.EARTHQUAKE)) == ["b"]


def test_a_hazard_without_a_rule_expects_nothing():
    assert expected(table(), level(None, H.LARGE_FIRE)) == []


@pytest.mark.parametrize("said", [Opening.OPEN, Opening.CLOSED, Opening.UNUSABLE])
def test_hq_is_asked_to_call_only_where_nobody_has_said_anything(said):
    sites = table({"a": said})
    assert names(sites, please_open(sites, [level(4)], RULES)) == ["c"]


def test_hq_is_not_asked_to_open_what_may_be_named_to_nobody():
    unfit = replace(
        made("a", ward="若林区", kinds=(SHELTER,)), designations=made("a", kinds=(SHELTER,)).designations
    )
    sites = table(a=unfit)
    assert names(sites, please_open(sites, [level(4)], RULES)) == ["c"]
    open_ground = table(a=made("a", ward="若林区", form=SiteForm.OPEN_GROUND))
    assert names(open_ground, please_open(open_ground, [level(4)], RULES)) == ["c"]
    excluded = Hand(excluded={"c": "橋が落ちた"})
    assert names(sites, please_open(sites, [level(4)], RULES, excluded)) == []


def test_after_shaking_halls_are_to_be_checked_before_they_are_to_be_opened():
    sites = table({"b": Opening.UNUSABLE})
    assert names(sites, please_check(sites, SHAKEN)) == ["a", "c"]
    assert names(sites, please_open(sites, [], RULES, SHAKEN)) == []
    assert len(please_check(sites, NO_HAND)) == 0
    ground = table(a=made("a", form=SiteForm.OPEN_GROUND))
    assert names(ground, please_check(ground, SHAKEN)) == ["b", "c"]


def test_a_rule_shuts_no_site_out():
    sites = table()
    inside = sites_inside(sites, [level(4)])
    judged = judge(sites, [level(4)], inside, [0])
    assert (judged == 0).all() and expected(sites, level(4)) == ["a", "c"]


def test_without_sites_nothing_is_expected():
    none = site_table([], {}, np.empty((0, 2)), margin_fraction=0.0)
    assert expected_to_open(none, [level(4)], RULES).shape == (0,)
    assert len(please_open(none, [level(4)], RULES)) == 0
