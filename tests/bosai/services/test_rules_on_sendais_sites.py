"""The rules of suitability and opening on all published sites of Sendai."""

import numpy as np
import pytest
from shapely import box

from bosai.services.opening_calls import opening_calls, rules_of_city
from bosai.services.plan_ground import table_of
from bosai.services.site_facts import catalogue_of
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from geodata.importers.sites import parse_sites
from shelters.dangers import Danger
from shelters.hand import NO_HAND, Hand
from shelters.model import DesignationKind, Opening, SiteStatus
from shelters.openings import expected_to_open
from shelters.suitability import Verdict, Who, judge, sites_inside

pytestmark = pytest.mark.real_data

SETTINGS = load_settings(None, {}, {})
SHAKEN_S = 1_800_000_000.0
NOWHERE = box(-1e6, -1e6, -1e6 + 1, -1e6 + 1)  # holds no site


@pytest.fixture(scope="module")
def sites(shared_data):
    records = []
    for name in ("sendai_emergency_sites_gsi_layout.csv", "sendai_designated_shelters_gsi_layout.csv"):
        records += parse_sites((shared_data / "shelters" / name).read_bytes()).records
    catalogue = catalogue_of(records, {}, SETTINGS.capacity_defaults, SETTINGS.city.plane_epsg)
    return [catalogue[one] for one in sorted(catalogue)]


@pytest.fixture(scope="module")
def table(sites):
    return table_of(sites, {}, SETTINGS)


def danger(hazard, level=None):
    return Danger(key=f"{hazard}:1", hazard=hazard, area_xy_m=NOWHERE, level=level)


def verdicts(table, dangers, **asked):
    return judge(table, dangers, sites_inside(table, dangers), range(len(dangers)), **asked)


@pytest.mark.parametrize("hazard", list(HazardKind))
def test_the_sites_kept_for_named_groups_are_never_the_publics(table, hazard):
    level = 4 if hazard in {HazardKind.FLOOD, HazardKind.LANDSLIDE} else None
    kept = [
        row
        for row, one in enumerate(table.sites)
        if all(d.restricted_to or d.kind is DesignationKind.WELFARE_SHELTER for d in one.designations)
    ]
    assert len(kept) >= 20
    for who in (Who(), Who(visitor=True)):
        found = verdicts(table, [danger(hazard, level)], who=who)
        assert set(found[kept].tolist()) == {Verdict.NOT_PUBLIC}


def test_a_site_kept_for_some_is_named_to_the_household_with_its_code_once_it_is_open(sites, table):
    row = int(np.flatnonzero(~table.public)[0])
    site_id = table.sites[row].site_id
    flood = [danger(HazardKind.FLOOD, 4)]
    assert verdicts(table, flood, who=Who(welfare=row))[row] == Verdict.NOT_OPENED
    opened = {site_id: SiteStatus(site_id=site_id, opening=Opening.OPEN)}
    assert verdicts(table_of(sites, opened, SETTINGS), flood, who=Who(welfare=row))[row] == Verdict.FIT


def test_after_strong_shaking_only_open_ground_and_the_like_is_named_until_halls_are_checked(table):
    found = verdicts(table, [danger(HazardKind.EARTHQUAKE)], hand=Hand(shaken_at_s=SHAKEN_S))
    named = found <= Verdict.UPSTAIRS
    assert named.any() and table.outdoor[named].all()
    assert (found == Verdict.UNCHECKED).sum() > 150


def test_what_the_list_says_is_not_opened_first_in_rain_is_closed_in_rain_and_not_otherwise(table):
    late = np.flatnonzero(table.not_first_in_rain & table.public)
    assert len(late) > 0
    assert set(verdicts(table, [danger(HazardKind.FLOOD, 4)])[late].tolist()) <= {
        Verdict.CLOSED,
        Verdict.UNFIT,
    }
    assert Verdict.CLOSED not in set(verdicts(table, [danger(HazardKind.LARGE_FIRE)])[late].tolist())


def test_a_quake_of_6_lower_expects_every_public_shelter_of_the_city_and_asks_for_their_checks(table):
    rules = rules_of_city(SETTINGS)
    shaken = Hand(shaken_at_s=SHAKEN_S)
    expected = expected_to_open(table, [], rules, shaken)
    assert expected.sum() >= 150 and (table.shelter[expected] & table.public[expected]).all()
    calls = opening_calls(table, [], shaken, SETTINGS)
    assert not calls.to_open and len(calls.to_check) == int(
        (table.shelter & table.public & ~table.outdoor).sum()
    )
    assert opening_calls(table, [], NO_HAND, SETTINGS).to_check == ()


def test_a_flood_in_one_ward_expects_no_shelter_of_another(table):
    here = next(row for row, one in enumerate(table.sites) if one.ward and table.shelter[row])
    x, y = table.xy_m[here]
    area = box(x - 50, y - 50, x + 50, y + 50)
    flood = Danger(key="f:1", hazard=HazardKind.FLOOD, area_xy_m=area, level=4)
    expected = expected_to_open(table, [flood], rules_of_city(SETTINGS))
    wards = {table.sites[row].ward for row in np.flatnonzero(expected)}
    assert table.sites[here].ward in wards and len(wards) < 5
