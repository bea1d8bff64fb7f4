"""A broken file is named in Japanese, whatever library said so."""

from __future__ import annotations

import bz2
import gzip
import re
import zipfile
from io import BytesIO

import pytest

from geodata.errors import GeodataError
from geodata.importers.elevation import parse_elevation
from geodata.importers.hazard_files import parse_hazard_file
from geodata.importers.roads_geojson import parse_road_lines
from geodata.importers.roads_osm import parse_osm

COLLECTION = b'{"type":"FeatureCollection","features":[]}'


def zip_of(*names: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return packed.getvalue()


@pytest.mark.parametrize("read", [parse_road_lines, parse_osm, lambda data: parse_elevation(data, epsg=6668)])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        COLLECTION[:30],
        b"[" * 100_000,
        b"\xff\xfe\x00",
        gzip.compress(COLLECTION)[:-12],
        bz2.compress(COLLECTION)[:-12],
        zip_of("a.txt", "b.txt"),
        zip_of("a.geojson", "b.geojson"),
        zip_of("a.osm")[:-30],
    ],
)
def test_no_reason_stands_in_english_alone(read, data):
    with pytest.raises(GeodataError) as refused:
        read(data)
    assert not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", refused.value.ja), refused.value.ja


@pytest.mark.parametrize(
    "data", [b"", COLLECTION[:30], b"[]", b'{"type":"FeatureCollection","features":[{"a":NaN}]}']
)
def test_a_hazard_map_cut_off_or_of_another_shape_says_so_in_japanese(data):
    with pytest.raises(GeodataError) as refused:
        parse_hazard_file(data, name="map.geojson")
    assert re.search("途中で切れて|FeatureCollection|JSONとして", refused.value.ja), refused.value.ja
