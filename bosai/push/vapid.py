"""Who is sending: the VAPID header (RFC 8292), signed once per origin and hour.

The tokens live by the push services' clock, so `now_s` is the machine's time even when the service replays the past.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from py_vapid import Vapid02

_HOUR_S = 3600
_LIFE_S = 12 * _HOUR_S  # RFC 8292 §2 allows 24 hours from the request


class VapidSigner:
    """The key of one side. `subject` is the `mailto:` or `https:` contact of the operator."""

    def __init__(self, private_pem: bytes, subject: str) -> None:
        key = load_pem_private_key(private_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("vapid key: expected a P-256 private key")  # noqa: TRY004 - a fault of the value
        if not subject.startswith(("mailto:", "https:")):
            raise ValueError(f"vapid subject: expected mailto: or https:, got {subject!r}")
        self._vapid = Vapid02(key)
        self._subject = subject
        self._hour = -1
        self._headers: dict[str, str] = {}
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_b64url = base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def authorization(self, origin: str, now_s: float) -> str:
        """The Authorization header for one origin. `now_s`: seconds since 1970, machine's time."""
        hour = int(now_s // _HOUR_S)
        if hour != self._hour:
            self._hour, self._headers = hour, {}
        header = self._headers.get(origin)
        if header is None:
            claims = {"aud": origin, "exp": hour * _HOUR_S + _LIFE_S, "sub": self._subject}
            header = self._headers[origin] = str(self._vapid.sign(claims)["Authorization"])
        return header
