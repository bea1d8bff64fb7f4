"""緊急速報メール: within the carriers' limits, by whole sentences, and never without who, what and where."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.channels.area_mail import AreaMail, area_mail
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from tests.bosai.messages.examples import NOW, ORDERS, record

FIGURES = load_settings().channels.area_mail
WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
FLOOD_4 = (HazardKind.FLOOD, OrderKind.EVACUATE, None)
MAJOR = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.MAJOR_WARNING)
NAMES = tuple(f"若林区荒町{n}丁目" for n in range(60))


def mail(made: AlertRecord, **changes: object) -> AreaMail:
    return area_mail(made, msgspec.structs.replace(FIGURES, **changes), WARDS)


def announced(made: AlertRecord) -> AlertRecord:
    alert = msgspec.structs.replace(made.alert, announced_at=NOW - timedelta(minutes=3))
    return msgspec.structs.replace(made, alert=alert)


def test_an_order_says_who_what_where_and_what_to_do() -> None:
    made = mail(record(order=FLOOD_4, free={"ja": "名取川の水位が上がっています。"}))
    assert made.title == "警戒レベル4 避難指示"
    assert made.body.split("\n") == [
        "仙台市は11月23日14時06分、若林区荒浜、若林区井土に警戒レベル4 避難指示（洪水）を発令しました。",
        "危険な場所にいる方は全員、今すぐ避難してください。",
        "洪水の危険があります。",
        "解除の連絡があるまで続けてください。",
        "名取川の水位が上がっています。",
    ]
    assert made.may_send


def test_a_tsunami_has_two_issuers_in_two_sentences_and_no_level() -> None:
    made = mail(announced(record(order=MAJOR)))
    assert made.title == "大津波警報 避難指示"
    assert made.body.split("\n")[:2] == [
        "気象庁は14時03分、大津波警報を発表しました。",
        "仙台市は11月23日14時06分、若林区荒浜、若林区井土に避難指示（大津波警報）を発令しました。",
    ]
    assert "レベル" not in made.title + made.body


def test_the_expected_arrival_is_said_as_given() -> None:
    made = mail(record(order=MAJOR, arrival=NOW + timedelta(minutes=40)))
    assert "気象庁が発表した津波の到達予想時刻は14時46分です。" in made.body.split("\n")
    assert "到達予想" not in mail(record(order=MAJOR, arrival=None)).body


def test_sentences_are_left_out_in_their_order_and_what_must_stay_stays() -> None:
    free = {"ja": "名取川の水位が上がっています。それまでに動いてください。道路が水につかっています。"}
    made = record(order=FLOOD_4, free=free)
    whole = mail(made)
    shrinking = [mail(made, body_chars=limit) for limit in range(len(whole.body), 70, -1)]
    order = [
        "洪水の危険があります。",
        "道路が水につかっています。",
        "名取川の水位が上がっています。それまでに動いてください。",
        "解除の連絡があるまで続けてください。",
    ]
    gone: list[str] = []
    for one in shrinking:
        assert set(gone) <= set(one.dropped)
        gone += [sentence for sentence in one.dropped if sentence not in gone]
    assert gone == order
    assert "危険な場所にいる方は全員、今すぐ避難してください。" in shrinking[-1].body


def test_a_long_area_is_shortened_by_the_ward_and_until_when_still_stands() -> None:
    made = mail(record(order=FLOOD_4, names=NAMES))
    assert len(made.body) <= FIGURES.body_chars
    assert "等60区域）に警戒レベル4 避難指示（洪水）を発令しました。" in made.body
    assert "解除の連絡があるまで続けてください。" in made.body
    assert made.area_shortened


def test_a_recall_names_the_time_and_counts_its_areas() -> None:
    made = mail(record(order=FLOOD_4, act=Act.RECALL, names=NAMES))
    assert made.title == "【取消】避難指示（洪水）"
    assert made.body.startswith(
        "仙台市が11月23日14時06分に若林区内60区域に出した警戒レベル4 避難指示（洪水）は誤りでした。"
    )
    assert made.may_send


def test_an_area_that_can_not_be_said_is_refused_and_not_cut() -> None:
    names = tuple(f"川の東側で線路より北の第{n}の区域" for n in range(40))
    made = mail(record(order=FLOOD_4, names=names))
    assert all(one in made.body for one in names)
    assert "本文が200字に入りません" in made.problems[0]


def test_addresses_and_telephone_numbers_are_left_out() -> None:
    free = {
        "ja": "電話は022-214-1234へ。https://www.city.sendai.jp/ も見てください。声をかけ合ってください。"
    }
    made = mail(record(order=FLOOD_4, free=free))
    assert "022" not in made.body and "http" not in made.body
    assert "声をかけ合ってください。" in made.body
    assert made.may_send


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (
            record(order=(HazardKind.EARTHQUAKE, OrderKind.NOTICE, None)),
            "お知らせは緊急速報メールで送れません",
        ),
        (record(Realm.DRILL, FLOOD_4), "訓練では送りません"),
        (record(order=FLOOD_4, act=Act.LIFT), "解除・終了は送りません"),
    ],
)
def test_what_may_not_be_sent_says_why(made: AlertRecord, why: str) -> None:
    assert why in "".join(mail(made).problems)


def test_a_drill_that_may_be_sent_is_marked_at_both_ends() -> None:
    made = mail(record(Realm.DRILL, FLOOD_4), drills=True)
    assert made.may_send
    assert made.title.startswith("【訓練】") and made.body.startswith("【訓練】")
    assert made.body.endswith("これは訓練です")


def test_letters_that_old_telephones_lack_are_named() -> None:
    made = mail(record(order=FLOOD_4, free={"ja": "髙砂橋😀は通れません。"}))
    assert made.odd == ("髙", "😀")


def test_a_draft_has_a_mark_where_its_time_will_stand_which_never_makes_it_fit_better() -> None:
    made = record(order=FLOOD_4)
    draft = msgspec.structs.replace(made, released_at=None)
    assert "〔承認の時刻が入ります〕" in mail(draft).body
    late = msgspec.structs.replace(made, released_at=NOW.replace(month=12, day=30, hour=3, minute=59))
    assert len(mail(draft).body) == len(mail(late).body)


@given(
    order=st.sampled_from(ORDERS),
    act=st.sampled_from(Act),
    realm=st.sampled_from(Realm),
    names=st.integers(1, 200),
    free=st.text(st.sampled_from("川の水。！道 "), max_size=200),
    limit=st.integers(130, 500),
)
def test_a_mail_is_never_longer_than_it_may_be_and_the_same_record_gives_the_same_mail(  # noqa: PLR0917
    order: tuple[HazardKind, OrderKind, TsunamiClass | None],
    act: Act,
    realm: Realm,
    names: int,
    free: str,
    limit: int,
) -> None:
    area = tuple(f"{WARDS[n % 5]}荒町{n}丁目" for n in range(names))
    made = record(realm, order, act, names=area, free={"ja": free})
    one = mail(made, body_chars=limit)
    assert len(one.title) <= FIGURES.title_chars
    assert len(one.body) <= limit or one.problems
    assert all(ward in one.body for ward in {name[: name.index("区") + 1] for name in area})
    assert one == mail(made, body_chars=limit)
