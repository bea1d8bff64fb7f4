"""A small made town on the plane: x grows towards the sea (bearing 90°), a tsunami area covers x in [0, 3000]."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from shapely import box

from geodata.hazards import HazardKind
from shelters.dangers import Danger
from shelters.ledger import Told, nobody_told
from shelters.model import (
    Capacity,
    Designation,
    DesignationKind,
    FigureSource,
    FloorLimit,
    Pace,
    People,
    Site,
    SiteForm,
    SiteStatus,
)
from shelters.pace import StraightLine
from shelters.plan import Plan, PlanInput, PlanRules
from shelters.planning import plan
from shelters.sites import site_table

NOW_S = 1_800_000_000.0
ALL = frozenset(HazardKind)
RULES = PlanRules(
    walks=StraightLine(1.0), seaward_bearing_deg=90.0, inland_detour_factor=1.0, late_start_s=300.0
)
AREA = box(0, -3000, 3000, 3000)
STRIP = box(2700, -3000, 3000, 3000)


def site(
    site_id: str,
    *,
    hazards: frozenset[HazardKind] = ALL,
    form: SiteForm = SiteForm.ELEMENTARY_SCHOOL,
    floors: Mapping[HazardKind, int] | None = None,
    seats: int = 100,
    stay: int | None = None,
    restricted: str = "",
    kind: DesignationKind = DesignationKind.EMERGENCY_SITE,
    not_first_in_rain: bool = False,
) -> Site:
    designation = Designation(
        designation_id=site_id,
        kind=kind,
        hazards=hazards,
        floor_limits={
            one: FloorLimit(min_floor=floor, label=f"{floor}階以上") for one, floor in (floors or {}).items()
        },
        restricted_to=restricted,
        not_first_in_rain=not_first_in_rain,
    )
    return Site(
        site_id=site_id,
        name=site_id,
        address="",
        ward="",
        lon=0.0,
        lat=0.0,
        form=form,
        designations=(designation,),
        capacity=Capacity(
            refuge_persons=seats, stay_persons=seats if stay is None else stay, source=FigureSource.ASSUMED
        ),
    )


def people(
    at: Sequence[tuple[float, float]],
    *,
    persons: Sequence[int] | None = None,
    pace: Pace | Sequence[Pace] = Pace.STANDARD,
    holds: Sequence[bool] | None = None,
    floor: int = 0,
    structure: int = 0,
) -> People:
    count = len(at)
    paces = [pace] * count if isinstance(pace, Pace) else list(pace)
    return People(
        xy_m=np.array(at, dtype=np.float64).reshape(-1, 2),
        persons=np.array(persons or [1] * count, dtype=np.int32),
        pace=np.array(paces, dtype=np.int8),
        floor=np.full(count, floor, dtype=np.int16),
        structure=np.full(count, structure, dtype=np.int8),
        holds_seat=np.array([True] * count if holds is None else list(holds), dtype=np.bool_),
        needs=np.zeros(count, dtype=np.uint8),
    )


def tsunami(*, arrives_in_s: float | None = None, advisory: bool = False, key: str = "t:1") -> Danger:
    return Danger(
        key=key,
        hazard=HazardKind.TSUNAMI,
        area_xy_m=STRIP if advisory else AREA,
        advisory=advisory,
        expected_arrival_s=None if arrives_in_s is None else NOW_S + arrives_in_s,
    )


def level(number: int | None, hazard: HazardKind = HazardKind.FLOOD, **extra: Any) -> Danger:
    return Danger(
        key=f"{hazard}:{number}", hazard=hazard, area_xy_m=extra.pop("area", AREA), level=number, **extra
    )


def problem(
    who: People,
    sites: Mapping[tuple[float, float], Site],
    dangers: Sequence[Danger],
    *,
    statuses: Mapping[str, SiteStatus] | None = None,
    told: Told | None = None,
    counted_at_s: Mapping[str, float] | None = None,
    owner: Sequence[int] | None = None,
    relative: Sequence[bool] | None = None,
    night: bool = False,
    now_s: float = NOW_S,
    rules: PlanRules = RULES,
) -> PlanInput:
    placed = sorted(sites.items(), key=lambda pair: pair[1].site_id)
    table = site_table(
        [one for _, one in placed],
        statuses or {},
        np.array([xy for xy, _ in placed], dtype=np.float64).reshape(-1, 2),
        margin_fraction=rules.seats_margin_fraction,
    )
    return PlanInput(
        now_s=now_s,
        night=night,
        people=who,
        owner=np.array(range(len(who)) if owner is None else owner, dtype=np.int32),
        relative=np.array([False] * len(who) if relative is None else relative, dtype=np.bool_),
        sites=table,
        dangers=tuple(dangers),
        told=told or nobody_told(len(who)),
        counted_at_s=np.array([(counted_at_s or {}).get(one.site_id, np.nan) for _, one in placed]),
        rules=rules,
    )


def planned(*args: Any, **extra: Any) -> Plan:
    return plan(problem(*args, **extra))


def site_ids(made: Plan) -> list[str]:
    """The site of each decision, "" where none is named."""
    return [made.problem.sites.sites[one.site].site_id if one.site >= 0 else "" for one in made.decisions()]
