"""VPWP50: spells of level 3 and more, as given. The sample has none, so they are written into it here."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Danger, Forecast, Grade, Reading, System
from tests.bosai.feeds.telegrams import JST
from tests.bosai.feeds.weather_telegrams import (
    EAST,
    SERIES,
    SERIES_SAMPLE,
    reading,
    real,
    spell,
    weather,
    with_values,
)

NAMES = ("１日未明", "１日明け方", "１日朝", "１日昼前", "１日昼過ぎ", "１日夕方")
H3 = timedelta(hours=3)


def hour(n: int) -> datetime:
    return datetime(2026, 9, 1, n, tzinfo=JST)


def significance(codes: str, kind: str = "土砂災害危険度", *, place: str = "", first: int = 1) -> str:
    """One Kind with the values of these codes, step by step from `first`."""
    values = "".join(
        f'<Significancy refID="{n}" type="{kind}"><Name>級{code}</Name><Code>{code}</Code></Significancy>'
        for n, code in enumerate(codes.split(), start=first)
    )
    if place:
        values = f"<Local><AreaName>{place}</AreaName>{values}</Local>"
    return (
        f"<Kind><Status>発表</Status><Property><Type>{kind}</Type><SignificancyPart><Base>{values}</Base>"
        "</SignificancyPart></Property></Kind>"
    )


def series(*kinds: str, area: tuple[str, str] = EAST, duration: str = "PT3H") -> str:
    defines = "".join(
        f'<TimeDefine timeId="{n}"><DateTime>{hour(3 * (n - 1)).isoformat()}</DateTime>'
        + (f"<Duration>{duration}</Duration>" if duration else "")
        + f"<Name>{name}</Name></TimeDefine>"
        for n, name in enumerate(NAMES, start=1)
    )
    return (
        '<MeteorologicalInfos type="量的予想時系列（市町村等）"><TimeSeriesInfo>'
        f"<TimeDefines>{defines}</TimeDefines><Item>{''.join(kinds)}"
        f"<Area><Name>{area[1]}</Name><Code>{area[0]}</Code></Area></Item></TimeSeriesInfo></MeteorologicalInfos>"
    )


def of(*kinds: str, duration: str = "PT3H") -> Reading:
    return reading(weather(series(*kinds, duration=duration), title=SERIES))


def only(found: Reading) -> Forecast:
    (one,) = found.forecasts
    return one


@pytest.mark.real_data
def test_the_sample_expects_nothing_of_level_3_and_says_which_telegram_it_replaces() -> None:
    found = real("official_samples", SERIES_SAMPLE)
    assert (found.forecasts, found.areas, found.problems) == ((), (), ())
    assert found.scope == "VPWP50/010000/稚内地方気象台"


@pytest.mark.real_data
def test_values_written_into_the_sample_are_found_at_their_hours() -> None:
    four, three = ("41", "警戒レベル４相当"), ("31", "警戒レベル３相当")
    found = only(reading(with_values("稚内市", "土砂災害危険度", None, {5: four, 6: four, 7: three})))
    assert (found.code, found.name, found.danger) == ("0121400", "稚内市", Danger.LANDSLIDE)
    evening = datetime(2023, 6, 22, 18, tzinfo=JST)
    assert [spell(one) for one in found.expected] == [
        (Grade.URGENT, 4, evening, timedelta(hours=6), ""),
        (Grade.WARNING, 3, evening + timedelta(hours=6), H3, ""),
    ]
    assert found.expected[0].as_given == "２２日夜のはじめ頃から２２日夜遅くまで、警戒レベル４相当"


@pytest.mark.real_data
def test_a_sea_beside_a_city_in_the_sample_keeps_its_name() -> None:
    found = only(reading(with_values("稚内市", "風危険度", "宗谷海峡", {9: ("30", "警報級")})))
    assert (found.danger, [spell(one) for one in found.expected]) == (
        Danger.WIND,
        [(Grade.WARNING, None, datetime(2023, 6, 23, 6, tzinfo=JST), H3, "宗谷海峡")],
    )


def test_steps_of_one_level_make_one_spell_with_its_beginning_and_end() -> None:
    found = only(of(significance("11 31 41 41 31 11")))
    assert (found.system, found.code, found.name, found.danger) == (
        System.WEATHER,
        "0410001",
        "仙台市東部",
        Danger.LANDSLIDE,
    )
    assert [spell(one) for one in found.expected] == [
        (Grade.WARNING, 3, hour(3), H3, ""),
        (Grade.URGENT, 4, hour(6), 2 * H3, ""),
        (Grade.WARNING, 3, hour(12), H3, ""),
    ]
    assert [one.as_given for one in found.expected] == [
        "１日明け方、級31",
        "１日朝から１日昼前まで、級41",
        "１日昼過ぎ、級31",
    ]


def test_a_spell_that_lasts_to_the_end_of_the_series_has_no_end() -> None:
    assert [spell(one) for one in only(of(significance("11 11 11 11 41 41"))).expected] == [
        (Grade.URGENT, 4, hour(12), None, "")
    ]


def test_no_value_is_neither_danger_nor_its_end() -> None:
    assert [spell(one) for one in only(of(significance("41 41 00 00 41 11"))).expected] == [
        (Grade.URGENT, 4, hour(0), None, ""),
        (Grade.URGENT, 4, hour(12), H3, ""),
    ]
    assert of(significance("00 00 00 00 00 00")).forecasts == ()


def test_level_2_and_less_is_not_a_spell() -> None:
    assert of(significance("11 21 22 20 01 11")).forecasts == ()


def test_each_place_has_spells_of_its_own() -> None:
    found = only(of(significance("30 30 01 01 01 01", "風危険度", place="海上")))
    assert (found.danger, [spell(one) for one in found.expected]) == (
        Danger.WIND,
        [(Grade.WARNING, None, hour(0), 2 * H3, "海上")],
    )


def test_dangers_stand_apart_and_two_parts_of_one_come_together() -> None:
    found = of(
        significance("31 11 11 11 11 11"),
        significance("11 31 11 11 11 11", "大雨浸水危険度"),
        significance("11 11 51 11 11 11", place="山沿い"),
    )
    assert {one.danger: [spell(e) for e in one.expected] for one in found.forecasts} == {
        Danger.LANDSLIDE: [
            (Grade.WARNING, 3, hour(0), H3, ""),
            (Grade.EMERGENCY, 5, hour(6), H3, "山沿い"),
        ],
        Danger.HEAVY_RAIN: [(Grade.WARNING, 3, hour(3), H3, "")],
    }


def test_an_unknown_value_or_kind_is_told_and_never_dropped() -> None:
    found = of(significance("11 99 11 11 11 11"), significance("41 11", "新しい危険度"))
    assert {(one.danger, one.expected[0].grade) for one in found.forecasts} == {
        (Danger.LANDSLIDE, Grade.UNKNOWN),
        (Danger.OTHER, Grade.URGENT),
    }
    assert len(found.problems) == 2


def test_steps_that_cannot_be_placed_are_problems_and_the_others_stay() -> None:
    found = of(significance("41 41", first=6))
    assert [spell(one) for one in only(found).expected] == [(Grade.URGENT, 4, hour(15), None, "")]
    assert any("refID" in said for said in found.problems)


def test_without_durations_steps_are_not_joined_and_have_no_end() -> None:
    assert [spell(one) for one in only(of(significance("41 41 11"), duration="")).expected] == [
        (Grade.URGENT, 4, hour(0), None, ""),
        (Grade.URGENT, 4, hour(3), None, ""),
    ]


def test_the_scope_is_the_prefecture() -> None:
    assert of(significance("11")).scope == "VPWP50/040000"


def test_without_any_area_it_is_refused_and_a_withdrawal_is_a_text() -> None:
    with pytest.raises(TelegramRefused) as caught:
        reading(weather(series(area=("", "どこか")), title=SERIES))
    assert caught.value.reason is RefusalReason.FIELD_MISSING
    found = reading(weather("<Text>取消。</Text>", title=SERIES, info_type="取消"))
    assert (found.scope, found.text) == ("", "取消。")


def test_a_series_is_not_what_is_in_force() -> None:
    found = read(parse_telegram(weather(series(significance("51 51 51")), title=SERIES)))
    assert found is not None
    assert all(one.areas == () for one in found)
