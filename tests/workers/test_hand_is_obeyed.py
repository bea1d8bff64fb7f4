"""What HQ, wards and desks say reaches the very next plan: exclusions, pins, pauses, shaking, codes, days, failures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bosai.model.instruction import Answer, MessageKind
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.model.subscription import Need
from bosai.services.hand import HandService
from bosai.services.plan_sources import PlanSources
from bosai.settings import load_settings
from bosai.stores.hand import HandKind
from bosai.stores.site_failures import SiteFailures
from geodata.places import PlaceIndex, ReadingStatus, Town
from shelters.model import Action, Facet, Opening, ReasonCode
from tests.bosai.services.hq import officer
from tests.bosai.services.test_sites import table
from tests.workers.plain import INLAND_SCHOOL, NEAR_HALL, TOWER, Plain, flood, place
from tests.workers.test_who_hears import answer

SATO = officer("sato", Role.HQ_APPROVER)
CARE_HOME = "W1,shelter,荒井特別養護老人ホーム,仙台市若林区荒井5,若林区,140.9700,38.2150,,,,,,,,,welfare,\n"
STAYS = "番号,一時滞在施設,所在地,緯度,経度,受入人数\n1,荒井駅前会館,仙台市若林区荒井1,38.2150,140.9740,300\n"


@pytest.fixture
def settings(tmp_path):
    return load_settings(None, {}, {"data.dir": str(tmp_path)})


@pytest.fixture
async def plain(redis, settings):
    made = Plain(redis, settings)
    await made.sites.import_sites(table(INLAND_SCHOOL, NEAR_HALL, TOWER, CARE_HOME), "test")
    return made


@pytest.fixture
def hand(redis, plain):
    return HandService(redis, Realm.LIVE, plain.clock)


def site_of(told) -> str | None:
    return told.destination.site_id if told.destination else None


async def test_who_was_sent_to_a_site_hq_excludes_is_sent_on_once_and_stays_there_when_it_is_lifted(
    plain, hand
):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    assert site_of(await plain.told(one)) == "B1"
    plain.clock.move(minutes=11)
    await hand.exclude(SATO, "B1", "前の道が冠水")
    assert await worker.step()
    told = await plain.told(one)
    assert (told.message, site_of(told), told.seq) == (MessageKind.REDIRECT, "A1", 2)
    plain.clock.move(minutes=30)
    await hand.lift(SATO, HandKind.EXCLUDE, "B1", "水が引いた")
    assert await worker.step()
    new = await plain.settle(2)
    await worker.step()
    assert (await plain.told(one)).seq == 2 and site_of(await plain.told(new)) == "B1"


async def test_a_town_hq_names_a_destination_for_goes_there_and_its_neighbours_do_not(
    plain, hand, monkeypatch
):
    towns = PlaceIndex([town("荒浜", 140.982, 38.215), town("荒井", 140.986, 38.212)], 6678)
    sources = plain.sources
    monkeypatch.setattr(plain, "sources", lambda: with_towns(sources(), towns))
    one, neighbour = await plain.settle(1), await plain.settle(2, place(lon=140.986, lat=38.212))
    await hand.pin(SATO, "若林区荒浜", "A1", "バスで運ぶため", ("若林区荒浜", "若林区荒井"))
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told = await plain.told(one)
    assert site_of(told) == "A1" and ReasonCode.PINNED.value in told.reasons
    assert site_of(await plain.told(neighbour)) == "B1"


def town(name: str, lon: float, lat: float) -> Town:
    return Town(
        name=name,
        ward="若林区",
        kana="",
        romaji="",
        lon=lon,
        lat=lat,
        reading_source="",
        reading_status=ReadingStatus.DRAFT,
    )


def with_towns(sources: PlanSources, towns: PlaceIndex) -> PlanSources:
    sources._people.name_by(towns)
    return sources


async def test_while_redirects_are_paused_only_who_can_not_be_let_in_is_sent_elsewhere(plain, hand):
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await hand.pause(SATO, "混乱を避けるため")
    await hand.exclude(SATO, "B1", "前の道が冠水")
    assert await worker.step()
    assert site_of(await plain.told(one)) == "B1"
    await plain.close("B1", opening=Opening.UNUSABLE)
    await worker.step()
    assert site_of(await plain.told(one)) == "A1"


async def test_after_strong_shaking_a_hall_counts_once_its_building_was_checked(plain, hand):
    await hand.shaken(SATO, plain.clock.now(), "震度6弱")
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    assert site_of(await plain.told(one)) not in ("A1", "B1")
    plain.clock.move(minutes=11)
    await plain.close("A1", checked=True)
    await worker.step()
    told = await plain.told(one)
    assert (site_of(told), told.action) == ("A1", Action.GO)
    new = await plain.settle(2)
    await hand.lift(SATO, HandKind.SHAKEN, "", "誤報")
    await worker.step()
    assert site_of(await plain.told(new)) == "B1"


async def test_an_outage_is_told_to_those_who_need_what_is_lost_and_only_to_them(plain):
    """B1 is 0.8 km off and A1 4.2 km: a lift that stands still is worth 1.8 km, so B1 stays, and says so."""
    others, wheels = await plain.settle(1), await plain.settle(2, place(needs=(Need.STEP_FREE,)))
    await plain.close("B1", outages=Facet.STEP_FREE)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told = await plain.told(wheels)
    assert site_of(told) == "B1" and ReasonCode.FACILITY_MISSING.value in told.reasons
    assert ReasonCode.FACILITY_MISSING.value not in (await plain.told(others)).reasons


async def test_a_household_with_a_wards_code_goes_to_the_welfare_shelter_once_it_is_open(plain):
    coded = await plain.settle(1, place(welfare_site="W1"))
    other = await plain.settle(2)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    assert site_of(await plain.told(coded)) == site_of(await plain.told(other)) == "B1"
    plain.clock.move(minutes=11)
    await plain.close("W1", opening=Opening.OPEN)
    late = await plain.settle(3, place(welfare_site="W1"))
    await worker.step()
    told = await plain.told(late)
    assert site_of(told) == "W1" and ReasonCode.WELFARE_CODE.value in told.reasons
    assert site_of(await plain.told(other)) == "B1"


async def test_a_visitor_may_be_sent_to_a_temporary_stay_that_is_open_and_a_resident_never(plain):
    await plain.sites.import_sites(STAYS.encode(), "test")
    await plain.close("B1", opening=Opening.CLOSED)
    await plain.close("T-1", opening=Opening.OPEN)
    until = plain.clock.now() + timedelta(hours=8)
    visitor, resident = await plain.settle(1, place(until=until)), await plain.settle(2)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    told = await plain.told(visitor)
    assert site_of(told) == "T-1" and ReasonCode.TEMPORARY_STAY.value in told.reasons
    assert site_of(await plain.told(resident)) == "A1"


async def test_a_failed_site_tells_hq_and_its_desk_who_goes_where_and_is_silent_once_it_is_mended(plain):
    on_the_way, inside = await plain.settle(1), await plain.settle(2)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(minutes=40)
    await answer(plain, inside, Answer.ARRIVED)
    await plain.close("B1", opening=Opening.OPEN, present_persons=30)
    await worker.step()
    await plain.close("B1", opening=Opening.UNUSABLE)
    await worker.step()
    for one in (on_the_way, inside):
        assert site_of(await plain.told(one)) == "A1"
    (failure,) = await SiteFailures(plain.redis, Realm.LIVE).all()
    assert (failure.site_id, failure.inside, failure.inside_with_phone) == ("B1", 30, 2)
    assert failure.say and sum(one.persons for one in failure.moves) >= 30
    await plain.close("B1", opening=Opening.OPEN)
    await worker.step()
    assert await SiteFailures(plain.redis, Realm.LIVE).all() == []
