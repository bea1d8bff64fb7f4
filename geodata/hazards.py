"""The eight kinds of phenomena of 災害対策基本法施行令 20条の3, in the fixed order of the national data."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class HazardKind(StrEnum):
    """A kind of danger, as the eight flags of 指定緊急避難場所 name it. Order = column order = bit order."""

    FLOOD = "flood"  # 洪水
    LANDSLIDE = "landslide"  # 崖崩れ、土石流及び地滑り
    STORM_SURGE = "storm_surge"  # 高潮
    EARTHQUAKE = "earthquake"  # 地震
    TSUNAMI = "tsunami"  # 津波
    LARGE_FIRE = "large_fire"  # 大規模な火事
    INLAND_FLOOD = "inland_flood"  # 内水氾濫
    VOLCANO = "volcano"  # 火山現象

    @property
    def ja(self) -> str:
        """The heading of the national list."""
        return HAZARD_HEADINGS[self]


HAZARD_ORDER: tuple[HazardKind, ...] = tuple(HazardKind)

HAZARD_HEADINGS: Mapping[HazardKind, str] = MappingProxyType(
    dict(
        zip(
            HAZARD_ORDER,
            [
                "洪水",
                "崖崩れ、土石流及び地滑り",
                "高潮",
                "地震",
                "津波",
                "大規模な火事",
                "内水氾濫",
                "火山現象",
            ],
            strict=True,
        )
    )
)
