"""Maps in Chromium: the hazard map by keyboard with its legend in words, own roads without tiles, the way drawn."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bosai.model.instruction import Destination
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.stores.instructions import InstructionDraft
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bosai.messages.examples import instruction
from tests.bosai.services.hq import Hq, square
from tests.bosai.services.hq import flood as flood_order
from tests.bosai.web.ground import Ground, flood, found_way, know, landslide, stand_on
from tests.bosai.web.officers import fresh_code
from tests.bosai.web.phone_page import PhonePage, open_phone_page
from tests.bosai.web.resident_site import resident_site
from tests.bosai.web.running import running
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PLACE = "/?lon=140.9701&lat=38.2221"
PHONE = Viewport(width=360, height=780, mobile=True)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOWN = "return document.querySelector('.map').dataset.hazard"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    browser = chromium()
    browser.start()
    try:
        yield browser
    finally:
        browser.stop()


@pytest.fixture
async def phone(chrome: Browser, private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[PhonePage]:
    async with open_phone_page(chrome, private_redis, tmp_path, Realm.LIVE, PHONE) as at:
        know(at.side, "v1", flood(), landslide(), with_roads=True)
        stand_on(at.side, (flood(), 2), way=found_way())
        yield at


async def order_here(phone: PhonePage) -> Any:
    hq = Hq(phone.wired.redis, Realm.LIVE)
    hq.clock.at = phone.wired.clock.now()
    form = flood_order()
    area = msgspec.structs.replace(
        form.area, polygons_e7_lonlat=square(west=140.965, south=38.215, side=0.012)
    )
    return await hq.issue(msgspec.structs.replace(form, area=area))


async def open_map(page: Page) -> None:
    await page.click(css=".map-details summary")
    await page.wait_for_element(css=".hazards fieldset")


async def test_in_quiet_times_the_first_hazard_map_is_shown_with_a_legend_in_words(phone: PhonePage) -> None:
    page = phone.page
    await page.goto(f"{phone.base}{PLACE}&lang=en")
    await open_map(page)
    assert await page.evaluate(SHOWN) == "flood_max"
    legend = await page.evaluate(
        "return [...document.querySelectorAll('.hazard-legend li')].map((one) => one.innerText)"
    )
    assert legend[0] == "20 m deep or more"
    assert legend[-1] == "less than 0.5 m deep"
    swatches = "return [...document.querySelectorAll('.swatch')].map((one) => one.toDataURL())"
    assert len(set(await page.evaluate(swatches))) == len(legend)
    await page.wait_for("return document.querySelector('.map').dataset.roads === 'own'")
    await page.wait_for(
        "return document.querySelector('.maplibregl-ctrl-attrib-inner').innerText.includes('試験の道')"
    )
    covered = (
        "const share = (one) => one.getBoundingClientRect().height;"
        "return share(document.querySelector('.maplibregl-ctrl-attrib')) / share(document.querySelector('.map'))"
    )
    assert await page.evaluate(covered) < 0.25, "a map names what it shows, and stays to be seen"
    assert await page.axe("wcag2a", "wcag2aa") == []
    assert page.errors == []


@pytest.mark.parametrize(
    ("answers", "drawn"), [(True, "of the tiles"), (False, "own")], ids=["tiles", "offline"]
)
async def test_own_roads_stand_in_for_base_tiles_that_do_not_come(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path, answers: bool, drawn: str
) -> None:
    async def tile(_request: web.Request) -> web.Response:
        return web.Response(status=200 if answers else 404, body=PIXEL, content_type="image/png")

    tiles = web.Application()
    tiles.router.add_get("/{any:.*}", tile)
    async with (
        TestServer(tiles, host="127.0.0.1") as maps,
        resident_site(
            private_redis, tmp_path, **{"map.tile_url": str(maps.make_url("/")) + "{z}/{x}/{y}.png"}
        ) as (server, wired),
    ):
        know(wired.realms[Realm.LIVE], "v1", with_roads=True)
        page = await chrome.new_page(person=f"tiles-{answers}", viewport=PHONE)
        await page.goto(str(server.make_url(f"{PLACE}&lang=ja")))
        await page.click(css=".map-details summary")
        await page.wait_for_text("ハザードマップはまだ取り込まれていません。")
        await page.wait_for("return document.querySelector('.map').dataset.roads")
        assert await page.evaluate("return document.querySelector('.map').dataset.roads") == drawn
        assert [one for one in page.errors if "404" not in one] == []
        await page.close()


async def test_while_an_order_is_in_force_its_area_stands_alone_until_somebody_asks_by_keyboard(
    phone: PhonePage,
) -> None:
    page = phone.page
    await order_here(phone)
    await page.goto(f"{phone.base}{PLACE}&lang=ja")
    await open_map(page)
    assert await page.evaluate(SHOWN) == ""
    assert await page.evaluate("return document.querySelector('.hazard-legend').innerText") == ""
    await page.evaluate("document.querySelector('.hazards input:checked').focus()")
    await page.press("ArrowDown")
    await page.press("ArrowDown")
    await page.wait_for(f"{SHOWN} === 'landslide'")
    words = await page.evaluate("return document.querySelector('.hazard-legend').innerText")
    assert "見本・実際の区域ではありません" in words
    assert "土砂災害特別警戒区域" in words
    assert page.errors == []


async def test_a_hazard_map_that_does_not_come_is_said_and_not_shown_as_an_empty_one(
    phone: PhonePage,
) -> None:
    page = phone.page
    await order_here(phone)
    await page.goto(f"{phone.base}{PLACE}&lang=ja")
    await open_map(page)
    know(phone.side, "v2", landslide())  # an import took it away meanwhile
    await page.click(css=".hazards input[value=flood_max]")
    await page.wait_for_text("ハザードマップを表示できませんでした。")
    assert "色と模様の意味" not in await page.text()


async def test_the_advice_page_lists_the_way_and_draws_it(phone: PhonePage) -> None:
    page, side = phone.page, phone.side
    record = await order_here(phone)
    await page.goto(f"{phone.base}{PLACE}&lang=en")
    await page.click(css=".notify [data-save]")
    await page.wait_for("return (await bosaiStore('live').get('subscription')) ?? null")
    known = await page.evaluate("return await bosaiStore('live').get('subscription')")
    site = (await side.sites.all())[0]
    place = Destination(
        site_id=site.site_id, name=site.name, lon=site.lon, lat=site.lat, walk_m=899, walk_s=1400
    )
    told = msgspec.structs.replace(
        instruction(destination=place, alternate=None, incident=record.incident),
        subscription_id=known["id"],
        alert_key=record.alert.key,
        decided_at=side.clock.now(),
    )
    draft = {name: getattr(told, name) for name in told.__struct_fields__ if name != "seq"}
    await side.instructions.emit(1, [InstructionDraft(**draft)], side.clock.now())

    await page.goto(f"{phone.base}/advice?lang=en")
    await page.wait_for("return document.querySelector('bosai-route')?.hidden === false")
    steps = await page.evaluate(
        "return [...document.querySelectorAll('[data-steps] li')].map((one) => one.innerText)"
    )
    assert steps[0] == "Walk about 40m to the road"
    assert steps[2] == "Turn right: 県道塩釜亘理線, 600m"
    assert (
        await page.evaluate("return document.querySelector('[data-steps] [lang=ja]').textContent")
        == "県道塩釜亘理線"
    )
    await open_map(page)
    await page.wait_for_element(css="bosai-route .map canvas")
    assert await page.axe("wcag2a", "wcag2aa") == []
    assert page.errors == []

    message = {
        "web_push": 8030,
        "notification": {"title": "避難", "body": place.name, "lang": "ja", "tag": "t"},
        "bosai": {"incident": told.incident, "seq": 1, "r": "r", "at": 1, "stale": 2, "urgent": True},
    }
    await page.evaluate("await bosaiStore('live').keepNewest({ ...arg, received_at: 1 })", message)
    await page.wait_for("return navigator.serviceWorker.controller !== null")
    await page.set_offline(True)
    await page.goto(f"{phone.base}/advice?lang=en")
    await page.wait_for("return document.querySelector('bosai-route')?.hidden === false")
    assert await page.evaluate("return document.querySelectorAll('[data-steps] li').length") == len(steps)
    assert await page.evaluate("return document.querySelector('[data-steps]').lang") == "en", (
        "as it was asked for"
    )
    await page.set_offline(False)

    stand_on(side, way=None)
    await page.goto(f"{phone.base}/advice?lang=en&again=1")
    await page.wait_for_text(site.name)
    assert await page.evaluate("return document.querySelector('bosai-route').hidden")


async def test_without_a_way_nothing_of_it_is_shown_and_the_service_is_asked_once(phone: PhonePage) -> None:
    ground: Ground = stand_on(phone.side, way=None)
    await order_here(phone)
    await phone.page.goto(f"{phone.base}{PLACE}&lang=ja")
    assert await phone.page.evaluate("return document.querySelector('.way-steps')") is None
    assert len(ground.asked) == 1
    await phone.page.goto(f"{phone.base}/advice")
    assert await phone.page.evaluate("return document.querySelector('bosai-route').hidden")
    assert len(ground.asked) == 1


async def test_an_officer_drafts_beside_a_hazard_map_that_is_no_part_of_the_form(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with running(tmp_path, private_redis.url) as site:
        know(site.side(), "v1", flood(), replace(landslide(), sample=False), with_roads=True)
        account = await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)
        page = await chrome.new_page(person="kian", viewport=Viewport(width=1280, height=900))
        await page.goto(site.url + "/hq/")
        await page.fill(account.name, css="#name")
        await page.fill(account.password, css="#password")
        await page.fill(fresh_code(site, account), css="#code")
        await page.click(css="main form button")
        await page.wait_for_text("システムの状態")
        await page.goto(site.url + "/hq/alerts/new")
        await page.wait_for("return document.querySelector('#compose').dataset.drawing === 'ready'")
        await page.wait_for_element(css="#hazards fieldset")
        assert await page.evaluate(SHOWN) == ""
        await page.click(css="#hazards input[value=flood_max]")
        assert await page.evaluate(SHOWN) == "flood_max"
        names = await page.evaluate("return [...new FormData(document.querySelector('#compose')).keys()]")
        assert "hazard-map" not in names
        assert "国土地理院" in await page.evaluate(
            "return document.querySelector('#hazards .map-sources').innerText"
        )
        assert page.errors == []
