"""「この端末へ試験送信」 in a real browser: one tap subscribes it, sends one message, and the phone shows 【試験】."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bosai.model.staff import Role
from tests.bed.answers import GONE
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import PHONE, Page
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.bosai.web.officers import fresh_code, officer
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser

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
    assert account is not None
    page = await chrome.new_page(viewport=PHONE)
    await page.allow(site.url, "notifications")
    await page.subscribe_as(subscriber)
    await page.goto(site.url + "/hq/delivery")
    await page.fill("kian", css="#name")
    await page.fill(account.password, css="#password")
    await page.fill(fresh_code(site, account), css="#code")
    await page.click(css="main form button")
    await page.wait_for_text("試験送信")
    return page


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
            assert title == "【試験】通知の受信テスト" and "災害は起きていません" in body
            assert leads_to == "/hq/delivery"
        await page.click(role="button", name="この端末へ試験送信")
        await page.wait_for_text("回数が多すぎます", timeout_s=20)
        assert len(push.attempts) == 1


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
