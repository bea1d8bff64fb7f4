"""A street for delivery tests: subscribers of the bed's push service, drafts for them, a worker that is stepped."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.model.alert import AlertRecord
from bosai.model.instruction import Delivery, Destination, Instruction, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.model.subscription import Place, PushTarget
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.push.vapid import VapidSigner
from bosai.stores.instructions import EmitReport, InstructionDraft, InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.subscriptions import Meta, PushPart, SubscriptionStore
from shelters.model import Action
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.bed.vapid import ApplicationKeys
from tests.bosai.services.hq import HandClock, Hq
from workers.chunks import hand_back
from workers.delivery import DeliveryTuning, DeliveryWorker
from workers.transport import CurlTransport, TransportTuning, open_transport

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
INCIDENT = "i-2026"
HMAC_KEY = b"\x03" * 32
PUSH_SEALER = Sealer(b"\x01" * 32, "push")
PLACES_SEALER = Sealer(b"\x02" * 32, "places")
TOLD_SEALER = Sealer(b"\x03" * 32, "told")
HOME = Place(place_id="home", lon=140.98, lat=38.22)


SMALL = TransportTuning(in_flight=50, in_flight_per_origin=50, connect_timeout_s=1.0, total_timeout_s=1.0)


def fake_id(number: int) -> str:
    """An id as the service makes them: hex of a hash, spread over the buckets."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def draft(subscription_id: str, **changes: Any) -> InstructionDraft:
    """GO to 七郷小学校, standing on a:1, fresh for two hours."""
    made = InstructionDraft(
        subscription_id=subscription_id,
        incident=INCIDENT,
        place_id="home",
        message=MessageKind.ORDER,
        action=Action.GO,
        alert_key="a:1",
        danger_class=1,
        destination=Destination(
            site_id="s1", name="七郷小学校", lon=140.93, lat=38.24, walk_m=1800, walk_s=2400
        ),
        plan_id="p1",
        decided_at=NOW,
        stale_at=NOW + timedelta(hours=2),
        meaning="go-a",
    )
    return msgspec.structs.replace(made, **changes)


async def make_known(redis: Redis, *ids: str, realm: Realm = Realm.LIVE) -> None:
    """Let these ids look registered, without a push part that could be opened."""
    for one in ids:
        await redis.hset(Keys(realm).push(bucket_of(one)), one, b"sealed")


def store_of(redis: Redis, realm: Realm = Realm.LIVE) -> SubscriptionStore:
    return SubscriptionStore(redis, realm, push_sealer=PUSH_SEALER, places_sealer=PLACES_SEALER)


async def settle_in(
    redis: Redis, targets: Sequence[PushTarget], realm: Realm = Realm.LIVE, lang: str = "ja"
) -> list[str]:
    """Subscribers with these targets; their ids, in the same order."""
    store, ids = store_of(redis, realm), []
    meta = Meta(secret_hash=b"", created_at=NOW, seen_at=NOW)
    for number, target in enumerate(targets):
        ids.append(fake_id(number))
        push = PushPart(target=target, lang=lang)
        assert await store.put(redis, ids[-1], expected=b"", meta=meta, push=push, places=(HOME,))
    return ids


class PlainLetters:
    """A payload with just what a test looks at."""

    def letter(
        self,
        instruction: Instruction,
        record: AlertRecord | None,
        lang: str,
        *,
        now: datetime,
        receipt_token: str,
        tag: str,
        short: bool = False,
    ) -> bytes:
        return msgspec.json.encode(
            {
                "id": instruction.subscription_id,
                "seq": instruction.seq,
                "alert": record.alert.key if record else None,
                "kind": instruction.message,
                "realm": record.alert.realm_of if record else None,
                "lang": lang,
                "r": receipt_token,
                "tag": tag,
                "short": short,
            }
        )


def seeded() -> random.Random:
    return random.Random(7)


@dataclass(kw_only=True)
class Street:
    """An order in force, its subscribers at the bed's push service, and what delivers to them."""

    redis: Redis
    realm: Realm
    push: PushService
    hq: Hq
    order: AlertRecord
    subscribers: list[Subscriber]
    ids: list[str]
    transport: CurlTransport
    vapid: VapidSigner
    instructions: InstructionStore
    pem: str

    @property
    def clock(self) -> HandClock:
        return self.hq.clock

    def worker(self, consumer: str = "w1", **changes: Any) -> DeliveryWorker:
        parts: dict[str, Any] = {
            "subscriptions": store_of(self.redis, self.realm),
            "alerts": self.hq.store,
            "transport": self.transport,
            "letters": PlainLetters(),
            "vapid": self.vapid,
            "push_sealer": PUSH_SEALER,
            "told_sealer": TOLD_SEALER,
            "hmac_key": HMAC_KEY,
            "consumer": consumer,
            "rng": seeded(),
            "tuning": DeliveryTuning(recheck_after_s=0.0),
        }
        clock = changes.pop("clock", self.clock)
        return DeliveryWorker(self.redis, self.realm, clock, **{**parts, **changes})

    async def emit(self, ids: Sequence[str] | None = None, **changes: Any) -> EmitReport:
        changes = {"alert_key": self.order.alert.key, **changes}
        drafts = [draft(one, **changes) for one in (self.ids if ids is None else ids)]
        return await self.instructions.emit(1, drafts, self.clock.now())

    async def stage(self, subscription_id: str) -> Stage:
        return (await self.delivery(subscription_id)).stage

    async def delivery(self, subscription_id: str) -> Delivery:
        found = await self.instructions.latest(subscription_id)
        assert found is not None
        return found[1]

    def has_heard(self, attempts: int) -> bool:
        """True once the push service saw so many attempts, or everybody has a message."""
        return len(self.push.attempts) >= attempts or all(one.inbox for one in self.subscribers)

    def got(self, number: int = 0) -> list[dict[str, Any]]:
        """What the browser of one subscriber has decrypted, oldest first."""
        return [json.loads(one.text or "") for one in self.subscribers[number].inbox]


@asynccontextmanager
async def open_street(
    redis: Redis,
    homes: int = 1,
    *,
    realm: Realm = Realm.LIVE,
    tls: bool = False,
    transport_tuning: TransportTuning = SMALL,
) -> AsyncIterator[Street]:
    keys = ApplicationKeys.make()
    vapid = VapidSigner(keys.private_pem, "mailto:ops@example.jp")
    async with PushService(tls=tls) as push:
        subscribers = [push.make_subscriber(keys.public) for _ in range(homes)]
        targets = [PushTarget(endpoint=one.endpoint, p256dh=one.p256dh, auth=one.auth) for one in subscribers]
        ids = await settle_in(redis, targets, realm)
        hq = Hq(redis, realm)
        order = await hq.issue()
        hosts = HostPolicy([], test_hosts=[push.endpoint_host])
        ca_file = push.ca_file if tls else ""
        async with open_transport(hosts, hand_back, tuning=transport_tuning, ca_file=ca_file) as transport:
            yield Street(
                redis=redis,
                realm=realm,
                push=push,
                hq=hq,
                order=order,
                subscribers=subscribers,
                ids=ids,
                transport=transport,
                vapid=vapid,
                instructions=InstructionStore(redis, realm, TOLD_SEALER),
                pem=keys.private_pem.decode(),
            )


async def drain(worker: DeliveryWorker) -> None:
    """Deliver every pointer there is."""
    while await worker.step():
        pass
