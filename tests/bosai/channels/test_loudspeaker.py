"""The loudspeaker: sounds by law and setting, readings beside the names, twice, short, never a siren in a drill."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from bosai.channels.loudspeaker import Broadcast, Reading, broadcast
from bosai.messages.orders import OrderTexts
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from tests.bosai.messages.examples import NOW, ORDERS, record

FIGURES = load_settings().channels.loudspeaker
WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
READINGS = {"荒浜": Reading(kana="あらはま"), "井土": Reading(kana="いど", checked=False)}
FLOOD_4 = (HazardKind.FLOOD, OrderKind.EVACUATE, None)


Order = tuple[HazardKind, OrderKind, TsunamiClass | None]


def said(made: AlertRecord, **changes: object) -> Broadcast:
    return broadcast(made, msgspec.structs.replace(FIGURES, **changes), WARDS, READINGS)


def tsunami(one: TsunamiClass, kind: OrderKind = OrderKind.TSUNAMI_EVACUATION) -> Order:
    return (HazardKind.TSUNAMI, kind, one)


@pytest.mark.parametrize(
    ("order", "sound"),
    [
        (tsunami(TsunamiClass.MAJOR_WARNING), "〔サイレン 3秒・休み2秒・3秒・休み2秒・3秒〕"),
        (tsunami(TsunamiClass.WARNING), "〔サイレン 5秒・休み6秒・5秒〕"),
        (tsunami(TsunamiClass.ADVISORY), "〔サイレン 10秒・休み2秒・10秒〕"),
        (
            tsunami(TsunamiClass.MAJOR_WARNING, OrderKind.NOTICE),
            "〔サイレン 3秒・休み2秒・3秒・休み2秒・3秒〕",
        ),
        (FLOOD_4, "〔サイレン 60秒・休み5秒・60秒〕"),
        ((HazardKind.FLOOD, OrderKind.EMERGENCY_SAFETY, None), "〔サイレン 60秒・休み5秒・60秒〕"),
        ((HazardKind.FLOOD, OrderKind.ELDERLY_ETC, None), "〔チャイム〕"),
        ((HazardKind.EARTHQUAKE, OrderKind.NOTICE, None), "〔チャイム〕"),
    ],
)
def test_the_sound_tells_what_it_is(order: Order, sound: str) -> None:
    assert said(record(order=order)).lines[0] == sound


@pytest.mark.parametrize("order", ORDERS)
def test_neither_a_drill_nor_an_ending_has_a_siren(order: Order) -> None:
    for act in Act:
        assert "サイレン" not in said(record(Realm.DRILL, order, act)).text
    for act in (Act.LIFT, Act.RECALL):
        assert "サイレン" not in said(record(order=order, act=act)).text


def test_it_is_read_twice_with_the_readings_the_first_time() -> None:
    made = said(record(order=FLOOD_4))
    assert made.lines[1:3] == (
        "こちらは、ぼうさい仙台です。",
        "仙台市は11月23日14時06分、若林区（わかばやしく）荒浜（あらはま）、若林区井土（いど）に、"
        "洪水の、警戒レベル4、避難指示を発令しました。",
    )
    pause = made.lines.index("〔3秒休む〕")
    first, again = made.lines[2:pause], made.lines[pause + 2 : -2]
    assert made.lines[pause + 1] == "繰り返します。"
    assert [
        one.replace("（わかばやしく）", "").replace("（あらはま）", "").replace("（いど）", "")
        for one in first
    ] == list(again)
    assert made.lines[-2:] == ("こちらは、ぼうさい仙台です。", "〔チャイム〕")
    assert len(said(record(order=FLOOD_4), repeat=3).lines) > len(made.lines)


def test_names_without_a_reading_and_unconfirmed_readings_are_named() -> None:
    made = said(record(order=FLOOD_4, names=("若林区荒浜", "若林区井土", "太白区秋保町湯元")))
    assert made.unread == ("秋保町湯元",)
    assert made.unchecked == ("井土",)


def test_a_longer_name_is_not_read_as_the_shorter_one_in_it() -> None:
    readings = {"荒井": Reading(kana="あらい"), "荒井東": Reading(kana="あらいひがし")}
    made = broadcast(record(order=FLOOD_4, names=("若林区荒井東", "若林区荒井")), FIGURES, WARDS, readings)
    assert "荒井東（あらいひがし）、若林区荒井（あらい）" in made.text


def test_read_aloud_the_warning_stays_jmas_and_no_bracket_is_left() -> None:
    made = record(order=tsunami(TsunamiClass.MAJOR_WARNING))
    alert = msgspec.structs.replace(made.alert, announced_at=NOW)
    text = said(msgspec.structs.replace(made, alert=alert)).text
    assert "気象庁は14時06分、大津波警報を発表しました。\n仙台市は" in text
    assert "津波の、避難指示を発令しました。" in text
    assert "大津波警報を発令" not in text
    without_kana = text.replace("（わかばやしく）", "").replace("（あらはま）", "").replace("（いど）", "")
    assert not set("（）「」【】・") & set(without_kana.replace(without_kana.split("\n")[0], ""))


@pytest.mark.parametrize(
    ("tsunami_class", "heard"),
    [
        (TsunamiClass.MAJOR_WARNING, "大津波警報が発表されています。\n仙台市は"),
        (TsunamiClass.WARNING, "\n津波警報が発表されています。\n仙台市は"),
        (TsunamiClass.ADVISORY, "津波注意報が発表されています。\n仙台市は"),
    ],
)
def test_which_warning_it_is_is_heard_also_where_no_telegram_came(tsunami_class, heard) -> None:
    script = said(record(order=tsunami(tsunami_class)))
    assert heard in script.text
    assert script.text.count("発表されています。") == FIGURES.repeat


def test_a_drill_says_so_first_and_last() -> None:
    made = said(record(Realm.DRILL, FLOOD_4))
    assert made.lines[:2] == ("【訓練】〔チャイム〕", "訓練の放送です。")
    assert made.lines[-1] == "これは訓練です。"


def test_one_reading_stays_as_short_as_set() -> None:
    made = said(record(order=FLOOD_4, names=tuple(f"若林区荒町{n}丁目" for n in range(80))))
    assert made.once <= FIGURES.max_chars
    assert made.lines[2].count("丁目") == FIGURES.max_names
    assert "など80区域に、" in made.text
    several = said(record(order=FLOOD_4, names=tuple(f"若林区荒町{n}丁目" for n in range(9))))
    assert "など9区域に、" in several.text
    assert made.problems == ()
    outside = said(record(order=FLOOD_4, names=tuple(f"川の東の第{n}の区域" for n in range(40))))
    assert "220字を超えます" in outside.problems[0]


def test_a_time_that_jma_foretells_is_read_as_a_time() -> None:
    later = NOW + timedelta(hours=3)
    texts = OrderTexts().for_order(
        Realm.LIVE, Act.ISSUE, *FLOOD_4, ("若林区荒浜",), free={}, at=NOW, expected_at=later, announced_at=NOW
    )
    made = record(order=FLOOD_4, names=("若林区荒浜",))
    alert = msgspec.structs.replace(made.alert, texts=texts, expected_arrival_at=later, announced_at=NOW)
    lines = said(msgspec.structs.replace(made, alert=alert)).lines
    assert "気象庁は11月23日17時06分ごろから警戒レベル4相当になると予想しています。" in lines
    assert lines.index("それまでに避難を終えてください。") < lines.index("洪水の危険があります。")
