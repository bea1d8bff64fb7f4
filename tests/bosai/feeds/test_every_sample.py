"""Every real telegram at hand: read without exception, and saying what its file says.

The table was written from the files (mostly from Head, which the readers do not use), never from a reader's output.
Each line: file → type, report time, and facts. A fact is one of
  force  system, area code, kind code, level       in force there (level None: none, or the danger has no level)
  calm   system, area code                         named, and nothing in force
  value  layer or "", code, value                  a happening
  ahead  area code, danger                         a forecast
  nothing ahead                                    no forecast of 警報級 or more
  named  area code                                 in some part of the reading
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bosai.feeds.jma.envelope import TelegramStatus, parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Grade, Reading
from tests.bosai.feeds.telegrams import jma_folder

Fact = tuple[str | int | None, ...]


def force(system: str, code: str, kind: str, level: int | None) -> Fact:
    return ("force", system, code, kind, level)


def calm(system: str, code: str) -> Fact:
    return ("calm", system, code)


def value(layer: str, code: str, seen: str) -> Fact:
    return ("value", layer, code, seen)


def named(code: str) -> Fact:
    return ("named", code)


W, R, T = "weather", "river", "tsunami"

READ: dict[str, tuple[str, str, tuple[Fact, ...]]] = {
    "15_08_03_160628_VPWW53.xml": (
        "VPWW53",
        "2011-09-04T06:21",
        (force(W, "290000", "33", 5), force(W, "2920100", "14", None), force(W, "290011", "15", None)),
    ),
    "15_12_01_161130_VPWW53.xml": (
        "VPWW53",
        "2016-02-12T15:44",
        (force(W, "3220200", "33", 5), force(W, "3220100", "10", 2), force(W, "3220100", "14", None)),
    ),
    "15_12_01_161130_VPWW54.xml": (
        "VPWW54",
        "2016-02-12T15:44",
        (force(W, "3220200", "33", 5), force(W, "3220100", "10", 2), force(W, "320020", "14", None)),
    ),
    "15_16_01_241031_VPWW56.xml": (
        "VPWW56",
        "2020-06-22T23:00",
        (
            force(W, "0121400", "49", 4),
            force(W, "0151100", "09", 3),
            force(W, "0151200", "29", 2),
            force(W, "011000", "49", 4),
        ),
    ),
    "15_16_02_251222_VPWW57.xml": (
        "VPWW57",
        "2020-06-22T23:00",
        (
            force(W, "2620200", "48", 4),
            force(W, "2621200", "08", 3),
            calm(W, "2610000"),
            calm(W, "260010"),
            force("surge", "2635999", "48", 4),
        ),
    ),
    "15_16_03_241226_VPWW55.xml": (
        "VPWW55",
        "2020-06-22T23:00",
        (force(W, "0121400", "43", 4), force(W, "0151100", "03", 3), force(W, "0151200", "10", 2)),
    ),
    "15_16_04_251222_VPWW58.xml": (
        "VPWW58",
        "2020-06-22T23:00",
        (force(W, "0121400", "05", None), force(W, "0151200", "15", None)),
    ),
    "15_16_05_241226_VPWW59.xml": (
        "VPWW59",
        "2020-06-22T23:00",
        (force(W, "0121400", "07", None), force(W, "0151200", "16", None)),
    ),
    "15_16_06_241226_VPWW60.xml": (
        "VPWW60",
        "2020-06-22T23:00",
        (force(W, "0121400", "06", None), force(W, "0151200", "12", None)),
    ),
    "15_16_07_250825_VPWW61.xml": (
        "VPWW61",
        "2020-06-22T23:00",
        (force(W, "0121400", "14", None), force(W, "0151100", "17", None), force(W, "011013", "26", None)),
    ),
    "15_16_08_250630_VPWW57.xml": (
        "VPWW57",
        "2024-08-31T15:34",
        (force(W, "0121400", "48", 4), force(W, "011012", "48", 4), calm(W, "011013")),
    ),
    "16_08_01_251222_VXKOii.xml": (
        "VXKOii",
        "2025-08-07T06:40",
        (force(R, "840410000100", "20", 2), value("水位観測所", "84041000010000020", "2.63m")),
    ),
    "16_08_02_251222_VXKOii.xml": (
        "VXKOii",
        "2025-05-09T09:20",
        (force(R, "840406000100", "20", 2), value("浸水想定地区", "1620700", "対象地域")),
    ),
    "16_09_01_251222_VXKOii.xml": (
        "VXKOii",
        "2025-08-10T20:50",
        (
            force(R, "890904000300", "30", 3),
            force(W, "410000", "30", 3),
            ("ahead", "89090400030000025", "river_flood"),
        ),
    ),
    "16_09_02_251222_VXKOii.xml": (
        "VXKOii",
        "2024-07-27T09:50",
        (force(R, "820211000103", "31", 3), force(R, "8202110170", "31", 3)),
    ),
    "16_10_01_251222_VXKOii.xml": (
        "VXKOii",
        "2025-08-11T02:50",
        (force(R, "890910000100", "40", 4), force(R, "8909100068", "40", 4)),
    ),
    "16_10_02_251222_VXKOii.xml": ("VXKOii", "2025-08-11T04:40", (force(R, "890910000100", "41", 4),)),
    "17_01_01_190529_VXWW50.xml": ("VXWW50", "2013-08-31T11:05", (named("4010000"), calm(W, "4013000"))),
    "17_04_01_250630_VXWW50.xml": ("VXWW50", "2024-11-02T18:50", (force(W, "1420600", "3", 4),)),
    "17_04_02_250630_VXWW50.xml": (
        "VXWW50",
        "2024-11-02T20:50",
        (force(W, "1438200", "3", 4), force(W, "1420600", "3", 4)),
    ),
    "18_03_01_190412_VPOA50.xml": ("VPOA50", "2019-03-28T19:53", (named("016010"), named("016030"))),
    "19_08_03_250630_VPHW50.xml": ("VPHW50", "2015-07-17T09:21", (named("110010"), named("110020"))),
    "32-35_01_01_100806_VXSE51.xml": (
        "VXSE51",
        "2009-08-11T05:09",
        (value("細分区域", "442", "6-"), value("細分区域", "440", "5+"), value("都道府県", "22", "6-")),
    ),
    "32-35_01_02_240613_VXSE52.xml": ("VXSE52", "2009-10-01T13:48", (value("震央地名", "485", "M6.6"),)),
    "32-35_01_03_100514_VXSE53.xml": ("VXSE53", "2009-11-09T20:15", (value("震央地名", "950", "M7.1"),)),
    "32-35_01_03_240613_VXSE53.xml": (
        "VXSE53",
        "2009-10-01T13:50",
        (
            value("市町村等", "2230600", "5-"),
            value("市町村等", "1411000", "4"),
            value("細分区域", "331", "3"),
        ),
    ),
    "32-35_04_01_100831_VXSE51.xml": (
        "VXSE51",
        "2010-01-25T16:16",
        (value("細分区域", "771", "4"), value("細分区域", "763", "3")),
    ),
    "32-35_04_02_100831_VXSE51.xml": ("VXSE51", "2010-01-25T16:18", (value("細分区域", "777", "3"),)),
    "32-35_04_03_240613_VXSE52.xml": ("VXSE52", "2010-01-25T16:18", (value("震央地名", "820", "M5.3"),)),
    "32-35_04_04_240613_VXSE53.xml": (
        "VXSE53",
        "2010-01-25T16:19",
        (
            value("市町村等", "4620300", "4"),
            value("固定付加文", "0215", "この地震による津波の心配はありません。"),
        ),
    ),
    "32-35_04_05_100831_VXSE51.xml": ("VXSE51", "2010-01-25T16:20", (value("細分区域", "762", "4"),)),
    "32-35_04_06_240613_VXSE53.xml": ("VXSE53", "2010-01-25T16:25", (value("市町村等", "4520400", "4"),)),
    "32-39_11_01_120615_VXSE51.xml": (
        "VXSE51",
        "2011-03-11T14:48",
        (value("細分区域", "220", "6+"), value("細分区域", "222", "6+"), value("都道府県", "04", "6+")),
    ),
    "32-39_11_02_250206_VTSE41.xml": ("VTSE41", "2011-03-11T14:49", (force(T, "220", "53", None),)),
    "32-39_11_03_250206_VTSE51.xml": (
        "VTSE51",
        "2011-03-11T14:50",
        (force(T, "220", "53", None), force(T, "22021", "53", None), ("ahead", "22021", "tsunami")),
    ),
    "32-39_11_05_240613_VXSE53.xml": (
        "VXSE53",
        "2011-03-11T14:54",
        (
            value("市町村等", "0410200", "6+"),
            value("市町村等", "0410300", "6-"),
            value("細分区域", "222", "6+"),
        ),
    ),
    "32-39_11_06_250206_VTSE41.xml": ("VTSE41", "2011-03-11T14:53", (force(T, "220", "52", None),)),
    "32-39_11_08_250206_VTSE51.xml": (
        "VTSE51",
        "2011-03-11T14:59",
        (value("潮位観測点", "21002", "観測中"),),
    ),
    "32-39_11_09_250206_VTSE41.xml": ("VTSE41", "2011-03-11T15:00", (force(T, "220", "52", None),)),
    "32-39_11_10_250206_VTSE51.xml": ("VTSE51", "2011-03-11T15:01", (value("潮位観測点", "21003", "3.2m"),)),
    "32-39_11_11_250206_VTSE41.xml": ("VTSE41", "2011-03-11T15:12", (force(T, "220", "52", None),)),
    "32-39_11_13_250206_VTSE41.xml": ("VTSE41", "2011-03-13T17:58", (calm(T, "220"),)),
    "61_11_01_250206_VTSE52.xml": ("VTSE52", "2011-03-11T14:50", (value("沿岸地域", "210", "巨大"),)),
    "61_11_02_250206_VTSE52.xml": (
        "VTSE52",
        "2011-03-11T14:55",
        (value("潮位観測点（沖合）", "20190", "1.0m"), value("沿岸地域", "201", "巨大")),
    ),
    "61_11_03_250206_VTSE52.xml": ("VTSE52", "2011-03-11T15:14", (value("沿岸地域", "210", "10m超"),)),
    "62_01_01_130412_VPNO50.xml": ("VPNO50", "2011-09-03T12:00", ()),
    "62_01_02_130412_VPNO50.xml": ("VPNO50", "2011-09-04T00:10", ()),
    "62_01_03_130412_VPNO50.xml": ("VPNO50", "2011-09-04T06:21", ()),
    "62_01_04_130412_VPNO50.xml": ("VPNO50", "2011-09-05T10:26", ()),
    "62_01_05_130412_VPNO50.xml": ("VPNO50", "2011-09-07T11:46", ()),
    "80_01_01_240821_VYSE60.xml": ("VYSE60", "2024-07-18T16:30", (value("", "VYSE60", "発表"),)),
    "81_01_01_250630_VPWP50.xml": ("VPWP50", "2023-06-22T05:00", (("nothing ahead",),)),
    "82_01_01_241031_VPBS50.xml": (
        "VPBS50",
        "2023-09-08T10:19",
        tuple(value("", code, "線状降水帯発生") for code in ("120010", "120020", "120030")),
    ),
    "82_01_02_250630_VPBS50.xml": (
        "VPBS50",
        "2023-07-13T13:29",
        (value("", "013010", "記録雨"), named("0154300")),
    ),
    "82_01_03_241031_VPBS50.xml": ("VPBS50", "2024-01-24T06:13", (value("", "250020", "短時間大雪"),)),
    "82_03_01_251222_VPBS50.xml": ("VPBS50", "2023-07-10T01:59", (value("", "400010", "線状降水帯直前"),)),
    "vpbs50_linear-rainband_imminent.xml": (
        "VPBS50",
        "2026-07-29T06:18",
        (value("", "130030", "線状降水帯直前"),),
    ),
    "vphw50_tornado.xml": ("VPHW50", "2026-07-30T19:12", (named("140010"),)),
    "vpww55_heavy-rain_lv2.xml": (
        "VPWW55",
        "2026-05-29T12:55",
        (force(W, "013000", "10", 2), force(W, "013013", "10", 2)),
    ),
    "vpww56_landslide_lv2.xml": (
        "VPWW56",
        "2026-05-29T03:05",
        (force(W, "150010", "29", 2), force(W, "150012", "29", 2)),
    ),
    "vpww58_wind_advisory.xml": ("VPWW58", "2026-05-28T13:55", (force(W, "130030", "15", None),)),
    "vpww61_thunder-fog.xml": (
        "VPWW61",
        "2026-05-28T13:52",
        (force(W, "016010", "14", None), force(W, "016030", "20", None)),
    ),
    "vxko_flood_lv3.xml": ("VXKO", "2026-07-30T01:50", (force(R, "820209000400", "30", 3),)),
    "vxww50_landslide-alert.xml": (
        "VXWW50",
        "2026-08-01T07:53",
        (force(W, "0336600", "3", 4), force(W, "0320600", "3", 4)),
    ),
}

KEPT = {
    "10_05_01_200826_VPTW60.xml": "VPTW60",
    "22_03_01_160628_VPFJ50.xml": "VPFJ50",
    "37_01_01_240613_VXSE43.xml": "VXSE43",
    "37_01_03_240613_VXSE43.xml": "VXSE43",
    "45_01_01_200522_VFVO50.xml": "VFVO50",
    "74_01_01_200512_VYSE50.xml": "VYSE50",
    "vptw60_typhoon.xml": "VPTW60",
}

LEGACY = ("VPWW53", "VPWW54", "VXWW50", "VPOA50")
IN_DRILL = {"32-35_01_02_240613_VXSE52.xml", "32-35_01_03_240613_VXSE53.xml"}


def path(name: str) -> Path:
    folder = jma_folder()
    return next(
        folder / part / name for part in ("official_samples", "real_2026") if (folder / part / name).exists()
    )


def readings_of(name: str) -> tuple[Reading, ...]:
    found = read(parse_telegram(path(name).read_bytes(), name=name))
    assert found is not None, name
    return found


def holds(fact: Fact, readings: tuple[Reading, ...]) -> bool:
    areas = [area for one in readings for area in one.areas]
    happenings = [each for one in readings for each in one.happenings]
    forecasts = [each for one in readings for each in one.forecasts]
    match fact:
        case ("force", system, code, kind_code, level):
            return any(
                kind.code == kind_code and kind.level == level and kind.grade >= Grade.ADVISORY
                for area in areas
                if (area.system, area.code) == (system, code)
                for kind in area.kinds
            )
        case ("calm", system, code):
            mine = [area for area in areas if (area.system, area.code) == (system, code)]
            return bool(mine) and not any(kind.grade.is_in_force for area in mine for kind in area.kinds)
        case ("value", layer, code, seen):
            return any(
                (one.code, one.value) == (code, seen) and layer in ("", one.layer) for one in happenings
            )
        case ("ahead", code, danger):
            return any(one.code == code and danger in ("", one.danger) and one.expected for one in forecasts)
        case ("nothing ahead",):  # every value of the sample is 注意報級未満, 警戒レベル２未満 or 値なし
            return not forecasts
        case ("named", code):
            return code in {one.code for one in (*areas, *happenings, *forecasts)}
    raise AssertionError(fact)


def test_every_file_at_hand_is_in_the_table():
    folder = jma_folder()
    names = {
        file.name for part in ("official_samples", "real_2026") for file in (folder / part).glob("*.xml")
    }
    assert names == set(READ) | set(KEPT)


@pytest.mark.parametrize("name", READ)
def test_a_telegram_says_what_its_file_says(name: str):
    type_code, report_at, facts = READ[name]
    readings = readings_of(name)
    for one in readings:
        assert one.source.type_code == type_code
        assert one.source.report_at.isoformat()[:16] == report_at
        assert one.problems == ()
        assert one.is_legacy is type_code.startswith(LEGACY)
        assert one.source.status is (TelegramStatus.DRILL if name in IN_DRILL else TelegramStatus.NORMAL)
    assert [fact for fact in facts if not holds(fact, readings)] == []


@pytest.mark.parametrize("name", KEPT)
def test_a_type_outside_the_table_is_kept_without_error(name: str):
    telegram = parse_telegram(path(name).read_bytes(), name=name)
    assert telegram.type_code == KEPT[name]
    assert read(telegram) is None


HEAD = "{http://xml.kishou.go.jp/jmaxml1/informationBasis1/}"


def in_head(name: str) -> dict[str, set[str]]:
    """Area code → codes of the kinds that Head says are in force, over the layers of areas (not by kind)."""
    found: dict[str, set[str]] = {}
    head = ET.parse(path(name)).getroot().find(f"{HEAD}Head")
    assert head is not None
    for information in head.iterfind(f"{HEAD}Headline/{HEAD}Information"):
        if "種別毎" in information.get("type", "") or "高潮予報区間" in information.get("type", ""):
            continue
        for item in information.iterfind(f"{HEAD}Item"):
            kinds = {kind.findtext(f"{HEAD}Code") or "" for kind in item.iterfind(f"{HEAD}Kind")} - {"00"}
            for area in item.iterfind(f"{HEAD}Areas/{HEAD}Area"):
                found.setdefault(area.findtext(f"{HEAD}Code") or "", set()).update(kinds)
    return {code: kinds for code, kinds in found.items() if kinds}


@pytest.mark.parametrize("name", [one for one in READ if READ[one][0].startswith(("VPWW5", "VPWW6"))])
def test_what_is_read_from_a_body_agrees_with_the_head_of_the_same_telegram(name: str):
    in_body: dict[str, set[str]] = {}
    for reading in readings_of(name):
        for area in reading.areas:
            standing = {kind.code for kind in area.kinds if kind.grade.is_in_force}
            if standing and area.system == "weather":
                in_body.setdefault(area.code, set()).update(standing)
    assert in_body == in_head(name)
