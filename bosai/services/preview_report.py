"""From plans to the figures of a preview. Pure.

Plan ─▶ outcome: no way, no seats, beyond the seats · sites: heads, seats, curves · towns: who has no way · closed sites
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from bosai.services.preview_figures import (
    ClosedSite,
    Openings,
    Outcome,
    Preview,
    SiteExpectation,
    TownFigures,
)
from bosai.services.resident_ground import AreaResidents, ResidentGround
from bosai.settings_schema import Settings
from shelters.advice import reason_bits
from shelters.arrivals import Arrivals, Leaving, arrivals
from shelters.model import ReasonCode
from shelters.opening_gains import opening_gains
from shelters.plan import Plan
from shelters.preview import NOBODY, is_walking, loads, nearest_guidance, takes_seat
from shelters.triage import ACTIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WHOLE = 0.995
"""A town of which so much is inside is all inside: borders are estimates."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inside:
    """Who is inside one order's area. (s,) subscribers: the row of the place that stands for each, owner, persons,
    whether a place of their own is inside (else a relative's), and the row of the town in `ground`, -1 = unknown.
    """

    alert_key: str
    row: Ints
    owner: Ints
    persons: Ints
    own: Bools
    town: Ints
    residents: AreaResidents | None
    ground: ResidentGround | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moving:
    """(q,) parties of residents expected to move: (q, 2) places, persons, and the position of their town."""

    xy_m: Floats
    persons: Ints
    town: Ints


# ---- by town ----------------------------------------------------------------------------------------


def count_towns(inside: Inside) -> tuple[TownFigures, ...]:
    """Residents and subscribers of every town with any of them, by ward in the order of the table."""
    if inside.ground is None:
        return ()
    names = inside.ground.towns
    persons, households = Counter[int](), Counter[int]()
    for town, count in zip(inside.town.tolist(), inside.persons.tolist(), strict=True):
        persons[town] += count
        households[town] += 1
    touched = {one.row: one for one in inside.residents.towns} if inside.residents else {}
    figures = []
    for row in sorted({*touched, *persons} - {-1}):
        there = touched.get(row)
        if there is not None and not there.persons and not persons[row]:
            continue  # only touched
        figures.append(
            TownFigures(
                ward=names[row].ward,
                name=names[row].name,
                residents=there.persons if there else 0 if inside.residents else None,
                households=there.households if there else None,
                is_part=there is not None and there.share < _WHOLE,
                subscribers=persons[row],
                subscriber_households=households[row],
            )
        )
    order = {ward: n for n, ward in enumerate(dict.fromkeys(one.ward for one in names))}
    return tuple(sorted(figures, key=lambda one: order[one.ward]))


def _with_no_way(
    towns: tuple[TownFigures, ...], field: str, by_town: Counter[tuple[str, str]]
) -> tuple[TownFigures, ...]:
    return tuple(msgspec.structs.replace(one, **{field: by_town[one.ward, one.name]}) for one in towns)


# ---- one plan ---------------------------------------------------------------------------------------


def report_alone(preview: Preview, made: Plan, inside: Inside, settings: Settings, *, stay: bool) -> Preview:
    """Where the subscribers would go."""
    ours = np.isin(made.problem.owner[made.row], inside.owner)
    persons = made.problem.people.persons[made.row]
    by_action: Counter[str] = Counter()
    for action in np.unique(made.action[ours]):
        by_action[ACTIONS[action].value] = int(persons[ours & (made.action == action)].sum())
    outcome = _outcome(made, ours, stay=stay)
    no_way = np.flatnonzero(ours & _has_no_way(made))
    return msgspec.structs.replace(
        preview,
        by_site=_sites(made, ours, settings, stay=stay),
        no_site=outcome.no_way + outcome.no_seats,
        by_action=dict(sorted(by_action.items())),
        alone=outcome,
        follow_share=settings.preview.subscribers_follow_share,
        towns=_with_no_way(preview.towns, "no_way", _by_town(made, no_way, inside)),
    )


def report_counted_in(
    preview: Preview, made: Plan, inside: Inside, moving: Moving, settings: Settings, *, stay: bool
) -> Preview:
    """The same with the residents of `moving`, the last rows of the plan's people."""
    owner = made.problem.owner[made.row]
    ours = np.isin(owner, inside.owner) | (owner == NOBODY)
    no_way = np.flatnonzero((owner == NOBODY) & _has_no_way(made))
    by_town: Counter[tuple[str, str]] = Counter()
    assert inside.residents is not None
    first = len(made.problem.people) - len(moving.persons)
    for row, town in zip(made.row[no_way], moving.town[made.row[no_way] - first], strict=True):
        there = inside.residents.towns[town]
        by_town[there.ward, there.name] += int(made.problem.people.persons[row])
    return msgspec.structs.replace(
        preview,
        by_site=_merged(preview.by_site, _sites(made, ours, settings, stay=stay)),
        counted_in=_outcome(made, ours, stay=stay),
        moving_residents=int(moving.persons.sum()),
        move_share=settings.preview.residents_move_share,
        towns=_with_no_way(preview.towns, "residents_no_way", by_town),
    )


def report_openings(preview: Preview, made: Plan, *, stay: bool) -> Preview:
    """Which closed sites would help the people of this plan most."""
    found = opening_gains(made, stay=stay)
    sites, table = made.problem.sites.sites, made.problem.sites
    seats = table.stay_seats if stay else table.refuge_seats
    return msgspec.structs.replace(
        preview,
        openings=Openings(
            persons=found.persons,
            seated=found.seated,
            mean_walk_min=round(found.mean_walk_s / 60, 1),
            sites=tuple(
                ClosedSite(
                    site_id=sites[one.site].site_id,
                    name=sites[one.site].name,
                    ward=sites[one.site].ward,
                    seats=int(seats[one.site]),
                    source=sites[one.site].capacity.source.value,
                    more=one.more,
                    saved_min=round(one.saved_s / 60 / found.seated, 1) if found.seated else 0.0,
                    mean_walk_min=round(one.mean_walk_s / 60, 1),
                )
                for one in found.gains
            ),
        ),
    )


def _has_no_way(made: Plan) -> Bools:
    """(r,) seat holders for whom no site can be reached, whatever they are told instead."""
    bit = reason_bits(ReasonCode.NO_SITE)
    people = made.problem.people
    lost: Bools = (
        (made.reasons & bit > 0) & people.holds_seat[made.row] & ~made.problem.told.declined[made.row]
    )
    return lost


def _outcome(made: Plan, ours: Bools, *, stay: bool) -> Outcome:
    persons = made.problem.people.persons[made.row]
    seats, no_way = takes_seat(made) & ours, _has_no_way(made) & ours
    no_seats = seats & ~no_way & (made.site < 0)
    there = np.isin(np.arange(len(made.problem.sites)), made.site[seats & (made.site >= 0)])
    nearest = np.isin(
        np.arange(len(made.problem.sites)), made.baseline_site[seats & (made.baseline_site >= 0)]
    )
    return Outcome(
        to_site=int(persons[seats | no_way].sum()),
        no_way=int(persons[no_way].sum()),
        no_seats=int(persons[no_seats].sum()),
        beyond=int(loads(made, stay=stay).beyond[there].sum()),
        nearest_beyond=int(nearest_guidance(made, stay=stay).beyond[nearest].sum()),
    )


def _by_town(made: Plan, at: Ints, inside: Inside) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    if inside.ground is None:
        return found
    rows = made.row[at]
    for row, town in zip(rows, inside.ground.town_rows(made.problem.people.xy_m[rows]), strict=True):
        if town >= 0:
            named = inside.ground.towns[town]
            found[named.ward, named.name] += int(made.problem.people.persons[row])
    return found


# ---- by site ----------------------------------------------------------------------------------------


def _sites(made: Plan, ours: Bools, settings: Settings, *, stay: bool) -> tuple[SiteExpectation, ...]:
    table, found = made.problem.sites, loads(made, stay=stay)
    persons = made.problem.people.persons[made.row]
    mine = takes_seat(made) & ours & (made.site >= 0)
    heads = np.bincount(made.site[mine], weights=persons[mine], minlength=len(table)).astype(np.int64)
    every = found.subscribers + found.residents
    known = (table.present_stay if stay else table.present_refuge) >= 0
    curves = _curves(made, settings)
    there = curves.there + found.present[:, None]
    full_s = curves.fills_after_s((found.seats - found.present).astype(np.float64))
    return tuple(
        SiteExpectation(
            site_id=table.sites[row].site_id,
            name=table.sites[row].name,
            ward=table.sites[row].ward,
            persons=int(heads[row]),
            others=int(every[row] - heads[row]),
            seats=int(found.seats[row]),
            source=table.sites[row].capacity.source.value,
            present=int(found.present[row]) if known[row] else None,
            curve=tuple(np.rint(there[row]).astype(int).tolist()),
            full_after_min=None if np.isnan(full_s[row]) else int(full_s[row] // 60),
        )
        for row in np.flatnonzero(heads)
    )


def _merged(
    alone: tuple[SiteExpectation, ...], counted_in: tuple[SiteExpectation, ...]
) -> tuple[SiteExpectation, ...]:
    """The sites of both plans in the order of the second, each with the figures of both."""
    first = {one.site_id: one for one in alone}
    merged = [
        msgspec.structs.replace(
            first.pop(one.site_id, msgspec.structs.replace(one, persons=0, curve=(), full_after_min=None)),
            counted_in=one.persons,
            curve_counted_in=one.curve,
            full_after_min_counted_in=one.full_after_min,
        )
        for one in counted_in
    ]
    rest = [msgspec.structs.replace(one, counted_in=0) for one in first.values()]
    return tuple(sorted([*merged, *rest], key=lambda one: one.site_id))


def _curves(made: Plan, settings: Settings) -> Arrivals:
    """Heads there over the next hours: of subscribers those who follow, of residents those who move."""
    problem, figures = made.problem, settings.preview
    rows = np.flatnonzero(is_walking(made))
    at = made.row[rows]
    share = np.where(problem.owner[at] == NOBODY, 1.0, figures.subscribers_follow_share)
    speed = problem.rules.pacing.speed_mps(problem.people.pace[at], night=problem.night)
    same = problem.told.site[at] == made.site[rows]
    ago = np.where(same, problem.now_s - problem.told.decided_s[at], 0.0)
    return arrivals(
        made.site[rows],
        made.walk_m[rows] / speed,
        (problem.people.persons[at] * share).astype(np.float64),
        np.nan_to_num(np.maximum(ago, 0.0)),
        sites=len(problem.sites),
        leaving=Leaving(first_s=figures.leave_first_min * 60, half_s=figures.leave_half_min * 60),
    )
