from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geodata.crs import geometry_to_lonlat, geometry_to_plane, to_lonlat, to_plane
from geodata.errors import BadPosition
from geodata.mesh import MeshOrder, mesh_code, quarter_cell_centres

MIYAGI = st.tuples(st.floats(140.3, 141.5), st.floats(37.8, 38.9))


@given(st.lists(MIYAGI, min_size=1, max_size=20))
def test_going_to_the_plane_and_back_stays_within_a_tenth_of_a_millimetre(pairs):
    there_and_back = to_lonlat(to_plane(pairs))
    assert np.abs(there_and_back - np.array(pairs)).max() < 1e-9


def test_plane_x_is_east_and_y_is_north_and_a_degree_of_latitude_is_111_km():
    south_west, north, east = to_plane([[140.9, 38.2], [140.9, 39.2], [141.0, 38.2]])
    assert north[1] - south_west[1] == pytest.approx(111_000, abs=200)
    assert east[0] - south_west[0] == pytest.approx(8_760, abs=20)


def test_a_geometry_keeps_its_kind_on_the_way_to_the_plane_and_back():
    square = shapely.box(140.9, 38.2, 140.91, 38.21)
    on_plane = geometry_to_plane(square)
    assert on_plane.area == pytest.approx(876 * 1110, rel=0.01)
    assert geometry_to_lonlat(on_plane).equals_exact(square, 1e-9)


def test_a_position_off_the_world_is_refused_and_named():
    with pytest.raises(BadPosition, match=r"positions\[1\]"):
        to_plane([[140.9, 38.2], [float("nan"), 38.2]])


@pytest.mark.parametrize(
    ("place", "lon", "lat", "code"),
    [
        ("city hall", 140.8694, 38.2682, "57403629"),
        ("Sendai station", 140.8824, 38.2601, "57403710"),
        ("the shore of Arahama", 140.9780, 38.2215, "57402768"),
    ],
)
def test_mesh_codes_of_known_places(place, lon, lat, code):
    assert mesh_code(lon, lat) == code
    assert mesh_code(lon, lat, MeshOrder.FIRST) == code[:4]
    assert mesh_code(lon, lat, MeshOrder.SECOND) == code[:6]


def test_east_of_141_degrees_another_first_mesh_begins():
    assert mesh_code(140.99999, 38.26, MeshOrder.FIRST) == "5740"
    assert mesh_code(141.0, 38.26, MeshOrder.FIRST) == "5741"


@given(MIYAGI)
def test_a_quarter_cell_lies_in_its_half_and_third_cell_and_its_centre_has_its_code(pair):
    code = mesh_code(*pair, MeshOrder.QUARTER)
    assert code.startswith(mesh_code(*pair, MeshOrder.HALF))
    assert code.startswith(mesh_code(*pair, MeshOrder.THIRD))
    (centre,) = quarter_cell_centres([pair])
    assert mesh_code(*centre, MeshOrder.QUARTER) == code
    away = np.abs(to_plane([pair]) - to_plane([centre]))
    assert (away <= [140, 120]).all()


@given(MIYAGI)
def test_snapping_to_a_cell_twice_changes_nothing(pair):
    once = quarter_cell_centres([pair])
    assert np.array_equal(quarter_cell_centres(once), once)


def test_a_mesh_code_is_refused_where_the_standard_has_none():
    with pytest.raises(BadPosition):
        mesh_code(38.2, 140.9)
