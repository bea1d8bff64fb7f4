"""VPWP50 気象警報・注意報時系列情報（Ｒ０６）: when 気象庁 expects which danger, in steps of three hours. Not issuance.

What is kept are the spells of level 3 (警報級) and above, for "leave by". They are joined from the steps as given and
nothing is extrapolated: 値なし is no value, and a spell that lasts to the last value of its series has no end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram
from bosai.feeds.jma.weather_items import SURGE_LAYER, significance_of
from bosai.feeds.jma.weather_kinds import DANGER_OF_SIGNIFICANCE, Significance
from bosai.feeds.jma.weather_xml import (
    Problems,
    cancellation,
    check_type,
    layer_of,
    m,
    read_duration,
    read_time,
    text,
)
from bosai.feeds.readings import Danger, Expected, Forecast, Grade, Reading, System

SERIES = "VPWP50"
MANY_OFFICES = frozenset({"01", "46", "47"})
"""北海道, 鹿児島県 and 沖縄県 have several 府県予報区; the codes of their 市町村等 do not tell which."""

_LEAST = Grade.WARNING


class Step(msgspec.Struct, frozen=True):
    """One TimeDefine."""

    starts_at: datetime
    lasts: timedelta | None
    name: str

    def meets(self, later: Step) -> bool:
        """True when the other begins as this one ends."""
        return self.lasts is not None and self.starts_at + self.lasts == later.starts_at


class Value(msgspec.Struct, frozen=True):
    """One Significancy at its step; `meaning` None is 値なし."""

    step: Step
    code: str
    name: str
    meaning: Significance | None


def read_series(telegram: Telegram) -> tuple[Reading, ...]:
    """One Reading with a Forecast for each area and danger that has a spell of level 3 or more.

    An area without one has no Forecast. Raises TelegramRefused when no area can be read at all.
    """
    check_type(telegram, {SERIES})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    problems = Problems()
    names: dict[tuple[System, str, Danger], str] = {}
    spells: dict[tuple[System, str, Danger], set[Expected]] = defaultdict(set)
    codes: list[str] = []
    for infos in telegram.body.iterfind(m("MeteorologicalInfos")):
        is_surge = layer_of(infos.get("type") or "") == SURGE_LAYER
        system = System.SURGE if is_surge else System.WEATHER
        for series in infos.iterfind(m("TimeSeriesInfo")):
            steps = _steps(series, problems)
            for item in series.iterfind(m("Item")):
                code, name = text(item, m("Area", "Code")), text(item, m("Area", "Name"))
                if not code:
                    problems.add(f"{name or '名称もない区域'}に区域のコードがありません")
                    continue
                codes.append(code)
                for danger, expected in _of_item(item, f"{name}（{code[:12]}）", steps, problems).items():
                    key = (system, code, danger)
                    names.setdefault(key, name)
                    spells[key].update(expected)
    if not codes:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING,
            "Body/MeteorologicalInfos/TimeSeriesInfo/Item",
            "・".join(problems.all())[:200],
        )
    return (
        Reading(
            source=telegram.source,
            scope=f"{SERIES}/{_office(codes, telegram)}",
            forecasts=tuple(
                Forecast(system=system, code=code, name=name, danger=danger, expected=_in_order(spells[key]))
                for key, name in names.items()
                for system, code, danger in [key]
            ),
            problems=problems.all(),
        ),
    )


def _office(codes: list[str], telegram: Telegram) -> str:
    prefecture = min(codes)[:2]
    office = f"{prefecture}0000"
    return f"{office}/{telegram.editorial_office}" if prefecture in MANY_OFFICES else office


def _steps(series: etree._Element, problems: Problems) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    for define in series.iterfind(m("TimeDefines", "TimeDefine")):
        name = text(define, m("Name"))
        what = f"時系列の{name or '時間帯'}"
        starts_at = read_time(text(define, m("DateTime")), what, problems)
        if starts_at is None:
            problems.add(f"{what}に時刻がありません")
            continue
        lasts = read_duration(text(define, m("Duration")), what, problems)
        steps[(define.get("timeId") or "").strip()] = Step(starts_at, lasts, name)
    return steps


def _of_item(
    item: etree._Element, where: str, steps: dict[str, Step], problems: Problems
) -> dict[Danger, list[Expected]]:
    """The spells of one area by danger."""
    found: dict[Danger, list[Expected]] = defaultdict(list)
    for base in item.iterfind(m("Kind", "Property", "SignificancyPart", "Base")):
        for place, holder in _places(base):
            elements = holder.findall(m("Significancy"))
            if not elements:
                continue
            kind = (elements[0].get("type") or "").strip()
            values = [one for element in elements if (one := _value(element, where, steps, problems))]
            spells = list(_spells(values, place))
            if not spells:
                continue
            if kind not in DANGER_OF_SIGNIFICANCE:
                problems.add(f"{where}：{kind or '種類の書かれていない危険度'}は知らない種類です")
            found[DANGER_OF_SIGNIFICANCE.get(kind, Danger.OTHER)].extend(spells)
    return found


def _places(base: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """(place, what holds its values): the whole area and each Local of it."""
    yield "", base
    for local in base.iterfind(m("Local")):
        yield text(local, m("AreaName")), local


def _value(element: etree._Element, where: str, steps: dict[str, Step], problems: Problems) -> Value | None:
    step = steps.get((element.get("refID") or "").strip())
    if step is None:
        problems.add(f"{where}：危険度の時間帯（refID）が決まりません")
        return None
    code = text(element, m("Code"))
    return Value(step, code, text(element, m("Name")), significance_of(code, where, problems))


def _spells(values: list[Value], place: str) -> Iterator[Expected]:
    """Runs of one code over steps that meet. The end is given only where the next step has another value."""
    ordered = sorted(values, key=lambda one: one.step.starts_at)
    start = 0
    for index in range(1, len(ordered) + 1):
        following = ordered[index] if index < len(ordered) else None
        last = ordered[index - 1]
        meets = following is not None and last.step.meets(following.step)
        if following is not None and meets and following.code == last.code:
            continue
        run = ordered[start:index]
        start = index
        meaning = run[0].meaning
        if meaning is None or meaning.grade < _LEAST:
            continue
        ends = meets and following is not None and following.meaning is not None
        yield Expected(
            grade=meaning.grade,
            level=meaning.level,
            starts_at=run[0].step.starts_at,
            lasts=_end(last.step) - run[0].step.starts_at if ends else None,
            place=place,
            as_given=_as_given(run),
        )


def _end(step: Step) -> datetime:
    return step.starts_at + (step.lasts or timedelta())


def _as_given(run: list[Value]) -> str:
    first, last = run[0].step.name, run[-1].step.name
    when = first if first == last else f"{first}から{last}まで"
    return f"{when}、{run[0].name}" if when else run[0].name


def _in_order(spells: set[Expected]) -> tuple[Expected, ...]:
    return tuple(sorted(spells, key=lambda one: (one.starts_at, -one.grade, one.place)))
