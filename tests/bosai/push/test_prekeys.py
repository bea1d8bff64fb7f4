from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.push.encryption import OneTimePair
from bosai.push.part import fingerprint
from bosai.push.prekeys import PAIR_BYTES, open_pair, seal_pair
from bosai.push.sealing import Sealer

SEALER = Sealer(bytes(range(32)), "k1")
KEYS = fingerprint(b"\x04" + bytes(64), bytes(16))
POINTS = st.binary(min_size=64, max_size=64).map(lambda xy: b"\x04" + xy)


@given(public=POINTS, ikm=st.binary(min_size=32, max_size=32), name=st.text("0123456789abcdef", max_size=40))
def test_a_sealed_pair_opens_for_its_owner_and_takes_125_bytes(public, ikm, name):
    pair = OneTimePair(public, ikm)
    sealed = seal_pair(SEALER, Realm.LIVE, name, KEYS, pair)
    assert len(sealed) == PAIR_BYTES == 125
    assert open_pair(SEALER, Realm.LIVE, name, KEYS, sealed) == pair
    assert ikm not in sealed


@pytest.mark.parametrize(
    ("sealer", "realm", "name", "keys"),
    [
        (Sealer(bytes(32), "k1"), Realm.LIVE, "a", KEYS),
        (Sealer(bytes(range(32)), "k2"), Realm.LIVE, "a", KEYS),
        (SEALER, Realm.DRILL, "a", KEYS),
        (SEALER, Realm.LIVE, "b", KEYS),
        (SEALER, Realm.LIVE, "a", fingerprint(b"\x04" + bytes(64), b"\x01" * 16)),
        (SEALER, Realm.LIVE, "a", fingerprint(b"\x04" + b"\x01" * 64, bytes(16))),
    ],
    ids=["master", "key id", "side", "subscriber", "auth", "p256dh"],
)
def test_a_pair_opens_for_nobody_else_and_not_for_renewed_keys(sealer, realm, name, keys):
    sealed = seal_pair(SEALER, Realm.LIVE, "a", KEYS, OneTimePair(b"\x04" + os.urandom(64), os.urandom(32)))
    with pytest.raises(SealBroken):
        open_pair(sealer, realm, name, keys, sealed)


def test_a_pair_is_not_taken_for_another_record_nor_another_record_for_a_pair():
    sealed = seal_pair(SEALER, Realm.LIVE, "a", KEYS, OneTimePair(b"\x04" + bytes(64), bytes(32)))
    for kind in ("push", "places", "told"):
        with pytest.raises(SealBroken):
            SEALER.of_kind(kind, Realm.LIVE).open(b"a" + KEYS, sealed)
        other = SEALER.of_kind(kind, Realm.LIVE).seal(b"a" + KEYS, bytes(96))
        with pytest.raises(SealBroken):
            open_pair(SEALER, Realm.LIVE, "a", KEYS, other)


@given(at=st.integers(0, PAIR_BYTES - 1), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed(at, flip):
    pair = OneTimePair(b"\x04" + bytes(64), bytes(32))
    sealed = bytearray(seal_pair(SEALER, Realm.LIVE, "a", KEYS, pair))
    sealed[at] ^= flip
    with pytest.raises(SealBroken):
        open_pair(SEALER, Realm.LIVE, "a", KEYS, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01" * (PAIR_BYTES - 1), b"\x01" * PAIR_BYTES])
def test_what_is_no_pair_is_refused(sealed):
    with pytest.raises(SealBroken):
        open_pair(SEALER, Realm.LIVE, "a", KEYS, sealed)


def test_a_name_of_the_keys_has_its_length():
    with pytest.raises(ValueError, match="80 bytes"):
        seal_pair(SEALER, Realm.LIVE, "a", b"short", OneTimePair(b"\x04" + bytes(64), bytes(32)))
