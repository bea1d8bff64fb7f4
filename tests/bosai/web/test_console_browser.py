"""The console and the desk in a real Chromium: without script, by keyboard, drawing on the map, with the line cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from shapely import Point

from bosai.model.alert import OrderKind
from bosai.model.geometry import from_e7
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.staff import NewAccount
from bosai.stores.site_failures import Move, SiteFailure, SiteFailures
from shelters.model import Facet, Opening
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bosai.web.officers import FLOOD_ORDER, Officer, fresh_code, in_force, no_planner, officer
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WIDE, TABLET, PHONE = (Viewport(width=width, height=800) for width in (1280, 820, 360))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    browser = chromium()
    browser.start()
    try:
        yield browser
    finally:
        browser.stop()


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> NewAccount:
    return await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)


@pytest.fixture
async def shonin(site: Site) -> NewAccount:
    return await site.side().staff.add("test", "shonin", Role.HQ_APPROVER)


_people = iter(range(10_000))


async def signed_in(
    chrome: Browser, site: Site, account: NewAccount, *, viewport: Viewport = WIDE, java_script: bool = True
) -> Page:
    page = await chrome.new_page(
        person=f"{account.name}-{next(_people)}", viewport=viewport, java_script=java_script
    )
    await page.goto(site.url + "/hq/")
    await page.fill(account.name, css="#name")
    await page.fill(account.password, css="#password")
    await page.fill(fresh_code(site, account), css="#code")
    await page.click(css="main form button")
    await page.wait_for_text("システムの状態")
    return page


async def test_an_order_is_drafted_and_approved_without_script(
    chrome: Browser, site: Site, kian: NewAccount, shonin: NewAccount
) -> None:
    page = await signed_in(chrome, site, kian, java_script=False)
    await page.click(text="下書きを作る")
    await page.click(css="input[name=hazard][value=landslide]")
    await page.click(css="input[name=kind][value=evacuate]")
    await page.fill("140.80, 38.25\n140.82, 38.25\n140.82, 38.27", css="#drawn")
    await page.fill("八木山の土砂災害警戒区域", css="#area_name")
    await page.fill("土砂キキクルが危険に達したため", css="#reason")
    await page.click(text="下書きを保存して内容を確かめる")
    await page.click(role="button", name="承認を求める")
    await page.wait_for_text("承認できません")
    path = (await page.url()).split("?")[0]

    second = await signed_in(chrome, site, shonin, viewport=PHONE, java_script=False)
    await second.goto(path)
    await second.fill("土砂災害 警戒レベル4 避難指示 八木山の土砂災害警戒区域", css="#typed")
    await second.click(css="button.approve")
    await second.wait_for_text("配信を始めています")
    released = (await in_force(site))[0].alert
    assert released.area.names == ("八木山の土砂災害警戒区域",)
    await page.close()
    await second.close()


async def test_only_the_keyboard_is_needed(chrome: Browser, site: Site, kian: NewAccount) -> None:
    page = await signed_in(chrome, site, kian)
    await page.goto(site.url + "/hq/alerts/new")
    await page.wait_for("return document.getElementById('compose').dataset.drawing === 'ready'", timeout_s=30)

    async def focus(css: str) -> None:
        """By Tab, as a person without a mouse gets there."""
        for _ in range(200):
            if await page.evaluate("return document.activeElement.matches(arg)", css):
                return
            await page.press("Tab")
        raise AssertionError(f"{css} is not reached by Tab")

    await focus("input[name=hazard]")
    for _ in range(8):
        if await page.evaluate("return document.activeElement.value === 'tsunami'"):
            break
        await page.press("ArrowDown")
    await page.press("Space")
    await focus("input[name=kind][value=tsunami_evacuation]")
    await page.press("Space")
    assert await page.evaluate("return document.querySelector('#by-level4').hidden"), "no levels there"
    await focus("input[name=tsunami_class]")
    await page.press("Space")
    await focus("input[name=zone][value='tsunami:area1']")
    await page.press("Space")
    await focus("#reason")
    await page.type("keyboard")
    await focus("#compose > .row button")
    await page.press("Enter")
    await page.wait_for_element(css="form[action$='/submit']")
    drafted = (await site.side().alerts.working())[0].alert
    assert (drafted.kind, drafted.area.zone_keys) == (OrderKind.TSUNAMI_EVACUATION, ("tsunami:area1",))
    await page.close()


async def test_the_form_offers_legal_pairs_only(chrome: Browser, site: Site, kian: NewAccount) -> None:
    page = await signed_in(chrome, site, kian)
    await page.goto(site.url + "/hq/alerts/new")
    offered = (
        "return [...document.querySelectorAll('[data-kind]')].filter((one) => one.offsetParent)"
        ".map((one) => one.dataset.kind).join()"
    )
    assert await page.evaluate(offered) == ""
    for hazard, kinds in (
        ("tsunami", "tsunami_evacuation,notice"),
        ("earthquake", "evacuate,notice"),
        ("flood", "elderly_etc,evacuate,emergency_safety,notice"),
    ):
        await page.click(css=f"input[name=hazard][value={hazard}]")
        assert await page.evaluate(offered) == kinds
    await page.fill("あらは", css="#town-filter")
    shown = "return [...document.querySelectorAll('[data-words]')].filter((one) => one.offsetParent).length"
    assert 0 < await page.evaluate(shown) < 10
    await page.close()


async def test_an_area_drawn_on_the_map_becomes_the_area_of_the_order(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    page = await signed_in(chrome, site, kian)
    await page.goto(site.url + "/hq/alerts/new")
    await page.wait_for("return document.getElementById('compose').dataset.drawing === 'ready'", timeout_s=30)
    await page.click(css="#draw-start")
    box = await page.evaluate(
        "const map = document.getElementById('map'); map.scrollIntoView({block: 'center'});"
        "const box = map.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    ring = [(-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60)]
    for dx, dy in ring:
        await page.click_at(box[0] + dx, box[1] + dy)
        await asyncio.sleep(0.4)  # two clicks within a moment are a double click, which closes the figure
    drawn = json.loads(await page.wait_for("return document.getElementById('drawn').value"))
    assert len(drawn["coordinates"][0][0]) == 5
    await page.click(css="input[name=hazard][value=flood]")
    await page.click(css="input[name=kind][value=evacuate]")
    await page.fill("市の中ほど", css="#area_name")
    await page.fill("水位", css="#reason")
    await page.click(css="#compose > .row button")
    await page.wait_for_element(css="form[action$='/submit']")
    area = (await site.side().alerts.working())[0].alert.area
    west, south, east, north = site.settings.city.bbox_lonlat
    assert from_e7(area.polygons_e7_lonlat).contains(Point((west + east) / 2, (south + north) / 2))
    assert not [one for one in page.errors if "favicon" not in one and "404" not in one]
    await page.close()


async def test_the_board_freshens_by_itself_and_says_when_it_is_cut_off(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    page = await signed_in(chrome, site, kian)
    await page.wait_for_text("承認待ちはありません")
    async with officer(site, "futari", Role.HQ_DRAFTER) as second:
        await second.submitted(FLOOD_ORDER)
    await page.wait_for_text("提出", timeout_s=20)
    await page.set_offline(True)
    await page.wait_for_text("サーバーとつながりません", timeout_s=30)
    await page.set_offline(False)
    await page.wait_for("return document.getElementById('lost').hidden", timeout_s=30)
    await page.close()


@pytest.mark.parametrize("viewport", [WIDE, TABLET, PHONE], ids=["1280", "820", "360"])
async def test_pages_pass_the_accessibility_rules_and_fit_the_screen(
    chrome: Browser, site: Site, kian: NewAccount, viewport: Viewport
) -> None:
    async with (
        officer(site, "shonin", Role.HQ_APPROVER) as approver,
        officer(site, "futari", Role.HQ_DRAFTER) as second,
    ):
        pending = await second.submitted(FLOOD_ORDER)
        released = await _released(second, approver)
    page = await signed_in(chrome, site, kian, viewport=viewport)
    order = released.rpartition("/")[0]
    for path in (
        "/hq/",
        "/hq/alerts/new",
        pending,
        released,
        order + "/lift",
        order + "/recall",
        "/hq/sites",
        "/hq/audit",
    ):
        await page.goto(site.url + path)
        found = await page.axe("wcag2a", "wcag2aa")
        assert [(one["id"], one["nodes"]) for one in found] == [], path
        wider = await page.evaluate("return document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, path
    await page.close()


async def _released(drafter: Officer, approver: Officer) -> str:
    path = await drafter.submitted(FLOOD_ORDER | {"zone": ["town:若林区/荒浜"]})
    await approver.approve(path)
    return path


# ---- the desk --------------------------------------------------------------------------------------


async def desk(chrome: Browser, site: Site, *, java_script: bool = True) -> tuple[Page, str]:
    place = next(one for one in await site.side().sites.all() if one.name == "七郷小学校")
    access = await site.side().desks.link("test", place.site_id)
    page = await chrome.new_page(person=f"desk-{next(_people)}", viewport=PHONE, java_script=java_script)
    await page.goto(site.url + access.path)
    await page.fill(access.pin, css="#pin")
    await page.click(css="main form button")
    await page.wait_for_text("変わりなし")
    return page, place.site_id


async def test_boxes_of_the_desk_stay_ticked_while_something_else_is_reported_and_all_of_them_arrive(
    chrome: Browser, site: Site
) -> None:
    page, site_id = await desk(chrome, site)
    for name in ("lost_power", "lost_pets"):
        await page.click(css=f"input[name='{name}']")
    await page.click(css="button[value='5']")
    await page.wait_for_text("報告しました")
    boxes = "[...document.querySelectorAll('.facilities [type=checkbox]:checked')]"
    ticked = f"return {boxes}.map((one) => one.name).join()"
    assert await page.evaluate(ticked) == "lost_power,lost_pets"
    await page.click(css=".facilities button")
    async with asyncio.timeout(10):
        while (await site.side().sites.status(site_id)).outages != Facet.POWER | Facet.PETS:
            await asyncio.sleep(0.05)
    assert (await site.side().sites.status(site_id)).present_persons == 5


async def test_taps_at_the_desk_count_at_once_and_are_sent_together(chrome: Browser, site: Site) -> None:
    page, site_id = await desk(chrome, site)
    for step in (5, 5, 1, -1, 5):
        await page.click(css=f"button[value='{step}']")
    assert await page.evaluate("return document.getElementById('count').textContent") == "15"
    await page.wait_for_text("報告しました")
    assert (await site.side().sites.status(site_id)).present_persons == 15
    assert await page.axe("wcag2a", "wcag2aa") == []
    small = await page.evaluate(
        "return [...document.querySelectorAll('button, input')].filter((one) => one.type !== 'hidden')"
        ".filter((one) => one.getBoundingClientRect().height < 44).length"
    )
    assert small == 0
    await page.close()


async def test_a_report_without_signal_is_kept_and_sent_once(chrome: Browser, site: Site) -> None:
    page, site_id = await desk(chrome, site)
    await page.set_offline(True)
    await page.click(css="button[value='5']")
    await page.wait_for_text("まだ送れていません", timeout_s=20)
    assert (await site.side().sites.status(site_id)).present_persons is None
    await page.set_offline(False)
    await page.wait_for_text("報告しました", timeout_s=20)
    assert (await site.side().sites.status(site_id)).present_persons == 5
    await page.close()


SLOW_CLOCK = """
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) { given.length ? super(...given) : super(Real.now() - 3_600_000); }
  static now() { return Real.now() - 3_600_000; }
};
return new Date().getTime() < Real.now() - 3_000_000;
"""


async def test_a_phone_whose_clock_is_an_hour_slow_can_still_close_its_site(
    chrome: Browser, site: Site
) -> None:
    page, site_id = await desk(chrome, site)
    await page.click(css="button[name='opening'][value='open']")
    await page.wait_for_text("報告しました")
    assert await page.evaluate(SLOW_CLOCK)
    await page.click(css="button[name='opening'][value='closed']")
    async with asyncio.timeout(10):
        while (await site.side().sites.status(site_id)).opening is not Opening.CLOSED:
            await asyncio.sleep(0.05)
    await page.close()


async def test_the_desk_fits_a_small_phone_with_letters_twice_as_large(chrome: Browser, site: Site) -> None:
    page, _ = await desk(chrome, site)
    await page.set_viewport(Viewport(width=320, height=640))
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0
    await page.close()


async def test_the_desk_works_without_script(chrome: Browser, site: Site) -> None:
    page, site_id = await desk(chrome, site, java_script=False)
    await page.click(css="button[value='5']")
    await page.wait_for_text("報告しました")
    await page.click(role="button", name="使用不可")
    await page.click(role="button", name="使用不可を報告する")
    await page.wait_for_text("報告しました")
    status = await site.side().sites.status(site_id)
    assert (status.opening, status.present_persons) == (Opening.UNUSABLE, 5)
    await page.close()


async def test_the_hand_is_laid_on_and_lifted_without_script(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    page = await signed_in(chrome, site, kian, java_script=False)
    await page.goto(site.url + "/hq/hand")
    await page.fill("混乱を避けるため", css="#pause-reason")
    await page.click(css="#pause button")
    await page.wait_for_text("行き先の調整を加えました")
    assert (await site.side().hand.hand()).redirects_paused == "混乱を避けるため"
    await page.click(css=".hand-line summary")
    await page.fill("落ち着いた", css=".hand-line input[name='reason']")
    await page.click(css=".hand-line button")
    await page.wait_for_text("調整はありません")
    assert await site.side().hand.entries() == ()
    await page.close()


async def test_letters_twice_as_large_fit_a_small_phone_and_no_figure_is_broken(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    (school,) = [one for one in await site.side().sites.all() if one.name == "七郷小学校"]
    failure = SiteFailure(
        site_id=school.site_id,
        name=school.name,
        at=site.side().clock.now(),
        inside=80,
        inside_with_phone=20,
        on_their_way=55,
        moves=(Move(site_id="x", name="七郷中学校", persons=135, inside=80),),
    )
    await SiteFailures(site.opened.redis, Realm.LIVE).write([failure])
    page = await signed_in(chrome, site, kian, viewport=Viewport(width=320, height=640))
    await page.goto(site.url + "/hq/hand")
    await page.fill("混乱を避けるため", css="#pause-reason")
    await page.click(css="#pause button")
    await page.wait_for_text("行き先の調整を加えました")
    await page.evaluate(
        "document.documentElement.style.fontSize = '200%';"
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    assert await page.evaluate("return document.documentElement.scrollWidth - innerWidth") <= 0
    broken = await page.evaluate(
        "return [...document.querySelectorAll('.figures strong')]"
        ".filter((one) => one.getClientRects().length > 1).map((one) => one.textContent)"
    )
    assert broken == []
    await page.close()


async def test_the_page_of_the_hand_is_accessible_on_a_phone(
    chrome: Browser, site: Site, kian: NewAccount
) -> None:
    page = await signed_in(chrome, site, kian, viewport=PHONE)
    await page.goto(site.url + "/hq/hand")
    assert await page.axe("wcag2a", "wcag2aa") == []
    assert await page.evaluate("return document.documentElement.scrollWidth <= innerWidth")
    await page.close()
