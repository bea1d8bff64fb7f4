"""Who is sending: the VAPID header (RFC 8292), signed once per origin and period (an hour unless told).

The tokens live by the push services' clock, so `now_s` is the machine's time even when the service replays the past.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from py_vapid import Vapid02

_MARGIN_S = 1800  # beyond its period: clocks of push services differ; RFC 8292 §2 allows 24 hours in all


class VapidSigner:
    """The key of one side. `subject`: `mailto:` or `https:` contact of the operator; a token serves `token_s`."""

    def __init__(self, private_pem: bytes, subject: str, token_s: int = 3600) -> None:
        if not 0 < token_s <= 86_400 - _MARGIN_S:
            raise ValueError(f"token_s: expected 1 to {86_400 - _MARGIN_S}, got {token_s}")
        key = load_pem_private_key(private_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("vapid key: expected a P-256 private key")  # noqa: TRY004 - a fault of the value
        if not subject.startswith(("mailto:", "https:")):
            raise ValueError(f"vapid subject: expected mailto: or https:, got {subject!r}")
        self._vapid = Vapid02(key)
        self._subject = subject
        self._token_s = token_s
        self._period = -1
        self._headers: dict[str, str] = {}
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_b64url = base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def authorization(self, origin: str, now_s: float) -> str:
        """The Authorization header for one origin. `now_s`: seconds since 1970, machine's time."""
        period = int(now_s // self._token_s)
        if period != self._period:
            self._period, self._headers = period, {}
        header = self._headers.get(origin)
        if header is None:
            expires = (period + 1) * self._token_s + _MARGIN_S
            claims = {"aud": origin, "exp": expires, "sub": self._subject}
            header = self._headers[origin] = str(self._vapid.sign(claims)["Authorization"])
        return header
