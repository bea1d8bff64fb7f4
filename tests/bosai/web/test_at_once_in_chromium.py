"""Two taps in a real Chromium: by keyboard, on a phone of 360 pixels, without script, tapped twice, and by axe."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bosai.model.alert import TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.at_once_content import ready_words
from bosai.services.staff import NewAccount
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bosai.services.hq import officer
from tests.bosai.web.officers import fresh_code, in_force, no_planner
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WIDE, PHONE = Viewport(width=1280, height=900), Viewport(width=360, height=740)
PICTURES = os.environ.get("BOSAI_TEST_PICTURES", "")
"""A folder, where somebody wants to look at the pages."""


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
    switches = {"at_once.enabled": True, "at_once.enabled_in_drill": True}
    async with running(tmp_path, private_redis.url, switches) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def shonin(site: Site) -> NewAccount:
    return await site.side().staff.add("test", "shonin", Role.HQ_APPROVER)


async def pre_approve(site: Site, *classes: TsunamiClass, realm: Realm = Realm.LIVE) -> None:
    approvals = site.side(realm).at_once.pre_approvals
    for one in classes or TsunamiClass:
        state = (await approvals.states())[one]
        assert state.today is not None
        await approvals.ask(officer("abe", Role.HQ_DRAFTER, realm), one, state.today_hash)
        words = ready_words(state.today)
        await approvals.approve(officer("sato", realm=realm), one, state.today_hash, words)


async def signed_in(
    chrome: Browser,
    site: Site,
    account: NewAccount,
    viewport: Viewport,
    *,
    java_script: bool = True,
    prefix: str = "",
) -> Page:
    page = await chrome.new_page(person=f"{account.name}{prefix}", viewport=viewport, java_script=java_script)
    await page.goto(f"{site.url}{prefix}/hq/")
    await page.fill(account.name, css="#name")
    await page.fill(account.password, css="#password")
    await page.fill(fresh_code(site, account), css="#code")
    await page.click(css="main form button")
    await page.wait_for_text("システムの状態")
    return page


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(Path(PICTURES) / f"{name}.png", full_page=True)


async def test_two_taps_by_keyboard_alone_send_it(chrome: Browser, site: Site, shonin: NewAccount) -> None:
    await pre_approve(site)
    page = await signed_in(chrome, site, shonin, WIDE)
    await page.goto(site.url + "/hq/at-once")
    await picture(page, "at-once-wide")

    async def focus(css: str) -> None:
        for _ in range(60):
            if await page.evaluate("return document.activeElement.matches(arg)", css):
                return
            await page.press("Tab")
        raise AssertionError(f"{css} is not reached by Tab")

    await focus("a.tap[href$='/warning']")
    await page.press("Enter")
    await page.wait_for_element(css="button.approve")
    await focus("input[name=heard]")
    await page.press("ArrowDown")
    await focus("button.approve")
    await page.press("Enter")
    await page.wait_for_text("お知らせを送りました")
    (out,) = await in_force(site)
    assert out.alert.tsunami_class is TsunamiClass.WARNING and out.alert.reason.startswith("テレビ・ラジオで")
    await picture(page, "at-once-sent-wide")
    await page.close()


async def test_on_a_phone_tapped_twice_it_is_one(chrome: Browser, site: Site, shonin: NewAccount) -> None:
    await pre_approve(site)
    page = await signed_in(chrome, site, shonin, PHONE)
    await page.goto(site.url + "/hq/at-once")
    await page.click(css="a.tap[href$='/major_warning']")
    await page.wait_for_text("計画の処理から答えがありません")  # it was asked, and nothing waited for it
    await picture(page, "at-once-start-phone")
    await page.evaluate(
        "const button = document.querySelector('button.approve'); button.click(); button.click(); return 1"
    )
    await page.wait_for_text("お知らせを送りました")
    assert len(await in_force(site)) == 1
    await page.goto(site.url + "/hq/at-once")
    await picture(page, "at-once-phone")
    assert await page.evaluate("return document.querySelectorAll('a.tap').length") == 0
    await page.close()


async def test_without_script_it_is_two_taps_as_well(chrome: Browser, site: Site, shonin: NewAccount) -> None:
    await pre_approve(site, TsunamiClass.ADVISORY)
    page = await signed_in(chrome, site, shonin, PHONE, java_script=False)
    await page.click(text="津波をすぐ知らせる")
    await page.click(css="a.tap[href$='/advisory']")
    await page.click(css="button.approve")
    await page.wait_for_text("お知らせを送りました")
    assert len(await in_force(site)) == 1
    await page.close()


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_pages_pass_axe_fit_the_screen_and_have_targets_for_a_thumb(
    chrome: Browser, site: Site, shonin: NewAccount, viewport: Viewport
) -> None:
    await pre_approve(site, TsunamiClass.MAJOR_WARNING, TsunamiClass.WARNING)
    approvals = site.side().at_once.pre_approvals
    asked = (await approvals.states())[TsunamiClass.ADVISORY]
    await approvals.ask(officer("abe", Role.HQ_DRAFTER), TsunamiClass.ADVISORY, asked.today_hash)
    page = await signed_in(chrome, site, shonin, viewport)
    for path in ("/hq/at-once", "/hq/at-once/warning", "/hq/at-once/advisory"):
        await passes(page, site.url + path)
    await site.side().at_once.stop(officer("abe", Role.HQ_DRAFTER), "電文の点検のため")
    await passes(page, site.url + "/hq/at-once")
    await picture(page, f"at-once-stopped-{viewport.width}")
    await passes(page, site.url + "/hq/")
    await page.close()


async def test_the_drill_looks_and_reads_otherwise(chrome: Browser, site: Site, shonin: NewAccount) -> None:
    await pre_approve(site, TsunamiClass.WARNING, realm=Realm.DRILL)
    page = await signed_in(chrome, site, shonin, PHONE, prefix="/drill")
    await passes(page, site.url + "/drill/hq/at-once/warning")
    await picture(page, "at-once-start-drill")
    assert "本番です" not in await page.text()
    await page.click(css="button.approve")
    await page.wait_for_text("お知らせを送りました")
    assert len(await in_force(site, Realm.DRILL)) == 1 and await in_force(site) == []
    await page.close()


async def passes(page: Page, url: str) -> None:
    await page.goto(url)
    found = await page.axe("wcag2a", "wcag2aa")
    assert [(one["id"], one["nodes"]) for one in found] == [], url
    assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0, url
    small = await page.evaluate(
        "return [...document.querySelectorAll('main button, main a.button, main label.choice')]"
        ".filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44)"
        ".map((one) => one.outerHTML)"
    )
    assert small == [], url
