"""The telegrams kept until about 2028, with the meanings their codes have there."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.readings import Danger, Grade, Kind, Reading, System
from tests.bosai.feeds.telegrams import JST
from tests.bosai.feeds.weather_telegrams import (
    EAST,
    LANDSLIDE_ALERT,
    LEGACY,
    WEST,
    area,
    item,
    kind,
    miyagi,
    reading,
    real,
    weather,
)

BEFORE, SINCE = datetime(2026, 5, 28, 12, 59, tzinfo=JST), datetime(2026, 5, 28, 13, 0, tzinfo=JST)
RAIN, SLIDE, FLOOD = Danger.HEAVY_RAIN, Danger.LANDSLIDE, Danger.RIVER_FLOOD
A, W, U, E = Grade.ADVISORY, Grade.WARNING, Grade.URGENT, Grade.EMERGENCY
Row = tuple[str, Danger, Grade, str]


def kinds_of(found: Reading, code: str, layer: str = "市町村等") -> list[Row]:
    return [(k.code, k.danger, k.grade, k.status) for k in area(found, code, layer).kinds]


def old(*kinds: str, report_at: datetime = SINCE, notice: str = "") -> Reading:
    body = (f"<Notice>{notice}</Notice>" if notice else "") + miyagi(item(EAST, *kinds), item(WEST))
    return reading(weather(body, title=LEGACY, report_at=report_at))


def east(*kinds: str, report_at: datetime = SINCE) -> tuple[Kind, ...]:
    return area(old(*kinds, report_at=report_at), "0410001").kinds


# By eye from 15_08_03 (奈良県, 2011-09-04): a special warning for landslides with 洪水.
NARA = {
    "2920100": [  # 奈良市
        ("33", SLIDE, E, "継続"),
        ("14", Danger.THUNDER, A, "継続"),
        ("15", Danger.WIND, A, "継続"),
        ("18", FLOOD, A, "継続"),
    ],
    "2920300": [  # 大和郡山市
        ("10", SLIDE, A, "特別警報から注意報"),
        ("14", Danger.THUNDER, A, "継続"),
        ("15", Danger.WIND, A, "継続"),
        ("18", FLOOD, A, "警報から注意報"),
    ],
    "2920500": [  # 橿原市
        ("33", SLIDE, E, "継続"),
        ("04", FLOOD, W, "発表"),
        ("14", Danger.THUNDER, A, "継続"),
        ("15", Danger.WIND, A, "継続"),
    ],
    "2934300": [  # 三郷町
        ("04", FLOOD, Grade.NONE, "解除"),
        ("10", SLIDE, A, "特別警報から注意報"),
        ("14", Danger.THUNDER, A, "継続"),
        ("15", Danger.WIND, A, "継続"),
    ],
}


@pytest.mark.real_data
def test_the_old_special_warning_of_2011_is_about_landslides() -> None:
    found = real("official_samples", "15_08_03_160628_VPWW53.xml")
    assert (found.scope, found.is_legacy, found.problems) == ("VPWW53/290000", True, ())
    assert {code: kinds_of(found, code) for code in NARA} == NARA
    assert kinds_of(found, "290000", "府県予報区等")[:2] == [
        ("33", SLIDE, E, "継続"),
        ("04", FLOOD, W, "継続"),
    ]
    nara = area(found, "290000", "府県予報区等").kinds[0]
    assert (nara.level, nara.conditions) == (5, ("土砂災害", "土砂災害警戒", "浸水注意"))
    assert Counter(a.layer for a in found.areas) == {
        "府県予報区等": 1,
        "一次細分区域等": 2,
        "市町村等をまとめた地域等": 5,
        "市町村等": 40,
    }


# By eye from 15_12_01 (島根県): 33 and 03 with 土砂災害、浸水害, which the same event has in both formats.
SHIMANE = {
    "3220100": [  # 松江市
        ("10", RAIN, A, "継続"),
        ("10", SLIDE, A, "継続"),
        ("14", Danger.THUNDER, A, "継続"),
        ("18", FLOOD, A, "継続"),
    ],
    "3220200": [  # 浜田市
        ("33", RAIN, E, "発表"),
        ("33", SLIDE, E, "発表"),
        ("04", FLOOD, W, "継続"),
        ("14", Danger.THUNDER, A, "継続"),
    ],
    "3220500": [  # 大田市
        ("03", RAIN, W, "継続"),
        ("03", SLIDE, W, "継続"),
        ("04", FLOOD, W, "継続"),
        ("14", Danger.THUNDER, A, "継続"),
    ],
    "3250500": [("14", Danger.THUNDER, A, "継続")],  # 吉賀町
    "3252500": [],  # 海士町
}


@pytest.mark.real_data
@pytest.mark.parametrize("type_code", ["VPWW53", "VPWW54"])
def test_an_old_rain_warning_about_both_gives_both_dangers(type_code: str) -> None:
    found = real("official_samples", f"15_12_01_161130_{type_code}.xml")
    assert (found.scope, found.is_legacy, found.problems) == (f"{type_code}/320000", True, ())
    assert {code: kinds_of(found, code) for code in SHIMANE} == SHIMANE
    assert len(found.areas) == 30
    assert {a.name for a in found.areas if not a.kinds} == {
        "隠岐",
        "海士町",
        "西ノ島町",
        "知夫村",
        "隠岐の島町",
    }


@pytest.mark.real_data
def test_the_later_of_the_old_formats_says_what_stood_before() -> None:
    found = real("official_samples", "15_12_01_161130_VPWW54.xml")
    assert [(k.danger, k.last_code, k.last_grade) for k in area(found, "3220200").kinds] == [
        (RAIN, "03", W),
        (SLIDE, "03", W),
        (FLOOD, "04", W),
        (Danger.THUNDER, "14", A),
    ]


LANDSLIDE_ALERTS = [
    (
        "official_samples",
        "17_04_01_250630_VXWW50.xml",
        "VXWW50/140000",
        35,
        {"小田原市": (U, "発表"), "真鶴町": (U, "発表"), "湯河原町": (U, "発表")},
    ),
    (
        "official_samples",
        "17_04_02_250630_VXWW50.xml",
        "VXWW50/140000",
        35,
        {
            "小田原市": (U, "継続"),
            "箱根町": (U, "発表"),
            "真鶴町": (U, "継続"),
            "湯河原町": (U, "継続"),
        },
    ),
    (
        "real_2026",
        "vxww50_landslide-alert.xml",
        "VXWW50/030000",
        33,
        {"北上市": (U, "継続"), "西和賀町": (U, "発表"), "金ケ崎町": (U, "継続")},
    ),
]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "name", "scope", "areas", "stands"), LANDSLIDE_ALERTS, ids=[row[1] for row in LANDSLIDE_ALERTS]
)
def test_a_landslide_alert_is_level_4_where_it_stands(
    folder: str, name: str, scope: str, areas: int, stands: dict[str, tuple[Grade, str]]
) -> None:
    found = real(folder, name)
    assert (found.scope, len(found.areas), found.is_legacy, found.problems) == (scope, areas, True, ())
    assert {a.name: (k.grade, k.status) for a in found.areas for k in a.kinds} == stands
    assert {(a.system, a.layer) for a in found.areas} == {(System.WEATHER, "市町村等")}
    assert {(k.danger, k.level, k.name) for a in found.areas for k in a.kinds} == {
        (SLIDE, 4, "レベル４土砂災害危険警報")
    }


@pytest.mark.real_data
def test_a_landslide_alert_lifts_area_by_area() -> None:
    found = real("official_samples", "17_01_01_190529_VXWW50.xml")
    assert (found.scope, len(found.areas), found.problems) == ("VXWW50/400000", 60, ())
    by_name = {a.name: a.kinds for a in found.areas}
    (kitakyushu,), (fukuoka,) = by_name["北九州市"], by_name["福岡市"]
    assert (kitakyushu.grade, kitakyushu.lifted, kitakyushu.name) == (U, False, "土砂災害警戒情報")
    assert (fukuoka.grade, fukuoka.lifted, fukuoka.last_grade, fukuoka.code) == (Grade.NONE, True, U, "1")
    assert by_name["柳川市"] == ()


@pytest.mark.real_data
def test_the_old_record_rain_information_is_a_happening() -> None:
    found = real("official_samples", "18_03_01_190412_VPOA50.xml")
    assert [(h.danger, h.code, h.name, h.value) for h in found.happenings] == [
        (Danger.RECORD_RAIN, "016010", "石狩地方", "記録的短時間大雨情報"),
        (Danger.RECORD_RAIN, "016030", "後志地方", "記録的短時間大雨情報"),
    ]
    assert (found.scope, found.areas, found.is_legacy) == ("", (), True)
    assert "札幌市中央区付近で約１００ミリ" in found.text


@pytest.mark.parametrize(
    ("one", "dangers"),
    [
        (kind("03", condition="土砂災害"), [SLIDE]),
        (kind("03", condition="浸水害"), [RAIN]),
        (kind("33", condition="土砂災害、浸水害"), [RAIN, SLIDE]),
        (kind("10", notes=("浸水注意",)), [RAIN]),
        (kind("10", notes=("土砂災害注意", "浸水注意")), [RAIN, SLIDE]),
        (kind("03"), [RAIN, SLIDE]),
        (kind("03", notes=("高いところの話",)), [RAIN, SLIDE]),
    ],
)
def test_an_old_rain_warning_is_about_what_it_names_or_about_both(one: str, dangers: list[Danger]) -> None:
    assert [found.danger for found in east(one)] == dangers


def test_an_old_last_kind_about_the_other_danger_is_not_this_ones() -> None:
    last = "<LastKind><Name>大雨警報</Name><Code>03</Code><Condition>浸水害</Condition></LastKind>"
    rain, slide = east(kind("33", condition="土砂災害、浸水害", inside=last))
    assert (rain.last_grade, slide.last_grade, slide.last_code) == (W, None, None)


@pytest.mark.parametrize(
    ("report_at", "warning", "special"), [(BEFORE, (U, 4), (U, 4)), (SINCE, (W, 3), (E, 5))]
)
def test_a_surge_warning_was_level_4_until_the_reform(
    report_at: datetime, warning: tuple[Grade, int], special: tuple[Grade, int]
) -> None:
    (first,) = east(kind("08"), report_at=report_at)
    (second,) = east(kind("38", last="08"), report_at=report_at)
    assert (first.grade, first.level) == warning
    assert (second.grade, second.level) == special
    assert second.last_grade is warning[0]
    (lifted,) = east(kind("08", "解除"), report_at=report_at)
    assert (lifted.grade, lifted.last_grade) == (Grade.NONE, warning[0])


def test_a_danger_warning_written_as_a_plain_one_sends_people_to_its_notice() -> None:
    found = old(kind("09"), notice="仙台市東部ではレベル４土砂災害危険警報を発表しています。")
    assert found.text == "仙台市東部ではレベル４土砂災害危険警報を発表しています。"
    assert found.problems == (
        "本文の注記に危険警報とあります。この電文では警報と書かれます。注記を読んでください",
    )
    assert area(found, "0410001").kinds[0].grade is W


def test_an_unknown_code_is_unknown_here_too() -> None:
    assert [one.grade for one in east(kind("88"))] == [Grade.UNKNOWN]
    target = "<TargetArea><Name>宮城県</Name><Code>040000</Code></TargetArea>"
    body = f'{target}<Warning type="土砂災害警戒情報">{item(EAST, kind("7"))}</Warning>'
    found = reading(weather(body, title=LANDSLIDE_ALERT))
    assert [(k.grade, k.danger) for k in area(found, "0410001").kinds] == [(Grade.UNKNOWN, SLIDE)]
    assert found.problems


def test_a_landslide_alert_without_its_target_area_is_placed_by_its_cities() -> None:
    found = reading(
        weather(f'<Warning type="土砂災害警戒情報">{item(EAST, kind("3"))}</Warning>', title=LANDSLIDE_ALERT)
    )
    assert found.scope == "VXWW50/040000"
    assert len(found.problems) == 1


def test_code_1_lifts_even_where_the_status_is_missing() -> None:
    found = reading(
        weather(
            f'<Warning type="土砂災害警戒情報">{item(EAST, kind("1", None))}</Warning>', title=LANDSLIDE_ALERT
        )
    )
    (lifted,) = area(found, "0410001").kinds
    assert (lifted.lifted, lifted.grade, lifted.last_grade) == (True, Grade.NONE, U)


@pytest.mark.parametrize(
    "title", [LEGACY, "気象警報・注意報（Ｈ２７）", LANDSLIDE_ALERT, "記録的短時間大雨情報"]
)
def test_a_withdrawal_is_marked_as_of_the_old_kind(title: str) -> None:
    found = reading(weather("<Text>取り消します。</Text>", title=title, info_type="取消"))
    assert (found.scope, found.text, found.is_legacy, found.is_cancellation) == (
        "",
        "取り消します。",
        True,
        True,
    )


@pytest.mark.parametrize("title", [LEGACY, LANDSLIDE_ALERT])
def test_without_any_city_it_is_refused(title: str) -> None:
    with pytest.raises(TelegramRefused) as caught:
        reading(weather("", title=title))
    assert caught.value.reason is RefusalReason.FIELD_MISSING
