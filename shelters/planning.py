"""How a plan is made.

    PlanInput ─▶ who is inside ─▶ one row per subscriber (the worst place) ─▶ classes: what may be named to them
              ─▶ triage of every row on its own figures ─▶ nearest sites, groups and their few choices
              ─▶ seats: where life is at stake ▸ refuge ▸ stay ─▶ second and third choices, reasons ─▶ Plan

No table of people × sites is made, and nothing loops over people. What does not change from one plan to the next is
taken over from it (`workings`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelters import assignment, ledger
from shelters.answers import Answers, answer_everybody, level_targets
from shelters.assignment import NEEDY_WEIGHT, SeatProblem, Seats
from shelters.candidates import CHOICES, cheapest, choices_after, nearest_after, nearest_each
from shelters.classes import Classes, classes_of, start_rows
from shelters.dangers import main_danger, message_rows, who_is_inside
from shelters.errors import LengthsDiffer
from shelters.groups import Groups, grouped
from shelters.heads import in_the_count
from shelters.model import Action, Pace
from shelters.occupancy import ages_s, free_seats, seats_left
from shelters.plan import Plan, PlanInput
from shelters.reasons import Figures, reasons_for
from shelters.sites import HAZARD_COLUMN
from shelters.suitability import Verdict
from shelters.triage import ACTION_ROW
from shelters.ways import NOWHERE
from shelters.workings import Workings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_GO, _REFUGE, _INLAND = ACTION_ROW[Action.GO], ACTION_ROW[Action.REFUGE], ACTION_ROW[Action.INLAND]
_PREPARE = ACTION_ROW[Action.PREPARE]
_STAY, _UP = ACTION_ROW[Action.STAY], ACTION_ROW[Action.UP]


def plan(problem: PlanInput, before: Plan | None = None) -> Plan:
    """The plan for `problem`; the same input gives the same plan, whatever was planned before. Raises LengthsDiffer."""
    _refuse_mismatch(problem)
    workings = Workings(before.workings if before is not None else None)
    who = _who(problem, workings)
    told = workings.stage(
        "told", (problem.told, who.hazard), lambda: ledger.for_hazards(problem.told, who.hazard)
    )
    problem = replace(problem, told=told)
    classes = _classes(problem, who, workings)
    answers = answer_everybody(problem, classes, workings)
    work = _Work(problem, classes, answers, workings)
    return work.result(who)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Who:
    """Who is in danger: (n,) hazard that speaks to each place, and the (r,) rows of the message."""

    hazard: NDArray[np.int8]
    rows: Ints
    main: NDArray[np.int32]
    inside: Bools


def _who(problem: PlanInput, workings: Workings) -> _Who:
    people, rules = problem.people, problem.rules
    seen = tuple((one.key, one.hazard, one.area_xy_m, one.level, one.advisory) for one in problem.dangers)

    def find() -> _Who:
        inside = who_is_inside(people, problem.dangers, rules.widen_m, problem.blur_m)
        main = main_danger(inside, problem.dangers)
        rows = message_rows(problem.owner, main, problem.relative, problem.dangers)
        columns = np.array([*(HAZARD_COLUMN[one.hazard] for one in problem.dangers), -1], dtype=np.int8)
        return _Who(hazard=columns[main], rows=rows, main=main[rows], inside=inside[rows])

    return workings.stage(
        "who",
        (people.xy_m, problem.owner, problem.relative, problem.blur_m, seen, rules.widen_m),
        find,
    )


def _classes(problem: PlanInput, who: _Who, workings: Workings) -> Classes:
    told, people = problem.told, problem.people
    start = workings.stage(
        "start",
        (who.rows, told.site, told.arrived_s, told.declined, people.needs, len(problem.sites)),
        lambda: start_rows(problem, who.rows),
    )
    return classes_of(problem, who.rows, who.main, who.inside, start, workings)


class _Work:
    """The arrays of one plan while it is made; r = rows of the message, m = sites."""

    def __init__(self, problem: PlanInput, classes: Classes, answers: Answers, workings: Workings) -> None:
        self.problem, self.classes, self.answers, self.workings = problem, classes, answers, workings
        self.action = answers.action.copy()
        self.site = np.full(len(classes.rows), NOWHERE, dtype=np.int64)
        self.counted = self._counted()
        people, rows = problem.people, classes.rows
        self.persons = people.persons[rows].astype(np.int64)
        self.takes = people.holds_seat[rows] & ~problem.told.declined[rows]
        self.movers = np.flatnonzero(answers.reach.target >= 0)
        self.own_site, self.own_m = workings.stage("nearest", answers.reach.made_from, self._nearest)
        self._reach_the_nearest()
        reach = self.answers.reach
        inputs = reach.made_from
        pace = people.pace[rows]
        self.groups: Groups = workings.stage(
            "groups",
            (self.movers, reach.target, reach.prefer, pace, self.own_site, reach.xy_m),
            lambda: grouped(
                [one[self.movers] for one in (reach.target, pace, reach.prefer, self.own_site)],
                reach.xy_m[self.movers],
            ),
        )
        self.choice, self.price = workings.stage(
            "choices",
            (self.movers[self.groups.speaks], *inputs),
            self._choices,
        )
        self.group_of = np.full(len(rows), -1, dtype=np.int64)
        self.group_of[self.movers] = self.groups.of
        self.seats_left = np.zeros(len(problem.sites), dtype=np.int64)
        self._seat_everybody()

    def _choices(self) -> tuple[Ints, Floats]:
        """(g, j) the sites that cost each group least, and what they cost."""
        reach, speaks = self.answers.reach, self.movers[self.groups.speaks]
        found = choices_after(reach, speaks, CHOICES, self.workings.earlier("choices"))
        return found if found is not None else cheapest(reach, speaks, CHOICES)

    def _reach_the_nearest(self) -> None:
        """The longest walk takes nobody's nearest fit site away, however far it is: it only bounds what comes after."""
        reach, classes = self.answers.reach, self.classes
        bounded = np.isfinite(reach.limit_m[self.movers]) & ~self._soft()[self.movers]
        far = self.movers[bounded & (self.own_site[self.movers] < 0)]
        if not len(far):
            return
        named = classes.verdict <= Verdict.UPSTAIRS
        _, level_m = nearest_each(reach, far, classes.of[far], named, 1)
        limit_m = reach.limit_m.copy()
        limit_m[far] = np.where(np.isfinite(level_m[:, 0]), level_m[:, 0], limit_m[far])
        self.answers = replace(self.answers, reach=replace(reach, limit_m=limit_m))
        found, figure = cheapest(self.answers.reach, far, 1)
        self.own_site, self.own_m = self.own_site.copy(), self.own_m.copy()
        self.own_site[far], self.own_m[far] = found[:, 0], figure[:, 0]

    def _nearest(self) -> tuple[Ints, Floats]:
        """(r,) the site that costs each mover least, and what it costs."""
        reach = self.answers.reach
        return nearest_after(reach, self.movers, self.workings.earlier("nearest")) or self._nearest_anew()

    def _nearest_anew(self) -> tuple[Ints, Floats]:
        reach = self.answers.reach
        site = np.full(len(reach.start), NOWHERE, dtype=np.int64)
        cost = np.full(len(reach.start), np.inf)
        found, figure = cheapest(reach, self.movers, 1)
        site[self.movers], cost[self.movers] = found[:, 0], figure[:, 0]
        return site, cost

    def _counted(self) -> Bools:
        problem = self.problem
        rows, people, sites = self.classes.rows, problem.people, problem.sites
        return in_the_count(
            ledger.of_rows(problem.told, rows),
            people.persons[rows].astype(np.int64),
            people.holds_seat[rows],
            counted_at_s=problem.counted_at_s,
            present=np.maximum(sites.present_refuge, sites.present_stay),
            late_start_s=problem.rules.late_start_s,
        )

    # -- seats --------------------------------------------------------------------------------------------

    def _seat_everybody(self) -> None:
        """First where life is at stake, then refuge without a level, then timely moves to stay."""
        sites, dangers, main = self.problem.sites, self.problem.dangers, self.classes.main
        life = np.array([one.life_at_stake for one in dangers], dtype=np.bool_)
        stays = np.array([one.level is not None for one in dangers], dtype=np.bool_) & ~life
        refuge = (sites.refuge_seats, sites.present_refuge)
        used = np.zeros(len(sites), dtype=np.int64)
        for kinds, (seats, present) in (
            (life, refuge),
            (~life & ~stays, refuge),
            (stays, (sites.stay_seats, sites.present_stay)),
        ):
            chosen = self.movers[kinds[main[self.movers]]] if len(dangers) else self.movers
            if not len(chosen) or not len(sites):
                continue
            held, free = self._free(seats, present)
            room = Seats(held=held - used, free=free - used)
            self.site[chosen] = assignment.assign(self._seat_problem(chosen, life=bool(kinds is life)), room)
            used += held - used - room.held
            self.seats_left = room.spare
        # A named floor inside the area is a refuge, whatever the danger is; preparing stays preparing.
        going = np.flatnonzero((self.site >= 0) & (self.action == _GO))
        verdict = self.classes.verdict[self.classes.of[going], self.site[going]]
        self.action[going[verdict == Verdict.UPSTAIRS]] = _REFUGE
        self.used = used

    def _free(self, seats: Ints, present: Ints) -> tuple[Ints, Ints]:
        """(m,) seats for who was told, and for new people."""
        problem, rules = self.problem, self.problem.rules
        age_s = ages_s(problem.now_s, problem.counted_at_s, problem.event_began_s)
        # Of an assumed figure new people get less than who was told may keep: a count that moves by a few sends
        # nobody to and fro.
        margin = np.where(
            problem.sites.seats_assumed, rules.assumed_margin_fraction, rules.seats_margin_fraction
        )
        free = free_seats(seats, present, age_s, margin, rules.freshness)
        return seats_left(seats, present, rules.seats_margin_fraction), free

    def _seat_problem(self, chosen: Ints, *, life: bool) -> SeatProblem:
        answers, people, rows = self.answers, self.problem.people, self.classes.rows[chosen]
        needy = (people.pace[rows] == Pace.SLOW) | (people.needs[rows] != 0)
        return SeatProblem(
            reach=answers.reach,
            rows=chosen,
            persons=self.persons[chosen],
            takes_seats=self.takes[chosen],
            weight_per_mps=np.where(needy, NEEDY_WEIGHT, 1.0) / answers.speed_mps[chosen],
            needy=needy,
            told=answers.told_site[chosen],
            told_m=answers.told_m[chosen],
            counted=self.counted[chosen],
            keeps=answers.keeps[chosen],
            own_site=self.own_site[chosen],
            own_m=self.own_m[chosen],
            group=self.group_of[chosen],
            speaks=self.movers[self.groups.speaks],
            choice=self.choice,
            price=self.price,
            life_at_stake=life,
            party_beyond=self.problem.rules.party_beyond,
        )

    # -- the rest -----------------------------------------------------------------------------------------

    def _others(self) -> tuple[Ints, Ints]:
        """The second and third choice, with the seats that are left in mind; while life is at stake without."""
        answers = self.answers
        found = np.full((len(self.site), 2), NOWHERE, dtype=np.int64)
        count = np.zeros(len(self.site), dtype=np.int64)
        soft = self._soft()
        open_ = self.movers[self.site[self.movers] >= 0]
        choice = self._choices_with_seats(soft)
        for rank in range(choice.shape[1]):
            if not len(open_):
                break
            to = choice[self.group_of[open_], rank]
            open_, to = open_[to >= 0], to[to >= 0]
            room = soft[open_] | (self.seats_left[to] >= self.persons[open_])
            fits = np.flatnonzero(room & (to != self.site[open_]))
            at, to = open_[fits], to[fits]
            picky = np.flatnonzero(soft[at])  # what is not for the row: towards the sea, or not in time
            if len(picky):
                fine = np.ones(len(at), dtype=np.bool_)
                fine[picky] = np.isfinite(answers.reach.cost(at[picky], to[picky]))
                at, to = at[fine], to[fine]
            found[at, count[at]] = to
            count[at] += 1
            open_ = open_[count[open_] < 2]
        if answers.next_best.any():
            self._fill_in(found, count)
        return found[:, 0], found[:, 1]

    def _soft(self) -> Bools:
        """(r,) whose life is at stake: fullness only re-ranks."""
        life = np.array([one.life_at_stake for one in self.problem.dangers], dtype=np.bool_)
        return life[self.classes.main] if len(life) else np.zeros(len(self.site), dtype=np.bool_)

    def _choices_with_seats(self, soft: Bools) -> Ints:
        """(g, j) the choices of each group that have a seat left, in their order; all while life is at stake."""
        if not self.choice.size or not len(self.seats_left):
            return self.choice
        has_any = soft[self.movers[self.groups.speaks]][:, None] | (self.seats_left[self.choice] > 0)
        has_any &= self.choice >= 0
        order = np.argsort(~has_any, axis=1, kind="stable")[:, : int(has_any.sum(axis=1).max(initial=0))]
        choice = np.where(has_any, self.choice, NOWHERE)
        packed: Ints = np.take_along_axis(choice, order, axis=1)
        return packed

    def _fill_in(self, found: Ints, count: Ints) -> None:
        """A tsunami's second choices where none came from the seats: the nearest safety of any kind."""
        at_home = np.isin(self.action, (_STAY, _UP))
        for column in range(self.answers.next_best.shape[1]):
            spare = self.answers.next_best[:, column]
            at = np.flatnonzero(
                (spare >= 0)
                & ~at_home
                & (count < 2)
                & (spare != self.site)
                & ((count == 0) | (spare != found[:, 0]))
            )
            found[at, count[at]] = spare[at]
            count[at] += 1

    def result(self, who: _Who) -> Plan:
        """The finished plan."""
        problem, answers, classes = self.problem, self.answers, self.classes
        alternate, third = self._others()
        inland = self.action == _INLAND
        walk_m = self._walk_to("site", self.site)
        everybody = np.zeros(len(classes), dtype=np.bool_)
        baseline, baseline_m = self._named_nearest(
            "baseline", classes.verdict <= Verdict.UPSTAIRS, self._costs_its_walk()
        )
        spoken, spoken_m = self._named_nearest("spoken", classes.verdict < Verdict.NOT_PUBLIC, everybody)
        # Without a seat, or a site within reach, the nearest fit one is the next best.
        nowhere = (self.site < 0) & np.isin(self.action, (_GO, _PREPARE))
        alternate = np.where(nowhere, baseline, alternate)
        alternate_m = self._walk_to("alternate", alternate)
        too_far = ~(alternate_m <= answers.reach.limit_m) & ~nowhere & ~self._soft()
        alternate = np.where(np.isfinite(alternate_m) & ~too_far, alternate, NOWHERE)
        alternate_m = np.where(alternate >= 0, alternate_m, np.nan)
        crowded = self._crowded()
        no_seats = (self.site < 0) & (self.own_site >= 0)
        overfull = np.maximum(-(self._margin_left()), 0)
        expected = self._expected(self.takes & (self.site >= 0))
        newly = self._expected(self.takes & (self.site >= 0) & ~self.counted)
        return Plan(
            problem=problem,
            row=classes.rows,
            danger=classes.main,
            action=self.action,
            site=self.site,
            alternate=alternate,
            walk_m=np.where(inland, answers.inland_m, walk_m),
            alternate_walk_m=alternate_m,
            length_m=np.where(inland, answers.inland_m, self._length_to("site", self.site, walk_m)),
            alternate_length_m=self._length_to("alternate", alternate, alternate_m),
            exit_xy_m=np.where(inland[:, None], answers.exit_xy_m, np.nan),
            crowded=crowded,
            reasons=reasons_for(
                problem,
                classes,
                answers,
                Figures(
                    action=self.action,
                    site=self.site,
                    walk_m=walk_m,
                    no_seats=no_seats,
                    own_site=self.own_site,
                    own_m=self.own_m,
                    price_m=self._price(),
                    baseline=baseline,
                    baseline_m=baseline_m,
                    spoken=spoken,
                    spoken_m=spoken_m,
                ),
            ),
            inside=classes.inside,
            counted=self.counted & (self.site == problem.told.site[classes.rows]),
            start=classes.start,
            third=third,
            baseline_site=baseline,
            baseline_m=baseline_m,
            expected=expected,
            overflow_persons=int(
                self.persons[no_seats & self.takes].sum() + np.minimum(overfull, newly).sum()
            ),
            beyond=np.flatnonzero((overfull > 0) & (newly > 0)),
            pins_not_kept=answers.pins_not_kept,
            workings=self.workings.settle(),
        )

    def _margin_left(self) -> Ints:
        """(m,) seats left after this plan, of the larger figure of each site; negative: people beyond the seats."""
        sites = self.problem.sites
        refuge, _ = self._free(sites.refuge_seats, sites.present_refuge)
        stay, _ = self._free(sites.stay_seats, sites.present_stay)
        return np.maximum(refuge, stay) - self.used

    def _crowded(self) -> Bools:
        """(r,) who stands beyond the seats: those told before and the nearer first are within them."""
        crowded = np.zeros(len(self.site), dtype=np.bool_)
        left = self._margin_left()
        over = np.flatnonzero((self.site >= 0) & ~self.counted)
        over = over[left[self.site[over]] < 0]
        if not len(over):
            return crowded
        told = self.answers.told_site[over] == self.site[over]
        walk_m = self.answers.reach.ways.efforts(self.answers.reach.start[over], self.site[over])
        order = np.lexsort((over, -self.persons[over], walk_m, ~told, ~self.takes[over], self.site[over]))
        over = over[order]
        heads = np.where(self.takes[over], self.persons[over], 0)
        total, site = np.cumsum(heads), self.site[over]
        first = np.flatnonzero(np.diff(site, prepend=-1))
        before = np.repeat((total - heads)[first], np.diff(first, append=len(over)))
        crowded[over] = total - before > (left + self.used)[site]
        crowded[over[~self.takes[over]]] = True
        return crowded

    def _price(self) -> Floats:
        """(r,) what each costs where he is sent; inf where there is no such figure."""
        answers = self.answers
        price = np.where(self.site == answers.told_site, answers.told_m, self.own_m)
        rows = np.flatnonzero(
            (self.site >= 0) & (self.site != answers.told_site) & (self.site != self.own_site)
        )
        price[rows] = answers.reach.cost(rows, self.site[rows])
        return price

    def _expected(self, which: Bools) -> Ints:
        return np.bincount(
            self.site[which], weights=self.persons[which], minlength=len(self.problem.sites)
        ).astype(np.int64)

    def _costs_its_walk(self) -> Bools:
        """(c,) classes to whom a site costs what the walk to it is: the cheapest is the nearest."""
        targets = self.answers.reach.targets
        plain = (targets.factor == 1.0) & (targets.extra_m == 0.0) | ~targets.allowed
        by_target = plain.all(axis=1) & ~targets.landward
        classes = self.classes
        level = np.array([not one.is_tsunami for one in self.problem.dangers], dtype=np.bool_)
        is_level = (
            level[classes.main[classes.first]] if len(level) else np.zeros(len(classes), dtype=np.bool_)
        )
        return np.asarray(by_target[level_targets(len(classes))] & is_level)

    def _named_nearest(self, name: str, verdicts: Bools, as_own: Bools) -> tuple[Ints, Floats]:
        """The nearest site of each class's mask, for everybody who has somewhere to go or might have had.

        as_own: (c,) classes for which that is what costs least, but for those who prefer a site.
        """
        classes, reach, answers = self.classes, self.answers.reach, self.answers

        def find() -> tuple[Ints, Floats]:
            site = np.full(len(classes.rows), NOWHERE, dtype=np.int64)
            level_m = np.full(len(classes.rows), np.inf)
            wanted = answers.sets_out
            is_own = as_own[classes.of] & (reach.prefer < 0) & (self.own_site >= 0)
            known, rows = np.flatnonzero(wanted & is_own), np.flatnonzero(wanted & ~is_own)
            site[known], level_m[known] = self.own_site[known], self.own_m[known]
            near, figure = nearest_each(reach, rows, classes.of[rows], verdicts, 1)
            site[rows], level_m[rows] = near[:, 0], figure[:, 0]
            return site, level_m

        return self.workings.stage(
            name,
            (
                reach.ways,
                reach.start,
                classes.of,
                verdicts,
                answers.sets_out,
                as_own,
                reach.prefer,
                reach.target,
                reach.limit_m,
            ),
            find,
        )

    def _walk_to(self, name: str, site: Ints) -> Floats:
        reach = self.answers.reach
        return self.workings.carried(
            f"walk to {name}",
            (reach.ways,),
            (reach.start, site),
            lambda rows: _where_named(
                site[rows], lambda at: reach.ways.efforts(reach.start[rows[at]], site[rows[at]])
            ),
        )

    def _length_to(self, name: str, site: Ints, level_m: Floats) -> Floats:
        reach = self.answers.reach
        return self.workings.carried(
            f"length to {name}",
            (reach.ways,),
            (reach.start, site, level_m),
            lambda rows: _where_named(
                site[rows],
                lambda at: reach.ways.lengths(reach.start[rows[at]], site[rows[at]], level_m[rows[at]]),
            ),
        )


def _where_named(site: Ints, figure: Callable[[Ints], Floats]) -> Floats:
    """(q,) figures where a site is named, nan elsewhere."""
    found = np.full(len(site), np.nan)
    named = np.flatnonzero(site >= 0)
    if len(named):
        found[named] = figure(named)
    return found


def _refuse_mismatch(problem: PlanInput) -> None:
    count = len(problem.people)
    lengths: list[tuple[str, int, int]] = [
        ("owner", count, len(problem.owner)),
        ("relative", count, len(problem.relative)),
        ("told", count, len(problem.told.site)),
        ("counted_at_s", len(problem.sites), len(problem.counted_at_s)),
    ]
    optional: Sequence[tuple[str, NDArray[np.generic] | None]] = (
        ("blur_m", problem.blur_m),
        ("visitor", problem.visitor),
        ("welfare", problem.welfare),
        ("town", problem.town),
    )
    lengths += [(name, count, len(given)) for name, given in optional if given is not None]
    for name, expected, got in lengths:
        if expected != got:
            raise LengthsDiffer(name, expected, got)
