"""Why each was told what he or she was told, as reason codes. Each code has one sentence in every language."""

import numpy as np
from numpy.typing import NDArray

from shelters.advice import reason_bits
from shelters.model import Action, Opening, ReasonCode
from shelters.plan import PlanInput
from shelters.sites import OPENINGS
from shelters.suitability import Verdict
from shelters.triage import ACTIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PASSED = {
    Verdict.CLOSED: ReasonCode.PASSED_NEARER_CLOSED,
    Verdict.IN_AREA: ReasonCode.PASSED_NEARER_IN_AREA,
    Verdict.UNFIT: ReasonCode.PASSED_NEARER_UNFIT,
}


def reasons_for(
    problem: PlanInput,
    *,
    rows: Ints,
    main: NDArray[np.int32],
    action: NDArray[np.int8],
    site: Ints,
    walk: Floats,
    verdict: NDArray[np.int8],
    late: NDArray[np.bool_],
    no_seats: NDArray[np.bool_],
    passed_full: NDArray[np.bool_],
) -> Ints:
    """(r,) reason bits. walk and verdict are (r, m); everything else (r,)."""
    bits = np.zeros(len(rows), dtype=np.int64)
    for n, row in enumerate(rows):
        what = ACTIONS[action[n]]
        why = _why_action(problem, what, int(row), int(main[n]), late=bool(late[n]))
        if what in (Action.GO, Action.REFUGE, Action.PREPARE):
            if site[n] < 0:
                why.append(ReasonCode.NO_SEATS_LEFT if no_seats[n] else ReasonCode.NO_SITE)
            else:
                why += _why_site(problem, int(site[n]), walk[n], verdict[n])
        if passed_full[n]:
            why.append(ReasonCode.PASSED_NEARER_FULL)
        bits[n] = reason_bits(*why)
    return bits


def _why_action(
    problem: PlanInput, what: Action, row: int, danger_row: int, *, late: bool
) -> list[ReasonCode]:
    danger, why = problem.dangers[danger_row], []
    if what is Action.UP:
        why += (
            [ReasonCode.LEVEL5_STAY_INSIDE]
            if danger.level == 5
            else [ReasonCode.HIGHER_NOW, ReasonCode.NO_SITE]
        )
    if what is Action.STAY:
        why.append(ReasonCode.ABOVE_WATER)
    if what is Action.INLAND:
        why.append(ReasonCode.INLAND_FIRST)
    if what is Action.PREPARE:
        why.append(ReasonCode.PREPARE_NOW)
    # An unknown pace may be a slow one: PREPARE_NOW itself says "leave now if anybody needs time".
    if danger.level == 3 and what is Action.GO:
        why.append(ReasonCode.NEEDS_TIME)
    if danger.is_tsunami and not danger.advisory and late:
        why += [ReasonCode.TIME_UNKNOWN] if danger.expected_arrival_s is None else []
        why += [ReasonCode.HIGHER_NOW] if what is Action.REFUGE else []
    return why


def _why_site(problem: PlanInput, site: int, walk: Floats, verdict: NDArray[np.int8]) -> list[ReasonCode]:
    inside = verdict[site] == Verdict.UPSTAIRS
    why = [ReasonCode.FLOOR_ABOVE if inside else ReasonCode.OUTSIDE_AREA]
    public = np.where(verdict < Verdict.NOT_PUBLIC, walk, np.inf)
    nearest = int(public.argmin())
    if walk[site] <= public[nearest]:
        why.append(ReasonCode.NEAREST_FIT)
    elif Verdict(int(verdict[nearest])) in _PASSED:
        why.append(_PASSED[Verdict(int(verdict[nearest]))])
    if OPENINGS[problem.sites.opening[site]] is Opening.EXPECTED:
        why.append(ReasonCode.OPENING_UNCONFIRMED)
    if problem.sites.seats_assumed[site]:
        why.append(ReasonCode.SEATS_ASSUMED)
    return why
