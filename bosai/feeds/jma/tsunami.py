"""VTSE41 津波警報・注意報・予報a: what JMA forecasts for each 津波予報区.

Kinds are told by Code, never by Name (domain §3.3). A detail that cannot be read is reported beside the
forecast and never costs the warning itself; only a telegram without one readable area is refused.
"""

from __future__ import annotations

import math
from enum import StrEnum

from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.body import BodyView
from bosai.feeds.jma.envelope import NS_ELEMENT_BASIS, NS_SEISMOLOGY, InfoType, Telegram
from bosai.feeds.jma.titles import VTSE41
from bosai.feeds.readings import Area, Danger, FirstHeight, Grade, Kind, MaxHeight, Reading, System

GRADE_BY_CODE: dict[str, Grade] = {
    "00": Grade.NONE,
    "50": Grade.NONE,  # 警報解除
    "51": Grade.WARNING,
    "52": Grade.EMERGENCY,
    "53": Grade.EMERGENCY,  # 大津波警報：発表, the first issue or an upgrade
    "60": Grade.NONE,  # 津波注意報解除
    "62": Grade.ADVISORY,
    "71": Grade.BELOW,
    "72": Grade.BELOW,
    "73": Grade.BELOW,
}
LIFTING_CODES = frozenset({"50", "60"})
FORECAST_LAYER = "津波予報区"


def read_tsunami(telegram: Telegram) -> tuple[Reading, ...]:
    """The whole coast as one reading. Raises TelegramRefused when it is no VTSE41 or names no readable area.

    Each area has one kind. A 解除 is `lifted` by its code (50, 60) or by what was there before (72 after 62, which
    leaves 津波予報 with the grade BELOW).
    """
    if telegram.type_code != VTSE41:
        raise TelegramRefused(
            RefusalReason.WRONG_TYPE, "Control/Title", f"{telegram.title}は{VTSE41}ではありません"
        )
    body = BodyView(telegram, NS_SEISMOLOGY)
    text = body.text(body.root, "Text")
    if telegram.info_type is InfoType.CANCELLED:
        return (Reading(source=telegram.source, text=text),)
    areas = forecast_areas(body)
    if not areas:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, "Body/Tsunami/Forecast/Item", "・".join(body.problems.all())[:200]
        )
    return (
        Reading(
            source=telegram.source,
            scope=VTSE41,
            areas=areas,
            text=text,
            problems=body.problems.all(),
        ),
    )


def forecast_areas(body: BodyView) -> tuple[Area, ...]:
    """The readable items of Tsunami/Forecast, each code once, in their order; what is wrong goes to the problems."""
    areas: dict[str, Area] = {}
    for item in body.all(body.root, "Tsunami", "Forecast", "Item"):
        area = _area(body, item)
        if area is None:
            continue
        if area.code in areas:
            body.problems.add(f"津波予報区{area.code}が二度書かれています：重い方を採りました")
            area = max(area, areas[area.code], key=lambda one: one.kinds[0].grade)
        areas[area.code] = area
    return tuple(areas.values())


def first_height(body: BodyView, parent: etree._Element, of: str) -> FirstHeight:
    """FirstHeight below an area or a station; an unreadable time is a problem and leaves none."""
    return FirstHeight(
        arrival_at=body.time(parent, "FirstHeight", "ArrivalTime", of=f"{of}の到達予想時刻"),
        condition=body.text(parent, "FirstHeight", "Condition") or None,
    )


def max_height(body: BodyView, parent: etree._Element, of: str) -> MaxHeight:
    """MaxHeight below an area or a station."""
    # Conditions may be joined by a full-width space, which str.split takes for a space as well.
    conditions = body.text(parent, "MaxHeight", "Condition").split()
    height = parent.find(f"{body.path('MaxHeight')}/{{{NS_ELEMENT_BASIS}}}TsunamiHeight")
    if height is None:
        return MaxHeight(conditions=tuple(conditions))
    return MaxHeight(
        value_m=_metres(body, (height.text or "").strip(), of),
        description=(height.get("description") or "").strip() or None,
        conditions=(*conditions, *(height.get("condition") or "").split()),
    )


def _area(body: BodyView, item: etree._Element) -> Area | None:
    code, name = body.text(item, "Area", "Code"), body.text(item, "Area", "Name")
    if not code:
        body.problems.add(f"津波予報区のコードがありません：{name or '名称もなし'}")
        return None
    return Area(
        system=System.TSUNAMI, code=code, name=name, layer=FORECAST_LAYER, kinds=(_kind(body, item, code),)
    )


def _kind(body: BodyView, item: etree._Element, area_code: str) -> Kind:
    code = body.text(item, "Category", "Kind", "Code")
    if not code:
        body.problems.add(f"津波予報区{area_code}の種別コード（Category/Kind/Code）がありません")
    elif code not in GRADE_BY_CODE:
        body.problems.add(f"津波予報区{area_code}の種別コード{code}は知らないコードです")
    last_code = body.text(item, "Category", "LastKind", "Code") or None
    grade = GRADE_BY_CODE.get(code, Grade.UNKNOWN)
    last_grade = None if last_code is None else GRADE_BY_CODE.get(last_code, Grade.UNKNOWN)
    of = f"津波予報区{area_code}"
    return Kind(
        code=code,
        name=body.text(item, "Category", "Kind", "Name"),
        danger=Danger.TSUNAMI,
        grade=grade,
        lifted=not grade.is_in_force
        and (code in LIFTING_CODES or (last_grade is not None and last_grade.is_in_force)),
        last_code=last_code,
        last_name=body.text(item, "Category", "LastKind", "Name") or None,
        last_grade=last_grade,
        first_height=first_height(body, item, of),
        max_height=max_height(body, item, of),
    )


def _metres(body: BodyView, text: str, of: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isnan(value):
        return None
    if not 0 <= value < 1000:
        body.problems.add(f"{of}の津波の高さを読めません：{text[:40]}")
        return None
    return value


class TsunamiClass(StrEnum):
    """What a Kind/Code amounts to, in a word. NONE is 津波なし and both 解除; UNKNOWN is a code we do not know."""

    NONE = "none"
    FORECAST = "forecast"
    ADVISORY = "advisory"
    WARNING = "warning"
    MAJOR_WARNING = "major_warning"
    UNKNOWN = "unknown"


CLASS_BY_GRADE: dict[Grade, TsunamiClass] = {
    Grade.NONE: TsunamiClass.NONE,
    Grade.BELOW: TsunamiClass.FORECAST,
    Grade.ADVISORY: TsunamiClass.ADVISORY,
    Grade.WARNING: TsunamiClass.WARNING,
    Grade.URGENT: TsunamiClass.UNKNOWN,  # no tsunami kind has it
    Grade.EMERGENCY: TsunamiClass.MAJOR_WARNING,
    Grade.UNKNOWN: TsunamiClass.UNKNOWN,
}
