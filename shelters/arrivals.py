"""When the people sent to each site would be there, reckoned from leaving and walking: never a forecast.

decided ─▶ leaving (spread over time) ─▶ walking ─▶ there: heads per site at each step of the next hours

Some leave late and some walk far, so not everybody is there at the last step: `later` has the rest, and for every
site the last step and the rest make up its persons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.errors import LengthsDiffer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP_S = 600.0
STEPS = 18
"""Three hours by ten minutes."""

_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """How people leave after they were told: nobody before `first_s`, half by `half_s`, ever fewer after that.

    The share gone t seconds after `first_s` is 1 - 2^-(t / (half_s - first_s))²: slow at first, then most, then a
    long end (a Rayleigh curve through the two figures).
    """

    first_s: float = 120.0
    half_s: float = 1200.0

    def __post_init__(self) -> None:
        if not 0 <= self.first_s < self.half_s:
            raise ValueError(
                f"half_s ({self.half_s}) must be later than first_s ({self.first_s}), both from 0"
            )

    def share_gone(self, after_s: Floats) -> Floats:
        """The share, 0 to 1, of people on their way `after_s` seconds after they were told; of any shape."""
        spread = np.maximum(np.asarray(after_s, dtype=np.float64) - self.first_s, 0.0) / (
            self.half_s - self.first_s
        )
        share: Floats = 1.0 - np.exp2(-np.minimum(spread * spread, 1000.0))
        return share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """(m, steps + 1) persons there by each step from now on, the first being now; (m,) persons who come later still."""

    there: Floats
    later: Floats
    step_s: float = STEP_S

    def fills_after_s(self, free: Floats) -> Floats:
        """(m,) seconds until more than the (m,) free seats are taken, a straight line between steps; nan = not yet."""
        free = np.maximum(np.asarray(free, dtype=np.float64), 0.0)
        if len(free) != len(self.there):
            raise LengthsDiffer("free", len(self.there), len(free))
        over = self.there > free[:, None]
        first = over.argmax(axis=1)
        rows = np.arange(len(free))
        before, after = self.there[rows, np.maximum(first - 1, 0)], self.there[rows, first]
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(first > 0, (free - before) / (after - before), 0.0)
        when = (np.maximum(first - 1, 0) + part) * self.step_s
        return np.where(over.any(axis=1), when, np.nan)


def arrivals(
    site: Ints,
    walk_s: Floats,
    persons: Floats,
    told_ago_s: Floats,
    *,
    sites: int,
    leaving: Leaving,
    step_s: float = STEP_S,
    steps: int = STEPS,
) -> Arrivals:
    """(r,) parties sent to a site (-1 = to none): their walk, persons (fractions are expected values), and how long
    ago they were told (0 = now). Whoever should long be there is there from the first step.

    Raises LengthsDiffer.
    """
    for name, values in (("walk_s", walk_s), ("persons", persons), ("told_ago_s", told_ago_s)):
        if len(values) != len(site):
            raise LengthsDiffer(name, len(site), len(values))
    at_s = np.arange(steps + 1) * step_s
    there = np.zeros((sites, steps + 1))
    named = np.flatnonzero((site >= 0) & np.isfinite(walk_s))
    total = np.bincount(site[named], weights=persons[named], minlength=sites).astype(np.float64)
    for begin in range(0, len(named), _ROWS_AT_ONCE):
        rows = named[begin : begin + _ROWS_AT_ONCE]
        since = (told_ago_s[rows] - walk_s[rows])[:, None] + at_s[None, :]
        heads = persons[rows, None] * leaving.share_gone(since)
        for step in range(steps + 1):
            there[:, step] += np.bincount(site[rows], weights=heads[:, step], minlength=sites)
    # Adding up in floating point may leave a step a hair below the one before it.
    there = np.minimum(np.maximum.accumulate(there, axis=1), total[:, None])
    return Arrivals(there=there, later=total - there[:, -1], step_s=step_s)
