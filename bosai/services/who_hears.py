"""Between what everybody was told and the planner's arrays: what binds a plan, and whom a plan gives something to hear.

ToldBook + people ─▶ Told (joined to the rows of a PlanInput)        Plan + ToldBook ─▶ Before, Says ─▶ Changes
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Alert, AlertRecord, OrderKind, TsunamiClass
from bosai.model.instruction import Answer, MessageKind
from bosai.services.people import PeopleRows
from bosai.services.told import ACTIONS, ANSWERS, ANYWHERE, LOST, MESSAGES, STAGES, ToldBook
from geodata.areas import points_in_each
from geodata.crs import to_plane
from shelters import changes
from shelters.changes import Before, Changes, Says
from shelters.dangers import who_is_inside
from shelters.ledger import Told
from shelters.model import Action, People
from shelters.plan import Plan
from shelters.sites import HAZARD_COLUMN, SiteTable, floor_label
from shelters.suitability import named_floor

DIRECTED = (MessageKind.ORDER, MessageKind.REDIRECT)
_INLAND = ACTIONS.index(Action.INLAND)
MOVED_M = 100.0
"""A place that moved farther is another place (domain reference §8.5)."""
_STAYING, _ELSEWHERE = ANSWERS.index(Answer.STAYING), ANSWERS.index(Answer.ELSEWHERE)
_AT_HOME = [ACTIONS.index(one) for one in (Action.STAY, Action.UP)]
_LOST = [STAGES.index(one) for one in LOST]
_UNKNOWN = -5
"""Number of a word that nobody was told."""

Ints = NDArray[np.int64]


def told_of_rows(
    book: ToldBook,
    rows: PeopleRows,
    table: SiteTable,
    in_force: Mapping[str, Alert],
    told_of: Mapping[str, AlertRecord],
) -> Told:
    """What each subscriber was told, on every row of his, as far as it binds: an order or redirect of an order still
    in force whose tsunami class has not changed. Provisional advice names no seat, so it binds nothing.

    in_force: order → its version in force. told_of: alert key → the version an instruction stands on.
    """
    hazards = {}
    for key in book.alert_keys():
        alert, before = in_force.get(_order_of(key)), told_of.get(key)
        if (
            alert is not None
            and alert.guides_people
            and (before is None or before.alert.tsunami_class is alert.tsunami_class)
        ):
            hazards[key] = HAZARD_COLUMN[alert.hazard]
    # The same arrays while nothing was said: a plan uses again what hangs on them.
    return book.bound((id(rows), table.rows(), hazards), rows, lambda: _bound(book, rows, table, hazards))


def _bound(book: ToldBook, rows: PeopleRows, table: SiteTable, hazards: Mapping[str, int]) -> Told:
    at = _rows_at(book, rows.subscription_ids, rows.owner)
    found = _columns_at(book, at)
    hazard = book.word_table(hazards)[found["alert"]]
    binds = (at >= 0) & np.isin(found["message"], [MESSAGES.index(one) for one in DIRECTED]) & (hazard >= 0)
    binds &= ~_lives_elsewhere(found, rows.owner, rows.people.xy_m, rows.owner)
    arrived = binds & (found["answer"] == ANSWERS.index(Answer.ARRIVED))
    return Told(
        site=np.where(binds, book.word_table(table.rows())[found["site"]], -1),
        action=np.where(binds, found["action"], -1).astype(np.int8),
        decided_s=np.where(binds, found["decided_s"], np.nan),
        walk_s=np.where(binds, found["walk_s"], 0.0).astype(np.float64),
        arrived_s=np.where(arrived, found["at_s"], np.nan),
        declined=binds & declined(found),
        hazard=np.where(binds, hazard, -1).astype(np.int8),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hearing:
    """Whom a plan gives something to hear. at: (r,) rows of the book for the rows of the plan, -1 = told nothing."""

    book: ToldBook
    at: Ints
    changes: Changes
    also: Mapping[int, tuple[str, ...]]  # row of the plan → towns of the subscriber's other places inside
    full: Mapping[int, str]  # row of the plan → name of the site told before, which is full


def hearing(  # noqa: PLR0917 - one moment: the plan, who they are, and what was said
    made: Plan,
    rows: PeopleRows,
    told: ToldBook,
    in_force: Mapping[str, Alert],
    told_of: Mapping[str, AlertRecord],
    epsg: int,
) -> Hearing:
    """The plan against what everybody was told. in_force: order → its version in force."""
    problem = made.problem
    at = _rows_at(told, rows.subscription_ids, problem.owner[made.row])
    found = _columns_at(told, at)
    words = _Wordings()
    keys = {key: told_of[key].alert if key in told_of else None for key in told.alert_keys()}
    now = [in_force[_order_of(one.key)] for one in problem.dangers]
    owners = problem.owner[: len(rows)]  # behind them stand people without a phone
    elsewhere = _lives_elsewhere(found, problem.owner[made.row], rows.people.xy_m, owners)
    site = told.word_table(problem.sites.rows(), missing=changes.GONE)
    site[-1] = -1
    before = Before(
        standing=(at >= 0)
        & np.isin(found["message"], [MESSAGES.index(one) for one in DIRECTED])
        & ~elsewhere,
        lost=np.isin(found["stage"], _LOST),
        ended=told.word_table({key: int(_order_of(key) in in_force) for key in keys}, 0)[found["alert"]] == 0,
        newest=told.word_table({one.key: n for n, one in enumerate(now)}, -1)[found["alert"]] == made.danger,
        redirected=found["message"] == MESSAGES.index(MessageKind.REDIRECT),
        declined=declined(found),
        words=told.word_table({key: words.number(one) for key, one in keys.items() if one})[found["alert"]],
        severity=told.word_table({key: severity(one) for key, one in keys.items() if one}, 99)[
            found["alert"]
        ],
        floor=found["floor"].astype(np.int64),
        action=found["action"],
        site=site[found["site"]],
        walk_s=found["walk_s"].astype(np.float64),
        said_s=found["decided_s"],
        exit_lost=_exits_lost(made, found, epsg),
    )
    also = other_places(made, rows)
    more = np.zeros(len(at), dtype=np.bool_)
    for n, towns in also.items():
        more[n] = at[n] >= 0 and not set(towns) <= set(told.one(int(at[n])).also)
    says = Says(
        words=np.array([words.number(one) for one in now] or [0], dtype=np.int64)[made.danger],
        severity=np.array([severity(one) for one in now] or [0], dtype=np.int64)[made.danger],
        floor=_floors(made, told),
        more_places=more,
    )
    found_changes = changes.compare(made, before, says)
    sent_on = np.flatnonzero(found_changes.full & found_changes.tell)
    full = {n: problem.sites.sites[int(before.site[n])].name for n in sent_on.tolist()}
    return Hearing(book=told, at=at, changes=found_changes, also=also, full=full)


def declined(found: NDArray[Any]) -> NDArray[np.bool_]:
    """Who does something else than these rows of the book asked for. Staying is what some were asked to do."""
    asked_to_leave = ~np.isin(found["action"], _AT_HOME)
    no: NDArray[np.bool_] = (found["answer"] == _ELSEWHERE) | ((found["answer"] == _STAYING) & asked_to_leave)
    return no


def _lives_elsewhere(
    found: NDArray[Any], owner: NDArray[np.int32], places_xy_m: NDArray[np.float64], owners: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """(r,) whose instruction was made for a place that is none of theirs any more (domain reference §8.5: 100 m).

    found, owner: (r,); places_xy_m, owners: (n,) everybody's places now. Who has arrived stands at the site, wherever
    the home is.
    """
    known = (found["from_m"][:, 0] != ANYWHERE) & (found["answer"] != ANSWERS.index(Answer.ARRIVED))
    rows = np.flatnonzero(known & (owner >= 0))
    elsewhere = np.zeros(len(found), dtype=np.bool_)
    if not len(rows) or not len(owners):
        return elsewhere
    made_for = np.full((int(max(owners.max(), owner.max())) + 1, 2), np.nan)
    made_for[owner[rows]] = found["from_m"][rows]
    away_m = np.hypot(*(places_xy_m - made_for[owners]).T)
    nearest_m = np.full(len(made_for), np.inf)
    np.fmin.at(nearest_m, owners, away_m)
    elsewhere[rows] = nearest_m[owner[rows]] > MOVED_M
    return elsewhere


def _exits_lost(made: Plan, found: NDArray[Any], epsg: int) -> NDArray[np.bool_]:
    """(r,) who was told to walk to where a tsunami area ended, and that place lies inside one now."""
    lost = np.zeros(len(found), dtype=np.bool_)
    waves = [one.area_xy_m for one in made.problem.dangers if one.is_tsunami]
    rows = np.flatnonzero((found["action"] == _INLAND) & np.isfinite(found["exit_lonlat"][:, 0]))
    if len(rows) and waves:
        lost[rows] = points_in_each(to_plane(found["exit_lonlat"][rows], epsg), waves).any(axis=1)
    return lost


def other_places(made: Plan, rows: PeopleRows) -> dict[int, tuple[str, ...]]:
    """Row of the plan → the towns of its subscriber's other places inside an order, each once; who has none is left
    out. One message speaks of the worst place and names the others."""
    problem = made.problem
    owner = problem.owner[: len(rows)]  # behind them stand people without a phone
    many = np.bincount(owner, minlength=1) > 1
    speaks = np.full(len(many), -1, dtype=np.int64)
    mine = np.flatnonzero(problem.owner[made.row] >= 0)
    speaks[owner[made.row[mine]]] = mine
    others = np.flatnonzero(many[owner] & (speaks[owner] >= 0))
    others = others[made.row[speaks[owner[others]]] != others]
    if not len(others) or not problem.dangers:
        return {}
    people = People(**{one.name: getattr(problem.people, one.name)[others] for one in fields(People)})
    dry = [replace(one, water=None) for one in problem.dangers]
    blur_m = problem.blur_m[others] if problem.blur_m is not None else None
    inside = who_is_inside(people, dry, problem.rules.widen_m, blur_m).any(axis=1)
    found: dict[int, set[str]] = {}
    for row in others[inside].tolist():
        found.setdefault(int(speaks[owner[row]]), set()).add(rows.towns[row])
    return {n: tuple(sorted(towns)) for n, towns in found.items()}


def most_endangered_first(made: Plan, chosen: Ints) -> list[int]:
    """Rows of a plan in the order their people are told: by class of danger, then the least time to spare."""
    problem = made.problem
    of_class = np.array([one.danger_class for one in problem.dangers] or [0])[made.danger[chosen]]
    arrival_s = np.array([one.expected_arrival_s or problem.now_s for one in problem.dangers] or [0.0])
    speed = problem.rules.pacing.speed_mps(problem.people.pace[made.row[chosen]], night=problem.night)
    walk_s = np.nan_to_num(made.walk_m[chosen] / speed, nan=0.0, posinf=0.0)
    found: list[int] = chosen[np.lexsort((arrival_s[made.danger[chosen]] - walk_s, of_class))].tolist()
    return found


def severity(alert: Alert) -> int:
    """How bad an order is: larger is worse, in the order in which one speaks before another. The mayor's order comes
    before our notice of the same tsunami class: that it was ordered is news at once."""
    if alert.is_tsunami_call and alert.tsunami_class is not None:
        return _TSUNAMI_SEVERITY[alert.tsunami_class] - int(alert.kind is OrderKind.NOTICE)
    if alert.kind is OrderKind.NOTICE:
        return 0
    return {5: 40, 4: 30, 3: 20}.get(int(alert.level) if alert.level else 4, 30)


_TSUNAMI_SEVERITY = {
    TsunamiClass.ADVISORY: 50,
    TsunamiClass.WARNING: 55,
    TsunamiClass.MAJOR_WARNING: 60,
}


class _Wordings:
    """What an order says, as far as a person must hear of its change, as a number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}

    def number(self, alert: Alert) -> int:
        said = alert.hazard, alert.kind, alert.level, alert.tsunami_class
        return self._numbers.setdefault(said, len(self._numbers))


def _rows_at(book: ToldBook, names: tuple[str, ...], owner: NDArray[np.int32]) -> Ints:
    rows = np.append(book.rows_of(names), -1)  # the last is for owner -1
    at: Ints = rows[owner]
    return at


def _columns_at(book: ToldBook, at: Ints) -> NDArray[Any]:
    """(r,) what stands at these rows; where a row is -1 it means nothing."""
    return (
        book.columns[np.maximum(at, 0)] if len(book.columns) else np.zeros(len(at), dtype=book.columns.dtype)
    )


def _floors(made: Plan, told: ToldBook) -> Ints:
    """(r,) the floor a plan names, as the book's number of it."""
    nothing = told.numbered("")
    floors = np.full(len(made), _UNKNOWN if nothing is None else nothing, dtype=np.int64)
    named = np.flatnonzero(made.site >= 0)
    if not len(named):
        return floors
    # One look for each site under each set of dangers, found without sorting a million rows.
    over = np.packbits(made.inside[named], axis=1)
    if over.shape[1] == 1:  # up to eight orders
        many, which = 256, over[:, 0].astype(np.int64)
    else:
        sets, which = np.unique(over, axis=0, return_inverse=True)
        many, which = len(sets), which.reshape(-1)
    place = made.site[named] * many + which
    first = np.full(len(made.problem.sites) * many, -1, dtype=np.int64)
    first[place] = named
    numbers = np.full(len(first), _UNKNOWN, dtype=np.int64)
    for one in np.flatnonzero(first >= 0).tolist():
        number = told.numbered(_floor(made, int(first[one])))
        numbers[one] = _UNKNOWN if number is None else number
    floors[named] = numbers[place]
    return floors


def _floor(made: Plan, n: int) -> str:
    site, table = int(made.site[n]), made.problem.sites
    hazards = [one.hazard for k, one in enumerate(made.problem.dangers) if made.inside[n, k]]
    named = named_floor(table, site, hazards)
    return floor_label(table.sites[site], named) if named else ""


def _order_of(alert_key: str) -> str:
    return alert_key.rpartition(":")[0]
