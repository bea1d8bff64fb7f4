"""行き先の調整: what HQ asks of the plan, each with its reason, and what the failure of a site means.

The page lists what is set with who, when and why; one form sets each kind, one button takes each back. The forms show
only what the officer may do; who may is decided in the service.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput
from bosai.messages.measures import JST
from bosai.model.staff import Permission, Session
from bosai.services.hand import HandService
from bosai.stores.hand import HandEntry, HandKind
from bosai.web.base import services
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in
from bosai.web.console.towns import full_name, town_meant
from shelters.model import Site

KIND_WORDS = {
    HandKind.EXCLUDE: "案内から外した避難所",
    HandKind.PIN: "町の行き先の指定",
    HandKind.PAUSE: "行き先の変更の停止",
    HandKind.SHAKEN: "強い揺れの記録",
}
LIFT_WORDS = {
    HandKind.EXCLUDE: "案内に戻す",
    HandKind.PIN: "指定をやめる",
    HandKind.PAUSE: "変更を再開する",
    HandKind.SHAKEN: "記録を取り消す",
}
FORM_FIELDS = ("site", "town", "reason", "since")
Act = Callable[[HandService, dict[str, str]], Awaitable[HandEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLine:
    """One thing that is set. `about`: the site, the town and its site, or what it concerns; `may`: lift it."""

    entry: HandEntry
    kind: str
    about: str
    lift: str
    may: bool


def routes() -> list[web.RouteDef]:
    """The page, one route for each form, and one to take things back."""
    return [
        web.get("/hq/hand", signed_in(hand_page)),
        web.post("/hq/hand/exclude", signed_in(exclude)),
        web.post("/hq/hand/pin", signed_in(pin)),
        web.post("/hq/hand/pause", signed_in(pause)),
        web.post("/hq/hand/shaken", signed_in(shaken)),
        web.post("/hq/hand/lift", signed_in(lift)),
    ]


async def hand_page(request: web.Request, officer: Session) -> web.Response:
    """Everything set, and the forms; `?site=` has a site chosen already."""
    form = {"site": request.query.get("site", "")[:60]}
    return show(request, "hand.html", officer, **await _context(request, officer, form, ""))


async def exclude(request: web.Request, officer: Session) -> web.StreamResponse:
    """Send nobody new to a site."""
    return await _set(
        request, officer, "exclude", lambda hand, f: hand.exclude(officer, f["site"], f["reason"])
    )


async def pin(request: web.Request, officer: Session) -> web.StreamResponse:
    """Send a town to one site."""
    known = services(request).places.towns

    async def pinned(hand: HandService, form: dict[str, str]) -> HandEntry:
        town = full_name(town_meant(known, form["town"], "town"))
        return await hand.pin(officer, town, form["site"], form["reason"], _towns(request))

    return await _set(request, officer, "pin", pinned)


async def pause(request: web.Request, officer: Session) -> web.StreamResponse:
    """Send nobody elsewhere."""
    return await _set(request, officer, "pause", lambda hand, f: hand.pause(officer, f["reason"]))


async def shaken(request: web.Request, officer: Session) -> web.StreamResponse:
    """There was strong shaking."""
    return await _set(
        request, officer, "shaken", lambda hand, f: hand.shaken(officer, _time(f["since"]), f["reason"])
    )


async def lift(request: web.Request, officer: Session) -> web.StreamResponse:
    """Take one thing back."""
    form = await request.post()
    given = {name: str(form.get(name, "")) for name in ("kind", "subject", "reason")}
    try:
        try:
            kind = HandKind(given["kind"])
        except ValueError:
            raise InvalidInput("kind", "unknown_value", given["kind"][:20]) from None
        await services(request).hand.lift(officer, kind, given["subject"], given["reason"])
    except BosaiError as error:
        field = f"lift:{given['kind']}/{given['subject']}"
        return refused(request, "hand.html", officer, error, **await _context(request, officer, given, field))
    raise moved(request, "/hq/hand", "hand_lifted")


async def lines(request: web.Request, officer: Session) -> list[SetLine]:
    """Everything set, as officers read it, the oldest first."""
    here = services(request)
    entries = await here.hand.entries()
    names = {one.site_id: one.name for one in await here.sites.all()} if entries else {}
    return [_line(one, names, officer) for one in entries]


def _line(entry: HandEntry, names: dict[str, str], officer: Session) -> SetLine:
    match entry.kind:
        case HandKind.EXCLUDE:
            about = names.get(entry.subject, f"一覧にない避難所（{entry.subject}）")
        case HandKind.PIN:
            about = f"{entry.subject} → {names.get(entry.site_id, f'一覧にない避難所（{entry.site_id}）')}"
        case HandKind.PAUSE:
            about = "すべての人"
        case HandKind.SHAKEN:
            about = "市内全域"
    needed = Permission.EXCLUDE_SITE if entry.kind is HandKind.EXCLUDE else Permission.STEER
    return SetLine(
        entry=entry,
        kind=KIND_WORDS[entry.kind],
        about=about,
        lift=LIFT_WORDS[entry.kind],
        may=officer.may(needed),
    )


async def _set(request: web.Request, officer: Session, which: str, act: Act) -> web.StreamResponse:
    form = await request.post()
    given = {name: str(form.get(name, "")).strip() for name in FORM_FIELDS}
    try:
        await act(services(request).hand, given)
    except BosaiError as error:
        return refused(request, "hand.html", officer, error, **await _context(request, officer, given, which))
    raise moved(request, "/hq/hand", "hand_set")


async def _context(
    request: web.Request, officer: Session, form: dict[str, str], which: str
) -> dict[str, Any]:
    """`form`: what was typed, into the form named `which` ("" = none was sent)."""
    here = services(request)
    calls = await here.guidance.calls()
    sites = sorted(await here.sites.all(), key=lambda one: (one.ward, one.name))
    return {
        "lines": await lines(request, officer),
        "anything_in_force": bool(await here.alert_store.in_force()),
        "failures": await here.sites.failures(),
        "calls": (
            ("開設", "開設をお願いする避難所", calls.to_open),
            ("点検", "建物の点検をお願いする避難所", calls.to_check),
        ),
        "form": form,
        "which": which,
        "by_ward": _by_ward(sites),
        "public_by_ward": _by_ward([one for one in sites if one.open_to_public]),
        "towns": _towns(request),
    }


def _by_ward(sites: list[Site]) -> list[tuple[str, list[Site]]]:
    found: dict[str, list[Site]] = {}
    for one in sites:
        found.setdefault(one.ward or "区の記載なし", []).append(one)
    return list(found.items())


def _towns(request: web.Request) -> tuple[str, ...]:
    """The towns of the city by the name the plan knows them by."""
    found = services(request).places.towns
    return tuple(sorted({full_name(one) for one in found if not one.outside_city}))


def _time(text: str) -> datetime:
    if not text:
        raise InvalidInput("since", "missing")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("since", "unreadable", "例：2026-11-23T14:30") from None
    return at if at.utcoffset() is not None else at.replace(tzinfo=JST)
