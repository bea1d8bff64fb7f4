"""What telegrams say and did, in words: by code and grade, and never more than 気象庁 said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from bosai.feeds.changes import Change, ChangeKind, IgnoredReason, Outcome, Standing, TelegramRow
from bosai.feeds.jma.envelope import InfoType, parse_telegram
from bosai.feeds.readings import Area, Danger, Expected, Forecast, Grade, Happening, Kind, System
from bosai.messages.wording import check_wording
from bosai.model.realm import Realm
from bosai.web.console import telegram_words
from bosai.web.console.telegram_words import (
    ChangeLine,
    Ours,
    chip,
    chip_class,
    delay,
    group_of,
    info_word,
    lines_of,
)
from tests.bosai.feeds.telegrams import JST, item, report

AT = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
SENDAI = Ours(city="0410", tsunami_area="220", rivers=("名取川", "阿武隈川下流"))
SOURCE = parse_telegram(report(item(), report_at=AT), name="1_0_VTSE41_010000.xml").source


def kind(grade: Grade, danger: Danger = Danger.LANDSLIDE, name: str = "名", **given: Any) -> Kind:
    return Kind(code="49", name=name, danger=danger, grade=grade, **given)


def standing(one: Kind, code: str = "0410001", system: System = System.WEATHER) -> Standing:
    return Standing(system=system, code=code, name="所", layer="", kind=one, since=AT, source=SOURCE)


def line(change: ChangeKind, **given: Any) -> ChangeLine:
    (only,) = lines_of([Change(kind=change, source=SOURCE, **given)], SENDAI)
    return only


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        (Grade.EMERGENCY, "警戒レベル5相当"),
        (Grade.URGENT, "警戒レベル4相当"),
        (Grade.WARNING, "警戒レベル3相当"),
        (Grade.ADVISORY, "警戒レベル2"),
        (Grade.NONE, ""),
        (Grade.UNKNOWN, ""),
    ],
)
def test_levels_of_jma_are_equivalents_and_level_two_is_its_own(grade: Grade, words: str):
    assert chip(kind(grade)) == words
    assert bool(chip_class(kind(grade))) is bool(words)


@pytest.mark.parametrize("danger", [Danger.WIND, Danger.WAVES, Danger.SNOW, Danger.THUNDER])
@pytest.mark.parametrize("grade", [Grade.ADVISORY, Grade.WARNING, Grade.EMERGENCY])
def test_wind_waves_and_snow_have_no_level_however_grave(danger: Danger, grade: Grade):
    assert chip(kind(grade, danger)) == chip_class(kind(grade, danger)) == ""


@pytest.mark.parametrize(
    ("grade", "words", "colour"),
    [
        (Grade.EMERGENCY, "大津波警報", "jma-tsunami-major_warning"),
        (Grade.WARNING, "津波警報", "jma-tsunami-warning"),
        (Grade.ADVISORY, "津波注意報", "jma-tsunami-advisory"),
        (Grade.BELOW, "", ""),
        (Grade.NONE, "", ""),
        (Grade.UNKNOWN, "", ""),
    ],
)
def test_a_tsunami_is_named_by_its_class_and_never_by_a_level(grade: Grade, words: str, colour: str):
    one = kind(grade, Danger.TSUNAMI, "大津波警報：発表")
    assert (chip(one), chip_class(one)) == (words, colour)
    assert "レベル" not in chip(one)


def test_newly_in_force_is_called_happyo_and_graver_hikiage_with_what_was_before():
    new = line(ChangeKind.RAISED, after=standing(kind(Grade.WARNING)))
    assert (new.verb, new.chip, new.notes) == ("発表", "警戒レベル3相当", ())
    before = standing(kind(Grade.WARNING, name="レベル３土砂災害警報"))
    after = standing(kind(Grade.URGENT, name="レベル４土砂災害危険警報"))
    graver = line(ChangeKind.RAISED, before=before, after=after)
    assert (graver.verb, graver.what, graver.notes) == (
        "引上げ",
        "レベル４土砂災害危険警報",
        ("前：レベル３土砂災害警報",),
    )


def test_what_is_lifted_or_recalled_shows_no_level_any_more():
    before = standing(kind(Grade.URGENT, name="レベル４土砂災害危険警報"))
    lifted = line(ChangeKind.LIFTED, before=before)
    assert (lifted.verb, lifted.chip, lifted.what) == ("解除", "", "レベル４土砂災害危険警報")
    silent = line(ChangeKind.LIFTED, before=before, stated=False)
    assert "この区域がなくなりました" in silent.notes[0]
    recalled = line(ChangeKind.RECALLED, before=before)
    assert (recalled.verb, recalled.notes) == ("取消", ("誤りとして取り消されました",))


def test_a_code_nobody_knows_is_said_to_need_eyes_with_its_code():
    area = Area(system=System.WEATHER, code="0410001", name="仙台市東部", kinds=(kind(Grade.UNKNOWN),))
    unclear = line(ChangeKind.UNCLEAR, area=area)
    assert unclear.verb == "要確認"
    assert "コード 49" in unclear.what
    assert "直接確かめてください" in unclear.notes[0]


def test_what_happened_and_what_is_expected_are_told_as_given():
    felt = Happening(
        danger=Danger.SHAKING,
        system=System.SEISMIC,
        code="0410300",
        name="仙台若林区",
        value="6-",
        layer="市町村等",
        at=AT,
    )
    shaken = line(ChangeKind.HAPPENED, happening=felt)
    assert (shaken.verb, shaken.what, shaken.notes) == ("観測・情報", "震度６弱", ("12:03",))
    later = Expected(
        grade=Grade.URGENT, level=4, starts_at=AT, lasts=timedelta(hours=3), place="", as_given="1日15時から"
    )
    given = {"system": System.WEATHER, "code": "0410001", "name": "所", "danger": Danger.LANDSLIDE}
    expected = line(ChangeKind.EXPECTED, forecast=Forecast(**given, expected=(later,)))
    assert (expected.verb, expected.what, expected.notes) == ("予想", "土砂災害", ("1日15時から",))
    assert line(ChangeKind.EXPECTED, forecast=Forecast(**given, expected=())).notes == (
        "予想されているものはありません",
    )


def test_ours_come_first_and_a_code_counts_in_its_own_table_only():
    assert SENDAI.holds(System.TSUNAMI, "220", "宮城県")
    assert SENDAI.holds(System.TSUNAMI, "22021", "仙台港")
    assert not SENDAI.holds(System.TSUNAMI, "21001", "宮古")
    assert not SENDAI.holds(System.SEISMIC, "220", "宮城県北部")
    assert SENDAI.holds(System.SEISMIC, "0410500", "仙台泉区")
    assert SENDAI.holds(System.WEATHER, "0410002", "仙台市西部")
    assert not SENDAI.holds(System.WEATHER, "040010", "東部")
    assert not SENDAI.holds(System.WEATHER, "0420200", "石巻市")
    assert SENDAI.holds(System.RIVER, "820202000100", "名取川")
    assert not SENDAI.holds(System.RIVER, "820203000400", "吉田川")
    assert not SENDAI.holds(System.RIVER, "820201000101", "阿武隈川上流")
    far = Change(kind=ChangeKind.RAISED, source=SOURCE, after=standing(kind(Grade.URGENT), "0420200"))
    near = Change(kind=ChangeKind.RAISED, source=SOURCE, after=standing(kind(Grade.ADVISORY)))
    assert [one.chip for one in lines_of([far, near], SENDAI)] == ["警戒レベル2", "警戒レベル4相当"]


@pytest.mark.parametrize(
    ("after_s", "words"),
    [
        (52, "発表から52秒"),
        (300, "発表から5分"),
        (3 * 3600, "発表から3時間"),
        (3 * 86400, "発表から3日"),
        (-5, "発表時刻より前（時計を確かめてください）"),
    ],
)
def test_how_late_it_came_is_told_from_the_time_of_the_report(after_s: int, words: str):
    assert delay(row(received_at=AT + timedelta(seconds=after_s))) == words


def test_what_others_send_is_not_called_by_the_word_of_the_agency():
    source = msgspec.structs.replace(SOURCE, type_code="CAP")
    assert delay(row(source=source, feed="prefecture")) == "発信から0秒"
    assert info_word(row(source=source, feed="prefecture")) == "発信"
    assert info_word(row()) == "発表"
    recalled = msgspec.structs.replace(source, info_type=InfoType.CANCELLED)
    assert info_word(row(source=recalled, feed="prefecture")) == "取消"


def row(**given: Any) -> TelegramRow:
    facts = {"received_at": AT, "feed": "jma", "source": SOURCE, "outcome": Outcome.KEPT}
    return TelegramRow(key="k", name="n", size_bytes=1, **{**facts, **given})


def test_rows_are_grouped_by_type_and_those_without_one_by_where_they_came_from():
    assert group_of(row()) == "tsunami"
    assert group_of(row(source=None)) == "other"
    assert group_of(row(source=None, feed="prefecture")) == "cap"


def test_every_value_has_words_and_they_pass_the_wording_rules():
    tables = [
        (Outcome, telegram_words.OUTCOMES),
        (Outcome, telegram_words.OUTCOME_NOTES),
        (IgnoredReason, telegram_words.IGNORED),
        (System, telegram_words.SYSTEMS),
        (Danger, telegram_words.DANGERS),
    ]
    for values, words in tables:
        assert set(words) == set(values)
        for text in words.values():
            broken = check_wording(text, "ja", hazard=None, level=None, realm=Realm.LIVE, issuer="page")
            # HQ's console has to name the other side; no resident reads it.
            assert [one for one in broken if one.rule != "drill_words_on_live"] == [], text
