"""Residents who are not subscribed, as a town table would put them: at their towns' points, in round numbers."""

import numpy as np
from numpy.typing import NDArray

from shelters.model import Pace, People
from shelters.simulate.city import City
from shelters.simulate.scenario import WalkerRules

PARTY_PERSONS = 5
"""They are seated in lots of at most so many: they part freely, and a town has many of them."""


def residents_without_phone(city: City, subscribed: NDArray[np.bool_], rules: WalkerRules) -> People | None:
    """Lots of people who are expected to come to a site though nobody tells them which; None where there are none.

    Expected: residents less subscribers, less those who go elsewhere or stay.
    """
    coming = rules.comply_fraction + (1.0 - rules.comply_fraction) * rules.own_way[0]
    residents = np.bincount(
        city.town[~subscribed], weights=city.persons[~subscribed], minlength=len(city.towns.name)
    )
    xy_m, persons = [], []
    for town, count in enumerate(np.rint(residents * coming).astype(np.int64)):
        whole, rest = divmod(int(count), PARTY_PERSONS)
        lots = [PARTY_PERSONS] * whole + ([rest] if rest else [])
        xy_m += [_beside(city.towns.xy_m[town], n, city.towns.spread_m) for n in range(len(lots))]
        persons += lots
    if not persons:
        return None
    rows = len(persons)
    return People(
        xy_m=np.array(xy_m, dtype=np.float64),
        persons=np.array(persons, dtype=np.int32),
        pace=np.full(rows, Pace.UNKNOWN, dtype=np.int8),
        floor=np.zeros(rows, dtype=np.int16),
        structure=np.zeros(rows, dtype=np.int8),
        holds_seat=np.ones(rows, dtype=np.bool_),
        needs=np.zeros(rows, dtype=np.uint8),
    )


def _beside(point_xy_m: NDArray[np.float64], number: int, spread_m: float) -> NDArray[np.float64]:
    """Evenly round a town's point (a sunflower's seeds), because nobody knows where in the town they live."""
    angle, radius = number * 2.399963, spread_m * np.sqrt(number / (number + 20.0)) * 1.5
    spot: NDArray[np.float64] = point_xy_m + radius * np.array([np.cos(angle), np.sin(angle)])
    return spot
