"""The whole web application, with nothing opened until the server starts.

Both sides are built from the same routes: the live side is the root application, the drill side a
sub-application under `/drill/`. Which side a request belongs to is decided here and nowhere else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from bosai.model.realm import Realm
from bosai.web import api, assets, cap, desk, openapi, packed, resident, shedding, tiles
from bosai.web.base import OPENED, REALM, preload
from bosai.web.console import delivery
from bosai.web.console import routes as console_routes
from bosai.web.middleware import add_security_headers, errors_to_problems, read_body, refuse_other_sites
from bosai.web.rate_limit import BUCKETS, TokenBuckets
from bosai.web.walk_route import WAYS, WaySlots
from bosai.wiring import Services

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]
BODY_MAX_BYTES = 65_536


def make_app(open_services: OpenServices, *, body_max_bytes: int = BODY_MAX_BYTES) -> web.Application:
    """The application. `open_services` is entered when the server starts and left when it stops."""
    # Outermost first: an error raised by the origin check must still become a problem document, and nothing is read
    # from whom that check refuses.
    live = web.Application(
        middlewares=[errors_to_problems, refuse_other_sites, read_body], client_max_size=body_max_bytes
    )
    live[REALM] = Realm.LIVE
    live[BUCKETS] = TokenBuckets()
    packed.set_up(live)
    live[WAYS] = WaySlots()
    drill = web.Application()
    drill[REALM] = Realm.DRILL

    async def opened(app: web.Application) -> AsyncIterator[None]:
        await asyncio.to_thread(preload)
        async with open_services() as app[OPENED]:
            yield

    live.cleanup_ctx.extend([opened, tiles.opened, shedding.watched, delivery.opened])
    live.on_response_prepare.append(add_security_headers)
    live.router.add_get("/static/{path:.+}", assets.serve)
    live.router.add_get(Realm.DRILL.path_prefix, to_drill)
    live.add_routes([*api.shared_routes(), *openapi.routes(), *tiles.routes()])
    for side in (drill, live):
        side.add_routes(resident.routes())
        side.add_routes(console_routes())
        side.add_routes(desk.routes())
        side.add_routes(api.routes())
        side.add_routes(cap.routes())
    live.add_subapp(Realm.DRILL.path_prefix + "/", drill)
    return live


def make_runner(app: web.Application, *, shutdown_timeout_s: float = 60.0) -> web.AppRunner:
    """What serves `app`. No access log: an address holds a desk's key. No body is unpacked: nobody needs to send packed
    ones, and a few bytes could stand for gigabytes."""
    return web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=shutdown_timeout_s)


async def to_drill(_request: web.Request) -> web.Response:
    """GET /drill, typed without its slash."""
    raise web.HTTPFound(f"{Realm.DRILL.path_prefix}/")
