"""One-time pairs in a real Redis: nobody gets one twice, nobody gets one for keys that are no longer his."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import UTC, datetime

import msgspec
import pytest
import redis as sync_redis
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.asyncio import Redis

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.model.subscription import Place, PushTarget
from bosai.push.encryption import OneTimePair
from bosai.push.part import PushPart
from bosai.push.prekeys import PAIR_BYTES, open_pair, seal_pair
from bosai.push.sealing import Sealer
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.prekeys import NewPairs, PrekeyStatus, PrekeyStore
from bosai.stores.subscriptions import Meta, NewSubscriber, SubscriptionStore
from tests.bed.vapid import b64url
from tests.conftest import DRIVER

PUSH, PLACES = Sealer(b"\x01" * 32, "push"), Sealer(b"\x02" * 32, "places")
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
META = Meta(secret_hash=b"\x05" * 32, created_at=NOW, seen_at=NOW)
HOME = (Place(place_id="home", lon=140.98, lat=38.22),)
TARGET = 4

# As claim.lua takes one.
POP = """
local own = redis.call('HGET', KEYS[1], ARGV[1])
if not own then return '' end
if #own <= 125 then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], string.sub(own, 1, -126)) end
return string.sub(own, -125)
"""


def fake_id(number: int, bucket: int = 0x2A) -> str:
    return f"{bucket:02x}" + hashlib.sha256(str(number).encode()).hexdigest()[:30]


def part_of(keys: bytes = bytes(64), lang: str = "ja") -> PushPart:
    """A push part; nobody encrypts to these keys."""
    target = PushTarget(
        endpoint="https://fcm.googleapis.com/fcm/send/x",
        p256dh=b64url(b"\x04" + keys),
        auth=b64url(bytes(16)),
    )
    return PushPart(target=target, lang=lang)


def stores(redis: Redis) -> tuple[SubscriptionStore, PrekeyStore]:
    return SubscriptionStore(redis, Realm.LIVE, push_sealer=PUSH, places_sealer=PLACES), PrekeyStore(
        redis, Realm.LIVE
    )


async def settle(redis: Redis, *numbers: int) -> list[str]:
    subscriptions, _ = stores(redis)
    ids = [fake_id(one) for one in numbers]
    rows = [NewSubscriber(subscription_id=one, meta=META, push=part_of(), places=HOME) for one in ids]
    assert await subscriptions.put_many(rows) == len(ids)
    return ids


def pairs_for(subscription_id: str, part: PushPart, many: int) -> bytes:
    made = (OneTimePair(b"\x04" + os.urandom(64), os.urandom(32)) for _ in range(many))
    return b"".join(seal_pair(PUSH, Realm.LIVE, subscription_id, part.fingerprint, one) for one in made)


async def add(redis: Redis, subscription_id: str, many: int, target: int = TARGET) -> int:
    subscriptions, prekeys = stores(redis)
    held = await subscriptions.held(subscription_id)
    assert held is not None
    row = NewPairs(
        subscription_id=subscription_id,
        push_sealed=held.push_sealed,
        pairs=pairs_for(subscription_id, part_of(), many),
    )
    return await prekeys.add(bucket_of(subscription_id), [row], target)


async def pop(redis: Redis, subscription_id: str) -> bytes:
    key = Keys(Realm.LIVE).prekeys(bucket_of(subscription_id))
    return await redis.eval(POP, 1, key, subscription_id)


async def test_pairs_are_added_up_to_the_target_and_taken_one_by_one(redis):
    (one,) = await settle(redis, 1)
    assert await add(redis, one, 3) == 3
    assert await add(redis, one, 3) == 1
    assert await add(redis, one, 3) == 0
    taken = [await pop(redis, one) for _ in range(5)]
    assert [len(each) for each in taken] == [PAIR_BYTES] * 4 + [0]
    assert len(set(taken)) == 5
    for each in taken[:4]:
        open_pair(PUSH, Realm.LIVE, one, part_of().fingerprint, each)
    assert not await redis.exists(Keys(Realm.LIVE).prekeys(0x2A))


async def test_the_oldest_pair_is_taken_first(redis):
    (one,) = await settle(redis, 1)
    await add(redis, one, 1)
    oldest = await redis.hget(Keys(Realm.LIVE).prekeys(0x2A), one)
    await add(redis, one, 3)
    assert await pop(redis, one) == oldest


async def test_whoever_lacks_pairs_is_listed_by_id_with_how_many(redis):
    ids = sorted(await settle(redis, *range(6)))
    _, prekeys = stores(redis)
    await add(redis, ids[1], 4)
    await add(redis, ids[2], 1)
    found = await prekeys.missing(0x2A, TARGET)
    assert [(one.subscription_id, one.missing) for one in found] == [
        (ids[0], 4),
        (ids[2], 3),
        (ids[3], 4),
        (ids[4], 4),
        (ids[5], 4),
    ]
    assert [one.subscription_id for one in await prekeys.missing(0x2A, 1, after=ids[2], limit=2)] == ids[3:5]
    assert await prekeys.missing(0x2A, TARGET, after=ids[5]) == []
    assert await prekeys.missing(0x2B, TARGET) == []


async def test_the_status_counts_pairs_and_those_without(redis):
    ids = await settle(redis, *range(5))
    _, prekeys = stores(redis)
    await add(redis, ids[0], 4)
    await add(redis, ids[1], 1)
    assert await prekeys.status() == PrekeyStatus(subscribers=5, pairs=5, without=3)
    assert await prekeys.buckets_with_none() == [0x2A]
    for one in ids[2:]:
        await add(redis, one, 1)
    assert await prekeys.buckets_with_none() == []
    assert await PrekeyStore(redis, Realm.DRILL).status() == PrekeyStatus(subscribers=0, pairs=0, without=0)


@pytest.mark.parametrize("how", ["keys", "language", "retired", "dropped", "seeded"])
async def test_a_push_part_that_changes_or_goes_takes_its_pairs_along(redis, how):
    (one,) = await settle(redis, 1)
    subscriptions, prekeys = stores(redis)
    await add(redis, one, 4)
    held = await subscriptions.held(one)
    assert held is not None
    late = NewPairs(
        subscription_id=one, push_sealed=held.push_sealed, pairs=pairs_for(one, part_of(), TARGET)
    )
    match how:
        case "keys":
            part = part_of(b"\x01" * 64)
            assert await subscriptions.put(redis, one, expected=held.meta_raw, meta=META, push=part)
        case "language":
            part = part_of(lang="en")
            assert await subscriptions.put(redis, one, expected=held.meta_raw, meta=META, push=part)
        case "retired":
            assert await subscriptions.retire({one: held.push_sealed}) == {one}
        case "dropped":
            assert await subscriptions.drop(redis, one, expected=held.meta_raw)
        case "seeded":
            await settle(redis, 1)
    assert await pop(redis, one) == b""
    assert await prekeys.add(0x2A, [late], TARGET) == 0
    assert await pop(redis, one) == b""


async def test_a_change_of_places_only_keeps_the_pairs(redis):
    (one,) = await settle(redis, 1)
    subscriptions, _ = stores(redis)
    await add(redis, one, 4)
    held = await subscriptions.held(one)
    assert held is not None
    moved = (msgspec.structs.replace(HOME[0], lon=140.9),)
    assert await subscriptions.put(redis, one, expected=held.meta_raw, meta=META, places=moved)
    assert len(await redis.hget(Keys(Realm.LIVE).prekeys(0x2A), one)) == 4 * PAIR_BYTES


async def test_takers_and_fillers_at_once_never_pass_the_target_nor_share_a_pair(redis):
    (one,) = await settle(redis, 1)
    taken: list[bytes] = []

    async def take() -> None:
        taken.extend([await pop(redis, one) for _ in range(10)])

    await asyncio.gather(*(take() for _ in range(4)), *(add(redis, one, TARGET) for _ in range(6)))
    got = [each for each in taken if each]
    left = await redis.hget(Keys(Realm.LIVE).prekeys(0x2A), one) or b""
    rest = [left[at : at + PAIR_BYTES] for at in range(0, len(left), PAIR_BYTES)]
    assert len(rest) <= TARGET
    assert len(set(got + rest)) == len(got + rest)
    assert got


class PairsMachine(RuleBasedStateMachine):
    """Fills, takes, crashes and changes of keys in any order, against one real Redis."""

    url = ""

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.redis = Redis.from_url(self.url, driver_info=DRIVER)
        with sync_redis.Redis.from_url(self.url) as client:
            client.flushall()
        self.parts = {fake_id(number): part_of() for number in range(3)}
        self.taken: set[bytes] = set()
        self.run(settle(self.redis, 0, 1, 2))

    def run(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.run(self.redis.aclose())
            self.loop.close()

    @rule(who=st.integers(0, 2), many=st.integers(1, 6))
    def filled(self, who: int, many: int) -> None:
        one = fake_id(who)
        subscriptions, prekeys = stores(self.redis)
        held = self.run(subscriptions.held(one))
        row = NewPairs(
            subscription_id=one,
            push_sealed=held.push_sealed,
            pairs=pairs_for(one, self.parts[one], many),
        )
        self.run(prekeys.add(0x2A, [row], TARGET))

    @rule(who=st.integers(0, 2), crashes=st.booleans())
    def taken_for_a_message(self, who: int, crashes: bool) -> None:
        """Taken is taken: whether the taker lives to use it or not, it never comes back."""
        one = fake_id(who)
        sealed = self.run(pop(self.redis, one))
        if not sealed:
            return
        assert sealed not in self.taken
        self.taken.add(sealed)
        if not crashes:
            open_pair(PUSH, Realm.LIVE, one, self.parts[one].fingerprint, sealed)
            other = fake_id((who + 1) % 3)
            with pytest.raises(SealBroken):
                open_pair(PUSH, Realm.LIVE, other, self.parts[other].fingerprint, sealed)

    @rule(who=st.integers(0, 2), made_before=st.booleans())
    def keys_renewed(self, who: int, made_before: bool) -> None:
        """Also while pairs for the old keys are being made."""
        one = fake_id(who)
        subscriptions, prekeys = stores(self.redis)
        held = self.run(subscriptions.held(one))
        old = self.parts[one]
        self.parts[one] = part_of(os.urandom(64))
        assert self.run(
            subscriptions.put(self.redis, one, expected=held.meta_raw, meta=held.meta, push=self.parts[one])
        )
        if made_before:
            row = NewPairs(subscription_id=one, push_sealed=held.push_sealed, pairs=pairs_for(one, old, 2))
            assert self.run(prekeys.add(0x2A, [row], TARGET)) == 0

    @invariant()
    def nobody_has_too_many_or_one_that_was_taken(self) -> None:
        if not hasattr(self, "loop"):
            return
        for one, part in self.parts.items():
            own = self.run(self.redis.hget(Keys(Realm.LIVE).prekeys(0x2A), one)) or b""
            assert len(own) % PAIR_BYTES == 0
            assert len(own) <= TARGET * PAIR_BYTES
            for at in range(0, len(own), PAIR_BYTES):
                sealed = own[at : at + PAIR_BYTES]
                assert sealed not in self.taken
                open_pair(PUSH, Realm.LIVE, one, part.fingerprint, sealed)


def test_in_any_order_of_events_no_pair_is_taken_twice_and_none_opens_for_other_keys(private_redis):
    PairsMachine.url = private_redis.url
    machine = PairsMachine.TestCase()
    machine.settings = hypothesis_settings(max_examples=25, stateful_step_count=25, deadline=None)
    machine.runTest()
