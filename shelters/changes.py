"""What a plan changes for whom, against what each was told: who must hear of it, and who must not. Pure.

    told nothing, or never reached ─▶ NEWLY                      ─▶ hears now
    the same meaning               ─▶ SAME                       ─▶ hears nothing
    danger up · action more urgent · destination failed ─▶ WORSE ─▶ hears now
    destination full, or left out by HQ          ─▶ BETTER ─▶ hears now
    everything else                ─▶ BETTER ─▶ hears when the last message is ten minutes old, or the order ended

Damped (design, rule 5.8; domain reference §8.5): a site that is merely nearer is no news. Who was sent on once is sent
on again only when that destination fails too. Who is there, or nearly, hears of another site only when his fails. While
HQ pauses redirects nobody is sent elsewhere but from a destination that can't be used any more (closed, unusable, in an
area). Time that has become too short for the way told of, a way that is closed now, or being asked to leave after
preparing, is always news: the same order then asks for something else. Who answered "staying" or "elsewhere" hears
only of a greater danger, of another order that is as bad, or of the end. All of it compares states: what is held back
is told later, if it is still true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from shelters import ledger, suitability
from shelters.advice import reason_bits
from shelters.model import Action, ReasonCode
from shelters.occupancy import seats_with_margin
from shelters.plan import Plan
from shelters.suitability import Verdict, Who
from shelters.triage import ACTIONS

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_MOST_EVERY_S = 600.0
FAR_BEYOND, FAR_BEYOND_S = 1.5, 300.0
"""A walk so many times as long as was told, and so many seconds more, is another walk: night alone is 1.25 times."""
GONE = -2
"""Site of somebody who was told of one that is in no table any more."""

_URGENCY = {Action.STAY: 0, Action.PREPARE: 0, Action.GO: 1, Action.INLAND: 1, Action.REFUGE: 2, Action.UP: 2}
_GO, _PREPARE, _INLAND = (ACTIONS.index(one) for one in (Action.GO, Action.PREPARE, Action.INLAND))
_URGENCIES = np.array([*(_URGENCY[one] for one in ACTIONS), 0])  # the last: no action


class Change(IntEnum):
    """What a plan means for somebody, against what he or she was told."""

    NEWLY = 0
    WORSE = 1
    SAME = 2
    BETTER = 3
    OUT = 4  # was told, and is inside nothing any more: not in the plan (see `left_out`)


class Fate(IntEnum):
    """What became of the site somebody was told of, as far as going there is concerned."""

    FINE = 0
    FULL = 1
    EXCLUDED = 2  # by HQ
    FAILED = 3  # closed, not opened, not checked, not fit for what is in force now
    DANGER = 4  # unusable, or inside an area


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Before:
    """(r,) what the subscriber of each row of the plan was told last. Where nothing stands, the rest means nothing.

    words: a number for what the order says (hazard, kind, level, class): the same number, the same words. floor: the
    same for the floor. severity: larger is worse.
    """

    standing: Bools  # an order or a redirect, of this incident
    lost: Bools  # it never reached the person
    ended: Bools  # its order is not in force any more
    newest: Bools  # it stands on the newest version of its order
    redirected: Bools  # it was a redirect
    declined: Bools  # answered: staying, or going elsewhere
    words: Ints
    severity: Ints
    floor: Ints
    action: NDArray[np.int8]  # row of ACTIONS, -1 = none
    site: Ints  # row of the plan's sites, -1 = none, GONE
    walk_s: Floats
    said_s: Floats
    exit_lost: Bools | None = None  # told to walk inland, and where the area ended is inside one now


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Says:
    """(r,) the same numbers for what the plan would say. None: nobody has another place."""

    words: Ints
    severity: Ints
    floor: Ints
    more_places: Bools | None = (
        None  # another place of the subscriber is inside now, of which nothing was said
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """(r,) what each row of the plan means, and who hears of it.

    restamp: says the same on an older version of its order; it moves to the newest, unheard. held_until_s: when the
    first of those held back for the last message's sake may be told; inf = nobody.
    """

    kind: NDArray[np.int8]  # Change
    tell: Bools
    restamp: Bools
    held_until_s: float
    full: Bools  # is sent on because the seats of the told site are gone; the site itself still stands


def compare(made: Plan, before: Before, says: Says, *, at_most_every_s: float = AT_MOST_EVERY_S) -> Changes:
    """The difference between a plan and what everybody in it was told. People without a phone hear nothing."""
    problem = made.problem
    hears = problem.owner[made.row] >= 0
    newly = ~before.standing | before.lost
    moved = ~newly & (made.site != before.site)
    same_words = before.words == says.words
    more = says.more_places if says.more_places is not None else np.zeros(len(made), dtype=np.bool_)
    # Who stops where the area ended before it grew is still inside: the danger has come nearer.
    more = more | before.exit_lost if before.exit_lost is not None else more
    same = (
        ~newly & same_words & ~moved & (made.action == before.action) & (before.floor == says.floor) & ~more
    )

    fate = _fates(made, before, np.flatnonzero(moved))
    danger_up = (says.severity > before.severity) | more  # danger has reached another place of theirs
    urgent = _URGENCIES[made.action] > _URGENCIES[before.action]
    failed = moved & (fate >= Fate.FAILED)
    known_and_new = ~newly & ~same
    worse = known_and_new & (danger_up | urgent | failed)

    above_all = danger_up | before.ended  # neither damping nor an answer holds it back
    redirect = same_words & moved
    pressing = urgent & (_at_stake(made) | (_URGENCIES[before.action] == 0))
    cut_off = _cut_off(made, before, np.flatnonzero(redirect & ~failed & ~before.redirected))
    is_news = ~redirect | pressing | cut_off | _worth_moving(made, before, fate)
    # Nobody arrives where no place was named; the edge of an area is one.
    arriving = _arriving(made) & ((before.site != -1) | (before.action == _INLAND))
    # What was answered to one order says nothing of another that is as bad.
    another = ~same_words & (says.severity >= before.severity)
    quiet = before.declined & ~above_all & ~another
    quiet |= redirect & ~is_news & ~failed & ~danger_up
    # Who is there must still hear that the water now reaches the ground floor.
    elsewhere = moved | (before.action == _INLAND)
    quiet |= same_words & arriving & elsewhere & ~failed & ~(moved & (fate == Fate.EXCLUDED)) & ~above_all
    if problem.hand.redirects_paused:
        quiet |= redirect & ~failed & ~pressing & ~cut_off & ~_had_nowhere(before) & ~above_all
    # What people decided at the site or at HQ, a flooded road perhaps, is no flutter of the plan.
    waits = ~(above_all | urgent | failed | cut_off | (moved & np.isin(fate, (Fate.FULL, Fate.EXCLUDED))))
    with np.errstate(invalid="ignore"):
        fresh = problem.now_s - before.said_s < at_most_every_s
    wanted = known_and_new & ~quiet & hears
    held = wanted & waits & fresh
    return Changes(
        kind=np.select([newly, same, worse], [Change.NEWLY, Change.SAME, Change.WORSE], Change.BETTER).astype(
            np.int8
        ),
        tell=(newly & hears) | (wanted & ~held),
        restamp=~newly & same_words & ~before.newest & ~(wanted & ~held) & hears,
        held_until_s=float((before.said_s[held] + at_most_every_s).min(initial=np.inf)),
        full=redirect & (fate <= Fate.FULL) & (before.site >= 0) & known_and_new,
    )


def _worth_moving(made: Plan, before: Before, fate: NDArray[np.int8]) -> Bools:
    """(r,) whether another site is news: the told one will not do, none was told, HQ names one, or, once, the seats
    there went to others and the new one is farther. A nearer one alone is not."""
    problem = made.problem
    speed = problem.rules.pacing.speed_mps(problem.people.pace, night=problem.night)[made.row]
    with np.errstate(invalid="ignore"):
        farther = ~(made.walk_m / speed <= before.walk_s)
    pinned = (made.reasons & reason_bits(ReasonCode.PINNED)) > 0
    gained = (before.site == -1) & (made.site >= 0)
    displaced = farther & ~before.redirected & (before.site >= 0)
    full = fate == Fate.FULL
    worth: Bools = pinned | gained | (fate == Fate.EXCLUDED) | ((full | displaced) & ~_at_stake(made))
    return worth


def _cut_off(made: Plan, before: Before, rows: Ints) -> Bools:
    """(r,) to whom the told site is far beyond what was told by now: the way is closed, or they live elsewhere.

    rows: not those who were redirected, whose walk may have begun at a site that failed.
    """
    cut_off = np.zeros(len(made), dtype=np.bool_)
    rows = rows[before.site[rows] >= 0]
    if len(rows):
        problem = made.problem
        at = made.row[rows]
        speed = problem.rules.pacing.speed_mps(problem.people.pace[at], night=problem.night)
        walk_s = made.ways.efforts(made.start[rows], before.site[rows]) / speed
        cut_off[rows] = ~(walk_s <= before.walk_s[rows] * FAR_BEYOND + FAR_BEYOND_S)
    return cut_off


def _had_nowhere(before: Before) -> Bools:
    """(r,) who was told to leave, or to prepare to, and no site: a first destination sends nobody elsewhere."""
    nowhere: Bools = (before.site == -1) & np.isin(before.action, (_GO, _PREPARE))
    return nowhere


def _at_stake(made: Plan) -> Bools:
    """(r,) whose life is in imminent danger."""
    life = np.array([one.life_at_stake for one in made.problem.dangers], dtype=np.bool_)
    return life[made.danger] if len(life) else np.zeros(len(made), dtype=np.bool_)


def _arriving(made: Plan) -> Bools:
    """(r,) who answered that he arrived, or should by now be within the last metres."""
    problem, rules = made.problem, made.problem.rules
    speeds = rules.pacing.speed_mps(problem.people.pace, night=problem.night)
    near = ledger.arriving(problem.told, problem.now_s, rules.late_start_s, speeds, rules.redirect_free_m)
    return near[made.row]


def _fates(made: Plan, before: Before, rows: Ints) -> NDArray[np.int8]:
    """(r,) what became of the told sites of these rows of the plan; FINE for all others."""
    fate = np.full(len(made), Fate.FINE, dtype=np.int8)
    fate[rows[before.site[rows] == GONE]] = Fate.FAILED
    rows = rows[before.site[rows] >= 0]
    if not len(rows):
        return fate
    sites = before.site[rows]
    full = _is_full(made, rows, sites)
    for some, verdict in _verdicts(made, rows):
        found = _FATES[verdict[sites[some]]]
        fate[rows[some]] = np.where((found == Fate.FINE) & full[some], Fate.FULL, found)
    return fate


_DANGEROUS = (Verdict.UNUSABLE, Verdict.IN_AREA)
_FATE = {Verdict.FIT: Fate.FINE, Verdict.UPSTAIRS: Fate.FINE, Verdict.EXCLUDED: Fate.EXCLUDED}
_FATES = np.array(
    [_FATE.get(one, Fate.DANGER if one in _DANGEROUS else Fate.FAILED) for one in sorted(Verdict)],
    dtype=np.int8,
)


def _verdicts(made: Plan, rows: Ints) -> Iterator[tuple[Ints, NDArray[np.int8]]]:
    """(places in `rows`, (m,) verdicts) for people under the same dangers with the same rights."""
    problem = made.problem
    at = made.row[rows]
    visitor = problem.visitor[at] if problem.visitor is not None else np.zeros(len(rows), dtype=np.bool_)
    welfare = problem.welfare[at] if problem.welfare is not None else np.full(len(rows), -1)
    keys = np.column_stack([made.inside[rows], visitor, welfare]).astype(np.int64)
    classes, which = np.unique(keys, axis=0, return_inverse=True)
    inside = suitability.sites_inside(problem.sites, problem.dangers)
    for number, key in enumerate(classes):
        live_here = np.flatnonzero(key[:-2]).tolist()
        who = Who(visitor=bool(key[-2]), welfare=int(key[-1]))
        verdict = suitability.judge(
            problem.sites, problem.dangers, inside, live_here, who=who, hand=problem.hand
        )
        yield np.flatnonzero(which.reshape(-1) == number), verdict


def _is_full(made: Plan, rows: Ints, sites: Ints) -> Bools:
    """(r,) whether staff report so many heads there that nobody more is to be sent."""
    problem = made.problem
    table, margin = problem.sites, problem.rules.seats_margin_fraction
    stays = np.array([one.level is not None and not one.life_at_stake for one in problem.dangers])
    to_stay = stays[made.danger[rows]]
    seats = np.where(to_stay, table.stay_seats[sites], table.refuge_seats[sites])
    present = np.where(to_stay, table.present_stay[sites], table.present_refuge[sites])
    kinds, which = np.unique(seats, return_inverse=True)
    limits = np.array([seats_with_margin(int(one), margin) for one in kinds], dtype=np.int64)
    full: Bools = (present >= 0) & (present >= limits[which.reshape(-1)])
    return full
