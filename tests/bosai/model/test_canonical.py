"""The bytes an approval is taken over: everything decided is in them, nothing else is, and they never vary."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.alert import (
    Act,
    AlertArea,
    AlertLevel,
    AlertText,
    DrillAlert,
    LiveAlert,
    OrderKind,
    TsunamiClass,
    level_of,
)
from bosai.model.canonical import decision_bytes, decision_hash
from geodata.hazards import HazardKind
from tests.bosai.services.hq import square

ARRIVAL = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
FACTS = {
    "alert_id": "a1",
    "version": 2,
    "act": Act.UPDATE,
    "hazard": HazardKind.FLOOD,
    "kind": OrderKind.EVACUATE,
    "area": AlertArea(names=("若林区荒浜",), polygons_e7_lonlat=square(), zone_keys=("drawn",)),
    "texts": {
        "ja": AlertText(headline="避難指示", body="ただちに"),
        "en": AlertText(headline="Evacuate", body="Now"),
    },
    "reason": "水位",
    "references": ("a1:1",),
    "review_after_min": 120,
    "drafter": "sato",
    "drafted_at": ARRIVAL,
}


def alert(**changes) -> LiveAlert:
    return LiveAlert(**{**FACTS, **changes})


DECIDED = {
    "alert_id": "a2",
    "version": 3,
    "act": Act.ISSUE,
    "hazard": HazardKind.LANDSLIDE,
    "kind": OrderKind.ELDERLY_ETC,
    "tsunami_class": TsunamiClass.WARNING,
    "area": AlertArea(names=("若林区井土",), polygons_e7_lonlat=square(), zone_keys=("drawn",)),
    "texts": {"ja": AlertText(headline="避難指示", body="あとで"), "en": FACTS["texts"]["en"]},
    "reason": "雨量",
    "references": ("a1:1", "a0:1"),
    "expected_arrival_at": ARRIVAL,
}


@pytest.mark.parametrize("field", DECIDED)
def test_a_change_of_anything_decided_is_another_decision(field):
    assert decision_hash(alert(**{field: DECIDED[field]})) != decision_hash(alert())


@pytest.mark.parametrize(
    "area",
    [
        msgspec.structs.replace(FACTS["area"], polygons_e7_lonlat=square(side=0.0100001)),
        msgspec.structs.replace(FACTS["area"], names=("若林区荒浜", "若林区井土")),
        msgspec.structs.replace(FACTS["area"], zone_keys=("tsunami:area1",)),
    ],
    ids=["one unit of 1e-7 degrees", "a name more", "chosen from elsewhere"],
)
def test_the_area_is_decided_to_the_last_unit_and_by_its_names(area):
    assert decision_hash(alert(area=area)) != decision_hash(alert())


def test_the_drill_of_an_order_is_another_decision_than_the_order():
    assert decision_hash(DrillAlert(**FACTS)) != decision_hash(LiveAlert(**FACTS))


@pytest.mark.parametrize(
    "changes", [{"drafter": "ito"}, {"drafted_at": ARRIVAL + timedelta(days=1)}, {"review_after_min": 10}]
)
def test_who_drafted_it_and_when_hq_is_asked_again_are_not_part_of_the_decision(changes):
    assert decision_hash(alert(**changes)) == decision_hash(alert())


@given(st.permutations(list(FACTS["texts"])))
def test_the_order_of_the_languages_does_not_matter(order):
    assert decision_bytes(alert(texts={lang: FACTS["texts"][lang] for lang in order})) == decision_bytes(
        alert()
    )


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_same_characters_written_otherwise_are_the_same_decision_and_others_are_not(text, other):
    forms = {decision_hash(alert(reason=unicodedata.normalize(form, text))) for form in ("NFC", "NFD")}
    assert len(forms) == 1
    if unicodedata.normalize("NFC", text) != unicodedata.normalize("NFC", other):
        assert decision_hash(alert(reason=other)) not in forms


@given(st.integers(-12, 14))
def test_a_moment_is_the_same_in_every_time_zone(hours):
    there = ARRIVAL.astimezone(timezone(timedelta(hours=hours)))
    assert decision_hash(alert(expected_arrival_at=there)) == decision_hash(
        alert(expected_arrival_at=ARRIVAL)
    )


def test_an_arrival_that_is_unknown_is_not_the_moment_zero():
    assert decision_hash(alert(expected_arrival_at=datetime.fromtimestamp(0, UTC))) != decision_hash(alert())


def test_the_bytes_hold_integers_only_and_sorted_keys():
    decided = decision_bytes(alert(expected_arrival_at=ARRIVAL))

    def refuse(text):
        raise AssertionError(f"not an integer: {text}")

    pairs = json.loads(decided, parse_float=refuse, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    assert names == sorted(names)


def test_an_order_survives_storage_with_its_decision():
    for made in (alert(expected_arrival_at=ARRIVAL), DrillAlert(**FACTS)):
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=LiveAlert | DrillAlert)
        assert type(stored) is type(made)
        assert decision_bytes(stored) == decision_bytes(made)


def test_the_hash_of_a_known_order_does_not_change_from_release_to_release():
    # An approval given under one release must be the same decision under the next.
    plain = alert(area=AlertArea(names=("荒浜",), polygons_e7_lonlat=((((0, 0), (1, 0), (1, 1), (0, 0)),),)))
    assert decision_bytes(plain).decode() == (
        '{"act":"update","alert_id":"a1","announced_s":null,"area":{"approximate":false,"names":["荒浜"],'
        '"polygons_e7_lonlat":[[[[0,0],[1,0],[1,1],[0,0]]]],"zone_keys":[]},'
        '"expected_arrival_s":null,"hazard":"flood","kind":"evacuate","level":4,"realm":"live","reason":"水位",'
        '"references":["a1:1"],"texts":{"en":{"body":"Now","headline":"Evacuate"},'
        '"ja":{"body":"ただちに","headline":"避難指示"}},"tsunami_class":null,"version":2}'
    )


# -- levels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize(
    "hazard", [HazardKind.TSUNAMI, HazardKind.EARTHQUAKE, HazardKind.LARGE_FIRE, HazardKind.VOLCANO]
)
def test_a_hazard_without_levels_never_shows_a_number(hazard, kind):
    assert level_of(hazard, kind) is None


def test_levels_are_those_of_the_guideline_and_a_notice_has_none():
    assert level_of(HazardKind.FLOOD, OrderKind.ELDERLY_ETC) is AlertLevel.L3
    assert level_of(HazardKind.LANDSLIDE, OrderKind.EVACUATE) is AlertLevel.L4
    assert level_of(HazardKind.STORM_SURGE, OrderKind.EMERGENCY_SAFETY) is AlertLevel.L5
    assert level_of(HazardKind.INLAND_FLOOD, OrderKind.NOTICE) is None
