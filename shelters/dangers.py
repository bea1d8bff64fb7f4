"""Orders in force as the planner sees them, who is inside which, and which one speaks to a person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geodata.hazards import HazardKind
from geodata.near_areas import points_within
from shelters.errors import LengthsDiffer
from shelters.model import People

NO_DANGER = 99
RAIN_HAZARDS = frozenset(
    {HazardKind.FLOOD, HazardKind.LANDSLIDE, HazardKind.STORM_SURGE, HazardKind.INLAND_FLOOD}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Water:
    """What is known of the water at (n,) places, joined to the rows of `People`. Unknown is never "dry"."""

    depth_m: NDArray[np.float64]  # nan = unknown
    duration_h: NDArray[np.float64]  # 浸水継続時間; nan = unknown
    collapse_zone: NDArray[np.int8]  # 家屋倒壊等氾濫想定区域: 1 inside, 0 outside, -1 unknown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Danger:
    """One order in force that directs people. お知らせ never becomes one."""

    key: str  # "alert_id:version"
    hazard: HazardKind
    area_xy_m: BaseGeometry
    level: int | None = None  # 警戒レベル 3-5, None where the hazard has none
    advisory: bool = False  # 津波注意報: the seaward strip only
    # tsunami: the wave (None = treat as now); with levels: when level 4 is expected to begin (None = nobody said)
    expected_arrival_s: float | None = None
    water: Water | None = None

    @property
    def is_tsunami(self) -> bool:
        """True for a tsunami of any class."""
        return self.hazard is HazardKind.TSUNAMI

    @property
    def rank(self) -> int:
        """Which order speaks first to a person inside several: tsunami, then the highest level; 0 is worst."""
        if self.is_tsunami:
            return 1 if self.advisory else 0
        return {5: 2, 4: 3, 3: 4}.get(self.level or 4, 3)

    @property
    def danger_class(self) -> int:
        """Which outbox stream carries it: 0 life in imminent danger, 1 leave now, 2 the rest."""
        if self.is_tsunami:
            return 1 if self.advisory else 0
        return {5: 0, 3: 2}.get(self.level or 4, 1)

    @property
    def life_at_stake(self) -> bool:
        """True while fullness only re-ranks: tsunami and level 5 (design, rule 5.6)."""
        return self.is_tsunami or self.level == 5


def who_is_inside(
    people: People,
    dangers: Sequence[Danger],
    widen_by_m: float,
    blur_m: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """(n, k) True where a place is inside an area, its edge included; areas grow by the rounding of places.

    blur_m: (n,) how far off a place may be beyond that (0, or half the diagonal of a 250 m cell): whoever may be
    inside counts as inside.
    """
    for danger in dangers:
        if danger.water is not None and len(danger.water.depth_m) != len(people):
            raise LengthsDiffer(f"water of {danger.key}", len(people), len(danger.water.depth_m))
    areas = [one.area_xy_m for one in dangers]
    if blur_m is None or not blur_m.any():
        return points_within(people.xy_m, areas, widen_by_m)
    inside = np.zeros((len(people), len(areas)), dtype=np.bool_)
    for blur in np.unique(blur_m).tolist():
        rows = np.flatnonzero(blur_m == blur)
        inside[rows] = points_within(people.xy_m[rows], areas, widen_by_m + blur)
    return inside


def main_danger(inside: NDArray[np.bool_], dangers: Sequence[Danger]) -> NDArray[np.int32]:
    """(n,) column of the order that speaks to each row (ties: the smaller key), -1 where none does."""
    if not dangers:
        return np.full(len(inside), -1, dtype=np.int32)
    order = sorted(range(len(dangers)), key=lambda k: (dangers[k].rank, dangers[k].key))
    first = inside[:, order].argmax(axis=1)
    return np.where(inside.any(axis=1), np.array(order)[first], -1).astype(np.int32)


def message_rows(
    owner: NDArray[np.int32], main: NDArray[np.int32], relative: NDArray[np.bool_], dangers: Sequence[Danger]
) -> NDArray[np.int64]:
    """One row per subscriber in danger: the worst place, of equals one's own first, of those the first given.

    Rows without an owner (-1) each stand for themselves.
    """
    inside = np.flatnonzero(main >= 0)
    owners = owner[inside]
    # Most have one place in danger: only the others' are put in order.
    several = (owners >= 0) & (np.bincount(owners + 1, minlength=1)[owners + 1] > 1)
    alone, rows = inside[~several], inside[several]
    ranks = np.array([one.rank for one in dangers] or [NO_DANGER])
    rows = rows[np.lexsort((rows, relative[rows], ranks[main[rows]], owner[rows]))]
    worst = rows[np.flatnonzero(np.diff(owner[rows], prepend=-1))]
    return np.sort(np.concatenate([alone, worst]))
