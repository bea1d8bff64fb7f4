"""What the planner keeps of what everybody was told is what the store holds, whoever wrote it."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest

from bosai.model.instruction import Answer, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import ReceiptService, receipt_token
from bosai.services.told import ToldBook, ToldKeeper
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result, by_bucket
from bosai.stores.subscriptions import SubscriptionStore
from shelters.model import Action
from tests.bosai.services.hq import HandClock
from tests.workers.street import (
    HMAC_KEY,
    INCIDENT,
    NOW,
    PLACES_SEALER,
    PUSH_SEALER,
    TOLD_SEALER,
    draft,
    fake_id,
    make_known,
)

IDS = [fake_id(n) for n in range(12)]
KEPT = ("seq", "message", "action", "answer", "decided_s", "walk_s")


def seen(book: ToldBook) -> dict[str, tuple]:
    """What a book says of everybody, in words. Acceptances are not read again one by one, so no stage but "lost"."""
    found = {}
    for name in IDS:
        one = book.get(name)
        if one is not None:
            lost = one.stage in (Stage.EXPIRED, Stage.REPLACED, Stage.RETIRED)
            found[name] = (*one[:9], lost, one.answer)
    return found


async def stored(store: InstructionStore) -> dict[str, tuple]:
    return seen(ToldBook.of(await store.latest_of_incident(INCIDENT)))


class Town:
    """Somebody who does at random what happens to instructions."""

    def __init__(self, redis, seed: int) -> None:
        self.redis, self.rng = redis, random.Random(seed)
        self.store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
        self.keeper = ToldKeeper(self.store, INCIDENT)
        self.clock = HandClock(NOW)
        self.receipts = ReceiptService(redis, Realm.LIVE, self.clock, HMAC_KEY)
        self.version = 1

    async def something(self) -> None:
        self.clock.move(seconds=self.rng.randint(1, 900))
        doings = (self.plans, self.watches, self.answers, self.loses, self.moves, self.refreshes, self.leaves)
        await self.rng.choices(doings, (4, 1, 3, 2, 2, 3, 1))[0]()

    def some(self) -> list[str]:
        return self.rng.sample(IDS, self.rng.randint(1, 5))

    def drafts(self) -> list:
        words = self.rng.choice(["go-a", "go-b", "up"])
        kind = self.rng.choice([MessageKind.ORDER, MessageKind.REDIRECT])
        action = Action.UP if words == "up" else Action.GO
        return [
            draft(
                one,
                meaning=words,
                message=kind,
                action=action,
                alert_key=f"a:{self.version}",
                decided_at=self.clock.now(),
            )
            for one in self.some()
        ]

    async def plans(self) -> None:
        await self.store.emit(1, self.drafts(), self.clock.now(), self.keeper.note_written)

    async def watches(self) -> None:
        """The watchdog of another process."""
        await self.store.emit(None, self.drafts(), self.clock.now())

    async def answers(self) -> None:
        one = self.rng.choice(IDS)
        found = await self.store.latest(one)
        if found is not None:
            token = receipt_token(HMAC_KEY, Realm.LIVE, one, INCIDENT, found[0].seq)
            await self.receipts.record(token, self.rng.choice([*Answer, Stage.DISPLAYED]))

    async def loses(self) -> None:
        one = self.rng.choice(IDS)
        found = await self.store.latest(one)
        if found is not None:
            stage = self.rng.choice([Stage.EXPIRED, Stage.ACCEPTED, Stage.RETIRED, Stage.FAILED])
            result = Result(f"{INCIDENT}/{one}", found[0].seq, stage, 1, cause="x")
            outbox = Outbox(self.redis, Realm.LIVE, "w", TOLD_SEALER)
            await outbox.record(by_bucket([(bucket_of(one), result)]), self.clock.now())

    async def moves(self) -> None:
        """A later version of the order, of which nobody hears."""
        self.version += 1
        book = await self.keeper.refresh()
        moves = [(one, told.seq, f"a:{self.version}") for one in IDS if (told := book.get(one)) is not None]
        await self.store.restamp(1, INCIDENT, moves, self.clock.now(), self.keeper.note_moved)

    async def leaves(self) -> None:
        """Somebody unsubscribes and comes back."""
        one = self.rng.choice(IDS)
        store = SubscriptionStore(
            self.redis, Realm.LIVE, push_sealer=PUSH_SEALER, places_sealer=PLACES_SEALER
        )
        await self.redis.hset(Keys(Realm.LIVE).places(bucket_of(one)), one, b"meta")
        assert await store.drop(self.redis, one, expected=b"meta")
        await make_known(self.redis, one)

    async def refreshes(self) -> None:
        await self.keeper.refresh()


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_kept_is_what_is_stored_whatever_happened_in_between(redis, seed):
    await make_known(redis, *IDS)
    town = Town(redis, seed)
    for _ in range(60):
        await town.something()
        if town.rng.random() < 0.3:
            assert seen(await town.keeper.refresh()) == await stored(town.store)
    assert seen(await town.keeper.refresh()) == await stored(town.store)
    assert seen(await ToldKeeper(town.store, INCIDENT).refresh()) == await stored(town.store)


async def test_a_moment_once_taken_does_not_change_and_is_the_same_while_nothing_is_said(redis):
    await make_known(redis, *IDS)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    keeper = ToldKeeper(store, INCIDENT)
    await store.emit(1, [draft(one) for one in IDS[:5]], NOW, keeper.note_written)
    before = await keeper.refresh()
    assert await keeper.refresh() is before
    rows = before.rows_of(IDS)
    assert (rows >= 0).tolist() == [True] * 5 + [False] * 7
    later = NOW + timedelta(minutes=20)
    await store.emit(1, [draft(one, meaning="go-b") for one in IDS], later, keeper.note_written)
    after = await keeper.refresh()
    assert (before.rows_of(IDS) == rows).all() and [before.get(one) is None for one in IDS[5:]] == [True] * 7
    assert (after.rows_of(IDS) >= 0).all()
    assert before.columns["seq"].tolist() == [1] * 5 and after.columns["seq"].tolist() == [2] * 5 + [1] * 7


async def test_what_the_planner_wrote_itself_is_not_read_again(redis, monkeypatch):
    await make_known(redis, *IDS)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    keeper = ToldKeeper(store, INCIDENT)
    asked = []
    real = store.told_lines

    async def watched(incident, numbers, known):
        asked.extend(numbers)
        return await real(incident, numbers, known)

    monkeypatch.setattr(store, "told_lines", watched)
    await store.emit(1, [draft(one) for one in IDS], NOW, keeper.note_written)
    await keeper.refresh()
    assert asked == []
    await store.emit(None, [draft(IDS[3], alert_key="b:1", meaning="go-b")], NOW)
    book = await keeper.refresh()
    assert asked == [bucket_of(IDS[3])]
    assert book.get(IDS[3]).alert_key == "b:1" and np.count_nonzero(book.columns["seq"]) == len(IDS)


async def test_nobody_is_moved_to_another_version_who_stands_on_something_else_by_now(redis):
    await make_known(redis, *IDS)
    store = InstructionStore(redis, Realm.LIVE, TOLD_SEALER)
    await store.emit(1, [draft(one) for one in IDS[:2]], NOW)
    await store.emit(1, [draft(IDS[1], meaning="go-b")], NOW)
    report = await store.restamp(1, INCIDENT, [(one, 1, "a:2") for one in IDS[:3]], NOW)
    assert (report.unchanged, report.refused) == (1, 2)
    keys = {one: (await store.latest(one))[0].alert_key for one in IDS[:2]}
    assert keys == {IDS[0]: "a:2", IDS[1]: "a:1"}
    assert (await store.restamp(0, INCIDENT, [(IDS[0], 1, "a:3")], NOW)).fenced
