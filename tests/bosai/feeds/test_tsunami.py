"""VTSE41 of 2011-03-11 for 宮城県, as written in the files, and what the format allows beyond them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime

import msgspec
import pytest

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.tsunami import read_tsunami
from bosai.feeds.readings import Danger, FirstHeight, Grade, Kind, MaxHeight, Reading, System
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report

BODY = "{http://xml.kishou.go.jp/jmaxml1/body/seismology1/}"


def read(data: bytes) -> Reading:
    (reading,) = read_tsunami(parse_telegram(data))
    return reading


def real(name: str) -> Reading:
    return read((jma_folder() / "official_samples" / name).read_bytes())


def kind_of(reading: Reading, code: str = "220") -> Kind:
    area = reading.area(System.TSUNAMI, code)
    assert area is not None
    (kind,) = area.kinds
    assert kind.danger is Danger.TSUNAMI
    return kind


def heights(kind: Kind) -> tuple[FirstHeight, MaxHeight]:
    assert kind.first_height is not None
    assert kind.max_height is not None
    return kind.first_height, kind.max_height


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
    reading = real(name)
    area = reading.area(System.TSUNAMI, "220")
    assert area is not None
    assert (area.name, area.layer, reading.scope) == ("宮城県", "津波予報区", "VTSE41")
    kind = kind_of(reading)
    first, highest = heights(kind)
    found = (
        kind.code,
        kind.last_code,
        first.arrival_at,
        first.condition,
        highest.value_m,
        highest.description,
        highest.conditions,
    )
    assert found == expected
    assert reading.problems == ()
    assert kind.grade.is_in_force is (expected[0] != "72")
    assert kind.lifted is (expected[0] == "72")


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
    given = [heights(area.kinds[0])[0] for area in real(SEQUENCE_2011[1]).areas]
    said = [first for first in given if first.condition is not None]
    assert {first.condition for first in said} == {"既に津波到達と推測"}
    assert all(first.is_now for first in said)


@pytest.mark.parametrize(
    ("code", "grade"),
    [
        ("00", Grade.NONE),
        ("50", Grade.NONE),
        ("51", Grade.WARNING),
        ("52", Grade.EMERGENCY),
        ("53", Grade.EMERGENCY),
        ("60", Grade.NONE),
        ("62", Grade.ADVISORY),
        ("71", Grade.BELOW),
        ("72", Grade.BELOW),
        ("73", Grade.BELOW),
        ("99", Grade.UNKNOWN),
    ],
)
def test_the_code_alone_tells_the_grade_and_a_tsunami_has_no_level(code: str, grade: Grade):
    kind = kind_of(read(report(item(kind=code, name="大津波警報と書いてあっても"))))
    assert (kind.grade, kind.level) == (grade, None)
    assert kind.grade.is_in_force is (code in {"51", "52", "53", "62", "99"})


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
    assert kind_of(read(report(item(kind=kind, last=last)))).lifted is lifted


def test_what_was_before_is_known_by_its_grade():
    assert kind_of(read(report(item(kind="51", last="52")))).last_grade is Grade.EMERGENCY
    assert kind_of(read(report(item(kind="51", last="88")))).last_grade is Grade.UNKNOWN
    assert kind_of(read(report(item(kind="51", last=None)))).last_grade is None


def test_an_area_that_is_not_named_has_no_entry():
    assert read(report(item(code="210"))).area(System.TSUNAMI, "220") is None


def test_the_same_number_in_another_code_system_is_not_our_coast():
    seismic = (
        "<Intensity><Observation><Pref><Area><Name>宮城県北部</Name><Code>220</Code></Area></Pref>"
        f"</Observation></Intensity><Tsunami><Forecast>{item(code='210')}</Forecast></Tsunami>"
    )
    reading = read(report(body=seismic))
    assert reading.area(System.TSUNAMI, "220") is None
    assert reading.area(System.SEISMIC, "220") is None


def test_a_cancellation_has_only_text_and_replaces_nothing():
    reading = read(report(info_type="取消"))
    assert reading.is_cancellation
    assert (reading.scope, reading.areas, reading.text) == ("", (), "先ほどの発表を取り消します。")


def test_merged_tsunamis_keep_every_event_id():
    reading = read(report(item(), event_id="20260401090000  20260401120000"))
    assert reading.source.event_ids == ("20260401090000", "20260401120000")


def height(text: str, **attributes: str) -> str:
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<jmx_eb:TsunamiHeight type="津波の高さ" unit="m"{given}>{text}</jmx_eb:TsunamiHeight>'


def test_conditions_joined_by_a_full_width_space_come_apart():
    conditions = "<Condition>重要　観測中</Condition>"
    _, highest = heights(kind_of(read(report(item(height=conditions + height("3", description="３ｍ"))))))
    assert highest.conditions == ("重要", "観測中")
    assert highest.as_given == "３ｍ"


def test_words_stand_where_jma_gives_no_number():
    _, high = heights(kind_of(read(report(item(height=height("NaN", condition="不明", description="高い"))))))
    assert (high.value_m, high.as_given) == (None, "高い")
    _, silent = heights(kind_of(read(report(item(height=height("NaN", condition="不明", description=""))))))
    assert silent.as_given is None


@pytest.mark.parametrize("text", ["", "三", "-1", "inf", "1e9"])
def test_a_height_nobody_can_read_never_costs_the_warning(text: str):
    reading = read(report(item(height=height(text, description="５ｍ"))))
    kind = kind_of(reading)
    _, highest = heights(kind)
    assert kind.grade is Grade.EMERGENCY
    assert (highest.value_m, highest.as_given) == (None, "５ｍ")
    assert "220" in reading.problems[0]


def test_an_arrival_nobody_can_read_never_costs_the_warning():
    reading = read(report(item(arrival="まもなく")))
    assert kind_of(reading).grade is Grade.EMERGENCY
    assert reading.problems == ("津波予報区220の到達予想時刻を読めません：まもなく",)


def test_one_unknown_kind_spoils_no_other_area():
    reading = read(report(item(code="210", kind="88"), item()))
    assert kind_of(reading).grade is Grade.EMERGENCY
    assert kind_of(reading, "210").grade is Grade.UNKNOWN
    assert "種別コード88" in reading.problems[0]


def test_an_area_without_any_kind_is_unknown_and_never_calm():
    reading = read(report(item(kind="")))
    assert kind_of(reading).grade is Grade.UNKNOWN
    assert "種別コード（Category/Kind/Code）がありません" in reading.problems[0]


def test_of_an_area_named_twice_the_graver_kind_counts():
    for kinds in (("52", "62"), ("62", "52")):
        reading = read(report(*(item(kind=one) for one in kinds)))
        assert kind_of(reading).code == "52"
        assert (len(reading.areas), len(reading.problems)) == (1, 1)


def test_a_forecast_without_one_readable_area_is_refused():
    for body in ("", "<Tsunami/>", f"<Tsunami><Forecast>{item(code='')}</Forecast></Tsunami>"):
        with pytest.raises(TelegramRefused) as caught:
            read(report(body=body))
        assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_another_family_is_not_read_as_a_tsunami_forecast():
    with pytest.raises(TelegramRefused) as caught:
        read(report(item(), title="津波情報a"))
    assert caught.value.reason is RefusalReason.WRONG_TYPE


def test_a_reading_survives_being_stored():
    reading = read(
        report(item(arrival="2026-04-01T12:30:00+09:00", height=height("NaN", description="巨大")))
    )
    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading
