"""The page of telegrams in a real Chromium: every width, by keyboard, without script, and without a rule broken."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bosai.feeds.source_health import LostEntry, SourceHealth, SourceKind
from bosai.messages.measures import JST
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.staff import NewAccount
from bosai.stores.feed_sources import FeedSources
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bosai.feeds import weather_telegrams as sky
from tests.bosai.feeds.telegrams import item, report
from tests.bosai.web.officers import no_planner
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_console_browser import PHONE, TABLET, WIDE, signed_in
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

RIVER_FOLK = [
    (f"0420{n}00", f"{name}市") for n, name in enumerate(("石巻", "塩竈", "気仙沼", "白石", "名取"), 2)
]
HEIGHT = (
    '<jmx_eb:TsunamiHeight type="津波の高さ" unit="m" condition="不明" description="巨大">NaN'
    "</jmx_eb:TsunamiHeight>"
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    browser = chromium()
    browser.start()
    try:
        yield browser
    finally:
        browser.stop()


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> NewAccount:
    return await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)


async def a_bad_night(site: Site) -> None:
    """Rain, landslides, a tsunami, what can not be read, and sources that fail."""
    now = site.side().clock.now().astimezone(JST).replace(microsecond=0)

    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    take = site.side().feeds.take
    others = [sky.item(one, sky.kind("03", name="レベル３大雨警報")) for one in RIVER_FOLK]
    rain = sky.kind("10", name="レベル２大雨注意報")
    slide = sky.kind("49", name="レベル４土砂災害危険警報")
    for minutes, title, cities, code in (
        (50, sky.RAIN, (sky.item(sky.EAST, rain), *others), "VPWW55"),
        (40, sky.LANDSLIDE, (sky.item(sky.EAST, sky.kind("09", name="レベル３土砂災害警報")),), "VPWW56"),
        (20, sky.LANDSLIDE, (sky.item(sky.EAST, slide), sky.item(sky.WEST, slide)), "VPWW56"),
        (
            15,
            sky.WIND,
            (sky.item(sky.EAST, sky.kind("05", name="暴風警報"), sky.kind("14", name="雷注意報")),),
            "VPWW58",
        ),
    ):
        data = sky.weather(sky.miyagi(*cities), title=title, report_at=ago(minutes))
        await take(data, f"2026_0_{code}_040000.xml")
    for minutes, given in (
        (12, {"kind": "51", "last": "00"}),
        (9, {"kind": "53", "last": "51", "condition": "津波到達中と推測", "height": HEIGHT}),
    ):
        data = report(item(**given), item("250", "62", name="福島県"), report_at=ago(minutes))
        await take(data, "2026_0_VTSE41_010000.xml")
    await take(report(item(), report_at=ago(5)).replace(b"</Body>", b""), "20260401_0_VTSE41_010000.xml")
    await take(report(item(), report_at=ago(300)), "2026_0_VTSE41_010000.xml")
    await take(report(report_at=ago(3), title="噴火警報・予報", body="<E/>"), "2026_0_VFVO50_010000.xml")
    lost = LostEntry(
        url="https://www.data.jma.go.jp/developer/xml/data/20260401030310_0_VTSE51_010000.xml",
        title="津波情報a",
        detail="相手が断りました（HTTP 404 Not Found）",
        at=ago(20),
    )
    fine = {"kind": SourceKind.JMA, "watched_since": ago(600), "at": now, "bytes_today": 12_345_678}
    await FeedSources(site.opened.redis, Realm.LIVE).note(
        [
            SourceHealth(name="eqvol", url="https://a.test/1", last_ok_at=now, last_new_at=ago(9), **fine),
            SourceHealth(
                name="extra",
                url="https://a.test/2",
                last_ok_at=ago(8),
                failures=6,
                cause="https://a.test/extra.xml：時間内に返事が終わりません（30秒）",
                **fine,
            ),
            SourceHealth(
                name="regular", url="https://a.test/3", last_ok_at=now, lost=(lost,), slowed=2.5, **fine
            ),
        ],
        token=None,
    )


async def picture(page: Page, name: str, viewport: Viewport) -> None:
    if folder := os.environ.get("BOSAI_SHOTS"):
        await page.screenshot(Path(folder) / f"{name}-{viewport.width}.png", full_page=True)


@pytest.mark.parametrize("viewport", [WIDE, TABLET, PHONE], ids=["1280", "820", "360"])
async def test_the_pages_pass_the_accessibility_rules_and_fit_the_screen(
    chrome: Browser, site: Site, kian: NewAccount, viewport: Viewport
) -> None:
    await a_bad_night(site)
    page = await signed_in(chrome, site, kian, viewport=viewport)
    await page.goto(site.url + "/hq/telegrams")
    one = await page.evaluate("return document.querySelector('.telegram .outcome-proposed + a').href")
    for address, name in ((site.url + "/hq/telegrams", "telegrams"), (one, "telegram")):
        await page.goto(address)
        await page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        await picture(page, name, viewport)
        found = await page.axe("wcag2a", "wcag2aa")
        assert [(one["id"], one["nodes"]) for one in found] == [], name
        wider = await page.evaluate("return document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, name
    await page.close()


async def test_the_colours_hold_in_the_dark(chrome: Browser, site: Site, kian: NewAccount) -> None:
    await a_bad_night(site)
    page = await signed_in(chrome, site, kian)
    await page.prefer_dark()
    await page.goto(site.url + "/hq/telegrams")
    await picture(page, "telegrams-dark", WIDE)
    assert [(one["id"], one["nodes"]) for one in await page.axe("wcag2a", "wcag2aa")] == []
    await page.close()


async def test_everything_works_without_script_and_an_unreadable_one_is_put_aside(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    await a_bad_night(site)
    page = await signed_in(chrome, site, kian, java_script=False)
    await page.goto(site.url + "/hq/telegrams")
    await page.wait_for_text("確認が必要な電文")
    await page.click(css=".unread form button")
    await page.wait_for_text("電文を確認したことを記録しました。")
    await page.click(css=".telegram-title")
    await page.wait_for_text("この電文で変わったこと")
    await page.close()


async def test_the_list_is_filtered_by_keyboard(chrome: Browser, site: Site, kian: NewAccount) -> None:
    await a_bad_night(site)
    page = await signed_in(chrome, site, kian)
    await page.goto(site.url + "/hq/telegrams")
    await page.evaluate(
        "document.getElementById('type').value = 'tsunami'; document.getElementById('type').focus(); return 0"
    )
    for _ in range(2):
        await page.press("Tab")
    await page.press("Enter")
    await page.wait_for("return location.search.includes('type=tsunami')")
    titles = await page.evaluate(
        "return [...document.querySelectorAll('.telegram-title')].map(one => one.textContent)"
    )
    assert titles
    assert set(titles) == {"津波警報・注意報・予報a"}
    await page.close()
