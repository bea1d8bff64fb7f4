"""What one telegram says, in values that are alike for rain, rivers, quakes and tsunamis.

    Telegram ─ jma.reading ─▶ Reading ┬ areas: what is in force where; a newer Reading of the same scope replaces all
                                      ├ happenings: what was observed once (震度, 線状降水帯, a wave at a gauge)
                                      └ forecasts: what 気象庁 expects when (as given; nothing is extrapolated)

Kinds are told by Code, never by Name (domain §2.4, §3.3). A code we do not know has the grade UNKNOWN, which is never
taken for a calming. A level is 警戒レベル相当: 気象庁 issues no evacuation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

import msgspec

from bosai.feeds.jma.envelope import InfoType, TelegramSource

JST = ZoneInfo("Asia/Tokyo")


class System(StrEnum):
    """The code table an area's code belongs to: 220 is 宮城県 on the coast and 宮城県北部 in quake information."""

    WEATHER = "weather"  # 府県予報区, 細分区域, 市町村等 of weather warnings
    SURGE = "surge"  # 高潮予報区間
    RIVER = "river"  # 指定河川洪水予報 予報区域 (12 digits), 河川 (10), 水位観測所
    SEISMIC = "seismic"  # 細分区域, 都道府県, 市町村等 of quake information
    TSUNAMI = "tsunami"  # 津波予報区, 潮位観測点
    CAP = "cap"  # an area of a CAP message: its code is its geocode, or its name


class Danger(StrEnum):
    """What a kind is about. One area may have several in force, each with a grade of its own."""

    HEAVY_RAIN = "heavy_rain"  # 大雨 (浸水; small and 水位周知 rivers)
    LANDSLIDE = "landslide"
    STORM_SURGE = "storm_surge"
    RIVER_FLOOD = "river_flood"  # 指定河川の氾濫
    TSUNAMI = "tsunami"
    SHAKING = "shaking"
    WIND = "wind"
    SNOWSTORM = "snowstorm"
    SNOW = "snow"
    WAVES = "waves"
    THUNDER = "thunder"
    SNOWMELT = "snowmelt"
    FOG = "fog"
    DRY_AIR = "dry_air"
    AVALANCHE = "avalanche"
    COLD = "cold"
    FROST = "frost"
    ICING = "icing"
    WET_SNOW = "wet_snow"
    OTHER = "other"
    RAINBAND = "rainband"  # 線状降水帯
    RECORD_RAIN = "record_rain"  # 記録的短時間大雨
    SHORT_HEAVY_SNOW = "short_heavy_snow"
    TORNADO = "tornado"
    LATER_QUAKE = "later_quake"  # 北海道・三陸沖後発地震注意情報: a week of readiness, never an evacuation


LEVELLED = frozenset({Danger.HEAVY_RAIN, Danger.LANDSLIDE, Danger.STORM_SURGE, Danger.RIVER_FLOOD})
"""Only these have 警戒レベル相当; 暴風特別警報 is not level 5, a tsunami has no level (domain §1.5, §2.1)."""


class Grade(IntEnum):
    """How grave a kind is; compared only within one danger. UNKNOWN outranks all: it never passes for a calming."""

    NONE = 0  # nothing in force, or lifted
    BELOW = 1  # 津波予報（若干の海面変動）, 早期注意: said, and nobody has to act
    ADVISORY = 2  # 注意報
    WARNING = 3  # 警報
    URGENT = 4  # 危険警報 (levelled dangers only)
    EMERGENCY = 5  # 特別警報, 大津波警報
    UNKNOWN = 9

    @property
    def is_in_force(self) -> bool:
        """True from 注意報 upward."""
        return self >= Grade.ADVISORY


class FirstHeight(msgspec.Struct, frozen=True, kw_only=True):
    """第1波: a forecast arrival time, or a condition such as 津波到達中と推測, as JMA gave it."""

    arrival_at: datetime | None = None
    condition: str | None = None

    @property
    def is_now(self) -> bool:
        """True for every condition JMA uses here: the wave is seen, under way, or about to strike.

        An unknown condition counts too. No arrival time with this set means no time left, not plenty.
        """
        return self.condition is not None

    @property
    def as_given(self) -> str | None:
        """One Japanese phrase for people; the time is Japan's, also of what was stored meanwhile (as UTC)."""
        if self.condition is not None:
            return self.condition
        if self.arrival_at is None:
            return None
        at = self.arrival_at.astimezone(JST)
        return f"{at.day}日{at.hour}時{at.minute:02}分 到達予想"


class MaxHeight(msgspec.Struct, frozen=True, kw_only=True):
    """予想される津波の高さ. value_m is None where JMA gives words (巨大, 高い) or nothing ("NaN").

    １０ｍ超 comes as value 10: the description is what may be shown.
    """

    value_m: float | None = None
    description: str | None = None
    conditions: tuple[str, ...] = ()

    @property
    def as_given(self) -> str | None:
        """The description; where there is none, the conditions, except that 不明 alone says nothing."""
        return self.description or "・".join(c for c in self.conditions if c != "不明") or None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """When 気象庁 expects a grade to be reached (CriteriaPeriod, 時系列情報), as given.

    `level`: 警戒レベル相当 2–5, None where the danger has none. `lasts` None: no end is given. `place`: the part
    of the area it is about (舞鶴湾, 陸上), "" for all of it.
    """

    grade: Grade
    level: int | None
    starts_at: datetime
    lasts: timedelta | None
    place: str
    as_given: str


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One warning, for one area, in one telegram. `status` is 発表, 継続, 解除, 危険警報から警報 …, as given.

    A lifted kind keeps its own code in the body of a weather telegram: `lifted` says so and `grade` is NONE then.
    `conditions` as given (土砂災害, 氾濫発生, 浸水注意 …). The two heights belong to tsunamis.
    """

    code: str
    name: str
    danger: Danger
    grade: Grade
    status: str = ""
    lifted: bool = False
    last_code: str | None = None
    last_name: str | None = None
    last_grade: Grade | None = None
    conditions: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    first_height: FirstHeight | None = None
    max_height: MaxHeight | None = None

    @property
    def level(self) -> int | None:
        """警戒レベル相当 2–5; None where the danger has none, or nothing is in force."""
        if self.danger not in LEVELLED or not Grade.ADVISORY <= self.grade <= Grade.EMERGENCY:
            return None
        return int(self.grade)


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area of one telegram with its kinds; `()` where the telegram says that nothing is in force.

    `layer` is the table within the system, as given (市町村等, 府県予報区等, 津波予報区, 予報区域 …).
    """

    system: System
    code: str
    name: str
    layer: str = ""
    kinds: tuple[Kind, ...] = ()


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something observed or announced once, that no later telegram has to lift.

    `value` as given in JMA's own short form: 震度 "1"–"7" with "5-" "5+" "6-" "6+", "未入電"; 線状降水帯直前; the
    height at a gauge ("2.8m", "観測中", "微弱", "欠測"). `at`: when it happened or was observed.
    """

    danger: Danger
    system: System
    code: str
    name: str
    value: str
    layer: str = ""
    at: datetime | None = None
    conditions: tuple[str, ...] = ()
    text: str = ""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What 気象庁 expects for one area and danger over the next hours (VPWP50), oldest first. Not in force."""

    system: System
    code: str
    name: str
    danger: Danger
    expected: tuple[Expected, ...]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All that one telegram says, or one part of a collection (VPWS50 gives one Reading per warning type).

    `scope` names what a newer Reading replaces whole: "VTSE41", "VPWW55/040000", "VXKO/820202000100". An area of the
    scope that is not named has nothing in force. It is "" where nothing is replaced: happenings only, and every 取消,
    whose body is only `text`: what it withdraws is found by type, office and event id.
    `is_legacy`: of the telegrams kept until about 2028 (VPWW53/54, VXWW50, VPOA50): acted on only where a setting
    declares them the source, and then in place of the new ones, so that one event gives one alert.
    `problems` says in Japanese what could not be read; it never costs what could.
    """

    source: TelegramSource
    scope: str = ""
    areas: tuple[Area, ...] = ()
    happenings: tuple[Happening, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    text: str = ""
    is_legacy: bool = False
    problems: tuple[str, ...] = ()

    @property
    def is_cancellation(self) -> bool:
        """True for 取消, the withdrawal of a mistaken issue; 解除 is something else."""
        return self.source.info_type is InfoType.CANCELLED

    def area(self, system: System, code: str) -> Area | None:
        """The entry of an area, or None where the telegram does not name it."""
        return next((one for one in self.areas if one.system is system and one.code == code), None)
