"""VTSE41 of 2011-03-11 for 宮城県, as written in the files, and what the format allows beyond them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime

import msgspec
import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.tsunami import TsunamiClass, TsunamiForecast, parse_tsunami
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report

BODY = "{http://xml.kishou.go.jp/jmaxml1/body/seismology1/}"


def read(data: bytes) -> TsunamiForecast:
    return parse_tsunami(parse_telegram(data))


def real(name: str) -> TsunamiForecast:
    return read((jma_folder() / "official_samples" / name).read_bytes())


# Read by eye in each file at Item/Area/Code = 220:
# kind, last kind, arrival, condition of the first wave, metres, description, conditions of the height.
MIYAGI_2011 = [
    ("53", "00", datetime(2011, 3, 11, 15, 0, tzinfo=JST), None, None, "巨大", ("不明",)),
    ("52", "53", datetime(2011, 3, 11, 15, 0, tzinfo=JST), None, None, "巨大", ("不明",)),
    ("52", "52", None, "津波到達中と推測", 10.0, "１０ｍ", ("重要",)),
    ("52", "52", None, "第１波の到達を確認", 10.0, "１０ｍ超", ("重要",)),
    ("72", "62", None, None, None, None, ()),
]


@pytest.mark.parametrize(("name", "expected"), list(zip(SEQUENCE_2011, MIYAGI_2011, strict=True)))
def test_miyagi_in_2011_is_read_as_the_file_says(name: str, expected: tuple[object, ...]):
    forecast = real(name)
    area = forecast.area("220")
    assert area is not None
    assert area.name == "宮城県"
    found = (
        area.kind_code,
        area.last_kind_code,
        area.first_height.arrival_at,
        area.first_height.condition,
        area.max_height.value_m,
        area.max_height.description,
        area.max_height.conditions,
    )
    assert found == expected
    assert forecast.problems == ()
    assert forecast.in_force("220") is (expected[0] != "72")
    assert area.lifted is (expected[0] == "72")


def test_every_area_of_every_real_forecast_is_kept():
    for name in SEQUENCE_2011:
        root = ET.parse(jma_folder() / "official_samples" / name).getroot()
        codes = [
            code.text
            for code in root.findall(
                f"{BODY}Body/{BODY}Tsunami/{BODY}Forecast/{BODY}Item/{BODY}Area/{BODY}Code"
            )
        ]
        assert len(codes) >= 40
        assert [area.code for area in real(name).areas] == codes


def test_an_arrival_condition_jma_never_listed_is_kept_and_means_now():
    first = real(SEQUENCE_2011[1])
    given = {a.first_height.condition for a in first.areas if a.first_height.condition is not None}
    assert given == {"既に津波到達と推測"}
    assert all(a.first_height.is_now for a in first.areas if a.first_height.condition is not None)


@pytest.mark.parametrize(
    ("code", "kind", "in_force"),
    [
        ("00", TsunamiClass.NONE, False),
        ("50", TsunamiClass.NONE, False),
        ("51", TsunamiClass.WARNING, True),
        ("52", TsunamiClass.MAJOR_WARNING, True),
        ("53", TsunamiClass.MAJOR_WARNING, True),
        ("60", TsunamiClass.NONE, False),
        ("62", TsunamiClass.ADVISORY, True),
        ("71", TsunamiClass.FORECAST, False),
        ("72", TsunamiClass.FORECAST, False),
        ("73", TsunamiClass.FORECAST, False),
        ("99", TsunamiClass.UNKNOWN, True),
    ],
)
def test_the_code_alone_tells_the_class(code: str, kind: TsunamiClass, in_force: bool):
    forecast = read(report(item(kind=code, name="大津波警報と書いてあっても")))
    area = forecast.area("220")
    assert area is not None
    assert area.kind is kind
    assert forecast.in_force("220") is in_force


@pytest.mark.parametrize(
    ("kind", "last", "lifted"),
    [
        ("50", "51", True),
        ("60", "62", True),
        ("72", "62", True),
        ("71", "51", True),
        ("00", "52", True),
        ("50", None, True),
        ("71", "71", False),
        ("72", "72", False),
        ("62", "51", False),  # a warning turned into an advisory is lowered, not lifted
        ("00", None, False),
    ],
)
def test_lifting_is_told_by_now_and_before(kind: str, last: str | None, lifted: bool):
    area = read(report(item(kind=kind, last=last))).area("220")
    assert area is not None
    assert area.lifted is lifted


def test_an_area_that_is_not_named_is_not_in_force():
    forecast = read(report(item(code="210")))
    assert forecast.area("220") is None
    assert not forecast.in_force("220")


def test_the_same_number_in_another_code_system_is_not_our_coast():
    seismic = (
        "<Intensity><Observation><Pref><Area><Name>宮城県北部</Name><Code>220</Code></Area></Pref>"
        f"</Observation></Intensity><Tsunami><Forecast>{item(code='210')}</Forecast></Tsunami>"
    )
    assert read(report(body=seismic)).area("220") is None


def test_a_cancellation_has_only_text_and_is_read():
    forecast = read(report(info_type="取消"))
    assert forecast.is_cancellation
    assert forecast.areas == ()
    assert forecast.text == "先ほどの発表を取り消します。"


def height(text: str, **attributes: str) -> str:
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<jmx_eb:TsunamiHeight type="津波の高さ" unit="m"{given}>{text}</jmx_eb:TsunamiHeight>'


def test_conditions_joined_by_a_full_width_space_come_apart():
    conditions = "<Condition>重要　観測中</Condition>"
    area = read(report(item(height=conditions + height("3", description="３ｍ")))).area("220")
    assert area is not None
    assert area.max_height.conditions == ("重要", "観測中")
    assert area.max_height.as_given == "３ｍ"


def test_words_stand_where_jma_gives_no_number():
    area = read(report(item(height=height("NaN", condition="不明", description="高い")))).area("220")
    assert area is not None
    assert area.max_height.value_m is None
    assert area.max_height.as_given == "高い"
    silent = read(report(item(height=height("NaN", condition="不明", description="")))).area("220")
    assert silent is not None
    assert silent.max_height.as_given is None


@pytest.mark.parametrize("text", ["", "三", "-1", "inf", "1e9"])
def test_a_height_nobody_can_read_never_costs_the_warning(text: str):
    forecast = read(report(item(height=height(text, description="５ｍ"))))
    area = forecast.area("220")
    assert area is not None
    assert area.kind is TsunamiClass.MAJOR_WARNING
    assert area.max_height.value_m is None
    assert area.max_height.as_given == "５ｍ"
    assert "220" in forecast.problems[0]


def test_an_arrival_nobody_can_read_never_costs_the_warning():
    forecast = read(report(item(arrival="まもなく")))
    assert forecast.in_force("220")
    assert forecast.problems == ("津波予報区220の到達予想時刻を読めません：まもなく",)


def test_one_unknown_kind_spoils_no_other_area():
    forecast = read(report(item(code="210", kind="88"), item()))
    assert forecast.in_force("220")
    assert forecast.area("210").kind is TsunamiClass.UNKNOWN  # type: ignore[union-attr]
    assert "種別コード88" in forecast.problems[0]


def test_of_an_area_named_twice_the_graver_kind_counts():
    forecast = read(report(item(kind="52"), item(kind="62")))
    assert forecast.area("220").kind is TsunamiClass.MAJOR_WARNING  # type: ignore[union-attr]
    assert len(forecast.areas) == 1
    assert len(forecast.problems) == 1


def test_a_forecast_without_one_readable_area_is_refused():
    for body in ("", "<Tsunami/>", f"<Tsunami><Forecast>{item(code='')}</Forecast></Tsunami>"):
        with pytest.raises(TelegramRefused) as caught:
            read(report(body=body))
        assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_another_family_is_not_read_as_a_tsunami_forecast():
    with pytest.raises(TelegramRefused) as caught:
        read(report(item(), title="津波情報a"))
    assert caught.value.reason is RefusalReason.WRONG_TYPE


def test_a_forecast_survives_being_stored():
    forecast = read(
        report(item(arrival="2026-04-01T12:30:00+09:00", height=height("NaN", description="巨大")))
    )
    assert msgspec.json.decode(msgspec.json.encode(forecast), type=TsunamiForecast) == forecast
