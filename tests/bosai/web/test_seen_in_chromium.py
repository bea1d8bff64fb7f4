"""What script adds to a page, as eyes meet it: the area on the map, ages in words, nothing asked twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bosai.model.realm import Realm
from bosai.model.staff import Role
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import DESKTOP, PHONE
from tests.bed.push_service import PushService
from tests.bosai.web.officers import fresh_code, no_planner, officer
from tests.bosai.web.resident_site import resident_site
from tests.bosai.web.running import running
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser

AGE = """
const age = document.querySelector("bosai-age");
age.querySelector("time").dateTime = new Date(Date.now() - arg * 60_000 - 1_000).toISOString();
age.show();
return [age.querySelector(".age-words").textContent, age.hasAttribute("stale")];
"""
TOP = "return Math.round(document.querySelector('.exact button').getBoundingClientRect().y + scrollY)"
SLOW = """
const real = window.fetch;
window.held = [];
window.fetch = (...asked) => new Promise((done) => held.push(() => done(real(...asked))));
"""
LET_GO = "if (held.length === 0) return false; for (const one of held.splice(0)) one(); return true"
SHOWN = "return document.getElementById('compose').dataset.shown"


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


async def test_an_age_is_told_in_the_unit_a_person_would_use(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with resident_site(private_redis, tmp_path) as (server, _):
        page = await chrome.new_page(viewport=PHONE)
        await page.goto(str(server.make_url("/?lang=ja")))
        await page.wait_for("return Boolean(customElements.get('bosai-age'))")
        day = int(timedelta(days=1).total_seconds() // 60)
        told = [await page.evaluate(AGE, minutes) for minutes in (0, 9, 59, 61, day, 3 * day)]
    assert told == [
        ["", False],
        ["（9分前）", False],
        ["（59分前）", True],
        ["（1時間前）", True],
        ["（24時間前）", True],
        ["（3日前）", True],
    ]


async def test_a_registered_phone_is_not_told_to_choose_a_place_first(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with (
        PushService() as push,
        resident_site(private_redis, tmp_path, **{"push.test_hosts": push.endpoint_host}) as (server, wired),
    ):
        page = await chrome.new_page(viewport=PHONE)
        base = str(server.make_url("/"))
        await page.allow(base, "notifications")
        await page.subscribe_as(push.make_subscriber(wired.realms[Realm.LIVE].vapid_public_b64url))
        await page.goto(f"{base}?lang=ja")
        await page.wait_for_text("先に、上で場所を選んでください")
        await page.goto(f"{base}?lon=140.9701&lat=38.2221")
        await page.click(role="button", name="通知を受け取る")
        await page.wait_for_text("登録しました。")
        await page.goto(base)
        await page.wait_for_text("この端末は登録済みです。")
        assert "先に、上で場所を選んでください" not in await page.text()


async def test_ticked_areas_and_typed_corners_are_shown_on_the_map_before_they_are_saved(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with running(tmp_path, private_redis.url) as site:
        await site.side().sites.load_sample("test")
        no_planner(site)
        async with officer(site, "kian", Role.HQ_DRAFTER) as kian:
            assert kian.account is not None
            page = await chrome.new_page(viewport=DESKTOP)
            await page.goto(site.url + "/hq/")
            await page.fill("kian", css="#name")
            await page.fill(kian.account.password, css="#password")
            await page.fill(fresh_code(site, kian.account), css="#code")
            await page.click(css="main form button")
            await page.wait_for_text("システムの状態")
            await page.goto(site.url + "/hq/alerts/new")
            await page.wait_for(
                "return document.getElementById('compose').dataset.drawing === 'ready'", timeout_s=30
            )
            await page.click(css="input[value='ward:若林区']")
            assert await page.wait_for(SHOWN) == "ward:若林区"
            await page.evaluate(
                "const field = document.getElementById('drawn'); field.value = arg;"
                "field.dispatchEvent(new Event('change'));",
                "140.955, 38.205\n38.205, 140.985\n１４０.９８５　38.235",
            )
            assert await page.wait_for(SHOWN.replace("shown", "drawn")) == "4"
            assert page.errors == []


async def test_a_number_being_typed_outlives_the_answer_to_the_press_before_it(
    chrome: Browser, private_redis: PrivateRedis, tmp_path: Path
) -> None:
    async with running(tmp_path, private_redis.url) as site:
        await site.side().sites.load_sample("test")
        place = next(one for one in await site.side().sites.all() if one.name == "七郷小学校")
        access = await site.side().desks.link("test", place.site_id)
        page = await chrome.new_page(viewport=PHONE)
        await page.goto(site.url + access.path)
        await page.fill(access.pin, css="#pin")
        await page.click(css="main form button")
        await page.wait_for_text("混み具合")
        await page.evaluate(SLOW)
        before = await page.evaluate(TOP)
        await page.click(role="button", name="開設")
        await page.fill("99999", css="#present")
        assert await page.wait_for(LET_GO)
        await page.wait_for_element(css="button.open-open[aria-pressed=true]")
        assert await page.evaluate(TOP) == before  # 「報告しました」 moved nothing away under the thumb
        assert await page.evaluate("return document.getElementById('present').value") == "99999"

        await page.click(css=".exact button")
        assert await page.wait_for(LET_GO)
        await page.wait_for_element(css=".form-error")  # refused: the number stays to be mended
        assert await page.evaluate("return document.getElementById('present').value") == "99999"

        await page.fill("120", css="#present")
        await page.click(css=".exact button")
        assert await page.wait_for(LET_GO)
        await page.wait_for("return document.getElementById('count').dataset.count === '120'")
        assert await page.evaluate("return document.getElementById('present').value") == ""
