"""The benchmark of geodata: its sizes, its made city, and one whole run on a hamlet."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import geodata as benchmark
from benchmarks.geo_city import City, made_areas, made_roads, open_city, ragged
from geodata.network import build


@pytest.fixture(scope="module")
def hamlet():
    return City(build(made_roads(25))[0], open_towns(), "a hamlet")


def open_towns():
    from benchmarks.geo_city import ROOT
    from geodata.importers.towns import parse_towns

    return tuple(parse_towns((ROOT / "bosai" / "sample" / "towns.csv").read_bytes()).towns)


def test_the_made_city_is_as_large_as_the_budget_asks_for():
    roads = made_roads()
    assert len(np.unique(roads.lonlat, axis=0)) >= 100_000


def test_without_the_real_folder_the_city_is_made_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("BOSAI_SHARED_DATA", str(tmp_path / "absent"))
    monkeypatch.setattr("benchmarks.geo_city.made_roads", lambda: made_roads(12))
    city = open_city()
    assert city.name == "a made city"
    assert len(city.towns) > 0


def test_a_run_on_a_hamlet_gives_every_row_and_judges_no_budget_of_the_city(
    monkeypatch, tmp_path, capsys, hamlet
):
    monkeypatch.setattr(benchmark, "open_city", lambda: hamlet)
    file = tmp_path / "rows.json"
    arguments = ["--points", "3000", "--sites", "4", "--repeats", "1", "--json", str(file)]
    assert benchmark.main(arguments) == 0
    rows = json.loads(file.read_bytes())
    assert [one["peer_name"] for one in rows] == [
        "geopandas.sjoin",
        "prepared intersects_xy",
        "",
        "networkx",
        "searching everything again",
        "networkx",
        "a table of all figures (1,000 people × 3)",
        "a table of all figures (1,000 people × 3)",
        "",
        "",
        "networkx graph from its pickle",
        "a loop over the names",
    ]
    assert all(one["ours"] > 0 for one in rows)
    assert [one["met"] for one in rows[:6]] == [None] * 6
    assert "ways out, 4 sites" in capsys.readouterr().out


def test_a_senseless_size_is_named(capsys):
    assert benchmark.main(["--sites", "0"]) == 2
    assert "--sites" in capsys.readouterr().err


def test_quick_asks_networkx_for_fewer_sites_and_nothing_else():
    quick, full = (benchmark.size_of(benchmark.parse(one)) for one in (["--quick"], []))
    assert quick.is_full
    assert (quick.points, quick.sites, quick.vertices) == (full.points, full.sites, full.vertices)
    assert quick.peer_sites < full.peer_sites == full.sites


def test_an_area_grown_from_the_same_seed_holds_the_smaller_one(hamlet):
    small, large = (ragged(np.zeros(2), radius, 300, seed=9) for radius in (500.0, 560.0))
    assert large.covers(small)
    assert all(one.is_valid for one in made_areas(hamlet.network, 3, 500, radius_m=300, seed=1))
