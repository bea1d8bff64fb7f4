"""The table of proposals: what a city may write into it, and what is refused with the row named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bosai.feeds.readings import Danger, Grade
from bosai.messages.notices import prepared
from bosai.model.alert import OrderKind
from bosai.settings import SettingsInvalid, load_settings
from bosai.settings_proposals import rules_of

ROW = """
[[proposals.rules]]
name = "slope"
system = "weather"
danger = "landslide"
hazard = "landslide"
areas = ["0410001"]
zones = ["ward:太白区"]
[proposals.rules.urgent]
kind = "evacuate"
"""


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "city.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_of_the_citys_own_replaces_the_whole_table(tmp_path: Path) -> None:
    (rule,) = rules_of(load_settings(own(tmp_path, ROW))).rules
    assert (rule.name, rule.danger, dict(rule.steps)[Grade.URGENT].kind) == (
        "slope",
        Danger.LANDSLIDE,
        OrderKind.EVACUATE,
    )
    assert rule.zones_at(Grade.URGENT, "0410001") == ("ward:太白区",)
    assert rule.zones_at(Grade.WARNING, "0410001") == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('kind = "evacuate"', 'kind = "tsunami_evacuation"'), "does not go together"),
        (("[proposals.rules.urgent]", "[proposals.rules.advisory]"), "at level 2"),
        (('kind = "evacuate"', 'kind = "evacuated"'), "Invalid enum value"),
        (('name = "slope"', 'name = "Slope 1"'), "rules"),
        (('areas = ["0410001"]', "areas = []"), "names no areas"),
        (("[proposals.rules.urgent]\nkind", "at_least"), "suggests nothing"),
        (('zones = ["ward:太白区"]', 'at_least = "5-"'), "not what is suggested"),
        (('zones = ["ward:太白区"]', 'at_least = "6弱"'), "at_least must be one of"),
        (('zones = ["ward:太白区"]', 'yields_to = ["tsunami"]'), "names no rule, tsunami"),
        (('danger = "landslide"', 'danger = "later_quake"'), "never a call to leave"),
        (('zones = ["ward:太白区"]', 'zone = ["ward:太白区"]'), "zone"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = ROW.replace(*change)
    assert text != ROW
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(own(tmp_path, text))
    assert "proposals" in str(caught.value)
    assert says.lower() in str(caught.value).lower()


def test_two_rows_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="slope is there twice"):
        load_settings(own(tmp_path, ROW + ROW))


def test_every_prepared_text_that_the_shipped_table_names_is_written() -> None:
    for name in rules_of(load_settings()).texts:
        assert prepared(name), name


def test_the_coast_and_its_zones_come_from_the_settings_of_tsunamis(tmp_path: Path) -> None:
    text = '[tsunami]\nzones_warning = ["harbour"]\n[feeds]\njma_tsunami_area = "210"\n'
    rules = rules_of(load_settings(own(tmp_path, text))).rules
    rule = next(one for one in rules if one.name == "tsunami")
    assert rule.areas == ("210",)
    assert rule.zones_at(Grade.WARNING, "210") == ("tsunami:harbour",)
