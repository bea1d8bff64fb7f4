from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.straight_walks import Barrier


def ragged(rng, vertices: int, centre, radius_m: float):
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    away = radius_m * rng.uniform(0.4, 1.0, vertices)
    ring = centre + np.column_stack([away * np.cos(angle), away * np.sin(angle)])
    return shapely.make_valid(shapely.Polygon(ring), method="structure")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_many_walks_are_told_as_the_area_itself_tells_them(seed):
    rng = np.random.default_rng(seed)
    area = shapely.union_all(
        [ragged(rng, 60, rng.uniform(0, 1000, 2), rng.uniform(5, 300)) for _ in range(3)]
    )
    holed = shapely.difference(area, shapely.Point(rng.uniform(0, 1000, 2)).buffer(rng.uniform(1, 200)))
    start, end = rng.uniform(-200, 1200, (2, 1500, 2))
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    assert (Barrier(holed).met_by(start, end) == shapely.intersects(holed, lines)).all()


def test_a_walk_that_only_touches_the_edge_meets_the_area():
    square = shapely.segmentize(shapely.box(0, 0, 100, 100), 1.0)
    start = np.tile([[-50.0, 100.0]], (600, 1))
    end = np.tile([[150.0, 100.0]], (600, 1))
    assert Barrier(square).met_by(start, end).all()


def test_most_walks_never_ask_a_long_outline(monkeypatch):
    rng = np.random.default_rng(3)
    barrier = Barrier(ragged(rng, 5_000, (0.0, 0.0), 1_000.0).buffer(30))
    start, end = rng.uniform(-3000, 3000, (2, 4000, 2))
    asked = []
    plain = shapely.intersects

    def counting(shape, lines):
        if shape is barrier.area:
            asked.append(len(lines))
        return plain(shape, lines)

    monkeypatch.setattr("geodata.straight_walks.shapely.intersects", counting)
    barrier.met_by(start, end)
    assert sum(asked) < 400
