"""The client against a small server of our own: polite, capped, and honest about failures."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bosai.feeds.atom import FeedEntry
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.listing import is_whole_telegram, jma_listing
from bosai.feeds.wanted import Want
from tests.bed.clocks import FakeClock
from tests.bosai.feeds.telegrams import item, report
from workers.feed_client import (
    GIVE_UP_AFTER,
    MAX_ATTEMPTS,
    FailureCause,
    FeedClient,
    FetchedTelegram,
    FetchFailure,
    SeenEntries,
)

TELEGRAM = report(item())
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOW = datetime(2026, 4, 1, 3, 5, tzinfo=UTC)
TSUNAMI_ONLY = (Want(types=("VTSE41",)),)


class Client:
    """A client that reads JMA's feeds, and takes whatever it fetches."""

    def __init__(
        self, session: aiohttp.ClientSession, *, wants: tuple[Want, ...] = TSUNAMI_ONLY, **given
    ) -> None:
        self.wants = wants
        self.clock = FakeClock(NOW)
        self.real = FeedClient(session, self.clock, **{"user_agent": "test", **given})

    async def poll(self, url: str):
        return await self.real.poll(
            url, lambda data: jma_listing(data, self.wants, base_url=url, in_gap=False)
        )

    async def fetch(self, entry: FeedEntry):
        fetched = await self.real.fetch(entry)
        if isinstance(fetched, FetchedTelegram):
            self.real.done(entry)
        return fetched


@dataclass
class Jma:
    """A JMA of a few lines: entries by file name, an ETag that follows them, answers that can be replaced."""

    names: list[str] = field(default_factory=lambda: ["20260401030310_0_VTSE41_010000.xml"])
    asked: list[web.Request] = field(default_factory=list)
    instead: dict[str, Handler] = field(default_factory=dict)
    link_host: str = ""

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if handler := self.instead.get(request.path):
            return await handler(request)
        if request.path != "/feed/eqvol.xml":
            return web.Response(body=TELEGRAM, content_type="application/xml")
        etag, modified = f'"{len(self.names)}"', "Wed, 01 Apr 2026 03:04:00 GMT"
        headers = {"ETag": etag, "Last-Modified": modified}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        entries = "".join(
            f"<entry><title>津波警報・注意報・予報a</title><id>urn:{name}</id>"
            f'<updated>2026-04-01T03:{n:02}:00Z</updated><link href="{self.link_host}/data/{name}"/></entry>'
            for n, name in enumerate(self.names)
        )
        text = f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:feed</id>{entries}</feed>'
        return web.Response(
            body=gzip.compress(text.encode()), headers={**headers, "Content-Encoding": "gzip"}
        )


@dataclass
class Bench:
    jma: Jma
    client: Client
    session: aiohttp.ClientSession
    base: str

    @property
    def feed(self) -> str:
        return f"{self.base}/feed/eqvol.xml"

    def another(self, **given: object) -> Client:
        return Client(self.session, **given)


@asynccontextmanager
async def open_bench() -> AsyncIterator[Bench]:
    jma = Jma()
    app = web.Application()
    app.router.add_get("/{any:.*}", jma.answer)
    async with (
        TestServer(app, host="127.0.0.1") as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
    ):
        base = f"http://127.0.0.1:{server.port}"
        yield Bench(jma, Client(session, user_agent="bosai-test/1 (test@example.jp)"), session, base)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as opened:
        yield opened


def failed(result: object) -> FetchFailure:
    assert isinstance(result, FetchFailure)
    return result


def always(response: Callable[[], web.StreamResponse]) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return response()

    return handler


async def test_a_new_entry_is_found_and_its_telegram_fetched(bench: Bench):
    polled = await bench.client.poll(bench.feed)
    assert polled.ok
    (entry,) = polled.entries
    assert (entry.type_code, entry.office) == ("VTSE41", "010000")
    fetched = await bench.client.fetch(entry)
    assert isinstance(fetched, FetchedTelegram)
    assert fetched.name == "20260401030310_0_VTSE41_010000.xml"
    assert parse_telegram(fetched.data, name=fetched.name).type_code == "VTSE41"


async def test_the_second_poll_asks_conditionally_and_takes_304_for_an_answer(bench: Bench):
    await bench.client.fetch((await bench.client.poll(bench.feed)).entries[0])
    again = await bench.client.poll(bench.feed)
    assert again.ok
    assert again.not_modified
    assert again.entries == ()
    first, *_, last = bench.jma.asked
    assert "If-None-Match" not in first.headers
    assert last.headers["If-None-Match"] == '"1"'
    assert last.headers["If-Modified-Since"] == "Wed, 01 Apr 2026 03:04:00 GMT"


async def test_every_request_says_who_asks_and_takes_gzip(bench: Bench):
    (entry,) = (await bench.client.poll(bench.feed)).entries
    await bench.client.fetch(entry)
    assert {r.headers["User-Agent"] for r in bench.jma.asked} == {"bosai-test/1 (test@example.jp)"}
    assert {r.headers["Accept-Encoding"] for r in bench.jma.asked} == {"gzip"}


async def test_an_entry_is_fetched_once_though_the_feed_keeps_naming_it(bench: Bench):
    for n in range(3):
        for entry in (await bench.client.poll(bench.feed)).entries:
            await bench.client.fetch(entry)
        bench.jma.names.append(f"2026040103041{n}_0_VTSE41_010000.xml")
    fetched = [path for path in bench.jma.paths() if path.startswith("/data/")]
    assert len(fetched) == len(set(fetched)) == 3


async def test_what_an_earlier_run_took_is_not_fetched_again(bench: Bench):
    client = bench.another(seen=SeenEntries(["urn:20260401030310_0_VTSE41_010000.xml"]))
    assert (await client.poll(bench.feed)).entries == ()


async def test_an_entry_that_two_clients_find_is_fetched_by_one_of_them(bench: Bench):
    seen = SeenEntries()
    first, second = bench.another(seen=seen), bench.another(seen=seen)
    (entry,) = (await first.poll(bench.feed)).entries
    assert (await second.poll(bench.feed)).entries == ()
    await first.fetch(entry)
    assert (await second.poll(bench.feed)).entries == ()


async def test_an_entry_stays_wanted_until_it_was_taken(bench: Bench):
    (entry,) = (await bench.client.poll(bench.feed)).entries
    assert isinstance(await bench.client.real.fetch(entry), FetchedTelegram)
    assert (await bench.client.poll(bench.feed)).entries == (entry,)
    bench.client.real.done(entry)
    assert (await bench.client.poll(bench.feed)).entries == ()


async def test_type_and_office_decide_before_any_download(bench: Bench):
    bench.jma.names = [
        "1_0_VXSE53_270000.xml",
        "2_0_VTSE41_010000.xml",
        "3_0_VPWW55_040000.xml",
        "4_0_VPWW55_130000.xml",
        "5_0_VPWW56_040000.xml",
    ]
    wants = (
        Want(types=("VTSE41",)),
        Want(types=("VPWW55",), offices=frozenset({"040000"})),
    )
    polled = await bench.another(wants=wants).poll(bench.feed)
    assert [e.href.rsplit("/", 1)[-1][0] for e in polled.entries] == ["2", "3"]
    assert bench.jma.paths() == ["/feed/eqvol.xml"]
    default = await bench.client.poll(bench.feed)
    assert [e.type_code for e in default.entries] == ["VTSE41"]


async def test_a_telegram_that_failed_comes_again_although_the_feed_did_not_change(bench: Bench):
    path = "/data/20260401030310_0_VTSE41_010000.xml"
    bench.jma.instead[path] = always(lambda: web.Response(status=503, headers={"Retry-After": "7"}))
    (entry,) = (await bench.client.poll(bench.feed)).entries
    failure = failed(await bench.client.fetch(entry))
    assert (failure.cause, failure.http_status) == (FailureCause.HTTP_STATUS, 503)
    assert failure.retry_after_s == 7.0
    assert not failure.is_final
    del bench.jma.instead[path]
    again = await bench.client.poll(bench.feed)
    assert again.not_modified
    assert again.entries == (entry,)
    assert isinstance(await bench.client.fetch(entry), FetchedTelegram)
    assert (await bench.client.poll(bench.feed)).entries == ()


@pytest.mark.parametrize(("status", "attempts"), [(404, MAX_ATTEMPTS), (500, MAX_ATTEMPTS), (410, 1)])
async def test_a_telegram_that_never_comes_is_given_up_and_said_to_be(
    bench: Bench, status: int, attempts: int
):
    path = "/data/20260401030310_0_VTSE41_010000.xml"
    bench.jma.instead[path] = always(lambda: web.Response(status=status))
    finals = []
    for _ in range(attempts):
        bench.client.clock.advance(GIVE_UP_AFTER / (MAX_ATTEMPTS - 2))
        (entry,) = (await bench.client.poll(bench.feed)).entries
        finals.append(failed(await bench.client.fetch(entry)).is_final)
    assert finals == [False] * (attempts - 1) + [True]
    assert (await bench.client.poll(bench.feed)).entries == ()


async def test_a_failing_feed_is_a_value_with_its_cause(bench: Bench):
    bench.jma.instead["/feed/eqvol.xml"] = always(lambda: web.Response(status=500))
    polled = await bench.client.poll(bench.feed)
    assert not polled.ok
    assert (failed(polled.failure).cause, failed(polled.failure).http_status) == (
        FailureCause.HTTP_STATUS,
        500,
    )


async def test_a_page_in_the_place_of_a_feed_is_refused_and_asked_for_in_full_again(bench: Bench):
    bench.jma.instead["/feed/eqvol.xml"] = always(
        lambda: web.Response(body=b"<html>maintenance</html>", headers={"ETag": '"page"'})
    )
    assert failed((await bench.client.poll(bench.feed)).failure).cause is FailureCause.NOT_A_FEED
    bench.jma.instead.clear()
    assert len((await bench.client.poll(bench.feed)).entries) == 1
    assert "If-None-Match" not in bench.jma.asked[-1].headers


async def test_an_unasked_304_is_a_failure(bench: Bench):
    bench.jma.instead["/feed/eqvol.xml"] = always(lambda: web.Response(status=304))
    assert failed((await bench.client.poll(bench.feed)).failure).http_status == 304


async def test_a_redirect_is_not_followed(bench: Bench):
    bench.jma.instead["/feed/eqvol.xml"] = always(
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"})
    )
    assert failed((await bench.client.poll(bench.feed)).failure).http_status == 302
    assert bench.jma.paths() == ["/feed/eqvol.xml"]


async def test_an_entry_on_another_host_is_never_asked_for(bench: Bench):
    async with open_bench() as elsewhere:
        bench.jma.link_host = elsewhere.base
        (entry,) = (await bench.client.poll(bench.feed)).entries
        failure = failed(await bench.client.fetch(entry))
        assert failure.cause is FailureCause.HOST_REFUSED
        assert failure.is_final
        assert elsewhere.jma.asked == []
        host = elsewhere.base.removeprefix("http://")
        allowed = bench.another(allowed_hosts=[host])
        (entry,) = (await allowed.poll(bench.feed)).entries
        assert isinstance(await allowed.fetch(entry), FetchedTelegram)


async def test_too_large_a_body_is_dropped_by_its_announced_length(bench: Bench):
    client = bench.another(max_telegram_bytes=len(TELEGRAM) - 1)
    (entry,) = (await client.poll(bench.feed)).entries
    failure = failed(await client.fetch(entry))
    assert failure.cause is FailureCause.TOO_LARGE
    assert failure.is_final
    exact = bench.another(max_telegram_bytes=len(TELEGRAM))
    (entry,) = (await exact.poll(bench.feed)).entries
    assert isinstance(await exact.fetch(entry), FetchedTelegram)


async def test_a_small_gzip_that_grows_is_stopped_at_the_cap(bench: Bench):
    bomb = gzip.compress(b"<!-- -->" * 4_000_000)
    assert len(bomb) < 100_000
    bench.jma.instead["/feed/eqvol.xml"] = always(
        lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    )
    assert failed((await bench.client.poll(bench.feed)).failure).cause is FailureCause.TOO_LARGE


async def test_an_endless_body_is_stopped_at_the_cap(bench: Bench):
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"<!-- more -->" * 5000)
        except ConnectionError:
            return response

    bench.jma.instead["/feed/eqvol.xml"] = endless
    client = bench.another(max_feed_bytes=500_000)
    assert failed((await client.poll(bench.feed)).failure).cause is FailureCause.TOO_LARGE


async def test_broken_gzip_is_a_connection_failure(bench: Bench):
    bench.jma.instead["/feed/eqvol.xml"] = always(
        lambda: web.Response(body=b"not gzip at all", headers={"Content-Encoding": "gzip"})
    )
    assert failed((await bench.client.poll(bench.feed)).failure).cause is FailureCause.CONNECTION


async def test_a_server_that_says_nothing_is_a_timeout(bench: Bench):
    released = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    bench.jma.instead["/feed/eqvol.xml"] = silent
    try:
        polled = await bench.another(timeout_s=0.05).poll(bench.feed)
    finally:
        released.set()
    assert failed(polled.failure).cause is FailureCause.TIMEOUT


async def test_a_body_cut_short_is_a_connection_failure(bench: Bench):
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<feed")
        assert request.transport is not None
        request.transport.abort()
        return response

    bench.jma.instead["/feed/eqvol.xml"] = cut
    assert failed((await bench.client.poll(bench.feed)).failure).cause is FailureCause.CONNECTION


async def test_nobody_listening_is_a_connection_failure(bench: Bench, unused_tcp_port: int):
    polled = await bench.client.poll(f"http://127.0.0.1:{unused_tcp_port}/feed/eqvol.xml")
    assert failed(polled.failure).cause is FailureCause.CONNECTION


async def test_cancelling_is_not_taken_for_a_failure(bench: Bench):
    reached, released = asyncio.Event(), asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        reached.set()
        await released.wait()
        return web.Response()

    bench.jma.instead["/feed/eqvol.xml"] = silent
    task = asyncio.create_task(bench.client.poll(bench.feed))
    async with asyncio.timeout(10):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    released.set()


@pytest.mark.parametrize(
    "body",
    [TELEGRAM[: len(TELEGRAM) // 2], b"<html><body>maintenance</body></html>", b""],
    ids=["half", "a page", "nothing"],
)
async def test_half_a_telegram_or_a_page_in_its_place_is_asked_for_again_and_at_last_handed_over(
    bench: Bench, body: bytes
):
    path = "/data/20260401030310_0_VTSE41_010000.xml"
    bench.jma.instead[path] = always(lambda: web.Response(body=body))
    client = bench.another(is_whole=is_whole_telegram)
    (entry,) = (await client.poll(bench.feed)).entries
    for _ in range(2):
        assert failed(await client.fetch(entry)).cause is FailureCause.NOT_WHOLE
    handed = await client.fetch(entry)
    assert isinstance(handed, FetchedTelegram)
    assert handed.data == body, "HQ sees what came"


async def test_a_telegram_that_was_half_the_first_time_is_whole_the_second(bench: Bench):
    path = "/data/20260401030310_0_VTSE41_010000.xml"
    bench.jma.instead[path] = always(lambda: web.Response(body=TELEGRAM[:200]))
    client = bench.another(is_whole=is_whole_telegram)
    (entry,) = (await client.poll(bench.feed)).entries
    failed(await client.fetch(entry))
    bench.jma.instead.clear()
    fetched = await client.fetch(entry)
    assert isinstance(fetched, FetchedTelegram)
    assert fetched.data == TELEGRAM


async def test_received_bytes_are_those_of_the_line(bench: Bench):
    await bench.client.poll(bench.feed)
    after_feed = bench.client.real.received_bytes
    assert 0 < after_feed < 400, "gzip was counted as it came"
    (entry,) = (await bench.client.poll(bench.feed)).entries
    assert bench.client.real.received_bytes == after_feed, "304 has no body"
    await bench.client.fetch(entry)
    assert bench.client.real.received_bytes == after_feed + len(TELEGRAM)


async def test_retry_after_may_be_a_date(bench: Bench):
    later = "Wed, 01 Apr 2026 03:06:30 GMT"
    bench.jma.instead["/feed/eqvol.xml"] = always(
        lambda: web.Response(status=503, headers={"Retry-After": later})
    )
    assert failed((await bench.client.poll(bench.feed)).failure).retry_after_s == 90.0


async def test_a_proxy_of_the_settings_is_asked_instead_of_the_host(bench: Bench):
    client = bench.another(proxy=bench.base)
    polled = await client.poll("http://jma.invalid/feed/eqvol.xml")
    assert polled.ok
    assert bench.jma.asked[-1].headers["Host"] == "jma.invalid"


async def test_what_failed_comes_behind_what_was_never_tried(bench: Bench):
    bench.jma.names = ["1_0_VTSE41_010000.xml", "2_0_VTSE41_010000.xml"]
    bench.jma.instead["/data/1_0_VTSE41_010000.xml"] = always(lambda: web.Response(status=503))
    first, second = (await bench.client.poll(bench.feed)).entries
    await bench.client.fetch(first)
    assert (await bench.client.poll(bench.feed)).entries == (second, first)


async def test_an_entry_is_asked_for_for_hours_however_often_it_failed(bench: Bench):
    path = "/data/20260401030310_0_VTSE41_010000.xml"
    bench.jma.instead[path] = always(lambda: web.Response(status=503))
    (entry,) = (await bench.client.poll(bench.feed)).entries
    for _ in range(3 * MAX_ATTEMPTS):
        assert not failed(await bench.client.fetch(entry)).is_final
    bench.client.clock.advance(timedelta(hours=5))
    assert not failed(await bench.client.fetch(entry)).is_final
    bench.jma.instead.clear()
    assert isinstance(await bench.client.fetch(entry), FetchedTelegram)
