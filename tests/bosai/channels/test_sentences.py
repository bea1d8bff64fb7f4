"""An approved text taken apart: nothing of it is lost, nothing is said twice, and every sentence has its part."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.channels.sentences import Part, sentences, split
from bosai.messages.catalogue import text
from bosai.messages.orders import own_words
from bosai.model.alert import Act, AlertRecord, AlertText, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from tests.bosai.messages.examples import NOW, ORDERS, record

Order = tuple[HazardKind, OrderKind, TsunamiClass | None]
FLOOD_4: Order = (HazardKind.FLOOD, OrderKind.EVACUATE, None)
NOTICE: Order = (HazardKind.EARTHQUAKE, OrderKind.NOTICE, None)


def parts(made: AlertRecord) -> dict[Part, list[str]]:
    found: dict[Part, list[str]] = {}
    for one in sentences(made, "ここ"):
        found.setdefault(one.part, []).append(one.text)
    return found


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("order", ORDERS)
def test_every_sentence_of_the_approved_text_is_there_once(order: Order, act: Act, realm: Realm) -> None:
    free = "名取川の水位が上がっています。道路が水につかっています！"
    made = record(realm, order, act, free={"ja": free}, arrival=None)
    found = sentences(made, "ここ")
    rest = own_words(made.alert, "ja")
    for one in found:
        if one.part is not Part.OPENING:
            assert rest.count(one.text) == 1, one
            rest = rest.replace(one.text, "", 1)
    openings = split(rest)
    assert len(openings) <= len([one for one in found if one.part is Part.OPENING]) + (act is Act.RECALL)
    assert all("若林区荒浜" in one or "気象庁" in one or "取り消しました" in one for one in openings)
    assert "これは訓練です" not in "".join(one.text for one in found)


@pytest.mark.parametrize("order", [one for one in ORDERS if one[1] is not OrderKind.NOTICE])
def test_an_order_always_says_what_to_do_and_until_when(order: Order) -> None:
    found = parts(record(order=order))
    assert len(found[Part.DO]) == len(found[Part.UNTIL]) == len(found[Part.WHY]) == 1


@pytest.mark.parametrize("act", [Act.LIFT, Act.RECALL])
@pytest.mark.parametrize("order", ORDERS)
def test_an_ending_says_what_stays(order: Order, act: Act) -> None:
    assert parts(record(order=order, act=act))[Part.AFTER]


def test_a_notice_without_a_tsunami_lives_by_its_officers_first_sentence() -> None:
    found = parts(record(order=NOTICE, free={"ja": "強い揺れがありました。余震に気をつけてください。"}))
    assert found[Part.DO] == ["強い揺れがありました。"]
    assert found[Part.FREE] == ["余震に気をつけてください。"]


def test_a_sentence_that_points_back_stays_with_the_one_before_it() -> None:
    made = record(
        order=FLOOD_4, free={"ja": "川の水があふれています。そこには近づかないでください。水門は閉じました。"}
    )
    assert parts(made)[Part.FREE] == [
        "川の水があふれています。そこには近づかないでください。",
        "水門は閉じました。",
    ]


def test_a_text_approved_under_another_wording_is_not_opened_twice() -> None:
    made = record(order=FLOOD_4, names=("若林区荒浜",))
    older = "仙台市は若林区荒浜に対して警戒レベル4 避難指示を発令しました。直ちに避難してください。"
    alert = msgspec.structs.replace(made.alert, texts={"ja": AlertText(headline="", body=older)})
    found = sentences(msgspec.structs.replace(made, alert=alert), "ここ")
    assert [one.text for one in found] == [
        "仙台市は11月23日14時06分、ここに警戒レベル4 避難指示（洪水）を発令しました。",
        "直ちに避難してください。",
    ]


def test_the_wave_is_expected_when_jma_said_and_only_while_the_order_directs() -> None:
    order = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING)
    soon = NOW + timedelta(minutes=40)
    assert parts(record(order=order, arrival=soon))[Part.ARRIVAL] == [
        "気象庁が発表した津波の到達予想時刻は14時46分です。"
    ]
    assert Part.ARRIVAL not in parts(record(order=order, act=Act.LIFT, arrival=soon))


def test_a_wave_of_tomorrow_has_its_day_and_one_that_should_be_there_is_not_announced() -> None:
    order = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING)
    tomorrow = parts(record(order=order, arrival=NOW + timedelta(hours=16)))
    assert tomorrow[Part.ARRIVAL] == ["気象庁が発表した津波の到達予想時刻は11月24日06時06分です。"]
    passed = parts(record(order=order, arrival=NOW - timedelta(minutes=6)))
    assert passed[Part.ARRIVAL] == ["気象庁が発表した津波の到達予想時刻（14時00分）を過ぎています。"]


def test_what_jma_announced_the_day_before_has_its_day() -> None:
    made = record(order=(HazardKind.TSUNAMI, OrderKind.NOTICE, TsunamiClass.WARNING))
    alert = msgspec.structs.replace(made.alert, announced_at=NOW - timedelta(hours=20))
    found = parts(msgspec.structs.replace(made, alert=alert))
    assert found[Part.OPENING][0] == "気象庁は11月22日18時06分、津波警報を発表しました。"


def test_a_time_of_level_4_that_has_passed_weighs_as_much_as_one_to_come() -> None:
    said = text("notices.level4_passed", "ja", time="9/1 01:00")
    found = parts(record(order=FLOOD_4, free={"ja": f"川があふれています。{said}"}))
    assert found[Part.ARRIVAL] == [said]


@given(st.text(st.sampled_from("川の水が。！？ あ"), max_size=80))
def test_splitting_loses_nothing_but_ends_without_a_sentence(words: str) -> None:
    found = split(words)
    assert all(one in words and one.strip("。！？ ") for one in found)
    bare = str.maketrans("", "", " 。！？")
    assert "".join(found).translate(bare) == words.translate(bare)
