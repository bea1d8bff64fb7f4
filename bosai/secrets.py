"""The service's own keys, one set per realm, each in a file that only its user can read.

    <data dir>/keys/<realm>/vapid.pem        P-256, signs what we send to push services (RFC 8292)
                            push-seal.key    32 bytes, seals endpoints and keys; opened by delivery
                            places-seal.key  32 bytes, seals where people live; opened by the planner
                            told-seal.key    32 bytes, seals what people were told: two distances tell a home
                            hmac.key         32 bytes, notification tags, household tokens, capability links
                            cap-sign.pem     P-256 (or the city's own key), signs CAP messages
                            cap-sign.crt     its certificate: self-signed until the city puts its own pair here

Live and drill share nothing: a push service refuses what the other side signed. Losing `vapid.pem` loses every
subscription and losing a sealing key loses what it sealed, so the folder belongs in the backup. Files are made once,
whole or not at all, and never rewritten. No secret ever reaches a log: `repr` leaves them out.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

REALMS = ("live", "drill")
KEY_BYTES = 32
CAP_CERTIFICATE_DAYS = 3650
CAP_RSA_BITS = 2048  # at least, of a key the city puts there


class SecretsError(Exception):
    """The key files cannot be used; the message is one sentence, names the file and the mend."""


@dataclass(eq=False)
class KeyFileExposed(SecretsError):
    """Others than its owner may read or change a key file."""

    path: Path
    mode: int

    def __str__(self) -> str:
        right = "700" if self.path.is_dir() else "600"
        return f"{self.path} is open to other users (mode {self.mode:03o}): run 'chmod {right} {self.path}'."


@dataclass(eq=False)
class KeyFileUnusable(SecretsError):
    """A key file does not hold the key it should."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}: put it back from the backup, for a new key loses what the old one sealed."


@dataclass(eq=False)
class CapKeyUnusable(SecretsError):
    """The key that signs CAP messages, or its certificate, does not do."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} {self.reason}: put the city's key (cap-sign.pem) and its certificate (cap-sign.crt) there "
            "together, or remove both and new ones are made."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """A 32-byte master key and its public name, which goes into what it seals."""

    key_id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmSecrets:
    """All keys of one realm.

    vapid_public_b64url: the uncompressed point (65 bytes), base64url without padding, as a browser's
    `applicationServerKey` and the `k=` of RFC 8292 want it. key_id names the whole set, for logs and diagnosis.
    """

    realm: str
    key_id: str
    vapid_private_pem: bytes = field(repr=False)
    vapid_public_b64url: str
    push_seal_key: SealKey
    places_seal_key: SealKey
    told_seal_key: SealKey
    hmac_key: bytes = field(repr=False)
    cap_private_pem: bytes = field(repr=False)
    cap_certificates_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The keys of both realms."""

    live: RealmSecrets
    drill: RealmSecrets

    def realm(self, name: str) -> RealmSecrets:
        """The keys of the realm `name`. Raises ValueError for a name that is no realm."""
        if name not in REALMS:
            raise ValueError(f"there is no realm '{name}': it is one of {', '.join(REALMS)}")
        return self.live if name == "live" else self.drill


def load_or_create(data_dir: Path) -> Secrets:
    """The keys of `data_dir`, made at the first call. Blocking: reads and writes a few small files.

    Several processes may call it at once. Raises KeyFileExposed, KeyFileUnusable.
    """
    folder = data_dir / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_exposed(folder)
    lock_fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX)  # held for the milliseconds of making files
        return Secrets(live=_realm(folder, "live"), drill=_realm(folder, "drill"))
    finally:
        os.close(lock_fd)


def _realm(folder: Path, realm: str) -> RealmSecrets:
    home = folder / realm
    home.mkdir(mode=0o700, exist_ok=True)
    _refuse_exposed(home)
    pem_path = home / "vapid.pem"
    pem = _read_or_make(pem_path, _new_vapid_pem)
    point = _public_point(pem_path, pem)
    cap_private_pem, cap_certificates_pem = _cap_key(home, realm)
    return RealmSecrets(
        realm=realm,
        key_id=hashlib.sha256(point).hexdigest()[:12],
        vapid_private_pem=pem,
        vapid_public_b64url=base64.urlsafe_b64encode(point).rstrip(b"=").decode("ascii"),
        push_seal_key=_seal_key(home / "push-seal.key"),
        places_seal_key=_seal_key(home / "places-seal.key"),
        told_seal_key=_seal_key(home / "told-seal.key"),
        hmac_key=_random_key(home / "hmac.key"),
        cap_private_pem=cap_private_pem,
        cap_certificates_pem=cap_certificates_pem,
    )


def _seal_key(path: Path) -> SealKey:
    key = _random_key(path)
    # A name that tells nothing of the key: a hash under a label of its own.
    return SealKey(key_id=hashlib.sha256(b"bosai key id\0" + key).hexdigest()[:12], key=key)


def _random_key(path: Path) -> bytes:
    key = _read_or_make(path, lambda: os.urandom(KEY_BYTES))
    if len(key) != KEY_BYTES:
        raise KeyFileUnusable(path, f"holds {len(key)} bytes and not {KEY_BYTES}")
    return key


def _cap_key(home: Path, realm: str) -> tuple[bytes, bytes]:
    """(private key, certificates) that sign CAP messages, in PEM, fitting each other."""
    key_path, certificate_path = home / "cap-sign.pem", home / "cap-sign.crt"
    pem = _read_or_make(key_path, _new_vapid_pem)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CapKeyUnusable(key_path, "holds no private key in PEM form without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) or (
        isinstance(key, rsa.RSAPrivateKey) and key.key_size < CAP_RSA_BITS
    ):
        raise CapKeyUnusable(
            key_path, f"holds neither an EC key nor an RSA key of {CAP_RSA_BITS} bits or more"
        )
    certificates = _read_or_make(certificate_path, lambda: _new_certificate(key, realm))
    try:
        own = x509.load_pem_x509_certificates(certificates)[0]
    except ValueError as error:
        raise CapKeyUnusable(certificate_path, "holds no certificate in PEM form") from error
    if own.public_key() != key.public_key():
        raise CapKeyUnusable(certificate_path, "is not the certificate of cap-sign.pem")
    return pem, certificates


def _new_certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, realm: str) -> bytes:
    """Signed by the key itself: receivers know it by having got it from the city, not by an authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"bosai CAP {realm}")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a receiver's clock may be behind
        .not_valid_after(now + timedelta(days=CAP_CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def _new_vapid_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_point(path: Path, pem: bytes) -> bytes:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileUnusable(path, "holds no private key in PEM form") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileUnusable(path, "holds a key that is not on the curve P-256")
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        _refuse_exposed(path)
        return path.read_bytes()
    except FileNotFoundError:
        _write_once(path, make())
        return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    """The whole file or none: written beside, forced to disk, then renamed, and the folder forced too."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)  # of a start that was killed
    file_fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file_fd, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(path)
    folder_fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)


def _refuse_exposed(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileExposed(path, mode)
