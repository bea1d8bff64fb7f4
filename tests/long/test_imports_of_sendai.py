"""From an empty data folder to a way on foot: everything real is imported as a person types it, twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bosai.model.realm import Realm
from bosai.settings import Settings, load_settings
from bosai.wiring import open_services
from geodata.foot import Foot
from tests.bosai.test_cli import Shell

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(300)]

HEIGHTS = "terrain/sendai_central_dem_gsi_32m_epsg3857.asc.gz"
ROADS = "osm/sendai_central_roads_osm_20260204.geojson.gz"
EMERGENCY = "shelters/sendai_emergency_sites_gsi_layout.csv"
SHELTERS = "shelters/sendai_designated_shelters_gsi_layout.csv"
TOWNS = "places/towns_miyagi_geolonia_202401.csv"
PEOPLE = "population/sendai_town_population_20200401.csv"
WARNED = "jma/areas/AreaInformationCity_weather_20230517_miyagi.geojson"
WARDS = "jma/areas/AreaInformationCity_quake_20240229_miyagi.geojson"
EVERYTHING: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("sites", (EMERGENCY, SHELTERS), ()),
    ("elevation", (HEIGHTS,), ("--epsg", "3857")),  # before the roads: the order does not matter
    ("places", (TOWNS, PEOPLE), ()),
    ("jma-areas", (WARNED, WARDS), ()),
    ("roads", (ROADS,), ()),
)
WITHOUT_A_POINT = 5
"""Towns of Sendai that the table of points gives no position."""
STATION = (140.8825, 38.2602)
SCHOOL = "東六番丁小学校"


def imported(shell: Shell, folder: Path) -> dict[str, dict[str, int]]:
    """File → counts, everything imported once."""
    found = {}
    for kind, names, options in EVERYTHING:
        files = [folder / name for name in names]
        said = shell("import", kind, *files, *options, "--json")
        assert "Traceback" not in said.err, said.err
        answered = json.loads(said.out)
        reports = [answered] if len(files) == 1 else [one["report"] for one in answered]
        assert said.status == (1 if any(one["rejected"] for one in reports) else 0)
        found |= dict(zip(names, reports, strict=True))
    return found


def test_all_of_sendai_goes_in_once_and_changes_nothing_the_second_time(tmp_path, private_redis, shared_data):
    shell = Shell(tmp_path / "data", private_redis.url)
    first = imported(shell, shared_data)
    assert {name: one["added"] for name, one in first.items() if name != TOWNS} == {
        EMERGENCY: 313,
        SHELTERS: 221,
        HEIGHTS: first[HEIGHTS]["added"],
        PEOPLE: 949,
        WARNED: 2,
        WARDS: 5,
        ROADS: 39_760,
    }
    assert first[HEIGHTS]["added"] > 250_000
    assert first[TOWNS]["added"] > 900
    assert len(first[TOWNS]["rejected"]) == WITHOUT_A_POINT
    assert all("空欄" in one["reason"] for one in first[TOWNS]["rejected"])
    second = imported(shell, shared_data)
    assert {(one["added"], one["changed"], one["gone"]) for one in second.values()} == {(0, 0, 0)}

    settings = load_settings(
        None, {"BOSAI_REDIS__URL": private_redis.url}, {"data.dir": str(tmp_path / "data")}
    )
    asyncio.run(_ask(settings))


async def _ask(settings: Settings) -> None:
    """What a fresh process knows of it."""
    async with open_services(settings) as wired:
        live = wired.realms[Realm.LIVE]
        facts = live.geo.facts
        assert live.geo.problems == ()
        assert facts.network is not None
        assert facts.population is not None
        assert int(facts.population.persons.sum()) == 1_054_307
        assert set(facts.zones.jma()) == {"jma:0410001", "jma:0410002"}
        assert not any(one.approximate for one in facts.zones.jma().values())
        assert len(facts.wards) == 5
        assert len(facts.attributions) == 6
        assert live.places.search("あらはま")
        site = next(one for one in await live.sites.all() if SCHOOL in one.name)
        route = await live.geo.route(STATION, site.site_id, foot=Foot.STANDARD)
        assert route is not None
        assert 300 < route.metres < 2_500
        assert not route.about
        assert len(route.steps) > 2
        guidance = await live.guidance.for_point(*STATION)
        named = {one.site.site_id: one.walk_m for one in guidance.nearest}
        assert named[site.site_id] == pytest.approx(route.effort_m, rel=0.25)
