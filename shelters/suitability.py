"""Which sites may be named to people under a set of live dangers, and why not.

A site is out when it is not for these people, unusable, lacks the flag of any danger at that place, lies inside *any*
live area without a refuge above it, waits for its building check after strong shaking, is closed, or HQ asked to send
nobody there. In rain a site that the city does not open first counts as closed until staff say it is open. Missing data
is "unknown", so a blank flag or floor never lets a site in.

Two kinds are open to some only, only where staff said 開設, and only outside every live area (there they need no flag):

- 福祉避難所 and sites kept for named groups: the household whose ward code names that site;
- 一時滞在施設: visitors who can't get home, and not while life is at stake: then the emergency sites, as for everybody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from geodata.areas import points_in_each
from geodata.hazards import HazardKind
from shelters.dangers import RAIN_HAZARDS, Danger
from shelters.hand import NO_HAND, Hand
from shelters.model import Opening
from shelters.sites import HAZARD_COLUMN, OPENINGS, SiteTable
from shelters.sites import opening_of as opening_of  # noqa: PLC0414 (re-exported: pages ask for it here)

Bools = NDArray[np.bool_]


class Verdict(IntEnum):
    """What suitability says of one site; the first two may be named. Of several refusals the highest is said.

    EXCLUDED stands only over what could be named without HQ's word; NOT_PUBLIC is last, so that whatever is below it
    may be spoken of to the people it was judged for.
    """

    FIT = 0  # outside every live area
    UPSTAIRS = 1  # inside an area, with a refuge above it: the advice names the floor
    EXCLUDED = 2  # HQ asked to send nobody there
    CLOSED = 3
    NOT_OPENED = 4  # a site for some only, which staff have not said is open
    UNCHECKED = 5  # after strong shaking, a hall whose building check is not recorded
    IN_AREA = 6
    UNFIT = 7  # not designated for a danger here
    UNUSABLE = 8
    NOT_PUBLIC = 9  # not for these people

    @property
    def may_be_named(self) -> bool:
        """True for what people may be sent to."""
        return self <= Verdict.UPSTAIRS


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """What of a household decides which sites are open to it. welfare: row of the site its ward code names, or -1."""

    visitor: bool = False
    welfare: int = -1


ANYBODY = Who()


def sites_inside(sites: SiteTable, dangers: Sequence[Danger]) -> Bools:
    """(m, k) True where a site lies in, or on the edge of, an area (as issued, not widened)."""
    return points_in_each(sites.xy_m, [one.area_xy_m for one in dangers])


def judge(
    sites: SiteTable,
    dangers: Sequence[Danger],
    inside: Bools,
    live_here: Sequence[int],
    *,
    who: Who = ANYBODY,
    hand: Hand = NO_HAND,
) -> NDArray[np.int8]:
    """(m,) Verdict of every site for people under `live_here` (columns of `dangers`), given `sites_inside`.

    Of `hand` its excluded sites and the shaking count; pins and paused redirects are the plan's matter.
    """
    verdict = np.full(len(sites), Verdict.FIT, dtype=np.int8)
    for value, holds in _refusals(sites, dangers, inside, [dangers[k] for k in live_here], who, hand):
        verdict[holds] = value  # the later, the heavier
    return verdict


def _refusals(  # noqa: PLR0917 - the arguments of `judge`
    sites: SiteTable, dangers: Sequence[Danger], inside: Bools, here: Sequence[Danger], who: Who, hand: Hand
) -> Iterator[tuple[Verdict, Bools]]:
    """Every verdict with the (m,) sites it holds for, in the order of `Verdict`."""
    in_any, above_all = _in_areas(sites, dangers, inside)
    closed, opened = is_closed(sites, [one.hazard for one in here]), sites.opened_by_staff
    open_to = _open_to(sites, who, here)
    for_some = open_to & ~sites.public
    fit = np.ones(len(sites), dtype=np.bool_)
    for hazard in {one.hazard for one in here}:
        fit &= fit_for(sites, hazard)
    fit |= open_to & ~in_any & (opened | for_some)
    yield Verdict.UPSTAIRS, in_any
    yield Verdict.EXCLUDED, np.array([one.site_id in hand.excluded for one in sites.sites], dtype=np.bool_)
    yield Verdict.CLOSED, closed
    yield Verdict.NOT_OPENED, for_some & ~opened & ~closed
    yield Verdict.UNCHECKED, is_unchecked(sites, hand) & ~_wave_refuges(sites, dangers, inside, here)
    yield Verdict.IN_AREA, in_any & ~(above_all & (fit | sites.public))
    yield Verdict.UNFIT, ~fit & ~(for_some & in_any)
    yield Verdict.UNUSABLE, sites.opening == OPENINGS.index(Opening.UNUSABLE)
    yield Verdict.NOT_PUBLIC, ~sites.public & ~for_some


def _in_areas(sites: SiteTable, dangers: Sequence[Danger], inside: Bools) -> tuple[Bools, Bools]:
    """(m,) inside any live area, whoever it concerns; and with a refuge above every one it is inside."""
    in_any, above_all = np.zeros(len(sites), np.bool_), np.ones(len(sites), np.bool_)
    for column, danger in enumerate(dangers):
        in_any |= inside[:, column]
        above_all &= ~inside[:, column] | has_refuge_above(sites, danger.hazard)
    return in_any, above_all


def _open_to(sites: SiteTable, who: Who, here: Sequence[Danger]) -> Bools:
    """(m,) True where these people may come although the public may not: see the head of this module."""
    open_to = np.zeros(len(sites), dtype=np.bool_)
    if who.visitor and not any(one.life_at_stake for one in here):
        open_to |= sites.temporary_stay
    if who.welfare >= 0:
        open_to[who.welfare] = True
    return open_to


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


def is_unchecked(sites: SiteTable, hand: Hand) -> Bools:
    """(m,) True for halls without a building check since the strong shaking (応急危険度判定); open ground needs none.

    A check made before the shaking says nothing of it.
    """
    if hand.shaken_at_s is None:
        return np.zeros(len(sites), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        checked = sites.checked_at_s >= hand.shaken_at_s  # nan: never
    return ~sites.outdoor & ~checked


def _wave_refuges(
    sites: SiteTable, dangers: Sequence[Danger], inside: Bools, here: Sequence[Danger]
) -> Bools:
    """(m,) refuges above a wave that threatens these people: they do not wait for the building check.

    The wave may follow the shaking within the hour and a check takes longer, so waiting would leave the tower stairs
    and nothing else. What is designated for refuge above a tsunami had to be built to stand the quake before it (the
    structure asked of 指定緊急避難場所). A hall outside the area waits: there is ground to stand on beside it.
    """
    if not any(one.is_tsunami for one in here):
        return np.zeros(len(sites), dtype=np.bool_)
    in_wave = inside[:, [k for k, one in enumerate(dangers) if one.is_tsunami]].any(axis=1)
    return in_wave & fit_for(sites, HazardKind.TSUNAMI) & has_refuge_above(sites, HazardKind.TSUNAMI)


def named_floor(sites: SiteTable, row: int, hazards: Sequence[HazardKind]) -> HazardKind | None:
    """Of the dangers here, the one whose published floor at this site is the highest; None where none is."""
    ranked = [(int(sites.floor[row, HAZARD_COLUMN[one]]), one) for one in hazards]
    best = max(ranked, key=lambda pair: pair[0], default=(0, None))
    return best[1] if best[0] > 0 else None
