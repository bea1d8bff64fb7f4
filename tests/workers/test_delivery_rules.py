from __future__ import annotations

import random
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.alert import Act, AlertState
from bosai.model.instruction import MessageKind, Stage
from bosai.ports import PushOutcome
from tests.workers.street import NOW, draft, fake_id
from workers.delivery_rules import (
    HOLD_AT_MOST,
    MAX_TRIES,
    Backoff,
    Drop,
    Go,
    Hold,
    heard,
    is_untried,
    settle,
    standing,
)

BACKOFF = Backoff(base_s=1.0, max_s=60.0)


def version(act=Act.ISSUE, state=AlertState.ISSUED, released_at=NOW):
    return SimpleNamespace(alert=SimpleNamespace(act=act), state=state, released_at=released_at)


def told(message=MessageKind.ORDER):
    return draft(fake_id(1), message=message).numbered(1, "a:1")


@given(st.sampled_from(AlertState), st.sampled_from(Act), st.booleans(), st.integers(0, 60))
def test_an_order_goes_out_only_while_it_stands(state, newest_act, planned, age_s):
    record = version(state=state)
    newest = record if state is AlertState.ISSUED else version(act=newest_act)
    verdict = standing(told(), record, newest, planned, NOW + timedelta(seconds=age_s))
    if newest.alert.act in (Act.LIFT, Act.RECALL):
        assert isinstance(verdict, Drop)
    elif state is AlertState.ISSUED:
        assert verdict == Go(record)
    elif state is AlertState.SUPERSEDED:
        late = timedelta(seconds=age_s) >= HOLD_AT_MOST
        assert verdict == (Go(newest) if planned else Go(record) if late else Hold())
    else:
        assert isinstance(verdict, Drop)


@pytest.mark.parametrize("message", [MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA])
@pytest.mark.parametrize("act", list(Act))
def test_the_end_of_an_order_is_always_told(message, act):
    record = version(act=act)
    assert standing(told(message), record, version(act=Act.RECALL), True, NOW) == Go(record)


@given(st.integers(0, 599), st.integers(1, 500), st.one_of(st.none(), st.floats(0, 3600)), st.randoms())
def test_every_answer_ends_or_names_the_next_try(status, tries, retry_after_s, rng):
    outcome = PushOutcome(status=status, cause=f"http_{status}", retry_after_s=retry_after_s)
    settled = settle(outcome, tries, BACKOFF, rng)
    assert (settled.stage is Stage.QUEUED) is (settled.wait_s is not None)
    assert (settled.stage is Stage.ACCEPTED) is (200 <= status < 300)
    assert (settled.stage is Stage.RETIRED) is (status in (404, 410))
    if settled.wait_s is not None:
        assert settled.wait_s > 0
        assert tries < MAX_TRIES
        if retry_after_s is not None and status in (429, 503):
            assert settled.wait_s >= retry_after_s
    if settled.stage is not Stage.ACCEPTED:
        assert settled.cause


def test_what_no_repetition_mends_is_parked_at_once():
    outcome = PushOutcome(status=0, cause="host_refused")
    assert settle(outcome, 1, BACKOFF, random.Random(1)).stage is Stage.FAILED


@given(st.integers(1, 10_000), st.randoms())
def test_waiting_grows_to_a_bound_and_is_never_nothing(tries, rng):
    wait_s = BACKOFF.wait_s(tries, rng)
    assert 0.5 <= wait_s <= 60.0
    assert wait_s <= 2.0 ** min(tries - 1, 30)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (PushOutcome(status=201), 2),
        (PushOutcome(status=429, cause="http_429"), 0),
        (PushOutcome(status=404, cause="http_404"), 0),
        (PushOutcome(status=502, cause="http_502"), 1),
        (PushOutcome(status=0, cause="timeout"), 1),
        (PushOutcome(status=0, cause="no_connection", left=False), 0),
        (PushOutcome(status=0, cause="order_changed", left=False), 0),
    ],
)
def test_whoever_may_have_got_it_is_known_from_the_answer(outcome, expected):
    assert heard(outcome) == expected


def test_what_was_held_back_on_our_side_is_no_try():
    assert is_untried(PushOutcome(status=0, cause="push_service_down", left=False))
    assert not is_untried(PushOutcome(status=0, cause="timeout"))
    assert not is_untried(PushOutcome(status=0, cause="no_connection", left=False))
