"""The JMA of the bed publishes recorded telegrams as its clock passes them, and answers conditional requests."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from lxml import etree

from tests.bed.clocks import FakeClock
from tests.bed.jma_server import Failure, JmaServer
from tests.bed.telegrams import feed_of, read_telegram, retimed

ATOM = {"a": "http://www.w3.org/2005/Atom"}
SENT = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
TELEGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/"><Control><Title>津波警報・注意報・予報a</Title>
<DateTime>{sent}</DateTime><Status>通常</Status><EditorialOffice>気象庁本庁</EditorialOffice>
<PublishingOffice>気象庁</PublishingOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/"><Title>津波警報</Title>
<ReportDateTime>2026-07-01T12:00:00+09:00</ReportDateTime><EventID>20260701115800</EventID>
<Headline><Text>高い所へ &lt;ただちに&gt;</Text></Headline></Head></Report>"""


def telegram(sent_at: datetime) -> bytes:
    return TELEGRAM.format(sent=f"{sent_at:%Y-%m-%dT%H:%M:%SZ}").encode()


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock(SENT - timedelta(minutes=1))


@pytest.fixture
async def jma(clock: FakeClock) -> AsyncIterator[JmaServer]:
    async with JmaServer(clock) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def entries(session: aiohttp.ClientSession, url: str) -> list[str]:
    """The addresses of a feed's entries, newest first."""
    async with session.get(url) as response:
        assert response.status == 200
        feed = etree.fromstring(await response.read())
    return [str(one.get("href")) for one in feed.findall("a:entry/a:link", ATOM)]


async def test_a_telegram_appears_with_its_file_when_the_clock_passes_its_send_time(
    jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    [name] = jma.publish(read_telegram(telegram(SENT), type_code="VTSE41"))
    assert name == "20260701030000_0_VTSE41_010000.xml"
    file = f"{jma.url}/developer/xml/data/{name}"
    assert await entries(session, jma.feed_url("eqvol")) == []
    async with session.get(file) as response:
        assert response.status == 404
    clock.set(jma.send_times[0])
    assert await entries(session, jma.feed_url("eqvol")) == [file]
    assert await entries(session, jma.feed_url("extra")) == []
    async with session.get(file) as response:
        assert await response.read() == telegram(SENT)


async def test_an_entry_reads_like_jmas(
    jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    jma.publish(read_telegram(telegram(SENT), type_code="VTSE41"))
    clock.set(SENT)
    async with session.get(jma.feed_url("eqvol")) as response:
        feed = etree.fromstring(await response.read())
    assert feed.findtext("a:title", namespaces=ATOM) == "高頻度（地震火山）"
    entry = feed.find("a:entry", ATOM)
    assert entry is not None
    said = {tag: entry.findtext(f"a:{tag}", namespaces=ATOM) for tag in ("title", "updated", "content")}
    assert said == {
        "title": "津波警報・注意報・予報a",
        "updated": "2026-07-01T03:00:00Z",
        "content": "【津波警報】高い所へ <ただちに>",
    }
    assert entry.findtext("a:id", namespaces=ATOM) == str(entry.find("a:link", ATOM).get("href"))  # type: ignore[union-attr]
    assert entry.findtext("a:author/a:name", namespaces=ATOM) == "気象庁"


async def test_the_short_feed_forgets_after_ten_minutes_and_the_long_one_learns_on_the_hour(
    jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    jma.publish(read_telegram(telegram(SENT + timedelta(minutes=1)), type_code="VTSE41"))
    short, long = jma.feed_url("eqvol"), jma.feed_url("eqvol", long=True)
    seen = []
    for minutes in (1, 10, 11, 59, 60):
        clock.set(SENT + timedelta(minutes=minutes))
        seen.append((len(await entries(session, short)), len(await entries(session, long))))
    assert seen == [(1, 0), (1, 0), (0, 0), (0, 0), (0, 1)]


async def test_two_telegrams_of_one_second_get_two_names(jma: JmaServer) -> None:
    both = [read_telegram(telegram(SENT), type_code="VTSE41")] * 2
    assert [name.split("_")[1] for name in jma.publish(*both)] == ["0", "1"]


async def test_an_unchanged_feed_is_answered_304_without_a_body_until_it_changes(
    jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    jma.publish(read_telegram(telegram(SENT), type_code="VTSE41"))
    clock.set(SENT)
    url = jma.feed_url("eqvol")
    async with session.get(url) as first:
        etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert modified == "Wed, 01 Jul 2026 03:00:00 GMT"
    for headers in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"x", W/{etag}'},
        {"If-Modified-Since": modified},
    ):
        async with session.get(url, headers=headers) as again:
            assert (again.status, await again.read()) == (304, b"")
    async with session.get(url, headers={"If-None-Match": '"x"', "If-Modified-Since": modified}) as other:
        assert other.status == 200
    clock.advance(timedelta(minutes=10))
    for headers in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        async with session.get(url, headers=headers) as changed:
            assert changed.status == 200
    assert [one.status for one in jma.asked] == [200, 304, 304, 304, 200, 200, 200]
    assert jma.asked[1].sent_bytes == 0 < jma.asked[0].sent_bytes


async def test_who_accepts_gzip_gets_gzip(jma: JmaServer, clock: FakeClock) -> None:
    [name] = jma.publish(read_telegram(telegram(SENT), type_code="VTSE41"))
    clock.set(SENT)
    file = f"{jma.url}/developer/xml/data/{name}"
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(file, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await response.read()) == telegram(SENT)
        async with session.get(file, headers={"Accept-Encoding": "identity"}) as response:
            assert await response.read() == telegram(SENT)


async def test_scripted_failures_come_once_each_and_then_the_feed_is_well_again(
    jma: JmaServer, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    clock.set(SENT)
    url = jma.feed_url("eqvol")
    jma.fail_next(1, Failure(status=500), path=url)
    jma.fail_next(1, Failure(truncated=True), path=url)
    jma.fail_next(1, Failure(huge_bytes=3_000_000), path=url)
    jma.fail_next(1, Failure(body=b"not xml"), path=url)
    async with session.get(jma.feed_url("extra")) as response:
        assert response.status == 200
    async with session.get(url) as response:
        assert response.status == 500
    with pytest.raises(aiohttp.ClientError):
        async with session.get(url) as response:
            await response.read()
    async with session.get(url) as response:
        assert len(await response.read()) > 3_000_000
    async with session.get(url) as response:
        assert await response.read() == b"not xml"
    assert await entries(session, url) == []


async def test_a_slow_feed_is_given_up_by_a_client_with_a_timeout(jma: JmaServer) -> None:
    jma.fail_next(1, Failure(delay_s=3600))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
        with pytest.raises(TimeoutError):
            await session.get(jma.feed_url("eqvol"))


def test_a_telegram_sent_anew_moves_every_moment_by_the_same_time() -> None:
    moved = retimed(telegram(SENT), SENT + timedelta(days=1, seconds=5)).decode()
    assert "<DateTime>2026-07-02T03:00:05Z</DateTime>" in moved
    assert "<ReportDateTime>2026-07-02T12:00:05+09:00</ReportDateTime>" in moved
    assert "<EventID>20260701115800</EventID>" in moved
    with pytest.raises(ValueError, match="no Control/DateTime"):
        retimed(b"<DateTime>yesterday</DateTime>", SENT)


def test_a_telegram_without_a_known_type_is_refused_by_the_name_of_what_is_missing() -> None:
    with pytest.raises(ValueError, match="type_code"):
        read_telegram(telegram(SENT))


@pytest.mark.real_data
async def test_the_recorded_sequence_of_2011_is_published_in_its_own_time(
    shared_data: Path, session: aiohttp.ClientSession
) -> None:
    files = sorted((shared_data / "jma" / "official_samples").glob("32-39_11_*.xml"))
    clock = FakeClock(datetime(2011, 3, 11, 5, 46, tzinfo=UTC))
    seen: list[str] = []
    async with JmaServer(clock) as jma:
        names = jma.publish(*files)
        for at in jma.send_times:
            clock.set(at)
            seen += [
                one for one in reversed(await entries(session, jma.feed_url("eqvol"))) if one not in seen
            ]
    assert [one.rsplit("/", 1)[1] for one in seen] == sorted(names)
    assert sorted(names)[:2] == ["20110311054810_0_VXSE51_010000.xml", "20110311054959_0_VTSE41_270000.xml"]
    assert len(names) == len(files) == 10


@pytest.mark.real_data
def test_every_recorded_telegram_can_be_published(shared_data: Path) -> None:
    files = [
        *(shared_data / "jma").glob("official_samples/*.xml"),
        *(shared_data / "jma").glob("real_2026/*.xml"),
    ]
    given = {"vxko_flood_lv3.xml": "VXKO50"}
    telegrams = [read_telegram(file, type_code=given.get(file.name)) for file in files]
    assert len(telegrams) == 71
    assert {one.feed for one in telegrams} == {"eqvol", "extra"}
    assert all(len(one.office) == 6 and one.title and one.headline is not None for one in telegrams)
    assert feed_of("VPFD51") == "regular"
    assert feed_of("VMCJ50") == "other"
