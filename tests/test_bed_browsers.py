"""The browsers of the bed: a stock Firefox that really subscribes, a Chromium, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from tests.bed.chromium import chromium
from tests.bed.driver import BrowserFailed
from tests.bed.firefox import firefox
from tests.bed.page import PHONE, Entry, Page
from tests.bed.push_service import PushService
from tests.bed.sending import send_with_pywebpush
from tests.bed.tiny_site import TinySite, tiny_site
from tests.bed.vapid import ApplicationKeys
from tests.browsers import require_browser

pytestmark = pytest.mark.browser
LIVE = ApplicationKeys.make()
DRILL = ApplicationKeys.make()
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
async def site() -> AsyncIterator[TinySite]:
    async with tiny_site({"/": LIVE.public, "/drill/": DRILL.public}) as site:
        yield site


@pytest.fixture
async def push() -> AsyncIterator[PushService]:
    async with PushService() as push:
        yield push


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def subscribe(page: Page) -> dict[str, object]:
    await page.click(role="button", name="通知を受け取る")
    await page.wait_for_text("登録しました")
    subscription: dict[str, object] = await page.evaluate("return window.subscription")
    return subscription


async def test_firefox_holds_a_live_and_a_drill_subscription_and_shows_each_its_own_message(
    site: TinySite, push: PushService, session: aiohttp.ClientSession
) -> None:
    async with firefox(push.ws_url) as browser:
        live_page, drill_page = await browser.new_page(viewport=PHONE), await browser.new_page()
        await live_page.goto(f"{site.url}/")
        await drill_page.goto(f"{site.url}/drill/")
        live, drill = await subscribe(live_page), await subscribe(drill_page)
        assert {one.application_server_key for one in push.subscriptions} == {LIVE.public, DRILL.public}
        assert live["endpoint"] != drill["endpoint"]

        message = {"title": "津波警報", "body": "荒浜小学校の4階へ", "tag": "incident"}
        assert (await send_with_pywebpush(session, live, message, LIVE))[0] == 201
        shown = await live_page.wait_for_notification("/", containing="荒浜小学校")
        assert (shown.title, shown.tag, shown.lang) == ("津波警報", "incident", "ja")
        assert shown.data == {"from": f"{site.url}/"}
        await push.wait_until(lambda: push.messages[0].ack_code == 100)

        assert (await send_with_pywebpush(session, live, message, DRILL))[0] == 403
        # Tags are one name space per origin, across scopes: the same tag would take the live notification away.
        message = {"title": "【訓練】津波警報", "body": "これは訓練です", "tag": "drill incident"}
        assert (await send_with_pywebpush(session, drill, message, DRILL))[0] == 201
        await drill_page.wait_for_notification("/drill/", containing="【訓練】")
        assert [one.title for one in await live_page.notifications("/")] == ["津波警報"]

        # A tap reaches the service worker of its scope, which may open a page.
        await live_page.click_notification("/", tag="incident")
        opened = await browser.opened_page("/list")
        await opened.wait_for_text("藤塚")
        assert site.opened == ["incident"]
        assert await live_page.notifications("/") == []
        assert len(await live_page.notifications("/drill/")) == 1
        with pytest.raises(BrowserFailed, match="none with tag 'incident'"):
            await live_page.click_notification("/", tag="incident")

        # What is not for its keys Firefox cannot read: and says so.
        stranger = push.make_subscriber().info["keys"]
        wrong = {"endpoint": live["endpoint"], "keys": stranger}
        assert (await send_with_pywebpush(session, wrong, message, LIVE))[0] == 201
        await push.wait_until(lambda: push.messages[-1].ack_code == 101)
        assert live_page.errors == drill_page.errors == []


async def test_a_person_at_firefox_fills_in_a_form_shares_a_position_and_is_not_somebody_else(
    site: TinySite,
) -> None:
    async with firefox() as browser:
        page = await browser.new_page()
        await page.goto(f"{site.url}/")
        await page.fill("あらはま", label="場所")
        await page.select("#floor", "2")
        read = "return [document.querySelector('#place').value, document.querySelector('#floor').value]"
        assert await page.evaluate(read) == ["あらはま", "2"]
        await page.set_geolocation(38.2217, 140.9817)
        await page.click(role="button", name="現在地を使う")
        await page.wait_for_text("38.2217,140.9817")
        await page.evaluate("localStorage.setItem('who', arg)", "first")
        other = await browser.new_page(person="another")
        await other.goto(f"{site.url}/")
        assert (await other.evaluate("return navigator.languages"))[0] == "ja"
        assert await other.evaluate("return localStorage.getItem('who')") is None
        with pytest.raises(BrowserFailed, match="going off line"):
            await other.set_offline(True)


async def test_a_firefox_that_was_closed_gets_the_newest_of_a_topic_when_it_starts_again(
    site: TinySite, push: PushService, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with firefox(push.ws_url, tmp_path) as browser:
        page = await browser.new_page()
        await page.goto(f"{site.url}/")
        subscription = await subscribe(page)
    for body in ("一報", "二報"):
        message = {"title": "避難指示", "body": body, "tag": "t"}
        sent = await send_with_pywebpush(
            session, subscription, message, LIVE, ttl_s=600, headers={"Topic": "one"}
        )
        assert sent[0] == 201
    assert [(one.replaced, one.delivered) for one in push.messages] == [(True, False), (False, False)]
    async with firefox(push.ws_url, tmp_path) as browser:
        page = await browser.new_page()
        await page.goto(f"{site.url}/")
        await page.wait_for_notification("/", containing="二報")
        assert len(await page.notifications("/")) == 1


async def test_chromium_receives_a_push_through_devtools_and_reports_the_tap(
    site: TinySite, push: PushService, session: aiohttp.ClientSession
) -> None:
    scope = f"{site.url}/"
    subscriber = push.make_subscriber(LIVE.public)
    async with chromium() as browser:
        page = await browser.new_page(viewport=PHONE)
        await page.allow(site.url, "notifications")
        await page.subscribe_as(subscriber)
        await page.goto(scope)
        subscription = await subscribe(page)
        assert subscription == subscriber.info
        message = {"title": "避難指示", "body": "六郷小学校へ", "tag": "t1"}
        assert (await send_with_pywebpush(session, subscription, message, LIVE))[0] == 201
        assert await page.deliver_push(scope, subscriber.inbox[0].json()) == "Success"
        assert (await page.wait_for_notification("/", containing="六郷小学校")).tag == "t1"
        await page.click_notification(scope, tag="t1")
        assert site.opened == ["t1"]
        await page.stop_workers(scope)
        assert await page.deliver_push(scope, {"title": "解除", "body": "x", "tag": "t2"}) == "Success"
        assert {one.tag for one in await page.notifications("/")} == {"t2"}
        assert page.errors == []
        assert await page.deliver_push(scope, "not json") != "Success"
        await page.deliver_push(scope, "break now")
        while not any("broken at once" in one for one in page.errors):
            await asyncio.sleep(0.02)
        await page.goto(f"{site.url}/drill/")
        await page.click(role="button", name="通知を受け取る")
        await page.wait_for_text("失敗: another applicationServerKey")


async def test_chromium_off_line_sees_what_the_service_worker_kept(site: TinySite, push: PushService) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.subscribe_as(push.make_subscriber(LIVE.public))
        await page.goto(f"{site.url}/")
        await subscribe(page)
        await page.set_offline(True)
        await page.goto(f"{site.url}/list")
        assert await page.text() == "圏外です"
        await page.set_offline(False)
        await page.goto(f"{site.url}/list")
        assert "荒浜" in await page.text()


async def test_chromium_sees_a_page_with_scripts_off_like_a_person_without_them(
    site: TinySite, tmp_path: Path
) -> None:
    async with chromium() as browser:
        page = await browser.new_page(java_script=False)
        assert await page.goto(f"{site.url}/") == 200
        await page.click(role="button", name="通知を受け取る")
        await page.fill("荒浜", label="場所")
        assert "未登録" in await page.text()
        await page.click(text="一覧を見る")
        await page.wait_for_text("藤塚")
        assert (await page.url(), await page.title()) == (f"{site.url}/list", "一覧")
        picture = tmp_path / "list.png"
        await page.screenshot(picture)
        assert picture.read_bytes().startswith(b"\x89PNG")


async def test_what_goes_wrong_in_a_page_is_kept_and_what_is_not_there_is_named(site: TinySite) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{site.url}/broken")
        assert any("kaboom" in one for one in page.errors)
        assert {one["id"] for one in await page.axe()} >= {"image-alt", "html-has-lang"}
        await page.evaluate("alert('こわれました')")
        assert page.dialogs == [Entry(kind="alert", text="こわれました")]
        with pytest.raises(BrowserFailed, match=r"click .*ない.*/broken"):
            await page.click(role="button", name="ない", timeout_s=0.3)
        with pytest.raises(BrowserFailed, match="no service worker under /none/"):
            await page.notifications("/none/")
        with pytest.raises(BrowserFailed, match="not true: return false"):
            await page.wait_for("return false", timeout_s=0.2)
        with pytest.raises(ValueError, match="which element"):
            await page.click()
        await page.goto(f"{site.url}/")
        assert await page.axe("wcag2a", "wcag2aa") == []


def test_one_browser_serves_several_event_loops_and_says_when_its_driver_has_died() -> None:
    async def speaks() -> list[str]:
        page = await browser.new_page()
        return list(await page.evaluate("return navigator.languages"))

    async def outlives_its_driver() -> None:
        page = await browser.new_page()
        waiting = asyncio.create_task(page.wait_for("return false", timeout_s=30))
        await page.evaluate("return 1")
        [node] = [pid for pid in descendants(os.getpid()) if "browser.mjs" in command(pid)]
        os.kill(node, signal.SIGKILL)
        with pytest.raises(BrowserFailed, match="the browser driver ended"):
            await waiting
        with pytest.raises(BrowserFailed, match="has ended"):
            await page.title()

    browser = chromium(languages="vi,ja")
    browser.start()
    try:
        assert asyncio.run(speaks()) == asyncio.run(speaks()) == ["vi", "ja"]
        asyncio.run(outlives_its_driver())
    finally:
        browser.stop()
    assert not [pid for pid in descendants(os.getpid()) if "browser.mjs" in command(pid)]


def descendants(pid: int) -> list[int]:
    """The processes below one, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            continue  # it ended while we looked
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def command(pid: int) -> str:
    """The command line of a process; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel ends the browser, and only Linux's is asked to"
)
@pytest.mark.parametrize("name", ["firefox", "chromium"])
async def test_a_test_run_that_is_killed_leaves_no_browser_behind(name: str) -> None:
    require_browser("firefox" if name == "firefox" else "chromium")
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        f"from tests.bed.{name} import {name}\n"
        f"browser = {name}(); browser.start(); print(browser.version, flush=True); time.sleep(60)\n"
    )
    with TemporaryDirectory(prefix="bed-killed-", ignore_cleanup_errors=True) as folder:
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, str(ROOT)),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "TMPDIR": folder},
        )
        assert run.stdout is not None
        assert await run.stdout.readline()
        family = descendants(run.pid)
        assert any(name in command(pid) for pid in family)
        os.kill(run.pid, signal.SIGKILL)
        await run.wait()
        async with asyncio.timeout(15):
            while any(command(pid) for pid in family):
                await asyncio.sleep(0.05)
