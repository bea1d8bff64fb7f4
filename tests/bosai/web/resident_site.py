"""The real web app on real services and a private Redis, with the sample city, for the resident's tests."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp.test_utils import TestServer, unused_port
from lxml import html

from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.web.app import make_app
from bosai.wiring import Wired, open_services
from tests.redis_server import PrivateRedis


@contextlib.asynccontextmanager
async def resident_site(
    private_redis: PrivateRedis, folder: Path, **overrides: object
) -> AsyncIterator[tuple[TestServer, Wired]]:
    """(server, services) with the sample city loaded."""
    port = unused_port()
    public_url = f"http://127.0.0.1:{port}"
    changed = {
        "web.public_url": public_url,
        "data.dir": str(folder),
        "redis.url": private_redis.url,
        "map.tile_url": "",
        **overrides,
    }
    settings = await asyncio.to_thread(load_settings, None, {}, changed)
    async with open_services(settings) as wired:
        await wired.realms[Realm.LIVE].sites.load_sample()
        server = TestServer(make_app(lambda: contextlib.nullcontext(wired)), port=port)
        await server.start_server()
        try:
            yield server, wired
        finally:
            await server.close()


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
