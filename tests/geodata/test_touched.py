"""What areas touch, and that people are counted once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.crs import geometry_to_plane, to_lonlat
from geodata.importers.areas import JMA_AREAS, parse_named_areas
from geodata.importers.population import parse_population
from geodata.mesh import MeshOrder, mesh_code
from geodata.touched import GroundIndex, NamedGround, about
from geodata.town_cells import TownCells

SIDE = 5
ORIGIN = np.array([5_000.0, -190_000.0])


@dataclass(frozen=True)
class Table:
    """Twenty-five towns, a kilometre apart, a hundred people and forty households each."""

    code: np.ndarray
    ward: np.ndarray
    name: np.ndarray
    persons: np.ndarray
    households: np.ndarray
    lonlat: np.ndarray


def table():
    xy = np.array([[x * 1_000.0, y * 1_000.0] for y in range(SIDE) for x in range(SIDE)]) + ORIGIN
    count = len(xy)
    return Table(
        code=np.array([f"{n:03}" for n in range(count)], dtype=object),
        ward=np.array(["西区" if n % SIDE < 3 else "東区" for n in range(count)], dtype=object),
        name=np.array([f"町{n}" for n in range(count)], dtype=object),
        persons=np.full(count, 100),
        households=np.full(count, 40.0),
        lonlat=to_lonlat(xy),
    )


def patch(west, south, east, north):
    """A rectangle on the plane of the towns, metres from the first of them, as degrees."""
    corners = np.array([[west, south], [east, south], [east, north], [west, north]]) + ORIGIN
    return shapely.Polygon(to_lonlat(corners))


WEST = NamedGround(kind="ward", code="1", name="西区", shape_lonlat=patch(-2_000, -2_000, 2_500, 6_500))
EAST = NamedGround(kind="ward", code="2", name="東区", shape_lonlat=patch(2_500, -2_000, 6_500, 6_500))
INDEX = GroundIndex(table(), [WEST, EAST])


def test_a_town_wholly_inside_counts_whole_and_its_neighbours_by_their_share():
    # The cell of town 12, in the middle, is the square kilometre around it; its eastern half again.
    touched = INDEX.touched_by([patch(1_500, 1_500, 3_000, 2_500)])
    inner = {one.name: one for one in touched.towns}
    assert inner["町12"].share == pytest.approx(1.0, abs=1e-6)
    assert inner["町13"].share == pytest.approx(0.5, abs=1e-3)
    assert (inner["町13"].persons, inner["町13"].households, inner["町13"].ward) == (50, 20, "東区")
    assert (touched.persons, touched.households) == (150, 60)
    # Towns whose cells the edge only runs along are touched, with next to nothing inside.
    assert {"町7", "町17", "町11"} <= set(inner)
    assert inner["町11"].persons == 0


def test_the_tiniest_sliver_is_listed_with_its_share():
    touched = INDEX.touched_by([patch(2_000, 2_000, 2_000.5, 2_000.5)], mesh=False)
    (town,) = touched.towns
    assert town.name == "町12"
    assert 0 < town.share < 1e-5
    assert (touched.persons, touched.persons_about) == (0, 0)


def test_people_under_two_areas_count_once_and_each_area_keeps_its_share():
    half, other = patch(1_500, 1_500, 2_250, 2_500), patch(1_750, 1_500, 2_500, 2_500)
    alone = [INDEX.touched_by([one]).persons for one in (half, other)]
    both = INDEX.touched_by([half, other])
    assert alone == [75, 75]
    assert both.persons == 100
    assert both.share_by_area.shape == (2, 25)
    assert both.share_by_area[:, 12] == pytest.approx([0.75, 0.75], abs=1e-3)
    assert np.isnan(both.share_by_area[0, 0])
    assert INDEX.touched_by([half, half, half]).persons == 75


def test_wards_get_the_people_of_the_towns_in_them():
    grounds = {one.name: one for one in INDEX.touched_by([patch(1_500, 1_500, 3_500, 2_500)]).grounds}
    assert (grounds["西区"].persons, grounds["東区"].persons) == (100, 100)
    assert grounds["西区"].share == pytest.approx(1_000 * 1_000 / (4_500 * 8_500), rel=1e-3)
    only = INDEX.touched_by([patch(-100, -100, 100, 100)]).grounds
    assert [one.name for one in only] == ["西区"]


def test_an_area_that_is_no_ward_of_the_table_takes_the_towns_whose_points_it_holds():
    west = replace(WEST, name="仙台市西部", kind="jma_weather")
    wrong = replace(
        WEST, shape_lonlat=EAST.shape_lonlat
    )  # borders are thinned; what the table says goes first
    touched = GroundIndex(table(), [west, wrong]).touched_by(
        [patch(-3_000, -3_000, 9_000, 9_000)], mesh=False
    )
    assert [one.persons for one in touched.grounds] == [1_500, 1_500]


def test_mesh_cells_are_those_whose_ground_is_touched_with_their_share():
    area = patch(1_600, 1_500, 2_300, 2_400)
    touched = INDEX.touched_by([area])
    by_code = {one.code: one for one in touched.mesh}
    inside = shapely.get_coordinates(shapely.segmentize(area, 0.0005))
    assert {mesh_code(lon, lat, MeshOrder.QUARTER) for lon, lat in inside} <= set(by_code)
    ground_m2 = sum(one.share for one in touched.mesh) * 273.2 * 231.3  # of a cell at 38.2° N, nearly
    assert ground_m2 == pytest.approx(700 * 900, rel=0.01)
    people = sum(one.persons for one in touched.mesh)
    assert people == pytest.approx(100 * 700 * 900 / 1e6, rel=0.15)
    assert all(0 <= one.share <= 1 for one in touched.mesh)


def test_the_whole_ground_holds_everybody_and_nothing_holds_nobody():
    everything = INDEX.touched_by([patch(-3_000, -3_000, 9_000, 9_000)], mesh=False)
    assert (everything.persons, everything.households) == (2_500, 1_000)
    assert {one.share for one in everything.towns} == {1.0}
    nothing = INDEX.touched_by([])
    assert (nothing.towns, nothing.grounds, nothing.mesh, nothing.persons) == ((), (), (), 0)
    away = INDEX.touched_by([patch(80_000, 80_000, 80_100, 80_100)], mesh=False)
    assert (away.towns, away.grounds, away.persons) == ((), (), 0)


def test_households_nobody_counted_are_unknown_and_not_none():
    households = table().households.copy()
    households[12] = np.nan
    index = GroundIndex(replace(table(), households=households), [WEST])
    there = index.touched_by([patch(1_600, 1_600, 2_400, 2_400)], mesh=False)
    assert (there.persons, there.households) == (64, None)
    assert index.touched_by([patch(600, 600, 1_400, 1_400)], mesh=False).households == 26


def test_without_a_table_of_people_the_ground_is_told_and_the_people_are_unknown():
    touched = GroundIndex(None, [WEST]).touched_by([patch(0, 0, 500, 500)])
    assert touched.towns == ()
    assert (touched.persons, touched.households, touched.persons_about) == (None, None, None)
    assert [(one.name, one.persons) for one in touched.grounds] == [("西区", None)]
    assert touched.mesh
    assert {one.persons for one in touched.mesh} == {None}


def test_towns_on_one_point_share_its_ground():
    twins = TownCells([[140.9, 38.2], [140.9, 38.2], [140.95, 38.2]], radius_m=500)
    assert twins.cell_of[0] == twins.cell_of[1] != twins.cell_of[2]
    share = twins.shares([geometry_to_plane(shapely.box(140.89, 38.19, 140.91, 38.21))])
    assert share[0, 0] == share[0, 1] == 1.0
    assert np.isnan(share[0, 2])


def test_the_ground_of_a_town_ends_at_the_border_of_the_city_unless_it_lies_beyond():
    inland = shapely.box(140.80, 38.10, 140.9, 38.30)  # the border runs through the first town
    towns = [[140.9, 38.2], [140.88, 38.2], [140.95, 38.2]]
    cells = TownCells(towns, radius_m=500, city_lonlat=inland)
    disc = np.pi * 500**2
    assert cells.area_m2[cells.cell_of] == pytest.approx([disc / 2, disc, disc], rel=0.02)
    assert cells.shares([geometry_to_plane(inland)])[0, :2] == pytest.approx([1.0, 1.0])


def test_one_town_alone_has_a_round_ground():
    alone = TownCells([[140.9, 38.2]], radius_m=500)
    assert alone.area_m2[0] == pytest.approx(np.pi * 500**2, rel=0.01)


def test_estimates_are_said_in_round_numbers():
    assert [about(one) for one in (0, 0.2, 4, 14, 15, 994, 1_049, 1_050, 9_940, 12_499, 721_375)] == [
        0, 10, 10, 10, 20, 990, 1_000, 1_100, 9_900, 12_000, 721_000,
    ]  # fmt: skip


rectangles = st.lists(
    st.tuples(
        st.integers(-500, 4_000), st.integers(-500, 4_000), st.integers(1, 3_000), st.integers(1, 3_000)
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(rectangles, st.integers(-500, 4_000), st.integers(-500, 4_000))
def test_another_area_never_takes_people_away_and_order_and_overlap_never_matter(drawn, x, y):
    areas = [patch(west, south, west + wide, south + high) for west, south, wide, high in drawn]
    before = INDEX.touched_by(areas, mesh=False)
    after = INDEX.touched_by([*areas, patch(x, y, x + 700, y + 700)], mesh=False)
    turned = INDEX.touched_by([*reversed(areas), areas[0]], mesh=False)
    assert after.persons >= before.persons
    assert {one.row for one in before.towns} <= {one.row for one in after.towns}
    assert turned.persons == before.persons
    each = [INDEX.touched_by([one], mesh=False).persons for one in areas]
    assert max(each) <= before.persons + 1
    assert before.persons <= sum(each) + len(each)
    assert all(0 <= one.share <= 1 for one in after.towns)


@pytest.mark.real_data
def test_the_five_wards_of_sendai_hold_nearly_all_residents(shared_data, sendai):
    population = parse_population(
        (shared_data / "population" / "sendai_town_population_20200401.csv").read_bytes()
    ).population
    data = (shared_data / "jma" / "areas" / "AreaInformationCity_quake_20240229_miyagi.geojson").read_bytes()
    wards = {"0410100", "0410200", "0410300", "0410400", "0410500"}
    named = parse_named_areas(data, JMA_AREAS, codes=wards, repair=True).records
    assert len(named) == 5
    city = shapely.union_all([one.geometry_lonlat for one in named])
    grounds = [
        NamedGround(kind="jma_quake", code=one.code, name=one.name, shape_lonlat=one.geometry_lonlat)
        for one in named
    ]
    index = GroundIndex(population, grounds, city_lonlat=city)
    whole = index.touched_by([one.geometry_lonlat for one in named], mesh=False)
    assert whole.persons == pytest.approx(1_054_307, rel=0.02)
    assert whole.households is None
    by_code = {one.code: one for one in whole.grounds}
    # By the ward the table itself names; the borders are thinned.
    romaji = {"0410100": "aoba", "0410200": "miyagino", "0410300": "wakabayashi", "0410400": "taihaku"}
    for code, ward in {**romaji, "0410500": "izumi"}.items():
        own = population.persons[population.ward == ward].sum()
        assert by_code[code].persons == pytest.approx(own, rel=0.1)
        assert by_code[code].share == pytest.approx(1.0, abs=1e-6)
    alone = index.touched_by([named[0].geometry_lonlat], mesh=True)
    assert alone.persons < whole.persons
    assert sum(one.persons for one in alone.mesh) == pytest.approx(alone.persons, rel=0.1)
