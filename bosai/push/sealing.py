"""Records at rest: AES-256-GCM under a subkey per kind, bound to realm, kind and owner.

    master key ─HKDF-SHA256(info = kind)─▶ subkey ─AES-256-GCM─▶ 01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)

The associated data names format, key id, realm, kind and name, each with its length, so that a record moved
to another owner, another side or another kind does not open. Re-key long before 2³² seals of one kind (random
nonces).
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bosai.errors import SealBroken
from bosai.model.realm import Realm

MASTER_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD_BYTES = len(_FORMAT) + _NONCE_BYTES + _TAG_BYTES
_BODY_FROM = len(_FORMAT) + _NONCE_BYTES


class KindSealer:
    """Seals and opens the records of one kind on one side: what is the same for all of them is worked out once."""

    __slots__ = ("_bound", "_decrypt", "_encrypt", "kind")

    def __init__(self, cipher: AESGCM, kind: str, bound: bytes) -> None:
        self.kind = kind
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt
        self._bound = bound

    def seal(self, name: bytes, plain: bytes) -> bytes:
        """`plain` sealed for the record `name`. Every call takes a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = self._bound + len(name).to_bytes(4, "big") + name
        return _FORMAT + nonce + self._encrypt(nonce, plain, bound)

    def open(self, name: bytes, sealed: bytes) -> bytes:
        """The plain bytes. Raises SealBroken for another key, kind, side or name, and for changed bytes."""
        if len(sealed) < OVERHEAD_BYTES or sealed[0] != _FORMAT[0]:
            raise SealBroken(self.kind)
        try:
            return self._decrypt(
                sealed[1:_BODY_FROM], sealed[_BODY_FROM:], self._bound + len(name).to_bytes(4, "big") + name
            )
        except InvalidTag as error:
            raise SealBroken(self.kind) from error


class Sealer:
    """Seals and opens records under one master key (32 random bytes) named `key_id`."""

    def __init__(self, master: bytes, key_id: str) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"master: expected {MASTER_BYTES} bytes, got {len(master)}")
        self.key_id = key_id
        self._master = master
        self._kinds: dict[tuple[str, Realm], KindSealer] = {}

    def seal(self, kind: str, realm: Realm, name: str, plain: bytes) -> bytes:
        """`plain` sealed for the record `name` of `kind` on one side. Every call takes a fresh nonce."""
        return self.of_kind(kind, realm).seal(name.encode(), plain)

    def open(self, kind: str, realm: Realm, name: str, sealed: bytes) -> bytes:
        """The plain bytes. Raises SealBroken for another key, kind, side or name, and for changed bytes."""
        return self.of_kind(kind, realm).open(name.encode(), sealed)

    def derived(self, purpose: str) -> bytes:
        """32 bytes of another key, for marks of this purpose; never the key of a seal."""
        info = b"bosai marks v1 " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._master)

    def of_kind(self, kind: str, realm: Realm) -> KindSealer:
        """The same for one kind on one side, for those who open many."""
        found = self._kinds.get((kind, realm))
        if found is None:
            subkey = HKDF(
                algorithm=SHA256(), length=32, salt=None, info=b"bosai sealing v1 " + kind.encode()
            ).derive(self._master)
            parts = (self.key_id.encode(), realm.value.encode(), kind.encode())
            bound = _FORMAT + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
            found = self._kinds[kind, realm] = KindSealer(AESGCM(subkey), kind, bound)
        return found
