"""What every page of the console says first, whatever the officer is doing there: things that must not be overlooked.

Each source is one function from a request to banners; add it to SOURCES. A source that fails is logged and its part
left out: no banner may ever cost the page.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from bosai.feeds.decision_lag import Stage
from bosai.services.at_once_watch import troubles_of
from bosai.web.base import services
from bosai.web.console import lag_words
from bosai.web.console.source_rows import silent_names

_log = logging.getLogger(__name__)


class Weight(StrEnum):
    """How loudly a banner is said; an ALARM is read out at once."""

    NOTE = "note"
    WARN = "warn"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """One sentence with one way on. `path` starts with /hq."""

    weight: Weight
    text: str
    path: str
    label: str


BANNERS = web.RequestKey("banners", list[Banner])
"""Where a request keeps them for its page."""

Source = Callable[[web.Request], Awaitable[list[Banner]]]


async def _decision_lag(request: web.Request) -> list[Banner]:
    """One banner for all: in a bad night a phone would show nothing else."""
    waiting = await services(request).decision_lag.waiting()
    if not waiting:
        return []
    late = [one for one in waiting if one.stage is Stage.ESCALATE]
    return [
        Banner(
            weight=Weight.ALARM if late else Weight.WARN,
            text=lag_words.summary(late or waiting, of=len(waiting)),
            path=lag_words.PATH,
            label="判断する",
        )
    ]


async def _feeds_silent(request: web.Request) -> list[Banner]:
    """A feed brings nothing: a warning may stand that nobody here knows of."""
    names = await silent_names(request)
    if not names:
        return []
    text = f"気象庁などの電文が届いていません：{'、'.join(names)}。テレビやJ-ALERTで、いまの発表を確かめてください。"
    return [Banner(weight=Weight.WARN, text=text, path="/hq/telegrams", label="受信の状態を見る")]


async def _at_once(request: web.Request) -> list[Banner]:
    """Whoever trusts that texts go out by themselves has to know, on whatever page, that they would not."""
    troubles = troubles_of(await services(request).at_once.situation())
    if not troubles:
        return []
    return [Banner(weight=Weight.ALARM, text="".join(troubles), path="/hq/at-once", label="確かめる")]


SOURCES: tuple[Source, ...] = (_feeds_silent, _decision_lag, _at_once)


async def banners(request: web.Request) -> list[Banner]:
    """All banners for this side, the loudest first."""
    found: list[Banner] = []
    for source in SOURCES:
        try:
            found += await source(request)
        except Exception:
            _log.exception("a banner of the console can not be made: %s", source.__name__)
    order = list(Weight)
    return sorted(found, key=lambda one: -order.index(one.weight))
