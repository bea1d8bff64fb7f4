"""One released version as a CAP 1.2 message: the domain's table, the schema of OASIS, nothing internal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bosai.channels.cap import cap_message
from bosai.channels.cap_due import due, followed
from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.messages.catalogue import LANGS
from bosai.messages.wording import check_wording
from bosai.model.alert import AlertRecord, AlertState, OrderKind, TsunamiClass
from bosai.model.cap import NS_CAP_12, CapMessage, CapMsgType, CapReference
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from tests.bosai.channels.orders import FRAME, INCIDENT, NOW, Series, form, named, tsunami_form

HOUR = timedelta(hours=1)
KINDS = {
    "level 3": form(kind=OrderKind.ELDERLY_ETC),
    "level 4": form(),
    "level 5": form(kind=OrderKind.EMERGENCY_SAFETY, hazard=HazardKind.LANDSLIDE),
    "major tsunami warning": tsunami_form(TsunamiClass.MAJOR_WARNING),
    "tsunami warning": tsunami_form(TsunamiClass.WARNING),
    "tsunami advisory": tsunami_form(TsunamiClass.ADVISORY),
    "notice": form(kind=OrderKind.NOTICE, hazard=HazardKind.EARTHQUAKE),
    "notice of a tsunami warning": form(
        kind=OrderKind.NOTICE, hazard=HazardKind.TSUNAMI, tsunami_class=TsunamiClass.WARNING
    ),
}


def said(record: AlertRecord, *, number: int = 0, references: tuple[CapReference, ...] = ()) -> CapMessage:
    return cap_message(record, FRAME, number=number, sent=NOW, expires=NOW + HOUR, references=references)


def before() -> tuple[CapReference, ...]:
    return (CapReference(sender=FRAME.sender, identifier="earlier.1.0", sent=NOW - HOUR),)


def ended(kind: str, act: str, realm: Realm = Realm.LIVE) -> CapMessage:
    series = Series(KINDS[kind], realm)
    return said(getattr(series, act)(), references=before())


def row(message: CapMessage) -> tuple[str, ...]:
    one = message.infos[0]
    responses = " ".join(one.responses)
    return (message.msg_type.value, one.urgency.value, one.severity.value, one.certainty.value, responses)


@pytest.fixture(scope="session")
def schema(shared_data):
    return etree.XMLSchema(etree.parse(str(shared_data / "cap" / "schema" / "cap12.xsd")))


# Read from the domain reference, §8.4.
TABLE = [
    ("level 5", "Alert", "Immediate", "Extreme", "Likely", "Shelter"),
    ("level 4", "Alert", "Immediate", "Severe", "Likely", "Evacuate"),
    ("major tsunami warning", "Alert", "Immediate", "Extreme", "Likely", "Evacuate"),
    ("tsunami warning", "Alert", "Immediate", "Severe", "Likely", "Evacuate"),
    ("tsunami advisory", "Alert", "Immediate", "Moderate", "Likely", "Avoid"),
    ("level 3", "Alert", "Expected", "Severe", "Likely", "Prepare Evacuate"),
    ("notice of a tsunami warning", "Alert", "Immediate", "Severe", "Likely", "Evacuate"),
    ("notice", "Alert", "Unknown", "Unknown", "Unknown", ""),
]


@pytest.mark.parametrize("wanted", TABLE, ids=lambda one: one[0])
def test_every_kind_means_what_the_table_of_the_domain_says(wanted):
    assert row(said(Series(KINDS[wanted[0]]).head)) == wanted[1:]


@pytest.mark.parametrize("kind", ["level 3", "level 4", "level 5", "tsunami warning"])
def test_a_lift_is_an_update_that_says_all_clear_and_a_recall_is_a_cancel(kind):
    assert row(ended(kind, "lift")) == ("Update", "Past", "Minor", "Observed", "AllClear")
    assert row(ended(kind, "recall")) == ("Cancel", "Unknown", "Unknown", "Unknown", "None")


def test_the_end_of_a_notice_never_says_all_clear_for_the_danger_it_was_about():
    assert row(ended("notice of a tsunami warning", "lift")) == (
        "Update",
        "Unknown",
        "Unknown",
        "Unknown",
        "Monitor",
    )


def test_an_update_keeps_what_the_order_means():
    series = Series(KINDS["level 4"])
    first = said(series.head)
    again = said(series.update(form(reason="上昇")), references=(first.reference,))
    assert again.msg_type is CapMsgType.UPDATE
    assert row(again)[1:] == row(first)[1:]


def test_only_a_recall_has_a_note_and_it_tells_what_was_wrong_in_public_words():
    recalled = ended("level 4", "recall")
    assert "は誤りでした。取り消しました。" in recalled.note
    assert "区域の誤り" not in recalled.note, "the officer's own words stay inside"
    assert ended("level 4", "lift").note == said(Series(form()).head).note == ""


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("kind", KINDS)
def test_every_message_is_valid_against_the_schema_of_oasis(schema, kind, realm):
    series = Series(KINDS[kind], realm)
    messages = [said(series.head)]
    messages.append(said(series.update(KINDS[kind]), references=before() * 3))
    messages.append(said(series.head, number=4, references=before()))
    messages.append(ended(kind, "lift", realm))
    messages.append(ended(kind, "recall", realm))
    for one in messages:
        document = etree.fromstring(cap_bytes(cap_xml(one)))
        assert schema.validate(document), schema.error_log
        assert document.tag == f"{{{NS_CAP_12}}}alert"


def test_each_language_has_its_info_with_the_approved_texts_and_the_japanese_one_is_first():
    alert = Series(form()).head.alert
    infos = said(Series(form()).head).infos
    assert [one.language for one in infos] == ["ja-JP", *LANGS[1:]]
    for lang, info in zip(LANGS, infos, strict=True):
        assert (info.headline, info.description) == (alert.texts[lang].headline, alert.texts[lang].body)
        assert info.instruction and info.instruction in info.description


def test_level_three_says_for_whom_it_is_in_every_language_and_the_others_are_for_everybody():
    audiences = [one.audience for one in said(Series(KINDS["level 3"]).head).infos]
    assert all(audiences) and len(set(audiences)) == len(LANGS)
    assert audiences[0] == (
        "高齢の方・障害のある方など、避難に時間がかかる方と支援する方。ほかの人も準備してください。"
    )
    for kind, draft in KINDS.items():
        assert (kind == "level 3") is any(one.audience for one in said(Series(draft).head).infos)
    assert not any(one.audience for one in ended("level 3", "lift").infos)


def parameters(message: CapMessage) -> dict[str, str]:
    return {one.name: one.value for one in message.infos[0].parameters}


def test_levels_are_told_as_a_parameter_and_a_tsunami_never_has_one():
    assert parameters(said(Series(KINDS["level 3"]).head))["警戒レベル"] == "3"
    for kind in ("tsunami warning", "notice of a tsunami warning"):
        message = said(Series(KINDS[kind]).head)
        assert "警戒レベル" not in cap_bytes(cap_xml(message)).decode()


def test_jmas_announcement_stands_with_its_time_beside_what_the_city_says():
    message = said(Series(tsunami_form(announced_at=NOW - timedelta(minutes=2))).head)
    assert parameters(message)["気象庁発表"] == "津波警報 2026-11-24T14:01:00+09:00"
    assert parameters(message)["避難情報"] == "避難指示"
    assert "気象庁発表" not in parameters(ended("tsunami warning", "lift")), "the warning may still stand"


def test_a_notice_of_a_tsunami_says_what_to_do_as_shortly_as_an_order():
    notice, order = (
        said(Series(KINDS[one]).head) for one in ("notice of a tsunami warning", "tsunami warning")
    )
    assert [one.instruction for one in notice.infos] == [one.instruction for one in order.infos]
    assert "発令" not in cap_bytes(cap_xml(notice)).decode()


def test_a_renewal_says_that_nothing_changed():
    head = Series(form()).head
    assert parameters(said(head))["状態"] == "発令"
    assert parameters(said(head, number=3, references=before()))["状態"] == "継続"
    assert parameters(ended("level 4", "lift"))["状態"] == "解除"
    assert parameters(ended("notice", "lift"))["状態"] == "終了"
    assert parameters(said(Series(KINDS["notice"]).head))["状態"] == "お知らせ"


def test_nothing_internal_goes_out():
    series = Series(form())
    text = cap_bytes(cap_xml(said(series.head))).decode()
    text += cap_bytes(cap_xml(said(series.recall(), references=before()))).decode()
    for inside in ("内部の理由だけに書く言葉", "区域の誤り", "abe", "sato", series.head.decision_hash):
        assert inside not in text


def test_times_carry_japans_offset_and_never_a_z():
    text = cap_bytes(cap_xml(said(Series(tsunami_form(expected_arrival_at=NOW + HOUR)).head))).decode()
    times = re.findall(r"<(sent|effective|onset|expires)>([^<]+)<", text)
    assert {name for name, _ in times} == {"sent", "effective", "onset", "expires"}
    assert all(re.fullmatch(r"2026-11-24T\d\d:\d\d:\d\d\+09:00", value) for _, value in times)
    assert "<onset>2026-11-24T15:03:00+09:00</onset>" in text


def test_a_drill_is_an_exercise_and_every_sentence_of_it_says_so():
    message = said(Series(form(), Realm.DRILL).head)
    assert message.status.value == "Exercise"
    for info in message.infos:
        for words in (info.event, info.headline, info.description, info.instruction):
            assert words.startswith("【訓練】")
    assert message.identifier.startswith("drill-")
    assert said(Series(form()).head).status.value == "Actual"


def test_before_receivers_have_agreed_live_messages_are_tests_and_drills_stay_exercises():
    trial = replace(FRAME, is_trial=True)
    for realm, status in ((Realm.LIVE, "Test"), (Realm.DRILL, "Exercise")):
        record = Series(form(), realm).head
        message = cap_message(record, trial, number=0, sent=NOW, expires=NOW + HOUR, references=())
        assert message.status.value == status


def test_codes_of_the_chosen_zones_stand_as_geocodes_and_a_drawn_area_has_none():
    area = named(
        "若林区", "仙台市東部", keys=("ward:若林区", "jma:0410001", "town:泉区/八乙女", "tsunami:area1")
    )
    codes = said(Series(form(area=area)).head).infos[0].areas[0].geocodes
    assert [(one.name, one.value) for one in codes] == [("JISX0402", "04103"), ("JMA-class20", "0410001")]
    assert said(Series(form()).head).infos[0].areas[0].geocodes == ()


def test_an_area_that_is_only_about_right_or_a_sample_says_so_wherever_it_is_named():
    town = said(Series(form(area=named("若林区荒井", keys=("town:若林区/荒井",), approximate=True))).head)
    assert town.infos[0].areas[0].desc == "若林区荒井（区域はおおよその形です。）"
    sample = said(Series(tsunami_form(area=named("エリア1", keys=("tsunami:area1",), approximate=True))).head)
    assert sample.infos[0].areas[0].desc == "エリア1（見本の区域です。実際の区域ではありません。）"
    assert "not the real area" in sample.infos[2].areas[0].desc


def test_the_polygon_is_the_approved_ring_lat_before_lon_and_closed():
    text = cap_bytes(cap_xml(said(Series(form()).head))).decode()
    polygons = set(re.findall(r"<polygon>([^<]+)<", text))
    assert polygons == {"38.21,140.98 38.21,140.99 38.22,140.99 38.22,140.98 38.21,140.98"}


def test_every_text_of_every_message_keeps_the_wording_rules():
    for kind, draft in KINDS.items():
        for message in (said(Series(draft).head), ended(kind, "lift"), ended(kind, "recall")):
            alert = Series(draft).head.alert
            for lang, info in zip(LANGS, message.infos, strict=True):
                for words in (info.event, info.headline, info.description, info.instruction, info.audience):
                    broken = check_wording(
                        words,
                        lang,
                        hazard=alert.hazard,
                        level=int(alert.level) if alert.level else None,
                        realm=Realm.LIVE,
                        issuer="city",
                    )
                    assert not broken, (kind, lang, words, broken)


def test_a_version_that_was_not_released_has_no_message():
    record = Series(form()).head
    draft = msgspec.structs.replace(record, released_at=None, state=AlertState.DRAFT)
    with pytest.raises(ValueError, match="was not released"):
        said(draft)


def test_a_sign_that_xml_has_no_way_to_write_never_keeps_an_order_from_going_out(schema):
    message = said(Series(form(texts_free={"ja": "橋\x0bは\x00通れません"})).head)
    document = cap_xml(message)
    assert "橋は通れません" in cap_bytes(document).decode()
    assert schema.validate(etree.fromstring(cap_bytes(document)))


def test_the_incident_joins_what_belongs_together():
    assert said(Series(form()).head).incidents == (INCIDENT,)


# ---- when a message is due ---

FIGURES = {"horizon": timedelta(minutes=60), "renew_after": timedelta(minutes=20)}


class Receiver:
    """Follows the rules of CAP: what is referred to is gone, what has expired is gone."""

    def __init__(self) -> None:
        self.series = None
        self.held: dict[str, CapMessage] = {}
        self.sent: list[CapMessage] = []

    def ask(self, record: AlertRecord, now) -> CapMessage | None:
        wanted = due(self.series, record, now, **FIGURES)
        if wanted is None:
            return None
        message = cap_message(
            record,
            FRAME,
            number=wanted.number,
            sent=wanted.sent,
            expires=wanted.expires,
            references=[
                CapReference(sender=one.sender, identifier=one.identifier, sent=one.sent)
                for one in wanted.follows
            ],
        )
        self.series = followed(self.series, record, wanted, message.identifier, FRAME.sender)
        self.sent.append(message)
        self.hear(message)
        return message

    def hear(self, message: CapMessage) -> None:
        for one in message.references:
            self.held.pop(one.identifier, None)
        if message.msg_type is not CapMsgType.CANCEL:
            self.held[message.identifier] = message

    def believes(self, now) -> list[CapMessage]:
        return [one for one in self.held.values() if all(info.expires > now for info in one.infos)]


def test_an_order_stands_for_a_receiver_as_long_as_it_stands_and_is_held_once():
    series, receiver = Series(form()), Receiver()
    for minute in range(0, 600, 5):
        now = NOW + timedelta(minutes=minute)
        receiver.ask(series.head, now)
        assert len(receiver.believes(now)) == 1
    numbers = [one.identifier.rsplit(".", 1)[1] for one in receiver.sent]
    assert numbers == [str(n) for n in range(30)], "one at the release, then one every twenty minutes"
    assert [one.msg_type for one in receiver.sent[:2]] == [CapMsgType.ALERT, CapMsgType.UPDATE]


def test_a_receiver_that_missed_the_last_renewals_still_learns_what_is_superseded():
    series, receiver = Series(form()), Receiver()
    for minute in (0, 20, 40):
        receiver.ask(series.head, NOW + timedelta(minutes=minute))
    update = receiver.ask(series.update(form(reason="上昇"), after_min=45), NOW + timedelta(minutes=45))
    assert [one.identifier for one in update.references] == [one.identifier for one in receiver.sent[:3]]
    late = receiver.ask(series.head, NOW + timedelta(minutes=65))
    assert receiver.sent[0].reference not in late.references, "it had expired by itself"
    assert [one.identifier for one in late.references] == [one.identifier for one in receiver.sent[1:4]]


def test_after_a_long_stop_the_next_message_still_names_the_last_one():
    series, receiver = Series(form()), Receiver()
    first = receiver.ask(series.head, NOW)
    again = receiver.ask(series.head, NOW + timedelta(days=2))
    assert again.references == (first.reference,)
    assert again.msg_type is CapMsgType.UPDATE


@pytest.mark.parametrize("act", ["lift", "recall"])
def test_after_the_end_nothing_is_renewed_and_a_receiver_holds_no_order(act):
    series, receiver = Series(form()), Receiver()
    receiver.ask(series.head, NOW)
    ending = getattr(series, act)()
    last = receiver.ask(ending, NOW + timedelta(minutes=10))
    assert {one.identifier for one in last.references} == {receiver.sent[0].identifier}
    assert receiver.ask(ending, NOW + timedelta(days=1)) is None
    assert all(one.infos[0].urgency.value == "Past" for one in receiver.believes(NOW + timedelta(minutes=11)))


@pytest.mark.parametrize("act", ["lift", "recall"])
def test_what_ended_before_anything_went_out_is_never_announced(act):
    series = Series(form())
    assert Receiver().ask(getattr(series, act)(), NOW + timedelta(minutes=10)) is None


def test_a_version_read_before_the_newer_one_was_released_makes_nothing():
    series, receiver = Series(form()), Receiver()
    old = series.head
    receiver.ask(series.update(form(reason="上昇")), NOW)
    assert receiver.ask(old, NOW + timedelta(hours=3)) is None


def test_a_clock_set_back_never_makes_a_message_older_than_the_one_it_follows():
    series, receiver = Series(form()), Receiver()
    first = receiver.ask(series.head, NOW)
    second = receiver.ask(series.update(form(reason="上昇")), NOW - timedelta(hours=1))
    assert second.sent >= first.sent
    assert second.infos[0].expires >= first.infos[0].expires


acts = st.lists(
    st.tuples(
        st.integers(1, 90), st.sampled_from(["nothing", "nothing", "nothing", "update", "lift", "recall"])
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(acts, st.lists(st.booleans(), min_size=25, max_size=25))
def test_whatever_a_poller_missed_it_believes_what_stands_and_nothing_that_ended(steps, polls):
    """The feed lists the newest message of the order; somebody who polls now and then follows it by CAP's own rules."""
    series, office, poller = Series(form()), Receiver(), Receiver()
    now, is_over = NOW, False
    office.ask(series.head, now)
    for (minutes, act), polled in zip(steps, polls, strict=False):
        now += timedelta(minutes=minutes)
        if act != "nothing" and not is_over:
            series.update(form(reason="上昇")) if act == "update" else getattr(series, act)()
            is_over = act in ("lift", "recall")
        office.ask(series.head, now)
        if polled:
            poller.hear(office.sent[-1])
            believed = [one for one in poller.believes(now) if one.infos[0].urgency.value != "Past"]
            assert len(believed) == (0 if is_over else 1)
    identifiers = [one.identifier for one in office.sent]
    assert len(set(identifiers)) == len(identifiers)
    assert [one.sent for one in office.sent] == sorted(one.sent for one in office.sent)
