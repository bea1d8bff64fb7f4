"""What releasing an order would mean: the plan with it among the orders in force, counted and thrown away. Pure.

    inside_of ─▶ counts_of ─▶ plan of the subscribers ─▶ plan with residents counted in ─▶ closed sites
                    (1)               (2)                           (3)                        (4)

Each step is a `Preview` with more in it than the one before, so that somebody who can not wait has the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from bosai.messages.catalogue import LANGS
from bosai.model.alert import Alert, AlertRecord, AlertState, DrillAlert, LiveAlert
from bosai.model.geometry import from_e7
from bosai.services.people import PeopleRows
from bosai.services.planning import Situation, area_of, danger_of, problem_of
from bosai.services.preview_figures import Preview
from bosai.services.preview_report import (
    Inside,
    Moving,
    count_towns,
    report_alone,
    report_counted_in,
    report_openings,
)
from bosai.services.resident_ground import AreaResidents, ResidentGround
from bosai.settings_schema import Settings
from shelters.dangers import who_is_inside
from shelters.model import Pace
from shelters.plan import PlanInput
from shelters.planning import plan
from shelters.preview import Residents, shared_out, split, with_residents

Ints = NDArray[np.int64]

UNKNOWN_LANG = "unknown"
PACES = {Pace.STANDARD: "standard", Pace.SLOW: "slow", Pace.UNKNOWN: "unknown"}


def preview_of(
    alert: Alert,
    situation: Situation,
    rows: PeopleRows,
    settings: Settings,
    ground: ResidentGround | None = None,
) -> Preview:
    """All of it, however long it takes."""
    inside = inside_of(alert, rows, settings, ground)
    last = counts_of(inside, rows, situation.now)
    if directs(alert):
        for step in planned_previews(alert, situation, rows, settings, inside):
            last = step
    return msgspec.structs.replace(last, complete=True, more=False)


def directs(alert: Alert) -> bool:
    """False for a lift, a recall or an ordinary お知らせ: they send nobody anywhere; who is inside is counted."""
    return alert.guides_people


def inside_of(
    alert: Alert, rows: PeopleRows, settings: Settings, ground: ResidentGround | None = None
) -> Inside:
    """Who is inside, subscribers and residents. ground None: no towns are known."""
    area = area_of(alert, settings.city.plane_epsg)
    touched = who_is_inside(rows.people, [area], settings.planner.point_rounding_widen_m, rows.blur_m)
    at = np.flatnonzero(touched[:, 0])
    at = at[np.lexsort((at, -rows.people.persons[at], rows.relative[at], rows.owner[at]))]
    first = np.flatnonzero(np.diff(rows.owner[at], prepend=-1))
    lead = at[first]
    persons = np.maximum.reduceat(rows.people.persons[at], first) if len(at) else np.zeros(0)
    return Inside(
        alert_key=alert.key,
        row=lead,
        owner=rows.owner[lead].astype(np.int64),
        persons=persons.astype(np.int64),
        own=~rows.relative[lead],
        town=ground.town_rows(rows.people.xy_m[lead]) if ground else np.full(len(lead), -1, dtype=np.int64),
        residents=ground.inside(from_e7(alert.area.polygons_e7_lonlat)) if ground else None,
        ground=ground,
    )


def counts_of(inside: Inside, rows: PeopleRows, at: datetime) -> Preview:
    """The first step: who is inside. Nothing is planned for it."""
    residents, pace, lang = inside.residents, rows.people.pace[inside.row], rows.lang[inside.owner]
    return Preview(
        available=True,
        people=int(inside.persons.sum()),
        households=len(inside.row),
        at=at,
        complete=False,
        planned=False,
        residents=residents.persons if residents else None,
        resident_households=residents.households if residents else None,
        knows_residents=inside.ground is not None and inside.ground.knows_residents,
        towns=count_towns(inside),
        by_pace={
            name: int(inside.persons[pace == value].sum())
            for value, name in PACES.items()
            if (pace == value).any()
        },
        by_lang={
            name: count
            for row, name in enumerate((*LANGS, UNKNOWN_LANG))
            if (count := int(inside.persons[lang == (row if row < len(LANGS) else -1)].sum()))
        },
    )


def planned_previews(
    alert: Alert, situation: Situation, rows: PeopleRows, settings: Settings, inside: Inside
) -> Iterator[Preview]:
    """The other steps, each when it is asked for."""
    danger = danger_of(alert, settings.city.plane_epsg)
    assert danger is not None
    stay = danger.level is not None and not danger.life_at_stake
    counted = msgspec.structs.replace(counts_of(inside, rows, situation.now), planned=True)
    others = [one for one in situation.in_force if one.alert.alert_id != alert.alert_id]
    with_it = replace(situation, in_force=[*others, _as_released(alert, situation.incident)])
    problem = problem_of(with_it, rows, settings)
    made = plan(problem)
    preview = report_alone(counted, made, inside, settings, stay=stay)
    moving = moving_residents(inside, settings) if settings.preview.count_residents else None
    if moving is not None and len(moving.persons):
        yield preview
        made = plan(counted_in(problem, inside, moving, with_it, rows))
        preview = report_counted_in(preview, made, inside, moving, settings, stay=stay)
    yield preview
    yield msgspec.structs.replace(report_openings(preview, made, stay=stay), complete=True)


def moving_residents(inside: Inside, settings: Settings) -> Moving | None:
    """Residents who are not subscribers and are expected to move, in parties where they live about.

    Of each town its residents inside less the subscribers there, never fewer than nobody, by the share that moves.
    """
    found = inside.residents
    if found is None:
        return None
    subscribed = _subscribed_by_town(inside, found)
    left = np.maximum([one.persons for one in found.towns] - subscribed, 0)
    moving = np.floor(left * settings.preview.residents_move_share + 0.5).astype(np.int64)
    heads = np.zeros(len(found.piece_town), dtype=np.int64)
    for town in np.unique(found.piece_town):
        at = np.flatnonzero(found.piece_town == town)
        heads[at] = shared_out(int(moving[town]), found.piece_size[at])
    piece, persons = split(heads, settings.preview.party_persons)
    return Moving(xy_m=found.piece_xy_m[piece], persons=persons, town=found.piece_town[piece])


def _subscribed_by_town(inside: Inside, found: AreaResidents) -> Ints:
    position = {one.row: n for n, one in enumerate(found.towns)}
    at = np.array([position.get(int(row), -1) for row in inside.town], dtype=np.int64)
    mine = inside.own & (at >= 0)
    return np.bincount(at[mine], weights=inside.persons[mine], minlength=len(found.towns)).astype(np.int64)


def counted_in(
    problem: PlanInput, inside: Inside, moving: Moving, situation: Situation, rows: PeopleRows
) -> PlanInput:
    """The problem with the moving residents beside the subscribers; over the network where there is one."""
    residents = Residents(xy_m=moving.xy_m, persons=moving.persons, town=_pinned_towns(inside, moving, rows))
    if situation.walking is not None and problem.ways is not None:
        ways = situation.walking.ways(residents.as_people(), problem.dangers, problem.sites.xy_m)
        residents = replace(residents, ways=ways)
    return with_residents(problem, residents)


def _pinned_towns(inside: Inside, moving: Moving, rows: PeopleRows) -> NDArray[np.int32]:
    """(q,) the residents' towns as the subscribers' are called: HQ's pins hold for both."""
    assert inside.residents is not None
    named = {name: row for row, name in enumerate(rows.town_names)}
    found = [named.get(f"{one.ward}{one.name}", -1) for one in inside.residents.towns]
    return np.array(found, dtype=np.int32)[moving.town]


def _as_released(alert: Alert, incident: str) -> AlertRecord:
    assert isinstance(alert, LiveAlert | DrillAlert)
    return AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="", incident=incident or None)
