"""Residents of an area by the city's table: everybody once, each in a town, about where the town is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from bosai.services.geo_facts import GeoFacts, load_facts
from bosai.services.resident_ground import ResidentGround
from bosai.settings import load_settings
from bosai.stores.geo_files import GeoFiles
from geodata.crs import to_lonlat, to_plane
from geodata.importers.population import parse_population
from tests.bosai.services.test_preview_plan import population

EPSG = 6678
POPULATION = "population/sendai_town_population_20200401.csv"


@pytest.fixture
def facts(tmp_path: Path) -> GeoFacts:
    return load_facts(load_settings(None, {}, {}), GeoFiles(tmp_path))


def test_every_town_with_people_inside_has_a_place_inside_for_them(facts: GeoFacts) -> None:
    # Two towns 250 m apart: the strip takes a sliver of the second, less than any cell of the mesh.
    ground = ResidentGround(
        replace(facts, population=population(("東", 900, 140.9830, 38.215), ("西", 900, 140.9800, 38.215))),
        EPSG,
    )
    strip = shapely.box(140.98145, 38.21, 140.99, 38.22)
    found = ground.inside(strip)
    assert found is not None
    assert {town.name for town in found.towns if town.persons} == {"東", "西"}
    assert set(found.piece_town.tolist()) == {n for n, town in enumerate(found.towns) if town.persons}
    inside = shapely.intersects_xy(shapely.buffer(strip, 1e-7), *to_lonlat(found.piece_xy_m, EPSG).T)
    assert inside.all() and (found.piece_size > 0).all()


def test_points_are_named_by_the_nearest_town_of_the_table(facts: GeoFacts) -> None:
    ground = ResidentGround(
        replace(facts, population=population(("東", 1, 140.99, 38.215), ("西", 1, 140.95, 38.215))), EPSG
    )
    rows = ground.town_rows(to_plane([[140.98, 38.22], [140.96, 38.22]], EPSG))
    assert [ground.towns[row].name for row in rows] == ["東", "西"]
    assert ground.town_rows(np.zeros((0, 2))).tolist() == []


def test_an_area_far_from_every_town_holds_nobody(facts: GeoFacts) -> None:
    ground = ResidentGround(replace(facts, population=population(("東", 900, 140.99, 38.215))), EPSG)
    found = ground.inside(shapely.box(140.5, 38.1, 140.51, 38.11))
    assert found is not None and (found.persons, found.towns, len(found.piece_xy_m)) == (0, (), 0)


def test_the_whole_of_sendai_holds_everybody_of_its_table(facts: GeoFacts, shared_data: Path) -> None:
    table = parse_population((shared_data / POPULATION).read_bytes()).population
    ground = ResidentGround(replace(facts, population=table), EPSG)
    found = ground.inside(shapely.box(140.45, 38.05, 141.15, 38.50))
    assert found is not None and found.persons == table.persons.sum() == 1_054_307
    assert found.households is None, "this table has no households"
    assert {town.ward for town in ground.towns} == {"青葉区", "宮城野区", "若林区", "太白区", "泉区"}
    lived_in = {n for n, town in enumerate(found.towns) if town.persons}
    assert lived_in <= set(found.piece_town.tolist())
