"""Officers at the console and staff at a desk, over HTTP, with the cookies and headers a browser would send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pyotp
from lxml import html

from bosai.model.alert import Alert, AlertRecord
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.passwords import TOTP_STEP_S
from bosai.services.previews import Preview
from bosai.services.staff import NewAccount
from tests.bosai.web.running import Site

PAGE = "text/html,application/xhtml+xml"
TSUNAMI_ORDER = {
    "hazard": "tsunami",
    "kind": "tsunami_evacuation",
    "tsunami_class": "warning",
    "zone": ["tsunami:area1"],
    "reason": "気象庁の津波警報による",
}
FLOOD_ORDER = {
    "hazard": "flood",
    "kind": "evacuate",
    "zone": ["town:若林区/荒井"],
    "reason": "名取川の水位が上がったため",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page, or whatever came."""

    status: int
    path: str  # where the browser ended up
    headers: Any
    body: str

    @property
    def document(self) -> html.HtmlElement:
        return html.document_fromstring(self.body)

    @property
    def text(self) -> str:
        """What a person reads, blanks as one."""
        return " ".join(self.document.xpath("string(//body)").split())

    def one(self, xpath: str) -> html.HtmlElement:
        found = self.document.xpath(xpath)
        assert len(found) == 1, (xpath, len(found))
        return found[0]

    def value(self, name: str) -> str:
        """The value of a field, of a textarea, or of the chosen radio button."""
        found = self.document.xpath(
            f"//input[@name='{name}'][not(@type='radio' or @type='checkbox') or @checked]/@value"
        )
        return str(found[0]) if found else str(self.document.xpath(f"string(//textarea[@name='{name}'])"))

    def checked(self, name: str) -> list[str]:
        return [str(one) for one in self.document.xpath(f"//input[@name='{name}'][@checked]/@value")]


@dataclass
class Visitor:
    """One browser: its own cookies, sent back as browsers do."""

    site: Site
    client: aiohttp.ClientSession
    prefix: str = ""

    async def get(self, path: str, *, as_program: bool = False, follow: bool = True) -> Shown:
        return await self._ask("GET", path, None, as_program=as_program, follow=follow)

    async def post(
        self,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        as_program: bool = False,
        follow: bool = True,
    ) -> Shown:
        return await self._ask("POST", path, fields or {}, as_program=as_program, follow=follow)

    async def _ask(
        self, method: str, path: str, fields: dict[str, Any] | None, *, as_program: bool, follow: bool
    ) -> Shown:
        headers = {"Accept": "*/*" if as_program else PAGE, "Origin": self.site.url}
        body = None if fields is None else urlencode(fields, doseq=True)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self.client.request(
            method, self.site.url + self.prefix + path, data=body, headers=headers, allow_redirects=follow
        ) as response:
            return Shown(
                status=response.status,
                path=response.url.path_qs,
                headers=response.headers.copy(),
                body=await response.text(),
            )


@dataclass
class Officer(Visitor):
    """A signed-in visitor of the console."""

    account: NewAccount | None = None
    codes: set[str] = field(default_factory=set)

    async def sign_in(self) -> Shown:
        assert self.account is not None
        return await self.post(
            "/hq/sign-in",
            {
                "name": self.account.name,
                "password": self.account.password,
                "code": fresh_code(self.site, self.account),
            },
        )

    async def drafted(self, form: dict[str, Any]) -> str:
        """The path of a new draft."""
        page = await self.post("/hq/alerts/new", form)
        assert page.status == 200, page.text
        assert page.one("//form[contains(@action, '/submit')]") is not None
        return page.path.split("?")[0].removeprefix(self.prefix)

    async def submitted(self, form: dict[str, Any]) -> str:
        """The path of a draft that waits for approval."""
        path = await self.drafted(form)
        await self.submit(path)
        return path

    async def submit(self, path: str) -> None:
        shown = await self.get(path)
        page = await self.post(path + "/submit", {"decision_hash": shown.value("decision_hash")})
        assert page.status == 200, page.text

    async def approve(self, path: str) -> Shown:
        """With the words and the hash the page shows."""
        shown = await self.get(path)
        return await self.post(
            path + "/approve", {"decision_hash": shown.value("decision_hash"), "typed": words_of(shown)}
        )


def words_of(page: Shown) -> str:
    """The words a page asks to be typed."""
    return str(page.one("//*[@id='words']").text)


def fresh_code(site: Site, account: NewAccount) -> str:
    """A one-time code that was not used yet and stays valid while the sign-in is checked.

    Codes of the half minute before, of now and of the next are valid. Near the end of a half minute the first
    of them may lapse between here and the check, so it is passed over then, or the next half minute waited for.
    """
    used = _USED.setdefault(account.totp_secret, set())
    while True:
        now = site.side().clock.now()
        left_s = TOTP_STEP_S - now.timestamp() % TOTP_STEP_S
        is_late = left_s < LAPSES_WITHIN_S
        for steps in (0, 1) if is_late else (-1, 0, 1):
            code = pyotp.TOTP(account.totp_secret).at(now + timedelta(seconds=TOTP_STEP_S * steps))
            if code not in used:
                used.add(code)
                return code
        assert is_late, "three codes are valid at a time, and all were used"
        time.sleep(left_s)


LAPSES_WITHIN_S = 10.0
_USED: dict[str, set[str]] = {}


@contextlib.asynccontextmanager
async def visitor(site: Site, realm: Realm = Realm.LIVE) -> AsyncIterator[Officer]:
    """Somebody with a browser, not signed in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Officer(site, client, realm.path_prefix)


@contextlib.asynccontextmanager
async def officer(site: Site, name: str, role: Role, realm: Realm = Realm.LIVE) -> AsyncIterator[Officer]:
    """A new officer, signed in on one side."""
    account = await site.side().staff.add("test", name, role)
    async with visitor(site, realm) as found:
        found.account = account
        page = await found.sign_in()
        assert page.status == 200, page.text
        yield found


def no_planner(site: Site) -> None:
    """Nobody will answer previews: do not wait the whole five seconds for it."""
    for realm in Realm:
        site.side(realm).previews.wait_s = 0.05


@contextlib.asynccontextmanager
async def planner(site: Site, preview: Preview) -> AsyncIterator[list[Alert]]:
    """A planner that answers every preview with this one; the questions it was asked."""
    asked: list[Alert] = []

    def answer(alert: Alert) -> Preview:
        asked.append(alert)
        return preview

    async def serve() -> None:
        while not leaving.is_set():
            await site.side().previews.serve(answer, block_ms=50)

    leaving = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve())
        try:
            yield asked
        finally:
            leaving.set()


async def in_force(site: Site, realm: Realm = Realm.LIVE) -> list[AlertRecord]:
    return await site.side(realm).alerts.in_force()
