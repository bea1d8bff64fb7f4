"""The page of the self-test, in Chromium: every step as it happens, every way to fail with its mend, both checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bosai.messages.checks import check_payload
from bosai.model.instruction import CHECK_INCIDENT, Instruction, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services.checks import check_draft
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Pointer, Result
from bosai.wiring import RealmServices, Wired, told_sealer
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bed.subscriber import Subscriber
from tests.bosai.web.phone_page import open_phone_page
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser
on_both_sides = pytest.mark.parametrize("realm", list(Realm))

ARAHAMA = "?lon=140.9701&lat=38.2221&lang=ja"
PHONE = Viewport(width=360, height=780, mobile=True)
# A tab's clock that a test moves on, so that no test waits for the half minute a person waits.
SKIPPING = """
  const real = performance.now.bind(performance);
  window.skipped_ms = 0;
  performance.now = () => real() + window.skipped_ms;
"""
STEPS = """
  return Object.fromEntries([...document.querySelectorAll("[data-step]")]
    .map((one) => [one.dataset.step, one.dataset.state]));
"""
# The synthetic browser forgets its subscription with the document; a real one keeps it.
HOLD = """
  const config = JSON.parse(document.getElementById("page-config").textContent);
  const registration = await navigator.serviceWorker.getRegistration(arg);
  await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: config.vapid });
"""


# The service's answer to the tap is held until the test lets it go.
HELD_ANSWER = """
  const reallyFetch = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await reallyFetch(...asked);
    if (asked[1]?.method === "POST" && String(asked[0]).includes("/self-test"))
      await new Promise((resolve) => { window.letGo = resolve; });
    return answer;
  };
"""


@dataclass
class Phone:
    """A resident's browser on one side; the test plays delivery and the push service."""

    page: Page
    base: str
    side: RealmServices
    wired: Wired
    subscriber: Subscriber

    @property
    def scope(self) -> str:
        return f"{self.side.realm.path_prefix}/"

    @property
    def realm(self) -> str:
        return self.side.realm.value

    async def register(self) -> None:
        await self.page.goto(f"{self.base}{self.scope}{ARAHAMA}")
        await self.page.click(role="button", name="通知を受け取る")
        await self.page.wait_for_text("登録しました。")

    async def known(self) -> dict[str, Any]:
        return dict(await self.page.evaluate("return await bosaiStore(arg).get('subscription')", self.realm))

    async def open_check(self, *, hold: bool = True) -> None:
        await self.page.goto(f"{self.base}{self.scope}check?lang=ja")
        await self.page.wait_for_element(role="button", name="受信テストをする")
        if hold:
            await self.page.evaluate(HOLD, self.scope)

    async def tap(self) -> Instruction:
        """Start the test; the message that the service put on its way."""
        await self.page.click(role="button", name="受信テストをする")
        subscription_id = (await self.known())["id"]
        async with asyncio.timeout(10):
            while (found := await self.side.instructions.check_of(subscription_id)) is None:
                await asyncio.sleep(0.02)
        return found[0]

    async def settle(self, one: Instruction, stage: Stage, cause: str = "") -> None:
        """Claim and record, as delivery does."""
        sealer = told_sealer(self.wired.secrets.realm(self.realm))
        outbox = Outbox(self.wired.redis, self.side.realm, "w", sealer)
        member, number = f"{CHECK_INCIDENT}/{one.subscription_id}", bucket_of(one.subscription_id)
        now = self.side.clock.now()
        pointer = Pointer(groups=((number, ((member, one.seq),)),))
        await outbox.claim(pointer, now, now + timedelta(seconds=30))
        result = Result(member=member, seq=one.seq, stage=stage, attempts=1, cause=cause)
        assert await outbox.record({number: [result]}, now) == 1

    async def delivery_runs(self) -> None:
        note = {"at": self.side.clock.now(), "ok": True, "detail": ""}
        keys = Keys(self.side.realm)
        await self.wired.redis.hset(keys.health, "delivery:w", msgspec.json.encode(note))

    async def push(self, one: Instruction) -> None:
        """The message as delivery writes it."""
        sent = check_payload(
            one,
            self.side.realm,
            "ja",
            now=self.side.clock.now(),
            receipt_token=self.side.receipts.token_for(one),
            tag="check",
        )
        assert await self.page.deliver_push(self.scope, sent.decode()) == "Success"

    async def skip(self, seconds: float) -> None:
        await self.page.evaluate("window.skipped_ms += arg", seconds * 1000)

    async def steps(self) -> dict[str, str]:
        return dict(await self.page.evaluate(STEPS))

    async def stage(self) -> Stage:
        found = await self.side.instructions.check_of((await self.known())["id"])
        assert found is not None
        return found[1].stage


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest.fixture
def realm() -> Realm:
    return Realm.LIVE


@pytest.fixture
async def phone(
    browser: Browser, private_redis: PrivateRedis, tmp_path: Path, realm: Realm
) -> AsyncIterator[Phone]:
    async with open_phone_page(browser, private_redis, tmp_path, realm, PHONE) as at:
        await at.page.before_scripts(SKIPPING)
        yield Phone(page=at.page, base=at.base, side=at.side, wired=at.wired, subscriber=at.subscriber)


@on_both_sides
async def test_every_step_is_shown_as_it_happens_and_accepted_is_never_called_arrived(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    low = "return [...document.querySelectorAll('footer a')].filter((one) => one.offsetHeight < 44).length"
    assert await page.evaluate(low) == 0  # a finger finds it
    await page.click(role="link", name="受信テスト（通知が届くか確かめる）")
    await phone.open_check()
    assert set((await phone.steps()).values()) == {"todo"}
    one = await phone.tap()
    await phone.settle(one, Stage.ACCEPTED)
    await page.wait_for_text("端末に届いたかはまだ分かりません")
    steps = await phone.steps()
    assert (steps["sent"], steps["arrived"], steps["shown"]) == ("done", "doing", "todo")
    assert "届きました" not in await page.text()

    await phone.push(one)
    await page.wait_for_text("届きました（")
    assert set((await phone.steps()).values()) == {"done"}
    assert "端末に届いたかはまだ分かりません" not in await page.text()
    assert await phone.stage() is Stage.DISPLAYED  # told at once
    (shown,) = await page.notifications(phone.scope)
    assert (shown.tag, shown.data["navigate"]) == ("check", f"{phone.scope}check?s={one.seq}")
    assert page.errors == []


async def test_a_check_never_takes_the_place_of_the_newest_advice(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    advice = {"v": 1, "realm": "live", "incident": "inc1", "seq": 1, "urgent": True, "ended": False, "at": 1}
    order = {
        "notification": {"title": "【警戒レベル4 避難指示】", "body": "逃げて", "tag": "order"},
        "bosai": {**advice, "r": "token", "stale": 2},
    }
    assert await page.deliver_push(phone.scope, order) == "Success"
    await phone.open_check()
    await phone.push(await phone.tap())
    await page.wait_for_text("届きました（")
    assert await page.evaluate("return (await bosaiStore('live').newest()).bosai.incident") == "inc1"
    assert sorted(one.tag for one in await page.notifications(phone.scope)) == ["check", "order"]


async def test_what_the_push_service_took_but_never_brought_is_said_after_half_a_minute_and_taken_back_when_it_comes(
    phone: Phone,
) -> None:
    page = phone.page
    await phone.register()
    await phone.open_check()
    one = await phone.tap()
    await phone.settle(one, Stage.ACCEPTED)
    await page.wait_for_text("端末に届いたかはまだ分かりません")
    await phone.skip(31)
    await page.wait_for_text("30秒たってもこの端末に届きません")
    assert "電池の節約" in await page.text()
    assert (await phone.steps())["arrived"] == "failed"
    await phone.push(one)
    await page.wait_for_text("届きました（")
    assert "この端末に届きません" not in await page.text()
    assert (await phone.steps())["arrived"] == "done"


@pytest.mark.parametrize(
    ("stage", "cause", "says"),
    [
        (Stage.FAILED, "413 too_large", "受け取りませんでした（記号：413 too_large）"),
        (Stage.EXPIRED, "timeout", "通知を運ぶサービスにつながりません（記号：timeout）"),
    ],
)
async def test_what_the_push_service_refused_is_said_with_its_cause(
    phone: Phone, stage: Stage, cause: str, says: str
) -> None:
    await phone.register()
    await phone.open_check()
    await phone.settle(await phone.tap(), stage, cause)
    await phone.page.wait_for_text(says)
    assert "端末の問題ではありません" in await phone.page.text()
    assert (await phone.steps())["sent"] == "failed"


async def test_when_nobody_sends_the_page_says_so_and_that_the_device_is_not_at_fault(phone: Phone) -> None:
    await phone.register()
    await phone.open_check()
    await phone.tap()
    await phone.skip(11)
    await phone.page.wait_for_text("サービスの送信が止まっているか、遅れています。")
    assert "緊急速報メール" in await phone.page.text()


async def test_while_somebody_sends_a_queue_is_waited_for(phone: Phone) -> None:
    await phone.register()
    await phone.delivery_runs()
    await phone.open_check()
    one = await phone.tap()
    await phone.skip(11)
    await phone.settle(one, Stage.ACCEPTED)
    await phone.page.wait_for_text("端末に届いたかはまだ分かりません")


async def test_a_device_that_never_registered_is_led_to_the_registration(phone: Phone) -> None:
    await phone.open_check(hold=False)
    await phone.page.click(role="button", name="受信テストをする")
    await phone.page.wait_for_text("この端末は登録されていません。")
    await phone.page.click(role="link", name="場所を選んで登録する")
    await phone.page.wait_for("return location.hash === '#choose'")


async def test_a_permission_that_is_refused_is_said_with_the_mend(phone: Phone) -> None:
    await phone.register()
    await phone.page.before_scripts(
        "Object.defineProperty(Notification, 'permission', {get: () => 'denied'});"
    )
    await phone.open_check()
    await phone.page.click(role="button", name="受信テストをする")
    await phone.page.wait_for_text("通知が許可されていません。")
    assert (await phone.steps())["permission"] == "failed"
    assert (await phone.steps())["worker"] == "todo"


async def test_a_subscription_the_browser_lost_is_renewed_by_one_tap(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    before = await phone.known()
    await phone.open_check(hold=False)
    await page.click(role="button", name="受信テストをする")
    await page.wait_for_text("ブラウザーの受信の登録が消えたか、古くなっています。")
    await page.click(role="button", name="登録し直す")
    await page.wait_for_text("登録し直しました。")
    assert (await phone.known())["id"] == before["id"]
    await phone.page.wait_for_element(role="button", name="もう一度テストする")
    await page.click(role="button", name="もう一度テストする")
    await page.wait_for_text("送っています…")


async def test_a_repair_that_found_no_connection_can_be_tried_again(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    await phone.open_check(hold=False)
    await page.click(role="button", name="受信テストをする")
    await page.wait_for_text("ブラウザーの受信の登録が消えたか、古くなっています。")
    await page.set_offline(True)
    await page.click(role="button", name="登録し直す")
    await page.wait_for_text("通信できません。")
    await page.set_offline(False)
    await page.click(role="button", name="登録し直す")
    await page.wait_for_text("登録し直しました。")


async def test_a_device_the_service_forgot_registers_anew_for_the_same_place_by_one_tap(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    before = await phone.known()
    await phone.side.subscriptions.delete(before["id"], before["secret"])
    await phone.open_check()
    await page.click(role="button", name="受信テストをする")
    await page.wait_for_text("サービスに、この端末の登録が残っていません。")
    await page.click(role="button", name="登録し直す")
    await page.wait_for_text("登録し直しました。")
    after = await phone.known()
    assert after["secret"] != before["secret"]
    held = await phone.side.subscriptions.read(after["id"], after["secret"])
    assert [(one.lon, one.lat) for one in held.places] == [(140.9701, 38.2221)]


async def test_a_wards_code_that_opens_nothing_any_more_does_not_cost_the_registration(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    before = await phone.known()
    await phone.side.subscriptions.delete(before["id"], before["secret"])
    keep = "const store = bosaiStore(arg); const known = await store.get('subscription');"
    await page.evaluate(
        f"{keep} await store.put('subscription', {{...known, welfare_code: 'ACDE-FGHJ'}}); return true",
        phone.realm,
    )
    await phone.open_check()
    await page.click(role="button", name="受信テストをする")
    await page.wait_for_text("サービスに、この端末の登録が残っていません。")
    await page.click(role="button", name="登録し直す")
    await page.wait_for_text("登録し直しました。")
    after = await phone.known()
    assert after["secret"] != before["secret"] and after["welfare_code"] == ""


async def test_a_subscription_that_the_push_service_ended_is_registered_anew(phone: Phone) -> None:
    await phone.register()
    await phone.open_check()
    await phone.settle(await phone.tap(), Stage.RETIRED, "410")
    await phone.page.wait_for_text("通知を運ぶサービスに、この端末の登録がもうありません。")
    await phone.page.wait_for_element(role="button", name="登録し直す")


async def test_a_second_tap_at_once_is_told_how_long_to_wait(phone: Phone) -> None:
    await phone.register()
    await phone.open_check()
    await phone.push(await phone.tap())
    await phone.page.click(role="button", name="もう一度テストする")
    await phone.page.wait_for_text("回数が多すぎます")
    assert "秒ほど待ってから" in await phone.page.text()
    assert (await phone.steps())["sent"] == "todo"  # nothing is broken
    assert (
        await phone.page.evaluate("return document.querySelector('[data-verdict]').dataset.verdict")
        == "doing"
    )


async def test_a_message_that_is_quicker_than_the_answer_to_the_tap_has_arrived_all_the_same(
    phone: Phone,
) -> None:
    await phone.register()
    await phone.page.before_scripts(HELD_ANSWER)
    await phone.open_check()
    await phone.push(await phone.tap())
    await phone.page.wait_for("return (await bosaiStore('live').get('check'))?.is_shown")
    await phone.page.wait_for("return window.letGo !== undefined")
    await phone.page.evaluate("window.letGo()")
    await phone.page.wait_for_text("届きました（")
    assert set((await phone.steps()).values()) == {"done"}


async def test_what_arrived_and_never_became_a_notification_is_said_in_the_end(phone: Phone) -> None:
    await phone.register()
    await phone.open_check()
    one = await phone.tap()
    kept = {"bosai": {"seq": one.seq, "at": 1, "kind": "self_test"}}
    await phone.page.evaluate("await bosaiStore('live').keepCheck({ ...arg, received_at: Date.now() })", kept)
    await phone.page.wait_for("return document.querySelector('[data-step=shown]').dataset.state === 'doing'")
    await phone.skip(11)
    await phone.page.wait_for_text("届きましたが、通知を表示できませんでした。")
    assert (await phone.steps())["shown"] == "failed"


async def test_a_browser_that_keeps_nothing_is_told_so_before_any_tap(phone: Phone) -> None:
    await phone.page.before_scripts("IDBFactory.prototype.open = () => { throw new Error('private'); };")
    await phone.page.goto(f"{phone.base}/check?lang=ja")
    await phone.page.wait_for_text("プライベート（シークレット）モードでないことを確かめ")


async def test_without_a_connection_the_page_opens_and_says_so(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    await phone.open_check()
    await page.wait_for("return navigator.serviceWorker.controller !== null")
    await page.set_offline(True)
    await page.goto(f"{phone.base}{phone.scope}check")
    await page.evaluate(HOLD, phone.scope)
    await page.click(role="button", name="受信テストをする")
    await page.wait_for_text("通信できません。")
    await page.set_offline(False)


async def test_the_monthly_check_is_silent_shown_once_and_opens_the_page_that_explains_it(
    phone: Phone,
) -> None:
    page, side = phone.page, phone.side
    await phone.register()
    known = await phone.known()
    at = side.clock.now()
    kept = []
    for meaning in ("monthly-2026-10", "monthly-2026-11"):
        draft = check_draft(
            known["id"], MessageKind.MONTHLY_CHECK, at=at, fresh=timedelta(days=1), meaning=meaning
        )
        await side.instructions.emit_checks([draft], at)
        kept.append((await side.instructions.check_of(known["id"]))[0])
        at += timedelta(days=30)
    older, newer = kept
    await phone.push(newer)
    await phone.push(older)
    await phone.push(newer)
    (shown,) = await page.notifications(phone.scope)
    assert shown.data["seq"] == newer.seq
    assert "災害の知らせではありません" in shown.title + shown.body
    is_silent = "const [one] = await registration.getNotifications(); return [one.silent, one.renotify];"
    assert await page.evaluate_in_worker(phone.scope, is_silent) == [True, False]
    assert await page.evaluate("return (await bosaiStore(arg).newest()) ?? null", phone.realm) is None
    await page.click_notification(phone.scope, tag="check")
    await page.wait_for("return location.pathname.endsWith('/check')")
    await page.wait_for_text("何もする必要はありません")
    assert await phone.stage() is Stage.OPENED


async def test_the_monthly_check_can_be_declined_when_registering_and_on_the_page_of_the_test(
    phone: Phone,
) -> None:
    page = phone.page
    await page.goto(f"{phone.base}{phone.scope}{ARAHAMA}")
    await page.click(css="input[name=checks]")
    await page.click(role="button", name="通知を受け取る")
    await page.wait_for_text("登録しました。")
    assert await _wants_checks(phone) is False
    await phone.open_check()
    assert await page.evaluate("return document.querySelector('[data-wants-checks]').checked") is False
    await page.click(css="[data-wants-checks]")
    await page.wait_for_text("保存しました。")
    assert await _wants_checks(phone) is True
    await page.reload()
    await page.wait_for("return document.querySelector('[data-wants-checks]').checked")


async def test_a_device_that_registered_anew_shows_its_first_check_again(phone: Phone) -> None:
    await phone.register()
    await phone.open_check()
    one = await phone.tap()
    await phone.push(msgspec.structs.replace(one, seq=9))
    later = msgspec.structs.replace(one, seq=1, decided_at=one.decided_at + timedelta(minutes=1))
    await phone.push(later)
    (shown,) = await phone.page.notifications(phone.scope)
    assert shown.data["seq"] == 1


@on_both_sides
async def test_the_page_passes_axe_and_fits_a_narrow_phone_at_double_text(phone: Phone) -> None:
    page = phone.page
    await phone.register()
    await page.set_viewport(Viewport(width=320, height=700, mobile=True))
    await phone.open_check()
    await phone.tap()
    await phone.skip(11)
    await page.wait_for_text("送信が止まっているか")
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("return document.documentElement.scrollWidth") <= 320
    found = [(one["id"], one["nodes"][0]["html"]) for one in await page.axe("wcag2a", "wcag2aa", "wcag21aa")]
    assert found == []


async def _wants_checks(phone: Phone) -> bool:
    known = await phone.known()
    secrets = phone.wired.secrets.realm(phone.realm)
    sealed = await phone.wired.redis.hget(Keys(phone.side.realm).push(bucket_of(known["id"])), known["id"])
    store = type(phone.side.subscription_store)(
        phone.wired.redis,
        phone.side.realm,
        push_sealer=Sealer(secrets.push_seal_key.key, secrets.push_seal_key.key_id),
    )
    return store.open_push(known["id"], sealed).wants_checks
