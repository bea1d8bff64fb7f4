"""Mozilla's push WebSocket as a stock Firefox speaks it: hello, register, notification, ack, ping.

Messages are those of https://mozilla-push-service.readthedocs.io/en/latest/design/#push-protocol.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from tests.bed.subscriber import Channel, PushMessage
from tests.bed.vapid import b64url

if TYPE_CHECKING:
    from tests.bed.push_service import PushService

DELIVERED = 100  # ack code: decrypted and handed to the service worker


class AutopushFace:
    """The browsers known by their uaid, the subscriptions each holds, and the sockets now open."""

    def __init__(self, service: PushService) -> None:
        self._service = service
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._channels: dict[str, dict[str, Channel]] = {}  # uaid -> channelID -> subscription
        self._in_flight: dict[str, tuple[PushMessage, web.WebSocketResponse]] = {}

    @property
    def connected(self) -> int:
        """Browsers on line now."""
        return len(self._sockets)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One browser's connection, from its hello to its end."""
        socket = web.WebSocketResponse(protocols=("push-notification",), heartbeat=None)
        await socket.prepare(request)
        uaid: str | None = None
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    break
                message = json.loads(frame.data)
                kind = message.get("messageType", "ping")
                if kind == "hello":
                    uaid = await self._hello(socket, message)
                elif kind == "ping":
                    await socket.send_json({})
                elif uaid is None:
                    await socket.close(code=4774, message=b"hello comes first")
                else:
                    await self._handle(uaid, kind, socket, message)
        finally:
            if uaid is not None and self._sockets.get(uaid) is socket:
                del self._sockets[uaid]
        return socket

    async def shut(self, app: web.Application) -> None:
        """Say good-bye to every browser."""
        for socket in list(self._sockets.values()):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def send(self, channel: Channel, message: PushMessage) -> None:
        """Send a message to the browser that holds `channel`; off line, it waits for the next hello."""
        for uaid, channels in self._channels.items():
            for channel_id, held in channels.items():
                socket = self._sockets.get(uaid)
                if held is not channel or socket is None or socket.closed or self.in_flight(message):
                    continue
                frame: dict[str, Any] = {
                    "messageType": "notification",
                    "channelID": channel_id,
                    "version": message.id,
                }
                if message.body:
                    frame |= {"data": b64url(message.body), "headers": {"encoding": "aes128gcm"}}
                self._in_flight[message.id] = (message, socket)
                await socket.send_json(frame)

    def in_flight(self, message: PushMessage) -> bool:
        """Sent over a connection that is still open, and not yet acknowledged."""
        sent = self._in_flight.get(message.id)
        return sent is not None and sent[1] in self._sockets.values() and not sent[1].closed

    async def _hello(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> str:
        given = message.get("uaid")
        uaid = given if given in self._channels else uuid4().hex
        self._channels.setdefault(uaid, {})
        self._sockets[uaid] = socket
        await socket.send_json(
            {"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": True, "broadcasts": {}}
        )
        for channel in list(self._channels[uaid].values()):
            await self._service.deliver(channel)
        await self._service.changed()
        return uaid

    async def _handle(
        self, uaid: str, kind: str, socket: web.WebSocketResponse, message: dict[str, Any]
    ) -> None:
        if kind == "register":
            await socket.send_json({"messageType": "register", **self._register(uaid, message)})
        elif kind == "unregister":
            channel = self._channels[uaid].pop(message["channelID"], None)
            if channel is not None:
                channel.ended = True
            await socket.send_json({**message, "status": 200})
        elif kind in ("ack", "nack"):
            for update in message.get("updates", [message]):
                sent = self._in_flight.pop(update["version"], None)
                if sent is not None:
                    sent[0].delivered, sent[0].ack_code = True, update.get("code", DELIVERED)
        await self._service.changed()

    def _register(self, uaid: str, message: dict[str, Any]) -> dict[str, Any]:
        channel_id = message.get("channelID", "")
        try:
            UUID(channel_id)
            channel = self._service.open_channel(message.get("key"))
        except ValueError as error:
            return {"channelID": channel_id, "status": 400, "error": str(error)}
        self._channels[uaid][channel_id] = channel
        return {"channelID": channel_id, "status": 200, "pushEndpoint": channel.endpoint}
