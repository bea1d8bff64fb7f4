from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.push.sealing import OVERHEAD_BYTES, Sealer

MASTER = bytes(range(32))
SEALER = Sealer(MASTER, "k1")


@given(plain=st.binary(max_size=500), kind=st.text(max_size=9), name=st.text(max_size=40))
def test_what_is_sealed_opens_for_its_owner_and_costs_a_fixed_overhead(plain, kind, name):
    sealed = SEALER.seal(kind, Realm.LIVE, name, plain)
    assert SEALER.open(kind, Realm.LIVE, name, sealed) == plain
    assert len(sealed) == len(plain) + OVERHEAD_BYTES


@pytest.mark.parametrize(
    ("sealer", "kind", "realm", "name"),
    [
        (SEALER, "places", Realm.LIVE, "a"),
        (SEALER, "push", Realm.DRILL, "a"),
        (SEALER, "push", Realm.LIVE, "b"),
        (Sealer(MASTER, "k2"), "push", Realm.LIVE, "a"),
        (Sealer(bytes(32), "k1"), "push", Realm.LIVE, "a"),
    ],
)
def test_a_record_moved_to_another_kind_side_owner_or_key_does_not_open(sealer, kind, realm, name):
    sealed = SEALER.seal("push", Realm.LIVE, "a", b"endpoint")
    with pytest.raises(SealBroken):
        sealer.open(kind, realm, name, sealed)


@given(kind=st.text(max_size=6), name=st.text(max_size=6), shift=st.integers(0, 5))
def test_letters_moved_from_kind_to_name_make_another_record(kind, name, shift):
    whole = kind + name
    other_kind, other_name = whole[:shift], whole[shift:]
    sealed = SEALER.seal(kind, Realm.LIVE, name, b"x")
    if (other_kind, other_name) == (kind, name):
        assert SEALER.open(other_kind, Realm.LIVE, other_name, sealed) == b"x"
    else:
        with pytest.raises(SealBroken):
            SEALER.open(other_kind, Realm.LIVE, other_name, sealed)


@given(at=st.integers(0, 200), flip=st.integers(1, 255))
def test_a_changed_byte_anywhere_is_noticed(at, flip):
    sealed = bytearray(SEALER.seal("push", Realm.LIVE, "a", b"endpoint"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(SealBroken):
        SEALER.open("push", Realm.LIVE, "a", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" * 40, b"\x01" * (OVERHEAD_BYTES - 1)])
def test_what_was_never_sealed_is_refused_and_not_an_accident(sealed):
    with pytest.raises(SealBroken):
        SEALER.open("push", Realm.LIVE, "a", sealed)


def test_the_same_record_never_looks_the_same_twice():
    assert len({SEALER.seal("push", Realm.LIVE, "a", b"same") for _ in range(50)}) == 50


def test_what_was_sealed_years_ago_still_opens():
    """The format written out once more: what is in the stores of cities must never stop opening."""
    subkey = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"bosai sealing v1 push").derive(MASTER)
    bound = b"\x01" + b"\0\0\0\x02k1" + b"\0\0\0\x04live" + b"\0\0\0\x04push" + b"\0\0\0\x03" + "湾".encode()
    sealed = b"\x01" + b"n" * 12 + AESGCM(subkey).encrypt(b"n" * 12, b"endpoint", bound)
    assert SEALER.open("push", Realm.LIVE, "湾", sealed) == b"endpoint"
    assert SEALER.of_kind("push", Realm.LIVE).open("湾".encode(), sealed) == b"endpoint"


def test_a_master_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short", "k1")
