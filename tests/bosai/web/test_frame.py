"""What happens around every handler: headers, origins, problem documents, static files, languages, two sides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import NotFound, WrongOrigin
from bosai.messages.catalogue import LANGS
from bosai.messages.error_texts import error_text
from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.web import assets
from bosai.web.base import _accepted
from bosai.web.middleware import CSP
from tests.bosai.web.running import running, subscription

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/drill/",
        "/healthz",
        "/static/base.css",
        "/no-such-page",
        "/api/v1/towns?q=荒浜",
        "/drill/no-such",
    ],
)
async def test_every_answer_carries_the_security_headers_errors_and_files_included(site, path):
    answer = await site.ask("GET", path)
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_policy_allows_no_inline_script_no_inline_style_and_no_other_host():
    assert "default-src 'none'" in CSP
    assert "unsafe" not in CSP
    assert not re.search(r"https?:|\*", CSP)
    assert re.search(r"script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='", CSP)
    assert "frame-ancestors 'none'" in CSP


async def test_the_one_inline_script_of_a_page_is_the_import_map_the_policy_allows(site):
    page = (await site.ask("GET", "/", headers=HTML)).body.decode()
    maps = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert maps == [assets.IMPORT_MAP]
    for attributes in re.findall(r"<script([^>]*)>", page):
        assert (
            "src=" in attributes
            or 'type="importmap"' in attributes
            or 'type="application/json"' in attributes
        )
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


async def test_a_desks_address_never_leaves_in_a_referer_and_our_own_forms_keep_their_origin(site):
    # With "no-referrer" a browser would post our forms with `Origin: null` (Fetch, "append a request Origin header").
    assert (await site.ask("GET", "/")).headers["Referrer-Policy"] == "same-origin"


# -- origins ----------------------------------------------------------------------------------------------


OTHER = "https://elsewhere.example"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),  # a program: no Origin, no Sec-Fetch-Site, no cookie
        ({"Origin": OTHER}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": OTHER, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Cookie": "bosai_lang=ja"}, True),  # a browser that says nothing of where it comes from
    ],
)
async def test_a_change_is_taken_from_our_own_pages_and_from_programs_only(site, headers, refused):
    answer = await site.ask("POST", "/api/v1/subscriptions", json=subscription(), headers=headers)
    assert answer.status == (403 if refused else 201)
    if refused:
        assert answer.json()["code"] == WrongOrigin.code
        assert await site.side().subscriptions.count() == 0


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
async def test_on_ones_own_machine_every_way_to_write_it_is_our_own_origin(site, name):
    port = site.settings.web.port
    answer = await site.ask(
        "POST", "/api/v1/subscriptions", json=subscription(), headers={"Origin": f"http://{name}:{port}"}
    )
    assert answer.status == 201


@pytest.mark.parametrize(
    ("public_url", "origin", "taken"),
    [
        ("https://bosai.example.jp", "https://bosai.example.jp", True),
        ("https://bosai.example.jp:443", "https://bosai.example.jp", True),
        ("https://bosai.example.jp:8443", "https://bosai.example.jp:8443", True),
        ("https://bosai.example.jp", "http://bosai.example.jp", False),
        ("https://bosai.example.jp", "https://bosai.example.jp.evil.example", False),
        ("https://bosai.example.jp", "http://localhost:8080", False),
    ],
)
async def test_behind_a_proxy_the_public_address_alone_is_our_own_origin(
    tmp_path, private_redis, public_url, origin, taken
):
    async with running(tmp_path, private_redis.url, {"web.public_url": public_url}) as site:
        answer = await site.ask(
            "POST", "/api/v1/subscriptions", json=subscription(), headers={"Origin": origin}
        )
    assert (answer.status == 201) is taken


async def test_reading_is_open_to_pages_of_others(site):
    assert (await site.ask("GET", "/api/v1/areas.geojson", headers={"Origin": OTHER})).status == 200


# -- problems ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
async def test_a_problem_is_told_in_the_readers_language(site, lang):
    document = await site.problem("GET", "/api/v1/no-such", headers={"Accept-Language": lang})
    words = error_text(NotFound("page", "/api/v1/no-such"), lang)
    assert (document["title"], document["detail"], document["mend"]) == (
        words.title,
        words.detail,
        words.mend,
    )
    assert document["code"] == "not_found"


async def test_a_browser_that_navigates_gets_a_page_and_a_program_a_document(site):
    page = await site.ask("GET", "/no-such", headers={**HTML, "Accept-Language": "en"})
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert 'lang="en"' in page.body.decode()
    assert (await site.problem("GET", "/no-such"))["status"] == 404
    assert (await site.problem("GET", "/api/v1/no-such", headers=HTML))["status"] == 404


async def test_a_page_that_fails_on_the_drill_side_is_marked_as_drill(site):
    drill = (await site.ask("GET", "/drill/no-such", headers=HTML)).body.decode()
    live = (await site.ask("GET", "/no-such", headers=HTML)).body.decode()
    assert 'data-realm="drill"' in drill
    assert "【訓練】" in drill
    assert 'href="/drill/"' in drill
    assert 'data-realm="live"' in live
    assert "【訓練】" not in live


async def test_a_wrong_method_is_named_with_those_that_are_right(site):
    answer = await site.ask("DELETE", "/api/v1/subscriptions")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.json()["status"] == 405


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("lon=nan&lat=38.2", "lon"),
        ("lon=x&lat=38.2", "lon"),
        ("lon=140.98&lat=inf", "lat"),
        ("lon=0&lat=0", "lon"),
    ],
)
async def test_a_link_with_a_place_that_is_none_names_the_field(site, query, field):
    document = await site.problem("GET", f"/?{query}")
    assert (document["status"], document["field"]) == (400, field)


async def test_too_large_a_body_is_refused_with_the_limit(site):
    document = await site.problem("POST", "/api/v1/receipts", data=b"[" + b" " * 70_000 + b"]")
    assert (document["status"], document["code"]) == (413, "body_too_large")
    assert document["limit_bytes"] == site.settings.web.body_max_bytes


async def test_the_limit_of_a_body_is_the_one_set(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url, {"web.body_max_bytes": 4096}) as site:
        assert (await site.problem("POST", "/drill/api/v1/receipts", data=b"x" * 5000))["limit_bytes"] == 4096


async def test_a_store_that_does_not_answer_is_admitted_and_nothing_is_acknowledged(site, monkeypatch):
    async def gone(*_args, **_more):
        from redis.exceptions import ConnectionError as Gone

        raise Gone("no server")

    monkeypatch.setattr(site.opened.redis, "execute_command", gone)
    for method, path, more in [
        ("POST", "/api/v1/subscriptions", {"json": subscription()}),
        ("GET", "/readyz", {}),
        ("GET", "/api/v1/sites.geojson", {}),
    ]:
        document = await site.problem(method, path, **more)
        assert (document["status"], document["code"]) == (503, "store_unavailable"), path
    assert (await site.ask("GET", "/healthz")).status == 200


async def test_a_fault_of_ours_is_admitted_without_its_particulars(site, monkeypatch):
    async def broken(*_args, **_more):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.side().subscriptions), "register", broken)
    answer = await site.ask("POST", "/api/v1/subscriptions", json=subscription())
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    assert b"secret detail" not in answer.body


# -- languages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "ja"),
        ("fr", "ja"),
        ("en-GB,en;q=0.9", "en"),
        ("fr;q=0.9, vi;q=0.5", "vi"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hans-SG", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("en;q=0, ko;q=0.1", "ko"),
        ("en;q=nan, id", "id"),
        ("ja-JP", "ja"),
        ("in", "id"),
    ],
)
def test_the_best_of_our_languages_is_chosen(header, lang):
    assert _accepted(header) == lang


@given(st.text(max_size=200))
def test_no_header_is_too_strange_to_choose_a_language(header):
    assert _accepted(header) in LANGS


async def test_a_link_with_a_language_wins_over_the_cookie_and_the_cookie_over_the_browser(site):
    headers = {"Accept-Language": "vi", "Cookie": "bosai_lang=ko"}
    assert (await site.ask("GET", "/api/v1/x?lang=ne", headers=headers)).headers["Content-Language"] == "ne"
    assert (await site.ask("GET", "/api/v1/x", headers=headers)).headers["Content-Language"] == "ko"
    assert (await site.ask("GET", "/api/v1/x?lang=tlh", headers=headers)).headers["Content-Language"] == "ko"


# -- static files -----------------------------------------------------------------------------------------


async def test_a_file_named_with_its_content_may_be_kept_and_another_is_asked_for_again(site):
    path = assets.asset("base.css")
    kept = await site.ask("GET", path)
    assert (kept.status, kept.headers["Content-Type"]) == (200, "text/css")
    assert "immutable" in kept.headers["Cache-Control"]
    assert (await site.ask("GET", path.partition("?")[0])).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fsettings.toml",
        "/static//etc/passwd",
        "/static/%00",
        "/static/resident",
        "/static/vendor/maplibre-gl/package.json",
        "/static/vendor/..%2f..%2fpackage.json",
    ],
)
async def test_nothing_outside_the_two_places_is_served(site, path):
    from yarl import URL

    answer = await site.client.get(URL(site.url + path, encoded=True))
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_library_that_was_not_brought_leaves_pages_without_it(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "NODE_MODULES", tmp_path)
    assert (
        assets.asset.__wrapped__("vendor/design-tokens/tokens.css")
        == "/static/vendor/design-tokens/tokens.css"
    )
    assert assets.missing_libraries() == sorted(assets.VENDOR.values())


async def test_the_drill_side_typed_without_its_slash_is_found(site):
    answer = await site.ask("GET", "/drill")
    assert (answer.status, answer.headers["Location"]) == (302, "/drill/")


def test_importing_and_making_the_application_opens_nothing():
    from bosai.web.app import make_app

    def never():
        raise AssertionError("opened too early")

    app = make_app(never)
    assert {route.resource.canonical for route in app.router.routes() if route.resource} >= {"/", "/healthz"}
    assert load_settings().web.body_max_bytes == 65_536
    assert Realm.DRILL.path_prefix == "/drill"
