"""Made cities of any size under a flood order of level 4: people in the area, sites on both sides of it."""

import numpy as np

from shelters.model import Pace
from shelters.plan import PlanInput
from tests.shelters.town import level, people, problem, site


def city(places: int, sites: int, seed: int, *, seats: float = 1.3, parties: bool = True) -> PlanInput:
    """seats: of all sites together, for each person. parties: households of one to five, else single persons."""
    rng = np.random.default_rng(seed)
    at = np.column_stack([rng.uniform(0, 3000, places), rng.normal(0, 1000, places)]).clip(-2900, 3000)
    persons = rng.choice(np.arange(1, 6), places, p=[0.38, 0.28, 0.16, 0.13, 0.05]) if parties else None
    heads = places if persons is None else int(persons.sum())
    west = rng.random(sites) < 0.5
    spots = np.column_stack(
        [
            np.where(west, rng.uniform(-1500, -10, sites), rng.uniform(3010, 4500, sites)),
            rng.uniform(-3000, 3000, sites),
        ]
    )
    share = rng.uniform(0.3, 1.7, sites)
    capacity = np.maximum(1, np.rint(seats * heads * share / share.sum())).astype(int)
    who = people(
        [(float(x), float(y)) for x, y in at],
        persons=None if persons is None else [int(one) for one in persons],
        pace=[Pace(int(one)) for one in rng.choice(3, places, p=[0.3, 0.5, 0.2])],
    )
    placed = {
        (float(x), float(y)): site(f"s{n:03d}", seats=int(capacity[n])) for n, (x, y) in enumerate(spots)
    }
    return problem(who, placed, [level(4)])
