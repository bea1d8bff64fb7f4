"""What residents, officers and shelter staff do in their browsers, by the words they see."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bed.browser import Browser
from tests.bed.page import DESKTOP, PHONE, Page
from tests.browser.running import RunningService

DRAFTER, APPROVER = "kian", "shonin"


@dataclass
class Resident:
    """One phone."""

    page: Page
    scope: str

    async def subscribe(self, service: RunningService, search: str, town: str) -> None:
        """Find the town by what a person types, choose it, and ask for notifications."""
        await self.page.goto(service.url + self.scope)
        await self.page.fill(search, css="#q")
        await self.page.click(css="[role=search] button")
        await self.page.wait_for_text(town)
        await self.page.click(css="a.town")
        await self.page.click(css="[data-save]", timeout_s=20)
        await self.page.wait_for("return Boolean(document.querySelector('[data-delete]:not([hidden])'))", timeout_s=30)

    async def notification(self, *, containing: str, timeout_s: float = 20.0) -> tuple[str, str]:
        """(title, body) of the notification that shows `containing`, waited for."""
        shown = await self.page.wait_for_notification(self.scope, containing=containing, timeout_s=timeout_s)
        return shown.title, shown.body


async def resident(browser: Browser, *, drill: bool = False) -> Resident:
    """A resident on one side."""
    return Resident(await browser.new_page(viewport=PHONE), "/drill/" if drill else "/")


@dataclass
class Officer:
    """One officer at one console."""

    page: Page
    service: RunningService
    name: str
    prefix: str

    async def goto(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.goto(f"{self.service.url}{self.prefix}{path}")

    async def sign_in(self) -> None:
        """Sign in with name, password and the code of now."""
        known = self.service.officers[self.name]
        await self.goto("/hq/sign-in")
        await self.page.fill(self.name, css="#name")
        await self.page.fill(known.password, css="#password")
        await self.page.fill(self.service.totp(self.name), css="#code")
        await self.page.click(css="main button")
        await self.page.wait_for_text("気象庁の発表からの提案")

    async def draft_from_proposal(self, reason: str) -> str:
        """Turn the first proposal on the board into a draft; the draft's path."""
        await self.goto("/hq/")
        await self.page.click(css="#part-proposals a.button")
        await self.page.wait_for_element(css="#compose")
        await self.page.fill(reason, css="#reason")
        return await self._save()

    async def draft(self, *, hazard: str, kind: str, zones: list[str], reason: str) -> str:
        """A draft by hand; the draft's path."""
        await self.goto("/hq/alerts/new")
        await self.page.wait_for_element(css="#compose")
        await self.page.click(css=f"input[name=hazard][value={hazard}]")
        await self.page.click(css=f"input[name=kind][value={kind}]")
        for zone in zones:
            # Towns lie in closed lists; a person filters, a test opens.
            await self.page.evaluate(
                "const box = document.querySelector(`input[value='${arg}']`);"
                "const list = box.closest('details'); if (list) list.open = true; box.click();",
                zone,
            )
        await self.page.fill(reason, css="#reason")
        return await self._save()

    async def _save(self) -> str:
        await self.page.click(css="#compose > .row button")
        await self.page.wait_for_text("承認を求める")
        return (await self.page.url()).removeprefix(self.service.url + self.prefix)

    async def submit(self) -> None:
        """Ask for approval of the draft on the page."""
        await self.page.click(css="form[action$='/submit'] button")
        await self.page.wait_for_text("承認")

    async def approve(self, path: str) -> None:
        """Read a submitted draft and approve it with the words it asks for."""
        await self.goto(path)
        words = await self.page.evaluate("return document.querySelector('#words').textContent.trim()")
        await self.page.fill(str(words), css="#typed")
        await self.page.click(css="button.approve")
        await self.page.wait_for_text("識別番号")
        await self.page.wait_for("return !document.querySelector('button.approve')")

    async def draft_lift(self, alert_id: str, reason: str) -> str:
        """A lift (解除) as a draft; its path."""
        await self.goto(f"/hq/alerts/{alert_id}/lift")
        await self.page.fill(reason, css="#reason")
        await self.page.click(css="main form button")
        await self.page.wait_for_text("承認を求める")
        return (await self.page.url()).removeprefix(self.service.url + self.prefix)


async def officer(browser: Browser, service: RunningService, name: str, *, drill: bool = False) -> Officer:
    """An officer signed in on one side, with cookies of their own."""
    page = await browser.new_page(person=f"{name}{'-drill' if drill else ''}", viewport=DESKTOP)
    made = Officer(page, service, name, "/drill" if drill else "")
    await made.sign_in()
    return made


async def staff_at_desk(browser: Browser, service: RunningService, site: str, *, drill: bool = False) -> Page:
    """A phone at a shelter's desk, past the PIN."""
    link = await service.cli("desk", "link", site, "--json", *(["--drill"] if drill else []))
    page = await browser.new_page(person=f"desk-{link['site_id']}", viewport=PHONE)
    await page.goto(link["url"])
    await page.fill(link["pin"], css="input[name=pin]")
    await page.click(css="main form button")
    return page
