"""What a plan stands on is the very same object as long as nothing of it changed."""

import gc
import weakref

import msgspec
import numpy as np

from bosai.model.alert import Act, AlertRecord, AlertState, LiveAlert, OrderKind
from bosai.model.subscription import Place
from bosai.services.people import rows_of
from bosai.services.plan_ground import GroundCache
from bosai.services.planning import Situation, problem_of
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from geodata.sites import SiteForm
from shelters.dangers import Water
from shelters.hand import Hand
from shelters.model import Capacity, FigureSource, Opening, Site, SiteStatus
from tests.bosai.services.hq import AREA, START

SETTINGS = load_settings(None, {}, {})
HOME = Place(place_id="home", lon=140.985, lat=38.215)


def order(alert_id="a1", version=1, **changes):
    alert = LiveAlert(
        alert_id=alert_id,
        version=version,
        hazard=HazardKind.FLOOD,
        kind=OrderKind.EVACUATE,
        area=AREA,
        act=Act.ISSUE,
        texts={},
        reason="水位",
        review_after_min=60,
        drafter="abe",
        drafted_at=START,
    )
    alert = msgspec.structs.replace(alert, **changes)
    return AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="", incident="i1")


def site(site_id="s1"):
    return Site(
        site_id=site_id,
        name="荒浜学校",
        address="",
        ward="若林区",
        lon=140.97,
        lat=38.22,
        form=SiteForm.OTHER,
        designations=(),
        capacity=Capacity(refuge_persons=10, stay_persons=5, source=FigureSource.ASSUMED),
    )


def situation(**changes):
    facts = {
        "now": START,
        "sites": [site()],
        "statuses": {},
        "in_force": [order()],
        "incident": "i1",
        "told": {},
        "told_of": {},
    }
    return Situation(**(facts | changes))


class Maps:
    """Says half a metre everywhere, and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def of(self, hazard, xy_m):
        self.asked += 1
        if hazard is not HazardKind.FLOOD:
            return None
        count = len(xy_m)
        return Water(
            depth_m=np.full(count, 0.5), duration_h=np.ones(count), collapse_zone=np.zeros(count, np.int8)
        )


def test_the_same_orders_and_sites_are_the_same_objects_and_a_change_makes_only_its_own_anew():
    cache, sites = GroundCache(SETTINGS), [site()]
    first = cache.of(sites, {}, [order()])
    again = cache.of(sites, {}, [order()])
    assert again.table is first.table and again.dangers[0][1] is first.dangers[0][1]
    closed = cache.of(sites, {"s1": SiteStatus(site_id="s1", opening=Opening.CLOSED)}, [order()])
    assert closed.table is not first.table and closed.dangers[0][1] is first.dangers[0][1]
    assert cache.of([site("s2")], {}, []).table is not closed.table


def test_a_draft_rewritten_under_its_key_is_another_danger_and_a_notice_is_none():
    cache = GroundCache(SETTINGS)
    ((_, before),) = cache.of([], {}, [order()]).dangers
    ((_, after),) = cache.of([], {}, [order(kind=OrderKind.EMERGENCY_SAFETY)]).dangers
    assert (before.level, after.level) == (4, 5)
    assert cache.of([], {}, [order("n1", kind=OrderKind.NOTICE)]).dangers == ()


def test_the_maps_are_asked_once_for_the_same_people_and_again_for_others():
    maps, cache = Maps(), GroundCache(SETTINGS)
    rows = rows_of([("a", (HOME,))], SETTINGS.city.plane_epsg)
    moment = situation(water_maps=maps, grounds=cache)
    problem = problem_of(moment, rows, SETTINGS)
    assert problem.dangers[0].water.depth_m.tolist() == [0.5]
    assert problem_of(moment, rows, SETTINGS).dangers[0] is problem.dangers[0] and maps.asked == 1
    problem_of(moment, rows_of([("b", (HOME,))], SETTINGS.city.plane_epsg), SETTINGS)
    assert maps.asked == 2


def test_places_of_long_ago_are_not_held_on_to_for_the_orders_of_then():
    cache, then = GroundCache(SETTINGS), []
    for version in range(1, 6):  # each version finds other people: somebody came or went
        rows = rows_of([("a", (HOME,))], SETTINGS.city.plane_epsg)
        moment = situation(water_maps=Maps(), grounds=cache, in_force=[order(version=version)])
        problem_of(moment, rows, SETTINGS)
        then.append(weakref.ref(rows.people.xy_m))
    del rows, moment
    gc.collect()
    assert [one() is not None for one in then] == [False, False, False, True, True]


def test_where_no_map_speaks_of_the_danger_its_depth_stays_unknown():
    rows = rows_of([("a", (HOME,))], SETTINGS.city.plane_epsg)
    slope = order(hazard=HazardKind.LANDSLIDE)
    assert problem_of(situation(in_force=[slope], water_maps=Maps()), rows, SETTINGS).dangers[0].water is None
    assert problem_of(situation(), rows, SETTINGS).dangers[0].water is None


def test_the_plan_knows_the_hand_the_visitors_and_the_welfare_sites_of_each_row():
    mine = (
        msgspec.structs.replace(HOME, welfare_site="s1"),
        msgspec.structs.replace(HOME, place_id="trip", until=START),
        msgspec.structs.replace(HOME, place_id="old", welfare_site="closed for good"),
    )
    rows = rows_of([("a", mine)], SETTINGS.city.plane_epsg)
    hand = Hand(redirects_paused="混乱を避けるため")
    problem = problem_of(situation(hand=hand), rows, SETTINGS)
    assert problem.hand is hand
    assert problem.visitor.tolist() == [False, True, False]
    assert problem.welfare.tolist() == [0, -1, -1]
    assert problem.town.tolist() == [-1, -1, -1] and problem.towns == ()
    plain = problem_of(situation(), rows_of([("a", (HOME,))], SETTINGS.city.plane_epsg), SETTINGS)
    assert plain.welfare is None
