"""電文: what came, what it changed, what is in force and how the sources do, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bosai.errors import NotFound
from bosai.feeds.source_health import LostEntry, SourceHealth, SourceKind
from bosai.messages.measures import JST
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.stores.feed_sources import FeedSources
from bosai.stores.telegrams import TelegramStore
from bosai.web.console import telegrams
from tests.bosai.feeds.telegrams import item, report
from tests.bosai.web.officers import Officer, Shown, no_planner, officer, visitor
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

NAME = "20260401030310_0_VTSE41_010000.xml"


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


def now(site: Site) -> datetime:
    return site.side().clock.now().astimezone(JST).replace(microsecond=0)


async def take(
    site: Site, *items: str, minutes_ago: float = 5, realm: Realm = Realm.LIVE, name: str = NAME, **given
) -> str:
    """Hand over one VTSE41; its key."""
    data = report(*items, report_at=now(site) - timedelta(minutes=minutes_ago), **given)
    return (await site.side(realm).feeds.take(data, name)).key


def rows(page: Shown) -> list[str]:
    """The telegrams of the list, as read."""
    return [
        " ".join(one.text_content().split()) for one in page.document.xpath("//ol//li[@class='telegram']")
    ]


def health(site: Site, name: str = "eqvol", *, minutes_ago: float = 1, **given) -> SourceHealth:
    at = now(site) - timedelta(minutes=minutes_ago)
    facts = {"at": at, "last_ok_at": at, "watched_since": at - timedelta(hours=1), "kind": SourceKind.JMA}
    return SourceHealth(name=name, url=f"https://a.test/{name}.xml", **{**facts, **given})


async def note(site: Site, *healths: SourceHealth, realm: Realm = Realm.LIVE) -> None:
    await FeedSources(site.opened.redis, realm).note(healths, token=None)


async def test_a_warning_is_shown_with_what_it_changed_and_what_is_in_force(site: Site, kian: Officer):
    key = await take(
        site, item(kind="52", last="00", condition="津波到達中と推測"), item("250", "51", name="福島県")
    )
    page = await kian.get("/hq/telegrams")
    (row,) = rows(page)
    assert "提案あり 津波警報・注意報・予報a" in row
    assert "VTSE41・通常・発表・気象庁本庁" in row
    assert "発表から5分" in row
    assert row.index("宮城県") < row.index("福島県"), "ours comes first"
    assert "発表 宮城県（津波）" in row
    assert "津波到達中と推測" in row
    table = page.one("//table[caption]")
    assert "宮城県（津波）" in table.text_content()
    assert "福島県" not in table.text_content()
    assert "福島県" in page.one("//details[@id='others']").text_content()
    assert "警戒レベル" not in row, "a tsunami has no level"
    one = await kian.get(f"/hq/telegrams/{key}")
    assert one.status == 200
    assert "ただちに避難してください。" in one.text
    assert "本部への提案 未処理" in one.text
    assert one.document.xpath("//a[starts-with(@href, '/hq/alerts/new?proposal=')]")


async def test_each_step_of_a_warning_is_told_by_its_own_word(site: Site, kian: Officer):
    steps = [
        ({"kind": "62", "last": "00"}, "発表 宮城県"),
        ({"kind": "51", "last": "62"}, "引上げ 宮城県"),
        ({"kind": "51", "last": "51", "condition": "第１波の到達を確認"}, "詳細 宮城県"),
        ({"kind": "62", "last": "51"}, "引下げ 宮城県"),
        ({"kind": "60", "last": "62"}, "解除 宮城県"),
    ]
    for n, (given, _) in enumerate(steps):
        await take(site, item(**given), minutes_ago=20 - n)
    told = rows(await kian.get("/hq/telegrams"))[::-1]
    for row, (_, word) in zip(told, steps, strict=True):
        assert word in row
    empty = await kian.get("/hq/telegrams")
    assert "仙台市に発表中のものはありません" in empty.text


async def test_a_recall_is_called_torikeshi_and_not_kaijo(site: Site, kian: Officer):
    await take(site, item(kind="51"), minutes_ago=10)
    await take(site, info_type="取消", minutes_ago=8)
    (row, _) = rows(await kian.get("/hq/telegrams"))
    assert "取消 宮城県" in row
    assert "解除" not in row


async def test_levels_of_weather_warnings_are_shown_as_equivalents(site: Site, kian: Officer):
    data = _weather("49", "レベル４土砂災害危険警報", now(site) - timedelta(minutes=3))
    taken = await site.side().feeds.take(data, "20260401030310_0_VPWW56_040000.xml")
    assert taken.outcome.value in {"changed", "proposed"}, taken
    page = await kian.get("/hq/telegrams")
    table = page.one("//table[caption]").text_content()
    assert "仙台市東部" in table
    assert "警戒レベル4相当" in table
    assert "発令" not in " ".join(rows(page))


async def test_what_can_not_be_read_stands_on_top_until_somebody_says_to_have_looked(
    site: Site, kian: Officer
):
    data = report(item()).replace(b"<Status>", b"<Stat\xc2\xabus>")
    await site.side().feeds.take(data, "broken.xml")
    page = await kian.get("/hq/telegrams")
    section = page.one("//section[h2[starts-with(normalize-space(), '確認が必要な電文')]]")
    assert "broken.xml" in section.text_content()
    one = (await kian.get(str(section.xpath(".//a/@href")[0]))).text
    assert "何が変わったか分かりません" in one and "変わったことはありません" not in one
    async with officer(site, "mite", Role.VIEWER) as viewer:
        seen = await viewer.get("/hq/telegrams")
        assert "broken.xml" in seen.text
        assert not seen.document.xpath("//form[contains(@action, '/seen')]")
        path = str(page.one("//form[contains(@action, '/seen')]/@action"))
        assert (await viewer.post(path, {})).status == 403
    done = await kian.post(path, {})
    assert done.path == "/hq/telegrams?done=telegram_seen"
    assert "確認が必要な電文" not in done.text
    assert "読めません" in " ".join(rows(done)), "it stays in the list"
    record = (await kian.get("/hq/audit")).text
    assert "読めない電文を確認" in record
    again = await kian.post(path, {})
    assert again.status == 200, "twice does no harm"


async def test_the_xml_is_shown_escaped_and_saved_as_a_file_no_browser_opens(site: Site, kian: Officer):
    evil = "<script>alert(1)</script>"
    data = report(item(), headline=evil.replace("<", "&lt;"))
    data = data.replace(b"<Serial/>", b"<Serial/><!-- <script>alert(2)</script> -->")
    await site.side().feeds.take(
        data, '"><script>x</script>.xml', now=datetime(2026, 4, 1, 12, 5, tzinfo=JST)
    )
    (listed,) = (await kian.get("/hq/telegrams")).document.xpath("//a[@class='telegram-title']/@href")
    page = await kian.get(str(listed))
    assert page.status == 200
    assert "alert(2)" in page.one("//pre").text_content()
    assert not page.document.xpath("//script[not(@src) and contains(., 'alert')]")
    saved = await kian.client.get(site.url + str(listed) + "/raw")
    assert saved.status == 200
    assert await saved.read() == data
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith('attachment; filename="VTSE41-')
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    assert saved.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_list_is_paged_and_filtered_by_type_and_outcome(
    site: Site, kian: Officer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(telegrams, "PAGE", 3)
    monkeypatch.setattr(telegrams, "SCANNED", 2)
    for n in range(7):
        await take(site, item(kind="51" if n % 2 else "52"), minutes_ago=20 - n)
    await take(site, item(kind="51"), minutes_ago=300)  # stale
    first = await kian.get("/hq/telegrams")
    assert len(rows(first)) == 3
    seen = rows(first)
    page = first
    while older := page.document.xpath("//a[.='これより前の電文']/@href"):
        page = await kian.get(str(older[0]))
        seen += rows(page)
    assert len(seen) == len(set(seen)) == 8
    stale = await kian.get("/hq/telegrams?outcome=stale")
    assert len(rows(stale)) == 1
    assert "古い電文" in rows(stale)[0]
    tsunami = await kian.get("/hq/telegrams?type=tsunami&outcome=proposed")
    assert rows(tsunami)
    assert all("提案あり" in one for one in rows(tsunami))
    (older,) = tsunami.document.xpath("//a[.='これより前の電文']/@href")
    assert "type=tsunami" in older
    assert "outcome=proposed" in older
    assert rows(await kian.get("/hq/telegrams?type=river")) == []
    assert len(rows(await kian.get("/hq/telegrams?type=nonsense&before=x"))) == 3


async def test_a_filter_that_matches_little_stops_and_says_where_to_go_on(
    site: Site, kian: Officer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(telegrams, "SCANNED", 2)
    monkeypatch.setattr(telegrams, "MOST_SCANNED", 4)
    await take(site, item(kind="51"), minutes_ago=300)
    for n in range(5):
        await take(site, item(kind="51" if n % 2 else "52"), minutes_ago=20 - n)
    page = await kian.get("/hq/telegrams?outcome=stale")
    assert rows(page) == []
    assert "ここまでの電文だけを探しました" in page.text
    (older,) = page.document.xpath("//a[.='これより前の電文']/@href")
    assert len(rows(await kian.get(str(older)))) == 1


async def test_sources_are_listed_with_their_age_and_a_silent_one_is_said_on_top(site: Site, kian: Officer):
    lost = LostEntry(url="https://a.test/x.xml", title="津波情報a", detail="HTTP 404", at=now(site))
    await note(
        site,
        health(site, bytes_today=1_500_000, last_new_at=now(site) - timedelta(minutes=30)),
        health(site, "extra", failures=3, cause="相手が断りました（HTTP 503）", lost=(lost,)),
        health(site, "regular", last_ok_at=now(site) - timedelta(minutes=7)),
        health(site, "other", minutes_ago=30),
    )
    page = await kian.get("/hq/telegrams")
    alarm = " ".join(one.text_content() for one in page.document.xpath("//*[@role='alert']"))
    assert "定時（regular）" in alarm
    assert "その他（other）" in alarm, "its poller says nothing any more"
    assert "extra" not in alarm
    section = page.one("//section[h2[.='受信の状態']]").text_content()
    assert "1.5メガバイト" in section
    assert "続けて3回失敗：相手が断りました（HTTP 503）" in section
    assert "取得をあきらめた電文：津波情報a" in section


async def test_a_silent_source_is_said_on_every_page_of_the_live_side(site: Site, kian: Officer):
    await note(site, health(site))
    assert "電文が届いていません" not in (await kian.get("/hq/sites")).text
    await note(site, health(site, last_ok_at=now(site) - timedelta(minutes=20)))
    assert "電文が届いていません：地震火山・津波（eqvol）" in (await kian.get("/hq/sites")).text
    async with officer(site, "kunren", Role.HQ_DRAFTER, Realm.DRILL) as drill:
        assert "電文が届いていません" not in (await drill.get("/hq/sites")).text


async def test_the_drill_side_lists_only_its_own(site: Site, kian: Officer):
    await take(site, item(kind="52"), status="訓練", realm=Realm.DRILL)
    assert rows(await kian.get("/hq/telegrams")) == []
    async with officer(site, "kunren", Role.HQ_DRAFTER, Realm.DRILL) as drill:
        page = await drill.get("/hq/telegrams")
        assert "訓練" in rows(page)[0]
        assert "再生された電文だけ" in page.text
        (path,) = page.document.xpath("//a[@class='telegram-title']/@href")
        assert str(path).startswith("/drill/hq/telegrams/")
        assert (await drill.get(str(path).removeprefix("/drill"))).status == 200


async def test_nobody_sees_telegrams_without_signing_in_and_unknown_ones_are_not_found(
    site: Site, kian: Officer
):
    async with visitor(site) as stranger:
        assert (await stranger.get("/hq/telegrams")).path.startswith("/hq/sign-in")
    assert (await kian.get("/hq/telegrams/VTSE41-nothing")).status == 404
    assert (await kian.get("/hq/telegrams/VTSE41-nothing/raw")).status == 404
    assert (await kian.post("/hq/telegrams/VTSE41-nothing/seen", {})).status == 404


async def test_a_telegram_whose_bytes_have_left_is_still_shown(
    site: Site, kian: Officer, monkeypatch: pytest.MonkeyPatch
):
    key = await take(site, item(kind="52"))

    async def gone(_: object, key: str) -> bytes:
        raise NotFound("telegram", key)

    monkeypatch.setattr(TelegramStore, "raw", gone)
    page = await kian.get(f"/hq/telegrams/{key}")
    assert page.status == 200
    assert "この電文で変わったこと" in page.text
    assert "電文の本体は残っていません" in page.text
    assert not page.document.xpath("//a[@download]")


def _weather(code: str, name: str, at: datetime) -> bytes:
    """A VPWW56 with one landslide warning for 仙台市東部."""
    body = (
        '<Warning type="気象警報・注意報（市町村等）"><Item><Kind>'
        f"<Name>{name}</Name><Code>{code}</Code><Status>発表</Status></Kind>"
        "<Area><Name>仙台市東部</Name><Code>0410001</Code></Area></Item></Warning>"
    )
    data = report(title="気象警報・注意報（Ｒ０６）（土砂）", report_at=at, event_id="", body=body)
    text = data.decode().replace("気象庁本庁", "仙台管区気象台").replace("気象庁<", "仙台管区気象台<")
    return text.replace("/body/seismology1/", "/body/meteorology1/").encode()
