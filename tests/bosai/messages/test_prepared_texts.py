"""Prepared sentences and the times 気象庁 expects: in nine languages, within the wording rules, none of our own."""

from datetime import timedelta

import msgspec
import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, text
from bosai.messages.notices import foretold_now, is_foretold, prepared
from bosai.messages.orders import OrderTexts
from bosai.messages.wording import check_wording
from bosai.model.alert import Act, AlertRecord, OrderKind, level_of
from bosai.model.realm import Realm
from bosai.services.order_rules import LEGAL_KINDS, MAX_FREE_TEXT_LENGTH
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from geodata.hazards import HazardKind
from shelters.model import Action
from tests.bosai.messages.examples import NOW, instruction, record

RULES = rules_of(load_settings())
NAMED = [
    pytest.param(rule.hazard, step.kind, step.texts, id=f"{rule.name}-{step.kind}")
    for rule in RULES.rules
    for step in (*rule.steps.values(), rule.happened)
    if step is not None and step.texts
]
AT, SAID = NOW + timedelta(hours=3), NOW - timedelta(minutes=5)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("hazard", "kind", "name"), NAMED)
def test_every_text_the_table_names_may_be_released_in_every_language(
    hazard: HazardKind, kind: OrderKind, name: str, lang: str
) -> None:
    sentence = prepared(name)[lang]
    assert 0 < len(sentence) <= MAX_FREE_TEXT_LENGTH
    level = level_of(hazard, kind)
    assert (
        check_wording(
            sentence,
            lang,
            hazard=hazard,
            level=int(level) if level else None,
            realm=Realm.LIVE,
            issuer="city",
        )
        == []
    )


def test_no_text_is_prepared_under_a_name_nobody_wrote() -> None:
    assert prepared("") == {}
    assert prepared("volcano") == {}


def test_every_kind_the_table_proposes_may_be_issued_for_its_hazard() -> None:
    for rule in RULES.rules:
        for step in (*rule.steps.values(), *([rule.happened] if rule.happened else [])):
            assert step.kind is None or step.kind in LEGAL_KINDS[rule.hazard]


# ---- when level 4 is expected --------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_the_order_names_the_time_with_its_date_and_jma_as_its_issuer(lang: str) -> None:
    def body(**foretold: object) -> str:
        written = OrderTexts().for_order(
            Realm.LIVE,
            Act.ISSUE,
            HazardKind.LANDSLIDE,
            OrderKind.ELDERLY_ETC,
            None,
            ("仙台市東部",),
            free={},
            at=NOW,
            **foretold,  # type: ignore[arg-type]
        )
        return written[lang].body

    assert "気象庁" in body(expected_at=AT, announced_at=SAID)
    assert "11/23 17:" in body(expected_at=AT, announced_at=SAID)
    assert body(expected_at=AT) != body(expected_at=AT, announced_at=SAID)
    assert "17:" not in body()


@pytest.mark.parametrize("lang", LANGS)
def test_an_order_written_after_that_time_says_that_it_has_passed(lang: str) -> None:
    written = OrderTexts().for_order(
        Realm.LIVE,
        Act.ISSUE,
        HazardKind.LANDSLIDE,
        OrderKind.ELDERLY_ETC,
        None,
        ("仙台市東部",),
        free={},
        at=AT,
        expected_at=AT,
        announced_at=SAID,
    )
    body = written[lang].body
    assert text("notices.level4_passed", lang, time="11/23 17:06") in body
    assert text("notices.leave_by", lang) not in body


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("left", [timedelta(hours=3), timedelta(0), -timedelta(hours=1)])
@pytest.mark.parametrize("prepares", [True, False, None])
@pytest.mark.parametrize("said_at", [SAID, None])
def test_what_each_hears_of_the_time_keeps_the_wording_rules(
    lang: str, left: timedelta, prepares: bool | None, said_at: object
) -> None:
    said = foretold_now(lang, NOW + left, said_at, NOW, prepares=prepares)  # type: ignore[arg-type]
    for sentence in said:
        for issuer in ("city", "service", "jma"):
            found = check_wording(
                sentence, lang, hazard=HazardKind.LANDSLIDE, level=4, realm=Realm.LIVE, issuer=issuer
            )
            assert found == []
    if left <= timedelta(0):
        time = "14:06" if left == timedelta(0) else "13:06"
        assert said == [text("notices.level4_passed", lang, time=time)]
    else:
        assert len(said) == (1 if prepares is None else 2)


def ordered(kind: OrderKind = OrderKind.ELDERLY_ETC, **changes: object) -> AlertRecord:
    found = record(order=(HazardKind.LANDSLIDE, kind, None))
    facts = {"expected_arrival_at": AT, "announced_at": SAID} | changes
    return msgspec.structs.replace(found, alert=msgspec.structs.replace(found.alert, **facts))


def told(found: AlertRecord, action: Action, lang: str = "ja", later: timedelta = timedelta(0)) -> str:
    return render_advice(instruction(action=action), found, Realm.LIVE, lang, now=NOW + later).body


def test_who_goes_is_told_to_be_there_before_and_who_prepares_to_be_ready() -> None:
    assert "17:06ごろから警戒レベル4相当" in told(ordered(), Action.GO)
    assert "（14:01発表）" in told(ordered(), Action.GO)
    assert "それまでに避難を終えて" in told(ordered(), Action.GO)
    assert "それまでに避難できるように準備" in told(ordered(), Action.PREPARE)
    stays = told(ordered(), Action.STAY)
    assert "警戒レベル4相当" in stays
    assert "それまでに" not in stays


def test_a_time_that_has_passed_is_said_to_have_passed() -> None:
    later = told(ordered(), Action.GO, later=timedelta(hours=4))
    assert "予想した時刻（17:06ごろ）を過ぎています" in later
    assert "それまでに" not in later


def test_without_a_time_of_jmas_nothing_is_foretold() -> None:
    assert "予想" not in told(ordered(expected_arrival_at=None), Action.GO)


def test_at_level_5_and_for_hazards_without_levels_nothing_is_foretold() -> None:
    assert "予想" not in told(ordered(OrderKind.EMERGENCY_SAFETY), Action.UP)
    assert not is_foretold(HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION)
    assert not is_foretold(HazardKind.LARGE_FIRE, OrderKind.EVACUATE)
    assert not is_foretold(HazardKind.LANDSLIDE, OrderKind.NOTICE)
