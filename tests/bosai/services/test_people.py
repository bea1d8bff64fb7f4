"""Places as arrays: each household at each of its places, buckets loaded again only when they moved."""

import numpy as np

from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.services.people import CELL_BLUR_M, PeopleCache, joined, rows_of
from shelters.model import Pace, StructureRow

EPSG = 6678


def place(place_id="home", **extra):
    return Place(**{"place_id": place_id, "lon": 140.97, "lat": 38.22, **extra})


def test_places_become_rows_and_subscribers_numbers():
    rows = rows_of(
        [
            ("a", (place(persons=3, pace=PaceClass.SLOW, floor=2, structure=Structure.SOLID),)),
            ("b", (place(needs=(Need.PETS, Need.STEP_FREE)), place("mother", relative=True, is_cell=True))),
        ],
        EPSG,
    )
    assert rows.subscription_ids == ("a", "b") and rows.owner.tolist() == [0, 1, 1]
    people = rows.people
    assert (people.persons[0], people.pace[0], people.floor[0]) == (3, Pace.SLOW, 2)
    assert people.structure[0] == StructureRow.SOLID and people.floor[1] == 0
    assert people.needs.tolist() == [0, 5, 0]
    assert people.holds_seat.tolist() == [True, True, False]
    assert rows.blur_m.tolist() == [0.0, 0.0, CELL_BLUR_M]


def test_nobody_is_a_table_of_no_rows():
    for empty in (rows_of([], EPSG), joined([]), joined([rows_of([], EPSG)])):
        assert len(empty) == 0 and empty.people.xy_m.shape == (0, 2)


def test_joined_parts_are_what_one_table_would_be():
    entries = [
        (name, tuple(place(f"p{n}", persons=n + 1) for n in range(n))) for n, name in enumerate("abcd")
    ]
    whole, parts = rows_of(entries, EPSG), joined([rows_of(entries[:1], EPSG), rows_of(entries[1:], EPSG)])
    assert parts.subscription_ids == whole.subscription_ids and parts.place_ids == whole.place_ids
    assert parts.owner.tolist() == whole.owner.tolist()
    assert np.array_equal(parts.people.xy_m, whole.people.xy_m)


def test_only_buckets_that_moved_are_loaded_again():
    cache = PeopleCache(EPSG)
    versions = [0, 3, 0]
    assert cache.stale(versions) == [1]
    cache.put({1: [("a", (place(),))]}, versions)
    assert cache.stale(versions) == [] and len(cache.rows()) == 1
    moved = [1, 4, 0]
    assert cache.stale(moved) == [0, 1]
    cache.put({0: [("b", (place(),))], 1: []}, moved)
    assert cache.rows().subscription_ids == ("b",) and cache.stale(moved) == []
