"""What a telegram means, as one JSON-able value: behind `bosai feed show FILE…`, changing nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from bosai.feeds.errors import FeedError
from bosai.feeds.jma.envelope import HeadlineArea, Telegram, parse_telegram
from bosai.feeds.jma.titles import VTSE41
from bosai.feeds.jma.tsunami import TsunamiArea, parse_tsunami

# 220 is 宮城県 among the 津波予報区 and 宮城県北部 among the 細分区域: an area is (system, code).
_SYSTEM_BY_CODE_TYPE: dict[str, str] = {
    "津波予報区": "tsunami",
    "潮位観測点": "tsunami",
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


class ShownKind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One kind for an area: `code` is None where the telegram gives only a name (震度速報)."""

    name: str
    code: str | None = None
    kind: str | None = None
    last_code: str | None = None
    last_name: str | None = None
    lifted: bool | None = None
    arrival: str | None = None
    arrival_at: str | None = None
    height: str | None = None
    height_m: float | None = None
    conditions: tuple[str, ...] = ()


class ShownArea(msgspec.Struct, frozen=True, kw_only=True):
    """One area, named by the code system it belongs to."""

    system: str
    code: str
    name: str
    kinds: tuple[ShownKind, ...]


class ShownTelegram(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file. `read` is "body" where its family is read in depth, "envelope" where only Control and
    Head are, "refused" with `error` where it is no telegram we trust."""

    file: str
    read: str
    type_code: str | None = None
    title: str | None = None
    status: str | None = None
    info_type: str | None = None
    event_ids: tuple[str, ...] | None = None
    serial: str | None = None
    report_at: str | None = None
    sent_at: str | None = None
    valid_until: str | None = None
    editorial_office: str | None = None
    publishing_offices: tuple[str, ...] | None = None
    headline: str | None = None
    text: str | None = None
    areas: tuple[ShownArea, ...] | None = None
    problems: tuple[str, ...] | None = None
    error: str | None = None
    reason: str | None = None


def show_telegram(data: bytes, *, name: str) -> ShownTelegram:
    """The value for one file; never raises for bad content: a refusal is a value too."""
    try:
        telegram = parse_telegram(data, name=name)
        shown = _envelope(telegram, name)
        if telegram.type_code != VTSE41:
            return shown
        forecast = parse_tsunami(telegram)
    except FeedError as error:
        return ShownTelegram(file=name, read="refused", error=str(error), reason=error.reason.value)
    return msgspec.structs.replace(
        shown,
        read="body",
        text=forecast.text or None,
        areas=tuple(
            ShownArea(system="tsunami", code=area.code, name=area.name, kinds=(_tsunami_kind(area),))
            for area in forecast.areas
        ),
        problems=forecast.problems,
    )


def show_json(shown: ShownTelegram) -> dict[str, Any]:
    """The same as plain dict and list, ready for json.dumps."""
    value = msgspec.to_builtins(shown)
    assert isinstance(value, dict)
    return value


def _envelope(telegram: Telegram, name: str) -> ShownTelegram:
    return ShownTelegram(
        file=name,
        read="envelope",
        type_code=telegram.type_code,
        title=telegram.title,
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


def _tsunami_kind(area: TsunamiArea) -> ShownKind:
    arrival_at = area.first_height.arrival_at
    return ShownKind(
        name=area.kind_name,
        code=area.kind_code,
        kind=area.kind.value,
        last_code=area.last_kind_code,
        last_name=area.last_kind_name,
        lifted=area.lifted,
        arrival=area.first_height.as_given,
        arrival_at=arrival_at.isoformat() if arrival_at is not None else None,
        height=area.max_height.as_given,
        height_m=area.max_height.value_m,
        conditions=area.max_height.conditions,
    )
