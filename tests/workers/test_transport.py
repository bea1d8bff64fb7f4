from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bosai.ports import Permit
from tests.bed.answers import (
    GONE,
    NOT_FOUND,
    RESET,
    SERVER_ERROR,
    TOO_LARGE,
    UNAVAILABLE,
    Answer,
    slow,
    too_many,
)
from tests.bed.nginx import Nginx, open_nginx
from tests.bed.push_service import PushService
from tests.bed.tls import LoopbackAuthority
from tests.workers.sending_bed import PATIENT, parcel, send_one, transport_to
from workers.easy import LARGEST_ANSWER, RootsMissing, roots_file
from workers.transport import TransportDied, TransportTuning

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def nginx() -> Iterator[Nginx]:
    with open_nginx() as server:
        yield server


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """host:port of one that accepts connections and never says a word."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for one in held:
            one.close()


# ---- what a push service may say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [
        (NOT_FOUND, 404, "http_404"),
        (GONE, 410, "http_410"),
        (TOO_LARGE, 413, "http_413"),
        (too_many(), 429, "http_429"),
        (SERVER_ERROR, 500, "http_500"),
        (UNAVAILABLE, 503, "http_503"),
        (Answer(status=200), 200, ""),
        (Answer(status=202), 202, ""),
        (Answer(status=400, body="x" * (LARGEST_ANSWER + 1)), 400, "http_400"),
    ],
)
async def test_every_status_comes_back_as_it_was_said(answer, status, cause):
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(answer)
        outcome = await send_one(transport, answers, f"{push.url}/push/one")
        assert (outcome.status, outcome.cause, outcome.left, outcome.bytes_sent) == (status, cause, True, 100)


async def test_the_request_carries_exactly_what_the_parcel_says():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(GONE)
        await send_one(transport, answers, f"{push.url}/push/one")
        [seen] = push.attempts
        assert seen.body == b"x" * 100
        assert dict(seen.headers) == {
            "host": push.endpoint_host,
            "ttl": "60",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "content-length": "100",
        }


async def test_each_message_has_its_own_address_body_and_headers_although_handles_are_used_again():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(GONE)
        for number in range(30):
            one = parcel(f"{push.url}/push/{number}", headers=(f"TTL: {number // 10}",))
            one.body = b"%d" % number
            transport.post([one])
            await answers.wait_for(number + 1)
        assert [(one.token, one.body, one.headers["ttl"]) for one in push.attempts] == [
            (str(number), b"%d" % number, str(number // 10)) for number in range(30)
        ]


@pytest.mark.parametrize(
    ("told", "at_least", "at_most"),
    [
        (120, 120, 120),
        (999_999, 3600, 3600),
        (timedelta(seconds=600), 500, 600),  # as a date, so long after the test begins
        (timedelta(days=9), 3600, 3600),
    ],
)
async def test_a_wait_is_understood_in_seconds_and_as_a_date_and_never_passes_an_hour(
    told, at_least, at_most
):
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(too_many(datetime.now(UTC) + told if isinstance(told, timedelta) else told))
        outcome = await send_one(transport, answers, f"{push.url}/push/one")
        assert outcome.retry_after_s is not None
        assert at_least <= outcome.retry_after_s <= at_most


@pytest.mark.parametrize("told", ["soon", "", datetime.now(UTC) - timedelta(days=1)])
async def test_a_wait_that_says_nothing_is_none(told):
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(
            Answer(status=503, headers={"Retry-After": told}) if isinstance(told, str) else too_many(told)
        )
        assert (await send_one(transport, answers, f"{push.url}/push/one")).retry_after_s is None


async def test_over_http_2_each_status_comes_back_too_and_messages_share_a_connection(nginx):
    async with transport_to(nginx.endpoint_host, ca_file=nginx.ca_file) as (transport, answers):
        accepted = await send_one(transport, answers, f"{nginx.url}/push/one")
        assert (accepted.status, accepted.cause, accepted.bytes_sent, accepted.left) == (201, "", 100, True)
        for status in (404, 410, 429, 503):
            outcome = await send_one(transport, answers, f"{nginx.url}/status/{status}/one")
            assert (outcome.status, outcome.retry_after_s) == (status, 7.0)


async def test_a_redirect_is_not_followed():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(Answer(status=307, headers={"Location": "/push/other"}))
        outcome = await send_one(transport, answers, f"{push.url}/push/one")
        assert (outcome.status, [one.token for one in push.attempts]) == (307, ["one"])


# ---- what a network may do, and whether anything can have got there -----------------------------------


async def test_a_slow_answer_is_a_time_out_and_the_message_may_have_got_there():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(slow(3.0))
        outcome = await send_one(transport, answers, f"{push.url}/push/one")
        assert (outcome.status, outcome.cause, outcome.left, outcome.bytes_sent) == (0, "timeout", True, 100)


async def test_a_reset_may_have_come_after_the_message():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(RESET)
        outcome = await send_one(transport, answers, f"{push.url}/push/one")
        assert (outcome.status, outcome.cause, outcome.left) == (0, "reset", True)


async def test_where_nobody_listens_nothing_has_left():
    async with transport_to("127.0.0.1:9") as (transport, answers):
        outcome = await send_one(transport, answers, f"{NOBODY}/one")
        assert (outcome.status, outcome.cause, outcome.left, outcome.bytes_sent) == (
            0,
            "no_connection",
            False,
            0,
        )


async def test_a_name_nobody_knows_is_said_and_nothing_has_left():
    async with transport_to(allowed=["nobody.invalid"]) as (transport, answers):
        outcome = await send_one(transport, answers, "https://nobody.invalid/one")
        assert (outcome.cause, outcome.left) == ("name_not_found", False)


async def test_a_server_that_never_greets_by_tls_has_got_nothing():
    async with silent_server() as host, transport_to(host) as (transport, answers):
        outcome = await send_one(transport, answers, f"https://{host}/one")
        assert (outcome.cause, outcome.left) == ("timeout", False)


async def test_a_message_curl_repeats_by_itself_may_have_got_there_the_first_time():
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def answer_once_then_take_one_and_go() -> None:
        peer, _ = listener.accept()
        with peer:
            _read_request(peer)
            peer.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            _read_request(peer)
            listener.close()

    server = threading.Thread(target=answer_once_then_take_one_and_go, daemon=True)
    server.start()
    async with transport_to(origin.removeprefix("http://")) as (transport, answers):
        assert (await send_one(transport, answers, f"{origin}/one")).status == 201
        outcome = await send_one(transport, answers, f"{origin}/two")
        assert (outcome.status, outcome.cause, outcome.left) == (0, "no_connection", True)
    await asyncio.to_thread(server.join)


def _read_request(peer: socket.socket) -> None:
    read = b""
    while not read.partition(b"\r\n\r\n")[2].endswith(b"x" * 100):
        read += peer.recv(65_536)


async def test_one_message_curl_cannot_take_does_not_stop_the_others(caplog):
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(GONE)
        bad = parcel(f"{push.url}/push/bad", headers=("Topic: \udcff",))
        transport.post([bad, parcel(f"{push.url}/push/good")])
        await answers.wait_for(2)
        assert {one.endpoint.rsplit("/", 1)[1]: (o.status, o.cause, o.left) for one, o in answers.all} == {
            "bad": (0, "not_sendable", False),
            "good": (410, "http_410", True),
        }


# ---- who is talked to ---------------------------------------------------------------------------------


async def test_an_unknown_authority_is_not_talked_to_and_a_named_one_is():
    async with PushService(tls=True) as push:
        push.answer_always(GONE)
        async with transport_to(push.endpoint_host) as (transport, answers):
            outcome = await send_one(transport, answers, f"{push.url}/push/one")
            assert (outcome.cause, outcome.left, push.attempts) == ("tls_not_trusted", False, [])
        async with transport_to(push.endpoint_host, ca_file=push.ca_file) as (transport, answers):
            assert (await send_one(transport, answers, f"{push.url}/push/one")).status == 410


async def test_a_certificate_for_another_host_is_refused():
    authority = await asyncio.to_thread(LoopbackAuthority)
    context = await asyncio.to_thread(authority.server_context)
    heard = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.2", 0, ssl=context)
    host = f"127.0.0.2:{server.sockets[0].getsockname()[1]}"
    try:
        async with transport_to(host, ca_file=str(authority.ca_file)) as (transport, answers):
            outcome = await send_one(transport, answers, f"https://{host}/one")
            assert (outcome.cause, outcome.left, [one for one in heard if one]) == (
                "tls_not_trusted",
                False,
                [],
            )
    finally:
        server.close()
        await asyncio.to_thread(authority.close)


async def test_a_listed_name_that_leads_into_a_private_network_is_refused_when_it_is_sent_to():
    async with transport_to(allowed=["push.localhost"]) as (transport, answers):
        outcome = await send_one(transport, answers, "https://push.localhost/one")
        assert (outcome.status, outcome.cause, outcome.left) == (0, "host_refused", False)
        assert transport.rest_s("https://push.localhost") == 0.0  # it says nothing of the push service


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/one",
        "http://fcm.googleapis.com/one",
        "https://fcm.googleapis.com:8443/one",
        "https://me@fcm.googleapis.com/one",
        "https://fcm.googleapis.com/one\\two",
        "https://fcm.googleapis.com/one two",
        "https://127.0.0.1/one",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_endpoint_outside_the_list_is_never_looked_up(endpoint, monkeypatch):
    monkeypatch.setattr("workers.engine.Easy", None)  # a handle made would raise
    async with transport_to(allowed=["fcm.googleapis.com"]) as (transport, answers):
        outcome = await send_one(transport, answers, endpoint)
        assert (outcome.cause, outcome.left) == ("host_refused", False)


async def test_a_parcel_that_names_another_origin_than_its_endpoint_is_refused():
    async with PushService() as push, transport_to(push.endpoint_host, "127.0.0.1:9") as (transport, answers):
        push.answer_always(GONE)
        await send_one(transport, answers, f"{push.url}/push/one")
        wrong = parcel(f"{NOBODY}/push/two")
        wrong.origin = push.url
        transport.post([wrong])
        assert (await answers.wait_for(2))[1].cause == "host_refused"


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with PushService(tls=True) as push:
        push.answer_always(GONE)
        async with transport_to(push.endpoint_host, ca_file=push.ca_file) as (transport, answers):
            assert (await send_one(transport, answers, f"{push.url}/push/one")).status == 410


@asynccontextmanager
async def connect_proxy(leads_to: int, refuses: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that knows CONNECT, and takes everybody to one port of loopback; (its address, what it was asked)."""
    asked: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(65_536):
                writer.write(some)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0])
        if refuses:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", leads_to)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


async def test_behind_a_proxy_the_proxy_connects_and_tls_still_ends_at_the_push_service():
    async with PushService(tls=True) as push:
        push.answer_always(GONE)
        port = int(push.endpoint_host.rpartition(":")[2])
        async with (
            connect_proxy(port) as (proxy, asked),
            transport_to(
                push.endpoint_host, allowed=["push.example.com"], ca_file=push.ca_file, proxy=proxy
            ) as (
                transport,
                answers,
            ),
        ):
            assert (await send_one(transport, answers, f"{push.url}/push/one")).status == 410
            impostor = await send_one(transport, answers, "https://push.example.com/one")
            assert (impostor.cause, impostor.left) == ("tls_not_trusted", False)
            assert asked == [
                f"CONNECT {push.endpoint_host} HTTP/1.1".encode(),
                b"CONNECT push.example.com:443 HTTP/1.1",
            ]


async def test_a_proxy_that_refuses_or_is_gone_has_let_nothing_out():
    async with connect_proxy(9, refuses=True) as (proxy, _):
        async with transport_to(allowed=["push.example.com"], proxy=proxy) as (transport, answers):
            outcome = await send_one(transport, answers, "https://push.example.com/one")
            assert (outcome.cause, outcome.left) == ("proxy_refused", False)
        async with transport_to(allowed=["push.example.com"], proxy=NOBODY) as (transport, answers):
            outcome = await send_one(transport, answers, "https://push.example.com/one")
            assert (outcome.cause, outcome.left) == ("no_connection", False)


def test_an_additional_root_stands_beside_those_of_the_system(tmp_path, monkeypatch):
    system, own = tmp_path / "system.pem", tmp_path / "own.pem"
    system.write_bytes(b"SYSTEM")
    own.write_bytes(b"OWN")
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    assert roots_file("", tmp_path) == str(system)
    assert Path(roots_file(str(own), tmp_path)).read_bytes() == b"SYSTEM\nOWN"
    monkeypatch.setattr("workers.easy._KNOWN_ROOTS", ())
    monkeypatch.setattr(
        "ssl.get_default_verify_paths", lambda: type("None_", (), {"cafile": None, "openssl_cafile": ""})
    )
    assert roots_file(str(own), tmp_path) == str(own)
    with pytest.raises(RootsMissing, match="install ca-certificates"):
        roots_file("", tmp_path)


# ---- many at once -------------------------------------------------------------------------------------


async def test_each_of_ten_thousand_messages_comes_back_exactly_once(nginx):
    rng, permit = random.Random(3), Permit()
    ways = {
        201: lambda number: parcel(f"{nginx.url}/push/{number}"),
        404: lambda number: parcel(f"{nginx.url}/status/404/{number}"),
        410: lambda number: parcel(f"{nginx.url}/status/410/{number}"),
        413: lambda number: parcel(f"{nginx.url}/status/413/{number}"),
        429: lambda number: parcel(f"{nginx.url}/status/429/{number}"),
        500: lambda number: parcel(f"{nginx.url}/status/500/{number}"),
        "host_refused": lambda number: parcel(f"https://evil.example/{number}"),
        "order_recalled": lambda number: parcel(f"{nginx.url}/push/{number}", permit=permit),
    }
    kinds = rng.choices(list(ways), weights=[60, 5, 5, 2, 10, 2, 3, 13], k=10_000)
    permit.withdrawn = "order_recalled"
    before = await asyncio.to_thread(nginx.answered)
    async with transport_to(nginx.endpoint_host, ca_file=nginx.ca_file, tuning=PATIENT) as (
        transport,
        answers,
    ):
        parcels = [ways[kind](number) for number, kind in enumerate(kinds)]
        for start in range(0, len(parcels), 700):
            transport.post(parcels[start : start + 700])
        await answers.wait_for(10_000)
        [state] = transport.origins()
    assert len(answers.all) == 10_000
    assert answers.times_each_came_back() == {1}
    assert Counter(one.status or one.cause for _, one in answers.all) == Counter(kinds)
    assert {one.left for _, one in answers.all if one.status == 0} == {False}
    spoken = sum(kind not in ("host_refused", "order_recalled") for kind in kinds)
    assert await asyncio.to_thread(nginx.answered) - before == spoken + 1  # none left twice; asking is one
    assert (state.accepted, state.in_flight, state.waiting) == (Counter(kinds)[201], 0, 0)


async def test_in_a_bad_network_each_message_comes_back_once_and_says_what_is_known():
    rng = random.Random(5)
    ways = {
        410: GONE,
        404: NOT_FOUND,
        "reset": RESET,
        "timeout": slow(5.0),
        429: too_many(3),
        500: SERVER_ERROR,
    }
    kinds = rng.choices(list(ways), weights=[60, 20, 5, 2, 10, 3], k=600)
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        for number, kind in enumerate(kinds):
            push.answer_always(ways[kind], to=f"{number}")
        transport.post([parcel(f"{push.url}/push/{number}") for number in range(600)])
        await answers.wait_for(600)
        seen = Counter(one.token for one in [*push.attempts, *push.in_work])
    assert answers.times_each_came_back() == {1}
    assert len(answers.all) == 600
    for one, outcome in answers.all:
        token = one.endpoint.rsplit("/", 1)[1]
        if outcome.cause == "push_service_down":
            assert (outcome.left, seen[token]) == (False, 0)
            continue
        assert kinds[int(token)] == (outcome.status or outcome.cause)
        assert outcome.left
        assert (
            seen[token] == 1 or outcome.cause == "reset"
        )  # curl repeats it when the connection was an old one
    assert sum(outcome.status > 0 for _, outcome in answers.all) > 300


async def test_the_event_loop_goes_on_while_five_thousand_go_out(nginx):
    loop, late_s = asyncio.get_running_loop(), [0.0]

    async def watch() -> None:
        while True:
            before_s = loop.time()
            await asyncio.sleep(0.005)
            late_s.append(loop.time() - before_s - 0.005)

    async with transport_to(nginx.endpoint_host, ca_file=nginx.ca_file, tuning=PATIENT) as (
        transport,
        answers,
    ):
        watcher = asyncio.create_task(watch())
        transport.post([parcel(f"{nginx.url}/push/{number}") for number in range(5_000)])
        outcomes = await answers.wait_for(5_000)
        watcher.cancel()
    assert Counter(one.status for one in outcomes) == {201: 5_000}
    assert answers.calls < 1_000  # many outcomes a call
    assert max(late_s) < 1.0  # whoever waited for a network here would have waited longer


@pytest.mark.parametrize("options", [{"requests_per_connection": 700}, {"max_streams": 5}, {"http2": False}])
async def test_a_server_of_few_words_gets_every_message_too(options):
    with open_nginx(**options) as server:
        async with transport_to(server.endpoint_host, ca_file=server.ca_file, tuning=PATIENT) as (
            transport,
            answers,
        ):
            sent = 0
            left = [parcel(f"{server.url}/push/{number}") for number in range(3_000)]
            while left:  # those a server that says goodbye did not take are told as unsure, and go again
                transport.post(left)
                sent += len(left)
                outcomes = await answers.wait_for(sent)
                assert {one.cause for one in outcomes} <= {"", "reset"}
                assert all(one.left for one in outcomes)
                left = [one for one, outcome in answers.all[-len(left) :] if outcome.status != 201]
            answered = await asyncio.to_thread(server.answered)
        assert sum(one.status == 201 for _, one in answers.all) == 3_000
        assert 3_000 <= answered <= sent + 1


async def test_a_server_without_http_2_has_no_more_under_way_than_connections():
    tuning = TransportTuning(in_flight=60, in_flight_per_origin=40, connections_per_origin=4)
    async with PushService() as push, transport_to(push.endpoint_host, tuning=tuning) as (transport, answers):
        push.answer_always(slow(0.05, GONE))
        most = 0
        transport.post([parcel(f"{push.url}/push/{number}") for number in range(60)])
        while len(answers.all) < 60:
            await answers.wait_for(len(answers.all) + 1)
            most = max(most, len(push.in_work), transport.origins()[0].in_flight)
        assert most == 4


async def test_a_dead_and_a_mute_push_service_do_not_delay_the_third(nginx):
    async with (
        silent_server() as mute,
        transport_to(nginx.endpoint_host, "127.0.0.1:9", mute, ca_file=nginx.ca_file) as (transport, answers),
    ):
        transport.post([parcel(f"http://{mute}/{number}") for number in range(1_000)])
        transport.post([parcel(f"{NOBODY}/{number}") for number in range(1_000)])
        transport.post([parcel(f"{nginx.url}/push/{number}") for number in range(1_000)])
        async with asyncio.timeout(20):
            while len(answers.to(nginx.url)) < 1_000:
                await answers.wait_for(len(answers.all) + 1)
        # nothing of the mute one had even timed out when the third was through
        assert answers.to(f"http://{mute}") == []
        assert {one.status for one in answers.to(nginx.url)} == {201}
        outcomes = await answers.wait_for(3_000)
        dead = Counter(one.cause for one in answers.to(NOBODY))
        assert dead["push_service_down"] > 900
        assert set(dead) == {"push_service_down", "no_connection"}
        assert {one.left for one in answers.to(NOBODY)} == {False}
        assert 0 < transport.rest_s(NOBODY) <= 2.0
        assert transport.rest_s(nginx.url) == 0.0
        assert {one.origin: one.state for one in transport.origins()} == {
            NOBODY: "resting",
            f"http://{mute}": "resting",
            nginx.url: "open",
        }
        assert len(outcomes) == 3_000
        assert answers.times_each_came_back() == {1}


async def test_a_push_service_that_comes_back_is_found_by_one_message(monkeypatch):
    monkeypatch.setattr("workers.lanes.FIRST_REST_S", 0.2)
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_next(16, SERVER_ERROR)
        push.answer_always(GONE)
        transport.post([parcel(f"{push.url}/push/{number}") for number in range(16)])
        await answers.wait_for(16)
        assert transport.rest_s(push.url) > 0
        assert (await send_one(transport, answers, f"{push.url}/push/early")).cause == "push_service_down"
        async with asyncio.timeout(5):
            while transport.rest_s(push.url) > 0:
                await asyncio.sleep(0.01)
        transport.post([parcel(f"{push.url}/push/{number}") for number in range(20)])
        outcomes = await answers.wait_for(37)
        assert [one.status for one in outcomes[17:]] == [410] * 20
        assert transport.origins()[0].state == "open"


@asynccontextmanager
async def freezing_forwarder(leads_to: int) -> AsyncIterator[tuple[str, list[asyncio.Event]]]:
    """(host:port, an event for each connection): takes everything to one port; a cleared event holds it up for good."""
    flows: list[asyncio.Event] = []
    served: set[asyncio.Task[object] | None] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event) -> None:
        try:
            while some := await reader.read(65_536):
                await flow.wait()
                writer.write(some)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.Event()
        flow.set()
        flows.append(flow)
        served.add(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", leads_to)
        await asyncio.gather(pump(reader, back, flow), pump(there, writer, flow), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", flows
    finally:
        server.close()
        for one in flows:
            one.set()
        await asyncio.wait([one for one in served if one is not None], timeout=5)


async def test_a_push_service_that_says_too_many_to_everybody_is_left_alone_for_as_long_as_it_says():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(too_many(5))
        transport.post([parcel(f"{push.url}/push/{n}") for n in range(40)])
        await answers.wait_for(40)
        assert 2.0 < transport.rest_s(push.url) <= 5.0
        (state,) = transport.origins()
        assert (state.state, state.cause) == ("resting", "http_429")
        outcomes = [outcome for _, outcome in answers.all]
        assert {one.cause for one in outcomes} == {"http_429", "push_service_down"}
        # Nobody is counted as tried who only waited, and all are told when to come again.
        assert all(one.retry_after_s for one in outcomes)


async def test_too_many_said_to_one_person_now_and_then_holds_nobody_else_up():
    async with PushService() as push, transport_to(push.endpoint_host) as (transport, answers):
        push.answer_always(Answer(status=200))
        for n in range(0, 40, 4):
            push.answer_always(too_many(30), to=f"{push.url}/push/{n}")
        transport.post([parcel(f"{push.url}/push/{n}") for n in range(40)])
        await answers.wait_for(40)
        assert transport.rest_s(push.url) == 0.0
        assert sum(outcome.status == 200 for _, outcome in answers.all) == 30


async def test_a_connection_that_went_mute_is_not_used_again_after_the_rest(nginx, monkeypatch):
    monkeypatch.setattr("workers.lanes.FIRST_REST_S", 1.2)
    port = int(nginx.endpoint_host.rpartition(":")[2])
    async with (
        freezing_forwarder(port) as (host, flows),
        transport_to(host, ca_file=nginx.ca_file) as (transport, answers),
    ):
        assert (await send_one(transport, answers, f"https://{host}/push/first")).status == 201
        flows[0].clear()
        transport.post([parcel(f"https://{host}/push/{number}") for number in range(20)])
        assert {one.cause for one in (await answers.wait_for(21))[1:]} == {"timeout"}
        async with asyncio.timeout(10):
            while transport.rest_s(f"https://{host}") > 0:
                await asyncio.sleep(0.02)
        transport.post([parcel(f"https://{host}/push/{number}") for number in range(20)])
        assert {one.status for one in (await answers.wait_for(41))[21:]} == {201}
        assert len(flows) >= 2


# ---- stopping -----------------------------------------------------------------------------------------


async def test_what_still_waits_comes_back_soon_after_its_permit_was_withdrawn():
    permit = Permit()
    tuning = TransportTuning(
        in_flight=10, in_flight_per_origin=6, connections_per_origin=4, total_timeout_s=20.0
    )
    async with PushService() as push, transport_to(push.endpoint_host, tuning=tuning) as (transport, answers):
        push.answer_always(slow(30.0, GONE))
        transport.post([parcel(f"{push.url}/push/{number}", permit=permit) for number in range(500)])
        await push.wait_until(lambda: len(push.in_work) == 4)
        permit.withdrawn = "order_recalled"
        outcomes = await answers.wait_for(496, timeout_s=5.0)
        assert {(one.cause, one.left, one.bytes_sent) for one in outcomes} == {("order_recalled", False, 0)}
        assert len(outcomes) == 496  # the four under way are the push service's already
        assert len(push.in_work) == 4
    assert Counter((one.cause, one.left) for _, one in answers.all[496:]) == {("stopped", True): 4}


async def test_what_waits_inside_curl_for_a_connection_is_recalled_too():
    permit = Permit()
    tuning = TransportTuning(connect_timeout_s=20.0, total_timeout_s=20.0)
    async with silent_server() as host, transport_to(host, tuning=tuning) as (transport, answers):
        transport.post([parcel(f"https://{host}/{number}", permit=permit) for number in range(12)])
        async with asyncio.timeout(5):
            while not transport.origins() or transport.origins()[0].in_flight < 12:
                await asyncio.sleep(0.01)
        permit.withdrawn = "order_recalled"
        outcomes = await answers.wait_for(12, timeout_s=5.0)
        assert {(one.cause, one.left) for one in outcomes} == {("order_recalled", False)}
        assert transport.origins()[0].in_flight == 0


async def test_closing_lets_what_is_under_way_finish_and_tells_everything():
    tuning = TransportTuning(connections_per_origin=4)
    async with PushService() as push:
        push.answer_always(slow(0.3, GONE))
        async with transport_to(push.endpoint_host, tuning=tuning) as (transport, answers):
            transport.post([parcel(f"{push.url}/push/{number}") for number in range(50)])
            await push.wait_until(lambda: len(push.in_work) == 4)
        assert Counter((one.status, one.cause, one.left) for _, one in answers.all) == {
            (410, "http_410", True): 4,
            (0, "stopped", False): 46,
        }
        assert len(push.attempts) == 4
        with pytest.raises(TransportDied):
            transport.post([parcel(f"{push.url}/push/late")])


async def test_closing_leaves_no_file_and_no_thread_behind(nginx):
    async def once() -> None:
        async with transport_to(nginx.endpoint_host, ca_file=nginx.ca_file) as (transport, answers):
            transport.post([parcel(f"{nginx.url}/push/{number}") for number in range(200)])
            await answers.wait_for(200)

    await once()
    before = await asyncio.to_thread(_files)
    for _ in range(3):
        await once()
    assert await asyncio.to_thread(_files) <= before
    assert [one.name for one in threading.enumerate() if one.name == "push-transport"] == []


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_thread_that_dies_is_told_and_what_was_under_way_is_unsure(monkeypatch, caplog):
    async with PushService() as push:
        push.answer_always(slow(30.0, GONE))
        async with transport_to(push.endpoint_host, tuning=TransportTuning(connections_per_origin=4)) as (
            transport,
            answers,
        ):
            transport.post([parcel(f"{push.url}/push/{number}") for number in range(10)])
            await push.wait_until(lambda: len(push.in_work) == 4)

            def broken(*_: object, **__: object) -> None:
                raise RuntimeError("the engine broke")

            monkeypatch.setattr("workers.engine.Engine.turn", broken)
            transport.post([parcel(f"{push.url}/push/last")])
            outcomes = await answers.wait_for(11)
            assert Counter((one.cause, one.left) for one in outcomes) == {
                ("transport_died", True): 4,
                ("transport_died", False): 7,
            }
            with pytest.raises(TransportDied):
                transport.post([parcel(f"{push.url}/push/more")])
    assert "the engine broke" in caplog.text
    assert answers.times_each_came_back() == {1}


OUT_OF_FILES = """
import asyncio, os, resource
from tests.bed.push_service import PushService
from tests.bed.answers import GONE
from tests.workers.sending_bed import send_one, transport_to

async def main():
    async with PushService() as one, PushService() as other:
        one.answer_always(GONE)
        other.answer_always(GONE)
        async with transport_to(one.endpoint_host, other.endpoint_host) as (transport, answers):
            assert (await send_one(transport, answers, f"{one.url}/push/a")).status == 410
            held = []
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
            try:
                while True:
                    held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                pass
            short = await send_one(transport, answers, f"{other.url}/push/b")
            assert (short.status, short.cause, short.left) == (0, "out_of_files", False), short
            # who has a connection goes on
            assert (await send_one(transport, answers, f"{one.url}/push/c")).status == 410
            for fd in held:
                os.close(fd)
            assert (await send_one(transport, answers, f"{other.url}/push/d")).status == 410
    print("well")

asyncio.run(main())
"""


def test_out_of_files_one_push_service_waits_and_the_others_go_on():
    ended = subprocess.run(
        [sys.executable, "-c", OUT_OF_FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ended.stdout, ended.returncode) == ("well\n", 0), ended.stderr
