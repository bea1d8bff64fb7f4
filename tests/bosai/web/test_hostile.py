"""An attacker on the internet: every route that changes something, and bodies that are not what they say."""

from __future__ import annotations

import gzip
import re

import pytest
from aiohttp import web

from tests.bosai.web.running import Site, running

PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="pin"\r\n'
GARBAGE = [
    pytest.param(FORM, b"name=\xff", {}, id="not UTF-8"),
    pytest.param(f"{FORM}; charset=bogus", b"name=a", {}, id="a charset that does not exist"),
    pytest.param(MULTIPART, b"--x\r\nfoo", {}, id="broken multipart"),
    pytest.param("multipart/form-data", b"--x\r\nfoo", {}, id="multipart without a boundary"),
    pytest.param(
        MULTIPART,
        PART + b"Content-Type: text/plain; charset=bogus\r\n\r\na\r\n--x--\r\n",
        {},
        id="a part's charset",
    ),
    pytest.param(
        MULTIPART,
        PART + b"Content-Transfer-Encoding: bogus\r\n\r\na\r\n--x--\r\n",
        {},
        id="a part's encoding",
    ),
    pytest.param(FORM, b"junk", {"Content-Encoding": "gzip"}, id="not gzip"),
    pytest.param("application/json", b"junk", {"Content-Encoding": "gzip"}, id="JSON that is not gzip"),
    pytest.param("application/json", b"\xff\xfe", {}, id="JSON that is not UTF-8"),
    pytest.param("application/json", b"[" * 30_000, {}, id="deep JSON"),
]


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


# What a route takes only as one of some words: with a number in its place no such page would be tried.
WORDS = {"{file}": "report.csv", "{class}": "major_warning"}


def routes(site: Site) -> set[tuple[str, str]]:
    """(method, path) of every route of both sides, with something in the place of what varies."""

    def of(app: web.Application) -> set[tuple[str, str]]:
        found = set()
        for route in app.router.routes():
            path = route.resource.canonical if route.resource is not None else "/"
            for name, word in WORDS.items():
                path = path.replace(name, word)
            found.add((route.method, re.sub(r"\{[^}]*\}", "1", path)))
        return found

    return of(site.app)


async def test_no_route_that_changes_anything_is_open_to_pages_of_others(site):
    unsafe = {one for one in routes(site) if one[0] not in ("GET", "HEAD", "OPTIONS", "*")}
    assert len(unsafe) > 40
    assert any(path.startswith("/drill/hq/") for _, path in unsafe)
    for method, path in sorted(unsafe):
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Cookie": "bosai_hq=x"}):
            answer = await site.ask(method, path, headers=headers, data=b"a=b")
            assert answer.status == 403, (method, path, headers)


async def test_without_a_session_no_page_of_the_console_shows_anything(site):
    inside = {one for one in routes(site) if re.match(r"(/drill)?/hq/", one[1]) and "/sign-" not in one[1]}
    assert len(inside) > 40
    for method, path in sorted(inside):
        if method == "HEAD":
            continue
        answer = await site.ask(method, path, headers={"Origin": site.url}, data=b"a=b")
        assert answer.status == 401, (method, path)
        page = await site.ask(method, path, headers={"Origin": site.url, **PAGE}, data=b"a=b")
        assert page.status == 303, (method, path)
        assert "/hq/sign-in" in page.headers["Location"]


@pytest.mark.parametrize(("kind", "body", "headers"), GARBAGE)
@pytest.mark.parametrize(
    "path", ["/hq/sign-in", "/drill/s/abc/pin", "/api/v1/subscriptions", "/drill/api/v1/receipts"]
)
async def test_a_body_that_is_not_what_it_says_is_the_senders_mistake_and_never_ours(  # noqa: PLR0917
    site, caplog, path, kind, body, headers
):
    answer = await site.ask("POST", path, data=body, headers={"Content-Type": kind, **headers})
    assert 400 <= answer.status < 500, answer
    assert not [one for one in caplog.records if one.exc_info], "a stranger must not be able to fill the log"


async def test_a_packed_body_is_never_unpacked(site):
    bomb = gzip.compress(b"a" * 50_000_000)
    assert len(bomb) < 65_536
    problem = await site.problem(
        "POST", "/api/v1/subscriptions", data=bomb, headers={"Content-Encoding": "gzip"}
    )
    assert (problem["status"], problem["field"]) == (400, "body")
