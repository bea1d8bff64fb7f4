"""Several sources at once: each fails, waits and catches up alone, and nothing is fetched twice."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest

from bosai.model.realm import Realm
from bosai.stores.feed_sources import FeedSources
from tests.bed.clocks import FakeClock
from tests.bed.jma_server import Failure
from tests.workers.feed_bed import REPORTED, listening, telegram, until
from workers.feed_client import GIVE_UP_AFTER, MAX_ATTEMPTS

ALL = ("eqvol", "extra", "regular", "other")


async def test_every_feed_is_asked_and_only_what_the_table_wants_is_fetched(redis):
    async with listening(redis, *ALL) as here:
        here.jma.publish(
            telegram(),
            telegram("VPWW55", office="040000"),
            telegram("VPWW55", office="130000"),
            telegram("VPWW54", office="040000"),
            telegram("VPFD51", office="040000"),
        )
        here.to(1)
        await here.loop().poll_once()
        assert sorted(here.desk.kinds()) == ["VPWW55", "VTSE41"]
        assert here.asked("_130000.xml") == [], "another prefecture's is not downloaded"
        assert {one.path.rsplit("/", 1)[-1] for one in here.asked(".xml") if "/feed/" in one.path} == {
            f"{name}{ending}.xml" for name in ALL for ending in ("", "_l")
        }


async def test_the_declared_fallback_fetches_the_old_layout_instead_of_the_new(redis):
    async with listening(redis, "extra", weather_family="legacy") as here:
        here.jma.publish(
            telegram("VPWW55", office="040000"),
            telegram("VPWW54", office="040000"),
            telegram("VXWW50", office="040000"),
        )
        here.to(1)
        await here.loop().poll_once()
        assert sorted(here.desk.kinds()) == ["VPWW54", "VXWW50"]


async def test_a_feed_that_hangs_holds_up_no_warning_of_another(redis):
    async with listening(redis, "eqvol", "extra") as here:
        here.jma.publish(telegram())
        here.jma.fail_next(5, Failure(delay_s=30), path=here.jma.feed_url("extra", long=True))
        here.to(1)
        running = asyncio.ensure_future(here.loop().run())
        await until(lambda: here.desk.handed)
        assert here.desk.kinds() == ["VTSE41"]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_telegram_that_hangs_holds_up_no_other_kind(redis):
    async with listening(redis, "extra", total_timeout_s=1.0) as here:
        slow, _ = here.jma.publish(
            telegram("VPWW55", office="040000"), telegram("VPBS50", office="040000", minute=1)
        )
        here.jma.fail_next(1, Failure(delay_s=30), path=f"/developer/xml/data/{slow}")
        here.to(2)
        await here.loop().poll_once()
        assert here.desk.kinds() == ["VPBS50"]
        health = await here.health("extra")
        assert (health.failures, health.waiting) == (1, 1)
        assert health.complete_at is None, "something listed was not read yet"


async def test_a_failing_feed_backs_off_alone(redis):
    async with listening(redis, "eqvol", "extra") as here:
        loop = here.loop()
        await loop.poll_once()
        eqvol, extra = loop.sources
        for minute in (1, 2, 3):
            here.jma.fail_next(1, Failure(status=503), path=here.jma.feed_url("extra"))
            here.to(minute)
            await loop.poll_once()
        assert (eqvol.health.failures, extra.health.failures) == (0, 3)
        assert 4 <= extra.pause_s() <= 8
        due = here.clock.now() + timedelta(seconds=eqvol.pause_s())
        assert due.second == here.facts.poll_second
        board = await here.board()
        assert board["ok"] is False
        assert "随時：警報など（extra）" in board["detail"]
        assert "503" in board["detail"]


async def test_each_feed_has_its_own_second_in_the_order_of_the_settings(redis):
    async with listening(redis, *ALL) as here:
        loop = here.loop()
        await loop.poll_once()
        due = [here.clock.now() + timedelta(seconds=one.pause_s()) for one in loop.sources]
        assert [one.second for one in due] == [20, 21, 22, 23]


async def test_patience_asked_of_one_feed_is_kept_by_that_feed(redis):
    async with listening(redis, "eqvol", "extra") as here:
        loop = here.loop()
        await loop.poll_once()
        busy = Failure(status=429, headers={"Retry-After": "600"})
        here.jma.fail_next(1, busy, path=here.jma.feed_url("extra"))
        here.to(1)
        await loop.poll_once()
        eqvol, extra = loop.sources
        assert extra.pause_s() == 600
        assert eqvol.pause_s() <= 60


async def test_an_entry_that_stands_in_two_feeds_is_fetched_once(redis):
    async with listening(redis, "eqvol", "other") as here:
        here.jma.publish(telegram())
        await here.loop().poll_once()  # nothing yet
        here.to(1)
        both = here.jma.feed_url("eqvol")
        async with here.session.get(both) as answer:
            listed = await answer.read()
        here.jma.fail_next(1, Failure(body=listed), path=here.jma.feed_url("other"))
        loop = here.loop()
        await loop.poll_once()
        assert here.desk.kinds() == ["VTSE41"]
        assert len(here.asked("_VTSE41_010000.xml")) == 1


async def test_an_entry_that_vanishes_and_comes_back_is_read_then(redis):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        (name,) = here.jma.publish(telegram())
        here.jma.fail_next(6, Failure(status=404), path=f"/developer/xml/data/{name}")
        here.to(1)
        for turn in range(6):
            await loop.poll_once()
            assert here.desk.handed == [], turn
            here.clock.advance(loop.sources[0].pause_s())
        await loop.poll_once()
        assert here.desk.handed == [name]
        assert loop.sources[0].health.failures == 0


async def test_an_entry_that_never_comes_is_given_up_and_stays_on_hqs_list(redis):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        (name,) = here.jma.publish(telegram())
        here.jma.fail_next(100, Failure(status=404), path=f"/developer/xml/data/{name}")
        here.to(1)
        for _ in range(MAX_ATTEMPTS - 1):
            await loop.poll_once()
            here.clock.advance(loop.sources[0].pause_s())
        here.clock.advance(GIVE_UP_AFTER)
        await loop.poll_once()
        await loop.poll_once()
        assert len(here.asked(name)) == MAX_ATTEMPTS
        health = await here.health("eqvol")
        (lost,) = health.lost
        assert lost.url.endswith(name)
        assert "404" in lost.detail
        board = await here.board()
        assert board["ok"] is False
        assert "取得できなかった電文 1通" in board["detail"]
        again = here.loop()
        await again.poll_once()
        assert len(here.asked(name)) == MAX_ATTEMPTS, "given up is given up, also after a restart"


async def test_a_telegram_that_trips_the_service_is_tried_again_and_stops_no_other(redis):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        first, second = here.jma.publish(telegram(), telegram(minute=0.5))
        here.desk.trips[first] = 2
        here.to(1)
        await loop.poll_once()
        assert here.desk.handed == [second]
        assert "受け取りの処理に失敗しました" in loop.sources[0].health.cause
        await loop.poll_once()
        await loop.poll_once()
        assert here.desk.handed == [second, first]
        assert loop.sources[0].health.failures == 0


async def test_a_huge_telegram_is_refused_and_said_and_costs_no_other(redis):
    async with listening(redis, "eqvol", max_bytes=200_000) as here:
        loop = here.loop()
        await loop.poll_once()
        huge, fine = here.jma.publish(telegram(), telegram(minute=0.5))
        here.jma.fail_next(1, Failure(huge_bytes=300_000), path=f"/developer/xml/data/{huge}")
        here.to(1)
        await loop.poll_once()
        assert here.desk.handed == [fine]
        (lost,) = (await here.health("eqvol")).lost
        assert "大きすぎます" in lost.detail


async def test_telegrams_of_one_kind_are_taken_in_the_order_they_were_sent(redis):
    async with listening(redis, "eqvol") as here:
        names = here.jma.publish(*(telegram(minute=n) for n in range(8)))
        here.to(9)
        await here.loop().poll_once()
        assert here.desk.handed == names


async def test_of_a_forecast_series_only_the_newest_is_fetched(redis):
    async with listening(redis, "extra") as here:
        names = here.jma.publish(*(telegram("VPWP50", office="040000", minute=n) for n in range(5)))
        here.to(6)
        await here.loop().poll_once()
        assert here.desk.handed == [names[-1]]


async def test_the_national_collection_is_asked_for_after_a_gap_only(redis):
    async with listening(redis, "extra") as here:
        loop = here.loop()
        here.jma.publish(telegram("VPWS50"), telegram("VPWS50", minute=3))
        here.to(1)
        await loop.poll_once()
        assert here.desk.kinds() == ["VPWS50"]
        here.to(4)
        await loop.poll_once()
        assert here.desk.kinds() == ["VPWS50"]


async def test_after_a_gap_older_telegrams_count_and_later_ones_do_not(redis):
    async with listening(redis, "eqvol") as here:
        (old,) = here.jma.publish(telegram())
        here.to(20 * 60)
        loop = here.loop()
        await loop.poll_once()
        (new,) = here.jma.publish(telegram(minute=20 * 60 + 1))
        here.to(20 * 60 + 2)
        await loop.poll_once()
        assert here.desk.ages == {
            old: timedelta(hours=here.facts.gap_max_age_h),
            new: timedelta(minutes=here.facts.telegram_max_age_min),
        }


async def test_a_long_feed_that_fails_after_a_gap_is_asked_again(redis):
    async with listening(redis, "eqvol") as here:
        (old,) = here.jma.publish(telegram())
        here.to(120)
        here.jma.fail_next(1, Failure(status=500), path=here.jma.feed_url("eqvol", long=True))
        loop = here.loop()
        await loop.poll_once()
        assert here.desk.handed == []
        here.to(121)
        await loop.poll_once()
        assert here.desk.handed == [old]
        here.to(122)
        await loop.poll_once()
        assert len(here.asked("/eqvol_l.xml")) == 2, "filled once"


async def test_a_minutes_restart_needs_no_long_feed(redis):
    async with listening(redis, "eqvol") as here:
        await here.loop().poll_once()
        here.clock.advance(timedelta(minutes=5))
        (name,) = here.jma.publish(telegram(minute=2))
        here.to(4)
        await here.loop().poll_once()
        assert here.desk.handed == [name]
        assert len(here.asked("/eqvol_l.xml")) == 1


async def test_a_source_that_is_no_longer_configured_leaves_the_list(redis):
    async with listening(redis, "eqvol", "extra") as here:
        await here.loop().poll_once()
        here.facts = msgspec.structs.replace(here.facts, urls=here.facts.urls[:1])
        await here.loop().poll_once()
        assert [one.name for one in await FeedSources(redis, Realm.LIVE).all()] == ["eqvol"]


async def test_what_was_received_today_is_counted_per_source_over_restarts_and_begins_anew_at_midnight(redis):
    async with listening(redis, "eqvol", "extra") as here:
        here.jma.publish(telegram(), telegram("VPWW55", office="040000"))
        here.to(1)
        await here.loop().poll_once()
        first = {name: (await here.health(name)).bytes_today for name in ("eqvol", "extra")}
        assert sum(first.values()) == here.jma.sent_bytes
        assert all(first.values())
        here.jma.publish(telegram(minute=2))
        here.to(3)
        await here.loop().poll_once()
        assert sum([(await here.health(name)).bytes_today for name in first]) == here.jma.sent_bytes
        before = here.jma.sent_bytes
        here.clock.set(REPORTED + timedelta(hours=12))
        await here.loop().poll_once()
        today = sum([(await here.health(name)).bytes_today for name in first])
        assert 0 < today == here.jma.sent_bytes - before


async def test_a_source_that_takes_much_is_asked_more_rarely_and_hq_is_told_and_a_small_one_keeps_its_minute(
    redis,
):
    async with listening(redis, "eqvol", "extra", daily_limit_mb=1) as here:
        loop = here.loop()
        await loop.poll_once()
        noise = random.Random(1).randbytes(420_000).hex()  # does not shrink much: 840,000 letters of 16
        here.jma.publish(telegram("VPWW55", office="040000", headline=noise), telegram())
        here.to(1)
        await loop.poll_once()
        eqvol, extra = loop.sources
        assert extra.health.bytes_today > 400_000
        assert (eqvol.health.slowed, extra.health.slowed > 1) == (1.0, True)
        pause_s = {one.health.name: one.pause_s() for one in loop.sources}
        assert pause_s["eqvol"] <= 60 < here.facts.interval_s * extra.health.slowed
        board = await here.board()
        assert board["ok"] is True, "much is no fault yet"
        assert "今日の受信量" in board["detail"]


async def test_hours_of_polling_stay_far_below_the_limit(redis):
    async with listening(redis, "eqvol", "extra", "regular", "other") as here:
        hours, noise = 1, random.Random(2)
        # What others issue fills extra.xml to about 158 KB; ours come every ten minutes, the series twice an hour.
        for minute in range(-12, hours * 60):
            for n in range(30):
                text = f"{noise.random()} 大雨に注意してください。" * 4
                here.jma.publish(
                    telegram("VPWW61", office=f"{130000 + n * 10000:06}"[-6:], minute=minute, headline=text)
                )
            if minute % 10 == 0:
                text = noise.randbytes(8_000).hex()
                here.jma.publish(telegram("VPWW55", office="040000", minute=minute, headline=text))
            if minute % 30 == 0:
                text = noise.randbytes(150_000).hex()
                here.jma.publish(telegram("VPWP50", office="040000", minute=minute, headline=text))
        loop = here.loop()
        for minute in range(hours * 60):
            here.to(minute + 0.4)
            await loop.poll_once()
        largest = max(one.sent_bytes for one in here.asked("/extra.xml"))
        assert largest > 5_000, "the feed was full of others' entries"
        assert here.desk.kinds().count("VPWW55") >= 6
        assert set(here.desk.kinds()) == {"VPWW55", "VPWP50"}
        a_day = here.jma.sent_bytes / hours * 24
        assert a_day < 0.1 * here.facts.daily_limit_mb * 1_000_000
        total = sum(
            [(await here.health(name)).bytes_today for name in ("eqvol", "extra", "regular", "other")]
        )
        assert total == here.jma.sent_bytes


async def test_what_is_too_old_to_be_of_now_is_not_even_downloaded(redis):
    async with listening(redis, "eqvol") as here:
        here.jma.publish(telegram(), telegram(minute=60 * 60))
        here.to(60 * 60 + 120)
        await here.loop().poll_once()
        assert len(here.desk.handed) == 1
        assert len(here.asked("_VTSE41_010000.xml")) == 1


async def test_an_entry_that_can_not_be_read_is_told_to_hq_until_the_feed_is_sound_again(redis):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        broken = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:x</id></entry></feed>'
        here.jma.fail_next(1, Failure(body=broken.encode()), path=here.jma.feed_url("eqvol"))
        here.to(1)
        await loop.poll_once()
        board = await here.board()
        assert board["ok"] is False
        assert "一覧の項目を1件読めません" in board["detail"]
        here.jma.publish(telegram(minute=1))
        here.to(2)
        await loop.poll_once()
        assert (await here.board())["ok"] is True


async def test_a_telegram_that_could_be_fetched_only_hours_later_is_still_of_when_it_was_listed(redis):
    async with listening(redis, "eqvol") as here:
        loop = here.loop()
        await loop.poll_once()
        (name,) = here.jma.publish(telegram())
        here.jma.fail_next(3, Failure(status=503), path=f"/developer/xml/data/{name}")
        for minute in (1, 60, 150, 180):
            here.to(minute)
            await loop.poll_once()
        assert here.desk.handed == [name]
        waited = timedelta(minutes=180 - 1)
        assert here.desk.ages[name] >= timedelta(minutes=here.facts.telegram_max_age_min) + waited


async def test_old_telegrams_that_hang_starve_no_new_one_of_their_kind(redis):
    async with listening(redis, "eqvol", total_timeout_s=0.3) as here:
        loop = here.loop()
        await loop.poll_once()
        old = here.jma.publish(*(telegram(minute=n / 10) for n in range(3)))
        for name in old:
            here.jma.fail_next(100, Failure(delay_s=30), path=f"/developer/xml/data/{name}")
        here.to(1)
        await loop.poll_once()
        (new,) = here.jma.publish(telegram(minute=2))
        here.to(3)
        order: list[str] = []
        real = loop.sources[0]._client.fetch

        async def noted(entry):
            order.append(entry.href.rsplit("/", 1)[-1])
            return await real(entry)

        loop.sources[0]._client.fetch = noted  # type: ignore[method-assign]
        await loop.poll_once()
        assert order[0] == new
        assert here.desk.handed == [new]


async def test_a_clock_behind_jmas_is_told_before_it_drops_warnings(redis):
    async with listening(redis, "eqvol") as here:
        ahead = FakeClock(here.clock.now() + timedelta(minutes=15))
        here.jma.clock = ahead
        await here.loop().poll_once()
        board = await here.board()
        assert board["ok"] is False
        assert "15分遅れています" in board["detail"]
