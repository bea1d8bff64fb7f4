"""Imports of the ground's facts: what differs is counted, the order does not matter, the same again changes nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from bosai.errors import InvalidInput
from bosai.model.realm import Realm
from bosai.services.audit import AuditService
from bosai.services.geo_holder import GeoHolder
from bosai.services.geo_imports import GeoImports
from bosai.services.import_reports import ImportReport
from bosai.settings import load_settings
from bosai.stores.keys import GEO_VERSION, Keys
from geodata.hazards import HazardKind

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WEST, SOUTH = 140.90, 38.20
STEP = 0.002  # about 175 m × 222 m


class FixedClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def settings(tmp_path):
    own = tmp_path / "city.toml"
    own.write_text(
        """
[hazard_files.mapped.pond]
hazard = "flood"
name_ja = "ため池ハザードマップ"
class_property = "rank"
classes = [{ value = "1", code = "pond_1", rank = 1, ja = "0.5m未満", depth_max_m = 0.5 }]
label_property = "name"
source = "出典：見本市"
version = "2026-04"

[walking.mapped.city]
kind = "class"
kinds = { "1" = "main_road", "9" = "not_for_walkers" }
""",
        "utf-8",
    )
    return load_settings(own, {}, {"data.dir": str(tmp_path / "data")})


@pytest.fixture
def imports(redis, settings) -> GeoImports:
    clock = FixedClock()
    return GeoImports(redis, clock, settings, AuditService(redis, Realm.LIVE, clock))


def collection(*features: tuple[dict[str, Any], dict[str, Any]]) -> bytes:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": geometry, "properties": properties}
                for geometry, properties in features
            ],
        }
    ).encode()


def line(*places: tuple[int, int]) -> dict[str, Any]:
    return {
        "type": "LineString",
        "coordinates": [[WEST + STEP * x, SOUTH + STEP * y] for x, y in places],
    }


def roads(size: int = 4, kind: str = "residential") -> bytes:
    """A grid of streets."""
    rows = [line(*[(x, y) for x in range(size)]) for y in range(size)]
    columns = [line(*[(x, y) for y in range(size)]) for x in range(size)]
    return collection(*[(one, {"highway": kind}) for one in (*rows, *columns)])


def heights(rise: float = 10.0, missing: bool = False) -> bytes:
    """Rising towards the north, in degrees (EPSG 6668)."""
    cell, size = 0.001, 20
    head = (
        f"ncols {size}\nnrows {size}\nxllcorner {WEST - 0.005}\nyllcorner {SOUTH - 0.005}\ncellsize {cell}\n"
    )
    rows = [" ".join([str(rise * (size - row))] * size) for row in range(size)]
    if missing:
        rows[0] = " ".join(["-9999"] * size)
    return (head + "NODATA_value -9999\n" + "\n".join(rows) + "\n").encode()


def square(west: float, south: float, size: float = 0.01) -> dict[str, Any]:
    ring = [
        [west, south],
        [west + size, south],
        [west + size, south + size],
        [west, south + size],
        [west, south],
    ]
    return {"type": "Polygon", "coordinates": [ring]}


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.gone


async def test_roads_make_a_network_that_a_running_process_reads_without_a_restart(redis, settings, imports):
    holder = await GeoHolder.opened(settings, redis, FixedClock())
    assert holder.facts.network is None
    assert holder.facts.version == ""
    report = await imports.import_roads(roads(), "test")
    assert counts(report) == (8, 0, 0)
    assert await holder.refresh()
    assert holder.facts.network is not None
    assert len(holder.facts.network.node_vertex) > 0
    assert "© OpenStreetMap contributors" in holder.facts.attributions
    assert not await holder.refresh(), "nothing came since"


async def test_the_same_file_again_changes_nothing_and_announces_nothing(redis, imports):
    await imports.import_roads(roads(), "test")
    events = await redis.xlen(Keys(Realm.LIVE).events)
    assert events == 1
    assert counts(await imports.import_roads(roads(), "test")) == (0, 0, 0)
    assert await redis.xlen(Keys(Realm.LIVE).events) == events


async def test_both_sides_hear_of_an_import_and_the_record_names_who_made_it(redis, imports):
    await imports.import_roads(roads(), "hand")
    for realm in Realm:
        (event,) = await redis.xrange(Keys(realm).events)
        assert event[1][b"kind"] == b"geo.imported"
        assert event[1][b"subject"] == await redis.get(GEO_VERSION)
    entries = await AuditService(redis, Realm.LIVE, FixedClock()).read()
    assert [(one.actor, one.step, one.facts["added"]) for one in entries] == [("hand", "imported_roads", 8)]


async def test_changed_kinds_are_changed_and_missing_lines_gone(imports):
    await imports.import_roads(roads(4), "test")
    assert counts(await imports.import_roads(roads(4, "service"), "test")) == (0, 8, 0)
    report = await imports.import_roads(roads(3, "service"), "test")
    assert counts(report) == (6, 0, 8), "shorter lines are other lines"


async def test_the_order_of_roads_and_heights_does_not_matter(redis, settings, tmp_path):
    versions = []
    for number, order in enumerate((("roads", "heights"), ("heights", "roads"))):
        here = msgspec.structs.replace(
            settings, data=msgspec.structs.replace(settings.data, dir=str(tmp_path / str(number)))
        )
        imports = GeoImports(redis, FixedClock(), here, AuditService(redis, Realm.LIVE, FixedClock()))
        for what in order:
            if what == "roads":
                await imports.import_roads(roads(), "test")
            else:
                await imports.import_elevation(heights(), "test", epsg=6668)
        network = (await GeoHolder.opened(here, redis, FixedClock())).facts.network
        assert network is not None
        assert float(network.elevation_m.min()) > 0
        versions.append(network.version)
    assert versions[0] == versions[1]


async def test_heights_are_counted_by_cell(imports):
    assert counts(await imports.import_elevation(heights(), "test", epsg=6668)) == (400, 0, 0)
    assert counts(await imports.import_elevation(heights(), "test", epsg=6668)) == (0, 0, 0)
    assert counts(await imports.import_elevation(heights(missing=True), "test", epsg=6668)) == (0, 0, 20)
    assert counts(await imports.import_elevation(heights(20.0), "test", epsg=6668)) == (20, 380, 0)


async def test_a_file_much_smaller_than_what_is_known_is_refused_as_a_part(imports):
    await imports.import_roads(roads(12), "test")
    with pytest.raises(InvalidInput, match="途中で切れたファイル"):
        await imports.import_roads(roads(4), "test")
    assert counts(await imports.import_roads(roads(12), "test")) == (0, 0, 0), "nothing was changed"
    assert (await imports.import_roads(roads(4), "test", many_may_go=True)).gone == 24


@pytest.mark.parametrize(
    "take",
    [
        lambda imports: imports.import_roads(b"not a map", "test"),
        lambda imports: imports.import_roads(b"{}", "test"),
        lambda imports: imports.import_roads(roads(), "test", layer="nobody"),
        lambda imports: imports.import_elevation(heights(), "test"),
        lambda imports: imports.import_elevation(b"ncols", "test", epsg=6668),
        lambda imports: imports.import_places(b"a,b\n1,2\n", "test"),
        lambda imports: imports.import_places(b"id,refuge_persons,source\n", "test"),
        lambda imports: imports.import_jma_areas(b"{}", "test"),
        lambda imports: imports.import_hazards(b"PK\x03\x04", "test", name="broken.zip"),
        lambda imports: imports.import_hazards(roads(), "test", name="roads.geojson"),
    ],
)
async def test_what_can_not_be_understood_is_refused_with_a_sentence_and_changes_nothing(
    redis, settings, imports, take
):
    with pytest.raises(InvalidInput) as caught:
        await take(imports)
    assert caught.value.detail
    assert (await GeoHolder.opened(settings, redis, FixedClock())).facts.version == ""
    assert await redis.get(GEO_VERSION) is None


async def test_roads_of_a_layout_of_their_own_are_read_by_a_table_of_the_settings(redis, settings, imports):
    data = collection((line((0, 0), (3, 0)), {"class": "1"}), (line((0, 1), (3, 1)), {"class": "9"}))
    report = await imports.import_roads(data, "test", layer="city")
    assert (report.added, report.passed_over) == (1, 1)


async def test_a_hazard_map_of_the_city_is_read_by_a_table_of_the_settings(redis, settings, imports):
    pond = (square(WEST, SOUTH), {"rank": "1", "name": "大沼"})
    report = await imports.import_hazards(collection(pond), "test", layer="pond", name="pond.geojson")
    assert counts(report) == (1, 0, 0)
    holder = await GeoHolder.opened(settings, redis, FixedClock())
    (layer,) = holder.facts.layers
    assert (layer.key, layer.hazard, layer.classes[0].ja, layer.version) == (
        "pond",
        HazardKind.FLOOD,
        "0.5m未満",
        "2026-04",
    )
    assert layer.coverage_lonlat is None, "outside of its areas nobody knows"
    assert "出典：見本市" in holder.facts.attributions
    assert layer.source == "見本市", "pages write 出典 before it"
    again = await imports.import_hazards(collection(pond), "test", layer="pond", name="pond.geojson")
    assert counts(again) == (0, 0, 0)
    bad = (square(WEST + 0.02, SOUTH), {"rank": "7"})
    third = await imports.import_hazards(collection(pond, bad), "test", layer="pond", name="pond.geojson")
    assert counts(third) == (0, 0, 0)
    (rejected,) = third.rejected
    assert (rejected.row, rejected.field) == (2, "rank")
    assert "使える値" in rejected.reason


def flood(*squares: tuple[float, float], rank: object = 3) -> bytes:
    return collection(*[(square(*one), {"A31a_205": rank}) for one in squares])


TOKYO = (139.70, 35.60)


async def test_a_hazard_map_of_another_prefecture_never_takes_the_place_of_the_citys(
    redis, settings, imports
):
    await imports.import_hazards(flood((WEST, SOUTH)), "test", name="A31a.geojson")
    for data in (flood(TOKYO), flood((WEST, SOUTH), rank=9)):
        with pytest.raises(InvalidInput) as refused:
            await imports.import_hazards(data, "test", name="A31a.geojson")
        assert "--many-may-go" in refused.value.detail
    assert "コード表" in refused.value.detail, "the row that was refused is named"
    holder = await GeoHolder.opened(settings, redis, FixedClock())
    assert [len(one) for one in holder.facts.layers] == [1]
    gone = await imports.import_hazards(flood(TOKYO), "test", name="A31a.geojson", many_may_go=True)
    assert counts(gone) == (0, 0, 1)


async def test_the_second_zip_of_a31a_does_not_erase_the_rivers_of_the_first(redis, settings, imports):
    great, others = "A31a-22_04_10.geojson", "A31a-22_04_20.geojson"

    async def take(name: str, west: float, *, many_may_go: bool = False) -> ImportReport:
        data = flood((west, SOUTH))
        return await imports.import_hazards(data, "test", name=name, many_may_go=many_may_go)

    assert counts(await take(great, WEST)) == (1, 0, 0)
    with pytest.raises(InvalidInput, match="一つのzip"):
        await take(others, WEST + 0.02)
    assert counts(await take(great, WEST)) == (0, 0, 0), "the same half again is the next edition"
    assert counts(await take(others, WEST + 0.02, many_may_go=True)) == (1, 0, 1)
    whole = await take("A31a.geojson", WEST)
    assert counts(whole) == (1, 0, 1), "a file that is not known to be half is taken"


async def test_two_files_of_one_map_handed_in_together_are_not_taken_one_over_the_other(
    redis, settings, imports
):
    taken: set[str] = set()
    await imports.import_hazards(flood((WEST, SOUTH)), "test", name="a.geojson", taken=taken)
    with pytest.raises(InvalidInput, match="二つ"):
        await imports.import_hazards(flood((WEST + 0.02, SOUTH)), "test", name="b.geojson", taken=taken)
    assert taken == {"flood_max"}


async def test_a_corner_of_the_heights_does_not_take_the_place_of_the_city(redis, settings, imports):
    await imports.import_elevation(heights(), "test", epsg=6668)
    corner = (
        f"ncols 2\nnrows 2\nxllcorner {WEST}\nyllcorner {SOUTH}\ncellsize 0.001\nNODATA_value -9999\n1 2\n3 4\n"
    ).encode()
    with pytest.raises(InvalidInput, match="many-may-go"):
        await imports.import_elevation(corner, "test", epsg=6668)
    report = await imports.import_elevation(corner, "test", epsg=6668, many_may_go=True)
    assert report.gone


async def test_a_map_nobody_knows_is_refused_with_those_there_are(redis, settings, imports):
    with pytest.raises(InvalidInput) as refused:
        await imports.import_hazards(flood((WEST, SOUTH)), "test", name="a.geojson", layer="floods")
    assert refused.value.field == "layer"
    assert "flood_max" in refused.value.detail
    assert "pond" in refused.value.detail


async def test_a_first_hazard_map_without_any_area_in_the_city_is_refused(redis, settings, imports):
    with pytest.raises(InvalidInput, match="市域"):
        await imports.import_hazards(flood(TOKYO), "test", name="A31a.geojson")
    assert (await GeoHolder.opened(settings, redis, FixedClock())).facts.layers == ()


AREAS = (
    (
        square(140.7, 38.1, 0.1),
        {"regioncode": "0410001", "name": "仙台市東部", "regionname": "「仙台市東部」の区域"},
    ),
    (
        square(140.6, 38.1, 0.1),
        {"regioncode": "0410002", "name": "仙台市西部", "regionname": "「仙台市西部」の区域"},
    ),
    (square(139.0, 37.0, 0.1), {"regioncode": "0420700", "name": "名取市", "regionname": "宮城県名取市"}),
)
WARDS = (
    (
        square(140.8, 38.2, 0.1),
        {"regioncode": "0410300", "name": "仙台若林区", "regionname": "宮城県仙台市のうち若林区"},
    ),
)


async def test_jmas_areas_take_the_place_of_the_sample_and_wards_stand_beside_them(redis, settings, imports):
    before = (await GeoHolder.opened(settings, redis, FixedClock())).facts.zones.jma()
    assert all(one.approximate for one in before.values()), "the sample is marked"
    report = await imports.import_jma_areas(collection(*AREAS), "test")
    assert (counts(report), report.passed_over) == ((2, 0, 0), 1)
    assert counts(await imports.import_jma_areas(collection(*WARDS), "test")) == (1, 0, 0)
    facts = (await GeoHolder.opened(settings, redis, FixedClock())).facts
    assert {key: one.approximate for key, one in facts.zones.jma().items()} == {
        "jma:0410001": False,
        "jma:0410002": False,
    }
    assert [one.code for one in facts.wards] == ["0410300"]
    assert counts(await imports.import_jma_areas(collection(*AREAS[:1]), "test")) == (0, 0, 1)


TOWNS = (
    "name,ward,kana,romaji,lon,lat,reading_source,reading_status,point_source\n"
    "見本町,若林区,みほんちょう,Mihoncho,140.91,38.21,市,checked,市\n"
    "試し町,若林区,ためしまち,,140.92,38.21,市,draft,市\n"
)
POINTS = (
    "pref,city,town,koaza,lat,lng\n"
    "宮城県,仙台市若林区,見本町,,38.2111,140.9111\n"
    "宮城県,仙台市若林区,先の町,,38.2222,140.9222\n"
    "宮城県,名取市,隣の町,,38.17,140.89\n"
)
PEOPLE = (
    ",ward,town_code,town_name,total_pop,pop_young,pop_working,pop_old,lat,lon\n"
    "0,wakabayashi,04103000001,見本町,120,20,70,30,38.21,140.91\n"
)


async def test_towns_of_several_files_are_one_table_whatever_came_first(redis, settings, tmp_path):
    found = []
    for number, order in enumerate(([TOWNS, POINTS, PEOPLE], [PEOPLE, POINTS, TOWNS])):
        here = msgspec.structs.replace(
            settings, data=msgspec.structs.replace(settings.data, dir=str(tmp_path / str(number)))
        )
        imports = GeoImports(redis, FixedClock(), here, AuditService(redis, Realm.LIVE, FixedClock()))
        for text in order:
            await imports.import_places(text.encode(), "test")
        for text in order:
            assert counts(await imports.import_places(text.encode(), "test")) == (0, 0, 0)
        facts = (await GeoHolder.opened(here, redis, FixedClock())).facts
        assert facts.population is not None
        assert facts.population.persons.tolist() == [120]
        assert facts.places.search("みほんちょう")[0].name == "見本町"
        assert facts.zones.towns["town:若林区/先の町"].lat == 38.2222
        found.append((facts.version, facts.places.towns))
    assert found[0] == found[1]


async def test_points_of_other_cities_are_passed_over_and_the_sample_keeps_its_readings(
    redis, settings, imports
):
    report = await imports.import_places(POINTS.encode(), "test")
    assert (counts(report), report.passed_over) == ((2, 0, 0), 1)
    facts = (await GeoHolder.opened(settings, redis, FixedClock())).facts
    assert facts.places.search("ゆりあげ"), "the built-in table stands in while the city has none of its own"


async def test_a_damaged_fact_is_named_with_its_mend_and_the_rest_keeps_working(redis, settings, imports):
    await imports.import_roads(roads(), "test")
    await imports.import_jma_areas(collection(*AREAS), "test")
    holder = await GeoHolder.opened(settings, redis, FixedClock())
    stored = holder.facts.stored["jma-areas"]
    (settings.data_dir / "geo" / stored.folder / "areas.geojson").write_text("{}")
    holder = await GeoHolder.opened(settings, redis, FixedClock())
    (problem,) = holder.problems
    assert problem.key == "jma-areas"
    assert "bosai import jma-areas" in problem.ja
    assert holder.facts.network is not None
    assert list(holder.facts.zones.jma()) == ["jma:0410001", "jma:0410002"], "the sample, marked"
    assert counts(await imports.import_jma_areas(collection(*AREAS), "test")) == (2, 0, 0)
    assert (await GeoHolder.opened(settings, redis, FixedClock())).problems == ()


async def test_a_machine_that_lacks_what_another_one_imported_says_so(redis, settings, imports, tmp_path):
    await imports.import_roads(roads(), "test")
    elsewhere = msgspec.structs.replace(
        settings, data=msgspec.structs.replace(settings.data, dir=str(tmp_path / "elsewhere"))
    )
    holder = await GeoHolder.opened(elsewhere, redis, FixedClock())
    await holder.refresh()
    (problem,) = holder.problems
    assert "geo フォルダーを写して" in problem.ja
    assert holder.facts.network is None
    await holder.tell()
    for realm in Realm:
        (said,) = (await redis.hgetall(Keys(realm).health)).values()
        assert msgspec.json.decode(said)["detail"] == problem.ja
    await asyncio.to_thread(shutil.copytree, tmp_path / "data" / "geo", tmp_path / "elsewhere" / "geo")
    assert await holder.refresh()
    assert holder.problems == ()
    assert holder.facts.network is not None
    await holder.tell()
    assert await redis.hgetall(Keys(Realm.LIVE).health) == {}
