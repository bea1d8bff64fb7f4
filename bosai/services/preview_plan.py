"""What releasing an order would mean: the plan with it among the orders in force, counted and thrown away. Pure."""

from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np

from bosai.model.alert import Alert, AlertRecord, AlertState, DrillAlert, LiveAlert
from bosai.services.people import PeopleRows
from bosai.services.planning import Situation, area_of, danger_of, problem_of
from bosai.services.previews import Preview, SiteExpectation
from bosai.settings_schema import Settings
from shelters.dangers import who_is_inside
from shelters.model import Action
from shelters.planning import plan

_TO_A_SITE = (Action.GO, Action.REFUGE, Action.PREPARE)


def preview_of(alert: Alert, situation: Situation, rows: PeopleRows, settings: Settings) -> Preview:
    """Households inside, where they would be sent, and who would be left without a site.

    A lift, a recall or an お知らせ sends nobody anywhere: then only the people inside the area are counted.
    """
    inside = _owners_inside(alert, rows, settings)
    persons = Counter({int(owner): 0 for owner in inside})
    for row in np.flatnonzero(np.isin(rows.owner, list(inside))):
        owner = int(rows.owner[row])
        persons[owner] = max(persons[owner], int(rows.people.persons[row]))
    preview = Preview(available=True, people=sum(persons.values()), households=len(inside), at=situation.now)
    if danger_of(alert, settings.city.plane_epsg) is None:
        return preview
    others = [one for one in situation.in_force if one.alert.alert_id != alert.alert_id]
    with_it = replace(situation, in_force=[*others, _as_released(alert, situation.incident)])
    made = plan(problem_of(with_it, rows, settings))
    by_site: Counter[int] = Counter()
    by_action: Counter[str] = Counter()
    no_site = 0
    for decision in made.decisions():
        if decision.owner not in inside:
            continue
        count = persons[decision.owner]
        by_action[decision.action.value] += count
        if decision.site >= 0:
            by_site[decision.site] += count
        elif decision.action in _TO_A_SITE:
            no_site += count
    level = alert.level is not None
    return msgspec.structs.replace(
        preview,
        by_site=tuple(
            SiteExpectation(
                site_id=site.site_id,
                name=site.name,
                persons=by_site[row],
                seats=site.capacity.stay_persons or site.capacity.refuge_persons
                if level
                else site.capacity.refuge_persons,
                source=site.capacity.source.value,
            )
            for row, site in enumerate(made.problem.sites.sites)
            if by_site[row]
        ),
        no_site=no_site,
        by_action=dict(sorted(by_action.items())),
    )


def _owners_inside(alert: Alert, rows: PeopleRows, settings: Settings) -> set[int]:
    area = area_of(alert, settings.city.plane_epsg)
    touched = who_is_inside(rows.people, [area], settings.planner.point_rounding_widen_m, rows.blur_m)
    return {int(owner) for owner in rows.owner[touched[:, 0]]}


def _as_released(alert: Alert, incident: str) -> AlertRecord:
    assert isinstance(alert, LiveAlert | DrillAlert)
    return AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="", incident=incident or None)
