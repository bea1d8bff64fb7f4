"""Which way a version can move: exactly the table, and nothing else."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import InvalidInput, SameOfficer, WrongState
from bosai.messages.orders import OrderTexts
from bosai.model.alert import LEGAL_MOVES, Act, AlertRecord, AlertState, DrillAlert, LiveAlert
from bosai.model.realm import Realm
from bosai.services import alert_moves as moves
from bosai.services.alerts import REVIEW_MIN
from tests.bosai.services.hq import START, flood, tsunami

WRITERS = {realm: moves.OrderWriter(realm, OrderTexts(), review_min=REVIEW_MIN) for realm in Realm}
FIRST = WRITERS[Realm.LIVE].first(flood(), "abe", START)
STATES = st.sampled_from(AlertState)


def in_state(state: AlertState, record: AlertRecord = FIRST) -> AlertRecord:
    return msgspec.structs.replace(record, state=state)


@given(STATES, STATES)
def test_a_version_moves_exactly_as_the_table_says(before: AlertState, after: AlertState) -> None:
    record = in_state(before)
    if after in LEGAL_MOVES[before]:
        assert moves.moved(record, after).state is after
        return
    with pytest.raises(WrongState) as caught:
        moves.moved(record, after)
    assert (caught.value.state, caught.value.wanted) == (before.value, after.value)


@given(st.lists(STATES, max_size=12))
def test_no_row_of_moves_releases_a_version_that_was_not_waiting_for_approval(path: list[AlertState]) -> None:
    record, states = FIRST, [FIRST.state]
    for state in path:
        try:
            record = moves.moved(record, state)
        except WrongState:
            continue
        states.append(state)
    for before, after in itertools.pairwise(states):
        assert not before.is_terminal
        if after is AlertState.ISSUED:
            assert before is AlertState.PENDING_APPROVAL


@given(STATES)
def test_contents_change_only_before_the_release(state: AlertState) -> None:
    record = in_state(state)
    if state in moves.OPEN_STATES:
        assert (
            WRITERS[Realm.LIVE].redrafted(record, flood(reason="別"), "sato", START).state is AlertState.DRAFT
        )
        return
    with pytest.raises(WrongState):
        WRITERS[Realm.LIVE].redrafted(record, flood(reason="別"), "sato", START)


@given(st.lists(st.sampled_from(["abe", "sato", "ito"]), max_size=5), st.sampled_from(["abe", "sato", "ito"]))
def test_whoever_edited_at_any_time_may_not_approve(editors: list[str], approver: str) -> None:
    record = FIRST
    for editor in editors:
        record = WRITERS[Realm.LIVE].redrafted(record, flood(reason=f"{editor}の変更"), editor, START)
    if approver in {"abe", *editors}:
        with pytest.raises(SameOfficer):
            moves.need_other_officer(record, approver)
    else:
        moves.need_other_officer(record, approver)


@pytest.mark.parametrize("realm", list(Realm))
def test_each_side_writes_its_own_type_and_names_itself_in_the_id(realm: Realm) -> None:
    alert = WRITERS[realm].first(tsunami(), "abe", START).alert
    assert type(alert) is {Realm.LIVE: LiveAlert, Realm.DRILL: DrillAlert}[realm]
    assert alert.alert_id.startswith(f"{realm.value}-")
    assert all(("訓練" in text.body) is realm.is_drill for lang, text in alert.texts.items() if lang == "ja")


def test_redrafting_keeps_who_drafted_first_and_when() -> None:
    changed = WRITERS[Realm.LIVE].redrafted(FIRST, flood(reason="別の理由"), "sato", START.replace(hour=9))
    assert (changed.alert.drafter, changed.alert.drafted_at) == ("abe", START)
    assert changed.alert.key == FIRST.alert.key
    assert changed.editors == ("abe", "sato")
    assert changed.decision_hash != FIRST.decision_hash


def test_a_recall_says_when_the_wrong_order_was_released() -> None:
    out = moves.released(
        in_state(AlertState.PENDING_APPROVAL), "sato", "incident", START.replace(hour=6, minute=7)
    )
    recall = WRITERS[Realm.LIVE].recall(out, 2, "区域の誤り", drafter="abe", now=START.replace(hour=8))
    assert "15:07" in recall.alert.texts["ja"].body
    assert recall.alert.act is Act.RECALL


def test_an_update_about_another_hazard_is_another_order() -> None:
    with pytest.raises(InvalidInput) as caught:
        WRITERS[Realm.LIVE].update(FIRST, 2, tsunami(), drafter="abe", now=START)
    assert caught.value.field == "hazard"
