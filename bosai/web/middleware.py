"""What happens around every handler. Order matters and is given in `app.py`."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from redis.exceptions import RedisError

from bosai.errors import BodyTooLarge, BosaiError, NotFound, StoreUnavailable, WrongOrigin, outcome_of
from bosai.web.assets import IMPORT_MAP_CSP_HASH
from bosai.web.base import OPENED
from bosai.web.problems import problem

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CSP = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' '{IMPORT_MAP_CSP_HASH}'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # a desk's address is a key: it never leaves in a Referer
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
    "X-Frame-Options": "DENY",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Every answer carries the headers, static files and errors included (an on_response_prepare signal)."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def errors_to_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Facts that stopped a request become documents or pages; the unexpected is logged and admitted."""
    try:
        return await handler(request)
    except BosaiError as error:
        if outcome_of(error).pages_someone:
            log.exception("request failed: %s %s", request.method, request.path)
        return problem(request, error)
    except web.HTTPRequestEntityTooLarge:
        return problem(request, BodyTooLarge(request.config_dict[OPENED].settings.web.body_max_bytes))
    except web.HTTPNotFound:
        return problem(request, NotFound("page", request.path))
    except RedisError:
        log.exception("the store does not answer: %s %s", request.method, request.path)
        return problem(request, StoreUnavailable())
    except web.HTTPException:
        raise
    except Exception:
        log.exception("unexpected: %s %s", request.method, request.path)
        return problem(request, BosaiError())


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unsafe methods must come from our own pages: Origin first, Sec-Fetch-Site where Origin is absent.

    A program (no Origin, no Sec-Fetch-Site, no cookie) may call the API; a browser always sends one of them.
    """
    if request.method in _SAFE or _is_same_site(request):
        return await handler(request)
    raise WrongOrigin()


def _is_same_site(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin in _own_origins(request)
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return not request.cookies


def _own_origins(request: web.Request) -> set[str]:
    """The public address; on a machine of one's own, every way to write it."""
    public = urlsplit(request.config_dict[OPENED].settings.web.public_url)
    port = f":{public.port}" if public.port else ""
    if public.hostname in _LOOPBACK:
        return {f"{public.scheme}://{name}{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    return {f"{public.scheme}://{public.netloc}"}


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
