"""From the bytes of a telegram to what HQ is asked: real files with their areas exchanged for ours, expected by eye."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bosai.feeds.changes import IgnoredReason
from bosai.feeds.in_force import State, WeatherFamily, fold, in_force
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.proposing import propose_all
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import OrderKind
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from geodata.hazards import HazardKind
from tests.bosai.feeds.telegrams import JST, jma_folder
from tests.bosai.feeds.test_proposing import waiting
from tests.bosai.feeds.weather_telegrams import (
    COLLECTION,
    EAST,
    LANDSLIDE,
    LANDSLIDE_ALERT,
    LEGACY,
    MIYAGI,
    RAIN,
    SURGE,
    WEST,
    WIND,
    criteria,
    item,
    kind,
    layer,
    miyagi,
    weather,
    with_values,
)

RULES = rules_of(load_settings())
MIDNIGHT = datetime(2026, 9, 1, 0, 0, tzinfo=JST)
SOYA_AS_SENDAI = {
    "0121400": "0410001",
    "稚内市": "仙台市東部",
    "0151100": "0410002",
    "猿払村": "仙台市西部",
    "011000": "040000",
    "宗谷地方": "宮城県",
}


class Desk:
    """What the service would do with each telegram, without the store: read, fold, propose."""

    def __init__(self, family: WeatherFamily = "r06") -> None:
        self.state = State(realm="live", family=family)
        self.made: list[tuple[Proposal, ...]] = []
        self.ignored: list[IgnoredReason] = []

    def take(self, data: bytes, name: str = "") -> tuple[Proposal, ...]:
        changes = []
        for one in read(parse_telegram(data, name=name)) or ():
            self.state, found = fold(self.state, one)
            if isinstance(found, IgnoredReason):
                self.ignored.append(found)
            else:
                changes += found
        made = propose_all(changes, RULES, realm="live", standing=in_force(self.state))
        self.made.append(made)
        return made

    def waiting(self) -> list[Proposal]:
        return waiting(*self.made)


def ours(folder: str, name: str, exchanged: dict[str, str]) -> bytes:
    data = (jma_folder() / folder / name).read_bytes().decode()
    for there, here in exchanged.items():
        assert there in data, there
        data = data.replace(there, here)
    return data.encode()


def told(made: Sequence[Proposal]) -> list[tuple[ProposedAct, HazardKind, OrderKind | None, tuple[str, ...]]]:
    return [(one.act, one.hazard, one.kind, one.area_codes) for one in made]


def at(minute: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=minute)


def landslide(minute: int, east: str = "", west: str = "") -> bytes:
    """A VPWW56 of that minute; "" is nothing in force."""
    return weather(
        miyagi(item(EAST, *filter(None, [east])), item(WEST, *filter(None, [west]))), report_at=at(minute)
    )


# ---- the real files ------------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_landslide_warning_asks_for_evacuation_in_the_east_and_preparation_in_the_west() -> None:
    made = Desk().take(ours("official_samples", "15_16_01_241031_VPWW56.xml", SOYA_AS_SENDAI))
    by_area = {one.area_names: one for one in made}
    assert set(by_area) == {("仙台市東部",), ("仙台市西部",)}
    east, west = by_area["仙台市東部",], by_area["仙台市西部",]
    assert (east.hazard, east.kind, east.level) == (HazardKind.LANDSLIDE, OrderKind.EVACUATE, 4)
    assert (west.hazard, west.kind, west.level) == (HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC, 3)
    assert (east.zones, west.zones) == (("jma:0410001",), ("jma:0410002",))
    assert (east.kind_name, west.kind_name) == ("レベル４土砂災害危険警報", "レベル３土砂災害警報")
    # What stood before is LastKind of a telegram that we never had: for us both are new.
    assert {one.act for one in made} == {ProposedAct.ISSUE}
    assert (east.previous_level, west.previous_level) == (None, None)
    assert east.expected_arrival_at is None
    assert west.expected_arrival_at == datetime(2020, 6, 23, 1, 0, tzinfo=JST)
    assert west.arrival_as_given == "２３日１時から５時まで、警戒レベル４相当"
    assert east.headline.endswith("土砂災害に厳重に警戒をしてください。")
    assert (east.editorial_office, east.issuer, east.origin) == ("稚内地方気象台", "気象庁", "jma")


@pytest.mark.real_data
def test_heavy_rain_of_the_sample_asks_the_same_for_inundation() -> None:
    made = Desk().take(ours("official_samples", "15_16_03_241226_VPWW55.xml", SOYA_AS_SENDAI))
    assert {(one.hazard, one.kind, one.level, one.zones) for one in made} == {
        (HazardKind.INLAND_FLOOD, OrderKind.EVACUATE, 4, ("jma:0410001",)),
        (HazardKind.INLAND_FLOOD, OrderKind.ELDERLY_ETC, 3, ("jma:0410002",)),
    }


@pytest.mark.real_data
def test_a_surge_of_the_sample_concerns_the_side_with_the_coast_only() -> None:
    exchanged = {
        "2620200": "0410001",
        "舞鶴市": "仙台市東部",
        "2621200": "0410002",
        "京丹後市": "仙台市西部",
        "260000": "040000",
    }
    (one,) = Desk().take(ours("official_samples", "15_16_02_251222_VPWW57.xml", exchanged))
    assert (one.hazard, one.kind, one.level) == (HazardKind.STORM_SURGE, OrderKind.EVACUATE, 4)
    assert (one.area_codes, one.zones) == (("0410001",), ("jma:0410001",))
    assert [expected.place for expected in one.expected] == ["舞鶴湾", "（高潮予報区間以外）"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "15_16_04_251222_VPWW58.xml",
        "15_16_05_241226_VPWW59.xml",
        "15_16_06_241226_VPWW60.xml",
        "15_16_07_250825_VPWW61.xml",
    ],
)
def test_wind_waves_snow_and_the_rest_propose_nothing(name: str) -> None:
    desk = Desk()
    assert desk.take(ours("official_samples", name, SOYA_AS_SENDAI)) == ()
    assert any(one.code == "0410001" for one in in_force(desk.state))


@pytest.mark.real_data
def test_a_level_2_of_the_real_system_is_in_force_and_proposes_nothing() -> None:
    desk = Desk()
    exchanged = {"0154300": "0410001", "美幌町": "仙台市東部", "013000": "040000"}
    assert desk.take(ours("real_2026", "vpww55_heavy-rain_lv2.xml", exchanged)) == ()
    (east,) = [one for one in in_force(desk.state) if one.code == "0410001"]
    assert (east.kind.danger, east.kind.level) == (Danger.HEAVY_RAIN, 2)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "name", "there", "kind_asked", "level"),
    [
        ("official_samples", "16_09_02_251222_VXKOii.xml", "820211000103", OrderKind.ELDERLY_ETC, 3),
    ],
)
def test_a_flood_forecast_asks_by_its_river(
    folder: str, name: str, there: str, kind_asked: OrderKind, level: int
) -> None:
    made = Desk().take(ours(folder, name, {there: "820202000100"}), name)
    (one,) = made
    assert (one.rule, one.hazard, one.kind, one.level) == (
        "river_natori",
        HazardKind.FLOOD,
        kind_asked,
        level,
    )
    assert one.zones == ()


@pytest.mark.real_data
def test_a_rainband_is_for_hqs_eyes() -> None:
    exchanged = {"130030": "040010", "伊豆諸島南部": "東部"}
    (one,) = Desk().take(ours("real_2026", "vpbs50_linear-rainband_imminent.xml", exchanged))
    assert (one.rule, one.act, one.kind, one.texts) == ("rainband", ProposedAct.REVIEW, None, "")
    assert one.happening is not None
    assert (one.happening.value, one.happening.at) == (
        "線状降水帯直前",
        datetime(2026, 7, 29, 6, 10, tzinfo=JST),
    )


@pytest.mark.real_data
def test_record_rain_in_the_city_is_for_hqs_eyes() -> None:
    exchanged = {"0154300": "0410001", "美幌町": "仙台市東部", "013010": "040010"}
    (one,) = Desk().take(ours("official_samples", "82_01_02_250630_VPBS50.xml", exchanged))
    assert (one.rule, one.act) == ("record_rain", ProposedAct.REVIEW)
    assert one.happening is not None
    assert one.happening.conditions[0] == "仙台市東部付近 約１００ミリ（前１時間解析雨量）"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("official_samples", "62_01_01_130412_VPNO50.xml"),
        ("official_samples", "62_01_05_130412_VPNO50.xml"),
        ("official_samples", "82_01_03_241031_VPBS50.xml"),
        ("official_samples", "80_01_01_240821_VYSE60.xml"),
        ("real_2026", "vpww56_landslide_lv2.xml"),
        ("real_2026", "vpww58_wind_advisory.xml"),
        ("real_2026", "vpww61_thunder-fog.xml"),
        ("real_2026", "vxko_flood_lv3.xml"),
    ],
)
def test_what_is_not_ours_or_no_call_to_leave_proposes_nothing(folder: str, name: str) -> None:
    assert Desk().take((jma_folder() / folder / name).read_bytes(), name) == ()


@pytest.mark.real_data
def test_a_forecast_of_level_4_in_the_series_is_shown_before_any_warning_and_updates_one_after() -> None:
    four = ("41", "警戒レベル４相当")
    series = with_values("稚内市", "土砂災害危険度", None, {5: four, 6: four})
    series = series.replace(b"0121400", b"0410001").replace("稚内市".encode(), "仙台市東部".encode())
    begins = datetime(2023, 6, 22, 18, tzinfo=JST)
    (alone,) = Desk().take(series)
    assert (alone.act, alone.kind, alone.expected_arrival_at) == (ProposedAct.REVIEW, None, begins)
    assert alone.arrival_as_given == "２２日夜のはじめ頃から２２日夜遅くまで、警戒レベル４相当"
    desk = Desk()
    stands = miyagi(item(EAST, kind("09")), item(WEST))
    desk.take(weather(stands, report_at=datetime(2023, 6, 22, 4, 30, tzinfo=JST)))
    (updated,) = desk.take(series)
    assert (updated.act, updated.kind) == (ProposedAct.UPDATE, OrderKind.ELDERLY_ETC)
    assert updated.expected_arrival_at == begins
    assert [one.area_codes for one in desk.waiting()] == [("0410001",)]


# ---- a night of landslides -----------------------------------------------------------------------


def night() -> list[bytes]:
    """Level 3 in the west, level 4 expected; level 4 in the west and 3 in the east; both 4; down; over."""
    return [
        landslide(0, west=kind("29")),
        landslide(60, west=kind("09", last="29", inside=criteria(time=at(180).isoformat()))),
        landslide(120, east=kind("09"), west=kind("49", last="09")),
        landslide(150, east=kind("49", last="09"), west=kind("49", "継続", last="49")),
        landslide(
            300,
            east=kind("09", "危険警報から警報", last="49"),
            west=kind("09", "危険警報から警報", last="49"),
        ),
        landslide(360, east=kind("09", "解除", last="09"), west=kind("09", "解除", last="09")),
        landslide(420),
    ]


def test_a_night_of_landslides_asks_step_by_step() -> None:
    desk = Desk()
    made = [desk.take(one) for one in night()]
    assert [told(one) for one in made[:2]] == [
        [],
        [(ProposedAct.ISSUE, HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC, ("0410002",))],
    ]
    assert made[1][0].expected_arrival_at == at(180)
    assert set(told(made[2])) == {
        (ProposedAct.ISSUE, HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC, ("0410001",)),
        (ProposedAct.UPDATE, HazardKind.LANDSLIDE, OrderKind.EVACUATE, ("0410002",)),
    }
    assert told(made[3]) == [
        (ProposedAct.UPDATE, HazardKind.LANDSLIDE, OrderKind.EVACUATE, ("0410001", "0410002"))
    ]
    assert told(made[4]) == [
        (ProposedAct.UPDATE, HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC, ("0410001", "0410002"))
    ]
    assert (made[4][0].level, made[4][0].previous_level) == (3, 4)
    assert [(one.act, one.zones) for one in made[5]] == [(ProposedAct.LIFT, ("jma:0410001", "jma:0410002"))]
    assert made[6] == ()
    assert in_force(desk.state) == ()


def test_a_day_in_any_order_and_twice_ends_with_the_same_on_hqs_desk() -> None:
    day = [
        *night()[:5],
        weather(miyagi(item(EAST, kind("03")), item(WEST)), title=RAIN, report_at=at(70)),
        weather(miyagi(item(EAST, kind("43")), item(WEST, kind("03"))), title=RAIN, report_at=at(130)),
        weather(miyagi(item(EAST, kind("08")), item(WEST)), title=SURGE, report_at=at(140)),
        weather(miyagi(item(EAST, kind("35")), item(WEST, kind("35"))), title=WIND, report_at=at(145)),
    ]

    def end(order: Sequence[bytes]) -> tuple[set[object], set[object]]:
        desk = Desk()
        for one in order:
            desk.take(one)
        stands = {(one.code, one.kind.danger, one.kind.grade, one.since) for one in in_force(desk.state)}
        asked = {
            (one.kind, one.hazard, one.area_codes, one.grade)
            for one in desk.waiting()
            if one.act is not ProposedAct.REVIEW
        }
        return stands, asked

    in_time = end(day)
    assert in_time[1] == {
        (OrderKind.ELDERLY_ETC, HazardKind.LANDSLIDE, ("0410001", "0410002"), Grade.WARNING),
        (OrderKind.EVACUATE, HazardKind.INLAND_FLOOD, ("0410001",), Grade.URGENT),
        (OrderKind.ELDERLY_ETC, HazardKind.INLAND_FLOOD, ("0410002",), Grade.WARNING),
        (OrderKind.ELDERLY_ETC, HazardKind.STORM_SURGE, ("0410001",), Grade.WARNING),
    }
    for seed in range(25):
        order = [*day, *day[::3]]
        random.Random(seed).shuffle(order)
        assert end(order) == in_time, seed


def test_a_correction_that_leaves_nothing_is_a_recall_and_not_a_lift() -> None:
    desk = Desk()
    desk.take(landslide(0, east=kind("49")))
    corrected = weather(miyagi(item(EAST), item(WEST)), info_type="訂正", report_at=at(3))
    (one,) = desk.take(corrected)
    assert (one.act, one.kind, one.zones) == (ProposedAct.RECALL, OrderKind.EVACUATE, ("jma:0410001",))
    assert "訂正" in one.review_hint


def test_a_withdrawal_recalls_what_stood_by_it() -> None:
    desk = Desk()
    desk.take(landslide(0, east=kind("49")))
    (one,) = desk.take(weather("<Text>誤りでした。</Text>", info_type="取消", report_at=at(3)))
    assert (one.act, one.area_codes) == (ProposedAct.RECALL, ("0410001",))
    assert in_force(desk.state) == ()


def test_a_code_nobody_knows_asks_for_eyes() -> None:
    (one,) = Desk().take(landslide(0, east=kind("99", name="新しい警報")))
    assert (one.act, one.kind, one.grade) == (ProposedAct.REVIEW, None, Grade.UNKNOWN)
    assert "99" in one.review_hint


# ---- one event, one alert ------------------------------------------------------------------------


def collection(minute: int, *kinds: str) -> bytes:
    body = layer("府県予報区等", item(MIYAGI, *kinds)) + layer("市町村等", item(EAST, *kinds), item(WEST))
    return weather(body, title=COLLECTION, report_at=at(minute))


def old_warnings(minute: int, *kinds: str) -> bytes:
    return weather(miyagi(item(EAST, *kinds), item(WEST)), title=LEGACY, report_at=at(minute))


def old_landslide_alert(minute: int, one: str) -> bytes:
    body = (
        "<TargetArea><Name>宮城県</Name><Code>040000</Code></TargetArea>"
        f'<Warning type="土砂災害警戒情報">{item(EAST, one)}</Warning>'
    )
    return weather(body, title=LANDSLIDE_ALERT, report_at=at(minute))


def test_the_national_collection_says_nothing_that_the_telegrams_did_not() -> None:
    desk = Desk()
    assert len(desk.take(landslide(0, east=kind("49")))) == 1
    assert desk.take(collection(10, kind("49", "継続", last="49"))) == ()
    assert [one.area_codes for one in desk.waiting()] == [("0410001",)]


def test_the_national_collection_stands_in_for_a_telegram_that_was_missed() -> None:
    desk = Desk()
    made = desk.take(collection(10, kind("49"), kind("43")))
    assert {(one.hazard, one.kind) for one in made} == {
        (HazardKind.LANDSLIDE, OrderKind.EVACUATE),
        (HazardKind.INLAND_FLOOD, OrderKind.EVACUATE),
    }
    assert desk.take(landslide(8, east=kind("49"))) == ()


@pytest.mark.parametrize("family", ["r06", "legacy"])
def test_old_and_new_telegrams_of_one_event_are_one_proposal(family: WeatherFamily) -> None:
    desk = Desk(family)
    for one in (
        landslide(0, east=kind("49")),
        old_warnings(3, kind("03", condition="土砂災害")),
        old_landslide_alert(4, kind("3")),
        landslide(20, east=kind("49", "継続", last="49")),
    ):
        desk.take(one)
    (waits,) = desk.waiting()
    assert (waits.hazard, waits.kind, waits.area_codes) == (
        HazardKind.LANDSLIDE,
        OrderKind.EVACUATE,
        ("0410001",),
    )
    assert waits.telegram_title == (LANDSLIDE if family == "r06" else LANDSLIDE_ALERT)
    assert IgnoredReason.OTHER_FAMILY in desk.ignored


def test_where_the_old_ones_are_declared_the_gravest_of_them_holds() -> None:
    desk = Desk("legacy")
    (first,) = desk.take(old_warnings(0, kind("03", condition="土砂災害")))
    assert (first.kind, first.level) == (OrderKind.ELDERLY_ETC, 3)
    (second,) = desk.take(old_landslide_alert(5, kind("3")))
    assert (second.act, second.kind, second.level) == (ProposedAct.UPDATE, OrderKind.EVACUATE, 4)
    (third,) = desk.take(old_landslide_alert(90, kind("1", "解除")))
    assert (third.act, third.kind, third.level) == (ProposedAct.UPDATE, OrderKind.ELDERLY_ETC, 3)


def test_an_old_flood_warning_asks_for_preparation_where_the_old_ones_are_declared() -> None:
    (one,) = Desk("legacy").take(old_warnings(0, kind("04", notes=("氾濫",))))
    assert (one.rule, one.hazard, one.kind, one.level) == (
        "flood_legacy",
        HazardKind.FLOOD,
        OrderKind.ELDERLY_ETC,
        3,
    )
    assert one.zones == ("jma:0410001",)
    assert Desk().take(old_warnings(0, kind("04"))) == ()
