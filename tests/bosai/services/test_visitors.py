"""「今日だけ」: a visitor's place ends at the local midnight, and who has no other is forgotten after it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bosai.errors import InvalidInput, NotFound
from bosai.model.alert import OrderKind
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services.ended_days import EndedDays
from bosai.services.geo_holder import GeoHolder
from bosai.services.place_extras import Extras
from bosai.services.plan_sources import PlanSources
from bosai.services.subscriptions import ENDED_KEPT
from bosai.settings import load_settings
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import BUCKETS, Keys
from tests.bosai.services.hq import START, HandClock, Hq, flood
from tests.bosai.services.test_subscriptions import HOME, all_places, service, stores, target

MIDNIGHT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 24:00 in Japan on the day of START (14:00 there)
TODAY = Extras(today_only=True)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def subscribers(redis, clock):
    return service(redis, clock=clock)


@pytest.fixture
def settings(tmp_path):
    return load_settings(None, {}, {"data.dir": str(tmp_path)})


@pytest.fixture
async def sources(redis, clock, settings):
    geo = await GeoHolder.opened(settings, redis, clock)
    instructions = InstructionStore(redis, Realm.LIVE, Sealer(b"\x04" * 32, "told"))
    return PlanSources(
        redis,
        Realm.LIVE,
        clock,
        settings,
        subscriptions=stores(redis),
        instructions=instructions,
        geo=geo,
    )


async def notes(redis) -> int:
    return sum([await redis.zcard(Keys(Realm.LIVE).ends(number)) for number in range(BUCKETS)])


async def test_a_day_ends_at_the_local_midnight_of_every_place_of_ones_own(redis, subscribers, clock):
    mother = msgspec.structs.replace(HOME, place_id="mother", relative=True)
    made = await subscribers.register(target(), "en", (HOME, mother), extras=TODAY)
    held = await subscribers.read(made.subscription_id, made.secret)
    assert [one.until for one in held.places] == [MIDNIGHT, None]
    clock.at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 00:30 of the next day in Japan
    late = await subscribers.register(target("two"), "en", (HOME,), extras=TODAY)
    held = await subscribers.read(late.subscription_id, late.secret)
    assert held.places[0].until == MIDNIGHT + timedelta(days=1)


async def test_what_was_read_may_be_sent_back_and_another_end_is_refused(subscribers):
    made = await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    held = await subscribers.read(made.subscription_id, made.secret)
    await subscribers.replace(made.subscription_id, made.secret, places=held.places)
    assert (await subscribers.read(made.subscription_id, made.secret)).places == held.places
    for until in (START, MIDNIGHT + timedelta(seconds=1), MIDNIGHT.replace(tzinfo=None)):
        with pytest.raises(InvalidInput) as refused:
            place = msgspec.structs.replace(HOME, until=until)
            await subscribers.replace(made.subscription_id, made.secret, places=(place,))
        assert (refused.value.field, refused.value.problem) == ("places[0].until", "out_of_range")


async def test_who_stays_after_all_has_no_end_any_more(redis, subscribers, clock):
    made = await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    await subscribers.replace(made.subscription_id, made.secret, places=(HOME,))
    clock.at = MIDNIGHT + ENDED_KEPT
    assert await subscribers.drop_ended() == 0
    assert await notes(redis) == 0 and await subscribers.count() == 1


async def test_a_visitor_is_forgotten_half_a_day_after_the_end_and_not_before(redis, subscribers, clock):
    made = await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    home = await subscribers.register(target("two"), "ja", (HOME,))
    clock.at = MIDNIGHT + ENDED_KEPT - timedelta(seconds=1)
    assert await subscribers.drop_ended() == 0 and await subscribers.count() == 2
    clock.at = MIDNIGHT + ENDED_KEPT
    assert await subscribers.drop_ended() == 1
    with pytest.raises(NotFound):
        await subscribers.read(made.subscription_id, made.secret)
    assert await subscribers.read(home.subscription_id, home.secret)
    assert await notes(redis) == 0 and await subscribers.drop_ended() == 0


async def test_a_subscriber_with_a_place_that_goes_on_loses_only_the_one_that_ended(
    redis, subscribers, clock
):
    work = msgspec.structs.replace(HOME, place_id="work")
    made = await subscribers.register(target(), "en", (msgspec.structs.replace(HOME, until=MIDNIGHT), work))
    clock.at = MIDNIGHT + ENDED_KEPT
    assert await subscribers.drop_ended() == 1
    assert [one.place_id for one in (await all_places(redis))[made.subscription_id]] == ["work"]
    assert await subscribers.read(made.subscription_id, made.secret)  # the secret is the same


async def test_where_a_note_tells_of_an_end_it_tells_nothing_of_the_place(redis, subscribers):
    made = await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    number = int(made.subscription_id[:2], 16)
    assert await redis.zrange(Keys(Realm.LIVE).ends(number), 0, -1, withscores=True) == [
        (made.subscription_id.encode(), MIDNIGHT.timestamp())
    ]


async def test_a_day_that_ended_in_the_middle_of_an_order_goes_on_to_its_end(redis, subscribers, clock):
    hq = Hq(redis)
    await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    days = EndedDays(hq.store, subscribers)
    clock.at = MIDNIGHT + ENDED_KEPT
    record = await hq.issue()
    await days.tick()
    assert await subscribers.count() == 1
    await hq.lift(record.alert.alert_id)
    await days.tick()
    assert await subscribers.count() == 0


async def test_a_notice_keeps_no_visitor_and_no_event_begins_with_it(redis, subscribers, clock, sources):
    hq = Hq(redis)
    await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    hq.clock.at = MIDNIGHT - timedelta(hours=5)
    await hq.issue(flood(kind=OrderKind.NOTICE))
    assert await hq.store.began() is None
    clock.at = hq.clock.at = MIDNIGHT + ENDED_KEPT
    await sources.refresh_people()
    assert len(await sources.people()) == 0
    await EndedDays(hq.store, subscribers).tick()
    assert await subscribers.count() == 0
    await hq.issue()
    assert await hq.store.began() == hq.clock.at


async def test_the_plan_knows_a_visitor_until_the_day_ends_and_through_an_order_that_began_before_it(
    redis, subscribers, clock, sources
):
    hq = Hq(redis)
    await subscribers.register(target(), "en", (HOME,), extras=TODAY)
    hq.clock.at = MIDNIGHT - timedelta(hours=1)
    record = await hq.issue()
    clock.at = hq.clock.at = MIDNIGHT + timedelta(hours=2)
    await sources.refresh_people()
    assert (await sources.people()).visitor.tolist() == [True]
    await hq.lift(record.alert.alert_id)
    await sources.refresh_people()
    assert len(await sources.people()) == 0
