"""案内の理由 in a real Chromium, without script: read by everybody, on a phone and on a wide screen."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bosai.model.staff import Role
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bosai.services.hq import Hq, flood
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_console_browser import PHONE, WIDE, signed_in
from tests.bosai.web.test_explain_page import INSIDE
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


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
        await found.side().sites.load_sample("test")
        await Hq(found.opened.redis).issue(flood())
        yield found


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
async def test_the_reasons_are_read_without_script_on_every_screen(chrome: Browser, site: Site, viewport):
    account = await site.side().staff.add("test", "miru", Role.VIEWER)
    page = await signed_in(chrome, site, account, viewport=viewport, java_script=False)
    await page.goto(site.url + "/hq/explain")
    await page.fill(INSIDE, css="#where")
    await page.click(css="main form button")
    await page.wait_for_text("近い順の施設")
    shots = os.environ.get("BOSAI_SHOTS")
    if shots:
        await page.screenshot(Path(shots) / f"explain-{viewport.width}.png", full_page=True)
    await page.close()
    page = await signed_in(chrome, site, account, viewport=viewport)
    await page.goto(site.url + "/hq/explain")
    await page.fill(INSIDE, css="#where")
    await page.click(css="main form button")
    await page.wait_for_text("近い順の施設")
    found = await page.axe("wcag2a", "wcag2aa")
    assert [(one["id"], one["nodes"]) for one in found] == []
    assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0
    await page.close()
