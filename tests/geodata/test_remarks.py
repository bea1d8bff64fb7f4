from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.hazards import HazardKind
from geodata.remarks import merge_limits, read_floors, read_name
from geodata.sites import FloorGroup, SiteForm, site_form_of

RAIN, SURGE, TSUNAMI = FloorGroup.HEAVY_RAIN, FloorGroup.STORM_SURGE, FloorGroup.TSUNAMI
SCHOOL = {
    HazardKind.FLOOD,
    HazardKind.LANDSLIDE,
    HazardKind.EARTHQUAKE,
    HazardKind.TSUNAMI,
    HazardKind.INLAND_FLOOD,
}
ONLY_TSUNAMI = {HazardKind.TSUNAMI}


@pytest.mark.parametrize(
    ("text", "hazards", "limits", "part"),
    [
        ("大雨：2階以上", SCHOOL, {RAIN: 2}, ""),
        ("大雨：3階以上", SCHOOL, {RAIN: 3}, ""),
        ("大雨：2階以上 津波：3階以上", SCHOOL, {RAIN: 2, TSUNAMI: 3}, ""),
        ("大雨：2階以上\r\n津波：2階以上", SCHOOL, {RAIN: 2, TSUNAMI: 2}, ""),
        ("津波、大雨：2階以上", SCHOOL, {RAIN: 2, TSUNAMI: 2}, ""),
        ("津波、大雨：2階以上", (), {RAIN: 2, TSUNAMI: 2}, ""),
        ("2階以上", ONLY_TSUNAMI, {TSUNAMI: 2}, ""),
        ("2階以上の共用廊下等", ONLY_TSUNAMI, {TSUNAMI: 2}, "共用廊下等"),
        ("2階以上の共用廊下・階段", ONLY_TSUNAMI, {TSUNAMI: 2}, "共用廊下・階段"),
        ("2階の共用廊下", ONLY_TSUNAMI, {TSUNAMI: 2}, "共用廊下"),
        ("２階Ｄユニットの廊下等", ONLY_TSUNAMI, {TSUNAMI: 2}, "Dユニットの廊下等"),
        ("屋上", ONLY_TSUNAMI, {TSUNAMI: "roof"}, ""),
        ("2階以上", SCHOOL, {RAIN: 2, TSUNAMI: 2}, ""),
        ("2階以上", (), {RAIN: 2, SURGE: 2, TSUNAMI: 2}, ""),
        ("2階以上", {HazardKind.EARTHQUAKE}, {}, ""),
        ("津波：2階以上 津波：屋上", SCHOOL, {TSUNAMI: "roof"}, ""),
    ],
)
def test_a_floor_limit_in_the_remarks_becomes_a_field(text, hazards, limits, part):
    read = read_floors(text, hazards)
    assert (dict(read.floor_limits), read.refuge_part, read.rest) == (limits, part, "")


@pytest.mark.parametrize(
    "text", ["太白区八本松2-1-64外", "1階を除く", "地震:2階以上", "大津波警報時は屋上のみ", "階以上"]
)
def test_what_is_not_understood_is_kept_word_for_word(text):
    read = read_floors(text, SCHOOL)
    assert (dict(read.floor_limits), read.rest) == ({}, text)


def test_what_is_understood_and_what_is_not_may_stand_together():
    read = read_floors("大雨：2階以上 校庭は不可", SCHOOL)
    assert (dict(read.floor_limits), read.rest) == ({RAIN: 2}, "校庭は不可")


@given(
    st.lists(
        st.sampled_from(["大雨：2階以上", "津波：3階以上", "屋上", "校庭は不可", "2階", "駐車場：5台"]),
        max_size=5,
    )
)
def test_every_clause_is_either_understood_or_kept(clauses):
    read = read_floors(" ".join(clauses), SCHOOL)
    kept = read.rest.split()
    assert kept == [one for one in clauses if one in {"校庭は不可", "駐車場：5台"}]
    understood = [unicodedata.normalize("NFKC", one) for one in clauses if one not in kept]
    highest = max((int(found[0]) for one in understood if (found := re.search(r"\d", one))), default=None)
    if "屋上" in understood:
        assert set(read.floor_limits.values()) == {"roof"}
    elif highest:
        assert max(read.floor_limits.values()) == highest


def test_an_operating_rule_in_a_name_becomes_a_field_and_leaves_the_name():
    read = read_name("鶴が丘中学校（大雨時に初動で開設しません）", SCHOOL)
    assert (read.name, read.not_opened_first_in_rain, dict(read.floor_limits)) == ("鶴が丘中学校", True, {})


@pytest.mark.parametrize(
    "name", ["ろりぽっぷ小学校（旧坪沼小学校）", "避難階段（仙台１）", "冒険広場（避難の丘）", "ＣＡＳＡ高砂"]
)
def test_other_brackets_stay_in_the_name(name):
    assert read_name(name, SCHOOL).name == name
    assert not read_name(name, SCHOOL).not_opened_first_in_rain


@pytest.mark.parametrize(
    ("published", "name", "limits"),
    [
        ("気仙沼パークホテル（屋上）", "気仙沼パークホテル", {RAIN: "roof", TSUNAMI: "roof"}),
        (
            "店（津波避難ビル（屋上駐車場））",
            "店（津波避難ビル（屋上駐車場））",
            {RAIN: "roof", TSUNAMI: "roof"},
        ),
        (
            "店（津波避難ビル（立体駐車場２～４階））",
            "店（津波避難ビル（立体駐車場２～４階））",
            {RAIN: 2, TSUNAMI: 2},
        ),
        ("公民館（１階は使用しない）", "公民館（１階は使用しない）", {RAIN: 2, TSUNAMI: 2}),
        (
            "校舎（体育館と１階を除く・大津波時は２階も除く）",
            "校舎（体育館と１階を除く・大津波時は２階も除く）",
            {RAIN: 2, TSUNAMI: 3},
        ),
        ("（屋上）", "（屋上）", {RAIN: "roof", TSUNAMI: "roof"}),
    ],
)
def test_a_floor_in_a_name_is_read_and_an_excluded_floor_means_the_one_above(published, name, limits):
    read = read_name(published, SCHOOL)
    assert (read.name, dict(read.floor_limits)) == (name, limits)


def test_of_two_limits_the_higher_one_holds():
    assert merge_limits({RAIN: 2, TSUNAMI: 3}, {RAIN: 3, TSUNAMI: 2}) == {RAIN: 3, TSUNAMI: 3}
    assert merge_limits({TSUNAMI: "roof"}, {TSUNAMI: 4}) == {TSUNAMI: "roof"}


@pytest.mark.parametrize(
    ("name", "hazards", "form"),
    [
        ("荒浜小学校", SCHOOL, SiteForm.ELEMENTARY_SCHOOL),
        ("七郷中学校", SCHOOL, SiteForm.JUNIOR_HIGH),
        ("宮城県仙台二華中学校・高等学校", SCHOOL, SiteForm.HIGH_SCHOOL),
        ("仙台青陵中等教育学校", SCHOOL, SiteForm.HIGH_SCHOOL),
        ("仙台城南高等学校グラウンド", SCHOOL, SiteForm.OPEN_GROUND),
        ("高砂市民センター", SCHOOL, SiteForm.CIVIC_CENTRE),
        ("避難階段（仙台１）", ONLY_TSUNAMI, SiteForm.EVACUATION_STAIRS),
        ("冒険広場（避難の丘）", ONLY_TSUNAMI, SiteForm.EVACUATION_HILL),
        ("井土津波避難タワー", ONLY_TSUNAMI, SiteForm.TSUNAMI_TOWER),
        ("二木津波避難ビル", ONLY_TSUNAMI, SiteForm.TSUNAMI_BUILDING),
        ("キリンビール", ONLY_TSUNAMI, SiteForm.TSUNAMI_BUILDING),
        ("特別養護老人ホーム 中野あおばの杜", ONLY_TSUNAMI, SiteForm.TSUNAMI_BUILDING),
        ("特別養護老人ホーム 中野あおばの杜", (), SiteForm.WELFARE),
        ("赤石文化財収蔵庫（旧生出小学校赤石分校）", SCHOOL, SiteForm.OTHER),
    ],
)
def test_what_stands_there_is_read_from_the_name(name, hazards, form):
    assert site_form_of(name, hazards) is form
    assert form.always_open == (
        form in {"tsunami_tower", "evacuation_hill", "evacuation_stairs", "open_ground"}
    )
