"""The city's table, row by row: what is announced and what HQ is asked to consider, the same in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as with_
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.changes import Change, ChangeKind, Standing
from bosai.feeds.in_force import State, fold, in_force
from bosai.feeds.jma.envelope import (
    InfoType,
    TelegramSource,
    TelegramStatus,
    marked_as_drill,
    parse_telegram,
)
from bosai.feeds.jma.reading import read
from bosai.feeds.proposal_rules import Rules
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.proposing import propose, propose_all
from bosai.feeds.readings import (
    Area,
    Danger,
    Expected,
    Forecast,
    Grade,
    Happening,
    Kind,
    Reading,
    System,
)
from bosai.feeds.realms import ACCEPT_STATUS, RealmName
from bosai.model.alert import OrderKind, TsunamiClass
from bosai.services.proposal_desk import place
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from bosai.stores.proposals import ProposalRecord, ProposalState
from geodata.hazards import HazardKind
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=JST)
EAST, WEST = ("0410001", "仙台市東部"), ("0410002", "仙台市西部")
SETTINGS = load_settings()
RULES = rules_of(SETTINGS)
SEAWARD, INNER, ALL = (
    tuple(f"tsunami:{one}" for one in zones)
    for zones in (
        SETTINGS.tsunami.zones_advisory,
        SETTINGS.tsunami.zones_warning,
        SETTINGS.tsunami.zones_major_warning,
    )
)
LAYERS = {System.WEATHER: "市町村等", System.RIVER: "予報区域", System.TSUNAMI: "津波予報区"}


def source(minute: int = 0, name: str = "x", **changes: object) -> TelegramSource:
    found = parse_telegram(report(report_at=NOON + timedelta(minutes=minute))).source
    return msgspec.structs.replace(found, key=f"{name}-{minute}", **changes)


def kind(danger: Danger, grade: Grade, **changes: object) -> Kind:
    facts = {"code": f"k{int(grade)}", "name": f"{danger}-{grade.name}", "danger": danger, "grade": grade}
    return Kind(**(facts | changes))  # type: ignore[arg-type]


def weather(
    grades: dict[tuple[str, str], Grade],
    minute: int = 0,
    *,
    danger: Danger = Danger.LANDSLIDE,
    system: System = System.WEATHER,
    expected: tuple[Expected, ...] = (),
) -> Reading:
    """A telegram that leaves these grades in force; NONE is a stated lift."""
    areas = tuple(
        Area(
            system=system,
            code=code,
            name=name,
            layer=LAYERS[system],
            kinds=(
                kind(
                    danger,
                    grade,
                    lifted=grade is Grade.NONE,
                    status="解除" if grade is Grade.NONE else "発表",
                    expected=expected,
                ),
            ),
        )
        for (code, name), grade in grades.items()
    )
    return Reading(source=source(minute), scope=f"{danger}/040000", areas=areas)


def after(*readings: Reading, realm: RealmName = "live", rules: Rules = RULES) -> list[tuple[Proposal, ...]]:
    """The proposals of each reading in turn."""
    state, made = State(realm=realm), []
    for one in readings:
        state, changes = fold(state, one)
        found = changes if isinstance(changes, tuple) else ()
        made.append(propose_all(found, rules, realm=realm, standing=in_force(state)))
    return made


def waiting(*telegrams: Sequence[Proposal]) -> list[Proposal]:
    """What waits on HQ's desk after all of these."""
    desk: dict[str, ProposalRecord] = {}
    for made in telegrams:
        for one in sorted(made, key=lambda p: (p.report_at, p.id)):
            placed = place(list(desk.values()), one, NOON)
            if placed is not None:
                desk |= {record.proposal.id: record for record in (placed[0], *placed[1])}
    return [one.proposal for one in desk.values() if one.state is ProposalState.OPEN]


def told(made: Sequence[Proposal]) -> set[tuple[ProposedAct, OrderKind | None, tuple[str, ...]]]:
    return {(one.act, one.kind, one.area_codes) for one in made}


# ---- each row ------------------------------------------------------------------------------------

LEVELS = [
    (Grade.ADVISORY, None),
    (Grade.WARNING, OrderKind.ELDERLY_ETC),
    (Grade.URGENT, OrderKind.EVACUATE),
    (Grade.EMERGENCY, OrderKind.EMERGENCY_SAFETY),
]
AREAS = [
    (System.WEATHER, Danger.LANDSLIDE, HazardKind.LANDSLIDE, EAST, ("jma:0410001",)),
    (System.WEATHER, Danger.LANDSLIDE, HazardKind.LANDSLIDE, WEST, ("jma:0410002",)),
    (System.WEATHER, Danger.HEAVY_RAIN, HazardKind.INLAND_FLOOD, EAST, ("jma:0410001",)),
    (System.WEATHER, Danger.HEAVY_RAIN, HazardKind.INLAND_FLOOD, WEST, ("jma:0410002",)),
    (System.WEATHER, Danger.STORM_SURGE, HazardKind.STORM_SURGE, EAST, ("jma:0410001",)),
    (System.RIVER, Danger.RIVER_FLOOD, HazardKind.FLOOD, ("820202000100", "名取川"), ()),
    (System.RIVER, Danger.RIVER_FLOOD, HazardKind.FLOOD, ("820202001100", "広瀬川"), ()),
    (System.RIVER, Danger.RIVER_FLOOD, HazardKind.FLOOD, ("040028000100", "七北田川"), ()),
]


@pytest.mark.parametrize(("grade", "asked"), LEVELS)
@pytest.mark.parametrize(("system", "danger", "hazard", "area", "zones"), AREAS)
def test_each_level_of_each_row_asks_for_its_evacuation_information(  # noqa: PLR0917 - one column each
    system: System,
    danger: Danger,
    hazard: HazardKind,
    area: tuple[str, str],
    zones: tuple[str, ...],
    grade: Grade,
    asked: OrderKind | None,
) -> None:
    (made,) = after(weather({area: grade}, danger=danger, system=system))
    if asked is None:
        assert made == ()
        return
    (one,) = made
    assert (one.act, one.hazard, one.kind) == (ProposedAct.ISSUE, hazard, asked)
    assert (one.level, one.tsunami_class) == (int(grade), None)
    assert (one.area_codes, one.area_names, one.zones) == ((area[0],), (area[1],), zones)
    assert one.texts
    assert "市が判断" in one.review_hint


def test_what_cannot_be_told_apart_within_heavy_rain_is_named() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}, danger=Danger.HEAVY_RAIN))
    assert "七北田川・旧笊川" in one.review_hint


def test_a_river_leaves_the_wards_to_hq() -> None:
    ((one,),) = after(
        weather({("820202000100", "名取川"): Grade.URGENT}, danger=Danger.RIVER_FLOOD, system=System.RIVER)
    )
    assert one.zones == ()
    assert "洪水浸水想定区域" in one.review_hint


@pytest.mark.parametrize(
    "danger", [Danger.WIND, Danger.WAVES, Danger.SNOW, Danger.THUNDER, Danger.SNOWSTORM, Danger.OTHER]
)
def test_dangers_without_a_level_propose_nothing(danger: Danger) -> None:
    assert after(weather({EAST: Grade.EMERGENCY}, danger=danger)) == [()]


@pytest.mark.parametrize(
    ("system", "area"),
    [
        (System.WEATHER, ("0410100", "青葉区")),
        (System.RIVER, ("820201000102", "阿武隈川下流")),
        (System.WEATHER, ("820202000100", "名取川")),
    ],
)
def test_areas_that_are_not_ours_or_of_another_table_propose_nothing(
    system: System, area: tuple[str, str]
) -> None:
    danger = Danger.RIVER_FLOOD if system is System.RIVER else Danger.LANDSLIDE
    assert after(weather({area: Grade.EMERGENCY}, danger=danger, system=system)) == [()]


def test_220_of_the_quakes_is_no_tsunami() -> None:
    area = Area(
        system=System.SEISMIC,
        code="220",
        name="宮城県北部",
        layer="細分区域",
        kinds=(kind(Danger.TSUNAMI, Grade.EMERGENCY),),
    )
    assert after(Reading(source=source(), scope="x", areas=(area,))) == [()]


# ---- what follows on what ------------------------------------------------------------------------


def test_two_areas_of_one_grade_are_one_proposal_with_both_zones() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT, WEST: Grade.URGENT}))
    assert one.zones == ("jma:0410001", "jma:0410002")
    assert one.area_names == ("仙台市東部", "仙台市西部")


def test_two_areas_of_two_grades_are_two_proposals() -> None:
    (made,) = after(weather({EAST: Grade.URGENT, WEST: Grade.WARNING}))
    assert told(made) == {
        (ProposedAct.ISSUE, OrderKind.EVACUATE, ("0410001",)),
        (ProposedAct.ISSUE, OrderKind.ELDERLY_ETC, ("0410002",)),
    }


def test_an_area_that_joins_another_is_proposed_together_with_it() -> None:
    made = after(weather({EAST: Grade.WARNING}), weather({EAST: Grade.WARNING, WEST: Grade.WARNING}, 5))
    assert [one.area_codes for one in waiting(*made)] == [("0410001", "0410002")]


def test_an_area_that_is_raised_leaves_the_rest_of_the_wider_one_waiting() -> None:
    both, raised = {EAST: Grade.WARNING, WEST: Grade.WARNING}, {EAST: Grade.URGENT, WEST: Grade.WARNING}
    made = after(weather(both), weather(raised, 5))
    assert {(one.kind, one.area_codes) for one in waiting(*made)} == {
        (OrderKind.EVACUATE, ("0410001",)),
        (OrderKind.ELDERLY_ETC, ("0410002",)),
    }


def test_the_rest_of_a_wider_one_that_hq_has_dealt_with_is_not_proposed_again() -> None:
    both, raised = {EAST: Grade.WARNING, WEST: Grade.WARNING}, {EAST: Grade.URGENT, WEST: Grade.WARNING}
    first, second = after(weather(both), weather(raised, 5))
    (wide,) = first
    adopted = ProposalRecord(proposal=wide, state=ProposalState.ADOPTED, received_at=NOON)
    restated = next(one for one in second if one.restated)
    assert restated.area_codes == ("0410002",)
    assert place([adopted], restated, NOON) is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_rest_waits_whichever_of_the_two_is_put_first(order: tuple[int, int]) -> None:
    both, raised = {EAST: Grade.WARNING, WEST: Grade.WARNING}, {EAST: Grade.URGENT, WEST: Grade.WARNING}
    first, second = after(weather(both), weather(raised, 5))
    left = waiting(first, *([second[n]] for n in order))
    assert {one.area_codes for one in left} == {("0410001",), ("0410002",)}


def test_the_same_state_again_proposes_nothing() -> None:
    assert after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.URGENT}, 5))[1] == ()


def test_a_lowered_danger_proposes_an_update_that_leaves_the_decision_to_the_city() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.WARNING}, 5))[1:]
    assert (one.act, one.kind) == (ProposedAct.UPDATE, OrderKind.ELDERLY_ETC)
    assert (one.level, one.previous_level) == (3, 4)
    assert "引下げ" in one.review_hint


def test_a_warning_that_becomes_an_advisory_asks_about_the_end_and_says_what_it_is_not() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.ADVISORY}, 5))[1:]
    assert (one.act, one.kind) == (ProposedAct.LIFT, OrderKind.EVACUATE)
    assert one.zones == ("jma:0410001",)
    assert "避難情報の解除ではありません" in one.review_hint


def test_a_lift_says_that_it_is_not_the_citys() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.NONE}, 5))[1:]
    assert (one.act, one.previous_level, one.level) == (ProposedAct.LIFT, 4, None)
    assert "避難情報の解除ではありません" in one.review_hint
    assert "記載がなくなりました" not in one.review_hint


def test_an_area_that_is_no_longer_named_asks_for_a_second_look() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}), weather({}, 5))[1:]
    assert one.act is ProposedAct.LIFT
    assert "記載がなくなりました" in one.review_hint


def test_the_lift_of_an_advisory_proposes_nothing() -> None:
    assert after(weather({EAST: Grade.ADVISORY}), weather({EAST: Grade.NONE}, 5))[1] == ()
    assert after(weather({EAST: Grade.NONE})) == [()]


def test_one_area_is_lifted_and_the_other_keeps_waiting() -> None:
    made = after(
        weather({EAST: Grade.URGENT, WEST: Grade.URGENT}), weather({EAST: Grade.URGENT, WEST: Grade.NONE}, 5)
    )
    assert {(one.act, one.area_codes) for one in waiting(*made)} == {
        (ProposedAct.UPDATE, ("0410001",)),
        (ProposedAct.LIFT, ("0410002",)),
    }


def test_a_code_nobody_knows_asks_for_eyes_and_hides_nothing() -> None:
    made = after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.UNKNOWN}, 5))
    (review,) = made[1]
    assert (review.act, review.kind) == (ProposedAct.REVIEW, None)
    assert "読めません" in review.review_hint
    assert {one.act for one in waiting(*made)} == {ProposedAct.ISSUE, ProposedAct.REVIEW}


# ---- when, as JMA gives it -----------------------------------------------------------------------

AT_3 = Expected(
    grade=Grade.URGENT,
    level=4,
    starts_at=NOON + timedelta(hours=3),
    lasts=timedelta(hours=4),
    place="",
    as_given="１５時頃から",
)
AT_1 = msgspec.structs.replace(AT_3, level=3, grade=Grade.WARNING, starts_at=NOON + timedelta(hours=1))


def test_the_expected_beginning_of_level_4_is_carried_as_given() -> None:
    ((one,),) = after(weather({EAST: Grade.WARNING}, expected=(AT_1, AT_3)))
    assert one.expected_arrival_at == NOON + timedelta(hours=3)
    assert one.arrival_as_given == "１５時頃から"
    assert one.expected == (AT_1, AT_3)


def test_at_level_4_there_is_nothing_left_to_wait_for() -> None:
    ((one,),) = after(weather({EAST: Grade.URGENT}, expected=(AT_3,)))
    assert one.expected_arrival_at is None


def test_without_a_time_of_jmas_there_is_none() -> None:
    ((one,),) = after(weather({EAST: Grade.WARNING}, expected=(AT_1,)))
    assert one.expected_arrival_at is None


def test_a_new_expected_time_proposes_an_update() -> None:
    later = msgspec.structs.replace(AT_3, starts_at=AT_3.starts_at + timedelta(hours=1))
    ((one,),) = after(
        weather({EAST: Grade.WARNING}, expected=(AT_3,)), weather({EAST: Grade.WARNING}, 5, expected=(later,))
    )[1:]
    assert one.act is ProposedAct.UPDATE
    assert one.expected_arrival_at == later.starts_at


def series(minute: int, *expected: Expected) -> Reading:
    forecast = Forecast(
        system=System.WEATHER, code="0410001", name="仙台市東部", danger=Danger.LANDSLIDE, expected=expected
    )
    return Reading(source=source(minute, "series"), scope="VPWP50/040000", forecasts=(forecast,))


def test_a_forecast_of_level_4_updates_what_stands_and_names_what_it_rests_on() -> None:
    ((one,),) = after(weather({EAST: Grade.WARNING}), series(5, AT_3))[1:]
    assert (one.act, one.kind) == (ProposedAct.UPDATE, OrderKind.ELDERLY_ETC)
    assert one.expected_arrival_at == AT_3.starts_at
    assert one.basis == "仙台市東部 landslide-WARNING（9月1日12時00分発表）"


def test_what_a_proposal_rests_on_is_told_in_japans_time_though_it_was_stored() -> None:
    state, _ = fold(State(realm="live"), weather({EAST: Grade.WARNING}))
    state, changes = fold(state, series(5, AT_3))
    assert isinstance(changes, tuple)
    stored = [msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Standing) for one in in_force(state)]
    (one,) = propose_all(changes, RULES, realm="live", standing=stored)
    assert one.basis == "仙台市東部 landslide-WARNING（9月1日12時00分発表）"


def test_a_forecast_of_level_4_before_any_warning_is_for_hqs_eyes() -> None:
    ((one,),) = after(series(5, AT_3))
    assert (one.act, one.kind) == (ProposedAct.REVIEW, None)
    assert "予想" in one.review_hint
    assert after(series(5, AT_1)) == [()]


# ---- what happened -------------------------------------------------------------------------------


def shaken(value: str, code: str = "222", minute: int = 0, event: str = "20260901120000") -> Reading:
    happening = Happening(
        danger=Danger.SHAKING, system=System.SEISMIC, code=code, name="宮城県中部", value=value, at=NOON
    )
    return Reading(source=source(minute, "quake", event_ids=(event,)), happenings=(happening,))


@pytest.mark.parametrize("value", ["5-", "5+", "6-", "6+", "7", "震度５弱以上未入電"])
def test_strong_shaking_proposes_two_notices_the_coasts_first(value: str) -> None:
    (made,) = after(shaken(value))
    assert [(one.rule, one.hazard, one.kind, one.act) for one in made] == [
        ("shaking_coast", HazardKind.TSUNAMI, OrderKind.NOTICE, ProposedAct.ISSUE),
        ("shaking_city", HazardKind.EARTHQUAKE, OrderKind.NOTICE, ProposedAct.ISSUE),
    ]
    coast, city = made
    assert set(coast.zones) >= {"tsunami:area1", "tsunami:area2"}
    assert len(city.zones) == 5
    assert coast.tsunami_class is None
    assert {one.shaken_at for one in made} == {NOON}
    assert ("すべての指定避難所" in coast.review_hint) is (value in {"6-", "6+", "7"})


@pytest.mark.parametrize("value", ["1", "2", "3", "4", "M8.4", ""])
def test_weaker_shaking_proposes_nothing(value: str) -> None:
    assert after(shaken(value)) == [()]


def test_a_quake_elsewhere_proposes_nothing() -> None:
    assert after(shaken("7", code="390")) == [()]


def test_the_same_quake_told_again_does_not_come_back_after_hq_dealt_with_it() -> None:
    first, again, stronger = (
        after(one)[0][0] for one in (shaken("5+"), shaken("5+", minute=2), shaken("6-", minute=4))
    )
    handled = ProposalRecord(proposal=first, state=ProposalState.ADOPTED, received_at=NOON)
    placed = place([handled], again, NOON)
    assert placed is not None
    assert (placed[0].state, placed[0].by) == (ProposalState.SUPERSEDED, first.id)
    placed = place([handled], stronger, NOON)
    assert placed is not None
    assert placed[0].state is ProposalState.OPEN


def test_another_quake_comes_anew() -> None:
    first = after(shaken("6-"))[0][0]
    other = after(shaken("5-", minute=30, event="20260901123000"))[0][0]
    handled = ProposalRecord(proposal=first, state=ProposalState.ADOPTED, received_at=NOON)
    placed = place([handled], other, NOON)
    assert placed is not None
    assert placed[0].state is ProposalState.OPEN


def test_jmas_word_that_no_tsunami_is_feared_is_quoted_beside_the_coasts_notice() -> None:
    comment = Happening(
        danger=Danger.SHAKING,
        system=System.SEISMIC,
        layer="固定付加文",
        code="0215",
        name="固定付加文",
        value="この地震による津波の心配はありません。",
    )
    quake = shaken("5-", minute=5)
    told_of = msgspec.structs.replace(quake, happenings=(*quake.happenings, comment))
    ((coast, city),) = after(told_of)
    assert coast.review_hint.startswith(
        "気象庁は「この地震による津波の心配はありません。」とも発表しています。"
    )
    assert "とも発表" not in city.review_hint
    left = waiting(*after(shaken("5-"), told_of))
    assert {one.id for one in left} == {coast.id, city.id}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_coasts_notice_yields_to_a_tsunami_order_whichever_is_heard_of_first(
    order: tuple[int, int],
) -> None:
    telegrams = (shaken("6-", minute=1), tsunami(item(kind="62"), minute=3))
    left = waiting(*after(*(telegrams[n] for n in order)))
    assert {one.rule for one in left} == {"tsunami", "shaking_city"}


def test_after_the_tsunami_is_lifted_another_quake_proposes_the_coasts_notice_again() -> None:
    left = waiting(
        *after(
            tsunami(item(kind="51")),
            tsunami(item(kind="50", last="51"), minute=60),
            shaken("6-", minute=90, event="20260901133000"),
        )
    )
    assert {(one.rule, one.act) for one in left} == {
        ("tsunami", ProposedAct.LIFT),
        ("shaking_coast", ProposedAct.ISSUE),
        ("shaking_city", ProposedAct.ISSUE),
    }


def test_a_quake_taken_back_is_told_though_a_tsunami_order_stands() -> None:
    recall = msgspec.structs.replace(
        shaken("6-", minute=1).source,
        key="recall",
        info_type=InfoType.CANCELLED,
        report_at=NOON + timedelta(minutes=6),
    )
    made = after(shaken("6-", minute=1), tsunami(item(kind="51"), minute=3), Reading(source=recall))
    assert {(one.rule, one.act) for one in waiting(*made)} == {
        ("tsunami", ProposedAct.ISSUE),
        ("shaking_coast", ProposedAct.RECALL),
        ("shaking_city", ProposedAct.RECALL),
    }


def corrected(reading: Reading) -> Reading:
    return msgspec.structs.replace(
        reading, source=msgspec.structs.replace(reading.source, info_type=InfoType.CORRECTED)
    )


def test_a_correction_below_what_was_proposed_asks_whether_to_take_the_notices_back() -> None:
    made = after(shaken("5-"), corrected(shaken("4", minute=4)))
    assert [(one.rule, one.act) for one in waiting(*made)] == [
        ("shaking_city", ProposedAct.RECALL),
        ("shaking_coast", ProposedAct.RECALL),
    ]
    (coast, _) = made[1]
    assert "訂正" in coast.review_hint
    assert coast.kind is OrderKind.NOTICE
    adopted = [ProposalRecord(proposal=one, state=ProposalState.ADOPTED, received_at=NOON) for one in made[0]]
    assert place(adopted, coast, NOON) is not None


def test_a_correction_of_what_nobody_was_asked_about_proposes_nothing() -> None:
    (made,) = after(corrected(shaken("4")))
    assert waiting(made) == []
    other = after(shaken("5-", event="20260901110000"), corrected(shaken("4", minute=4)))
    assert {one.act for one in waiting(*other)} == {ProposedAct.ISSUE}
    assert after(shaken("4")) == [()]


def test_what_could_be_read_again_is_not_called_a_lowering() -> None:
    for unread, read_again in ((Grade.UNKNOWN, Grade.URGENT), (Grade.UNKNOWN, Grade.EMERGENCY)):
        made = after(
            weather({EAST: Grade.URGENT}), weather({EAST: unread}, 5), weather({EAST: read_again}, 9)
        )
        (one,) = made[-1]
        assert one.act is ProposedAct.UPDATE
        assert "引下げ" not in one.review_hint


def test_where_one_area_rose_while_another_came_down_nobody_speaks_of_lowering() -> None:
    made = after(weather({EAST: Grade.URGENT}), weather({EAST: Grade.WARNING, WEST: Grade.WARNING}, 5))
    (one,) = made[-1]
    assert one.area_codes == ("0410001", "0410002")
    assert "引下げ" not in one.review_hint


def test_a_rainband_is_for_hqs_eyes_only() -> None:
    band = Happening(
        danger=Danger.RAINBAND, system=System.WEATHER, code="040010", name="東部", value="線状降水帯発生"
    )
    ((one,),) = after(Reading(source=source(), happenings=(band,)))
    assert (one.act, one.kind, one.texts) == (ProposedAct.REVIEW, None, "")


def test_the_week_of_readiness_is_never_a_call_to_leave() -> None:
    notice = Happening(danger=Danger.LATER_QUAKE, system=System.SEISMIC, code="VYSE60", name="", value="発表")
    assert after(Reading(source=source(), happenings=(notice,))) == [()]


# ---- tsunamis, from telegrams --------------------------------------------------------------------


def tsunami(*items: str, minute: int = 0, info_type: str = "発表", status: str = "通常") -> Reading:
    at = NOON + timedelta(minutes=minute)
    data = report(*items, report_at=at, info_type=info_type, status=status)
    (one,) = read(parse_telegram(data)) or ()
    return one


@pytest.mark.parametrize(
    ("code", "published", "zones"),
    [
        ("53", TsunamiClass.MAJOR_WARNING, ALL),
        ("52", TsunamiClass.MAJOR_WARNING, ALL),
        ("51", TsunamiClass.WARNING, INNER),
        ("62", TsunamiClass.ADVISORY, SEAWARD),
    ],
)
def test_sendais_rule_names_the_zones_of_each_class(
    code: str, published: TsunamiClass, zones: tuple[str, ...]
) -> None:
    ((one,),) = after(tsunami(item(kind=code)))
    assert (one.act, one.kind) == (ProposedAct.ISSUE, OrderKind.TSUNAMI_EVACUATION)
    assert (one.tsunami_class, one.level, one.zones) == (published, None, zones)
    assert not any(f"警戒レベル{n}" in one.review_hint for n in "12345１２３４５")


@pytest.mark.parametrize("code", ["00", "71", "72", "73"])
def test_nothing_is_proposed_for_slight_changes_of_the_sea(code: str) -> None:
    assert after(tsunami(item(kind=code))) == [()]


def test_another_coast_proposes_nothing_for_ours() -> None:
    assert after(tsunami(item(code="210"))) == [()]


def test_a_major_warning_that_goes_on_proposes_nothing_new() -> None:
    assert after(tsunami(item(kind="53")), tsunami(item(kind="52", last="53"), minute=4))[1] == ()


def test_a_lowered_class_proposes_an_update_with_the_narrower_zones() -> None:
    ((one,),) = after(tsunami(item(kind="52")), tsunami(item(kind="51", last="52"), minute=9))[1:]
    assert one.act is ProposedAct.UPDATE
    assert one.previous_zones == ALL
    assert one.zones == INNER
    assert "市が判断" in one.review_hint


def test_a_cancellation_proposes_a_recall_and_not_a_lift() -> None:
    ((one,),) = after(tsunami(item()), tsunami(info_type="取消", minute=5))[1:]
    assert (one.act, one.kind) == (ProposedAct.RECALL, OrderKind.TSUNAMI_EVACUATION)
    assert (one.tsunami_class, one.previous_class) == (None, TsunamiClass.MAJOR_WARNING)
    assert one.zones == ALL
    assert "解除ではありません" in one.review_hint


def test_a_lift_of_what_was_never_seen_is_told() -> None:
    ((one,),) = after(tsunami(item(kind="50", last="51")))
    assert (one.act, one.zones) == (ProposedAct.LIFT, INNER)
    ((bare,),) = after(tsunami(item(kind="60", last=None)))
    assert (bare.act, bare.zones) == (ProposedAct.LIFT, ())


def test_the_sequence_of_2011_proposes_an_issue_two_updates_and_a_lift() -> None:
    folder = jma_folder() / "official_samples"
    telegrams = [parse_telegram((folder / name).read_bytes(), name=name) for name in SEQUENCE_2011]
    made = after(*(reading for one in telegrams for reading in read(one) or ()))
    flat = [one for of_one in made for one in of_one]
    assert [one.act for one in flat] == [
        ProposedAct.ISSUE,
        ProposedAct.UPDATE,
        ProposedAct.UPDATE,
        ProposedAct.LIFT,
    ]
    issue, arriving, seen, lift = flat
    assert (issue.hazard, issue.tsunami_class) == (HazardKind.TSUNAMI, TsunamiClass.MAJOR_WARNING)
    assert (issue.area_names, issue.zones) == (("宮城県",), ALL)
    assert issue.expected_arrival_at == datetime(2011, 3, 11, 15, 0, tzinfo=JST)
    assert (issue.arrival_as_given, issue.height_as_given) == ("11日15時00分 到達予想", "巨大")
    assert not issue.arrival_is_now
    assert issue.event_ids == ("20110311144640",)
    assert issue.report_at == datetime(2011, 3, 11, 14, 49, tzinfo=JST)
    assert issue.headline.startswith("東日本大震災クラスの津波が来襲します。")
    assert (arriving.arrival_as_given, arriving.height_as_given) == ("津波到達中と推測", "１０ｍ")
    assert (arriving.expected_arrival_at, arriving.arrival_is_now) == (None, True)
    assert (seen.arrival_as_given, seen.height_as_given) == ("第１波の到達を確認", "１０ｍ超")
    assert lift.zones == ALL
    assert "解除ではありません" in lift.review_hint
    assert [one.id for one in waiting(*made)] == [lift.id]


def test_the_whole_day_of_2011_leaves_on_the_desk_what_an_officer_would_have_to_decide() -> None:
    folder = jma_folder() / "official_samples"
    files = [path for path in folder.iterdir() if path.name.startswith(("32-39_11_", "61_11_"))]
    telegrams = sorted(
        (parse_telegram(path.read_bytes(), name=path.name) for path in files),
        key=lambda one: one.source.order,
    )
    assert len(telegrams) == 13
    made = after(*(reading for one in telegrams for reading in read(one) or ()))
    when = [one.report_at.strftime("%d日 %H:%M") for one in telegrams]

    def desk(until: int) -> set[tuple[str, str]]:
        return {(one.rule, one.act.value) for one in waiting(*made[: until + 1])}

    # Read by eye: 14:48 震度速報 (宮城県中部 6強), 14:49 大津波警報, 14:54 各地の震度, 13日 17:58 解除.
    assert when[:2] == ["11日 14:48", "11日 14:49"]
    assert desk(0) == {("shaking_coast", "issue"), ("shaking_city", "issue")}
    assert made[0][0].happening is not None
    assert made[0][0].happening.value == "6+"
    assert desk(1) == {("tsunami", "issue"), ("shaking_city", "issue")}
    assert desk(5) == {("tsunami", "issue"), ("shaking_city", "issue")}
    assert desk(11) == {("tsunami", "update"), ("shaking_city", "issue")}
    assert when[12] == "13日 17:58"
    assert desk(12) == {("tsunami", "lift"), ("shaking_city", "issue")}


# ---- sides, ids, storage -------------------------------------------------------------------------


@pytest.mark.parametrize("realm", ["live", "drill"])
@pytest.mark.parametrize("status", list(TelegramStatus))
def test_a_change_of_the_wrong_status_proposes_nothing_even_past_the_state(
    realm: RealmName, status: TelegramStatus
) -> None:
    """The state is a gate of its own; this hop must hold without it."""
    (change,) = [
        one
        for one in fold(State(realm="live"), weather({EAST: Grade.URGENT}))[1]
        if isinstance(one, Change) and one.kind is ChangeKind.RAISED
    ]
    changed = msgspec.structs.replace(change, source=msgspec.structs.replace(change.source, status=status))
    assert bool(propose(changed, RULES, realm=realm)) is (status in ACCEPT_STATUS[realm])


def test_the_id_is_the_telegrams_and_the_sides() -> None:
    telegram = parse_telegram(report(item()))
    drill = read(marked_as_drill(telegram)) or ()
    ((first,),), ((again,),) = after(tsunami(item())), after(tsunami(item()))
    ((later,),) = after(tsunami(item(), minute=1))
    ((other,),) = after(*drill, realm="drill")
    assert first.id == again.id
    assert len({first.id, later.id, other.id}) == 3
    assert first.telegram_key in first.id
    assert with_(telegram, status=TelegramStatus.DRILL) == marked_as_drill(telegram)


def test_a_proposal_survives_being_stored() -> None:
    for one, *_rest in after(weather({EAST: Grade.WARNING}, expected=(AT_3,)), shaken("6-")):
        assert msgspec.json.decode(msgspec.json.encode(one), type=Proposal) == one
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Proposal) == one


def test_what_a_standing_danger_needs_is_read_from_the_same_table() -> None:
    state, _ = fold(State(realm="live"), weather({EAST: Grade.URGENT, WEST: Grade.ADVISORY}))
    needs = {standing.code: RULES.needing(standing) for standing in in_force(state)}
    (one,) = needs["0410001"]
    assert (one.name, one.kind, one.zones) == ("landslide", OrderKind.EVACUATE, ("jma:0410001",))
    assert needs["0410002"] == ()


# ---- any order -----------------------------------------------------------------------------------

GRADES = st.sampled_from([Grade.NONE, Grade.ADVISORY, Grade.WARNING, Grade.URGENT, Grade.EMERGENCY])
DAY = st.lists(st.tuples(GRADES, GRADES), min_size=1, max_size=6)


@given(day=DAY, data=st.data())
def test_in_any_order_and_with_duplicates_the_same_calls_to_act_wait(
    day: list[tuple[Grade, Grade]], data: st.DataObject
) -> None:
    """Which telegram is quoted may differ where several say the same; what HQ is asked for may not."""
    telegrams = [weather({EAST: east, WEST: west}, n) for n, (east, west) in enumerate(day)]
    shuffled = data.draw(st.lists(st.sampled_from(telegrams), max_size=8)) + data.draw(
        st.permutations(telegrams)
    )
    asked = [
        {
            (code, one.kind, key)
            for one in waiting(*after(*order))
            if one.act in {ProposedAct.ISSUE, ProposedAct.UPDATE}
            for code, key in zip(one.area_codes, one.zones, strict=True)
        }
        for order in (telegrams, shuffled)
    ]
    assert asked[0] == asked[1]
    kinds = dict(LEVELS)
    assert {(code, asked_kind) for code, asked_kind, _ in asked[0]} == {
        (area[0], kinds[grade]) for area, grade in zip((EAST, WEST), day[-1], strict=True) if kinds.get(grade)
    }


@given(day=DAY)
def test_no_two_calls_about_one_area_wait_at_once(day: list[tuple[Grade, Grade]]) -> None:
    telegrams = [weather({EAST: east, WEST: west}, n) for n, (east, west) in enumerate(day)]
    codes = [code for one in waiting(*after(*telegrams)) for code in one.area_codes]
    assert len(codes) == len(set(codes))
