"""The resident's pages over HTTP, as a browser without script gets them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from lxml import html

from bosai.messages.catalogue import LANGS, text
from bosai.model.realm import Realm
from bosai.wiring import Wired
from tests.bosai.services.hq import Hq, flood, square, tsunami
from tests.bosai.web.resident_site import pick, resident_site
from tests.redis_server import PrivateRedis

ARAHAMA = {"lon": "140.9701", "lat": "38.2221"}
NARROW = square(west=140.965, south=38.215, side=0.012)


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[tuple[TestServer, Wired]]:
    async with resident_site(private_redis, tmp_path) as opened:
        yield opened


@pytest.fixture
async def browser(site: tuple[TestServer, Wired]) -> AsyncIterator[aiohttp.ClientSession]:
    server, _ = site
    async with aiohttp.ClientSession(
        server.make_url("/"), headers={"Accept": "text/html"}, cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as session:
        yield session


async def page(
    browser: aiohttp.ClientSession, path: str = "/", status: int = 200, **query: str
) -> html.HtmlElement:
    async with browser.get(path, params=query) as answer:
        words = await answer.text()
        assert answer.status == status, words[:2000]
        return html.fromstring(words)


def said(document: html.HtmlElement, css: str = "main") -> str:
    return " ".join(" ".join(one.text_content().split()) for one in pick(document, css))


def hq(site: tuple[TestServer, Wired], realm: Realm = Realm.LIVE) -> Hq:
    side = Hq(site[1].redis, realm)
    side.clock.at = site[1].clock.now()
    return side


def here(form, names: tuple[str, ...] = ("若林区荒浜",)):
    import msgspec

    area = msgspec.structs.replace(form.area, polygons_e7_lonlat=NARROW, names=names)
    return msgspec.structs.replace(form, area=area)


async def test_with_nothing_in_force_the_page_says_when_it_looked_and_never_that_it_is_safe(browser) -> None:
    document = await page(browser)
    assert "いま、仙台市に出ている避難情報はありません。" in said(document)
    assert pick(document, ".in-force time")[0].get("datetime")
    assert "安全" not in said(document)


@pytest.mark.parametrize("name", ["荒浜", "あらはま", "Arahama", "アラハマ", "arahama"])
async def test_a_town_is_found_by_kanji_kana_and_romaji(browser, name: str) -> None:
    document = await page(browser, q=name)
    towns = [" ".join(one.text_content().split()) for one in pick(document, "a.town")]
    assert any("荒浜" in one for one in towns), towns


@pytest.mark.parametrize(
    ("lang", "told"), [("ja", "津波：3階以上"), ("en", "Tsunami (津波)：floor 3 or above (3階以上)")]
)
async def test_a_site_whose_refuge_is_upstairs_is_never_listed_without_its_floor(
    browser, lang: str, told: str
) -> None:
    """岡田小学校 lies where the tsunami of 2011 came: only its third floor is a refuge."""
    document = await page(browser, lon="140.9783", lat="38.2567", lang=lang)
    schools = [one for one in pick(document, "li.site") if "岡田小学校" in one.text_content()]
    tsunami_lists = [one for one in schools if "津波" in one.getparent().getprevious().text_content()]
    assert tsunami_lists
    for one in tsunami_lists:
        assert told in " ".join(one.text_content().split())


async def test_a_town_outside_the_city_is_named_as_such_and_leads_nowhere(browser) -> None:
    document = await page(browser, q="閖上")
    assert "仙台市の外です" in said(document, ".towns")
    assert pick(document, "a.town") == []


async def test_a_town_nobody_knows_is_answered_with_what_to_try(browser) -> None:
    document = await page(browser, q="<b>ドコカ</b>")
    assert "「<b>ドコカ</b>」は見つかりません" in said(document)
    assert pick(document, "main b") == []


async def test_outside_every_area_one_is_not_covered_and_sees_the_nearest_sites_by_hazard(browser) -> None:
    document = await page(browser, **ARAHAMA)
    words = said(document, "#here")
    assert "避難情報の対象ではありません" in words
    assert "区域の外でも、危険がないとは言えません" in words
    headings = [one.text_content() for one in pick(document, "#here h4")]
    assert headings[0] == "津波"
    sites = pick(document, "#here .site")
    assert sites
    assert re.search(r"(北|東|南|西)へ約[\d.]+k?m・徒歩約\d+分", sites[0].text_content())
    assert "想定" in words  # no capacity is published: assumed ones say so


async def test_inside_a_tsunami_area_the_page_says_what_to_do_and_where_to(site, browser) -> None:
    await hq(site).issue(here(tsunami()))
    document = await page(browser, **ARAHAMA)
    assert "大津波警報" in said(document, ".in-force .level")
    assert "警戒レベル" not in said(document)
    card = pick(document, "#here .advice-card")[0]
    assert card.get("role") == "alert"
    assert re.search("逃げて！|上がって！", card.text_content())
    assert "仙台市" in said(document, "#here .issuer")
    assert "案内：仙台市プッシュ型避難誘導" in said(document, "#here .issuer")
    assert said(document, "#here .advice-card ul li")


async def test_inside_a_flood_area_the_level_is_number_word_and_shape(site, browser) -> None:
    await hq(site).issue(here(flood()))
    document = await page(browser, **ARAHAMA)
    badge = pick(document, ".in-force .level")[0]
    assert "level-4" in badge.get("class")
    assert badge.text_content() == "警戒レベル4 避難指示"


async def test_the_drill_side_is_marked_and_the_live_side_stays_silent(site, browser) -> None:
    await hq(site, Realm.DRILL).issue(here(tsunami()))
    live = await page(browser, **ARAHAMA)
    assert "大津波警報" not in said(live)
    assert "訓練" not in live.text_content()
    drill = await page(browser, "/drill/", **ARAHAMA)
    assert "大津波警報" in said(drill)
    assert pick(drill, "title")[0].text.startswith("【訓練】")
    assert "これは訓練です" in said(drill, ".drill-banner")
    card = " ".join(pick(drill, "#here .advice-card")[0].text_content().split())
    assert card.startswith("【訓練】")
    assert card.endswith("これは訓練です")
    assert all(
        one.get("href").startswith(("/drill/", "/static/")) for one in pick(drill, "a.town, a.resident-name")
    )


@pytest.mark.parametrize("lang", LANGS)
async def test_every_language_shows_its_words_and_says_when_it_is_a_draft(site, browser, lang: str) -> None:
    await hq(site).issue(here(tsunami()))
    document = await page(browser, **ARAHAMA, lang=lang)
    assert document.get("lang") == ("ja" if lang.startswith("ja") else lang)
    assert text("resident.title", lang) in said(document, "h1")
    assert "大津波警報" in said(document, ".level")
    assert bool(pick(document, ".draft-note")) is (lang != "ja")


async def test_the_chosen_language_is_remembered(browser) -> None:
    await page(browser, lang="ko")
    assert text("resident.title", "ko") in said(await page(browser), "h1")


async def test_the_chooser_keeps_the_place(browser) -> None:
    document = await page(browser, **ARAHAMA)
    links = {one.get("hreflang"): one.get("href") for one in pick(document, ".languages a")}
    assert "lon=140.9701" in links["vi"]
    assert "lang=vi" in links["vi"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"lon": "140.97"}, "緯度"),
        ({"lon": "east", "lat": "38.2"}, "経度"),
        ({"lon": "38.22", "lat": "38.22"}, "経度"),
        ({"lon": "nan", "lat": "38.22"}, "経度"),
        ({"lon": "140.97", "lat": "35.6"}, "緯度"),
    ],
)
async def test_a_bad_point_is_answered_with_the_field_and_the_mend(browser, query, field: str) -> None:
    document = await page(browser, status=400, **query)
    assert field in said(document)


async def test_no_page_needs_script_inline_or_a_style_attribute(site, browser) -> None:
    await hq(site).issue(here(flood()))
    for path in ("/", "/advice", "/drill/"):
        document = await page(browser, path, **(ARAHAMA if path != "/advice" else {}))
        inline = [
            one
            for one in pick(document, "script")
            if not one.get("src") and one.get("type") not in ("application/json", "importmap")
        ]
        assert inline == []
        assert pick(document, "[style], [onclick], style") == []


async def test_the_pages_data_for_scripts_holds_no_secret_and_is_not_markup(site, browser) -> None:
    document = await page(browser, **ARAHAMA)
    config = json.loads(pick(document, "#page-config")[0].text)
    assert config["vapid"] == site[1].realms[Realm.LIVE].vapid_public_b64url
    assert config["place"] == {"lon": 140.9701, "lat": 38.2221, "label": config["place"]["label"]}
    assert "荒浜" in config["place"]["label"]
    assert "{minutes}" in config["texts"]["age"]
    drill = await page(browser, "/drill/")
    assert json.loads(pick(drill, "#page-config")[0].text)["vapid"] != config["vapid"]


@pytest.mark.parametrize("prefix", ["", "/drill"])
async def test_worker_and_manifest_belong_to_their_side(browser, prefix: str) -> None:
    async with browser.get(f"{prefix}/sw.js") as answer:
        assert answer.headers["Service-Worker-Allowed"] == f"{prefix}/"
        assert answer.content_type == "text/javascript"
        assert answer.headers["Cache-Control"] == "no-cache"
    async with browser.get(f"{prefix}/manifest.webmanifest") as answer:
        manifest = json.loads(await answer.read())
    assert manifest["scope"] == manifest["start_url"] == f"{prefix}/"
    assert manifest["name"].startswith("【訓練】") is bool(prefix)
    for icon in manifest["icons"]:
        async with browser.get(icon["src"]) as answer:
            assert answer.status == 200
            assert answer.content_type == "image/png"


async def test_everything_the_service_worker_keeps_for_offline_is_there(browser) -> None:
    async with browser.get("/sw.js") as answer:
        script = await answer.text()
    files = re.findall(r'"(/static/[^"]+\.(?:js|css))"', script)
    assert len(files) >= 6
    for path in files:
        async with browser.get(path) as answer:
            assert answer.status == 200, path
