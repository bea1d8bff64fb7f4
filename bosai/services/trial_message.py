"""One message to an officer's own browser, to see that a push service takes what this service sends. By pywebpush.

subscription of that browser ─▶ HostPolicy, keys ─▶ one per 10 s ─▶ pywebpush encrypts ─▶ POST ─▶ audit ─▶ what it said
                                                                      │ no redirects, TLS verified, time-outs
                                                                      └ names resolve to public addresses only

Delivery to residents goes another way (workers/transport.py). pywebpush's own sending follows redirects and takes no
address check, so its encryption is used and the request is made here.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from socket import AddressFamily

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from pywebpush import WebPusher

from bosai.errors import TooManyTries
from bosai.messages.wording import DRILL_END, DRILL_START
from bosai.model.instruction import CHECK_INCIDENT, MessageKind
from bosai.model.realm import Realm
from bosai.model.staff import Session
from bosai.model.subscription import PushTarget
from bosai.ports import Clock
from bosai.push.hosts import HostPolicy, is_public_address, origin_of
from bosai.push.target import check_keys
from bosai.push.vapid import VapidSigner
from bosai.services.audit import AuditService

EVERY_S = 10.0
TTL_S = 60
_TITLE = "【試験】通知の受信テスト"
_BODY = (
    "災害対策本部の画面から送った試験です。災害の知らせではありません。この試験のためにすることはありません。"
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAnswer:
    """What the push service said: its status, or 0 and the cause. 2xx means taken, never shown."""

    origin: str
    status: int
    cause: str
    took_ms: int


class TrialMessages:
    """Sends trial messages of one side. `clock` is the machine's: push services live by it."""

    def __init__(
        self,
        realm: Realm,
        clock: Clock,
        *,
        session: aiohttp.ClientSession,
        vapid: VapidSigner,
        hosts: HostPolicy,
        audit: AuditService,
        proxy: str = "",
    ) -> None:
        self.realm = realm
        self._clock = clock
        self._session = session
        self._vapid = vapid
        self._hosts = hosts
        self._audit = audit
        self._proxy = proxy or None
        self._last_s: dict[str, float] = {}  # officer → when the last one went out, monotonic

    async def send(self, officer: Session, target: PushTarget) -> TrialAnswer:
        """Send one, and note it in the record. Never raises for what a network or a push service can do.

        Raises InvalidInput, PushHostRefused for a subscription nothing may be sent to, TooManyTries within 10 s.
        """
        self._hosts.check(target.endpoint)
        target = check_keys(target)
        self._take_turn(officer.name)
        origin, began_s = origin_of(target.endpoint), time.monotonic()
        status, cause = await self._post(target, origin)
        answer = TrialAnswer(
            origin=origin, status=status, cause=cause, took_ms=round((time.monotonic() - began_s) * 1000)
        )
        facts = {"status": status, "cause": cause, "took_ms": answer.took_ms}
        await self._audit.note(officer.name, "trial_sent", f"push:{origin}", facts)
        return answer

    def _take_turn(self, name: str) -> None:
        now_s = time.monotonic()
        left_s = self._last_s.get(name, now_s - EVERY_S) + EVERY_S - now_s
        if left_s > 0:
            raise TooManyTries(max(1, round(left_s)))
        self._last_s[name] = now_s

    async def _post(self, target: PushTarget, origin: str) -> tuple[int, str]:
        now = self._clock.now()
        keys = {"p256dh": target.p256dh, "auth": target.auth}
        plaintext = trial_payload(self.realm, round(now.timestamp()))
        body: bytes = WebPusher({"endpoint": target.endpoint, "keys": keys}).encode(plaintext)["body"]
        headers = {
            "Authorization": self._vapid.authorization(origin, now.timestamp()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "normal",
            "Topic": _tag(self.realm),
        }
        try:
            async with self._session.post(
                target.endpoint, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as response:
                return response.status, "" if response.status < 300 else f"http_{response.status}"
        except TimeoutError:
            return 0, "timeout"
        except aiohttp.ClientConnectorError as error:
            return 0, "host_refused" if isinstance(error.os_error, NotPublic) else _why(error)
        except (aiohttp.ClientError, OSError):
            return 0, "reset"


def trial_payload(realm: Realm, at_s: int) -> bytes:
    """A check as the service worker shows one: silent towards the advice on the device, and no emergency."""
    mark, end = (DRILL_START, DRILL_END) if realm.is_drill else ("", "")
    return msgspec.json.encode(
        {
            "web_push": 8030,
            "notification": {
                "title": f"{mark}{_TITLE}",
                "body": f"{_BODY}{end}",
                "lang": "ja",
                "dir": "ltr",
                "navigate": f"{realm.path_prefix}/hq/delivery",
                "tag": _tag(realm),
                "renotify": True,
                "silent": False,
                "timestamp": at_s * 1000,
                "icon": f"/static/resident/icon-{realm.value}.png",
                "badge": "/static/resident/badge.png",
            },
            "mutable": True,
            # seq 0: a resident's own self-tests on the same device stay the newer ones.
            "bosai": {
                "v": 1,
                "realm": realm.value,
                "incident": CHECK_INCIDENT,
                "kind": MessageKind.SELF_TEST.value,
                "seq": 0,
                "at": at_s,
                "r": "",
            },
        }
    )


def _tag(realm: Realm) -> str:
    """Of the notification and of the push: the two sides share neither."""
    return f"bosai-trial-{realm.value}"


def _why(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "tls_not_trusted"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "tls_failed"
    return "name_not_found" if isinstance(error, aiohttp.ClientConnectorDNSError) else "no_connection"


@asynccontextmanager
async def open_push_session(
    hosts: HostPolicy, *, connect_timeout_s: float, total_timeout_s: float, ca_file: str = "", proxy: str = ""
) -> AsyncIterator[aiohttp.ClientSession]:
    """The session trial messages go out by, closed at the end.

    Behind a proxy the proxy connects: there the allow-list and TLS stand in for the address check.
    """
    context = await asyncio.to_thread(_tls, ca_file)
    inner: AbstractResolver = aiohttp.ThreadedResolver()
    connector = aiohttp.TCPConnector(
        limit=10, ssl=context, resolver=inner if proxy else PublicResolver(hosts, inner)
    )
    timeout = aiohttp.ClientTimeout(
        total=total_timeout_s, connect=total_timeout_s, sock_connect=connect_timeout_s
    )
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


def _tls(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
