"""Areas as integers and back: what is approved is what is computed with."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from bosai.model.geometry import from_e7, to_e7, union_e7

GRID = 1e-7
LON, LAT = 140.98, 38.22


@st.composite
def areas(draw) -> Polygon:
    """A sound polygon of 3-9 corners near 荒浜, star-shaped around its middle, corners on the 1e-7° grid."""
    middle = (LON + draw(st.integers(-300, 300)) * 1e-5, LAT + draw(st.integers(-300, 300)) * 1e-5)
    radii = draw(st.lists(st.integers(50, 400), min_size=3, max_size=9))
    corners = [
        (
            round(middle[0] + r * 1e-5 * math.cos(2 * math.pi * n / len(radii)), 7),
            round(middle[1] + r * 1e-5 * math.sin(2 * math.pi * n / len(radii)), 7),
        )
        for n, r in enumerate(radii)
    ]
    return Polygon(corners)


@given(areas())
def test_an_area_comes_back_from_its_integers_unchanged(area):
    assert (
        from_e7(to_e7(area)).normalize().equals_exact(MultiPolygon([area]).normalize(), tolerance=GRID / 10)
    )


@given(areas())
def test_integers_are_the_same_whatever_way_the_area_was_drawn(area):
    ring = list(area.exterior.coords)[:-1]
    turned = Polygon(ring[2:] + ring[:2])
    assert to_e7(area) == to_e7(turned) == to_e7(Polygon(ring[::-1])) == to_e7(MultiPolygon([turned]))


@given(areas())
def test_rings_are_closed_and_hold_integers_only(area):
    for polygon in to_e7(area):
        for ring in polygon:
            assert ring[0] == ring[-1]
            assert all(type(one) is int for point in ring for one in point)


@given(st.lists(areas(), min_size=1, max_size=4))
def test_a_union_is_sound_loses_nobody_and_adds_nobody(parts):
    joined = from_e7(union_e7([to_e7(one) for one in parts]))
    assert joined.is_valid
    exact = shapely.union_all(parts)
    # Where outlines cross, the crossing is rounded to the grid: at most a centimetre either way.
    assert joined.buffer(2 * GRID).covers(exact)
    assert exact.buffer(2 * GRID).covers(joined)


STEPS = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=9, max_size=9)


@settings(max_examples=400, deadline=None)
@given(areas(), STEPS, STEPS)
def test_a_union_of_areas_that_almost_share_their_edges_is_sound(area, first, second):
    """Slivers thinner than the grid, as between zones drawn twice, must not make a ring cross itself."""
    corners = list(area.exterior.coords)[:-1]
    moved = [
        Polygon(
            [
                (round(x + dx * GRID, 7), round(y + dy * GRID, 7))
                for (x, y), (dx, dy) in zip(corners, step, strict=False)
            ]
        )
        for step in (first, second)
    ]
    joined = union_e7([to_e7(one) for one in (area, *moved) if one.is_valid])
    assert from_e7(joined).is_valid


@given(areas())
def test_the_union_of_one_area_and_of_the_same_twice_is_that_area(area):
    once = to_e7(area)
    assert union_e7([once]) == union_e7([once, once]) == once


@given(areas(), areas())
def test_the_order_of_the_parts_does_not_change_what_is_approved(first, second):
    a, b = to_e7(first), to_e7(second)
    assert union_e7([a, b]) == union_e7([b, a])


def test_a_hole_stays_a_hole():
    outer, inner = shapely.box(140.9, 38.2, 141.0, 38.3), shapely.box(140.94, 38.24, 140.96, 38.26)
    area = Polygon(outer.exterior.coords, [inner.exterior.coords])
    back = from_e7(to_e7(area))
    assert back.area == pytest.approx(outer.area - inner.area)
    assert not back.intersects(shapely.Point(140.95, 38.25))


def test_parts_that_touch_at_a_corner_stay_two_sound_polygons():
    squares = [shapely.box(140.9, 38.2, 140.91, 38.21), shapely.box(140.91, 38.21, 140.92, 38.22)]
    joined = union_e7([to_e7(one) for one in squares])
    assert len(joined) == 2
    assert from_e7(joined).is_valid
