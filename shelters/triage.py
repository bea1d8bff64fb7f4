"""Stay, up, go or prepare: what to do about a danger, before it is decided at which site. Tsunami: see `tsunami`.

levels   3: who needs time goes (slow, without steps, with power; `answers` adds who would not be there before level 4
         is expected), the others prepare · 4: go · 5: the best safety where you are (never "set out")
stay     only flood, storm surge and inland flood, and only when depth, duration, zone, floor and structure
         are all known and fine; anything unknown means leave. Upstairs in a landslide area is no stay here: how near
         the slope a house stands is not known. Of several orders at one place each has to allow it: a floor above the
         water is no answer to the slope behind the house
power    who depends on power does not sit out a power cut above the water: such a household leaves with the slow ones
others   (large fire, volcano, earthquake, landslide without level …) go
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geodata.hazards import HazardKind
from shelters.dangers import Danger, Water
from shelters.model import Action, Facet, Pace, People, StructureRow

ACTIONS: tuple[Action, ...] = tuple(Action)
ACTION_ROW: dict[Action, int] = {action: n for n, action in enumerate(ACTIONS)}

MAX_STAY_DEPTH_M = 3.0  # 早期立退き避難区域 begins here (Sendai)
MAX_STAY_HOURS = 72.0  # three days of stored water and food
STOREY_M = 2.5  # low guess of one storey's height: floor n lies at least (n - 1) × this above ground
FREEBOARD_M = 0.5
LEAVE_EARLY = Facet.STEP_FREE | Facet.POWER
"""Who needs these leaves at level 3, as the slow do: 高齢者等避難 is for whoever needs time, and their supporters."""
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
        would_not_go |= ~_needs_time(people, rows, Facet.STEP_FREE)
    return would_not_go & _needs_power(people, rows)


def _needs_time(people: People, rows: NDArray[np.int64], facets: Facet) -> Bools:
    """(r,) 避難に時間がかかる: slow, or in need of one of these, which is rarely without a reason that takes time."""
    slow: Bools = (people.pace[rows] == Pace.SLOW) | ((people.needs[rows] & int(facets)) != 0)
    return slow


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
    danger: Danger,
    people: People,
    rows: NDArray[np.int64],
    blur_m: Floats | None = None,
    others: Sequence[Danger] = (),
) -> NDArray[np.int8]:
    """(r,) ACTIONS rows for a danger other than tsunami. others: in force there besides; blur_m: see `may_stay`."""
    if danger.level == 5:
        return np.full(len(rows), ACTION_ROW[Action.UP], dtype=np.int8)
    action = np.full(len(rows), ACTION_ROW[Action.GO], dtype=np.int8)
    if danger.level == 3:
        action[~_needs_time(people, rows, LEAVE_EARLY)] = ACTION_ROW[Action.PREPARE]
    stays = may_stay(danger, people, rows, blur_m)
    for other in others:
        stays &= may_stay(other, people, rows, blur_m)
    action[stays] = ACTION_ROW[Action.STAY]
    return action
