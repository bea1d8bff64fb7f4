"""What is fetched at all is decided from a feed's entry, before any download."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta

import pytest

from bosai.feeds.atom import FeedEntry
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.wanted import Family, Want, of_family, wanted
from bosai.settings import load_settings
from tests.bosai.feeds.telegrams import jma_folder

AT = datetime(2026, 4, 1, 3, 0, tzinfo=UTC)
SENDAI = load_settings().feeds.rows


def entry(
    type_code: str | None,
    office: str | None = "040000",
    *,
    content: str = "",
    author: str = "",
    minute: int = 0,
) -> FeedEntry:
    at = AT + timedelta(minutes=minute)
    return FeedEntry(
        id=f"{at:%H%M}_{type_code}_{office}",
        href="https://a.test/x.xml",
        title="指定河川洪水予報" if (type_code or "").startswith("VXKO") else "題",
        updated_at=at,
        type_code=type_code,
        office=office,
        author=author,
        content=content,
    )


def is_wanted(one: FeedEntry) -> bool:
    return bool(wanted([one], SENDAI))


@pytest.mark.parametrize(
    "type_code",
    ["VPWW55", "VPWW56", "VPWW57", "VPWW58", "VPWW59", "VPWW60", "VPWW61", "VPWP50", "VPBS50", "VPNO50"],
)
def test_weather_is_fetched_for_miyagi_only(type_code: str):
    assert is_wanted(entry(type_code, "040000"))
    assert not is_wanted(entry(type_code, "070000"))
    assert is_wanted(entry(type_code, None)), "missing a warning costs more than a download"


@pytest.mark.parametrize("type_code", ["VTSE41", "VTSE51", "VTSE52", "VXSE51", "VXSE52", "VXSE53", "VYSE60"])
def test_quakes_and_tsunamis_are_fetched_from_whichever_office_stands_in(type_code: str):
    assert is_wanted(entry(type_code, "010000"))
    assert is_wanted(entry(type_code, "270000"))


@pytest.mark.parametrize("type_code", ["VPFD51", "VFVO50", "VXSE43", "VYSE50", "VPWW53", "VPWS50", None])
def test_what_no_row_names_is_left_alone(type_code: str | None):
    assert not is_wanted(entry(type_code))


def test_only_one_layout_of_weather_warnings_is_ever_fetched():
    rows = [one.row for one in load_settings().feeds.wants]
    new, old = of_family(rows, Family.R06), of_family(rows, Family.LEGACY)
    both = [entry(code) for code in ("VPWW55", "VPWW54", "VXWW50", "VPOA50", "VPBS50", "VPNO50", "VTSE41")]
    assert [one.type_code for one in wanted(both, new)] == ["VPWW55", "VPBS50", "VPNO50", "VTSE41"]
    assert [one.type_code for one in wanted(both, old)] == [
        "VPWW54",
        "VXWW50",
        "VPOA50",
        "VPNO50",
        "VTSE41",
    ]


@pytest.mark.parametrize(
    ("content", "author", "office", "fetched"),
    [
        ("【名取川レベル４氾濫危険警報】名取川では、氾濫のおそれあり", "", None, True),
        ("【広瀬川レベル３氾濫警報】", "", "820000", True),
        ("【阿武隈川下流レベル３氾濫警報】", "福島地方気象台", "070000", True),
        ("【阿武隈川上流レベル３氾濫警報】", "福島地方気象台", "070000", False),
        ("【太平川レベル３氾濫警報】太平川では", "秋田県建設部河川砂防課 秋田地方気象台", None, False),
        ("【緑川水系レベル４氾濫危険警報】", "熊本地方気象台", "430000", False),
        ("【吉田川レベル３氾濫警報】", "北上川下流河川事務所 仙台管区気象台", None, True),
        ("【レベル３氾濫警報】", "", None, True),
        ("", "旭川地方気象台", None, True),
        ("", "", "040000", True),
    ],
)
def test_river_forecasts_are_told_by_the_river_and_fetched_when_in_doubt(
    content: str, author: str, office: str | None, fetched: bool
):
    assert is_wanted(entry("VXKO89", office, content=content, author=author)) is fetched


def test_of_what_is_replaced_whole_only_the_newest_of_each_office_is_fetched():
    rows = (Want(types=("VPWP50",), newest_only=True),)
    series = [entry("VPWP50", minute=n) for n in range(3)]
    other = entry("VPWP50", "070000", minute=1)
    assert wanted([*series, other], rows) == (series[2], other)


def test_megabytes_are_fetched_after_a_gap_only():
    rows = (Want(types=("VPWS50",), after_gap_only=True),)
    one = entry("VPWS50", "010000")
    assert wanted([one], rows) == ()
    assert wanted([one], rows, in_gap=True) == (one,)


@pytest.mark.real_data
def test_no_recorded_river_forecast_of_another_prefecture_is_fetched():
    files = sorted((jma_folder() / "official_samples").glob("*VXKO*"))
    assert files
    for path in files:
        told = parse_telegram(path.read_bytes(), name=path.name)
        said = f"【{told.head_title}】{told.headline}"
        assert not is_wanted(entry("VXKO50", None, content=said, author=" ".join(told.publishing_offices))), (
            path.name
        )


@pytest.mark.real_data
def test_every_river_name_of_the_settings_is_one_of_jmas_table():
    path = next((jma_folder() / "codes").glob("AreaFloodForecast_*.csv"))
    with path.open(encoding="utf-8") as rows:
        known = {row[1] for row in csv.reader(rows) if len(row) > 1}
    (row,) = [one for one in SENDAI if one.types == ("VXKO",)]
    rivers = [one for one in row.names if one.endswith(("川", "流"))]
    assert len(rivers) == 4
    assert set(rivers) <= known
