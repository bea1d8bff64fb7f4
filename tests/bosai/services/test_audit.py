"""The log: appended whole, one after another, and no change to it goes unnoticed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.errors import StoreUnavailable
from bosai.model.audit import GENESIS, AuditEntry, hash_of, sealed_entry
from bosai.model.realm import Realm
from bosai.services.audit import AuditService
from bosai.stores import audit as audit_store
from bosai.stores.audit import Head, HeadMoved, Step, chained, until_head_holds
from bosai.stores.keys import Keys
from tests.bosai.services.hq import START, HandClock

KEYS = Keys(Realm.LIVE)


@pytest.fixture
def audit(redis: Redis) -> AuditService:
    return AuditService(redis, Realm.LIVE, HandClock())


async def filled(audit: AuditService, count: int = 5) -> list[AuditEntry]:
    return [
        await audit.note(f"officer{n}", "linked", f"site:s{n}", {"n": n, "語": "荒浜"}) for n in range(count)
    ]


async def test_an_empty_log_verifies(audit: AuditService) -> None:
    report = await audit.verify()
    assert (report.ok, report.entries) == (True, 0)


async def test_entries_are_read_back_as_written(audit: AuditService) -> None:
    written = await filled(audit)
    assert await audit.read() == written
    assert await audit.read(1, 2) == written[1:3]
    assert await audit.read(-2, 2) == written[-2:]
    assert await audit.read(-3, 2) == written[-3:-1]
    assert await audit.read(99, 5) == []
    assert await audit.read(0, 0) == []
    assert (written[0].n, written[0].previous) == (1, GENESIS)


async def test_notes_written_at_once_form_one_chain(audit: AuditService) -> None:
    await asyncio.gather(*(audit.note("a", "linked", f"site:{n}", {}) for n in range(40)))
    report = await audit.verify()
    assert (report.ok, report.entries) == (True, 40)
    assert {one.subject for one in await audit.read()} == {f"site:{n}" for n in range(40)}


async def test_a_log_longer_than_a_page_verifies_and_its_far_end_is_checked(
    audit: AuditService, redis: Redis
) -> None:
    steps = [Step("a", "linked", f"site:{n}", {}) for n in range(1203)]
    await audit_store.AuditStore(redis, Realm.LIVE).append(START, *steps)
    assert (await audit.verify()).entries == 1203
    await put(redis, 1200, actor="b")
    assert (await audit.verify()).first_bad == 1201


async def put(redis: Redis, place: int, **changes: Any) -> None:
    row = await redis.lindex(KEYS.audit, place)
    assert row is not None
    entry = msgspec.structs.replace(msgspec.msgpack.decode(row, type=AuditEntry), **changes)
    await redis.lset(KEYS.audit, place, msgspec.msgpack.encode(entry))


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"actor": "somebody"}, "hash"),
        ({"step": "approved"}, "hash"),
        ({"subject": "site:other"}, "hash"),
        ({"facts": {"n": 99}}, "hash"),
        ({"at": START + timedelta(seconds=1)}, "hash"),
        ({"entry_hash": "f" * 64}, "hash"),
        ({"previous": "f" * 64}, "previous"),
        ({"n": 77}, "number"),
    ],
)
async def test_a_changed_entry_is_found(
    audit: AuditService, redis: Redis, place: int, changes: dict[str, Any], problem: str
) -> None:
    await filled(audit)
    await put(redis, place, **changes)
    report = await audit.verify()
    assert (report.ok, report.first_bad, report.problem) == (False, place + 1, problem)


async def test_an_entry_rewritten_with_a_fitting_hash_breaks_the_next_one(
    audit: AuditService, redis: Redis
) -> None:
    entries = await filled(audit)
    forged = sealed_entry(msgspec.structs.replace(entries[1], actor="somebody"))
    await redis.lset(KEYS.audit, 1, msgspec.msgpack.encode(forged))
    report = await audit.verify()
    assert (report.first_bad, report.problem) == (3, "previous")


async def test_the_newest_entry_rewritten_with_a_fitting_hash_is_found_by_the_head(
    audit: AuditService, redis: Redis
) -> None:
    entries = await filled(audit)
    forged = sealed_entry(msgspec.structs.replace(entries[4], actor="somebody"))
    await redis.lset(KEYS.audit, 4, msgspec.msgpack.encode(forged))
    assert (await audit.verify()).problem == "head"


async def test_a_removed_or_added_or_broken_entry_is_found(audit: AuditService, redis: Redis) -> None:
    async def reset() -> list[AuditEntry]:
        await redis.delete(KEYS.audit, KEYS.audit_head)
        return await filled(audit)

    entries = await reset()
    await redis.rpop(KEYS.audit)
    assert (await audit.verify()).problem == "head"
    await reset()
    await redis.lrem(KEYS.audit, 1, msgspec.msgpack.encode(entries[2]))
    assert not (await audit.verify()).ok
    entries = await reset()
    extra = chained(Head(5, entries[4].entry_hash), START, [Step("x", "approved", "alert:x", {})])[0]
    await redis.rpush(KEYS.audit, msgspec.msgpack.encode(extra))
    assert (await audit.verify()).problem == "head"
    await reset()
    await redis.lset(KEYS.audit, 3, b"\xc1 not msgpack")
    report = await audit.verify()
    assert (report.first_bad, report.problem) == (4, "unreadable")


async def test_a_log_that_grows_while_it_is_verified_verifies(audit: AuditService) -> None:
    await filled(audit)
    reports, *_ = await asyncio.gather(audit.verify(), *(filled(audit, 3) for _ in range(3)))
    assert reports.ok


async def test_each_side_has_its_own_log(audit: AuditService, redis: Redis) -> None:
    await filled(audit)
    assert await AuditService(redis, Realm.DRILL, HandClock()).read() == []


async def test_a_head_that_never_holds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_store, "GIVE_UP_AFTER_S", 0.05)

    async def never() -> None:
        raise HeadMoved

    with pytest.raises(StoreUnavailable):
        await until_head_holds(never)


FACTS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12) | st.datetimes(),
        lambda inner: (
            st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(
    FACTS,
    st.integers(-12, 14),
    st.integers(0, 4_000_000_000),
)
def test_hashes_survive_storage(facts: dict[str, Any], offset_h: int, unix_s: int) -> None:
    when = datetime.fromtimestamp(unix_s, timezone(timedelta(hours=offset_h)))
    (entry,) = chained(Head(0, GENESIS), when, [Step("a", "linked", "site:s", facts)])
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=AuditEntry)
    assert stored == entry
    assert hash_of(stored) == entry.entry_hash
