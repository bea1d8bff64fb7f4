"""Mended areas are valid, and their areas are what the report says."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon

from geodata.repair import MAX_CHANGE, drawn_area_m2, mend

SOUND = shapely.box(0, 0, 100, 100)
# A hook a metre wide that crosses the outline on its way back.
HOOK = Polygon([(0, 0), (100, 0), (100, 101), (99, 99), (100, 100), (0, 100)])
BOWTIE = Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])


def one(shape):
    shapes = np.empty(1, dtype=object)
    shapes[0] = shape
    return mend(shapes, np.array([7]))


def shoelace(pairs):
    total = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(pairs, [*pairs[1:], pairs[0]], strict=True))
    return abs(total) / 2


def test_a_sound_area_is_not_touched():
    mended = one(SOUND)
    assert mended.shapes[0] is SOUND
    assert (mended.repaired, mended.refused) == ((), ())


def test_a_crossing_is_undone_and_reported_with_its_row_and_both_areas():
    assert not HOOK.is_valid
    mended = one(HOOK)
    (repair,) = mended.repaired
    assert (repair.row, repair.what) == (7, "線の交差")
    assert repair.area_before_m2 == pytest.approx(shoelace(list(HOOK.exterior.coords)[:-1]))
    assert repair.area_after_m2 == pytest.approx(mended.shapes[0].area)
    assert mended.shapes[0].is_valid
    assert "7件目" in repair.ja


def test_nothing_but_the_ground_is_kept():
    """A line that hangs on an area, as a collapsed part, falls away."""
    spur = Polygon([(0, 0), (100, 0), (100, 100), (150, 150), (100, 100), (0, 100)])
    mended = one(spur)
    assert isinstance(mended.shapes[0], Polygon)
    assert mended.shapes[0].equals(SOUND)


def test_parts_that_overlap_become_one_ground():
    twice = MultiPolygon([SOUND, shapely.box(95, 0, 150, 100)])
    mended = one(twice)
    assert mended.shapes[0].area == pytest.approx(15_000)
    assert mended.repaired[0].area_before_m2 == pytest.approx(15_500)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (BOWTIE, "面積が"),
        (Polygon([(0, 0), (100, 0), (200, 0)]), "面積"),
        (LineString([(0, 0), (1, 1)]), "LineString"),
        (Point(0, 0), "Point"),
        (Polygon(), "空"),
        (None, "図形がありません"),
        (shapely.transform(SOUND, lambda xy: np.where(xy == 100, np.inf, xy)), "数でない"),
    ],
)
def test_what_can_not_be_mended_is_refused_with_the_reason(shape, says):
    mended = one(shape)
    assert mended.shapes[0] is None
    ((row, reason),) = mended.refused
    assert row == 7
    assert says in reason


whole = st.integers(0, 30)


@settings(max_examples=150, deadline=None)
@given(
    outline=st.lists(st.tuples(whole, whole), min_size=3, max_size=9),
    wobble=st.lists(st.floats(-0.4, 0.4), min_size=2, max_size=2),
    far=st.sampled_from([0.0, 190_000.0]),
)
def test_mended_ground_is_valid_and_its_area_differs_by_what_the_report_says(outline, wobble, far):
    """Over a big square with any crossing scribble cut into its edge, so that most are near enough to be mended."""
    scribble = [(100 + x / 3 + wobble[0] + far, 30 + y + wobble[1]) for x, y in outline]
    corners = [(far, 0.0), (100 + far, 0.0), *scribble, (100 + far, 100.0), (far, 100.0)]
    shape = Polygon(corners)
    mended = one(shape)
    if shape.is_valid:
        assert mended.shapes[0] is shape
        return
    drawn = drawn_area_m2(shape)
    assert drawn == pytest.approx(shoelace([(x - far, y) for x, y in corners]), rel=1e-9)
    assume(mended.shapes[0] is not None)
    (repair,) = mended.repaired
    assert mended.shapes[0].is_valid
    assert isinstance(mended.shapes[0], Polygon | MultiPolygon)
    assert repair.area_before_m2 == drawn
    assert repair.area_after_m2 == pytest.approx(mended.shapes[0].area)
    change = abs(repair.area_after_m2 - repair.area_before_m2)
    assert change <= MAX_CHANGE * max(repair.area_after_m2, repair.area_before_m2) * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=8))
def test_any_ring_is_either_valid_ground_or_refused_and_never_both(outline):
    mended = one(Polygon(outline))
    kept = mended.shapes[0]
    assert (kept is None) == bool(mended.refused)
    assert not (mended.refused and mended.repaired)
    if kept is not None:
        assert kept.is_valid
        assert kept.area > 0
