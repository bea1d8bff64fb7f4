"""Which sites may be named, to whom, and the one refusal that is said of each of the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geodata.hazards import HazardKind as H
from shelters.hand import NO_HAND, Hand
from shelters.model import Designation, DesignationKind, Opening, SiteForm, SiteStatus
from shelters.sites import site_table
from shelters.suitability import Verdict, Who, fit_for, judge, sites_inside
from tests.shelters.town import ALL, NOW_S, level, site, tsunami

WELFARE, STAY_OVER = DesignationKind.WELFARE_SHELTER, DesignationKind.TEMPORARY_STAY
OUT, IN = (-500.0, 0.0), (500.0, 0.0)
QUAKE = level(None, H.EARTHQUAKE)
FLOOD = level(4)
SHAKEN = Hand(shaken_at_s=NOW_S)


def status(opening=None, checked_after_s=None):
    checked = None
    if checked_after_s is not None:
        checked = datetime.fromtimestamp(NOW_S, UTC) + timedelta(seconds=checked_after_s)
    return SiteStatus(site_id="one", opening=opening, checked_at=checked)


def verdict(one=None, at=OUT, dangers=(FLOOD,), now=None, **asked):
    """What is said of a single site to people under all the dangers."""
    one = one or site("one")
    sites = site_table([one], {"one": now} if now else {}, np.array([at]), margin_fraction=0.0)
    here = asked.pop("here", range(len(dangers)))
    return Verdict(int(judge(sites, dangers, sites_inside(sites, dangers), list(here), **asked)[0]))


def test_a_designated_site_outside_is_fit_and_one_without_the_flag_is_not():
    assert verdict() is Verdict.FIT
    assert verdict(site("one", hazards=frozenset({H.TSUNAMI}))) is Verdict.UNFIT


def test_inside_an_area_only_a_published_upper_floor_may_be_named():
    assert verdict(at=IN) is Verdict.IN_AREA
    assert verdict(site("one", floors={H.FLOOD: 1}), at=IN) is Verdict.IN_AREA
    assert verdict(site("one", floors={H.FLOOD: 2}), at=IN) is Verdict.UPSTAIRS


def test_an_area_of_a_danger_that_is_not_these_peoples_shuts_a_site_out_all_the_same():
    other = level(4, H.LANDSLIDE, area=box(-600, -100, -400, 100))
    assert verdict(dangers=(FLOOD, other), here=[0]) is Verdict.IN_AREA


def test_a_site_is_refused_for_what_weighs_most():
    closed, broken = status(Opening.CLOSED), status(Opening.UNUSABLE)
    assert verdict(now=closed) is Verdict.CLOSED
    assert verdict(now=closed, at=IN) is Verdict.IN_AREA
    assert verdict(site("one", hazards=frozenset()), now=closed, at=IN) is Verdict.UNFIT
    assert verdict(site("one", hazards=frozenset()), now=broken, at=IN) is Verdict.UNUSABLE
    assert verdict(site("one", restricted="在校生"), now=broken) is Verdict.NOT_PUBLIC


def test_hq_excludes_only_what_could_have_been_named():
    hand = Hand(excluded={"one": "駐車場に使う"})
    assert verdict(hand=hand) is Verdict.EXCLUDED
    assert verdict(site("one", floors={H.FLOOD: 2}), at=IN, hand=hand) is Verdict.EXCLUDED
    assert verdict(at=IN, hand=hand) is Verdict.IN_AREA
    assert verdict(hand=Hand(excluded={"another": "…"})) is Verdict.FIT
    assert not Verdict.EXCLUDED.may_be_named and Verdict.UPSTAIRS.may_be_named


# -- after strong shaking -------------------------------------------------------------------------------


def test_after_strong_shaking_a_hall_waits_for_its_check_and_open_ground_does_not():
    assert verdict(dangers=(QUAKE,), hand=SHAKEN) is Verdict.UNCHECKED
    for form in (SiteForm.OPEN_GROUND, SiteForm.EVACUATION_HILL):
        assert verdict(site("one", form=form), dangers=(QUAKE,), hand=SHAKEN) is Verdict.FIT
    assert verdict(dangers=(QUAKE,), hand=NO_HAND) is Verdict.FIT


def test_a_check_counts_when_it_was_made_since_the_shaking():
    assert verdict(now=status(checked_after_s=0), dangers=(QUAKE,), hand=SHAKEN) is Verdict.FIT
    assert verdict(now=status(checked_after_s=-1), dangers=(QUAKE,), hand=SHAKEN) is Verdict.UNCHECKED
    # Staff opening the doors is not the check.
    assert verdict(now=status(Opening.OPEN), dangers=(QUAKE,), hand=SHAKEN) is Verdict.UNCHECKED


def test_a_refuge_above_the_wave_does_not_wait_for_the_check_and_a_hall_outside_does():
    building = site("one", form=SiteForm.TSUNAMI_BUILDING, floors={H.TSUNAMI: 3})
    assert verdict(building, at=IN, dangers=(tsunami(),), hand=SHAKEN) is Verdict.UPSTAIRS
    assert verdict(building, at=OUT, dangers=(tsunami(),), hand=SHAKEN) is Verdict.UNCHECKED
    # Water that rises slowly leaves time for the check.
    school = site("one", floors={H.FLOOD: 3})
    assert verdict(school, at=IN, dangers=(FLOOD,), hand=SHAKEN) is Verdict.UNCHECKED
    # A floor inside the wave's area is no refuge from the fire these other people flee.
    fire = level(None, H.LARGE_FIRE, area=box(-900, -900, -800, -800))
    found = verdict(building, at=IN, dangers=(tsunami(), fire), here=[1], hand=SHAKEN)
    assert found is Verdict.UNCHECKED


# -- sites for some only --------------------------------------------------------------------------------


def test_a_welfare_site_is_for_the_household_whose_code_names_it_once_staff_open_it():
    welfare = site("one", kind=WELFARE, hazards=frozenset())
    coded = Who(welfare=0)
    assert verdict(welfare, now=status(Opening.OPEN)) is Verdict.NOT_PUBLIC
    assert verdict(welfare, now=status(Opening.OPEN), who=Who(visitor=True)) is Verdict.NOT_PUBLIC
    assert verdict(welfare, now=status(Opening.OPEN), who=coded) is Verdict.FIT
    assert verdict(welfare, who=coded) is Verdict.NOT_OPENED
    assert verdict(welfare, now=status(Opening.CLOSED), who=coded) is Verdict.CLOSED
    assert verdict(welfare, now=status(Opening.OPEN), at=IN, who=coded) is Verdict.IN_AREA
    assert verdict(welfare, now=status(Opening.UNUSABLE), who=coded) is Verdict.UNUSABLE


def test_a_welfare_site_inside_an_area_is_named_only_when_it_is_designated_with_an_upper_floor():
    designated = site("one", kind=WELFARE, hazards=ALL, floors={H.FLOOD: 2})
    assert verdict(designated, now=status(Opening.OPEN), at=IN, who=Who(welfare=0)) is Verdict.UPSTAIRS
    unflagged = site("one", kind=WELFARE, hazards=frozenset(), floors={H.FLOOD: 2})
    assert verdict(unflagged, now=status(Opening.OPEN), at=IN, who=Who(welfare=0)) is Verdict.IN_AREA


def test_a_code_of_another_site_opens_nothing():
    sites = site_table(
        [site("a", kind=WELFARE), site("b", kind=WELFARE)],
        {one: SiteStatus(site_id=one, opening=Opening.OPEN) for one in "ab"},
        np.array([OUT, OUT]),
        margin_fraction=0.0,
    )
    found = judge(sites, [FLOOD], sites_inside(sites, [FLOOD]), [0], who=Who(welfare=1))
    assert found.tolist() == [Verdict.NOT_PUBLIC, Verdict.FIT]


def test_a_welfare_hall_waits_for_its_check_like_any_other():
    welfare = site("one", kind=WELFARE, hazards=frozenset())
    found = verdict(welfare, now=status(Opening.OPEN), dangers=(QUAKE,), who=Who(welfare=0), hand=SHAKEN)
    assert found is Verdict.UNCHECKED


def test_a_place_to_stay_over_is_for_visitors_only_open_outside_and_while_no_life_is_at_stake():
    hotel = site("one", kind=STAY_OVER, hazards=frozenset())
    visitor, is_open = Who(visitor=True), status(Opening.OPEN)
    fire = level(None, H.LARGE_FIRE)
    assert verdict(hotel, now=is_open, dangers=(fire,), who=visitor) is Verdict.FIT
    assert verdict(hotel, now=is_open, dangers=(fire,)) is Verdict.NOT_PUBLIC
    assert verdict(hotel, dangers=(fire,), who=visitor) is Verdict.NOT_OPENED
    assert verdict(hotel, now=is_open, at=IN, dangers=(fire,), who=visitor) is Verdict.IN_AREA
    for life in (tsunami(), level(5)):
        assert verdict(hotel, now=is_open, dangers=(life,), who=visitor) is Verdict.NOT_PUBLIC


def test_a_visitor_is_told_of_the_emergency_sites_like_everybody():
    assert verdict(who=Who(visitor=True)) is Verdict.FIT
    assert verdict(dangers=(tsunami(),), who=Who(visitor=True)) is Verdict.FIT


def test_a_site_is_public_by_any_designation_that_is_neither_kept_for_some_nor_to_stay_over():
    def of(*kinds):
        made = [Designation(designation_id=str(n), kind=one) for n, one in enumerate(kinds)]
        return replace(site("one"), designations=tuple(made))

    assert of(DesignationKind.SHELTER, WELFARE).open_to_public
    assert of(DesignationKind.EMERGENCY_SITE).open_to_public
    for kept in (of(WELFARE), of(STAY_OVER), of(STAY_OVER, WELFARE), of(), site("one", restricted="高齢者")):
        assert not kept.open_to_public
    assert of(STAY_OVER, DesignationKind.SHELTER).open_to_public


# -- what must always hold ------------------------------------------------------------------------------

KINDS = [DesignationKind.EMERGENCY_SITE, DesignationKind.SHELTER, WELFARE, STAY_OVER]
DANGERS = [FLOOD, level(3, H.LANDSLIDE), level(5), QUAKE, tsunami(), level(4, H.INLAND_FLOOD)]


@st.composite
def sites_of_every_sort(draw):
    count = draw(st.integers(1, 6))
    made, statuses, xy = [], {}, []
    for n in range(count):
        name = f"s{n}"
        made.append(
            site(
                name,
                hazards=draw(st.frozensets(st.sampled_from(list(H)))),
                form=draw(st.sampled_from(list(SiteForm))),
                floors=draw(st.dictionaries(st.sampled_from([H.FLOOD, H.TSUNAMI]), st.integers(1, 5))),
                restricted=draw(st.sampled_from(["", "", "在校生"])),
                kind=draw(st.sampled_from(KINDS)),
                not_first_in_rain=draw(st.booleans()),
            )
        )
        checked = draw(st.sampled_from([None, -60, 60]))
        statuses[name] = replace(
            status(draw(st.sampled_from([None, *Opening])), checked_after_s=checked), site_id=name
        )
        xy.append(draw(st.sampled_from([OUT, IN, (-1500.0, 0.0)])))
    return site_table(made, statuses, np.array(xy), margin_fraction=0.0)


@given(
    sites_of_every_sort(),
    st.lists(st.sampled_from(DANGERS), min_size=1, max_size=3, unique_by=lambda one: one.key),
    st.booleans(),
    st.integers(-1, 5),
    st.booleans(),
)
def test_no_site_is_named_that_is_shut_unfit_unchecked_or_in_danger(
    sites,
    dangers,
    visitor,
    code,
    shaken,
):
    who = Who(visitor=visitor, welfare=code if code < len(sites) else -1)
    hand = Hand(shaken_at_s=NOW_S if shaken else None, excluded={"s0": "…"})
    inside = sites_inside(sites, dangers)
    here = list(range(len(dangers)))
    for row, found in enumerate(judge(sites, dangers, inside, here, who=who, hand=hand)):
        if not Verdict(found).may_be_named:
            continue
        one, opened = sites.sites[row], bool(sites.opened_by_staff[row])
        assert sites.opening[row] not in {list(Opening).index(o) for o in Opening if o.excludes}
        assert one.site_id != "s0"
        in_any = bool(inside[row].any())
        assert in_any == (found == Verdict.UPSTAIRS)
        if not sites.public[row]:
            assert opened and (row == who.welfare or (visitor and sites.temporary_stay[row]))
        elif not opened or in_any:
            assert all(fit_for(sites, danger.hazard)[row] for danger in dangers)
        if in_any:
            named = [danger for column, danger in enumerate(dangers) if inside[row, column]]
            assert all(
                sites.floor[row, list(H).index(danger.hazard)] >= 2
                or (danger.is_tsunami and sites.raised[row])
                for danger in named
            )
        if shaken and not sites.outdoor[row] and not sites.checked_at_s[row] >= NOW_S:
            assert in_any and any(danger.is_tsunami for danger in dangers)


@given(sites_of_every_sort(), st.lists(st.sampled_from(DANGERS), min_size=1, max_size=3))
def test_hq_only_ever_takes_sites_away(sites, dangers):
    inside, here = sites_inside(sites, dangers), list(range(len(dangers)))
    free = judge(sites, dangers, inside, here)
    for hand in (SHAKEN, Hand(excluded={one.site_id: "…" for one in sites.sites})):
        held = judge(sites, dangers, inside, here, hand=hand)
        assert (held[free > Verdict.UPSTAIRS] > Verdict.UPSTAIRS).all()


@pytest.mark.parametrize("who", [Who(), Who(visitor=True), Who(welfare=0)])
def test_without_sites_there_is_nothing_to_judge(who):
    none = site_table([], {}, np.empty((0, 2)), margin_fraction=0.0)
    who = replace(who, welfare=-1)
    assert judge(none, [FLOOD], sites_inside(none, [FLOOD]), [0], who=who).shape == (0,)
