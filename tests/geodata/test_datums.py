"""Old datums come to JGD2011 by a known way, and the error is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.crs import to_lonlat, to_plane
from geodata.datums import QUAKE_2011_M, crs_of, to_jgd2011
from geodata.errors import UnsupportedCrs


def metres_apart(a, b):
    return np.hypot(*(to_plane(a) - to_plane(b)).T)


@settings(max_examples=50, deadline=None)
@given(st.floats(140.4, 141.2), st.floats(38.0, 38.6))
def test_the_tokyo_datum_is_moved_and_agrees_with_the_published_rule_of_thumb(lon, lat):
    """The linear formula of 国土地理院 for all of Japan is good to some metres; doing nothing is 400 m off."""
    moved, way = to_jgd2011(np.array([[lon, lat]]), crs_of("x", epsg=4301), "x")
    thumb = [
        lon - lat * 0.000046038 - lon * 0.000083043 + 0.010040,
        lat - lat * 0.00010695 + lon * 0.000017464 + 0.0046017,
    ]
    assert metres_apart(moved, [thumb])[0] < 15
    assert metres_apart(moved, [[lon, lat]])[0] > 350
    assert way.steps
    assert 0 < way.error_m < 20
    assert "ずれは最大で約" in way.ja


def test_jgd2000_without_the_quake_s_grid_is_not_moved_and_says_how_far_it_may_be_off():
    moved, way = to_jgd2011(np.array([[140.87, 38.26]]), crs_of("x", epsg=4612), "x")
    assert metres_apart(moved, [[140.87, 38.26]])[0] <= QUAKE_2011_M
    assert way.error_m == pytest.approx(QUAKE_2011_M) or "補正ファイルによる" in way.ja
    assert "2011年" in way.ja or "補正ファイル" in way.ja


def test_what_is_in_degrees_of_jgd2011_or_wgs84_already_is_left_alone_and_nothing_is_said():
    pairs = np.array([[140.87, 38.26]])
    for epsg in (6668, 4326, 6697):
        moved, way = to_jgd2011(pairs, crs_of("x", epsg=epsg), "x")
        assert (moved == pairs).all()
        assert way.ja == ""


def test_planes_of_every_zone_come_back_to_the_same_degrees():
    pairs = np.array([[140.87, 38.26], [140.9, 38.2]])
    for epsg in (6677, 6678, 6679):
        moved, way = to_jgd2011(to_plane(pairs, epsg), crs_of("x", epsg=epsg), "x")
        assert moved == pytest.approx(pairs, abs=1e-9)
        assert way.error_m == 0
    assert to_lonlat(to_plane(pairs)) == pytest.approx(pairs, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        ("JGD2011 / (B, L)", 6668),
        ("JGD2000 / (B, L)", 4612),
        ("fguuid:jgd2011.bl", 6668),
        ("TD / (B, L)", 4301),
        ("urn:ogc:def:crs:EPSG::6678", 6678),
        ("http://www.opengis.net/def/crs/EPSG/0/6697", 6668),
    ],
)
def test_the_names_japanese_files_write_are_understood(text, epsg):
    assert crs_of("x", text=text).to_epsg() == epsg


def test_names_nobody_knows_are_refused_and_silence_is_none():
    assert crs_of("x") is None
    for said in ({"text": "somewhere"}, {"epsg": 1}):
        with pytest.raises(UnsupportedCrs):
            crs_of("x", **said)
    with pytest.raises(UnsupportedCrs, match="NAD27"):
        to_jgd2011(np.zeros((1, 2)), crs_of("x", epsg=4267), "x")
