"""Whatever step a worker dies before or after: nobody is lost, and no two messages share a key pair."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.model.instruction import Stage
from bosai.push.encryption import make_pair
from bosai.push.prekeys import seal_pair
from bosai.stores.keys import bucket_of
from bosai.stores.prekeys import NewPairs, PrekeyStore
from tests.bed.answers import RESET, UNAVAILABLE
from tests.workers.street import PUSH_SEALER, open_street, store_of
from tests.workers.test_delivery_crashes import Died

PEOPLE = 8
STEPS = ("next_pointer", "claim", "record", "acknowledge", "due", "reclaim")
_KEY = slice(21, 86)  # our public key in the head of a body: salt 16, record size 4, length 1, key 65


@pytest.fixture(scope="session")
def server_url(redis_server):
    return redis_server.url


class Mortal:
    """Lets a worker die before or after its n-th step; nothing after that does anything any more."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after, self.is_dead = at, after, False

    def wrap(self, worker):
        for name in STEPS:
            setattr(worker.outbox, name, self._step(getattr(worker.outbox, name)))
        worker._subscriptions.retire = self._step(worker._subscriptions.retire)
        post = worker._transport.post

        def mortal_post(parcels):
            self._live()
            post(parcels)
            self._die_now()

        worker._transport = Handing(worker._transport, mortal_post)
        return worker

    def _step(self, step):
        async def mortal(*parts, **more):
            self._live()
            answer = await step(*parts, **more)
            self._die_now()
            return answer

        return mortal

    def _live(self):
        self.left -= 1
        if self.is_dead or (self.left < 0 and not self.after):
            self.is_dead = True
            raise Died

    def _die_now(self):
        if self.left < 0:
            self.is_dead = True
            raise Died


class Handing:
    """A transport whose `post` is another."""

    def __init__(self, inner, post) -> None:
        self._inner, self.post = inner, post

    def __getattr__(self, name):
        return getattr(self._inner, name)


async def give_pairs(redis, street, each: int) -> None:
    """Prekeys for everybody, as made in quiet hours."""
    store, prekeys = store_of(redis), PrekeyStore(redis, street.realm)
    for one in street.ids:
        held = await store.held(one)
        assert held is not None
        part = store.open_push(one, held.push_sealed)
        pairs = b"".join(
            seal_pair(PUSH_SEALER, street.realm, one, part.fingerprint, make_pair(part.p256dh, part.auth))
            for _ in range(each)
        )
        made = NewPairs(subscription_id=one, push_sealed=held.push_sealed, pairs=pairs)
        await prekeys.add(bucket_of(one), [made], each)


CRASHES = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=3)


@given(CRASHES, st.integers(0, 2), st.sampled_from([None, RESET, UNAVAILABLE]))
# Each example opens servers and threads: showing the first failure beats shrinking it for minutes.
@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])
@pytest.mark.timeout(180)
async def test_nobody_is_lost_and_no_pair_serves_twice_wherever_workers_die(
    server_url, crashes, each, answer
):
    async with Redis.from_url(server_url) as redis:
        await redis.flushall()
        async with open_street(redis, PEOPLE) as street:
            await give_pairs(redis, street, each)
            await street.emit()
            if answer is not None:
                street.push.answer_next(3, answer)
            for number, (at, after) in enumerate(crashes):
                worker = Mortal(at, after=after).wrap(street.worker(f"victim{number}"))
                with pytest.raises(Died):
                    while True:
                        await worker.step()
                        for pointer in await worker.outbox.reclaim(0):
                            await worker.deliver(pointer)
                        await worker.sweep()
                street.clock.move(seconds=31)
            last = street.worker("survivor")
            for _ in range(6):
                while await last.step():
                    pass
                for pointer in await last.outbox.reclaim(0):
                    await last.deliver(pointer)
                await last.sweep()
                street.clock.move(seconds=61)
            stood = [await street.delivery(one) for one in street.ids]
            assert [(one.stage, one.cause) for one in stood] == [(Stage.ACCEPTED, "")] * PEOPLE
            heard = [len(one.inbox) for one in street.subscribers]
            assert min(heard) >= 1
            # Each crash, and each answer that was lost, repeats at most once for anybody.
            assert max(heard) <= 1 + len(crashes) + (answer is RESET)
            assert len({one.topic for one in street.push.messages}) == 1
            served = Counter(one.body[_KEY] for one in street.push.attempts)
            assert set(served.values()) == {1}
            assert await last.outbox.due(street.clock.now(), 10) == []
