"""`python -m tests.browser.shots FOLDER`: every page as people meet it, phone and desktop, to be looked at.

Runs the whole service on a data folder of its own, plays a tsunami warning when the recorded telegrams are there,
and drafts a flood order; nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.bed.browser import Browser
from tests.bed.chromium import chromium
from tests.bed.page import Page, Viewport
from tests.bed.push_service import PushService
from tests.browser.people import APPROVER, DRAFTER, officer, staff_at_desk
from tests.browser.running import ROOT, RunningService

PHONE = Viewport(width=360, height=780)
TABLET = Viewport(width=820, height=1100)
DESKTOP = Viewport(width=1280, height=900)
WIDTHS = {"phone": PHONE, "desktop": DESKTOP}
ARAHAMA = "?lon=140.9701&lat=38.2221"
LANGS = ("ja", "ja-x-easy", "en", "ne")
TELEGRAM = "jma/official_samples/32-39_11_02_250206_VTSE41.xml"


class Album:
    """Takes pictures of pages into one folder."""

    def __init__(self, browser: Browser, service: RunningService, folder: Path) -> None:
        self.browser, self.service, self.folder = browser, service, folder

    async def open_pages(
        self, name: str, path: str, *, person: str = "", sizes: tuple[str, ...] = ("phone", "desktop")
    ) -> None:
        """One picture of `path` per size."""
        for size in sizes:
            page = await self.browser.new_page(person=person, viewport=WIDTHS[size])
            await page.goto(self.service.url + path)
            await self.take(page, f"{name}-{size}")
            await page.close()

    async def take(self, page: Page, name: str) -> None:
        """The whole page as it stands, once its map and its script have settled."""
        await page.wait_for("return document.readyState === 'complete'")
        await asyncio.sleep(0.7)
        await page.screenshot(self.folder / f"{name}.png", full_page=True)


async def take_all(folder: Path) -> None:
    """Every page, in the order a disaster brings them."""
    data = Path(os.environ.get("BOSAI_SHARED_DATA") or ROOT.parent / "shared" / "data")
    at = datetime(2011, 3, 11, 5, 50, 20, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as temp:
        async with (
            PushService() as push,
            RunningService(Path(temp), push, clock_at=at) as service,
            chromium() as chrome,
        ):
            album = Album(chrome, service, folder)
            await _quiet(album)
            if (data / TELEGRAM).exists():
                await service.cli("feed", "replay", "--json", str(data / TELEGRAM))
            await _released(album, has_proposal=(data / TELEGRAM).exists())


async def _quiet(album: Album) -> None:
    await album.open_pages("01-home-quiet", "/")
    await album.open_pages("02-home-search", "/?q=arahama", sizes=("phone",))
    await album.open_pages("03-place-quiet", f"/{ARAHAMA}")
    await album.open_pages("04-drill-home", "/drill/")
    await album.open_pages("05-sign-in", "/hq/sign-in")
    await album.open_pages("06-drill-sign-in", "/drill/hq/sign-in", sizes=("desktop",))
    await album.open_pages("07-not-found", "/nowhere", sizes=("phone",))
    await album.open_pages("08-desk-no-link", "/s/AAAAAAAAAAAAAAAAAAAAAA", sizes=("phone",))


async def _released(album: Album, *, has_proposal: bool) -> None:
    drafter = await officer(album.browser, album.service, DRAFTER)
    await drafter.goto("/hq/")
    await album.take(drafter.page, "10-board-desktop")
    await drafter.goto("/hq/alerts/new")
    await album.take(drafter.page, "11-compose-desktop")
    await drafter.page.click(css="#compose > .row button")
    await album.take(drafter.page, "12-compose-errors-desktop")
    if has_proposal:
        path = await drafter.draft_from_proposal("気象庁の大津波警報による")
    else:
        path = await drafter.draft(
            hazard="flood", kind="evacuate", zones=["town:若林区/荒浜"], reason="水位が上がったため"
        )
    await album.take(drafter.page, "13-draft-desktop")
    await drafter.submit()
    approver = await officer(album.browser, album.service, APPROVER)
    await approver.goto(path)
    await album.take(approver.page, "14-approve-desktop")
    await album.open_pages("14-approve", approver.prefix + path, person=APPROVER, sizes=("phone",))
    await approver.approve(path)
    await album.take(approver.page, "15-released-desktop")
    for lang in LANGS:
        await album.open_pages(
            f"20-home-warned-{lang}", f"/?lang={lang}", person=f"reader-{lang}", sizes=("phone",)
        )
        await album.open_pages(f"21-place-warned-{lang}", f"/{ARAHAMA}&lang={lang}", person=f"reader-{lang}")
    for name, place in (
        ("recall", f"{path.rsplit('/', 1)[0]}/recall"),
        ("lift", f"{path.rsplit('/', 1)[0]}/lift"),
    ):
        await approver.goto(place)
        await album.take(approver.page, f"16-{name}-desktop")
    for name, place in (("sites", "/hq/sites"), ("audit", "/hq/audit"), ("board-after", "/hq/")):
        await approver.goto(place)
        await album.take(approver.page, f"17-{name}-desktop")
    await album.open_pages("18-board", "/hq/", person=APPROVER, sizes=("phone",))
    desk = await staff_at_desk(album.browser, album.service, "七郷小学校")
    await desk.page.wait_for_text("七郷小学校")
    await album.take(desk.page, "30-desk-phone")


def main() -> None:
    """Entry point."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")


if __name__ == "__main__":
    main()
