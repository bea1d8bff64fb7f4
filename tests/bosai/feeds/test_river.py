"""指定河川洪水予報: expected values were read in the files by eye; 名取川 is a sample with its names exchanged."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Area, Danger, Grade, Reading, System
from tests.bosai.feeds.telegrams import JST, jma_folder, report

TITLE = "指定河川洪水予報"
SEISMOLOGY, METEOROLOGY = "body/seismology1/", "body/meteorology1/"
NATORI = "820202000100"


def one(data: bytes, name: str = "x_VXKO52.xml") -> Reading:
    readings = read(parse_telegram(data, name=name))
    assert readings is not None
    (reading,) = readings
    return reading


def official(name: str) -> Reading:
    return one((jma_folder() / "official_samples" / name).read_bytes(), name)


def head(code: str = "41", *, area: str = NATORI, code_type: str = "指定河川洪水予報（予報区域）") -> str:
    kind = f"<Kind><Name>レベル４氾濫危険警報</Name><Code>{code}</Code></Kind>"
    return (
        f"<Information type='{code_type}'><Item>{kind}<Areas codeType='{code_type}'>"
        f"<Area><Name>名取川</Name><Code>{area}</Code></Area></Areas></Item></Information>"
    )


def flood(
    *information: str, body: str = "", event_id: str = NATORI, info_type: str = "発表", text: str = "見出し"
) -> bytes:
    """A flood telegram whose Head has these Information elements."""
    data = report(
        title=TITLE, event_id=event_id, info_type=info_type, body=body or "<Warning/>", headline=text
    )
    return (
        data.decode()
        .replace(SEISMOLOGY, METEOROLOGY)
        .replace("</Text></Headline>", f"</Text>{''.join(information)}</Headline>")
        .encode()
    )


# Read by eye: file → (予報区域, name, code, level, status), rivers, 府県予報区,
# gauges (name: present value, レベル), cities with 浸水想定地区.
FILES = {
    "16_08_01_251222_VXKOii.xml": (
        ("840410000100", "小矢部川", "20", 2, "新規"),
        {"8404100001": "小矢部川"},
        {"160000": "富山県"},
        {"石動": ("2.63m", "レベル2"), "長江": ("6.00m", "レベル2"), "津沢": ("4.22m", "レベル0")},
        {"1620900", "1621000", "1620800", "1620200", "1621100"},
    ),
    "16_08_02_251222_VXKOii.xml": (
        ("840406000100", "黒部川", "20", 2, "新規"),
        {"8404060001": "黒部川"},
        {"160000": "富山県"},
        {"愛本（下流）": ("1017.00立方メートル毎秒", "レベル2"), "愛本": ("欠測", None)},
        {"1620700", "1634200", "1634300"},
    ),
    "16_09_01_251222_VXKOii.xml": (
        ("890904000300", "牛津川", "30", 3, "新規"),
        {"8909040003": "牛津川"},
        {"410000": "佐賀県"},
        {"妙見橋": ("3.74m", "レベル2")},
        {"4120100", "4120400", "4120800", "4142300", "4142400"},
    ),
    "16_09_02_251222_VXKOii.xml": (
        ("820211000103", "最上川中流", "31", 3, "警戒レベル５相当から３相当に切替"),
        {"8202110001": "最上川", "8202110170": "最上小国川", "8202110221": "丹生川"},
        {"060000": "山形県"},
        {
            "大石田": ("11.86m", "レベル0"),
            "堀内": ("2.81m", "レベル0"),
            "古口": ("8.10m", "レベル3"),
            "岩ヶ袋": ("1.23m", "レベル0"),
            "長者原": ("-0.04m", "レベル0"),
        },
        {"0620500", "0620800", "0621200", "0634100", "0636300", "0636500", "0636700"},
    ),
    "16_10_01_251222_VXKOii.xml": (
        ("890910000100", "緑川水系", "40", 4, "警戒レベル３相当から４相当に切替"),
        {"8909100001": "緑川", "8909100007": "浜戸川", "8909100051": "加勢川", "8909100068": "御船川"},
        {"430000": "熊本県"},
        {
            "中甲橋": ("4.62m", "レベル4"),
            "城南": ("3.63m", "レベル1"),
            "御船": ("3.91m", "レベル3"),
            "大六橋": ("3.67m", "レベル2"),
        },
        {"4310000", "4321100", "4321300", "4344200", "4344100", "4344400", "4334800"},
    ),
    "16_10_02_251222_VXKOii.xml": (
        ("890910000100", "緑川水系", "41", 4, "継続"),
        {"8909100001": "緑川", "8909100007": "浜戸川", "8909100051": "加勢川", "8909100068": "御船川"},
        {"430000": "熊本県"},
        {
            "中甲橋": ("4.97m", "レベル4"),
            "城南": ("6.46m", "レベル4"),
            "御船": ("4.39m", "レベル4"),
            "大六橋": ("4.16m", "レベル3"),
        },
        {"4310000", "4321100", "4321300", "4344200", "4344100", "4344400", "4334800"},
    ),
    "vxko_flood_lv3.xml": (
        ("820209000400", "太平川", "30", 3, "警戒レベル２から３相当に切替"),
        {"8202090004": "太平川"},
        {"050000": "秋田県"},
        {"太平本町": ("1.73m", "レベル3"), "牛島": ("欠測", None)},
        {"0520100"},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_every_real_flood_telegram_is_read_as_the_file_says(name: str):
    section, rivers, prefectures, gauges, cities = FILES[name]
    folder = jma_folder() / ("real_2026" if name.startswith("vxko") else "official_samples")
    reading = one((folder / name).read_bytes(), name)
    assert reading.problems == ()
    assert reading.scope == f"VXKO/{section[0]}"
    by_layer: dict[str, list[Area]] = {}
    for area in reading.areas:
        by_layer.setdefault(area.layer, []).append(area)
    (found,) = by_layer["予報区域"]
    (kind,) = found.kinds
    assert (found.code, found.name, kind.code, kind.level, kind.status) == section
    assert {area.code: area.name for area in by_layer["河川"]} == rivers
    assert {area.code: area.name for area in by_layer["府県予報区等"]} == prefectures
    assert {area.system for area in by_layer["府県予報区等"]} == {System.WEATHER}
    assert {area.system for area in by_layer["予報区域"] + by_layer["河川"]} == {System.RIVER}
    assert {one.kinds for one in reading.areas} == {found.kinds}
    measured = {
        one.name: (one.value, next(iter(one.conditions), None))
        for one in reading.happenings
        if one.layer == "水位観測所"
    }
    assert measured == gauges
    assert {one.code for one in reading.happenings if one.layer == "浸水想定地区"} == cities


def test_each_gauge_keeps_its_own_words_under_one_kind():
    reading = official("16_10_01_251222_VXKOii.xml")
    words = {one.name: one.text for one in reading.happenings if one.layer == "水位観測所"}
    assert words["中甲橋"].startswith("【警戒レベル４相当】これは、避難指示の発令の目安です。")
    assert words["大六橋"].startswith("【警戒レベル３相当】これは、高齢者等避難の発令の目安です。")
    assert all(text in reading.text for text in words.values())


def test_hours_to_come_are_as_given_and_missing_ones_are_left_out():
    reading = official("16_09_01_251222_VXKOii.xml")
    (myokenbashi,) = reading.forecasts
    assert (myokenbashi.system, myokenbashi.code) == (System.RIVER, "89090400030000025")
    found = [(one.starts_at, one.level, one.as_given) for one in myokenbashi.expected]
    assert found == [
        (datetime(2025, 8, 10, 21, 30, tzinfo=JST), 4, "10日21時30分 5.86m（レベル4）"),
        (datetime(2025, 8, 10, 22, 30, tzinfo=JST), 4, "10日22時30分 6.13m（レベル4）"),
        (datetime(2025, 8, 10, 23, 30, tzinfo=JST), 4, "10日23時30分 5.44m（レベル4）"),
        (datetime(2025, 8, 11, 0, 30, tzinfo=JST), 4, "11日0時30分 4.65m（レベル4）"),
        (datetime(2025, 8, 11, 1, 30, tzinfo=JST), 3, "11日1時30分 4.02m（レベル3）"),
    ]
    assert official("16_09_02_251222_VXKOii.xml").forecasts == ()  # every coming hour is 欠測


def test_a_level_five_of_the_hourly_series_is_never_taken_for_a_special_warning():
    reading = official("16_10_02_251222_VXKOii.xml")
    (bridge,) = [one for one in reading.forecasts if one.name == "中甲橋"]
    assert {one.as_given[-5:] for one in bridge.expected} == {"レベル5）"}
    assert {one.grade for one in bridge.expected} == {Grade.URGENT}


def test_districts_of_a_city_below_several_gauges_are_gathered():
    reading = official("16_10_02_251222_VXKOii.xml")
    (mifune,) = [one for one in reading.happenings if one.code == "4344100"]
    assert (mifune.name, mifune.value) == ("御船町", "対象地域")
    assert mifune.conditions == ("城南", "中甲橋", "大六橋", "御船")
    assert mifune.text.splitlines()[1] == "中甲橋：小坂校区"
    akita = one((jma_folder() / "real_2026" / "vxko_flood_lv3.xml").read_bytes())
    (city,) = [one for one in akita.happenings if one.layer == "浸水想定地区"]
    assert (city.code, city.text) == ("0520100", "")  # "-" stands where no district is named


def test_sendais_river_with_its_wards_is_read_from_a_sample_with_its_names():
    data = (jma_folder() / "official_samples" / "16_10_01_251222_VXKOii.xml").read_bytes().decode()
    names = {
        "890910000100": NATORI,
        "8909100001": "8202020001",
        "430000": "040000",
        "熊本県": "宮城県",
        "緑川水系": "名取川",
        "4310000": "0410300",
        "4321100": "0410400",
        "熊本河川国道事務所 熊本地方気象台": "仙台河川国道事務所 仙台管区気象台",
    }
    for old, new in names.items():
        assert old in data
        data = data.replace(old, new)
    reading = one(data.encode(), "20260901000000_0_VXKO52_040000.xml")
    assert reading.scope == f"VXKO/{NATORI}"
    natori = reading.area(System.RIVER, NATORI)
    assert natori is not None
    assert natori.kinds[0].level == 4
    assert reading.area(System.WEATHER, "040000") is not None
    wards = {one.code for one in reading.happenings if one.layer == "浸水想定地区"}
    assert {"0410300", "0410400"} <= wards
    assert reading.source.publishing_offices == ("仙台河川国道事務所", "仙台管区気象台")


@pytest.mark.parametrize(
    ("code", "grade", "level"),
    [
        ("10", Grade.NONE, None),
        ("20", Grade.ADVISORY, 2),
        ("21", Grade.ADVISORY, 2),
        ("22", Grade.ADVISORY, 2),
        ("30", Grade.WARNING, 3),
        ("31", Grade.WARNING, 3),
        ("40", Grade.URGENT, 4),
        ("41", Grade.URGENT, 4),
        ("51", Grade.EMERGENCY, 5),
        ("53", Grade.EMERGENCY, 5),
    ],
)
def test_the_code_alone_tells_the_level(code: str, grade: Grade, level: int | None):
    reading = one(flood(head(code)))
    area = reading.area(System.RIVER, NATORI)
    assert area is not None
    (kind,) = area.kinds
    assert (kind.danger, kind.grade, kind.level, kind.lifted) == (
        Danger.RIVER_FLOOD,
        grade,
        level,
        code == "10",
    )
    assert reading.problems == ()


def test_a_code_nobody_knows_is_never_a_calming():
    reading = one(flood(head("60")))
    area = reading.area(System.RIVER, NATORI)
    assert area is not None
    assert area.kinds[0].grade is Grade.UNKNOWN
    assert "種別コード60" in reading.problems[0]


def test_of_a_section_named_twice_the_graver_kind_counts():
    for order in ((head("41"), head("21")), (head("21"), head("41"))):
        reading = one(flood(*order))
        (area,) = reading.areas
        assert area.kinds[0].code == "41"
        assert "二度" in reading.problems[0]


def test_a_flood_telegram_without_its_section_is_refused():
    for information in ((), (head(code_type="河川", area="8202020001"),), (head(area=""),), (head(""),)):
        with pytest.raises(TelegramRefused) as caught:
            one(flood(*information))
        assert caught.value.reason is RefusalReason.FIELD_MISSING


def test_an_event_id_that_names_another_section_is_told():
    reading = one(flood(head(), event_id="820202000200"))
    assert reading.scope == f"VXKO/{NATORI}"
    assert "EventID" in reading.problems[0]


def test_a_body_in_the_namespace_of_quakes_is_refused():
    with pytest.raises(TelegramRefused) as caught:
        one(flood(head()).replace(METEOROLOGY.encode(), SEISMOLOGY.encode()))
    assert caught.value.reason is RefusalReason.WRONG_NAMESPACE


def test_a_cancellation_has_only_its_text_and_withdraws_by_event():
    reading = one(flood(body="<Notice>先ほどの発表を取り消します。</Notice>", info_type="取消"))
    assert reading.is_cancellation
    assert (reading.scope, reading.areas, reading.text) == ("", (), "先ほどの発表を取り消します。")
    assert reading.source.event_ids == (NATORI,)


def test_the_number_of_the_type_does_not_matter():
    for name in ("20260831022641_0_VXKO50_040000.xml", "x_VXKO89.xml", "VXKOii.xml", "unnamed.xml"):
        assert one(flood(head()), name).scope == f"VXKO/{NATORI}"


OPTIONAL = [
    "Warning",
    "MeteorologicalInfos",
    "Stations",
    "TimeDefine",
    "WaterLevelPart",
    "Code",
    "Name",
    "City",
]


@given(
    tags=st.lists(st.sampled_from(OPTIONAL), unique=True),
    value=st.sampled_from(["", "x", "１", "99", "-1", "2025-08-11T25:00:00+09:00"]),
)
def test_whatever_is_missing_in_the_body_the_kind_in_force_stays(tags: list[str], value: str):
    data = (jma_folder() / "official_samples" / "16_10_02_251222_VXKOii.xml").read_bytes().decode()
    start = data.index("<Body")
    body = data[start:].replace("2025-08-11T05:20:00+09:00", value or "2025")
    for tag in tags:
        body = (
            body.replace(f"<{tag}>", f"<X{tag}>")
            .replace(f"<{tag} ", f"<X{tag} ")
            .replace(f"</{tag}>", f"</X{tag}>")
        )
    body = body.replace('">4</jmx_eb:WaterLevel>', f'">{value}</jmx_eb:WaterLevel>')
    reading = one((data[:start] + body).encode())
    area = reading.area(System.RIVER, "890910000100")
    assert area is not None
    assert area.kinds[0].level == 4
