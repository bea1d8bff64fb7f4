"""The page of what goes out at once: two taps, the switch, the pre-approvals, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.at_once_content import ready_words, zone_keys
from bosai.services.previews import Preview
from tests.bosai.services.once import announcement
from tests.bosai.web.officers import Officer, in_force, no_planner, officer, planner
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

ADVISORY, WARNING, MAJOR = TsunamiClass
HOME = "/hq/at-once"


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(
        tmp_path,
        private_redis.url,
        {"at_once.enabled": True, "at_once.enabled_in_drill": True},
    ) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


@pytest.fixture
async def shonin(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "shonin", Role.HQ_APPROVER) as found:
        yield found


async def pre_approved(kian: Officer, shonin: Officer, *classes: TsunamiClass) -> None:
    for one in classes or TsunamiClass:
        asked = await kian.get(HOME)
        form = f"//form[contains(@action, '/{one.value}/ask')]//input[@name='hash']/@value"
        page = await kian.post(f"{HOME}/{one.value}/ask", {"hash": asked.document.xpath(form)[0]})
        assert "事前承認を求めました" in page.text
        shown = await shonin.get(HOME)
        typed = shown.one(f"//*[@id='words-{one.value}']").text
        seen = shown.one(f"//form[contains(@action, '/{one.value}/approve')]//input[@name='hash']").get(
            "value"
        )
        page = await shonin.post(f"{HOME}/{one.value}/approve", {"hash": seen, "typed": typed})
        assert "事前承認しました" in page.text


async def test_two_officers_approve_and_one_sends_in_two_taps(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    home = await shonin.get(HOME)
    assert home.one("//a[contains(@class, 'tap')]").get("href") == f"{HOME}/warning"
    second = await shonin.get(f"{HOME}/warning")
    assert "気象庁が津波警報を発表しました。" in second.text and "本番です" in second.text
    assert second.checked("heard") == ["j_alert"]
    page = await shonin.post(f"{HOME}/warning/start", {"hash": second.value("hash"), "heard": "broadcast"})
    assert "お知らせを送りました" in page.text and "発令しました" not in page.text
    (out,) = await in_force(site)
    assert (out.alert.kind, out.approver) == (OrderKind.NOTICE, "shonin")
    assert "テレビ・ラジオで津波警報を確認し、shonin が" in page.text
    assert "起案 自動発信" in (await shonin.get("/hq/")).text
    again = await shonin.get(f"{HOME}/warning")
    assert "2度は出しません" in again.text and not again.document.xpath(
        "//button[contains(@class, 'approve')]"
    )


async def test_the_board_offers_the_two_taps_to_who_may_and_what_may(site, kian, shonin):
    assert (await shonin.get("/hq/")).document.xpath("//*[starts-with(@id, 'tap-')]") == []
    await pre_approved(kian, shonin, WARNING, MAJOR)
    found = (await shonin.get("/hq/")).document.xpath("//*[starts-with(@id, 'tap-')]")
    assert [one.get("href") for one in found] == [f"{HOME}/major_warning", f"{HOME}/warning"]
    assert (await kian.get("/hq/")).document.xpath("//*[starts-with(@id, 'tap-')]") == []


async def test_a_double_tap_is_one_order(site, kian, shonin):
    await pre_approved(kian, shonin, MAJOR)
    shown = await shonin.get(f"{HOME}/major_warning")
    form = {"hash": shown.value("hash"), "heard": "j_alert"}
    pages = await asyncio.gather(*(shonin.post(f"{HOME}/major_warning/start", form) for _ in range(3)))
    assert {page.status for page in pages} == {200} and len({page.path for page in pages}) == 1
    assert len(await in_force(site)) == 1


async def test_a_tap_after_the_feed_was_quicker_says_that_it_sent_nothing(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    shown, side = await shonin.get(f"{HOME}/warning"), site.side()
    said = announcement(WARNING, at=side.clock.now())
    await side.proposals.put(said)
    await side.at_once.react(said)
    page = await shonin.post(f"{HOME}/warning/start", {"hash": shown.value("hash"), "heard": "j_alert"})
    assert "新しくは送っていません" in page.text and "お知らせを送りました" not in page.text
    assert [one.approver for one in await in_force(site)] == ["at_once"]


async def test_the_one_who_asked_can_not_approve_and_wrong_words_are_refused(site, shonin):
    page = await shonin.get(HOME)
    seen = page.document.xpath("//form[contains(@action, '/warning/ask')]//input[@name='hash']/@value")[0]
    page = await shonin.post(f"{HOME}/warning/ask", {"hash": seen})
    assert "求めた本人は承認できません" in page.text
    page = await shonin.post(f"{HOME}/warning/approve", {"hash": seen, "typed": "x"})
    assert page.status == 403
    async with officer(site, "ito", Role.HQ_APPROVER) as ito:
        page = await ito.post(f"{HOME}/warning/approve", {"hash": seen, "typed": "自動発信 津波警報"})
        assert page.status == 400 and page.value("typed") == "自動発信 津波警報"
        page = await ito.post(f"{HOME}/warning/approve", {"hash": "0" * 64, "typed": "x"})
        assert page.status == 409


async def test_a_drafter_sees_the_texts_and_can_not_send_them(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    page = await kian.get(f"{HOME}/warning")
    assert "承認者の権限が要ります" in page.text
    page = await kian.post(f"{HOME}/warning/start", {"hash": "0" * 64, "heard": "j_alert"})
    assert page.status == 403 and await in_force(site) == []


async def test_without_an_approval_nothing_can_be_tapped(site, shonin):
    page = await shonin.get(HOME)
    assert not page.document.xpath("//a[contains(@class, 'tap')]") and "事前承認が有効でないため" in page.text
    page = await shonin.get(f"{HOME}/warning")
    assert "この文は出せません" in page.text
    page = await shonin.post(f"{HOME}/warning/start", {"hash": "0" * 64, "heard": "j_alert"})
    assert page.status == 409 and "未承認" in page.text
    assert (await shonin.get(f"{HOME}/nothing")).status == 404
    assert (await shonin.get(f"{HOME}/warning?people=1")).status == 404


async def test_how_it_was_heard_of_has_to_be_one_of_four(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    seen = (await shonin.get(f"{HOME}/warning")).value("hash")
    for heard in ("", "rumour"):
        page = await shonin.post(f"{HOME}/warning/start", {"hash": seen, "heard": heard})
        assert page.status == 400 and "何で知ったか" in page.text
    assert await in_force(site) == []


async def test_every_page_says_that_it_was_stopped_until_an_approver_resumes_it(site, kian, shonin):
    await pre_approved(kian, shonin)
    assert "止めています" not in (await kian.get("/hq/")).text
    page = await kian.post(f"{HOME}/stop", {"reason": ""})
    assert page.status == 400
    page = await kian.post(f"{HOME}/stop", {"reason": "本番の電文に訓練が混じっている"})
    assert "自動発信を止めました" in page.text
    for path in ("/hq/", "/hq/alerts/new", "/hq/audit", HOME):
        banner = (await kian.get(path)).one("//*[contains(@class, 'hq-banner')]")
        assert "津波の自動発信を止めています（kian" in "".join(banner.itertext())
    assert (await kian.post(f"{HOME}/resume", {"reason": "直った"})).status == 403
    page = await shonin.post(f"{HOME}/resume", {"reason": "直った"})
    assert "再開しました" in page.text and not page.document.xpath("//*[contains(@class, 'hq-banner')]")


async def test_an_announcement_that_did_not_go_out_stands_on_every_page_until_somebody_decides(site, kian):
    side = site.side()
    said = announcement(WARNING, at=side.clock.now())
    await side.proposals.put(said)
    await side.at_once.react(said)
    assert "津波警報は、事前承認が有効でないため自動では出していません" in (await kian.get("/hq/sites")).text
    await kian.post("/hq/proposals/dismiss", {"id": said.id, "reason": "誤りの電文"})
    assert "自動では出していません" not in (await kian.get("/hq/sites")).text


async def test_the_page_says_how_many_are_inside_when_the_planner_answers_and_never_waits_for_it(
    site, kian, shonin
):
    await pre_approved(kian, shonin, WARNING)
    assert "人数を見る" in (await shonin.get(f"{HOME}/warning")).text
    preview = Preview(available=True, people=42, households=20, residents=1300, at=site.side().clock.now())
    async with planner(site, preview) as asked:
        page = await shonin.get(f"{HOME}/warning?people=1")
        assert "42人" in page.text and "約1,300人" in page.text
        assert asked[0].tsunami_class is WARNING
    assert await in_force(site) == []


async def test_the_drill_side_has_its_own_texts_and_words(site):
    async with (
        officer(site, "kian-d", Role.HQ_DRAFTER, Realm.DRILL) as kian,
        officer(site, "shonin-d", Role.HQ_APPROVER, Realm.DRILL) as shonin,
    ):
        await pre_approved(kian, shonin, WARNING)
        shown = await shonin.get(f"{HOME}/warning")
        assert "訓練の津波警報のお知らせを、訓練の登録者へ送る" in shown.text and "本番です" not in shown.text
        await shonin.post(f"{HOME}/warning/start", {"hash": shown.value("hash"), "heard": "j_alert"})
        (out,) = await in_force(site, Realm.DRILL)
        assert out.alert.texts["ja"].headline.startswith("【訓練】")
        assert await in_force(site) == []
        states = await site.side().at_once.pre_approvals.states()
        assert all(one.approval is None for one in states.values())
        assert ready_words(states[WARNING].today).startswith("自動発信")


async def test_a_notice_is_ended_and_not_lifted(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    seen = (await shonin.get(f"{HOME}/warning")).value("hash")
    await shonin.post(f"{HOME}/warning/start", {"hash": seen, "heard": "j_alert"})
    (out,) = await in_force(site)
    page = await kian.get(f"/hq/alerts/{out.alert.alert_id}/lift")
    assert "終了の下書き" in page.text and "解除の下書き" not in page.text
    page = await kian.post(f"/hq/alerts/{out.alert.alert_id}/lift", {"reason": "津波警報が解除された"})
    path = page.path.split("?")[0]
    await kian.submit(path)
    page = await shonin.approve(path)
    assert "お知らせを終了しました" in page.text and "終了を実施" in page.text
    assert await in_force(site) == []


async def test_hq_adds_to_what_went_out_by_an_ordinary_update(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    seen = (await shonin.get(f"{HOME}/warning")).value("hash")
    await shonin.post(f"{HOME}/warning/start", {"hash": seen, "heard": "j_alert"})
    (out,) = await in_force(site)
    form = await kian.get(f"/hq/alerts/new?update={out.alert.alert_id}")
    assert (form.checked("kind"), form.checked("tsunami_class")) == (["notice"], ["warning"])
    zones = list(zone_keys(site.settings, WARNING))
    assert sorted(form.checked("zone")) == sorted(zones)
    page = await kian.post(
        f"/hq/alerts/new?update={out.alert.alert_id}",
        {
            "hazard": "tsunami",
            "kind": "notice",
            "tsunami_class": "warning",
            "zone": zones,
            "reason": "橋の通行止め",
            "free_ja": "閖上大橋は通れません。",
        },
    )
    path = page.path.split("?")[0]
    await kian.submit(path)
    await shonin.approve(path)
    (now,) = await in_force(site)
    assert (now.alert.version, now.alert.drafter) == (2, "kian")
    assert "閖上大橋は通れません。" in now.alert.texts["ja"].body
    assert now.alert.texts["ja"].body.startswith("気象庁が津波警報を発表しました。")


async def test_the_log_says_who_approved_what_and_that_it_went_out_by_itself(site, kian, shonin):
    await pre_approved(kian, shonin, WARNING)
    side = site.side()
    said = announcement(WARNING, at=side.clock.now())
    await side.proposals.put(said)
    await side.at_once.react(said)
    page = await shonin.get("/hq/audit")
    for words in (
        "津波の文を事前承認",
        "津波の自動発信 津波警報",
        "事前承認の文を自動発信",
        "自動発信",
        "key-1",
    ):
        assert words in page.text
