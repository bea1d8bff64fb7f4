"""The key that signs CAP messages: made at the first start, replaced by the city's own, never half of a pair."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from bosai.secrets import CapKeyUnusable, load_or_create


def pem_of(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_of(key) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "city.example.jp")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def put(tmp_path, key: bytes, certificate: bytes | None) -> None:
    load_or_create(tmp_path)
    home = tmp_path / "keys" / "live"
    (home / "cap-sign.pem").write_bytes(key)
    if certificate is not None:
        (home / "cap-sign.crt").write_bytes(certificate)


def test_each_side_has_its_own_key_with_a_certificate_that_fits_and_holds_for_years(tmp_path):
    secrets = load_or_create(tmp_path)
    seen = set()
    for side in (secrets.live, secrets.drill):
        certificate = x509.load_pem_x509_certificate(side.cap_certificates_pem)
        assert certificate.public_key() == load_pem_private_key(side.cap_private_pem, None).public_key()
        assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3000)
        seen.add(certificate.public_bytes(Encoding.DER))
    assert len(seen) == 2
    assert secrets.live.cap_private_pem != secrets.live.vapid_private_pem
    assert load_or_create(tmp_path) == secrets


@pytest.mark.parametrize(
    "make",
    [lambda: rsa.generate_private_key(65537, 2048), lambda: ec.generate_private_key(ec.SECP384R1())],
    ids=["rsa", "p384"],
)
def test_the_citys_own_key_and_certificate_take_the_place_of_ours(tmp_path, make):
    key = make()
    certificate = certificate_of(key)
    put(tmp_path, pem_of(key), certificate)
    live = load_or_create(tmp_path).live
    assert (live.cap_private_pem, live.cap_certificates_pem) == (pem_of(key), certificate)


def test_a_key_without_its_certificate_is_refused_and_both_names_are_told(tmp_path):
    put(tmp_path, pem_of(ec.generate_private_key(ec.SECP256R1())), None)
    with pytest.raises(
        CapKeyUnusable, match=r"cap-sign.crt is not the certificate of cap-sign.pem: put .* together"
    ):
        load_or_create(tmp_path)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (b"", "holds no private key in PEM form"),
        (pem_of(ed25519.Ed25519PrivateKey.generate()), "holds neither an EC key nor an RSA key of 2048 bits"),
        (
            pem_of(rsa.generate_private_key(65537, 1024)),
            "holds neither an EC key nor an RSA key of 2048 bits",
        ),
    ],
    ids=["empty", "ed25519", "short rsa"],
)
def test_a_key_that_can_not_sign_for_receivers_is_refused(tmp_path, key, reason):
    put(tmp_path, key, None)
    with pytest.raises(CapKeyUnusable, match=reason):
        load_or_create(tmp_path)


def test_a_certificate_that_is_none_is_refused(tmp_path):
    put(tmp_path, pem_of(ec.generate_private_key(ec.SECP256R1())), b"-----BEGIN CERTIFICATE-----\nnone")
    with pytest.raises(CapKeyUnusable, match=r"cap-sign.crt holds no certificate"):
        load_or_create(tmp_path)
