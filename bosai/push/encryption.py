"""Message encryption for Web Push: RFC 8291 (keys) and RFC 8188 (`aes128gcm`), in two halves.

    make_pair   browser's keys ─▶ fresh P-256 pair ▸ ECDH ▸ HKDF ─▶ OneTimePair     62 of 65 µs; needs no text
    encrypt     text, pair, salt ─▶ HKDF ▸ AES-128-GCM ─▶ body of the request        the rest

The first half can be done in quiet hours (prekeys.py). A pair is for one message only: RFC 8291 §3.1 asks for a
new key pair for each. What is kept of the ECDH is the input keying material derived from it and from the browser's
authentication secret (RFC 8291 §3.3): the raw shared secret is never stored, and sending saves its derivation.
"""

import hmac
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bosai.push.payload_limits import RFC_PLAINTEXT_BYTES, SERVICE_BODY_BYTES
from bosai.push.target import AUTH_BYTES, POINT_BYTES

SALT_BYTES = 16
IKM_BYTES = 32
_CURVE = ec.SECP256R1()
_SIZES = SERVICE_BODY_BYTES.to_bytes(4, "big") + bytes((POINT_BYTES,))  # record size, length of the key id
_LAST_RECORD = b"\x02"  # RFC 8188 §2: the delimiter of the last record, and ours is the only one
_CEK_INFO = b"Content-Encoding: aes128gcm\0\x01"
_NONCE_INFO = b"Content-Encoding: nonce\0\x01"

# HMAC-SHA-256 written out (RFC 2104): the three of a message share their padded keys, which halves their time.
_INNER = bytes(one ^ 0x36 for one in range(256))
_OUTER = bytes(one ^ 0x5C for one in range(256))
_INNER_48, _OUTER_48 = b"\x36" * 48, b"\x5c" * 48
_INNER_32, _OUTER_32 = b"\x36" * 32, b"\x5c" * 32


class OneTimePair(NamedTuple):
    """What one message is encrypted with. Never used twice, never written down in the clear.

    public: our half, an uncompressed P-256 point. ikm: input keying material of RFC 8291 §3.4.
    """

    public: bytes  # 65
    ikm: bytes  # 32


def make_pair(p256dh: bytes, auth: bytes) -> OneTimePair:
    """A new pair for a browser. p256dh: its point, 65 bytes; auth: its secret, 16 bytes.

    About 60 µs, with the interpreter held. Raises ValueError for what is no point on P-256, or a secret of
    another length.
    """
    return _pair_of(ec.generate_private_key(_CURVE), p256dh, auth)


def encrypt(plaintext: bytes, pair: OneTimePair, salt: bytes) -> bytes:
    """The body of one push: salt ‖ sizes ‖ our point ‖ one encrypted record. Exactly `body_bytes(len(plaintext))`.

    salt: 16 random bytes, new for every attempt (os.urandom). Raises ValueError for a text beyond 3,993 bytes.
    """
    if len(plaintext) > RFC_PLAINTEXT_BYTES:
        raise ValueError(f"plaintext: at most {RFC_PLAINTEXT_BYTES} bytes, got {len(plaintext)}")
    public, ikm = pair
    if len(salt) != SALT_BYTES or len(public) != POINT_BYTES or len(ikm) != IKM_BYTES:
        raise ValueError("salt, public, ikm: expected 16, 65 and 32 bytes")
    outer = salt.translate(_OUTER) + _OUTER_48
    inner = sha256(salt.translate(_INNER) + _INNER_48 + ikm).digest()
    prk = sha256(outer + inner).digest()
    inner_pad, outer_pad = prk.translate(_INNER) + _INNER_32, prk.translate(_OUTER) + _OUTER_32
    key = sha256(outer_pad + sha256(inner_pad + _CEK_INFO).digest()).digest()[:16]
    nonce = sha256(outer_pad + sha256(inner_pad + _NONCE_INFO).digest()).digest()[:12]
    return salt + _SIZES + public + AESGCM(key).encrypt(nonce, plaintext + _LAST_RECORD, None)


def _pair_of(ours: ec.EllipticCurvePrivateKey, p256dh: bytes, auth: bytes) -> OneTimePair:
    if len(p256dh) != POINT_BYTES or len(auth) != AUTH_BYTES:
        raise ValueError(f"p256dh, auth: expected {POINT_BYTES} and {AUTH_BYTES} bytes")
    shared = ours.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, p256dh))
    public = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    info = b"WebPush: info\0" + p256dh + public + b"\x01"
    return OneTimePair(public, hmac.digest(hmac.digest(auth, shared, "sha256"), info, "sha256"))
