"""Where everybody is, and what happens at the doors.

HOME ─▶ WALKING ─▶ INSIDE            refused ─▶ WALKING to the second choice told, or to the nearest known
  │        ├─────▶ OUT (walked out of the area)     └▶ STRANDED when nothing is left to try
  │        └─────▶ AT_DOOR (locked: waits)
  ├─▶ AWAY (elsewhere)      └▶ STAYS
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from shelters.simulate.city import City
from shelters.simulate.streets import ON_THE_WAY, Streets
from shelters.simulate.walkers import Manner, Walkers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOWHERE, TO_EXIT = -1, -2


class Stand(IntEnum):
    """How far a household has come."""

    HOME = 0
    WALKING = 1
    INSIDE = 2
    OUT = 3
    AT_DOOR = 4
    AWAY = 5
    STAYS = 6
    STRANDED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Which sites people take for open and fit, as they were published. table: (k, m); kind: (n,) row of the table."""

    table: Bools
    kind: Ints

    def of(self, row: int) -> Bools:
        """(m,) what the household of a row knows."""
        found: Bools = self.table[self.kind[row]]
        return found


@dataclass(slots=True, kw_only=True, eq=False)
class Doors:
    """(m,) what is true at each site, whatever the service believes."""

    true_seats: Ints
    inside: Ints  # persons
    locked: Bools
    failed: Bools
    refused: Ints  # persons turned away, each time counted
    first_refused_s: Floats  # inf = never

    @classmethod
    def of(cls, city: City) -> "Doors":
        """Every door unlocked, nobody inside."""
        count = len(city.sites)
        return cls(
            true_seats=city.true_seats.copy(),
            inside=np.zeros(count, dtype=np.int64),
            locked=np.zeros(count, dtype=np.bool_),
            failed=np.zeros(count, dtype=np.bool_),
            refused=np.zeros(count, dtype=np.int64),
            first_refused_s=np.full(count, np.inf),
        )


class Crowd:
    """(n,) households on the move. Events are handled in the order in which they happen; ties by row."""

    def __init__(self, city: City, walkers: Walkers, streets: Streets) -> None:
        count = len(city)
        self.city, self.walkers, self.streets, self.doors = city, walkers, streets, Doors.of(city)
        self.stand = np.full(count, Stand.HOME, dtype=np.int8)
        self.target = np.full(count, NOWHERE, dtype=np.int64)
        self.spare = np.full(count, NOWHERE, dtype=np.int64)  # the second choice as told
        self.leave_s = np.full(count, np.inf)
        self.arrive_s = np.full(count, np.inf)
        self.leg_began_s = np.zeros(count)
        self.leg_start = np.arange(count, dtype=np.int64)
        self.leg_from_xy_m = city.home_xy_m.copy()
        self.leg_to_xy_m = city.home_xy_m.copy()
        self.exit_xy_m = np.full((count, 2), np.nan)
        self.walked_m = np.zeros(count)
        self.refusals = np.zeros(count, dtype=np.int64)
        self.found_shut = np.zeros(count, dtype=np.int64)
        self.tried = np.zeros((count, len(city.sites)), dtype=np.bool_)
        self.placed_s = np.full(count, np.inf)
        self.heard = np.zeros(count, dtype=np.bool_)

    # ---- what people are told -----------------------------------------------------------------------

    def hear_order(self, rows: Ints, now_s: float, known: Known) -> None:
        """The order itself reaches people: who goes by himself makes up his mind."""
        fresh = rows[~self.heard[rows]]
        self.heard[fresh] = True
        manner = self.walkers.manner[fresh]
        self.stand[fresh[manner == Manner.STAYS]] = Stand.STAYS
        leaving = fresh[(manner == Manner.NEAREST) | (manner == Manner.ELSEWHERE)]
        self.leave_s[leaving] = now_s + self.walkers.delay_s[leaving]
        for row in fresh[manner == Manner.NEAREST]:
            self.target[row] = self._nearest_known(
                self.streets.from_start(int(row)), int(row), known.of(int(row))
            )

    def hear_place(self, row: int, site: int, spare: int, now_s: float, exit_xy_m: Floats | None) -> None:
        """Somebody who does as told is told a place (or the way out): leaves later, turns, or is already there."""
        self.spare[row] = spare
        # Without a seat left the advice names the nearest fit site as the next best: people go there and ask.
        target = TO_EXIT if exit_xy_m is not None and site < 0 else site if site >= 0 else spare
        farther = exit_xy_m is not None and not np.array_equal(self.exit_xy_m[row], exit_xy_m, equal_nan=True)
        if exit_xy_m is not None:
            self.exit_xy_m[row] = exit_xy_m
        is_other = target != self.target[row] or (target == TO_EXIT and farther)
        stand = self.stand[row]
        if stand == Stand.HOME:
            self.target[row] = target
            if target == NOWHERE:
                self.leave_s[row] = np.inf
            elif not np.isfinite(self.leave_s[row]):
                self.leave_s[row] = now_s + self.walkers.delay_s[row]
        elif stand == Stand.WALKING and self.walkers.notices[row]:
            if is_other and target != NOWHERE and not (target >= 0 and self.tried[row, target]):
                self._turn(row, target, now_s)
        elif self._may_move_on(row, target) or (stand == Stand.OUT and target == TO_EXIT and farther):
            self._set_out(row, target, now_s, ON_THE_WAY, self.position(row, now_s))
        # Who is inside a site that stands, stays there.

    def hear_to_prepare(self, row: int, site: int, spare: int) -> None:
        """Who is to prepare knows the place, and waits at home."""
        self.spare[row] = spare
        if self.stand[row] == Stand.HOME:
            self.target[row] = site

    def hear_end(self, row: int) -> None:
        """The order has ended: who has not left yet stays at home."""
        if self.stand[row] == Stand.HOME:
            self.target[row], self.leave_s[row] = NOWHERE, np.inf

    def _may_move_on(self, row: int, target: int) -> bool:
        """Who stands somewhere out of a site, and hears of a place that he has not been refused at."""
        waits = self.stand[row] in (Stand.AT_DOOR, Stand.STRANDED) and target not in (
            NOWHERE,
            self.target[row],
        )
        is_new = target < 0 or not self.tried[row, target]
        return bool((waits or (self.stand[row] == Stand.OUT and target >= 0)) and is_new)

    # ---- the clock ----------------------------------------------------------------------------------

    def set_out(self, now_s: float) -> None:
        """Everybody whose time to leave has come is on the way from the moment it came."""
        due = np.flatnonzero((self.stand == Stand.HOME) & (self.leave_s <= now_s))
        away = due[self.walkers.manner[due] == Manner.ELSEWHERE]
        self.stand[away], self.placed_s[away] = Stand.AWAY, self.leave_s[away]
        for row in due[self.walkers.manner[due] != Manner.ELSEWHERE]:
            if self.target[row] != NOWHERE:
                self._set_out(
                    int(row), int(self.target[row]), self.leave_s[row], int(row), self.city.home_xy_m[row]
                )

    def arrive(self, now_s: float, known: Known, squeeze: Floats) -> None:
        """Everybody who has come to the end of a way by now. squeeze: (m,) times the seats that are let in.

        Who is turned away goes on at once, and may arrive again within the same step.
        """
        while True:
            due = np.flatnonzero(
                ((self.stand == Stand.WALKING) & (self.arrive_s <= now_s))
                | ((self.stand == Stand.AT_DOOR) & self._door_has_changed())
            )
            if not len(due):
                return
            for row in due[np.lexsort((due, self.arrive_s[due]))]:
                self._at_the_end(int(row), now_s, known.of(int(row)), squeeze)

    def empty(self, site: int, now_s: float, known: Known) -> Ints:
        """A site fails: everybody inside is outside its door again and looks for another. Their rows."""
        self.doors.failed[site] = True
        rows = np.flatnonzero((self.stand == Stand.INSIDE) & (self.target == site))
        self.doors.inside[site] = 0
        for row in rows:
            self.tried[row, site] = True
            self.placed_s[row] = np.inf
            self._go_on(int(row), site, now_s, known.of(int(row)), spare=NOWHERE)
        return rows

    # ---- where ---------------------------------------------------------------------------------------

    def share_walked(self, rows: Ints, now_s: float) -> Floats:
        """(r,) how much of the present leg lies behind."""
        length = np.maximum(self.arrive_s[rows] - self.leg_began_s[rows], 1e-9)
        share: Floats = np.clip((now_s - self.leg_began_s[rows]) / length, 0.0, 1.0)
        return share

    def positions(self, now_s: float) -> Floats:
        """(n, 2) where everybody is; on the way, on the straight line between its ends."""
        at = self.leg_to_xy_m.copy()
        walking = np.flatnonzero(self.stand == Stand.WALKING)
        share = self.share_walked(walking, now_s)[:, None]
        at[walking] = self.leg_from_xy_m[walking] * (1.0 - share) + self.leg_to_xy_m[walking] * share
        return at

    def position(self, row: int, now_s: float) -> Floats:
        """(2,) where one household is."""
        if self.stand[row] != Stand.WALKING:
            here: Floats = self.leg_to_xy_m[row].copy()
            return here
        share = self.share_walked(np.array([row]), now_s)[0]
        at: Floats = self.leg_from_xy_m[row] * (1.0 - share) + self.leg_to_xy_m[row] * share
        return at

    # ---- steps ---------------------------------------------------------------------------------------

    def _door_has_changed(self) -> Bools:
        site = np.maximum(self.target, 0)
        return (self.target >= 0) & (~self.doors.locked[site] | self.doors.failed[site])

    def _at_the_end(self, row: int, now_s: float, known: Bools, squeeze: Floats) -> None:
        site, doors = int(self.target[row]), self.doors
        when_s = max(float(self.arrive_s[row]), now_s if self.stand[row] == Stand.AT_DOOR else 0.0)
        if site == TO_EXIT:
            self.stand[row], self.placed_s[row] = Stand.OUT, when_s
            return
        persons = int(self.city.persons[row])
        if doors.failed[site]:
            self.found_shut[row] += 1
            self._turned_away(row, site, when_s, known)
        elif doors.locked[site]:
            self.stand[row] = Stand.AT_DOOR
        elif doors.inside[site] + persons <= int(doors.true_seats[site] * squeeze[site]):
            doors.inside[site] += persons
            self.stand[row], self.placed_s[row] = Stand.INSIDE, when_s
        else:
            self.refusals[row] += 1
            doors.refused[site] += persons
            doors.first_refused_s[site] = min(doors.first_refused_s[site], when_s)
            self._turned_away(row, site, when_s, known)

    def _turned_away(self, row: int, site: int, when_s: float, known: Bools) -> None:
        self.tried[row, site] = True
        does_as_told = self.walkers.manner[row] == Manner.COMPLIES
        self._go_on(row, site, when_s, known, spare=int(self.spare[row]) if does_as_told else NOWHERE)

    def _go_on(self, row: int, site: int, when_s: float, known: Bools, *, spare: int) -> None:
        """From the door of `site` to the second choice as told, else to the nearest known one not tried."""
        start = self.streets.start_at(site)
        next_one = spare
        if next_one < 0 or self.tried[row, next_one]:
            next_one = self._nearest_known(self.streets.from_start(start), row, known)
        if next_one == NOWHERE:
            self.stand[row], self.target[row] = Stand.STRANDED, NOWHERE
            self.leg_to_xy_m[row] = self.city.site_xy_m[site]
            return
        self._set_out(row, next_one, when_s, start, self.city.site_xy_m[site])

    def _nearest_known(self, level_m: Floats, row: int, known: Bools) -> int:
        figure = np.where(known & ~self.tried[row], level_m, np.inf)
        best = int(figure.argmin()) if len(figure) else 0
        return best if len(figure) and np.isfinite(figure[best]) else NOWHERE

    def _turn(self, row: int, target: int, now_s: float) -> None:
        at, old = self.position(row, now_s), int(self.target[row])
        left_m = float(max(0.0, self.arrive_s[row] - now_s) * self.walkers.speed_mps[row])
        walked_m = float((now_s - self.leg_began_s[row]) * self.walkers.speed_mps[row])
        self.walked_m[row] -= left_m
        figures = None
        if target != TO_EXIT:
            figures = self.streets.from_between(int(self.leg_start[row]), old, walked_m, left_m, at)
        self._set_out(row, target, now_s, ON_THE_WAY, at, figures)

    def _set_out(  # noqa: PLR0917 - a leg has two ends and a time
        self,
        row: int,
        target: int,
        when_s: float,
        start: int,
        from_xy_m: Floats,
        figures: Floats | None = None,
    ) -> None:
        to_xy_m = self.exit_xy_m[row] if target == TO_EXIT else self.city.site_xy_m[target]
        if target == TO_EXIT:
            level_m = self.streets.to_point_m(from_xy_m, to_xy_m)
        elif figures is not None:
            level_m = float(figures[target])
        elif start == ON_THE_WAY:
            level_m = float(self.streets.from_point(from_xy_m)[target])
        else:
            level_m = float(self.streets.from_start(start)[target])
        if not np.isfinite(level_m):  # told to go where no way leads: people walk the straight line
            level_m = self.streets.to_point_m(from_xy_m, to_xy_m)
        self.stand[row], self.target[row], self.leg_start[row] = Stand.WALKING, target, start
        self.leg_from_xy_m[row], self.leg_to_xy_m[row] = from_xy_m, to_xy_m
        self.leg_began_s[row] = when_s
        self.arrive_s[row] = when_s + level_m / self.walkers.speed_mps[row]
        self.walked_m[row] += level_m
