"""「この端末へ試験送信」 in a real browser: one tap subscribes it, sends one message, and the phone shows 【試験】."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.delivery_report import OriginRow
from bosai.services.staff import NewAccount
from bosai.stores.keys import Keys
from tests.bed.answers import GONE
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import DESKTOP, PHONE, Page, Viewport
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.bosai.web.officers import FLOOD_ORDER, fresh_code, in_force, no_planner, officer
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_console_delivery import TRAVELS, told
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser

TABLE = "[aria-label='版ごとの配信']"
NOTIFIED = """
const shown = await self.registration.getNotifications();
return shown.map((one) => [one.title, one.body, one.data.navigate]);
"""


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


async def delivery_page(chrome: Browser, site: Site, subscriber: Subscriber) -> Page:
    """The page of delivery on a phone, signed in, its browser known to the push service of the bed."""
    async with officer(site, "kian", Role.HQ_DRAFTER) as kian:
        account = kian.account
    page = await chrome.new_page(viewport=PHONE)
    await page.allow(site.url, "notifications")
    await page.subscribe_as(subscriber)
    await sign_in(page, site, "kian", account)
    return page


async def sign_in(page: Page, site: Site, name: str, account: NewAccount | None) -> None:
    assert account is not None
    await page.goto(site.url + "/hq/delivery")
    await page.fill(name, css="#name")
    await page.fill(account.password, css="#password")
    await page.fill(fresh_code(site, account), css="#code")
    await page.click(css="main form button")
    await page.wait_for_text("試験送信")


async def test_one_tap_sends_one_trial_and_the_phone_shows_that_it_is_none_of_the_real_thing(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with (
        PushService() as push,
        running(tmp_path, private_redis.url, {"push.test_hosts": [push.endpoint_host]}) as site,
    ):
        subscriber = push.make_subscriber(site.side().vapid_public_b64url)
        page = await delivery_page(chrome, site, subscriber)
        await page.click(role="button", name="この端末へ試験送信")
        await page.wait_for_text("受理しました", timeout_s=20)
        assert len(push.attempts) == 1
        for _ in range(2):  # the same again is shown as well: a push that shows nothing costs the permission
            assert await page.deliver_push("/", subscriber.inbox[0].text or "") == "Success"
            ((title, body, leads_to),) = await page.evaluate_in_worker("/", NOTIFIED)
            assert title == "【試験】通知の受信テスト" and "災害の知らせではありません" in body
            assert leads_to == "/hq/delivery"
        await page.click(role="button", name="この端末へ試験送信")
        await page.wait_for_text("回数が多すぎます", timeout_s=20)
        assert len(push.attempts) == 1


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
async def test_every_page_of_delivery_can_be_used_by_everybody_and_fits_its_screen(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path, viewport: Viewport
) -> None:
    async with (
        running(tmp_path, private_redis.url) as site,
        officer(site, "kian", Role.HQ_DRAFTER) as kian,
        officer(site, "shonin", Role.HQ_APPROVER) as shonin,
    ):
        no_planner(site)
        assert (await shonin.approve(await kian.submitted(FLOOD_ORDER))).status == 200
        await told(site, (await in_force(site))[0], TRAVELS)
        keys, now = Keys(Realm.LIVE), site.side().clock.now()
        resting = OriginRow(
            origin="https://updates.push.services.mozilla.com",
            state="resting",
            in_flight=1,
            waiting=2,
            accepted=3,
            failed=4,
            rest_s=30.0,
            cause="http_503",
            at=now,
        )
        await site.opened.redis.hset(keys.push_origins, "w1 origin", msgspec.json.encode(resting))
        page = await chrome.new_page(viewport=viewport)
        await sign_in(page, site, "shonin", shonin.account)
        for path in ("/hq/delivery", "/hq/delivery/towns", "/hq/delivery/persons"):
            await page.goto(site.url + path)
            found = await page.axe("wcag2a", "wcag2aa")
            assert [(one["id"], one["nodes"]) for one in found] == [], path
            wider = await page.evaluate("return document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, path


async def test_a_table_that_is_read_keeps_its_place_and_the_focus_when_its_numbers_change(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with (
        running(tmp_path, private_redis.url) as site,
        officer(site, "kian", Role.HQ_DRAFTER) as kian,
        officer(site, "shonin", Role.HQ_APPROVER) as shonin,
    ):
        no_planner(site)
        assert (await shonin.approve(await kian.submitted(FLOOD_ORDER))).status == 200
        order = (await in_force(site))[0]
        await told(site, order, TRAVELS)
        page = await chrome.new_page(viewport=PHONE)
        await sign_in(page, site, "shonin", shonin.account)
        await page.evaluate(
            "const one = document.querySelector(arg); one.focus(); one.scrollLeft = 120;", TABLE
        )
        await told(site, order, TRAVELS, first=500)
        await page.evaluate("dispatchEvent(new Event('online'))")  # it reads anew
        await page.wait_for_text(f"案内を作った人 {2 * len(TRAVELS)}人")
        where = "const one = document.querySelector(arg); return [one.scrollLeft, document.activeElement === one];"
        assert await page.evaluate(where, TABLE) == [120, True]


async def test_a_browser_whose_registration_is_gone_is_told_so(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with (
        PushService() as push,
        running(tmp_path, private_redis.url, {"push.test_hosts": [push.endpoint_host]}) as site,
    ):
        page = await delivery_page(chrome, site, push.make_subscriber(site.side().vapid_public_b64url))
        push.answer_next(1, GONE)
        await page.click(role="button", name="この端末へ試験送信")
        await page.wait_for_text("この端末の登録は無効になっています", timeout_s=20)
