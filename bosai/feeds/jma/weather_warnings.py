"""VPWW55–61 気象警報・注意報（Ｒ０６）: what is in force in one 府県予報区, one group of dangers a telegram.

Each telegram replaces the whole state of its type for its 府県予報区: an area it does not name has nothing in force.
EventID and Serial are empty (domain §2.3).
"""

from __future__ import annotations

from functools import partial
from itertools import takewhile

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram
from bosai.feeds.jma.weather_collection import COLLECTION, read_collection
from bosai.feeds.jma.weather_items import CITY_LAYER, PREFECTURE_LAYER, areas_of, items_of, read_kind
from bosai.feeds.jma.weather_kinds import FAMILIES, MAIN_DANGER
from bosai.feeds.jma.weather_xml import Problems, body_text, cancellation, check_type
from bosai.feeds.readings import Area, Reading, System

_TYPES = frozenset(FAMILIES)


def read_warnings(telegram: Telegram) -> tuple[Reading, ...]:
    """One Reading of a VPWW55–61; for VPWS50 see `read_collection`. Raises TelegramRefused.

    Refused is what cannot replace the state: another type, or no readable area among the 市町村等, which would
    otherwise pass for a lifting everywhere.
    """
    if telegram.type_code == COLLECTION:
        return read_collection(telegram)
    check_type(telegram, _TYPES)
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    type_code = telegram.type_code or ""
    problems = Problems()
    areas = areas_of(items_of(telegram.body), partial(read_kind, unknown=MAIN_DANGER[type_code]), problems)
    check_cities(areas, problems)
    return (
        Reading(
            source=telegram.source,
            scope=f"{type_code}/{office_of(areas, problems)}",
            areas=areas,
            text=body_text(telegram.body),
            problems=problems.all(),
        ),
    )


def check_cities(areas: tuple[Area, ...], problems: Problems) -> None:
    """Raise TelegramRefused when no area of the layer 市町村等 could be read."""
    if not any(area.layer == CITY_LAYER for area in areas):
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, f"Body/Warning（{CITY_LAYER}）/Item", "・".join(problems.all())[:200]
        )


def office_of(areas: tuple[Area, ...], problems: Problems) -> str:
    """The 府県予報区 that a telegram is for, six digits.

    Where the layer 府県予報区等 has several areas (札幌: 016010, 016020, 016030) it is what their codes begin with.
    Without that layer it is what the codes of the other areas share: their prefecture.
    """
    named = [area.code for area in areas if area.layer == PREFECTURE_LAYER]
    if not named:
        problems.add(f"{PREFECTURE_LAYER}の欄がありません。ほかの区域のコードから府県を求めました")
        named = [area.code[:2] for area in areas if area.system is System.WEATHER]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(min(named), max(named), strict=False))
    return "".join(digit for digit, _ in same).ljust(6, "0")
