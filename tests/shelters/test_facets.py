"""What a household needs, what a site has, and what staff say is out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelters.facets import HAS, MISSING, UNKNOWN, extra_m, state
from shelters.model import Facet, SiteStatus
from shelters.sites import FACETS, site_table
from tests.shelters.town import site

EVERY = Facet.STEP_FREE | Facet.POWER | Facet.PETS


def table(*facets, statuses=None):
    """One site for each (step_free, power, pets)."""
    sites = [
        replace(site(f"s{n}"), step_free=one[0], power=one[1], pets=one[2]) for n, one in enumerate(facets)
    ]
    return site_table(sites, statuses or {}, np.zeros((len(sites), 2)), margin_fraction=0.0)


def test_each_need_nobody_has_spoken_of_looks_300_m_farther_and_each_that_is_missing_1800_m():
    sites = table(
        (True, True, True), (None, True, True), (None, None, True), (False, None, True), (False,) * 3
    )
    assert extra_m(sites, Facet.STEP_FREE | Facet.POWER).tolist() == [0, 300, 600, 2100, 3600]
    assert state(sites, Facet.STEP_FREE | Facet.POWER).tolist() == [HAS, UNKNOWN, UNKNOWN, MISSING, MISSING]


def test_who_needs_nothing_pays_nothing():
    sites = table((False,) * 3, (None,) * 3)
    assert extra_m(sites, Facet(0)).tolist() == [0, 0] and state(sites, 0).tolist() == [HAS, HAS]


def test_what_staff_say_is_out_is_missing_until_they_say_it_is_back():
    out = {"s0": SiteStatus(site_id="s0", outages=Facet.POWER)}
    assert table((True, True, True), statuses=out).facets.tolist() == [[1, 0, 1]]
    assert state(table((True, None, True), statuses=out), Facet.POWER).tolist() == [MISSING]
    assert state(table((True, True, True)), Facet.POWER).tolist() == [HAS]


def test_without_sites_there_is_nothing_to_say():
    assert extra_m(table(), EVERY).shape == (0,) and state(table(), EVERY).shape == (0,)


@pytest.mark.parametrize("column", range(3))
def test_the_columns_are_those_of_the_needs(column):
    has = [True] * 3
    has[column] = False
    assert state(table(tuple(has)), FACETS[column]).tolist() == [MISSING]
    assert state(table(tuple(has)), EVERY & ~FACETS[column]).tolist() == [HAS]


@given(
    st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 3), min_size=1, max_size=6),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_needing_more_never_makes_a_site_look_nearer(facets, needs, also):
    sites = table(*facets)
    assert (extra_m(sites, needs | also) >= extra_m(sites, needs)).all()
    assert ((extra_m(sites, needs) == 0) == (state(sites, needs) == HAS)).all()
