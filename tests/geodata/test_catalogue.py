"""What every map says of many points at once, and what it does not know."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.catalogue import OUTSIDE, UNKNOWN, Answer, HazardCatalogue, is_stale
from geodata.crs import to_plane
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind

CLASSES = (
    HazardClass(code="flood_unknown", rank=9, ja="浸水深不明", depth_unknown=True),
    HazardClass(code="flood_1", rank=1, ja="0.5m未満", depth_min_m=0.0, depth_max_m=0.5),
    HazardClass(code="flood_6", rank=6, ja="20m以上", depth_min_m=20.0),
    HazardClass(code="house", rank=2, ja="家屋倒壊等"),
)
DEEP = shapely.box(140.90, 38.20, 140.92, 38.22)
SHALLOW = shapely.box(140.88, 38.18, 140.94, 38.24)
CITY = shapely.box(140.80, 38.10, 141.00, 38.30)
TODAY = date(2026, 11, 23)


def layer(shapes=(SHALLOW, DEEP), rows=(1, 2), labels=("名取川", "広瀬川"), **changes):
    areas, label = np.empty(len(shapes), dtype=object), np.empty(len(shapes), dtype=object)
    areas[:], label[:] = list(shapes), list(labels)[: len(shapes)] if shapes else []
    values = {
        "key": "flood_max",
        "hazard": HazardKind.FLOOD,
        "name_ja": "洪水浸水想定区域",
        "classes": CLASSES,
        "areas_lonlat": areas,
        "class_row": np.array(rows, dtype=np.int16),
        "label": label,
        "coverage_lonlat": CITY,
        "source": "国土数値情報",
        "version": "A31a-22",
    }
    return HazardLayer(**(values | changes))


POINTS = np.array(
    [[140.91, 38.21], [140.89, 38.19], [140.92, 38.21], [140.85, 38.15], [141.5, 38.2], [np.nan, 38.2]]
)


def test_every_point_gets_the_worst_class_outside_or_unknown():
    found = HazardCatalogue([layer(), layer(coverage_lonlat=None)]).at(POINTS)
    assert found.class_row.tolist() == [
        [2, 2],
        [1, 1],
        [2, 2],  # on the edge of the deep area
        [OUTSIDE, UNKNOWN],
        [UNKNOWN, UNKNOWN],
        [UNKNOWN, UNKNOWN],
    ]
    assert found.class_row.dtype == np.int16


def test_depths_are_the_upper_end_and_never_zero_where_nobody_knows():
    unknown = layer((SHALLOW, DEEP), (1, 0))
    no_depths = layer((SHALLOW,), (3,), coverage_lonlat=None)
    depths = HazardCatalogue([layer(), unknown, no_depths]).at(POINTS[:5]).worst_depth_m()
    expected = [
        [np.inf, np.nan, np.nan],
        [0.5, 0.5, np.nan],
        [np.inf, np.nan, np.nan],
        [0.0, 0.0, np.nan],
        [np.nan, np.nan, np.nan],
    ]
    np.testing.assert_array_equal(depths, expected)
    assert HazardCatalogue([layer()]).at(POINTS[:5]).ranks().tolist() == [[6], [1], [6], [0], [-1]]


def test_an_area_of_unknown_depth_outranks_a_shallow_one():
    """Unknown may be any depth, so it is never hidden behind 0.5 m."""
    found = HazardCatalogue([layer((DEEP, SHALLOW), (0, 1))]).at(POINTS[:1])
    assert found.class_row.tolist() == [[0]]


def test_a_place_is_told_with_source_version_rivers_and_age():
    old = layer(valid_until=date(2026, 3, 31), key="old", sample=True)
    told = HazardCatalogue([layer(coverage_lonlat=None), old]).place(140.91, 38.21, on=TODAY)
    assert [(one.ja, one.answer, one.labels, one.stale, one.sample) for one in told] == [
        ("20m以上", Answer.INSIDE, ("広瀬川",), False, False),
        ("20m以上", Answer.INSIDE, ("広瀬川",), True, True),
    ]
    assert (told[0].source, told[0].version) == ("国土数値情報", "A31a-22")
    away = HazardCatalogue([layer(coverage_lonlat=None), old]).place(140.81, 38.11, on=TODAY)
    assert [one.ja for one in away] == ["不明（対象範囲の公表なし）", "区域外"]
    assert [one.class_ for one in away] == [None, None]


def test_a_layer_is_stale_before_and_after_its_days_and_stays_in_the_catalogue():
    one = layer(valid_from=date(2026, 4, 1), valid_until=date(2027, 3, 31))
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 31), date(2027, 4, 1)]
    assert [is_stale(one, day) for day in days] == [True, False, False, True]
    catalogue = HazardCatalogue([one])
    assert catalogue.stale(days[-1]) == (True,)
    assert len(catalogue) == 1
    assert catalogue.at(POINTS[:1]).class_row.tolist() == [[2]]


def test_no_layers_no_areas_and_no_points_are_answered():
    assert HazardCatalogue([]).at(POINTS).class_row.shape == (6, 0)
    empty = HazardCatalogue([layer((), (), ())]).at(POINTS[:5])
    assert empty.class_row[:, 0].tolist() == [OUTSIDE] * 4 + [UNKNOWN]
    assert HazardCatalogue([layer()]).at(np.zeros((0, 2))).class_row.shape == (0, 1)
    assert HazardCatalogue([]).place(140.9, 38.2, on=TODAY) == []


def test_on_the_plane_the_answers_are_the_same():
    rng = np.random.default_rng(5)
    points = rng.uniform([140.86, 38.16], [140.96, 38.26], (2_000, 2))
    in_degrees = HazardCatalogue([layer()]).at(points).class_row
    on_plane = HazardCatalogue([layer()], epsg=6678).at(to_plane(points)).class_row
    assert (in_degrees == on_plane).mean() > 0.999  # long edges bend by centimetres from one to the other
    assert HazardCatalogue([layer()], epsg=6678).place(140.91, 38.21, on=TODAY)[0].ja == "20m以上"


boxes = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 8), st.integers(1, 8))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(boxes, st.integers(0, 3)), max_size=8), st.integers(0, 2**31))
def test_the_worst_class_is_that_of_asking_every_area_by_itself(drawn, seed):
    shapes = [
        shapely.box(140.8 + x / 100, 38.1 + y / 100, 140.8 + (x + w) / 100, 38.1 + (y + h) / 100)
        for (x, y, w, h), _ in drawn
    ]
    rows = [row for _, row in drawn]
    points = np.random.default_rng(seed).uniform([140.78, 38.08], [141.1, 38.4], (60, 2))
    points = np.concatenate([points, np.round(points, 2), *(shapely.get_coordinates(one) for one in shapes)])
    found = HazardCatalogue([layer(shapes, rows, [""] * len(shapes))]).at(points).class_row[:, 0]
    for (lon, lat), row in zip(points, found, strict=True):
        point = shapely.Point(lon, lat)
        held = [one for shape, one in zip(shapes, rows, strict=True) if shapely.intersects(shape, point)]
        nothing = OUTSIDE if shapely.intersects(CITY, point) else UNKNOWN
        assert row == (max(held, key=lambda one: CLASSES[one].rank) if held else nothing)


def test_an_answer_has_a_word_for_a_page():
    assert {one.ja for one in Answer} == {"区域内", "区域外", "不明（対象範囲の公表なし）"}
    with pytest.raises(ValueError, match="maybe"):
        Answer("maybe")
