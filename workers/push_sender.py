"""Web Push by pywebpush's encryption over one aiohttp session. Behind `ports.PushSender`.

    endpoint ─▶ HostPolicy ─▶ encrypt (RFC 8291) ─▶ POST with TTL, Urgency, Topic, VAPID ─▶ PushOutcome
                                                     │ no redirects, TLS verified
                                                     └ names resolve to public addresses only

pywebpush's own `send_async` follows redirects and takes no timeout object, so only its `encode` is used.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from socket import AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from pywebpush import WebPusher, WebPushException

from bosai.errors import InvalidInput, PushHostRefused
from bosai.model.subscription import PushTarget
from bosai.ports import Clock, PushMessage, PushOutcome
from bosai.push.hosts import HostPolicy, is_public_address, origin_of
from bosai.push.vapid import VapidSigner

LONGEST_RETRY_AFTER_S = 3600.0
REFUSED = "host_refused"
"""Cause of an outcome that no repetition mends: the endpoint leads where nothing may be sent."""
BAD_KEYS = "bad_keys"
"""Cause of an outcome that no repetition mends: the stored keys can not be encrypted to."""


class NotPublic(OSError):
    """A push service's name led to private addresses only."""


class PublicResolver(AbstractResolver):
    """Names to addresses of the public internet; those of the policy's test hosts may be private."""

    def __init__(self, hosts: HostPolicy, inner: AbstractResolver) -> None:
        self._hosts = hosts
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """As the inner resolver, less what is not public. Raises NotPublic when nothing is left."""
        found = await self._inner.resolve(host, port, family)
        if self._hosts.is_test_host(host, port):
            return found
        public = [one for one in found if is_public_address(one["host"])]
        if not public:
            raise NotPublic(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


class WebPushSender:
    """Sends one message at a time over a shared session. `clock` is the machine's: push services live by it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        vapid: VapidSigner,
        hosts: HostPolicy,
        clock: Clock,
        *,
        proxy: str | None = None,
    ) -> None:
        self._session = session
        self._vapid = vapid
        self._hosts = hosts
        self._clock = clock
        self._proxy = proxy

    async def send(self, target: PushTarget, message: PushMessage) -> PushOutcome:
        """Never raises for what a network or a push service can do; the outcome says it."""
        try:
            self._hosts.check(target.endpoint)
            body = _encrypted(target, message.plaintext)
        except (PushHostRefused, InvalidInput):
            return PushOutcome(status=0, cause=REFUSED)
        except (WebPushException, ValueError, IndexError):
            return PushOutcome(status=0, cause=BAD_KEYS)
        now = self._clock.now()
        headers = {
            "Authorization": self._vapid.authorization(origin_of(target.endpoint), now.timestamp()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl_s),
            "Urgency": message.urgency,
            "Topic": message.topic,
        }
        try:
            async with self._session.post(
                target.endpoint, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as response:
                told = response.headers.get("Retry-After")
                return PushOutcome(
                    status=response.status,
                    cause="" if response.status < 300 else f"http_{response.status}",
                    retry_after_s=retry_after_s(told, self._clock.now()),
                    bytes_sent=len(body),
                )
        except TimeoutError:
            return PushOutcome(status=0, cause="timeout", bytes_sent=len(body))
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, NotPublic)
            return PushOutcome(status=0, cause=REFUSED if refused else "no_connection")
        except (aiohttp.ClientError, OSError) as error:
            return PushOutcome(status=0, cause=type(error).__name__, bytes_sent=len(body))


@asynccontextmanager
async def open_push_sender(
    vapid: VapidSigner,
    hosts: HostPolicy,
    clock: Clock,
    *,
    in_flight: int,
    connect_timeout_s: float,
    total_timeout_s: float,
    ca_file: str = "",
    proxy: str = "",
) -> AsyncIterator[WebPushSender]:
    """The sender with the one session of this process, closed at the end.

    Behind a proxy the proxy connects: there the allow-list and TLS stand in for the address check.
    """
    context = await asyncio.to_thread(_tls, ca_file)
    inner: AbstractResolver = aiohttp.ThreadedResolver()
    connector = aiohttp.TCPConnector(
        limit=in_flight, ssl=context, resolver=inner if proxy else PublicResolver(hosts, inner)
    )
    timeout = aiohttp.ClientTimeout(
        total=total_timeout_s, connect=total_timeout_s, sock_connect=connect_timeout_s
    )
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield WebPushSender(session, vapid, hosts, clock, proxy=proxy or None)


def retry_after_s(told: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 §10.2.3): seconds or an HTTP date; None = not told."""
    if told is None:
        return None
    if told.strip().isascii() and told.strip().isdecimal():
        return min(float(told), LONGEST_RETRY_AFTER_S)
    try:
        wait_s = (parsedate_to_datetime(told) - now).total_seconds()
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)


def _encrypted(target: PushTarget, plaintext: bytes) -> bytes:
    keys = {"p256dh": target.p256dh, "auth": target.auth}
    body: bytes = WebPusher({"endpoint": target.endpoint, "keys": keys}).encode(plaintext)["body"]
    return body


def _tls(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
