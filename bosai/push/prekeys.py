"""One-time pairs kept for later ("prekeys"), sealed. Pure.

    quiet hours   make_pair ─▶ seal_pair ─▶ store
    a message     popped from the store (gone from there, whatever happens next) ─▶ open_pair ─▶ encrypt

    01 ‖ nonce (12) ‖ sealed: our point without its 04 (64), keying material (32) ‖ tag (16)

The seal is bound to side, subscriber and a fingerprint of the browser's keys: a pair made for keys that were replaced
since does not open, so a message is never encrypted to a browser that could not read it.
"""

from bosai.model.realm import Realm
from bosai.push.encryption import IKM_BYTES, OneTimePair
from bosai.push.part import FINGERPRINT_BYTES
from bosai.push.sealing import OVERHEAD_BYTES, Sealer
from bosai.push.target import POINT_BYTES

PREKEY_KIND = "prekey"
_POINT = POINT_BYTES - 1
PAIR_BYTES = OVERHEAD_BYTES + _POINT + IKM_BYTES  # 125


def seal_pair(
    sealer: Sealer, realm: Realm, subscription_id: str, target_fingerprint: bytes, pair: OneTimePair
) -> bytes:
    """The pair as stored, PAIR_BYTES long. `target_fingerprint`: of the keys it was made for (PushPart.fingerprint)."""
    name = _name(subscription_id, target_fingerprint)
    return sealer.of_kind(PREKEY_KIND, realm).seal(name, pair.public[1:] + pair.ikm)


def open_pair(
    sealer: Sealer, realm: Realm, subscription_id: str, target_fingerprint: bytes, sealed: bytes
) -> OneTimePair:
    """The pair. Raises SealBroken for another subscriber, side or key, and when the browser's keys are others now."""
    name = _name(subscription_id, target_fingerprint)
    plain = sealer.of_kind(PREKEY_KIND, realm).open(name, sealed)
    return OneTimePair(b"\x04" + plain[:_POINT], plain[_POINT:])


def _name(subscription_id: str, target_fingerprint: bytes) -> bytes:
    if len(target_fingerprint) != FINGERPRINT_BYTES:
        raise ValueError(f"target_fingerprint: expected {FINGERPRINT_BYTES} bytes")
    return subscription_id.encode() + target_fingerprint
