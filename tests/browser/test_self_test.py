"""The self-test in a stock Firefox through the whole service: a real push service's way, a real notification."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.bed.answers import GONE, UNAVAILABLE
from tests.bed.firefox import firefox
from tests.bed.push_service import PushService
from tests.browser.people import resident
from tests.browser.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BOTH = pytest.mark.parametrize("drill", [False, True], ids=["live", "drill"])
# The half minute a person waits is skipped, not waited for.
SKIPPING = """
  const real = performance.now.bind(performance);
  window.skipped_ms = 0;
  performance.now = () => real() + window.skipped_ms;
"""
SENDING = "return document.querySelector('[data-step=sent]').dataset.state === 'doing'"
STATUS = """
const known = await bosaiStore(arg.realm).get("subscription");
const answer = await fetch(`${arg.prefix}/api/v1/subscriptions/${known.id}/self-test`,
  { headers: { Authorization: `Bearer ${known.secret}` } });
return await answer.json();
"""


@BOTH
async def test_one_tap_brings_a_message_the_whole_way_and_the_page_says_how_fast(
    tmp_path: Path, drill: bool
) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service, firefox(push.ws_url) as fox:
        home = await resident(fox, service, drill=drill)
        await home.subscribe("荒浜", "若林区荒浜")
        page, where = home.page, {"realm": "drill" if drill else "live", "prefix": home.scope.rstrip("/")}
        await page.goto(f"{service.url}{home.scope}check?lang=ja")
        await page.click(role="button", name="受信テストをする")
        await page.wait_for_text("届きました（", timeout_s=30)
        states = await page.evaluate(
            "return [...document.querySelectorAll('[data-step]')].map((one) => one.dataset.state)"
        )
        assert states == ["done"] * 6
        title, body = await home.notification(containing="受信テスト")
        assert "災害の知らせではありません" in title
        assert title.startswith("【訓練】") is drill
        assert body.endswith("これは訓練です") is drill
        await page.wait_for(f"return (await (async (arg) => {{{STATUS}}})(arg)).stage === 'displayed'", where)
        (sent,) = push.messages
        assert (sent.status, sent.delivered, sent.ack_code) == (201, True, 100)
        assert await home.advice_or_none() is None


async def test_a_stopped_delivery_is_told_apart_from_a_broken_device(tmp_path: Path) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service, firefox(push.ws_url) as fox:
        home = await resident(fox, service)
        await home.subscribe("荒浜", "若林区荒浜")
        page = home.page
        await page.before_scripts(SKIPPING)
        await page.goto(f"{service.url}/check?lang=ja")
        stopped = service.pids_of("delivery")
        assert stopped
        for one in stopped:
            os.kill(one, signal.SIGSTOP)
        try:
            await page.click(role="button", name="受信テストをする")
            await page.wait_for(SENDING)
            await page.evaluate("window.skipped_ms = 31_000")
            await page.wait_for_text("サービスの送信が止まっているか、遅れています。")
            assert push.messages == []
        finally:
            for one in stopped:
                os.kill(one, signal.SIGCONT)
        await page.wait_for_text("届きました（", timeout_s=60)


async def test_a_push_service_that_is_down_is_named_and_the_message_comes_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service, firefox(push.ws_url) as fox:
        home = await resident(fox, service)
        await home.subscribe("荒浜", "若林区荒浜")
        page = home.page
        await page.before_scripts(SKIPPING)
        await page.goto(f"{service.url}/check?lang=ja")
        push.answer_always(UNAVAILABLE)
        await page.click(role="button", name="受信テストをする")
        where = {"realm": "live", "prefix": ""}
        await page.wait_for(f"return (await (async (arg) => {{{STATUS}}})(arg)).cause", where)
        await page.evaluate("window.skipped_ms = 31_000")
        await page.wait_for_text("通知を運ぶサービスにつながりません")
        push.answer_normally()
        await page.wait_for_text("届きました（", timeout_s=90)


async def test_a_subscription_the_push_service_ended_is_found_and_made_anew_by_one_tap(
    tmp_path: Path,
) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service, firefox(push.ws_url) as fox:
        home = await resident(fox, service)
        await home.subscribe("荒浜", "若林区荒浜")
        page = home.page
        await page.goto(f"{service.url}/check?lang=ja")
        push.answer_next(1, GONE)
        await page.click(role="button", name="受信テストをする")
        await page.wait_for_text("通知を運ぶサービスに、この端末の登録がもうありません。", timeout_s=30)
        await page.click(role="button", name="登録し直す")
        await page.wait_for_text("登録し直しました。", timeout_s=30)
        await page.click(role="button", name="もう一度テストする")
        await page.wait_for_text("届きました（", timeout_s=30)
