"""HQ's hand: who may set what, that it is recorded with its reason, and that the planner hears of it."""

import asyncio
from datetime import timedelta

import pytest

from bosai.errors import InvalidInput, NotAllowed, NotFound
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.audit import AuditService
from bosai.services.hand import HandService
from bosai.services.sites import SiteService
from bosai.settings import load_settings
from bosai.stores.events import EventKind
from bosai.stores.hand import HandKind, HandStore
from bosai.stores.keys import Keys
from shelters.hand import NO_HAND, Hand, Pin
from tests.bosai.services.hq import START, HandClock, officer
from tests.bosai.services.test_sites import SCHOOL, TOWER, table
from tests.bosai.services.test_welfare import CARE_HOME

TOWNS = ("若林区荒浜", "若林区荒井")
SATO = officer("sato", Role.HQ_APPROVER)
ABE = officer("abe", Role.HQ_DRAFTER)
WARD = officer("ward", Role.WARD_OPERATOR)
VIEWER = officer("look", Role.VIEWER)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def hand(redis, clock, settings):
    sites = SiteService(redis, Realm.LIVE, clock, settings, AuditService(redis, Realm.LIVE, clock))
    await sites.import_sites(table(SCHOOL, TOWER), "cli")
    return HandService(redis, Realm.LIVE, clock)


async def steps(redis, clock):
    entries = await AuditService(redis, Realm.LIVE, clock).read(0, 1000)
    return [(one.actor, one.step, one.subject) for one in entries if not one.step.startswith("imported")]


async def test_nothing_is_asked_of_the_plan_until_an_officer_asks(hand):
    assert await hand.hand() == NO_HAND and await hand.entries() == ()


async def test_what_officers_set_is_what_the_plan_obeys(hand, redis, clock):
    shaken = START - timedelta(minutes=20)
    await hand.exclude(ABE, "E1", "道路が冠水")
    await hand.pin(SATO, TOWNS[0], "E1", "バスを出すため", TOWNS)
    await hand.pause(SATO, "混乱を避けるため")
    await hand.shaken(SATO, shaken, "震度6弱")
    assert await HandStore(redis, Realm.LIVE).hand() == Hand(
        excluded={"E1": "道路が冠水"},
        pins={TOWNS[0]: Pin(site_id="E1", reason="バスを出すため")},
        redirects_paused="混乱を避けるため",
        shaken_at_s=shaken.timestamp(),
    )
    assert await steps(redis, clock) == [
        ("abe", "excluded_site", "site:E1"),
        ("sato", "pinned_town", f"town:{TOWNS[0]}"),
        ("sato", "paused_redirects", "plan:"),
        ("sato", "recorded_shaking", "plan:"),
    ]
    assert (await AuditService(redis, Realm.LIVE, clock).verify()).ok


async def test_what_was_lifted_is_gone_and_the_record_names_who_had_set_it(hand, redis, clock):
    await hand.exclude(ABE, "E1", "道路が冠水")
    clock.move(minutes=30)
    lifted = await hand.lift(SATO, HandKind.EXCLUDE, "E1", "水が引いた")
    assert lifted is not None and lifted.set_by == "abe" and lifted.set_at == START
    assert await hand.hand() == NO_HAND
    entry = (await AuditService(redis, Realm.LIVE, clock).read(-1, 1))[0]
    assert (entry.step, entry.facts["by"], entry.facts["reason"]) == ("readmitted_site", "abe", "水が引いた")


async def test_a_town_is_not_sent_to_a_place_that_is_not_for_the_public(hand, redis, clock, settings):
    sites = SiteService(redis, Realm.LIVE, clock, settings, AuditService(redis, Realm.LIVE, clock))
    await sites.import_sites(table(SCHOOL, TOWER, CARE_HOME), "cli")
    with pytest.raises(InvalidInput) as found:
        await hand.pin(SATO, TOWNS[0], "W1", "近いから", TOWNS)
    assert (found.value.field, found.value.problem) == ("site", "not_public")
    assert (await hand.hand()).pins == {}


async def test_lifting_what_is_not_set_records_nothing(hand, redis, clock):
    assert await hand.lift(SATO, HandKind.PAUSE, "", "再開") is None
    assert await steps(redis, clock) == []


async def test_a_button_pressed_twice_is_one_decision_and_another_reason_is_another(hand, redis, clock):
    first = await hand.exclude(ABE, "E1", "道路が冠水")
    clock.move(minutes=5)
    assert await hand.exclude(SATO, "E1", " 道路が冠水\n") == first
    assert len(await steps(redis, clock)) == 1
    assert (await hand.exclude(SATO, "E1", "橋が落ちた")).set_by == "sato"
    assert [one[0] for one in await steps(redis, clock)] == ["abe", "sato"]


async def test_many_who_set_the_same_at_once_leave_one_record(hand, redis, clock):
    await asyncio.gather(*(hand.pause(SATO, "混乱を避けるため") for _ in range(6)))
    assert len(await steps(redis, clock)) == 1 and len(await hand.entries()) == 1


async def test_the_planner_is_told_at_once(hand, redis):
    await hand.exclude(ABE, "E1", "道路が冠水")
    await hand.lift(ABE, HandKind.EXCLUDE, "E1", "水が引いた")
    events = await redis.xrevrange(Keys(Realm.LIVE).events, count=2)
    assert [fields[b"kind"].decode() for _, fields in events] == [EventKind.HAND_CHANGED] * 2
    assert events[0][1][b"subject"] == b"exclude/E1"


async def test_what_is_set_shows_in_the_bytes_the_planner_compares(hand, redis):
    store = HandStore(redis, Realm.LIVE)
    before = await store.raw()
    await hand.pause(SATO, "混乱を避けるため")
    assert before == () and await store.raw() != before


async def test_a_ward_may_exclude_a_site_but_not_steer_the_city_and_a_viewer_neither(hand):
    await hand.exclude(WARD, "E1", "体育館の床が抜けた")
    for who, act in (
        (WARD, hand.pause(WARD, "理由")),
        (WARD, hand.pin(WARD, TOWNS[0], "E1", "理由", TOWNS)),
        (WARD, hand.shaken(WARD, START, "理由")),
        (WARD, hand.lift(WARD, HandKind.SHAKEN, "", "理由")),
        (VIEWER, hand.exclude(VIEWER, "E1", "理由")),
        (VIEWER, hand.lift(VIEWER, HandKind.EXCLUDE, "E1", "理由")),
    ):
        with pytest.raises(NotAllowed):
            await act
        assert who.role in (Role.WARD_OPERATOR, Role.VIEWER)
    assert [one.subject for one in await hand.entries()] == ["E1"]


async def test_an_officer_of_the_drill_changes_nothing_of_the_live_side(hand, redis, clock):
    with pytest.raises(NotAllowed):
        await hand.exclude(officer("sato", realm=Realm.DRILL), "E1", "訓練")
    drill = HandService(redis, Realm.DRILL, clock)
    await drill.pause(officer("sato", realm=Realm.DRILL), "訓練")
    assert await hand.hand() == NO_HAND and (await drill.hand()).redirects_paused == "訓練"


@pytest.mark.parametrize(
    ("reason", "problem"),
    [("", "missing"), (" \n ", "missing"), ("あ" * 201, "too_long"), ("a\x00b", "not_printable")],
)
async def test_a_reason_is_asked_for_and_must_fit(hand, reason, problem):
    with pytest.raises(InvalidInput) as refused:
        await hand.exclude(ABE, "E1", reason)
    assert (refused.value.field, refused.value.problem) == ("reason", problem)
    assert (await hand.exclude(ABE, "E1", "あ" * 200)).reason == "あ" * 200


async def test_unknown_sites_and_towns_are_refused_by_name(hand):
    with pytest.raises(NotFound):
        await hand.exclude(ABE, "nowhere", "理由")
    with pytest.raises(NotFound):
        await hand.pin(SATO, TOWNS[0], "nowhere", "理由", TOWNS)
    with pytest.raises(InvalidInput) as refused:
        await hand.pin(SATO, "青葉区どこか", "E1", "理由", TOWNS)
    assert refused.value.field == "town"
    with pytest.raises(InvalidInput):
        await hand.pin(SATO, "", "E1", "理由", ())


async def test_shaking_is_of_the_last_days_and_never_of_the_future(hand):
    for since in (START + timedelta(hours=1), START - timedelta(days=8)):
        with pytest.raises(InvalidInput) as refused:
            await hand.shaken(SATO, since, "震度6弱")
        assert (refused.value.field, refused.value.problem) == ("since", "out_of_range")
    with pytest.raises(InvalidInput):
        await hand.shaken(SATO, START.replace(tzinfo=None), "震度6弱")
    assert (await hand.shaken(SATO, START + timedelta(seconds=30), "震度6弱")).since == START
