"""The real application on a loopback port, over the private Redis, and short ways to ask it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.web.app import make_app, make_runner
from bosai.web.base import OPENED
from bosai.wiring import RealmServices, Wired, open_services
from tests.bed.vapid import b64url

PUSH_HOST = "updates.push.services.mozilla.com"
ARAHAMA = {"place_id": "home", "label": "荒浜", "lon": 140.9866, "lat": 38.2203}
PROBLEM = "application/problem+json"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running application and a client without cookies."""

    app: web.Application
    url: str
    settings: Settings
    client: aiohttp.ClientSession

    @property
    def opened(self) -> Wired:
        return self.app[OPENED]

    def side(self, realm: Realm = Realm.LIVE) -> RealmServices:
        return self.opened.realms[realm]

    async def ask(self, method: str, path: str, **given: Any) -> Answer:
        """One request, its body read. Redirects are not followed."""
        async with self.client.request(
            method, self.url + path, **{"allow_redirects": False, **given}
        ) as response:
            return Answer(status=response.status, headers=response.headers.copy(), body=await response.read())

    async def problem(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """The problem document a request is answered with."""
        answer = await self.ask(method, path, **given)
        assert answer.headers["Content-Type"].startswith(PROBLEM), answer
        document = answer.json()
        assert document["status"] == answer.status
        return document

    async def subscribe(self, prefix: str = "", *, token: str = "one", **changes: Any) -> tuple[str, str]:
        """(id, secret) of a new subscription."""
        answer = await self.ask("POST", f"{prefix}/api/v1/subscriptions", json=subscription(token, **changes))
        assert answer.status == 201, answer
        made = answer.json()
        return made["id"], made["secret"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def keys() -> dict[str, str]:
    """`keys` of a browser's push subscription, made anew."""
    public = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    )
    return {"p256dh": b64url(public), "auth": b64url(bytes(range(16)))}


def subscription(token: str = "one", **changes: Any) -> dict[str, Any]:
    """The body of POST /subscriptions, as a page sends it."""
    return {
        "subscription": {
            "endpoint": f"https://{PUSH_HOST}/wpush/v2/{token}",
            "expirationTime": None,
            "keys": keys(),
        },
        "lang": "ja",
        "places": [ARAHAMA],
    } | changes


@contextlib.asynccontextmanager
async def running(
    data_dir: Path, redis_url: str, overrides: dict[str, object] | None = None
) -> AsyncIterator[Site]:
    """The application while the block runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = await asyncio.to_thread(
            load_settings,
            overrides={
                "data.dir": str(data_dir),
                "redis.url": redis_url,
                "web.port": port,
                "map.tile_url": "",  # no test asks the world
                **(overrides or {}),
            },
        )
        app = make_app(lambda: open_services(settings), body_max_bytes=settings.web.body_max_bytes)
        runner = make_runner(app, shutdown_timeout_s=0.2)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            async with aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=30), cookie_jar=aiohttp.DummyCookieJar()
            ) as client:
                yield Site(app=app, url=f"http://127.0.0.1:{port}", settings=settings, client=client)
        finally:
            await runner.cleanup()
