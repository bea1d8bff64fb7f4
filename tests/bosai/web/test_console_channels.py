"""One version on every other channel: a draft is only read, a released version is copied and downloaded."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bosai.messages.wording import check_wording
from bosai.model.alert import Act
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.previews import Preview, TownFigures
from geodata.hazards import HazardKind
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Viewport
from tests.bosai.web.officers import (
    FLOOD_ORDER,
    TSUNAMI_ORDER,
    Officer,
    fresh_code,
    no_planner,
    officer,
    planner,
)
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_console_browser import PHONE, TABLET, WIDE, signed_in
from tests.redis_server import PrivateRedis

FILES = (
    "area-mail.txt",
    "loudspeaker.txt",
    "sns.txt",
    "press.txt",
    "report.txt",
    "report.csv",
    "report.json",
    "lalert-shaped.xml",
)


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    # Nobody counts residents but where a test says so: do not wait two seconds for that with every file.
    async with running(tmp_path, private_redis.url, {"channels.figures_wait_s": 0.3}) as found:
        no_planner(found)
        yield found


async def released(site: Site, form: dict[str, Any], realm: Realm = Realm.LIVE) -> str:
    """The path of a version that two officers released."""
    async with (
        officer(site, f"kian-{realm.value}", Role.HQ_DRAFTER, realm) as kian,
        officer(site, f"shonin-{realm.value}", Role.HQ_APPROVER, realm) as shonin,
    ):
        path = await kian.submitted(form)
        await shonin.approve(path)
        return path


async def test_a_draft_shows_every_text_and_gives_no_file(site: Site) -> None:
    async with officer(site, "kian", Role.HQ_DRAFTER) as kian:
        path = await kian.drafted(FLOOD_ORDER)
        page = await kian.get(f"{path}/channels")
        assert "下書きです。まだ使わないでください。" in page.text
        assert "警戒レベル4 避難指示" in page.text
        assert "〔承認の時刻が入ります〕" in page.text
        assert page.document.xpath("//a[@download] | //button[contains(@class, 'copy')]") == []
        for name in FILES:
            assert (await kian.get(f"{path}/channels/{name}", as_program=True)).status == 404, name


async def test_a_released_version_gives_every_file_from_the_same_decision(site: Site) -> None:
    path = await released(site, FLOOD_ORDER)
    async with officer(site, "miru", Role.VIEWER) as viewer:
        page = await viewer.get(f"{path}/channels")
        assert "下書き" not in page.text
        linked = {one.rpartition("/")[2] for one in page.document.xpath("//a[@download]/@href")}
        assert linked == set(FILES)
        files = {name: await viewer.get(f"{path}/channels/{name}", as_program=True) for name in FILES}
    assert {one.status for one in files.values()} == {200}
    for name, one in files.items():
        assert "若林区荒井" in one.body, name
        assert one.headers["Content-Disposition"].endswith(f'-{name}"')
    rows = dict(csv.reader(io.StringIO(files["report.csv"].body.removeprefix("\ufeff"))))
    assert rows["理由"] == FLOOD_ORDER["reason"]
    assert rows["対象の世帯・人数"] == "集計中"
    assert json.loads(files["report.json"].body)["level"] == 4
    document = etree.fromstring(files["lalert-shaped.xml"].body.encode())
    assert document.findtext("{*}distributionStatus") == "Actual"


async def test_press_and_governor_read_how_many_people_live_inside(site: Site) -> None:
    path = await released(site, FLOOD_ORDER)
    town = TownFigures(ward="若林区", name="荒井", residents=1234, households=567, is_part=True)
    counted = Preview(
        available=True,
        at=site.side().clock.now(),
        residents=1234,
        resident_households=567,
        towns=(town,),
    )
    async with officer(site, "miru", Role.VIEWER) as viewer, planner(site, counted):
        # A busy machine may take longer than the page waits; then it says 集計中, and the next look asks again.
        async with asyncio.timeout(50):
            while "集計中" in (page := await viewer.get(f"{path}/channels")).text:
                await asyncio.sleep(0)
            while (
                report := json.loads((await viewer.get(f"{path}/channels/report.json", as_program=True)).body)
            )["persons"] is None:
                await asyncio.sleep(0)
    assert "対象の世帯・人数：約567世帯・約1,234人" in page.text
    assert "若林区：約567世帯・約1,234人" in page.text
    assert site.side().settings.sources.population in page.text
    assert (report["persons"], report["households"], report["estimated"]) == (1234, 567, True)


async def test_the_order_page_leads_to_the_texts_and_they_keep_the_wording_rules(site: Site) -> None:
    path = await released(site, TSUNAMI_ORDER, Realm.DRILL)
    async with officer(site, "miru", Role.VIEWER, Realm.DRILL) as viewer:
        page = await viewer.get(path)
        (link,) = page.document.xpath("//section[@aria-labelledby='h-channels']//a/@href")
        shown = await viewer.get(link.removeprefix("/drill"))
        mail = shown.one("//*[@id='mail-body']").text_content()
        spoken = shown.one("//*[@id='speaker']").text_content()
    for words in (mail, spoken):
        found = check_wording(
            words,
            "ja",
            hazard=HazardKind.TSUNAMI,
            level=None,
            realm=Realm.DRILL,
            issuer="city",
            act=Act.ISSUE,
            whole=True,
        )
        assert found == [], words
    assert "サイレン" not in spoken
    assert "訓練では送りません" in shown.text


async def test_a_report_is_a_page_to_print_and_a_notice_has_none(site: Site) -> None:
    path = await released(site, FLOOD_ORDER)
    async with officer(site, "miru", Role.VIEWER) as viewer:
        page = await viewer.get(f"{path}/channels/report")
        assert [one.text_content() for one in page.document.xpath("//th[@scope='row']")][:2] == [
            "報告先",
            "報告者",
        ]
        assert "宮城県知事" in page.text
    notice = await released_notice(site)
    async with officer(site, "miru2", Role.VIEWER) as viewer:
        assert (await viewer.get(f"{notice}/channels/report")).status == 404
        assert (await viewer.get(f"{notice}/channels/report.csv", as_program=True)).status == 404
        assert "知事への報告（" not in (await viewer.get(f"{notice}/channels")).text


async def released_notice(site: Site) -> str:
    form = {**FLOOD_ORDER, "kind": "notice", "hazard": "earthquake"}
    async with (
        officer(site, "kian3", Role.HQ_DRAFTER) as kian,
        officer(site, "shonin3", Role.HQ_APPROVER) as shonin,
    ):
        path = await kian.submitted(form)
        await shonin.approve(path)
        return path


async def test_nobody_reads_them_without_signing_in_and_no_other_name_is_a_file(site: Site) -> None:
    path = await released(site, FLOOD_ORDER)
    async with officer(site, "miru", Role.VIEWER) as viewer:
        assert (await viewer.get(f"{path}/channels/passwd.txt", as_program=True)).status == 404
    stranger: Officer
    async with officer(site, "gone", Role.VIEWER) as stranger:
        stranger.client.cookie_jar.clear()
        for name in ("", "/report", "/report.csv"):
            answer = await stranger.get(f"{path}/channels{name}", follow=False)
            assert answer.status in {303, 401}, name


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    browser = chromium()
    browser.start()
    try:
        yield browser
    finally:
        browser.stop()


@pytest.mark.browser
@pytest.mark.timeout(120)
async def test_a_long_area_of_a_drill_fits_a_phone_too(chrome: Browser, site: Site) -> None:
    towns = [key for key in site.side().zones.towns if key.startswith("town:若林区/")][:40]
    path = await released(site, {**FLOOD_ORDER, "zone": towns}, Realm.DRILL)
    account = await site.side().staff.add("test", "miru", Role.VIEWER)
    page = await chrome.new_page(person="miru-drill", viewport=PHONE)
    await page.goto(f"{site.url}/drill/hq/")
    for words, css in (
        (account.name, "#name"),
        (account.password, "#password"),
        (fresh_code(site, account), "#code"),
    ):
        await page.fill(words, css=css)
    await page.click(css="main form button")
    await page.wait_for_text("システムの状態")
    await page.goto(f"{site.url}/drill{path}/channels")
    await page.wait_for_text("訓練では送りません")
    if shots := os.environ.get("BOSAI_SHOTS"):
        await page.screenshot(Path(shots) / "channels-drill-360.png", full_page=True)
    assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert [(one["id"], one["nodes"]) for one in await page.axe("wcag2a", "wcag2aa")] == []
    await page.close()


@pytest.mark.browser
@pytest.mark.timeout(120)
@pytest.mark.parametrize("viewport", [WIDE, TABLET, PHONE])
async def test_the_page_fits_every_screen_is_accessible_and_copies_by_keyboard(
    chrome: Browser, site: Site, viewport: Viewport
) -> None:
    path = await released(site, FLOOD_ORDER)
    account = await site.side().staff.add("test", "miru", Role.VIEWER)
    page = await signed_in(chrome, site, account, viewport=viewport)
    for place, name in ((f"{path}/channels", "channels"), (f"{path}/channels/report", "report")):
        await page.goto(site.url + place)
        await page.wait_for_text("対象の区域")
        shots = os.environ.get("BOSAI_SHOTS")
        if shots:
            await page.screenshot(Path(shots) / f"{name}-{viewport.width}.png", full_page=True)
        found = await page.axe("wcag2a", "wcag2aa")
        assert [(one["id"], one["nodes"]) for one in found] == []
        assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0
    await page.goto(site.url + f"{path}/channels")
    await page.evaluate("document.querySelector('[data-copy=mail-title]').focus(); return 0")
    await page.press("Enter")
    await page.wait_for_text("件名をコピーしました。")
    await page.close()
