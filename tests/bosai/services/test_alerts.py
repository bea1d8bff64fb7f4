"""Orders: two persons, one release, nothing lost on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bosai.errors import (
    BosaiError,
    ConfirmationMismatch,
    DecisionChanged,
    InvalidInput,
    NotAllowed,
    NotFound,
    PeopleGrew,
    SameOfficer,
    WrongRealm,
    WrongState,
)
from bosai.messages.orders import OrderTexts
from bosai.model.alert import Act, AlertState, OrderKind
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services import alert_desk
from bosai.services.alerts import AlertService
from bosai.stores.keys import Keys
from tests.bosai.services.hq import AREA, Hq, flood, officer, planner, square, tsunami


@pytest.fixture
def hq(redis: Redis) -> Hq:
    return Hq(redis)


async def test_a_second_officer_releases_what_the_first_submitted(hq: Hq) -> None:
    pending = await hq.pending()
    assert await hq.alerts.in_force() == []
    out = await hq.approve(pending)
    assert (out.state, out.approver, out.released_at) == (AlertState.ISSUED, "sato", hq.clock.now())
    assert out.alert == pending.alert
    assert await hq.alerts.in_force() == [out]
    assert await hq.alerts.working() == []
    assert await hq.steps() == [
        ("abe", "drafted"),
        ("abe", "submitted"),
        ("sato", "approved"),
        ("sato", "released"),
    ]


async def test_the_planner_is_nudged_by_every_release(hq: Hq) -> None:
    out = await hq.issue()
    lift = await hq.lift(out.alert.alert_id)
    rows = await hq.redis.xrange(Keys(Realm.LIVE).events)
    assert [(one[b"kind"], one[b"subject"].decode()) for _, one in rows] == [
        (b"alert.released", out.alert.key),
        (b"alert.released", lift.alert.key),
    ]


async def test_a_release_stands_when_the_nudge_can_not_be_written(
    hq: Hq, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RedisConnectionError

    pending = await hq.pending()
    monkeypatch.setattr(alert_desk, "announce", broken)
    out = await hq.approve(pending)
    assert await hq.store.in_force() == [out]
    assert await hq.store.released_since(hq.clock.now()) == [out]


@pytest.mark.parametrize("hand", ["drafted", "redrafted", "submitted", "drafted_then_redrafted_by_another"])
async def test_nobody_whose_hand_is_in_a_version_approves_it(hq: Hq, hand: str) -> None:
    drafter = hq.sato if hand.startswith("drafted") else hq.abe
    record = await hq.alerts.draft(drafter, flood())
    if hand == "redrafted":
        record = await hq.alerts.redraft(hq.sato, record.alert.key, flood(reason="別の理由"))
    if hand == "drafted_then_redrafted_by_another":
        record = await hq.alerts.redraft(hq.abe, record.alert.key, flood(reason="別の理由"))
    submitter = hq.sato if hand == "submitted" else hq.abe
    record = await hq.alerts.submit(submitter, record.alert.key, record.decision_hash)
    with pytest.raises(SameOfficer):
        await hq.approve(record, hq.sato)
    assert (await hq.alerts.get(record.alert.key)).state is AlertState.PENDING_APPROVAL
    assert (await hq.approve(record, hq.ito)).state is AlertState.ISSUED


async def test_updates_and_lifts_need_two_officers_too(hq: Hq) -> None:
    alert_id = (await hq.issue()).alert.alert_id
    update = await hq.alerts.draft_update(hq.sato, alert_id, flood(reason="上昇"))
    update = await hq.alerts.submit(hq.sato, update.alert.key, update.decision_hash)
    with pytest.raises(SameOfficer):
        await hq.approve(update, hq.sato)
    await hq.approve(update, hq.ito)
    lift = await hq.alerts.draft_lift(hq.ito, alert_id, "下がった")
    lift = await hq.alerts.submit(hq.ito, lift.alert.key, lift.decision_hash)
    with pytest.raises(SameOfficer):
        await hq.approve(lift, hq.ito)
    assert [one.alert.version for one in await hq.alerts.in_force()] == [2]


@pytest.mark.parametrize(
    ("role", "may_draft", "may_approve", "may_recall"),
    [
        (Role.VIEWER, False, False, False),
        (Role.SHELTER_REPORTER, False, False, False),
        (Role.WARD_OPERATOR, False, False, False),
        (Role.ADMIN, False, False, False),
        (Role.AUDITOR, False, False, False),
        (Role.HQ_DRAFTER, True, False, True),
        (Role.HQ_APPROVER, True, True, True),
    ],
)
async def test_a_role_does_what_the_table_says(
    hq: Hq, role: Role, may_draft: bool, may_approve: bool, may_recall: bool
) -> None:
    who = officer("kato", role)
    pending = await hq.pending()

    async def allowed(call: Any) -> bool:
        try:
            await call
        except NotAllowed:
            return False
        except BosaiError:
            return True
        return True

    assert await allowed(hq.alerts.draft(who, flood())) is may_draft
    assert await allowed(hq.alerts.redraft(who, "none:1", flood())) is may_draft
    assert await allowed(hq.alerts.draft_update(who, "none", flood())) is may_draft
    assert await allowed(hq.alerts.draft_lift(who, "none", "理由")) is may_draft
    assert await allowed(hq.alerts.submit(who, "none:1", "")) is may_draft
    assert await allowed(hq.alerts.send_back(who, "none:1", "理由")) is may_draft
    assert await allowed(hq.alerts.withdraw(who, "none:1")) is may_draft
    assert await allowed(hq.alerts.answer_review(who, "none")) is may_draft
    assert await allowed(hq.approve(pending, who)) is may_approve
    assert await allowed(hq.alerts.recall(who, "none", "理由", "")) is may_recall


async def test_two_approvers_at_once_release_once(hq: Hq) -> None:
    pending = await hq.pending()
    officers = [officer(f"approver{n}") for n in range(6)]
    answers = await asyncio.gather(*(hq.approve(pending, one) for one in officers), return_exceptions=True)
    released = [one for one in answers if not isinstance(one, BaseException)]
    assert len(released) == 1
    assert all(isinstance(one, WrongState) for one in answers if isinstance(one, BaseException))
    assert await hq.alerts.in_force() == released
    assert [step for _, step in await hq.steps()].count("released") == 1
    assert (await hq.audit.verify()).ok


async def test_of_two_updates_drafted_at_once_one_stands(hq: Hq) -> None:
    alert_id = (await hq.issue()).alert.alert_id
    answers = await asyncio.gather(
        *(hq.alerts.draft_update(one, alert_id, flood()) for one in (hq.abe, hq.sato, hq.ito)),
        hq.alerts.draft_lift(hq.abe, alert_id, "下がった"),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, BaseException) for one in answers) == 1
    assert all(isinstance(one, WrongState) for one in answers if isinstance(one, BaseException))
    assert [one.alert.version for one in await hq.alerts.history(alert_id)] == [1, 2]


async def test_an_edit_racing_an_approval_never_releases_what_was_not_approved(hq: Hq) -> None:
    pending = await hq.pending()
    edit, approval = await asyncio.gather(
        hq.alerts.redraft(hq.abe, pending.alert.key, flood(reason="変更後")),
        hq.approve(pending),
        return_exceptions=True,
    )
    stored = await hq.alerts.get(pending.alert.key)
    if isinstance(edit, BaseException):
        assert isinstance(edit, WrongState)
        assert stored.alert == pending.alert
    else:
        assert isinstance(approval, WrongState | DecisionChanged)
        assert stored.state is AlertState.DRAFT


async def test_a_changed_draft_voids_the_approval_that_was_asked_for(hq: Hq) -> None:
    pending = await hq.pending()
    changed = await hq.alerts.redraft(hq.abe, pending.alert.key, flood(reason="変更後"))
    assert (changed.state, changed.submitted_at, changed.previewed_people) == (AlertState.DRAFT, None, None)
    with pytest.raises(WrongState):
        await hq.approve(pending)
    with pytest.raises(DecisionChanged):
        await hq.alerts.submit(hq.abe, pending.alert.key, pending.decision_hash)
    again = await hq.alerts.submit(hq.abe, changed.alert.key, changed.decision_hash)
    with pytest.raises(DecisionChanged):
        await hq.approve(pending)
    assert (await hq.approve(again)).alert.reason == "変更後"


async def test_a_record_changed_behind_our_back_is_not_released(hq: Hq) -> None:
    pending = await hq.pending()
    forged = msgspec.structs.replace(
        pending,
        alert=msgspec.structs.replace(pending.alert, area=msgspec.structs.replace(AREA, names=("全市",))),
    )
    await hq.redis.hset(Keys(Realm.LIVE).alerts, pending.alert.key, msgspec.msgpack.encode(forged))
    with pytest.raises(DecisionChanged):
        await hq.alerts.approve(
            hq.sato, pending.alert.key, pending.decision_hash, hq.alerts.confirmation_words(forged)
        )
    assert await hq.alerts.in_force() == []


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "避難指示 若林区荒浜",
        "警戒レベル4 避難指示 若林区荒浜",
        "洪水 警戒レベル3 避難指示 若林区荒浜",
        "土砂災害 警戒レベル4 避難指示 若林区荒浜",
        "訓練 洪水 警戒レベル4 避難指示 若林区荒浜",
    ],
)
async def test_other_words_do_not_release(hq: Hq, typed: str) -> None:
    pending = await hq.pending()
    with pytest.raises(ConfirmationMismatch) as caught:
        await hq.alerts.approve(hq.sato, pending.alert.key, pending.decision_hash, typed)
    assert caught.value.expected == "洪水 警戒レベル4 避難指示 若林区荒浜"
    assert await hq.alerts.in_force() == []


async def test_full_width_digits_and_spaces_are_the_same_words(hq: Hq) -> None:
    pending = await hq.pending()
    out = await hq.alerts.approve(
        hq.sato, pending.alert.key, pending.decision_hash, "　洪水　警戒レベル４　避難指示  若林区荒浜 "
    )
    assert out.state is AlertState.ISSUED


async def test_the_live_words_do_not_release_a_drill(redis: Redis) -> None:
    live, drill = Hq(redis), Hq(redis, Realm.DRILL)
    words = live.alerts.confirmation_words(await live.pending())
    pending = await drill.pending()
    with pytest.raises(ConfirmationMismatch):
        await drill.alerts.approve(drill.sato, pending.alert.key, pending.decision_hash, words)
    assert drill.alerts.confirmation_words(pending) == f"訓練 {words}"


async def test_an_update_takes_the_place_of_its_predecessor_in_one_step(hq: Hq) -> None:
    first = await hq.issue()
    hq.clock.move(minutes=20)
    second = await hq.update(first.alert.alert_id, flood(kind=OrderKind.EMERGENCY_SAFETY))
    old = await hq.alerts.get(first.alert.key)
    assert (old.state, old.ended_by, old.ended_at) == (AlertState.SUPERSEDED, "sato", hq.clock.now())
    assert (second.alert.version, second.alert.references) == (2, (first.alert.key,))
    assert second.incident == first.incident
    assert await hq.alerts.in_force() == [second]


async def test_a_lift_ends_the_order_and_the_incident(hq: Hq) -> None:
    first = await hq.issue()
    lift = await hq.lift(first.alert.alert_id)
    assert (await hq.alerts.get(first.alert.key)).state is AlertState.LIFTED
    assert (lift.alert.act, lift.state, lift.review_at) == (Act.LIFT, AlertState.ISSUED, None)
    assert lift.alert.area == first.alert.area
    assert lift.incident == first.incident
    assert await hq.alerts.in_force() == []
    assert await hq.store.incident() is None
    assert await hq.store.recent_ended() == [lift]
    assert (await hq.issue()).incident != first.incident


async def test_one_incident_lasts_while_anything_is_in_force(hq: Hq) -> None:
    flooding = await hq.issue()
    wave = await hq.issue(tsunami())
    assert wave.incident == flooding.incident
    first_lift = await hq.lift(flooding.alert.alert_id)
    assert await hq.store.incident() == wave.incident
    assert await hq.alerts.in_force() == [wave]
    hq.clock.move(minutes=5)
    second_lift = await hq.lift(wave.alert.alert_id)
    assert await hq.store.incident() is None
    assert await hq.store.recent_ended(wave.incident) == [first_lift, second_lift]


async def test_orders_released_at_once_share_one_incident(hq: Hq) -> None:
    pending = [await hq.pending() for _ in range(4)]
    out = await asyncio.gather(*(hq.approve(one, officer(f"approver{n}")) for n, one in enumerate(pending)))
    assert len({one.incident for one in out}) == 1
    assert len(await hq.alerts.in_force()) == 4


async def test_one_person_recalls_at_once(hq: Hq) -> None:
    wrong = await hq.issue()
    recall = await hq.recall(wrong, hq.abe)
    old = await hq.alerts.get(wrong.alert.key)
    assert old.state is AlertState.RECALLED
    assert (recall.alert.act, recall.alert.references, recall.approver) == (
        Act.RECALL,
        (wrong.alert.key,),
        "abe",
    )
    assert await hq.alerts.in_force() == []
    assert await hq.store.recent_ended() == [recall]
    assert "取消" in recall.alert.texts["ja"].headline


async def test_a_recall_withdraws_what_was_being_made_on_the_same_order(hq: Hq) -> None:
    wrong = await hq.issue()
    update = await hq.alerts.draft_update(hq.abe, wrong.alert.alert_id, flood())
    update = await hq.alerts.submit(hq.abe, update.alert.key, update.decision_hash)
    recall = await hq.recall(wrong)
    assert recall.alert.version == 3
    assert (await hq.alerts.get(update.alert.key)).state is AlertState.WITHDRAWN
    with pytest.raises(WrongState):
        await hq.approve(update)
    assert await hq.alerts.in_force() == []


async def test_a_recall_wants_its_own_words_and_a_reason(hq: Hq) -> None:
    out = await hq.issue()
    for_release = hq.alerts.confirmation_words(out)
    with pytest.raises(ConfirmationMismatch):
        await hq.alerts.recall(hq.abe, out.alert.alert_id, "誤り", for_release)
    with pytest.raises(InvalidInput) as caught:
        await hq.alerts.recall(hq.abe, out.alert.alert_id, "  ", f"取消 {for_release}")
    assert (caught.value.field, caught.value.problem) == ("reason", "missing")
    assert await hq.alerts.in_force() == [out]


@pytest.mark.parametrize("end", ["lifted", "recalled"])
async def test_an_ended_order_takes_no_further_versions(hq: Hq, end: str) -> None:
    out = await hq.issue()
    alert_id = out.alert.alert_id
    await (hq.lift(alert_id) if end == "lifted" else hq.recall(out))
    with pytest.raises(WrongState):
        await hq.alerts.draft_update(hq.abe, alert_id, flood())
    with pytest.raises(WrongState):
        await hq.alerts.draft_lift(hq.abe, alert_id, "理由")
    with pytest.raises(WrongState):
        await hq.recall(out)
    with pytest.raises(WrongState):
        await hq.alerts.answer_review(hq.abe, alert_id)


async def test_what_was_never_released_can_not_be_updated_lifted_or_recalled(hq: Hq) -> None:
    draft = await hq.alerts.draft(hq.abe, flood())
    withdrawn = await hq.alerts.withdraw(hq.abe, draft.alert.key)
    for call in (
        hq.alerts.draft_update(hq.abe, draft.alert.alert_id, flood()),
        hq.alerts.draft_lift(hq.abe, draft.alert.alert_id, "理由"),
        hq.recall(withdrawn),
    ):
        with pytest.raises(WrongState):
            await call
    with pytest.raises(NotFound):
        await hq.alerts.draft_lift(hq.abe, "live-unknown", "理由")


async def test_a_withdrawn_update_frees_the_order_and_its_number_is_not_used_again(hq: Hq) -> None:
    first = await hq.issue()
    update = await hq.alerts.draft_update(hq.abe, first.alert.alert_id, flood())
    with pytest.raises(WrongState):
        await hq.alerts.draft_lift(hq.abe, first.alert.alert_id, "理由")
    await hq.alerts.withdraw(hq.ito, update.alert.key)
    lift = await hq.lift(first.alert.alert_id)
    assert lift.alert.version == 3


async def test_what_is_sent_back_says_why_and_can_be_submitted_again(hq: Hq) -> None:
    pending = await hq.pending()
    back = await hq.alerts.send_back(hq.sato, pending.alert.key, "区域を確認してください")
    assert (back.state, back.note) == (AlertState.DRAFT, "区域を確認してください")
    with pytest.raises(WrongState):
        await hq.approve(pending)
    again = await hq.alerts.submit(hq.abe, back.alert.key, back.decision_hash)
    assert again.note == ""
    assert (await hq.approve(again)).state is AlertState.ISSUED


async def test_a_redrafted_lift_still_ends_the_whole_order(hq: Hq) -> None:
    out = await hq.issue()
    lift = await hq.alerts.draft_lift(hq.abe, out.alert.alert_id, "下がった")
    smaller = msgspec.structs.replace(AREA, polygons_e7_lonlat=square(side=0.001), names=("荒浜の一部",))
    changed = await hq.alerts.redraft(hq.abe, lift.alert.key, flood(area=smaller, reason="雨もやんだ"))
    assert (changed.alert.act, changed.alert.area, changed.alert.reason) == (
        Act.LIFT,
        out.alert.area,
        "雨もやんだ",
    )


async def test_an_update_stays_with_its_hazard(hq: Hq) -> None:
    out = await hq.issue()
    with pytest.raises(InvalidInput) as caught:
        await hq.alerts.draft_update(hq.abe, out.alert.alert_id, tsunami())
    assert caught.value.field == "hazard"


async def test_live_and_drill_refuse_each_other(redis: Redis) -> None:
    live, drill = Hq(redis), Hq(redis, Realm.DRILL)
    pending = await live.pending()
    with pytest.raises(WrongRealm):
        await live.alerts.draft(drill.abe, flood())
    with pytest.raises(WrongRealm):
        await live.approve(pending, drill.sato)
    with pytest.raises(WrongRealm):
        await live.broker.request((await drill.pending()).alert)
    with pytest.raises(WrongRealm):
        AlertService(redis, Realm.LIVE, live.clock, OrderTexts(), drill.broker)
    with pytest.raises(NotFound):
        await drill.alerts.get(pending.alert.key)
    await drill.issue()
    assert await live.alerts.in_force() == []
    assert [one.alert.key for one in await live.alerts.working()] == [pending.alert.key]


async def test_a_record_of_the_other_side_is_never_read_or_written(redis: Redis) -> None:
    live, drill = Hq(redis), Hq(redis, Realm.DRILL)
    stray = await drill.issue()
    await redis.hset(Keys(Realm.LIVE).in_force, stray.alert.alert_id, msgspec.msgpack.encode(stray))
    with pytest.raises(WrongRealm):
        await live.alerts.in_force()


async def test_more_people_than_previewed_stop_the_release_until_somebody_looks_again(redis: Redis) -> None:
    hq = Hq(redis, quick_preview_s=5.0)
    hq.broker.wait_s = 5.0
    inside = [1000]
    async with planner(hq, lambda _: inside[0]):
        record = await hq.alerts.draft(hq.abe, flood())
        assert (await hq.alerts.preview(hq.abe, record.alert.key)).people == 1000
        pending = await hq.alerts.submit(hq.abe, record.alert.key, record.decision_hash)
        assert pending.previewed_people == 1000
        inside[0] = 1051
        with pytest.raises(PeopleGrew) as caught:
            await hq.approve(pending)
        assert (caught.value.previewed, caught.value.now) == (1000, 1051)
        await hq.alerts.preview(hq.sato, pending.alert.key)
        assert (await hq.approve(pending)).previewed_people == 1051


@pytest.mark.parametrize(("previewed", "now"), [(1000, 1050), (10, 60), (5000, 5250), (2000, 1)])
async def test_a_little_growth_does_not_stop_the_release(redis: Redis, previewed: int, now: int) -> None:
    hq = Hq(redis, quick_preview_s=5.0)
    hq.broker.wait_s = 5.0
    inside = [previewed]
    async with planner(hq, lambda _: inside[0]):
        record = await hq.alerts.draft(hq.abe, flood())
        await hq.alerts.preview(hq.abe, record.alert.key)
        pending = await hq.alerts.submit(hq.abe, record.alert.key, record.decision_hash)
        inside[0] = now
        assert (await hq.approve(pending)).state is AlertState.ISSUED


async def test_a_silent_planner_neither_previews_nor_stops_the_release(hq: Hq) -> None:
    record = await hq.alerts.draft(hq.abe, flood())
    preview = await hq.alerts.preview(hq.abe, record.alert.key)
    assert (preview.available, preview.people) == (False, 0)
    pending = await hq.alerts.submit(hq.abe, record.alert.key, record.decision_hash)
    assert pending.previewed_people is None
    assert (await hq.approve(pending)).state is AlertState.ISSUED


async def test_a_planner_that_dies_after_the_preview_does_not_stop_the_release(hq: Hq) -> None:
    hq.broker.wait_s = 5.0
    record = await hq.alerts.draft(hq.abe, flood())
    async with planner(hq, lambda _: 1000):
        await hq.alerts.preview(hq.abe, record.alert.key)
    pending = await hq.alerts.submit(hq.abe, record.alert.key, record.decision_hash)
    assert (await hq.approve(pending)).previewed_people == 1000


async def test_a_viewer_looking_does_not_move_the_figure_that_counts(hq: Hq) -> None:
    hq.broker.wait_s = 5.0
    record = await hq.alerts.draft(hq.abe, flood())
    async with planner(hq, lambda _: 7):
        assert (await hq.alerts.preview(officer("kato", Role.VIEWER), record.alert.key)).people == 7
    assert (await hq.alerts.get(record.alert.key)).previewed_people is None


async def test_an_unanswered_review_renews_the_order_as_it_stands(hq: Hq) -> None:
    out = await hq.issue(flood(review_after_min=30))
    assert await hq.alerts.renew_reviews() == []
    hq.clock.move(minutes=31)
    both = await asyncio.gather(hq.alerts.renew_reviews(), hq.alerts.renew_reviews())
    renewed = [one for many in both for one in many]
    assert [one.alert for one in renewed] == [out.alert]
    assert [one.review_at for one in await hq.alerts.in_force()] == [renewed[0].review_at]
    assert [step for _, step in await hq.steps()].count("renewed") == 1
    hq.clock.move(days=400)
    await hq.alerts.renew_reviews()
    assert [one.alert for one in await hq.alerts.in_force()] == [out.alert]


async def test_an_answered_review_is_asked_again_later(hq: Hq) -> None:
    out = await hq.issue(flood(review_after_min=30))
    hq.clock.move(minutes=29)
    await hq.alerts.answer_review(hq.abe, out.alert.alert_id)
    hq.clock.move(minutes=29)
    assert await hq.alerts.renew_reviews() == []
    hq.clock.move(minutes=2)
    assert len(await hq.alerts.renew_reviews()) == 1


async def test_the_planner_marks_what_it_has_taken_up(hq: Hq) -> None:
    out = await hq.issue()
    assert not await hq.store.planned(out.alert.key)
    await hq.store.mark_planned(out.alert.key, "plan-1", hq.clock.now())
    assert await hq.store.planned(out.alert.key)


async def test_texts_in_every_language_are_part_of_what_is_approved(hq: Hq) -> None:
    out = await hq.issue(flood(texts_free={"ja": "川に近づかないでください。"}))
    assert len(out.alert.texts) == 9
    assert "川に近づかないでください" in out.alert.texts["ja"].body
    other = await hq.alerts.draft(hq.abe, flood(texts_free={"ja": "川から離れてください。"}))
    assert other.decision_hash != out.decision_hash


async def test_the_log_keeps_who_what_and_why_of_a_whole_order(hq: Hq) -> None:
    out = await hq.issue()
    await hq.update(out.alert.alert_id)
    await hq.lift(out.alert.alert_id)
    entries = await hq.audit.read(0, 100)
    released = [one for one in entries if one.step in ("released", "lifted")]
    assert [one.facts["act"] for one in released] == ["issue", "update", "lift"]
    assert all(one.facts["incident"] == out.incident and one.facts["reason"] for one in released)
    assert (await hq.audit.verify()).ok
