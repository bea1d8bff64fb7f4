"""A city for a simulation: where people live, which sites there are, and how many they truly hold.

towns (points, residents, share of slow households) ─▶ homes scattered round them ─▶ City
sites with the seats the service believes in ─▶ true seats = told × (1 ± error)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geodata.hazards import HazardKind
from geodata.sites import SiteForm
from shelters.errors import LengthsDiffer
from shelters.model import Capacity, Designation, DesignationKind, FigureSource, Site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUSEHOLD_SIZES = np.array([1, 2, 3, 4, 5])
HOUSEHOLD_SHARES = np.array([0.40, 0.28, 0.16, 0.12, 0.04])
"""Close to a Japanese city's: two in five live alone, 2.1 persons on average. An assumption."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Towns:
    """(t,) towns. weight: residents, or 1 each where nobody has counted; slow_fraction of households."""

    name: tuple[str, ...]
    xy_m: Floats
    weight: Floats
    slow_fraction: Floats
    spread_m: float = 250.0  # homes lie so far round a town's point (standard deviation)

    def __post_init__(self) -> None:
        for label, rows in (
            ("xy_m", self.xy_m),
            ("weight", self.weight),
            ("slow_fraction", self.slow_fraction),
        ):
            if len(rows) != len(self.name):
                raise LengthsDiffer(label, len(self.name), len(rows))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class City:
    """(n,) households and (m,) sites, in ascending order of id. true_seats: (m,) persons."""

    home_xy_m: Floats
    persons: Ints
    town: NDArray[np.int32]
    slow_fraction: Floats
    towns: Towns
    sites: tuple[Site, ...]
    site_xy_m: Floats
    true_seats: Ints

    def __len__(self) -> int:
        return len(self.persons)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Homes:
    """(n,) households before there are sites."""

    xy_m: Floats
    persons: Ints
    town: NDArray[np.int32]


def settle(rng: np.random.Generator, towns: Towns, households: int) -> Homes:
    """Homes round the towns' points, as many in each as its weight asks for."""
    town = rng.choice(len(towns.name), size=households, p=towns.weight / towns.weight.sum()).astype(np.int32)
    return Homes(
        xy_m=towns.xy_m[town] + rng.normal(0.0, towns.spread_m, (households, 2)),
        persons=rng.choice(HOUSEHOLD_SIZES, size=households, p=HOUSEHOLD_SHARES).astype(np.int64),
        town=town,
    )


def with_seats(sites: Sequence[Site], seats: int) -> tuple[Site, ...]:
    """The same sites with `seats` persons altogether, each in proportion to what it has."""
    share = np.array([one.capacity.refuge_persons for one in sites], dtype=np.float64)
    if not share.sum():
        share = np.ones(len(sites))
    each = np.maximum(1, np.rint(share / share.sum() * seats)).astype(np.int64)
    return tuple(
        replace(
            site,
            capacity=Capacity(
                refuge_persons=int(count), stay_persons=int(count), source=site.capacity.source
            ),
        )
        for site, count in zip(sites, each, strict=True)
    )


def city_of(
    rng: np.random.Generator,
    homes: Homes,
    towns: Towns,
    sites: Sequence[Site],
    site_xy_m: Floats,
    *,
    error: float,
) -> City:
    """The city; what a site truly holds is off by up to `error` from what the service was told.

    sites: in any order; (m, 2) positions beside them.
    """
    order = sorted(range(len(sites)), key=lambda n: sites[n].site_id)
    told = np.array(
        [max(sites[n].capacity.refuge_persons, sites[n].capacity.stay_persons) for n in order],
        dtype=np.float64,
    )
    off = rng.uniform(1.0 - error, 1.0 + error, len(order))
    return City(
        home_xy_m=homes.xy_m,
        persons=homes.persons,
        town=homes.town,
        slow_fraction=towns.slow_fraction[homes.town],
        towns=towns,
        sites=tuple(sites[n] for n in order),
        site_xy_m=np.asarray(site_xy_m, dtype=np.float64).reshape(-1, 2)[order],
        true_seats=np.rint(told * off).astype(np.int64),
    )


def made_towns(
    rng: np.random.Generator, count: int, width_m: float, centre_xy_m: Floats, slow: float
) -> Towns:
    """Towns on a square, some of them far larger than others."""
    return Towns(
        name=tuple(f"町{n + 1:02d}" for n in range(count)),
        xy_m=centre_xy_m + rng.uniform(-width_m / 2, width_m / 2, (count, 2)),
        weight=rng.lognormal(0.0, 0.7, count),
        slow_fraction=np.full(count, slow),
    )


def made_sites(
    rng: np.random.Generator, count: int, width_m: float, centre_xy_m: Floats
) -> tuple[tuple[Site, ...], Floats]:
    """Schools on a loose lattice over the same square and a little beyond, fit for every hazard; (count, 2)."""
    side = int(np.ceil(np.sqrt(count)))
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:count]
    reach_m = width_m * 1.1
    spot = (lattice + 0.5) / side * reach_m - reach_m / 2
    xy_m = centre_xy_m + spot + rng.uniform(-0.3, 0.3, (count, 2)) * reach_m / side
    size = rng.integers(60, 300, count)
    return tuple(_school(n, int(size[n])) for n in range(count)), xy_m


def _school(number: int, seats: int) -> Site:
    name = f"S{number + 1:03d}"
    return Site(
        site_id=name,
        name=f"見本{number + 1}小学校",
        address="",
        ward="",
        lon=0.0,
        lat=0.0,
        form=SiteForm.ELEMENTARY_SCHOOL,
        designations=(
            Designation(
                designation_id=name, kind=DesignationKind.EMERGENCY_SITE, hazards=frozenset(HazardKind)
            ),
        ),
        capacity=Capacity(refuge_persons=seats, stay_persons=seats, source=FigureSource.ASSUMED),
    )
