"""The shelter desk over HTTP: a link and a PIN open one site; what is pressed is what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bosai.model.realm import Realm
from bosai.services.desks import DeskAccess
from bosai.stores.keys import Keys
from bosai.stores.site_failures import Move, SiteFailure, SiteFailures
from bosai.web.base import OPENED
from shelters.model import Facet, Opening, Site, SiteStatus
from tests.bosai.web.officers import Officer, Shown, visitor
from tests.bosai.web.running import Site as Running
from tests.bosai.web.running import running
from tests.redis_server import PrivateRedis


@dataclass
class Phone:
    """A phone with the link of one site."""

    browser: Officer
    access: DeskAccess
    place: Site
    site: Running

    @property
    def path(self) -> str:
        return self.access.path

    async def enter(self) -> Shown:
        return await self.browser.post(self.path + "/pin", {"pin": self.access.pin})

    async def report(self, **fields: str) -> Shown:
        return await self.browser.post(self.path + "/report", fields)

    async def status(self) -> SiteStatus:
        return await self.site.side().sites.status(self.place.site_id)


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        yield found


@pytest.fixture
async def stranger(site: Running) -> AsyncIterator[Phone]:
    """Has the link, has not given the PIN."""
    place = next(one for one in await site.side().sites.all() if one.name == "七郷小学校")
    async with visitor(site) as browser:
        yield Phone(browser, await site.side().desks.link("test", place.site_id), place, site)


@pytest.fixture
async def phone(stranger: Phone) -> Phone:
    page = await stranger.enter()
    assert page.status == 200
    return stranger


async def test_the_pin_page_never_says_which_site(stranger: Phone) -> None:
    for page in (
        await stranger.browser.get(stranger.path),
        await stranger.browser.post(stranger.path + "/pin", {"pin": "000000"}),
    ):
        assert stranger.place.name not in page.body
        assert stranger.place.site_id not in page.body
        assert page.one("//input[@name='pin']") is not None


async def test_five_wrong_pins_lock_the_link_even_for_the_right_one(stranger: Phone) -> None:
    wrong = "000001" if stranger.access.pin == "000000" else "000000"
    for _ in range(5):
        page = await stranger.browser.post(stranger.path + "/pin", {"pin": wrong})
        assert page.status == 403
    page = await stranger.enter()
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    assert stranger.place.name not in page.body


async def test_the_right_pin_opens_this_link_on_this_phone_only(stranger: Phone, site: Running) -> None:
    answer = await stranger.browser.post(
        stranger.path + "/pin", {"pin": " ".join(stranger.access.pin)}, follow=False
    )
    cookie = answer.headers["Set-Cookie"]
    assert f"Path={stranger.path}" in cookie
    assert "HttpOnly" in cookie
    page = await stranger.browser.get(stranger.path)
    assert stranger.place.name in page.text
    async with visitor(site) as other:
        assert stranger.place.name not in (await other.get(stranger.path)).body
    value = cookie.split(";")[0].partition("=")[2]
    elsewhere = (await site.side().sites.all())[0]
    second = await site.side().desks.link("test", elsewhere.site_id)
    asked = await site.ask("GET", second.path + "/panel", headers={"Cookie": f"bosai_desk={value}"})
    assert asked.status == 401


async def test_full_width_digits_are_digits(stranger: Phone) -> None:
    wide = stranger.access.pin.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    page = await stranger.browser.post(stranger.path + "/pin", {"pin": wide})
    assert stranger.place.name in page.text


async def test_an_unknown_or_ended_link_says_what_to_do(stranger: Phone, site: Running) -> None:
    page = await stranger.browser.get("/s/no-such-link")
    assert page.status == 404
    assert "災害対策本部に" in page.text
    await stranger.enter()
    await site.side().desks.link("test", stranger.place.site_id)  # HQ makes a new one
    assert (await stranger.browser.get(stranger.path)).status == 404
    assert (await stranger.report(opening="closed")).status == 404
    assert (await stranger.status()).opening is None


@pytest.mark.parametrize("opening", [Opening.EXPECTED, Opening.OPEN, Opening.CLOSED])
async def test_a_state_is_reported_with_one_press_and_the_planner_hears(
    phone: Phone, site: Running, opening: Opening
) -> None:
    page = await phone.report(opening=opening.value)
    assert "報告しました" in page.text
    assert (await phone.status()).opening is opening
    assert page.one("//button[@name='opening'][@aria-pressed='true']").get("value") == opening.value
    events = await site.opened.redis.xrevrange(Keys(Realm.LIVE).events, count=1)
    assert events[0][1][b"subject"].decode() == phone.place.site_id


async def test_unusable_is_asked_about_first(phone: Phone) -> None:
    page = await phone.report(opening="unusable")
    assert "「使用不可」を報告しますか" in page.text
    assert (await phone.status()).opening is None
    await phone.report(opening="unusable", confirmed="yes")
    assert (await phone.status()).opening is Opening.UNUSABLE


async def test_always_open_is_a_fact_of_the_place_and_cannot_be_reported(phone: Phone) -> None:
    assert (await phone.report(opening="always")).status == 400
    assert (await phone.status()).opening is None


async def test_heads_are_counted_up_and_down_never_below_nobody(phone: Phone) -> None:
    for step, count in (("5", 5), ("1", 6), ("-1", 5), ("-5", 0), ("-5", 0)):
        await phone.report(delta=step)
        assert (await phone.status()).present_persons == count
    assert (await phone.report(delta="100000000")).status == 400


async def test_two_phones_at_one_door_add_up(phone: Phone, site: Running) -> None:
    async with visitor(site) as browser:
        other = Phone(browser, phone.access, phone.place, site)
        await other.enter()
        for one in (phone, other, phone, other):
            await one.report(delta="5")
    assert (await phone.status()).present_persons == 20


async def test_a_number_is_reported_as_typed(phone: Phone) -> None:
    await phone.report(present_persons="１２３")
    assert (await phone.status()).present_persons == 123
    for bad in ("", "たくさん", "-3", "1e3", "99999999"):
        page = await phone.report(present_persons=bad)
        assert page.status == 400
        assert "報告できませんでした" in page.text
    assert (await phone.status()).present_persons == 123


async def test_an_impossible_number_waits_until_it_is_said_again(phone: Phone) -> None:
    page = await phone.report(present_persons="5000")
    assert page.status == 400
    assert (await phone.status()).present_persons is None
    page = await phone.report(present_persons="5000")
    assert page.status == 200
    assert (await phone.status()).present_persons == 5000


async def test_nothing_changed_renews_the_age_and_says_nothing_new(phone: Phone, site: Running) -> None:
    assert (await phone.report(same="yes")).status == 400  # nobody has said anything yet
    await phone.report(opening="open")
    await phone.report(present_persons="40")
    before = await phone.status()
    page = await phone.report(same="yes")
    after = await phone.status()
    assert "「変わりなし」を報告しました" in page.text
    assert (after.opening, after.present_persons) == (Opening.OPEN, 40)
    assert before.present_at is not None
    assert after.present_at is not None
    assert after.present_at > before.present_at


async def test_the_last_report_can_be_taken_back(phone: Phone) -> None:
    await phone.report(crowding="some")
    await phone.report(crowding="full")
    page = await phone.browser.post(phone.path + "/undo")
    assert "取り消しました" in page.text
    assert (await phone.status()).crowding == "some"


async def test_a_report_sent_late_counts_from_when_it_was_so(phone: Phone, site: Running) -> None:
    now = site.side().clock.now()
    await phone.report(present_persons="30", event_at=(now - timedelta(minutes=5)).isoformat())
    await phone.report(present_persons="10", event_at=(now - timedelta(minutes=50)).isoformat())
    assert (await phone.status()).present_persons == 30
    assert (await phone.report(present_persons="10", event_at="さっき")).status == 400


async def test_a_phone_says_how_long_ago_it_was_so_and_its_own_clock_does_not_matter(
    phone: Phone, site: Running
) -> None:
    """A phone an hour slow that told its time could not close a site: its report would be older than what is known."""
    await phone.report(opening="open", age_s="0")
    await phone.report(opening="closed", age_s="0.0")
    assert (await phone.status()).opening is Opening.CLOSED
    await phone.report(present_persons="30", age_s="0")
    await phone.report(present_persons="10", age_s="3000")
    assert (await phone.status()).present_persons == 30
    for bad in ("-1", "nan", "inf", "1e9", "さっき"):
        page = await phone.report(present_persons="10", age_s=bad)
        assert (page.status, "報告の時刻" in page.text) == (400, True), bad


async def test_the_script_gets_the_panel_alone_and_refusals_as_problem_documents(phone: Phone) -> None:
    panel = await phone.browser.post(phone.path + "/report", {"delta": "5"}, as_program=True)
    assert panel.status == 200
    assert "<html" not in panel.body
    assert panel.one("//*[@id='count']").get("data-count") == "5"
    answer = await phone.browser.post(phone.path + "/report", {"present_persons": "x"}, as_program=True)
    assert (answer.status, '"present_persons"' in answer.body) == (400, True)
    async with phone.browser.client.post(
        phone.site.url + phone.path + "/report",
        data={"present_persons": "5000"},
        headers={"X-Bosai-Part": "panel", "Origin": phone.site.url},
    ) as refused:
        assert refused.status == 400
        assert "5000人は収容の2倍を超えます" in await refused.text()
    await phone.browser.post(phone.path + "/leave")
    assert (await phone.browser.get(phone.path + "/panel", as_program=True)).status == 401


async def test_many_presses_at_once_lose_none_of_their_reports(phone: Phone) -> None:
    pages = await asyncio.gather(*(phone.report(crowding=one) for one in ("room", "some", "crowded", "full")))
    assert [one.status for one in pages] == [200] * 4


async def test_a_desk_of_the_drill_side_never_speaks_for_the_live_side(site: Running) -> None:
    place = (await site.side().sites.all())[0]
    access = await site.side(Realm.DRILL).desks.link("test", place.site_id)
    async with visitor(site, Realm.DRILL) as browser:
        page = await browser.post(access.path + "/pin", {"pin": access.pin})
        assert "【訓練】" in page.text
        await browser.post(access.path + "/report", {"opening": "closed"})
    assert (await site.side(Realm.DRILL).sites.status(place.site_id)).opening is Opening.CLOSED
    assert (await site.side().sites.status(place.site_id)).opening is None
    async with visitor(site) as browser:
        assert (await browser.get(access.path)).status == 404


async def test_what_does_not_work_and_the_building_check_are_said_with_boxes(phone: Phone):
    page = await phone.browser.post(
        phone.path + "/report",
        {"facilities": "yes", "lost_power": "yes", "lost_step_free": "yes", "checked": "yes"},
    )
    assert page.status == 200 and lost(page) == ["lost_power", "lost_step_free"]
    status = await phone.status()
    assert status.outages == Facet.POWER | Facet.STEP_FREE and status.checked_at is not None
    assert page.checked("checked") == [""] and "点検済み" in page.text
    mended = await phone.browser.post(phone.path + "/report", {"facilities": "yes", "checked": "no"})
    assert lost(mended) == [] and "点検の報告なし" in mended.text
    assert (await phone.status()).checked_at is None
    wrong = await phone.browser.post(phone.path + "/report", {"facilities": "yes", "checked": "maybe"})
    assert wrong.status == 400 and "建物の点検" in wrong.text


async def test_reporting_a_power_cut_does_not_report_an_old_building_check_anew(phone: Phone):
    page = await phone.browser.post(phone.path + "/report", {"facilities": "yes", "checked": "yes"})
    before = (await phone.status()).checked_at
    assert before is not None
    preset = page.checked("checked")
    assert len(preset) == 1
    sent = {"facilities": "yes", "lost_power": "yes", "checked": preset[0]}
    await phone.browser.post(phone.path + "/report", sent)
    status = await phone.status()
    assert status.outages == Facet.POWER and status.checked_at == before


def lost(page: Shown) -> list[str]:
    return [str(one) for one in page.document.xpath("//input[@type='checkbox'][@checked]/@name")]


async def test_staff_of_an_unusable_site_read_what_to_say_to_the_people_inside(phone: Phone):
    page = await phone.report(opening="unusable", confirmed="yes")
    assert "行き先の計画ができると" in page.text
    failure = SiteFailure(
        site_id=phone.place.site_id,
        name=phone.place.name,
        at=phone.site.side().clock.now(),
        inside=80,
        inside_with_phone=20,
        on_their_way=37,
        moves=(
            Move(site_id="x", name="七郷中学校", persons=110, inside=80, without_seat=12),
            Move(site_id="y", name="高砂中学校", persons=7),  # all of them on their way
        ),
        without_site=7,
        say="七郷中学校へ 移ってください",
    )
    await SiteFailures(phone.site.app[OPENED].redis, Realm.LIVE).write([failure])
    page = await phone.browser.get(phone.path)
    told = " ".join(page.one("//section[contains(@class, 'failure')]").text_content().split())
    assert "七郷中学校へ 移ってください" in told and "七郷中学校へ 80人" in told and "高砂" not in told
    assert "行き先の席が足りません" in told and "案内できない人が7人" in told
