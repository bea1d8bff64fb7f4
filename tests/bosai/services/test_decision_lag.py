"""The timer of late decisions at work: every stage is asked once, recorded once, and ends with the order."""

import asyncio

import msgspec
import pytest
from shapely import box

from bosai.errors import InvalidInput, NotAllowed, NotFound, WrongRealm
from bosai.feeds.decision_lag import Stage
from bosai.feeds.readings import Grade
from bosai.model.alert import AlertRecord, AlertState, OrderKind
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services import decision_lag
from bosai.services.audit import AuditService
from bosai.services.decision_lag import DecisionLag
from bosai.services.zones import ZoneCatalogue
from bosai.settings_lag import DecisionLag as Settings
from geodata.areas import Bbox
from geodata.hazards import HazardKind
from geodata.importers.areas import NamedArea
from geodata.places import PlaceIndex
from tests.bosai.feeds.test_decision_lag import LANDSLIDE, order
from tests.bosai.services.hq import START, HandClock, officer

SATO = officer("sato", Role.HQ_DRAFTER)
WARD = officer("ward", Role.WARD_OPERATOR)
BBOX = Bbox(140.4, 38.0, 141.2, 38.5)
EAST = NamedArea(
    kind="jma", code="0410001", name="仙台市東部", geometry_lonlat=box(140.85, 38.2, 141.0, 38.3), sample=True
)
SETTINGS = Settings(
    nag_min=10, escalate_min=20, tsunami_nag_min=2, tsunami_escalate_min=4, answer_holds_min=30
)


class City:
    """What stands and what is ordered, as the test says; and the timer over it."""

    def __init__(self, redis, clock, realm=Realm.LIVE):
        self.standings = []
        self.orders = []
        self.redis, self.clock = redis, clock
        self.zones = ZoneCatalogue([], [EAST], PlaceIndex([]), BBOX)
        self.need = LANDSLIDE
        self.timer = self.another(realm)

    def another(self, realm=Realm.LIVE):
        async def standings():
            return self.standings

        async def orders():
            return self.orders

        return DecisionLag(
            self.redis,
            realm,
            self.clock,
            standings,
            orders,
            needs_of=lambda one: [msgspec.structs.replace(self.need, standing=one)],
            zones=lambda: self.zones,
            settings=SETTINGS,
        )

    def announce(self, grade=Grade.URGENT):
        stands = LANDSLIDE.standing
        kind = msgspec.structs.replace(stands.kind, grade=grade)
        self.standings = [msgspec.structs.replace(stands, kind=kind, since=self.clock.now())]

    def issue(self, area=None, kind=OrderKind.EVACUATE):
        one = order(HazardKind.LANDSLIDE, kind)
        target = area or self.zones.area(["jma:0410001"])
        alert = msgspec.structs.replace(one, area=target)
        self.orders = [AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="")]

    async def log(self):
        entries = await AuditService(self.redis, Realm.LIVE, self.clock).read(0, 1000)
        return [(one.actor, one.step) for one in entries]


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def city(redis, clock):
    return City(redis, clock)


async def test_every_stage_is_recorded_once_however_often_and_by_however_many_it_ticks(city, clock):
    city.announce()
    other = city.another()
    for minute in range(0, 30):
        await asyncio.gather(city.timer.tick(), other.tick())
        expected = [("system", "decision_lag_nagged")] * (minute >= 10)
        expected += [("system", "decision_lag_escalated")] * (minute >= 20)
        assert await city.log() == expected, minute
        clock.move(minutes=1)
    assert (await AuditService(city.redis, Realm.LIVE, clock).verify()).ok


async def test_the_order_ends_the_waiting_and_the_record_says_how_long_it_was(city, clock):
    city.announce()
    clock.move(minutes=12)
    await city.timer.tick()
    clock.move(minutes=3)
    city.issue()
    await city.timer.tick()
    assert await city.timer.now() == ()
    entry = (await AuditService(city.redis, Realm.LIVE, clock).read(-1, 1))[0]
    assert (entry.step, entry.facts["waited_s"]) == ("decision_lag_ended", 15 * 60)
    await city.timer.tick()
    assert [step for _, step in await city.log()] == ["decision_lag_nagged", "decision_lag_ended"]


async def test_an_order_of_another_part_of_the_city_answers_nothing(city, clock):
    city.announce()
    elsewhere = NamedArea(
        kind="jma",
        code="0410002",
        name="仙台市西部",
        geometry_lonlat=box(140.5, 38.2, 140.7, 38.3),
        sample=True,
    )
    city.zones = ZoneCatalogue([], [EAST, elsewhere], PlaceIndex([]), BBOX)
    city.issue(area=city.zones.area(["jma:0410002"]))
    clock.move(minutes=11)
    assert [one.stage for one in await city.timer.waiting()] == [Stage.NAG]


@pytest.mark.parametrize("overlap_deg", [0.0, 0.0004])
async def test_an_order_for_the_neighbour_answers_nothing_where_they_share_a_border(city, clock, overlap_deg):
    city.announce()
    beside = NamedArea(
        kind="jma",
        code="0410002",
        name="仙台市西部",
        geometry_lonlat=box(140.7, 38.2, 140.85 + overlap_deg, 38.3),
        sample=True,
    )
    city.zones = ZoneCatalogue([], [EAST, beside], PlaceIndex([]), BBOX)
    city.issue(area=city.zones.area(["jma:0410002"]))
    clock.move(minutes=11)
    assert [one.stage for one in await city.timer.waiting()] == [Stage.NAG]


async def test_a_part_of_the_zone_is_enough(city, clock):
    city.announce()
    drawn = {
        "type": "Polygon",
        "coordinates": [[[140.9, 38.25], [140.91, 38.25], [140.91, 38.26], [140.9, 38.25]]],
    }
    city.issue(area=city.zones.area([], drawn, "崖の下"))
    clock.move(minutes=11)
    assert await city.timer.now() == ()


async def test_a_zone_nobody_knows_is_answered_by_any_order_about_the_danger_and_else_still_asked(
    city, clock
):
    city.announce()
    city.need = msgspec.structs.replace(LANDSLIDE, zone_keys=("jma:9999999",))
    clock.move(minutes=11)
    assert [one.stage for one in await city.timer.waiting()] == [Stage.NAG]
    city.issue()
    assert await city.timer.now() == ()


async def test_a_reasoned_not_now_is_recorded_and_asked_again_after_its_time(city, clock):
    city.announce()
    clock.move(minutes=11)
    await city.timer.tick()
    (lag,) = await city.timer.waiting()
    await city.timer.answer(SATO, lag.need.key, "現地で確認中")
    assert await city.timer.waiting() == ()
    (answered,) = await city.timer.now()
    assert (answered.stage, answered.answer.reason) == (Stage.ANSWERED, "現地で確認中")
    clock.move(minutes=30)
    await city.timer.tick()
    assert [one.stage for one in await city.timer.waiting()] == [Stage.ESCALATE]
    assert await city.log() == [
        ("system", "decision_lag_nagged"),
        ("sato", "decision_lag_answered"),
        ("system", "decision_lag_escalated"),
    ]


async def test_a_graver_announcement_asks_again_at_once_whatever_was_said(city, clock):
    city.announce()
    clock.move(minutes=11)
    (lag,) = await city.timer.waiting()
    await city.timer.answer(SATO, lag.need.key, "現地で確認中")
    city.announce(Grade.EMERGENCY)
    clock.move(minutes=10)
    await city.timer.tick()
    assert [one.stage for one in await city.timer.waiting()] == [Stage.NAG]


async def test_who_may_not_draft_may_not_decide_and_a_reason_is_needed(city, clock):
    city.announce()
    clock.move(minutes=11)
    (lag,) = await city.timer.waiting()
    with pytest.raises(NotAllowed):
        await city.timer.answer(WARD, lag.need.key, "様子を見る")
    with pytest.raises(InvalidInput) as found:
        await city.timer.answer(SATO, lag.need.key, " ")
    assert found.value.field == "reason"
    with pytest.raises(NotFound):
        await city.timer.answer(SATO, "nothing/like/that", "様子を見る")
    with pytest.raises(WrongRealm):
        await city.another(Realm.DRILL).answer(SATO, lag.need.key, "様子を見る")
    assert await city.log() == []


async def test_the_two_sides_wait_for_themselves(city, clock):
    city.announce()
    clock.move(minutes=11)
    await city.timer.tick()
    drill = city.another(Realm.DRILL)
    await drill.tick()
    live = await AuditService(city.redis, Realm.LIVE, clock).read(0, 10)
    drilled = await AuditService(city.redis, Realm.DRILL, clock).read(0, 10)
    assert len(live) == len(drilled) == 1
    assert live[0].at > START


async def test_the_area_of_a_version_is_compared_once_until_other_zones_are_imported(city, monkeypatch):
    """Every page of the console asks, and an area of the whole city takes a quarter of a second."""
    compared = []
    monkeypatch.setattr(decision_lag, "touches", lambda *asked: compared.append(asked) or False)
    city.announce()
    city.issue()
    for _ in range(3):
        assert len(await city.timer.now()) == 1
    assert len(compared) == 1
    city.zones = ZoneCatalogue([], [EAST], PlaceIndex([]), BBOX)
    await city.timer.now()
    assert len(compared) == 2
