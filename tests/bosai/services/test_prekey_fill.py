"""When one-time pairs are made, for whom, and when not."""

from __future__ import annotations

import asyncio
import json
import logging
import os

import http_ece
import msgspec
import pytest
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.model.subscription import PushTarget
from bosai.push.encryption import encrypt
from bosai.push.part import PushPart
from bosai.push.prekeys import PAIR_BYTES, open_pair
from bosai.services import prekey_fill
from bosai.services.prekey_fill import ORDER_IN_FORCE, FillReport, PrekeyFill
from bosai.settings import load_settings
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.prekeys import PrekeyStatus
from bosai.stores.subscriptions import NewSubscriber, SubscriptionStore
from bosai.wiring import open_services, push_sealer
from tests.bed.subscriber import make_keys
from tests.bed.vapid import b64url
from tests.bosai.services.hq import HandClock, Hq
from tests.bosai.stores.test_prekeys import HOME, META, PLACES, PUSH, fake_id
from tests.bosai.test_cli import Shell
from workers.__main__ import _prekeys

PRIVATE, P256DH = make_keys()
AUTH = b"a" * 16
QUIET = {"hours": 12}  # the hand clock starts at 14:00 in Sendai
PART = PushPart(
    target=PushTarget(endpoint="https://fcm.googleapis.com/fcm/send/x", p256dh=P256DH, auth=b64url(AUTH)),
    lang="ja",
)
SHIPPED = load_settings(None, {}, {})


async def settle(redis: Redis, many: int, part: PushPart = PART, realm: Realm = Realm.LIVE) -> list[str]:
    """So many subscribers, over as many buckets."""
    store = SubscriptionStore(redis, realm, push_sealer=PUSH, places_sealer=PLACES)
    ids = [fake_id(number, bucket=number * 37 % 256) for number in range(many)]
    await store.put_many(NewSubscriber(subscription_id=one, meta=META, push=part, places=HOME) for one in ids)
    return ids


def filler(
    redis: Redis, clock: HandClock | None = None, realm: Realm = Realm.LIVE, **push: int
) -> PrekeyFill:
    """Four pairs each unless told, whatever is shipped."""
    own = msgspec.structs.replace(SHIPPED.push, **{"prekeys_each": 4, **push})
    changed = msgspec.structs.replace(SHIPPED, push=own)
    return PrekeyFill(redis, realm, clock or HandClock(), changed, PUSH)


def quiet() -> HandClock:
    clock = HandClock()
    clock.move(**QUIET)
    return clock


async def test_what_was_made_encrypts_for_the_browser_it_was_made_for(redis):
    (one,) = await settle(redis, 1)
    assert await filler(redis).fill() == FillReport(realm=Realm.LIVE, made=4, complete=True)
    stored = await redis.hget(Keys(Realm.LIVE).prekeys(bucket_of(one)), one)
    assert len(stored) == 4 * PAIR_BYTES
    sealed = [stored[at : at + PAIR_BYTES] for at in range(0, len(stored), PAIR_BYTES)]
    pairs = [open_pair(PUSH, Realm.LIVE, one, PART.fingerprint, each) for each in sealed]
    assert len({each.public for each in pairs}) == len({each.ikm for each in pairs}) == 4
    for pair in pairs:
        body = encrypt("避難指示".encode(), pair, os.urandom(16))
        plain = http_ece.decrypt(body, private_key=PRIVATE, auth_secret=AUTH, version="aes128gcm")
        assert plain.decode() == "避難指示"


async def test_in_quiet_hours_everybody_gets_the_full_number(redis, monkeypatch):
    monkeypatch.setattr(prekey_fill, "PIECE_SUBSCRIBERS", 2)
    await settle(redis, 7)
    fill = filler(redis, quiet(), prekeys_each=3)
    await fill.tick()
    assert await fill.status() == PrekeyStatus(subscribers=7, pairs=21, without=0)


async def test_by_day_only_those_who_have_none_get_one_and_only_some_at_a_time(redis):
    await settle(redis, 7)
    fill = filler(redis, prekeys_trickle=3)
    for pairs, without in [(3, 4), (6, 1), (7, 0), (7, 0)]:
        await fill.tick()
        assert await fill.status() == PrekeyStatus(subscribers=7, pairs=pairs, without=without)


async def test_a_limit_is_kept_and_the_next_goes_on_from_there(redis):
    await settle(redis, 6)
    fill = filler(redis, prekeys_each=1)
    assert await fill.fill(4) == FillReport(realm=Realm.LIVE, made=4)
    assert await fill.fill(4) == FillReport(realm=Realm.LIVE, made=2, complete=True)


@pytest.mark.parametrize("hours", [0, 12])
async def test_while_an_order_is_in_force_nothing_is_made_and_the_report_says_so(redis, hours, caplog):
    await settle(redis, 2)
    hq = Hq(redis)
    record = await hq.issue()
    clock = HandClock()
    clock.move(hours=hours)
    fill = filler(redis, clock)
    await fill.tick()
    assert await fill.fill() == FillReport(realm=Realm.LIVE, paused=ORDER_IN_FORCE)
    assert (await fill.status()).pairs == 0
    await hq.lift(record.alert.alert_id)
    await fill.tick()
    assert (await fill.status()).without == 0


async def test_a_drill_makes_way_for_a_real_order_and_not_the_other_way_round(redis):
    await settle(redis, 1)
    await settle(redis, 1, realm=Realm.DRILL)
    drill = await Hq(redis, Realm.DRILL).issue()
    assert (await filler(redis).fill()).made == 4
    assert (await filler(redis, realm=Realm.DRILL).fill()).paused == ORDER_IN_FORCE
    await Hq(redis, Realm.DRILL).lift(drill.alert.alert_id)
    await Hq(redis).issue()
    assert (await filler(redis, realm=Realm.DRILL).fill()).paused == ORDER_IN_FORCE


async def test_an_order_released_in_the_middle_stops_it_at_the_next_piece(redis, monkeypatch):
    monkeypatch.setattr(prekey_fill, "PIECE_SUBSCRIBERS", 1)
    await settle(redis, 8)
    fill, hq, pieces = filler(redis, quiet()), Hq(redis), []
    make = fill._make

    def issue_after_three(rows):
        pieces.append(rows)
        if len(pieces) == 3:
            asyncio.run_coroutine_threadsafe(hq.issue(), loop).result(timeout=20)
        return make(rows)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(fill, "_make", issue_after_three)
    await fill.tick()
    assert len(pieces) == 3
    assert (await fill.status()).pairs == 12


async def test_the_end_of_the_quiet_hours_stops_it_at_the_next_piece(redis, monkeypatch):
    monkeypatch.setattr(prekey_fill, "PIECE_SUBSCRIBERS", 1)
    await settle(redis, 5)
    clock = quiet()
    fill = filler(redis, clock)
    make = fill._make

    def late(rows):
        clock.move(hours=2)
        return make(rows)

    monkeypatch.setattr(fill, "_make", late)
    await fill.tick()
    assert (await fill.status()).pairs == 8  # at 2:00 and 4:00 there was time yet, at 6:00 no more


@pytest.mark.parametrize(
    ("hours", "quiet_at"),
    [((1, 5), {1, 2, 3, 4}), ((22, 3), {22, 23, 0, 1, 2}), ((0, 23), set(range(23)))],
)
def test_quiet_hours_are_the_citys_and_may_pass_midnight(hours, quiet_at):
    fill = PrekeyFill(Redis(), Realm.LIVE, HandClock(), _with_hours(*hours), PUSH)
    clock = HandClock()
    found = set()
    for _ in range(24):
        clock.move(hours=1)
        if fill.is_quiet(clock.now()):
            found.add((clock.now().hour + 9) % 24)
    assert found == quiet_at


def _with_hours(start: int, end: int):
    push = msgspec.structs.replace(SHIPPED.push, prekeys_from_hour=start, prekeys_until_hour=end)
    return msgspec.structs.replace(SHIPPED, push=push)


async def test_a_clock_that_jumps_makes_neither_too_many_nor_stops_it_for_good(redis):
    ids = await settle(redis, 3)
    clock = quiet()
    fill = filler(redis, clock)
    for jump in (0, 24 * 365, -24 * 800, 24, -24, 0):
        clock.move(hours=jump)
        await fill.tick()
        assert await fill.status() == PrekeyStatus(subscribers=3, pairs=12, without=0)
    await redis.delete(Keys(Realm.LIVE).prekeys(bucket_of(ids[0])))
    clock.move(days=-30)  # the moment it was complete lies ahead now
    await fill.tick()
    assert (await fill.status()).without == 0


async def test_who_was_just_seen_to_have_all_is_not_looked_through_at_every_tick(redis):
    ids = await settle(redis, 2)
    clock = quiet()
    fill = filler(redis, clock)
    await fill.tick()
    await redis.delete(Keys(Realm.LIVE).prekeys(bucket_of(ids[0])))
    clock.move(minutes=9)
    await fill.tick()
    assert (await fill.status()).without == 1
    clock.move(minutes=2)
    await fill.tick()
    assert (await fill.status()).without == 0


async def test_fillers_at_once_never_pass_the_target_and_waste_nothing_for_good(redis):
    await settle(redis, 6)
    reports = await asyncio.gather(*(filler(redis).fill() for _ in range(3)))
    assert sum(one.made for one in reports) == 24
    assert await filler(redis).status() == PrekeyStatus(subscribers=6, pairs=24, without=0)


async def test_a_push_part_that_can_not_be_used_is_counted_and_keeps_nobody_else_waiting(
    redis, caplog, monkeypatch
):
    monkeypatch.setattr(prekey_fill, "PIECE_SUBSCRIBERS", 1)
    no_point = PushPart(
        target=msgspec.structs.replace(PART.target, p256dh=b64url(b"\x04" + bytes(64))), lang="ja"
    )
    ids = await settle(redis, 3)
    store = SubscriptionStore(redis, Realm.LIVE, push_sealer=PUSH)
    number = bucket_of(ids[0])
    await redis.hset(Keys(Realm.LIVE).push(number), f"{number:02x}" + "0" * 30, b"sealed by nobody")
    other = f"{number:02x}" + "1" * 30
    await redis.hset(Keys(Realm.LIVE).push(number), other, store.seal_push(other, no_point))
    fill = filler(redis, quiet())
    with caplog.at_level(logging.WARNING):
        await fill.tick()
    assert "the push part of 2 subscribers can not be used" in caplog.text
    assert await fill.status() == PrekeyStatus(subscribers=5, pairs=12, without=2)
    caplog.clear()
    assert await fill.fill() == FillReport(realm=Realm.LIVE, broken=2, complete=True)


async def test_pairs_are_never_made_with_the_key_of_the_other_side(redis):
    await settle(redis, 2)
    wrong = PrekeyFill(redis, Realm.LIVE, HandClock(), SHIPPED, PLACES)
    assert await wrong.fill() == FillReport(realm=Realm.LIVE, broken=2, complete=True)
    assert (await wrong.status()).pairs == 0


async def test_the_schedule_fills_both_sides(redis, tmp_path):
    """As `python -m workers schedules` wires it."""
    settings = msgspec.structs.replace(SHIPPED, data=msgspec.structs.replace(SHIPPED.data, dir=str(tmp_path)))
    url = f"unix://{redis.connection_pool.connection_kwargs['path']}"
    async with open_services(settings, url) as wired:
        for realm in Realm:
            sealer = push_sealer(wired.secrets.realm(realm.value))
            store = SubscriptionStore(redis, realm, push_sealer=sealer, places_sealer=PLACES)
            row = NewSubscriber(subscription_id=fake_id(1), meta=META, push=PART, places=HOME)
            await store.put_many([row])
            await _prekeys(wired, realm).run()
            assert await redis.hlen(Keys(realm).prekeys(0x2A)) == 1
    assert len({_prekeys(wired, realm).name for realm in Realm}) == 2


def test_the_command_fills_and_tells_how_both_sides_stand(tmp_path, private_redis):
    shell = Shell(tmp_path / "data", private_redis.url)
    made = shell("prekeys", "fill", "--json")
    assert made.status == 0, made
    empty = {"subscribers": 0, "pairs": 0, "without": 0}
    assert json.loads(made.out) == {
        realm: {
            "status": empty,
            "fill": {"realm": realm, "made": 0, "broken": 0, "paused": "", "complete": True},
        }
        for realm in ("live", "drill")
    }
    told = shell("prekeys", "status")
    assert told.out.splitlines() == [
        f"{name}：登録 0件、事前鍵 0組（1件あたり最大{SHIPPED.push.prekeys_each}組）、1組もない登録 0件"
        for name in ("本番", "訓練")
    ]
