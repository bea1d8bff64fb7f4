"""Design §5 as properties, over random towns, orders, reports and earlier messages."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from geodata.hazards import HazardKind
from shelters.dangers import RAIN_HAZARDS, Danger, Water
from shelters.ledger import Told, nobody_told
from shelters.model import Action, Opening, Pace, ReasonCode, SiteForm, SiteStatus
from shelters.pace import StraightLine
from shelters.plan import Plan, PlanInput, PlanRules
from shelters.planning import plan
from shelters.sites import HAZARD_COLUMN, OPENINGS
from shelters.triage import ACTION_ROW
from tests.shelters.town import NOW_S, people, problem, site

H = HazardKind
LEVELLED = (H.FLOOD, H.INLAND_FLOOD, H.LANDSLIDE)
RULES = PlanRules(
    walks=StraightLine(1.0), seaward_bearing_deg=90.0, inland_detour_factor=1.0, seats_margin_fraction=0.1
)

spot = st.tuples(st.integers(-20, 40).map(lambda v: v * 100.0), st.integers(-15, 15).map(lambda v: v * 100.0))
floors = st.dictionaries(st.sampled_from([H.TSUNAMI, H.FLOOD, H.LANDSLIDE]), st.integers(1, 4), max_size=3)


@st.composite
def a_site(draw, number: int):
    return site(
        f"s{number:02d}",
        hazards=frozenset(draw(st.sets(st.sampled_from(list(H)), max_size=6))),
        form=draw(st.sampled_from([SiteForm.ELEMENTARY_SCHOOL, SiteForm.TSUNAMI_TOWER, SiteForm.OTHER])),
        floors=draw(floors),
        seats=draw(st.integers(0, 12)),
        stay=draw(st.integers(0, 6)),
        restricted=draw(st.sampled_from(["", "", "", "高齢者"])),
        not_first_in_rain=draw(st.booleans()),
    )


@st.composite
def a_danger(draw, number: int, count: int):
    west, south = draw(spot)
    area = box(west, south, west + draw(st.integers(3, 30)) * 100, south + draw(st.integers(3, 30)) * 100)
    if draw(st.booleans()):
        arrival = draw(st.none() | st.integers(-600, 7200))
        return Danger(
            key=f"t{number}:1",
            hazard=H.TSUNAMI,
            area_xy_m=area,
            advisory=draw(st.booleans()),
            expected_arrival_s=None if arrival is None else NOW_S + arrival,
        )
    hazard = draw(st.sampled_from([*LEVELLED, H.LARGE_FIRE]))
    known = st.floats(0, 8) | st.just(float("nan"))
    water = Water(
        depth_m=np.array(draw(st.lists(known, min_size=count, max_size=count))),
        duration_h=np.array(
            draw(st.lists(st.sampled_from([1.0, 90.0, float("nan")]), min_size=count, max_size=count))
        ),
        collapse_zone=np.array(
            draw(st.lists(st.integers(-1, 1), min_size=count, max_size=count)), dtype=np.int8
        ),
    )
    level = draw(st.sampled_from([3, 4, 5])) if hazard in LEVELLED else None
    return Danger(key=f"l{number}:1", hazard=hazard, area_xy_m=area, level=level, water=water)


@st.composite
def a_problem(draw) -> PlanInput:
    count = draw(st.integers(0, 12))
    sites = {draw(spot): draw(a_site(n)) for n in range(draw(st.integers(0, 6)))}
    names = sorted(one.site_id for one in sites.values())
    who = people(
        draw(st.lists(spot, min_size=count, max_size=count)),
        persons=draw(st.lists(st.integers(1, 6), min_size=count, max_size=count)),
        pace=draw(st.lists(st.sampled_from(list(Pace)), min_size=count, max_size=count)),
        floor=draw(st.integers(0, 5)),
        structure=draw(st.integers(0, 2)),
    )
    statuses = {
        name: SiteStatus(
            site_id=name,
            opening=draw(st.none() | st.sampled_from(list(Opening))),
            present_persons=draw(st.none() | st.integers(0, 15)),
        )
        for name in names
    }
    acts = st.sampled_from([Action.GO, Action.REFUGE, Action.PREPARE])
    told_site = draw(st.lists(st.integers(-1, len(names) - 1), min_size=count, max_size=count))
    told = Told(
        site=np.array(told_site, dtype=np.int64),
        action=np.array([ACTION_ROW[draw(acts)] if one >= 0 else -1 for one in told_site], dtype=np.int8),
        decided_s=np.full(count, NOW_S - draw(st.integers(0, 3600))),
        walk_s=np.full(count, 600.0),
        arrived_s=np.full(count, np.nan),
        declined=np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=np.bool_),
        hazard=np.array(draw(st.lists(st.integers(-1, 7), min_size=count, max_size=count)), dtype=np.int8),
    )
    counted = {
        name: NOW_S - draw(st.integers(0, 4000))
        for name in names
        if statuses[name].present_persons is not None
    }
    return problem(
        who,
        sites,
        [draw(a_danger(n, count)) for n in range(draw(st.integers(0, 3)))],
        statuses=statuses,
        told=told,
        counted_at_s=counted,
        owner=draw(st.lists(st.integers(0, max(0, count - 1)), min_size=count, max_size=count)),
        relative=draw(st.lists(st.booleans(), min_size=count, max_size=count)),
        night=draw(st.booleans()),
        rules=RULES,
    )


def dangers_over(problem_: PlanInput, row: int) -> list[Danger]:
    where = Point(problem_.people.xy_m[row])
    return [one for one in problem_.dangers if one.area_xy_m.buffer(8.0).intersects(where)]


@settings(max_examples=60, deadline=None)
@given(a_problem())
def test_no_named_site_is_closed_unfit_private_or_in_danger_without_a_named_refuge(given_problem):
    made = plan(given_problem)
    has_inland = any(one.fit_for(H.INLAND_FLOOD) and one.open_to_public for one in given_problem.sites.sites)
    for one in made.decisions():
        hazards = {danger.hazard for danger in dangers_over(given_problem, one.row)}
        for named, label in ((one.site, one.floor_label), (one.alternate, one.alternate_floor_label)):
            if named < 0:
                continue
            here, where = given_problem.sites.sites[named], Point(given_problem.sites.xy_m[named])
            opening = OPENINGS[given_problem.sites.opening[named]]
            assert here.open_to_public and not opening.excludes
            for hazard in hazards:
                flag = H.FLOOD if hazard is H.INLAND_FLOOD and not has_inland else hazard
                assert here.fit_for(flag)
            if hazards & RAIN_HAZARDS and here.designations[0].not_first_in_rain:
                assert opening is Opening.OPEN
            for danger in given_problem.dangers:
                if danger.area_xy_m.intersects(where):
                    limit = here.floor_limit(danger.hazard)
                    raised = here.form is SiteForm.TSUNAMI_TOWER and danger.hazard is H.TSUNAMI
                    assert danger.hazard is not H.LANDSLIDE
                    assert raised or (limit is not None and limit.is_upstairs)
                    if limit is not None and limit.is_upstairs and danger.hazard in hazards:
                        assert label


@settings(max_examples=60, deadline=None)
@given(a_problem())
def test_timely_moves_never_pass_the_seats_and_parties_stay_whole(given_problem):
    made = plan(given_problem)
    people_, sites = given_problem.people, given_problem.sites
    sent: Counter[int] = Counter()
    for one in made.decisions():
        danger = given_problem.dangers[one.danger]
        if one.site < 0 or danger.life_at_stake:
            continue
        takes = people_.holds_seat[one.row] and not given_problem.told.declined[one.row]
        at_s = given_problem.counted_at_s[one.site]
        was_told = given_problem.told.site[one.row] == one.site
        due = given_problem.told.decided_s[one.row] + (600 if given_problem.night else 300) + 600.0
        # Who is within 150 m at the pace of this town (1 m/s by day at most, 0.4 m/s at least) is not sent on.
        nearly_there = was_told and due - RULES.redirect_free_m / 0.4 <= given_problem.now_s
        if takes and not (was_told and due <= at_s) and not nearly_there:
            sent[one.site] += int(people_.persons[one.row])
    for row, persons in sent.items():
        most = int(max(sites.refuge_seats[row], sites.stay_seats[row]) * 1.1 + 1e-9)
        present = max(0, int(min(sites.present_refuge[row], sites.present_stay[row])))
        assert persons <= most - present


@settings(max_examples=40, deadline=None)
@given(a_problem())
def test_everybody_inside_is_told_exactly_one_thing_and_nobody_else_is(given_problem):
    made = plan(given_problem)
    inside = {
        int(given_problem.owner[row])
        for row in range(len(given_problem.people))
        if dangers_over(given_problem, row)
    }
    owners = [one.owner for one in made.decisions()]
    assert set(owners) == inside and len(owners) == len(inside)
    for one in made.decisions():
        if one.action in (Action.GO, Action.REFUGE, Action.PREPARE) and one.site < 0:
            assert {ReasonCode.NO_SITE, ReasonCode.NO_SEATS_LEFT} & set(one.reasons)
        if one.action is Action.REFUGE:
            assert one.site >= 0
        if one.action is Action.INLAND:
            assert one.exit_xy_m is not None and one.site == -1


@settings(max_examples=40, deadline=None)
@given(a_problem())
def test_unknown_never_means_stay_and_level_5_never_means_set_out(given_problem):
    for one in plan(given_problem).decisions():
        danger = given_problem.dangers[one.danger]
        if one.action is Action.STAY:
            water = danger.water
            assert water is not None and danger.hazard in (H.FLOOD, H.INLAND_FLOOD, H.STORM_SURGE)
            assert water.depth_m[one.row] < 3 and water.duration_h[one.row] <= 72
            assert water.collapse_zone[one.row] == 0 and given_problem.people.floor[one.row] >= 2
        if danger.level == 5 and not danger.is_tsunami:
            assert one.action is Action.UP and one.site == one.alternate == -1


@settings(max_examples=40, deadline=None)
@given(a_problem())
def test_the_same_input_gives_the_same_plan(given_problem):
    assert list(plan(given_problem).decisions()) == list(plan(given_problem).decisions())


@settings(max_examples=40, deadline=None)
@given(a_problem())
def test_nobody_is_sent_towards_the_sea_for_a_tsunami_while_a_way_inland_exists(given_problem):
    for one in plan(given_problem).decisions():
        danger = given_problem.dangers[one.danger]
        if (
            danger.is_tsunami
            and one.action is Action.GO
            and one.site >= 0
            and given_problem.told.site[one.row] != one.site
        ):
            assert given_problem.sites.xy_m[one.site][0] - given_problem.people.xy_m[one.row][0] <= 100
        if one.action is Action.INLAND and one.exit_xy_m is not None:
            assert one.exit_xy_m[0] <= given_problem.people.xy_m[one.row][0] + 1e-6


def told_by(made: Plan) -> Told:
    """What everybody remembers of a plan the moment after it was sent."""
    given = made.problem
    told = nobody_told(len(given.people))
    for one in made.decisions():
        rows = np.flatnonzero(given.owner == one.owner)
        told.site[rows] = one.site
        told.action[rows] = ACTION_ROW[one.action]
        told.decided_s[rows] = given.now_s
        told.walk_s[rows] = one.walk_s
        told.hazard[rows] = HAZARD_COLUMN[given.dangers[one.danger].hazard]
    return told


@settings(max_examples=150, deadline=None)
@given(a_problem())
def test_a_plan_made_again_while_nothing_changed_sends_nobody_elsewhere(given_problem):
    first = plan(replace(given_problem, told=nobody_told(len(given_problem.people))))
    again = plan(replace(first.problem, told=told_by(first)))
    assert [(one.owner, one.action, one.site) for one in again.decisions()] == [
        (one.owner, one.action, one.site) for one in first.decisions()
    ]
