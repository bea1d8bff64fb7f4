"""Areas as CAP can say them: no holes, few points, and never smaller than what was approved."""

from __future__ import annotations

import math

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from bosai.channels.cap_areas import cap_rings
from bosai.model.cap import E7
from bosai.model.geometry import from_e7, to_e7
from tests.bosai.services.hq import square

GRID = 2e-7
"""Two units of the last figure, about 2 cm: what comparing floating numbers needs."""


def together(rings) -> shapely.Geometry:
    return shapely.union_all([Polygon([(lon / E7, lat / E7) for lon, lat in ring]) for ring in rings])


def star(points: int, *, lon: float = 140.9, lat: float = 38.2, size: float = 0.02) -> Polygon:
    """A shape with as many corners, in and out by turns."""
    corners = []
    for n in range(points):
        turn, far = 2 * math.pi * n / points, size * (1 if n % 2 else 0.6)
        corners.append((lon + far * math.cos(turn), lat + far * math.sin(turn)))
    return Polygon(corners)


def test_a_plain_area_goes_out_figure_by_figure():
    assert cap_rings(square(), max_points=400) == (square()[0][0],)


def test_a_hole_stays_a_hole_and_the_pieces_cover_the_rest():
    area = Polygon(box(140.9, 38.2, 140.92, 38.22).exterior, [box(140.905, 38.205, 140.915, 38.215).exterior])
    rings = cap_rings(to_e7(area), max_points=400)
    assert len(rings) == 2
    sent = together(rings)
    assert not sent.contains(shapely.Point(140.91, 38.21)), "who is in the hole is not told to go"
    assert sent.buffer(GRID).covers(area)
    assert sent.area < area.area * 1.001


def test_many_holes_are_all_kept_open_and_every_ring_is_closed():
    holes = [box(140.9 + 0.002 * n, 38.2, 140.901 + 0.002 * n, 38.201) for n in range(8)]
    holes += [box(140.9 + 0.002 * n, 38.205, 140.901 + 0.002 * n, 38.206) for n in range(8)]
    area = box(140.89, 38.19, 140.93, 38.22).difference(shapely.union_all(holes))
    rings = cap_rings(to_e7(area), max_points=400)
    assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
    sent = together(rings)
    assert not any(sent.contains(one.centroid) for one in holes)
    assert sent.buffer(GRID).covers(area)


def test_a_shape_of_many_points_is_thinned_to_the_number_asked_for_and_covers_itself():
    area = star(3_000)
    rings = cap_rings(to_e7(area), max_points=100)
    assert sum(map(len, rings)) <= 100
    assert together(rings).buffer(GRID).covers(area)


def test_an_area_of_a_hundred_thousand_points_is_thinned_no_further_than_its_shape_needs():
    turns = [2 * math.pi * n / 100_000 for n in range(100_000)]
    far = [0.05 * (1 + 0.3 * math.sin(9 * t)) for t in turns]
    area = Polygon(
        [(140.9 + f * math.cos(t), 38.2 + f * math.sin(t)) for f, t in zip(far, turns, strict=True)]
    )
    rings = cap_rings(to_e7(area), max_points=400)
    assert 50 < sum(map(len, rings)) <= 400
    sent = together(rings)
    assert sent.buffer(GRID).covers(area)
    assert sent.area < 1.02 * area.area


def test_what_no_thinning_can_make_short_enough_becomes_its_rectangle():
    parts = [
        box(140.5 + 0.05 * n, 38.1 + 0.03 * m, 140.51 + 0.05 * n, 38.11 + 0.03 * m)
        for n in range(10)
        for m in range(10)
    ]
    area = MultiPolygon(parts)
    rings = cap_rings(to_e7(area), max_points=5)
    assert sum(map(len, rings)) <= 5
    assert together(rings).buffer(GRID).covers(area)


coordinate = st.integers(min_value=0, max_value=4000)


@st.composite
def areas(draw) -> shapely.Geometry:
    """Unions and differences of boxes and stars: parts, holes, thin places, slanted edges."""
    shape: shapely.Geometry = Polygon()
    for _ in range(draw(st.integers(1, 5))):
        lon, lat = 140.9 + draw(coordinate) / 1e5, 38.2 + draw(coordinate) / 1e5
        size = draw(st.integers(2, 2000)) / 1e5
        one = (
            box(lon, lat, lon + size, lat + size)
            if draw(st.booleans())
            else star(draw(st.integers(3, 40)), lon=lon, lat=lat, size=size)
        )
        shape = shape.difference(one) if draw(st.integers(0, 2)) == 0 else shape.union(one)
    parts = [one for one in shapely.get_parts(shape) if isinstance(one, Polygon) and one.area > 1e-9]
    return MultiPolygon(parts)


@settings(max_examples=150, deadline=None)
@given(areas(), st.integers(min_value=5, max_value=300))
def test_nobody_inside_the_approved_area_is_ever_outside_the_one_sent(area, max_points):
    if area.is_empty:
        return
    approved = from_e7(to_e7(area))
    rings = cap_rings(to_e7(area), max_points=max_points)
    assert sum(map(len, rings)) <= max_points
    assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
    sent = shapely.union_all([shapely.make_valid(together([ring])) for ring in rings])
    assert sent.buffer(GRID).covers(approved)
