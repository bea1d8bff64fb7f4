from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02

from bosai.push.contact import is_contact
from bosai.push.vapid import _MOST_ORIGINS, LONGEST_TOKEN_S, VapidSigner
from tests.bed.vapid import ApplicationKeys, check_vapid, unb64url

KEYS = ApplicationKeys.make()
CONTACT = "mailto:ops@example.jp"
ORIGIN = "https://push.example.com"
START = 498_733 * 3600.0


def signer(token_s: int = 3600, subject: str = CONTACT) -> VapidSigner:
    return VapidSigner(KEYS.private_pem, subject, token_s)


def exp_of(header: str) -> int:
    return json.loads(unb64url(header.removeprefix("vapid t=").split(".")[1]))["exp"]


def test_what_we_sign_is_verified_by_py_vapid():
    header = signer().authorization(ORIGIN, START)
    assert Vapid02.verify(header)
    later = signer().authorization(ORIGIN, START + 7200)
    (head, claims, _), (_, _, other) = (one.split(".") for one in (header, later))
    assert not Vapid02.verify(f"{head}.{claims}.{other}")


def test_the_token_names_origin_contact_and_key_as_a_push_service_checks_them():
    made = signer()
    claims = check_vapid(
        made.authorization(ORIGIN, START), origin=ORIGIN, restricted_to=KEYS.public, now_s=START
    )
    assert claims is not None
    assert (claims.aud, claims.sub, claims.key) == (ORIGIN, CONTACT, KEYS.public)
    assert made.public_b64url == KEYS.public


def test_one_token_serves_an_origin_for_its_period_and_another_origin_has_its_own():
    made = signer()
    first = made.authorization(ORIGIN, START)
    assert made.authorization(ORIGIN, START + 3599.9) == first
    assert made.authorization("https://other.example.com", START) != first
    renewed = made.authorization(ORIGIN, START + 3600)
    assert renewed != first
    assert exp_of(first) > START + 3600  # renewed well before it ends


@given(
    token_s=st.integers(1, LONGEST_TOKEN_S),
    times=st.lists(st.floats(0, 4e9) | st.floats(START - 90_000, START + 90_000), min_size=1, max_size=12),
)
def test_whatever_the_clock_does_a_token_is_valid_at_the_moment_it_is_used(token_s, times):
    made = signer(token_s)
    for now_s in times:
        expires = exp_of(made.authorization(ORIGIN, now_s))
        assert now_s + 600 < expires <= now_s + 86_400


def test_hosts_named_by_browsers_do_not_fill_the_memory():
    made = signer()
    made._signed = lambda origin, expires_s: f"{origin} {expires_s}"
    for number in range(3 * _MOST_ORIGINS):
        made.authorization(f"https://h{number}.push.apple.com", START)
    assert len(made._headers) <= _MOST_ORIGINS


CONTACTS = ["mailto:ops@example.jp", "mailto:kiki+push@city.sendai.jp", "https://www.city.sendai.jp/kiki"]
NO_CONTACTS = [
    "",
    "ops@example.jp",
    "mailto:",
    "mailto:ops",
    "mailto:ops@",
    "mailto:ops@localhost",
    "mailto:@example.jp",
    "mailto: ops@example.jp",
    "mailto:ops@example.jp ",
    "mailto:ops@example.jp\n",
    "mailto:<ops@example.jp>",
    "mailto:a@example.jp,b@example.jp",
    "mailto:a@b@example.jp",
    "https:",
    "https://",
    "https:///page",
    "https://:443/",
    "https://[::1/",
    "https://city.example.jp/a page",
    "http://city.example.jp/",
    "tel:0221234567",
]


@pytest.mark.parametrize("subject", CONTACTS)
def test_a_contact_somebody_can_be_reached_at_is_taken(subject):
    assert is_contact(subject)
    assert "vapid t=" in signer(subject=subject).authorization(ORIGIN, START)


@pytest.mark.parametrize("subject", NO_CONTACTS)
def test_a_contact_nobody_can_be_reached_at_is_refused(subject):
    assert not is_contact(subject)
    with pytest.raises(ValueError, match="vapid subject: expected mailto:<address> or https://<page>"):
        signer(subject=subject)


@pytest.mark.parametrize("token_s", [0, -1, LONGEST_TOKEN_S + 1, 86_400])
def test_an_endless_token_is_refused(token_s):
    with pytest.raises(ValueError, match="token_s"):
        signer(token_s)


def test_a_key_on_another_curve_is_refused():
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ValueError, match="P-256"):
        VapidSigner(pem, CONTACT)
