"""Telegrams as they came: kept before anything is made of them, paged, bounded, never without what the state needs."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest

from bosai.errors import NotFound
from bosai.feeds.changes import Outcome, TelegramRow
from bosai.model.realm import Realm
from bosai.stores.audit import AuditStore, Step
from bosai.stores.keys import Keys
from bosai.stores.telegrams import MAX_UNREAD, Received, StoredTelegram, TelegramStore, pack

NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
XML = b"<Report>" + b"x" * 4000 + b"</Report>"


def received(name: str, data: bytes = XML, **given) -> Received:
    return Received(
        id=name, name=f"{name}.xml", feed="jma", data=data, received_at=NOW, max_age_s=1800, **given
    )


def row(name: str, outcome: Outcome = Outcome.KEPT) -> TelegramRow:
    return TelegramRow(
        key=name, name=f"{name}.xml", feed="jma", received_at=NOW, size_bytes=len(XML), outcome=outcome
    )


async def conclude(
    redis, store: TelegramStore, name: str, *, data: bytes = XML, needs_eyes: bool = False, needed=None
) -> None:
    """One telegram from its arrival to its row."""
    came = await store.receive(received(name, data))
    packed = pack(StoredTelegram(row=row(name), number=came.number), data, needs_eyes=needs_eyes)
    async with redis.pipeline(transaction=True) as pipe:
        await pipe.watch(store.received_key(name))
        size_before = await store.size_of(pipe, name)
        pipe.multi()
        if needed is not None:
            store.need(pipe, needed)
        store.conclude(pipe, name, packed, size_before)
        await pipe.execute()


@pytest.fixture
def store(redis) -> TelegramStore:
    return TelegramStore(redis, Realm.LIVE)


async def size(redis) -> tuple[int, int]:
    """What is counted, and what is really there."""
    keys = Keys(Realm.LIVE).telegram
    rows, raw = await redis.hvals(keys.rows), await redis.hvals(keys.raw)
    return int(await redis.get(keys.bytes) or 0), sum(map(len, [*rows, *raw]))


async def test_what_was_received_waits_with_its_bytes_until_it_is_concluded(redis, store):
    first, second = await store.receive(received("a")), await store.receive(received("b"))
    assert (first.number, second.number) == (1, 2)
    assert await store.pending() == [first, second]
    assert await store.pending(NOW) == [first, second]
    assert await store.pending(NOW - timedelta(seconds=1)) == []
    assert await store.page() == []
    await conclude(redis, store, "a")
    assert await store.pending() == [second]
    assert await store.raw("a") == XML
    assert await store.row("a") == row("a")
    await store.drop("b")
    assert await store.pending() == []
    with pytest.raises(NotFound):
        await store.raw("b")


async def test_the_list_is_paged_newest_arrival_first_and_each_stands_on_one_page(redis, store):
    for number in range(7):
        await conclude(redis, store, f"t{number}")
    seen, before = [], None
    while page := await store.page(before, 3):
        assert len(page) <= 3
        seen += [one.key for _, one in page]
        before = page[-1][0]
    assert seen == [f"t{number}" for number in reversed(range(7))]
    await conclude(redis, store, "t7")
    assert [one.key for _, one in await store.page(before="4", count=2)] == ["t2", "t1"]
    assert [one.key for _, one in await store.page(before="nonsense", count=1)] == ["t7"]


async def test_one_that_is_concluded_again_is_listed_once_with_its_newest_row_and_counted_once(redis, store):
    await conclude(redis, store, "a")
    await conclude(redis, store, "b")
    await conclude(redis, store, "a", data=XML * 2)
    assert [one.key for _, one in await store.page()] == ["a", "b"]
    assert await store.raw("a") == XML * 2
    counted, real = await size(redis)
    assert counted == real > 0


async def test_the_oldest_leave_first_and_the_bytes_are_counted(redis):
    store = TelegramStore(redis, Realm.LIVE, max_rows=3)
    for name in "abcde":
        await conclude(redis, store, name)
    assert await store.trim() == 2
    assert await store.keys() == ["c", "d", "e"]
    for gone in "ab":
        assert await store.find(gone) is None
        with pytest.raises(NotFound):
            await store.raw(gone)
    counted, real = await size(redis)
    assert counted == real
    assert await store.trim() == 0


async def test_the_bytes_are_bounded_too(redis):
    store = TelegramStore(redis, Realm.LIVE, max_bytes=1_500)
    for number in range(12):
        await conclude(redis, store, f"t{number:02}", data=bytes(f"{number}", "ascii") * 20)
        await store.trim()
    counted, real = await size(redis)
    assert counted == real <= 1_500
    assert "t11" in await store.keys()
    assert "t00" not in await store.keys()


async def test_what_the_state_rests_on_and_what_somebody_has_to_look_at_never_leave(redis):
    store = TelegramStore(redis, Realm.LIVE, max_rows=2)
    await conclude(redis, store, "needed", needed={"needed"})
    await conclude(redis, store, "unread", needs_eyes=True)
    for name in "abcd":
        await conclude(redis, store, name)
        await store.trim()
    assert await store.keys() == ["needed", "unread"]
    await conclude(redis, store, "e", needed={"e"})
    await store.trim()
    assert await store.keys() == ["unread", "e"]
    assert await store.needed() == ["e"]


async def test_those_to_be_looked_at_are_listed_newest_first_until_somebody_has_looked(redis, store):
    audit = AuditStore(redis, Realm.LIVE)
    await conclude(redis, store, "a", needs_eyes=True)
    await conclude(redis, store, "b")
    await conclude(redis, store, "c", needs_eyes=True)
    assert [one.key for one in await store.unread()] == ["c", "a"]
    step = Step("sato", "telegram_seen", "telegram:a", {})
    assert await store.acknowledge(await audit.head(), NOW, step, "a")
    assert not await store.acknowledge(await audit.head(), NOW, step, "a")
    assert [one.key for one in await store.unread()] == ["c"]
    assert [one.step for one in await audit.read(0, 10)] == ["telegram_seen"]


async def test_two_who_look_at_once_are_recorded_once(redis, store):
    audit = AuditStore(redis, Realm.LIVE)
    await conclude(redis, store, "a", needs_eyes=True)
    head = await audit.head()
    step = Step("sato", "telegram_seen", "telegram:a", {})
    found = await asyncio.gather(
        *(store.acknowledge(head, NOW, step, "a") for _ in range(5)), return_exceptions=True
    )
    assert found.count(True) == 1
    assert await audit.length() == 1


async def test_a_broken_source_can_not_fill_the_list_of_those_to_be_looked_at(redis, store):
    for number in range(MAX_UNREAD + 5):
        await conclude(redis, store, f"t{number:03}", data=b"<", needs_eyes=True)
    unread = await store.unread()
    assert len(unread) == MAX_UNREAD
    assert unread[0].key == f"t{MAX_UNREAD + 4:03}"


async def test_large_ones_that_nobody_can_read_do_not_fill_the_memory_and_stay_on_the_list(redis):
    store = TelegramStore(redis, Realm.LIVE, max_bytes=40_000)
    await conclude(redis, store, "needed", needed={"needed"})
    for number in range(12):
        await conclude(redis, store, f"t{number:02}", data=os.urandom(9_000), needs_eyes=True)
        await store.trim()
    counted, real = await size(redis)
    assert counted == real <= 40_000
    assert len(await store.unread()) == 12
    assert await store.raw("needed") == XML
    assert len(await store.raw("t11")) == 9_000
    with pytest.raises(NotFound):
        await store.raw("t00")


async def test_rows_of_another_version_hide_nothing_else(redis, store):
    await conclude(redis, store, "a")
    await conclude(redis, store, "b")
    keys = Keys(Realm.LIVE).telegram
    await redis.hset(keys.rows, "a", b"of another version")
    await redis.set(keys.received + "old", b"\xc1")
    await redis.zadd(keys.pending, {"old": 1})
    assert [one.key for _, one in await store.page()] == ["b"]
    assert await store.pending() == []
    assert not await redis.exists(keys.received + "old")


async def test_the_two_sides_share_nothing(redis, store):
    await conclude(redis, store, "a", needs_eyes=True)
    drill = TelegramStore(redis, Realm.DRILL)
    assert (await drill.page(), await drill.unread(), await drill.pending()) == ([], [], [])


async def test_arrivals_at_one_moment_keep_their_order_of_arrival(redis, store):
    came = await asyncio.gather(*(store.receive(received(f"t{number}")) for number in range(20)))
    assert sorted(one.number for one in came) == list(range(1, 21))
    assert [one.number for one in await store.pending()] == list(range(1, 21))
    assert NOW - came[0].received_at == timedelta()
