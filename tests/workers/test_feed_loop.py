"""The loop that listens to JMA, against a JMA of our own on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import aiohttp
import msgspec
import pytest

from bosai.model.realm import Realm
from bosai.services.feeds import FeedService
from bosai.services.proposals import ProposalService
from bosai.settings import load_settings
from bosai.settings_feeds import Feeds
from bosai.settings_proposals import rules_of
from bosai.stores.keys import Keys
from tests.bed.clocks import FakeClock
from tests.bed.jma_server import Failure, JmaServer
from tests.bed.telegrams import Recorded, read_telegram
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report
from workers.feed_source import SourceLoop
from workers.feeds import FeedLoop, open_session

REPORTED = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
START = REPORTED - timedelta(minutes=2)
RULES = rules_of(load_settings())


def telegram(*items: str, minute: int = 0, **given) -> Recorded:
    data = report(*items, report_at=REPORTED + timedelta(minutes=minute), **given)
    return read_telegram(data, type_code="VTSE41", office="010000")


class Listening:
    """A JMA and one feed loop for the live side, both on `clock`."""

    def __init__(self, redis, jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession, facts: Feeds):
        self.redis, self.jma, self.clock, self.session, self.facts = redis, jma, clock, session, facts
        self.proposals = ProposalService(redis, Realm.LIVE, clock)
        self.loop = self.restarted()

    def restarted(self) -> FeedLoop:
        return FeedLoop(
            self.redis,
            Realm.LIVE,
            clock=self.clock,
            service=FeedService(self.redis, Realm.LIVE, self.clock, self.proposals, rules=RULES),
            session=self.session,
            settings=self.facts,
            rng=random.Random(1),
        )

    @property
    def eqvol(self) -> SourceLoop:
        """The first source."""
        return self.loop.sources[0]

    async def at(self, minute: float) -> None:
        """Move the clock to so many minutes after the first report and poll."""
        self.clock.set(max(self.clock.now(), REPORTED + timedelta(minutes=minute)))
        await self.loop.poll_once()

    async def health(self) -> dict:
        stored = await self.redis.hget(Keys(Realm.LIVE).health, "feeds")
        return msgspec.json.decode(stored)

    def asked(self, ending: str) -> list:
        return [one for one in self.jma.asked if one.path.endswith(ending)]


@pytest.fixture
async def here(redis) -> AsyncIterator[Listening]:
    clock = FakeClock(START)
    shipped = (await asyncio.to_thread(load_settings)).feeds
    async with JmaServer(clock) as jma:
        facts = msgspec.structs.replace(
            shipped,
            urls=(jma.feed_url("eqvol"),),
            data_hosts=(),
        )
        async with open_session(facts) as session:
            yield Listening(redis, jma, clock, session, facts)


async def test_a_warning_that_appears_becomes_a_proposal_at_the_next_poll_and_is_fetched_once(here):
    here.jma.publish(telegram(item(kind="52")))
    await here.loop.poll_once()
    assert await here.proposals.open() == []
    await here.at(1)
    (record,) = await here.proposals.open()
    assert record.proposal.zones == ("tsunami:area1", "tsunami:area2", "tsunami:seaward")
    for minute in (2, 3, 4):
        await here.at(minute)
    assert len(here.asked("_VTSE41_010000.xml")) == 1
    assert (await here.health())["ok"] is True


async def test_an_unchanged_feed_is_answered_without_a_body(here):
    here.jma.publish(telegram(item(kind="52")))
    await here.at(1)
    await here.at(2)
    assert [one.status for one in here.asked("/eqvol.xml")] == [200, 304]
    assert all(one.user_agent == here.facts.user_agent for one in here.jma.asked)
    assert all("gzip" in one.accept_encoding for one in here.jma.asked)


async def test_other_types_are_not_even_downloaded(here):
    here.jma.publish(
        read_telegram(
            report(report_at=REPORTED, title="緊急地震速報（警報）", body="<E/>"), type_code="VXSE43"
        )
    )
    await here.at(1)
    assert here.asked("/eqvol.xml")
    assert here.asked("_VXSE43_010000.xml") == []


async def test_a_drill_telegram_on_the_live_feed_proposes_nothing(here):
    here.jma.publish(telegram(item(kind="52"), status="訓練"))
    await here.at(1)
    assert await here.proposals.open() == []


async def test_after_a_start_the_long_feed_brings_a_warning_that_still_stands(here):
    here.jma.publish(telegram(item(kind="52")))
    here.clock.set(REPORTED + timedelta(hours=20))
    await here.loop.poll_once()
    (record,) = await here.proposals.open()
    assert record.proposal.act.value == "issue"
    await here.at(20 * 60 + 1)
    assert len(here.asked("/eqvol_l.xml")) == 1, "the long feed is for gaps only"


async def test_after_a_gap_the_long_feed_is_read_once_more(here):
    await here.loop.poll_once()
    here.jma.publish(telegram(item(kind="52"), minute=5))
    await here.at(61)  # the short feed has forgotten it
    assert len(await here.proposals.open()) == 1
    assert len(here.asked("/eqvol_l.xml")) == 2


async def test_a_warning_of_two_days_ago_is_not_of_now(here):
    here.jma.publish(telegram(item(kind="52")))
    here.clock.set(REPORTED + timedelta(hours=49))
    await here.loop.poll_once()
    assert await here.proposals.open() == []


async def test_a_restarted_loop_proposes_nothing_twice(here):
    here.jma.publish(telegram(item(kind="52")))
    await here.at(1)
    here.clock.set(REPORTED + timedelta(minutes=65))
    await here.restarted().poll_once()
    assert len(await here.proposals.open()) == 1


async def test_a_feed_that_fails_is_told_to_hq_and_asked_again_soon(here):
    await here.loop.poll_once()
    here.jma.fail_next(2, Failure(status=503), path=here.jma.feed_url("eqvol"))
    await here.at(1)
    note = await here.health()
    assert note["ok"] is False
    assert "503" in note["detail"]
    assert 0 < here.eqvol.pause_s() <= 2
    await here.at(1.1)
    assert 1 < here.eqvol.pause_s() <= 4
    here.jma.publish(telegram(item(kind="52"), minute=1))
    await here.at(2)
    assert (await here.health())["ok"] is True
    assert len(await here.proposals.open()) == 1


async def test_the_log_says_once_that_a_feed_fails_and_once_that_it_answers_again(here, caplog):
    caplog.set_level("INFO", logger="workers.feeds")
    await here.at(1)
    here.jma.fail_next(3, Failure(status=500))
    for minute in (2, 3, 4, 5, 6):
        await here.at(minute)
    said = [one.message.split(":")[0] for one in caplog.records if "answer" in one.message]
    assert said == ["no good answer from the feeds", "the feeds answer again"]


async def test_a_telegram_that_is_listed_and_can_not_be_fetched_is_told_and_tried_again(here):
    (name,) = here.jma.publish(telegram(item(kind="52")))
    here.jma.fail_next(1, Failure(status=404), path=f"/developer/xml/data/{name}")
    await here.at(1)
    note = await here.health()
    assert note["ok"] is False
    assert name in note["detail"]
    assert here.eqvol.health.last_ok_at == here.clock.now(), "the feed itself answered"
    assert here.eqvol.pause_s() <= 2
    await here.at(1.1)
    assert len(await here.proposals.open()) == 1
    assert (await here.health())["ok"] is True


async def test_a_telegram_that_can_not_be_read_does_not_stop_the_next(here):
    first, _ = here.jma.publish(telegram(item(kind="51")), telegram(item(kind="52"), minute=1))
    here.jma.fail_next(3, Failure(body=b"<Report>"), path=f"/developer/xml/data/{first}")
    for minute in (2, 2.1, 2.2):
        await here.at(minute)
    (record,) = await here.proposals.open()
    assert record.proposal.tsunami_class.value == "major_warning"
    told = msgspec.json.decode(await here.redis.hget(Keys(Realm.LIVE).health, "telegram"))
    assert first in told["detail"]


@pytest.mark.parametrize(
    "failure",
    [Failure(truncated=True), Failure(body=b"<html>busy</html>"), Failure(status=500), Failure(status=302)],
    ids=["cut off", "no feed", "500", "redirect"],
)
async def test_whatever_a_server_does_the_loop_goes_on(here, failure):
    await here.loop.poll_once()
    here.jma.publish(telegram(item(kind="52")))
    here.jma.fail_next(1, failure, path=here.jma.feed_url("eqvol"))
    await here.at(1)
    assert (await here.health())["ok"] is False
    await here.at(2)
    assert len(await here.proposals.open()) == 1


async def test_silence_for_too_long_is_an_alarm_also_when_the_server_is_gone(here):
    await here.loop.poll_once()
    await here.jma.__aexit__(None, None, None)
    await here.at(3)
    note = await here.health()
    assert note["ok"] is False
    assert "届いていません" not in note["detail"]
    await here.at(10)
    note = await here.health()
    assert note["ok"] is False
    assert "地震火山・津波（eqvol）：12分間、届いていません" in note["detail"]


async def test_polls_come_at_the_fixed_second_of_the_minute(here):
    await here.loop.poll_once()
    here.clock.set(START + timedelta(seconds=7))
    due = here.clock.now() + timedelta(seconds=here.eqvol.pause_s())
    assert due.second == here.facts.poll_second
    assert timedelta() < due - here.clock.now() <= timedelta(seconds=60)


async def test_a_server_that_asks_for_patience_gets_it(redis):
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    async def busy(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "120"})

    app = web.Application()
    app.router.add_get("/{any:.*}", busy)
    shipped = (await asyncio.to_thread(load_settings)).feeds
    async with TestServer(app, host="127.0.0.1") as server, open_session(shipped) as session:
        facts = msgspec.structs.replace(shipped, urls=(str(server.make_url("/eqvol.xml")),))
        clock = FakeClock(START)
        service = FeedService(
            redis, Realm.LIVE, clock, ProposalService(redis, Realm.LIVE, clock), rules=RULES
        )
        loop = FeedLoop(
            redis,
            Realm.LIVE,
            clock=clock,
            service=service,
            session=session,
            settings=facts,
            rng=random.Random(1),
        )
        await loop.poll_once()
        assert loop.sources[0].pause_s() == 120


async def test_the_loop_runs_until_it_is_cancelled(here):
    here.jma.publish(telegram(item(kind="52")))
    here.clock.set(REPORTED + timedelta(minutes=1))
    running = asyncio.ensure_future(here.loop.run())
    async with asyncio.timeout(10):
        while not await here.proposals.open():
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.real_data
async def test_the_sequence_of_2011_played_on_its_own_clock_reaches_hq_step_by_step(redis):
    folder = jma_folder() / "official_samples"
    clock = FakeClock(datetime(2011, 3, 11, 14, 40, tzinfo=JST))
    shipped = (await asyncio.to_thread(load_settings)).feeds
    async with JmaServer(clock) as jma:
        await asyncio.to_thread(jma.publish, *(folder / name for name in SEQUENCE_2011))
        facts = msgspec.structs.replace(
            shipped,
            urls=(jma.feed_url("eqvol"),),
            data_hosts=(),
        )
        async with open_session(facts) as session:
            here = Listening(redis, jma, clock, session, facts)
            await here.loop.poll_once()
            acts = []
            for moment in jma.send_times:
                clock.set(moment)
                await here.loop.poll_once()
                acts += [one.proposal.act.value for one in await here.proposals.open()]
    assert acts[0] == "issue"
    assert acts[-1] == "lift"
    assert len(set(acts)) == 3
