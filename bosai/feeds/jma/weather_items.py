"""Body/Warning/Item of a weather telegram: areas with their kinds, read the same way for every family.

Status comes before Code: a lifted kind keeps its own code there, and 発表警報・注意報はなし has no code at all.
Every layer is given: 府県予報区等, 一次細分区域等, 市町村等をまとめた地域等, 市町村等, 高潮予報区間. One code may stand
in two layers of a telegram, with the same kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from lxml import etree

from bosai.feeds.jma.weather_kinds import (
    KINDS,
    LIFTED_IN_HEAD,
    NO_VALUE,
    RESERVED,
    SIGNIFICANCE,
    Significance,
)
from bosai.feeds.jma.weather_xml import (
    Problems,
    layer_of,
    m,
    read_duration,
    read_time,
    split_words,
    text,
)
from bosai.feeds.readings import Area, Danger, Expected, Grade, Kind, System

PREFECTURE_LAYER = "府県予報区等"
CITY_LAYER = "市町村等"
SURGE_LAYER = "高潮予報区間"

LIFTED = "解除"
NOTHING = frozenset({"発表警報・注意報はなし", "なし"})

KindReader = Callable[[etree._Element, str, Problems], tuple[Kind, ...]]
"""(Kind element, "市町村等 仙台市東部（0410001）", problems) → the kinds it states; () where nothing is in force."""

_NAME, _CODE, _STATUS, _CONDITION = m("Name"), m("Code"), m("Status"), m("Condition")
_ITEM, _KIND, _AREA, _WARNING = m("Item"), m("Kind"), m("Area"), m("Warning")
_LAST_NAME, _LAST_CODE = m("LastKind", "Name"), m("LastKind", "Code")
_NOTES = (m("Attention", "Note"), m("Addition", "Note"))
_PERIOD, _CLASS = m("Property", "CriteriaPeriod"), m("CriteriaClass")
_SENTENCE, _TIME, _DURATION, _PLACE = m("Sentence"), m("Time"), m("Duration"), m("AreaName")


LayerItem = tuple[str, etree._Element]
"""An Item with the layer it stands in."""


def areas_of(items: Iterable[LayerItem], read_kind: KindReader, problems: Problems) -> tuple[Area, ...]:
    """Every area of these items, in order. One that stands twice in a layer becomes one with the kinds of both.

    An item whose area cannot be told is left out, and is a problem.
    """
    named: dict[tuple[str, System, str], Area] = {}
    kinds: dict[tuple[str, System, str], dict[Kind, None]] = {}
    for layer, item in items:
        area = _area(layer, item, read_kind, problems)
        if area is None:
            continue
        key = (area.layer, area.system, area.code)
        named.setdefault(key, area)
        kinds.setdefault(key, {}).update(dict.fromkeys(area.kinds))
    return tuple(msgspec.structs.replace(area, kinds=tuple(kinds[key])) for key, area in named.items())


def items_of(body: etree._Element) -> Iterator[LayerItem]:
    """(layer, Item) of each Warning, in document order, one pass."""
    for warning in body.iterchildren(_WARNING):
        layer = layer_of(warning.get("type") or "")
        for item in warning.iterchildren(_ITEM):
            yield layer, item


def read_kind(
    element: etree._Element, where: str, problems: Problems, *, unknown: Danger = Danger.OTHER
) -> tuple[Kind, ...]:
    """The kind of the telegrams in force since 2026-05-28: one, or () where nothing is in force.

    `unknown` is the danger of a code that nobody knows.
    """
    status = text(element, _STATUS)
    if status in NOTHING:
        return ()
    code, name = text(element, _CODE), text(element, _NAME)
    if code == LIFTED_IN_HEAD:
        problems.add(f"{where}：解除される種別のコードがありません（{name or LIFTED}）")
        return ()
    danger, grade, name = _meaning(code, name, where, problems, unknown)
    if not status:
        problems.add(f"{where}：{name}の状態（Status）がありません。発表中とみなします")
    return (kind_of(element, where, problems, code=code, name=name, danger=danger, grade=grade),)


def kind_of(
    element: etree._Element,
    where: str,
    problems: Problems,
    *,
    code: str,
    name: str,
    danger: Danger,
    grade: Grade,
) -> Kind:
    """The Kind with everything beside its meaning read from the element; `grade` is that of the code.

    A lifted kind says in `last_grade` what it lifts, also where the telegram has no LastKind.
    """
    status = text(element, _STATUS)
    lifted = status == LIFTED
    last_code = text(element, _LAST_CODE) or None
    last_grade = grade if lifted else None
    if last_code is not None:
        last_grade = _last_grade(last_code)
    notes = (note.text or "" for path in _NOTES for note in element.iterfind(path))
    conditions = (*split_words(text(element, _CONDITION)), *(word.strip() for word in notes))
    return Kind(
        code=code,
        name=name,
        danger=danger,
        grade=Grade.NONE if lifted else grade,
        status=status,
        lifted=lifted,
        last_code=last_code,
        last_name=text(element, _LAST_NAME) or None,
        last_grade=last_grade,
        conditions=tuple(dict.fromkeys(word for word in conditions if word)),
        expected=expected_of(element, where, problems),
    )


def expected_of(kind: etree._Element, where: str, problems: Problems) -> tuple[Expected, ...]:
    """What CriteriaPeriod says: from when, and for how long, a level is expected. 値なし (00) says nothing."""
    found: dict[Expected, None] = {}
    said: dict[etree._Element, _When] = {}  # read once for each holder: it may have many classes
    for period in kind.iterfind(_PERIOD):
        for criteria in period.iter(_CLASS):
            holder = criteria.getparent()
            if holder is None:
                continue
            if holder not in said:
                said[holder] = _when(holder, where, problems)
            one = _expected(criteria, said[holder], where, problems)
            if one is not None:
                found[one] = None
    return tuple(sorted(found, key=lambda one: (one.starts_at, -one.grade, one.place)))


def significance_of(code: str, where: str, problems: Problems) -> Significance | None:
    """What a 危険度 code stands for; None for 値なし. An unknown one is a problem and never a calming."""
    if code in {NO_VALUE, ""}:
        return None
    known = SIGNIFICANCE.get(code)
    if known is None:
        problems.add(f"{where}：危険度のコード{code[:10]}は知らないコードです")
        return Significance(Grade.UNKNOWN, None)
    return known


def area_code(item: etree._Element) -> str:
    """The code of an item's area, "" where there is none."""
    return text(item, m("Area", "Code"))


def _area(layer: str, item: etree._Element, read: KindReader, problems: Problems) -> Area | None:
    element = item.find(_AREA)
    code = "" if element is None else text(element, _CODE)
    name = "" if element is None else text(element, _NAME)
    if element is None or not code:
        problems.add(f"{layer}の{name or '名称もない区域'}に区域のコードがありません")
        return None
    is_surge = SURGE_LAYER in {layer, (element.get("codeType") or "").strip()}
    where = f"{layer} {name}（{code[:12]}）"
    kinds = tuple(kind for one in item.iterchildren(_KIND) for kind in read(one, where, problems))
    return Area(
        system=System.SURGE if is_surge else System.WEATHER, code=code, name=name, layer=layer, kinds=kinds
    )


def _meaning(
    code: str, name: str, where: str, problems: Problems, unknown: Danger
) -> tuple[Danger, Grade, str]:
    row = KINDS.get(code)
    if row is not None:
        return row.danger, row.grade, name or row.name
    if not code:
        problems.add(f"{where}：種別のコードがありません（{name or '名称もなし'}）")
    elif code in RESERVED:
        problems.add(f"{where}：種別のコード{code}は予約されたもので、重さが決まっていません（{name}）")
        return RESERVED[code], Grade.UNKNOWN, name or f"種別{code}"
    else:
        problems.add(f"{where}：種別のコード{code[:10]}は知らないコードです（{name}）")
    return unknown, Grade.UNKNOWN, name or f"種別{code}"


def _last_grade(code: str) -> Grade:
    if code == LIFTED_IN_HEAD:
        return Grade.NONE
    row = KINDS.get(code)
    return Grade.UNKNOWN if row is None else row.grade


class _When(msgspec.Struct, frozen=True):
    """What stands beside a CriteriaClass."""

    starts_at: datetime | None
    lasts: timedelta | None
    place: str
    sentence: str


def _when(holder: etree._Element, where: str, problems: Problems) -> _When:
    what = f"{where}の予想"
    return _When(
        read_time(text(holder, _TIME), what, problems),
        read_duration(text(holder, _DURATION), what, problems),
        text(holder, _PLACE),
        text(holder, _SENTENCE),
    )


def _expected(criteria: etree._Element, when: _When, where: str, problems: Problems) -> Expected | None:
    meaning = significance_of(text(criteria, _CODE), where, problems)
    if meaning is None:
        return None
    if when.starts_at is None:
        problems.add(f"{where}：{text(criteria, _NAME) or '予想'}の時刻がありません")
        return None
    return Expected(
        grade=meaning.grade,
        level=meaning.level,
        starts_at=when.starts_at,
        lasts=when.lasts,
        place=when.place,
        as_given=when.sentence or text(criteria, _NAME),
    )
