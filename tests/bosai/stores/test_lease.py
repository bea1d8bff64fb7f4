"""A lease has one holder, ends by itself, and its token only rises."""

import asyncio

from bosai.model.realm import Realm
from bosai.stores.lease import Lease


async def test_only_one_of_many_gets_the_lease(redis):
    leases = [Lease(redis, Realm.LIVE, "planner") for _ in range(8)]
    got = await asyncio.gather(*(one.take() for one in leases))
    assert sum(got) == 1
    assert [one.token for one in leases].count(None) == 7


async def test_the_holder_renews_with_the_same_token(redis):
    lease = Lease(redis, Realm.LIVE, "planner")
    await lease.take()
    first = lease.token
    assert await lease.take() and lease.token == first


async def test_a_successor_takes_over_when_the_holder_is_silent_and_has_a_higher_token(redis):
    old = Lease(redis, Realm.LIVE, "planner", ttl_ms=50)
    new = Lease(redis, Realm.LIVE, "planner")
    await old.take()
    stale = old.token
    async with asyncio.timeout(10):
        while not await new.take():
            await asyncio.sleep(0.01)
    assert stale is not None and new.token is not None and new.token > stale
    assert not await old.take() and old.token is None


async def test_a_lease_given_back_is_free_at_once_and_only_the_holder_can_give_it_back(redis):
    holder, other = Lease(redis, Realm.LIVE, "planner"), Lease(redis, Realm.LIVE, "planner")
    await holder.take()
    await other.drop()
    assert not await other.take()
    await holder.drop()
    assert await other.take()


async def test_the_two_sides_have_leases_of_their_own(redis):
    assert await Lease(redis, Realm.LIVE, "planner").take()
    assert await Lease(redis, Realm.DRILL, "planner").take()
