"""A plan's walks over the network, asked by row: each household by its own foot, and from where it has arrived."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bosai.model.subscription import PaceClass, Place
from bosai.services.people import PeopleCache
from bosai.services.walking import FEET, Places, Walking, feet_of
from geodata.foot import Foot
from geodata.hazards import HazardKind
from shelters.dangers import Danger
from shelters.model import Pace, People
from shelters.ways import NOWHERE
from tests.bosai.services.test_walking import SETTINGS, danger, lonlat, network_of, people, way, xy

seeds = st.integers(0, 2**32 - 1)
SITES = 9
ROWS, ALL = np.arange(40), np.ones(SITES, dtype=np.bool_)


@pytest.fixture(scope="module")
def walking() -> Walking:
    """Streets 175 m × 222 m apart, one of them stairs."""
    rows = [way(*[(x, y) for x in range(6)]) for y in range(6)]
    columns = [way(*[(x, y) for y in range(6)]) for x in range(6)]
    return Walking(network_of(*rows, *columns, way((0, 0), (1, 1), highway="steps")), SETTINGS)


def ragged_area(centre_xy_m: np.ndarray, radius_m: float) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, 2_000, endpoint=False)
    radius = radius_m * (1 + 0.1 * np.sin(40 * angle))
    return shapely.Polygon(centre_xy_m + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))


def crowd(rng: np.random.Generator, count: int) -> People:
    spots = rng.uniform(-3, 8, (count, 2))
    return people(
        *((x, y, Pace(int(rng.integers(0, 3))), int(rng.integers(0, 4))) for x, y in spots.tolist())
    )


def matrix(walking: Walking, who: People, dangers: list[Danger], sites: np.ndarray) -> np.ndarray:
    """Everybody by his own foot, in full."""
    full = np.empty((len(who), len(sites)))
    for n, foot in enumerate(feet_of(who)):
        full[n] = walking.around(dangers, FEET[foot]).metres(who.xy_m[n : n + 1], sites)[0]
    return full


@settings(max_examples=25, deadline=None)
@given(seed=seeds, areas=st.integers(0, 2), wave=st.booleans(), k=st.integers(1, 4))
def test_nearest_and_efforts_are_those_of_the_matrix_for_each_foot(walking, seed, areas, wave, k):
    rng = np.random.default_rng(seed)
    who = crowd(rng, 50)
    sites = np.array([xy(*one) for one in rng.uniform(-1, 7, (SITES, 2))])
    hazards = [HazardKind.TSUNAMI if wave else HazardKind.FLOOD, HazardKind.LARGE_FIRE]
    dangers = [danger(*rng.uniform(0, 5, 2), 150, hazards[n]) for n in range(areas)]
    ways, full = walking.ways(who, dangers, sites), matrix(walking, who, dangers, sites)
    starts = rng.permutation(50)[:40]
    allowed = rng.random(SITES) < 0.6
    expected = np.sort(np.where(allowed, full, np.inf)[starts], axis=1)[:, :k]
    if expected.shape[1] == k:
        np.testing.assert_allclose(ways.nearest(starts, allowed, k).level_m, expected, rtol=1e-5, atol=1e-2)
    one = rng.integers(0, SITES, 40)
    level_m = ways.efforts(starts, one)
    np.testing.assert_allclose(level_m, full[starts, one], rtol=1e-5, atol=1e-2)
    several = rng.integers(NOWHERE, SITES, (40, 3))
    table = np.where(several >= 0, full[starts[:, None], np.maximum(several, 0)], np.inf)
    np.testing.assert_allclose(ways.efforts(starts, several), table, rtol=1e-5, atol=1e-2)
    length = ways.lengths(starts, one, level_m)
    assert (length <= level_m + 1e-6).all()
    assert (np.isfinite(length) == np.isfinite(level_m)).all()
    assert (ways.inland(starts) is None) == (not any(single.is_tsunami for single in dangers))


def test_who_stands_at_a_site_walks_on_from_there_with_or_without_steps():
    round_it = way((0, 0), (0, 3), (1, 3), (1, 0), (2, 0))
    walking = Walking(network_of(round_it, way((0, 0), (1, 0), highway="steps")), SETTINGS)
    sites = np.array([xy(0, 0), xy(1, 0)])
    ways = walking.ways(people((1, 2, Pace.STANDARD, 0)), [], sites)
    on_foot, on_wheels = ways.efforts(np.array([1 + 0, 1 + 2 + 0]), np.array([1, 1]))
    assert on_foot == pytest.approx(ways.efforts(np.array([1]), np.array([[1]]))[0, 0])
    assert on_foot < on_wheels == pytest.approx(6 * 222 + 175, rel=0.01)
    found = ways.nearest(np.array([0, 1, 2, 4]), np.array([True, True]), 1)
    assert found.site[:, 0].tolist() == [1, 0, 1, 1]
    assert found.level_m[1:, 0] == pytest.approx(np.zeros(3), abs=0.1)


def test_an_estimate_is_said_to_be_one(walking):
    ways = walking.ways(people((1, 2, Pace.SLOW, 0), (40, 40, Pace.SLOW, 0)), [], np.array([xy(0, 0)]))
    assert ways.about(np.array([0, 1]), np.array([0, 0])).tolist() == [False, True]


def test_nobody_asked_is_nobody_answered(walking):
    ways = walking.ways(people((1, 2, Pace.SLOW, 0)), [], np.array([xy(0, 0)]))
    nobody = np.empty(0, dtype=np.int64)
    assert ways.nearest(nobody, np.array([True]), 2).site.shape == (0, 2)
    assert ways.efforts(nobody, nobody).shape == (0,)
    nowhere = walking.ways(people((1, 2, Pace.SLOW, 0)), [], np.empty((0, 2)))
    assert nowhere.nearest(np.array([0]), np.empty(0, dtype=np.bool_), 1).site.tolist() == [[NOWHERE]]


def test_places_of_other_people_are_refused(walking):
    two = walking.places_of(people((1, 2, Pace.SLOW, 0), (2, 2, Pace.SLOW, 0)))
    with pytest.raises(ValueError, match="places: 2 for 1 people"):
        walking.ways(people((1, 2, Pace.SLOW, 0)), [], np.array([xy(0, 0)]), two)


def test_a_place_costs_few_bytes_on_the_network(walking):
    places = walking.places_of(crowd(np.random.default_rng(1), 500))
    arrays = [getattr(places.standing, name) for name in places.standing.__slots__]
    assert sum(one.nbytes for one in arrays) + places.foot.nbytes <= 32 * 500


def household(name: str, x: float, y: float, pace: PaceClass = PaceClass.STANDARD) -> tuple[str, list[Place]]:
    lon, lat = lonlat(x, y)
    return name, [Place(place_id="a", lon=lon, lat=lat, pace=pace)]


def test_a_bucket_is_put_on_the_network_when_it_is_loaded_and_when_the_network_changes(walking):
    cache = PeopleCache(SETTINGS.city.plane_epsg)
    cache.put({3: [household("c", 3, 3)]}, [0, 0, 0, 1])
    assert cache.rows().places is None
    cache.stand_on(walking)
    asked: list[int] = []
    counted = Walking(walking.network, SETTINGS)
    plainly = counted.places_of

    def counting(who: People) -> Places:
        asked.append(len(who))
        return plainly(who)

    counted.places_of = counting  # type: ignore[method-assign]
    cache.stand_on(counted)
    cache.stand_on(counted)
    cache.put({0: [household("a", 0, 1, PaceClass.SLOW), household("b", 1, 1)]}, [1, 0, 0, 1])
    assert asked == [1, 2], "each bucket once"
    rows = cache.rows()
    assert rows.places is not None
    assert rows.places.foot.tolist() == feet_of(rows.people).tolist()
    afresh = walking.places_of(rows.people).standing
    assert rows.places.standing.edge.tolist() == afresh.edge.tolist()
    assert rows.places.standing.to_end_m.tolist() == afresh.to_end_m.tolist()
    cache.stand_on(None)
    assert cache.rows().places is None


def test_somebody_in_a_wheelchair_stands_on_no_stairs(walking):
    places = walking.places_of(people((0.5, 0.52, Pace.STANDARD, 1), (0.5, 0.52, Pace.STANDARD, 0)))
    assert places.standing.gap_m[0] > places.standing.gap_m[1]
    assert [FEET[one] for one in places.foot] == [Foot.STEP_FREE, Foot.STANDARD]


def test_many_threads_may_ask_past_the_same_areas(walking):
    """Prepared shapes must not be asked by two threads at once: GEOS ends the process."""
    rng = np.random.default_rng(5)
    fire = Danger(key="a:1", hazard=HazardKind.LARGE_FIRE, area_xy_m=ragged_area(xy(2, 2), 300.0))
    sites = np.array([xy(*one) for one in rng.uniform(-6, 12, (SITES, 2))])
    visitors = [crowd(rng, 40) for _ in range(8)]
    expected = [walking.ways(one, [fire], sites).nearest(ROWS, ALL, 2).level_m for one in visitors]
    afresh = Walking(walking.network, SETTINGS)
    with ThreadPoolExecutor(4) as threads:
        asked = [
            threads.submit(lambda one: afresh.ways(one, [fire], sites).nearest(ROWS, ALL, 2), one)
            for one in visitors
        ]
        for one, known in zip(asked, expected, strict=True):
            np.testing.assert_allclose(one.result(timeout=40).level_m, known)
