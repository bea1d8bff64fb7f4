"""What stands first on a page, for somebody in a hurry: the gravest order, the box to approve in, the area."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from shapely.geometry import Point, shape

from bosai.model.alert import OrderKind
from bosai.model.realm import Realm
from bosai.model.staff import Role
from tests.bosai.services.hq import Hq, flood, tsunami
from tests.bosai.web.officers import FLOOD_ORDER, Officer, no_planner, officer, visitor
from tests.bosai.web.resident_site import pick, resident_site
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_resident_pages import page
from tests.redis_server import PrivateRedis

KINDS = (OrderKind.ELDERLY_ETC, OrderKind.EMERGENCY_SAFETY, OrderKind.EVACUATE)
ARAHAMA = (140.9701, 38.2221)


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


async def test_the_gravest_order_stands_first_for_residents(
    private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with resident_site(private_redis, tmp_path) as (server, wired):
        side = Hq(wired.redis, Realm.LIVE)
        side.clock.at = wired.clock.now()
        for kind in KINDS:
            await side.issue(flood(kind=kind))
        await side.issue(tsunami())
        async with aiohttp.ClientSession(server.make_url("/"), headers={"Accept": "text/html"}) as browser:
            document = await page(browser)
    heads = [one.text_content() for one in pick(document, ".in-force .level")]
    assert heads == [
        "大津波警報",
        "警戒レベル5 緊急安全確保",
        "警戒レベル4 避難指示",
        "警戒レベル3 高齢者等避難",
    ]
    separator = pick(document, ".in-force .by-level4")
    assert [one.text_content().strip() for one in separator] == ["〈警戒レベル4までに必ず避難！〉"]
    before, after = separator[0].getprevious(), separator[0].getnext()
    assert "警戒レベル5" in before.text_content() and "警戒レベル4" in after.text_content()


async def test_the_gravest_order_stands_first_on_the_board(site: Site, kian: Officer) -> None:
    async with officer(site, "shonin", Role.HQ_APPROVER) as shonin:
        for kind in KINDS:
            path = await kian.submitted(FLOOD_ORDER | {"kind": kind.value})
            assert (await shonin.approve(path)).status == 200
    board = await kian.get("/hq/")
    heads = board.document.xpath("//*[@id='part-in-force']//*[contains(@class, 'level ')]/text()")
    assert [one.split()[0] for one in heads] == ["警戒レベル5", "警戒レベル4", "警戒レベル3"]
    assert len(board.document.xpath("//*[@id='part-in-force']//*[@class='by-level4']")) == 1


async def test_the_box_to_approve_in_comes_after_what_is_approved_and_before_the_other_languages(
    site: Site, kian: Officer
) -> None:
    path = await kian.submitted(FLOOD_ORDER)
    async with officer(site, "shonin", Role.HQ_APPROVER) as shonin:
        shown = await shonin.get(path)
    order = shown.document.xpath("//main//*[@id]/@id")
    wanted = ["h-preview", "h-area", "h-said", "h-decide", "h-lock", "h-texts"]
    assert [one for one in order if one in wanted] == wanted
    assert len(shown.document.xpath("//*[@aria-labelledby='h-preview']")) == 1, "two regions of one name"
    assert shown.one("//p[@class='to-decide']/a").get("href") == "#h-decide"
    said = shown.one("//div[contains(@class, 'said')]").text_content()
    assert "警戒レベル4 避難指示" in said
    assert "仙台市は" in said


async def test_who_may_not_approve_is_not_led_to_the_box(site: Site, kian: Officer) -> None:
    path = await kian.submitted(FLOOD_ORDER)
    assert (await kian.get(path)).document.xpath("//p[@class='to-decide']") == []


async def test_what_is_ticked_is_given_as_one_area_for_the_map(site: Site, kian: Officer) -> None:
    shown = await kian.get("/hq/area.geojson?zone=ward:若林区&zone=town:宮城野区/岡田")
    (feature,) = msgspec.json.decode(shown.body)["features"]
    assert feature["properties"]["names"] == ["若林区", "宮城野区岡田"]
    assert feature["properties"]["approximate"] is True
    assert shape(feature["geometry"]).covers(Point(ARAHAMA))


@pytest.mark.parametrize("query", ["?zone=ward:東京", "?zone=", ""])
async def test_an_area_nobody_knows_is_refused_by_name_and_no_choice_is_never_the_whole_city(
    site: Site, kian: Officer, query: str
) -> None:
    shown = await kian.get(f"/hq/area.geojson{query}", as_program=True)
    assert shown.status == 400
    assert msgspec.json.decode(shown.body)["field"] == "area"


async def test_only_who_may_draft_asks_for_areas(site: Site) -> None:
    async with visitor(site) as stranger:
        shown = await stranger.get("/hq/area.geojson?zone=ward:若林区", as_program=True)
    assert shown.status == 401


async def test_the_record_speaks_japanese_of_imports_and_of_who_made_them(site: Site) -> None:
    async with officer(site, "kansa", Role.AUDITOR) as auditor:
        words = (await auditor.get("/hq/audit")).document.xpath("string(//table)")
    assert "避難所の取り込み" in words
    assert "imported_sites" not in words
