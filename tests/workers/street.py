"""A street for delivery tests: subscribers of the bed's push service, drafts for them, a worker that is stepped."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.model.alert import AlertRecord
from bosai.model.instruction import Destination, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.model.subscription import Place, PushTarget
from bosai.push.sealing import Sealer
from bosai.stores.instructions import InstructionDraft
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.subscriptions import Meta, PushPart, SubscriptionStore
from shelters.model import Action

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
INCIDENT = "i-2026"
HMAC_KEY = b"\x03" * 32
PUSH_SEALER = Sealer(b"\x01" * 32, "push")
PLACES_SEALER = Sealer(b"\x02" * 32, "places")
HOME = Place(place_id="home", lon=140.98, lat=38.22)


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


def plain_render(
    instruction: Instruction,
    record: AlertRecord,
    realm: Realm,
    lang: str,
    *,
    now: datetime,
    receipt_token: str,
    tag: str | None = None,
    short: bool = False,
) -> bytes:
    """A payload with just what a test looks at."""
    return msgspec.json.encode(
        {
            "id": instruction.subscription_id,
            "seq": instruction.seq,
            "alert": record.alert.key,
            "kind": instruction.message,
            "realm": realm,
            "lang": lang,
            "r": receipt_token,
            "tag": tag,
            "short": short,
        }
    )


def seeded() -> random.Random:
    return random.Random(7)
