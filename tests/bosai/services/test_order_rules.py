"""What a draft must hold, and the words that confirm it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import ConfirmationMismatch, InvalidInput
from bosai.messages.orders import OrderTexts
from bosai.model.alert import (
    LEVELLED_HAZARDS,
    Act,
    Alert,
    AlertArea,
    AlertLevel,
    OrderKind,
    TsunamiClass,
    level_of,
)
from bosai.model.realm import Realm
from bosai.services.alert_moves import OrderWriter
from bosai.services.alerts import REVIEW_MIN
from bosai.services.confirmation import confirm, confirmation_words
from bosai.services.order_rules import LEGAL_KINDS, SENDAI_BBOX, DraftForm, checked_form, plain_text
from geodata.hazards import HazardKind
from tests.bosai.services.hq import AREA, START, flood, square, tsunami


def checked(form: DraftForm, realm: Realm = Realm.LIVE) -> DraftForm:
    return checked_form(form, realm=realm, bbox=SENDAI_BBOX)


def alert_of(form: DraftForm, realm: Realm = Realm.LIVE) -> Alert:
    return OrderWriter(realm, OrderTexts(), review_min=REVIEW_MIN).first(form, "abe", START).alert


def area(**changes: Any) -> AlertArea:
    return msgspec.structs.replace(AREA, **changes)


@given(st.sampled_from(HazardKind), st.sampled_from(OrderKind), st.none() | st.sampled_from(TsunamiClass))
def test_a_form_passes_exactly_with_the_kinds_its_hazard_may_have(
    hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None
) -> None:
    form = flood(hazard=hazard, kind=kind, tsunami_class=tsunami_class)
    legal = kind in LEGAL_KINDS[hazard]
    legal = legal and (tsunami_class is not None or kind is not OrderKind.TSUNAMI_EVACUATION)
    legal = legal and (tsunami_class is None or hazard is HazardKind.TSUNAMI)
    if legal:
        assert checked(form).kind is kind
    else:
        with pytest.raises(InvalidInput) as caught:
            checked(form)
        assert caught.value.field in ("kind", "tsunami_class")


def test_levels_exist_only_for_levelled_hazards_and_tsunami_never_has_one() -> None:
    for hazard, kinds in LEGAL_KINDS.items():
        levels = {level_of(hazard, kind) for kind in kinds} - {None}
        assert levels == (set(AlertLevel) if hazard in LEVELLED_HAZARDS else set())
    assert OrderKind.TSUNAMI_EVACUATION in LEGAL_KINDS[HazardKind.TSUNAMI]
    assert all(
        OrderKind.TSUNAMI_EVACUATION not in kinds
        for hazard, kinds in LEGAL_KINDS.items()
        if hazard is not HazardKind.TSUNAMI
    )


BOW_TIE = (
    (((1409800000, 382100000), (1409900000, 382200000), (1409900000, 382100000), (1409800000, 382200000)),),
)


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"area": area(polygons_e7_lonlat=())}, "area", "empty_area"),
        ({"area": area(polygons_e7_lonlat=((),))}, "area", "empty_area"),
        ({"area": area(polygons_e7_lonlat=square(west=139.7, south=35.6))}, "area", "outside_city"),
        ({"area": area(polygons_e7_lonlat=square(west=38.21, south=140.98))}, "area", "bad_geometry"),
        ({"area": area(polygons_e7_lonlat=BOW_TIE)}, "area", "self_crossing"),
        ({"area": area(polygons_e7_lonlat=((((1, 1), (2, 2)),),))}, "area", "bad_geometry"),
        ({"area": area(names=())}, "area.names", "missing"),
        ({"area": area(names=(" ", "\u202e"))}, "area.names", "missing"),
        ({"area": area(names=("あ" * 61,))}, "area.names", "too_long"),
        ({"area": area(names=tuple(str(n) for n in range(301)))}, "area.names", "too_many"),
        ({"reason": " \n"}, "reason", "missing"),
        ({"reason": "長" * 1001}, "reason", "too_long"),
        ({"review_after_min": 4}, "review_after_min", "out_of_range"),
        ({"review_after_min": 1441}, "review_after_min", "out_of_range"),
        (
            {"expected_arrival_at": START, "kind": OrderKind.EMERGENCY_SAFETY},
            "expected_arrival_at",
            "not_for_this_hazard",
        ),
        (
            {"expected_arrival_at": START, "hazard": HazardKind.LARGE_FIRE},
            "expected_arrival_at",
            "not_for_this_hazard",
        ),
        ({"texts_free": {"xx": "a"}}, "texts_free", "unknown_language"),
        ({"texts_free": {"en": "Leave now."}}, "texts_free.ja", "missing"),
        ({"texts_free": {"ja": "長" * 301}}, "texts_free.ja", "too_long"),
        ({"texts_free": {"ja": "避難勧告を出しました。"}}, "texts_free.ja", "wording"),
        ({"texts_free": {"ja": "これは訓練です。"}}, "texts_free.ja", "wording"),
    ],
)
def test_bad_input_names_its_field_and_what_is_wrong(
    changes: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(flood(**changes))
    assert (caught.value.field, caught.value.problem) == (field, problem)


def test_a_level_in_a_tsunami_sentence_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(tsunami(texts_free={"ja": "警戒レベル4です。"}))
    assert caught.value.problem == "wording"
    assert "警戒レベル4" in caught.value.detail or "レベル4" in caught.value.detail


@pytest.mark.parametrize("kind", [OrderKind.ELDERLY_ETC, OrderKind.EVACUATE])
def test_an_order_with_a_level_may_name_when_level_4_is_expected(kind: OrderKind) -> None:
    assert checked(flood(kind=kind, expected_arrival_at=START)).expected_arrival_at == START


def test_an_arrival_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(tsunami(expected_arrival_at=datetime(2026, 11, 23, 15, 0)))  # noqa: DTZ001 - that is the point
    assert (caught.value.field, caught.value.problem) == ("expected_arrival_at", "no_time_zone")


def test_a_drill_may_say_that_it_is_one() -> None:
    form = checked(flood(texts_free={"ja": "訓練に参加してください。"}), Realm.DRILL)
    assert form.texts_free == {"ja": "訓練に参加してください。"}


@given(st.integers(0, 3), st.booleans())
def test_one_area_is_the_same_decision_however_it_was_drawn(turn: int, backwards: bool) -> None:
    ring = list(square()[0][0][:4])
    drawn = ring[turn:] + ring[:turn]
    if backwards:
        drawn.reverse()
    once = checked(flood(area=area(polygons_e7_lonlat=((tuple(drawn),),)))).area
    again = checked(flood()).area
    assert once == again
    first, *_, last = once.polygons_e7_lonlat[0][0]
    assert first == last


@given(st.text(max_size=40))
def test_plain_text_is_one_line_and_stays_what_it_is(text: str) -> None:
    once = plain_text(text)
    assert plain_text(once) == once
    assert not set(once) & {"\n", "\r", "\t", "\u202e", "\u2066", "\x00"}
    assert once == once.strip()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (flood(), "洪水 警戒レベル4 避難指示 若林区荒浜"),
        (flood(kind=OrderKind.ELDERLY_ETC), "洪水 警戒レベル3 高齢者等避難 若林区荒浜"),
        (flood(kind=OrderKind.EMERGENCY_SAFETY), "洪水 警戒レベル5 緊急安全確保 若林区荒浜"),
        (flood(kind=OrderKind.NOTICE), "洪水 お知らせ 若林区荒浜"),
        (tsunami(), "大津波警報 避難指示 津波避難エリア1"),
        (
            tsunami(area=area(names=("津波避難エリア1", "津波避難エリア2"))),
            "大津波警報 避難指示 津波避難エリア1・津波避難エリア2",
        ),
        (flood(hazard=HazardKind.LARGE_FIRE), "大規模な火事 避難指示 若林区荒浜"),
        (flood(area=area(names=("荒浜", "井土", "藤塚"))), "洪水 警戒レベル4 避難指示 荒浜ほか2区域"),
    ],
)
def test_the_words_name_what_and_where(form: DraftForm, words: str) -> None:
    assert confirmation_words(alert_of(form)) == words
    assert confirmation_words(alert_of(form, Realm.DRILL)) == f"訓練 {words}"


def test_the_words_of_issue_lift_and_recall_differ() -> None:
    alert = alert_of(flood())
    lift = msgspec.structs.replace(alert, act=Act.LIFT)
    assert confirmation_words(lift) == "解除 洪水 警戒レベル4 避難指示 若林区荒浜"
    assert confirmation_words(alert, Act.RECALL) == "取消 洪水 警戒レベル4 避難指示 若林区荒浜"
    with pytest.raises(ConfirmationMismatch):
        confirm(alert, confirmation_words(lift))


@given(st.sampled_from(Realm), st.sampled_from(Realm), st.sampled_from(Act), st.sampled_from(Act))
def test_words_release_their_own_side_and_act_only(one: Realm, other: Realm, act: Act, wanted: Act) -> None:
    alert = msgspec.structs.replace(alert_of(flood(), one), act=act)
    typed = confirmation_words(msgspec.structs.replace(alert_of(flood(), other), act=wanted))
    issues = {Act.ISSUE, Act.UPDATE}
    same_act = act is wanted or {act, wanted} <= issues
    if one is other and same_act:
        confirm(alert, typed)
    else:
        with pytest.raises(ConfirmationMismatch):
            confirm(alert, typed)


def test_a_hole_of_no_size_left_by_joining_neighbours_is_dropped() -> None:
    outline = square()[0][0]
    sliver = ((1409850000, 382150000), (1409850001, 382150000), (1409850000, 382150000))
    joined = checked(flood(area=area(polygons_e7_lonlat=((outline, sliver),)))).area
    assert joined == checked(flood()).area


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (tsunami(), "警戒レベル4の区域"),
        (flood(), "避難勧告の区域"),
        (flood(), "避難\u200c勧告の区域"),
        (flood(), "訓練区域"),
        (flood(), "荒浜はもう安全です"),
    ],
)
def test_the_name_of_an_area_keeps_the_wording_rules_as_every_other_word(form: DraftForm, name: str) -> None:
    """It stands in the headline and in every notification."""
    with pytest.raises(InvalidInput) as caught:
        checked(msgspec.structs.replace(form, area=area(names=("若林区荒浜", name))))
    assert (caught.value.field, caught.value.problem) == ("area.names", "wording")


def test_a_drill_may_name_an_area_as_a_live_order_would() -> None:
    assert checked(flood(), Realm.DRILL).area.names == AREA.names


@pytest.mark.parametrize(
    "hidden", ["避難\u200b勧告が出ました。", "避難\u2060勧告", "避難\u00ad勧告", "避難\u200d勧告"]
)
def test_a_forbidden_word_is_found_though_something_invisible_stands_in_it(hidden: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(flood(texts_free={"ja": hidden}))
    assert caught.value.problem == "wording"


def test_invisible_characters_are_dropped_except_those_that_nepali_is_written_with() -> None:
    assert plain_text("橋は\u200b通れ\ufeffません\u2060。") == "橋は通れません。"
    assert plain_text("गर्\u200dयो") == "गर्\u200dयो"
