"""Guidance for a point: read from what is in force now, with no planner running."""

from datetime import timedelta

import pytest

from bosai.errors import InvalidInput
from bosai.model.alert import OrderKind
from bosai.model.subscription import PaceClass
from bosai.services.guidance import GuidanceService
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from shelters.model import Action, Opening, ReasonCode
from tests.bosai.services.test_sites import table
from tests.workers.plain import Plain, flood
from tests.workers.test_planner import tsunami

HERE = (140.982, 38.215)


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


@pytest.fixture
def guidance(plain):
    return GuidanceService(plain.sites, plain.hq.store, plain.clock, plain.settings)


async def test_with_nothing_in_force_the_nearest_fit_sites_are_listed_per_hazard(guidance):
    found = await guidance.for_point(*HERE)
    assert (found.alerts, found.decision) == ((), None)
    assert [one.site.site_id for one in found.nearest] == ["B1", "C1", "A1"]
    flood_sites = [one.site.site_id for one in found.nearest if HazardKind.FLOOD in one.fits]
    assert flood_sites == ["B1", "A1"]
    assert all(one.walk_m > 0 and one.walk_s > 0 for one in found.nearest)


async def test_an_order_that_covers_the_point_is_shown_with_what_to_do(guidance, plain):
    record = await plain.hq.issue(flood())
    found = await guidance.for_point(*HERE)
    assert [one.alert.key for one in found.alerts] == [record.alert.key]
    decision = found.decision
    assert (decision.action, decision.destination.site_id, decision.seq) == (Action.GO, "B1", 0)
    assert decision.alert_key == record.alert.key and decision.incident == record.incident


async def test_an_order_elsewhere_leaves_the_point_without_a_decision(guidance, plain):
    await plain.hq.issue(flood())
    found = await guidance.for_point(140.90, 38.215)
    assert (found.alerts, found.decision) == ((), None)


async def test_sites_that_are_closed_or_in_danger_are_not_listed(guidance, plain):
    await plain.close("A1", opening=Opening.UNUSABLE)
    await plain.hq.issue(flood())
    found = await guidance.for_point(*HERE)
    assert [one.site.site_id for one in found.nearest] == ["B1"]


async def test_what_changed_is_seen_after_a_second_at_most(guidance, plain):
    await plain.hq.issue(flood())
    assert (await guidance.for_point(*HERE)).decision.destination.site_id == "B1"
    await plain.close("B1", opening=Opening.CLOSED)
    plain.clock.at += timedelta(seconds=1)
    found = await guidance.for_point(*HERE)
    assert found.decision.destination.site_id == "A1"
    assert ReasonCode.PASSED_NEARER_CLOSED.value in found.decision.reasons


async def test_pace_is_heeded_and_unknown_pace_is_treated_with_care(guidance, plain):
    await plain.hq.issue(flood(kind=OrderKind.ELDERLY_ETC))
    slow = await guidance.for_point(*HERE, pace=PaceClass.SLOW)
    unknown = await guidance.for_point(*HERE)
    assert (slow.decision.action, unknown.decision.action) == (Action.GO, Action.PREPARE)
    assert ReasonCode.PREPARE_NOW.value in unknown.decision.reasons


async def test_a_tsunami_names_the_tower_or_the_way_inland(guidance, plain):
    await plain.hq.issue(tsunami())
    east, west = await guidance.for_point(140.9875, 38.215), await guidance.for_point(140.9805, 38.215)
    assert (east.decision.action, west.decision.action) == (Action.REFUGE, Action.INLAND)


async def test_a_point_outside_the_city_is_refused(guidance):
    with pytest.raises(InvalidInput) as refused:
        await guidance.for_point(135.0, 34.7)
    assert refused.value.problem == "outside_city"


async def test_several_orders_over_one_point_are_all_shown(guidance, plain):
    await plain.hq.issue(flood())
    await plain.hq.issue(tsunami())
    found = await guidance.for_point(*HERE)
    assert len(found.alerts) == 2
    assert found.decision.action in (Action.INLAND, Action.REFUGE)


SHUT_IN_RAIN = (
    "D1,emergency,川前小学校,仙台市若林区荒浜5,若林区,140.9815,38.2150,flood landslide earthquake,,,,1,,,,"
    "elementary_school,\n"
)


async def test_a_site_the_city_does_not_open_first_in_rain_is_no_answer_to_rain_until_staff_open_it(
    guidance, plain
):
    await plain.sites.import_sites(table(SHUT_IN_RAIN), "test")
    found = await guidance.for_point(*HERE)
    (school,) = [one for one in found.nearest if one.site.site_id == "D1"]
    assert school.fits == {HazardKind.EARTHQUAKE}
    await plain.close("D1", opening=Opening.OPEN)
    plain.clock.at += timedelta(seconds=1)
    found = await guidance.for_point(*HERE)
    (school,) = [one for one in found.nearest if one.site.site_id == "D1"]
    # 内水氾濫 falls back to 洪水, for no site here carries its own flag.
    rain = {HazardKind.FLOOD, HazardKind.LANDSLIDE, HazardKind.INLAND_FLOOD}
    assert school.fits == {HazardKind.EARTHQUAKE, *rain}
