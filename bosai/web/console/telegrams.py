"""電文: what 気象庁 and others sent as it came, what each telegram changed, what is in force, how the sources do.

/hq/telegrams            sources ─ to be looked at ─ what 気象庁 has in force ─ the list, paged and filtered
/hq/telegrams/KEY        one telegram: facts, every change, proposals, its XML
/hq/telegrams/KEY/raw    the bytes, to be saved
/hq/telegrams/KEY/seen   somebody has looked at one that could not be read
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bosai.errors import BosaiError, NotFound
from bosai.feeds.changes import Outcome, Standing, TelegramRow
from bosai.feeds.source_health import clock_words
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.web.base import realm_of, services
from bosai.web.console import telegram_words
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in
from bosai.web.console.source_rows import listens, source_rows
from bosai.web.console.suggestions import suggestions
from bosai.web.console.telegram_words import ChangeLine, Ours, lines_of

PAGE = 30
SCANNED = 200
MOST_SCANNED = 2_000  # a filter that matches little stops here and says where to go on
SHOWN_XML = 200_000
PATH = "/hq/telegrams"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One telegram of the list. `path` starts with /hq; `more`: changes that the list leaves out."""

    row: TelegramRow
    path: str
    lines: tuple[ChangeLine, ...]
    more: int


def routes() -> list[web.RouteDef]:
    """The list, one telegram, its bytes, and that somebody has looked at it."""
    see = Permission.SEE
    return [
        web.get(PATH, signed_in(telegrams_page, see)),
        web.get(PATH + "/{key}", signed_in(telegram_page, see)),
        web.get(PATH + "/{key}/raw", signed_in(raw, see)),
        web.post(PATH + "/{key}/seen", signed_in(acknowledge)),
    ]


async def telegrams_page(request: web.Request, officer: Session) -> web.Response:
    """The newest telegrams, or those before `?before=`; `?type=` and `?outcome=` choose among them."""
    return show(request, "telegrams.html", officer, **await _list_context(request))


async def telegram_page(request: web.Request, officer: Session) -> web.Response:
    """One telegram with everything it changed. Raises NotFound."""
    return show(request, "telegrams_one.html", officer, **await _one_context(request))


async def raw(request: web.Request, officer: Session) -> web.Response:
    """The bytes as they came, to be saved: no browser is to open what a stranger wrote. Raises NotFound."""
    del officer
    key = request.match_info["key"]
    data = await services(request).feeds.telegrams.raw(key)
    name = _UNSAFE.sub("_", key)[:100] or "telegram"
    return web.Response(
        body=data,
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{name}.xml"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        },
    )


async def acknowledge(request: web.Request, officer: Session) -> web.StreamResponse:
    """確認した: the telegram leaves the list of those to be looked at; the record says who looked."""
    key = request.match_info["key"]
    try:
        await services(request).feeds.acknowledge(officer, key)
    except NotFound:
        raise
    except BosaiError as error:
        return refused(request, "telegrams_one.html", officer, error, **await _one_context(request))
    raise moved(request, PATH, "telegram_seen")


async def _list_context(request: web.Request) -> dict[str, Any]:
    here = services(request)
    group, outcome = request.query.get("type", ""), request.query.get("outcome", "")
    group = group if group in telegram_words.TYPE_GROUPS else ""
    outcome = outcome if outcome in set(Outcome) else ""
    found, older, stopped = await _rows(request, group, outcome)
    sources = await source_rows(request)
    ours, others = _standing(request, await here.feeds.in_force())
    chosen = "".join(f"&{key}={value}" for key, value in (("type", group), ("outcome", outcome)) if value)
    return {
        "tw": telegram_words,
        "sources": sources,
        "clock": clock_words(one.health for one in sources),
        "listens": listens(request),
        "live": realm_of(request) is Realm.LIVE,
        "unread": [_listed(request, one) for one in await here.feeds.telegrams.unread()],
        "ours": ours,
        "others": others,
        "telegrams": [_listed(request, one) for one in found],
        "older": None if older is None else f"{PATH}?before={quote(older)}{chosen}",
        "stopped": stopped,
        "is_first": "before" not in request.query,
        "group": group,
        "outcome": outcome,
    }


async def _rows(request: web.Request, group: str, outcome: str) -> tuple[list[TelegramRow], str | None, bool]:
    """A page of rows, the cursor of the next (None: there is none), and whether looking stopped at the bound."""
    store = services(request).feeds.telegrams
    before = request.query.get("before") or None
    found: list[TelegramRow] = []
    scanned = 0
    while scanned < MOST_SCANNED:
        batch = await store.page(before, SCANNED if group or outcome else PAGE)
        for cursor, row in batch:
            if len(found) == PAGE:
                return found, before, False
            before = cursor
            is_chosen = (not group or telegram_words.group_of(row) == group) and (
                not outcome or row.outcome == outcome
            )
            if is_chosen:
                found.append(row)
        if not batch:
            return found, None, False
        scanned += len(batch)
        if len(found) == PAGE:
            return found, before, False
    return found, before, True


def _listed(request: web.Request, row: TelegramRow, most: int = 4) -> Listed:
    lines = _lines(request, row)
    return Listed(
        row=row,
        path=f"{PATH}/{quote(row.key, safe='')}",
        lines=tuple(lines[:most]),
        more=max(len(lines) - most, 0),
    )


def _lines(request: web.Request, row: TelegramRow) -> list[ChangeLine]:
    return lines_of(row.changes, _ours(request))


def _ours(request: web.Request) -> Ours:
    settings = services(request).settings
    return Ours(
        city=settings.cap.municipality_code[:4],
        tsunami_area=settings.feeds.jma_tsunami_area,
        rivers=tuple(name for row in settings.feeds.rows for name in row.names),
    )


def _standing(request: web.Request, standing: Sequence[Standing]) -> tuple[list[Standing], list[Standing]]:
    """The city's own first, each list the gravest first."""
    in_order = sorted(standing, key=lambda one: (-one.kind.grade, one.system, one.code, one.kind.danger))
    city = _ours(request)
    ours = [one for one in in_order if city.holds(one.system, one.code, one.name)]
    return ours, [one for one in in_order if one not in ours]


async def _one_context(request: web.Request) -> dict[str, Any]:
    here = services(request)
    store = here.feeds.telegrams
    row = await store.row(request.match_info["key"])
    try:
        data = await store.raw(row.key)
    except NotFound:  # of a very large one that could not be read, the bytes leave before the row does
        data = b""
    text = await asyncio.to_thread(data[:SHOWN_XML].decode, "utf-8", "replace")
    in_force, about = await here.alerts.in_force(), await here.proposals.about_orders()
    proposals = []
    for one in row.proposals:
        try:
            record = await here.proposals.get(one)
        except NotFound:
            continue  # it waits to be put, or was never taken
        proposals.append(suggestions([record], in_force, about)[0])
    return {
        "tw": telegram_words,
        "row": row,
        "path": f"{PATH}/{quote(row.key, safe='')}",
        "lines": _lines(request, row),
        "proposals": proposals,
        "xml": text,
        "cut": len(data) > SHOWN_XML,
        "is_unread": any(one.key == row.key for one in await store.unread()),
    }
