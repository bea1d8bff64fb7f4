"""Pre-approved texts go out when JMA announces a class: once, upwards only, never over what HQ made."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from bosai.errors import InvalidInput, NotAllowed, WrongRealm
from bosai.feeds.proposals import ProposedAct
from bosai.model.alert import Act, AlertState, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.at_once_rules import AT_ONCE
from bosai.services.at_once_watch import AtOnceWatch
from bosai.stores.at_once import Reaction
from bosai.stores.keys import Keys
from bosai.stores.proposals import ProposalState
from tests.bosai.services.hq import officer, tsunami
from tests.bosai.services.once import RULE, ReadyHq, announcement, names_of, switched_on

ADVISORY, WARNING, MAJOR = TsunamiClass


@pytest.fixture
async def hq(redis):
    made = ReadyHq(redis)
    await made.approve_texts()
    return made


async def reactions(hq: ReadyHq) -> dict[str, Reaction]:
    state = await hq.at_once.pre_approvals.store.state()
    return {one.proposal_id.rpartition("-")[2]: one.reaction for one in state.met}


async def test_an_announcement_sends_the_approved_text_with_jmas_times_and_closes_the_proposal(hq):
    arrival = hq.clock.now() + timedelta(minutes=40)
    said = await hq.hear(WARNING, expected_arrival_at=arrival)
    (out,) = await hq.calls()
    alert = out.alert
    assert (alert.kind, alert.tsunami_class, alert.act) == (OrderKind.NOTICE, WARNING, Act.ISSUE)
    assert alert.area.names == names_of(WARNING)
    assert alert.texts["ja"].body.startswith("気象庁が津波警報を発表しました。")
    assert (alert.announced_at, alert.expected_arrival_at) == (said.report_at, arrival)
    assert alert.guides_people and out.review_at == hq.clock.now() + timedelta(minutes=60)
    closed = await hq.proposals.get(said.id)
    assert (closed.state, closed.alert_key, closed.by) == (ProposalState.ADOPTED, alert.key, AT_ONCE)


async def test_the_record_says_by_whom_beforehand_which_telegram_and_that_nobody_ordered(hq):
    said = await hq.hear(WARNING)
    (out,) = await hq.calls()
    assert "起案 abe・承認 sato" in out.alert.reason and said.telegram_key in out.alert.reason
    assert "市の発令ではなく" in out.alert.reason
    entries = await hq.audit.read(0, 1000)
    sent = next(one for one in entries if one.step == "sent_at_once")
    assert sent.actor == AT_ONCE and sent.subject == f"alert:{out.alert.key}"
    assert (sent.facts["pre_drafter"], sent.facts["pre_approver"]) == ("abe", "sato")
    assert sent.facts["telegram"] == said.telegram_key
    assert [one.step for one in entries if one.subject == f"alert:{out.alert.key}"] == [
        "sent_at_once",
        "released",
    ]


async def test_only_a_cited_rule_of_the_city_makes_it_an_evacuation_order(redis):
    hq = ReadyHq(redis, settings=switched_on(standing_rule=RULE))
    await hq.approve_texts()
    await hq.hear(MAJOR)
    (out,) = await hq.calls()
    assert out.alert.kind is OrderKind.TSUNAMI_EVACUATION
    assert "発令しました" in out.alert.texts["ja"].body
    assert f"根拠：{RULE}" in out.alert.reason
    sent = next(one for one in await hq.audit.read(0, 1000) if one.step == "sent_at_once")
    assert sent.facts["standing_rule"] == RULE


async def test_a_wave_that_is_there_leaves_no_time_whatever_time_stands_beside_it(hq):
    await hq.hear(MAJOR, expected_arrival_at=hq.clock.now() + timedelta(minutes=30), arrival_is_now=True)
    (out,) = await hq.calls()
    assert out.alert.expected_arrival_at is None


async def test_a_graver_class_replaces_what_went_out_and_a_lower_one_is_left_to_people(hq):
    await hq.hear(WARNING, name="1")
    await hq.hear(MAJOR, WARNING, name="2")
    assert await hq.classes() == [(MAJOR, 2)]
    (out,) = await hq.calls()
    assert out.alert.act is Act.UPDATE
    assert out.alert.area.names == names_of(MAJOR) != names_of(WARNING)
    lower = await hq.hear(WARNING, MAJOR, name="3")
    lift = await hq.hear(None, WARNING, name="4")
    assert await hq.classes() == [(MAJOR, 2)]
    assert (await hq.proposals.get(lower.id)).state is ProposalState.SUPERSEDED
    assert (await hq.proposals.get(lift.id)).state is ProposalState.OPEN


@pytest.mark.parametrize("act", [ProposedAct.LIFT, ProposedAct.RECALL, ProposedAct.REVIEW])
async def test_what_is_not_a_warning_in_force_sends_nothing(hq, act):
    await hq.hear(WARNING, act=act)
    assert await hq.calls() == []


async def test_the_same_announcement_from_many_processes_and_again_later_is_one_order(hq, redis):
    proposal = announcement(WARNING, at=hq.clock.now() - timedelta(seconds=60))
    await hq.proposals.put(proposal)
    await asyncio.gather(*(hq.another(redis).react(proposal) for _ in range(5)))
    assert await hq.classes() == [(WARNING, 1)]
    (out,) = await hq.calls()
    await hq.lift(out.alert.alert_id)
    await asyncio.gather(*(hq.another(redis).react(proposal) for _ in range(3)))
    await hq.at_once.tick()
    assert await hq.calls() == []
    assert [step for _, step in await hq.steps()].count("sent_at_once") == 1


async def test_details_of_a_class_that_stands_change_nothing_by_themselves(hq):
    await hq.hear(WARNING, name="1")
    await hq.hear(WARNING, WARNING, name="2", expected_arrival_at=hq.clock.now() + timedelta(minutes=5))
    assert await hq.classes() == [(WARNING, 1)]


async def test_hqs_own_order_is_never_replaced_by_itself_and_hq_is_told(hq, redis):
    own = await hq.issue(tsunami(tsunami_class=WARNING))
    await hq.hear(MAJOR, WARNING, name="2")
    assert [one.alert.key for one in await hq.calls()] == [own.alert.key]
    assert await reactions(hq) == {"2": Reaction.HQ_ORDER}
    situation = await hq.at_once.situation()
    assert [one.reaction for one in situation.held] == [Reaction.HQ_ORDER]
    await hq.proposals.dismiss(hq.abe, situation.held[0].proposal_id, "手で更新した")
    assert (await hq.at_once.situation()).held == ()


async def test_what_hq_had_sent_by_hand_is_not_doubled(hq):
    await hq.issue(tsunami(tsunami_class=MAJOR))
    await hq.hear(MAJOR)
    assert await hq.classes() == [(MAJOR, 1)]
    assert await reactions(hq) == {"1": Reaction.ALREADY}
    assert (await hq.at_once.situation()).held == ()


async def test_what_went_out_and_was_changed_by_hq_stays_as_hq_has_it_and_the_graver_one_stands_beside(hq):
    await hq.hear(WARNING, name="1")
    (first,) = await hq.calls()
    await hq.update(
        first.alert.alert_id, tsunami(tsunami_class=WARNING, texts_free={"ja": "橋は通れません。"})
    )
    await hq.hear(MAJOR, WARNING, name="2")
    found = {one.alert.drafter: one.alert for one in await hq.calls()}
    assert set(found) == {"abe", AT_ONCE}
    assert found["abe"].alert_id == first.alert.alert_id and "橋は" in found["abe"].texts["ja"].body
    assert found[AT_ONCE].tsunami_class is MAJOR and found[AT_ONCE].act is Act.ISSUE


async def test_a_draft_on_what_went_out_is_given_up_when_it_is_raised_and_the_log_says_so(hq):
    await hq.hear(WARNING, name="1")
    (first,) = await hq.calls()
    draft = await hq.alerts.draft_lift(hq.abe, first.alert.alert_id, "注意報に変わる見込み")
    await hq.hear(MAJOR, WARNING, name="2")
    assert await hq.classes() == [(MAJOR, 3)]
    assert (await hq.alerts.get(draft.alert.key)).state is AlertState.WITHDRAWN
    assert (AT_ONCE, "withdrawn") in await hq.steps()


async def test_an_old_announcement_waits_for_people(hq):
    old = announcement(WARNING, at=hq.clock.now() - timedelta(minutes=11))
    await hq.proposals.put(old)
    await hq.at_once.react(old)
    assert await hq.calls() == [] and await reactions(hq) == {"1": Reaction.STALE}
    assert len((await hq.at_once.situation()).held) == 1


async def test_a_recording_of_long_ago_is_no_alarm(hq):
    await hq.at_once.react(announcement(MAJOR, at=hq.clock.now() - timedelta(days=3)))
    assert await hq.calls() == [] and await reactions(hq) == {}


async def test_a_proposal_that_somebody_took_up_is_theirs(hq):
    said = announcement(WARNING, at=hq.clock.now())
    await hq.proposals.put(said)
    await hq.alerts.draft(hq.abe, tsunami(tsunami_class=WARNING, proposal_id=said.id))
    await hq.at_once.react(said)
    assert await hq.calls() == [] and await reactions(hq) == {"1": Reaction.HQ_TOOK_IT}


async def test_a_cap_message_never_sends_anything(hq):
    said = announcement(WARNING, at=hq.clock.now(), origin="cap", issuer="Somebody")
    await hq.at_once.react(said)
    assert await hq.calls() == [] and await reactions(hq) == {}


async def test_off_by_setting_or_for_a_class_nothing_goes_out(redis):
    off = ReadyHq(redis, settings=switched_on(enabled=False))
    await off.approve_texts()
    await off.hear(WARNING)
    assert await off.calls() == [] and await reactions(off) == {}
    grave = ReadyHq(redis, settings=switched_on(classes=(MAJOR,)))
    await grave.hear(ADVISORY, name="2")
    assert await grave.calls() == []
    await grave.hear(MAJOR, ADVISORY, name="3")
    assert await grave.classes() == [(MAJOR, 1)]


async def test_each_side_has_its_own_pre_approval_and_its_own_announcements(redis):
    live, drill = ReadyHq(redis), ReadyHq(redis, Realm.DRILL)
    await drill.approve_texts()
    await drill.hear(MAJOR)
    (out,) = await drill.calls()
    assert out.alert.realm_of is Realm.DRILL and out.alert.texts["ja"].body.startswith("【訓練】")
    assert await live.calls() == []
    await live.hear(MAJOR)
    assert await live.calls() == [] and await reactions(live) == {"1": Reaction.NOT_READY}
    with pytest.raises(WrongRealm):
        await live.at_once.react(announcement(MAJOR, at=live.clock.now(), realm=Realm.DRILL))


# ---- HQ's switch --------------------------------------------------------------------------------------------


async def test_hq_stops_it_with_a_reason_and_what_came_meanwhile_does_not_go_out_when_it_is_resumed(hq):
    with pytest.raises(InvalidInput):
        await hq.at_once.stop(hq.abe, "  ")
    stop = await hq.at_once.stop(hq.abe, "訓練用の電文が本番に流れている")
    assert (await hq.at_once.situation()).stop == stop
    said = await hq.hear(WARNING, name="1")
    assert await hq.calls() == [] and await reactions(hq) == {"1": Reaction.STOPPED}
    with pytest.raises(NotAllowed):
        await hq.at_once.resume(hq.abe, "直った")
    await hq.at_once.resume(hq.sato, "直った")
    await hq.at_once.react(said)
    await hq.at_once.tick()
    assert await hq.calls() == []
    await hq.hear(MAJOR, WARNING, name="2")
    assert await hq.classes() == [(MAJOR, 1)]
    assert [step for _, step in await hq.steps()].count("stopped_at_once") == 1


async def test_who_may_only_look_can_not_stop_it(hq):
    with pytest.raises(NotAllowed):
        await hq.at_once.stop(officer("mori", Role.VIEWER), "試し")


# ---- after a crash ------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


class Mortal:
    """A Redis whose client dies at its n-th write: before it is sent, or after it was done and before the answer."""

    def __init__(self, redis, writes: int, *, done: bool) -> None:
        self._redis, self._left, self._done = redis, writes, done

    def __getattr__(self, name):
        found = getattr(self._redis, name)
        if name not in ("evalsha", "eval", "hset", "hdel", "xadd", "zadd", "set"):
            return found

        async def call(*args, **given):
            self._left -= 1
            if self._left < 0 and not self._done:
                raise Killed
            answer = await found(*args, **given)
            if self._left < 0:
                raise Killed
            return answer

        return call


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("raised", [False, True])
async def test_killed_before_or_after_any_write_it_is_sent_exactly_once(redis, raised, done):
    deaths = 0
    for writes in range(12):
        await redis.flushall()
        hq = ReadyHq(redis)
        await hq.approve_texts()
        if raised:
            await hq.hear(WARNING, name="0")
        said = announcement(MAJOR, WARNING if raised else None, at=hq.clock.now(), name="1")
        await hq.proposals.put(said)
        try:
            await hq.another(Mortal(redis, writes, done=done)).react(said)
        except Killed:
            deaths += 1
        hq.clock.move(seconds=5)
        await hq.another(redis).tick()
        await hq.another(redis).react(said)
        assert await hq.classes() == [(MAJOR, 2 if raised else 1)], writes
        assert (await hq.proposals.get(said.id)).state is ProposalState.ADOPTED
        steps = [step for _, step in await hq.steps()]
        assert steps.count("sent_at_once") == 1 + raised and steps.count("released") == 1 + raised
        assert await reactions(hq) == {
            **({"0": Reaction.ISSUED} if raised else {}),
            "1": Reaction.RAISED if raised else Reaction.ISSUED,
        }
    assert deaths >= 3


async def test_what_nobody_reacted_to_is_met_by_the_tick_even_when_a_newer_detail_took_its_place(hq):
    rose = announcement(WARNING, at=hq.clock.now() - timedelta(minutes=2), name="1")
    detail = announcement(WARNING, WARNING, at=hq.clock.now() - timedelta(minutes=1), name="2")
    await hq.proposals.put(rose)
    await hq.proposals.put(detail)  # and the process died before it reacted to either
    await hq.at_once.tick()
    assert await hq.classes() == [(WARNING, 1)]
    (out,) = await hq.calls()
    assert out.alert.announced_at == detail.report_at
    await hq.lift(out.alert.alert_id)
    await hq.hear(WARNING, WARNING, name="3")
    assert await hq.calls() == [], "a detail after HQ lifted it is no new announcement"


# ---- what the city has to know ------------------------------------------------------------------------------


async def health(hq: ReadyHq) -> dict[str, object]:
    await AtOnceWatch(hq.redis, hq.clock, hq.at_once).tick()
    return msgspec.json.decode(await hq.redis.hget(Keys(hq.realm).health, "at_once"))


async def test_health_says_what_is_on_and_everything_that_would_not_go_out(hq):
    said = await health(hq)
    assert said["ok"] and said["detail"].startswith("自動で出す発表：大津波警報・津波警報・津波注意報")
    assert "区域は見本で、実際の区域ではありません" in said["detail"]
    await hq.at_once.pre_approvals.withdraw(hq.abe, ADVISORY, "文を見直す")
    said = await health(hq)
    assert not said["ok"] and "津波注意報の文は、まだ事前承認がなく" in said["detail"]
    await hq.at_once.stop(hq.abe, "点検")
    assert "自動発信を止めています（abe" in (await health(hq))["detail"]


async def test_health_of_a_city_that_does_not_use_it_is_no_alarm(redis):
    hq = ReadyHq(redis, settings=switched_on(enabled=False))
    said = await health(hq)
    assert said["ok"] and "使っていません" in said["detail"]
