"""People on their way: who still holds a seat at the site named to them. A pure function; nothing decays.

The rule that keeps people from being counted twice: a head count reported for the time T contains

- everybody who answered "arrived" before T, and
- of those who had not answered and should have been there before T (decided + late start + walk), the first ones, as
  long as the count has heads for them (`heads.in_the_count`).

Their seats are in the count. All others who were told to go there, and did not answer that they stay or go
elsewhere, hold a seat beside the count: for as long as it takes, reported or not. A silent site has no
count, so everybody told to go there holds a seat, arrived or not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.model import Action
from shelters.triage import ACTION_ROW

Floats = NDArray[np.float64]

_SETS_OUT = tuple(ACTION_ROW[one] for one in (Action.GO, Action.REFUGE, Action.INLAND))
"""Who was told to prepare is at home, however long ago that was."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """(n,) what each row's subscriber was told last. Times in seconds since 1970, nan = never."""

    site: NDArray[np.int64]  # row of the site table, -1 = none
    action: NDArray[np.int8]  # row of triage.ACTIONS, -1 = nothing that still guides
    decided_s: Floats
    walk_s: Floats
    arrived_s: Floats  # when "arrived" was answered
    declined: NDArray[np.bool_]  # answered: staying, or going elsewhere
    hazard: NDArray[np.int8]  # column of HAZARD_ORDER it was told for, -1 = no longer to the point


def for_hazards(told: Told, hazard: NDArray[np.int8]) -> Told:
    """Only what was told for the hazard that speaks to each row now: (n,) columns of HAZARD_ORDER, -1 = none.

    Whoever was sent somewhere for a flood is decided afresh when a tsunami comes.
    """
    same = (told.hazard == hazard) & (hazard >= 0)
    nothing = (told.site < 0) & (told.action < 0) & (told.hazard < 0) & ~told.declined
    nothing &= np.isnan(told.decided_s) & np.isnan(told.arrived_s)
    if (same | nothing).all():
        return told  # as it is: half the memory of a million people's
    return Told(
        site=np.where(same, told.site, -1),
        action=np.where(same, told.action, -1).astype(np.int8),
        decided_s=np.where(same, told.decided_s, np.nan),
        walk_s=told.walk_s,
        arrived_s=np.where(same, told.arrived_s, np.nan),
        declined=told.declined & same,
        hazard=np.where(same, told.hazard, -1).astype(np.int8),
    )


def of_rows(told: Told, rows: NDArray[np.int64]) -> Told:
    """What the given rows were told."""
    return Told(
        site=told.site[rows],
        action=told.action[rows],
        decided_s=told.decided_s[rows],
        walk_s=told.walk_s[rows],
        arrived_s=told.arrived_s[rows],
        declined=told.declined[rows],
        hazard=told.hazard[rows],
    )


def nobody_told(count: int) -> Told:
    """The ledger before the first message."""
    return Told(
        site=np.full(count, -1, dtype=np.int64),
        action=np.full(count, -1, dtype=np.int8),
        decided_s=np.full(count, np.nan),
        walk_s=np.zeros(count),
        arrived_s=np.full(count, np.nan),
        declined=np.zeros(count, dtype=np.bool_),
        hazard=np.full(count, -1, dtype=np.int8),
    )


def arriving(
    told: Told, now_s: float, late_start_s: float, speed_mps: Floats, within_m: float
) -> NDArray[np.bool_]:
    """(n,) True where somebody told to go somewhere should by now be there, or be within `within_m` of it.

    An estimate from the clock: where people are stays on their phones. late_start_s: by when most have left, after they
    were told; speed_mps: (n,).
    """
    due_s = told.decided_s + late_start_s + told.walk_s - within_m / speed_mps
    with np.errstate(invalid="ignore"):
        near: NDArray[np.bool_] = (due_s <= now_s) & sets_out(told) | ~np.isnan(told.arrived_s)
    return near & (told.action >= 0) & ~told.declined


def sets_out(told: Told) -> NDArray[np.bool_]:
    """(n,) True where somebody was told to leave, not only to prepare."""
    return np.isin(told.action, _SETS_OUT)


def on_their_way(
    told: Told, persons: NDArray[np.int32], is_counted: NDArray[np.bool_], sites: int
) -> NDArray[np.int64]:
    """(m,) persons told to go to each site who are neither in its count nor going elsewhere."""
    going = (told.site >= 0) & ~told.declined & ~is_counted
    return np.bincount(told.site[going], weights=persons[going], minlength=sites).astype(np.int64)
