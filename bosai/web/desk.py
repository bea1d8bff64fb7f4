"""The shelter desk at `/s/<capability>`: one site, one thumb. Japanese; every button works without script.

link ─▶ PIN (never says which site) ─▶ cookie of this link only ─▶ report · 変わりなし · undo ─▶ the planner hears

Buttons of ±n are added to what is known at that moment, so two phones at one door do not undo each other.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput, NotSignedIn, TooManyTries, WrongSecret
from bosai.messages.measures import JST
from bosai.model.realm import Realm
from bosai.services.desks import DeskSession, DeskView
from bosai.web.base import realm_of, render, services
from bosai.web.console import words
from bosai.web.console.page import wants_page
from bosai.web.console.refusals import Trouble
from bosai.web.console.sites import OUTAGES, REPORTABLE, check_of, outages_of
from bosai.web.rate_limit import client_of
from shelters.model import Crowding, Opening

COOKIES = {Realm.LIVE: "bosai_desk", Realm.DRILL: "bosai_desk_drill"}
STEPS = (-5, -1, 1, 5)
MOST_PERSONS = 100_000
LARGEST_STEP = 1_000
LONGEST_AGE_S = 24 * 3600
DONE = {
    "reported": "報告しました。",
    "same": "「変わりなし」を報告しました。",
    "undone": "直前の報告を取り消しました。",
}
PART_HEADER = "X-Bosai-Part"
"""Sent by our script, which shows the panel with the refusal in it; other programs get problem documents."""
DESK = "/s/{capability}"


def routes() -> list[web.RouteDef]:
    """The desk of one side."""
    return [
        web.get(DESK, desk_page),
        web.get(DESK + "/panel", panel),
        web.post(DESK + "/pin", enter),
        web.post(DESK + "/report", report),
        web.post(DESK + "/undo", undo),
        web.post(DESK + "/leave", leave),
    ]


async def desk_page(request: web.Request) -> web.Response:
    """The desk, or the question for the PIN."""
    try:
        desk = await _desk(request)
    except NotSignedIn:
        return await _pin_page(request)
    return await _page(request, desk)


async def panel(request: web.Request) -> web.Response:
    """The changing part alone, for the script. A program without a session gets a problem document."""
    return await _page(request, await _desk(request), template="desk/_panel.html")


async def enter(request: web.Request) -> web.StreamResponse:
    """The PIN, into a cookie that belongs to this link alone."""
    pin = str((await request.post()).get("pin", ""))
    try:
        desk = await services(request).desks.open(_capability(request), _digits(pin), client_of(request))
    except (WrongSecret, TooManyTries) as error:
        if not wants_page(request):
            raise
        return await _pin_page(request, error)
    response = web.HTTPSeeOther(_path(request))
    response.set_cookie(
        COOKIES[realm_of(request)],
        desk.token,
        path=_path(request),
        max_age=max(0, int((desk.until - services(request).clock.now()).total_seconds())),
        httponly=True,
        samesite="Lax",  # a link in a mail leads here; every change is asked by POST from our own page
        secure=services(request).settings.web.public_url.startswith("https:"),
    )
    raise response


async def report(request: web.Request) -> web.StreamResponse:
    """What staff say: the door, the heads, how crowded, or that nothing changed."""
    form = await request.post()
    given = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
    lost = [
        name for name in OUTAGES if f"lost_{name}" in given
    ]  # a field each: the script sends one value a name
    try:
        desk = await _desk(request)
        view = await services(request).desks.view(desk)
        if given.get("opening") == Opening.UNUSABLE and given.get("confirmed") != "yes":
            return _show(request, "desk/confirm.html", view=view)
        said = _same(view) if "same" in given else _said(given, lost, view)
        await services(request).desks.report(
            desk, **said, event_at=_event_at(given, services(request).clock.now())
        )
    except BosaiError as error:
        return await _refused(request, error)
    return await _reported(request, desk, "same" if "same" in given else "reported")


async def undo(request: web.Request) -> web.StreamResponse:
    """Take the desk's newest report back."""
    try:
        desk = await _desk(request)
        await services(request).desks.undo(desk)
    except BosaiError as error:
        return await _refused(request, error)
    return await _reported(request, desk, "undone")


async def leave(request: web.Request) -> web.StreamResponse:
    """Close the desk on this phone."""
    response = web.HTTPSeeOther(_path(request))
    response.del_cookie(COOKIES[realm_of(request)], path=_path(request))
    raise response


# ---- inside ----------------------------------------------------------------------------------------


def _capability(request: web.Request) -> str:
    return request.match_info["capability"]


def _path(request: web.Request) -> str:
    return f"{realm_of(request).path_prefix}/s/{_capability(request)}"


async def _desk(request: web.Request) -> DeskSession:
    token = request.cookies.get(COOKIES[realm_of(request)], "")
    return await services(request).desks.resume(_capability(request), token)


async def _reported(request: web.Request, desk: DeskSession, done: str) -> web.StreamResponse:
    if wants_page(request):
        raise web.HTTPSeeOther(f"{_path(request)}?done={done}")
    return await _page(request, desk, template="desk/_panel.html", done=DONE[done])


async def _refused(request: web.Request, error: BosaiError) -> web.Response:
    """The page again with what stopped the report; the PIN page when the link or the session ended."""
    is_script = request.headers.get(PART_HEADER) == "panel"
    if isinstance(error, NotSignedIn) and wants_page(request):
        return await _pin_page(request)
    if isinstance(error, NotSignedIn) or not (is_script or wants_page(request)):
        raise error
    template = "desk/_panel.html" if is_script else "desk/desk.html"
    return await _page(request, await _desk(request), template=template, trouble=Trouble.of(error))


async def _page(
    request: web.Request,
    desk: DeskSession,
    *,
    template: str = "desk/desk.html",
    trouble: Trouble | None = None,
    done: str = "",
) -> web.Response:
    view = await services(request).desks.view(desk)
    return _show(
        request,
        template,
        status=trouble.status if trouble else 200,
        view=view,
        trouble=trouble,
        done=done or DONE.get(request.query.get("done", ""), ""),
        stale_min=services(request).settings.planner.occupancy_stale_min,
    )


async def _pin_page(request: web.Request, error: BosaiError | None = None) -> web.Response:
    """Asks for the PIN and says nothing of the site. A link that opens nothing says so."""
    try:
        await services(request).desks.site_of(_capability(request))
    except WrongSecret:
        return _show(request, "desk/no_link.html", status=404)
    trouble = Trouble.of(error) if error else None
    response = _show(request, "desk/pin.html", status=trouble.status if trouble else 200, error=error)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _show(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    response = render(
        request,
        template,
        status=status,
        w=words,
        path=_path(request),
        now=services(request).clock.now(),
        reportable=REPORTABLE,
        crowdings=list(Crowding),
        steps=STEPS,
        outages=OUTAGES,
        Opening=Opening,
        **context,
    )
    response.headers["Content-Language"] = "ja"
    return response


def _same(view: DeskView) -> dict[str, Any]:
    status = view.status
    if status.opening is None and status.present_persons is None and status.crowding is None:
        raise InvalidInput("opening", "missing", "まだ一度も報告がありません。状態か人数を報告してください。")
    return {
        "opening": status.opening,
        "present_persons": status.present_persons,
        "crowding": status.crowding,
    }


def _said(given: dict[str, str], lost: Sequence[str], view: DeskView) -> dict[str, Any]:
    """The report in the form; exactly what was pressed, nothing filled in. lost: the boxes of what does not work."""
    if "facilities" in given:
        return {"checked": check_of(given.get("checked", "")), "outages": outages_of(lost)}
    return {
        "opening": _choice(given, "opening", {one.value: one for one in REPORTABLE}),
        "crowding": _choice(given, "crowding", {one.value: one for one in Crowding}),
        "present_persons": _persons(given, view),
    }


def _choice(given: dict[str, str], name: str, allowed: dict[str, Any]) -> Any:
    value = given.get(name)
    if not value:
        return None
    if value not in allowed:
        raise InvalidInput(name, "unknown_value", value[:20])
    return allowed[value]


def _persons(given: dict[str, str], view: DeskView) -> int | None:
    if given.get("delta"):
        step = _whole(given["delta"], "present_persons")
        if abs(step) > LARGEST_STEP:
            raise InvalidInput("present_persons", "out_of_range", f"±{LARGEST_STEP}")
        return max(0, (view.status.present_persons or 0) + step)
    if "present_persons" not in given or ("opening" in given or "crowding" in given):
        return None
    if not given["present_persons"]:
        raise InvalidInput("present_persons", "missing")
    count = _whole(given["present_persons"], "present_persons")
    if not 0 <= count <= MOST_PERSONS:
        raise InvalidInput("present_persons", "out_of_range", f"0–{MOST_PERSONS}")
    return count


def _whole(text: str, field: str) -> int:
    try:
        if len(text) > 8:
            raise ValueError
        return int(text)  # full-width digits are digits too
    except ValueError:
        raise InvalidInput(field, "not_a_number", text[:20]) from None


def _event_at(given: dict[str, str], now: datetime) -> datetime | None:
    """When it was so: a phone without signal sends later what it was told earlier.

    Our script says how long ago (`age_s`), because a phone's clock may be wrong: told by a slow one, 「閉鎖」 would
    count as older than what is known and change nothing. A program may say when (`event_at`).
    """
    if given.get("age_s"):
        return now - timedelta(seconds=_age_s(given["age_s"]))
    text = given.get("event_at")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("event_at", "unreadable", text[:40]) from None
    return at if at.utcoffset() is not None else at.replace(tzinfo=JST)


def _age_s(text: str) -> float:
    try:
        age_s = float(text)
    except ValueError:
        raise InvalidInput("event_at", "not_a_number", text[:20]) from None
    if not 0 <= age_s <= LONGEST_AGE_S or not math.isfinite(age_s):
        raise InvalidInput("event_at", "out_of_range", f"0–{LONGEST_AGE_S}秒前")
    return age_s


def _digits(pin: str) -> str:
    """The PIN as ASCII digits: a Japanese keyboard may send full-width ones."""
    return "".join(str(int(one)) if one.isdecimal() else one for one in pin.strip() if not one.isspace())
