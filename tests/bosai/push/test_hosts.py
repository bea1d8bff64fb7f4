from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import InvalidInput, PushHostRefused
from bosai.push.hosts import HostPolicy, is_public_address, origin_of

POLICY = HostPolicy(
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com"],
    test_hosts=["127.0.0.1:9443", "localhost:9443"],
)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b",
        "https://fcm.googleapis.com:443/wp/abc",
        "https://FCM.googleapis.com/wp/abc",
        "https://web.push.apple.com/QABC",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "http://127.0.0.1:9443/push/abc",
        "https://localhost:9443/push/abc",
    ],
)
def test_known_push_services_and_the_listed_test_hosts_are_allowed(endpoint):
    POLICY.check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",  # not https
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com:/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com/x",
        "https://push.apple.com/x",  # the rule says: below it
        "https://evilpush.apple.com/x",
        "https://xn--fcm-abc.push.apple.com/x",
        "https://fcm.googleapis.com./x",
        "https://127.0.0.1/x",
        "https://127.0.0.1:9444/x",
        "http://localhost:9444/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://fcm.googleapis.com#@evil.example/x",
        "ftp://fcm.googleapis.com/x",
        "javascript:alert(1)",
        "/push/abc",
        "https:///x",
    ],
)
def test_everything_else_is_refused(endpoint):
    with pytest.raises(PushHostRefused):
        POLICY.check(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("", "missing"),
        ("https://fcm.googleapis.com/" + "a" * 2048, "too_long"),
        ("https://fcm.googleapis.com\\@evil.example/", "not_a_url"),
        ("https://fcm.googleapis.com/\r\nHost: evil", "not_a_url"),
        (" https://fcm.googleapis.com/x", "not_a_url"),
        ("https://ｆcm.googleapis.com/x", "not_a_url"),
        ("https://[::1/x", "not_a_url"),
        ("https://fcm.googleapis.com:99999/x", "not_a_url"),
    ],
)
def test_what_parsers_read_differently_is_bad_input_that_names_the_field(endpoint, problem):
    with pytest.raises(InvalidInput) as refused:
        POLICY.check(endpoint)
    assert (refused.value.field, refused.value.problem) == ("push.endpoint", problem)


@given(st.text(max_size=60))
def test_no_text_whatever_is_an_accident(text):
    try:
        POLICY.check(text)
    except (InvalidInput, PushHostRefused):
        return
    assert origin_of(text)


@given(st.ip_addresses())
def test_an_address_literal_is_never_an_allowed_host(address):
    host = f"[{address}]" if address.version == 6 else str(address)
    with pytest.raises(PushHostRefused):
        HostPolicy(["fcm.googleapis.com", "*.push.apple.com"]).check(f"https://{host}/x")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("142.250.196.106", True),
        ("2404:6800:4004:824::200a", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:142.250.196.106", True),
        ("64:ff9b::a00:1", False),  # NAT64 of 10.0.0.1
        ("2002:a00:1::", False),  # 6to4 of 10.0.0.1
        ("64:ff9b:1::a00:1", False),  # a network's own NAT64 of 10.0.0.1
        ("::a00:1", False),  # IPv4-compatible 10.0.0.1
        ("fec0::1", False),  # site-local
        ("4000::1", False),  # nobody's
        ("no address", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address, public):
    assert is_public_address(address) is public
