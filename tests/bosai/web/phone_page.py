"""A phone's page in Chromium on the real web app, whose pushes go to the bed's push service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bosai.model.realm import Realm
from bosai.wiring import RealmServices, Wired
from tests.bed.browser import Browser
from tests.bed.page import Page, Viewport
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.bosai.web.resident_site import resident_site
from tests.redis_server import PrivateRedis


@dataclass(frozen=True, slots=True)
class PhonePage:
    """The page, the origin of the site, the services behind it, and who its browser subscribes as."""

    page: Page
    base: str
    side: RealmServices
    wired: Wired
    subscriber: Subscriber


@asynccontextmanager
async def open_phone_page(
    browser: Browser, private_redis: PrivateRedis, folder: Path, realm: Realm, viewport: Viewport
) -> AsyncIterator[PhonePage]:
    """An empty page that may notify, and a site that does not know it yet."""
    async with (
        PushService() as push,
        resident_site(private_redis, folder, **{"push.test_hosts": push.endpoint_host}) as (server, wired),
    ):
        side = wired.realms[realm]
        page = await browser.new_page()
        await page.set_viewport(viewport)
        base = str(server.make_url("/")).rstrip("/")
        await page.allow(base, "notifications")
        subscriber = push.make_subscriber(side.vapid_public_b64url)
        await page.subscribe_as(subscriber)
        yield PhonePage(page=page, base=base, side=side, wired=wired, subscriber=subscriber)
