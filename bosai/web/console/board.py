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
from bosai.feeds.proposals import ProposedAct
from bosai.model.alert import AlertRecord, AlertState
from bosai.model.gravity import gravest_first
from bosai.model.instruction import Stage
from bosai.model.staff import Session
from bosai.services.proposals import ProposalRecord
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.web.base import OPENED, realm_of, services
from bosai.web.console import words
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in
from shelters.model import Opening
from shelters.sites import opening_of

UNREACHED = (Stage.RETIRED, Stage.EXPIRED, Stage.FAILED)
"""Stages at which nothing more will happen; who still waits is counted by its own stage."""
QUIET_S = 60.0
"""A part that reported nothing for this long is shown as not answering."""


class Reported(msgspec.Struct):
    """What a part last said of itself, as the store keeps it (JSON)."""

    at: datetime
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHealth:
    """One part of the service, as officers read it."""

    name: str
    ok: bool
    quiet: bool
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An open proposal with the page where it is taken up ("" where there is nothing to draft)."""

    record: ProposalRecord
    path: str
    label: str


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
    return show(request, "board.html", officer, **await situation(request))


async def parts(request: web.Request, officer: Session) -> web.Response:
    """The page's changing parts alone."""
    return show(request, "_board_parts.html", officer, **await situation(request))


async def dismiss(request: web.Request, officer: Session) -> web.StreamResponse:
    """採用しない, with a reason."""
    form = await request.post()
    try:
        await services(request).proposals.dismiss(
            officer, str(form.get("id", "")), str(form.get("reason", ""))
        )
    except BosaiError as error:
        return refused(request, "board.html", officer, error, **await situation(request))
    raise moved(request, "/hq/", "dismissed")


async def situation(request: web.Request) -> dict[str, Any]:
    """Everything the board shows, read now."""
    here = services(request)
    in_force = sorted(await here.alerts.in_force(), key=gravest_first)
    working = await here.alerts.working()
    tallies = await tallies_of(request, in_force)
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
        "suggestions": suggestions(await here.proposals.open(), in_force),
        "tallies": tallies,
        "not_reached": {
            one: sum(tally.get(stage, 0) for stage in UNREACHED) for one, tally in tallies.items()
        },
        "stages": stage_rows,
        "openings": [(one, openings[one]) for one in Opening],
        "sites_total": sum(openings.values()),
        "last_report": max(reports, default=None),
        "people_present": sum(one.present_persons or 0 for one in statuses.values()),
        "health": await health(request),
        "subscribers": await here.subscription_store.count(),
    }


async def tallies_of(request: web.Request, records: Sequence[AlertRecord]) -> dict[str, Mapping[Stage, int]]:
    """Incident → how many newest instructions stand at each stage."""
    incidents = dict.fromkeys(one.incident for one in records if one.incident)
    return {one: await services(request).instructions.tally(one) for one in incidents}


def stage_rows(tally: Mapping[Stage, int]) -> list[tuple[Stage, str, int]]:
    """Every stage with its word and count, in the order a message travels; replaced ones are history and left out."""
    return [(one, words.STAGES[one], tally.get(one, 0)) for one in Stage if one is not Stage.REPLACED]


def suggestions(open_ones: Sequence[ProposalRecord], in_force: Sequence[AlertRecord]) -> list[Suggestion]:
    """Where each proposal leads: a new draft, or the order in force that it is about."""
    return [_suggestion(one, in_force) for one in open_ones]


def _suggestion(record: ProposalRecord, in_force: Sequence[AlertRecord]) -> Suggestion:
    proposal = record.proposal
    order = next((one.alert for one in in_force if one.alert.hazard == proposal.hazard), None)
    query = f"proposal={proposal.id}"
    match proposal.act:
        case ProposedAct.ISSUE | ProposedAct.UPDATE if order is not None:
            path, label = f"/hq/alerts/new?update={order.alert_id}&{query}", "更新の下書きを作る"
        case ProposedAct.ISSUE | ProposedAct.UPDATE:
            path, label = f"/hq/alerts/new?{query}", "下書きを作る"
        case ProposedAct.LIFT if order is not None:
            path, label = f"/hq/alerts/{order.alert_id}/lift?{query}", "解除の下書きを作る"
        case ProposedAct.RECALL if order is not None:
            path, label = f"/hq/alerts/{order.alert_id}/{order.version}", "発令中の避難指示を確かめる"
        case _:
            path, label = "", ""
    return Suggestion(record=record, path=path, label=label)


async def health(request: web.Request) -> list[PartHealth]:
    """What each part last said, and whether it has fallen silent."""
    now = services(request).clock.now()
    rows = await request.config_dict[OPENED].redis.hgetall(Keys(realm_of(request)).health)
    return sorted(
        (_health(as_text(part), as_bytes(row), now) for part, row in rows.items()), key=lambda one: one.name
    )


def _health(part: str, row: bytes, now: datetime) -> PartHealth:
    name = words.PARTS.get(part, part)
    try:
        said = msgspec.json.decode(row, type=Reported)
    except msgspec.DecodeError:
        return PartHealth(name=name, ok=False, quiet=True, detail="読めない記録です", at=now)
    quiet = part != "telegram" and now - said.at > timedelta(seconds=QUIET_S)
    return PartHealth(name=name, ok=said.ok and not quiet, quiet=quiet, detail=said.detail, at=said.at)
