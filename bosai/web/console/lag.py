"""判断待ち: danger that 気象庁 announced and no order of the city answers, with what HQ can do about it."""

from typing import Any

from aiohttp import web

from bosai.errors import BosaiError
from bosai.feeds.decision_lag import Lag, Stage
from bosai.model.staff import Session
from bosai.web.base import services
from bosai.web.console import lag_words
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in


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
    timer = services(request).decision_lag
    found = await timer.now()
    return {
        "lags": [_line(one) for one in found],
        "limits": timer.limits,
    }


def _line(one: Lag) -> dict[str, Any]:
    return {
        "lag": one,
        "sentence": lag_words.sentence(one),
        "proposed": lag_words.proposed(one.need),
        "stage": lag_words.STAGES[one.stage],
        "asks": one.stage in (Stage.NAG, Stage.ESCALATE),
    }
