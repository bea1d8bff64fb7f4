"""Proposals in a real Chromium: the form shows the expected time only where an order may name it, and fits a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bosai.feeds.readings import Grade
from bosai.model.staff import Role
from bosai.services.staff import NewAccount
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bosai.web.officers import fresh_code, no_planner
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_suggestions import of_rule
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WIDE, PHONE = Viewport(width=1280, height=900), Viewport(width=360, height=800)


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
        now = found.side().clock.now()
        for name, grade, changes in (
            ("landslide", Grade.WARNING, {"expected_arrival_at": now + timedelta(hours=3)}),
            ("river_natori", Grade.EMERGENCY, {}),
            ("shaking_coast", None, {"shaken_at": now}),
        ):
            await found.side().proposals.put(
                of_rule(name, grade, id=f"{name}-live-t1", report_at=now, **changes)
            )
        yield found


async def signed_in(chrome: Browser, site: Site, viewport: Viewport) -> Page:
    account: NewAccount = await site.side().staff.add("test", "kian", Role.HQ_APPROVER)
    page = await chrome.new_page(person=f"kian-{viewport.width}", viewport=viewport)
    await page.goto(site.url + "/hq/")
    await page.fill(account.name, css="#name")
    await page.fill(account.password, css="#password")
    await page.fill(fresh_code(site, account), css="#code")
    await page.click(css="main form button")
    await page.wait_for_text("システムの状態")
    return page


SHOWN = "return !document.getElementById('expected_arrival_at').hidden"


async def test_the_expected_time_is_asked_for_only_where_an_order_may_name_it(
    chrome: Browser, site: Site
) -> None:
    page = await signed_in(chrome, site, WIDE)
    await page.goto(site.url + "/hq/alerts/new?proposal=landslide-live-t1")
    await page.wait_for(SHOWN)
    for kind, shown in (("emergency_safety", False), ("evacuate", True), ("notice", False)):
        await page.click(css=f'input[name="kind"][value="{kind}"]')
        assert await page.evaluate(SHOWN) is shown
    await page.click(css='input[name="hazard"][value="tsunami"]')
    assert await page.evaluate(SHOWN) is True
    assert await page.axe("wcag2a", "wcag2aa") == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_board_with_proposals_fits_the_screen_and_passes_axe(
    chrome: Browser, site: Site, viewport: Viewport
) -> None:
    page = await signed_in(chrome, site, viewport)
    await page.wait_for_text("強い揺れを記録する")
    assert await page.axe("wcag2a", "wcag2aa") == []
    wide = await page.evaluate(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
