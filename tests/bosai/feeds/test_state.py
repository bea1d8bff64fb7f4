"""What is in force, told from telegrams that come late, twice, in any order, corrected or withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.jma.envelope import marked_as_drill, parse_telegram
from bosai.feeds.jma.tsunami import TsunamiClass, TsunamiForecast, parse_tsunami
from bosai.feeds.state import (
    MAX_RECALLS,
    TelegramIgnored,
    TsunamiEvent,
    TsunamiLifted,
    TsunamiLowered,
    TsunamiRaised,
    TsunamiRecalled,
    TsunamiState,
    TsunamiUnchanged,
    TsunamiUnclear,
    apply,
    apply_all,
)
from tests.bosai.feeds.telegrams import EVENT, JST, SEQUENCE_2011, item, jma_folder, report

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=JST)
LIVE = TsunamiState(realm="live")


def forecast(
    *items: str, minute: int = 3, info_type: str = "発表", event_id: str = EVENT, status: str = "通常"
) -> TsunamiForecast:
    at = NOON + timedelta(minutes=minute)
    data = report(*items, report_at=at, info_type=info_type, event_id=event_id, status=status)
    return parse_tsunami(parse_telegram(data))


def ours(events: tuple[TsunamiEvent, ...]) -> TsunamiEvent:
    """The one event about 220, or the one about the telegram itself."""
    found = [e for e in events if isinstance(e, TelegramIgnored) or e.area_code == "220"]
    assert len(found) == 1, events
    return found[0]


def after(*telegrams: TsunamiForecast, state: TsunamiState = LIVE) -> tuple[TsunamiState, TsunamiEvent]:
    for telegram in telegrams[:-1]:
        state, _ = apply(state, telegram)
    state, events = apply(state, telegrams[-1])
    return state, ours(events)


def test_the_sequence_of_2011_leaves_this_state_after_each_telegram():
    """Expected values read from the files: 53, 52, 52 (arrival, height new), 52 (height new), 72 from 62."""
    expected = [
        (TsunamiClass.MAJOR_WARNING, TsunamiRaised, None),
        (TsunamiClass.MAJOR_WARNING, TsunamiUnchanged, ()),
        (TsunamiClass.MAJOR_WARNING, TsunamiUnchanged, ("arrival", "height")),
        (TsunamiClass.MAJOR_WARNING, TsunamiUnchanged, ("arrival", "height")),
        (TsunamiClass.FORECAST, TsunamiLifted, None),
    ]
    state = LIVE
    for name, (kind, event_type, changed) in zip(SEQUENCE_2011, expected, strict=True):
        data = (jma_folder() / "official_samples" / name).read_bytes()
        state, events = apply(state, parse_tsunami(parse_telegram(data, name=name)))
        event = ours(events)
        assert state.kind("220") is kind, name
        assert state.in_force("220") is (kind is TsunamiClass.MAJOR_WARNING), name
        assert type(event) is event_type, name
        if isinstance(event, TsunamiUnchanged):
            assert event.changed == changed, name
        if isinstance(event, TsunamiLifted):
            assert event.explicit


def test_a_first_warning_is_raised_from_nothing():
    state, event = after(forecast(item(kind="51")))
    assert isinstance(event, TsunamiRaised)
    assert event.before is None
    assert state.kind("220") is TsunamiClass.WARNING


@pytest.mark.parametrize(
    ("first", "second", "event_type"),
    [
        ("62", "51", TsunamiRaised),
        ("51", "53", TsunamiRaised),
        ("71", "62", TsunamiRaised),
        ("53", "52", TsunamiUnchanged),
        ("52", "51", TsunamiLowered),
        ("51", "62", TsunamiLowered),
        ("62", "60", TsunamiLifted),
        ("51", "50", TsunamiLifted),
        ("62", "72", TsunamiLifted),
        ("51", "99", TsunamiUnclear),
        ("99", "62", TsunamiRaised),
    ],
)
def test_a_change_of_kind_is_told_by_code(first: str, second: str, event_type: type[TsunamiEvent]):
    _, event = after(forecast(item(kind=first)), forecast(item(kind=second, last=first), minute=10))
    assert type(event) is event_type


def test_an_area_no_longer_named_is_lifted_but_not_in_so_many_words():
    state, event = after(forecast(item()), forecast(item(code="210"), minute=10))
    assert isinstance(event, TsunamiLifted)
    assert not event.explicit
    assert not state.in_force("220")


def test_a_stated_lifting_is_told_even_to_a_service_that_started_meanwhile():
    _, event = after(forecast(item(kind="60", last="62")))
    assert isinstance(event, TsunamiLifted)
    assert event.explicit


def test_a_lifting_repeated_is_told_once():
    lifted = forecast(item(kind="60", last="62"), minute=10)
    again = forecast(item(kind="60", last="62"), minute=11, info_type="訂正")
    state, _ = after(forecast(item()), lifted)
    _, events = apply(state, again)
    assert events == ()


def test_a_cancellation_recalls_and_is_no_lifting():
    state, event = after(forecast(item()), forecast(info_type="取消", minute=5))
    assert isinstance(event, TsunamiRecalled)
    assert event.before is not None
    assert event.before.kind is TsunamiClass.MAJOR_WARNING
    assert state.is_recalled
    assert not state.in_force("220")
    assert state.area("220") is None


def test_a_cancellation_of_another_event_leaves_ours_in_force():
    other = forecast(info_type="取消", minute=5, event_id="20260401090000")
    state, event = after(forecast(item()), other)
    assert isinstance(event, TelegramIgnored)
    assert event.reason == "nothing_to_recall"
    assert state.in_force("220")


def test_a_forecast_whose_cancellation_came_first_is_recalled_on_arrival():
    old, new_event = "20260401090000", "20260401120000"
    telegrams = (
        forecast(item(kind="62"), minute=1, event_id=old),
        forecast(info_type="取消", minute=5, event_id=new_event),
        forecast(item(kind="52"), minute=3, event_id=new_event),
    )
    state, event = after(*telegrams)
    assert isinstance(event, TsunamiRecalled)
    assert not state.in_force("220")


def test_a_second_cancellation_has_nothing_left_to_recall():
    first, second = (forecast(info_type="取消", minute=n) for n in (5, 6))
    _, event = after(forecast(item()), first, second)
    assert isinstance(event, TelegramIgnored)
    assert event.reason == "nothing_to_recall"


def test_a_cancellation_that_names_one_of_the_merged_events_recalls():
    merged = forecast(item(), event_id=f"20260401090000 {EVENT}")
    state, event = after(merged, forecast(info_type="取消", minute=5))
    assert isinstance(event, TsunamiRecalled)
    assert not state.in_force("220")


def test_a_forecast_after_a_recall_is_in_force_again():
    state, event = after(
        forecast(item()), forecast(info_type="取消", minute=5), forecast(item(kind="62"), minute=6)
    )
    assert isinstance(event, TsunamiRaised)
    assert state.kind("220") is TsunamiClass.ADVISORY
    assert state.recalls == ()


def test_a_correction_replaces_what_it_corrects():
    corrected = forecast(item(kind="51", last="00"), minute=4, info_type="訂正")
    state, event = after(forecast(item(kind="52")), corrected)
    assert isinstance(event, TsunamiLowered)
    assert state.kind("220") is TsunamiClass.WARNING


def test_a_correction_that_takes_the_area_out_recalls_it():
    _, event = after(forecast(item()), forecast(item(kind="71", last="00"), minute=4, info_type="訂正"))
    assert isinstance(event, TsunamiRecalled)


def test_a_correction_of_an_older_telegram_comes_too_late():
    newest = forecast(item(kind="53"), minute=10)
    late = forecast(item(kind="62"), minute=3, info_type="訂正")
    state, event = after(newest, late)
    assert isinstance(event, TelegramIgnored)
    assert event.reason == "late"
    assert state.kind("220") is TsunamiClass.MAJOR_WARNING


def test_within_one_minute_the_later_sent_telegram_stands():
    first = report(item(kind="62"), report_at=NOON, sent_after_s=5)
    second = report(item(kind="52"), report_at=NOON, sent_after_s=40)
    for order in ((first, second), (second, first)):
        state, _ = apply_all(LIVE, (parse_tsunami(parse_telegram(data)) for data in order))
        assert state.kind("220") is TsunamiClass.MAJOR_WARNING


def test_the_same_telegram_twice_changes_and_says_nothing_new():
    state, event = after(forecast(item()), forecast(item()))
    assert isinstance(event, TelegramIgnored)
    assert event.reason == "duplicate"
    assert state == apply(LIVE, forecast(item()))[0]


@pytest.mark.parametrize("status", ["訓練", "試験"])
def test_a_drill_telegram_never_touches_the_live_state(status: str):
    telegram = forecast(item(), status=status)
    state, event = after(telegram)
    assert state == LIVE
    assert isinstance(event, TelegramIgnored)
    assert event.reason == "status"
    drill, _ = after(telegram, state=TsunamiState(realm="drill"))
    assert drill.in_force("220")


def test_an_ordinary_telegram_never_touches_the_drill_state_unless_marked():
    ordinary = parse_telegram(report(item()))
    drill = TsunamiState(realm="drill")
    assert apply(drill, parse_tsunami(ordinary))[0] == drill
    assert apply(drill, parse_tsunami(marked_as_drill(ordinary)))[0].in_force("220")


def test_the_state_survives_being_stored():
    state, _ = after(
        forecast(item(arrival="2026-04-01T12:30:00+09:00")), forecast(info_type="取消", minute=5)
    )
    assert msgspec.json.decode(msgspec.json.encode(state), type=TsunamiState) == state


def test_recalls_cannot_pile_up_without_bound():
    many = [
        forecast(info_type="取消", minute=n, event_id=f"2026040109{n:04}") for n in range(MAX_RECALLS + 8)
    ]
    state, _ = apply_all(LIVE, many)
    assert len(state.recalls) == MAX_RECALLS


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
    event=st.sampled_from([EVENT, "20260401090000", f"20260401090000 {EVENT}"]),
)


@given(
    telegrams=st.lists(TELEGRAMS, max_size=8, unique_by=lambda t: t.source.report_at),
    data=st.data(),
)
def test_any_order_with_any_repeats_ends_in_the_same_state(
    telegrams: list[TsunamiForecast], data: st.DataObject
):
    in_order = sorted(telegrams, key=lambda t: t.source.report_at)
    repeats = data.draw(st.lists(st.sampled_from(telegrams), max_size=5)) if telegrams else []
    shuffled = data.draw(st.permutations([*telegrams, *repeats]))
    expected, _ = apply_all(LIVE, in_order)
    found, _ = apply_all(LIVE, shuffled)
    assert found == expected


@given(st.lists(TELEGRAMS, max_size=8))
def test_events_are_exactly_the_steps_between_the_states(telegrams: list[TsunamiForecast]):
    state = LIVE
    for telegram in telegrams:
        before, (state, events) = state.area("220"), apply(state, telegram)
        mine = [e for e in events if not isinstance(e, TelegramIgnored) and e.area_code == "220"]
        assert len(mine) <= 1
        for event in mine:
            assert event.before == before
            assert event.after == state.area("220")
        was = before is not None and before.kind.is_in_force
        if was != state.in_force("220"):
            assert len(mine) == 1, "a change of what is in force is never silent"
