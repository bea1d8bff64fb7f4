from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import InvalidInput
from bosai.model.realm import Realm
from bosai.model.subscription import PushTarget
from bosai.push.payload_limits import (
    PLAINTEXT_BYTES,
    RFC_PLAINTEXT_BYTES,
    SERVICE_BODY_BYTES,
    body_bytes,
    fits,
)
from bosai.push.target import check_keys
from bosai.push.topics import TOPIC_CHARS, topic_of
from tests.bed.subscriber import make_keys

AUTH = base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode()
_, P256DH = make_keys()


def target(p256dh: str = P256DH, auth: str = AUTH) -> PushTarget:
    return PushTarget(endpoint="https://fcm.googleapis.com/x", p256dh=p256dh, auth=auth)


def test_a_browsers_keys_pass_with_and_without_padding_and_come_out_alike():
    plain = P256DH.replace("-", "+").replace("_", "/") + "="
    assert check_keys(target()) == check_keys(target(plain, AUTH + "==")) == target()


@pytest.mark.parametrize(
    ("bad", "field", "problem"),
    [
        (target(p256dh=""), "push.p256dh", "missing"),
        (target(p256dh="!!!"), "push.p256dh", "not_a_key"),
        (target(p256dh="ｱｱ"), "push.p256dh", "not_a_key"),
        (target(p256dh=AUTH), "push.p256dh", "not_a_key"),
        (
            target(p256dh=base64.urlsafe_b64encode(b"\x04" + b"\x01" * 64).decode()),
            "push.p256dh",
            "not_a_key",
        ),
        (target(p256dh=base64.urlsafe_b64encode(b"\x00" * 65).decode()), "push.p256dh", "not_a_key"),
        (target(auth=""), "push.auth", "missing"),
        (target(auth="AAAA"), "push.auth", "not_a_key"),
        (target(auth=AUTH + "AAAA"), "push.auth", "not_a_key"),
    ],
)
def test_keys_that_are_no_keys_are_refused_by_name(bad, field, problem):
    with pytest.raises(InvalidInput) as refused:
        check_keys(bad)
    assert (refused.value.field, refused.value.problem) == (field, problem)


@given(st.binary(min_size=65, max_size=65))
def test_65_bytes_off_the_curve_never_pass(point):
    with pytest.raises(InvalidInput):
        check_keys(target(p256dh=base64.urlsafe_b64encode(point).decode()))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_topic_names_one_incident_of_one_side(one, other):
    key = bytes(32)
    live, drill = topic_of(key, Realm.LIVE, one), topic_of(key, Realm.DRILL, one)
    assert len(live) == TOPIC_CHARS
    assert live != drill
    assert (topic_of(key, Realm.LIVE, other) == live) is (one == other)
    assert topic_of(b"\x01" * 32, Realm.LIVE, one) != live


def test_the_limits_are_those_of_the_rfc():
    assert RFC_PLAINTEXT_BYTES == 3993
    assert body_bytes(RFC_PLAINTEXT_BYTES) == SERVICE_BODY_BYTES
    assert fits(b"x" * PLAINTEXT_BYTES)
    assert not fits(b"x" * (PLAINTEXT_BYTES + 1))
    assert not fits(b"")
