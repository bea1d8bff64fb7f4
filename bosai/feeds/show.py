"""What a telegram means, as one JSON-able value: behind `bosai feed show FILE…`, changing nothing.

    bytes ─▶ parse_telegram ─▶ read ─▶ ShownTelegram
       └ an Atom feed, a CAP message      └ a type not read in depth: what its head says

Every area is named by the code system it belongs to: 220 is 宮城県 on the coast and 宮城県北部 in quake information.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bosai.feeds.atom import Feed, parse_feed
from bosai.feeds.errors import FeedError, FeedRefused, RefusalReason
from bosai.feeds.jma.envelope import HeadlineArea, Telegram, parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.jma.seismic import COMMENT_LAYER, HYPOCENTRE_LAYER
from bosai.feeds.jma.tsunami import CLASS_BY_GRADE
from bosai.feeds.readings import Area, Danger, Expected, Forecast, Happening, Kind, Reading, System
from bosai.feeds.show_cap import show_cap
from bosai.feeds.show_values import (
    ShownArea,
    ShownEntry,
    ShownExpected,
    ShownForecast,
    ShownHappening,
    ShownKind,
    ShownTelegram,
)

_SYSTEM_BY_CODE_TYPE: dict[str, str] = {
    "津波予報区": "tsunami",
    "潮位観測点": "tsunami",
    "沿岸地域": "tsunami",
    "地震情報／細分区域": "seismic",
    "地震情報／都道府県等": "seismic",
    "緊急地震速報／地方予報区": "seismic",
    "緊急地震速報／府県予報区": "seismic",
    "気象情報／府県予報区・細分区域等": "weather",
    "高潮予報区間": "weather",
    "指定河川洪水予報（予報区域）": "river",
    "河川": "river",
    "水位観測所": "river",
    "火山名": "volcano",
}
_CITY_CODE_TYPE = "気象・地震・火山情報／市町村等"  # shared: the type of the telegram tells whose cities
_CITY_SYSTEM_BY_PREFIX = {"VX": "seismic", "VT": "tsunami", "VF": "volcano", "VP": "weather"}
_NO_PLACE = frozenset(
    {HYPOCENTRE_LAYER, COMMENT_LAYER, "情報"}
)  # happenings that are not about an area of ours
_INTENSITY_NAMES = {"5-": "５弱", "5+": "５強", "6-": "６弱", "6+": "６強", "未入電": "５弱以上未入電"}
_FULL_WIDTH = str.maketrans("1234567", "１２３４５６７")


def show_telegram(data: bytes, *, name: str) -> ShownTelegram:
    """The value for one file; never raises for bad content: a refusal is a value too."""
    try:
        telegram = parse_telegram(data, name=name)
    except FeedError as error:
        return _other(data, name, error)
    shown = _envelope(telegram, name)
    try:
        readings = read(telegram)
    except FeedError as error:
        return msgspec.structs.replace(shown, read="refused", error=str(error), reason=error.reason.value)
    if readings is None:
        return shown
    return msgspec.structs.replace(
        shown,
        read="body",
        text="\n".join(dict.fromkeys(one.text for one in readings if one.text)) or None,
        legacy=any(one.is_legacy for one in readings) or None,
        scopes=tuple(dict.fromkeys(one.scope for one in readings if one.scope)),
        # A 気象特別警報報知 says by its head alone where it is about.
        areas=tuple(area for one in readings for area in _areas(one)) or shown.areas,
        happenings=tuple(_happening(each) for one in readings for each in one.happenings),
        forecasts=tuple(_forecast(each) for one in readings for each in one.forecasts),
        problems=tuple(dict.fromkeys(problem for one in readings for problem in one.problems)),
    )


def show_json(shown: ShownTelegram) -> dict[str, Any]:
    """The same as plain dict and list, ready for json.dumps."""
    value = msgspec.to_builtins(shown)
    assert isinstance(value, dict)
    return value


def intensity_name(value: str) -> str:
    """ "6+" → "震度６強", as JMA names it in texts."""
    return "震度" + _INTENSITY_NAMES.get(value, value.translate(_FULL_WIDTH))


def _envelope(telegram: Telegram, name: str) -> ShownTelegram:
    return ShownTelegram(
        file=name,
        read="envelope",
        type_code=telegram.type_code,
        title=telegram.title,
        head_title=telegram.head_title or None,
        status=telegram.status.value,
        info_type=telegram.info_type.value,
        event_ids=telegram.event_ids,
        serial=telegram.serial or None,
        report_at=telegram.report_at.isoformat(),
        sent_at=telegram.sent_at.isoformat(),
        valid_until=telegram.valid_until.isoformat() if telegram.valid_until is not None else None,
        editorial_office=telegram.editorial_office,
        publishing_offices=telegram.publishing_offices,
        headline=telegram.headline or None,
        areas=_headline_areas(telegram),
    )


def _headline_areas(telegram: Telegram) -> tuple[ShownArea, ...]:
    kinds: dict[tuple[str, str, str], dict[ShownKind, None]] = {}
    for area in telegram.headline_areas:
        key = (_system(area, telegram.type_code), area.code, area.name)
        kinds.setdefault(key, {})[ShownKind(name=area.kind_name, code=area.kind_code)] = None
    return tuple(
        ShownArea(system=system, code=code, name=name, kinds=tuple(of_area))
        for (system, code, name), of_area in kinds.items()
    )


def _system(area: HeadlineArea, type_code: str | None) -> str:
    if area.code_type == _CITY_CODE_TYPE:
        # VXWW50 and VXKO are weather and rivers in spite of their VX.
        if type_code is not None and type_code.startswith(("VXWW", "VXKO")):
            return "weather"
        return _CITY_SYSTEM_BY_PREFIX.get((type_code or "")[:2], "unknown")
    return _SYSTEM_BY_CODE_TYPE.get(area.code_type, "unknown")


def _shown_system(system: System) -> str:
    # 高潮予報区間 are weather to a reader, told apart by their layer.
    return System.WEATHER.value if system is System.SURGE else system.value


def _areas(reading: Reading) -> list[ShownArea]:
    """What stands for each area, then what happened there, so that every place of a telegram is among its areas."""
    return [
        *(_area(one) for one in reading.areas),
        *(_place(one) for one in reading.happenings if one.layer not in _NO_PLACE),
    ]


def _area(area: Area) -> ShownArea:
    return ShownArea(
        system=_shown_system(area.system),
        code=area.code,
        name=area.name,
        layer=area.layer or None,
        kinds=tuple(_kind(one) for one in area.kinds),
    )


def _kind(kind: Kind) -> ShownKind:
    first, highest = kind.first_height, kind.max_height
    at = None if first is None else first.arrival_at
    heights = () if highest is None else highest.conditions
    return ShownKind(
        name=kind.name,
        code=kind.code or None,
        danger=kind.danger.value,
        grade=kind.grade.name.lower(),
        level=kind.level,
        kind=CLASS_BY_GRADE[kind.grade].value if kind.danger is Danger.TSUNAMI else None,
        status=kind.status or None,
        last_code=kind.last_code,
        last_name=kind.last_name,
        lifted=kind.lifted,
        arrival=None if first is None else first.as_given,
        arrival_at=None if at is None else at.isoformat(),
        height=None if highest is None else highest.as_given,
        height_m=None if highest is None else highest.value_m,
        conditions=(*kind.conditions, *heights),
        expected=tuple(_expected(one) for one in kind.expected),
    )


def _place(happening: Happening) -> ShownArea:
    shaking = happening.danger is Danger.SHAKING
    kind = ShownKind(
        name=intensity_name(happening.value) if shaking else happening.value,
        code=happening.value if shaking else None,
        danger=happening.danger.value,
        height=happening.value if happening.danger is Danger.TSUNAMI else None,
        observed_at=None if happening.at is None else happening.at.isoformat(),
        conditions=happening.conditions,
    )
    return ShownArea(
        system=_shown_system(happening.system),
        code=happening.code,
        name=happening.name,
        layer=happening.layer or None,
        kinds=(kind,),
    )


def _happening(happening: Happening) -> ShownHappening:
    return ShownHappening(
        danger=happening.danger.value,
        system=_shown_system(happening.system),
        code=happening.code,
        name=happening.name,
        value=happening.value,
        layer=happening.layer or None,
        at=None if happening.at is None else happening.at.isoformat(),
        conditions=happening.conditions,
        text=happening.text or None,
    )


def _forecast(forecast: Forecast) -> ShownForecast:
    return ShownForecast(
        danger=forecast.danger.value,
        system=_shown_system(forecast.system),
        code=forecast.code,
        name=forecast.name,
        expected=tuple(_expected(one) for one in forecast.expected),
    )


def _expected(expected: Expected) -> ShownExpected:
    ends = None if expected.lasts is None else expected.starts_at + expected.lasts
    return ShownExpected(
        grade=expected.grade.name.lower(),
        level=expected.level,
        starts_at=expected.starts_at.isoformat(),
        ends_at=None if ends is None else ends.isoformat(),
        place=expected.place or None,
        as_given=expected.as_given,
    )


def _other(data: bytes, name: str, error: FeedError) -> ShownTelegram:
    """The value for what is no telegram: a feed, a CAP message, or nothing we trust."""
    refused = ShownTelegram(file=name, read="refused", error=str(error), reason=error.reason.value)
    if error.reason is not RefusalReason.WRONG_ROOT:
        return refused
    return _feed(data, name) or show_cap(data, name=name) or refused


def _feed(data: bytes, name: str) -> ShownTelegram | None:
    """The value for an Atom feed; None for what is no feed either."""
    try:
        feed: Feed = parse_feed(data)
    except FeedRefused:
        return None
    return ShownTelegram(
        file=name,
        read="feed",
        title=feed.id or None,
        entries=tuple(
            ShownEntry(
                title=one.title,
                updated_at=one.updated_at.isoformat(),
                href=one.href,
                type_code=one.type_code,
                office=one.office,
            )
            for one in feed.entries
        ),
        problems=feed.problems,
    )
