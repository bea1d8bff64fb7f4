"""Why one household was told what it was told: this action, this site, and none of the nearer ones.

Plan + number of the decision ─▶ what it stands on (danger, time left, pace) ─▶ the nearest sites of all, each with the
verdict and the first reason why it was passed ─▶ Explanation

The reasons are worked out anew from the problem and the answer of the plan, not from what the planner noted, so an
explanation also shows where a plan was made otherwise than its rules say.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geodata.inland import exit_points
from shelters import facets, suitability
from shelters.answers import UPSTAIRS_FACTOR
from shelters.dangers import Danger
from shelters.explanation import Explanation, Seats, SiteSeen, Why
from shelters.model import Action, Facet, ReasonCode
from shelters.occupancy import ages_s, free_seats, seats_left
from shelters.plan import Plan, ways_of
from shelters.sites import OPENINGS
from shelters.suitability import Verdict, Who
from shelters.tsunami import FAR_FACTOR, is_seaward, reachable_m
from shelters.workings import Workings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAREST = 8


def explain(made: Plan, n: int, most: int = NEAREST) -> Explanation:
    """The n-th decision explained, with its `most` nearest sites and all that are nearer than the one named."""
    return _Case(made, n).explanation(most)


class _Case:
    """One decision with what it was made on."""

    def __init__(self, made: Plan, n: int) -> None:
        problem = made.problem
        self.made, self.n, self.problem = made, n, problem
        self.row, self.start = int(made.row[n]), made.start[n : n + 1]
        self.decision = made.decision(n)
        self.site = int(made.site[n])
        self.danger: Danger = problem.dangers[int(made.danger[n])]
        self.ways = ways_of(problem, Workings(), made.row)  # a plan as recorded has no workings
        people = problem.people
        self.speed = float(
            problem.rules.pacing.speed_mps(people.pace[self.row : self.row + 1], night=problem.night)[0]
        )
        self.persons = int(people.persons[self.row])
        self.needs = int(people.needs[self.row])
        self.live_here = [int(k) for k in np.flatnonzero(made.inside[n])]
        self.who = Who(
            visitor=bool(problem.visitor[self.row]) if problem.visitor is not None else False,
            welfare=int(problem.welfare[self.row]) if problem.welfare is not None else -1,
        )
        self.verdict = suitability.judge(
            problem.sites,
            problem.dangers,
            suitability.sites_inside(problem.sites, problem.dangers),
            self.live_here,
            who=self.who,
            hand=problem.hand,
        )
        every = np.arange(len(problem.sites))
        starts = np.repeat(self.start, len(every))
        self.level_m = self.ways.efforts(starts, every)
        self.length_m = self.ways.lengths(starts, every, self.level_m)
        self.about = self.ways.about(starts, every)
        self.newly = _newly(made)
        self.seats, self.left, self.room = self._rooms()
        self.state = facets.state(problem.sites, self.needs)
        self.cost = self._costs()
        self.inland_m = self._inland_m()
        # Never so short that it takes the nearest site away.
        nearest_m = self.level_m[self.verdict <= Verdict.UPSTAIRS].min(initial=np.inf)
        self.longest_m = max(self.speed * problem.rules.max_walk_s, float(nearest_m))

    def explanation(self, most: int) -> Explanation:
        made, n, problem, people = self.made, self.n, self.problem, self.problem.people
        pacing = problem.rules.pacing
        told = int(problem.told.site[self.row])
        arrived = int(self.start[0]) - len(people)
        arrival_s = self.danger.expected_arrival_s
        baseline = int(made.baseline_site[n])
        alternate = int(made.alternate[n])
        return Explanation(
            row=self.row,
            action=self.decision.action,
            danger=self.danger.key,
            hazard=self.danger.hazard.value,
            level=self.danger.level,
            advisory=self.danger.advisory,
            also_in=tuple(
                problem.dangers[k].key for k in self.live_here if problem.dangers[k] is not self.danger
            ),
            persons=self.persons,
            pace=int(people.pace[self.row]),
            floor=int(people.floor[self.row]),
            structure=int(people.structure[self.row]),
            night=problem.night,
            speed_mps=self.speed,
            left_s=-1 if arrival_s is None else max(0, round(arrival_s - problem.now_s)),
            start_delay_s=round(pacing.start_delay_s(night=problem.night)),
            standing_at=self._id(arrived % len(problem.sites)) if arrived >= 0 else "",
            standing_at_name=self._name(arrived % len(problem.sites)) if arrived >= 0 else "",
            told_before=self._id(told) if told >= 0 else "",
            told_before_name=self._name(told) if told >= 0 else "",
            chosen=self._seen(self.site) if self.site >= 0 else None,
            alternate=self._seen(alternate) if alternate >= 0 else None,
            inland_m=round(self.inland_m) if self.decision.action is Action.INLAND else -1,
            nearest=tuple(self._seen(one) for one in self._listed(most)),
            baseline=self._seen(baseline) if baseline >= 0 else None,
            reasons=self.decision.reasons,
            pinned=self._pin_reason(),
            redirects_paused=problem.hand.redirects_paused,
        )

    # -- figures ------------------------------------------------------------------------------------------

    def _rooms(self) -> tuple[Ints, Ints, Ints]:
        """(m,) the seats that count for this danger, and after this plan: what is left, and what new people may get."""
        problem, sites = self.problem, self.problem.sites
        stays = self.danger.level is not None and not self.danger.life_at_stake
        seats = sites.stay_seats if stays else sites.refuge_seats
        present = sites.present_stay if stays else sites.present_refuge
        rules = problem.rules
        age_s = ages_s(problem.now_s, problem.counted_at_s, problem.event_began_s)
        margin = np.where(sites.seats_assumed, rules.assumed_margin_fraction, rules.seats_margin_fraction)
        free = free_seats(seats, present, age_s, margin, rules.freshness)
        left = seats_left(seats, present, rules.seats_margin_fraction) - self.newly
        return seats, left, np.minimum(left, free - self.newly)

    def _costs(self) -> Floats:
        """(m,) level metres as the plan weighs them: floors above rising water, facilities that are needed."""
        factor = np.where(
            (self.verdict == Verdict.UPSTAIRS) & (not self.danger.is_tsunami), UPSTAIRS_FACTOR, 1.0
        )
        # Life first: under a wave a ramp decides whether one gets in, a socket does not.
        needs = self.needs & int(Facet.STEP_FREE) if self.danger.is_tsunami else self.needs
        return self.level_m * factor + facets.extra_m(self.problem.sites, needs)

    def _inland_m(self) -> float:
        if self.decision.action is Action.INLAND:
            return float(self.made.walk_m[self.n])
        if not self.danger.is_tsunami:
            return float("inf")
        found, detour = self.ways.inland(self.start), 1.0
        if found is None:
            rules = self.problem.rules
            waves = [one.area_xy_m for one in self.problem.dangers if one.is_tsunami]
            found = exit_points(self._start_xy(), waves, seaward_bearing_deg=rules.seaward_bearing_deg)
            detour = rules.inland_detour_factor
        return float(found.distance_m[0]) * detour

    # -- sites --------------------------------------------------------------------------------------------

    def _listed(self, most: int) -> Iterator[int]:
        """The nearest sites, ties by row, and all up to the one named."""
        order = np.argsort(self.level_m, kind="stable")
        limit_m = self.level_m[self.site] if self.site >= 0 else -1.0
        for rank, site in enumerate(order.tolist()):
            if rank < most or self.level_m[site] < limit_m or site == self.site:
                yield site

    def _seen(self, site: int) -> SiteSeen:
        sites = self.problem.sites
        here = sites.sites[site]
        reachable = bool(np.isfinite(self.level_m[site]))
        present = sites.present_stay if self.seats is sites.stay_seats else sites.present_refuge
        return SiteSeen(
            site_id=here.site_id,
            name=here.name,
            why=self._why(site),
            verdict=Verdict(int(self.verdict[site])).name.lower(),
            walk_m=round(float(self.length_m[site])) if reachable else -1,
            walk_s=round(float(self.level_m[site]) / self.speed) if reachable else -1,
            about=bool(self.about[site]),
            nearer=self.site >= 0 and bool(self.level_m[site] < self.level_m[self.site]),
            is_alternate=site == int(self.made.alternate[self.n]),
            opening=OPENINGS[sites.opening[site]].value,
            seats=Seats(
                seats=int(self.seats[site]),
                present=int(present[site]),
                newly=int(self.newly[site]),
                room=int(self.room[site]),
                assumed=bool(sites.seats_assumed[site]),
            ),
            lacks=self._lacks(site),
            facilities="" if not self.needs else _FACILITIES[int(self.state[site])],
            detail=self.problem.hand.excluded.get(here.site_id, "")
            if self.verdict[site] == Verdict.EXCLUDED
            else "",
        )

    def _why(self, site: int) -> Why:
        """The first reason that holds, in the order in which the plan looks."""
        verdict = Verdict(int(self.verdict[site]))
        action, is_wave = self.decision.action, self.danger.is_tsunami
        if site == self.site:
            return Why.CHOSEN
        if verdict is Verdict.CLOSED and not OPENINGS[self.problem.sites.opening[site]].excludes:
            return Why.NOT_IN_RAIN
        if not verdict.may_be_named:
            return Why(verdict.name.lower())
        if not np.isfinite(self.level_m[site]):
            return Why.NO_WAY
        if self.site < 0 and action in (Action.STAY, Action.UP):
            return Why.AT_HOME
        if self.site >= 0 and self._is_pinned():
            return Why.PINNED
        if is_wave and (found := self._under_the_wave(site, verdict)) is not None:
            return found
        if self.site < 0 and action is Action.INLAND:
            return Why.AT_HOME
        if not is_wave and self.level_m[site] > self.longest_m:
            return Why.TOO_FAR
        return self._by_cost(site, verdict)

    def _under_the_wave(self, site: int, verdict: Verdict) -> Why | None:
        problem, action = self.problem, self.decision.action
        start_xy = self._start_xy()
        sea = bool(
            is_seaward(start_xy, problem.sites.xy_m[site : site + 1], problem.rules.seaward_bearing_deg)[0]
        )
        if sea:
            return Why.SEAWARD
        if verdict is Verdict.UPSTAIRS and action in (Action.GO, Action.INLAND):
            return Why.OUT_FIRST
        if verdict is Verdict.FIT and action is not Action.REFUGE:
            left = np.array([max(0.0, (self.danger.expected_arrival_s or 0.0) - self._since_s())])
            reach = reachable_m(left, np.array([self.speed]), problem.rules.pacing, night=problem.night)
            if self.level_m[site] > float(reach[0]) and self.danger.expected_arrival_s is not None:
                return Why.LATE
            if self.level_m[site] > FAR_FACTOR * self.inland_m:
                return Why.FAR
        return None

    def _since_s(self) -> float:
        """From when the time left counts: whoever is under way keeps the decision made at the start."""
        told, row = self.problem.told, self.row
        return float(told.decided_s[row]) if told.action[row] >= 0 else self.problem.now_s

    def _by_cost(self, site: int, verdict: Verdict) -> Why:
        full = self.room[site] < self.persons
        if self.site < 0:
            return Why.FULL if full else Why.OTHERS
        mine, cost = float(self.cost[self.site]), float(self.cost[site])
        farther = self.level_m[site] > self.level_m[self.site] or (
            self.level_m[site] == self.level_m[self.site] and site > self.site
        )
        if farther:
            return Why.FARTHER
        if cost >= mine:
            is_upstairs = verdict is Verdict.UPSTAIRS and not self.danger.is_tsunami
            return Why.UPSTAIRS if is_upstairs else Why.FACILITY
        told = int(self.problem.told.site[self.row])
        if full:
            return Why.FULL
        return Why.KEPT if told == self.site else Why.OTHERS

    def _lacks(self, site: int) -> tuple[str, ...]:
        here = {self.problem.dangers[k].hazard for k in self.live_here}
        sites = self.problem.sites
        return tuple(sorted(one.value for one in here if not suitability.fit_for(sites, one)[site]))

    def _is_pinned(self) -> bool:
        codes = {ReasonCode.PINNED, ReasonCode.WELFARE_CODE}
        return bool(codes & set(self.decision.reasons))

    def _pin_reason(self) -> str:
        problem = self.problem
        if problem.town is None or ReasonCode.PINNED not in self.decision.reasons:
            return ""
        town = int(problem.town[self.row])
        pin = problem.hand.pins.get(problem.towns[town]) if town >= 0 else None
        return pin.reason if pin is not None else ""

    def _start_xy(self) -> Floats:
        start, people, sites = int(self.start[0]), self.problem.people, self.problem.sites
        if start < len(people):
            return people.xy_m[start : start + 1]
        at = (start - len(people)) % len(sites)
        return sites.xy_m[at : at + 1]

    def _id(self, site: int) -> str:
        return self.problem.sites.sites[site].site_id

    def _name(self, site: int) -> str:
        return self.problem.sites.sites[site].name


_FACILITIES = {facets.HAS: "has", facets.MISSING: "missing", facets.UNKNOWN: "unknown"}


def _newly(made: Plan) -> Ints:
    """(m,) persons this plan sends to each site who take seats and are not in its head count."""
    problem = made.problem
    takes = problem.people.holds_seat[made.row] & ~problem.told.declined[made.row]
    sent = (made.site >= 0) & takes & ~made.counted
    persons = problem.people.persons[made.row[sent]]
    return np.bincount(made.site[sent], weights=persons, minlength=len(problem.sites)).astype(np.int64)
