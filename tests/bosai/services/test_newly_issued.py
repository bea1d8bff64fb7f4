"""An update that puts another order in force says 発令 in every channel; one that keeps the order says 更新."""

from __future__ import annotations

import pytest

from bosai.channels.area_mail import area_mail
from bosai.channels.governor import report_of
from bosai.channels.loudspeaker import broadcast
from bosai.channels.press import release
from bosai.messages.orders import is_newly_issued
from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.alert_moves import OrderWriter
from bosai.settings import load_settings
from bosai.web.console.prefill import free_sentences
from geodata.hazards import HazardKind
from tests.bosai.channels.orders import NOW, Series, form, tsunami_form
from tests.bosai.services.test_alert_moves import WRITERS

CHANNELS = load_settings().channels
WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
LEVEL_3 = form(kind=OrderKind.ELDERLY_ETC)
LEVEL_4 = form(kind=OrderKind.EVACUATE)
LEVEL_5 = form(kind=OrderKind.EMERGENCY_SAFETY)
ADVISORY, WARNING, MAJOR = (tsunami_form(one) for one in TsunamiClass)
NOTICE = form(hazard=HazardKind.TSUNAMI, kind=OrderKind.NOTICE, tsunami_class=TsunamiClass.MAJOR_WARNING)
EVERYWHERE = ("ja", "ja-x-easy", "en", "zh-Hans", "zh-Hant", "ko", "vi", "ne", "id")


def said(series: Series) -> list[str]:
    head = series.head
    report = report_of(head, CHANNELS.governor, None)
    return [
        head.alert.texts["ja"].body,
        area_mail(head, CHANNELS.area_mail, WARDS).body,
        broadcast(head, CHANNELS.loudspeaker, WARDS, {}).text,
        *([report.act] if report else []),
    ]


@pytest.mark.parametrize(
    ("first", "then"),
    [(LEVEL_3, LEVEL_4), (LEVEL_4, LEVEL_5), (LEVEL_4, LEVEL_3), (WARNING, MAJOR), (NOTICE, MAJOR)],
)
def test_another_kind_or_a_graver_class_is_issued(first, then):
    series = Series(first)
    series.update(then)
    assert is_newly_issued(series.head.alert)
    for words in said(series):
        assert "発令" in words and "更新" not in words


@pytest.mark.parametrize(("first", "then"), [(LEVEL_4, LEVEL_4), (MAJOR, WARNING), (WARNING, WARNING)])
def test_the_same_order_or_a_lighter_class_is_updated(first, then):
    series = Series(first)
    series.update(then)
    assert not is_newly_issued(series.head.alert)
    for words in said(series):
        assert "更新" in words


def test_no_language_speaks_of_an_update_when_level_5_follows_level_4():
    issued = Series(LEVEL_5).head.alert
    series = Series(LEVEL_4)
    series.update(LEVEL_5)
    assert {lang: series.head.alert.texts[lang] for lang in EVERYWHERE} == {
        lang: issued.texts[lang] for lang in EVERYWHERE
    }


def test_a_notice_never_says_that_something_was_ordered():
    series = Series(NOTICE)
    assert not is_newly_issued(series.head.alert)
    series.update(NOTICE)
    assert "発令" not in series.head.alert.texts["ja"].body


def test_hqs_own_sentence_is_found_again_in_an_update_that_issued():
    series = Series(LEVEL_4)
    own = {"ja": "東側の道は通れません。"}
    series.update(form(kind=OrderKind.EMERGENCY_SAFETY, texts_free=own))
    assert free_sentences(series.head.alert) == own


def test_changed_back_before_release_it_is_an_update_again():
    writer: OrderWriter = WRITERS[Realm.LIVE]
    base = Series(LEVEL_4).head
    draft = writer.update(base, 2, LEVEL_5, drafter="abe", now=NOW)
    back = writer.redrafted(draft, LEVEL_4, "sato", NOW, base=base.alert)
    again = writer.redrafted(back, LEVEL_5, "sato", NOW, base=base.alert)
    assert [is_newly_issued(one.alert) for one in (draft, back, again)] == [True, False, True]


def test_the_press_release_of_a_graver_order_is_about_its_issue():
    series = Series(LEVEL_4)
    series.update(LEVEL_5)
    made = release(series.head, CHANNELS.press, None, "")
    assert "発令" in made.title and not any("更新" in one for one in made.lines)
