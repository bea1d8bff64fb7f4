"""An application server in one call: pywebpush, the public peer, against which our own bytes are compared."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from py_vapid import Vapid02
from pywebpush import WebPusher

from tests.bed.vapid import ApplicationKeys


async def send_with_pywebpush(
    session: aiohttp.ClientSession,
    subscription: dict[str, Any],
    payload: Any,
    keys: ApplicationKeys | None,
    *,
    ttl_s: int = 60,
    claims: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str]]:
    """Encrypt and send; (status, headers of the answer, names in lower case). `keys` None: without VAPID."""
    sent = dict(headers or {})
    if keys is not None:
        origin = "/".join(subscription["endpoint"].split("/")[:3])
        said = {"aud": origin, "sub": "mailto:bed@example.jp", **(claims or {})}
        sent |= Vapid02.from_string(keys.private).sign(said)
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    response = await WebPusher(subscription, aiohttp_session=session).send_async(text, sent, ttl=ttl_s)
    assert isinstance(response, aiohttp.ClientResponse)
    await response.read()
    return response.status, {name.lower(): value for name, value in response.headers.items()}
