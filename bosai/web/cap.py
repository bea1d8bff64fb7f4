"""Open CAP: the Atom feed, each signed message at an address of its own, and the certificate to check them with.

Live under `/alerts…`, drills under `/drill/alerts…`; neither lists or serves anything of the other.
"""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

from bosai.channels.cap_atom import ATOM_MEDIA, CAP_MEDIA
from bosai.errors import NotFound
from bosai.web.api import ApiRoute
from bosai.web.base import services
from bosai.web.packed import LIVE, answer

PEM_MEDIA = "application/x-pem-file"
SHORT = "public, max-age=10"
"""Whoever polls sees a release within seconds, and a crowd of pollers costs a proxy and not us."""
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def routes() -> list[web.RouteDef]:
    """The routes of one side."""
    return [
        *(web.get(one.path, one.handler) for one in CAP_ROUTES),
        *(web.options(one.path, preflight) for one in CAP_ROUTES),
    ]


async def feed(request: web.Request) -> web.StreamResponse:
    """Orders and notices in force, and what ended lately, as an Atom feed of CAP 1.2 messages."""
    cap = services(request).cap
    listing = await cap.listing()
    about = "\n".join([str(listing.updated), *(one.identifier for one in listing.entries)])
    key = ("cap", cap.realm, hashlib.blake2b(about.encode(), digest_size=16).digest())
    packed = await request.config_dict[LIVE].get(key, lambda: cap.atom(listing))
    return _opened(request, answer(request, packed, media=ATOM_MEDIA, cache_control=SHORT), listing.updated)


async def message(request: web.Request) -> web.StreamResponse:
    """One CAP 1.2 message, signed, byte for byte as it was first sent; of an order's id, the newest about it."""
    cap = services(request).cap
    identifier = await cap.named(request.match_info["id"])
    xml, sent = await cap.document(identifier)
    packed = await request.config_dict[LIVE].get(("cap", cap.realm, identifier), lambda: xml)
    return _opened(request, answer(request, packed, media=CAP_MEDIA, cache_control=SHORT), sent)


async def certificate(request: web.Request) -> web.StreamResponse:
    """The certificate of the key that signs the messages of this side, in PEM."""
    pem = services(request).cap.signer.certificate_pem
    return web.Response(
        body=pem, content_type=PEM_MEDIA, headers={**_OPEN, "Cache-Control": "public, max-age=3600"}
    )


async def preflight(_request: web.Request) -> web.Response:
    """What a browser asks before it sends our tag back from another site."""
    return web.Response(
        status=204,
        headers={
            **_OPEN,
            "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
            "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
            "Access-Control-Max-Age": "86400",
        },
    )


def _opened(request: web.Request, response: web.Response, changed: datetime) -> web.Response:
    """With the date, for any site, and 304 to who has it by date and sent no tag (RFC 9110 §13.1.3)."""
    changed = changed.astimezone(UTC).replace(microsecond=0)
    headers = {**_OPEN, "Last-Modified": format_datetime(changed, usegmt=True)}
    since = request.if_modified_since
    if response.status == 200 and not request.headers.get("If-None-Match") and since and since >= changed:
        kept = {name: response.headers[name] for name in ("Cache-Control", "Vary", "ETag")}
        return web.Response(status=304, headers={**kept, **headers})
    response.headers.update(headers)
    if response.status == 200:
        response.charset = "utf-8"  # browsers show a feed as plain text and guess its letters
    return response


CAP_ROUTES: tuple[ApiRoute, ...] = (
    ApiRoute(method="GET", path="/alerts.atom", handler=feed, answer=str, media=ATOM_MEDIA),
    ApiRoute(method="GET", path="/alerts/certificate.pem", handler=certificate, answer=str, media=PEM_MEDIA),
    ApiRoute(
        method="GET",
        path="/alerts/{id}.cap.xml",
        handler=message,
        answer=str,
        media=CAP_MEDIA,
        problems=(NotFound,),
    ),
)
