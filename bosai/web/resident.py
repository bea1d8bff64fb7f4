"""The resident's pages: "where do I go now?" without script, registering with it, and what a notification opens.

/                    orders in force ▸ choose a place (name, location, map) ▸ answer for it ▸ register this device
/advice              this device's newest guidance; works without a connection
/check               the self-test: does a message reach this device?
/sw.js               the service worker, whose scope is this side's prefix
/manifest.webmanifest
"""

from dataclasses import replace
from functools import cache
from statistics import median
from typing import Any

import msgspec
from aiohttp import web

from bosai.errors import InvalidInput
from bosai.messages.catalogue import LANGS, is_draft, text
from bosai.messages.measures import time_text
from bosai.messages.wording import DRILL_END
from bosai.model.gravity import gravest_first
from bosai.services.guidance import Guidance
from bosai.web.assets import STATIC_DIR
from bosai.web.base import LANG_COOKIE, html_lang, lang_of, realm_of, render, services
from bosai.web.map_pages import HazardsHere, hazards_here, map_texts
from bosai.web.parsing import number
from bosai.web.resident_checks import STEPS, check_texts
from bosai.web.resident_views import HereView, here_view, order_view
from bosai.web.walk_route import WalkingRoute, way_for_page
from geodata.places import Town

LANG_COOKIE_S = 365 * 24 * 3600
MAX_QUERY_CHARS = 60
MAX_TOWNS = 12
RECEIPT_JITTER_S = 120

_SCRIPT_TEXTS = (
    *(
        "notify.offline",
        "notify.denied",
        "notify.unsupported",
        "notify.ios",
        "notify.push_failed",
        "notify.working",
    ),
    *(
        "notify.done",
        "notify.on",
        "notify.deleted",
        "notify.button",
        "notify.update",
        "notify.location_denied",
    ),
    *(
        "notify.map_failed",
        "current.title",
        "current.none",
        "current.offline",
        "current.stale",
        "current.order",
    ),
    *("reply.title", "reply.going", "reply.arrived", "reply.staying", "reply.elsewhere", "reply.sent"),
    *("reply.queued", "sw.title", "sw.body", "here.reasons"),
)
_SCRIPT_TEMPLATES = {
    "notify.place": ("place",),
    "current.received": ("time",),
    "read_at": ("time",),
    "age": ("minutes",),
    "age_hours": ("hours",),
    "age_days": ("days",),
}


def routes() -> list[web.RouteDef]:
    """The routes of one side."""
    return [
        web.get("/", home),
        web.get("/advice", advice),
        web.get("/check", check),
        web.get("/sw.js", service_worker),
        web.get("/manifest.webmanifest", manifest),
    ]


async def home(request: web.Request) -> web.Response:
    """The first page; with `?q=` towns to choose from, with `?lon=&lat=` the answer for that point."""
    here, lang = services(request), lang_of(request)
    now = here.clock.now()
    in_force = sorted(await here.alert_store.in_force(), key=gravest_first)
    query = request.query.get("q", "").strip()[:MAX_QUERY_CHARS]
    answer, place, hazards, way = await _answer(request)
    config = page_config(request, place) | {"order_in_force": bool(in_force)}
    if way is not None:
        config["route"] = msgspec.to_builtins(way.line)
    return _remembering_language(
        request,
        render(
            request,
            "resident/home.html",
            **_common(request),
            orders=[order_view(one, lang, now) for one in in_force],
            now=now,
            now_text=time_text(now, now),
            query=query,
            towns=here.places.search(query, MAX_TOWNS) if query else [],
            here=answer,
            hazards=hazards,
            way=way,
            page_config=config,
        ),
    )


async def advice(request: web.Request) -> web.Response:
    """The page a notification opens: a shell that this device fills, so that it works without a connection."""
    page = render(request, "resident/advice.html", **_common(request), page_config=page_config(request, None))
    return _remembering_language(request, page)


async def check(request: web.Request) -> web.Response:
    """The self-test, and what a check's notification opens."""
    config = page_config(request, None)
    config["texts"] = config["texts"] | check_texts(lang_of(request))
    page = render(request, "resident/check.html", **_common(request), page_config=config, steps=STEPS)
    return _remembering_language(request, page)


async def service_worker(request: web.Request) -> web.StreamResponse:
    """GET /sw.js. The browser asks again each time, so that a mended worker is taken at once."""
    response = web.FileResponse(
        STATIC_DIR / "resident" / "sw.js",
        headers={
            "Service-Worker-Allowed": f"{realm_of(request).path_prefix}/",
            "Cache-Control": "no-cache",
        },
    )
    response.content_type = "text/javascript"
    return response


async def manifest(request: web.Request) -> web.Response:
    """GET /manifest.webmanifest: an iPhone receives pushes only from an icon on the home screen."""
    realm, lang = realm_of(request), lang_of(request)
    name = text("terms.service", lang)
    mark = "【訓練】" if realm.is_drill else ""
    body = {
        "name": mark + name,
        "short_name": mark + text("resident.advice.title", lang),
        "lang": html_lang(lang),
        "start_url": f"{realm.path_prefix}/",
        "scope": f"{realm.path_prefix}/",
        "id": f"{realm.path_prefix}/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#8a5a00" if realm.is_drill else "#00118f",
        "icons": [
            {"src": f"/static/resident/icon-{realm.value}.png", "sizes": "192x192", "type": "image/png"},
            {"src": f"/static/resident/icon-{realm.value}-512.png", "sizes": "512x512", "type": "image/png"},
        ],
    }
    return web.Response(
        body=msgspec.json.encode(body),
        content_type="application/manifest+json",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"},
    )


Here = tuple[HereView | None, dict[str, Any] | None, HazardsHere | None, WalkingRoute | None]


async def _answer(request: web.Request) -> Here:
    """(what to show, the place for the registration form, the hazard maps there, the way) for `?lon=&lat=`."""
    if "lon" not in request.query and "lat" not in request.query:
        return None, None, None, None
    here, lang = services(request), lang_of(request)
    lon, lat = round(number(request, "lon", -180, 180), 4), round(number(request, "lat", -90, 90), 4)
    west, south, east, north = here.settings.city.bbox_lonlat
    if not (west <= lon <= east and south <= lat <= north):
        raise InvalidInput("lon" if not west <= lon <= east else "lat", "outside_city")
    label = _label(here.places.nearest(lon, lat))
    found = await here.guidance.for_point(lon, lat)
    way = await _way(request, lon, lat, found)
    found = _as_the_way_is(found, way)
    view = here_view(found, label, (lon, lat), realm=here.realm, lang=lang, now=here.clock.now())
    place = {"lon": lon, "lat": lat, "label": label}
    return view, place, await hazards_here(request, lon, lat), way


async def _way(request: web.Request, lon: float, lat: float, found: Guidance) -> WalkingRoute | None:
    """The way to the site that is named, or inland, where there is one and a network knows it."""
    there = found.decision.destination if found.decision else None
    return None if there is None else await way_for_page(request, lon, lat, there.site_id)


def _as_the_way_is(found: Guidance, way: WalkingRoute | None) -> Guidance:
    """Far walks are estimated; where the way itself is shown, the page says one figure and not two."""
    decision = found.decision
    if way is None or decision is None or decision.destination is None:
        return found
    walked = msgspec.structs.replace(
        decision.destination, walk_m=way.metres, walk_s=way.minutes * 60, about=way.about
    )
    return replace(found, decision=msgspec.structs.replace(decision, destination=walked))


def _label(town: Town) -> str:
    return f"{town.ward}{town.name}"


def _common(request: web.Request) -> dict[str, Any]:
    lang = lang_of(request)
    return {"draft": is_draft(lang), "language_links": _language_links(request)}


def _language_links(request: web.Request) -> dict[str, str]:
    """Language → this page in that language."""
    return {lang: str(request.rel_url.update_query(lang=lang)) for lang in LANGS}


def _remembering_language(request: web.Request, response: web.Response) -> web.Response:
    chosen = request.query.get("lang")
    if chosen in LANGS:
        response.set_cookie(
            LANG_COOKIE, chosen, max_age=LANG_COOKIE_S, samesite="Lax", httponly=True, secure=request.secure
        )
    return response


def page_config(request: web.Request, place: dict[str, Any] | None) -> dict[str, Any]:
    """What the scripts need, as data in the page. No secret, and nothing about anybody."""
    here, lang, realm = services(request), lang_of(request), realm_of(request)
    return {
        "prefix": realm.path_prefix,
        "realm": realm.value,
        "lang": lang,
        "html_lang": html_lang(lang),
        "vapid": here.vapid_public_b64url,
        # A test bed (its hosts are never listed in service) waits for receipts.
        "receipt_jitter_s": 0 if here.settings.push.test_hosts else RECEIPT_JITTER_S,
        "place": place,
        "centre": _centre(request),
        "tiles": bool(here.settings.map.tile_url),
        "maps": map_texts(lang),
        "texts": _script_texts(lang) | (_drill_texts(lang) if realm.is_drill else {}),
    }


def _centre(request: web.Request) -> dict[str, float]:
    """Where people live, for a map before a place is chosen: the middle of Sendai's frame lies in its mountains."""
    here = services(request)
    towns = [one for one in here.places.towns if not one.outside_city]
    if towns:
        return {"lon": median(one.lon for one in towns), "lat": median(one.lat for one in towns)}
    west, south, east, north = here.settings.city.bbox_lonlat
    return {"lon": (west + east) / 2, "lat": (south + north) / 2}


@cache
def _script_texts(lang: str) -> dict[str, str]:
    """The sentences the scripts say; templates keep their {placeholders}."""
    plain = {key: text(f"resident.{key}", lang) for key in _SCRIPT_TEXTS}
    filled_later = {
        key: text(f"resident.{key}", lang, **{name: f"{{{name}}}" for name in names})
        for key, names in _SCRIPT_TEMPLATES.items()
    }
    return plain | filled_later


def _drill_texts(lang: str) -> dict[str, str]:
    """What closes a card of the drill side; nothing of it is in a live page."""
    own = text("terms.drill_end", lang)
    return {"drill_end": DRILL_END if own == DRILL_END else f"{own} {DRILL_END}"}
