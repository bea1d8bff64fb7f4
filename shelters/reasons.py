"""Why each was told what he or she was told, as reason codes. Each code has one sentence in every language."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters import facets, triage
from shelters.advice import reason_bits
from shelters.answers import Answers
from shelters.assignment import KEEP_UNLESS_BETTER
from shelters.classes import Classes
from shelters.model import Action, Opening, ReasonCode
from shelters.plan import PlanInput
from shelters.refusals import reason_of
from shelters.sites import OPENINGS
from shelters.suitability import Verdict
from shelters.triage import ACTION_ROW

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_GO, _REFUGE, _INLAND = ACTION_ROW[Action.GO], ACTION_ROW[Action.REFUGE], ACTION_ROW[Action.INLAND]
_PREPARE = ACTION_ROW[Action.PREPARE]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """(r,) what the reasons are read from. own: what costs least; baseline: the nearest that may be named; spoken: the
    nearest of all that are for these people, whatever speaks against it."""

    action: NDArray[np.int8]
    site: Ints
    walk_m: Floats
    no_seats: Bools
    own_site: Ints
    own_m: Floats
    price_m: Floats  # what the site costs, as own_m counts
    baseline: Ints
    baseline_m: Floats
    spoken: Ints
    spoken_m: Floats


def reasons_for(problem: PlanInput, classes: Classes, answers: Answers, figures: Figures) -> Ints:
    """(r,) reason bits."""
    bits = np.zeros(len(classes.rows), dtype=np.int64)
    for rows in classes.members:
        if len(rows):
            _why_action(problem, classes, answers, figures, rows, bits)
    _why_site(problem, classes, answers, figures, bits)
    return bits


def _why_action(  # noqa: PLR0917 - one class of the plan's arrays
    problem: PlanInput, classes: Classes, answers: Answers, figures: Figures, rows: Ints, bits: Ints
) -> None:
    danger = problem.dangers[int(classes.main[rows[0]])]
    level5 = danger.level == 5
    up = (ReasonCode.LEVEL5_STAY_INSIDE,) if level5 else (ReasonCode.HIGHER_NOW, ReasonCode.NO_SITE)
    by_action = {
        Action.UP: up,
        Action.STAY: (ReasonCode.ABOVE_WATER, ReasonCode.STAY_NEEDS),
        Action.INLAND: (),  # below: only where there is time
        Action.PREPARE: (ReasonCode.PREPARE_NOW,),
        # An unknown pace may be a slow one: PREPARE_NOW itself says "leave now if anybody needs time".
        Action.GO: (ReasonCode.NEEDS_TIME,) if danger.level == 3 else (),
        Action.REFUGE: (ReasonCode.NEEDS_TIME,) if danger.level == 3 else (),
    }
    table = np.array([reason_bits(*by_action[one]) for one in triage.ACTIONS], dtype=np.int64)
    bits[rows] |= table[figures.action[rows]]
    early = triage.leaves_for_power(danger, problem.people, classes.rows[rows], problem.blur_m)
    if early.any():
        early &= np.isin(figures.action[rows], (_GO, _REFUGE))
        _add(bits, rows[early], ReasonCode.POWER_EARLY)
    if danger.is_tsunami and not danger.advisory:
        late = rows[answers.late[rows]]
        if danger.expected_arrival_s is None:
            _add(bits, late, ReasonCode.TIME_UNKNOWN)
        _add(bits, late[figures.action[late] == _REFUGE], ReasonCode.HIGHER_NOW)
        timely = rows[~answers.late[rows]]
        _add(bits, timely[figures.action[timely] == _INLAND], ReasonCode.INLAND_FIRST)


def _why_site(problem: PlanInput, classes: Classes, answers: Answers, figures: Figures, bits: Ints) -> None:
    goes = np.isin(figures.action, (_GO, _REFUGE, _PREPARE))
    none = np.flatnonzero(goes & (figures.site < 0))
    _add(bits, none[figures.no_seats[none]], ReasonCode.NO_SEATS_LEFT)
    _add(bits, none[~figures.no_seats[none]], ReasonCode.NO_SITE)
    rows = np.flatnonzero(goes & (figures.site >= 0))
    site, walk_m = figures.site[rows], figures.walk_m[rows]
    verdict = classes.verdict[classes.of[rows], site]
    bits[rows] |= np.where(
        verdict == Verdict.UPSTAIRS,
        reason_bits(ReasonCode.FLOOR_ABOVE),
        reason_bits(ReasonCode.OUTSIDE_AREA),
    )
    nearest = ~(walk_m > figures.spoken_m[rows])
    _add(bits, rows[nearest], ReasonCode.NEAREST_FIT)
    _why_not_nearer(classes, figures, rows[~nearest], bits)
    bits[rows] |= _of_sites(problem)[site]
    own = figures.own_site[rows]
    is_pin = answers.pinned[rows] & (site == answers.reach.prefer[rows])
    _add(bits, rows[is_pin], ReasonCode.PINNED)
    if problem.welfare is not None:
        _add(bits, rows[(problem.welfare[classes.rows[rows]] == site)], ReasonCode.WELFARE_CODE)
    stays = answers.told_site[rows] == site
    full = (own >= 0) & (own != site) & (answers.reach.prefer[rows] != site) & ~(stays & answers.keeps[rows])
    # Who was told keeps it unless another is clearly nearer: only such a one was passed for want of seats.
    gap = np.where(stays, KEEP_UNLESS_BETTER, 1.0)
    _add(
        bits, rows[full & (figures.own_m[rows] < gap * figures.price_m[rows])], ReasonCode.PASSED_NEARER_FULL
    )
    if problem.hand.redirects_paused:
        held = stays & ((own != site) | (verdict == Verdict.EXCLUDED))
        _add(bits, rows[held], ReasonCode.REDIRECTS_PAUSED)
    _why_facility(problem, classes, figures, goes & (figures.site >= 0), bits)
    _say_lost(problem, classes, answers, figures, rows, bits)


def _why_not_nearer(classes: Classes, figures: Figures, rows: Ints, bits: Ints) -> None:
    """The nearest site of all is another: what spoke against it, where something did."""
    table = np.zeros(len(Verdict), dtype=np.int64)
    for verdict in Verdict:
        code = reason_of(verdict)
        table[verdict] = reason_bits(code) if code is not None else 0
    bits[rows] |= table[classes.verdict[classes.of[rows], figures.spoken[rows]]]


def _of_sites(problem: PlanInput) -> Ints:
    """(m,) what is to be said of each site itself."""
    sites = problem.sites
    bits = np.zeros(len(sites), dtype=np.int64)
    bits[sites.opening == OPENINGS.index(Opening.EXPECTED)] |= reason_bits(ReasonCode.OPENING_UNCONFIRMED)
    bits[sites.seats_assumed] |= reason_bits(ReasonCode.SEATS_ASSUMED)
    bits[sites.temporary_stay & ~sites.public] |= reason_bits(ReasonCode.TEMPORARY_STAY)
    if problem.hand.shaken_at_s is not None:
        bits[sites.outdoor] |= reason_bits(ReasonCode.OUTDOOR_FIRST)
    return bits


def _why_facility(problem: PlanInput, classes: Classes, figures: Figures, named: Bools, bits: Ints) -> None:
    for number, needs in enumerate(classes.needs.tolist()):
        if not needs:
            continue
        mine = classes.members[number]
        mine = mine[named[mine]]
        state, extra = facets.state(problem.sites, needs), facets.extra_m(problem.sites, needs)
        site, near = figures.site[mine], figures.baseline[mine]
        _add(bits, mine[state[site] == facets.MISSING], ReasonCode.FACILITY_MISSING)
        _add(bits, mine[state[site] == facets.UNKNOWN], ReasonCode.FACILITY_UNKNOWN)
        passed = (near >= 0) & (near != site) & (figures.baseline_m[mine] < figures.walk_m[mine])
        passed[passed] = extra[near[passed]] > extra[site[passed]]
        _add(bits, mine[passed], ReasonCode.PASSED_NEARER_FACILITY)


def _say_lost(  # noqa: PLR0917 - one class of the plan's arrays
    problem: PlanInput, classes: Classes, answers: Answers, figures: Figures, rows: Ints, bits: Ints
) -> None:
    """Told before to go to a site that can't be used any more, or that HQ has left out since."""
    at = classes.rows[rows]
    told = problem.told.site[at]
    moved = np.flatnonzero((told >= 0) & (told != figures.site[rows]))
    told, rows, at = told[moved], rows[moved], at[moved]
    unusable = problem.sites.opening[told] == OPENINGS.index(Opening.UNUSABLE)
    _add(bits, rows[unusable], ReasonCode.SITE_FAILED)
    # Whatever else was passed on the way there: this is why the destination changed.
    with np.errstate(invalid="ignore"):
        nearer = problem.told.walk_s[at] < figures.walk_m[rows] / answers.speed_mps[rows]
    excluded = classes.verdict[classes.of[rows], told] == Verdict.EXCLUDED
    _add(bits, rows[excluded & nearer], ReasonCode.PASSED_NEARER_EXCLUDED)


def _add(bits: Ints, rows: Ints, code: ReasonCode) -> None:
    bits[rows] |= reason_bits(code)
