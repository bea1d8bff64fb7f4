"""Press and SNS: what a post takes, in every language; every name of the area and the figures in the release."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from bosai.channels.figures import AreaFigures, WardFigures, figures_of, figures_text, ward_lines
from bosai.channels.press import japanese_post, release, translated_post, weight
from bosai.messages.catalogue import LANGS
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.preview_figures import Preview, TownFigures
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from tests.bosai.messages.examples import NOW, ORDERS, record

FIGURES = load_settings().channels.press
WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
PAGE = "https://www.city.sendai.jp/bosai"
FLOOD_4 = (HazardKind.FLOOD, OrderKind.EVACUATE, None)
WARNING = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING)
LONG = tuple(f"若林区荒町{n}丁目" for n in range(50))


def test_a_full_width_letter_counts_two_and_an_address_twenty_three() -> None:
    assert weight("避難") == 4
    assert weight("lánh nạn") == 9  # ạ lies beyond the letters that count one
    assert weight("सतर्क") == len("सतर्क")
    assert weight("대피") == 4
    assert weight(f"避難 {PAGE}") == 4 + 1 + 23


def test_a_post_says_it_in_one_hundred_and_forty_letters_and_ends_with_the_citys_page() -> None:
    post = japanese_post(record(order=FLOOD_4), FIGURES, WARDS, PAGE)
    assert post.texts[0].split("\n")[:3] == [
        "【警戒レベル4 避難指示】",
        "仙台市は11月23日14時06分、若林区荒浜、若林区井土に警戒レベル4 避難指示（洪水）を発令しました。",
        "危険な場所にいる方は全員、今すぐ避難してください。",
    ]
    assert post.texts[0].split("\n")[-1] in {PAGE, FIGURES.hashtag}
    assert post.weights == (weight(post.texts[0]),)
    assert post.weights[0] <= post.limit == 280


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("realm", Realm)
def test_no_post_is_longer_than_it_may_be_and_none_loses_what_to_do(realm: Realm, order) -> None:  # type: ignore[no-untyped-def]
    for act in Act:
        made = record(realm, order, act, names=LONG, free={"ja": "声をかけ合ってください。"})
        posts = [
            japanese_post(made, FIGURES, WARDS, PAGE),
            *(translated_post(made, lang, FIGURES) for lang in LANGS[1:]),
        ]
        for post in posts:
            assert max(post.weights) <= post.limit, post
            assert post.problems == ()
            for one in post.texts:
                assert not realm.is_drill or (one.startswith("【訓練】") and one.endswith("これは訓練です"))


def test_a_translated_post_says_the_whole_approved_text_in_a_row() -> None:
    made = record(order=FLOOD_4)
    for lang in LANGS[1:]:
        post = translated_post(made, lang, FIGURES)
        said = "".join("".join(post.texts).split())
        assert said == "".join(made.alert.texts[lang].body.split()), lang


def test_a_short_form_of_a_sentence_does_not_end_it() -> None:
    made = record(order=(HazardKind.FLOOD, OrderKind.ELDERLY_ETC, None))
    lines = "\n".join(translated_post(made, "en", FIGURES).texts).split("\n")
    assert lines[0].startswith("Sendai City has issued") and lines[0].endswith("若林区井土.")


def test_the_release_has_every_name_and_the_figures_with_their_source() -> None:
    figures = AreaFigures(
        persons=12_300,
        households=5_864,
        wards=(WardFigures(ward="若林区", persons=12_300, households=5_864),),
        estimated=True,
        source="出典：仙台市",
    )
    made = release(record(order=FLOOD_4, names=LONG), FIGURES, figures, PAGE)
    assert made.title == "警戒レベル4 避難指示（洪水）の発令について"
    assert [one for one in LONG if f"・{one}" not in made.lines] == []
    assert "対象の世帯・人数：約5,864世帯・約12,300人" in made.lines
    assert "　若林区：約5,864世帯・約12,300人" in made.lines
    assert "　出典：仙台市" in made.lines


def test_what_hq_decided_by_is_no_part_of_what_the_press_reads() -> None:
    made = record(order=FLOOD_4)
    alert = msgspec.structs.replace(made.alert, reason="内水の排水機場の故障")
    assert "排水機場" not in release(msgspec.structs.replace(made, alert=alert), FIGURES, None, PAGE).text


def test_without_figures_the_release_says_that_they_are_being_counted() -> None:
    assert "対象の世帯・人数：集計中" in release(record(order=FLOOD_4), FIGURES, None, "").lines
    lifted = release(record(order=FLOOD_4, act=Act.LIFT), FIGURES, None, "").text
    assert "世帯" not in lifted


def test_the_release_of_a_tsunami_tells_the_two_issuers_apart() -> None:
    made = record(order=WARNING)
    alert = msgspec.structs.replace(made.alert, announced_at=NOW - timedelta(minutes=3))
    lines = release(msgspec.structs.replace(made, alert=alert), FIGURES, None, "").lines
    at = lines.index("気象庁は14時03分、津波警報を発表しました。")
    assert lines[at + 1] == "仙台市は、次の区域に避難指示（津波警報）を発令しました。"


def test_a_drills_release_is_marked_in_its_title_and_at_its_end() -> None:
    made = release(record(Realm.DRILL, FLOOD_4), FIGURES, None, "")
    assert made.title.startswith("【訓練】")
    assert made.text.count("【訓練】") == 1
    assert made.text.endswith("これは訓練です")


def preview(**changes: object) -> Preview:
    towns = (
        TownFigures(ward="若林区", name="荒浜", residents=100, households=40, is_part=True),
        TownFigures(ward="若林区", name="井土", residents=50, households=20),
        TownFigures(ward="太白区", name="長町", residents=10, households=None),
        TownFigures(ward="泉区", name="泉", residents=0, households=0, subscribers=3),
    )
    given = {"available": True, "at": NOW, "residents": 160, "resident_households": 60, "towns": towns}
    return Preview(**{**given, **changes})  # type: ignore[arg-type]


def test_figures_are_those_of_residents_by_the_ward() -> None:
    found = figures_of(preview(), "出典")
    assert found is not None
    assert (found.persons, found.households, found.estimated) == (160, 60, True)
    assert ward_lines(found) == ["若林区：約60世帯・約150人", "太白区：世帯数は不明・約10人"]
    assert figures_text(found) == "約60世帯・約160人"


def test_nobody_answering_or_no_table_is_unknown_and_never_zero() -> None:
    assert figures_of(preview(available=False), "出典") is None
    assert figures_of(preview(residents=None), "出典") is None
    assert figures_text(None) == "集計中"
    nobody = figures_of(preview(residents=0, resident_households=0, towns=()), "出典")
    assert figures_text(nobody) == "0世帯・0人"


def unreleased(made: AlertRecord) -> AlertRecord:
    return msgspec.structs.replace(made, released_at=None)


def test_a_draft_says_that_its_time_is_to_come() -> None:
    assert "日時：〔承認の時刻が入ります〕" in release(unreleased(record()), FIGURES, None, "").lines
