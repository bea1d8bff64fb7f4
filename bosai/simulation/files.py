"""Scenario files: what may stand in one, read strictly. Every refusal names the key and what is expected."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from geodata.hazards import HazardKind

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=2880)]
Count = Annotated[int, msgspec.Meta(ge=1)]
LonLat = tuple[float, float]


@dataclass(eq=False)
class ScenarioInvalid(Exception):
    """A scenario can't be used. key: dotted, as in the file; the sentences say what to do."""

    key: str
    ja: str
    en: str

    def __str__(self) -> str:
        return f"{self.key}：{self.ja} / {self.key}: {self.en}"


class CityPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who lives where. residents: "towns" (a table of towns) or "made" (a square of made towns and schools)."""

    residents: Literal["towns", "made"] = "towns"
    households: Annotated[int, msgspec.Meta(ge=10, le=200_000)] = 3000
    window_lonlat: tuple[float, float, float, float] | None = (
        None  # towns and sites only from here: W, S, E, N
    )
    towns_file: str = ""  # beside the scenario; "": --towns, else what was imported, else the sample
    sites_file: str = ""
    seats_per_mover: Annotated[float, msgspec.Meta(ge=0)] = 1.3  # 0: the catalogue's figures as they are
    capacity_error: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2
    town_spread_m: Positive = 250.0
    made_towns: Count = 14
    made_sites: Count = 16
    made_width_m: Positive = 4000.0
    made_centre_lonlat: LonLat = (140.90, 38.26)


class OwnWay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of those who do not do as told: shares that make 1."""

    nearest: Share = 0.5
    elsewhere: Share = 0.3
    stay: Share = 0.2


class PeoplePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people behave; see `shelters.simulate.scenario.WalkerRules`."""

    subscribed: Share = 0.6
    comply: Share = 0.7
    own_way: OwnWay = OwnWay()
    slow: Share = 0.2
    unknown_pace: Share = 0.15
    start_median_min: Positive = 20.0
    start_spread: Annotated[float, msgspec.Meta(ge=0, le=3)] = 0.9
    notices: Share = 0.9
    answers: Share = 0.4


class ReportsPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How staff report heads."""

    every_min: Positive = 10.0
    delay_min: Minutes = 2.0
    error: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1
    silent: Share = 0.2
    full_after_min: Minutes = 1.0


class ServicePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the service differs from its settings. None: as they are."""

    seats_margin_fraction: Annotated[float, msgspec.Meta(ge=-0.9, le=1)] | None = None
    count_residents: bool = True


class Circle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A round area."""

    lonlat: LonLat
    radius_m: Positive


class OrderPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of one order. Its area: a file with names or kinds in it, a circle, or corners; or lifted."""

    id: str
    at_min: Minutes = 0.0
    hazard: HazardKind
    level: Literal[3, 4, 5] | None = None
    advisory: bool = False
    arrival_min: Minutes | None = None
    area_file: str = ""  # GeoJSON beside the scenario; "sample:tsunami": the built-in areas
    area_names: tuple[str, ...] = ()  # `name` or `kind` of the features; (): all of them
    circle: Circle | None = None
    corners_lonlat: tuple[LonLat, ...] = ()
    lifted: bool = False


class DoorPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site, by id or exact name, that is locked until its door opens."""

    site: str
    opens_min: Minutes


class FailurePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site, by id or exact name, that becomes unusable."""

    site: str
    at_min: Minutes


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str
    note: str = ""
    seed: int = 220
    begins: datetime
    minutes: Annotated[float, msgspec.Meta(gt=0, le=2880)]
    step_s: Annotated[float, msgspec.Meta(ge=10, le=600)] = 60.0
    squeeze: Annotated[float, msgspec.Meta(ge=1, le=3)] = 1.3
    city: CityPart = CityPart()
    people: PeoplePart = PeoplePart()
    reports: ReportsPart = ReportsPart()
    service: ServicePart = ServicePart()
    orders: tuple[OrderPart, ...]
    doors: tuple[DoorPart, ...] = ()
    failures: tuple[FailurePart, ...] = ()


def read_scenario(path: Path) -> ScenarioFile:
    """Raises ScenarioInvalid, FileNotFoundError."""
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(
            path.name, f"TOML として読めません（{error}）。", f"is not TOML ({error})."
        ) from error
    try:
        found = msgspec.convert(table, ScenarioFile)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise ScenarioInvalid(
            where.strip("`.") or path.name, f"この値は使えません（{what}）。", f"{what}."
        ) from error
    _check(found)
    return found


def _check(found: ScenarioFile) -> None:
    if found.begins.tzinfo is None:
        raise ScenarioInvalid(
            "begins",
            "時差を付けてください（例 2026-11-23T14:46:00+09:00）。",
            "needs an offset, as in 2026-11-23T14:46:00+09:00.",
        )
    own = found.people.own_way
    if abs(own.nearest + own.elsewhere + own.stay - 1.0) > 1e-6:
        raise ScenarioInvalid(
            "people.own_way", "3つの割合の合計を 1 にしてください。", "the three shares must make 1."
        )
    if not any(not one.lifted for one in found.orders):
        raise ScenarioInvalid(
            "orders",
            "避難の対象になる区域を1つ以上書いてください。",
            "needs at least one order with an area.",
        )
    known: set[str] = set()
    for number, one in enumerate(sorted(found.orders, key=lambda order: order.at_min)):
        _check_order(f"orders[{number}] ({one.id})", one, known)
        known.add(one.id)


def _check_order(key: str, one: OrderPart, known: set[str]) -> None:
    areas = bool(one.area_file) + (one.circle is not None) + bool(one.corners_lonlat)
    if one.lifted and (areas or one.id not in known):
        raise ScenarioInvalid(
            key,
            "解除は、先に出した id だけを書き、区域は書かないでください。",
            "a lifting names an earlier id and no area.",
        )
    if not one.lifted and areas != 1:
        raise ScenarioInvalid(
            key,
            "区域を area_file・circle・corners_lonlat のどれか1つで書いてください。",
            "write the area as exactly one of area_file, circle, corners_lonlat.",
        )
    if one.corners_lonlat and len(one.corners_lonlat) < 3:
        raise ScenarioInvalid(
            key, "corners_lonlat は3点以上です。", "corners_lonlat needs three points or more."
        )
    if one.hazard is HazardKind.TSUNAMI and one.level is not None:
        raise ScenarioInvalid(
            key,
            "津波に警戒レベルはありません。level を消してください。",
            "a tsunami has no level; remove it.",
        )
    levelled = (HazardKind.FLOOD, HazardKind.LANDSLIDE, HazardKind.STORM_SURGE, HazardKind.INLAND_FLOOD)
    if not one.lifted and one.hazard in levelled and one.level is None:
        raise ScenarioInvalid(key, "level に 3・4・5 のどれかを書いてください。", "needs level 3, 4 or 5.")
