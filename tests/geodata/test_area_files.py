from __future__ import annotations

import json

import pytest

from geodata.areas import Bbox
from geodata.crs import geometry_to_plane
from geodata.errors import BrokenJson
from geodata.importers.areas import JMA_AREAS, TSUNAMI_AREAS, AreaMapping, parse_named_areas

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
RING = [[140.9, 38.2], [140.95, 38.2], [140.95, 38.25], [140.9, 38.25], [140.9, 38.2]]
BOWTIE = [RING[0], RING[2], RING[1], RING[3], RING[0]]


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def feature(ring=RING, **properties):
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_good_features_are_taken_and_bad_ones_named_by_their_place():
    data = collection(
        feature(kind="area1", name="一", sample=True),
        feature(kind="area9", name="二"),
        feature(kind="area2", name=" "),
        feature(BOWTIE, kind="area2", name="四"),
        feature([[lat, lon] for lon, lat in RING], kind="area2", name="五"),
        feature(kind="area1", name="一"),
        "x",
        {"type": "Feature", "properties": {"kind": "area2", "name": "八"}, "geometry": None},
        feature(kind="area2", name="九"),
    )
    parsed = parse_named_areas(data, TSUNAMI_AREAS, bbox=SENDAI)
    assert [(one.name, one.kind, one.sample) for one in parsed.records] == [
        ("一", "area1", True),
        ("九", "area2", False),
    ]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (2, "kind"),
        (3, "name"),
        (4, "geometry"),
        (5, "geometry"),
        (6, "name"),
        (7, "name"),
        (8, "geometry"),
    ]
    assert "交差" in parsed.rejected[2].reason
    assert "逆" in parsed.rejected[3].reason


def test_areas_are_chosen_by_code_under_either_property_name():
    data = collection(
        feature(regioncode="0410001", name="東部"),
        feature(code="0410002", name="西部"),
        feature(code="9", name="他"),
    )
    parsed = parse_named_areas(data, JMA_AREAS, bbox=SENDAI, codes={"0410001", "0410002"})
    assert ([one.code for one in parsed.records], parsed.passed_over) == (["0410001", "0410002"], 1)
    assert [one.field for one in parse_named_areas(collection(feature(name="x")), JMA_AREAS).rejected] == [
        "regioncode・code"
    ]


def test_a_crossing_outline_is_mended_only_when_asked_and_says_so():
    # A square of 0.05 degrees whose last corner was thinned into a small loop.
    west, south, side, loop = 140.85, 38.20, 0.05, 0.005
    outline = [(0, 0), (side, 0), (side, side), (0, side), (0, loop), (-loop, 0), (-loop, loop), (0, 0)]
    drawn = [[west + x, south + y] for x, y in outline]
    data = collection(feature(BOWTIE, name="x"), feature(drawn, name="y"))
    refused = parse_named_areas(data, AreaMapping(), bbox=SENDAI)
    assert (refused.records, len(refused.rejected), refused.repaired) == ((), 2, ())
    parsed = parse_named_areas(data, AreaMapping(), bbox=SENDAI, repair=True)
    (mended,), (repair,) = parsed.records, parsed.repaired
    assert (mended.name, mended.repaired, mended.geometry_lonlat.is_valid) == ("y", True, True)
    after_m2 = geometry_to_plane(mended.geometry_lonlat).area
    assert (repair.row, repair.area_after_m2) == (2, pytest.approx(after_m2, rel=1e-4))
    assert repair.area_before_m2 != pytest.approx(repair.area_after_m2, rel=1e-3)
    assert [(one.row, one.field) for one in parsed.rejected] == [(1, "geometry")], "half of it would be lost"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"features": 3}'])
def test_what_is_no_feature_collection_is_refused(data):
    with pytest.raises(BrokenJson):
        parse_named_areas(data, AreaMapping())
