"""Ending an order: 解除 (over; two persons), 取消 (a mistake; one person, at once), or letting it stand (見直し).

解除, 取消 and 訂正 never share a page or a button: a correction that goes out as a lift has happened.
"""

import logging
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, NotFound, WrongState
from bosai.model.alert import Act, AlertRecord, AlertState
from bosai.model.staff import Permission, Session
from bosai.services.alerts import DraftForm
from bosai.web.base import services
from bosai.web.console.orders import key_of
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in

_log = logging.getLogger(__name__)


def routes() -> list[web.RouteDef]:
    """Pages and posts for a whole order."""
    lift, recall = "/hq/alerts/{id}/lift", "/hq/alerts/{id}/recall"
    edit_lift = r"/hq/alerts/{id}/{version:\d+}/edit-lift"
    return [
        web.get(lift, signed_in(lift_page, Permission.DRAFT)),
        web.post(lift, signed_in(draft_lift, Permission.DRAFT)),
        web.get(edit_lift, signed_in(edit_lift_page, Permission.DRAFT)),
        web.post(edit_lift, signed_in(redraft_lift, Permission.DRAFT)),
        web.get(recall, signed_in(recall_page, Permission.RECALL)),
        web.post(recall, signed_in(do_recall, Permission.RECALL)),
        web.post("/hq/alerts/{id}/review", signed_in(review)),
    ]


async def lift_page(request: web.Request, officer: Session) -> web.Response:
    """The reason for a lift; a second officer approves it like an order."""
    record = await _in_force(request)
    reason = await _reason_of_proposal(request)
    return show(request, "lift.html", officer, record=record, draft=None, reason=reason)


async def draft_lift(request: web.Request, officer: Session) -> web.StreamResponse:
    """The lift as a draft."""
    record = await _in_force(request)
    reason = str((await request.post()).get("reason", ""))
    try:
        made = await services(request).alerts.draft_lift(officer, record.alert.alert_id, reason)
    except BosaiError as error:
        return refused(request, "lift.html", officer, error, record=record, draft=None, reason=reason)
    await _adopt(request, officer, made)
    raise moved(request, f"/hq/alerts/{made.alert.alert_id}/{made.alert.version}", "drafted")


async def edit_lift_page(request: web.Request, officer: Session) -> web.Response:
    """Another reason for a lift that was not released yet."""
    draft = await _lift_draft(request)
    return show(request, "lift.html", officer, record=draft, draft=draft, reason=draft.alert.reason)


async def redraft_lift(request: web.Request, officer: Session) -> web.StreamResponse:
    """Only the reason of a lift can change: it always ends the whole order."""
    draft = await _lift_draft(request)
    reason = str((await request.post()).get("reason", ""))
    alert = draft.alert
    form = DraftForm(
        hazard=alert.hazard,
        kind=alert.kind,
        tsunami_class=alert.tsunami_class,
        area=alert.area,
        reason=reason,
        expected_arrival_at=alert.expected_arrival_at,
        review_after_min=alert.review_after_min,
    )
    try:
        await services(request).alerts.redraft(officer, alert.key, form)
    except BosaiError as error:
        return refused(request, "lift.html", officer, error, record=draft, draft=draft, reason=reason)
    raise moved(request, f"/hq/alerts/{alert.alert_id}/{alert.version}", "drafted")


async def recall_page(request: web.Request, officer: Session) -> web.Response:
    """The reason and the typed words for taking a mistake back."""
    return show(request, "recall.html", officer, **await _recall_context(request), reason="", typed="")


async def do_recall(request: web.Request, officer: Session) -> web.StreamResponse:
    """取消: one person, at once, everybody who was told hears it."""
    form = await request.post()
    reason, typed = str(form.get("reason", "")), str(form.get("typed", ""))
    context = await _recall_context(request)
    try:
        made = await services(request).alerts.recall(officer, request.match_info["id"], reason, typed)
    except BosaiError as error:
        return refused(request, "recall.html", officer, error, **context, reason=reason, typed=typed)
    raise moved(request, f"/hq/alerts/{made.alert.alert_id}/{made.alert.version}", "recalled")


async def review(request: web.Request, officer: Session) -> web.StreamResponse:
    """HQ has looked: the order stands."""
    record = await services(request).alerts.answer_review(officer, request.match_info["id"])
    raise moved(request, f"/hq/alerts/{record.alert.alert_id}/{record.alert.version}", "reviewed")


async def _in_force(request: web.Request) -> AlertRecord:
    alert_id = request.match_info["id"]
    found = next(
        (one for one in await services(request).alerts.in_force() if one.alert.alert_id == alert_id), None
    )
    if found is not None:
        return found
    history = await services(request).alerts.history(alert_id)  # NotFound when there is no such order at all
    raise WrongState(f"alert:{alert_id}", history[-1].state.value, AlertState.ISSUED.value)


async def _lift_draft(request: web.Request) -> AlertRecord:
    record = await services(request).alerts.get(key_of(request))
    if record.alert.act is not Act.LIFT:
        raise NotFound("alert", record.alert.key)
    return record


async def _recall_context(request: web.Request) -> dict[str, Any]:
    record = await _in_force(request)
    return {
        "record": record,
        "confirmation": services(request).alerts.confirmation_words(record, Act.RECALL),
        "told": sum((await services(request).instructions.tally(record.incident)).values())
        if record.incident
        else 0,
    }


async def _reason_of_proposal(request: web.Request) -> str:
    wanted = request.query.get("proposal")
    if not wanted:
        return ""
    proposal = (await services(request).proposals.get(wanted)).proposal
    return f"気象庁「{proposal.telegram_title}」{proposal.headline}".strip()


async def _adopt(request: web.Request, officer: Session, made: AlertRecord) -> None:
    """The proposal that led here is done with; one that was closed meanwhile stays as it is."""
    wanted = request.query.get("proposal")
    if not wanted:
        return
    try:
        await services(request).proposals.adopted(wanted, made.alert.key, officer.name)
    except (WrongState, NotFound):
        _log.info("proposal %s was closed before it was adopted", wanted)
