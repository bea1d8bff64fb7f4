"""The preview as HQ reads it, and as a ward may; in a plain browser, without script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.staff import Role
from bosai.services.previews import (
    ClosedSite,
    Openings,
    Outcome,
    Preview,
    SiteExpectation,
    TownFigures,
)
from bosai.services.small_counts import SMALL
from bosai.web.base import _ENV, LANG_NAMES
from bosai.web.console import words
from bosai.web.console.preview_view import HEIGHT, view_of
from tests.bosai.web.officers import FLOOD_ORDER, Officer, Shown, no_planner, officer, planner
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

NEAR = SiteExpectation(
    site_id="a",
    name="七郷小学校",
    ward="若林区",
    persons=120,
    seats=250,
    source="assumed",
    present=10,
    others=30,
    counted_in=400,
    curve=tuple(range(10, 105, 5)),
    curve_counted_in=tuple(range(10, 390, 20)),
    full_after_min=None,
    full_after_min_counted_in=125,
)
PREVIEW = Preview(
    available=True,
    people=123,
    households=51,
    by_site=(NEAR,),
    no_site=3,
    by_action={"go": 123},
    at=datetime.now(UTC),
    residents=11_634,
    knows_residents=True,
    towns=(
        TownFigures(
            ward="若林区", name="荒浜", residents=1500, subscribers=120, subscriber_households=49, no_way=3
        ),
        TownFigures(
            ward="若林区", name="荒井", residents=900, is_part=True, subscribers=3, subscriber_households=2
        ),
        TownFigures(ward="宮城野区", name="蒲生", residents=7, residents_no_way=2),
    ),
    by_pace={"slow": 3, "unknown": 120},
    by_lang={"ja": 119, "ne": 4},
    alone=Outcome(to_site=123, no_way=3, no_seats=0, beyond=0, nearest_beyond=15),
    counted_in=Outcome(to_site=3600, no_way=40, no_seats=60, beyond=150, nearest_beyond=2683),
    moving_residents=3477,
    move_share=0.3,
    follow_share=0.7,
    openings=Openings(
        persons=3600,
        seated=3350,
        mean_walk_min=31.5,
        sites=(
            ClosedSite(
                site_id="b",
                name="荒町小学校",
                ward="若林区",
                seats=250,
                source="measured",
                more=210,
                saved_min=0.0,
                mean_walk_min=30.0,
            ),
            ClosedSite(
                site_id="c",
                name="五橋中学校",
                ward="青葉区",
                seats=280,
                source="assumed",
                more=0,
                saved_min=4.5,
                mean_walk_min=27.0,
            ),
        ),
    ),
)


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


def drawn(preview: Preview = PREVIEW) -> Shown:
    """The part of the page, as HQ has it, without a service round it."""
    part = _ENV.get_template("console/_preview.html").render(
        preview=preview,
        view=view_of(preview, exact=True),
        sources="",
        w=words,
        now=preview.at,
        lang_names=LANG_NAMES,
    )
    return Shown(status=200, path="", headers={}, body=f"<html><body>{part}</body></html>")


async def seen_by(who: Officer, site: Site, path: str) -> Shown:
    site.side().previews.wait_s = 5.0
    async with planner(site, PREVIEW):
        return await who.get(path + "?preview=1")


def test_hq_reads_the_large_figures_first_and_both_ways_of_counting() -> None:
    page = drawn()
    tiles = [
        "".join(one.itertext()) for one in page.document.xpath("//ul[contains(@class,'main-figures')]/li")
    ]
    assert ["".join(one.split()) for one in tiles] == [
        "対象の住民（推計）約12,000人世帯数は町別人口の表にありません",
        "登録者123人51世帯",
        "行き先のない人3人住民を含めた見込み40人",
        "席を超える人0人住民を含めた見込み210人",
    ]
    assert "全員がいちばん近い開いている所へ向かうと、2,683人が席を超えます" in page.text
    assert "登録していない住民の30%（約3,500人）" in page.text
    assert "予報" not in page.text and "計算上" in page.text


def test_each_site_shows_its_hours_as_a_drawing_and_in_numbers() -> None:
    page = drawn()
    row = page.one("//table[contains(@class,'preview-sites')]/tbody/tr")
    said = " ".join(row.xpath("string()").split())
    assert "30分後 70人、1時間後 130人、3時間後 370人" in said
    assert "3時間では超えない（住民を含めると約2時間5分後）" in said
    assert "残り90" in said and "住民を含むと190人超過" in said and "ほかの発令 30" in said
    drawing = page.one("//table[contains(@class,'preview-sites')]//svg")
    assert drawing.get("role") == "img" and "収容250人" in drawing.get("aria-label")
    assert not page.document.xpath("//*[@style]"), "the page's rules for styles allow none inline"


def test_towns_name_those_without_a_way_and_closed_sites_are_ranked_with_their_wards() -> None:
    page = drawn()
    wards = page.document.xpath("//details[contains(@class,'ward-towns')][.//table//th[contains(.,'町')]]")
    assert [" ".join(one.xpath("string(summary)").split()) for one in wards] == [
        "若林区：住民約2,400人・登録者123人・行き先のない人がいます",
        "宮城野区：住民約10人・登録者0人・行き先のない人がいます",
    ]
    assert wards[0].get("open") is not None
    closed = [
        " ".join("".join(one.itertext()).split())
        for one in page.document.xpath("//ol[@class='closed-sites']/li")
    ]
    assert closed[0].startswith("荒町小学校（若林区）") and "あと210人入れます" in closed[0]
    assert closed[1].startswith("五橋中学校（青葉区）") and "平均4.5分短く" in closed[1]


async def test_hq_sees_every_count_and_a_ward_none_of_subscribers_below_five(
    site: Site, kian: Officer
) -> None:
    path = await kian.drafted(FLOOD_ORDER)
    page = await seen_by(kian, site, path)
    assert "約12,000人" in page.text and "出典：仙台市" in page.text
    assert page.one("//tr[th[@lang='ne']]").xpath("string(td)") == "4"
    assert not page.document.xpath("//*[@style]"), "the page's rules for styles allow none inline"
    async with officer(site, "kuyakusho", Role.WARD_OPERATOR) as ward:
        page = await seen_by(ward, site, path)
    arai = next(one for one in page.document.xpath("//tr") if "荒井" in one.xpath("string(th)"))
    assert "".join(arai.xpath("string(td[2])").split()) == "非表示"
    assert "5人未満の数" in page.text
    nepali = page.one("//tr[th[@lang='ne']]")
    assert nepali.xpath("string(td)") == "非表示"


def test_what_came_in_time_is_shown_and_the_rest_is_said_to_be_missing() -> None:
    first = Preview(
        available=True,
        people=123,
        households=51,
        at=datetime.now(UTC),
        complete=False,
        planned=False,
        residents=11_634,
        knows_residents=True,
    )
    page = drawn(first)
    assert "約12,000人" in page.text and "行き先はまだ計算できていません" in page.text
    assert not page.document.xpath("//table[contains(@class,'preview-sites')]")
    planned = msgspec.structs.replace(PREVIEW, complete=False, openings=None)
    page = drawn(planned)
    assert "時間内に計算できたところまで" in page.text and "開ければ助かる" not in page.text


# ---- without a page ----------------------------------------------------------------------------------

COUNTS = st.integers(0, 40)


@given(st.lists(st.tuples(st.sampled_from(["青葉区", "若林区"]), COUNTS, COUNTS), max_size=8))
def test_a_ward_can_not_work_a_small_count_out_of_what_stands_beside_it(
    rows: list[tuple[str, int, int]],
) -> None:
    towns = tuple(
        TownFigures(ward=ward, name=f"町{n}", subscribers=persons, subscriber_households=households)
        for n, (ward, persons, households) in enumerate(sorted(rows))
    )
    view = view_of(msgspec.structs.replace(PREVIEW, towns=towns), exact=False)
    for ward in view.wards:
        shown = [one.subscribers for one in ward.towns]
        assert all(one is None or one == 0 or one >= SMALL for one in shown)
        # A ward's sum stands only where every town of it does.
        assert (ward.subscribers is None) == (None in shown)


def test_to_a_ward_no_seat_left_over_tells_of_two_people() -> None:
    few = msgspec.structs.replace(NEAR, persons=2, others=0, present=None, curve=tuple([0] * 18 + [1]))
    view = view_of(msgspec.structs.replace(PREVIEW, by_site=(few,)), exact=False)
    (line,) = view.sites
    assert (line.persons, line.over, line.left) == (None, None, None)
    assert line.curve is not None and line.curve.alone == ""
    assert view.alone is not None and (view.alone.no_way, view.alone.to_site) == (None, 123)
    assert view.counted_in is not None and view.counted_in.short == 210


def test_a_ward_reads_no_small_count_where_no_residents_come_or_another_order_sends_a_few() -> None:
    flat, rising = tuple([0] * 19), tuple([0] * 18 + [2])
    few = msgspec.structs.replace(
        NEAR, persons=2, others=0, present=None, counted_in=2, curve=rising, curve_counted_in=rising
    )
    (line,) = view_of(msgspec.structs.replace(PREVIEW, by_site=(few,)), exact=False).sites
    assert (line.persons, line.counted_in, line.left_counted_in, line.curve) == (None, None, None, None)
    beside = msgspec.structs.replace(NEAR, others=3, curve=flat)
    (line,) = view_of(msgspec.structs.replace(PREVIEW, by_site=(beside,)), exact=False).sites
    assert (line.persons, line.others, line.counted_in) == (120, None, 400)
    assert (line.over, line.left, line.left_counted_in, line.curve) == (None, None, None, None)
    (line,) = view_of(msgspec.structs.replace(PREVIEW, by_site=(beside,)), exact=True).sites
    assert (line.others, line.left) == (3, 250 - 120 - 3 - 10)


@given(st.lists(st.integers(0, 5000), min_size=19, max_size=19).map(sorted), st.integers(0, 3000))
def test_a_drawing_stays_in_its_frame(curve: list[int], seats: int) -> None:
    one = msgspec.structs.replace(NEAR, curve=tuple(curve), curve_counted_in=(), seats=seats)
    (line,) = view_of(msgspec.structs.replace(PREVIEW, by_site=(one,)), exact=True).sites
    if line.curve is None:
        assert curve[0] == curve[-1]
        return
    heights = [float(point.split(",")[1]) for point in line.curve.alone.split()]
    assert all(0 <= height <= HEIGHT for height in [*heights, line.curve.seats_y])
    assert heights == sorted(heights, reverse=True)
