"""The *push* part of a subscription as delivery wants it, and as few bytes. Pure; sealing is the store's.

    1 byte   format (high half) and wishes (low half: bit 0 = no monthly check)
    1        language, by its place in a table that only grows
    1        beginning of the endpoint, by its place in a table that only grows; 0 = written out
    64       p256dh without the 04 of an uncompressed point
    16       auth
    the rest of the endpoint

Keys stand as bytes here: nothing is decoded from base64 while messages go out.
"""

import base64
import binascii
from typing import NamedTuple, Self

from bosai.model.subscription import PushTarget
from bosai.push.target import AUTH_BYTES, POINT_BYTES

_FORMAT = 0x10
_NO_CHECKS = 0x01
_HEAD_BYTES = 3 + POINT_BYTES - 1 + AUTH_BYTES
FINGERPRINT_BYTES = POINT_BYTES - 1 + AUTH_BYTES

# Stored by position: append, never change.
_LANGS = ("ja", "ja-x-easy", "en", "zh-Hans", "zh-Hant", "ko", "vi", "ne", "id")
_BEGINNINGS = (
    "",
    "https://fcm.googleapis.com/fcm/send/",
    "https://fcm.googleapis.com/wp/",
    "https://updates.push.services.mozilla.com/wpush/v2/",
    "https://updates.push.services.mozilla.com/wpush/v1/",
    "https://web.push.apple.com/",
)
_ORIGINS = tuple("/".join(one.split("/", 3)[:3]) for one in _BEGINNINGS)
_BY_LANG = {lang: at for at, lang in enumerate(_LANGS)}
_LONGEST_FIRST = sorted(range(1, len(_BEGINNINGS)), key=lambda at: -len(_BEGINNINGS[at]))


class _Fields(NamedTuple):
    endpoint: str
    origin: str  # scheme://host[:port]
    p256dh: bytes  # 65
    auth: bytes  # 16
    lang: str
    wants_checks: bool  # may be sent the monthly check


class PushPart(_Fields):
    """Where to, under which keys, in which language. Equal parts compare equal."""

    __slots__ = ()

    def __new__(cls, *, target: PushTarget, lang: str, wants_checks: bool = True) -> Self:
        """From a checked target (see target.py). Raises ValueError for keys of another length, or no language."""
        if lang not in _BY_LANG:
            raise ValueError(f"lang: {lang!r} is not one that can be kept")
        endpoint = target.endpoint
        origin = "/".join(endpoint.split("/", 3)[:3])
        p256dh, auth = _raw(target.p256dh, POINT_BYTES), _raw(target.auth, AUTH_BYTES)
        return super().__new__(cls, endpoint, origin, p256dh, auth, lang, wants_checks)

    @property
    def target(self) -> PushTarget:
        """The same as a browser gives it."""
        return PushTarget(endpoint=self.endpoint, p256dh=_b64url(self.p256dh), auth=_b64url(self.auth))

    @property
    def fingerprint(self) -> bytes:
        """80 bytes that name both keys: one-time pairs are bound to it."""
        return fingerprint(self.p256dh, self.auth)


def fingerprint(p256dh: bytes, auth: bytes) -> bytes:
    """80 bytes that name both keys of a browser: themselves, as hashing them would cost more than binding them."""
    return p256dh[1:] + auth


def pack(part: PushPart) -> bytes:
    """The part as bytes, 83 and what is left of the endpoint."""
    at = next((at for at in _LONGEST_FIRST if part.endpoint.startswith(_BEGINNINGS[at])), 0)
    head = bytes((_FORMAT | (0 if part.wants_checks else _NO_CHECKS), _BY_LANG[part.lang], at))
    return head + part.p256dh[1:] + part.auth + part.endpoint[len(_BEGINNINGS[at]) :].encode()


def unpack(raw: bytes) -> PushPart:
    """The part again. Raises ValueError for what `pack` did not make."""
    try:
        if raw[0] & 0xF0 != _FORMAT or len(raw) < _HEAD_BYTES:
            raise ValueError("push part: not of a known format")
        lang, at, rest = _LANGS[raw[1]], raw[2], raw[_HEAD_BYTES:].decode()
        endpoint = _BEGINNINGS[at] + rest
    except IndexError as error:
        raise ValueError("push part: written by a newer version") from error
    origin = _ORIGINS[at] if at else "/".join(rest.split("/", 3)[:3])
    keys = b"\x04" + raw[3:67], raw[67:_HEAD_BYTES]
    return _made(PushPart, (endpoint, origin, *keys, lang, not raw[0] & _NO_CHECKS))


_made = tuple.__new__


def _raw(text: str, length: int) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length or (length == POINT_BYTES and raw[0] != 4):
        raise ValueError(f"push target: expected a key of {length} bytes in base64url")
    return raw


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
