"""VPWS50, taken apart into what VPWW55–61 would say. No sample of it is published: the bodies are written here."""

from __future__ import annotations

import tracemalloc

import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.jma.weather_kinds import FAMILIES
from bosai.feeds.readings import Area, Danger, Grade, Reading, System
from tests.bosai.feeds.weather_telegrams import (
    COLLECTION,
    EAST,
    MIYAGI,
    WEST,
    item,
    kind,
    layer,
    readings,
    weather,
)

TOKYO, CHIYODA = ("130000", "東京都"), ("1310100", "千代田区")
SOYA, WAKKANAI = ("011000", "宗谷地方"), ("0121400", "稚内市")
ISHIKARI, SAPPORO = ("016010", "石狩地方"), ("0110000", "札幌市")
COAST = ("0412345", "仙台湾沿岸")


def nation() -> str:
    """A body with 宮城県, 東京都 and two parts of 北海道, every group of dangers mixed."""
    return (
        layer(
            "府県予報区等",
            item(MIYAGI, kind("49"), kind("14"), kind("16")),
            item(TOKYO),
            item(SOYA, kind("10")),
            item(ISHIKARI),
        )
        + layer(
            "一次細分区域等", item(("040010", "東部"), kind("49"), kind("16")), item(("130010", "東京地方"))
        )
        + layer(
            "市町村等",
            item(EAST, kind("49"), kind("14", "継続"), kind("29", "解除")),
            item(WEST, kind("09", "危険警報から警報", last="49")),
            item(CHIYODA),
            item(WAKKANAI, kind("10")),
            item(SAPPORO),
        )
        + layer("高潮予報区間", item(COAST, kind("48")))
    )


def by_scope(body: str) -> dict[str, Reading]:
    """The readings that replace something, by what they replace."""
    return {one.scope: one for one in readings(weather(body, title=COLLECTION)) if one.areas}


def left_out(body: str) -> dict[str, tuple[str, ...]]:
    """scope → why, of the readings that replace nothing."""
    found = [one for one in readings(weather(body, title=COLLECTION)) if not one.areas]
    return {one.scope: one.problems for one in found}


def named(found: Reading) -> dict[str, list[str]]:
    return {area.name: [one.code for one in area.kinds] for area in found.areas}


def test_each_warning_type_of_each_prefecture_becomes_a_reading_of_its_own() -> None:
    found = by_scope(nation())
    assert set(found) == {f"{family}/{office}" for family in FAMILIES for office in ("040000", "130000")}
    assert named(found["VPWW56/040000"]) == {
        "宮城県": ["49"],
        "東部": ["49"],
        "仙台市東部": ["49", "29"],
        "仙台市西部": ["09"],
    }
    assert named(found["VPWW61/040000"]) == {"宮城県": ["14"], "仙台市東部": ["14"]}
    assert named(found["VPWW59/040000"]) == {"宮城県": ["16"], "東部": ["16"]}


def test_a_type_with_nothing_in_force_still_names_its_prefecture_so_that_it_replaces_what_stood() -> None:
    found = by_scope(nation())
    for scope in ("VPWW55/040000", "VPWW58/040000", *(f"{family}/130000" for family in FAMILIES)):
        assert [(one.code, one.kinds) for one in found[scope].areas] == [(scope[-6:], ())]


def test_surge_sections_stay_apart_from_weather_areas() -> None:
    surge = by_scope(nation())["VPWW57/040000"]
    assert [(one.system, one.code, one.layer) for one in surge.areas if one.kinds] == [
        (System.SURGE, "0412345", "高潮予報区間")
    ]


def test_grades_liftings_and_last_kinds_are_those_of_the_single_telegrams() -> None:
    landslide = by_scope(nation())["VPWW56/040000"]
    east, west = (landslide.area(System.WEATHER, code) for code, _ in (EAST, WEST))
    assert isinstance(east, Area)
    assert isinstance(west, Area)
    assert [(one.grade, one.lifted) for one in east.kinds] == [(Grade.URGENT, False), (Grade.NONE, True)]
    assert [(one.grade, one.last_grade) for one in west.kinds] == [(Grade.WARNING, Grade.URGENT)]


def test_prefectures_with_several_forecast_areas_are_left_out_and_say_so_only_there() -> None:
    found = by_scope(nation())
    assert not any(scope.endswith(("011000", "016010", "010000")) for scope in found)
    assert all(one.problems == () for one in found.values())
    problem = "都道府県01の府県予報区が一つに決まらないため読みませんでした（宗谷地方・石狩地方）"
    assert left_out(nation()) == {"VPWS50/011000": (problem,), "VPWS50/016010": (problem,)}


def test_a_prefecture_without_cities_is_left_out_rather_than_lifted() -> None:
    body = layer("府県予報区等", item(MIYAGI), item(TOKYO)) + layer("市町村等", item(CHIYODA))
    assert {scope[-6:] for scope in by_scope(body)} == {"130000"}
    assert left_out(body) == {"VPWS50/040000": ("宮城県に市町村等の欄がないため読みませんでした",)}


def test_what_cannot_be_read_is_told_with_its_own_prefecture() -> None:
    body = layer("府県予報区等", item(MIYAGI), item(TOKYO)) + layer(
        "市町村等", item(EAST, kind("49")), item(CHIYODA, kind("88"))
    )
    found = by_scope(body)
    assert found["VPWW56/040000"].problems == ()
    assert "88" in found["VPWW56/130000"].problems[0]


def test_kinds_given_item_by_item_come_together() -> None:
    body = layer("府県予報区等", item(MIYAGI)) + layer(
        "市町村等", item(EAST, kind("49")), item(EAST, kind("43")), item(EAST, kind("05"))
    )
    found = by_scope(body)
    for family, code in (("VPWW55", "43"), ("VPWW56", "49"), ("VPWW58", "05")):
        assert named(found[f"{family}/040000"])["仙台市東部"] == [code]


def test_an_unknown_code_stands_with_the_other_advisories_and_is_told() -> None:
    body = layer("府県予報区等", item(MIYAGI)) + layer("市町村等", item(EAST, kind("88")))
    found = by_scope(body)["VPWW61/040000"]
    area = found.area(System.WEATHER, "0410001")
    assert area is not None
    assert [(one.grade, one.danger) for one in area.kinds] == [(Grade.UNKNOWN, Danger.OTHER)]
    assert any("88" in said for said in found.problems)


def test_all_readings_are_of_the_one_telegram() -> None:
    found = readings(weather(nation(), title=COLLECTION))
    assert len({one.source.key for one in found}) == 1
    assert found[0].source.type_code == "VPWS50"


def test_a_withdrawn_collection_is_only_a_text() -> None:
    (found,) = readings(weather("<Text>取り消します。</Text>", title=COLLECTION, info_type="取消"))
    assert (found.scope, found.areas, found.text) == ("", (), "取り消します。")


@pytest.mark.parametrize(
    "body", ["", layer("市町村等", item(EAST, kind())), layer("府県予報区等", item(MIYAGI, kind()))]
)
def test_a_collection_that_could_replace_nothing_is_refused(body: str) -> None:
    with pytest.raises(TelegramRefused) as caught:
        readings(weather(body, title=COLLECTION))
    assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_a_nation_of_municipalities_is_read_in_little_more_memory_than_it_says() -> None:
    cities = [
        item((f"{prefecture:02}{n:05}", f"市町村{n}"), kind("10"), kind("14", "継続"))
        for prefecture in range(2, 46)
        for n in range(40)
    ]
    offices = [item((f"{prefecture:02}0000", f"県{prefecture}"), kind("10")) for prefecture in range(2, 46)]
    data = weather(layer("府県予報区等", *offices) + layer("市町村等", *cities), title=COLLECTION)
    telegram = parse_telegram(data)
    tracemalloc.start()
    try:
        found = read(telegram)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert len(found) == 44 * len(FAMILIES)
    assert sum(len(area.kinds) for one in found for area in one.areas) == 44 * (40 * 2 + 1)
    # 3,564 kinds: some hundred bytes each, twice (once whole, once by warning type).
    assert peak < 12 * 1024 * 1024
