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
from workers.delivery_rules import HOLD_AT_MOST, MAX_TRIES, Backoff, Drop, Go, Hold, settle, standing
from workers.origins import FAILURES_IN_A_ROW, LONGEST_REST_S, Origins

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
    settled = settle(outcome, tries, BACKOFF, rng, hopeless=frozenset({"host_refused"}))
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
    assert (
        settle(outcome, 1, BACKOFF, random.Random(1), hopeless=frozenset({"host_refused"})).stage
        is Stage.FAILED
    )


@given(st.integers(1, 10_000), st.randoms())
def test_waiting_grows_to_a_bound_and_is_never_nothing(tries, rng):
    wait_s = BACKOFF.wait_s(tries, rng)
    assert 0.5 <= wait_s <= 60.0
    assert wait_s <= 2.0 ** min(tries - 1, 30)


class Watch:
    def __init__(self):
        self.at_s = 100.0

    def __call__(self):
        return self.at_s


def test_a_push_service_that_fails_in_a_row_rests_longer_each_time_and_one_message_tries():
    watch = Watch()
    origins = Origins(4, watch)
    for _ in range(FAILURES_IN_A_ROW):
        assert origins.rest_s("down") == 0
        origins.heard("down", alive=False)
    rests = []
    for _ in range(8):
        rests.append(origins.rest_s("down"))
        watch.at_s += rests[-1]
        assert origins.rest_s("down") == 0  # the one that tries
        assert origins.rest_s("down") > 0  # everybody else
        origins.heard("down", alive=False)
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST_S
    assert origins.rest_s("other") == 0
    watch.at_s += LONGEST_REST_S
    assert origins.rest_s("down") == 0
    origins.heard("down", alive=True)
    assert origins.rest_s("down") == origins.rest_s("down") == 0


def test_a_try_that_is_never_heard_of_is_followed_by_another():
    watch = Watch()
    origins = Origins(4, watch)
    for _ in range(FAILURES_IN_A_ROW):
        origins.heard("down", alive=False)
    watch.at_s += LONGEST_REST_S
    assert origins.rest_s("down") == 0
    watch.at_s += LONGEST_REST_S
    assert origins.rest_s("down") == 0
