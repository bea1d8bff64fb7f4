"""Who was told to prepare under level 3 has not left, however long ago that was: level 4 finds them at home."""

from dataclasses import replace

import numpy as np

from shelters.model import Action, SiteStatus
from shelters.plan import PlanInput
from shelters.planning import plan
from shelters.sites import site_table
from shelters.triage import ACTION_ROW
from tests.shelters.test_what_must_always_hold import told_by
from tests.shelters.town import NOW_S, level, people, problem, site

A, B = 0, 1
SITES = {(-300.0, 0.0): site("a", seats=10), (-900.0, 0.0): site("b", seats=50)}


def two_hours_after_preparing(*, heads: int, answered_s: float = np.nan) -> PlanInput:
    """Ten people who were told to prepare for a walk to a; now level 4, and a reports its heads."""
    first = problem(people([(100.0, 10.0 * n) for n in range(10)]), SITES, [level(3)])
    made = plan(first)
    assert (made.action == ACTION_ROW[Action.PREPARE]).all() and (made.site == A).all()
    told = told_by(made)
    told = replace(told, arrived_s=np.full(len(told.site), answered_s))
    status = {"a": SiteStatus(site_id="a", present_persons=heads)}
    table = site_table(first.sites.sites, status, first.sites.xy_m, margin_fraction=0.0)
    return replace(
        first,
        told=told,
        now_s=NOW_S + 7200,
        dangers=(level(4),),
        sites=table,
        counted_at_s=np.array([NOW_S + 7100, np.nan]),
    )


def test_they_are_not_taken_to_be_inside_a_site_others_have_filled():
    made = plan(two_hours_after_preparing(heads=9))
    assert not made.counted.any()
    assert (made.site == A).sum() == 1 and (made.site == B).sum() == 9


def test_who_answered_that_he_arrived_all_the_same_is_inside_and_stays():
    made = plan(two_hours_after_preparing(heads=10, answered_s=NOW_S + 3600))
    assert made.counted.all() and (made.site == A).all()
