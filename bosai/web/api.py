"""The API under `/api/v1/`: subscriptions, receipts, towns by name, and the public picture as GeoJSON.

Three lines a handler: parse, call, answer. `ROUTES` is the one table: the router and `/api/openapi.json` are made
from it. The same routes stand on both sides; `shared_routes` stand once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from aiohttp import web

from bosai.errors import (
    BosaiError,
    InvalidInput,
    NotFound,
    Overloaded,
    PushHostRefused,
    SealBroken,
    TooManyTries,
    WrongSecret,
)
from bosai.messages.advice import AdviceText, render_advice
from bosai.model.instruction import Answer, Instruction, Stage
from bosai.model.subscription import Place, PushTarget, Subscription
from bosai.services.checks import SelfTest, SelfTestStatus
from bosai.services.current import current_advice
from bosai.services.place_extras import Extras
from bosai.web.base import OPENED, lang_of, services
from bosai.web.geojson import GEOJSON, alert_features, area_feature, live_answer, site_features
from bosai.web.map_layers import MapLayers, hazard_layers, hazards_geojson, roads_geojson
from bosai.web.parsing import bearer, json_body
from bosai.web.rate_limit import admit, client_of, limited
from bosai.web.resident_checks import read_self_test, start_self_test
from bosai.web.shedding import AGAIN_S, GATE
from bosai.web.walk_route import WalkingRoute, WantedRoute, route

V1 = "/api/v1"
MAX_RECEIPTS = 50


class NewSubscription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /subscriptions. `subscription` is `PushSubscription.toJSON()` of the browser."""

    subscription: "BrowserSubscription"
    lang: str
    places: tuple[Place, ...]
    checks: bool = True  # the monthly check
    today_only: bool = False  # the places end at the local midnight
    welfare_code: str = ""  # from the ward: opens a welfare shelter to the household


class BrowserKeys(msgspec.Struct, kw_only=True):
    """`keys` of a browser's PushSubscription, base64url."""

    p256dh: str
    auth: str


class BrowserSubscription(msgspec.Struct, kw_only=True):
    """A browser's PushSubscription; other members (expirationTime) are ignored."""

    endpoint: str
    keys: BrowserKeys

    def target(self) -> PushTarget:
        """The *push* part."""
        return PushTarget(endpoint=self.endpoint, p256dh=self.keys.p256dh, auth=self.keys.auth)


class ChangedSubscription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /subscriptions/{id}: what is given is replaced, what is absent stays."""

    subscription: BrowserSubscription | None = None
    lang: str | None = None
    places: tuple[Place, ...] | None = None
    checks: bool | None = None
    today_only: bool = False  # of the places given
    welfare_code: str = ""  # of the places given


class Receipt(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One receipt: the token of the push, and a stage the device reached or an answer of the person."""

    r: str
    stage: Literal["displayed", "opened"] | None = None
    answer: Answer | None = None


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps: the id, and the secret that opens it (told this once)."""

    id: str
    secret: str


class CurrentAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The newest instruction and its words, or nulls while there is none. `read_at`: this moment."""

    instruction: Instruction | None
    text: AdviceText | None
    answer: Answer | None = None
    r: str | None = None  # the receipt token of the instruction, for answers from this page
    read_at: datetime


class FoundTown(msgspec.Struct, frozen=True, kw_only=True):
    """A town by name, with the point that stands for it."""

    name: str
    ward: str
    kana: str
    romaji: str
    lon: float
    lat: float


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON feature (RFC 7946; lon, lat)."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: dict[str, Any]
    properties: dict[str, Any]


class FeatureCollection(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON feature collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[Feature, ...]


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """One row of the table. `problems`: the facts that may stop it, beside those any request may meet."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str  # below /api/v1
    handler: Handler
    body: Any = None  # the type `json_body` reads
    answer: Any = None  # the type of the body; None: 204
    status: int = 200
    media: str = JSON
    query: tuple[tuple[str, str], ...] = ()  # (name, what it is)
    needs_secret: bool = False
    is_limited: bool = False
    problems: tuple[type[BosaiError], ...] = ()


def routes() -> list[web.RouteDef]:
    """The routes of one side."""
    return [
        web.route(one.method, f"{V1}{one.path}", limited(one.handler) if one.is_limited else one.handler)
        for one in ROUTES
    ]


def shared_routes() -> list[web.RouteDef]:
    """Routes that belong to neither side."""
    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def register(request: web.Request) -> web.Response:
    """Subscribe. 201 with the id and the secret, once both are on disk."""
    wanted = await json_body(request, NewSubscription)
    made = await services(request).subscriptions.register(
        wanted.subscription.target(),
        wanted.lang,
        wanted.places,
        wants_checks=wanted.checks,
        extras=_extras(request, wanted),
    )
    return _json(Created(id=made.subscription_id, secret=made.secret), status=201)


async def read(request: web.Request) -> web.Response:
    """Everything held about this subscriber."""
    held = await services(request).subscriptions.read(request.match_info["id"], bearer(request))
    return _json(held)


async def change(request: web.Request) -> web.Response:
    """Replace language, places, push keys or the wish for monthly checks."""
    wanted = await json_body(request, ChangedSubscription)
    target = wanted.subscription.target() if wanted.subscription else None
    await services(request).subscriptions.replace(
        request.match_info["id"],
        bearer(request),
        lang=wanted.lang,
        places=wanted.places,
        target=target,
        wants_checks=wanted.checks,
        extras=_extras(request, wanted),
    )
    return web.Response(status=204)


def _extras(request: web.Request, wanted: NewSubscription | ChangedSubscription) -> Extras:
    return Extras(
        today_only=wanted.today_only, welfare_code=wanted.welfare_code[:60], client=client_of(request)
    )


async def delete(request: web.Request) -> web.Response:
    """Forget this subscriber wholly."""
    await services(request).subscriptions.delete(request.match_info["id"], bearer(request))
    return web.Response(status=204)


async def advice(request: web.Request) -> web.Response:
    """The newest instruction for this subscriber and what is in force, read from the store, never from a cache."""
    here = services(request)
    subscription_id = request.match_info["id"]
    await here.subscriptions.authenticate(subscription_id, bearer(request))
    now = here.clock.now()
    found = await current_advice(here.instructions, here.alert_store, subscription_id)
    if found is None:
        return _json(CurrentAdvice(instruction=None, text=None, read_at=now))
    instruction, delivery, record = found
    if not delivery.heard:
        await here.instructions.note_seen(instruction)
    return _json(
        CurrentAdvice(
            instruction=instruction,
            text=render_advice(instruction, record, here.realm, lang_of(request), now=now),
            answer=delivery.answer,
            r=here.receipts.token_for(instruction),
            read_at=now,
        )
    )


async def receipts(request: web.Request) -> web.Response:
    """Receipts of a device, in a batch. 204 also for tokens that say nothing new.

    A token that is not ours is passed over, so that it does not spoil the others; when none is ours, 403. Answers are
    taken whatever the load; when "displayed" and "opened" have to wait, 503, and the device sends all of it again.
    """
    batch = await json_body(request, list[Receipt])
    if len(batch) > MAX_RECEIPTS:
        raise InvalidInput("body", "too_many", str(MAX_RECEIPTS))
    reports = [(one.r, _reported(one, row)) for row, one in enumerate(batch)]
    gate = request.config_dict[GATE]
    answered, loaded = any(one.answer for one in batch), gate.is_loaded
    # A whole carrier may stand behind one address: an answer with its token is not held up by that.
    if not answered:
        admit(request)
        if loaded:
            raise Overloaded(AGAIN_S)
    with gate.one_more():
        report = await services(request).receipts.record_many(reports, answers_only=loaded)
    if batch and report.refused == len(batch):
        admit(request)
        raise WrongSecret
    if report.later:
        raise Overloaded(AGAIN_S)
    return web.Response(status=204)


def _reported(one: Receipt, row: int) -> Stage | Answer:
    if one.answer is not None:
        return one.answer
    if one.stage is None:
        raise InvalidInput(f"[{row}].stage", "missing")
    return Stage(one.stage)


async def towns(request: web.Request) -> web.Response:
    """Towns by name, in kanji, kana or romaji."""
    found = services(request).places.search(request.query.get("q", "")[:60], limit=12)
    return _json(
        [
            FoundTown(
                name=one.name, ward=one.ward, kana=one.kana, romaji=one.romaji, lon=one.lon, lat=one.lat
            )
            for one in found
        ]
    )


async def sites_geojson(request: web.Request) -> web.Response:
    """Every site with what is known of it now."""
    here = services(request)
    return await live_answer(request, site_features(await here.sites.all(), await here.sites.statuses()))


async def areas_geojson(request: web.Request) -> web.Response:
    """The areas of every order in force."""
    return await live_answer(request, alert_features(await services(request).alert_store.in_force()))


async def zones_geojson(request: web.Request) -> web.Response:
    """Named zones known beforehand (tsunami evacuation areas …), marked when they are samples."""
    zones = services(request).zones.tsunami()
    return await live_answer(request, [area_feature(key, area) for key, area in zones.items()])


async def healthz(_request: web.Request) -> web.Response:
    """This process answers."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """This process answers and its store does too."""
    await request.config_dict[OPENED].redis.ping()
    return web.Response(text="ready\n")


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type=JSON,
        headers={"Cache-Control": "no-store"},
    )


_ONE = "/subscriptions/{id}"
_OPENED = (NotFound, WrongSecret)
ROUTES: tuple[ApiRoute, ...] = (
    ApiRoute(
        method="POST",
        path="/subscriptions",
        handler=register,
        body=NewSubscription,
        answer=Created,
        status=201,
        is_limited=True,
        problems=(PushHostRefused,),
    ),
    ApiRoute(
        method="GET",
        path=_ONE,
        handler=read,
        answer=Subscription,
        needs_secret=True,
        problems=(*_OPENED, SealBroken),
    ),
    ApiRoute(
        method="PUT",
        path=_ONE,
        handler=change,
        body=ChangedSubscription,
        status=204,
        needs_secret=True,
        problems=(*_OPENED, PushHostRefused, SealBroken),
    ),
    ApiRoute(method="DELETE", path=_ONE, handler=delete, status=204, needs_secret=True, problems=_OPENED),
    ApiRoute(
        method="GET",
        path=f"{_ONE}/advice",
        handler=advice,
        answer=CurrentAdvice,
        needs_secret=True,
        problems=_OPENED,
    ),
    ApiRoute(
        method="POST",
        path=f"{_ONE}/self-test",
        handler=start_self_test,
        answer=SelfTest,
        status=202,
        needs_secret=True,
        is_limited=True,
        problems=_OPENED,
    ),
    ApiRoute(
        method="GET",
        path=f"{_ONE}/self-test",
        handler=read_self_test,
        answer=SelfTestStatus,
        needs_secret=True,
        problems=_OPENED,
    ),
    ApiRoute(
        method="POST",
        path="/receipts",
        handler=receipts,
        body=list[Receipt],
        status=204,
        problems=(WrongSecret, TooManyTries, Overloaded),
    ),
    ApiRoute(
        method="GET",
        path="/towns",
        handler=towns,
        answer=list[FoundTown],
        query=(("q", "a name in kanji, kana or romaji, or its beginning"),),
    ),
    ApiRoute(
        method="GET", path="/sites.geojson", handler=sites_geojson, answer=FeatureCollection, media=GEOJSON
    ),
    ApiRoute(
        method="GET", path="/areas.geojson", handler=areas_geojson, answer=FeatureCollection, media=GEOJSON
    ),
    ApiRoute(
        method="GET", path="/zones.geojson", handler=zones_geojson, answer=FeatureCollection, media=GEOJSON
    ),
    ApiRoute(
        method="POST",
        path="/route",
        handler=route,
        body=WantedRoute,
        answer=WalkingRoute,
        is_limited=True,
        problems=(NotFound, Overloaded),
    ),
    ApiRoute(method="GET", path="/hazard-layers", handler=hazard_layers, answer=MapLayers),
    ApiRoute(
        method="GET",
        path="/hazards.geojson",
        handler=hazards_geojson,
        answer=FeatureCollection,
        media=GEOJSON,
        query=(("layer", "a key of /hazard-layers"), ("zoom", "of a map of 512-pixel tiles, 0 to 24")),
        problems=(InvalidInput,),
    ),
    ApiRoute(
        method="GET",
        path="/roads.geojson",
        handler=roads_geojson,
        answer=FeatureCollection,
        media=GEOJSON,
        query=(("zoom", "of a map of 512-pixel tiles, 0 to 24"),),
        problems=(InvalidInput,),
    ),
)
