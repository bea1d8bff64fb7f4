"""A stolen dump holds no push secret and no home: the whole store is read as a thief would read it."""

from __future__ import annotations

import struct

import msgspec
from redis.asyncio import Redis

from bosai.model.instruction import Destination, Stage
from bosai.model.realm import Realm
from bosai.model.subscription import Need, Place
from bosai.services.subscriptions import SubscriptionService
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import bucket_of
from bosai.stores.outbox import Outbox, Pointer
from shelters.model import ReasonCode
from tests.bosai.services.test_subscriptions import HOME, service, target
from tests.workers.street import INCIDENT, NOW, TOLD_SEALER, draft

SCHOOL = Destination(site_id="school-7", name="七郷小学校", lon=140.93, lat=38.24, walk_m=41_877, walk_s=2400)
HALL = Destination(site_id="hall-8", name="荒井公会堂", lon=140.95, lat=38.25, walk_m=43_991, walk_s=2600)


async def everything_in(redis: Redis) -> bytes:
    """Every key and every value, as bytes, one after another."""
    found = []
    async for key in redis.scan_iter(count=500):
        kind = (await redis.type(key)).decode()
        match kind:
            case "string":
                value: object = await redis.get(key)
            case "hash":
                value = await redis.hgetall(key)
            case "list":
                value = await redis.lrange(key, 0, -1)
            case "zset":
                value = await redis.zrange(key, 0, -1)
            case "stream":
                value = await redis.xrange(key)
            case _:
                raise AssertionError(kind)
        found.append(key + b" " + _flat(value))
    return b"\n".join(found)


def _flat(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b" ".join(_flat(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return b" ".join(map(_flat, value))
    return str(value).encode()


async def registered_and_told(redis: Redis) -> tuple[SubscriptionService, str, str, Place]:
    home = msgspec.structs.replace(HOME, label="三丁目の家", floor=7, needs=(Need.STEP_FREE,))
    here = service(redis)
    made = await here.register(target("capability-of-the-browser"), "ja", (home,))
    told = draft(
        made.subscription_id, destination=SCHOOL, alternate=HALL, reasons=(ReasonCode.NEEDS_TIME.value,)
    )
    report = await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, [told], NOW)
    assert report.written == 1
    return here, made.subscription_id, made.secret, home


async def test_a_dump_tells_neither_where_somebody_lives_nor_where_to_push(redis):
    _, subscription_id, secret, home = await registered_and_told(redis)
    dump = await everything_in(redis)
    assert subscription_id.encode() in dump
    for plain in ("capability-of-the-browser", "fcm.googleapis.com", target().p256dh, secret, "三丁目の家"):
        assert plain.encode() not in dump, plain
    for number in (home.lon, home.lat, round(home.lon, 4), round(home.lat, 4)):
        assert struct.pack(">d", number) not in dump
        assert str(number).encode() not in dump


async def test_a_dump_does_not_tell_how_far_somebody_walks_to_places_everybody_knows(redis):
    """Two distances to two known points are a home, and a reason may be an illness."""
    await registered_and_told(redis)
    dump = await everything_in(redis)
    for site in (SCHOOL, HALL):
        assert site.name.encode() not in dump
        # Two bytes alone stand in sealed bytes by chance: look for the number with its name, as it would be stored.
        assert msgspec.msgpack.encode({"walk_m": site.walk_m})[1:] not in dump
        assert str(site.walk_m).encode() not in dump
    assert b"walk_m" not in dump
    assert ReasonCode.NEEDS_TIME.value.encode() not in dump


async def test_leaving_takes_everything_along(redis):
    here, subscription_id, secret, _ = await registered_and_told(redis)
    await here.delete(subscription_id, secret)
    dump = await everything_in(redis)
    hashes = [line for line in dump.split(b"\n") if b"outbox" not in line and b"events" not in line]
    assert not [line for line in hashes if subscription_id.encode() in line]


async def test_an_instruction_moved_to_somebody_else_does_not_open(redis):
    _, one, _, _ = await registered_and_told(redis)
    made = await service(redis).register(target("other"), "ja", (HOME,))
    other = made.subscription_id
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(other)], NOW)
    source = f"bosai:{{live:b{bucket_of(one):02x}}}:instructions"
    stolen = await redis.hget(source, f"{INCIDENT}/{one}")
    goal = f"bosai:{{live:b{bucket_of(other):02x}}}:instructions"
    await redis.hset(goal, f"{INCIDENT}/{other}", stolen)
    assert await store.latest(other) is None
    assert set(await store.latest_of_incident(INCIDENT)) == {one}
    pointer = Pointer(groups=((bucket_of(other), ((f"{INCIDENT}/{other}", 0),)),))
    assert await Outbox(redis, Realm.LIVE, "w", TOLD_SEALER).claim(pointer, NOW, NOW) == []
    # Nobody waits for it for ever: it stands among those who were not reached, with the cause.
    assert (other, Stage.FAILED, "seal_broken") in await store.not_reached(INCIDENT)
