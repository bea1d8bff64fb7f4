"""Which sites the city opens for what is in force, by its own rules. A rule expects; only staff's word opens a door.

rules (settings, one per hazard) + dangers in force ─▶ expected_to_open ─▶ please_open: the calls HQ still has to make

No rule shuts a site out: that is `suitability`'s, with the one rule of the list itself (大雨時に初動で開設しません).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.hazards import HazardKind
from shelters.dangers import RAIN_HAZARDS, Danger
from shelters.hand import NO_HAND, Hand
from shelters.model import DesignationKind, Opening
from shelters.sites import OPENINGS, SiteTable
from shelters.suitability import Verdict, is_unchecked, judge, sites_inside

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Where(StrEnum):
    """How far a rule reaches."""

    CITY = "city"  # everywhere
    WARDS = "wards"  # the wards the area reaches into
    AROUND = "around"  # inside the area and within `near_m` of it


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRule:
    """What is opened for one hazard. near_m: metres around the area; with WARDS, how far off sites still tell wards."""

    kinds: frozenset[DesignationKind]
    where: Where
    near_m: float = 0.0


OpeningRules = Mapping[HazardKind, OpeningRule]


def expected_to_open(
    sites: SiteTable, dangers: Sequence[Danger], rules: OpeningRules, hand: Hand = NO_HAND
) -> Bools:
    """(m,) True where the rules say that the city opens the site for what is in force now.

    Strong shaking that HQ recorded counts as an earthquake, ordered or not. A 津波注意報 clears the shore and opens
    nothing. What is not opened first in rain is not expected in rain.
    """
    expected = np.zeros(len(sites), dtype=np.bool_)
    rain = np.zeros(len(sites), dtype=np.bool_)
    for danger in dangers:
        rule = rules.get(danger.hazard)
        if rule is None or danger.advisory:
            continue
        found = _of_kinds(sites, rule.kinds) & _reached(sites, danger, rule)
        if danger.hazard in RAIN_HAZARDS:
            rain |= found
        else:
            expected |= found
    shaken = rules.get(HazardKind.EARTHQUAKE)
    if hand.shaken_at_s is not None and shaken is not None:
        expected |= _of_kinds(sites, shaken.kinds)
    return expected | (rain & ~sites.not_first_in_rain)


def please_open(
    sites: SiteTable, dangers: Sequence[Danger], rules: OpeningRules, hand: Hand = NO_HAND
) -> Ints:
    """Rows of sites that should be open by the rules, could take people in, and of which staff have said nothing yet.

    A site that staff closed is their decision, and one that may be named to nobody would be opened for nothing.
    """
    inside = sites_inside(sites, dangers)
    useful = np.zeros(len(sites), dtype=np.bool_)
    for column in range(len(dangers)):
        useful |= judge(sites, dangers, inside, [column], hand=hand) <= Verdict.UPSTAIRS
    if not dangers and hand.shaken_at_s is not None:
        useful |= judge(sites, dangers, inside, [], hand=hand) <= Verdict.UPSTAIRS
    unsaid = sites.opening == OPENINGS.index(Opening.EXPECTED)
    return np.flatnonzero(expected_to_open(sites, dangers, rules, hand) & useful & unsaid)


def please_check(sites: SiteTable, hand: Hand) -> Ints:
    """Rows of 指定避難所 that wait for their building check since the shaking, and are not known to be out of use."""
    usable = sites.opening != OPENINGS.index(Opening.UNUSABLE)
    return np.flatnonzero(is_unchecked(sites, hand) & sites.shelter & sites.public & usable)


def _of_kinds(sites: SiteTable, kinds: frozenset[DesignationKind]) -> Bools:
    """(m,) public sites with a designation of one of these kinds that is not kept for some."""
    return np.array(
        [any(d.kind in kinds and not d.restricted_to for d in one.designations) for one in sites.sites],
        dtype=np.bool_,
    )


def _reached(sites: SiteTable, danger: Danger, rule: OpeningRule) -> Bools:
    if rule.where is Where.CITY or not len(sites):
        return np.ones(len(sites), dtype=np.bool_)
    points = np.atleast_1d(np.asarray(shapely.points(sites.xy_m), dtype=object))
    away_m: NDArray[np.float64] = np.asarray(shapely.distance(points, danger.area_xy_m))
    near = away_m <= rule.near_m
    if rule.where is Where.AROUND:
        return near
    # Which wards an area reaches into is told by the sites in and near it; by the nearest where there is none.
    told = np.flatnonzero(near) if near.any() else np.array([int(away_m.argmin())])
    wards = {sites.sites[row].ward for row in told} - {""}
    return np.array([one.ward in wards for one in sites.sites], dtype=np.bool_)
