"""Every text of every channel, over hazard × kind × act × language × side, keeps every rule of the wording table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache

import msgspec
import pytest

from bosai.channels.area_mail import area_mail
from bosai.channels.cap import CapFrame, cap_message
from bosai.channels.governor import as_text, report_of
from bosai.channels.loudspeaker import broadcast
from bosai.channels.press import japanese_post, release, translated_post
from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, text
from bosai.messages.notices import prepared
from bosai.messages.orders import OrderTexts
from bosai.messages.wording import check_wording
from bosai.model.alert import Act, AlertRecord
from bosai.model.cap import CapStatus
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.settings import load_settings
from shelters.model import Action
from tests.bosai.messages.examples import NOW, ORDERS, record, situations

CHANNELS = load_settings().channels
WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
FREE = {"ja": "声をかけ合ってください。"}
MANY = (
    *(f"若林区荒町{n}丁目" for n in range(40)),
    *(f"太白区長町{n}丁目" for n in range(9)),
    "津波避難エリア1",
)
FRAME = CapFrame(
    sender="bosai@city.sendai.jp",
    sender_name="仙台市",
    contact="仙台市危機管理局",
    web="https://www.city.sendai.jp/",
    geocodes={},
)
ENDED = {MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA}
ENDINGS = {MessageKind.LIFTED: Act.LIFT, MessageKind.RECALLED: Act.RECALL}


@cache
def records(realm: Realm) -> tuple[AlertRecord, ...]:
    """All of them, made once."""
    return (*every_record(realm), *prepared_records(realm))


def every_record(realm: Realm) -> Iterator[AlertRecord]:
    """Every order and お知らせ, with every act, of a short and of a long area, with what JMA announced."""
    for order in ORDERS:
        for act in Act:
            for names in (("若林区荒浜",), MANY):
                made = record(realm, order, act, names=names, free=FREE)
                announced = msgspec.structs.replace(made.alert, announced_at=NOW - timedelta(minutes=3))
                yield msgspec.structs.replace(made, alert=announced)


def prepared_records(realm: Realm) -> Iterator[AlertRecord]:
    """What HQ's table proposes, with its prepared texts and the time that JMA foretells."""
    later = NOW + timedelta(hours=3)
    for rule in load_settings().proposals.rules:
        for step in (rule.advisory, rule.warning, rule.urgent, rule.emergency, rule.happened):
            if step is None or step.kind is None or not step.texts:
                continue
            order = (rule.hazard, step.kind, None)
            made = record(realm, order, names=("若林区荒浜",))
            texts = OrderTexts().for_order(
                realm,
                Act.ISSUE,
                *order,
                made.alert.area.names,
                free=prepared(step.texts),
                at=NOW,
                expected_at=later,
                announced_at=NOW,
            )
            yield msgspec.structs.replace(
                made,
                alert=msgspec.structs.replace(
                    made.alert, texts=texts, expected_arrival_at=later, announced_at=NOW
                ),
            )


def broken(
    words: str, lang: str, made: AlertRecord, *, issuer: str = "city", whole: bool = True
) -> list[str]:
    alert = made.alert
    found = check_wording(
        words,
        lang,
        hazard=alert.hazard,
        level=alert.level,
        realm=alert.realm_of,
        issuer=issuer,
        act=alert.act,
        whole=whole,
        official_hosts=CHANNELS.official_hosts,
    )
    return [f"{one.rule}「{one.found}」 in {words}" for one in found]


@pytest.mark.parametrize("realm", Realm)
def test_every_japanese_channel_keeps_every_rule(realm: Realm) -> None:
    seen = 0
    assert len(list(prepared_records(realm))) > 10
    for made in records(realm):
        mail = area_mail(made, CHANNELS.area_mail, WARDS)
        report = report_of(made, CHANNELS.governor, None)
        texts = [
            f"{mail.title}\n{mail.body}",
            mail.body,
            broadcast(made, CHANNELS.loudspeaker, WARDS, {}).text,
            *japanese_post(made, CHANNELS.press, WARDS, "https://www.city.sendai.jp/").texts,
            release(made, CHANNELS.press, None, "https://www.city.sendai.jp/").text,
            *([as_text(report)] if report else []),
        ]
        assert [one for words in texts for one in broken(words, "ja", made)] == []
        assert broken(mail.title, "ja", made, whole=False) == []
        seen += len(texts)
    assert seen > 5 * 2 * 4 * len(ORDERS)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS[1:])
def test_every_post_in_every_language_keeps_every_rule(lang: str, realm: Realm) -> None:
    for made in records(realm):
        post = translated_post(made, lang, CHANNELS.press)
        assert post.problems == ()
        # Posts in a row are read together; each alone is marked as a drill at both ends.
        assert broken("\n".join(post.texts), lang, made) == []
        for one in post.texts:
            assert not realm.is_drill or (one.startswith("【訓練】") and one.endswith("これは訓練です"))


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_order_text_keeps_every_rule_as_a_whole(lang: str, realm: Realm) -> None:
    for made in records(realm):
        said = made.alert.texts[lang]
        assert broken(f"{said.headline}\n{said.body}", lang, made) == []


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_push_keeps_every_rule_as_a_whole(lang: str, realm: Realm) -> None:
    for one, made in situations(realm):
        words = render_advice(one, made, realm, lang, now=NOW)
        about = of_message(one, made)
        for body in (words.body, words.short_body):
            assert broken(f"{words.title}\n{body}", lang, about, issuer="service") == [], one
            if (
                made.alert.level == 3
                and one.message not in ENDED
                and one.action in {Action.GO, Action.PREPARE}
            ):
                # Who is told to stay or is outside need not hear whom it is for; everybody else does.
                assert text("advice.do.l3", lang) in body


def of_message(one: Instruction, made: AlertRecord) -> AlertRecord:
    """The record with the act that the message is about: a recall stands on the order that was recalled."""
    act = ENDINGS.get(one.message, made.alert.act)
    return msgspec.structs.replace(made, alert=msgspec.structs.replace(made.alert, act=act))


@pytest.mark.parametrize("realm", Realm)
def test_every_cap_message_keeps_every_rule_in_every_language(realm: Realm) -> None:
    tags = {"ja-JP": "ja"}
    for made in records(realm):
        message = cap_message(
            made, FRAME, number=0, sent=NOW, expires=NOW + timedelta(hours=1), references=()
        )
        assert (message.status is CapStatus.EXERCISE) is realm.is_drill
        assert len(message.infos) == len(LANGS)
        for info in message.infos:
            lang = tags.get(info.language, info.language)
            assert broken(f"{info.headline}\n{info.description}", lang, made) == []
            for words in (info.event, info.instruction):
                assert broken(words, lang, made, whole=False) == []
