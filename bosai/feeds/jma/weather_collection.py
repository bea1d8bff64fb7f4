"""VPWS50 気象警報・注意報（Ｒ０６）（集約通報）: every warning of the nation, every ten minutes, to set a state right.

One telegram of several MB holds all groups of dangers mixed. It is taken apart into what VPWW55–61 would say for each
府県予報区, so that it can stand in for them. Only areas with something stated are kept, and the 府県予報区 itself: an
area that a Reading does not name has nothing in force.

No sample of it is published; the structure is that of the schema (jmx_mete.xsd), with each Warning one layer of areas.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram
from bosai.feeds.jma.weather_items import (
    CITY_LAYER,
    PREFECTURE_LAYER,
    LayerItem,
    area_code,
    areas_of,
    items_of,
    read_kind,
)
from bosai.feeds.jma.weather_kinds import FAMILIES, FAMILY_OF
from bosai.feeds.jma.weather_xml import Problems, cancellation, check_type
from bosai.feeds.readings import Area, Kind, Reading

COLLECTION = "VPWS50"


def read_collection(telegram: Telegram) -> tuple[Reading, ...]:
    """One Reading for each 府県予報区 and warning type, with the scope that VPWW55–61 have. Raises TelegramRefused.

    What cannot be read is told with its own prefecture only. A prefecture with several 府県予報区 (北海道, 鹿児島県,
    沖縄県) is left out: the code of a 市町村等 does not tell to which of them it belongs. So is one without any
    readable 市町村等. Of these there is a Reading for each 府県予報区 that replaces nothing and says why.
    """
    check_type(telegram, {COLLECTION})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    items: dict[str, list[LayerItem]] = defaultdict(list)
    for layer, item in items_of(telegram.body):
        items[area_code(item)[:2]].append((layer, item))
    readings: list[Reading] = []
    for prefecture, its_items in sorted(items.items()):
        readings += _of_prefecture(telegram, prefecture, its_items)
    if not any(one.areas for one in readings):
        said = dict.fromkeys(problem for one in readings for problem in one.problems)
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, f"Body/Warning（{PREFECTURE_LAYER}）", "・".join(said)[:200]
        )
    return tuple(readings)


def _of_prefecture(telegram: Telegram, prefecture: str, items: list[LayerItem]) -> list[Reading]:
    problems = Problems()
    areas = areas_of(items, read_kind, problems)
    offices = [area for area in areas if area.layer == PREFECTURE_LAYER]
    if len(offices) == 1 and any(area.layer == CITY_LAYER for area in areas):
        return [
            Reading(
                source=telegram.source,
                scope=f"{family}/{offices[0].code}",
                areas=_of_family(areas, family, offices[0]),
                problems=problems.all(),
            )
            for family in FAMILIES
        ]
    names = "・".join(office.name for office in offices) or "なし"
    if len(offices) == 1:
        problems.add(f"{names}に市町村等の欄がないため読みませんでした")
    else:
        problems.add(f"都道府県{prefecture}の府県予報区が一つに決まらないため読みませんでした（{names}）")
    codes = [office.code for office in offices] or [f"{prefecture}0000"]
    return [
        Reading(source=telegram.source, scope=f"{COLLECTION}/{code}", problems=problems.all())
        for code in codes
    ]


def _of_family(areas: tuple[Area, ...], family: str, office: Area) -> tuple[Area, ...]:
    """The areas that have kinds of one warning type, with those kinds; the 府県予報区 in any case."""
    narrowed = ((area, _kinds(area, family)) for area in areas)
    return tuple(
        msgspec.structs.replace(area, kinds=kinds) for area, kinds in narrowed if kinds or area is office
    )


def _kinds(area: Area, family: str) -> tuple[Kind, ...]:
    return tuple(kind for kind in area.kinds if FAMILY_OF[kind.danger] == family)
