"""Subscriptions as the push service of the bed holds them, and synthetic browsers that own their keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.bed.vapid import VapidClaims, b64url


@dataclass(slots=True, kw_only=True, eq=False)
class PushMessage:
    """One POST to an endpoint as it arrived, with what became of it.

    status: what was answered (0: the connection was reset). refusal: why, when the service itself refused.
    delivered: the browser has it (a browser acknowledged it, or it lies in a synthetic inbox).
    replaced: a newer message with the same Topic took its place first. expired: its TTL passed first.
    ack_code: Firefox's word, 100 delivered, 101 could not be decrypted, 102 the service worker failed.
    """

    id: str
    token: str
    endpoint: str
    received_s: float
    headers: Mapping[str, str]
    body: bytes
    ttl_s: int | None = None
    urgency: str | None = None
    topic: str | None = None
    vapid: VapidClaims | None = None
    status: int = 0
    refusal: str = ""
    delivered: bool = False
    replaced: bool = False
    expired: bool = False
    ack_code: int | None = None
    text: str | None = None
    undecryptable: str | None = None

    @property
    def accepted(self) -> bool:
        """Answered with 201."""
        return self.status == 201

    @property
    def waiting(self) -> bool:
        """Accepted and still to be delivered."""
        return self.accepted and not (self.delivered or self.replaced or self.expired)

    def json(self) -> Any:
        """The decrypted text as JSON. Raises ValueError when the bed could not read it."""
        if self.text is None:
            raise ValueError(
                f"message {self.id} has no readable text: {self.undecryptable or 'keys not ours'}"
            )
        return json.loads(self.text)


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """One subscription: where it is reached, the key it is restricted to, and whether it ended."""

    token: str
    endpoint: str
    application_server_key: str | None
    messages: list[PushMessage] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Subscriber:
    """A synthetic browser. `inbox` holds what it received and could read, oldest first."""

    channel: Channel
    private_key: ec.EllipticCurvePrivateKey
    p256dh: str
    auth: str
    auth_secret: bytes
    online: bool = True
    inbox: list[PushMessage] = field(default_factory=list)
    undecryptable: list[PushMessage] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """The address pushes go to."""
        return self.channel.endpoint

    @property
    def info(self) -> dict[str, Any]:
        """The subscription as `PushSubscription.toJSON()` gives it; pywebpush takes it as it is."""
        return {
            "endpoint": self.endpoint,
            "expirationTime": None,
            "keys": {"p256dh": self.p256dh, "auth": self.auth},
        }

    def read(self, message: PushMessage) -> None:
        """Take delivery: decrypt (RFC 8291) into the inbox, or set the message aside with the reason."""
        message.delivered = True
        if not message.body:
            message.text = ""
            self.inbox.append(message)
            return
        try:
            plain: bytes = http_ece.decrypt(
                message.body, private_key=self.private_key, auth_secret=self.auth_secret, version="aes128gcm"
            )
            message.text = plain.decode()
        except (http_ece.ECEException, ValueError) as error:
            message.undecryptable = f"{type(error).__name__}: {error}"
            self.undecryptable.append(message)
        else:
            self.inbox.append(message)


def make_keys() -> tuple[ec.EllipticCurvePrivateKey, str]:
    """A browser's key pair: (private key, p256dh as base64url)."""
    private = ec.generate_private_key(ec.SECP256R1())
    return private, b64url(private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
