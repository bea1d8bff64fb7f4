"""From a telegram's bytes to a proposal on HQ's desk: of this side, of now, once, and lost to no crash."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import msgspec
import pytest

from bosai.errors import NotAllowed, NotFound, WrongRealm
from bosai.feeds.changes import ChangeKind, IgnoredReason, Outcome
from bosai.feeds.errors import CapRefused, RefusalReason
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.proposals import ProposedAct
from bosai.feeds.readings import Grade
from bosai.model.alert import TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services import feed_rebuild, feed_take
from bosai.services.audit import AuditService
from bosai.services.feed_take import CapAnswer
from bosai.services.feeds import LEFT_OVER_AFTER, PAST_TELEGRAM, FeedService
from bosai.services.proposals import ProposalService
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from bosai.stores.alerts import AlertStore
from bosai.stores.feed_state import WAITING
from bosai.stores.keys import Keys
from bosai.stores.telegrams import TelegramStore
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report
from tests.bosai.services.hq import HandClock, officer

NAME = "20260401030310_0_VTSE41_010000.xml"
REPORTED = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
MAJOR, WARNING, ADVISORY, LIFTED = "52", "51", "62", "50"
RULES = rules_of(load_settings())
KINDS = [MAJOR, WARNING, ADVISORY, LIFTED, "71"]
BROKEN = report(body="<Tsunami/>").replace(b"Tsunami", b"X")


class Desk:
    """One side's feed service and proposals, on a clock that stands."""

    def __init__(self, redis, realm: Realm = Realm.LIVE, **given) -> None:
        self.clock = HandClock(REPORTED)
        self.keys = Keys(realm)
        self.redis = redis
        self.proposals = ProposalService(redis, realm, self.clock)
        self.feeds = FeedService(redis, realm, self.clock, self.proposals, rules=RULES, **given)

    async def open(self):
        return [one.proposal for one in await self.proposals.open()]

    async def health(self) -> dict:
        stored = await self.redis.hget(self.keys.health, "telegram")
        return msgspec.json.decode(stored) if stored else {}

    async def grade(self) -> Grade:
        found = [one for one in await self.feeds.in_force() if (one.system, one.code) == ("tsunami", "220")]
        return found[0].kind.grade if found else Grade.NONE

    async def rows(self):
        return [row for _, row in await self.feeds.telegrams.page()]


@pytest.fixture
async def desk(redis) -> Desk:
    return Desk(redis)


async def test_a_major_warning_for_our_coast_becomes_one_proposal_and_no_order(desk):
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    (proposal,) = await desk.open()
    assert (taken.outcome, taken.proposals) == ("proposed", (proposal.id,))
    assert (proposal.act, proposal.tsunami_class) == (ProposedAct.ISSUE, TsunamiClass.MAJOR_WARNING)
    assert proposal.zones == ("tsunami:area1", "tsunami:area2", "tsunami:seaward")
    assert await AlertStore(desk.redis, Realm.LIVE).in_force() == []
    assert await desk.grade() is Grade.EMERGENCY


async def test_the_row_of_a_telegram_says_how_it_came_what_it_changed_and_what_it_proposed(desk):
    data = report(item(kind=MAJOR), item("210", ADVISORY))
    taken = await desk.feeds.take(data, NAME, feed="replay")
    (row,) = await desk.rows()
    assert (row.key, row.name, row.feed, row.received_at) == (taken.key, NAME, "replay", REPORTED)
    assert (row.outcome, row.size_bytes, row.ignored, row.problems) == (
        Outcome.PROPOSED,
        len(data),
        None,
        (),
    )
    assert row.proposals == taken.proposals
    told = {(one.after.code, one.kind, one.grade_after) for one in row.changes if one.after is not None}
    assert told == {
        ("220", ChangeKind.RAISED, Grade.EMERGENCY),
        ("210", ChangeKind.RAISED, Grade.ADVISORY),
    }
    assert row.source is not None
    assert row.source.report_at == REPORTED
    assert await desk.feeds.telegrams.raw(row.key) == data


async def test_the_same_telegram_again_proposes_nothing_and_is_listed_once(desk):
    data = report(item(kind=MAJOR))
    await desk.feeds.take(data, NAME)
    again = await desk.feeds.take(data, NAME)
    assert (again.outcome, again.proposals, again.ignored) == ("no_change", (), IgnoredReason.DUPLICATE)
    assert len(await desk.open()) == 1
    assert len(await desk.rows()) == 1
    assert await desk.feeds.telegrams.pending() == []


async def test_a_warning_for_another_coast_changes_what_is_in_force_and_proposes_nothing(desk):
    taken = await desk.feeds.take(report(item("250", MAJOR, name="福島県")), NAME)
    assert (taken.outcome, await desk.open()) == ("changed", [])


@pytest.mark.parametrize("status", ["訓練", "試験"])
async def test_what_is_not_tsujo_never_reaches_the_live_side(desk, status):
    taken = await desk.feeds.take(report(item(kind=MAJOR), status=status), NAME)
    assert (taken.outcome, taken.detail) == ("not_for_this_side", status)
    assert await desk.open() == []
    assert await desk.feeds.in_force() == ()
    assert [one.outcome for one in await desk.rows()] == [Outcome.NOT_FOR_THIS_SIDE]


async def test_a_real_warning_never_acts_on_the_drill_side_and_its_recording_acts_there_alone(redis):
    live, drill = Desk(redis), Desk(redis, Realm.DRILL)
    data = report(item(kind=WARNING))
    assert (await drill.feeds.take(data, NAME)).outcome == "not_for_this_side"
    assert (await live.feeds.take(data, NAME, as_drill=True)).outcome == "not_for_this_side"
    assert (await drill.feeds.take(data, NAME, as_drill=True)).outcome == "proposed"
    assert await live.open() == []
    (proposal,) = await drill.open()
    assert proposal.realm == "drill"
    assert await live.feeds.in_force() == ()
    await drill.feeds.rebuild(full=True)
    assert await drill.grade() is Grade.WARNING


@pytest.mark.parametrize(
    ("moved", "outcome"),
    [
        (timedelta(), "proposed"),
        (timedelta(minutes=29), "proposed"),
        (timedelta(minutes=31), "stale"),
        (timedelta(minutes=-9), "proposed"),
        (timedelta(minutes=-11), "stale"),  # from the future: it would outrank everything that comes
    ],
)
async def test_only_a_telegram_of_now_is_taken(desk, moved, outcome):
    desk.clock.at += moved
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert taken.outcome == outcome
    if outcome == "stale":
        assert "時計" in taken.detail
        assert await desk.open() == []


async def test_after_a_stop_an_older_warning_that_still_stands_is_taken(desk):
    desk.clock.at += timedelta(hours=32)
    data = report(item(kind=MAJOR))
    assert (await desk.feeds.take(data, NAME)).outcome == "stale"
    assert (await desk.feeds.take(data, NAME, max_age=timedelta(hours=48))).outcome == "proposed"
    assert [one.outcome for one in await desk.rows()] == [Outcome.PROPOSED]


@pytest.mark.real_data
@pytest.mark.parametrize(("hours", "outcome"), [(0, "proposed"), (2, "proposed"), (4, "changed")])
async def test_a_quake_of_hours_ago_that_fills_a_gap_calls_nobody_to_leave(desk, hours, outcome):
    """震度速報 of 2011-03-11: 宮城県中部 (222) has 6強."""
    name = "32-39_11_01_120615_VXSE51.xml"
    data = await asyncio.to_thread((jma_folder() / "official_samples" / name).read_bytes)
    desk.clock.at = parse_telegram(data, name=name).report_at + timedelta(hours=hours)
    taken = await desk.feeds.take(data, name, max_age=timedelta(hours=48))
    assert taken.outcome == outcome
    (row,) = await desk.rows()
    assert {one.kind for one in row.changes} == {ChangeKind.HAPPENED}


async def test_a_replay_is_judged_by_the_clock_it_brings(desk):
    desk.clock.at += timedelta(days=5_000)
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME, now=REPORTED)
    assert taken.outcome == "proposed"
    (proposal,) = await desk.open()
    assert proposal.review_hint.startswith(PAST_TELEGRAM)


async def test_a_recording_stands_as_in_force_on_the_drill_side_only(redis):
    data = report(item(kind=MAJOR))
    for realm, stands in ((Realm.LIVE, Grade.NONE), (Realm.DRILL, Grade.EMERGENCY)):
        desk = Desk(redis, realm)
        desk.clock.at += timedelta(days=5_000)
        taken = await desk.feeds.take(data, NAME, now=REPORTED, as_drill=realm is Realm.DRILL)
        assert taken.outcome == "proposed"
        assert await desk.grade() is stands
        await desk.feeds.rebuild(full=True)
        assert await desk.grade() is stands


async def test_a_telegram_of_now_is_not_called_a_recording(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME, now=REPORTED)
    (proposal,) = await desk.open()
    assert "再生" not in proposal.review_hint


@pytest.mark.parametrize("data", [b"", b"<a>", b"not xml", BROKEN])
async def test_what_can_not_be_read_is_kept_told_to_hq_and_stands_in_nobodys_way(desk, data):
    taken = await desk.feeds.take(data, NAME)
    assert taken.outcome == "unreadable"
    assert taken.detail
    note = await desk.health()
    assert (note["ok"], NAME in note["detail"]) == (False, True)
    assert await desk.feeds.telegrams.raw(taken.key) == data
    assert [one.key for one in await desk.feeds.telegrams.unread()] == [taken.key]
    assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "proposed"
    assert not (await desk.health())["ok"]


async def test_a_reader_that_fails_on_one_telegram_does_not_stop_the_others(desk, monkeypatch):
    def fails(_telegram):
        raise KeyError("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "read", fails)
        taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert (taken.outcome, "不具合" in taken.detail) == ("unreadable", True)
    assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "proposed"


async def test_a_table_that_fails_costs_neither_the_state_nor_the_alarm(desk, monkeypatch):
    def fails(*_args, **_kwargs):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "propose_all", fails)
        taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert taken.outcome == "changed"
    assert await desk.grade() is Grade.EMERGENCY
    (row,) = await desk.feeds.telegrams.unread()
    assert "提案を作れませんでした" in row.problems[0]
    assert not (await desk.health())["ok"]


async def test_a_lift_that_follows_only_from_an_area_that_could_not_be_read_is_looked_at_by_a_person(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    later = report(item("", MAJOR), item("210", ADVISORY), report_at=REPORTED + timedelta(minutes=5))
    taken = await desk.feeds.take(later, NAME)
    (row,) = await desk.feeds.telegrams.unread()
    assert row.key == taken.key
    assert any("コード" in one for one in row.problems)


async def test_the_alarm_stands_until_an_officer_says_he_has_looked_and_the_log_says_who(desk):
    drafter, viewer = officer("abe", Role.HQ_DRAFTER), officer("mori", Role.VIEWER)
    first, second = [(await desk.feeds.take(data, NAME)).key for data in (b"<a>", b"<b>")]
    desk.clock.at += timedelta(days=3)
    await desk.feeds.take(report(item(kind=MAJOR), report_at=desk.clock.at), NAME)
    assert "2件" in (await desk.health())["detail"]
    with pytest.raises(NotAllowed):
        await desk.feeds.acknowledge(viewer, first)
    with pytest.raises(NotFound):
        await desk.feeds.acknowledge(drafter, "nothing-of-this-name")
    assert await desk.feeds.acknowledge(drafter, first)
    assert not await desk.feeds.acknowledge(drafter, first)
    note = await desk.health()
    assert (note["ok"], "1件" in note["detail"]) == (False, True)
    assert await desk.feeds.acknowledge(drafter, second)
    assert await desk.health() == {"at": desk.clock.at.isoformat(), "ok": True, "detail": ""}
    log = await AuditService(desk.redis, Realm.LIVE, desk.clock).read()
    seen = [(one.actor, one.subject) for one in log if one.step == "telegram_seen"]
    assert seen == [(drafter.name, f"telegram:{first}"), (drafter.name, f"telegram:{second}")]
    with pytest.raises(WrongRealm):
        await Desk(desk.redis, Realm.DRILL).feeds.acknowledge(drafter, first)


async def test_a_type_that_is_not_read_in_depth_is_kept_and_listed(desk):
    data = report(title="府県天気予報", body="<MeteorologicalInfos/>")
    taken = await desk.feeds.take(data, "20260401030310_0_VPFD51_040000.xml")
    assert taken.outcome == "kept"
    (row,) = await desk.rows()
    assert (row.outcome, row.source and row.source.type_code) == (Outcome.KEPT, "VPFD51")
    assert (await desk.feeds.take(data, "20260401030310_0_VPFD51_040000.xml")).ignored == "duplicate"


async def test_what_an_older_version_only_kept_is_read_once_its_type_can_be(desk, monkeypatch):
    data = report(item(kind=MAJOR))
    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "read", lambda _telegram: None)
        assert (await desk.feeds.take(data, NAME)).outcome == "kept"
    await desk.feeds.rebuild(full=True)
    assert await desk.grade() is Grade.EMERGENCY
    assert len(await desk.open()) == 1
    assert [one.outcome for one in await desk.rows()] == [Outcome.PROPOSED]


async def test_what_an_older_version_could_not_read_is_read_by_one_that_can(desk, monkeypatch):
    def fails(_telegram):
        raise KeyError("mended since")

    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "read", fails)
        assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "unreadable"
    await desk.feeds.take(b"<broken", NAME)
    await desk.feeds.rebuild(full=True)
    assert await desk.grade() is Grade.EMERGENCY
    assert len(await desk.open()) == 1
    assert len(await desk.feeds.telegrams.unread()) == 2


async def test_a_lift_by_jma_is_a_proposal_that_lifts_nothing(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    await desk.feeds.take(
        report(item(kind=LIFTED, last=MAJOR), report_at=REPORTED + timedelta(minutes=5)), NAME
    )
    (proposal,) = await desk.open()
    assert proposal.act is ProposedAct.LIFT
    assert "避難情報の解除ではありません" in proposal.review_hint


async def test_an_older_telegram_that_comes_late_changes_nothing(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    late = report(item(kind=ADVISORY), report_at=REPORTED - timedelta(minutes=5))
    taken = await desk.feeds.take(late, NAME)
    assert (taken.outcome, taken.ignored) == ("no_change", IgnoredReason.LATE)
    assert await desk.grade() is Grade.EMERGENCY


async def test_two_who_take_the_same_telegrams_at_once_propose_once(redis):
    desks = [Desk(redis) for _ in range(4)]
    first = report(item(kind=WARNING))
    second = report(item(kind=MAJOR, last=WARNING), report_at=REPORTED + timedelta(minutes=1))
    taken = await asyncio.gather(*(one.feeds.take(data, NAME) for one in desks for data in (first, second)))
    ids = [one for each in taken for one in each.proposals]
    assert len(ids) == len(set(ids))
    (proposal,) = await desks[0].open()
    assert proposal.tsunami_class is TsunamiClass.MAJOR_WARNING
    assert await desks[0].grade() is Grade.EMERGENCY
    assert len(await desks[0].rows()) == 2
    assert await desks[0].feeds.telegrams.pending() == []


class Killed(BaseException):
    """What ends a process in the middle."""


STEPS = [
    ("telegrams", "receive"),
    ("telegrams", "find"),
    ("telegrams", "size_of"),
    ("proposals", "put"),
    ("proposals", "get"),
    ("telegrams", "trim"),
]


@pytest.mark.parametrize(
    "moment", [(*step, after) for step in STEPS for after in (False, True)], ids=lambda m: f"{m[1]}-{m[2]}"
)
@pytest.mark.parametrize("found_by", ["the same telegram", "the next telegram", "a restart"])
async def test_killed_anywhere_everything_is_found_again_and_proposed_once(
    redis, monkeypatch, moment, found_by
):
    part, step, after = moment
    if moment == ("telegrams", "receive", False) and found_by != "the same telegram":
        pytest.skip("nothing was kept: only the feed has it, and lists it again")
    told = []

    async def hook(proposal):
        told.append(proposal.id)

    desk = Desk(redis, on_proposal=hook)
    target = desk.feeds.telegrams if part == "telegrams" else desk.proposals
    real = getattr(target, step)

    async def killed(*args, **kwargs):
        if after:
            await real(*args, **kwargs)
        raise Killed

    data = report(item(kind=MAJOR))
    with monkeypatch.context() as patched:
        patched.setattr(target, step, killed)
        with pytest.raises(Killed):
            await desk.feeds.take(data, NAME)
    restarted = Desk(redis, on_proposal=hook)
    if found_by == "a restart":
        await restarted.feeds.rebuild()
    elif found_by == "the same telegram":
        await restarted.feeds.take(data, NAME)
    else:
        restarted.clock.at += LEFT_OVER_AFTER
        await restarted.feeds.take(report(item("250", ADVISORY), item(kind=MAJOR), report_at=REPORTED), NAME)
    (proposal,) = await restarted.open()
    assert proposal.tsunami_class is TsunamiClass.MAJOR_WARNING
    assert set(told) == {proposal.id}
    assert await restarted.grade() is Grade.EMERGENCY
    left = [one for one in await redis.hkeys(restarted.keys.feed_state) if one.startswith(WAITING.encode())]
    assert left == []
    assert await restarted.feeds.telegrams.pending() == []


async def test_a_telegram_that_ends_the_process_each_time_is_given_up_and_told_to_hq(redis, monkeypatch):
    data = report(item(kind=MAJOR))

    def killed(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "parse_telegram", killed)
        with pytest.raises(Killed):
            await Desk(redis).feeds.take(data, NAME)
        for _ in range(feed_take.MAX_TRIES):
            with pytest.raises(Killed):
                await Desk(redis).feeds.rebuild()
        last = Desk(redis)
        await last.feeds.rebuild()
        assert (await last.feeds.take(data, NAME)).ignored == "duplicate"
    (row,) = await last.feeds.telegrams.unread()
    assert (row.outcome, "途中で止まった" in row.detail) == (Outcome.UNREADABLE, True)
    assert not (await last.health())["ok"]
    assert (await last.feeds.take(report(item(kind=WARNING)), NAME)).outcome == "proposed"


async def test_what_waited_is_put_in_the_order_jma_spoke(redis, monkeypatch):
    desk = Desk(redis)

    async def killed(_proposal):
        raise Killed

    lifted = report(item(kind=LIFTED, last=MAJOR), report_at=REPORTED + timedelta(minutes=5))
    with monkeypatch.context() as patched:
        patched.setattr(desk.proposals, "put", killed)
        for data in (report(item(kind=MAJOR)), lifted):
            with pytest.raises(Killed):
                await desk.feeds.take(data, NAME)
    await desk.feeds.take(lifted, NAME)
    (proposal,) = await desk.open()
    assert proposal.act is ProposedAct.LIFT


async def test_what_reacts_to_a_proposal_hears_of_it_once_it_is_on_the_desk_and_its_failure_stops_nothing(
    redis,
):
    heard = []

    async def fails(proposal):
        heard.append((proposal.id, [one.id for one in await desk.open()]))
        raise RuntimeError("what goes out at once is down")

    desk = Desk(redis, on_proposal=fails)
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert heard == [(taken.proposals[0], list(taken.proposals))]
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert len(heard) == 1


async def test_a_restart_tells_the_same_state_and_leaves_what_was_right_alone(desk):
    for minute, kind in enumerate((ADVISORY, WARNING, WARNING, MAJOR)):
        await desk.feeds.take(report(item(kind=kind), report_at=REPORTED + timedelta(minutes=minute)), NAME)
    before, found = await desk.feeds.state(), await desk.feeds.rebuild()
    assert (found.same, found.replaced, found.in_force) == (True, False, 1)
    assert await desk.feeds.state() == before
    full = await desk.feeds.rebuild(full=True)
    assert (full.same, full.replaced, full.telegrams) == (True, True, 4)
    assert await desk.feeds.state() == before


@pytest.mark.parametrize("seed", range(8))
async def test_a_rebuild_tells_what_is_in_force_however_few_telegrams_are_kept(redis, seed):
    rng = random.Random(seed)
    desk = Desk(redis)
    desk.feeds.telegrams = TelegramStore(redis, Realm.LIVE, max_rows=3)
    desk.clock.move(minutes=14)
    day = [
        report(
            *([] if act == "取消" else [item(kind=rng.choice(KINDS)), item("210", rng.choice(KINDS))]),
            report_at=REPORTED + timedelta(minutes=minute),
            info_type=act,
            event_id=rng.choice(["20260401120000", "20260401090000"]),
        )
        for minute in range(14)
        for act in [rng.choice(["発表", "発表", "発表", "訂正", "取消"])]
    ]
    for data in [*rng.sample(day, len(day)), *rng.choices(day, k=4)]:
        await desk.feeds.take(data, NAME)
    assert len(await desk.feeds.telegrams.keys()) <= max(3, len(await desk.feeds.telegrams.needed()))
    before = await desk.feeds.in_force()
    assert (await desk.feeds.rebuild()).same
    await redis.delete(desk.keys.feed_state)
    await desk.feeds.rebuild()
    assert await desk.feeds.in_force() == before


@pytest.mark.parametrize("damage", ["gone", "garbage", "wrong"])
async def test_a_lost_or_damaged_state_is_told_again_from_the_telegrams_and_proposes_nothing_twice(
    desk, damage
):
    await desk.feeds.take(report(item(kind=WARNING)), NAME)
    await desk.feeds.take(report(item(kind=MAJOR), report_at=REPORTED + timedelta(minutes=4)), NAME)
    before, key = await desk.feeds.in_force(), desk.keys.feed_state
    if damage == "gone":
        await desk.redis.delete(key)
    elif damage == "garbage":
        await desk.redis.hset(key, "scope:VTSE41", b"\xc1")
    else:
        older = Desk(desk.redis, Realm.DRILL)
        await older.feeds.take(report(item(kind=ADVISORY)), NAME, as_drill=True)
        await desk.redis.hset(
            key, "scope:VTSE41", await desk.redis.hget(older.keys.feed_state, "scope:VTSE41")
        )
    proposals = await desk.open()
    found = await desk.feeds.rebuild()
    assert (found.same, found.replaced) == (False, True)
    assert await desk.feeds.in_force() == before
    assert await desk.open() == proposals


async def test_what_an_older_version_stored_under_the_same_key_stops_no_start(desk):
    await desk.redis.hset(desk.keys.feed_state, "tsunami", b"\x82state of long ago")
    await desk.redis.hset(desk.keys.feed_state, "waiting:old", b"\x81no proposal")
    await desk.redis.xadd(desk.keys.telegrams, {"key": "k", "xml": b"<x/>"})
    found = await desk.feeds.rebuild()
    assert found.dropped == ("tsunami",)
    assert await desk.redis.hkeys(desk.keys.feed_state) == []
    assert not await desk.redis.exists(desk.keys.telegrams)
    assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "proposed"


ACTUAL = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><status>Actual</status></alert>'


class OneJudge:
    """Judges as it is told."""

    def __init__(self, answer: CapAnswer | Exception) -> None:
        self.answer = answer

    async def judge(self):
        def judge(_data, _feed, _now):
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return judge


async def test_a_cap_message_is_listed_beside_the_telegrams_proposes_once_and_changes_nothing_in_force(redis):
    first = Desk(redis)
    await first.feeds.take(report(item(kind=WARNING)), NAME)
    (told,) = await first.open()
    source = parse_telegram(report(item(kind=WARNING), event_id="20260401110000")).source
    proposal = msgspec.structs.replace(
        told, id="cap-one", origin="cap", issuer="県", subject="cap", telegram_key=source.key
    )
    judge = OneJudge(CapAnswer(source=source, outcome=Outcome.PROPOSED, proposals=(proposal,)))
    desk, before = Desk(redis, cap=judge), await first.feeds.state()
    taken = [await desk.feeds.take_cap(ACTUAL, "a.xml", feed="prefecture") for _ in range(2)]
    assert [(one.outcome, one.proposals) for one in taken] == [("proposed", ("cap-one",)), ("proposed", ())]
    assert [(one.feed, one.outcome) for one in await desk.rows()] == [
        ("prefecture", Outcome.PROPOSED),
        ("jma", Outcome.PROPOSED),
    ]
    await desk.feeds.rebuild(full=True)
    assert await desk.feeds.state() == before


async def test_a_cap_message_nobody_may_trust_is_kept_and_told_to_hq(redis):
    refused = CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature")
    for cap in (OneJudge(refused), None):
        desk = Desk(redis, cap=cap)
        taken = await desk.feeds.take_cap(f"<alert>{cap}</alert>".encode(), "a.xml", feed="nobody")
        assert taken.outcome == "unreadable"
        assert taken.detail
    assert len(await desk.feeds.telegrams.unread()) == 2


@pytest.mark.real_data
async def test_the_sequence_of_2011_on_its_own_clock_ends_with_the_proposal_to_lift(redis):
    folder = jma_folder() / "official_samples"
    desk = Desk(redis, Realm.DRILL)
    seen, grades = [], []
    for name in SEQUENCE_2011:
        data = await asyncio.to_thread((folder / name).read_bytes)
        now = parse_telegram(data, name=name).sent_at
        seen.append((await desk.feeds.take(data, name, now=now, as_drill=True)).outcome)
        grades.append(await desk.grade())
    assert seen == ["proposed", "changed", "proposed", "proposed", "proposed"]
    assert grades == [Grade.EMERGENCY] * 4 + [Grade.NONE]
    (left,) = await desk.open()
    assert left.act is ProposedAct.LIFT


def folding_fails_for(data: bytes):
    real, key = feed_take.fold, parse_telegram(data, name=NAME).source.key

    def fails(state, reading):
        if reading.source.key == key:
            raise KeyError("a fault of ours")
        return real(state, reading)

    return fails


async def test_a_telegram_that_can_not_be_folded_is_told_to_hq_and_stops_none_behind_it(desk, monkeypatch):
    bad = report(item(kind=WARNING))
    with monkeypatch.context() as patched:
        patched.setattr(feed_take, "fold", folding_fails_for(bad))
        taken = await desk.feeds.take(bad, NAME)
        assert (taken.outcome, "不具合" in taken.detail) == (Outcome.UNREADABLE, True)
        assert not (await desk.health())["ok"]
        desk.clock.move(seconds=2 * LEFT_OVER_AFTER.total_seconds())
        good = report(item(kind=MAJOR), report_at=REPORTED + timedelta(minutes=1))
        assert (await desk.feeds.take(good, NAME)).outcome is Outcome.PROPOSED
    assert (
        await desk.feeds.take(bad, NAME)
    ).outcome is Outcome.NO_CHANGE  # by now it is late, and folded all the same


async def test_one_left_over_that_fails_again_holds_up_neither_the_newer_nor_a_restart(desk, monkeypatch):
    bad, write = report(item(kind=WARNING)), FeedService._write

    async def fails(self, received, one):
        if received.data == bad:
            raise RuntimeError("it can not be written")
        return await write(self, received, one)

    monkeypatch.setattr(FeedService, "_write", fails)
    with pytest.raises(RuntimeError):
        await desk.feeds.take(bad, NAME)
    desk.clock.move(seconds=2 * LEFT_OVER_AFTER.total_seconds())
    good = report(item(kind=MAJOR), report_at=REPORTED + timedelta(minutes=1))
    assert (await desk.feeds.take(good, NAME)).outcome is Outcome.PROPOSED
    assert (await desk.feeds.rebuild()).same


async def test_a_proposal_that_can_not_be_put_keeps_none_of_the_others_from_the_desk(desk, monkeypatch):
    put = ProposalService.put
    monkeypatch.setattr(ProposalService, "put", _refusing)
    first = report(item(kind=WARNING), event_id="20260401090000")
    with pytest.raises(RuntimeError):
        await desk.feeds.take(first, NAME)
    (stuck,) = [
        one for one in await desk.redis.hkeys(desk.keys.feed_state) if one.startswith(WAITING.encode())
    ]

    async def fails_for_one(self, proposal):
        if WAITING.encode() + proposal.id.encode() == stuck:
            raise RuntimeError("the desk can not take it")
        return await put(self, proposal)

    monkeypatch.setattr(ProposalService, "put", fails_for_one)
    with pytest.raises(RuntimeError):
        await desk.feeds.take(report(item(kind=MAJOR), report_at=REPORTED + timedelta(minutes=1)), NAME)
    (proposal,) = await desk.open()
    assert proposal.tsunami_class is TsunamiClass.MAJOR_WARNING
    assert await desk.redis.hexists(desk.keys.feed_state, stuck)  # it goes on waiting
    monkeypatch.setattr(ProposalService, "put", put)
    await desk.feeds.rebuild()
    assert not await desk.redis.hexists(desk.keys.feed_state, stuck)


async def _refusing(_self, _proposal):
    raise RuntimeError("the desk can not take it")


@pytest.mark.parametrize(("room", "part"), [(feed_take, "read"), (feed_rebuild, "fold_all")])
async def test_a_warning_stands_also_where_a_new_version_can_no_longer_read_its_telegram(
    desk, monkeypatch, room, part
):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)

    def fails(*_given):
        raise KeyError("a fault of the new version")

    monkeypatch.setattr(room, part, fails)
    for full in (False, True):
        await desk.feeds.rebuild(full=full)
        assert await desk.grade() is Grade.EMERGENCY


@pytest.mark.parametrize(
    ("ahead", "eyes"),
    [
        (timedelta(minutes=40), True),  # our clock is late
        (timedelta(minutes=-40), True),  # or fast
        (timedelta(hours=-49), False),  # found in a gap, and too old
    ],
)
async def test_a_telegram_left_aside_because_of_the_clock_is_shown_to_a_person(desk, ahead, eyes):
    data = report(item(kind=MAJOR), report_at=REPORTED + ahead)
    taken = await desk.feeds.take(data, NAME)
    assert taken.outcome is Outcome.STALE
    assert [one.key for one in await desk.feeds.telegrams.unread()] == ([taken.key] if eyes else [])
    assert ("時計" in (await desk.health()).get("detail", "")) is eyes


async def test_what_was_left_aside_and_is_taken_after_all_waits_for_nobody(desk):
    """Killed with it in hand and back after 40 minutes: the feed lists it again, as of the gap."""
    data = report(item(kind=MAJOR))
    desk.clock.move(minutes=40)
    await desk.feeds.take(data, NAME)
    assert not (await desk.health())["ok"]
    assert (await desk.feeds.take(data, NAME, max_age=timedelta(hours=48))).outcome is Outcome.PROPOSED
    assert await desk.feeds.telegrams.unread() == []
    assert (await desk.health())["ok"]


async def test_a_replay_left_aside_alarms_nobody(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME, now=REPORTED + timedelta(minutes=40))
    assert await desk.feeds.telegrams.unread() == []


async def test_a_rebuild_that_telegrams_interrupt_reads_on_where_it_was(desk, monkeypatch):
    """20,000 are kept: beside a feed that never pauses it would otherwise begin anew for ever."""
    for minute in range(6):
        await desk.feeds.take(
            report(item(kind=KINDS[minute % 4]), report_at=REPORTED + timedelta(minutes=minute)), NAME
        )
    late = [
        report(
            item(kind=MAJOR),
            report_at=REPORTED + timedelta(minutes=minute),
            event_id=f"2026040112{minute}000",
        )
        for minute in (7, 8)
    ]
    again, fold_batch = [], feed_rebuild._fold_batch
    loop = asyncio.get_running_loop()

    def interrupted(state, batch, figures):
        again.append(len(batch))
        if late:
            asyncio.run_coroutine_threadsafe(desk.feeds.take(late.pop(0), NAME), loop).result()
        return fold_batch(state, batch, figures)

    monkeypatch.setattr(feed_rebuild, "_fold_batch", interrupted)
    found = await desk.feeds.rebuild(full=True)
    assert again == [6, 1, 1]
    assert (found.telegrams, found.same) == (8, True)
    assert await desk.grade() is Grade.EMERGENCY
