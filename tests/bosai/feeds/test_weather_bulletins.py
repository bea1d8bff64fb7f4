"""VPBS50, VPHW50 and VPNO50: what is told once, against values written from reading the files."""

from __future__ import annotations

from datetime import datetime

import pytest

from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.weather_bulletins import read_bulletin
from bosai.feeds.readings import Danger, Reading, System
from tests.bosai.feeds.telegrams import JST
from tests.bosai.feeds.weather_telegrams import reading, real, weather

TITLE = "府県気象防災速報"
SUBDIVISION, CITY = "府県予報区・細分区域等", "市町村等"
EASTERN = ("040010", "東部")


def rows(found: Reading) -> list[tuple[Danger, str, str, str, str, datetime | None]]:
    assert {one.system for one in found.happenings} <= {System.WEATHER}
    return [(h.danger, h.code, h.name, h.layer, h.value, h.at) for h in found.happenings]


def jst(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=JST)  # type: ignore[misc]


CHIBA_AT = (2023, 9, 8, 10, 10)
BULLETINS = [
    (
        "official_samples",
        "82_01_01_241031_VPBS50.xml",
        [
            (Danger.RAINBAND, code, name, SUBDIVISION, "線状降水帯発生", jst(*CHIBA_AT))
            for code, name in (("120010", "北西部"), ("120020", "北東部"), ("120030", "南部"))
        ],
        (),
    ),
    (
        "official_samples",
        "82_01_02_250630_VPBS50.xml",
        [
            (Danger.RECORD_RAIN, "013010", "網走地方", SUBDIVISION, "記録雨", jst(2023, 7, 13, 13, 10)),
            (Danger.RECORD_RAIN, "0154300", "美幌町", CITY, "記録雨", jst(2023, 7, 13, 13, 10)),
        ],
        ("美幌町付近 約１００ミリ（前１時間解析雨量）", "美幌 ９３ミリ（前１時間降水量）"),
    ),
    (
        "official_samples",
        "82_01_03_241031_VPBS50.xml",
        [(Danger.SHORT_HEAVY_SNOW, "250020", "北部", SUBDIVISION, "短時間大雪", jst(2024, 1, 24, 6, 0))],
        ("長浜市余呉町柳ケ瀬 ３７センチ（６時間の降雪深さ）",),
    ),
    (
        "official_samples",
        "82_03_01_251222_VPBS50.xml",
        [(Danger.RAINBAND, "400010", "福岡地方", SUBDIVISION, "線状降水帯直前", jst(2023, 7, 10, 1, 50))],
        (),
    ),
    (
        "real_2026",
        "vpbs50_linear-rainband_imminent.xml",
        [(Danger.RAINBAND, "130030", "伊豆諸島南部", SUBDIVISION, "線状降水帯直前", jst(2026, 7, 29, 6, 10))],
        (),
    ),
]


@pytest.mark.real_data
@pytest.mark.parametrize(("folder", "name", "expected", "said"), BULLETINS, ids=[b[1] for b in BULLETINS])
def test_each_bulletin_says_what_happened_where_and_when(
    folder: str, name: str, expected: list, said: tuple[str, ...]
) -> None:
    found = real(folder, name)
    assert rows(found) == expected
    assert all(one.conditions == said for one in found.happenings)
    assert all(one.text == found.source.headline != "" for one in found.happenings)
    assert (found.scope, found.areas, found.problems) == ("", (), ())


@pytest.mark.real_data
def test_a_tornado_watch_names_every_area_it_is_for_and_no_other() -> None:
    saitama = real("official_samples", "19_08_03_250630_VPHW50.xml")
    assert rows(saitama)[:3] == [
        (Danger.TORNADO, "110000", "埼玉県", "発表細分", "竜巻注意", None),
        (Danger.TORNADO, "110010", "南部", "一次細分区域等", "竜巻注意", None),
        (Danger.TORNADO, "110020", "北部", "一次細分区域等", "竜巻注意", None),
    ]
    named = {one.name for one in saitama.happenings}
    assert {"さいたま市", "寄居町", "松伏町", "東秩父村"} <= named
    # なし in the file: 秩父地方 with 秩父市 and its neighbours.
    assert not {"秩父地方", "秩父市", "横瀬町", "皆野町", "長瀞町", "小鹿野町"} & named
    kanagawa = real("real_2026", "vphw50_tornado.xml")
    assert {one.value for one in kanagawa.happenings} == {"竜巻注意"}
    assert "西部" not in {one.name for one in kanagawa.happenings}
    assert [one.name for one in kanagawa.happenings][:5] == [
        "神奈川県",
        "東部",
        "横浜・川崎",
        "湘南",
        "三浦半島",
    ]
    assert [one.name for one in kanagawa.happenings if one.layer == CITY] == [
        "横浜市北部",
        "横浜市南部",
        "川崎市",
        "横須賀市",
        "平塚市",
        "鎌倉市",
        "藤沢市",
        "茅ヶ崎市",
        "逗子市",
        "三浦市",
        "大和市",
        "海老名市",
        "座間市",
        "綾瀬市",
        "葉山町",
        "寒川町",
        "大磯町",
        "二宮町",
    ]


NOTICES = {
    "62_01_01_130412_VPNO50.xml": "【特別警報（大雨）】奈良県に特別警報を発表しました。警報本文をご確認ください。",
    "62_01_02_130412_VPNO50.xml": "【特別警報（大雨）】奈良県に特別警報を発表しました。警報本文をご確認ください。",
    "62_01_03_130412_VPNO50.xml": "【特別警報（大雨）】奈良県に特別警報を発表しました。警報本文をご確認ください。",
    "62_01_04_130412_VPNO50.xml": "【特別警報（大雨）】奈良県に特別警報を発表しました。警報本文をご確認ください。",
    "62_01_05_130412_VPNO50.xml": "【特別警報解除】奈良県の特別警報を解除しました。",
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_of_special_warnings_is_its_headline_and_nothing_in_force(name: str) -> None:
    found = real("official_samples", name)
    assert found.text == NOTICES[name]
    assert (found.scope, found.areas, found.happenings, found.problems) == ("", (), (), ())


def tags(*named: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    items = "".join(
        f"<Item><Kind><Name>情報タグ</Name><Condition>{tag}</Condition></Kind>"
        '<Areas codeType="気象情報／府県予報区・細分区域等">'
        + "".join(f"<Area><Name>{name}</Name><Code>{code}</Code></Area>" for code, name in areas)
        + "</Areas></Item>"
        for tag, areas in named
    )
    return f'<Information type="情報タグ">{items}</Information>'


def bulletin(information: str, body: str = "") -> Reading:
    return reading(weather(body, title=TITLE, information=information, headline="見出しの文。"))


@pytest.mark.parametrize(
    ("tag", "danger"),
    [
        ("線状降水帯発生", Danger.RAINBAND),
        ("線状降水帯直前", Danger.RAINBAND),
        ("記録雨", Danger.RECORD_RAIN),
        ("短時間大雪", Danger.SHORT_HEAVY_SNOW),
        ("竜巻注意", Danger.TORNADO),
        ("竜巻目撃", Danger.TORNADO),
    ],
)
def test_the_tag_tells_the_kind(tag: str, danger: Danger) -> None:
    found = bulletin(tags((tag, (EASTERN,))))
    assert rows(found) == [(danger, *EASTERN, SUBDIVISION, tag, None)]
    assert found.problems == ()


def test_an_unknown_tag_is_shown_as_given_and_told() -> None:
    found = bulletin(tags(("新現象発生", (EASTERN,))))
    assert [(one.danger, one.value) for one in found.happenings] == [(Danger.OTHER, "新現象発生")]
    assert "新現象発生" in found.problems[0]


def test_several_tags_are_several_happenings() -> None:
    found = bulletin(tags(("線状降水帯発生 記録雨", (EASTERN,)), ("竜巻注意", (("040020", "西部"),))))
    assert [(one.danger, one.code) for one in found.happenings] == [
        (Danger.RAINBAND, "040010"),
        (Danger.RECORD_RAIN, "040010"),
        (Danger.TORNADO, "040020"),
    ]


def test_without_tags_the_headline_still_reaches_people() -> None:
    found = bulletin("")
    assert (found.happenings, found.text) == ((), "見出しの文。")
    assert found.problems == ("情報タグのある区域を読めません。見出しの文を読んでください",)


def test_an_unreadable_time_of_an_observation_costs_only_the_time() -> None:
    body = (
        '<MeteorologicalInfos type="観測実況"><MeteorologicalInfo><Item><Kind><Property><Type>実況</Type>'
        '<EventPart><Event type="線状降水帯"><EventName>線状降水帯発生</EventName><Time>さきほど</Time></Event>'
        "</EventPart></Property></Kind><Area><Name>東部</Name><Code>040010</Code></Area></Item>"
        "</MeteorologicalInfo></MeteorologicalInfos>"
    )
    found = bulletin(tags(("線状降水帯発生", (EASTERN,))), body)
    assert [one.at for one in found.happenings] == [None]
    assert any("時刻を読めません" in said for said in found.problems)


def test_withdrawals_are_only_their_text() -> None:
    for title in (TITLE, "竜巻注意情報", "気象特別警報報知"):
        found = reading(weather("<Text>誤りでした。</Text>", title=title, info_type="取消"))
        assert (found.happenings, found.scope, found.text) == ((), "", "誤りでした。")


def test_a_body_cut_from_its_telegram_has_no_tags_and_says_so() -> None:
    telegram = parse_telegram(weather("", title=TITLE, information=tags(("記録雨", (EASTERN,)))))
    parent = telegram.body.getparent()
    assert parent is not None
    parent.remove(telegram.body)
    (found,) = read_bulletin(telegram)
    assert found.happenings == ()
    assert found.problems
