"""The keys of a browser's subscription, checked once at the door (RFC 8291 §2)."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import ec

from bosai.errors import InvalidInput
from bosai.model.subscription import PushTarget

POINT_BYTES = 65  # uncompressed P-256 point
AUTH_BYTES = 16


def check_keys(target: PushTarget) -> PushTarget:
    """The target with both keys in base64url without padding. Raises InvalidInput naming the field."""
    point = _bytes_of(target.p256dh, "push.p256dh", POINT_BYTES)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise InvalidInput("push.p256dh", "not_a_key", "not a point on P-256") from error
    auth = _bytes_of(target.auth, "push.auth", AUTH_BYTES)
    return PushTarget(endpoint=target.endpoint, p256dh=_b64url(point), auth=_b64url(auth))


def _bytes_of(text: str, field: str, length: int) -> bytes:
    if not text:
        raise InvalidInput(field, "missing")
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")  # some browsers' libraries give plain base64
    try:
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(field, "not_a_key", "not base64url") from error
    if len(raw) != length:
        raise InvalidInput(field, "not_a_key", f"{len(raw)} bytes, expected {length}")
    return raw


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
