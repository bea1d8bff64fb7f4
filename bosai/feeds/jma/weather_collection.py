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
from bosai.feeds.jma.weather_items import CITY_LAYER, PREFECTURE_LAYER, areas_of, read_kind
from bosai.feeds.jma.weather_kinds import FAMILIES, FAMILY_OF
from bosai.feeds.jma.weather_xml import Problems, cancellation, check_type
from bosai.feeds.readings import Area, Kind, Reading

COLLECTION = "VPWS50"


def read_collection(telegram: Telegram) -> tuple[Reading, ...]:
    """One Reading for each 府県予報区 and warning type, with the scope that VPWW55–61 have. Raises TelegramRefused.

    A prefecture with several 府県予報区 (北海道, 鹿児島県, 沖縄県) is left out and named in `problems`: the code of a
    市町村等 does not tell to which of them it belongs. So is one without any readable 市町村等.
    """
    check_type(telegram, {COLLECTION})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    problems = Problems()
    by_prefecture: dict[str, list[Area]] = defaultdict(list)
    for area in areas_of(telegram.body, read_kind, problems):
        by_prefecture[area.code[:2]].append(area)
    offices = {prefecture: _office(areas, problems) for prefecture, areas in sorted(by_prefecture.items())}
    read = [
        (office, by_prefecture[prefecture]) for prefecture, office in offices.items() if office is not None
    ]
    if not read:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING,
            f"Body/Warning（{PREFECTURE_LAYER}）",
            "・".join(problems.all())[:200],
        )
    return tuple(
        Reading(
            source=telegram.source,
            scope=f"{family}/{office.code}",
            areas=_of_family(areas, family, office),
            problems=problems.all(),
        )
        for office, areas in read
        for family in FAMILIES
    )


def _office(areas: list[Area], problems: Problems) -> Area | None:
    """The one 府県予報区 of a prefecture; None, and a problem, where that is not clear."""
    offices = [area for area in areas if area.layer == PREFECTURE_LAYER]
    prefecture = areas[0].code[:2]
    if len(offices) != 1:
        names = "・".join(office.name for office in offices) or "なし"
        problems.add(f"都道府県{prefecture}の府県予報区が一つに決まらないため読みませんでした（{names}）")
        return None
    if not any(area.layer == CITY_LAYER for area in areas):
        problems.add(f"{offices[0].name}に市町村等の欄がないため読みませんでした")
        return None
    return offices[0]


def _of_family(areas: list[Area], family: str, office: Area) -> tuple[Area, ...]:
    """The areas that have kinds of one warning type, with those kinds; the 府県予報区 in any case."""
    narrowed = ((area, _kinds(area, family)) for area in areas)
    return tuple(
        msgspec.structs.replace(area, kinds=kinds) for area, kinds in narrowed if kinds or area is office
    )


def _kinds(area: Area, family: str) -> tuple[Kind, ...]:
    return tuple(kind for kind in area.kinds if FAMILY_OF[kind.danger] == family)
