"""What is in force, told from telegrams that come late, twice, in any order, corrected or withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.changes import Change, ChangeKind, IgnoredReason, Standing
from bosai.feeds.in_force import State, fold, fold_all, in_force, rests_on
from bosai.feeds.jma.envelope import marked_as_drill, parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Danger, Grade, Reading, System
from bosai.feeds.recalls import MAX_RECALLS
from tests.bosai.feeds.telegrams import EVENT, JST, SEQUENCE_2011, item, jma_folder, report

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=JST)
LIVE = State(realm="live")
OLD_EVENT = "20260401090000"


def reading_of(data: bytes, name: str = "") -> Reading:
    (one,) = read(parse_telegram(data, name=name)) or ()
    return one


def forecast(
    *items: str, minute: int = 3, info_type: str = "発表", event_id: str = EVENT, status: str = "通常"
) -> Reading:
    at = NOON + timedelta(minutes=minute)
    return reading_of(report(*items, report_at=at, info_type=info_type, event_id=event_id, status=status))


def ours(state: State) -> Standing | None:
    """What is in force on our coast."""
    found = [one for one in in_force(state) if one.key == (System.TSUNAMI, "220", Danger.TSUNAMI)]
    assert len(found) <= 1
    return found[0] if found else None


def grade(state: State) -> Grade:
    standing = ours(state)
    return Grade.NONE if standing is None else standing.kind.grade


def about_220(changes: tuple[Change, ...]) -> list[Change]:
    return [
        one
        for one in changes
        if "220" in {place.code for place in (one.area, one.before, one.after) if place is not None}
    ]


def after(*telegrams: Reading, state: State = LIVE) -> tuple[State, Change | IgnoredReason | None]:
    """The state after all, and what the last did to 220."""
    for telegram in telegrams[:-1]:
        state, _ = fold(state, telegram)
    state, found = fold(state, telegrams[-1])
    if isinstance(found, IgnoredReason):
        return state, found
    changes = about_220(found)
    assert len(changes) <= 1, changes
    return state, changes[0] if changes else None


def kind_of(change: Change | IgnoredReason | None) -> ChangeKind:
    assert isinstance(change, Change), change
    return change.kind


def test_the_sequence_of_2011_leaves_this_state_after_each_telegram():
    """Expected values read from the files: 53, 52, 52 (arrival, height new), 52 (height new), 72 from 62."""
    first = datetime(2011, 3, 11, 14, 49, tzinfo=JST)
    expected = [
        (Grade.EMERGENCY, ChangeKind.RAISED, (), "53"),
        (Grade.EMERGENCY, ChangeKind.DETAIL, ("code",), "52"),
        (Grade.EMERGENCY, ChangeKind.DETAIL, ("arrival", "height"), "52"),
        (Grade.EMERGENCY, ChangeKind.DETAIL, ("arrival", "height"), "52"),
        (Grade.NONE, ChangeKind.LIFTED, (), "72"),
    ]
    state = LIVE
    for name, (now, change_kind, details, code) in zip(SEQUENCE_2011, expected, strict=True):
        data = (jma_folder() / "official_samples" / name).read_bytes()
        state, found = fold(state, reading_of(data, name))
        assert not isinstance(found, IgnoredReason)
        (change,) = about_220(found)
        standing = ours(state)
        assert (change.kind, change.details) == (change_kind, details), name
        assert change.area is not None
        assert change.area.kinds[0].code == code
        if now is Grade.NONE:
            assert standing is None
            assert change.stated
        else:
            assert standing is not None
            assert (standing.kind.grade, standing.since) == (now, first), name
            assert standing.source.report_at == change.source.report_at


def test_a_first_warning_is_raised_from_nothing():
    state, change = after(forecast(item(kind="51")))
    assert kind_of(change) is ChangeKind.RAISED
    assert isinstance(change, Change)
    assert change.before is None
    assert grade(state) is Grade.WARNING


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("62", "51", ChangeKind.RAISED),
        ("51", "53", ChangeKind.RAISED),
        ("71", "62", ChangeKind.RAISED),
        ("53", "52", ChangeKind.DETAIL),
        ("52", "51", ChangeKind.LOWERED),
        ("51", "62", ChangeKind.LOWERED),
        ("62", "60", ChangeKind.LIFTED),
        ("51", "50", ChangeKind.LIFTED),
        ("62", "72", ChangeKind.LIFTED),
        ("51", "99", ChangeKind.UNCLEAR),
        ("99", "62", ChangeKind.RAISED),
    ],
)
def test_a_change_of_kind_is_told_by_code(first: str, second: str, kind: ChangeKind):
    _, change = after(forecast(item(kind=first)), forecast(item(kind=second, last=first), minute=10))
    assert kind_of(change) is kind


def test_a_telegram_that_says_the_same_again_changes_nothing():
    state, change = after(forecast(item()), forecast(item(), minute=10))
    assert change is None
    standing = ours(state)
    assert standing is not None
    assert standing.since == NOON + timedelta(minutes=3)
    assert standing.source.report_at == NOON + timedelta(minutes=10)


def test_an_area_no_longer_named_is_lifted_but_not_in_so_many_words():
    state, change = after(forecast(item()), forecast(item(code="210"), minute=10))
    assert kind_of(change) is ChangeKind.LIFTED
    assert isinstance(change, Change)
    assert not change.stated
    assert ours(state) is None


def test_a_stated_lifting_is_told_even_to_a_service_that_started_meanwhile():
    _, change = after(forecast(item(kind="60", last="62")))
    assert kind_of(change) is ChangeKind.LIFTED
    assert isinstance(change, Change)
    assert change.stated
    assert change.before is None


def test_a_lifting_repeated_is_told_once():
    lifted = forecast(item(kind="60", last="62"), minute=10)
    again = forecast(item(kind="60", last="62"), minute=11, info_type="訂正")
    state, _ = after(forecast(item()), lifted)
    assert fold(state, again)[1] == ()


def test_a_cancellation_recalls_and_is_no_lifting():
    state, change = after(forecast(item()), forecast(info_type="取消", minute=5))
    assert kind_of(change) is ChangeKind.RECALLED
    assert isinstance(change, Change)
    assert change.grade_before is Grade.EMERGENCY
    assert change.grade_after is Grade.NONE
    assert in_force(state) == ()


def test_a_cancellation_of_another_event_leaves_ours_in_force():
    other = forecast(info_type="取消", minute=5, event_id=OLD_EVENT)
    state, change = after(forecast(item()), other)
    assert change is IgnoredReason.NOTHING_TO_RECALL
    assert grade(state) is Grade.EMERGENCY


def test_a_cancellation_spoken_by_the_office_that_stands_in_recalls_too():
    backup = report(info_type="取消", report_at=NOON + timedelta(minutes=5)).replace(
        "<EditorialOffice>気象庁本庁".encode(), "<EditorialOffice>大阪管区気象台".encode()
    )
    state, change = after(forecast(item()), reading_of(backup))
    assert kind_of(change) is ChangeKind.RECALLED
    assert ours(state) is None


def test_a_forecast_whose_cancellation_came_first_is_recalled_on_arrival():
    telegrams = (
        forecast(item(kind="62"), minute=1, event_id=OLD_EVENT),
        forecast(info_type="取消", minute=5),
        forecast(item(kind="52"), minute=3),
    )
    state, change = after(*telegrams)
    assert kind_of(change) is ChangeKind.RECALLED
    assert ours(state) is None


def test_a_second_cancellation_has_nothing_left_to_recall():
    first, second = (forecast(info_type="取消", minute=n) for n in (5, 6))
    _, change = after(forecast(item()), first, second)
    assert change is IgnoredReason.NOTHING_TO_RECALL


def test_a_cancellation_of_what_was_replaced_meanwhile_comes_late():
    _, change = after(forecast(item(), minute=10), forecast(info_type="取消", minute=5))
    assert change is IgnoredReason.LATE


def test_a_cancellation_that_names_one_of_the_merged_events_recalls():
    merged = forecast(item(), event_id=f"{OLD_EVENT} {EVENT}")
    state, change = after(merged, forecast(info_type="取消", minute=5))
    assert kind_of(change) is ChangeKind.RECALLED
    assert ours(state) is None


def test_a_forecast_after_a_recall_is_in_force_again_and_since_then_only():
    state, change = after(
        forecast(item(kind="62")), forecast(info_type="取消", minute=5), forecast(item(kind="62"), minute=6)
    )
    assert kind_of(change) is ChangeKind.RAISED
    standing = ours(state)
    assert standing is not None
    assert (standing.kind.grade, standing.since) == (Grade.ADVISORY, NOON + timedelta(minutes=6))


def test_a_correction_replaces_what_it_corrects():
    corrected = forecast(item(kind="51", last="00"), minute=4, info_type="訂正")
    state, change = after(forecast(item(kind="52")), corrected)
    assert kind_of(change) is ChangeKind.LOWERED
    assert grade(state) is Grade.WARNING


def test_a_correction_that_takes_the_area_out_recalls_it():
    _, change = after(forecast(item()), forecast(item(kind="71", last="00"), minute=4, info_type="訂正"))
    assert kind_of(change) is ChangeKind.RECALLED


def test_a_correction_of_an_older_telegram_comes_too_late():
    newest = forecast(item(kind="53"), minute=10)
    late = forecast(item(kind="62"), minute=3, info_type="訂正")
    state, change = after(newest, late)
    assert change is IgnoredReason.LATE
    assert grade(state) is Grade.EMERGENCY


def test_within_one_minute_the_later_sent_telegram_stands():
    first = report(item(kind="62"), report_at=NOON, sent_after_s=5)
    second = report(item(kind="52"), report_at=NOON, sent_after_s=40)
    for order in ((first, second), (second, first)):
        state, _ = fold_all(LIVE, (reading_of(data) for data in order))
        assert grade(state) is Grade.EMERGENCY


def test_the_same_telegram_twice_changes_and_says_nothing_new():
    state, change = after(forecast(item()), forecast(item()))
    assert change is IgnoredReason.DUPLICATE
    assert state == fold(LIVE, forecast(item()))[0]


@pytest.mark.parametrize("status", ["訓練", "試験"])
def test_a_drill_telegram_never_touches_the_live_state(status: str):
    telegram = forecast(item(), status=status)
    state, change = after(telegram)
    assert state == LIVE
    assert change is IgnoredReason.STATUS
    drill, _ = after(telegram, state=State(realm="drill"))
    assert ours(drill) is not None


def test_an_ordinary_telegram_never_touches_the_drill_state_unless_marked():
    ordinary = parse_telegram(report(item()))
    drill = State(realm="drill")
    (plain,) = read(ordinary) or ()
    (marked,) = read(marked_as_drill(ordinary)) or ()
    assert fold(drill, plain) == (drill, IgnoredReason.STATUS)
    assert ours(fold(drill, marked)[0]) is not None


def test_the_state_survives_being_stored():
    state, _ = after(
        forecast(item(arrival="2026-04-01T12:30:00+09:00")), forecast(info_type="取消", minute=5)
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State) == state


def test_recalls_cannot_pile_up_without_bound():
    many = [
        forecast(info_type="取消", minute=n, event_id=f"2026040109{n:04}") for n in range(MAX_RECALLS + 8)
    ]
    state, _ = fold_all(LIVE, many)
    assert len(state.recalls["VTSE41"]) == MAX_RECALLS


def test_a_grade_stands_since_the_telegram_that_first_gave_it_and_not_since_the_newest():
    state, _ = after(
        forecast(item(kind="62"), minute=1),
        forecast(item(kind="51"), minute=2),
        forecast(item(kind="51", height="<x/>"), minute=30),
    )
    standing = ours(state)
    assert standing is not None
    assert standing.since == NOON + timedelta(minutes=2)


def test_a_late_telegram_shows_that_a_grade_began_earlier():
    early, newest = forecast(item(kind="51"), minute=2), forecast(item(kind="51"), minute=9)
    state, change = after(newest, early)
    assert change is IgnoredReason.LATE
    standing = ours(state)
    assert standing is not None
    assert standing.since == NOON + timedelta(minutes=2)


def test_a_late_telegram_between_two_shows_that_a_spell_was_broken():
    state, _ = after(
        forecast(item(kind="51"), minute=2),
        forecast(item(kind="51"), minute=9),
        forecast(item(kind="62"), minute=5),
    )
    standing = ours(state)
    assert standing is not None
    assert standing.since == NOON + timedelta(minutes=9)


KINDS = ["00", "50", "51", "52", "53", "60", "62", "71", "72", "99"]
TELEGRAMS = st.builds(
    lambda minute, kind, info_type, event: forecast(
        *([] if info_type == "取消" else [item(kind=kind, last=None), item(code="210", kind="62")]),
        minute=minute,
        info_type=info_type,
        event_id=event,
    ),
    # Each minute stands for one telegram, as at JMA: two of one kind never share a report and send time.
    minute=st.integers(0, 40),
    kind=st.sampled_from(KINDS),
    info_type=st.sampled_from(["発表", "発表", "訂正", "取消"]),
    event=st.sampled_from([EVENT, OLD_EVENT, f"{OLD_EVENT} {EVENT}"]),
)


@given(
    telegrams=st.lists(TELEGRAMS, max_size=8, unique_by=lambda t: t.source.report_at),
    data=st.data(),
)
def test_any_order_with_any_repeats_ends_in_the_same_state(telegrams: list[Reading], data: st.DataObject):
    in_order = sorted(telegrams, key=lambda t: t.source.report_at)
    repeats = data.draw(st.lists(st.sampled_from(telegrams), max_size=5)) if telegrams else []
    shuffled = data.draw(st.permutations([*telegrams, *repeats]))
    expected, _ = fold_all(LIVE, in_order)
    found, _ = fold_all(LIVE, shuffled)
    assert found == expected


@given(telegrams=st.lists(TELEGRAMS, max_size=10, unique_by=lambda t: t.source.report_at))
def test_the_telegrams_a_state_rests_on_are_enough_to_tell_it_again(telegrams: list[Reading]):
    state, _ = fold_all(LIVE, telegrams)
    needed = rests_on(state)
    again, _ = fold_all(LIVE, [one for one in telegrams if one.source.key in needed])
    assert in_force(again) == in_force(state)


@given(st.lists(TELEGRAMS, max_size=8))
def test_changes_are_exactly_the_steps_between_the_states(telegrams: list[Reading]):
    state = LIVE
    for telegram in telegrams:
        before, (state, found) = ours(state), fold(state, telegram)
        mine = [] if isinstance(found, IgnoredReason) else about_220(found)
        assert len(mine) <= 1
        for change in mine:
            assert change.before == before
            assert change.after == ours(state)
        if (before and before.kind) != ((now := ours(state)) and now.kind):
            assert len(mine) == 1, "a change of what is in force is never silent"
