"""Who of those told to go somewhere stands in its head count, and who is still on the way and holds a seat beside it.

The clock says who should have been there when heads were counted; the count says how many can have been. People leave
later than they should, so the clock alone would free seats of people who are still coming, and give them away twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shelters.ledger import Told, sets_out

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_LONGEST_S = np.uint16(65_534)


def in_the_count(
    told: Told, persons: Ints, holds_seat: Bools, *, counted_at_s: Floats, present: Ints, late_start_s: float
) -> Bools:
    """(n,) True where the row's heads are inside its site's count.

    Whoever answered "arrived" before the count is in it. Of the others who should have been there by then (decided +
    late start + walk), the first by that time in seconds, as long as the count has heads left for their whole party;
    ties break by row. Only rows that hold a seat use heads up. Who was only told to prepare has not left.

    persons, holds_seat: (n,). counted_at_s: (m,), nan = silent. present: (m,) heads, -1 = silent.
    """
    inside = np.zeros(len(told.site), dtype=np.bool_)
    if not len(counted_at_s):
        return inside
    left = sets_out(told) | ~np.isnan(told.arrived_s)
    going = np.flatnonzero((told.site >= 0) & ~told.declined & left)
    site, arrived_s = told.site[going], told.arrived_s[going]
    answered = ~np.isnan(arrived_s)
    due_s = np.where(answered, arrived_s, told.decided_s[going] + late_start_s + told.walk_s[going])
    with np.errstate(invalid="ignore"):
        due = due_s <= counted_at_s[site]
    going, site, answered, due_s = going[due], site[due], answered[due], due_s[due]
    heads = np.where(holds_seat[going], persons[going], 0).astype(np.int64)
    inside[going] = True
    # Where all who are due can have been counted there is nothing to choose.
    short = np.bincount(site, weights=heads, minlength=len(present)) > present
    rest = np.flatnonzero(short[site])
    # Sixteen bits are sorted by counting: whole seconds before the count, all of 18 hours and more alike.
    early_s = np.clip(counted_at_s[site[rest]] - due_s[rest], 0, _LONGEST_S).astype(np.uint16)
    first = rest[np.argsort(np.where(answered[rest], 0, _LONGEST_S + 1 - early_s), kind="stable")]
    narrow = np.uint16 if len(present) < 1 << 16 else np.int64
    order = first[np.argsort(site[first].astype(narrow), kind="stable")]
    site, so_far = site[order], np.cumsum(heads[order])
    starts = np.flatnonzero(np.diff(site, prepend=-1))
    before = np.repeat(so_far[starts] - heads[order][starts], np.diff(starts, append=len(site)))
    inside[going[order]] = answered[order] | (so_far - before <= present[site])
    return inside
