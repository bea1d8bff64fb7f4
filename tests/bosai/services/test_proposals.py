"""Proposals wait for HQ, once each; only the newest about one event waits."""

from __future__ import annotations

import asyncio
import zlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotAllowed, NotFound, WrongRealm, WrongState
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import OrderKind
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.audit import AuditService
from bosai.services.proposals import ProposalService, ProposalState
from bosai.stores.keys import Keys
from geodata.hazards import HazardKind
from tests.bosai.feeds.telegrams import item, report
from tests.bosai.services.hq import START, HandClock, Hq, officer, tsunami


def proposal(name: str = "one", minute: int = 0, **changes: Any) -> Proposal:
    made = Proposal(
        id=f"tsunami-live-220-{name}",
        realm="live",
        act=ProposedAct.ISSUE,
        hazard=HazardKind.TSUNAMI,
        danger=Danger.TSUNAMI,
        kind=OrderKind.TSUNAMI_EVACUATION,
        subject="tsunami",
        grade=Grade.WARNING,
        area_codes=("220",),
        area_names=("宮城県",),
        zones=("tsunami:area1",),
        telegram_key=f"key-{name}",
        telegram_title="津波警報・注意報・予報a",
        editorial_office="気象庁本庁",
        event_ids=("20260401120000",),
        report_at=START + timedelta(minutes=minute),
        headline="津波警報を発表しました。",
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def proposals(redis: Redis) -> ProposalService:
    return ProposalService(redis, Realm.LIVE, HandClock())


async def names(proposals: ProposalService) -> list[str]:
    return [one.proposal.id.rpartition("-")[2] for one in await proposals.open()]


async def test_the_same_proposal_waits_once_however_often_it_comes(proposals: ProposalService) -> None:
    answers = await asyncio.gather(*(proposals.put(proposal()) for _ in range(6)))
    assert sorted(answers) == [False] * 5 + [True]
    assert await names(proposals) == ["one"]


async def test_a_proposal_reads_back_as_it_came(proposals: ProposalService) -> None:
    await proposals.put(proposal())
    assert (await proposals.get("tsunami-live-220-one")).proposal == proposal()


async def test_the_newer_takes_the_place_of_the_older(proposals: ProposalService) -> None:
    await proposals.put(proposal("one"))
    assert await proposals.put(proposal("two", minute=3, act=ProposedAct.UPDATE))
    assert await names(proposals) == ["two"]
    old = await proposals.get("tsunami-live-220-one")
    assert (old.state, old.by) == (ProposalState.SUPERSEDED, "tsunami-live-220-two")


async def test_a_late_older_one_does_not_take_the_place_of_the_newer(proposals: ProposalService) -> None:
    await proposals.put(proposal("two", minute=3))
    assert not await proposals.put(proposal("one"))
    assert await names(proposals) == ["two"]


async def test_a_replaced_proposal_does_not_come_back(proposals: ProposalService) -> None:
    await proposals.put(proposal("one"))
    await proposals.put(proposal("two", minute=3))
    assert not await proposals.put(proposal("one"))
    assert await names(proposals) == ["two"]


async def test_another_coast_is_another_event(proposals: ProposalService) -> None:
    await proposals.put(proposal("one"))
    await proposals.put(proposal("two", minute=3, area_codes=("210",)))
    assert await names(proposals) == ["two", "one"]


async def test_an_unreadable_telegram_does_not_hide_an_open_warning(proposals: ProposalService) -> None:
    await proposals.put(proposal("one"))
    await proposals.put(proposal("eyes", minute=3, act=ProposedAct.REVIEW))
    assert await names(proposals) == ["eyes", "one"]
    await proposals.put(proposal("two", minute=5))
    assert await names(proposals) == ["two"]


async def test_one_is_dismissed_with_a_reason_by_somebody_who_may(proposals: ProposalService) -> None:
    await proposals.put(proposal())
    with pytest.raises(NotAllowed):
        await proposals.dismiss(officer("kato", Role.VIEWER), proposal().id, "理由")
    with pytest.raises(InvalidInput):
        await proposals.dismiss(officer("abe"), proposal().id, " ")
    with pytest.raises(WrongRealm):
        await proposals.dismiss(officer("abe", realm=Realm.DRILL), proposal().id, "理由")
    closed = await proposals.dismiss(officer("abe"), proposal().id, "発令済み")
    assert (closed.state, closed.by, closed.reason) == (ProposalState.DISMISSED, "abe", "発令済み")
    assert await proposals.open() == []
    with pytest.raises(WrongState):
        await proposals.adopted(proposal().id, "x:1")
    with pytest.raises(NotFound):
        await proposals.dismiss(officer("abe"), "unknown", "理由")


async def test_adopted_once_for_one_version(proposals: ProposalService) -> None:
    await proposals.put(proposal())
    first = await proposals.adopted(proposal().id, "x:1", "abe")
    assert await proposals.adopted(proposal().id, "x:1", "ito") == first
    with pytest.raises(WrongState):
        await proposals.adopted(proposal().id, "y:1", "abe")


async def test_a_drill_proposal_never_reaches_the_live_side(redis: Redis, proposals: ProposalService) -> None:
    with pytest.raises(WrongRealm):
        await proposals.put(proposal(realm="drill"))
    drill = ProposalService(redis, Realm.DRILL, HandClock())
    with pytest.raises(WrongRealm):
        await drill.put(proposal())
    assert await drill.put(proposal(realm="drill"))
    assert await proposals.open() == []


@pytest.mark.parametrize(("status", "taken"), [("通常", True), ("訓練", False), ("試験", False)])
async def test_the_telegram_behind_a_live_proposal_is_read_once_more(
    redis: Redis, proposals: ProposalService, status: str, taken: bool
) -> None:
    xml = report(item(kind="51"), status=status)
    await redis.hset(Keys(Realm.LIVE).telegram.raw, "key-one", zlib.compress(xml))
    if taken:
        assert await proposals.put(proposal())
        return
    with pytest.raises(WrongRealm):
        await proposals.put(proposal())
    assert await proposals.open() == []


async def test_drafting_from_a_proposal_adopts_it(redis: Redis, proposals: ProposalService) -> None:
    hq = Hq(redis)
    await proposals.put(proposal())
    record = await hq.alerts.draft(hq.abe, tsunami(proposal_id=proposal().id))
    adopted = await proposals.get(proposal().id)
    assert (adopted.state, adopted.by, adopted.alert_key) == (ProposalState.ADOPTED, "abe", record.alert.key)
    with pytest.raises(NotFound):
        await hq.alerts.draft(hq.abe, tsunami(proposal_id="unknown"))


async def test_a_second_draft_from_the_same_proposal_is_not_refused(
    redis: Redis, proposals: ProposalService
) -> None:
    hq = Hq(redis)
    await proposals.put(proposal())
    await hq.alerts.draft(hq.abe, tsunami(proposal_id=proposal().id))
    again = await hq.alerts.draft(hq.ito, tsunami(proposal_id=proposal().id))
    assert again.alert.proposal_id == proposal().id


async def test_what_was_replaced_or_dismissed_long_ago_leaves_and_what_became_an_order_stays(
    redis: Redis,
) -> None:
    clock = HandClock()
    desk = ProposalService(redis, Realm.LIVE, clock)
    hq = Hq(redis)
    await desk.put(proposal("adopted", area_codes=("a",)))
    await hq.alerts.draft(hq.abe, tsunami(proposal_id=proposal("adopted").id))
    await desk.put(proposal("replaced"))
    await desk.put(proposal("open", minute=3))
    await desk.put(proposal("dismissed", area_codes=("b",)))
    await desk.dismiss(officer("abe"), proposal("dismissed").id, "確認済み")
    for days, stays in ((59, True), (2, False)):
        clock.move(days=days)
        await desk.put(proposal(f"after-{days}", area_codes=(f"after-{days}",)))
        for name in ("replaced", "dismissed"):
            if stays:
                assert (await desk.get(proposal(name).id)).state.is_terminal
            else:
                with pytest.raises(NotFound):
                    await desk.get(proposal(name).id)
    assert (await desk.get(proposal("adopted").id)).state is ProposalState.ADOPTED
    assert (await desk.get(proposal("open").id)).state is ProposalState.OPEN


async def test_every_step_of_a_proposal_is_in_the_log(redis: Redis, proposals: ProposalService) -> None:
    await proposals.put(proposal("one"))
    await proposals.put(proposal("two", minute=3))
    await proposals.dismiss(officer("abe"), proposal("two").id, "確認済み")
    audit = AuditService(redis, Realm.LIVE, HandClock())
    assert [(one.actor, one.step) for one in await audit.read()] == [
        ("feed", "proposed"),
        ("feed", "proposed"),
        ("feed", "superseded"),
        ("abe", "dismissed"),
    ]
    assert (await audit.verify()).ok
