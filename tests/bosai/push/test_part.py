from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.messages.catalogue import LANGS
from bosai.model.subscription import PushTarget
from bosai.push.part import PushPart, fingerprint, pack, unpack

BEGINNINGS = [
    "https://fcm.googleapis.com/fcm/send/",
    "https://fcm.googleapis.com/wp/",
    "https://fcm.googleapis.com/",
    "https://updates.push.services.mozilla.com/wpush/v2/",
    "https://updates.push.services.mozilla.com/wpush/v1/",
    "https://updates.push.services.mozilla.com/",
    "https://web.push.apple.com/",
    "https://wns2-par02p.notify.windows.com/w/?token=",
    "http://127.0.0.1:8080/push/",
    "https://push.example",
]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def target(endpoint: str = BEGINNINGS[0] + "abc", point: bytes = bytes(64), auth: bytes = bytes(16)):
    return PushTarget(endpoint=endpoint, p256dh=b64(b"\x04" + point), auth=b64(auth))


def part_of(target: PushTarget, lang: str, wants_checks: bool) -> PushPart:
    return PushPart(target=target, lang=lang, wants_checks=wants_checks)


PARTS = st.builds(
    part_of,
    target=st.builds(
        target,
        st.builds(str.__add__, st.sampled_from(BEGINNINGS), st.text("abcXYZ019-_:/%?=é", max_size=200)),
        st.binary(min_size=64, max_size=64),
        st.binary(min_size=16, max_size=16),
    ),
    lang=st.sampled_from(LANGS),
    wants_checks=st.booleans(),
)


@given(PARTS)
def test_what_was_packed_is_the_same_again(part):
    again = unpack(pack(part))
    assert again == part
    assert type(again) is PushPart
    assert again.target == part.target
    assert again.fingerprint == fingerprint(part.p256dh, part.auth)


@given(PARTS)
def test_the_origin_is_that_of_the_endpoint_and_the_keys_are_bytes(part):
    scheme, _, host = part.origin.partition("://")
    assert scheme in {"http", "https"}
    assert "/" not in host
    assert part.endpoint.startswith(part.origin)
    assert (len(part.p256dh), len(part.auth), part.p256dh[0]) == (65, 16, 4)


@pytest.mark.parametrize("beginning", [BEGINNINGS[0], BEGINNINGS[3], BEGINNINGS[6]])
def test_a_well_known_push_service_takes_one_byte(beginning):
    assert len(pack(PushPart(target=target(beginning + "x" * 100), lang="ja"))) == 83 + 100


def test_what_was_packed_years_ago_still_unpacks():
    raw = b"\x11\x02\x04" + bytes(range(64)) + b"a" * 16 + b"gAAAAA"
    assert unpack(raw) == PushPart(
        target=target(BEGINNINGS[3].replace("v2", "v1") + "gAAAAA", bytes(range(64)), b"a" * 16),
        lang="en",
        wants_checks=False,
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x20\x00\x01" + bytes(90),
        b"\x10\x00\x01" + bytes(79),
        b"\x10\x63\x01" + bytes(90),
        b"\x10\x00\x63" + bytes(90),
        b"\x10\x00\x01" + bytes(80) + b"\xff",
    ],
)
def test_what_is_no_part_or_of_a_newer_version_is_refused_and_not_an_accident(raw):
    with pytest.raises(ValueError, match=r"push part|utf-8"):
        unpack(raw)


@pytest.mark.parametrize(
    "bad",
    [
        target(point=bytes(63)),
        target(auth=bytes(15)),
        PushTarget(endpoint="https://a.example/x", p256dh="!", auth=b64(bytes(16))),
        PushTarget(endpoint="https://a.example/x", p256dh=b64(bytes(65)), auth=b64(bytes(16))),
    ],
)
def test_keys_that_were_never_checked_are_refused(bad):
    with pytest.raises(ValueError, match="expected a key"):
        PushPart(target=bad, lang="ja")


def test_a_language_we_do_not_speak_is_refused():
    with pytest.raises(ValueError, match="lang"):
        PushPart(target=target(), lang="fr")
