"""The situation board: what is in force, what waits for a person, how far messages have come, and what is not well.

`/hq/` is the whole page, `/hq/board` the same parts again for the script that freshens it every ten seconds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from bosai.errors import BosaiError
from bosai.model.alert import AlertRecord, AlertState
from bosai.model.gravity import gravest_first
from bosai.model.instruction import Stage
from bosai.model.staff import Session
from bosai.services.delivery_report import sees_exact
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.web.base import OPENED, realm_of, services
from bosai.web.console import at_once, hand, lag_words, words
from bosai.web.console.causes import alarm_words
from bosai.web.console.funnel import not_reached_of, stage_rows
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in
from bosai.web.console.suggestions import suggestions
from shelters.model import Opening
from shelters.sites import opening_of

DELIVERY = "delivery"
"""Each process that delivers says how it does under this name and its own; the board shows them as one."""
QUIET_S = 60.0
"""A part that reported nothing for this long is shown as not answering."""


class Reported(msgspec.Struct):
    """What a part last said of itself, as the store keeps it (JSON)."""

    at: datetime
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHealth:
    """One part of the service, as officers read it. `part`: its name in the store."""

    part: str
    name: str
    ok: bool
    quiet: bool
    detail: str
    at: datetime


def routes() -> list[web.RouteDef]:
    """The board, and dismissing a proposal."""
    return [
        web.get("/hq", _to_board),
        web.get("/hq/", signed_in(board)),
        web.get("/hq/board", signed_in(parts)),
        web.post("/hq/proposals/dismiss", signed_in(dismiss)),
    ]


async def _to_board(request: web.Request) -> web.StreamResponse:
    raise moved(request, "/hq/")


async def board(request: web.Request, officer: Session) -> web.Response:
    """The page."""
    return show(request, "board.html", officer, **await situation(request, officer))


async def parts(request: web.Request, officer: Session) -> web.Response:
    """The page's changing parts alone."""
    return show(request, "_board_parts.html", officer, **await situation(request, officer))


async def dismiss(request: web.Request, officer: Session) -> web.StreamResponse:
    """採用しない, with a reason."""
    form = await request.post()
    try:
        await services(request).proposals.dismiss(
            officer, str(form.get("id", "")), str(form.get("reason", ""))
        )
    except BosaiError as error:
        return refused(request, "board.html", officer, error, **await situation(request, officer))
    raise moved(request, "/hq/", "dismissed")


async def situation(request: web.Request, officer: Session) -> dict[str, Any]:
    """Everything the board shows, read now."""
    here = services(request)
    in_force = sorted(await here.alerts.in_force(), key=gravest_first)
    working = await here.alerts.working()
    tallies, exact = await tallies_of(request, in_force), sees_exact(officer)
    sites, statuses = await here.sites.all(), await here.sites.statuses()
    openings = Counter(opening_of(site, statuses.get(site.site_id)) for site in sites if site.open_to_public)
    reports = [one.present_at for one in statuses.values() if one.present_at is not None]
    return {
        "in_force": in_force,
        "planned": {one.alert.key: await here.alert_store.planned(one.alert.key) for one in in_force},
        "pending": sorted(
            (one for one in working if one.state is AlertState.PENDING_APPROVAL), key=gravest_first
        ),
        "drafts": [one for one in working if one.state is AlertState.DRAFT],
        "suggestions": suggestions(
            await here.proposals.open(), in_force, await here.proposals.about_orders(), here.zones.label
        ),
        "exact": exact,
        "tallies": {one: stage_rows(tally, exact=exact) for one, tally in tallies.items()},
        "not_reached": {one: not_reached_of(tally, exact=exact) for one, tally in tallies.items()},
        "openings": [(one, openings[one]) for one in Opening],
        "sites_total": sum(openings.values()),
        "last_report": max(reports, default=None),
        "taps": await at_once.taps(request, officer),
        "lags": await here.decision_lag.waiting(),
        "lag_words": lag_words,
        "hand": await hand.lines(request, officer),
        "failures": await here.sites.failures(),
        "people_present": sum(one.present_persons or 0 for one in statuses.values()),
        "health": await health(request),
        "subscribers": await here.subscription_store.count(),
    }


async def tallies_of(request: web.Request, records: Sequence[AlertRecord]) -> dict[str, Mapping[Stage, int]]:
    """Incident → how many newest instructions stand at each stage."""
    incidents = dict.fromkeys(one.incident for one in records if one.incident)
    return {one: await services(request).instructions.tally(one) for one in incidents}


async def health(request: web.Request) -> list[PartHealth]:
    """What each part last said, and whether it has fallen silent; all processes that deliver as one."""
    found = await health_rows(request)
    senders = [one for one in found if one.part.partition(":")[0] == DELIVERY]
    others = [one for one in found if one not in senders]
    return sorted([*others, *([_as_one(senders)] if senders else [])], key=lambda one: one.name)


def _as_one(senders: Sequence[PartHealth]) -> PartHealth:
    """Delivery goes on while one process is there, and is faulty when any that is there says so."""
    there = [one for one in senders if not one.quiet]
    faulty = [one for one in there if not one.ok]
    latest = max(senders, key=lambda one: one.at)
    shown = faulty[0] if faulty else latest
    return PartHealth(
        part=DELIVERY,
        name=words.PARTS[DELIVERY],
        ok=bool(there) and not faulty,
        quiet=not there,
        detail=shown.detail or (f"送信の処理 {len(there)}つ" if len(there) > 1 else ""),
        at=latest.at,
    )


async def health_rows(request: web.Request) -> list[PartHealth]:
    """What each part and each process last said, and whether it has fallen silent."""
    now = services(request).clock.now()
    rows = await request.config_dict[OPENED].redis.hgetall(Keys(realm_of(request)).health)
    return sorted(
        (_health(as_text(part), as_bytes(row), now) for part, row in rows.items()), key=lambda one: one.part
    )


def _health(part: str, row: bytes, now: datetime) -> PartHealth:
    kind, _, process = part.partition(":")
    name = words.PARTS.get(kind, kind) + (f" {process}" if process else "")
    try:
        said = msgspec.json.decode(row, type=Reported)
    except msgspec.DecodeError:
        return PartHealth(part=part, name=name, ok=False, quiet=True, detail="読めない記録です", at=now)
    detail = alarm_words(said.detail) if kind == DELIVERY else said.detail
    quiet = part != "telegram" and now - said.at > timedelta(seconds=QUIET_S)
    return PartHealth(part=part, name=name, ok=said.ok and not quiet, quiet=quiet, detail=detail, at=said.at)
