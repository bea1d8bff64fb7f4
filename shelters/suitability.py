"""Which sites may be named to people under a set of live dangers, and why not.

A site is out when it is not for the public; lacks the flag of any danger at that place; lies inside *any*
live area without a refuge above it; or is closed. In rain a site that the city does not open first counts as
closed until staff say it is open. Missing data is "unknown", so a blank flag or floor never lets a site in.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from geodata.areas import points_in_each
from geodata.hazards import HazardKind
from shelters.dangers import RAIN_HAZARDS, Danger
from shelters.model import Opening
from shelters.sites import HAZARD_COLUMN, OPENINGS, SiteTable
from shelters.sites import opening_of as opening_of  # noqa: PLC0414 (re-exported: pages ask for it here)

Bools = NDArray[np.bool_]


class Verdict(IntEnum):
    """What suitability says of one site; the first two may be named."""

    FIT = 0  # outside every live area
    UPSTAIRS = 1  # inside an area, with a refuge above it: the advice names the floor
    CLOSED = 2
    IN_AREA = 3
    UNFIT = 4
    NOT_PUBLIC = 5


def sites_inside(sites: SiteTable, dangers: Sequence[Danger]) -> Bools:
    """(m, k) True where a site lies in, or on the edge of, an area (as issued, not widened)."""
    return points_in_each(sites.xy_m, [one.area_xy_m for one in dangers])


def judge(
    sites: SiteTable, dangers: Sequence[Danger], inside: Bools, live_here: Sequence[int]
) -> NDArray[np.int8]:
    """(m,) Verdict of every site for people under `live_here` (columns of `dangers`), given `sites_inside`."""
    verdict = np.full(len(sites), Verdict.FIT, dtype=np.int8)
    in_any, above_all = np.zeros(len(sites), np.bool_), np.ones(len(sites), np.bool_)
    for column, danger in enumerate(dangers):
        in_any |= inside[:, column]
        above_all &= ~inside[:, column] | has_refuge_above(sites, danger.hazard)
    verdict[in_any] = Verdict.UPSTAIRS
    verdict[is_closed(sites, [dangers[k].hazard for k in live_here])] = Verdict.CLOSED
    verdict[in_any & ~above_all] = Verdict.IN_AREA
    for hazard in {dangers[k].hazard for k in live_here}:
        verdict[~fit_for(sites, hazard)] = Verdict.UNFIT
    verdict[~sites.public] = Verdict.NOT_PUBLIC
    return verdict


def fit_for(sites: SiteTable, hazard: HazardKind) -> Bools:
    """(m,) True where the flag is published. 内水氾濫 falls back to 洪水 where no site carries it at all."""
    flags: Bools = sites.flags[:, HAZARD_COLUMN[hazard]]
    if hazard is HazardKind.INLAND_FLOOD and not (flags & sites.public).any():
        flags = sites.flags[:, HAZARD_COLUMN[HazardKind.FLOOD]]
    return flags


def has_refuge_above(sites: SiteTable, hazard: HazardKind) -> Bools:
    """(m,) True where refuge inside the area counts: a published upper floor, or built for its height (tsunami).

    Never for a landslide: an upper floor at the foot of a slope is no destination.
    """
    if hazard is HazardKind.LANDSLIDE:
        return np.zeros(len(sites), dtype=np.bool_)
    upstairs: Bools = sites.floor[:, HAZARD_COLUMN[hazard]] >= 2
    return upstairs | sites.raised if hazard is HazardKind.TSUNAMI else upstairs


def is_closed(sites: SiteTable, hazards: Sequence[HazardKind]) -> Bools:
    """(m,) True where nobody may be sent for the door's sake."""
    excluded = [n for n, one in enumerate(OPENINGS) if one.excludes]
    closed = np.isin(sites.opening, excluded)
    if RAIN_HAZARDS.intersection(hazards):
        closed |= sites.not_first_in_rain & (sites.opening != OPENINGS.index(Opening.OPEN))
    return closed


def named_floor(sites: SiteTable, row: int, hazards: Sequence[HazardKind]) -> HazardKind | None:
    """Of the dangers here, the one whose published floor at this site is the highest; None where none is."""
    ranked = [(int(sites.floor[row, HAZARD_COLUMN[one]]), one) for one in hazards]
    best = max(ranked, key=lambda pair: pair[0], default=(0, None))
    return best[1] if best[0] > 0 else None
