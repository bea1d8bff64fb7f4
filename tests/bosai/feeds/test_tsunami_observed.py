"""津波情報 and 沖合の津波観測: expected values were read in the files by eye; none of it changes what is in force."""

from __future__ import annotations

from datetime import datetime

import pytest

from bosai.feeds.errors import TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Grade, Happening, Reading, System
from tests.bosai.feeds.telegrams import JST, item, jma_folder, report

SENDAI_PORT = "22021"


def official(name: str) -> Reading:
    data = (jma_folder() / "official_samples" / name).read_bytes()
    readings = read(parse_telegram(data, name=name))
    assert readings is not None
    (reading,) = readings
    return reading


def observed(
    *stations: str, title: str = "津波情報a", part: str = "Observation", forecast: str = ""
) -> Reading:
    body = (
        f"<Tsunami><{part}><Item><Area><Name>宮城県</Name><Code>220</Code></Area>{''.join(stations)}</Item></{part}>"
        f"{forecast}</Tsunami>"
    )
    readings = read(parse_telegram(report(title=title, body=body)))
    assert readings is not None
    return readings[0]


def station(highest: str, first: str = "", code: str = SENDAI_PORT) -> str:
    return (
        f"<Station><Name>仙台港</Name><Code>{code}</Code><FirstHeight>{first}</FirstHeight>"
        f"<MaxHeight>{highest}</MaxHeight></Station>"
    )


def wave(reading: Reading, code: str) -> Happening:
    (found,) = [one for one in reading.happenings if one.code == code]
    return found


# VTSE51 of 2011-03-11 at Item/Area/Code = 220 and its stations, read by eye:
# file → (kind of 宮城県, first wave there, {station: (arrival, condition)}, number of observed stations)
STATIONS_2011 = {
    "32-39_11_03_250206_VTSE51.xml": (
        "53",
        "11日15時00分 到達予想",
        {"22002": ("15:10", None), "22021": ("15:40", None)},
        0,
    ),
    "32-39_11_08_250206_VTSE51.xml": (
        "52",
        "11日15時00分 到達予想",
        {"22002": ("15:10", None), "22021": ("15:40", None)},
        1,
    ),
    "32-39_11_10_250206_VTSE51.xml": (
        "52",
        "第１波の到達を確認",
        {"22002": (None, "第１波の到達を確認"), "22021": ("15:40", None)},
        5,
    ),
}


@pytest.mark.parametrize("name", STATIONS_2011)
def test_arrivals_by_station_in_2011_are_as_the_files_say(name: str):
    code, first, stations, seen = STATIONS_2011[name]
    reading = official(name)
    assert (reading.scope, reading.problems) == ("", ())
    miyagi = reading.area(System.TSUNAMI, "220")
    assert miyagi is not None
    assert miyagi.layer == "津波予報区"
    (kind,) = miyagi.kinds
    assert kind.first_height is not None
    assert (kind.code, kind.grade, kind.first_height.as_given) == (code, Grade.EMERGENCY, first)
    found = {}
    for station_code in stations:
        area = reading.area(System.TSUNAMI, station_code)
        assert area is not None
        assert area.layer == "潮位観測点"
        height = area.kinds[0].first_height
        assert height is not None
        at = None if height.arrival_at is None else f"{height.arrival_at:%H:%M}"
        found[station_code] = (at, height.condition)
    assert found == stations
    assert len(reading.happenings) == seen


def test_the_arrival_at_sendai_port_is_a_forecast_with_the_grade_of_its_coast():
    reading = official("32-39_11_03_250206_VTSE51.xml")
    (port,) = [one for one in reading.forecasts if one.code == SENDAI_PORT]
    assert port.name == "仙台港"
    (expected,) = port.expected
    assert expected.starts_at == datetime(2011, 3, 11, 15, 40, tzinfo=JST)
    assert (expected.grade, expected.level, expected.place) == (Grade.EMERGENCY, None, "仙台港")
    area = reading.area(System.TSUNAMI, SENDAI_PORT)
    assert area is not None
    assert area.kinds[0].conditions == ("満潮 11日19時55分",)


def test_waves_seen_by_1501_in_2011_are_as_the_file_says():
    reading = official("32-39_11_10_250206_VTSE51.xml")
    kamaishi = wave(reading, "21003")
    assert (kamaishi.name, kamaishi.value, kamaishi.conditions) == (
        "釜石",
        "3.2m",
        ("重要", "上昇中", "追加"),
    )
    assert kamaishi.at == datetime(2011, 3, 11, 14, 56, tzinfo=JST)
    ayukawa = wave(reading, "22002")
    assert (ayukawa.name, ayukawa.value, ayukawa.text) == (
        "石巻市鮎川",
        "観測中",
        "第１波 11日14時46分 押し",
    )
    assert {one.layer for one in reading.happenings} == {"潮位観測点"}


def test_offshore_waves_and_the_coasts_they_foretell_are_told_apart():
    reading = official("61_11_03_250206_VTSE52.xml")
    assert (reading.areas, reading.forecasts, reading.scope) == ((), (), "")
    assert {(one.layer, one.code): one.value for one in reading.happenings} == {
        ("潮位観測点（沖合）", "20190"): "1.0m",
        ("潮位観測点（沖合）", "21090"): "4.1m",
        ("潮位観測点（沖合）", "21091"): "4.2m",
        ("潮位観測点（沖合）", "25090"): "観測中",
        ("潮位観測点（沖合）", "21050"): "1.0m",
        ("沿岸地域", "201"): "5m",
        ("沿岸地域", "210"): "10m超",
        ("沿岸地域", "250"): "推定中",
    }
    iwate = wave(reading, "210")
    assert iwate.conditions == ("重要", "早いところでは既に津波到達と推定", "更新")
    assert iwate.at == datetime(2011, 3, 11, 15, 15, tzinfo=JST)
    assert reading.text.startswith("沖合での観測値であり、沿岸では津波はさらに高くなります。")
    assert "震源：三陸沖（M8.9）" in reading.text


def test_an_estimate_without_a_number_keeps_jmas_word():
    reading = official("61_11_01_250206_VTSE52.xml")
    assert wave(reading, "210").value == "巨大"
    assert wave(reading, "21050").value == "観測中"


HEIGHT = "<jmx_eb:TsunamiHeight type='これまでの最大波の高さ' unit='m' {0}</jmx_eb:TsunamiHeight>"


@pytest.mark.parametrize(
    ("highest", "first", "value"),
    [
        ("<Condition>観測中</Condition>", "", "観測中"),
        ("<Condition>微弱</Condition>", "", "微弱"),
        ("<Condition>欠測</Condition>", "", "欠測"),
        ("<Condition>重要　観測中</Condition>", "", "観測中"),
        (HEIGHT.format("description='２．８ｍ'>2.8"), "", "2.8m"),
        (HEIGHT.format("description='８．５ｍ以上'>8.5"), "", "8.5m以上"),
        (HEIGHT.format(">0.4"), "", "0.4m"),
        ("<Condition>重要</Condition>" + HEIGHT.format("description='３．０ｍ'>3.0"), "", "3.0m"),
        ("", "<Condition>第１波識別不能</Condition>", "第１波識別不能"),
        ("", "", "不明"),
    ],
)
def test_a_wave_has_a_height_or_the_word_that_stands_for_it(highest: str, first: str, value: str):
    seen = wave(observed(station(highest, first)), SENDAI_PORT)
    assert seen.value == value
    assert value not in seen.conditions


def test_small_so_far_never_reads_as_safe():
    for word in ("観測中", "微弱", "欠測"):
        seen = wave(observed(station(f"<Condition>{word}</Condition>")), SENDAI_PORT)
        assert "安全" not in seen.value + seen.text + "".join(seen.conditions)


def test_a_height_nobody_can_read_costs_neither_the_station_nor_the_others():
    bad = station(HEIGHT.format(">三"), code="22002")
    reading = observed(bad, station("<Condition>観測中</Condition>"))
    assert {one.code for one in reading.happenings} == {"22002", SENDAI_PORT}
    assert "22002" in reading.problems[0]


def test_a_station_without_a_code_is_named_and_left_out():
    reading = observed(station("<Condition>観測中</Condition>"), station("", code=""))
    assert len(reading.happenings) == 1
    assert "潮位観測点のコードがありません" in reading.problems[0]


def test_a_forecast_that_repeats_the_warning_never_has_a_scope():
    forecast = f"<Forecast>{item(kind='52')}</Forecast>"
    reading = observed(station("<Condition>観測中</Condition>"), forecast=forecast)
    assert reading.scope == ""
    area = reading.area(System.TSUNAMI, "220")
    assert area is not None
    assert area.kinds[0].grade is Grade.EMERGENCY


@pytest.mark.parametrize("title", ["津波情報a", "沖合の津波観測に関する情報"])
def test_news_without_one_coast_or_wave_is_refused_and_a_cancellation_is_not(title: str):
    with pytest.raises(TelegramRefused):
        read(parse_telegram(report(title=title, body="<Tsunami/>")))
    readings = read(parse_telegram(report(title=title, info_type="取消")))
    assert readings is not None
    assert readings[0].is_cancellation
    assert readings[0].text == "先ほどの発表を取り消します。"
