from __future__ import annotations

import base64
import hmac
import os

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pywebpush import WebPusher

from bosai.push.encryption import OneTimePair, _pair_of, encrypt, make_pair
from bosai.push.payload_limits import RFC_PLAINTEXT_BYTES, SERVICE_BODY_BYTES, body_bytes


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


BROWSER = ec.generate_private_key(ec.SECP256R1())
POINT, AUTH = point_of(BROWSER), os.urandom(16)


def decrypted(body: bytes, key: ec.EllipticCurvePrivateKey = BROWSER, auth: bytes = AUTH) -> bytes:
    return http_ece.decrypt(body, private_key=key, auth_secret=auth, version="aes128gcm")


def test_the_example_of_rfc_8291_appendix_a_comes_out_byte_for_byte():
    ours = ec.derive_private_key(
        int.from_bytes(unbase64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    browser = unbase64(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    pair = _pair_of(ours, browser, unbase64("BTBZMqHH6r4Tts7J_aSIgg"))
    assert pair.ikm == unbase64("S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg")
    body = encrypt(b"When I grow up, I want to be a watermelon", pair, unbase64("DGv6ra1nlYgDCS1FRnbzlw"))
    assert body == unbase64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=RFC_PLAINTEXT_BYTES), st.binary(min_size=16, max_size=16))
def test_every_text_is_read_by_http_ece_and_has_the_length_foreseen(text, salt):
    body = encrypt(text, make_pair(POINT, AUTH), salt)
    assert decrypted(body) == text
    assert len(body) == body_bytes(len(text)) <= SERVICE_BODY_BYTES
    assert body[:16] == salt


@given(st.text(min_size=1, max_size=300))
def test_ours_and_that_of_pywebpush_are_read_alike(text):
    b64url = [base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (POINT, AUTH)]
    peer = WebPusher({"endpoint": "https://push.example/x", "keys": {"p256dh": b64url[0], "auth": b64url[1]}})
    theirs = peer.encode(text.encode(), content_encoding="aes128gcm")["body"]
    ours = encrypt(text.encode(), make_pair(POINT, AUTH), os.urandom(16))
    assert decrypted(theirs) == decrypted(ours) == text.encode()
    assert len(theirs) == len(ours)


def test_every_pair_is_new_and_its_material_is_not_the_shared_secret():
    pairs = [make_pair(POINT, AUTH) for _ in range(20)]
    assert len({one.public for one in pairs}) == len({one.ikm for one in pairs}) == 20
    for public, ikm in pairs:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        shared = BROWSER.exchange(ec.ECDH(), theirs)
        assert ikm != shared
        prk = hmac.digest(AUTH, shared, "sha256")
        assert ikm == hmac.digest(prk, b"WebPush: info\0" + POINT + public + b"\x01", "sha256")


@pytest.mark.parametrize(
    "keys", [(ec.generate_private_key(ec.SECP256R1()), AUTH), (BROWSER, bytes(16))], ids=["key", "secret"]
)
def test_another_browser_or_another_secret_reads_nothing(keys):
    body = encrypt("避難指示".encode(), make_pair(POINT, AUTH), os.urandom(16))
    with pytest.raises(http_ece.ECEException):
        decrypted(body, *keys)


@given(at=st.integers(0, 199).filter(lambda at: not 16 <= at < 20), flip=st.integers(1, 255))
def test_a_byte_changed_on_the_way_is_noticed(at, flip):
    """All but the four of the record size: a larger size says the same."""
    body = bytearray(encrypt(b"x" * 97, make_pair(POINT, AUTH), os.urandom(16)))
    assert len(body) == 200
    body[at] ^= flip
    with pytest.raises((http_ece.ECEException, ValueError)):
        decrypted(bytes(body))


def test_a_text_one_byte_too_long_is_refused():
    with pytest.raises(ValueError, match="at most 3993 bytes, got 3994"):
        encrypt(b"x" * (RFC_PLAINTEXT_BYTES + 1), make_pair(POINT, AUTH), bytes(16))


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [(b"\x04" + b"\x01" * 64, AUTH), (POINT[:64], AUTH), (POINT, AUTH[:15]), (b"\0" * 65, AUTH)],
)
def test_keys_that_are_no_keys_are_refused(p256dh, auth):
    with pytest.raises(ValueError, match=r"expected|[Ii]nvalid|curve"):
        make_pair(p256dh, auth)


@pytest.mark.parametrize(
    ("pair", "salt"),
    [
        (OneTimePair(POINT, bytes(32)), bytes(15)),
        (OneTimePair(POINT[1:], bytes(32)), bytes(16)),
        (OneTimePair(POINT, bytes(31)), bytes(16)),
    ],
)
def test_parts_of_another_length_are_refused_before_anything_is_encrypted(pair, salt):
    with pytest.raises(ValueError, match="expected 16, 65 and 32 bytes"):
        encrypt(b"x", pair, salt)
