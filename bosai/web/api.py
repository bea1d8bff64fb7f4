"""The API under `/api/v1/`: subscriptions, receipts, guidance for a point, and the public picture as GeoJSON.

Three lines a handler: parse, call, answer. The same routes stand on both sides; `shared_routes` stand once.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from bosai.errors import InvalidInput
from bosai.messages.advice import render_advice
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Answer, Delivery, Instruction, Stage
from bosai.model.subscription import Place, PushTarget
from bosai.web.base import OPENED, lang_of, services
from bosai.web.geojson import alert_features, area_feature, site_features
from bosai.web.parsing import bearer, json_body

V1 = "/api/v1"
MAX_RECEIPTS = 50


class NewSubscription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /subscriptions. `subscription` is `PushSubscription.toJSON()` of the browser."""

    subscription: "BrowserSubscription"
    lang: str
    places: tuple[Place, ...]


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


class Receipt(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One receipt: the token of the push, and a stage the device reached or an answer of the person."""

    r: str
    stage: Stage | None = None
    answer: Answer | None = None


def routes() -> list[web.RouteDef]:
    """The routes of one side."""
    return [
        web.post(f"{V1}/subscriptions", register),
        web.get(f"{V1}/subscriptions/{{id}}", read),
        web.put(f"{V1}/subscriptions/{{id}}", change),
        web.delete(f"{V1}/subscriptions/{{id}}", delete),
        web.get(f"{V1}/subscriptions/{{id}}/advice", advice),
        web.post(f"{V1}/receipts", receipts),
        web.get(f"{V1}/towns", towns),
        web.get(f"{V1}/sites.geojson", sites_geojson),
        web.get(f"{V1}/areas.geojson", areas_geojson),
        web.get(f"{V1}/zones.geojson", zones_geojson),
    ]


def shared_routes() -> list[web.RouteDef]:
    """Routes that belong to neither side."""
    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def register(request: web.Request) -> web.Response:
    """Subscribe. 201 with the id and the secret, once both are on disk."""
    wanted = await json_body(request, NewSubscription)
    made = await services(request).subscriptions.register(
        wanted.subscription.target(), wanted.lang, wanted.places
    )
    return _json({"id": made.subscription_id, "secret": made.secret}, status=201)


async def read(request: web.Request) -> web.Response:
    """Everything held about this subscriber."""
    held = await services(request).subscriptions.read(request.match_info["id"], bearer(request))
    return _json(held)


async def change(request: web.Request) -> web.Response:
    """Replace language, places or push keys."""
    wanted = await json_body(request, ChangedSubscription)
    target = wanted.subscription.target() if wanted.subscription else None
    await services(request).subscriptions.replace(
        request.match_info["id"], bearer(request), lang=wanted.lang, places=wanted.places, target=target
    )
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """Forget this subscriber wholly."""
    await services(request).subscriptions.delete(request.match_info["id"], bearer(request))
    return web.Response(status=204)


async def advice(request: web.Request) -> web.Response:
    """The newest instruction for this subscriber and what is in force, read from the store, never from a cache."""
    here = services(request)
    subscription_id = request.match_info["id"]
    await here.subscriptions.authenticate(subscription_id, bearer(request))
    newest = await here.instructions.latest(subscription_id)
    record = await here.alert_store.get(newest[0].alert_key) if newest else None
    return _json(_advice(request, newest, record))


def _advice(
    request: web.Request, newest: tuple[Instruction, Delivery] | None, record: AlertRecord | None
) -> dict[str, Any]:
    here = services(request)
    now = here.clock.now()
    if newest is None or record is None:
        return {"instruction": None, "text": None, "read_at": now}
    instruction, delivery = newest
    words = render_advice(instruction, record, here.realm, lang_of(request), now=now)
    return {"instruction": instruction, "text": words, "answer": delivery.answer, "read_at": now}


async def receipts(request: web.Request) -> web.Response:
    """Receipts of a device, in a batch. 204 even for tokens that say nothing new."""
    batch = await json_body(request, list[Receipt])
    if len(batch) > MAX_RECEIPTS:
        raise InvalidInput("body", "too_many", str(MAX_RECEIPTS))
    here = services(request)
    for number_, one in enumerate(batch):
        wanted = one.answer or one.stage
        if wanted is None:
            raise InvalidInput(f"[{number_}].stage", "missing")
        await here.receipts.record(one.r, wanted)
    return web.Response(status=204)


async def towns(request: web.Request) -> web.Response:
    """Towns by name, in kanji, kana or romaji."""
    found = services(request).places.search(request.query.get("q", "")[:60], limit=12)
    return _json(
        [
            {
                "name": one.name,
                "ward": one.ward,
                "kana": one.kana,
                "romaji": one.romaji,
                "lon": one.lon,
                "lat": one.lat,
            }
            for one in found
        ]
    )


async def sites_geojson(request: web.Request) -> web.Response:
    """Every site with what is known of it now."""
    here = services(request)
    return _geojson(site_features(await here.sites.all(), await here.sites.statuses()))


async def areas_geojson(request: web.Request) -> web.Response:
    """The areas of every order in force."""
    return _geojson(alert_features(await services(request).alert_store.in_force()))


async def zones_geojson(request: web.Request) -> web.Response:
    """Named zones known beforehand (tsunami evacuation areas …), marked when they are samples."""
    return _geojson([area_feature(key, area) for key, area in services(request).zones.tsunami().items()])


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
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _geojson(features: Sequence[dict[str, Any]]) -> web.Response:
    body = msgspec.json.encode({"type": "FeatureCollection", "features": features})
    return web.Response(body=body, content_type="application/geo+json", headers={"Cache-Control": "no-cache"})
