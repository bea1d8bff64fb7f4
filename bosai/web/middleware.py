"""What happens around every handler. Order matters and is given in `app.py`."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from redis.exceptions import RedisError

from bosai.errors import (
    BodyTooLarge,
    BosaiError,
    InvalidInput,
    NotFound,
    StoreUnavailable,
    WrongOrigin,
    outcome_of,
)
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
    # A desk's address is a key: it never leaves in a Referer. Not "no-referrer": with that, browsers send the forms
    # of our own pages with `Origin: null`.
    "Referrer-Policy": "same-origin",
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
        return problem(request, BodyTooLarge(request.client_max_size))
    except web.HTTPNotFound:
        return problem(request, NotFound("page", request.path))
    except web.HTTPMethodNotAllowed as error:
        answer = problem(request, NotFound("method", f"{request.method} {request.path}"), status=error.status)
        answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return answer
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


@web.middleware
async def read_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the body once, here; handlers that ask for it get it from memory.

    A body that its own headers do not describe (encoding, charset, multipart) is the sender's mistake and never ours.
    """
    if request.body_exists:
        try:
            if request.content_type in _FORMS:
                await request.post()
            else:
                await request.read()
        except (web.HTTPException, OSError):
            raise
        except Exception as error:  # whatever the parsers meet; nothing of ours runs in there
            raise InvalidInput("body", "unreadable") from error
    return await handler(request)


_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


def _is_same_site(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site")
    # "null" says that the browser keeps it back; then only its own word on where the page came from counts.
    if origin is not None and not (origin == "null" and fetch_site is not None):
        return origin.lower() in _own_origins(request)
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return not request.cookies


def _own_origins(request: web.Request) -> set[str]:
    """The public address; on a machine of one's own, every way to write it."""
    public = urlsplit(request.config_dict[OPENED].settings.web.public_url)
    host = public.hostname or ""
    names = _LOOPBACK if host in _LOOPBACK else {host}
    # Browsers leave the scheme's own port out.
    port = f":{public.port}" if public.port and public.port != _OWN_PORT[public.scheme] else ""
    return {f"{public.scheme}://{f'[{name}]' if ':' in name else name}{port}" for name in names}


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_OWN_PORT = {"http": 80, "https": 443}
