"""The city a plan is measured on: people beside the ways of a network, sites with seats, and a flood's ragged areas."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.geo_city import made_areas, scattered
from geodata.hazards import HazardKind
from geodata.network import WalkNetwork
from geodata.sites import SiteForm
from shelters.dangers import Danger
from shelters.ledger import Told, nobody_told
from shelters.model import Capacity, Designation, DesignationKind, FigureSource, People, Site
from shelters.plan import Plan, PlanInput, PlanRules
from shelters.sites import HAZARD_COLUMN, SiteTable, site_table

NOW_S = 1_800_000_000.0
SEATS_PER_MOVER = 1.3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanSize:
    """How much there is of everything. seats: of all sites together, for each person who leaves."""

    places: int
    sites: int = 300
    areas: int = 5
    vertices: int = 20_000
    radius_m: float = 2_000.0
    seats: float = SEATS_PER_MOVER


def plan_problem(network: WalkNetwork, size: PlanSize, *, seed: int = 5) -> PlanInput:
    """Households of one to five by all paces, a twentieth of them with needs, under a flood order of level 4."""
    rng = np.random.default_rng(seed)
    count = size.places
    areas = made_areas(network, size.areas, size.vertices, radius_m=size.radius_m, seed=seed)
    who = People(
        xy_m=scattered(network, count, 60, seed=seed),
        persons=rng.choice(np.arange(1, 6), count, p=[0.38, 0.28, 0.16, 0.13, 0.05]).astype(np.int32),
        pace=rng.choice(3, count, p=[0.3, 0.5, 0.2]).astype(np.int8),
        floor=np.zeros(count, dtype=np.int16),
        structure=np.zeros(count, dtype=np.int8),
        holds_seat=np.ones(count, dtype=np.bool_),
        needs=np.where(rng.random(count) < 0.05, rng.integers(1, 8, count), 0).astype(np.uint8),
    )
    return PlanInput(
        now_s=NOW_S,
        night=False,
        people=who,
        owner=np.arange(count, dtype=np.int32),
        relative=np.zeros(count, dtype=np.bool_),
        sites=_sites(network, who, areas, size, rng),
        dangers=tuple(
            Danger(key=f"flood-{n}:1", hazard=HazardKind.FLOOD, area_xy_m=area, level=4)
            for n, area in enumerate(areas)
        ),
        told=nobody_told(count),
        counted_at_s=np.full(size.sites, np.nan),
        rules=PlanRules(),
    )


def _sites(
    network: WalkNetwork,
    who: People,
    areas: list[shapely.Polygon],
    size: PlanSize,
    rng: np.random.Generator,
) -> SiteTable:
    xy_m = scattered(network, size.sites, 20, seed=int(rng.integers(1 << 30)))
    sample = rng.integers(0, len(who), 20_000)
    flooded = shapely.union_all(areas)
    shapely.prepare(flooded)
    inside = shapely.contains_xy(flooded, *who.xy_m[sample].T)
    movers = float(who.persons[sample][inside].sum()) / len(sample) * len(who)
    dry = ~shapely.contains_xy(flooded, *xy_m.T)
    share = rng.uniform(0.3, 1.7, size.sites) * dry
    seats = np.maximum(1, np.rint(size.seats * movers * share / share.sum())).astype(int)
    return site_table(
        [_site(f"site-{n:04d}", int(seats[n]), rng) for n in range(size.sites)], {}, xy_m, margin_fraction=0.0
    )


def _site(site_id: str, seats: int, rng: np.random.Generator) -> Site:
    return Site(
        site_id=site_id,
        name=site_id,
        address="",
        ward="",
        lon=0.0,
        lat=0.0,
        form=SiteForm.ELEMENTARY_SCHOOL,
        designations=(
            Designation(
                designation_id=site_id, kind=DesignationKind.EMERGENCY_SITE, hazards=frozenset(HazardKind)
            ),
        ),
        capacity=Capacity(refuge_persons=seats, stay_persons=seats, source=FigureSource.MEASURED),
        step_free=bool(rng.random() < 0.6),
        power=bool(rng.random() < 0.4),
        pets=bool(rng.random() < 0.3),
    )


def told_by(made: Plan) -> PlanInput:
    """The problem once everybody has heard what the plan says."""
    problem = made.problem
    told = nobody_told(len(problem.people))
    rows = made.row
    hazard = np.array([HAZARD_COLUMN[one.hazard] for one in problem.dangers], dtype=np.int8)
    told.site[rows], told.action[rows] = made.site, made.action
    told.decided_s[rows] = problem.now_s
    told.walk_s[rows] = np.nan_to_num(made.walk_m)
    told.hazard[rows] = hazard[made.danger]
    return replace(problem, told=told)


def with_heads(problem: PlanInput, site: int, heads: int) -> PlanInput:
    """The problem after one site has been counted."""
    present = problem.sites.present_stay.copy()
    present[site] = heads
    counted_at_s = problem.counted_at_s.copy()
    counted_at_s[site] = problem.now_s
    return replace(
        problem,
        sites=replace(problem.sites, present_stay=present, present_refuge=present),
        counted_at_s=counted_at_s,
    )


def bytes_of(value: Told | People | SiteTable | Plan | PlanInput) -> int:
    """What the arrays of a value weigh."""
    found = (getattr(value, name) for name in value.__dataclass_fields__)
    return sum(one.nbytes for one in found if isinstance(one, np.ndarray))
