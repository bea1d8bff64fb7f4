"""The way on foot over HTTP: in sentences, never in an address, and as a list on the page that needs no script."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import msgspec
import pytest
from lxml import html

from bosai.errors import Overloaded
from bosai.messages.catalogue import LANGS
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.web import walk_route
from geodata.foot import Foot
from shelters.model import Opening
from tests.bosai.services.hq import Hq, officer, square
from tests.bosai.services.hq import flood as flood_order
from tests.bosai.web.ground import flood, found_way, know, landslide, stand_on
from tests.bosai.web.resident_site import pick, resident_site
from tests.bosai.web.running import running

HOME = {"lon": 140.97012, "lat": 38.22214}
PAGE = {"lon": "140.9701", "lat": "38.2221"}


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        await site.side().sites.load_sample("test")
        yield site


async def some_site(site) -> str:
    return (await site.side().sites.all())[0].site_id


async def test_a_way_is_a_line_for_the_map_and_the_same_way_in_sentences(site):
    ground, wanted = stand_on(site.side(), way=found_way()), await some_site(site)
    answer = await site.ask("POST", "/api/v1/route", json={"from": HOME, "site": wanted})
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    way = answer.json()
    assert way["line"]["type"] == "LineString"
    assert way["line"]["coordinates"][0] == [140.9701, 38.2221]
    assert (way["known"], way["metres"], way["about"]) == (True, 899, False)
    assert [one["text"] for one in way["steps"]][:5] == [
        "道まで約40m歩く",
        "西へ、道を180m進む",
        "右に曲がり、県道塩釜亘理線を600m進む",
        "斜め左へ、階段を30m進む",
        "まっすぐ、道を60m進む",
    ]
    assert way["steps"][-1]["turn"] == "arrive"
    assert way["steps"][-1]["text"].endswith("に着く（左側）")
    assert ground.asked == [((140.9701, 38.2221), wanted, Foot.SLOW)], "no finer than a place is kept"


async def test_without_a_site_the_way_leads_out_of_the_area(site):
    ground = stand_on(site.side(), way=found_way())
    answer = await site.ask("POST", "/api/v1/route", json={"from": HOME})
    assert answer.json()["steps"][-1]["text"] == "区域の外に出る"
    assert ground.asked == [((140.9701, 38.2221), None, Foot.SLOW)]


async def test_no_way_is_shown_to_a_site_that_takes_nobody(site):
    wanted = await some_site(site)
    ground = stand_on(site.side(), way=found_way())
    await site.side().sites.report(officer("ward", Role.WARD_OPERATOR), wanted, opening=Opening.UNUSABLE)
    answer = await site.ask("POST", "/api/v1/route", json={"from": HOME, "site": wanted})
    assert (answer.status, answer.json()["known"], answer.json()["line"]) == (200, False, None)
    assert ground.asked == []


@pytest.mark.parametrize("lang", LANGS)
async def test_every_language_gets_its_sentences_with_the_japanese_name_in_them(site, lang):
    stand_on(site.side(), way=found_way(about=True))
    body = {"from": HOME, "site": await some_site(site)}
    way = (await site.ask("POST", f"/api/v1/route?lang={lang}", json=body)).json()
    named = next(one for one in way["steps"] if one["turn"] == "right")
    assert named["name"] == "県道塩釜亘理線"
    assert named["name"] in named["text"]
    assert len(way["notes"]) == 2, "the straight part is said"
    assert str(way["minutes"]) in way["total"]


async def test_who_walks_chooses_the_way_and_the_minutes(site):
    ground, wanted = stand_on(site.side(), way=found_way()), await some_site(site)
    minutes = {}
    for pace, step_free in (("standard", False), ("slow", False), ("unknown", True)):
        body = {"from": HOME, "site": wanted, "pace": pace, "step_free": step_free}
        minutes[pace] = (await site.ask("POST", "/api/v1/route", json=body)).json()["minutes"]
    assert [foot for _, _, foot in ground.asked] == [Foot.STANDARD, Foot.SLOW, Foot.STEP_FREE]
    assert minutes["standard"] < minutes["unknown"] < minutes["slow"]


async def test_where_nothing_is_known_of_ways_the_answer_says_so(site):
    stand_on(site.side(), way=None)
    way = (await site.ask("POST", "/api/v1/route", json={"from": HOME, "site": await some_site(site)})).json()
    assert (way["known"], way["line"], way["steps"]) == (False, None, [])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"from": {"lon": 139.7, "lat": 38.2}}, 400, "lon"),
        ({"from": {"lon": 140.9, "lat": 35.6}}, 400, "lat"),
        ({"from": {"lon": 140.9}}, 400, "from.lat"),
        ({"from": HOME, "pace": "run"}, 400, "pace"),
        ({"from": HOME, "name": "somebody"}, 400, "name"),
        ({"site": "nowhere", "from": HOME}, 404, None),
    ],
)
async def test_a_request_that_can_not_be_answered_names_its_field(site, body, status, field):
    stand_on(site.side(), way=found_way())
    problem = await site.problem("POST", "/api/v1/route", json={"site": await some_site(site)} | body)
    assert (problem["status"], problem.get("field")) == (status, field)


async def test_a_place_is_never_taken_from_an_address(site):
    stand_on(site.side(), way=found_way())
    refused = await site.ask("GET", f"/api/v1/route?lon=140.97&lat=38.22&site={await some_site(site)}")
    assert refused.status == 405


async def test_one_who_asks_without_end_is_asked_to_wait(site):
    stand_on(site.side(), way=None)
    body = {"from": HOME, "site": await some_site(site)}
    statuses = {(await site.ask("POST", "/api/v1/route", json=body)).status for _ in range(230)}
    assert statuses == {200, 429}


async def test_searches_never_take_all_threads_and_who_would_wait_too_long_is_told_when_to_come_again(
    site, monkeypatch
):
    monkeypatch.setattr(walk_route, "API_WAIT_S", 0.2)
    ground, wanted = stand_on(site.side(), way=found_way()), await some_site(site)
    ground.gate.clear()
    body = {"from": HOME, "site": wanted}
    first = [
        asyncio.ensure_future(site.ask("POST", "/api/v1/route", json=body)) for _ in range(walk_route.AT_ONCE)
    ]
    async with asyncio.timeout(10):
        while len(ground.asked) < walk_route.AT_ONCE:
            await asyncio.sleep(0.005)
    late = await site.ask("POST", "/api/v1/route", json=body)
    assert (late.status, late.headers["Retry-After"]) == (503, str(walk_route.AGAIN_S))
    assert len(ground.asked) == walk_route.AT_ONCE
    ground.gate.set()
    assert {(await one).status for one in first} == {200}
    assert (await site.ask("POST", "/api/v1/route", json=body)).status == 200, "the turns were given back"


async def test_only_so_many_wait_for_a_turn():
    slots = walk_route.WaySlots(at_once=1, waiting=1)
    async with slots.one(1), asyncio.TaskGroup() as group:
        waiting = group.create_task(_turn(slots, 0.2))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await _turn(slots, 0.2)
        assert await waiting == "overloaded"
    assert await _turn(slots, 0.2) == "had"


async def _turn(slots: walk_route.WaySlots, wait_s: float) -> str:
    waited = asyncio.get_running_loop().time()
    try:
        async with slots.one(wait_s):
            return "had"
    except Overloaded:
        if asyncio.get_running_loop().time() - waited < wait_s / 2:
            raise
        return "overloaded"


# -- on the page that needs no script ----------------------------------------------------------------------


@pytest.fixture
async def page(tmp_path, private_redis):
    async with (
        resident_site(private_redis, tmp_path) as (server, wired),
        aiohttp.ClientSession(server.make_url("/"), headers={"Accept": "text/html"}) as session,
    ):

        async def ask(**query: str) -> html.HtmlElement:
            async with session.get("/", params={**PAGE, **query}) as answer:
                words = await answer.text()
                assert answer.status == 200, words[:2000]
                return html.fromstring(words)

        yield ask, wired


def said(document: html.HtmlElement, css: str) -> str:
    return " ".join(" ".join(one.text_content().split()) for one in pick(document, css))


async def issue_here(wired) -> None:
    hq = Hq(wired.redis, Realm.LIVE)
    hq.clock.at = wired.clock.now()
    form = flood_order()
    area = msgspec.structs.replace(
        form.area, polygons_e7_lonlat=square(west=140.965, south=38.215, side=0.012)
    )
    await hq.issue(msgspec.structs.replace(form, area=area))


async def test_the_page_lists_the_steps_to_the_place_it_names(page):
    ask, wired = page
    stand_on(wired.realms[Realm.LIVE], way=found_way())
    await issue_here(wired)
    document = await ask(lang="en")
    assert pick(document, "#here .way"), "a place is named"
    steps = [" ".join(one.text_content().split()) for one in pick(document, ".way-steps li")]
    assert steps[0] == "Walk about 40m to the road"
    assert pick(document, ".way-steps li span[lang]")[0].text_content() == "県道塩釜亘理線"
    config = msgspec.json.decode(pick(document, "#page-config")[0].text)
    assert config["route"]["type"] == "LineString"
    assert config["order_in_force"] is True


async def test_the_page_says_one_distance_that_of_the_way_it_shows(page):
    ask, wired = page
    stand_on(wired.realms[Realm.LIVE], way=found_way())
    await issue_here(wired)
    document = await ask()
    assert "900m" in said(document, "#here .way") and "900m" in said(document, ".way-steps summary")
    first, *_second_choice = re.findall(r"[\d.]+k?m", said(document, "#here .advice-card"))
    assert first == "900m"


async def test_sites_for_the_danger_in_force_are_listed_first(page):
    ask, wired = page
    await issue_here(wired)
    first, *others = [one.text_content() for one in pick(await ask(), "#here h4")]
    assert "洪水" in first
    assert any("津波" in one for one in others)


async def test_the_page_never_waits_long_for_the_way(page, monkeypatch):
    monkeypatch.setattr(walk_route, "PAGE_WAIT_S", 0.05)
    ask, wired = page
    ground = stand_on(wired.realms[Realm.LIVE], way=found_way())
    ground.gate.clear()
    await issue_here(wired)
    busy = [asyncio.ensure_future(ask()) for _ in range(walk_route.AT_ONCE)]
    async with asyncio.timeout(10):
        while len(ground.asked) < walk_route.AT_ONCE:
            await asyncio.sleep(0.005)
    document = await ask()
    assert pick(document, "#here .way"), "where to go is said"
    assert pick(document, ".way-steps") == []
    ground.gate.set()
    assert all([pick(await one, ".way-steps") for one in busy])


async def test_where_no_order_names_a_place_no_way_is_shown(page):
    ask, wired = page
    ground = stand_on(wired.realms[Realm.LIVE], way=found_way())
    document = await ask()
    assert pick(document, ".way-steps") == []
    assert ground.asked == []
    assert msgspec.json.decode(pick(document, "#page-config")[0].text)["order_in_force"] is False


async def test_the_page_says_of_every_hazard_map_what_it_says_of_this_place(page):
    ask, wired = page
    side = wired.realms[Realm.LIVE]
    know(side, "v1", flood(), landslide())
    stand_on(side, (landslide(), -1), (flood(), 2), (flood(), -2))
    document = await ask()
    lines = [" ".join(one.text_content().split()) for one in pick(document, ".hazard-line")]
    assert re.match("洪水浸水想定区域（想定最大規模） 3〜5mの深さ", lines[0]), "what concerns one comes first"
    assert "分かりません" in lines[1]
    assert "区域の外です（危険がないとは言えません）" in lines[2]
    assert "見本・実際の区域ではありません" in lines[2]
    assert "A31a-24" in lines[0]
    english = await ask(lang="en")
    inside = pick(english, ".hazard-line .hazard-said")[0]
    assert (inside.text_content(), inside.get("lang")) == ("3–5 m deep", "en")
    assert pick(english, ".hazard-line .sample-mark")


async def test_without_hazard_maps_the_page_says_that_nothing_is_known(page):
    ask, wired = page
    stand_on(wired.realms[Realm.LIVE])
    document = await ask()
    assert "ハザードマップはまだ取り込まれていません。危険がないという意味ではありません。" in said(
        document, "#here"
    )
