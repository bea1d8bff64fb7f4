"""行き先の調整 over HTTP: setting and lifting with a reason, what the board says, and the failure of a site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bosai.errors import InvalidInput
from bosai.messages.measures import JST
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.welfare import is_welfare
from bosai.stores.keys import Keys
from bosai.stores.site_failures import Move, SiteFailure, SiteFailures
from bosai.web.base import OPENED
from bosai.web.console.towns import town_meant
from geodata.places import ReadingStatus, Town
from shelters.model import Facet, Opening
from tests.bosai.web.officers import FLOOD_ORDER, Officer, in_force, no_planner, officer, visitor
from tests.bosai.web.running import Site, bearer, running, subscription
from tests.redis_server import PrivateRedis


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


async def school(site: Site) -> str:
    return next(one.site_id for one in await site.side().sites.all() if one.name == "七郷小学校")


def town(site: Site) -> str:
    return next(f"{one.ward}{one.name}" for one in site.side().places.towns if one.name == "荒井")


async def test_a_site_is_taken_out_of_the_guidance_with_a_reason_and_put_back_with_another(
    site: Site, kian: Officer
):
    name = await school(site)
    empty = await kian.get("/hq/hand")
    assert empty.status == 200 and "調整はありません" in empty.text
    page = await kian.post("/hq/hand/exclude", {"site": name, "reason": "校庭が冠水"})
    assert page.path == "/hq/hand?done=hand_set" and "校庭が冠水" in page.text and "kian" in page.text
    assert "案内から外した避難所 七郷小学校" in page.text
    assert (await site.side().hand.hand()).excluded == {name: "校庭が冠水"}
    assert "本部が案内から外しています" in (await kian.get("/hq/sites?q=七郷小学校")).text
    lifted = await kian.post("/hq/hand/lift", {"kind": "exclude", "subject": name, "reason": "水が引いた"})
    assert lifted.path == "/hq/hand?done=hand_lifted" and "調整はありません" in lifted.text
    record = (await kian.get("/hq/audit")).text
    assert "避難所を案内から外した" in record and "避難所を案内に戻した" in record and "水が引いた" in record


async def test_a_town_is_sent_to_one_site_redirects_are_paused_and_shaking_is_recorded(
    site: Site, kian: Officer
):
    name, where = await school(site), town(site)
    await kian.post("/hq/hand/pin", {"town": where, "site": name, "reason": "バスを出す"})
    await kian.post("/hq/hand/pause", {"reason": "混乱を避ける"})
    now = site.side().clock.now()
    since = (now + timedelta(hours=9) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    page = await kian.post("/hq/hand/shaken", {"since": since, "reason": "震度6弱"})
    assert page.status == 200, page.text
    hand = await site.side().hand.hand()
    assert hand.pins[where].site_id == name and hand.redirects_paused == "混乱を避ける"
    assert hand.shaken_at_s is not None
    assert 240 < now.timestamp() - hand.shaken_at_s < 420  # five minutes, to the minute, in Japan's time
    assert f"{where} → 七郷小学校" in page.text and "行き先の変更の停止" in page.text


async def test_a_town_without_its_ward_is_taken_where_only_one_is_meant(site: Site, kian: Officer):
    name = await school(site)
    await kian.post("/hq/hand/pin", {"town": "荒浜", "site": name, "reason": "バスを出す"})
    assert list((await site.side().hand.hand()).pins) == ["若林区荒浜"]
    page = await kian.post("/hq/hand/pin", {"town": "井", "site": name, "reason": "バスを出す"})
    said = page.one("//form[@id='pin']//*[@class='field-error']").text_content()
    assert page.status == 400 and "区から" in said and "若林区" in said


def test_a_name_two_wards_have_is_not_guessed():
    def named(ward: str, name: str) -> Town:
        return Town(
            ward=ward,
            name=name,
            kana="",
            romaji="",
            lon=140.9,
            lat=38.2,
            reading_source="",
            reading_status=ReadingStatus.DRAFT,
        )

    towns = [named("青葉区", "土樋一丁目"), named("若林区", "土樋一丁目"), named("若林区", "荒井")]
    assert town_meant(towns, "荒井", "town").ward == "若林区"
    assert town_meant(towns, "若林区土樋一丁目", "town").ward == "若林区"
    with pytest.raises(InvalidInput, match="若林区土樋一丁目、青葉区土樋一丁目"):
        town_meant(towns, "土樋一丁目", "town")


async def test_a_refused_form_keeps_what_was_typed_and_names_the_field(site: Site, kian: Officer):
    page = await kian.post(
        "/hq/hand/pin", {"town": "どこにもない町", "site": await school(site), "reason": "r"}
    )
    assert page.status == 400
    assert "町名" in page.one("//form[@id='pin']//*[@class='field-error']").text_content()
    assert page.one("//form[@id='pin']//input[@name='town']").get("value") == "どこにもない町"
    assert page.one("//form[@id='exclude']//input[@name='reason']").get("value") == ""
    chosen = page.one("//form[@id='pin']//option[@selected]")
    assert chosen.text == "七郷小学校"
    missing = await kian.post("/hq/hand/pause", {"reason": " "})
    assert missing.status == 400 and "「理由」を入れてください" in missing.text
    for since in ("", "きのう", "2020-01-01T00:00"):
        refused = await kian.post("/hq/hand/shaken", {"since": since, "reason": "r"})
        assert refused.status == 400 and "揺れた時刻" in refused.text
    unknown = await kian.post("/hq/hand/lift", {"kind": "everything", "subject": "", "reason": "r"})
    assert unknown.status == 400
    assert await site.side().hand.entries() == ()


async def test_the_sites_page_leads_to_the_form_with_the_site_chosen(site: Site, kian: Officer):
    listed = await kian.get("/hq/sites?q=七郷小学校")
    link = listed.one("//p[@class='tool-link']/a").get("href")
    page = await kian.get(link.partition("#")[0])
    assert page.one("//form[@id='exclude']//option[@selected]").text == "七郷小学校"


async def test_whoever_may_not_steer_sees_what_is_set_and_no_form(site: Site, kian: Officer):
    await kian.post("/hq/hand/pause", {"reason": "混乱を避ける"})
    async with officer(site, "miru", Role.VIEWER) as viewer:
        page = await viewer.get("/hq/hand")
        assert "混乱を避ける" in page.text
        assert page.document.xpath("//main//form") == []
        refused = await viewer.post("/hq/hand/pause", {"reason": "r"})
        assert refused.status == 403
    async with officer(site, "kuyaku", Role.WARD_OPERATOR) as ward:
        page = await ward.get("/hq/hand")
        assert [one.get("id") for one in page.document.xpath("//main//form")] == ["exclude"]
        assert (await ward.post("/hq/hand/pause", {"reason": "r"})).status == 403
    async with visitor(site) as nobody:
        assert (await nobody.get("/hq/hand")).path.startswith("/hq/sign-in")
    async with officer(site, "kunren", Role.HQ_DRAFTER, Realm.DRILL) as drill:
        assert "混乱を避ける" not in (await drill.get("/hq/hand")).text


async def test_the_board_shows_what_is_set_and_asks_about_it_once_nothing_is_in_force(
    site: Site, kian: Officer
):
    assert kian.account is not None
    before = await kian.get("/hq/")
    assert before.one("//section[@id='part-hand']").get("hidden") is not None
    await kian.post("/hq/hand/pause", {"reason": "混乱を避ける"})
    async with officer(site, "shonin", Role.HQ_APPROVER) as shonin:
        await shonin.approve(await kian.submitted(FLOOD_ORDER))
        assert len(await in_force(site)) == 1
        during = await kian.get("/hq/")
        assert "行き先の変更の停止" in during.text and "まだ必要か確かめて" not in during.text
    (record,) = await in_force(site)
    draft = await kian.post(f"/hq/alerts/{record.alert.alert_id}/lift", {"reason": "水が引いた"})
    path = draft.path.split("?")[0]
    await kian.submit(path)
    async with officer(site, "shonin2", Role.HQ_APPROVER) as shonin:
        await shonin.approve(path)
    assert await in_force(site) == []
    for where in ("/hq/", "/hq/hand"):
        page = await kian.get(where)
        assert "まだ必要か確かめてください" in page.text and "行き先の変更の停止" in page.text


async def test_one_action_makes_a_site_unusable_and_shows_who_is_sent_where(site: Site, kian: Officer):
    name = await school(site)
    redis = site.app[OPENED].redis
    await redis.hset(
        Keys(Realm.LIVE).on_the_way, mapping={name: 37, "at": site.side().clock.now().isoformat()}
    )
    listed = await kian.get("/hq/sites?q=七郷小学校")
    assert "向かっている人（約37人）" in listed.text
    page = await kian.post("/hq/sites/failed", {"site": name})
    assert page.path == "/hq/hand?done=failed"
    assert (await site.side().sites.status(name)).opening is Opening.UNUSABLE
    failure = SiteFailure(
        site_id=name,
        name="七郷小学校",
        at=site.side().clock.now(),
        inside=80,
        inside_with_phone=20,
        on_their_way=37,
        moves=(Move(site_id="x", name="七郷中学校", persons=110, without_seat=12),),
        without_site=7,
        say="七郷中学校へ 110人",
    )
    await SiteFailures(redis, Realm.LIVE).write([failure])
    page = await kian.get("/hq/hand")
    card = " ".join(page.one("//article[contains(@class, 'failure')]").text_content().split())
    for words in ("中にいる人80人", "うち通知が届く人20人", "向かっていた人37人", "席が足りない人19人"):
        assert words in card
    assert "七郷中学校110人12人" in card and "七郷中学校へ 110人" in card
    assert "席が足りない人 19人" in (await kian.get("/hq/")).text
    await SiteFailures(redis, Realm.LIVE).write([msgspec.structs.replace(failure, inside=0, counted=False)])
    page = await kian.get("/hq/hand")
    card = " ".join(page.one("//article[contains(@class, 'failure')]").text_content().split())
    assert "中にいる人報告なし" in card  # not 0: nobody has counted
    again = await kian.get("/hq/sites?q=七郷小学校")
    assert again.document.xpath("//form[contains(@action, '/failed')]") == []


async def test_what_a_site_told_of_its_facilities_and_building_is_recorded(site: Site, kian: Officer):
    name = await school(site)
    page = await kian.post(
        "/hq/sites/facilities",
        {"site": name, "outages_said": "yes", "outages": ["power", "pets"], "checked": "yes"},
    )
    assert page.path == "/hq/sites?done=reported"
    status = await site.side().sites.status(name)
    assert status.outages == Facet.POWER | Facet.PETS and status.checked_at is not None
    shown = await kian.get("/hq/sites?q=七郷小学校")
    assert "停電・ペット不可" in shown.text and "建物の点検済み" in shown.text
    assert shown.checked("outages") == ["power", "pets"]
    await kian.post("/hq/sites/facilities", {"site": name, "outages_said": "yes"})
    after = await site.side().sites.status(name)
    assert after.outages == Facet(0) and after.checked_at == status.checked_at
    for wrong in ({"outages": "roof"}, {"checked": "maybe"}):
        refused = await kian.post("/hq/sites/facilities", {"site": name, "outages_said": "yes", **wrong})
        assert refused.status == 400


async def test_a_ward_makes_a_code_for_a_welfare_shelter_sees_its_use_and_revokes_it(site: Site):
    care = next(one for one in await site.side().sites.all() if is_welfare(one))
    async with officer(site, "kuyaku", Role.WARD_OPERATOR) as ward:
        page = await ward.post("/hq/sites/code", {"site": care.site_id, "households": "2"})
        assert page.status == 200 and "一度しか出ません" in page.text
        code = page.one("//dd[contains(@class, 'pin')]").text
        made, secret = await site.subscribe(welfare_code=code)
        held = await site.ask("GET", f"/api/v1/subscriptions/{made}", headers=bearer(secret))
        assert held.json()["places"][0]["welfare_site"] == care.site_id
        listed = await ward.get(f"/hq/sites?q={care.name}")
        assert "1／2台が使用" in listed.text and code not in listed.text
        name = listed.one("//form[contains(@action, '/code/revoke')]/input[@name='code']").get("value")
        assert (
            await ward.post("/hq/sites/code/revoke", {"code": name})
        ).path == "/hq/sites?done=code_revoked"
        for households in ("", "0", "many"):
            refused = await ward.post("/hq/sites/code", {"site": care.site_id, "households": households})
            assert refused.status == 400 and "使える端末の数" in refused.text
        public = await ward.post("/hq/sites/code", {"site": await school(site), "households": "2"})
        assert public.status == 400 and "福祉避難所ではありません" in public.text
    async with officer(site, "miru", Role.VIEWER) as viewer:
        assert "利用コード" not in (await viewer.get(f"/hq/sites?q={care.name}")).text
        refused = await viewer.post("/hq/sites/code", {"site": care.site_id, "households": "2"})
        assert refused.status == 403


async def test_a_resident_with_a_wrong_code_is_told_so_in_his_language_and_registers_nothing(site: Site):
    answer = await site.ask(
        "POST",
        "/api/v1/subscriptions",
        json=subscription(welfare_code="ACDEFGHJ"),
        headers={"Accept-Language": "en"},
    )
    assert answer.status == 400 and "Code from the ward office" in answer.json()["detail"]
    assert await site.side().subscription_store.count() == 0


async def test_a_visitor_registers_for_today_and_reads_when_it_ends(site: Site):
    made, secret = await site.subscribe(today_only=True)
    held = (await site.ask("GET", f"/api/v1/subscriptions/{made}", headers=bearer(secret))).json()
    until = datetime.fromisoformat(held["places"][0]["until"]).astimezone(JST)
    assert (until.hour, until.minute) == (0, 0)
    assert timedelta(0) < until - site.side().clock.now() <= timedelta(days=1)


async def test_hq_reads_which_sites_are_still_to_be_opened_and_checked(site: Site, kian: Officer):
    assert "開設をお願いする" not in (await kian.get("/hq/hand")).text
    now = site.side().clock.now()
    since = (now + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    await kian.post("/hq/hand/shaken", {"since": since, "reason": "震度6弱"})
    async with officer(site, "shonin", Role.HQ_APPROVER) as shonin:
        await shonin.approve(await kian.submitted(FLOOD_ORDER))

    async def called(title: str) -> set[str]:
        page = await kian.get("/hq/hand")
        found = page.document.xpath(f"//section[h2[contains(., '{title}')]]//li/a/text()")
        return {str(one) for one in found}

    async def until(title: str, name: str, *, there: bool) -> None:
        async with asyncio.timeout(10):  # the moment is read anew once it is a second old
            while (name in await called(title)) is not there:
                await asyncio.sleep(0.1)

    await until("点検をお願いする", "七郷小学校", there=True)
    await kian.post("/hq/sites/facilities", {"site": await school(site), "checked": "yes"})
    await until("点検をお願いする", "七郷小学校", there=False)
    (name, *_) = sorted(await called("開設をお願いする"))
    wanted = next(one.site_id for one in await site.side().sites.all() if one.name == name)
    await kian.post("/hq/sites/report", {"site": wanted, "opening": "open"})
    await until("開設をお願いする", name, there=False)
