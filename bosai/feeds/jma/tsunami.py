"""VTSE41 津波警報・注意報・予報a: what JMA forecasts for each 津波予報区.

Kinds are told by Code, never by Name (domain §3.3). A detail that cannot be read is reported beside the
forecast and never costs the warning itself; only a telegram without one readable area is refused.
"""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import (
    NS_ELEMENT_BASIS,
    NS_SEISMOLOGY,
    InfoType,
    Telegram,
    TelegramSource,
    parse_time,
)
from bosai.feeds.jma.titles import VTSE41
from bosai.feeds.readings import Area, Danger, FirstHeight, Grade, Kind, MaxHeight, Reading, System


class TsunamiClass(StrEnum):
    """What a Kind/Code amounts to. NONE is 津波なし and both 解除; UNKNOWN is a code we do not know."""

    NONE = "none"
    FORECAST = "forecast"
    ADVISORY = "advisory"
    WARNING = "warning"
    MAJOR_WARNING = "major_warning"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Rises with danger. UNKNOWN outranks all: it must never pass for a calming."""
        return list(TsunamiClass).index(self)

    @property
    def is_in_force(self) -> bool:
        """True from 津波注意報 upward: somebody has to move."""
        return self.rank >= TsunamiClass.ADVISORY.rank


CLASS_BY_CODE: dict[str, TsunamiClass] = {
    "00": TsunamiClass.NONE,
    "50": TsunamiClass.NONE,  # 警報解除
    "51": TsunamiClass.WARNING,
    "52": TsunamiClass.MAJOR_WARNING,
    "53": TsunamiClass.MAJOR_WARNING,  # 大津波警報：発表, the first issue or an upgrade
    "60": TsunamiClass.NONE,  # 津波注意報解除
    "62": TsunamiClass.ADVISORY,
    "71": TsunamiClass.FORECAST,
    "72": TsunamiClass.FORECAST,
    "73": TsunamiClass.FORECAST,
}
LIFTING_CODES = frozenset({"50", "60"})
GRADE_BY_CLASS: dict[TsunamiClass, Grade] = {
    TsunamiClass.NONE: Grade.NONE,
    TsunamiClass.FORECAST: Grade.BELOW,
    TsunamiClass.ADVISORY: Grade.ADVISORY,
    TsunamiClass.WARNING: Grade.WARNING,
    TsunamiClass.MAJOR_WARNING: Grade.EMERGENCY,
    TsunamiClass.UNKNOWN: Grade.UNKNOWN,
}
FORECAST_LAYER = "津波予報区"


class TsunamiArea(msgspec.Struct, frozen=True, kw_only=True):
    """One 津波予報区 in one telegram."""

    code: str
    name: str
    kind_code: str
    kind_name: str
    last_kind_code: str | None = None
    last_kind_name: str | None = None
    first_height: FirstHeight = FirstHeight()
    max_height: MaxHeight = MaxHeight()

    @property
    def kind(self) -> TsunamiClass:
        """The class now."""
        return CLASS_BY_CODE.get(self.kind_code, TsunamiClass.UNKNOWN)

    @property
    def last_kind(self) -> TsunamiClass | None:
        """The class before this telegram, as JMA states it; None when not stated."""
        if self.last_kind_code is None:
            return None
        return CLASS_BY_CODE.get(self.last_kind_code, TsunamiClass.UNKNOWN)

    @property
    def lifted(self) -> bool:
        """True for 解除: 50 or 60, or nothing in force now where something was (72 with LastKind 62)."""
        if self.kind.is_in_force:
            return False
        return self.kind_code in LIFTING_CODES or (self.last_kind is not None and self.last_kind.is_in_force)


class TsunamiForecast(msgspec.Struct, frozen=True, kw_only=True):
    """A whole VTSE41. It names every area concerned: an area it does not name has nothing in force.

    A 取消 has no areas, only `text`. `problems` says in Japanese what could not be read.
    """

    source: TelegramSource
    areas: tuple[TsunamiArea, ...] = ()
    text: str = ""
    problems: tuple[str, ...] = ()

    @property
    def is_cancellation(self) -> bool:
        """True for 取消, the withdrawal of a mistaken issue; 解除 is something else."""
        return self.source.info_type is InfoType.CANCELLED

    def area(self, area_code: str) -> TsunamiArea | None:
        """The entry of a 津波予報区, or None where the telegram does not name it."""
        return next((area for area in self.areas if area.code == area_code), None)

    def in_force(self, area_code: str) -> bool:
        """True when this telegram leaves 津波注意報 or more in force there."""
        area = self.area(area_code)
        return area is not None and area.kind.is_in_force


def read_tsunami(telegram: Telegram) -> tuple[Reading, ...]:
    """The whole coast as one reading. Raises TelegramRefused when it is no VTSE41 or names no readable area.

    Each area has one kind. A 解除 is `lifted` by its code (50, 60) or by what was there before (72 after 62, which
    leaves 津波予報 with the grade BELOW).
    """
    forecast = parse_tsunami(telegram)
    return (
        Reading(
            source=forecast.source,
            scope="" if forecast.is_cancellation else VTSE41,
            areas=tuple(
                Area(
                    system=System.TSUNAMI,
                    code=area.code,
                    name=area.name,
                    layer=FORECAST_LAYER,
                    kinds=(_kind(area),),
                )
                for area in forecast.areas
            ),
            text=forecast.text,
            problems=forecast.problems,
        ),
    )


def _kind(area: TsunamiArea) -> Kind:
    return Kind(
        code=area.kind_code,
        name=area.kind_name,
        danger=Danger.TSUNAMI,
        grade=GRADE_BY_CLASS[area.kind],
        lifted=area.lifted,
        last_code=area.last_kind_code,
        last_name=area.last_kind_name,
        last_grade=None if area.last_kind is None else GRADE_BY_CLASS[area.last_kind],
        first_height=area.first_height,
        max_height=area.max_height,
    )


def parse_tsunami(telegram: Telegram) -> TsunamiForecast:
    """The forecast in a VTSE41. Raises TelegramRefused when it is no VTSE41 or names no readable area."""
    if telegram.type_code != VTSE41:
        raise TelegramRefused(
            RefusalReason.WRONG_TYPE, "Control/Title", f"{telegram.title}は{VTSE41}ではありません"
        )
    if etree.QName(telegram.body).namespace != NS_SEISMOLOGY:
        raise TelegramRefused(RefusalReason.WRONG_NAMESPACE, "Body", str(telegram.body.tag)[:120])
    text = _text(telegram.body, "Text")
    if telegram.info_type is InfoType.CANCELLED:
        return TsunamiForecast(source=telegram.source, text=text)
    areas: dict[str, TsunamiArea] = {}
    problems: list[str] = []
    for item in telegram.body.iterfind(_path("Tsunami", "Forecast", "Item")):
        area = _area(item, problems)
        if area is None:
            continue
        if area.code in areas:
            problems.append(f"津波予報区{area.code}が二度書かれています：重い方を採りました")
            area = max(area, areas[area.code], key=lambda one: one.kind.rank)
        areas[area.code] = area
    if not areas:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, "Body/Tsunami/Forecast/Item", "・".join(problems)[:200]
        )
    return TsunamiForecast(
        source=telegram.source, areas=tuple(areas.values()), text=text, problems=tuple(problems)
    )


def _area(item: etree._Element, problems: list[str]) -> TsunamiArea | None:
    code, kind_code = _text(item, "Area", "Code"), _text(item, "Category", "Kind", "Code")
    name = _text(item, "Area", "Name")
    if not code:
        problems.append(f"津波予報区のコードがありません：{name or '名称もなし'}")
        return None
    if not kind_code:
        problems.append(f"津波予報区{code}の種別コード（Category/Kind/Code）がありません")
    elif kind_code not in CLASS_BY_CODE:
        problems.append(f"津波予報区{code}の種別コード{kind_code}は知らないコードです")
    return TsunamiArea(
        code=code,
        name=name,
        kind_code=kind_code,
        kind_name=_text(item, "Category", "Kind", "Name"),
        last_kind_code=_text(item, "Category", "LastKind", "Code") or None,
        last_kind_name=_text(item, "Category", "LastKind", "Name") or None,
        first_height=_first_height(item, code, problems),
        max_height=_max_height(item, code, problems),
    )


def _first_height(item: etree._Element, code: str, problems: list[str]) -> FirstHeight:
    arrival_at, given = None, _text(item, "FirstHeight", "ArrivalTime")
    if given:
        try:
            arrival_at = parse_time(given, "FirstHeight/ArrivalTime")
        except TelegramRefused:
            problems.append(f"津波予報区{code}の到達予想時刻を読めません：{given[:40]}")
    return FirstHeight(arrival_at=arrival_at, condition=_text(item, "FirstHeight", "Condition") or None)


def _max_height(item: etree._Element, code: str, problems: list[str]) -> MaxHeight:
    # Conditions may be joined by a full-width space, which str.split takes for a space as well.
    conditions = _text(item, "MaxHeight", "Condition").split()
    height = item.find(f"{_path('MaxHeight')}/{{{NS_ELEMENT_BASIS}}}TsunamiHeight")
    if height is None:
        return MaxHeight(conditions=tuple(conditions))
    return MaxHeight(
        value_m=_metres((height.text or "").strip(), code, problems),
        description=(height.get("description") or "").strip() or None,
        conditions=(*conditions, *(height.get("condition") or "").split()),
    )


def _metres(text: str, code: str, problems: list[str]) -> float | None:
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isnan(value):
        return None
    if not 0 <= value < 1000:
        problems.append(f"津波予報区{code}の津波の高さを読めません：{text[:40]}")
        return None
    return value


def _path(*names: str) -> str:
    return "/".join(f"{{{NS_SEISMOLOGY}}}{name}" for name in names)


def _text(parent: etree._Element, *names: str) -> str:
    return (parent.findtext(_path(*names)) or "").strip()
