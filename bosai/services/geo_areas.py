"""JMA's areas of one city: which of a file concern it, and what taking them in changes. Pure.

JMA publishes the areas of weather warnings (仙台市東部・西部) and of earthquakes (the wards) in files of one layout.
A file takes the place of the stored areas of its kind; those of the other kind stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from geodata.areas import Bbox
from geodata.errors import BrokenJson, GeodataError
from geodata.importers.areas import JMA_AREAS, NamedArea, parse_named_areas
from geodata.importers.tables import Rejected
from geodata.repair import Repair

OF_A_PART = "のうち"
"""In a name of JMA's: 宮城県仙台市のうち若林区."""


@dataclass(eq=False)
class NoAreaOfTheCity(GeodataError):
    """A file of areas, none of which is the city's."""

    city: str
    found: str
    en_template: ClassVar[str] = (
        "file: no area of {city} in it (found {found}); expected JMA's 市町村等 areas for warnings or earthquakes."
    )
    ja_template: ClassVar[str] = (
        "ファイル：{city}の区域がありません（入っているもの：{found}）。気象庁の「市町村等（気象警報等）」か"
        "「市町村等（地震津波関係）」の GeoJSON を取り込んでください。"
    )


@dataclass(frozen=True, slots=True)
class CityAreas:
    """The city's areas of a file. passed_over: areas of others."""

    areas: tuple[NamedArea, ...]
    rejected: tuple[Rejected, ...]
    passed_over: int
    repaired: tuple[Repair, ...] = ()


def parse_city_areas(data: bytes, city: str, bbox: Bbox) -> CityAreas:
    """The areas whose name names the city. Raises BrokenJson, NoAreaOfTheCity.

    An outline that crosses itself after thinning is mended; one outside the bbox is refused.
    """
    named = _names(data)
    own = {code for code, short, long in named if _is_of(city, short, long)}
    if not own:
        found = "、".join(short for _, short, _ in named[:3]) or "区域なし"
        raise NoAreaOfTheCity(city=city, found=found)
    parsed = parse_named_areas(data, JMA_AREAS, bbox=bbox, codes=own, repair=True)
    return CityAreas(parsed.records, parsed.rejected, parsed.passed_over, parsed.repaired)


def with_file(
    stored: Iterable[NamedArea], new: Iterable[NamedArea], *, complete: bool = True
) -> list[NamedArea]:
    """The stored areas after a file came: it takes the place of its kind, warnings or earthquakes.

    complete: False where areas of the file were refused; then none is taken for gone.
    """
    coming = {one.code: one for one in new}
    kinds = {is_ward(one) for one in coming.values()}
    stay = {one.code: one for one in stored if is_ward(one) not in kinds or not complete}
    return sorted((stay | coming).values(), key=lambda one: one.code)


def is_ward(area: NamedArea) -> bool:
    """Whether it is an area of earthquakes: a part of a city (のうち)."""
    return OF_A_PART in _full_name(area)


def ward_of(area: NamedArea) -> str:
    """The ward that JMA's area is (宮城県仙台市のうち若林区 → 若林区), else ""."""
    return _full_name(area).partition(OF_A_PART)[2]


def _full_name(area: NamedArea) -> str:
    return str(area.properties.get("regionname") or area.name)


def _is_of(city: str, short: str, long: str) -> bool:
    """Whether a name is of the city: 仙台市東部, 宮城県仙台市のうち若林区, 「仙台市東部」の区域; 和泉市 is not 泉市."""
    at = long.find(city)
    whole = at == 0 or (at > 0 and long[at - 1] in "都道府県「")
    return whole or short.startswith(city)


def _names(data: bytes) -> list[tuple[str, str, str]]:
    """(code, name, long name) of every feature that has a code. Raises BrokenJson."""
    try:
        features = json.loads(data)["features"]
        rows = [one["properties"] for one in features]
        return [
            (str(code), str(row.get("name") or ""), str(row.get("regionname") or ""))
            for row in rows
            if (code := row.get("regioncode") or row.get("code"))
        ]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise BrokenJson(detail=f"{type(error).__name__}: {error}"[:200]) from None
