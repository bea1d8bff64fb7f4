"""VAPID as a push service checks it (RFC 8292), apart from the service's own code, and key pairs for tests."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

LONGEST_LIFE_S = 24 * 3600  # RFC 8292 §2: exp no more than 24 hours from the time of the request


def b64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """The bytes of base64url text, padded or not. Raises ValueError."""
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True
        )
    except binascii.Error as error:
        raise ValueError(f"not base64url: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationKeys:
    """A VAPID key pair: `public` for a browser's `applicationServerKey`, `private` for pywebpush."""

    public: str
    private: str
    private_pem: bytes

    @classmethod
    def make(cls) -> Self:
        """A fresh pair on P-256."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(
            public=b64url(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
            private=b64url(key.private_numbers().private_value.to_bytes(32, "big")),
            private_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


@dataclass(eq=False)
class VapidRefused(Exception):
    """The Authorization header of a push was refused; `status` is the answer, `reason` says why."""

    status: int
    reason: str

    def __str__(self) -> str:
        return f"{self.status} {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VapidClaims:
    """A checked VAPID header: the sender's public key (base64url), for which origin, until when (epoch)."""

    key: str
    aud: str
    exp: int
    sub: str


def check_vapid(
    authorization: str | None, *, origin: str, restricted_to: str | None, now_s: float
) -> VapidClaims | None:
    """Check one Authorization header. None when there is none and none is asked for. Raises VapidRefused.

    401 for a missing or broken header, 403 for a sound one signed with another key than `restricted_to`.
    """
    if authorization is None:
        if restricted_to is None:
            return None
        raise VapidRefused(401, "no Authorization header on a restricted subscription")
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "vapid":
        raise VapidRefused(401, f"Authorization scheme {scheme!r}, expected 'vapid'")
    pairs = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if not {"t", "k"} <= pairs.keys():
        raise VapidRefused(401, "vapid header without t= or k=")
    claims = _verified_claims(pairs["t"], pairs["k"])
    aud, exp, sub = claims.get("aud"), claims.get("exp"), claims.get("sub")
    if aud != origin:
        raise VapidRefused(401, f"aud is {aud!r}, expected {origin!r}")
    if not isinstance(exp, (int, float)) or not now_s < exp <= now_s + LONGEST_LIFE_S:
        raise VapidRefused(401, f"exp {exp!r} is past, or more than 24 hours ahead")
    if not isinstance(sub, str) or not sub.startswith(("mailto:", "https:")):
        raise VapidRefused(401, f"sub {sub!r} is neither mailto: nor https:")
    if restricted_to is not None and unb64url(pairs["k"]) != unb64url(restricted_to):
        raise VapidRefused(403, "k= is not the applicationServerKey of this subscription")
    return VapidClaims(key=pairs["k"].rstrip("="), aud=aud, exp=int(exp), sub=sub)


def _verified_claims(token: str, key: str) -> dict[str, Any]:
    try:
        head, body, signature = token.split(".")
        raw = unb64url(signature)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64url(key))
        if json.loads(unb64url(head)).get("alg") != "ES256" or len(raw) != 64:
            raise VapidRefused(401, "JWT is not ES256")
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        public.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        claims: Any = json.loads(unb64url(body))
    except InvalidSignature as error:
        raise VapidRefused(401, "JWT signature does not match k=") from error
    except (ValueError, AttributeError) as error:
        raise VapidRefused(401, f"JWT cannot be read: {error}") from error
    if not isinstance(claims, dict):
        raise VapidRefused(401, "JWT claims are not an object")
    return claims
