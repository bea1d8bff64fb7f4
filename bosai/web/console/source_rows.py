"""How the sources of telegrams do right now, for the page of telegrams and for the banner of every page."""

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from bosai.feeds.source_health import LOST_IS_FAULT, SourceHealth
from bosai.model.realm import Realm
from bosai.stores.feed_sources import FeedSources
from bosai.web.base import OPENED, realm_of, services

POLLER_QUIET = timedelta(minutes=3)  # a source is noted at the end of every turn


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source. `state`: "ok", "lost" (it answers, and a telegram was given up), "failing" or "silent"."""

    health: SourceHealth
    state: str


def listens(request: web.Request) -> bool:
    """True where this side is meant to hear the feeds: the drill side hears only what is replayed to it."""
    return realm_of(request) is Realm.LIVE and services(request).settings.feeds.enabled


async def source_rows(request: web.Request) -> list[SourceRow]:
    """Every source with its state now; the worst first."""
    here = services(request)
    now, facts = here.clock.now(), here.settings.feeds
    rows = []
    for one in await FeedSources(request.config_dict[OPENED].redis, realm_of(request)).all():
        silent_after = timedelta(minutes=facts.stale_after_min)
        quiet_after = POLLER_QUIET + timedelta(seconds=one.interval_s * one.slowed)
        if one.is_silent(now, silent_after) or now - one.at > quiet_after:
            state = "silent"
        elif one.failures:
            state = "failing"
        else:
            state = "lost" if one.lost_since(now, LOST_IS_FAULT) else "ok"
        rows.append(SourceRow(health=one, state=state))
    order = ("silent", "failing", "lost", "ok")
    return sorted(rows, key=lambda one: order.index(one.state))


async def silent_names(request: web.Request) -> list[str]:
    """Sources that bring nothing: a warning may stand that nobody here knows of."""
    if not listens(request):
        return []
    return [one.health.name_ja for one in await source_rows(request) if one.state == "silent"]
