"""How much harder a way is than level ground: what slopes, stairs, night and snow do to a walker.

    metres, slope, stairs ─▶ effort (level metres that take as long)      a property of the way
    night, snow           ─▶ speed factor                                 a property of the hour

| what                     | figure                               | source                                        |
|--------------------------|--------------------------------------|-----------------------------------------------|
| slope, all               | exp(3.5·(|s + 0.05| − 0.05)), ≥ 1    | Tobler 1993, hiking function, flat = 1        |
| slope, slow, uphill      | at least 60/43 at 10 %, in between   | 逃げ地図: 43 m/min at 10 % against 60 m/min level |
|                          | and beyond in proportion             | (1.0 m/s, elderly who walk freely)            |
| stairs, level metres     | × 2                                  | FDMA table: frail 0.8 m/s level, 0.4 on stairs |
| stairs, climb            | 0.21 m/s of height at most           | tsunami evacuation guidance, elderly          |
| wheels, stairs           | no way                               |                                               |
| wheels, above 8 %        | × 3, up and down                     | 8 % is the most that 移動等円滑化基準 for roads |
|                          |                                      | allows where the ground forces it; the factor |
|                          |                                      | is ours: go round where it is not much longer |
| night                    | speed × 0.8                          | tsunami evacuation guidance                   |
| snow, debris             | speed × 0.5                          | lower end of 0.5–0.8                          |

Tobler lets a walker gain on a gentle descent (up to 1.19 ×). Nobody is promised that here.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NIGHT_FACTOR = 0.8
SNOW_FACTOR = 0.5
STAIRS_FACTOR = 2.0
STAIRS_CLIMB_MPS = 0.21
FRAIL_SLOPE_FACTOR = 60.0 / 43.0
FRAIL_SLOPE = 0.10
WHEEL_SLOPE = 0.08
WHEEL_SLOPE_FACTOR = 3.0


class Foot(StrEnum):
    """For whom an effort is counted."""

    STANDARD = "standard"
    SLOW = "slow"  # frail, with small children: stairs and slopes cost more
    STEP_FREE = "step_free"  # wheels: no steps at all


LEVEL_SPEED_MPS = {Foot.STANDARD: 1.0, Foot.SLOW: 0.5, Foot.STEP_FREE: 0.5}
"""The level speed a climb on stairs is weighed against; domain reference §6."""


def speed_factor(
    *,
    night: bool = False,
    snow: bool = False,
    night_factor: float = NIGHT_FACTOR,
    snow_factor: float = SNOW_FACTOR,
) -> float:
    """What is left of the level speed by night, in snow or among debris: 1.0 on a clear day."""
    return (night_factor if night else 1.0) * (snow_factor if snow else 1.0)


def slope_factor(slope: ArrayLike, foot: Foot) -> Floats:
    """Level metres for each metre at a slope (rise over run, downhill negative); never below 1. nan counts as level."""
    rise = np.nan_to_num(np.asarray(slope, dtype=np.float64))
    factor: Floats = np.maximum(1.0, np.exp(3.5 * (np.abs(rise + 0.05) - 0.05)))
    if foot is not Foot.STANDARD:
        factor = np.maximum(factor, 1.0 + (FRAIL_SLOPE_FACTOR - 1.0) * np.maximum(rise, 0.0) / FRAIL_SLOPE)
    if foot is Foot.STEP_FREE:
        factor = np.where(np.abs(rise) > WHEEL_SLOPE, factor * WHEEL_SLOPE_FACTOR, factor)
    return factor


def effort_m(length_m: ArrayLike, slope: ArrayLike, steps: ArrayLike, foot: Foot) -> Floats:
    """The level metres that take as long as walking `length_m` at `slope`, on stairs where `steps`.

    All (n,); inf where this foot cannot pass. slope is that of the walking direction.
    """
    length = np.asarray(length_m, dtype=np.float64)
    rise = np.nan_to_num(np.asarray(slope, dtype=np.float64))
    if foot is Foot.STEP_FREE:
        on_stairs: Floats = np.full(length.shape, np.inf)
    else:
        climb_m = length * np.maximum(rise, 0.0)
        on_stairs = np.maximum(STAIRS_FACTOR * length, climb_m / STAIRS_CLIMB_MPS * LEVEL_SPEED_MPS[foot])
    effort: Floats = np.where(np.asarray(steps, dtype=np.bool_), on_stairs, length * slope_factor(rise, foot))
    return effort
