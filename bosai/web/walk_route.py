"""The way on foot from a place to a site: a line for the map, and the same way as a list of sentences.

POST /route {from, site} ─▶ services.geo.route (past the live areas) ─▶ WalkingRoute

A place never stands in an address, a log or a cache: it comes in a body and the answer is kept by nobody.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
from aiohttp import web

from bosai.errors import InvalidInput, NotFound, Overloaded
from bosai.messages.catalogue import text
from bosai.messages.measures import minutes_of
from bosai.messages.route_steps import step_texts, total_text
from bosai.model.subscription import PaceClass
from bosai.services.planning import is_night
from bosai.settings_schema import Settings
from bosai.web.base import lang_of, services
from bosai.web.parsing import json_body
from bosai.web.shedding import GATE
from geodata.foot import Foot
from shelters.sites import opening_of

if TYPE_CHECKING:  # it loads SciPy, which a process without an imported network never needs
    from geodata.routes import WalkRoute

AT_ONCE = 2
WAITING = 40
"""Searches one after the other: the threads are needed for guidance and for what people answer."""
AGAIN_S = 10
API_WAIT_S = 5.0
PAGE_WAIT_S = 1.0
"""A page that says where to go never waits longer for the way there."""
DECIMALS = 4  # about 10 m; finer is not needed and not kept
LINE_DECIMALS = 6


class RoutePoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the way begins, degrees."""

    lon: float
    lat: float


class WantedRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """POST /route. No `site`: the quickest way out of the areas of the tsunamis in force. `step_free`: no stairs."""

    start: RoutePoint = msgspec.field(name="from")
    site: str | None = None
    pace: PaceClass = PaceClass.UNKNOWN
    step_free: bool = False


class RouteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON LineString (lon, lat)."""

    type: Literal["LineString"] = "LineString"
    coordinates: tuple[tuple[float, float], ...]


class RouteStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `text` is in the reader's language; `name` is what of it is Japanese in every language."""

    turn: str
    kind: str
    metres: int
    text: str
    name: str
    lon: float
    lat: float


class WalkingRoute(msgspec.Struct, frozen=True, kw_only=True):
    """The way as it is known now.

    `known` false: no network covers it, no way past the areas in force was found, or the site takes nobody now.
    """

    known: bool
    line: RouteLine | None = None
    metres: int = 0
    minutes: int = 0
    about: bool = False  # part of it is a straight line
    total: str = ""
    notes: tuple[str, ...] = ()
    steps: tuple[RouteStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Who walks."""

    pace: PaceClass = PaceClass.UNKNOWN
    step_free: bool = False

    @property
    def foot(self) -> Foot:
        """For whom slopes and stairs are weighed; who said nothing is taken for slow."""
        if self.step_free:
            return Foot.STEP_FREE
        return Foot.STANDARD if self.pace is PaceClass.STANDARD else Foot.SLOW


class WaySlots:
    """At most so many searches at once in this process, and only so many who wait for one."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._waiting = 0

    @asynccontextmanager
    async def one(self, wait_s: float) -> AsyncIterator[None]:
        """A turn. Raises Overloaded when it would not come within `wait_s`."""
        if self._waiting >= self._most_waiting:
            raise Overloaded(AGAIN_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise Overloaded(AGAIN_S) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


WAYS: web.AppKey[WaySlots] = web.AppKey("WAYS", WaySlots)


async def route(request: web.Request) -> web.Response:
    """The way on foot from a place to a site, past the areas of orders in force."""
    wanted = await json_body(request, WantedRoute)
    walker = Walker(pace=wanted.pace, step_free=wanted.step_free)
    if request.config_dict[GATE].is_loaded:
        raise Overloaded(AGAIN_S)
    found = await way_to(request, wanted.start.lon, wanted.start.lat, wanted.site, walker, wait_s=API_WAIT_S)
    return web.Response(
        body=msgspec.json.encode(found),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def way_for_page(
    request: web.Request, lon: float, lat: float, site_id: str | None
) -> WalkingRoute | None:
    """The way beside advice that stands without it: None where it is not known, or not in time."""
    if request.config_dict[GATE].is_loaded:
        return None
    try:
        way = await way_to(request, lon, lat, site_id, wait_s=PAGE_WAIT_S)
    except (Overloaded, NotFound):  # a site that an import has just taken away
        return None
    return way if way.known else None


async def way_to(
    request: web.Request,
    lon: float,
    lat: float,
    site_id: str | None,
    walker: Walker | None = None,
    *,
    wait_s: float,
) -> WalkingRoute:
    """The way in the reader's words; without a site the way inland.

    Raises InvalidInput outside the city, NotFound for a site nobody knows, Overloaded when too many ask.
    """
    here, lang, walker = services(request), lang_of(request), walker or Walker()
    west, south, east, north = here.settings.city.bbox_lonlat
    if not (west <= lon <= east and south <= lat <= north):
        raise InvalidInput("lon" if not west <= lon <= east else "lat", "outside_city")
    place = ""
    if site_id is not None:
        site = await here.sites.get(site_id)
        place = site.name
        if opening_of(site, await here.sites.status(site_id)).excludes:
            return WalkingRoute(known=False)
    start = (round(lon, DECIMALS), round(lat, DECIMALS))
    async with request.config_dict[WAYS].one(wait_s):
        found = await here.geo.route(start, site_id, foot=walker.foot)
    if found is None:
        return WalkingRoute(known=False)
    night = is_night(here.clock.now(), here.settings)
    seconds = found.seconds(speed_mps(here.settings, walker.pace, night=night))
    return in_words(found, place, lang, minutes=minutes_of(round(seconds)))


def speed_mps(settings: Settings, pace: PaceClass, *, night: bool) -> float:
    """On level ground, as the planner counts it."""
    by_pace: dict[str, float] = msgspec.structs.asdict(settings.planner.pace_m_s)
    return by_pace[pace.value] * (settings.planner.night_factor if night else 1.0)


def in_words(found: "WalkRoute", place: str, lang: str, *, minutes: int) -> WalkingRoute:
    """A way as geodata found it, with its sentences."""
    notes = (text("maps.route.look", lang), *((text("maps.route.about", lang),) if found.about else ()))
    return WalkingRoute(
        known=True,
        line=RouteLine(
            coordinates=tuple(
                (round(float(lon), LINE_DECIMALS), round(float(lat), LINE_DECIMALS))
                for lon, lat in found.lonlat
            )
        ),
        metres=round(found.metres),
        minutes=minutes,
        about=found.about,
        total=total_text(found.metres, minutes, lang=lang),
        notes=notes,
        steps=tuple(
            RouteStep(
                turn=step.turn.value,
                kind=step.kind.value,
                metres=round(step.metres),
                text=words.text,
                name=words.name,
                lon=round(step.lon, LINE_DECIMALS),
                lat=round(step.lat, LINE_DECIMALS),
            )
            for step in found.steps
            for words in step_texts(step, place, lang=lang)
        ),
    )
