"""What a person reads: the order of the sentences, who says them, and what is never said."""

from datetime import timedelta

import pytest

from bosai.messages.advice import render_advice
from bosai.messages.catalogue import LANGS, text
from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.alert import Act, OrderKind, TsunamiClass
from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from shelters.model import Action, ReasonCode
from tests.bosai.messages.examples import EDGE, NOW, ORDERS, SCHOOL, instruction, record, situations

FLOOD_4 = (HazardKind.FLOOD, OrderKind.EVACUATE, None)
FLOOD_3 = (HazardKind.FLOOD, OrderKind.ELDERLY_ETC, None)
LANDSLIDE_5 = (HazardKind.LANDSLIDE, OrderKind.EMERGENCY_SAFETY, None)
MAJOR = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.MAJOR_WARNING)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_message_keeps_every_wording_rule(lang: str, realm: Realm) -> None:
    for one, order in situations(realm):
        words = render_advice(one, order, realm, lang, now=NOW)
        alert = order.alert
        for said in (words.title, words.body, words.short_body):
            assert (
                check_wording(
                    said, lang, hazard=alert.hazard, level=alert.level, realm=realm, issuer="service"
                )
                == []
            ), said
        assert check_drill_end(words.body, realm) == []
        assert check_drill_end(words.short_body, realm) == []


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_text_of_an_order_keeps_every_wording_rule(lang: str, realm: Realm) -> None:
    for order in ORDERS:
        for act in Act:
            alert = record(realm, order, act, free={"ja": "声をかけ合ってください。"}).alert
            said = alert.texts[lang]
            for words in (said.headline, said.body):
                found = check_wording(
                    words, lang, hazard=alert.hazard, level=alert.level, realm=realm, issuer="city"
                )
                assert found == [], words
            assert check_drill_end(said.body, realm) == []


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_message_names_the_hazards_kind_the_issuer_and_the_time(lang: str, realm: Realm) -> None:
    for one, order in situations(realm):
        words = render_advice(one, order, realm, lang, now=NOW)
        japanese = {
            OrderKind.ELDERLY_ETC: "高齢者等避難",
            OrderKind.EVACUATE: "避難指示",
            OrderKind.EMERGENCY_SAFETY: "緊急安全確保",
            OrderKind.NOTICE: "お知らせ",
        }.get(order.alert.kind)
        if japanese is None or order.alert.is_tsunami_call:
            japanese = {"advisory": "津波注意報", "warning": "津波警報", "major_warning": "大津波警報"}[
                order.alert.tsunami_class or ""
            ]
        assert japanese in words.title, words.title
        if order.alert.level:
            assert f"警戒レベル{int(order.alert.level)}" in words.title
        assert "14:06" in words.body
        assert "仙台市" in words.body


@pytest.mark.parametrize("realm", Realm)
def test_japanese_is_short_enough_for_a_lock_screen(realm: Realm) -> None:
    marks = 13 if realm.is_drill else 0
    for one, order in situations(realm):
        words = render_advice(one, order, realm, "ja", now=NOW)
        assert len(words.title) <= 26 + (4 if realm.is_drill else 0), words.title
        longest = 180 if order.alert.level == 3 else 165  # level 3 must name whom it is for
        assert len(words.body) <= longest + marks, words.body


def test_the_first_40_characters_say_who_what_and_where() -> None:
    words = render_advice(instruction(), record(order=MAJOR), Realm.LIVE, "ja", now=NOW)
    assert words.title == "【大津波警報】すぐ高い所へ"
    assert words.body[:40].startswith("若林区荒浜ほかの方は今すぐ「七郷小学校」（3階以上）へ逃げて！")


def test_level_comes_first_with_its_word() -> None:
    words = render_advice(instruction(), record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW)
    assert words.title.startswith("【警戒レベル4 避難指示】")
    english = render_advice(instruction(), record(order=FLOOD_4), Realm.LIVE, "en", now=NOW)
    assert english.title.startswith("【Alert level 4 Evacuation Order (警戒レベル4 避難指示)】")


def test_level_3_names_those_who_need_time_and_tells_the_others_to_prepare() -> None:
    for action in (Action.GO, Action.PREPARE):
        words = render_advice(instruction(action=action), record(order=FLOOD_3), Realm.LIVE, "ja", now=NOW)
        assert "高齢の方・障害のある方など、避難に時間がかかる方と支援する方は避難開始" in words.body
        assert "ほかの人も準備" in words.body


def test_level_5_names_no_place_to_go_even_when_one_is_given() -> None:
    words = render_advice(instruction(action=Action.GO), record(order=LANDSLIDE_5), Realm.LIVE, "ja", now=NOW)
    assert "七郷小学校" not in words.do
    assert "命を守って" in words.do


def test_a_walk_is_about_and_says_what_is_not_known() -> None:
    words = render_advice(instruction(), record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW)
    assert "徒歩約1.2km・約25分" in words.body
    assert "開設は未確認" in words.body
    assert "入れないときは「荒井小学校」（約2.2km）" in words.body
    assert "解除の連絡があるまで" in words.body


def test_the_order_and_our_guidance_are_two_sentences_of_two_issuers() -> None:
    words = render_advice(instruction(), record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW)
    assert words.issuer_line == "避難指示（洪水）：仙台市 14:06発令。"
    assert words.guide_line == "案内：仙台市プッシュ型避難誘導"


def test_walking_inland_names_no_site() -> None:
    going = instruction(action=Action.INLAND, destination=EDGE)
    words = render_advice(going, record(order=MAJOR), Realm.LIVE, "ja", now=NOW)
    assert "海と反対の内陸へ" in words.body
    assert "約800m" in words.body


def test_a_lift_says_what_is_still_forbidden_and_a_recall_names_the_wrong_order() -> None:
    lifted = render_advice(
        instruction(MessageKind.LIFTED, None, None, None),
        record(order=FLOOD_4, act=Act.LIFT),
        Realm.LIVE,
        "ja",
        now=NOW,
    )
    assert "警戒レベル4 避難指示（洪水）を解除しました" in lifted.body
    assert "川や海に近づかないで" in lifted.body
    recalled = render_advice(
        instruction(MessageKind.RECALLED, None, None, None),
        record(order=FLOOD_4, act=Act.RECALL),
        Realm.LIVE,
        "ja",
        now=NOW,
    )
    assert "【取消】" in recalled.title
    assert "14:06に出した若林区荒浜、若林区井土の警戒レベル4 避難指示（洪水）は誤りでした" in recalled.body


@pytest.mark.parametrize("lang", LANGS)
def test_the_city_ends_its_own_order_and_never_the_warning_of_jma(lang: str) -> None:
    for tsunami_class, japanese in (
        (TsunamiClass.ADVISORY, "津波注意報"),
        (TsunamiClass.WARNING, "津波警報"),
        (TsunamiClass.MAJOR_WARNING, "大津波警報"),
    ):
        order = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, tsunami_class)
        for message, act, ending in (
            (MessageKind.LIFTED, Act.LIFT, "を解除"),
            (MessageKind.RECALLED, Act.RECALL, "は誤り"),
            (MessageKind.RECALLED, Act.ISSUE, "（若林区荒浜ほか）は誤り"),
            (MessageKind.OUT_OF_AREA, Act.UPDATE, "の対象"),
        ):
            ended = record(order=order, act=act)
            words = render_advice(instruction(message, None, None, None), ended, Realm.LIVE, lang, now=NOW)
            assert "避難指示" in words.title, words.title
            assert "避難指示" in words.body, words.body
            if lang == "ja":
                assert f"避難指示（{japanese}）" in words.title
                assert f"避難指示（{japanese}）{ending}" in words.body
            if act in (Act.LIFT, Act.RECALL):
                assert "避難指示" in ended.alert.texts[lang].headline


def test_what_ends_an_order_does_not_say_in_easy_words_to_flee() -> None:
    """The explanation of 避難指示 is an order itself: 「みんな すぐ にげてください」."""
    for order in ORDERS:
        for message, act in ((MessageKind.LIFTED, Act.LIFT), (MessageKind.RECALLED, Act.RECALL)):
            ended = record(order=order, act=act)
            words = render_advice(
                instruction(message, None, None, None), ended, Realm.LIVE, "ja-x-easy", now=NOW
            )
            for said in (words.title, words.body, ended.alert.texts["ja-x-easy"].body):
                assert "にげ" not in said, said
                assert "来ます" not in said, said


@pytest.mark.parametrize("lang", LANGS)
def test_every_message_about_an_order_names_the_danger(lang: str) -> None:
    japanese = {
        HazardKind.FLOOD: "洪水",
        HazardKind.LANDSLIDE: "土砂災害",
        HazardKind.STORM_SURGE: "高潮",
        HazardKind.INLAND_FLOOD: "浸水",
        HazardKind.LARGE_FIRE: "大規模な火事",
        HazardKind.TSUNAMI: "津波",
    }
    for one, order in situations(Realm.LIVE):
        if order.alert.kind is OrderKind.NOTICE:
            continue
        words = render_advice(one, order, Realm.LIVE, lang, now=NOW)
        named = words.title + words.body
        assert japanese[order.alert.hazard] in named, named
        if order.alert.kind is not OrderKind.TSUNAMI_EVACUATION:
            assert japanese[order.alert.hazard] in words.short_body, words.short_body


def test_whoever_stays_inside_is_promised_no_destination() -> None:
    for one, order in situations(Realm.LIVE):
        if one.action not in (Action.UP, Action.STAY):
            continue
        words = render_advice(one, order, Realm.LIVE, "ja", now=NOW)
        assert "行き先" not in words.title + words.body, words.body


def test_a_provisional_message_says_that_the_destination_follows() -> None:
    waiting = instruction(MessageKind.PROVISIONAL, Action.GO, None, None)
    words = render_advice(waiting, record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW)
    assert "行き先は続報" in words.body


@pytest.mark.parametrize("lang", LANGS)
def test_a_drill_is_marked_first_and_last_and_live_never(lang: str) -> None:
    for one, order in situations(Realm.DRILL):
        words = render_advice(one, order, Realm.DRILL, lang, now=NOW)
        assert words.title.startswith("【訓練】")
        assert words.body.startswith("【訓練】")
        assert words.body.endswith("これは訓練です")
        assert words.body.count("これは訓練です") == 1, words.body
        assert words.body.count("【訓練】") == 1, words.body


def test_a_passed_arrival_time_is_not_announced_as_future() -> None:
    late = record(order=MAJOR, arrival=NOW - timedelta(minutes=5))
    words = render_advice(instruction(), late, Realm.LIVE, "ja", now=NOW)
    assert "到達予想時刻を過ぎています" in words.body


def test_place_names_stay_as_on_their_signs_and_floors_are_explained() -> None:
    words = render_advice(instruction(), record(order=MAJOR), Realm.LIVE, "en", now=NOW)
    assert "「七郷小学校」, floor 3 or above (3階以上)" in words.body
    odd = instruction(destination=msgspec_replace(SCHOOL, "2階Ｄユニットの廊下等"))
    assert "2階Ｄユニットの廊下等" in render_advice(odd, record(order=MAJOR), Realm.LIVE, "en", now=NOW).body


def test_untranslated_free_text_is_shown_in_japanese_and_said_to_be() -> None:
    alert = record(
        order=FLOOD_4, free={"ja": "井戸水を飲まないでください。", "en": "Do not drink well water."}
    ).alert
    assert alert.texts["ja"].body.endswith("井戸水を飲まないでください。")
    assert alert.texts["en"].body.endswith("Do not drink well water.")
    assert "井戸水を飲まないでください。" in alert.texts["vi"].body


@pytest.mark.parametrize("lang", LANGS)
def test_who_is_told_to_stay_reads_at_once_what_staying_asks_for(lang: str) -> None:
    given = instruction(action=Action.STAY, destination=None, alternate=None)
    words = render_advice(given, record(order=FLOOD_4), Realm.LIVE, lang, now=NOW)
    stay, needs = text("advice.do.stay", lang), text("advice.reason.stay_needs", lang)
    assert words.body.index(stay) < words.body.index(needs) and needs in words.body


def test_reasons_become_sentences_in_their_order_and_unknown_ones_are_left_out() -> None:
    given = instruction(
        reasons=(ReasonCode.NEAREST_FIT.value, "later_invention", ReasonCode.SEATS_ASSUMED.value)
    )
    words = render_advice(given, record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW)
    assert len(words.reasons) == 2
    assert "想定" in words.reasons[1]


def test_only_level_4_and_above_and_tsunami_interrupt() -> None:
    assert render_advice(instruction(), record(order=MAJOR), Realm.LIVE, "ja", now=NOW).urgent
    assert render_advice(instruction(), record(order=FLOOD_4), Realm.LIVE, "ja", now=NOW).urgent
    assert not render_advice(instruction(), record(order=FLOOD_3), Realm.LIVE, "ja", now=NOW).urgent
    lifted = instruction(MessageKind.LIFTED, None, None, None)
    assert not render_advice(lifted, record(order=MAJOR, act=Act.LIFT), Realm.LIVE, "ja", now=NOW).urgent


def msgspec_replace(site, floor_label: str):
    import msgspec

    return msgspec.structs.replace(site, floor_label=floor_label)


@pytest.mark.parametrize("lang", LANGS)
def test_who_is_sent_to_an_upper_floor_elsewhere_is_not_just_told_to_go_up(lang: str) -> None:
    away = instruction(action=Action.REFUGE)
    here = instruction(action=Action.REFUGE, destination=None, alternate=None)
    lines = [
        render_advice(one, record(order=FLOOD_4), Realm.LIVE, lang, now=NOW).action for one in (away, here)
    ]
    assert lines[0] != lines[1] and all(lines)
    assert lang != "ja" or lines == ["避難場所の高い所へ行く", "高い所へ上がる"]


def test_the_big_line_of_level_5_asks_nobody_to_set_out() -> None:
    for action in (Action.GO, Action.REFUGE, Action.UP):
        words = render_advice(
            instruction(action=action), record(order=LANDSLIDE_5), Realm.LIVE, "ja", now=NOW
        )
        assert words.action == "今いる所で命を守る"
