from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.errors import InvalidInput, NotFound, PushHostRefused, SealBroken, StoreUnavailable, WrongSecret
from bosai.model.realm import Realm
from bosai.model.subscription import Need, Place, PushTarget
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.services.place_extras import Extras
from bosai.services.place_rules import settled_places
from bosai.services.subscriptions import SubscriptionService
from bosai.stores import subscriptions as subscription_store
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.subscriptions import Meta, NewSubscriber, PushPart, SubscriptionStore
from tests.bed.subscriber import make_keys
from tests.bosai.services.hq import HandClock

BBOX = (140.45, 38.05, 141.15, 38.50)
PUSH, PLACES = Sealer(b"\x01" * 32, "push"), Sealer(b"\x02" * 32, "places")
AUTH = "AAAAAAAAAAAAAAAAAAAAAA"
_, P256DH = make_keys()
HOME = Place(place_id="home", label="荒浜", lon=140.98765432, lat=38.22123456, persons=3)


def target(name: str = "one") -> PushTarget:
    return PushTarget(endpoint=f"https://fcm.googleapis.com/wp/{name}", p256dh=P256DH, auth=AUTH)


def service(
    redis: Redis, realm: Realm = Realm.LIVE, *, clock: HandClock | None = None, **options: object
) -> SubscriptionService:
    return SubscriptionService(
        redis,
        realm,
        clock or HandClock(),
        push_sealer=PUSH,
        places_sealer=PLACES,
        hmac_key=b"\x03" * 32,
        hosts=HostPolicy(["fcm.googleapis.com"]),
        bbox_lonlat=BBOX,
        **options,  # type: ignore[arg-type]
    )


def stores(redis: Redis, realm: Realm = Realm.LIVE) -> SubscriptionStore:
    return SubscriptionStore(redis, realm, push_sealer=PUSH, places_sealer=PLACES)


async def all_places(redis: Redis, realm: Realm = Realm.LIVE) -> dict[str, tuple[Place, ...]]:
    store = stores(redis, realm)
    return dict([one for number in range(BUCKETS) for one in await store.load_bucket(number)])


async def test_a_subscriber_reads_back_what_was_registered_with_the_point_rounded(redis):
    made = await service(redis).register(target(), "vi", (HOME,))
    held = await service(redis).read(made.subscription_id, made.secret)
    assert (held.lang, held.push) == ("vi", target())
    assert held.places == (msgspec.structs.replace(HOME, lon=140.9877, lat=38.2212),)
    assert await service(redis).count() == 1


async def test_nothing_in_the_store_shows_where_somebody_lives_or_is_reached(redis):
    made = await service(redis).register(target("secret-endpoint"), "ja", (HOME,))
    seen = b""
    for key in await redis.keys("*"):
        kind = await redis.type(key)
        if kind == b"hash":
            seen += b"".join([field + value for field, value in (await redis.hgetall(key)).items()])
        elif kind == b"string":
            seen += await redis.get(key) or b""
        else:
            assert kind == b"stream"
            seen += repr(await redis.xrange(key)).encode()
    for word in (
        b"secret-endpoint",
        b"fcm.googleapis",
        P256DH.encode(),
        "荒浜".encode(),
        made.secret.encode(),
    ):
        assert word not in seen
    assert made.subscription_id.encode() in seen


async def test_each_part_opens_only_with_its_own_key(redis):
    made = await service(redis).register(target(), "ja", (HOME,))
    held = await stores(redis).held(made.subscription_id)
    assert held is not None
    planner = SubscriptionStore(redis, Realm.LIVE, places_sealer=PLACES)
    delivery = SubscriptionStore(redis, Realm.LIVE, push_sealer=PUSH)
    assert planner.open_places(made.subscription_id, held.places_sealed)[0].label == "荒浜"
    assert delivery.open_push(made.subscription_id, held.push_sealed).target == target()
    with pytest.raises(RuntimeError):
        planner.open_push(made.subscription_id, held.push_sealed)
    with pytest.raises(SealBroken):
        SubscriptionStore(redis, Realm.LIVE, push_sealer=PLACES).open_push(
            made.subscription_id, held.push_sealed
        )


async def test_the_same_endpoint_again_replaces_and_voids_the_old_secret(redis):
    subscriptions = service(redis)
    first = await subscriptions.register(target(), "ja", (HOME,))
    again = await subscriptions.register(target(), "en", (msgspec.structs.replace(HOME, persons=1),))
    assert again.subscription_id == first.subscription_id
    assert await subscriptions.count() == 1
    with pytest.raises(WrongSecret):
        await subscriptions.read(first.subscription_id, first.secret)
    assert (await subscriptions.read(again.subscription_id, again.secret)).places[0].persons == 1


async def test_other_keys_on_the_same_endpoint_replace_too(redis):
    subscriptions = service(redis)
    await subscriptions.register(target(), "ja", (HOME,))
    _, other = make_keys()
    made = await subscriptions.register(msgspec.structs.replace(target(), p256dh=other), "ja", (HOME,))
    assert (await subscriptions.read(made.subscription_id, made.secret)).push.p256dh == other
    assert await subscriptions.count() == 1


async def test_registrations_racing_for_one_endpoint_leave_one_that_its_secret_opens(redis):
    subscriptions = service(redis)
    made = await asyncio.gather(*(subscriptions.register(target(), "ja", (HOME,)) for _ in range(4)))
    opened = await asyncio.gather(
        *(subscriptions.read(one.subscription_id, one.secret) for one in made), return_exceptions=True
    )
    assert sum(not isinstance(one, Exception) for one in opened) == 1
    assert await subscriptions.count() == 1


async def test_live_and_drill_are_two_subscribers_with_two_ids(redis):
    live, drill = service(redis), service(redis, Realm.DRILL)
    here = await live.register(target(), "ja", (HOME,))
    there = await drill.register(target(), "ja", (HOME,))
    assert here.subscription_id != there.subscription_id
    with pytest.raises(NotFound):
        await drill.read(here.subscription_id, here.secret)
    held = await stores(redis).held(here.subscription_id)
    assert held is not None
    with pytest.raises(SealBroken):
        stores(redis, Realm.DRILL).open_push(here.subscription_id, held.push_sealed)


async def test_a_change_keeps_what_is_not_named(redis):
    subscriptions = service(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    await subscriptions.replace(made.subscription_id, made.secret, lang="ne")
    held = await subscriptions.read(made.subscription_id, made.secret)
    assert (held.lang, held.places[0].label, held.push) == ("ne", "荒浜", target())


async def test_whoever_wants_no_monthly_check_says_so_once_and_may_change_it(redis):
    subscriptions, store = service(redis), stores(redis)
    made = await subscriptions.register(target(), "ja", (HOME,), wants_checks=False)

    async def wants() -> bool:
        held = await store.held(made.subscription_id)
        assert held is not None
        return store.open_push(made.subscription_id, held.push_sealed).wants_checks

    assert not await wants()
    await subscriptions.replace(made.subscription_id, made.secret, lang="en")
    assert not await wants()
    await subscriptions.replace(made.subscription_id, made.secret, wants_checks=True)
    assert await wants()
    again = await subscriptions.register(target("two"), "ja", (HOME,))
    held = await store.held(again.subscription_id)
    assert held is not None
    assert store.open_push(again.subscription_id, held.push_sealed).wants_checks


async def test_two_changes_within_one_second_do_not_undo_each_other(redis):
    """The clock stands still: what was read before the other change may not be written after it."""
    subscriptions, store = service(redis), stores(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    before = await store.held(made.subscription_id)
    assert before is not None
    await subscriptions.replace(made.subscription_id, made.secret, lang="en")
    stale = store.open_push(made.subscription_id, before.push_sealed)
    assert not await store.put(
        redis, made.subscription_id, expected=before.meta_raw, meta=before.meta, push=stale
    )
    assert (await subscriptions.read(made.subscription_id, made.secret)).lang == "en"


async def test_many_are_written_at_once_and_read_like_any_other(redis, monkeypatch):
    monkeypatch.setattr(subscription_store, "PUT_AT_ONCE", 7)
    store, clock = stores(redis), HandClock()
    home = msgspec.structs.replace(HOME, lon=140.9877, lat=38.2212)
    meta = Meta(secret_hash=hashlib.sha256(b"known").digest(), created_at=clock.now(), seen_at=clock.now())
    ids = [hashlib.sha256(bytes((one,))).hexdigest()[:32] for one in range(40)]
    rows = (
        NewSubscriber(
            subscription_id=one, meta=meta, push=PushPart(target=target(one), lang="ko"), places=(home,)
        )
        for one in ids
    )
    assert await store.put_many(rows) == 40
    assert await store.count() == 40
    assert set(await all_places(redis)) == set(ids)
    versions = await store.bucket_versions()
    assert {at for at, version in enumerate(versions) if version} == {bucket_of(one) for one in ids}
    held = await service(redis).read(ids[3], "known")
    assert (held.lang, held.push, held.places) == ("ko", target(ids[3]), (home,))


async def test_places_that_do_not_open_are_left_out_of_the_plan_and_told(redis, caplog):
    subscriptions, store = service(redis), stores(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    other = "0" * len(made.subscription_id)
    number = bucket_of(other)
    await redis.hset(Keys(Realm.LIVE).places(number), mapping={other: b"short", "00" + "1" * 30: b"x" * 90})
    assert list(await all_places(redis)) == [made.subscription_id]
    assert caplog.text.count("can not be read") == 2
    assert await store.load_bucket(number) == []


async def test_every_change_of_places_raises_the_version_of_its_bucket(redis):
    subscriptions, store = service(redis), stores(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    number = bucket_of(made.subscription_id)
    versions = [await store.bucket_versions()]
    await subscriptions.replace(made.subscription_id, made.secret, places=(HOME,))
    versions.append(await store.bucket_versions())
    await subscriptions.delete(made.subscription_id, made.secret)
    versions.append(await store.bucket_versions())
    assert [one[number] for one in versions] == [1, 2, 3]
    assert all(sum(one) == one[number] for one in versions)


async def test_a_browser_whose_endpoint_moved_is_found_again_when_it_registers(redis):
    subscriptions = service(redis)
    made = await subscriptions.register(target("old"), "ja", (HOME,))
    await subscriptions.replace(made.subscription_id, made.secret, target=target("new"))
    again = await subscriptions.register(target("new"), "ja", (HOME,))
    assert again.subscription_id == made.subscription_id
    assert await subscriptions.count() == 1
    await subscriptions.delete(again.subscription_id, again.secret)
    later = await subscriptions.register(target("new"), "ja", (HOME,))
    assert later.subscription_id != made.subscription_id


async def test_deleting_forgets_everything(redis):
    subscriptions = service(redis)
    made = await subscriptions.register(target(), "ja", (HOME,), extras=Extras(today_only=True))
    await subscriptions.delete(made.subscription_id, made.secret)
    with pytest.raises(NotFound):
        await subscriptions.read(made.subscription_id, made.secret)
    k, number = Keys(Realm.LIVE), bucket_of(made.subscription_id)
    left = {key.decode() for key in await redis.keys("*")}
    assert left == {k.version(number), k.told_version(number), k.events}  # numbers, and that a bucket changed
    assert await all_places(redis) == {}


@pytest.mark.parametrize("secret", ["", "wrong", "\udce9", "a" * 5000])
async def test_a_wrong_secret_opens_nothing(redis, secret):
    subscriptions = service(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    for act in (
        subscriptions.read(made.subscription_id, secret),
        subscriptions.authenticate(made.subscription_id, secret),
        subscriptions.replace(made.subscription_id, secret, lang="en"),
        subscriptions.delete(made.subscription_id, secret),
    ):
        with pytest.raises(WrongSecret):
            await act
    assert (await subscriptions.read(made.subscription_id, made.secret)).lang == "ja"


@pytest.mark.parametrize("subscription_id", ["", "zz", "../../x", "0" * 32, "é" * 32])
async def test_an_id_nobody_has_is_not_found(redis, subscription_id):
    with pytest.raises(NotFound):
        await service(redis).read(subscription_id, "secret")


async def test_a_deleted_subscriber_does_not_come_back_by_a_change_that_was_under_way(redis):
    store, subscriptions = stores(redis), service(redis)
    made = await subscriptions.register(target(), "ja", (HOME,))
    held = await store.held(made.subscription_id)
    assert held is not None
    await subscriptions.delete(made.subscription_id, made.secret)
    written = await store.put(
        redis, made.subscription_id, expected=held.meta_raw, meta=held.meta, places=(HOME,)
    )
    assert not written
    assert await store.held(made.subscription_id) is None


async def test_a_retired_subscriber_is_gone_unless_it_renewed_its_keys_meanwhile(redis):
    store, subscriptions = stores(redis), service(redis)
    gone = await subscriptions.register(target("gone"), "ja", (HOME,))
    renewed = await subscriptions.register(target("renewed"), "ja", (HOME,))
    sealed = {}
    for one in (gone, renewed):
        held = await store.held(one.subscription_id)
        assert held is not None
        sealed[one.subscription_id] = held.push_sealed
    _, other = make_keys()
    await subscriptions.replace(
        renewed.subscription_id,
        renewed.secret,
        target=msgspec.structs.replace(target("renewed"), p256dh=other),
    )
    assert await store.retire(sealed) == {gone.subscription_id}
    assert list(await all_places(redis)) == [renewed.subscription_id]


async def test_reading_keeps_a_subscription_from_counting_as_idle_once_a_day(redis):
    clock = HandClock()
    subscriptions = service(redis)
    subscriptions._clock = clock
    made = await subscriptions.register(target(), "ja", (HOME,))
    clock.move(hours=2)
    await subscriptions.read(made.subscription_id, made.secret)
    held = await stores(redis).held(made.subscription_id)
    assert held is not None
    assert clock.now() - held.meta.seen_at == timedelta(hours=2)
    clock.move(days=1)
    await subscriptions.read(made.subscription_id, made.secret)
    held = await stores(redis).held(made.subscription_id)
    assert held is not None
    assert held.meta.seen_at == clock.now()


async def test_without_the_replica_it_must_reach_nothing_is_acknowledged(redis):
    with pytest.raises(StoreUnavailable):
        await service(redis, wait_replicas=1, wait_timeout_s=0.02).register(target(), "ja", (HOME,))


async def test_without_redis_nothing_is_acknowledged(redis, monkeypatch):
    async def away(*_: object, **__: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Redis, "evalsha", away)
    with pytest.raises(StoreUnavailable):
        await service(redis).register(target(), "ja", (HOME,))


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"lon": 139.7}, "places[1].lon", "outside_city"),
        ({"lat": 35.6}, "places[1].lat", "outside_city"),
        ({"lon": float("nan")}, "places[1].lon", "not_a_number"),
        ({"lat": float("inf")}, "places[1].lat", "not_a_number"),
        ({"label": "あ" * 41}, "places[1].label", "too_long"),
        ({"label": "荒浜\n"}, "places[1].label", "not_printable"),
        ({"persons": 0}, "places[1].persons", "out_of_range"),
        ({"persons": 21}, "places[1].persons", "out_of_range"),
        ({"floor": -3}, "places[1].floor", "out_of_range"),
        ({"floor": 61}, "places[1].floor", "out_of_range"),
        ({"place_id": "home"}, "places[1].place_id", "twice"),
        ({"place_id": "家"}, "places[1].place_id", "not_a_name"),
        ({"needs": (Need.PETS, Need.PETS)}, "places[1].needs", "twice"),
    ],
)
def test_a_place_that_can_not_be_kept_is_refused_by_name(change, field, problem):
    other = msgspec.structs.replace(HOME, **{"place_id": "work", **change})
    with pytest.raises(InvalidInput) as refused:
        settled_places((HOME, other), BBOX)
    assert (refused.value.field, refused.value.problem) == (field, problem)


@pytest.mark.parametrize(
    ("places", "problem"),
    [((), "missing"), (tuple(msgspec.structs.replace(HOME, place_id=f"p{n}") for n in range(6)), "too_many")],
)
def test_no_place_and_too_many_places_are_refused(places, problem):
    with pytest.raises(InvalidInput) as refused:
        settled_places(places, BBOX)
    assert (refused.value.field, refused.value.problem) == ("places", problem)


@given(st.floats(BBOX[0], BBOX[2]), st.floats(BBOX[1], BBOX[3]))
def test_a_kept_point_is_near_and_tells_no_more_than_chosen(lon, lat):
    (point,) = settled_places((msgspec.structs.replace(HOME, lon=lon, lat=lat),), BBOX)
    assert (point.lon, point.lat) == (round(point.lon, 4), round(point.lat, 4))
    assert abs(point.lon - lon) <= 5.1e-5
    assert abs(point.lat - lat) <= 5.1e-5
    (cell,) = settled_places((msgspec.structs.replace(HOME, lon=lon, lat=lat, is_cell=True),), BBOX)
    assert abs(cell.lon - lon) <= 11.25 / 7200 + 1e-6
    assert abs(cell.lat - lat) <= 7.5 / 7200 + 1e-6
    assert settled_places((cell,), BBOX) == (cell,)  # settling twice moves nothing


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (msgspec.structs.replace(target(), endpoint="https://192.168.0.9/x"), PushHostRefused),
        (msgspec.structs.replace(target(), endpoint="https://push.unlisted.example/x"), PushHostRefused),
        (msgspec.structs.replace(target(), p256dh="AAAA"), InvalidInput),
        (msgspec.structs.replace(target(), auth=""), InvalidInput),
    ],
)
async def test_a_target_that_is_no_push_service_or_has_no_keys_leaves_nothing_behind(redis, bad, error):
    with pytest.raises(error):
        await service(redis).register(bad, "ja", (HOME,))
    with pytest.raises(InvalidInput):
        await service(redis).register(target(), "fr", (HOME,))
    assert await redis.keys("*") == []
