"""How far a household gets in a given time. Figures are arguments; their sources stand in the settings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.model import Pace

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class StraightLine:
    """Straight line × detour factor (1.5: domain reference §6): how far it is where no roads are known."""

    detour_factor: float = 1.5
