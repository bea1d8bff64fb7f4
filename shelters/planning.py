"""How a plan is made.

    PlanInput ─▶ who is inside ─▶ one row per subscriber (the worst place) ─▶ rows grouped by the dangers over them
              ─▶ per group: suitability, triage, walks ─▶ seats over all groups ─▶ reasons ─▶ Plan

Walks are straight lines until a network comes in as another `WalkDistances`; min-cost flow may as another `assign`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.inland import exit_points
from shelters import assignment, ledger, suitability, triage
from shelters.dangers import Danger, main_danger, message_rows, who_is_inside
from shelters.errors import LengthsDiffer
from shelters.model import Action, Pace
from shelters.occupancy import seats_with_margin
from shelters.pace import KnowsInland
from shelters.plan import Plan, PlanInput
from shelters.reasons import reasons_for
from shelters.sites import HAZARD_COLUMN
from shelters.suitability import Verdict
from shelters.triage import ACTION_ROW

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UPSTAIRS_FACTOR = 2.0
"""For water that rises slowly, a floor inside the area counts as twice as far as a site outside."""

_GO, _REFUGE, _INLAND = ACTION_ROW[Action.GO], ACTION_ROW[Action.REFUGE], ACTION_ROW[Action.INLAND]


def plan(problem: PlanInput, before: Plan | None = None) -> Plan:
    """The plan for `problem`; the same input gives the same plan, whatever was planned before. Raises LengthsDiffer."""
    _refuse_mismatch(problem)
    inside = who_is_inside(problem.people, problem.dangers, problem.rules.widen_m, problem.blur_m)
    main = main_danger(inside, problem.dangers)
    rows = message_rows(problem.owner, main, problem.relative, problem.dangers)
    columns = np.array([*(HAZARD_COLUMN[one.hazard] for one in problem.dangers), -1], dtype=np.int8)
    problem = replace(problem, told=ledger.for_hazards(problem.told, columns[main]))
    work = _Work(problem, rows, main[rows], inside[rows])
    for group in _groups(inside[rows]):
        work.triage_group(group)
    work.seat_everybody()
    return work.result()


def _groups(inside: NDArray[np.bool_]) -> Iterator[Ints]:
    """Rows under the same set of dangers: what may be named to them is the same."""
    if not len(inside):
        return
    _, which = np.unique(inside, axis=0, return_inverse=True)
    which = which.reshape(-1)
    for number in range(int(which.max()) + 1):
        yield np.flatnonzero(which == number)


class _Work:
    """The arrays of one plan while it is made; r = rows of the message, m = sites."""

    def __init__(
        self, problem: PlanInput, rows: Ints, main: NDArray[np.int32], inside: NDArray[np.bool_]
    ) -> None:
        count, sites = len(rows), len(problem.sites)
        self.problem, self.rows, self.main, self.inside = problem, rows, main, inside
        rules, people = problem.rules, problem.people
        self.walk = rules.walks.metres(people.xy_m[rows], problem.sites.xy_m).reshape(count, sites)
        self.cost = np.full((count, sites), np.inf)  # metres to the sites that fit the action
        self.action = np.zeros(count, dtype=np.int8)
        self.verdict = np.full((count, sites), Verdict.NOT_PUBLIC, dtype=np.int8)
        self.site_inside = suitability.sites_inside(problem.sites, problem.dangers)
        self.late = np.zeros(count, dtype=np.bool_)
        self.next_best = np.full((count, 2), -1, dtype=np.int64)  # tsunami: nearest safety of any kind
        self.solution = assignment.nobody_seated(count)
        self.told_site, self.told_action = problem.told.site[rows], problem.told.action[rows]
        speeds = rules.pacing.speed_mps(people.pace, night=problem.night)
        self.speed = speeds[rows]
        delay_s = rules.pacing.start_delay_s(night=problem.night)
        self.arriving = ledger.arriving(problem.told, problem.now_s, delay_s, speeds, rules.redirect_free_m)[
            rows
        ]
        self.exit_xy, self.inland = np.full((count, 2), np.nan), np.full(count, np.inf)
        self._find_exits()

    # -- what to do ---------------------------------------------------------------------------------------

    def _find_exits(self) -> None:
        waves = [one for one in self.problem.dangers if one.is_tsunami]
        under = np.flatnonzero([self.problem.dangers[k].is_tsunami for k in self.main])
        if not len(under):
            return
        rules, xy_m = self.problem.rules, self.problem.people.xy_m[self.rows[under]]
        if isinstance(rules.walks, KnowsInland):
            found, detour = rules.walks.inland(xy_m), 1.0
        else:
            areas = [one.area_xy_m for one in waves]
            found = exit_points(xy_m, areas, seaward_bearing_deg=rules.seaward_bearing_deg)
            detour = rules.inland_detour_factor
        self.exit_xy[under] = found.exit_xy_m
        self.inland[under] = found.distance_m * detour

    def triage_group(self, group: Ints) -> None:
        """Action and allowed sites for the rows of one group (all under the same dangers)."""
        live_here = [int(k) for k in np.flatnonzero(self.inside[group[0]])]
        danger = self.problem.dangers[int(self.main[group[0]])]
        verdict = suitability.judge(self.problem.sites, self.problem.dangers, self.site_inside, live_here)
        self.verdict[group] = verdict
        if danger.is_tsunami:
            self._triage_tsunami(group, danger, verdict)
            return
        self.action[group] = triage.by_level(danger, self.problem.people, self.rows[group])
        walk = self.walk[group]
        cost = np.where((verdict == Verdict.FIT)[None, :], walk, np.inf)
        cost = np.where((verdict == Verdict.UPSTAIRS)[None, :], walk * UPSTAIRS_FACTOR, cost)
        at_home = np.isin(self.action[group], (ACTION_ROW[Action.UP], ACTION_ROW[Action.STAY]))
        cost[at_home] = np.inf
        self.cost[group] = cost

    def _triage_tsunami(self, group: Ints, danger: Danger, verdict: NDArray[np.int8]) -> None:
        problem, rules = self.problem, self.problem.rules
        angle = np.radians(rules.seaward_bearing_deg)
        to_sea = np.array([np.sin(angle), np.cos(angle)])
        from_m = problem.people.xy_m[self.rows[group]] @ to_sea
        view = triage.TsunamiView(
            walk_m=self.walk[group],
            seaward_m=(problem.sites.xy_m @ to_sea)[None, :] - from_m[:, None],
            verdict=verdict,
            inland_m=self.inland[group],
            speed_mps=self.speed[group],
            left_s=self._time_left(group, danger, verdict),
        )
        answer = triage.for_tsunami(view, rules.pacing, advisory=danger.advisory, night=problem.night)
        self.action[group], self.cost[group] = answer.action, answer.allowed_m
        self.late[group] = ~answer.in_time
        self.next_best[group] = _two_nearest(answer.any_m)
        for row in group:
            self._keep_told(int(row), verdict)

    def _time_left(self, group: Ints, danger: Danger, verdict: NDArray[np.int8]) -> Floats:
        """Seconds to the expected wave, from when each was told if what was told still stands, else from now.

        Whoever is under way keeps the decision made at the start: time that passes while walking as told
        is no reason to be sent elsewhere.
        """
        if danger.expected_arrival_s is None:
            return np.zeros(len(group))
        stands = np.array([self._told_stands(int(row), verdict) for row in group], dtype=np.bool_)
        base = np.where(stands, self.problem.told.decided_s[self.rows[group]], self.problem.now_s)
        left: Floats = np.maximum(0.0, danger.expected_arrival_s - base)
        return left

    def _told_stands(self, row: int, verdict: NDArray[np.int8]) -> bool:
        site, action = int(self.told_site[row]), int(self.told_action[row])
        if site < 0:
            return action == _INLAND and bool(np.isfinite(self.inland[row]))
        return action in (_GO, _REFUGE) and bool(verdict[site] <= Verdict.UPSTAIRS)

    def _keep_told(self, row: int, verdict: NDArray[np.int8]) -> None:
        """Whoever was told something that still stands keeps it unless the new answer is clearly nearer."""
        if not self._told_stands(row, verdict):
            return
        site = int(self.told_site[row])
        told_m = self.inland[row] if site < 0 else self.walk[row, site]
        by_foot = self.inland[row] if self.action[row] == _INLAND else self.cost[row].min(initial=np.inf)
        if by_foot <= assignment.KEEP_UNLESS_BETTER * told_m and not self.arriving[row]:
            return
        self.cost[row] = np.inf
        if site < 0:
            self.action[row] = _INLAND
            return
        self.action[row] = _REFUGE if verdict[site] == Verdict.UPSTAIRS else _GO
        self.cost[row, site] = told_m

    # -- where to -----------------------------------------------------------------------------------------

    def seat_everybody(self) -> None:
        """Seats for all groups together: first where life is at stake, then timely moves."""
        sites = self.problem.sites
        dangers = [self.problem.dangers[k] for k in self.main]
        life = np.array([one.life_at_stake for one in dangers], dtype=np.bool_)
        stays = np.array([one.level is not None for one in dangers], dtype=np.bool_) & ~life
        used = np.zeros(len(sites), dtype=np.int64)
        for chosen, seats, present in (
            (np.flatnonzero(life), sites.refuge_seats, sites.present_refuge),
            (np.flatnonzero(~life & ~stays), sites.refuge_seats, sites.present_refuge),
            (np.flatnonzero(stays), sites.stay_seats, sites.present_stay),
        ):
            if len(chosen):
                limit = self._limits(seats)
                free = limit - np.maximum(present, 0) - used
                before = free.copy()
                assignment.write_into(self.solution, self._seat(chosen, life[chosen], free), chosen)
                used += before - free
        # A named floor inside the area is a refuge, whatever the danger is; preparing stays preparing.
        rows = np.flatnonzero((self.solution.site >= 0) & (self.action == _GO))
        upstairs = self.verdict[rows, self.solution.site[rows]] == Verdict.UPSTAIRS
        self.action[rows[upstairs]] = _REFUGE

    def _limits(self, seats: Ints) -> Ints:
        margin = self.problem.rules.seats_margin_fraction
        return np.array([seats_with_margin(int(one), margin) for one in seats], dtype=np.int64)

    def _seat(self, chosen: Ints, life: NDArray[np.bool_], free: Ints) -> assignment.SeatSolution:
        problem, rows = self.problem, self.rows[chosen]
        counted = self._counted()
        return assignment.assign(
            assignment.SeatProblem(
                cost_m=self.cost[chosen],
                persons=problem.people.persons[rows].astype(np.int64),
                takes_seats=problem.people.holds_seat[rows] & ~problem.told.declined[rows],
                slow=problem.people.pace[rows] == Pace.SLOW,
                told=problem.told.site[rows],
                counted=counted[rows],
                life_at_stake=life,
                arriving=self.arriving[chosen],
            ),
            free,
        )

    def _counted(self) -> NDArray[np.bool_]:
        delay_s = self.problem.rules.pacing.start_delay_s(night=self.problem.night)
        return ledger.counted(self.problem.told, self.problem.counted_at_s, delay_s)

    def result(self) -> Plan:
        """The finished plan."""
        inland = self.action == _INLAND
        site = np.where(inland, -1, self.solution.site)
        first, second = self.next_best[:, 0], self.next_best[:, 1]
        spare = np.where(first != site, first, second)
        at_home = np.isin(self.action, (ACTION_ROW[Action.UP], ACTION_ROW[Action.STAY]))
        spare = np.where(at_home, -1, spare)
        alternate = np.where((self.solution.alternate >= 0) & ~inland, self.solution.alternate, spare)
        walk_m, alternate_m = self._walk_to(site), self._walk_to(alternate)
        return Plan(
            problem=self.problem,
            row=self.rows,
            danger=self.main,
            action=self.action,
            site=site,
            alternate=alternate,
            walk_m=np.where(inland, self.inland, walk_m),
            alternate_walk_m=alternate_m,
            length_m=np.where(inland, self.inland, self._length_to(site, walk_m)),
            alternate_length_m=self._length_to(alternate, alternate_m),
            exit_xy_m=np.where(inland[:, None], self.exit_xy, np.nan),
            crowded=self.solution.crowded & (site >= 0),
            reasons=reasons_for(
                self.problem,
                rows=self.rows,
                main=self.main,
                action=self.action,
                site=site,
                walk=self.walk,
                verdict=self.verdict,
                late=self.late,
                no_seats=self.solution.no_seats,
                passed_full=self.solution.passed_full,
            ),
            inside=self.inside,
            counted=self._counted()[self.rows] & (site == self.told_site),
            start=self.rows,
            third=np.full(len(site), -1, dtype=np.int64),
            **self._baseline(),
            expected=self._expected(site),
            overflow_persons=int(
                self.problem.people.persons[self.rows][self.solution.no_seats & (site < 0)].sum()
            ),
            beyond=np.unique(site[self.solution.crowded & (site >= 0)]),
            pins_not_kept=(),
        )

    def _baseline(self) -> dict[str, Any]:
        named = np.where(self.verdict <= Verdict.UPSTAIRS, self.walk, np.inf)
        nearest = _two_nearest(named)[:, 0]
        return {"baseline_site": nearest, "baseline_m": named.min(axis=1, initial=np.inf)}

    def _expected(self, site: Ints) -> Ints:
        takes = (
            self.problem.people.holds_seat[self.rows] & ~self.problem.told.declined[self.rows] & (site >= 0)
        )
        persons = self.problem.people.persons[self.rows]
        return np.bincount(site[takes], weights=persons[takes], minlength=len(self.problem.sites)).astype(
            np.int64
        )

    def _walk_to(self, site: Ints) -> Floats:
        walk = np.full(len(site), np.nan)
        named = np.flatnonzero(site >= 0)
        walk[named] = self.walk[named, site[named]]
        return walk

    def _length_to(self, site: Ints, level_m: Floats) -> Floats:
        people, sites = self.problem.people.xy_m[self.rows], self.problem.sites.xy_m
        return self.problem.rules.walks.lengths(people, sites, site, level_m)


def _two_nearest(walk_m: Floats) -> Ints:
    """(r, 2) columns of the two least finite walks, ties by column, -1 where there is none."""
    best = np.full((len(walk_m), 2), -1, dtype=np.int64)
    rest = walk_m.copy()
    for place in range(min(2, walk_m.shape[1])):
        column = rest.argmin(axis=1)
        found = np.isfinite(rest[np.arange(len(rest)), column])
        best[found, place] = column[found]
        rest[np.arange(len(rest)), column] = np.inf
    return best


def _refuse_mismatch(problem: PlanInput) -> None:
    count = len(problem.people)
    lengths: Sequence[tuple[str, int, int]] = (
        ("owner", count, len(problem.owner)),
        ("relative", count, len(problem.relative)),
        ("told", count, len(problem.told.site)),
        ("counted_at_s", len(problem.sites), len(problem.counted_at_s)),
    )
    if problem.blur_m is not None:
        lengths = (*lengths, ("blur_m", count, len(problem.blur_m)))
    for name, expected, got in lengths:
        if expected != got:
            raise LengthsDiffer(name, expected, got)
