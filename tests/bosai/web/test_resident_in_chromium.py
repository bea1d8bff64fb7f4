"""The resident's page with script, in Chromium: registering, pushes in any order, no connection, answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bosai.messages.payload import payload
from bosai.model.instruction import Instruction, Stage
from bosai.model.realm import Realm
from bosai.stores.instructions import InstructionDraft
from bosai.wiring import RealmServices
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bed.subscriber import Subscriber
from tests.bosai.messages.examples import instruction, record
from tests.bosai.web.phone_page import open_phone_page
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser
on_both_sides = pytest.mark.parametrize("realm", list(Realm))

ARAHAMA = "?lon=140.9701&lat=38.2221&lang=ja"
PHONE = Viewport(width=360, height=780, mobile=True)
KNOWN = "return (await bosaiStore(arg).get('subscription')) ?? null"


@dataclass
class Resident:
    """A person at a browser, and the side of the service this person uses."""

    page: Page
    base: str
    side: RealmServices
    subscriber: Subscriber

    @property
    def scope(self) -> str:
        return f"{self.side.realm.path_prefix}/"

    async def register(self) -> str:
        await self.page.goto(f"{self.base}{self.scope}{ARAHAMA}")
        await self.page.click(role="button", name="通知を受け取る")
        await self.page.wait_for_text("登録しました。")
        known = await self.page.evaluate(KNOWN, self.side.realm.value)
        return str(known["id"])

    def message(self, seq: int, lang: str = "ja", **changes: Any) -> dict[str, Any]:
        one: Instruction = msgspec.structs.replace(instruction(), seq=seq, **changes)
        return json.loads(
            payload(
                one,
                record(self.side.realm),
                self.side.realm,
                lang,
                now=self.side.clock.now(),
                receipt_token=f"token-{one.incident}-{seq}",
                tag="tag1",
            )
        )

    async def push(self, data: Any) -> None:
        assert await self.page.deliver_push(self.scope, data) == "Success"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest.fixture
def realm() -> Realm:
    return Realm.LIVE


@pytest.fixture
async def resident(
    browser: Browser, private_redis: PrivateRedis, tmp_path: Path, realm: Realm
) -> AsyncIterator[Resident]:
    async with open_phone_page(browser, private_redis, tmp_path, realm, PHONE) as at:
        yield Resident(page=at.page, base=at.base, side=at.side, subscriber=at.subscriber)


@on_both_sides
async def test_one_tap_registers_for_the_chosen_place_and_one_tap_deletes_everything(
    resident: Resident,
) -> None:
    page, side = resident.page, resident.side
    subscription_id = await resident.register()
    secret = (await page.evaluate(KNOWN, side.realm.value))["secret"]
    held = await side.subscriptions.read(subscription_id, secret)
    assert held.push.endpoint == resident.subscriber.info["endpoint"]
    (place,) = held.places
    assert (place.lon, place.lat, place.persons, place.floor) == (140.9701, 38.2221, 1, None)
    assert "荒浜" in place.label
    await page.reload()
    await page.wait_for_text("この端末は登録済みです。")

    await page.click(role="button", name="登録をすべて消す")
    await page.wait_for_text("登録をすべて消しました。")
    assert await page.evaluate(KNOWN, side.realm.value) is None
    assert await side.subscription_store.count() == 0
    assert page.errors == []


@on_both_sides
async def test_a_newer_message_replaces_and_an_older_or_unreadable_one_never_does(resident: Resident) -> None:
    page = resident.page
    await resident.register()
    await resident.push(resident.message(3))
    shown = await page.notifications(resident.scope)
    assert [one.tag for one in shown] == ["tag1"]
    assert shown[0].title.endswith("【大津波警報】すぐ高い所へ")
    assert shown[0].data["seq"] == 3

    older = resident.message(2)
    older["notification"]["title"] = "古い知らせ"
    for unwanted in (older, resident.message(3), "これは JSON ではない", {"web_push": 8030}):
        await resident.push(unwanted)
        (shown,) = await page.notifications(resident.scope)
        assert shown.data["seq"] == 3
        assert shown.title.endswith("【大津波警報】すぐ高い所へ")

    await resident.push(resident.message(4))
    (shown,) = await page.notifications(resident.scope)
    assert shown.data["seq"] == 4


@on_both_sides
async def test_a_device_that_registered_anew_hears_what_comes_although_its_numbers_begin_again(
    resident: Resident,
) -> None:
    page = resident.page
    await resident.register()
    await resident.push(resident.message(3))
    anew = resident.message(1, decided_at=instruction().decided_at + timedelta(minutes=5))
    await resident.push(anew)
    (shown,) = await page.notifications(resident.scope)
    assert shown.data["seq"] == 1
    await resident.push(resident.message(3))  # late, of the registration before
    (shown,) = await page.notifications(resident.scope)
    assert shown.data["seq"] == 1


@on_both_sides
async def test_a_message_of_the_other_side_is_never_shown_but_something_is(resident: Resident) -> None:
    await resident.register()
    other = Realm.DRILL if resident.side.realm is Realm.LIVE else Realm.LIVE
    theirs = json.loads(
        payload(instruction(), record(other), other, "ja", now=resident.side.clock.now(), receipt_token="t")
    )
    await resident.push(theirs)
    (shown,) = await resident.page.notifications(resident.scope)
    assert "大津波警報" not in shown.title + shown.body
    assert ("訓練" in shown.title + shown.body) is resident.side.realm.is_drill
    assert "避難の知らせ" in shown.title


async def test_display_and_taps_are_reported_with_the_token_of_the_push(resident: Resident) -> None:
    page, side = resident.page, resident.side
    subscription_id = await resident.register()
    told = msgspec.structs.replace(instruction(), subscription_id=subscription_id, seq=1)
    draft = {name: getattr(told, name) for name in told.__struct_fields__ if name != "seq"}
    await side.instructions.emit(1, [InstructionDraft(**draft)], side.clock.now())
    stored, _ = (await side.instructions.latest(subscription_id)) or pytest.fail("not stored")
    message = resident.message(stored.seq)
    message["bosai"]["r"] = side.receipts.token_for(stored)
    await resident.push(message)
    assert await _stage(side, subscription_id) is Stage.DISPLAYED

    await page.click_notification(resident.scope, tag="tag1", action="going")
    latest = await side.instructions.latest(subscription_id)
    assert latest is not None
    assert latest[1].stage is Stage.ANSWERED
    assert latest[1].answer == "going"


async def test_without_a_connection_the_last_message_is_there_and_says_how_old_it_is(
    resident: Resident,
) -> None:
    page = resident.page
    await resident.register()
    await resident.push(resident.message(3))
    await page.wait_for("return navigator.serviceWorker.controller !== null")
    await page.set_offline(True)
    await page.goto(f"{resident.base}{resident.scope}advice?i=inc1&s=3")
    await page.wait_for_text("「七郷小学校」（3階以上）へ逃げて！")
    words = await page.text()
    assert "通信できないため" in words
    assert "の案内" in words
    assert "古い案内です" in words  # the example is of another hour
    await page.click(role="button", name="今から向かいます")
    await page.wait_for_text("通信できたときに伝えます。")
    waiting = await page.evaluate("return bosaiStore(arg).due(Date.now())", resident.side.realm.value)
    assert {"r": "token-inc1-3", "answer": "going"} in [one["receipt"] for one in waiting]
    await page.set_offline(False)


async def test_no_permission_is_said_in_words_with_the_mend(resident: Resident) -> None:
    page = resident.page
    await page.before_scripts("Notification.requestPermission = async () => 'denied';")
    await page.goto(f"{resident.base}{resident.scope}{ARAHAMA}")
    await page.click(role="button", name="通知を受け取る")
    await page.wait_for_text("通知が許可されていません。")
    assert await resident.side.subscription_store.count() == 0


async def test_the_pages_pass_axe_and_fit_a_narrow_phone_at_double_text(resident: Resident) -> None:
    page = resident.page
    await page.set_viewport(Viewport(width=320, height=700, mobile=True))
    for path in ("", ARAHAMA, "?q=arahama", "advice"):
        await page.goto(f"{resident.base}{resident.scope}{path}")
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await page.evaluate("return document.documentElement.scrollWidth") <= 320, path
        found = [
            (one["id"], one["nodes"][0]["html"]) for one in await page.axe("wcag2a", "wcag2aa", "wcag21aa")
        ]
        assert found == [], path
        small = await page.evaluate(
            "return [...document.querySelectorAll('main button, main a, main summary')]"
            ".filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)"
            ".map((one) => one.outerHTML)"
        )
        assert small == [], path


async def test_the_map_opens_and_a_tap_leads_to_the_answer_for_that_place(resident: Resident) -> None:
    page = resident.page
    await page.goto(f"{resident.base}{resident.scope}{ARAHAMA}")
    await page.click(css=".map-details summary")
    await page.wait_for(
        "return document.querySelector('.map canvas') && !document.querySelector('[data-use]').checkVisibility()"
    )
    await page.evaluate("document.querySelector('.map').scrollIntoView({block: 'center'})")
    await page.wait_for(
        "const box = document.querySelector('.map').getBoundingClientRect();"
        "const canvas = document.querySelector('.map canvas');"
        "const at = {bubbles: true, clientX: box.x + box.width / 2 + 40, clientY: box.y + box.height / 2};"
        "for (const type of ['mousedown', 'mouseup', 'click']) canvas.dispatchEvent(new MouseEvent(type, at));"
        "return document.querySelector('[data-use]').checkVisibility()"
    )
    before = await page.url()
    await page.click(role="button", name="この場所で調べる")
    await page.wait_for("return location.href !== arg && location.hash === '#here'", before)
    assert "lon=140.9701" not in await page.url()


async def test_where_the_device_is_leads_to_the_answer_for_that_place_and_a_no_is_said_in_words(
    resident: Resident,
) -> None:
    page = resident.page
    await page.goto(f"{resident.base}{resident.scope}")
    await page.allow(resident.base, "notifications")
    await page.click(role="button", name="今いる場所を使う")
    await page.wait_for_text("町の名前か地図で選んでください")
    await page.allow(resident.base, "notifications", "geolocation")
    await page.set_geolocation(38.22213, 140.97012)
    await page.click(role="button", name="今いる場所を使う")
    await page.wait_for("return location.search.includes('lon=140.9701') && location.hash === '#here'")
    assert "lat=38.2221" in await page.url()
    await page.wait_for_text("若林区荒浜の付近では")


async def _stage(side: RealmServices, subscription_id: str) -> Stage:
    latest = await side.instructions.latest(subscription_id)
    assert latest is not None
    return latest[1].stage
