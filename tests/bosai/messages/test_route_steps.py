"""Steps of a way and classes of hazard maps as sentences: every code in every language, with Japanese names marked."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.messages.catalogue import LANGS, UnknownText
from bosai.messages.measures import COMPASS
from bosai.messages.route_steps import (
    Arrival,
    Ground,
    Turn,
    approach_text,
    arrival_text,
    step_text,
    total_text,
    walked_text,
)
from bosai.messages.wording import check_wording
from bosai.model.realm import Realm
from geodata.hazards import HazardKind

ENGLISH = re.compile(
    r"\b(turn|go|bear|straight|road|stairs|bridge|arrive|walk|about|left|right)\b", re.IGNORECASE
)


def every_step(lang: str) -> list[str]:
    steps = [
        step_text(turn, ground, 234.5, lang=lang, compass=compass, name=name).text
        for turn, ground, name in product(Turn, Ground, ("", "広瀬通"))
        for compass in (COMPASS if turn is Turn.START else ("",))
    ]
    ends = [arrival_text(one, "荒浜小学校", lang=lang, gap_m=gap).text for one in Arrival for gap in (0, 40)]
    approach = approach_text(40, lang=lang)
    assert approach is not None
    return [*steps, *ends, approach.text, total_text(1234, 21, lang=lang)]


@pytest.mark.parametrize("lang", LANGS)
def test_every_code_has_words_that_keep_the_wording_rules(lang):
    for words in every_step(lang):
        assert words.strip() == words and words
        assert "{" not in words
        for hazard, level in ((HazardKind.TSUNAMI, None), (HazardKind.FLOOD, 4), (None, None)):
            broken = check_wording(
                words, lang, hazard=hazard, level=level, realm=Realm.LIVE, issuer="service"
            )
            assert broken == [], words


@pytest.mark.parametrize("lang", [one for one in LANGS if one != "en"])
def test_no_other_language_is_left_in_english(lang):
    assert [words for words in every_step(lang) if ENGLISH.search(words)] == []


@pytest.mark.parametrize("lang", LANGS)
def test_each_turn_and_each_ground_is_told_apart(lang):
    turns = [step_text(one, Ground.ROAD, 100, lang=lang, compass="north").text for one in Turn]
    assert len(set(turns)) == len(Turn)
    grounds = [step_text(Turn.LEFT, one, 100, lang=lang).text for one in Ground]
    assert len(set(grounds)) == len(Ground)
    assert len({step_text(Turn.START, Ground.ROAD, 9, lang=lang, compass=one).text for one in COMPASS}) == 8
    assert len({arrival_text(one, "荒浜小学校", lang=lang).text for one in Arrival}) == len(Arrival)


@pytest.mark.parametrize("lang", LANGS)
def test_a_name_is_said_as_it_stands_on_the_sign_and_marked_as_japanese(lang):
    step = step_text(Turn.RIGHT, Ground.ROAD, 350, lang=lang, name="広瀬通")
    assert [words for words, is_name in step.parts() if is_name] == ["広瀬通"]
    assert "".join(words for words, _ in step.parts()) == step.text
    end = arrival_text(Arrival.LEFT, "荒浜小学校", lang=lang)
    assert ("荒浜小学校", True) in end.parts()


@pytest.mark.parametrize("lang", LANGS)
def test_named_stairs_and_bridges_still_say_what_they_are(lang):
    for ground in (Ground.STAIRS, Ground.BRIDGE, Ground.TUNNEL, Ground.UNDERPASS):
        unnamed = step_text(Turn.LEFT, ground, 50, lang=lang).text
        named = step_text(Turn.LEFT, ground, 50, lang=lang, name="仙台大橋").text
        assert "仙台大橋" in named
        assert len(named) > len(unnamed)


def test_a_start_without_a_direction_is_a_fault_of_ours():
    with pytest.raises(UnknownText):
        step_text(Turn.START, Ground.ROAD, 10, lang="ja")


def test_japanese_reads_as_a_person_would_say_it():
    assert (
        step_text(Turn.RIGHT, Ground.ROAD, 351, lang="ja", name="広瀬通").text
        == "右に曲がり、広瀬通を350m進む"
    )
    assert step_text(Turn.START, Ground.STAIRS, 24, lang="ja", compass="west").text == "西へ、階段を20m進む"
    assert arrival_text(Arrival.RIGHT, "荒浜小学校", lang="ja", gap_m=42).text == (
        "「荒浜小学校」に着く（右側）、道から約40mの所"
    )
    assert approach_text(9, lang="ja") is None


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
