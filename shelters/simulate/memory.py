"""What each household was told last, beside the ledger: the order's words, the floor, whether it was a redirect."""

import numpy as np
from numpy.typing import NDArray

from geodata.areas import points_in_each
from shelters.changes import Before, Says
from shelters.dangers import Danger
from shelters.ledger import Told
from shelters.model import Action
from shelters.plan import Plan
from shelters.sites import HAZARD_COLUMN
from shelters.suitability import named_floor
from shelters.triage import ACTION_ROW

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WORST_RANK = 9
_INLAND = ACTION_ROW[Action.INLAND]


class Memory:
    """(n,) rows of the people of a plan. Words are numbered as they come."""

    def __init__(self, count: int) -> None:
        self.standing = np.zeros(count, dtype=np.bool_)
        self._redirected = np.zeros(count, dtype=np.bool_)
        self._words = np.full(count, -1, dtype=np.int64)
        self._severity = np.full(count, -1, dtype=np.int64)
        self._floor = np.zeros(count, dtype=np.int64)
        self._exit_xy_m = np.full((count, 2), np.nan)
        self._order = np.full(count, -1, dtype=np.int64)
        self._version = np.full(count, -1, dtype=np.int64)
        self._numbers: dict[tuple[object, ...], int] = {}

    def before(self, made: Plan, told: Told) -> Before:
        """What the rows of a plan were told."""
        rows, live = made.row, self._keys(made)[0]
        return Before(
            standing=self.standing[rows],
            lost=np.zeros(len(rows), dtype=np.bool_),
            ended=~np.isin(self._order[rows], live),
            newest=self._version[rows] == self._keys(made)[1][made.danger],
            redirected=self._redirected[rows],
            declined=told.declined[rows],
            words=self._words[rows],
            severity=self._severity[rows],
            floor=self._floor[rows],
            action=told.action[rows],
            site=told.site[rows],
            walk_s=told.walk_s[rows],
            said_s=told.decided_s[rows],
            exit_lost=self._exits_lost(made, told),
        )

    def _exits_lost(self, made: Plan, told: Told) -> Bools:
        """(r,) who was told to walk to where a tsunami area ended, and that place lies inside one now."""
        lost = np.zeros(len(made), dtype=np.bool_)
        waves = [one.area_xy_m for one in made.problem.dangers if one.is_tsunami]
        to = self._exit_xy_m[made.row]
        some = np.flatnonzero((told.action[made.row] == _INLAND) & np.isfinite(to[:, 0]))
        if len(some) and waves:
            lost[some] = points_in_each(to[some], waves).any(axis=1)
        return lost

    def says(self, made: Plan) -> Says:
        """What the plan would say."""
        dangers = made.problem.dangers
        words = [self._number("words", *_words(one)) for one in dangers]
        severity = [_WORST_RANK - one.rank for one in dangers]
        return Says(
            words=np.array([*words, -1], dtype=np.int64)[made.danger],
            severity=np.array([*severity, -1], dtype=np.int64)[made.danger],
            floor=_floors(made),
        )

    def keep(self, made: Plan, at: Ints) -> None:
        """The decisions `at` are what stands now."""
        rows, says, (orders, versions) = made.row[at], self.says(made), self._keys(made)
        redirect = self.standing[rows] & (self._words[rows] == says.words[at])
        self._redirected[rows] = redirect
        self.standing[rows] = True
        self._words[rows], self._severity[rows] = says.words[at], says.severity[at]
        self._floor[rows] = says.floor[at]
        self._exit_xy_m[rows] = made.exit_xy_m[at]
        self._order[rows], self._version[rows] = orders[made.danger[at]], versions[made.danger[at]]

    def _keys(self, made: Plan) -> tuple[Ints, Ints]:
        """(k,) numbers of the orders in force and of their versions."""
        keys = [one.key for one in made.problem.dangers]
        orders = [self._number("order", key.rpartition(":")[0]) for key in keys]
        versions = [self._number("version", key) for key in keys]
        return np.array([*orders, -2], dtype=np.int64), np.array([*versions, -2], dtype=np.int64)

    def _number(self, *said: object) -> int:
        return self._numbers.setdefault(said, len(self._numbers))


def _words(danger: Danger) -> tuple[object, ...]:
    return danger.hazard, danger.level, danger.advisory


def _floors(made: Plan) -> Ints:
    """(r,) the floor rank that a decision names, 0 = none."""
    floors = np.zeros(len(made), dtype=np.int64)
    named = np.flatnonzero(made.site >= 0)
    if not len(named):
        return floors
    keys = np.column_stack([made.site[named], made.inside[named]]).astype(np.int64)
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    dangers, table = made.problem.dangers, made.problem.sites
    ranks = []
    for key in kinds:
        hazards = [one.hazard for k, one in enumerate(dangers) if key[1 + k]]
        hazard = named_floor(table, int(key[0]), hazards)
        ranks.append(int(table.floor[int(key[0]), HAZARD_COLUMN[hazard]]) if hazard else 0)
    floors[named] = np.array(ranks, dtype=np.int64)[which.reshape(-1)]
    return floors
