"""The push service of the bed answers as a real one does, or as the test tells it to."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bed.answers import GONE, NOT_FOUND, RESET, TOO_LARGE, UNAVAILABLE, slow, too_many
from tests.bed.clocks import FakeClock
from tests.bed.push_service import PushService
from tests.bed.sending import send_with_pywebpush
from tests.bed.subscriber import Subscriber
from tests.bed.vapid import ApplicationKeys, VapidRefused, b64url, check_vapid, unb64url

LIVE = ApplicationKeys.make()
DRILL = ApplicationKeys.make()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
async def push() -> AsyncIterator[PushService]:
    async with PushService() as service:
        yield service


async def test_a_message_reaches_the_inbox_decrypted_with_its_headers(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    subscriber = push.make_subscriber(LIVE.public)
    headers = {"Topic": "incident-1", "Urgency": "high"}
    status, answer = await send_with_pywebpush(
        session, subscriber.info, {"title": "津波警報"}, LIVE, ttl_s=300, headers=headers
    )
    assert (status, answer["ttl"]) == (201, "300")
    [message] = subscriber.inbox
    assert message.json() == {"title": "津波警報"}
    assert (message.ttl_s, message.topic, message.urgency) == (300, "incident-1", "high")
    assert message.headers["content-encoding"] == "aes128gcm"
    assert message.vapid is not None
    assert (message.vapid.key, message.vapid.aud) == (LIVE.public, push.url)
    assert push.messages == [message]
    assert "津波".encode() not in message.body


async def test_a_message_encrypted_for_somebody_else_is_set_aside_as_unreadable(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    mine, other = push.make_subscriber(), push.make_subscriber()
    mixed = {"endpoint": mine.endpoint, "keys": other.info["keys"]}
    assert (await send_with_pywebpush(session, mixed, "x", None))[0] == 201
    assert (mine.inbox, len(mine.undecryptable)) == ([], 1)
    with pytest.raises(ValueError, match="Decryption error"):
        mine.undecryptable[0].json()


async def test_the_other_sides_key_is_refused_and_the_message_never_arrives(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    live, drill = push.make_subscriber(LIVE.public), push.make_subscriber(DRILL.public)
    assert (await send_with_pywebpush(session, live.info, "【訓練】", DRILL))[0] == 403
    assert (await send_with_pywebpush(session, drill.info, "津波警報", LIVE))[0] == 403
    assert (await send_with_pywebpush(session, live.info, "津波警報", None))[0] == 401
    assert live.inbox == drill.inbox == push.messages == []


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://push.example.com"}, "aud is"),
        ({"exp": int(time.time()) - 1}, "exp"),
        ({"exp": int(time.time()) + 25 * 3600}, "exp"),
    ],
)
async def test_vapid_claims_that_a_real_service_refuses_are_refused(
    push: PushService, session: aiohttp.ClientSession, claims: dict[str, Any], reason: str
) -> None:
    subscriber = push.make_subscriber(LIVE.public)
    assert (await send_with_pywebpush(session, subscriber.info, "x", LIVE, claims=claims))[0] == 401
    assert reason in push.attempts[0].refusal


async def test_a_tampered_signature_is_refused(push: PushService, session: aiohttp.ClientSession) -> None:
    subscriber = push.make_subscriber(LIVE.public)
    await send_with_pywebpush(session, subscriber.info, "x", LIVE)
    good = push.attempts[0].headers["authorization"]
    token, key = good.removeprefix("vapid t=").split(",k=")
    raw = bytearray(unb64url(token.rsplit(".", 1)[1]))
    raw[5] ^= 1
    bad = f"vapid t={token.rsplit('.', 1)[0]}.{b64url(bytes(raw))},k={key}"
    now_s = time.time()
    assert check_vapid(good, origin=push.url, restricted_to=LIVE.public, now_s=now_s) is not None
    for header in (bad, "vapid t=a.b.c,k=AAAA", "vapid", "Bearer x"):
        with pytest.raises(VapidRefused) as refused:
            check_vapid(header, origin=push.url, restricted_to=LIVE.public, now_s=now_s)
        assert refused.value.status == 401


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [
        ({}, 10, 400),
        ({"TTL": "-1"}, 10, 400),
        ({"TTL": "60", "Urgency": "urgent"}, 10, 400),
        ({"TTL": "60", "Topic": "x" * 33}, 10, 400),
        ({"TTL": "60", "Topic": "避難"}, 10, 400),
        ({"TTL": "60", "Content-Encoding": "aesgcm"}, 10, 415),
        ({"TTL": "60", "Content-Encoding": "aes128gcm"}, 4097, 413),
        ({"TTL": "60", "Content-Encoding": "aes128gcm"}, 4096, 201),
    ],
)
async def test_requests_outside_the_rfc_get_the_answer_of_a_strict_service(
    push: PushService, session: aiohttp.ClientSession, headers: dict[str, str], size: int, status: int
) -> None:
    subscriber = push.make_subscriber()
    async with session.post(subscriber.endpoint, data=b"x" * size, headers=headers) as response:
        assert response.status == status


async def test_an_unknown_endpoint_is_not_found(push: PushService, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{push.url}/push/unknown", data=b"", headers={"TTL": "1"}) as response:
        assert response.status == 404


async def test_scripted_answers_come_in_order_and_only_to_whom_they_are_meant(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    one, two = push.make_subscriber(), push.make_subscriber()
    push.answer_next(2, UNAVAILABLE, to=one)
    push.answer_next(1, GONE, to=one.endpoint)
    push.answer_always(NOT_FOUND, to=two)

    async def send(subscriber: Subscriber) -> int:
        return (await send_with_pywebpush(session, subscriber.info, "x", None))[0]

    assert [await send(one) for _ in range(4)] == [503, 503, 410, 201]
    assert [await send(two) for _ in range(2)] == [404, 404]
    push.answer_normally(to=two)
    push.answer_next(1, TOO_LARGE)
    assert [await send(two) for _ in range(2)] == [413, 201]
    assert (len(one.inbox), len(two.inbox)) == (1, 1)


async def test_retry_after_comes_as_seconds_or_as_a_date(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    subscriber = push.make_subscriber()
    push.answer_next(1, too_many(7))
    push.answer_next(1, too_many(datetime(2026, 11, 23, 12, 0, tzinfo=UTC)))
    push.answer_next(1, too_many())
    answers = [await send_with_pywebpush(session, subscriber.info, "x", None) for _ in range(3)]
    assert [status for status, _ in answers] == [429] * 3
    expected = ["7", "Mon, 23 Nov 2026 12:00:00 GMT", None]
    assert [headers.get("retry-after") for _, headers in answers] == expected


async def test_a_scripted_reset_cuts_the_connection(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    subscriber = push.make_subscriber()
    push.answer_next(1, RESET)
    with pytest.raises(aiohttp.ClientOSError):
        await send_with_pywebpush(session, subscriber.info, "x", None)
    assert (push.attempts[0].status, subscriber.inbox) == (0, [])
    assert (await send_with_pywebpush(session, subscriber.info, "x", None))[0] == 201


async def test_a_slow_subscription_does_not_hold_up_the_others(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    late, prompt = push.make_subscriber(), push.make_subscriber()
    push.answer_next(1, slow(0.3), to=late)
    waiting = asyncio.create_task(send_with_pywebpush(session, late.info, "x", None))
    assert (await send_with_pywebpush(session, prompt.info, "x", None))[0] == 201
    assert not waiting.done()
    assert (await waiting)[0] == 201


async def test_the_service_closes_at_once_although_an_answer_is_still_owed(
    session: aiohttp.ClientSession,
) -> None:
    async with PushService() as push:
        subscriber = push.make_subscriber()
        push.answer_always(slow(3600))
        waiting = asyncio.create_task(send_with_pywebpush(session, subscriber.info, "x", None))
        await push.wait_until(lambda: bool(push.in_work))
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_off_line_a_newer_message_replaces_the_older_one_of_the_same_topic(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    subscriber = push.make_subscriber()
    await push.set_online(subscriber, False)
    for text, topic in (("一報", "a"), ("別件", "b"), ("二報", "a")):
        await send_with_pywebpush(session, subscriber.info, text, None, headers={"Topic": topic})
    assert subscriber.inbox == []
    await push.set_online(subscriber, True)
    assert [message.text for message in subscriber.inbox] == ["別件", "二報"]
    assert [message.replaced for message in push.messages] == [True, False, False]


async def test_off_line_a_message_is_dropped_when_its_ttl_has_passed_or_is_zero(
    session: aiohttp.ClientSession,
) -> None:
    clock = FakeClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    async with PushService(now_s=clock.timestamp) as push:
        subscriber = push.make_subscriber()
        await push.set_online(subscriber, False)
        for text, ttl_s in (("すぐ", 0), ("一分", 60), ("一時間", 3600)):
            await send_with_pywebpush(session, subscriber.info, text, None, ttl_s=ttl_s)
        clock.advance(timedelta(minutes=2))
        await push.set_online(subscriber, True)
        assert [message.text for message in subscriber.inbox] == ["一時間"]
        assert [message.expired for message in push.messages] == [True, True, False]


async def test_waiting_finds_past_and_coming_messages_and_says_what_there_was(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    subscriber = push.make_subscriber()
    waiting = asyncio.create_task(push.wait_for(lambda one: one.text == "二"))
    await send_with_pywebpush(session, subscriber.info, "一", None)
    await send_with_pywebpush(session, subscriber.info, "二", None)
    assert (await waiting) is subscriber.inbox[1]
    assert len(await push.wait_for_many(lambda one: one.accepted, 2)) == 2
    with pytest.raises(TimeoutError, match="一"):
        await push.wait_for(lambda one: one.text == "三", timeout_s=0.05)


async def test_over_tls_only_who_trusts_its_authority_may_send() -> None:
    async with PushService(tls=True) as push:
        subscriber = push.make_subscriber()
        assert subscriber.endpoint.startswith(f"https://{push.endpoint_host}/push/")
        trusting = await asyncio.to_thread(ssl.create_default_context, cafile=push.ca_file)
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with aiohttp.ClientSession(connector=connector) as session:
            assert (await send_with_pywebpush(session, subscriber.info, "x", LIVE))[0] == 201
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await send_with_pywebpush(session, subscriber.info, "x", LIVE)


async def test_the_websocket_face_registers_notifies_and_ends_a_subscription(
    push: PushService, session: aiohttp.ClientSession
) -> None:
    channel_id = "0f4f1a3e-7d5b-4b5e-9a55-7b1c7c1d2e3f"
    async with session.ws_connect(push.ws_url, protocols=["push-notification"]) as socket:
        assert socket.protocol == "push-notification"
        await socket.send_json({"messageType": "hello", "use_webpush": True})
        hello = await socket.receive_json()
        assert (hello["status"], hello["use_webpush"]) == (200, True)
        await socket.send_json({})
        assert await socket.receive_json() == {}
        await socket.send_json({"messageType": "register", "channelID": channel_id, "key": "AAAA"})
        assert (await socket.receive_json())["status"] == 400
        await socket.send_json({"messageType": "register", "channelID": channel_id, "key": LIVE.public})
        endpoint = (await socket.receive_json())["pushEndpoint"]
        keys = push.make_subscriber().info["keys"]
        info = {"endpoint": endpoint, "keys": keys}
        assert (await send_with_pywebpush(session, info, "x", DRILL))[0] == 403
        assert (await send_with_pywebpush(session, info, "x", LIVE))[0] == 201
        notification = await socket.receive_json()
        assert (notification["messageType"], notification["channelID"]) == ("notification", channel_id)
        assert unb64url(notification["data"]) == push.messages[0].body
        assert push.messages[0].waiting
    # Gone without an ack: the message comes again at the next hello, once.
    async with session.ws_connect(push.ws_url) as socket:
        await socket.send_json({"messageType": "hello", "use_webpush": True, "uaid": hello["uaid"]})
        assert (await socket.receive_json())["uaid"] == hello["uaid"]
        version = (await socket.receive_json())["version"]
        update = {"channelID": channel_id, "version": version, "code": 100}
        await socket.send_json({"messageType": "ack", "updates": [update]})
        await push.wait_until(lambda: push.messages[0].delivered)
        await socket.send_json({"messageType": "unregister", "channelID": channel_id})
        assert (await socket.receive_json())["status"] == 200
        assert (await send_with_pywebpush(session, info, "x", LIVE))[0] == 410


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_base64url_gives_back_what_it_was_given(raw: bytes) -> None:
    assert unb64url(b64url(raw)) == raw
    assert "=" not in b64url(raw)
