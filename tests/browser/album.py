"""Pictures of pages: how wide, how dark, how large the letters are, and with or without script."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bed.browser import Browser
from tests.bed.page import Page, Viewport
from tests.browser.running import RunningService

PHONE = Viewport(width=360, height=780)
NARROW = Viewport(width=320, height=640)
TABLET = Viewport(width=820, height=1100)
DESKTOP = Viewport(width=1280, height=900)
WIDTHS = {"phone": PHONE, "narrow": NARROW, "tablet": TABLET, "desktop": DESKTOP}
SETTLED_S = 0.7  # maps and fonts draw on after the last request; a picture is no test


class Album:
    """Takes pictures of pages into one folder."""

    def __init__(self, browser: Browser, service: RunningService, folder: Path) -> None:
        self.browser, self.service, self.folder = browser, service, folder

    async def open_pages(
        self,
        name: str,
        path: str,
        *,
        person: str = "",
        sizes: tuple[str, ...] = ("phone", "desktop"),
        dark: bool = False,
        large_text: bool = False,
        script: bool = True,
    ) -> None:
        """One picture of `path` per size. `large_text` doubles the letters, as a browser's setting does."""
        for size in sizes:
            page = await self.browser.new_page(person=person, viewport=WIDTHS[size], java_script=script)
            if dark:
                await page.prefer_dark()
            await page.goto(self.service.url + path)
            if large_text:
                await page.evaluate("document.documentElement.style.fontSize = '200%'")
            await self.take(page, f"{name}-{size}", settled=script)
            await page.close()

    async def take(self, page: Page, name: str, *, settled: bool = True) -> None:
        """The whole page as it stands, once its map and its script have settled."""
        if settled:
            await page.wait_for("return document.readyState === 'complete'")
        await asyncio.sleep(SETTLED_S)
        await page.screenshot(self.folder / f"{name}.png", full_page=True)
