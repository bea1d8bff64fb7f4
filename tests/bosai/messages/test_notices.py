"""What an お知らせ says: the words that were written, and for a tsunami class the same guidance as an order gives."""

from datetime import timedelta

import msgspec
import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS
from bosai.messages.payload import payload
from bosai.messages.reminders import render_reminder
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.gravity import gravest_first
from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from shelters.model import Action
from tests.bosai.messages.examples import EDGE, NOW, instruction, record

CALL = (HazardKind.TSUNAMI, OrderKind.NOTICE, TsunamiClass.WARNING)
ORDER = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING)
SHAKING = (HazardKind.EARTHQUAKE, OrderKind.NOTICE, None)
SAID = {"ja": "強い揺れがありました。落ち着いて身を守ってください。", "en": "There was strong shaking."}


def announced(order: tuple[HazardKind, OrderKind, TsunamiClass | None], act: Act = Act.ISSUE) -> AlertRecord:
    found = record(order=order, act=act)
    alert = msgspec.structs.replace(found.alert, announced_at=NOW - timedelta(minutes=1))
    return msgspec.structs.replace(found, alert=alert)


def test_a_notice_of_a_tsunami_class_says_that_jma_announced_it_and_never_that_anybody_ordered() -> None:
    for lang in LANGS:
        found = announced(CALL)
        words = render_advice(instruction(), found, Realm.LIVE, lang, now=NOW)
        everything = "".join(
            (words.title, words.body, words.order, words.order_body, words.issuer_line, words.short_body)
        )
        assert "発令" not in everything and "避難指示" not in everything, everything
        assert "気象庁" in words.issuer_line and "14:05" in words.issuer_line, words.issuer_line


def test_in_japanese_it_reads_as_one_would_say_it() -> None:
    words = render_advice(instruction(), announced(CALL), Realm.LIVE, "ja", now=NOW)
    assert words.title == "【津波警報】すぐ高い所へ"
    assert words.order == "【津波警報】（気象庁発表）お知らせ 若林区荒浜、若林区井土"
    assert words.order_body.startswith("気象庁が津波警報を発表しました。仙台市から")
    assert words.issuer_line == "気象庁 14:05発表。お知らせ：仙台市 14:06。"


@pytest.mark.parametrize("lang", LANGS)
def test_it_says_that_it_is_jmas_also_where_nobody_knows_the_time(lang: str) -> None:
    words = render_advice(instruction(), record(order=CALL), Realm.LIVE, lang, now=NOW)
    assert "気象庁" in words.issuer_line and "14:06" in words.issuer_line
    assert words.issuer_line in words.body and words.issuer_line in words.short_body


@pytest.mark.parametrize("tsunami_class", TsunamiClass)
@pytest.mark.parametrize("lang", LANGS)
def test_it_asks_for_the_same_as_the_order_of_that_class(lang: str, tsunami_class: TsunamiClass) -> None:
    for action, destination in ((Action.INLAND, EDGE), (Action.REFUGE, instruction().destination)):
        told = instruction(action=action, destination=destination)
        call, order = ((*one[:2], tsunami_class) for one in (CALL, ORDER))
        ours = render_advice(told, record(order=call), Realm.LIVE, lang, now=NOW)
        theirs = render_advice(told, record(order=order), Realm.LIVE, lang, now=NOW)
        assert (ours.title, ours.do, ours.action) == (theirs.title, theirs.do, theirs.action)
        assert ours.urgent


@pytest.mark.parametrize("lang", LANGS)
def test_its_end_is_the_notices_end_and_not_the_warnings(lang: str) -> None:
    for order in (CALL, SHAKING):
        ended = instruction(MessageKind.LIFTED, None, None, None)
        words = render_advice(ended, record(order=order, act=Act.LIFT), Realm.LIVE, lang, now=NOW)
        everything = "".join((words.title, words.body, words.order, words.order_body, words.action))
        assert "解除" not in everything, everything
        assert "終了" in words.title or lang == "zh-Hans", words.title
    japanese = render_advice(
        instruction(MessageKind.LIFTED, None, None, None),
        record(order=CALL, act=Act.LIFT),
        Realm.LIVE,
        "ja",
        now=NOW,
    )
    assert japanese.title == "【終了】お知らせ（津波警報）"
    assert "津波警報が続いているかは、気象庁の発表で確かめてください。" in japanese.body


def test_a_reminder_of_it_does_not_wait_for_a_lift_that_nobody_will_make() -> None:
    told = instruction(MessageKind.STILL_IN_FORCE, Action.INLAND, EDGE)
    said = render_reminder(told, record(order=CALL), Realm.LIVE, "ja", now=NOW + timedelta(hours=1))
    assert "お知らせ（津波警報）は、14:06から続いています。" in said.body
    assert "「終了」のお知らせまで" in said.body and "解除" not in said.body


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_an_ordinary_notice_carries_its_own_words_in_the_push_and_on_the_page(
    lang: str, realm: Realm
) -> None:
    found = record(realm, SHAKING, free=SAID)
    told = instruction(action=None, destination=None, alternate=None)
    words = render_advice(told, found, realm, lang, now=NOW)
    own = SAID.get(lang, SAID["ja"])
    assert own in words.do and own in words.body and own in words.order_body
    assert words.body.count(own) == 1
    sent = msgspec.json.decode(payload(told, found, realm, lang, now=NOW, receipt_token="r"))
    assert own in sent["notification"]["body"]
    assert own in render_advice(told, found, realm, lang, now=NOW).short_body


def test_a_notice_without_a_sentence_says_at_least_from_whom_to_whom_it_is() -> None:
    told = instruction(action=None, destination=None, alternate=None)
    words = render_advice(told, record(order=SHAKING), Realm.LIVE, "ja", now=NOW)
    assert words.do == "仙台市から若林区荒浜、若林区井土へのお知らせです。"


def test_what_calls_people_from_the_sea_stands_before_every_level() -> None:
    kinds = (SHAKING, (HazardKind.FLOOD, OrderKind.EMERGENCY_SAFETY, None), CALL)
    found = sorted((record(order=one) for one in kinds), key=gravest_first)
    assert [one.alert.kind for one in found] == [kinds[2][1], kinds[1][1], kinds[0][1]]
    assert found[0].alert.is_tsunami_call


def test_only_a_notice_with_a_class_guides_and_only_while_it_stands() -> None:
    assert record(order=CALL).alert.guides_people
    assert not record(order=CALL, act=Act.LIFT).alert.guides_people
    assert not record(order=SHAKING).alert.guides_people
    assert record(order=ORDER).alert.guides_people
