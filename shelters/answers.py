"""What everybody should do, each on his own figures, and what stands of what was told.

rows of each class ─▶ triage ─▶ target: which sites may be named · limit: how far · prefer: a pin, a ward's code
told before ─▶ stands while its site may be named ─▶ kept, unless the new answer is clearly nearer
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.inland import exit_points
from shelters import facets, ledger, triage, tsunami
from shelters.assignment import KEEP_UNLESS_BETTER
from shelters.candidates import Reach, Targets, nearest_each
from shelters.classes import Classes
from shelters.dangers import Danger
from shelters.model import Action, Facet
from shelters.plan import PlanInput, ways_of
from shelters.suitability import Verdict
from shelters.triage import ACTION_ROW
from shelters.ways import NOWHERE
from shelters.workings import Workings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UPSTAIRS_FACTOR = 2.0
"""For water that rises slowly, a floor inside the area counts as twice as far as a site outside."""

_GO, _REFUGE, _INLAND = ACTION_ROW[Action.GO], ACTION_ROW[Action.REFUGE], ACTION_ROW[Action.INLAND]
_PREPARE = ACTION_ROW[Action.PREPARE]
_LEVEL, _OUTSIDE, _UP_LANDWARD, _UP_ANY = range(4)
_KINDS = 4
"""Targets of a class: what a level may name; and in a tsunami sites outside, refuges landward, any refuge."""
_NEXT_BEST = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """(r,) what each should do. told_site: what stands of what was told, -1 = nothing; keeps: whatever its seats."""

    action: NDArray[np.int8]
    late: Bools  # tsunami: no way out in time
    inland_m: Floats
    exit_xy_m: Floats  # (r, 2)
    next_best: Ints  # (r, 3) tsunami: the nearest safety of any kind
    reach: Reach
    speed_mps: Floats
    told_site: Ints
    told_m: Floats
    keeps: Bools
    pinned: Bools  # prefer is HQ's pin
    pins_not_kept: tuple[str, ...]

    @property
    def sets_out(self) -> Bools:
        """(r,) who leaves, or prepares to."""
        return np.isin(self.action, (_GO, _REFUGE, _INLAND, _PREPARE))


def level_targets(classes: int) -> Ints:
    """(c,) the target of each class under anything but a tsunami."""
    return np.arange(classes) * _KINDS + _LEVEL


def answer_everybody(problem: PlanInput, classes: Classes, workings: Workings) -> Answers:
    """Triage of every row."""
    work = _Triage(problem, classes, workings)
    for number, rows in enumerate(classes.members):
        if len(rows):
            work.answer(number, rows)
    return work.result()


class _Triage:
    def __init__(self, problem: PlanInput, classes: Classes, workings: Workings) -> None:
        count, people, rules = len(classes.rows), problem.people, problem.rules
        self.problem, self.classes, self.workings = problem, classes, workings
        self.told = ledger.of_rows(problem.told, classes.rows)
        self.speed_mps = rules.pacing.speed_mps(people.pace[classes.rows], night=problem.night)
        self.arriving = ledger.arriving(
            self.told, problem.now_s, rules.late_start_s, self.speed_mps, rules.redirect_free_m
        )
        self.action = np.zeros(count, dtype=np.int8)
        self.late = np.zeros(count, dtype=np.bool_)
        self.next_best = np.full((count, _NEXT_BEST), NOWHERE, dtype=np.int64)
        self.target = np.full(count, -1, dtype=np.int64)
        self.limit_m = np.full(count, np.inf)
        self.told_site = self._told_that_may_be_kept()
        self.keeps = (self.told_site >= 0) & (self.arriving | bool(problem.hand.redirects_paused))
        ways = ways_of(problem, workings)
        places, sites = people.xy_m, problem.sites.xy_m
        at_site = classes.start >= len(people)
        xy_m = places[classes.rows]
        if at_site.any():
            xy_m = xy_m.copy()
            xy_m[at_site] = sites[(classes.start[at_site] - len(people)) % len(sites)]
        self.wanted, self.is_pin = self._wanted()
        self.reach = Reach(
            ways=ways,
            start=classes.start,
            xy_m=xy_m,
            sites_xy_m=sites,
            seaward_bearing_deg=rules.seaward_bearing_deg,
            targets=self._targets(),
            target=self.target,
            limit_m=self.limit_m,
            prefer=np.full(count, NOWHERE, dtype=np.int64),
        )
        self.exit_xy_m, self.inland_m = np.full((count, 2), np.nan), np.full(count, np.inf)
        self.safety = self._nearest_safety()
        self._find_exits()

    # -- before anybody is asked --------------------------------------------------------------------------

    def _told_that_may_be_kept(self) -> Ints:
        """(r,) the site told before while it may be named to the row; HQ's exclusion spares who is nearly there."""
        told = self.told.site
        if not len(self.problem.sites):
            return np.full(len(told), NOWHERE, dtype=np.int64)
        verdict = self.classes.verdict[self.classes.of, np.maximum(told, 0)]
        spared = self.arriving | bool(self.problem.hand.redirects_paused)
        stands = (verdict <= Verdict.UPSTAIRS) | ((verdict == Verdict.EXCLUDED) & spared)
        return np.where((told >= 0) & stands, told, NOWHERE)

    def _wanted(self) -> tuple[Ints, Bools]:
        """(r,) the site a ward's code or HQ's pin names, -1 = none; and which of them are pins."""
        problem, rows = self.problem, self.classes.rows
        wanted = np.full(len(rows), NOWHERE, dtype=np.int64)
        if problem.town is not None and problem.hand.pins:
            site_row = problem.sites.rows()
            by_town = np.array(
                [
                    site_row.get(problem.hand.pins[one].site_id, NOWHERE)
                    if one in problem.hand.pins
                    else NOWHERE
                    for one in problem.towns
                ]
                + [NOWHERE],
                dtype=np.int64,
            )
            wanted = by_town[problem.town[rows]]
        pinned = wanted >= 0
        if problem.welfare is not None:
            welfare = problem.welfare[rows]
            fine = welfare >= 0
            fine[fine] = self.classes.verdict[self.classes.of[fine], welfare[fine]] <= Verdict.UPSTAIRS
            wanted, pinned = np.where(fine, welfare, wanted), pinned & ~fine
        return wanted, pinned

    def _targets(self) -> Targets:
        classes, problem = self.classes, self.problem
        shape = (len(classes) * _KINDS, len(problem.sites))
        allowed, factor = np.zeros(shape, dtype=np.bool_), np.ones(shape)
        extra = np.zeros(shape)
        fit, upstairs = classes.verdict == Verdict.FIT, classes.verdict == Verdict.UPSTAIRS
        allowed[_LEVEL::_KINDS], allowed[_OUTSIDE::_KINDS] = fit | upstairs, fit
        allowed[_UP_LANDWARD::_KINDS] = allowed[_UP_ANY::_KINDS] = upstairs
        factor[_LEVEL::_KINDS][upstairs] = UPSTAIRS_FACTOR
        for number, needs in enumerate(classes.needs.tolist()):
            if needs:
                extra[number * _KINDS + _LEVEL] = facets.extra_m(problem.sites, needs)
                # Life first: a ramp decides whether one gets in, a socket does not.
                extra[number * _KINDS + _OUTSIDE : (number + 1) * _KINDS] = facets.extra_m(
                    problem.sites, needs & int(Facet.STEP_FREE)
                )
        landward = np.tile([False, True, True, False], len(classes))
        return Targets(allowed=allowed, factor=factor, extra_m=extra, landward=landward)

    def _find_exits(self) -> None:
        problem, rules = self.problem, self.problem.rules
        under = self._under_waves()
        if not len(under):
            return
        areas = tuple(one.area_xy_m for one in problem.dangers if one.is_tsunami)
        start, xy_m = self.classes.start[under], self.reach.xy_m[under]

        def find() -> tuple[Floats, Floats]:
            over_roads = self.reach.ways.inland(start)
            if over_roads is not None:
                return over_roads.exit_xy_m, over_roads.distance_m
            found = exit_points(xy_m, areas, seaward_bearing_deg=rules.seaward_bearing_deg)
            return found.exit_xy_m, found.distance_m * rules.inland_detour_factor

        self.exit_xy_m[under], self.inland_m[under] = self.workings.stage(
            "exits",
            (self.reach.ways, start, areas, rules.seaward_bearing_deg, rules.inland_detour_factor),
            find,
        )
        if problem.blur_m is not None:
            # A roughly known place beside the area may be that far inside: nobody there has left it already.
            blur_m = np.where(start < len(problem.people), problem.blur_m[self.classes.rows[under]], 0.0)
            self.inland_m[under] = np.maximum(self.inland_m[under], blur_m)

    # -- one class ----------------------------------------------------------------------------------------

    def answer(self, number: int, rows: Ints) -> None:
        """Action, target and what stands for the rows of one class."""
        first = self.classes.first[number]
        danger = self.problem.dangers[int(self.classes.main[first])]
        if danger.is_tsunami:
            self._answer_tsunami(number, rows, danger)
            return
        here = [self.problem.dangers[column] for column in np.flatnonzero(self.classes.inside[first])]
        others = [one for one in here if one is not danger]
        action = triage.by_level(
            danger, self.problem.people, self.classes.rows[rows], self.problem.blur_m, others
        )
        action = self._gone_in_time(number, rows, danger, action)
        self.action[rows] = action
        moves = rows[(action == _GO) | (action == _PREPARE)]
        self.target[moves] = number * _KINDS + _LEVEL
        self.limit_m[moves] = self.speed_mps[moves] * self.problem.rules.max_walk_s
        self._prefer(moves, self.classes.verdict[number] <= Verdict.UPSTAIRS)

    def _gone_in_time(
        self, number: int, rows: Ints, danger: Danger, action: NDArray[np.int8]
    ) -> NDArray[np.int8]:
        """Who prepares and would not get to any site before level 4 is expected goes now: he needs the time there is.

        It only ever turns "prepare" into "go". A time that has passed says nothing more: the next order does.
        """
        waits = np.flatnonzero(action == _PREPARE)
        if danger.expected_arrival_s is None or not len(waits):
            return action
        rules, night = self.problem.rules, self.problem.night
        left_s = self._time_left(rows[waits], danger, self._stands(rows[waits]))
        longest_s = rules.max_walk_s + rules.pacing.start_delay_s(night=night) + rules.pacing.arrival_margin_s
        waits, left_s = (
            waits[(left_s > 0) & (left_s < longest_s)],
            left_s[(left_s > 0) & (left_s < longest_s)],
        )
        if not len(waits):
            return action
        _, level_m = self.reach.nearest(rows[waits], self.classes.verdict[number] <= Verdict.UPSTAIRS, 1)
        reach_m = tsunami.reachable_m(left_s, self.speed_mps[rows[waits]], rules.pacing, night=night)
        late = np.isfinite(level_m[:, 0]) & (level_m[:, 0] > reach_m)
        gone = action.copy()
        gone[waits[late]] = _GO
        return gone

    def _prefer(self, rows: Ints, allowed: Bools) -> None:
        wanted = self.wanted[rows]
        fine = wanted >= 0
        fine[fine] = allowed[wanted[fine]]
        self.reach.prefer[rows[fine]] = wanted[fine]

    def _answer_tsunami(self, number: int, rows: Ints, danger: Danger) -> None:
        verdict, pacing = self.classes.verdict[number], self.problem.rules.pacing
        night = self.problem.night
        sites = [(site[rows], level_m[rows]) for site, level_m in self.safety]
        go_m, refuge_m, landward_m = (figure[:, 0] for _, figure in sites)
        stands = self._stands(rows)
        left_s = self._time_left(rows, danger, stands)
        answer = tsunami.for_tsunami(
            tsunami.TsunamiView(
                go_m=go_m,
                refuge_m=refuge_m,
                landward_refuge_m=landward_m,
                inland_m=self.inland_m[rows],
                speed_mps=self.speed_mps[rows],
                left_s=left_s,
            ),
            pacing,
            advisory=danger.advisory,
            night=night,
        )
        action = answer.action.copy()
        self.late[rows] = ~answer.in_time
        kind = np.select(
            [action == _GO, (action == _REFUGE) & answer.seaward_too, action == _REFUGE],
            [_OUTSIDE, _UP_ANY, _UP_LANDWARD],
            -1,
        )
        self.target[rows] = np.where(kind >= 0, number * _KINDS + kind, -1)
        self.limit_m[rows] = answer.limit_m
        self.next_best[rows] = self._next_best(sites, answer.seaward_too)
        reach_m = tsunami.reachable_m(left_s, self.speed_mps[rows], pacing, night=night)
        self._obey_pins(number, rows, action, reach_m)
        new_m = np.select(
            [action == _INLAND, action == _GO, action == _REFUGE],
            [self.inland_m[rows], go_m, np.where(answer.seaward_too, refuge_m, landward_m)],
            np.inf,
        )
        self._keep_told(
            number, rows, action, np.where(self.reach.prefer[rows] >= 0, 0.0, new_m), stands, verdict
        )
        self.action[rows] = action

    def _nearest_safety(self) -> list[tuple[Ints, Floats]]:
        """(r, 3) for all under a tsunami: nearest sites outside, refuges anywhere, refuges not towards the sea."""
        under, classes, reach = self._under_waves(), self.classes, self.reach
        if not len(under):
            return []
        start, xy_m, kind = reach.start[under], reach.xy_m[under], classes.of[under]
        found = []
        for name, verdict, landward in (
            ("outside", Verdict.FIT, True),
            ("refuge", Verdict.UPSTAIRS, False),
            ("landward refuge", Verdict.UPSTAIRS, True),
        ):
            masks = classes.verdict == verdict
            site = np.full((len(reach.start), _NEXT_BEST), NOWHERE, dtype=np.int64)
            level_m = np.full((len(reach.start), _NEXT_BEST), np.inf)
            site[under], level_m[under] = self.workings.stage(
                name,
                (reach.ways, start, xy_m, kind, masks, reach.seaward_bearing_deg),
                lambda masks=masks, landward=landward: nearest_each(  # type: ignore[misc]
                    reach, under, kind, masks, _NEXT_BEST, landward=landward
                ),
            )
            found.append((site, level_m))
        return found

    def _under_waves(self) -> Ints:
        """Rows to whom a tsunami speaks."""
        is_wave = np.array([one.is_tsunami for one in self.problem.dangers], dtype=np.bool_)
        if not is_wave.any():
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(is_wave[self.classes.main])

    @staticmethod
    def _next_best(sites: list[tuple[Ints, Floats]], seaward_too: Bools) -> Ints:
        (go, go_m), (anywhere, anywhere_m), (landward, landward_m) = sites
        refuge = np.where(seaward_too[:, None], anywhere, landward)
        refuge_m = np.where(seaward_too[:, None], anywhere_m, landward_m)
        site, level_m = np.concatenate([go, refuge], axis=1), np.concatenate([go_m, refuge_m], axis=1)
        order = np.lexsort((site, level_m))[:, :_NEXT_BEST]
        return np.take_along_axis(np.where(np.isfinite(level_m), site, NOWHERE), order, axis=1)

    def _stands(self, rows: Ints) -> Bools:
        """(q,) what was told still guides: a site that may be named, or a way inland that is still there."""
        action = self.told.action[rows]
        inland = (self.told.site[rows] < 0) & (action == _INLAND) & np.isfinite(self.inland_m[rows])
        to_site = (self.told_site[rows] >= 0) & ((action == _GO) | (action == _REFUGE))
        return np.asarray(inland | to_site)

    def _time_left(self, rows: Ints, danger: Danger, stands: Bools) -> Floats:
        """Seconds to the expected wave or level 4, from when each was told if what was told stands, else from now.

        Whoever is under way keeps the decision made at the start: time that passes while walking as told
        is no reason to be sent elsewhere.
        """
        if danger.expected_arrival_s is None:
            return np.zeros(len(rows))
        base = np.where(stands, self.told.decided_s[rows], self.problem.now_s)
        left: Floats = np.maximum(0.0, danger.expected_arrival_s - base)
        return left

    def _obey_pins(self, number: int, rows: Ints, action: NDArray[np.int8], reach_m: Floats) -> None:
        """A pin, or a ward's code, names where to go only while it is a fit site one reaches in time."""
        asked = np.flatnonzero((self.wanted[rows] >= 0) & ((action == _GO) | (action == _INLAND)))
        wanted = self.wanted[rows[asked]]
        asked = asked[self.classes.verdict[number][wanted] == Verdict.FIT]
        at, wanted = rows[asked], self.wanted[rows[asked]]
        level_m = self.reach.ways.efforts(self.reach.start[at], wanted)
        seaward = tsunami.is_seaward(
            self.reach.xy_m[at], self.reach.sites_xy_m[wanted], self.reach.seaward_bearing_deg
        )
        fine = np.isfinite(level_m) & (level_m <= reach_m[asked]) & ~seaward
        at, asked = at[fine], asked[fine]
        action[asked] = _GO
        self.reach.prefer[at] = wanted[fine]
        self.target[at] = number * _KINDS + _OUTSIDE
        self.late[at] = False

    def _keep_told(  # noqa: PLR0917 - one class's arrays
        self,
        number: int,
        rows: Ints,
        action: NDArray[np.int8],
        new_m: Floats,
        stands: Bools,
        verdict: NDArray[np.int8],
    ) -> None:
        """Whoever was told something that still stands keeps it unless the new answer is clearly nearer.

        A site that is among the new answer's is left to the seats; what is not is kept, or forgotten, here.
        """
        site = self.told_site[rows]
        to_site = stands & (site >= 0)
        told_m = np.where(stands, self.inland_m[rows], np.inf)
        told_m[to_site] = self.reach.ways.efforts(self.reach.start[rows[to_site]], site[to_site])
        among = np.zeros(len(rows), dtype=np.bool_)
        among[to_site] = np.isfinite(self.reach.cost(rows[to_site], site[to_site]))
        paused = bool(self.problem.hand.redirects_paused)
        keep = stands & ~among & ((new_m > KEEP_UNLESS_BETTER * told_m) | self.arriving[rows] | paused)
        inland, fixed = keep & ~to_site, keep & to_site
        action[inland] = _INLAND
        self.target[rows[inland]] = -1
        self.reach.prefer[rows[inland]] = NOWHERE
        upstairs = np.zeros(len(rows), dtype=np.bool_)
        upstairs[fixed] = verdict[site[fixed]] == Verdict.UPSTAIRS
        action[fixed] = np.where(upstairs[fixed], _REFUGE, _GO)
        self.target[rows[fixed]] = number * _KINDS + np.where(upstairs[fixed], _UP_ANY, _OUTSIDE)
        self.keeps[rows[fixed]] = True
        self.told_site[rows[~(fixed | among)]] = NOWHERE

    # -- the answers --------------------------------------------------------------------------------------

    def result(self) -> Answers:
        """What was found."""
        reach = self.reach
        told_m = self._told_cost()
        no_way = ~np.isfinite(told_m)
        told_site = np.where(no_way, NOWHERE, self.told_site)
        keeps = self.keeps & ~no_way
        return Answers(
            action=self.action,
            late=self.late,
            inland_m=self.inland_m,
            exit_xy_m=self.exit_xy_m,
            next_best=self.next_best,
            reach=reach,
            speed_mps=self.speed_mps,
            told_site=told_site,
            told_m=told_m,
            keeps=keeps,
            pinned=self.is_pin & (self.reach.prefer >= 0) & (self.reach.prefer == self.wanted),
            pins_not_kept=self._pins_not_kept(),
        )

    def _told_cost(self) -> Floats:
        """(r,) what the told site costs; a site that is not among those the row may be newly told costs its walk."""
        reach, told_site = self.reach, self.told_site
        kind, to = np.maximum(self.target, 0), np.maximum(told_site, 0)
        may = (
            reach.targets.allowed[kind, to] if len(self.problem.sites) else np.zeros(len(to), dtype=np.bool_)
        )

        def find(rows: Ints) -> Floats:
            told_m = np.full(len(rows), np.inf)
            at = np.flatnonzero((told_site[rows] >= 0) & (self.target[rows] >= 0))
            told_m[at] = reach.cost(rows[at], told_site[rows[at]])
            plain = at[~np.isfinite(told_m[at])]
            told_m[plain] = reach.ways.efforts(reach.start[rows[plain]], told_site[rows[plain]])
            return told_m

        targets = reach.targets
        return self.workings.carried(
            "told cost",
            (reach.ways, reach.seaward_bearing_deg, targets.landward, targets.factor, targets.extra_m),
            (reach.start, self.target, self.limit_m, reach.prefer, told_site, may),
            find,
        )

    def _pins_not_kept(self) -> tuple[str, ...]:
        """Towns with a pin that somebody who sets out there was not given."""
        problem = self.problem
        if problem.town is None or not problem.hand.pins:
            return ()
        leaves = np.isin(self.action, (_GO, _REFUGE, _INLAND, _PREPARE))
        town = problem.town[self.classes.rows]
        welfare = (self.wanted >= 0) & ~self.is_pin
        passed = leaves & (town >= 0) & ~welfare & (self.reach.prefer < 0)
        names = {problem.towns[number] for number in np.unique(town[passed]).tolist()}
        return tuple(sorted(names & set(problem.hand.pins)))
