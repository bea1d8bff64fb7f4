from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.subscription import PushTarget
from bosai.ports import PushMessage, SystemClock
from bosai.push.hosts import HostPolicy
from bosai.push.vapid import VapidSigner
from tests.bed.answers import RESET, slow
from tests.bed.push_service import PushService
from tests.bed.vapid import ApplicationKeys
from workers.push_sender import (
    LONGEST_RETRY_AFTER_S,
    NotPublic,
    PublicResolver,
    open_push_sender,
    retry_after_s,
)

KEYS = ApplicationKeys.make()
MESSAGE = PushMessage(plaintext="逃げて".encode(), ttl_s=600, urgency="high", topic="t" * 22)
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def sender_to(*test_hosts: str, **options: object):
    return open_push_sender(
        VapidSigner(KEYS.private_pem, "mailto:ops@example.jp"),
        HostPolicy(["fcm.googleapis.com"], test_hosts=test_hosts),
        SystemClock(),
        in_flight=4,
        connect_timeout_s=0.5,
        total_timeout_s=0.5,
        **options,  # type: ignore[arg-type]
    )


def target_of(subscriber) -> PushTarget:
    return PushTarget(endpoint=subscriber.endpoint, p256dh=subscriber.p256dh, auth=subscriber.auth)


async def test_a_message_is_encrypted_for_its_browser_and_signed_by_us():
    async with PushService() as push, sender_to(push.endpoint_host) as sender:
        subscriber = push.make_subscriber(KEYS.public)
        outcome = await sender.send(target_of(subscriber), MESSAGE)
        assert (outcome.status, outcome.cause, outcome.bytes_sent) == (201, "", len(push.attempts[0].body))
        assert subscriber.inbox[0].text == "逃げて"
        assert (subscriber.inbox[0].ttl_s, subscriber.inbox[0].urgency) == (600, "high")
        again = await sender.send(target_of(subscriber), MESSAGE)
        assert again.status == 201
        assert push.attempts[0].body != push.attempts[1].body  # a fresh key and salt for each message


async def test_the_key_of_the_other_side_is_refused_by_the_push_service():
    async with PushService() as push, sender_to(push.endpoint_host) as sender:
        outcome = await sender.send(target_of(push.make_subscriber(ApplicationKeys.make().public)), MESSAGE)
        assert (outcome.status, outcome.cause) == (403, "http_403")


async def test_an_unknown_authority_is_not_talked_to_and_a_named_one_is():
    async with PushService(tls=True) as push:
        target = target_of(push.make_subscriber(KEYS.public))
        async with sender_to(push.endpoint_host) as sender:
            outcome = await sender.send(target, MESSAGE)
            assert (outcome.status, push.attempts) == (0, [])
        async with sender_to(push.endpoint_host, ca_file=push.ca_file) as sender:
            assert (await sender.send(target, MESSAGE)).status == 201


async def test_network_faults_are_outcomes_with_a_cause():
    async with PushService() as push, sender_to(push.endpoint_host, "127.0.0.1:9") as sender:
        subscriber = push.make_subscriber(KEYS.public)
        push.answer_next(1, slow(0.8))
        assert (await sender.send(target_of(subscriber), MESSAGE)).cause == "timeout"
        push.answer_next(1, RESET)
        broken = await sender.send(target_of(subscriber), MESSAGE)
        assert (broken.status, bool(broken.cause)) == (0, True)
        nobody = PushTarget(endpoint="http://127.0.0.1:9/x", p256dh=subscriber.p256dh, auth=subscriber.auth)
        assert (await sender.send(nobody, MESSAGE)).cause == "no_connection"


async def test_a_redirect_is_not_followed():
    reached = []

    async def redirect(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(status=307, headers={"Location": "/inner"})

    app = web.Application()
    app.router.add_post("/{tail:.*}", redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host = f"127.0.0.1:{runner.addresses[0][1]}"
        async with PushService() as push, sender_to(host) as sender:
            keys = push.make_subscriber()
            target = PushTarget(endpoint=f"http://{host}/push", p256dh=keys.p256dh, auth=keys.auth)
            outcome = await sender.send(target, MESSAGE)
        assert (outcome.status, reached) == (307, ["/push"])
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("p256dh", "auth", "cause"), [("AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "bad_keys"), ("", "", "bad_keys")]
)
async def test_stored_keys_that_are_no_keys_are_an_outcome_too(p256dh, auth, cause):
    async with sender_to("127.0.0.1:9") as sender:
        target = PushTarget(endpoint="http://127.0.0.1:9/x", p256dh=p256dh, auth=auth)
        assert (await sender.send(target, MESSAGE)).cause == cause


class Book(AbstractResolver):
    """Answers from a book."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host, port=0, family=0):
        return [
            {"hostname": host, "host": one, "port": port, "family": 0, "proto": 0, "flags": 0}
            for one in self.addresses
        ]

    async def close(self) -> None:
        return None


async def test_a_name_that_leads_into_a_private_network_is_refused_and_mixed_answers_are_sifted():
    policy = HostPolicy(["fcm.googleapis.com"], test_hosts=["bed:8443"])
    with pytest.raises(NotPublic):
        await PublicResolver(policy, Book("10.0.0.7", "127.0.0.1")).resolve("fcm.googleapis.com", 443)
    mixed = await PublicResolver(policy, Book("10.0.0.7", "142.250.196.106")).resolve(
        "fcm.googleapis.com", 443
    )
    assert [one["host"] for one in mixed] == ["142.250.196.106"]
    assert await PublicResolver(policy, Book("127.0.0.1")).resolve("bed", 8443)
    with pytest.raises(NotPublic):
        await PublicResolver(policy, Book("127.0.0.1")).resolve("bed", 9999)


async def test_a_listed_name_that_resolves_to_a_private_address_is_never_connected_to(monkeypatch):
    monkeypatch.setattr("workers.push_sender.aiohttp.ThreadedResolver", lambda: Book("127.0.0.1"))
    async with PushService() as push, sender_to() as sender:
        keys = push.make_subscriber()
        target = PushTarget(endpoint="https://fcm.googleapis.com/x", p256dh=keys.p256dh, auth=keys.auth)
        outcome = await sender.send(target, MESSAGE)
        assert (outcome.status, outcome.cause) == (0, "host_refused")


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999", LONGEST_RETRY_AFTER_S),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_anything_else_is_nothing(told, wait_s):
    assert retry_after_s(told, NOW) == wait_s


@given(st.text(max_size=40))
def test_no_retry_after_whatever_is_an_accident(told):
    wait_s = retry_after_s(told, NOW)
    assert wait_s is None or 0 <= wait_s <= LONGEST_RETRY_AFTER_S
