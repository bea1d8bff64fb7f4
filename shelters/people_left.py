"""People without a phone in a site that failed: rows of nobody's (owner -1), so that the plan finds them a place.

    status 使用不可 ─▶ failed_sites ─▶ heads_without_phone ─▶ PeopleLeft: one row a person, standing at the site ─▶ plan

Subscribers who are inside, or on their way, are in the plan already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from geodata.inland import Exits
from shelters.dangers import Danger, Water, main_danger, who_is_inside
from shelters.heads import in_the_count
from shelters.ledger import Told
from shelters.model import Action, Opening, Pace, People
from shelters.plan import PlanInput
from shelters.sites import HAZARD_COLUMN, OPENINGS
from shelters.triage import ACTION_ROW
from shelters.ways import Nearest, Ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

NOBODY = -1


def failed_sites(problem: PlanInput) -> list[int]:
    """Rows of the sites that are unusable and concern somebody: heads are inside, or people were told to go there."""
    unusable = problem.sites.opening == OPENINGS.index(Opening.UNUSABLE)
    told = np.zeros(len(problem.sites), dtype=np.bool_)
    told[problem.told.site[problem.told.site >= 0]] = True
    return [int(one) for one in np.flatnonzero(unusable & (told | (heads_present(problem) > 0)))]


def heads_without_phone(problem: PlanInput) -> Ints:
    """(m,) persons in each site's count who are no subscribers; -1 where nobody has counted.

    From the count go those who said they had arrived, and those who should have by then (`heads.in_the_count`).
    """
    present, persons = heads_present(problem), problem.people.persons.astype(np.int64)
    inside = in_the_count(
        problem.told,
        persons,
        problem.people.holds_seat,
        counted_at_s=problem.counted_at_s,
        present=present,
        late_start_s=problem.rules.late_start_s,
    )
    ours = np.flatnonzero(inside & problem.people.holds_seat)
    counted = np.bincount(problem.told.site[ours], weights=persons[ours], minlength=len(present))
    return np.where(present < 0, -1, np.maximum(0, present - counted.astype(np.int64)))


class PeopleLeft:
    """Adds to a problem those who stand in a failed site without a phone. The same people give the same objects."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._people: People | None = None
        self._dangers: tuple[tuple[Danger, ...], int, tuple[Danger, ...]] = ((), 0, ())
        self._ways: StandingWays | None = None

    def added_to(self, problem: PlanInput) -> PlanInput:
        """The problem with one row for each of them, after all others; itself where there are none.

        They fled from the areas in force, so each counts as from inside the worst of them, and stands at the site.
        """
        standing = self._standing(problem)
        if not len(standing) or not problem.dangers:
            return problem
        place, hazard = _whence(problem)
        key = (problem.people, tuple(standing), tuple(place))
        if self._people is None or not _same(self._key, key):
            self._key, self._people = key, _with(problem.people, place, len(standing))
        count = len(standing)
        visitor, welfare, town = problem.visitor, problem.welfare, problem.town
        return replace(
            problem,
            people=self._people,
            owner=_longer(problem.owner, count, NOBODY),
            relative=_longer(problem.relative, count, False),
            told=_told_too(problem.told, standing, hazard, problem.counted_at_s[standing]),
            dangers=self._with_dry_rows(problem.dangers, count),
            blur_m=None if problem.blur_m is None else _longer(problem.blur_m, count, 0.0),
            visitor=None if visitor is None else _longer(visitor, count, False),
            welfare=None if welfare is None else _longer(welfare, count, -1),
            town=None if town is None else _longer(town, count, -1),
            ways=self._walks(problem, standing),
        )

    def _walks(self, problem: PlanInput, standing: Ints) -> StandingWays | None:
        if problem.ways is None:
            return None
        held, places = self._ways, len(problem.people)
        if held is None or not held.is_of(problem.ways, places, standing):
            held = self._ways = StandingWays(problem.ways, places=places, standing=standing)
        return held

    @staticmethod
    def _standing(problem: PlanInput) -> Ints:
        """(x,) the failed site of each of them."""
        failed = failed_sites(problem)
        if not failed:
            return np.empty(0, dtype=np.int64)
        heads = heads_without_phone(problem)[failed]
        return np.repeat(np.array(failed, dtype=np.int64), np.maximum(0, heads))

    def _with_dry_rows(self, dangers: tuple[Danger, ...], count: int) -> tuple[Danger, ...]:
        """The dangers with unknown water for the new rows."""
        before, rows, after = self._dangers
        same = rows == count and len(before) == len(dangers)
        if same and all(one is other for one, other in zip(before, dangers, strict=True)):
            return after
        made = tuple(
            one if one.water is None else replace(one, water=_unknown_too(one.water, count))
            for one in dangers
        )
        self._dangers = (dangers, count, made)
        return made


def with_people_left(problem: PlanInput) -> PlanInput:
    """`PeopleLeft.added_to`, for one plan."""
    return PeopleLeft().added_to(problem)


class StandingWays:
    """`Ways` of n places with rows after them that all stand at sites: their walks are the sites' own.

    Without it the same walks come out of a `Ways` made over all the rows, since nobody asks for theirs.
    """

    def __init__(self, inner: Ways, *, places: int, standing: Ints) -> None:
        self.inner = inner
        self._places = places
        self._standing = standing

    def is_of(self, inner: Ways, places: int, standing: Ints) -> bool:
        """True when it is made of just these."""
        return self.inner is inner and self._places == places and np.array_equal(self._standing, standing)

    def nearest(self, starts: Ints, allowed: Bools, k: int) -> Nearest:
        """See `Ways`."""
        return self.inner.nearest(self._own(starts), allowed, k)

    def efforts(self, starts: Ints, sites: Ints) -> Floats:
        """See `Ways`."""
        return self.inner.efforts(self._own(starts), sites)

    def lengths(self, starts: Ints, sites: Ints, level_m: Floats) -> Floats:
        """See `Ways`."""
        return self.inner.lengths(self._own(starts), sites, level_m)

    def about(self, starts: Ints, sites: Ints) -> Bools:
        """See `Ways`."""
        return self.inner.about(self._own(starts), sites)

    def inland(self, starts: Ints) -> Exits | None:
        """See `Ways`."""
        return self.inner.inland(self._own(starts))

    def _own(self, starts: Ints) -> Ints:
        more = len(self._standing)
        own = np.where(starts >= self._places + more, starts - more, starts)
        added = (starts >= self._places) & (starts < self._places + more)
        own[added] = self._places + self._standing[starts[added] - self._places]
        return own


def heads_present(problem: PlanInput) -> Ints:
    """(m,) heads; a coarse level stands for more heads against the larger figure."""
    return np.maximum(problem.sites.present_refuge, problem.sites.present_stay)


def _whence(problem: PlanInput) -> tuple[Floats, int]:
    """A point inside the worst area, and the column of the hazard that speaks there."""
    worst = min(problem.dangers, key=lambda one: (one.rank, one.key))
    point = worst.area_xy_m.representative_point()
    place = np.array([point.x, point.y])
    nobody = _with(_nobody(), place, 1)
    dry = [replace(one, water=None) for one in problem.dangers]
    main = main_danger(who_is_inside(nobody, dry, problem.rules.widen_m), dry)
    return place, HAZARD_COLUMN[problem.dangers[int(main[0])].hazard]


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return len(one) == len(other) and one[0] is other[0] and one[1:] == other[1:]


def _nobody() -> People:
    none = np.empty(0, dtype=np.int64)
    return People(
        xy_m=np.empty((0, 2)),
        persons=none.astype(np.int32),
        pace=none.astype(np.int8),
        floor=none.astype(np.int16),
        structure=none.astype(np.int8),
        holds_seat=none.astype(np.bool_),
        needs=none.astype(np.uint8),
    )


def _with(people: People, place: Floats, count: int) -> People:
    """`count` single persons of unknown pace after all others: nobody knows who they are."""
    return People(
        xy_m=np.concatenate([people.xy_m, np.repeat(place[None], count, axis=0)]),
        persons=_longer(people.persons, count, 1),
        pace=_longer(people.pace, count, Pace.UNKNOWN),
        floor=_longer(people.floor, count, 0),
        structure=_longer(people.structure, count, 0),
        holds_seat=_longer(people.holds_seat, count, True),
        needs=_longer(people.needs, count, 0),
    )


def _told_too(told: Told, standing: Ints, hazard: int, since_s: Floats) -> Told:
    """They are there since they were counted, so that the ledger stays the same while nobody counts anew."""
    count = len(standing)
    return Told(
        site=np.concatenate([told.site, standing]),
        action=_longer(told.action, count, ACTION_ROW[Action.GO]),
        decided_s=np.concatenate([told.decided_s, since_s]),
        walk_s=_longer(told.walk_s, count, 0.0),
        arrived_s=np.concatenate([told.arrived_s, since_s]),
        declined=_longer(told.declined, count, False),
        hazard=_longer(told.hazard, count, hazard),
    )


def _unknown_too(water: Water, count: int) -> Water:
    return Water(
        depth_m=_longer(water.depth_m, count, np.nan),
        duration_h=_longer(water.duration_h, count, np.nan),
        collapse_zone=_longer(water.collapse_zone, count, -1),
    )


def _longer(array: NDArray[T], count: int, value: float) -> NDArray[T]:
    return np.concatenate([array, np.full(count, value, dtype=array.dtype)])
