"""A long area is named in less room, and never so that a ward is lost or an ending reaches too far."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bosai.channels.area_names import SPOKEN, area_forms

WARDS = ("青葉区", "宮城野区", "若林区", "太白区", "泉区")
NAMES = st.lists(
    st.one_of(
        st.sampled_from(["津波避難エリア1", "名取川沿い", "仙台市西部", *WARDS]),
        st.builds(
            lambda ward, town, n: f"{ward}{town}{n}丁目",
            st.sampled_from(WARDS),
            st.sampled_from(["荒町", "長町", "南小泉"]),
            st.integers(1, 9),
        ),
    ),
    min_size=1,
    max_size=40,
    unique=True,
)


def texts(*names: str) -> list[str]:
    return [one.text for one in area_forms(names, WARDS, ends=False, manner=SPOKEN)]


def test_the_forms_go_from_every_name_to_a_count_by_ward() -> None:
    forms = area_forms(
        ("若林区荒浜", "若林区井土", "若林区藤塚", "太白区長町", "津波避難エリア1"), WARDS, ends=False
    )
    assert [(one.text, one.complete) for one in forms] == [
        ("若林区荒浜、若林区井土、若林区藤塚、太白区長町、津波避難エリア1", True),
        ("津波避難エリア1、若林区（荒浜、井土、藤塚）、太白区長町", True),
        ("津波避難エリア1、若林区（荒浜等3区域）、太白区長町", False),
        ("津波避難エリア1、若林区内3区域、太白区長町", False),
    ]


def test_an_ending_counts_and_never_says_and_others() -> None:
    names = tuple(f"若林区荒町{n}丁目" for n in range(1, 7))
    assert "等" in "".join(one.text for one in area_forms(names, WARDS, ends=False))
    ending = [one.text for one in area_forms(names, WARDS, ends=True)]
    assert "等" not in "".join(ending)
    assert ending[-1] == "若林区内6区域"


def test_a_ward_named_whole_swallows_its_towns() -> None:
    assert texts("若林区", "若林区荒浜")[-1] == "若林区"


def test_spoken_names_have_no_brackets() -> None:
    assert "若林区の、荒浜、井土、藤塚" in texts("若林区荒浜", "若林区井土", "若林区藤塚")


@given(NAMES, st.booleans())
def test_no_ward_and_no_name_outside_the_wards_is_ever_lost(names: list[str], ends: bool) -> None:
    forms = area_forms(names, WARDS, ends=ends)
    outside = [one for one in names if not one.startswith(WARDS)]
    touched = {ward for ward in WARDS for one in names if one.startswith(ward)}
    for form in forms:
        assert all(one in form.text for one in outside)
        assert all(ward in form.text for ward in touched)
        assert not ends or "等" not in form.text
    lengths = [len(one.text) for one in forms]
    assert lengths == sorted(lengths, reverse=True)
    assert forms[0].text == "、".join(names)


@given(NAMES, st.booleans())
def test_a_count_is_the_number_of_areas_there_are(names: list[str], ends: bool) -> None:
    for form in area_forms(names, WARDS, ends=ends):
        assert 1 <= form.named <= len(names)
        for ward, count in re.findall(r"(\w+?区)内(\d+)区域", form.text):
            assert int(count) == sum(one.startswith(ward) and one != ward for one in names)
