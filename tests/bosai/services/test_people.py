"""Places as arrays: each household at each of its places, buckets loaded again only when they moved."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.services.people import CELL_BLUR_M, PeopleCache, joined, rows_of
from geodata.crs import to_plane
from geodata.places import PlaceIndex, ReadingStatus, Town
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


def town(name, lon, lat):
    return Town(
        name=name,
        ward="若林区",
        kana="",
        romaji="",
        lon=lon,
        lat=lat,
        reading_source="",
        reading_status=ReadingStatus.DRAFT,
    )


def test_a_place_belongs_to_the_town_whose_point_is_nearest_and_keeps_it_when_parts_are_joined():
    towns = PlaceIndex([town("荒浜", 140.970, 38.222), town("荒井", 140.956, 38.234)], EPSG)
    entries = [
        ("a", (place(lon=140.971, lat=38.221), place("work", lon=140.955, lat=38.236))),
        ("b", (place(lon=140.90, lat=38.25),)),
    ]
    rows = rows_of(entries, EPSG, towns)
    assert rows.towns == ("若林区荒浜", "若林区荒井", "若林区荒井")
    assert joined([rows_of(entries[:1], EPSG, towns), rows_of(entries[1:], EPSG, towns)]).towns == rows.towns
    cache = PeopleCache(EPSG, towns)
    cache.put({0: entries}, [1])
    assert cache.rows().towns == rows.towns


def test_without_a_table_of_towns_no_place_has_one():
    assert rows_of([("a", (place(),))], EPSG, PlaceIndex([], EPSG)).towns == ("",)


@given(
    st.lists(st.tuples(st.floats(140.6, 141.0), st.floats(38.1, 38.4)), min_size=1, max_size=8, unique=True),
    st.lists(st.tuples(st.floats(140.6, 141.0), st.floats(38.1, 38.4)), min_size=1, max_size=8),
)
def test_no_town_is_nearer_than_the_one_that_is_named(points, homes):
    index = PlaceIndex([town(str(n), *one) for n, one in enumerate(points)], EPSG)
    rows = rows_of([("a", tuple(place(lon=lon, lat=lat) for lon, lat in homes))], EPSG, index)
    for (lon, lat), named in zip(homes, rows.towns, strict=True):
        chosen = index.towns[int(named.removeprefix("若林区"))]
        reach = np.hypot(*(to_plane([[chosen.lon, chosen.lat]], EPSG) - to_plane([[lon, lat]], EPSG))[0])
        assert reach <= index.nearest_with_distance(lon, lat)[1] + 1e-6


def test_rows_know_whose_place_ends_and_which_has_a_welfare_site_wherever_they_are_joined():
    midnight = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    towns = PlaceIndex([town("荒浜", 140.970, 38.222), town("荒井", 140.956, 38.234)], EPSG)
    parts = [
        rows_of([("a", (place(), place("w", welfare_site="s9")))], EPSG, towns),
        rows_of([("b", (place(until=midnight, lon=140.956, lat=38.234, welfare_site="s8"),))], EPSG, towns),
    ]
    rows = joined(parts)
    assert rows.visitor.tolist() == [False, False, True]
    assert rows.until_s.tolist() == [np.inf, np.inf, midnight.timestamp()]
    assert rows.welfare_sites == {1: "s9", 2: "s8"}
    assert [rows.town_names[row] for row in rows.town] == list(rows.towns)
    assert rows.towns == ("若林区荒浜", "若林区荒浜", "若林区荒井")


def test_a_place_that_has_ended_is_left_out_and_every_other_stays_as_it_is():
    midnight = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    cache = PeopleCache(EPSG)
    mine = (place("trip", until=midnight), place("home", persons=4, welfare_site="s9"))
    cache.put({0: [("a", mine)], 1: [("b", (place("day", until=midnight),))]}, [1, 1])
    assert not cache.drop_ended(midnight.timestamp() - 1) and len(cache.rows()) == 3
    assert cache.drop_ended(midnight.timestamp())
    rows = cache.rows()
    assert rows.place_ids == ("home",) and rows.people.persons.tolist() == [4]
    assert rows.welfare_sites == {0: "s9"} and rows.subscription_ids[rows.owner[0]] == "a"
    assert not cache.drop_ended(midnight.timestamp())
