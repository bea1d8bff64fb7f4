"""VXKO50–89 指定河川洪水予報: what is in force for one 予報区域, and what was measured and is expected at its gauges.

The code of the 予報区域 decides (domain §2.4); its rivers and the 府県予報区 have the same kind. A joint telegram may
speak of several rivers of different gravity under one kind: what each gauge stands at is told by its 主文, word for
word. Levels of the coming hours are those of the telegram; nothing is extrapolated by us (気象業務法 17条).
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.body import BodyView, day_and_time, lines
from bosai.feeds.jma.envelope import NS_ELEMENT_BASIS, HeadlineArea, InfoType, Telegram
from bosai.feeds.jma.titles import FLOOD_FAMILY
from bosai.feeds.jma.weather_xml import NS_METEOROLOGY
from bosai.feeds.readings import Area, Danger, Expected, Forecast, Grade, Happening, Kind, Reading, System

GRADE_BY_CODE: dict[str, Grade] = {
    "10": Grade.NONE,  # レベル２氾濫注意報解除
    "20": Grade.ADVISORY,  # レベル２氾濫注意報（発表）
    "21": Grade.ADVISORY,
    "22": Grade.ADVISORY,  # レベル２氾濫注意報（警報解除）: lowered, still in force
    "30": Grade.WARNING,
    "31": Grade.WARNING,
    "40": Grade.URGENT,
    "41": Grade.URGENT,
    "51": Grade.EMERGENCY,
    "53": Grade.EMERGENCY,  # 氾濫水の予報
}
LIFTED_CODE = "10"
SECTION_TYPE, RIVER_TYPE, PREFECTURE_TYPE = (
    "指定河川洪水予報（予報区域）",
    "河川",
    "気象情報／府県予報区・細分区域等",
)
SECTION_LAYER, RIVER_LAYER, PREFECTURE_LAYER = "予報区域", "河川", "府県予報区等"
GAUGE_LAYER, FLOODED_LAYER = "水位観測所", "浸水想定地区"
_PLACE_OF_TYPE = {
    SECTION_TYPE: (System.RIVER, SECTION_LAYER),
    RIVER_TYPE: (System.RIVER, RIVER_LAYER),
    PREFECTURE_TYPE: (System.WEATHER, PREFECTURE_LAYER),
}
_STATUS_IN_HEADLINE = re.compile(r"〔([^〕]{1,40})〕")
_NOW = "現況"
_NO_VALUE = "欠測"
_MOST_TEXTS = 20  # 主文 of one item that are kept for each of its gauges; real ones have one


def read_river(telegram: Telegram) -> tuple[Reading, ...]:
    """One 予報区域 as one reading, replaced whole by its next. Raises TelegramRefused when no kind is readable.

    Areas: the 予報区域 first, then its rivers and 府県予報区. Happenings: each gauge's present value (text: its 主文)
    and each city with 浸水想定地区 (text: the districts). Forecasts: each gauge's coming hours as given.
    """
    body = BodyView(telegram, NS_METEOROLOGY)
    if telegram.info_type is InfoType.CANCELLED:
        texts = [body.text(body.root, "Text"), *(lines(n.text or "") for n in body.all(body.root, "Notice"))]
        return (Reading(source=telegram.source, text="\n".join(filter(None, texts)) or telegram.headline),)
    areas = _areas(body, telegram)
    gauges = _gauges(body)
    main = [text for gauge in gauges.values() for text in gauge.main]
    return (
        Reading(
            source=telegram.source,
            scope=f"{FLOOD_FAMILY}/{_section(body, telegram, areas)}",
            areas=areas,
            happenings=(*(_measured(one) for one in gauges.values()), *_flooded(body)),
            forecasts=tuple(
                Forecast(
                    system=System.RIVER,
                    code=one.code,
                    name=one.name,
                    danger=Danger.RIVER_FLOOD,
                    expected=tuple(sorted(one.expected, key=lambda each: each.starts_at)),
                )
                for one in gauges.values()
                if one.expected
            ),
            text="\n".join(dict.fromkeys(main)),
            problems=body.problems.all(),
        ),
    )


def _section(body: BodyView, telegram: Telegram, areas: tuple[Area, ...]) -> str:
    named = next(one.code for one in areas if one.layer == SECTION_LAYER)
    if telegram.event_ids and telegram.event_ids != (named,):
        body.problems.add(f"EventID（{'・'.join(telegram.event_ids)}）と予報区域{named}が違います")
    return named


def _areas(body: BodyView, telegram: Telegram) -> tuple[Area, ...]:
    found = _STATUS_IN_HEADLINE.search(telegram.headline)
    status = found.group(1) if found else ""
    areas: dict[tuple[System, str], Area] = {}
    for given in telegram.headline_areas:
        if given.code_type not in _PLACE_OF_TYPE:
            continue
        system, layer = _PLACE_OF_TYPE[given.code_type]
        if not given.code or not given.kind_code:
            body.problems.add(f"{layer}{given.code}（{given.name}）のコードか種別コードがありません")
            continue
        kind = _kind(body, given, given.kind_code, status)
        area = Area(system=system, layer=layer, code=given.code, name=given.name, kinds=(kind,))
        known = areas.get((system, given.code))
        if known is not None and known.kinds[0].code != kind.code:
            body.problems.add(f"{layer}{given.code}が二度書かれています：重い方を採りました")
        if known is None or known.kinds[0].grade < kind.grade:
            areas[(system, given.code)] = area
    if not any(one.layer == SECTION_LAYER for one in areas.values()):
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING,
            f"Head/Headline/Information［{SECTION_TYPE}］",
            "・".join(body.problems.all())[:200],
        )
    return tuple(areas.values())


def _kind(body: BodyView, given: HeadlineArea, code: str, status: str) -> Kind:
    if code not in GRADE_BY_CODE:
        body.problems.add(f"{given.name}の種別コード{code}は知らないコードです")
    return Kind(
        code=code,
        name=given.kind_name,
        danger=Danger.RIVER_FLOOD,
        grade=GRADE_BY_CODE.get(code, Grade.UNKNOWN),
        status=status,
        lifted=code == LIFTED_CODE,
    )


class _Gauge(msgspec.Struct):
    """What the parts of one telegram say of one 水位観測所."""

    code: str
    name: str
    main: list[str] = []
    value: str = ""
    at: datetime | None = None
    level: str = ""
    expected: list[Expected] = []


def _gauges(body: BodyView) -> dict[str, _Gauge]:
    gauges: dict[str, _Gauge] = {}
    for item in body.all(body.root, "Warning", "Item"):
        texts = [
            lines(body.text(prop, "Text"))
            for prop in body.all(item, "Kind", "Property")
            if body.text(prop, "Type") == "主文" and body.text(prop, "Text")
        ]
        for station in body.all(item, "Stations", "Station"):
            gauge = _gauge_of(body, station, gauges)
            if gauge is not None:
                gauge.main += texts[:_MOST_TEXTS]
    for series in body.all(body.root, "MeteorologicalInfos", "TimeSeriesInfo"):
        times = _times(body, series)
        for item in body.all(series, "Item"):
            of_gauge = item.find(body.path("Station"))
            gauge = None if of_gauge is None else _gauge_of(body, of_gauge, gauges)
            if gauge is not None:
                _read_series(body, item, gauge, times)
    return gauges


def _gauge_of(body: BodyView, station: etree._Element, gauges: dict[str, _Gauge]) -> _Gauge | None:
    code, name = body.text(station, "Code"), body.text(station, "Name")
    if not code:
        body.problems.add(f"水位観測所のコードがありません：{name or '名称もなし'}")
        return None
    return gauges.setdefault(code, _Gauge(code=code, name=name))


def _times(body: BodyView, series: etree._Element) -> dict[str, tuple[datetime, str]]:
    times = {}
    for one in body.all(series, "TimeDefines", "TimeDefine"):
        at = body.time(one, "DateTime", of="水位・流量の時刻")
        if at is not None:
            times[one.get("timeId", "")] = (at, body.text(one, "Name"))
    return times


def _read_series(
    body: BodyView, item: etree._Element, gauge: _Gauge, times: dict[str, tuple[datetime, str]]
) -> None:
    values, levels = {}, {}
    for part in ("WaterLevelPart", "DischargePart"):
        for element in (one for found in body.all(item, "Kind", "Property", part) for one in found):
            if etree.QName(element).namespace != NS_ELEMENT_BASIS:
                continue
            number, text = element.get("refID", ""), (element.text or "").strip()
            if element.get("type") == "レベル":
                levels[number] = text
            elif text:
                values[number] = f"{text}{element.get('unit', '')}"
            else:
                values[number] = element.get("condition") or _NO_VALUE
    for number, value in values.items():
        if number not in times:
            body.problems.add(f"水位観測所{gauge.code}（{gauge.name}）の時刻{number[:10]}がありません")
            continue
        at, when = times[number]
        level = levels.get(number, "")
        if when == _NOW:
            gauge.value, gauge.at, gauge.level = value, at, level
        elif level:
            gauge.expected.append(_expected(at, value, level))


def _expected(at: datetime, value: str, level: str) -> Expected:
    """One hour to come. The index 5 of the series is 計画高水位等 exceeded, which the same telegram calls レベル４:
    JMA's level 5 (氾濫特別警報) is told by the kind code alone, so it is level 4 here, and shown as given."""
    reached = min(int(level), Grade.URGENT) if level.isascii() and level.isdigit() else 0
    grade = Grade(reached) if reached >= Grade.ADVISORY else Grade.NONE
    return Expected(
        grade=grade,
        level=int(grade) if grade.is_in_force else None,
        starts_at=at,
        lasts=None,
        place="",
        as_given=f"{day_and_time(at)} {value}（レベル{level}）",
    )


def _measured(gauge: _Gauge) -> Happening:
    return Happening(
        danger=Danger.RIVER_FLOOD,
        system=System.RIVER,
        layer=GAUGE_LAYER,
        code=gauge.code,
        name=gauge.name,
        value=gauge.value or _NO_VALUE,
        at=gauge.at,
        conditions=(f"レベル{gauge.level}",) if gauge.level else (),
        text="\n".join(gauge.main),
    )


class _City(msgspec.Struct):
    """What is said of one city below the gauges of one telegram."""

    name: str
    status: str
    gauges: list[str] = []
    districts: list[str] = []


def _flooded(body: BodyView) -> list[Happening]:
    """The cities with 浸水想定地区, by their codes; a city below several gauges is named once."""
    cities: dict[str, _City] = {}
    for item in body.all(body.root, "Warning", "Item"):
        if body.text(item, "Kind", "Property", "Type") != FLOODED_LAYER:
            continue
        status = body.text(item, "Kind", "Status") or "対象地域"
        for area in body.all(item, "Areas", "Area"):
            code, name, gauge = (body.text(area, one) for one in ("CityCode", "City", "Name"))
            if not code:
                body.problems.add(f"浸水想定地区の市町村コードがありません：{name or '名称もなし'}")
                continue
            city = cities.setdefault(code, _City(name=name, status=status))
            city.gauges.append(gauge)
            districts = body.text(area, "SubCityList")
            if districts not in {"", "-"}:  # "-" stands where no district is named
                city.districts.append(f"{gauge}：{districts}")
    return [
        Happening(
            danger=Danger.RIVER_FLOOD,
            system=System.RIVER,
            layer=FLOODED_LAYER,
            code=code,
            name=city.name,
            value=city.status,
            conditions=tuple(dict.fromkeys(city.gauges)),
            text="\n".join(city.districts),
        )
        for code, city in cities.items()
    ]
