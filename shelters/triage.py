"""Stay, up, go, inland or refuge: what to do, before it is decided at which site.

levels   3: slow households go, the others prepare · 4: go · 5: the best safety where you are (never "set out")
stay     only flood, storm surge and inland flood, and only when depth, duration, zone, floor and structure
         are all known and fine; anything unknown means leave. Upstairs in a landslide area is no stay here: how near
         the slope a house stands is not known
power    who depends on power does not sit out a power cut above the water: such a household leaves with the slow ones
tsunami  out of the area to a fit site, in time and at most twice as far as the way inland ▸ inland, in time ▸
         otherwise the shortest walk to any safety: refuge (tower, hill, stairs, named floor), inland, site
advisory only the seaward strip, and the answer is inland
others   (large fire, volcano, earthquake, landslide without level …) go
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geodata.hazards import HazardKind
from shelters.dangers import Danger, Water
from shelters.model import Action, Facet, Pace, People, StructureRow
from shelters.pace import Pacing
from shelters.suitability import Verdict

ACTIONS: tuple[Action, ...] = tuple(Action)
ACTION_ROW: dict[Action, int] = {action: n for n, action in enumerate(ACTIONS)}

MAX_STAY_DEPTH_M = 3.0  # 早期立退き避難区域 begins here (Sendai)
MAX_STAY_HOURS = 72.0  # three days of stored water and food
STOREY_M = 2.5  # low guess of one storey's height: floor n lies at least (n - 1) × this above ground
FREEBOARD_M = 0.5
FAR_FACTOR = 2.0  # a site may be at most this many times as far as the way inland
MAX_SEAWARD_M = 100.0
WATER_HAZARDS = frozenset({HazardKind.FLOOD, HazardKind.STORM_SURGE, HazardKind.INLAND_FLOOD})

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def may_stay(danger: Danger, people: People, rows: NDArray[np.int64], blur_m: Floats | None = None) -> Bools:
    """(r,) True where 屋内安全確保 holds: every condition known and fine, nobody depends on power. Unknown is False.

    blur_m: (n,) how far off a place may be. The water at a place that is only roughly known is not known.
    """
    return _above_water(danger, people, rows, blur_m) & ~_needs_power(people, rows)


def leaves_for_power(
    danger: Danger, people: People, rows: NDArray[np.int64], blur_m: Floats | None = None
) -> Bools:
    """(r,) True where only the need for power makes a household leave now: the others of its kind stay or prepare."""
    if danger.hazard not in WATER_HAZARDS or danger.level not in (3, 4):
        return np.zeros(len(rows), dtype=np.bool_)
    would_not_go = _above_water(danger, people, rows, blur_m)
    if danger.level == 3:
        would_not_go |= people.pace[rows] != Pace.SLOW
    return would_not_go & _needs_power(people, rows)


def _needs_power(people: People, rows: NDArray[np.int64]) -> Bools:
    needs: Bools = (people.needs[rows] & int(Facet.POWER)) != 0
    return needs


def _above_water(danger: Danger, people: People, rows: NDArray[np.int64], blur_m: Floats | None) -> Bools:
    water = danger.water
    if water is None or danger.hazard not in WATER_HAZARDS or danger.level not in (3, 4):
        return np.zeros(len(rows), dtype=np.bool_)
    floor, structure = people.floor[rows], people.structure[rows]
    fine: Bools = (
        _dry_above(water, rows, floor)
        & (water.duration_h[rows] <= MAX_STAY_HOURS)
        & (water.collapse_zone[rows] == 0)
        & (structure == StructureRow.SOLID)
    )
    return fine if blur_m is None else fine & (blur_m[rows] <= 0)


def _dry_above(water: Water, rows: NDArray[np.int64], floor: NDArray[np.int16]) -> Bools:
    depth = water.depth_m[rows]
    with np.errstate(invalid="ignore"):
        dry: Bools = (
            (floor >= 2) & (depth < MAX_STAY_DEPTH_M) & (depth + FREEBOARD_M <= (floor - 1) * STOREY_M)
        )
    return dry


def by_level(
    danger: Danger, people: People, rows: NDArray[np.int64], blur_m: Floats | None = None
) -> NDArray[np.int8]:
    """(r,) ACTIONS rows for a danger other than tsunami. blur_m: see `may_stay`."""
    if danger.level == 5:
        return np.full(len(rows), ACTION_ROW[Action.UP], dtype=np.int8)
    action = np.full(len(rows), ACTION_ROW[Action.GO], dtype=np.int8)
    if danger.level == 3:
        action[people.pace[rows] != Pace.SLOW] = ACTION_ROW[Action.PREPARE]
        action[leaves_for_power(danger, people, rows, blur_m)] = ACTION_ROW[Action.GO]
    action[may_stay(danger, people, rows, blur_m)] = ACTION_ROW[Action.STAY]
    return action


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TsunamiView:
    """What (r,) people under a tsunami order see. Walks in metres, inf = none; times in seconds."""

    walk_m: Floats  # (r, m) to every site
    seaward_m: Floats  # (r, m) how far every site lies towards the sea of the person
    verdict: NDArray[np.int8]  # (m,)
    inland_m: Floats  # (r,) to the nearest way out
    speed_mps: Floats  # (r,)
    left_s: Floats  # (r,) until the wave is expected; 0 = unknown or passed


class TsunamiAnswer(NamedTuple):
    """(r,) ACTIONS rows and whether in time; (r, m) walks to the sites that fit the answer, and to any safety."""

    action: NDArray[np.int8]
    allowed_m: Floats
    any_m: Floats
    in_time: Bools


def for_tsunami(view: TsunamiView, pacing: Pacing, *, advisory: bool, night: bool) -> TsunamiAnswer:
    """The order of answers in the head of this module, per person."""
    go_m = np.where(
        (view.verdict == Verdict.FIT)[None, :] & (view.seaward_m <= MAX_SEAWARD_M), view.walk_m, np.inf
    )
    refuge_m = _refuges(view)
    reach_m = reachable_m(view.left_s, view.speed_mps, pacing, night=night)
    timely_go = np.where(
        (go_m <= reach_m[:, None]) & (go_m <= FAR_FACTOR * view.inland_m[:, None]), go_m, np.inf
    )
    can_go = np.isfinite(timely_go).any(axis=1)
    can_inland = np.isfinite(view.inland_m) & ((view.inland_m <= reach_m) | advisory)
    nearest_go, nearest_refuge = _least(go_m), _least(refuge_m)

    late = np.full(len(reach_m), ACTION_ROW[Action.REFUGE], dtype=np.int8)
    late[view.inland_m < nearest_refuge] = ACTION_ROW[Action.INLAND]
    late[nearest_go < np.minimum(view.inland_m, nearest_refuge)] = ACTION_ROW[Action.GO]
    nothing = ~np.isfinite(np.minimum(np.minimum(view.inland_m, nearest_refuge), nearest_go))
    late[nothing] = ACTION_ROW[Action.UP]

    action = np.where(can_inland, ACTION_ROW[Action.INLAND], late).astype(np.int8)
    if not advisory:
        action[can_go] = ACTION_ROW[Action.GO]
    allowed = np.full_like(go_m, np.inf)
    is_go, is_refuge = action == ACTION_ROW[Action.GO], action == ACTION_ROW[Action.REFUGE]
    in_time = (is_go & can_go) | ((action == ACTION_ROW[Action.INLAND]) & can_inland)
    allowed[is_go & can_go] = timely_go[is_go & can_go]
    allowed[is_go & ~can_go] = go_m[is_go & ~can_go]
    allowed[is_refuge] = refuge_m[is_refuge]
    return TsunamiAnswer(action, allowed, np.minimum(go_m, refuge_m), in_time)


def reachable_m(left_s: Floats, speed_mps: Floats, pacing: Pacing, *, night: bool) -> Floats:
    """(r,) metres one gets in the time left, after the start delay and with the margin kept; -1 = no time at all."""
    walking_s = left_s - pacing.start_delay_s(night=night) - pacing.arrival_margin_s
    return np.where(walking_s > 0, walking_s * speed_mps, -1.0)


def _refuges(view: TsunamiView) -> Floats:
    """(r, m) walks to refuges; towards the sea only for those who have nothing else."""
    upstairs = np.where((view.verdict == Verdict.UPSTAIRS)[None, :], view.walk_m, np.inf)
    landward = np.where(view.seaward_m <= MAX_SEAWARD_M, upstairs, np.inf)
    has_landward = np.isfinite(landward).any(axis=1) | np.isfinite(view.inland_m)
    return np.where(has_landward[:, None], landward, upstairs)


def _least(walk_m: Floats) -> Floats:
    least: Floats = walk_m.min(axis=1, initial=np.inf)
    return least
