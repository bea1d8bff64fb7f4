"""Plans and visitors walk along the roads as soon as somebody imported them, without a restart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotFound
from bosai.model.realm import Realm
from bosai.services.audit import AuditService
from bosai.services.geo import GeoService
from bosai.services.geo_holder import GeoHolder
from bosai.services.geo_imports import GeoImports
from bosai.services.guidance import GuidanceService
from bosai.services.plan_sources import PlanSources
from bosai.services.walking import FEET
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.sites import SiteStore
from bosai.stores.subscriptions import SubscriptionStore
from geodata.catalogue import UNKNOWN
from geodata.foot import Foot
from geodata.route_steps import Turn
from geodata.snapping import Snapped
from geodata.walks import NetworkWalks
from geodata.ways_out import WaysOut
from shelters.model import Action
from tests.workers.plain import Plain, flood, place
from tests.workers.street import PLACES_SEALER
from tests.workers.test_planner import tsunami

POND = """
[hazard_files.mapped.pond]
hazard = "flood"
name_ja = "ため池ハザードマップ"
class_property = "rank"
classes = [{ value = "1", code = "pond_1", rank = 1, ja = "0.5m未満", depth_max_m = 0.5 }]
source = "出典：見本市"
version = "2026-04"
"""
HERE = (140.982, 38.215)
BEELINE_M = 525.7  # from here to the hall, along the parallel


@pytest.fixture
def settings(tmp_path) -> Settings:
    own = tmp_path / "city.toml"
    own.write_text(POND, "utf-8")
    return load_settings(own, {}, {"data.dir": str(tmp_path / "data")})


@pytest.fixture
async def plain(redis: Redis, settings: Settings) -> Plain:
    return await Plain(redis, settings).build()


@pytest.fixture
def imports(plain: Plain) -> GeoImports:
    return GeoImports(
        plain.redis, plain.clock, plain.settings, AuditService(plain.redis, Realm.LIVE, plain.clock)
    )


def lines(*ways: list[tuple[float, float]]) -> bytes:
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": way},
            "properties": {"highway": "residential", "name": "海岸通り"},
        }
        for way in ways
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


COAST_ROAD = lines([(140.940 + 0.002 * n, 38.215) for n in range(28)])
TOWNS = (
    "pref,city,town,koaza,lat,lng\n"
    "宮城県,仙台市若林区,見本町,,38.2150,140.9820\n"
    "宮城県,仙台市若林区,遠い町,,38.2150,140.9000\n"
)


async def test_a_household_is_sent_along_the_road_and_the_distance_is_no_estimate(plain, imports):
    one = await plain.settle(1)
    worker = await plain.leader()
    await plain.hq.issue(flood())
    await worker.step()
    before = await plain.told(one)
    assert before.destination.site_id == "B1"
    assert before.destination.about
    assert before.destination.walk_m == pytest.approx(1.5 * BEELINE_M, rel=0.02)

    await imports.import_roads(COAST_ROAD, "test")
    two = await plain.settle(2)
    assert await worker.step(), "an import is news to the planner"
    after = await plain.told(two)
    assert after.destination.site_id == "B1"
    assert not after.destination.about
    assert after.destination.walk_m == pytest.approx(BEELINE_M, rel=0.02)


async def test_in_quiet_the_planner_searches_the_ways_so_that_the_first_order_finds_them(
    plain, imports, monkeypatch
):
    searched: list[Foot] = []
    fresh = NetworkWalks._fresh_ways

    def counted(walks: NetworkWalks, at: Snapped) -> WaysOut:
        searched.append(walks.foot)
        return fresh(walks, at)

    monkeypatch.setattr(NetworkWalks, "_fresh_ways", counted)
    await imports.import_roads(COAST_ROAD, "test")
    await plain.settle(1)
    worker = await plain.leader()
    await worker.step()
    feet = len(searched)
    assert FEET[0] in searched
    assert feet == len(set(searched))
    await plain.hq.issue(flood())
    await worker.step()
    assert len(searched) == feet


async def test_the_town_of_a_place_is_named_by_the_towns_that_were_imported(plain, imports):
    await plain.settle(1)
    sources = plain.sources()
    first = await sources.refresh_people()
    assert (await sources.people()).towns == ("",)
    await imports.import_places(TOWNS.encode(), "test")
    assert await sources.refresh_people() > first
    assert (await sources.people()).towns == ("若林区見本町",)


async def test_the_watch_over_releases_needs_no_roads_and_waits_for_none(plain, imports):
    await imports.import_roads(COAST_ROAD, "test")
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    plain.clock.move(seconds=3)
    await plain.watch().step()
    assert (await plain.told(one)).action is Action.GO


@pytest.fixture
async def ground(plain: Plain) -> GeoService:
    holder = await GeoHolder.opened(plain.settings, plain.redis, plain.clock)
    return GeoService(
        holder, SiteStore(plain.redis, Realm.LIVE), AlertStore(plain.redis, Realm.LIVE), plain.settings
    )


async def test_a_visitor_hears_the_walk_along_the_road(plain, imports, ground):
    guidance = GuidanceService(plain.sites, plain.hq.store, plain.clock, plain.settings, ground)
    (straight,) = [one for one in (await guidance.for_point(*HERE)).nearest if one.site.site_id == "B1"]
    await imports.import_roads(COAST_ROAD, "test")
    await ground.holder.refresh()
    plain.clock.move(seconds=2)
    (walked,) = [one for one in (await guidance.for_point(*HERE)).nearest if one.site.site_id == "B1"]
    assert straight.walk_m == pytest.approx(1.5 * BEELINE_M, rel=0.02)
    assert walked.walk_m == pytest.approx(BEELINE_M, rel=0.02)


async def test_a_route_is_told_with_steps_where_there_are_roads_and_not_at_all_where_there_are_none(
    imports, ground
):
    assert await ground.route(HERE, "B1") is None
    await imports.import_roads(COAST_ROAD, "test")
    await ground.holder.refresh()
    route = await ground.route(HERE, "B1", foot=Foot.STANDARD)
    assert route is not None
    assert route.metres == pytest.approx(BEELINE_M, rel=0.02)
    assert any(one.name == "海岸通り" for one in route.steps)


async def test_no_route_leads_into_the_area_of_an_order(plain, imports, ground):
    """The tower stands inside the flooded square; from outside nobody is led to it."""
    await imports.import_roads(COAST_ROAD, "test")
    await ground.holder.refresh()
    outside = (140.950, 38.215)
    assert await ground.route(outside, "C1") is not None
    await plain.hq.issue(flood())
    assert await ground.route(outside, "C1") is None
    assert await ground.route(HERE, "B1") is not None, "out of it one may walk"


async def test_a_route_to_nowhere_and_from_elsewhere_is_refused(ground):
    with pytest.raises(NotFound):
        await ground.route(HERE, "nobody")
    for ask in (lambda: ground.route((0.0, 0.0), "B1"), lambda: ground.at(0.0, 0.0)):
        with pytest.raises(InvalidInput):
            await ask()


async def test_at_a_point_every_map_says_its_class_or_that_nobody_knows(imports, ground):
    assert await ground.at(*HERE) == []
    await imports.import_hazards(pond(140.980, 38.213), "test", layer="pond", name="pond.geojson")
    await ground.holder.refresh()
    ((layer, row),) = await ground.at(*HERE)
    assert layer.classes[row].code == "pond_1"
    ((_, row),) = await ground.at(140.95, 38.215)
    assert row == UNKNOWN


def pond(west: float, south: float, size: float = 0.004) -> bytes:
    ring = [
        (west, south),
        (west + size, south),
        (west + size, south + size),
        (west, south + size),
        (west, south),
    ]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"rank": "1"},
    }
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


async def test_roads_that_a_shared_holder_read_already_are_news_to_every_plan(plain, imports):
    holder = await GeoHolder.opened(plain.settings, plain.redis, plain.clock)
    sides = [shared_sources(plain, holder) for _ in range(2)]
    before = [await one.refresh_people() for one in sides]
    await imports.import_roads(COAST_ROAD, "test")
    assert await holder.refresh(), "its own watch came first"
    assert [await one.refresh_people() for one in sides] == [one + 1 for one in before]
    walking = [(await one.situation("")).walking for one in sides]
    assert walking[0] is walking[1] is holder.walking is not None


async def test_other_towns_rename_places_without_loading_anybody_again(plain, imports, monkeypatch):
    await plain.settle(1)
    sources = plain.sources()
    await sources.refresh_people()
    monkeypatch.setattr(SubscriptionStore, "load_bucket", None)
    await imports.import_roads(COAST_ROAD, "test")
    await sources.refresh_people()
    await imports.import_places(TOWNS.encode(), "test")
    await sources.refresh_people()
    assert (await sources.people()).towns == ("若林区見本町",)


async def test_plans_go_on_when_the_folder_of_the_ground_can_not_be_read(plain, imports):
    """Say an import by another user made it: (a file in its place is barred to everybody, root too.)"""
    folder = plain.settings.data_dir / "geo"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("")
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert (await plain.told(one)).action is Action.GO
    holder = await GeoHolder.opened(plain.settings, plain.redis, plain.clock)
    assert [problem.key for problem in holder.problems] == [""]


async def test_a_network_of_which_one_byte_changed_is_named_and_plans_take_the_straight_line(plain, imports):
    await imports.import_roads(COAST_ROAD, "test")
    (path,) = (plain.settings.data_dir / "geo").glob("network-*/edge_to.npy")
    data = bytearray(path.read_bytes())
    data[-1] ^= 0x40
    path.write_bytes(data)
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert (await plain.told(one)).destination.about
    holder = await GeoHolder.opened(plain.settings, plain.redis, plain.clock)
    assert [problem.key for problem in holder.problems] == ["network"]


async def test_the_way_inland_is_walked_along_the_road_not_across_what_lies_between(plain, imports):
    """The only road goes 390 m north before it turns inland; the straight line to the edge is 240 m."""
    one = await plain.settle(1, place(lon=140.9825))
    worker = await plain.leader()
    await plain.hq.issue(tsunami())
    await worker.step()
    straight = await plain.told(one)
    assert (straight.action, straight.destination.walk_m) == (Action.INLAND, pytest.approx(359, rel=0.05))

    north, inland = (140.9825, 38.2185), [(140.9825 - 0.002 * n, 38.2185) for n in range(1, 15)]
    await imports.import_roads(lines([(140.9825, 38.2150), north, *inland]), "test")
    two = await plain.settle(2, place(lon=140.9825))
    await worker.step()
    told = await plain.told(two)
    assert (told.action, told.destination.walk_m) == (Action.INLAND, pytest.approx(390 + 239, rel=0.05))
    assert told.destination.lat == pytest.approx(38.2185, abs=1e-4)


async def test_who_is_told_to_go_inland_can_ask_for_the_way_and_nobody_else_gets_one(plain, imports, ground):
    north, inland = (140.9825, 38.2185), [(140.9825 - 0.002 * n, 38.2185) for n in range(1, 15)]
    await imports.import_roads(lines([(140.9825, 38.2150), north, *inland]), "test")
    await ground.holder.refresh()
    assert await ground.route((140.9825, 38.2150), None) is None, "no tsunami"
    await plain.hq.issue(tsunami())
    way = await ground.route((140.9825, 38.2150), None)
    assert way.metres == pytest.approx(390 + 239, rel=0.05)
    assert way.lonlat[-1] == pytest.approx((140.98, 38.2185), abs=5e-4)
    assert way.steps[-1].turn is Turn.ARRIVE
    assert await ground.route(inland[-1], None) is None, "outside already"


def shared_sources(plain: Plain, holder: GeoHolder) -> PlanSources:
    return PlanSources(
        plain.redis,
        Realm.LIVE,
        plain.clock,
        plain.settings,
        subscriptions=SubscriptionStore(plain.redis, Realm.LIVE, places_sealer=PLACES_SEALER),
        instructions=plain.instructions,
        geo=holder,
    )


async def test_roads_for_no_walker_leave_plans_and_visitors_their_straight_lines(plain, imports, ground):
    await imports.import_roads(COAST_ROAD.replace(b"residential", b"motorway"), "test")
    await ground.holder.refresh()
    assert ground.facts.network is None or not len(ground.facts.network.edge_from)
    one = await plain.settle(1)
    await plain.hq.issue(flood())
    await (await plain.leader()).step()
    assert (await plain.told(one)).destination.site_id == "B1"
    guidance = GuidanceService(plain.sites, plain.hq.store, plain.clock, plain.settings, ground)
    assert (await guidance.for_point(*HERE)).decision is not None
    assert await ground.route(HERE, "B1") is None


async def test_a_hazard_map_that_was_damaged_is_asked_again_as_soon_as_it_was_mended(plain, imports):
    data = pond(140.980, 38.213)
    await imports.import_hazards(data, "test", layer="pond", name="pond.geojson")
    (path,) = (plain.settings.data_dir / "geo").glob("hazard-pond-*/layer.bin")
    path.write_bytes(b"broken")
    holder = await GeoHolder.opened(plain.settings, plain.redis, plain.clock)
    assert (len(holder.problems), holder.catalogue().layers) == (1, ())
    plain.clock.move(seconds=60)
    await imports.import_hazards(data, "test", layer="pond", name="pond.geojson")
    await holder.refresh()
    assert (holder.problems, [one.key for one in holder.catalogue().layers]) == ((), ["pond"])
