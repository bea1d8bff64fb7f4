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


class Sealer:
    """Seals and opens records under one master key (32 random bytes) named `key_id`."""

    def __init__(self, master: bytes, key_id: str) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"master: expected {MASTER_BYTES} bytes, got {len(master)}")
        self.key_id = key_id
        self._master = master
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, kind: str, realm: Realm, name: str, plain: bytes) -> bytes:
        """`plain` sealed for the record `name` of `kind` on one side. Every call takes a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher(kind).encrypt(nonce, plain, self._bound_to(kind, realm, name))

    def open(self, kind: str, realm: Realm, name: str, sealed: bytes) -> bytes:
        """The plain bytes. Raises SealBroken for another key, kind, side or name, and for changed bytes."""
        if len(sealed) < OVERHEAD_BYTES or sealed[:1] != _FORMAT:
            raise SealBroken(kind)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher(kind).decrypt(nonce, body, self._bound_to(kind, realm, name))
        except InvalidTag as error:
            raise SealBroken(kind) from error

    def _cipher(self, kind: str) -> AESGCM:
        cipher = self._ciphers.get(kind)
        if cipher is None:
            subkey = HKDF(
                algorithm=SHA256(), length=32, salt=None, info=b"bosai sealing v1 " + kind.encode()
            ).derive(self._master)
            cipher = self._ciphers[kind] = AESGCM(subkey)
        return cipher

    def _bound_to(self, kind: str, realm: Realm, name: str) -> bytes:
        parts = (self.key_id.encode(), realm.value.encode(), kind.encode(), name.encode())
        return _FORMAT + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
