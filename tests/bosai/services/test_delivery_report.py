"""The report of delivery: by town and person by person, from what is stored, whatever is broken in it."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotAllowed
from bosai.model.instruction import Stage
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.push.sealing import Sealer
from bosai.services import delivery_report
from bosai.services.delivery_report import NOT_REACHED, DeliveryReport, lists_persons, sees_exact
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result
from tests.bosai.services.hq import HandClock, officer
from tests.workers.street import INCIDENT, NOW, TOLD_SEALER, draft, fake_id, make_known


async def told(redis: Redis, towns: list[str], *, first: int = 0, incident: str = INCIDENT) -> list[str]:
    ids = [fake_id(first + n) for n in range(len(towns))]
    await make_known(redis, *ids)
    drafts = [draft(one, town=town, incident=incident) for one, town in zip(ids, towns, strict=True)]
    await InstructionStore(redis, Realm.LIVE, TOLD_SEALER).emit(1, drafts, NOW)
    return ids


async def travelled(redis: Redis, one: str, stage: Stage, cause: str = "", sent: int = 500) -> None:
    result = Result(f"{INCIDENT}/{one}", 1, stage, 1, bytes_sent=sent, cause=cause)
    outbox = Outbox(redis, Realm.LIVE, "w", TOLD_SEALER)
    assert await outbox.record({bucket_of(one): [result]}, NOW) == 1


def report_of(redis: Redis, clock: HandClock | None = None, sealer: Sealer = TOLD_SEALER) -> DeliveryReport:
    return DeliveryReport(redis, Realm.LIVE, clock or HandClock(), sealer)


async def test_towns_come_with_most_not_reached_first_and_the_most_that_was_sent_for_one(
    redis: Redis,
) -> None:
    ids = await told(redis, ["荒浜", "荒井", "荒井", "蒲町"])
    await told(redis, ["荒浜"], first=50, incident="i-other")
    await travelled(redis, ids[0], Stage.DISPLAYED)
    await travelled(redis, ids[1], Stage.FAILED, "timeout", sent=9000)
    await travelled(redis, ids[2], Stage.FAILED, "reset")
    found = await report_of(redis).by_town(INCIDENT)
    assert [(one.name, one.at(*NOT_REACHED)) for one in found.towns] == [
        ("荒井", 2),
        ("荒浜", 0),
        ("蒲町", 0),
    ]
    assert found.towns[0].counts == {(Stage.FAILED, "timeout"): 1, (Stage.FAILED, "reset"): 1}
    assert found.towns[1].counts == {(Stage.DISPLAYED, ""): 1}
    assert [one.bytes_sent for one in found.towns] == [9500, 500, 0]
    assert found.most_bytes == 9000


async def test_what_does_not_open_still_counts_without_a_town(redis: Redis) -> None:
    await told(redis, ["荒浜", "荒井"])
    found = await report_of(redis, sealer=Sealer(b"\x09" * 32, "told")).by_town(INCIDENT)
    assert [(one.name, one.at(Stage.QUEUED)) for one in found.towns] == [("", 2)]


async def test_towns_are_read_again_after_half_a_minute_and_no_other_incident_is_kept(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    report, reads = report_of(redis, clock), []
    read = report._read_towns

    async def counted(incident: str):
        reads.append(incident)
        return await read(incident)

    monkeypatch.setattr(report, "_read_towns", counted)
    assert (await report.by_town(INCIDENT)).towns == ()
    await told(redis, ["荒浜"])
    assert (await report.by_town(INCIDENT)).towns == ()
    clock.move(seconds=31)
    assert len((await report.by_town(INCIDENT)).towns) == 1
    await report.by_town("i-other")
    await report.by_town(INCIDENT)
    assert reads == [INCIDENT, INCIDENT, "i-other", INCIDENT]


async def test_pages_of_persons_meet_everybody_once(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_report, "PERSONS_A_PAGE", 7)
    ids = await told(redis, ["荒浜"] * 40)
    for one in ids[:30]:
        await travelled(redis, one, Stage.EXPIRED, "stale")
    report, shonin = report_of(redis), officer("shonin", Role.HQ_APPROVER)
    met, after = [], ""
    while True:
        page = await report.persons(shonin, INCIDENT, NOT_REACHED, after)
        met += [one.subscription_id for one in page.persons]
        after = page.after
        if not after:
            break
    assert met == sorted(ids[:30])
    assert len((await report.persons(shonin, INCIDENT, (Stage.QUEUED,))).persons) == 7


async def test_who_sees_what(redis: Redis) -> None:
    exact = {role for role in Role if sees_exact(officer("x", role))}
    assert exact == {Role.HQ_DRAFTER, Role.HQ_APPROVER, Role.ADMIN, Role.AUDITOR}
    for role in Role:
        if lists_persons(officer("x", role)):
            await report_of(redis).persons(officer("x", role), INCIDENT, NOT_REACHED)
        else:
            with pytest.raises(NotAllowed):
                await report_of(redis).persons(officer("x", role), INCIDENT, NOT_REACHED)
    assert not lists_persons(officer("x", Role.HQ_DRAFTER))
    for after in ("zz", "../x", "A" * 32, "0"):
        with pytest.raises(InvalidInput):
            await report_of(redis).persons(officer("x"), INCIDENT, NOT_REACHED, after)


async def test_the_incident_is_the_open_one_or_the_last(redis: Redis) -> None:
    report, keys = report_of(redis), Keys(Realm.LIVE)
    assert await report.incident() == ""
    await redis.zadd(keys.releases, {"i-1/a:1": 1000, "i-2/b:1": 3000, "i-2/b:2": 2000})
    assert await report.incident() == "i-2"
