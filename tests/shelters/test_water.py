"""What maps of depth, duration and zones say of the water at a place, and what they leave unknown."""

import numpy as np
import pytest
from shapely import Polygon, box

from geodata.crs import to_lonlat
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind as H
from geodata.importers.ksj_hazards import DURATION_CLASSES, FLOOD_CLASSES, HOUSE_CLASSES, LANDSLIDE_CLASSES
from shelters.water import WaterMaps

EPSG = 6678  # JGD2011 plane X: Miyagi
SEA = np.array([4000.0, -190_000.0])  # a corner near Sendai on that plane
DEPTHS = tuple(FLOOD_CLASSES.values())  # rows 0-5: <0.5, <3, <5, <10, <20, 20 and more; row 6: unknown depth
DURATIONS = tuple(DURATION_CLASSES.values())  # rows 0-6: 12 h, 24, 72, 168, 336, 672, more; row 7 unknown
HOUSE = tuple(HOUSE_CLASSES.values())
LANDSLIDE = tuple(LANDSLIDE_CLASSES.values())


def square(x, y, side=1000.0):
    west, south = SEA[0] + x, SEA[1] + y
    return box(west, south, west + side, south + side)


def lonlat(area):
    return Polygon(to_lonlat(np.array(area.exterior.coords), EPSG))


def layer(key, classes, areas, *, hazard=H.FLOOD, covers=None, labels=None, sample=False):
    """areas: (square, row of its class)."""
    shapes = np.empty(len(areas), dtype=np.object_)
    shapes[:] = [lonlat(one) for one, _ in areas]
    return HazardLayer(
        key=key,
        hazard=hazard,
        name_ja=key,
        classes=tuple(classes),
        areas_lonlat=shapes,
        class_row=np.array([row for _, row in areas], dtype=np.int16),
        label=np.array(labels or [""] * len(areas), dtype=np.object_),
        coverage_lonlat=None if covers is None else lonlat(covers),
        source="試験",
        version="1",
        sample=sample,
    )


def at(maps, *places, hazard=H.FLOOD):
    found = maps.of(hazard, SEA + np.array(places, dtype=np.float64))
    return found.depth_m.tolist(), found.duration_h.tolist(), found.collapse_zone.tolist()


INSIDE, OUTSIDE, FAR = (500.0, 500.0), (1500.0, 500.0), (9000.0, 500.0)
CITY = square(-500, -500, 4000)


def test_the_upper_end_of_a_class_counts_and_three_metres_begins_the_next():
    maps = WaterMaps([layer("flood_max", DEPTHS, [(square(0, 0), 1), (square(2000, 0), 5)])], EPSG)
    depth, _, _ = at(maps, INSIDE, (2500.0, 500.0))
    assert 2.999 < depth[0] < 3.0 and depth[1] == np.inf


def test_a_class_that_says_up_to_and_including_keeps_its_end():
    upto = HazardClass(code="a", rank=1, ja="2.0m以下", depth_min_m=0.5, depth_max_m=2.0)
    assert at(WaterMaps([layer("own", [upto], [(square(0, 0), 0)])], EPSG), INSIDE)[0] == [2.0]


def test_outside_is_dry_only_on_the_ground_the_map_was_made_for():
    maps = WaterMaps([layer("flood_max", DEPTHS, [(square(0, 0), 1)], covers=CITY)], EPSG)
    depth, hours, zone = at(maps, OUTSIDE, FAR)
    assert (depth[0], hours[0]) == (0.0, 0.0)
    assert np.isnan([depth[1], hours[1]]).all() and zone[1] == -1
    without = WaterMaps([layer("flood_max", DEPTHS, [(square(0, 0), 1)])], EPSG)
    assert np.isnan(at(without, OUTSIDE)[0]).all()


def test_dry_ground_by_a_river_is_outside_the_zones_only_where_a_map_of_them_says_so():
    dry = layer("flood_max", DEPTHS, [(square(0, 0), 1)], covers=CITY)
    assert at(WaterMaps([dry], EPSG), OUTSIDE)[2] == [-1]
    banks = layer("flood_house", HOUSE, [(square(2000, 0), 0)], covers=CITY)
    assert at(WaterMaps([dry, banks], EPSG), OUTSIDE, (2500.0, 500.0))[2] == [0, 1]
    surge = layer("surge_max", DEPTHS, [(square(0, 0), 1)], hazard=H.STORM_SURGE, covers=CITY)
    assert at(WaterMaps([surge], EPSG), OUTSIDE, hazard=H.STORM_SURGE)[2] == [0]


def test_of_two_maps_the_deeper_counts_and_what_one_does_not_know_is_not_known():
    shallow = layer("flood_max", DEPTHS, [(square(0, 0), 0)], covers=CITY)
    deep = layer("own", DEPTHS, [(square(0, 0, 2000), 2)])
    depth, _, _ = at(WaterMaps([shallow, deep], EPSG), INSIDE, OUTSIDE, (2500.0, 500.0))
    assert 4.99 < depth[0] < 5.0 and 4.99 < depth[1] < 5.0 and np.isnan(depth[2])


def test_water_of_unknown_depth_is_unknown_and_the_planned_scale_decides_nothing():
    assert np.isnan(at(WaterMaps([layer("flood_max", DEPTHS, [(square(0, 0), 6)])], EPSG), INSIDE)[0]).all()
    planned = layer("flood_plan", DEPTHS, [(square(0, 0), 0)], covers=CITY)
    assert WaterMaps([planned], EPSG).of(H.FLOOD, SEA[None]) is None


def test_without_a_map_of_depths_there_is_nothing_to_tell():
    assert WaterMaps([], EPSG).of(H.FLOOD, SEA[None]) is None
    house = layer("flood_house", HOUSE, [(square(0, 0), 0)])
    assert WaterMaps([house], EPSG).of(H.FLOOD, SEA[None]) is None
    flood = layer("flood_max", DEPTHS, [(square(0, 0), 0)])
    assert WaterMaps([flood], EPSG).of(H.STORM_SURGE, SEA[None]) is None


def test_a_sample_is_no_knowledge_but_in_a_drill():
    sample = layer("flood_max", DEPTHS, [(square(0, 0), 0)], sample=True)
    assert WaterMaps([sample], EPSG).of(H.FLOOD, SEA[None]) is None
    assert at(WaterMaps([sample], EPSG, samples=True), INSIDE)[0][0] == pytest.approx(0.5)


def test_the_water_stays_as_long_as_the_upper_end_of_its_class():
    flood = layer("flood_max", DEPTHS, [(square(0, 0, 3000), 0)])
    areas = [(square(0, 0), 2), (square(1000, 0), 6), (square(2000, 0), 7)]
    maps = WaterMaps([flood, layer("flood_duration", DURATIONS, areas)], EPSG)
    _, hours, _ = at(maps, INSIDE, OUTSIDE, (2500.0, 500.0), (500.0, 2500.0))
    assert hours[:2] == [72.0, np.inf] and np.isnan(hours[2:]).all()


def test_a_place_in_a_house_collapse_zone_or_a_landslide_area_must_be_left():
    flood = layer("flood_max", DEPTHS, [(square(0, 0, 3000), 0)])
    house = layer("flood_house", HOUSE, [(square(0, 0), 1)], covers=CITY)
    slope = layer("landslide", LANDSLIDE, [(square(1000, 0), 1)], hazard=H.LANDSLIDE)
    maps = WaterMaps([flood, house, slope], EPSG)
    assert at(maps, INSIDE, OUTSIDE, (2500.0, 500.0))[2] == [1, 1, 0]


def test_outside_the_zones_is_known_only_by_coverage_or_by_the_citys_word_on_every_river_there():
    flood = layer(
        "flood_max",
        DEPTHS,
        [(square(0, 0, 3000), 0), (square(1000, 0), 0), (square(2000, 0), 0)],
        labels=["名取川", "広瀬川", ""],
    )
    house = layer("flood_house", HOUSE, [(square(0, 2000), 0)], labels=["名取川"])
    places = (INSIDE, OUTSIDE, (2500.0, 500.0), (500.0, 2500.0))
    assert at(WaterMaps([flood, house], EPSG), *places)[2] == [-1, -1, -1, 1]
    told = WaterMaps([flood, house], EPSG, rivers_with_zones=["名取川"])
    # 広瀬川 comes to the second place, and a river without a name to the third.
    assert at(told, *places)[2] == [0, -1, -1, 1]
    both = WaterMaps([flood, house], EPSG, rivers_with_zones=["名取川", "広瀬川", ""])
    assert at(both, *places)[2] == [0, 0, -1, 1]
    assert at(WaterMaps([flood], EPSG, rivers_with_zones=["名取川"]), INSIDE)[2] == [-1]


def test_areas_reach_as_far_as_places_are_rounded():
    flood = layer("flood_max", DEPTHS, [(square(0, 0), 0), (square(1000, 0), 2)], covers=CITY)
    depth, _, _ = at(WaterMaps([flood], EPSG), (994.0, 500.0), (-6.0, 500.0), (-9.0, 500.0))
    assert 4.99 < depth[0] < 5.0 and 0.4 < depth[1] < 0.5 and depth[2] == 0.0


def test_no_places_give_no_water():
    maps = WaterMaps([layer("flood_max", DEPTHS, [(square(0, 0), 0)])], EPSG)
    found = maps.of(H.FLOOD, np.empty((0, 2)))
    assert len(found.depth_m) == len(found.duration_h) == len(found.collapse_zone) == 0
