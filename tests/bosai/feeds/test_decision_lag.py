"""The timer of late decisions: what answers danger, when HQ is asked, and what a reasoned "not now" holds for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.changes import Standing
from bosai.feeds.decision_lag import Answer, Limits, Need, Stage, answers_need, lags
from bosai.feeds.jma.envelope import InfoType, TelegramSource, TelegramStatus
from bosai.feeds.readings import Danger, Grade, Kind, System
from bosai.model.alert import Act, Alert, AlertArea, LiveAlert, OrderKind, TsunamiClass
from geodata.hazards import HazardKind

AT = datetime(2026, 9, 1, 5, 0, tzinfo=UTC)
LIMITS = Limits(
    nag=timedelta(minutes=10),
    escalate=timedelta(minutes=20),
    tsunami_nag=timedelta(minutes=2),
    tsunami_escalate=timedelta(minutes=4),
    answer_holds=timedelta(minutes=30),
)
SOURCE = TelegramSource(
    key="VPWW56-x",
    type_code="VPWW56",
    title="気象警報・注意報（Ｒ０６）（土砂）",
    status=TelegramStatus.NORMAL,
    info_type=InfoType.ISSUED,
    editorial_office="仙台管区気象台",
    sent_at=AT,
    report_at=AT,
    valid_until=None,
    event_ids=(),
    serial="",
    headline="",
)


def standing(danger: Danger, grade: Grade) -> Standing:
    return Standing(
        system=System.TSUNAMI if danger is Danger.TSUNAMI else System.WEATHER,
        code="220" if danger is Danger.TSUNAMI else "0410001",
        name="宮城県" if danger is Danger.TSUNAMI else "仙台市東部",
        layer="市町村等",
        kind=Kind(code="49", name="レベル４土砂災害危険警報", danger=danger, grade=grade, status="発表"),
        since=AT,
        source=SOURCE,
    )


LANDSLIDE = Need(
    rule="landslide-4",
    hazard=HazardKind.LANDSLIDE,
    kind=OrderKind.EVACUATE,
    tsunami_class=None,
    zone_keys=("jma:0410001",),
    standing=standing(Danger.LANDSLIDE, Grade.URGENT),
)
LANDSLIDE_5 = msgspec.structs.replace(
    LANDSLIDE,
    rule="landslide-5",
    kind=OrderKind.EMERGENCY_SAFETY,
    standing=standing(Danger.LANDSLIDE, Grade.EMERGENCY),
)
TSUNAMI = Need(
    rule="tsunami",
    hazard=HazardKind.TSUNAMI,
    kind=OrderKind.TSUNAMI_EVACUATION,
    tsunami_class=TsunamiClass.WARNING,
    zone_keys=("tsunami:area1",),
    standing=standing(Danger.TSUNAMI, Grade.WARNING),
)


def order(hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None = None) -> LiveAlert:
    return LiveAlert(
        alert_id="a1",
        version=1,
        act=Act.ISSUE,
        hazard=hazard,
        kind=kind,
        tsunami_class=tsunami_class,
        area=AlertArea(names=("若林区",), polygons_e7_lonlat=(), zone_keys=()),
        texts={},
        reason="",
        review_after_min=60,
        drafter="hq1",
        drafted_at=AT,
    )


def found(
    needs: list[Need],
    *,
    minutes: float,
    orders: tuple[Alert, ...] = (),
    answer: Answer | None = None,
    touches: bool = True,
) -> list[Stage]:
    shown = lags(
        needs,
        orders,
        lambda _key: answer,
        lambda _order, _zones: touches,
        limits=LIMITS,
        now=AT + timedelta(minutes=minutes),
    )
    return [one.stage for one in shown]


@pytest.mark.parametrize(
    ("need", "minutes", "stage"),
    [
        (LANDSLIDE, 9.9, Stage.WAITING),
        (LANDSLIDE, 10, Stage.NAG),
        (LANDSLIDE, 20, Stage.ESCALATE),
        (TSUNAMI, 1.9, Stage.WAITING),
        (TSUNAMI, 2, Stage.NAG),
        (TSUNAMI, 4, Stage.ESCALATE),
    ],
)
def test_hq_is_asked_by_the_minutes_since_the_announcement(need: Need, minutes: float, stage: Stage) -> None:
    assert found([need], minutes=minutes) == [stage]


@pytest.mark.parametrize(
    ("need", "given_order", "answered"),
    [
        (LANDSLIDE, order(HazardKind.LANDSLIDE, OrderKind.EVACUATE), True),
        (LANDSLIDE, order(HazardKind.LANDSLIDE, OrderKind.EMERGENCY_SAFETY), True),
        (LANDSLIDE, order(HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC), False),
        (LANDSLIDE, order(HazardKind.FLOOD, OrderKind.EVACUATE), False),
        (LANDSLIDE, order(HazardKind.LANDSLIDE, OrderKind.NOTICE), False),
        # Level 5 is not always issued: everybody has been told to leave already.
        (LANDSLIDE_5, order(HazardKind.LANDSLIDE, OrderKind.EVACUATE), True),
        (LANDSLIDE_5, order(HazardKind.LANDSLIDE, OrderKind.ELDERLY_ETC), False),
        (TSUNAMI, order(HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING), True),
        (TSUNAMI, order(HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.MAJOR_WARNING), True),
        (TSUNAMI, order(HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.ADVISORY), False),
        (TSUNAMI, order(HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION), True),
        (TSUNAMI, order(HazardKind.TSUNAMI, OrderKind.NOTICE, TsunamiClass.MAJOR_WARNING), False),
    ],
)
def test_an_order_answers_only_the_same_danger_and_only_when_it_asks_enough(
    need: Need, given_order: Alert, answered: bool
) -> None:
    assert answers_need(given_order, need) is answered
    assert found([need], minutes=60, orders=(given_order,)) == ([] if answered else [Stage.ESCALATE])


def test_rain_that_may_be_a_river_is_answered_by_an_order_for_the_river() -> None:
    rain = msgspec.structs.replace(LANDSLIDE, hazard=HazardKind.INLAND_FLOOD)
    assert answers_need(order(HazardKind.FLOOD, OrderKind.EVACUATE), rain)


def test_an_order_for_other_people_answers_nothing() -> None:
    elsewhere = order(HazardKind.LANDSLIDE, OrderKind.EVACUATE)
    assert found([LANDSLIDE], minutes=60, orders=(elsewhere,), touches=False) == [Stage.ESCALATE]


def test_what_is_lifted_or_recalled_answers_nothing() -> None:
    for act in (Act.LIFT, Act.RECALL):
        ended = msgspec.structs.replace(order(HazardKind.LANDSLIDE, OrderKind.EVACUATE), act=act)
        assert found([LANDSLIDE], minutes=60, orders=(ended,)) == [Stage.ESCALATE]


def test_level_three_asks_nobody() -> None:
    slow = msgspec.structs.replace(LANDSLIDE, kind=OrderKind.ELDERLY_ETC)
    assert found([slow], minutes=600) == []


def test_a_reasoned_not_now_holds_for_its_time_and_never_for_a_graver_danger() -> None:
    said = Answer(by="hq1", at=AT + timedelta(minutes=12), reason="現地で確認中", grade=int(Grade.URGENT))
    assert found([LANDSLIDE], minutes=41, answer=said) == [Stage.ANSWERED]
    assert found([LANDSLIDE], minutes=42, answer=said) == [Stage.ESCALATE]
    assert found([LANDSLIDE_5], minutes=13, answer=said) == [Stage.NAG]


@given(st.lists(st.integers(0, 300), min_size=2, max_size=2, unique=True).map(sorted))
def test_waiting_longer_never_makes_the_question_softer(minutes: list[int]) -> None:
    order_of = [Stage.WAITING, Stage.NAG, Stage.ESCALATE]
    for need in (LANDSLIDE, TSUNAMI):
        early, late = (found([need], minutes=one)[0] for one in minutes)
        assert order_of.index(early) <= order_of.index(late)


def test_a_clock_that_runs_behind_the_announcement_waits_zero_minutes() -> None:
    (lag,) = lags(
        [LANDSLIDE],
        (),
        lambda _key: None,
        lambda _o, _z: True,
        limits=LIMITS,
        now=AT - timedelta(minutes=3),
    )
    assert (lag.waited, lag.stage) == (timedelta(), Stage.WAITING)
