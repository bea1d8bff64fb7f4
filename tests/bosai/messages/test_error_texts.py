"""Every error has a sentence and a mend, in every language."""

import ast
from pathlib import Path

import pytest

from bosai import errors
from bosai.errors import BodyTooLarge, BosaiError, InvalidInput, SameOfficer, TooManyTries
from bosai.messages.catalogue import LANGS, has_text
from bosai.messages.error_texts import _DOMAINS as DOMAINS
from bosai.messages.error_texts import _SAME_PROBLEM as SAME_PROBLEM
from bosai.messages.error_texts import error_text, field_name

EXAMPLES = {
    "str": "x",
    "int": 5,
    int: 5,
    str: "x",
}


def every_error() -> list[BosaiError]:
    from dataclasses import fields

    return [kind(**{one.name: EXAMPLES[one.type] for one in fields(kind)}) for kind in errors.OUTCOMES]


@pytest.mark.parametrize("lang", LANGS)
def test_every_error_has_a_title_and_a_mend(lang: str) -> None:
    for error in every_error():
        words = error_text(error, lang)
        assert words.title
        assert words.mend
        assert "{" not in words.title + words.detail + words.mend


def test_an_error_of_its_own_code_is_not_read_as_a_fault_of_ours() -> None:
    internal = error_text(BosaiError(), "ja").title
    spoken = {type(error) for error in every_error() if error_text(error, "ja").title != internal}
    assert spoken == set(errors.OUTCOMES) - {BosaiError}


def test_bad_input_names_the_field_and_the_mend() -> None:
    words = error_text(InvalidInput("places[0].lon", "outside_city"), "ja")
    assert "経度（1）" in words.detail
    assert "仙台市" in words.detail
    assert "経度（1）" in words.mend


def test_a_problem_nobody_foresaw_is_still_told() -> None:
    words = error_text(InvalidInput("places[0].colour", "too_green", "only blue"), "en")
    assert "too_green" in words.detail
    assert "only blue" in words.detail


def test_figures_are_those_a_person_can_use() -> None:
    assert "900" in error_text(TooManyTries(retry_after_s=900), "en").mend
    assert "64" in error_text(BodyTooLarge(limit_bytes=65536), "ja").mend


def test_officers_errors_fall_back_to_english_where_they_are_not_translated() -> None:
    assert error_text(SameOfficer("sato"), "vi") == error_text(SameOfficer("sato"), "en")
    assert error_text(SameOfficer("sato"), "ja-x-easy") == error_text(SameOfficer("sato"), "ja")


def test_a_field_without_a_word_keeps_its_name() -> None:
    assert field_name("colour", "ja") == "colour"
    assert field_name("[2].colour", "ja") == "colour（3）"


def test_a_field_in_a_field_is_named_by_the_outer_one() -> None:
    assert field_name("texts_free.vi", "ja") == "自由文（vi）"
    assert field_name("places[2].colour", "ja") == "場所（3・colour）"
    assert field_name("push.endpoint", "ja") == "通知の登録（endpoint）"


def test_every_problem_the_code_names_has_its_sentence() -> None:
    unsaid = {
        problem
        for problem in problems_named_in_code()
        if not any(
            has_text(f"{domain}.problem.{SAME_PROBLEM.get(problem, problem)}", "ja") for domain in DOMAINS
        )
    }
    assert unsaid == set()


def problems_named_in_code() -> set[str]:
    """Every second argument of an `InvalidInput(…)` that is written out."""
    calls = (
        node
        for path in sorted(Path(errors.__file__).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InvalidInput"
    )
    said = (call.args[1] for call in calls if len(call.args) > 1)
    return {one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@pytest.mark.parametrize("lang", LANGS)
def test_a_sentence_of_its_own_stands_without_the_code_word_of_our_tables(lang):
    shown = error_text(InvalidInput("file", "other", "市域にかかる区域がありません。"), lang).detail
    assert "市域にかかる区域がありません。" in shown
    assert "other" not in shown
