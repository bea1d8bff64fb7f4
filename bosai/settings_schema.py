"""The settings as values: one Struct per section of settings.toml, which holds the defaults and their sources.

To add a setting: a line with its value, unit and source in settings.toml, and a field here. Nothing else.
"""

from __future__ import annotations

import re
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from bosai.model.alert import OrderKind
from bosai.push.contact import is_contact
from bosai.settings_at_once import AtOnceFigures
from bosai.settings_base import AtLeastOne, Count, Fraction, Hour, Port, Positive, Section, Text
from bosai.settings_cap import CapIn, CapOut
from bosai.settings_channels import Channels
from bosai.settings_feeds import Feeds
from bosai.settings_lag import DecisionLag
from bosai.settings_proposals import Proposals
from geodata.hazards import HazardKind


class City(Section, frozen=True):
    """The municipality served."""

    name: Text
    timezone: Text
    plane_epsg: Annotated[int, Meta(ge=6669, le=6687)]
    bbox_lonlat: tuple[float, float, float, float]
    seaward_bearing_deg: Annotated[float, Meta(ge=0, lt=360)]
    contact_vapid_sub: str

    def __post_init__(self) -> None:
        west, south, east, north = self.bbox_lonlat
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError(
                "bbox_lonlat must be west, south, east, north in degrees, west < east and south < north"
            )
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"timezone must be an IANA name such as Asia/Tokyo, not {self.timezone!r}"
            ) from None
        if not is_contact(self.contact_vapid_sub):
            raise ValueError(
                "contact_vapid_sub must be mailto:<address> or https://<page>, push services refuse others"
            )

    @property
    def contact_is_placeholder(self) -> bool:
        """True while nobody has set whom push services may write to."""
        return ".invalid" in self.contact_vapid_sub


class Tsunami(Section, frozen=True):
    """Which zones each class of JMA's tsunami warnings concerns. Names as in the areas file."""

    zones_advisory: tuple[str, ...]
    zones_warning: tuple[str, ...]
    zones_major_warning: tuple[str, ...]

    @property
    def named(self) -> frozenset[str]:
        """Every zone that a rule names."""
        return frozenset((*self.zones_advisory, *self.zones_warning, *self.zones_major_warning))


class Data(Section, frozen=True):
    """Where the service keeps what it must not lose. Absolute once loaded."""

    dir: Text


class RedisSettings(Section, frozen=True):
    """The shared Redis, or none."""

    url: str
    wait_replicas: Count
    wait_timeout_s: Positive
    connections: Annotated[int, Meta(ge=5, le=10_000)]

    def __post_init__(self) -> None:
        if self.url and urlsplit(self.url).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError(
                "url must start with redis://, rediss:// or unix://, or be empty for the embedded one"
            )

    @property
    def is_embedded(self) -> bool:
        """True when the service runs a Redis of its own."""
        return not self.url


class ClockSettings(Section, frozen=True):
    """The service's clock: the machine's, moved by a fixed step (either way)."""

    offset_s: float


class Web(Section, frozen=True):
    """The HTTP side. public_url is always filled once loaded, without a slash at its end."""

    host: Text
    port: Port
    public_url: str
    body_max_bytes: Annotated[int, Meta(ge=4096, le=10_000_000)]
    session_idle_min: AtLeastOne
    session_max_h: AtLeastOne
    desk_session_h: AtLeastOne

    def __post_init__(self) -> None:
        if not _is_host(self.host):
            raise ValueError(f"host must be an address or a host name, not {self.host!r}")
        parts = urlsplit(self.public_url)
        if self.public_url and (
            parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment
        ):
            raise ValueError("public_url must be an address such as https://bosai.example.jp, or empty")


class Push(Section, frozen=True):
    """Delivery through push services."""

    allowed_hosts: tuple[str, ...]
    test_hosts: tuple[str, ...]
    ca_file: str
    proxy: str
    ttl_order_s: Annotated[int, Meta(ge=60, le=86_400)]
    in_flight: AtLeastOne
    in_flight_per_origin: AtLeastOne
    lane_length: AtLeastOne
    connections_per_origin: AtLeastOne
    connect_timeout_s: Positive
    total_timeout_s: Positive
    retry_base_s: Positive
    retry_max_s: Positive
    vapid_token_min: Annotated[int, Meta(ge=5, le=1400)]  # half an hour is added for clocks that differ
    prekeys_each: Annotated[int, Meta(ge=1, le=16)]
    prekeys_from_hour: Hour
    prekeys_until_hour: Hour
    prekeys_trickle: AtLeastOne
    reminders: bool
    reminder_kinds: tuple[OrderKind, ...]
    reminder_spread_min: Annotated[int, Meta(ge=0, le=60)]

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            bare = host.removeprefix("*.")
            if "." not in bare or any(one in bare for one in "*/:@ "):
                raise ValueError(
                    f"allowed_hosts must be host names such as push.example.com or *.example.com, not {host!r}"
                )
        for host in self.test_hosts:
            name, colon, port = host.rpartition(":")
            if not (name and colon and port.isdigit()):
                raise ValueError(f"test_hosts must be host:port entries, not {host!r}")
        if self.proxy and urlsplit(self.proxy).scheme not in {"http", "https"}:
            raise ValueError("proxy must be an address such as http://proxy:3128, or empty")
        if self.connect_timeout_s > self.total_timeout_s:
            raise ValueError("connect_timeout_s must not pass total_timeout_s")
        if self.retry_base_s > self.retry_max_s:
            raise ValueError("retry_base_s must not pass retry_max_s")
        if self.prekeys_from_hour == self.prekeys_until_hour:
            raise ValueError(
                "prekeys_from_hour and prekeys_until_hour must differ: between them pairs are made"
            )


class PaceClasses(Section, frozen=True):
    """Walking speed by pace class, metres per second."""

    unknown: Annotated[float, Meta(gt=0, le=2)]
    standard: Annotated[float, Meta(gt=0, le=2)]
    slow: Annotated[float, Meta(gt=0, le=2)]

    def __post_init__(self) -> None:
        if not self.slow <= self.unknown <= self.standard:
            raise ValueError("slow <= unknown <= standard must hold")


class FreshnessFigures(Section, frozen=True):
    """How many of a site's free seats new people are given the longer nobody speaks."""

    fresh_min: Annotated[float, Meta(ge=0)]
    stale_min: Annotated[float, Meta(gt=0)]
    stale_share: Fraction
    silent_share: Fraction

    def __post_init__(self) -> None:
        if not self.fresh_min < self.stale_min:
            raise ValueError("fresh_min < stale_min must hold: in between the share falls")


class Planner(Section, frozen=True):
    """Movement and planning parameters."""

    fallback_after_s: Annotated[float, Meta(gt=0, le=5)]  # an order is out within 5 s, plan or not
    detour_factor: Annotated[float, Meta(ge=1, le=5)]
    night_factor: Annotated[float, Meta(gt=0, le=1)]
    night_from_hour: Hour
    night_until_hour: Hour
    start_delay_day_min: Annotated[float, Meta(ge=2)]  # never less: nobody leaves at once
    start_delay_night_min: Annotated[float, Meta(ge=2)]
    arrival_margin_min: Annotated[float, Meta(ge=0)]
    point_rounding_widen_m: Annotated[float, Meta(ge=8)]  # half the diagonal of a 4-decimal cell is 7.1 m
    seats_margin_fraction: Fraction
    assumed_margin_fraction: Annotated[float, Meta(gt=-1, le=1)]
    occupancy_stale_min: AtLeastOne
    max_walk_min: Annotated[float, Meta(ge=10)]
    redirect_free_m: Annotated[float, Meta(ge=0)]
    late_start_min: Annotated[float, Meta(ge=2)]
    rivers_with_collapse_zones: tuple[Text, ...]
    pace_m_s: PaceClasses
    freshness: FreshnessFigures


class OpeningRuleFigures(Section, frozen=True, kw_only=True):
    """Which public sites the city opens for one hazard: `shelters.openings.OpeningRule`."""

    kinds: Annotated[tuple[Literal["emergency_site", "shelter"], ...], Meta(min_length=1)]
    where: Literal["city", "wards", "around"]
    near_m: Annotated[float, Meta(ge=0, le=20_000)]


class OpeningRulesOfCity(Section, frozen=True):
    """The rules by hazard; the other hazards open nothing by themselves."""

    earthquake: OpeningRuleFigures
    tsunami: OpeningRuleFigures
    flood: OpeningRuleFigures
    inland_flood: OpeningRuleFigures
    storm_surge: OpeningRuleFigures
    landslide: OpeningRuleFigures


class PreviewFigures(Section, frozen=True):
    """What HQ sees before an order leaves."""

    count_residents: bool
    residents_move_share: Fraction
    subscribers_follow_share: Fraction
    leave_first_min: Annotated[float, Meta(ge=2)]
    leave_half_min: Annotated[float, Meta(gt=2, le=600)]
    party_persons: Annotated[int, Meta(ge=1, le=500)]

    def __post_init__(self) -> None:
        if self.leave_half_min <= self.leave_first_min:
            raise ValueError("leave_half_min must be later than leave_first_min")


class MappedRoads(Section, frozen=True, kw_only=True):
    """How GeoJSON lines of a layout of their own are read; the words are those of `geodata.roads`."""

    kind: Text
    kinds: Annotated[dict[str, str], Meta(min_length=1)]
    flags: dict[str, str] = msgspec.field(default_factory=dict)
    name: str = ""
    name_en: str = ""
    layer: str = ""


class Walking(Section, frozen=True):
    """The walking network and the ways out."""

    link_islands_m: Annotated[float, Meta(ge=0, le=50)]  # more would bridge rivers and railways
    drop_islands_m: Annotated[float, Meta(ge=0)]
    bound_m: Annotated[float, Meta(ge=500, le=20_000)]
    mapped: dict[str, MappedRoads]


class PlanRecordsKept(Section, frozen=True):
    """Plans kept for explanations."""

    keep_days: AtLeastOne
    max_mb: AtLeastOne


class AssumedCapacity(Section, frozen=True):
    """Persons a kind of site is assumed to hold."""

    refuge_persons: Count
    stay_persons: Count


class CapacityDefaults(Section, frozen=True):
    """Assumed figures, one per `shelters.model.SiteForm`."""

    elementary_school: AssumedCapacity
    junior_high: AssumedCapacity
    high_school: AssumedCapacity
    civic_centre: AssumedCapacity
    tsunami_tower: AssumedCapacity
    tsunami_building: AssumedCapacity
    evacuation_hill: AssumedCapacity
    evacuation_stairs: AssumedCapacity
    open_ground: AssumedCapacity
    welfare: AssumedCapacity
    other: AssumedCapacity

    def of(self, form: str) -> AssumedCapacity:
        """The figures for a site form; those of `other` for a form that has none of its own."""
        found = getattr(self, form, None)
        return found if isinstance(found, AssumedCapacity) else self.other


class Map(Section, frozen=True):
    """Base map tiles, fetched by the service and kept on its disk."""

    tile_url: str
    cache_max_mb: AtLeastOne
    cache_max_age_days: AtLeastOne

    def __post_init__(self) -> None:
        parts = urlsplit(self.tile_url)
        named = all(one in self.tile_url for one in ("{z}", "{x}", "{y}"))
        if self.tile_url and not (parts.scheme in {"http", "https"} and parts.netloc and named):
            raise ValueError("tile_url must be an http or https address with {z}, {x} and {y}, or empty")
        if set("{}") & set(self.tile_url.replace("{z}", "").replace("{x}", "").replace("{y}", "")):
            raise ValueError("tile_url must hold no braces but {z}, {x} and {y}")


class MappedClass(Section, frozen=True, kw_only=True):
    """What one value of a property means; `rank` rises with danger."""

    value: str
    code: Text
    rank: Count
    ja: Text
    depth_min_m: Annotated[float, Meta(ge=0)] | None = None
    depth_max_m: Annotated[float, Meta(gt=0)] | None = None


class MappedHazard(Section, frozen=True, kw_only=True):
    """How a GeoJSON file of the city's own is read as a hazard map."""

    hazard: HazardKind
    name_ja: Text
    class_property: str
    classes: Annotated[tuple[MappedClass, ...], Meta(min_length=1)]
    label_property: str = ""
    source: Text
    version: Text
    valid_until: date | None = None
    covers_city: bool = False
    sample: bool = False

    def __post_init__(self) -> None:
        values = [one.value for one in self.classes]
        if len(set(values)) != len(values):
            raise ValueError("classes must name every value once")


class HazardFiles(Section, frozen=True):
    """Files of the city's own areas; empty: the built-in sample. `mapped`: layer key → how its file is read."""

    tsunami_areas: str
    mapped: dict[str, MappedHazard]


class Sources(Section, frozen=True):
    """The sentences that publishers of the imported data ask for, by what was imported."""

    sites: Text
    roads: Text
    elevation: Text
    jma_areas: Text
    places: Text
    population: Text


class Review(Section, frozen=True):
    """When HQ is asked whether an order still stands, in minutes after it was issued or confirmed."""

    level3_min: AtLeastOne
    level4_min: AtLeastOne
    level5_min: AtLeastOne
    tsunami_min: AtLeastOne
    notice_min: AtLeastOne


class Checks(Section, frozen=True):
    """The monthly check of all subscriptions, by day."""

    monthly: bool
    monthly_day: Annotated[int, Meta(ge=1, le=21)]
    monthly_hour: Annotated[int, Meta(ge=9, le=16)]  # with its four hours it ends before the evening
    spread_min: Annotated[int, Meta(ge=5, le=180)]


class Settings(Section, frozen=True):
    """Everything, typed once at start."""

    city: City
    tsunami: Tsunami
    at_once: AtOnceFigures
    data: Data
    redis: RedisSettings
    clock: ClockSettings
    web: Web
    push: Push
    planner: Planner
    opening: OpeningRulesOfCity
    preview: PreviewFigures
    walking: Walking
    plan_records: PlanRecordsKept
    capacity_defaults: CapacityDefaults
    feeds: Feeds
    map: Map
    hazard_files: HazardFiles
    sources: Sources
    review: Review
    proposals: Proposals
    decision_lag: DecisionLag
    channels: Channels
    cap: CapOut
    cap_in: CapIn
    checks: Checks

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data.dir)


def _is_host(host: str) -> bool:
    """True for what an address of a page can be made from."""
    try:
        ip_address(host)
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", host) is not None
    return "%" not in host
