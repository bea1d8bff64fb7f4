"""A site that can't be used any more: where a plan sends whom, and what is short.

    Plan (with `people_left.PeopleLeft` added to its problem) ─▶ report_of ─▶ FailureReport: per destination how many
    of which kind, how many without a seat ─▶ FailureBook: those whom an earlier plan sent on already stay in it

Subscribers hear it themselves; staff tell the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelters.model import Action, Opening
from shelters.people_left import failed_sites, heads_present
from shelters.plan import Plan
from shelters.sites import OPENINGS
from shelters.triage import ACTION_ROW, ACTIONS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Persons sent to one destination. `site` -1: no site; then `action` is what they are told instead."""

    site: int
    site_id: str
    action: Action
    inside_with_phone: int = 0
    without_phone: int = 0
    on_their_way: int = 0
    # Of these, beyond the seats there, or people for whom nothing could be named:
    phones_without_seat: int = 0
    others_without_seat: int = 0

    @property
    def inside(self) -> int:
        """Persons who set out from the site itself: whom its staff see off."""
        return self.inside_with_phone + self.without_phone

    @property
    def persons(self) -> int:
        """Everybody sent there because of the failure."""
        return self.inside + self.on_their_way

    @property
    def without_seat(self) -> int:
        """Persons of these who find no seat."""
        return self.phones_without_seat + self.others_without_seat


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """What the plan makes of one failed site. `present`: the head count, None = nobody has counted."""

    site: int
    site_id: str
    present: int | None
    moves: tuple[Move, ...]  # the most persons first; no site last

    @property
    def on_their_way(self) -> int:
        """Persons who were told to go there and have not arrived."""
        return sum(one.on_their_way for one in self.moves)

    @property
    def inside_with_phone(self) -> int:
        """Persons who said that they had arrived."""
        return sum(one.inside_with_phone for one in self.moves)

    @property
    def without_seat(self) -> int:
        """Persons for whom no seat is left."""
        return sum(one.without_seat for one in self.moves)


def report_of(plan: Plan, site: int) -> FailureReport:
    """Where the plan sends those of a failed site. The plan is of a problem with `PeopleLeft` added."""
    problem = plan.problem
    told, rows = problem.told, plan.row
    of_it = np.flatnonzero((told.site[rows] == site) & ~told.declined[rows] & ~problem.relative[rows])
    present = int(heads_present(problem)[site])
    return FailureReport(
        site=site,
        site_id=problem.sites.sites[site].site_id,
        present=None if present < 0 else present,
        moves=_in_order(_moves(plan, of_it)),
    )


class FailureBook:
    """The failures of one side over its plans. `read` once for every plan that is acted upon."""

    def __init__(self) -> None:
        self._known: dict[str, FailureReport] = {}

    def read(self, plan: Plan) -> list[FailureReport]:
        """Every site that has failed, by id, with those sent on by this plan and by earlier ones.

        Whoever was sent on is no longer on the way to the failed site when the next plan is made, so the book
        remembers. People without a phone stand there until staff count fewer: of them the newest plan speaks alone.
        """
        sites = plan.problem.sites
        found = {sites.sites[site].site_id: report_of(plan, site) for site in failed_sites(plan.problem)}
        unusable = sites.opening == OPENINGS.index(Opening.UNUSABLE)
        still = {sites.sites[site].site_id for site in np.flatnonzero(unusable)}
        counted = heads_present(plan.problem) >= 0
        self._known = {
            name: _together(self._known.get(name), found.get(name), counted)
            for name in sorted(still & (found.keys() | self._known.keys()))
        }
        return list(self._known.values())


def _together(before: FailureReport | None, now: FailureReport | None, counted: Bools) -> FailureReport:
    """Subscribers of both, the others of now. counted: (m,) sites with a head count; without one it stays unknown."""
    moves: dict[tuple[str, Action], Move] = {}
    phones_only = [
        replace(one, without_phone=0, others_without_seat=0) for one in (before.moves if before else ())
    ]
    for one in (*phones_only, *(now.moves if now else ())):
        held = moves.get((one.site_id, one.action))
        moves[one.site_id, one.action] = one if held is None else _sum(held, one)
    last = now or before
    if last is None:
        raise ValueError("neither report is given")
    # Concerning nobody is not the same as standing empty: without a count nobody knows who is inside.
    gone = 0 if counted[last.site] else None
    present = last.present if now else gone
    return replace(last, present=present, moves=_in_order(one for one in moves.values() if one.persons))


def _sum(one: Move, other: Move) -> Move:
    return replace(
        other,
        inside_with_phone=one.inside_with_phone + other.inside_with_phone,
        without_phone=one.without_phone + other.without_phone,
        on_their_way=one.on_their_way + other.on_their_way,
        phones_without_seat=one.phones_without_seat + other.phones_without_seat,
        others_without_seat=one.others_without_seat + other.others_without_seat,
    )


def _in_order(moves: Iterable[Move]) -> tuple[Move, ...]:
    return tuple(sorted(moves, key=lambda one: (one.site < 0, -one.persons, one.site_id, one.action)))


def _moves(plan: Plan, of_it: Ints) -> Iterator[Move]:
    problem, rows = plan.problem, plan.row[of_it]
    persons = problem.people.persons[rows].astype(np.int64)
    # Preparing counts as going there; up and inland name no site.
    site, action = (
        plan.site[of_it],
        np.where(plan.site[of_it] >= 0, ACTION_ROW[Action.GO], plan.action[of_it]),
    )
    nobodys = problem.owner[rows] < 0
    arrived = ~np.isnan(problem.told.arrived_s[rows]) & ~nobodys
    stranded = plan.crowded[of_it] | ((site < 0) & (action != ACTION_ROW[Action.INLAND]))
    for to, what in sorted(set(zip(site.tolist(), action.tolist(), strict=True))):
        here = (site == to) & (action == what)
        yield Move(
            site=to,
            site_id=problem.sites.sites[to].site_id if to >= 0 else "",
            action=ACTIONS[what],
            inside_with_phone=int(persons[here & arrived].sum()),
            without_phone=int(persons[here & nobodys].sum()),
            on_their_way=int(persons[here & ~arrived & ~nobodys].sum()),
            phones_without_seat=int(persons[here & stranded & ~nobodys].sum()),
            others_without_seat=int(persons[here & stranded & nobodys].sum()),
        )
