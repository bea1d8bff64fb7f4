"""The resident's pages and the API on real services and a private Redis, both sides, without the other pages."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import html

from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.web import api, assets, resident
from bosai.web.base import OPENED, REALM, preload
from bosai.web.middleware import add_security_headers, errors_to_problems, refuse_other_sites
from bosai.wiring import Wired, open_services
from tests.redis_server import PrivateRedis


@contextlib.asynccontextmanager
async def resident_site(
    private_redis: PrivateRedis, folder: Path, **overrides: object
) -> AsyncIterator[tuple[TestServer, Wired]]:
    """(server, services) with the sample city loaded."""
    changed = {"data.dir": str(folder), "redis.url": private_redis.url, "map.tile_url": "", **overrides}
    settings = await asyncio.to_thread(load_settings, None, {}, changed)
    await asyncio.to_thread(preload)
    async with open_services(settings) as wired:
        await wired.realms[Realm.LIVE].sites.load_sample()
        server = TestServer(_app(wired))
        await server.start_server()
        try:
            yield server, wired
        finally:
            await server.close()


def _app(wired: Wired) -> web.Application:
    live = web.Application(middlewares=[errors_to_problems, refuse_other_sites])
    live[REALM], live[OPENED] = Realm.LIVE, wired
    drill = web.Application()
    drill[REALM] = Realm.DRILL
    live.on_response_prepare.append(add_security_headers)
    drill.on_response_prepare.append(add_security_headers)
    live.router.add_get("/static/{path:.+}", assets.serve)
    for side in (drill, live):
        side.add_routes([*resident.routes(), *api.routes()])
    live.add_subapp("/drill/", drill)
    return live


_PART = re.compile(
    r"(?P<tag>\w*)(?:#(?P<id>[\w-]+))?(?P<classes>(?:\.[\w-]+)*)(?P<attributes>(?:\[[\w-]+\])*)"
)


def pick(document: html.HtmlElement, css: str) -> list[html.HtmlElement]:
    """The elements of a simple selector: tag, #id, .class, [attribute], descendants, alternatives by comma."""
    return [found for one in css.split(",") for found in document.xpath(_xpath(one.strip()))]


def _xpath(css: str) -> str:
    steps = []
    for part in css.split():
        found = _PART.fullmatch(part)
        assert found, part
        tests = [f"@id='{found['id']}'"] if found["id"] else []
        tests += [f"contains(concat(' ',@class,' '),' {one} ')" for one in found["classes"].split(".") if one]
        tests += [f"@{one}" for one in re.findall(r"\[([\w-]+)\]", found["attributes"])]
        steps.append((found["tag"] or "*") + "".join(f"[{one}]" for one in tests))
    return "//" + "//".join(steps)
