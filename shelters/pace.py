"""How far a household gets in a given time. Figures are arguments; their sources stand in the settings."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from geodata.inland import Exits
from shelters.model import Pace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """Walking speeds and delays. Defaults: domain reference §6 (pace of the slowest member)."""

    standard_mps: float = 1.0
    slow_mps: float = 0.5
    unknown_mps: float = 0.75
    night_factor: float = 0.8
    start_delay_day_s: float = 300.0
    start_delay_night_s: float = 600.0
    arrival_margin_s: float = 600.0  # be there this long before the predicted arrival

    def start_delay_s(self, *, night: bool) -> float:
        """Seconds until a household is on its way."""
        return self.start_delay_night_s if night else self.start_delay_day_s

    def speed_mps(self, pace: NDArray[np.int8], *, night: bool) -> Floats:
        """(n,) metres per second for (n,) `Pace` values."""
        by_pace = np.zeros(len(Pace))
        by_pace[Pace.UNKNOWN], by_pace[Pace.STANDARD], by_pace[Pace.SLOW] = (
            self.unknown_mps,
            self.standard_mps,
            self.slow_mps,
        )
        speed: Floats = by_pace[pace] * (self.night_factor if night else 1.0)
        return speed


class WalkDistances(Protocol):
    """Where walking distances come from: the road network, or the straight line where none was imported.

    A way uphill or up stairs counts for as many level metres as take the same time; what people are told is the real
    length, and the time.
    """

    @property
    def about(self) -> bool:
        """True when distances are estimates, so that the advice says "about"."""

    def metres(self, from_xy_m: Floats, to_xy_m: Floats) -> Floats:
        """(n, m) level metres from (n, 2) to (m, 2): metres / speed = seconds; inf where there is no way."""

    def lengths(self, from_xy_m: Floats, to_xy_m: Floats, to: Ints, level_m: Floats) -> Floats:
        """(n,) real metres from each row to row `to` of (m, 2), -1 = none; level_m: (n,) what `metres` gave for it."""


@runtime_checkable
class KnowsInland(Protocol):
    """Walks that know the way out of the tsunami areas in force: the straight line may lead over a river."""

    def inland(self, from_xy_m: Floats) -> Exits:
        """For (n, 2) places the exit and the walking metres to it; nan and inf where there is none."""


@dataclass(frozen=True, slots=True)
class StraightLine:
    """Straight line × detour factor (1.5: domain reference §6)."""

    detour_factor: float = 1.5

    @property
    def about(self) -> bool:
        """Always an estimate."""
        return True

    def metres(self, from_xy_m: Floats, to_xy_m: Floats) -> Floats:
        """(n, m) walking metres, estimated."""
        gap = from_xy_m[:, None, :] - to_xy_m[None, :, :]
        walk: Floats = np.hypot(gap[..., 0], gap[..., 1]) * self.detour_factor
        return walk

    def lengths(self, from_xy_m: Floats, to_xy_m: Floats, to: Ints, level_m: Floats) -> Floats:
        """The same: a straight line knows no hills."""
        return level_m
