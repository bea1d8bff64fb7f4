"""One scenario, twice: with the service's guidance and with "the nearest open site" for everybody."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from shelters.dangers import Danger
from shelters.model import Opening, Pace, People
from shelters.simulate.city import City
from shelters.simulate.crowd import Crowd, Known, Stand
from shelters.simulate.desks import Desks
from shelters.simulate.guides import Guide, NearestGuide, PlanGuide
from shelters.simulate.measures import Outcome, Ratios, Series, count_messages, outcome_of, ratios
from shelters.simulate.others import residents_without_phone
from shelters.simulate.scenario import Scenario
from shelters.simulate.streets import Streets, WaysOf
from shelters.simulate.view import (
    Answers,
    Message,
    View,
    counted_at,
    dangers_at,
    homes_inside,
    known_sites,
    table_now,
    told_to_leave,
)
from shelters.simulate.walkers import Manner, Walkers, draw_walkers

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OURS, BASELINE = "ours", "nearest_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come. share: 0 … 1."""

    guide: str
    now_s: float
    share: float
    inside: int  # persons in sites
    walking: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Both runs of one scenario and seed."""

    ours: Outcome
    baseline: Outcome
    ratios: Ratios


Tell = Callable[[Progress], None]


def simulate(
    scenario: Scenario, city: City, *, ways_of: WaysOf | None = None, tell: Tell | None = None
) -> Result:
    """Both runs. ways_of: walks over a network; None = straight lines with the rules' detour."""
    ours = run(scenario, city, OURS, ways_of=ways_of, tell=tell)
    baseline = run(scenario, city, BASELINE, ways_of=ways_of, tell=tell)
    return Result(ours=ours, baseline=baseline, ratios=ratios(ours, baseline))


def run(
    scenario: Scenario,
    city: City,
    guide: str,
    *,
    ways_of: WaysOf | None = None,
    tell: Tell | None = None,
) -> Outcome:
    """One run: the same people, doors, reports and luck whoever guides."""
    world = _World(scenario, city, guide, ways_of)
    steps = int(np.ceil(scenario.length_s / scenario.step_s))
    for step in range(steps + 1):
        world.step(step * scenario.step_s)
        if tell is not None:
            tell(world.progress(step * scenario.step_s, (step + 1) / (steps + 1)))
    return world.outcome()


class _World:
    """Everything of one run."""

    def __init__(self, scenario: Scenario, city: City, guide: str, ways_of: WaysOf | None) -> None:
        people_rng, desks_rng, answers_rng = (
            np.random.default_rng(one) for one in np.random.SeedSequence([scenario.seed, 2]).spawn(3)
        )
        rules = scenario.rules
        self.scenario, self.city, self.name = scenario, city, guide
        self.walkers = draw_walkers(
            people_rng, city.slow_fraction, scenario.walkers, rules.pacing, night=scenario.night
        )
        self.people = _as_registered(city, self.walkers)
        detour = getattr(rules.walks, "detour_factor", rules.inland_detour_factor)
        self.streets = Streets(self.people, city.site_xy_m, detour, ways_of)
        self.crowd = Crowd(city, self.walkers, self.streets)
        self.desks = Desks(city, scenario.reports, desks_rng, scenario.start_s)
        self.guide = self._guide(guide)
        count, sites = len(city), len(city.sites)
        self.answer_after_s = answers_rng.uniform(30.0, 300.0, count)
        self.under_way: list[tuple[float, Message]] = []  # when it is read, and what
        self.told_s = np.full(count, np.inf)
        self.sent = np.zeros(count, dtype=np.int64)
        self.redirects = np.zeros(count, dtype=np.int64)
        self.needless = np.zeros(count, dtype=np.int64)
        self.concerned = np.zeros(count, dtype=np.bool_)
        self.safe_s = np.full(count, np.inf)
        self.most_inside = np.zeros(sites, dtype=np.int64)
        self.series, self.tracks = Series(), list[list[list[int]]]()
        self.track_rows = np.zeros(0, dtype=np.int64)
        self.dangers: tuple[Danger, ...] = ()
        self.began = False  # an order has been given, whether or not it still stands
        self.inside = np.zeros((count, 0), dtype=np.bool_)
        self.squeeze = np.ones(sites)
        for event in scenario.events:
            if event.opening is Opening.OPEN:
                self.crowd.doors.locked[self._site(event.site_id)] = True

    def _guide(self, guide: str) -> Guide:
        if guide == BASELINE:
            return NearestGuide(self.scenario, self.streets, self.walkers.subscribed)
        others = None
        if self.scenario.count_others:
            others = residents_without_phone(self.city, self.walkers.subscribed, self.scenario.walkers)
        return PlanGuide(self.scenario, self.streets, self.people, self.walkers.subscribed, others)

    # ---- one step ------------------------------------------------------------------------------------

    def step(self, now_s: float) -> None:
        """See the package's head."""
        self._orders(now_s)
        known = self._known()
        self._doors(now_s, known)
        self._hear(now_s)
        self.crowd.set_out(now_s)
        self.crowd.arrive(now_s, known, self.squeeze)
        self.desks.look(now_s, self.crowd.doors)
        statuses = self.desks.hear(now_s)
        table = table_now(self.city, statuses, self.scenario.rules.seats_margin_fraction)
        known = self._known()
        if self.began:
            leaves = told_to_leave(self.inside, self.dangers, self.walkers.pace == Pace.SLOW)
            self.crowd.hear_order(np.flatnonzero(leaves), now_s, known)
            view = View(
                now_s=now_s,
                table=table,
                counted_at_s=counted_at(self.city, statuses),
                dangers=self.dangers,
                inside=self.inside,
                leaves=leaves,
                known=known,
                answers=self._answers(now_s),
            )
            self._advise(view)
        self._measure(now_s)

    def _orders(self, now_s: float) -> None:
        dangers = dangers_at(self.scenario.orders, now_s, self.scenario.start_s)
        if [one.key for one in dangers] == [one.key for one in self.dangers]:
            return
        self.dangers, self.began = dangers, True
        self.inside = homes_inside(self.people, dangers, self.scenario.rules.widen_m)
        self.concerned |= self.inside.any(axis=1)
        self.streets.around(dangers)
        life = any(one.life_at_stake for one in dangers)
        self.squeeze = np.full(len(self.city.sites), self.scenario.squeeze if life else 1.0)
        if not len(self.track_rows) and self.scenario.tracks:
            rows = np.flatnonzero(self.concerned)
            pick = np.linspace(0, len(rows) - 1, min(self.scenario.tracks, len(rows)))
            self.track_rows = rows[pick.astype(np.int64)] if len(rows) else rows

    def _known(self) -> Known:
        table = table_now(self.city, self.desks.statuses, self.scenario.rules.seats_margin_fraction)
        return known_sites(table, self.dangers, self.inside, self.desks.statuses)

    def _doors(self, now_s: float, known: Known) -> None:
        before = now_s - self.scenario.step_s
        for event in self.scenario.events:
            if not before < event.at_s <= now_s:
                continue
            site = self._site(event.site_id)
            self.desks.door(site, now_s, event.opening)
            if event.opening is Opening.OPEN:
                self.crowd.doors.locked[site] = False
            elif event.opening.excludes:
                put_out = self.crowd.empty(site, now_s, known)
                self.safe_s[put_out] = np.inf

    def _answers(self, now_s: float) -> Answers:
        walkers, crowd = self.walkers, self.crowd
        arrived = walkers.answers & (crowd.stand == Stand.INSIDE)
        own = walkers.manner == Manner.ELSEWHERE
        own |= walkers.manner == Manner.STAYS
        declined = walkers.answers & own & (self.told_s + self.answer_after_s <= now_s)
        return Answers(arrived_s=np.where(arrived, crowd.placed_s, np.nan), declined=declined)

    def _advise(self, view: View) -> None:
        for message in self.guide.advise(view):
            row = message.row
            self.sent[row] += 1
            self.redirects[row] += message.is_redirect
            self.needless[row] += message.is_redirect and bool(self.crowd.stand[row] == Stand.INSIDE)
            self.told_s[row] = min(self.told_s[row], view.now_s)
            if self.walkers.manner[row] == Manner.COMPLIES:
                self.under_way.append((view.now_s + self.scenario.walkers.notice_delay_s, message))

    def _hear(self, now_s: float) -> None:
        """What was sent long enough ago is read, in the order in which it was sent."""
        read = [one for due_s, one in self.under_way if due_s <= now_s]
        self.under_way = [pair for pair in self.under_way if pair[0] > now_s]
        for one in read:
            if one.ends:
                self.crowd.hear_end(one.row)
            elif one.waits:
                self.crowd.hear_to_prepare(one.row, one.site, one.spare)
            else:
                self.crowd.hear_place(one.row, one.site, one.spare, now_s, one.exit_xy_m)

    def _site(self, site_id: str) -> int:
        return next(n for n, one in enumerate(self.city.sites) if one.site_id == site_id)

    # ---- figures --------------------------------------------------------------------------------------

    def _measure(self, now_s: float) -> None:
        crowd, persons = self.crowd, self.city.persons
        at = crowd.positions(now_s)
        in_danger = self._exposed(at)
        left = self.concerned & ~in_danger & (crowd.stand != Stand.HOME)
        self.safe_s[left & ~np.isfinite(self.safe_s)] = now_s
        self.safe_s[in_danger] = np.inf
        self.most_inside = np.maximum(self.most_inside, crowd.doors.inside)
        weight = np.where(self.concerned, persons, 0)
        series = self.series
        series.at_s.append(now_s)
        series.standing.append(
            [int(one) for one in np.bincount(crowd.stand, weights=weight, minlength=len(Stand))]
        )
        series.in_danger.append(int(persons[in_danger].sum()))
        series.refused.append(int((crowd.refusals * weight).sum()))
        series.messages.append(int(self.sent.sum()))
        series.inside.append([int(one) for one in crowd.doors.inside])
        self.tracks.append([[round(float(x)), round(float(y))] for x, y in at[self.track_rows]])

    def _exposed(self, at_xy_m: Floats) -> Bools:
        """(n,) whose home is concerned, and who are inside an area now and not in a site."""
        crowd = self.crowd
        out = np.isin(crowd.stand, (Stand.INSIDE, Stand.AWAY))
        exposed = np.zeros(len(self.city), dtype=np.bool_)
        rows = np.flatnonzero(self.concerned & ~out)
        for one in self.dangers:
            shapely.prepare(one.area_xy_m)
            exposed[rows] |= shapely.intersects_xy(one.area_xy_m, at_xy_m[rows, 0], at_xy_m[rows, 1])
        return exposed

    def progress(self, now_s: float, share: float) -> Progress:
        """For whoever watches."""
        heads = self.series.standing[-1]
        return Progress(
            guide=self.name,
            now_s=now_s,
            share=share,
            inside=heads[Stand.INSIDE],
            walking=heads[Stand.WALKING],
        )

    def outcome(self) -> Outcome:
        """The figures of the whole run."""
        arrivals = [one.arrival_s for one in self.scenario.orders if one.arrival_s is not None]
        return outcome_of(
            self.crowd,
            guide=self.name,
            concerned=self.concerned,
            safe_s=self.safe_s,
            arrival_s=min(arrivals, default=None),
            messages=count_messages(self.sent, self.redirects, self.needless),
            most_inside=self.most_inside,
            without_site=self.guide.beyond_seats,
            series=self.series,
            tracks=self.tracks,
            track_rows=self.track_rows,
        )


def _as_registered(city: City, walkers: Walkers) -> People:
    """What the service knows of each household. Floors and structures are not given: unknown."""
    count = len(city)
    return People(
        xy_m=city.home_xy_m,
        persons=city.persons.astype(np.int32),
        pace=walkers.pace,
        floor=np.zeros(count, dtype=np.int16),
        structure=np.zeros(count, dtype=np.int8),
        holds_seat=np.ones(count, dtype=np.bool_),
        needs=np.zeros(count, dtype=np.uint8),
    )
