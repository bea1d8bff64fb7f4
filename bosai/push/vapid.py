"""Who is sending: the VAPID header (RFC 8292), signed once per origin and period (an hour unless told).

The tokens live by the push services' clock, so `now_s` is the machine's time even when the service replays the past.
"""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bosai.push.contact import is_contact

_MARGIN_S = 1800  # beyond its period: clocks of push services differ; RFC 8292 §2 allows 24 hours in all
LONGEST_TOKEN_S = 86_400 - _MARGIN_S
_MOST_ORIGINS = 1024
"""Hosts below an allowed "*.host" are for browsers to name: what they cost is bounded."""


class VapidSigner:
    """The key of one side. `subject`: `mailto:` or `https:` contact of the operator; a token serves `token_s`.

    Raises ValueError for another key, a subject push services would refuse, or a token of more than 24 hours.
    """

    def __init__(self, private_pem: bytes, subject: str, token_s: int = 3600) -> None:
        if not 0 < token_s <= LONGEST_TOKEN_S:
            raise ValueError(f"token_s: expected 1 to {LONGEST_TOKEN_S}, got {token_s}")
        key = load_pem_private_key(private_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("vapid key: expected a P-256 private key")  # noqa: TRY004 - a fault of the value
        if not is_contact(subject):
            raise ValueError(f"vapid subject: expected mailto:<address> or https://<page>, got {subject!r}")
        self._key = key
        self._subject = subject
        self._token_s = token_s
        self._headers: dict[str, tuple[float, float, str]] = {}  # origin → (from, until, header)
        self.public_b64url = _b64url(
            key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )

    def authorization(self, origin: str, now_s: float) -> str:
        """The Authorization header for one origin. `now_s`: seconds since 1970, machine's time.

        Valid at `now_s` and at most 24 hours ahead of it, however far the clock has jumped since it was made.
        """
        found = self._headers.get(origin)
        if found is not None and found[0] <= now_s < found[1]:
            return found[2]
        if len(self._headers) >= _MOST_ORIGINS:
            self._headers.clear()
        header = self._signed(origin, int(now_s) + self._token_s + _MARGIN_S)
        self._headers[origin] = (now_s, now_s + self._token_s, header)
        return header

    def _signed(self, origin: str, expires_s: int) -> str:
        claims = {"aud": origin, "exp": expires_s, "sub": self._subject}
        signed = f"{_HEAD}.{_b64url(json.dumps(claims, separators=(',', ':')).encode())}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = _b64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))  # RFC 7518 §3.4
        return f"vapid t={signed}.{signature},k={self.public_b64url}"


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_HEAD = _b64url(b'{"typ":"JWT","alg":"ES256"}')
