"""What happens in a simulation, and with which figures. Seconds count from the beginning of the scenario."""

from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry

from geodata.hazards import HazardKind
from shelters.model import Opening
from shelters.plan import PlanRules


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkerRules:
    """How people behave. Fractions are of households; all figures are assumptions unless a source is named.

    start: log-normal; 20 min and 0.9 let 37 % leave within 15 minutes (Miyagi, 2025-07-30: fewer than 40 %).
    Who does not do as told, or has no phone with us, goes to the nearest site that he or she knows, elsewhere, or
    stays, by the three fractions of `own_way`.
    """

    subscribed_fraction: float = 0.6
    comply_fraction: float = 0.7
    own_way: tuple[float, float, float] = (0.5, 0.3, 0.2)  # nearest site, elsewhere, stays
    slow_fraction: float = 0.2
    unknown_pace_fraction: float = 0.15
    speed_spread: float = 0.12  # of the logarithm of the walking speed within a class
    start_median_s: float = 1200.0
    start_spread: float = 0.9  # of the logarithm
    start_least_s: float = 120.0
    notices_fraction: float = 0.9  # see a later message in time
    notice_delay_s: float = 60.0
    answers_fraction: float = 0.4  # tap "arrived", "staying" or "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRules:
    """How staff report heads. A site that turns somebody away says 満員 unless it is silent."""

    every_s: float = 600.0
    delay_s: float = 120.0
    error_fraction: float = 0.1  # a count is off by up to this, either way
    silent_fraction: float = 0.2  # of sites, never heard of
    full_after_s: float = 60.0  # from the first one refused to 満員 on the desk's phone


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVersion:
    """One version of one order; a later version of the same `order_id` takes its place. area None: lifted."""

    at_s: float
    order_id: str
    hazard: HazardKind
    area_xy_m: BaseGeometry | None
    level: int | None = None
    advisory: bool = False
    arrival_s: float | None = None  # from the beginning of the scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent:
    """At `at_s` the door of a site changes: it opens (locked until then), or is unusable from then on."""

    at_s: float
    site_id: str
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One made emergency. start_s: seconds since 1970 of its beginning.

    squeeze: how many times its true seats a site takes in while life is at stake (`Danger.life_at_stake`).
    count_others: people without a phone with us are counted in as residents, at the points of their towns.
    """

    name: str
    seed: int
    start_s: float
    night: bool
    length_s: float
    step_s: float = 60.0
    walkers: WalkerRules = field(default_factory=WalkerRules)
    reports: ReportRules = field(default_factory=ReportRules)
    orders: tuple[OrderVersion, ...] = ()
    events: tuple[SiteEvent, ...] = ()
    rules: PlanRules = field(default_factory=PlanRules)
    squeeze: float = 1.3
    count_others: bool = True
    tracks: int = 0  # how many households' ways are kept for the map
