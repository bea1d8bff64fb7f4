"""What releasing an order would mean beyond each person's answer: residents counted in, seats, what opening would help.

subscribers' PlanInput + residents (owner -1) ─▶ with_residents ─▶ plan ─▶ loads: heads and seats per site
                                                                    └────▶ opening_gains: the same people, one
                                                                           closed site more at a time
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shelters.dangers import Danger, Water
from shelters.errors import LengthsDiffer
from shelters.ledger import Told, nobody_told
from shelters.model import Action, Pace, People, StructureRow
from shelters.occupancy import seats_with_margin
from shelters.plan import Plan, PlanInput
from shelters.triage import ACTION_ROW
from shelters.ways import StraightWays, Ways
from shelters.ways_joined import JoinedWays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T", np.int32, np.int64)

NOBODY = -1
"""Owner of rows that are told nothing."""

_TO_A_SITE = [ACTION_ROW[one] for one in (Action.GO, Action.REFUGE, Action.PREPARE)]
_WALKING = [ACTION_ROW[one] for one in (Action.GO, Action.REFUGE)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residents:
    """(q,) parties of residents who are expected to move and are not subscribers: (q, 2) places, persons.

    town: (q,) rows of `PlanInput.towns`, None = unknown. ways: from these places to the sites of the plan, the places
    being their rows; None = straight lines.
    """

    xy_m: Floats
    persons: Ints
    town: NDArray[np.int32] | None = None
    ways: Ways | None = None

    def as_people(self) -> People:
        """Nothing is known of their floors, so none of them stays at home for certain; their pace is unknown."""
        count = len(self.persons)
        return People(
            xy_m=np.asarray(self.xy_m, dtype=np.float64).reshape(-1, 2),
            persons=self.persons.astype(np.int32),
            pace=np.full(count, Pace.UNKNOWN, dtype=np.int8),
            floor=np.zeros(count, dtype=np.int16),
            structure=np.full(count, StructureRow.UNKNOWN, dtype=np.int8),
            holds_seat=np.ones(count, dtype=np.bool_),
            needs=np.zeros(count, dtype=np.uint8),
        )


def split(persons: Ints, at_most: int) -> tuple[Ints, Ints]:
    """(p,) heads at places as parties of at most `at_most`: (q,) the row of each party's place, (q,) its persons."""
    parties = -(-np.maximum(persons, 0) // at_most)
    row = np.repeat(np.arange(len(persons)), parties)
    first = np.repeat(np.cumsum(parties) - parties, parties)
    number = np.arange(len(row)) - first
    base, more = persons[row] // np.maximum(parties[row], 1), persons[row] % np.maximum(parties[row], 1)
    return row.astype(np.int64), (base + (number < more)).astype(np.int64)


def shared_out(total: int, weights: Floats) -> Ints:
    """A whole number in whole parts by weight, which add up to it; what is over goes to the largest remainders,
    ties to the first. Without any weight the first takes all."""
    if not len(weights) or total <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    whole = float(weights.sum())
    exact = np.zeros(len(weights)) if whole <= 0 else total * (weights / whole)
    parts = np.floor(exact).astype(np.int64)
    left = total - int(parts.sum())
    order = np.argsort(-(exact - parts), kind="stable")
    np.add.at(parts, order[np.arange(left) % len(weights)], 1)
    return parts


def with_residents(problem: PlanInput, residents: Residents) -> PlanInput:
    """The same problem with the residents after the subscribers' rows, as people nobody tells anything."""
    count, more = len(problem.people), len(residents.persons)
    if len(residents.xy_m) != more:
        raise LengthsDiffer("residents", more, len(residents.xy_m))
    first = ways_of(problem)
    second = residents.ways or _straight(residents.xy_m, problem)
    return replace(
        problem,
        people=_joined_people(problem.people, residents),
        owner=np.concatenate([problem.owner, np.full(more, NOBODY, dtype=np.int32)]),
        relative=np.concatenate([problem.relative, np.zeros(more, dtype=np.bool_)]),
        dangers=tuple(_with_unknown_water(one, more) for one in problem.dangers),
        told=_joined_told(problem.told, nobody_told(more)),
        ways=JoinedWays(first, second, places=(count, more), sites=len(problem.sites)),
        blur_m=None if problem.blur_m is None else np.concatenate([problem.blur_m, np.zeros(more)]),
        visitor=None
        if problem.visitor is None
        else np.concatenate([problem.visitor, np.zeros(more, dtype=np.bool_)]),
        welfare=None if problem.welfare is None else _padded(problem.welfare, more),
        town=None if problem.town is None else _towns(problem.town, residents),
    )


def ways_of(problem: PlanInput) -> Ways:
    """The walks of a problem; straight lines where none are given."""
    return problem.ways or _straight(problem.people.xy_m, problem)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loads:
    """(m,) heads per site of a plan, seats taken only once.

    subscribers, residents: those whose seat is there and who are in no head count yet; present: the head count (0 where
    nobody has reported); seats: places for the kind of stay asked for; limit: with the margin declared beyond them;
    beyond: heads for whom that is not enough.
    """

    subscribers: Ints
    residents: Ints
    present: Ints
    seats: Ints
    limit: Ints

    @property
    def beyond(self) -> Ints:
        """(m,) persons without a seat at the site they are sent to."""
        over: Ints = np.maximum(self.subscribers + self.residents + self.present - self.limit, 0)
        # Heads beyond the seats that were counted before anybody is sent are not this plan's.
        lot: Ints = np.minimum(over, self.subscribers + self.residents)
        return lot


def takes_seat(made: Plan) -> Bools:
    """(r,) rows of a plan that need a seat nobody has counted: not relatives, not who answered otherwise."""
    people, told = made.problem.people, made.problem.told
    needs: Bools = (
        np.isin(made.action, _TO_A_SITE)
        & people.holds_seat[made.row]
        & ~told.declined[made.row]
        & ~made.counted
    )
    return needs


def is_walking(made: Plan) -> Bools:
    """(r,) of those who take a seat: who sets out now. Who prepares does not, not yet."""
    going: Bools = takes_seat(made) & np.isin(made.action, _WALKING) & (made.site >= 0)
    return going


def loads(made: Plan, *, stay: bool) -> Loads:
    """Heads and seats per site as planned; stay: by places to stay, else by standing room."""
    return _loads(made, made.site, stay=stay)


def nearest_guidance(made: Plan, *, stay: bool) -> Loads:
    """The same people each at the nearest open site that may be named, as guidance without seats has it."""
    return _loads(made, made.baseline_site, stay=stay)


def _loads(made: Plan, site: Ints, *, stay: bool) -> Loads:
    problem, table = made.problem, made.problem.sites
    rows = np.flatnonzero(takes_seat(made) & (site >= 0))
    persons, is_resident = problem.people.persons[made.row[rows]], problem.owner[made.row[rows]] == NOBODY

    def heads(chosen: Bools) -> Ints:
        at, count = site[rows[chosen]], persons[chosen]
        return np.bincount(at, weights=count, minlength=len(table)).astype(np.int64)

    seats = (table.stay_seats if stay else table.refuge_seats).astype(np.int64)
    # A margin below nothing is for planning carefully; the seats are there all the same.
    margin = max(problem.rules.seats_margin_fraction, 0.0)
    return Loads(
        subscribers=heads(~is_resident),
        residents=heads(is_resident),
        present=np.maximum(table.present_stay if stay else table.present_refuge, 0).astype(np.int64),
        seats=seats,
        limit=np.array([seats_with_margin(int(one), margin) for one in seats], dtype=np.int64),
    )


def _straight(xy_m: Floats, problem: PlanInput) -> Ways:
    return StraightWays(xy_m, problem.sites.xy_m, problem.rules.inland_detour_factor)


def _towns(town: NDArray[np.int32], residents: Residents) -> NDArray[np.int32]:
    if residents.town is None:
        return _padded(town, len(residents.persons))
    return np.concatenate([town, residents.town.astype(np.int32)])


def _joined_people(people: People, residents: Residents) -> People:
    more = residents.as_people()
    return People(
        **{
            name: np.concatenate([getattr(people, name), getattr(more, name)])
            for name in People.__dataclass_fields__
        }
    )


def _joined_told(first: Told, second: Told) -> Told:
    return Told(
        **{
            name: np.concatenate([getattr(first, name), getattr(second, name)])
            for name in Told.__dataclass_fields__
        }
    )


def _with_unknown_water(danger: Danger, more: int) -> Danger:
    water = danger.water
    if water is None:
        return danger
    unknown = np.full(more, np.nan)
    return replace(
        danger,
        water=Water(
            depth_m=np.concatenate([water.depth_m, unknown]),
            duration_h=np.concatenate([water.duration_h, unknown]),
            collapse_zone=np.concatenate([water.collapse_zone, np.full(more, -1, dtype=np.int8)]),
        ),
    )


def _padded(values: NDArray[T], more: int) -> NDArray[T]:
    return np.concatenate([values, np.full(more, -1, dtype=values.dtype)])
