"""Steps of a way and classes of hazard maps as sentences: every code in every language, with Japanese names marked."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.messages.catalogue import LANGS, UnknownText
from bosai.messages.route_steps import step_texts, total_text, walked_text, way_text
from bosai.messages.wording import check_wording
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from geodata.route_steps import Compass, Side, Step, StepKind, Turn

ENGLISH = re.compile(
    r"\b(turn|go|bear|straight|road|stairs|bridge|arrive|walk|about|left|right)\b", re.IGNORECASE
)
PLACE = "荒浜小学校"
MOVES = [one for one in Turn if one is not Turn.ARRIVE]


def step(turn: Turn, kind: StepKind = StepKind.ROAD, metres: float = 234.5, **more: Any) -> Step:
    if turn is Turn.START:
        more = {"compass": Compass.WEST} | more
    return Step(turn=turn, kind=kind, metres=metres, effort_m=metres, lon=140.9, lat=38.2, **more)


def said(one: Step, lang: str, place: str = PLACE) -> list[str]:
    return [words.text for words in step_texts(one, place, lang=lang)]


def every_sentence(lang: str) -> list[str]:
    moves = [step(turn, kind, name=name) for turn, kind, name in product(MOVES, StepKind, ("", "広瀬通"))]
    starts = [step(Turn.START, compass=compass, gap_m=40) for compass in Compass]
    ends = [
        step(Turn.ARRIVE, StepKind.OFF_NETWORK, side=side, gap_m=gap)
        for side, gap in product((None, *Side), (0, 40))
    ]
    out = said(ends[0], lang, place="")
    return [
        *out,
        total_text(1234, 21, lang=lang),
        *(words for one in (*moves, *starts, *ends) for words in said(one, lang)),
    ]


@pytest.mark.parametrize("lang", LANGS)
def test_every_code_has_words_that_keep_the_wording_rules(lang):
    for words in every_sentence(lang):
        assert words.strip() == words
        assert words
        assert "{" not in words
        for hazard, level in ((HazardKind.TSUNAMI, None), (HazardKind.FLOOD, 4), (None, None)):
            broken = check_wording(
                words, lang, hazard=hazard, level=level, realm=Realm.LIVE, issuer="service"
            )
            assert broken == [], words


@pytest.mark.parametrize("lang", [one for one in LANGS if one != "en"])
def test_no_other_language_is_left_in_english(lang):
    assert [words for words in every_sentence(lang) if ENGLISH.search(words)] == []


@pytest.mark.parametrize("lang", LANGS)
def test_each_turn_each_ground_each_direction_and_each_side_is_told_apart(lang):
    assert len({said(step(one), lang)[0] for one in MOVES}) == len(MOVES)
    told = [one for one in StepKind if one is not StepKind.UNKNOWN]
    assert len({way_text(one, "", lang) for one in told}) == len(told)
    assert len({said(step(Turn.START, compass=one), lang)[0] for one in Compass}) == len(Compass)
    ends = {said(step(Turn.ARRIVE, side=side), lang)[0] for side in (None, *Side)}
    assert len(ends | set(said(step(Turn.ARRIVE), lang, place=""))) == len(Side) + 2


@pytest.mark.parametrize("lang", LANGS)
def test_a_name_is_said_as_it_stands_on_the_sign_and_marked_as_japanese(lang):
    (words,) = step_texts(step(Turn.RIGHT, name="広瀬通"), PLACE, lang=lang)
    assert [part for part, is_name in words.parts() if is_name] == ["広瀬通"]
    assert "".join(part for part, _ in words.parts()) == words.text
    (end,) = step_texts(step(Turn.ARRIVE, side=Side.LEFT), PLACE, lang=lang)
    assert (PLACE, True) in end.parts()


@pytest.mark.parametrize("lang", LANGS)
def test_named_stairs_and_bridges_still_say_what_they_are(lang):
    for kind in (StepKind.STAIRS, StepKind.BRIDGE, StepKind.TUNNEL, StepKind.UNDERPASS):
        assert way_text(kind, "仙台大橋", lang).startswith("仙台大橋")
        assert way_text(kind, "", lang) in way_text(kind, "仙台大橋", lang)


def test_a_name_that_the_data_has_in_latin_letters_stands_beside_the_sign():
    assert way_text(StepKind.ROAD, "広瀬通", "en", name_en="Hirose-dori") == "広瀬通 (Hirose-dori)"
    assert (
        way_text(StepKind.BRIDGE, "霊屋橋", "vi", name_en="Otamaya Bridge") == "霊屋橋 (Otamaya Bridge, cầu)"
    )
    assert way_text(StepKind.ROAD, "広瀬通", "ja", name_en="Hirose-dori") == "広瀬通"


def test_a_start_without_a_direction_is_a_fault_of_ours():
    with pytest.raises(UnknownText):
        step_texts(step(Turn.START, compass=None), PLACE, lang="ja")


def test_japanese_reads_as_a_person_would_say_it():
    assert said(step(Turn.RIGHT, metres=351, name="広瀬通"), "ja") == ["右に曲がり、広瀬通を350m進む"]
    assert said(step(Turn.START, StepKind.STAIRS, 24, gap_m=9), "ja") == ["西へ、階段を20m進む"]
    assert said(step(Turn.ARRIVE, side=Side.RIGHT, gap_m=42), "ja") == [
        "「荒浜小学校」に着く（右側）、道から約40mの所"
    ]
    assert said(step(Turn.ARRIVE), "ja", place="") == ["区域の外に出る"]


@pytest.mark.parametrize(
    ("metres", "said"),
    [
        (0, "10m"),
        (3, "10m"),
        (14, "10m"),
        (16, "20m"),
        (194, "190m"),
        (196, "200m"),
        (224, "200m"),
        (226, "250m"),
        (974, "950m"),
        (976, "1.0km"),
        (1049, "1.0km"),
        (12_340, "12.3km"),
    ],
)
def test_metres_are_rounded_as_a_walker_counts_them(metres, said):
    assert walked_text(metres) == said


def told(words: str) -> float:
    return float(words.removesuffix("km")) * 1000 if words.endswith("km") else float(words.removesuffix("m"))


@given(st.floats(10, 50_000), st.floats(10, 50_000))
def test_a_longer_way_is_never_told_as_a_shorter_one(one, other):
    shorter, longer = sorted((one, other))
    assert told(walked_text(shorter)) <= told(walked_text(longer))
    assert abs(told(walked_text(one)) - one) <= max(6, 0.13 * one)
