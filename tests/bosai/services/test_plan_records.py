"""Plans kept on a real store: sealed, shared, without subscription ids, made again to the last byte, then forgotten."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest
from redis.asyncio import Redis

from bosai.errors import SealBroken
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services import plan_records
from bosai.services.audit import AuditService
from bosai.services.plan_archive import NoPlanRecord, OpenedPlan, PlanArchive, codec_of
from bosai.services.plan_records import (
    HEALTH_PART,
    WAITING_PLANS,
    PlanRecorder,
    PlanRecordsFull,
    told_health,
)
from bosai.services.plan_replay import OtherGround, replay
from bosai.services.planning import plan_id_of, problem_of
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.keys import Keys
from bosai.stores.plan_records import PlanRecordStore
from shelters.model import Opening
from shelters.plan import Plan
from shelters.planning import plan
from tests.bosai.stores.test_what_a_dump_shows import everything_in
from tests.workers.plain import Plain, flood, place
from tests.workers.street import PLACES_SEALER
from tests.workers.test_planner import tsunami

LONS = [round(140.979 + 0.0005 * n, 4) for n in range(20)]


class Kept:
    """A coast with an order in force, whose plans are written down."""

    def __init__(self, plain: Plain) -> None:
        self.plain = plain
        self.sources = plain.sources()
        self.store = PlanRecordStore(plain.redis, Realm.LIVE)
        self.codec = codec_of(PLACES_SEALER, Realm.LIVE)
        self.archive = PlanArchive(self.store, self.codec)
        self.audit = AuditService(plain.redis, Realm.LIVE, plain.clock)
        self.ids: list[str] = []

    def recorder(self, **changes: Any) -> PlanRecorder:
        plain = self.plain
        parts: dict[str, Any] = {
            "ground": lambda: None,
            "open_incident": plain.hq.store.incident,
            "tell": told_health(plain.redis, Keys(Realm.LIVE).health, plain.clock),
            "note": partial(self.audit.note, "planner", "planned"),
            "keep_for": timedelta(days=30),
            "max_bytes": 10_000_000,
            **changes,
        }
        return PlanRecorder(self.store, self.codec, plain.clock, **parts)

    async def settle(self, people: int) -> None:
        self.ids = [
            await self.plain.settle(n, place(lon=LONS[n % len(LONS)], persons=1 + n % 4))
            for n in range(people)
        ]

    async def planned(self) -> tuple[Plan, str, str]:
        """A plan of this moment, its id and its incident."""
        incident = await self.plain.hq.store.incident() or ""
        await self.sources.refresh_people()
        situation = await self.sources.situation(incident)
        made = plan(problem_of(situation, await self.sources.people(), self.plain.settings))
        return made, plan_id_of(made, situation), incident

    async def record(self, recorder: PlanRecorder, told: int = 1) -> tuple[Plan, str]:
        """A plan of this moment, written down."""
        made, plan_id, incident = await self.planned()
        one = plan_records._Kept(
            made=made,
            plan_id=plan_id,
            incident=incident,
            at=self.plain.clock.now(),
            told=told,
            facts=None,
        )
        return made, await recorder.write(one)

    async def open(self, name: str) -> OpenedPlan:
        return await self.archive.open(await self.archive.find(name))


@pytest.fixture
def settings() -> Settings:
    return load_settings(None, {}, {})


@pytest.fixture
async def kept(redis: Redis, settings: Settings) -> Kept:
    plain = await Plain(redis, settings).build()
    here = Kept(plain)
    await here.settle(30)
    await plain.hq.issue(flood())
    return here


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_kept_plan_made_again_is_identical(kept):
    made, name = await kept.record(kept.recorder())
    opened = await kept.open(name.partition("@")[0])
    found = replay(opened, None, None)
    assert found.same and found.difference is None and found.other_versions == {}
    assert (found.people, found.decisions, found.told) == (30, len(made), 1)
    assert found.lock == found.lock_now


async def test_a_changed_answer_is_named_with_its_row_and_both_values(kept):
    made, name = await kept.record(kept.recorder())
    opened = await kept.open(name)
    site = np.array(opened.answers["site"])
    site[3] = 1 - site[3]
    changed = OpenedPlan(
        name=name,
        record=opened.record,
        answers={**opened.answers, "site": site},
        _blocks=opened._blocks,
    )
    found = replay(changed, None, None)
    assert not found.same and found.difference is not None
    assert (found.difference.field, found.difference.n) == ("site", 3)
    assert found.difference.row == int(made.row[3])
    assert found.difference.recorded == str(int(site[3]))
    assert found.difference.replayed == str(int(made.site[3]))


async def test_another_lock_is_named_package_by_package(kept):
    _, name = await kept.record(kept.recorder())
    opened = await kept.open(name)
    versions = {**opened.record.made.versions, "numpy": "1.0"}
    record = msgspec.structs.replace(
        opened.record, made=msgspec.structs.replace(opened.record.made, versions=versions)
    )
    found = replay(
        OpenedPlan(name=name, record=record, answers=opened.answers, _blocks=opened._blocks), None, None
    )
    assert list(found.other_versions) == ["numpy"] and found.other_versions["numpy"][0] == "1.0"


async def test_neither_subscription_nor_place_ids_are_in_a_record(kept):
    _, name = await kept.record(kept.recorder())
    facts = await kept.store.facts(name)
    assert facts is not None
    sealed = await kept.store.blocks(facts.blocks)
    plain = [kept.codec.open_block(block, row) for block, row in sealed.items()]
    plain.append(kept.codec.open_record(name, await kept.store.record(name) or b""))
    plain.append(msgspec.msgpack.encode(facts))
    opened = b"\n".join(plain)
    assert b"shelters.plan.PlanInput" in opened  # it is open indeed
    for one in kept.ids:
        assert one.encode() not in opened and bytes.fromhex(one) not in opened
    assert b"home" not in opened


async def test_a_dump_shows_nothing_of_what_a_plan_was_made_from(kept):
    made, name = await kept.record(kept.recorder())
    dump = await everything_in(kept.plain.redis)
    assert name.encode() in dump
    for raw in (
        made.problem.people.xy_m[0].tobytes(),
        made.row.tobytes(),
        made.problem.told.walk_s.tobytes(),
    ):
        assert raw not in dump
    assert b"PlanInput" not in dump
    with pytest.raises(SealBroken):
        await PlanArchive(kept.store, codec_of(Sealer(b"\x09" * 32, "other"), Realm.LIVE)).open(name)


async def test_names_of_blocks_tell_nothing_without_the_key(kept):
    raw = b"somebody's place, which a map of the city would find by trying"
    other = codec_of(Sealer(b"\x09" * 32, "other"), Realm.LIVE)
    assert kept.codec.name(raw) != other.name(raw)
    assert kept.codec.name(raw) != codec_of(PLACES_SEALER, Realm.DRILL).name(raw)


async def test_a_replan_after_one_report_takes_a_small_part_of_the_room(kept):
    for number in range(600):  # who is not concerned is in the plan all the same
        await kept.plain.settle(
            1000 + number, place(lon=round(140.85 + 0.0001 * number, 4), persons=1 + number % 4)
        )
    recorder = kept.recorder()
    _, first = await kept.record(recorder)
    whole = await kept.store.total_bytes()
    await kept.plain.close("B1", opening=Opening.CLOSED)
    kept.plain.clock.move(seconds=60)
    _, second = await kept.record(recorder)
    more = await kept.store.total_bytes() - whole
    assert first != second and more < whole / 4
    opened = await kept.open(second)
    assert opened.record.parent == first
    assert replay(opened, None, None).same


async def test_forgetting_one_record_leaves_what_the_other_shares(kept):
    recorder = kept.recorder()
    _, first = await kept.record(recorder)
    kept.plain.clock.move(seconds=60)
    _, second = await kept.record(recorder)
    assert await kept.store.forget(first) > 0
    assert replay(await kept.open(second), None, None).same
    with pytest.raises(NoPlanRecord):
        await kept.archive.open(first)
    await kept.store.forget(second)
    assert await kept.store.total_bytes() == 0
    assert await kept.store.known() == set()
    left = [key async for key in kept.plain.redis.scan_iter(match="bosai:{live:plans}*")]
    assert left == [Keys(Realm.LIVE).plan_record_bytes.encode()]


async def test_records_go_after_their_days_and_never_while_their_incident_is_open(kept):
    recorder = kept.recorder(keep_for=timedelta(days=1))
    _, name = await kept.record(recorder)
    kept.plain.clock.move(days=3)
    assert await recorder.tidy() == 0
    (record,) = await kept.plain.hq.store.in_force()
    await kept.plain.hq.lift(record.alert.alert_id)
    assert await kept.plain.hq.store.incident() is None
    assert await recorder.tidy() == 1
    with pytest.raises(NoPlanRecord):
        await kept.archive.find(name)


async def test_when_the_room_is_full_ended_incidents_go_first_and_the_open_one_is_never_touched(kept):
    _, old = await kept.record(kept.recorder())
    (record,) = await kept.plain.hq.store.in_force()
    await kept.plain.hq.lift(record.alert.alert_id)
    await kept.plain.hq.issue(flood())
    kept.plain.clock.move(seconds=60)
    tight = kept.recorder(max_bytes=await kept.store.total_bytes())
    _, new = await kept.record(tight)
    assert await kept.store.names() == [new] and new != old
    tighter = kept.recorder(max_bytes=100)
    kept.plain.clock.move(seconds=60)
    with pytest.raises(PlanRecordsFull):
        await kept.record(tighter)
    assert await kept.store.names() == [new]


async def test_blocks_that_another_process_forgot_are_put_again(kept):
    recorder = kept.recorder()
    _, first = await kept.record(recorder)
    await kept.store.forget(first)
    kept.plain.clock.move(seconds=60)
    _, second = await kept.record(recorder)
    assert replay(await kept.open(second), None, None).same


async def test_blocks_whose_record_never_came_are_swept_away(kept):
    await kept.store.put({"b" * 32: b"sealed"}, kept.plain.clock.now())
    _, name = await kept.record(kept.recorder())
    kept.plain.clock.move(hours=2)
    await kept.recorder().tidy()
    assert await kept.plain.redis.hexists(Keys(Realm.LIVE).plan_blocks, "b" * 32) == 0
    assert replay(await kept.open(name), None, None).same


async def test_the_recorder_writes_behind_the_planner_what_told_somebody(kept):
    recorder = kept.recorder()
    made, plan_id, incident = await kept.planned()
    now = kept.plain.clock.now()
    running = asyncio.ensure_future(recorder.run())
    try:
        await asyncio.sleep(0)
        recorder.keep(made, plan_id=plan_id, incident=incident, at=now, told=len(made))
        await until(kept.store.names)
        recorder.keep(made, plan_id="told-nobody", incident=incident, at=now, told=0)
        later = now + timedelta(seconds=60)
        recorder.keep(made, plan_id="again", incident=incident, at=later, told=1)

        async def both() -> bool:
            return len(await kept.store.names()) == 2

        await until(both)
        assert await kept.archive.find("again", later) == await kept.archive.find("again")
        with pytest.raises(NoPlanRecord):
            await kept.archive.find("told-nobody")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_successor_keeps_the_plan_whose_writer_died_before_it_was_kept(kept):
    made, plan_id, incident = await kept.planned()
    running = asyncio.ensure_future((recorder := kept.recorder()).run())
    try:
        await asyncio.sleep(0)
        recorder.keep(made, plan_id=plan_id, incident=incident, at=kept.plain.clock.now(), told=0)
        await until(kept.store.names)
        assert replay(await kept.open(plan_id), None, None).same
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_record_that_can_not_be_kept_is_said_on_the_board_until_one_is_kept(kept):
    recorder = kept.recorder(max_bytes=0)
    made, plan_id, incident = await kept.planned()
    running = asyncio.ensure_future(recorder.run())
    try:
        await asyncio.sleep(0)
        recorder.keep(made, plan_id=plan_id, incident=incident, at=kept.plain.clock.now(), told=1)

        async def is_said() -> bool:
            return "max_mb" in (await kept.plain.health(HEALTH_PART)).get("detail", "")

        await until(is_said)
        recorder._max_bytes = 10_000_000
        recorder.keep(made, plan_id=plan_id, incident=incident, at=kept.plain.clock.now(), told=1)

        async def is_well() -> bool:
            return await kept.plain.health(HEALTH_PART) == {}

        await until(is_well)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_every_plan_of_a_long_event_is_made_again_from_nothing_and_is_the_same(kept):
    """The planner uses again what did not change; a replay starts from nothing."""
    plain, recorder = kept.plain, kept.recorder()
    worker = await plain.leader()
    worker._records = recorder
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(0)
    try:
        await worker.step()
        await plain.close("B1", opening=Opening.CLOSED)
        plain.clock.move(minutes=5)
        await worker.step()
        await plain.settle(900, place(lon=140.9815, lat=38.2152, persons=3))
        plain.clock.move(minutes=20)
        await worker.step()
        await plain.close("A1", present_persons=8)
        await plain.settle(901, place(lon=140.9812, lat=38.2151, persons=1))
        await plain.hq.issue(tsunami())
        plain.clock.move(minutes=20)
        await worker.step()
        await recorder.finish()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    names = await kept.store.names()
    assert len(names) >= 4
    for name in names:
        found = replay(await kept.open(name), None, None)
        assert found.same, (name, found.difference)


async def test_what_waits_is_written_down_before_the_planner_ends(kept):
    recorder = kept.recorder()
    made, plan_id, incident = await kept.planned()
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(0)
    now = kept.plain.clock.now()
    for number in range(3):
        at = now + timedelta(seconds=number)
        recorder.keep(made, plan_id=plan_id, incident=incident, at=at, told=1)
    await recorder.finish()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await kept.store.names()) == 3


async def test_the_audit_log_leads_from_an_order_to_the_first_plan_made_of_it_and_only_once(kept):
    recorder = kept.recorder()
    _, name = await kept.record(recorder)
    kept.plain.clock.move(seconds=60)
    await kept.record(recorder)
    (record,) = await kept.plain.hq.store.in_force()
    noted = [one for one in await kept.audit.read(0, 100) if one.step == "planned"]
    assert [one.subject for one in noted] == [f"alert:{record.alert.key}"]
    sealed = await kept.store.record(name) or b""
    assert noted[0].facts == {"plan": name, "told": 1, "sha256": hashlib.sha256(sealed).hexdigest()}
    assert (await kept.audit.verify()).ok


async def test_plans_that_wait_are_limited_and_the_planner_never_waits(kept):
    recorder = kept.recorder()
    made, plan_id, incident = await kept.planned()
    for _ in range(WAITING_PLANS + 3):  # nobody writes them down
        recorder.keep(made, plan_id=plan_id, incident=incident, at=kept.plain.clock.now(), told=1)
    assert recorder._missed == 3 and recorder._waiting.full()


async def test_a_plan_over_roads_needs_the_same_roads_to_be_made_again(kept):
    _, name = await kept.record(kept.recorder())
    opened = await kept.open(name)
    problem = [
        [field, ["o", "network"] if field == "ways" else tree] for field, tree in opened.record.problem[2]
    ]
    record = msgspec.structs.replace(
        opened.record,
        problem=[*opened.record.problem[:2], problem],
        made=msgspec.structs.replace(opened.record.made, network="network-1f0c"),
    )
    over_roads = OpenedPlan(name=name, record=record, answers=opened.answers, _blocks=opened._blocks)
    with pytest.raises(OtherGround, match="network-1f0c"):
        replay(over_roads, None, None)
