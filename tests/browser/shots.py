"""`python -m tests.browser.shots FOLDER`: every page as people meet it, phone and desktop, to be looked at.

Runs the whole service on a data folder of its own, with made-up residents and a push service of the test bed; plays
a tsunami warning where the recorded telegrams are; nothing leaves the machine.

    quiet ─▶ drill ─▶ what was heard (telegrams, late decisions, texts approved beforehand, every other channel)
          └▶ tsunami (drafted, approved, read in four languages) ─▶ recalled
          └▶ flood, levels 3 4 5 ─▶ a phone is told, loses its connection, is redirected ─▶ lifted ─▶ desk, accounts
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

import aiohttp

from tests.bed.answers import UNAVAILABLE
from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.browser.album import DESKTOP, PHONE, Album
from tests.browser.people import APPROVER, DRAFTER, Officer, officer, staff_at_desk
from tests.browser.running import ROOT, RunningService
from tests.browsers import PROGRAMS

ADMIN = "kanri"
ARAHAMA = "?lon=140.9701&lat=38.2221"
LANGS = ("ja", "ja-x-easy", "en", "ne")
TELEGRAM = "jma/official_samples/32-39_11_02_250206_VTSE41.xml"
FLOODS = (("elderly_etc", "荒浜"), ("evacuate", "荒井"), ("emergency_safety", "蒲町"))
DRAWN = "140.955,38.205\n140.985,38.205\n140.985,38.235\n140.955,38.235"
RESIDENTS = 30
SIZES = ("phone", "tablet", "desktop")
CLASSES = ("advisory", "warning", "major_warning")
BROKEN = b"<Report><Control><Title>\xe6\xb4\xa5\xe6\xb3\xa2"
TURN_S = 21.0
HOLD = """
  const config = JSON.parse(document.getElementById("page-config").textContent);
  const registration = await navigator.serviceWorker.getRegistration("/");
  await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: config.vapid });
  const real = performance.now.bind(performance);
  window.skipped_ms = 0;
  performance.now = () => real() + window.skipped_ms;
"""


async def take_all(folder: Path) -> None:
    """Every page, in the order a disaster brings them."""
    data = Path(os.environ.get("BOSAI_SHARED_DATA") or ROOT.parent / "shared" / "data")
    telegram = data / TELEGRAM if (data / TELEGRAM).exists() else None
    with tempfile.TemporaryDirectory() as temp:
        async with PushService() as push, RunningService(Path(temp), push) as service, chromium() as chrome:
            album = Album(chrome, service, folder)
            # A code opens one door: by the time the live side asks, the app shows the next one.
            practising = await officer(chrome, service, DRAFTER, drill=True)
            checking = await officer(chrome, service, APPROVER, drill=True)
            await _quiet(album)
            await _checks(album, push)
            await _people(service, push)
            order = await _drill(album, practising, checking, telegram)
            await _heard(album, practising, checking, Path(temp), order)
            drafter = await officer(chrome, service, DRAFTER)
            approver = await officer(chrome, service, APPROVER)
            await _compose(album, drafter)
            if telegram is not None:
                await service.cli("feed", "replay", "--json", str(telegram))
                await _tsunami(album, drafter, approver)
            await _floods(album, drafter, approver, push)
            await _desk(album)
            await _upkeep(album, approver)


async def _quiet(album: Album) -> None:
    await album.open_pages("01-home-quiet", "/")
    await album.open_pages("01-home-quiet-en", "/?lang=en", person="en", sizes=("phone",))
    await album.open_pages("01-home-dark", "/", sizes=("phone",), dark=True)
    await album.open_pages("01-home-large", "/", sizes=("narrow",), large_text=True)
    await album.open_pages("01-home-no-script", "/", sizes=("phone",), script=False)
    await album.open_pages("02-home-search", "/?q=arahama", sizes=("phone",))
    await album.open_pages("02-home-search-none", "/?q=zzz", sizes=("phone",))
    await album.open_pages("03-place-quiet", f"/{ARAHAMA}")
    await album.open_pages("05-sign-in", "/hq/sign-in")
    await album.open_pages("06-drill-sign-in", "/drill/hq/sign-in", sizes=("desktop",))
    await album.open_pages("07-not-found", "/nowhere", sizes=("phone",))
    await album.open_pages("08-desk-no-link", "/s/AAAAAAAAAAAAAAAAAAAAAA", sizes=("phone",))
    page = await album.browser.new_page(viewport=PHONE)
    await page.goto(f"{album.service.url}/{ARAHAMA}")
    await page.click(css=".map-details summary")
    await page.wait_for_element(css=".map canvas")
    await album.take(page, "03-place-map-phone")
    await page.close()


async def _checks(album: Album, push: PushService) -> None:
    """The self-test as people meet it: before, on its way, arrived, and where it stopped."""
    subscriber = push.make_subscriber()
    await album.open_pages("50-check-first", "/check")
    await album.open_pages("50-check-first-dark", "/check", sizes=("phone",), dark=True)
    await album.open_pages("50-check-no-script", "/check", sizes=("phone",), script=False)
    await album.open_pages("50-check-drill", "/drill/check", sizes=("phone",))
    phone = await _phone(album.browser, album.service, subscriber, "tester")
    await album.take(phone, "51-home-registered-phone")
    push.answer_always(UNAVAILABLE)
    await _hold_check(album, phone, "ja")
    await phone.click(css="[data-start]")
    await phone.wait_for("return document.querySelector('[data-step=sent]').dataset.state === 'doing'")
    await album.take(phone, "52-check-sending-phone")
    await phone.evaluate("window.skipped_ms = 31_000")
    await phone.wait_for("return document.querySelector('[data-verdict=failed]')")
    await album.take(phone, "53-check-unreachable-phone")
    push.answer_normally()
    await push.wait_until(lambda: bool(subscriber.inbox), timeout_s=60)
    for lang in ("ja", "en"):
        await asyncio.sleep(TURN_S)  # one test in twenty seconds
        await _hold_check(album, phone, lang)
        await phone.click(css="[data-start]")
        await phone.wait_for("return document.querySelector('[data-step=arrived]').dataset.state === 'doing'")
        await album.take(phone, f"54-check-accepted-{lang}-phone")
        await phone.evaluate("window.skipped_ms += 31_000")
        await phone.wait_for("return document.querySelector('[data-verdict=failed]')")
        await album.take(phone, f"55-check-not-arrived-{lang}-phone")
        await phone.deliver_push("/", subscriber.inbox[-1].text or "")
        await phone.wait_for("return document.querySelector('[data-verdict=ok], [data-verdict=late]')")
        await album.take(phone, f"56-check-arrived-{lang}-phone")
        await phone.set_viewport(DESKTOP)
        await album.take(phone, f"56-check-arrived-{lang}-desktop")
        await phone.set_viewport(PHONE)
    await phone.goto(f"{album.service.url}/check")
    await phone.click(css="[data-start]")
    await phone.wait_for_element(css="[data-repair]")
    await album.take(phone, "57-check-lost-phone")
    await phone.close()


async def _hold_check(album: Album, phone: Page, lang: str) -> None:
    """The page with the synthetic browser's subscription, which forgets it with the document, and a tab's clock."""
    await phone.goto(f"{album.service.url}/check?lang={lang}")
    await phone.evaluate(HOLD)


async def _people(service: RunningService, push: PushService) -> None:
    """Made-up residents round 荒浜 and 荒井, registered as browsers register."""
    async with aiohttp.ClientSession() as session:
        for number in range(RESIDENTS):
            body = {
                "subscription": push.make_subscriber().info,
                "lang": "ja",
                "places": [
                    {
                        "place_id": "p1",
                        "label": "自宅",
                        "lon": (140.9701, 140.9559)[number % 2] + number * 0.0001,
                        "lat": (38.2221, 38.2336)[number % 2] + number * 0.0001,
                        "persons": 1 + number % 4,
                    }
                ],
            }
            async with session.post(f"{service.url}/api/v1/subscriptions", json=body) as answer:
                assert answer.status == 201, await answer.text()


async def _drill(album: Album, drafter: Officer, approver: Officer, telegram: Path | None) -> str:
    """The drill, and the path of its order."""
    await album.open_pages("04-drill-home", "/drill/")
    if telegram is not None:
        await album.service.cli("feed", "replay", "--drill", "--json", str(telegram))
    await album.open_pages("09-drill-board", "/drill/hq/", person=f"{DRAFTER}-drill")
    path = await drafter.draft(
        hazard="flood", kind="evacuate", zones=["town:若林区/荒浜"], reason="水害の訓練"
    )
    await drafter.submit()
    await album.open_pages("09-drill-approve", f"/drill{path}", person=f"{APPROVER}-drill", sizes=("phone",))
    await approver.approve(path)
    await album.open_pages("09-drill-place-warned", f"/drill/{ARAHAMA}")
    desk = await staff_at_desk(album.browser, album.service, "七郷小学校", drill=True)
    await desk.page.wait_for_text("混み具合")
    await album.take(desk.page, "09-drill-desk-phone")
    return path


async def _heard(album: Album, drafter: Officer, approver: Officer, folder: Path, order: str) -> None:
    """What 気象庁 said, what waits for a decision, the two taps, and the texts of the other channels."""
    broken = folder / "VTSE41_broken.xml"
    broken.write_bytes(BROKEN)
    await album.service.cli("feed", "replay", "--drill", "--json", str(broken), ok=(1,))  # nobody can read it
    who, other = f"{DRAFTER}-drill", f"{APPROVER}-drill"
    await album.open_pages("60-telegrams", "/drill/hq/telegrams", person=who, sizes=SIZES)
    await album.open_pages(
        "60-telegrams-no-script", "/drill/hq/telegrams", person=who, sizes=("phone",), script=False
    )
    await drafter.goto("/hq/telegrams")
    for name, css in (("unreadable", ".unread a.button"), ("one", ".telegram:last-child a.telegram-title")):
        path = await drafter.page.evaluate("return document.querySelector(arg)?.getAttribute('href')", css)
        if path:
            await album.open_pages(f"61-telegram-{name}", str(path), person=who, sizes=SIZES)
    await album.open_pages("62-lag", "/drill/hq/lag", person=who, sizes=SIZES)
    await album.open_pages("63-at-once-never", "/drill/hq/at-once", person=who, sizes=SIZES)
    for one in CLASSES:
        await drafter.goto("/hq/at-once")
        await drafter.page.click(css=f"form[action$='/{one}/ask'] button")
        await drafter.page.wait_for_text("事前承認を求めました")
    await album.open_pages("63-at-once-asked", "/drill/hq/at-once", person=other, sizes=SIZES)
    for one in CLASSES:
        await approver.goto("/hq/at-once")
        words = await approver.page.evaluate(
            "return document.getElementById(arg).textContent.trim()", f"words-{one}"
        )
        await approver.page.fill(str(words), css=f"#typed-{one}")
        await approver.page.click(css=f"form[action$='/{one}/approve'] button")
        await approver.page.wait_for_text("事前承認しました")
    await album.open_pages("63-at-once-ready", "/drill/hq/at-once", person=other, sizes=SIZES)
    await album.open_pages("63-at-once-tap", "/drill/hq/at-once/warning", person=other, sizes=SIZES)
    await album.open_pages("64-channels", f"/drill{order}/channels", person=who, sizes=SIZES)
    await album.open_pages("64-report", f"/drill{order}/channels/report", person=who)


async def _compose(album: Album, drafter: Officer) -> None:
    await drafter.goto("/hq/alerts/new")
    await drafter.page.wait_for("return document.querySelector('#compose').dataset.drawing === 'ready'")
    await album.take(drafter.page, "11-compose-desktop")
    await drafter.page.click(css="#compose > .row button")
    await drafter.page.wait_for_element(css="#trouble")
    await album.take(drafter.page, "12-compose-errors-desktop")
    await drafter.page.click(css="input[name=hazard][value=flood]")
    await drafter.page.fill(DRAWN, css="#drawn")
    await drafter.page.press("Tab")
    await drafter.page.wait_for("return document.getElementById('compose').dataset.drawn")
    await album.take(drafter.page, "12-compose-drawn-desktop")
    await drafter.goto("/hq/alerts/new")
    await drafter.page.click(css="input[value='ward:若林区']")
    await drafter.page.wait_for("return document.getElementById('compose').dataset.shown", timeout_s=30)
    await album.take(drafter.page, "12-compose-ward-desktop")
    await album.open_pages("11-compose", "/hq/alerts/new", person=DRAFTER, sizes=("phone", "tablet"))


async def _tsunami(album: Album, drafter: Officer, approver: Officer) -> None:
    await drafter.goto("/hq/")
    await album.take(drafter.page, "10-board-proposal-desktop")
    path = await drafter.draft_from_proposal("気象庁の大津波警報による")
    await album.take(drafter.page, "13-draft-desktop")
    await drafter.submit()
    await album.open_pages("10-board-pending", "/hq/", person=APPROVER, sizes=("phone",))
    await approver.goto(path)
    await approver.page.wait_for_text("対象の住民")
    await album.take(approver.page, "14-approve-desktop")
    await album.open_pages("14-approve", path, person=APPROVER, sizes=("phone", "tablet"))
    await approver.approve(path)
    await album.take(approver.page, "15-released-desktop")
    for lang in LANGS:
        one = f"reader-{lang}"
        await album.open_pages(f"20-home-warned-{lang}", f"/?lang={lang}", person=one, sizes=("phone",))
        await album.open_pages(f"21-place-warned-{lang}", f"/{ARAHAMA}&lang={lang}", person=one)
    await album.open_pages("21-place-warned-dark", f"/{ARAHAMA}", sizes=("phone",), dark=True)
    await album.open_pages("21-place-warned-large", f"/{ARAHAMA}", sizes=("narrow",), large_text=True)
    await album.open_pages("21-place-warned-no-script", f"/{ARAHAMA}", sizes=("phone",), script=False)
    order = path.rsplit("/", 1)[0]
    await approver.goto(f"{order}/recall")
    await album.take(approver.page, "16-recall-desktop")
    await approver.page.fill("誤って発令したため", css="#reason")
    words = await approver.page.evaluate("return document.querySelector('#words')?.textContent.trim() ?? ''")
    if words:
        await approver.page.fill(str(words), css="#typed")
    await approver.page.click(css="form button.danger")
    await approver.page.wait_for_text("取消済み")
    await album.take(approver.page, "16-recalled-desktop")


async def _floods(album: Album, drafter: Officer, approver: Officer, push: PushService) -> None:
    subscriber = push.make_subscriber()
    phone = await _phone(album.browser, album.service, subscriber)
    paths = []
    for kind, town in FLOODS:
        path = await drafter.draft(
            hazard="flood", kind=kind, zones=[f"town:若林区/{town}"], reason="水位が上がったため"
        )
        await drafter.submit()
        await approver.approve(path)
        paths.append(path)
    await album.open_pages("22-home-floods", "/", sizes=("phone",))
    for name, where in (("3", "140.9701&lat=38.2221"), ("4", "140.9559&lat=38.2336")):
        await album.open_pages(f"23-place-level-{name}", f"/?lon={where}", sizes=("phone",))
    towns = await drafter.page.evaluate(
        "return await (await fetch(arg)).text()", album.service.url + "/?q=蒲町"
    )
    found = str(towns).split('href="/?lon=', 1)[1].split("#", 1)[0].replace("&amp;", "&")
    await album.open_pages("23-place-level-5", f"/?lon={found}", sizes=("phone",))
    await push.wait_until(lambda: bool(subscriber.inbox), timeout_s=20)
    await phone.deliver_push("/", subscriber.inbox[-1].text or "")
    await _told(album, phone)
    await album.open_pages("18-board", "/hq/", person=APPROVER, sizes=("phone", "tablet", "desktop"))
    for name in ("delivery", "delivery/towns", "delivery/persons"):
        await album.open_pages(f"18-{name.replace('/', '-')}", f"/hq/{name}", person=APPROVER)
    lift = await drafter.draft_lift(paths[1].split("/")[3], "水位が下がったため")
    await drafter.submit()
    await album.open_pages("19-lift-approve", lift, person=APPROVER, sizes=("phone",))
    await approver.approve(lift)
    await phone.goto(f"{album.service.url}/advice")
    await phone.wait_for_text("【解除】", timeout_s=20)
    await album.take(phone, "27-advice-lifted-phone")


async def _phone(
    browser: Browser, service: RunningService, subscriber: Subscriber, person: str = "phone"
) -> Page:
    """A phone at 荒井 that is registered; each person has one, and registers once."""
    page = await browser.new_page(person=person, viewport=PHONE)
    await page.allow(service.url, "notifications")
    await page.subscribe_as(subscriber)
    await page.goto(f"{service.url}/?lon=140.9559&lat=38.2336")
    await page.click(css=".notify details summary")
    await page.click(css="[data-save]")
    await page.wait_for_text("登録しました")
    return page


async def _told(album: Album, phone: Page) -> None:
    await phone.goto(f"{album.service.url}/")
    await phone.wait_for_text("どうしますか", timeout_s=20)
    await album.take(phone, "24-home-subscribed-phone")
    await phone.goto(f"{album.service.url}/advice")
    await phone.wait_for_text("どうしますか", timeout_s=20)
    await phone.click(role="button", name="今から向かいます")
    await phone.wait_for_text("伝えました")
    await album.take(phone, "25-advice-phone")
    await phone.evaluate("document.documentElement.style.fontSize = '200%'")
    await phone.set_viewport(PHONE)
    await album.take(phone, "25-advice-large-phone")
    await phone.evaluate("document.documentElement.style.fontSize = ''")
    await phone.set_offline(True)
    await phone.reload()
    await phone.wait_for_text("通信できないため", timeout_s=20)
    await album.take(phone, "25-advice-offline-phone")
    await phone.set_offline(False)
    await phone.reload()
    site = await phone.evaluate(
        "const known = await bosaiStore('live').get('subscription');"
        "const answer = await fetch(`/api/v1/subscriptions/${known.id}/advice`,"
        " {headers: {Authorization: `Bearer ${known.secret}`}});"
        "return (await answer.json()).instruction.destination.name"
    )
    desk = await staff_at_desk(album.browser, album.service, str(site))
    await desk.page.wait_for_text("混み具合")
    await desk.close()
    await phone.wait_for(
        "return fetch('/advice').then(() => document.querySelector('bosai-current')?.refresh())"
        ".then(() => document.body.innerText.includes('行き先変更'))",
        timeout_s=20,
    )
    await album.take(phone, "26-advice-redirected-phone")
    await desk.page.close()


async def _desk(album: Album) -> None:
    link = await album.service.cli("desk", "link", "七郷小学校", "--json")
    page = await album.browser.new_page(person="desk", viewport=PHONE)
    await page.goto(link["url"])
    await album.take(page, "30-desk-pin-phone")
    await page.fill("000000" if link["pin"] != "000000" else "111111", css="input[name=pin]")
    await page.click(css="main form button")
    await page.wait_for_text("暗証番号が違います")
    await album.take(page, "30-desk-wrong-pin-phone")
    await page.fill(link["pin"], css="input[name=pin]")
    await page.click(css="main form button")
    await page.wait_for_text("混み具合")
    await album.take(page, "31-desk-phone")
    await page.click(role="button", name="開設")
    await page.fill("120", css="#present")
    await page.click(css=".exact button")
    await page.wait_for_text("120")
    await album.take(page, "32-desk-reported-phone")
    await page.fill("99999", css="#present")
    await page.click(css=".exact button")
    await page.wait_for_element(css=".form-error")
    await album.take(page, "33-desk-impossible-phone")
    await page.click(role="button", name="使用不可")
    await page.wait_for_text("報告しますか")
    await album.take(page, "34-desk-confirm-phone")


async def _upkeep(album: Album, approver: Officer) -> None:
    await album.open_pages("17-sites", "/hq/sites?q=七郷", person=APPROVER)
    await album.open_pages("17-audit", "/hq/audit", person=APPROVER)
    admin = await officer(album.browser, album.service, ADMIN)
    await admin.goto("/hq/staff")
    await album.take(admin.page, "40-staff-desktop")
    await album.open_pages("18-board-dark", "/hq/", person=APPROVER, sizes=("desktop",), dark=True)
    await approver.page.close()


def main() -> None:
    """Entry point."""
    if not any(shutil.which(program) for program in PROGRAMS["chromium"]):
        sys.exit("chromium is missing: install it (Debian: apt-get install chromium), then run this again.")
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")


if __name__ == "__main__":
    main()
