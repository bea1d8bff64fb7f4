"""From a telegram's bytes to a proposal on HQ's desk: of this side, of now, once, and lost to no crash."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.tsunami import TsunamiClass
from bosai.feeds.proposals import ProposedAct
from bosai.model.realm import Realm
from bosai.services.feeds import PAST_TELEGRAM, WAITING, FeedService
from bosai.services.proposals import ProposalService
from bosai.stores.alerts import AlertStore
from bosai.stores.keys import Keys
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report
from tests.bosai.services.hq import HandClock

NAME = "20260401030310_0_VTSE41_010000.xml"
REPORTED = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
MAJOR, WARNING, ADVISORY, LIFTED = "52", "51", "62", "50"


class Desk:
    """One side's feed service and proposals, on a clock that stands."""

    def __init__(self, redis, realm: Realm = Realm.LIVE) -> None:
        self.clock = HandClock(REPORTED)
        self.keys = Keys(realm)
        self.redis = redis
        self.proposals = ProposalService(redis, realm, self.clock)
        self.feeds = FeedService(redis, realm, self.clock, self.proposals)

    async def open(self):
        return [one.proposal for one in await self.proposals.open()]

    async def health(self) -> dict:
        stored = await self.redis.hget(self.keys.health, "telegram")
        return msgspec.json.decode(stored) if stored else {}


@pytest.fixture
async def desk(redis) -> Desk:
    return Desk(redis)


async def test_a_major_warning_for_our_coast_becomes_one_proposal_and_no_order(desk):
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    (proposal,) = await desk.open()
    assert (taken.outcome, taken.proposals) == ("proposed", (proposal.id,))
    assert (proposal.act, proposal.tsunami_class) == (ProposedAct.ISSUE, TsunamiClass.MAJOR_WARNING)
    assert proposal.zones == ("tsunami:area1", "tsunami:area2")
    assert await AlertStore(desk.redis, Realm.LIVE).in_force() == []
    assert (await desk.feeds.state()).area("220").kind is TsunamiClass.MAJOR_WARNING


async def test_the_same_telegram_again_proposes_nothing(desk):
    data = report(item(kind=MAJOR))
    await desk.feeds.take(data, NAME)
    again = await desk.feeds.take(data, NAME)
    assert (again.outcome, again.proposals) == ("no_change", ())
    assert len(await desk.open()) == 1


async def test_a_warning_for_another_coast_proposes_nothing(desk):
    taken = await desk.feeds.take(report(item("221", MAJOR, name="福島県")), NAME)
    assert (taken.outcome, await desk.open()) == ("no_change", [])


@pytest.mark.parametrize("status", ["訓練", "試験"])
async def test_what_is_not_tsujo_never_reaches_the_live_side(desk, status):
    taken = await desk.feeds.take(report(item(kind=MAJOR), status=status), NAME)
    assert (taken.outcome, taken.detail) == ("not_for_this_side", status)
    assert await desk.open() == []
    assert (await desk.feeds.state()).forecast is None


async def test_a_real_warning_never_acts_on_the_drill_side_and_its_recording_acts_there_alone(redis):
    live, drill = Desk(redis), Desk(redis, Realm.DRILL)
    data = report(item(kind=WARNING))
    assert (await drill.feeds.take(data, NAME)).outcome == "not_for_this_side"
    assert (await live.feeds.take(data, NAME, as_drill=True)).outcome == "not_for_this_side"
    assert (await drill.feeds.take(data, NAME, as_drill=True)).outcome == "proposed"
    assert await live.open() == []
    (proposal,) = await drill.open()
    assert proposal.realm == "drill"
    assert (await live.feeds.state()).forecast is None


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
    assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "stale"
    assert (
        await desk.feeds.take(report(item(kind=MAJOR)), NAME, max_age=timedelta(hours=48))
    ).outcome == "proposed"


async def test_a_replay_is_judged_by_the_clock_it_brings(desk):
    desk.clock.at += timedelta(days=5_000)
    taken = await desk.feeds.take(report(item(kind=MAJOR)), NAME, now=REPORTED)
    assert taken.outcome == "proposed"
    (proposal,) = await desk.open()
    assert proposal.review_hint.startswith(PAST_TELEGRAM)


async def test_a_telegram_of_now_is_not_called_a_recording(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME, now=REPORTED)
    (proposal,) = await desk.open()
    assert "再生" not in proposal.review_hint


@pytest.mark.parametrize(
    "data", [b"", b"<a>", b"not xml", report(body="<Tsunami/>").replace(b"Tsunami", b"X")]
)
async def test_what_can_not_be_read_is_kept_told_to_hq_and_stands_in_nobodys_way(desk, data):
    taken = await desk.feeds.take(data, "20260401030310_0_VTSE41_010000.xml")
    assert taken.outcome == "unreadable"
    assert taken.detail
    note = await desk.health()
    assert (note["ok"], NAME in note["detail"]) == (False, True)
    kept = await desk.redis.xrange(desk.keys.telegrams)
    assert kept[-1][1][b"xml"] == data
    assert (await desk.feeds.take(report(item(kind=MAJOR)), NAME)).outcome == "proposed"


async def test_a_type_that_is_not_read_in_depth_is_kept(desk):
    data = report(title="震源・震度に関する情報", body="<Earthquake/>")
    taken = await desk.feeds.take(data, "20260401030310_0_VXSE53_010000.xml")
    assert taken.outcome == "kept"
    assert len(await desk.redis.xrange(desk.keys.telegrams)) == 1


async def test_a_lift_by_jma_is_a_proposal_that_lifts_nothing(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    await desk.feeds.take(
        report(item(kind=LIFTED, last=MAJOR), report_at=REPORTED + timedelta(minutes=5)), NAME
    )
    (proposal,) = await desk.open()
    assert proposal.act is ProposedAct.LIFT
    assert "避難指示の解除ではありません" in proposal.review_hint


async def test_an_older_telegram_that_comes_late_changes_nothing(desk):
    await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    late = report(item(kind=ADVISORY), report_at=REPORTED - timedelta(minutes=5))
    assert (await desk.feeds.take(late, NAME)).outcome == "no_change"
    assert (await desk.feeds.state()).area("220").kind is TsunamiClass.MAJOR_WARNING


async def test_two_who_take_the_same_telegrams_at_once_propose_once(redis):
    desks = [Desk(redis) for _ in range(4)]
    first = report(item(kind=WARNING))
    second = report(item(kind=MAJOR, last=WARNING), report_at=REPORTED + timedelta(minutes=1))
    taken = await asyncio.gather(*(one.feeds.take(data, NAME) for one in desks for data in (first, second)))
    ids = [one for each in taken for one in each.proposals]
    assert len(ids) == len(set(ids))
    (proposal,) = await desks[0].open()
    assert proposal.tsunami_class == TsunamiClass.MAJOR_WARNING
    assert (await desks[0].feeds.state()).area("220").kind is TsunamiClass.MAJOR_WARNING


class Killed(BaseException):
    """What ends a process in the middle."""


async def test_killed_between_state_and_desk_the_proposal_still_arrives(redis, monkeypatch):
    desk = Desk(redis)

    async def killed(_proposal):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(desk.proposals, "put", killed)
        with pytest.raises(Killed):
            await desk.feeds.take(report(item(kind=MAJOR)), NAME)
    assert await desk.open() == []
    restarted = Desk(redis)
    taken = await restarted.feeds.take(report(item(kind=MAJOR)), NAME)
    assert taken.outcome == "proposed"
    assert len(await restarted.open()) == 1
    left = [field for field in await redis.hgetall(restarted.keys.feed_state) if field.startswith(WAITING)]
    assert left == []


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


@pytest.mark.real_data
async def test_the_sequence_of_2011_on_its_own_clock_ends_with_the_proposal_to_lift(redis):
    folder = jma_folder() / "official_samples"
    desk = Desk(redis, Realm.DRILL)
    seen = []
    for name in SEQUENCE_2011:
        data = await asyncio.to_thread((folder / name).read_bytes)
        now = parse_telegram(data, name=name).sent_at
        seen.append((await desk.feeds.take(data, name, now=now, as_drill=True)).outcome)
    assert seen.count("proposed") == 4
    (left,) = await desk.open()
    assert left.act is ProposedAct.LIFT
