"""The script that moves an order writes all of it or nothing, and readers never see an order gone."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from bosai.errors import NotFound, WrongRealm
from bosai.model.alert import AlertState
from bosai.model.realm import Realm
from bosai.stores.alerts import AlertStore, Change, Release
from bosai.stores.audit import AuditStore, Head, HeadMoved, Step
from bosai.stores.events import EventKind, announce
from bosai.stores.keys import Keys
from tests.bosai.services.hq import START, Hq, flood

KEYS = Keys(Realm.LIVE)
STEP = Step("abe", "released", "alert:x", {})


async def everything(redis: Redis) -> dict[bytes, bytes | None]:
    return {key: await redis.dump(key) async for key in redis.scan_iter()}


@pytest.fixture
def hq(redis: Redis) -> Hq:
    return Hq(redis)


async def test_nothing_is_written_when_the_log_moved(hq: Hq, redis: Redis) -> None:
    pending = await hq.pending()
    stale = await AuditStore(redis, Realm.LIVE).head()
    await hq.audit.note("kato", "linked", "site:s1", {})
    before = await everything(redis)
    out = msgspec.structs.replace(pending, state=AlertState.ISSUED)
    release = Release(incident="i", closes_incident=False, head=out, in_force=out)
    for release_or_not in (release, None):
        with pytest.raises(HeadMoved):
            await hq.store.commit(
                stale, START, [STEP], [Change(seen=AlertState.PENDING_APPROVAL, record=out)], release_or_not
            )
    assert await everything(redis) == before


@pytest.mark.parametrize("seen", [None, AlertState.DRAFT, AlertState.ISSUED])
async def test_nothing_is_written_when_a_version_is_not_where_it_was_seen(
    hq: Hq, redis: Redis, seen: AlertState | None
) -> None:
    pending = await hq.pending()
    head = await AuditStore(redis, Realm.LIVE).head()
    before = await everything(redis)
    with pytest.raises(HeadMoved) as caught:
        await hq.store.commit(head, START, [STEP], [Change(seen=seen, record=pending)])
    assert pending.alert.key in str(caught.value)
    assert await everything(redis) == before


async def test_of_commits_made_on_one_head_one_is_written(hq: Hq, redis: Redis) -> None:
    pending = await hq.pending()
    head = await AuditStore(redis, Realm.LIVE).head()
    change = Change(seen=AlertState.PENDING_APPROVAL, record=pending)
    answers = await asyncio.gather(
        *(hq.store.commit(head, START, [STEP], [change]) for _ in range(8)), return_exceptions=True
    )
    assert sum(one is None for one in answers) == 1
    assert sum(isinstance(one, HeadMoved) for one in answers) == 7
    assert (await hq.audit.verify()).entries == 3


async def test_an_order_under_update_is_in_force_at_every_moment(hq: Hq) -> None:
    alert_id = (await hq.issue()).alert.alert_id
    versions: list[int] = []
    seen: list[int] = []
    done = asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            found = await hq.store.in_force()
            seen.append(len(found))
            versions.extend(one.alert.version for one in found)

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        for n in range(8):
            await hq.update(alert_id, flood(reason=f"更新{n}"))
        done.set()
    assert set(seen) == {1}
    assert versions == sorted(versions)
    assert len(set(versions)) > 1


async def test_only_the_newest_version_is_the_head(hq: Hq) -> None:
    first = await hq.issue()
    second = await hq.update(first.alert.alert_id)
    assert await hq.store.head(first.alert.alert_id) == second
    lift = await hq.lift(first.alert.alert_id)
    assert await hq.store.head(first.alert.alert_id) == lift
    assert [one.state for one in await hq.store.history(first.alert.alert_id)] == [
        AlertState.SUPERSEDED,
        AlertState.LIFTED,
        AlertState.ISSUED,
    ]


async def test_what_was_released_since_is_known_without_the_event(hq: Hq) -> None:
    first = await hq.issue()
    hq.clock.move(minutes=1)
    since = hq.clock.now()
    lift = await hq.lift(first.alert.alert_id)
    assert [one.alert.key for one in await hq.store.released_since(START)] == [
        first.alert.key,
        lift.alert.key,
    ]
    assert await hq.store.released_since(since) == [lift]
    hq.clock.move(seconds=1)
    assert await hq.store.released_since(hq.clock.now()) == []


async def test_unknown_names_are_not_found(hq: Hq) -> None:
    with pytest.raises(NotFound):
        await hq.store.get("live-unknown:1")
    with pytest.raises(NotFound):
        await hq.store.head("live-unknown")
    with pytest.raises(NotFound):
        await hq.store.history("live-unknown")
    assert await hq.store.many(["live-unknown:1"]) == []
    assert await hq.store.recent_ended() == []
    assert await hq.store.in_force() == []


async def test_a_record_of_the_other_side_is_not_stored(redis: Redis, hq: Hq) -> None:
    stray = await Hq(redis, Realm.DRILL).pending()
    with pytest.raises(WrongRealm):
        await AlertStore(redis, Realm.LIVE).commit(
            Head(0, ""), START, [STEP], [Change(seen=None, record=stray)]
        )
    assert await hq.store.states() == {}


async def test_an_event_says_what_which_and_when(redis: Redis) -> None:
    await announce(redis, Realm.DRILL, EventKind.SITE_STATUS, "s1", START)
    ((_, fields),) = await redis.xrange(Keys(Realm.DRILL).events)
    assert fields == {b"kind": b"site.status", b"subject": b"s1", b"at": START.isoformat().encode()}
    assert await redis.xlen(KEYS.events) == 0
