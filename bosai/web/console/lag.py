"""判断待ち: danger that 気象庁 announced and no order of the city answers, with what HQ can do about it."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError
from bosai.feeds.decision_lag import Lag, Need, Stage
from bosai.feeds.proposals import ProposedAct
from bosai.model.alert import AlertRecord, OrderKind
from bosai.model.staff import Session
from bosai.web.base import services
from bosai.web.console import lag_words
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in
from bosai.web.console.suggestions import Suggestion, suggestions
from geodata.hazards import HazardKind


def routes() -> list[web.RouteDef]:
    """The page, and the reason for not issuing now."""
    return [
        web.get(lag_words.PATH, signed_in(page)),
        web.post(lag_words.PATH + "/answer", signed_in(answer)),
    ]


async def page(request: web.Request, officer: Session) -> web.Response:
    """What waits for a decision, the longest waiting first."""
    return show(request, "lag.html", officer, **await _shown(request))


async def answer(request: web.Request, officer: Session) -> web.StreamResponse:
    """いまは発令しない, with a reason."""
    form = await request.post()
    try:
        await services(request).decision_lag.answer(
            officer, str(form.get("need", "")), str(form.get("reason", ""))
        )
    except BosaiError as error:
        return refused(request, "lag.html", officer, error, **await _shown(request))
    raise moved(request, lag_words.PATH, "lag_answered")


async def _shown(request: web.Request) -> dict[str, Any]:
    here = services(request)
    found = await here.decision_lag.now()
    orders = await here.alerts.in_force() if found else []
    waiting = await here.proposals.open() if found else []
    suggested = suggestions(waiting, orders, await here.proposals.about_orders() if waiting else {})
    return {
        "lags": [_line(one, way_of(one.need, suggested, orders)) for one in found],
        "limits": here.decision_lag.limits,
    }


def way_of(need: Need, suggested: Sequence[Suggestion], orders: Sequence[AlertRecord]) -> tuple[str, str]:
    """(path, label) to the draft that answers a need: its proposal; what stands on the coast, which may be the お知らせ
    that went out at once and closed the proposal; else an empty form."""
    for one in suggested:
        about = one.record.proposal
        is_its = about.subject == need.rule and need.standing.code in about.area_codes
        if one.path and is_its and about.act in _CALLS:
            return one.path, "提案から下書きを作る"
    call = next((one.alert for one in orders if one.alert.is_tsunami_call), None)
    if need.hazard is HazardKind.TSUNAMI and call is not None:
        what = "お知らせ" if call.kind is OrderKind.NOTICE else "避難情報"
        return f"/hq/alerts/new?update={call.alert_id}", f"出ている{what}から避難指示の下書きを作る"
    return "/hq/alerts/new", "下書きを作る"


_CALLS = frozenset({ProposedAct.ISSUE, ProposedAct.UPDATE})


def _line(one: Lag, way: tuple[str, str]) -> dict[str, Any]:
    return {
        "path": way[0],
        "label": way[1],
        "lag": one,
        "sentence": lag_words.sentence(one),
        "announced": lag_words.announced(one.need.standing),
        "proposed": lag_words.proposed(one.need),
        "stage": lag_words.STAGES[one.stage],
        "asks": one.stage in (Stage.NAG, Stage.ESCALATE),
    }
