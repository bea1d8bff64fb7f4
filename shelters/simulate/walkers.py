"""Who the people are: what each household will do whatever it is told. Drawn once, the same for both runs."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from shelters.model import Pace
from shelters.pace import Pacing
from shelters.simulate.scenario import WalkerRules

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Manner(IntEnum):
    """What a household does when an order comes."""

    COMPLIES = 0  # goes where it is told; without a phone with us there is nobody who tells
    NEAREST = 1  # to the nearest site it knows
    ELSEWHERE = 2  # to relatives, a hotel, away by car
    STAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walkers:
    """(n,) households. speed_mps: as they truly walk; delay_s: from hearing to the door; pace: as registered."""

    subscribed: Bools
    manner: NDArray[np.int8]
    pace: NDArray[np.int8]
    speed_mps: Floats
    delay_s: Floats
    notices: Bools
    answers: Bools

    def __len__(self) -> int:
        return len(self.subscribed)


def draw_walkers(
    rng: np.random.Generator, slow_fraction: Floats, rules: WalkerRules, pacing: Pacing, *, night: bool
) -> Walkers:
    """slow_fraction: (n,) how likely each household is slow, which depends on who lives there."""
    count = len(slow_fraction)
    pace = np.where(rng.random(count) < slow_fraction, Pace.SLOW, Pace.STANDARD).astype(np.int8)
    speed = pacing.speed_mps(pace, night=night) * np.exp(rng.normal(0.0, rules.speed_spread, count))
    pace[rng.random(count) < rules.unknown_pace_fraction] = Pace.UNKNOWN  # they did not say
    subscribed = rng.random(count) < rules.subscribed_fraction
    own = rng.choice([Manner.NEAREST, Manner.ELSEWHERE, Manner.STAYS], size=count, p=rules.own_way)
    complies = rng.random(count) < rules.comply_fraction
    # An order reaches everybody (sirens, mail to every phone in the area); the place to go to, only subscribers.
    obeys = np.where(subscribed, Manner.COMPLIES, Manner.NEAREST)
    return Walkers(
        subscribed=subscribed,
        manner=np.where(complies, obeys, own).astype(np.int8),
        pace=pace,
        speed_mps=speed,
        delay_s=np.maximum(
            rules.start_least_s, rules.start_median_s * np.exp(rng.normal(0.0, rules.start_spread, count))
        ),
        notices=rng.random(count) < rules.notices_fraction,
        answers=rng.random(count) < rules.answers_fraction,
    )
