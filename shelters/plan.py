"""What a plan depends on, and what it says: problem and answer, kept apart from how it is made (`planning`)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shelters import suitability
from shelters.advice import Decision, reasons_of
from shelters.dangers import Danger
from shelters.hand import NO_HAND, Hand
from shelters.ledger import Told
from shelters.model import Action, Opening, People
from shelters.occupancy import FRESH, Freshness
from shelters.pace import Pacing, StraightLine
from shelters.sites import OPENINGS, SiteTable, floor_label
from shelters.triage import ACTION_ROW, ACTIONS
from shelters.ways import StraightWays, Ways
from shelters.workings import Workings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """The figures a plan is made with; all from settings."""

    pacing: Pacing = field(default_factory=Pacing)
    walks: StraightLine = field(default_factory=StraightLine)  # where a problem brings no ways
    seaward_bearing_deg: float = 110.0
    widen_m: float = 8.0
    seats_margin_fraction: float = 0.0
    assumed_margin_fraction: float = 0.0  # of figures that are only assumed; negative: fewer than the figure
    inland_detour_factor: float = 1.5
    max_walk_s: float = float("inf")  # nobody is sent farther while life is not at stake
    redirect_free_m: float = 150.0  # so near their destination people are not redirected
    late_start_s: float = (
        2400.0  # by when most have left: who has not answered is taken to be there only after that
    )
    freshness: Freshness = FRESH
    party_beyond: bool = (
        False  # True: one household a site may stand beyond seats and margin rather than have none
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanInput:
    """Everything a plan depends on. (n,) arrays are joined to `people`; `owner` numbers the subscribers.

    owner -1: residents who are not subscribers, and people without a phone at a site that failed. They take seats, part
    freely, and are told nothing.
    """

    now_s: float
    night: bool
    people: People
    owner: NDArray[np.int32]
    relative: NDArray[np.bool_]
    sites: SiteTable
    dangers: tuple[Danger, ...]
    told: Told
    counted_at_s: Floats  # (m,) time of each site's head count, nan = silent
    rules: PlanRules = field(default_factory=PlanRules)
    blur_m: Floats | None = None  # (n,) how far off each place may be, None = exact but for rounding
    ways: Ways | None = None  # None: straight lines
    visitor: NDArray[np.bool_] | None = None  # (n,) "today only" places: 帰宅困難者
    welfare: Ints | None = None  # (n,) row of the welfare site a ward's code names, -1 = none
    town: NDArray[np.int32] | None = None  # (n,) row of `towns`, -1 = unknown
    towns: tuple[str, ...] = ()
    hand: Hand = NO_HAND
    event_began_s: float = float("nan")  # when the first order of now was released; nan = just now


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """(r,) decisions as parallel arrays, one per subscriber in danger and one per row without an owner (-1).

    `decision(i)` reads one; `decisions()` those of subscribers. Sites are rows of `problem.sites`, -1 = none.
    """

    problem: PlanInput
    row: Ints
    danger: NDArray[np.int32]
    action: NDArray[np.int8]
    site: Ints
    alternate: Ints
    walk_m: Floats  # level metres: what the time is reckoned from
    alternate_walk_m: Floats
    length_m: Floats  # real metres: what people are told
    alternate_length_m: Floats
    exit_xy_m: Floats  # (r, 2), nan unless inland
    crowded: NDArray[np.bool_]
    reasons: NDArray[np.int64]
    inside: NDArray[np.bool_]  # (r, k) which dangers cover the row
    counted: NDArray[np.bool_]  # already inside the head count of the site
    start: Ints  # where each walk begins, as `Ways` counts starts: a place, or n + the site somebody has arrived at
    third: Ints  # a third choice with seats in mind
    baseline_site: (
        Ints  # the nearest open site that may be named, seats not minded: what nearest-site guidance says
    )
    baseline_m: Floats  # level metres to it, inf = none
    expected: Ints  # (m,) persons sent to each site who take seats there, owner -1 included
    overflow_persons: int  # who should go to a site and for whom no seat is left
    beyond: Ints  # rows of sites with more people than seats and margin
    pins_not_kept: tuple[str, ...]  # towns whose pinned site may not be named
    workings: Workings = field(default_factory=Workings)  # what the next plan may use again

    def __len__(self) -> int:
        return len(self.row)

    def decisions(self) -> Iterator[Decision]:
        """Every decision of a subscriber, in row order."""
        return (self.decision(int(n)) for n in np.flatnonzero(self.problem.owner[self.row] >= 0))

    def decision(self, n: int) -> Decision:
        """The n-th decision."""
        problem, row = self.problem, int(self.row[n])
        site, alternate = int(self.site[n]), int(self.alternate[n])
        danger = problem.dangers[int(self.danger[n])]
        speed = float(self._speed(row))
        action = ACTIONS[self.action[n]]
        exit_xy = self.exit_xy_m[n]
        return Decision(
            row=row,
            owner=int(problem.owner[row]),
            danger=int(self.danger[n]),
            danger_class=danger.danger_class,
            action=action,
            site=site,
            alternate=alternate,
            exit_xy_m=(float(exit_xy[0]), float(exit_xy[1]))
            if action is Action.INLAND and np.isfinite(exit_xy[0])
            else None,
            walk_m=_metres(self.length_m[n]),
            walk_s=_seconds(self.walk_m[n], speed),
            alternate_walk_m=_metres(self.alternate_length_m[n]),
            alternate_walk_s=_seconds(self.alternate_walk_m[n], speed),
            floor_label=self._floor(n, site),
            alternate_floor_label=self._floor(n, alternate),
            unconfirmed=site >= 0 and self.unconfirmed(site),
            crowded=bool(self.crowded[n]),
            reasons=reasons_of(int(self.reasons[n])),
        )

    def unconfirmed(self, site: int) -> bool:
        """True where nobody has reported the site open yet: 開設は未確認."""
        return OPENINGS[self.problem.sites.opening[site]] is Opening.EXPECTED

    def on_their_way(self) -> dict[str, int]:
        """Site id → persons told to go there who are not in its count and did not answer otherwise."""
        problem, persons = self.problem, self.problem.people.persons
        going = np.isin(self.action, [ACTION_ROW[one] for one in (Action.GO, Action.REFUGE)])
        going &= (self.site >= 0) & ~self.counted & ~problem.told.declined[self.row]
        totals = np.bincount(self.site[going], weights=persons[self.row[going]], minlength=len(problem.sites))
        return {problem.sites.sites[n].site_id: int(totals[n]) for n in np.flatnonzero(totals)}

    @property
    def ways(self) -> Ways:
        """What the walks were asked of: `ways.about(plan.start, plan.site)` says which figures are estimates."""
        found: Ways = self.workings.found("ways")
        return found

    def _speed(self, row: int) -> float:
        pace = self.problem.people.pace[row : row + 1]
        return float(self.problem.rules.pacing.speed_mps(pace, night=self.problem.night)[0])

    def _floor(self, n: int, site: int) -> str:
        if site < 0:
            return ""
        hazards = [one.hazard for k, one in enumerate(self.problem.dangers) if self.inside[n, k]]
        named = suitability.named_floor(self.problem.sites, site, hazards)
        return floor_label(self.problem.sites.sites[site], named) if named else ""


def ways_of(problem: PlanInput, workings: Workings, _rows: Ints | None = None) -> Ways:
    """The walks of a plan: as given, else straight lines. The third argument is asked for by nobody any more."""
    people, sites, detour = problem.people.xy_m, problem.sites.xy_m, problem.rules.walks.detour_factor

    def make() -> Ways:
        return problem.ways if problem.ways is not None else StraightWays(people, sites, detour)

    made_from = (problem.ways,) if problem.ways is not None else (people, sites, detour)
    return workings.stage("ways", made_from, make)


def _metres(walk_m: float) -> int:
    return round(float(walk_m)) if np.isfinite(walk_m) else 0


def _seconds(walk_m: float, speed_mps: float) -> int:
    return round(float(walk_m) / speed_mps) if np.isfinite(walk_m) else 0
