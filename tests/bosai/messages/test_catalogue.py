"""The nine catalogues say the same things, fill the same blanks, and keep the wording rules."""

import re
from string import Formatter

import pytest

from bosai.errors import BosaiError
from bosai.messages.catalogue import (
    DOMAINS,
    LANGS,
    LOCALE_DIR,
    STAFF_DOMAIN,
    UnknownText,
    html_lang,
    is_draft,
    text,
    texts,
)
from bosai.messages.wording import check_wording
from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from shelters.model import Action, ReasonCode

DRILL_KEYS = {"terms.drill", "terms.drill_end", "resident.drill_banner"}


LATIN_WORD = re.compile(r"(?<![{\w])[a-z]{4,}(?![\w}])")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("lang", LANGS)
def test_every_language_has_the_same_keys(lang: str) -> None:
    mine = {key for key in texts(lang) if not key.startswith(STAFF_DOMAIN)}
    japanese = {key for key in texts("ja") if not key.startswith(STAFF_DOMAIN)}
    assert mine == japanese


@pytest.mark.parametrize("lang", LANGS)
def test_every_sentence_has_the_placeholders_of_the_japanese_one(lang: str) -> None:
    different = {
        key: words
        for key, words in texts(lang).items()
        if placeholders(words) != placeholders(texts("ja")[key])
    }
    assert different == {}


@pytest.mark.parametrize("lang", LANGS)
def test_no_sentence_is_empty_or_left_in_english(lang: str) -> None:
    assert [key for key, words in texts(lang).items() if not words.strip()] == []
    if lang == "en":
        return
    same = [
        key
        for key, words in texts(lang).items()
        if not key.startswith(STAFF_DOMAIN) and words == texts("en")[key] and LATIN_WORD.search(words)
    ]
    assert same == []


@pytest.mark.parametrize("lang", LANGS)
def test_no_sentence_breaks_a_wording_rule(lang: str) -> None:
    broken = [
        (key, one)
        for key, words in texts(lang).items()
        if key not in DRILL_KEYS and not key.startswith(STAFF_DOMAIN)
        for one in check_wording(words, lang, hazard=None, level=None, realm=Realm.LIVE, issuer="page")
    ]
    assert broken == []


@pytest.mark.parametrize("lang", LANGS)
def test_every_reason_and_action_has_its_sentence(lang: str) -> None:
    assert [one for one in ReasonCode if f"advice.reason.{one}" not in texts(lang)] == []
    assert [one for one in Action if f"advice.action.{one}" not in texts(lang)] == []
    ended = (MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA)
    assert [one for one in ended if f"advice.action.{one}" not in texts(lang)] == []


def test_only_japanese_is_confirmed_so_far() -> None:
    assert [lang for lang in LANGS if not is_draft(lang)] == ["ja"]


def test_every_catalogue_file_is_one_that_is_read() -> None:
    names = {path.stem for path in LOCALE_DIR.glob("*/*.po")}
    assert names == {*DOMAINS, STAFF_DOMAIN}
    assert {path.name for path in LOCALE_DIR.iterdir()} == set(LANGS)


def test_an_unknown_key_an_unfilled_blank_and_an_unknown_language_are_faults_of_ours() -> None:
    with pytest.raises(UnknownText):
        text("advice.no_such_sentence", "ja")
    with pytest.raises(UnknownText, match="distance"):
        text("advice.walk", "ja", minutes=3)
    with pytest.raises(BosaiError):
        text("advice.until", "tlh")


def test_braces_in_a_fact_are_not_a_placeholder() -> None:
    assert "{city}" in text("resident.search.none", "ja", q="{city}")


def test_easy_japanese_is_japanese_to_a_screen_reader() -> None:
    assert html_lang("ja-x-easy") == "ja"
    assert html_lang("zh-Hant") == "zh-Hant"
