"""One tab of a browser of the bed: what a person does, what a person sees, and what went wrong underneath."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from tests.bed.driver import BrowserFailed, Driver
from tests.bed.page_scripts import CLICK_NOTIFICATION, GET_NOTIFICATIONS, SYNTHETIC_PUSH
from tests.bed.subscriber import Subscriber

WAIT_S = 30.0  # a page that works answers in a blink; this is for a machine with other work


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """CSS pixels; `mobile` brings touch and the mobile viewport (Chromium only)."""

    width: int
    height: int
    mobile: bool = False
    scale: float = 1.0


PHONE = Viewport(width=390, height=844)
DESKTOP = Viewport(width=1280, height=900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the console, or one dialog: its kind (`error`, `warn`, `pageerror`, `confirm` …) and text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNotification:
    """A notification as `registration.getNotifications()` gives it."""

    title: str
    body: str
    tag: str
    lang: str
    data: Any
    require_interaction: bool
    actions: tuple[str, ...]


class Page:
    """A tab. Elements are named by `css`, `role` and `name` (accessibility tree), `label` or `text`.

    Every act waits for its element to be there, visible and enabled; BrowserFailed when it is not in time.
    """

    def __init__(self, driver: Driver, page_id: str) -> None:
        self._driver, self._id = driver, page_id
        self.console: list[Entry] = []
        self.dialogs: list[Entry] = []

    @property
    def errors(self) -> list[str]:
        """Uncaught errors and console errors so far; in Chromium also those of its service workers."""
        return [one.text for one in list(self.console) if one.kind in ("error", "pageerror")]

    def take_event(self, event: dict[str, Any]) -> None:
        """Called by the driver's thread."""
        entry = Entry(kind=event["kind"], text=event["text"])
        (self.dialogs if event["event"] == "dialog" else self.console).append(entry)

    async def _call(self, command: str, timeout_s: float = WAIT_S, **arguments: Any) -> Any:
        answer = self._driver.call(command, page=self._id, timeout_ms=int(timeout_s * 1000), **arguments)
        async with asyncio.timeout(
            timeout_s + 20
        ):  # the driver keeps the time; this is for a driver that hangs
            return await asyncio.wrap_future(answer)

    # -- going places -------------------------------------------------------------------------------------

    async def goto(self, url: str, *, wait_until: str = "load", timeout_s: float = WAIT_S) -> int | None:
        """Open an address; the HTTP status, or None for a page that came without a request."""
        status: int | None = await self._call("goto", timeout_s, url=url, wait_until=wait_until)
        return status

    async def reload(self, *, timeout_s: float = WAIT_S) -> int | None:
        """Load the page again; its HTTP status."""
        status: int | None = await self._call("reload", timeout_s)
        return status

    async def back(self, *, timeout_s: float = WAIT_S) -> None:
        """One step back in the history."""
        await self._call("back", timeout_s)

    async def url(self) -> str:
        """The address now."""
        return str(await self._call("url"))

    async def close(self) -> None:
        """Close the tab."""
        await self._call("closePage")

    # -- acting -------------------------------------------------------------------------------------------

    async def click(
        self,
        css: str = "",
        *,
        role: str = "",
        name: str = "",
        label: str = "",
        text: str = "",
        timeout_s: float = WAIT_S,
    ) -> None:
        """Click (tap) an element."""
        await self._call("click", timeout_s, target=_target(css, role, name, label, text))

    async def fill(
        self,
        value: str,
        css: str = "",
        *,
        role: str = "",
        name: str = "",
        label: str = "",
        timeout_s: float = WAIT_S,
    ) -> None:
        """Put a value into a text field, a select or an editable element."""
        await self._call("fill", timeout_s, value=value, target=_target(css, role, name, label, ""))

    async def select(self, css: str, *values: str) -> None:
        """Choose options of a <select> by their values."""
        await self._call("select", css=css, values=list(values))

    async def press(self, key: str) -> None:
        """Press one key by its name: Enter, Tab, Escape, a."""
        await self._call("press", key=key)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self._call("type", text=text)

    async def click_at(self, x: float, y: float) -> None:
        """Click at a place of the viewport, in CSS pixels: for maps."""
        await self._call("clickAt", x=x, y=y)

    async def upload(self, css: str, path: Path) -> None:
        """Choose a file in a file field."""
        await self._call("upload", css=css, path=str(path))

    async def on_dialog(self, *, accept: bool) -> None:
        """Answer alert, confirm and prompt so from now on (accepted unless told otherwise)."""
        await self._call("onDialog", accept=accept)

    # -- seeing -------------------------------------------------------------------------------------------

    async def text(self) -> str:
        """What a person reads: innerText of the body."""
        return str(await self._call("text"))

    async def title(self) -> str:
        """The title of the document."""
        return str(await self._call("title"))

    async def content(self) -> str:
        """The document as HTML."""
        return str(await self._call("content"))

    async def screenshot(self, path: Path, *, full_page: bool = False) -> None:
        """A PNG of the viewport, or of the whole page."""
        await self._call("screenshot", path=str(path), full_page=full_page)

    async def cookies(self) -> list[dict[str, Any]]:
        """The cookies of this person: name, value, domain, path."""
        return list(await self._call("cookies"))

    async def axe(self, *tags: str) -> list[dict[str, Any]]:
        """axe-core's violations, [{id, impact, help, nodes}]; `tags` choose rules, "wcag2aa" for one."""
        return list(await self._call("axe", 30.0, only=list(tags)))

    async def evaluate(self, body: str, arg: Any = None) -> Any:
        """What an async function body returns, as JSON: ``return location.href``. It may use `arg`; no CSP applies."""
        return await self._call("evaluate", body=body, arg=arg)

    async def before_scripts(self, source: str) -> None:
        """Run a script in every document of this tab before its own scripts."""
        await self._call("beforeScripts", source=source)

    # -- waiting ------------------------------------------------------------------------------------------

    async def wait_for(self, body: str, arg: Any = None, *, timeout_s: float = WAIT_S) -> Any:
        """Poll a function body until it returns something truthy; that value. Survives navigations."""
        return await self._call("waitFor", timeout_s, body=body, arg=arg)

    async def wait_for_text(self, text: str, *, timeout_s: float = WAIT_S) -> None:
        """Wait until the page shows `text`."""
        await self.wait_for("return document.body.innerText.includes(arg)", text, timeout_s=timeout_s)

    async def wait_for_element(
        self, css: str = "", *, role: str = "", name: str = "", text: str = "", timeout_s: float = WAIT_S
    ) -> None:
        """Wait until an element is there and visible."""
        await self._call("waitForElement", timeout_s, target=_target(css, role, name, "", text))

    # -- the device ---------------------------------------------------------------------------------------

    async def set_viewport(self, viewport: Viewport) -> None:
        """Resize the tab."""
        await self._call(
            "viewport",
            width=viewport.width,
            height=viewport.height,
            mobile=viewport.mobile,
            scale=viewport.scale,
        )

    async def prefer_dark(self) -> None:
        """As on a device set to dark colours (Chromium)."""
        await self._call("mediaFeatures", features=[{"name": "prefers-color-scheme", "value": "dark"}])

    async def set_geolocation(self, latitude: float, longitude: float, *, accuracy_m: float = 20.0) -> None:
        """Where the device says it is. Chromium also needs the permission (`allow`)."""
        await self._call("geolocation", latitude=latitude, longitude=longitude, accuracy=accuracy_m)

    async def set_offline(self, offline: bool) -> None:
        """Chromium: cut the network, for the page and its service workers, or join it again."""
        await self._call("offline", offline=offline)

    async def allow(self, origin: str, *names: str) -> None:
        """Grant exactly these permissions to an origin: notifications, geolocation (Chromium)."""
        await self._call("permissions", origin=origin, names=list(names))

    # -- service workers ----------------------------------------------------------------------------------

    async def notifications(self, scope: str = "/") -> list[ShownNotification]:
        """The notifications shown by the service worker of `scope`, asked from a page of the same origin."""
        shown = await self.evaluate(GET_NOTIFICATIONS, scope)
        return [_shown(one) for one in shown]

    async def wait_for_notification(
        self, scope: str = "/", *, containing: str = "", timeout_s: float = WAIT_S
    ) -> ShownNotification:
        """Wait until a notification of `scope` has `containing` in its title or body."""
        body = (
            f"const ask = async (arg) => {{{GET_NOTIFICATIONS}}};"
            "const shown = await ask(arg.scope);"
            "return shown.find((one) => (one.title + one.body).includes(arg.containing))"
        )
        found = await self.wait_for(body, {"scope": scope, "containing": containing}, timeout_s=timeout_s)
        return _shown(found)

    async def subscribe_as(self, subscriber: Subscriber) -> None:
        """Give this tab's `PushManager` the subscription of a synthetic browser; call before `goto`.

        For browsers that cannot reach a push service: Chromium has Google's built in, and no setting for it.
        """
        source = SYNTHETIC_PUSH.replace("INFO", json.dumps(subscriber.info))
        await self.before_scripts(
            source.replace("KEY", json.dumps(subscriber.channel.application_server_key))
        )

    async def deliver_push(self, scope: str, data: Any, *, timeout_s: float = WAIT_S) -> str:
        """Chromium: hand a push (text, or a value sent as JSON) to the service worker of `scope`.

        Returns when the push event has ended, with Chromium's word on what it waited for: "Success", or not.
        """
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        return str(await self._call("deliverPush", timeout_s, scope=await self._at(scope), data=text))

    async def evaluate_in_worker(
        self, scope: str, body: str, arg: Any = None, *, timeout_s: float = WAIT_S
    ) -> Any:
        """Chromium: evaluate an async function body in the service worker of `scope`."""
        return await self._call(
            "evaluateInWorker", timeout_s, scope=await self._at(scope), body=body, arg=arg
        )

    async def stop_workers(self, scope: str) -> None:
        """Chromium: stop the service workers, as a device saving memory does; an event starts them afresh."""
        await self._call("stopWorker", scope=await self._at(scope))

    async def click_notification(self, scope: str = "/", *, tag: str, action: str = "") -> None:
        """Tap the notification of `scope` with this tag, while a page of the same origin is open here.

        Firefox: a real click on the alert it shows (no actions). Chromium: the service worker gets an event made by
        the test, which lacks the user's gesture, so that `clients.openWindow` may be refused.
        """
        for one in await self.notifications(scope):
            if one.tag == tag:
                arg = {"tag": tag, "action": action, "title": one.title, "body": one.body}
                await self._call(
                    "clickNotification", scope=await self._at(scope), body=CLICK_NOTIFICATION, arg=arg
                )
                return
        raise BrowserFailed(f"click_notification: none with tag {tag!r} is shown under {scope}")

    async def _at(self, scope: str) -> str:
        """A scope as an absolute address."""
        return urljoin(await self.url(), scope)


def _target(css: str, role: str, name: str, label: str, text: str) -> dict[str, str]:
    given = {"css": css, "role": role, "name": name, "label": label, "text": text}
    chosen = {key: value for key, value in given.items() if value}
    if not chosen:
        raise ValueError("which element? give css, role and name, label or text")
    return chosen


def _shown(one: dict[str, Any]) -> ShownNotification:
    return ShownNotification(
        title=one["title"],
        body=one["body"],
        tag=one["tag"],
        lang=one["lang"],
        data=one["data"],
        require_interaction=one["requireInteraction"],
        actions=tuple(one["actions"]),
    )
