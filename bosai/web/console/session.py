"""Who is signed in: one cookie per side, sign-in and sign-out, and the guard around every other page.

The cookie holds a random secret; what it opens lies in the store, on one side only. A session of the live side
is nothing on the drill side: other name, other path, other store.
"""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import quote

from aiohttp import web

from bosai.errors import BosaiError, NotAllowed, NotSignedIn
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.web.base import realm_of, services
from bosai.web.console.banners import BANNERS, banners
from bosai.web.console.page import moved, refused, show, wants_page
from bosai.web.rate_limit import client_of

COOKIES = {Realm.LIVE: "bosai_hq", Realm.DRILL: "bosai_hq_drill"}
OfficerHandler = Callable[[web.Request, Session], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOCAL = re.compile(r"/hq/[\w\-:/]*(\?[\w\-=&:%.]*)?\Z", re.ASCII)


def routes() -> list[web.RouteDef]:
    """Signing in and out."""
    return [
        web.get("/hq/sign-in", sign_in_page),
        web.post("/hq/sign-in", sign_in),
        web.post("/hq/sign-out", sign_out),
        web.get("/hq/alive", signed_in(alive)),
    ]


def signed_in(handler: OfficerHandler, permission: Permission | None = None) -> Handler:
    """The handler with its officer. A page without one leads to sign-in; a program gets NotSignedIn.

    `permission` keeps pages from those who may not see them; what changes anything is checked in the service too.
    """

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            officer = await officer_of(request)
        except NotSignedIn:
            if not wants_page(request):
                raise
            raise _to_sign_in(request) from None
        if permission is not None and not officer.may(permission):
            raise NotAllowed(permission.value)
        if wants_page(request):
            request[BANNERS] = await banners(request)
        return await handler(request, officer)

    return guarded


async def officer_of(request: web.Request) -> Session:
    """The officer of this request, on its own side. Raises NotSignedIn."""
    secret = request.cookies.get(COOKIES[realm_of(request)])
    if not secret:
        raise NotSignedIn()
    return await services(request).staff.session(secret)


async def sign_in_page(request: web.Request) -> web.Response:
    """The form."""
    return show(request, "sign_in.html", None, name="", next=_next(request.query.get("next")))


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Name, password and code into a cookie. Says neither which was wrong nor whether the name exists."""
    form = await request.post()
    name, password, code = (str(form.get(one, "")) for one in ("name", "password", "code"))
    following = _next(str(form.get("next", "")))
    try:
        secret, _ = await services(request).staff.sign_in(
            name.strip(), password, code.replace(" ", ""), client_of(request)
        )
    except BosaiError as error:
        return refused(request, "sign_in.html", None, error, name=name, next=following)
    response = moved(request, following or "/hq/")
    realm = realm_of(request)
    response.set_cookie(
        COOKIES[realm],
        secret,
        path=f"{realm.path_prefix}/hq",
        httponly=True,
        samesite="Strict",
        secure=services(request).settings.web.public_url.startswith("https:"),
    )
    raise response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session here and in the store."""
    realm = realm_of(request)
    secret = request.cookies.get(COOKIES[realm])
    if secret:
        await services(request).staff.sign_out(secret)
    response = moved(request, "/hq/sign-in", "signed_out")
    response.del_cookie(COOKIES[realm], path=f"{realm.path_prefix}/hq")
    raise response


async def alive(_request: web.Request, _officer: Session) -> web.Response:
    """Asked now and then by a form that is being filled in, so that a long text is not lost to an idle session."""
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def _to_sign_in(request: web.Request) -> web.HTTPSeeOther:
    """A page is come back to after signing in; what was posted is gone, and the sign-in page says so."""
    if request.method != "GET":
        return moved(request, "/hq/sign-in?lost=1")
    inside = request.path_qs.removeprefix(realm_of(request).path_prefix)
    return moved(request, "/hq/sign-in" + (f"?next={quote(inside)}" if _LOCAL.match(inside) else ""))


def _next(wanted: str | None) -> str:
    """Where to go after signing in: only ever a page of this console."""
    return wanted if wanted and _LOCAL.match(wanted) else ""
