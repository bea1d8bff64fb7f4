"""The whole web application, with nothing opened until the server starts.

Both sides are built from the same routes: the live side is the root application, the drill side a
sub-application under `/drill/`. Which side a request belongs to is decided here and nowhere else.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from aiohttp import web

from bosai.model.realm import Realm
from bosai.web import api, assets, desk, resident
from bosai.web.base import OPENED, REALM
from bosai.web.console import routes as console_routes
from bosai.web.middleware import add_security_headers, errors_to_problems, refuse_other_sites
from bosai.wiring import Services

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]
BODY_MAX_BYTES = 2 * 1024 * 1024


def make_app(open_services: OpenServices) -> web.Application:
    """The application. `open_services` is entered when the server starts and left when it stops."""
    # Outermost first: an error raised by the origin check must still become a problem document.
    live = web.Application(
        middlewares=[errors_to_problems, refuse_other_sites], client_max_size=BODY_MAX_BYTES
    )
    live[REALM] = Realm.LIVE
    drill = web.Application()
    drill[REALM] = Realm.DRILL

    @asynccontextmanager
    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with open_services() as app[OPENED]:
            yield

    live.cleanup_ctx.append(opened)
    live.on_response_prepare.append(add_security_headers)
    drill.on_response_prepare.append(add_security_headers)
    live.router.add_get("/static/{path:.+}", assets.serve)
    live.add_routes(api.shared_routes())
    for side in (drill, live):
        side.add_routes(resident.routes())
        side.add_routes(console_routes())
        side.add_routes(desk.routes())
        side.add_routes(api.routes())
    live.add_subapp(Realm.DRILL.path_prefix + "/", drill)
    return live
