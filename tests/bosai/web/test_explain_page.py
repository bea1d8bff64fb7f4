"""案内の理由 over HTTP: the answer for a place, every nearer site with its reason, and what can not be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bosai.model.staff import Role
from tests.bosai.services.hq import Hq, flood
from tests.bosai.web.officers import Officer, officer, visitor
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

INSIDE, OUTSIDE = "140.984,38.214", "140.90,38.25"


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        await Hq(found.opened.redis).issue(flood())
        yield found


@pytest.fixture
async def miru(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "miru", Role.VIEWER) as found:
        yield found


def asked(where: str, **more: str) -> tuple[str, dict[str, str]]:
    return "/hq/explain", {"where": where, **more}


async def test_a_place_is_answered_with_the_site_and_every_nearer_one_with_its_reason(miru: Officer):
    page = await miru.post(*asked(INSIDE, pace="standard", persons="3", floor="2", structure="wooden"))
    assert page.status == 200
    answer = page.one("//h2[@id='h-answer']").text_content()
    assert "徒歩" in answer
    assert "3人、ふつうの速さ" in page.text and "2階" in page.text and "木造" in page.text
    rows = page.document.xpath("//section[@aria-labelledby='h-near']/ol/li")
    assert len(rows) >= 8 and all("。" in row.text_content() for row in rows)
    (chosen,) = (row for row in rows if "ここを案内しました" in row.text_content())
    assert chosen.xpath("string(.//strong)") in answer
    assert page.value("where") == INSIDE and page.value("floor") == "2"
    assert page.document.xpath("//*[@style]") == [] and page.document.xpath("//script[not(@src)]") == []


async def test_a_town_may_be_named_instead_of_a_point(site: Site, miru: Officer):
    town = next(one for one in site.side().places.towns if one.name == "荒井")
    for typed in (f"{town.ward}{town.name}", town.name):
        page = await miru.post(*asked(typed))
        assert page.status == 200 and not page.document.xpath("//*[@role='alert']")


async def test_without_a_place_there_is_only_the_form_and_outside_the_orders_a_sentence(miru: Officer):
    empty = await miru.get("/hq/explain")
    assert empty.status == 200 and "近い順の施設" not in empty.text
    assert empty.one("//nav//a[@aria-current='page']").text_content() == "案内の理由"
    outside = await miru.post(*asked(OUTSIDE))
    assert outside.status == 200 and "区域の外" in outside.text


@pytest.mark.parametrize(
    ("where", "more", "says"),
    [
        ("どこでもない町", {}, "場所"),
        ("139.7,35.6", {}, "市の外の地点です。市内の町名か"),
        ("nan,nan", {}, "市の外"),
        ("38.22,140.98", {}, "経度,緯度の順に"),
        (INSIDE, {"floor": "x"}, "階"),
        (INSIDE, {"persons": "0"}, "人数"),
        (INSIDE, {"pace": "fly"}, "歩く速さ"),
        (INSIDE, {"need": "pool"}, "必要な設備"),
    ],
)
async def test_what_can_not_be_asked_is_said_at_the_form_and_keeps_what_was_typed(
    miru: Officer, where: str, more: dict[str, str], says: str
):
    page = await miru.post(*asked(where, **more))
    assert page.status == 400
    assert says in page.one("//*[@role='alert']").text_content()
    assert page.value("where") == where


async def test_a_home_is_not_asked_for_in_an_address_that_browsers_and_proxies_keep(miru: Officer):
    page = await miru.get("/hq/explain?" + urlencode({"where": INSIDE}))
    assert page.value("where") == "" and "近い順の施設" not in page.text
    assert page.one("//main//form").get("method") == "post"


async def test_who_is_not_signed_in_learns_nothing(site: Site):
    async with visitor(site) as stranger:
        answer = await stranger.post(*asked(INSIDE), as_program=True)
        assert answer.status == 401
