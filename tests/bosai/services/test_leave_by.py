"""When 気象庁 expects level 4, from the proposal through the order to the plan: as given, and whose word it is."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from bosai.errors import InvalidInput
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import OrderKind
from bosai.model.canonical import decision_hash
from bosai.model.realm import Realm
from bosai.services.plan_ground import danger_of
from bosai.services.planning import seconds_left
from bosai.services.proposals import ProposalService
from bosai.web.console.prefill import free_sentences
from geodata.hazards import HazardKind
from tests.bosai.services.hq import START, HandClock, Hq, flood

AT = START + timedelta(hours=3)


def proposal(**changes: object) -> Proposal:
    made = Proposal(
        id="landslide-live-0410001-t1",
        realm="live",
        act=ProposedAct.ISSUE,
        hazard=HazardKind.LANDSLIDE,
        danger=Danger.LANDSLIDE,
        kind=OrderKind.ELDERLY_ETC,
        subject="landslide",
        grade=Grade.WARNING,
        area_codes=("0410001",),
        area_names=("仙台市東部",),
        zones=("jma:0410001",),
        telegram_key="t1",
        telegram_title="気象警報・注意報（Ｒ０６）（土砂）",
        editorial_office="仙台管区気象台",
        report_at=START - timedelta(minutes=7),
        expected_arrival_at=AT,
    )
    return msgspec.structs.replace(made, **changes)


LANDSLIDE = flood(hazard=HazardKind.LANDSLIDE, kind=OrderKind.ELDERLY_ETC, expected_arrival_at=AT)


async def test_the_order_carries_the_time_and_when_jma_said_it_and_the_plan_has_it_as_time_left(
    redis: Redis,
) -> None:
    hq = Hq(redis)
    await ProposalService(redis, Realm.LIVE, HandClock()).put(proposal())
    record = await hq.alerts.draft(hq.abe, msgspec.structs.replace(LANDSLIDE, proposal_id=proposal().id))
    alert = record.alert
    assert (alert.expected_arrival_at, alert.announced_at) == (AT, START - timedelta(minutes=7))
    assert "11/23 17:00ごろから警戒レベル4相当" in alert.texts["ja"].body
    assert "（11/23 13:53発表）" in alert.texts["ja"].body
    danger = danger_of(alert, 6678)
    assert danger is not None
    assert (danger.level, danger.expected_arrival_s) == (3, AT.timestamp())
    assert seconds_left(alert, START) == 3 * 3600


async def test_the_time_is_part_of_what_is_approved(redis: Redis) -> None:
    hq = Hq(redis)
    record = await hq.alerts.draft(hq.abe, LANDSLIDE)
    later = msgspec.structs.replace(record.alert, expected_arrival_at=AT + timedelta(minutes=1))
    assert decision_hash(later) != record.decision_hash


async def test_a_draft_rewritten_after_that_time_says_so_and_keeps_the_officers_sentence(
    redis: Redis,
) -> None:
    hq = Hq(redis)
    form = msgspec.structs.replace(LANDSLIDE, texts_free={"ja": "裏山の斜面に注意。"})
    draft = await hq.alerts.draft(hq.abe, form)
    assert free_sentences(draft.alert) == {"ja": "裏山の斜面に注意。"}
    hq.clock.move(hours=4)
    again = await hq.alerts.redraft(hq.abe, draft.alert.key, form)
    assert "予想した時刻（11/23 17:00ごろ）を過ぎています" in again.alert.texts["ja"].body
    assert "それまでに" not in again.alert.texts["ja"].body
    assert free_sentences(again.alert) == {"ja": "裏山の斜面に注意。"}


async def test_a_lift_foretells_nothing(redis: Redis) -> None:
    hq = Hq(redis)
    base = await hq.issue(LANDSLIDE)
    lift = await hq.alerts.draft_lift(hq.abe, base.alert.alert_id, "危険が去ったため")
    assert "予想" not in lift.alert.texts["ja"].body


async def test_what_another_sender_announced_is_never_said_to_be_jmas(redis: Redis) -> None:
    hq = Hq(redis)
    said = proposal(origin="cap", issuer="宮城県（CAP）")
    await ProposalService(redis, Realm.LIVE, HandClock()).put(said)
    form = msgspec.structs.replace(LANDSLIDE, proposal_id=said.id, expected_arrival_at=None)
    record = await hq.alerts.draft(hq.abe, form)
    assert record.alert.announced_at is None
    assert all("気象庁" not in one.body for one in record.alert.texts.values())


async def test_at_level_5_no_time_is_taken(redis: Redis) -> None:
    hq = Hq(redis)
    with pytest.raises(InvalidInput) as caught:
        await hq.alerts.draft(hq.abe, msgspec.structs.replace(LANDSLIDE, kind=OrderKind.EMERGENCY_SAFETY))
    assert caught.value.field == "expected_arrival_at"
