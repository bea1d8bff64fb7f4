"""Whoever tells somebody something notes the town: the plan, the watch without a plan, the end of an order."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.delivery_report import DeliveryReport
from bosai.services.plan_sources import PlanSources
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.instructions import member_of
from bosai.stores.keys import bucket_of
from bosai.stores.outbox import Outbox, Result
from bosai.stores.subscriptions import SubscriptionStore
from geodata.places import PlaceIndex, ReadingStatus, Town
from tests.workers.plain import Plain, flood, place
from tests.workers.street import PLACES_SEALER, TOLD_SEALER


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


TOWNS = [town("荒浜", 140.985, 38.215), town("荒井", 140.955, 38.215)]


class PlainWithTowns(Plain):
    """The coast, and a table of its towns."""

    def sources(self) -> PlanSources:
        return PlanSources(
            self.redis,
            self.realm,
            self.clock,
            self.settings,
            subscriptions=SubscriptionStore(self.redis, self.realm, places_sealer=PLACES_SEALER),
            instructions=self.instructions,
            places=PlaceIndex(TOWNS, self.settings.city.plane_epsg),
        )


@pytest.fixture
def settings() -> Settings:
    return load_settings(None, {}, {})


@pytest.fixture
async def coast(redis: Redis, settings: Settings) -> PlainWithTowns:
    found = PlainWithTowns(redis, settings)
    await found.build()
    return found


async def test_the_plan_names_the_town_of_the_place_that_is_in_danger(
    coast: PlainWithTowns,
) -> None:
    one = await coast.settle(1, place(lon=140.950), place(place_id="work"))  # at home nothing happens
    record = await coast.hq.issue(flood())
    worker = await coast.leader()
    await worker.step()
    told = await coast.told(one)
    assert told is not None and (told.place_id, told.town) == ("work", "若林区荒浜")
    report = DeliveryReport(coast.redis, Realm.LIVE, coast.clock, TOLD_SEALER)
    assert [one.name for one in (await report.by_town(record.incident or "")).towns] == ["若林区荒浜"]


async def test_the_watch_names_it_too_and_the_lift_keeps_it(coast: PlainWithTowns) -> None:
    one = await coast.settle(1)
    record = await coast.hq.issue(flood())
    coast.clock.move(seconds=3)
    await coast.watch().step()
    told = await coast.told(one)
    assert told is not None
    assert (told.message, told.town) == (MessageKind.PROVISIONAL, "若林区荒浜")
    taken = Result(member_of(told.incident, one), told.seq, Stage.ACCEPTED, 1, heard=2)
    outbox = Outbox(coast.redis, Realm.LIVE, "w", TOLD_SEALER)
    assert await outbox.record({bucket_of(one): [taken]}, coast.clock.now()) == 1
    await coast.hq.lift(record.alert.alert_id)
    coast.clock.move(seconds=3)
    await coast.watch().step()
    ended = await coast.told(one)
    assert ended is not None and (ended.message, ended.town) == (MessageKind.LIFTED, "若林区荒浜")
