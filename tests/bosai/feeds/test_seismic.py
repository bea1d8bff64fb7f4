"""震度速報, 震源, 震源・震度 and 後発地震注意情報: expected values were read in the files by eye."""

from __future__ import annotations

from datetime import datetime

import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import TelegramStatus, parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.jma.seismic import STRONG
from bosai.feeds.readings import Danger, Happening, Reading, System
from tests.bosai.feeds.telegrams import JST, jma_folder, report


def official(name: str) -> Reading:
    data = (jma_folder() / "official_samples" / name).read_bytes()
    readings = read(parse_telegram(data, name=name))
    assert readings is not None
    (reading,) = readings
    return reading


def shaking(body: str, *, title: str = "震源・震度に関する情報", **given: str) -> Reading:
    readings = read(parse_telegram(report(title=title, body=body, **given)))
    assert readings is not None
    return readings[0]


def at(reading: Reading, layer: str, code: str) -> Happening:
    (found,) = [one for one in reading.happenings if (one.layer, one.code) == (layer, code)]
    return found


def values(reading: Reading, layer: str) -> dict[str, str]:
    return {one.code: one.value for one in reading.happenings if one.layer == layer}


QUAKE = (
    "<Earthquake><OriginTime>2026-04-01T12:00:00+09:00</OriginTime><ArrivalTime>2026-04-01T12:00:00+09:00</ArrivalTime>"
    "<Hypocenter><Area><Name>宮城県沖</Name><Code type='震央地名'>283</Code></Area></Hypocenter>"
    "<jmx_eb:Magnitude type='Mj' {attributes}>{number}</jmx_eb:Magnitude></Earthquake>"
)


def observed(*cities: str) -> str:
    return (
        "<Intensity><Observation><MaxInt>5-</MaxInt><Pref><Name>宮城県</Name><Code>04</Code><MaxInt>5-</MaxInt>"
        "<Area><Name>宮城県中部</Name><Code>222</Code><MaxInt>5-</MaxInt>"
        + "".join(f"<City>{city}</City>" for city in cities)
        + "</Area></Pref></Observation></Intensity>"
    )


def test_the_first_news_of_2011_is_strong_in_all_of_miyagi():
    reading = official("32-39_11_01_120615_VXSE51.xml")
    assert (reading.scope, reading.areas, reading.problems) == ("", (), ())
    assert values(reading, "都道府県") == {
        "04": "6+",
        "03": "6-",
        "07": "5+",
        "06": "5-",
        "05": "4",
        "08": "4",
    }
    areas = values(reading, "細分区域")
    assert len(areas) == 17
    assert (areas["220"], areas["221"], areas["222"]) == ("6+", "6-", "6+")
    sendai = at(reading, "細分区域", "222")
    assert (sendai.name, sendai.danger, sendai.system) == ("宮城県中部", Danger.SHAKING, System.SEISMIC)
    assert sendai.at == datetime(2011, 3, 11, 14, 46, tzinfo=JST)
    assert at(reading, "固定付加文", "0217").value == "今後の情報に注意してください。"


def test_the_full_news_of_2011_has_every_city_and_no_station():
    reading = official("32-39_11_05_240613_VXSE53.xml")
    cities = values(reading, "市町村等")
    assert cities["0421300"] == "7"  # 栗原市
    assert cities["0410200"] == "6+"  # 仙台宮城野区
    assert {cities[ward] for ward in ("0410100", "0410300", "0410500")} == {"6-"}  # 青葉, 若林, 泉
    assert "0410400" not in cities  # 太白 is not in this first report: not named is not the same as calm
    quake = at(reading, "震央地名", "288")
    assert (quake.name, quake.value) == ("三陸沖", "M8を超える巨大地震")
    assert quake.text == "北緯38.0度 東経142.9度 深さ 10km、牡鹿半島の東南東１３０ｋｍ付近"
    assert quake.at == datetime(2011, 3, 11, 14, 46, tzinfo=JST)
    assert at(reading, "固定付加文", "0211").value == (
        "津波警報等（大津波警報・津波警報あるいは津波注意報）を発表中です。"
    )
    assert at(reading, "固定付加文", "0241").value == "この地震について、緊急地震速報を発表しています。"
    assert reading.problems == ()


def test_a_drill_quake_is_read_like_a_real_one_and_keeps_its_status():
    reading = official("32-35_01_02_240613_VXSE52.xml")
    assert reading.source.status is TelegramStatus.DRILL
    quake = at(reading, "震央地名", "485")
    assert (quake.name, quake.value, quake.text) == (
        "駿河湾",
        "M6.6",
        "北緯34.8度 東経138.5度 深さ 10km",
    )
    assert at(reading, "固定付加文", "0203").value == "この地震による津波の心配はありません。"
    assert reading.text == "この地震による津波の心配はありません。"


def test_a_distant_quake_has_a_hypocentre_and_no_shaking_here():
    reading = official("32-35_01_03_100514_VXSE53.xml")
    quake = at(reading, "震央地名", "950")
    assert (quake.name, quake.value, quake.conditions) == ("南太平洋", "M7.1", ("震源要素はPTWC",))
    assert "フィジー諸島" in quake.text
    assert {one.layer for one in reading.happenings} == {"震央地名", "固定付加文"}


def test_what_a_second_report_revised_is_marked_as_revised():
    reading = official("32-35_04_06_240613_VXSE53.xml")
    assert reading.source.serial == "2"
    assert at(reading, "市町村等", "4520400").conditions == ("上方修正",)  # 日南市
    assert at(reading, "細分区域", "731").conditions == ("追加",)  # 長崎県南西部
    assert at(reading, "市町村等", "4520100").conditions == ()  # 宮崎市


def test_a_city_whose_gauges_are_silent_counts_as_strongly_shaken():
    silent = "<Name>仙台若林区</Name><Code>0410300</Code><Condition>震度５弱以上未入電</Condition>"
    weak = (
        "<Name>仙台泉区</Name><Code>0410500</Code><MaxInt>4</MaxInt><Condition>震度５弱以上未入電</Condition>"
    )
    strong = "<Name>仙台青葉区</Name><Code>0410100</Code><MaxInt>6-</MaxInt><Condition>震度５弱以上未入電</Condition>"
    reading = shaking(observed(silent, weak, strong))
    assert values(reading, "市町村等") == {"0410300": "未入電", "0410500": "未入電", "0410100": "6-"}
    assert at(reading, "市町村等", "0410500").conditions == ("震度５弱以上未入電", "入電した震度の最大は4")
    assert at(reading, "市町村等", "0410100").conditions == ("震度５弱以上未入電",)
    assert set(values(reading, "市町村等").values()) <= STRONG


def test_an_intensity_nobody_knows_is_kept_and_named_and_an_empty_one_only_named():
    odd = "<Name>仙台泉区</Name><Code>0410500</Code><MaxInt>5</MaxInt>"
    empty = "<Name>仙台青葉区</Name><Code>0410100</Code>"
    reading = shaking(observed(odd, empty))
    assert values(reading, "市町村等") == {"0410500": "5"}
    assert len(reading.problems) == 2
    assert "0410500" in reading.problems[0]
    assert "空欄" in reading.problems[1]


@pytest.mark.parametrize(
    ("attributes", "number", "value"),
    [
        ("description='Ｍ７．２'", "7.2", "M7.2"),
        ("condition='不明' description='Ｍ不明'", "NaN", "M不明"),
        ("condition='不明' description='Ｍ８を超える巨大地震'", "NaN", "M8を超える巨大地震"),
        ("", "NaN", "M不明"),
        ("", "5.1", "M5.1"),
    ],
)
def test_a_magnitude_without_a_number_has_jmas_words(attributes: str, number: str, value: str):
    reading = shaking(QUAKE.format(attributes=attributes, number=number), title="震源に関する情報")
    assert at(reading, "震央地名", "283").value == value


def test_a_time_nobody_can_read_costs_only_the_time():
    body = QUAKE.format(attributes="", number="5.1").replace("2026-04-01T12:00:00+09:00", "正午ごろ")
    reading = shaking(body)
    quake = at(reading, "震央地名", "283")
    assert quake.at is None
    assert any("正午ごろ" in problem for problem in reading.problems)


def test_comments_whose_codes_and_lines_do_not_pair_each_keep_the_whole_text():
    comments = (
        "<Comments><ForecastComment codeType='固定付加文'><Text>ひとつの文。</Text><Code>0211 0241</Code>"
        "</ForecastComment></Comments>"
    )
    reading = shaking(QUAKE.format(attributes="", number="5.1") + comments)
    assert {one.value for one in reading.happenings if one.layer == "固定付加文"} == {"ひとつの文。"}
    assert reading.text.count("ひとつの文。") == 1


def test_a_cancellation_has_only_its_text():
    for title in ("震度速報", "震源に関する情報", "震源・震度に関する情報", "北海道・三陸沖後発地震注意情報"):
        readings = read(parse_telegram(report(title=title, info_type="取消")))
        assert readings is not None
        (reading,) = readings
        assert reading.is_cancellation
        assert (reading.happenings, reading.text) == ((), "先ほどの発表を取り消します。")


@pytest.mark.parametrize("title", ["震度速報", "震源に関する情報", "震源・震度に関する情報"])
def test_news_of_a_quake_that_tells_neither_place_nor_shaking_is_refused(title: str):
    with pytest.raises(TelegramRefused) as caught:
        shaking("<Comments/>", title=title)
    assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_the_later_quake_notice_is_a_happening_and_nothing_in_force():
    reading = official("80_01_01_240821_VYSE60.xml")
    assert (reading.scope, reading.areas, reading.forecasts) == ("", (), ())
    (notice,) = reading.happenings
    assert (notice.danger, notice.code, notice.value) == (Danger.LATER_QUAKE, "VYSE60", "発表")
    assert notice.at == datetime(2024, 7, 18, 16, 30, tzinfo=JST)
    assert notice.text.startswith("本日（１８日）１４時０５分頃に、三陸沖を震源とする")
    assert "※１" not in notice.text  # the appendix explains the scheme; it is no part of the notice


def test_a_later_quake_notice_without_its_body_is_refused():
    with pytest.raises(TelegramRefused):
        shaking("<Text>本文がありません</Text>", title="北海道・三陸沖後発地震注意情報")
