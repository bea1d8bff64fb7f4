"""A real browser under the test's control, and its pages.

A `Browser` belongs to no event loop: a session fixture may `start()` and `stop()` it, and every test await it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.bed.driver import BrowserFailed, Driver
from tests.bed.page import WAIT_S, Page, Viewport

ROOT = Path(__file__).resolve().parents[2]
START_S = 40.0


class Browser:
    """One browser process, made by `firefox()` or `chromium()`: `async with`, or `start()` and `stop()`.

    profile: the folder that outlives the browser; without one, a temporary folder that does not.
    """

    def __init__(
        self,
        *,
        kind: str,
        program: Path,
        arguments: list[str],
        preferences: dict[str, str | int | bool],
        profile: Path | None,
    ) -> None:
        self.kind = kind
        self.version = ""
        self._program, self._arguments, self._preferences = program, arguments, preferences
        self._profile = profile
        self._temporary: TemporaryDirectory[str] | None = None
        self._driver: Driver | None = None
        self._pages: dict[str, Page] = {}

    def start(self) -> None:
        """Start the browser; blocks until it answers. Raises BrowserFailed, TimeoutError."""
        if not (ROOT / "node_modules" / "puppeteer-core").is_dir():
            raise BrowserFailed(
                "the browser driver is not installed: run `npm ci` in the root of the repository"
            )
        if self._profile is None:
            self._temporary = TemporaryDirectory(prefix=f"bed-{self.kind}-", ignore_cleanup_errors=True)
        launch = {
            "browser": self.kind,
            "program": str(self._program),
            "profile": str(self._profile or (self._temporary and self._temporary.name)),
            "args": self._arguments,
            "preferences": self._preferences,
            "timeout_ms": int(START_S * 1000),
        }
        self._driver = Driver(launch, self._on_event)
        try:
            self.version = self._driver.start().result(START_S)["version"]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close the browser and remove its temporary profile; nothing of it is left running."""
        if self._driver is not None:
            self._driver.stop()
            self._driver = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    async def new_page(
        self, *, person: str = "", viewport: Viewport | None = None, java_script: bool = True
    ) -> Page:
        """A new tab. Another `person` has other cookies, storage and service workers in the same browser.

        Use the nameless person for push in Firefox. `java_script=False`: as with scripts turned off.
        """
        assert self._driver is not None, "the browser is not started"
        size = None
        if viewport is not None:
            size = {"width": viewport.width, "height": viewport.height, "deviceScaleFactor": viewport.scale}
            if viewport.mobile:
                size |= {"isMobile": True, "hasTouch": True}
        answer = self._driver.call("newPage", context=person, viewport=size, java_script=java_script)
        page_id: str = await asyncio.wrap_future(answer)
        # Events of a page may come before its id does: both sides take the same object.
        return self._page(page_id)

    async def opened_page(self, containing: str, *, timeout_s: float = WAIT_S) -> Page:
        """The tab, not opened by the test, whose address has `containing` in it: by a link or a service worker."""
        assert self._driver is not None, "the browser is not started"
        answer = self._driver.call("adoptPage", containing=containing, timeout_ms=int(timeout_s * 1000))
        return self._page(await asyncio.wrap_future(answer))

    def _page(self, page_id: str) -> Page:
        assert self._driver is not None
        return self._pages.setdefault(page_id, Page(self._driver, page_id))

    def _on_event(self, event: dict[str, Any]) -> None:
        self._page(event["page"]).take_event(event)
