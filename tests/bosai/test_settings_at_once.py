"""[at_once]: off as shipped, an order only with a cited rule, and nothing that could be misread."""

import pytest

from bosai.model.alert import OrderKind, TsunamiClass
from bosai.settings import SettingsInvalid, load_settings


def test_as_shipped_nothing_goes_out_by_itself_on_either_side_and_nobody_would_order():
    shipped = load_settings().at_once
    assert not shipped.enabled and not shipped.enabled_in_drill
    assert shipped.kind is OrderKind.NOTICE and set(shipped.classes) == set(TsunamiClass)


def test_a_cited_rule_makes_it_an_evacuation_order():
    cited = load_settings(overrides={"at_once.standing_rule": "地域防災計画 第3編第2章"}).at_once
    assert cited.kind is OrderKind.TSUNAMI_EVACUATION


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"at_once.standing_rule": "一行目\n二行目"}, "standing_rule"),
        ({"at_once.standing_rule": "あ" * 301}, "standing_rule"),
        ({"at_once.standing_rule": " 前の空白"}, "standing_rule"),
        ({"at_once.classes": ["warning", "warning"]}, "classes"),
        ({"at_once.classes": ["forecast"]}, "classes"),
        ({"at_once.classes": [], "at_once.enabled": True}, "classes"),
        ({"at_once.telegram_max_age_min": 0}, "telegram_max_age_min"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_name(given, named):
    with pytest.raises(SettingsInvalid, match=named):
        load_settings(overrides=given)
