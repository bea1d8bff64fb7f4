"""What residents, officers and shelter staff do in their browsers, by the words they see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.bed.browser import Browser
from tests.bed.page import DESKTOP, PHONE, Page
from tests.browser.running import RunningService

DRAFTER, APPROVER = "kian", "shonin"

ASK_ADVICE = """
const known = await bosaiStore(arg.realm).get("subscription");
const answer = await fetch(`${arg.prefix}/api/v1/subscriptions/${known.id}/advice`,
  { headers: { Authorization: `Bearer ${known.secret}` } });
return (await answer.json()).instruction;
"""


@dataclass
class Resident:
    """One phone, on one side."""

    page: Page
    service: RunningService
    scope: str

    async def subscribe(self, search: str, town: str) -> None:
        """Find the town by what a person types, choose it, and ask for notifications."""
        await self.page.goto(self.service.url + self.scope)
        await self.page.fill(search, css="#q")
        await self.page.click(css="[role=search] button")
        await self.page.wait_for_text(town)
        await self.page.click(css="a.town")
        await self.page.wait_for_element(css="[data-save]")
        await self.page.click(css="[data-save]", timeout_s=20)
        await self.page.wait_for_text("登録しました", timeout_s=30)

    async def notification(self, *, containing: str, timeout_s: float = 20.0) -> tuple[str, str]:
        """(title, body) of the notification that shows `containing`, waited for."""
        shown = await self.page.wait_for_notification(self.scope, containing=containing, timeout_s=timeout_s)
        return shown.title, shown.body

    async def advice_or_none(self) -> dict[str, Any] | None:
        """The instruction the service holds for this device, asked as the page asks."""
        prefix = self.scope.rstrip("/")
        answer = await self.page.evaluate(
            ASK_ADVICE, {"realm": "drill" if prefix else "live", "prefix": prefix}
        )
        return dict(answer) if answer else None

    async def advice(self) -> dict[str, Any]:
        """The instruction; there is one."""
        found = await self.advice_or_none()
        assert found is not None
        return found

    async def sites(self) -> list[dict[str, Any]]:
        """The open data of sites."""
        return list(
            await self.page.evaluate("return (await (await fetch('/api/v1/sites.geojson')).json()).features")
        )


async def resident(browser: Browser, service: RunningService, *, drill: bool = False) -> Resident:
    """A resident on one side."""
    return Resident(await browser.new_page(viewport=PHONE), service, "/drill/" if drill else "/")


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
        await self.page.wait_for_text("気象庁などからの提案")

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
        await self.page.wait_for_element(css="form[action$='/submit']")
        return await self.path()

    async def path(self) -> str:
        """Where this officer is, without host and side."""
        return (await self.page.url()).removeprefix(self.service.url + self.prefix).split("?")[0]

    async def wait_for_stage(self, word: str, count: int) -> None:
        """Wait until the order's page says that `count` people are at the stage `word`."""
        await self.page.wait_for(
            """
            const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
            const stages = [...page.querySelectorAll("ul.stages li")];
            const found = stages.find((one) => one.querySelector("span")?.textContent.trim() === arg.word);
            return found?.querySelector("strong")?.textContent.trim() === String(arg.count);
            """,
            {"word": word, "count": count},
            timeout_s=20,
        )

    async def submit(self) -> None:
        """Ask for approval of the draft on the page."""
        await self.page.click(css="form[action$='/submit'] button")
        await self.page.wait_for("return !document.querySelector(\"form[action$='/submit']\")")

    async def approve(self, path: str) -> None:
        """Read a submitted draft and approve it with the words it asks for."""
        await self.goto(path)
        words = await self.page.evaluate("return document.querySelector('#words').textContent.trim()")
        await self.page.fill(str(words), css="#typed")
        await self.page.click(css="button.approve")
        await self.page.wait_for("return !document.querySelector('button.approve')")

    async def draft_lift(self, alert_id: str, reason: str) -> str:
        """A lift (解除) as a draft; its path."""
        await self.goto(f"/hq/alerts/{alert_id}/lift")
        await self.page.fill(reason, css="#reason")
        await self.page.click(css="button.lift")
        await self.page.wait_for_element(css="form[action$='/submit']")
        return await self.path()


async def officer(browser: Browser, service: RunningService, name: str, *, drill: bool = False) -> Officer:
    """An officer signed in on one side, with cookies of their own."""
    page = await browser.new_page(person=f"{name}{'-drill' if drill else ''}", viewport=DESKTOP)
    made = Officer(page, service, name, "/drill" if drill else "")
    await made.sign_in()
    return made


@dataclass
class Desk:
    """A phone at a shelter's desk."""

    page: Page

    async def close(self) -> None:
        """Report the site as closed."""
        await self.page.click(role="button", name="閉鎖")


async def staff_at_desk(browser: Browser, service: RunningService, site: str, *, drill: bool = False) -> Desk:
    """A phone at a shelter's desk, past the PIN."""
    link = await service.cli("desk", "link", site, "--json", *(["--drill"] if drill else []))
    page = await browser.new_page(person=f"desk-{link['site_id']}", viewport=PHONE)
    await page.goto(link["url"])
    await page.fill(link["pin"], css="input[name=pin]")
    await page.click(css="main form button")
    return Desk(page)
