"""The telegrams kept until about 2028: VPWW53/54 警報・注意報, VXWW50 土砂災害警戒情報, VPOA50 記録的短時間大雨情報.

Acted on only where a setting declares them the source, never beside the new ones (domain §2.2). The same codes mean
other things here:
- 03, 10 and 33 are 大雨 of the old kind, which covers landslides: Condition (土砂災害, 浸水害) or the notes tell which.
  Where neither does, both are taken. One code can so give two kinds.
- 04 and 18 are 洪水警報・注意報, of no one river.
- 08 高潮警報 and 38 高潮特別警報 were both 警戒レベル４相当 until the reform; since then their levels are 3 and 5.
- Since the reform a 危険警報 is written here as a plain 警報, with a free sentence beside it: HQ is told to read it.
- VXWW50 is level 4 only, on the old areas and their codes.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram
from bosai.feeds.jma.weather_bulletins import happenings_by_code
from bosai.feeds.jma.weather_items import CITY_LAYER, LIFTED, NOTHING, areas_of, items_of, kind_of, read_kind
from bosai.feeds.jma.weather_warnings import check_cities, office_of
from bosai.feeds.jma.weather_xml import Problems, body_text, cancellation, check_type, m, split_words, text
from bosai.feeds.readings import Area, Danger, Grade, Kind, Reading, System

WARNINGS = frozenset({"VPWW53", "VPWW54"})
LANDSLIDE_ALERT, RECORD_RAIN = "VXWW50", "VPOA50"
LEGACY = WARNINGS | {LANDSLIDE_ALERT, RECORD_RAIN}

REFORM_AT = datetime(2026, 5, 28, 13, 0, tzinfo=timezone(timedelta(hours=9)))
"""From here on the new telegrams are the source, and the old ones are made from them (domain §2)."""

_RAIN = frozenset({"10", "03", "33"})
_FLOOD: dict[str, tuple[Grade, str]] = {
    "18": (Grade.ADVISORY, "洪水注意報"),
    "04": (Grade.WARNING, "洪水警報"),
}
_SURGE_AS_IT_WAS = frozenset({"08", "38"})
_ABOUT_LANDSLIDE, _ABOUT_INUNDATION = "土砂災害", "浸水"
_NEVER_HERE = "危険警報"
_ALERT_NAMES = ("レベル４土砂災害危険警報", "土砂災害警戒情報")


def read_legacy(telegram: Telegram) -> tuple[Reading, ...]:
    """One Reading of any of the old telegrams, marked `is_legacy`. Raises TelegramRefused."""
    check_type(telegram, LEGACY)
    recalled = cancellation(telegram, is_legacy=True)
    if recalled is not None:
        return (recalled,)
    if telegram.type_code == RECORD_RAIN:
        return (happenings_by_code(telegram, Danger.RECORD_RAIN, is_legacy=True),)
    if telegram.type_code == LANDSLIDE_ALERT:
        return (_landslide_alert(telegram),)
    problems = Problems()
    reader = partial(_kinds, was=telegram.report_at < REFORM_AT)
    areas = areas_of(items_of(telegram.body), reader, problems)
    check_cities(areas, problems)
    said = body_text(telegram.body)
    if _NEVER_HERE in said:
        problems.add("本文の注記に危険警報とあります。この電文では警報と書かれます。注記を読んでください")
    return (
        Reading(
            source=telegram.source,
            scope=f"{telegram.type_code}/{office_of(areas, problems)}",
            areas=areas,
            text=said,
            is_legacy=True,
            problems=problems.all(),
        ),
    )


def _kinds(element: etree._Element, where: str, problems: Problems, *, was: bool) -> tuple[Kind, ...]:
    """`was`: the telegram is from before the reform."""
    code, name = text(element, m("Code")), text(element, m("Name"))
    if text(element, m("Status")) in NOTHING:
        return ()
    if code in _FLOOD:
        grade, usual = _FLOOD[code]
        kind = partial(kind_of, element, where, problems, code=code, name=name or usual)
        return (_as_meant(kind(danger=Danger.RIVER_FLOOD, grade=grade), was=was),)
    read = tuple(_as_meant(kind, was=was) for kind in read_kind(element, where, problems))
    if code in _RAIN and read:
        last = split_words(text(element, m("LastKind", "Condition")))
        return tuple(_about(read[0], danger, last) for danger in _rain_dangers(read[0].conditions))
    return read


def _as_meant(kind: Kind, *, was: bool) -> Kind:
    """The grades that codes had in these telegrams: the flood codes, and surges as they were before the reform."""
    grade, last_grade = kind.grade, kind.last_grade
    if kind.last_code in _FLOOD:
        last_grade = _FLOOD[kind.last_code][0]
    if was and kind.last_code in _SURGE_AS_IT_WAS:
        last_grade = Grade.URGENT
    if was and kind.code in _SURGE_AS_IT_WAS:
        grade = kind.grade if kind.lifted else Grade.URGENT
        last_grade = last_grade if kind.last_code or not kind.lifted else Grade.URGENT
    return msgspec.structs.replace(kind, grade=grade, last_grade=last_grade)


def _about(kind: Kind, danger: Danger, last_conditions: tuple[str, ...]) -> Kind:
    """The 大雨 as it concerns one danger. LastKind is dropped where its Condition says it was about the other."""
    kind = msgspec.structs.replace(kind, danger=danger)
    if not last_conditions or danger in _rain_dangers(last_conditions):
        return kind
    return msgspec.structs.replace(kind, last_code=None, last_name=None, last_grade=None)


def _rain_dangers(conditions: tuple[str, ...]) -> tuple[Danger, ...]:
    """What a 大雨 of the old kind is about. 土砂災害 and 浸水害 (Condition) say what the warning itself is for and
    go before the notes, which add what is only to be minded (浸水注意 beside a warning for landslides)."""
    stated = [word for word in conditions if word in {"土砂災害", "浸水害"}] or list(conditions)
    dangers = []
    if any(_ABOUT_INUNDATION in word for word in stated):
        dangers.append(Danger.HEAVY_RAIN)
    if any(_ABOUT_LANDSLIDE in word for word in stated):
        dangers.append(Danger.LANDSLIDE)
    return tuple(dangers) or (Danger.HEAVY_RAIN, Danger.LANDSLIDE)


def _landslide_alert(telegram: Telegram) -> Reading:
    """土砂災害警戒情報: 警戒 (3) or 解除 (1) for each area; なし (0) leaves it without a kind."""
    problems = Problems()
    areas: dict[str, Area] = {}
    new_name, old_name = _ALERT_NAMES
    # Its title has the new name since the reform; the kinds say only 警戒.
    name = new_name if new_name in telegram.head_title else old_name
    for given in areas_of(items_of(telegram.body), partial(_landslide_kinds, name=name), problems):
        areas[given.code] = msgspec.structs.replace(given, system=System.WEATHER, layer=CITY_LAYER)
    if not areas:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, "Body/Warning/Item", "・".join(problems.all())[:200]
        )
    office = text(telegram.body, m("TargetArea", "Code"))
    if not office:
        problems.add("対象の府県予報区（TargetArea）がありません。市町村等のコードから府県を求めました")
        office = f"{min(areas)[:2]}0000"
    return Reading(
        source=telegram.source,
        scope=f"{LANDSLIDE_ALERT}/{office}",
        areas=tuple(areas.values()),
        text=body_text(telegram.body),
        is_legacy=True,
        problems=problems.all(),
    )


def _landslide_kinds(
    element: etree._Element, where: str, problems: Problems, *, name: str
) -> tuple[Kind, ...]:
    code = text(element, m("Code"))
    status = text(element, m("Status"))
    if code == "0" or status in NOTHING:
        return ()
    grade = Grade.URGENT
    if code not in {"1", "3"} and status != LIFTED:
        problems.add(f"{where}：土砂災害警戒情報のコード{code[:10] or '（なし）'}は知らないコードです")
        grade = Grade.UNKNOWN
    kind = kind_of(
        element,
        where,
        problems,
        code=code,
        name=name,
        danger=Danger.LANDSLIDE,
        grade=grade,
    )
    if code == "1" and not kind.lifted:
        kind = msgspec.structs.replace(kind, lifted=True, grade=Grade.NONE, last_grade=Grade.URGENT)
    return (kind,)
