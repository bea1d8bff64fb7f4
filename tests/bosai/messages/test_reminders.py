"""The quiet reminder: silent, under the tag of what it repeats, and worded by the rules in every language."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, text
from bosai.messages.reminders import reminder_payload, render_reminder
from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.instruction import REMINDERS, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.push.payload_limits import PLAINTEXT_BYTES
from shelters.model import Action
from tests.bosai.messages.examples import EDGE, NOW, ORDERS, SCHOOL, instruction, record

LONG = "仙台市若林区荒浜地区および仙台市若林区井土地区および仙台市若林区種次地区一帯"


def reminder(action: Action | None = Action.GO, to=SCHOOL, **changes) -> Instruction:
    one = instruction(MessageKind.STILL_IN_FORCE, action, to, None, incident=f"{REMINDERS}inc1")
    made = msgspec.structs.replace(one, seq=5, repeats_seq=3, since=NOW - timedelta(hours=3))
    return msgspec.structs.replace(made, **changes)


def sent(one: Instruction, realm: Realm = Realm.LIVE, lang: str = "ja", **how) -> dict:
    how = {"record": record(realm), "now": NOW, "receipt_token": "t", "tag": "g" * 22, **how}
    return json.loads(reminder_payload(one, how.pop("record"), realm, lang, **how))


@pytest.mark.parametrize("realm", Realm)
def test_a_reminder_makes_no_sound_and_replaces_what_it_repeats(realm: Realm) -> None:
    message = sent(reminder(), realm)
    shown, ours = message["notification"], message["bosai"]
    assert (shown["silent"], shown["renotify"], shown["requireInteraction"]) == (True, False, False)
    assert (shown["tag"], shown["navigate"]) == ("g" * 22, f"{realm.path_prefix}/advice?i=inc1&s=3")
    assert (ours["incident"], ours["seq"], ours["kind"], ours["ended"]) == (
        "inc1",
        3,
        "still_in_force",
        False,
    )
    assert (message["web_push"], message["mutable"], ours["urgent"]) == (8030, True, False)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_reminder_keeps_the_wording_rules_in_every_season(lang: str, realm: Realm, order) -> None:
    about = record(realm, order)
    action = Action.UP if about.alert.level == 5 else Action.GO
    for month in range(1, 13):
        now = datetime(2026, month, 5, 5, 0, tzinfo=UTC)
        words = render_reminder(reminder(action), about, realm, lang, now=now)
        for one in (words.title, words.body, words.short_body):
            broken = check_wording(
                one, lang, hazard=order[0], level=about.alert.level, realm=realm, issuer="service"
            )
            assert broken == [], one
        assert check_drill_end(words.body, realm) == []


def test_a_reminder_says_since_when_what_stays_forbidden_where_to_and_what_a_long_wait_needs() -> None:
    body = sent(reminder())["notification"]["body"]
    for said in (
        "11:06から続いています",
        "川や海に近づかないで",
        "「七郷小学校」",
        "寒さ",
        "トイレ",
        "案内：",
        "解除",
        "仙台市",
        "発令",
    ):
        assert said in body
    assert "暑さ" not in body and "徒歩" not in body


def test_heat_is_named_from_june_to_september_and_cold_from_november_to_march() -> None:
    def said(month: int) -> tuple[bool, bool]:
        now = datetime(2026, month, 15, tzinfo=UTC)
        body = render_reminder(reminder(), record(), Realm.LIVE, "ja", now=now).body
        return "暑さ" in body, "寒さ" in body

    hot = [month for month in range(1, 13) if said(month)[0]]
    cold = [month for month in range(1, 13) if said(month)[1]]
    assert (hot, cold) == ([6, 7, 8, 9], [1, 2, 3, 11, 12])


@pytest.mark.parametrize(("action", "to"), [(Action.UP, None), (Action.STAY, SCHOOL), (Action.INLAND, EDGE)])
def test_where_no_site_is_gone_to_none_is_named(action: Action, to) -> None:
    body = render_reminder(reminder(action, to), record(), Realm.LIVE, "ja", now=NOW).body
    assert "避難先" not in body


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("action", [Action.UP, Action.STAY, Action.INLAND])
def test_what_to_do_stands_in_it_where_no_site_does_for_it_replaces_what_said_so(
    lang: str, action: Action
) -> None:
    words = render_reminder(reminder(action, None), record(), Realm.LIVE, lang, now=NOW)
    said = text(f"advice.action.{action.value}", lang)
    assert said in words.body and said in words.short_body


def test_nobody_who_stays_inside_is_told_to_rest_in_the_shade() -> None:
    august = datetime(2026, 8, 5, 5, 0, tzinfo=UTC)
    for action, is_outside in ((Action.UP, False), (Action.STAY, False), (Action.INLAND, True)):
        words = render_reminder(reminder(action, None), record(), Realm.LIVE, "ja", now=august)
        assert ("日かげ" in words.body) is is_outside


@pytest.mark.parametrize("lang", LANGS)
def test_a_reminder_fits_in_every_language_with_long_names(lang: str) -> None:
    about = record(Realm.DRILL, names=(LONG, LONG))
    far = msgspec.structs.replace(SCHOOL, name=LONG)
    one = reminder(to=far)
    for short in (False, True):
        made = reminder_payload(
            one, about, Realm.DRILL, lang, now=NOW, receipt_token="t" * 200, tag="g" * 22, short=short
        )
        assert len(made) <= (2048 if short else PLAINTEXT_BYTES)


@pytest.mark.parametrize("kind", [one for one in MessageKind if one is not MessageKind.STILL_IN_FORCE])
def test_only_a_reminder_is_worded_as_one(kind: MessageKind) -> None:
    with pytest.raises(ValueError, match=kind.value):
        render_reminder(instruction(kind), record(), Realm.LIVE, "ja", now=NOW)


def test_every_language_says_it_in_its_own_words() -> None:
    said = [render_reminder(reminder(), record(), Realm.LIVE, one, now=NOW).title for one in LANGS]
    assert len(set(said)) == len(LANGS)
    assert text("reminders.title", "ja") in said[0]


@pytest.mark.parametrize("lang", LANGS)
def test_an_order_names_the_towns_of_other_places_inside_and_keeps_the_wording_rules(lang: str) -> None:
    plain, named, unknown = (
        render_advice(msgspec.structs.replace(instruction(), also=also), record(), Realm.LIVE, lang, now=NOW)
        for also in ((), ("宮城野区蒲生", "若林区種次"), ("",))
    )
    assert "宮城野区蒲生" in named.body and "若林区種次" in named.body and "蒲生" not in plain.body
    assert len(unknown.body) > len(plain.body) and set(unknown.notes) > set(plain.notes)
    for one in (named.body, unknown.body):
        assert (
            check_wording(one, lang, hazard=ORDERS[2][0], level=None, realm=Realm.LIVE, issuer="service")
            == []
        )


@pytest.mark.parametrize("lang", LANGS)
def test_who_is_at_the_full_site_already_is_told_to_ask_the_staff_there(lang: str) -> None:
    one = msgspec.structs.replace(instruction(MessageKind.REDIRECT), full_site="蒲町小学校")
    said = render_advice(one, record(), Realm.LIVE, lang, now=NOW)
    assert "「蒲町小学校」" in said.body and "「蒲町小学校」" in " ".join(said.notes)
    assert (
        check_wording(said.body, lang, hazard=ORDERS[2][0], level=4, realm=Realm.LIVE, issuer="service") == []
    )
    order = msgspec.structs.replace(one, message=MessageKind.ORDER)
    assert "蒲町小学校" not in render_advice(order, record(), Realm.LIVE, lang, now=NOW).body
