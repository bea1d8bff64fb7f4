"""Hazard maps and roads over HTTP: packed, kept, asked for again by tag, in words, and honest when nothing is known."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
from dataclasses import replace

import pytest

from bosai.messages.catalogue import LANGS
from bosai.model.realm import Realm
from bosai.web import map_pages
from bosai.web.assets import STATIC_DIR
from bosai.web.hazard_colours import PATTERNS, looks_of
from bosai.web.packed import PackedShelf, pack
from geodata import catalogue
from geodata.hazard_layers import HazardClass
from geodata.map_layers import LEVELS
from tests.bosai.web.ground import DEPTHS, flood, know, landslide
from tests.bosai.web.running import Site, running


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


async def raw(site: Site, path: str, **headers: str):
    """The answer as it came over the wire, unpacked by nobody."""
    async with site.client.get(site.url + path, headers=headers, auto_decompress=False) as answer:
        return answer.status, answer.headers, await answer.read()


HAZARDS = "/api/v1/hazards.geojson?layer=flood_max&zoom=11.5"


async def test_nothing_imported_is_an_empty_collection_that_says_it_is_not_known(site):
    for path in ("/api/v1/hazards.geojson?layer=flood_max&zoom=10", "/api/v1/roads.geojson?zoom=10"):
        answer = await site.ask("GET", path)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/geo+json")
        assert (answer.json()["features"], answer.json()["known"]) == ([], False)
    listed = (await site.ask("GET", "/api/v1/hazard-layers")).json()
    assert (listed["known"], listed["layers"], listed["roads"]) == (False, [], False)


async def test_a_hazard_map_comes_packed_to_whom_takes_it_and_plain_to_others(site):
    know(site.side(), "v1", flood())
    _, packed, body = await raw(site, HAZARDS, **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    for refusing in ("", "identity", "gzip;q=0", "*;q=0"):
        _, plain, unpacked = await raw(site, HAZARDS, **{"Accept-Encoding": refusing})
        assert "Content-Encoding" not in plain
        assert gzip.decompress(body) == unpacked
        assert plain["ETag"] != packed["ETag"]
        assert not plain["ETag"].startswith("W/")
    collection = json.loads(unpacked)
    assert collection["layer"] == "flood_max"
    assert collection["coverage_known"] is False
    assert [one["properties"]["rank"] for one in collection["features"]] == [1, 2, 3, 4, 5, 6]


async def test_a_map_that_is_known_already_is_not_sent_again_until_an_import_changes_it(site):
    know(site.side(), "v1", flood())
    for encoding in ("gzip", "identity"):
        _, headers, _ = await raw(site, HAZARDS, **{"Accept-Encoding": encoding})
        tag = headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            status, again, body = await raw(
                site, HAZARDS, **{"Accept-Encoding": encoding, "If-None-Match": known}
            )
            assert (status, body, again["ETag"]) == (304, b"", tag)
            assert "max-age" in again["Cache-Control"]
    same = flood()
    know(site.side(), "v2", same)  # another import, which brought the same map
    assert (await raw(site, HAZARDS, **{"If-None-Match": tag}))[0] == 304
    know(site.side(), "v3", flood(sample=True))
    assert (await raw(site, HAZARDS, **{"If-None-Match": tag}))[0] == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/hazards.geojson?layer=flood_max", "zoom"),
        ("/api/v1/hazards.geojson?layer=flood_max&zoom=near", "zoom"),
        ("/api/v1/hazards.geojson?layer=flood_max&zoom=99", "zoom"),
        ("/api/v1/hazards.geojson?layer=flood_max&zoom=nan", "zoom"),
        ("/api/v1/roads.geojson?zoom=-1", "zoom"),
        ("/api/v1/hazards.geojson?zoom=10", "layer"),
        ("/api/v1/hazards.geojson?layer=flod&zoom=10", "layer"),
    ],
)
async def test_a_wrong_zoom_or_layer_is_refused_with_what_may_be_asked(site, path, field):
    know(site.side(), "v1", flood(), landslide())
    problem = await site.problem("GET", path)
    assert (problem["status"], problem["field"]) == (400, field)
    if "flod" in path:
        assert "flood_max, landslide" in problem["detail"]
    if "99" in path or "-1" in path:
        assert "0–24" in problem["detail"]


async def test_the_list_of_maps_says_in_the_readers_words_what_each_class_means(site):
    know(site.side(), "v1", flood(), landslide(), with_roads=True)
    for lang in LANGS:
        listed = (await site.ask("GET", f"/api/v1/hazard-layers?lang={lang}")).json()
        water, slope = listed["layers"]
        assert [one["rank"] for one in water["classes"]] == [6, 5, 4, 3, 2, 1], "the worst first"
        assert [one["rank"] for one in slope["classes"]] == [2, 1]
        assert (slope["sample"], slope["coverage_known"], water["coverage_known"]) == (True, True, False)
        assert (water["source"], water["version"], water["valid_until"]) == ("試験", "A31a-24", "2030-03-31")
        assert listed["roads"] is True
        assert listed["roads_source"] == "試験の道"
        for one in [*water["classes"], *slope["classes"]]:
            assert one["name"] and one["name_ja"]
            assert one["name_lang"] == ("ja" if lang.startswith("ja") else lang)
        for one in slope["classes"]:
            assert (lang == "ja") == (one["name"] == one["name_ja"])
        if lang == "ja":
            assert all(one["name"].endswith("の深さ") for one in water["classes"]), (
                "a bare 3m says not of what"
            )
        assert len({one["name"] for one in water["classes"]}) == len(DEPTHS)


async def test_the_official_colours_of_depths_and_slopes_are_shown_with_patterns_that_grow_denser(site):
    looks = looks_of(flood())
    assert [looks[f"flood_{n}"].colour for n in range(1, 7)] == [
        "#F7F5A9",
        "#FFD8C0",
        "#FFB7B7",
        "#FF9191",
        "#F285C9",
        "#DC7ADC",
    ]
    assert [looks[f"flood_{n}"].pattern for n in range(1, 7)] == list(PATTERNS)
    slopes = looks_of(landslide())
    assert [slopes[f"landslide_{name}"].colour for name in ("warning", "special")] == ["#FAE600", "#FA2800"]
    assert slopes["landslide_warning"].pattern != slopes["landslide_special"].pattern
    unknown = HazardClass(code="flood_unknown", rank=9, ja="深さ不明", depth_unknown=True)
    known = {look.colour for look in looks.values()}
    assert (
        looks_of(replace(flood(), classes=(*flood().classes, unknown)))["flood_unknown"].colour not in known
    )


async def test_both_sides_show_the_same_ground(site):
    know(site.side(), "v1", flood(), with_roads=True)
    for path in (HAZARDS, "/api/v1/roads.geojson?zoom=16"):
        live, drill = await site.ask("GET", path), await site.ask("GET", f"/drill{path}")
        assert live.body == drill.body
        assert live.headers["ETag"] == drill.headers["ETag"]
    assert site.side(Realm.DRILL).geo.facts is site.side().geo.facts


async def test_roads_show_more_the_nearer_one_looks(site):
    know(site.side(), "v1", with_roads=True)
    kinds = {
        zoom: [
            one["properties"]["kind"]
            for one in (await site.ask("GET", f"/api/v1/roads.geojson?zoom={zoom}")).json()["features"]
        ]
        for zoom in (10, 15)
    }
    assert kinds == {10: ["main_road"], 15: ["main_road", "pedestrian"]}


async def test_roads_name_their_publisher_also_where_the_file_did_not(site):
    side = site.side()
    know(side, "v1", with_roads=True)
    facts = side.geo.facts
    side.geo._holder._facts = replace(facts, version="v2", network=replace(facts.network, source=""))
    answered = (await site.ask("GET", "/api/v1/roads.geojson?zoom=10")).json()
    assert answered["source"] == side.settings.sources.roads


async def test_sites_orders_and_zones_are_asked_for_again_with_their_tag(site):
    for name in ("sites", "areas", "zones"):
        path = f"/api/v1/{name}.geojson"
        status, headers, _ = await raw(site, path, **{"Accept-Encoding": "gzip"})
        assert (status, headers["Cache-Control"]) == (200, "no-cache")
        assert (await raw(site, path, **{"If-None-Match": headers["ETag"]}))[0] == 304


async def test_many_who_ask_at_once_wait_for_one_making():
    shelf, made = PackedShelf(max_bytes=10**6, at_once=2), []

    def make() -> bytes:
        made.append(threading.get_ident())
        return b"x" * 5000

    got = await asyncio.gather(*(shelf.get("same", make) for _ in range(20)))
    assert len(made) == 1
    assert made[0] != threading.get_ident(), "not on the event loop"
    assert {id(one) for one in got} == {id(got[0])}


async def test_the_shelf_stays_within_its_bytes_and_forgets_the_longest_unused():
    size = pack(b"x" * 5000).size
    shelf, made = PackedShelf(max_bytes=3 * size + 100, at_once=1), []

    async def ask(name: str) -> None:
        def make() -> bytes:
            made.append(name)
            return name.encode() * 5000

        await shelf.get(name, make)

    for name in "abcaddda":
        await ask(name)
    assert made == ["a", "b", "c", "d"]
    assert shelf.bytes_held <= 3 * size + 100
    await ask("b")
    assert made[-1] == "b"


async def test_a_making_that_fails_is_tried_again_by_the_next():
    shelf, tries = PackedShelf(max_bytes=10**6, at_once=1), []

    def make() -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no memory")
        return b"done"

    with pytest.raises(ValueError, match="no memory"):
        await shelf.get("one", make)
    assert (await shelf.get("one", make)).plain == b"done"


def test_packing_the_same_content_gives_the_same_bytes_and_tag():
    one, two = pack(b"abc" * 1000), pack(b"abc" * 1000)
    assert (one.gzipped, one.digest) == (two.gzipped, two.digest)
    assert pack(b"short").gzipped == b""


def test_pages_and_service_agree_on_levels_patterns_and_what_is_unknown():
    script = (STATIC_DIR / "maps" / "looks.js").read_text("utf-8")
    assert f"const LEVELS = {list(LEVELS)};" in script
    block = script.split("const strokes = {", 1)[1].split("};", 1)[0]
    assert tuple(re.findall(r"(\w+): \[", block)) == PATTERNS
    assert (map_pages.OUTSIDE, map_pages.UNKNOWN) == (catalogue.OUTSIDE, catalogue.UNKNOWN)
