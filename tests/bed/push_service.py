"""A push service of our own: RFC 8030 endpoints with scripted answers, and Mozilla's WebSocket for Firefox.

POST /push/<token> ─▶ script? ▸ headers ▸ size ▸ VAPID ─▶ Channel ─┬─▶ Subscriber.inbox (decrypted)
                                                                   └─▶ autopush ─▶ Firefox
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from secrets import token_bytes, token_urlsafe
from types import MappingProxyType, TracebackType
from typing import Self

from aiohttp import web

from tests.bed.answers import Answer, Script
from tests.bed.autopush import AutopushFace
from tests.bed.subscriber import Channel, PushMessage, Subscriber, make_keys
from tests.bed.tls import LoopbackAuthority
from tests.bed.vapid import VapidRefused, b64url, check_vapid, unb64url

LARGEST_BODY = 4096  # octets a push service must take (RFC 8030 §7.2), and what Mozilla's takes at most
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
URGENCIES = ("very-low", "low", "normal", "high")
Target = Subscriber | Channel | str  # str: an endpoint or its token


class PushService:
    """The push service on loopback; `async with` opens and closes it.

    url: origin of the endpoints; endpoint_host: its host:port, for allow-lists.
    ws_url: Firefox's `dom.push.serverURL`.
    attempts: every POST to an endpoint, as it ended; messages: the accepted ones; in_work: not answered yet.
    tls: endpoints are https, under the authority in `ca_file`. now_s: the clock for exp and TTL, epoch seconds.
    """

    def __init__(self, *, port: int = 0, tls: bool = False, now_s: Callable[[], float] = time.time) -> None:
        self.attempts: list[PushMessage] = []
        self.in_work: list[PushMessage] = []
        self.now_s = now_s
        self._port = port
        self._authority = LoopbackAuthority() if tls else None
        self._channels: dict[str, Channel] = {}
        self._subscribers: dict[str, Subscriber] = {}
        self._scripts: dict[str | None, Script] = {}
        self._changed = asyncio.Condition()
        self._autopush = AutopushFace(self)
        self._runner: web.AppRunner | None = None
        self.url = self.ws_url = self.endpoint_host = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/push/{token}", self._receive)
        app.router.add_get("/ws", self._autopush.serve)
        app.on_shutdown.append(self._autopush.shut)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        plain_port = await self._listen(self._port, None)
        endpoint_port, scheme = plain_port, "http"
        if self._authority is not None:
            context = await asyncio.to_thread(self._authority.server_context)
            endpoint_port, scheme = await self._listen(0, context), "https"
        self.endpoint_host = f"127.0.0.1:{endpoint_port}"
        self.url = f"{scheme}://{self.endpoint_host}"
        self.ws_url = f"ws://127.0.0.1:{plain_port}/ws"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._authority is not None:
            await asyncio.to_thread(self._authority.close)

    async def _listen(self, port: int, context: ssl.SSLContext | None) -> int:
        assert self._runner is not None
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context)
        await site.start()
        address: tuple[str, int] = self._runner.addresses[-1]
        return address[1]

    # -- what a test asks and tells --------------------------------------------------------------------------

    @property
    def ca_file(self) -> str:
        """Path of the authority's certificate (PEM). Raises ValueError without `tls=True`."""
        if self._authority is None:
            raise ValueError("ca_file: this push service was opened without tls=True")
        return str(self._authority.ca_file)

    @property
    def messages(self) -> list[PushMessage]:
        """The accepted messages, oldest first."""
        return [one for one in self.attempts if one.accepted]

    @property
    def subscriptions(self) -> list[Channel]:
        """The subscriptions in force, Firefox's among them."""
        return [one for one in self._channels.values() if not one.ended]

    def make_subscriber(self, application_server_key: str | None = None) -> Subscriber:
        """A synthetic browser with fresh keys; restricted to `application_server_key` (base64url) if given."""
        private_key, p256dh = make_keys()
        secret = token_bytes(16)
        subscriber = Subscriber(
            channel=self.open_channel(application_server_key),
            private_key=private_key,
            p256dh=p256dh,
            auth=b64url(secret),
            auth_secret=secret,
        )
        self._subscribers[subscriber.channel.token] = subscriber
        return subscriber

    def answer_next(self, count: int, answer: Answer, *, to: Target | None = None) -> None:
        """Answer the next `count` requests so: those to one subscription (or its endpoint), or any."""
        self._script(to).queue.extend([answer] * count)

    def answer_always(self, answer: Answer, *, to: Target | None = None) -> None:
        """Answer every request so from now on, after what `answer_next` queued."""
        self._script(to).standing = answer

    def answer_normally(self, *, to: Target | None = None) -> None:
        """Forget what was scripted for that subscription, or for all together."""
        self._scripts.pop(None if to is None else self._token(to), None)

    async def set_online(self, subscriber: Subscriber, online: bool) -> None:
        """Take a synthetic browser off line, or back: then it gets what waited and is still good."""
        subscriber.online = online
        await self.deliver(subscriber.channel)

    async def wait_for(
        self, predicate: Callable[[PushMessage], bool], timeout_s: float = 10.0
    ) -> PushMessage:
        """The first attempt, past or to come, for which `predicate` holds. TimeoutError lists them all."""
        return (await self.wait_for_many(predicate, 1, timeout_s))[0]

    async def wait_for_many(
        self, predicate: Callable[[PushMessage], bool], count: int, timeout_s: float = 10.0
    ) -> list[PushMessage]:
        """`count` attempts or more for which `predicate` holds. TimeoutError lists all there were."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: sum(map(predicate, self.attempts)) >= count)
        except TimeoutError:
            seen = [f"{one.status} {one.refusal or one.text or len(one.body)}" for one in self.attempts]
            raise TimeoutError(f"after {timeout_s} s the push service had seen {seen}") from None
        return [one for one in self.attempts if predicate(one)]

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until `condition` holds; it is asked whenever something changes here (say, an ack)."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    # -- subscriptions ---------------------------------------------------------------------------------------

    def open_channel(self, application_server_key: str | None) -> Channel:
        """A new subscription, its endpoint unguessable. Raises ValueError for a key that is no P-256 point."""
        if application_server_key is not None:
            application_server_key = application_server_key.rstrip("=")  # Firefox pads it
            if len(unb64url(application_server_key)) != 65:
                raise ValueError("application_server_key: expected 65 octets, an uncompressed P-256 point")
        token = token_urlsafe(24)
        channel = Channel(
            token=token, endpoint=f"{self.url}/push/{token}", application_server_key=application_server_key
        )
        self._channels[token] = channel
        return channel

    async def deliver(self, channel: Channel) -> None:
        """Hand what waits on a subscription to its browser, if that is there; tell those who wait."""
        for message in [one for one in channel.messages if one.waiting]:
            if message.ttl_s and self.now_s() > message.received_s + message.ttl_s:
                message.expired = True
                continue
            subscriber = self._subscribers.get(channel.token)
            if subscriber is not None and subscriber.online:
                subscriber.read(message)
            elif subscriber is None:
                await self._autopush.send(channel, message)
        await self.changed()

    async def changed(self) -> None:
        """Wake those who wait for something here."""
        async with self._changed:
            self._changed.notify_all()

    def _token(self, target: Target) -> str:
        if isinstance(target, Subscriber):
            return target.channel.token
        return target.token if isinstance(target, Channel) else target.rsplit("/", 1)[-1]

    def _script(self, to: Target | None) -> Script:
        return self._scripts.setdefault(None if to is None else self._token(to), Script())

    # -- the RFC 8030 face -----------------------------------------------------------------------------------

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        message = PushMessage(
            id=token_urlsafe(12),
            token=token,
            endpoint=f"{self.url}/push/{token}",
            received_s=self.now_s(),
            headers=MappingProxyType({name.lower(): value for name, value in request.headers.items()}),
            body=await request.read(),
        )
        answer = next(
            filter(None, (self._scripts.get(key, Script()).take() for key in (token, None))), Answer()
        )
        if answer.delay_s:
            self.in_work.append(message)
            await self.changed()
            await asyncio.sleep(answer.delay_s)
            self.in_work.remove(message)
        if answer.reset:
            self.attempts.append(message)
            await self.changed()
            return _reset(request)
        if answer.status == 201:
            message.status, message.refusal = self._judge(message)
        else:
            message.status, message.refusal = answer.status, "scripted"
        self.attempts.append(message)
        if message.accepted:
            await self._keep(message)
            headers = {"Location": f"{self.url}/m/{message.id}", "TTL": str(message.ttl_s), **answer.headers}
            return web.Response(status=201, headers=headers)
        await self.changed()
        return web.Response(
            status=message.status, text=answer.body or message.refusal, headers=dict(answer.headers)
        )

    def _judge(self, message: PushMessage) -> tuple[int, str]:
        """The answer of an honest push service to this message: (status, reason), 201 when it is taken."""
        channel = self._channels.get(message.token)
        if channel is None:
            return 404, "no such subscription"
        if channel.ended:
            return 410, "the subscription has ended"
        ttl, urgency = message.headers.get("ttl"), message.headers.get("urgency")
        topic, encoding = message.headers.get("topic"), message.headers.get("content-encoding")
        if ttl is None or not ttl.isdecimal():
            return 400, f"TTL is {ttl!r}, expected whole seconds"
        if urgency is not None and urgency not in URGENCIES:
            return 400, f"Urgency is {urgency!r}, expected one of {URGENCIES}"
        if topic is not None and not TOPIC.fullmatch(topic):
            return 400, f"Topic is {topic!r}, expected at most 32 characters of base64url"
        if message.body and encoding != "aes128gcm":
            return 415, f"Content-Encoding is {encoding!r}, expected aes128gcm"
        if len(message.body) > LARGEST_BODY:
            return 413, f"{len(message.body)} octets, at most {LARGEST_BODY}"
        message.ttl_s, message.urgency, message.topic = int(ttl), urgency, topic
        try:
            message.vapid = check_vapid(
                message.headers.get("authorization"),
                origin=self.url,
                restricted_to=channel.application_server_key,
                now_s=self.now_s(),
            )
        except VapidRefused as refused:
            return refused.status, refused.reason
        return 201, ""

    async def _keep(self, message: PushMessage) -> None:
        channel = self._channels[message.token]
        if message.topic is not None:
            for older in channel.messages:
                if older.waiting and older.topic == message.topic and not self._autopush.in_flight(older):
                    older.replaced = True
        channel.messages.append(message)
        await self.deliver(channel)
        if message.ttl_s == 0 and not self._autopush.in_flight(message):
            message.expired = message.waiting  # RFC 8030 §5.2: TTL 0 is delivered at once or not at all


def _reset(request: web.Request) -> web.Response:
    """Cut the connection with a RST, as a peer that died does."""
    transport = request.transport
    if transport is not None:
        peer: socket.socket | None = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
