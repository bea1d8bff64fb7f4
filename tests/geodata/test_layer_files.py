"""Layers as bytes, and what changed between two editions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import BrokenLayer
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind
from geodata.layer_files import diff_layers, identities, layer_from_bytes, layer_to_bytes, outline_ids
from tests.geodata.made_maps import BESIDE, SQUARE, WITH_HOLE

CLASSES = (
    HazardClass(code="flood_1", rank=1, ja="浅い", depth_min_m=0.0, depth_max_m=0.5),
    HazardClass(code="flood_2", rank=2, ja="深い", depth_min_m=0.5, depth_max_m=None),
    HazardClass(code="flood_unknown", rank=3, ja="不明", depth_unknown=True),
)


def layer(shapes=(SQUARE, WITH_HOLE), rows=(0, 1), labels=None, **changes):
    areas, label = np.empty(len(shapes), dtype=object), np.empty(len(shapes), dtype=object)
    areas[:], label[:] = list(shapes), list(labels or ["名取川"] * len(shapes))
    values = {
        "key": "flood_max",
        "hazard": HazardKind.FLOOD,
        "name_ja": "洪水浸水想定区域",
        "classes": CLASSES,
        "areas_lonlat": areas,
        "class_row": np.array(rows, dtype=np.int16),
        "label": label,
        "coverage_lonlat": None,
        "source": "国土数値情報",
        "version": "A31a-22",
        "valid_until": date(2027, 3, 31),
    }
    return HazardLayer(**(values | changes))


def test_a_layer_comes_back_as_it_was_and_its_bytes_are_always_the_same():
    for one in (layer(), layer(coverage_lonlat=shapely.box(140, 38, 141, 39), sample=True), layer((), ())):
        data = layer_to_bytes(one)
        back = layer_from_bytes(data)
        assert layer_to_bytes(back) == data
        assert diff_layers(one, back).is_empty
        assert (back.classes, back.version, back.valid_until, back.sample) == (
            one.classes,
            one.version,
            one.valid_until,
            one.sample,
        )
        assert [a.equals_exact(b) for a, b in zip(back.areas_lonlat, one.areas_lonlat, strict=True)] == [
            True
        ] * len(one)
        assert back.class_row.tolist() == one.class_row.tolist()
        assert back.label.tolist() == one.label.tolist()


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.booleans())
def test_damaged_bytes_are_refused(at, value, cut):
    data = layer_to_bytes(layer())
    at %= len(data)
    damaged = data[:at] if cut else data[:at] + bytes([value]) + data[at + 1 :]
    if damaged == data:
        return
    with pytest.raises(BrokenLayer):
        layer_from_bytes(damaged)


def test_bytes_that_are_whole_but_make_no_sense_are_refused():
    wrong = replace(layer(), class_row=np.array([0, 9], dtype=np.int16))
    with pytest.raises(BrokenLayer, match="fit together"):
        layer_from_bytes(layer_to_bytes(wrong))
    line = np.array([shapely.LineString([(0, 0), (1, 1)])], dtype=object)
    with pytest.raises(BrokenLayer, match="LineString"):
        layer_from_bytes(layer_to_bytes(layer(tuple(line), (0,))))
    with pytest.raises(BrokenLayer):
        layer_from_bytes(b"")


def test_new_changed_and_gone_areas_are_counted():
    old = layer((SQUARE, WITH_HOLE), (0, 1))
    assert diff_layers(None, old).added == 2
    assert diff_layers(old, layer((WITH_HOLE, SQUARE), (1, 0))).is_empty
    more = diff_layers(old, layer((SQUARE, BESIDE), (1, 0)))
    assert (more.added, more.changed, more.gone, more.about) == (1, 1, 1, ())
    renamed = diff_layers(old, layer((SQUARE, WITH_HOLE), (0, 1), labels=["広瀬川", "名取川"]))
    assert (renamed.added, renamed.changed, renamed.gone) == (0, 1, 0)


def test_facts_of_the_layer_itself_are_changes_too():
    newer = diff_layers(layer(), layer(version="A31a-24", coverage_lonlat=shapely.box(140, 38, 141, 39)))
    assert newer.about == ("version", "coverage_lonlat")
    assert not newer.is_empty


def test_an_area_is_known_however_its_rings_are_drawn():
    pairs = list(SQUARE.exterior.coords)[:-1]
    turned = shapely.Polygon([*pairs[2:], *pairs[:2]][::-1])
    moved = shapely.transform(SQUARE, lambda xy: xy + 3e-9)
    beside = shapely.transform(SQUARE, lambda xy: xy + 1e-7)
    shapes = np.array([SQUARE, turned, moved, beside], dtype=object)
    ids = outline_ids(shapes)
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(set(identities(layer((SQUARE, SQUARE), (0, 1))))) == 2
