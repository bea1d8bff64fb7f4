"""The two checks say that nothing has happened, in every language and on both sides."""

import json
from datetime import timedelta

import msgspec
import pytest

from bosai.messages.catalogue import LANGS, is_draft, text
from bosai.messages.checks import CHECK_BYTES, check_payload, render_check
from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.instruction import CHECK_INCIDENT, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.services.receipts import receipt_token
from tests.bosai.messages.examples import NOW, instruction

KINDS = [one for one in MessageKind if one.is_check]
SIGNS = {MessageKind.SELF_TEST: "【受信テスト】", MessageKind.MONTHLY_CHECK: "【受信確認】"}
HARMLESS = {
    "ja": "災害の知らせではありません",
    "ja-x-easy": "災害の お知らせでは ありません",
    "en": "not a disaster alert",
    "zh-Hans": "这不是灾害通知",
    "zh-Hant": "這不是災害通知",
    "ko": "재해 알림이 아닙니다",
    "vi": "không phải tin khẩn cấp",
    "ne": "विपद्को सूचना होइन",
    "id": "bukan kabar bencana",
}


def check(kind: MessageKind, seq: int = 7) -> Instruction:
    one = instruction(kind, None, None, None, incident=CHECK_INCIDENT)
    return msgspec.structs.replace(one, seq=seq)


def sent(kind: MessageKind, realm: Realm = Realm.LIVE, lang: str = "ja", **how) -> bytes:
    how = {"now": NOW, "receipt_token": "token", "tag": "g" * 22, **how}
    return check_payload(check(kind), realm, lang, **how)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_check_says_by_its_title_what_it_is_and_that_nothing_has_happened(
    lang: str, kind: MessageKind, realm: Realm
) -> None:
    words = render_check(check(kind), realm, lang, now=NOW)
    opening = "【訓練】" if realm.is_drill else ""
    assert words.title.startswith(opening)
    assert SIGNS[kind] in words.title
    assert realm.is_drill or words.title.startswith(SIGNS[kind])
    assert words.title.endswith(HARMLESS[lang])
    assert text("checks.nothing_to_do", lang) in words.body
    assert words.body.startswith(opening)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_check_keeps_the_wording_rules(lang: str, kind: MessageKind, realm: Realm) -> None:
    words = render_check(check(kind), realm, lang, now=NOW)
    for one in (words.title, words.body, words.short_body):
        assert check_wording(one, lang, hazard=None, level=None, realm=realm, issuer="service") == []
    assert check_drill_end(words.body, realm) == check_drill_end(words.short_body, realm) == []


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_check_fits_into_a_kilobyte_however_old_it_is(lang: str, kind: MessageKind, realm: Realm) -> None:
    token = receipt_token(b"k" * 32, realm, "ab" * 16, CHECK_INCIDENT, 1_000_000)
    for later in (timedelta(0), timedelta(days=3), timedelta(days=400)):
        assert len(sent(kind, realm, lang, now=NOW + later, receipt_token=token)) <= CHECK_BYTES


@pytest.mark.parametrize("lang", LANGS)
def test_a_check_names_who_sends_it_where_the_bytes_suffice(lang: str) -> None:
    guide = text("advice.guide", lang, service=text("terms.service", lang))
    for kind in KINDS:
        assert guide in json.loads(sent(kind, lang=lang))["notification"]["body"]
        assert guide not in json.loads(sent(kind, lang=lang, receipt_token="t" * 500))["notification"]["body"]


@pytest.mark.parametrize("realm", Realm)
def test_the_monthly_check_makes_no_sound_and_the_asked_for_one_does(realm: Realm) -> None:
    asked_for = json.loads(sent(MessageKind.SELF_TEST, realm))["notification"]
    monthly = json.loads(sent(MessageKind.MONTHLY_CHECK, realm))["notification"]
    assert (asked_for["silent"], asked_for["renotify"], asked_for["requireInteraction"]) == (
        False,
        True,
        False,
    )
    assert (monthly["silent"], monthly["renotify"], monthly["requireInteraction"]) == (True, False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_carries_what_the_service_worker_needs_and_opens_the_page_of_its_side(
    kind: MessageKind,
) -> None:
    live, drill = (json.loads(sent(kind, realm)) for realm in Realm)
    assert live["web_push"] == 8030
    assert live["mutable"] is True
    assert live["notification"]["navigate"] == "/check?s=7"
    assert drill["notification"]["navigate"] == "/drill/check?s=7"
    assert "drill" in drill["notification"]["icon"]
    assert live["notification"]["tag"] == "g" * 22
    ours = live["bosai"]
    assert (ours["v"], ours["realm"], ours["incident"], ours["seq"], ours["r"]) == (
        1,
        "live",
        "check",
        7,
        "token",
    )
    assert (ours["kind"], ours["urgent"], ours["ended"]) == (kind.value, False, False)
    assert ours["stale"] - ours["at"] == 3600
    assert drill["bosai"]["realm"] == "drill"


def test_a_check_names_the_time_it_was_asked_for_and_the_day_when_that_is_over() -> None:
    for kind in KINDS:
        today = json.loads(sent(kind))["notification"]["body"]
        assert "14:06" in today
        assert "11/23" not in today
        assert "11/23 14:06" in json.loads(sent(kind, now=NOW + timedelta(days=1)))["notification"]["body"]


def test_no_check_ever_speaks_of_an_order() -> None:
    for kind in KINDS:
        for lang in LANGS:
            said = sent(kind, lang=lang).decode()
            assert all(word not in said for word in ("避難指示", "警報", "警戒レベル", "緊急安全確保"))


@pytest.mark.parametrize("kind", [one for one in MessageKind if not one.is_check])
def test_an_instruction_that_directs_people_is_refused_as_a_check(kind: MessageKind) -> None:
    with pytest.raises(ValueError, match=kind.value):
        sent(kind)


def test_a_notification_never_says_that_its_translation_is_a_draft() -> None:
    for lang in [one for one in LANGS if is_draft(one)]:
        assert text("resident.draft", lang) not in sent(MessageKind.MONTHLY_CHECK, lang=lang).decode()
