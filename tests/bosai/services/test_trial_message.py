"""The trial message goes to public push services only, says that nothing happened, and names what went wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from redis.asyncio import Redis

from bosai.errors import InvalidInput, PushHostRefused, TooManyTries
from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.realm import Realm
from bosai.model.subscription import PushTarget
from bosai.ports import SystemClock
from bosai.push.hosts import HostPolicy
from bosai.push.payload_limits import PLAINTEXT_BYTES
from bosai.push.vapid import VapidSigner
from bosai.services.audit import AuditService
from bosai.services.trial_message import (
    NotPublic,
    PublicResolver,
    TrialMessages,
    open_push_session,
    trial_payload,
)
from tests.bed.answers import RESET, slow
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.bed.vapid import ApplicationKeys
from tests.bosai.services.hq import officer

KEYS = ApplicationKeys.make()
KIAN = officer("kian")


@asynccontextmanager
async def trials(redis: Redis, *test_hosts: str, ca_file: str = "") -> AsyncIterator[TrialMessages]:
    hosts = HostPolicy(["fcm.googleapis.com"], test_hosts=test_hosts)
    async with open_push_session(
        hosts, connect_timeout_s=0.5, total_timeout_s=0.5, ca_file=ca_file
    ) as session:
        yield TrialMessages(
            Realm.LIVE,
            SystemClock(),
            session=session,
            vapid=VapidSigner(KEYS.private_pem, "mailto:ops@example.jp"),
            hosts=hosts,
            audit=AuditService(redis, Realm.LIVE, SystemClock()),
        )


def target_of(subscriber: Subscriber, endpoint: str = "") -> PushTarget:
    return PushTarget(
        endpoint=endpoint or subscriber.endpoint, p256dh=subscriber.p256dh, auth=subscriber.auth
    )


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


@pytest.mark.parametrize("realm", Realm)
def test_the_words_keep_the_rules_of_every_text_and_fit_a_push(realm: Realm) -> None:
    sent = trial_payload(realm, 1_800_000_000)
    shown = msgspec.json.decode(sent)["notification"]
    whole = f"{shown['title']}\n{shown['body']}"
    assert check_wording(whole, "ja", hazard=None, level=None, realm=realm, issuer="service") == []
    assert "試験" in shown["title"] and "災害の知らせではありません" in shown["body"]
    assert check_drill_end(shown["body"], realm) == []
    assert len(sent) <= PLAINTEXT_BYTES


async def test_what_no_push_service_answers_has_its_cause_in_the_record_too(redis: Redis) -> None:
    async with PushService() as push, trials(redis, push.endpoint_host) as sender:
        subscriber = push.make_subscriber(KEYS.public)
        push.answer_next(1, slow(5.0))
        answer = await sender.send(KIAN, target_of(subscriber))
        assert (answer.status, answer.cause) == (0, "timeout")
        push.answer_next(1, RESET)
        answer = await sender.send(officer("abe"), target_of(subscriber))
        assert (answer.status, answer.cause) == (0, "reset")
        entry = (await AuditService(redis, Realm.LIVE, SystemClock()).read(-1, 1))[0]
        assert (entry.actor, entry.facts["cause"], entry.subject) == ("abe", "reset", f"push:{push.url}")


async def test_nobody_listening_and_an_unknown_authority_are_told_apart(redis: Redis) -> None:
    async with PushService(tls=True) as push, trials(redis, push.endpoint_host, "127.0.0.1:9") as sender:
        subscriber = push.make_subscriber(KEYS.public)
        closed = await sender.send(KIAN, target_of(subscriber, "http://127.0.0.1:9/x"))
        assert (closed.status, closed.cause) == (0, "no_connection")
        unknown = await sender.send(officer("abe"), target_of(subscriber))
        assert (unknown.status, unknown.cause, push.attempts) == (0, "tls_not_trusted", [])
        async with trials(redis, push.endpoint_host, ca_file=str(push.ca_file)) as trusting:
            assert (await trusting.send(KIAN, target_of(subscriber))).status == 201


async def test_a_redirect_is_not_followed(redis: Redis) -> None:
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
        async with PushService() as push, trials(redis, host) as sender:
            answer = await sender.send(KIAN, target_of(push.make_subscriber(), f"http://{host}/push"))
        assert (answer.status, reached) == (307, ["/push"])
    finally:
        await runner.cleanup()


async def test_a_name_that_leads_into_a_private_network_is_refused_and_mixed_answers_are_sifted() -> None:
    policy = HostPolicy(["fcm.googleapis.com"], test_hosts=["bed:8443"])
    with pytest.raises(NotPublic):
        await PublicResolver(policy, Book("10.0.0.7", "127.0.0.1")).resolve("fcm.googleapis.com", 443)
    mixed = await PublicResolver(policy, Book("10.0.0.7", "142.250.196.106")).resolve(
        "fcm.googleapis.com", 443
    )
    assert [one["host"] for one in mixed] == ["142.250.196.106"]
    assert await PublicResolver(policy, Book("127.0.0.1")).resolve("bed", 8443)


async def test_a_listed_name_at_a_private_address_is_never_connected_to(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", Book("127.0.0.1").resolve)
    async with PushService() as push, trials(redis) as sender:
        endpoint = "https://fcm.googleapis.com/fcm/send/x"
        answer = await sender.send(KIAN, target_of(push.make_subscriber(), endpoint))
        assert (answer.status, answer.cause) == (0, "host_refused")


async def test_what_is_refused_at_the_door_costs_no_turn(redis: Redis) -> None:
    async with PushService() as push, trials(redis, push.endpoint_host) as sender:
        subscriber = push.make_subscriber(KEYS.public)
        with pytest.raises(PushHostRefused):
            await sender.send(KIAN, target_of(subscriber, "https://elsewhere.example/x"))
        with pytest.raises(InvalidInput):
            await sender.send(KIAN, PushTarget(endpoint=subscriber.endpoint, p256dh="AA", auth="AA"))
        assert (await sender.send(KIAN, target_of(subscriber))).status == 201
        with pytest.raises(TooManyTries):
            await sender.send(KIAN, target_of(subscriber))
        assert (await sender.send(officer("abe"), target_of(subscriber))).status == 201
