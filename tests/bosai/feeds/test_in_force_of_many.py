"""The fold over telegrams of many kinds at once: scopes side by side, collections, rivers, the two weather families."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.changes import ChangeKind, IgnoredReason
from bosai.feeds.differences import Key
from bosai.feeds.errors import FeedError
from bosai.feeds.happened import MAX_SEEN, MAX_WITH_CONTENT
from bosai.feeds.in_force import COLLECTION, State, fold, fold_all, forecasts, in_force, rests_on, standings
from bosai.feeds.jma.envelope import InfoType, TelegramSource, TelegramStatus, parse_telegram
from bosai.feeds.jma.reading import read
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
from bosai.feeds.timeline import MAX_ENTRIES
from tests.bosai.feeds.telegrams import JST, jma_folder

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=JST)
LIVE = State(realm="live")
EAST, WEST = "0410001", "0410002"
SENDAI = "仙台管区気象台"


def source(
    type_code: str,
    minute: int,
    *,
    info_type: InfoType = InfoType.ISSUED,
    office: str = SENDAI,
    events: tuple[str, ...] = (),
    tie: str = "",
) -> TelegramSource:
    at = NOON + timedelta(minutes=minute)
    return TelegramSource(
        key=f"{type_code}-{minute}-{info_type}-{tie}",
        type_code=type_code,
        title=type_code,
        status=TelegramStatus.NORMAL,
        info_type=info_type,
        editorial_office=office,
        sent_at=at,
        report_at=at,
        valid_until=None,
        event_ids=events,
        serial="",
        headline="見出し",
    )


def area(
    code: str, *kinds: Kind, system: System = System.WEATHER, name: str = "仙台市", layer: str = "市町村等"
) -> Area:
    return Area(system=system, code=code, name=name, layer=layer, kinds=kinds)


def kind(danger: Danger, grade: Grade, *, code: str = "", lifted: bool = False, **given) -> Kind:
    return Kind(
        code=code or f"{danger}{int(grade)}", name="", danger=danger, grade=grade, lifted=lifted, **given
    )


def warning(
    minute: int, grade: Grade, *codes: str, type_code: str = "VPWW56", scope: str = "VPWW56/040000"
) -> Reading:
    """土砂 of Miyagi with one grade in the areas named."""
    areas = tuple(area(code, kind(Danger.LANDSLIDE, grade)) for code in codes)
    return Reading(source=source(type_code, minute), scope=scope, areas=areas)


def recall(minute: int, type_code: str = "VPWW56", **given) -> Reading:
    return Reading(
        source=source(type_code, minute, info_type=InfoType.CANCELLED, **given), text="取り消します。"
    )


def river(minute: int, grade: Grade, event: str, *, lifted: bool = False) -> Reading:
    one = kind(Danger.RIVER_FLOOD, grade, lifted=lifted)
    return Reading(
        source=source("VXKO52", minute, events=(event,), tie=event),
        scope=f"VXKO/{event}",
        areas=(
            area(event, one, system=System.RIVER, name="川", layer="予報区域"),
            area("040000", one, name="宮城県", layer="府県予報区等"),
        ),
    )


def grade_of(state: State, key: Key) -> Grade:
    found = standings(state).get(key)
    return Grade.NONE if found is None else found.kind.grade


def kinds_of(found) -> list[tuple[ChangeKind, str]]:
    assert not isinstance(found, IgnoredReason), found
    return sorted((one.kind, (one.area or one.before or one.after).code) for one in found)


LANDSLIDE_EAST = (System.WEATHER, EAST, Danger.LANDSLIDE)
FLOOD_MIYAGI = (System.WEATHER, "040000", Danger.RIVER_FLOOD)


def test_a_telegram_of_one_danger_leaves_those_of_the_others_in_force():
    rain = Reading(
        source=source("VPWW55", 0),
        scope="VPWW55/040000",
        areas=(area(EAST, kind(Danger.HEAVY_RAIN, Grade.WARNING)),),
    )
    state, _ = fold_all(LIVE, (rain, warning(1, Grade.URGENT, EAST), warning(2, Grade.NONE)))
    assert [one.key for one in in_force(state)] == [(System.WEATHER, EAST, Danger.HEAVY_RAIN)]


def test_an_area_that_is_named_with_nothing_is_lifted_in_so_many_words():
    state, _ = fold(LIVE, warning(0, Grade.WARNING, EAST, WEST))
    nothing = Reading(source=source("VPWW56", 5), scope="VPWW56/040000", areas=(area(EAST),))
    state, found = fold(state, nothing)
    assert {(one.before.code, one.kind, one.stated) for one in found} == {
        (EAST, ChangeKind.LIFTED, True),
        (WEST, ChangeKind.LIFTED, False),
    }
    assert in_force(state) == ()


def test_the_lift_of_one_river_does_not_lift_what_another_has_in_force_in_the_prefecture():
    state, _ = fold_all(
        LIVE, (river(0, Grade.URGENT, "820202000100"), river(1, Grade.WARNING, "820209000400"))
    )
    assert grade_of(state, FLOOD_MIYAGI) is Grade.URGENT
    state, found = fold(state, river(2, Grade.NONE, "820202000100", lifted=True))
    assert kinds_of(found) == [(ChangeKind.LIFTED, "820202000100"), (ChangeKind.LOWERED, "040000")]
    assert grade_of(state, FLOOD_MIYAGI) is Grade.WARNING
    state, found = fold(state, river(3, Grade.NONE, "820209000400", lifted=True))
    assert in_force(state) == ()


def test_a_cancellation_of_one_river_leaves_the_others():
    both = (river(0, Grade.URGENT, "820202000100"), river(1, Grade.URGENT, "820209000400"))
    state, _ = fold_all(LIVE, both)
    state, found = fold(state, recall(2, "VXKO52", events=("820202000100",)))
    assert kinds_of(found) == [(ChangeKind.RECALLED, "820202000100")]
    assert {one.code for one in in_force(state)} == {"040000", "820209000400"}


def test_a_cancellation_of_one_type_or_office_withdraws_nothing_of_another():
    state, _ = fold(LIVE, warning(0, Grade.URGENT, EAST))
    assert fold(state, recall(1, "VPWW55"))[1] is IgnoredReason.NOTHING_TO_RECALL
    assert fold(state, recall(1, office="東京管区気象台"))[1] is IgnoredReason.NOTHING_TO_RECALL
    assert kinds_of(fold(state, recall(1))[1]) == [(ChangeKind.RECALLED, EAST)]


def test_a_collection_stands_in_for_a_telegram_that_was_missed_and_is_outdone_by_a_newer_one():
    state, _ = fold(LIVE, warning(0, Grade.WARNING, EAST))
    collected = warning(5, Grade.URGENT, EAST, type_code=COLLECTION)
    state, found = fold(state, collected)
    assert kinds_of(found) == [(ChangeKind.RAISED, EAST)]
    state, found = fold(state, warning(9, Grade.WARNING, EAST))
    assert kinds_of(found) == [(ChangeKind.LOWERED, EAST)]
    assert fold(state, warning(7, Grade.EMERGENCY, EAST, type_code=COLLECTION))[1] is IgnoredReason.LATE


def test_withdrawing_a_collection_leaves_what_the_telegrams_themselves_said():
    first, collected = (
        warning(0, Grade.WARNING, EAST),
        warning(5, Grade.EMERGENCY, EAST, type_code=COLLECTION),
    )
    state, _ = fold_all(LIVE, (first, collected))
    state, found = fold(state, recall(6, COLLECTION))
    assert grade_of(state, LANDSLIDE_EAST) is Grade.WARNING
    assert standings(state)[LANDSLIDE_EAST].since == NOON
    assert [(one.kind, one.grade_before, one.grade_after) for one in found] == [
        (ChangeKind.LOWERED, Grade.EMERGENCY, Grade.WARNING)
    ]


def test_of_two_kinds_of_one_danger_in_one_area_the_graver_counts():
    one = Reading(
        source=source("VPWW58", 0),
        scope="VPWW58/040000",
        areas=(
            area(EAST, kind(Danger.WIND, Grade.NONE, lifted=True), kind(Danger.WIND, Grade.WARNING)),
            area(EAST, kind(Danger.WIND, Grade.ADVISORY), layer="一次細分区域等"),
        ),
    )
    state, found = fold(LIVE, one)
    assert kinds_of(found) == [(ChangeKind.RAISED, EAST)]
    assert grade_of(state, (System.WEATHER, EAST, Danger.WIND)) is Grade.WARNING


OLD = msgspec.structs.replace(
    warning(1, Grade.URGENT, EAST, type_code="VXWW50", scope="VXWW50/040000"), is_legacy=True
)


@pytest.mark.parametrize(("family", "kept"), [("r06", "VPWW56"), ("legacy", "VXWW50")])
def test_old_and_new_telegrams_of_one_event_change_the_state_once(family, kept):
    new = warning(0, Grade.URGENT, EAST)
    for order in ((new, OLD), (OLD, new)):
        state, outcomes = State(realm="live", family=family), []
        for one in order:
            state, found = fold(state, one)
            outcomes.append(found if isinstance(found, IgnoredReason) else "changed")
        assert sorted(outcomes) == ["changed", IgnoredReason.OTHER_FAMILY]
        (standing,) = in_force(state)
        assert standing.source.type_code == kept


def shaking(minute: int, value: str = "5+", **given) -> Reading:
    place = Happening(
        danger=Danger.SHAKING, system=System.SEISMIC, code="222", name="宮城県中部", value=value
    )
    return Reading(source=source("VXSE51", minute, events=("20260901115900",), **given), happenings=(place,))


def test_what_happened_is_told_once_a_telegram_in_any_order_and_leaves_nothing_in_force():
    state, first = fold(LIVE, shaking(3))
    state, late = fold(state, shaking(1))
    state, again = fold(state, shaking(3))
    assert [one.kind for found in (first, late) for one in found] == [ChangeKind.HAPPENED] * 2
    assert again is IgnoredReason.DUPLICATE
    assert in_force(state) == ()


def test_a_cancellation_takes_back_what_was_said_to_have_happened_whichever_comes_first():
    withdrawal = recall(4, "VXSE51", events=("20260901115900",))
    state, _ = fold(LIVE, shaking(3))
    state, found = fold(state, withdrawal)
    assert [(one.kind, one.happening and one.happening.code) for one in found] == [
        (ChangeKind.RECALLED, "222")
    ]
    other_way, _ = fold(LIVE, withdrawal)
    assert fold(other_way, shaking(3)) == (state, IgnoredReason.LATE)


def test_what_happened_does_not_pile_up():
    state, _ = fold_all(LIVE, (shaking(minute) for minute in range(MAX_SEEN + 20)))
    kept = state.happened["VXSE51"]
    assert len(kept) == MAX_SEEN
    assert sum(bool(one.happenings) for one in kept) == MAX_WITH_CONTENT
    assert fold(state, shaking(0))[1] is IgnoredReason.LATE


def series(minute: int, *hours: int) -> Reading:
    expected = tuple(
        Expected(
            grade=Grade.URGENT,
            level=4,
            starts_at=NOON + timedelta(hours=hour),
            lasts=None,
            place="",
            as_given=f"{hour}時間後",
        )
        for hour in hours
    )
    one = Forecast(system=System.WEATHER, code=EAST, name="", danger=Danger.LANDSLIDE, expected=expected)
    return Reading(source=source("VPWP50", minute), scope="VPWP50/040000", forecasts=(one,) if hours else ())


def test_a_forecast_is_told_when_it_is_new_or_another_or_gone_and_the_newest_holds():
    state, told = LIVE, []
    for one in (series(0, 6), series(1, 6), series(2, 3), series(1, 9), series(3)):
        state, found = fold(state, one)
        told.append(found if isinstance(found, IgnoredReason) else [len(c.forecast.expected) for c in found])
    assert told == [[1], [], [1], IgnoredReason.LATE, [0]]
    assert forecasts(state) == ()
    assert in_force(state) == ()


def test_areas_without_a_scope_are_never_in_force():
    bare = Reading(
        source=source("VTSE51", 0, events=("20260901115900",)),
        areas=(area("220", kind(Danger.TSUNAMI, Grade.EMERGENCY), system=System.TSUNAMI),),
        forecasts=series(0, 1).forecasts,
    )
    state, _ = fold(LIVE, bare)
    assert in_force(state) == ()
    assert len(forecasts(state)) == 1


def test_since_stays_right_when_more_telegrams_repeat_a_grade_than_are_remembered():
    many = [warning(minute, Grade.WARNING, EAST) for minute in range(1, MAX_ENTRIES + 50)]
    state, _ = fold_all(LIVE, (warning(0, Grade.ADVISORY, EAST), *many))
    assert standings(state)[LANDSLIDE_EAST].since == NOON + timedelta(minutes=1)
    assert len(state.scopes["VPWW56/040000"].timeline) == MAX_ENTRIES


def test_when_nothing_is_in_force_the_state_rests_on_the_newest_telegram_alone():
    readings = [warning(minute, Grade.WARNING, EAST) for minute in range(20)]
    state, _ = fold_all(LIVE, readings)
    assert rests_on(state) == {readings[0].source.key, readings[-1].source.key}
    last = warning(20, Grade.NONE, EAST)
    state, _ = fold(state, last)
    assert rests_on(state) == {last.source.key}


GRADES = st.sampled_from([Grade.NONE, Grade.ADVISORY, Grade.WARNING, Grade.URGENT, Grade.UNKNOWN])
MINUTES = st.integers(0, 30)
ANY = st.one_of(
    st.builds(
        lambda minute, grade, codes: warning(minute, grade, *sorted(codes)),
        MINUTES,
        GRADES,
        st.sets(st.sampled_from([EAST, WEST])),
    ),
    st.builds(lambda minute, grade: warning(minute, grade, EAST, type_code=COLLECTION), MINUTES, GRADES),
    st.builds(river, MINUTES, GRADES, st.sampled_from(["820202000100", "820209000400"])),
    st.builds(shaking, MINUTES),
    st.builds(lambda minute, hours: series(minute, *hours), MINUTES, st.sampled_from([(), (3,), (3, 6)])),
    st.builds(recall, MINUTES, st.sampled_from(["VPWW56", COLLECTION, "VPWP50"])),
    st.builds(
        lambda minute, event: recall(minute, "VXKO52", events=(event,), tie=event),
        MINUTES,
        st.sampled_from(["820202000100", "820209000400"]),
    ),
    st.builds(lambda minute: recall(minute, "VXSE51", events=("20260901115900",)), MINUTES),
)
# One telegram is one key: what was drawn twice with other content is not the same telegram.
TELEGRAMS = st.lists(ANY, max_size=14, unique_by=lambda one: one.source.key)


@given(telegrams=TELEGRAMS, data=st.data())
def test_telegrams_of_many_kinds_end_in_one_state_whatever_their_order_and_repeats(telegrams, data):
    repeats = data.draw(st.lists(st.sampled_from(telegrams), max_size=6)) if telegrams else []
    shuffled = data.draw(st.permutations([*telegrams, *repeats]))
    in_order, _ = fold_all(LIVE, sorted(telegrams, key=lambda one: one.source.order))
    found, _ = fold_all(LIVE, shuffled)
    assert found == in_order


@given(telegrams=TELEGRAMS)
def test_what_the_state_rests_on_tells_it_again(telegrams):
    state, _ = fold_all(LIVE, telegrams)
    needed = rests_on(state)
    again, _ = fold_all(LIVE, [one for one in telegrams if one.source.key in needed])
    assert in_force(again) == in_force(state)
    assert forecasts(again) == forecasts(state)


@given(telegrams=TELEGRAMS)
def test_no_change_of_what_is_in_force_is_silent_and_every_change_is_true(telegrams):
    state = LIVE
    for one in telegrams:
        before, (state, found) = standings(state), fold(state, one)
        after = standings(state)
        changes = (
            [] if isinstance(found, IgnoredReason) else [c for c in found if c.area or c.before or c.after]
        )
        told = {}
        for change in changes:
            place = change.after or change.before
            if place is not None:
                assert place.key not in told
                told[place.key] = change
                assert (change.before, change.after) == (before.get(place.key), after.get(place.key))
        for key in {*before, *after}:
            was, now = before.get(key), after.get(key)
            if (was and was.kind.grade) != (now and now.kind.grade):
                assert key in told
                assert told[key].kind is not ChangeKind.DETAIL


@given(telegrams=TELEGRAMS)
def test_a_stored_state_is_the_same_state(telegrams):
    state, _ = fold_all(LIVE, telegrams)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State) == state


@pytest.mark.real_data
@pytest.mark.parametrize("family", ["r06", "legacy"])
def test_every_real_telegram_in_random_order_with_duplicates_ends_in_one_state(family):
    readings = []
    for folder in ("official_samples", "real_2026"):
        for path in sorted((jma_folder() / folder).glob("*.xml")):
            try:
                found = read(parse_telegram(path.read_bytes(), name=path.name)) or ()
            except FeedError:
                continue
            as_live = {"status": TelegramStatus.NORMAL}
            readings += [
                msgspec.structs.replace(one, source=msgspec.structs.replace(one.source, **as_live))
                for one in found
            ]
    assert len(readings) > 40
    empty = State(realm="live", family=family)
    expected, _ = fold_all(empty, sorted(readings, key=lambda one: one.source.order))
    assert len(in_force(expected)) > 100
    for seed in range(6):
        rng = random.Random(seed)
        shuffled = [*readings, *rng.choices(readings, k=30)]
        rng.shuffle(shuffled)
        assert fold_all(empty, shuffled)[0] == expected
