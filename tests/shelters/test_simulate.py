"""A made city on a virtual clock: nobody is lost, the same seed is the same day, guidance is worth its messages."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from shapely import box

from geodata.hazards import HazardKind
from shelters.simulate.measures import STANDS, percentiles
from shelters.simulate.run import BASELINE, OURS, run, simulate
from shelters.simulate.scenario import OrderVersion, ReportRules, WalkerRules
from tests.shelters.made_city import fails, made_city, opens

EVERYBODY_OBEYS = WalkerRules(subscribed_fraction=1.0, comply_fraction=1.0, notices_fraction=1.0)
EXACT = ReportRules(error_fraction=0.0, silent_fraction=0.0)


@pytest.mark.parametrize("seed", [0, 2])
def test_few_are_refused_at_the_door_where_the_nearest_site_refuses_many(seed):
    result = simulate(*made_city(seed))
    assert result.ours.refused_share <= 0.02
    assert result.baseline.refused_share >= 0.10
    assert result.ours.refused < result.baseline.refused / 3
    assert result.ours.placed >= result.baseline.placed
    assert result.ours.messages.redirects_each <= 0.5


def test_the_same_seed_is_the_same_day_and_another_seed_another():
    first, again = (asdict(simulate(*made_city(5, households=150, minutes=60))) for _ in range(2))
    assert first == again
    assert asdict(simulate(*made_city(6, households=150, minutes=60))) != first


def test_nobody_is_lost_and_no_site_holds_more_than_it_truly_can():
    scenario, city = made_city(3, households=200, events=(fails("S005", 40), opens("S009", 30)))
    for guide in (OURS, BASELINE):
        outcome = run(scenario, city, guide)
        for heads in outcome.series.standing:
            assert sum(heads) == outcome.in_area
        for site, heads in zip(outcome.sites, np.array(outcome.series.inside).T, strict=True):
            assert heads.max() <= site.true_seats
        placed = outcome.series.standing[-1][STANDS.index("inside")]
        assert placed == sum(one.inside for one in outcome.sites) == outcome.placed
        assert outcome.series.refused == sorted(outcome.series.refused)
        assert outcome.series.messages == sorted(outcome.series.messages)


def test_with_exact_seats_and_obedience_nobody_is_refused_at_all():
    outcome = run(*made_city(1, error=0.0, walkers=EVERYBODY_OBEYS, reports=EXACT, households=400), OURS)
    assert outcome.refused == 0
    assert outcome.messages.each <= 1.1
    assert outcome.placed_share > 0.97


def test_when_a_site_fails_those_inside_and_on_their_way_are_sent_on_and_nobody_else():
    scenario, city = made_city(
        1, error=0.0, walkers=EVERYBODY_OBEYS, reports=EXACT, households=400, minutes=120
    )
    quiet = run(scenario, city, OURS)
    at = max(range(len(quiet.sites)), key=lambda n: quiet.sites[n].inside)
    name, concerned = quiet.sites[at].site_id, quiet.sites[at].inside
    outcome = run(replace(scenario, events=(fails(name, 60),)), city, OURS)
    assert outcome.sites[at].state == "unusable" and outcome.sites[at].inside == 0
    assert 0 < outcome.messages.redirects - quiet.messages.redirects <= concerned
    assert outcome.messages.most_to_one <= 3
    assert outcome.stranded == 0


def test_a_locked_door_lets_nobody_in_before_it_opens():
    scenario, city = made_city(2, households=300, events=(opens("S006", 50),))
    for guide in (OURS, BASELINE):
        outcome = run(scenario, city, guide)
        column = [one.site_id for one in outcome.sites].index("S006")
        before = [
            heads[column]
            for at_s, heads in zip(outcome.series.at_s, outcome.series.inside, strict=True)
            if at_s < 3000
        ]
        assert not any(before)


def test_whoever_is_told_at_level_3_to_prepare_leaves_at_level_4():
    later = made_city(4, households=200)[0].orders[0]
    scenario, city = made_city(4, households=200, level=3, walkers=EVERYBODY_OBEYS, minutes=120)
    stays = run(scenario, city, OURS)
    raised = run(
        replace(scenario, orders=(*scenario.orders, replace(later, at_s=1200.0, level=4))), city, OURS
    )
    assert stays.placed < raised.placed
    assert raised.messages.most_to_one >= 2


def test_a_lifted_order_tells_everybody_once_and_those_at_home_stay():
    lifted = OrderVersion(at_s=600.0, order_id="slope", hazard=HazardKind.LANDSLIDE, area_xy_m=None)
    scenario, city = made_city(4, households=200, more_orders=(lifted,), walkers=EVERYBODY_OBEYS, minutes=90)
    outcome = run(scenario, city, OURS)
    assert outcome.still_home > 0
    assert outcome.messages.by_number.keys() <= {"1", "2"}
    assert outcome.messages.total == 2 * outcome.messages.subscribers


def test_percentiles_are_weighted_by_persons():
    found = percentiles(np.array([10.0, 1.0, 5.0]), np.array([1, 8, 1]))
    assert (found.p50, found.p90, found.p99) == (1.0, 5.0, 10.0)
    assert found.mean == pytest.approx(2.3)
    assert percentiles(np.zeros(0), np.zeros(0, dtype=np.int64)).p50 is None


def test_who_walks_inland_hears_of_it_when_the_wave_is_expected_farther_inland():
    scenario, city = made_city(5, households=60, minutes=150, walkers=EVERYBODY_OBEYS)
    near, far = box(-900, -900, 900, 900), box(-1800, -1800, 1800, 1800)
    wave = OrderVersion(
        at_s=0.0, order_id="wave", hazard=HazardKind.TSUNAMI, area_xy_m=near, arrival_s=4 * 3600.0
    )
    scenario = replace(scenario, orders=(wave, replace(wave, at_s=1800.0, area_xy_m=far)))
    found = run(scenario, city, OURS)
    # Whoever walked out of the first area stood inside the second, unless told to walk on.
    assert found.walked_out > 20
    assert found.out_of_danger_share * found.in_area >= found.walked_out + found.placed
