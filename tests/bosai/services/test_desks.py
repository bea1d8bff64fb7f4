"""The shelter desk: who gets in, what may be said, and what is current when many speak at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bosai.errors import InvalidInput, NotFound, NotSignedIn, TooManyTries, WrongSecret
from bosai.model.realm import Realm
from bosai.services.audit import AuditService
from bosai.services.desks import DeskService
from bosai.services.sites import SiteService
from bosai.settings import load_settings
from bosai.stores.events import EventKind
from bosai.stores.keys import Keys
from bosai.stores.site_failures import Move, SiteFailure, SiteFailures
from bosai.stores.sites import SiteStore
from shelters.model import NO_FACET, Crowding, Facet, Opening
from tests.bosai.services.test_sites import NOW, SCHOOL, TOWER, FixedClock, table

KEY = b"k" * 32


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def desks(redis, clock, settings):
    sites = SiteService(redis, Realm.LIVE, clock, settings, AuditService(redis, Realm.LIVE, clock))
    await sites.import_sites(table(SCHOOL, TOWER), "cli")
    return DeskService(redis, Realm.LIVE, clock, KEY)


@pytest.fixture
async def desk(desks):
    access = await desks.link("hq1", "E1")
    return await desks.open(access.capability, access.pin)


async def test_link_and_pin_open_exactly_one_site(desks):
    access = await desks.link("hq1", "E1")
    assert access.path == f"/s/{access.capability}" and len(access.pin) == 6
    assert (await desks.site_of(access.capability)).site_id == "E1"
    session = await desks.open(access.capability, access.pin)
    assert (await desks.resume(access.capability, session.token)).site_id == "E1"
    assert (await desks.view(session)).opening is Opening.EXPECTED
    with pytest.raises(NotFound):
        await desks.link("hq1", "E9")


async def test_five_wrong_pins_lock_the_link_until_it_is_made_anew(desks, redis):
    access = await desks.link("hq1", "E1")
    wrong = "000000" if access.pin != "000000" else "111111"
    tries = await asyncio.gather(
        *(desks.open(access.capability, wrong) for _ in range(9)), return_exceptions=True
    )
    assert sum(isinstance(one, WrongSecret) for one in tries) == 5
    with pytest.raises(TooManyTries) as locked:
        await desks.open(access.capability, access.pin)
    assert 0 < locked.value.retry_after_s <= 900
    anew = await desks.link("hq1", "E1")
    assert await desks.open(anew.capability, anew.pin)


async def test_the_right_pin_clears_earlier_mistakes(desks):
    access = await desks.link("hq1", "E1")
    wrong = "000000" if access.pin != "000000" else "111111"
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(WrongSecret):
                await desks.open(access.capability, wrong)
        await desks.open(access.capability, access.pin)


async def test_a_new_link_ends_the_old_one_and_its_sessions(desks, desk):
    old = await desks.link("hq1", "E3")
    session = await desks.open(old.capability, old.pin)
    await desks.link("hq1", "E3")
    with pytest.raises(NotSignedIn):
        await desks.report(session, opening=Opening.OPEN)
    with pytest.raises(NotSignedIn):
        await desks.resume(old.capability, session.token)
    with pytest.raises(WrongSecret):
        await desks.open(old.capability, old.pin)
    assert await desks.report(desk, opening=Opening.OPEN)
    await desks.revoke("hq1", "E1")
    with pytest.raises(NotSignedIn):
        await desks.view(desk)


async def test_a_session_ends_after_a_day_and_forged_or_foreign_ones_never_begin(desks, redis, clock):
    access, other = await desks.link("hq1", "E1"), await desks.link("hq1", "E3")
    session = await desks.open(access.capability, access.pin)
    until, _, mac = session.token.partition(".")
    for token in ("", "x", f"{int(until) + 9}.{mac}", session.token[:-1], f"{until}.{mac}x", "９.x"):
        with pytest.raises(NotSignedIn):
            await desks.resume(access.capability, token)
    with pytest.raises(NotSignedIn):
        await desks.resume(other.capability, session.token)
    drill = DeskService(redis, Realm.DRILL, clock, KEY)
    with pytest.raises(NotSignedIn):
        await drill.resume(access.capability, session.token)
    with pytest.raises(NotSignedIn):
        await drill.report(session, opening=Opening.OPEN)
    clock.at += timedelta(hours=24, seconds=1)
    with pytest.raises(NotSignedIn):
        await desks.resume(access.capability, session.token)
    with pytest.raises(NotSignedIn):
        await desks.report(session, opening=Opening.OPEN)


async def test_a_dump_of_the_store_holds_neither_link_nor_pin(desks, redis):
    access = await desks.link("hq1", "E1")
    stored = await redis.hgetall(Keys(Realm.LIVE).desk)
    for field, value in stored.items():
        assert access.capability.encode() not in field + value and access.pin.encode() not in value


async def test_a_report_changes_the_status_and_the_planner_hears(desks, desk, redis):
    status = await desks.report(desk, opening=Opening.CLOSED)
    assert (status.opening, status.reporter) == (Opening.CLOSED, "desk:E1")
    status = await desks.report(desk, present_persons=12)
    assert (status.opening, status.present_persons) == (Opening.CLOSED, 12)
    events = await redis.xrevrange(Keys(Realm.LIVE).events, count=1)
    assert (events[0][1][b"kind"], events[0][1][b"subject"]) == (EventKind.SITE_STATUS.encode(), b"E1")
    assert (await SiteStore(redis, Realm.DRILL).statuses()) == {}


async def test_the_latest_event_counts_not_the_latest_message(desks, desk, clock):
    await desks.report(desk, present_persons=50)
    late = await desks.report(desk, present_persons=5, event_at=clock.at - timedelta(minutes=20))
    assert late.present_persons == 50
    clock.at += timedelta(minutes=1)
    assert (await desks.report(desk, crowding=Crowding.FULL)).crowding is Crowding.FULL


async def test_an_impossible_count_waits_until_it_is_said_again(desks, desk, redis):
    await desks.report(desk, present_persons=10)
    with pytest.raises(InvalidInput) as held:
        await desks.report(desk, present_persons=1801)
    assert (held.value.field, held.value.problem) == ("present_persons", "needs_confirmation")
    assert (await SiteStore(redis, Realm.LIVE).status("E1")).present_persons == 10
    history = await SiteStore(redis, Realm.LIVE).history("E1")
    assert [one.held for _, one in history.reports] == [False, True]
    assert (await desks.report(desk, present_persons=1801)).present_persons == 1801
    for _ in range(2):
        with pytest.raises(InvalidInput):
            await desks.report(desk, present_persons=-1)
    assert (await desks.view(desk)).status.present_persons == 1801


async def test_nothing_said_and_times_out_of_range_are_refused(desks, desk):
    bad = (NOW + timedelta(minutes=3), NOW - timedelta(hours=25), NOW.replace(tzinfo=None))
    for event_at in bad:
        with pytest.raises(InvalidInput) as refused:
            await desks.report(desk, opening=Opening.OPEN, event_at=event_at)
        assert refused.value.field == "event_at"
    with pytest.raises(InvalidInput):
        await desks.report(desk)


async def test_undo_brings_back_what_was_known_before_and_only_the_desks_own_word(desks, desk, clock):
    await desks.report(desk, present_persons=10)
    clock.at += timedelta(seconds=1)
    await desks.report(desk, present_persons=99)
    assert (await desks.undo(desk)).present_persons == 10
    assert (await desks.undo(desk)).present_persons is None
    with pytest.raises(InvalidInput):
        await desks.undo(desk)


async def test_desks_reporting_at_the_same_moment_lose_no_report(desks, desk, redis):
    access = await desks.link("hq1", "E3")
    tower = await desks.open(access.capability, access.pin)
    times = [NOW - timedelta(seconds=n) for n in range(12)]
    await asyncio.gather(
        *(desks.report(desk, present_persons=100 + n, event_at=at) for n, at in enumerate(times)),
        *(desks.report(tower, present_persons=n) for n in range(4)),
    )
    store = SiteStore(redis, Realm.LIVE)
    assert len((await store.history("E1")).reports) == 12
    assert (await store.status("E1")).present_persons == 100
    assert len((await store.history("E3")).reports) == 4


async def test_people_on_their_way_are_shown_with_the_time_of_the_plan(desks, desk, redis):
    assert (await desks.view(desk)).people_on_their_way is None
    at = datetime(2026, 11, 23, 3, 1, tzinfo=UTC)
    await redis.hset(Keys(Realm.LIVE).on_the_way, mapping={"E1": 7, "at": at.isoformat()})
    view = await desks.view(desk)
    assert (view.people_on_their_way, view.on_their_way_at) == (7, at)


async def test_a_building_check_and_outages_are_said_and_taken_back_without_touching_the_head_count(
    desks, desk, clock
):
    await desks.report(desk, present_persons=40)
    clock.at += timedelta(minutes=1)
    said = await desks.report(desk, checked=True, outages=Facet.POWER | Facet.STEP_FREE)
    assert said.checked_at == clock.at and said.outages == Facet.POWER | Facet.STEP_FREE
    assert said.present_persons == 40 and said.present_at < said.outages_at
    assert (await desks.view(desk)).status == said
    clock.at += timedelta(minutes=1)
    mended = await desks.report(desk, outages=NO_FACET)
    assert mended.outages == NO_FACET and mended.checked_at == said.checked_at
    assert (await desks.report(desk, checked=False)).checked_at is None
    assert (await desks.undo(desk)).checked_at == said.checked_at


async def test_a_report_that_says_nothing_is_refused(desks, desk):
    with pytest.raises(InvalidInput) as refused:
        await desks.report(desk)
    assert refused.value.problem == "missing"


async def test_the_desk_of_an_unusable_site_learns_where_its_people_are_sent(desks, desk, redis, clock):
    failure = SiteFailure(
        site_id="E1",
        name="荒浜学校",
        at=clock.at,
        inside=40,
        inside_with_phone=10,
        on_their_way=25,
        moves=(Move(site_id="E3", name="井土津波避難タワー", persons=60, without_seat=5),),
        without_site=5,
        say="井土津波避難タワーへ 60人",
    )
    failures = SiteFailures(redis, Realm.LIVE)
    await failures.write([failure])
    assert (await desks.view(desk)).failure is None  # still open: the plan is older than the report
    await desks.report(desk, opening=Opening.UNUSABLE)
    assert (await desks.view(desk)).failure == failure and failure.short == 10
    await failures.write([])
    assert (await desks.view(desk)).failure is None
