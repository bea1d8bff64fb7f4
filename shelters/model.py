"""The nouns of the planner: sites, their state, people in danger, and what each is told.

Values only; the many are parallel arrays joined by row index (`People`, `SiteTable`).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag, StrEnum

import numpy as np
from numpy.typing import NDArray

from geodata.hazards import HazardKind
from geodata.sites import SiteForm


class DesignationKind(StrEnum):
    """What a place is designated as. 指定緊急避難場所 (49条の4) is not 指定避難所 (49条の7)."""

    EMERGENCY_SITE = "emergency_site"  # 指定緊急避難場所
    SHELTER = "shelter"  # 指定避難所
    WELFARE_SHELTER = "welfare_shelter"  # 福祉避難所: never for the public
    TEMPORARY_STAY = "temporary_stay"  # 一時滞在施設: for 帰宅困難者, up to 72 h


FOR_THE_PUBLIC = frozenset({DesignationKind.EMERGENCY_SITE, DesignationKind.SHELTER})
"""What residents may be told of; 一時滞在施設 are for those who can't get home."""


class FigureSource(StrEnum):
    """Where a capacity figure comes from. Assumed figures are marked wherever they are shown."""

    PUBLISHED = "published"
    MEASURED = "measured"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Two figures: standing room while danger lasts, and places to stay. Persons."""

    refuge_persons: int
    stay_persons: int
    source: FigureSource


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorLimit:
    """Refuge counts from this floor up (1 = ground); `roof` = only the roof."""

    min_floor: int | None = None
    roof: bool = False
    label: str = ""  # as published: 「2階以上の共用廊下等」

    @property
    def is_upstairs(self) -> bool:
        """True when the refuge is named as above the ground floor."""
        return self.roof or (self.min_floor is not None and self.min_floor >= 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Designation:
    """One designation of one site, as published (共通ID is opaque)."""

    designation_id: str
    kind: DesignationKind
    hazards: frozenset[HazardKind] = frozenset()  # emergency sites only; blank = not designated
    floor_limits: dict[HazardKind, FloorLimit] = field(default_factory=dict)
    restricted_to: str = ""  # 受入対象者
    conditions: str = ""  # その他市町村長が必要と認める事項
    not_first_in_rain: bool = False  # 大雨時に初動で開設しません
    remarks: str = ""  # what was published and not understood: kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place people can go to, with its designations."""

    site_id: str
    name: str
    address: str
    ward: str
    lon: float
    lat: float
    form: SiteForm
    designations: tuple[Designation, ...]
    capacity: Capacity
    step_free: bool | None = None
    power: bool | None = None
    pets: bool | None = None
    source: str = ""  # dataset and date, shown with the site

    def fit_for(self, hazard: HazardKind) -> bool:
        """True when some designation as 指定緊急避難場所 carries the flag. Blank is not "OK"."""
        return any(hazard in one.hazards for one in self.designations)

    def floor_limit(self, hazard: HazardKind) -> FloorLimit | None:
        """The floor from which refuge counts for `hazard`, if one is published."""
        return next(
            (one.floor_limits[hazard] for one in self.designations if hazard in one.floor_limits), None
        )

    @property
    def open_to_public(self) -> bool:
        """True where anybody may come: some 指定緊急避難場所 or 指定避難所 of it is not kept for named groups."""
        return any(one.kind in FOR_THE_PUBLIC and not one.restricted_to for one in self.designations)


class Facet(IntFlag):
    """What a household may need of a site, and a site may have or lose. The bits of `People.needs`."""

    STEP_FREE = 1
    POWER = 2
    PETS = 4


NO_FACET = Facet(0)


class Opening(StrEnum):
    """Whether one can get in. Only the last two exclude a site from guidance (design: "Opening")."""

    ALWAYS = "always"
    OPEN = "open"
    EXPECTED = "expected"  # ordered, preparing, or by the city's opening rule; the advice says 未確認
    CLOSED = "closed"
    UNUSABLE = "unusable"

    @property
    def excludes(self) -> bool:
        """True when nobody may be sent there."""
        return self in (Opening.CLOSED, Opening.UNUSABLE)


class Crowding(StrEnum):
    """空きあり (<70 %) / やや混雑 (70-90 %) / 混雑 (>=90 %) / 満員."""

    ROOM = "room"
    SOME = "some"
    CROWDED = "crowded"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """What is known of one site now, with its age. None = nobody has reported."""

    site_id: str
    opening: Opening | None = None  # as reported by staff; None = by rule
    opening_at: datetime | None = None
    present_persons: int | None = None
    crowding: Crowding | None = None
    present_at: datetime | None = None
    checked_at: datetime | None = None  # 応急危険度判定 said it may be used
    outages: Facet = NO_FACET  # facets the site has lost for now: a lift, the power
    outages_at: datetime | None = None
    reporter: str = ""


class Pace(IntEnum):
    """Row values of `People.pace`."""

    UNKNOWN = 0
    STANDARD = 1
    SLOW = 2


class StructureRow(IntEnum):
    """Row values of `People.structure`."""

    UNKNOWN = 0
    WOODEN = 1
    SOLID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """(n,) households' places as parallel arrays. Ids become rows once, at the door."""

    xy_m: NDArray[np.float64]  # (n, 2) EPSG:6678
    persons: NDArray[np.int32]
    pace: NDArray[np.int8]  # Pace
    floor: NDArray[np.int16]  # 0 = unknown
    structure: NDArray[np.int8]  # StructureRow
    holds_seat: NDArray[np.bool_]  # False for relatives' places
    needs: NDArray[np.uint8]  # bits of `Facet`

    def __len__(self) -> int:
        return int(self.persons.shape[0])


class Action(StrEnum):
    """What one person should do now."""

    STAY = "stay"  # 屋内安全確保
    UP = "up"  # level 5: the best safety where you are
    GO = "go"  # to a site outside the danger
    INLAND = "inland"  # walk out of the area, away from the sea
    REFUGE = "refuge"  # up a tower, hill, stairs or a named floor inside the area
    PREPARE = "prepare"  # level 3 for those who can leave fast


class ReasonCode(StrEnum):
    """Why. Each has one sentence in every language (bosai/messages)."""

    NEAREST_FIT = "nearest_fit"
    OUTSIDE_AREA = "outside_area"
    FLOOR_ABOVE = "floor_above"
    HIGHER_NOW = "higher_now"  # no time to get out of the area
    INLAND_FIRST = "inland_first"
    TIME_UNKNOWN = "time_unknown"  # arrival not given: treated as now
    PASSED_NEARER_CLOSED = "passed_nearer_closed"
    PASSED_NEARER_UNFIT = "passed_nearer_unfit"
    PASSED_NEARER_FULL = "passed_nearer_full"
    PASSED_NEARER_IN_AREA = "passed_nearer_in_area"
    OPENING_UNCONFIRMED = "opening_unconfirmed"
    SEATS_ASSUMED = "seats_assumed"
    NO_SEATS_LEFT = "no_seats_left"
    NO_SITE = "no_site"
    LEVEL5_STAY_INSIDE = "level5_stay_inside"
    NEEDS_TIME = "needs_time"  # level 3, slow household
    PREPARE_NOW = "prepare_now"
    PROVISIONAL = "provisional"  # 行き先は続報
    ABOVE_WATER = "above_water"  # STAY: all three conditions hold
    STAY_NEEDS = "stay_needs"  # STAY: have water, food and medicine, and be ready for power cuts
    POWER_EARLY = "power_early"  # who depends on power leaves early, though the floor is above the water
    SITE_FAILED = "site_failed"  # the site you were named, or are in, can't be used any more
    OUTDOOR_FIRST = "outdoor_first"  # after strong shaking: open ground until halls are checked
    PASSED_NEARER_UNCHECKED = "passed_nearer_unchecked"  # 建物の点検がまだ
    PASSED_NEARER_EXCLUDED = "passed_nearer_excluded"  # HQ asked not to send people there
    PASSED_NEARER_FACILITY = "passed_nearer_facility"  # it lacks what the household needs
    PASSED_NEARER_NO_WAY = "passed_nearer_no_way"  # no way to it that keeps out of the danger
    FACILITY_UNKNOWN = "facility_unknown"  # nobody has said whether the site has what is needed
    FACILITY_MISSING = "facility_missing"  # no site within reach has it
    PINNED = "pinned"  # HQ named the destination of this town
    REDIRECTS_PAUSED = "redirects_paused"  # HQ asked that nobody be sent elsewhere for now
    WELFARE_CODE = "welfare_code"  # the welfare site the ward opened for this household
    TEMPORARY_STAY = "temporary_stay"  # 一時滞在施設
    NOT_TWICE = (
        "not_twice"  # already sent on once for this: the destination stays, though a better one exists
    )
