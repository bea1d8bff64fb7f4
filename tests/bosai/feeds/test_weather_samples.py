"""The real weather warnings, against values written from reading the files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from datetime import datetime, timedelta

import pytest

from bosai.feeds.readings import Danger, Grade, System
from tests.bosai.feeds.telegrams import JST, jma_folder
from tests.bosai.feeds.weather_telegrams import area, expects, only_kind, real, standing

pytestmark = pytest.mark.real_data

BODY = "{http://xml.kishou.go.jp/jmaxml1/body/meteorology1/}"
A, W, U, E = Grade.ADVISORY, Grade.WARNING, Grade.URGENT, Grade.EMERGENCY

SOYA = "宗谷地方"
SOYA_NORTH, SOYA_SOUTH, ISLANDS = "宗谷北部", "宗谷南部", "利尻・礼文"
SOYA_CITIES = [
    "稚内市",
    "猿払村",
    "浜頓別町",
    "中頓別町",
    "枝幸町",
    "豊富町",
    "礼文町",
    "利尻町",
    "利尻富士町",
    "幌延町",
]


def soya(first: tuple[str, ...], second: tuple[str, ...], rest: str, *, without: str = "") -> dict[str, list]:
    """稚内市 and 猿払村 as given, all others of 宗谷地方 with one 注意報 that goes on."""
    found = {name: [(rest, A, "継続")] for name in SOYA_CITIES[2:] if name != without}
    return {"稚内市": [first], "猿払村": [second], **found}


# file → (scope, what stands in each layer): read by eye in Body/Warning.
SAMPLES = {
    "15_16_01_241031_VPWW56.xml": (
        "VPWW56/011000",
        {
            "府県予報区等": {SOYA: [("49", U, "発表")]},
            "一次細分区域等": {SOYA: [("49", U, "発表")]},
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("49", U, "発表")],
                SOYA_SOUTH: [("29", A, "継続")],
                ISLANDS: [("29", A, "継続")],
            },
            "市町村等": soya(("49", U, "発表"), ("09", W, "継続"), "29"),
        },
    ),
    "15_16_02_251222_VPWW57.xml": (
        "VPWW57/260000",
        {
            "府県予報区等": {"京都府": [("48", U, "発表")]},
            "一次細分区域等": {"北部": [("48", U, "発表")]},
            "市町村等をまとめた地域等": {"丹後": [("48", U, "発表")], "舞鶴・綾部": [("48", U, "発表")]},
            "市町村等": {
                "舞鶴市": [("48", U, "発表")],
                "宮津市": [("48", U, "発表")],
                "京丹後市": [("08", W, "継続")],
                "伊根町": [("08", W, "継続")],
                "与謝野町": [("48", U, "発表")],
            },
            "高潮予報区間": {"舞鶴湾": [("48", U, "発表")]},
        },
    ),
    "15_16_03_241226_VPWW55.xml": (
        "VPWW55/011000",
        {
            "府県予報区等": {SOYA: [("43", U, "発表")]},
            "一次細分区域等": {SOYA: [("43", U, "発表")]},
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("43", U, "発表")],
                SOYA_SOUTH: [("10", A, "継続")],
                ISLANDS: [("10", A, "継続")],
            },
            "市町村等": soya(("43", U, "発表"), ("03", W, "継続"), "10"),
        },
    ),
    "15_16_04_251222_VPWW58.xml": (
        "VPWW58/011000",
        {
            "府県予報区等": {SOYA: [("05", W, "継続")]},
            "一次細分区域等": {SOYA: [("05", W, "継続")]},
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("05", W, "継続")],
                SOYA_SOUTH: [("15", A, "継続")],
                ISLANDS: [("15", A, "継続")],
            },
            "市町村等": soya(("05", W, "発表"), ("05", W, "継続"), "15"),
        },
    ),
    "15_16_05_241226_VPWW59.xml": (
        "VPWW59/011000",
        {
            "府県予報区等": {SOYA: [("07", W, "継続")]},
            "一次細分区域等": {SOYA: [("07", W, "継続")]},
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("07", W, "継続")],
                SOYA_SOUTH: [("16", A, "継続")],
                ISLANDS: [("16", A, "継続")],
            },
            "市町村等": soya(("07", W, "発表"), ("07", W, "継続"), "16", without="中頓別町"),
        },
    ),
    "15_16_06_241226_VPWW60.xml": (
        "VPWW60/011000",
        {
            "府県予報区等": {SOYA: [("06", W, "継続")]},
            "一次細分区域等": {SOYA: [("06", W, "継続")]},
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("06", W, "継続")],
                SOYA_SOUTH: [("12", A, "継続")],
                ISLANDS: [("12", A, "継続")],
            },
            "市町村等": soya(("06", W, "発表"), ("06", W, "継続"), "12"),
        },
    ),
    "15_16_07_250825_VPWW61.xml": (
        "VPWW61/011000",
        {
            "府県予報区等": {
                SOYA: [
                    ("14", A, "発表"),
                    *((code, A, "継続") for code in ("17", "23", "20", "21", "22", "24", "25", "26")),
                ]
            },
            "市町村等をまとめた地域等": {
                SOYA_NORTH: [("14", A, "発表"), ("17", A, "継続"), ("23", A, "継続")],
                SOYA_SOUTH: [("20", A, "継続"), ("21", A, "継続"), ("22", A, "継続")],
                ISLANDS: [("24", A, "継続"), ("25", A, "継続"), ("26", A, "継続")],
            },
            "市町村等": {
                "稚内市": [("14", A, "発表")],
                "猿払村": [("17", A, "継続")],
                "浜頓別町": [("20", A, "継続")],
                "中頓別町": [("21", A, "継続")],
                "枝幸町": [("22", A, "継続")],
                "豊富町": [("23", A, "継続")],
                "礼文町": [("24", A, "継続")],
                "利尻町": [("25", A, "継続")],
                "利尻富士町": [("26", A, "継続")],
                "幌延町": [("23", A, "継続")],
            },
        },
    ),
    "15_16_08_250630_VPWW57.xml": (
        "VPWW57/011000",
        {
            "府県予報区等": {SOYA: [("48", U, "発表")]},
            "一次細分区域等": {SOYA: [("48", U, "発表")]},
            "市町村等をまとめた地域等": {SOYA_NORTH: [("48", U, "発表")], SOYA_SOUTH: [("48", U, "発表")]},
            "市町村等": {name: [("48", U, "発表")] for name in ("稚内市", "猿払村", "浜頓別町", "枝幸町")},
        },
    ),
}

REAL = {
    "vpww55_heavy-rain_lv2.xml": (
        "VPWW55/013000",
        {
            "府県予報区等": {"網走・北見・紋別地方": [("10", A, "発表")]},
            "一次細分区域等": {"網走地方": [("10", A, "発表")]},
            "市町村等をまとめた地域等": {"網走南部": [("10", A, "発表")]},
            "市町村等": {"美幌町": [("10", A, "発表")]},
        },
    ),
    "vpww56_landslide_lv2.xml": (
        "VPWW56/150000",
        {
            "府県予報区等": {"新潟県": [("29", A, "発表")]},
            "一次細分区域等": {"下越": [("29", A, "発表")]},
            "市町村等をまとめた地域等": {"岩船地域": [("29", A, "発表")]},
            "市町村等": {"村上市": [("29", A, "発表")]},
        },
    ),
    "vpww58_wind_advisory.xml": (
        "VPWW58/130000",
        {
            "府県予報区等": {"東京都": [("15", A, "発表")]},
            "一次細分区域等": {"伊豆諸島南部": [("15", A, "発表")]},
            "市町村等をまとめた地域等": {"八丈島": [("15", A, "発表")]},
            "市町村等": {"八丈町": [("15", A, "発表")], "青ヶ島村": [("15", A, "発表")]},
        },
    ),
    "vpww61_thunder-fog.xml": (
        "VPWW61/016000",
        {
            "府県予報区等": {
                name: [("14", A, "発表"), ("20", A, "発表")] for name in ("石狩地方", "空知地方", "後志地方")
            },
            "一次細分区域等": {
                name: [("14", A, "発表"), ("20", A, "発表")] for name in ("石狩地方", "空知地方", "後志地方")
            },
        },
    ),
}
FILES = [("official_samples", name, *row) for name, row in SAMPLES.items()] + [
    ("real_2026", name, *row) for name, row in REAL.items()
]


@pytest.mark.parametrize(("folder", "name", "scope", "layers"), FILES, ids=[row[1] for row in FILES])
def test_each_warning_telegram_says_what_its_file_says(
    folder: str, name: str, scope: str, layers: dict[str, dict[str, list]]
) -> None:
    found = real(folder, name)
    assert found.scope == scope
    assert found.problems == ()
    assert not found.is_legacy
    for layer, stands in layers.items():
        assert standing(found, layer) == stands, layer


ALL_WARNINGS = [("official_samples", name) for name in SAMPLES] + [("real_2026", name) for name in REAL]


@pytest.mark.parametrize(("folder", "name"), ALL_WARNINGS, ids=[row[1] for row in ALL_WARNINGS])
def test_no_area_and_no_kind_is_lost(folder: str, name: str) -> None:
    body = ET.parse(jma_folder() / folder / name).getroot().find(f"{BODY}Body")
    assert body is not None
    given = Counter(
        (item.findtext(f"{BODY}Area/{BODY}Code"), kind.findtext(f"{BODY}Code"))
        for item in body.iterfind(f"{BODY}Warning/{BODY}Item")
        for kind in item.iterfind(f"{BODY}Kind")
    )
    found = real(folder, name)
    read = Counter((a.code, k.code) for a in found.areas for k in a.kinds)
    assert read == Counter({pair: n for pair, n in given.items() if pair[1] is not None})
    assert len(found.areas) == len(body.findall(f"{BODY}Warning/{BODY}Item"))


def at(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=JST)


def test_a_landslide_warning_tells_when_level_4_is_expected() -> None:
    found = real("official_samples", "15_16_01_241031_VPWW56.xml")
    for code, name, grade, level in (("0121400", "稚内市", U, 4), ("0151100", "猿払村", W, 3)):
        kind = only_kind(found, code)
        assert area(found, code).name == name
        assert (kind.danger, kind.grade, kind.level) == (Danger.LANDSLIDE, grade, level)
        assert (kind.last_code, kind.last_name, kind.last_grade) == ("09", "レベル３土砂災害警報", W)
        assert expects(kind) == [(4, at(2020, 6, 23, 1), timedelta(hours=4), "")]
        assert kind.expected[0].as_given == "２３日１時から５時まで、警戒レベル４相当"
    assert only_kind(found, "0151200").expected == ()
    assert only_kind(found, "0151200").level == 2
    assert found.text.startswith("避難が必要となる危険な状況となっています。")


def test_a_surge_warning_tells_places_within_a_city_and_its_own_sections() -> None:
    found = real("official_samples", "15_16_02_251222_VPWW57.xml")
    six, hours = at(2020, 6, 23, 6), timedelta(hours=6)
    assert expects(only_kind(found, "2620200")) == [
        (4, six, hours, "舞鶴湾"),
        (4, six, hours, "（高潮予報区間以外）"),
    ]
    assert expects(only_kind(found, "2621200")) == [(4, at(2020, 6, 23, 8), timedelta(hours=3), "")]
    bay = only_kind(found, "2635999", "高潮予報区間", System.SURGE)
    assert expects(bay) == [(4, six, hours, "舞鶴港海岸")]
    assert bay.expected[0].as_given.endswith("舞鶴市では浸水する恐れがあります。")
    assert {a.name for a in found.areas if a.system is System.SURGE} == {"舞鶴湾"}
    assert area(found, "2610000").kinds == ()


def test_a_coast_within_a_city_is_named_where_the_surge_is_expected_there() -> None:
    found = real("official_samples", "15_16_08_250630_VPWW57.xml")
    midnight, hours = at(2024, 9, 1, 0), timedelta(hours=3)
    assert expects(only_kind(found, "0121400")) == [(4, midnight, hours, "オホーツク海側")]
    assert expects(only_kind(found, "0151400")) == [(4, midnight, hours, "")]
    assert area(found, "0151300").kinds == ()
    assert area(found, "011013", "市町村等をまとめた地域等").kinds == ()


def test_thunder_brings_its_companions_as_conditions() -> None:
    assert only_kind(real("official_samples", "15_16_07_250825_VPWW61.xml"), "0121400").conditions == (
        "突風",
    )
    sapporo = area(real("real_2026", "vpww61_thunder-fog.xml"), "0110000")
    assert [(k.code, k.danger, k.conditions) for k in sapporo.kinds] == [
        ("14", Danger.THUNDER, ("突風", "ひょう")),
        ("20", Danger.FOG, ()),
    ]


def test_wind_and_snow_have_grades_but_no_level() -> None:
    for name, danger in (
        ("15_16_04_251222_VPWW58.xml", Danger.WIND),
        ("15_16_05_241226_VPWW59.xml", Danger.WAVES),
        ("15_16_06_241226_VPWW60.xml", Danger.SNOW),
    ):
        kind = only_kind(real("official_samples", name), "0121400")
        assert (kind.danger, kind.grade, kind.level, kind.last_grade) == (danger, W, None, A)
