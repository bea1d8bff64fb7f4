"""VPWW55–61 beyond the samples: liftings, what has no code, codes nobody knows, withdrawals, and 仙台市."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import InfoType, parse_telegram
from bosai.feeds.jma.weather_kinds import FAMILIES, FAMILY_OF, KINDS, MAIN_DANGER, SIGNIFICANCE
from bosai.feeds.jma.weather_warnings import read_warnings
from bosai.feeds.readings import LEVELLED, Danger, Grade, Kind, Reading
from tests.bosai.feeds.telegrams import JST, jma_folder, report
from tests.bosai.feeds.weather_telegrams import (
    EAST,
    MIYAGI,
    RAIN,
    WEST,
    WIND,
    area,
    criteria,
    expects,
    item,
    kind,
    layer,
    miyagi,
    only_kind,
    reading,
    standing,
    weather,
)


def of_east(*kinds: str, title: str = "気象警報・注意報（Ｒ０６）（土砂）") -> Reading:
    return reading(weather(miyagi(item(EAST, *kinds), item(WEST)), title=title))


def kind_of_east(one: str, title: str = "気象警報・注意報（Ｒ０６）（土砂）") -> Kind:
    return only_kind(of_east(one, title=title), "0410001")


# 大雨, 土砂災害, 高潮 of the table in the domain reference, row by row: 注意報 2, 警報 3, 危険警報 4, 特別警報 5.
LEVELS = {
    Danger.HEAVY_RAIN: {"10": 2, "03": 3, "43": 4, "33": 5},
    Danger.LANDSLIDE: {"29": 2, "09": 3, "49": 4, "39": 5},
    Danger.STORM_SURGE: {"19": 2, "08": 3, "48": 4, "38": 5},
}
WITHOUT_LEVEL = {
    "15": Grade.ADVISORY,
    "05": Grade.WARNING,
    "35": Grade.EMERGENCY,
    "13": Grade.ADVISORY,
    "02": Grade.WARNING,
    "32": Grade.EMERGENCY,
    "12": Grade.ADVISORY,
    "06": Grade.WARNING,
    "36": Grade.EMERGENCY,
    "16": Grade.ADVISORY,
    "07": Grade.WARNING,
    "37": Grade.EMERGENCY,
    **dict.fromkeys(("14", "17", "20", "21", "22", "23", "24", "25", "26", "27"), Grade.ADVISORY),
}


@pytest.mark.parametrize("danger", LEVELS)
def test_every_code_of_a_levelled_danger_has_its_level(danger: Danger) -> None:
    for code, level in LEVELS[danger].items():
        found = kind_of_east(kind(code))
        assert (found.danger, found.level, found.lifted) == (danger, level, False), code


def test_every_other_code_has_a_grade_and_no_level() -> None:
    for code, grade in WITHOUT_LEVEL.items():
        found = kind_of_east(kind(code), title=WIND)
        assert (found.grade, found.level) == (grade, None), code
        assert found.danger not in LEVELLED


def test_the_table_holds_these_codes_and_no_other() -> None:
    assert set(KINDS) == {code for codes in LEVELS.values() for code in codes} | set(WITHOUT_LEVEL)
    assert {row.danger for row in KINDS.values()} == set(FAMILY_OF)
    assert set(MAIN_DANGER) == set(FAMILIES)


def test_a_special_warning_for_wind_is_not_level_5() -> None:
    found = kind_of_east(kind("35"), title=WIND)
    assert (found.danger, found.grade, found.level) == (Danger.WIND, Grade.EMERGENCY, None)


def test_a_lifted_kind_keeps_its_code_and_says_what_it_lifts() -> None:
    found = kind_of_east(kind("49", "解除", last="49"))
    assert (found.code, found.grade, found.lifted, found.level) == ("49", Grade.NONE, True, None)
    assert found.last_grade is Grade.URGENT
    without_last = kind_of_east(kind("29", "解除"))
    assert (without_last.lifted, without_last.last_code, without_last.last_grade) == (
        True,
        None,
        Grade.ADVISORY,
    )


@pytest.mark.parametrize("status", ["継続", "危険警報から警報", "特別警報から警報", "まだ知らない言い方"])
def test_any_status_but_a_lifting_leaves_the_kind_in_force(status: str) -> None:
    found = kind_of_east(kind("09", status, last="49"))
    assert (found.grade, found.status, found.last_grade, found.lifted) == (
        Grade.WARNING,
        status,
        Grade.URGENT,
        False,
    )


def test_an_area_with_nothing_issued_is_there_without_kinds() -> None:
    found = of_east(kind("49"))
    assert area(found, "0410002").kinds == ()
    assert area(found, "0410002").name == "仙台市西部"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("title", "danger"),
    [(RAIN, Danger.HEAVY_RAIN), ("気象警報・注意報（Ｒ０６）（高潮）", Danger.STORM_SURGE)],
)
def test_an_unknown_code_is_never_a_calming(title: str, danger: Danger) -> None:
    found = of_east(kind("88", name="新しい警報"), title=title)
    one = only_kind(found, "0410001")
    assert (one.danger, one.grade, one.level, one.name) == (danger, Grade.UNKNOWN, None, "新しい警報")
    assert found.problems == (
        "市町村等 仙台市東部（0410001）：種別のコード88は知らないコードです（新しい警報）",
    )


def test_a_reserved_code_has_its_danger_and_no_known_grade() -> None:
    found = of_east(kind("45", name="暴風危険警報"), title=WIND)
    one = only_kind(found, "0410001")
    assert (one.danger, one.grade, one.level) == (Danger.WIND, Grade.UNKNOWN, None)
    assert "予約" in found.problems[0]


def test_a_kind_without_a_code_is_unknown_too() -> None:
    found = of_east(kind("", name="レベル４土砂災害危険警報"))
    one = only_kind(found, "0410001")
    assert (one.grade, one.name, one.danger) == (Grade.UNKNOWN, "レベル４土砂災害危険警報", Danger.LANDSLIDE)
    assert len(found.problems) == 1


def test_the_code_decides_and_not_the_name() -> None:
    found = kind_of_east(kind("49", name="レベル２土砂災害注意報"))
    assert (found.level, found.name) == (4, "レベル２土砂災害注意報")


def test_a_missing_name_is_taken_from_the_table() -> None:
    assert kind_of_east(kind("49", name="")).name == "レベル４土砂災害危険警報"


def test_a_kind_without_status_stands_and_is_told() -> None:
    found = of_east(kind("49", None))
    assert only_kind(found, "0410001").level == 4
    assert "状態" in found.problems[0]


def test_conditions_and_notes_are_kept_as_given() -> None:
    found = kind_of_east(kind("48", condition="氾濫発生", notes=("浸水注意", "氾濫発生")))
    assert found.conditions == ("氾濫発生", "浸水注意")
    assert kind_of_east(kind("03", condition="土砂災害、浸水害")).conditions == ("土砂災害", "浸水害")


def test_expected_times_are_as_given_and_in_order() -> None:
    inside = criteria("51", "2026-09-01T05:00:00+09:00", "PT30M") + criteria(place="陸上")
    found = kind_of_east(kind("09", inside=inside))
    assert expects(found) == [
        (4, datetime(2026, 9, 1, 3, tzinfo=JST), timedelta(hours=4), "陸上"),
        (5, datetime(2026, 9, 1, 5, tzinfo=JST), timedelta(minutes=30), ""),
    ]


def test_an_expected_time_without_an_end_has_none() -> None:
    assert expects(kind_of_east(kind("09", inside=criteria(duration="")))) == [
        (4, datetime(2026, 9, 1, 3, tzinfo=JST), None, "")
    ]


@pytest.mark.parametrize(
    ("inside", "count", "problem"),
    [
        (criteria("00"), 0, None),
        (criteria("77"), 1, "危険度のコード77"),
        (criteria(time=""), 0, "時刻がありません"),
        (criteria(time="まもなく"), 0, "時刻を読めません"),
        (criteria(time="2026-09-01T03:00:00"), 0, "時刻を読めません"),
        (criteria(duration="４時間"), 1, "期間を読めません"),
        (criteria(duration="P1M"), 1, "期間を読めません"),
        (criteria(duration="P"), 1, "期間を読めません"),
        (criteria(duration="P1DT6H"), 1, None),
    ],
)
def test_what_cannot_be_read_of_an_expected_time_never_costs_the_warning(
    inside: str, count: int, problem: str | None
) -> None:
    found = of_east(kind("49", inside=inside))
    one = only_kind(found, "0410001")
    assert one.level == 4
    assert len(one.expected) == count
    assert (problem is None) == (found.problems == ())
    assert problem is None or any(problem in said for said in found.problems)


def test_codes_of_significance_have_their_levels() -> None:
    levels = {code: one.level for code, one in SIGNIFICANCE.items()}
    assert levels == {
        "51": 5,
        "41": 4,
        "31": 3,
        "22": 2,
        "21": 2,
        **dict.fromkeys(("11", "50", "30", "20", "01")),
    }
    assert SIGNIFICANCE["50"].grade is Grade.EMERGENCY
    assert SIGNIFICANCE["30"].grade is Grade.WARNING


def test_a_withdrawal_is_only_a_text_and_has_no_scope() -> None:
    found = reading(weather("<Text>０時１０分の発表は誤りでした。</Text>", info_type="取消"))
    assert (found.scope, found.areas, found.text) == ("", (), "０時１０分の発表は誤りでした。")
    assert found.is_cancellation
    assert found.source.info_type is InfoType.CANCELLED


def test_a_correction_replaces_as_an_issue_does() -> None:
    found = reading(weather(miyagi(item(EAST, kind("29"))), info_type="訂正"))
    assert (found.scope, only_kind(found, "0410001").level) == ("VPWW56/040000", 2)


def test_an_area_named_twice_in_a_layer_has_the_kinds_of_both() -> None:
    found = reading(
        weather(
            miyagi(item(EAST, kind("05")), item(EAST, kind("02")), item(EAST, kind("05")), item(EAST)),
            title=WIND,
        )
    )
    assert [one.code for one in area(found, "0410001").kinds] == ["05", "02"]


def test_without_cities_a_telegram_is_refused_and_lifts_nothing() -> None:
    for body in ("", layer("府県予報区等", item(MIYAGI, kind())), miyagi(item(("", "仙台市東部"), kind()))):
        with pytest.raises(TelegramRefused) as caught:
            reading(weather(body))
        assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_without_the_prefecture_layer_the_cities_tell_which_it_is() -> None:
    found = reading(weather(layer("市町村等", item(EAST, kind()), item(WEST))))
    assert found.scope == "VPWW56/040000"
    assert "府県予報区等" in found.problems[0]


def test_an_area_without_code_is_a_problem_beside_the_others() -> None:
    found = reading(weather(miyagi(item(("", "どこか"), kind()), item(EAST, kind()))))
    assert standing(found) == {"仙台市東部": [("49", Grade.URGENT, "発表")]}
    assert found.problems == ("市町村等のどこかに区域のコードがありません",)


def test_several_parts_of_hokkaido_share_one_scope() -> None:
    parts = [
        item(("016010", "石狩地方"), kind("29")),
        item(("016020", "空知地方")),
        item(("016030", "後志地方")),
    ]
    found = reading(
        weather(layer("府県予報区等", *parts) + layer("市町村等", item(("0110000", "札幌市"), kind())))
    )
    assert found.scope == "VPWW56/016000"


def test_another_type_or_another_body_is_refused() -> None:
    with pytest.raises(TelegramRefused) as caught:
        read_warnings(parse_telegram(report()))
    assert caught.value.reason is RefusalReason.WRONG_TYPE
    with pytest.raises(TelegramRefused) as caught:
        read_warnings(parse_telegram(report(title=RAIN, body=miyagi(item(EAST, kind())))))
    assert caught.value.reason is RefusalReason.WRONG_NAMESPACE


def test_problems_are_counted_once_they_are_many() -> None:
    found = reading(weather(miyagi(*(item((f"04{n:05}", f"町{n}"), kind("88")) for n in range(80)))))
    assert len(found.areas) == 81
    assert len(found.problems) == 51
    assert found.problems[-1] == "ほかに読めないところが30か所あります"


@pytest.mark.real_data
def test_sendai_east_and_west_are_read_from_a_real_telegram_made_theirs() -> None:
    data = (jma_folder() / "official_samples" / "15_16_01_241031_VPWW56.xml").read_bytes().decode()
    for there, here in (
        ("稚内市", "仙台市東部"),
        ("0121400", "0410001"),
        ("猿払村", "仙台市西部"),
        ("0151100", "0410002"),
        ("011000", "040000"),
        ("宗谷地方", "宮城県"),
    ):
        data = data.replace(there, here)
    found = reading(data.encode())
    assert found.scope == "VPWW56/040000"
    east, west = only_kind(found, "0410001"), only_kind(found, "0410002")
    assert (east.level, west.level) == (4, 3)
    start = datetime(2020, 6, 23, 1, tzinfo=JST)
    assert expects(west) == [(4, start, timedelta(hours=4), "")]
