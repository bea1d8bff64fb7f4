"""Which danger and grade a kind code of a weather warning stands for, as one table (domain §2.4).

Codes decide, never names. The table is that of the telegrams in force since 2026-05-28; what the same codes meant
before stands in weather_legacy.
"""

from __future__ import annotations

import msgspec

from bosai.feeds.readings import Danger, Grade


class KindRow(msgspec.Struct, frozen=True):
    """One code: what it warns of, how gravely, and the name it has where a telegram leaves the name out."""

    code: str
    danger: Danger
    grade: Grade
    name: str


_A, _W, _U, _E = Grade.ADVISORY, Grade.WARNING, Grade.URGENT, Grade.EMERGENCY

KINDS: dict[str, KindRow] = {
    row.code: row
    for row in (
        KindRow("10", Danger.HEAVY_RAIN, _A, "レベル２大雨注意報"),
        KindRow("03", Danger.HEAVY_RAIN, _W, "レベル３大雨警報"),
        KindRow("43", Danger.HEAVY_RAIN, _U, "レベル４大雨危険警報"),
        KindRow("33", Danger.HEAVY_RAIN, _E, "レベル５大雨特別警報"),
        KindRow("29", Danger.LANDSLIDE, _A, "レベル２土砂災害注意報"),
        KindRow("09", Danger.LANDSLIDE, _W, "レベル３土砂災害警報"),
        KindRow("49", Danger.LANDSLIDE, _U, "レベル４土砂災害危険警報"),
        KindRow("39", Danger.LANDSLIDE, _E, "レベル５土砂災害特別警報"),
        KindRow("19", Danger.STORM_SURGE, _A, "レベル２高潮注意報"),
        KindRow("08", Danger.STORM_SURGE, _W, "レベル３高潮警報"),
        KindRow("48", Danger.STORM_SURGE, _U, "レベル４高潮危険警報"),
        KindRow("38", Danger.STORM_SURGE, _E, "レベル５高潮特別警報"),
        KindRow("15", Danger.WIND, _A, "強風注意報"),
        KindRow("05", Danger.WIND, _W, "暴風警報"),
        KindRow("35", Danger.WIND, _E, "暴風特別警報"),
        KindRow("13", Danger.SNOWSTORM, _A, "風雪注意報"),
        KindRow("02", Danger.SNOWSTORM, _W, "暴風雪警報"),
        KindRow("32", Danger.SNOWSTORM, _E, "暴風雪特別警報"),
        KindRow("16", Danger.WAVES, _A, "波浪注意報"),
        KindRow("07", Danger.WAVES, _W, "波浪警報"),
        KindRow("37", Danger.WAVES, _E, "波浪特別警報"),
        KindRow("12", Danger.SNOW, _A, "大雪注意報"),
        KindRow("06", Danger.SNOW, _W, "大雪警報"),
        KindRow("36", Danger.SNOW, _E, "大雪特別警報"),
        KindRow("14", Danger.THUNDER, _A, "雷注意報"),
        KindRow("17", Danger.SNOWMELT, _A, "融雪注意報"),
        KindRow("20", Danger.FOG, _A, "濃霧注意報"),
        KindRow("21", Danger.DRY_AIR, _A, "乾燥注意報"),
        KindRow("22", Danger.AVALANCHE, _A, "なだれ注意報"),
        KindRow("23", Danger.COLD, _A, "低温注意報"),
        KindRow("24", Danger.FROST, _A, "霜注意報"),
        KindRow("25", Danger.ICING, _A, "着氷注意報"),
        KindRow("26", Danger.WET_SNOW, _A, "着雪注意報"),
        KindRow("27", Danger.OTHER, _A, "その他の注意報"),
    )
}

RESERVED: dict[str, Danger] = {
    "42": Danger.SNOWSTORM,
    "45": Danger.WIND,
    "46": Danger.SNOW,
    "47": Danger.WAVES,
}
"""Codes kept free for 危険警報 that do not exist: the danger would be clear, the grade is not."""

LIFTED_IN_HEAD = "00"
"""解除 as the headline writes it; in a body a lifted kind keeps its own code."""

_FAMILY: dict[str, tuple[Danger, ...]] = {
    "VPWW55": (Danger.HEAVY_RAIN,),
    "VPWW56": (Danger.LANDSLIDE,),
    "VPWW57": (Danger.STORM_SURGE,),
    "VPWW58": (Danger.WIND, Danger.SNOWSTORM),
    "VPWW59": (Danger.WAVES,),
    "VPWW60": (Danger.SNOW,),
    "VPWW61": (
        Danger.OTHER,
        Danger.THUNDER,
        Danger.SNOWMELT,
        Danger.FOG,
        Danger.DRY_AIR,
        Danger.AVALANCHE,
        Danger.COLD,
        Danger.FROST,
        Danger.ICING,
        Danger.WET_SNOW,
    ),
}
FAMILIES: tuple[str, ...] = tuple(_FAMILY)
"""The telegrams of the warnings, one type for each group of dangers."""

MAIN_DANGER: dict[str, Danger] = {family: dangers[0] for family, dangers in _FAMILY.items()}
"""What an unknown code in a telegram of this type is about: its grade is unknown, its subject is not."""

FAMILY_OF: dict[Danger, str] = {danger: family for family, dangers in _FAMILY.items() for danger in dangers}
"""The telegram type that carries a danger: how VPWS50, which mixes them, is taken apart again."""


class Significance(msgspec.Struct, frozen=True):
    """What a 危険度 code (SignificancyPart, CriteriaClass) stands for. `level` None: the danger has none."""

    grade: Grade
    level: int | None


SIGNIFICANCE: dict[str, Significance] = {
    "51": Significance(Grade.EMERGENCY, 5),
    "41": Significance(Grade.URGENT, 4),
    "31": Significance(Grade.WARNING, 3),
    "22": Significance(Grade.ADVISORY, 2),
    "21": Significance(Grade.ADVISORY, 2),
    "11": Significance(Grade.BELOW, None),
    "50": Significance(Grade.EMERGENCY, None),
    "30": Significance(Grade.WARNING, None),
    "20": Significance(Grade.ADVISORY, None),
    "01": Significance(Grade.BELOW, None),
}
NO_VALUE = "00"
"""値なし: nothing is said, which is not the same as no danger."""

DANGER_OF_SIGNIFICANCE: dict[str, Danger] = {
    "大雨浸水危険度": Danger.HEAVY_RAIN,
    "土砂災害危険度": Danger.LANDSLIDE,
    "高潮危険度": Danger.STORM_SURGE,
    "風危険度": Danger.WIND,
    "雪危険度": Danger.SNOW,
    "波危険度": Danger.WAVES,
    "雷危険度": Danger.THUNDER,
    "融雪危険度": Danger.SNOWMELT,
    "濃霧危険度": Danger.FOG,
    "乾燥危険度": Danger.DRY_AIR,
    "なだれ危険度": Danger.AVALANCHE,
    "低温危険度": Danger.COLD,
    "霜危険度": Danger.FROST,
    "着氷危険度": Danger.ICING,
    "着雪危険度": Danger.WET_SNOW,
}
"""Significancy/@type: these have no code of their own in the format."""
