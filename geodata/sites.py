"""What a published list says about one designation of one evacuation site.

    list row ─▶ importers.sites ─▶ SiteRecord (one designation) ─▶ facilities.join ─▶ Facility (1..n designations)
                                   remarks.py reads the free text

The hazards of a record are designations: a flag that is absent means "not designated", never "unknown".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from geodata.hazards import HazardKind


class SiteKind(StrEnum):
    """Which designation a record is. The national lists hold the first two (`LISTED_KINDS`)."""

    EMERGENCY = "emergency"  # 指定緊急避難場所 (災害対策基本法 49条の4)
    SHELTER = "shelter"  # 指定避難所 (49条の7)
    TEMPORARY_STAY = "temporary_stay"  # 一時滞在施設, by agreement, for 帰宅困難者

    @property
    def ja(self) -> str:
        """The legal term."""
        return {
            "emergency": "指定緊急避難場所",
            "shelter": "指定避難所",
            "temporary_stay": "一時滞在施設",
        }[self.value]


LISTED_KINDS = frozenset({SiteKind.EMERGENCY, SiteKind.SHELTER})


class FloorGroup(StrEnum):
    """The hazards a floor limit is written for."""

    HEAVY_RAIN = "heavy_rain"  # 大雨: flood, inland flood, landslide
    STORM_SURGE = "storm_surge"  # 高潮
    TSUNAMI = "tsunami"  # 津波


FLOOR_GROUP_OF: Mapping[HazardKind, FloorGroup] = MappingProxyType(
    {
        HazardKind.FLOOD: FloorGroup.HEAVY_RAIN,
        HazardKind.LANDSLIDE: FloorGroup.HEAVY_RAIN,
        HazardKind.INLAND_FLOOD: FloorGroup.HEAVY_RAIN,
        HazardKind.STORM_SURGE: FloorGroup.STORM_SURGE,
        HazardKind.TSUNAMI: FloorGroup.TSUNAMI,
    }
)

FloorLimit = int | Literal["roof"]
"""The lowest floor that may be used (2 = 2階以上), or the roof only."""


class SiteForm(StrEnum):
    """What stands there; it decides assumed seats and whether a door must be opened first."""

    ELEMENTARY_SCHOOL = "elementary_school"
    JUNIOR_HIGH = "junior_high"
    HIGH_SCHOOL = "high_school"
    CIVIC_CENTRE = "civic_centre"
    TSUNAMI_TOWER = "tsunami_tower"
    TSUNAMI_BUILDING = "tsunami_building"
    EVACUATION_HILL = "evacuation_hill"
    EVACUATION_STAIRS = "evacuation_stairs"
    OPEN_GROUND = "open_ground"
    WELFARE = "welfare"
    OTHER = "other"

    @property
    def always_open(self) -> bool:
        """Towers, hills, stairs and open ground are never locked."""
        return self in _ALWAYS_OPEN


_ALWAYS_OPEN = frozenset(
    {
        SiteForm.TSUNAMI_TOWER,
        SiteForm.EVACUATION_HILL,
        SiteForm.EVACUATION_STAIRS,
        SiteForm.OPEN_GROUND,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRecord:
    """One designation as published; lon, lat in degrees, `site_id` is the opaque 共通ID."""

    site_id: str
    kind: SiteKind
    name: str
    name_as_published: str
    address: str = ""
    ward: str = ""
    lon: float
    lat: float
    hazards: frozenset[HazardKind] = frozenset()
    floor_limits: Mapping[FloorGroup, FloorLimit] = field(default_factory=dict)
    refuge_part: str = ""  # where in the building, as published: 共用廊下等
    not_opened_first_in_rain: bool = False
    restricted_to: str = ""  # 受入対象者
    conditions: str = ""  # その他市町村長が必要と認める事項
    same_address_as_other_kind: bool = False
    site_form: SiteForm = SiteForm.OTHER
    remarks: str = ""  # what of 備考 was not understood, word for word
    capacity_persons: int | None = None  # 想定収容人数 as published; None where the list gives none
    kana: str = ""  # 名称_カナ as published
    name_en: str = ""  # 名称_英字 as published

    def floor_limit(self, hazard: HazardKind) -> FloorLimit | None:
        """The lowest usable floor under a hazard; None where the list names none."""
        group = FLOOR_GROUP_OF.get(hazard)
        return None if group is None else self.floor_limits.get(group)


# First hit decides. A tsunami-only building by agreement has no word of its own: see `site_form_of`.
_FORMS: tuple[tuple[str, SiteForm], ...] = (
    (r"避難階段", SiteForm.EVACUATION_STAIRS),
    (r"避難の丘", SiteForm.EVACUATION_HILL),
    (r"津波避難タワー", SiteForm.TSUNAMI_TOWER),
    (r"津波避難ビル|津波避難施設", SiteForm.TSUNAMI_BUILDING),
    (r"公園|緑地|グラウンド|グランド|運動場|広場|校庭", SiteForm.OPEN_GROUND),
    (r"福祉|特別養護|介護|デイサービス|障害|支援学校|老人|ホスピス", SiteForm.WELFARE),
    (r"市民センター|コミュニティ|公民館|集会所|地区会館", SiteForm.CIVIC_CENTRE),
    (r"小学校|小・中学校|小中学校|義務教育学校", SiteForm.ELEMENTARY_SCHOOL),
    (r"高等学校|高校|中等教育学校", SiteForm.HIGH_SCHOOL),
    (r"中学校", SiteForm.JUNIOR_HIGH),
)


def site_form_of(name: str, hazards: Collection[HazardKind], restricted_to: str = "") -> SiteForm:
    """What stands at a site, from its name; what a building used to be (（旧…）) does not count.

    A building designated for tsunami alone, whatever its business, is a 津波避難ビル by agreement.
    """
    plain = unicodedata.normalize("NFKC", re.sub(r"[（(]旧[^）)]*[）)]", "", name))
    only_tsunami = set(hazards) == {HazardKind.TSUNAMI}
    for pattern, form in _FORMS:
        if re.search(pattern, plain):
            return SiteForm.TSUNAMI_BUILDING if only_tsunami and form is SiteForm.WELFARE else form
    if only_tsunami:
        return SiteForm.TSUNAMI_BUILDING
    return SiteForm.WELFARE if restricted_to else SiteForm.OTHER
