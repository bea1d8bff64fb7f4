"""From the bytes of a telegram to people being told: by itself, once, on its own side, whatever dies in between."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bosai.feeds.jma.envelope import parse_telegram
from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.feed_take import PLAYED_TELEGRAM, REPLAY
from bosai.services.feeds import FeedService
from bosai.services.proposals import ProposalService
from bosai.settings_proposals import rules_of
from bosai.stores.proposals import ProposalState
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report
from tests.bosai.services.once import SETTINGS, ReadyHq

REPORTED = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
ADVISORY, WARNING, MAJOR = TsunamiClass
RULES = rules_of(SETTINGS)


def feed_of(hq: ReadyHq, redis=None, on_proposal=None) -> FeedService:
    """The feed of one side, in a process of its own."""
    redis = redis or hq.redis
    react = on_proposal or hq.another(redis).react
    return FeedService(
        redis,
        hq.realm,
        hq.clock,
        ProposalService(redis, hq.realm, hq.clock),
        rules=RULES,
        on_proposal=react,
    )


@pytest.fixture
async def hq(redis):
    return await ready(redis)


async def ready(redis, realm: Realm = Realm.LIVE) -> ReadyHq:
    made = ReadyHq(redis, realm)
    made.clock.at = REPORTED
    await made.approve_texts()
    return made


async def test_a_warning_for_our_coast_goes_out_and_one_for_another_coast_does_not(hq):
    await feed_of(hq).take(report(item(code="210", kind="51", name="岩手県")), "other.xml")
    assert await hq.calls() == []
    hq.clock.move(minutes=1)
    said = report(
        item(kind="52", arrival="2026-04-01T12:40:00+09:00"), report_at=REPORTED + timedelta(minutes=1)
    )
    taken = await feed_of(hq).take(said, "ours.xml")
    (out,) = await hq.calls()
    assert (out.alert.kind, out.alert.tsunami_class) == (OrderKind.NOTICE, MAJOR)
    assert out.alert.announced_at == REPORTED + timedelta(minutes=1)
    assert out.alert.expected_arrival_at == datetime(2026, 4, 1, 12, 40, tzinfo=JST)
    assert (await hq.proposals.get(taken.proposals[0])).state is ProposalState.ADOPTED


async def test_two_feed_workers_with_the_same_telegram_send_one(hq):
    data = report(item(kind="51"))
    await asyncio.gather(*(feed_of(hq).take(data, f"{n}.xml") for n in range(3)))
    assert await hq.classes() == [(WARNING, 1)]
    assert [step for _, step in await hq.steps()].count("sent_at_once") == 1


@pytest.mark.parametrize(("first", "second"), [(ADVISORY, MAJOR), (WARNING, MAJOR), (ADVISORY, WARNING)])
async def test_a_raise_raises_and_a_lowering_and_a_lift_wait_for_people(hq, first, second):
    codes = {ADVISORY: "62", WARNING: "51", MAJOR: "52"}
    steps = [
        (codes[first], "00"),
        (codes[second], codes[first]),
        (codes[first], codes[second]),
        ("50", codes[first]),
    ]
    for n, (kind, last) in enumerate(steps):
        at = REPORTED + timedelta(minutes=n)
        hq.clock.at = at
        await feed_of(hq).take(report(item(kind=kind, last=last), report_at=at), f"{n}.xml")
    assert await hq.classes() == [(second, 2)]
    assert len(await hq.proposals.open()) == 1


async def test_a_warning_that_is_first_heard_of_by_its_second_telegram_goes_out(hq):
    await feed_of(hq).take(report(item(kind="52", last="53")), "second.xml")
    assert await hq.classes() == [(MAJOR, 1)]


async def test_a_kind_nobody_can_read_sends_nothing_and_hides_no_warning_after_it(hq):
    await feed_of(hq).take(report(item(kind="88")), "unreadable.xml")
    assert await hq.calls() == []
    hq.clock.move(minutes=2)
    said = report(item(kind="51", last="88"), report_at=REPORTED + timedelta(minutes=2))
    await feed_of(hq).take(said, "readable.xml")
    assert await hq.classes() == [(WARNING, 1)]


async def test_an_unreadable_kind_after_a_warning_lowers_nothing_and_repeats_nothing(hq):
    for n, kind in enumerate(("51", "88", "51")):
        hq.clock.at = REPORTED + timedelta(minutes=n)
        await feed_of(hq).take(report(item(kind=kind), report_at=hq.clock.at), f"{n}.xml")
    assert await hq.classes() == [(WARNING, 1)]


@pytest.mark.parametrize("status", ["訓練", "試験"])
async def test_a_drill_or_test_telegram_acts_on_the_drill_side_only(redis, status):
    live, drill = await ready(redis), await ready(redis, Realm.DRILL)
    data = report(item(kind="51"), status=status)
    for hq in (live, drill):
        await feed_of(hq).take(data, "drill.xml")
    assert await live.calls() == [] and await drill.classes() == [(WARNING, 1)]


async def test_a_file_that_somebody_plays_sends_nothing_on_the_live_side_and_the_feed_still_does(redis):
    live, drill = await ready(redis), await ready(redis, Realm.DRILL)
    for hq, status in ((live, "通常"), (drill, "訓練")):
        await feed_of(hq).take(report(item(kind="51"), status=status), "played.xml", feed=REPLAY)
        await hq.at_once.tick()
    assert await live.calls() == [] and await drill.classes() == [(WARNING, 1)]
    (waiting,) = await live.proposals.open()
    assert waiting.proposal.review_hint.startswith(PLAYED_TELEGRAM)
    live.clock.move(minutes=1)
    graver = report(item(kind="53", last="51"), report_at=REPORTED + timedelta(minutes=1))
    await feed_of(live).take(graver, "heard.xml")
    assert await live.classes() == [(MAJOR, 1)]


async def test_what_was_played_first_goes_out_as_soon_as_the_feed_says_it_too_and_once(hq):
    data = report(item(kind="51"))
    await feed_of(hq).take(data, "played.xml", feed=REPLAY)
    await feed_of(hq).take(data, "played again.xml", feed=REPLAY)
    assert await hq.calls() == []
    for name in ("heard.xml", "heard again.xml"):
        await feed_of(hq).take(data, name)
        assert await hq.classes() == [(WARNING, 1)]
    assert [step for _, step in await hq.steps()].count("sent_at_once") == 1


async def test_what_the_feed_could_not_hand_on_is_met_by_the_tick(hq):
    async def dies(_) -> None:
        raise ConnectionError("gone")

    await feed_of(hq, on_proposal=dies).take(report(item(kind="51")), "lost.xml")
    assert await hq.calls() == []
    hq.clock.move(seconds=5)
    await hq.another(hq.redis).tick()
    assert await hq.classes() == [(WARNING, 1)]


async def test_of_the_great_quake_of_2011_one_call_goes_out_and_is_never_lowered_by_itself(redis):
    hq = ReadyHq(redis, Realm.DRILL)
    await hq.approve_texts()
    folder = jma_folder() / "official_samples"
    seen = []
    for name in SEQUENCE_2011:
        data = await asyncio.to_thread((folder / name).read_bytes)
        hq.clock.at = parse_telegram(data, name=name).source.report_at + timedelta(minutes=1)
        await feed_of(hq).take(data, name, as_drill=True)
        seen.append(await hq.classes())
    assert seen == [[(MAJOR, 1)]] * len(SEQUENCE_2011)
